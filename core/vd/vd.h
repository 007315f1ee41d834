/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vd: opening disk images through the storage formats.
 * The caller hands in the format classes (the plugin registry's); VD finds the one that fits, gives
 * it the file, and makes the result safe to use: one call at a time for each disk, ranges checked,
 * any alignment.
 * All functions but open and close may be called on any thread. */
#ifndef CORE_VD_VD_H
#define CORE_VD_VD_H

#include <stdbool.h>
#include <stddef.h>

#include <viv/storage.h>

VIV_BEGIN_DECLS

typedef struct VdDisk VdDisk;

/* flags: VIV_OPEN_READ_ONLY. format NULL or "": the formats are asked from the highest
 * probe_priority down, those that are always read-only just when it is opened so. The file is
 * locked: one writer, or any number of readers. On failure *ret_error (may be NULL) gets a sentence
 * (transfer, g_free). */
viv_status_t vd_open(const viv_format_class_t *const *formats, size_t count, const char *path,
                     const char *format, uint32_t flags, VdDisk **ret_disk, char **ret_error);
/* The same over a byte file of the caller's (in memory, say), borrowed until vd_close(); name is
 * for messages. */
viv_status_t vd_open_file(const viv_format_class_t *const *formats, size_t count,
                          const viv_file_t *file, const char *name, const char *format,
                          uint32_t flags, VdDisk **ret_disk, char **ret_error);
/* Flushes what was written. NULL is fine. */
void vd_close(VdDisk *disk);

/* Makes a new file with an empty disk in it; VIV_E_EXISTS if there is something under that path. */
viv_status_t vd_create(const viv_format_class_t *format, const char *path, uint64_t size_bytes,
                       char **ret_error);

uint64_t vd_size(const VdDisk *disk);
uint32_t vd_sector(const VdDisk *disk); /* 512 or 2048 */
bool vd_read_only(const VdDisk *disk);
const char *vd_format(const VdDisk *disk); /* borrowed */

/* The whole range or an error; a range beyond the end is VIV_E_INVALID. A failed write may have
 * done a part. */
viv_status_t vd_read(VdDisk *disk, uint64_t off, void *buf, uint64_t len_bytes);
viv_status_t vd_write(VdDisk *disk, uint64_t off, const void *buf, uint64_t len_bytes);
viv_status_t vd_flush(VdDisk *disk);
/* A hint: whole sectors within the range may be given back to the host and then read as zeros. A
 * format without it answers VIV_E_UNSUPPORTED. */
viv_status_t vd_discard(VdDisk *disk, uint64_t off, uint64_t len_bytes);

VIV_END_DECLS
#endif
