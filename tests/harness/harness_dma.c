/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fake host: ISA DMA (viv.isadma/1). Towards a device the harness is the controller, programmed by
 * the test; when the plugin has taken the role, the harness is the device on each channel. */
#include "harness_internal.h"

static HarnessInst *harness_dma_inst(viv_dev_t *dev)
{
    HARNESS_CHECK(dev && dev->api == &harness_dev_api, "not a device handle");
    return (HarnessInst *)(void *)dev;
}

static HarnessDma *harness_dma_channel(Harness *h, uint32_t channel)
{
    HARNESS_CHECK(channel < VIV_ISADMA_CHANNELS && channel != 4, "ISA DMA channel %u", channel);
    return &h->dma[channel];
}

/* -- the fake controller --------------------------------------------------------------------- */

static uint32_t harness_dma_fake_mode(const HarnessDma *c)
{
    uint32_t mode = c->mode | (c->programmed ? 0 : VIV_ISADMA_MASKED);
    return mode | (!(mode & VIV_ISADMA_MASKED) && c->level ? VIV_ISADMA_READY : 0);
}

static void harness_dma_fake_check(HarnessDma *c)
{
    if (harness_dma_fake_mode(c) & VIV_ISADMA_READY) {
        c->posted = 1;
    }
}

static uint32_t harness_dma_fake_run(Harness *h, HarnessDma *c, void *buf, uint32_t len,
                                     uint32_t *ret_flags)
{
    uint32_t mode = harness_dma_fake_mode(c);
    *ret_flags = mode;
    if (!(mode & VIV_ISADMA_READY) || (mode & VIV_ISADMA_TYPE_MASK) == VIV_ISADMA_CASCADE) {
        return 0;
    }
    uint32_t n = len < c->left ? len : c->left;
    n &= mode & VIV_ISADMA_16BIT ? ~1u : ~0u;
    if ((mode & VIV_ISADMA_TYPE_MASK) != VIV_ISADMA_VERIFY && n) {
        harness_mem_access(h, c->gpa, buf, n,
                           (mode & VIV_ISADMA_TYPE_MASK) == VIV_ISADMA_TO_MEMORY);
    }
    c->gpa += n;
    c->left -= n;
    if (n && !c->left) {
        *ret_flags |= VIV_ISADMA_TC;
        c->gpa = c->base_gpa;
        c->left = c->base_len;
        c->tcs++;
        c->mode |= mode & VIV_ISADMA_AUTO_INIT ? 0 : VIV_ISADMA_MASKED;
    }
    return n;
}

void harness_dma_program(Harness *h, uint32_t channel, uint32_t mode, uint64_t gpa,
                         uint32_t len_bytes)
{
    HarnessDma *c = harness_dma_channel(h, channel);
    HARNESS_CHECK(!h->isadma.ops, "the plugin is the ISA DMA controller itself");
    HARNESS_CHECK(len_bytes, "an ISA DMA transfer of 0 bytes");
    c->mode = mode | (channel > 4 ? VIV_ISADMA_16BIT : 0);
    c->gpa = c->base_gpa = gpa;
    c->left = c->base_len = len_bytes;
    c->programmed = 1;
    harness_enter_bare(h);
    harness_dma_fake_check(c);
    harness_leave_bare(h);
}

void harness_dma_mask(Harness *h, uint32_t channel, uint32_t masked)
{
    HarnessDma *c = harness_dma_channel(h, channel);
    c->mode = masked ? c->mode | VIV_ISADMA_MASKED : c->mode & ~VIV_ISADMA_MASKED;
    harness_enter_bare(h);
    harness_dma_fake_check(c);
    harness_leave_bare(h);
}

uint32_t harness_dma_left(Harness *h, uint32_t channel)
{
    return harness_dma_channel(h, channel)->left;
}

unsigned harness_dma_tcs(Harness *h, uint32_t channel)
{
    return harness_dma_channel(h, channel)->tcs;
}

uint32_t harness_dma_dreq(Harness *h, uint32_t channel)
{
    return harness_dma_channel(h, channel)->level;
}

/* -- lines and cycles ------------------------------------------------------------------------ */

static void harness_dma_level(Harness *h, uint32_t channel, uint32_t level)
{
    HarnessDma *c = &h->dma[channel];
    if (c->level == level) {
        return;
    }
    c->level = level;
    if (h->isadma.ops) {
        const viv_isadma_ops_t *ops = h->isadma.ops;
        unsigned token = harness_enter(h->isadma.inst);
        ops->dreq(&h->isadma.inst->dev, h->isadma.self, channel, level);
        harness_leave(h->isadma.inst, token);
    } else {
        harness_dma_fake_check(c);
    }
}

static uint32_t harness_dma_mode_of(Harness *h, uint32_t channel)
{
    if (!h->isadma.ops) {
        return harness_dma_fake_mode(&h->dma[channel]);
    }
    const viv_isadma_ops_t *ops = h->isadma.ops;
    unsigned token = harness_enter(h->isadma.inst);
    uint32_t mode = ops->mode(&h->isadma.inst->dev, h->isadma.self, channel);
    harness_leave(h->isadma.inst, token);
    return mode;
}

static uint32_t harness_dma_cycles(Harness *h, uint32_t channel, void *buf, uint32_t len,
                                   uint32_t *ret_flags)
{
    if (!h->isadma.ops) {
        return harness_dma_fake_run(h, &h->dma[channel], buf, len, ret_flags);
    }
    const viv_isadma_ops_t *ops = h->isadma.ops;
    unsigned token = harness_enter(h->isadma.inst);
    uint32_t n = ops->run(&h->isadma.inst->dev, h->isadma.self, channel, buf, len, ret_flags);
    harness_leave(h->isadma.inst, token);
    HARNESS_CHECK(n <= len, "the ISA DMA controller moved %u of %u bytes", n, len);
    return n;
}

/* -- the fake devices ------------------------------------------------------------------------ */

void harness_dma_raise(Harness *h, uint32_t channel, uint32_t level)
{
    HARNESS_CHECK(h->isadma.ops, "nobody has the ISA DMA role");
    harness_dma_channel(h, channel)->external = 1;
    harness_dma_level(h, channel, level != 0);
}

uint32_t harness_dma_mode(Harness *h, uint32_t channel)
{
    harness_dma_channel(h, channel);
    return harness_dma_mode_of(h, channel);
}

uint32_t harness_dma_run(Harness *h, uint32_t channel, void *buf, uint32_t len_bytes,
                         uint32_t *ret_flags)
{
    HARNESS_CHECK(harness_dma_channel(h, channel)->external, "nothing is on channel %u", channel);
    return harness_dma_cycles(h, channel, buf, len_bytes, ret_flags);
}

unsigned harness_dma_readies(Harness *h, uint32_t channel)
{
    HarnessDma *c = harness_dma_channel(h, channel);
    unsigned n = c->readies;
    c->readies = 0;
    return n;
}

/* -- viv.isadma/1 ---------------------------------------------------------------------------- */

static viv_status_t harness_isadma_provide(viv_dev_t *dev, const viv_isadma_ops_t *ops, void *self)
{
    HarnessInst *inst = harness_dma_inst(dev);
    return harness_role_take(inst->h, &inst->h->isadma, inst, ops, sizeof(*ops), self, "ISA DMA");
}

static void harness_isadma_ready(viv_dev_t *dev, uint32_t channel)
{
    HarnessInst *inst = harness_dma_inst(dev);
    HARNESS_CHECK(inst->h->isadma.inst == inst, "%s is not the ISA DMA controller", inst->name);
    harness_dma_channel(inst->h, channel)->posted = 1;
}

static uint32_t harness_isadma_attached(viv_dev_t *dev, uint32_t channel)
{
    const HarnessDma *c = harness_dma_channel(harness_dma_inst(dev)->h, channel);
    return c->inst || c->external;
}

static viv_status_t harness_isadma_attach(viv_dev_t *dev, uint32_t channel, viv_isadma_ready_fn fn,
                                          void *ctx)
{
    HarnessInst *inst = harness_dma_inst(dev);
    if (harness_fallible(inst->h)) {
        return VIV_E_NOMEM;
    }
    if (channel >= VIV_ISADMA_CHANNELS || channel == 4) {
        return harness_error_set(VIV_E_INVALID, "%s: ISA DMA channel %u", inst->name, channel);
    }
    HarnessDma *c = &inst->h->dma[channel];
    if (c->inst) {
        return harness_error_set(VIV_E_EXISTS, "%s: ISA DMA channel %u belongs to %s", inst->name,
                                 channel, c->inst->name);
    }
    c->inst = inst;
    c->fn = fn;
    c->ctx = ctx;
    return VIV_OK;
}

static void harness_isadma_detach(viv_dev_t *dev, uint32_t channel)
{
    HarnessInst *inst = harness_dma_inst(dev);
    if (channel < VIV_ISADMA_CHANNELS && inst->h->dma[channel].inst == inst) {
        harness_dma_level(inst->h, channel, 0);
        inst->h->dma[channel].inst = NULL;
    }
}

static void harness_isadma_dreq_set(viv_dev_t *dev, uint32_t channel, uint32_t level)
{
    HarnessInst *inst = harness_dma_inst(dev);
    HARNESS_CHECK(harness_dma_channel(inst->h, channel)->inst == inst,
                  "%s drives DREQ%u, which is not its own", inst->name, channel);
    harness_dma_level(inst->h, channel, level != 0);
}

static uint32_t harness_isadma_mode(viv_dev_t *dev, uint32_t channel)
{
    Harness *h = harness_dma_inst(dev)->h;
    harness_dma_channel(h, channel);
    return harness_dma_mode_of(h, channel);
}

static uint32_t harness_isadma_run(viv_dev_t *dev, uint32_t channel, void *buf, uint32_t len_bytes,
                                   uint32_t *ret_flags)
{
    HarnessInst *inst = harness_dma_inst(dev);
    HARNESS_CHECK(harness_dma_channel(inst->h, channel)->inst == inst,
                  "%s runs channel %u, which is not its own", inst->name, channel);
    return harness_dma_cycles(inst->h, channel, buf, len_bytes, ret_flags);
}

const viv_isadma_api_t harness_isadma_api = {
    .size = sizeof(viv_isadma_api_t),
    .provide = harness_isadma_provide,
    .ready = harness_isadma_ready,
    .attached = harness_isadma_attached,
    .attach = harness_isadma_attach,
    .detach = harness_isadma_detach,
    .dreq_set = harness_isadma_dreq_set,
    .mode = harness_isadma_mode,
    .run = harness_isadma_run,
};

/* -- life ------------------------------------------------------------------------------------ */

/* When no plugin code is running: what the host's queue would call. */
void harness_dma_idle(Harness *h)
{
    unsigned calls = 0;
    for (uint32_t i = 0; i < VIV_ISADMA_CHANNELS; i++) {
        HarnessDma *c = &h->dma[i];
        if (!c->posted) {
            continue;
        }
        c->posted = 0;
        c->readies++;
        if (c->inst && c->fn) {
            HARNESS_CHECK(++calls < 100000, "%s: DREQ%u rises without end", c->inst->name, i);
            unsigned token = harness_enter(c->inst);
            c->fn(&c->inst->dev, c->ctx, i);
            harness_leave(c->inst, token);
            i = UINT32_MAX; /* from the first on again */
        }
    }
}

/* Machine reset and load: every DREQ low; the devices that the test plays keep theirs in mind. */
uint32_t harness_dma_lower_all(Harness *h)
{
    uint32_t external = 0;
    for (uint32_t i = 0; i < VIV_ISADMA_CHANNELS; i++) {
        if (h->dma[i].external && h->dma[i].level) {
            external |= 1u << i;
        }
        harness_dma_level(h, i, 0);
    }
    return external;
}

void harness_dma_forget(Harness *h, const HarnessInst *inst)
{
    for (uint32_t i = 0; i < VIV_ISADMA_CHANNELS; i++) {
        if (h->dma[i].inst == inst) {
            h->dma[i].level = 0;
            h->dma[i].posted = 0;
            h->dma[i].inst = NULL;
        } else if (h->isadma.inst == inst) { /* the next controller starts with low lines */
            h->dma[i].level = 0;
            h->dma[i].posted = 0;
        }
    }
    if (h->isadma.inst == inst) {
        h->isadma = (HarnessRole){NULL, NULL, NULL};
    }
}

uint32_t harness_dma_lines(const Harness *h)
{
    uint32_t lines = 0;
    for (uint32_t i = 0; i < VIV_ISADMA_CHANNELS; i++) {
        lines |= h->dma[i].level << i;
    }
    return lines;
}
