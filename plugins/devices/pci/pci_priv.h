/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pci: what the three files of this plugin share. pci.c is the device and the configuration ports,
 * pci_host.c the registers of the 82441FX, pci_piix3.c those of the PIIX3's ISA bridge and the
 * interrupt router. */
#ifndef PCI_PRIV_H
#define PCI_PRIV_H

#include <viv/chipset.h>
#include <viv/device.h>
#include <viv/pci.h>

#define PCI_PIRQS    4u
#define PCI_ISA_IRQS 16u

typedef struct PciBus {
    /* config */
    uint8_t ioapic; /* key IOAPIC: the board has an I/O APIC */

    /* guest-visible state (saved); configuration space is the host's to save */
    uint32_t
        config_address; /* port CF8h; atomic, because the data port runs without the device lock */
    uint8_t reset_control; /* port CF9h */

    /* derived: guarded by the chipset lock. The INTx levels come again from every function after a
     * load. */
    uint64_t intx[4][256][4];        /* [pin - 1][bus]: bit devfn % 64 of word devfn / 64 */
    uint32_t pirq_count[PCI_PIRQS];  /* how many of them are up, by PIRQ */
    uint8_t pam[7];                  /* copies of PAM[6:0]: what a wake from S3 keeps */
    uint8_t pirq_route[PCI_PIRQS];   /* copies of PIRQRC[A:D] */
    uint8_t irq_level[PCI_ISA_IRQS]; /* what irq_set was told last */

    /* host resources */
    const viv_pci_api_t *pci;
    const viv_pcibus_api_t *bus;
    const viv_chipset_api_t *chipset;
    const viv_vm_api_t *vm;
    viv_pci_fn_t *host_fn;
    viv_pci_fn_t *isa_fn;
} PciBus;

/* A register beyond the standard header: what it holds after reset and which bits a guest may
 * write. */
typedef struct PciReg {
    uint8_t off;
    uint8_t width;
    uint16_t reset;
    uint16_t wmask;
    uint16_t w1c;
} PciReg;

/* Sets reset values (values = 1) and masks of a table that ends with width 0. */
void pci_regs_apply(PciBus *pci, viv_pci_fn_t *fn, const PciReg *regs, int values);

void pci_reset_machine(viv_dev_t *dev, PciBus *pci, uint32_t hard);

viv_status_t pci_host_construct(viv_dev_t *dev, PciBus *pci);
void pci_host_reset(viv_dev_t *dev, PciBus *pci);
void pci_host_post_load(viv_dev_t *dev, PciBus *pci);

viv_status_t pci_piix3_construct(viv_dev_t *dev, PciBus *pci);
void pci_piix3_reset(viv_dev_t *dev, PciBus *pci);
void pci_piix3_post_load(viv_dev_t *dev, PciBus *pci);

/* The host's view of this root bus: INTx in. */
extern const viv_pcibus_ops_t pci_piix3_bus_ops;

#endif
