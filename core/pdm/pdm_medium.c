/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PDM: drives whose medium a frontend can change (viv.mount/1), found by device, instance and
 * LUN. */
#include "pdm/pdm_internal.h"

/* The first driver of the chain with viv.mount/1. */
static PdmDriver *medium_of_lun(const PdmLun *lun, viv_iface_t *ret_iface)
{
    const uint32_t least = offsetof(viv_mount_ops_t, path) + (uint32_t)sizeof(void *);
    for (PdmDriver *driver = lun->top; driver; driver = driver->below) {
        viv_iface_t iface = {0};
        if (driver->class->query_interface &&
            driver->class->query_interface(&driver->pub, driver->self, VIV_MOUNT_ID, &iface) ==
                VIV_OK &&
            *(const uint32_t *)iface.ops >= least) {
            *ret_iface = iface;
            return driver;
        }
    }
    return NULL;
}

void pdm_medium_each(Pdm *pdm, PdmMediumFn fn, void *ctx)
{
    for (guint i = 0; i < pdm->devices->len; i++) {
        PdmDevice *device = g_ptr_array_index(pdm->devices, i);
        for (guint j = 0; j < device->luns->len; j++) {
            PdmLun *lun = g_ptr_array_index(device->luns, j);
            PdmMedium medium = {device->class->name, device->number, lun->number};
            viv_media_info_t info = {.size = sizeof info};
            viv_iface_t mount, media;
            if (!medium_of_lun(lun, &mount) ||
                pdm_chain_query(lun->top, VIV_MEDIA_ID, sizeof(uint32_t), &media)) {
                continue;
            }
            const viv_mount_ops_t *ops = mount.ops;
            ((const viv_media_ops_t *)media.ops)->info(media.self, &info);
            medium.type = info.type;
            medium.mounted = ops->is_mounted(mount.self) != 0;
            medium.locked = ops->is_locked(mount.self) != 0;
            medium.open = ops->is_open(mount.self) != 0;
            ops->path(mount.self, medium.path, sizeof medium.path);
            fn(&medium, ctx);
        }
    }
}

static PdmDriver *medium_find(Pdm *pdm, const PdmMedium *slot, viv_iface_t *ret_iface,
                              VivError *err)
{
    for (guint i = 0; i < pdm->devices->len; i++) {
        PdmDevice *device = g_ptr_array_index(pdm->devices, i);
        PdmLun *lun =
            g_strcmp0(device->class->name, slot->device) == 0 && device->number == slot->instance
                ? pdm_lun_find(device, slot->lun)
                : NULL;
        PdmDriver *driver = lun ? medium_of_lun(lun, ret_iface) : NULL;
        if (driver) {
            return driver;
        }
    }
    error_set(err, VIV_E_NOT_FOUND, "%s/%u/LUN#%u is no drive whose medium can be changed",
              slot->device, slot->instance, slot->lun);
    return NULL;
}

static viv_status_t medium_result(PdmDriver *driver, viv_status_t st, VivError *err)
{
    if (st) {
        error_set(err, st, "%s", driver->fail_text ? driver->fail_text : viv_status_text(st));
    }
    g_clear_pointer(&driver->fail_text, g_free);
    return st;
}

viv_status_t pdm_medium_insert(Pdm *pdm, const PdmMedium *slot, const char *path,
                               const char *format, gboolean force, VivError *err)
{
    viv_iface_t iface;
    PdmDriver *driver = medium_find(pdm, slot, &iface, err);
    if (!driver) {
        return VIV_E_NOT_FOUND;
    }
    const viv_mount_ops_t *ops = iface.ops;
    viv_status_t st = ops->mount(iface.self, path, format);
    if (st == VIV_E_BUSY && force) {
        g_clear_pointer(&driver->fail_text, g_free);
        st = ops->unmount(iface.self, 1, 1);
        if (!st) {
            st = ops->mount(iface.self, path, format);
        }
    }
    return medium_result(driver, st, err);
}

viv_status_t pdm_medium_eject(Pdm *pdm, const PdmMedium *slot, gboolean force, VivError *err)
{
    viv_iface_t iface;
    PdmDriver *driver = medium_find(pdm, slot, &iface, err);
    if (!driver) {
        return VIV_E_NOT_FOUND;
    }
    const viv_mount_ops_t *ops = iface.ops;
    return medium_result(driver, ops->unmount(iface.self, force ? 1 : 0, 1), err);
}
