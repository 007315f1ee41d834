/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vd: a disk, optical or floppy drive whose medium is an image (driver "VD", viv.media/1).
 * The image is opened through the host's storage layer; queued requests run on its worker thread,
 * one at a time and in order. A removable drive (Mountable) may be empty, and may be opened by the
 * guest: the medium then stays on the tray, and closing the tray brings the same medium back.
 * Threads: info() and the state of the tray are guarded by the lock; the image itself may be used
 * on any thread. */
#include <viv/driver.h>
#include <viv/interfaces.h>

#include <pthread.h>
#include <string.h>

typedef struct Vd {
    /* config */
    const char *path;
    const char *format;
    const char *type_name;
    uint8_t read_only;
    uint8_t maybe_read_only;
    uint8_t mountable;
    uint8_t empty_drive;
    uint8_t non_rotational;
    uint8_t discard;
    uint8_t ignore_flush;
    /* host resources */
    viv_drv_t *drv;
    const viv_storage_api_t *storage;
    const viv_async_api_t *async;
    viv_disk_t *disk; /* NULL: empty drive */
    uint32_t type;
    uint32_t disk_read_only;
    uint64_t disk_bytes;
    pthread_mutex_t lock;
    uint32_t lock_ready;
    uint32_t tray_open, locked, generation; /* under lock */
} Vd;

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

static uint32_t vd_present(Vd *v)
{
    pthread_mutex_lock(&v->lock);
    uint32_t present = v->disk && !v->tray_open;
    pthread_mutex_unlock(&v->lock);
    return present;
}

/* [any] */
static void vd_info(void *self, viv_media_info_t *ret_info)
{
    Vd *v = self;
    viv_media_info_t info = {
        .size = sizeof(info), .type = v->type, .non_rotational = v->non_rotational};
    pthread_mutex_lock(&v->lock);
    info.present = v->disk && !v->tray_open;
    info.generation = v->generation;
    pthread_mutex_unlock(&v->lock);
    info.size_bytes = info.present ? v->disk_bytes : 0;
    info.read_only = v->disk ? v->disk_read_only : v->read_only;
    uint32_t room = ret_info->size < sizeof(info) ? ret_info->size : (uint32_t)sizeof(info);
    info.size = ret_info->size;
    memcpy(ret_info, &info, room);
}

/* [emt] or [main] */
static viv_status_t vd_read(void *self, uint64_t off, void *buf, uint64_t len_bytes)
{
    Vd *v = self;
    return vd_present(v) ? v->storage->read(v->disk, off, buf, len_bytes) : VIV_E_NOT_FOUND;
}

/* [emt] or [main] */
static viv_status_t vd_write(void *self, uint64_t off, const void *buf, uint64_t len_bytes)
{
    Vd *v = self;
    if (!vd_present(v))
        return VIV_E_NOT_FOUND;
    return v->disk_read_only ? VIV_E_ACCESS : v->storage->write(v->disk, off, buf, len_bytes);
}

/* [emt] or [main] */
static viv_status_t vd_flush(void *self)
{
    Vd *v = self;
    if (!v->disk || v->disk_read_only || v->ignore_flush)
        return VIV_OK;
    return v->storage->flush(v->disk);
}

static viv_status_t vd_discard(Vd *v, uint64_t off, uint64_t len_bytes)
{
    if (!vd_present(v))
        return VIV_E_NOT_FOUND;
    if (v->disk_read_only)
        return VIV_E_ACCESS;
    return v->discard ? v->storage->discard(v->disk, off, len_bytes) : VIV_E_UNSUPPORTED;
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

static viv_status_t vd_open_medium(Vd *v)
{
    const char *format = *v->format ? v->format : NULL;
    uint32_t read_only = v->read_only || v->type == VIV_MEDIA_DVD;
    viv_status_t st =
        v->storage->open(v->drv, v->path, format, read_only ? VIV_DISK_READ_ONLY : 0, &v->disk);
    if (st < 0 && !read_only && v->maybe_read_only) {
        v->disk = NULL;
        st = v->storage->open(v->drv, v->path, format, VIV_DISK_READ_ONLY, &v->disk);
    }
    if (st < 0) {
        v->disk = NULL;
        return st;
    }
    v->disk_read_only = read_only || v->storage->is_read_only(v->disk);
    v->disk_bytes = v->storage->size_bytes(v->disk);
    return VIV_OK;
}

/* [main] */
static viv_status_t vd_construct(viv_drv_t *drv, void *self)
{
    Vd *v = self;
    const viv_drv_api_t *api = drv->api;
    viv_iface_t iface;
    v->drv = drv;
    pthread_mutex_init(&v->lock, NULL);
    v->lock_ready = 1;
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
    if (v->empty_drive || !*v->path) {
        if (!v->mountable)
            return api->fail(drv, VIV_E_CONFIG,
                             "Path names no image, and the drive is not Mountable");
        return VIV_OK;
    }
    return vd_open_medium(v);
}

/* [main] */
static void vd_destruct(viv_drv_t *drv, void *self)
{
    Vd *v = self;
    (void)drv;
    if (v->disk)
        v->storage->close(v->disk);
    v->disk = NULL;
    if (v->lock_ready)
        pthread_mutex_destroy(&v->lock);
    v->lock_ready = 0;
}

/* [main] */
static viv_status_t vd_query_interface(viv_drv_t *drv, void *self, const char *id,
                                       viv_iface_t *ret_iface)
{
    (void)drv;
    if (strcmp(id, VIV_MEDIA_ID) != 0)
        return VIV_E_NOT_FOUND;
    ret_iface->ops = &vd_media;
    ret_iface->self = self;
    return VIV_OK;
}

/* [main] All queued work has been done: what the guest believes written is on the host's disk. */
static void vd_suspend(viv_drv_t *drv, void *self)
{
    Vd *v = self;
    viv_status_t st = vd_flush(v);
    if (st < 0)
        drv->api->log(drv, VIV_LOG_WARN, "%s could not be flushed (%d)", v->path, st);
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
