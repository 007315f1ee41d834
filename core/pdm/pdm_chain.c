/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PDM: chains of drivers. From the top down each driver is configured and prepares what it offers
 * downwards; from the bottom up each is constructed, and finds what is below it ready. A driver
 * that has done neither is passed over by those that look for an interface. */
#include <string.h>

#include "log/log.h"
#include "pdm/pdm_internal.h"

/* -- queries --------------------------------------------------------------------------------- */

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
    if (!driver->answers || !driver->class->query_interface) {
        return VIV_E_NOT_FOUND;
    }
    viv_status_t st = driver->class->query_interface(&driver->pub, driver->self, id, &iface);
    return drv_checked(st, min_size, iface, ret_iface);
}

/* -- life ------------------------------------------------------------------------------------ */

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
    CfgmNode *own = top->own_config; /* strings of the whole chain */
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
    cfgm_free(own);
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

static viv_status_t pdm_driver_step(PdmDriver *driver,
                                    viv_status_t (*step)(viv_drv_t *drv, void *self))
{
    viv_dev_t *dev = &driver->device->pub;
    viv_status_t st = step(&driver->pub, driver->self);
    if (st) {
        dev->api->fail(dev, st, "%s: %s", driver->name,
                       driver->fail_text ? driver->fail_text : viv_status_text(st));
    }
    driver->answers = !st;
    return st;
}

/* Configures the instance and lets it make ready what it offers downwards. */
static viv_status_t pdm_driver_prepare(PdmDriver *driver)
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
    return cls->prepare ? pdm_driver_step(driver, cls->prepare) : VIV_OK;
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
    viv_status_t st = pdm_driver_prepare(driver);
    if (!st && next) {
        st = pdm_chain_level(device, lun, next, driver, depth + 1, &driver->below);
    }
    if (!st) {
        st = pdm_driver_step(driver, driver->class->construct);
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
    CfgmNode *own = NULL;
    viv_status_t st = pdm_transform(device, lun, node, &own);
    if (st) {
        return st;
    }
    if (own && !cfgm_value(own, "Driver")) { /* every driver has been taken out */
        cfgm_free(own);
        return VIV_E_NOT_FOUND;
    }
    st = pdm_chain_level(device, lun, own ? own : node, NULL, 0, ret_top);
    if (st) {
        cfgm_free(own);
        return st == VIV_E_NOT_FOUND ? VIV_E_IO : st; /* that means "nothing is configured" */
    }
    (*ret_top)->own_config = own;
    return VIV_OK;
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

viv_status_t pdm_chain_query_up(PdmDriver *bottom, PdmDevice *device, uint32_t lun, const char *id,
                                uint32_t min_size, viv_iface_t *ret_iface)
{
    viv_status_t st = VIV_E_NOT_FOUND;
    viv_iface_t iface = {0};
    for (PdmDriver *driver = bottom; driver && st == VIV_E_NOT_FOUND; driver = driver->above) {
        st = drv_query_one(driver, id, min_size, ret_iface);
    }
    if (st != VIV_E_NOT_FOUND || !device->class->query_interface) {
        return st;
    }
    st = device->class->query_interface(&device->pub, device->self, lun, id, &iface);
    return drv_checked(st, min_size, iface, ret_iface);
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
