/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu-fw-cfg: what the files of this plugin share.
 * fwcfg.c        the device: selector, data and DMA ports, state, life
 * fwcfg_items.c  what lies behind the selectors: legacy items, the file directory, the files
 * fwcfg_linux.c  a Linux kernel, its initial RAM disk and command line as items */
#ifndef FWCFG_PRIV_H
#define FWCFG_PRIV_H

#include <viv/device.h>

/* Selectors that have a number of their own. */
#define FWCFG_SIGNATURE          0x00u
#define FWCFG_ID                 0x01u
#define FWCFG_UUID               0x02u
#define FWCFG_RAM_SIZE           0x03u
#define FWCFG_NOGRAPHIC          0x04u
#define FWCFG_NB_CPUS            0x05u
#define FWCFG_KERNEL_ADDR        0x07u
#define FWCFG_KERNEL_SIZE        0x08u
#define FWCFG_INITRD_ADDR        0x0au
#define FWCFG_INITRD_SIZE        0x0bu
#define FWCFG_BOOT_DEVICE        0x0cu
#define FWCFG_NUMA               0x0du
#define FWCFG_BOOT_MENU          0x0eu
#define FWCFG_MAX_CPUS           0x0fu
#define FWCFG_KERNEL_ENTRY       0x10u
#define FWCFG_KERNEL_DATA        0x11u
#define FWCFG_INITRD_DATA        0x12u
#define FWCFG_CMDLINE_ADDR       0x13u
#define FWCFG_CMDLINE_SIZE       0x14u
#define FWCFG_CMDLINE_DATA       0x15u
#define FWCFG_SETUP_ADDR         0x16u
#define FWCFG_SETUP_SIZE         0x17u
#define FWCFG_SETUP_DATA         0x18u
#define FWCFG_FILE_DIR           0x19u
#define FWCFG_FILE_FIRST         0x20u
#define FWCFG_ARCH_ACPI          0x8000u
#define FWCFG_ARCH_SMBIOS        0x8001u
#define FWCFG_ARCH_IRQ0_OVERRIDE 0x8002u
#define FWCFG_ARCH_E820          0x8003u

#define FWCFG_FILES_MAX  256u
#define FWCFG_NAME_BYTES 56u

typedef struct FwCfgItem {
    const uint8_t *data;
    uint64_t len;
} FwCfgItem;

/* A number as an item: little-endian. */
typedef struct FwCfgNumber {
    uint8_t bytes[8];
} FwCfgNumber;

typedef struct FwCfg {
    /* config */
    uint8_t dma_enabled;
    uint8_t boot_menu;
    const char *uuid_text;
    const char *kernel_name, *setup_name, *initrd_name, *cmdline;
    const char *linuxboot_name;

    /* guest-visible state (saved) */
    uint16_t selector;
    uint32_t offset;
    uint32_t dma_high;
    /* a transfer of several slices */
    uint64_t dma_request, dma_to;
    uint32_t dma_left; /* bytes; 0: none */
    viv_timer_t *dma_timer;

    /* derived: the files that there were when the guest first asked, sorted by name, with the contents
     * of when they were selected last; dropped at reset */
    uint32_t have_files;
    uint32_t file_count;
    uint8_t *file_data[FWCFG_FILES_MAX];
    uint64_t file_len[FWCFG_FILES_MAX];
    uint8_t *directory;
    uint64_t directory_len;

    /* derived: numbers behind the legacy selectors and the kernel's parts */
    FwCfgNumber number[FWCFG_FILE_FIRST];
    uint8_t uuid[16];
    uint8_t *kernel, *setup_alone, *initrd; /* as loaded; to be freed with file_free */
    uint64_t initrd_len, setup_len, protected_len;
    uint8_t *setup; /* a patched copy of the real-mode part */
    const uint8_t *protected_part;
    uint64_t cmdline_len;

    /* host resources */
    viv_dev_t *dev;
    const viv_vm_api_t *vm;
    const viv_ram_api_t *ram;
    const viv_fwfile_api_t *fwfile;
} FwCfg;

/* What a selector shows; an empty item for those that there are not. */
FwCfgItem fwcfg_item(FwCfg *fw, uint32_t selector);
void fwcfg_items_init(FwCfg *fw);
void fwcfg_files_drop(FwCfg *fw);
/* The contents that the file behind a selector has by now, if its length is the same. */
void fwcfg_file_refresh(FwCfg *fw, uint32_t selector);
void fwcfg_number_set(FwCfg *fw, uint32_t selector, uint64_t value);

viv_status_t fwcfg_linux_load(FwCfg *fw);
/* The option ROM that boots such a kernel, and its place at the head of the boot order. */
viv_status_t fwcfg_linux_publish(FwCfg *fw);
void fwcfg_linux_free(FwCfg *fw);

#endif
