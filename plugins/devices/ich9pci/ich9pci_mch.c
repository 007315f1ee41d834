/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ich9pci: the registers of function 0:0.0, 8086:29C0.
 * Follows: 3 Series Express Chipset Family datasheet (316966), chapter 5. What acts: PCIEXBAR,
 * PAM[6:0], SMRAM. TOM, TOUUD and TOLUD say what memory the machine has. The bases of register
 * blocks in memory (EPBAR, MCHBAR, DMIBAR) and the others store what is written. Not modelled:
 * those register blocks (DRAM timing, thermal, virtual channels), remapping, TSEG and extended
 * SMRAM (there is no SMM), graphics. */
#include "ich9pci_priv.h"

#define MCH_PAM0         0x90u
#define MCH_PAM_COUNT    7u
#define MCH_SMRAM        0x9du
#define MCH_SMRAM_OPEN   0x40u
#define MCH_SMRAM_LOCK   0x10u
#define MCH_SMRAM_ENABLE 0x08u
#define MCH_SMRAM_WMASK  0x78u
#define MCH_TOM          0xa0u
#define MCH_TOUUD        0xa2u
#define MCH_TOLUD        0xb0u

/* SeaBIOS takes the machine for the one that it has a platform driver for by this subsystem. */
#define MCH_SUBSYSTEM_VENDOR 0x1af4u
#define MCH_SUBSYSTEM        0x1100u

typedef struct MchReg {
    uint8_t off, width;
    uint32_t reset, wmask, w1c;
} MchReg;

static const MchReg mch_regs[] = {
    {0x40, 4, 0, 0xfffff001, 0}, /* EPBAR */
    {0x44, 4, 0, 0x0000000f, 0},
    {0x48, 4, 0, 0xffffc001, 0}, /* MCHBAR */
    {0x4c, 4, 0, 0x0000000f, 0},
    {0x54, 4, 0x000003db, 0x000003da, 0}, /* DEVEN */
    {ICH9PCI_PCIEXBAR, 4, 0, 0xfc000007, 0},
    {ICH9PCI_PCIEXBAR + 4, 4, 0, 0x0000000f, 0},
    {0x68, 4, 0, 0xfffff001, 0}, /* DMIBAR */
    {0x6c, 4, 0, 0x0000000f, 0},
    {MCH_PAM0, 1, 0, 0x30, 0}, /* F0000h-FFFFFh in the high nibble only */
    {0x91, 1, 0, 0x33, 0},
    {0x92, 1, 0, 0x33, 0},
    {0x93, 1, 0, 0x33, 0},
    {0x94, 1, 0, 0x33, 0},
    {0x95, 1, 0, 0x33, 0},
    {0x96, 1, 0, 0x33, 0},
    {0x97, 1, 0, 0x81, 0},        /* LAC */
    {0x98, 2, 0x03ff, 0x03ff, 0}, /* REMAPBASE */
    {0x9a, 2, 0x0000, 0x03ff, 0}, /* REMAPLIMIT */
    {MCH_SMRAM, 1, 0x02, MCH_SMRAM_WMASK, 0},
    {0x9e, 1, 0x38, 0x87, 0x40}, /* ESMRAMC */
    {0xac, 4, 0, 0xfff00000, 0}, /* TSEGMB */
    {0xc8, 2, 0, 0, 0x3b03},     /* ERRSTS */
    {0xca, 2, 0, 0x3b03, 0},     /* ERRCMD */
    {0xcc, 2, 0, 0x0003, 0},     /* SMICMD */
    {0xdc, 4, 0, 0xffffffff, 0}, /* SKPD */
    {0},
};

static void mch_regs_apply(Ich9Pci *ich)
{
    for (const MchReg *r = mch_regs; r->width; r++) {
        ich->pci->config_set(ich->fn, r->off, r->reset, r->width);
        ich->pci->config_wmask(ich->fn, r->off, r->wmask, r->width);
        ich->pci->config_w1c(ich->fn, r->off, r->w1c, r->width);
    }
}

static void mch_no_express(Ich9Pci *ich)
{
    ich->pci->config_wmask(ich->fn, ICH9PCI_PCIEXBAR, 0, 4);
    ich->pci->config_wmask(ich->fn, ICH9PCI_PCIEXBAR + 4, 0, 4);
}

/* TOM counts 64 MiB, TOUUD and (from bit 4 up) TOLUD one MiB. */
static void mch_memory(viv_dev_t *dev, Ich9Pci *ich)
{
    uint64_t ram = ich->vm->ram_bytes(dev), low = ich->vm->ram_below_4g(dev);
    uint64_t top = ram > low ? 0x100000000ull + (ram - low) : low;

    ich->pci->config_set(ich->fn, MCH_TOM, (uint32_t)((ram + 0x3ffffff) >> 26) & 0x3ffu, 2);
    ich->pci->config_set(ich->fn, MCH_TOUUD, (uint32_t)(top >> 20) & 0xffffu, 2);
    ich->pci->config_set(ich->fn, MCH_TOLUD, (uint32_t)(low >> 20) << 4 & 0xfff0u, 2);
}

static void mch_pam_apply(viv_dev_t *dev, Ich9Pci *ich, uint32_t n)
{
    ich->pam[n] = (uint8_t)ich->pci->config_get(ich->fn, MCH_PAM0 + n, 1);
    viv_pam_apply(ich->chipset, dev, n, ich->pam[n]);
}

/* D_OPEN shows the DRAM at A0000h-BFFFFh instead of what lies over it; D_LCK clears it and freezes
 * the register until reset. */
static void mch_smram_apply(viv_dev_t *dev, Ich9Pci *ich)
{
    uint32_t value = ich->pci->config_get(ich->fn, MCH_SMRAM, 1);

    if (value & MCH_SMRAM_LOCK) {
        value &= ~MCH_SMRAM_OPEN;
        ich->pci->config_set(ich->fn, MCH_SMRAM, value, 1);
    }
    ich->pci->config_wmask(ich->fn, MCH_SMRAM, value & MCH_SMRAM_LOCK ? 0 : MCH_SMRAM_WMASK, 1);
    uint32_t open =
        (value & (MCH_SMRAM_ENABLE | MCH_SMRAM_OPEN)) == (MCH_SMRAM_ENABLE | MCH_SMRAM_OPEN);
    ich->chipset->pam_set(dev, 0xa0000, 0x20000, open, open);
}

static void mch_ecam_apply(viv_dev_t *dev, Ich9Pci *ich)
{
    for (uint32_t i = 0; i < 2; i++)
        ich->pciexbar[i] = ich->pci->config_get(ich->fn, ICH9PCI_PCIEXBAR + 4 * i, 4);
    ich9pci_ecam_update(dev, ich);
}

/* Where memory is seen stays over S3, so that firmware finds itself in its shadow. */
static void mch_keep(Ich9Pci *ich)
{
    for (uint32_t n = 0; n < MCH_PAM_COUNT; n++)
        ich->pci->config_set(ich->fn, MCH_PAM0 + n, ich->pam[n], 1);
    for (uint32_t i = 0; i < 2; i++)
        ich->pci->config_set(ich->fn, ICH9PCI_PCIEXBAR + 4 * i, ich->pciexbar[i], 4);
}

static void mch_apply(viv_dev_t *dev, Ich9Pci *ich)
{
    for (uint32_t n = 0; n < MCH_PAM_COUNT; n++)
        mch_pam_apply(dev, ich, n);
    mch_smram_apply(dev, ich);
    mch_ecam_apply(dev, ich);
}

/* [emt, device lock held] An access may cover several registers. */
static void mch_written(viv_dev_t *dev, void *ctx, uint32_t off, uint32_t width, uint32_t value)
{
    Ich9Pci *ich = ctx;
    (void)value;

    for (uint32_t reg = off; reg < off + width; reg++) {
        if (reg >= MCH_PAM0 && reg < MCH_PAM0 + MCH_PAM_COUNT)
            mch_pam_apply(dev, ich, reg - MCH_PAM0);
        else if (reg == MCH_SMRAM)
            mch_smram_apply(dev, ich);
    }
    if (off >= ICH9PCI_PCIEXBAR && off < ICH9PCI_PCIEXBAR + 8)
        mch_ecam_apply(dev, ich);
}

void ich9pci_mch_reset(viv_dev_t *dev, Ich9Pci *ich)
{
    uint32_t length = ich->mcfg_len == 0x10000000 ? 0 : ich->mcfg_len == 0x8000000 ? 1 : 2;

    mch_regs_apply(ich);
    if (!ich->express)
        mch_no_express(ich);
    mch_memory(dev, ich);
    ich->pci->config_set(ich->fn, 0x04, 0x0006, 2); /* memory and bus master are always on */
    ich->pci->config_set(ich->fn, 0x06, 0x0090, 2);
    if (ich->mcfg_base && ich->express)
        ich->pci->config_set(ich->fn, ICH9PCI_PCIEXBAR, (uint32_t)ich->mcfg_base | length << 1 | 1u,
                             4);
    if (ich->vm->waking(dev))
        mch_keep(ich);
    mch_apply(dev, ich);
}

void ich9pci_mch_post_load(viv_dev_t *dev, Ich9Pci *ich)
{
    mch_apply(dev, ich);
}

viv_status_t ich9pci_mch_construct(viv_dev_t *dev, Ich9Pci *ich)
{
    static const viv_pci_desc_t desc = {
        .size = sizeof(desc),
        .vendor_id = 0x8086,
        .device_id = 0x29c0,
        .subsystem_vendor_id = MCH_SUBSYSTEM_VENDOR,
        .subsystem_id = MCH_SUBSYSTEM,
        .class_code = 0x060000,
        .revision = 0x02,
    };
    uint32_t cap = 0;
    viv_status_t st = ich->pci->add(dev, 0, &desc, &ich->fn);

    if (st != VIV_OK || (st = ich->pci->cap_add(ich->fn, 0x09, 12, 0xe0, &cap)) != VIV_OK)
        return st;
    ich->pci->config_set(ich->fn, cap + 2, 0x010b, 2); /* CAPID0: 11 bytes, version 1 */
    ich->pci->config_wmask(ich->fn, 0x04, 0x0100, 2);  /* SERRE alone can change */
    ich->pci->config_w1c(ich->fn, 0x06, 0xf900, 2);
    ich->pci->config_wmask(ich->fn, 0x0c, 0, 2);
    ich->pci->config_wmask(ich->fn, 0x3c, 0, 1);
    mch_regs_apply(ich);
    ich->pci->config_hooks(ich->fn, NULL, mch_written, ich);
    return ich->express ? ich9pci_mcfg_publish(dev, ich) : VIV_OK;
}
