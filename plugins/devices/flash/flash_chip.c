/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* flash_chip: see flash_chip.h. */
#include "flash_chip.h"

#include <string.h>

#define FLASH_MANUFACTURER 0x89u /* Intel */
#define FLASH_DEVICE       0xa2u /* 28F008SA */

#define FLASH_CMD_PROGRAM_OLD  0x10u
#define FLASH_CMD_ERASE        0x20u
#define FLASH_CMD_PROGRAM      0x40u
#define FLASH_CMD_CLEAR_STATUS 0x50u
#define FLASH_CMD_READ_STATUS  0x70u
#define FLASH_CMD_READ_ID      0x90u
#define FLASH_CMD_QUERY        0x98u
#define FLASH_CMD_SUSPEND      0xb0u
#define FLASH_CMD_CONFIRM      0xd0u /* also: resume */
#define FLASH_CMD_BUFFER       0xe8u
#define FLASH_CMD_READ_ARRAY   0xffu

void flash_chip_reset(FlashChip *chip)
{
    chip->mode = FLASH_ARRAY;
    chip->step = FLASH_COMMAND;
    chip->status = FLASH_SR_READY;
    chip->buffer_count = chip->buffer_fill = 0;
    chip->buffer_first = 0;
    memset(chip->buffer, 0, sizeof chip->buffer);
    memset(chip->buffer_used, 0, sizeof chip->buffer_used);
}

/* -- reads ----------------------------------------------------------------------------------- */

/* The query structure, byte-wide: JESD68.01 tables 1 to 4, then Intel's extended table 1.0. */
static uint8_t flash_query(const FlashChip *chip, uint64_t off)
{
    const uint64_t blocks = chip->len / chip->block_bytes;
    uint8_t log2_len = 0;
    while (log2_len < 63 && UINT64_C(1) << log2_len < chip->len) {
        log2_len++;
    }
    const uint8_t table[] = {
        /* 10h */ 'Q', 'R', 'Y', 0x01, 0x00, 0x31, 0x00, 0x00, 0x00, 0x00, 0x00,
        /* 1Bh: supply 2.7 to 3.6 V, no VPP; times as powers of two: program 64 us, buffer 64 us,
         * erase 1 s, and how much longer at most */
        0x27, 0x36, 0x00, 0x00, 6, 6, 10, 0, 2, 2, 2, 0,
        /* 27h: size, interface x8, buffer, regions */
        log2_len, 0x00, 0x00, 6, 0, 1,
        /* 2Dh: blocks - 1, bytes of a block / 256 */
        (uint8_t)(blocks - 1), (uint8_t)((blocks - 1) >> 8), (uint8_t)(chip->block_bytes >> 8),
        (uint8_t)(chip->block_bytes >> 16),
        /* 31h */ 'P', 'R', 'I', '1', '0', 0, 0, 0, 0, 0, 0, 0, 0x33, 0x00};
    return off >= 0x10 && off - 0x10 < sizeof table ? table[off - 0x10] : 0;
}

uint8_t flash_chip_read(const FlashChip *chip, uint64_t off)
{
    switch ((FlashMode)chip->mode) {
    case FLASH_STATUS: return chip->status;
    case FLASH_ID: return off == 0 ? FLASH_MANUFACTURER : off == 1 ? FLASH_DEVICE : 0;
    case FLASH_QUERY: return flash_query(chip, off);
    case FLASH_ARRAY:
    default: return chip->bytes[off];
    }
}

/* -- operations ------------------------------------------------------------------------------ */

static void flash_done(FlashChip *chip, uint8_t errors)
{
    chip->status |= (uint8_t)(FLASH_SR_READY | errors);
    chip->mode = FLASH_STATUS;
    chip->step = FLASH_COMMAND;
}

/* A wrong second cycle shows as both errors (28F008SA table 5). */
static void flash_bad_sequence(FlashChip *chip)
{
    flash_done(chip, FLASH_SR_ERASE | FLASH_SR_PROGRAM);
}

/* Programming turns ones into zeros only. */
static void flash_program(FlashChip *chip, uint64_t off, uint8_t value)
{
    if (chip->protected) {
        flash_done(chip, FLASH_SR_PROGRAM | FLASH_SR_VPP);
        return;
    }
    chip->bytes[off] &= value;
    chip->changed(chip->ctx, off, 1);
    flash_done(chip, 0);
}

static void flash_erase(FlashChip *chip, uint64_t off)
{
    if (chip->protected) {
        flash_done(chip, FLASH_SR_ERASE | FLASH_SR_VPP);
        return;
    }
    uint64_t first = off & ~(uint64_t)(chip->block_bytes - 1);
    memset(chip->bytes + first, 0xff, chip->block_bytes);
    chip->changed(chip->ctx, first, chip->block_bytes);
    flash_done(chip, 0);
}

/* -- the write buffer ------------------------------------------------------------------------ */

static void flash_buffer_count(FlashChip *chip, uint8_t value)
{
    if (value >= FLASH_BUFFER_BYTES) {
        flash_bad_sequence(chip);
        return;
    }
    chip->buffer_count = value + 1u;
    chip->buffer_fill = 0;
    memset(chip->buffer_used, 0, sizeof chip->buffer_used);
    chip->step = FLASH_BUFFER_DATA;
}

/* The first address decides the row of the buffer; all others must lie in it. */
static void flash_buffer_data(FlashChip *chip, uint64_t off, uint8_t value)
{
    uint64_t row = off & ~(uint64_t)(FLASH_BUFFER_BYTES - 1);
    if (chip->buffer_fill == 0) {
        chip->buffer_first = row;
    } else if (row != chip->buffer_first) {
        flash_bad_sequence(chip);
        return;
    }
    chip->buffer[off - row] = value;
    chip->buffer_used[off - row] = 1;
    if (++chip->buffer_fill == chip->buffer_count) {
        chip->step = FLASH_BUFFER_CONFIRM;
    }
}

static void flash_buffer_confirm(FlashChip *chip, uint8_t value)
{
    if (value != FLASH_CMD_CONFIRM) {
        flash_bad_sequence(chip);
        return;
    }
    if (chip->protected) {
        flash_done(chip, FLASH_SR_PROGRAM | FLASH_SR_VPP);
        return;
    }
    for (uint32_t i = 0; i < FLASH_BUFFER_BYTES; i++) {
        if (chip->buffer_used[i]) {
            chip->bytes[chip->buffer_first + i] &= chip->buffer[i];
        }
    }
    chip->changed(chip->ctx, chip->buffer_first, FLASH_BUFFER_BYTES);
    flash_done(chip, 0);
}

/* -- writes ---------------------------------------------------------------------------------- */

static void flash_clear_status(FlashChip *chip)
{
    chip->status = chip->keep_ready ? FLASH_SR_READY : 0;
    chip->mode = FLASH_ARRAY;
}

static void flash_command(FlashChip *chip, uint8_t value)
{
    switch (value) {
    case FLASH_CMD_READ_ARRAY: chip->mode = FLASH_ARRAY; break;
    case FLASH_CMD_READ_ID: chip->mode = FLASH_ID; break;
    case FLASH_CMD_QUERY: chip->mode = FLASH_QUERY; break;
    case FLASH_CMD_CLEAR_STATUS: flash_clear_status(chip); break;
    case FLASH_CMD_READ_STATUS:
    case FLASH_CMD_SUSPEND: /* too late: the operation is over */
    case FLASH_CMD_CONFIRM: chip->mode = FLASH_STATUS; break;
    case FLASH_CMD_PROGRAM:
    case FLASH_CMD_PROGRAM_OLD:
        chip->mode = FLASH_STATUS;
        chip->step = FLASH_PROGRAM;
        break;
    case FLASH_CMD_ERASE:
        chip->mode = FLASH_STATUS;
        chip->step = FLASH_ERASE;
        break;
    case FLASH_CMD_BUFFER: /* reads give the extended status: SR.7 says that a buffer is free */
        chip->status |= FLASH_SR_READY;
        chip->mode = FLASH_STATUS;
        chip->step = FLASH_BUFFER_COUNT;
        break;
    default: break; /* reserved: not decoded */
    }
}

void flash_chip_write(FlashChip *chip, uint64_t off, uint8_t value)
{
    switch ((FlashStep)chip->step) {
    case FLASH_PROGRAM: flash_program(chip, off, value); break;
    case FLASH_ERASE:
        if (value == FLASH_CMD_CONFIRM) {
            flash_erase(chip, off);
        } else {
            flash_bad_sequence(chip);
        }
        break;
    case FLASH_BUFFER_COUNT: flash_buffer_count(chip, value); break;
    case FLASH_BUFFER_DATA: flash_buffer_data(chip, off, value); break;
    case FLASH_BUFFER_CONFIRM: flash_buffer_confirm(chip, value); break;
    case FLASH_COMMAND:
    default: flash_command(chip, value); break;
    }
}

int flash_chip_valid(const FlashChip *chip)
{
    return chip->mode < FLASH_MODES && chip->step < FLASH_STEPS &&
           chip->buffer_count <= FLASH_BUFFER_BYTES &&
           (chip->buffer_fill < chip->buffer_count || chip->step != FLASH_BUFFER_DATA) &&
           chip->buffer_first % FLASH_BUFFER_BYTES == 0 && chip->buffer_first < chip->len;
}
