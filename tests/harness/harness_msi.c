/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fake host: capabilities, MSI and MSI-X. The registers are the real host's (core/pdm/pci_caps.c);
 * messages end in the log. */
#include "harness_internal.h"

#define HARNESS_MSI_FIRST 0xfee00000ull
#define HARNESS_MSI_LAST  0xfeefffffull
#define HARNESS_CAP_MSI   0x05u
#define HARNESS_CAP_MSIX  0x11u

/* -- messages -------------------------------------------------------------------------------- */

int harness_msi_write(Harness *h, uint64_t gpa, const void *buf, uint64_t len)
{
    uint32_t data;
    PciApicMessage msg;
    if (gpa < HARNESS_MSI_FIRST || gpa > HARNESS_MSI_LAST) {
        return 0;
    }
    if (len != sizeof(data) || gpa & 3) {
        return 1; /* no message, and nothing else either */
    }
    memcpy(&data, buf, sizeof(data));
    harness_log_event(h, HARNESS_EV_MSI, gpa, data, 0, 0, 0);
    if (h->apic.ops && pci_message_decode(gpa, data, &msg) && msg.send) {
        const viv_apic_ops_t *ops = h->apic.ops;
        harness_chipset_lock(h);
        ops->deliver(&h->apic.inst->dev, h->apic.self, msg.dest, msg.logical, msg.mode, msg.vector,
                     msg.level);
        harness_chipset_unlock(h);
    }
    return 1;
}

static void harness_msi_put(viv_pci_fn_t *fn, const PciMessage *message)
{
    fn->owner->dev.api->mem_write(&fn->owner->dev, message->address, &message->data,
                                  sizeof(message->data));
}

void harness_msi_flush(viv_pci_fn_t *fn)
{
    PciMessage message;
    while (harness_pci_is_master(fn) && pci_msi_next(&fn->caps, &message)) {
        harness_msi_put(fn, &message);
    }
}

viv_status_t harness_msi_send(viv_pci_fn_t *fn, uint32_t vector)
{
    PciMessage message;
    PciMsiAnswer answer = pci_msi_raise(&fn->caps, vector, &message);
    if (answer != PCI_MSI_SEND) {
        return answer == PCI_MSI_HELD ? VIV_OK : VIV_E_UNSUPPORTED;
    }
    if (!harness_pci_is_master(fn)) {
        return VIV_E_ACCESS;
    }
    harness_msi_put(fn, &message);
    return VIV_OK;
}

void harness_msi_clear(viv_pci_fn_t *fn, uint32_t vector)
{
    pci_msi_lower(&fn->caps, vector);
}

uint32_t harness_msi_enabled(viv_pci_fn_t *fn)
{
    return pci_msi_granted(&fn->caps);
}

uint32_t harness_msi_enabled_x(viv_pci_fn_t *fn)
{
    return pci_msix_granted(&fn->caps);
}

/* -- capabilities ---------------------------------------------------------------------------- */

static viv_status_t harness_cap_result(viv_pci_fn_t *fn, viv_status_t st, const char *what)
{
    HARNESS_CHECK(st != VIV_E_INVALID && st != VIV_E_EXISTS, "%s: %s cannot be added (%d)",
                  fn->owner->name, what, st);
    return st;
}

viv_status_t harness_msi_cap_add(viv_pci_fn_t *fn, uint32_t cap_id, uint32_t len_bytes,
                                 uint32_t off, uint32_t *ret_off)
{
    if (harness_fallible(fn->owner->h)) {
        return VIV_E_NOMEM;
    }
    return harness_cap_result(fn, pci_caps_add(&fn->caps, cap_id, len_bytes, off, ret_off),
                              "a capability");
}

viv_status_t harness_msi_ext_cap_add(viv_pci_fn_t *fn, uint32_t cap_id, uint32_t version,
                                     uint32_t len_bytes, uint32_t off, uint32_t *ret_off)
{
    if (harness_fallible(fn->owner->h)) {
        return VIV_E_NOMEM;
    }
    return harness_cap_result(fn,
                              pci_caps_add_ext(&fn->caps, cap_id, version, len_bytes, off, ret_off),
                              "an extended capability");
}

viv_status_t harness_msi_add(viv_pci_fn_t *fn, uint32_t vectors_log2, uint32_t flags, uint32_t off)
{
    if (harness_fallible(fn->owner->h)) {
        return VIV_E_NOMEM;
    }
    return harness_cap_result(fn, pci_msi_add(&fn->caps, vectors_log2, flags, off), "MSI");
}

/* -- MSI-X: ranges over the BAR -------------------------------------------------------------- */

static uint64_t harness_msix_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    const HarnessMsixPart *part = ctx;
    uint64_t value = 0;
    (void)dev;
    for (uint32_t i = 0; i < width; i++) {
        uint8_t byte = 0;
        pci_msix_get(&part->fn->caps, part->bar, part->off + off + i, &byte);
        value |= (uint64_t)byte << (8 * i);
    }
    return value;
}

static void harness_msix_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value,
                               uint32_t width)
{
    const HarnessMsixPart *part = ctx;
    (void)dev;
    for (uint32_t i = 0; i < width; i++) {
        pci_msix_put(&part->fn->caps, part->bar, part->off + off + i, (uint8_t)(value >> (8 * i)));
    }
    harness_msi_flush(part->fn);
}

static const viv_io_ops_t harness_msix_ops = {
    .size = sizeof(viv_io_ops_t),
    .widths = VIV_W_ANY,
    .flags = VIV_IO_UNALIGNED | VIV_IO_NO_LOCK,
    .read = harness_msix_read,
    .write = harness_msix_write,
};

void harness_msi_map(viv_pci_fn_t *fn, uint32_t bar)
{
    HarnessBar *b = &fn->bars[bar];
    for (int i = 0; i < 2; i++) {
        HarnessMsixPart *part = &fn->msix[i];
        if (part->len && part->bar == bar) {
            b->msix[i] = harness_range_add(fn->owner, 1, b->address + part->off, part->len,
                                           &harness_msix_ops, part, "MSI-X", 1);
        }
    }
}

static uint64_t harness_msix_zero(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    (void)dev, (void)ctx, (void)off, (void)width;
    return 0;
}

static viv_status_t harness_msix_bar(viv_pci_fn_t *fn, uint32_t bar, uint64_t end)
{
    static const viv_io_ops_t nothing = {.size = sizeof(viv_io_ops_t),
                                         .widths = VIV_W_ANY,
                                         .flags = VIV_IO_UNALIGNED | VIV_IO_NO_LOCK,
                                         .read = harness_msix_zero};
    HARNESS_CHECK(bar < 6, "%s: MSI-X in BAR %u", fn->owner->name, bar);
    HarnessBar *b = &fn->bars[bar];
    if (b->kind == HARNESS_BAR_NONE) {
        uint64_t len = 4096;
        while (len < end) {
            len *= 2;
        }
        return harness_pci_bar_mmio(fn, bar, len, 0, &nothing, fn, "MSI-X");
    }
    HARNESS_CHECK(b->kind == HARNESS_BAR_MMIO && end <= b->len, "%s: MSI-X does not fit BAR %u",
                  fn->owner->name, bar);
    return VIV_OK;
}

viv_status_t harness_msi_add_x(viv_pci_fn_t *fn, uint32_t vectors, uint32_t table_bar,
                               uint32_t table_off, uint32_t pba_bar, uint32_t pba_off, uint32_t off)
{
    if (harness_fallible(fn->owner->h)) {
        return VIV_E_NOMEM;
    }
    viv_status_t st = harness_cap_result(
        fn, pci_msix_add(&fn->caps, vectors, table_bar, table_off, pba_bar, pba_off, off), "MSI-X");
    uint64_t table_end = table_off + (uint64_t)vectors * PCI_MSIX_ENTRY;
    uint64_t pba_end = (uint64_t)pba_off + pci_msix_pba_len(vectors);
    uint64_t end = table_bar == pba_bar && pba_end > table_end ? pba_end : table_end;
    if (st || (st = harness_msix_bar(fn, table_bar, end)) ||
        (st = harness_msix_bar(fn, pba_bar, pba_end))) {
        return st;
    }
    fn->msix[0] = (HarnessMsixPart){fn, table_bar, table_off, table_end - table_off};
    fn->msix[1] = (HarnessMsixPart){fn, pba_bar, pba_off, pba_end - pba_off};
    return VIV_OK;
}

/* -- for tests ------------------------------------------------------------------------------- */

uint32_t harness_cap_find(Harness *h, uint32_t fn_index, uint32_t cap_id)
{
    if (!(harness_cfg_read(h, fn_index, 0x06, 2) & 0x10)) {
        return 0;
    }
    uint32_t off = harness_cfg_read(h, fn_index, 0x34, 1) & ~3u;
    for (int i = 0; off >= 0x40 && i < 48; i++) {
        if (harness_cfg_read(h, fn_index, off, 1) == cap_id) {
            return off;
        }
        off = harness_cfg_read(h, fn_index, off + 1, 1) & ~3u;
    }
    return 0;
}

uint32_t harness_ext_cap_find(Harness *h, uint32_t fn_index, uint32_t cap_id)
{
    uint32_t off = 0x100;
    for (int i = 0; off >= 0x100 && i < 480; i++) {
        uint32_t header = harness_cfg_read(h, fn_index, off, 4);
        if (header == 0 || header == UINT32_MAX) {
            return 0;
        }
        if ((header & 0xffff) == cap_id) {
            return off;
        }
        off = header >> 20 & ~3u;
    }
    return 0;
}

static uint32_t harness_cap_needed(Harness *h, uint32_t fn_index, uint32_t cap_id)
{
    uint32_t off = harness_cap_find(h, fn_index, cap_id);
    HARNESS_CHECK(off, "function %u has no capability %02x", fn_index, cap_id);
    harness_cfg_write(h, fn_index, 0x04, harness_cfg_read(h, fn_index, 0x04, 2) | 4, 2);
    return off;
}

void harness_msi_enable(Harness *h, uint32_t fn_index, uint64_t address, uint32_t data,
                        uint32_t vectors_log2)
{
    uint32_t off = harness_cap_needed(h, fn_index, HARNESS_CAP_MSI);
    uint32_t wide = harness_cfg_read(h, fn_index, off + 2, 2) & 0x80;
    harness_cfg_write(h, fn_index, off + 4, (uint32_t)address, 4);
    if (wide) {
        harness_cfg_write(h, fn_index, off + 8, (uint32_t)(address >> 32), 4);
    }
    harness_cfg_write(h, fn_index, off + (wide ? 12 : 8), data, 2);
    harness_cfg_write(h, fn_index, off + 2, 1 | vectors_log2 << 4, 2);
}

void harness_msix_enable(Harness *h, uint32_t fn_index, uint32_t enabled)
{
    uint32_t off = harness_cap_needed(h, fn_index, HARNESS_CAP_MSIX);
    harness_cfg_write(h, fn_index, off + 2, enabled ? 0x8000 : 0, 2);
}

/* Where byte `at` of the table (which 0) or the PBA (which 1) is in memory. */
static uint64_t harness_msix_address(Harness *h, uint32_t fn_index, uint32_t which, uint32_t at)
{
    const viv_pci_fn_t *fn = harness_pci_get(h, fn_index);
    const HarnessMsixPart *part = &fn->msix[which];
    uint64_t base = fn->bars[part->bar].address;
    HARNESS_CHECK(part->len && base != UINT64_MAX && at < part->len,
                  "the MSI-X structures are not mapped, or too short");
    return base + part->off + at;
}

void harness_msix_vector(Harness *h, uint32_t fn_index, uint32_t vector, uint64_t address,
                         uint32_t data, uint32_t masked)
{
    uint64_t entry = harness_msix_address(h, fn_index, 0, vector * PCI_MSIX_ENTRY);
    harness_mmio_write(h, entry, (uint32_t)address, 4);
    harness_mmio_write(h, entry + 4, address >> 32, 4);
    harness_mmio_write(h, entry + 8, data, 4);
    harness_mmio_write(h, entry + 12, masked != 0, 4);
}

uint32_t harness_msix_pending(Harness *h, uint32_t fn_index, uint32_t vector)
{
    uint64_t word = harness_mmio_read(h, harness_msix_address(h, fn_index, 1, vector / 32 * 4), 4);
    return word >> (vector % 32) & 1;
}
