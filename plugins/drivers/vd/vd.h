/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vd: what its files share.
 * Threads: the worker, the EMTs (blocking reads) and [main] (mounting, power). The image is used
 * with `use` held for reading, and changed with it held for writing; what info() tells is guarded
 * by `lock`. Order: use, then lock. Neither is held while the device above is called. */
#ifndef VD_H
#define VD_H

#include <viv/driver.h>
#include <viv/interfaces.h>

#include <pthread.h>

/* An image that is open. */
typedef struct VdMedium {
    viv_disk_t *disk; /* NULL: no medium */
    char *path;       /* malloc'ed, NULL without a medium */
    uint64_t size_bytes;
    uint64_t identity;
    uint32_t read_only;
} VdMedium;

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
    viv_iface_t port; /* viv.media-port/1 of the device; ops may be NULL */
    uint32_t type;
    pthread_rwlock_t use;
    VdMedium medium; /* under use, changed under both */
    pthread_mutex_t lock;
    pthread_cond_t changed; /* of swaps */
    uint32_t locks_ready;
    uint32_t tray_open, locked, generation; /* under lock */
    uint64_t swaps;                         /* how many changes of medium are done; under lock */
} Vd;

/* Opens an image into *ret_medium; on failure that is empty, and the sentence is with the driver.
 * [main] */
viv_status_t vd_medium_open(Vd *v, const char *path, const char *format, VdMedium *ret_medium);
void vd_medium_close(Vd *v, VdMedium *medium);

extern const viv_mount_ops_t vd_mount_ops; /* self: Vd */

#endif
