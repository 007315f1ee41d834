/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The speaker's diaphragm is up while OUT2 and the data bit both are. A frame's sample is the part
 * of it during which it was up (a box filter), computed exactly from the pulses at which OUT2
 * changes: so tones come out at their frequency, and what games play by pulse widths or by the data
 * bit alone comes out as the sound it is. */
#include "i8254_speaker.h"

#include <string.h>

#define I8254_SPEAKER_RATE 48000u
/* A frame is 105000000 / 88 / 48000 CLK pulses = 4375 parts, of which a pulse has 176. */
#define I8254_SPEAKER_FRAME   4375u
#define I8254_SPEAKER_PULSE   176u
#define I8254_SPEAKER_UP      16384 /* the sample of a whole frame with the diaphragm up; down is 0 */
#define I8254_SPEAKER_LATE_NS 1000000000u

viv_status_t i8254_speaker_open(I8254Speaker *sp, const viv_audio_ops_t *ops, void *self)
{
    const viv_audio_params_t params = {
        .size = sizeof(params),
        .direction = VIV_AUDIO_OUT,
        .rate_hz = I8254_SPEAKER_RATE,
        .channels = 1,
        .format = VIV_AUDIO_S16,
        .late_ns = I8254_SPEAKER_LATE_NS,
        .name = "PC speaker",
    };
    viv_status_t st = ops->open(self, &params, &sp->stream);
    sp->ops = st == VIV_OK ? ops : NULL;
    return st;
}

void i8254_speaker_start(I8254Speaker *sp, uint64_t now)
{
    if (sp->ops) {
        sp->from = now;
        sp->frame = 0;
        sp->filled = sp->high = sp->count = 0;
        sp->ops->start(sp->stream);
    }
}

void i8254_speaker_flush(I8254Speaker *sp)
{
    if (!sp->ops) {
        return;
    }
    uint64_t first = sp->frame - sp->count, next = sp->ops->tell(sp->stream);
    if (next < first) { /* silence since the last time */
        uint64_t gap = first - next;
        sp->ops->write(sp->stream, NULL, gap > UINT32_MAX ? UINT32_MAX : (uint32_t)gap);
        next = first;
    }
    uint64_t skip = next - first < sp->count ? next - first : sp->count;
    uint32_t count = sp->count - (uint32_t)skip;
    if (count) {
        count -= sp->ops->write(sp->stream, sp->buffer + skip, count);
    }
    sp->lost += skip + count;
    sp->count = 0;
}

/* The frame is full. Silence is not kept: a gap says as much. */
static void i8254_speaker_frame(I8254Speaker *sp)
{
    if (sp->count || sp->high) {
        sp->buffer[sp->count++] =
            (int16_t)((int32_t)sp->high * I8254_SPEAKER_UP / (int32_t)I8254_SPEAKER_FRAME);
    }
    sp->frame++;
    sp->filled = sp->high = 0;
    if (sp->count == I8254_SPEAKER_BUFFER) {
        i8254_speaker_flush(sp);
    }
}

static void i8254_speaker_down(I8254Speaker *sp, uint64_t parts)
{
    if (sp->filled + parts < I8254_SPEAKER_FRAME) {
        sp->filled += (uint32_t)parts;
        return;
    }
    parts -= I8254_SPEAKER_FRAME - sp->filled;
    i8254_speaker_frame(sp);
    uint64_t frames = parts / I8254_SPEAKER_FRAME;
    if (frames > I8254_SPEAKER_BUFFER) {
        i8254_speaker_flush(sp);
        sp->frame += frames;
        frames = 0;
    }
    for (; frames; frames--) {
        i8254_speaker_frame(sp);
    }
    sp->filled = (uint32_t)(parts % I8254_SPEAKER_FRAME);
}

static void i8254_speaker_up(I8254Speaker *sp, uint64_t parts)
{
    while (parts) {
        uint32_t room = I8254_SPEAKER_FRAME - sp->filled;
        uint32_t take = parts < room ? (uint32_t)parts : room;
        sp->filled += take;
        sp->high += take;
        parts -= take;
        if (sp->filled == I8254_SPEAKER_FRAME) {
            i8254_speaker_frame(sp);
        }
    }
}

void i8254_speaker_run(I8254Speaker *sp, I8254Channel *c, uint64_t to, uint32_t on)
{
    if (!sp->ops) {
        i8254_channel_run(c, to);
        return;
    }
    i8254_channel_run(c, to < sp->from ? to : sp->from);
    while (c->at < to) {
        uint64_t edge = on ? i8254_channel_edge(c) : UINT64_MAX;
        uint64_t end = edge < to ? edge : to;
        uint64_t parts = (end - c->at) * I8254_SPEAKER_PULSE;
        if (on && c->out) {
            i8254_speaker_up(sp, parts);
        } else {
            i8254_speaker_down(sp, parts);
        }
        i8254_channel_run(c, end);
    }
}

int i8254_speaker_is_busy(const I8254Speaker *sp, const I8254Channel *c, uint32_t on)
{
    return sp->ops &&
           (sp->count || sp->high || (on && (c->out || i8254_channel_edge(c) != UINT64_MAX)));
}
