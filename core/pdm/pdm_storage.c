/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PDM: viv.storage/1, images for drivers through VD and the storage plugins that are installed. */
#include "pdm/pdm_internal.h"
#include "vd/vd.h"

static GPtrArray *pdm_formats(Pdm *pdm)
{
    GPtrArray *formats = g_ptr_array_new();
    g_auto(GStrv) names = plugin_list_classes(pdm->vm->plugins, VIV_KIND_STORAGE);
    for (char **name = names; name && *name; name++) {
        const viv_class_t *cls = NULL;
        if (plugin_find(pdm->vm->plugins, VIV_KIND_STORAGE, *name, &cls, NULL) == VIV_OK) {
            g_ptr_array_add(formats, (gpointer)(uintptr_t)cls);
        }
    }
    return formats;
}

static viv_status_t storage_open(viv_drv_t *drv, const char *path, const char *format,
                                 uint32_t flags, viv_disk_t **ret_disk)
{
    g_autoptr(GPtrArray) formats = pdm_formats(pdm_drv(drv)->pdm);
    g_autofree char *error = NULL;
    VdDisk *disk = NULL;
    uint32_t open_flags = (flags & VIV_DISK_READ_ONLY) ? VIV_OPEN_READ_ONLY : 0;
    if (formats->len == 0) {
        return drv->api->fail(drv, VIV_E_NOT_FOUND, "%s: no storage format plugin is installed",
                              path);
    }
    viv_status_t st = vd_open((const viv_format_class_t *const *)(const void *)formats->pdata,
                              formats->len, path, format, open_flags, &disk, &error);
    if (st) {
        return drv->api->fail(drv, st, "%s", error ? error : viv_status_text(st));
    }
    *ret_disk = (viv_disk_t *)(void *)disk;
    return VIV_OK;
}

static VdDisk *storage_disk(viv_disk_t *disk)
{
    return (VdDisk *)(void *)disk;
}

static void storage_close(viv_disk_t *disk)
{
    vd_close(storage_disk(disk));
}

static uint64_t storage_size(viv_disk_t *disk)
{
    return vd_size(storage_disk(disk));
}

static uint32_t storage_read_only(viv_disk_t *disk)
{
    return vd_read_only(storage_disk(disk));
}

static viv_status_t storage_read(viv_disk_t *disk, uint64_t off, void *buf, uint64_t len_bytes)
{
    return vd_read(storage_disk(disk), off, buf, len_bytes);
}

static viv_status_t storage_write(viv_disk_t *disk, uint64_t off, const void *buf,
                                  uint64_t len_bytes)
{
    return vd_write(storage_disk(disk), off, buf, len_bytes);
}

static viv_status_t storage_flush(viv_disk_t *disk)
{
    return vd_flush(storage_disk(disk));
}

static viv_status_t storage_discard(viv_disk_t *disk, uint64_t off, uint64_t len_bytes)
{
    return vd_discard(storage_disk(disk), off, len_bytes);
}

const viv_storage_api_t pdm_storage_api = {
    .size = sizeof pdm_storage_api,
    .open = storage_open,
    .close = storage_close,
    .size_bytes = storage_size,
    .is_read_only = storage_read_only,
    .read = storage_read,
    .write = storage_write,
    .flush = storage_flush,
    .discard = storage_discard,
};
