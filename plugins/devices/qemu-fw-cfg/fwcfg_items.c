/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu-fw-cfg: the items behind the selectors.
 * Numbers are little-endian but in the file directory, which is big-endian. Files are what the
 * machine's devices have published, sorted by name, from selector 20h on. */
#include "fwcfg_priv.h"

#include <stdlib.h>
#include <string.h>

void fwcfg_number_set(FwCfg *fw, uint32_t selector, uint64_t value)
{
    for (uint32_t i = 0; i < 8; i++)
        fw->number[selector].bytes[i] = (uint8_t)(value >> (8 * i));
}

void fwcfg_items_init(FwCfg *fw)
{
    uint32_t cpus = fw->vm->cpu_count(fw->dev);

    fwcfg_number_set(fw, FWCFG_ID,
                     fw->dma_enabled ? 3 : 1); /* bit 0: selector and data ports, bit 1: DMA */
    fwcfg_number_set(fw, FWCFG_RAM_SIZE, fw->vm->ram_bytes(fw->dev));
    fwcfg_number_set(fw, FWCFG_NB_CPUS, cpus);
    fwcfg_number_set(fw, FWCFG_MAX_CPUS, cpus);
    fwcfg_number_set(fw, FWCFG_BOOT_MENU, fw->boot_menu);
}

/* -- files ----------------------------------------------------------------------------------- */

void fwcfg_files_drop(FwCfg *fw)
{
    for (uint32_t i = 0; i < fw->file_count; i++) {
        free(fw->file_data[i]);
        fw->file_data[i] = NULL;
    }
    free(fw->directory);
    fw->directory = NULL;
    fw->directory_len = 0;
    fw->file_count = 0;
    fw->have_files = 0;
}

static void fwcfg_be(uint8_t *at, uint64_t value, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
}

/* Copies blob n of the host behind the next selector. Returns 0 if it cannot be shown. */
static int fwcfg_file_take(FwCfg *fw, uint32_t n)
{
    const uint32_t k = fw->file_count;
    const char *name;
    const uint8_t *data;
    uint64_t len;

    if (fw->fwfile->get(fw->dev, n, &name, &data, &len) != VIV_OK)
        return 0;
    size_t name_len = strlen(name);
    if (k == FWCFG_FILES_MAX || name_len >= FWCFG_NAME_BYTES || len > UINT32_MAX)
        return 0;
    uint8_t *copy = malloc(len ? len : 1);
    if (!copy)
        return 0;
    if (len)
        memcpy(copy, data, len);
    fw->file_data[k] = copy;
    fw->file_len[k] = len;
    uint8_t *entry = fw->directory + 4 + k * 64u;
    fwcfg_be(entry, len, 4);
    fwcfg_be(entry + 4, FWCFG_FILE_FIRST + k, 2);
    memcpy(entry + 8, name, name_len);
    fw->file_count++;
    return 1;
}

static void fwcfg_files_snapshot(FwCfg *fw)
{
    uint32_t count = fw->fwfile->count(fw->dev);

    if (fw->have_files)
        return;
    fw->have_files = 1;
    fw->directory = calloc(1, 4 + 64u * FWCFG_FILES_MAX);
    if (!fw->directory)
        return;
    for (uint32_t n = 0; n < count; n++) {
        if (!fwcfg_file_take(fw, n))
            fw->dev->api->log(fw->dev, VIV_LOG_WARN, "firmware file %u of %u cannot be shown", n,
                              count);
    }
    fwcfg_be(fw->directory, fw->file_count, 4);
    fw->directory_len = 4 + 64u * fw->file_count;
}

/* The directory is fixed once it is known, and with it names and lengths. */
void fwcfg_file_refresh(FwCfg *fw, uint32_t selector)
{
    uint32_t k = selector - FWCFG_FILE_FIRST, count = fw->fwfile->count(fw->dev);

    if (!fw->have_files || selector < FWCFG_FILE_FIRST || k >= fw->file_count)
        return;
    const char *wanted = (const char *)fw->directory + 4 + k * 64u + 8;
    for (uint32_t n = 0; n < count; n++) {
        const char *name;
        const uint8_t *data;
        uint64_t len;
        if (fw->fwfile->get(fw->dev, n, &name, &data, &len) == VIV_OK && !strcmp(name, wanted)) {
            if (len && len == fw->file_len[k])
                memcpy(fw->file_data[k], data, len);
            return;
        }
    }
}

/* -- selectors ------------------------------------------------------------------------------- */

static FwCfgItem fwcfg_legacy(FwCfg *fw, uint32_t selector, uint64_t len)
{
    return (FwCfgItem){fw->number[selector].bytes, len};
}

FwCfgItem fwcfg_item(FwCfg *fw, uint32_t selector)
{
    static const uint8_t signature[4] = {'Q', 'E', 'M', 'U'};
    static const uint8_t one[4] = {1, 0, 0, 0};
    static const uint8_t none[4] = {0};

    switch (selector) {
    case FWCFG_SIGNATURE: return (FwCfgItem){signature, sizeof(signature)};
    case FWCFG_UUID: return (FwCfgItem){fw->uuid, sizeof(fw->uuid)};
    case FWCFG_RAM_SIZE:
    case FWCFG_NUMA: /* the number of nodes: none */ return fwcfg_legacy(fw, selector, 8);
    case FWCFG_NOGRAPHIC:
    case FWCFG_NB_CPUS:
    case FWCFG_BOOT_DEVICE:
    case FWCFG_BOOT_MENU:
    case FWCFG_MAX_CPUS: return fwcfg_legacy(fw, selector, 2);
    case FWCFG_ID:
    case FWCFG_KERNEL_ADDR:
    case FWCFG_KERNEL_SIZE:
    case FWCFG_INITRD_ADDR:
    case FWCFG_INITRD_SIZE:
    case FWCFG_KERNEL_ENTRY:
    case FWCFG_CMDLINE_ADDR:
    case FWCFG_CMDLINE_SIZE:
    case FWCFG_SETUP_ADDR:
    case FWCFG_SETUP_SIZE: return fwcfg_legacy(fw, selector, 4);
    case FWCFG_KERNEL_DATA: return (FwCfgItem){fw->protected_part, fw->protected_len};
    case FWCFG_INITRD_DATA: return (FwCfgItem){fw->initrd, fw->initrd_len};
    case FWCFG_CMDLINE_DATA: return (FwCfgItem){(const uint8_t *)fw->cmdline, fw->cmdline_len};
    case FWCFG_SETUP_DATA: return (FwCfgItem){fw->setup, fw->setup_len};
    case FWCFG_FILE_DIR:
        fwcfg_files_snapshot(fw);
        return (FwCfgItem){fw->directory, fw->directory_len};
    case FWCFG_ARCH_ACPI: /* counts of the lists that the files have replaced */
    case FWCFG_ARCH_SMBIOS: return (FwCfgItem){none, 2};
    case FWCFG_ARCH_E820: return (FwCfgItem){none, 4};
    case FWCFG_ARCH_IRQ0_OVERRIDE: return (FwCfgItem){one, 4};
    default: break;
    }
    if (selector >= FWCFG_FILE_FIRST && selector < FWCFG_FILE_FIRST + FWCFG_FILES_MAX) {
        fwcfg_files_snapshot(fw);
        if (selector - FWCFG_FILE_FIRST < fw->file_count)
            return (FwCfgItem){fw->file_data[selector - FWCFG_FILE_FIRST],
                               fw->file_len[selector - FWCFG_FILE_FIRST]};
    }
    return (FwCfgItem){NULL, 0};
}
