/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fake host: what the devices have mapped and asked for, and what they have cost: for programs that
 * make traffic for any device without knowing it. */
#include "harness_internal.h"

static void harness_area_put(HarnessArea *areas, unsigned most, unsigned *count, HarnessArea area)
{
    if (*count < most) {
        areas[*count] = area;
    }
    ++*count;
}

unsigned harness_areas(Harness *h, HarnessArea *ret_areas, unsigned most)
{
    unsigned n = 0;
    for (const viv_range_t *r = h->ranges; r; r = r->next) {
        if (!r->dead) {
            harness_area_put(ret_areas, most, &n,
                             (HarnessArea){r->is_mmio ? HARNESS_AREA_MMIO : HARNESS_AREA_PIO,
                                           r->is_bar, r->base, r->len});
        }
    }
    for (const viv_ram_t *m = h->rams; m; m = m->next) {
        if (m->map_len) {
            harness_area_put(ret_areas, most, &n,
                             (HarnessArea){HARNESS_AREA_RAM, 0, m->gpa, m->map_len});
        }
    }
    return n;
}

uint64_t harness_areas_generation(Harness *h)
{
    return h->map_generation;
}

unsigned harness_instances(Harness *h)
{
    return (unsigned)h->count;
}

const viv_plugin_t *harness_plugin(Harness *h)
{
    return h->plugin;
}

uint32_t harness_pci_present(Harness *h)
{
    uint32_t bits = 0;
    for (uint32_t i = 0; i < HARNESS_PCI_FNS; i++) {
        bits |= (uint32_t)(harness_inst(h)->fns[i] != NULL) << i;
    }
    return bits;
}

uint64_t harness_pci_bar_at(Harness *h, uint32_t fn_index, uint32_t bar, HarnessAreaKind *ret_kind,
                            uint64_t *ret_address)
{
    const viv_pci_fn_t *fn = harness_pci_get(h, fn_index);
    if (bar >= HARNESS_PCI_BARS || fn->bars[bar].kind == HARNESS_BAR_NONE) {
        return 0;
    }
    const HarnessBar *b = &fn->bars[bar];
    *ret_kind = b->kind == HARNESS_BAR_PIO    ? HARNESS_AREA_PIO
                : b->kind == HARNESS_BAR_MMIO ? HARNESS_AREA_MMIO
                                              : HARNESS_AREA_RAM;
    *ret_address = b->address;
    return b->len;
}

uint32_t harness_pci_config_len(Harness *h, uint32_t fn_index)
{
    return harness_pci_get(h, fn_index)->caps.config_len;
}

uint32_t harness_dma_channels(Harness *h)
{
    uint32_t bits = 0;
    for (uint32_t i = 0; i < VIV_ISADMA_CHANNELS; i++) {
        bits |= (uint32_t)(h->dma[i].inst != NULL) << i;
    }
    return bits;
}

uint32_t harness_is_dma_controller(Harness *h)
{
    return h->isadma.ops != NULL;
}

uint32_t harness_has_ferr(Harness *h)
{
    return h->ferr_fn != NULL;
}

uint32_t harness_has_intx(Harness *h)
{
    const viv_pcibus_ops_t *ops = h->intx.ops ? h->intx.ops : h->pcibus.ops;
    return ops && VIV_HAS(ops, set_intx);
}

/* -- LUNs ------------------------------------------------------------------------------------ */

void harness_lun_probe(Harness *h)
{
    h->lun_probe = 1;
}

void harness_lun_want(Harness *h, uint32_t lun, const char *id)
{
    HarnessLunWant **at = &h->lun_wants;
    while (*at) {
        if ((*at)->lun == lun && !strcmp((*at)->id, id)) {
            return;
        }
        at = &(*at)->next;
    }
    *at = harness_alloc(sizeof(**at));
    (*at)->lun = lun;
    (*at)->id = harness_strdup(id);
}

uint32_t harness_lun_wanted(Harness *h, unsigned index, uint32_t *ret_lun, const char **ret_id)
{
    const HarnessLunWant *w = h->lun_wants;
    while (w && index--) {
        w = w->next;
    }
    if (w) {
        *ret_lun = w->lun;
        *ret_id = w->id;
    }
    return w != NULL;
}

void harness_lun_wants_free(Harness *h)
{
    while (h->lun_wants) {
        HarnessLunWant *w = h->lun_wants;
        h->lun_wants = w->next;
        free(w->id);
        free(w);
    }
}

/* -- costs ----------------------------------------------------------------------------------- */

uint64_t harness_log_lines(Harness *h, uint32_t severity)
{
    HARNESS_CHECK(severity <= VIV_LOG_TRACE, "severity %u", severity);
    return h->log_lines[severity];
}

const char *harness_log_last(Harness *h)
{
    return h->log_last;
}

uint64_t harness_mem_writes(Harness *h)
{
    return h->mem_writes;
}

uint64_t harness_footprint(Harness *h)
{
    uint64_t bytes = h->ram.page_count * 4096 + h->event_cap * sizeof(h->events[0]);
    for (const HarnessLun *l = h->luns; l; l = l->next) {
        bytes += l->media ? l->media->data.page_count * 4096 : 0;
        bytes += l->chr ? l->chr->out_cap + l->chr->in_cap : 0;
    }
    return bytes;
}
