/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Unit tests of NullAudio, and with it of the streams' clock. */
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "harness.h"

#define MS 1000000ull

static const viv_audio_ops_t *ops;

static Harness *null_new(viv_iface_t *ret_iface)
{
    Harness *h = harness_create();
    ck_assert_int_eq(harness_start(h, "NullAudio", NULL), VIV_OK);
    *ret_iface = harness_drv_iface(h, VIV_AUDIO_ID);
    ops = ret_iface->ops;
    return h;
}

static viv_audio_params_t params(uint32_t direction)
{
    return (viv_audio_params_t){.size = sizeof(viv_audio_params_t),
                                .direction = direction,
                                .rate_hz = 44100,
                                .channels = 2,
                                .format = VIV_AUDIO_U8};
}

START_TEST(playback_at_the_pace_of_the_clock)
{
    viv_iface_t audio;
    Harness *h = null_new(&audio);
    viv_audio_params_t p = params(VIV_AUDIO_OUT);
    viv_audio_stream_t *s;
    uint8_t frames[20000] = {0};
    ck_assert_int_eq(ops->open(audio.self, &p, &s), VIV_OK);
    ck_assert_uint_eq(ops->available(s), 0); /* stopped */
    ck_assert_uint_eq(ops->write(s, frames, 10), 0);
    harness_advance_ns(h, 123 * MS);
    ops->start(s);
    ck_assert_uint_eq(ops->available(s), 4410); /* 100 ms ahead */
    ck_assert_uint_eq(ops->write(s, frames, 5000), 4410);
    ck_assert_uint_eq(ops->available(s), 0);
    ck_assert_uint_eq(ops->read(s, frames, 10), 0);
    uint64_t written = 4410;
    for (unsigned i = 0; i < 1000; i++) {
        harness_advance_ns(h, 10 * MS);
        written += ops->write(s, i & 1 ? frames : NULL, 10000);
    }
    ck_assert_uint_eq(written, 44100 * 10 + 4410);
    ck_assert_uint_eq(ops->tell(s), written);
    harness_advance_ns(h, 1000 * MS); /* 800 ms too late: silence */
    ck_assert_uint_eq(ops->tell(s), 44100 * 11 - 4410);
    ops->stop(s);
    ck_assert_uint_eq(ops->available(s), 0);
    ops->start(s);
    ck_assert_uint_eq(ops->tell(s), 0);
    ops->close(s);
    ops->close(NULL);
    harness_free(h);
}
END_TEST

START_TEST(capture_of_silence)
{
    viv_iface_t audio;
    Harness *h = null_new(&audio);
    viv_audio_params_t p = params(VIV_AUDIO_IN);
    viv_audio_stream_t *s;
    uint8_t frames[2000];
    p.rate_hz = 8000;
    p.channels = 1;
    ck_assert_int_eq(ops->open(audio.self, &p, &s), VIV_OK);
    ops->start(s);
    ck_assert_uint_eq(ops->available(s), 0);
    harness_advance_ns(h, 10 * MS);
    ck_assert_uint_eq(ops->available(s), 80);
    memset(frames, 0, sizeof(frames));
    ck_assert_uint_eq(ops->read(s, frames, 2000), 80);
    ck_assert(frames[0] == 0x80 && frames[79] == 0x80 && frames[80] == 0);
    harness_advance_ns(h, 1000 * MS); /* only the latest 100 ms are kept */
    ck_assert_uint_eq(ops->available(s), 800);
    ck_assert_uint_eq(ops->tell(s), 8080 - 800);
    ck_assert_uint_eq(ops->write(s, frames, 10), 0);
    ops->close(s);
    harness_free(h);
}
END_TEST

START_TEST(parameters)
{
    viv_iface_t audio;
    Harness *h = null_new(&audio);
    viv_audio_stream_t *s;
    for (unsigned i = 0; i < 8; i++) {
        viv_audio_params_t p = params(VIV_AUDIO_OUT);
        switch (i) {
        case 0: p.direction = 2; break;
        case 1: p.rate_hz = 999; break;
        case 2: p.rate_hz = 384001; break;
        case 3: p.channels = 0; break;
        case 4: p.channels = 9; break;
        case 5: p.format = 6; break;
        case 6: p.late_ns = 2000000001; break;
        default: p.ahead_ns = UINT32_MAX; break;
        }
        ck_assert_int_eq(ops->open(audio.self, &p, &s), VIV_E_INVALID);
    }
    harness_free(h);
    harness_construct_failures("NullAudio", NULL);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("nullaudio");
    TCase *tc = tcase_create("nullaudio");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, playback_at_the_pace_of_the_clock);
    tcase_add_test(tc, capture_of_silence);
    tcase_add_test(tc, parameters);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
