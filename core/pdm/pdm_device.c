/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PDM: device instances and their base table. */
#include <inttypes.h>
#include <string.h>

#include "log/log.h"
#include "pdm/pdm_internal.h"

viv_status_t pdm_fail(char **slot, viv_status_t status, const char *fmt, va_list args)
{
    if (!*slot) { /* the first sentence is the cause */
        *slot = g_strdup_vprintf(fmt, args);
    }
    return status;
}

/* -- the base table -------------------------------------------------------------------------- */

static viv_status_t pdm_dev_get_interface(viv_dev_t *dev, const char *id, uint32_t min_size,
                                          viv_iface_t *ret_iface)
{
    const void *table = pdm_service(id);
    if (!table) {
        return VIV_E_NOT_FOUND;
    }
    if (*(const uint32_t *)table < min_size) {
        return VIV_E_VERSION;
    }
    *ret_iface = (viv_iface_t){table, dev};
    return VIV_OK;
}

static void VIV_PRINTF(3, 4) pdm_dev_log(viv_dev_t *dev, uint32_t severity, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    viv_logv(pdm_dev(dev)->class->name, severity, fmt, args);
    va_end(args);
}

static viv_status_t VIV_PRINTF(3, 4)
    pdm_dev_fail(viv_dev_t *dev, viv_status_t status, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    pdm_fail(&pdm_dev(dev)->fail_text, status, fmt, args);
    va_end(args);
    return status;
}

static const char *pdm_dev_name(viv_dev_t *dev)
{
    return pdm_dev(dev)->name;
}

static uint32_t pdm_dev_number(viv_dev_t *dev)
{
    return pdm_dev(dev)->number;
}

static void pdm_dev_lock(viv_dev_t *dev)
{
    g_rec_mutex_lock(pdm_dev(dev)->lock);
}

static void pdm_dev_unlock(viv_dev_t *dev)
{
    g_rec_mutex_unlock(pdm_dev(dev)->lock);
}

static viv_status_t pdm_map_failed(PdmDevice *device, VivError *err)
{
    viv_status_t st = err->status;
    pdm_dev_fail(&device->pub, st, "%s", error_text(err));
    error_clear(err);
    return st;
}

static IomRange *pdm_new_io(PdmDevice *device, const viv_io_ops_t *ops, void *ctx, uint64_t len,
                            const char *name)
{
    g_autofree char *full = g_strdup_printf("%s %s", device->name, name ? name : "");
    return iom_range_new(&device->pub, device->lock, ops, ctx, len, g_strchomp(full));
}

static viv_range_t *pdm_keep_range(PdmDevice *device, IomRange *io, PgmRange *mmio)
{
    viv_range_t *range = g_new0(viv_range_t, 1);
    range->device = device;
    range->io = io;
    range->mmio = mmio;
    g_ptr_array_add(device->ranges, range);
    return range;
}

static viv_status_t pdm_dev_pio_map(viv_dev_t *dev, uint32_t base, uint32_t count,
                                    const viv_io_ops_t *ops, void *ctx, const char *name,
                                    viv_range_t **ret_range)
{
    PdmDevice *device = pdm_dev(dev);
    VivError err = VIV_ERROR_INIT;
    IomRange *io = pdm_new_io(device, ops, ctx, count, name);
    if (iom_pio_map(device->pdm->vm->iom, base, count, io, &err)) {
        iom_range_free(io);
        return pdm_map_failed(device, &err);
    }
    viv_range_t *range = pdm_keep_range(device, io, NULL);
    if (ret_range) {
        *ret_range = range;
    }
    return VIV_OK;
}

static viv_status_t pdm_dev_mmio_map(viv_dev_t *dev, uint64_t gpa, uint64_t len_bytes,
                                     const viv_io_ops_t *ops, void *ctx, const char *name,
                                     viv_range_t **ret_range)
{
    PdmDevice *device = pdm_dev(dev);
    VivError err = VIV_ERROR_INIT;
    IomRange *io = pdm_new_io(device, ops, ctx, len_bytes, name);
    PgmRange *mmio = pgm_map_mmio(device->pdm->vm->pgm, gpa, len_bytes, io, &err);
    if (!mmio) {
        iom_range_free(io);
        return pdm_map_failed(device, &err);
    }
    viv_range_t *range = pdm_keep_range(device, io, mmio);
    if (ret_range) {
        *ret_range = range;
    }
    return VIV_OK;
}

static void pdm_range_free(viv_range_t *range)
{
    Vm *vm = range->device->pdm->vm;
    if (range->mmio) {
        pgm_unmap(vm->pgm, range->mmio);
    } else {
        iom_pio_unmap(vm->iom, range->io);
    }
    iom_range_free(range->io);
    g_free(range);
}

static void pdm_dev_range_unmap(viv_dev_t *dev, viv_range_t *range)
{
    if (range && g_ptr_array_remove(pdm_dev(dev)->ranges, range)) {
        pdm_range_free(range);
    }
}

static void pdm_dev_mem_read(viv_dev_t *dev, uint64_t gpa, void *buf, uint64_t len_bytes)
{
    pdm_bus_read(pdm_dev(dev)->pdm, gpa, buf, len_bytes);
}

static void pdm_dev_mem_write(viv_dev_t *dev, uint64_t gpa, const void *buf, uint64_t len_bytes)
{
    pdm_bus_write(pdm_dev(dev)->pdm, gpa, buf, len_bytes);
}

static uint64_t pdm_dev_time_ns(viv_dev_t *dev)
{
    return tm_now(pdm_dev(dev)->pdm->vm->tm);
}

static viv_status_t pdm_dev_timer_create(viv_dev_t *dev, const char *name, viv_timer_fn fn,
                                         void *ctx, viv_timer_t **ret_timer)
{
    PdmDevice *device = pdm_dev(dev);
    viv_timer_t *timer =
        tm_timer_new(device->pdm->vm->tm, device->name, name, device->lock, fn, dev, ctx);
    g_ptr_array_add(device->timers, timer);
    *ret_timer = timer;
    return VIV_OK;
}

const viv_dev_api_t *pdm_device_api(void)
{
    static const viv_dev_api_t api = {
        .size = sizeof api,
        .level = VIV_API_LEVEL,
        .get_interface = pdm_dev_get_interface,
        .log = pdm_dev_log,
        .fail = pdm_dev_fail,
        .instance_name = pdm_dev_name,
        .instance_number = pdm_dev_number,
        .lock = pdm_dev_lock,
        .unlock = pdm_dev_unlock,
        .pio_map = pdm_dev_pio_map,
        .mmio_map = pdm_dev_mmio_map,
        .range_unmap = pdm_dev_range_unmap,
        .irq_set = pdm_irq_set,
        .mem_read = pdm_dev_mem_read,
        .mem_write = pdm_dev_mem_write,
        .time_ns = pdm_dev_time_ns,
        .timer_create = pdm_dev_timer_create,
        .timer_arm = tm_timer_arm,
        .timer_cancel = tm_timer_cancel,
        .timer_deadline = tm_timer_deadline,
    };
    return &api;
}

/* -- life ------------------------------------------------------------------------------------ */

PdmLun *pdm_lun_find(PdmDevice *device, uint32_t lun)
{
    for (guint i = 0; i < device->luns->len; i++) {
        PdmLun *entry = g_ptr_array_index(device->luns, i);
        if (entry->number == lun) {
            return entry;
        }
    }
    return NULL;
}

PdmDevice *pdm_device_new(Pdm *pdm, const viv_device_class_t *cls, CfgmNode *node, uint32_t number)
{
    PdmDevice *device = g_new0(PdmDevice, 1);
    device->pub.api = pdm_device_api();
    device->pdm = pdm;
    device->class = cls;
    device->node = node;
    device->config = cfgm_child(node, "Config");
    device->number = number;
    device->order = cfgm_u64(node, "Priority", cls->order);
    device->name = g_strdup_printf("%s/%u", cls->name, number);
    g_rec_mutex_init(&device->own_lock);
    device->lock = (cls->flags & VIV_DEV_CHIPSET_LOCK) ? &pdm->chipset : &device->own_lock;
    device->ranges = g_ptr_array_new();
    device->timers = g_ptr_array_new();
    device->rams = g_ptr_array_new_with_free_func(g_free);
    device->functions = g_ptr_array_new();
    device->luns = g_ptr_array_new();
    device->threads = g_ptr_array_new();
    return device;
}

/* [main, lock held] "" patterns a class reads through viv.cfg/1 cannot be known here: subtrees of
 * Config are the device's own, plain keys are the option table's. */
static const char *const pdm_allowed[] = {"*/**", NULL};

viv_status_t pdm_device_construct(PdmDevice *device, VivError *err)
{
    const viv_device_class_t *cls = device->class;
    device->self = g_try_malloc0(MAX(cls->instance_size, 1));
    if (!device->self) {
        return error_set(err, VIV_E_NOMEM, "%s: no memory for %u bytes of instance", device->name,
                         cls->instance_size);
    }
    viv_status_t st = cfgm_validate_options(device->config, cls->options, cls->option_stride,
                                            device->self, pdm_allowed, err);
    if (st) {
        return st;
    }
    g_rec_mutex_lock(device->lock);
    st = cls->construct(&device->pub, device->self);
    g_rec_mutex_unlock(device->lock);
    if (st) {
        return error_set(err, st, "%s: %s", device->name,
                         device->fail_text ? device->fail_text : viv_status_text(st));
    }
    g_clear_pointer(&device->fail_text, g_free);
    return VIV_OK;
}

void pdm_device_free(PdmDevice *device)
{
    pdm_threads_end(device);
    if (device->pdm->legacy == device) {
        device->pdm->legacy = NULL;
    }
    for (guint i = 0; i < device->luns->len; i++) {
        PdmLun *lun = g_ptr_array_index(device->luns, i);
        pdm_chain_free(lun->top);
        g_free(lun);
    }
    if (device->self && device->class->destruct) {
        g_rec_mutex_lock(device->lock);
        device->class->destruct(&device->pub, device->self);
        g_rec_mutex_unlock(device->lock);
    }
    pdm_dma_forget(device);
    while (device->ranges->len) {
        pdm_dev_range_unmap(&device->pub, g_ptr_array_index(device->ranges, 0));
    }
    for (guint i = 0; i < device->timers->len; i++) {
        tm_timer_free(g_ptr_array_index(device->timers, i));
    }
    for (guint i = 0; i < device->functions->len; i++) {
        pdm_pci_free(g_ptr_array_index(device->functions, i));
    }
    for (guint i = 0; i < device->rams->len; i++) {
        pgm_unmap(device->pdm->vm->pgm, ((viv_ram_t *)g_ptr_array_index(device->rams, i))->mapped);
    }
    stam_unregister(device->pdm->vm->stam, device->name);
    g_ptr_array_free(device->luns, TRUE);
    g_ptr_array_free(device->threads, TRUE);
    g_ptr_array_free(device->ranges, TRUE);
    g_ptr_array_free(device->timers, TRUE);
    g_ptr_array_free(device->rams, TRUE);
    g_ptr_array_free(device->functions, TRUE);
    g_rec_mutex_clear(&device->own_lock);
    g_free(device->self);
    g_free(device->fail_text);
    g_free(device->name);
    g_free(device);
}
