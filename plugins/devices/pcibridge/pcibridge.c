/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pcibridge: the PCI-to-PCI bridge of Intel's 82801 mobile hubs (8086:2448).
 * The guest sees a type 1 header with 16-bit I/O and 32-bit memory windows, subtractive decoding,
 * and the subsystem capability. Devices are put behind the n-th bridge of the machine with
 * PCIBusNo=n. Follows: PCI-to-PCI Bridge Architecture Specification 1.2; ICH4-M datasheet (252337),
 * chapter 8.1, for ids and the registers at 40h-50h. Not modelled: discard timers and parity (there
 * is nothing to discard and no error). */
#include <viv/device.h>
#include <viv/pci.h>

#define PCIBRIDGE_FIRST_SLOT 24u
#define PCIBRIDGE_SLOTS      32u
#define PCIBRIDGE_CAP_SSID   0x0du

typedef struct PciBridge {
    /* config */
    uint8_t subtractive;

    /* host resources */
    const viv_pci_api_t *pci;
    viv_pci_fn_t *fn;
    uint32_t bus;
} PciBridge;

static const viv_option_t pcibridge_options[] = {
    VIV_OPT_NAMED(PciBridge, "Subtractive", subtractive, VIV_BOOL, 0, 1, 1,
                  "the bridge forwards what nobody else claims, as the chip does; 0: only what its "
                  "windows say"),
    {0},
};

static void pcibridge_registers(PciBridge *bridge, uint32_t cap)
{
    const viv_pci_api_t *pci = bridge->pci;
    viv_pci_fn_t *fn = bridge->fn;

    pci->config_set(fn, 0x06, 0x0280 | 0x10,
                    2); /* fast back-to-back, medium DEVSEL#, capabilities */
    pci->config_set(fn, 0x1e, 0x0280, 2);
    pci->config_wmask(fn, 0x04, 0x0147, 2); /* no VGA palette snooping */
    pci->config_wmask(fn, 0x0c, 0xf8ff, 2); /* latency timer in steps of 8 */
    pci->config_wmask(fn, 0x1b, 0xf8, 1);
    pci->config_wmask(fn, 0x3c, 0, 1);    /* no interrupt of its own */
    pci->config_set(fn, 0x50, 0x1400, 2); /* CNF */
    pci->config_wmask(fn, 0x50, 0x0306, 2);
    pci->config_set(fn, 0x70, 0x20, 1); /* MTT */
    pci->config_wmask(fn, 0x70, 0xf8, 1);
    pci->config_set(fn, cap + 4, 0, 4); /* SSVID, SSID: none */
}

static viv_status_t pcibridge_construct(viv_dev_t *dev, void *self)
{
    PciBridge *bridge = self;
    viv_status_t st = VIV_OK;
    uint32_t cap = 0, slot = PCIBRIDGE_FIRST_SLOT + dev->api->instance_number(dev);
    const viv_pci_desc_t desc = {
        .size = sizeof(desc),
        .vendor_id = 0x8086,
        .device_id = 0x2448,
        .class_code = bridge->subtractive ? 0x060401 : 0x060400,
        .revision = 0xf2,
        .header_type = 1,
        .device = (uint8_t)(slot < PCIBRIDGE_SLOTS ? slot : VIV_PCI_AUTO),
    };

    bridge->pci = viv_need(dev, VIV_PCI_ID, sizeof(viv_pci_api_t), &st);
    const viv_pcibus_api_t *bus = viv_need(dev, VIV_PCIBUS_ID, sizeof(viv_pcibus_api_t), &st);
    if (st != VIV_OK || (st = bridge->pci->add(dev, 0, &desc, &bridge->fn)) != VIV_OK ||
        (st = bus->bridge_add(dev, bridge->fn, bridge->subtractive ? VIV_BRIDGE_SUBTRACTIVE : 0,
                              &bridge->bus)) != VIV_OK ||
        (st = bridge->pci->cap_add(bridge->fn, PCIBRIDGE_CAP_SSID, 8, 0xa0, &cap)) != VIV_OK)
        return st;
    pcibridge_registers(bridge, cap);
    return VIV_OK;
}

static const viv_device_class_t pcibridge_class = {
    VIV_DEVICE_CLASS_HEAD,
    .name = "pcibridge",
    .summary = "PCI-to-PCI bridge of an Intel 82801",
    .instance_size = sizeof(PciBridge),
    .order = VIV_ORDER_BUS_PCI,
    .options = pcibridge_options,
    .construct = pcibridge_construct,
};

VIV_PLUGIN("org.vivarium.pcibridge", "1.0", "LGPL-2.1-or-later", "PCI-to-PCI bridge",
           &pcibridge_class);
