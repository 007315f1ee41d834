/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PDM: drivers and their chains. A chain is built from the bottom: a driver's construct finds what
 * is below it ready and what is above it reachable by query_above. */
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

static viv_status_t drv_checked(viv_status_t st, uint32_t min_size, viv_iface_t iface,
                                viv_iface_t *ret_iface)
{
    if (!st && *(const uint32_t *)iface.ops < min_size) {
        return VIV_E_VERSION;
    }
    if (!st) {
        *ret_iface = iface;
    }
    return st;
}

static viv_status_t drv_query_one(PdmDriver *driver, const char *id, uint32_t min_size,
                                  viv_iface_t *ret_iface)
{
    viv_iface_t iface = {0};
    if (!driver->class->query_interface) {
        return VIV_E_NOT_FOUND;
    }
    viv_status_t st = driver->class->query_interface(&driver->pub, driver->self, id, &iface);
    return drv_checked(st, min_size, iface, ret_iface);
}

static viv_status_t drv_query_above(viv_drv_t *drv, const char *id, uint32_t min_size,
                                    viv_iface_t *ret_iface)
{
    PdmDriver *driver = pdm_drv(drv);
    if (driver->above) {
        return drv_query_one(driver->above, id, min_size, ret_iface);
    }
    PdmDevice *device = driver->device;
    viv_iface_t iface = {0};
    if (!device->class->query_interface) {
        return VIV_E_NOT_FOUND;
    }
    viv_status_t st =
        device->class->query_interface(&device->pub, device->self, driver->lun, id, &iface);
    return drv_checked(st, min_size, iface, ret_iface);
}

static viv_status_t drv_query_below(viv_drv_t *drv, const char *id, uint32_t min_size,
                                    viv_iface_t *ret_iface)
{
    PdmDriver *below = pdm_drv(drv)->below;
    return below ? drv_query_one(below, id, min_size, ret_iface) : VIV_E_NOT_FOUND;
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

static const viv_drv_api_t pdm_drv_api = {
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

/* -- chains ---------------------------------------------------------------------------------- */

/* Waits until whatever the I/O thread had queued for a driver has run. */
typedef struct DrvFence {
    GMutex lock;
    GCond cond;
    gboolean passed;
} DrvFence;

static gboolean drv_fence_dispatch(gpointer data)
{
    DrvFence *fence = data;
    g_mutex_lock(&fence->lock);
    fence->passed = TRUE;
    g_cond_signal(&fence->cond);
    g_mutex_unlock(&fence->lock);
    return G_SOURCE_REMOVE;
}

static void drv_io_fence(Vm *vm)
{
    DrvFence fence = {.passed = FALSE};
    if (!vm->io_thread || g_thread_self() == vm->io_thread) {
        return;
    }
    g_mutex_init(&fence.lock);
    g_cond_init(&fence.cond);
    GSource *source = g_idle_source_new(); /* low priority: after all io_call()s */
    g_source_set_callback(source, drv_fence_dispatch, &fence, NULL);
    g_source_attach(source, vm->io_context);
    g_mutex_lock(&fence.lock);
    while (!fence.passed) {
        g_cond_wait(&fence.cond, &fence.lock);
    }
    g_mutex_unlock(&fence.lock);
    g_source_unref(source);
    g_mutex_clear(&fence.lock);
    g_cond_clear(&fence.cond);
}

void pdm_chain_free(PdmDriver *top)
{
    if (!top) {
        return;
    }
    if (top->self && top->class->destruct) {
        top->class->destruct(&top->pub, top->self);
    }
    pdm_async_end_worker(top);
    drv_io_fence(top->pdm->vm);
    pdm_chain_free(top->below);
    g_free(top->self);
    g_free(top->fail_text);
    g_free(top->name);
    g_free(top);
}

static PdmDriver *pdm_driver_new(PdmDevice *device, uint32_t lun, CfgmNode *node,
                                 const char *class_name)
{
    VivError err = VIV_ERROR_INIT;
    const viv_class_t *cls = NULL;
    if (plugin_find(device->pdm->vm->plugins, VIV_KIND_DRIVER, class_name, &cls, &err)) {
        device->pub.api->fail(&device->pub, err.status, "LUN#%u: %s", lun, error_text(&err));
        error_clear(&err);
        return NULL;
    }
    PdmDriver *driver = g_new0(PdmDriver, 1);
    driver->pub.api = &pdm_drv_api;
    driver->pdm = device->pdm;
    driver->class = (const viv_driver_class_t *)(const void *)cls;
    driver->config = cfgm_child(node, "Config");
    driver->name = g_strdup_printf("%s@%s/LUN#%u", class_name, device->name, lun);
    driver->device = device;
    driver->lun = lun;
    return driver;
}

static viv_status_t pdm_driver_construct(PdmDriver *driver)
{
    VivError err = VIV_ERROR_INIT;
    const viv_driver_class_t *cls = driver->class;
    viv_dev_t *dev = &driver->device->pub;
    driver->self = g_try_malloc0(MAX(cls->instance_size, 1));
    if (!driver->self) {
        return dev->api->fail(dev, VIV_E_NOMEM, "%s: no memory", driver->name);
    }
    if (cfgm_validate_options(driver->config, cls->options, cls->option_stride, driver->self, NULL,
                              &err)) {
        viv_status_t st = dev->api->fail(dev, err.status, "%s", error_text(&err));
        error_clear(&err);
        return st;
    }
    viv_status_t st = cls->construct(&driver->pub, driver->self);
    if (st) {
        dev->api->fail(dev, st, "%s: %s", driver->name,
                       driver->fail_text ? driver->fail_text : viv_status_text(st));
    }
    return st;
}

#define PDM_CHAIN_MAX 16

static viv_status_t pdm_chain_level(PdmDevice *device, uint32_t lun, CfgmNode *node,
                                    PdmDriver *above, uint32_t depth, PdmDriver **ret_driver)
{
    viv_dev_t *dev = &device->pub;
    const char *class_name = cfgm_string(node, "Driver", NULL);
    if (!class_name || depth >= PDM_CHAIN_MAX) {
        return dev->api->fail(dev, VIV_E_CONFIG, "LUN#%u: %s", lun,
                              class_name ? "the driver chain is too long"
                                         : "the value Driver is missing");
    }
    PdmDriver *driver = pdm_driver_new(device, lun, node, class_name);
    if (!driver) {
        return VIV_E_CONFIG; /* not NOT_FOUND: that means "nothing is configured" to devices */
    }
    driver->above = above;
    CfgmNode *next = cfgm_child(node, "AttachedDriver");
    viv_status_t st =
        next ? pdm_chain_level(device, lun, next, driver, depth + 1, &driver->below) : VIV_OK;
    if (!st) {
        st = pdm_driver_construct(driver);
    }
    if (st) {
        pdm_chain_free(driver);
        return st;
    }
    *ret_driver = driver;
    return VIV_OK;
}

viv_status_t pdm_chain_build(PdmDevice *device, uint32_t lun, CfgmNode *node, PdmDriver **ret_top)
{
    return pdm_chain_level(device, lun, node, NULL, 0, ret_top);
}

viv_status_t pdm_chain_query(PdmDriver *top, const char *id, uint32_t min_size,
                             viv_iface_t *ret_iface)
{
    viv_status_t st = VIV_E_NOT_FOUND;
    for (PdmDriver *driver = top; driver && st == VIV_E_NOT_FOUND; driver = driver->below) {
        st = drv_query_one(driver, id, min_size, ret_iface);
    }
    return st;
}

void pdm_each_driver(Pdm *pdm, PdmDriverFn fn, void *ctx)
{
    for (guint i = 0; i < pdm->devices->len; i++) {
        PdmDevice *device = g_ptr_array_index(pdm->devices, i);
        for (guint j = 0; j < device->luns->len; j++) {
            PdmLun *lun = g_ptr_array_index(device->luns, j);
            for (PdmDriver *driver = lun->top; driver; driver = driver->below) {
                fn(driver, ctx);
            }
        }
    }
}
