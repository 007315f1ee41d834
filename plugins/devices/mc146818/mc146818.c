/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* mc146818: the PC's real-time clock with 256 bytes of battery-backed RAM.
 *
 * The guest sees an index/data pair at 70h/71h (the clock and 114 bytes of RAM; bit 7 of 70h masks
 * NMI), a second one at 72h/73h (the upper 128 bytes), and IRQ 8. The clock starts at the host's
 * wall time, as UTC or as local time, and then follows the virtual clock through the guest-visible
 * divider chain. Firmware reaches the RAM through the RTC role.
 * Follows: Motorola MC146818A data sheet (AD1-871R2), with the PC's 32.768 kHz crystal; PIIX3/ICH
 * for ports 72h/73h; the century byte of PC BIOSes at 32h is carried along with the year.
 * Not modelled: the SQW pin, which a PC does not wire; undefined values during an update (the time
 * before it is read). */
#include <viv/chipset.h>
#include <viv/device.h>

#include "mc146818_calendar.h"

#define MC146818_STATE_VERSION 2

#define MC146818_CHECKED_FIRST 0x10u
#define MC146818_CHECKED_LAST  0x2du
#define MC146818_CHECKSUM      0x2eu /* high byte, then low byte */

#define MC146818_A_UIP      0x80u
#define MC146818_A_DV       0x70u
#define MC146818_A_DV_4MHZ  0x00u
#define MC146818_A_DV_1MHZ  0x10u
#define MC146818_A_DV_32KHZ 0x20u
#define MC146818_A_RS       0x0fu
#define MC146818_B_SET      0x80u
#define MC146818_B_PIE      0x40u
#define MC146818_B_AIE      0x20u
#define MC146818_B_UIE      0x10u
#define MC146818_B_SQWE     0x08u
#define MC146818_C_IRQF     0x80u
#define MC146818_C_PF       0x40u
#define MC146818_C_AF       0x20u
#define MC146818_C_UF       0x10u
#define MC146818_C_FLAGS    0x70u /* each enabled by the same bit of B */
#define MC146818_D_VRT      0x80u

#define MC146818_SECOND_NS    1000000000ull
#define MC146818_LATE_SECONDS 3600u /* backlog of updates that a saved state may hold */
/* From UIP's rise to the end of the update: t_BUC 244 us and the cycle, 1984 us with a 32.768 kHz
 * time base and 248 us with the others (data sheet, table 4). */
#define MC146818_UIP_NS      2228000ull
#define MC146818_UIP_FAST_NS 492000ull
/* ns * 64 / 1953125 = periods of 32.768 kHz */
#define MC146818_TICK_MUL 64u
#define MC146818_TICK_DIV 1953125u

typedef struct Mc146818 {
    /* config */
    uint16_t base;
    uint8_t irq;
    uint8_t use_utc;
    const char *start_time;
    /* guest-visible, saved */
    uint8_t cmos[256]; /* the clock's registers in front; A without UIP, C without IRQF */
    uint8_t index[2];  /* of the two pairs */
    uint8_t nmi_masked;
    uint64_t anchor_ns; /* an end of a second of the divider chain: phase of everything periodic */
    uint64_t next_update_ns;
    uint64_t periodic_tick; /* 32.768 kHz tick up to which PF has been accounted for */
    uint8_t fell_back;      /* daylight saving has ended today */
    /* host */
    const viv_chipset_api_t *chipset;
    viv_timer_t *update_timer, *periodic_timer;
    /* stats */
    uint64_t ticks, coalesced, late;
} Mc146818;

static const viv_option_t mc146818_options[] = {
    VIV_OPT_NAMED(Mc146818, "Base", base, VIV_U16, 0, 0xfffc, 0x70, "First of the four I/O ports"),
    VIV_OPT_NAMED(Mc146818, "Irq", irq, VIV_U8, 0, 15, 8, "Interrupt line"),
    VIV_OPT_NAMED(Mc146818, "UseUTC", use_utc, VIV_BOOL, 0, 1, 0,
                  "Start with UTC instead of local time"),
    VIV_OPT_STRING(Mc146818, "StartTime", start_time, NULL,
                   "What the clock shows at power-on, as 2001-02-03T04:05:06, instead of the time "
                   "of the host"),
    {0},
};

static const viv_field_t mc146818_state[] = {
    VIV_FIELD_BYTES(Mc146818, cmos, 1),
    VIV_FIELD_ARRAY(Mc146818, index, VIV_U8, 1),
    VIV_FIELD(Mc146818, nmi_masked, VIV_BOOL, 1),
    VIV_FIELD(Mc146818, anchor_ns, VIV_U64, 1),
    VIV_FIELD(Mc146818, next_update_ns, VIV_U64, 1),
    VIV_FIELD(Mc146818, periodic_tick, VIV_U64, 1),
    VIV_FIELD(Mc146818, fell_back, VIV_BOOL, 2),
    {0},
};

/* -- divider chain --------------------------------------------------------------------------- */

/* How many times slower than a 32.768 kHz crystal should have it the chain runs; 0: it stands. With
 * the taps for faster crystals the PC's own gives longer seconds. */
static uint32_t mc146818_slowness(const Mc146818 *rtc)
{
    switch (rtc->cmos[MC146818_A] & MC146818_A_DV) {
    case MC146818_A_DV_4MHZ: return 128;
    case MC146818_A_DV_1MHZ: return 32;
    case MC146818_A_DV_32KHZ: return 1;
    default: return 0; /* 110 and 111 hold it in reset, the others are not defined */
    }
}

static int mc146818_is_running(const Mc146818 *rtc)
{
    return mc146818_slowness(rtc) != 0;
}

/* The chain's second. */
static uint64_t mc146818_second_ns(const Mc146818 *rtc)
{
    uint32_t slowness = mc146818_slowness(rtc);
    return MC146818_SECOND_NS * (slowness ? slowness : 1);
}

/* Ticks of 1/32768 of a second, since a second before the anchor, which is never in the future. */
static uint64_t mc146818_tick(const Mc146818 *rtc, uint64_t now_ns)
{
    uint64_t second_ns = mc146818_second_ns(rtc);
    uint64_t slowness = second_ns / MC146818_SECOND_NS;
    uint64_t elapsed_ns = now_ns + second_ns - rtc->anchor_ns;
    return (uint64_t)((unsigned __int128)elapsed_ns * MC146818_TICK_MUL /
                      (MC146818_TICK_DIV * slowness));
}

static uint64_t mc146818_tick_ns(const Mc146818 *rtc, uint64_t tick)
{
    uint64_t second_ns = mc146818_second_ns(rtc);
    uint64_t slowness = second_ns / MC146818_SECOND_NS;
    unsigned __int128 ns =
        (unsigned __int128)tick * MC146818_TICK_DIV * slowness + MC146818_TICK_MUL - 1;
    return (uint64_t)(ns / MC146818_TICK_MUL) + rtc->anchor_ns - second_ns;
}

/* Ticks between periodic interrupts, 0: none. */
static uint32_t mc146818_period(const Mc146818 *rtc)
{
    uint32_t rs = rtc->cmos[MC146818_A] & MC146818_A_RS;
    if (rs == 0 || !mc146818_is_running(rtc)) {
        return 0;
    }
    if (rs < 3 && mc146818_slowness(rtc) == 1) {
        return 1u << (rs + 6); /* below the crystal's own: 1 and 2 are the rates of 8 and 9 */
    }
    return 1u << (rs - 1);
}

static uint64_t mc146818_first_update(const Mc146818 *rtc, uint64_t now_ns)
{
    uint64_t second_ns = mc146818_second_ns(rtc);
    uint64_t seconds = (now_ns + second_ns - rtc->anchor_ns) / second_ns;
    return rtc->anchor_ns + seconds * second_ns;
}

static void mc146818_next_update(Mc146818 *rtc, uint64_t at_ns)
{
    rtc->anchor_ns = at_ns;
    rtc->next_update_ns = at_ns;
}

/* -- interrupts ------------------------------------------------------------------------------ */

static uint8_t mc146818_pending(const Mc146818 *rtc)
{
    return rtc->cmos[MC146818_B] & rtc->cmos[MC146818_C] & MC146818_C_FLAGS;
}

/* Sets PF if an edge of the selected rate has passed since the last look. */
static void mc146818_account_periodic(viv_dev_t *dev, Mc146818 *rtc)
{
    uint32_t period = mc146818_period(rtc);
    if (period) {
        uint64_t tick = mc146818_tick(rtc, dev->api->time_ns(dev));
        uint64_t edges = tick / period - rtc->periodic_tick / period;
        if (edges) {
            uint32_t given = !(rtc->cmos[MC146818_C] & MC146818_C_PF);
            rtc->cmos[MC146818_C] |= MC146818_C_PF;
            if (rtc->cmos[MC146818_B] & MC146818_B_PIE) {
                rtc->ticks += given;
                rtc->coalesced += edges - given;
            }
        }
        rtc->periodic_tick = tick;
    }
}

/* After any change of A, B or C: the line, and the timers that can change C in a way that
 * matters. */
static void mc146818_update_irq(viv_dev_t *dev, Mc146818 *rtc)
{
    uint32_t period = mc146818_period(rtc);
    uint32_t wants_pf =
        (rtc->cmos[MC146818_B] & MC146818_B_PIE) && !(rtc->cmos[MC146818_C] & MC146818_C_PF);
    if (period && wants_pf) {
        uint64_t tick = (rtc->periodic_tick / period + 1) * period;
        dev->api->timer_arm(rtc->periodic_timer, mc146818_tick_ns(rtc, tick));
    } else {
        dev->api->timer_cancel(rtc->periodic_timer);
    }
    if (mc146818_is_running(rtc)) {
        dev->api->timer_arm(rtc->update_timer, rtc->next_update_ns);
    } else {
        dev->api->timer_cancel(rtc->update_timer);
    }
    dev->api->irq_set(dev, rtc->irq, mc146818_pending(rtc) != 0);
}

/* [emt, chipset lock] */
static void mc146818_periodic(viv_dev_t *dev, void *ctx)
{
    Mc146818 *rtc = ctx;
    mc146818_account_periodic(dev, rtc);
    mc146818_update_irq(dev, rtc);
}

/* -- update cycles ------------------------------------------------------------------------------ */

/* [emt, chipset lock] End of an update cycle. */
static void mc146818_update(viv_dev_t *dev, void *ctx)
{
    Mc146818 *rtc = ctx;
    rtc->next_update_ns += mc146818_second_ns(rtc);
    rtc->late += rtc->next_update_ns <= dev->api->time_ns(dev);
    if (!(rtc->cmos[MC146818_B] & MC146818_B_SET)) {
        mc146818_calendar_tick(rtc->cmos, &rtc->fell_back);
        rtc->cmos[MC146818_C] |= MC146818_C_UF;
        if (mc146818_calendar_alarm(rtc->cmos)) {
            rtc->cmos[MC146818_C] |= MC146818_C_AF;
        }
    }
    mc146818_account_periodic(dev, rtc);
    mc146818_update_irq(dev, rtc);
}

/* The time of power-on into the registers, the divider chain in step with it. */
static viv_status_t mc146818_set_clock(viv_dev_t *dev, Mc146818 *rtc, uint64_t wall_ns)
{
    uint64_t now_ns = dev->api->time_ns(dev);
    time_t seconds = (time_t)(wall_ns / MC146818_SECOND_NS);
    uint64_t fraction_ns = wall_ns % MC146818_SECOND_NS;
    struct tm tm = {.tm_mday = 1};
    if (rtc->start_time && *rtc->start_time) {
        fraction_ns = 0;
        if (!mc146818_calendar_parse(rtc->start_time, &tm)) {
            return dev->api->fail(dev, VIV_E_CONFIG,
                                  "StartTime \"%s\" is no time like 2001-02-03T04:05:06",
                                  rtc->start_time);
        }
    } else if (rtc->use_utc) {
        gmtime_r(&seconds, &tm);
    } else {
        localtime_r(&seconds, &tm);
    }
    mc146818_calendar_set(rtc->cmos, &tm);
    mc146818_next_update(rtc, now_ns + MC146818_SECOND_NS - fraction_ns);
    rtc->periodic_tick = mc146818_tick(rtc, now_ns);
    return VIV_OK;
}

/* -- registers ------------------------------------------------------------------------------- */

static void mc146818_write_a(viv_dev_t *dev, Mc146818 *rtc, uint8_t value)
{
    uint64_t now_ns = dev->api->time_ns(dev);
    uint64_t left_ns = rtc->next_update_ns > now_ns ? rtc->next_update_ns - now_ns : 0;
    uint32_t before = mc146818_slowness(rtc);
    mc146818_account_periodic(dev, rtc);
    rtc->cmos[MC146818_A] = (uint8_t)(value & ~MC146818_A_UIP);
    uint32_t after = mc146818_slowness(rtc);
    if (!after) { /* the phase is of no consequence any more */
        mc146818_next_update(rtc, now_ns);
    } else if (!before) { /* released: the first update is half a second away */
        mc146818_next_update(rtc, now_ns + mc146818_second_ns(rtc) / 2);
    } else if (before != after) {
        mc146818_next_update(rtc, now_ns + left_ns * after / before);
    }
    rtc->periodic_tick = after ? mc146818_tick(rtc, now_ns) : 0;
    mc146818_update_irq(dev, rtc);
}

static void mc146818_write_b(viv_dev_t *dev, Mc146818 *rtc, uint8_t value)
{
    mc146818_account_periodic(dev, rtc);
    if (value & MC146818_B_SET) {
        value &= (uint8_t)~MC146818_B_UIE;
    }
    rtc->cmos[MC146818_B] = value;
    mc146818_update_irq(dev, rtc);
}

static void mc146818_reg_write(viv_dev_t *dev, Mc146818 *rtc, uint32_t index, uint8_t value)
{
    switch (index) {
    case MC146818_A: mc146818_write_a(dev, rtc, value); break;
    case MC146818_B: mc146818_write_b(dev, rtc, value); break;
    case MC146818_C:
    case MC146818_D: break; /* read-only */
    case MC146818_HOURS:
    case MC146818_DAY:
    case MC146818_MONTH:
        rtc->fell_back = 0; /* another day, or its small hours again */
        /* fall through */
    default: rtc->cmos[index] = value; break;
    }
}

/* Without the side effect of reading C. */
static uint8_t mc146818_reg_read(viv_dev_t *dev, Mc146818 *rtc, uint32_t index)
{
    uint64_t now_ns = dev->api->time_ns(dev);
    switch (index) {
    case MC146818_A: {
        uint32_t slowness = mc146818_slowness(rtc);
        uint64_t uip_ns = slowness > 1 ? slowness * MC146818_UIP_FAST_NS : MC146818_UIP_NS;
        int uip = slowness && !(rtc->cmos[MC146818_B] & MC146818_B_SET) &&
                  now_ns + uip_ns >= rtc->next_update_ns;
        return (uint8_t)(rtc->cmos[MC146818_A] | (uip ? MC146818_A_UIP : 0));
    }
    case MC146818_C:
        mc146818_account_periodic(dev, rtc);
        return (uint8_t)(rtc->cmos[MC146818_C] | (mc146818_pending(rtc) ? MC146818_C_IRQF : 0));
    default: return rtc->cmos[index];
    }
}

/* [emt, chipset lock] */
static uint64_t mc146818_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    Mc146818 *rtc = ctx;
    (void)width;
    switch (off) {
    case 1: {
        uint8_t value = mc146818_reg_read(dev, rtc, rtc->index[0]);
        if (rtc->index[0] == MC146818_C) {
            rtc->cmos[MC146818_C] = 0;
            mc146818_update_irq(dev, rtc);
        }
        return value;
    }
    case 2: return rtc->index[1];
    case 3: return rtc->cmos[128 + rtc->index[1]];
    default: return 0xff; /* 70h is write-only */
    }
}

/* [emt, chipset lock] */
static void mc146818_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value, uint32_t width)
{
    Mc146818 *rtc = ctx;
    (void)width;
    switch (off) {
    case 0:
        rtc->index[0] = value & 0x7f;
        rtc->nmi_masked = value >> 7 & 1;
        rtc->chipset->nmi_mask(dev, rtc->nmi_masked);
        break;
    case 1: mc146818_reg_write(dev, rtc, rtc->index[0], (uint8_t)value); break;
    case 2: rtc->index[1] = value & 0x7f; break;
    default: rtc->cmos[128 + rtc->index[1]] = (uint8_t)value; break;
    }
}

static const viv_io_ops_t mc146818_io = {
    .size = sizeof(viv_io_ops_t),
    .widths = VIV_W8,
    .read = mc146818_read,
    .write = mc146818_write,
};

/* -- the RTC role ---------------------------------------------------------------------------- */

/* [any, chipset lock] */
static uint8_t mc146818_cmos_read(viv_dev_t *dev, void *self, uint32_t index)
{
    return mc146818_reg_read(dev, self, index & 0xff);
}

/* [any, chipset lock] */
static void mc146818_cmos_write(viv_dev_t *dev, void *self, uint32_t index, uint8_t value)
{
    Mc146818 *rtc = self;
    mc146818_reg_write(dev, rtc, index & 0xff, value);
    if (index >= MC146818_CHECKED_FIRST && index <= MC146818_CHECKED_LAST) {
        uint32_t sum = 0;
        for (uint32_t i = MC146818_CHECKED_FIRST; i <= MC146818_CHECKED_LAST; i++) {
            sum += rtc->cmos[i];
        }
        rtc->cmos[MC146818_CHECKSUM] = (uint8_t)(sum >> 8);
        rtc->cmos[MC146818_CHECKSUM + 1] = (uint8_t)sum;
    }
}

static const viv_rtc_ops_t mc146818_role = {
    .size = sizeof(viv_rtc_ops_t),
    .cmos_read = mc146818_cmos_read,
    .cmos_write = mc146818_cmos_write,
};

/* -- life ------------------------------------------------------------------------------------ */

/* [main or emt, chipset lock] The RESET pin: the clock and the RAM live on the battery. */
static void mc146818_reset(viv_dev_t *dev, void *self)
{
    Mc146818 *rtc = self;
    mc146818_account_periodic(dev, rtc);
    rtc->cmos[MC146818_B] &=
        (uint8_t) ~(MC146818_B_PIE | MC146818_B_AIE | MC146818_B_UIE | MC146818_B_SQWE);
    rtc->cmos[MC146818_C] = 0;
    rtc->index[0] = 0;
    rtc->index[1] = 0;
    rtc->nmi_masked = 0;
    rtc->chipset->nmi_mask(dev, 0);
    mc146818_update_irq(dev, rtc);
}

/* [main, chipset lock] */
static viv_status_t mc146818_post_load(viv_dev_t *dev, void *self, uint32_t version)
{
    Mc146818 *rtc = self;
    uint64_t now_ns = dev->api->time_ns(dev);
    if (rtc->index[0] > 127 || rtc->index[1] > 127) {
        return dev->api->fail(dev, VIV_E_CORRUPT, "index %02x/%02x", rtc->index[0], rtc->index[1]);
    }
    if ((rtc->cmos[MC146818_A] & MC146818_A_UIP) || (rtc->cmos[MC146818_C] & ~MC146818_C_FLAGS)) {
        return dev->api->fail(dev, VIV_E_CORRUPT, "registers A %02x, C %02x", rtc->cmos[MC146818_A],
                              rtc->cmos[MC146818_C]);
    }
    if (version < 2 && mc146818_slowness(rtc) != 1) { /* all other dividers stood then */
        mc146818_next_update(rtc, now_ns + mc146818_second_ns(rtc) / 2);
        rtc->periodic_tick = mc146818_is_running(rtc) ? mc146818_tick(rtc, now_ns) : 0;
    }
    /* While the divider stands still its phase is of no consequence, but must not be ahead of the
     * time either. */
    if (rtc->anchor_ns > now_ns + mc146818_second_ns(rtc) ||
        rtc->periodic_tick > mc146818_tick(rtc, now_ns)) {
        return dev->api->fail(dev, VIV_E_CORRUPT, "the divider chain is ahead of time");
    }
    uint64_t late_ns = mc146818_first_update(rtc, now_ns) - rtc->next_update_ns;
    if (mc146818_is_running(rtc) && (late_ns % mc146818_second_ns(rtc) ||
                                     late_ns / mc146818_second_ns(rtc) > MC146818_LATE_SECONDS)) {
        return dev->api->fail(dev, VIV_E_CORRUPT, "the next update is out of step");
    }
    rtc->chipset->nmi_mask(dev, rtc->nmi_masked);
    mc146818_update_irq(dev, rtc);
    return VIV_OK;
}

static void mc146818_counters(viv_dev_t *dev, const Mc146818 *rtc)
{
    viv_iface_t iface;
    if (dev->api->get_interface(dev, VIV_STAM_ID, sizeof(viv_stam_api_t), &iface) == VIV_OK) {
        const viv_stam_api_t *stam = iface.ops;
        stam->counter(dev, &rtc->ticks, "Ticks", "times", "Periodic interrupts given");
        stam->counter(dev, &rtc->coalesced, "Coalesced", "times",
                      "Periodic interrupts that came while one was pending");
        stam->counter(dev, &rtc->late, "Late", "times", "Updates that were a second late or more");
    }
}

/* [main, chipset lock] */
static viv_status_t mc146818_construct(viv_dev_t *dev, void *self)
{
    Mc146818 *rtc = self;
    viv_status_t st = VIV_OK;
    rtc->chipset = viv_need(dev, VIV_CHIPSET_ID, sizeof(viv_chipset_api_t), &st);
    const viv_vm_api_t *vm_api = viv_need(dev, VIV_VM_ID, sizeof(viv_vm_api_t), &st);
    if (st != VIV_OK) {
        return st;
    }
    st = dev->api->timer_create(dev, "update", mc146818_update, rtc, &rtc->update_timer);
    if (st == VIV_OK) {
        st = dev->api->timer_create(dev, "periodic", mc146818_periodic, rtc, &rtc->periodic_timer);
    }
    if (st == VIV_OK) {
        st = dev->api->pio_map(dev, rtc->base, 4, &mc146818_io, rtc, "RTC", NULL);
    }
    if (st != VIV_OK) {
        return st;
    }
    rtc->cmos[MC146818_A] = MC146818_A_DV_32KHZ | 6;
    rtc->cmos[MC146818_B] = MC146818_B_24H;
    rtc->cmos[MC146818_D] = MC146818_D_VRT;
    st = mc146818_set_clock(dev, rtc, vm_api->wall_time_ns(dev));
    if (st != VIV_OK) {
        return st;
    }
    mc146818_counters(dev, rtc);
    return rtc->chipset->provide_rtc(dev, &mc146818_role, rtc);
}

static const viv_device_class_t mc146818_class = {
    VIV_DEVICE_CLASS_HEAD,
    .name = "mc146818",
    .summary = "MC146818A real-time clock and CMOS RAM",
    .instance_size = sizeof(Mc146818),
    .state_version = MC146818_STATE_VERSION,
    .max_instances = 1,
    .order = VIV_ORDER_RTC,
    .flags = VIV_DEV_CHIPSET_LOCK,
    .options = mc146818_options,
    .state = mc146818_state,
    .construct = mc146818_construct,
    .reset = mc146818_reset,
    .post_load = mc146818_post_load,
};

VIV_PLUGIN("org.vivarium.mc146818", "1.0", "LGPL-2.1-or-later", "MC146818A real-time clock",
           &mc146818_class);
