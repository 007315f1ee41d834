/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ich9pci: the memory controller hub of a PC with an ICH9, host bridge 0:0.0 of a PCI Express root.
 * The guest sees configuration mechanism #1 at CF8h/CFCh, the reset control register at CF9h,
 * configuration space in memory where PCIEXBAR has it, and function 0:0.0. The south bridge is the
 * lpc plugin, which routes interrupts. Follows: 3 Series Express Chipset Family datasheet (316966);
 * PCI Express Base Specification, 7.2.2; ICH9 datasheet (316972), 13.7.4, for CF9h. VirtualBox's
 * host bridge calls itself an X38 (8086:29E0); ours is the 8086:29C0 that the firmware drives. */
#include "ich9pci_priv.h"

#define ICH9PCI_CF8_ENABLE 0x80000000u
#define ICH9PCI_CF8_MASK   0x80fffffcu /* bits 30:24 and 1:0 are reserved and read as zero */
#define ICH9PCI_CF9_RCPU   0x04u       /* a rise of it resets */
#define ICH9PCI_CF9_HARD   0x02u       /* the machine, not just the processors */
#define ICH9PCI_CF9_MASK   0x0eu       /* with full reset, which is a hard one here */

static const viv_option_t ich9pci_options[] = {
    VIV_OPT_NAMED(Ich9Pci, "McfgBase", mcfg_base, VIV_U64, 0, 0xf0000000u, 0,
                  "guest-physical address of the PCI Express configuration space after reset, a "
                  "multiple of McfgLength; 0: nowhere until firmware chooses one"),
    VIV_OPT_NAMED(Ich9Pci, "McfgLength", mcfg_len, VIV_U32, 0x4000000, 0x10000000, 0x10000000,
                  "its length in bytes after reset: 64, 128 or 256 MiB, one MiB a bus"),
    VIV_OPT_NAMED(Ich9Pci, "ExpressEnabled", express, VIV_BOOL, 0, 1, 1,
                  "there is a PCI Express configuration space (PCIEXBAR and an MCFG table)"),
    {0},
};

static const viv_field_t ich9pci_state[] = {
    VIV_FIELD(Ich9Pci, config_address, VIV_U32, 1),
    VIV_FIELD(Ich9Pci, reset_control, VIV_U8, 1),
    {0},
};

/* A hard reset is the machine's; a soft one gives every processor an INIT. */
static void ich9pci_reset_machine(viv_dev_t *dev, Ich9Pci *ich, uint32_t hard)
{
    if (hard) {
        ich->vm->reset(dev);
        return;
    }
    ich->chipset->lock(dev);
    for (uint32_t i = 0; i < ich->vm->cpu_count(dev); i++)
        ich->chipset->cpu_init(dev, i);
    ich->chipset->unlock(dev);
}

/* -- CF8h-CFBh: only a whole dword is the address register; CF9h as a byte is reset control -- */

/* [emt, device lock held] */
static uint64_t ich9pci_address_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    Ich9Pci *ich = ctx;
    (void)dev;

    if (width == 4)
        return __atomic_load_n(&ich->config_address, __ATOMIC_RELAXED);
    if (width == 1 && off == 1)
        return ich->reset_control;
    return ~0ull;
}

static void ich9pci_address_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value,
                                  uint32_t width)
{
    Ich9Pci *ich = ctx;

    if (width == 4) {
        __atomic_store_n(&ich->config_address, (uint32_t)value & ICH9PCI_CF8_MASK,
                         __ATOMIC_RELAXED);
    } else if (width == 1 && off == 1) {
        uint8_t old = ich->reset_control;
        ich->reset_control = (uint8_t)(value & ICH9PCI_CF9_MASK);
        if (value & ICH9PCI_CF9_RCPU && !(old & ICH9PCI_CF9_RCPU))
            ich9pci_reset_machine(dev, ich, value & ICH9PCI_CF9_HARD);
    }
}

static const viv_io_ops_t ich9pci_address_ops = {
    .size = sizeof(viv_io_ops_t),
    .widths = VIV_W8 | VIV_W16 | VIV_W32,
    .read = ich9pci_address_read,
    .write = ich9pci_address_write,
};

/* -- CFCh-CFFh ------------------------------------------------------------------------------- */

/* [emt, no lock] The configuration space that is reached has its own lock, taken by the host. */
static uint64_t ich9pci_data_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    Ich9Pci *ich = ctx;
    uint32_t addr = __atomic_load_n(&ich->config_address, __ATOMIC_RELAXED);

    if (!(addr & ICH9PCI_CF8_ENABLE))
        return ~0ull;
    return ich->bus->config_read(dev, addr >> 16 & 0xffu, addr >> 8 & 0xffu,
                                 (addr & 0xfcu) + (uint32_t)off, width);
}

static void ich9pci_data_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value,
                               uint32_t width)
{
    Ich9Pci *ich = ctx;
    uint32_t addr = __atomic_load_n(&ich->config_address, __ATOMIC_RELAXED);

    if (addr & ICH9PCI_CF8_ENABLE)
        ich->bus->config_write(dev, addr >> 16 & 0xffu, addr >> 8 & 0xffu,
                               (addr & 0xfcu) + (uint32_t)off, (uint32_t)value, width);
}

/* What is not aligned comes in bytes. */
static const viv_io_ops_t ich9pci_data_ops = {
    .size = sizeof(viv_io_ops_t),
    .widths = VIV_W8 | VIV_W16 | VIV_W32,
    .flags = VIV_IO_NO_LOCK,
    .read = ich9pci_data_read,
    .write = ich9pci_data_write,
};

/* -- life ------------------------------------------------------------------------------------ */

static void ich9pci_reset(viv_dev_t *dev, void *self)
{
    Ich9Pci *ich = self;

    __atomic_store_n(&ich->config_address, 0, __ATOMIC_RELAXED);
    ich->reset_control = 0;
    ich9pci_mch_reset(dev, ich);
}

static viv_status_t ich9pci_post_load(viv_dev_t *dev, void *self, uint32_t version)
{
    Ich9Pci *ich = self;
    (void)version;

    ich->config_address &= ICH9PCI_CF8_MASK;
    ich->reset_control &= ICH9PCI_CF9_MASK;
    ich9pci_mch_post_load(dev, ich);
    return VIV_OK;
}

static const viv_pcibus_ops_t ich9pci_bus_ops = {.size = sizeof(viv_pcibus_ops_t)};

static viv_status_t ich9pci_construct(viv_dev_t *dev, void *self)
{
    Ich9Pci *ich = self;
    const viv_dev_api_t *api = dev->api;
    viv_status_t st = VIV_OK;

    ich->pci = viv_need(dev, VIV_PCI_ID, sizeof(viv_pci_api_t), &st);
    ich->bus = viv_need(dev, VIV_PCIBUS_ID, sizeof(viv_pcibus_api_t), &st);
    ich->chipset = viv_need(dev, VIV_CHIPSET_ID, sizeof(viv_chipset_api_t), &st);
    ich->vm = viv_need(dev, VIV_VM_ID, sizeof(viv_vm_api_t), &st);
    ich->fwfile = viv_need(dev, VIV_FWFILE_ID, sizeof(viv_fwfile_api_t), &st);
    if (st != VIV_OK)
        return st;
    if (ich->mcfg_len & (ich->mcfg_len - 1) || ich->mcfg_base % ich->mcfg_len)
        return api->fail(dev, VIV_E_CONFIG,
                         "McfgLength is 64, 128 or 256 MiB, and McfgBase a multiple of it");
    if ((st = ich->bus->provide(dev, &ich9pci_bus_ops, ich)) != VIV_OK)
        return api->fail(dev, st, "the machine has a PCI host bridge already");
    if ((st = ich9pci_mch_construct(dev, ich)) != VIV_OK ||
        (st = api->pio_map(dev, 0xcf8, 4, &ich9pci_address_ops, ich, "PCI address, reset control",
                           NULL)) != VIV_OK)
        return st;
    return api->pio_map(dev, 0xcfc, 4, &ich9pci_data_ops, ich, "PCI data", NULL);
}

static const viv_device_class_t ich9pci_class = {
    VIV_DEVICE_CLASS_HEAD,
    .name = "ich9pci",
    .summary = "Host bridge of a PC with an ICH9, PCI Express root",
    .instance_size = sizeof(Ich9Pci),
    .state_version = 1,
    .max_instances = 1,
    .order = VIV_ORDER_BUS_PCI,
    .options = ich9pci_options,
    .state = ich9pci_state,
    .construct = ich9pci_construct,
    .reset = ich9pci_reset,
    .post_load = ich9pci_post_load,
};

VIV_PLUGIN("org.vivarium.ich9pci", "1.0", "LGPL-2.1-or-later", "PCI Express root of an ICH9 PC",
           &ich9pci_class);
