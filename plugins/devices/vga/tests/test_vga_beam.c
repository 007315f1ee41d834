/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vga: the beam, vertical retraces, the ports' enables, the wires to the monitor, states of version
 * 1. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "state_v1.h"
#include "vga_modes.h"

static Harness *h;

static void setup(void)
{
    h = harness_new("vga", "VRamSize=0x100000,VgaRom=");
    vga_test_enable(h);
}

static void teardown(void)
{
    harness_free(h);
}

static uint8_t indexed_get(uint32_t port, uint8_t index)
{
    harness_out8(h, port, index);
    return harness_in8(h, port + 1);
}

static uint8_t status1(void)
{
    return harness_in8(h, 0x3da);
}

/* Moves to the next moment at which (status 1 & mask) == value, in steps of step_ns. */
static void wait_status(uint8_t mask, uint8_t value, uint64_t step_ns)
{
    for (int i = 0; (status1() & mask) != value; i++) {
        ck_assert_int_lt(i, 10000);
        harness_advance_ns(h, step_ns);
    }
}

/* Some dots from the left edge in one of a frame's first display lines. */
static void wait_picture(void)
{
    wait_status(0x08, 0x08, 50000);
    wait_status(0x08, 0x00, 50000);
    wait_status(0x01, 0x00, 25000);
    wait_status(0x01, 0x01, 2000);
    wait_status(0x01, 0x00, 200);
    harness_advance_ns(h, 200);
}

/* -- the line -------------------------------------------------------------------------------- */

START_TEST(vertical_interrupt_line)
{
    vga_test_set_mode(h, &vga_test_mode3);
    ck_assert_uint_eq(harness_irq_level(h, 9), 0);
    ck_assert_uint_eq(harness_next_deadline(h), UINT64_MAX);
    vga_test_indexed(h, 0x3d4, 0x11, 0x1e); /* latch runs, enabled */
    harness_advance_ns(h, 15000000);
    ck_assert_uint_eq(harness_irq_level(h, 9), 1);
    ck_assert_uint_eq(harness_in8(h, 0x3c2) & 0x80, 0x80);
    harness_save_load(h);
    ck_assert_uint_eq(harness_irq_level(h, 9), 1);
    vga_test_indexed(h, 0x3d4, 0x11, 0x3e); /* disabled, still pending */
    ck_assert_uint_eq(harness_irq_level(h, 9), 0);
    ck_assert_uint_eq(harness_in8(h, 0x3c2) & 0x80, 0x80);
    vga_test_indexed(h, 0x3d4, 0x11, 0x1e);
    ck_assert_uint_eq(harness_irq_level(h, 9), 1);
    vga_test_indexed(h, 0x3d4, 0x11, 0x0e); /* cleared */
    ck_assert_uint_eq(harness_irq_level(h, 9), 0);
    ck_assert_uint_eq(harness_in8(h, 0x3c2) & 0x80, 0);
    vga_test_indexed(h, 0x3d4, 0x11, 0x1e);
    ck_assert_uint_eq(harness_irq_level(h, 9), 0);
}
END_TEST

START_TEST(interrupts_come_once_a_frame)
{
    uint64_t first = 0, last = 0;
    vga_test_set_mode(h, &vga_test_mode3);
    for (int i = 0; i < 71; i++) {
        vga_test_indexed(h, 0x3d4, 0x11, 0x0e);
        vga_test_indexed(h, 0x3d4, 0x11, 0x1e);
        harness_advance_to_ns(h, harness_next_deadline(h));
        ck_assert_uint_eq(harness_irq_level(h, 9), 1);
        ck_assert_uint_eq(status1() & 8, 8);
        last = harness_time_ns(h);
        first = first ? first : last;
    }
    /* 28.322 MHz / 900 / 449 lines */
    ck_assert_uint_ge(last - first, 70 * 14267900ull);
    ck_assert_uint_le(last - first, 70 * 14268200ull);
}
END_TEST

START_TEST(interrupt_without_a_line)
{
    harness_free(h);
    h = harness_new("vga", "IRQ=0,VgaRom=");
    vga_test_enable(h);
    vga_test_set_mode(h, &vga_test_mode3);
    vga_test_indexed(h, 0x3d4, 0x11, 0x1e);
    harness_advance_ns(h, 15000000);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_IRQ), 0);
    ck_assert_uint_eq(harness_in8(h, 0x3c2) & 0x80, 0x80);
}
END_TEST

START_TEST(latch_survives_another_mode)
{
    vga_test_set_mode(h, &vga_test_mode3);
    vga_test_indexed(h, 0x3d4, 0x11, 0x3e);
    harness_advance_ns(h, 15000000);
    vga_test_dispi_mode(h, 800, 600, 8, 0);
    ck_assert_uint_eq(harness_in8(h, 0x3c2) & 0x80, 0x80);
    vga_test_dispi(h, 4, 0);
    vga_test_indexed(h, 0x3d4, 0x17, 0x23); /* no retraces any more */
    ck_assert_uint_eq(harness_in8(h, 0x3c2) & 0x80, 0x80);
    vga_test_indexed(h, 0x3d4, 0x11, 0x2e);
    vga_test_indexed(h, 0x3d4, 0x11, 0x3e);
    harness_advance_ns(h, 50000000);
    ck_assert_uint_eq(harness_in8(h, 0x3c2) & 0x80, 0);
    ck_assert_uint_eq(status1() & 8, 0);
}
END_TEST

/* -- what the beam shows --------------------------------------------------------------------- */

START_TEST(status_taps_the_attribute_outputs)
{
    static const uint8_t pairs[4][2] = {{0, 2}, {4, 5}, {1, 3}, {6, 7}};
    vga_test_set_mode(h, &vga_test_mode13);
    for (uint32_t color = 0; color < 256; color += 37) {
        for (uint32_t i = 0; i < 320; i += 8)
            harness_mmio_write(h, 0xa0000 + i, color * 0x0101010101010101ull, 8);
        vga_test_attr(h, 0x11, (uint8_t)~color);
        for (uint8_t mux = 0; mux < 4; mux++) {
            vga_test_attr(h, 0x12, (uint8_t)(mux << 4 | 0x0f));
            wait_picture();
            uint8_t want =
                (uint8_t)((color >> pairs[mux][0] & 1) << 4 | (color >> pairs[mux][1] & 1) << 5);
            ck_assert_uint_eq(status1() & 0x31, want);
        }
    }
}
END_TEST

START_TEST(status_shows_the_border_outside)
{
    vga_test_set_mode(h, &vga_test_mode3);
    vga_test_attr(h, 0x11, 0x05); /* outputs 0 and 2 */
    vga_test_attr(h, 0x12, 0x0f);
    wait_status(0x08, 0x00, 50000);
    wait_status(0x08, 0x08, 10000); /* line 412: blanked since 407 */
    ck_assert_uint_eq(status1(), 0x09);
    harness_advance_ns(h, 33 * 31777); /* line 445, blanking ended at 442 */
    ck_assert_uint_eq(status1(), 0x31);
}
END_TEST

START_TEST(switch_sense_compares_the_wires)
{
    vga_test_set_mode(h, &vga_test_mode13);
    for (uint32_t level = 0; level < 64; level += 7) {
        harness_out8(h, 0x3c8, 0);
        harness_out8(h, 0x3c9, 0);
        harness_out8(h, 0x3c9, (uint8_t)level);
        harness_out8(h, 0x3c9, 0);
        wait_picture();
        ck_assert_uint_eq(harness_in8(h, 0x3c2) & 0x10, level < 32 ? 0x10 : 0);
    }
    vga_test_indexed(h, 0x3c4, 1, 0x21); /* a dark screen */
    ck_assert_uint_eq(harness_in8(h, 0x3c2) & 0x10, 0x10);
}
END_TEST

/* Display enable comes late by the skew. */
START_TEST(display_enable_skew)
{
    uint64_t starts[2];
    vga_test_set_mode(h, &vga_test_mode13);
    vga_test_indexed(h, 0x3d4, 0x11, 0x0e);
    for (uint32_t i = 0; i < 2; i++) {
        vga_test_indexed(h, 0x3d4, 3, 0x82 | i * 0x60);
        wait_picture();
        wait_status(0x01, 0x01, 2000);
        wait_status(0x01, 0x00, 10);
        starts[i] = harness_time_ns(h);
    }
    /* A line is 100 clocks of 8 dots at 25.175 MHz: three clocks are 953 ns. */
    uint64_t late = (starts[1] - starts[0]) * 1000 % (800 * 39722ull) / 1000;
    ck_assert_uint_ge(late, 953 - 30);
    ck_assert_uint_le(late, 953 + 30);
}
END_TEST

/* -- enables --------------------------------------------------------------------------------- */

static void assert_listens(int yes)
{
    harness_out8(h, 0x3c6, 0x5a);
    ck_assert_uint_eq(harness_in8(h, 0x3c6), yes ? 0x5a : 0xff);
    harness_mmio_write(h, 0xa0000, yes ? 0x77 : 0x11, 1);
    ck_assert_uint_eq(harness_mmio_read(h, 0xa0000, 1), yes ? 0x77 : 0xff);
}

START_TEST(enables_and_setup)
{
    vga_test_set_mode(h, &vga_test_mode13);
    assert_listens(1);
    harness_out8(h, 0x3c3, 0);
    assert_listens(0);
    ck_assert_uint_eq(harness_in8(h, 0x3c3), 0);
    harness_out8(h, 0x3c3, 1);
    assert_listens(1);
    harness_out8(h, 0x102, 0); /* not in setup mode: nobody hears it */
    assert_listens(1);
    ck_assert_uint_eq(harness_in8(h, 0x102), 0xff);
    harness_out8(h, 0x46e8, 0x10);
    assert_listens(0);
    ck_assert_uint_eq(harness_in8(h, 0x102), 1);
    harness_out8(h, 0x102, 0);
    harness_out8(h, 0x46e8, 0x08);
    assert_listens(0);
    harness_save_load(h);
    assert_listens(0);
    harness_out8(h, 0x46e8, 0x18);
    harness_out8(h, 0x102, 1);
    assert_listens(0);
    harness_out8(h, 0x46e8, 0x08);
    assert_listens(1);
    harness_out8(h, 0x46e8, 0x00);
    assert_listens(0);
    ck_assert_uint_eq(harness_in8(h, 0x46e8), 0xff);
    harness_reset(h);
    vga_test_enable(h);
    vga_test_set_mode(h, &vga_test_mode13);
    assert_listens(1);
}
END_TEST

START_TEST(pci_command_register)
{
    harness_pci_map_bar(h, 0, 2, 0xf0000000);
    vga_test_set_mode(h, &vga_test_mode13);
    harness_mmio_write(h, 0xa0000, 0x33, 1);
    harness_cfg_write(h, 0, 4, 2, 2); /* memory alone */
    harness_out8(h, 0x3c6, 0x12);
    ck_assert_uint_eq(harness_in8(h, 0x3c6), 0xff);
    ck_assert_uint_eq(harness_in16(h, 0x1cf), 0xffff);
    ck_assert_uint_eq(harness_mmio_read(h, 0xa0000, 1), 0x33);
    ck_assert_uint_eq(harness_mmio_read(h, 0xf0000406, 1), 0xff); /* pixel mask by BAR 2 */
    harness_out8(h, 0x3c3, 0);
    harness_out8(h, 0x46e8, 0);
    harness_cfg_write(h, 0, 4, 1, 2); /* ports alone */
    ck_assert_uint_eq(harness_in8(h, 0x3c6), 0xff);
    ck_assert_uint_eq(harness_mmio_read(h, 0xa0000, 1), 0xff);
    harness_save_load(h);
    ck_assert_uint_eq(harness_mmio_read(h, 0xa0000, 1), 0xff);
    harness_cfg_write(h, 0, 4, 0x23, 2); /* palette snooping is kept */
    ck_assert_uint_eq(harness_cfg_read(h, 0, 4, 2), 0x23);
    harness_out8(h, 0x3c8, 3);
    harness_out8(h, 0x3c9, 1);
    harness_out8(h, 0x3c9, 2);
    harness_out8(h, 0x3c9, 3);
    harness_out8(h, 0x3c7, 3);
    ck_assert_uint_eq(harness_in8(h, 0x3c9), 1);
}
END_TEST

/* -- DDC ------------------------------------------------------------------------------------- */

static void ddc(uint16_t lines)
{
    vga_test_dispi(h, 0xb, 0x80 | lines);
}

static uint32_t ddc_data(void)
{
    return vga_test_dispi_get(h, 0xb) >> 3 & 1;
}

static void ddc_start(void)
{
    ddc(2);
    ddc(3);
    ddc(1);
    ddc(0);
}

static uint32_t ddc_bit(uint32_t bit)
{
    uint16_t data = bit ? 2 : 0;
    ddc(data);
    ddc(data | 1);
    uint32_t seen = ddc_data();
    ddc(data);
    return seen;
}

static uint32_t ddc_put(uint8_t byte)
{
    for (int i = 7; i >= 0; i--)
        ddc_bit(byte >> i & 1);
    return ddc_bit(1);
}

static uint8_t ddc_get(uint32_t last)
{
    uint32_t byte = 0;
    for (int i = 0; i < 8; i++)
        byte = byte << 1 | ddc_bit(1);
    ddc_bit(last);
    return (uint8_t)byte;
}

START_TEST(ddc_reads_the_edid)
{
    uint8_t edid[130];
    harness_pci_map_bar(h, 0, 2, 0xf0000000);
    ck_assert_uint_eq(vga_test_dispi_get(h, 0xb), 0x000f);
    ddc(3);
    ck_assert_uint_eq(vga_test_dispi_get(h, 0xb), 0x008f);
    ddc_start();
    ck_assert_uint_eq(ddc_put(0x72), 1); /* nobody has that address */
    ck_assert_uint_eq(ddc_put(0x00), 1);
    ddc_start();
    ck_assert_uint_eq(ddc_put(0xa0), 0);
    ck_assert_uint_eq(ddc_put(0x00), 0);
    ck_assert_uint_eq(ddc_put(0x55), 1); /* nothing can be written */
    ddc_start();
    ck_assert_uint_eq(ddc_put(0xa1), 0);
    for (uint32_t i = 0; i < sizeof(edid); i++) {
        if (i == 60)
            harness_save_load(h);
        edid[i] = ddc_get(i == sizeof(edid) - 1);
    }
    ck_assert_uint_eq(ddc_get(1), 0xff); /* it has let go */
    for (uint32_t i = 0; i < 128; i++)
        ck_assert_uint_eq(edid[i], harness_mmio_read(h, 0xf0000000 + i, 1));
    ck_assert_uint_eq(edid[129], 0xff);
    ddc_start();
    ck_assert_uint_eq(ddc_put(0xa0), 0);
    ck_assert_uint_eq(ddc_put(18), 0);
    ddc(0);
    ddc(1);
    ddc(3); /* stop */
    ddc_start();
    ck_assert_uint_eq(ddc_put(0xa1), 0);
    ck_assert_uint_eq(ddc_get(1), 1); /* EDID version at 18 */
    vga_test_dispi(h, 0xb, 0);
    ck_assert_uint_eq(vga_test_dispi_get(h, 0xb), 0x000f);
}
END_TEST

/* -- a state of version 1 -------------------------------------------------------------------- */

/* A machine's blob with the fields of version 1 in the place of its own. The harness's layout: eight
 * bytes of magic, count of instances, name, version, length of the fields, the fields. */
static uint8_t *blob_of_version_1(size_t *ret_len)
{
    const size_t version_at = 8 + 4 + 4 + strlen("vga/0"), fields_at = version_at + 8;
    const uint32_t fields = sizeof(vga_test_state_v1), version = 1;
    size_t len;
    uint32_t own;
    uint8_t *now = harness_save(h, &len);
    memcpy(&own, now + version_at + 4, 4);
    size_t rest = len - fields_at - own;
    uint8_t *blob = malloc(fields_at + fields + rest);
    memcpy(blob, now, version_at);
    memcpy(blob + version_at, &version, 4);
    memcpy(blob + version_at + 4, &fields, 4);
    memcpy(blob + fields_at, vga_test_state_v1, fields);
    memcpy(blob + fields_at + fields, now + fields_at + own, rest);
    free(now);
    *ret_len = fields_at + fields + rest;
    return blob;
}

START_TEST(state_of_version_1)
{
    size_t len;
    harness_cfg_write(h, 0, 4, 0, 2);
    harness_advance_ns(h, 30000000);
    uint8_t *blob = blob_of_version_1(&len);
    ck_assert_int_eq(harness_load(h, blob, len), VIV_OK);
    free(blob);
    /* Its guest goes on: all ranges answer, the latch is set, nothing of the new is in the way. */
    ck_assert_uint_eq(harness_in8(h, 0x3cc), 0x67);
    ck_assert_uint_eq(indexed_get(0x3d4, 0x0d), 80);
    ck_assert_uint_eq(harness_in8(h, 0x3c2) & 0x80, 0x80);
    ck_assert_uint_eq(harness_irq_level(h, 9), 1);
    harness_mmio_write(h, 0xb8000, 0x1f41, 2);
    ck_assert_uint_eq(harness_mmio_read(h, 0xb8000, 2), 0x1f41);
    ck_assert_uint_eq(vga_test_dispi_get(h, 0xb), 0x000f);
    harness_save_load(h);
    ck_assert_uint_eq(harness_in8(h, 0x3cc), 0x67);
    harness_cfg_write(h, 0, 4, 0, 2);
    ck_assert_uint_eq(harness_in8(h, 0x3cc), 0xff);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vga beam");
    TCase *tc = tcase_create("beam");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, vertical_interrupt_line);
    tcase_add_test(tc, interrupts_come_once_a_frame);
    tcase_add_test(tc, interrupt_without_a_line);
    tcase_add_test(tc, latch_survives_another_mode);
    tcase_add_test(tc, status_taps_the_attribute_outputs);
    tcase_add_test(tc, status_shows_the_border_outside);
    tcase_add_test(tc, switch_sense_compares_the_wires);
    tcase_add_test(tc, display_enable_skew);
    tcase_add_test(tc, enables_and_setup);
    tcase_add_test(tc, pci_command_register);
    tcase_add_test(tc, ddc_reads_the_edid);
    tcase_add_test(tc, state_of_version_1);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
