/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* acpi: publishes the tables as firmware files.
 * "etc/acpi/tables" holds all tables, "etc/acpi/rsdp" the root pointer, "etc/table-loader" the
 * script that SeaBIOS, OVMF and the direct boot loader execute: place the files, add the place of
 * one file to fields of another, make checksums.
 * The script's format: entries of 128 bytes, a little-endian command and its arguments, names of 56
 * bytes. */
#include "acpi_priv.h"

#include <stdlib.h>
#include <string.h>

#define ACPI_FILE_TABLES "etc/acpi/tables"
#define ACPI_FILE_RSDP   "etc/acpi/rsdp"
#define ACPI_FILE_LOADER "etc/table-loader"

#define ACPI_ENTRY_BYTES  128u
#define ACPI_NAME_BYTES   56u
#define ACPI_ENTRY_MAX    256u
#define ACPI_ALLOCATE     1u
#define ACPI_ADD_POINTER  2u
#define ACPI_ADD_CHECKSUM 3u
#define ACPI_ZONE_HIGH    1u
#define ACPI_ZONE_FSEG    2u

#define ACPI_RSDP_BYTES 36u

typedef struct AcpiScript {
    uint8_t bytes[ACPI_ENTRY_MAX * ACPI_ENTRY_BYTES];
    uint32_t count;
} AcpiScript;

/* The next entry with its command; arguments begin at +4. The script's length is ours to bound, not
 * a guest's. */
static uint8_t *acpi_script_entry(AcpiScript *s, uint32_t command)
{
    uint8_t *at =
        s->bytes + (s->count < ACPI_ENTRY_MAX ? s->count : ACPI_ENTRY_MAX - 1) * ACPI_ENTRY_BYTES;

    s->count++;
    acpi_put(at, command, 4);
    return at + 4;
}

static void acpi_script_name(uint8_t *at, const char *name)
{
    memcpy(at, name, strlen(name));
}

static void acpi_script_allocate(AcpiScript *s, const char *file, uint32_t align, uint8_t zone)
{
    uint8_t *at = acpi_script_entry(s, ACPI_ALLOCATE);
    acpi_script_name(at, file);
    acpi_put(at + ACPI_NAME_BYTES, align, 4);
    at[ACPI_NAME_BYTES + 4] = zone;
}

/* The field of `bytes` bytes at `off` in `dest` gets the address of `source` added. */
static void acpi_script_pointer_to(AcpiScript *s, const char *dest, uint32_t off, uint8_t bytes,
                                   const char *source)
{
    uint8_t *at = acpi_script_entry(s, ACPI_ADD_POINTER);
    acpi_script_name(at, dest);
    acpi_script_name(at + ACPI_NAME_BYTES, source);
    acpi_put(at + 2 * ACPI_NAME_BYTES, off, 4);
    at[2 * ACPI_NAME_BYTES + 4] = bytes;
}

static void acpi_script_pointer(AcpiScript *s, const char *dest, uint32_t off, uint8_t bytes)
{
    acpi_script_pointer_to(s, dest, off, bytes, ACPI_FILE_TABLES);
}

static void acpi_script_checksum(AcpiScript *s, const char *file, uint32_t off, uint32_t start,
                                 uint32_t len_bytes)
{
    uint8_t *at = acpi_script_entry(s, ACPI_ADD_CHECKSUM);
    acpi_script_name(at, file);
    acpi_put(at + ACPI_NAME_BYTES, off, 4);
    acpi_put(at + ACPI_NAME_BYTES + 4, start, 4);
    acpi_put(at + ACPI_NAME_BYTES + 8, len_bytes, 4);
}

static void acpi_script_table_checksum(AcpiScript *s, const AcpiTables *t, uint32_t at)
{
    acpi_script_checksum(s, ACPI_FILE_TABLES, at + 9, at,
                         (uint32_t)acpi_get(t->blob.data + at + 4, 4));
}

/* Places the n-th table of another device and lists it. */
static void acpi_script_extra(AcpiScript *s, const AcpiTables *t, uint32_t n)
{
    const AcpiExtra *extra = &t->extra[n];
    uint32_t entry = t->root_count + n;

    acpi_script_allocate(s, extra->name, 16, ACPI_ZONE_HIGH);
    acpi_script_pointer_to(s, ACPI_FILE_TABLES, t->rsdt + 36 + 4 * entry, 4, extra->name);
    acpi_script_pointer_to(s, ACPI_FILE_TABLES, t->xsdt + 36 + 8 * entry, 8, extra->name);
    acpi_script_checksum(s, extra->name, 9, 0, extra->len_bytes);
}

static void acpi_script_build(AcpiScript *s, const AcpiTables *t)
{
    acpi_script_allocate(s, ACPI_FILE_RSDP, 16, ACPI_ZONE_FSEG);
    acpi_script_allocate(s, ACPI_FILE_TABLES, 64, ACPI_ZONE_HIGH);

    acpi_script_pointer(s, ACPI_FILE_TABLES, t->fadt + 36, 4);
    acpi_script_pointer(s, ACPI_FILE_TABLES, t->fadt + 40, 4);
    acpi_script_pointer(s, ACPI_FILE_TABLES, t->fadt + 140, 8);
    for (uint32_t i = 0; i < t->root_count; i++) {
        acpi_script_pointer(s, ACPI_FILE_TABLES, t->rsdt + 36 + 4 * i, 4);
        acpi_script_pointer(s, ACPI_FILE_TABLES, t->xsdt + 36 + 8 * i, 8);
    }
    for (uint32_t n = 0; n < t->extra_count; n++)
        acpi_script_extra(s, t, n);
    acpi_script_pointer(s, ACPI_FILE_RSDP, 16, 4);
    acpi_script_pointer(s, ACPI_FILE_RSDP, 24, 8);

    acpi_script_table_checksum(s, t, t->dsdt);
    for (uint32_t i = 0; i < t->root_count; i++)
        acpi_script_table_checksum(s, t, t->root[i]);
    acpi_script_table_checksum(s, t, t->rsdt);
    acpi_script_table_checksum(s, t, t->xsdt);
    acpi_script_checksum(s, ACPI_FILE_RSDP, 8, 0, 20);
    acpi_script_checksum(s, ACPI_FILE_RSDP, 32, 0, ACPI_RSDP_BYTES);
}

static void acpi_rsdp_build(Acpi *acpi, const AcpiTables *t, uint8_t rsdp[ACPI_RSDP_BYTES])
{
    uint8_t header[36];

    memset(rsdp, 0, ACPI_RSDP_BYTES);
    acpi_header(acpi, header, "RSDP", 0, 0);
    memcpy(rsdp, "RSD PTR ", 8);
    memcpy(rsdp + 9, header + 10, 6); /* OEM id */
    rsdp[15] = 2;
    acpi_put(rsdp + 16, t->rsdt, 4);
    acpi_put(rsdp + 20, ACPI_RSDP_BYTES, 4);
    acpi_put(rsdp + 24, t->xsdt, 8);
}

/* Keeps the tables, for the PM block may move. */
viv_status_t acpi_publish(Acpi *acpi)
{
    const viv_fwfile_api_t *fw = acpi->fwfile;
    AcpiTables *tables = &acpi->tables;
    uint8_t rsdp[ACPI_RSDP_BYTES];
    AcpiScript *script = calloc(1, sizeof(*script));
    viv_status_t st;

    free(tables->blob.data);
    st = acpi_tables_build(acpi, tables);
    if (st == VIV_OK && !script)
        st = VIV_E_NOMEM;
    if (st == VIV_OK) {
        acpi->tables_pm = acpi->pm_base;
        acpi_script_build(script, tables);
        acpi_rsdp_build(acpi, tables, rsdp);
        st = fw->add(acpi->dev, ACPI_FILE_RSDP, rsdp, sizeof(rsdp));
    }
    if (st == VIV_OK)
        st = fw->add(acpi->dev, ACPI_FILE_TABLES, tables->blob.data, tables->blob.len);
    if (st == VIV_OK)
        st = fw->add(acpi->dev, ACPI_FILE_LOADER, script->bytes,
                     (uint64_t)script->count * ACPI_ENTRY_BYTES);
    free(script);
    return st;
}

void acpi_publish_pm(Acpi *acpi, uint32_t pm)
{
    AcpiTables *tables = &acpi->tables;

    if (!acpi->tables_pm || acpi->tables_pm == pm)
        return;
    acpi->tables_pm = pm;
    acpi_tables_pm_set(tables, pm);
    acpi->fwfile->add(acpi->dev, ACPI_FILE_TABLES, tables->blob.data, tables->blob.len);
}
