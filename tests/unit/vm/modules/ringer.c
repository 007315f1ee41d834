/* SPDX-License-Identifier: MIT */
/* ringer: a PCI test device. BAR 0, 16 ports: a write to port 0 does something (RINGER_*), a read
 * gives the status of the latest one (low byte), port 4 counts resets. BAR 2, 16 KiB of 64-bit
 * memory: a dword at 0, the MSI-X table of four at 1000h, pending bits at 1800h. BAR 6: a ROM. */
#include <viv/pci.h>

#define RINGER_INTX_ON  1u
#define RINGER_INTX_OFF 2u
#define RINGER_DMA      3u /* a dword to 2000h */
#define RINGER_MSI      4u /* vector 0 */

typedef struct Ringer {
    const viv_pci_api_t *pci;
    viv_pci_fn_t *fn;
    viv_ram_t *rom;
    uint32_t status, resets, reg;
} Ringer;

static const viv_field_t ringer_state[] = {VIV_FIELD(Ringer, reg, VIV_U32, 1), {0}};

static uint64_t ringer_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    const Ringer *r = ctx;
    (void)dev, (void)width;
    return off == 0 ? r->status & 0xff : off == 4 ? r->resets : 0;
}

static void ringer_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value, uint32_t width)
{
    Ringer *r = ctx;
    uint32_t word = 0xdecafbad;
    (void)dev, (void)width;
    if (off) {
        return;
    }
    switch (value) {
    case RINGER_INTX_ON:
    case RINGER_INTX_OFF: r->pci->intx_set(r->fn, value == RINGER_INTX_ON); break;
    case RINGER_DMA: r->status = (uint32_t)r->pci->dma_write(r->fn, 0x2000, &word, 4); break;
    case RINGER_MSI: r->status = (uint32_t)r->pci->msi_send(r->fn, 0); break;
    default: break;
    }
}

static const viv_io_ops_t ringer_ports = {
    .size = sizeof ringer_ports, .widths = VIV_W8, .read = ringer_read, .write = ringer_write};

static uint64_t ringer_mem_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    (void)dev, (void)width;
    return off ? 0x5a5a5a5a : ((const Ringer *)ctx)->reg;
}

static void ringer_mem_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value,
                             uint32_t width)
{
    (void)dev, (void)width;
    if (!off) {
        ((Ringer *)ctx)->reg = (uint32_t)value;
    }
}

static const viv_io_ops_t ringer_mem = {.size = sizeof ringer_mem,
                                        .widths = VIV_W32,
                                        .read = ringer_mem_read,
                                        .write = ringer_mem_write};

static void ringer_reset(viv_dev_t *dev, void *self)
{
    (void)dev;
    ((Ringer *)self)->resets++;
}

static viv_status_t ringer_construct(viv_dev_t *dev, void *self)
{
    static const viv_pci_desc_t desc = {.size = sizeof desc,
                                        .vendor_id = 0x1234,
                                        .device_id = 0x4269,
                                        .int_pin = 1,
                                        .device = VIV_PCI_AUTO};
    Ringer *r = self;
    uint8_t *hva = 0;
    viv_status_t st = VIV_OK;
    r->pci = viv_need(dev, VIV_PCI_ID, sizeof(viv_pci_api_t), &st);
    const viv_ram_api_t *ram = viv_need(dev, VIV_RAM_ID, sizeof(viv_ram_api_t), &st);
    if (st || (st = ram->create(dev, 4096, "rom", &r->rom, &hva)) ||
        (st = r->pci->add(dev, 0, &desc, &r->fn)) ||
        (st = r->pci->bar_pio(r->fn, 0, 16, &ringer_ports, r, "ports")) ||
        (st = r->pci->bar_mmio(r->fn, 2, 16384, VIV_BAR_64BIT | VIV_BAR_PREFETCH, &ringer_mem, r,
                               "memory")) ||
        (st = r->pci->bar_ram(r->fn, 6, 0, r->rom, 4096, 0)) ||
        (st = r->pci->msix_add(r->fn, 4, 2, 0x1000, 2, 0x1800, 0))) {
        return st;
    }
    hva[0] = 0x55;
    hva[1] = 0xaa;
    return VIV_OK;
}

static const viv_device_class_t ringer_class = {
    VIV_DEVICE_CLASS_HEAD,
    .name = "ringer",
    .summary = "test device with BARs, INTx and MSI-X",
    .instance_size = sizeof(Ringer),
    .state_version = 1,
    .order = VIV_ORDER_MISC,
    .state = ringer_state,
    .construct = ringer_construct,
    .reset = ringer_reset,
};

VIV_PLUGIN("org.vivarium.test.ringer", "1.0", "MIT", "PCI test device", &ringer_class);
