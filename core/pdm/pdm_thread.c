/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PDM: device queues and threads (viv.queue/1, viv.thread/1). Invariants:
 *  1. A thread calls its function only while `go` is set; pdm_threads_stand() clears it and waits
 *     until `inside` is clear.
 *  2. A queued call holds a reference to its queue entry only; entries of a device that goes are
 *     emptied, not run. */
#include "pdm/pdm_internal.h"

/* -- queues ---------------------------------------------------------------------------------- */

typedef struct PdmQueued {
    Pdm *pdm;
    viv_dev_t *dev;
    void (*fn)(viv_dev_t *dev, void *ctx);
    void *ctx;
} PdmQueued;

static gboolean pdm_lives(Pdm *pdm, const viv_dev_t *dev)
{
    for (guint i = 0; i < pdm->devices->len; i++) {
        if (g_ptr_array_index(pdm->devices, i) == (gconstpointer)dev) {
            return TRUE;
        }
    }
    return FALSE;
}

/* [emt 0] Devices come and go on [main] while the EMTs stand and serve requests no more, or before
 * they first run. */
static void pdm_queue_run(Vm *vm, void *ctx)
{
    PdmQueued *item = ctx;
    (void)vm;
    if (pdm_lives(item->pdm, item->dev)) {
        PdmDevice *device = pdm_dev(item->dev);
        g_rec_mutex_lock(device->lock);
        item->fn(item->dev, item->ctx);
        g_rec_mutex_unlock(device->lock);
    }
    g_free(item);
}

static viv_status_t pdm_queue_post(viv_dev_t *dev, void (*fn)(viv_dev_t *dev, void *ctx), void *ctx)
{
    PdmQueued *item = g_new(PdmQueued, 1);
    *item = (PdmQueued){pdm_dev(dev)->pdm, dev, fn, ctx};
    em_post(item->pdm->vm->em, 0, pdm_queue_run, item);
    return VIV_OK;
}

const viv_queue_api_t pdm_queue_api = {.size = sizeof pdm_queue_api, .post = pdm_queue_post};

/* -- threads --------------------------------------------------------------------------------- */

struct viv_thread {
    PdmDevice *device;
    GThread *thread;
    GMutex lock;
    GCond cond;
    gboolean go, inside, end, woken; /* under lock */
    void (*fn)(viv_dev_t *dev, void *ctx);
    void *ctx;
};

static gpointer pdm_thread_main(gpointer data)
{
    viv_thread_t *thread = data;
    g_mutex_lock(&thread->lock);
    while (!thread->end) {
        if (!thread->go) {
            g_cond_wait(&thread->cond, &thread->lock);
            continue;
        }
        thread->inside = TRUE;
        g_mutex_unlock(&thread->lock);
        thread->fn(&thread->device->pub, thread->ctx);
        g_mutex_lock(&thread->lock);
        thread->inside = FALSE;
        g_cond_broadcast(&thread->cond);
    }
    g_mutex_unlock(&thread->lock);
    return NULL;
}

static viv_status_t pdm_thread_create(viv_dev_t *dev, const char *name,
                                      void (*fn)(viv_dev_t *dev, void *ctx), void *ctx,
                                      viv_thread_t **ret_thread)
{
    viv_thread_t *thread = g_new0(viv_thread_t, 1);
    thread->device = pdm_dev(dev);
    thread->fn = fn;
    thread->ctx = ctx;
    g_mutex_init(&thread->lock);
    g_cond_init(&thread->cond);
    *ret_thread = thread;
    g_ptr_array_add(thread->device->threads, thread);
    thread->thread = g_thread_new(name, pdm_thread_main, thread);
    return VIV_OK;
}

static uint32_t pdm_thread_wait(viv_thread_t *thread, uint64_t timeout_ns)
{
    gint64 until = timeout_ns / 1000 > G_MAXINT32
                       ? G_MAXINT64
                       : g_get_monotonic_time() + (gint64)(timeout_ns / 1000);
    g_mutex_lock(&thread->lock);
    while (!thread->woken && thread->go && !thread->end) {
        if (until == G_MAXINT64) {
            g_cond_wait(&thread->cond, &thread->lock);
        } else if (!g_cond_wait_until(&thread->cond, &thread->lock, until)) {
            break;
        }
    }
    uint32_t woken = thread->woken ? 1 : 0;
    thread->woken = FALSE;
    g_mutex_unlock(&thread->lock);
    return woken;
}

static void pdm_thread_wake(viv_thread_t *thread)
{
    g_mutex_lock(&thread->lock);
    thread->woken = TRUE;
    g_cond_broadcast(&thread->cond);
    g_mutex_unlock(&thread->lock);
}

const viv_thread_api_t pdm_thread_api = {
    .size = sizeof pdm_thread_api,
    .create = pdm_thread_create,
    .wait = pdm_thread_wait,
    .wake = pdm_thread_wake,
};

void pdm_threads_go(PdmDevice *device)
{
    for (guint i = 0; i < device->threads->len; i++) {
        viv_thread_t *thread = g_ptr_array_index(device->threads, i);
        g_mutex_lock(&thread->lock);
        thread->go = TRUE;
        g_cond_broadcast(&thread->cond);
        g_mutex_unlock(&thread->lock);
    }
}

void pdm_threads_stand(PdmDevice *device)
{
    for (guint i = 0; i < device->threads->len; i++) {
        viv_thread_t *thread = g_ptr_array_index(device->threads, i);
        g_mutex_lock(&thread->lock);
        thread->go = FALSE;
        g_cond_broadcast(&thread->cond);
        while (thread->inside) {
            g_cond_wait(&thread->cond, &thread->lock);
        }
        g_mutex_unlock(&thread->lock);
    }
}

void pdm_threads_end(PdmDevice *device)
{
    pdm_threads_stand(device);
    for (guint i = 0; i < device->threads->len; i++) {
        viv_thread_t *thread = g_ptr_array_index(device->threads, i);
        g_mutex_lock(&thread->lock);
        thread->end = TRUE;
        g_cond_broadcast(&thread->cond);
        g_mutex_unlock(&thread->lock);
        g_thread_join(thread->thread);
        g_mutex_clear(&thread->lock);
        g_cond_clear(&thread->cond);
        g_free(thread);
    }
    g_ptr_array_set_size(device->threads, 0);
}
