/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pckbd: the keyboard, a 102-key Enhanced Keyboard with scan code sets 1 to 3.
 * Follows: IBM PS/2 Hardware Interface Technical Reference, "Keyboard (101- and 102-key)".
 * The host gives set-1 codes; they wait in a queue of their own and become codes of the current set
 * key by key, when the keyboard's 16 bytes have room: text of any length is not lost to overruns.
 * They also wait while scanning is off, where a real keyboard would not notice the keys.
 * The AAh of the test after power-on comes only to a keyboard that nobody has used until then:
 * a command ends the test, as it does later, and a key press shows that the test is over. */
#include "pckbd.h"

#include <string.h>

#define PCKBD_ACK          0xfau
#define PCKBD_RESEND       0xfeu
#define PCKBD_BAT_OK       0xaau
#define PCKBD_KBD_BAT_NS   5000000u
#define PCKBD_KBD_POWER_NS 600000000u /* power-on reset and test: 450 ms to 2.5 s */
#define PCKBD_RATE_DEFAULT 0x2bu      /* 500 ms, 10.9 a second */

/* -- Typematic ------------------------------------------------------------------------------- */

static uint64_t pckbd_kbd_delay_ns(const Pckbd *kb)
{
    return (((kb->kbd_rate >> 5) & 3u) + 1) * 250000000ull;
}

/* (8 + A) * 2^B * 1/240 s */
static uint64_t pckbd_kbd_period_ns(const Pckbd *kb)
{
    return ((8ull + (kb->kbd_rate & 7u)) << ((kb->kbd_rate >> 3) & 3u)) * 1000000000ull / 240;
}

static void pckbd_kbd_repeat_stop(Pckbd *kb)
{
    kb->kbd_repeat_len = 0;
    kb->dev->api->timer_cancel(kb->repeat_timer);
}

static void pckbd_kbd_repeat_start(Pckbd *kb, uint8_t prefix, uint8_t code, const uint8_t *bytes,
                                   uint32_t len)
{
    memcpy(kb->kbd_repeat, bytes, len);
    kb->kbd_repeat_len = (uint8_t)len;
    kb->kbd_repeat_key[0] = prefix;
    kb->kbd_repeat_key[1] = code;
    kb->dev->api->timer_arm(kb->repeat_timer,
                            kb->dev->api->time_ns(kb->dev) + pckbd_kbd_delay_ns(kb));
}

static void pckbd_kbd_buffer(Pckbd *kb, const uint8_t *bytes, uint32_t len)
{
    memcpy(kb->kbd_buf + kb->kbd_buf_len, bytes, len);
    kb->kbd_buf_len = (uint8_t)(kb->kbd_buf_len + len);
}

/* [emt, device lock held] A repetition that finds no room, or other keys waiting, is left out. */
void pckbd_kbd_repeat_due(viv_dev_t *dev, void *ctx)
{
    Pckbd *kb = ctx;
    if (!kb->kbd_repeat_len || !kb->kbd_scanning)
        return;
    if (!kb->kbd_command && !kb->input_len &&
        kb->kbd_buf_len + kb->kbd_repeat_len <= PCKBD_KBD_BUF) {
        pckbd_kbd_buffer(kb, kb->kbd_repeat, kb->kbd_repeat_len);
        pckbd_kbc_kick(kb);
    }
    dev->api->timer_arm(kb->repeat_timer, dev->api->time_ns(dev) + pckbd_kbd_period_ns(kb));
}

/* -- Keys ------------------------------------------------------------------------------------ */

/* One set-1 sequence (prefix 0, E0h or E1h, then codes of 7 bits plus the release bit) in the
 * current set. Returns its length, 0 if the set has no such thing. */
static uint32_t pckbd_kbd_encode(const Pckbd *kb, const uint8_t *seq, uint32_t seq_len,
                                 uint8_t out[PCKBD_KEY_MAX])
{
    uint32_t len = 0, first = seq[0] >= 0xe0 && seq_len > 1;
    uint8_t release = seq[seq_len - 1] & 0x80u;
    if (kb->kbd_set == 1) {
        memcpy(out, seq, seq_len);
        return seq_len;
    }
    if (kb->kbd_set == 3) {
        uint8_t code =
            seq[0] == 0xe1 ? 0x62 : pckbd_codes_set3(first ? 0xe0 : 0, seq[seq_len - 1] & 0x7fu);
        if (!code || (release && !(kb->kbd_keys[code] & PCKBD_KEY_BREAK)))
            return 0;
        if (release)
            out[len++] = 0xf0;
        out[len++] = code;
        return len;
    }
    if (first)
        out[len++] = seq[0];
    for (uint32_t i = first; i < seq_len; i++) {
        uint8_t code = pckbd_codes_set2(seq[i] & 0x7fu);
        if (!code)
            return 0;
        if (release)
            out[len++] = 0xf0;
        out[len++] = code;
    }
    return len;
}

/* Pause, Break and the shifts that keyboards invent around the grey keys are sent once. */
static uint32_t pckbd_kbd_repeats(const Pckbd *kb, uint8_t prefix, uint8_t code)
{
    if (prefix == 0xe1 || (prefix == 0xe0 && (code == 0x2a || code == 0x36 || code == 0x46)))
        return 0;
    if (kb->kbd_set != 3)
        return 1;
    return kb->kbd_keys[pckbd_codes_set3(prefix, code)] & PCKBD_KEY_TYPEMATIC;
}

static void pckbd_kbd_key(Pckbd *kb, const uint8_t *seq, uint32_t seq_len)
{
    uint8_t bytes[PCKBD_KEY_MAX];
    uint8_t prefix = seq_len > 1 ? seq[0] : 0, last = seq[seq_len - 1], code = last & 0x7fu;
    uint32_t len = pckbd_kbd_encode(kb, seq, seq_len, bytes);
    if (len)
        pckbd_kbd_buffer(kb, bytes, len);
    if (!(last & 0x80u)) {
        if (len && pckbd_kbd_repeats(kb, prefix, code))
            pckbd_kbd_repeat_start(kb, prefix, code, bytes, len);
        else
            pckbd_kbd_repeat_stop(kb);
    } else if (kb->kbd_repeat_key[0] == prefix && kb->kbd_repeat_key[1] == code) {
        pckbd_kbd_repeat_stop(kb);
    }
}

/* Bytes of the next whole sequence in the queue, 0 if its end has not come yet. */
static uint32_t pckbd_kbd_input_next(const Pckbd *kb)
{
    uint32_t need = 1;
    if (kb->input_len && kb->input[0] == 0xe0)
        need = 2;
    else if (kb->input_len && kb->input[0] == 0xe1)
        need = 3;
    return kb->input_len >= need ? need : 0;
}

/* Scans: moves keys from the host's queue while there is room for the longest. */
static void pckbd_kbd_scan(Pckbd *kb)
{
    while (kb->kbd_scanning && !kb->kbd_command && !kb->kbd_testing &&
           kb->kbd_buf_len + PCKBD_KEY_MAX <= PCKBD_KBD_BUF) {
        uint32_t len = pckbd_kbd_input_next(kb);
        uint8_t seq[3];
        if (!len)
            break;
        memcpy(seq, kb->input, len);
        pckbd_shift(kb->input, kb->input_len, len);
        kb->input_len = (uint16_t)(kb->input_len - len);
        if (seq[len - 1] & 0x7fu)
            pckbd_kbd_key(kb, seq, len);
    }
}

/* -- Towards the controller ------------------------------------------------------------------ */

/* While a command waits for its argument no keys are sent. */
uint32_t pckbd_kbd_ready(const Pckbd *kb)
{
    return kb->kbd_resp_len || (kb->kbd_buf_len && !kb->kbd_command);
}

/* Only when pckbd_kbd_ready(). The room is used for the next key. */
uint8_t pckbd_kbd_take(Pckbd *kb)
{
    uint8_t value;
    if (kb->kbd_resp_len) {
        value = kb->kbd_resp[0];
        pckbd_shift(kb->kbd_resp, kb->kbd_resp_len--, 1);
    } else {
        value = kb->kbd_buf[0];
        pckbd_shift(kb->kbd_buf, kb->kbd_buf_len--, 1);
    }
    kb->kbd_last = value;
    pckbd_kbd_scan(kb);
    if (kb->input_refused && kb->input_len <= PCKBD_INPUT_MAX / 2) {
        kb->input_refused = 0;
        if (kb->kbd_driver && kb->kbd_driver->port_ready)
            kb->kbd_driver->port_ready(kb->kbd_driver_self);
    }
    return value;
}

/* -- Commands -------------------------------------------------------------------------------- */

static void pckbd_kbd_respond(Pckbd *kb, uint8_t value)
{
    if (kb->kbd_resp_len < PCKBD_RESP_MAX)
        kb->kbd_resp[kb->kbd_resp_len++] = value;
}

static void pckbd_kbd_clear(Pckbd *kb)
{
    kb->kbd_buf_len = 0;
    pckbd_kbd_repeat_stop(kb);
}

static void pckbd_kbd_defaults(Pckbd *kb)
{
    kb->kbd_set = 2;
    kb->kbd_rate = PCKBD_RATE_DEFAULT;
    pckbd_codes_set3_defaults(kb->kbd_keys);
    pckbd_kbd_clear(kb);
}

static void pckbd_kbd_all_keys(Pckbd *kb, uint8_t properties)
{
    memset(kb->kbd_keys, properties, sizeof(kb->kbd_keys));
}

static void pckbd_kbd_argument(Pckbd *kb, uint8_t command, uint8_t value)
{
    kb->kbd_command = 0;
    switch (command) {
    case 0xed: kb->kbd_leds = value & 7u; break;
    case 0xf0:
        if (value > 3) {
            pckbd_kbd_respond(kb, PCKBD_RESEND);
            return;
        }
        pckbd_kbd_respond(kb, PCKBD_ACK);
        if (value == 0) {
            pckbd_kbd_respond(kb, kb->kbd_set);
        } else {
            kb->kbd_set = value;
            pckbd_kbd_clear(kb);
        }
        return;
    case 0xf3: kb->kbd_rate = value & 0x7f; break;
    default: /* FBh, FCh, FDh: one key after the other until a command comes */
        kb->kbd_keys[value] = command == 0xfb   ? PCKBD_KEY_TYPEMATIC
                              : command == 0xfc ? PCKBD_KEY_BREAK
                                                : 0;
        kb->kbd_command = command;
        break;
    }
    pckbd_kbd_respond(kb, PCKBD_ACK);
}

static void pckbd_kbd_command(Pckbd *kb, uint8_t command)
{
    switch (command) {
    case 0xed:
    case 0xf0:
    case 0xf3: kb->kbd_command = command; break;
    case 0xee: pckbd_kbd_respond(kb, 0xee); return;
    case 0xf2:
        pckbd_kbd_respond(kb, PCKBD_ACK);
        pckbd_kbd_respond(kb, 0xab);
        pckbd_kbd_respond(kb, 0x83);
        return;
    case 0xf4:
        pckbd_kbd_clear(kb);
        kb->kbd_scanning = 1;
        break;
    case 0xf5:
        pckbd_kbd_defaults(kb);
        kb->kbd_scanning = 0;
        break;
    case 0xf6: pckbd_kbd_defaults(kb); break;
    case 0xf7: pckbd_kbd_all_keys(kb, PCKBD_KEY_TYPEMATIC); break;
    case 0xf8: pckbd_kbd_all_keys(kb, PCKBD_KEY_BREAK); break;
    case 0xf9: pckbd_kbd_all_keys(kb, 0); break;
    case 0xfa: pckbd_kbd_all_keys(kb, PCKBD_KEY_TYPEMATIC | PCKBD_KEY_BREAK); break;
    case 0xfb:
    case 0xfc:
    case 0xfd:
        pckbd_kbd_clear(kb);
        kb->kbd_command = command;
        break;
    case 0xfe: pckbd_kbd_respond(kb, kb->kbd_last); return;
    case 0xff:
        pckbd_kbd_defaults(kb);
        kb->input_len = 0;
        kb->kbd_leds = 0;
        kb->kbd_scanning = 1;
        kb->kbd_testing = 1;
        kb->dev->api->timer_arm(kb->kbd_bat_timer,
                                kb->dev->api->time_ns(kb->dev) + PCKBD_KBD_BAT_NS);
        break;
    default: pckbd_kbd_respond(kb, PCKBD_RESEND); return;
    }
    pckbd_kbd_respond(kb, PCKBD_ACK);
}

/* [emt, device lock held] A byte for the keyboard: what it was about to answer is void. */
void pckbd_kbd_write(Pckbd *kb, uint8_t value)
{
    uint8_t command = kb->kbd_command;
    kb->kbd_resp_len = 0;
    if (kb->kbd_testing || kb->kbd_fresh) {
        kb->kbd_fresh = 0;
        kb->kbd_testing = 0;
        kb->dev->api->timer_cancel(kb->kbd_bat_timer);
    }
    if (command && value < 0xed) {
        pckbd_kbd_argument(kb, command, value);
    } else {
        kb->kbd_command = 0;
        pckbd_kbd_command(kb, value);
    }
    pckbd_kbd_scan(kb);
    pckbd_kbc_kick(kb);
}

/* [emt, device lock held] */
void pckbd_kbd_bat_done(viv_dev_t *dev, void *ctx)
{
    Pckbd *kb = ctx;
    (void)dev;
    if (!kb->kbd_testing && !kb->kbd_fresh)
        return;
    kb->kbd_testing = kb->kbd_fresh = 0;
    pckbd_kbd_respond(kb, PCKBD_BAT_OK);
    pckbd_kbd_scan(kb);
    pckbd_kbc_kick(kb);
    pckbd_kbd_tell(kb);
}

void pckbd_kbd_reset(Pckbd *kb)
{
    pckbd_kbd_defaults(kb);
    kb->kbd_scanning = 1;
    kb->kbd_leds = kb->kbd_command = kb->kbd_testing = kb->kbd_last = 0;
    kb->kbd_resp_len = 0;
    memset(kb->kbd_resp, 0, sizeof(kb->kbd_resp));
    memset(kb->kbd_buf, 0, sizeof(kb->kbd_buf));
    memset(kb->kbd_repeat, 0, sizeof(kb->kbd_repeat));
    memset(kb->kbd_repeat_key, 0, sizeof(kb->kbd_repeat_key));
    kb->input_len = 0;
    memset(kb->input, 0, sizeof(kb->input));
    kb->kbd_fresh = 1;
    kb->dev->api->timer_arm(kb->kbd_bat_timer, kb->dev->api->time_ns(kb->dev) + PCKBD_KBD_POWER_NS);
}

static uint32_t pckbd_kbd_enabled(const Pckbd *kb)
{
    return kb->kbd_scanning && !kb->kbd_testing && !(kb->ram[0] & PCKBD_CB_KBD_OFF);
}

void pckbd_kbd_tell(Pckbd *kb)
{
    const viv_keyboard_ops_t *driver = kb->kbd_driver;
    uint8_t enabled = (uint8_t)pckbd_kbd_enabled(kb);
    if (driver && driver->leds_changed && kb->kbd_leds != kb->told_leds)
        driver->leds_changed(kb->kbd_driver_self, kb->kbd_leds);
    if (driver && driver->enabled_changed && enabled != kb->told_enabled)
        driver->enabled_changed(kb->kbd_driver_self, enabled);
    kb->told_leds = kb->kbd_leds;
    kb->told_enabled = enabled;
}

/* -- The port -------------------------------------------------------------------------------- */

/* [any, no lock] */
static uint32_t pckbd_port_scancodes(void *self, const uint8_t *codes, uint32_t count)
{
    Pckbd *kb = self;
    uint32_t taken = 0;
    kb->dev->api->lock(kb->dev);
    if (count <= PCKBD_INPUT_MAX - (uint32_t)kb->input_len) {
        if (count)
            memcpy(kb->input + kb->input_len, codes, count);
        kb->input_len = (uint16_t)(kb->input_len + count);
        kb->kbd_fresh = 0;
        pckbd_kbd_scan(kb);
        pckbd_kbc_kick(kb);
        taken = 1;
    } else {
        kb->input_refused = 1;
        kb->stat_codes_refused++;
    }
    kb->dev->api->unlock(kb->dev);
    return taken;
}

/* [any, no lock] */
static uint32_t pckbd_port_leds(void *self)
{
    Pckbd *kb = self;
    kb->dev->api->lock(kb->dev);
    uint32_t leds = kb->kbd_leds;
    kb->dev->api->unlock(kb->dev);
    return leds;
}

/* [any, no lock] */
static uint32_t pckbd_port_enabled(void *self)
{
    Pckbd *kb = self;
    kb->dev->api->lock(kb->dev);
    uint32_t enabled = pckbd_kbd_enabled(kb);
    kb->dev->api->unlock(kb->dev);
    return enabled;
}

const viv_keyboard_port_ops_t pckbd_keyboard_port = {
    .size = sizeof(viv_keyboard_port_ops_t),
    .put_scancodes = pckbd_port_scancodes,
    .leds = pckbd_port_leds,
    .enabled = pckbd_port_enabled,
};
