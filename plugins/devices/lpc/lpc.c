/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* lpc: the LPC bridge of the ICH9 (8086:2918 at 0:31.0), south bridge of the machines with ich9pci.
 * The guest sees function 31.0, the root complex register block at RCBA and the GPIO ports. INTx of
 * the root bus comes here to be routed (lpc_irq.c). Follows: ICH9 datasheet (316972), chapter 13.
 * What acts: PIRQ[A:H]_ROUT, RCBA, GPIOBASE and GC. The power management registers are the acpi
 * plugin's, a PIIX4 function that works on any board: what is written to PMBASE and ACPI_CNTL is
 * passed on to its PMBA and PMREGMISC, so that it answers where firmware put the block. Its first
 * 0Ch bytes are laid out alike; FADT and DSDT describe the rest.
 * Not modelled: TCO watchdog, SMI, the decode enables of LPC_I/O_DEC and LPC_EN (the ports of the
 * devices are fixed), Serial IRQ timing, the BIOS write protection (stored). */
#include "lpc_priv.h"

#define LPC_ACPI_EN     0x80u
#define LPC_CAP_VENDOR  0x09u
#define LPC_PM_FUNCTION 0x71138086u
#define LPC_PM_PMBA     0x40u
#define LPC_PM_REGMISC  0x80u

static const viv_option_t lpc_options[] = {{0}};

static const viv_field_t lpc_state[] = {
    VIV_FIELD_BYTES(Lpc, rcrb, 1),
    VIV_FIELD_BYTES(Lpc, gpio, 1),
    {0},
};

typedef struct LpcCfg {
    uint8_t off, width;
    uint32_t reset, wmask, w1c;
} LpcCfg;

static const LpcCfg lpc_cfg[] = {
    {LPC_PMBASE, 4, 0x00000001, 0x0000ff80, 0},
    {LPC_ACPI_CNTL, 1, 0x00, 0x87, 0},
    {LPC_GPIOBASE, 4, 0x00000001, 0x0000ff80, 0},
    {LPC_GC, 1, 0x00, 0x11, 0},
    {LPC_PIRQ_A, 4, 0x80808080, 0x8f8f8f8f, 0},
    {0x64, 1, 0x10, 0xff, 0}, /* SIRQ_CNTL */
    {LPC_PIRQ_E, 4, 0x80808080, 0x8f8f8f8f, 0},
    {0x6c, 2, 0x00f8, 0xffff, 0},         /* LPC_IBDF */
    {0x80, 2, 0x0000, 0x1377, 0},         /* LPC_I/O_DEC */
    {0x82, 2, 0x0000, 0x3f0f, 0},         /* LPC_EN */
    {0x84, 4, 0x00000000, 0x00fcfffd, 0}, /* GEN1_DEC */
    {0x88, 4, 0x00000000, 0x00fcfffd, 0}, /* GEN2_DEC */
    {0x8c, 4, 0x00000000, 0x00fcfffd, 0}, /* GEN3_DEC */
    {0x90, 4, 0x00000000, 0x00fcfffd, 0}, /* GEN4_DEC */
    {0xa0, 2, 0x0000, 0x06bf, 0},         /* GEN_PMCON_1 */
    {0xa2, 1, 0x00, 0x80, 0x07},          /* GEN_PMCON_2 */
    {0xa4, 2, 0x0000, 0x78f9, 0x0002},    /* GEN_PMCON_3 */
    {0xa6, 1, 0x00, 0x06, 0},             /* GEN_PMCON_LOCK */
    {0xab, 1, 0x00, 0xff, 0},             /* BM_BREAK_EN */
    {0xac, 4, 0x00000000, 0x00100303, 0}, /* PMIR */
    {0xb8, 4, 0x00000000, 0xffffffff, 0}, /* GPI_ROUT */
    {0xd0, 4, 0x00112233, 0x0fffffff, 0}, /* FWH_SEL1 */
    {0xd4, 2, 0x4567, 0xffff, 0},         /* FWH_SEL2 */
    {0xd8, 2, 0xffcf, 0x7fcf, 0},         /* FWH_DEC_EN1 */
    {0xdc, 1, 0x00, 0x1f, 0},             /* BIOS_CNTL */
    {LPC_RCBA, 4, 0x00000000, 0xffffc001, 0},
    {0},
};

static void lpc_cfg_apply(Lpc *lpc, int values)
{
    for (const LpcCfg *c = lpc_cfg; c->width; c++) {
        lpc->pci->config_wmask(lpc->fn, c->off, c->wmask, c->width);
        lpc->pci->config_w1c(lpc->fn, c->off, c->w1c, c->width);
        if (values)
            lpc->pci->config_set(lpc->fn, c->off, c->reset, c->width);
    }
}

/* The power management block follows. [emt, device lock held: ours, then the function's] */
static void lpc_pm_move(Lpc *lpc)
{
    uint32_t base = lpc->pci->config_get(lpc->fn, LPC_PMBASE, 4);
    uint32_t on = lpc->pci->config_get(lpc->fn, LPC_ACPI_CNTL, 1) & LPC_ACPI_EN;

    if (!lpc->pm_devfn)
        return;
    lpc->bus->config_write(lpc->dev, 0, lpc->pm_devfn, LPC_PM_PMBA, base, 4);
    lpc->bus->config_write(lpc->dev, 0, lpc->pm_devfn, LPC_PM_REGMISC, on != 0, 1);
}

/* [emt, device lock held] */
static void lpc_written(viv_dev_t *dev, void *ctx, uint32_t off, uint32_t width, uint32_t value)
{
    Lpc *lpc = ctx;
    (void)dev, (void)value;

    if (off < LPC_ACPI_CNTL + 1 && off + width > LPC_PMBASE)
        lpc_pm_move(lpc);
    if (off < LPC_PIRQ_E + 4 && off + width > LPC_PIRQ_A)
        lpc_irq_update(lpc);
    lpc_blocks_update(lpc);
}

/* -- life ------------------------------------------------------------------------------------ */

static void lpc_reset(viv_dev_t *dev, void *self)
{
    Lpc *lpc = self;
    (void)dev;

    lpc_cfg_apply(lpc, 1);
    lpc->pci->config_set(lpc->fn, 0x04, 0x0007, 2);
    lpc->pci->config_set(lpc->fn, 0x06, 0x0210, 2);
    lpc_blocks_reset(lpc);
    lpc_irq_forget(lpc);
    lpc_irq_update(lpc);
}

static viv_status_t lpc_post_load(viv_dev_t *dev, void *self, uint32_t version)
{
    Lpc *lpc = self;
    (void)dev, (void)version;

    lpc_blocks_post_load(lpc);
    lpc_irq_forget(lpc);
    lpc_irq_update(lpc);
    return VIV_OK;
}

/* All functions are there. */
static viv_status_t lpc_power_on(viv_dev_t *dev, void *self)
{
    Lpc *lpc = self;

    for (uint32_t devfn = 1; devfn < 256 && !lpc->pm_devfn; devfn++) {
        if (lpc->bus->config_read(dev, 0, devfn, 0, 4) == LPC_PM_FUNCTION)
            lpc->pm_devfn = devfn;
    }
    return VIV_OK;
}

static viv_status_t lpc_construct(viv_dev_t *dev, void *self)
{
    static const viv_pci_desc_t desc = {
        .size = sizeof(desc),
        .vendor_id = 0x8086,
        .device_id = 0x2918,
        .subsystem_vendor_id = 0x1af4,
        .subsystem_id = 0x1100,
        .class_code = 0x060100,
        .revision = 0x02,
        .header_type = 0x80, /* IDE, SATA and SMBus are further functions */
        .device = 31,
    };
    Lpc *lpc = self;
    viv_status_t st = VIV_OK;
    uint32_t cap = 0;

    lpc->dev = dev;
    lpc->pci = viv_need(dev, VIV_PCI_ID, sizeof(viv_pci_api_t), &st);
    lpc->bus = viv_need(dev, VIV_PCIBUS_ID, sizeof(viv_pcibus_api_t), &st);
    lpc->chipset = viv_need(dev, VIV_CHIPSET_ID, sizeof(viv_chipset_api_t), &st);
    if (st != VIV_OK || (st = lpc->pci->add(dev, 0, &desc, &lpc->fn)) != VIV_OK ||
        (st = lpc->pci->cap_add(lpc->fn, LPC_CAP_VENDOR, 16, 0xe0, &cap)) != VIV_OK ||
        (st = lpc->bus->route_intx(dev, &lpc_intx_ops, lpc)) != VIV_OK)
        return st;
    lpc->pci->config_set(lpc->fn, cap + 2, 0x100c, 2); /* FDCAP: 12 bytes, features */
    lpc->pci->config_wmask(lpc->fn, 0x04, 0x0140, 2);  /* I/O, memory and master are always on */
    lpc->pci->config_wmask(lpc->fn, 0x0c, 0, 2);
    lpc->pci->config_wmask(lpc->fn, 0x3c, 0, 1);
    lpc_cfg_apply(lpc, 1);
    lpc->pci->config_hooks(lpc->fn, NULL, lpc_written, lpc);
    return VIV_OK;
}

static const viv_device_class_t lpc_class = {
    VIV_DEVICE_CLASS_HEAD,
    .name = "lpc",
    .summary = "LPC bridge and interrupt router of an ICH9",
    .instance_size = sizeof(Lpc),
    .state_version = 1,
    .max_instances = 1,
    .order = VIV_ORDER_BUS_PCI,
    .options = lpc_options,
    .state = lpc_state,
    .construct = lpc_construct,
    .reset = lpc_reset,
    .power_on = lpc_power_on,
    .post_load = lpc_post_load,
};

VIV_PLUGIN("org.vivarium.lpc", "1.0", "LGPL-2.1-or-later", "LPC bridge of an ICH9", &lpc_class);
