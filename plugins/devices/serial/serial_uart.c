/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* serial: the UART itself - registers, FIFOs, interrupts, loopback.
 * Follows National Semiconductor's PC16550D data sheet (June 1995), sections 8.1-8.7; the 16750's
 * additions (64-byte FIFOs, automatic RTS and CTS) follow Texas Instruments' TL16C750 data sheet.
 * Host side: bytes go to the driver as soon as it takes them. What it cannot take waits in the
 * shift register and the FIFO, which is what a slow line looks like to the guest. */
#include "serial_internal.h"

#include <string.h>

#define SERIAL_CLOCK_HZ 1843200u
/* Without RealBaud input comes in bursts, so a character timeout is worth little more than this. */
#define SERIAL_TIMEOUT_MAX_NS 5000000u

/* -- Line parameters ------------------------------------------------------------------------- */

static uint32_t serial_uart_divisor(const Serial *s)
{
    uint32_t divisor = (uint32_t)s->dlm << 8 | s->dll;
    return divisor ? divisor : 0x10000u;
}

static uint32_t serial_uart_data_bits(const Serial *s)
{
    return 5u + (s->lcr & 3u);
}

/* In half bits: 1.5 stop bits go with 5 data bits. */
static uint32_t serial_uart_stop_x2(const Serial *s)
{
    if (!(s->lcr & SERIAL_LCR_STOP))
        return 2;
    return (s->lcr & 3u) == 0 ? 3 : 4;
}

static uint64_t serial_uart_char_ns(const Serial *s)
{
    uint64_t half_bits = 2u + 2u * serial_uart_data_bits(s) + serial_uart_stop_x2(s) +
                         ((s->lcr & SERIAL_LCR_PARITY) ? 2u : 0u);
    /* One bit is 16 * divisor clocks. */
    return half_bits * 8u * serial_uart_divisor(s) * 1000000000u / SERIAL_CLOCK_HZ;
}

static uint8_t serial_uart_data_mask(const Serial *s)
{
    return (uint8_t)(0xffu >> (8u - serial_uart_data_bits(s)));
}

static uint32_t serial_uart_parity(const Serial *s)
{
    static const char names[4] = {'O', 'E', 'M', 'S'};
    if (!(s->lcr & SERIAL_LCR_PARITY))
        return 'N';
    return (uint32_t)names[(s->lcr >> 4) & 3u];
}

static void serial_uart_tell_params(Serial *s)
{
    uint32_t baud = SERIAL_CLOCK_HZ / 16u / serial_uart_divisor(s);
    uint32_t format = (s->lcr & 0x3fu) + 1u; /* 0 is "nothing told yet" */
    if (!s->chr || !VIV_HAS(s->chr, set_params))
        return;
    if (baud == s->sent_baud && format == s->sent_format)
        return;
    s->sent_baud = baud;
    s->sent_format = format;
    s->chr->set_params(s->chr_self, baud, serial_uart_data_bits(s), serial_uart_stop_x2(s),
                       serial_uart_parity(s));
}

static uint32_t serial_uart_auto_flow(const Serial *s)
{
    return s->model == SERIAL_16750 && (s->mcr & SERIAL_MCR_AFE);
}

/* RTS as the pin has it. */
static uint32_t serial_uart_rts(const Serial *s)
{
    return (s->mcr & SERIAL_MCR_RTS) && !(serial_uart_auto_flow(s) && s->rts_held);
}

/* In loopback the modem outputs are inactive and the transmitter's pin marks. */
static void serial_uart_tell_lines(Serial *s)
{
    uint32_t lines = 0;
    if (!(s->mcr & SERIAL_MCR_LOOP)) {
        lines = s->mcr & SERIAL_MCR_DTR;
        lines |= serial_uart_rts(s) ? 2u : 0u;
        lines |= (s->lcr & SERIAL_LCR_BREAK) ? 4u : 0u;
    }
    if (!s->chr || !VIV_HAS(s->chr, set_lines) || lines == s->sent_lines)
        return;
    s->sent_lines = lines;
    s->chr->set_lines(s->chr_self, lines);
}

/* -- Interrupts ------------------------------------------------------------------------------ */

uint32_t serial_uart_fifo_depth(const Serial *s)
{
    if (!(s->fcr & SERIAL_FCR_ENABLE))
        return 1;
    return (s->fcr & SERIAL_FCR_FIFO64) ? 64 : 16;
}

static uint32_t serial_uart_trigger(const Serial *s)
{
    static const uint8_t levels[2][4] = {{1, 4, 8, 14}, {1, 16, 32, 56}};
    if (!(s->fcr & SERIAL_FCR_ENABLE))
        return 1;
    return levels[(s->fcr & SERIAL_FCR_FIFO64) ? 1 : 0][s->fcr >> 6];
}

/* The interrupt of highest priority, as IIR bits 0-3. */
static uint8_t serial_uart_cause(const Serial *s)
{
    if ((s->ier & SERIAL_IER_LINE) && s->lsr_errors)
        return SERIAL_IIR_LINE;
    if ((s->ier & SERIAL_IER_RX) && s->rx_count >= serial_uart_trigger(s))
        return SERIAL_IIR_RX;
    if ((s->ier & SERIAL_IER_RX) && s->timeout_pending)
        return SERIAL_IIR_TIMEOUT;
    if ((s->ier & SERIAL_IER_THRE) && s->thre_pending)
        return SERIAL_IIR_THRE;
    /* Automatic CTS is the transmitter's own business. */
    if ((s->ier & SERIAL_IER_MODEM) && (s->msr & (serial_uart_auto_flow(s) ? 0x0eu : 0x0fu)))
        return SERIAL_IIR_MODEM;
    return SERIAL_IIR_NONE;
}

/* OUT2 drives the three-state buffer between the chip's INTR pin and the bus. */
static void serial_uart_update_irq(Serial *s)
{
    uint32_t level = serial_uart_cause(s) != SERIAL_IIR_NONE && (s->mcr & SERIAL_MCR_OUT2);
    if (level == s->irq_level)
        return;
    s->irq_level = level;
    s->dev->api->irq_set(s->dev, s->irq, level);
}

/* -- Receiver -------------------------------------------------------------------------------- */

/* Four character times without a byte in or out, and something below the trigger level waits. */
static void serial_uart_restart_timeout(Serial *s)
{
    s->timeout_pending = 0;
    if (!(s->fcr & SERIAL_FCR_ENABLE) || s->rx_count == 0) {
        s->dev->api->timer_cancel(s->timeout_timer);
        return;
    }
    uint64_t wait_ns = 4u * serial_uart_char_ns(s);
    if (!s->real_baud && wait_ns > SERIAL_TIMEOUT_MAX_NS)
        wait_ns = SERIAL_TIMEOUT_MAX_NS;
    s->dev->api->timer_arm(s->timeout_timer, s->dev->api->time_ns(s->dev) + wait_ns);
}

void serial_uart_timeout_expired(Serial *s)
{
    if ((s->fcr & SERIAL_FCR_ENABLE) && s->rx_count) {
        s->timeout_pending = 1;
        serial_uart_update_irq(s);
    }
}

static void serial_uart_update_lines(Serial *s);

/* Automatic RTS lets go of the line at the trigger level and takes it again when the FIFO is empty;
 * with the highest level, when the FIFO is full and when it has room. */
static void serial_uart_update_rts(Serial *s)
{
    uint32_t depth = serial_uart_fifo_depth(s), trigger = serial_uart_trigger(s);
    uint32_t highest = depth > 1 && trigger > depth / 2;
    uint8_t old = s->rts_held;
    if (s->rx_count >= (highest ? depth : trigger))
        s->rts_held = 1;
    else if (highest || s->rx_count == 0)
        s->rts_held = 0;
    if (s->rts_held == old || !serial_uart_auto_flow(s))
        return;
    serial_uart_tell_lines(s);
    if (s->mcr & SERIAL_MCR_LOOP)
        serial_uart_update_lines(s);
}

/* A character has arrived from the line. */
static void serial_uart_push(Serial *s, uint8_t value, uint8_t flags)
{
    if (s->rx_count >= serial_uart_fifo_depth(s)) {
        s->lsr_errors |= SERIAL_LSR_OE;
        s->stat_overruns++;
        if (s->fcr & SERIAL_FCR_ENABLE)
            return; /* the FIFO keeps what it has, the shift register is overwritten */
        s->rx_count = 0;
    }
    s->rx_data[s->rx_count] = (uint8_t)(value & serial_uart_data_mask(s));
    s->rx_flags[s->rx_count] = flags;
    if (s->rx_count++ == 0)
        s->lsr_errors |= flags;
    serial_uart_restart_timeout(s);
    serial_uart_update_rts(s);
}

static uint8_t serial_uart_pop(Serial *s)
{
    uint8_t value = s->rx_data[0];
    if (s->rx_count == 0)
        return value; /* the buffer register still holds the last byte */
    s->rx_count--;
    if (s->rx_count) {
        memmove(s->rx_data, s->rx_data + 1, s->rx_count);
        memmove(s->rx_flags, s->rx_flags + 1, s->rx_count);
        s->lsr_errors |= s->rx_flags[0];
    }
    serial_uart_restart_timeout(s);
    serial_uart_update_rts(s);
    return value;
}

/* May the line bring another character now? A peer that automatic RTS has stopped sends none. */
static uint32_t serial_uart_takes(const Serial *s)
{
    return !(s->mcr & SERIAL_MCR_LOOP) && s->rx_count < serial_uart_fifo_depth(s) &&
           !(serial_uart_auto_flow(s) && !serial_uart_rts(s)) &&
           s->dev->api->timer_deadline(s->rx_timer) == UINT64_MAX;
}

/* There may be room again: the driver offers what it holds. */
static void serial_uart_invite(Serial *s)
{
    if (!s->input_held || !s->chr || !serial_uart_takes(s))
        return;
    s->input_held = 0;
    s->chr->input_ready(s->chr_self);
}

uint32_t serial_uart_receive(Serial *s, const uint8_t *buf, uint32_t len_bytes)
{
    const viv_dev_api_t *api = s->dev->api;
    uint32_t taken = 0;
    while (taken < len_bytes && serial_uart_takes(s)) {
        serial_uart_push(s, buf[taken++], 0);
        if (s->real_baud)
            api->timer_arm(s->rx_timer, api->time_ns(s->dev) + serial_uart_char_ns(s));
    }
    if (taken)
        serial_uart_update_irq(s);
    if (taken < len_bytes)
        s->input_held = 1;
    return taken;
}

void serial_uart_receive_marked(Serial *s, uint8_t value, uint32_t marks)
{
    uint8_t flags = 0;
    if (s->mcr & SERIAL_MCR_LOOP)
        return;
    if (marks & VIV_CHAR_MARK_BREAK)
        flags |= SERIAL_LSR_BI | SERIAL_LSR_FE;
    if (marks & VIV_CHAR_MARK_FRAMING)
        flags |= SERIAL_LSR_FE;
    if ((marks & VIV_CHAR_MARK_PARITY) && (s->lcr & SERIAL_LCR_PARITY))
        flags |= SERIAL_LSR_PE;
    if (marks & VIV_CHAR_MARK_OVERRUN)
        s->lsr_errors |= SERIAL_LSR_OE;
    s->stat_marked++;
    serial_uart_push(s, marks & VIV_CHAR_MARK_BREAK ? 0 : value, flags);
    serial_uart_update_irq(s);
}

void serial_uart_rx_expired(Serial *s)
{
    serial_uart_invite(s);
}

/* -- Modem lines ----------------------------------------------------------------------------- */

/* The four inputs as the chip sees them: in loopback they are its own outputs. */
static uint8_t serial_uart_lines(const Serial *s)
{
    if (!(s->mcr & SERIAL_MCR_LOOP))
        return s->lines_in;
    uint32_t lines = 0;
    lines |= serial_uart_rts(s) ? SERIAL_MSR_CTS : 0u;
    lines |= (s->mcr & SERIAL_MCR_DTR) ? SERIAL_MSR_DSR : 0u;
    lines |= (s->mcr & SERIAL_MCR_OUT1) ? SERIAL_MSR_RI : 0u;
    lines |= (s->mcr & SERIAL_MCR_OUT2) ? SERIAL_MSR_DCD : 0u;
    return (uint8_t)lines;
}

static void serial_uart_update_lines(Serial *s)
{
    uint8_t now = serial_uart_lines(s);
    uint8_t changed = (uint8_t)((s->msr ^ now) & 0xf0u);
    uint8_t deltas = (uint8_t)(changed >> 4);
    if (now & SERIAL_MSR_RI)
        deltas &= (uint8_t)~SERIAL_MSR_TERI; /* only the trailing edge of RI counts */
    s->msr = (uint8_t)(now | (s->msr & 0x0fu) | deltas);
}

void serial_uart_set_plug_lines(Serial *s, uint8_t msr_lines)
{
    s->lines_in = msr_lines;
    serial_uart_update_lines(s);
    serial_uart_transmit(s);
    serial_uart_update_irq(s);
}

/* -- Transmitter ----------------------------------------------------------------------------- */

static void serial_uart_clear_tx(Serial *s)
{
    if (s->tx_count) {
        s->tx_count = 0;
        s->thre_pending = 1;
    }
    s->tx_two = s->thre_late = 0;
}

/* The FIFO has become empty. One byte alone is not worth an interrupt of its own: with FIFOs it
 * comes when the character is out, so that the next ones can gather meanwhile. */
static void serial_uart_tx_empty(Serial *s)
{
    s->thre_late = s->real_baud && (s->fcr & SERIAL_FCR_ENABLE) && !s->tx_two;
    s->tx_two = 0;
    if (!s->thre_late)
        s->thre_pending = 1;
}

/* The shift register's byte reaches the line. 0: the line does not take it now. During a break
 * nothing of it is to be seen there. */
static uint32_t serial_uart_emit(Serial *s)
{
    if (s->lcr & SERIAL_LCR_BREAK)
        return 1;
    if (s->mcr & SERIAL_MCR_LOOP) {
        serial_uart_push(s, s->tsr, 0);
        return 1;
    }
    if (!s->chr)
        return 1;
    return s->chr->write(s->chr_self, &s->tsr, 1);
}

static uint32_t serial_uart_held_by_cts(const Serial *s)
{
    return serial_uart_auto_flow(s) && !(s->msr & SERIAL_MSR_CTS);
}

void serial_uart_transmit(Serial *s)
{
    const viv_dev_api_t *api = s->dev->api;
    for (;;) {
        if (!s->tsr_full) {
            if (s->tx_count == 0 || serial_uart_held_by_cts(s))
                return;
            s->tsr = (uint8_t)(s->tx_data[0] & serial_uart_data_mask(s));
            s->tsr_full = 1;
            s->tx_count--;
            memmove(s->tx_data, s->tx_data + 1, s->tx_count);
            if (s->tx_count == 0)
                serial_uart_tx_empty(s);
            if (s->real_baud)
                api->timer_arm(s->tx_timer, api->time_ns(s->dev) + serial_uart_char_ns(s));
        }
        if (api->timer_deadline(s->tx_timer) != UINT64_MAX)
            return; /* still on the wire */
        if (!serial_uart_emit(s))
            return; /* write_ready() comes */
        s->tsr_full = 0;
        if (s->thre_late && s->tx_count == 0)
            s->thre_pending = 1;
        s->thre_late = 0;
    }
}

void serial_uart_tx_expired(Serial *s)
{
    serial_uart_transmit(s);
    serial_uart_update_irq(s);
}

static void serial_uart_write_thr(Serial *s, uint8_t value)
{
    uint32_t depth = serial_uart_fifo_depth(s);
    /* A full FIFO drops the byte; a full holding register is overwritten. */
    if (s->tx_count >= depth) {
        if (depth == 1)
            s->tx_data[0] = value;
        return;
    }
    s->tx_data[s->tx_count++] = value;
    s->tx_two |= s->tx_count >= 2;
    s->thre_late = 0;
    /* The line drops before the transmitter makes it rise again: an edge-triggered PIC needs to see
     * it. */
    s->thre_pending = 0;
    serial_uart_update_irq(s);
    serial_uart_transmit(s);
}

/* -- Registers ------------------------------------------------------------------------------- */

static uint8_t serial_uart_read_iir(Serial *s)
{
    uint8_t iir = serial_uart_cause(s);
    if (iir == SERIAL_IIR_THRE) {
        s->thre_pending = 0;
        serial_uart_update_irq(s);
    }
    if (s->fcr & SERIAL_FCR_ENABLE)
        iir |= SERIAL_IIR_FIFO;
    if (s->fcr & SERIAL_FCR_FIFO64)
        iir |= SERIAL_IIR_FIFO64;
    return iir;
}

static uint8_t serial_uart_read_lsr(Serial *s)
{
    uint8_t lsr = s->lsr_errors;
    if (s->rx_count)
        lsr |= SERIAL_LSR_DR;
    if (s->tx_count == 0) {
        lsr |= SERIAL_LSR_THRE;
        if (!s->tsr_full)
            lsr |= SERIAL_LSR_TEMT;
    }
    if (s->fcr & SERIAL_FCR_ENABLE) {
        for (uint32_t i = 0; i < s->rx_count; i++) {
            if (s->rx_flags[i])
                lsr |= SERIAL_LSR_FIFO_ERR;
        }
    }
    s->lsr_errors = 0;
    if (s->rx_count)
        s->rx_flags[0] = 0;
    serial_uart_update_irq(s);
    return lsr;
}

uint8_t serial_uart_read(Serial *s, uint32_t reg)
{
    uint8_t value;
    switch (reg) {
    case SERIAL_RBR_THR:
        if (s->lcr & SERIAL_LCR_DLAB)
            return s->dll;
        value = serial_uart_pop(s);
        serial_uart_update_irq(s);
        serial_uart_invite(s);
        return value;
    case SERIAL_IER: return (s->lcr & SERIAL_LCR_DLAB) ? s->dlm : s->ier;
    case SERIAL_IIR_FCR: return serial_uart_read_iir(s);
    case SERIAL_LCR: return s->lcr;
    case SERIAL_MCR: return s->mcr;
    case SERIAL_LSR: return serial_uart_read_lsr(s);
    case SERIAL_MSR:
        value = s->msr;
        s->msr &= 0xf0u;
        serial_uart_update_irq(s);
        return value;
    default: return s->scr;
    }
}

static void serial_uart_write_ier(Serial *s, uint8_t value)
{
    uint8_t old = s->ier;
    /* Bits 4 and 5 of a 16750 (sleep, low power) stop the oscillator while nothing is under way;
     * any access or character starts it again, so a guest sees only the bits. */
    s->ier = (uint8_t)(value & (s->model == SERIAL_16750 ? 0x3fu : 0x0fu));
    /* Enabling the interrupt with an empty holding register raises it: drivers start a
     * transmission, and test for chips without this behaviour, that way. */
    if ((s->ier & ~old & SERIAL_IER_THRE) && s->tx_count == 0)
        s->thre_pending = 1;
    serial_uart_update_irq(s);
}

static void serial_uart_write_fcr(Serial *s, uint8_t value)
{
    uint8_t keep = SERIAL_FCR_ENABLE | 0x08u | 0xc0u;
    if (s->model == SERIAL_16450)
        return;
    /* The 64-byte mode can be changed only while the divisor latch is open. */
    uint8_t fifo64 = s->fcr & SERIAL_FCR_FIFO64;
    if (s->model == SERIAL_16750 && (s->lcr & SERIAL_LCR_DLAB))
        fifo64 = value & SERIAL_FCR_FIFO64;
    uint32_t switched = (s->fcr ^ value) & SERIAL_FCR_ENABLE;
    uint32_t resized = (s->fcr ^ fifo64) & SERIAL_FCR_FIFO64;
    /* The other bits are programmed only together with bit 0. */
    s->fcr = (value & SERIAL_FCR_ENABLE) ? (uint8_t)((value & keep) | fifo64) : 0;
    if (switched || resized || (value & (SERIAL_FCR_ENABLE | SERIAL_FCR_CLEAR_RX)) == 3u) {
        s->rx_count = 0;
        s->lsr_errors &= SERIAL_LSR_OE;
        serial_uart_restart_timeout(s);
    }
    serial_uart_update_rts(s); /* the level may be another one too */
    if (switched || resized || (value & (SERIAL_FCR_ENABLE | SERIAL_FCR_CLEAR_TX)) == 5u)
        serial_uart_clear_tx(s);
    serial_uart_update_irq(s);
    serial_uart_invite(s);
}

static void serial_uart_write_lcr(Serial *s, uint8_t value)
{
    uint8_t old = s->lcr;
    s->lcr = value;
    if ((value & ~old & SERIAL_LCR_BREAK) && (s->mcr & SERIAL_MCR_LOOP)) {
        serial_uart_push(s, 0, SERIAL_LSR_BI | SERIAL_LSR_FE);
        serial_uart_update_irq(s);
    }
    serial_uart_tell_lines(s);
    if (!(value & SERIAL_LCR_DLAB))
        serial_uart_tell_params(s);
}

static void serial_uart_write_mcr(Serial *s, uint8_t value)
{
    s->mcr = (uint8_t)(value & (s->model == SERIAL_16750 ? 0x3fu : 0x1fu));
    serial_uart_update_rts(s);
    serial_uart_update_lines(s);
    serial_uart_tell_lines(s);
    serial_uart_transmit(s);
    serial_uart_update_irq(s);
    serial_uart_invite(s);
}

void serial_uart_write(Serial *s, uint32_t reg, uint8_t value)
{
    switch (reg) {
    case SERIAL_RBR_THR:
        if (s->lcr & SERIAL_LCR_DLAB) {
            s->dll = value;
        } else {
            serial_uart_write_thr(s, value);
            serial_uart_update_irq(s);
        }
        break;
    case SERIAL_IER:
        if (s->lcr & SERIAL_LCR_DLAB)
            s->dlm = value;
        else
            serial_uart_write_ier(s, value);
        break;
    case SERIAL_IIR_FCR: serial_uart_write_fcr(s, value); break;
    case SERIAL_LCR: serial_uart_write_lcr(s, value); break;
    case SERIAL_MCR: serial_uart_write_mcr(s, value); break;
    case SERIAL_LSR: /* factory test only */
    case SERIAL_MSR: break;
    default: s->scr = value; break;
    }
}

/* -- Reset and load -------------------------------------------------------------------------- */

void serial_uart_reset(Serial *s)
{
    const viv_dev_api_t *api = s->dev->api;
    api->timer_cancel(s->tx_timer);
    api->timer_cancel(s->timeout_timer);
    api->timer_cancel(s->rx_timer);
    s->ier = s->fcr = s->lcr = s->mcr = s->scr = 0;
    s->dll = 12; /* 9600 baud, a common state after power-on; the data sheet leaves it open */
    s->dlm = 0;
    s->lsr_errors = 0;
    s->msr = s->lines_in;
    s->thre_pending = s->timeout_pending = 0;
    s->tx_two = s->thre_late = s->rts_held = 0;
    s->tsr_full = 0;
    s->rx_count = s->tx_count = 0;
    s->rx_data[0] = 0;
    s->irq_level = 0;
    api->irq_set(s->dev, s->irq, 0);
    serial_uart_tell_lines(s);
    serial_uart_tell_params(s);
    serial_uart_invite(s);
}

void serial_uart_resync(Serial *s)
{
    s->irq_level = serial_uart_cause(s) != SERIAL_IIR_NONE && (s->mcr & SERIAL_MCR_OUT2);
    s->dev->api->irq_set(s->dev, s->irq, s->irq_level);
    s->sent_baud = s->sent_format = 0;
    s->sent_lines = UINT32_MAX;
    serial_uart_tell_lines(s);
    serial_uart_tell_params(s);
    s->input_held = 1;
    serial_uart_invite(s);
}
