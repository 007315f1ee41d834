/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* 8237A: the registers of one controller (Intel 231466, "Register Description"; the readable mask
 * register is the 82371SB's, 290550 section 2.4.2). */
#include "8237a.h"

enum {
    DMA_REG_COMMAND = 8, /* read: status */
    DMA_REG_REQUEST = 9,
    DMA_REG_MASK_ONE = 10,
    DMA_REG_MODE = 11,
    DMA_REG_CLEAR_POINTER = 12,
    DMA_REG_MASTER_CLEAR = 13, /* read: temporary register */
    DMA_REG_CLEAR_MASK = 14,
    DMA_REG_MASK_ALL = 15,
};

void dma_chip_clear(DmaChip *chip)
{
    chip->command = 0;
    chip->tc = 0;
    chip->request = 0;
    chip->block = 0;
    chip->temporary = 0;
    chip->high_byte = 0;
    chip->mask = 0x0f;
    chip->lowest = DMA_PER - 1;
}

static uint8_t dma_word_byte(DmaChip *chip, uint16_t word)
{
    uint8_t byte = (uint8_t)(chip->high_byte ? word >> 8 : word);
    chip->high_byte ^= 1;
    return byte;
}

/* Requests are shown whatever the mask says. */
static uint8_t dma_status_read(Dma *d, uint32_t index)
{
    DmaChip *chip = &d->chip[index];
    uint32_t lines = (uint32_t)d->dreq >> (DMA_PER * index) & 0x0f;
    if (chip->command & DMA_CMD_DREQ_LOW)
        lines ^= 0x0f;
    uint8_t status = (uint8_t)((lines | chip->request) << 4 | chip->tc);
    chip->tc = 0;
    return status;
}

uint8_t dma_chip_read(Dma *d, uint32_t index, uint32_t reg)
{
    DmaChip *chip = &d->chip[index];
    if (reg < DMA_REG_COMMAND) {
        const DmaChannel *channel = &chip->channel[reg / 2];
        return dma_word_byte(chip, reg & 1 ? channel->count : channel->address);
    }
    switch (reg) {
    case DMA_REG_COMMAND: return dma_status_read(d, index);
    case DMA_REG_MASTER_CLEAR: return chip->temporary;
    case DMA_REG_MASK_ALL: return chip->mask;
    default: return 0xff;
    }
}

static void dma_word_write(DmaChip *chip, uint32_t reg, uint8_t value)
{
    DmaChannel *channel = &chip->channel[reg / 2];
    uint16_t *base = reg & 1 ? &channel->base_count : &channel->base_address;
    uint16_t *current = reg & 1 ? &channel->count : &channel->address;
    uint32_t shift = chip->high_byte ? 8 : 0;
    *base = (uint16_t)((*base & ~(0xffu << shift)) | (uint32_t)value << shift);
    *current = (uint16_t)((*current & ~(0xffu << shift)) | (uint32_t)value << shift);
    chip->high_byte ^= 1;
}

static void dma_bit_write(uint8_t *bits, uint8_t value)
{
    uint8_t bit = (uint8_t)(1u << (value & 3));
    *bits = (uint8_t)(value & 4 ? *bits | bit : *bits & ~bit);
}

void dma_chip_write(Dma *d, uint32_t index, uint32_t reg, uint8_t value)
{
    DmaChip *chip = &d->chip[index];
    switch (reg) {
    case DMA_REG_COMMAND: chip->command = value; break;
    case DMA_REG_REQUEST: dma_bit_write(&chip->request, value); break;
    case DMA_REG_MASK_ONE: dma_bit_write(&chip->mask, value); break;
    case DMA_REG_MODE:
        chip->channel[value & 3].mode = value & 0xfc;
        chip->block &= (uint8_t) ~(1u << (value & 3));
        break;
    case DMA_REG_CLEAR_POINTER: chip->high_byte = 0; break;
    case DMA_REG_MASTER_CLEAR: dma_chip_clear(chip); break;
    case DMA_REG_CLEAR_MASK: chip->mask = 0; break;
    case DMA_REG_MASK_ALL: chip->mask = value & 0x0f; break;
    default: dma_word_write(chip, reg, value); break;
    }
    dma_update(d);
}
