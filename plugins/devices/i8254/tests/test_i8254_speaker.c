/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Unit tests of the speaker: samples against a count of single pulses. */
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "harness.h"

#define SECOND 1000000000ull
#define MS     1000000ull
#define FULL   16384
#define FRAME  4375u /* parts; a pulse has 176 */

/* A back end that keeps everything. */
static struct {
    int16_t *samples;
    size_t count, room;
    unsigned opened, started, writes;
} out;

static viv_status_t out_open(void *self, const viv_audio_params_t *p, viv_audio_stream_t **ret)
{
    ck_assert(p->direction == VIV_AUDIO_OUT && p->rate_hz == 48000 && p->channels == 1 &&
              p->format == VIV_AUDIO_S16);
    out.opened++;
    *ret = self;
    return VIV_OK;
}

static void out_close(viv_audio_stream_t *s)
{
    (void)s;
    ck_abort_msg("the driver is gone by the time of destruct");
}

static void out_start(viv_audio_stream_t *s)
{
    (void)s;
    out.started++;
    out.count = 0;
}

static void out_stop(viv_audio_stream_t *s)
{
    (void)s;
}

static uint64_t out_tell(viv_audio_stream_t *s)
{
    (void)s;
    return out.count;
}

static uint32_t out_available(viv_audio_stream_t *s)
{
    (void)s;
    return 1000000;
}

static uint32_t out_write(viv_audio_stream_t *s, const void *frames, uint32_t count)
{
    (void)s;
    if (out.count + count > out.room) {
        out.room = (out.count + count) * 2;
        out.samples = realloc(out.samples, out.room * 2);
    }
    if (frames) {
        memcpy(out.samples + out.count, frames, count * 2);
    } else {
        memset(out.samples + out.count, 0, count * 2);
    }
    out.count += count;
    out.writes++;
    return count;
}

static uint32_t out_read(viv_audio_stream_t *s, void *frames, uint32_t count)
{
    (void)s, (void)frames, (void)count;
    return 0;
}

static void out_volume(viv_audio_stream_t *s, uint32_t muted, const uint32_t *gains, uint32_t n)
{
    (void)s, (void)muted, (void)gains, (void)n;
}

static const viv_audio_ops_t out_ops = {
    sizeof(viv_audio_ops_t), 0,         out_open, out_close, out_start, out_stop, out_tell,
    out_available,           out_write, out_read, out_volume};

static void setup(Harness *h)
{
    out.count = out.writes = out.started = out.opened = 0;
    harness_lun_iface(h, 0, VIV_AUDIO_ID, &out_ops, &out);
}

static Harness *speaker_new(void)
{
    Harness *h = harness_create();
    setup(h);
    ck_assert_int_eq(harness_start(h, "i8254", NULL), VIV_OK);
    return h;
}

static void tone(Harness *h, uint8_t word, uint32_t count)
{
    harness_out8(h, 0x43, word);
    harness_out8(h, 0x42, (uint8_t)count);
    harness_out8(h, 0x42, (uint8_t)(count >> 8));
}

static uint64_t pulse_now(Harness *h)
{
    return harness_time_ns(h) * 21 / 17600;
}

/* Whether the diaphragm is up from pulse p to p + 1, for every pulse of a test. */
static uint8_t *up;
#define UP_MAX (4u << 20)

static void expect_samples(uint64_t pulses)
{
    uint32_t high = 0, filled = 0;
    size_t frame = 0;
    for (uint64_t p = 0; p < pulses; p++) {
        for (uint32_t part = 0; part < 176;) {
            uint32_t take = FRAME - filled < 176 - part ? FRAME - filled : 176 - part;
            high += up[p] ? take : 0;
            filled += take;
            part += take;
            if (filled == FRAME) {
                int expected = (int)(high * FULL / FRAME);
                int got = frame < out.count ? out.samples[frame] : 0;
                if (got != expected) {
                    ck_abort_msg("frame %zu is %d, expected %d", frame, got, expected);
                }
                high = filled = 0;
                frame++;
            }
        }
    }
    ck_assert_uint_le(out.count, frame);
}

START_TEST(square_waves)
{
    static const uint32_t counts[] = {1193, 2712, 65535, 36, 7, 2, 0};
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        Harness *h = speaker_new();
        uint64_t n = counts[i] ? counts[i] : 65536;
        up = calloc(1, UP_MAX);
        harness_advance_ns(h, 100 * MS);
        harness_out8(h, 0x61, 1);
        tone(h, 0xb6, counts[i]);
        harness_out8(h, 0x61, 3);
        /* With the control word OUT is high; the count is loaded by the next pulse. */
        uint64_t start = pulse_now(h);
        up[start] = 1;
        harness_advance_ns(h, 333 * MS);
        uint64_t end = pulse_now(h);
        for (uint64_t p = start + 1; p < end; p++) {
            up[p] = (p - start - 1) % n < (n + 1) / 2;
        }
        harness_out8(h, 0x61, 0);
        harness_advance_ns(h, 100 * MS);
        harness_suspend(h);
        expect_samples(pulse_now(h));
        ck_assert_uint_eq(harness_next_deadline(h), UINT64_MAX); /* nothing to do in silence */
        ck_assert_uint_eq(harness_stam(h, "SpeakerLost"), 0);
        free(up);
        harness_free(h);
    }
}
END_TEST

START_TEST(data_bit_alone)
{
    Harness *h = speaker_new();
    uint64_t last = 0;
    uint32_t bit = 0, noise = 12345;
    up = calloc(1, UP_MAX);
    harness_out8(h, 0x43, 0xb6); /* OUT2 high, and stays so */
    for (unsigned i = 0; i < 20000; i++) {
        noise = noise * 1103515245 + 12345;
        harness_advance_ns(h, 1000 + (noise >> 16) % 60000);
        uint64_t now = pulse_now(h);
        memset(up + last, (int)bit, now - last);
        last = now;
        bit = noise >> 30 & 1;
        harness_out8(h, 0x61, (uint8_t)(bit << 1));
    }
    harness_out8(h, 0x61, 0);
    harness_advance_ns(h, 100 * MS);
    harness_suspend(h);
    expect_samples(pulse_now(h));
    free(up);
    harness_free(h);
}
END_TEST

/* Pulse widths by one-shots of counter 2, as games play sampled sound. */
START_TEST(pulse_widths)
{
    Harness *h = speaker_new();
    up = calloc(1, UP_MAX);
    harness_out8(h, 0x61, 3);
    harness_out8(h, 0x43, 0x90); /* mode 0, one byte */
    harness_out8(h, 0x42, 1);
    harness_advance_ns(h, 10 * MS);
    uint64_t at = pulse_now(h);
    memset(up + 2, 1, at - 2); /* the control word made it low until the count was over */
    for (unsigned i = 0; i < 8000; i++) {
        uint32_t width = 1 + i % 72; /* a ramp */
        harness_out8(h, 0x42, (uint8_t)width);
        harness_advance_ns(h, 62500); /* 16 kHz */
        uint64_t now = pulse_now(h);
        for (uint64_t p = at; p < now; p++) {
            up[p] = p >= at + 1 + width;
        }
        at = now;
    }
    harness_out8(h, 0x61, 0);
    harness_advance_ns(h, 100 * MS);
    harness_suspend(h);
    expect_samples(pulse_now(h));
    free(up);
    harness_free(h);
}
END_TEST

START_TEST(silence_is_as_long_as_it_was)
{
    Harness *h = speaker_new();
    harness_out8(h, 0x61, 1);
    tone(h, 0xb6, 1193);
    for (unsigned i = 0; i < 3; i++) {
        harness_advance_to_ns(h, (5 + i * 100) * SECOND);
        harness_out8(h, 0x61, 3);
        harness_advance_ns(h, 100 * MS);
        harness_out8(h, 0x61, 1);
    }
    harness_advance_ns(h, 50 * MS);
    ck_assert_uint_eq(harness_next_deadline(h), UINT64_MAX);
    ck_assert_uint_le(out.writes, 60);
    size_t sounding = 0, first = 0;
    for (size_t i = 0; i < out.count; i++) {
        sounding += out.samples[i] != 0;
        first = !first && out.samples[i] ? i : first;
        size_t t = i % (100 * 48000);
        if (out.samples[i] && (t + 1 < 5 * 48000 || t > 5 * 48000 + 4800)) {
            ck_abort_msg("a sound at frame %zu", i);
        }
    }
    ck_assert_uint_ge(first, 5 * 48000);
    ck_assert_uint_le(first, 5 * 48000 + 25);
    ck_assert_uint_ge(sounding, 3 * 2390);
    harness_free(h);
}
END_TEST

START_TEST(saved_in_the_middle_of_a_tone)
{
    Harness *h = speaker_new();
    harness_out8(h, 0x61, 1);
    tone(h, 0xb6, 1193);
    harness_out8(h, 0x61, 3);
    harness_advance_ns(h, 123456789);
    ck_assert_uint_eq(out.started, 1);
    harness_save_load(h);
    ck_assert_uint_ge(out.started, 2); /* a new stream, from here */
    harness_advance_ns(h, 100 * MS);
    ck_assert_uint_ge(out.count, 4700 - 960);
    ck_assert_uint_le(out.count, 4800);
    unsigned edges = 0;
    for (size_t i = 1; i < out.count; i++) {
        edges += out.samples[i - 1] < FULL / 2 && out.samples[i] >= FULL / 2;
    }
    ck_assert_uint_ge(edges, out.count / 48 - 1);
    ck_assert_uint_le(edges, out.count / 48 + 1);
    harness_reset(h);
    harness_advance_ns(h, 100 * MS);
    ck_assert_uint_eq(harness_next_deadline(h), UINT64_MAX);
    harness_free(h);
}
END_TEST

START_TEST(drivers)
{
    Harness *h = harness_create();
    harness_lun_empty(h, 0);
    ck_assert_int_eq(harness_start(h, "i8254", NULL), VIV_E_CONFIG); /* it plays nothing */
    harness_free(h);
    ck_assert_uint_ge(harness_construct_failures_with(setup, "i8254", NULL), 6);
    h = harness_new("i8254", NULL); /* without one nothing is computed */
    harness_out8(h, 0x61, 3);
    tone(h, 0xb6, 1193);
    ck_assert_uint_eq(harness_next_deadline(h), UINT64_MAX);
    harness_free(h);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("i8254_speaker");
    TCase *tc = tcase_create("i8254_speaker");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, square_waves);
    tcase_add_test(tc, data_bit_alone);
    tcase_add_test(tc, pulse_widths);
    tcase_add_test(tc, silence_is_as_long_as_it_was);
    tcase_add_test(tc, saved_in_the_middle_of_a_tone);
    tcase_add_test(tc, drivers);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
