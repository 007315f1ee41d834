/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* wavaudio: a WAV file of 16-bit samples whose header is right after every write. */
#ifndef WAVFILE_H
#define WAVFILE_H

#include <stdint.h>

typedef struct WavFile {
    int fd;     /* the owner closes it */
    int broken; /* the errno that ended it */
    uint32_t channels;
    uint32_t rate_hz;
    uint64_t frames; /* it has */
} WavFile;

/* An empty file in fd. -1 and errno on failure. */
int wavfile_init(WavFile *f, int fd, uint32_t rate_hz, uint32_t channels);
/* Adds `count` frames to what is at frame `at`; beyond the end there is silence. What a WAV file
 * has no room for (4 GiB) is dropped. */
void wavfile_mix(WavFile *f, uint64_t at, const int16_t *samples, uint32_t count);
/* At least so many frames. */
void wavfile_extend(WavFile *f, uint64_t frames);
int16_t wavfile_clip(int32_t sample);

#endif
