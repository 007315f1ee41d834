/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* i8254: the PC speaker, from edges of OUT2 to 48 kHz samples. */
#ifndef I8254_SPEAKER_H
#define I8254_SPEAKER_H

#include <viv/interfaces.h>

#include "i8254_channel.h"

#define I8254_SPEAKER_BUFFER 512u

typedef struct I8254Speaker {
    const viv_audio_ops_t *ops; /* NULL: nobody listens, and nothing is computed */
    viv_audio_stream_t *stream;
    uint64_t from;   /* the pulse at which the stream has started */
    uint64_t frame;  /* the frame that is being filled, counted from the stream's start */
    uint32_t filled; /* how much of it has passed, of I8254_SPEAKER_FRAME */
    uint32_t high;   /* for how much of that the speaker was up */
    uint32_t count;  /* finished frames in the buffer: those before `frame` */
    int16_t buffer[I8254_SPEAKER_BUFFER];
    uint64_t lost; /* frames that the driver did not take */
} I8254Speaker;

/* Opens the stream, which the driver closes. */
viv_status_t i8254_speaker_open(I8254Speaker *sp, const viv_audio_ops_t *ops, void *self);
/* Time begins (again) at pulse `now`: what was is forgotten. */
void i8254_speaker_start(I8254Speaker *sp, uint64_t now);
/* Runs counter 2 to pulse `to`, and the speaker with it. on: its data bit (port 61h, bit 1). */
void i8254_speaker_run(I8254Speaker *sp, I8254Channel *c, uint64_t to, uint32_t on);
/* Hands the finished frames over. */
void i8254_speaker_flush(I8254Speaker *sp);
/* 0: all there is to hear from now on is silence, until something changes. */
int i8254_speaker_is_busy(const I8254Speaker *sp, const I8254Channel *c, uint32_t on);

#endif
