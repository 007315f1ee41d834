/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hpet: the High Precision Event Timers, a 64-bit counter at 14.31818 MHz and three comparators
 * (four on an ICH9).
 *
 * The guest sees 1 KiB of registers at FED00000h. The counter is a function of the virtual clock:
 * nothing drifts. A comparator raises an ISA line or an I/O APIC input, sends a message to the
 * local APICs (FSB delivery), or, with legacy replacement, has the place of the 8254 on IRQ 0 or of
 * the RTC on IRQ 8, whose own interrupts the host then cuts off.
 * Follows: IA-PC HPET Specification 1.0a; identity and routes of the ICH9 (316972, 21.1).
 * Not modelled: accesses that are neither 32 nor 64 bits (2.3.2 forbids them: they read as ones and
 * are dropped), FSB messages to other addresses than the local APICs' (dropped). */
#include <viv/chipset.h>
#include <viv/device.h>

#include "hpet_timer.h"

#define HPET_STATE_VERSION 1

#define HPET_BASE  0xfed00000ull
#define HPET_BYTES 0x400u

#define HPET_TIMERS_MAX 4u
#define HPET_PERIOD_FS  69841279ull
#define HPET_FS_PER_NS  1000000ull
/* A match may be told of that late, each one by itself; a longer backlog is given as one. */
#define HPET_BACKLOG_NS 250000000ull
/* Matches closer than that are given as one: the guest could not have taken them one by one. */
#define HPET_MIN_GAP_NS 2000ull

/* General registers */
#define HPET_CAP_LOW 0x000u
#define HPET_CONFIG  0x010u
#define HPET_STATUS  0x020u
#define HPET_COUNTER 0x0f0u
#define HPET_TIMER0  0x100u

#define HPET_CAP_ID        0x8086a001u /* Intel, legacy replacement, 64 bits, revision 1 */
#define HPET_CAP_NUM_SHIFT 8u
#define HPET_CNF_ENABLE    0x1u
#define HPET_CNF_LEGACY    0x2u

/* Timer registers, 20h apart */
#define HPET_TN_CONFIG  0x00u
#define HPET_TN_COMPARE 0x08u
#define HPET_TN_FSB     0x10u

#define HPET_FSB_ADDR_MASK 0xfff00000u
#define HPET_FSB_ADDR      0xfee00000u

typedef struct Hpet {
    /* config */
    uint8_t ich9;
    /* guest-visible, saved */
    uint8_t config; /* HPET_CNF_* */
    uint32_t status;
    uint64_t counter; /* halted: its value; running: what the clock's pulses lack to be it */
    HpetTimer timer[HPET_TIMERS_MAX];
    /* host */
    uint32_t timers;
    const viv_chipset_api_t *chipset;
    viv_timer_t *host_timer[HPET_TIMERS_MAX];
    struct HpetRef {
        struct Hpet *hpet;
        uint32_t index;
    } ref[HPET_TIMERS_MAX];
    /* stats */
    uint64_t matches, coalesced, dropped;
} Hpet;

static const viv_option_t hpet_options[] = {
    VIV_OPT_NAMED(Hpet, "ICH9", ich9, VIV_BOOL, 0, 1, 0,
                  "The HPET of an ICH9, with four timers, instead of three"),
    {0},
};

static const viv_field_t hpet_state[] = {
    VIV_FIELD(Hpet, config, VIV_U8, 1),
    VIV_FIELD(Hpet, status, VIV_U32, 1),
    VIV_FIELD(Hpet, counter, VIV_U64, 1),
    VIV_FIELD_STRUCTS(Hpet, timer, hpet_timer_fields, 1),
    {0},
};

/* I/O APIC inputs that a timer can be wired to. */
static const uint32_t hpet_route_cap[HPET_TIMERS_MAX] = {0x00f00000, 0x00f00000, 0x00f00800,
                                                         0x00f01000};

/* -- time ------------------------------------------------------------------------------------ */

static uint64_t hpet_pulse_at(uint64_t ns)
{
    return (uint64_t)((unsigned __int128)ns * HPET_FS_PER_NS / HPET_PERIOD_FS);
}

/* The first ns at which that pulse has happened. */
static uint64_t hpet_ns_of(unsigned __int128 pulse)
{
    if (pulse > UINT64_MAX) {
        return UINT64_MAX;
    }
    unsigned __int128 ns = (pulse * HPET_PERIOD_FS + HPET_FS_PER_NS - 1) / HPET_FS_PER_NS;
    return ns > UINT64_MAX ? UINT64_MAX : (uint64_t)ns;
}

static int hpet_is_running(const Hpet *hpet)
{
    return (hpet->config & HPET_CNF_ENABLE) != 0;
}

static uint64_t hpet_counter_at(const Hpet *hpet, uint64_t ns)
{
    return hpet_is_running(hpet) ? hpet_pulse_at(ns) + hpet->counter : hpet->counter;
}

static uint64_t hpet_counter(viv_dev_t *dev, const Hpet *hpet)
{
    return hpet_counter_at(hpet, dev->api->time_ns(dev));
}

/* When the timer's next match is due; UINT64_MAX: never. */
static uint64_t hpet_due_ns(viv_dev_t *dev, const Hpet *hpet, const HpetTimer *t)
{
    uint64_t distance = hpet_timer_distance(t);
    if (!hpet_is_running(hpet) || !distance) {
        return UINT64_MAX;
    }
    uint64_t now = hpet_pulse_at(dev->api->time_ns(dev));
    uint64_t since = now + hpet->counter - t->seen; /* at most now + 1, see hpet_post_load() */
    unsigned __int128 due = (unsigned __int128)now + distance;
    return hpet_ns_of(due > since ? due - since : 0);
}

/* -- interrupts ------------------------------------------------------------------------------ */

typedef enum HpetWay { HPET_NOWHERE, HPET_ISA, HPET_GSI, HPET_FSB } HpetWay;

static HpetWay hpet_way(const Hpet *hpet, uint32_t i, uint32_t *ret_line)
{
    const HpetTimer *t = &hpet->timer[i];
    uint32_t route = (t->config & HPET_TN_ROUTE) >> HPET_TN_ROUTE_SHIFT;
    *ret_line = route;
    if (i < 2 && hpet->config & HPET_CNF_LEGACY) {
        *ret_line = i ? 8 : 0;
        return HPET_ISA;
    }
    if (t->config & HPET_TN_FSB_EN) {
        return HPET_FSB;
    }
    if (!(hpet_route_cap[i] >> route & 1)) {
        return HPET_NOWHERE; /* as after reset: none has been chosen */
    }
    return route < 16 ? HPET_ISA : HPET_GSI;
}

static int hpet_is_level(const Hpet *hpet, uint32_t i)
{
    uint32_t line;
    return hpet->timer[i].config & HPET_TN_INT_TYPE && hpet_way(hpet, i, &line) != HPET_FSB;
}

/* The levels of all lines that the timers can drive, from their state. */
static void hpet_drive(viv_dev_t *dev, Hpet *hpet)
{
    uint32_t isa = 0, gsi = 0;
    for (uint32_t i = 0; i < hpet->timers; i++) {
        const HpetTimer *t = &hpet->timer[i];
        uint32_t line, up = hpet_is_level(hpet, i) ? hpet->status >> i & 1 : t->line;
        HpetWay way = hpet_way(hpet, i, &line);
        if (up && t->config & HPET_TN_INT_ENB) {
            isa |= way == HPET_ISA ? 1u << line : 0;
            gsi |= way == HPET_GSI ? 1u << line : 0;
        }
    }
    hpet->chipset->lock(dev);
    dev->api->irq_set(dev, 0, isa & 1);
    dev->api->irq_set(dev, 8, isa >> 8 & 1);
    dev->api->irq_set(dev, 11, isa >> 11 & 1);
    dev->api->irq_set(dev, 12, isa >> 12 & 1);
    for (uint32_t line = 20; line < 24; line++) {
        hpet->chipset->gsi_set(dev, line, gsi >> line & 1);
    }
    hpet->chipset->unlock(dev);
}

/* A message as PCI's MSI: address FEEh | destination | redirection hint | mode, data. */
static void hpet_send(viv_dev_t *dev, Hpet *hpet, uint64_t message)
{
    uint32_t data = (uint32_t)message, address = (uint32_t)(message >> 32);
    if ((address & HPET_FSB_ADDR_MASK) != HPET_FSB_ADDR) {
        dev->api->log(dev, VIV_LOG_TRACE, "FSB message to %08x: nobody is there", address);
        return;
    }
    uint32_t logical = address >> 2 & 1, hint = address >> 3 & 1, mode = data >> 8 & 7;
    if (hint && logical && mode == VIV_APIC_DELIVERY_FIXED) {
        mode = VIV_APIC_DELIVERY_LOWEST;
    }
    hpet->chipset->lock(dev);
    hpet->chipset->apic_deliver(dev, address >> 12 & 0xff, logical, mode, data & 0xff, 0);
    hpet->chipset->unlock(dev);
}

/* An edge-triggered interrupt. An ISA line stays up until the next one, for an 8259A wants to see
 * it when it is acknowledged; the I/O APIC keeps an edge by itself, and its other inputs may be
 * shared. */
static void hpet_edge(viv_dev_t *dev, Hpet *hpet, uint32_t i)
{
    uint32_t line;
    switch (hpet_way(hpet, i, &line)) {
    case HPET_ISA:
        hpet->timer[i].line = 0;
        hpet_drive(dev, hpet);
        hpet->timer[i].line = 1;
        hpet_drive(dev, hpet);
        break;
    case HPET_GSI:
        hpet->timer[i].line = 1;
        hpet_drive(dev, hpet);
        hpet->timer[i].line = 0;
        hpet_drive(dev, hpet);
        break;
    case HPET_FSB: hpet_send(dev, hpet, hpet->timer[i].fsb); break;
    default: break;
    }
}

/* Runs timer i to `counter` and gives what matches there are as one interrupt. */
static void hpet_run(viv_dev_t *dev, Hpet *hpet, uint32_t i, uint64_t counter)
{
    HpetTimer *t = &hpet->timer[i];
    uint64_t matches = hpet_timer_run(t, counter);
    if (!matches) {
        return;
    }
    if (hpet_is_level(hpet, i)) {
        hpet->matches += t->config & HPET_TN_INT_ENB && !(hpet->status >> i & 1);
        hpet->status |= 1u << i;
        hpet_drive(dev, hpet);
    } else if (t->config & HPET_TN_INT_ENB) {
        hpet->matches++;
        hpet->coalesced += matches - 1;
        hpet_edge(dev, hpet, i);
    }
}

/* Everything up to now; before anything changes. */
static void hpet_sync(viv_dev_t *dev, Hpet *hpet)
{
    uint64_t counter = hpet_counter(dev, hpet);
    for (uint32_t i = 0; i < hpet->timers && hpet_is_running(hpet); i++) {
        hpet_run(dev, hpet, i, counter);
    }
}

static void hpet_arm(viv_dev_t *dev, Hpet *hpet, uint32_t i, uint64_t not_before_ns)
{
    const HpetTimer *t = &hpet->timer[i];
    int waiting = t->config & HPET_TN_INT_ENB && !(hpet_is_level(hpet, i) && hpet->status >> i & 1);
    uint64_t due = waiting ? hpet_due_ns(dev, hpet, t) : UINT64_MAX;
    if (due == UINT64_MAX) {
        dev->api->timer_cancel(hpet->host_timer[i]);
    } else {
        dev->api->timer_arm(hpet->host_timer[i], due > not_before_ns ? due : not_before_ns);
    }
}

/* After any change: lines and host timers. */
static void hpet_changed(viv_dev_t *dev, Hpet *hpet)
{
    for (uint32_t i = 0; i < hpet->timers; i++) {
        hpet_arm(dev, hpet, i, 0);
    }
    hpet_drive(dev, hpet);
}

/* [emt, device lock held] One match by itself, so that none is lost when the host is a little
 * late. */
static void hpet_expired(viv_dev_t *dev, void *ctx)
{
    const struct HpetRef *ref = ctx;
    Hpet *hpet = ref->hpet;
    HpetTimer *t = &hpet->timer[ref->index];
    uint64_t now_ns = dev->api->time_ns(dev), not_before_ns = 0;
    uint64_t due_ns = hpet_due_ns(dev, hpet, t);
    uint64_t interval = hpet_timer_interval(t);
    if (due_ns <= now_ns) {
        uint64_t to = t->seen + hpet_timer_distance(t);
        if (interval && interval < hpet_pulse_at(HPET_MIN_GAP_NS)) {
            to = hpet_counter(dev, hpet);
            not_before_ns = now_ns + HPET_MIN_GAP_NS;
        } else if (now_ns - due_ns > HPET_BACKLOG_NS) {
            hpet->dropped++;
            to = hpet_counter(dev, hpet);
        }
        hpet_run(dev, hpet, ref->index, to);
    }
    hpet_arm(dev, hpet, ref->index, not_before_ns);
}

/* -- registers ------------------------------------------------------------------------------- */

static uint64_t hpet_timer_get(viv_dev_t *dev, const Hpet *hpet, uint32_t i, uint32_t reg)
{
    HpetTimer t = hpet->timer[i];
    switch (reg) {
    case HPET_TN_CONFIG:
        return (uint64_t)hpet_route_cap[i] << 32 | HPET_TN_FSB_CAP | HPET_TN_SIZE_CAP |
               HPET_TN_PER_INT_CAP | (t.config & ~HPET_TN_VAL_SET);
    case HPET_TN_COMPARE:
        if (hpet_is_running(hpet)) { /* a copy: the edges are left to the host's timer */
            hpet_timer_run(&t, hpet_counter(dev, hpet));
        }
        return t.comparator;
    case HPET_TN_FSB: return t.fsb;
    default: return 0;
    }
}

/* Only level-triggered timers have a status; edges are left to the host's timer. */
static uint32_t hpet_get_status(viv_dev_t *dev, Hpet *hpet)
{
    for (uint32_t i = 0; i < hpet->timers; i++) {
        if (hpet_is_level(hpet, i) && hpet_is_running(hpet)) {
            hpet_run(dev, hpet, i, hpet_counter(dev, hpet));
        }
    }
    return hpet->status;
}

/* The 64-bit register at `reg`. */
static uint64_t hpet_get(viv_dev_t *dev, Hpet *hpet, uint32_t reg)
{
    uint32_t i = (reg - HPET_TIMER0) / 0x20;
    switch (reg) {
    case HPET_CAP_LOW:
        return HPET_PERIOD_FS << 32 | HPET_CAP_ID | (hpet->timers - 1) << HPET_CAP_NUM_SHIFT;
    case HPET_CONFIG: return hpet->config;
    case HPET_STATUS: return hpet_get_status(dev, hpet);
    case HPET_COUNTER: return hpet_counter(dev, hpet);
    default:
        return reg >= HPET_TIMER0 && i < hpet->timers ? hpet_timer_get(dev, hpet, i, reg & 0x1f)
                                                      : 0;
    }
}

static void hpet_legacy(viv_dev_t *dev, const Hpet *hpet)
{
    if (VIV_HAS(hpet->chipset, legacy_replacement)) {
        hpet->chipset->lock(dev);
        hpet->chipset->legacy_replacement(dev, hpet->config & HPET_CNF_LEGACY ? 1 : 0);
        hpet->chipset->unlock(dev);
    }
}

/* A running counter stops where it is, a stopped one goes on from there. */
static void hpet_set_config(viv_dev_t *dev, Hpet *hpet, uint32_t value)
{
    uint64_t counter = hpet_counter(dev, hpet);
    uint32_t was = hpet->config;
    hpet->config = (uint8_t)(value & (HPET_CNF_ENABLE | HPET_CNF_LEGACY));
    hpet->counter =
        hpet_is_running(hpet) ? counter - hpet_pulse_at(dev->api->time_ns(dev)) : counter;
    if ((was ^ hpet->config) & HPET_CNF_LEGACY) {
        hpet->timer[0].line = hpet->timer[1].line = 0;
        hpet_legacy(dev, hpet);
    }
}

static void hpet_set_counter(viv_dev_t *dev, Hpet *hpet, uint64_t value)
{
    hpet->counter = hpet_is_running(hpet) ? value - hpet_pulse_at(dev->api->time_ns(dev)) : value;
    for (uint32_t i = 0; i < hpet->timers; i++) {
        hpet->timer[i].seen = value;
    }
}

static void hpet_set_status(Hpet *hpet, uint32_t ones)
{
    hpet->status &= ~ones;
}

static void hpet_set_timer_config(Hpet *hpet, uint32_t i, uint32_t value)
{
    HpetTimer *t = &hpet->timer[i];
    uint32_t was = t->config;
    hpet_timer_config(t, value, hpet_route_cap[i]);
    if ((was ^ t->config) & (HPET_TN_INT_TYPE | HPET_TN_INT_ENB | HPET_TN_ROUTE | HPET_TN_FSB_EN)) {
        t->line = 0;
    }
    if (!hpet_is_level(hpet, i)) {
        hpet->status &= ~(1u << i); /* a status bit belongs to level-triggered timers */
    }
}

static void hpet_set_timer(viv_dev_t *dev, Hpet *hpet, uint32_t i, uint32_t reg, uint64_t value,
                           uint64_t mask)
{
    HpetTimer *t = &hpet->timer[i];
    switch (reg) {
    case HPET_TN_CONFIG:
        if (mask & UINT32_MAX) {
            hpet_set_timer_config(hpet, i, (uint32_t)value);
        }
        break;
    case HPET_TN_COMPARE:
        hpet_timer_compare(t, value, mask, hpet_counter(dev, hpet),
                           (uint32_t)hpet_is_running(hpet));
        hpet_sync(dev, hpet); /* a match there and then */
        break;
    case HPET_TN_FSB: t->fsb = (t->fsb & ~mask) | (value & mask); break;
    default: break;
    }
}

/* The bits of `mask` of the 64-bit register at `reg`. */
static void hpet_set(viv_dev_t *dev, Hpet *hpet, uint32_t reg, uint64_t value, uint64_t mask)
{
    uint32_t i = (reg - HPET_TIMER0) / 0x20;
    hpet_sync(dev, hpet);
    switch (reg) {
    case HPET_CONFIG:
        if (mask & UINT32_MAX) {
            hpet_set_config(dev, hpet, (uint32_t)value);
        }
        break;
    case HPET_STATUS: hpet_set_status(hpet, (uint32_t)(value & mask)); break;
    case HPET_COUNTER:
        hpet_set_counter(dev, hpet, (hpet_counter(dev, hpet) & ~mask) | (value & mask));
        break;
    default:
        if (reg >= HPET_TIMER0 && i < hpet->timers) {
            hpet_set_timer(dev, hpet, i, reg & 0x1f, value, mask);
        }
        break;
    }
    hpet_changed(dev, hpet);
}

/* [emt, device lock held] */
static uint64_t hpet_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    uint64_t value = hpet_get(dev, ctx, (uint32_t)off & ~7u) >> (off & 4 ? 32 : 0);
    return width == 8 ? value : value & UINT32_MAX;
}

/* [emt, device lock held] */
static void hpet_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value, uint32_t width)
{
    uint32_t shift = off & 4 ? 32 : 0;
    uint64_t mask = width == 8 ? UINT64_MAX : (uint64_t)UINT32_MAX << shift;
    hpet_set(dev, ctx, (uint32_t)off & ~7u, value << shift, mask);
}

static const viv_io_ops_t hpet_io = {
    .size = sizeof(viv_io_ops_t),
    .widths = VIV_W32 | VIV_W64,
    .read = hpet_read,
    .write = hpet_write,
};

/* -- life ------------------------------------------------------------------------------------ */

/* [main or emt, device lock held] */
static void hpet_reset(viv_dev_t *dev, void *self)
{
    Hpet *hpet = self;
    hpet->config = 0;
    hpet->status = 0;
    hpet->counter = 0;
    for (uint32_t i = 0; i < HPET_TIMERS_MAX; i++) {
        hpet_timer_reset(&hpet->timer[i]);
    }
    hpet_legacy(dev, hpet);
    hpet_changed(dev, hpet);
}

static int hpet_timer_is_sane(const Hpet *hpet, uint32_t i, uint64_t pulse)
{
    const HpetTimer *t = &hpet->timer[i];
    uint64_t wide = t->config & HPET_TN_32MODE ? UINT32_MAX : UINT64_MAX;
    uint32_t route = (t->config & HPET_TN_ROUTE) >> HPET_TN_ROUTE_SHIFT;
    if (t->config & ~HPET_TN_WRITABLE || (route && !(hpet_route_cap[i] >> route & 1)) ||
        t->comparator > wide || t->period > wide || t->line > 1) {
        return 0;
    }
    if (!hpet_is_running(hpet)) {
        return t->seen == hpet->counter;
    }
    /* What has been accounted for is not older than the machine, nor in the future. */
    return pulse + hpet->counter - t->seen <= pulse + 1;
}

/* [main, device lock held] */
static viv_status_t hpet_post_load(viv_dev_t *dev, void *self, uint32_t version)
{
    Hpet *hpet = self;
    uint64_t pulse = hpet_pulse_at(dev->api->time_ns(dev));
    (void)version;
    if (hpet->config & ~(HPET_CNF_ENABLE | HPET_CNF_LEGACY) || hpet->status >> hpet->timers) {
        return dev->api->fail(dev, VIV_E_CORRUPT, "configuration %02x, status %08x", hpet->config,
                              hpet->status);
    }
    for (uint32_t i = 0; i < hpet->timers; i++) {
        if (!hpet_timer_is_sane(hpet, i, pulse)) {
            return dev->api->fail(dev, VIV_E_CORRUPT, "timer %u: its state contradicts itself", i);
        }
    }
    hpet_legacy(dev, hpet);
    hpet_changed(dev, hpet);
    return VIV_OK;
}

static void hpet_counters(viv_dev_t *dev, const Hpet *hpet)
{
    viv_iface_t iface;
    if (dev->api->get_interface(dev, VIV_STAM_ID, sizeof(viv_stam_api_t), &iface) == VIV_OK) {
        const viv_stam_api_t *stam = iface.ops;
        stam->counter(dev, &hpet->matches, "Ticks", "times", "Interrupts given");
        stam->counter(dev, &hpet->coalesced, "Coalesced", "times",
                      "Matches that were given together with another one");
        stam->counter(dev, &hpet->dropped, "Dropped", "times",
                      "Backlogs of matches that were given as one");
    }
}

/* [main, device lock held] */
static viv_status_t hpet_construct(viv_dev_t *dev, void *self)
{
    static const char *const names[HPET_TIMERS_MAX] = {"timer 0", "timer 1", "timer 2", "timer 3"};
    Hpet *hpet = self;
    viv_status_t st = VIV_OK;
    hpet->timers = hpet->ich9 ? 4 : 3;
    hpet->chipset =
        viv_need(dev, VIV_CHIPSET_ID, offsetof(viv_chipset_api_t, legacy_replacement), &st);
    for (uint32_t i = 0; i < hpet->timers && st == VIV_OK; i++) {
        hpet->ref[i] = (struct HpetRef){hpet, i};
        st = dev->api->timer_create(dev, names[i], hpet_expired, &hpet->ref[i],
                                    &hpet->host_timer[i]);
    }
    if (st != VIV_OK) {
        return st;
    }
    hpet_counters(dev, hpet);
    return dev->api->mmio_map(dev, HPET_BASE, HPET_BYTES, &hpet_io, hpet, "registers", NULL);
}

static const viv_device_class_t hpet_class = {
    VIV_DEVICE_CLASS_HEAD,
    .name = "hpet",
    .summary = "High Precision Event Timers",
    .instance_size = sizeof(Hpet),
    .state_version = HPET_STATE_VERSION,
    .max_instances = 1,
    /* Before PIT and RTC, whose lines must be cut off when a loaded state raises them again. */
    .order = VIV_ORDER_PIC,
    .options = hpet_options,
    .state = hpet_state,
    .construct = hpet_construct,
    .reset = hpet_reset,
    .post_load = hpet_post_load,
};

VIV_PLUGIN("org.vivarium.hpet", "1.0", "LGPL-2.1-or-later", "High Precision Event Timers",
           &hpet_class);
