/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the guest leaves in its memory for bus masters: tables of every shape that devices read,
 * pointing at each other, at themselves, at the end of RAM and at nothing. */
#include "campaign.h"

#include <string.h>

static void campaign_put(uint8_t *buf, uint32_t off, uint64_t value, uint32_t width)
{
    for (uint32_t i = 0; i < width; i++) {
        buf[off + i] = (uint8_t)(value >> (8 * i));
    }
}

/* -- shapes, of len bytes to lie at gpa ------------------------------------------------------ */

static void campaign_shape_junk(Campaign *c, uint64_t gpa, uint8_t *buf, uint32_t len)
{
    (void)gpa;
    for (uint32_t i = 0; i + 8 <= len; i += 8) {
        campaign_put(buf, i, campaign_rand(c), 8);
    }
}

static void campaign_shape_fill(Campaign *c, uint64_t gpa, uint8_t *buf, uint32_t len)
{
    (void)gpa;
    memset(buf, campaign_one_in(c, 2) ? 0 : (int)campaign_rand(c), len);
}

static void campaign_shape_words(Campaign *c, uint64_t gpa, uint8_t *buf, uint32_t len)
{
    uint32_t width = 2u << campaign_below(c, 3);
    (void)gpa;
    for (uint32_t i = 0; i + width <= len; i += width) {
        campaign_put(buf, i, campaign_one_in(c, 3) ? campaign_gpa(c) : campaign_value(c), width);
    }
}

/* PRD tables: address, 16-bit length with 0 for 64 KiB, end mark. */
static void campaign_shape_prd(Campaign *c, uint64_t gpa, uint8_t *buf, uint32_t len)
{
    (void)gpa;
    for (uint32_t i = 0; i + 8 <= len; i += 8) {
        campaign_put(buf, i, campaign_gpa(c), 4);
        campaign_put(buf, i + 4, campaign_below(c, campaign_one_in(c, 4) ? 0x10000 : 0x400), 4);
        buf[i + 7] = campaign_one_in(c, 4) ? 0x80 : 0;
    }
}

/* Split virtqueues: descriptors, then rings of indices. */
static void campaign_shape_vring(Campaign *c, uint64_t gpa, uint8_t *buf, uint32_t len)
{
    uint32_t descriptors = len / 32;
    (void)gpa;
    for (uint32_t i = 0; i < descriptors; i++) {
        campaign_put(buf, 16 * i, campaign_gpa(c), 8);
        campaign_put(buf, 16 * i + 8,
                     campaign_one_in(c, 16) ? campaign_value(c) : campaign_below(c, 0x1000), 4);
        campaign_put(buf, 16 * i + 12, campaign_below(c, campaign_one_in(c, 8) ? 0x10000 : 8), 2);
        campaign_put(buf, 16 * i + 14, campaign_below(c, campaign_one_in(c, 8) ? 0x10000 : 64), 2);
    }
    for (uint32_t i = 16 * descriptors; i + 2 <= len; i += 2) {
        campaign_put(buf, i, campaign_below(c, campaign_one_in(c, 8) ? 0x10000 : 64), 2);
    }
}

/* A chain of pointers: each 16 bytes point to the next, the last back to the first. */
static void campaign_shape_chain(Campaign *c, uint64_t gpa, uint8_t *buf, uint32_t len)
{
    for (uint32_t i = 0; i + 16 <= len; i += 16) {
        uint64_t next = i + 32 <= len ? gpa + i + 16 : gpa;
        campaign_put(buf, i, next | (campaign_one_in(c, 4) ? campaign_below(c, 16) : 0), 8);
        campaign_put(buf, i + 8, campaign_value(c), 8);
    }
}

/* Big-endian words, as firmware interfaces have them. */
static void campaign_shape_big(Campaign *c, uint64_t gpa, uint8_t *buf, uint32_t len)
{
    (void)gpa;
    for (uint32_t i = 0; i + 4 <= len; i += 4) {
        uint64_t value = campaign_one_in(c, 2) ? campaign_gpa(c) : campaign_value(c);
        value = campaign_one_in(c, 3) ? 0 : value;
        campaign_put(buf, i, __builtin_bswap32((uint32_t)value), 4);
    }
}

void campaign_memory(Campaign *c)
{
    static void (*const shapes[])(Campaign * c, uint64_t gpa, uint8_t * buf, uint32_t len) = {
        campaign_shape_junk,  campaign_shape_fill,  campaign_shape_words, campaign_shape_prd,
        campaign_shape_vring, campaign_shape_chain, campaign_shape_big,
    };
    static uint8_t buf[4096];
    uint32_t kind = campaign_below(c, sizeof shapes / sizeof shapes[0]);
    uint32_t len = (campaign_below(c, campaign_one_in(c, 8) ? sizeof buf : 256) & ~15u) + 16;
    len = len > sizeof buf ? sizeof buf : len;
    uint64_t gpa = CAMPAIGN_ARENA + (campaign_below(c, CAMPAIGN_ARENA_BYTES - len) & ~15ull);
    if (campaign_one_in(c, 3)) {
        gpa &= ~0xfffull; /* where guests begin their tables */
    }
    campaign_note(c, "memory %llx, %llu bytes of shape %llu", gpa, len, kind);
    shapes[kind](c, gpa, buf, len);
    harness_ram_write(c->h, gpa, buf, len);
}

/* -- ISA DMA --------------------------------------------------------------------------------- */

static void campaign_isa_cycles(Campaign *c, uint32_t channel)
{
    static uint8_t buf[0x20000];
    uint32_t flags, len = campaign_below(c, campaign_one_in(c, 8) ? sizeof buf : 0x200);
    campaign_note(c, "DREQ %llu is %llu, %llu bytes", channel, len & 1, len);
    harness_dma_raise(c->h, channel, campaign_below(c, 4) != 0);
    harness_dma_mode(c->h, channel);
    harness_dma_run(c->h, channel, buf, len, &flags);
}

void campaign_isa_dma(Campaign *c)
{
    uint32_t channel = campaign_below(c, 8), mine = harness_dma_channels(c->h);
    channel = channel == 4 ? 2 : channel;
    if (harness_is_dma_controller(c->h)) {
        campaign_isa_cycles(c, channel);
        return;
    }
    while (mine && !(mine >> channel & 1)) {
        channel = (channel + 1) & 7;
    }
    if (!mine) {
        campaign_memory(c);
    } else if (campaign_one_in(c, 4)) {
        uint32_t masked = campaign_below(c, 2);
        campaign_note(c, "channel %llu masked %llu", channel, masked, 0);
        harness_dma_mask(c->h, channel, masked);
    } else {
        uint64_t gpa = campaign_gpa(c) & 0xffffff;
        uint32_t len = campaign_below(c, campaign_one_in(c, 4) ? 0x10000 : 0x800) + 1;
        campaign_note(c, "channel %llu programmed: %llx, %llu bytes", channel, gpa, len);
        harness_dma_program(c->h, channel, campaign_below(c, 0x40), gpa, len);
    }
}
