/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PDM: ISA DMA (viv.isadma/1), between the controller and the devices on its channels. Invariants:
 *  1. A channel's device and function change under dma_lock, a leaf; its DREQ level under the
 *     controller's lock.
 *  2. A ready call comes as a request to EMT 0, at most one of a channel is queued, and it is taken
 *     back silently when the channel has another device by then. */
#include "pdm/pdm_internal.h"

static Pdm *pdm_dma_of(viv_dev_t *dev)
{
    return pdm_dev(dev)->pdm;
}

#define PDM_DMA_CALL(pdm, fn, ...)                                                                 \
    ((const viv_isadma_ops_t *)(pdm)->isadma.ops)                                                  \
        ->fn(&(pdm)->isadma.device->pub, (pdm)->isadma.self, ##__VA_ARGS__)

void pdm_dma_init(Pdm *pdm)
{
    g_mutex_init(&pdm->dma_lock);
    for (uint32_t i = 0; i < VIV_ISADMA_CHANNELS; i++) {
        pdm->dma[i].pdm = pdm;
        pdm->dma[i].number = i;
    }
}

void pdm_dma_finish(Pdm *pdm)
{
    g_mutex_clear(&pdm->dma_lock);
}

static gboolean pdm_dma_owns(Pdm *pdm, const PdmDevice *device, uint32_t channel)
{
    g_mutex_lock(&pdm->dma_lock);
    gboolean owns = channel < VIV_ISADMA_CHANNELS && pdm->dma[channel].device == device;
    g_mutex_unlock(&pdm->dma_lock);
    return owns;
}

/* -- the controller -------------------------------------------------------------------------- */

static viv_status_t pdm_dma_provide(viv_dev_t *dev, const viv_isadma_ops_t *ops, void *self)
{
    Pdm *pdm = pdm_dma_of(dev);
    if (pdm->isadma.device) {
        return dev->api->fail(dev, VIV_E_EXISTS,
                              "the machine has an ISA DMA controller already: "
                              "%s",
                              pdm->isadma.device->name);
    }
    pdm->isadma = (PdmRole){pdm_dev(dev), ops, self};
    return VIV_OK;
}

/* [emt 0] */
static void pdm_dma_ready_on_emt(Vm *vm, void *ctx)
{
    PdmDmaChannel *channel = ctx;
    Pdm *pdm = channel->pdm;
    (void)vm;
    __atomic_store_n(&channel->posted, 0, __ATOMIC_SEQ_CST);
    g_mutex_lock(&pdm->dma_lock);
    PdmDmaChannel now = *channel;
    g_mutex_unlock(&pdm->dma_lock);
    if (!now.device || !now.fn) {
        return;
    }
    g_rec_mutex_lock(now.device->lock);
    if (pdm_dma_owns(pdm, now.device, now.number)) {
        now.fn(&now.device->pub, now.ctx, now.number);
    }
    g_rec_mutex_unlock(now.device->lock);
}

static void pdm_dma_ready(viv_dev_t *dev, uint32_t channel)
{
    Pdm *pdm = pdm_dma_of(dev);
    if (channel < VIV_ISADMA_CHANNELS &&
        !__atomic_exchange_n(&pdm->dma[channel].posted, 1, __ATOMIC_SEQ_CST)) {
        em_post(pdm->vm->em, 0, pdm_dma_ready_on_emt, &pdm->dma[channel]);
    }
}

static uint32_t pdm_dma_attached(viv_dev_t *dev, uint32_t channel)
{
    Pdm *pdm = pdm_dma_of(dev);
    return channel < VIV_ISADMA_CHANNELS && !pdm_dma_owns(pdm, NULL, channel);
}

/* -- devices --------------------------------------------------------------------------------- */

static viv_status_t pdm_dma_attach(viv_dev_t *dev, uint32_t channel, viv_isadma_ready_fn fn,
                                   void *ctx)
{
    Pdm *pdm = pdm_dma_of(dev);
    if (channel >= VIV_ISADMA_CHANNELS || channel == 4) {
        return dev->api->fail(dev, VIV_E_INVALID, "there is no ISA DMA channel %u", channel);
    }
    PdmDmaChannel *entry = &pdm->dma[channel];
    g_mutex_lock(&pdm->dma_lock);
    const PdmDevice *owner = entry->device;
    if (!owner) {
        entry->device = pdm_dev(dev);
        entry->fn = fn;
        entry->ctx = ctx;
    }
    g_mutex_unlock(&pdm->dma_lock);
    return owner ? dev->api->fail(dev, VIV_E_EXISTS, "ISA DMA channel %u belongs to %s", channel,
                                  owner->name)
                 : VIV_OK;
}

static void pdm_dma_level(Pdm *pdm, uint32_t channel, uint32_t level)
{
    if (!pdm->isadma.device) {
        return;
    }
    g_rec_mutex_lock(pdm->isadma.device->lock);
    if (pdm->dma[channel].level != level) {
        pdm->dma[channel].level = level;
        PDM_DMA_CALL(pdm, dreq, channel, level);
    }
    g_rec_mutex_unlock(pdm->isadma.device->lock);
}

static void pdm_dma_detach(viv_dev_t *dev, uint32_t channel)
{
    Pdm *pdm = pdm_dma_of(dev);
    if (!pdm_dma_owns(pdm, pdm_dev(dev), channel)) {
        return;
    }
    pdm_dma_level(pdm, channel, 0);
    g_mutex_lock(&pdm->dma_lock);
    pdm->dma[channel].device = NULL;
    pdm->dma[channel].fn = NULL;
    g_mutex_unlock(&pdm->dma_lock);
}

static void pdm_dma_dreq_set(viv_dev_t *dev, uint32_t channel, uint32_t level)
{
    Pdm *pdm = pdm_dma_of(dev);
    if (pdm_dma_owns(pdm, pdm_dev(dev), channel)) {
        pdm_dma_level(pdm, channel, level != 0);
    }
}

static uint32_t pdm_dma_mode(viv_dev_t *dev, uint32_t channel)
{
    Pdm *pdm = pdm_dma_of(dev);
    if (channel >= VIV_ISADMA_CHANNELS || !pdm->isadma.device) {
        return VIV_ISADMA_MASKED;
    }
    g_rec_mutex_lock(pdm->isadma.device->lock);
    uint32_t mode = PDM_DMA_CALL(pdm, mode, channel);
    g_rec_mutex_unlock(pdm->isadma.device->lock);
    return mode;
}

static uint32_t pdm_dma_run(viv_dev_t *dev, uint32_t channel, void *buf, uint32_t len_bytes,
                            uint32_t *ret_flags)
{
    Pdm *pdm = pdm_dma_of(dev);
    if (!pdm->isadma.device || !pdm_dma_owns(pdm, pdm_dev(dev), channel)) {
        *ret_flags = VIV_ISADMA_MASKED;
        return 0;
    }
    g_rec_mutex_lock(pdm->isadma.device->lock);
    uint32_t moved = PDM_DMA_CALL(pdm, run, channel, buf, len_bytes, ret_flags);
    g_rec_mutex_unlock(pdm->isadma.device->lock);
    return moved;
}

const viv_isadma_api_t pdm_isadma_api = {
    .size = sizeof pdm_isadma_api,
    .provide = pdm_dma_provide,
    .ready = pdm_dma_ready,
    .attached = pdm_dma_attached,
    .attach = pdm_dma_attach,
    .detach = pdm_dma_detach,
    .dreq_set = pdm_dma_dreq_set,
    .mode = pdm_dma_mode,
    .run = pdm_dma_run,
};

/* -- life ------------------------------------------------------------------------------------ */

void pdm_dma_clear_all(Pdm *pdm)
{
    for (uint32_t i = 0; i < VIV_ISADMA_CHANNELS; i++) {
        pdm_dma_level(pdm, i, 0);
    }
}

/* [main] The instance goes. */
void pdm_dma_forget(PdmDevice *device)
{
    Pdm *pdm = device->pdm;
    for (uint32_t i = 0; i < VIV_ISADMA_CHANNELS; i++) {
        pdm_dma_detach(&device->pub, i);
    }
    if (pdm->isadma.device == device) {
        pdm->isadma = (PdmRole){NULL, NULL, NULL};
    }
}
