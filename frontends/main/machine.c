/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* machine: builds the CFGM tree of an unnamed PC (see machine.h). Names, LUNs and keys are
 * VirtualBox's. */
#include "main/machine.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>

#include "log/log.h"
#include "main/machine_char.h"
#include "main/machine_firmware.h"

#define MACHINE_MIB          (UINT64_C(1) << 20)
#define MACHINE_IDE_LUNS     4u
#define MACHINE_SERIALS      4u
#define MACHINE_PARALLELS    2u
#define MACHINE_LONG_BACKLOG (256 * MACHINE_MIB)

/* The standard PC but for its chipset. */
static const char *const machine_devices[] = {
    "pcarch", "i8259", "i8254",    "hpet",   "mc146818", "8237A",       "apic",   "ioapic",
    "acpi",   "pckbd", "piix3ide", "i82078", "vga",      "qemu-fw-cfg", "pcbios",
};

/* A chipset is some devices, and what the board adds: where built-in functions sit, how much room
 * the firmware wants below 4 GiB. --chipset takes the name of any other device plugin too: it then
 * stands alone in this place, on the board of piix3. */
typedef struct MachinePlace {
    const char *device;
    uint64_t slot, function;
} MachinePlace;

typedef struct MachineChipset {
    const char *name;
    const char *devices[3];
    MachinePlace places[4];
    uint64_t ram_hole; /* bytes below 4 GiB, 0: the core's default */
    uint64_t mcfg_base;
} MachineChipset;

typedef struct Machine {
    const MachineOptions *options;
    PluginRegistry *plugins;
    CfgmNode *root;
    VivError *err;
    MachineChipset chipset;
} Machine;

static const MachineChipset machine_chipsets[] = {
    {"piix3", {"pci"}, {{0}}, 0, 0},
    {"ich9",
     {"ich9pci", "lpc"},
     {{"piix3ide", 31, 1}, {"acpi", 7, 0}},
     0x50000000, /* configuration space at B0000000h, PCI memory from C0000000h */
     0xb0000000},
};

static viv_status_t machine_set(Machine *m, const char *path, const char *value)
{
    return cfgm_set_string(m->root, path, value, m->err);
}

static gboolean machine_installed(Machine *m, const char *device)
{
    return plugin_record_of_class(m->plugins, VIV_KIND_DEVICE, device) != NULL;
}

static viv_status_t machine_add(Machine *m, const char *device)
{
    if (!machine_installed(m, device)) {
        viv_log("main", VIV_LOG_WARN,
                "device plugin %s is not installed: the machine goes without it", device);
        return VIV_OK;
    }
    g_autofree char *path = g_strdup_printf("Devices/%s/0/Config", device);
    return cfgm_create(m->root, path, m->err) ? VIV_OK : VIV_E_FAILED;
}

/* -- chipset --------------------------------------------------------------------------------- */

/* A device of the standard PC is configured further, any other is added. */
static gboolean machine_is_standard(Machine *m, const char *device)
{
    gboolean standard = FALSE;
    for (size_t i = 0; i < G_N_ELEMENTS(machine_devices); i++) {
        standard |= !strcmp(machine_devices[i], device);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(m->chipset.devices) && m->chipset.devices[i]; i++) {
        standard |= !strcmp(m->chipset.devices[i], device);
    }
    return standard;
}

static viv_status_t machine_chipset_find(Machine *m)
{
    const char *name = m->options->chipset ? m->options->chipset : machine_chipsets[0].name;
    for (size_t i = 0; i < G_N_ELEMENTS(machine_chipsets); i++) {
        if (!strcmp(machine_chipsets[i].name, name)) {
            m->chipset = machine_chipsets[i];
            return VIV_OK;
        }
    }
    m->chipset = (MachineChipset){.name = name, .devices = {name}};
    return machine_installed(m, name)
               ? VIV_OK
               : error_set(
                     m->err, VIV_E_NOT_FOUND,
                     "--chipset %s: neither piix3 nor ich9, and no device plugin of that name",
                     name);
}

static viv_status_t machine_place(Machine *m, const MachinePlace *place)
{
    g_autofree char *slot = g_strdup_printf("Devices/%s/0/PCIDeviceNo", place->device);
    g_autofree char *function = g_strdup_printf("Devices/%s/0/PCIFunctionNo", place->device);
    if (!machine_installed(m, place->device)) {
        return VIV_OK;
    }
    viv_status_t st = cfgm_set_u64(m->root, slot, place->slot, m->err);
    return st ? st : cfgm_set_u64(m->root, function, place->function, m->err);
}

static viv_status_t machine_chipset(Machine *m)
{
    viv_status_t st = machine_chipset_find(m);
    for (size_t i = 0; i < G_N_ELEMENTS(m->chipset.devices) && m->chipset.devices[i] && !st; i++) {
        st = machine_add(m, m->chipset.devices[i]);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(m->chipset.places) && m->chipset.places[i].device && !st;
         i++) {
        st = machine_place(m, &m->chipset.places[i]);
    }
    if (!st && m->chipset.ram_hole) {
        st = cfgm_set_u64(m->root, "RamHoleSize", m->chipset.ram_hole, m->err);
    }
    if (!st && m->chipset.mcfg_base && machine_installed(m, m->chipset.devices[0])) {
        g_autofree char *path =
            g_strdup_printf("Devices/%s/0/Config/McfgBase", m->chipset.devices[0]);
        st = cfgm_set_u64(m->root, path, m->chipset.mcfg_base, m->err);
    }
    return st;
}

static viv_status_t machine_standard(Machine *m)
{
    viv_status_t st = machine_chipset(m);
    for (size_t i = 0; i < G_N_ELEMENTS(machine_devices) && !st; i++) {
        st = machine_add(m, machine_devices[i]);
    }
    return st;
}

static viv_status_t machine_base(Machine *m)
{
    const MachineOptions *o = m->options;
    viv_status_t st;
    if ((st = machine_set(m, "Name", "unnamed")) ||
        (st = cfgm_set_u64(m->root, "RamSize", o->ram_bytes ? o->ram_bytes : 512 * MACHINE_MIB,
                           m->err)) ||
        (st = cfgm_set_u64(m->root, "NumCPUs", o->cpus ? o->cpus : 1, m->err)) ||
        (st = machine_set(m, "Engine/Name", o->engine ? o->engine : "auto")) ||
        (st = cfgm_set_bool(m->root, "NoReboot", o->no_reboot, m->err)) ||
        (o->cpu && (st = machine_set(m, "CPUM/Model", o->cpu)))) {
        return st;
    }
    if (!o->kernel && (o->initrd || o->append)) {
        return error_set(m->err, VIV_E_INVALID, "--initrd and --append go with --kernel");
    }
    if (o->kernel && ((st = machine_set(m, "Boot/KernelImage", o->kernel)) ||
                      (o->initrd && (st = machine_set(m, "Boot/InitrdImage", o->initrd))) ||
                      (st = machine_set(m, "Boot/CmdLine", o->append ? o->append : "")))) {
        return st;
    }
    return VIV_OK;
}

/* -- time ------------------------------------------------------------------------------------ */

/* utc, local, or base=TIME: what the RTC shows at power-on. */
static viv_status_t machine_rtc(Machine *m)
{
    static const char config[] = "Devices/mc146818/0/Config";
    const char *rtc = m->options->rtc;
    gboolean deterministic = m->options->deterministic;
    if (!machine_installed(m, "mc146818")) {
        return rtc ? error_set(m->err, VIV_E_NOT_FOUND,
                               "--rtc %s: device plugin mc146818 is not installed", rtc)
                   : VIV_OK;
    }
    if (rtc && g_str_has_prefix(rtc, "base=") && rtc[5]) {
        g_autofree char *path = g_strdup_printf("%s/StartTime", config);
        return machine_set(m, path, rtc + 5);
    }
    gboolean local = rtc && !strcmp(rtc, "local"), utc = rtc && !strcmp(rtc, "utc");
    if (rtc && !local && !utc) {
        return error_set(m->err, VIV_E_INVALID,
                         "--rtc %s: allowed are utc, local, base=YYYY-MM-DDTHH:MM:SS", rtc);
    }
    if (local && deterministic) {
        return error_set(m->err, VIV_E_INVALID,
                         "--rtc local does not go with --deterministic: it depends on the host's "
                         "time zone");
    }
    g_autofree char *path = g_strdup_printf("%s/UseUTC", config);
    return utc || deterministic ? cfgm_set_u64(m->root, path, 1, m->err) : VIV_OK;
}

/* What of the host a deterministic machine could see is settled here or in the core. */
static viv_status_t machine_time(Machine *m)
{
    const MachineOptions *o = m->options;
    viv_status_t st = machine_rtc(m);
    if (st || !o->deterministic) {
        return st;
    }
    if ((st = cfgm_set_bool(m->root, "TM/Deterministic", TRUE, m->err)) ||
        (o->ns_per_instruction &&
         (st = cfgm_set_u64(m->root, "TM/NsPerInstruction", o->ns_per_instruction, m->err)))) {
        return st;
    }
    return cfgm_set_u64(m->root, "CPUM/RandomSeed", o->seed, m->err);
}

/* -- boot order ------------------------------------------------------------------------------ */

static const char *machine_boot_name(char letter)
{
    switch (letter) {
    case 'a': return "FLOPPY";
    case 'c': return "IDE";
    case 'd': return "DVD";
    case 'n': return "NETWORK";
    default: return NULL;
    }
}

/* Where the firmware is to be seen: nowhere for a kernel, and where an 80286 starts for one. */
static viv_status_t machine_rom(Machine *m)
{
    const MachineOptions *o = m->options;
    viv_status_t st = machine_firmware(m->root, o->firmware, o->nvram, m->err);
    if (st || o->kernel) {
        return st ? st : cfgm_set_u64(m->root, "Devices/pcbios/0/Config/Enabled", 0, m->err);
    }
    return o->cpu && g_str_has_prefix(o->cpu, "286")
               ? cfgm_set_u64(m->root, "Devices/pcbios/0/Config/RomBelow16M", 1, m->err)
               : VIV_OK;
}

static viv_status_t machine_boot(Machine *m)
{
    const MachineOptions *o = m->options;
    const char *boot = o->boot                     ? o->boot
                       : o->disks && !o->cdroms    ? "cd"
                       : o->floppies && !o->cdroms ? "a"
                                                   : "dc";
    if (!machine_installed(m, "pcbios")) {
        return VIV_OK;
    }
    if (strlen(boot) > 4) {
        return error_set(m->err, VIV_E_INVALID, "--boot %s: at most four of a, c, d, n", boot);
    }
    for (uint32_t i = 0; i < 4; i++) {
        const char *name = i < strlen(boot) ? machine_boot_name(boot[i]) : "NONE";
        char path[64];
        if (!name) {
            return error_set(m->err, VIV_E_INVALID, "--boot %s: '%c' is none of a, c, d, n", boot,
                             boot[i]);
        }
        snprintf(path, sizeof path, "Devices/pcbios/0/Config/BootDevice%u", i);
        viv_status_t st = machine_set(m, path, name);
        if (st) {
            return st;
        }
    }
    return machine_rom(m);
}

/* -- media ----------------------------------------------------------------------------------- */

static viv_status_t machine_drive(Machine *m, const char *device, uint32_t lun, const char *type,
                                  const char *path)
{
    g_autofree char *node = g_strdup_printf("Devices/%s/0/LUN#%u", device, lun);
    g_autofree char *driver = g_strdup_printf("%s/Driver", node);
    g_autofree char *key = g_strdup_printf("%s/Config/Path", node);
    g_autofree char *kind = g_strdup_printf("%s/Config/Type", node);
    g_autofree char *mountable = g_strdup_printf("%s/Config/Mountable", node);
    viv_status_t st;
    if ((st = machine_set(m, driver, "VD")) || (st = machine_set(m, key, path)) ||
        (st = machine_set(m, kind, type))) {
        return st;
    }
    return strcmp(type, "HardDisk") != 0 ? cfgm_set_u64(m->root, mountable, 1, m->err) : VIV_OK;
}

/* The drive that an image's format was made for, and its code in the CMOS. SeaBIOS goes by the code
 * alone, and knows single-sided and 8-sector formats by codes of its own (6 to 8). */
typedef struct MachineFloppy {
    goffset bytes;
    const char *drive;
    uint8_t code;
} MachineFloppy;

static const MachineFloppy machine_floppies_known[] = {
    {163840, "360", 6},   {184320, "360", 7},   {327680, "360", 8},   {368640, "360", 1},
    {737280, "720", 3},   {1228800, "1.20", 2}, {1474560, "1.44", 4}, {1720320, "1.44", 4},
    {2949120, "2.88", 5}, {0, "1.44", 4},
};

static const MachineFloppy *machine_floppy_of(const char *path)
{
    GStatBuf info;
    const MachineFloppy *known = machine_floppies_known;
    goffset bytes = g_stat(path, &info) == 0 ? info.st_size : 0;
    while (known->bytes && known->bytes != bytes) {
        known++;
    }
    return known;
}

/* The controller is there always, a drive when there is an image (or an empty name) for it. */
static viv_status_t machine_floppies(Machine *m)
{
    char **list = m->options->floppies;
    uint64_t cmos = 0;
    viv_status_t st;
    for (uint32_t i = 0; list && list[i]; i++) {
        if (i == 2) {
            return error_set(m->err, VIV_E_INVALID, "%s: a PC has two floppy drives", list[i]);
        }
        const MachineFloppy *known = machine_floppy_of(list[i]);
        g_autofree char *type = g_strconcat("Floppy ", known->drive, NULL);
        g_autofree char *key = g_strdup_printf("Devices/i82078/0/Config/DriveType%u", i);
        cmos |= (uint64_t)known->code << (i ? 0 : 4);
        if ((st = machine_drive(m, "i82078", i, type, list[i])) ||
            (st = machine_set(m, key, known->drive))) {
            return st;
        }
    }
    return machine_installed(m, "pcbios")
               ? cfgm_set_u64(m->root, "Devices/pcbios/0/Config/FloppyTypes", cmos, m->err)
               : VIV_OK;
}

/* An empty path is an empty drive. Disks from the primary master up; CD-ROMs from the secondary master, as a PC with one of each is
 * built. */
static viv_status_t machine_media(Machine *m)
{
    const MachineOptions *o = m->options;
    gboolean used[MACHINE_IDE_LUNS] = {FALSE};
    static const uint32_t disk_order[] = {0, 1, 3, 2}, cd_order[] = {2, 3, 1, 0};
    for (int kind = 0; kind < 2; kind++) {
        char **list = kind ? o->cdroms : o->disks;
        const uint32_t *order = kind ? cd_order : disk_order;
        for (char **path = list; path && *path; path++) {
            uint32_t at = 0;
            while (at < MACHINE_IDE_LUNS && used[order[at]]) {
                at++;
            }
            if (at == MACHINE_IDE_LUNS) {
                return error_set(m->err, VIV_E_INVALID,
                                 "%s: the IDE controller's four places are taken", *path);
            }
            used[order[at]] = TRUE;
            viv_status_t st =
                machine_drive(m, "piix3ide", order[at], kind ? "DVD" : "HardDisk", *path);
            if (st) {
                return st;
            }
        }
    }
    return machine_floppies(m);
}

/* -- serial ports ---------------------------------------------------------------------------- */

/* In the deterministic mode a slow reader must not be seen by the guest. */
static viv_status_t machine_back_end(Machine *m, const char *node, const char *option,
                                     const char *spec)
{
    return machine_char(m->root, node, option, spec,
                        m->options->deterministic ? MACHINE_LONG_BACKLOG : 0, m->err);
}

/* A pseudo-terminal is of use only to somebody who is told its name. */
static void machine_tell_pty(char *const *list)
{
    for (; *list; list++) {
        if (!strcmp(*list, "pty") && !g_getenv("VIV_LOG")) {
            log_configure("PTY=info", NULL);
        }
    }
}

static viv_status_t machine_serials(Machine *m)
{
    static char *const dflt[] = {(char *)(uintptr_t) "stdio", NULL};
    char *const *list = m->options->serials ? m->options->serials : dflt;
    if (!m->options->serials && !machine_installed(m, "serial")) {
        return VIV_OK;
    }
    machine_tell_pty(list);
    for (uint32_t i = 0; list[i]; i++) {
        if (i == MACHINE_SERIALS) {
            return error_set(m->err, VIV_E_INVALID, "--serial %s: a PC has four serial ports",
                             list[i]);
        }
        g_autofree char *config = g_strdup_printf("Devices/serial/%u/Config", i);
        g_autofree char *lun = g_strdup_printf("Devices/serial/%u/LUN#0", i);
        if (!cfgm_create(m->root, config, m->err)) {
            return VIV_E_FAILED;
        }
        viv_status_t st =
            strcmp(list[i], "none") ? machine_back_end(m, lun, "--serial", list[i]) : VIV_OK;
        if (st) {
            return st;
        }
    }
    return VIV_OK;
}

/* -- parallel ports -------------------------------------------------------------------------- */

static viv_status_t machine_parallel(Machine *m, uint32_t number, const char *spec)
{
    g_autofree char *config = g_strdup_printf("Devices/parallel/%u/Config", number);
    g_autofree char *lun = g_strdup_printf("Devices/parallel/%u/LUN#0", number);
    g_autofree char *driver = g_strdup_printf("%s/Driver", lun);
    g_autofree char *path = g_strdup_printf("%s/Config/DevicePath", lun);
    if (!cfgm_create(m->root, config, m->err)) {
        return VIV_E_FAILED;
    }
    if (!strcmp(spec, "none")) {
        return VIV_OK;
    }
    if (strncmp(spec, "host:", 5) != 0 || !spec[5]) {
        return machine_back_end(m, lun, "--parallel", spec);
    }
    viv_status_t st = machine_set(m, driver, "HostParallel");
    return st ? st : machine_set(m, path, spec + 5);
}

static viv_status_t machine_parallels(Machine *m)
{
    viv_status_t st = VIV_OK;
    for (uint32_t i = 0; m->options->parallels && m->options->parallels[i] && !st; i++) {
        st = i < MACHINE_PARALLELS
                 ? machine_parallel(m, i, m->options->parallels[i])
                 : error_set(m->err, VIV_E_INVALID, "--parallel %s: a PC has two parallel ports",
                             m->options->parallels[i]);
    }
    return st;
}

/* -- device and --cfg ------------------------------------------------------------------------ */

/* "chardev" hangs a back end on LUN 0, "chardev3" on LUN 3. */
static gboolean machine_is_chardev(const char *key, uint32_t *ret_lun)
{
    guint64 lun = 0;
    gboolean is = g_str_has_prefix(key, "chardev") &&
                  (!key[7] || g_ascii_string_to_unsigned(key + 7, 10, 0, 999, &lun, NULL));
    *ret_lun = is ? (uint32_t)lun : 0;
    return is;
}

static viv_status_t machine_device(Machine *m, const char *spec)
{
    g_auto(GStrv) words = g_strsplit(spec, ",", -1);
    uint32_t number = 0;
    g_autofree char *class_path = g_strdup_printf("Devices/%s", words[0]);
    if (!*words[0] || !machine_installed(m, words[0])) {
        return error_set(m->err, VIV_E_NOT_FOUND,
                         "--device %s: no such device plugin; see viv plugin list", spec);
    }
    gboolean standard = machine_is_standard(m, words[0]);
    for (CfgmNode *n = cfgm_first_child(cfgm_child(m->root, class_path)); n && !standard;
         n = cfgm_next(n)) {
        number++;
    }
    g_autofree char *config = g_strdup_printf("%s/%u/Config", class_path, number);
    if (!cfgm_create(m->root, config, m->err)) {
        return VIV_E_FAILED;
    }
    for (char **word = words + 1; *word; word++) {
        const char *equals = strchr(*word, '=');
        if (!equals || equals == *word) {
            return error_set(m->err, VIV_E_INVALID, "--device %s: \"%s\" is not key=value", spec,
                             *word);
        }
        g_autofree char *key = g_strndup(*word, (gsize)(equals - *word));
        g_autofree char *path = g_strdup_printf("%s/%s", config, key);
        uint32_t lun_number;
        gboolean chardev = machine_is_chardev(key, &lun_number);
        g_autofree char *lun = g_strdup_printf("%s/%u/LUN#%u", class_path, number, lun_number);
        viv_status_t st = chardev ? machine_back_end(m, lun, key, equals + 1)
                                  : cfgm_set_from_text(m->root, path, equals + 1, m->err);
        if (st) {
            return st;
        }
    }
    return VIV_OK;
}

static viv_status_t machine_extra(Machine *m)
{
    viv_status_t st = VIV_OK;
    for (char **device = m->options->devices; device && *device && !st; device++) {
        st = machine_device(m, *device);
    }
    for (char **cfg = m->options->cfg; cfg && *cfg && !st; cfg++) {
        st = cfgm_set_from_assignment(m->root, *cfg, m->err);
        if (st) {
            error_prefix(m->err, "--cfg %s", *cfg);
        }
    }
    return st;
}

/* Queues between whoever types and the keyboard controller. */
static viv_status_t machine_input(Machine *m)
{
    static const char *const drivers[2] = {"KeyboardQueue", "MouseQueue"};
    viv_status_t st = VIV_OK;
    for (uint32_t i = 0; i < 2 && !st && machine_installed(m, "pckbd"); i++) {
        g_autofree char *path = g_strdup_printf("Devices/pckbd/0/LUN#%u/Driver", i);
        if (plugin_record_of_class(m->plugins, VIV_KIND_DRIVER, drivers[i])) {
            st = machine_set(m, path, drivers[i]);
        }
    }
    return st;
}

/* The speaker's back end. */
static viv_status_t machine_audio(Machine *m)
{
    const char *audio = m->options->audio;
    viv_status_t st;
    if (!audio || !strcmp(audio, "none")) {
        return VIV_OK;
    }
    if (!g_str_has_prefix(audio, "wav:") || !audio[4]) {
        return error_set(m->err, VIV_E_INVALID, "--audio %s: allowed are wav:PATH, none", audio);
    }
    if ((st = machine_set(m, "Devices/i8254/0/LUN#0/Driver", "WavAudio"))) {
        return st;
    }
    return machine_set(m, "Devices/i8254/0/LUN#0/Config/Path", audio + 4);
}

static viv_status_t machine_display(Machine *m)
{
    if (!machine_installed(m, "vga") ||
        !plugin_record_of_class(m->plugins, VIV_KIND_DRIVER, "MainDisplay")) {
        return VIV_OK;
    }
    return machine_set(m, "Devices/vga/0/LUN#0/Driver", "MainDisplay");
}

CfgmNode *machine_tree(const MachineOptions *options, PluginRegistry *plugins, VivError *err)
{
    VivError own = VIV_ERROR_INIT;
    Machine m = {options, plugins, cfgm_new(), &own};
    if (machine_base(&m) || machine_standard(&m) || machine_time(&m) || machine_boot(&m) ||
        machine_media(&m) || machine_serials(&m) || machine_parallels(&m) || machine_display(&m) ||
        machine_input(&m) || machine_audio(&m) || machine_extra(&m)) {
        if (!own.status) {
            error_set(&own, VIV_E_FAILED, "the machine cannot be described");
        }
        error_move(err, &own);
        cfgm_free(m.root);
        return NULL;
    }
    return m.root;
}
