/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PDM: capabilities, MSI and MSI-X of PCI functions, and the way of an interrupt message to the
 * local APICs. The registers themselves are pci_caps.c's. Invariants:
 *  1. PciCaps and the configuration bytes it looks at are read and changed under the chipset lock.
 *  2. A message is sent without that lock: its address may be anywhere in memory. */
#include <string.h>

#include "pdm/pdm_internal.h"

#define PDM_MSI_START UINT64_C(0xfee00000)
#define PDM_MSI_END   UINT64_C(0xfef00000)

/* -- the bus --------------------------------------------------------------------------------- */

void pdm_bus_read(Pdm *pdm, uint64_t gpa, void *buf, uint64_t len_bytes)
{
    pgm_read(pdm->vm->pgm, gpa, buf, len_bytes);
    uint64_t start = MAX(gpa, PDM_MSI_START), end = gpa + len_bytes;
    if (start < MIN(end, PDM_MSI_END)) { /* the CPU's own APIC is not on the bus */
        memset((uint8_t *)buf + (start - gpa), 0xff, MIN(end, PDM_MSI_END) - start);
    }
}

static void pdm_bus_message(Pdm *pdm, uint64_t address, uint32_t data)
{
    PciApicMessage msg;
    if (pci_message_decode(address, data, &msg)) {
        pdm_apic_message(pdm, &msg);
    }
}

void pdm_bus_write(Pdm *pdm, uint64_t gpa, const void *buf, uint64_t len_bytes)
{
    uint64_t end = gpa + len_bytes;
    if (end <= PDM_MSI_START || gpa >= PDM_MSI_END) {
        pgm_write(pdm->vm->pgm, gpa, buf, len_bytes);
        return;
    }
    const uint8_t *bytes = buf;
    if (gpa < PDM_MSI_START) {
        pgm_write(pdm->vm->pgm, gpa, bytes, PDM_MSI_START - gpa);
    } else if (len_bytes == 4 && !(gpa & 3)) {
        uint32_t data;
        memcpy(&data, bytes, sizeof data);
        pdm_bus_message(pdm, gpa, data);
    } /* anything else is no message */
    if (end > PDM_MSI_END) {
        pgm_write(pdm->vm->pgm, PDM_MSI_END, bytes + (PDM_MSI_END - gpa), end - PDM_MSI_END);
    }
}

/* -- sending --------------------------------------------------------------------------------- */

static void pdm_msi_put(viv_pci_fn_t *fn, const PciMessage *message)
{
    uint32_t data = message->data;
    pdm_bus_write(fn->device->pdm, message->address, &data, sizeof data);
}

viv_status_t pdm_msi_send(viv_pci_fn_t *fn, uint32_t vector)
{
    PciMessage message;
    pdm_chipset_lock(fn->device->pdm);
    PciMsiAnswer answer = pci_msi_raise(&fn->caps, vector, &message);
    pdm_chipset_unlock(fn->device->pdm);
    if (answer != PCI_MSI_SEND) {
        return answer == PCI_MSI_HELD ? VIV_OK : VIV_E_UNSUPPORTED;
    }
    if (!pdm_pci_is_master(fn)) {
        return VIV_E_ACCESS;
    }
    pdm_msi_put(fn, &message);
    return VIV_OK;
}

void pdm_msi_clear(viv_pci_fn_t *fn, uint32_t vector)
{
    pdm_chipset_lock(fn->device->pdm);
    pci_msi_lower(&fn->caps, vector);
    pdm_chipset_unlock(fn->device->pdm);
}

/* Pending messages wait for bus mastering too. */
void pdm_msi_flush(viv_pci_fn_t *fn)
{
    PciMessage message;
    while (pdm_pci_is_master(fn)) {
        pdm_chipset_lock(fn->device->pdm);
        gboolean more = pci_msi_next(&fn->caps, &message);
        pdm_chipset_unlock(fn->device->pdm);
        if (!more) {
            return;
        }
        pdm_msi_put(fn, &message);
    }
}

uint32_t pdm_msi_enabled(viv_pci_fn_t *fn)
{
    pdm_chipset_lock(fn->device->pdm);
    uint32_t count = pci_msi_granted(&fn->caps);
    pdm_chipset_unlock(fn->device->pdm);
    return count;
}

uint32_t pdm_msi_enabled_x(viv_pci_fn_t *fn)
{
    pdm_chipset_lock(fn->device->pdm);
    uint32_t count = pci_msix_granted(&fn->caps);
    pdm_chipset_unlock(fn->device->pdm);
    return count;
}

/* -- the table in a BAR ---------------------------------------------------------------------- */

/* [emt, no lock] What lies between table and pending bits is the device's. */
static uint64_t pdm_msix_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    const PdmMsixWindow *window = ctx;
    viv_pci_fn_t *fn = window->fn;
    IomRange *device = fn->bars[window->bar].io;
    uint64_t at = window->off + off, value = 0;
    (void)dev;
    if (!pci_msix_touches(&fn->caps, window->bar, at, width)) {
        return device ? iom_range_read(device, at, width) : 0;
    }
    for (uint32_t i = 0; i < width; i++) {
        uint8_t byte = 0;
        pdm_chipset_lock(fn->device->pdm);
        gboolean ours = pci_msix_get(&fn->caps, window->bar, at + i, &byte);
        pdm_chipset_unlock(fn->device->pdm);
        if (!ours && device) {
            byte = (uint8_t)iom_range_read(device, at + i, 1);
        }
        value |= (uint64_t)byte << (8 * i);
    }
    return value;
}

static void pdm_msix_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value, uint32_t width)
{
    const PdmMsixWindow *window = ctx;
    viv_pci_fn_t *fn = window->fn;
    IomRange *device = fn->bars[window->bar].io;
    uint64_t at = window->off + off;
    (void)dev;
    if (!pci_msix_touches(&fn->caps, window->bar, at, width)) {
        if (device) {
            iom_range_write(device, at, value, width);
        }
        return;
    }
    for (uint32_t i = 0; i < width; i++) {
        pdm_chipset_lock(fn->device->pdm);
        gboolean ours = pci_msix_put(&fn->caps, window->bar, at + i, (uint8_t)(value >> (8 * i)));
        pdm_chipset_unlock(fn->device->pdm);
        if (!ours && device) {
            iom_range_write(device, at + i, (value >> (8 * i)) & 0xff, 1);
        }
    }
    pdm_msi_flush(fn);
}

static const viv_io_ops_t pdm_msix_ops = {
    .size = sizeof pdm_msix_ops,
    .widths = VIV_W_ANY,
    .flags = VIV_IO_UNALIGNED | VIV_IO_NO_LOCK,
    .read = pdm_msix_read,
    .write = pdm_msix_write,
};

static void pdm_msix_window(viv_pci_fn_t *fn, uint32_t n, uint32_t bar, uint64_t off, uint64_t len)
{
    uint64_t bar_len = fn->bars[bar].len, page = PGM_PAGE_SIZE;
    PdmMsixWindow *window = &fn->windows[n];
    window->fn = fn;
    window->bar = bar;
    window->off = bar_len < page ? 0 : off & ~(page - 1);
    window->len = bar_len < page ? bar_len : ((off + len + page - 1) & ~(page - 1)) - window->off;
    g_autofree char *name = g_strdup_printf("%s MSI-X", fn->device->name);
    window->io =
        iom_range_new(&fn->device->pub, fn->device->lock, &pdm_msix_ops, window, window->len, name);
}

void pdm_msi_map(viv_pci_fn_t *fn, uint32_t bar, uint64_t address)
{
    for (uint32_t n = 0; n < G_N_ELEMENTS(fn->windows); n++) {
        PdmMsixWindow *window = &fn->windows[n];
        if (window->len && window->bar == bar) {
            window->mapped = pgm_map_bus_mmio(fn->device->pdm->vm->pgm, address + window->off,
                                              window->len, window->io, NULL);
        }
    }
}

void pdm_msi_unmap(viv_pci_fn_t *fn, uint32_t bar)
{
    for (uint32_t n = 0; n < G_N_ELEMENTS(fn->windows); n++) {
        PdmMsixWindow *window = &fn->windows[n];
        if (window->len && window->bar == bar) {
            pgm_unmap(fn->device->pdm->vm->pgm, window->mapped);
            window->mapped = NULL;
        }
    }
}

void pdm_msi_free(viv_pci_fn_t *fn)
{
    for (uint32_t n = 0; n < G_N_ELEMENTS(fn->windows); n++) {
        iom_range_free(fn->windows[n].io);
    }
    pci_caps_finish(&fn->caps);
}

/* -- for devices ----------------------------------------------------------------------------- */

static viv_status_t pdm_cap_failed(viv_pci_fn_t *fn, viv_status_t st, const char *what)
{
    viv_dev_t *dev = &fn->device->pub;
    return st ? dev->api->fail(dev, st == VIV_E_NOMEM ? st : VIV_E_MISUSE, "%s: %s", what,
                               viv_status_text(st))
              : VIV_OK;
}

viv_status_t pdm_msi_cap_add(viv_pci_fn_t *fn, uint32_t cap_id, uint32_t len_bytes, uint32_t off,
                             uint32_t *ret_off)
{
    return pdm_cap_failed(fn, pci_caps_add(&fn->caps, cap_id, len_bytes, off, ret_off),
                          "PCI capability");
}

viv_status_t pdm_msi_ext_cap_add(viv_pci_fn_t *fn, uint32_t cap_id, uint32_t version,
                                 uint32_t len_bytes, uint32_t off, uint32_t *ret_off)
{
    return pdm_cap_failed(fn, pci_caps_add_ext(&fn->caps, cap_id, version, len_bytes, off, ret_off),
                          "extended PCI capability");
}

viv_status_t pdm_msi_add(viv_pci_fn_t *fn, uint32_t vectors_log2, uint32_t flags, uint32_t off)
{
    return pdm_cap_failed(fn, pci_msi_add(&fn->caps, vectors_log2, flags, off), "MSI");
}

static uint64_t pdm_msix_zero(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    (void)dev, (void)ctx, (void)off, (void)width;
    return 0;
}

/* A BAR that nobody has registered yet becomes the host's: zeros beside table and pending bits. */
static viv_status_t pdm_msix_bar(viv_pci_fn_t *fn, uint32_t bar, uint64_t end)
{
    static const viv_io_ops_t nothing = {.size = sizeof nothing,
                                         .widths = VIV_W_ANY,
                                         .flags = VIV_IO_UNALIGNED | VIV_IO_NO_LOCK,
                                         .read = pdm_msix_zero};
    if (bar > 5) {
        return pdm_cap_failed(fn, VIV_E_INVALID, "MSI-X: BAR");
    }
    if (fn->bars[bar].kind == PDM_BAR_NONE) {
        uint64_t len = PGM_PAGE_SIZE;
        while (len < end) {
            len *= 2;
        }
        return pdm_pci_bar_mmio(fn, bar, len, 0, &nothing, fn, "MSI-X");
    }
    return pdm_cap_failed(
        fn, fn->bars[bar].kind == PDM_BAR_MMIO && end <= fn->bars[bar].len ? VIV_OK : VIV_E_INVALID,
        "MSI-X: BAR");
}

viv_status_t pdm_msi_add_x(viv_pci_fn_t *fn, uint32_t vectors, uint32_t table_bar,
                           uint32_t table_off, uint32_t pba_bar, uint32_t pba_off, uint32_t off)
{
    uint64_t table_len = (uint64_t)vectors * PCI_MSIX_ENTRY;
    uint64_t pba_len = pci_msix_pba_len(MIN(vectors, PCI_MSIX_VECTORS));
    uint64_t table_end = table_off + table_len, pba_end = pba_off + pba_len;
    viv_status_t st = pdm_cap_failed(
        fn, pci_msix_add(&fn->caps, vectors, table_bar, table_off, pba_bar, pba_off, off), "MSI-X");
    if (st ||
        (st = pdm_msix_bar(fn, table_bar,
                           table_bar == pba_bar ? MAX(table_end, pba_end) : table_end)) ||
        (st = pdm_msix_bar(fn, pba_bar, pba_end))) {
        return st;
    }
    pdm_msix_window(fn, 0, table_bar, table_off, table_len);
    pdm_msix_window(fn, 1, pba_bar, pba_off, pba_len);
    return VIV_OK;
}
