/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* acpi: sleep states and what ends them.
 * Follows the 82371AB datasheet (290562), section 7.2 (PMCNTRL's SUS_TYP) and 11.5 (suspend and
 * resume), and ACPI 6.5, 4.8.3 and 16.1. The resume well keeps PMSTS, PMEN and GPE0 over S3; all
 * else is as after power-on.
 * Events: the power button always; RTC alarm and sleep button if enabled in PM1; keyboard, mouse and
 * serial interrupts if enabled in GPE0. An alarm is a rise of IRQ8#, as on the chip. */
#include "acpi_priv.h"

#define ACPI_SLP_TYP(high) ((high) >> 2 & 7u)
#define ACPI_SLEEP_WAKING  0x80u /* in acpi->sleeping: an event has ended S3, the reset is to come */

#define ACPI_IRQ_RTC 8u
#define ACPI_WATCHED (1u << ACPI_IRQ_RTC)

/* What SUS_TYP asks for: the S-state, or none. 0 and 1 are the chip's soft off and suspend to RAM, 4
 * its powered-on suspend, 5 its working state; 2 is a suspend to disk, after which the machine is
 * off as it is by 0. */
static const struct {
    uint8_t s_state;
    const char *name;
} acpi_sleep_types[8] = {
    {5, "soft off"}, {3, NULL}, {4, "suspend to disk"}, {0, NULL}, {1, NULL}, {0, NULL},
    {0, NULL},       {0, NULL},
};

/* Interrupt lines that wake by a GPE; the DSDT's _PRW have the same numbers. */
static const struct {
    uint16_t irqs;
    uint8_t gpe;
} acpi_sleep_gpes[] = {
    {1u << 1, ACPI_GPE_KEYBOARD},
    {1u << 12, ACPI_GPE_MOUSE},
    {1u << 4, ACPI_GPE_COM1},
    {1u << 3, ACPI_GPE_COM2},
};

static void acpi_sleep_watch(Acpi *acpi);

static void acpi_sleep_set(Acpi *acpi, uint8_t state)
{
    acpi->sleeping = state;
    acpi_sleep_watch(acpi);
}

void acpi_wake(Acpi *acpi)
{
    if (!acpi->sleeping || acpi->sleeping & ACPI_SLEEP_WAKING)
        return;
    acpi->pm[ACPI_PM1_STS + 1] |= ACPI_PM1_WAKE >> 8;
    acpi->wakes++;
    acpi_sleep_set(acpi, acpi->sleeping == 3 ? 3 | ACPI_SLEEP_WAKING : 0);
    acpi->vm->wake(acpi->dev);
}

void acpi_sleep_check(Acpi *acpi)
{
    uint32_t sts = acpi_pm_word(acpi, ACPI_PM1_STS), en = acpi_pm_word(acpi, ACPI_PM1_EN);
    uint32_t events = sts & ACPI_PM1_POWER_BUTTON;

    events |= sts & en & (ACPI_PM1_RTC | ACPI_PM1_SLEEP_BUTTON);
    events |= (acpi->gpe[0] & acpi->gpe[2]) | (acpi->gpe[1] & acpi->gpe[3]);
    if (events)
        acpi_wake(acpi);
}

uint32_t acpi_sleep_state(const Acpi *acpi)
{
    return acpi->sleeping & 7u;
}

/* SUS_EN has been written. An event that is there already ends the sleep at once. */
void acpi_sleep_enter(Acpi *acpi)
{
    uint32_t type = ACPI_SLP_TYP(acpi->pm[ACPI_PM1_CNT + 1]);
    uint8_t state = acpi_sleep_types[type].s_state;

    if (state >= 4) {
        acpi->dev->api->log(acpi->dev, VIV_LOG_INFO, "%s", acpi_sleep_types[type].name);
        acpi->vm->power_off(acpi->dev, 0);
    } else if (state) {
        acpi->sleeps++;
        acpi_sleep_set(acpi, state);
        acpi->vm->sleep(acpi->dev, state);
        acpi_sleep_check(acpi);
    } else if (type != 5) {
        acpi->dev->api->log(acpi->dev, VIV_LOG_TRACE, "sleep type %u is not offered, waking up",
                            type);
        acpi->pm[ACPI_PM1_STS + 1] |= ACPI_PM1_WAKE >> 8;
    }
}

/* -- interrupt lines ------------------------------------------------------------------------- */

/* [emt, device lock held] */
static void acpi_sleep_irqs(viv_dev_t *dev, void *ctx, uint32_t irqs)
{
    Acpi *acpi = ctx;
    (void)dev;

    if (irqs & 1u << ACPI_IRQ_RTC)
        acpi->pm[ACPI_PM1_STS + 1] |= ACPI_PM1_RTC >> 8;
    for (uint32_t i = 0; i < sizeof(acpi_sleep_gpes) / sizeof(acpi_sleep_gpes[0]); i++) {
        if (acpi->sleeping && irqs & acpi_sleep_gpes[i].irqs)
            acpi->gpe[0] |= (uint8_t)(1u << acpi_sleep_gpes[i].gpe);
    }
    acpi_sci_update(acpi);
}

/* Awake, only the alarm is of interest: other lines would cost a call for every interrupt. */
static void acpi_sleep_watch(Acpi *acpi)
{
    uint32_t irqs = ACPI_WATCHED;

    for (uint32_t i = 0; i < sizeof(acpi_sleep_gpes) / sizeof(acpi_sleep_gpes[0]); i++) {
        if (acpi->sleeping)
            irqs |= acpi_sleep_gpes[i].irqs;
    }
    acpi->chipset->lock(acpi->dev);
    acpi->chipset->irq_watch(acpi->dev, irqs, acpi_sleep_irqs, acpi);
    acpi->chipset->unlock(acpi->dev);
}

/* -- life ------------------------------------------------------------------------------------ */

/* Firmware that resumes looks for this shutdown status before it touches memory. */
void acpi_sleep_reset(Acpi *acpi)
{
    if (acpi->vm->waking(acpi->dev))
        acpi->chipset->cmos_write(acpi->dev, ACPI_CMOS_SHUTDOWN, ACPI_CMOS_RESUME);
    acpi_sleep_set(acpi, 0);
}

void acpi_sleep_post_load(Acpi *acpi)
{
    uint8_t state = acpi->sleeping & 7u;

    if (state != 1 && state != 3)
        state = 0;
    uint8_t waking = state == 3 ? acpi->sleeping & ACPI_SLEEP_WAKING : 0;
    acpi_sleep_set(acpi, state | waking);
    acpi->vm->sleep(acpi->dev, state);
    if (waking)
        acpi->vm->wake(acpi->dev);
}

/* What firmware and OVMF's S3 library ask: bit 7 offered, bits 2:0 SUS_TYP; by S-state. */
viv_status_t acpi_sleep_publish(Acpi *acpi)
{
    static const uint8_t states[6] = {0x80, 0x84, 0x00, 0x81, 0x82, 0x80};

    return acpi->fwfile->add(acpi->dev, "etc/system-states", states, sizeof(states));
}
