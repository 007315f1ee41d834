/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pcbios: SMBIOS 2.8 tables from the Dmi* keys and the machine.
 * Follows DMTF DSP0134 2.8: types 0, 1, 2, 3, 4 (one a vCPU), 11, 16, 17, 19, 32, 127. The firmware
 * places the tables and fills the address in the entry point. */
#include "pcbios_priv.h"

#include <stdlib.h>
#include <string.h>

#define SMBIOS_ROOM        65535u
#define SMBIOS_STRINGS_MAX 16u
#define SMBIOS_DIMM_MB     (16u * 1024u)

typedef struct Smbios {
    uint8_t *data;
    uint32_t len;
    uint32_t count, largest;
    uint32_t start; /* of the structure that is being built */
    const char *strings[SMBIOS_STRINGS_MAX];
    uint32_t string_count;
    uint32_t failed;
} Smbios;

static void pcbios_smbios_put(Smbios *s, uint64_t value, uint32_t bytes)
{
    if (s->failed || s->len + bytes > SMBIOS_ROOM) {
        s->failed = 1;
        return;
    }
    for (uint32_t i = 0; i < bytes; i++)
        s->data[s->len++] = (uint8_t)(value >> (8 * i));
}

static void pcbios_smbios_begin(Smbios *s, uint8_t type, uint16_t handle)
{
    s->start = s->len;
    s->string_count = 0;
    pcbios_smbios_put(s, type, 1);
    pcbios_smbios_put(s, 0, 1); /* length: at the end */
    pcbios_smbios_put(s, handle, 2);
}

/* A string field: its number, or 0 for none. SMBIOS strings are at most 64 characters in most
 * readers' view. */
static void pcbios_smbios_string(Smbios *s, const char *text)
{
    if (!text || !*text || s->string_count == SMBIOS_STRINGS_MAX) {
        pcbios_smbios_put(s, 0, 1);
        return;
    }
    s->strings[s->string_count++] = text;
    pcbios_smbios_put(s, s->string_count, 1);
}

static void pcbios_smbios_end(Smbios *s)
{
    if (!s->failed)
        s->data[s->start + 1] = (uint8_t)(s->len - s->start);
    for (uint32_t i = 0; i < s->string_count; i++) {
        for (const char *p = s->strings[i]; *p; p++)
            pcbios_smbios_put(s, (uint8_t)*p, 1);
        pcbios_smbios_put(s, 0, 1);
    }
    pcbios_smbios_put(s, 0, s->string_count ? 1 : 2);
    s->count++;
    if (s->len - s->start > s->largest)
        s->largest = s->len - s->start;
}

/* -- UUIDs ----------------------------------------------------------------------------------- */

static int pcbios_hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

viv_status_t pcbios_uuid_parse(const char *text, uint8_t ret_uuid[16])
{
    uint8_t uuid[16];
    uint32_t n = 0;

    for (uint32_t i = 0; i < 36; i++) {
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (text[i] != '-')
                return VIV_E_INVALID;
            continue;
        }
        int high = pcbios_hex(text[i]);
        int low = high < 0 ? -1 : pcbios_hex(text[i + 1]);
        if (low < 0)
            return VIV_E_INVALID;
        uuid[n++] = (uint8_t)(high << 4 | low);
        i++;
    }
    if (text[36])
        return VIV_E_INVALID;
    memcpy(ret_uuid, uuid, 16);
    return VIV_OK;
}

/* The first three fields are little-endian since SMBIOS 2.6. */
static void pcbios_smbios_uuid(PcBios *bios, Smbios *s)
{
    static const uint8_t order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    uint8_t uuid[16] = {0};
    const char *text =
        bios->dmi_system_uuid && *bios->dmi_system_uuid ? bios->dmi_system_uuid : bios->uuid;

    if (text && *text)
        pcbios_uuid_parse(text, uuid); /* construct has checked it */
    for (uint32_t i = 0; i < 16; i++)
        pcbios_smbios_put(s, uuid[order[i]], 1);
}

/* -- structures ------------------------------------------------------------------------------ */

static void pcbios_smbios_bios(PcBios *bios, Smbios *s)
{
    pcbios_smbios_begin(s, 0, 0x0000);
    pcbios_smbios_string(s, bios->dmi_bios_vendor);
    pcbios_smbios_string(s, bios->dmi_bios_version);
    pcbios_smbios_put(s, 0xe000, 2); /* segment of the runtime part */
    pcbios_smbios_string(s, bios->dmi_bios_date);
    pcbios_smbios_put(s, 3, 1);                     /* ROM size: (n + 1) * 64 KiB */
    pcbios_smbios_put(s, 0x0000000000018090ull, 8); /* PCI, PnP, boot from CD, selectable boot */
    pcbios_smbios_put(s, 0x1401, 2); /* ACPI; targeted distribution, virtual machine */
    pcbios_smbios_put(s, bios->dmi_bios_major, 1);
    pcbios_smbios_put(s, bios->dmi_bios_minor, 1);
    pcbios_smbios_put(s, bios->dmi_firmware_major, 1);
    pcbios_smbios_put(s, bios->dmi_firmware_minor, 1);
    pcbios_smbios_end(s);
}

static void pcbios_smbios_system(PcBios *bios, Smbios *s)
{
    pcbios_smbios_begin(s, 1, 0x0100);
    pcbios_smbios_string(s, bios->dmi_system_vendor);
    pcbios_smbios_string(s, bios->dmi_system_product);
    pcbios_smbios_string(s, bios->dmi_system_version);
    pcbios_smbios_string(s, bios->dmi_system_serial);
    pcbios_smbios_uuid(bios, s);
    pcbios_smbios_put(s, 6, 1); /* woken by the power switch */
    pcbios_smbios_string(s, bios->dmi_system_sku);
    pcbios_smbios_string(s, bios->dmi_system_family);
    pcbios_smbios_end(s);

    pcbios_smbios_begin(s, 2, 0x0200);
    pcbios_smbios_string(s, bios->dmi_board_vendor);
    pcbios_smbios_string(s, bios->dmi_board_product);
    pcbios_smbios_string(s, bios->dmi_board_version);
    pcbios_smbios_string(s, bios->dmi_board_serial);
    pcbios_smbios_string(s, bios->dmi_board_asset);
    pcbios_smbios_put(s, 1, 1); /* hosting board */
    pcbios_smbios_string(s, bios->dmi_board_location);
    pcbios_smbios_put(s, 0x0300, 2);
    pcbios_smbios_put(s, bios->dmi_board_type, 1);
    pcbios_smbios_put(s, 0, 1);
    pcbios_smbios_end(s);

    pcbios_smbios_begin(s, 3, 0x0300);
    pcbios_smbios_string(s, bios->dmi_chassis_vendor);
    pcbios_smbios_put(s, bios->dmi_chassis_type, 1);
    pcbios_smbios_string(s, bios->dmi_chassis_version);
    pcbios_smbios_string(s, bios->dmi_chassis_serial);
    pcbios_smbios_string(s, bios->dmi_chassis_asset);
    pcbios_smbios_put(s, 0x03030303, 4); /* states: safe; security: none */
    pcbios_smbios_put(s, 0, 4);
    pcbios_smbios_put(s, 0, 4); /* height, cords, no contained elements */
    pcbios_smbios_end(s);
}

static void pcbios_smbios_processors(PcBios *bios, Smbios *s)
{
    uint32_t cpus = bios->vm->cpu_count(bios->dev);
    uint64_t mhz = bios->vm->cpu_hz(bios->dev) / 1000000u;

    if (mhz > 0xffff)
        mhz = 0xffff;
    for (uint32_t i = 0; i < cpus && !s->failed; i++) {
        char socket[] = "CPU 000";
        socket[4] = (char)('0' + i / 100 % 10);
        socket[5] = (char)('0' + i / 10 % 10);
        socket[6] = (char)('0' + i % 10);
        pcbios_smbios_begin(s, 4, (uint16_t)(0x0400 + i));
        pcbios_smbios_string(s, socket);
        pcbios_smbios_put(s, 3, 1); /* central processor */
        pcbios_smbios_put(s, 1, 1); /* family: other */
        pcbios_smbios_string(s, bios->dmi_proc_vendor);
        pcbios_smbios_put(s, 0, 8);
        pcbios_smbios_string(s, bios->dmi_proc_version);
        pcbios_smbios_put(s, 0, 1);
        pcbios_smbios_put(s, 0, 2); /* external clock: unknown */
        pcbios_smbios_put(s, mhz, 2);
        pcbios_smbios_put(s, mhz, 2);
        pcbios_smbios_put(s, 0x41, 1); /* socket populated, enabled */
        pcbios_smbios_put(s, 1, 1);
        pcbios_smbios_put(s, 0xffffffffffffull, 6); /* no cache handles */
        pcbios_smbios_put(s, 0, 3);
        pcbios_smbios_put(s, 0x010101, 3); /* one core, enabled, one thread */
        pcbios_smbios_put(s, 2, 2);        /* characteristics: unknown */
        pcbios_smbios_put(s, 1, 2);        /* family again */
        pcbios_smbios_end(s);
    }
}

static void pcbios_smbios_dimm(Smbios *s, uint32_t index, uint64_t mb)
{
    char locator[] = "DIMM 000";
    locator[5] = (char)('0' + index / 100 % 10);
    locator[6] = (char)('0' + index / 10 % 10);
    locator[7] = (char)('0' + index % 10);

    pcbios_smbios_begin(s, 17, (uint16_t)(0x1100 + index));
    pcbios_smbios_put(s, 0x1000, 2); /* array */
    pcbios_smbios_put(s, 0xfffe, 2); /* no error information */
    pcbios_smbios_put(s, 0xffff, 2); /* widths: unknown */
    pcbios_smbios_put(s, 0xffff, 2);
    pcbios_smbios_put(s, mb >= 0x7fff ? 0x7fff : mb, 2);
    pcbios_smbios_put(s, 9, 1); /* DIMM */
    pcbios_smbios_put(s, 0, 1);
    pcbios_smbios_string(s, locator);
    pcbios_smbios_put(s, 0, 1);
    pcbios_smbios_put(s, 7, 1); /* RAM */
    pcbios_smbios_put(s, 2, 2);
    pcbios_smbios_put(s, 0, 2); /* speed: unknown */
    pcbios_smbios_put(s, 0, 4); /* manufacturer, serial, asset, part: none */
    pcbios_smbios_put(s, 0, 1);
    pcbios_smbios_put(s, mb >= 0x7fff ? mb : 0, 4);
    pcbios_smbios_put(s, 0, 2);
    pcbios_smbios_put(s, 0, 6);
    pcbios_smbios_end(s);
}

static void pcbios_smbios_range(Smbios *s, uint16_t handle, uint64_t start, uint64_t len_bytes,
                                uint32_t dimms)
{
    uint64_t start_kb = start >> 10;
    uint64_t end_kb = ((start + len_bytes) >> 10) - 1;
    int extended = end_kb >= 0xffffffffull;

    pcbios_smbios_begin(s, 19, handle);
    pcbios_smbios_put(s, extended ? 0xffffffffull : start_kb, 4);
    pcbios_smbios_put(s, extended ? 0xffffffffull : end_kb, 4);
    pcbios_smbios_put(s, 0x1000, 2);
    pcbios_smbios_put(s, dimms > 255 ? 255 : dimms, 1);
    pcbios_smbios_put(s, extended ? start : 0, 8);
    pcbios_smbios_put(s, extended ? start + len_bytes - 1 : 0, 8);
    pcbios_smbios_end(s);
}

static void pcbios_smbios_memory(PcBios *bios, Smbios *s)
{
    uint64_t total = bios->vm->ram_bytes(bios->dev);
    uint64_t low = bios->vm->ram_below_4g(bios->dev);
    uint64_t mb = total >> 20;
    uint64_t dimms = (mb + SMBIOS_DIMM_MB - 1) / SMBIOS_DIMM_MB;

    if (dimms > 128)
        dimms = 128; /* more would not fit 64 KiB; the last one holds the rest */
    pcbios_smbios_begin(s, 16, 0x1000);
    pcbios_smbios_put(s, 1, 1);
    pcbios_smbios_put(s, 3, 1);
    pcbios_smbios_put(s, 3, 1); /* no error correction */
    pcbios_smbios_put(s, total >> 10 < 0x80000000ull ? total >> 10 : 0x80000000ull, 4);
    pcbios_smbios_put(s, 0xfffe, 2);
    pcbios_smbios_put(s, dimms, 2);
    pcbios_smbios_put(s, total >> 10 < 0x80000000ull ? 0 : total, 8);
    pcbios_smbios_end(s);

    for (uint32_t i = 0; i < dimms; i++) {
        uint64_t size = i + 1 < dimms ? SMBIOS_DIMM_MB : mb - (uint64_t)i * SMBIOS_DIMM_MB;
        pcbios_smbios_dimm(s, i, size);
    }
    pcbios_smbios_range(s, 0x1300, 0, low, (uint32_t)dimms);
    if (total > low)
        pcbios_smbios_range(s, 0x1301, 0x100000000ull, total - low, (uint32_t)dimms);
}

static void pcbios_smbios_rest(PcBios *bios, Smbios *s)
{
    const char *oem[2] = {bios->dmi_oem_ver, bios->dmi_oem_rev};
    uint32_t count = 0;

    for (uint32_t i = 0; i < 2; i++)
        count += oem[i] && *oem[i];
    if (count) {
        pcbios_smbios_begin(s, 11, 0x0b00);
        pcbios_smbios_put(s, count, 1);
        for (uint32_t i = 0; i < 2; i++) {
            if (oem[i] && *oem[i])
                s->strings[s->string_count++] = oem[i];
        }
        pcbios_smbios_end(s);
    }
    pcbios_smbios_begin(s, 32, 0x2000);
    pcbios_smbios_put(s, 0, 7); /* six reserved bytes; no errors detected */
    pcbios_smbios_end(s);
    pcbios_smbios_begin(s, 127, 0x7f00);
    pcbios_smbios_end(s);
}

/* -- entry point ----------------------------------------------------------------------------- */

static uint8_t pcbios_smbios_sum(const uint8_t *bytes, uint32_t len)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < len; i++)
        sum += bytes[i];
    return (uint8_t)(0u - sum);
}

static void pcbios_smbios_anchor(const Smbios *s, uint8_t at[31])
{
    memset(at, 0, 31);
    memcpy(at, "_SM_", 4);
    at[5] = 31;
    at[6] = 2; /* version 2.8 */
    at[7] = 8;
    at[8] = (uint8_t)s->largest;
    at[9] = (uint8_t)(s->largest >> 8);
    memcpy(at + 16, "_DMI_", 5);
    at[22] = (uint8_t)s->len;
    at[23] = (uint8_t)(s->len >> 8);
    at[28] = (uint8_t)s->count;
    at[29] = (uint8_t)(s->count >> 8);
    at[30] = 0x28;
    at[21] = pcbios_smbios_sum(at + 16, 15);
    at[4] = pcbios_smbios_sum(at, 31);
}

viv_status_t pcbios_smbios_publish(PcBios *bios)
{
    Smbios s = {.data = malloc(SMBIOS_ROOM)};
    uint8_t anchor[31];

    if (!s.data)
        return VIV_E_NOMEM;
    pcbios_smbios_bios(bios, &s);
    pcbios_smbios_system(bios, &s);
    pcbios_smbios_processors(bios, &s);
    if (bios->dmi_memory_table)
        pcbios_smbios_memory(bios, &s);
    pcbios_smbios_rest(bios, &s);
    viv_status_t st = VIV_E_FULL;
    if (!s.failed) {
        pcbios_smbios_anchor(&s, anchor);
        st = bios->fwfile->add(bios->dev, "etc/smbios/smbios-tables", s.data, s.len);
        if (st == VIV_OK)
            st = bios->fwfile->add(bios->dev, "etc/smbios/smbios-anchor", anchor, sizeof(anchor));
    } else {
        bios->dev->api->fail(bios->dev, st,
                             "the Dmi strings make more than 64 KiB of SMBIOS tables");
    }
    free(s.data);
    return st;
}
