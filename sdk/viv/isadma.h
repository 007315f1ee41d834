/* SPDX-License-Identifier: MIT */
/* Vivarium SDK: DMA on the ISA bus - channels 0-3 of 8 bits, 5-7 of 16 bits.
 * A device attaches to a channel and drives its DREQ; a controller (8237A) takes the role with a
 * table and says what a channel is programmed for. The host stands between the two, so that
 * neither knows the other. Lock order: the device's lock, then the controller's (an instance lock
 * like any other), then the chipset lock; a controller never calls a device. Stable. C11 or
 * C++11. */
#ifndef VIV_ISADMA_H
#define VIV_ISADMA_H

#include <viv/device.h>

VIV_BEGIN_DECLS

#define VIV_ISADMA_CHANNELS 8u

/* What a channel is programmed for, as mode() and run() say it. Type: */
#define VIV_ISADMA_TYPE_MASK   0x3u
#define VIV_ISADMA_VERIFY      0x0u /* addresses and count, no data */
#define VIV_ISADMA_TO_MEMORY   0x1u /* the 8237A's "write transfer": device to memory */
#define VIV_ISADMA_FROM_MEMORY 0x2u /* "read transfer": memory to device */
#define VIV_ISADMA_CASCADE     0x3u /* DREQ and DACK only: the device masters the bus itself */
#define VIV_ISADMA_AUTO_INIT   0x4u /* starts again by itself at terminal count */
/* Transfer mode: how long the bus is kept. */
#define VIV_ISADMA_MODE_MASK   0x30u
#define VIV_ISADMA_MODE_DEMAND 0x00u
#define VIV_ISADMA_MODE_SINGLE 0x10u
#define VIV_ISADMA_MODE_BLOCK  0x20u
#define VIV_ISADMA_16BIT       0x40u  /* counts words: addresses and lengths are even */
#define VIV_ISADMA_MASKED      0x80u  /* by its mask bit, or the controller(s) are switched off */
#define VIV_ISADMA_READY       0x100u /* not masked, and DREQ is up: run() would move bytes */
#define VIV_ISADMA_TC          0x200u /* run(): the last byte moved came with terminal count */

/* [emt, device lock held] The attached channel has become ready: DREQ is up and the guest has
 * programmed and unmasked the channel, whichever came last. Comes from vCPU 0's queue, never from
 * within a call of the device's; by then the guest may have masked the channel again. */
typedef void (*viv_isadma_ready_fn)(viv_dev_t *dev, void *ctx, uint32_t channel);

/* The controller's side. [any, the controller's lock held] A channel is below
 * VIV_ISADMA_CHANNELS. */
typedef struct viv_isadma_ops {
    uint32_t size;
    uint32_t reserved0;
    /* The level of a DREQ line has changed. The lines are not saved: they are low after reset() of
     * the machine and after a load, when each device says its own again. */
    void (*dreq)(viv_dev_t *dev, void *self, uint32_t channel, uint32_t level);
    uint32_t (*mode)(viv_dev_t *dev, void *self, uint32_t channel);
    /* As viv_isadma_api_t.run. */
    uint32_t (*run)(viv_dev_t *dev, void *self, uint32_t channel, void *buf, uint32_t len_bytes,
                    uint32_t *ret_flags);
} viv_isadma_ops_t;

#define VIV_ISADMA_ID "viv.isadma/1"
typedef struct viv_isadma_api {
    uint32_t size;
    uint32_t reserved0;

    /* -- for a controller -- */
    /* Taking the role; ops is borrowed for the instance's life. One holder, the second is told
     * VIV_E_EXISTS. [main] */
    viv_status_t (*provide)(viv_dev_t *dev, const viv_isadma_ops_t *ops, void *self);
    /* The channel has become ready: the host calls the attached device's function soon. [any,
     * the controller's lock held] */
    void (*ready)(viv_dev_t *dev, uint32_t channel);
    /* 1 if a device is attached to the channel. [any] */
    uint32_t (*attached)(viv_dev_t *dev, uint32_t channel);

    /* -- for a device; without a controller every channel is masked for ever -- */
    /* The channel is this device's: VIV_E_EXISTS names the one that has it. fn may be NULL.
     * [main], or [emt] for devices whose channel a guest can set. */
    viv_status_t (*attach)(viv_dev_t *dev, uint32_t channel, viv_isadma_ready_fn fn, void *ctx);
    /* Lowers DREQ and gives the channel back; happens by itself when the instance goes. Not
     * attached: nothing. [main] or [emt] */
    void (*detach)(viv_dev_t *dev, uint32_t channel);
    /* DREQ of an attached channel. Lowered by the host before reset() of the machine; not saved:
     * post_load raises it again. [any] */
    void (*dreq_set)(viv_dev_t *dev, uint32_t channel, uint32_t level);
    /* How the channel stands: VIV_ISADMA_* of type, transfer mode, AUTO_INIT, 16BIT, MASKED,
     * READY. [any] */
    uint32_t (*mode)(viv_dev_t *dev, uint32_t channel);
    /* DACK cycles while DREQ is up: moves up to len_bytes between buf and memory, in the direction
     * and as far as the controller's mode and count say, and returns how many (0: not ready, or
     * cascade). Ends at terminal count, also where the channel starts again by itself: the rest is
     * another call. Verify cycles move and read nothing but count; a device that goes by the data
     * (a write to a disk) asks mode() first. 16-bit channels move whole words only. ret_flags: as
     * mode() before the transfer, and TC. [any, the device's own lock may be held] */
    uint32_t (*run)(viv_dev_t *dev, uint32_t channel, void *buf, uint32_t len_bytes,
                    uint32_t *ret_flags);
} viv_isadma_api_t;

VIV_END_DECLS
#endif
