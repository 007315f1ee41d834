/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PDM: construction in order, life-cycle broadcasts, saved state of devices (see pdm.h).
 * Invariants:
 *  1. devices is in order of construction; everything that ends runs over it backwards.
 *  2. Outside construct and destruct every device callback runs with the device's lock held. */
#include "pdm/pdm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log/log.h"
#include "pdm/pdm_internal.h"

#define PDM_STATE_VERSION 2 /* 2: PAM, which a boot without firmware opens by itself */

Pdm *pdm_new(Vm *vm)
{
    Pdm *pdm = g_new0(Pdm, 1);
    pdm->vm = vm;
    pdm->devices = g_ptr_array_new();
    pdm->functions = g_ptr_array_new();
    pdm->fwfiles = g_ptr_array_new();
    pdm->a20_sources =
        1; /* as most firmware leaves it; the owner of source 0 speaks for itself at reset */
    pdm->bus_count = 1;
    g_rec_mutex_init(&pdm->bars);
    g_rec_mutex_init(&pdm->chipset);
    pdm_dma_init(pdm);
    pdm_async_init(pdm);
    return pdm;
}

void pdm_free(Pdm *pdm)
{
    if (!pdm) {
        return;
    }
    while (pdm->devices->len) {
        PdmDevice *device = g_ptr_array_index(pdm->devices, pdm->devices->len - 1);
        pdm_device_free(device);
        g_ptr_array_set_size(pdm->devices, (gint)pdm->devices->len - 1);
    }
    pdm_async_finish(pdm);
    pdm_dma_finish(pdm);
    for (guint i = 0; i < pdm->fwfiles->len; i++) {
        PdmFwFile *file = g_ptr_array_index(pdm->fwfiles, i);
        g_free(file->name);
        g_free(file->data);
        g_free(file);
    }
    g_ptr_array_free(pdm->fwfiles, TRUE);
    g_ptr_array_free(pdm->functions, TRUE);
    g_ptr_array_free(pdm->devices, TRUE);
    g_rec_mutex_clear(&pdm->chipset);
    g_rec_mutex_clear(&pdm->bars);
    g_free(pdm);
}

/* -- construction ---------------------------------------------------------------------------- */

static gint pdm_order_compare(gconstpointer a, gconstpointer b)
{
    const PdmDevice *x = *(PdmDevice *const *)a, *y = *(PdmDevice *const *)b;
    if (x->order != y->order) {
        return x->order < y->order ? -1 : 1;
    }
    int names = strcmp(x->class->name, y->class->name);
    return names ? names : (x->number > y->number) - (x->number < y->number);
}

static viv_status_t pdm_instance_number(const CfgmNode *node, uint32_t *ret_number, VivError *err)
{
    char *end = NULL;
    errno = 0;
    unsigned long number = strtoul(cfgm_name(node), &end, 10);
    if (errno || !end || *end || end == cfgm_name(node) || number > 255) {
        g_autofree char *path = cfgm_path(node);
        return error_set(err, VIV_E_CONFIG, "%s is not an instance number from 0 to 255", path);
    }
    *ret_number = (uint32_t)number;
    return VIV_OK;
}

/* Makes (not yet constructs) the instances of one class. */
static viv_status_t pdm_collect_class(Pdm *pdm, CfgmNode *class_node, VivError *err)
{
    const viv_class_t *found = NULL;
    const char *name = cfgm_name(class_node);
    if (!cfgm_first_child(class_node)) {
        return VIV_OK;
    }
    viv_status_t st = plugin_find(pdm->vm->plugins, VIV_KIND_DEVICE, name, &found, err);
    if (st) {
        return st;
    }
    const viv_device_class_t *cls = (const viv_device_class_t *)(const void *)found;
    uint32_t count = 0;
    for (CfgmNode *node = cfgm_first_child(class_node); node; node = cfgm_next(node)) {
        uint32_t number = 0;
        if ((st = pdm_instance_number(node, &number, err))) {
            return st;
        }
        if (cls->max_instances && ++count > cls->max_instances) {
            return error_set(err, VIV_E_CONFIG, "Devices/%s: at most %u instances are possible",
                             name, cls->max_instances);
        }
        g_ptr_array_add(pdm->devices, pdm_device_new(pdm, cls, node, number));
    }
    return VIV_OK;
}

/* [main] Those after the first failure never were: free them without a destruct (self is NULL). */
viv_status_t pdm_construct_all(Pdm *pdm, VivError *err)
{
    CfgmNode *devices = cfgm_child(pdm->vm->cfgm, "Devices");
    for (CfgmNode *node = cfgm_first_child(devices); node; node = cfgm_next(node)) {
        viv_status_t st = pdm_collect_class(pdm, node, err);
        if (st) {
            return st;
        }
    }
    g_ptr_array_sort(pdm->devices, pdm_order_compare);
    for (guint i = 0; i < pdm->devices->len; i++) {
        viv_status_t st = pdm_device_construct(g_ptr_array_index(pdm->devices, i), err);
        if (st) {
            return st;
        }
    }
    pdm_transform_report(pdm);
    return VIV_OK;
}

/* -- broadcasts ------------------------------------------------------------------------------ */

typedef void (*PdmDeviceCall)(viv_dev_t *dev, void *self);

static void pdm_tell(PdmDevice *device, PdmDeviceCall fn)
{
    if (fn && device->self) {
        g_rec_mutex_lock(device->lock);
        fn(&device->pub, device->self);
        g_rec_mutex_unlock(device->lock);
    }
}

void pdm_device_reset(PdmDevice *device)
{
    pdm_tell(device, device->class->reset);
}

static void pdm_reset_devices(Pdm *pdm)
{
    for (guint i = 0; i < pdm->devices->len; i++) {
        pdm_device_reset(g_ptr_array_index(pdm->devices, i));
    }
}

static void pdm_driver_power_on(PdmDriver *driver, void *ctx)
{
    VivError *err = ctx;
    if (driver->class->power_on && !err->status) {
        viv_status_t st = driver->class->power_on(&driver->pub, driver->self);
        if (st) {
            error_set(err, st, "%s: %s", driver->name,
                      driver->fail_text ? driver->fail_text : viv_status_text(st));
        }
    }
}

viv_status_t pdm_power_on(Pdm *pdm, VivError *err)
{
    VivError own = VIV_ERROR_INIT;
    pdm_each_driver(pdm, pdm_driver_power_on, &own);
    for (guint i = 0; i < pdm->devices->len && !own.status; i++) {
        PdmDevice *device = g_ptr_array_index(pdm->devices, i);
        if (device->class->power_on) {
            g_rec_mutex_lock(device->lock);
            viv_status_t st = device->class->power_on(&device->pub, device->self);
            g_rec_mutex_unlock(device->lock);
            if (st) {
                error_set(&own, st, "%s: %s", device->name,
                          device->fail_text ? device->fail_text : viv_status_text(st));
            }
        }
    }
    if (own.status) {
        return error_move(err, &own);
    }
    pdm_pci_snapshot(pdm);
    pdm_reset_devices(pdm);
    pdm->powered = TRUE;
    return VIV_OK;
}

static void pdm_driver_tell(PdmDriver *driver, void *ctx)
{
    /* ctx is the offset of the callback in the class */
    void (*const *fn)(viv_drv_t *, void *) = (void (*const *)(viv_drv_t *, void *))(
        const void *)((const char *)driver->class + GPOINTER_TO_SIZE(ctx));
    if (*fn) {
        (*fn)(&driver->pub, driver->self);
    }
}

#define PDM_TELL_DRIVERS(pdm, member)                                                              \
    pdm_each_driver((pdm), pdm_driver_tell, GSIZE_TO_POINTER(offsetof(viv_driver_class_t, member)))

void pdm_power_off(Pdm *pdm)
{
    if (!pdm || !pdm->powered) {
        return;
    }
    pdm->powered = FALSE;
    for (guint i = pdm->devices->len; i-- > 0;) {
        PdmDevice *device = g_ptr_array_index(pdm->devices, i);
        pdm_tell(device, device->class->power_off);
    }
    PDM_TELL_DRIVERS(pdm, power_off);
}

void pdm_suspend(Pdm *pdm)
{
    for (guint i = pdm->devices->len; i-- > 0;) {
        PdmDevice *device = g_ptr_array_index(pdm->devices, i);
        pdm_tell(device, device->class->suspend);
        pdm_threads_stand(device);
    }
    PDM_TELL_DRIVERS(pdm, suspend);
}

void pdm_resume(Pdm *pdm)
{
    PDM_TELL_DRIVERS(pdm, resume);
    for (guint i = 0; i < pdm->devices->len; i++) {
        PdmDevice *device = g_ptr_array_index(pdm->devices, i);
        pdm_tell(device, device->class->resume);
        pdm_threads_go(device);
    }
}

void pdm_reset(Pdm *pdm)
{
    pdm_irq_clear_all(pdm);
    pdm_dma_clear_all(pdm);
    pdm_pci_reset(pdm);
    pdm_reset_devices(pdm);
    pdm_apply_a20(pdm);
}

/* -- looking up ------------------------------------------------------------------------------ */

static PdmDevice *pdm_find(Pdm *pdm, const char *name, uint32_t instance)
{
    for (guint i = 0; i < pdm->devices->len; i++) {
        PdmDevice *device = g_ptr_array_index(pdm->devices, i);
        if (device->number == instance && !strcmp(device->class->name, name)) {
            return device;
        }
    }
    return NULL;
}

viv_status_t pdm_device_interface(Pdm *pdm, const char *device, uint32_t instance, uint32_t lun,
                                  const char *id, viv_iface_t *ret_iface)
{
    PdmDevice *found = pdm_find(pdm, device, instance);
    if (!found || !found->class->query_interface) {
        return VIV_E_NOT_FOUND;
    }
    return found->class->query_interface(&found->pub, found->self, lun, id, ret_iface);
}

viv_status_t pdm_lun_interface(Pdm *pdm, const char *device, uint32_t instance, uint32_t lun,
                               const char *id, viv_iface_t *ret_iface)
{
    PdmDevice *found = pdm_find(pdm, device, instance);
    PdmLun *entry = found ? pdm_lun_find(found, lun) : NULL;
    return entry ? pdm_chain_query(entry->top, id, sizeof(uint32_t), ret_iface) : VIV_E_NOT_FOUND;
}

viv_status_t pdm_port_interface(Pdm *pdm, const char *device, uint32_t instance, uint32_t lun,
                                const char *id, viv_iface_t *ret_iface)
{
    PdmDevice *found = pdm_find(pdm, device, instance);
    PdmLun *entry = found ? pdm_lun_find(found, lun) : NULL;
    PdmDriver *bottom = entry ? entry->top : NULL;
    while (bottom && bottom->below) {
        bottom = bottom->below;
    }
    return found ? pdm_chain_query_up(bottom, found, lun, id, sizeof(uint32_t), ret_iface)
                 : VIV_E_NOT_FOUND;
}

gboolean pdm_has_device(Pdm *pdm, const char *name)
{
    for (guint i = 0; i < pdm->devices->len; i++) {
        const PdmDevice *device = g_ptr_array_index(pdm->devices, i);
        if (!strcmp(device->class->name, name)) {
            return TRUE;
        }
    }
    return FALSE;
}

/* -- saved state ----------------------------------------------------------------------------- */

static viv_status_t pdm_save_device(PdmDevice *device, SsmWriter *writer, VivError *err)
{
    const viv_device_class_t *cls = device->class;
    viv_status_t st =
        ssm_unit_begin(writer, cls->name, device->number, cls->state_version, SSM_PASS_FINAL);
    if (st) {
        return st;
    }
    viv_stream_t *out = ssm_writer_stream(writer);
    g_rec_mutex_lock(device->lock);
    ssm_put_fields(out, cls->state, cls->field_stride, device->self);
    st = cls->save ? cls->save(&device->pub, device->self, out) : VIV_OK;
    g_rec_mutex_unlock(device->lock);
    if (st) {
        return error_set(err, st, "%s cannot save its state: %s", device->name,
                         device->fail_text ? device->fail_text : viv_status_text(st));
    }
    return ssm_unit_end(writer);
}

static gboolean pdm_has_state(const PdmDevice *device)
{
    return device->class->state_version != 0;
}

viv_status_t pdm_save(Pdm *pdm, SsmWriter *writer, VivError *err)
{
    viv_status_t st = ssm_unit_begin(writer, "pdm", 0, PDM_STATE_VERSION, SSM_PASS_FINAL);
    if (st) {
        return st;
    }
    ssm_put_u32(ssm_writer_stream(writer), pdm->a20_sources);
    ssm_put_u32(ssm_writer_stream(writer), pdm->ignne);
    uint8_t pam[PGM_PAM_PAGES];
    pgm_pam_get(pdm->vm->pgm, pam);
    ssm_put(ssm_writer_stream(writer), pam, sizeof pam);
    if ((st = ssm_unit_end(writer)) || (st = pdm_pci_save(pdm, writer))) {
        return st;
    }
    for (guint i = 0; i < pdm->devices->len && !st; i++) {
        PdmDevice *device = g_ptr_array_index(pdm->devices, i);
        if (pdm_has_state(device)) {
            st = pdm_save_device(device, writer, err);
        }
    }
    return st;
}

/* The instance's timers as the state says them: tm_load() has armed those that were; reset must not
 * see them. */
static viv_status_t pdm_load_device(PdmDevice *device, SsmReader *reader, VivError *err)
{
    const viv_device_class_t *cls = device->class;
    SsmUnitInfo info;
    viv_stream_t *in;
    viv_status_t st = ssm_unit_open_named(reader, cls->name, device->number, &info, &in, err);
    if (st) {
        return st;
    }
    if (info.version > cls->state_version) {
        return error_set(err, VIV_E_VERSION, "unit %s has version %u; this %s reads up to %u",
                         device->name, info.version, cls->name, cls->state_version);
    }
    g_clear_pointer(&device->fail_text, g_free);
    g_rec_mutex_lock(device->lock);
    st = ssm_get_fields(in, cls->state, cls->field_stride, device->self, info.version);
    if (!st && cls->load) {
        st = cls->load(&device->pub, device->self, in, info.version);
    }
    if (!st) {
        st = ssm_stream_expect_end(in);
    }
    g_rec_mutex_unlock(device->lock);
    if (st) {
        const char *text = ssm_stream_error(in);
        if (*text && !device->fail_text) {
            return error_set(err, st, "%s", text); /* names file, unit and offset */
        }
        return error_set(err, st, "unit %s at offset %" G_GUINT64_FORMAT ": %s", device->name,
                         info.offset, device->fail_text ? device->fail_text : viv_status_text(st));
    }
    return VIV_OK;
}

static viv_status_t pdm_post_load(PdmDevice *device, SsmReader *reader, VivError *err)
{
    const viv_device_class_t *cls = device->class;
    uint32_t index;
    SsmUnitInfo info = {0};
    if (ssm_reader_find(reader, cls->name, device->number, SSM_PASS_FINAL, &index)) {
        ssm_reader_unit(reader, index, &info);
    }
    if (!cls->post_load) {
        return VIV_OK;
    }
    g_rec_mutex_lock(device->lock);
    viv_status_t st = cls->post_load(&device->pub, device->self, info.version);
    g_rec_mutex_unlock(device->lock);
    if (st) {
        return error_set(
            err, st, "unit %s at offset %" G_GUINT64_FORMAT ": %s", device->name, info.offset,
            device->fail_text ? device->fail_text : "holds a state that the device cannot have");
    }
    return VIV_OK;
}

/* PAM and A20 are kept by what the machine had: the registers of a chipset need not have set them.
 * ret_pam, *ret_has_pam: since version 2. */
static viv_status_t pdm_load_own(Pdm *pdm, SsmReader *reader, uint8_t *ret_pam,
                                 gboolean *ret_has_pam, VivError *err)
{
    SsmUnitInfo info;
    viv_stream_t *in;
    viv_status_t st = ssm_unit_open_named(reader, "pdm", 0, &info, &in, err);
    if (st) {
        return st;
    }
    ssm_get_u32(in, &pdm->a20_sources);
    ssm_get_u32(in, &pdm->ignne);
    *ret_has_pam = info.version >= 2;
    if (*ret_has_pam) {
        ssm_get(in, ret_pam, PGM_PAM_PAGES);
    }
    st = ssm_stream_expect_end(in);
    return st ? error_set(err, st, "%s", ssm_stream_error(in)) : VIV_OK;
}

static viv_status_t pdm_load_units(Pdm *pdm, SsmReader *reader, VivError *err)
{
    uint8_t pam[PGM_PAM_PAGES];
    gboolean has_pam = FALSE;
    viv_status_t st = pdm_load_own(pdm, reader, pam, &has_pam, err);
    if (st || (st = pdm_pci_load(pdm, reader, err))) {
        return st;
    }
    uint32_t a20 = pdm->a20_sources;
    for (guint i = 0; i < pdm->devices->len && !st; i++) {
        PdmDevice *device = g_ptr_array_index(pdm->devices, i);
        if (pdm_has_state(device)) {
            st = pdm_load_device(device, reader, err);
        }
    }
    for (guint i = 0; i < pdm->devices->len && !st; i++) {
        PdmDevice *device = g_ptr_array_index(pdm->devices, i);
        if (pdm_has_state(device)) {
            st = pdm_post_load(device, reader, err);
        }
    }
    if (!st && has_pam && (st = pgm_pam_put(pdm->vm->pgm, pam))) {
        error_set(err, st, "unit pdm/0: a page below 1 MiB has an unknown attribute");
    }
    pdm->a20_sources = a20;
    pdm_apply_a20(pdm);
    return st;
}

viv_status_t pdm_load(Pdm *pdm, SsmReader *reader, VivError *err)
{
    pdm_lines_clear(pdm);
    pdm_dma_clear_all(pdm);
    pdm->loading = TRUE;
    viv_status_t st = pdm_load_units(pdm, reader, err);
    pdm->loading = FALSE;
    return st;
}
