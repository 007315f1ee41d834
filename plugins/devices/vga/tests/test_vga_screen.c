/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vga: what the screen shows: pictures and text through viv.display-port/1. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "vga_modes.h"

#define LFB 0xe0000000ull

static Harness *h;
static const viv_display_port_ops_t *port;
static void *port_self;
static viv_frame_t frame;

static void setup(void)
{
    h = harness_create();
    harness_lun_display(h, 0);
    ck_assert_int_eq(harness_start(h, "vga", "VRamSize=0x200000"), VIV_OK);
    vga_test_enable(h);
    harness_pci_map_bar(h, 0, 0, LFB);
    viv_iface_t iface = harness_port(h, 0, VIV_DISPLAY_PORT_ID);
    port = iface.ops;
    port_self = iface.self;
}

static void teardown(void)
{
    harness_free(h);
}

static void shoot(uint32_t width, uint32_t height)
{
    frame = (viv_frame_t){.size = sizeof(frame)};
    ck_assert_int_eq(port->frame(port_self, &frame), VIV_OK);
    ck_assert_uint_eq(frame.width, width);
    ck_assert_uint_eq(frame.height, height);
    ck_assert_uint_ge(frame.stride_bytes, width * 4);
}

static uint32_t pixel(uint32_t x, uint32_t y)
{
    return frame.pixels[y * (frame.stride_bytes / 4) + x] & 0xffffff;
}

static void print(uint32_t cell, const char *text, uint8_t attr)
{
    for (; *text; text++, cell++)
        harness_mmio_write(h, 0xb8000 + cell * 2, (uint8_t)*text | attr << 8, 2);
}

static void assert_text(const char *want)
{
    char buf[8192];
    uint32_t len = port->text(port_self, buf, sizeof(buf));
    ck_assert_str_eq(buf, want);
    ck_assert_uint_eq(len, strlen(want));
}

/* A font whose glyph n has n in every row. */
static void load_font(void)
{
    vga_test_indexed(h, 0x3c4, 2, 4);
    vga_test_indexed(h, 0x3c4, 4, 7);
    vga_test_indexed(h, 0x3ce, 5, 0);
    vga_test_indexed(h, 0x3ce, 6, 4);
    for (uint32_t chr = 0; chr < 256; chr++)
        for (uint32_t row = 0; row < 16; row++)
            harness_mmio_write(h, 0xa0000 + chr * 32 + row, chr, 1);
    vga_test_indexed(h, 0x3c4, 2, 3);
    vga_test_indexed(h, 0x3c4, 4, 3);
    vga_test_indexed(h, 0x3ce, 5, 0x10);
    vga_test_indexed(h, 0x3ce, 6, 0x0e);
}

static void text_mode(void)
{
    vga_test_set_mode(h, &vga_test_mode3);
    load_font();
    for (uint32_t i = 0; i < 16384; i++)
        harness_mmio_write(h, 0xb8000 + i * 2, 0x0720, 2);
    vga_test_indexed(h, 0x3d4, 0x0a, 0x20); /* no cursor */
}

/* xRGB of attribute colour n in modes with the 16-colour palette of the tables. */
static uint32_t ega(uint32_t n)
{
    return vga_test_rgb(vga_test_mode3.attr[n]);
}

START_TEST(text_dump)
{
    char small[8];
    text_mode();
    print(0, "Hello, world", 7);
    print(80 * 2 + 3, "a\xc9\xcd\xbb\x01\xe1", 0x1f);
    print(80 * 24 + 79, "!", 7);
    assert_text(
        "Hello, world\n\n   a╔═╗☺ß\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n"
        "                                                                               !\n");
    ck_assert_uint_eq(port->text(port_self, small, sizeof(small)),
                      12 + 1 + 1 + 3 + 1 + 9 + 3 + 2 + 1 + 21 + 81);
    ck_assert_str_eq(small, "Hello, ");
    ck_assert_uint_gt(port->text(port_self, NULL, 0), 100);
}
END_TEST

START_TEST(text_follows_start_address)
{
    text_mode();
    print(80, "second", 7);
    vga_test_indexed(h, 0x3d4, 0x0d, 80);
    vga_test_retrace(h);
    assert_text("second\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n");
}
END_TEST

START_TEST(text_split_screen)
{
    char want[64] = "";
    text_mode();
    print(0, "status", 7);
    print(800, "body", 7);
    vga_test_indexed(h, 0x3d4, 0x0c, 800 >> 8);
    vga_test_indexed(h, 0x3d4, 0x0d, 800 & 0xff);
    vga_test_indexed(h, 0x3d4, 0x18, (16 * 20 - 1) & 0xff); /* line 319: 20 rows above the split */
    vga_test_indexed(h, 0x3d4, 0x09, 0x0f);
    vga_test_indexed(h, 0x3d4, 0x11, 0x0e);
    vga_test_indexed(h, 0x3d4, 0x07, 0x1f);
    vga_test_retrace(h);
    strcat(want, "body");
    for (int i = 0; i < 20; i++)
        strcat(want, "\n");
    strcat(want, "status\n\n\n\n\n");
    assert_text(want);
}
END_TEST

START_TEST(text_pixels)
{
    text_mode();
    print(0, "A", 0x4e);    /* 41h: second and last dot */
    print(1, "\xc1", 0x07); /* line graphics: the ninth dot repeats the eighth */
    shoot(720, 400);
    static const char *const cells[2] = {".X.....X.", "XX.....XX"};
    for (uint32_t c = 0; c < 2; c++)
        for (uint32_t x = 0; x < 9; x++)
            ck_assert_uint_eq(pixel(c * 9 + x, 5),
                              cells[c][x] == 'X' ? ega(c ? 7 : 14) : ega(c ? 0 : 4));
    ck_assert_uint_eq(pixel(1, 16), ega(0));
}
END_TEST

START_TEST(text_cursor_and_blink)
{
    text_mode();
    print(2, "\xff", 0x87); /* blinks */
    vga_test_indexed(h, 0x3d4, 0x0a, 13);
    vga_test_indexed(h, 0x3d4, 0x0b, 14);
    vga_test_indexed(h, 0x3d4, 0x0e, 0);
    vga_test_indexed(h, 0x3d4, 0x0f, 81);
    uint32_t cursor = 0, blink = 0, generations = 0;
    uint64_t generation = 0;
    for (int i = 0; i < 64; i++) { /* two whole periods of 32 frames at 70.09 Hz */
        shoot(720, 400);
        ck_assert_uint_eq(pixel(9, 16 + 12), ega(0));
        cursor += pixel(9, 16 + 13) == ega(7) && pixel(17, 16 + 14) == ega(7);
        blink += pixel(18, 0) == ega(7);
        generations += frame.generation != generation;
        generation = frame.generation;
        harness_advance_ns(h, 14268000);
    }
    ck_assert_uint_ge(cursor, 30);
    ck_assert_uint_le(cursor, 34);
    ck_assert_uint_ge(blink, 30);
    ck_assert_uint_le(blink, 34);
    ck_assert_uint_ge(generations, 8);
    ck_assert_uint_le(generations, 12);
    /* Without blinking bit 7 is bright background. */
    vga_test_attr(h, 0x10, 0x04);
    print(3, " ", 0x87);
    for (int i = 0; i < 40; i++) {
        shoot(720, 400);
        ck_assert_uint_eq(pixel(27, 0), ega(8));
        harness_advance_ns(h, 14268000);
    }
}
END_TEST

START_TEST(text_eight_dots_underline_second_font)
{
    text_mode();
    vga_test_indexed(h, 0x3c4, 1, 1);
    vga_test_indexed(h, 0x3d4, 0x14, 0x0d);
    print(0, "\x0f", 0x01);
    shoot(640, 400);
    ck_assert_uint_eq(pixel(0, 12), ega(0));
    ck_assert_uint_eq(pixel(4, 12), ega(1));
    ck_assert_uint_eq(pixel(0, 13), ega(1));
    /* Font 1 is empty; attribute bit 3 chooses it. */
    vga_test_indexed(h, 0x3c4, 3, 0x04);
    print(1, "\xff\xff", 0x0f);
    print(3, "\xff", 0x07);
    shoot(640, 400);
    ck_assert_uint_eq(pixel(8, 0), ega(0));
    ck_assert_uint_eq(pixel(24, 0), ega(7));
}
END_TEST

START_TEST(mode_13h)
{
    vga_test_set_mode(h, &vga_test_mode13);
    for (uint32_t y = 0; y < 200; y++)
        for (uint32_t x = 0; x < 320; x += 4)
            harness_mmio_write(h, 0xa0000 + y * 320 + x,
                               ((x + y) & 0xff) * 0x01010101u + 0x03020100u, 4);
    shoot(320, 200);
    for (uint32_t y = 0; y < 200; y += 7)
        for (uint32_t x = 0; x < 320; x++) {
            uint32_t want = (((x & ~3u) + y) & 0xff) * 0x01010101u + 0x03020100u;
            ck_assert_uint_eq(pixel(x, y), vga_test_rgb(want >> 8 * (x & 3) & 0xff));
        }
    harness_out8(h, 0x3c6, 0x0f); /* pixel mask */
    shoot(320, 200);
    ck_assert_uint_eq(pixel(100, 0), vga_test_rgb(100 & 0x0f));
    char buf[4] = "x";
    ck_assert_uint_eq(port->text(port_self, buf, sizeof(buf)), 0);
    ck_assert_str_eq(buf, "");
}
END_TEST

/* 256 colours without chain-4: one plane a pixel, pages and panning by the CRTC. */
START_TEST(unchained_256)
{
    vga_test_set_mode(h, &vga_test_mode13);
    vga_test_indexed(h, 0x3c4, 4, 6);
    vga_test_indexed(h, 0x3d4, 0x14, 0);
    vga_test_indexed(h, 0x3d4, 0x17, 0xe3);
    for (uint32_t plane = 0; plane < 4; plane++) {
        vga_test_indexed(h, 0x3c4, 2, 1u << plane);
        for (uint32_t off = 0; off < 0x8000; off += 8) {
            uint64_t bytes = 0;
            for (uint32_t i = 0; i < 8; i++)
                bytes |= (uint64_t)(((off + i) * 4 + plane) & 0xff) << 8 * i;
            harness_mmio_write(h, 0xa0000 + off, bytes, 8);
        }
    }
    shoot(320, 200);
    for (uint32_t x = 0; x < 320; x++)
        ck_assert_uint_eq(pixel(x, 3), vga_test_rgb((x + 3 * 320) & 0xff));
    vga_test_indexed(h, 0x3d4, 0x0d, 5); /* 20 pixels on */
    vga_test_attr(h, 0x13, 4);           /* and two more */
    vga_test_retrace(h);
    shoot(320, 200);
    for (uint32_t x = 0; x < 320; x++)
        ck_assert_uint_eq(pixel(x, 0), vga_test_rgb((x + 22) & 0xff));
}
END_TEST

START_TEST(planar_16)
{
    vga_test_set_mode(h, &vga_test_mode12);
    vga_test_indexed(h, 0x3ce, 5, 2);
    vga_test_indexed(h, 0x3ce, 8, 0xff);
    for (uint32_t i = 0; i < 80; i++)
        harness_mmio_write(h, 0xa0000 + 80 * 9 + i, i & 15, 1);
    vga_test_indexed(h, 0x3ce, 8, 0x01); /* one pixel of the byte */
    harness_mmio_read(h, 0xa0000 + 80 * 9 + 2, 1);
    harness_mmio_write(h, 0xa0000 + 80 * 9 + 2, 15, 1);
    shoot(640, 480);
    ck_assert_uint_eq(pixel(0, 8), ega(0));
    ck_assert_uint_eq(pixel(8 * 5, 9), ega(5));
    ck_assert_uint_eq(pixel(8 * 31 + 7, 9), ega(15));
    ck_assert_uint_eq(pixel(16, 9), ega(2));
    ck_assert_uint_eq(pixel(23, 9), ega(15));
    vga_test_attr(h, 0x13, 3);
    shoot(640, 480);
    ck_assert_uint_eq(pixel(23 - 3, 9), ega(15));
    vga_test_attr(h, 0x12, 0x07); /* plane 3 off */
    shoot(640, 480);
    ck_assert_uint_eq(pixel(23 - 3, 9), ega(7));
    vga_test_attr(h, 0x10, 0x81); /* colour select gives bits 4..7 */
    vga_test_attr(h, 0x14, 0x06);
    shoot(640, 480);
    ck_assert_uint_eq(pixel(8 * 5 - 3, 9), vga_test_rgb(5 | 0x60));
}
END_TEST

START_TEST(cga_4)
{
    vga_test_set_mode(h, &vga_test_mode4);
    harness_mmio_write(h, 0xb8000, 0x1b, 1);          /* 0 1 2 3 on line 0 */
    harness_mmio_write(h, 0xb8000 + 0x2000, 0xe4, 1); /* 3 2 1 0 on line 1 */
    harness_mmio_write(h, 0xb8000 + 81, 0xff, 1);     /* line 2, second byte */
    shoot(320, 200);
    for (uint32_t x = 0; x < 4; x++) {
        ck_assert_uint_eq(pixel(x, 0), vga_test_rgb(vga_test_mode4.attr[x]));
        ck_assert_uint_eq(pixel(x, 1), vga_test_rgb(vga_test_mode4.attr[3 - x]));
        ck_assert_uint_eq(pixel(x, 2), vga_test_rgb(vga_test_mode4.attr[0]));
        ck_assert_uint_eq(pixel(x + 4, 2), vga_test_rgb(vga_test_mode4.attr[3]));
    }
}
END_TEST

/* Mode 12h with a byte of each plane at the first offsets: plane p of offset o has 11h * (o + 1)
 * rotated by p bits. */
static void planar_pattern(void)
{
    vga_test_set_mode(h, &vga_test_mode12);
    for (uint32_t plane = 0; plane < 4; plane++) {
        vga_test_indexed(h, 0x3c4, 2, 1u << plane);
        for (uint32_t off = 0; off < 160; off++) {
            uint32_t byte = (off + 1) * 0x1du & 0xff;
            harness_mmio_write(h, 0xa0000 + off, (byte >> plane | byte << (8 - plane)) & 0xff, 1);
        }
    }
    vga_test_indexed(h, 0x3c4, 2, 0x0f);
}

static uint32_t planar_color(uint32_t off, uint32_t shift, uint32_t dot)
{
    uint32_t color = 0;
    for (uint32_t plane = 0; plane < 4; plane++) {
        uint32_t byte = (off + 1) * 0x1du & 0xff, from = (plane + shift) & 3;
        color |= ((byte >> from | byte << (8 - from)) >> (7 - dot) & 1) << plane;
    }
    return color;
}

START_TEST(nine_dot_graphics)
{
    planar_pattern();
    vga_test_indexed(h, 0x3c4, 1, 0);
    vga_test_attr(h, 0x13, 8); /* no panning, as with nine dots of text */
    shoot(720, 480);
    for (uint32_t x = 0; x < 720; x++)
        ck_assert_uint_eq(pixel(x, 0), ega(x % 9 == 8 ? 0 : planar_color(x / 9, 0, x % 9)));
    vga_test_attr(h, 0x13, 0); /* one dot */
    shoot(720, 480);
    ck_assert_uint_eq(pixel(0, 0), ega(planar_color(0, 0, 1)));
}
END_TEST

/* Loads every second and fourth clock: in between each plane goes on with the next one's bits. */
START_TEST(shift_loads)
{
    planar_pattern();
    for (uint32_t load = 2; load <= 4; load += 2) {
        vga_test_indexed(h, 0x3c4, 1, load == 2 ? 0x05 : 0x11);
        shoot(640, 480);
        for (uint32_t x = 0; x < 640; x++)
            ck_assert_uint_eq(pixel(x, 0),
                              ega(planar_color(x / 8 / load * load, x / 8 % load, x % 8)));
        /* The same with an address counter that keeps in step. */
        if (load == 2)
            vga_test_indexed(h, 0x3d4, 0x17, 0xeb);
        else
            vga_test_indexed(h, 0x3d4, 0x14, 0x20);
        shoot(640, 480);
        for (uint32_t x = 0; x < 640; x++)
            ck_assert_uint_eq(pixel(x, 0), ega(planar_color(x / 8 / load, x / 8 % load, x % 8)));
        vga_test_indexed(h, 0x3d4, 0x17, 0xe3);
    }
    vga_test_indexed(h, 0x3d4, 0x14, 0);
    /* Two bits a dot: sixteen bits are shifted in a clock. */
    vga_test_indexed(h, 0x3c4, 1, 0x05);
    vga_test_indexed(h, 0x3ce, 5, 0x20);
    shoot(640, 480);
    uint32_t planes[4];
    for (uint32_t p = 0; p < 4; p++)
        planes[p] = 0x1d >> p | (0x1d << (8 - p) & 0xff);
    ck_assert_uint_eq(pixel(0, 0), ega(planes[0] >> 6 | planes[2] >> 6 << 2));
    ck_assert_uint_eq(pixel(4, 0), ega(planes[1] >> 6 | planes[3] >> 6 << 2));
    ck_assert_uint_eq(pixel(8, 0), ega(planes[2] >> 6 | planes[0] >> 6 << 2));
    ck_assert_uint_eq(pixel(12, 0), ega(planes[3] >> 6 | planes[1] >> 6 << 2));
}
END_TEST

/* Two four-bit dots make a 256-colour pixel, whatever the shift mode; plane enables still hold. */
START_TEST(paired_dots)
{
    planar_pattern();
    vga_test_attr(h, 0x10, 0x41);
    shoot(320, 480);
    for (uint32_t x = 0; x < 320; x++) {
        uint32_t off = x / 4, dot = x % 4 * 2;
        ck_assert_uint_eq(pixel(x, 0), vga_test_rgb(planar_color(off, 0, dot) << 4 |
                                                    planar_color(off, 0, dot + 1)));
    }
    vga_test_attr(h, 0x12, 0x05);
    shoot(320, 480);
    ck_assert_uint_eq(pixel(0, 0),
                      vga_test_rgb((planar_color(0, 0, 0) << 4 | planar_color(0, 0, 1)) & 0x55));
    vga_test_set_mode(h, &vga_test_mode13);
    harness_mmio_write(h, 0xa0000, 0xff, 1);
    vga_test_attr(h, 0x12, 0x0c);
    shoot(320, 200);
    ck_assert_uint_eq(pixel(0, 0), vga_test_rgb(0xcc));
    vga_test_attr(h, 0x12, 0x0f);
    vga_test_attr(h, 0x10, 0x01); /* 256-colour shifts, but sixteen colours: nibbles */
    harness_mmio_write(h, 0xa0000, 0x5a, 1);
    shoot(640, 200);
    ck_assert_uint_eq(pixel(0, 0), vga_test_rgb(5));
    ck_assert_uint_eq(pixel(1, 0), vga_test_rgb(10));
}
END_TEST

/* Mode 0Fh's way: plane 3 is off, the blinking phase takes its place. */
START_TEST(graphics_blink)
{
    uint32_t seen[2] = {0, 0};
    planar_pattern();
    vga_test_attr(h, 0x12, 0x07);
    vga_test_attr(h, 0x10, 0x09);
    for (int i = 0; i < 64; i++) {
        shoot(640, 480);
        uint32_t color = planar_color(0, 0, 3) & 7;
        ck_assert(pixel(3, 0) == ega(color) || pixel(3, 0) == ega(color | 8));
        seen[pixel(3, 0) == ega(color)]++;
        harness_advance_ns(h, 16683000);
    }
    ck_assert_uint_ge(seen[0], 30);
    ck_assert_uint_ge(seen[1], 30);
}
END_TEST

START_TEST(skew_and_early_blanking)
{
    planar_pattern();
    vga_test_indexed(h, 0x3d4, 0x11, 0x0c);
    vga_test_indexed(h, 0x3d4, 3, 0x82 | 2 << 5);
    shoot(640, 480);
    for (uint32_t x = 0; x < 640; x++)
        ck_assert_uint_eq(pixel(x, 0), x < 79 * 8 ? ega(planar_color(x / 8 + 2, 0, x % 8)) : 0);
    vga_test_indexed(h, 0x3d4, 3, 0x82);
    vga_test_indexed(h, 0x3d4, 2, 0x40);  /* blanking from clock 65 on, to 99 */
    vga_test_indexed(h, 0x3d4, 0x15, 20); /* and from line 21 on */
    vga_test_indexed(h, 0x3d4, 0x16, 30); /* to 31 */
    vga_test_indexed(h, 0x3d4, 7, 0x36);
    vga_test_attr(h, 0x00, 0x09); /* colour 0 is not black */
    shoot(640, 480);
    ck_assert_uint_eq(pixel(519, 0), ega(planar_color(64, 0, 7)) ? pixel(519, 0) : 0);
    ck_assert_uint_eq(pixel(520, 0), 0);
    ck_assert_uint_eq(pixel(639, 0), 0);
    ck_assert_uint_eq(pixel(3, 20), vga_test_rgb(9));
    ck_assert_uint_eq(pixel(3, 21), 0);
    ck_assert_uint_eq(pixel(3, 30), 0);
    ck_assert_uint_eq(pixel(3, 31), vga_test_rgb(9));
}
END_TEST

/* Without extended memory the planes have 16 KiB and there is one font. */
START_TEST(small_memory)
{
    text_mode();
    vga_test_indexed(h, 0x3c4, 3, 0x05);
    print(0, "\xff", 0x07);
    shoot(720, 400);
    ck_assert_uint_eq(pixel(0, 0), ega(0));
    vga_test_indexed(h, 0x3c4, 4, 1);
    shoot(720, 400);
    ck_assert_uint_eq(pixel(0, 0), ega(7));
    vga_test_set_mode(h, &vga_test_mode12);
    vga_test_indexed(h, 0x3c4, 4, 4);
    harness_mmio_write(h, 0xa4000, 0x5a, 1);
    ck_assert_uint_eq(harness_mmio_read(h, 0xa0000, 1), 0x5a);
    vga_test_indexed(h, 0x3c4, 4, 6);
    ck_assert_uint_eq(harness_mmio_read(h, 0xa0000, 1), 0x5a);
    ck_assert_uint_ne(harness_mmio_read(h, 0xa4000, 1), 0x5a);
}
END_TEST

/* A new start address is shown from the next vertical retrace on. */
START_TEST(start_address_waits_for_the_retrace)
{
    vga_test_set_mode(h, &vga_test_mode13);
    harness_mmio_write(h, 0xa0000, 0x01, 1);
    harness_mmio_write(h, 0xa0000 + 16 * 4, 0x02, 1);
    vga_test_retrace(h);
    while (!(harness_in8(h, 0x3da) & 8))
        harness_advance_ns(h, 20000);
    while (harness_in8(h, 0x3da) & 8)
        harness_advance_ns(h, 20000);
    vga_test_indexed(h, 0x3d4, 0x0d, 16);
    shoot(320, 200);
    ck_assert_uint_eq(pixel(0, 0), vga_test_rgb(1));
    harness_save_load(h);
    viv_iface_t iface = harness_port(h, 0, VIV_DISPLAY_PORT_ID);
    port_self = iface.self;
    shoot(320, 200);
    ck_assert_uint_eq(pixel(0, 0), vga_test_rgb(1));
    while (!(harness_in8(h, 0x3da) & 8))
        harness_advance_ns(h, 5000);
    shoot(320, 200);
    ck_assert_uint_eq(pixel(0, 0), vga_test_rgb(2));
    vga_test_indexed(h, 0x3d4, 0x17, 0x23); /* nothing is held without retraces */
    vga_test_indexed(h, 0x3d4, 0x0d, 0);
    vga_test_indexed(h, 0x3d4, 0x17, 0xa3);
    shoot(320, 200);
    ck_assert_uint_eq(pixel(0, 0), vga_test_rgb(1));
}
END_TEST

START_TEST(full_raster)
{
    harness_free(h);
    h = harness_new("vga", "VRamSize=0x100000,FullRaster=1");
    vga_test_enable(h);
    viv_iface_t iface = harness_port(h, 0, VIV_DISPLAY_PORT_ID);
    port_self = iface.self;
    /* Mode 13h: 100 clocks, blanked 81..98; 449 lines, blanked 407..441: a clock of border on either
     * side, 7 lines above the picture and 7 below. */
    vga_test_set_mode(h, &vga_test_mode13);
    vga_test_attr(h, 0x11, 0x21);
    harness_mmio_write(h, 0xa0000, 0x0403, 2);
    harness_mmio_write(h, 0xa0000 + 320 * 199 + 319, 0x05, 1);
    shoot(82 * 8, 414);
    for (uint32_t y = 0; y < 414; y++) {
        uint32_t inside = y >= 7 && y < 407;
        ck_assert_uint_eq(pixel(7, y), vga_test_rgb(0x21));
        ck_assert_uint_eq(pixel(648, y), vga_test_rgb(0x21));
        ck_assert_uint_eq(pixel(647, y), vga_test_rgb(!inside ? 0x21 : y >= 405 ? 0x05 : 0));
    }
    for (uint32_t y = 7; y < 9; y++)
        for (uint32_t x = 0; x < 4; x++)
            ck_assert_uint_eq(pixel(8 + x, y), vga_test_rgb(3 + x / 2));
    /* What changes is drawn, the border too. */
    harness_mmio_write(h, 0xa0001, 0x77, 1);
    shoot(82 * 8, 414);
    ck_assert_uint_eq(pixel(10, 8), vga_test_rgb(0x77));
    vga_test_attr(h, 0x11, 0x22);
    shoot(82 * 8, 414);
    ck_assert_uint_eq(pixel(0, 413), vga_test_rgb(0x22));
    /* Half the dot clock. */
    vga_test_set_mode(h, &vga_test_mode4);
    shoot((50 - 8) * 16, 414);
    /* Everything blanked: the mode's size, in the border's colour at most. */
    vga_test_indexed(h, 0x3d4, 0x11, 0x0e);
    vga_test_indexed(h, 0x3d4, 2, 0);
    vga_test_indexed(h, 0x3d4, 0, 10);
    shoot(320, 200);
    vga_test_dispi_mode(h, 400, 300, 32, 0);
    shoot(400, 300);
}
END_TEST

/* Only lines whose memory has changed are drawn. */
START_TEST(what_did_not_change_is_not_drawn)
{
    static const struct {
        const VgaTestMode *mode;
        uint32_t width, height, at, lines;
    } plain[] = {
        {&vga_test_mode13, 320, 200, 0xa0000 + 320 * 100, 5}, /* 1 KiB and a line are touched */
        {&vga_test_mode12, 640, 480, 0xa0000 + 80 * 100, 5},
    };
    for (uint32_t i = 0; i < 2; i++) {
        vga_test_set_mode(h, plain[i].mode);
        shoot(plain[i].width, plain[i].height);
        uint64_t before = harness_stam(h, "LinesDrawn"), same = harness_stam(h, "FramesSame");
        harness_out8(h, 0x3c4, 2);
        harness_out8(h, 0x3ce, 8);
        shoot(plain[i].width, plain[i].height);
        ck_assert_uint_eq(harness_stam(h, "LinesDrawn"), before);
        ck_assert_uint_eq(harness_stam(h, "FramesSame"), same + 1);
        harness_mmio_write(h, plain[i].at, 0x55, 1);
        shoot(plain[i].width, plain[i].height);
        ck_assert_uint_gt(harness_stam(h, "LinesDrawn"), before);
        ck_assert_uint_le(harness_stam(h, "LinesDrawn"), before + plain[i].lines);
    }
    text_mode();
    shoot(720, 400);
    uint64_t before = harness_stam(h, "LinesDrawn");
    print(80 * 5, "x", 7); /* 256 cells to a block of change detection */
    shoot(720, 400);
    ck_assert_uint_gt(harness_stam(h, "LinesDrawn"), before);
    ck_assert_uint_le(harness_stam(h, "LinesDrawn"), before + 3 * 16);
    vga_test_dispi_mode(h, 640, 480, 16, 0x40);
    shoot(640, 480);
    before = harness_stam(h, "LinesDrawn");
    harness_mmio_write(h, LFB + 1280 * 77, 0x1234, 2);
    shoot(640, 480);
    ck_assert_uint_eq(harness_stam(h, "LinesDrawn"), before + 1);
    vga_test_dispi(h, 9, 1);
    shoot(640, 480);
    ck_assert_uint_eq(harness_stam(h, "LinesDrawn"), before + 1 + 480);
}
END_TEST

START_TEST(blanking)
{
    vga_test_set_mode(h, &vga_test_mode13);
    harness_mmio_write(h, 0xa0000, 0x05, 1);
    shoot(320, 200);
    ck_assert_uint_eq(pixel(0, 0), vga_test_rgb(5));
    harness_in8(h, 0x3da);
    harness_out8(h, 0x3c0, 0); /* palette address source off: the border's colour */
    shoot(320, 200);
    ck_assert_uint_eq(pixel(0, 0), vga_test_rgb(0));
    harness_in8(h, 0x3da);
    harness_out8(h, 0x3c0, 0x20);
    vga_test_indexed(h, 0x3c4, 1, 0x21);
    shoot(320, 200);
    ck_assert_uint_eq(pixel(0, 0), 0);
}
END_TEST

START_TEST(dispi_depths)
{
    static const struct {
        uint32_t bpp, bytes, raw, rgb;
    } depths[] = {
        {8, 1, 0x37, 0},
        {15, 2, 0x7c1f, 0xff00ff},
        {16, 2, 0x07e1, 0x00ff08},
        {24, 3, 0x123456, 0x123456},
        {32, 4, 0xff123456, 0x123456},
    };
    vga_test_set_mode(h, &vga_test_mode13);
    for (uint32_t i = 0; i < sizeof(depths) / sizeof(depths[0]); i++) {
        uint32_t want = depths[i].bpp == 8 ? vga_test_rgb(0x37) : depths[i].rgb;
        vga_test_dispi_mode(h, 333, 200, depths[i].bpp, 0x40);
        for (uint32_t b = 0; b < depths[i].bytes; b++)
            harness_mmio_write(h, LFB + (333 * 7 + 5) * depths[i].bytes + b,
                               depths[i].raw >> 8 * b & 0xff, 1);
        shoot(333, 200);
        ck_assert_uint_eq(pixel(5, 7), want);
        ck_assert_uint_eq(pixel(6, 7), depths[i].bpp == 8 ? vga_test_rgb(0) : 0);
    }
}
END_TEST

START_TEST(dispi_pan_and_wrap)
{
    vga_test_set_mode(h, &vga_test_mode13);
    vga_test_dispi_mode(h, 320, 200, 32, 0x40);
    vga_test_dispi(h, 6, 512);
    harness_mmio_write(h, LFB + (512 * 30 + 100) * 4, 0xabcdef, 4);
    vga_test_dispi(h, 8, 60);
    vga_test_dispi(h, 9, 10);
    shoot(320, 200);
    ck_assert_uint_eq(pixel(40, 20), 0xabcdef);
    /* 2 MiB hold 1024 lines: line 1054 is line 30 again. */
    vga_test_dispi(h, 9, 1024 + 10);
    shoot(320, 200);
    ck_assert_uint_eq(pixel(40, 20), 0xabcdef);
    vga_test_dispi(h, 8, 0xffff);
    vga_test_dispi(h, 9, 0xffff);
    shoot(320, 200);
}
END_TEST

START_TEST(dispi_4bpp)
{
    vga_test_set_mode(h, &vga_test_mode12);
    vga_test_dispi_mode(h, 800, 600, 4, 0);
    vga_test_indexed(h, 0x3ce, 5, 2);
    harness_mmio_write(h, 0xa0000 + 100 * 3 + 1, 12, 1);
    shoot(800, 600);
    ck_assert_uint_eq(pixel(8, 3), ega(12));
    ck_assert_uint_eq(pixel(16, 3), ega(0));
    vga_test_dispi(h, 8, 4);
    shoot(800, 600);
    ck_assert_uint_eq(pixel(4, 3), ega(12));
    ck_assert_uint_eq(pixel(12, 3), ega(0));
}
END_TEST

START_TEST(dispi_big_endian)
{
    harness_pci_map_bar(h, 0, 2, 0xf0000000);
    vga_test_set_mode(h, &vga_test_mode13);
    vga_test_dispi_mode(h, 640, 400, 32, 0x40);
    harness_mmio_write(h, 0xf0000604, 0xbebebebe, 4);
    harness_mmio_write(h, LFB, 0x33221100, 4);
    shoot(640, 400);
    ck_assert_uint_eq(pixel(0, 0), 0x112233);
}
END_TEST

START_TEST(generation_tells_changes)
{
    vga_test_set_mode(h, &vga_test_mode13);
    vga_test_dispi_mode(h, 320, 200, 32, 0x40);
    shoot(320, 200);
    uint64_t first = frame.generation;
    shoot(320, 200);
    ck_assert_uint_eq(frame.generation, first);
    harness_mmio_write(h, LFB + 4000, 1, 4);
    shoot(320, 200);
    ck_assert_uint_ne(frame.generation, first);
}
END_TEST

START_TEST(driver_hears_of_modes)
{
    harness_advance_ns(h, 100000000);
    harness_events_clear(h);
    vga_test_set_mode(h, &vga_test_mode13);
    harness_advance_ns(h, 100000000);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_DISPLAY_MODE), 1);
    ck_assert_uint_eq(harness_event_last(h, HARNESS_EV_DISPLAY_MODE).a, 320);
    ck_assert_uint_eq(harness_event_last(h, HARNESS_EV_DISPLAY_MODE).b, 200);
    vga_test_dispi_mode(h, 640, 480, 32, 0x40);
    harness_advance_ns(h, 100000000);
    ck_assert_uint_eq(harness_event_last(h, HARNESS_EV_DISPLAY_MODE).a, 640);
    vga_test_attr(h, 0x10, 0x41);
    harness_advance_ns(h, 100000000);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_DISPLAY_MODE), 2);
}
END_TEST

START_TEST(picture_survives_save)
{
    text_mode();
    print(0, "AB", 0x4e);
    shoot(720, 400);
    uint32_t *before = malloc(720 * 400 * 4);
    memcpy(before, frame.pixels, 720 * 400 * 4);
    harness_save_load(h);
    viv_iface_t iface = harness_port(h, 0, VIV_DISPLAY_PORT_ID);
    port = iface.ops;
    port_self = iface.self;
    shoot(720, 400);
    ck_assert_int_eq(memcmp(before, frame.pixels, 720 * 400 * 4), 0);
    assert_text("AB\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n");
    free(before);
}
END_TEST

/* Whatever the registers hold, a picture comes out. The sanitizers watch the addresses. */
START_TEST(any_registers_give_a_picture)
{
    uint32_t seed = (uint32_t)_i + 1;
    char text[64];
    for (int round = 0; round < 60; round++) {
        for (int i = 0; i < 60; i++) {
            static const uint32_t ports[] = {0x3c4, 0x3ce, 0x3d4, 0x3c4};
            seed = seed * 1664525u + 1013904223u;
            vga_test_indexed(h, ports[seed >> 30], seed >> 20 & 31, seed >> 8 & 0xff);
        }
        vga_test_attr(h, seed >> 5 & 31, (uint8_t)(seed >> 16));
        harness_out8(h, 0x3c2, (uint8_t)(seed >> 24 | 1));
        frame = (viv_frame_t){.size = sizeof(frame)};
        ck_assert_int_eq(port->frame(port_self, &frame), VIV_OK);
        ck_assert_uint_ge(frame.width, 4);
        ck_assert_uint_le(frame.width, 2304);
        ck_assert_uint_ge(frame.height, 1);
        ck_assert_uint_le(frame.height, 2048);
        port->text(port_self, text, sizeof(text));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vga screen");
    TCase *tc = tcase_create("screen");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, text_dump);
    tcase_add_test(tc, text_follows_start_address);
    tcase_add_test(tc, text_split_screen);
    tcase_add_test(tc, text_pixels);
    tcase_add_test(tc, text_cursor_and_blink);
    tcase_add_test(tc, text_eight_dots_underline_second_font);
    tcase_add_test(tc, mode_13h);
    tcase_add_test(tc, unchained_256);
    tcase_add_test(tc, planar_16);
    tcase_add_test(tc, cga_4);
    tcase_add_test(tc, nine_dot_graphics);
    tcase_add_test(tc, shift_loads);
    tcase_add_test(tc, paired_dots);
    tcase_add_test(tc, graphics_blink);
    tcase_add_test(tc, skew_and_early_blanking);
    tcase_add_test(tc, small_memory);
    tcase_add_test(tc, start_address_waits_for_the_retrace);
    tcase_add_test(tc, full_raster);
    tcase_add_test(tc, what_did_not_change_is_not_drawn);
    tcase_add_test(tc, blanking);
    tcase_add_test(tc, dispi_depths);
    tcase_add_test(tc, dispi_pan_and_wrap);
    tcase_add_test(tc, dispi_4bpp);
    tcase_add_test(tc, dispi_big_endian);
    tcase_add_test(tc, generation_tells_changes);
    tcase_add_test(tc, driver_hears_of_modes);
    tcase_add_test(tc, picture_survives_save);
    tcase_add_loop_test(tc, any_registers_give_a_picture, 0, 4);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
