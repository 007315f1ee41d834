/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* parallel: registers, the printer, EPP, ECP with its FIFO, DMA, interrupts, saved state. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../parallel.h"
#include "harness.h"

#define BASE 0x378u
#define ECP  0x778u
#define IRQ  7u
#define DMA  3u

static Harness *h;

static uint8_t in(uint32_t reg)
{
    return harness_in8(h, BASE + reg);
}

static void out(uint32_t reg, uint8_t value)
{
    harness_out8(h, BASE + reg, value);
}

static uint8_t ecr(void)
{
    return harness_in8(h, ECP + PARALLEL_ECR);
}

static void set_ecr(uint8_t value)
{
    harness_out8(h, ECP + PARALLEL_ECR, value);
}

static uint32_t irq(void)
{
    return harness_irq_level(h, IRQ);
}

/* -- a peripheral ---------------------------------------------------------------------------- */

static struct {
    uint8_t status, data, control, reverse;
    uint32_t output, room, sent_len, give_len, give_at, epp_fails, strobes;
    uint16_t sent[512], give[512]; /* 100h: a command */
} plug;

static void plug_write_data(void *self, uint8_t value, uint32_t output)
{
    (void)self;
    plug.data = value;
    plug.output = output;
}
static uint8_t plug_read_data(void *self)
{
    (void)self;
    return plug.reverse;
}
static void plug_write_control(void *self, uint8_t value)
{
    (void)self;
    if ((value & ~plug.control & PARALLEL_DCR_STROBE) && plug.room) {
        plug.strobes++;
        plug.sent[plug.sent_len++] = plug.data;
        if (!--plug.room)
            plug.status &= (uint8_t)~PARALLEL_DSR_NBUSY;
    }
    plug.control = value;
}
static uint8_t plug_read_status(void *self)
{
    (void)self;
    return plug.status;
}
static viv_status_t plug_epp_write(void *self, uint32_t address, uint8_t value)
{
    (void)self;
    if (plug.epp_fails)
        return VIV_E_TIMEOUT;
    plug.sent[plug.sent_len++] = (uint16_t)(value | (address ? 0x100 : 0));
    return VIV_OK;
}
static viv_status_t plug_epp_read(void *self, uint32_t address, uint8_t *ret_value)
{
    (void)self;
    *ret_value = address ? 0xad : 0xda;
    return plug.epp_fails ? VIV_E_TIMEOUT : VIV_OK;
}
static uint32_t plug_ecp_write(void *self, uint8_t value, uint32_t command)
{
    (void)self;
    if (!plug.room)
        return 0;
    plug.room--;
    plug.sent[plug.sent_len++] = (uint16_t)(value | (command ? 0x100 : 0));
    return 1;
}
static uint32_t plug_ecp_read(void *self, uint8_t *ret_value, uint32_t *ret_command)
{
    (void)self;
    if (plug.give_at == plug.give_len)
        return 0;
    *ret_value = (uint8_t)plug.give[plug.give_at];
    *ret_command = plug.give[plug.give_at++] >> 8;
    return 1;
}
static const viv_parallel_ops_t plug_ops = {.size = sizeof(viv_parallel_ops_t),
                                            .write_data = plug_write_data,
                                            .read_data = plug_read_data,
                                            .write_control = plug_write_control,
                                            .read_status = plug_read_status,
                                            .epp_write = plug_epp_write,
                                            .epp_read = plug_epp_read,
                                            .ecp_write = plug_ecp_write,
                                            .ecp_read = plug_ecp_read};

static void start_plug(const char *options)
{
    memset(&plug, 0, sizeof(plug));
    plug.status = 0xd8;
    plug.room = 400;
    plug.reverse = 0x5c;
    h = harness_create();
    harness_lun_iface(h, 0, VIV_PARALLEL_ID, &plug_ops, NULL);
    ck_assert_msg(harness_start(h, "parallel", options) == VIV_OK, "%s", harness_error());
}

static void start_printer(void)
{
    h = harness_create();
    harness_lun_char(h, 0);
    ck_assert_msg(harness_start(h, "parallel", "") == VIV_OK, "%s", harness_error());
    out(PARALLEL_DCR, 0x0c);
}

static void status_is(uint8_t status)
{
    viv_iface_t port = harness_port(h, 0, VIV_PARALLEL_PORT_ID);
    plug.status = status;
    ((const viv_parallel_port_ops_t *)port.ops)->status_changed(port.self, status);
}

static void ready(void)
{
    viv_iface_t port = harness_port(h, 0, VIV_PARALLEL_PORT_ID);
    ((const viv_parallel_port_ops_t *)port.ops)->ready(port.self);
}

static void teardown(void)
{
    harness_free(h);
    h = NULL;
}

/* -- standard and bidirectional -------------------------------------------------------------- */

START_TEST(nothing_plugged_in)
{
    h = harness_new("parallel", "");
    ck_assert_uint_eq(in(PARALLEL_DSR), 0x78);
    ck_assert_uint_eq(in(PARALLEL_DCR), 0);
    out(PARALLEL_DATA, 0xaa); /* how firmware looks for a port */
    ck_assert_uint_eq(in(PARALLEL_DATA), 0xaa);
    out(PARALLEL_DCR, 0xff);
    ck_assert_uint_eq(in(PARALLEL_DCR), 0x3f);
    ck_assert_uint_eq(in(PARALLEL_DATA), 0xaa); /* mode 000: always output */
    set_ecr(0x34);
    ck_assert_uint_eq(ecr(), 0x35); /* how Linux looks for ECR */
    ck_assert_uint_eq(in(PARALLEL_DATA), 0xff);
    harness_reset(h);
    ck_assert_uint_eq(ecr(), 0x15);
    ck_assert_uint_eq(in(PARALLEL_DCR), 0);
}
END_TEST

START_TEST(kinds_and_configuration)
{
    viv_status_t st = VIV_OK;
    h = harness_new("parallel", "Mode=SPP");
    ck_assert(!harness_port_mapped(h, BASE + 3) && !harness_port_mapped(h, ECP + 2));
    out(PARALLEL_DCR, 0x3f);
    ck_assert_uint_eq(in(PARALLEL_DCR), 0x1f);
    teardown();
    h = harness_new("parallel", "Mode=PS/2");
    ck_assert(!harness_port_mapped(h, ECP + 2));
    out(PARALLEL_DCR, 0x20);
    ck_assert_uint_eq(in(PARALLEL_DATA), 0xff);
    teardown();
    h = harness_new("parallel", "Mode=EPP");
    ck_assert(harness_port_mapped(h, BASE + 7) && !harness_port_mapped(h, ECP + 2));
    ck_assert_int_ge(harness_add(h, "parallel", ""), 0);
    ck_assert(harness_port_mapped(h, 0x278) && harness_port_mapped(h, 0x67a));
    ck_assert_ptr_null(harness_try_new("parallel", "Mode=GPIB", &st));
    ck_assert_int_eq(st, VIV_E_CONFIG);
    ck_assert_ptr_null(harness_try_new("parallel", "EPPVersion=2", &st));
    ck_assert_ptr_null(harness_try_new("parallel", "IOBase=0x379", &st));
    ck_assert_ptr_null(harness_try_new("parallel", "DMA=5", &st));
    ck_assert_uint_gt(harness_construct_failures("parallel", ""), 4);
}
END_TEST

START_TEST(lines_of_a_peripheral)
{
    start_plug("");
    set_ecr(0x34);
    out(PARALLEL_DATA, 0x42);
    ck_assert_uint_eq(plug.data, 0x42);
    ck_assert_uint_eq(plug.output, 1);
    out(PARALLEL_DCR, 0x2c);
    ck_assert_uint_eq(plug.control, 0x0c);
    ck_assert_uint_eq(plug.output, 0);
    ck_assert_uint_eq(in(PARALLEL_DATA), 0x5c);
    plug.status = 0x38;
    ck_assert_uint_eq(in(PARALLEL_DSR), 0x38);
}
END_TEST

START_TEST(acknowledge_interrupt)
{
    start_plug("");
    out(PARALLEL_DCR, 0x1c);
    ck_assert_uint_eq(irq(), 0);
    status_is(0x98);
    ck_assert_uint_eq(irq(), 0);
    status_is(0xd8); /* with the end of nAck */
    ck_assert_uint_eq(irq(), 1);
    harness_save_load(h);
    ck_assert_uint_eq(irq(), 1);
    status_is(0x98);
    ck_assert_uint_eq(irq(), 0);
    status_is(0xd8);
    ck_assert_uint_eq(irq(), 1);
    ck_assert_uint_eq(in(PARALLEL_DSR), 0xd8);
    ck_assert_uint_eq(irq(), 0);
    status_is(0x98);
    status_is(0xd8);
    out(PARALLEL_DCR, 0x0c);
    ck_assert_uint_eq(irq(), 0);
    status_is(0x98);
    status_is(0xd8);
    ck_assert_uint_eq(irq(), 0);
}
END_TEST

/* -- the printer ----------------------------------------------------------------------------- */

static void print(uint8_t value)
{
    out(PARALLEL_DATA, value);
    out(PARALLEL_DCR, 0x1d);
    out(PARALLEL_DCR, 0x1c);
}

START_TEST(printer_handshake)
{
    start_printer();
    ck_assert_uint_eq(in(PARALLEL_DSR), 0xd8);
    print('a');
    ck_assert_uint_eq(in(PARALLEL_DSR), 0x58); /* busy */
    print('x');                                /* a busy printer hears no strobe */
    harness_advance_ns(h, 1000);
    ck_assert_str_eq(harness_char_output(h, 0, NULL), "a");
    ck_assert_uint_eq(in(PARALLEL_DSR), 0x18); /* nAck low, still busy */
    ck_assert_uint_eq(irq(), 0);
    harness_save_load(h);
    harness_advance_ns(h, 1000);
    ck_assert_uint_eq(irq(), 1);
    ck_assert_uint_eq(in(PARALLEL_DSR), 0xd8);
    /* the strobe counts once, however long it is, and whatever else is written */
    out(PARALLEL_DATA, 'b');
    out(PARALLEL_DCR, 0x0d);
    harness_advance_ns(h, 5000);
    out(PARALLEL_DATA, 'c');
    harness_advance_ns(h, 5000);
    out(PARALLEL_DCR, 0x0c);
    harness_advance_ns(h, 5000);
    ck_assert_str_eq(harness_char_output(h, 0, NULL), "ab");
}
END_TEST

START_TEST(printer_without_paper)
{
    start_printer();
    harness_char_room(h, 0, 0);
    print('a');
    harness_advance_ns(h, 1000000);
    ck_assert_uint_eq(in(PARALLEL_DSR), 0x58);
    harness_save_load(h);
    harness_char_room(h, 0, 10);
    ck_assert_uint_eq(in(PARALLEL_DSR), 0x18);
    harness_advance_ns(h, 1000);
    ck_assert_uint_eq(in(PARALLEL_DSR), 0xd8);
    harness_char_room(h, 0, 0);
    print('b');
    harness_advance_ns(h, 2000);
    out(PARALLEL_DCR, 0x08); /* nInit low */
    ck_assert_uint_eq(in(PARALLEL_DSR), 0xd8);
    harness_char_inject(h, 0, "?", 1); /* nowhere to go */
    ck_assert_uint_eq(harness_char_waiting(h, 0), 0);
}
END_TEST

START_TEST(printer_by_fifo)
{
    static const char text[] = "The quick brown fox jumps over the lazy dog.";
    start_printer();
    set_ecr(0x54); /* mode 010 */
    uint32_t sent = 0;
    for (unsigned i = 0; i < 1000 && (sent < strlen(text) || !(ecr() & 1)); i++) {
        while (sent < strlen(text) && !(ecr() & PARALLEL_ECR_FULL))
            harness_out8(h, ECP, (uint8_t)text[sent++]);
        if (i == 2)
            harness_save_load(h);
        harness_advance_ns(h, 500);
    }
    harness_advance_ns(h, 10000);
    ck_assert_str_eq(harness_char_output(h, 0, NULL), text);
}
END_TEST

/* -- EPP ------------------------------------------------------------------------------------- */

START_TEST(epp_cycles)
{
    start_plug("");
    out(PARALLEL_EPP_ADDR, 1); /* not in this mode */
    ck_assert_uint_eq(plug.sent_len, 0);
    ck_assert_uint_eq(in(PARALLEL_EPP_DATA), 0xff);
    set_ecr(0x80);
    out(PARALLEL_EPP_ADDR, 0x12);
    harness_out32(h, BASE + PARALLEL_EPP_DATA, 0x44332211);
    static const uint16_t want[] = {0x112, 0x11, 0x22, 0x33, 0x44};
    ck_assert_uint_eq(plug.sent_len, 5);
    ck_assert_int_eq(memcmp(plug.sent, want, sizeof(want)), 0);
    ck_assert_uint_eq(in(PARALLEL_EPP_ADDR), 0xad);
    ck_assert_uint_eq(in(7), 0xda);
    ck_assert_uint_eq(in(PARALLEL_DSR)&1, 0);
    plug.epp_fails = 1;
    out(PARALLEL_EPP_DATA, 1);
    ck_assert_uint_eq(in(PARALLEL_EPP_DATA), 0xff);
    ck_assert_uint_eq(in(PARALLEL_DSR)&1, 1);
    ck_assert_uint_eq(harness_stam(h, "EPPTimeouts"), 2);
    harness_save_load(h);
    ck_assert_uint_eq(in(PARALLEL_DSR)&1, 1);
    out(PARALLEL_DSR, 0);
    ck_assert_uint_eq(in(PARALLEL_DSR)&1, 1);
    out(PARALLEL_DSR, 1);
    ck_assert_uint_eq(in(PARALLEL_DSR)&1, 0);
}
END_TEST

START_TEST(epp_versions_with_nobody_there)
{
    h = harness_new("parallel", "Mode=EPP,EPPVersion=1.7");
    out(PARALLEL_EPP_DATA, 1); /* Busy of the open connector ends it */
    ck_assert_uint_eq(in(PARALLEL_DSR)&1, 0);
    teardown();
    h = harness_new("parallel", "Mode=EPP");
    out(PARALLEL_EPP_DATA, 1);
    ck_assert_uint_eq(in(PARALLEL_DSR)&1, 1);
}
END_TEST

/* -- ECP ------------------------------------------------------------------------------------- */

START_TEST(configuration_registers)
{
    start_plug("");
    set_ecr(0xf4);
    ck_assert_uint_eq(harness_in8(h, ECP), 0x10);
    ck_assert_uint_eq(harness_in8(h, ECP + 1), 0x0b); /* IRQ 7, DMA 3 */
    harness_out8(h, ECP + 1, 0xff);
    ck_assert_uint_eq(harness_in8(h, ECP + 1), 0x8b);
    set_ecr(0x14);
    ck_assert_uint_eq(harness_in8(h, ECP + 1), 0xff);
}
END_TEST

/* How Linux measures the FIFO. */
START_TEST(test_mode)
{
    start_plug("");
    uint32_t depth = 0, write_at = 0, read_at = 0;
    set_ecr(0x14);
    set_ecr(0xd4);
    for (; depth < 64 && !(ecr() & PARALLEL_ECR_FULL); depth++)
        harness_out8(h, ECP, 0xaa);
    ck_assert_uint_eq(depth, 16);
    harness_out8(h, ECP, 0xbb);
    ck_assert_uint_eq(harness_stam(h, "FIFOLost"), 1);
    ck_assert_uint_eq(plug.sent_len, 0);
    set_ecr(0xd0);
    for (uint32_t i = 1; i <= depth; i++) {
        ck_assert_uint_eq(harness_in8(h, ECP), 0xaa);
        if (!write_at && (ecr() & PARALLEL_ECR_SERVICE))
            write_at = i;
    }
    ck_assert_uint_eq(write_at, 8);
    ck_assert_uint_eq(ecr() & 3, PARALLEL_ECR_EMPTY);
    set_ecr(0x34);
    out(PARALLEL_DCR, 0x20);
    set_ecr(0xd4);
    set_ecr(0xd0);
    for (uint32_t i = 1; i <= depth && !read_at; i++) {
        harness_out8(h, ECP, 0xaa);
        if (ecr() & PARALLEL_ECR_SERVICE)
            read_at = i;
    }
    ck_assert_uint_eq(read_at, 8);
    ck_assert_uint_eq(irq(), 1);
    harness_save_load(h);
    set_ecr(0xd4);
    ck_assert_uint_eq(irq(), 0);
}
END_TEST

START_TEST(ecp_forward)
{
    start_plug("");
    plug.room = 3;
    set_ecr(0x74);
    out(PARALLEL_DATA, 0x85); /* a channel address */
    for (int i = 0; i < 10; i++)
        harness_out8(h, ECP, (uint8_t)i);
    ck_assert_uint_eq(plug.sent_len, 3);
    ck_assert_uint_eq(plug.sent[0], 0x185);
    ck_assert_uint_eq(ecr() & 3, 0);
    harness_save_load(h);
    plug.room = 100;
    ready();
    ck_assert_uint_eq(plug.sent_len, 11);
    ck_assert_uint_eq(plug.sent[10], 9);
    ck_assert_uint_eq(ecr() & 3, PARALLEL_ECR_EMPTY);
    /* by interrupt: there is room for a threshold's worth at once, and again when there is */
    set_ecr(0x70);
    ck_assert_uint_eq(ecr() & PARALLEL_ECR_SERVICE, PARALLEL_ECR_SERVICE);
    ck_assert_uint_eq(irq(), 1);
    plug.room = 0;
    for (int i = 0; i < 16; i++)
        harness_out8(h, ECP, (uint8_t)i);
    set_ecr(0x70);
    ck_assert_uint_eq(irq(), 0);
    plug.room = 7;
    ready();
    ck_assert_uint_eq(irq(), 0);
    plug.room = 1;
    ready();
    ck_assert_uint_eq(irq(), 1);
    set_ecr(0x14); /* the FIFO is emptied */
    ck_assert_uint_eq(ecr() & 3, PARALLEL_ECR_EMPTY);
}
END_TEST

START_TEST(ecp_compression)
{
    start_plug("");
    set_ecr(0xf4);
    harness_out8(h, ECP + 1, 0x80);
    set_ecr(0x74);
    plug.room = 0;
    for (int i = 0; i < 12; i++)
        harness_out8(h, ECP, i < 10 ? 'z' : 'y');
    plug.room = 1; /* the run length goes, its byte does not */
    ready();
    harness_save_load(h);
    plug.room = 100;
    ready();
    static const uint16_t want[] = {0x109, 'z', 0x101, 'y'};
    ck_assert_uint_eq(plug.sent_len, 4);
    ck_assert_int_eq(memcmp(plug.sent, want, sizeof(want)), 0);
    ck_assert_uint_eq(ecr() & 3, PARALLEL_ECR_EMPTY);
}
END_TEST

START_TEST(ecp_reverse)
{
    static const uint16_t give[] = {'a', 0x1ff, 0x11f, 'b', 'c', 0x100, 'd'};
    start_plug("");
    set_ecr(0x34);
    out(PARALLEL_DCR, 0x24);
    memcpy(plug.give, give, sizeof(give));
    plug.give_len = sizeof(give) / sizeof(give[0]);
    set_ecr(0x70);
    ck_assert_uint_eq(ecr() & 7, PARALLEL_ECR_FULL | PARALLEL_ECR_SERVICE);
    ck_assert_uint_eq(irq(), 1);
    harness_out8(h, ECP, 'x'); /* not in this direction */
    harness_save_load(h);
    char got[64] = "";
    for (unsigned i = 0; i < 63 && !(ecr() & PARALLEL_ECR_EMPTY); i++)
        got[i] = (char)harness_in8(h, ECP);
    ck_assert_str_eq(got, "abbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbcd");
    ck_assert_uint_eq(harness_in8(h, ECP), 'd'); /* empty */
    plug.give[plug.give_len++] = 'e';
    ready();
    ck_assert_uint_eq(harness_in8(h, ECP), 'e');
}
END_TEST

START_TEST(fault_interrupt)
{
    start_plug("");
    set_ecr(0x64); /* ECP, nErrIntrEn 0 */
    status_is(0xd0);
    ck_assert_uint_eq(irq(), 1);
    status_is(0xd8);
    ck_assert_uint_eq(irq(), 0);
    set_ecr(0x74);
    status_is(0xd0);
    ck_assert_uint_eq(irq(), 0);
    set_ecr(0x64); /* it is low already */
    ck_assert_uint_eq(irq(), 1);
    ck_assert_uint_eq(in(PARALLEL_DSR), 0xd0);
    ck_assert_uint_eq(irq(), 0);
}
END_TEST

/* -- DMA ------------------------------------------------------------------------------------- */

START_TEST(dma_to_the_peripheral)
{
    start_plug("");
    for (uint32_t i = 0; i < 100; i++)
        harness_ram_put8(h, 0x20000 + i, (uint8_t)i);
    harness_dma_program(h, DMA, VIV_ISADMA_FROM_MEMORY | VIV_ISADMA_MODE_SINGLE, 0x20000, 100);
    plug.room = 30;
    set_ecr(0x78); /* dmaEn, serviceIntr 0 */
    ck_assert_uint_eq(plug.sent_len, 30);
    ck_assert_uint_eq(ecr() & PARALLEL_ECR_FULL, PARALLEL_ECR_FULL);
    ck_assert_uint_eq(harness_dma_dreq(h, DMA), 0);
    ck_assert_uint_eq(irq(), 0);
    plug.room = 400;
    ready();
    ck_assert_uint_eq(plug.sent_len, 100);
    ck_assert_uint_eq(plug.sent[99], 99);
    ck_assert_uint_eq(harness_dma_tcs(h, DMA), 1);
    ck_assert_uint_eq(ecr() & PARALLEL_ECR_SERVICE, PARALLEL_ECR_SERVICE);
    ck_assert_uint_eq(irq(), 1);
    ck_assert_uint_eq(harness_dma_dreq(h, DMA), 0);
}
END_TEST

START_TEST(dma_from_the_peripheral)
{
    start_plug("");
    for (uint32_t i = 0; i < 40; i++)
        plug.give[plug.give_len++] = (uint16_t)(0x80 + i);
    set_ecr(0x34);
    out(PARALLEL_DCR, 0x24);
    set_ecr(0x78);
    ck_assert_uint_eq(harness_dma_dreq(h, DMA), 1); /* the channel is masked */
    harness_save_load(h);
    ck_assert_uint_eq(harness_dma_dreq(h, DMA), 1);
    harness_dma_program(h, DMA, VIV_ISADMA_TO_MEMORY | VIV_ISADMA_MODE_SINGLE, 0x30000, 32);
    harness_advance_ns(h, 1);
    ck_assert_uint_eq(harness_dma_tcs(h, DMA), 1);
    ck_assert_uint_eq(irq(), 1);
    for (uint32_t i = 0; i < 32; i++)
        ck_assert_uint_eq(harness_ram_get8(h, 0x30000 + i), 0x80 + i);
    ck_assert_uint_eq(harness_ram_get8(h, 0x30020), 0);
    ck_assert_uint_eq(harness_in8(h, ECP), 0x80 + 32); /* the rest by hand */
}
END_TEST

START_TEST(hostile_state)
{
    for (int i = 0; i < 5; i++) {
        size_t len;
        start_plug("");
        Parallel *p = harness_self(h);
        switch (i) {
        case 0: p->fifo_count = 17; break;
        case 1: p->rle_left = 129; break;
        case 2: p->fifo_count = 1; break; /* in mode 000 */
        case 3: p->rle_send = 1; break;
        default: p->rle_run = 200; break;
        }
        uint8_t *blob = harness_save(h, &len);
        ck_assert_int_eq(harness_load(h, blob, len), VIV_E_CORRUPT);
        free(blob);
        teardown();
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("parallel");
    TCase *tc = tcase_create("parallel");
    tcase_add_checked_fixture(tc, NULL, teardown);
    tcase_add_test(tc, nothing_plugged_in);
    tcase_add_test(tc, kinds_and_configuration);
    tcase_add_test(tc, lines_of_a_peripheral);
    tcase_add_test(tc, acknowledge_interrupt);
    tcase_add_test(tc, printer_handshake);
    tcase_add_test(tc, printer_without_paper);
    tcase_add_test(tc, printer_by_fifo);
    tcase_add_test(tc, epp_cycles);
    tcase_add_test(tc, epp_versions_with_nobody_there);
    tcase_add_test(tc, configuration_registers);
    tcase_add_test(tc, test_mode);
    tcase_add_test(tc, ecp_forward);
    tcase_add_test(tc, ecp_compression);
    tcase_add_test(tc, ecp_reverse);
    tcase_add_test(tc, fault_interrupt);
    tcase_add_test(tc, dma_to_the_peripheral);
    tcase_add_test(tc, dma_from_the_peripheral);
    tcase_add_test(tc, hostile_state);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
