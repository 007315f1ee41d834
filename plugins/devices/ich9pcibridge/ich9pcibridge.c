/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ich9pcibridge: a PCI Express root port (8086:29E1), or with ExpressEnabled=0 the ICH9's PCI
 * bridge (8086:2448). The guest sees a type 1 header; the port has the PCI Express capability
 * (version 2, root port, link up at 2.5 GT/s x1), MSI, power management and subsystem capabilities,
 * and room for one device, number 0. Follows: PCI-to-PCI Bridge Architecture Specification 1.2; PCI
 * Express Base Specification 3.0, 7.8; 3 Series Express Chipset datasheet (316966), chapter 8, for
 * the port's id. Not modelled: hot plug (no slot is implemented), errors, PME, power states,
 * retraining (it has ended by the time somebody looks), Link Disable (stored). */
#include <viv/device.h>
#include <viv/pci.h>

#define PORT_FIRST_SLOT 24u
#define PORT_SLOTS      32u

#define PORT_CAP_PM      0x01u
#define PORT_CAP_SSID    0x0du
#define PORT_CAP_EXPRESS 0x10u

#define PORT_LINK_CONTROL 0x10u
#define PORT_LINK_RETRAIN 0x20u

typedef struct Port {
    /* config */
    uint8_t express;

    /* host resources */
    const viv_pci_api_t *pci;
    viv_pci_fn_t *fn;
    uint32_t bus;
    uint32_t cap; /* PCI Express capability */
} Port;

static const viv_option_t port_options[] = {
    VIV_OPT_NAMED(Port, "ExpressEnabled", express, VIV_BOOL, 0, 1, 1,
                  "1: a PCI Express root port with one place behind it; 0: a conventional PCI "
                  "bridge with 32"),
    {0},
};

/* A register of the PCI Express capability: value after reset, bits that a guest may write, bits
 * that a one clears. */
typedef struct PortReg {
    uint8_t off, width;
    uint32_t reset, wmask, w1c;
} PortReg;

static const PortReg port_regs[] = {
    {0x02, 2, 0x0042, 0, 0},                   /* PCI Express: version 2, root port */
    {0x04, 4, 0x00008000, 0, 0},               /* DEVCAP: 128 bytes, role-based errors */
    {0x08, 2, 0x0000, 0x70ef, 0},              /* DEVCTL */
    {0x0a, 2, 0x0000, 0, 0x000f},              /* DEVSTS */
    {0x0c, 4, 0x01111c11, 0, 0},               /* LNKCAP: port 1, x1, 2.5 GT/s, L0s and L1, DLL */
    {PORT_LINK_CONTROL, 2, 0x0000, 0x0ff3, 0}, /* LNKCTL */
    {0x12, 2, 0x2011, 0, 0xc000},              /* LNKSTS: x1, 2.5 GT/s, data link active */
    {0x1c, 2, 0x0000, 0x001f, 0},              /* RTCTL */
    {0x20, 4, 0x00000000, 0, 0x00010000},      /* RTSTS */
    {0x24, 4, 0x0000001f, 0, 0},               /* DEVCAP2: completion time-outs, no more */
    {0x28, 2, 0x0000, 0x001f, 0},              /* DEVCTL2 */
    {0x30, 2, 0x0001, 0x0fff, 0},              /* LNKCTL2 */
    {0},
};

static void port_regs_apply(Port *port)
{
    for (const PortReg *r = port_regs; r->width; r++) {
        port->pci->config_set(port->fn, port->cap + r->off, r->reset, r->width);
        port->pci->config_wmask(port->fn, port->cap + r->off, r->wmask, r->width);
        port->pci->config_w1c(port->fn, port->cap + r->off, r->w1c, r->width);
    }
}

/* [emt, device lock held] Retrain Link reads as zero. */
static void port_written(viv_dev_t *dev, void *ctx, uint32_t off, uint32_t width, uint32_t value)
{
    Port *port = ctx;
    uint32_t at = port->cap + PORT_LINK_CONTROL;
    (void)dev, (void)value;

    if (off <= at && off + width > at)
        port->pci->config_set(port->fn, at,
                              port->pci->config_get(port->fn, at, 2) & ~PORT_LINK_RETRAIN, 2);
}

static viv_status_t port_capabilities(Port *port)
{
    const viv_pci_api_t *pci = port->pci;
    uint32_t ssid = 0, pm = 0;
    viv_status_t st;

    if ((st = pci->cap_add(port->fn, PORT_CAP_SSID, 8, 0x88, &ssid)) != VIV_OK ||
        (st = pci->cap_add(port->fn, PORT_CAP_PM, 8, 0x80, &pm)) != VIV_OK ||
        (st = pci->msi_add(port->fn, 0, 0, 0x90)) != VIV_OK ||
        (st = pci->cap_add(port->fn, PORT_CAP_EXPRESS, 0x3c, 0xa0, &port->cap)) != VIV_OK)
        return st;
    pci->config_set(port->fn, pm + 2, 0x0003, 2);   /* PMC: version 3, D0 and D3hot */
    pci->config_set(port->fn, pm + 4, 0x0008, 2);   /* PMCS: no soft reset */
    pci->config_wmask(port->fn, pm + 4, 0x0003, 2); /* power state, which changes nothing */
    port_regs_apply(port);
    pci->config_hooks(port->fn, NULL, port_written, port);
    return VIV_OK;
}

static viv_status_t port_construct(viv_dev_t *dev, void *self)
{
    Port *port = self;
    viv_status_t st = VIV_OK;
    uint32_t slot = PORT_FIRST_SLOT + dev->api->instance_number(dev);
    const viv_pci_desc_t desc = {
        .size = sizeof(desc),
        .vendor_id = 0x8086,
        .device_id = port->express ? 0x29e1 : 0x2448,
        .class_code = port->express ? 0x060400 : 0x060401,
        .revision = port->express ? 0x02 : 0x92,
        .header_type = 1,
        .int_pin = port->express ? 1 : 0,
        .device = (uint8_t)(slot < PORT_SLOTS ? slot : VIV_PCI_AUTO),
    };
    uint32_t flags = port->express ? VIV_BRIDGE_IO32 | VIV_BRIDGE_PREFETCH64 | VIV_BRIDGE_EXPRESS
                                   : VIV_BRIDGE_PREFETCH64 | VIV_BRIDGE_SUBTRACTIVE;

    port->pci = viv_need(dev, VIV_PCI_ID, sizeof(viv_pci_api_t), &st);
    const viv_pcibus_api_t *bus = viv_need(dev, VIV_PCIBUS_ID, sizeof(viv_pcibus_api_t), &st);
    if (st != VIV_OK || (st = port->pci->add(dev, 0, &desc, &port->fn)) != VIV_OK ||
        (st = bus->bridge_add(dev, port->fn, flags, &port->bus)) != VIV_OK)
        return st;
    if (port->express)
        return port_capabilities(port);
    port->pci->config_set(port->fn, 0x06, 0x0010, 2);
    port->pci->config_set(port->fn, 0x1e, 0x0280, 2);
    uint32_t ssid = 0;
    return port->pci->cap_add(port->fn, PORT_CAP_SSID, 8, 0x50, &ssid);
}

static const viv_device_class_t port_class = {
    VIV_DEVICE_CLASS_HEAD,
    .name = "ich9pcibridge",
    .summary = "PCI Express root port, or the PCI bridge of an ICH9",
    .instance_size = sizeof(Port),
    .order = VIV_ORDER_BUS_PCI,
    .options = port_options,
    .construct = port_construct,
};

VIV_PLUGIN("org.vivarium.ich9pcibridge", "1.0", "LGPL-2.1-or-later", "PCI Express root port",
           &port_class);
