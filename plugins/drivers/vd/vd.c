/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vd: a disk, optical or floppy drive whose medium is an image (driver "VD", viv.media/1).
 * The image is opened through the host's storage layer; queued requests run on its worker thread,
 * one at a time and in order. A removable drive (Mountable) may be empty, and may be opened by the
 * guest: the medium then stays on the tray, and closing the tray brings the same medium back.
 * vd_mount.c changes the medium (viv.mount/1). */
#include "vd.h"

#include <string.h>

static const viv_option_t vd_options[] = {
    VIV_OPT_STRING(Vd, "Path", path, "", "image; empty: no medium (Mountable drives only)"),
    VIV_OPT_STRING(Vd, "Format", format, "", "storage format; empty: found out from the contents"),
    VIV_OPT_STRING(Vd, "Type", type_name, "HardDisk",
                   "HardDisk, DVD or Floppy (also \"Floppy 1.44\" and the like)"),
    VIV_OPT_NAMED(Vd, "ReadOnly", read_only, VIV_BOOL, 0, 1, 0, "open the image for reading only"),
    VIV_OPT_NAMED(Vd, "MaybeReadOnly", maybe_read_only, VIV_BOOL, 0, 1, 0,
                  "open for reading only if it cannot be opened for writing"),
    VIV_OPT_NAMED(Vd, "Mountable", mountable, VIV_BOOL, 0, 1, 0, "the medium can be changed"),
    VIV_OPT_NAMED(Vd, "EmptyDrive", empty_drive, VIV_BOOL, 0, 1, 0,
                  "start without a medium, whatever Path says"),
    VIV_OPT_NAMED(Vd, "NonRotationalMedium", non_rotational, VIV_BOOL, 0, 1, 0,
                  "present it as a solid-state disk"),
    VIV_OPT_NAMED(Vd, "Discard", discard, VIV_BOOL, 0, 1, 0,
                  "hand the guest's discards on to the image"),
    VIV_OPT_NAMED(
        Vd, "IgnoreFlush", ignore_flush, VIV_BOOL, 0, 1, 0,
        "answer the guest's flushes at once (its data may be lost in a crash of the host)"),
    {0},
};

/* -- viv.media/1 ----------------------------------------------------------------------------- */

/* The image, for use until vd_release(); NULL: none that the guest could reach. */
static viv_disk_t *vd_use(Vd *v)
{
    pthread_rwlock_rdlock(&v->use);
    pthread_mutex_lock(&v->lock);
    viv_disk_t *disk = v->tray_open ? NULL : v->medium.disk;
    pthread_mutex_unlock(&v->lock);
    return disk;
}

static viv_status_t vd_release(Vd *v, viv_status_t status)
{
    pthread_rwlock_unlock(&v->use);
    return status;
}

/* [any] */
static void vd_info(void *self, viv_media_info_t *ret_info)
{
    Vd *v = self;
    viv_media_info_t info = {
        .size = sizeof(info), .type = v->type, .non_rotational = v->non_rotational};
    pthread_mutex_lock(&v->lock);
    info.present = v->medium.disk && !v->tray_open;
    info.generation = v->generation;
    info.tray = v->tray_open ? VIV_MEDIA_TRAY_OPEN : VIV_MEDIA_TRAY_CLOSED;
    info.size_bytes = info.present ? v->medium.size_bytes : 0;
    info.identity = info.present ? v->medium.identity : 0;
    info.read_only = v->medium.disk ? v->medium.read_only : v->read_only;
    pthread_mutex_unlock(&v->lock);
    uint32_t room = ret_info->size < sizeof(info) ? ret_info->size : (uint32_t)sizeof(info);
    info.size = ret_info->size;
    memcpy(ret_info, &info, room);
}

/* [emt] or [main] */
static viv_status_t vd_read(void *self, uint64_t off, void *buf, uint64_t len_bytes)
{
    Vd *v = self;
    viv_disk_t *disk = vd_use(v);
    return vd_release(v, disk ? v->storage->read(disk, off, buf, len_bytes) : VIV_E_NOT_FOUND);
}

/* [emt] or [main] */
static viv_status_t vd_write(void *self, uint64_t off, const void *buf, uint64_t len_bytes)
{
    Vd *v = self;
    viv_disk_t *disk = vd_use(v);
    if (!disk)
        return vd_release(v, VIV_E_NOT_FOUND);
    if (v->medium.read_only)
        return vd_release(v, VIV_E_ACCESS);
    return vd_release(v, v->storage->write(disk, off, buf, len_bytes));
}

/* [emt] or [main]; a medium on the open tray, too */
static viv_status_t vd_flush(void *self)
{
    Vd *v = self;
    vd_use(v);
    if (!v->medium.disk || v->medium.read_only || v->ignore_flush)
        return vd_release(v, VIV_OK);
    return vd_release(v, v->storage->flush(v->medium.disk));
}

static viv_status_t vd_discard(Vd *v, uint64_t off, uint64_t len_bytes)
{
    viv_disk_t *disk = vd_use(v);
    if (!disk)
        return vd_release(v, VIV_E_NOT_FOUND);
    if (v->medium.read_only)
        return vd_release(v, VIV_E_ACCESS);
    return vd_release(v,
                      v->discard ? v->storage->discard(disk, off, len_bytes) : VIV_E_UNSUPPORTED);
}

/* Worker thread. */
static viv_status_t vd_work(void *ctx)
{
    const viv_media_req_t *req = ctx;
    Vd *v = req->driver[0];
    switch (req->op) {
    case VIV_MEDIA_OP_READ: return vd_read(v, req->off, req->buf, req->len_bytes);
    case VIV_MEDIA_OP_WRITE: return vd_write(v, req->off, req->buf, req->len_bytes);
    case VIV_MEDIA_OP_FLUSH: return vd_flush(v);
    default: return vd_discard(v, req->off, req->len_bytes);
    }
}

/* [emt 0] or [main], no locks */
static void vd_done(void *ctx, viv_status_t status)
{
    viv_media_req_t *req = ctx;
    req->done(req, status);
}

/* [any] */
static viv_status_t vd_submit(void *self, viv_media_req_t *req)
{
    Vd *v = self;
    if (req->op > VIV_MEDIA_OP_DISCARD)
        return VIV_E_UNSUPPORTED;
    req->driver[0] = v;
    return v->async->submit(v->drv, vd_work, vd_done, req);
}

/* [any] */
static viv_status_t vd_eject(void *self, uint32_t eject)
{
    Vd *v = self;
    viv_status_t st = VIV_OK;
    if (!v->mountable)
        return VIV_E_UNSUPPORTED;
    pthread_mutex_lock(&v->lock);
    if (eject && v->locked) {
        st = VIV_E_BUSY;
    } else if (v->tray_open != (eject != 0)) {
        v->tray_open = eject != 0;
        v->generation++;
    }
    pthread_mutex_unlock(&v->lock);
    return st;
}

/* [any] */
static void vd_lock(void *self, uint32_t locked)
{
    Vd *v = self;
    pthread_mutex_lock(&v->lock);
    v->locked = locked != 0;
    pthread_mutex_unlock(&v->lock);
}

static const viv_media_ops_t vd_media = {
    .size = sizeof(viv_media_ops_t),
    .info = vd_info,
    .read = vd_read,
    .write = vd_write,
    .flush = vd_flush,
    .submit = vd_submit,
    .eject = vd_eject,
    .lock = vd_lock,
};

/* -- life ------------------------------------------------------------------------------------ */

static viv_status_t vd_set_type(Vd *v)
{
    static const struct {
        const char *name;
        uint32_t type;
    } types[] = {
        {"HardDisk", VIV_MEDIA_DISK},      {"DVD", VIV_MEDIA_DVD},
        {"Floppy", VIV_MEDIA_FLOPPY},      {"Floppy 360", VIV_MEDIA_FLOPPY},
        {"Floppy 720", VIV_MEDIA_FLOPPY},  {"Floppy 1.20", VIV_MEDIA_FLOPPY},
        {"Floppy 1.44", VIV_MEDIA_FLOPPY}, {"Floppy 2.88", VIV_MEDIA_FLOPPY},
    };
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcmp(v->type_name, types[i].name) == 0) {
            v->type = types[i].type;
            return VIV_OK;
        }
    }
    return v->drv->api->fail(v->drv, VIV_E_CONFIG, "Type is '%s', not HardDisk, DVD or Floppy",
                             v->type_name);
}

/* [main] */
static viv_status_t vd_construct(viv_drv_t *drv, void *self)
{
    Vd *v = self;
    const viv_drv_api_t *api = drv->api;
    viv_iface_t iface;
    v->drv = drv;
    pthread_rwlock_init(&v->use, NULL);
    pthread_mutex_init(&v->lock, NULL);
    pthread_cond_init(&v->changed, NULL);
    v->locks_ready = 1;
    viv_status_t st = vd_set_type(v);
    if (st < 0)
        return st;
    st = api->get_interface(drv, VIV_STORAGE_ID, sizeof(viv_storage_api_t), &iface);
    if (st < 0)
        return api->fail(drv, st, "the host has no " VIV_STORAGE_ID);
    v->storage = iface.ops;
    st = api->get_interface(drv, VIV_ASYNC_ID, sizeof(viv_async_api_t), &iface);
    if (st < 0)
        return api->fail(drv, st, "the host has no " VIV_ASYNC_ID);
    v->async = iface.ops;
    st = api->query_above(drv, VIV_MEDIA_PORT_ID, offsetof(viv_media_port_ops_t, eject_request),
                          &v->port);
    if (st < 0 && st != VIV_E_NOT_FOUND)
        return api->fail(drv, st, "the device's " VIV_MEDIA_PORT_ID " cannot be had");
    if (v->empty_drive || !*v->path) {
        if (!v->mountable)
            return api->fail(drv, VIV_E_CONFIG,
                             "Path names no image, and the drive is not Mountable");
        return VIV_OK;
    }
    return vd_medium_open(v, v->path, *v->format ? v->format : NULL, &v->medium);
}

/* [main] */
static void vd_destruct(viv_drv_t *drv, void *self)
{
    Vd *v = self;
    (void)drv;
    if (!v->locks_ready)
        return;
    vd_medium_close(v, &v->medium);
    pthread_cond_destroy(&v->changed);
    pthread_mutex_destroy(&v->lock);
    pthread_rwlock_destroy(&v->use);
    v->locks_ready = 0;
}

/* [main] */
static viv_status_t vd_query_interface(viv_drv_t *drv, void *self, const char *id,
                                       viv_iface_t *ret_iface)
{
    (void)drv;
    if (strcmp(id, VIV_MEDIA_ID) == 0)
        ret_iface->ops = &vd_media;
    else if (strcmp(id, VIV_MOUNT_ID) == 0)
        ret_iface->ops = &vd_mount_ops;
    else
        return VIV_E_NOT_FOUND;
    ret_iface->self = self;
    return VIV_OK;
}

/* [main] All queued work has been done: what the guest believes written is on the host's disk. */
static void vd_suspend(viv_drv_t *drv, void *self)
{
    Vd *v = self;
    viv_status_t st = vd_flush(v);
    if (st < 0)
        drv->api->log(drv, VIV_LOG_WARN, "%s could not be flushed (%d)", v->medium.path, st);
}

static const viv_driver_class_t vd_class = {
    VIV_DRIVER_CLASS_HEAD,
    .name = "VD",
    .summary = "disk, DVD and floppy images",
    .instance_size = sizeof(Vd),
    .options = vd_options,
    .construct = vd_construct,
    .destruct = vd_destruct,
    .query_interface = vd_query_interface,
    .suspend = vd_suspend,
    .power_off = vd_suspend,
};

VIV_PLUGIN("org.vivarium.vd", "1.0", "LGPL-2.1-or-later", "disk, DVD and floppy images", &vd_class);
