/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* parallel: what the parts of the device share.
 *
 *   parallel.c          the class: options, state, ports, LUN, timers
 *   parallel_regs.c     data, status, control and EPP registers, interrupts
 *   parallel_ecp.c      ECR, FIFO, configuration registers, ECP and FIFO transfers, DMA
 *   parallel_printer.c  a plain printer for a character back end
 *
 * Whatever is plugged in is a viv_parallel_ops_t: the driver's, or the printer's.
 *
 * Invariants
 * 1. fifo_count <= PARALLEL_FIFO, rle_left <= 128.
 * 2. The interrupt's level is irq_pending != 0 (parallel_irq_update()).
 * 3. The FIFO is empty in modes 000 and 001. */
#ifndef PARALLEL_H
#define PARALLEL_H

#include <viv/device.h>
#include <viv/interfaces.h>
#include <viv/isadma.h>

/* Offsets from the base; the second block lies 400h above. */
#define PARALLEL_DATA     0u /* ecpAFifo in ECP mode */
#define PARALLEL_DSR      1u
#define PARALLEL_DCR      2u
#define PARALLEL_EPP_ADDR 3u
#define PARALLEL_EPP_DATA 4u
#define PARALLEL_FIFO_REG 0u /* cFifo, ecpDFifo, tFifo, cnfgA */
#define PARALLEL_CNFGB    1u
#define PARALLEL_ECR      2u

#define PARALLEL_DSR_TIMEOUT 0x01u
#define PARALLEL_DSR_NFAULT  0x08u
#define PARALLEL_DSR_SELECT  0x10u
#define PARALLEL_DSR_PERROR  0x20u
#define PARALLEL_DSR_NACK    0x40u
#define PARALLEL_DSR_NBUSY   0x80u
#define PARALLEL_DSR_LINES   0xf8u

#define PARALLEL_DCR_STROBE 0x01u
#define PARALLEL_DCR_AUTOFD 0x02u
#define PARALLEL_DCR_NINIT  0x04u
#define PARALLEL_DCR_SELECT 0x08u
#define PARALLEL_DCR_IRQ    0x10u
#define PARALLEL_DCR_INPUT  0x20u
#define PARALLEL_DCR_LINES  0x0fu

#define PARALLEL_ECR_EMPTY   0x01u
#define PARALLEL_ECR_FULL    0x02u
#define PARALLEL_ECR_SERVICE 0x04u
#define PARALLEL_ECR_DMA     0x08u
#define PARALLEL_ECR_NERR    0x10u
#define PARALLEL_ECR_KEPT    0xfcu
/* Modes: ECR bits 7-5 */
#define PARALLEL_MODE_SPP    0u
#define PARALLEL_MODE_PS2    1u
#define PARALLEL_MODE_CFIFO  2u
#define PARALLEL_MODE_ECP    3u
#define PARALLEL_MODE_EPP    4u
#define PARALLEL_MODE_TEST   6u
#define PARALLEL_MODE_CONFIG 7u

#define PARALLEL_FIFO      16u
#define PARALLEL_THRESHOLD 8u
#define PARALLEL_NO_DMA    4u

/* Reasons for an interrupt */
#define PARALLEL_IRQ_ACK     1u
#define PARALLEL_IRQ_SERVICE 2u
#define PARALLEL_IRQ_FAULT   4u

/* What the port is made as */
typedef enum ParallelKind {
    PARALLEL_SPP,
    PARALLEL_PS2,
    PARALLEL_EPP,
    PARALLEL_ECP,
    PARALLEL_KINDS
} ParallelKind;

typedef struct Parallel {
    /* config */
    uint32_t io_base, irq, dma;
    const char *mode;
    const char *epp_version;

    /* guest-visible state, saved */
    uint8_t data, control, ecr, cnfgb;
    uint8_t epp_timeout;
    uint8_t irq_pending; /* PARALLEL_IRQ_* */
    uint8_t lines;       /* status lines as seen last, for edges */
    uint8_t fifo_last;   /* what an empty FIFO shows */
    uint32_t fifo_count;
    uint8_t fifo_data[PARALLEL_FIFO];
    uint8_t fifo_command[PARALLEL_FIFO]; /* 1: channel address or run length */
    uint32_t rle_left;                   /* ECP reverse: rle_value goes in so often */
    uint8_t rle_run;                     /* a run length has come, its byte has not */
    uint8_t rle_value;
    uint32_t rle_send; /* ECP forward: a run of so many has been announced, its byte has not gone */
    /* the printer */
    uint8_t pr_busy, pr_ack; /* BUSY is high, nAck is low */
    uint8_t pr_full, pr_byte;
    uint8_t pr_strobe; /* nStrobe as seen last */

    /* derived */
    ParallelKind kind;
    uint32_t epp_17;
    uint32_t irq_level;
    uint32_t moving; /* parallel_fifo_move() is running */
    uint32_t dreq;

    /* host resources */
    viv_dev_t *dev;
    viv_timer_t *printer_timer;
    const viv_parallel_ops_t *plug; /* NULL: nothing is plugged in */
    void *plug_self;
    const viv_isadma_api_t *isadma; /* NULL: this host has none */
    const viv_char_ops_t *chr;      /* the printer's paper */
    void *chr_self;

    /* statistics */
    uint64_t stat_epp_timeouts, stat_fifo_lost;
} Parallel;

/* All of the following: [device lock held]. */

/* parallel_regs.c */
uint8_t parallel_read(Parallel *p, uint32_t reg);
void parallel_write(Parallel *p, uint32_t reg, uint8_t value);
void parallel_irq_update(Parallel *p);
void parallel_irq_raise(Parallel *p, uint32_t reason);
/* The plug's status lines are these now. */
void parallel_lines(Parallel *p, uint8_t status);
uint8_t parallel_plug_status(const Parallel *p);
uint32_t parallel_mode(const Parallel *p);  /* ECR's; without one what the port is */
uint32_t parallel_input(const Parallel *p); /* the data lines are let go of */
void parallel_drive(Parallel *p);           /* tells the plug what data and control lines are */

/* parallel_ecp.c */
uint8_t parallel_ecp_read(Parallel *p, uint32_t reg);
void parallel_ecp_write(Parallel *p, uint32_t reg, uint8_t value);
void parallel_fifo_push(Parallel *p, uint8_t value, uint32_t command);
void parallel_fifo_reset(Parallel *p);
/* Moves what can be moved between memory, FIFO and plug, and asks for service. */
void parallel_fifo_move(Parallel *p);
void parallel_dreq_update(Parallel *p);
void parallel_dma_ready(viv_dev_t *dev, void *ctx, uint32_t channel);

/* parallel_printer.c */
extern const viv_parallel_ops_t parallel_printer;
void parallel_printer_reset(Parallel *p);
void parallel_printer_due(viv_dev_t *dev, void *ctx);
void parallel_printer_go_on(Parallel *p); /* the paper takes bytes again */

#endif
