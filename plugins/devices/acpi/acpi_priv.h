/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* acpi: what the files of this plugin share.
 * acpi.c        the device: PCI function, where the register blocks lie, LUN, state, life
 * acpi_pm.c     PM1 and GPE0 registers, PM timer, SCI, sleep, ACPI enable (APMC)
 * acpi_sleep.c  sleep states and wake events
 * acpi_power.c  what the DSDT asks the machine: power supply, processors, drives
 * acpi_smbus.c  the SMBus host controller
 * acpi_spd.c    the memory modules' EEPROMs on it
 * acpi_tables.c the tables that describe the machine
 * acpi_loader.c their publication: the blobs and the script that places them
 * Everything runs with the device lock held. */
#ifndef ACPI_PRIV_H
#define ACPI_PRIV_H

#include <viv/chipset.h>
#include <viv/device.h>
#include <viv/interfaces.h>
#include <viv/pci.h>

#define ACPI_SCI_IRQ     9u
#define ACPI_GPE0_BASE   0xafe0u
#define ACPI_GPE0_BYTES  4u
#define ACPI_SMI_CMD     0xb2u
#define ACPI_CMD_ENABLE  0xf1u
#define ACPI_CMD_DISABLE 0xf0u
#define ACPI_INFO_BASE   0xaff0u
#define ACPI_PM_BYTES    0x40u
#define ACPI_SMBUS_BYTES 0x10u

#define ACPI_CUSTOM_TABLES 4u

/* GPE0's bits; the DSDT's _Lxx and _PRW have the same numbers. */
#define ACPI_GPE_POWER    0u
#define ACPI_GPE_KEYBOARD 2u
#define ACPI_GPE_MOUSE    3u
#define ACPI_GPE_COM1     4u
#define ACPI_GPE_COM2     5u

/* CMOS: shutdown status, and what it is for a resume from S3. */
#define ACPI_CMOS_SHUTDOWN 0x0fu
#define ACPI_CMOS_RESUME   0xfeu

#define ACPI_SPD_MODULES 8u
#define ACPI_SPD_BYTES   256u

/* Offsets in the PM block that the tables name as well. */
#define ACPI_PM1_STS 0x00u
#define ACPI_PM1_EN  0x02u
#define ACPI_PM1_CNT 0x04u
#define ACPI_PM_TMR  0x08u

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
    uint8_t sleeping;      /* 0, 1 (S1) or 3 (S3); bit 7: S3 has ended, the reset is to come */
    uint32_t info_index;
    uint8_t spd_at[ACPI_SPD_MODULES]; /* the EEPROMs' address counters */

    /* derived */
    AcpiTables tables;  /* as published, once they are */
    uint32_t tables_pm; /* the PM block's place in them */
    uint32_t has_host;  /* LUN 0 has a viv.acpi-host/1 */
    viv_power_t power;  /* as the guest was told of it last */
    uint8_t spd[ACPI_SPD_MODULES][ACPI_SPD_BYTES];
    uint32_t spd_count;
    uint64_t sleeps, wakes, power_changes, smb_transactions;
    uint32_t pm_at, smb_at; /* where the blocks are mapped; 0: nowhere */
    uint8_t sci;            /* level of IRQ 9 that the host was told last */

    /* host resources */
    viv_dev_t *dev;
    const viv_pci_api_t *pci;
    const viv_chipset_api_t *chipset;
    const viv_lun_api_t *lun;
    viv_iface_t host; /* viv.acpi-host/1 */
    const viv_vm_api_t *vm;
    const viv_ram_api_t *ram;
    const viv_fwfile_api_t *fwfile;
    viv_pci_fn_t *fn;
    viv_range_t *pm_range, *smb_range;
    viv_timer_t *timer, *power_timer;
} Acpi;

/* acpi.c: a write to B2h is to be told (APMC_EN). */
uint32_t acpi_apmc_enabled(const Acpi *acpi);

/* acpi_pm.c */
extern const viv_io_ops_t acpi_pm_ops, acpi_gpe_ops, acpi_apm_ops;
void acpi_pm_reset(Acpi *acpi);
void acpi_pm_post_load(Acpi *acpi);
void acpi_pm_timer_expired(viv_dev_t *dev, void *ctx);
void acpi_pm_button(Acpi *acpi, uint32_t pm1_bit);
void acpi_sci_update(Acpi *acpi);
void acpi_gpe_raise(Acpi *acpi, uint32_t gpe);
uint32_t acpi_pm_word(const Acpi *acpi, uint32_t off);
#define ACPI_PM1_POWER_BUTTON 0x0100u
#define ACPI_PM1_SLEEP_BUTTON 0x0200u
#define ACPI_PM1_RTC          0x0400u
#define ACPI_PM1_WAKE         0x8000u

/* acpi_sleep.c */
void acpi_sleep_enter(Acpi *acpi);
/* Ends the sleep if there is an event that does. */
void acpi_sleep_check(Acpi *acpi);
void acpi_wake(Acpi *acpi);
uint32_t acpi_sleep_state(const Acpi *acpi); /* 0, 1, 3 */
void acpi_sleep_reset(Acpi *acpi);
void acpi_sleep_post_load(Acpi *acpi);
viv_status_t acpi_sleep_publish(Acpi *acpi);

/* acpi_power.c */
extern const viv_io_ops_t acpi_info_ops;
viv_status_t acpi_power_construct(Acpi *acpi);
/* Asks the driver; the guest hears of it if anything differs. */
void acpi_power_poll(viv_dev_t *dev, void *ctx);
void acpi_power_reset(Acpi *acpi);
void acpi_power_post_load(Acpi *acpi);

/* acpi_spd.c */
void acpi_spd_build(Acpi *acpi);

/* acpi_smbus.c */
extern const viv_io_ops_t acpi_smbus_ops;
void acpi_smbus_reset(Acpi *acpi);
/* The controller raises IRQ 9 (SMBHSTCFG's choice permitting). */
uint32_t acpi_smbus_irq(const Acpi *acpi);

/* acpi_tables.c */
/* Reserves len_bytes at a multiple of 16 and returns where; bytes, if not NULL, is copied in, else
 * it is zeroed. */
uint32_t acpi_blob_add(AcpiBlob *blob, const void *bytes, uint32_t len_bytes);
void acpi_put(uint8_t *at, uint64_t value, uint32_t bytes); /* little-endian */
uint64_t acpi_get(const uint8_t *at, uint32_t bytes);
/* Fills in a table's header (36 bytes). */
void acpi_header(Acpi *acpi, uint8_t *at, const char *signature, uint32_t len_bytes,
                 uint8_t revision);
viv_status_t acpi_tables_build(Acpi *acpi, AcpiTables *t);
/* The PM block lies there: in the FADT and among what the board decodes. */
void acpi_tables_pm_set(AcpiTables *t, uint32_t pm);

/* acpi_loader.c */
viv_status_t acpi_publish(Acpi *acpi);
/* Publishes the tables anew, at the same length, if the PM block has another place. */
void acpi_publish_pm(Acpi *acpi, uint32_t pm);

#endif
