/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PDM: what the host offers a driver, and the I/O thread's part of it. Chains: pdm_chain.c. */
#include <glib-unix.h>
#include <string.h>

#include "log/log.h"
#include "pdm/pdm_internal.h"

struct viv_watch {
    PdmDriver *driver;
    GRecMutex lock; /* held while fn runs */
    gboolean removed;
    gint refs;
    GSource *source;
    viv_watch_fn fn;
    void *ctx;
};

/* -- the table ------------------------------------------------------------------------------- */

static viv_status_t drv_get_interface(viv_drv_t *drv, const char *id, uint32_t min_size,
                                      viv_iface_t *ret_iface)
{
    const void *table = !strcmp(id, VIV_STORAGE_ID) ? (const void *)&pdm_storage_api
                        : !strcmp(id, VIV_ASYNC_ID) ? (const void *)&pdm_async_api
                                                    : NULL;
    if (!table) {
        return VIV_E_NOT_FOUND;
    }
    if (*(const uint32_t *)table < min_size) {
        return VIV_E_VERSION;
    }
    *ret_iface = (viv_iface_t){table, drv};
    return VIV_OK;
}

static void VIV_PRINTF(3, 4) drv_log(viv_drv_t *drv, uint32_t severity, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    viv_logv(pdm_drv(drv)->class->name, severity, fmt, args);
    va_end(args);
}

static viv_status_t VIV_PRINTF(3, 4)
    drv_fail(viv_drv_t *drv, viv_status_t status, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    pdm_fail(&pdm_drv(drv)->fail_text, status, fmt, args);
    va_end(args);
    return status;
}

static const char *drv_name(viv_drv_t *drv)
{
    return pdm_drv(drv)->name;
}

static viv_status_t drv_query_above(viv_drv_t *drv, const char *id, uint32_t min_size,
                                    viv_iface_t *ret_iface)
{
    return pdm_chain_query_up(pdm_drv(drv)->above, pdm_drv(drv)->device, pdm_drv(drv)->lun, id,
                              min_size, ret_iface);
}

static viv_status_t drv_query_below(viv_drv_t *drv, const char *id, uint32_t min_size,
                                    viv_iface_t *ret_iface)
{
    return pdm_chain_query(pdm_drv(drv)->below, id, min_size, ret_iface);
}

static uint64_t drv_time_ns(viv_drv_t *drv)
{
    return tm_now(pdm_drv(drv)->pdm->vm->tm);
}

/* -- watches --------------------------------------------------------------------------------- */

static void watch_unref(gpointer data)
{
    viv_watch_t *watch = data;
    if (g_atomic_int_dec_and_test(&watch->refs)) {
        g_rec_mutex_clear(&watch->lock);
        g_free(watch);
    }
}

static gboolean watch_dispatch(gint fd, GIOCondition condition, gpointer data)
{
    viv_watch_t *watch = data;
    uint32_t events = ((condition & G_IO_IN) ? VIV_WATCH_IN : 0) |
                      ((condition & G_IO_OUT) ? VIV_WATCH_OUT : 0) |
                      ((condition & (G_IO_HUP | G_IO_ERR | G_IO_NVAL)) ? VIV_WATCH_HUP : 0);
    (void)fd;
    g_atomic_int_inc(&watch->refs);
    g_rec_mutex_lock(&watch->lock);
    gboolean go_on = FALSE;
    if (!watch->removed) {
        go_on = watch->fn(&watch->driver->pub, watch->ctx, events) != 0 && !watch->removed;
        watch->removed |= !go_on;
    }
    g_rec_mutex_unlock(&watch->lock);
    watch_unref(watch);
    return go_on ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

static viv_status_t drv_watch_add(viv_drv_t *drv, int fd, uint32_t events, viv_watch_fn fn,
                                  void *ctx, viv_watch_t **ret_watch)
{
    PdmDriver *driver = pdm_drv(drv);
    viv_watch_t *watch = g_new0(viv_watch_t, 1);
    watch->driver = driver;
    watch->fn = fn;
    watch->ctx = ctx;
    watch->refs = 1; /* the source's */
    g_rec_mutex_init(&watch->lock);
    GIOCondition condition =
        (GIOCondition)(((events & VIV_WATCH_IN) ? G_IO_IN : 0) |
                       ((events & VIV_WATCH_OUT) ? G_IO_OUT : 0) | G_IO_HUP | G_IO_ERR);
    *ret_watch = watch; /* before the first event can come */
    watch->source = g_unix_fd_source_new(fd, condition);
    g_source_set_callback(watch->source, G_SOURCE_FUNC(watch_dispatch), watch, watch_unref);
    g_source_attach(watch->source, driver->pdm->vm->io_context);
    g_source_unref(watch->source);
    return VIV_OK;
}

static void drv_watch_remove(viv_drv_t *drv, viv_watch_t *watch)
{
    (void)drv;
    if (!watch) {
        return;
    }
    g_atomic_int_inc(&watch->refs);
    g_rec_mutex_lock(&watch->lock);
    gboolean gone = watch->removed;
    watch->removed = TRUE;
    g_rec_mutex_unlock(&watch->lock);
    if (!gone) {
        g_source_destroy(watch->source);
    }
    watch_unref(watch);
}

typedef struct DrvCall {
    PdmDriver *driver;
    void (*fn)(viv_drv_t *drv, void *ctx);
    void *ctx;
} DrvCall;

static gboolean drv_call_dispatch(gpointer data)
{
    const DrvCall *call = data;
    call->fn(&call->driver->pub, call->ctx);
    return G_SOURCE_REMOVE;
}

static viv_status_t drv_io_call(viv_drv_t *drv, void (*fn)(viv_drv_t *drv, void *ctx), void *ctx)
{
    DrvCall *call = g_new(DrvCall, 1);
    *call = (DrvCall){pdm_drv(drv), fn, ctx};
    GSource *source = g_idle_source_new();
    g_source_set_priority(source, G_PRIORITY_DEFAULT);
    g_source_set_callback(source, drv_call_dispatch, call, g_free);
    g_source_attach(source, pdm_drv(drv)->pdm->vm->io_context);
    g_source_unref(source);
    return VIV_OK;
}

const viv_drv_api_t pdm_drv_api = {
    .size = sizeof pdm_drv_api,
    .level = VIV_API_LEVEL,
    .get_interface = drv_get_interface,
    .log = drv_log,
    .fail = drv_fail,
    .instance_name = drv_name,
    .query_above = drv_query_above,
    .query_below = drv_query_below,
    .watch_add = drv_watch_add,
    .watch_remove = drv_watch_remove,
    .io_call = drv_io_call,
    .time_ns = drv_time_ns,
};
