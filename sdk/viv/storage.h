/* SPDX-License-Identifier: MIT */
/* Vivarium SDK: storage formats. A format is code over a byte file that the host hands in: the file
 * may lie on a disk, in memory (fuzzing) or on a network. The layer above (VD) does chains, caching
 * and locking: one call at a time for each image. Images are hostile input. Stable. C11 or
 * C++11. */
#ifndef VIV_STORAGE_H
#define VIV_STORAGE_H

#include <viv/plugin.h>

VIV_BEGIN_DECLS

/* A byte file. All or error; reads beyond the end give VIV_E_EOF and move nothing. [any] */
typedef struct viv_file {
    const struct viv_file_ops *ops;
    void *self;
} viv_file_t;
typedef struct viv_file_ops {
    uint32_t size;
    uint32_t reserved0;
    viv_status_t (*read)(void *self, uint64_t off, void *buf, uint64_t len_bytes);
    viv_status_t (*write)(void *self, uint64_t off, const void *buf, uint64_t len_bytes);
    viv_status_t (*flush)(void *self); /* on stable storage when it returns */
    viv_status_t (*get_size)(void *self, uint64_t *ret_bytes);
    viv_status_t (*set_size)(void *self, uint64_t bytes);
    viv_status_t (*discard)(void *self, uint64_t off,
                            uint64_t len_bytes); /* may be NULL; reads as zeros after it */
} viv_file_ops_t;

/* Capabilities, with VirtualBox's names and numbers. */
#define VIV_FORMAT_CREATE_FIXED   0x2u
#define VIV_FORMAT_CREATE_DYNAMIC 0x4u
#define VIV_FORMAT_DIFF           0x10u
#define VIV_FORMAT_FILE           0x40u
#define VIV_FORMAT_DISCARD        0x400u
#define VIV_FORMAT_READ_ONLY      0x10000u /* can never be written (iso) */

#define VIV_OPEN_READ_ONLY 0x1u

/* The host's side, borrowed for the image's life. */
typedef struct viv_format_host {
    uint32_t size;
    uint32_t reserved0;
    void (*log)(void *cookie, uint32_t severity, const char *fmt, ...) VIV_PRINTF(3, 4);
    /* One sentence naming key or offset; the host adds the file's name. Returns status. */
    viv_status_t (*fail)(void *cookie, viv_status_t status, const char *fmt, ...) VIV_PRINTF(3, 4);
    void *cookie;
} viv_format_host_t;

typedef struct viv_format_class {
    uint32_t size;
    uint32_t kind;    /* VIV_KIND_STORAGE */
    const char *name; /* "raw" */
    const char *summary;
    const char *extensions; /* "img,ima,dsk": comma-separated, lower case */
    uint64_t caps;          /* VIV_FORMAT_* */
    uint32_t image_size;    /* bytes of the image struct, zeroed by the host */
    uint32_t
        probe_priority; /* formats are probed from the highest down; raw is 0: it takes anything */
    /* Is it this format? 1 yes, 0 no. [any] */
    uint32_t (*probe)(const viv_file_t *file);
    /* file is borrowed until close. */
    viv_status_t (*open)(const viv_format_host_t *host, void *image, const viv_file_t *file,
                         uint32_t flags);
    void (*close)(void *image); /* accepts a half-opened image */
    uint64_t (*size_bytes)(void *image);
    uint32_t (*sector_bytes)(void *image); /* 512; 2048 for optical */
    viv_status_t (*read)(void *image, uint64_t off, void *buf, uint64_t len_bytes);
    viv_status_t (*write)(void *image, uint64_t off, const void *buf,
                          uint64_t len_bytes); /* NULL: read-only */
    viv_status_t (*flush)(void *image);
    viv_status_t (*discard)(void *image, uint64_t off, uint64_t len_bytes); /* may be NULL */
    /* Writes an empty image of size_bytes into an empty file. May be NULL. */
    viv_status_t (*create)(const viv_format_host_t *host, const viv_file_t *file,
                           uint64_t size_bytes);
} viv_format_class_t;

#define VIV_FORMAT_CLASS_HEAD .size = sizeof(viv_format_class_t), .kind = VIV_KIND_STORAGE

VIV_END_DECLS
#endif
