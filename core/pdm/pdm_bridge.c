/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PDM: PCI-to-PCI bridges (PCI-to-PCI Bridge Architecture Specification 1.2; PCI Express ports look
 * the same to software). A bus of the board has an index in Pdm.buses; the number that a guest
 * gives it is in the bridge's Secondary Bus Number. Invariants:
 *  1. Bus n lies behind a function on a bus with a lower index: walks up and down end.
 *  2. wires[p] of a function counts the sources on pin p of its slot; what stands above hears of 0
 * <-> 1 only. */
#include <string.h>

#include "pdm/pdm_internal.h"

#define BRIDGE_COMMAND        0x04u
#define BRIDGE_COMMAND_IO     0x1u
#define BRIDGE_COMMAND_MEMORY 0x2u
#define BRIDGE_COMMAND_MASTER 0x4u
#define BRIDGE_HEADER         0x0eu
#define BRIDGE_SECONDARY      0x19u
#define BRIDGE_SUBORDINATE    0x1au
#define BRIDGE_IO_BASE        0x1cu
#define BRIDGE_IO_LIMIT       0x1du
#define BRIDGE_MEM_BASE       0x20u
#define BRIDGE_MEM_LIMIT      0x22u
#define BRIDGE_PF_BASE        0x24u
#define BRIDGE_PF_LIMIT       0x26u
#define BRIDGE_PF_BASE_HIGH   0x28u
#define BRIDGE_PF_LIMIT_HIGH  0x2cu
#define BRIDGE_IO_BASE_HIGH   0x30u
#define BRIDGE_IO_LIMIT_HIGH  0x32u
#define BRIDGE_CONTROL        0x3eu

#define BRIDGE_CONTROL_ISA   0x0004u
#define BRIDGE_CONTROL_VGA   0x0008u
#define BRIDGE_CONTROL_VGA16 0x0010u
#define BRIDGE_CONTROL_RESET 0x0040u

static uint32_t bridge_get(const viv_pci_fn_t *fn, uint32_t off, uint32_t width)
{
    uint32_t value = 0;
    memcpy(&value, fn->config + off, width);
    return value;
}

/* Index of the bus behind, 0: not a bridge. */
static uint32_t bridge_bus(const viv_pci_fn_t *fn)
{
    const Pdm *pdm = fn->device->pdm;
    for (uint32_t bus = 1; bus < pdm->bus_count; bus++) {
        if (pdm->buses[bus].bridge == fn) {
            return bus;
        }
    }
    return 0;
}

gboolean pdm_bridge_is(const viv_pci_fn_t *fn)
{
    return (fn->config[BRIDGE_HEADER] & 0x7f) == 1;
}

uint32_t pdm_bridge_control(const viv_pci_fn_t *fn)
{
    return pdm_bridge_is(fn) ? bridge_get(fn, BRIDGE_CONTROL, 2) : 0;
}

/* -- registers ------------------------------------------------------------------------------- */

/* Buses behind it have gone before. */
void pdm_bridge_remove(viv_pci_fn_t *fn)
{
    uint32_t bus = bridge_bus(fn);
    if (bus) {
        fn->device->pdm->bus_count = bus;
    }
}

viv_status_t pdm_bridge_add(viv_dev_t *dev, viv_pci_fn_t *fn, uint32_t flags, uint32_t *ret_bus)
{
    Pdm *pdm = fn->device->pdm;
    if (!pdm_bridge_is(fn) || bridge_bus(fn)) {
        return dev->api->fail(dev, VIV_E_MISUSE, "the function cannot become a bridge");
    }
    if (pdm->bus_count == PDM_PCI_BUSES) {
        return dev->api->fail(dev, VIV_E_CONFIG, "a machine has %u PCI buses at most",
                              PDM_PCI_BUSES);
    }
    pci_bridge_flags(fn->config, fn->wmask, fn->w1c, flags);
    *ret_bus = pdm->bus_count;
    pdm->buses[pdm->bus_count++] = (PdmPciBus){fn, flags};
    return VIV_OK;
}

/* -- configuration cycles -------------------------------------------------------------------- */

static gboolean bridge_in_reset(const viv_pci_fn_t *bridge)
{
    return (bridge_get(bridge, BRIDGE_CONTROL, 2) & BRIDGE_CONTROL_RESET) != 0;
}

/* The bus with that number at or below `bus`, whose own number it is not; UINT32_MAX: none. The
 * first bridge that claims the number gets the cycle. */
static uint32_t bridge_bus_below(const Pdm *pdm, uint32_t bus, uint32_t number)
{
    for (uint32_t i = bus + 1; i < pdm->bus_count; i++) {
        const viv_pci_fn_t *bridge = pdm->buses[i].bridge;
        uint32_t first = bridge->config[BRIDGE_SECONDARY];
        gboolean claims =
            number == first || (number > first && number <= bridge->config[BRIDGE_SUBORDINATE]);
        if (bridge->bus != bus || !claims) {
            continue;
        }
        if (bridge_in_reset(bridge)) {
            return UINT32_MAX;
        }
        return number == first ? i : bridge_bus_below(pdm, i, number);
    }
    return UINT32_MAX;
}

viv_pci_fn_t *pdm_bridge_find(Pdm *pdm, uint32_t number, uint32_t devfn)
{
    uint32_t bus = number ? bridge_bus_below(pdm, 0, number) : 0;
    return bus == UINT32_MAX ? NULL : pdm_pci_find(pdm, bus, devfn);
}

/* -- decoding -------------------------------------------------------------------------------- */

static gboolean bridge_inside(uint64_t address, uint64_t len, uint64_t base, uint64_t limit)
{
    return base <= limit && address >= base && address + len - 1 <= limit;
}

static gboolean bridge_io_window(const viv_pci_fn_t *bridge, uint32_t flags, uint64_t address,
                                 uint64_t len)
{
    uint64_t base = (bridge_get(bridge, BRIDGE_IO_BASE, 1) & 0xf0u) << 8;
    uint64_t limit = (bridge_get(bridge, BRIDGE_IO_LIMIT, 1) & 0xf0u) << 8 | 0xfff;
    if (flags & VIV_BRIDGE_IO32) {
        base |= (uint64_t)bridge_get(bridge, BRIDGE_IO_BASE_HIGH, 2) << 16;
        limit |= (uint64_t)bridge_get(bridge, BRIDGE_IO_LIMIT_HIGH, 2) << 16;
    }
    /* ISA Enable keeps the upper 768 bytes of each KiB of the first 64 KiB on the primary side. */
    gboolean isa = bridge_get(bridge, BRIDGE_CONTROL, 2) & BRIDGE_CONTROL_ISA && address & 0x300;
    return bridge_inside(address, len, base, limit) && !isa;
}

/* The ports of a VGA; 10 bits of them are decoded unless VGA 16-bit Decode is set. */
static gboolean bridge_vga_port(uint32_t control, uint64_t address, uint64_t len)
{
    uint64_t port = control & BRIDGE_CONTROL_VGA16 ? address : address & 0x3ff;
    return bridge_inside(port, len, 0x3b0, 0x3bb) || bridge_inside(port, len, 0x3c0, 0x3df);
}

static gboolean bridge_memory_window(const viv_pci_fn_t *bridge, uint32_t flags, uint64_t address,
                                     uint64_t len)
{
    uint64_t base = (uint64_t)(bridge_get(bridge, BRIDGE_MEM_BASE, 2) & 0xfff0u) << 16;
    uint64_t limit = (uint64_t)(bridge_get(bridge, BRIDGE_MEM_LIMIT, 2) & 0xfff0u) << 16 | 0xfffff;
    if (bridge_inside(address, len, base, limit)) {
        return TRUE;
    }
    base = (uint64_t)(bridge_get(bridge, BRIDGE_PF_BASE, 2) & 0xfff0u) << 16;
    limit = (uint64_t)(bridge_get(bridge, BRIDGE_PF_LIMIT, 2) & 0xfff0u) << 16 | 0xfffff;
    if (flags & VIV_BRIDGE_PREFETCH64) {
        base |= (uint64_t)bridge_get(bridge, BRIDGE_PF_BASE_HIGH, 4) << 32;
        limit |= (uint64_t)bridge_get(bridge, BRIDGE_PF_LIMIT_HIGH, 4) << 32;
    }
    return bridge_inside(address, len, base, limit);
}

static gboolean bridge_forwards(const PdmPciBus *bus, gboolean io, uint64_t address, uint64_t len)
{
    const viv_pci_fn_t *bridge = bus->bridge;
    uint32_t control = bridge_get(bridge, BRIDGE_CONTROL, 2);
    uint32_t enable = io ? BRIDGE_COMMAND_IO : BRIDGE_COMMAND_MEMORY;
    if (!(bridge_get(bridge, BRIDGE_COMMAND, 2) & enable) || bridge_in_reset(bridge)) {
        return FALSE;
    }
    if (bus->flags & VIV_BRIDGE_SUBTRACTIVE) {
        return TRUE;
    }
    if (control & BRIDGE_CONTROL_VGA && (io ? bridge_vga_port(control, address, len)
                                            : bridge_inside(address, len, 0xa0000, 0xbffff))) {
        return TRUE;
    }
    return io ? bridge_io_window(bridge, bus->flags, address, len)
              : bridge_memory_window(bridge, bus->flags, address, len);
}

gboolean pdm_bridge_passes(const viv_pci_fn_t *fn, gboolean io, uint64_t address, uint64_t len)
{
    const Pdm *pdm = fn->device->pdm;
    for (uint32_t bus = fn->bus; bus; bus = pdm->buses[bus].bridge->bus) {
        if (!bridge_forwards(&pdm->buses[bus], io, address, len)) {
            return FALSE;
        }
    }
    return TRUE;
}

gboolean pdm_bridge_masters(const viv_pci_fn_t *fn)
{
    const Pdm *pdm = fn->device->pdm;
    gboolean master = (bridge_get(fn, BRIDGE_COMMAND, 2) & BRIDGE_COMMAND_MASTER) != 0;
    for (uint32_t bus = fn->bus; bus && master; bus = pdm->buses[bus].bridge->bus) {
        const viv_pci_fn_t *bridge = pdm->buses[bus].bridge;
        master = (bridge_get(bridge, BRIDGE_COMMAND, 2) & BRIDGE_COMMAND_MASTER) &&
                 !bridge_in_reset(bridge);
    }
    return master;
}

/* -- INTx ------------------------------------------------------------------------------------ */

void pdm_bridge_wire(viv_pci_fn_t *fn, uint32_t pin, uint32_t level)
{
    Pdm *pdm = fn->device->pdm;
    for (;;) {
        uint32_t *wire = &fn->wires[pin - 1];
        *wire = level ? *wire + 1 : *wire - (*wire != 0);
        if (*wire != (level ? 1u : 0u)) {
            return; /* another source holds it up */
        }
        if (!fn->bus) {
            break;
        }
        pin = (pin - 1 + (fn->devfn >> 3)) % 4 + 1;
        fn = pdm->buses[fn->bus].bridge;
    }
    const PdmRole *router = pdm->intx.device ? &pdm->intx : &pdm->pcibus;
    const viv_pcibus_ops_t *ops = router->ops;
    if (router->device && ops->set_intx) {
        ops->set_intx(&router->device->pub, router->self, 0, fn->devfn, pin, level);
    }
}

/* -- what a write brings about --------------------------------------------------------------- */

static gboolean bridge_is_above(const viv_pci_fn_t *bridge, const viv_pci_fn_t *fn)
{
    const Pdm *pdm = fn->device->pdm;
    for (uint32_t bus = fn->bus; bus; bus = pdm->buses[bus].bridge->bus) {
        if (pdm->buses[bus].bridge == bridge) {
            return TRUE;
        }
    }
    return FALSE;
}

/* Secondary Bus Reset: functions first, so that no device finds a neighbour's old registers. */
static void bridge_reset_behind(viv_pci_fn_t *bridge)
{
    GPtrArray *functions = bridge->device->pdm->functions;
    for (guint i = 0; i < functions->len; i++) {
        viv_pci_fn_t *fn = g_ptr_array_index(functions, i);
        if (bridge_is_above(bridge, fn)) {
            pdm_pci_reset_one(fn);
        }
    }
    PdmDevice *last = NULL;
    for (guint i = 0; i < functions->len; i++) {
        viv_pci_fn_t *fn = g_ptr_array_index(functions, i);
        if (bridge_is_above(bridge, fn) && fn->device != last) {
            last = fn->device; /* a device's functions stand in a row */
            pdm_device_reset(last);
        }
    }
}

void pdm_bridge_written(viv_pci_fn_t *fn, uint32_t off, uint32_t width, uint32_t before)
{
    GPtrArray *functions = fn->device->pdm->functions;
    if (!bridge_bus(fn) || off + width <= BRIDGE_COMMAND) {
        return;
    }
    if (bridge_in_reset(fn) && !(before & BRIDGE_CONTROL_RESET)) {
        bridge_reset_behind(fn);
    }
    for (guint i = 0; i < functions->len; i++) {
        viv_pci_fn_t *behind = g_ptr_array_index(functions, i);
        if (bridge_is_above(fn, behind)) {
            pdm_pci_remap(behind);
        }
    }
}
