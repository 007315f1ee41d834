/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vga: the memory window against a model that keeps four planes of bytes and follows the manual
 * step by step, one plane at a time. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "vga_modes.h"

#define PLANE_BYTES 0x10000u

static Harness *h;

typedef struct Model {
    uint8_t plane[4][PLANE_BYTES];
    uint8_t latch[4];
    uint8_t misc, seq[5], gfx[9];
} Model;
static Model model;

static uint32_t seed;

static uint32_t rnd(void)
{
    seed = seed * 1664525u + 1013904223u;
    return seed >> 8;
}

static void setup(void)
{
    h = harness_new("vga", "VRamSize=0x100000");
    vga_test_enable(h);
    memset(&model, 0, sizeof(model));
}

static void teardown(void)
{
    harness_free(h);
}

static void set_seq(uint32_t index, uint8_t value)
{
    static const uint8_t bits[5] = {0x03, 0x3d, 0x0f, 0x3f, 0x0e};
    model.seq[index] = value & bits[index];
    vga_test_indexed(h, 0x3c4, index, value);
}

static void set_gfx(uint32_t index, uint8_t value)
{
    static const uint8_t bits[9] = {0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7b, 0x0f, 0x0f, 0xff};
    model.gfx[index] = value & bits[index];
    vga_test_indexed(h, 0x3ce, index, value);
}

static void set_misc(uint8_t value)
{
    model.misc = value;
    harness_out8(h, 0x3c2, value);
}

/* Offset in the map, or -1 where the adapter does not answer. */
static int32_t model_map(uint32_t gpa)
{
    uint32_t off = gpa - 0xa0000u;
    if (!(model.misc & 2))
        return -1;
    switch (model.gfx[6] >> 2 & 3) {
    case 0: return (int32_t)off;
    case 1: return off < 0x10000 ? (int32_t)off : -1;
    case 2: return off >= 0x10000 && off < 0x18000 ? (int32_t)off - 0x10000 : -1;
    default: return off >= 0x18000 ? (int32_t)off - 0x18000 : -1;
    }
}

static uint32_t model_offset(uint32_t addr)
{
    uint32_t room = model.seq[4] & 2 ? 0xffff : 0x3fff; /* extended memory */
    uint32_t off = addr & room;
    if (model.seq[4] & 8)
        return (off & ~3u) + (addr >> 16);
    if (model.gfx[6] & 2) {
        off &= ~1u;
        if ((model.gfx[6] >> 2 & 3) == 0)
            off |= addr >> 16;
        else if (!(model.misc & 0x20))
            off |= 1;
    }
    return off;
}

static void model_write(uint32_t gpa, uint8_t host)
{
    int32_t addr = model_map(gpa);
    if (addr < 0)
        return;
    uint32_t off = model_offset((uint32_t)addr), mode = model.gfx[5] & 3;
    uint8_t turned = host;
    for (int i = 0; i < (model.gfx[3] & 7); i++)
        turned = (uint8_t)(turned >> 1 | turned << 7);
    for (uint32_t p = 0; p < 4; p++) {
        uint8_t data, mask = model.gfx[8], sr = model.gfx[0] >> p & 1 ? 0xff : 0;
        if (!(model.seq[2] >> p & 1))
            continue;
        if (model.seq[4] & 8) {
            if (((uint32_t)addr & 3) != p)
                continue;
        } else if (!(model.seq[4] & 4) && ((uint32_t)addr & 1) != (p & 1)) {
            continue;
        }
        if (mode == 1) {
            model.plane[p][off] = model.latch[p];
            continue;
        }
        if (mode == 0) {
            data = model.gfx[1] >> p & 1 ? sr : turned;
        } else if (mode == 2) {
            data = host >> p & 1 ? 0xff : 0;
        } else {
            data = sr;
            mask &= turned;
        }
        switch (model.gfx[3] >> 3) {
        case 1: data &= model.latch[p]; break;
        case 2: data |= model.latch[p]; break;
        case 3: data ^= model.latch[p]; break;
        default: break;
        }
        model.plane[p][off] = (uint8_t)((data & mask) | (model.latch[p] & ~mask));
    }
}

static uint8_t model_read(uint32_t gpa)
{
    int32_t addr = model_map(gpa);
    if (addr < 0)
        return 0xff;
    uint32_t off = model_offset((uint32_t)addr), from = model.gfx[4];
    for (uint32_t p = 0; p < 4; p++)
        model.latch[p] = model.plane[p][off];
    if (model.gfx[5] & 8) {
        uint8_t same = 0;
        for (uint32_t bit = 0; bit < 8; bit++) {
            uint32_t color = 0;
            for (uint32_t p = 0; p < 4; p++)
                color |= (model.latch[p] >> bit & 1u) << p;
            if (((color ^ model.gfx[2]) & model.gfx[7]) == 0)
                same |= (uint8_t)(1u << bit);
        }
        return same;
    }
    if (model.seq[4] & 8)
        from = (uint32_t)addr & 3;
    else if (model.gfx[5] & 0x10)
        from = (from & 2) | ((uint32_t)addr & 1);
    return model.latch[from];
}

static void do_write(uint32_t gpa, uint64_t value, uint32_t width)
{
    harness_mmio_write(h, gpa, value, width);
    for (uint32_t i = 0; i < width; i++)
        model_write(gpa + i, (uint8_t)(value >> 8 * i));
}

static void do_read(uint32_t gpa, uint32_t width)
{
    uint64_t want = 0, got = harness_mmio_read(h, gpa, width);
    for (uint32_t i = 0; i < width; i++)
        want |= (uint64_t)model_read(gpa + i) << 8 * i;
    ck_assert_msg(got == want, "read %u at %05x: %llx, the model says %llx", width, gpa,
                  (unsigned long long)got, (unsigned long long)want);
}

/* All of each plane, through read mode 0 of a byte-addressed map. */
static void compare_planes(void)
{
    set_misc(0x63);
    set_seq(4, 6);
    set_gfx(5, 0);
    set_gfx(6, 5);
    for (uint8_t p = 0; p < 4; p++) {
        set_gfx(4, p);
        for (uint32_t off = 0; off < PLANE_BYTES; off += 8) {
            uint64_t got = harness_mmio_read(h, 0xa0000 + off, 8), want;
            memcpy(&want, &model.plane[p][off], 8);
            ck_assert_msg(got == want, "plane %u at %04x: %llx, the model says %llx", p, off,
                          (unsigned long long)got, (unsigned long long)want);
        }
    }
    for (uint32_t p = 0; p < 4; p++)
        model.latch[p] = model.plane[p][PLANE_BYTES - 1];
}

static void random_registers(void)
{
    static const uint8_t misc[] = {0x67, 0x63, 0x43, 0x61};
    set_misc(misc[rnd() % 4]);
    set_seq(2, (uint8_t)rnd());
    set_seq(4, (uint8_t)rnd());
    for (uint32_t i = 0; i < 9; i++)
        set_gfx(i, (uint8_t)rnd());
    if (rnd() & 1) { /* the plain case has a path of its own */
        set_gfx(1, 0);
        set_gfx(3, 0);
        set_gfx(5, (uint8_t)(rnd() & 0x78));
        set_gfx(8, 0xff);
    }
}

START_TEST(random_against_model)
{
    static const uint32_t widths[] = {1, 1, 2, 4, 8};
    seed = (uint32_t)_i * 77777u + 1;
    for (int round = 0; round < 200; round++) {
        random_registers();
        uint32_t base = (rnd() % 0x1f000u) & ~7u;
        for (int i = 0; i < 40; i++) {
            uint32_t width = widths[rnd() % 5],
                     gpa = 0xa0000 + base + (rnd() & 0x3f & ~(width - 1));
            if (rnd() & 1)
                do_write(gpa, (uint64_t)rnd() << 40 ^ (uint64_t)rnd() << 20 ^ rnd(), width);
            else
                do_read(gpa, width);
        }
        vga_test_indexed(h, 0x3d4, 0x22, 0);
        if (model.misc & 1) {
            harness_out8(h, 0x3d4, 0x22);
            ck_assert_uint_eq(harness_in8(h, 0x3d5), model.latch[model.gfx[4] & 3]);
        }
    }
    compare_planes();
    harness_save_load(h);
    compare_planes();
}
END_TEST

START_TEST(text_cells_lie_in_planes_0_and_1)
{
    vga_test_set_mode(h, &vga_test_mode3);
    harness_mmio_write(h, 0xb8000, 0x1f411e42, 4);
    set_seq(4, 6);
    set_gfx(5, 0);
    set_gfx(6, 5);
    set_gfx(4, 0);
    ck_assert_uint_eq(harness_mmio_read(h, 0xa0000, 4), 0x00410042);
    set_gfx(4, 1);
    ck_assert_uint_eq(harness_mmio_read(h, 0xa0000, 4), 0x001f001e);
}
END_TEST

START_TEST(window_off_when_memory_disabled)
{
    vga_test_set_mode(h, &vga_test_mode13);
    harness_mmio_write(h, 0xa0000, 0x55, 1);
    harness_out8(h, 0x3c2, 0x61);
    ck_assert_uint_eq(harness_mmio_read(h, 0xa0000, 1), 0xff);
    harness_mmio_write(h, 0xa0000, 0x66, 1);
    harness_out8(h, 0x3c2, 0x63);
    ck_assert_uint_eq(harness_mmio_read(h, 0xa0000, 1), 0x55);
    ck_assert_uint_eq(harness_mmio_read(h, 0xb8000, 2), 0xffff);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vga memory");
    TCase *tc = tcase_create("window");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, random_against_model, 0, 6);
    tcase_add_test(tc, text_cells_lie_in_planes_0_and_1);
    tcase_add_test(tc, window_off_when_memory_disabled);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
