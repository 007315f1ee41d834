/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pci: the Intel 82371SB (PIIX3) PCI-to-ISA bridge, function 0:1.0, and the interrupt router in it.
 * Follows the 82371FB/82371SB datasheet (order number 290550), section 2.2. What acts: PIRQRC[A:D].
 *
 * INTx of a slot reaches PIRQ[(slot - 1 + pin - 1) mod 4], pin 1 being INTA: the wiring that
 * SeaBIOS and the _PRT in the acpi plugin's DSDT assume. A PIRQ goes to the ISA interrupt in its
 * PIRQRC register, and that line to the PICs and the I/O APIC alike, active high, level triggered.
 * PIRQs that share an interrupt are or-ed.
 * Not modelled: MBIRQ and MBDMA steering, SMI generation, the chip selects of XBCS. */
#include "pci_priv.h"

#include <string.h>

#define PCI_PIIX3_XBCS       0x4eu
#define PCI_PIIX3_XBCS_APIC  0x0100u
#define PCI_PIIX3_PIRQRC     0x60u
#define PCI_PIIX3_PIRQRC_OFF 0x80u
#define PCI_PIIX3_IRQ_MASK                                                                         \
    0xdef8u /* 3-7, 9-12, 14, 15; the others are reserved and route nowhere */

static const PciReg pci_piix3_regs[] = {
    {0x4c, 1, 0x4d, 0x7f, 0}, /* IORT */
    {PCI_PIIX3_XBCS, 2, 0x0003, 0x01ff, 0},
    {0x60, 1, 0x80, 0x8f, 0}, /* PIRQRCA */
    {0x61, 1, 0x80, 0x8f, 0},
    {0x62, 1, 0x80, 0x8f, 0},
    {0x63, 1, 0x80, 0x8f, 0},
    {0x69, 1, 0x02, 0xfe, 0},     /* TOM */
    {0x6a, 2, 0x0000, 0x8087, 0}, /* MSTAT */
    {0x70, 1, 0x80, 0xef, 0},     /* MBIRQ0 */
    {0x76, 1, 0x0c, 0x8f, 0},     /* MBDMA0 */
    {0x77, 1, 0x0c, 0x8f, 0},     /* MBDMA1 */
    {0x78, 2, 0x0002, 0xffff, 0}, /* PCSC */
    {0x80, 1, 0x00, 0x7f, 0},     /* APICBASE */
    {0x82, 1, 0x00, 0x0f, 0},     /* DLC */
    {0xa0, 1, 0x08, 0x1f, 0},     /* SMICNTL */
    {0xa2, 2, 0x0000, 0x00ff, 0}, /* SMIEN */
    {0xa4, 2, 0x0000, 0xffff, 0}, /* SEE */
    {0xa6, 2, 0x0000, 0xe000, 0},
    {0xa8, 1, 0x0f, 0xff, 0},     /* FTMR */
    {0xaa, 2, 0x0000, 0x00ff, 0}, /* SMIREQ */
    {0xac, 1, 0x00, 0xff, 0},     /* CTLTMR */
    {0xae, 1, 0x00, 0xff, 0},     /* CTHTMR */
    {0},
};

/* [chipset lock held] Brings the ISA lines in accord with the PIRQs and the routing. */
static void pci_piix3_irqs_update_locked(viv_dev_t *dev, PciBus *pci)
{
    uint8_t level[PCI_ISA_IRQS] = {0};

    for (uint32_t p = 0; p < PCI_PIRQS; p++) {
        uint32_t route = pci->pirq_route[p];
        if (!(route & PCI_PIIX3_PIRQRC_OFF) && (PCI_PIIX3_IRQ_MASK >> (route & 0xfu) & 1u))
            level[route & 0xfu] |= pci->pirq_count[p] != 0;
    }
    /* Falling lines first: a PIRQ that moves must not look like a second source. */
    for (uint32_t want = 0; want <= 1; want++) {
        for (uint32_t irq = 0; irq < PCI_ISA_IRQS; irq++) {
            if (level[irq] == want && pci->irq_level[irq] != want) {
                pci->irq_level[irq] = (uint8_t)want;
                dev->api->irq_set(dev, irq, want);
            }
        }
    }
}

static void pci_piix3_route_update(viv_dev_t *dev, PciBus *pci)
{
    pci->chipset->lock(dev);
    for (uint32_t p = 0; p < PCI_PIRQS; p++)
        pci->pirq_route[p] = (uint8_t)pci->pci->config_get(pci->isa_fn, PCI_PIIX3_PIRQRC + p, 1);
    pci_piix3_irqs_update_locked(dev, pci);
    pci->chipset->unlock(dev);
}

/* [any, chipset lock held] A function behind a bridge comes with its own bus number; bridges
 * forward pins after their own swizzle, so only the slot next to this bus counts here. */
static void pci_piix3_set_intx(viv_dev_t *dev, void *self, uint32_t bus, uint32_t devfn,
                               uint32_t pin, uint32_t level)
{
    PciBus *pci = self;

    if (bus > 255 || devfn > 255 || pin < 1 || pin > 4)
        return;
    uint64_t *word = &pci->intx[pin - 1][bus][devfn / 64];
    uint64_t bit = 1ull << (devfn % 64);
    if (((*word & bit) != 0) == (level != 0))
        return;

    uint32_t pirq = ((devfn >> 3) + pin + 2) & 3u; /* slot - 1 + pin - 1, modulo 4 */
    *word ^= bit;
    if (level)
        pci->pirq_count[pirq]++;
    else
        pci->pirq_count[pirq]--;
    pci_piix3_irqs_update_locked(dev, pci);
}

const viv_pcibus_ops_t pci_piix3_bus_ops = {
    .size = sizeof(viv_pcibus_ops_t),
    .set_intx = pci_piix3_set_intx,
};

/* [emt, device lock held] */
static void pci_piix3_written(viv_dev_t *dev, void *ctx, uint32_t off, uint32_t width,
                              uint32_t value)
{
    (void)value;
    if (off < PCI_PIIX3_PIRQRC + PCI_PIRQS && off + width > PCI_PIIX3_PIRQRC)
        pci_piix3_route_update(dev, ctx);
}

/* Functions say their levels anew after a reset and a load: they start low here, and the lines
 * too. */
static void pci_piix3_lines_forget(viv_dev_t *dev, PciBus *pci)
{
    pci->chipset->lock(dev);
    memset(pci->intx, 0, sizeof(pci->intx));
    memset(pci->pirq_count, 0, sizeof(pci->pirq_count));
    for (uint32_t irq = 0; irq < PCI_ISA_IRQS; irq++) {
        pci->irq_level[irq] = 0;
        dev->api->irq_set(dev, irq, 0);
    }
    pci->chipset->unlock(dev);
}

void pci_piix3_reset(viv_dev_t *dev, PciBus *pci)
{
    pci_regs_apply(pci, pci->isa_fn, pci_piix3_regs, 1);
    if (pci->ioapic)
        pci->pci->config_set(pci->isa_fn, PCI_PIIX3_XBCS, 0x0003 | PCI_PIIX3_XBCS_APIC, 2);
    pci->pci->config_set(pci->isa_fn, 0x04, 0x0007, 2);
    pci->pci->config_set(pci->isa_fn, 0x06, 0x0200, 2);
    pci_piix3_lines_forget(dev, pci);
    pci_piix3_route_update(dev, pci);
}

void pci_piix3_post_load(viv_dev_t *dev, PciBus *pci)
{
    pci_piix3_lines_forget(dev, pci);
    pci_piix3_route_update(dev, pci);
}

viv_status_t pci_piix3_construct(viv_dev_t *dev, PciBus *pci)
{
    static const viv_pci_desc_t desc = {
        .size = sizeof(desc),
        .vendor_id = 0x8086,
        .device_id = 0x7000,
        .subsystem_vendor_id = 0x1af4,
        .subsystem_id = 0x1100,
        .class_code = 0x060100,
        .header_type = 0x80, /* IDE is function 1, power management function 3 */
        .device = 1,
    };
    viv_status_t st = pci->pci->add(dev, 1, &desc, &pci->isa_fn);
    if (st != VIV_OK)
        return st;
    for (uint32_t p = 0; p < PCI_PIRQS; p++)
        pci->pirq_route[p] = PCI_PIIX3_PIRQRC_OFF;
    /* Command: I/O, memory and master are always on; only special cycles can be switched. */
    pci->pci->config_wmask(pci->isa_fn, 0x04, 0x0008, 2);
    pci_regs_apply(pci, pci->isa_fn, pci_piix3_regs, 1);
    pci->pci->config_hooks(pci->isa_fn, NULL, pci_piix3_written, pci);
    return VIV_OK;
}
