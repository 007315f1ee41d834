/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pci: the Intel 82441FX (440FX PMC) host bridge, function 0:0.0.
 * Follows the 440FX PCIset datasheet (order number 290549), section 3.2. What acts: PAM[6:0],
 * SMRAM, TRC.
 * Timing and DRAM registers store what is written and do nothing else.
 * Not modelled: SMM's own view of SMRAM (there is no SMM), ECC errors, DRAM row sizing. */
#include "pci_priv.h"

#define PCI_HOST_PAM0         0x59u
#define PCI_HOST_PAM_COUNT    7u
#define PCI_HOST_SMRAM        0x72u
#define PCI_HOST_SMRAM_D_OPEN 0x40u
#define PCI_HOST_SMRAM_D_LCK  0x10u
#define PCI_HOST_SMRAM_ENABLE 0x08u /* G_SMRAME */
#define PCI_HOST_SMRAM_WMASK  0x78u /* C_BASE_SEG is fixed at A0000h */
#define PCI_HOST_TRC          0x93u
#define PCI_HOST_TRC_RCPU     0x04u
#define PCI_HOST_TRC_HARD     0x02u /* SHRE */

/* SeaBIOS takes the machine for the one that it has a platform driver for by this subsystem. */
#define PCI_HOST_SUBSYSTEM_VENDOR 0x1af4u
#define PCI_HOST_SUBSYSTEM        0x1100u

static const PciReg pci_host_regs[] = {
    {0x50, 2, 0x0000, 0xffe3, 0}, /* PMCCFG */
    {0x52, 1, 0x00, 0xff, 0},     /* DETURBO */
    {0x53, 1, 0x80, 0xff, 0},     /* DBC */
    {0x54, 1, 0x00, 0x82, 0},     /* AXC */
    {0x55, 2, 0x0000, 0xffff, 0}, /* DRT */
    {0x57, 1, 0x01, 0x3f, 0},     /* DRAMC */
    {0x58, 1, 0x10, 0x7f, 0},     /* DRAMT */
    {0x59, 1, 0x00, 0x30, 0},     /* PAM0: F0000h-FFFFFh in the high nibble only */
    {0x5a, 1, 0x00, 0x33, 0},
    {0x5b, 1, 0x00, 0x33, 0},
    {0x5c, 1, 0x00, 0x33, 0},
    {0x5d, 1, 0x00, 0x33, 0},
    {0x5e, 1, 0x00, 0x33, 0},
    {0x5f, 1, 0x00, 0x33, 0},
    {0x60, 2, 0x0101, 0xffff, 0}, /* DRB0-7 */
    {0x62, 2, 0x0101, 0xffff, 0},
    {0x64, 2, 0x0101, 0xffff, 0},
    {0x66, 2, 0x0101, 0xffff, 0},
    {0x68, 1, 0x00, 0xc0, 0}, /* FDHC */
    {0x70, 1, 0x20, 0xf8, 0}, /* MTT */
    {0x71, 1, 0x10, 0xf8, 0}, /* CLT */
    {PCI_HOST_SMRAM, 1, 0x02, PCI_HOST_SMRAM_WMASK, 0},
    {0x90, 1, 0x00, 0x1b, 0},    /* ERRCMD */
    {0x91, 1, 0x00, 0x00, 0x11}, /* ERRSTS */
    {PCI_HOST_TRC, 1, 0x00, 0x0f, 0},
    {0},
};

void pci_regs_apply(PciBus *pci, viv_pci_fn_t *fn, const PciReg *regs, int values)
{
    for (const PciReg *r = regs; r->width; r++) {
        pci->pci->config_wmask(fn, r->off, r->wmask, r->width);
        if (r->w1c)
            pci->pci->config_w1c(fn, r->off, r->w1c, r->width);
        if (values)
            pci->pci->config_set(fn, r->off, r->reset, r->width);
    }
}

/* PAM register n as the memory controller sees it. */
static void pci_host_pam_apply(viv_dev_t *dev, PciBus *pci, uint32_t n)
{
    pci->pam[n] = (uint8_t)pci->pci->config_get(pci->host_fn, PCI_HOST_PAM0 + n, 1);
    viv_pam_apply(pci->chipset, dev, n, pci->pam[n]);
}

/* D_OPEN shows the DRAM at A0000h-BFFFFh instead of what lies over it; D_LCK clears it and freezes
 * the register until reset. */
static void pci_host_smram_apply(viv_dev_t *dev, PciBus *pci)
{
    uint32_t value = pci->pci->config_get(pci->host_fn, PCI_HOST_SMRAM, 1);
    uint32_t shown = PCI_HOST_SMRAM_ENABLE | PCI_HOST_SMRAM_D_OPEN;

    if (value & PCI_HOST_SMRAM_D_LCK) {
        value &= ~PCI_HOST_SMRAM_D_OPEN;
        pci->pci->config_set(pci->host_fn, PCI_HOST_SMRAM, value, 1);
    }
    pci->pci->config_wmask(pci->host_fn, PCI_HOST_SMRAM,
                           value & PCI_HOST_SMRAM_D_LCK ? 0 : PCI_HOST_SMRAM_WMASK, 1);
    uint32_t open = (value & shown) == shown;
    pci->chipset->pam_set(dev, 0xa0000, 0x20000, open, open);
}

/* RCPU resets hard or soft, as bit 1 says. */
static void pci_host_trc_apply(viv_dev_t *dev, PciBus *pci)
{
    uint32_t trc = pci->pci->config_get(pci->host_fn, PCI_HOST_TRC, 1);

    if (!(trc & PCI_HOST_TRC_RCPU))
        return;
    pci->pci->config_set(pci->host_fn, PCI_HOST_TRC, trc & ~PCI_HOST_TRC_RCPU, 1);
    pci_reset_machine(dev, pci, trc & PCI_HOST_TRC_HARD);
}

/* [emt, device lock held] An access may cover several registers. */
static void pci_host_written(viv_dev_t *dev, void *ctx, uint32_t off, uint32_t width,
                             uint32_t value)
{
    PciBus *pci = ctx;
    (void)value;

    for (uint32_t reg = off; reg < off + width; reg++) {
        if (reg >= PCI_HOST_PAM0 && reg < PCI_HOST_PAM0 + PCI_HOST_PAM_COUNT) {
            pci_host_pam_apply(dev, pci, reg - PCI_HOST_PAM0);
        } else if (reg == PCI_HOST_SMRAM) {
            pci_host_smram_apply(dev, pci);
        } else if (reg == PCI_HOST_TRC) {
            pci_host_trc_apply(dev, pci);
        }
    }
}

/* Memory stays over S3, and with it where it is seen: firmware finds itself in its shadow and takes
 * its way back from sleep. */
void pci_host_reset(viv_dev_t *dev, PciBus *pci)
{
    pci_regs_apply(pci, pci->host_fn, pci_host_regs, 1);
    for (uint32_t n = 0; n < PCI_HOST_PAM_COUNT && pci->vm->waking(dev); n++)
        pci->pci->config_set(pci->host_fn, PCI_HOST_PAM0 + n, pci->pam[n], 1);
    pci->pci->config_set(pci->host_fn, 0x04, 0x0006, 2); /* memory and bus master are always on */
    pci->pci->config_set(pci->host_fn, 0x06, 0x0280, 2);
    pci_host_smram_apply(dev, pci);
    for (uint32_t n = 0; n < PCI_HOST_PAM_COUNT; n++)
        pci_host_pam_apply(dev, pci, n);
}

void pci_host_post_load(viv_dev_t *dev, PciBus *pci)
{
    pci_host_smram_apply(dev, pci);
    for (uint32_t n = 0; n < PCI_HOST_PAM_COUNT; n++)
        pci_host_pam_apply(dev, pci, n);
}

viv_status_t pci_host_construct(viv_dev_t *dev, PciBus *pci)
{
    static const viv_pci_desc_t desc = {
        .size = sizeof(desc),
        .vendor_id = 0x8086,
        .device_id = 0x1237,
        .subsystem_vendor_id = PCI_HOST_SUBSYSTEM_VENDOR,
        .subsystem_id = PCI_HOST_SUBSYSTEM,
        .class_code = 0x060000,
        .revision = 0x02,
    };
    viv_status_t st = pci->pci->add(dev, 0, &desc, &pci->host_fn);
    if (st != VIV_OK)
        return st;
    /* Command: only PERRE and SERRE can change; memory and master enable read as one. */
    pci->pci->config_wmask(pci->host_fn, 0x04, 0x0140, 2);
    pci_regs_apply(pci, pci->host_fn, pci_host_regs, 1);
    pci->pci->config_hooks(pci->host_fn, NULL, pci_host_written, pci);
    return VIV_OK;
}
