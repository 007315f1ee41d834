/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Unit tests of 8237A: registers as the data sheet has them, the modes one by one, and random
 * programs against a model that moves one unit at a time. */
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "harness.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

static const uint32_t page_port[8] = {0x87, 0x83, 0x81, 0x82, 0x8f, 0x8b, 0x89, 0x8a};

static uint32_t reg_port(uint32_t channel, uint32_t reg)
{
    return channel < 4 ? reg : 0xc0 + 2 * reg;
}

static void write_word(Harness *h, uint32_t channel, uint32_t reg, uint32_t value)
{
    harness_out8(h, reg_port(channel, 12), 0);
    harness_out8(h, reg_port(channel, reg), (uint8_t)value);
    harness_out8(h, reg_port(channel, reg), (uint8_t)(value >> 8));
}

static uint32_t read_word(Harness *h, uint32_t channel, uint32_t reg)
{
    harness_out8(h, reg_port(channel, 12), 0);
    uint32_t low = harness_in8(h, reg_port(channel, reg));
    return low | (uint32_t)harness_in8(h, reg_port(channel, reg)) << 8;
}

/* address and count in units of the channel; count as programmed (one less). */
static void program(Harness *h, uint32_t channel, uint8_t mode, uint32_t page, uint32_t address,
                    uint32_t count)
{
    harness_out8(h, reg_port(channel, 10), (uint8_t)(4 | (channel & 3)));
    harness_out8(h, reg_port(channel, 11), (uint8_t)(mode | (channel & 3)));
    write_word(h, channel, 2 * (channel & 3), address);
    write_word(h, channel, 2 * (channel & 3) + 1, count);
    harness_out8(h, page_port[channel], (uint8_t)page);
    harness_out8(h, reg_port(channel, 10), (uint8_t)(channel & 3));
}

static Harness *start(void)
{
    Harness *h = harness_new("8237A", NULL);
    harness_out8(h, 0xd6, 0xc0); /* channel 4: cascade, as firmware does */
    harness_out8(h, 0xd4, 0x00);
    return h;
}

START_TEST(registers_after_reset)
{
    Harness *h = harness_new("8237A", NULL);
    for (uint32_t first = 0; first < 8; first += 4) {
        ck_assert_uint_eq(harness_in8(h, reg_port(first, 8)), 0);
        ck_assert_uint_eq(harness_in8(h, reg_port(first, 13)), 0);
        ck_assert_uint_eq(harness_in8(h, reg_port(first, 15)), 0x0f);
        for (uint32_t reg = 0; reg < 8; reg++) {
            write_word(h, first, reg, 0x1234 + reg);
        }
        for (uint32_t reg = 0; reg < 8; reg++) {
            ck_assert_uint_eq(read_word(h, first, reg), 0x1234 + reg);
        }
    }
    for (uint32_t i = 0; i < 16; i++) {
        harness_out8(h, 0x80 + i, (uint8_t)(0xa0 + i));
    }
    for (uint32_t i = 0; i < 16; i++) {
        ck_assert_uint_eq(harness_in8(h, 0x80 + i), 0xa0 + i);
    }
    /* Aliases: A4 of the first controller, A0 of the second. */
    ck_assert_uint_eq(harness_in8(h, 0x1f), 0x0f);
    harness_out8(h, 0xdf, 0x05);
    ck_assert_uint_eq(harness_in8(h, 0xde), 0x05);
    harness_save_load(h);
    ck_assert_uint_eq(harness_in8(h, 0xde), 0x05);
    harness_reset(h);
    ck_assert_uint_eq(harness_in8(h, 0x80), 0);
    harness_free(h);
}
END_TEST

START_TEST(byte_pointer)
{
    Harness *h = start();
    write_word(h, 0, 0, 0xbeef);
    harness_out8(h, 12, 0);
    ck_assert_uint_eq(harness_in8(h, 0), 0xef);
    harness_save_load(h); /* between the two halves */
    ck_assert_uint_eq(harness_in8(h, 0), 0xbe);
    ck_assert_uint_eq(harness_in8(h, 0), 0xef);
    harness_out8(h, 13, 0); /* master clear */
    ck_assert_uint_eq(harness_in8(h, 0), 0xef);
    ck_assert_uint_eq(harness_in8(h, 15), 0x0f);
    harness_free(h);
}
END_TEST

START_TEST(masks)
{
    Harness *h = start();
    harness_out8(h, 14, 0);
    ck_assert_uint_eq(harness_in8(h, 15), 0);
    harness_out8(h, 10, 6);
    harness_out8(h, 10, 5);
    ck_assert_uint_eq(harness_in8(h, 15), 6);
    harness_out8(h, 10, 2);
    ck_assert_uint_eq(harness_in8(h, 15), 2);
    harness_out8(h, 15, 0xfd);
    ck_assert_uint_eq(harness_in8(h, 15), 0x0d);
    harness_free(h);
}
END_TEST

START_TEST(write_to_memory_and_terminal_count)
{
    Harness *h = start();
    uint8_t buf[64];
    uint32_t flags;
    for (uint32_t i = 0; i < sizeof buf; i++) {
        buf[i] = (uint8_t)(i + 1);
    }
    ck_assert_uint_eq(harness_dma_mode(h, 2), VIV_ISADMA_MASKED | VIV_ISADMA_VERIFY);
    program(h, 2, 0x44, 0x12, 0x3400, 39);
    harness_dma_raise(h, 2, 1);
    ck_assert_uint_eq(harness_dma_readies(h, 2), 1);
    ck_assert_uint_eq(harness_in8(h, 8), 0x40);
    ck_assert_uint_eq(harness_dma_mode(h, 2),
                      VIV_ISADMA_TO_MEMORY | VIV_ISADMA_MODE_SINGLE | VIV_ISADMA_READY);
    ck_assert_uint_eq(harness_dma_run(h, 2, buf, 10, &flags), 10);
    ck_assert_uint_eq(flags & VIV_ISADMA_TC, 0);
    ck_assert_uint_eq(read_word(h, 2, 4), 0x340a);
    ck_assert_uint_eq(read_word(h, 2, 5), 29);
    harness_save_load(h); /* in mid-transfer */
    ck_assert_uint_eq(harness_dma_readies(h, 2), 1);
    ck_assert_uint_eq(harness_dma_run(h, 2, buf + 10, 54, &flags), 30);
    ck_assert_uint_ne(flags & VIV_ISADMA_TC, 0);
    ck_assert_uint_eq(read_word(h, 2, 5), 0xffff);
    ck_assert_uint_eq(harness_in8(h, 8), 0x44); /* request and terminal count */
    ck_assert_uint_eq(harness_in8(h, 8), 0x40); /* reading took it away */
    ck_assert_uint_eq(harness_in8(h, 15), 0x0f);
    ck_assert_uint_eq(harness_dma_run(h, 2, buf, 1, &flags), 0);
    for (uint32_t i = 0; i < 40; i++) {
        ck_assert_uint_eq(harness_ram_get8(h, 0x123400 + i), i + 1);
    }
    ck_assert_uint_eq(harness_ram_get8(h, 0x123428), 0);
    /* Counters begin anew with the process. */
    ck_assert_uint_eq(harness_stam(h, "ToMemory"), 30);
    ck_assert_uint_eq(harness_stam(h, "TerminalCounts"), 1);
    harness_free(h);
}
END_TEST

START_TEST(read_wraps_within_the_page)
{
    Harness *h = start();
    uint8_t buf[8];
    uint32_t flags;
    for (uint32_t i = 0; i < 4; i++) {
        harness_ram_put8(h, 0x2fffc + i, (uint8_t)(0x10 + i));
        harness_ram_put8(h, 0x20000 + i, (uint8_t)(0x20 + i));
        harness_ram_put8(h, 0x30000 + i, 0xee);
    }
    program(h, 1, 0x48, 2, 0xfffc, 7);
    harness_dma_raise(h, 1, 1);
    ck_assert_uint_eq(harness_dma_run(h, 1, buf, 8, &flags), 8);
    ck_assert_mem_eq(buf, "\x10\x11\x12\x13\x20\x21\x22\x23", 8);
    ck_assert_uint_eq(harness_in8(h, 0x83), 2);
    /* Downwards. */
    program(h, 1, 0x68, 2, 0x0001, 3);
    ck_assert_uint_eq(harness_dma_run(h, 1, buf, 8, &flags), 4);
    ck_assert_uint_ne(flags & VIV_ISADMA_TC, 0);
    ck_assert_mem_eq(buf, "\x21\x20", 2);
    ck_assert_uint_eq(buf[3], harness_ram_get8(h, 0x2fffe));
    harness_free(h);
}
END_TEST

START_TEST(words_on_the_second_controller)
{
    Harness *h = start();
    uint8_t buf[8];
    uint32_t flags;
    for (uint32_t i = 0; i < 8; i++) {
        harness_ram_put8(h, 0x41fffc + i, (uint8_t)i);
        harness_ram_put8(h, 0x400000 + i, (uint8_t)(0x80 + i));
    }
    program(h, 5, 0x48, 0x41, 0xfffe, 3); /* bit 0 of the page is not used */
    harness_dma_raise(h, 5, 1);
    ck_assert_uint_ne(harness_dma_mode(h, 5) & VIV_ISADMA_16BIT, 0);
    ck_assert_uint_eq(harness_dma_run(h, 5, buf, 1, &flags), 0);
    ck_assert_uint_eq(harness_dma_run(h, 5, buf, 3, &flags), 2);
    ck_assert_uint_eq(harness_dma_run(h, 5, buf + 2, 6, &flags), 6);
    ck_assert_uint_ne(flags & VIV_ISADMA_TC, 0);
    ck_assert_mem_eq(buf, "\x00\x01\x02\x03\x80\x81\x82\x83", 8);
    ck_assert_uint_eq(harness_in8(h, 0xd0), 0x22);
    harness_free(h);
}
END_TEST

START_TEST(auto_init_and_verify)
{
    Harness *h = start();
    uint8_t buf[16];
    uint32_t flags;
    memset(buf, 0x5a, sizeof buf);
    program(h, 3, 0x10 | 0x40, 1, 0x100, 7); /* verify, single, auto-init */
    harness_dma_raise(h, 3, 1);
    ck_assert_uint_eq(harness_dma_run(h, 3, buf, 16, &flags), 8);
    ck_assert_uint_eq(flags, VIV_ISADMA_VERIFY | VIV_ISADMA_MODE_SINGLE | VIV_ISADMA_AUTO_INIT |
                                 VIV_ISADMA_READY | VIV_ISADMA_TC);
    ck_assert_uint_eq(harness_ram_get8(h, 0x10100), 0);
    ck_assert_uint_eq(buf[0], 0x5a);
    ck_assert_uint_eq(read_word(h, 3, 6), 0x100);
    ck_assert_uint_eq(read_word(h, 3, 7), 7);
    ck_assert_uint_eq(harness_dma_run(h, 3, NULL, 3, &flags), 3);
    ck_assert_uint_eq(read_word(h, 3, 6), 0x103);
    harness_free(h);
}
END_TEST

START_TEST(cascade_and_switches)
{
    Harness *h = harness_new("8237A", NULL);
    uint8_t byte = 0x77;
    uint32_t flags;
    /* Channels 0-3 are behind channel 4. */
    program(h, 2, 0x44, 0, 0x500, 1);
    harness_dma_raise(h, 2, 1);
    ck_assert_uint_eq(harness_dma_mode(h, 2) & (VIV_ISADMA_MASKED | VIV_ISADMA_READY),
                      VIV_ISADMA_MASKED);
    ck_assert_uint_eq(harness_dma_run(h, 2, &byte, 1, &flags), 0);
    harness_out8(h, 0xd6, 0xc0);
    ck_assert_uint_eq(harness_dma_readies(h, 2), 0);
    harness_out8(h, 0xd4, 0x00);
    ck_assert_uint_eq(harness_dma_readies(h, 2), 1);
    harness_out8(h, 0x08, 0x04);
    ck_assert_uint_eq(harness_dma_run(h, 2, &byte, 1, &flags), 0);
    harness_out8(h, 0x08, 0x00);
    harness_out8(h, 0xd0, 0x04);
    ck_assert_uint_eq(harness_dma_run(h, 2, &byte, 1, &flags), 0);
    harness_out8(h, 0xd0, 0x00);
    ck_assert_uint_eq(harness_dma_readies(h, 2), 2);
    /* The wrong sense of DREQ and of DACK. */
    harness_out8(h, 0x08, 0x40);
    ck_assert_uint_eq(harness_in8(h, 0x08), 0xb0);
    ck_assert_uint_eq(harness_dma_run(h, 2, &byte, 1, &flags), 0);
    harness_out8(h, 0x08, 0x80);
    ck_assert_uint_eq(harness_dma_run(h, 2, &byte, 1, &flags), 0);
    harness_out8(h, 0x08, 0x00);
    ck_assert_uint_eq(harness_dma_run(h, 2, &byte, 1, &flags), 1);
    ck_assert_uint_eq(harness_ram_get8(h, 0x500), 0x77);
    /* A bus master's channel: ready, but nothing is moved for it. */
    harness_dma_readies(h, 6);
    harness_dma_raise(h, 6, 1);
    harness_out8(h, 0xd6, 0xc2);
    harness_out8(h, 0xd4, 0x02);
    ck_assert_uint_eq(harness_dma_readies(h, 6), 1);
    ck_assert_uint_eq(harness_dma_mode(h, 6),
                      VIV_ISADMA_CASCADE | VIV_ISADMA_16BIT | VIV_ISADMA_READY);
    ck_assert_uint_eq(harness_dma_run(h, 6, &byte, 2, &flags), 0);
    harness_free(h);
}
END_TEST

START_TEST(demand_and_block)
{
    Harness *h = start();
    uint8_t buf[4] = {1, 2, 3, 4};
    uint32_t flags;
    program(h, 0, 0x04, 0, 0x600, 3);
    harness_dma_raise(h, 0, 1);
    ck_assert_uint_eq(harness_dma_run(h, 0, buf, 1, &flags), 1);
    harness_dma_raise(h, 0, 0);
    ck_assert_uint_eq(harness_dma_run(h, 0, buf, 1, &flags), 0);
    harness_dma_raise(h, 0, 1);
    ck_assert_uint_eq(harness_dma_readies(h, 0), 2);
    ck_assert_uint_eq(harness_dma_run(h, 0, buf, 9, &flags), 3);
    harness_dma_raise(h, 0, 0);
    /* A block goes on to its end once it has begun. */
    program(h, 0, 0x84, 0, 0x600, 3);
    ck_assert_uint_eq(harness_dma_run(h, 0, buf, 1, &flags), 0);
    harness_dma_raise(h, 0, 1);
    ck_assert_uint_eq(harness_dma_run(h, 0, buf, 1, &flags), 1);
    harness_dma_raise(h, 0, 0);
    harness_save_load(h);
    ck_assert_uint_eq(harness_dma_run(h, 0, buf, 9, &flags), 3);
    ck_assert_uint_eq(harness_dma_run(h, 0, buf, 9, &flags), 0);
    harness_free(h);
}
END_TEST

START_TEST(software_request_without_a_device)
{
    Harness *h = start();
    program(h, 1, 0x84, 7, 0x10, 0x1ff);
    harness_out8(h, 10, 5); /* software requests pass the mask */
    harness_out8(h, 9, 5);
    ck_assert_uint_eq(harness_ram_get8(h, 0x70010), 0xff);
    ck_assert_uint_eq(harness_ram_get8(h, 0x7020f), 0xff);
    ck_assert_uint_eq(harness_ram_get8(h, 0x70210), 0);
    ck_assert_uint_eq(harness_in8(h, 8), 0x02);
    /* Held up while the controller is off, and shown in the status register. */
    harness_out8(h, 8, 0x04);
    program(h, 1, 0x84, 7, 0x400, 0);
    harness_out8(h, 9, 5);
    ck_assert_uint_eq(harness_in8(h, 8), 0x20);
    harness_save_load(h);
    ck_assert_uint_eq(harness_ram_get8(h, 0x70400), 0);
    harness_out8(h, 8, 0x00);
    ck_assert_uint_eq(harness_ram_get8(h, 0x70400), 0xff);
    ck_assert_uint_eq(harness_in8(h, 8), 0x02);
    harness_free(h);
}
END_TEST

START_TEST(memory_to_memory)
{
    Harness *h = start();
    for (uint32_t i = 0; i < 16; i++) {
        harness_ram_put8(h, 0x31000 + i, (uint8_t)(i * 3));
    }
    program(h, 0, 0x88, 3, 0x1000, 15);
    program(h, 1, 0x84, 4, 0x2000, 15);
    harness_out8(h, 8, 0x01);
    harness_out8(h, 9, 0x04);
    for (uint32_t i = 0; i < 16; i++) {
        ck_assert_uint_eq(harness_ram_get8(h, 0x42000 + i), i * 3);
    }
    ck_assert_uint_eq(harness_in8(h, 13), 45);
    ck_assert_uint_eq(harness_in8(h, 8), 0x02);
    ck_assert_uint_eq(read_word(h, 0, 0), 0x1010);
    ck_assert_uint_eq(read_word(h, 0, 3), 0xffff);
    /* One byte into a whole block, downwards. */
    program(h, 0, 0x88, 3, 0x1005, 0);
    program(h, 1, 0xa4, 4, 0x2003, 3);
    harness_out8(h, 8, 0x03);
    harness_out8(h, 9, 0x04);
    for (uint32_t i = 0; i < 4; i++) {
        ck_assert_uint_eq(harness_ram_get8(h, 0x42000 + i), 15);
    }
    ck_assert_uint_eq(harness_ram_get8(h, 0x42004), 12);
    ck_assert_uint_eq(read_word(h, 0, 0), 0x1005);
    harness_free(h);
}
END_TEST

/* -- the model ------------------------------------------------------------------------------- */

typedef struct Model {
    uint32_t page, address, count, base_address, base_count, mode, masked;
} Model;

static uint32_t rnd_state;
static uint32_t rnd(uint32_t n)
{
    rnd_state = rnd_state * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)n * rnd_state >> 32);
}

/* One transfer of one unit; returns 1 at terminal count. */
static int model_unit(Model *m, uint32_t channel, uint8_t *ram, uint8_t *unit)
{
    uint32_t width = channel < 4 ? 1 : 2;
    uint32_t at =
        channel < 4 ? m->page << 16 | m->address : (m->page & 0xfe) << 16 | m->address << 1;
    switch (m->mode >> 2 & 3) {
    case 1: memcpy(ram + at, unit, width); break;
    case 2: memcpy(unit, ram + at, width); break;
    default: break;
    }
    m->address = (m->address + (m->mode & 0x20 ? 0xffff : 1)) & 0xffff;
    m->count = (m->count - 1) & 0xffff;
    if (m->count != 0xffff) {
        return 0;
    }
    if (m->mode & 0x10) {
        m->address = m->base_address;
        m->count = m->base_count;
    } else {
        m->masked = 1;
    }
    return 1;
}

static void model_program(Harness *h, Model *m, uint32_t channel)
{
    *m = (Model){.page = rnd(4), .mode = (rnd(3) << 6 | rnd(64)) & 0xfc};
    m->address = m->base_address = rnd(4) ? rnd(0x10000) : 0xfff0 + rnd(16);
    m->count = m->base_count = rnd(300);
    program(h, channel, (uint8_t)m->mode, m->page, m->address, m->count);
}

START_TEST(random_programs_follow_the_model)
{
    static const uint32_t channels[] = {0, 1, 2, 3, 5, 6, 7};
    static uint8_t ram[0x80000], buf[1024], want[1024];
    Harness *h = start();
    rnd_state = (uint32_t)_i + 1;
    for (uint32_t i = 0; i < sizeof ram; i++) {
        ram[i] = (uint8_t)rnd(256);
    }
    harness_ram_write(h, 0, ram, sizeof ram);
    for (uint32_t round = 0; round < 60; round++) {
        uint32_t channel = channels[rnd(LEN(channels))], width = channel < 4 ? 1 : 2, flags;
        Model m;
        model_program(h, &m, channel);
        harness_dma_raise(h, channel, 1);
        for (uint32_t call = 0; call < 4; call++) {
            uint32_t len = rnd(sizeof buf), units = m.masked ? 0 : len / width, tc = 0, n = 0;
            for (uint32_t i = 0; i < len; i++) {
                buf[i] = want[i] = (uint8_t)rnd(256);
            }
            for (; n < units && !tc; n++) {
                tc = (uint32_t)model_unit(&m, channel, ram, want + n * width);
            }
            ck_assert_uint_eq(harness_dma_run(h, channel, buf, len, &flags), n * width);
            ck_assert_uint_eq((flags & VIV_ISADMA_TC) != 0, tc);
            ck_assert_mem_eq(buf, want, len);
            ck_assert_uint_eq(read_word(h, channel, 2 * (channel & 3)), m.address);
            ck_assert_uint_eq(read_word(h, channel, 2 * (channel & 3) + 1), m.count);
            if (rnd(16) == 0) {
                harness_save_load(h);
            }
        }
        harness_dma_raise(h, channel, 0);
    }
    static uint8_t got[sizeof ram];
    harness_ram_read(h, 0, got, sizeof got);
    ck_assert_int_eq(memcmp(got, ram, sizeof ram), 0);
    harness_free(h);
}
END_TEST

START_TEST(construct_failures_and_hostile_state)
{
    ck_assert_uint_gt(harness_construct_failures("8237A", NULL), 5);
    Harness *h = start();
    size_t len;
    uint8_t *blob = harness_save(h, &len);
    for (size_t i = 0; i < len; i++) {
        uint8_t *bad = malloc(len);
        memcpy(bad, blob, len);
        bad[i] ^= 0xff;
        if (harness_load(h, bad, len) == VIV_OK) {
            harness_out8(h, 14, 0);
            harness_out8(h, 9, 7);
            harness_in8(h, 8);
        } else {
            ck_assert_int_eq(harness_load(h, blob, len), VIV_OK);
        }
        free(bad);
    }
    free(blob);
    harness_free(h);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("8237A");
    TCase *tc = tcase_create("registers");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, registers_after_reset);
    tcase_add_test(tc, byte_pointer);
    tcase_add_test(tc, masks);
    suite_add_tcase(s, tc);
    tc = tcase_create("transfers");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, write_to_memory_and_terminal_count);
    tcase_add_test(tc, read_wraps_within_the_page);
    tcase_add_test(tc, words_on_the_second_controller);
    tcase_add_test(tc, auto_init_and_verify);
    tcase_add_test(tc, cascade_and_switches);
    tcase_add_test(tc, demand_and_block);
    tcase_add_test(tc, software_request_without_a_device);
    tcase_add_test(tc, memory_to_memory);
    tcase_add_loop_test(tc, random_programs_follow_the_model, 0, 20);
    tcase_add_test(tc, construct_failures_and_hostile_state);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
