/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pcbios: the firmware of a PC: a BIOS image (SeaBIOS) and what it needs to know.
 * The guest sees the image below 4 GiB and its last 128 KiB below 1 MiB (under the host bridge's
 * PAM), the CMOS bytes that tell memory size, boot order, floppies and processors, and files of
 * fw_cfg: the RAM map, SMBIOS, boot menu.
 * A byte-wide debug port (402h) takes the firmware's log.
 * Follows: SeaBIOS 1.16's documented run-time configuration; the usual CMOS map of PCs; DMTF
 * DSP0134 for SMBIOS.
 * With Enabled 0 (direct kernel boot) no image is mapped; the files and the CMOS are the same. */
#include "pcbios_priv.h"

#include <stdlib.h>
#include <string.h>

#define PCBIOS_ROM_UNIT      0x10000u
#define PCBIOS_ROM_MAX       0x800000u
#define PCBIOS_LOW_BYTES     0x20000u
#define PCBIOS_DEBUG_ID      0xe9u
#define PCBIOS_FLOPPY_AUTO   0xffu
#define PCBIOS_FLOPPY_A_1440 0x40u

static const viv_option_t pcbios_options[] = {
    VIV_OPT_NAMED(PcBios, "Enabled", enabled, VIV_BOOL, 0, 1, 1,
                  "map the BIOS image; 0: no image, for direct kernel boot; CMOS and files stay"),
    VIV_OPT_STRING(PcBios, "BiosRom", rom_name, "bios-256k.bin",
                   "BIOS image, a multiple of 64 KiB, up to 8 MiB"),
    VIV_OPT_NAMED(
        PcBios, "RomBelow16M", rom_below_16m, VIV_BOOL, 0, 1, 0,
        "the last 128 KiB also below 16 MiB, where an 80286 starts; viv run --cpu 286 sets it"),
    VIV_OPT_STRING(PcBios, "BootDevice0", boot_device[0], "FLOPPY",
                   "FLOPPY, DVD, IDE (hard disks), NETWORK or NONE"),
    VIV_OPT_STRING(PcBios, "BootDevice1", boot_device[1], "DVD", "second"),
    VIV_OPT_STRING(PcBios, "BootDevice2", boot_device[2], "IDE", "third"),
    VIV_OPT_STRING(PcBios, "BootDevice3", boot_device[3], "NONE", "fourth"),
    VIV_OPT_STRING(PcBios, "BootOrder", boot_order, NULL,
                   "exact devices before that: firmware paths, ';' between"),
    VIV_OPT_NAMED(PcBios, "ShowBootMenu", show_boot_menu, VIV_BOOL, 0, 1, 0, "offer the boot menu"),
    VIV_OPT_NAMED(PcBios, "BootMenuWait", boot_menu_wait_ms, VIV_U32, 0, 600000, 2500,
                  "how long, in milliseconds"),
    VIV_OPT_NAMED(PcBios, "BootFailWait", boot_fail_wait_ms, VIV_U32, 0, 0xffffffffu, 0xffffffffu,
                  "milliseconds until a restart when nothing boots; 4294967295: stay"),
    VIV_OPT_NAMED(PcBios, "SerialConsolePort", serial_console_port, VIV_U16, 0, 0xfff8, 0,
                  "I/O base of a serial port that mirrors the BIOS screen; 0: none"),
    VIV_OPT_NAMED(PcBios, "DebugPort", debug_port, VIV_U16, 0, 0xffff, 0x402,
                  "firmware's log port, if there is no debugcon; 0: none"),
    VIV_OPT_NAMED(PcBios, "FloppyTypes", floppy_types, VIV_U8, 0, 0xff, PCBIOS_FLOPPY_AUTO,
                  "CMOS byte 10h; 255: one 1.44 MB drive if there is a controller"),
    VIV_OPT_STRING(PcBios, "UUID", uuid, NULL, "the machine's UUID"),
    VIV_OPT_STRING(PcBios, "DmiBIOSVendor", dmi_bios_vendor, "SeaBIOS", "SMBIOS type 0"),
    VIV_OPT_STRING(PcBios, "DmiBIOSVersion", dmi_bios_version, "Vivarium", "SMBIOS type 0"),
    VIV_OPT_STRING(PcBios, "DmiBIOSReleaseDate", dmi_bios_date, "04/01/2014",
                   "SMBIOS type 0, mm/dd/yyyy"),
    VIV_OPT_NAMED(PcBios, "DmiBIOSReleaseMajor", dmi_bios_major, VIV_U8, 0, 255, 0,
                  "SMBIOS type 0"),
    VIV_OPT_NAMED(PcBios, "DmiBIOSReleaseMinor", dmi_bios_minor, VIV_U8, 0, 255, 0,
                  "SMBIOS type 0"),
    VIV_OPT_NAMED(PcBios, "DmiBIOSFirmwareMajor", dmi_firmware_major, VIV_U8, 0, 255, 255,
                  "SMBIOS type 0"),
    VIV_OPT_NAMED(PcBios, "DmiBIOSFirmwareMinor", dmi_firmware_minor, VIV_U8, 0, 255, 255,
                  "SMBIOS type 0"),
    VIV_OPT_STRING(PcBios, "DmiSystemVendor", dmi_system_vendor, "Vivarium", "SMBIOS type 1"),
    VIV_OPT_STRING(PcBios, "DmiSystemProduct", dmi_system_product, "Vivarium PC (i440FX + PIIX3)",
                   "SMBIOS type 1"),
    VIV_OPT_STRING(PcBios, "DmiSystemVersion", dmi_system_version, "1.0", "SMBIOS type 1"),
    VIV_OPT_STRING(PcBios, "DmiSystemSerial", dmi_system_serial, "0", "SMBIOS type 1"),
    VIV_OPT_STRING(PcBios, "DmiSystemUuid", dmi_system_uuid, NULL, "SMBIOS type 1; default: UUID"),
    VIV_OPT_STRING(PcBios, "DmiSystemFamily", dmi_system_family, "Virtual Machine",
                   "SMBIOS type 1"),
    VIV_OPT_STRING(PcBios, "DmiSystemSKU", dmi_system_sku, NULL, "SMBIOS type 1"),
    VIV_OPT_STRING(PcBios, "DmiBoardVendor", dmi_board_vendor, "Vivarium", "SMBIOS type 2"),
    VIV_OPT_STRING(PcBios, "DmiBoardProduct", dmi_board_product, "Vivarium", "SMBIOS type 2"),
    VIV_OPT_STRING(PcBios, "DmiBoardVersion", dmi_board_version, "1.0", "SMBIOS type 2"),
    VIV_OPT_STRING(PcBios, "DmiBoardSerial", dmi_board_serial, "0", "SMBIOS type 2"),
    VIV_OPT_STRING(PcBios, "DmiBoardAssetTag", dmi_board_asset, NULL, "SMBIOS type 2"),
    VIV_OPT_STRING(PcBios, "DmiBoardLocInChass", dmi_board_location, NULL, "SMBIOS type 2"),
    VIV_OPT_NAMED(PcBios, "DmiBoardBoardType", dmi_board_type, VIV_U8, 0, 255, 10, "SMBIOS type 2"),
    VIV_OPT_STRING(PcBios, "DmiChassisVendor", dmi_chassis_vendor, "Vivarium", "SMBIOS type 3"),
    VIV_OPT_NAMED(PcBios, "DmiChassisType", dmi_chassis_type, VIV_U8, 0, 255, 1, "SMBIOS type 3"),
    VIV_OPT_STRING(PcBios, "DmiChassisVersion", dmi_chassis_version, NULL, "SMBIOS type 3"),
    VIV_OPT_STRING(PcBios, "DmiChassisSerial", dmi_chassis_serial, NULL, "SMBIOS type 3"),
    VIV_OPT_STRING(PcBios, "DmiChassisAssetTag", dmi_chassis_asset, NULL, "SMBIOS type 3"),
    VIV_OPT_STRING(PcBios, "DmiProcManufacturer", dmi_proc_vendor, "Vivarium", "SMBIOS type 4"),
    VIV_OPT_STRING(PcBios, "DmiProcVersion", dmi_proc_version, "1.0", "SMBIOS type 4"),
    VIV_OPT_STRING(PcBios, "DmiOEMVBoxVer", dmi_oem_ver, NULL, "SMBIOS type 11, first string"),
    VIV_OPT_STRING(PcBios, "DmiOEMVBoxRev", dmi_oem_rev, NULL, "SMBIOS type 11, second string"),
    VIV_OPT_NAMED(PcBios, "DmiExposeMemoryTable", dmi_memory_table, VIV_BOOL, 0, 1, 1,
                  "SMBIOS types 16, 17, 19"),
    {0},
};

/* -- boot order and CMOS --------------------------------------------------------------------- */

/* The CMOS code of a device class, 0 for NONE, -1 for an unknown word. */
static int pcbios_boot_code(const char *word)
{
    static const struct {
        const char *word;
        int code;
    } words[] = {{"NONE", 0}, {"FLOPPY", 1}, {"IDE", 2}, {"DVD", 3}, {"NETWORK", 4}, {"LAN", 4}};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (!strcmp(word, words[i].word))
            return words[i].code;
    }
    return -1;
}

static void pcbios_cmos_boot(PcBios *bios)
{
    uint32_t order[PCBIOS_BOOT_SLOTS] = {0};
    uint32_t count = 0;

    for (uint32_t i = 0; i < PCBIOS_BOOT_SLOTS; i++) {
        int code = pcbios_boot_code(bios->boot_device[i]);
        if (code > 0)
            order[count++] = (uint32_t)code;
    }
    /* Three fit; the class that is left comes last in any case. Bit 0 of 38h: no check of the
     * floppy's signature. */
    bios->chipset->cmos_write(bios->dev, 0x3d, (uint8_t)(order[1] << 4 | order[0]));
    bios->chipset->cmos_write(bios->dev, 0x38, (uint8_t)(order[2] << 4));
}

static void pcbios_cmos_u16(PcBios *bios, uint32_t index, uint64_t value)
{
    bios->chipset->cmos_write(bios->dev, index, (uint8_t)value);
    bios->chipset->cmos_write(bios->dev, index + 1, (uint8_t)(value >> 8));
}

static uint64_t pcbios_at_most(uint64_t value, uint64_t most)
{
    return value < most ? value : most;
}

static void pcbios_cmos_memory(PcBios *bios)
{
    uint64_t low = bios->vm->ram_below_4g(bios->dev);
    uint64_t high = bios->vm->ram_bytes(bios->dev) - low;
    uint64_t above_1m = low > 0x100000 ? (low - 0x100000) >> 10 : 0;
    uint64_t above_16m = low > 0x1000000 ? (low - 0x1000000) >> 16 : 0;

    pcbios_cmos_u16(bios, 0x15, pcbios_at_most(low >> 10, 640));
    pcbios_cmos_u16(bios, 0x17, pcbios_at_most(above_1m, 0xffff));
    pcbios_cmos_u16(bios, 0x30, pcbios_at_most(above_1m, 0xffff));
    pcbios_cmos_u16(bios, 0x34, pcbios_at_most(above_16m, 0xffff));
    uint64_t units = pcbios_at_most(high >> 16, 0xffffff);
    pcbios_cmos_u16(bios, 0x5b, units & 0xffff);
    bios->chipset->cmos_write(bios->dev, 0x5d, (uint8_t)(units >> 16));
}

static void pcbios_cmos_write(PcBios *bios)
{
    uint8_t floppies = bios->floppy_types;
    uint8_t equipment = 0x06; /* coprocessor, PS/2 mouse */

    if (floppies == PCBIOS_FLOPPY_AUTO)
        floppies = bios->vm->has_device(bios->dev, "i82078") ? PCBIOS_FLOPPY_A_1440 : 0;
    if (floppies)
        equipment |= (floppies & 0x0f) && (floppies & 0xf0) ? 0x41 : 0x01;
    bios->chipset->cmos_write(bios->dev, 0x10, floppies);
    bios->chipset->cmos_write(bios->dev, 0x14, equipment);
    bios->chipset->cmos_write(bios->dev, 0x39, 0x55); /* LBA translation for the four IDE drives */
    bios->chipset->cmos_write(bios->dev, 0x5f, (uint8_t)(bios->vm->cpu_count(bios->dev) - 1));
    pcbios_cmos_memory(bios);
    pcbios_cmos_boot(bios);
}

/* -- firmware files -------------------------------------------------------------------------- */

static void pcbios_le(uint8_t *at, uint64_t value, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

static viv_status_t pcbios_publish_number(PcBios *bios, const char *name, uint64_t value,
                                          uint32_t bytes)
{
    uint8_t le[8];
    pcbios_le(le, value, 8);
    return bios->fwfile->add(bios->dev, name, le, bytes);
}

/* RAM as in the BIOS memory map: address, length, type 1. */
static viv_status_t pcbios_publish_e820(PcBios *bios)
{
    uint64_t low = bios->vm->ram_below_4g(bios->dev);
    uint64_t high = bios->vm->ram_bytes(bios->dev) - low;
    uint8_t map[40];

    pcbios_le(map, 0, 8);
    pcbios_le(map + 8, low, 8);
    pcbios_le(map + 16, 1, 4);
    pcbios_le(map + 20, 0x100000000ull, 8);
    pcbios_le(map + 28, high, 8);
    pcbios_le(map + 36, 1, 4);
    return bios->fwfile->add(bios->dev, "etc/e820", map, high ? 40 : 20);
}

static viv_status_t pcbios_publish_boot_order(PcBios *bios)
{
    if (!bios->boot_order || !*bios->boot_order)
        return VIV_OK;
    size_t len = strlen(bios->boot_order) + 1;
    char *text = malloc(len);
    if (!text)
        return VIV_E_NOMEM;
    memcpy(text, bios->boot_order, len);
    for (char *p = text; *p; p++) {
        if (*p == ';')
            *p = '\n';
    }
    viv_status_t st = bios->fwfile->add(bios->dev, "bootorder", text, len);
    free(text);
    return st;
}

static viv_status_t pcbios_publish(PcBios *bios)
{
    viv_status_t st = pcbios_publish_e820(bios);

    if (st == VIV_OK)
        st = pcbios_publish_boot_order(bios);
    if (st == VIV_OK)
        st = pcbios_publish_number(bios, "etc/show-boot-menu", bios->show_boot_menu, 2);
    if (st == VIV_OK)
        st = pcbios_publish_number(bios, "etc/boot-menu-wait", bios->boot_menu_wait_ms, 4);
    if (st == VIV_OK)
        st = pcbios_publish_number(bios, "etc/boot-fail-wait", bios->boot_fail_wait_ms, 4);
    if (st == VIV_OK && bios->serial_console_port)
        st = pcbios_publish_number(bios, "etc/sercon-port", bios->serial_console_port, 2);
    return st == VIV_OK ? pcbios_smbios_publish(bios) : st;
}

/* -- debug port ------------------------------------------------------------------------------ */

static void pcbios_debug_flush(PcBios *bios)
{
    if (bios->debug_len)
        bios->dev->api->log(bios->dev, VIV_LOG_DEBUG, "firmware: %.*s", (int)bios->debug_len,
                            bios->debug_line);
    bios->debug_len = 0;
}

/* [emt, device lock held] */
static uint64_t pcbios_debug_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    (void)dev, (void)ctx, (void)off, (void)width;
    return PCBIOS_DEBUG_ID; /* by which the firmware knows that somebody listens */
}

static void pcbios_debug_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value,
                               uint32_t width)
{
    PcBios *bios = ctx;
    char c = (char)value;
    (void)dev, (void)off, (void)width;

    if (c == '\n') {
        pcbios_debug_flush(bios);
        return;
    }
    bios->debug_line[bios->debug_len++] = (char)(c >= ' ' && c <= '~' ? c : ' ');
    if (bios->debug_len == sizeof(bios->debug_line))
        pcbios_debug_flush(bios);
}

static const viv_io_ops_t pcbios_debug_ops = {
    .size = sizeof(viv_io_ops_t),
    .widths = VIV_W8,
    .read = pcbios_debug_read,
    .write = pcbios_debug_write,
};

/* -- ROM ------------------------------------------------------------------------------------- */

/* The last bytes of the image, to end where an address space does. One window a memory: each copy
 * is a memory of its own. */
static viv_status_t pcbios_rom_window(PcBios *bios, const uint8_t *end, uint64_t bytes,
                                      uint64_t top, const char *name, viv_ram_t **ret_rom)
{
    uint8_t *hva;
    viv_status_t st = bios->ram->create(bios->dev, bytes, name, ret_rom, &hva);

    if (st != VIV_OK)
        return st;
    memcpy(hva, end - bytes, bytes);
    return bios->ram->map(*ret_rom, top - bytes, 0, bytes, 0);
}

static viv_status_t pcbios_rom_map(PcBios *bios, const uint8_t *image, uint64_t len)
{
    uint64_t low = pcbios_at_most(len, PCBIOS_LOW_BYTES);
    const uint8_t *end = image + len;
    viv_status_t st = pcbios_rom_window(bios, end, len, 0x100000000ull, "BIOS", &bios->rom_high);

    if (st == VIV_OK)
        st = pcbios_rom_window(bios, end, low, 0x100000, "BIOS below 1 MiB", &bios->rom_low);
    if (st == VIV_OK && bios->rom_below_16m)
        st = pcbios_rom_window(bios, end, low, 0x1000000, "BIOS below 16 MiB", &bios->rom_16m);
    return st;
}

static viv_status_t pcbios_rom_load(PcBios *bios)
{
    viv_dev_t *dev = bios->dev;
    uint8_t *image = NULL;
    uint64_t len = 0;
    viv_status_t st = bios->ram->file_load(dev, bios->rom_name, PCBIOS_ROM_MAX, &image, &len);

    if (st != VIV_OK)
        return dev->api->fail(dev, st,
                              "the BIOS image '%s' cannot be read (Debian: package seabios)",
                              bios->rom_name);
    if (!len || len % PCBIOS_ROM_UNIT)
        st = dev->api->fail(dev, VIV_E_CONFIG,
                            "the BIOS image '%s' has %llu bytes, not a multiple of 64 KiB",
                            bios->rom_name, (unsigned long long)len);
    else
        st = pcbios_rom_map(bios, image, len);
    bios->ram->file_free(image);
    return st;
}

/* -- life ------------------------------------------------------------------------------------ */

static void pcbios_reset(viv_dev_t *dev, void *self)
{
    (void)dev;
    pcbios_debug_flush(self);
}

static viv_status_t pcbios_power_on(viv_dev_t *dev, void *self)
{
    PcBios *bios = self;
    /* A debugcon device takes the log instead of us. */
    if (bios->debug_port && !bios->vm->has_device(dev, "debugcon")) {
        viv_status_t st = dev->api->pio_map(dev, bios->debug_port, 1, &pcbios_debug_ops, bios,
                                            "firmware log", NULL);
        if (st != VIV_OK)
            return st;
    }
    pcbios_cmos_write(bios);
    return pcbios_publish(bios);
}

static void pcbios_power_off(viv_dev_t *dev, void *self)
{
    (void)dev;
    pcbios_debug_flush(self);
}

static viv_status_t pcbios_config_check(viv_dev_t *dev, PcBios *bios)
{
    const struct {
        const char *key, *text;
    } uuids[] = {{"UUID", bios->uuid}, {"DmiSystemUuid", bios->dmi_system_uuid}};
    uint8_t uuid[16];

    for (uint32_t i = 0; i < PCBIOS_BOOT_SLOTS; i++) {
        if (pcbios_boot_code(bios->boot_device[i]) < 0)
            return dev->api->fail(
                dev, VIV_E_CONFIG,
                "BootDevice%u is '%s'; FLOPPY, DVD, IDE, NETWORK and NONE are known", i,
                bios->boot_device[i]);
    }
    for (uint32_t i = 0; i < 2; i++) {
        if (uuids[i].text && *uuids[i].text && pcbios_uuid_parse(uuids[i].text, uuid) != VIV_OK)
            return dev->api->fail(dev, VIV_E_CONFIG, "%s is '%s', which is no UUID", uuids[i].key,
                                  uuids[i].text);
    }
    return VIV_OK;
}

static viv_status_t pcbios_construct(viv_dev_t *dev, void *self)
{
    PcBios *bios = self;
    viv_status_t st = VIV_OK;

    bios->dev = dev;
    bios->vm = viv_need(dev, VIV_VM_ID, sizeof(viv_vm_api_t), &st);
    bios->chipset = viv_need(dev, VIV_CHIPSET_ID, sizeof(viv_chipset_api_t), &st);
    bios->ram = viv_need(dev, VIV_RAM_ID, sizeof(viv_ram_api_t), &st);
    bios->fwfile = viv_need(dev, VIV_FWFILE_ID, sizeof(viv_fwfile_api_t), &st);
    if (st != VIV_OK || (st = pcbios_config_check(dev, bios)) != VIV_OK)
        return st;
    return bios->enabled ? pcbios_rom_load(bios) : VIV_OK;
}

static const viv_device_class_t pcbios_class = {
    VIV_DEVICE_CLASS_HEAD,
    .name = "pcbios",
    .summary = "BIOS image, CMOS set-up and firmware files",
    .instance_size = sizeof(PcBios),
    .max_instances = 1,
    .order = VIV_ORDER_ARCH_BIOS,
    .options = pcbios_options,
    .construct = pcbios_construct,
    .reset = pcbios_reset,
    .power_on = pcbios_power_on,
    .power_off = pcbios_power_off,
};

VIV_PLUGIN("org.vivarium.pcbios", "1.0", "LGPL-2.1-or-later", "BIOS image and firmware files",
           &pcbios_class);
