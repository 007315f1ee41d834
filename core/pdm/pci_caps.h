/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A PCI function's capability lists, MSI and MSI-X (PCI Local Bus Specification 3.0, 6.7 and 6.8;
 * PCI Express Base Specification, 7.9 for the extended list). Plain state and arithmetic without a
 * lock or a host: PDM and the tests' fake host both stand on it. */
#ifndef CORE_PCI_CAPS_H
#define CORE_PCI_CAPS_H

#include <stdbool.h>
#include <viv/types.h>

/* Registers of a type 1 header: what a guest may write at all, and what bridge_add's flags change.
 * Each space is PCI_CONFIG_MAX bytes. */
void pci_bridge_header(uint8_t *wmask, uint8_t *w1c);
void pci_bridge_flags(uint8_t *config, uint8_t *wmask, uint8_t *w1c, uint32_t flags);

#define PCI_CONFIG_LEN   256u
#define PCI_CONFIG_MAX   4096u /* of a function with extended capabilities */
#define PCI_MSIX_VECTORS 2048u
#define PCI_MSIX_ENTRY   16u

typedef struct PciMessage {
    uint64_t address;
    uint32_t data;
} PciMessage;

typedef struct PciCaps {
    /* borrowed: PCI_CONFIG_MAX bytes each */
    uint8_t *config, *wmask;
    uint32_t config_len; /* what a guest reaches: PCI_CONFIG_LEN or PCI_CONFIG_MAX */
    uint8_t used[PCI_CONFIG_MAX / 4 / 8];
    uint32_t last, last_ext; /* headers that the next one is linked behind; 0: none */
    /* MSI: offset of the capability, 0 if there is none */
    uint32_t msi, msi_log2, msi_flags;
    /* MSI-X */
    uint32_t msix, msix_vectors;
    uint32_t table_bar, table_off, pba_bar, pba_off;
    uint8_t *table;    /* as the guest sees it, PCI_MSIX_ENTRY bytes a vector */
    uint64_t *pending; /* one bit a vector, whole words */
} PciCaps;

void pci_caps_init(PciCaps *c, uint8_t *config, uint8_t *wmask);
void pci_caps_finish(PciCaps *c);
/* After a reset of the configuration space: vectors masked, nothing pending. */
void pci_caps_reset(PciCaps *c);
/* After config came from a saved state: what a guest cannot write is as the device described it. */
void pci_caps_loaded(PciCaps *c);

/* VIV_E_INVALID: does not fit or is not aligned; VIV_E_EXISTS: taken, or the second of its kind.
 * off 0: anywhere. */
viv_status_t pci_caps_add(PciCaps *c, uint32_t id, uint32_t len, uint32_t off, uint32_t *ret_off);
viv_status_t pci_caps_add_ext(PciCaps *c, uint32_t id, uint32_t version, uint32_t len, uint32_t off,
                              uint32_t *ret_off);
viv_status_t pci_msi_add(PciCaps *c, uint32_t vectors_log2, uint32_t flags, uint32_t off);
viv_status_t pci_msix_add(PciCaps *c, uint32_t vectors, uint32_t table_bar, uint32_t table_off,
                          uint32_t pba_bar, uint32_t pba_off, uint32_t off);

uint32_t pci_msi_granted(const PciCaps *c);  /* vectors the guest has allowed; 0: disabled */
uint32_t pci_msix_granted(const PciCaps *c); /* entries of the table; 0: disabled */

typedef enum PciMsiAnswer { PCI_MSI_OFF, PCI_MSI_SEND, PCI_MSI_HELD } PciMsiAnswer;
PciMsiAnswer pci_msi_raise(PciCaps *c, uint32_t vector, PciMessage *ret_message);
void pci_msi_lower(PciCaps *c, uint32_t vector);
/* A pending message that nothing masks any more; it is pending no longer. */
bool pci_msi_next(PciCaps *c, PciMessage *ret_message);

/* Is [off, off + len) of the BAR touched by table or PBA? */
bool pci_msix_touches(const PciCaps *c, uint32_t bar, uint64_t off, uint64_t len);
/* One byte of table or PBA; false: off lies in neither. */
bool pci_msix_get(const PciCaps *c, uint32_t bar, uint64_t off, uint8_t *ret_value);
bool pci_msix_put(PciCaps *c, uint32_t bar, uint64_t off, uint8_t value);
uint32_t pci_msix_pba_len(uint32_t vectors);

/* How an interrupt message is understood (Intel SDM volume 3, 10.11). false: not an address of the
 * APICs (FEE00000h-FEEFFFFFh). A level-triggered deassertion gives send = false. */
typedef struct PciApicMessage {
    uint32_t dest, logical, mode, vector, level;
    bool send;
} PciApicMessage;
bool pci_message_decode(uint64_t address, uint32_t data, PciApicMessage *ret_apic);

#endif
