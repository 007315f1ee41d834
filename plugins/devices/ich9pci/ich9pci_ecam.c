/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ich9pci: configuration space in memory (PCI Express Base Specification, 7.2.2): 4 KiB a function,
 * 32 KiB a device, 1 MiB a bus, at PCIEXBAR. Firmware learns the place from an MCFG table (PCI
 * Firmware Specification 3.0, 4.1.2) that always says what PCIEXBAR holds now. */
#include "ich9pci_priv.h"

#include <string.h>

#define ECAM_ENABLE 0x1u
#define ECAM_LENGTH 0x6u /* bits 2:1: 256, 128, 64 MiB, reserved */

#define ECAM_MCFG_FILE   "etc/acpi/table/mcfg"
#define ECAM_MCFG_HEADER 44u
#define ECAM_MCFG_BYTES  60u

/* [emt, no lock] As behind CFCh the space that is reached has its own lock. */
static uint64_t ich9pci_ecam_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    const Ich9Pci *ich = ctx;
    return ich->bus->config_read(dev, (uint32_t)(off >> 20), (uint32_t)(off >> 12) & 0xffu,
                                 (uint32_t)off & 0xfffu, width);
}

static void ich9pci_ecam_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value,
                               uint32_t width)
{
    const Ich9Pci *ich = ctx;
    ich->bus->config_write(dev, (uint32_t)(off >> 20), (uint32_t)(off >> 12) & 0xffu,
                           (uint32_t)off & 0xfffu, (uint32_t)value, width);
}

static const viv_io_ops_t ich9pci_ecam_ops = {
    .size = sizeof(viv_io_ops_t),
    .widths = VIV_W8 | VIV_W16 | VIV_W32,
    .flags = VIV_IO_NO_LOCK,
    .read = ich9pci_ecam_read,
    .write = ich9pci_ecam_write,
};

static void ich9pci_put(uint8_t *at, uint64_t value, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

/* Without a space the table ends behind its header; the file keeps its length. */
viv_status_t ich9pci_mcfg_publish(viv_dev_t *dev, const Ich9Pci *ich)
{
    uint8_t table[ECAM_MCFG_BYTES] = {0};

    memcpy(table, "MCFG", 4);
    ich9pci_put(table + 4, ich->ecam_len ? ECAM_MCFG_BYTES : ECAM_MCFG_HEADER, 4);
    table[8] = 1;
    memcpy(table + 10, "VIVARMVIVMCFG ", 14);
    ich9pci_put(table + 24, 1, 4);
    memcpy(table + 28, "VIV ", 4);
    ich9pci_put(table + 32, 1, 4);
    if (ich->ecam_len) {
        ich9pci_put(table + 44, ich->ecam_at, 8);
        table[55] = (uint8_t)((ich->ecam_len >> 20) - 1); /* last bus */
    }
    return ich->fwfile->add(dev, ECAM_MCFG_FILE, table, sizeof(table));
}

viv_status_t ich9pci_ecam_update(viv_dev_t *dev, Ich9Pci *ich)
{
    const viv_dev_api_t *api = dev->api;
    uint32_t low = ich->pci->config_get(ich->fn, ICH9PCI_PCIEXBAR, 4);
    uint32_t high = ich->pci->config_get(ich->fn, ICH9PCI_PCIEXBAR + 4, 4);
    uint32_t length = (low & ECAM_LENGTH) >> 1;
    uint64_t len = ich->express && low & ECAM_ENABLE && length < 3 ? 0x10000000ull >> length : 0;
    uint64_t at = len ? ((uint64_t)high << 32 | low) & ~(len - 1) : 0;

    if (at == ich->ecam_at && len == ich->ecam_len)
        return VIV_OK;
    api->range_unmap(dev, ich->ecam);
    ich->ecam = NULL;
    ich->ecam_at = ich->ecam_len = 0;
    if (len && api->mmio_map(dev, at, len, &ich9pci_ecam_ops, ich, "PCI Express configuration",
                             &ich->ecam) == VIV_OK) {
        ich->ecam_at = at;
        ich->ecam_len = len;
    }
    return ich->express ? ich9pci_mcfg_publish(dev, ich) : VIV_OK;
}
