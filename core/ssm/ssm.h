/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ssm: the saved-state file.
 *
 * A file is a header with the machine's identity, units in the order they were saved, a directory
 * and a footer (the layout is in ssm_format.h). A unit is named by (name, instance, pass) and
 * carries a version; its bytes lie in chunks, each with its CRC-32. A writer goes to a temporary
 * file beside the target, which takes the target's place on commit. A reader checks all of the file
 * when it is opened, so that a load never half-happens.
 *
 * Inside a unit everything goes through viv_stream_t, the SDK's opaque stream. Errors are sticky:
 * after the first one every put fails alike, so a caller may check once, at the end of the unit. A
 * writer or a reader belongs to one thread at a time. */
#ifndef CORE_SSM_SSM_H
#define CORE_SSM_SSM_H

#include <stdbool.h>
#include <stdio.h>

#include <viv/device.h>

#include "log/error.h"

VIV_BEGIN_DECLS

#define SSM_NAME_MAX     63u
#define SSM_IDENTITY_MAX 63u
#define SSM_PASS_FINAL                                                                             \
    0xffffffffu /* the pass in which the machine stands; live passes count from 0 */
#define SSM_PAGE_BYTES    4096u
#define SSM_UNIT_OPTIONAL 1u /* flag of a unit: a machine that does not know it loads without it */

typedef struct SsmWriter SsmWriter;
typedef struct SsmReader SsmReader;

/* -- Writing -- */

/* identity: the machine's UUID as text, 1..SSM_IDENTITY_MAX bytes. */
viv_status_t ssm_writer_create(const char *path, const char *identity, SsmWriter **ret_writer,
                               VivError *err);
/* The same into a file that is open, empty and stays the caller's (a memfd, say); label is its name
 * in messages. Commit neither syncs nor renames. */
viv_status_t ssm_writer_create_fd(int fd, const char *label, const char *identity,
                                  SsmWriter **ret_writer, VivError *err);
viv_status_t ssm_unit_begin(SsmWriter *writer, const char *name, uint32_t instance,
                            uint32_t version, uint32_t pass);
viv_status_t ssm_unit_begin_flags(SsmWriter *writer, const char *name, uint32_t instance,
                                  uint32_t version, uint32_t pass, uint32_t flags);
/* The stream of the unit that is open. Borrowed; good between begin and end. */
viv_stream_t *ssm_writer_stream(SsmWriter *writer);
viv_status_t ssm_unit_end(SsmWriter *writer);
/* Directory, footer, fsync, rename. Frees the writer in either case; on failure nothing is left
 * behind and the old file at path is untouched. Fails if anything before has failed. */
viv_status_t ssm_writer_commit(SsmWriter *writer, VivError *err);
/* Drops everything. NULL is fine. */
void ssm_writer_abort(SsmWriter *writer);
/* The first error so far and its sentence (borrowed). */
viv_status_t ssm_writer_status(const SsmWriter *writer, const char **ret_text);
uint64_t ssm_writer_bytes(const SsmWriter *writer); /* written so far */

/* -- Reading -- */

typedef struct SsmUnitInfo {
    const char *name; /* borrowed from the reader */
    uint32_t instance;
    uint32_t version;
    uint32_t pass;
    uint64_t len_bytes; /* of what was put */
    uint64_t offset;    /* of the unit's head in the file */
    uint32_t flags;     /* SSM_UNIT_* */
    uint32_t reserved0;
} SsmUnitInfo;

/* Verifies the whole file: VIV_E_NOT_FOUND, VIV_E_IO, VIV_E_CORRUPT, VIV_E_VERSION (made by a later
 * Vivarium) with a sentence that names file, unit and offset. */
viv_status_t ssm_reader_open(const char *path, SsmReader **ret_reader, VivError *err);
/* The same for a file that is open; the descriptor is duplicated. */
viv_status_t ssm_reader_open_fd(int fd, const char *label, SsmReader **ret_reader, VivError *err);
void ssm_reader_close(SsmReader *reader);             /* NULL is fine */
const char *ssm_reader_path(const SsmReader *reader); /* as it was opened */
uint64_t ssm_reader_file_bytes(const SsmReader *reader);
const char *ssm_reader_identity(const SsmReader *reader);
uint32_t ssm_reader_unit_count(const SsmReader *reader);
/* In file order; false beyond the end. */
bool ssm_reader_unit(const SsmReader *reader, uint32_t index, SsmUnitInfo *ret_info);
/* The index of that unit; false if it is not there. */
bool ssm_reader_find(const SsmReader *reader, const char *name, uint32_t instance, uint32_t pass,
                     uint32_t *ret_index);
/* Finds the final-pass unit of that name and opens it: VIV_E_CORRUPT "no unit NAME/INSTANCE" if it is
 * not there. ret_info may be NULL. */
viv_status_t ssm_unit_open_named(SsmReader *reader, const char *name, uint32_t instance,
                                 SsmUnitInfo *ret_info, viv_stream_t **ret_stream, VivError *err);
/* Opens a unit for reading from its start; *ret_stream is good until the next ssm_unit_open() or
 * close. */
viv_status_t ssm_unit_open(SsmReader *reader, uint32_t index, viv_stream_t **ret_stream,
                           VivError *err);
/* The sentence of the stream's first failure ("FILE: unit pit/0 at offset 1234: field 'count'
 * ..."); "" if there was none. */
const char *ssm_stream_error(const viv_stream_t *stream);
/* Attaches a sentence to the stream (the first one stays), with file, unit and offset in front;
 * returns the status. */
viv_status_t ssm_stream_fail(viv_stream_t *stream, viv_status_t status, const char *fmt, ...)
    VIV_PRINTF(3, 4);
/* The first failure of the stream, VIV_OK if none. */
viv_status_t ssm_stream_status(const viv_stream_t *stream);
/* VIV_E_CORRUPT with a sentence unless everything in the unit has been read. */
viv_status_t ssm_stream_expect_end(viv_stream_t *stream);

/* -- In a unit. Numbers are little-endian; a get beyond the end gives VIV_E_EOF and zeros -- */

viv_status_t ssm_put(viv_stream_t *stream, const void *buf, uint64_t len_bytes);
viv_status_t ssm_put_u8(viv_stream_t *stream, uint8_t value);
viv_status_t ssm_put_u16(viv_stream_t *stream, uint16_t value);
viv_status_t ssm_put_u32(viv_stream_t *stream, uint32_t value);
viv_status_t ssm_put_u64(viv_stream_t *stream, uint64_t value);
/* Length and bytes, no NUL. */
viv_status_t ssm_put_string(viv_stream_t *stream, const char *text);

viv_status_t ssm_get(viv_stream_t *stream, void *buf, uint64_t len_bytes);
viv_status_t ssm_get_u8(viv_stream_t *stream, uint8_t *ret_value);
viv_status_t ssm_get_u16(viv_stream_t *stream, uint16_t *ret_value);
viv_status_t ssm_get_u32(viv_stream_t *stream, uint32_t *ret_value);
viv_status_t ssm_get_u64(viv_stream_t *stream, uint64_t *ret_value);
/* At most buf_bytes - 1 bytes, NUL-terminated; longer ones and ones with a NUL inside are
 * VIV_E_CORRUPT. */
viv_status_t ssm_get_string(viv_stream_t *stream, char *buf, size_t buf_bytes);
viv_status_t ssm_skip(viv_stream_t *stream, uint64_t len_bytes);
uint64_t ssm_remaining(const viv_stream_t *stream);

/* -- Field tables (viv_field_t; elements `stride` bytes apart, sub-tables too) --
 * Each field is {FNV-1a-32 of name, u32 length, little-endian bytes}; a zero tag ends the table. A
 * VIV_STRUCT's bytes are its u32 element count and then, for each element, a field list of its own.
 */

viv_status_t ssm_put_fields(viv_stream_t *stream, const viv_field_t *table, uint32_t stride,
                            const void *instance);
/* Unknown tags are skipped; fields that are absent keep what instance holds. A length or count that
 * differs, a field that comes twice or a boolean other than 0 and 1 is VIV_E_CORRUPT and names the
 * field. version is the unit's. */
viv_status_t ssm_get_fields(viv_stream_t *stream, const viv_field_t *table, uint32_t stride,
                            void *instance, uint32_t version);
/* Is the table usable: known types, no two names with one tag, fields within instance_size (0: not
 * checked), nesting of at most 8? VIV_E_MISUSE with a sentence. For when a class is registered. */
viv_status_t ssm_check_fields(const viv_field_t *table, uint32_t stride, uint32_t instance_size,
                              VivError *err);

/* -- Memory: ranges of pages with zero pages and repeated pages left out, zstd for the rest -- */

/* One range. len_bytes need not be whole pages. The guest stands, or its dirty marks were cleared
 * before the call. */
viv_status_t ssm_put_memory(viv_stream_t *stream, const uint8_t *hva, uint64_t gpa_base,
                            uint64_t len_bytes);
/* Ends a list of ranges; only needed for ssm_get_memory_ranges(). */
viv_status_t ssm_put_memory_end(viv_stream_t *stream);

#define SSM_MEMORY_ZEROED                                                                          \
    0x1u /* the target is known to hold zeros only: zero pages are not touched */

/* Reads one range that must be exactly the given one, else VIV_E_CORRUPT names both. */
viv_status_t ssm_get_memory(viv_stream_t *stream, uint8_t *hva, uint64_t gpa_base,
                            uint64_t len_bytes, uint32_t flags);
/* Reads ranges up to the list's end; map gives the target of each, or NULL: VIV_E_CORRUPT. */
typedef uint8_t *(*SsmMapFn)(void *ctx, uint64_t gpa, uint64_t len_bytes);
viv_status_t ssm_get_memory_ranges(viv_stream_t *stream, SsmMapFn map, void *ctx, uint32_t flags);

/* viv.stream/1 for plugins. */
const viv_stream_api_t *ssm_stream_api(void);

/* What is in the file: header, units, and of memory what was saved of it. Verifies like
 * ssm_reader_open(). json: one object, for programs. */
viv_status_t ssm_info(const char *path, bool json, FILE *out, VivError *err);

/* Checks all of a file and goes on after a failure where that makes sense: each is told as a
 * sentence with file, unit and offset. Fails only where there is no file to look at. */
typedef void (*SsmProblemFn)(void *ctx, const char *sentence);
viv_status_t ssm_verify(const char *path, SsmProblemFn fn, void *ctx, uint32_t *ret_problems,
                        VivError *err);

VIV_END_DECLS
#endif
