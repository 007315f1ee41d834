/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fake host: PCI functions with a configuration space as PCI 3.0 chapter 6 has it, BARs, INTx, bus
 * mastering. */
#include "harness_internal.h"

#define HARNESS_PCI_COMMAND     0x04u
#define HARNESS_PCI_STATUS      0x06u
#define HARNESS_PCI_BAR0        0x10u
#define HARNESS_PCI_PIN         0x3du
#define HARNESS_COMMAND_IO      0x1u
#define HARNESS_COMMAND_MEMORY  0x2u
#define HARNESS_COMMAND_MASTER  0x4u
#define HARNESS_COMMAND_NO_INTX 0x400u
#define HARNESS_STATUS_INTX     0x08u

static HarnessInst *harness_pci_inst(viv_dev_t *dev)
{
    HARNESS_CHECK(dev && dev->api == &harness_dev_api, "not a device handle");
    return (HarnessInst *)(void *)dev;
}

static uint32_t harness_le_get(const uint8_t *bytes, uint32_t off, uint32_t width)
{
    uint32_t value = 0;
    for (uint32_t i = 0; i < width; i++) {
        value |= (uint32_t)bytes[off + i] << (8 * i);
    }
    return value;
}

static void harness_le_put(uint8_t *bytes, uint32_t off, uint32_t value, uint32_t width)
{
    for (uint32_t i = 0; i < width; i++) {
        bytes[off + i] = (uint8_t)(value >> (8 * i));
    }
}

static uint32_t harness_pci_bar_reg(const viv_pci_fn_t *fn, uint32_t bar)
{
    if (bar < 6) {
        return HARNESS_PCI_BAR0 + 4 * bar;
    }
    return (fn->cfg[0x0e] & 0x7f) == 1 ? 0x38 : 0x30;
}

/* -- mapping --------------------------------------------------------------------------------- */

/* Where the registers say that the BAR is, or UINT64_MAX if it does not decode. */
static uint64_t harness_pci_decoded(const viv_pci_fn_t *fn, uint32_t bar)
{
    const HarnessBar *b = &fn->bars[bar];
    uint32_t reg = harness_pci_bar_reg(fn, bar);
    uint32_t command = harness_le_get(fn->cfg, HARNESS_PCI_COMMAND, 2);
    uint64_t address = harness_le_get(fn->cfg, reg, 4);
    if (b->kind == HARNESS_BAR_PIO) {
        address &= ~3ull;
        return (command & HARNESS_COMMAND_IO) && address && address + b->len <= 0x10000
                   ? address
                   : UINT64_MAX;
    }
    if (bar == 6) {
        if (!(address & 1)) {
            return UINT64_MAX;
        }
        address &= ~0x7ffull;
    } else {
        address &= ~15ull;
        if (b->flags & VIV_BAR_64BIT) {
            address |= (uint64_t)harness_le_get(fn->cfg, reg + 4, 4) << 32;
        }
    }
    return (command & HARNESS_COMMAND_MEMORY) && address && address + b->len - 1 >= address
               ? address
               : UINT64_MAX;
}

static void harness_pci_remap(viv_pci_fn_t *fn)
{
    Harness *h = fn->owner->h;
    for (uint32_t i = 0; i < HARNESS_PCI_BARS; i++) {
        HarnessBar *b = &fn->bars[i];
        uint64_t address = b->kind == HARNESS_BAR_NONE ? UINT64_MAX : harness_pci_decoded(fn, i);
        if (address == b->address) {
            continue;
        }
        if (b->range) {
            harness_range_remove(h, b->range);
            b->range = NULL;
        }
        for (int part = 0; part < 2; part++) {
            if (b->msix[part]) {
                harness_range_remove(h, b->msix[part]);
                b->msix[part] = NULL;
            }
        }
        b->address = address;
        if (b->kind == HARNESS_BAR_RAM) {
            harness_ram_map(b->ram, address, 0, address == UINT64_MAX ? 0 : b->len, b->writable);
        } else if (address != UINT64_MAX) {
            b->range = harness_range_add(fn->owner, b->kind == HARNESS_BAR_MMIO, address, b->len,
                                         &b->ops, b->ctx, b->name, 1);
            harness_msi_map(fn, i);
        }
    }
}

static void harness_pci_intx_update(viv_pci_fn_t *fn)
{
    Harness *h = fn->owner->h;
    uint32_t line = fn->intx_raw &&
                    !(harness_le_get(fn->cfg, HARNESS_PCI_COMMAND, 2) & HARNESS_COMMAND_NO_INTX) &&
                    !pci_msi_granted(&fn->caps) && !pci_msix_granted(&fn->caps);
    fn->cfg[HARNESS_PCI_STATUS] = (uint8_t)((fn->cfg[HARNESS_PCI_STATUS] & ~HARNESS_STATUS_INTX) |
                                            (fn->intx_raw ? HARNESS_STATUS_INTX : 0));
    if (line == fn->intx_line) {
        return;
    }
    fn->intx_line = line;
    harness_log_event(h, HARNESS_EV_INTX, fn->index, line, 0, 0, 0);
    const HarnessRole *router = h->intx.ops ? &h->intx : &h->pcibus;
    const viv_pcibus_ops_t *ops = router->ops;
    if (ops && ops->set_intx) {
        harness_chipset_lock(h);
        ops->set_intx(&router->inst->dev, router->self, fn->bus, fn->devfn,
                      fn->cfg[HARNESS_PCI_PIN], line);
        harness_chipset_unlock(h);
    }
}

void harness_pci_loaded(viv_pci_fn_t *fn)
{
    pci_caps_loaded(&fn->caps);
    fn->intx_raw = 0; /* the device raises it again in post_load */
    fn->intx_line = 0;
    harness_pci_remap(fn);
    harness_pci_intx_update(fn);
}

void harness_pci_fn_free(viv_pci_fn_t *fn)
{
    if (fn) {
        pci_caps_finish(&fn->caps);
        free(fn);
    }
}

/* -- accesses of the guest ------------------------------------------------------------------- */

static void harness_pci_access_check(uint32_t off, uint32_t width)
{
    HARNESS_CHECK(width == 1 || width == 2 || width == 4, "a configuration access of %u bytes",
                  width);
    HARNESS_CHECK((off & 3) + width <= 4, "a configuration access across a dword: %x, %u bytes",
                  off, width);
}

static uint32_t harness_pci_guest_read(viv_pci_fn_t *fn, uint32_t off, uint32_t width)
{
    harness_pci_access_check(off, width);
    if (off >= fn->caps.config_len) {
        return width == 4 ? UINT32_MAX : (1u << (8 * width)) - 1;
    }
    uint32_t value = harness_le_get(fn->cfg, off, width);
    if (fn->read) {
        unsigned token = harness_enter(fn->owner);
        value = fn->read(&fn->owner->dev, fn->hook_ctx, off, width, value);
        harness_leave(fn->owner, token);
    }
    return width == 4 ? value : value & ((1u << (8 * width)) - 1);
}

static void harness_pci_guest_write(viv_pci_fn_t *fn, uint32_t off, uint32_t value, uint32_t width)
{
    harness_pci_access_check(off, width);
    if (off >= fn->caps.config_len) {
        return;
    }
    for (uint32_t i = off; i < off + width; i++) {
        uint8_t byte = (uint8_t)(value >> (8 * (i - off)));
        fn->cfg[i] = (uint8_t)((fn->cfg[i] & ~fn->wmask[i]) | (byte & fn->wmask[i]));
        fn->cfg[i] = (uint8_t)(fn->cfg[i] & ~(byte & fn->w1c[i]));
    }
    if (off < 0x40) {
        harness_pci_remap(fn);
    }
    harness_pci_intx_update(fn);
    harness_msi_flush(fn);
    if (fn->written) {
        unsigned token = harness_enter(fn->owner);
        fn->written(&fn->owner->dev, fn->hook_ctx, off, width,
                    width == 4 ? value : value & ((1u << (8 * width)) - 1));
        harness_leave(fn->owner, token);
    }
}

/* -- viv.pci/1 ------------------------------------------------------------------------------- */

static viv_pci_fn_t *harness_pci_at(Harness *h, uint32_t bus, uint32_t devfn)
{
    for (int i = 0; i < HARNESS_MAX_INSTANCES; i++) {
        for (uint32_t k = 0; h->inst[i] && k < HARNESS_PCI_FNS; k++) {
            viv_pci_fn_t *fn = h->inst[i]->fns[k];
            if (fn && fn->bus == bus && fn->devfn == devfn) {
                return fn;
            }
        }
    }
    return NULL;
}

static void harness_pci_header(viv_pci_fn_t *fn, const viv_pci_desc_t *desc)
{
    harness_le_put(fn->cfg, 0x00, desc->vendor_id, 2);
    harness_le_put(fn->cfg, 0x02, desc->device_id, 2);
    fn->cfg[0x08] = desc->revision;
    harness_le_put(fn->cfg, 0x09, desc->class_code, 3);
    fn->cfg[0x0e] = desc->header_type;
    fn->cfg[HARNESS_PCI_PIN] = desc->int_pin;
    harness_le_put(fn->wmask, HARNESS_PCI_COMMAND, 0x0547, 2);
    harness_le_put(fn->w1c, HARNESS_PCI_STATUS, 0xf900, 2);
    fn->wmask[0x0c] = 0xff;
    fn->wmask[0x0d] = 0xff;
    fn->wmask[0x3c] = 0xff;
    if ((desc->header_type & 0x7f) == 1) {
        pci_bridge_header(fn->wmask, fn->w1c);
    } else {
        harness_le_put(fn->cfg, 0x2c, desc->subsystem_vendor_id, 2);
        harness_le_put(fn->cfg, 0x2e, desc->subsystem_id, 2);
    }
}

static viv_status_t harness_pci_add(viv_dev_t *dev, uint32_t index, const viv_pci_desc_t *desc,
                                    viv_pci_fn_t **ret_fn)
{
    HarnessInst *inst = harness_pci_inst(dev);
    viv_pci_desc_t d;
    memset(&d, 0, sizeof(d));
    memcpy(&d, desc, desc->size < sizeof(d) ? desc->size : sizeof(d));
    HARNESS_CHECK(index < HARNESS_PCI_FNS && !inst->fns[index], "%s: PCI function index %u",
                  inst->name, index);
    HARNESS_CHECK(d.int_pin <= 4 && d.function < 8, "%s: bad PCI description", inst->name);
    if (harness_fallible(inst->h)) {
        return VIV_E_NOMEM;
    }
    uint32_t device = d.device;
    if (device == VIV_PCI_AUTO) {
        for (device = 1; device < 32 && harness_pci_at(inst->h, d.bus, device << 3 | d.function);
             device++) {
        }
    }
    if (device >= 32 || harness_pci_at(inst->h, d.bus, device << 3 | d.function)) {
        return harness_error_set(VIV_E_EXISTS, "%s: PCI slot %u.%u is taken", inst->name, device,
                                 d.function);
    }
    viv_pci_fn_t *fn = harness_alloc(sizeof(*fn));
    fn->owner = inst;
    fn->index = index;
    fn->bus = d.bus;
    fn->devfn = device << 3 | d.function;
    for (uint32_t i = 0; i < HARNESS_PCI_BARS; i++) {
        fn->bars[i].address = UINT64_MAX;
    }
    pci_caps_init(&fn->caps, fn->cfg, fn->wmask);
    harness_pci_header(fn, &d);
    inst->fns[index] = fn;
    *ret_fn = fn;
    return VIV_OK;
}

/* Common to the three kinds: checks, and the writable bits of the register. */
static viv_status_t harness_pci_bar(viv_pci_fn_t *fn, uint32_t bar, HarnessBarKind kind,
                                    uint64_t len, uint32_t flags, uint64_t least)
{
    const char *who = fn->owner->name;
    uint32_t most = (fn->cfg[0x0e] & 0x7f) == 1 ? 2 : 6;
    HARNESS_CHECK(bar < most || (bar == 6 && kind == HARNESS_BAR_RAM), "%s: BAR %u", who, bar);
    HARNESS_CHECK(!(flags & VIV_BAR_64BIT) || bar + 1 < most, "%s: 64-bit BAR %u", who, bar);
    HARNESS_CHECK(fn->bars[bar].kind == HARNESS_BAR_NONE, "%s: BAR %u is set twice", who, bar);
    if (harness_fallible(fn->owner->h)) {
        return VIV_E_NOMEM;
    }
    if (len < least || (len & (len - 1)) || (len > 0x80000000ull && !(flags & VIV_BAR_64BIT))) {
        return harness_error_set(VIV_E_INVALID, "%s: a BAR of %llu bytes", who,
                                 (unsigned long long)len);
    }
    uint32_t reg = harness_pci_bar_reg(fn, bar);
    uint64_t mask = ~(len - 1);
    if (kind == HARNESS_BAR_PIO) {
        harness_le_put(fn->wmask, reg, (uint32_t)mask & ~3u, 4);
        fn->cfg[reg] = 1;
    } else if (bar == 6) {
        harness_le_put(fn->wmask, reg, ((uint32_t)mask & ~0x7ffu) | 1, 4);
    } else {
        harness_le_put(fn->wmask, reg, (uint32_t)mask & ~15u, 4);
        fn->cfg[reg] =
            (uint8_t)((flags & VIV_BAR_64BIT ? 4 : 0) | (flags & VIV_BAR_PREFETCH ? 8 : 0));
        if (flags & VIV_BAR_64BIT) {
            harness_le_put(fn->wmask, reg + 4, (uint32_t)(mask >> 32), 4);
        }
    }
    fn->bars[bar].kind = kind;
    fn->bars[bar].len = len;
    fn->bars[bar].flags = flags;
    return VIV_OK;
}

static viv_status_t harness_pci_bar_io(viv_pci_fn_t *fn, uint32_t bar, HarnessBarKind kind,
                                       uint64_t len, uint32_t flags, const viv_io_ops_t *ops,
                                       void *ctx, const char *name)
{
    viv_status_t st = harness_pci_bar(fn, bar, kind, len, flags, kind == HARNESS_BAR_PIO ? 4 : 16);
    if (st == VIV_OK) {
        HarnessBar *b = &fn->bars[bar];
        memcpy(&b->ops, ops, ops->size < sizeof(b->ops) ? ops->size : sizeof(b->ops));
        b->ops.size = sizeof(b->ops);
        b->ctx = ctx;
        b->name = name;
    }
    return st;
}

static viv_status_t harness_pci_bar_pio(viv_pci_fn_t *fn, uint32_t bar, uint32_t count,
                                        const viv_io_ops_t *ops, void *ctx, const char *name)
{
    return harness_pci_bar_io(fn, bar, HARNESS_BAR_PIO, count, 0, ops, ctx, name);
}

viv_status_t harness_pci_bar_mmio(viv_pci_fn_t *fn, uint32_t bar, uint64_t len_bytes,
                                  uint32_t flags, const viv_io_ops_t *ops, void *ctx,
                                  const char *name)
{
    return harness_pci_bar_io(fn, bar, HARNESS_BAR_MMIO, len_bytes, flags, ops, ctx, name);
}

static viv_status_t harness_pci_bar_ram(viv_pci_fn_t *fn, uint32_t bar, uint32_t flags,
                                        viv_ram_t *ram, uint64_t len_bytes, uint32_t writable)
{
    HARNESS_CHECK(ram && ram->owner == fn->owner && len_bytes <= ram->len,
                  "%s: BAR %u's RAM is too small", fn->owner->name, bar);
    viv_status_t st =
        harness_pci_bar(fn, bar, HARNESS_BAR_RAM, len_bytes, flags, bar == 6 ? 2048 : 16);
    if (st == VIV_OK) {
        fn->bars[bar].ram = ram;
        fn->bars[bar].writable = writable;
    }
    return st;
}

static uint64_t harness_pci_bar_address(viv_pci_fn_t *fn, uint32_t bar)
{
    HARNESS_CHECK(bar < HARNESS_PCI_BARS, "BAR %u", bar);
    return fn->bars[bar].address;
}

static void harness_pci_raw_check(const viv_pci_fn_t *fn, uint32_t off, uint32_t width)
{
    HARNESS_CHECK(width && width <= 4 && off < sizeof(fn->cfg) && off + width <= sizeof(fn->cfg),
                  "%s: configuration register %x, %u bytes", fn->owner->name, off, width);
}

static uint32_t harness_pci_config_get(viv_pci_fn_t *fn, uint32_t off, uint32_t width)
{
    harness_pci_raw_check(fn, off, width);
    return harness_le_get(fn->cfg, off, width);
}

static void harness_pci_config_set(viv_pci_fn_t *fn, uint32_t off, uint32_t value, uint32_t width)
{
    harness_pci_raw_check(fn, off, width);
    harness_le_put(fn->cfg, off, value, width);
    if (off < 0x40) {
        harness_pci_remap(fn);
        harness_pci_intx_update(fn);
    }
}

static void harness_pci_config_wmask(viv_pci_fn_t *fn, uint32_t off, uint32_t mask, uint32_t width)
{
    harness_pci_raw_check(fn, off, width);
    harness_le_put(fn->wmask, off, mask, width);
}

static void harness_pci_config_w1c(viv_pci_fn_t *fn, uint32_t off, uint32_t mask, uint32_t width)
{
    harness_pci_raw_check(fn, off, width);
    harness_le_put(fn->w1c, off, mask, width);
}

static void harness_pci_config_hooks(viv_pci_fn_t *fn, viv_pci_cfg_read_fn read,
                                     viv_pci_cfg_written_fn written, void *ctx)
{
    fn->read = read;
    fn->written = written;
    fn->hook_ctx = ctx;
}

static void harness_pci_intx_set(viv_pci_fn_t *fn, uint32_t level)
{
    HARNESS_CHECK(fn->cfg[HARNESS_PCI_PIN], "%s: INTx of a function without an interrupt pin",
                  fn->owner->name);
    fn->intx_raw = level != 0;
    harness_pci_intx_update(fn);
}

int harness_pci_is_master(const viv_pci_fn_t *fn)
{
    return harness_le_get(fn->cfg, HARNESS_PCI_COMMAND, 2) & HARNESS_COMMAND_MASTER ? 1 : 0;
}

static viv_status_t harness_pci_dma_read(viv_pci_fn_t *fn, uint64_t gpa, void *buf,
                                         uint64_t len_bytes)
{
    if (!harness_pci_is_master(fn)) {
        return VIV_E_ACCESS;
    }
    harness_mem_access(fn->owner->h, gpa, buf, len_bytes, 0);
    return VIV_OK;
}

static viv_status_t harness_pci_dma_write(viv_pci_fn_t *fn, uint64_t gpa, const void *buf,
                                          uint64_t len_bytes)
{
    if (!harness_pci_is_master(fn)) {
        return VIV_E_ACCESS;
    }
    fn->owner->dev.api->mem_write(&fn->owner->dev, gpa, buf, len_bytes);
    return VIV_OK;
}

const viv_pci_api_t harness_pci_api = {
    .size = sizeof(viv_pci_api_t),
    .add = harness_pci_add,
    .bar_pio = harness_pci_bar_pio,
    .bar_mmio = harness_pci_bar_mmio,
    .bar_ram = harness_pci_bar_ram,
    .bar_address = harness_pci_bar_address,
    .config_get = harness_pci_config_get,
    .config_set = harness_pci_config_set,
    .config_wmask = harness_pci_config_wmask,
    .config_w1c = harness_pci_config_w1c,
    .config_hooks = harness_pci_config_hooks,
    .intx_set = harness_pci_intx_set,
    .dma_read = harness_pci_dma_read,
    .dma_write = harness_pci_dma_write,
    .cap_add = harness_msi_cap_add,
    .ext_cap_add = harness_msi_ext_cap_add,
    .msi_add = harness_msi_add,
    .msix_add = harness_msi_add_x,
    .msi_enabled = harness_msi_enabled,
    .msix_enabled = harness_msi_enabled_x,
    .msi_send = harness_msi_send,
    .msi_clear = harness_msi_clear,
};

/* -- viv.pcibus/1 ---------------------------------------------------------------------------- */

static viv_status_t harness_pcibus_provide(viv_dev_t *dev, const viv_pcibus_ops_t *ops, void *self)
{
    HarnessInst *inst = harness_pci_inst(dev);
    return harness_role_take(inst->h, &inst->h->pcibus, inst, ops, sizeof(*ops), self, "PCI bus");
}

static uint32_t harness_pcibus_read(viv_dev_t *dev, uint32_t bus, uint32_t devfn, uint32_t off,
                                    uint32_t width)
{
    viv_pci_fn_t *fn = harness_pci_at(harness_pci_inst(dev)->h, bus, devfn);
    harness_pci_access_check(off, width);
    if (!fn) {
        return width == 4 ? UINT32_MAX : (1u << (8 * width)) - 1;
    }
    return harness_pci_guest_read(fn, off, width);
}

static void harness_pcibus_write(viv_dev_t *dev, uint32_t bus, uint32_t devfn, uint32_t off,
                                 uint32_t value, uint32_t width)
{
    viv_pci_fn_t *fn = harness_pci_at(harness_pci_inst(dev)->h, bus, devfn);
    harness_pci_access_check(off, width);
    if (fn) {
        harness_pci_guest_write(fn, off, value, width);
    }
}

/* The registers alone: decoding behind a bridge is the real host's to test. */
static viv_status_t harness_pcibus_bridge_add(viv_dev_t *dev, viv_pci_fn_t *fn, uint32_t flags,
                                              uint32_t *ret_bus)
{
    Harness *h = harness_pci_inst(dev)->h;
    HARNESS_CHECK((fn->cfg[0x0e] & 0x7f) == 1, "%s: a bridge without a type 1 header",
                  fn->owner->name);
    if (harness_fallible(h)) {
        return VIV_E_NOMEM;
    }
    pci_bridge_flags(fn->cfg, fn->wmask, fn->w1c, flags);
    *ret_bus = ++h->bridges;
    return VIV_OK;
}

static viv_status_t harness_pcibus_route_intx(viv_dev_t *dev, const viv_pcibus_ops_t *ops,
                                              void *self)
{
    HarnessInst *inst = harness_pci_inst(dev);
    return harness_role_take(inst->h, &inst->h->intx, inst, ops, sizeof(*ops), self,
                             "PCI interrupt router");
}

const viv_pcibus_api_t harness_pcibus_api = {
    .size = sizeof(viv_pcibus_api_t),
    .provide = harness_pcibus_provide,
    .config_read = harness_pcibus_read,
    .config_write = harness_pcibus_write,
    .bridge_add = harness_pcibus_bridge_add,
    .route_intx = harness_pcibus_route_intx,
};

/* -- for tests ------------------------------------------------------------------------------- */

/* After construct: what a reset brings back. */
void harness_pci_snapshot(HarnessInst *inst)
{
    for (uint32_t k = 0; k < HARNESS_PCI_FNS; k++) {
        if (inst->fns[k]) {
            memcpy(inst->fns[k]->reset_cfg, inst->fns[k]->cfg, sizeof(inst->fns[k]->cfg));
        }
    }
}

void harness_pci_reset(Harness *h)
{
    for (int i = 0; i < h->count; i++) {
        for (uint32_t k = 0; k < HARNESS_PCI_FNS; k++) {
            viv_pci_fn_t *fn = h->inst[i]->fns[k];
            if (fn) {
                memcpy(fn->cfg, fn->reset_cfg, sizeof(fn->cfg));
                pci_caps_reset(&fn->caps);
                fn->intx_raw = 0;
                harness_pci_remap(fn);
                harness_pci_intx_update(fn);
            }
        }
    }
}

viv_pci_fn_t *harness_pci_get(Harness *h, uint32_t fn_index)
{
    HarnessInst *inst = harness_inst(h);
    HARNESS_CHECK(fn_index < HARNESS_PCI_FNS && inst->fns[fn_index], "%s has no PCI function %u",
                  inst->name, fn_index);
    return inst->fns[fn_index];
}

uint32_t harness_cfg_read(Harness *h, uint32_t fn_index, uint32_t off, uint32_t width)
{
    return harness_pci_guest_read(harness_pci_get(h, fn_index), off, width);
}

void harness_cfg_write(Harness *h, uint32_t fn_index, uint32_t off, uint32_t value, uint32_t width)
{
    harness_pci_guest_write(harness_pci_get(h, fn_index), off, value, width);
}

uint32_t harness_pci_devfn(Harness *h, uint32_t fn_index)
{
    return harness_pci_get(h, fn_index)->devfn;
}

uint32_t harness_intx_level(Harness *h, uint32_t fn_index)
{
    return harness_pci_get(h, fn_index)->intx_line;
}

void harness_pci_map_bar(Harness *h, uint32_t fn_index, uint32_t bar, uint64_t address)
{
    viv_pci_fn_t *fn = harness_pci_get(h, fn_index);
    uint32_t reg = harness_pci_bar_reg(fn, bar);
    HARNESS_CHECK(bar < HARNESS_PCI_BARS && fn->bars[bar].kind != HARNESS_BAR_NONE,
                  "there is no BAR %u", bar);
    harness_pci_guest_write(fn, reg, (uint32_t)address | (bar == 6), 4);
    if (fn->bars[bar].flags & VIV_BAR_64BIT) {
        harness_pci_guest_write(fn, reg + 4, (uint32_t)(address >> 32), 4);
    }
    uint32_t command = harness_pci_guest_read(fn, HARNESS_PCI_COMMAND, 2);
    command |= HARNESS_COMMAND_MASTER;
    command |= fn->bars[bar].kind == HARNESS_BAR_PIO ? HARNESS_COMMAND_IO : HARNESS_COMMAND_MEMORY;
    harness_pci_guest_write(fn, HARNESS_PCI_COMMAND, command, 2);
}

uint64_t harness_pci_bar_size(Harness *h, uint32_t fn_index, uint32_t bar)
{
    viv_pci_fn_t *fn = harness_pci_get(h, fn_index);
    uint32_t reg = harness_pci_bar_reg(fn, bar);
    int wide = bar < 6 && (fn->cfg[reg] & 7) == 4;
    uint32_t low = harness_pci_guest_read(fn, reg, 4),
             high = wide ? harness_pci_guest_read(fn, reg + 4, 4) : 0;
    uint32_t command = harness_pci_guest_read(fn, HARNESS_PCI_COMMAND, 2);
    harness_pci_guest_write(fn, HARNESS_PCI_COMMAND, 0, 2);
    harness_pci_guest_write(fn, reg, UINT32_MAX, 4);
    uint64_t mask = harness_pci_guest_read(fn, reg, 4);
    mask &= bar == 6 ? ~0x7ffull : (mask & 1) ? ~3ull : ~15ull;
    harness_pci_guest_write(fn, reg, low, 4);
    if (wide) {
        harness_pci_guest_write(fn, reg + 4, UINT32_MAX, 4);
        mask |= (uint64_t)harness_pci_guest_read(fn, reg + 4, 4) << 32;
        harness_pci_guest_write(fn, reg + 4, high, 4);
    } else if (mask) {
        mask |= 0xffffffff00000000ull;
    }
    harness_pci_guest_write(fn, HARNESS_PCI_COMMAND, command, 2);
    return mask ? ~mask + 1 : 0;
}
