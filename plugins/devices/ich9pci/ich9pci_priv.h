/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ich9pci: what the three files of this plugin share. ich9pci.c is the device and the configuration
 * ports, ich9pci_ecam.c configuration space in memory, ich9pci_mch.c the registers of function
 * 0:0.0. */
#ifndef ICH9PCI_PRIV_H
#define ICH9PCI_PRIV_H

#include <viv/chipset.h>
#include <viv/device.h>
#include <viv/pci.h>

typedef struct Ich9Pci {
    /* config */
    uint64_t mcfg_base;
    uint32_t mcfg_len;
    uint8_t express;

    /* guest-visible state (saved); configuration space is the host's to save */
    uint32_t
        config_address; /* port CF8h; atomic, because the data port runs without the device lock */
    uint8_t reset_control; /* port CF9h */

    /* derived */
    uint64_t ecam_at, ecam_len; /* where it is mapped; len 0: nowhere */
    uint8_t pam[7];             /* copies of PAM[6:0] and PCIEXBAR: what a wake from S3 keeps */
    uint32_t pciexbar[2];

    /* host resources */
    const viv_pci_api_t *pci;
    const viv_pcibus_api_t *bus;
    const viv_chipset_api_t *chipset;
    const viv_vm_api_t *vm;
    const viv_fwfile_api_t *fwfile;
    viv_pci_fn_t *fn;
    viv_range_t *ecam;
} Ich9Pci;

#define ICH9PCI_PCIEXBAR 0x60u

/* ich9pci_ecam.c: follows PCIEXBAR, and tells the firmware of it by an MCFG table. */
viv_status_t ich9pci_ecam_update(viv_dev_t *dev, Ich9Pci *ich);
viv_status_t ich9pci_mcfg_publish(viv_dev_t *dev, const Ich9Pci *ich);

/* ich9pci_mch.c */
viv_status_t ich9pci_mch_construct(viv_dev_t *dev, Ich9Pci *ich);
void ich9pci_mch_reset(viv_dev_t *dev, Ich9Pci *ich);
void ich9pci_mch_post_load(viv_dev_t *dev, Ich9Pci *ich);

#endif
