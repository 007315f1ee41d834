/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Capability lists, MSI and MSI-X of a PCI function (see pci_caps.h). Invariants:
 *  1. A set bit of `used` is a dword of configuration space that a capability owns.
 *  2. A vector is pending only if it was raised while masked and has not been lowered since. */
#include "pdm/pci_caps.h"

#include <stdlib.h>
#include <string.h>
#include <viv/pci.h>

#define PCI_STATUS_LOW      0x06u
#define PCI_STATUS_CAP_LIST 0x10u
#define PCI_CAP_POINTER     0x34u
#define PCI_CAP_FIRST       0x40u
#define PCI_CAP_ID_MSI      0x05u
#define PCI_CAP_ID_MSIX     0x11u
#define PCI_CAP_ID_EXPRESS  0x10u

#define PCI_MSI_CONTROL       0x02u
#define PCI_MSI_ENABLE        0x0001u
#define PCI_MSI_CAPABLE_SHIFT 1u
#define PCI_MSI_MULTI_SHIFT   4u
#define PCI_MSI_MULTI         0x0070u
#define PCI_MSI_IS_64         0x0080u
#define PCI_MSI_PER_VECTOR    0x0100u

#define PCI_MSIX_CONTROL  0x02u
#define PCI_MSIX_ENABLE   0x8000u
#define PCI_MSIX_MASK_ALL 0x4000u
#define PCI_MSIX_TABLE    0x04u
#define PCI_MSIX_PBA      0x08u
#define PCI_MSIX_VECTOR   12u /* offset of Vector Control in an entry */

static uint32_t pci_get(const uint8_t *at, uint32_t width)
{
    uint32_t value = 0;
    for (uint32_t i = 0; i < width; i++) {
        value |= (uint32_t)at[i] << (8 * i);
    }
    return value;
}

static void pci_put(uint8_t *at, uint32_t value, uint32_t width)
{
    for (uint32_t i = 0; i < width; i++) {
        at[i] = (uint8_t)(value >> (8 * i));
    }
}

/* -- lists ----------------------------------------------------------------------------------- */

void pci_caps_init(PciCaps *c, uint8_t *config, uint8_t *wmask)
{
    *c = (PciCaps){.config = config, .wmask = wmask, .config_len = PCI_CONFIG_LEN};
}

void pci_caps_finish(PciCaps *c)
{
    free(c->table);
    free(c->pending);
    c->table = NULL;
    c->pending = NULL;
}

static bool pci_caps_free(const PciCaps *c, uint32_t off, uint32_t len)
{
    for (uint32_t at = off; at < off + len; at += 4) {
        if (c->used[at / 32] & (1u << (at / 4 % 8))) {
            return false;
        }
    }
    return true;
}

/* Takes len bytes in [first, end), at off unless that is 0. */
static viv_status_t pci_caps_take(PciCaps *c, uint32_t first, uint32_t end, uint32_t len,
                                  uint32_t off, uint32_t *ret_off)
{
    uint32_t at = off ? off : first;
    if (len < 4 || len > end - first || at % 4 || at < first || at > end - 4) {
        return VIV_E_INVALID;
    }
    len = (len + 3) & ~3u;
    while (at <= end - len && !pci_caps_free(c, at, len) && !off) {
        at += 4;
    }
    if (at > end - len) {
        return VIV_E_INVALID;
    }
    if (!pci_caps_free(c, at, len)) {
        return VIV_E_EXISTS;
    }
    for (uint32_t i = at; i < at + len; i += 4) {
        c->used[i / 32] |= (uint8_t)(1u << (i / 4 % 8));
    }
    *ret_off = at;
    return VIV_OK;
}

viv_status_t pci_caps_add(PciCaps *c, uint32_t id, uint32_t len, uint32_t off, uint32_t *ret_off)
{
    uint32_t at;
    viv_status_t st = pci_caps_take(c, PCI_CAP_FIRST, PCI_CONFIG_LEN, len, off, &at);
    if (st) {
        return st;
    }
    c->config[at] = (uint8_t)id;
    c->config[at + 1] = 0;
    c->config[c->last ? c->last + 1 : PCI_CAP_POINTER] = (uint8_t)at;
    c->config[PCI_STATUS_LOW] |= PCI_STATUS_CAP_LIST;
    c->last = at;
    if (id == PCI_CAP_ID_EXPRESS) {
        c->config_len = PCI_CONFIG_MAX;
    }
    *ret_off = at;
    return VIV_OK;
}

viv_status_t pci_caps_add_ext(PciCaps *c, uint32_t id, uint32_t version, uint32_t len, uint32_t off,
                              uint32_t *ret_off)
{
    uint32_t at;
    if (!c->last_ext && off && off != PCI_CONFIG_LEN) {
        return VIV_E_INVALID; /* the list begins at 100h */
    }
    viv_status_t st = pci_caps_take(c, PCI_CONFIG_LEN, PCI_CONFIG_MAX, len, off, &at);
    if (st) {
        return st;
    }
    pci_put(c->config + at, (id & 0xffffu) | (version & 0xfu) << 16, 4);
    if (c->last_ext) {
        pci_put(c->config + c->last_ext + 2,
                (pci_get(c->config + c->last_ext + 2, 2) & 0xfu) | at << 4, 2);
    }
    c->last_ext = at;
    c->config_len = PCI_CONFIG_MAX;
    *ret_off = at;
    return VIV_OK;
}

/* -- MSI ------------------------------------------------------------------------------------- */

static uint32_t pci_msi_data_off(const PciCaps *c)
{
    return c->msi + (c->msi_flags & VIV_MSI_64BIT ? 12 : 8);
}

static uint32_t pci_msi_mask_off(const PciCaps *c)
{
    return c->msi + (c->msi_flags & VIV_MSI_64BIT ? 16 : 12);
}

static uint32_t pci_msi_control(const PciCaps *c)
{
    return pci_get(c->config + c->msi + PCI_MSI_CONTROL, 2);
}

/* What only the device decides. */
static void pci_msi_fixed(PciCaps *c)
{
    uint32_t control = pci_msi_control(c) & (PCI_MSI_ENABLE | PCI_MSI_MULTI);
    control |= c->msi_log2 << PCI_MSI_CAPABLE_SHIFT;
    control |= c->msi_flags & VIV_MSI_64BIT ? PCI_MSI_IS_64 : 0;
    control |= c->msi_flags & VIV_MSI_MASKABLE ? PCI_MSI_PER_VECTOR : 0;
    pci_put(c->config + c->msi + PCI_MSI_CONTROL, control, 2);
}

viv_status_t pci_msi_add(PciCaps *c, uint32_t vectors_log2, uint32_t flags, uint32_t off)
{
    if (c->msi) {
        return VIV_E_EXISTS;
    }
    if (vectors_log2 > 5 || flags & ~(VIV_MSI_64BIT | VIV_MSI_MASKABLE)) {
        return VIV_E_INVALID;
    }
    uint32_t len = (flags & VIV_MSI_64BIT ? 16 : 12) + (flags & VIV_MSI_MASKABLE ? 8 : 0);
    viv_status_t st = pci_caps_add(c, PCI_CAP_ID_MSI, len, off, &off);
    if (st) {
        return st;
    }
    c->msi = off;
    c->msi_log2 = vectors_log2;
    c->msi_flags = flags;
    pci_msi_fixed(c);
    pci_put(c->wmask + off + PCI_MSI_CONTROL, PCI_MSI_ENABLE | PCI_MSI_MULTI, 2);
    pci_put(c->wmask + off + 4, 0xfffffffcu, 4);
    if (flags & VIV_MSI_64BIT) {
        pci_put(c->wmask + off + 8, 0xffffffffu, 4);
    }
    pci_put(c->wmask + pci_msi_data_off(c), 0xffffu, 2);
    if (flags & VIV_MSI_MASKABLE) {
        pci_put(c->wmask + pci_msi_mask_off(c),
                (uint32_t)((UINT64_C(1) << (1u << vectors_log2)) - 1), 4);
    }
    return VIV_OK;
}

uint32_t pci_msi_granted(const PciCaps *c)
{
    if (!c->msi || !(pci_msi_control(c) & PCI_MSI_ENABLE)) {
        return 0;
    }
    uint32_t log2 = (pci_msi_control(c) & PCI_MSI_MULTI) >> PCI_MSI_MULTI_SHIFT;
    return 1u << (log2 < c->msi_log2 ? log2 : c->msi_log2);
}

static void pci_msi_message(const PciCaps *c, uint32_t vector, PciMessage *ret_message)
{
    uint32_t granted = pci_msi_granted(c);
    ret_message->address = pci_get(c->config + c->msi + 4, 4) & ~3u;
    if (c->msi_flags & VIV_MSI_64BIT) {
        ret_message->address |= (uint64_t)pci_get(c->config + c->msi + 8, 4) << 32;
    }
    ret_message->data =
        (pci_get(c->config + pci_msi_data_off(c), 2) & ~(granted - 1)) | (vector & (granted - 1));
}

static PciMsiAnswer pci_msi_raise_plain(PciCaps *c, uint32_t vector, PciMessage *ret_message)
{
    vector &= pci_msi_granted(c) - 1; /* with fewer vectors than asked for the high ones share */
    if (c->msi_flags & VIV_MSI_MASKABLE) {
        uint8_t *mask = c->config + pci_msi_mask_off(c);
        if (pci_get(mask, 4) >> vector & 1) {
            pci_put(mask + 4, pci_get(mask + 4, 4) | 1u << vector, 4);
            return PCI_MSI_HELD;
        }
    }
    pci_msi_message(c, vector, ret_message);
    return PCI_MSI_SEND;
}

static bool pci_msi_next_plain(PciCaps *c, PciMessage *ret_message)
{
    if (!(c->msi_flags & VIV_MSI_MASKABLE)) {
        return false;
    }
    uint8_t *mask = c->config + pci_msi_mask_off(c);
    uint32_t pending = pci_get(mask + 4, 4), open = pending & ~pci_get(mask, 4);
    if (!open) {
        return false;
    }
    uint32_t vector = (uint32_t)__builtin_ctz(open);
    pci_put(mask + 4, pending & ~(1u << vector), 4);
    pci_msi_message(c, vector, ret_message);
    return true;
}

/* -- MSI-X ----------------------------------------------------------------------------------- */

static uint32_t pci_msix_control(const PciCaps *c)
{
    return pci_get(c->config + c->msix + PCI_MSIX_CONTROL, 2);
}

static void pci_msix_fixed(PciCaps *c)
{
    uint32_t control = pci_msix_control(c) & (PCI_MSIX_ENABLE | PCI_MSIX_MASK_ALL);
    pci_put(c->config + c->msix + PCI_MSIX_CONTROL, control | (c->msix_vectors - 1), 2);
    pci_put(c->config + c->msix + PCI_MSIX_TABLE, c->table_off | c->table_bar, 4);
    pci_put(c->config + c->msix + PCI_MSIX_PBA, c->pba_off | c->pba_bar, 4);
}

uint32_t pci_msix_pba_len(uint32_t vectors)
{
    return (vectors + 63) / 64 * 8;
}

static void pci_msix_mask_all(PciCaps *c)
{
    memset(c->table, 0, (size_t)c->msix_vectors * PCI_MSIX_ENTRY);
    for (uint32_t v = 0; v < c->msix_vectors; v++) {
        c->table[v * PCI_MSIX_ENTRY + PCI_MSIX_VECTOR] = 1;
    }
    memset(c->pending, 0, pci_msix_pba_len(c->msix_vectors));
}

viv_status_t pci_msix_add(PciCaps *c, uint32_t vectors, uint32_t table_bar, uint32_t table_off,
                          uint32_t pba_bar, uint32_t pba_off, uint32_t off)
{
    uint32_t table_len = vectors * PCI_MSIX_ENTRY;
    if (c->msix) {
        return VIV_E_EXISTS;
    }
    if (!vectors || vectors > PCI_MSIX_VECTORS || table_bar > 5 || pba_bar > 5 || table_off % 8 ||
        pba_off % 8 ||
        (table_bar == pba_bar && table_off < (uint64_t)pba_off + pci_msix_pba_len(vectors) &&
         pba_off < (uint64_t)table_off + table_len)) {
        return VIV_E_INVALID;
    }
    uint8_t *table = malloc(table_len);
    uint64_t *pending = malloc(pci_msix_pba_len(vectors));
    viv_status_t st =
        table && pending ? pci_caps_add(c, PCI_CAP_ID_MSIX, 12, off, &off) : VIV_E_NOMEM;
    if (st) {
        free(table);
        free(pending);
        return st;
    }
    c->msix = off;
    c->msix_vectors = vectors;
    c->table_bar = table_bar;
    c->table_off = table_off;
    c->pba_bar = pba_bar;
    c->pba_off = pba_off;
    c->table = table;
    c->pending = pending;
    pci_msix_fixed(c);
    pci_msix_mask_all(c);
    pci_put(c->wmask + off + PCI_MSIX_CONTROL, PCI_MSIX_ENABLE | PCI_MSIX_MASK_ALL, 2);
    return VIV_OK;
}

uint32_t pci_msix_granted(const PciCaps *c)
{
    return c->msix && pci_msix_control(c) & PCI_MSIX_ENABLE ? c->msix_vectors : 0;
}

static bool pci_msix_masked(const PciCaps *c, uint32_t vector)
{
    return pci_msix_control(c) & PCI_MSIX_MASK_ALL ||
           c->table[vector * PCI_MSIX_ENTRY + PCI_MSIX_VECTOR] & 1;
}

static void pci_msix_message(const PciCaps *c, uint32_t vector, PciMessage *ret_message)
{
    const uint8_t *entry = c->table + (size_t)vector * PCI_MSIX_ENTRY;
    ret_message->address = (pci_get(entry, 4) & ~3u) | (uint64_t)pci_get(entry + 4, 4) << 32;
    ret_message->data = pci_get(entry + 8, 4);
}

static bool pci_msix_next(PciCaps *c, PciMessage *ret_message)
{
    if (pci_msix_control(c) & PCI_MSIX_MASK_ALL) {
        return false;
    }
    for (uint32_t word = 0; word < pci_msix_pba_len(c->msix_vectors) / 8; word++) {
        for (uint64_t bits = c->pending[word]; bits; bits &= bits - 1) {
            uint32_t bit = (uint32_t)__builtin_ctzll(bits), vector = word * 64 + bit;
            if (!pci_msix_masked(c, vector)) {
                c->pending[word] &= ~(UINT64_C(1) << bit);
                pci_msix_message(c, vector, ret_message);
                return true;
            }
        }
    }
    return false;
}

/* -- both ------------------------------------------------------------------------------------ */

PciMsiAnswer pci_msi_raise(PciCaps *c, uint32_t vector, PciMessage *ret_message)
{
    if (!pci_msix_granted(c)) {
        return pci_msi_granted(c) ? pci_msi_raise_plain(c, vector, ret_message) : PCI_MSI_OFF;
    }
    if (vector >= c->msix_vectors) {
        return PCI_MSI_OFF;
    }
    if (pci_msix_masked(c, vector)) {
        c->pending[vector / 64] |= UINT64_C(1) << (vector % 64);
        return PCI_MSI_HELD;
    }
    pci_msix_message(c, vector, ret_message);
    return PCI_MSI_SEND;
}

void pci_msi_lower(PciCaps *c, uint32_t vector)
{
    if (c->msix && vector < c->msix_vectors) {
        c->pending[vector / 64] &= ~(UINT64_C(1) << (vector % 64));
    }
    if (pci_msi_granted(c) && c->msi_flags & VIV_MSI_MASKABLE) {
        uint8_t *pending = c->config + pci_msi_mask_off(c) + 4;
        pci_put(pending, pci_get(pending, 4) & ~(1u << (vector & (pci_msi_granted(c) - 1))), 4);
    }
}

bool pci_msi_next(PciCaps *c, PciMessage *ret_message)
{
    if (pci_msix_granted(c)) {
        return pci_msix_next(c, ret_message);
    }
    return pci_msi_granted(c) && pci_msi_next_plain(c, ret_message);
}

/* Beyond the standard header config is the host's to restore; the table is ours. */
void pci_caps_reset(PciCaps *c)
{
    if (c->msix) {
        pci_msix_mask_all(c);
    }
}

void pci_caps_loaded(PciCaps *c)
{
    if (c->msi) {
        pci_msi_fixed(c);
    }
    if (c->msix) {
        pci_msix_fixed(c);
        if (c->msix_vectors % 64) {
            c->pending[c->msix_vectors / 64] &= (UINT64_C(1) << (c->msix_vectors % 64)) - 1;
        }
    }
}

/* -- the table and the PBA in a BAR ---------------------------------------------------------- */

static bool pci_msix_part(uint32_t bar, uint64_t off, uint64_t len, uint32_t part_bar,
                          uint32_t part_off, uint64_t part_len)
{
    return bar == part_bar && off < part_off + part_len && off + len > part_off;
}

bool pci_msix_touches(const PciCaps *c, uint32_t bar, uint64_t off, uint64_t len)
{
    return c->msix && (pci_msix_part(bar, off, len, c->table_bar, c->table_off,
                                     (uint64_t)c->msix_vectors * PCI_MSIX_ENTRY) ||
                       pci_msix_part(bar, off, len, c->pba_bar, c->pba_off,
                                     pci_msix_pba_len(c->msix_vectors)));
}

bool pci_msix_get(const PciCaps *c, uint32_t bar, uint64_t off, uint8_t *ret_value)
{
    if (!pci_msix_touches(c, bar, off, 1)) {
        return false;
    }
    if (pci_msix_part(bar, off, 1, c->table_bar, c->table_off,
                      (uint64_t)c->msix_vectors * PCI_MSIX_ENTRY)) {
        *ret_value = c->table[off - c->table_off];
    } else {
        uint64_t at = off - c->pba_off;
        *ret_value = (uint8_t)(c->pending[at / 8] >> (at % 8 * 8));
    }
    return true;
}

bool pci_msix_put(PciCaps *c, uint32_t bar, uint64_t off, uint8_t value)
{
    if (!pci_msix_touches(c, bar, off, 1)) {
        return false;
    }
    if (pci_msix_part(bar, off, 1, c->table_bar, c->table_off,
                      (uint64_t)c->msix_vectors * PCI_MSIX_ENTRY)) {
        uint32_t in_entry = (uint32_t)(off - c->table_off) % PCI_MSIX_ENTRY;
        uint8_t mask = in_entry < PCI_MSIX_VECTOR ? 0xff : in_entry == PCI_MSIX_VECTOR ? 1 : 0;
        c->table[off - c->table_off] = value & mask;
    } /* the PBA is read-only */
    return true;
}

/* -- type 1 header --------------------------------------------------------------------------- */

#define PCI_BRIDGE_BUSES        0x18u
#define PCI_BRIDGE_TIMER        0x1bu
#define PCI_BRIDGE_IO           0x1cu
#define PCI_BRIDGE_STATUS       0x1eu
#define PCI_BRIDGE_MEMORY       0x20u
#define PCI_BRIDGE_PREFETCH     0x24u
#define PCI_BRIDGE_PF_BASE_HIGH 0x28u
#define PCI_BRIDGE_PF_END_HIGH  0x2cu
#define PCI_BRIDGE_IO_HIGH      0x30u
#define PCI_BRIDGE_CONTROL      0x3eu

void pci_bridge_header(uint8_t *wmask, uint8_t *w1c)
{
    pci_put(wmask + PCI_BRIDGE_BUSES, 0xffffffff, 4); /* and the secondary latency timer */
    pci_put(wmask + PCI_BRIDGE_IO, 0xf0f0, 2);
    pci_put(w1c + PCI_BRIDGE_STATUS, 0xf900, 2);
    pci_put(wmask + PCI_BRIDGE_MEMORY, 0xfff0fff0, 4);
    pci_put(wmask + PCI_BRIDGE_PREFETCH, 0xfff0fff0, 4);
    pci_put(wmask + PCI_BRIDGE_CONTROL, 0x0b7f, 2); /* not fast back-to-back */
    pci_put(w1c + PCI_BRIDGE_CONTROL, 0x0400, 2);   /* discard timer status */
}

void pci_bridge_flags(uint8_t *config, uint8_t *wmask, uint8_t *w1c, uint32_t flags)
{
    if (flags & VIV_BRIDGE_IO32) {
        pci_put(config + PCI_BRIDGE_IO, 0x0101, 2);
        pci_put(wmask + PCI_BRIDGE_IO_HIGH, 0xffffffff, 4);
    }
    if (flags & VIV_BRIDGE_PREFETCH64) {
        pci_put(config + PCI_BRIDGE_PREFETCH, 0x00010001, 4);
        pci_put(wmask + PCI_BRIDGE_PF_BASE_HIGH, 0xffffffff, 4);
        pci_put(wmask + PCI_BRIDGE_PF_END_HIGH, 0xffffffff, 4);
    }
    if (flags & VIV_BRIDGE_EXPRESS) { /* no latency, no master abort mode, no discard timers */
        pci_put(wmask + PCI_BRIDGE_TIMER, 0, 1);
        pci_put(wmask + PCI_BRIDGE_CONTROL, 0x005f, 2);
        pci_put(w1c + PCI_BRIDGE_CONTROL, 0, 2);
    }
}

/* -- towards the APICs ----------------------------------------------------------------------- */

bool pci_message_decode(uint64_t address, uint32_t data, PciApicMessage *ret_apic)
{
    if (address >> 20 != 0xfee) {
        return false;
    }
    uint32_t level = data >> 15 & 1;
    /* The redirection hint is a hint: who gets it is what DM and the delivery mode say. */
    *ret_apic = (PciApicMessage){
        .dest = (uint32_t)(address >> 12) & 0xff,
        .logical = (uint32_t)(address >> 2) & 1,
        .mode = data >> 8 & 7,
        .vector = data & 0xff,
        .level = level,
        .send = !level || (data >> 14 & 1),
    };
    return true;
}
