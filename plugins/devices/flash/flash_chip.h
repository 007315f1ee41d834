/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* flash_chip: the command interface of a flash memory over an array of bytes.
 * Follows: Intel 28F008SA datasheet (290429), sections 3 and 4; the query of JESD68.01 (CFI) and
 * the write buffer of Intel's later chips (28F320J3, 290667) with the basic command set 0001h.
 * Every operation is complete at once, so that nothing can be suspended. */
#ifndef FLASH_CHIP_H
#define FLASH_CHIP_H

#include <stdint.h>

#define FLASH_BUFFER_BYTES 64u

/* SR.7 .. SR.3 */
#define FLASH_SR_READY   0x80u
#define FLASH_SR_ERASE   0x20u /* erase failed; with PROGRAM: a wrong sequence of commands */
#define FLASH_SR_PROGRAM 0x10u
#define FLASH_SR_VPP     0x08u /* write-protected */

/* What reads see. */
typedef enum FlashMode { FLASH_ARRAY, FLASH_STATUS, FLASH_ID, FLASH_QUERY, FLASH_MODES } FlashMode;

/* What the next write is. */
typedef enum FlashStep {
    FLASH_COMMAND,
    FLASH_PROGRAM,        /* the byte */
    FLASH_ERASE,          /* D0h */
    FLASH_BUFFER_COUNT,   /* bytes - 1 */
    FLASH_BUFFER_DATA,    /* the bytes */
    FLASH_BUFFER_CONFIRM, /* D0h */
    FLASH_STEPS
} FlashStep;

typedef struct FlashChip {
    /* given */
    uint8_t *bytes;
    uint64_t len;         /* a multiple of block_bytes */
    uint32_t block_bytes; /* a power of two */
    uint8_t protected;    /* VPP is low: nothing can be changed */
    uint8_t keep_ready;   /* Clear Status leaves SR.7, as the chip does */
    /* [first, first + count) has changed */
    void (*changed)(void *ctx, uint64_t first, uint64_t count);
    void *ctx;
    /* state */
    uint8_t mode, step, status;
    uint32_t buffer_count, buffer_fill;
    uint64_t buffer_first; /* lowest address that the buffer may have */
    uint8_t buffer[FLASH_BUFFER_BYTES];
    uint8_t buffer_used[FLASH_BUFFER_BYTES];
} FlashChip;

void flash_chip_reset(FlashChip *chip);
/* off is below len. */
uint8_t flash_chip_read(const FlashChip *chip, uint64_t off);
void flash_chip_write(FlashChip *chip, uint64_t off, uint8_t value);
/* Whether a loaded state is possible. */
int flash_chip_valid(const FlashChip *chip);

#endif
