/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pci: the 440FX/PIIX3 PCI bus of a PC: host bridge 0:0.0, PIIX3 ISA bridge 0:1.0.
 * The guest sees configuration mechanism #1 at CF8h/CFCh, the reset control register at CF9h and
 * the two functions.
 * Follows: PCI Local Bus Specification 3.0, 3.2.2.3.2; 440FX datasheet (290549); PIIX3 datasheet
 * (290550), 2.5.5.1 for CF9h.
 * The IDE function 1.1 belongs to piix3ide, power management 1.3 to acpi, the ELCR ports 4D0h/4D1h
 * to i8259.
 * Not modelled: configuration mechanism #2, special cycles. */
#include "pci_priv.h"

#define PCI_CF8_ENABLE 0x80000000u
#define PCI_CF8_MASK   0x80fffffcu /* bits 30:24 and 1:0 are reserved and read as zero */
#define PCI_CF9_RCPU   0x04u       /* a rise of it resets */
#define PCI_CF9_HARD   0x02u       /* SRST: the machine, not just the processors */
#define PCI_CF9_MASK   0x06u

static const viv_option_t pci_options[] = {
    VIV_OPT_NAMED(PciBus, "IOAPIC", ioapic, VIV_BOOL, 0, 1, 1,
                  "the board has an I/O APIC: XBCS bit 8 is set after reset"),
    {0},
};

static const viv_field_t pci_state[] = {
    VIV_FIELD(PciBus, config_address, VIV_U32, 1),
    VIV_FIELD(PciBus, reset_control, VIV_U8, 1),
    {0},
};

/* A hard reset is the machine's; a soft one gives every processor an INIT. */
void pci_reset_machine(viv_dev_t *dev, PciBus *pci, uint32_t hard)
{
    if (hard) {
        pci->vm->reset(dev);
        return;
    }
    pci->chipset->lock(dev);
    for (uint32_t i = 0; i < pci->vm->cpu_count(dev); i++)
        pci->chipset->cpu_init(dev, i);
    pci->chipset->unlock(dev);
}

/* -- CF8h-CFBh: only a whole dword is the address register; CF9h as a byte is reset control -- */

/* [emt, device lock held] */
static uint64_t pci_address_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    PciBus *pci = ctx;
    (void)dev;

    if (width == 4)
        return __atomic_load_n(&pci->config_address, __ATOMIC_RELAXED);
    if (width == 1 && off == 1)
        return pci->reset_control;
    return ~0ull;
}

static void pci_address_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value,
                              uint32_t width)
{
    PciBus *pci = ctx;

    if (width == 4) {
        __atomic_store_n(&pci->config_address, (uint32_t)value & PCI_CF8_MASK, __ATOMIC_RELAXED);
    } else if (width == 1 && off == 1) {
        uint8_t old = pci->reset_control;
        pci->reset_control = (uint8_t)(value & PCI_CF9_MASK);
        if (value & PCI_CF9_RCPU && !(old & PCI_CF9_RCPU))
            pci_reset_machine(dev, pci, value & PCI_CF9_HARD);
    }
}

static const viv_io_ops_t pci_address_ops = {
    .size = sizeof(viv_io_ops_t),
    .widths = VIV_W8 | VIV_W16 | VIV_W32,
    .read = pci_address_read,
    .write = pci_address_write,
};

/* -- CFCh-CFFh ------------------------------------------------------------------------------- */

/* [emt, no lock] The configuration space that is reached has its own lock, taken by the host:
 * holding ours as well would order two device locks. Guests serialise CF8h/CFCh pairs themselves,
 * as they must on hardware. */
static uint64_t pci_data_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    PciBus *pci = ctx;
    uint32_t addr = __atomic_load_n(&pci->config_address, __ATOMIC_RELAXED);

    if (!(addr & PCI_CF8_ENABLE))
        return ~0ull;
    if (off + width > 4) { /* does not fit the dword: byte by byte, ones beyond its end */
        uint64_t value = ~0ull;
        for (uint32_t i = 0; i < width && off + i < 4; i++) {
            uint64_t byte = pci_data_read(dev, ctx, off + i, 1) & 0xffu;
            value = (value & ~(0xffull << (8 * i))) | byte << (8 * i);
        }
        return value;
    }
    return pci->bus->config_read(dev, addr >> 16 & 0xffu, addr >> 8 & 0xffu,
                                 (addr & 0xfcu) + (uint32_t)off, width);
}

static void pci_data_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value, uint32_t width)
{
    PciBus *pci = ctx;
    uint32_t addr = __atomic_load_n(&pci->config_address, __ATOMIC_RELAXED);

    if (!(addr & PCI_CF8_ENABLE))
        return;
    if (off + width > 4) {
        for (uint32_t i = 0; i < width && off + i < 4; i++)
            pci_data_write(dev, ctx, off + i, value >> (8 * i) & 0xffu, 1);
        return;
    }
    pci->bus->config_write(dev, addr >> 16 & 0xffu, addr >> 8 & 0xffu,
                           (addr & 0xfcu) + (uint32_t)off, (uint32_t)value, width);
}

static const viv_io_ops_t pci_data_ops = {
    .size = sizeof(viv_io_ops_t),
    .widths = VIV_W8 | VIV_W16 | VIV_W32,
    .flags = VIV_IO_UNALIGNED | VIV_IO_NO_LOCK,
    .read = pci_data_read,
    .write = pci_data_write,
};

/* -- life ------------------------------------------------------------------------------------ */

static void pci_reset(viv_dev_t *dev, void *self)
{
    PciBus *pci = self;

    __atomic_store_n(&pci->config_address, 0, __ATOMIC_RELAXED);
    pci->reset_control = 0;
    pci_host_reset(dev, pci);
    pci_piix3_reset(dev, pci);
}

static viv_status_t pci_post_load(viv_dev_t *dev, void *self, uint32_t version)
{
    PciBus *pci = self;
    (void)version;

    pci->config_address &= PCI_CF8_MASK;
    pci->reset_control &= PCI_CF9_MASK;
    pci_host_post_load(dev, pci);
    pci_piix3_post_load(dev, pci);
    return VIV_OK;
}

static viv_status_t pci_construct(viv_dev_t *dev, void *self)
{
    PciBus *pci = self;
    const viv_dev_api_t *api = dev->api;
    viv_status_t st = VIV_OK;

    pci->pci = viv_need(dev, VIV_PCI_ID, sizeof(viv_pci_api_t), &st);
    pci->bus = viv_need(dev, VIV_PCIBUS_ID, sizeof(viv_pcibus_api_t), &st);
    pci->chipset = viv_need(dev, VIV_CHIPSET_ID, sizeof(viv_chipset_api_t), &st);
    pci->vm = viv_need(dev, VIV_VM_ID, sizeof(viv_vm_api_t), &st);
    if (st != VIV_OK)
        return st;
    if ((st = pci->bus->provide(dev, &pci_piix3_bus_ops, pci)) != VIV_OK)
        return api->fail(dev, st, "the machine has a PCI host bridge already");
    if ((st = pci_host_construct(dev, pci)) != VIV_OK ||
        (st = pci_piix3_construct(dev, pci)) != VIV_OK)
        return st;
    if ((st = api->pio_map(dev, 0xcf8, 4, &pci_address_ops, pci, "PCI address, reset control",
                           NULL)) != VIV_OK)
        return st;
    return api->pio_map(dev, 0xcfc, 4, &pci_data_ops, pci, "PCI data", NULL);
}

static const viv_device_class_t pci_class = {
    VIV_DEVICE_CLASS_HEAD,
    .name = "pci",
    .summary = "i440FX host bridge and PIIX3 ISA bridge",
    .instance_size = sizeof(PciBus),
    .state_version = 1,
    .max_instances = 1,
    .order = VIV_ORDER_BUS_PCI,
    .options = pci_options,
    .state = pci_state,
    .construct = pci_construct,
    .reset = pci_reset,
    .post_load = pci_post_load,
};

VIV_PLUGIN("org.vivarium.pci", "1.0", "LGPL-2.1-or-later", "PCI bus of an i440FX/PIIX3 PC",
           &pci_class);
