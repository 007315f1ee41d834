/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Unit tests of WavAudio: what the file has, at every moment. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include "harness.h"
#include "wavfile.h"

#define MS 1000000ull

static const viv_audio_ops_t *ops;
static viv_iface_t audio;
static char path[] = "/tmp/viv-wav-XXXXXX";
static uint8_t *file;
static size_t file_len;

static Harness *wav_new(const char *options)
{
    char text[256];
    strcpy(path + strlen(path) - 6, "XXXXXX");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    snprintf(text, sizeof(text), "Path=%s%s%s", path, options ? "," : "", options ? options : "");
    Harness *h = harness_create();
    ck_assert_int_eq(harness_start(h, "WavAudio", text), VIV_OK);
    audio = harness_drv_iface(h, VIV_AUDIO_ID);
    ops = audio.ops;
    return h;
}

static viv_audio_stream_t *open_stream(uint32_t direction, uint32_t rate, uint32_t channels,
                                       uint32_t format)
{
    viv_audio_stream_t *s = NULL;
    const viv_audio_params_t p = {.size = sizeof(p),
                                  .direction = direction,
                                  .rate_hz = rate,
                                  .channels = channels,
                                  .format = format};
    ck_assert_int_eq(ops->open(audio.self, &p, &s), VIV_OK);
    return s;
}

static uint32_t le(const uint8_t *p, unsigned n)
{
    uint32_t v = 0;
    for (unsigned i = 0; i < n; i++) {
        v |= (uint32_t)p[i] << (8 * i);
    }
    return v;
}

/* Reads the file as it is now; its header must be right. Returns the frames. */
static size_t wav_load(uint32_t rate, uint32_t channels)
{
    FILE *f = fopen(path, "rb");
    ck_assert_ptr_nonnull(f);
    free(file);
    file = calloc(1, 4 << 20);
    file_len = fread(file, 1, 4 << 20, f);
    fclose(f);
    ck_assert_uint_ge(file_len, 44);
    ck_assert_mem_eq(file, "RIFF", 4);
    ck_assert_mem_eq(file + 8, "WAVEfmt ", 8);
    ck_assert_uint_eq(le(file + 4, 4), file_len - 8);
    ck_assert_uint_eq(le(file + 16, 4), 16);
    ck_assert_uint_eq(le(file + 20, 2), 1);
    ck_assert_uint_eq(le(file + 22, 2), channels);
    ck_assert_uint_eq(le(file + 24, 4), rate);
    ck_assert_uint_eq(le(file + 28, 4), rate * channels * 2);
    ck_assert_uint_eq(le(file + 32, 2), channels * 2);
    ck_assert_uint_eq(le(file + 34, 2), 16);
    ck_assert_mem_eq(file + 36, "data", 4);
    ck_assert_uint_eq(le(file + 40, 4), file_len - 44);
    return (file_len - 44) / (channels * 2);
}

static int sample(size_t index)
{
    ck_assert_uint_lt(44 + 2 * index + 1, file_len);
    return (int16_t)le(file + 44 + 2 * index, 2);
}

static void wav_end(Harness *h)
{
    harness_free(h);
    unlink(path);
    free(file);
    file = NULL;
}

START_TEST(frames_land_where_they_sound)
{
    Harness *h = wav_new("Channels=1");
    ck_assert_uint_eq(wav_load(48000, 1), 0); /* a file at once */
    harness_advance_ns(h, 777 * MS);          /* before the first start: not in the file */
    viv_audio_stream_t *s = open_stream(VIV_AUDIO_OUT, 48000, 1, VIV_AUDIO_S16);
    ops->start(s);
    const int16_t ones[4] = {1000, -2000, 3000, -32768};
    ck_assert_uint_eq(ops->write(s, ones, 4), 4);
    ck_assert_uint_eq(wav_load(48000, 1), 4); /* right although nothing has been closed */
    harness_advance_ns(h, 50 * MS);
    ck_assert_uint_eq(ops->tell(s), 4);
    ck_assert_uint_eq(ops->write(s, NULL, 2396), 2396);
    ck_assert_uint_eq(ops->write(s, ones, 4), 4);
    harness_advance_ns(h, 1000 * MS); /* too late by 900 ms: silence up to 950 */
    ck_assert_uint_eq(ops->write(s, ones, 1), 1);
    ck_assert_uint_eq(wav_load(48000, 1), 48 * 950 + 1);
    for (size_t i = 0; i < 48 * 950 + 1; i++) {
        int expected = i < 4                   ? ones[i]
                       : i >= 2400 && i < 2404 ? ones[i - 2400]
                       : i == 48 * 950         ? ones[0]
                                               : 0;
        ck_assert_int_eq(sample(i), expected);
    }
    harness_suspend(h); /* padded to now */
    ck_assert_uint_eq(wav_load(48000, 1), 48 * 1050);
    harness_resume(h);
    ops->close(s);
    wav_end(h);
}
END_TEST

START_TEST(streams_are_mixed)
{
    Harness *h = wav_new(NULL);
    viv_audio_stream_t *a = open_stream(VIV_AUDIO_OUT, 48000, 2, VIV_AUDIO_S16);
    viv_audio_stream_t *b = open_stream(VIV_AUDIO_OUT, 48000, 1, VIV_AUDIO_S8);
    ops->start(a);
    int16_t left[200];
    int8_t loud[100];
    for (unsigned i = 0; i < 100; i++) {
        left[2 * i] = 20000;
        left[2 * i + 1] = -10;
        loud[i] = 0x70;
    }
    ops->write(a, left, 100);
    harness_advance_ns(h, 1 * MS);
    ops->start(b);
    ops->write(b, loud, 100);
    ck_assert_uint_eq(wav_load(48000, 2), 148);
    for (size_t i = 0; i < 148; i++) {
        int l = i < 100 ? 20000 : 0, r = i < 100 ? -10 : 0, both = i >= 48 ? 0x7000 : 0;
        ck_assert_int_eq(sample(2 * i), l + both > 32767 ? 32767 : l + both);
        ck_assert_int_eq(sample(2 * i + 1), r + both);
    }
    wav_end(h); /* with the streams open */
}
END_TEST

START_TEST(rates_formats_and_volume)
{
    Harness *h = wav_new("Rate=48000");
    viv_audio_stream_t *s = open_stream(VIV_AUDIO_OUT, 8000, 2, VIV_AUDIO_U16);
    ops->start(s);
    uint16_t in[40];
    for (unsigned i = 0; i < 20; i++) {
        in[2 * i] = (uint16_t)(0x8000 + i * 600);
        in[2 * i + 1] = 0x8000 - 6000;
    }
    ops->write(s, in, 20);
    ck_assert_uint_eq(wav_load(48000, 2), 19 * 6);
    for (size_t i = 0; i < 19 * 6; i++) { /* a ramp stays one */
        ck_assert_int_eq(sample(2 * i), (int)i * 100);
        ck_assert_int_eq(sample(2 * i + 1), -6000);
    }
    ops->close(s);
    const uint32_t gains[2] = {VIV_AUDIO_GAIN_ONE / 2, 2 * VIV_AUDIO_GAIN_ONE};
    s = open_stream(VIV_AUDIO_OUT, 48000, 2, VIV_AUDIO_S32);
    harness_advance_ns(h, 10 * MS);
    ops->start(s);
    ops->set_volume(s, 0, gains, 2);
    const int32_t one[2] = {1000 << 16, 1000 << 16};
    ops->write(s, one, 1);
    ops->set_volume(s, 1, gains, 2);
    ops->write(s, one, 1);
    ops->set_volume(s, 0, NULL, 0);
    ops->write(s, one, 1);
    ck_assert_uint_eq(wav_load(48000, 2), 483);
    ck_assert(sample(960) == 500 && sample(961) == 1000 && sample(962) == 0 && sample(963) == 0 &&
              sample(964) == 1000);
    ops->close(s);
    /* A higher rate than the file's. */
    s = open_stream(VIV_AUDIO_OUT, 96000, 1, VIV_AUDIO_S16);
    ops->start(s);
    int16_t up[97];
    for (unsigned i = 0; i < 97; i++) {
        up[i] = (int16_t)(i * 7);
    }
    ops->write(s, up, 97);
    ck_assert_uint_ge(wav_load(48000, 2), 480 + 48);
    for (size_t i = 4; i < 48; i++) {
        ck_assert_int_eq(sample(960 + 2 * i), (int)i * 14);
    }
    wav_end(h);
}
END_TEST

START_TEST(six_channels_and_capture)
{
    Harness *h = wav_new(NULL);
    viv_audio_stream_t *s = open_stream(VIV_AUDIO_OUT, 48000, 6, VIV_AUDIO_S16);
    ops->start(s);
    const int16_t frame[6] = {1, 20, 300, 4000, 5000, 600};
    ops->write(s, frame, 1);
    ck_assert_uint_eq(wav_load(48000, 2), 1);
    ck_assert(sample(0) == 5301 && sample(1) == 920);
    viv_audio_stream_t *in = open_stream(VIV_AUDIO_IN, 48000, 1, VIV_AUDIO_S16);
    ops->start(in);
    harness_advance_ns(h, 1 * MS);
    int16_t got[100] = {7};
    ck_assert_uint_eq(ops->available(in), 48);
    ck_assert_uint_eq(ops->read(in, got, 100), 48);
    ck_assert_int_eq(got[0], 0);
    ck_assert_uint_eq(wav_load(48000, 2), 1);
    wav_end(h);
}
END_TEST

START_TEST(the_end_of_four_gigabytes)
{
    WavFile f;
    char name[] = "/tmp/viv-wav-XXXXXX";
    int fd = mkstemp(name);
    ck_assert_int_ge(fd, 0);
    unlink(name);
    ck_assert_int_eq(wavfile_init(&f, fd, 48000, 2), 0);
    const int16_t samples[4] = {1, 2, 3, 4};
    uint8_t h[44];
    wavfile_mix(&f, 0xffffffd0u / 4 - 1, samples, 2); /* one frame has room */
    ck_assert_int_eq(f.broken, 0);
    ck_assert_uint_eq(f.frames, 0xffffffd0u / 4);
    wavfile_extend(&f, UINT64_MAX);
    wavfile_mix(&f, UINT64_MAX - 1, samples, 2);
    ck_assert_uint_eq(f.frames, 0xffffffd0u / 4);
    ck_assert_int_eq(pread(fd, h, sizeof(h), 0), 44);
    ck_assert_uint_eq(le(h + 40, 4), 0xffffffd0u);
    ck_assert_uint_eq(le(h + 4, 4), 0xffffffd0u + 36);
    close(fd);
}
END_TEST

START_TEST(configuration)
{
    viv_status_t st = VIV_OK;
    ck_assert_ptr_null(harness_try_new("WavAudio", NULL, &st));
    ck_assert_int_eq(st, VIV_E_CONFIG);
    ck_assert_ptr_null(harness_try_new("WavAudio", "Path=/nonexistent/x.wav", &st));
    ck_assert_int_eq(st, VIV_E_IO);
    ck_assert_ptr_null(harness_try_new("WavAudio", "Path=/dev/null,Channels=3", &st));
    ck_assert_int_eq(st, VIV_E_CONFIG);
    Harness *h = harness_create();
    ck_assert_int_eq(harness_start(h, "WavAudio", "Path=/dev/full"), VIV_E_IO);
    harness_free(h);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("wavaudio");
    TCase *tc = tcase_create("wavaudio");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, frames_land_where_they_sound);
    tcase_add_test(tc, streams_are_mixed);
    tcase_add_test(tc, rates_formats_and_volume);
    tcase_add_test(tc, six_channels_and_capture);
    tcase_add_test(tc, the_end_of_four_gigabytes);
    tcase_add_test(tc, configuration);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
