/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* acpi: the tables: FACS, DSDT (compiled from acpi_dsdt.asl), FADT, MADT, an SSDT with the
 * processors, HPET, WAET, the user's own, RSDT and XSDT. Tables that other devices publish as firmware files
 * "etc/acpi/table/..." are listed too. Follows ACPI 3.0 (FADT revision 3 is the newest that
 * old systems take). Addresses are offsets into the blob here; acpi_loader.c says which fields are
 * addresses. */
#include "acpi_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acpi_dsdt.h"
#include "acpi_dsdt_ich9.h"

#define ACPI_HEADER_BYTES 36u
#define ACPI_BLOB_MAX     (1024u * 1024u)
#define ACPI_PCI_HOLE_END 0xfec00000ull
#define ACPI_HPET_BASE    0xfed00000ull

/* FADT flags */
#define ACPI_FADT_WBINVD        0x1u
#define ACPI_FADT_PROC_C1       0x4u
#define ACPI_FADT_TMR_VAL_EXT   0x100u
#define ACPI_FADT_RESET_REG_SUP 0x400u

/* IA-PC boot architecture flags */
#define ACPI_BOOT_LEGACY  0x01u
#define ACPI_BOOT_8042    0x02u
#define ACPI_BOOT_NO_VGA  0x04u
#define ACPI_BOOT_NO_ASPM 0x10u

/* -- blob ------------------------------------------------------------------------------------ */

void acpi_put(uint8_t *at, uint64_t value, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

uint64_t acpi_get(const uint8_t *at, uint32_t bytes)
{
    uint64_t value = 0;
    for (uint32_t i = 0; i < bytes; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return value;
}

uint32_t acpi_blob_add(AcpiBlob *blob, const void *bytes, uint32_t len_bytes)
{
    uint32_t at = (blob->len + 15u) & ~15u;

    if (blob->failed || len_bytes > ACPI_BLOB_MAX || at + len_bytes > ACPI_BLOB_MAX) {
        blob->failed = 1;
        return 0;
    }
    if (at + len_bytes > blob->room) {
        uint32_t room = (at + len_bytes) * 2;
        uint8_t *data = realloc(blob->data, room);
        if (!data) {
            blob->failed = 1;
            return 0;
        }
        blob->data = data;
        blob->room = room;
    }
    memset(blob->data + blob->len, 0, at + len_bytes - blob->len);
    if (bytes)
        memcpy(blob->data + at, bytes, len_bytes);
    blob->len = at + len_bytes;
    return at;
}

void acpi_header(Acpi *acpi, uint8_t *at, const char *signature, uint32_t len_bytes,
                 uint8_t revision)
{
    size_t oem = strlen(acpi->oem_id);

    memcpy(at, signature, 4);
    acpi_put(at + 4, len_bytes, 4);
    at[8] = revision;
    at[9] = 0; /* checksum: the loader's work */
    memset(at + 10, ' ', 6);
    memcpy(at + 10, acpi->oem_id, oem < 6 ? oem : 6);
    memcpy(at + 16, "VIV", 3);
    memcpy(at + 19, signature, 4);
    at[23] = ' ';
    acpi_put(at + 24, 1, 4);
    memcpy(at + 28, "VIV ", 4);
    acpi_put(at + 32, 1, 4);
}

/* A new table, zeroed but for its header; NULL when the blob has failed. */
static uint8_t *acpi_table(Acpi *acpi, AcpiTables *t, const char *signature, uint32_t len_bytes,
                           uint8_t revision, uint32_t *ret_at)
{
    *ret_at = acpi_blob_add(&t->blob, NULL, len_bytes);
    if (t->blob.failed)
        return NULL;
    acpi_header(acpi, t->blob.data + *ret_at, signature, len_bytes, revision);
    return t->blob.data + *ret_at;
}

static void acpi_root_add(AcpiTables *t, uint32_t at)
{
    if (t->root_count < ACPI_TABLES_MAX)
        t->root[t->root_count++] = at;
    else
        t->blob.failed = 1;
}

/* -- FACS, DSDT ------------------------------------------------------------------------------ */

static void acpi_facs_add(AcpiTables *t)
{
    t->facs = acpi_blob_add(&t->blob, NULL, 64); /* the first: at a multiple of 64, as it must be */
    if (t->blob.failed)
        return;
    uint8_t *at = t->blob.data + t->facs;
    memcpy(at, "FACS", 4);
    acpi_put(at + 4, 64, 4);
    at[32] = 1; /* version */
}

/* The integer that a Name() of the DSDT has: NameOp, four letters, DWordPrefix, value. */
static uint8_t *acpi_dsdt_find(uint8_t *aml, uint32_t len_bytes, const char *name)
{
    for (uint32_t i = ACPI_HEADER_BYTES; i + 10 <= len_bytes; i++) {
        if (aml[i] == 0x08 && !memcmp(aml + i + 1, name, 4) && aml[i + 5] == 0x0c)
            return aml + i + 6;
    }
    return NULL;
}

static viv_status_t acpi_dsdt_set(Acpi *acpi, uint8_t *aml, uint32_t len_bytes, const char *name,
                                  uint32_t value)
{
    uint8_t *at = acpi_dsdt_find(aml, len_bytes, name);

    if (at) {
        acpi_put(at, value, 4);
        return VIV_OK;
    }
    return acpi->dev->api->fail(acpi->dev, VIV_E_FAILED, "the DSDT has no %s", name);
}

/* The DSDT's DEVS: one bit a device that the machine may be without. */
static uint32_t acpi_devices(Acpi *acpi)
{
    static const char *const names[] = {"i82078", "hpet",  "pckbd", "mc146818",
                                        "i8259",  "i8254", "8237A", "ioapic"};
    uint32_t devices = 0;

    for (uint32_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (acpi->vm->has_device(acpi->dev, names[i]))
            devices |= 1u << i;
    }
    return devices;
}

/* A firmware file of two bytes that another device has published; 0 without it. */
static uint32_t acpi_fwfile_word(Acpi *acpi, const char *wanted)
{
    const viv_fwfile_api_t *fw = acpi->fwfile;
    uint32_t count = fw->count(acpi->dev);

    for (uint32_t i = 0; i < count; i++) {
        const char *name;
        const uint8_t *data;
        uint64_t len;
        if (fw->get(acpi->dev, i, &name, &data, &len) == VIV_OK && !strcmp(name, wanted) &&
            len == 2)
            return (uint32_t)acpi_get(data, 2);
    }
    return 0;
}

static viv_status_t acpi_dsdt_add(Acpi *acpi, AcpiTables *t)
{
    const int ich9 = acpi->vm->has_device(acpi->dev, "lpc") != 0;
    const uint32_t len =
        (uint32_t)(ich9 ? sizeof(acpi_dsdt_ich9_aml_code) : sizeof(acpi_dsdt_aml_code));
    uint64_t low = acpi->vm->ram_below_4g(acpi->dev);
    viv_status_t st;

    t->dsdt = acpi_blob_add(&t->blob, ich9 ? acpi_dsdt_ich9_aml_code : acpi_dsdt_aml_code, len);
    if (t->blob.failed)
        return VIV_OK; /* found out at the end */
    uint8_t *at = t->blob.data + t->dsdt;
    acpi_header(acpi, at, "DSDT", len, at[8]);
    if (low >= ACPI_PCI_HOLE_END)
        return acpi->dev->api->fail(acpi->dev, VIV_E_CONFIG,
                                    "low RAM of %llu MiB leaves no room for PCI memory",
                                    (unsigned long long)(low >> 20));
    if ((st = acpi_dsdt_set(acpi, at, len, "PMLO", (uint32_t)low)) != VIV_OK)
        return st;
    if ((st = acpi_dsdt_set(acpi, at, len, "PMBS", acpi->pm_base)) != VIV_OK)
        return st;
    if ((st = acpi_dsdt_set(acpi, at, len, "PVPT", acpi_fwfile_word(acpi, "etc/pvpanic-port"))) !=
        VIV_OK)
        return st;
    return acpi_dsdt_set(acpi, at, len, "DEVS", acpi_devices(acpi));
}

/* -- FADT ------------------------------------------------------------------------------------ */

static void acpi_gas_put(uint8_t *at, uint32_t port, uint8_t bits, uint8_t access)
{
    at[0] = 1; /* system I/O */
    at[1] = bits;
    at[2] = 0;
    at[3] = access;
    acpi_put(at + 4, port, 8);
}

static void acpi_fadt_pm(uint8_t *at, uint32_t pm)
{
    acpi_put(at + 56, pm + ACPI_PM1_STS, 4);
    acpi_put(at + 64, pm + ACPI_PM1_CNT, 4);
    acpi_put(at + 76, pm + ACPI_PM_TMR, 4);
    acpi_gas_put(at + 148, pm + ACPI_PM1_STS, 32, 2);
    acpi_gas_put(at + 172, pm + ACPI_PM1_CNT, 16, 2);
    acpi_gas_put(at + 208, pm + ACPI_PM_TMR, 32, 3);
}

static uint32_t acpi_fadt_boot(Acpi *acpi)
{
    uint32_t flags = ACPI_BOOT_LEGACY | ACPI_BOOT_NO_ASPM;

    if (acpi->vm->has_device(acpi->dev, "pckbd"))
        flags |= ACPI_BOOT_8042;
    if (!acpi->vm->has_device(acpi->dev, "vga"))
        flags |= ACPI_BOOT_NO_VGA;
    return flags;
}

void acpi_tables_pm_set(AcpiTables *t, uint32_t pm)
{
    uint8_t *dsdt = t->blob.data + t->dsdt;
    uint8_t *board = acpi_dsdt_find(dsdt, (uint32_t)acpi_get(dsdt + 4, 4), "PMBS");

    acpi_fadt_pm(t->blob.data + t->fadt, pm);
    if (board)
        acpi_put(board, pm, 4);
}

static void acpi_fadt_add(Acpi *acpi, AcpiTables *t)
{
    uint8_t *at = acpi_table(acpi, t, "FACP", 244, 3, &t->fadt);
    uint32_t flags = ACPI_FADT_WBINVD | ACPI_FADT_PROC_C1 | ACPI_FADT_RESET_REG_SUP;

    if (!at)
        return;
    acpi_root_add(t, t->fadt);
    if (acpi->timer_bits == 32)
        flags |= ACPI_FADT_TMR_VAL_EXT;
    acpi_put(at + 36, t->facs, 4);
    acpi_put(at + 40, t->dsdt, 4);
    at[45] = 1; /* preferred profile: desktop */
    acpi_put(at + 46, ACPI_SCI_IRQ, 2);
    acpi_put(at + 48, ACPI_SMI_CMD, 4);
    at[52] = ACPI_CMD_ENABLE;
    at[53] = ACPI_CMD_DISABLE;
    acpi_put(at + 80, ACPI_GPE0_BASE, 4);
    at[88] = 4; /* PM1 event, control, timer, GPE0: lengths */
    at[89] = 2;
    at[91] = 4;
    at[92] = ACPI_GPE0_BYTES;
    acpi_put(at + 96, 0xfff, 2); /* C2 and C3 are not offered */
    acpi_put(at + 98, 0xfff, 2);
    at[108] = 0x32; /* CMOS index of the century */
    acpi_put(at + 109, acpi_fadt_boot(acpi), 2);
    acpi_put(at + 112, flags, 4);
    acpi_gas_put(at + 116, 0xcf9, 8, 1);
    at[128] = 0x06; /* reset value: hard reset, RCPU */
    acpi_put(at + 140, t->dsdt, 8);
    acpi_fadt_pm(at, acpi->pm_base);
    acpi_gas_put(at + 220, ACPI_GPE0_BASE, 32, 1);
}

/* -- MADT ------------------------------------------------------------------------------------ */

static void acpi_madt_override(uint8_t *at, uint8_t irq, uint32_t gsi, uint16_t flags)
{
    at[0] = 2;
    at[1] = 10;
    at[2] = 0; /* ISA */
    at[3] = irq;
    acpi_put(at + 4, gsi, 4);
    acpi_put(at + 8, flags, 2);
}

static void acpi_madt_add(Acpi *acpi, AcpiTables *t)
{
    /* The timer sits on input 2; what PIIX3 routes PCI interrupts to, and the SCI, is level
     * triggered and active high. */
    static const struct {
        uint8_t irq, gsi, flags;
    } overrides[] = {{0, 2, 0x00}, {5, 5, 0x0d}, {9, 9, 0x0d}, {10, 10, 0x0d}, {11, 11, 0x0d}};
    const uint32_t override_count = sizeof(overrides) / sizeof(overrides[0]);
    uint32_t cpus = acpi->vm->cpu_count(acpi->dev);
    uint32_t at_off;
    uint8_t *at =
        acpi_table(acpi, t, "APIC", 44 + 8 * cpus + 12 + 10 * override_count + 6, 2, &at_off);

    if (!at)
        return;
    acpi_root_add(t, at_off);
    acpi_put(at + 36, 0xfee00000, 4);
    acpi_put(at + 40, 1, 4); /* there are 8259s too */
    at += 44;
    for (uint32_t i = 0; i < cpus; i++, at += 8) {
        at[0] = 0;
        at[1] = 8;
        at[2] = at[3] = (uint8_t)i;
        acpi_put(at + 4, 1, 4); /* enabled */
    }
    at[0] = 1;
    at[1] = 12;
    acpi_put(at + 4, 0xfec00000, 4);
    at += 12;
    for (uint32_t i = 0; i < override_count; i++, at += 10)
        acpi_madt_override(at, overrides[i].irq, overrides[i].gsi, overrides[i].flags);
    at[0] = 4; /* NMI on LINT1 of every processor */
    at[1] = 6;
    at[2] = 0xff;
    at[5] = 1;
}

/* -- SSDT: Scope (\_SB) { Processor (Cnnn, n, 0, 0) { _STA, _MAT } ... } ---------------------- */

/* Method (name) { Return (callee (argument)) }: 14 bytes. */
static uint8_t *acpi_ssdt_method(uint8_t *at, const char *name, const char *callee,
                                 uint8_t argument)
{
    at[0] = 0x14; /* MethodOp */
    at[1] = 13;
    memcpy(at + 2, name, 4);
    at[6] = 0;    /* no arguments */
    at[7] = 0xa4; /* ReturnOp */
    memcpy(at + 8, callee, 4);
    at[12] = 0x0a; /* BytePrefix */
    at[13] = argument;
    return at + 14;
}

static void acpi_ssdt_add(Acpi *acpi, AcpiTables *t)
{
    const uint32_t each = 2 + 11 + 2 * 14;
    uint32_t cpus = acpi->vm->cpu_count(acpi->dev);
    uint32_t pkg = 3 + 5 + each * cpus; /* length bytes, "\_SB_", contents */
    uint32_t at_off;
    uint8_t *at = acpi_table(acpi, t, "SSDT", ACPI_HEADER_BYTES + 1 + pkg, 1, &at_off);

    if (!at)
        return;
    acpi_root_add(t, at_off);
    at += ACPI_HEADER_BYTES;
    *at++ = 0x10; /* ScopeOp, PkgLength in three bytes */
    *at++ = (uint8_t)(0x80 | (pkg & 0xf));
    *at++ = (uint8_t)(pkg >> 4);
    *at++ = (uint8_t)(pkg >> 12);
    memcpy(at, "\\_SB_", 5);
    at += 5;
    for (uint32_t i = 0; i < cpus; i++) {
        char name[8];
        snprintf(name, sizeof(name), "C%03X", i & 0xfffu);
        at[0] = 0x5b;
        at[1] = 0x83; /* ProcessorOp */
        at[2] = (uint8_t)(each - 2);
        memcpy(at + 3, name, 4);
        at[7] = (uint8_t)i;
        memset(at + 8, 0, 5); /* no P_BLK: C1 is all there is */
        at = acpi_ssdt_method(at + 13, "_STA", "CPST", (uint8_t)i);
        at = acpi_ssdt_method(at, "_MAT", "CPMT", (uint8_t)i);
    }
}

/* -- HPET: IA-PC HPET specification 1.0a, 3.2.4 ---------------------------------------------- */

static void acpi_hpet_add(Acpi *acpi, AcpiTables *t)
{
    uint32_t at_off;
    uint8_t id[4];
    uint8_t *at = acpi_table(acpi, t, "HPET", 56, 1, &at_off);

    if (!at)
        return;
    acpi_root_add(t, at_off);
    acpi->dev->api->mem_read(acpi->dev, ACPI_HPET_BASE, id, sizeof(id)); /* the device knows */
    memcpy(at + 36, id, sizeof(id));
    at[41] = 64; /* memory, register width, no offset */
    acpi_put(at + 44, ACPI_HPET_BASE, 8);
    acpi_put(at + 53, 0x80, 2); /* periodic interrupts no faster than every 9 us */
    at[55] = 1;                 /* nothing else in this 4 KiB page */
}

/* -- WAET: the RTC needs no read back, the PM timer is good at the first read --------------- */

static void acpi_waet_add(Acpi *acpi, AcpiTables *t)
{
    uint32_t at_off;
    uint8_t *at = acpi_table(acpi, t, "WAET", 40, 1, &at_off);

    if (!at)
        return;
    acpi_root_add(t, at_off);
    acpi_put(at + 36, 0x3, 4);
}

/* -- the user's own tables ------------------------------------------------------------------- */

static viv_status_t acpi_custom_add(Acpi *acpi, AcpiTables *t, const char *path)
{
    uint8_t *data = NULL;
    uint64_t len = 0;
    viv_status_t st = acpi->ram->file_load(acpi->dev, path, ACPI_BLOB_MAX, &data, &len);

    if (st != VIV_OK)
        return st;
    if (len < ACPI_HEADER_BYTES || acpi_get(data + 4, 4) != len) {
        acpi->ram->file_free(data);
        return acpi->dev->api->fail(acpi->dev, VIV_E_CONFIG,
                                    "%s is no ACPI table: its length field is wrong", path);
    }
    uint32_t at = acpi_blob_add(&t->blob, data, (uint32_t)len);
    acpi->ram->file_free(data);
    if (!t->blob.failed) {
        t->blob.data[at + 9] = 0; /* the loader makes a checksum */
        acpi_root_add(t, at);
    }
    return VIV_OK;
}

/* -- all of them ----------------------------------------------------------------------------- */

/* Files of other devices: the loader script fills in where they are. */
static void acpi_extras_find(Acpi *acpi, AcpiTables *t)
{
    const size_t prefix = sizeof(ACPI_FILE_EXTRA) - 1;
    const char *name;
    const uint8_t *data;
    uint64_t len;

    for (uint32_t i = 0; i < acpi->fwfile->count(acpi->dev); i++) {
        if (acpi->fwfile->get(acpi->dev, i, &name, &data, &len) == VIV_OK &&
            !strncmp(name, ACPI_FILE_EXTRA, prefix) && len >= ACPI_HEADER_BYTES &&
            len <= ACPI_BLOB_MAX && t->extra_count < ACPI_EXTRAS_MAX) {
            AcpiExtra *extra = &t->extra[t->extra_count++];
            snprintf(extra->name, sizeof(extra->name), "%s", name);
            extra->len_bytes = (uint32_t)len;
        }
    }
}

static void acpi_roots_add(Acpi *acpi, AcpiTables *t)
{
    const uint32_t count = t->root_count + t->extra_count;
    uint8_t *at = acpi_table(acpi, t, "RSDT", ACPI_HEADER_BYTES + 4 * count, 1, &t->rsdt);
    for (uint32_t i = 0; at && i < t->root_count; i++)
        acpi_put(at + ACPI_HEADER_BYTES + 4 * i, t->root[i], 4);
    at = acpi_table(acpi, t, "XSDT", ACPI_HEADER_BYTES + 8 * count, 1, &t->xsdt);
    for (uint32_t i = 0; at && i < t->root_count; i++)
        acpi_put(at + ACPI_HEADER_BYTES + 8 * i, t->root[i], 8);
}

viv_status_t acpi_tables_build(Acpi *acpi, AcpiTables *t)
{
    viv_status_t st;

    memset(t, 0, sizeof(*t));
    acpi_facs_add(t);
    if ((st = acpi_dsdt_add(acpi, t)) != VIV_OK)
        return st;
    acpi_fadt_add(acpi, t);
    if (acpi->vm->has_device(acpi->dev, "ioapic") && acpi->vm->has_device(acpi->dev, "apic"))
        acpi_madt_add(acpi, t);
    acpi_ssdt_add(acpi, t);
    if (acpi->vm->has_device(acpi->dev, "hpet"))
        acpi_hpet_add(acpi, t);
    acpi_waet_add(acpi, t);
    for (uint32_t i = 0; i < ACPI_CUSTOM_TABLES; i++) {
        if (acpi->custom[i] && *acpi->custom[i] &&
            (st = acpi_custom_add(acpi, t, acpi->custom[i])) != VIV_OK)
            return st;
    }
    acpi_extras_find(acpi, t);
    acpi_roots_add(acpi, t);
    return t->blob.failed
               ? acpi->dev->api->fail(acpi->dev, VIV_E_NOMEM, "no room for the ACPI tables")
               : VIV_OK;
}
