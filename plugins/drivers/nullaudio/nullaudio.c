/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* NullAudio: an audio back end that nobody hears. It takes and gives frames at the pace of the
 * virtual clock, so that a guest's sound card runs as with a real one; what it gives is silence. */
#include "../audioclock/audioclock.h"

#include <stdlib.h>
#include <string.h>

typedef struct NullAudio {
    viv_drv_t *drv;
    viv_audio_stream_t *streams;
} NullAudio;

struct viv_audio_stream {
    viv_audio_stream_t *next;
    AudioClock clock;
    viv_drv_t *drv;
    NullAudio *owner;
};

static uint64_t nullaudio_now(const viv_audio_stream_t *s)
{
    return s->drv->api->time_ns(s->drv);
}

static viv_status_t nullaudio_open(void *self, const viv_audio_params_t *params,
                                   viv_audio_stream_t **ret_stream)
{
    NullAudio *null = self;
    viv_drv_t *drv = null->drv;
    viv_audio_stream_t *s = calloc(1, sizeof(*s));
    if (!s) {
        return VIV_E_NOMEM;
    }
    viv_status_t st = audioclock_init(&s->clock, params);
    if (st != VIV_OK) {
        free(s);
        return drv->api->fail(drv, st, "a stream with such parameters cannot be opened");
    }
    s->drv = drv;
    s->owner = null;
    s->next = null->streams;
    null->streams = s;
    *ret_stream = s;
    return VIV_OK;
}

static void nullaudio_close(viv_audio_stream_t *s)
{
    if (!s) {
        return;
    }
    viv_audio_stream_t **at = &s->owner->streams;
    while (*at && *at != s) {
        at = &(*at)->next;
    }
    if (*at) {
        *at = s->next;
    }
    free(s);
}

static void nullaudio_start(viv_audio_stream_t *s)
{
    audioclock_start(&s->clock, nullaudio_now(s));
}

static void nullaudio_stop(viv_audio_stream_t *s)
{
    audioclock_stop(&s->clock);
}

static uint64_t nullaudio_tell(viv_audio_stream_t *s)
{
    audioclock_settle(&s->clock, nullaudio_now(s));
    return s->clock.next;
}

static uint32_t nullaudio_available(viv_audio_stream_t *s)
{
    nullaudio_tell(s);
    return audioclock_room(&s->clock, nullaudio_now(s));
}

static uint32_t nullaudio_write(viv_audio_stream_t *s, const void *frames, uint32_t count)
{
    uint32_t room = s->clock.params.direction == VIV_AUDIO_OUT ? nullaudio_available(s) : 0;
    (void)frames;
    count = count < room ? count : room;
    s->clock.next += count;
    return count;
}

static uint32_t nullaudio_read(viv_audio_stream_t *s, void *frames, uint32_t count)
{
    uint32_t room = s->clock.params.direction == VIV_AUDIO_IN ? nullaudio_available(s) : 0;
    count = count < room ? count : room;
    audioclock_silence(&s->clock, frames, count);
    s->clock.next += count;
    return count;
}

static void nullaudio_set_volume(viv_audio_stream_t *s, uint32_t muted, const uint32_t *gains,
                                 uint32_t count)
{
    audioclock_volume(&s->clock, muted, gains, count);
}

static const viv_audio_ops_t nullaudio_ops = {
    .size = sizeof(viv_audio_ops_t),
    .open = nullaudio_open,
    .close = nullaudio_close,
    .start = nullaudio_start,
    .stop = nullaudio_stop,
    .tell = nullaudio_tell,
    .available = nullaudio_available,
    .write = nullaudio_write,
    .read = nullaudio_read,
    .set_volume = nullaudio_set_volume,
};

/* [main] */
static viv_status_t nullaudio_construct(viv_drv_t *drv, void *self)
{
    ((NullAudio *)self)->drv = drv;
    return VIV_OK;
}

/* [main] */
static void nullaudio_destruct(viv_drv_t *drv, void *self)
{
    NullAudio *null = self;
    (void)drv;
    while (null->streams) {
        nullaudio_close(null->streams);
    }
}

/* [main] */
static viv_status_t nullaudio_query_interface(viv_drv_t *drv, void *self, const char *id,
                                              viv_iface_t *ret_iface)
{
    (void)drv;
    if (strcmp(id, VIV_AUDIO_ID) != 0) {
        return VIV_E_NOT_FOUND;
    }
    *ret_iface = (viv_iface_t){&nullaudio_ops, self};
    return VIV_OK;
}

static const viv_driver_class_t nullaudio_class = {
    VIV_DRIVER_CLASS_HEAD,
    .name = "NullAudio",
    .summary = "sound that nobody hears, at the pace of the machine",
    .instance_size = sizeof(NullAudio),
    .construct = nullaudio_construct,
    .destruct = nullaudio_destruct,
    .query_interface = nullaudio_query_interface,
};

VIV_PLUGIN("org.vivarium.nullaudio", "1.0", "LGPL-2.1-or-later", "sound that nobody hears",
           &nullaudio_class);
