/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* mc146818: the PC's real-time clock with 256 bytes of battery-backed RAM.
 *
 * The guest sees an index/data pair at 70h/71h (the clock and 114 bytes of RAM; bit 7 of 70h masks
 * NMI), a second one at 72h/73h (the upper 128 bytes), and IRQ 8. The clock starts at the host's
 * wall time, as UTC or as local time, and then follows the virtual clock through the guest-visible
 * divider chain. Firmware reaches the RAM through the RTC role.
 * Follows: Motorola MC146818A data sheet (AD1-871R2), with the PC's 32.768 kHz crystal; PIIX3/ICH
 * for ports 72h/73h; the century byte of PC BIOSes at 32h is carried along with the year.
 * Not modelled: daylight saving (the DSE bit is kept), the SQW pin, dividers for other crystals
 * (the clock stands while they are selected), undefined values during an update (the time before it
 * is read). */
#include <time.h>

#include <viv/chipset.h>
#include <viv/device.h>

#define MC146818_STATE_VERSION 1

#define MC146818_SECONDS       0x00u
#define MC146818_SECONDS_ALARM 0x01u
#define MC146818_MINUTES       0x02u
#define MC146818_MINUTES_ALARM 0x03u
#define MC146818_HOURS         0x04u
#define MC146818_HOURS_ALARM   0x05u
#define MC146818_DAY_OF_WEEK   0x06u
#define MC146818_DAY           0x07u
#define MC146818_MONTH         0x08u
#define MC146818_YEAR          0x09u
#define MC146818_A             0x0au
#define MC146818_B             0x0bu
#define MC146818_C             0x0cu
#define MC146818_D             0x0du
#define MC146818_CENTURY       0x32u
#define MC146818_CHECKED_FIRST 0x10u
#define MC146818_CHECKED_LAST  0x2du
#define MC146818_CHECKSUM      0x2eu /* high byte, then low byte */

#define MC146818_A_UIP      0x80u
#define MC146818_A_DV       0x70u
#define MC146818_A_DV_32KHZ 0x20u
#define MC146818_A_RS       0x0fu
#define MC146818_B_SET      0x80u
#define MC146818_B_PIE      0x40u
#define MC146818_B_AIE      0x20u
#define MC146818_B_UIE      0x10u
#define MC146818_B_SQWE     0x08u
#define MC146818_B_BINARY   0x04u
#define MC146818_B_24H      0x02u
#define MC146818_C_IRQF     0x80u
#define MC146818_C_PF       0x40u
#define MC146818_C_AF       0x20u
#define MC146818_C_UF       0x10u
#define MC146818_C_FLAGS    0x70u /* each enabled by the same bit of B */
#define MC146818_D_VRT      0x80u

#define MC146818_PM        0x80u
#define MC146818_ALARM_ANY 0xc0u

#define MC146818_SECOND_NS      1000000000ull
#define MC146818_HALF_SECOND_NS 500000000ull
#define MC146818_LATE_SECONDS   3600u /* backlog of updates that a saved state may hold */
/* From UIP's rise to the end of the update: t_BUC 244 us and the cycle of 1984 us. */
#define MC146818_UIP_NS 2228000ull
/* ns * 64 / 1953125 = periods of 32.768 kHz */
#define MC146818_TICK_MUL 64u
#define MC146818_TICK_DIV 1953125u

typedef struct Mc146818 {
    /* config */
    uint16_t base;
    uint8_t irq;
    uint8_t use_utc;
    /* guest-visible, saved */
    uint8_t cmos[256]; /* the clock's registers in front; A without UIP, C without IRQF */
    uint8_t index[2];  /* of the two pairs */
    uint8_t nmi_masked;
    uint64_t anchor_ns; /* an end of a second of the divider chain: phase of everything periodic */
    uint64_t next_update_ns;
    uint64_t periodic_tick; /* 32.768 kHz tick up to which PF has been accounted for */
    /* host */
    const viv_chipset_api_t *chipset;
    viv_timer_t *update_timer, *periodic_timer;
} Mc146818;

static const viv_option_t mc146818_options[] = {
    VIV_OPT_NAMED(Mc146818, "Base", base, VIV_U16, 0, 0xfffc, 0x70, "First of the four I/O ports"),
    VIV_OPT_NAMED(Mc146818, "Irq", irq, VIV_U8, 0, 15, 8, "Interrupt line"),
    VIV_OPT_NAMED(Mc146818, "UseUTC", use_utc, VIV_BOOL, 0, 1, 0,
                  "Start with UTC instead of local time"),
    {0},
};

static const viv_field_t mc146818_state[] = {
    VIV_FIELD_BYTES(Mc146818, cmos, 1),
    VIV_FIELD_ARRAY(Mc146818, index, VIV_U8, 1),
    VIV_FIELD(Mc146818, nmi_masked, VIV_BOOL, 1),
    VIV_FIELD(Mc146818, anchor_ns, VIV_U64, 1),
    VIV_FIELD(Mc146818, next_update_ns, VIV_U64, 1),
    VIV_FIELD(Mc146818, periodic_tick, VIV_U64, 1),
    {0},
};

/* -- divider chain --------------------------------------------------------------------------- */

static int mc146818_is_running(const Mc146818 *rtc)
{
    return (rtc->cmos[MC146818_A] & MC146818_A_DV) == MC146818_A_DV_32KHZ;
}

/* Since a second before the anchor, which is never in the future. */
static uint64_t mc146818_tick(const Mc146818 *rtc, uint64_t now_ns)
{
    uint64_t elapsed_ns = now_ns + MC146818_SECOND_NS - rtc->anchor_ns;
    return (uint64_t)((unsigned __int128)elapsed_ns * MC146818_TICK_MUL / MC146818_TICK_DIV);
}

static uint64_t mc146818_tick_ns(const Mc146818 *rtc, uint64_t tick)
{
    unsigned __int128 ns = (unsigned __int128)tick * MC146818_TICK_DIV + MC146818_TICK_MUL - 1;
    return (uint64_t)(ns / MC146818_TICK_MUL) + rtc->anchor_ns - MC146818_SECOND_NS;
}

/* Ticks between periodic interrupts, 0: none. */
static uint32_t mc146818_period(const Mc146818 *rtc)
{
    uint32_t rs = rtc->cmos[MC146818_A] & MC146818_A_RS;
    if (rs == 0 || !mc146818_is_running(rtc)) {
        return 0;
    }
    return 1u << (rs < 3 ? rs + 6 : rs - 1); /* 1 and 2 are the rates of 8 and 9 */
}

static uint64_t mc146818_first_update(const Mc146818 *rtc, uint64_t now_ns)
{
    uint64_t seconds = (now_ns + MC146818_SECOND_NS - rtc->anchor_ns) / MC146818_SECOND_NS;
    return rtc->anchor_ns + seconds * MC146818_SECOND_NS;
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
        if (tick / period > rtc->periodic_tick / period) {
            rtc->cmos[MC146818_C] |= MC146818_C_PF;
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

/* -- calendar -------------------------------------------------------------------------------- */

static uint32_t mc146818_decode(const Mc146818 *rtc, uint8_t value)
{
    return rtc->cmos[MC146818_B] & MC146818_B_BINARY ? value : (value >> 4) * 10u + (value & 15u);
}

static uint8_t mc146818_encode(const Mc146818 *rtc, uint32_t value)
{
    return (uint8_t)(rtc->cmos[MC146818_B] & MC146818_B_BINARY ? value
                                                               : value / 10 << 4 | value % 10);
}

static uint32_t mc146818_decode_hour(const Mc146818 *rtc)
{
    uint8_t value = rtc->cmos[MC146818_HOURS];
    if (rtc->cmos[MC146818_B] & MC146818_B_24H) {
        return mc146818_decode(rtc, value);
    }
    return mc146818_decode(rtc, value & 0x7f) % 12 + (value & MC146818_PM ? 12 : 0);
}

static uint8_t mc146818_encode_hour(const Mc146818 *rtc, uint32_t hour)
{
    if (rtc->cmos[MC146818_B] & MC146818_B_24H) {
        return mc146818_encode(rtc, hour);
    }
    uint8_t value = mc146818_encode(rtc, hour % 12 ? hour % 12 : 12);
    return (uint8_t)(value | (hour >= 12 ? MC146818_PM : 0));
}

static uint32_t mc146818_days(uint32_t month, uint32_t year)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (month < 1 || month > 12) {
        return 31;
    }
    return days[month - 1] +
           (month == 2 && year % 4 == 0); /* the chip knows two digits of the year */
}

/* Counts a register up; 1 if it went over `last` and back to `first`. */
static int mc146818_count(Mc146818 *rtc, uint32_t reg, uint32_t first, uint32_t last)
{
    uint32_t value = mc146818_decode(rtc, rtc->cmos[reg]);
    int carry = value >= last;
    rtc->cmos[reg] = mc146818_encode(rtc, carry ? first : value + 1);
    return carry;
}

static void mc146818_next_day(Mc146818 *rtc)
{
    uint32_t month = mc146818_decode(rtc, rtc->cmos[MC146818_MONTH]);
    uint32_t year = mc146818_decode(rtc, rtc->cmos[MC146818_YEAR]);
    mc146818_count(rtc, MC146818_DAY_OF_WEEK, 1, 7);
    if (mc146818_count(rtc, MC146818_DAY, 1, mc146818_days(month, year)) &&
        mc146818_count(rtc, MC146818_MONTH, 1, 12) && mc146818_count(rtc, MC146818_YEAR, 0, 99)) {
        mc146818_count(rtc, MC146818_CENTURY, 0, 99);
    }
}

static void mc146818_next_second(Mc146818 *rtc)
{
    if (!mc146818_count(rtc, MC146818_SECONDS, 0, 59) ||
        !mc146818_count(rtc, MC146818_MINUTES, 0, 59)) {
        return;
    }
    uint32_t hour = mc146818_decode_hour(rtc) + 1;
    rtc->cmos[MC146818_HOURS] = mc146818_encode_hour(rtc, hour > 23 ? 0 : hour);
    if (hour > 23) {
        mc146818_next_day(rtc);
    }
}

static int mc146818_alarm_matches(const Mc146818 *rtc)
{
    static const uint8_t pairs[3][2] = {
        {MC146818_SECONDS, MC146818_SECONDS_ALARM},
        {MC146818_MINUTES, MC146818_MINUTES_ALARM},
        {MC146818_HOURS, MC146818_HOURS_ALARM},
    };
    for (uint32_t i = 0; i < 3; i++) {
        uint8_t alarm = rtc->cmos[pairs[i][1]];
        if ((alarm & MC146818_ALARM_ANY) != MC146818_ALARM_ANY && alarm != rtc->cmos[pairs[i][0]]) {
            return 0;
        }
    }
    return 1;
}

/* [emt, chipset lock] End of an update cycle. */
static void mc146818_update(viv_dev_t *dev, void *ctx)
{
    Mc146818 *rtc = ctx;
    rtc->next_update_ns += MC146818_SECOND_NS;
    if (!(rtc->cmos[MC146818_B] & MC146818_B_SET)) {
        mc146818_next_second(rtc);
        rtc->cmos[MC146818_C] |= MC146818_C_UF;
        if (mc146818_alarm_matches(rtc)) {
            rtc->cmos[MC146818_C] |= MC146818_C_AF;
        }
    }
    mc146818_account_periodic(dev, rtc);
    mc146818_update_irq(dev, rtc);
}

/* The wall clock into the registers, the divider chain in step with it. */
static void mc146818_set_from_host(viv_dev_t *dev, Mc146818 *rtc, uint64_t wall_ns)
{
    uint64_t now_ns = dev->api->time_ns(dev);
    time_t seconds = (time_t)(wall_ns / MC146818_SECOND_NS);
    struct tm tm = {.tm_mday = 1};
    if (rtc->use_utc) {
        gmtime_r(&seconds, &tm);
    } else {
        localtime_r(&seconds, &tm);
    }
    uint32_t year = tm.tm_year < 0 ? 1900 : (uint32_t)tm.tm_year + 1900;
    rtc->cmos[MC146818_SECONDS] = mc146818_encode(rtc, tm.tm_sec > 59 ? 59 : (uint32_t)tm.tm_sec);
    rtc->cmos[MC146818_MINUTES] = mc146818_encode(rtc, (uint32_t)tm.tm_min);
    rtc->cmos[MC146818_HOURS] = mc146818_encode_hour(rtc, (uint32_t)tm.tm_hour);
    rtc->cmos[MC146818_DAY_OF_WEEK] = mc146818_encode(rtc, (uint32_t)tm.tm_wday + 1);
    rtc->cmos[MC146818_DAY] = mc146818_encode(rtc, (uint32_t)tm.tm_mday);
    rtc->cmos[MC146818_MONTH] = mc146818_encode(rtc, (uint32_t)tm.tm_mon + 1);
    rtc->cmos[MC146818_YEAR] = mc146818_encode(rtc, year % 100);
    rtc->cmos[MC146818_CENTURY] = mc146818_encode(rtc, year / 100 % 100);
    rtc->anchor_ns = now_ns + MC146818_SECOND_NS - wall_ns % MC146818_SECOND_NS;
    rtc->next_update_ns = rtc->anchor_ns;
    rtc->periodic_tick = mc146818_tick(rtc, now_ns);
}

/* -- registers ------------------------------------------------------------------------------- */

static void mc146818_write_a(viv_dev_t *dev, Mc146818 *rtc, uint8_t value)
{
    uint64_t now_ns = dev->api->time_ns(dev);
    int was_running = mc146818_is_running(rtc);
    mc146818_account_periodic(dev, rtc);
    rtc->cmos[MC146818_A] = (uint8_t)(value & ~MC146818_A_UIP);
    if (mc146818_is_running(rtc) &&
        !was_running) { /* released from reset: the first update is half a second away */
        rtc->anchor_ns = now_ns + MC146818_HALF_SECOND_NS;
        rtc->next_update_ns = rtc->anchor_ns;
    }
    rtc->periodic_tick = mc146818_is_running(rtc) ? mc146818_tick(rtc, now_ns) : 0;
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
    default: rtc->cmos[index] = value; break;
    }
}

/* Without the side effect of reading C. */
static uint8_t mc146818_reg_read(viv_dev_t *dev, Mc146818 *rtc, uint32_t index)
{
    uint64_t now_ns = dev->api->time_ns(dev);
    switch (index) {
    case MC146818_A: {
        int uip = mc146818_is_running(rtc) && !(rtc->cmos[MC146818_B] & MC146818_B_SET) &&
                  now_ns + MC146818_UIP_NS >= rtc->next_update_ns;
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
    (void)version;
    if (rtc->index[0] > 127 || rtc->index[1] > 127) {
        return dev->api->fail(dev, VIV_E_CORRUPT, "index %02x/%02x", rtc->index[0], rtc->index[1]);
    }
    if ((rtc->cmos[MC146818_A] & MC146818_A_UIP) || (rtc->cmos[MC146818_C] & ~MC146818_C_FLAGS)) {
        return dev->api->fail(dev, VIV_E_CORRUPT, "registers A %02x, C %02x", rtc->cmos[MC146818_A],
                              rtc->cmos[MC146818_C]);
    }
    /* While the divider stands still its phase is of no consequence, but must not be ahead of the
     * time either. */
    if (rtc->anchor_ns > now_ns + MC146818_SECOND_NS ||
        rtc->periodic_tick > mc146818_tick(rtc, now_ns)) {
        return dev->api->fail(dev, VIV_E_CORRUPT, "the divider chain is ahead of time");
    }
    uint64_t late_ns = mc146818_first_update(rtc, now_ns) - rtc->next_update_ns;
    if (mc146818_is_running(rtc) &&
        (late_ns % MC146818_SECOND_NS || late_ns > MC146818_LATE_SECONDS * MC146818_SECOND_NS)) {
        return dev->api->fail(dev, VIV_E_CORRUPT, "the next update is out of step");
    }
    rtc->chipset->nmi_mask(dev, rtc->nmi_masked);
    mc146818_update_irq(dev, rtc);
    return VIV_OK;
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
    mc146818_set_from_host(dev, rtc, vm_api->wall_time_ns(dev));
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
