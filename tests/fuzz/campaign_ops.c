/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The operations of a campaign: accesses in the shapes that hurt devices - one register again and
 * again, index and data, whole sequences repeated with one thing changed, strings, BARs that move
 * while in use - and time. */
#include "campaign.h"

#include <stdlib.h>
#include <string.h>

#define CAMPAIGN_RAM        (64ull << 20) /* the harness's default */
#define CAMPAIGN_MOST_FIRED 2000u
#define CAMPAIGN_CFG        3u

/* -- values ---------------------------------------------------------------------------------- */

uint64_t campaign_gpa(Campaign *c)
{
    uint64_t inside = CAMPAIGN_ARENA + campaign_below(c, CAMPAIGN_ARENA_BYTES);
    switch (campaign_below(c, 20)) {
    case 0: return inside;
    case 1:
    case 2: return inside & ~0xfffull;
    case 3: return campaign_below(c, CAMPAIGN_RAM);
    case 4: return CAMPAIGN_RAM - campaign_below(c, 64);
    case 5: return 0xfee00000u + (campaign_below(c, 0x1000) & ~3u);
    case 6: return campaign_rand(c) & 0xffffffff;
    case 7: return campaign_rand(c);
    case 8: return c->area_count ? c->areas[campaign_below(c, c->area_count)].base : 0;
    default: return inside & ~15ull;
    }
}

uint64_t campaign_value(Campaign *c)
{
    const CampaignHints *hints = &campaign_hints;
    switch (campaign_below(c, 16)) {
    case 0: return 0;
    case 1: return UINT64_MAX;
    case 2: return campaign_below(c, 16);
    case 3: return 1ull << campaign_below(c, campaign_one_in(c, 2) ? 8 : 64);
    case 4: return (1ull << campaign_below(c, 64)) - 1;
    case 5: return ~(1ull << campaign_below(c, 64));
    case 6:
    case 7: return campaign_gpa(c);
    case 8: return c->last_read;
    case 9: return c->last_read ^ 1ull << campaign_below(c, 32);
    case 10: return campaign_rand(c);
    case 11: return campaign_rand(c) & 0xffffffff;
    case 12:
    case 13:
        if (hints && hints->value_count) {
            return hints->values[campaign_below(c, hints->value_count)];
        }
        return campaign_below(c, 0x10000);
    default: return campaign_below(c, 0x100);
    }
}

/* -- one access ------------------------------------------------------------------------------ */

static void campaign_remember(Campaign *c, const CampaignAccess *a)
{
    c->recent[c->recent_count++ % CAMPAIGN_RECENT] = *a;
}

static uint64_t campaign_cfg(Campaign *c, const CampaignAccess *a)
{
    harness_select(c->h, a->inst);
    campaign_note(c, a->write ? "configuration %llx = %llx, %llu bytes" : "configuration %llx",
                  a->addr, a->value, a->width);
    if (!a->write) {
        return harness_cfg_read(c->h, a->fn, (uint32_t)a->addr, a->width);
    }
    harness_cfg_write(c->h, a->fn, (uint32_t)a->addr, (uint32_t)a->value, a->width);
    return 0;
}

uint64_t campaign_do(Campaign *c, CampaignAccess a)
{
    uint64_t value = 0;
    a.value &= a.width < 8 ? (1ull << (8 * a.width)) - 1 : UINT64_MAX;
    campaign_remember(c, &a);
    if (a.kind == CAMPAIGN_CFG) {
        value = campaign_cfg(c, &a);
    } else if (a.kind == HARNESS_AREA_PIO) {
        a.addr &= 0xffff;
        campaign_note(c, a.write ? "out %llx, %llx, %llu bytes" : "in %llx", a.addr, a.value,
                      a.width);
        if (a.write) {
            harness_io_write(c->h, (uint32_t)a.addr, (uint32_t)a.value, a.width);
        } else {
            value = harness_io_read(c->h, (uint32_t)a.addr, a.width);
        }
    } else {
        campaign_note(c, a.write ? "write %llx, %llx, %llu bytes" : "read %llx", a.addr, a.value,
                      a.width);
        if (a.write) {
            harness_mmio_write(c->h, a.addr, a.value, a.width);
        } else {
            value = harness_mmio_read(c->h, a.addr, a.width);
        }
    }
    c->last_read = a.write ? c->last_read : value;
    return value;
}

uint32_t campaign_in(Campaign *c, uint32_t port, uint32_t width)
{
    return (uint32_t)campaign_do(
        c, (CampaignAccess){.kind = HARNESS_AREA_PIO, .width = (uint8_t)width, .addr = port});
}

void campaign_out(Campaign *c, uint32_t port, uint32_t value, uint32_t width)
{
    campaign_do(c, (CampaignAccess){.kind = HARNESS_AREA_PIO,
                                    .write = 1,
                                    .width = (uint8_t)width,
                                    .addr = port,
                                    .value = value});
}

uint64_t campaign_read(Campaign *c, uint64_t gpa, uint32_t width)
{
    return campaign_do(
        c, (CampaignAccess){.kind = HARNESS_AREA_MMIO, .width = (uint8_t)width, .addr = gpa});
}

void campaign_write(Campaign *c, uint64_t gpa, uint64_t value, uint32_t width)
{
    campaign_do(c, (CampaignAccess){.kind = HARNESS_AREA_MMIO,
                                    .write = 1,
                                    .width = (uint8_t)width,
                                    .addr = gpa,
                                    .value = value});
}

/* -- where ----------------------------------------------------------------------------------- */

const HarnessArea *campaign_area(Campaign *c, int kind)
{
    if (c->areas_generation != harness_areas_generation(c->h)) {
        c->areas_generation = harness_areas_generation(c->h);
        c->area_count = harness_areas(c->h, c->areas, CAMPAIGN_AREAS);
        c->area_count = c->area_count > CAMPAIGN_AREAS ? CAMPAIGN_AREAS : c->area_count;
    }
    for (unsigned tries = 0; c->area_count && tries < 16; tries++) {
        const HarnessArea *area = &c->areas[campaign_below(c, c->area_count)];
        if ((kind < 0 && (area->kind != HARNESS_AREA_RAM || campaign_one_in(c, 4))) ||
            (kind >= 0 && area->kind == (HarnessAreaKind)kind)) {
            return area;
        }
    }
    return NULL;
}

/* Somewhere in it: registers are at the front, mistakes at the edges. */
static uint64_t campaign_offset(Campaign *c, const HarnessArea *area, uint32_t width)
{
    uint64_t off, most = area->len;
    switch (campaign_below(c, 8)) {
    case 0: off = campaign_rand(c) % most; break;
    case 1: off = most - 1 - campaign_below(c, most < 16 ? most : 16); break;
    case 2: off = campaign_below(c, most < 0x1000 ? most : 0x1000); break;
    default: off = campaign_below(c, most < 0x100 ? most : 0x100); break;
    }
    return campaign_one_in(c, 12) ? off : off & ~(uint64_t)(width - 1);
}

static int campaign_pick(Campaign *c, CampaignAccess *ret)
{
    const HarnessArea *area = campaign_area(c, -1);
    if (!area) {
        return 0;
    }
    uint32_t width = 1u << campaign_below(c, area->kind == HARNESS_AREA_PIO ? 3 : 4);
    if (area->kind == HARNESS_AREA_PIO && campaign_one_in(c, 2)) {
        width = 1;
    }
    *ret = (CampaignAccess){.kind = (uint8_t)area->kind,
                            .width = (uint8_t)width,
                            .write = campaign_below(c, 5) > 1,
                            .addr = area->base + campaign_offset(c, area, width),
                            .value = campaign_value(c)};
    return 1;
}

/* -- shapes of traffic ----------------------------------------------------------------------- */

static void campaign_single(Campaign *c)
{
    CampaignAccess a;
    if (campaign_pick(c, &a)) {
        campaign_do(c, a);
    } else {
        campaign_map_bars(c);
    }
}

static void campaign_burst(Campaign *c)
{
    CampaignAccess a;
    uint32_t mode = campaign_below(c, 4);
    if (!campaign_pick(c, &a)) {
        return;
    }
    for (uint32_t n = campaign_below(c, 24) + 2; n; n--) {
        campaign_do(c, a);
        a.value = mode == 0 ? a.value : mode == 1 ? a.value + 1 : campaign_value(c);
        a.write = mode == 3 ? !a.write : a.write;
    }
}

/* An index register and the data register near it. */
static void campaign_pair(Campaign *c)
{
    CampaignAccess a, b;
    if (!campaign_pick(c, &a)) {
        return;
    }
    b = a;
    a.write = 1;
    a.value = campaign_one_in(c, 4) ? campaign_value(c) : campaign_below(c, 0x80);
    b.addr ^= campaign_one_in(c, 2) ? a.width : 4;
    for (uint32_t n = campaign_below(c, 4) + 1; n; n--) {
        campaign_do(c, a);
        b.write = campaign_below(c, 3) != 0;
        b.value = campaign_value(c);
        campaign_do(c, b);
        a.value++;
    }
}

/* What has just been done, again, with one thing changed. */
static void campaign_again(Campaign *c)
{
    uint32_t known = c->recent_count < CAMPAIGN_RECENT ? c->recent_count : CAMPAIGN_RECENT;
    if (known < 2) {
        return;
    }
    uint32_t len = campaign_below(c, known < 24 ? known : 24) + 1;
    uint32_t back = len + campaign_below(c, known - len + 1);
    uint32_t start = c->recent_count - back, change = campaign_below(c, len * 2);
    CampaignAccess slice[24];
    for (uint32_t i = 0; i < len; i++) {
        slice[i] = c->recent[(start + i) % CAMPAIGN_RECENT];
    }
    for (uint32_t times = campaign_below(c, 3) + 1; times; times--) {
        for (uint32_t i = 0; i < len; i++) {
            CampaignAccess a = slice[i];
            if (i == change) {
                a.value = campaign_one_in(c, 2) ? a.value ^ 1ull << campaign_below(c, 16)
                                                : campaign_value(c);
            }
            campaign_do(c, a);
        }
    }
}

void campaign_string(Campaign *c, uint32_t port, uint32_t width, uint32_t count, int write)
{
    static uint8_t buf[4096];
    count = count > sizeof buf / 4 ? (uint32_t)sizeof buf / 4 : count;
    campaign_note(c,
                  write ? "outs %llx, %llu bytes, %llu times" : "ins %llx, %llu bytes, %llu times",
                  port, width, count);
    if (!write) {
        harness_ins(c->h, port, width, buf, count);
        return;
    }
    uint32_t junk = campaign_below(c, count * width + 1);
    for (uint32_t i = 0; i < count * width; i++) {
        buf[i] = i < junk ? (uint8_t)campaign_value(c) : 0;
    }
    harness_outs(c->h, port, width, buf, count);
}

static void campaign_strings(Campaign *c)
{
    CampaignAccess a;
    if (!campaign_pick(c, &a) || a.kind != HARNESS_AREA_PIO) {
        campaign_single(c);
        return;
    }
    campaign_string(c, (uint32_t)a.addr & 0xffff, a.width,
                    campaign_below(c, campaign_one_in(c, 4) ? 1024 : 24) + 1, a.write);
}

/* -- PCI ------------------------------------------------------------------------------------- */

/* A function of any instance; selects the instance. */
static int campaign_function(Campaign *c, uint8_t *ret_inst, uint32_t *ret_fn)
{
    unsigned instances = harness_instances(c->h);
    unsigned first = campaign_below(c, instances);
    for (unsigned i = 0; i < instances; i++) {
        *ret_inst = (uint8_t)((first + i) % instances);
        harness_select(c->h, *ret_inst);
        uint32_t present = harness_pci_present(c->h);
        if (present) {
            do {
                *ret_fn = campaign_below(c, 8);
            } while (!(present >> *ret_fn & 1));
            return 1;
        }
    }
    return 0;
}

static void campaign_config(Campaign *c)
{
    CampaignAccess a = {.kind = CAMPAIGN_CFG, .write = campaign_below(c, 3) != 0};
    if (!campaign_function(c, &a.inst, &a.fn)) {
        campaign_single(c);
        return;
    }
    uint32_t len = harness_pci_config_len(c->h, a.fn);
    a.width = (uint8_t)(1u << campaign_below(c, 3));
    a.addr = campaign_below(c, campaign_one_in(c, 8)   ? len
                               : campaign_one_in(c, 3) ? 0x40
                                                       : 0x100) &
             ~(a.width - 1u);
    a.value = campaign_value(c);
    if (a.write && a.addr < 0x24 && campaign_one_in(c, 2)) {
        a.addr += 0x40; /* decoding shall mostly stay on */
    }
    campaign_do(c, a);
}

static uint64_t campaign_bar_place(Campaign *c, HarnessAreaKind kind, uint64_t len, unsigned slot)
{
    uint64_t place;
    if (kind == HARNESS_AREA_PIO) {
        place = campaign_one_in(c, 4) ? campaign_below(c, 0x10000) : 0xc000 + slot * 0x100;
        return place & ~(len - 1) & 0xffff;
    }
    switch (campaign_below(c, 16)) {
    case 0: place = campaign_below(c, CAMPAIGN_RAM); break;
    case 1: place = campaign_rand(c) & 0xffffffff; break;
    case 2: place = campaign_rand(c) >> campaign_below(c, 32); break;
    case 3: place = 0xffffffff; break;
    default: place = 0x80000000u + slot * 0x4000000ull; break;
    }
    return place & ~(len - 1);
}

void campaign_map_bars(Campaign *c)
{
    unsigned slot = 0;
    for (unsigned i = 0; i < harness_instances(c->h); i++) {
        harness_select(c->h, (int)i);
        uint32_t present = harness_pci_present(c->h);
        for (uint32_t k = 0; k < 8 * 7; k++) {
            HarnessAreaKind kind;
            uint64_t now, len = present >> (k / 7) & 1
                                    ? harness_pci_bar_at(c->h, k / 7, k % 7, &kind, &now)
                                    : 0;
            if (len) {
                uint64_t place = campaign_bar_place(c, kind, len, slot++);
                campaign_note(c, "BAR %llu.%llu to %llx", k / 7, k % 7, place);
                harness_pci_map_bar(c->h, k / 7, k % 7, place);
            }
        }
    }
    harness_select(c->h, 0);
}

static void campaign_bars(Campaign *c)
{
    uint8_t inst;
    uint32_t fn, bar = campaign_below(c, 7);
    HarnessAreaKind kind;
    uint64_t now;
    if (!campaign_function(c, &inst, &fn)) {
        campaign_single(c);
        return;
    }
    uint64_t len = harness_pci_bar_at(c->h, fn, bar, &kind, &now);
    switch (campaign_below(c, 8)) {
    case 0:
        campaign_note(c, "function %llu of %llu: BAR %llu is sized", fn, inst, bar);
        if (len) {
            harness_pci_bar_size(c->h, fn, bar);
        }
        break;
    case 1:
        campaign_do(c, (CampaignAccess){.kind = CAMPAIGN_CFG,
                                        .write = 1,
                                        .width = 2,
                                        .inst = inst,
                                        .fn = fn,
                                        .addr = 4,
                                        .value = campaign_value(c)});
        break;
    case 2:
    case 3:
    case 4:
        if (len) {
            campaign_note(c, "function %llu of %llu: BAR %llu moves", fn, inst, bar);
            harness_pci_map_bar(c->h, fn, bar, campaign_bar_place(c, kind, len, bar));
        }
        break;
    default: campaign_map_bars(c); break;
    }
}

/* -- time ------------------------------------------------------------------------------------ */

static void campaign_time(Campaign *c)
{
    uint64_t next = harness_next_deadline(c->h), now = harness_time_ns(c->h);
    uint64_t ns = campaign_rand(c) >> (63 - campaign_below(c, campaign_one_in(c, 8) ? 44 : 28));
    if (next != UINT64_MAX && next > now && campaign_one_in(c, 3)) {
        ns = next - now < 1ull << 50 ? next - now - campaign_below(c, 2) : ns;
    }
    if (campaign_one_in(c, 8)) {
        ns &= 0x3ffffff;
        campaign_note(c, "the host is away for %llu ns", ns, 0, 0);
        harness_stall_ns(c->h, ns, CAMPAIGN_MOST_FIRED * 4);
        return;
    }
    campaign_note(c, "%llu ns pass", ns, 0, 0);
    harness_advance_most(c->h, ns, CAMPAIGN_MOST_FIRED);
}

/* -- all of it ------------------------------------------------------------------------------- */

typedef struct CampaignChoice {
    unsigned weight;
    void (*run)(Campaign *c);
} CampaignChoice;

#define CAMPAIGN_CHOICES 99u /* the sum of the weights */
static const CampaignChoice campaign_choices[] = {
    {40, campaign_single},    {8, campaign_burst},   {10, campaign_pair}, {6, campaign_again},
    {3, campaign_strings},    {6, campaign_config},  {1, campaign_bars},  {5, campaign_memory},
    {5, campaign_time},       {3, campaign_isa_dma}, {4, campaign_roles}, {4, campaign_ports},
    {4, campaign_host_event},
};

void campaign_operation(Campaign *c)
{
    const CampaignHints *hints = &campaign_hints;
    unsigned step = hints && hints->step ? (hints->step_weight ? hints->step_weight : 10) : 0;
    if (step && campaign_below(c, 100) < step) {
        hints->step(c);
        return;
    }
    const CampaignChoice *choice = campaign_choices;
    uint32_t at = campaign_below(c, CAMPAIGN_CHOICES);
    while (at >= choice->weight) {
        at -= choice->weight;
        choice++;
    }
    choice->run(c);
}
