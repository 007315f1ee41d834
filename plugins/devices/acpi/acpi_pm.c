/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* acpi: power management registers of the PIIX4 and the general-purpose event block.
 * Follows the 82371AB datasheet (290562), section 7.2, and ACPI 6.5, chapter 4.8. Bit 9 of PM1
 * status and enable (sleep button) are ACPI's; the PIIX4 has no such input. GPE0 lies apart, where
 * the firmware's DSDTs for this board expect it.
 * Registers are bytes with a write mask and a clear-on-one mask each; what a write does comes after
 * it.
 * Not modelled: the idle and burst timers, GPI/GPO pins, SMI (there is no SMM), clock control (a
 * read of PLVL2 or PLVL3 is a C-state that ends at once). */
#include "acpi_priv.h"

#define ACPI_TIMER_HZ 3579545u

#define ACPI_PM_GPIREG 0x30u

#define ACPI_PM1_TMR      0x0001u
#define ACPI_PM1_GBL      0x0020u
#define ACPI_PM1_SCI_BITS 0x0721u /* RTC, sleep button, power button, global lock, timer */
#define ACPI_CNT_SCI_EN   0x01u
#define ACPI_CNT_GBL_RLS  0x04u
#define ACPI_CNT_SLP_EN   0x20u /* in the high byte */

#define ACPI_GLBSTS          0x18u
#define ACPI_GLBSTS_BIOS     0x01u
#define ACPI_GLBSTS_APM      0x20u
#define ACPI_GLBSTS_PM1      0x40u
#define ACPI_GLBCTL          0x28u
#define ACPI_GLBCTL_BIOS_RLS 0x02u

typedef struct AcpiByte {
    uint8_t wmask, w1c;
} AcpiByte;

static const AcpiByte acpi_pm_bytes[ACPI_PM_BYTES] = {
    [0x00] = {0, 0x31}, [0x01] = {0, 0x8f},                                         /* PMSTS */
    [0x02] = {0x21, 0}, [0x03] = {0x07, 0},                                         /* PMEN */
    [0x04] = {0x03, 0}, [0x05] = {0x1c, 0},                                         /* PMCNTRL */
    [0x0c] = {0, 0x81}, [0x0d] = {0, 0x0f},                                         /* GPSTS */
    [0x0e] = {0x81, 0}, [0x0f] = {0x0f, 0},                                         /* GPEN */
    [0x10] = {0x1e, 0}, [0x11] = {0x3e, 0}, [0x12] = {0x02, 0},                     /* PCNTRL */
    [0x18] = {0, 0xb7}, [0x19] = {0, 0x0f},                                         /* GLBSTS */
    [0x1c] = {0, 0xff}, [0x1d] = {0, 0x0f}, [0x1e] = {0, 0xff}, [0x1f] = {0, 0x3f}, /* DEVSTS */
    [0x20] = {0x37, 0}, [0x21] = {0x0f, 0},                                         /* GLBEN */
    [0x28] = {0xfd, 0}, [0x29] = {0xff, 0}, [0x2a] = {0xff, 0}, [0x2b] = {0x07, 0}, /* GLBCTL */
    [0x2c] = {0xff, 0}, [0x2d] = {0xff, 0}, [0x2e] = {0xff, 0}, [0x2f] = {0x03, 0}, /* DEVCTL */
    [0x34] = {0xff, 0}, [0x35] = {0xff, 0}, [0x36] = {0xff, 0}, [0x37] = {0x7f, 0}, /* GPOREG */
};
static const AcpiByte acpi_gpe_bytes[ACPI_GPE0_BYTES] = {
    {0, 0xff}, {0, 0xff}, {0xff, 0}, {0xff, 0}};

static uint8_t acpi_byte_write(uint8_t old, const AcpiByte *rule, uint8_t value)
{
    return (uint8_t)(((old & ~rule->wmask) | (value & rule->wmask)) & ~(value & rule->w1c));
}

uint32_t acpi_pm_word(const Acpi *acpi, uint32_t off)
{
    return (uint32_t)acpi->pm[off] | (uint32_t)acpi->pm[off + 1] << 8;
}

/* -- PM timer -------------------------------------------------------------------------------- */

static uint64_t acpi_timer_ticks(const Acpi *acpi)
{
    return (uint64_t)((unsigned __int128)acpi->dev->api->time_ns(acpi->dev) * ACPI_TIMER_HZ /
                      1000000000u);
}

static uint32_t acpi_timer_value(const Acpi *acpi)
{
    uint32_t ticks = (uint32_t)acpi_timer_ticks(acpi);
    return acpi->timer_bits == 32 ? ticks : ticks & 0xffffffu;
}

/* TMR_STS is set whenever the top bit toggles: found out when somebody looks, and by a host timer
 * while TMR_EN is set. */
static void acpi_timer_catch_up(Acpi *acpi)
{
    uint64_t halves = acpi_timer_ticks(acpi) >> (acpi->timer_bits - 1);

    if (halves != acpi->timer_halves) {
        acpi->timer_halves = halves;
        acpi->pm[ACPI_PM1_STS] |= ACPI_PM1_TMR;
    }
}

static void acpi_timer_rearm(Acpi *acpi)
{
    const viv_dev_api_t *api = acpi->dev->api;

    if (!(acpi->pm[ACPI_PM1_EN] & ACPI_PM1_TMR)) {
        api->timer_cancel(acpi->timer);
        return;
    }
    unsigned __int128 next = (unsigned __int128)(acpi->timer_halves + 1) << (acpi->timer_bits - 1);
    api->timer_arm(acpi->timer,
                   (uint64_t)((next * 1000000000u + ACPI_TIMER_HZ - 1) / ACPI_TIMER_HZ));
}

/* [emt, device lock held] */
void acpi_pm_timer_expired(viv_dev_t *dev, void *ctx)
{
    (void)dev;
    acpi_timer_catch_up(ctx);
    acpi_timer_rearm(ctx);
    acpi_sci_update(ctx);
}

/* -- SCI ------------------------------------------------------------------------------------- */

/* With SCI_EN clear the events would be SMIs; nobody listens to those here. */
void acpi_sci_update(Acpi *acpi)
{
    uint32_t level = 0;

    if (acpi->pm[ACPI_PM1_CNT] & ACPI_CNT_SCI_EN) {
        level |=
            acpi_pm_word(acpi, ACPI_PM1_STS) & acpi_pm_word(acpi, ACPI_PM1_EN) & ACPI_PM1_SCI_BITS;
        level |= (acpi->gpe[0] & acpi->gpe[2]) | (acpi->gpe[1] & acpi->gpe[3]);
    }
    level |= acpi_smbus_irq(acpi);
    if ((level != 0) != acpi->sci) {
        acpi->sci = level != 0;
        acpi->dev->api->irq_set(acpi->dev, ACPI_SCI_IRQ, acpi->sci);
    }
    if (acpi->sleeping)
        acpi_sleep_check(acpi);
}

void acpi_gpe_raise(Acpi *acpi, uint32_t gpe)
{
    acpi->gpe[gpe >> 3] |= (uint8_t)(1u << (gpe & 7u));
    acpi_sci_update(acpi);
}

void acpi_pm_button(Acpi *acpi, uint32_t pm1_bit)
{
    acpi->pm[ACPI_PM1_STS + 1] |= (uint8_t)(pm1_bit >> 8);
    acpi_sci_update(acpi);
}

/* -- PM block -------------------------------------------------------------------------------- */

static uint8_t acpi_pm_byte_read(const Acpi *acpi, uint32_t off)
{
    if (off >= ACPI_PM_TMR && off < ACPI_PM_TMR + 4)
        return (uint8_t)(acpi_timer_value(acpi) >> (8 * (off - ACPI_PM_TMR)));
    if (off >= ACPI_PM_GPIREG && off < ACPI_PM_GPIREG + 3)
        return 0xff; /* inputs that nobody drives; to an ICH9's firmware, SMIs that are settled */
    if (off == ACPI_GLBSTS && acpi_pm_word(acpi, ACPI_PM1_STS) & acpi_pm_word(acpi, ACPI_PM1_EN))
        return acpi->pm[off] | ACPI_GLBSTS_PM1;
    return acpi->pm[off]; /* PLVL2/3 among them: zero */
}

/* [emt, device lock held] */
static uint64_t acpi_pm_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    Acpi *acpi = ctx;
    uint64_t value = 0;
    (void)dev;

    acpi_timer_catch_up(acpi);
    if (off == ACPI_PM_TMR && width == 4) /* one moment for all four bytes */
        return acpi_timer_value(acpi);
    for (uint32_t i = 0; i < width && off + i < ACPI_PM_BYTES; i++)
        value |= (uint64_t)acpi_pm_byte_read(acpi, (uint32_t)off + i) << (8 * i);
    return value;
}

/* What a write does beside storing: the two halves of the global lock tell each other, and sleep. */
static void acpi_pm_effects(Acpi *acpi, uint32_t reg, uint8_t value)
{
    if (reg == ACPI_PM1_CNT && value & ACPI_CNT_GBL_RLS)
        acpi->pm[ACPI_GLBSTS] |= ACPI_GLBSTS_BIOS;
    else if (reg == ACPI_GLBCTL && value & ACPI_GLBCTL_BIOS_RLS)
        acpi->pm[ACPI_PM1_STS] |= ACPI_PM1_GBL;
}

static void acpi_pm_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value, uint32_t width)
{
    Acpi *acpi = ctx;
    uint32_t sleep = 0;
    (void)dev;

    acpi_timer_catch_up(acpi);
    for (uint32_t i = 0; i < width && off + i < ACPI_PM_BYTES; i++) {
        uint32_t reg = (uint32_t)off + i;
        uint8_t byte = (uint8_t)(value >> (8 * i));
        acpi->pm[reg] = acpi_byte_write(acpi->pm[reg], &acpi_pm_bytes[reg], byte);
        acpi_pm_effects(acpi, reg, byte);
        if (reg == ACPI_PM1_CNT + 1)
            sleep = byte & ACPI_CNT_SLP_EN;
    }
    acpi_timer_rearm(acpi);
    if (sleep)
        acpi_sleep_enter(acpi);
    acpi_sci_update(acpi);
}

const viv_io_ops_t acpi_pm_ops = {
    .size = sizeof(viv_io_ops_t),
    .widths = VIV_W8 | VIV_W16 | VIV_W32,
    .flags = VIV_IO_UNALIGNED,
    .read = acpi_pm_read,
    .write = acpi_pm_write,
};

/* -- GPE0 ------------------------------------------------------------------------------------ */

/* [emt, device lock held] */
static uint64_t acpi_gpe_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    const Acpi *acpi = ctx;
    (void)dev, (void)width;
    return acpi->gpe[off & 3];
}

static void acpi_gpe_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value, uint32_t width)
{
    Acpi *acpi = ctx;
    (void)dev, (void)width;
    acpi->gpe[off & 3] =
        acpi_byte_write(acpi->gpe[off & 3], &acpi_gpe_bytes[off & 3], (uint8_t)value);
    acpi_sci_update(acpi);
}

const viv_io_ops_t acpi_gpe_ops = {
    .size = sizeof(viv_io_ops_t),
    .widths = VIV_W8,
    .read = acpi_gpe_read,
    .write = acpi_gpe_write,
};

/* -- B2h/B3h: the SMI command port takes the two commands that the FADT names by itself ------ */

/* [emt, device lock held] */
static uint64_t acpi_apm_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    const Acpi *acpi = ctx;
    (void)dev, (void)width;
    return off ? acpi->apms : acpi->apmc;
}

static void acpi_apm_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value, uint32_t width)
{
    Acpi *acpi = ctx;
    (void)dev, (void)width;

    if (off) {
        acpi->apms = (uint8_t)value;
        return;
    }
    acpi->apmc = (uint8_t)value;
    if (acpi->apmc == ACPI_CMD_ENABLE)
        acpi->pm[ACPI_PM1_CNT] |= ACPI_CNT_SCI_EN;
    else if (acpi->apmc == ACPI_CMD_DISABLE)
        acpi->pm[ACPI_PM1_CNT] &= (uint8_t)~ACPI_CNT_SCI_EN;
    if (acpi_apmc_enabled(acpi))
        acpi->pm[ACPI_GLBSTS] |= ACPI_GLBSTS_APM;
    acpi_sci_update(acpi);
}

const viv_io_ops_t acpi_apm_ops = {
    .size = sizeof(viv_io_ops_t),
    .widths = VIV_W8,
    .read = acpi_apm_read,
    .write = acpi_apm_write,
};

/* -- life ------------------------------------------------------------------------------------ */

/* The first four bytes, status and enable, lie in the resume well, and so do the GPEs. */
void acpi_pm_reset(Acpi *acpi)
{
    uint32_t kept = acpi->vm->waking(acpi->dev);

    for (uint32_t i = kept ? ACPI_PM1_CNT : 0; i < ACPI_PM_BYTES; i++)
        acpi->pm[i] = 0;
    acpi->pm[0x34] = 0xff; /* GPOREG: 7FFFBFFFh */
    acpi->pm[0x35] = 0xbf;
    acpi->pm[0x36] = 0xff;
    acpi->pm[0x37] = 0x7f;
    for (uint32_t i = 0; i < ACPI_GPE0_BYTES && !kept; i++)
        acpi->gpe[i] = 0;
    acpi->apmc = acpi->apms = 0;
    acpi->timer_halves = acpi_timer_ticks(acpi) >> (acpi->timer_bits - 1);
    acpi_timer_rearm(acpi);
}

/* Bits that no write could have set are dropped: nothing else reads them. The clock may have gone
 * on elsewhere. */
void acpi_pm_post_load(Acpi *acpi)
{
    for (uint32_t i = 0; i < ACPI_PM_BYTES; i++)
        acpi->pm[i] &= (uint8_t)(acpi_pm_bytes[i].wmask | acpi_pm_bytes[i].w1c);
    uint64_t halves = acpi_timer_ticks(acpi) >> (acpi->timer_bits - 1);
    if (acpi->timer_halves > halves)
        acpi->timer_halves = halves;
    acpi_timer_rearm(acpi);
}
