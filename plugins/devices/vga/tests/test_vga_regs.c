/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vga: registers, DAC, beam, dispi registers, PCI, saved state, configuration. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../vga.h"
#include "harness.h"
#include "vga_modes.h"

static Harness *h;

static void setup(void)
{
    h = harness_new("vga", "VRamSize=0x400000");
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

START_TEST(registers_keep_their_bits_only)
{
    static const struct {
        uint32_t port, count;
    } files[] = {{0x3c4, 5}, {0x3ce, 9}, {0x3d4, 25}};
    harness_out8(h, 0x3c2, 0x67);
    for (uint32_t f = 0; f < 3; f++) {
        for (uint8_t i = 0; i < files[f].count; i++) {
            vga_test_indexed(h, files[f].port, i, 0xff);
            uint8_t bits = indexed_get(files[f].port, i);
            if (files[f].port == 0x3d4 && i == 0x11)
                vga_test_indexed(h, 0x3d4, 0x11, 0);
            vga_test_indexed(h, files[f].port, i, 0x55);
            ck_assert_uint_eq(indexed_get(files[f].port, i), bits & 0x55);
        }
        ck_assert_uint_eq(indexed_get(files[f].port, (uint8_t)files[f].count), 0);
    }
    ck_assert_uint_eq(harness_in8(h, 0x3cc), 0x67);
    harness_out8(h, 0x3da, 0xff);
    ck_assert_uint_eq(harness_in8(h, 0x3ca), 0x0b);
}
END_TEST

START_TEST(crtc_protection)
{
    harness_out8(h, 0x3c2, 0x67);
    vga_test_indexed(h, 0x3d4, 0x11, 0x0e);
    vga_test_indexed(h, 0x3d4, 0x00, 0x5f);
    vga_test_indexed(h, 0x3d4, 0x07, 0x0f);
    vga_test_indexed(h, 0x3d4, 0x11, 0x8e);
    vga_test_indexed(h, 0x3d4, 0x00, 0x11);
    vga_test_indexed(h, 0x3d4, 0x07, 0xf0);
    ck_assert_uint_eq(indexed_get(0x3d4, 0x00), 0x5f);
    ck_assert_uint_eq(indexed_get(0x3d4, 0x07), 0x1f);
}
END_TEST

START_TEST(crtc_is_where_misc_says)
{
    harness_out8(h, 0x3c2, 0x66);
    vga_test_indexed(h, 0x3b4, 0x0e, 0x12);
    ck_assert_uint_eq(indexed_get(0x3b4, 0x0e), 0x12);
    ck_assert_uint_eq(indexed_get(0x3d4, 0x0e), 0xff);
    harness_out8(h, 0x3c2, 0x67);
    ck_assert_uint_eq(indexed_get(0x3d4, 0x0e), 0x12);
    ck_assert_uint_eq(harness_in8(h, 0x3ba), 0xff);
}
END_TEST

START_TEST(attribute_flip_flop_and_palette_lock)
{
    harness_out8(h, 0x3c2, 0x67);
    vga_test_attr(h, 5, 0x2a);
    harness_in8(h, 0x3da);
    harness_out8(h, 0x3c0, 5);
    ck_assert_uint_eq(harness_in8(h, 0x3c1), 0x2a);
    harness_in8(h, 0x3da);
    harness_out8(h, 0x3c0, 0x25); /* the screen owns the palette now */
    harness_out8(h, 0x3c0, 0x11);
    ck_assert_uint_eq(harness_in8(h, 0x3c1), 0x2a);
    harness_in8(h, 0x3da);
    harness_out8(h, 0x3c0, 0x33); /* panning is no palette register */
    harness_out8(h, 0x3c0, 0x07);
    ck_assert_uint_eq(harness_in8(h, 0x3c1), 0x07);
    ck_assert_uint_eq(harness_in8(h, 0x3c0), 0x33);
    vga_test_indexed(h, 0x3d4, 0x24, 0);
    ck_assert_uint_eq(harness_in8(h, 0x3d5), 0);
    harness_out8(h, 0x3c0, 0x20);
    ck_assert_uint_eq(harness_in8(h, 0x3d5), 0x80);
}
END_TEST

START_TEST(dac_six_and_eight_bits)
{
    vga_test_dac(h);
    harness_out8(h, 0x3c7, 9);
    ck_assert_uint_eq(harness_in8(h, 0x3c7), 3);
    ck_assert_uint_eq(harness_in8(h, 0x3c8), 10);
    ck_assert_uint_eq(harness_in8(h, 0x3c9), 9);
    ck_assert_uint_eq(harness_in8(h, 0x3c9), 54);
    ck_assert_uint_eq(harness_in8(h, 0x3c9), 0x23);
    ck_assert_uint_eq(harness_in8(h, 0x3c9), 10);
    vga_test_dispi(h, 4, 0x20);
    harness_out8(h, 0x3c8, 7);
    ck_assert_uint_eq(harness_in8(h, 0x3c7), 0);
    harness_out8(h, 0x3c9, 0xab);
    harness_out8(h, 0x3c9, 0xcd);
    harness_out8(h, 0x3c7, 7); /* blue has not come: the entry is as it was */
    ck_assert_uint_eq(harness_in8(h, 0x3c9), 7 << 2);
    harness_out8(h, 0x3c8, 7);
    harness_out8(h, 0x3c9, 0xab);
    harness_out8(h, 0x3c9, 0xcd);
    harness_out8(h, 0x3c9, 0xef);
    harness_out8(h, 0x3c7, 7);
    ck_assert_uint_eq(harness_in8(h, 0x3c9), 0xab);
    vga_test_dispi(h, 4, 0);
    ck_assert_uint_eq(harness_in8(h, 0x3c9), 0xcd >> 2);
}
END_TEST

/* Counts status changes over 1/10 s. */
START_TEST(beam_has_the_modes_frequencies)
{
    vga_test_set_mode(h, &vga_test_mode3);
    uint32_t frames = 0, last = 0;
    for (int i = 0; i < 100000; i++) {
        uint32_t now = harness_in8(h, 0x3da);
        if ((now & 8) && !(last & 8))
            frames++;
        if (now & 8)
            ck_assert(now & 1);
        last = now;
        harness_advance_ns(h, 1000);
    }
    ck_assert_uint_ge(frames, 7);
    ck_assert_uint_le(frames, 8); /* 70.09 Hz */
    vga_test_dispi_mode(h, 800, 600, 8, 0);
    frames = last = 0;
    for (int i = 0; i < 100000; i++) {
        uint32_t now = harness_in8(h, 0x3da) & 8;
        frames += now && !last;
        last = now;
        harness_advance_ns(h, 1000);
    }
    ck_assert_uint_ge(frames, 5);
    ck_assert_uint_le(frames, 7);
}
END_TEST

START_TEST(vertical_interrupt_latch)
{
    vga_test_set_mode(h, &vga_test_mode3);
    vga_test_indexed(h, 0x3d4, 0x11, 0x0e);
    vga_test_indexed(h, 0x3d4, 0x11, 0x1e);
    ck_assert(!(harness_in8(h, 0x3c2) & 0x80));
    harness_advance_ns(h, 15000000);
    ck_assert(harness_in8(h, 0x3c2) & 0x80);
    vga_test_indexed(h, 0x3d4, 0x11, 0x0e);
    vga_test_indexed(h, 0x3d4, 0x11, 0x1e);
    ck_assert(!(harness_in8(h, 0x3c2) & 0x80));
}
END_TEST

START_TEST(subsystem_disable)
{
    harness_out8(h, 0x3c2, 0x67);
    harness_out8(h, 0x3c3, 0);
    ck_assert_uint_eq(harness_in8(h, 0x3cc), 0xff);
    harness_out8(h, 0x3c2, 0x00);
    harness_out8(h, 0x3c3, 1);
    ck_assert_uint_eq(harness_in8(h, 0x3cc), 0x67);
}
END_TEST

START_TEST(dispi_registers)
{
    ck_assert_uint_eq(vga_test_dispi_get(h, 0), 0xb0c5);
    vga_test_dispi(h, 0, 0xb0c0);
    ck_assert_uint_eq(vga_test_dispi_get(h, 0), 0xb0c0);
    vga_test_dispi(h, 0, 0xb0c6);
    ck_assert_uint_eq(vga_test_dispi_get(h, 0), 0xb0c0);
    ck_assert_uint_eq(vga_test_dispi_get(h, 0xa), 0x40);
    vga_test_dispi(h, 4, 2);
    ck_assert_uint_eq(vga_test_dispi_get(h, 3), 32);
    ck_assert_uint_ge(vga_test_dispi_get(h, 1), 1920);
    vga_test_dispi_mode(h, 800, 600, 16, 0x40);
    ck_assert_uint_eq(vga_test_dispi_get(h, 4), 0x41);
    ck_assert_uint_eq(vga_test_dispi_get(h, 6), 800);
    ck_assert_uint_eq(vga_test_dispi_get(h, 7), 0x400000 / 1600);
    vga_test_dispi(h, 1, 640); /* locked while on */
    ck_assert_uint_eq(vga_test_dispi_get(h, 1), 800);
    vga_test_dispi(h, 6, 1024);
    ck_assert_uint_eq(vga_test_dispi_get(h, 6), 1024);
    vga_test_dispi(h, 6, 0xffff); /* what fits in memory with 600 lines */
    ck_assert_uint_eq(vga_test_dispi_get(h, 6), 0x400000 / 1200);
    vga_test_dispi(h, 6, 10);
    ck_assert_uint_eq(vga_test_dispi_get(h, 6), 800);
    /* Through the data port's other address, and byte-wise index. */
    harness_out16(h, 0x1ce, 1);
    ck_assert_uint_eq(harness_in16(h, 0x1d0), 800);
}
END_TEST

START_TEST(dispi_refuses_impossible_modes)
{
    static const uint16_t modes[][3] = {
        {0, 600, 32}, {800, 0, 32}, {800, 600, 13}, {8000, 100, 8}, {1600, 1200, 32}, {4, 100, 4},
    };
    for (uint32_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        vga_test_dispi_mode(h, modes[i][0], modes[i][1], modes[i][2], 0);
        ck_assert_uint_eq(vga_test_dispi_get(h, 4) & 1, 0);
    }
}
END_TEST

START_TEST(pci_identity_and_bars)
{
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0, 4), 0x11111234);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 8, 4) >> 8, 0x030000);
    ck_assert_uint_eq(harness_pci_devfn(h, 0), 2 << 3);
    ck_assert_uint_eq(harness_pci_bar_size(h, 0, 0), 0x400000);
    ck_assert_uint_eq(harness_pci_bar_size(h, 0, 2), 0x1000);
    harness_free(h);
    h = harness_new("vga", "PCIIdentity=virtualbox,VRamSize=9000000");
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0, 4), 0xbeef80ee);
    ck_assert_uint_eq(harness_pci_bar_size(h, 0, 0), 0x1000000);
    harness_free(h);
    h = harness_new("vga", "VendorID=0x15ad,DeviceID=0x405");
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0, 4), 0x040515ad);
}
END_TEST

START_TEST(mmio_bar)
{
    const uint64_t at = 0xf0000000;
    harness_pci_map_bar(h, 0, 2, at);
    ck_assert_uint_eq(harness_mmio_read(h, at, 4), 0xffffff00);
    uint8_t sum = 0;
    for (uint32_t i = 0; i < 128; i++)
        sum = (uint8_t)(sum + harness_mmio_read(h, at + i, 1));
    ck_assert_uint_eq(sum, 0);
    ck_assert_uint_eq(harness_mmio_read(h, at + 54 + 2, 1), 1024 & 0xff);
    harness_mmio_write(h, at + 0x402, 0x67, 1);
    ck_assert_uint_eq(harness_in8(h, 0x3cc), 0x67);
    harness_mmio_write(h, at + 0x414, 0x2a0e, 2);
    ck_assert_uint_eq(indexed_get(0x3d4, 0x0e), 0x2a);
    harness_mmio_write(h, at + 0x502, 640, 2);
    harness_mmio_write(h, at + 0x504, 480u | 32u << 16, 4);
    harness_mmio_write(h, at + 0x508, 0x41, 2);
    ck_assert_uint_eq(vga_test_dispi_get(h, 4), 0x41);
    ck_assert_uint_eq(harness_mmio_read(h, at + 0x500, 4), 640u << 16 | 0xb0c5);
    ck_assert_uint_eq(harness_mmio_read(h, at + 0x600, 4), 8);
    ck_assert_uint_eq(harness_mmio_read(h, at + 0x604, 4), 0x1e1e1e1e);
    harness_mmio_write(h, at + 0x604, 0xbebebebe, 4);
    ck_assert_uint_eq(harness_mmio_read(h, at + 0x604, 4), 0xbebebebe);
    harness_mmio_write(h, at + 0x604, 0x12345678, 4);
    ck_assert_uint_eq(harness_mmio_read(h, at + 0x604, 4), 0xbebebebe);
}
END_TEST

START_TEST(dispi_window_and_banks)
{
    const uint64_t lfb = 0xe0000000;
    harness_pci_map_bar(h, 0, 0, lfb);
    vga_test_dispi_mode(h, 1024, 768, 8, 0);
    vga_test_dispi(h, 5, 3);
    harness_mmio_write(h, 0xa1234, 0x1122334455667788, 8);
    ck_assert_uint_eq(harness_mmio_read(h, lfb + 0x31234, 8), 0x1122334455667788);
    ck_assert_uint_eq(harness_mmio_read(h, 0xa1236, 2), 0x5566);
    vga_test_dispi(h, 5, 0x4000 | 1); /* write bank alone */
    harness_mmio_write(h, 0xa0000, 0xaa, 1);
    ck_assert_uint_eq(harness_mmio_read(h, lfb + 0x10000, 1), 0xaa);
    ck_assert_uint_eq(harness_mmio_read(h, 0xa1236, 2), 0x5566);
    vga_test_dispi(h, 4, 0x11 | 0x80); /* 32 KiB steps */
    vga_test_dispi(h, 5, 2);
    ck_assert_uint_eq(harness_mmio_read(h, 0xa0000, 1), 0xaa);
    ck_assert_uint_eq(harness_mmio_read(h, 0xb8000, 1), 0xff);
    /* A bank beyond memory wraps. */
    vga_test_dispi(h, 4, 0x01 | 0x80);
    vga_test_dispi(h, 5, 0x41);
    ck_assert_uint_eq(harness_mmio_read(h, 0xa0000, 1), 0xaa);
    /* Enabling clears unless asked not to. */
    vga_test_dispi_mode(h, 1024, 768, 8, 0x80);
    ck_assert_uint_eq(harness_mmio_read(h, lfb + 0x10000, 1), 0xaa);
    vga_test_dispi_mode(h, 1024, 768, 8, 0);
    ck_assert_uint_eq(harness_mmio_read(h, lfb + 0x10000, 1), 0);
}
END_TEST

START_TEST(rom_gets_the_ids)
{
    uint8_t rom[1024] = {0x55, 0xaa, 2}, sum = 0;
    rom[0x18] = 0x40;
    memcpy(rom + 0x40, "PCIR\x34\x12\x11\x11", 8);
    harness_free(h);
    h = harness_create();
    harness_vm_file(h, "my.rom", rom, sizeof(rom));
    ck_assert_int_eq(harness_start(h, "vga", "VgaRom=my.rom,PCIIdentity=virtualbox"), VIV_OK);
    ck_assert_uint_eq(harness_pci_bar_size(h, 0, 6), 0x1000);
    harness_pci_map_bar(h, 0, 6, 0xf1000001);
    ck_assert_uint_eq(harness_mmio_read(h, 0xf1000044, 4), 0xbeef80ee);
    for (uint32_t i = 0; i < 1024; i++)
        sum = (uint8_t)(sum + harness_mmio_read(h, 0xf1000000 + i, 1));
    ck_assert_uint_eq(sum, 0);
}
END_TEST

START_TEST(without_rom_and_without_pci)
{
    uint8_t rom[512] = {0x55, 0xaa, 1};
    harness_free(h);
    h = harness_new("vga", "VgaRom=there is no such file");
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_LOG), 1);
    ck_assert_uint_eq(harness_event(h, HARNESS_EV_LOG, 0).a, VIV_LOG_WARN);
    harness_free(h);
    h = harness_create();
    harness_vm_without(h, VIV_PCI_ID);
    harness_vm_file(h, "isa.rom", rom, sizeof(rom));
    ck_assert_int_eq(harness_start(h, "vga", "VgaRom=isa.rom"), VIV_OK);
    ck_assert_uint_eq(harness_mmio_read(h, 0xc0000, 2), 0xaa55);
    vga_test_set_mode(h, &vga_test_mode13);
    harness_mmio_write(h, 0xa0000, 0x42, 1);
    ck_assert_uint_eq(harness_mmio_read(h, 0xa0000, 1), 0x42);
}
END_TEST

START_TEST(reset_is_cold)
{
    vga_test_set_mode(h, &vga_test_mode12);
    vga_test_dispi_mode(h, 800, 600, 16, 0);
    harness_reset(h);
    vga_test_enable(h);
    ck_assert_uint_eq(harness_in8(h, 0x3cc), 0);
    ck_assert_uint_eq(vga_test_dispi_get(h, 4), 0);
    harness_out8(h, 0x3c2, 1);
    for (uint8_t i = 0; i < 25; i++)
        ck_assert_uint_eq(indexed_get(0x3d4, i), 0);
    ck_assert_uint_ne(harness_in8(h, 0x3da), 0xff);
}
END_TEST

/* In the middle of everything that has a middle. */
START_TEST(save_at_awkward_moments)
{
    vga_test_set_mode(h, &vga_test_mode12);
    harness_mmio_write(h, 0xa0010, 0x5a, 1);
    harness_mmio_read(h, 0xa0010, 1);
    harness_in8(h, 0x3da);
    harness_out8(h, 0x3c0, 0x30);
    harness_out8(h, 0x3c8, 17);
    harness_out8(h, 0x3c9, 1);
    harness_out8(h, 0x3c9, 2);
    harness_out8(h, 0x3d4, 0x22);
    uint8_t latch = harness_in8(h, 0x3d5);
    harness_save_load(h);
    ck_assert_uint_eq(latch, 0x5a);
    ck_assert_uint_eq(harness_in8(h, 0x3d5), latch);
    harness_out8(h, 0x3c0, 0x41);
    ck_assert_uint_eq(harness_in8(h, 0x3c1), 0x41);
    harness_out8(h, 0x3c9, 3);
    harness_out8(h, 0x3c7, 17);
    ck_assert_uint_eq(harness_in8(h, 0x3c9), 1);
    ck_assert_uint_eq(harness_in8(h, 0x3c9), 2);
    ck_assert_uint_eq(harness_in8(h, 0x3c9), 3);
}
END_TEST

/* A mode that does not fit the memory of the machine that loads it, and a DAC beyond its third
 * byte. */
START_TEST(hostile_state)
{
    for (int i = 0; i < 3; i++) {
        Harness *other = harness_new("vga", "VRamSize=0x100000");
        Vga *vga = harness_self(other);
        size_t len;
        if (i == 0) {
            vga->dac_component = 3;
        } else if (i == 1) {
            vga->dispi[VGA_DISPI_ID] = 1;
        } else {
            vga->dispi[VGA_DISPI_XRES] = vga->dispi[VGA_DISPI_VIRT_WIDTH] = 4000;
            vga->dispi[VGA_DISPI_YRES] = 4000;
            vga->dispi[VGA_DISPI_BPP] = 32;
            vga->dispi[VGA_DISPI_ENABLE] = 1;
        }
        uint8_t *blob = harness_save(other, &len);
        ck_assert_int_eq(harness_load(other, blob, len), VIV_E_CORRUPT);
        free(blob);
        harness_free(other);
    }
}
END_TEST

START_TEST(bad_configuration)
{
    static const char *const bad[] = {"VRamSize=4096", "VRamSize=0x20000000", "PCIIdentity=matrox",
                                      "NoSuchKey=1", "PreferredWidth=100"};
    for (uint32_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        viv_status_t status = VIV_OK;
        ck_assert_ptr_null(harness_try_new("vga", bad[i], &status));
        ck_assert_int_eq(status, VIV_E_CONFIG);
        ck_assert_str_ne(harness_error(), "");
    }
    ck_assert_uint_gt(harness_construct_failures("vga", ""), 5);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vga registers");
    TCase *tc = tcase_create("registers");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, registers_keep_their_bits_only);
    tcase_add_test(tc, crtc_protection);
    tcase_add_test(tc, crtc_is_where_misc_says);
    tcase_add_test(tc, attribute_flip_flop_and_palette_lock);
    tcase_add_test(tc, dac_six_and_eight_bits);
    tcase_add_test(tc, beam_has_the_modes_frequencies);
    tcase_add_test(tc, vertical_interrupt_latch);
    tcase_add_test(tc, subsystem_disable);
    tcase_add_test(tc, dispi_registers);
    tcase_add_test(tc, dispi_refuses_impossible_modes);
    tcase_add_test(tc, pci_identity_and_bars);
    tcase_add_test(tc, mmio_bar);
    tcase_add_test(tc, dispi_window_and_banks);
    tcase_add_test(tc, rom_gets_the_ids);
    tcase_add_test(tc, without_rom_and_without_pci);
    tcase_add_test(tc, reset_is_cold);
    tcase_add_test(tc, save_at_awkward_moments);
    tcase_add_test(tc, hostile_state);
    tcase_add_test(tc, bad_configuration);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
