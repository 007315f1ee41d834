/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* acpi: what the DSDT's methods ask the machine, by an index register and a data register (AFF0h and
 * AFF4h, dwords): the power supply as the driver on LUN 0 tells it, which processors there are, the
 * floppy drives in CMOS. The numbers are this plugin's and its DSDT's own.
 * The driver is asked when the guest asks, and every few seconds: a change is GPE 0. */
#include "acpi_priv.h"

#include <string.h>

#define ACPI_POWER_POLL_NS 5000000000ull

/* Indexes. Energies are in mWh, powers in mW, voltages in mV, as viv_power_t has them. */
enum {
    ACPI_INFO_SOURCES, /* VIV_POWER_AC, VIV_POWER_BATTERY, bit 2: the objects are there */
    ACPI_INFO_STATE,   /* VIV_POWER_DISCHARGING, ... */
    ACPI_INFO_RATE,    /* FFFFFFFFh here and below: not known */
    ACPI_INFO_REMAINING,
    ACPI_INFO_VOLTAGE,
    ACPI_INFO_DESIGN,
    ACPI_INFO_FULL,
    ACPI_INFO_DESIGN_VOLTAGE,
    ACPI_INFO_CYCLES,
    ACPI_INFO_WARNING,         /* a tenth of a full charge */
    ACPI_INFO_LOW,             /* a thirty-third of it */
    ACPI_INFO_FLOPPIES = 0x30, /* CMOS 10h: type of drive A in bits 7:4, of B in 3:0 */
    ACPI_INFO_CPUS = 0x40,     /* and 41h: one bit a processor that there is */
};
#define ACPI_INFO_HAS_HOST 0x4u
#define ACPI_CMOS_FLOPPIES 0x10u

static viv_power_t acpi_power_ask(const Acpi *acpi)
{
    const viv_acpi_host_ops_t *ops = acpi->host.ops;
    viv_power_t power = {.size = sizeof(power), .sources = VIV_POWER_AC};

    if (acpi->has_host)
        ops->power(acpi->host.self, &power);
    power.size = sizeof(power);
    return power;
}

/* Who finds a change is not the only one that wants to hear of it: it is an event. */
static void acpi_power_update(Acpi *acpi)
{
    viv_power_t power = acpi_power_ask(acpi);

    if (memcmp(&power, &acpi->power, sizeof(power)) != 0) {
        acpi->power = power;
        acpi->power_changes++;
        acpi_gpe_raise(acpi, ACPI_GPE_POWER);
    }
}

/* [emt, device lock held] */
void acpi_power_poll(viv_dev_t *dev, void *ctx)
{
    Acpi *acpi = ctx;

    acpi_power_update(acpi);
    if (acpi->power_timer)
        dev->api->timer_arm(acpi->power_timer, dev->api->time_ns(dev) + ACPI_POWER_POLL_NS);
}

static uint32_t acpi_info_share(uint32_t full, uint32_t part)
{
    return full == VIV_POWER_UNKNOWN ? VIV_POWER_UNKNOWN : full / part;
}

static uint32_t acpi_info_cpus(const Acpi *acpi, uint32_t first)
{
    uint32_t count = acpi->vm->cpu_count(acpi->dev);

    if (count <= first)
        return 0;
    return count - first >= 32 ? 0xffffffffu : (1u << (count - first)) - 1u;
}

static uint32_t acpi_info_get(const Acpi *acpi, uint32_t index)
{
    const viv_power_t *p = &acpi->power;

    switch (index) {
    case ACPI_INFO_SOURCES: return (p->sources & 3u) | (acpi->has_host ? ACPI_INFO_HAS_HOST : 0);
    case ACPI_INFO_STATE: return p->state & 7u;
    case ACPI_INFO_RATE: return p->rate_mw;
    case ACPI_INFO_REMAINING: return p->remaining_mwh;
    case ACPI_INFO_VOLTAGE: return p->voltage_mv;
    case ACPI_INFO_DESIGN: return p->design_mwh;
    case ACPI_INFO_FULL: return p->full_mwh;
    case ACPI_INFO_DESIGN_VOLTAGE: return p->design_mv;
    case ACPI_INFO_CYCLES: return p->cycles;
    case ACPI_INFO_WARNING: return acpi_info_share(p->full_mwh, 10);
    case ACPI_INFO_LOW: return acpi_info_share(p->full_mwh, 33);
    case ACPI_INFO_FLOPPIES: return acpi->chipset->cmos_read(acpi->dev, ACPI_CMOS_FLOPPIES);
    case ACPI_INFO_CPUS:
    case ACPI_INFO_CPUS + 1: return acpi_info_cpus(acpi, 32 * (index - ACPI_INFO_CPUS));
    default: return 0;
    }
}

/* [emt, device lock held] Selecting the sources asks the driver: what follows is of one moment. */
static uint64_t acpi_info_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    const Acpi *acpi = ctx;
    (void)dev, (void)width;
    return off < 4 ? acpi->info_index : acpi_info_get(acpi, acpi->info_index);
}

static void acpi_info_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value, uint32_t width)
{
    Acpi *acpi = ctx;
    (void)dev, (void)width;

    if (off >= 4)
        return;
    acpi->info_index = (uint32_t)value;
    if (acpi->has_host && acpi->info_index == ACPI_INFO_SOURCES)
        acpi_power_update(acpi);
}

const viv_io_ops_t acpi_info_ops = {
    .size = sizeof(viv_io_ops_t),
    .widths = VIV_W32,
    .read = acpi_info_read,
    .write = acpi_info_write,
};

void acpi_power_reset(Acpi *acpi)
{
    acpi->info_index = 0;
    acpi->power = acpi_power_ask(acpi);
    if (acpi->power_timer)
        acpi->dev->api->timer_arm(acpi->power_timer,
                                  acpi->dev->api->time_ns(acpi->dev) + ACPI_POWER_POLL_NS);
}

/* The state may be of a machine that had no driver. */
void acpi_power_post_load(Acpi *acpi)
{
    const viv_dev_api_t *api = acpi->dev->api;

    acpi->power = acpi_power_ask(acpi);
    if (acpi->power_timer && api->timer_deadline(acpi->power_timer) == UINT64_MAX)
        api->timer_arm(acpi->power_timer, api->time_ns(acpi->dev) + ACPI_POWER_POLL_NS);
}

/* Without a driver there is nothing to ask, and no timer. */
viv_status_t acpi_power_construct(Acpi *acpi)
{
    viv_status_t st = acpi->lun->attach(acpi->dev, 0, "power supply");

    if (st == VIV_E_NOT_FOUND)
        return VIV_OK;
    if (st == VIV_OK)
        st = acpi->lun->query(acpi->dev, 0, VIV_ACPI_HOST_ID, sizeof(viv_acpi_host_ops_t),
                              &acpi->host);
    if (st != VIV_OK)
        return acpi->dev->api->fail(acpi->dev, st, "LUN#0 has no driver with " VIV_ACPI_HOST_ID);
    acpi->has_host = 1;
    return acpi->dev->api->timer_create(acpi->dev, "power supply", acpi_power_poll, acpi,
                                        &acpi->power_timer);
}
