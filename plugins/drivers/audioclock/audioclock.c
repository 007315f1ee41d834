/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A stream on the virtual clock: frame n sounds at start + n / rate, whenever it was written. */
#include "audioclock.h"

#include <string.h>

#define AUDIOCLOCK_SECOND_NS     1000000000ull
#define AUDIOCLOCK_MARGIN_NS     100000000u /* the default of late_ns and ahead_ns */
#define AUDIOCLOCK_MARGIN_MAX_NS 2000000000u

static const uint8_t audioclock_bytes[] = {
    [VIV_AUDIO_U8] = 1,  [VIV_AUDIO_S8] = 1,  [VIV_AUDIO_U16] = 2,
    [VIV_AUDIO_S16] = 2, [VIV_AUDIO_U32] = 4, [VIV_AUDIO_S32] = 4,
};

viv_status_t audioclock_init(AudioClock *c, const viv_audio_params_t *params)
{
    memset(c, 0, sizeof(*c));
    memcpy(&c->params, params, params->size < sizeof(c->params) ? params->size : sizeof(c->params));
    const viv_audio_params_t *p = &c->params;
    if (p->direction > VIV_AUDIO_IN || p->format >= sizeof(audioclock_bytes) ||
        p->rate_hz < VIV_AUDIO_RATE_MIN || p->rate_hz > VIV_AUDIO_RATE_MAX || !p->channels ||
        p->channels > VIV_AUDIO_CHANNELS || p->late_ns > AUDIOCLOCK_MARGIN_MAX_NS ||
        p->ahead_ns > AUDIOCLOCK_MARGIN_MAX_NS) {
        return VIV_E_INVALID;
    }
    c->params.late_ns = p->late_ns ? p->late_ns : AUDIOCLOCK_MARGIN_NS;
    c->params.ahead_ns = p->ahead_ns ? p->ahead_ns : AUDIOCLOCK_MARGIN_NS;
    c->params.name = NULL; /* was borrowed */
    c->frame_bytes = audioclock_bytes[p->format] * p->channels;
    audioclock_volume(c, 0, NULL, 0);
    return VIV_OK;
}

void audioclock_start(AudioClock *c, uint64_t now_ns)
{
    c->running = 1;
    c->start_ns = now_ns;
    c->next = 0;
}

void audioclock_stop(AudioClock *c)
{
    c->running = 0;
}

void audioclock_volume(AudioClock *c, uint32_t muted, const uint32_t *gains, uint32_t count)
{
    c->muted = muted;
    for (uint32_t i = 0; i < VIV_AUDIO_CHANNELS; i++) {
        uint32_t gain = i < count ? gains[i] : VIV_AUDIO_GAIN_ONE;
        c->gain[i] = gain > VIV_AUDIO_GAIN_ONE ? VIV_AUDIO_GAIN_ONE : gain;
    }
}

static uint64_t audioclock_frames(const AudioClock *c, uint64_t ns)
{
    return (uint64_t)((unsigned __int128)ns * c->params.rate_hz / AUDIOCLOCK_SECOND_NS);
}

static uint64_t audioclock_elapsed(const AudioClock *c, uint64_t now_ns)
{
    return c->running && now_ns > c->start_ns ? now_ns - c->start_ns : 0;
}

uint64_t audioclock_settle(AudioClock *c, uint64_t now_ns)
{
    uint64_t elapsed_ns = audioclock_elapsed(c, now_ns);
    uint64_t late_ns = c->params.late_ns;
    uint64_t due = elapsed_ns > late_ns ? audioclock_frames(c, elapsed_ns - late_ns) : 0;
    uint64_t moved = due > c->next ? due - c->next : 0;
    c->next += moved;
    return moved;
}

uint32_t audioclock_room(const AudioClock *c, uint64_t now_ns)
{
    uint64_t ns = audioclock_elapsed(c, now_ns);
    if (!c->running) {
        return 0;
    }
    if (c->params.direction == VIV_AUDIO_OUT) {
        ns += c->params.ahead_ns;
    }
    uint64_t end = audioclock_frames(c, ns);
    uint64_t room = end > c->next ? end - c->next : 0;
    return room > UINT32_MAX ? UINT32_MAX : (uint32_t)room;
}

static uint32_t audioclock_bias(const AudioClock *c)
{
    uint32_t format = c->params.format;
    return format == VIV_AUDIO_U8 || format == VIV_AUDIO_U16 || format == VIV_AUDIO_U32 ? 0x80 : 0;
}

void audioclock_silence(const AudioClock *c, void *frames, uint32_t count)
{
    uint32_t bytes = audioclock_bytes[c->params.format];
    uint8_t *at = frames;
    for (size_t i = 0; i < (size_t)count * c->params.channels; i++, at += bytes) {
        memset(at, 0, bytes);
        at[bytes - 1] = (uint8_t)audioclock_bias(c);
    }
}

int32_t audioclock_sample(const AudioClock *c, const uint8_t *frame, uint32_t channel)
{
    uint32_t bytes = audioclock_bytes[c->params.format];
    uint32_t raw = 0;
    if (c->muted) {
        return 0;
    }
    for (uint32_t i = 0; i < bytes; i++) { /* the topmost byte to the top */
        raw |= (uint32_t)frame[channel * bytes + i] << (8 * (4 - bytes + i));
    }
    raw ^= audioclock_bias(c) << 24;
    int32_t sample = (int32_t)raw >> 16;
    return (int32_t)((int64_t)sample * c->gain[channel] / (int32_t)VIV_AUDIO_GAIN_ONE);
}
