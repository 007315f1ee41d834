/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PDM: configuration space, BARs and INTx of PCI functions. PCI Local Bus Specification 3.0,
 * chapter 6. Invariants:
 *  1. A BAR is mapped exactly while its decode bit in Command is set and its address is not zero,
 *     not all ones, and free.
 *  2. `driven` is what the bus was told; it is asserted && !Interrupt Disable. Locking:
 *     configuration accesses hold the owning device's lock. */
#include <string.h>

#include "log/log.h"
#include "pdm/pdm_internal.h"

#define PCI_COMMAND          0x04u
#define PCI_COMMAND_IO       0x1u
#define PCI_COMMAND_MEMORY   0x2u
#define PCI_COMMAND_MASTER   0x4u
#define PCI_COMMAND_INTX_OFF 0x400u
#define PCI_STATUS           0x06u
#define PCI_STATUS_INTX      0x08u
#define PCI_BAR0             0x10u
#define PCI_HEADER           0x0eu
#define PCI_ROM              0x30u
#define PCI_ROM1             0x38u /* in a type 1 header */
#define PCI_INT_LINE         0x3cu
#define PCI_INT_PIN          0x3du

#define PDM_PCI_STATE_VERSION 2 /* 2: whole configuration space, MSI-X */

/* -- raw space ------------------------------------------------------------------------------- */

static uint32_t pci_get(const uint8_t *space, uint32_t off, uint32_t width)
{
    uint32_t value = 0;
    if (off < PCI_CONFIG_MAX && width <= PCI_CONFIG_MAX - off) {
        memcpy(&value, space + off, MIN(width, 4));
    }
    return value;
}

static void pci_put(uint8_t *space, uint32_t off, uint32_t value, uint32_t width)
{
    if (off < PCI_CONFIG_MAX && width <= PCI_CONFIG_MAX - off) {
        memcpy(space + off, &value, MIN(width, 4));
    }
}

static uint32_t pci_bar_offset(const viv_pci_fn_t *fn, uint32_t bar)
{
    return bar < 6 ? PCI_BAR0 + bar * 4 : (fn->config[PCI_HEADER] & 0x7f) == 1 ? PCI_ROM1 : PCI_ROM;
}

/* -- BARs ------------------------------------------------------------------------------------ */

/* Address as the registers have it: UINT64_MAX if it is switched off, zero, not possible, or what
 * sizing leaves behind. */
static uint64_t pci_bar_decoded(const viv_pci_fn_t *fn, uint32_t n)
{
    const PdmBar *bar = &fn->bars[n];
    uint32_t command = pci_get(fn->config, PCI_COMMAND, 2);
    uint32_t raw = pci_get(fn->config, pci_bar_offset(fn, n), 4);
    uint64_t address;
    if (bar->kind == PDM_BAR_PIO) { /* of 32 bits; x86 has ports of 16 */
        address = raw & ~3u;
        return (command & PCI_COMMAND_IO) && address && address <= 0x10000 - bar->len ? address
                                                                                      : UINT64_MAX;
    }
    if (!(command & PCI_COMMAND_MEMORY) || (n == 6 && !(raw & 1))) {
        return UINT64_MAX;
    }
    address = n == 6 ? raw & ~0x7ffu : raw & ~0xfu;
    if (bar->flags & VIV_BAR_64BIT) {
        address |= (uint64_t)pci_get(fn->config, pci_bar_offset(fn, n) + 4, 4) << 32;
    }
    gboolean sizing = (uint32_t)(address + bar->len) == 0 && !(bar->flags & VIV_BAR_64BIT);
    return address && !sizing && address <= PGM_MAX_GPA - bar->len ? address : UINT64_MAX;
}

static uint64_t pci_bar_wanted(const viv_pci_fn_t *fn, uint32_t n)
{
    uint64_t address = pci_bar_decoded(fn, n);
    return address != UINT64_MAX &&
                   pdm_bridge_passes(fn, fn->bars[n].kind == PDM_BAR_PIO, address, fn->bars[n].len)
               ? address
               : UINT64_MAX;
}

static void pci_bar_unmap(viv_pci_fn_t *fn, PdmBar *bar)
{
    Vm *vm = fn->device->pdm->vm;
    if (bar->address == UINT64_MAX) {
        return;
    }
    if (bar->kind == PDM_BAR_PIO) {
        iom_pio_unmap(vm->iom, bar->io);
    } else {
        pdm_msi_unmap(fn, (uint32_t)(bar - fn->bars));
        pgm_unmap(vm->pgm, bar->mapped);
        bar->mapped = NULL;
    }
    bar->address = UINT64_MAX;
}

static void pci_bar_map(viv_pci_fn_t *fn, PdmBar *bar, uint64_t address)
{
    Vm *vm = fn->device->pdm->vm;
    VivError err = VIV_ERROR_INIT;
    if (bar->kind == PDM_BAR_PIO) {
        iom_pio_map(vm->iom, (uint32_t)address, (uint32_t)bar->len, bar->io, &err);
    } else if (bar->kind == PDM_BAR_MMIO) {
        pdm_msi_map(fn, (uint32_t)(bar - fn->bars), address); /* over the rest of the BAR */
        bar->mapped = pgm_map_bus_mmio(vm->pgm, address, bar->len, bar->io, &err);
    } else {
        uint64_t len = MIN(bar->len, pgm_block_len(bar->ram->block));
        bar->mapped =
            pgm_map_bus_block(vm->pgm, address, bar->ram->block, 0, len, bar->writable, &err);
    }
    if (err.status) {
        pdm_msi_unmap(fn, (uint32_t)(bar - fn->bars));
        viv_log("pci", VIV_LOG_DEBUG, "%s: BAR stays unmapped: %s", fn->device->name,
                error_text(&err));
        error_clear(&err);
        return;
    }
    bar->address = address;
}

/* One BAR to its place; TRUE if ports have become free. */
static gboolean pci_bar_move(viv_pci_fn_t *fn, uint32_t n)
{
    PdmBar *bar = &fn->bars[n];
    pdm_chipset_lock(fn->device->pdm);
    uint64_t wanted = pci_bar_wanted(fn, n);
    pdm_chipset_unlock(fn->device->pdm);
    if (wanted == bar->address) {
        return FALSE;
    }
    gboolean freed = bar->kind == PDM_BAR_PIO && bar->address != UINT64_MAX;
    pci_bar_unmap(fn, bar);
    if (wanted != UINT64_MAX) {
        pci_bar_map(fn, bar, wanted);
    }
    return freed;
}

static gboolean pci_bars_move(viv_pci_fn_t *fn)
{
    gboolean freed = FALSE;
    for (uint32_t n = 0; n < PDM_PCI_BARS; n++) {
        if (fn->bars[n].kind != PDM_BAR_NONE && fn->bars[n].kind != PDM_BAR_HIGH) {
            freed |= pci_bar_move(fn, n);
        }
    }
    return freed;
}

/* Ports that a BAR has left may be wanted by another that found them taken. */
void pdm_pci_remap(viv_pci_fn_t *fn)
{
    Pdm *pdm = fn->device->pdm;
    g_rec_mutex_lock(&pdm->bars);
    __atomic_store_n(&fn->master, pdm_bridge_masters(fn), __ATOMIC_RELAXED);
    if (pci_bars_move(fn)) {
        for (guint i = 0; i < pdm->functions->len; i++) {
            pci_bars_move(g_ptr_array_index(pdm->functions, i));
        }
    }
    g_rec_mutex_unlock(&pdm->bars);
}

static viv_status_t pci_bar_add(viv_pci_fn_t *fn, uint32_t n, PdmBarKind kind, uint64_t len,
                                uint32_t flags)
{
    viv_dev_t *dev = &fn->device->pub;
    gboolean wide = (flags & VIV_BAR_64BIT) != 0;
    uint64_t least = kind == PDM_BAR_PIO ? 4 : n == 6 ? 2048 : 16;
    uint64_t most = kind == PDM_BAR_PIO ? 256 : wide ? UINT64_C(1) << 38 : UINT64_C(1) << 31;
    uint32_t count = (fn->config[PCI_HEADER] & 0x7f) == 1 ? 2 : 6;
    if (n >= PDM_PCI_BARS || (n < 6 && n >= count) || (n == 6 && kind != PDM_BAR_RAM) ||
        (wide && n + 1 >= count) || (len & (len - 1)) || len < least || len > most ||
        fn->bars[n].kind != PDM_BAR_NONE || (wide && fn->bars[n + 1].kind != PDM_BAR_NONE)) {
        return dev->api->fail(dev, VIV_E_MISUSE,
                              "BAR %u of %" G_GUINT64_FORMAT " bytes is not possible", n, len);
    }
    uint32_t off = pci_bar_offset(fn, n);
    uint32_t type = kind == PDM_BAR_PIO ? 1u
                    : n == 6            ? 0u
                                        : (wide ? 4u : 0u) | ((flags & VIV_BAR_PREFETCH) ? 8u : 0u);
    uint64_t mask = ~(len - 1);
    pci_put(fn->config, off, type, 4);
    pci_put(fn->wmask, off, (uint32_t)mask | (n == 6 ? 1u : 0u), 4);
    if (wide) {
        pci_put(fn->wmask, off + 4, (uint32_t)(mask >> 32), 4);
        fn->bars[n + 1].kind = PDM_BAR_HIGH;
    }
    fn->bars[n].kind = kind;
    fn->bars[n].len = len;
    fn->bars[n].flags = flags;
    fn->bars[n].address = UINT64_MAX;
    return VIV_OK;
}

static IomRange *pci_bar_io(viv_pci_fn_t *fn, const viv_io_ops_t *ops, void *ctx, uint64_t len,
                            const char *name)
{
    g_autofree char *full = g_strdup_printf("%s %s", fn->device->name, name ? name : "BAR");
    return iom_range_new(&fn->device->pub, fn->device->lock, ops, ctx, len, full);
}

static viv_status_t pci_bar_pio(viv_pci_fn_t *fn, uint32_t bar, uint32_t count,
                                const viv_io_ops_t *ops, void *ctx, const char *name)
{
    viv_status_t st = pci_bar_add(fn, bar, PDM_BAR_PIO, count, 0);
    if (!st) {
        fn->bars[bar].io = pci_bar_io(fn, ops, ctx, count, name);
    }
    return st;
}

viv_status_t pdm_pci_bar_mmio(viv_pci_fn_t *fn, uint32_t bar, uint64_t len_bytes, uint32_t flags,
                              const viv_io_ops_t *ops, void *ctx, const char *name)
{
    viv_status_t st = pci_bar_add(fn, bar, PDM_BAR_MMIO, len_bytes, flags);
    if (!st) {
        fn->bars[bar].io = pci_bar_io(fn, ops, ctx, len_bytes, name);
    }
    return st;
}

static viv_status_t pci_bar_ram(viv_pci_fn_t *fn, uint32_t bar, uint32_t flags, viv_ram_t *ram,
                                uint64_t len_bytes, uint32_t writable)
{
    viv_status_t st = pci_bar_add(fn, bar, PDM_BAR_RAM, len_bytes, flags);
    if (!st) {
        fn->bars[bar].ram = ram;
        fn->bars[bar].writable = writable != 0;
    }
    return st;
}

static uint64_t pci_bar_address(viv_pci_fn_t *fn, uint32_t bar)
{
    return bar < PDM_PCI_BARS && fn->bars[bar].kind != PDM_BAR_NONE &&
                   fn->bars[bar].kind != PDM_BAR_HIGH
               ? fn->bars[bar].address
               : UINT64_MAX;
}

/* -- functions ------------------------------------------------------------------------------- */

viv_pci_fn_t *pdm_pci_find(Pdm *pdm, uint32_t bus, uint32_t devfn)
{
    for (guint i = 0; i < pdm->functions->len; i++) {
        viv_pci_fn_t *fn = g_ptr_array_index(pdm->functions, i);
        if (fn->bus == bus && fn->devfn == devfn) {
            return fn;
        }
    }
    return NULL;
}

static void pci_header(viv_pci_fn_t *fn, const viv_pci_desc_t *desc)
{
    pci_put(fn->config, 0x00, desc->vendor_id, 2);
    pci_put(fn->config, 0x02, desc->device_id, 2);
    pci_put(fn->config, 0x08, desc->revision | (desc->class_code << 8), 4);
    pci_put(fn->config, 0x0e, desc->header_type, 1);
    pci_put(fn->config, PCI_INT_PIN, desc->int_pin, 1);
    if ((desc->header_type & 0x7f) == 1) {
        pci_bridge_header(fn->wmask, fn->w1c);
    } else {
        pci_put(fn->config, 0x2c, desc->subsystem_vendor_id, 2);
        pci_put(fn->config, 0x2e, desc->subsystem_id, 2);
    }
    pci_put(fn->wmask, PCI_COMMAND, 0x0547, 2); /* I/O, memory, master, parity, SERR#, INTx off */
    pci_put(fn->w1c, PCI_STATUS, 0xf900, 2);
    pci_put(fn->wmask, 0x0c, 0xffff, 2); /* cache line, latency */
    pci_put(fn->wmask, PCI_INT_LINE, 0xff, 1);
}

static viv_status_t pci_place(viv_pci_fn_t *fn, const viv_pci_desc_t *desc)
{
    PdmDevice *device = fn->device;
    char prefix[32] = "";
    if (fn->index) {
        g_snprintf(prefix, sizeof prefix, "PciCfg%u/", fn->index);
    }
    g_autofree char *bus_key = g_strdup_printf("%sPCIBusNo", prefix);
    g_autofree char *dev_key = g_strdup_printf("%sPCIDeviceNo", prefix);
    g_autofree char *fn_key = g_strdup_printf("%sPCIFunctionNo", prefix);
    uint64_t bus = cfgm_u64(device->node, bus_key, desc->bus);
    uint64_t slot = cfgm_u64(device->node, dev_key, desc->device);
    uint64_t func = cfgm_u64(device->node, fn_key, desc->function);
    if (bus >= device->pdm->bus_count) {
        return device->pub.api->fail(&device->pub, VIV_E_CONFIG,
                                     "there is no PCI bus %u: the machine has %u bridges",
                                     (unsigned)bus, device->pdm->bus_count - 1);
    }
    gboolean port = (device->pdm->buses[bus].flags & VIV_BRIDGE_EXPRESS) != 0;
    if (slot == VIV_PCI_AUTO) {
        for (slot = bus ? 0 : 2;
             slot < 32 && pdm_pci_find(device->pdm, (uint32_t)bus, (uint32_t)(slot << 3)); slot++) {
        }
    }
    if (slot > 31 || func > 7 || (port && slot)) {
        return device->pub.api->fail(&device->pub, VIV_E_CONFIG, "no PCI place %u:%u.%u",
                                     (unsigned)bus, (unsigned)slot, (unsigned)func);
    }
    fn->bus = (uint8_t)bus;
    fn->devfn = (uint8_t)(slot << 3 | func);
    const viv_pci_fn_t *there = pdm_pci_find(device->pdm, fn->bus, fn->devfn);
    if (there) {
        return device->pub.api->fail(&device->pub, VIV_E_EXISTS,
                                     "PCI %u:%u.%u belongs to %s already", (unsigned)bus,
                                     (unsigned)slot, (unsigned)func, there->device->name);
    }
    return VIV_OK;
}

static viv_status_t pci_add(viv_dev_t *dev, uint32_t index, const viv_pci_desc_t *desc,
                            viv_pci_fn_t **ret_fn)
{
    PdmDevice *device = pdm_dev(dev);
    viv_pci_desc_t copy = {0};
    memcpy(&copy, desc, MIN(desc->size, sizeof copy));
    if (index > 7 || copy.int_pin > 4) {
        return dev->api->fail(dev, VIV_E_MISUSE, "PCI function %u with pin %u is not possible",
                              index, copy.int_pin);
    }
    viv_pci_fn_t *fn = g_new0(viv_pci_fn_t, 1);
    fn->device = device;
    fn->index = index;
    fn->pin = copy.int_pin;
    viv_status_t st = pci_place(fn, &copy);
    if (st) {
        g_free(fn);
        return st;
    }
    for (uint32_t n = 0; n < PDM_PCI_BARS; n++) {
        fn->bars[n].address = UINT64_MAX;
    }
    pci_caps_init(&fn->caps, fn->config, fn->wmask);
    pci_header(fn, &copy);
    g_ptr_array_add(device->functions, fn);
    g_ptr_array_add(device->pdm->functions, fn);
    *ret_fn = fn;
    return VIV_OK;
}

void pdm_pci_free(viv_pci_fn_t *fn)
{
    for (uint32_t n = 0; n < PDM_PCI_BARS; n++) {
        PdmBar *bar = &fn->bars[n];
        if (bar->kind != PDM_BAR_NONE && bar->kind != PDM_BAR_HIGH) {
            pci_bar_unmap(fn, bar);
            iom_range_free(bar->io);
        }
    }
    pdm_bridge_remove(fn);
    pdm_msi_free(fn);
    g_ptr_array_remove(fn->device->pdm->functions, fn);
    g_free(fn);
}

static uint32_t pci_config_get(viv_pci_fn_t *fn, uint32_t off, uint32_t width)
{
    return pci_get(fn->config, off, width);
}

static void pci_config_set(viv_pci_fn_t *fn, uint32_t off, uint32_t value, uint32_t width)
{
    pci_put(fn->config, off, value, width);
    if (off < PCI_COMMAND + 2) {
        __atomic_store_n(&fn->master, pdm_bridge_masters(fn), __ATOMIC_RELAXED);
    }
}

static void pci_config_wmask(viv_pci_fn_t *fn, uint32_t off, uint32_t mask, uint32_t width)
{
    pci_put(fn->wmask, off, mask, width);
}

static void pci_config_w1c(viv_pci_fn_t *fn, uint32_t off, uint32_t mask, uint32_t width)
{
    pci_put(fn->w1c, off, mask, width);
}

static void pci_config_hooks(viv_pci_fn_t *fn, viv_pci_cfg_read_fn read,
                             viv_pci_cfg_written_fn written, void *ctx)
{
    fn->read = read;
    fn->written = written;
    fn->hook_ctx = ctx;
}

/* -- INTx and DMA ---------------------------------------------------------------------------- */

void pdm_pci_drive(viv_pci_fn_t *fn)
{
    gboolean off = (pci_get(fn->config, PCI_COMMAND, 2) & PCI_COMMAND_INTX_OFF) ||
                   pci_msi_granted(&fn->caps) || pci_msix_granted(&fn->caps);
    uint32_t level = fn->asserted && !off;
    if (level != fn->driven && fn->pin) {
        fn->driven = level;
        pdm_bridge_wire(fn, fn->pin, level);
    }
}

static void pci_intx_set(viv_pci_fn_t *fn, uint32_t level)
{
    Pdm *pdm = fn->device->pdm;
    pdm_chipset_lock(pdm);
    fn->asserted = level != 0;
    uint32_t status = pci_get(fn->config, PCI_STATUS, 2) & ~PCI_STATUS_INTX;
    pci_put(fn->config, PCI_STATUS, status | (level ? PCI_STATUS_INTX : 0), 2);
    pdm_pci_drive(fn);
    pdm_chipset_unlock(pdm);
}

gboolean pdm_pci_is_master(viv_pci_fn_t *fn)
{
    return __atomic_load_n(&fn->master, __ATOMIC_RELAXED) != 0;
}

static viv_status_t pci_dma_read(viv_pci_fn_t *fn, uint64_t gpa, void *buf, uint64_t len_bytes)
{
    if (!pdm_pci_is_master(fn)) {
        return VIV_E_ACCESS;
    }
    pdm_bus_read(fn->device->pdm, gpa, buf, len_bytes);
    return VIV_OK;
}

static viv_status_t pci_dma_write(viv_pci_fn_t *fn, uint64_t gpa, const void *buf,
                                  uint64_t len_bytes)
{
    if (!pdm_pci_is_master(fn)) {
        return VIV_E_ACCESS;
    }
    pdm_bus_write(fn->device->pdm, gpa, buf, len_bytes);
    return VIV_OK;
}

const viv_pci_api_t pdm_pci_api = {
    .size = sizeof pdm_pci_api,
    .add = pci_add,
    .bar_pio = pci_bar_pio,
    .bar_mmio = pdm_pci_bar_mmio,
    .bar_ram = pci_bar_ram,
    .bar_address = pci_bar_address,
    .config_get = pci_config_get,
    .config_set = pci_config_set,
    .config_wmask = pci_config_wmask,
    .config_w1c = pci_config_w1c,
    .config_hooks = pci_config_hooks,
    .intx_set = pci_intx_set,
    .dma_read = pci_dma_read,
    .dma_write = pci_dma_write,
    .cap_add = pdm_msi_cap_add,
    .ext_cap_add = pdm_msi_ext_cap_add,
    .msi_add = pdm_msi_add,
    .msix_add = pdm_msi_add_x,
    .msi_enabled = pdm_msi_enabled,
    .msix_enabled = pdm_msi_enabled_x,
    .msi_send = pdm_msi_send,
    .msi_clear = pdm_msi_clear,
};

/* -- the guest's access ---------------------------------------------------------------------- */

uint32_t pdm_pci_read(Pdm *pdm, uint32_t bus, uint32_t devfn, uint32_t off, uint32_t width)
{
    viv_pci_fn_t *fn = pdm_bridge_find(pdm, bus, devfn);
    uint32_t ones = width >= 4 ? UINT32_MAX : (UINT32_C(1) << (width * 8)) - 1;
    if (!fn || off >= fn->caps.config_len || width > fn->caps.config_len - off) {
        return ones;
    }
    g_rec_mutex_lock(fn->device->lock);
    pdm_chipset_lock(pdm);
    uint32_t value = pci_get(fn->config, off, width);
    pdm_chipset_unlock(pdm);
    if (fn->read) {
        value = fn->read(&fn->device->pub, fn->hook_ctx, off, width, value) & ones;
    }
    g_rec_mutex_unlock(fn->device->lock);
    return value;
}

static void pci_merge(viv_pci_fn_t *fn, uint32_t off, uint32_t value, uint32_t width)
{
    for (uint32_t i = 0; i < width; i++) {
        uint8_t byte = (uint8_t)(value >> (i * 8)), *cell = &fn->config[off + i];
        *cell = (uint8_t)((*cell & ~fn->wmask[off + i]) | (byte & fn->wmask[off + i]));
        *cell = (uint8_t)(*cell & ~(byte & fn->w1c[off + i]));
    }
}

void pdm_pci_write(Pdm *pdm, uint32_t bus, uint32_t devfn, uint32_t off, uint32_t value,
                   uint32_t width)
{
    viv_pci_fn_t *fn = pdm_bridge_find(pdm, bus, devfn);
    if (!fn || off >= fn->caps.config_len || width > fn->caps.config_len - off) {
        return;
    }
    g_rec_mutex_lock(fn->device->lock);
    uint32_t control = pdm_bridge_control(fn);
    pdm_chipset_lock(pdm);
    pci_merge(fn, off, value, width);
    pdm_pci_drive(fn);
    pdm_chipset_unlock(pdm);
    if (fn->caps.msi || fn->caps.msix) {
        pdm_msi_flush(fn);
    }
    if (off < PCI_INT_LINE) {
        pdm_pci_remap(fn);
    }
    if (pdm_bridge_is(fn)) {
        pdm_bridge_written(fn, off, width, control);
    }
    if (fn->written) {
        fn->written(&fn->device->pub, fn->hook_ctx, off, width, value);
    }
    g_rec_mutex_unlock(fn->device->lock);
}

static viv_status_t pcibus_provide(viv_dev_t *dev, const viv_pcibus_ops_t *ops, void *self)
{
    Pdm *pdm = pdm_dev(dev)->pdm;
    if (pdm->pcibus.device) {
        return dev->api->fail(dev, VIV_E_EXISTS, "the machine has a PCI bus already: %s",
                              pdm->pcibus.device->name);
    }
    pdm->pcibus = (PdmRole){pdm_dev(dev), ops, self};
    return VIV_OK;
}

static viv_status_t pcibus_route_intx(viv_dev_t *dev, const viv_pcibus_ops_t *ops, void *self)
{
    Pdm *pdm = pdm_dev(dev)->pdm;
    if (pdm->intx.device) {
        return dev->api->fail(dev, VIV_E_EXISTS, "%s routes PCI interrupts already",
                              pdm->intx.device->name);
    }
    pdm->intx = (PdmRole){pdm_dev(dev), ops, self};
    return VIV_OK;
}

static uint32_t pcibus_config_read(viv_dev_t *dev, uint32_t bus, uint32_t devfn, uint32_t off,
                                   uint32_t width)
{
    return pdm_pci_read(pdm_dev(dev)->pdm, bus, devfn, off, width);
}

static void pcibus_config_write(viv_dev_t *dev, uint32_t bus, uint32_t devfn, uint32_t off,
                                uint32_t value, uint32_t width)
{
    pdm_pci_write(pdm_dev(dev)->pdm, bus, devfn, off, value, width);
}

const viv_pcibus_api_t pdm_pcibus_api = {
    .size = sizeof pdm_pcibus_api,
    .provide = pcibus_provide,
    .config_read = pcibus_config_read,
    .config_write = pcibus_config_write,
    .bridge_add = pdm_bridge_add,
    .route_intx = pcibus_route_intx,
};

/* -- reset and saved state ------------------------------------------------------------------- */

void pdm_pci_snapshot(Pdm *pdm)
{
    for (guint i = 0; i < pdm->functions->len; i++) {
        viv_pci_fn_t *fn = g_ptr_array_index(pdm->functions, i);
        memcpy(fn->reset_config, fn->config, sizeof fn->config);
    }
}

void pdm_pci_reset_one(viv_pci_fn_t *fn)
{
    pdm_chipset_lock(fn->device->pdm);
    memcpy(fn->config, fn->reset_config, sizeof fn->config);
    pci_caps_reset(&fn->caps);
    fn->asserted = 0;
    pdm_pci_drive(fn);
    pdm_chipset_unlock(fn->device->pdm);
}

/* The lines are low already, and the bus device is about to be told so. */
void pdm_pci_reset(Pdm *pdm)
{
    for (guint i = 0; i < pdm->functions->len; i++) {
        viv_pci_fn_t *fn = g_ptr_array_index(pdm->functions, i);
        fn->asserted = fn->driven = 0;
        memset(fn->wires, 0, sizeof fn->wires);
        pdm_pci_reset_one(fn);
    }
    for (guint i = 0; i < pdm->functions->len; i++) {
        pdm_pci_remap(g_ptr_array_index(pdm->functions, i));
    }
}

/* The space, then table and pending bits of MSI-X. */
static void pci_save_one(const viv_pci_fn_t *fn, viv_stream_t *out)
{
    ssm_put_u32(out, fn->caps.config_len);
    ssm_put(out, fn->config, fn->caps.config_len);
    ssm_put_u32(out, fn->caps.msix_vectors);
    if (fn->caps.msix) {
        ssm_put(out, fn->caps.table, (uint64_t)fn->caps.msix_vectors * PCI_MSIX_ENTRY);
        ssm_put(out, fn->caps.pending, pci_msix_pba_len(fn->caps.msix_vectors));
    }
}

viv_status_t pdm_pci_save(Pdm *pdm, SsmWriter *writer)
{
    for (guint i = 0; i < pdm->functions->len; i++) {
        const viv_pci_fn_t *fn = g_ptr_array_index(pdm->functions, i);
        g_autofree char *name = g_strdup_printf("pci-config/%s", fn->device->class->name);
        uint32_t instance = fn->device->number * 8 + fn->index;
        viv_status_t st =
            ssm_unit_begin(writer, name, instance, PDM_PCI_STATE_VERSION, SSM_PASS_FINAL);
        if (st) {
            return st;
        }
        pci_save_one(fn, ssm_writer_stream(writer));
        if ((st = ssm_unit_end(writer))) {
            return st;
        }
    }
    return VIV_OK;
}

/* A unit of version 1 is the first 256 bytes alone. */
static viv_status_t pci_load_stream(viv_pci_fn_t *fn, viv_stream_t *in, uint32_t version,
                                    uint8_t *config)
{
    uint32_t len = PCI_CONFIG_LEN, vectors = 0;
    pci_caps_reset(&fn->caps);
    if (version >= 2) {
        ssm_get_u32(in, &len);
    }
    if (len != PCI_CONFIG_LEN && len != PCI_CONFIG_MAX) {
        return ssm_stream_fail(in, VIV_E_CORRUPT, "a configuration space of %u bytes", len);
    }
    ssm_get(in, config, len);
    if (version >= 2) {
        ssm_get_u32(in, &vectors);
    }
    if (vectors && vectors != fn->caps.msix_vectors) {
        return ssm_stream_fail(in, VIV_E_CORRUPT, "%u MSI-X vectors, here %u", vectors,
                               fn->caps.msix_vectors);
    }
    if (vectors) {
        ssm_get(in, fn->caps.table, (uint64_t)vectors * PCI_MSIX_ENTRY);
        ssm_get(in, fn->caps.pending, pci_msix_pba_len(vectors));
    }
    return ssm_stream_expect_end(in);
}

static viv_status_t pci_load_one(viv_pci_fn_t *fn, SsmReader *reader, VivError *err)
{
    g_autofree char *name = g_strdup_printf("pci-config/%s", fn->device->class->name);
    uint32_t instance = fn->device->number * 8 + fn->index;
    viv_stream_t *in;
    SsmUnitInfo info;
    uint8_t config[PCI_CONFIG_MAX];
    viv_status_t st = ssm_unit_open_named(reader, name, instance, &info, &in, err);
    if (st) {
        return st;
    }
    if (info.version > PDM_PCI_STATE_VERSION) {
        return error_set(err, VIV_E_VERSION, "unit %s/%u has version %u; up to %u can be read",
                         name, instance, info.version, PDM_PCI_STATE_VERSION);
    }
    memcpy(config, fn->config, sizeof config);
    if ((st = pci_load_stream(fn, in, info.version, config))) {
        return error_set(err, st, "%s", ssm_stream_error(in));
    }
    if (pci_get(config, 0, 4) != pci_get(fn->config, 0, 4)) {
        return error_set(err, VIV_E_CORRUPT, "unit %s/%u is of another device (%08x, here %08x)",
                         name, instance, pci_get(config, 0, 4), pci_get(fn->config, 0, 4));
    }
    memcpy(fn->config, config, sizeof config);
    /* What kind of BAR it is does not come from a file. */
    for (uint32_t n = 0; n < PDM_PCI_BARS; n++) {
        if (fn->bars[n].kind != PDM_BAR_NONE) {
            uint32_t off = pci_bar_offset(fn, n), mask = pci_get(fn->wmask, off, 4);
            pci_put(fn->config, off,
                    (pci_get(fn->reset_config, off, 4) & ~mask) | (pci_get(config, off, 4) & mask),
                    4);
        }
    }
    pci_caps_loaded(&fn->caps);
    fn->asserted = fn->driven = 0;
    memset(fn->wires, 0, sizeof fn->wires);
    pci_put(fn->config, PCI_STATUS, pci_get(fn->config, PCI_STATUS, 2) & ~PCI_STATUS_INTX, 2);
    return VIV_OK;
}

viv_status_t pdm_pci_load(Pdm *pdm, SsmReader *reader, VivError *err)
{
    for (guint i = 0; i < pdm->functions->len; i++) {
        viv_pci_fn_t *fn = g_ptr_array_index(pdm->functions, i);
        viv_status_t st = pci_load_one(fn, reader, err);
        if (st) {
            return st;
        }
    }
    /* Two steps: a BAR may have moved to where another one was. */
    for (guint i = 0; i < pdm->functions->len; i++) {
        viv_pci_fn_t *fn = g_ptr_array_index(pdm->functions, i);
        for (uint32_t n = 0; n < PDM_PCI_BARS; n++) {
            if (fn->bars[n].kind != PDM_BAR_NONE && fn->bars[n].kind != PDM_BAR_HIGH) {
                pci_bar_unmap(fn, &fn->bars[n]);
            }
        }
    }
    for (guint i = 0; i < pdm->functions->len; i++) {
        pdm_pci_remap(g_ptr_array_index(pdm->functions, i));
    }
    return VIV_OK;
}
