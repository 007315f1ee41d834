/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* audioclock: what audio drivers share - a stream's parameters, its place on the virtual clock, and
 * its samples as 16 bits with the volume applied. Knows no file and no sound server. */
#ifndef AUDIOCLOCK_H
#define AUDIOCLOCK_H

#include <viv/driver.h>
#include <viv/interfaces.h>

typedef struct AudioClock {
    viv_audio_params_t params;
    uint32_t frame_bytes;
    uint32_t running;
    uint32_t muted;
    uint32_t gain[VIV_AUDIO_CHANNELS]; /* of VIV_AUDIO_GAIN_ONE */
    uint64_t start_ns;
    uint64_t next; /* the frame that is written or read next, counted from the start */
} AudioClock;

/* Takes the parameters, defaults in the place of zeros. VIV_E_INVALID: not such as the interface
 * has. */
viv_status_t audioclock_init(AudioClock *c, const viv_audio_params_t *params);
void audioclock_start(AudioClock *c, uint64_t now_ns);
void audioclock_stop(AudioClock *c);
void audioclock_volume(AudioClock *c, uint32_t muted, const uint32_t *gains, uint32_t count);
/* What has become too late to be written is silence, what nobody has read is lost: moves `next`.
 * Returns by how many frames. */
uint64_t audioclock_settle(AudioClock *c, uint64_t now_ns);
/* Frames that may be written, or are there to be read; settle first. */
uint32_t audioclock_room(const AudioClock *c, uint64_t now_ns);
/* `count` frames in which nothing is to be heard. */
void audioclock_silence(const AudioClock *c, void *frames, uint32_t count);
/* One sample of channel `channel` of the frame at `frame`. */
int32_t audioclock_sample(const AudioClock *c, const uint8_t *frame, uint32_t channel);

#endif
