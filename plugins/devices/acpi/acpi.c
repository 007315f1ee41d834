/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* acpi: power management function of the PIIX4 (8086:7113) and the machine's ACPI tables.
 * The guest sees PM1, PM timer, GPE0 (AFE0h), SMI command port B2h/B3h (no SMM behind it: the two
 * commands that switch ACPI mode are obeyed at once), SMBus host with the memory modules' EEPROMs,
 * SCI on IRQ 9; tables through the firmware or the direct boot loader.
 * Follows: 82371AB datasheet (290562), chapter 7; ACPI 6.5.
 * The function sits at 0:1.3 beside the ISA bridge as firmware expects; the CFGM place keys move
 * it.
 * Not modelled: device idle traps, SMI, CPU hot-plug. */
#include "acpi_priv.h"

#include <stdlib.h>
#include <string.h>

#define ACPI_CFG_PMBA      0x40u
#define ACPI_CFG_DEVACTB   0x58u
#define ACPI_CFG_APMC_EN   0x02000000u /* bit 25 of DEVACTB, bit 1 of 5Bh */
#define ACPI_CFG_PMREGMISC 0x80u
#define ACPI_CFG_SMBBA     0x90u
#define ACPI_CFG_SMBHSTCFG 0xd2u

static const viv_option_t acpi_options[] = {
    VIV_OPT_NAMED(Acpi, "PMBase", pm_base, VIV_U16, 0x40, 0xffc0, 0x600,
                  "where the tables say the PM block is; SeaBIOS programs 600h"),
    VIV_OPT_NAMED(Acpi, "PMBasePreset", pm_preset, VIV_BOOL, 0, 1, 1,
                  "the block is mapped there after reset, so that a directly booted kernel finds "
                  "it; 0: as hardware, off"),
    VIV_OPT_NAMED(Acpi, "PMTimerBits", timer_bits, VIV_U8, 24, 32, 24,
                  "width of the PM timer: 24 or 32"),
    VIV_OPT_STRING(Acpi, "AcpiOemId", oem_id, "VIVARM",
                   "OEM id in the tables, up to six characters"),
    VIV_OPT_STRING(Acpi, "CustomTable0", custom[0], NULL, "file with a further table"),
    VIV_OPT_STRING(Acpi, "CustomTable1", custom[1], NULL, "file with a further table"),
    VIV_OPT_STRING(Acpi, "CustomTable2", custom[2], NULL, "file with a further table"),
    VIV_OPT_STRING(Acpi, "CustomTable3", custom[3], NULL, "file with a further table"),
    {0},
};

static const viv_field_t acpi_state[] = {
    VIV_FIELD_BYTES(Acpi, pm, 1),
    VIV_FIELD_BYTES(Acpi, gpe, 1),
    VIV_FIELD(Acpi, apmc, VIV_U8, 1),
    VIV_FIELD(Acpi, apms, VIV_U8, 1),
    VIV_FIELD_BYTES(Acpi, smb, 1),
    VIV_FIELD_BYTES(Acpi, smb_block, 1),
    VIV_FIELD(Acpi, smb_block_at, VIV_U8, 1),
    VIV_FIELD(Acpi, timer_halves, VIV_U64, 1),
    VIV_FIELD(Acpi, sleeping, VIV_U8, 2),
    VIV_FIELD(Acpi, info_index, VIV_U32, 2),
    VIV_FIELD_BYTES(Acpi, spd_at, 2),
    {0},
};

typedef struct AcpiCfg {
    uint8_t off, width;
    uint32_t reset, wmask;
} AcpiCfg;

static const AcpiCfg acpi_cfg[] = {
    {ACPI_CFG_PMBA, 4, 0x00000001, 0x0000ffc0},
    {0x44, 4, 0x00000000, 0xffffffff}, /* CNTA */
    {0x48, 4, 0x00000000, 0xffffffff}, /* CNTB */
    {0x4c, 4, 0x00000000, 0xffffffff}, /* GPICTL */
    {0x50, 4, 0x00000000, 0x00ffffff}, /* DEVRESD */
    {0x54, 4, 0x00000000, 0xffffffff}, /* DEVACTA */
    /* Firmware that sees APMC_EN set takes SMM for settled and leaves it alone: right, for there is
     * none. */
    {ACPI_CFG_DEVACTB, 4, ACPI_CFG_APMC_EN, 0xffffffff},
    {0x5c, 4, 0x00000000, 0xffffffff}, /* DEVRESA */
    {0x60, 4, 0x00000000, 0xffffffff}, /* DEVRESB */
    {0x64, 4, 0x00000000, 0xffffffff}, /* DEVRESC */
    {0x68, 4, 0x00000000, 0xffffffff}, /* DEVRESE */
    {0x6c, 4, 0x00000000, 0xffffffff}, /* DEVRESF */
    {0x70, 4, 0x00000000, 0xffffffff}, /* DEVRESG */
    {0x74, 4, 0x00000000, 0xffffffff}, /* DEVRESH */
    {0x78, 4, 0x00000000, 0xffffffff}, /* DEVRESI */
    {0x7c, 4, 0x00000000, 0xffffffff}, /* DEVRESJ */
    {ACPI_CFG_PMREGMISC, 1, 0x00, 0x01},
    {ACPI_CFG_SMBBA, 4, 0x00000001, 0x0000fff0},
    {ACPI_CFG_SMBHSTCFG, 1, 0x00, 0x0f},
    {0xd4, 2, 0x0000, 0xffff}, /* SMBSLVC, SMBSHDW1 */
    {0xd6, 1, 0x00, 0xff},     /* SMBSHDW2 */
    {0},
};

/* -- where the register blocks lie ----------------------------------------------------------- */

static void acpi_block_move(Acpi *acpi, uint32_t to, uint32_t count, const viv_io_ops_t *ops,
                            const char *name, uint32_t *at, viv_range_t **range)
{
    const viv_dev_api_t *api = acpi->dev->api;

    if (*at == to)
        return;
    api->range_unmap(acpi->dev, *range);
    *range = NULL;
    *at = 0;
    if (!to)
        return;
    if (api->pio_map(acpi->dev, to, count, ops, acpi, name, range) == VIV_OK)
        *at = to;
    else
        api->log(acpi->dev, VIV_LOG_TRACE, "%s at %xh overlaps another device's ports", name, to);
}

uint32_t acpi_apmc_enabled(const Acpi *acpi)
{
    return acpi->pci->config_get(acpi->fn, ACPI_CFG_DEVACTB, 4) & ACPI_CFG_APMC_EN;
}

static void acpi_blocks_update(Acpi *acpi)
{
    const viv_pci_api_t *pci = acpi->pci;
    uint32_t pm = pci->config_get(acpi->fn, ACPI_CFG_PMBA, 4) & 0xffc0u;
    uint32_t smb = pci->config_get(acpi->fn, ACPI_CFG_SMBBA, 4) & 0xfff0u;

    if (!(pci->config_get(acpi->fn, ACPI_CFG_PMREGMISC, 1) & 1u))
        pm = 0;
    if (!(pci->config_get(acpi->fn, ACPI_CFG_SMBHSTCFG, 1) & 1u))
        smb = 0;
    acpi_block_move(acpi, pm, ACPI_PM_BYTES, &acpi_pm_ops, "ACPI PM", &acpi->pm_at,
                    &acpi->pm_range);
    acpi_block_move(acpi, smb, ACPI_SMBUS_BYTES, &acpi_smbus_ops, "SMBus", &acpi->smb_at,
                    &acpi->smb_range);
    acpi_publish_pm(acpi, acpi->pm_at ? acpi->pm_at : acpi->pm_base);
}

/* [emt, device lock held] */
static void acpi_cfg_written(viv_dev_t *dev, void *ctx, uint32_t off, uint32_t width,
                             uint32_t value)
{
    (void)dev, (void)width, (void)value;
    if (off < ACPI_CFG_PMBA)
        return;
    acpi_blocks_update(ctx);
    acpi_sci_update(ctx); /* SMBHSTCFG chooses the SMBus interrupt */
}

/* -- buttons: called from outside without locks ---------------------------------------------- */

static void acpi_button(Acpi *acpi, uint32_t bit)
{
    const viv_dev_api_t *api = acpi->dev->api;

    api->lock(acpi->dev);
    acpi_pm_button(acpi, bit);
    api->unlock(acpi->dev);
}

/* [any, no lock] */
static void acpi_port_power_button(void *self)
{
    acpi_button(self, ACPI_PM1_POWER_BUTTON);
}

static void acpi_port_sleep_button(void *self)
{
    acpi_button(self, ACPI_PM1_SLEEP_BUTTON);
}

static uint32_t acpi_port_wake(void *self)
{
    Acpi *acpi = self;
    const viv_dev_api_t *api = acpi->dev->api;

    api->lock(acpi->dev);
    uint32_t asleep = acpi_sleep_state(acpi);
    acpi_wake(acpi);
    api->unlock(acpi->dev);
    return asleep;
}

static uint32_t acpi_port_sleep_state(void *self)
{
    Acpi *acpi = self;
    const viv_dev_api_t *api = acpi->dev->api;

    api->lock(acpi->dev);
    uint32_t state = acpi_sleep_state(acpi);
    api->unlock(acpi->dev);
    return state;
}

static void acpi_port_power_changed(void *self)
{
    Acpi *acpi = self;
    const viv_dev_api_t *api = acpi->dev->api;

    api->lock(acpi->dev);
    acpi_power_poll(acpi->dev, acpi);
    api->unlock(acpi->dev);
}

static const viv_acpi_port_ops_t acpi_port_ops = {
    .size = sizeof(viv_acpi_port_ops_t),
    .power_button = acpi_port_power_button,
    .sleep_button = acpi_port_sleep_button,
    .wake = acpi_port_wake,
    .sleep_state = acpi_port_sleep_state,
    .power_changed = acpi_port_power_changed,
};

static viv_status_t acpi_query_interface(viv_dev_t *dev, void *self, uint32_t lun, const char *id,
                                         viv_iface_t *ret_iface)
{
    (void)dev;

    if (lun != 0 || strcmp(id, VIV_ACPI_PORT_ID) != 0)
        return VIV_E_NOT_FOUND;
    ret_iface->ops = &acpi_port_ops;
    ret_iface->self = self;
    return VIV_OK;
}

/* -- life ------------------------------------------------------------------------------------ */

static void acpi_reset(viv_dev_t *dev, void *self)
{
    Acpi *acpi = self;
    (void)dev;

    for (const AcpiCfg *c = acpi_cfg; c->width; c++)
        acpi->pci->config_set(acpi->fn, c->off, c->reset, c->width);
    acpi->pci->config_set(acpi->fn, 0x06, 0x0280, 2);
    if (acpi->pm_preset) {
        acpi->pci->config_set(acpi->fn, ACPI_CFG_PMBA, acpi->pm_base | 1u, 4);
        acpi->pci->config_set(acpi->fn, ACPI_CFG_PMREGMISC, 1, 1);
    }
    acpi_smbus_reset(acpi);
    acpi_pm_reset(acpi);
    acpi_sleep_reset(acpi);
    acpi_power_reset(acpi);
    acpi_blocks_update(acpi);
    acpi_sci_update(acpi);
}

static viv_status_t acpi_post_load(viv_dev_t *dev, void *self, uint32_t version)
{
    Acpi *acpi = self;

    if (version < 2) {
        acpi->sleeping = 0;
        acpi->info_index = 0;
        memset(acpi->spd_at, 0, sizeof(acpi->spd_at));
    }
    acpi->smb_block_at &= 31u;
    acpi_power_post_load(acpi);
    acpi_pm_post_load(acpi);
    acpi_blocks_update(acpi);
    acpi_sleep_post_load(acpi);
    dev->api->irq_set(dev, ACPI_SCI_IRQ, 0);
    acpi->sci = 0;
    acpi_sci_update(acpi);
    return VIV_OK;
}

static viv_status_t acpi_power_on(viv_dev_t *dev, void *self)
{
    viv_status_t st = acpi_sleep_publish(self);
    (void)dev;

    return st == VIV_OK ? acpi_publish(self) : st;
}

static void acpi_destruct(viv_dev_t *dev, void *self)
{
    Acpi *acpi = self;
    (void)dev;

    free(acpi->tables.blob.data);
}

static viv_status_t acpi_function_add(viv_dev_t *dev, Acpi *acpi)
{
    static const viv_pci_desc_t desc = {
        .size = sizeof(desc),
        .vendor_id = 0x8086,
        .device_id = 0x7113,
        .subsystem_vendor_id = 0x1af4,
        .subsystem_id = 0x1100,
        .class_code = 0x068000,
        .revision = 3,
        .int_pin = 1,
        .device = 1,
        .function = 3,
    };
    viv_status_t st = acpi->pci->add(dev, 0, &desc, &acpi->fn);
    if (st != VIV_OK)
        return st;
    for (const AcpiCfg *c = acpi_cfg; c->width; c++) {
        acpi->pci->config_set(acpi->fn, c->off, c->reset, c->width);
        acpi->pci->config_wmask(acpi->fn, c->off, c->wmask, c->width);
    }
    acpi->pci->config_hooks(acpi->fn, NULL, acpi_cfg_written, acpi);
    return VIV_OK;
}

static viv_status_t acpi_counters(Acpi *acpi)
{
    viv_dev_t *dev = acpi->dev;
    viv_status_t st = VIV_OK;
    const viv_stam_api_t *stam = viv_need(dev, VIV_STAM_ID, sizeof(viv_stam_api_t), &st);

    if (st != VIV_OK ||
        (st = stam->counter(dev, &acpi->sleeps, "Sleeps", "count",
                            "times the guest has gone to "
                            "S1 or S3")) != VIV_OK ||
        (st = stam->counter(dev, &acpi->wakes, "Wakes", "count", "times an event has woken it")) !=
            VIV_OK ||
        (st = stam->counter(dev, &acpi->power_changes, "PowerChanges", "count",
                            "changes of the power supply that the guest was told of")) != VIV_OK)
        return st;
    return stam->counter(dev, &acpi->smb_transactions, "SMBusTransactions", "count",
                         "SMBus transactions of the guest");
}

static viv_status_t acpi_construct(viv_dev_t *dev, void *self)
{
    Acpi *acpi = self;
    const viv_dev_api_t *api = dev->api;
    viv_status_t st = VIV_OK;

    acpi->dev = dev;
    acpi->pci = viv_need(dev, VIV_PCI_ID, sizeof(viv_pci_api_t), &st);
    acpi->vm = viv_need(dev, VIV_VM_ID, sizeof(viv_vm_api_t), &st);
    acpi->chipset = viv_need(dev, VIV_CHIPSET_ID, sizeof(viv_chipset_api_t), &st);
    acpi->lun = viv_need(dev, VIV_LUN_ID, sizeof(viv_lun_api_t), &st);
    acpi->ram = viv_need(dev, VIV_RAM_ID, sizeof(viv_ram_api_t), &st);
    acpi->fwfile = viv_need(dev, VIV_FWFILE_ID, sizeof(viv_fwfile_api_t), &st);
    if (st != VIV_OK)
        return st;
    if (acpi->timer_bits != 24 && acpi->timer_bits != 32)
        return api->fail(dev, VIV_E_CONFIG, "PMTimerBits is %u; 24 and 32 are possible",
                         acpi->timer_bits);
    if (acpi->pm_base & 0x3fu)
        return api->fail(dev, VIV_E_CONFIG, "PMBase is %xh; it must be a multiple of 40h",
                         acpi->pm_base);
    if ((st = api->timer_create(dev, "PM timer", acpi_pm_timer_expired, acpi, &acpi->timer)) !=
            VIV_OK ||
        (st = acpi_power_construct(acpi)) != VIV_OK || (st = acpi_counters(acpi)) != VIV_OK ||
        (st = acpi_function_add(dev, acpi)) != VIV_OK)
        return st;
    acpi_spd_build(acpi);
    if ((st = api->pio_map(dev, ACPI_SMI_CMD, 2, &acpi_apm_ops, acpi, "APM control", NULL)) !=
            VIV_OK ||
        (st = api->pio_map(dev, ACPI_INFO_BASE, 8, &acpi_info_ops, acpi, "ACPI information",
                           NULL)) != VIV_OK)
        return st;
    return api->pio_map(dev, ACPI_GPE0_BASE, ACPI_GPE0_BYTES, &acpi_gpe_ops, acpi, "ACPI GPE0",
                        NULL);
}

static const viv_device_class_t acpi_class = {
    VIV_DEVICE_CLASS_HEAD,
    .name = "acpi",
    .summary = "PIIX4 power management and ACPI tables",
    .instance_size = sizeof(Acpi),
    .state_version = 2,
    .max_instances = 1,
    .order = VIV_ORDER_ACPI,
    .options = acpi_options,
    .state = acpi_state,
    .construct = acpi_construct,
    .destruct = acpi_destruct,
    .reset = acpi_reset,
    .power_on = acpi_power_on,
    .post_load = acpi_post_load,
    .query_interface = acpi_query_interface,
};

VIV_PLUGIN("org.vivarium.acpi", "1.0", "LGPL-2.1-or-later",
           "PIIX4 power management and ACPI tables", &acpi_class);
