/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* serial: registers, interrupts, FIFOs, loopback, the plug, saved state, configuration. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../serial_internal.h"
#include "harness.h"

#define BASE 0x3f8u
#define IRQ  4u

static Harness *h;

static void start(const char *options)
{
    h = harness_create();
    harness_lun_char(h, 0);
    ck_assert_msg(harness_start(h, "serial", options) == VIV_OK, "%s", harness_error());
}

static void setup(void)
{
    start("");
}

static void teardown(void)
{
    harness_free(h);
    h = NULL;
}

static uint8_t in(uint32_t reg)
{
    return harness_in8(h, BASE + reg);
}

static void out(uint32_t reg, uint8_t value)
{
    harness_out8(h, BASE + reg, value);
}

static uint32_t irq(void)
{
    return harness_irq_level(h, IRQ);
}

static void inject(const char *text)
{
    harness_char_inject(h, 0, text, strlen(text));
}

START_TEST(reset_state)
{
    ck_assert_uint_eq(in(SERIAL_IER), 0);
    ck_assert_uint_eq(in(SERIAL_IIR_FCR), 0x01);
    ck_assert_uint_eq(in(SERIAL_LCR), 0);
    ck_assert_uint_eq(in(SERIAL_MCR), 0);
    ck_assert_uint_eq(in(SERIAL_LSR), 0x60);
    ck_assert_uint_eq(in(SERIAL_MSR), 0xb0);
    out(SERIAL_SCR, 0xa5);
    ck_assert_uint_eq(in(SERIAL_SCR), 0xa5);
    out(SERIAL_IER, 0xff);
    ck_assert_uint_eq(in(SERIAL_IER), 0x0f);
    out(SERIAL_MCR, 0xff);
    ck_assert_uint_eq(in(SERIAL_MCR), 0x1f);
    harness_reset(h);
    ck_assert_uint_eq(in(SERIAL_IER), 0);
    ck_assert_uint_eq(in(SERIAL_MCR), 0);
    ck_assert_uint_eq(irq(), 0);
}
END_TEST

START_TEST(divisor_latch_and_params)
{
    out(SERIAL_LCR, 0x83);
    out(0, 1);
    out(1, 0);
    ck_assert_uint_eq(in(0), 1);
    ck_assert_uint_eq(in(1), 0);
    out(SERIAL_LCR, 0x1f);
    HarnessCharParams p = harness_char_params(h, 0);
    ck_assert_uint_eq(p.baud, 115200);
    ck_assert_uint_eq(p.data_bits, 8);
    ck_assert_uint_eq(p.stop_bits_x2, 4);
    ck_assert_uint_eq(p.parity, 'E');
    out(SERIAL_LCR, 0x04);
    p = harness_char_params(h, 0);
    ck_assert_uint_eq(p.data_bits, 5);
    ck_assert_uint_eq(p.stop_bits_x2, 3);
    ck_assert_uint_eq(p.parity, 'N');
    out(SERIAL_LCR, 0xc3);
    out(0, 0);
    out(1, 0); /* divisor 0 counts as 65536 */
    out(SERIAL_LCR, 0x43);
    p = harness_char_params(h, 0);
    ck_assert_uint_eq(p.baud, 1);
    ck_assert_uint_eq(p.lines & 4, 4);
    out(SERIAL_MCR, 3);
    ck_assert_uint_eq(harness_char_params(h, 0).lines, 7);
}
END_TEST

START_TEST(output_goes_out_at_once)
{
    size_t len;
    out(SERIAL_LCR, 3);
    out(0, 'h');
    out(0, 'i');
    ck_assert_str_eq(harness_char_output(h, 0, &len), "hi");
    ck_assert_uint_eq(in(SERIAL_LSR), 0x60);
    /* five data bits: the line carries no more */
    harness_char_clear(h, 0);
    out(SERIAL_LCR, 0);
    out(0, 0xff);
    ck_assert_uint_eq((uint8_t)harness_char_output(h, 0, &len)[0], 0x1f);
}
END_TEST

START_TEST(thre_interrupt)
{
    out(SERIAL_LCR, 3);
    out(SERIAL_IER, SERIAL_IER_THRE);
    ck_assert_uint_eq(irq(), 0); /* OUT2 is off */
    out(SERIAL_MCR, SERIAL_MCR_OUT2);
    ck_assert_uint_eq(irq(), 1);
    ck_assert_uint_eq(in(SERIAL_IIR_FCR), 0x02);
    ck_assert_uint_eq(irq(), 0); /* reading IIR took it back */
    ck_assert_uint_eq(in(SERIAL_IIR_FCR), 0x01);
    out(SERIAL_IER, SERIAL_IER_THRE);
    ck_assert_uint_eq(irq(), 0); /* no edge of the enable bit */
    out(SERIAL_IER, 0);
    out(SERIAL_IER, SERIAL_IER_THRE);
    ck_assert_uint_eq(irq(), 1);
    harness_events_clear(h);
    out(0, 'x');
    /* down and up again: an edge for the PIC */
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_IRQ), 2);
    ck_assert_uint_eq(irq(), 1);
    out(SERIAL_IER, 0);
    ck_assert_uint_eq(irq(), 0);
}
END_TEST

START_TEST(output_waits_for_a_full_driver)
{
    size_t len;
    out(SERIAL_LCR, 3);
    out(SERIAL_MCR, SERIAL_MCR_OUT2);
    out(SERIAL_IER, SERIAL_IER_THRE);
    in(SERIAL_IIR_FCR);
    harness_char_room(h, 0, 0);
    out(0, '1');
    ck_assert_uint_eq(in(SERIAL_LSR), 0x20); /* in the shift register */
    out(0, '2');
    ck_assert_uint_eq(in(SERIAL_LSR), 0x00);
    in(SERIAL_IIR_FCR);
    ck_assert_uint_eq(irq(), 0);
    harness_save_load(h);
    ck_assert_uint_eq(in(SERIAL_LSR), 0x00);
    harness_char_room(h, 0, 100);
    ck_assert_uint_eq(in(SERIAL_LSR), 0x60);
    ck_assert_uint_eq(irq(), 1);
    const char *text = harness_char_output(h, 0, &len);
    ck_assert_ptr_nonnull(strstr(text, "12"));
}
END_TEST

START_TEST(tx_fifo_fills_to_sixteen)
{
    size_t len;
    out(SERIAL_LCR, 3);
    out(SERIAL_IIR_FCR, 0x07);
    ck_assert_uint_eq(in(SERIAL_IIR_FCR), 0xc1);
    harness_char_room(h, 0, 0);
    for (int i = 0; i < 20; i++)
        out(0, (uint8_t)('a' + i));
    ck_assert_uint_eq(in(SERIAL_LSR)&0x60, 0);
    harness_char_room(h, 0, 100);
    ck_assert_str_eq(harness_char_output(h, 0, &len),
                     "abcdefghijklmnopq"); /* shift register and 16 */
    harness_char_room(h, 0, 0);
    out(0, 'A');
    out(0, 'B');
    out(SERIAL_IIR_FCR, 0x05); /* clears the FIFO, not the shift register */
    ck_assert_uint_eq(in(SERIAL_LSR)&0x60, 0x20);
}
END_TEST

START_TEST(input_without_fifo)
{
    out(SERIAL_LCR, 3);
    out(SERIAL_MCR, SERIAL_MCR_OUT2);
    out(SERIAL_IER, SERIAL_IER_RX);
    inject("ab");
    ck_assert_uint_eq(harness_char_waiting(h, 0), 1);
    ck_assert_uint_eq(irq(), 1);
    ck_assert_uint_eq(in(SERIAL_IIR_FCR), 0x04);
    ck_assert_uint_eq(in(SERIAL_LSR), 0x61);
    ck_assert_uint_eq(in(0), 'a');
    ck_assert_uint_eq(in(SERIAL_LSR), 0x61); /* the driver came with the next one */
    ck_assert_uint_eq(in(0), 'b');
    ck_assert_uint_eq(in(SERIAL_LSR), 0x60);
    ck_assert_uint_eq(irq(), 0);
}
END_TEST

START_TEST(fifo_trigger_and_timeout)
{
    out(SERIAL_LCR, 3);
    out(SERIAL_MCR, SERIAL_MCR_OUT2);
    out(SERIAL_IER, SERIAL_IER_RX);
    out(SERIAL_IIR_FCR, 0x81); /* trigger 8 */
    inject("1234567");
    ck_assert_uint_eq(irq(), 0);
    harness_advance_ns(h, 4 * 1000000);
    ck_assert_uint_eq(irq(), 0);
    harness_advance_ns(h, 1100000); /* 9600 baud: 4 x 1.04 ms */
    ck_assert_uint_eq(irq(), 1);
    ck_assert_uint_eq(in(SERIAL_IIR_FCR), 0xcc);
    ck_assert_uint_eq(in(0), '1');
    ck_assert_uint_eq(in(SERIAL_IIR_FCR), 0xc1);
    inject("89");
    ck_assert_uint_eq(in(SERIAL_IIR_FCR), 0xc4);
    ck_assert_uint_eq(in(0), '2');
    ck_assert_uint_eq(in(SERIAL_IIR_FCR), 0xc1);
    inject("0123456789abcdef"); /* 16 in all fit */
    ck_assert_uint_eq(harness_char_waiting(h, 0), 7);
    ck_assert_uint_eq(in(SERIAL_LSR), 0x61); /* no overrun */
    for (const char *p = "34567890123456789abcdef"; *p; p++)
        ck_assert_uint_eq(in(0), *p);
    ck_assert_uint_eq(in(SERIAL_LSR), 0x60);
    inject("xy");
    out(SERIAL_IIR_FCR, 0x83);
    ck_assert_uint_eq(in(SERIAL_LSR), 0x60);
    inject("z");
    out(SERIAL_IIR_FCR, 0x00); /* switching the FIFO off clears it */
    ck_assert_uint_eq(in(SERIAL_LSR), 0x60);
    ck_assert_uint_eq(in(SERIAL_IIR_FCR), 0x01);
}
END_TEST

START_TEST(timeout_survives_a_load)
{
    out(SERIAL_LCR, 3);
    out(SERIAL_MCR, SERIAL_MCR_OUT2);
    out(SERIAL_IER, SERIAL_IER_RX);
    out(SERIAL_IIR_FCR, 0xc1);
    inject("q");
    harness_advance_ns(h, 2000000);
    harness_save_load(h);
    ck_assert_uint_eq(irq(), 0);
    harness_advance_ns(h, 3000000);
    ck_assert_uint_eq(irq(), 1);
    harness_save_load(h);
    ck_assert_uint_eq(irq(), 1);
    ck_assert_uint_eq(in(SERIAL_IIR_FCR), 0xcc);
    ck_assert_uint_eq(in(0), 'q');
}
END_TEST

START_TEST(break_and_line_status)
{
    const viv_iface_t port = harness_port(h, 0, VIV_CHAR_PORT_ID);
    const viv_char_port_ops_t *ops = port.ops;
    out(SERIAL_LCR, 3);
    out(SERIAL_MCR, SERIAL_MCR_OUT2);
    out(SERIAL_IER, SERIAL_IER_LINE | SERIAL_IER_RX);
    out(SERIAL_IIR_FCR, 0x01);
    inject("a");
    ops->send_break(port.self);
    inject("b");
    /* the break is not at the head yet, but bit 7 tells of it */
    ck_assert_uint_eq(in(SERIAL_LSR), 0xe1);
    ck_assert_uint_eq(in(SERIAL_IIR_FCR), 0xc4);
    ck_assert_uint_eq(in(0), 'a');
    ck_assert_uint_eq(in(SERIAL_IIR_FCR), 0xc6);
    harness_save_load(h);
    ck_assert_uint_eq(in(SERIAL_LSR), 0xf9);
    ck_assert_uint_eq(in(SERIAL_LSR), 0x61);
    ck_assert_uint_eq(in(0), 0);
    ck_assert_uint_eq(in(0), 'b');
    ck_assert_uint_eq(in(SERIAL_LSR), 0x60);
}
END_TEST

START_TEST(modem_lines)
{
    const viv_iface_t port = harness_port(h, 0, VIV_CHAR_PORT_ID);
    const viv_char_port_ops_t *ops = port.ops;
    out(SERIAL_MCR, SERIAL_MCR_OUT2);
    out(SERIAL_IER, SERIAL_IER_MODEM);
    ops->set_status(port.self, 0x4 | 0x1); /* RI up, DSR and DCD down */
    ck_assert_uint_eq(irq(), 1);
    ck_assert_uint_eq(in(SERIAL_IIR_FCR), 0x00);
    ck_assert_uint_eq(in(SERIAL_MSR), 0x5a); /* no TERI for the leading edge */
    ck_assert_uint_eq(in(SERIAL_MSR), 0x50);
    ck_assert_uint_eq(irq(), 0);
    ops->set_status(port.self, 0x1);
    ck_assert_uint_eq(in(SERIAL_MSR), 0x14);
    ops->set_status(port.self, 0x1);
    ck_assert_uint_eq(in(SERIAL_MSR), 0x10);
    harness_reset(h);
    ck_assert_uint_eq(in(SERIAL_MSR), 0x10);
}
END_TEST

START_TEST(loopback)
{
    size_t len;
    out(SERIAL_LCR, 3);
    out(SERIAL_MCR, SERIAL_MCR_LOOP | SERIAL_MCR_RTS | SERIAL_MCR_OUT2);
    ck_assert_uint_eq(in(SERIAL_MSR)&0xf0, 0x90);
    ck_assert_uint_eq(harness_char_params(h, 0).lines, 0);
    out(SERIAL_MCR, SERIAL_MCR_LOOP | SERIAL_MCR_DTR | SERIAL_MCR_OUT1);
    ck_assert_uint_eq(in(SERIAL_MSR), 0x60 | 0x0b);
    out(0, 0x5a);
    ck_assert_uint_eq(in(SERIAL_LSR), 0x61);
    out(0, 0xa5); /* nobody read the first: overrun */
    ck_assert_uint_eq(in(SERIAL_LSR), 0x63);
    ck_assert_uint_eq(in(0), 0xa5);
    harness_char_output(h, 0, &len);
    ck_assert_uint_eq(len, 0);
    inject("w"); /* the plug is cut off meanwhile */
    ck_assert_uint_eq(in(SERIAL_LSR), 0x60);
    out(SERIAL_LCR, 0x43);
    ck_assert_uint_eq(in(SERIAL_LSR), 0x79);
    ck_assert_uint_eq(in(0), 0);
    out(SERIAL_LCR, 3);
    out(SERIAL_IIR_FCR, 1);
    for (int i = 0; i < 17; i++)
        out(0, (uint8_t)i);
    ck_assert_uint_eq(in(SERIAL_LSR), 0x63);
    for (int i = 0; i < 16; i++)
        ck_assert_uint_eq(in(0), i);
    ck_assert_uint_eq(in(SERIAL_LSR), 0x60);
    out(SERIAL_MCR, 0);
    ck_assert_uint_eq(in(0), 'w');
}
END_TEST

START_TEST(priorities)
{
    const viv_iface_t port = harness_port(h, 0, VIV_CHAR_PORT_ID);
    const viv_char_port_ops_t *ops = port.ops;
    out(SERIAL_LCR, 3);
    ops->set_status(port.self, 0);
    ops->send_break(port.self);
    out(SERIAL_IER, 0x0f);
    ck_assert_uint_eq(in(SERIAL_IIR_FCR), 0x06);
    in(SERIAL_LSR);
    ck_assert_uint_eq(in(SERIAL_IIR_FCR), 0x04);
    in(0);
    ck_assert_uint_eq(in(SERIAL_IIR_FCR), 0x02);
    ck_assert_uint_eq(in(SERIAL_IIR_FCR), 0x00);
    in(SERIAL_MSR);
    ck_assert_uint_eq(in(SERIAL_IIR_FCR), 0x01);
}
END_TEST

START_TEST(other_models)
{
    teardown();
    start("UartType=16450");
    out(SERIAL_IIR_FCR, 0xc1);
    ck_assert_uint_eq(in(SERIAL_IIR_FCR), 0x01);
    teardown();
    start("UartType=16750");
    out(SERIAL_IIR_FCR, 0x21);
    ck_assert_uint_eq(in(SERIAL_IIR_FCR), 0xc1); /* DLAB is off */
    out(SERIAL_LCR, 0x83);
    out(SERIAL_IIR_FCR, 0x21);
    out(SERIAL_LCR, 0x03);
    ck_assert_uint_eq(in(SERIAL_IIR_FCR), 0xe1);
    char text[80];
    memset(text, 'x', sizeof(text));
    harness_char_inject(h, 0, text, sizeof(text));
    ck_assert_uint_eq(harness_char_waiting(h, 0), 16);
    harness_save_load(h);
    /* automatic CTS holds the transmitter */
    const viv_iface_t port = harness_port(h, 0, VIV_CHAR_PORT_ID);
    const viv_char_port_ops_t *ops = port.ops;
    size_t len;
    out(SERIAL_MCR, SERIAL_MCR_AFE);
    ops->set_status(port.self, 0);
    out(0, 'c');
    harness_char_output(h, 0, &len);
    ck_assert_uint_eq(len, 0);
    ops->set_status(port.self, 1);
    ck_assert_str_eq(harness_char_output(h, 0, &len), "c");
}
END_TEST

START_TEST(real_baud_takes_its_time)
{
    size_t len;
    teardown();
    start("RealBaud=1");
    out(SERIAL_LCR, 3); /* 9600 8N1: 1041666 ns a character */
    out(0, 'a');
    out(0, 'b');
    ck_assert_uint_eq(in(SERIAL_LSR), 0);
    harness_advance_ns(h, 1041000);
    harness_char_output(h, 0, &len);
    ck_assert_uint_eq(len, 0);
    harness_save_load(h);
    harness_advance_ns(h, 1000);
    ck_assert_str_eq(harness_char_output(h, 0, &len), "a");
    ck_assert_uint_eq(in(SERIAL_LSR), 0x20);
    harness_advance_ns(h, 1042000);
    ck_assert_str_eq(harness_char_output(h, 0, &len), "ab");
    ck_assert_uint_eq(in(SERIAL_LSR), 0x60);
}
END_TEST

/* -- RealBaud: 9600 8N1, 1041666 ns a character ---------------------------------------------- */

#define CHAR_NS 1041667u

START_TEST(input_at_the_line_s_rate)
{
    teardown();
    start("RealBaud=1");
    out(SERIAL_LCR, 3);
    out(SERIAL_MCR, SERIAL_MCR_OUT2);
    out(SERIAL_IER, SERIAL_IER_RX);
    out(SERIAL_IIR_FCR, 0x41); /* trigger 4 */
    inject("abcdef");
    ck_assert_uint_eq(harness_char_waiting(h, 0), 5);
    harness_advance_ns(h, CHAR_NS);
    ck_assert_uint_eq(harness_char_waiting(h, 0), 4);
    harness_save_load(h);
    harness_advance_ns(h, CHAR_NS);
    ck_assert_uint_eq(irq(), 0);
    harness_advance_ns(h, CHAR_NS);
    ck_assert_uint_eq(irq(), 1);
    ck_assert_uint_eq(in(SERIAL_IIR_FCR), 0xc4);
    ck_assert_uint_eq(in(0), 'a');
    ck_assert_uint_eq(irq(), 0);
    harness_advance_ns(h, 2 * CHAR_NS);
    for (const char *p = "bcd"; *p; p++)
        ck_assert_uint_eq(in(0), *p);
    /* two are left below the trigger: four character times after the last read */
    harness_advance_ns(h, 4 * CHAR_NS - 10);
    ck_assert_uint_eq(irq(), 0);
    harness_advance_ns(h, 20);
    ck_assert_uint_eq(in(SERIAL_IIR_FCR), 0xcc);
}
END_TEST

START_TEST(a_lone_byte_s_interrupt_is_late)
{
    teardown();
    start("RealBaud=1");
    out(SERIAL_LCR, 3);
    out(SERIAL_MCR, SERIAL_MCR_OUT2);
    out(SERIAL_IIR_FCR, 1);
    out(SERIAL_IER, SERIAL_IER_THRE);
    in(SERIAL_IIR_FCR);
    out(0, 'a');
    ck_assert_uint_eq(in(SERIAL_LSR), 0x20);
    ck_assert_uint_eq(irq(), 0);
    harness_save_load(h);
    harness_advance_ns(h, CHAR_NS);
    ck_assert_uint_eq(irq(), 1);
    in(SERIAL_IIR_FCR);
    out(0, 'b'); /* into the shift register */
    out(0, 'c');
    out(0, 'd'); /* two at once in the FIFO */
    harness_advance_ns(h, CHAR_NS);
    ck_assert_uint_eq(irq(), 0);
    harness_advance_ns(h, CHAR_NS);
    ck_assert_uint_eq(irq(), 1); /* with the FIFO's last byte, at once */
    ck_assert_uint_eq(in(SERIAL_LSR), 0x20);
    in(SERIAL_IIR_FCR);
    out(SERIAL_IIR_FCR, 0); /* without FIFOs there is no such delay */
    harness_advance_ns(h, 2 * CHAR_NS);
    in(SERIAL_IIR_FCR);
    out(0, 'e');
    ck_assert_uint_eq(irq(), 1);
}
END_TEST

START_TEST(spoilt_characters)
{
    const viv_iface_t port = harness_port(h, 0, VIV_CHAR_PORT_ID);
    const viv_char_port_ops_t *ops = port.ops;
    out(SERIAL_LCR, 3);
    ops->receive_marked(port.self, 'x', VIV_CHAR_MARK_PARITY | VIV_CHAR_MARK_FRAMING);
    ck_assert_uint_eq(in(SERIAL_LSR), 0x69); /* no parity, no parity error */
    ck_assert_uint_eq(in(0), 'x');
    out(SERIAL_LCR, 0x1b);
    ops->receive_marked(port.self, 'y', VIV_CHAR_MARK_PARITY);
    ck_assert_uint_eq(in(SERIAL_LSR), 0x65);
    ops->receive_marked(port.self, 'z', VIV_CHAR_MARK_OVERRUN); /* nobody has read the y */
    ck_assert_uint_eq(in(SERIAL_LSR), 0x63);
    ck_assert_uint_eq(in(0), 'z');
    out(SERIAL_IIR_FCR, 1);
    for (int i = 0; i < 17; i++)
        ops->receive_marked(port.self, (uint8_t)i, 0); /* forced: the line does not wait */
    ck_assert_uint_eq(in(SERIAL_LSR), 0x63);
    ck_assert_uint_eq(in(0), 0);
    ck_assert_uint_eq(harness_stam(h, "Overruns"), 2);
    ck_assert_uint_eq(harness_stam(h, "Marked"), 20);
}
END_TEST

START_TEST(nothing_is_sent_during_a_break)
{
    size_t len;
    out(SERIAL_LCR, 0x43);
    ck_assert_uint_eq(harness_char_params(h, 0).lines, 4);
    out(0, 'a');
    ck_assert_uint_eq(in(SERIAL_LSR), 0x60);
    out(SERIAL_LCR, 0x03);
    out(0, 'b');
    ck_assert_str_eq(harness_char_output(h, 0, &len), "b");
}
END_TEST

START_TEST(automatic_rts_and_cts)
{
    char text[100];
    teardown();
    start("UartType=16750");
    memset(text, 'x', sizeof(text));
    out(SERIAL_LCR, 0x83);
    out(SERIAL_IIR_FCR, 0x61); /* 64 bytes, trigger 16 */
    out(SERIAL_LCR, 3);
    out(SERIAL_MCR, SERIAL_MCR_AFE | SERIAL_MCR_RTS | SERIAL_MCR_OUT2);
    ck_assert_uint_eq(harness_char_params(h, 0).lines, 2);
    harness_char_inject(h, 0, text, 15);
    ck_assert_uint_eq(harness_char_params(h, 0).lines, 2);
    harness_char_inject(h, 0, text, 10); /* stopped with the sixteenth */
    ck_assert_uint_eq(harness_char_params(h, 0).lines, 0);
    ck_assert_uint_eq(harness_char_waiting(h, 0), 9);
    in(0);
    ck_assert_uint_eq(harness_char_params(h, 0).lines, 0);
    harness_save_load(h);
    for (int i = 0; i < 15; i++)
        in(0);
    ck_assert_uint_eq(harness_char_params(h, 0).lines, 2); /* empty: the rest comes */
    ck_assert_uint_eq(harness_char_waiting(h, 0), 0);
    out(SERIAL_IIR_FCR, 0xe3); /* the highest level: full, and room */
    harness_char_inject(h, 0, text, 66);
    ck_assert_uint_eq(harness_char_params(h, 0).lines, 0);
    ck_assert_uint_eq(harness_char_waiting(h, 0), 2);
    in(0);
    ck_assert_uint_eq(harness_char_waiting(h, 0), 1);
    out(SERIAL_MCR, SERIAL_MCR_RTS | SERIAL_MCR_OUT2); /* without it RTS is what the guest says */
    ck_assert_uint_eq(harness_char_params(h, 0).lines, 2);
    /* CTS is the transmitter's own business: no interrupt, but its delta can be read */
    out(SERIAL_MCR, SERIAL_MCR_AFE | SERIAL_MCR_OUT2);
    out(SERIAL_IER, SERIAL_IER_MODEM);
    in(SERIAL_MSR);
    viv_iface_t port = harness_port(h, 0, VIV_CHAR_PORT_ID);
    const viv_char_port_ops_t *ops = port.ops;
    ops->set_status(port.self, 0x0a);
    ck_assert_uint_eq(irq(), 0);
    ck_assert_uint_eq(in(SERIAL_MSR), 0xa1);
    ops->set_status(port.self, 0x08);
    ck_assert_uint_eq(irq(), 1);
}
END_TEST

START_TEST(nothing_plugged_in)
{
    teardown();
    h = harness_new("serial", "");
    out(SERIAL_LCR, 3);
    out(0, 'x');
    ck_assert_uint_eq(in(SERIAL_LSR), 0x60);
    ck_assert_uint_eq(in(SERIAL_MSR), 0);
}
END_TEST

START_TEST(instances_and_bad_configuration)
{
    viv_status_t st = VIV_OK;
    ck_assert_int_ge(harness_add(h, "serial", ""), 0);
    ck_assert(harness_port_mapped(h, 0x2f8));
    ck_assert_int_lt(harness_add(h, "serial", "IOBase=0x3f8"), 0);
    teardown();
    ck_assert_ptr_null(harness_try_new("serial", "UartType=8250", &st));
    ck_assert_ptr_nonnull(strstr(harness_error(), "8250"));
    ck_assert_ptr_null(harness_try_new("serial", "IOBase=0x3f9", &st));
    ck_assert_int_eq(st, VIV_E_CONFIG);
    ck_assert_ptr_null(harness_try_new("serial", "IRQ=16", &st));
    ck_assert_uint_gt(harness_construct_failures("serial", ""), 3);
}
END_TEST

START_TEST(hostile_state_is_refused)
{
    size_t len;
    Serial *s = harness_self(h);
    s->rx_count = 2; /* two bytes without a FIFO */
    uint8_t *blob = harness_save(h, &len);
    ck_assert_int_eq(harness_load(h, blob, len), VIV_E_CORRUPT);
    free(blob);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("serial");
    TCase *tc = tcase_create("serial");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, reset_state);
    tcase_add_test(tc, divisor_latch_and_params);
    tcase_add_test(tc, output_goes_out_at_once);
    tcase_add_test(tc, thre_interrupt);
    tcase_add_test(tc, output_waits_for_a_full_driver);
    tcase_add_test(tc, tx_fifo_fills_to_sixteen);
    tcase_add_test(tc, input_without_fifo);
    tcase_add_test(tc, fifo_trigger_and_timeout);
    tcase_add_test(tc, timeout_survives_a_load);
    tcase_add_test(tc, break_and_line_status);
    tcase_add_test(tc, modem_lines);
    tcase_add_test(tc, loopback);
    tcase_add_test(tc, priorities);
    tcase_add_test(tc, other_models);
    tcase_add_test(tc, real_baud_takes_its_time);
    tcase_add_test(tc, input_at_the_line_s_rate);
    tcase_add_test(tc, a_lone_byte_s_interrupt_is_late);
    tcase_add_test(tc, spoilt_characters);
    tcase_add_test(tc, nothing_is_sent_during_a_break);
    tcase_add_test(tc, automatic_rts_and_cts);
    tcase_add_test(tc, nothing_plugged_in);
    tcase_add_test(tc, instances_and_bad_configuration);
    tcase_add_test(tc, hostile_state_is_refused);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
