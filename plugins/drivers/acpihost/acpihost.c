/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ACPIHost: the host's power supply for the machine's battery and mains objects, or one that the
 * configuration describes.
 * Follows Linux's Documentation/ABI/testing/sysfs-class-power: files of one value in
 * /sys/class/power_supply/NAME; energies in uWh (or charges in uAh), powers in uW (or currents in
 * uA), voltages in uV. Several batteries are shown as one. */
#include <viv/driver.h>
#include <viv/interfaces.h>

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ACPIHOST_SUPPLIES_MAX 64u

typedef struct AcpiHost {
    const char *source; /* key Source */
    const char *path;   /* key Path */
    /* keys of a fixed supply */
    uint8_t ac, battery;
    const char *state_text;
    uint32_t rate, remaining, voltage, design, full, design_voltage, cycles;

    uint32_t state; /* VIV_POWER_*, of state_text */
    viv_drv_t *drv;
} AcpiHost;

static const viv_option_t acpihost_options[] = {
    VIV_OPT_STRING(AcpiHost, "Source", source, "Host",
                   "Host: what the host's files below Path say; Fixed: what the keys below say"),
    VIV_OPT_STRING(AcpiHost, "Path", path, "/sys/class/power_supply",
                   "folder of the host's power supplies"),
    VIV_OPT_NAMED(AcpiHost, "ACOnline", ac, VIV_BOOL, 0, 1, 1, "the mains are there"),
    VIV_OPT_NAMED(AcpiHost, "BatteryPresent", battery, VIV_BOOL, 0, 1, 1, "a battery is in"),
    VIV_OPT_STRING(AcpiHost, "BatteryState", state_text, "Full",
                   "Full, Charging, Discharging or Critical"),
    VIV_OPT_NAMED(AcpiHost, "Rate", rate, VIV_U32, 0, 0x7fffffff, 0,
                  "power into or out of the battery, mW"),
    VIV_OPT_NAMED(AcpiHost, "Remaining", remaining, VIV_U32, 0, 0x7fffffff, 50000,
                  "what is left in it, mWh"),
    VIV_OPT_NAMED(AcpiHost, "Voltage", voltage, VIV_U32, 0, 0x7fffffff, 12000,
                  "present voltage, mV"),
    VIV_OPT_NAMED(AcpiHost, "DesignCapacity", design, VIV_U32, 0, 0x7fffffff, 50000,
                  "capacity when new, mWh"),
    VIV_OPT_NAMED(AcpiHost, "FullCapacity", full, VIV_U32, 0, 0x7fffffff, 50000,
                  "capacity when charged last, mWh"),
    VIV_OPT_NAMED(AcpiHost, "DesignVoltage", design_voltage, VIV_U32, 0, 0x7fffffff, 11100,
                  "nominal voltage, mV"),
    VIV_OPT_NAMED(AcpiHost, "Cycles", cycles, VIV_U32, 0, 0x7fffffff, 0,
                  "how often it has been charged"),
    {0},
};

/* -- a fixed supply -------------------------------------------------------------------------- */

static viv_status_t acpihost_state_parse(AcpiHost *host)
{
    static const struct {
        const char *text;
        uint32_t state;
    } states[] = {{"Full", 0},
                  {"Charging", VIV_POWER_CHARGING},
                  {"Discharging", VIV_POWER_DISCHARGING},
                  {"Critical", VIV_POWER_DISCHARGING | VIV_POWER_CRITICAL}};

    for (uint32_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        if (!strcmp(states[i].text, host->state_text)) {
            host->state = states[i].state;
            return VIV_OK;
        }
    }
    return host->drv->api->fail(host->drv, VIV_E_CONFIG,
                                "BatteryState is '%s'; Full, Charging, Discharging and Critical "
                                "are possible",
                                host->state_text);
}

static void acpihost_fixed(const AcpiHost *host, viv_power_t *power)
{
    power->sources = (host->ac ? VIV_POWER_AC : 0) | (host->battery ? VIV_POWER_BATTERY : 0);
    if (!host->battery)
        return;
    power->state = host->state;
    power->rate_mw = host->rate;
    power->remaining_mwh = host->remaining;
    power->voltage_mv = host->voltage;
    power->design_mwh = host->design;
    power->full_mwh = host->full;
    power->design_mv = host->design_voltage;
    power->cycles = host->cycles;
}

/* -- the host's ------------------------------------------------------------------------------ */

/* The first line of a file of a supply; 0 without it. */
static int acpihost_read(const AcpiHost *host, const char *supply, const char *file, char *buf,
                         size_t buf_bytes)
{
    char path[512];
    int n = snprintf(path, sizeof(path), "%s/%s/%s", host->path, supply, file);
    int fd = n > 0 && (size_t)n < sizeof(path) ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
    ssize_t len = fd >= 0 ? read(fd, buf, buf_bytes - 1) : -1;

    if (fd >= 0)
        close(fd);
    if (len <= 0)
        return 0;
    buf[len] = 0;
    buf[strcspn(buf, "\n")] = 0;
    return 1;
}

/* A number in millionths as thousandths; VIV_POWER_UNKNOWN if there is none. Currents are negative
 * for some drivers. */
static uint32_t acpihost_milli(const AcpiHost *host, const char *supply, const char *file)
{
    char text[32], *end;

    if (!acpihost_read(host, supply, file, text, sizeof(text)))
        return VIV_POWER_UNKNOWN;
    long long value = strtoll(text, &end, 10);
    if (*end || end == text || value == LLONG_MIN)
        return VIV_POWER_UNKNOWN;
    value = (value < 0 ? -value : value) / 1000;
    return value < 0x7fffffff ? (uint32_t)value : VIV_POWER_UNKNOWN;
}

/* mWh of NAME_energy, else mAh of NAME_charge times mV. */
static uint32_t acpihost_energy(const AcpiHost *host, const char *supply, const char *energy,
                                const char *charge, uint32_t mv)
{
    uint32_t value = acpihost_milli(host, supply, energy);

    if (value != VIV_POWER_UNKNOWN)
        return value;
    value = acpihost_milli(host, supply, charge);
    if (value == VIV_POWER_UNKNOWN || mv == VIV_POWER_UNKNOWN)
        return VIV_POWER_UNKNOWN;
    uint64_t product = (uint64_t)value * mv / 1000;
    return product < 0x7fffffff ? (uint32_t)product : VIV_POWER_UNKNOWN;
}

static uint32_t acpihost_sum(uint32_t a, uint32_t b)
{
    uint64_t sum = (uint64_t)a + b;

    return a == VIV_POWER_UNKNOWN || b == VIV_POWER_UNKNOWN || sum >= 0x7fffffff ? VIV_POWER_UNKNOWN
                                                                                 : (uint32_t)sum;
}

static uint32_t acpihost_battery_state(const AcpiHost *host, const char *supply)
{
    char text[32];

    if (!acpihost_read(host, supply, "status", text, sizeof(text)))
        return 0;
    if (!strcmp(text, "Charging"))
        return VIV_POWER_CHARGING;
    if (strcmp(text, "Discharging") != 0)
        return 0;
    if (acpihost_read(host, supply, "capacity_level", text, sizeof(text)) &&
        !strcmp(text, "Critical"))
        return VIV_POWER_DISCHARGING | VIV_POWER_CRITICAL;
    return VIV_POWER_DISCHARGING;
}

static void acpihost_battery(const AcpiHost *host, const char *supply, viv_power_t *power)
{
    uint32_t first = !(power->sources & VIV_POWER_BATTERY);
    uint32_t mv = acpihost_milli(host, supply, "voltage_now");
    uint32_t design_mv = acpihost_milli(host, supply, "voltage_min_design");
    uint32_t nominal = design_mv != VIV_POWER_UNKNOWN ? design_mv : mv;
    viv_power_t one = {
        .rate_mw = acpihost_energy(host, supply, "power_now", "current_now", mv),
        .remaining_mwh = acpihost_energy(host, supply, "energy_now", "charge_now", nominal),
        .design_mwh =
            acpihost_energy(host, supply, "energy_full_design", "charge_full_design", nominal),
        .full_mwh = acpihost_energy(host, supply, "energy_full", "charge_full", nominal),
    };

    power->sources |= VIV_POWER_BATTERY;
    power->state |= acpihost_battery_state(host, supply);
    power->rate_mw = first ? one.rate_mw : acpihost_sum(power->rate_mw, one.rate_mw);
    power->remaining_mwh =
        first ? one.remaining_mwh : acpihost_sum(power->remaining_mwh, one.remaining_mwh);
    power->design_mwh = first ? one.design_mwh : acpihost_sum(power->design_mwh, one.design_mwh);
    power->full_mwh = first ? one.full_mwh : acpihost_sum(power->full_mwh, one.full_mwh);
    if (first) {
        char text[32];
        power->voltage_mv = mv;
        power->design_mv = nominal;
        if (acpihost_read(host, supply, "cycle_count", text, sizeof(text)))
            power->cycles = (uint32_t)strtoul(text, NULL, 10) & 0x7fffffffu;
    }
}

static void acpihost_supply(const AcpiHost *host, const char *supply, viv_power_t *power,
                            uint32_t *mains)
{
    char text[32];

    if (!acpihost_read(host, supply, "type", text, sizeof(text)))
        return;
    if (!strcmp(text, "Battery")) {
        /* A battery in a mouse is none of the machine's. */
        if (acpihost_read(host, supply, "scope", text, sizeof(text)) && !strcmp(text, "Device"))
            return;
        if (acpihost_read(host, supply, "present", text, sizeof(text)) && text[0] == '0')
            return;
        acpihost_battery(host, supply, power);
    } else if (!strcmp(text, "Mains") || !strncmp(text, "USB", 3)) {
        *mains = 1;
        if (acpihost_read(host, supply, "online", text, sizeof(text)) && text[0] != '0')
            power->sources |= VIV_POWER_AC;
    }
}

/* A host that says nothing of mains runs on them, unless its battery is being emptied. */
static void acpihost_host(const AcpiHost *host, viv_power_t *power)
{
    DIR *dir = opendir(host->path);
    const struct dirent *entry;
    uint32_t mains = 0, seen = 0;

    while (dir && seen < ACPIHOST_SUPPLIES_MAX && (entry = readdir(dir))) {
        if (entry->d_name[0] != '.') {
            acpihost_supply(host, entry->d_name, power, &mains);
            seen++;
        }
    }
    if (dir)
        closedir(dir);
    if (!mains && !(power->state & VIV_POWER_DISCHARGING))
        power->sources |= VIV_POWER_AC;
    if (power->state & VIV_POWER_DISCHARGING) /* of several batteries one is emptied, one filled */
        power->state &= ~VIV_POWER_CHARGING;
}

/* -- the interface --------------------------------------------------------------------------- */

/* [any] */
static void acpihost_power(void *self, viv_power_t *ret_power)
{
    const AcpiHost *host = self;
    viv_power_t power = {.size = sizeof(power)};
    uint32_t size = ret_power->size < sizeof(power) ? ret_power->size : (uint32_t)sizeof(power);

    if (!strcmp(host->source, "Fixed"))
        acpihost_fixed(host, &power);
    else
        acpihost_host(host, &power);
    power.size = ret_power->size;
    memcpy(ret_power, &power, size);
}

static const viv_acpi_host_ops_t acpihost_ops = {
    .size = sizeof(viv_acpi_host_ops_t),
    .power = acpihost_power,
};

static viv_status_t acpihost_query_interface(viv_drv_t *drv, void *self, const char *id,
                                             viv_iface_t *ret_iface)
{
    (void)drv;
    if (strcmp(id, VIV_ACPI_HOST_ID) != 0)
        return VIV_E_NOT_FOUND;
    ret_iface->ops = &acpihost_ops;
    ret_iface->self = self;
    return VIV_OK;
}

static viv_status_t acpihost_construct(viv_drv_t *drv, void *self)
{
    AcpiHost *host = self;

    host->drv = drv;
    if (strcmp(host->source, "Host") != 0 && strcmp(host->source, "Fixed") != 0)
        return drv->api->fail(drv, VIV_E_CONFIG, "Source is '%s'; Host and Fixed are possible",
                              host->source);
    return acpihost_state_parse(host);
}

static const viv_driver_class_t acpihost_class = {
    VIV_DRIVER_CLASS_HEAD,
    .name = "ACPIHost",
    .summary = "the host's power supply, or a fixed one",
    .instance_size = sizeof(AcpiHost),
    .options = acpihost_options,
    .construct = acpihost_construct,
    .query_interface = acpihost_query_interface,
};

VIV_PLUGIN("org.vivarium.acpihost", "1.0", "LGPL-2.1-or-later", "Power supply of the host",
           &acpihost_class);
