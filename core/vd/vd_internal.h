/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vd: files of the host as viv_file_t. */
#ifndef CORE_VD_VD_INTERNAL_H
#define CORE_VD_VD_INTERNAL_H

#include "vd/vd.h"

typedef struct VdFile {
    viv_file_t file; /* what formats see; self is this struct */
    int fd;
    uint32_t is_block;
} VdFile;

/* Opens a plain file or a block device and locks it. On failure *ret_error has the reason without
 * the path. */
viv_status_t vd_file_open(VdFile *f, const char *path, uint32_t flags, char **ret_error);
viv_status_t vd_file_create(VdFile *f, const char *path, char **ret_error);
void vd_file_close(VdFile *f); /* also one that was never opened, if fd is -1 */

#endif
