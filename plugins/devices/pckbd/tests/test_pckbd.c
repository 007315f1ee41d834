/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pckbd: controller commands, keyboard, mouse, saved state. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../pckbd.h"
#include "harness.h"

#define MS   1000000u
#define NONE 0x100u /* wait_byte(): nothing came */
#define AUX  0x200u

static Harness *h;
static const viv_keyboard_port_ops_t *keyboard;
static const viv_mouse_port_ops_t *mouse;
static void *keyboard_self, *mouse_self;

static void find_ports(void)
{
    viv_iface_t iface = harness_port(h, 0, VIV_KEYBOARD_PORT_ID);
    keyboard = iface.ops;
    keyboard_self = iface.self;
    iface = harness_port(h, 1, VIV_MOUSE_PORT_ID);
    mouse = iface.ops;
    mouse_self = iface.self;
}

static void command(uint8_t value)
{
    harness_out8(h, 0x64, value);
}

static void command_arg(uint8_t value, uint8_t arg)
{
    harness_out8(h, 0x64, value);
    harness_out8(h, 0x60, arg);
}

/* Both interfaces on, interrupts on; translation as asked. */
static void enable(uint8_t translate)
{
    command_arg(0x60, (uint8_t)(0x03 | (translate ? 0x40 : 0)));
}

static void setup(void)
{
    h = harness_new("pckbd", "");
    find_ports();
    /* in use: the tests after power-on are over */
    keyboard->put_scancodes(keyboard_self, NULL, 0);
    mouse->put_event(mouse_self, 0, 0, 0, 0);
    enable(0);
}

static void teardown(void)
{
    harness_free(h);
}

/* The next byte within `ms`, with AUX if the mouse sent it. */
static uint32_t wait_for(uint32_t ms)
{
    for (uint32_t i = 0; i < ms * 10; i++) {
        uint8_t status = harness_in8(h, 0x64);
        if (status & 1) {
            ck_assert_uint_eq(harness_irq_level(h, status & 0x20 ? 12 : 1), 1);
            uint8_t data = harness_in8(h, 0x60);
            return data | (status & 0x20 ? AUX : 0);
        }
        harness_advance_ns(h, MS / 10);
    }
    return NONE;
}

static uint32_t wait_byte(void)
{
    return wait_for(20);
}

static void expect(const char *hex, uint32_t flag)
{
    char *end;
    for (const char *p = hex; *p; p = end) {
        uint32_t want = (uint32_t)strtoul(p, &end, 16) | flag, got = wait_byte();
        ck_assert_msg(got == want, "got %03x instead of %03x at \"%s\" of \"%s\"", got, want, p,
                      hex);
        while (*end == ' ')
            end++;
    }
}

static void expect_only(const char *hex, uint32_t flag)
{
    expect(hex, flag);
    ck_assert_uint_eq(wait_byte(), NONE);
}

static void type(const char *hex)
{
    uint8_t codes[64];
    uint32_t count = 0;
    char *end;
    for (const char *p = hex; *p; p = end) {
        codes[count++] = (uint8_t)strtoul(p, &end, 16);
        while (*end == ' ')
            end++;
    }
    ck_assert_uint_eq(keyboard->put_scancodes(keyboard_self, codes, count), 1);
}

static void to_kbd(uint8_t value)
{
    harness_out8(h, 0x60, value);
}

static void to_mouse(uint8_t value)
{
    command_arg(0xd4, value);
}

/* -- controller ------------------------------------------------------------------------------ */

START_TEST(power_on_state)
{
    harness_free(h);
    h = harness_new("pckbd", "");
    find_ports();
    ck_assert_uint_eq(harness_in8(h, 0x64), 0x10);
    command(0x20);
    ck_assert_uint_eq(harness_irq_level(h, 1), 0);
    ck_assert_uint_eq(harness_in8(h, 0x60), 0x30);
    ck_assert_uint_eq(harness_a20(h), 1);
    ck_assert_uint_eq(wait_byte(), NONE);
}
END_TEST

START_TEST(self_tests_and_command_byte)
{
    command(0xaa);
    ck_assert_uint_eq(harness_in8(h, 0x64) & 0x0d, 0x0d); /* full, system flag, command last */
    expect("55", 0);
    command(0xab);
    expect("0", 0);
    command(0xa9);
    expect("0", 0);
    command_arg(0x60, 0x65);
    ck_assert_uint_eq(harness_in8(h, 0x64) & 0x0c, 0x04);
    command(0x20);
    expect("65", 0);
    command(0xa7);
    command(0xad);
    command(0x20);
    ck_assert_uint_eq(harness_in8(h, 0x60), 0x75);
    command(0xa8);
    command(0xae);
    command(0x20);
    ck_assert_uint_eq(harness_in8(h, 0x60), 0x45);
    command_arg(0x7f, 0xa5);
    command(0x3f);
    ck_assert_uint_eq(harness_in8(h, 0x60), 0xa5);
}
END_TEST

START_TEST(input_port_and_polling)
{
    command(0xc0);
    uint32_t inport = wait_byte();
    ck_assert_uint_eq(inport & 0xc0, 0x80); /* unlocked, colour */
    command(0xc1);
    ck_assert_uint_eq(harness_in8(h, 0x64) >> 4, inport & 15);
    command(0xc2);
    ck_assert_uint_eq(harness_in8(h, 0x64) >> 4, inport >> 4);
    command(0xe0);
    expect("3", 0);
    ck_assert_uint_eq(harness_in8(h, 0x64) >> 4, 1);
    command(0xac);
    for (int i = 0; i < 19 * 3; i++)
        ck_assert_uint_ne(wait_byte(), NONE);
    ck_assert_uint_eq(wait_byte(), NONE);
}
END_TEST

START_TEST(output_port_a20_and_reset)
{
    command_arg(0xd1, 0xdd);
    ck_assert_uint_eq(harness_a20(h), 0);
    command(0xd0);
    ck_assert_uint_eq(wait_byte() & 3, 1);
    command_arg(0xd1, 0xdf);
    ck_assert_uint_eq(harness_a20(h), 1);
    command(0xdd);
    ck_assert_uint_eq(harness_a20(h), 0);
    harness_save_load(h);
    ck_assert_uint_eq(harness_a20(h), 0);
    command(0xdf);
    ck_assert_uint_eq(harness_a20(h), 1);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_VM_RESET), 0);
    command(0xff);
    command(0xf1);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_VM_RESET), 0);
    command(0xfe);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_VM_RESET), 1);
    command_arg(0xd1, 0xde);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_VM_RESET), 2);
}
END_TEST

START_TEST(buffers_written_by_command)
{
    command_arg(0xd2, 0x42);
    ck_assert_uint_eq(harness_irq_level(h, 1), 1);
    expect("42", 0);
    ck_assert_uint_eq(harness_irq_level(h, 1), 0);
    command_arg(0xd3, 0x43);
    ck_assert_uint_eq(harness_irq_level(h, 12), 1);
    ck_assert_uint_eq(harness_irq_level(h, 1), 0);
    expect("43", AUX);
    ck_assert_uint_eq(harness_irq_level(h, 12), 0);
    ck_assert_uint_eq(harness_in8(h, 0x60), 0x43); /* an empty buffer keeps its byte */
}
END_TEST

START_TEST(interrupts_follow_the_command_byte)
{
    command_arg(0x60, 0x00);
    type("1e");
    harness_advance_ns(h, MS);
    ck_assert_uint_eq(harness_in8(h, 0x64) & 0x21, 0x01);
    ck_assert_uint_eq(harness_irq_level(h, 1), 0);
    command_arg(0x60, 0x01);
    ck_assert_uint_eq(harness_irq_level(h, 1), 1);
    harness_save_load(h);
    ck_assert_uint_eq(harness_irq_level(h, 1), 1);
    ck_assert_uint_eq(harness_in8(h, 0x60), 0x1c);
    ck_assert_uint_eq(harness_irq_level(h, 1), 0);
}
END_TEST

START_TEST(no_mouse_times_out)
{
    harness_free(h);
    h = harness_new("pckbd", "MouseEnabled=0");
    viv_iface_t iface;
    ck_assert_int_eq(harness_query(h, 1, VIV_MOUSE_PORT_ID, &iface), VIV_E_NOT_FOUND);
    enable(0);
    to_mouse(0xf2);
    ck_assert_uint_eq(harness_in8(h, 0x64) & 0x61, 0x61);
    expect_only("fe", AUX);
    command(0xa9);
    ck_assert_uint_ne(harness_in8(h, 0x60), 0);
}
END_TEST

START_TEST(password)
{
    enable(1);
    command(0xa4);
    expect("f1", 0);
    command(0xa6); /* nothing loaded: no effect */
    type("1e 9e");
    expect("1e 9e", 0);
    command(0xa5);
    harness_out8(h, 0x60, 0x1e);
    harness_out8(h, 0x60, 0x30);
    harness_out8(h, 0x60, 0x00);
    command_arg(0x60 + 0x13, 0x77);
    command_arg(0x60 + 0x14, 0x78);
    command_arg(0x60 + 0x16, 0x2a);
    command(0xa4);
    expect("fa", 0);
    command(0xa6);
    expect("77", 0);
    type("1e 9e 1e 9e 2e ae");
    ck_assert_uint_eq(wait_byte(), NONE);
    command(0xa5); /* no other password while locked */
    harness_save_load(h);
    find_ports();
    type("1e 9e 2a 30 b0");
    expect("78", 0);
    harness_save_load(h); /* the match is over */
    find_ports();
    type("2e ae");
    expect("b0 2e ae", 0);
}
END_TEST

/* -- keyboard -------------------------------------------------------------------------------- */

START_TEST(keyboard_commands)
{
    to_kbd(0xff);
    expect_only("fa aa", 0);
    to_kbd(0xf2);
    expect_only("fa ab 83", 0);
    to_kbd(0xee);
    expect_only("ee", 0);
    to_kbd(0xed);
    expect_only("fa", 0);
    to_kbd(0x05);
    expect_only("fa", 0);
    ck_assert_uint_eq(keyboard->leds(keyboard_self), 5);
    to_kbd(0xf3);
    expect("fa", 0);
    to_kbd(0x00);
    expect_only("fa", 0);
    to_kbd(0xf0);
    expect("fa", 0);
    to_kbd(0);
    expect_only("fa 2", 0);
    to_kbd(0xf0);
    expect("fa", 0);
    to_kbd(9);
    expect_only("fe", 0);
    to_kbd(0xe1);
    expect_only("fe", 0);
    to_kbd(0xf2);
    expect("fa ab 83", 0);
    to_kbd(0xfe);
    expect_only("83", 0);
    to_kbd(0xed); /* a command where an argument was due */
    expect("fa", 0);
    to_kbd(0xf4);
    expect_only("fa", 0);
    ck_assert_uint_eq(keyboard->leds(keyboard_self), 5);
    enable(1);
    to_kbd(0xf2);
    expect_only("fa ab 41", 0);
}
END_TEST

START_TEST(three_sets)
{
    static const struct {
        const char *set1, *set2, *set3;
    } keys[] = {
        {"1e 9e", "1c f0 1c", "1c"},
        {"2a aa", "12 f0 12", "12 f0 12"},
        {"e0 4d e0 cd", "e0 74 e0 f0 74", "6a"},
        {"e0 2a e0 37 e0 b7 e0 aa", "e0 12 e0 7c e0 f0 7c e0 f0 12", "57"},
        {"e1 1d 45 e1 9d c5", "e1 14 77 e1 f0 14 f0 77", "62"},
        {"e0 46 e0 c6", "e0 7e e0 f0 7e", "62"},
        {"54 d4", "84 f0 84", "57"},
        {"41 c1", "83 f0 83", "37"},
        {"e0 5b e0 db", "e0 1f e0 f0 1f", "8b f0 8b"},
        {"56 d6", "61 f0 61", "13"},
        {"e0 1c e0 9c", "e0 5a e0 f0 5a", "79"},
        {"e0 1d e0 9d", "e0 14 e0 f0 14", "58"},
    };
    for (uint8_t set = 1; set <= 3; set++) {
        enable(0);
        to_kbd(0xf0);
        expect("fa", 0);
        to_kbd(set);
        expect("fa", 0);
        for (uint32_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
            type(keys[i].set1);
            expect_only(set == 1 ? keys[i].set1 : set == 2 ? keys[i].set2 : keys[i].set3, 0);
        }
    }
    to_kbd(0xf6);
    expect("fa", 0);
    enable(1); /* what was typed comes out of the translation again */
    for (uint32_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        type(keys[i].set1);
        expect_only(keys[i].set1, 0);
    }
}
END_TEST

/* Every make and break code, plain and extended, through set 2 and back. */
START_TEST(translation_is_the_inverse)
{
    enable(1);
    for (uint32_t prefix = 0; prefix < 2; prefix++) {
        for (uint32_t code = 1; code < 0x80; code++) {
            uint8_t bytes[4] = {0xe0, (uint8_t)code, 0xe0, (uint8_t)(code | 0x80)};
            if (!prefix) {
                bytes[0] = bytes[1];
                bytes[1] = bytes[3];
            }
            if (!prefix && (bytes[0] == 0x60 || bytes[0] == 0x61)) /* E0h, E1h as a break code */
                continue;
            ck_assert_uint_eq(keyboard->put_scancodes(keyboard_self, bytes, prefix ? 4 : 2), 1);
            for (uint32_t i = 0; i < (prefix ? 4u : 2u); i++)
                ck_assert_uint_eq(wait_byte(), bytes[i]);
        }
    }
}
END_TEST

START_TEST(set_3_key_properties)
{
    to_kbd(0xf0);
    expect("fa", 0);
    to_kbd(3);
    expect("fa", 0);
    to_kbd(0xf8);
    expect("fa", 0);
    type("1e 9e");
    expect_only("1c f0 1c", 0);
    to_kbd(0xfd);
    expect("fa", 0);
    to_kbd(0x1c);
    expect("fa", 0);
    to_kbd(0x32);
    expect("fa", 0);
    to_kbd(0xf4);
    expect("fa", 0);
    type("1e 9e 30 b0 2e ae");
    expect_only("1c 32 21 f0 21", 0);
    to_kbd(0xfa);
    expect("fa", 0);
    type("1e 9e");
    expect_only("1c f0 1c", 0);
}
END_TEST

START_TEST(typematic)
{
    enable(1);
    type("1e");
    expect("1e", 0);
    ck_assert_uint_eq(wait_for(490), NONE);
    ck_assert_uint_eq(wait_for(20), 0x1e);
    uint32_t count = 0;
    uint64_t until = harness_time_ns(h) + 1000 * MS;
    while (harness_time_ns(h) < until)
        count += wait_for(1) == 0x1e;
    ck_assert_uint_ge(count, 10);
    ck_assert_uint_le(count, 11);
    type("9e");
    expect("9e", 0);
    ck_assert_uint_eq(wait_for(1000), NONE);
    to_kbd(0xf3);
    expect("fa", 0);
    to_kbd(0x00); /* 250 ms, 30 a second */
    expect("fa", 0);
    type("1e");
    expect("1e", 0);
    ck_assert_uint_eq(wait_for(240), NONE);
    ck_assert_uint_eq(wait_for(20), 0x1e);
    ck_assert_uint_eq(wait_for(35), 0x1e);
    harness_save_load(h);
    find_ports();
    ck_assert_uint_eq(wait_for(35), 0x1e);
    type("e1 1d 45 e1 9d c5"); /* another key ends it, and Pause does not repeat */
    expect("e1 1d 45 e1 9d c5", 0);
    ck_assert_uint_eq(wait_for(1000), NONE);
}
END_TEST

START_TEST(long_text_is_not_lost)
{
    uint8_t text[1000];
    for (uint32_t i = 0; i < sizeof(text); i += 2) {
        text[i] = (uint8_t)(2 + i / 2 % 0x30);
        text[i + 1] = text[i] | 0x80;
    }
    enable(1);
    ck_assert_uint_eq(keyboard->put_scancodes(keyboard_self, text, sizeof(text)), 1);
    ck_assert_uint_eq(keyboard->put_scancodes(keyboard_self, text, 100), 0);
    for (uint32_t i = 0; i < sizeof(text); i++)
        ck_assert_uint_eq(wait_byte(), text[i]);
    ck_assert_uint_eq(keyboard->put_scancodes(keyboard_self, text, 100), 1);
}
END_TEST

START_TEST(keys_wait_while_not_scanning)
{
    enable(1);
    to_kbd(0xf5);
    expect("fa", 0);
    type("1e 9e");
    ck_assert_uint_eq(wait_byte(), NONE);
    to_kbd(0xf4);
    expect_only("fa 1e 9e", 0);
    command(0xad); /* the interface is off */
    type("30");
    ck_assert_uint_eq(wait_byte(), NONE);
    command(0xae);
    expect("30", 0);
    type("b0");
    expect("b0", 0);
    to_kbd(0xed); /* no keys between a command and its argument */
    expect("fa", 0);
    type("2e ae");
    ck_assert_uint_eq(wait_byte(), NONE);
    to_kbd(0);
    expect_only("fa 2e ae", 0);
}
END_TEST

START_TEST(split_sequences_and_nonsense)
{
    enable(1);
    type("e0");
    ck_assert_uint_eq(wait_byte(), NONE);
    harness_save_load(h);
    find_ports();
    type("48");
    expect_only("e0 48", 0);
    type("e0 c8 00 80 1e 9e");
    expect_only("e0 c8 1e 9e", 0);
}
END_TEST

START_TEST(bytes_come_with_gaps)
{
    enable(1);
    type("1e 9e");
    harness_advance_ns(h, MS);
    ck_assert(harness_in8(h, 0x64) & 1);
    harness_advance_ns(h, 10 * MS);
    harness_in8(h, 0x60);
    ck_assert(!(harness_in8(h, 0x64) & 1));
    harness_advance_ns(h, 400000);
    ck_assert(!(harness_in8(h, 0x64) & 1));
    harness_advance_ns(h, 200000);
    ck_assert(harness_in8(h, 0x64) & 1);
}
END_TEST

/* -- mouse ----------------------------------------------------------------------------------- */

static void move(int32_t dx, int32_t dy, int32_t dz, uint32_t buttons)
{
    ck_assert_uint_eq(mouse->put_event(mouse_self, dx, dy, dz, buttons), 1);
}

static void mouse_rate(uint8_t rate)
{
    to_mouse(0xf3);
    expect("fa", AUX);
    to_mouse(rate);
    expect("fa", AUX);
}

START_TEST(mouse_commands)
{
    to_mouse(0xff);
    expect_only("fa aa 0", AUX);
    to_mouse(0xf2);
    expect_only("fa 0", AUX);
    to_mouse(0xe9);
    expect_only("fa 0 2 64", AUX);
    to_mouse(0xe7);
    expect("fa", AUX);
    to_mouse(0xe8);
    expect("fa", AUX);
    to_mouse(3);
    expect("fa", AUX);
    mouse_rate(40);
    to_mouse(0xf4);
    expect("fa", AUX);
    to_mouse(0xe9);
    expect_only("fa 30 3 28", AUX);
    to_mouse(0xf3);
    expect("fa", AUX);
    to_mouse(41);
    expect("fe", AUX);
    to_mouse(42);
    expect("fc", AUX);
    to_mouse(60);
    expect_only("fa", AUX);
    to_mouse(0xe1);
    expect_only("fe", AUX);
    to_mouse(0xf6);
    expect("fa", AUX);
    to_mouse(0xe9);
    expect_only("fa 0 2 64", AUX);
    to_mouse(0xfe);
    expect_only("fa 0 2 64", AUX);
    to_mouse(0xee); /* wrap: everything comes back */
    expect("fa", AUX);
    to_mouse(0xe9);
    expect_only("e9", AUX);
    to_mouse(0xec);
    expect("fa", AUX);
    to_mouse(0xf2);
    expect_only("fa 0", AUX);
}
END_TEST

START_TEST(mouse_packets)
{
    move(1, 1, 0, 0); /* nobody listens yet */
    to_mouse(0xf4);
    expect_only("fa", AUX);
    move(5, 3, 0, 1); /* down is negative on the wire */
    expect_only("29 5 fd", AUX);
    move(-5, -3, 4, 7);
    expect_only("1f fb 3", AUX);
    move(300, -600, 0, 0);
    expect_only("8 ff ff 8 2d ff 8 0 5a", AUX);
    move(-256, 0, 0, 0);
    expect_only("18 1 0 18 ff 0", AUX);
    to_mouse(0xe7);
    expect("fa", AUX);
    move(3, 0, 0, 0);
    move(0, -5, 0, 0);
    expect_only("8 3 9", AUX);
    move(200, 0, 0, 0);
    expect_only("8 fe 0 8 92 0", AUX);
}
END_TEST

START_TEST(clicks_are_not_lost)
{
    to_mouse(0xf4);
    expect_only("fa", AUX);
    for (uint32_t i = 0; i < 8; i++)
        move(1, 0, 0, i & 1);
    for (uint32_t i = 0; i < 8; i++) {
        ck_assert_uint_eq(wait_for(30), AUX | 0x08 | (i & 1));
        expect("1 0", AUX);
    }
    uint32_t taken = 0;
    while (taken < 1000 && mouse->put_event(mouse_self, 0, 0, 0, taken & 1 ? 2 : 1))
        taken++;
    ck_assert_uint_ge(taken, 30);
    ck_assert_uint_lt(taken, 1000);
}
END_TEST

START_TEST(intellimouse_and_explorer)
{
    mouse_rate(200);
    mouse_rate(100);
    mouse_rate(80);
    to_mouse(0xf2);
    expect_only("fa 3", AUX);
    to_mouse(0xf4);
    expect("fa", AUX);
    move(1, 0, -1, 0x11);
    expect_only("9 1 0 ff", AUX);
    move(0, 0, 9, 0);
    expect_only("8 0 0 7 8 0 0 2", AUX);
    mouse_rate(200);
    mouse_rate(200);
    mouse_rate(80);
    to_mouse(0xf2);
    expect_only("fa 4", AUX);
    move(0, 0, -2, 0x18);
    expect_only("8 0 0 3e", AUX);
    harness_save_load(h);
    find_ports();
    move(0, 0, 1, 0);
    expect_only("8 0 0 1", AUX);
    to_mouse(0xff);
    expect_only("fa aa 0", AUX);
}
END_TEST

START_TEST(remote_mode)
{
    to_mouse(0xf0);
    expect("fa", AUX);
    move(2, 0, 0, 4);
    move(2, 0, 0, 4);
    ck_assert_uint_eq(wait_byte(), NONE);
    to_mouse(0xeb);
    expect_only("fa c 4 0", AUX);
    to_mouse(0xeb);
    expect_only("fa c 0 0", AUX);
    to_mouse(0xe9);
    expect("fa 42 2 64", AUX);
}
END_TEST

START_TEST(sample_rate_paces_packets)
{
    mouse_rate(10);
    to_mouse(0xf4);
    expect("fa", AUX);
    move(1, 0, 0, 0);
    ck_assert_uint_eq(wait_for(110), AUX | 8);
    expect_only("1 0", AUX);
    for (int i = 0; i < 5; i++)
        move(1, 0, 0, 0);
    ck_assert_uint_eq(wait_for(60), NONE);
    ck_assert_uint_eq(wait_for(60), AUX | 8);
    expect_only("5 0", AUX);
}
END_TEST

START_TEST(keyboard_goes_first)
{
    enable(1);
    to_mouse(0xf4);
    expect("fa", AUX);
    move(1, 0, 0, 0);
    harness_advance_ns(h, 12 * MS);
    type("1e 9e");
    ck_assert_uint_eq(wait_byte(), AUX | 8);
    expect("1e 9e", 0);
    expect_only("1 0", AUX);
}
END_TEST

/* -- state ----------------------------------------------------------------------------------- */

START_TEST(save_at_awkward_moments)
{
    enable(1);
    command(0x60); /* a command without its byte */
    harness_save_load(h);
    find_ports();
    harness_out8(h, 0x60, 0x43);
    to_kbd(0xff); /* the test runs */
    expect("fa", 0);
    harness_save_load(h);
    find_ports();
    expect_only("aa", 0);
    to_mouse(0xf3);
    expect("fa", AUX);
    harness_save_load(h);
    find_ports();
    to_mouse(20);
    expect_only("fa", AUX);
    to_mouse(0xf4);
    expect("fa", AUX);
    move(7, 0, 0, 1); /* a packet in parts, one byte in the buffer, keys behind it */
    expect("9", AUX);
    type("1e 9e e0 4d");
    harness_advance_ns(h, MS);
    harness_save_load(h);
    find_ports();
    expect("1e 9e e0 4d", 0);
    expect_only("7 0", AUX);
}
END_TEST

START_TEST(reset_is_cold)
{
    to_mouse(0xf4);
    type("1e");
    harness_advance_ns(h, MS);
    command(0xdd);
    harness_reset(h);
    ck_assert_uint_eq(harness_in8(h, 0x64), 0x10);
    ck_assert_uint_eq(harness_irq_level(h, 1), 0);
    ck_assert_uint_eq(harness_a20(h), 1);
    ck_assert_uint_eq(harness_next_deadline(h), harness_time_ns(h) + 600 * MS);
    enable(1);
    ck_assert_uint_eq(wait_for(590), NONE);
}
END_TEST

START_TEST(tests_after_power_on)
{
    harness_reset(h);
    harness_advance_ns(h, 590ull * MS);
    harness_save_load(h);
    find_ports();
    harness_advance_ns(h, 400ull * MS);
    ck_assert_uint_eq(harness_in8(h, 0x64) & 1, 0); /* the interfaces are off */
    enable(1);
    expect("aa", 0);
    expect_only("aa 0", AUX);
    /* a command, a key or motion comes first: no test result any more */
    harness_reset(h);
    enable(1);
    to_kbd(0xee);
    expect("ee", 0);
    to_mouse(0xe6);
    expect_only("fa", AUX);
    ck_assert_uint_eq(wait_for(800), NONE);
    harness_reset(h);
    enable(1);
    type("1e 9e");
    move(1, 0, 0, 0);
    expect("1e 9e", 0);
    ck_assert_uint_eq(wait_for(800), NONE);
}
END_TEST

START_TEST(resolution_scales_if_it_may)
{
    teardown();
    h = harness_new("pckbd", "ScaleByResolution=1");
    find_ports();
    mouse->put_event(mouse_self, 0, 0, 0, 0);
    enable(0);
    to_mouse(0xf4);
    expect_only("fa", AUX);
    move(5, 0, 0, 0); /* 4 counts a mm at first: as they are */
    expect_only("8 5 0", AUX);
    to_mouse(0xe8);
    expect("fa", AUX);
    to_mouse(3);
    expect_only("fa", AUX);
    move(5, 5, 0, 0);
    expect_only("28 a f6", AUX);
    to_mouse(0xe8);
    expect("fa", AUX);
    to_mouse(0);
    expect_only("fa", AUX);
    move(3, 0, 0, 0); /* three quarters of a count */
    expect_only("8 0 0", AUX);
    harness_save_load(h);
    find_ports();
    move(1, -4, 0, 0);
    expect_only("8 1 1", AUX);
    move(INT32_MIN, 0, 0, 0);
    expect("18 1 0", AUX);
}
END_TEST

/* -- what the drivers below are told --------------------------------------------------------- */

static uint32_t told_ready, told_leds, told_enabled, told_mouse;
static void on_ready(void *self)
{
    (void)self;
    told_ready++;
}
static void on_leds(void *self, uint32_t leds)
{
    (void)self;
    told_leds = leds;
}
static void on_enabled(void *self, uint32_t enabled)
{
    (void)self;
    told_enabled = enabled;
}
static void on_mouse(void *self)
{
    (void)self;
    told_mouse++;
}
static const viv_keyboard_ops_t keyboard_driver = {.size = sizeof(viv_keyboard_ops_t),
                                                   .port_ready = on_ready,
                                                   .leds_changed = on_leds,
                                                   .enabled_changed = on_enabled};
static const viv_mouse_ops_t mouse_driver = {.size = sizeof(viv_mouse_ops_t),
                                             .port_ready = on_mouse};

START_TEST(drivers_are_told)
{
    static const uint8_t many[1024] = {0x1e};
    teardown();
    h = harness_create();
    harness_lun_iface(h, 0, VIV_KEYBOARD_ID, &keyboard_driver, NULL);
    harness_lun_iface(h, 1, VIV_MOUSE_ID, &mouse_driver, NULL);
    ck_assert_int_eq(harness_start(h, "pckbd", ""), VIV_OK);
    find_ports();
    told_ready = told_leds = told_enabled = told_mouse = 0;
    ck_assert_uint_eq(keyboard->enabled(keyboard_self), 0);
    enable(1);
    ck_assert_uint_eq(told_enabled, 1);
    ck_assert_uint_eq(keyboard->enabled(keyboard_self), 1);
    to_kbd(0xed);
    to_kbd(5);
    ck_assert_uint_eq(told_leds, 5);
    to_kbd(0xf5);
    ck_assert_uint_eq(told_enabled, 0);
    ck_assert_uint_eq(keyboard->put_scancodes(keyboard_self, many, 1024), 1);
    ck_assert_uint_eq(keyboard->put_scancodes(keyboard_self, many, 1), 0);
    ck_assert_uint_eq(harness_stam(h, "KeysRefused"), 1);
    ck_assert_uint_eq(told_ready, 0);
    to_kbd(0xf4);
    ck_assert_uint_eq(told_enabled, 1);
    for (unsigned i = 0; i < 1100 && !told_ready; i++)
        wait_byte();
    ck_assert_uint_eq(told_ready, 1);
    harness_reset(h);
    ck_assert_uint_eq(told_leds, 0);
    ck_assert_uint_eq(told_enabled, 0);
    enable(1);
    to_mouse(0xf0); /* remote: events wait until they are asked for */
    uint32_t taken = 1;
    for (unsigned i = 0; i < 200 && taken; i++)
        taken = mouse->put_event(mouse_self, 1, 0, 0, i & 1);
    ck_assert_uint_eq(taken, 0);
    ck_assert_uint_eq(told_mouse, 0);
    to_mouse(0xeb);
    ck_assert_uint_eq(told_mouse, 1);
}
END_TEST

START_TEST(hostile_state)
{
    for (int i = 0; i < 10; i++) {
        Harness *other = harness_new("pckbd", "");
        Pckbd *kb = harness_self(other);
        size_t len;
        switch (i) {
        case 0: kb->out_len = PCKBD_OUT_MAX + 1; break;
        case 1: kb->kbd_buf_len = PCKBD_KBD_BUF + 1; break;
        case 2: kb->input_len = PCKBD_INPUT_MAX + 1; break;
        case 3: kb->event_len = PCKBD_EVENTS_MAX + 1; break;
        case 4: kb->mouse_packet_len = 5; break;
        case 5: kb->kbd_set = 0; break;
        case 6: kb->mouse_rate = 0; break;
        case 7: kb->locked = 1; break;
        case 8: kb->kbd_command = 1; break;
        default: kb->password_at = 200; break;
        }
        uint8_t *blob = harness_save(other, &len);
        ck_assert_int_eq(harness_load(other, blob, len), VIV_E_CORRUPT);
        free(blob);
        harness_free(other);
    }
}
END_TEST

START_TEST(construction)
{
    viv_status_t status = VIV_OK;
    ck_assert_ptr_null(harness_try_new("pckbd", "MouseEnabled=2", &status));
    ck_assert_int_eq(status, VIV_E_CONFIG);
    ck_assert_uint_gt(harness_construct_failures("pckbd", ""), 6);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pckbd");
    TCase *tc = tcase_create("all");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, power_on_state);
    tcase_add_test(tc, self_tests_and_command_byte);
    tcase_add_test(tc, input_port_and_polling);
    tcase_add_test(tc, output_port_a20_and_reset);
    tcase_add_test(tc, buffers_written_by_command);
    tcase_add_test(tc, interrupts_follow_the_command_byte);
    tcase_add_test(tc, no_mouse_times_out);
    tcase_add_test(tc, password);
    tcase_add_test(tc, keyboard_commands);
    tcase_add_test(tc, three_sets);
    tcase_add_test(tc, translation_is_the_inverse);
    tcase_add_test(tc, set_3_key_properties);
    tcase_add_test(tc, typematic);
    tcase_add_test(tc, long_text_is_not_lost);
    tcase_add_test(tc, keys_wait_while_not_scanning);
    tcase_add_test(tc, split_sequences_and_nonsense);
    tcase_add_test(tc, bytes_come_with_gaps);
    tcase_add_test(tc, mouse_commands);
    tcase_add_test(tc, mouse_packets);
    tcase_add_test(tc, clicks_are_not_lost);
    tcase_add_test(tc, intellimouse_and_explorer);
    tcase_add_test(tc, remote_mode);
    tcase_add_test(tc, sample_rate_paces_packets);
    tcase_add_test(tc, keyboard_goes_first);
    tcase_add_test(tc, save_at_awkward_moments);
    tcase_add_test(tc, reset_is_cold);
    tcase_add_test(tc, tests_after_power_on);
    tcase_add_test(tc, resolution_scales_if_it_may);
    tcase_add_test(tc, drivers_are_told);
    tcase_add_test(tc, hostile_state);
    tcase_add_test(tc, construction);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
