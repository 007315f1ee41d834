/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* 8237A: what the three files of this plugin share. 8237a.c is the device and its page registers,
 * 8237a_regs.c the sixteen registers of a controller, 8237a_run.c the cycles. */
#ifndef DEVICE_8237A_H
#define DEVICE_8237A_H

#include <viv/device.h>
#include <viv/isadma.h>

#define DMA_CHIPS   2u
#define DMA_PER     4u  /* channels of a controller */
#define DMA_PAGES   16u /* page registers 80h-8Fh */
#define DMA_CASCADE 4u  /* the channel that carries the first controller */

/* Command register */
#define DMA_CMD_MEM_TO_MEM 0x01u
#define DMA_CMD_HOLD       0x02u /* memory to memory: channel 0's address stands */
#define DMA_CMD_DISABLE    0x04u
#define DMA_CMD_ROTATE     0x10u
#define DMA_CMD_DREQ_LOW   0x40u /* DREQ is active low */
#define DMA_CMD_DACK_HIGH  0x80u /* DACK is active high: no device on a PC's bus hears it */

/* Mode register of a channel; the type of transfer stands in bits 2-3 as VIV_ISADMA_* */
#define DMA_MODE_TYPE_SHIFT 2u
#define DMA_MODE_AUTO_INIT  0x10u
#define DMA_MODE_DECREMENT  0x20u
#define DMA_MODE_TRANSFER   0xc0u /* demand, single, block, cascade */
#define DMA_MODE_CASCADE    0xc0u

typedef struct DmaChannel {
    uint16_t base_address, base_count;
    uint16_t address, count; /* current; the count is one less than the transfers to come */
    uint8_t mode;
} DmaChannel;

typedef struct DmaChip {
    DmaChannel channel[DMA_PER];
    uint8_t command;
    uint8_t mask, request, tc; /* one bit a channel */
    uint8_t block;             /* block transfers under way: DREQ is no longer looked at */
    uint8_t high_byte;         /* byte pointer flip-flop */
    uint8_t temporary;
    uint8_t lowest; /* rotating priority: the channel served last */
} DmaChip;

typedef struct Dma {
    /* guest-visible state, saved */
    DmaChip chip[DMA_CHIPS];
    uint8_t page[DMA_PAGES];
    /* derived: devices say their lines again after a load */
    uint8_t dreq;  /* levels, one bit a channel */
    uint8_t ready; /* channels that the host knows to be ready */
    /* host resources */
    viv_dev_t *dev;
    const viv_isadma_api_t *isadma;
    const viv_stam_api_t *stam;
    uint64_t bytes_to_memory, bytes_from_memory, terminal_counts;
} Dma;

/* 8237a_run.c. All [device lock held]. */
/* Tells the host which channels have become ready. */
void dma_notify(Dma *d);
/* The same after a register was written; software requests that need no device are served first.
 * (Not when a line changes: after a load the lines come one by one.) */
void dma_update(Dma *d);
uint32_t dma_mode(const Dma *d, uint32_t channel);
uint32_t dma_run(Dma *d, uint32_t channel, void *buf, uint32_t len_bytes, uint32_t *ret_flags);

/* 8237a_regs.c. reg is 0-15. */
void dma_chip_clear(DmaChip *chip); /* as after a master clear */
uint8_t dma_chip_read(Dma *d, uint32_t chip, uint32_t reg);
void dma_chip_write(Dma *d, uint32_t chip, uint32_t reg, uint8_t value);

#endif
