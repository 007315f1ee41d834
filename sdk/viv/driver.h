/* SPDX-License-Identifier: MIT */
/* Vivarium SDK: drivers, the host side behind a device's LUN. A chain hangs on a LUN: the driver
 * next to the device is the top, each may have one below. A driver finds what is above and below it
 * by interface id. Driver callbacks run without any host lock; a driver guards its own data.
 * Stable. C11 or C++11. */
#ifndef VIV_DRIVER_H
#define VIV_DRIVER_H

#include <viv/plugin.h>

VIV_BEGIN_DECLS

struct viv_drv_api;
typedef struct viv_drv {
    const struct viv_drv_api *api;
} viv_drv_t;

typedef struct viv_watch viv_watch_t; /* opaque: a watched file descriptor */

#define VIV_WATCH_IN  1u
#define VIV_WATCH_OUT 2u
#define VIV_WATCH_HUP 4u
/* [io] events of fd; return 0 to end the watch (the handle is gone then). */
typedef uint32_t (*viv_watch_fn)(viv_drv_t *drv, void *ctx, uint32_t events);

typedef struct viv_drv_api {
    uint32_t size;
    uint32_t level;
    viv_status_t (*get_interface)(viv_drv_t *drv, const char *id, uint32_t min_size,
                                  viv_iface_t *ret_iface);
    void (*log)(viv_drv_t *drv, uint32_t severity, const char *fmt, ...) VIV_PRINTF(3, 4);
    viv_status_t (*fail)(viv_drv_t *drv, viv_status_t status, const char *fmt, ...)
        VIV_PRINTF(3, 4);
    const char *(*instance_name)(viv_drv_t *drv); /* "VD@piix3ide/0/LUN#0" */

    /* What is above offers (the nearest driver that has it, or the device) and what is below (the
     * nearest that has it). In construct all below is constructed; of what is above, the device
     * answers, and drivers that have prepare(). [main] */
    viv_status_t (*query_above)(viv_drv_t *drv, const char *id, uint32_t min_size,
                                viv_iface_t *ret_iface);
    viv_status_t (*query_below)(viv_drv_t *drv, const char *id, uint32_t min_size,
                                viv_iface_t *ret_iface);

    /* Calls fn on the host's I/O thread when fd has events. The fd stays the driver's. [any] */
    viv_status_t (*watch_add)(viv_drv_t *drv, int fd, uint32_t events, viv_watch_fn fn, void *ctx,
                              viv_watch_t **ret_watch);
    /* No call of fn is running or will come when it returns (unless it is called from fn itself).
     * NULL is fine. */
    void (*watch_remove)(viv_drv_t *drv, viv_watch_t *watch);
    /* Calls fn once on the I/O thread, soon. [any] */
    viv_status_t (*io_call)(viv_drv_t *drv, void (*fn)(viv_drv_t *drv, void *ctx), void *ctx);
    uint64_t (*time_ns)(viv_drv_t *drv); /* virtual clock */
} viv_drv_api_t;

typedef struct viv_driver_class {
    uint32_t size;
    uint32_t kind; /* VIV_KIND_DRIVER */
    const char *name;
    const char *summary;
    uint32_t option_stride;
    uint32_t instance_size;
    const viv_option_t *options;

    viv_status_t (*construct)(viv_drv_t *drv, void *self); /* [main] */
    void (*destruct)(viv_drv_t *drv, void *self);          /* [main] accepts a half-built self */
    /* What the driver offers upwards ("viv.media/1") and, with the same call, to the one below.
     * [main] */
    viv_status_t (*query_interface)(viv_drv_t *drv, void *self, const char *id,
                                    viv_iface_t *ret_iface);
    viv_status_t (*power_on)(viv_drv_t *drv, void *self);
    void (*suspend)(viv_drv_t *drv, void *self); /* all EMTs stand; finish what is in flight */
    void (*resume)(viv_drv_t *drv, void *self);
    void (*power_off)(viv_drv_t *drv, void *self);
    /* Before anything below is constructed, from the top of the chain down: a driver that offers
     * something to the one below (a queue, a filter) makes it ready here. query_above works,
     * query_below does not yet; the one below may call as soon as it is constructed. After a
     * failure destruct comes, construct does not. NULL: nothing to do. [main] */
    viv_status_t (*prepare)(viv_drv_t *drv, void *self);
} viv_driver_class_t;

#define VIV_DRIVER_CLASS_HEAD                                                                      \
    .size = sizeof(viv_driver_class_t), .kind = VIV_KIND_DRIVER,                                   \
    .option_stride = sizeof(viv_option_t)

/* -- viv.storage/1: opening images through the host's VD layer ------------------------------- */

typedef struct viv_disk viv_disk_t; /* opaque: an open image chain */

#define VIV_DISK_READ_ONLY 0x1u

#define VIV_STORAGE_ID "viv.storage/1"
typedef struct viv_storage_api {
    uint32_t size;
    uint32_t reserved0;
    /* format NULL: probe. On failure the sentence has been attached to drv. [main] */
    viv_status_t (*open)(viv_drv_t *drv, const char *path, const char *format, uint32_t flags,
                         viv_disk_t **ret_disk);
    void (*close)(viv_disk_t *disk);
    uint64_t (*size_bytes)(viv_disk_t *disk);
    uint32_t (*is_read_only)(viv_disk_t *disk);
    /* Blocking, thread-safe. Whole range or an error; beyond the end is VIV_E_INVALID. [any] */
    viv_status_t (*read)(viv_disk_t *disk, uint64_t off, void *buf, uint64_t len_bytes);
    viv_status_t (*write)(viv_disk_t *disk, uint64_t off, const void *buf, uint64_t len_bytes);
    viv_status_t (*flush)(viv_disk_t *disk);
    viv_status_t (*discard)(viv_disk_t *disk, uint64_t off, uint64_t len_bytes);
} viv_storage_api_t;

/* -- viv.async/1: blocking work off the EMT (PDM's async completion) ------------------------- */

#define VIV_ASYNC_ID "viv.async/1"
typedef struct viv_async_api {
    uint32_t size;
    uint32_t reserved0;
    /* Runs work(ctx) on a worker thread and then done(ctx, what work returned) on the EMT of vCPU 0
     * (or on [main] while the machine stands), no locks held. Works of one driver instance start in
     * order of submission and run one at a time. In the deterministic mode done comes at a fixed
     * virtual delay. The host drains all before suspend, save and destruct: every accepted work is
     * done. [any] */
    viv_status_t (*submit)(viv_drv_t *drv, viv_status_t (*work)(void *ctx),
                           void (*done)(void *ctx, viv_status_t status), void *ctx);
} viv_async_api_t;

VIV_END_DECLS
#endif
