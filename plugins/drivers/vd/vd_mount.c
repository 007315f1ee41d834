/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vd: opening images, and changing the medium while the machine runs (viv.mount/1).
 * A change is a piece of work for the driver's worker thread: what the guest queued before it still
 * goes to the old medium, what it queues afterwards finds the new one. The device hears of it
 * before the caller goes on. */
#include "vd.h"

#include <stdlib.h>
#include <string.h>

#define VD_IDENTITY_BYTES 4096u

/* -- images ---------------------------------------------------------------------------------- */

static uint64_t vd_hash(uint64_t hash, const void *data, size_t len)
{
    const uint8_t *p = data;
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ p[i]) * UINT64_C(0x100000001b3); /* FNV-1a */
    return hash;
}

/* What cannot be written is known by its size, its first bytes and where a CD has its volume
 * descriptors; what can be written changes, and is known by its path. */
static uint64_t vd_identity(Vd *v, const VdMedium *m)
{
    uint8_t bytes[VD_IDENTITY_BYTES];
    uint64_t hash = vd_hash(UINT64_C(0xcbf29ce484222325), &m->size_bytes, sizeof(m->size_bytes));
    if (!m->read_only)
        return vd_hash(hash, m->path, strlen(m->path)) | 1u;
    for (uint64_t at = 0; at <= 32768u; at += 32768u) {
        if (m->size_bytes >= at + sizeof(bytes) &&
            v->storage->read(m->disk, at, bytes, sizeof(bytes)) >= 0)
            hash = vd_hash(hash, bytes, sizeof(bytes));
    }
    return hash | 1u; /* 0 means unknown */
}

viv_status_t vd_medium_open(Vd *v, const char *path, const char *format, VdMedium *ret_medium)
{
    VdMedium m = {.read_only = v->read_only || v->type == VIV_MEDIA_DVD};
    viv_status_t st;
    memset(ret_medium, 0, sizeof(*ret_medium));
    m.path = strdup(path);
    if (!m.path)
        return v->drv->api->fail(v->drv, VIV_E_NOMEM, "%s: no memory", path);
    st = v->storage->open(v->drv, path, format, m.read_only ? VIV_DISK_READ_ONLY : 0, &m.disk);
    if (st < 0 && !m.read_only && v->maybe_read_only)
        st = v->storage->open(v->drv, path, format, VIV_DISK_READ_ONLY, &m.disk);
    if (st < 0) {
        free(m.path);
        return st;
    }
    m.read_only = m.read_only || v->storage->is_read_only(m.disk);
    m.size_bytes = v->storage->size_bytes(m.disk);
    m.identity = vd_identity(v, &m);
    *ret_medium = m;
    return VIV_OK;
}

void vd_medium_close(Vd *v, VdMedium *medium)
{
    if (medium->disk) {
        if (!medium->read_only && v->storage->flush(medium->disk) < 0)
            v->drv->api->log(v->drv, VIV_LOG_WARN, "%s could not be flushed", medium->path);
        v->storage->close(medium->disk);
    }
    free(medium->path);
    memset(medium, 0, sizeof(*medium));
}

/* -- changing -------------------------------------------------------------------------------- */

typedef struct VdSwap {
    Vd *v;
    VdMedium medium; /* what goes in; none: the drive is empty then */
    uint32_t open;   /* the tray, then */
} VdSwap;

/* No locks. */
static void vd_tell(const Vd *v)
{
    const viv_media_port_ops_t *port = v->port.ops;
    if (port)
        port->changed(v->port.self);
}

static void vd_exchange(Vd *v, VdMedium *medium, uint32_t open)
{
    VdMedium old;
    pthread_rwlock_wrlock(&v->use);
    pthread_mutex_lock(&v->lock);
    old = v->medium;
    v->medium = *medium;
    v->tray_open = open;
    v->generation++;
    pthread_mutex_unlock(&v->lock);
    pthread_rwlock_unlock(&v->use);
    *medium = old;
    vd_tell(v);
}

/* Worker thread. Out first, then in: a device sees both. */
static viv_status_t vd_swap_work(void *ctx)
{
    VdSwap *swap = ctx;
    Vd *v = swap->v;
    VdMedium old = {0};
    vd_exchange(v, &old, 1);
    if (swap->medium.disk || !swap->open)
        vd_exchange(v, &swap->medium, swap->open);
    vd_medium_close(v, &old);
    pthread_mutex_lock(&v->lock);
    v->swaps++;
    pthread_cond_broadcast(&v->changed);
    pthread_mutex_unlock(&v->lock);
    return VIV_OK;
}

/* [emt 0] or [main] */
static void vd_swap_done(void *ctx, viv_status_t status)
{
    (void)status;
    free(ctx);
}

/* Takes the medium over, also on failure. */
static viv_status_t vd_swap(Vd *v, VdMedium *medium, uint32_t open)
{
    VdSwap *swap = malloc(sizeof(*swap));
    if (!swap) {
        vd_medium_close(v, medium);
        return VIV_E_NOMEM;
    }
    *swap = (VdSwap){v, *medium, open};
    pthread_mutex_lock(&v->lock);
    uint64_t before = v->swaps; /* swaps are made by one thread */
    pthread_mutex_unlock(&v->lock);
    viv_status_t st = v->async->submit(v->drv, vd_swap_work, vd_swap_done, swap);
    if (st < 0) {
        vd_medium_close(v, &swap->medium);
        free(swap);
        return st;
    }
    pthread_mutex_lock(&v->lock);
    while (v->swaps == before)
        pthread_cond_wait(&v->changed, &v->lock);
    pthread_mutex_unlock(&v->lock);
    return VIV_OK;
}

/* -- viv.mount/1 ----------------------------------------------------------------------------- */

static uint32_t vd_flag(Vd *v, const uint32_t *flag)
{
    pthread_mutex_lock(&v->lock);
    uint32_t value = *flag;
    pthread_mutex_unlock(&v->lock);
    return value;
}

/* [any] */
static uint32_t vd_is_mounted(void *self)
{
    Vd *v = self;
    pthread_mutex_lock(&v->lock);
    uint32_t mounted = v->medium.disk != NULL;
    pthread_mutex_unlock(&v->lock);
    return mounted;
}

/* [any] */
static uint32_t vd_is_locked(void *self)
{
    Vd *v = self;
    return vd_flag(v, &v->locked);
}

/* [any] */
static uint32_t vd_is_open(void *self)
{
    Vd *v = self;
    return vd_flag(v, &v->tray_open);
}

/* The button of a drive that the guest keeps shut. */
static viv_status_t vd_refuse(Vd *v)
{
    const viv_media_port_ops_t *port = v->port.ops;
    if (port && VIV_HAS(port, eject_request))
        port->eject_request(v->port.self);
    return v->drv->api->fail(v->drv, VIV_E_BUSY, "the guest keeps the drive locked");
}

/* [main] */
static viv_status_t vd_mount(void *self, const char *path, const char *format)
{
    Vd *v = self;
    VdMedium medium;
    if (!v->mountable)
        return v->drv->api->fail(v->drv, VIV_E_UNSUPPORTED,
                                 "the medium of this drive cannot be changed");
    if (vd_is_mounted(v) && vd_is_locked(v) && !vd_is_open(v))
        return vd_refuse(v);
    viv_status_t st = vd_medium_open(v, path, format && *format ? format : NULL, &medium);
    return st < 0 ? st : vd_swap(v, &medium, 0);
}

/* [main] */
static viv_status_t vd_unmount(void *self, uint32_t force, uint32_t eject)
{
    Vd *v = self;
    VdMedium none = {0};
    if (!v->mountable)
        return v->drv->api->fail(v->drv, VIV_E_UNSUPPORTED,
                                 "the medium of this drive cannot be changed");
    if (!force && vd_is_locked(v) && !vd_is_open(v))
        return vd_refuse(v);
    uint32_t mounted = vd_is_mounted(v);
    viv_status_t st = vd_swap(v, &none, eject != 0);
    if (st >= 0 && !mounted)
        return v->drv->api->fail(v->drv, VIV_E_NOT_FOUND, "the drive was empty");
    return st;
}

static void vd_lock_set(Vd *v, uint32_t locked)
{
    pthread_mutex_lock(&v->lock);
    v->locked = locked;
    pthread_mutex_unlock(&v->lock);
}

/* [any] */
static void vd_mount_lock(void *self)
{
    vd_lock_set(self, 1);
}

/* [any] */
static void vd_mount_unlock(void *self)
{
    vd_lock_set(self, 0);
}

/* [main], where alone the path changes hands */
static void vd_path(void *self, char *ret_path, uint32_t path_bytes)
{
    Vd *v = self;
    size_t n = 0;
    if (path_bytes == 0)
        return;
    pthread_mutex_lock(&v->lock);
    if (v->medium.path) {
        n = strlen(v->medium.path);
        n = n < path_bytes - 1u ? n : path_bytes - 1u;
        memcpy(ret_path, v->medium.path, n);
    }
    pthread_mutex_unlock(&v->lock);
    ret_path[n] = 0;
}

const viv_mount_ops_t vd_mount_ops = {
    .size = sizeof(viv_mount_ops_t),
    .mount = vd_mount,
    .unmount = vd_unmount,
    .is_mounted = vd_is_mounted,
    .is_locked = vd_is_locked,
    .is_open = vd_is_open,
    .lock = vd_mount_lock,
    .unlock = vd_mount_unlock,
    .path = vd_path,
};
