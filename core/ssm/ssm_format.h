/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ssm: the layout of a saved-state file, version 1. All numbers are little-endian, all checksums
 * CRC-32 (zlib's).
 *
 *     header     128 bytes
 *     unit*      head, chunks, tail
 *     directory  "\nDir\n" 0 0 0, one entry for each unit
 *     footer     40 bytes, the file's last
 *
 * header     0 magic (32), 32 u32 version, 36 u32 header length, 40 u32 flags (none yet: 0),
 *            44 u32 page size, 48 identity (64, NUL-padded), 112 reserved (12, zero),
 *            124 u32 CRC of bytes 0..123
 * unit head  0 "\nUnit\n" 0 0, 8 u64 offset of this head, 16 u32 instance, 20 u32 version,
 *            24 u32 pass, 28 u32 flags (SSM_UNIT_OPTIONAL), 32 u32 name length,
 *            36 u32 CRC of bytes 0..35 and the name; 40 the name
 * chunk      0 u32 length (1 .. SSM_CHUNK_MAX), 4 u32 CRC of the data; 8 the data
 * unit tail  0 u32 zero (no further chunk), 4 u32 spine, 8 u64 data bytes in all chunks,
 *            16 u32 chunk count, 20 u32 CRC of bytes 0..19.
 *            The spine is the CRC of all chunk headers in order.
 * entry      0 u64 offset of the head, 8 u64 data bytes, 16 u64 offset behind the tail,
 *            24 u32 instance, 28 u32 version, 32 u32 pass, 36 u32 spine, 40 u32 CRC of the name,
 *            44 u32 CRC in the unit's head
 * footer     0 "\nEnd\n" 0 0 0, 8 u64 offset of the directory, 16 u64 file length,
 *            24 u32 unit count, 28 u32 CRC of the directory, 32 u32 CRC in the header,
 *            36 u32 CRC of bytes 0..35
 *
 * So every byte of a file is under a checksum, and the checksums bind the parts to each other: a
 * unit or a tail from another file does not fit. */
#ifndef CORE_SSM_FORMAT_H
#define CORE_SSM_FORMAT_H

#include <stdint.h>
#include <string.h>

#define SSM_MAGIC            "\177Vivarium saved state\n"
#define SSM_VERSION          1u
#define SSM_MAGIC_BYTES      32u
#define SSM_HEADER_BYTES     128u
#define SSM_UNIT_MAGIC       "\nUnit\n\0"
#define SSM_UNIT_HEAD_BYTES  40u
#define SSM_CHUNK_HEAD_BYTES 8u
#define SSM_CHUNK_MAX        (256u << 10)
#define SSM_UNIT_TAIL_BYTES  24u
#define SSM_DIR_MAGIC        "\nDir\n\0\0"
#define SSM_DIR_HEAD_BYTES   8u
#define SSM_DIR_ENTRY_BYTES  48u
#define SSM_FOOTER_MAGIC     "\nEnd\n\0\0"
#define SSM_FOOTER_BYTES     40u
#define SSM_UNITS_MAX        1000000u

static inline void ssm_le16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

static inline void ssm_le32(uint8_t *at, uint32_t value)
{
    ssm_le16(at, (uint16_t)value);
    ssm_le16(at + 2, (uint16_t)(value >> 16));
}

static inline void ssm_le64(uint8_t *at, uint64_t value)
{
    ssm_le32(at, (uint32_t)value);
    ssm_le32(at + 4, (uint32_t)(value >> 32));
}

static inline uint16_t ssm_rd16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

static inline uint32_t ssm_rd32(const uint8_t *at)
{
    return ssm_rd16(at) | (uint32_t)ssm_rd16(at + 2) << 16;
}

static inline uint64_t ssm_rd64(const uint8_t *at)
{
    return ssm_rd32(at) | (uint64_t)ssm_rd32(at + 4) << 32;
}

#endif
