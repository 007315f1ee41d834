/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* acpi: what the files of this plugin share.
 * acpi.c        the device: PCI function, where the register blocks lie, LUN, state, life
 * acpi_pm.c     PM1 and GPE0 registers, PM timer, SCI, sleep, ACPI enable (APMC)
 * acpi_smbus.c  the SMBus host controller
 * acpi_tables.c the tables that describe the machine
 * acpi_loader.c their publication: the blobs and the script that places them
 * Everything runs with the device lock held. */
#ifndef ACPI_PRIV_H
#define ACPI_PRIV_H

#include <viv/device.h>
#include <viv/interfaces.h>
#include <viv/pci.h>

#define ACPI_SCI_IRQ     9u
#define ACPI_GPE0_BASE   0xafe0u
#define ACPI_GPE0_BYTES  4u
#define ACPI_SMI_CMD     0xb2u
#define ACPI_CMD_ENABLE  0xf1u
#define ACPI_CMD_DISABLE 0xf0u
#define ACPI_PM_BYTES    0x40u
#define ACPI_SMBUS_BYTES 0x10u

#define ACPI_CUSTOM_TABLES 4u

/* Offsets in the PM block that the tables name as well. */
#define ACPI_PM1_STS 0x00u
#define ACPI_PM1_EN  0x02u
#define ACPI_PM1_CNT 0x04u
#define ACPI_PM_TMR  0x08u

typedef struct Acpi {
    /* config */
    uint16_t pm_base;   /* key PMBase: what the FADT says and, with pm_preset, the reset value */
    uint8_t pm_preset;  /* key PMBasePreset */
    uint8_t timer_bits; /* key PMTimerBits: 24 or 32 */
    const char *oem_id; /* key AcpiOemId */
    const char *custom[ACPI_CUSTOM_TABLES]; /* keys CustomTable0-3: files */

    /* guest-visible state (saved) */
    uint8_t pm[ACPI_PM_BYTES];
    uint8_t gpe[ACPI_GPE0_BYTES];
    uint8_t apmc, apms;
    uint8_t smb[ACPI_SMBUS_BYTES];
    uint8_t smb_block[32];
    uint8_t smb_block_at;
    uint64_t timer_halves; /* wraps of the PM timer's top bit that TMR_STS has told of */

    /* derived */
    uint32_t pm_at, smb_at; /* where the blocks are mapped; 0: nowhere */
    uint8_t sci;            /* level of IRQ 9 that the host was told last */

    /* host resources */
    viv_dev_t *dev;
    const viv_pci_api_t *pci;
    const viv_vm_api_t *vm;
    const viv_ram_api_t *ram;
    const viv_fwfile_api_t *fwfile;
    viv_pci_fn_t *fn;
    viv_range_t *pm_range, *smb_range;
    viv_timer_t *timer;
} Acpi;

/* acpi_pm.c */
extern const viv_io_ops_t acpi_pm_ops, acpi_gpe_ops, acpi_apm_ops;
void acpi_pm_reset(Acpi *acpi);
void acpi_pm_post_load(Acpi *acpi);
void acpi_pm_timer_expired(viv_dev_t *dev, void *ctx);
void acpi_pm_button(Acpi *acpi, uint32_t pm1_bit);
void acpi_sci_update(Acpi *acpi);
#define ACPI_PM1_POWER_BUTTON 0x100u
#define ACPI_PM1_SLEEP_BUTTON 0x200u

/* acpi_smbus.c */
extern const viv_io_ops_t acpi_smbus_ops;
void acpi_smbus_reset(Acpi *acpi);
/* The controller raises IRQ 9 (SMBHSTCFG's choice permitting). */
uint32_t acpi_smbus_irq(const Acpi *acpi);

/* acpi_tables.c: a growing buffer of tables and where they are in it. */
#define ACPI_TABLES_MAX 32u
typedef struct AcpiBlob {
    uint8_t *data;
    uint32_t len, room;
    uint32_t failed; /* out of memory, or too large */
} AcpiBlob;
/* A table that another device has published as a firmware file of this prefix. */
#define ACPI_FILE_EXTRA "etc/acpi/table/"
#define ACPI_EXTRAS_MAX 16u
typedef struct AcpiExtra {
    char name[56];
    uint32_t len_bytes;
} AcpiExtra;
typedef struct AcpiTables {
    AcpiBlob blob;
    uint32_t facs, dsdt, fadt;      /* offsets */
    uint32_t root[ACPI_TABLES_MAX]; /* the tables that RSDT and XSDT list */
    uint32_t root_count;
    AcpiExtra extra[ACPI_EXTRAS_MAX]; /* listed after root */
    uint32_t extra_count;
    uint32_t rsdt, xsdt;
} AcpiTables;

/* Reserves len_bytes at a multiple of 16 and returns where; bytes, if not NULL, is copied in, else
 * it is zeroed. */
uint32_t acpi_blob_add(AcpiBlob *blob, const void *bytes, uint32_t len_bytes);
void acpi_put(uint8_t *at, uint64_t value, uint32_t bytes); /* little-endian */
uint64_t acpi_get(const uint8_t *at, uint32_t bytes);
/* Fills in a table's header (36 bytes). */
void acpi_header(Acpi *acpi, uint8_t *at, const char *signature, uint32_t len_bytes,
                 uint8_t revision);
viv_status_t acpi_tables_build(Acpi *acpi, AcpiTables *t);

/* acpi_loader.c */
viv_status_t acpi_publish(Acpi *acpi);

#endif
