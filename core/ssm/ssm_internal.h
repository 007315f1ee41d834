/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ssm, inside: streams, units, writers and readers. For core/ssm/ only. */
#ifndef CORE_SSM_INTERNAL_H
#define CORE_SSM_INTERNAL_H

#include <glib.h>

#include "ssm/ssm.h"
#include "ssm/ssm_format.h"
#include "ssm/ssm_image.h"

typedef struct SsmUnit {
    char name[SSM_NAME_MAX + 1];
    uint32_t instance;
    uint32_t version;
    uint32_t pass;
    uint32_t spine;
    uint32_t head_crc;
    uint32_t flags;
    uint32_t reserved0;
    uint64_t offset;     /* of the head */
    uint64_t end_offset; /* behind the tail */
    uint64_t len_bytes;  /* data in all chunks */
} SsmUnit;

/* The SDK's opaque stream: one unit being written or read, one chunk of it in `chunk`. */
struct viv_stream {
    SsmWriter *writer; /* one of these two */
    SsmReader *reader;
    const SsmUnit *unit; /* NULL: no unit is open */
    const char *path;    /* of the file, for messages; borrowed from writer or reader */
    viv_status_t status; /* first failure */
    char *error;
    uint8_t *chunk; /* SSM_CHUNK_HEAD_BYTES for the head, then SSM_CHUNK_MAX */
    uint32_t chunk_len;
    uint32_t chunk_pos;       /* reading: next byte to hand out */
    uint64_t next_offset;     /* reading: file offset of the next chunk's head */
    uint64_t position;        /* data bytes put or got so far */
    uint64_t end;             /* reading: gets end here; a field's data narrows it for a while */
    struct SsmMemory *memory; /* working space of ssm_memory.c, made at its first use */
};

void ssm_stream_init(viv_stream_t *stream, const char *path);
void ssm_stream_finish(viv_stream_t *stream);
/* Forgets unit, failure and chunk. */
void ssm_stream_reset(viv_stream_t *stream);

/* ssm_writer.c: writes the chunk out and starts the next one. */
viv_status_t ssm_writer_flush_chunk(SsmWriter *writer);
/* ssm_reader.c: reads and checks the next chunk of the stream's unit. */
viv_status_t ssm_reader_next_chunk(SsmReader *reader);

/* ssm_memory.c */
void ssm_memory_free(struct SsmMemory *memory);
bool ssm_is_zero(const uint8_t *at, uint32_t len_bytes);
uint64_t ssm_page_hash(const uint8_t *page);                                /* of SSM_PAGE_BYTES */
viv_status_t ssm_scan_memory(viv_stream_t *stream, SsmImageInfo *ret_info); /* with its name */

uint32_t ssm_crc(uint32_t crc, const void *buf, size_t len_bytes);
/* "pit/0", "pgm/0 pass 3" (transfer) */
char *ssm_unit_label(const SsmUnit *unit);

#endif
