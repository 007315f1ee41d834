/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One counter of the 8254: the six modes of the Intel 8254 data sheet (231164), "Mode Definitions".
 *
 * The counting element is never stepped pulse by pulse: from one event to the next it runs in
 * closed form, so a counter that nobody has looked at for an hour is brought up to date at once.
 * What `left` means:
 *   modes 0, 1, 4, 5  the count itself; at 0 the mode's event happens, then FFFFh (or 9999)
 *   mode 2            the count itself, period .. 1; OUT is low at 1
 *   mode 3            pulses left in this half of the square wave (the count goes down by two) */
#include "i8254_channel.h"

const viv_field_t i8254_channel_fields[] = {
    VIV_FIELD(I8254Channel, at, VIV_U64, 1),
    VIV_FIELD(I8254Channel, count, VIV_U32, 1),
    VIV_FIELD(I8254Channel, period, VIV_U32, 1),
    VIV_FIELD(I8254Channel, left, VIV_U32, 1),
    VIV_FIELD(I8254Channel, latch, VIV_U16, 1),
    VIV_FIELD(I8254Channel, latched, VIV_U8, 1),
    VIV_FIELD(I8254Channel, status, VIV_U8, 1),
    VIV_FIELD(I8254Channel, status_latched, VIV_BOOL, 1),
    VIV_FIELD(I8254Channel, mode, VIV_U8, 1),
    VIV_FIELD(I8254Channel, bcd, VIV_BOOL, 1),
    VIV_FIELD(I8254Channel, rw, VIV_U8, 1),
    VIV_FIELD(I8254Channel, gate, VIV_BOOL, 1),
    VIV_FIELD(I8254Channel, out, VIV_BOOL, 1),
    VIV_FIELD(I8254Channel, null_count, VIV_BOOL, 1),
    VIV_FIELD(I8254Channel, loaded, VIV_BOOL, 1),
    VIV_FIELD(I8254Channel, load_next, VIV_BOOL, 1),
    VIV_FIELD(I8254Channel, halted, VIV_BOOL, 1),
    VIV_FIELD(I8254Channel, strobe, VIV_BOOL, 1),
    VIV_FIELD(I8254Channel, write_msb, VIV_BOOL, 1),
    VIV_FIELD(I8254Channel, write_lsb, VIV_U8, 1),
    VIV_FIELD(I8254Channel, read_msb, VIV_BOOL, 1),
    {0},
};

static uint32_t i8254_modulus(const I8254Channel *c)
{
    return c->bcd ? 10000 : 65536;
}

/* Length of the high (1) or low (0) half of mode 3's wave: an odd count's extra pulse is high. */
static uint32_t i8254_half(const I8254Channel *c, uint32_t out)
{
    return out ? (c->period + 1) / 2 : c->period / 2;
}

static int i8254_is_counting(const I8254Channel *c)
{
    int needs_gate = c->mode != 1 && c->mode != 5;
    return c->loaded && !c->halted && (c->gate || !needs_gate);
}

void i8254_channel_reset(I8254Channel *c, uint64_t now, uint8_t gate)
{
    *c = (I8254Channel){
        .at = now, .rw = I8254_RW_BOTH, .gate = gate, .out = 1, .mode = 3, .null_count = 1};
}

/* -- running --------------------------------------------------------------------------------- */

/* The CLK pulse that takes the count register into the counting element. */
static void i8254_load(I8254Channel *c)
{
    c->load_next = 0;
    c->loaded = 1;
    c->null_count = 0;
    c->period = c->count;
    switch (c->mode) {
    case 1:
        c->out = 0;
        c->left = c->count;
        break;
    case 2:
        c->left = c->count;
        c->out = c->left != 1;
        break;
    case 3:
        c->out = 1;
        c->left = i8254_half(c, 1);
        break;
    case 4:
    case 5:
        c->out = 1;
        c->strobe = 1;
        c->left = c->count;
        break;
    default: c->left = c->count; break;
    }
}

/* Counts d pulses down past zero. */
static void i8254_wrap(I8254Channel *c, uint64_t d)
{
    uint32_t modulus = i8254_modulus(c);
    c->left = (uint32_t)((c->left % modulus + modulus - d % modulus) % modulus);
}

/* Modes 0 and 1: OUT rises when the count is used up. */
static int i8254_run_one_shot(I8254Channel *c, uint64_t d)
{
    int rises = !c->out && d >= c->left;
    i8254_wrap(c, d);
    if (rises) {
        c->out = 1;
    }
    return rises;
}

/* Modes 4 and 5: low for the one pulse at which the count is used up. */
static int i8254_run_strobe(I8254Channel *c, uint64_t d)
{
    int rises = 0;
    if (c->strobe && d >= c->left) { /* with OUT low left is 0 */
        rises = d > c->left;
        c->out = (uint8_t)rises;
        c->strobe = !rises;
    }
    if (c->strobe && !c->out) {
        c->left = 0;
    } else {
        i8254_wrap(c, d);
    }
    return rises;
}

/* At the end of a cycle a new count takes over. */
static void i8254_reload(I8254Channel *c)
{
    c->period = c->count;
    c->null_count = 0;
}

static int i8254_run_rate(I8254Channel *c, uint64_t d)
{
    int rises = 0;
    if (d < c->left) {
        c->left -= (uint32_t)d;
    } else {
        d -= c->left;
        i8254_reload(c);
        rises = c->period > 1 || !c->out;
        c->left = c->period - (uint32_t)(d % c->period);
    }
    c->out = c->left != 1;
    return rises && (c->out || c->period > 1);
}

static int i8254_run_square(I8254Channel *c, uint64_t d)
{
    if (d < c->left) {
        c->left -= (uint32_t)d;
        return 0;
    }
    d -= c->left;
    i8254_reload(c);
    if (c->period == 1) { /* not allowed: all high half */
        int rises = !c->out;
        c->out = 1;
        c->left = 1;
        return rises;
    }
    int rises = d >= c->period;
    d %= c->period;
    for (;;) { /* at most three halves */
        c->out = !c->out;
        rises |= c->out;
        uint32_t half = i8254_half(c, c->out);
        if (d < half) {
            c->left = half - (uint32_t)d;
            return rises;
        }
        d -= half;
    }
}

int i8254_channel_run(I8254Channel *c, uint64_t to)
{
    int rises = 0;
    if (to <= c->at) {
        return 0;
    }
    if (c->load_next) {
        uint8_t before = c->out;
        c->at++;
        i8254_load(c);
        rises = !before && c->out;
    }
    uint64_t d = to - c->at;
    c->at = to;
    if (d == 0) {
        return rises;
    }
    if (!i8254_is_counting(c)) {
        if (c->strobe && !c->out) { /* one pulse long, whatever the gate says (modes 4, 5) */
            c->out = 1;
            c->strobe = 0;
            return 1;
        }
        return rises;
    }
    switch (c->mode) {
    case 2: return i8254_run_rate(c, d) | rises;
    case 3: return i8254_run_square(c, d) | rises;
    case 4:
    case 5: return i8254_run_strobe(c, d) | rises;
    default: return i8254_run_one_shot(c, d) | rises;
    }
}

uint64_t i8254_channel_next(const I8254Channel *c)
{
    if (c->load_next) {
        return c->at + 1;
    }
    if (!i8254_is_counting(c)) {
        return c->strobe && !c->out ? c->at + 1 : UINT64_MAX;
    }
    switch (c->mode) {
    case 2:
    case 3: /* a period of 1 has no edges, until another count takes over */
        return c->period > 1 || c->null_count ? c->at + c->left : UINT64_MAX;
    case 4:
    case 5: return c->strobe ? c->at + c->left + 1 : UINT64_MAX;
    default: return c->out ? UINT64_MAX : c->at + (c->left ? c->left : 1);
    }
}

uint64_t i8254_channel_edge(const I8254Channel *c)
{
    int falls = c->out && !c->load_next && i8254_is_counting(c);
    if (falls && c->mode == 2 && c->left > 1) {
        return c->at + c->left - 1;
    }
    if (falls && c->strobe && c->left) {
        return c->at + c->left;
    }
    return i8254_channel_next(c);
}

/* -- the guest's side ------------------------------------------------------------------------ */

void i8254_channel_control(I8254Channel *c, uint8_t word)
{
    uint8_t mode = word >> 1 & 7;
    c->mode = mode > 5 ? mode & 3 : mode; /* 6 and 7 are 2 and 3 */
    c->bcd = word & 1;
    c->rw = word >> 4 & 3;
    c->out = c->mode != 0;
    c->count = 0;
    c->null_count = 1;
    c->loaded = 0;
    c->load_next = 0;
    c->halted = 0;
    c->strobe = 0;
    c->write_msb = 0;
    c->read_msb = 0;
    c->latched = 0;
    c->status_latched = 0;
}

static uint32_t i8254_decode(const I8254Channel *c, uint32_t value)
{
    if (!c->bcd) {
        return value ? value : 65536;
    }
    uint32_t n =
        (value >> 12) * 1000 + (value >> 8 & 15) * 100 + (value >> 4 & 15) * 10 + (value & 15);
    n %= 10000;
    return n ? n : 10000;
}

static void i8254_count_written(I8254Channel *c, uint32_t value)
{
    c->count = i8254_decode(c, value);
    c->null_count = 1;
    switch (c->mode) {
    case 0:
        c->out = 0;
        c->halted = 0;
        c->load_next = 1;
        break;
    case 4: c->load_next = 1; break;
    case 2:
    case 3: /* the first count at once, a new one at the end of the cycle */
        c->load_next |= !c->loaded;
        break;
    default: /* loaded by the trigger */ break;
    }
}

void i8254_channel_write(I8254Channel *c, uint8_t value)
{
    switch (c->rw) {
    case I8254_RW_LSB: i8254_count_written(c, value); break;
    case I8254_RW_MSB: i8254_count_written(c, (uint32_t)value << 8); break;
    default:
        if (c->write_msb) {
            c->write_msb = 0;
            i8254_count_written(c, (uint32_t)value << 8 | c->write_lsb);
        } else {
            c->write_msb = 1;
            c->write_lsb = value;
            if (c->mode == 0) { /* counting stops until the second byte */
                c->halted = 1;
                c->out = 0;
            }
        }
        break;
    }
}

void i8254_channel_gate(I8254Channel *c, uint8_t gate)
{
    int rises = gate && !c->gate;
    c->gate = gate;
    if (!gate && (c->mode == 2 || c->mode == 3)) {
        if (c->mode == 3 && !c->out && c->loaded && (c->period & 1)) {
            c->left++; /* the same count, seen from a high half with its pulse more */
        }
        c->out = 1;
    }
    if (rises && c->count && c->mode != 0 && c->mode != 4) {
        c->load_next = 1;
    }
}

/* What is in the counting element. */
static uint16_t i8254_count_now(const I8254Channel *c)
{
    uint32_t n = c->left;
    if (c->mode == 3) {
        n = 2 * (c->left - (c->out && (c->period & 1) && c->left ? 1 : 0));
    }
    n %= i8254_modulus(c);
    if (c->bcd) {
        n = n / 1000 << 12 | n / 100 % 10 << 8 | n / 10 % 10 << 4 | n % 10;
    }
    return (uint16_t)n;
}

void i8254_channel_latch_count(I8254Channel *c, const I8254Channel *run)
{
    if (!c->latched) {
        c->latch = i8254_count_now(run);
        c->latched = c->rw == I8254_RW_BOTH ? 2 : 1;
    }
}

void i8254_channel_latch_status(I8254Channel *c, const I8254Channel *run)
{
    if (!c->status_latched) {
        c->status_latched = 1;
        c->status =
            (uint8_t)(run->out << 7 | run->null_count << 6 | c->rw << 4 | c->mode << 1 | c->bcd);
    }
}

uint8_t i8254_channel_read(I8254Channel *c, const I8254Channel *run)
{
    if (c->status_latched) {
        c->status_latched = 0;
        return c->status;
    }
    uint16_t value = c->latched ? c->latch : i8254_count_now(run);
    int msb = c->rw == I8254_RW_MSB || (c->rw == I8254_RW_BOTH && c->read_msb);
    if (c->rw == I8254_RW_BOTH) {
        c->read_msb = !c->read_msb;
    }
    if (c->latched) {
        c->latched--;
    }
    return (uint8_t)(msb ? value >> 8 : value);
}

/* -- saved state ----------------------------------------------------------------------------- */

int i8254_channel_is_sane(const I8254Channel *c, uint64_t now)
{
    if (c->at > now || c->mode > 5 || c->rw < I8254_RW_LSB || c->rw > I8254_RW_BOTH ||
        c->latched > 2 || c->count > i8254_modulus(c) || c->period > 65536 || c->left > 65536) {
        return 0;
    }
    if ((c->loaded || c->load_next) && !c->count) {
        return 0;
    }
    if (!c->loaded) { /* the rest is left over from an earlier control word */
        return !c->strobe;
    }
    switch (c->mode) {
    case 2: return c->period && c->left && c->left <= c->period;
    case 3: return c->period && c->left && c->left <= i8254_half(c, c->out);
    default: return c->left <= i8254_modulus(c) && !(c->strobe && !c->out && c->left);
    }
}
