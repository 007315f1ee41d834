/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* machine_firmware: see machine_firmware.h. UEFI firmware lies at the end of the first 4 GiB as
 * read-only memory, a flash memory with its variables right below. */
#include "main/machine_firmware.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "pdm/pdm.h"

#define FIRMWARE_TOP (UINT64_C(1) << 32)
#define FIRMWARE_MAX (UINT64_C(16) << 20)

/* Pairs of OVMF's files, the one to be preferred first. */
static const struct {
    const char *code, *vars;
} firmware_efi[] = {{"OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd"}, {"OVMF_CODE.fd", "OVMF_VARS.fd"}};

static uint64_t firmware_bytes(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && info.st_size > 0 && info.st_size % 4096 == 0 &&
                   (uint64_t)info.st_size <= FIRMWARE_MAX
               ? (uint64_t)info.st_size
               : 0;
}

/* OVMF puts the PM block where it wants it, unless it is switched on already. */
static viv_status_t firmware_pm(CfgmNode *root, VivError *err)
{
    return cfgm_child(root, "Devices/acpi/0")
               ? cfgm_set_bool(root, "Devices/acpi/0/Config/PMBasePreset", FALSE, err)
               : VIV_OK;
}

static viv_status_t firmware_flash(CfgmNode *root, const char *code, const char *vars,
                                   const char *nvram, VivError *err)
{
    uint64_t code_bytes = firmware_bytes(code), vars_bytes = firmware_bytes(nvram ? nvram : vars);
    vars_bytes = vars_bytes ? vars_bytes : firmware_bytes(vars);
    viv_status_t st;
    if ((st = firmware_pm(root, err)) ||
        (st = cfgm_set_u64(root, "Devices/pcbios/0/Config/Enabled", 0, err)) ||
        (st = cfgm_set_string(root, "Devices/flash/0/Config/SourceFile", code, err)) ||
        (st = cfgm_set_bool(root, "Devices/flash/0/Config/ReadOnly", TRUE, err)) ||
        (st = cfgm_set_string(root, "Devices/flash/1/Config/SourceFile", vars, err)) ||
        (st = cfgm_set_u64(root, "Devices/flash/1/Config/BaseAddress",
                           FIRMWARE_TOP - code_bytes - vars_bytes, err))) {
        return st;
    }
    return nvram ? cfgm_set_string(root, "Devices/flash/1/Config/FlashFile", nvram, err) : VIV_OK;
}

static viv_status_t firmware_set_efi(CfgmNode *root, const char *nvram, VivError *err)
{
    for (size_t i = 0; i < G_N_ELEMENTS(firmware_efi); i++) {
        g_autofree char *code = pdm_firmware_path(firmware_efi[i].code);
        g_autofree char *vars = pdm_firmware_path(firmware_efi[i].vars);
        if (firmware_bytes(code) && firmware_bytes(vars)) {
            return firmware_flash(root, code, vars, nvram, err);
        }
    }
    return error_set(err, VIV_E_NOT_FOUND,
                     "--firmware efi: %s and %s are in none of the firmware folders; Debian's "
                     "package is ovmf",
                     firmware_efi[0].code, firmware_efi[0].vars);
}

viv_status_t machine_firmware(CfgmNode *root, const char *firmware, const char *nvram,
                              VivError *err)
{
    gboolean efi = firmware && !strcmp(firmware, "efi");
    if (firmware && !efi && strcmp(firmware, "bios") != 0) {
        return error_set(err, VIV_E_INVALID, "--firmware %s: allowed are bios and efi", firmware);
    }
    if (nvram && !efi) {
        return error_set(err, VIV_E_INVALID, "--nvram goes with --firmware efi");
    }
    return efi ? firmware_set_efi(root, nvram, err) : VIV_OK;
}
