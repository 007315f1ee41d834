/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* WavAudio: what a device plays goes to a WAV file of 16-bit samples.
 *
 * The file's time is the virtual clock's, from the first start of a stream on: a frame lands where
 * it sounds, whatever lies between is silence (a hole in the file), and streams that sound together
 * are mixed. Frames of other rates are interpolated. The header says after every write what the
 * file then has, so that one whose machine has crashed plays as well. What is recorded is silence.
 * Follows: Multimedia Programming Interface and Data Specifications 1.0, RIFF WAVE. */
#include "wavfile.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../audioclock/audioclock.h"

#define WAVAUDIO_SECOND_NS 1000000000ull
#define WAVAUDIO_CHUNK     1024u

typedef struct WavAudio {
    /* config */
    const char *path;
    uint32_t rate_hz;
    uint8_t channels;
    /* host resources */
    viv_drv_t *drv;
    pthread_mutex_t lock;
    uint8_t ready, started;
    uint64_t origin_ns; /* the file's first frame */
    WavFile file;
    viv_audio_stream_t *streams;
} WavAudio;

struct viv_audio_stream {
    viv_audio_stream_t *next;
    AudioClock clock;
    WavAudio *wav;
    uint64_t base;   /* frame of the file at which the stream's first sounds */
    int32_t last[2]; /* the frame before clock.next, for the file's channels */
    int16_t out[WAVAUDIO_CHUNK * 2];
    uint64_t out_at; /* frame of the file of out[0] */
    uint32_t out_count;
};

static const viv_option_t wavaudio_options[] = {
    VIV_OPT_STRING(WavAudio, "Path", path, NULL, "WAV file that takes the sound"),
    VIV_OPT_NAMED(WavAudio, "Rate", rate_hz, VIV_U32, 8000, 192000, 48000,
                  "Frames a second of the file"),
    VIV_OPT_NAMED(WavAudio, "Channels", channels, VIV_U8, 1, 2, 2, "Channels of the file: 1 or 2"),
    {0},
};

static uint64_t wavaudio_now(const WavAudio *w)
{
    return w->drv->api->time_ns(w->drv);
}

/* -- from a stream to the file --------------------------------------------------------------- */

static void wavaudio_flush(viv_audio_stream_t *s)
{
    WavAudio *w = s->wav;
    int broken = w->file.broken;
    wavfile_mix(&w->file, s->out_at, s->out, s->out_count);
    if (w->file.broken && !broken) {
        w->drv->api->log(w->drv, VIV_LOG_WARN, "%s: %s: no more sound is written", w->path,
                         strerror(w->file.broken));
    }
    s->out_at += s->out_count;
    s->out_count = 0;
}

/* The next frame of the output buffer is frame `at` of the file. */
static void wavaudio_seek(viv_audio_stream_t *s, uint64_t at)
{
    if (at != s->out_at + s->out_count) {
        wavaudio_flush(s);
        s->out_at = at;
    }
}

static void wavaudio_put(viv_audio_stream_t *s, const int32_t *frame)
{
    uint32_t channels = s->wav->channels;
    for (uint32_t i = 0; i < channels; i++) {
        s->out[s->out_count * channels + i] = wavfile_clip(frame[i]);
    }
    if (++s->out_count == WAVAUDIO_CHUNK) {
        wavaudio_flush(s);
    }
}

/* Frames of the file before the stream's n-th. */
static uint64_t wavaudio_file_frames(const viv_audio_stream_t *s, uint64_t n)
{
    uint64_t in = s->clock.params.rate_hz, out = s->wav->rate_hz;
    return (uint64_t)(((unsigned __int128)n * out + in - 1) / in);
}

/* The stream's frame clock.next: gives the file's frames between the one before and this one. */
static void wavaudio_frame(viv_audio_stream_t *s, const int32_t *frame)
{
    uint64_t n = s->clock.next++, in = s->clock.params.rate_hz, out = s->wav->rate_hz;
    uint64_t at = n ? wavaudio_file_frames(s, n - 1) : 0;
    uint64_t end = wavaudio_file_frames(s, n);
    if (in == out) {
        wavaudio_seek(s, s->base + n);
        wavaudio_put(s, frame);
        return;
    }
    wavaudio_seek(s, s->base + at);
    for (; at < end; at++) {
        int64_t part = (int64_t)((unsigned __int128)at * in - (unsigned __int128)(n - 1) * out);
        int32_t mixed[2];
        for (uint32_t i = 0; i < 2; i++) {
            int64_t step = (int64_t)(frame[i] - s->last[i]) * part / (int64_t)out;
            mixed[i] = s->last[i] + (int32_t)step;
        }
        wavaudio_put(s, mixed);
    }
    memcpy(s->last, frame, sizeof(s->last));
}

/* count frames of the stream without sound. */
static void wavaudio_gap(viv_audio_stream_t *s, uint64_t count)
{
    static const int32_t silence[2] = {0, 0};
    if (count) { /* the last frame fades into the gap */
        wavaudio_frame(s, silence);
        s->clock.next += count - 1;
        memset(s->last, 0, sizeof(s->last));
    }
}

/* All channels of a frame to the file's two, or one: front and back to their sides, the centre to
 * both, no low-frequency effects. */
static void wavaudio_downmix(const viv_audio_stream_t *s, const uint8_t *frame, int32_t *ret_mix)
{
    static const uint8_t sides[VIV_AUDIO_CHANNELS] = {1, 2, 3, 0, 1, 2, 1, 2};
    uint32_t channels = s->clock.params.channels;
    ret_mix[0] = ret_mix[1] = 0;
    for (uint32_t i = 0; i < channels; i++) {
        int32_t sample = audioclock_sample(&s->clock, frame, i);
        uint32_t side = channels == 1 ? 3 : sides[i];
        ret_mix[0] += side & 1 ? sample : 0;
        ret_mix[1] += side & 2 ? sample : 0;
    }
    if (s->wav->channels == 1) {
        ret_mix[0] = (ret_mix[0] + ret_mix[1]) / 2;
    }
}

/* -- viv.audio/1 ----------------------------------------------------------------------------- */

static void wavaudio_settle(viv_audio_stream_t *s)
{
    uint64_t missed = audioclock_settle(&s->clock, wavaudio_now(s->wav));
    if (missed && s->clock.params.direction == VIV_AUDIO_OUT) {
        s->clock.next -= missed;
        wavaudio_gap(s, missed);
    }
}

static viv_status_t wavaudio_open(void *self, const viv_audio_params_t *params,
                                  viv_audio_stream_t **ret_stream)
{
    WavAudio *w = self;
    viv_audio_stream_t *s = calloc(1, sizeof(*s));
    if (!s) {
        return VIV_E_NOMEM;
    }
    viv_status_t st = audioclock_init(&s->clock, params);
    if (st != VIV_OK) {
        free(s);
        return w->drv->api->fail(w->drv, st, "a stream with such parameters cannot be opened");
    }
    s->wav = w;
    pthread_mutex_lock(&w->lock);
    s->next = w->streams;
    w->streams = s;
    pthread_mutex_unlock(&w->lock);
    *ret_stream = s;
    return VIV_OK;
}

static void wavaudio_close(viv_audio_stream_t *s)
{
    if (!s) {
        return;
    }
    WavAudio *w = s->wav;
    pthread_mutex_lock(&w->lock);
    wavaudio_flush(s);
    viv_audio_stream_t **at = &w->streams;
    while (*at && *at != s) {
        at = &(*at)->next;
    }
    if (*at) {
        *at = s->next;
    }
    pthread_mutex_unlock(&w->lock);
    free(s);
}

static void wavaudio_start(viv_audio_stream_t *s)
{
    WavAudio *w = s->wav;
    uint64_t now_ns = wavaudio_now(w);
    pthread_mutex_lock(&w->lock);
    if (!w->started) {
        w->started = 1;
        w->origin_ns = now_ns;
    }
    wavaudio_flush(s);
    audioclock_start(&s->clock, now_ns);
    uint64_t since_ns = now_ns > w->origin_ns ? now_ns - w->origin_ns : 0;
    s->base = (uint64_t)((unsigned __int128)since_ns * w->rate_hz / WAVAUDIO_SECOND_NS);
    s->out_at = s->base;
    memset(s->last, 0, sizeof(s->last));
    pthread_mutex_unlock(&w->lock);
}

static void wavaudio_stop(viv_audio_stream_t *s)
{
    pthread_mutex_lock(&s->wav->lock);
    wavaudio_flush(s);
    audioclock_stop(&s->clock);
    pthread_mutex_unlock(&s->wav->lock);
}

static uint64_t wavaudio_tell(viv_audio_stream_t *s)
{
    pthread_mutex_lock(&s->wav->lock);
    wavaudio_settle(s);
    uint64_t next = s->clock.next;
    pthread_mutex_unlock(&s->wav->lock);
    return next;
}

static uint32_t wavaudio_available(viv_audio_stream_t *s)
{
    pthread_mutex_lock(&s->wav->lock);
    wavaudio_settle(s);
    uint32_t room = audioclock_room(&s->clock, wavaudio_now(s->wav));
    pthread_mutex_unlock(&s->wav->lock);
    return room;
}

static uint32_t wavaudio_write(viv_audio_stream_t *s, const void *frames, uint32_t count)
{
    const uint8_t *at = frames;
    pthread_mutex_lock(&s->wav->lock);
    wavaudio_settle(s);
    uint32_t room = s->clock.params.direction == VIV_AUDIO_OUT
                        ? audioclock_room(&s->clock, wavaudio_now(s->wav))
                        : 0;
    count = count < room ? count : room;
    if (!at) {
        wavaudio_gap(s, count);
    }
    for (uint32_t i = 0; i < count && at; i++, at += s->clock.frame_bytes) {
        int32_t mix[2];
        wavaudio_downmix(s, at, mix);
        wavaudio_frame(s, mix);
    }
    wavaudio_flush(s);
    pthread_mutex_unlock(&s->wav->lock);
    return count;
}

static uint32_t wavaudio_read(viv_audio_stream_t *s, void *frames, uint32_t count)
{
    pthread_mutex_lock(&s->wav->lock);
    wavaudio_settle(s);
    uint32_t room = s->clock.params.direction == VIV_AUDIO_IN
                        ? audioclock_room(&s->clock, wavaudio_now(s->wav))
                        : 0;
    count = count < room ? count : room;
    audioclock_silence(&s->clock, frames, count);
    s->clock.next += count;
    pthread_mutex_unlock(&s->wav->lock);
    return count;
}

static void wavaudio_set_volume(viv_audio_stream_t *s, uint32_t muted, const uint32_t *gains,
                                uint32_t count)
{
    pthread_mutex_lock(&s->wav->lock);
    audioclock_volume(&s->clock, muted, gains, count);
    pthread_mutex_unlock(&s->wav->lock);
}

static const viv_audio_ops_t wavaudio_ops = {
    .size = sizeof(viv_audio_ops_t),
    .open = wavaudio_open,
    .close = wavaudio_close,
    .start = wavaudio_start,
    .stop = wavaudio_stop,
    .tell = wavaudio_tell,
    .available = wavaudio_available,
    .write = wavaudio_write,
    .read = wavaudio_read,
    .set_volume = wavaudio_set_volume,
};

/* -- life ------------------------------------------------------------------------------------ */

/* [main] The silence at the end belongs to the file. */
static void wavaudio_pad(viv_drv_t *drv, void *self)
{
    WavAudio *w = self;
    (void)drv;
    pthread_mutex_lock(&w->lock);
    uint64_t now_ns = wavaudio_now(w);
    if (w->started && now_ns > w->origin_ns) {
        wavfile_extend(&w->file, (uint64_t)((unsigned __int128)(now_ns - w->origin_ns) *
                                            w->rate_hz / WAVAUDIO_SECOND_NS));
    }
    pthread_mutex_unlock(&w->lock);
}

/* [main] */
static viv_status_t wavaudio_construct(viv_drv_t *drv, void *self)
{
    WavAudio *w = self;
    w->drv = drv;
    w->file.fd = -1;
    if (!w->path || !*w->path) {
        return drv->api->fail(drv, VIV_E_CONFIG, "Path names no file");
    }
    if (pthread_mutex_init(&w->lock, NULL)) {
        return VIV_E_NOMEM;
    }
    w->ready = 1;
    int fd = open(w->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0 || wavfile_init(&w->file, fd, w->rate_hz, w->channels) < 0) {
        return drv->api->fail(drv, VIV_E_IO, "Path %s: %s", w->path, strerror(errno));
    }
    return VIV_OK;
}

/* [main] */
static void wavaudio_destruct(viv_drv_t *drv, void *self)
{
    WavAudio *w = self;
    (void)drv;
    if (!w->ready) {
        return; /* not even the file was opened */
    }
    while (w->streams) {
        wavaudio_close(w->streams);
    }
    if (w->file.fd >= 0) {
        close(w->file.fd);
    }
    pthread_mutex_destroy(&w->lock);
}

/* [main] */
static viv_status_t wavaudio_query_interface(viv_drv_t *drv, void *self, const char *id,
                                             viv_iface_t *ret_iface)
{
    (void)drv;
    if (strcmp(id, VIV_AUDIO_ID) != 0) {
        return VIV_E_NOT_FOUND;
    }
    *ret_iface = (viv_iface_t){&wavaudio_ops, self};
    return VIV_OK;
}

static const viv_driver_class_t wavaudio_class = {
    VIV_DRIVER_CLASS_HEAD,
    .name = "WavAudio",
    .summary = "sound to a WAV file",
    .instance_size = sizeof(WavAudio),
    .options = wavaudio_options,
    .construct = wavaudio_construct,
    .destruct = wavaudio_destruct,
    .query_interface = wavaudio_query_interface,
    .suspend = wavaudio_pad,
    .power_off = wavaudio_pad,
};

VIV_PLUGIN("org.vivarium.wavaudio", "1.0", "LGPL-2.1-or-later", "sound to a WAV file",
           &wavaudio_class);
