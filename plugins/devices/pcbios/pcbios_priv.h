/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pcbios: what the files of this plugin share.
 * pcbios.c        the device: ROM mapping, boot order, CMOS, small firmware files
 * pcbios_smbios.c the SMBIOS tables */
#ifndef PCBIOS_PRIV_H
#define PCBIOS_PRIV_H

#include <viv/chipset.h>
#include <viv/device.h>

#define PCBIOS_BOOT_SLOTS 4u

typedef struct PcBios {
    /* config */
    uint8_t enabled, rom_below_16m;
    const char *rom_name;
    const char *boot_device[PCBIOS_BOOT_SLOTS];
    const char *boot_order;
    uint8_t show_boot_menu;
    uint32_t boot_menu_wait_ms;
    uint32_t boot_fail_wait_ms;
    uint16_t serial_console_port;
    uint16_t debug_port;
    uint8_t floppy_types;
    const char *uuid;

    /* config: SMBIOS */
    uint8_t dmi_bios_major, dmi_bios_minor, dmi_firmware_major, dmi_firmware_minor;
    const char *dmi_bios_vendor, *dmi_bios_version, *dmi_bios_date;
    const char *dmi_system_vendor, *dmi_system_product, *dmi_system_version, *dmi_system_serial,
        *dmi_system_uuid, *dmi_system_family, *dmi_system_sku;
    const char *dmi_board_vendor, *dmi_board_product, *dmi_board_version, *dmi_board_serial,
        *dmi_board_asset, *dmi_board_location;
    uint8_t dmi_board_type;
    const char *dmi_chassis_vendor, *dmi_chassis_version, *dmi_chassis_serial, *dmi_chassis_asset;
    uint8_t dmi_chassis_type;
    const char *dmi_proc_vendor, *dmi_proc_version;
    const char *dmi_oem_ver, *dmi_oem_rev;
    uint8_t dmi_memory_table;

    /* the debug port's line so far; output only, nothing that the guest can read back */
    char debug_line[160];
    uint32_t debug_len;

    /* host resources */
    viv_dev_t *dev;
    const viv_vm_api_t *vm;
    const viv_chipset_api_t *chipset;
    const viv_ram_api_t *ram;
    const viv_fwfile_api_t *fwfile;
    viv_ram_t *rom_high, *rom_low, *rom_16m;
} PcBios;

/* Publishes "etc/smbios/smbios-tables" and "etc/smbios/smbios-anchor". */
viv_status_t pcbios_smbios_publish(PcBios *bios);

/* "12345678-1234-1234-1234-123456789abc" to 16 bytes in that order; VIV_E_INVALID if it is none. */
viv_status_t pcbios_uuid_parse(const char *text, uint8_t ret_uuid[16]);

#endif
