/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* serial: what the chip (serial_uart.c) and its wiring to the machine (serial.c) share. */
#ifndef SERIAL_INTERNAL_H
#define SERIAL_INTERNAL_H

#include <viv/device.h>
#include <viv/interfaces.h>

/* Register offsets. 0 and 1 are the divisor latch while LCR.DLAB is set. */
#define SERIAL_RBR_THR 0u
#define SERIAL_IER     1u
#define SERIAL_IIR_FCR 2u
#define SERIAL_LCR     3u
#define SERIAL_MCR     4u
#define SERIAL_LSR     5u
#define SERIAL_MSR     6u
#define SERIAL_SCR     7u

#define SERIAL_IER_RX    0x01u
#define SERIAL_IER_THRE  0x02u
#define SERIAL_IER_LINE  0x04u
#define SERIAL_IER_MODEM 0x08u

#define SERIAL_IIR_NONE    0x01u
#define SERIAL_IIR_MODEM   0x00u
#define SERIAL_IIR_THRE    0x02u
#define SERIAL_IIR_RX      0x04u
#define SERIAL_IIR_LINE    0x06u
#define SERIAL_IIR_TIMEOUT 0x0cu
#define SERIAL_IIR_FIFO64  0x20u
#define SERIAL_IIR_FIFO    0xc0u

#define SERIAL_FCR_ENABLE   0x01u
#define SERIAL_FCR_CLEAR_RX 0x02u
#define SERIAL_FCR_CLEAR_TX 0x04u
#define SERIAL_FCR_FIFO64   0x20u

#define SERIAL_LCR_STOP   0x04u
#define SERIAL_LCR_PARITY 0x08u
#define SERIAL_LCR_EVEN   0x10u
#define SERIAL_LCR_STICK  0x20u
#define SERIAL_LCR_BREAK  0x40u
#define SERIAL_LCR_DLAB   0x80u

#define SERIAL_MCR_DTR  0x01u
#define SERIAL_MCR_RTS  0x02u
#define SERIAL_MCR_OUT1 0x04u
#define SERIAL_MCR_OUT2 0x08u
#define SERIAL_MCR_LOOP 0x10u
#define SERIAL_MCR_AFE  0x20u

#define SERIAL_LSR_DR       0x01u
#define SERIAL_LSR_OE       0x02u
#define SERIAL_LSR_PE       0x04u
#define SERIAL_LSR_FE       0x08u
#define SERIAL_LSR_BI       0x10u
#define SERIAL_LSR_THRE     0x20u
#define SERIAL_LSR_TEMT     0x40u
#define SERIAL_LSR_FIFO_ERR 0x80u
#define SERIAL_LSR_ERRORS   (SERIAL_LSR_OE | SERIAL_LSR_PE | SERIAL_LSR_FE | SERIAL_LSR_BI)

#define SERIAL_MSR_DCTS 0x01u
#define SERIAL_MSR_TERI 0x04u
#define SERIAL_MSR_CTS  0x10u
#define SERIAL_MSR_DSR  0x20u
#define SERIAL_MSR_RI   0x40u
#define SERIAL_MSR_DCD  0x80u

#define SERIAL_FIFO_MAX 64u

typedef enum SerialModel { SERIAL_16450, SERIAL_16550A, SERIAL_16750 } SerialModel;

typedef struct Serial {
    /* config */
    uint32_t io_base;
    uint32_t irq;
    const char *uart_type;
    uint8_t real_baud;
    uint8_t yield_on_lsr;

    /* guest-visible state, saved */
    uint8_t ier, fcr, lcr, mcr, scr, dll, dlm;
    uint8_t lsr_errors;   /* OE, PE, FE, BI as the next LSR read shows them */
    uint8_t msr;          /* lines and deltas */
    uint8_t thre_pending; /* THRE interrupt: set by the edge, cleared by IIR read or THR write */
    uint8_t timeout_pending;
    uint8_t lines_in; /* the plug's CTS, DSR, RI, DCD as MSR bits 4-7 */
    uint8_t tsr, tsr_full;
    uint32_t rx_count, tx_count;
    uint8_t rx_data[SERIAL_FIFO_MAX];  /* oldest first */
    uint8_t rx_flags[SERIAL_FIFO_MAX]; /* PE, FE, BI of each byte */
    uint8_t tx_data[SERIAL_FIFO_MAX];
    uint8_t tx_two;    /* the FIFO has held two bytes at once since it was empty */
    uint8_t thre_late; /* the FIFO is empty, the interrupt comes with the character's end */
    uint8_t rts_held;  /* automatic RTS has let go of the line */

    /* derived, rebuilt in post_load */
    SerialModel model;
    uint32_t irq_level;
    uint32_t input_held; /* the driver has been refused a byte and waits for input_ready() */
    uint32_t sent_lines; /* what the driver has been told last */
    uint32_t sent_baud, sent_format;

    /* host resources */
    viv_dev_t *dev;
    viv_timer_t *tx_timer;      /* armed while a character is on the wire (RealBaud) */
    viv_timer_t *timeout_timer; /* character timeout */
    viv_timer_t *rx_timer;      /* armed while a character comes over the wire (RealBaud) */
    const viv_char_ops_t *chr;  /* NULL: nothing is plugged in */
    void *chr_self;

    /* statistics */
    uint64_t stat_overruns, stat_marked;
} Serial;

/* All of the following: [device lock held]. */
uint8_t serial_uart_read(Serial *s, uint32_t reg);
void serial_uart_write(Serial *s, uint32_t reg, uint8_t value);
void serial_uart_reset(Serial *s);
/* The plug: returns how many bytes the receiver took. */
uint32_t serial_uart_receive(Serial *s, const uint8_t *buf, uint32_t len_bytes);
/* A spoilt character, VIV_CHAR_MARK_*; it cannot be refused. */
void serial_uart_receive_marked(Serial *s, uint8_t value, uint32_t marks);
void serial_uart_rx_expired(Serial *s);
void serial_uart_set_plug_lines(Serial *s, uint8_t msr_lines);
/* Moves what can be moved out of the transmitter. */
void serial_uart_transmit(Serial *s);
void serial_uart_tx_expired(Serial *s);
void serial_uart_timeout_expired(Serial *s);
/* After a load: tells line, driver and clock what the loaded registers say. */
void serial_uart_resync(Serial *s);
uint32_t serial_uart_fifo_depth(const Serial *s);

#endif
