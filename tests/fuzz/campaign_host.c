/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The machine around a campaign's device: options and LUNs of each episode, and what the host does
 * meanwhile: media that fail and change, back ends that are full, saves and loads, resets, host
 * calls that fail. */
#include "campaign.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- finding out ----------------------------------------------------------------------------- */

static const CampaignHints *campaign_known(void)
{
    return &campaign_hints;
}

static uint32_t campaign_has_flag(uint32_t flag)
{
    return campaign_known() && campaign_known()->flags & flag;
}

static int campaign_class_allowed(const char *name)
{
    const char *const *only = campaign_known() ? campaign_known()->classes : NULL;
    while (only && *only && strcmp(*only, name)) {
        only++;
    }
    return !only || *only;
}

static void campaign_probe(Campaign *c, CampaignClass *cls)
{
    const char *id;
    Harness *h = c->h = harness_create();
    harness_lun_probe(h);
    if (campaign_known() && campaign_known()->setup) {
        campaign_known()->setup(c, cls->name, 0);
    }
    const char *const *options = campaign_known() ? campaign_known()->options : NULL;
    harness_start(h, cls->name, options ? options[0] : NULL); /* what it asks for counts */
    while (cls->want_count < CAMPAIGN_WANTS) {
        CampaignWant *w = &cls->wants[cls->want_count];
        if (!harness_lun_wanted(h, cls->want_count, &w->lun, &id)) {
            break;
        }
        snprintf(w->id, sizeof w->id, "%s", id);
        cls->want_count++;
    }
    harness_free(h);
    c->h = NULL;
}

void campaign_discover(Campaign *c)
{
    Harness *h = harness_create();
    const viv_plugin_t *plugin = harness_plugin(h);
    for (uint32_t i = 0; i < plugin->class_count && c->class_count < CAMPAIGN_CLASSES; i++) {
        const viv_class_t *cls = plugin->classes[i];
        if (cls->kind == VIV_KIND_DEVICE && campaign_class_allowed(cls->name)) {
            c->classes[c->class_count++] =
                (CampaignClass){.name = cls->name, .cls = plugin->classes[i]};
        }
    }
    harness_free(h);
    if (!c->class_count) {
        campaign_fail(c, "the plugin has no device class");
    }
    for (unsigned i = 0; i < c->class_count; i++) {
        campaign_probe(c, &c->classes[i]);
    }
}

/* -- fake drivers that take anything --------------------------------------------------------- */

static uint64_t campaign_frames;

static viv_status_t campaign_audio_open(void *self, const viv_audio_params_t *params,
                                        viv_audio_stream_t **ret_stream)
{
    (void)params;
    *ret_stream = self;
    return VIV_OK;
}
static void campaign_audio_start(viv_audio_stream_t *stream)
{
    (void)stream;
    campaign_frames = 0;
}
static void campaign_audio_stop(viv_audio_stream_t *stream)
{
    (void)stream;
}
static uint64_t campaign_audio_tell(viv_audio_stream_t *stream)
{
    (void)stream;
    return campaign_frames;
}
static uint32_t campaign_audio_available(viv_audio_stream_t *stream)
{
    (void)stream;
    return (uint32_t)(campaign_frames % 480);
}
static uint32_t campaign_audio_write(viv_audio_stream_t *stream, const void *frames, uint32_t count)
{
    (void)stream, (void)frames;
    count = campaign_frames % 7 ? count : count / 2;
    campaign_frames += count;
    return count;
}
static const viv_audio_ops_t campaign_audio = {.size = sizeof(viv_audio_ops_t),
                                               .open = campaign_audio_open,
                                               .close = campaign_audio_stop,
                                               .start = campaign_audio_start,
                                               .stop = campaign_audio_stop,
                                               .tell = campaign_audio_tell,
                                               .available = campaign_audio_available,
                                               .write = campaign_audio_write};

/* Status and readiness change with events of the campaign's only, of which the port is told
 * (campaign_roles.c): a load asks for both. */
uint8_t campaign_plug_status, campaign_plug_ready;
static uint8_t campaign_plug_count; /* makes the answers of cycles differ */
static void campaign_plug_data(void *self, uint8_t value, uint32_t output)
{
    (void)self, (void)value, (void)output;
}
static void campaign_plug_control(void *self, uint8_t value)
{
    (void)self, (void)value;
}
static uint8_t campaign_plug_byte(void *self)
{
    (void)self;
    return campaign_plug_status;
}
static viv_status_t campaign_epp_write(void *self, uint32_t address, uint8_t value)
{
    (void)self, (void)address;
    return value & 1 ? VIV_OK : VIV_E_TIMEOUT;
}
static viv_status_t campaign_epp_read(void *self, uint32_t address, uint8_t *ret_value)
{
    (void)self, (void)address;
    *ret_value = campaign_plug_count++;
    return campaign_plug_count & 1 ? VIV_OK : VIV_E_TIMEOUT;
}
static uint32_t campaign_ecp_write(void *self, uint8_t value, uint32_t command)
{
    (void)self, (void)value, (void)command;
    return campaign_plug_ready;
}
static uint32_t campaign_ecp_read(void *self, uint8_t *ret_value, uint32_t *ret_command)
{
    (void)self;
    *ret_value = campaign_plug_count++;
    *ret_command = campaign_plug_count & 2;
    return campaign_plug_ready;
}
static const viv_parallel_ops_t campaign_parallel = {.size = sizeof(viv_parallel_ops_t),
                                                     .write_data = campaign_plug_data,
                                                     .read_data = campaign_plug_byte,
                                                     .write_control = campaign_plug_control,
                                                     .read_status = campaign_plug_byte,
                                                     .epp_write = campaign_epp_write,
                                                     .epp_read = campaign_epp_read,
                                                     .ecp_write = campaign_ecp_write,
                                                     .ecp_read = campaign_ecp_read};

static const viv_keyboard_ops_t campaign_keyboard = {.size = sizeof(viv_keyboard_ops_t)};
static const viv_mouse_ops_t campaign_mouse = {.size = sizeof(viv_mouse_ops_t)};

/* -- plugging in ----------------------------------------------------------------------------- */

/* Says whether it can be changed: a disk cannot. */
static uint32_t campaign_plug_medium(Campaign *c, uint32_t lun)
{
    static const uint64_t sizes[] = {0,       512,       160 << 10, 1440 << 10, 2880 << 10,
                                     1 << 20, 64u << 20, 2049,      1ull << 33, 1ull << 41};
    uint32_t type = campaign_below(c, 3);
    harness_lun_media(c->h, lun, type, sizes[campaign_below(c, sizeof sizes / sizeof sizes[0])],
                      type == VIV_MEDIA_DVD || campaign_one_in(c, 8));
    harness_media_auto(c->h, lun, campaign_below(c, 2));
    c->floppies |= type == VIV_MEDIA_FLOPPY;
    return type != VIV_MEDIA_DISK;
}

static void campaign_plug(Campaign *c, int inst, uint32_t lun, const char *id)
{
    CampaignPlug plug = {.kind = CAMPAIGN_OTHER, .inst = inst, .lun = lun};
    if (!strcmp(id, VIV_MEDIA_ID)) {
        plug.removable = campaign_plug_medium(c, lun);
        plug.kind = CAMPAIGN_MEDIA;
    } else if (!strcmp(id, VIV_CHAR_ID)) {
        harness_lun_char(c->h, lun);
        plug.kind = CAMPAIGN_CHAR;
    } else if (!strcmp(id, VIV_DISPLAY_ID)) {
        harness_lun_display(c->h, lun);
    } else if (!strcmp(id, VIV_AUDIO_ID)) {
        harness_lun_iface(c->h, lun, id, &campaign_audio, &campaign_frames);
    } else if (!strcmp(id, VIV_PARALLEL_ID)) {
        harness_lun_iface(c->h, lun, id, &campaign_parallel, NULL);
    } else if (!strcmp(id, VIV_KEYBOARD_ID)) {
        harness_lun_iface(c->h, lun, id, &campaign_keyboard, NULL);
    } else if (!strcmp(id, VIV_MOUSE_ID)) {
        harness_lun_iface(c->h, lun, id, &campaign_mouse, NULL);
    } else {
        harness_lun_empty(c->h, lun);
    }
    if (c->plug_count < CAMPAIGN_WANTS) {
        c->plugs[c->plug_count++] = plug;
    }
}

static void campaign_plug_all(Campaign *c, const CampaignClass *cls, int inst)
{
    for (unsigned i = 0; i < cls->want_count; i++) {
        const CampaignWant *w = &cls->wants[i];
        unsigned alike = 1, same = i;
        while (same && cls->wants[same - 1].lun == w->lun) {
            same--;
        }
        if (same != i) {
            continue; /* one driver a LUN: chosen with the first thing that is asked of it */
        }
        while (i + alike < cls->want_count && cls->wants[i + alike].lun == w->lun) {
            alike++;
        }
        if (campaign_below(c, 8)) {
            campaign_plug(c, inst, w->lun, cls->wants[i + campaign_below(c, alike)].id);
        }
    }
}

/* A value for an option that the table allows, or none. */
static void campaign_option(Campaign *c, const viv_option_t *o, char *text, size_t len)
{
    uint64_t value = o->def;
    if (o->type == VIV_STRING) {
        return;
    }
    switch (campaign_below(c, 5)) {
    case 0: value = o->min; break;
    case 1: value = o->max; break;
    case 2: value = o->min + 1; break;
    case 3: value = o->min + campaign_rand(c) % (o->max - o->min + (o->max - o->min != UINT64_MAX));
    default: break;
    }
    if (o->type == VIV_BOOL) {
        value = campaign_below(c, 2);
    }
    size_t at = strlen(text);
    if (value <= o->max && at + 60 + strlen(o->name) < len) {
        snprintf(text + at, len - at, "%s%s=0x%llx", at ? "," : "", o->name,
                 (unsigned long long)value);
    }
}

static void campaign_options(Campaign *c, const viv_device_class_t *cls, unsigned attempt)
{
    const char *const *fixed = campaign_known() ? campaign_known()->options : NULL;
    unsigned choices = 0;
    c->options[0] = '\0';
    while (fixed && fixed[choices]) {
        choices++;
    }
    if (choices) {
        snprintf(c->options, sizeof c->options, "%s", fixed[campaign_below(c, choices)]);
    }
    if (attempt > 20 || campaign_has_flag(CAMPAIGN_FIXED_OPTIONS) || campaign_one_in(c, 3)) {
        return;
    }
    const char *table = (const char *)cls->options;
    for (; table && ((const viv_option_t *)(const void *)table)->name;
         table += cls->option_stride) {
        const viv_option_t *o = (const viv_option_t *)(const void *)table;
        if (campaign_one_in(c, 4) && !strstr(c->options, o->name)) {
            campaign_option(c, o, c->options, sizeof c->options);
        }
    }
}

static int campaign_try(Campaign *c, unsigned attempt)
{
    unsigned first = campaign_below(c, c->class_count);
    unsigned count = 1 + campaign_below(c, c->class_count);
    c->plug_count = c->floppies = 0;
    c->h = harness_create();
    c->cpus = campaign_one_in(c, 2) ? 1 : 1 + campaign_below(c, 4);
    harness_vm_cpus(c->h, c->cpus);
    for (unsigned i = 0; i < count; i++) {
        const CampaignClass *cls = &c->classes[(first + i) % c->class_count];
        if (campaign_known() && campaign_known()->setup) {
            campaign_known()->setup(c, cls->name, (int)i);
        }
        campaign_plug_all(c, cls, (int)i);
        campaign_options(c, cls->cls, attempt);
        unsigned fail = attempt < 20 && campaign_one_in(c, 4)
                            ? harness_fallible_calls(c->h) + campaign_below(c, 30)
                            : 0;
        harness_fail_call(c->h, fail ? fail - harness_fallible_calls(c->h) : 0);
        viv_status_t st = harness_start(c->h, cls->name, c->options);
        harness_fail_call(c->h, 0);
        if (st != VIV_OK || (fail && harness_fallible_calls(c->h) >= fail)) {
            return 0; /* what can do without the failed call could not be loaded into one that has it */
        }
    }
    return 1;
}

void campaign_start(Campaign *c)
{
    unsigned attempt = 0;
    while (!campaign_try(c, attempt++)) {
        harness_free(c->h);
        if (attempt > 200) {
            fprintf(stderr,
                    "skipped: no machine can be built (%s): tests/campaign.c must say how\n",
                    harness_error());
            exit(77);
        }
    }
    campaign_note(c, "power on", 0, 0, 0);
    c->areas_generation = UINT64_MAX;
    c->recent_count = 0;
    c->lines_up = 0;
    harness_select(c->h, 0);
    campaign_map_bars(c);
    if (campaign_known() && campaign_known()->started) {
        campaign_known()->started(c);
    }
    size_t len;
    free(harness_save(c->h, &len));
    c->rare_interval = 2000 + len / 16;
    c->next_rare = c->ops + campaign_below(c, c->rare_interval);
    c->clear_failure = UINT64_MAX;
}

/* -- events ---------------------------------------------------------------------------------- */

static void campaign_eject_button(Campaign *c, uint32_t lun)
{
    viv_iface_t port = {NULL, NULL};
    if (harness_query(c->h, lun, VIV_MEDIA_PORT_ID, &port) == VIV_OK) {
        const viv_media_port_ops_t *ops = port.ops;
        if (VIV_HAS(ops, eject_request)) {
            harness_media_eject_request(c->h, lun);
        }
    }
}

static void campaign_medium_event(Campaign *c, uint32_t lun, uint32_t removable)
{
    static const uint64_t sizes[] = {0, 0, 160 << 10, 1440 << 10, 2880 << 10, 1ull << 30};
    static const viv_status_t failures[] = {VIV_E_IO, VIV_E_NOMEM, VIV_E_ACCESS, VIV_E_NOT_FOUND};
    uint32_t what = campaign_below(c, 8);
    campaign_note(c, "medium of LUN %llu: event %llu", lun, what, 0);
    switch (what) {
    case 0:
        if (removable) {
            harness_media_change(c->h, lun, sizes[campaign_below(c, c->floppies ? 5 : 6)],
                                 campaign_below(c, 2));
        }
        break;
    case 1:
        harness_media_fail(c->h, lun, failures[campaign_below(c, 4)], campaign_below(c, 4) + 1);
        break;
    case 2: campaign_eject_button(c, lun); break;
    case 3: harness_media_auto(c->h, lun, campaign_below(c, 2)); break;
    default:
        if (harness_pending(c->h)) {
            harness_run_pending_one(c->h, campaign_below(c, harness_pending(c->h)));
        }
        break;
    }
}

static void campaign_char_event(Campaign *c, uint32_t lun)
{
    uint8_t text[64];
    uint32_t what = campaign_below(c, 4), n = campaign_below(c, sizeof text);
    size_t len;
    campaign_note(c, "characters of LUN %llu: event %llu", lun, what, 0);
    harness_char_output(c->h, lun, &len);
    if (len > 0x4000) {
        harness_char_clear(c->h, lun);
    }
    if (what == 0) {
        harness_char_room(c->h, lun, campaign_one_in(c, 2) ? UINT32_MAX : campaign_below(c, 32));
    } else if (harness_char_waiting(c->h, lun) < 1024) {
        for (uint32_t i = 0; i < n; i++) {
            text[i] = (uint8_t)campaign_rand(c);
        }
        harness_char_inject(c->h, lun, text, n);
    }
}

/* What costs as much as thousands of accesses. */
static void campaign_rare(Campaign *c)
{
    uint8_t junk[48];
    uint32_t what = campaign_below(c, 8);
    c->next_rare = c->ops + 1 + campaign_below(c, 2 * c->rare_interval);
    c->host_busy = 1;
    harness_fail_call(c->h, 0);
    campaign_lower_lines(c);
    campaign_note(c, "rare event %llu", what, 0, 0);
    switch (what) {
    case 0: harness_reset(c->h); break;
    case 1:
        harness_suspend(c->h);
        harness_resume(c->h);
        break;
    case 2:
        for (size_t i = 0; i < sizeof junk; i++) {
            junk[i] = (uint8_t)campaign_rand(c);
        }
        harness_fuzz_state(c->h, junk, campaign_below(c, sizeof junk));
        break;
    case 3:
        harness_fail_call(c->h, campaign_below(c, 4) + 1);
        c->clear_failure = c->ops + 64;
        break;
    default: harness_save_load(c->h); break;
    }
    harness_events_clear(c->h);
    c->host_busy = 0;
}

void campaign_host_event(Campaign *c)
{
    if (c->ops >= c->next_rare) {
        campaign_rare(c);
        return;
    }
    if (c->ops >= c->clear_failure) {
        c->clear_failure = UINT64_MAX;
        harness_fail_call(c->h, 0);
    }
    if (campaign_one_in(c, 16)) {
        harness_events_clear(c->h);
    }
    if (!c->plug_count) {
        campaign_memory(c);
        return;
    }
    const CampaignPlug *plug = &c->plugs[campaign_below(c, c->plug_count)];
    harness_select(c->h, plug->inst);
    if (plug->kind == CAMPAIGN_MEDIA) {
        campaign_medium_event(c, plug->lun, plug->removable);
    } else if (plug->kind == CAMPAIGN_CHAR) {
        campaign_char_event(c, plug->lun);
    } else {
        campaign_ports(c);
    }
    harness_select(c->h, 0);
}
