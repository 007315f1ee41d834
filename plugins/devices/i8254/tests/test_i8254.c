/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Unit tests of i8254: the counter by itself against the data sheet's timing diagrams, then the
 * device. */
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "harness.h"
#include "i8254_channel.h"

/* -- the counter ----------------------------------------------------------------------------- */

static void program(I8254Channel *c, uint8_t word, uint32_t count)
{
    i8254_channel_control(c, word);
    if (c->rw != I8254_RW_MSB) {
        i8254_channel_write(c, (uint8_t)count);
    }
    if (c->rw != I8254_RW_LSB) {
        i8254_channel_write(c, (uint8_t)(count >> 8));
    }
}

static uint32_t count_now(const I8254Channel *c)
{
    I8254Channel copy = *c;
    copy.latched = 0;
    i8254_channel_latch_count(&copy, c);
    return copy.latch;
}

/* OUT at pulses 1, 2, ... as a string of H and L, and the count as hexadecimal words. */
static void trace(I8254Channel *c, unsigned pulses, char *outs, uint32_t *counts)
{
    for (unsigned i = 0; i < pulses; i++) {
        i8254_channel_run(c, c->at + 1);
        outs[i] = c->out ? 'H' : 'L';
        counts[i] = count_now(c);
    }
    outs[pulses] = '\0';
}

static void check_trace(I8254Channel *c, const char *outs, const uint32_t *counts)
{
    char got[64];
    uint32_t got_counts[64];
    trace(c, (unsigned)strlen(outs), got, got_counts);
    ck_assert_str_eq(got, outs);
    for (size_t i = 0; counts && i < strlen(outs); i++) {
        ck_assert_msg(got_counts[i] == counts[i], "pulse %zu: count %x, expected %x", i + 1,
                      got_counts[i], counts[i]);
    }
}

START_TEST(mode0_interrupt_on_terminal_count)
{
    I8254Channel c;
    i8254_channel_reset(&c, 0, 1);
    program(&c, 0x10, 4);
    ck_assert_uint_eq(c.out, 0);
    check_trace(&c, "LLLLHHH", (const uint32_t[]){4, 3, 2, 1, 0, 0xffff, 0xfffe});
    /* The gate holds the count; a new count lowers OUT. */
    program(&c, 0x10, 3);
    check_trace(&c, "LL", (const uint32_t[]){3, 2});
    i8254_channel_gate(&c, 0);
    check_trace(&c, "LLL", (const uint32_t[]){2, 2, 2});
    i8254_channel_gate(&c, 1);
    check_trace(&c, "LH", (const uint32_t[]){1, 0});
    i8254_channel_write(&c, 2);
    check_trace(&c, "LLH", (const uint32_t[]){2, 1, 0});
    /* Two bytes: the first one stops the counting and lowers OUT. */
    program(&c, 0x30, 3);
    check_trace(&c, "LL", (const uint32_t[]){3, 2});
    i8254_channel_write(&c, 2);
    check_trace(&c, "LL", (const uint32_t[]){2, 2});
    i8254_channel_write(&c, 0);
    check_trace(&c, "LLH", (const uint32_t[]){2, 1, 0});
    /* Written with the gate low it is loaded all the same. */
    i8254_channel_gate(&c, 0);
    program(&c, 0x10, 2);
    check_trace(&c, "LL", (const uint32_t[]){2, 2});
    i8254_channel_gate(&c, 1);
    check_trace(&c, "LH", (const uint32_t[]){1, 0});
}
END_TEST

START_TEST(mode1_one_shot)
{
    I8254Channel c;
    i8254_channel_reset(&c, 0, 0);
    program(&c, 0x12, 3);
    check_trace(&c, "HHH", NULL);
    i8254_channel_gate(&c, 1);
    check_trace(&c, "LLLHH", (const uint32_t[]){3, 2, 1, 0, 0xffff});
    i8254_channel_gate(&c, 0);
    check_trace(&c, "H", NULL);
    i8254_channel_gate(&c, 1);
    check_trace(&c, "LL", (const uint32_t[]){3, 2});
    i8254_channel_gate(&c, 0); /* the gate's fall is nothing; a further rise retriggers */
    check_trace(&c, "L", (const uint32_t[]){1});
    i8254_channel_gate(&c, 1);
    check_trace(&c, "LLLH", (const uint32_t[]){3, 2, 1, 0});
    i8254_channel_write(&c, 2); /* a new count waits for the trigger */
    ck_assert_uint_eq(c.null_count, 1);
    check_trace(&c, "HH", (const uint32_t[]){0xffff, 0xfffe});
    i8254_channel_gate(&c, 0);
    i8254_channel_gate(&c, 1);
    check_trace(&c, "LLH", (const uint32_t[]){2, 1, 0});
    ck_assert_uint_eq(c.null_count, 0);
}
END_TEST

START_TEST(mode2_rate_generator)
{
    I8254Channel c;
    i8254_channel_reset(&c, 0, 1);
    program(&c, 0x14, 3);
    check_trace(&c, "HHLHHLH", (const uint32_t[]){3, 2, 1, 3, 2, 1, 3});
    i8254_channel_gate(&c, 0);
    check_trace(&c, "HHH", (const uint32_t[]){3, 3, 3});
    i8254_channel_gate(&c, 1);
    check_trace(&c, "HHLH", (const uint32_t[]){3, 2, 1, 3});
    i8254_channel_write(&c, 5); /* comes in at the end of the cycle */
    check_trace(&c, "HLHHHHLH", (const uint32_t[]){2, 1, 5, 4, 3, 2, 1, 5});
    program(&c, 0x16 & ~2, 2);
    check_trace(&c, "HLHL", (const uint32_t[]){2, 1, 2, 1});
    i8254_channel_gate(&c, 0); /* a low OUT goes high at once */
    ck_assert_uint_eq(c.out, 1);
}
END_TEST

START_TEST(mode3_square_wave)
{
    I8254Channel c;
    i8254_channel_reset(&c, 0, 1);
    program(&c, 0x16, 4);
    check_trace(&c, "HHLLHHLL", (const uint32_t[]){4, 2, 4, 2, 4, 2, 4, 2});
    program(&c, 0x1e, 5); /* mode 7 is 3 */
    check_trace(&c, "HHHLLHHHLL", (const uint32_t[]){4, 2, 0, 4, 2, 4, 2, 0, 4, 2});
    i8254_channel_gate(&c, 0);
    ck_assert_uint_eq(c.out, 1);
    check_trace(&c, "HH", NULL);
    i8254_channel_gate(&c, 1);
    check_trace(&c, "HHHLLH", NULL);
    i8254_channel_write(&c, 2); /* at the end of this half */
    check_trace(&c, "HHLHLH", NULL);
    program(&c, 0x16, 1);
    check_trace(&c, "HHHHHH", NULL); /* forbidden by the data sheet; harmless */
}
END_TEST

START_TEST(mode4_software_strobe)
{
    I8254Channel c;
    i8254_channel_reset(&c, 0, 1);
    program(&c, 0x18, 3);
    check_trace(&c, "HHHLHH", (const uint32_t[]){3, 2, 1, 0, 0xffff, 0xfffe});
    i8254_channel_write(&c, 3);
    check_trace(&c, "HH", (const uint32_t[]){3, 2});
    i8254_channel_gate(&c, 0);
    check_trace(&c, "HH", (const uint32_t[]){2, 2});
    i8254_channel_gate(&c, 1);
    check_trace(&c, "HLHH", (const uint32_t[]){1, 0, 0xffff, 0xfffe});
    ck_assert(i8254_channel_next(&c) == UINT64_MAX); /* one strobe a count */
}
END_TEST

START_TEST(mode5_hardware_strobe)
{
    I8254Channel c;
    i8254_channel_reset(&c, 0, 0);
    program(&c, 0x1a, 3);
    check_trace(&c, "HHHHHH", NULL);
    i8254_channel_gate(&c, 1);
    check_trace(&c, "HHHLH", (const uint32_t[]){3, 2, 1, 0, 0xffff});
    i8254_channel_gate(&c, 0);
    i8254_channel_gate(&c, 1);
    check_trace(&c, "HH", (const uint32_t[]){3, 2});
    i8254_channel_gate(&c, 0);
    i8254_channel_gate(&c, 1);
    check_trace(&c, "HHHLH", (const uint32_t[]){3, 2, 1, 0, 0xffff});
}
END_TEST

START_TEST(bcd_counts)
{
    I8254Channel c;
    i8254_channel_reset(&c, 0, 1);
    program(&c, 0x31, 0x1000);
    check_trace(&c, "LL", (const uint32_t[]){0x1000, 0x0999});
    program(&c, 0x31, 0x0000); /* 10000 */
    check_trace(&c, "LL", (const uint32_t[]){0x0000, 0x9999});
    i8254_channel_run(&c, c.at + 9998);
    ck_assert_uint_eq(count_now(&c), 0x0001);
    ck_assert_uint_eq(c.out, 0);
    check_trace(&c, "HH", (const uint32_t[]){0x0000, 0x9999});
}
END_TEST

START_TEST(reading_bytes)
{
    I8254Channel c;
    i8254_channel_reset(&c, 0, 1);
    program(&c, 0x34, 0x1234);
    i8254_channel_run(&c, c.at + 1);
    ck_assert_uint_eq(i8254_channel_read(&c, &c), 0x34);
    ck_assert_uint_eq(i8254_channel_read(&c, &c), 0x12);
    i8254_channel_latch_count(&c, &c);
    i8254_channel_run(&c, c.at + 0x35);
    i8254_channel_latch_count(&c, &c); /* ignored: the first is still unread */
    i8254_channel_latch_status(&c, &c);
    ck_assert_uint_eq(i8254_channel_read(&c, &c), 0x80 | 0x34);
    ck_assert_uint_eq(i8254_channel_read(&c, &c), 0x34);
    ck_assert_uint_eq(i8254_channel_read(&c, &c), 0x12);
    ck_assert_uint_eq(i8254_channel_read(&c, &c), 0xff); /* live again: 11ff */
    ck_assert_uint_eq(i8254_channel_read(&c, &c), 0x11);
    program(&c, 0x24, 0x7700); /* MSB only */
    i8254_channel_latch_status(&c, &c);
    ck_assert_uint_eq(i8254_channel_read(&c, &c), 0xc0 | 0x24); /* null count: not loaded yet */
    i8254_channel_run(&c, c.at + 1);
    ck_assert_uint_eq(i8254_channel_read(&c, &c), 0x77);
    ck_assert_uint_eq(i8254_channel_read(&c, &c), 0x77);
}
END_TEST

static uint32_t next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

/* One long run gives what single pulses give, and next() never passes over a change of OUT. */
START_TEST(jumps_equal_single_pulses)
{
    uint32_t seed = 2463534242u + (uint32_t)_i;
    I8254Channel a, b;
    i8254_channel_reset(&a, 1000, 1);
    b = a;
    for (unsigned step = 0; step < 4000; step++) {
        uint32_t r = next_random(&seed), what = r % 10;
        if (what == 0) {
            uint8_t word = (uint8_t)((r >> 8) & 0x3f);
            word = (uint8_t)(word & 0x30 ? word : word | 0x10);
            i8254_channel_control(&a, word);
            i8254_channel_control(&b, word);
        } else if (what < 4) {
            uint8_t value = (uint8_t)(r >> 8 & (r & 0x10000 ? 7 : 0xff));
            i8254_channel_write(&a, value);
            i8254_channel_write(&b, value);
        } else if (what == 4) {
            i8254_channel_gate(&a, r >> 8 & 1);
            i8254_channel_gate(&b, r >> 8 & 1);
        } else {
            uint64_t to = a.at + (r >> 8) % (what == 9 ? 3000 : 12);
            int rose = i8254_channel_run(&a, to), rose_b = 0;
            while (b.at < to) {
                uint64_t next = i8254_channel_next(&b);
                uint8_t before = b.out;
                int rise = i8254_channel_run(&b, b.at + 1);
                if (rise != (!before && b.out) || (rise && b.at != next)) { /* ck_assert is slow */
                    ck_abort_msg("step %u: rise %d of mode %u", step, rise, b.mode);
                }
                rose_b |= rise;
            }
            ck_assert_int_eq(rose, rose_b);
        }
        ck_assert_msg(a.out == b.out && a.left == b.left && a.null_count == b.null_count &&
                          a.period == b.period && a.strobe == b.strobe && a.at == b.at,
                      "step %u: mode %u, out %u/%u, left %u/%u, period %u", step, a.mode, a.out,
                      b.out, a.left, b.left, a.period);
        ck_assert(i8254_channel_is_sane(&a, a.at));
    }
}
END_TEST

/* -- the device ------------------------------------------------------------------------------ */

static void program0(Harness *h, uint8_t word, uint16_t count)
{
    harness_out8(h, 0x43, word);
    harness_out8(h, 0x40, (uint8_t)count);
    harness_out8(h, 0x40, (uint8_t)(count >> 8));
}

START_TEST(irq0_does_not_drift)
{
    Harness *h = harness_new("i8254", NULL);
    harness_advance_ns(h, 12345); /* not at a round time */
    program0(h, 0x34, 11932);     /* 100 Hz, as Linux does it */
    harness_events_clear(h);
    harness_advance_ns(h, 1000000000ull * 60);
    /* 60 s hold 71590909.09 pulses, that is 5999.9 periods. */
    unsigned edges = 0;
    uint64_t first = 0, last = 0;
    for (unsigned i = 0; i < harness_event_count(h, HARNESS_EV_IRQ); i++) {
        HarnessEvent e = harness_event(h, HARNESS_EV_IRQ, i);
        ck_assert_uint_eq(e.a, 0);
        if (e.b) {
            first = edges++ ? first : e.time_ns;
            last = e.time_ns;
        }
    }
    ck_assert_uint_eq(edges, 5999);
    /* Period 11932 * 88000 / 105 ns = 10000152.38 ns; the average of 5998 of them to within a
     * nanosecond. */
    uint64_t exact = (uint64_t)((unsigned __int128)5998 * 11932 * 17600 / 21);
    ck_assert_uint_le(llabs((long long)(last - first) - (long long)exact), 1);
    ck_assert_uint_eq(harness_stam(h, "Ticks"), 5999);
    harness_free(h);
}
END_TEST

START_TEST(irq0_square_wave)
{
    Harness *h = harness_new("i8254", NULL);
    program0(h, 0x36, 0); /* 18.2 Hz: 65536 pulses */
    ck_assert_uint_eq(harness_irq_level(h, 0), 1);
    harness_events_clear(h);
    harness_advance_ns(h, 54925440ull + 1000);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_IRQ), 2);
    HarnessEvent low = harness_event(h, HARNESS_EV_IRQ, 0),
                 high = harness_event(h, HARNESS_EV_IRQ, 1);
    ck_assert_uint_eq(low.b, 0);
    ck_assert_uint_eq(high.b, 1);
    ck_assert_uint_eq((high.time_ns - low.time_ns) / 1000, 27462); /* half the period */
    harness_free(h);
}
END_TEST

START_TEST(irq0_one_shot)
{
    Harness *h = harness_new("i8254", NULL);
    program0(h, 0x30, 1193);
    ck_assert_uint_eq(harness_irq_level(h, 0), 0);
    harness_advance_ns(h, 990000);
    ck_assert_uint_eq(harness_irq_level(h, 0), 0);
    harness_advance_ns(h, 20000);
    ck_assert_uint_eq(harness_irq_level(h, 0), 1);
    uint64_t at = harness_event_last(h, HARNESS_EV_IRQ).time_ns;
    ck_assert_uint_eq(at, (1194ull * 17600 + 20) / 21);
    ck_assert(harness_next_deadline(h) == UINT64_MAX);
    program0(h, 0x30, 100);
    ck_assert_uint_eq(harness_irq_level(h, 0), 0);
    harness_free(h);
}
END_TEST

START_TEST(read_back_command)
{
    Harness *h = harness_new("i8254", NULL);
    program0(h, 0x34, 1000);
    harness_advance_ns(h, 10000); /* pulse 11: 1000 was loaded at 1 */
    harness_out8(h, 0x43, 0xc2);  /* status and count of channel 0 */
    harness_advance_ns(h, 50000);
    ck_assert_uint_eq(harness_in8(h, 0x40), 0xb4);
    ck_assert_uint_eq(harness_in8(h, 0x40), (990 & 0xff));
    ck_assert_uint_eq(harness_in8(h, 0x40), (990 >> 8));
    harness_out8(h, 0x43, 0xde); /* count of all, no status */
    uint8_t low = harness_in8(h, 0x40);
    ck_assert_uint_eq(low | harness_in8(h, 0x40) << 8, 1000 - 70);
    harness_out8(h, 0x43, 0x00); /* counter latch */
    low = harness_in8(h, 0x40);
    ck_assert_uint_eq(low | harness_in8(h, 0x40) << 8, 1000 - 70);
    ck_assert_uint_eq(harness_in8(h, 0x43), 0xff);
    harness_free(h);
}
END_TEST

START_TEST(port_61h)
{
    Harness *h = harness_new("i8254", NULL);
    ck_assert_uint_eq(harness_in8(h, 0x61) & 0x0f, 0);
    harness_out8(h, 0x61, 0xff);
    ck_assert_uint_eq(harness_in8(h, 0x61) & 0xcf, 0x0f);
    harness_out8(h, 0x61, 0x00);
    harness_out8(h, 0x43, 0xb0); /* channel 2, mode 0 */
    harness_out8(h, 0x42, 0x00);
    harness_out8(h, 0x42, 0x10);
    harness_advance_ns(h, 10000000);
    ck_assert_uint_eq(harness_in8(h, 0x61) & 0x20, 0); /* gate low: does not count */
    harness_out8(h, 0x61, 0x01);
    harness_advance_ns(h, 3400000); /* 4096 pulses are 3.433 ms */
    ck_assert_uint_eq(harness_in8(h, 0x61) & 0x20, 0);
    harness_advance_ns(h, 100000);
    ck_assert_uint_eq(harness_in8(h, 0x61) & 0x20, 0x20);
    unsigned toggles = 0;
    uint8_t before = harness_in8(h, 0x61) & 0x10;
    for (unsigned i = 0; i < 1000; i++) {
        harness_advance_ns(h, 1000);
        uint8_t now = harness_in8(h, 0x61) & 0x10;
        toggles += now != before;
        before = now;
    }
    ck_assert_uint_ge(toggles, 65); /* 1 ms / 15.085 us */
    ck_assert_uint_le(toggles, 67);
    harness_free(h);
    h = harness_new("i8254", "SpeakerEnabled=0");
    ck_assert_uint_eq(harness_in8(h, 0x61), 0xff);
    harness_free(h);
}
END_TEST

START_TEST(save_and_load_at_awkward_moments)
{
    static const uint8_t words[] = {0x30, 0x32, 0x34, 0x36, 0x38, 0x3a, 0x35, 0x10};
    for (size_t i = 0; i < sizeof(words); i++) {
        Harness *h = harness_new("i8254", NULL);
        harness_save_load(h);
        harness_out8(h, 0x43, words[i]);
        harness_save_load(h); /* no count yet */
        harness_out8(h, 0x40, 0x07);
        harness_save_load(h); /* half a count */
        harness_out8(h, 0x40, 0x00);
        harness_save_load(h); /* not loaded yet */
        for (unsigned k = 0; k < 30; k++) {
            harness_advance_ns(h, 500);
            if (k % 5 == 0) {
                harness_out8(h, 0x43, 0xc2);
            }
            if (k % 7 == 0) {
                harness_in8(h, 0x40);
            }
            harness_save_load(h);
        }
        harness_free(h);
    }
    Harness *h = harness_new("i8254", NULL);
    program0(h, 0x34, 1000);
    harness_advance_ns(h, 300000);
    harness_save_load(h);
    harness_advance_ns(h, 538097 - 1); /* pulse 1001 is at 838952.4 ns, to the end of the period */
    uint64_t edge = harness_event_last(h, HARNESS_EV_IRQ).time_ns;
    harness_advance_ns(h, 1000000);
    ck_assert_uint_ge(harness_event_last(h, HARNESS_EV_IRQ).time_ns, edge + 838095);
    harness_free(h);
}
END_TEST

START_TEST(reset_stops_everything)
{
    Harness *h = harness_new("i8254", NULL);
    program0(h, 0x36, 100);
    harness_out8(h, 0x61, 3);
    harness_advance_ns(h, 1000000);
    harness_reset(h);
    ck_assert_uint_eq(harness_irq_level(h, 0), 0);
    ck_assert(harness_next_deadline(h) == UINT64_MAX);
    ck_assert_uint_eq(harness_in8(h, 0x61) & 0x0f, 0);
    harness_free(h);
}
END_TEST

START_TEST(configuration)
{
    static const char *const bad[] = {"Base=0x10000", "Irq=16", "SpeakerEnabled=2",
                                      "base=0x40",    "Base=x", "Rate=1"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        viv_status_t st = VIV_OK;
        ck_assert_ptr_null(harness_try_new("i8254", bad[i], &st));
        ck_assert_int_eq(st, VIV_E_CONFIG);
    }
    Harness *h = harness_new("i8254", "Base=0x50,Irq=5");
    harness_out8(h, 0x53, 0x10);
    harness_out8(h, 0x50, 2);
    harness_advance_ns(h, 10000);
    ck_assert_uint_eq(harness_irq_level(h, 5), 1);
    harness_free(h);
    ck_assert_uint_ge(harness_construct_failures("i8254", NULL), 3);
}
END_TEST

START_TEST(hostile_state)
{
    Harness *h = harness_new("i8254", NULL);
    size_t len;
    program0(h, 0x34, 3);
    harness_advance_ns(h, 100000);
    uint8_t *blob = harness_save(h, &len);
    for (size_t i = 0; i < len; i++) {
        for (unsigned k = 0; k < 3; k++) {
            static const uint8_t flips[] = {0xff, 0x01, 0x80};
            blob[i] ^= flips[k];
            if (harness_load(h, blob, len) == VIV_OK) {
                for (uint32_t port = 0x40; port < 0x43; port++) {
                    harness_in8(h, port);
                }
                harness_advance_ns(h, 3000);
            }
            blob[i] ^= flips[k];
        }
    }
    free(blob);
    harness_free(h);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("i8254");
    TCase *tc = tcase_create("counter");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, mode0_interrupt_on_terminal_count);
    tcase_add_test(tc, mode1_one_shot);
    tcase_add_test(tc, mode2_rate_generator);
    tcase_add_test(tc, mode3_square_wave);
    tcase_add_test(tc, mode4_software_strobe);
    tcase_add_test(tc, mode5_hardware_strobe);
    tcase_add_test(tc, bcd_counts);
    tcase_add_test(tc, reading_bytes);
    tcase_add_loop_test(tc, jumps_equal_single_pulses, 0, 20);
    suite_add_tcase(s, tc);
    tc = tcase_create("device");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, irq0_does_not_drift);
    tcase_add_test(tc, irq0_square_wave);
    tcase_add_test(tc, irq0_one_shot);
    tcase_add_test(tc, read_back_command);
    tcase_add_test(tc, port_61h);
    tcase_add_test(tc, save_and_load_at_awkward_moments);
    tcase_add_test(tc, reset_stops_everything);
    tcase_add_test(tc, configuration);
    tcase_add_test(tc, hostile_state);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
