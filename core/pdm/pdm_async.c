/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PDM: async completion. Each driver that submits gets one worker thread; done() goes to EMT 0 as a
 * request. In the deterministic mode done() comes from a timer at a fixed virtual delay behind the
 * submission, whatever the host took. Invariant: in_flight counts accepted works whose done() has
 * not returned. */
#include "pdm/pdm_internal.h"

#define PDM_ASYNC_DELAY_NS UINT64_C(100000)

struct PdmAsync {
    PdmDriver *driver;
    viv_status_t (*work)(void *ctx);
    void (*done)(void *ctx, viv_status_t status);
    void *ctx;
    viv_status_t status;
    gboolean worked;
    uint64_t due_ns;
};

static void pdm_async_deliver(Pdm *pdm, PdmAsync *item)
{
    item->done(item->ctx, item->status);
    g_free(item);
    g_mutex_lock(&pdm->async_lock);
    pdm->in_flight--;
    g_cond_broadcast(&pdm->async_cond);
    g_mutex_unlock(&pdm->async_lock);
}

static void pdm_async_on_emt(Vm *vm, void *ctx)
{
    pdm_async_deliver(vm->pdm, ctx);
}

static void pdm_async_do(PdmAsync *item)
{
    Pdm *pdm = item->driver->pdm;
    viv_status_t status = item->work(item->ctx);
    g_mutex_lock(&pdm->async_lock);
    item->status = status;
    item->worked = TRUE;
    g_cond_broadcast(&pdm->async_cond);
    g_mutex_unlock(&pdm->async_lock);
    if (!tm_deterministic(pdm->vm->tm)) {
        em_post(pdm->vm->em, 0, pdm_async_on_emt, item);
    }
}

static gpointer pdm_async_worker(gpointer data)
{
    PdmDriver *driver = data;
    for (;;) {
        PdmAsync *item = g_async_queue_pop(driver->works);
        if (!item->work) { /* the end marker */
            g_free(item);
            return NULL;
        }
        pdm_async_do(item);
    }
}

void pdm_async_end_worker(PdmDriver *driver)
{
    if (driver->worker) {
        g_async_queue_push(driver->works, g_new0(PdmAsync, 1));
        g_thread_join(driver->worker);
        driver->worker = NULL;
    }
    g_clear_pointer(&driver->works, g_async_queue_unref);
}

/* Deterministic mode, [emt 0]: everything that is due, in order of submission. */
static void pdm_async_timer(viv_dev_t *dev, void *ctx)
{
    Pdm *pdm = ctx;
    uint64_t now = tm_now(pdm->vm->tm);
    (void)dev;
    g_mutex_lock(&pdm->async_lock);
    PdmAsync *item;
    while ((item = g_queue_peek_head(&pdm->async_due)) && item->due_ns <= now) {
        g_queue_pop_head(&pdm->async_due);
        while (!item->worked) {
            g_cond_wait(&pdm->async_cond, &pdm->async_lock);
        }
        g_mutex_unlock(&pdm->async_lock);
        pdm_async_deliver(pdm, item);
        g_mutex_lock(&pdm->async_lock);
    }
    if (item) {
        tm_timer_arm(pdm->async_timer, item->due_ns);
    }
    g_mutex_unlock(&pdm->async_lock);
}

static viv_status_t pdm_async_submit(viv_drv_t *drv, viv_status_t (*work)(void *ctx),
                                     void (*done)(void *ctx, viv_status_t status), void *ctx)
{
    PdmDriver *driver = pdm_drv(drv);
    Pdm *pdm = driver->pdm;
    if (!work || !done) {
        return VIV_E_MISUSE;
    }
    PdmAsync *item = g_new0(PdmAsync, 1);
    item->driver = driver;
    item->work = work;
    item->done = done;
    item->ctx = ctx;
    g_mutex_lock(&pdm->async_lock);
    pdm->in_flight++;
    if (!driver->worker) {
        driver->works = g_async_queue_new();
        driver->worker = g_thread_new("async", pdm_async_worker, driver);
    }
    if (tm_deterministic(pdm->vm->tm)) {
        item->due_ns = tm_now(pdm->vm->tm) + PDM_ASYNC_DELAY_NS;
        g_queue_push_tail(&pdm->async_due, item);
        if (g_queue_get_length(&pdm->async_due) == 1) {
            tm_timer_arm(pdm->async_timer, item->due_ns);
        }
    }
    g_async_queue_push(driver->works, item);
    g_mutex_unlock(&pdm->async_lock);
    return VIV_OK;
}

const viv_async_api_t pdm_async_api = {
    .size = sizeof pdm_async_api,
    .submit = pdm_async_submit,
};

void pdm_async_init(Pdm *pdm)
{
    g_mutex_init(&pdm->async_lock);
    g_cond_init(&pdm->async_cond);
    g_queue_init(&pdm->async_due);
    g_rec_mutex_init(&pdm->async_timer_lock);
    pdm->async_timer = tm_timer_new(pdm->vm->tm, "pdm", "async", &pdm->async_timer_lock,
                                    pdm_async_timer, NULL, pdm);
}

void pdm_async_finish(Pdm *pdm)
{
    g_clear_pointer(&pdm->async_timer, tm_timer_free);
    g_queue_clear_full(&pdm->async_due, g_free);
    g_rec_mutex_clear(&pdm->async_timer_lock);
    g_mutex_clear(&pdm->async_lock);
    g_cond_clear(&pdm->async_cond);
}

/* Deterministic mode: what is not due yet is delivered all the same; a save avoids that by letting
 * the guest run on. */
static void pdm_drain_due(Vm *vm, void *ctx)
{
    Pdm *pdm = ctx;
    (void)vm;
    g_mutex_lock(&pdm->async_lock);
    for (GList *at = pdm->async_due.head; at; at = at->next) {
        ((PdmAsync *)at->data)->due_ns = 0;
    }
    g_mutex_unlock(&pdm->async_lock);
    pdm_async_timer(NULL, pdm);
}

static gboolean pdm_busy(Pdm *pdm)
{
    g_mutex_lock(&pdm->async_lock);
    gboolean busy = pdm->in_flight != 0;
    g_mutex_unlock(&pdm->async_lock);
    return busy;
}

void pdm_drain(Pdm *pdm)
{
    while (pdm_busy(pdm)) {
        if (tm_deterministic(pdm->vm->tm)) {
            em_call(pdm->vm->em, 0, pdm_drain_due, pdm);
            continue;
        }
        g_mutex_lock(&pdm->async_lock);
        if (pdm->in_flight) {
            g_cond_wait(&pdm->async_cond, &pdm->async_lock);
        }
        g_mutex_unlock(&pdm->async_lock);
    }
}

gboolean pdm_is_quiet(Pdm *pdm)
{
    return !pdm_busy(pdm);
}
