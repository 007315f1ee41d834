/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wavfile.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define WAVFILE_HEADER    44u
#define WAVFILE_MAX_BYTES 0xffffffd0u /* of samples: sizes are 32 bits */
#define WAVFILE_BATCH     2048u       /* samples */

int16_t wavfile_clip(int32_t sample)
{
    return (int16_t)(sample > INT16_MAX ? INT16_MAX : sample < INT16_MIN ? INT16_MIN : sample);
}

static void wavfile_le(uint8_t *at, uint32_t value, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++) {
        at[i] = (uint8_t)(value >> (8 * i));
    }
}

static uint64_t wavfile_offset(const WavFile *f, uint64_t frame)
{
    return WAVFILE_HEADER + frame * f->channels * 2;
}

/* 0, or -1 and errno. */
static int wavfile_pwrite(WavFile *f, const void *data, size_t len, uint64_t off)
{
    const uint8_t *at = data;
    while (len) {
        ssize_t n = pwrite(f->fd, at, len, (off_t)off);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            f->broken = n < 0 ? errno : ENOSPC;
            return -1;
        }
        at += n;
        off += (uint64_t)n;
        len -= (size_t)n;
    }
    return 0;
}

static int wavfile_header(WavFile *f)
{
    uint8_t h[WAVFILE_HEADER] = "RIFF....WAVEfmt ";
    uint32_t data = (uint32_t)(f->frames * f->channels * 2);
    wavfile_le(h + 4, data + WAVFILE_HEADER - 8, 4);
    wavfile_le(h + 16, 16, 4);
    wavfile_le(h + 20, 1, 2); /* PCM */
    wavfile_le(h + 22, f->channels, 2);
    wavfile_le(h + 24, f->rate_hz, 4);
    wavfile_le(h + 28, f->rate_hz * f->channels * 2, 4);
    wavfile_le(h + 32, f->channels * 2, 2);
    wavfile_le(h + 34, 16, 2);
    memcpy(h + 36, "data", 4);
    wavfile_le(h + 40, data, 4);
    return wavfile_pwrite(f, h, sizeof(h), 0);
}

int wavfile_init(WavFile *f, int fd, uint32_t rate_hz, uint32_t channels)
{
    *f = (WavFile){.fd = fd, .channels = channels, .rate_hz = rate_hz};
    return wavfile_header(f);
}

static uint64_t wavfile_room(const WavFile *f)
{
    return WAVFILE_MAX_BYTES / (f->channels * 2);
}

/* Mixes up to a batch of samples with what the file has there. */
static int wavfile_mix_batch(WavFile *f, uint64_t off, const int16_t *samples, uint32_t count)
{
    uint8_t bytes[WAVFILE_BATCH * 2] = {0};
    if (off < wavfile_offset(f, f->frames) &&
        pread(f->fd, bytes, count * 2, (off_t)off) < 0) { /* what is missing stays silence */
        f->broken = errno;
        return -1;
    }
    for (uint32_t i = 0; i < count; i++) {
        int32_t there = (int16_t)(bytes[2 * i] | bytes[2 * i + 1] << 8);
        wavfile_le(bytes + 2 * i, (uint16_t)wavfile_clip(there + samples[i]), 2);
    }
    return wavfile_pwrite(f, bytes, count * 2, off);
}

void wavfile_mix(WavFile *f, uint64_t at, const int16_t *samples, uint32_t count)
{
    uint64_t room = wavfile_room(f);
    if (f->broken || !count || at >= room) {
        return;
    }
    count = count > room - at ? (uint32_t)(room - at) : count;
    uint64_t off = wavfile_offset(f, at);
    for (uint32_t left = count * f->channels; left;) {
        uint32_t batch = left < WAVFILE_BATCH ? left : WAVFILE_BATCH;
        if (wavfile_mix_batch(f, off, samples, batch) < 0) {
            return;
        }
        samples += batch;
        off += batch * 2;
        left -= batch;
    }
    if (at + count > f->frames) { /* the samples are there before the header tells of them */
        f->frames = at + count;
        wavfile_header(f);
    }
}

void wavfile_extend(WavFile *f, uint64_t frames)
{
    uint64_t room = wavfile_room(f);
    frames = frames > room ? room : frames;
    if (f->broken || frames <= f->frames) {
        return;
    }
    if (ftruncate(f->fd, (off_t)wavfile_offset(f, frames)) < 0) {
        f->broken = errno;
        return;
    }
    f->frames = frames;
    wavfile_header(f);
}
