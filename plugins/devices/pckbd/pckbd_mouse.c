/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pckbd: the PS/2 mouse, with the wheel and the five buttons of Microsoft's IntelliMouse and
 * Explorer. Follows: IBM PS/2 Hardware Interface Technical Reference, "Mouse"; Microsoft's wheel
 * and five-button extensions (sample rates 200, 100, 80 switch to ID 3, 200, 200, 80 to ID 4).
 * Events wait in a queue: motion with the same buttons is added up, a change of buttons is an entry
 * of its own, so that no click is lost. A long way is sent in several packets, so overflow is never
 * set. The host's counts are those of 4 a mm, the default resolution; whether others change them is
 * configured. */
#include "pckbd.h"

#include <string.h>

#define PCKBD_ACK            0xfau
#define PCKBD_NAK            0xfeu
#define PCKBD_ERROR          0xfcu
#define PCKBD_MOUSE_BAT_NS   10000000u
#define PCKBD_MOUSE_POWER_NS 600000000u /* power-on reset and test: 300 ms to 2 s */
#define PCKBD_MOUSE_SPAN     1000000    /* counts that one entry can hold */

/* -- Events ---------------------------------------------------------------------------------- */

static int32_t pckbd_mouse_add(int32_t a, int32_t b)
{
    int64_t sum = (int64_t)a + b;
    if (sum > PCKBD_MOUSE_SPAN)
        return PCKBD_MOUSE_SPAN;
    return sum < -PCKBD_MOUSE_SPAN ? -PCKBD_MOUSE_SPAN : (int32_t)sum;
}

static uint32_t pckbd_mouse_queue(Pckbd *kb, int32_t dx, int32_t dy, int32_t dz, uint32_t buttons)
{
    PckbdEvent *last = kb->event_len ? &kb->events[kb->event_len - 1] : NULL;
    if (!last || last->buttons != buttons) {
        if (kb->event_len == PCKBD_EVENTS_MAX)
            return 0;
        last = &kb->events[kb->event_len++];
        *last = (PckbdEvent){.buttons = buttons};
    }
    last->dx = pckbd_mouse_add(last->dx, dx);
    last->dy = pckbd_mouse_add(last->dy, dy);
    last->dz = pckbd_mouse_add(last->dz, dz);
    return 1;
}

static int32_t pckbd_mouse_part(int32_t *rest, int32_t lo, int32_t hi)
{
    int32_t part = *rest < lo ? lo : *rest > hi ? hi : *rest;
    *rest -= part;
    return part;
}

/* 2:1 scaling of the stream mode. */
static int32_t pckbd_mouse_scaled(const Pckbd *kb, int32_t count)
{
    static const uint8_t small[6] = {0, 1, 1, 3, 6, 9};
    int32_t size = count < 0 ? -count : count;
    if (!kb->mouse_scale || kb->mouse_remote)
        return count;
    size = size < 6 ? small[size] : 2 * size;
    return count < 0 ? -size : size;
}

/* There is room in the queue again. */
static void pckbd_mouse_room(Pckbd *kb)
{
    if (!kb->event_refused)
        return;
    kb->event_refused = 0;
    if (kb->mouse_driver && kb->mouse_driver->port_ready)
        kb->mouse_driver->port_ready(kb->mouse_driver_self);
}

/* 1, 2, 4 or 8 counts a mm; the rest is kept in eighths. */
static int32_t pckbd_mouse_resolved(const Pckbd *kb, int32_t count, int32_t *rest)
{
    if (!kb->scale_by_resolution)
        return count;
    if (count > PCKBD_MOUSE_SPAN || count < -PCKBD_MOUSE_SPAN)
        count = count < 0 ? -PCKBD_MOUSE_SPAN : PCKBD_MOUSE_SPAN;
    int32_t eighths = count * 2 * (1 << kb->mouse_resolution) + *rest;
    *rest = eighths % 8;
    return eighths / 8;
}

/* Takes the next packet out of the queue; without events it says that nothing has changed. */
static uint32_t pckbd_mouse_packet_make(Pckbd *kb, uint8_t out[4])
{
    PckbdEvent none = {.buttons = kb->mouse_buttons};
    PckbdEvent *ev = kb->event_len ? &kb->events[0] : &none;
    int32_t most = kb->mouse_scale && !kb->mouse_remote ? 127 : 255;
    int32_t z_most = kb->mouse_id ? 7 : PCKBD_MOUSE_SPAN;
    ev->dy = -ev->dy; /* the mouse counts upwards */
    int32_t x = pckbd_mouse_scaled(kb, pckbd_mouse_part(&ev->dx, -most, most));
    int32_t y = pckbd_mouse_scaled(kb, pckbd_mouse_part(&ev->dy, -most, most));
    int32_t z = pckbd_mouse_part(&ev->dz, -z_most, z_most);
    ev->dy = -ev->dy;
    kb->mouse_buttons = ev->buttons & 0x1fu;
    out[0] =
        (uint8_t)((kb->mouse_buttons & 7u) | 0x08u | (x < 0 ? 0x10u : 0) | (y < 0 ? 0x20u : 0));
    out[1] = (uint8_t)x;
    out[2] = (uint8_t)y;
    out[3] = (uint8_t)z;
    if (kb->mouse_id == 4)
        out[3] = (uint8_t)((z & 0x0f) | (kb->mouse_buttons & 0x18u) << 1);
    if (kb->event_len && !ev->dx && !ev->dy && !ev->dz) {
        kb->event_len--;
        memmove(kb->events, kb->events + 1, kb->event_len * sizeof(kb->events[0]));
        pckbd_mouse_room(kb);
    }
    return kb->mouse_id ? 4 : 3;
}

/* -- Sampling -------------------------------------------------------------------------------- */

static uint32_t pckbd_mouse_streams(const Pckbd *kb)
{
    return kb->mouse_reporting && !kb->mouse_remote && !kb->mouse_wrap && !kb->mouse_testing;
}

/* Arms the timer for the next sample, if there is anything to sample. */
static void pckbd_mouse_sample(Pckbd *kb)
{
    const viv_dev_api_t *api = kb->dev->api;
    uint64_t due = kb->mouse_sampled_ns + 1000000000u / (kb->mouse_rate ? kb->mouse_rate : 100u);
    uint64_t now = api->time_ns(kb->dev);
    if (!kb->event_len || kb->mouse_packet_len || !pckbd_mouse_streams(kb))
        return;
    if (api->timer_deadline(kb->sample_timer) == UINT64_MAX)
        api->timer_arm(kb->sample_timer, due < now ? now : due);
}

static void pckbd_mouse_remember(Pckbd *kb, const uint8_t *bytes, uint32_t len)
{
    memcpy(kb->mouse_sent, bytes, len);
    kb->mouse_sent_len = (uint8_t)len;
}

/* [emt, device lock held] */
void pckbd_mouse_sample_due(viv_dev_t *dev, void *ctx)
{
    Pckbd *kb = ctx;
    if (!kb->event_len || kb->mouse_packet_len || !pckbd_mouse_streams(kb))
        return;
    kb->mouse_packet_len = (uint8_t)pckbd_mouse_packet_make(kb, kb->mouse_packet);
    pckbd_mouse_remember(kb, kb->mouse_packet, kb->mouse_packet_len);
    kb->mouse_sampled_ns = dev->api->time_ns(dev);
    pckbd_kbc_kick(kb);
}

/* -- Towards the controller ------------------------------------------------------------------ */

uint32_t pckbd_mouse_ready(const Pckbd *kb)
{
    return kb->mouse_resp_len || (kb->mouse_packet_len && !kb->mouse_command);
}

/* Only when pckbd_mouse_ready(). */
uint8_t pckbd_mouse_take(Pckbd *kb)
{
    uint8_t value;
    if (kb->mouse_resp_len) {
        value = kb->mouse_resp[0];
        pckbd_shift(kb->mouse_resp, kb->mouse_resp_len--, 1);
    } else {
        value = kb->mouse_packet[0];
        pckbd_shift(kb->mouse_packet, kb->mouse_packet_len--, 1);
    }
    pckbd_mouse_sample(kb);
    return value;
}

/* -- Commands -------------------------------------------------------------------------------- */

static void pckbd_mouse_respond(Pckbd *kb, const uint8_t *bytes, uint32_t len)
{
    memcpy(kb->mouse_resp, bytes, len);
    kb->mouse_resp_len = (uint8_t)len;
    pckbd_mouse_remember(kb, bytes, len);
}

static void pckbd_mouse_defaults(Pckbd *kb)
{
    kb->mouse_rate = 100;
    kb->mouse_resolution = 2;
    kb->mouse_scale = kb->mouse_reporting = kb->mouse_remote = kb->mouse_wrap = 0;
}

/* Motion that nobody asked for is forgotten, the buttons are as they are. */
static void pckbd_mouse_forget(Pckbd *kb)
{
    if (kb->event_len)
        kb->mouse_buttons = kb->events[kb->event_len - 1].buttons & 0x1fu;
    kb->event_len = 0;
    kb->mouse_packet_len = 0;
    kb->mouse_rest_x = kb->mouse_rest_y = 0;
    pckbd_mouse_room(kb);
}

static void pckbd_mouse_bad(Pckbd *kb)
{
    uint8_t answer = kb->mouse_errors ? PCKBD_ERROR : PCKBD_NAK;
    kb->mouse_errors = 1;
    kb->mouse_resp[0] = answer;
    kb->mouse_resp_len = 1;
}

static uint32_t pckbd_mouse_set_rate(Pckbd *kb, uint8_t rate)
{
    static const uint8_t rates[] = {10, 20, 40, 60, 80, 100, 200};
    uint8_t *last = kb->mouse_rates;
    if (!memchr(rates, rate, sizeof(rates)))
        return 0;
    kb->mouse_rate = rate;
    last[0] = last[1];
    last[1] = last[2];
    last[2] = rate;
    if (last[0] == 200 && last[1] == 100 && last[2] == 80 && kb->mouse_id == 0)
        kb->mouse_id = 3;
    else if (last[0] == 200 && last[1] == 200 && last[2] == 80)
        kb->mouse_id = 4;
    return 1;
}

static void pckbd_mouse_argument(Pckbd *kb, uint8_t command, uint8_t value)
{
    static const uint8_t ack = PCKBD_ACK;
    uint32_t good;
    if (command == 0xe8) {
        good = value <= 3;
        if (good)
            kb->mouse_resolution = value;
    } else {
        good = pckbd_mouse_set_rate(kb, value);
    }
    if (!good) {
        kb->mouse_command = command; /* the host may try another value */
        pckbd_mouse_bad(kb);
        return;
    }
    kb->mouse_errors = 0;
    pckbd_mouse_respond(kb, &ack, 1);
}

static void pckbd_mouse_status(Pckbd *kb, uint8_t out[3])
{
    uint32_t b = kb->mouse_buttons;
    out[0] = (uint8_t)((b & 1u) << 2 | (b & 4u) >> 1 | (b & 2u) >> 1 | kb->mouse_scale << 4 |
                       kb->mouse_reporting << 5 | kb->mouse_remote << 6);
    out[1] = kb->mouse_resolution;
    out[2] = kb->mouse_rate;
}

static void pckbd_mouse_start_test(Pckbd *kb)
{
    const viv_dev_api_t *api = kb->dev->api;
    pckbd_mouse_defaults(kb);
    pckbd_mouse_forget(kb);
    kb->mouse_id = 0;
    memset(kb->mouse_rates, 0, sizeof(kb->mouse_rates));
    kb->mouse_testing = 1;
    api->timer_arm(kb->mouse_bat_timer, api->time_ns(kb->dev) + PCKBD_MOUSE_BAT_NS);
}

static void pckbd_mouse_command(Pckbd *kb, uint8_t command)
{
    uint8_t answer[PCKBD_RESP_MAX] = {PCKBD_ACK};
    uint32_t len = 1;
    switch (command) {
    case 0xe6: kb->mouse_scale = 0; break;
    case 0xe7: kb->mouse_scale = 1; break;
    case 0xe8:
    case 0xf3: kb->mouse_command = command; break;
    case 0xe9:
        pckbd_mouse_status(kb, answer + 1);
        len = 4;
        break;
    case 0xea:
        kb->mouse_remote = 0;
        pckbd_mouse_forget(kb);
        break;
    case 0xeb: len = 1 + pckbd_mouse_packet_make(kb, answer + 1); break;
    case 0xec: /* leaves wrap mode, see pckbd_mouse_write() */ break;
    case 0xee: kb->mouse_wrap = 1; break;
    case 0xf0:
        kb->mouse_remote = 1;
        pckbd_mouse_forget(kb);
        break;
    case 0xf2:
        answer[1] = kb->mouse_id;
        len = 2;
        break;
    case 0xf4:
        pckbd_mouse_forget(kb);
        kb->mouse_reporting = 1;
        break;
    case 0xf5:
        kb->mouse_reporting = 0;
        pckbd_mouse_forget(kb);
        break;
    case 0xf6:
        pckbd_mouse_defaults(kb);
        pckbd_mouse_forget(kb);
        break;
    case 0xff: pckbd_mouse_start_test(kb); break;
    default: pckbd_mouse_bad(kb); return;
    }
    kb->mouse_errors = 0;
    pckbd_mouse_respond(kb, answer, len);
}

/* [emt, device lock held] A byte for the mouse: what it was about to send is void. */
void pckbd_mouse_write(Pckbd *kb, uint8_t value)
{
    uint8_t command = kb->mouse_command;
    kb->mouse_resp_len = kb->mouse_packet_len = kb->mouse_command = 0;
    if (kb->mouse_testing || kb->mouse_fresh) {
        kb->mouse_testing = kb->mouse_fresh = 0;
        kb->dev->api->timer_cancel(kb->mouse_bat_timer);
    }
    if (kb->mouse_wrap && value != 0xec && value != 0xff) {
        pckbd_mouse_respond(kb, &value, 1);
    } else if (value == 0xfe) {
        memcpy(kb->mouse_resp, kb->mouse_sent, kb->mouse_sent_len);
        kb->mouse_resp_len = kb->mouse_sent_len;
        kb->mouse_command = command;
    } else if (command && value < 0xe6) {
        pckbd_mouse_argument(kb, command, value);
    } else {
        kb->mouse_wrap = 0;
        pckbd_mouse_command(kb, value);
    }
    pckbd_mouse_sample(kb);
    pckbd_kbc_kick(kb);
}

/* [emt, device lock held] */
void pckbd_mouse_bat_done(viv_dev_t *dev, void *ctx)
{
    Pckbd *kb = ctx;
    (void)dev;
    if (!kb->mouse_testing && !kb->mouse_fresh)
        return;
    kb->mouse_testing = kb->mouse_fresh = 0;
    if (kb->mouse_resp_len + 2u <= PCKBD_RESP_MAX) {
        kb->mouse_resp[kb->mouse_resp_len++] = 0xaa;
        kb->mouse_resp[kb->mouse_resp_len++] = kb->mouse_id;
    }
    pckbd_kbc_kick(kb);
}

void pckbd_mouse_reset(Pckbd *kb)
{
    pckbd_mouse_defaults(kb);
    kb->mouse_id = kb->mouse_command = kb->mouse_testing = kb->mouse_errors = 0;
    kb->mouse_buttons = kb->mouse_resp_len = kb->mouse_packet_len = kb->mouse_sent_len = 0;
    memset(kb->mouse_rates, 0, sizeof(kb->mouse_rates));
    memset(kb->mouse_resp, 0, sizeof(kb->mouse_resp));
    memset(kb->mouse_packet, 0, sizeof(kb->mouse_packet));
    memset(kb->mouse_sent, 0, sizeof(kb->mouse_sent));
    kb->mouse_sampled_ns = 0;
    kb->event_len = 0;
    memset(kb->events, 0, sizeof(kb->events));
    kb->mouse_rest_x = kb->mouse_rest_y = 0;
    kb->mouse_fresh = kb->has_mouse;
    kb->dev->api->timer_arm(kb->mouse_bat_timer,
                            kb->dev->api->time_ns(kb->dev) + PCKBD_MOUSE_POWER_NS);
    kb->dev->api->timer_cancel(kb->sample_timer);
}

/* -- The port -------------------------------------------------------------------------------- */

/* [any, no lock] */
static uint32_t pckbd_port_event(void *self, int32_t dx, int32_t dy, int32_t dz, uint32_t buttons)
{
    Pckbd *kb = self;
    uint32_t taken = 1;
    buttons &= 0x1fu;
    kb->dev->api->lock(kb->dev);
    kb->mouse_fresh = 0;
    if (pckbd_mouse_streams(kb) || kb->mouse_remote) {
        int32_t x = kb->mouse_rest_x, y = kb->mouse_rest_y;
        dx = pckbd_mouse_resolved(kb, dx, &x);
        dy = pckbd_mouse_resolved(kb, dy, &y);
        taken = pckbd_mouse_queue(kb, dx, dy, dz, buttons);
        if (taken) {
            kb->mouse_rest_x = x;
            kb->mouse_rest_y = y;
        } else {
            kb->event_refused = 1;
            kb->stat_events_refused++;
        }
    } else {
        kb->mouse_buttons = (uint8_t)buttons;
    }
    pckbd_mouse_sample(kb);
    kb->dev->api->unlock(kb->dev);
    return taken;
}

const viv_mouse_port_ops_t pckbd_mouse_port = {
    .size = sizeof(viv_mouse_port_ops_t),
    .put_event = pckbd_port_event,
};
