/* SPDX-License-Identifier: MIT */
/* postcode: the ISA POST-code port.
 *
 * Firmware writes progress bytes to port 80h; a read gives the last one back.
 * Follows: the PC/AT's manufacturing checkpoint port (IBM PC/AT Technical Reference, "Manufacturing
 * test"). Not modelled: the display that a card would have; the byte goes to the log instead. */
#include <viv/device.h>

#define POSTCODE_STATE_VERSION 1

typedef struct Postcode {
    uint16_t base; /* config: set from postcode_options before construct */
    uint8_t latch; /* guest-visible, saved: last byte written */
} Postcode;

/* Unknown keys and values out of range never reach us: the host refuses them by name. */
static const viv_option_t postcode_options[] = {
    VIV_OPT(Postcode, base, VIV_U16, 0, 0xffff, 0x80, "First I/O port"),
    {0},
};

/* One table saves and loads: the two cannot drift apart. */
static const viv_field_t postcode_state[] = {
    VIV_FIELD(Postcode, latch, VIV_U8, /* since */ 1),
    {0},
};

/* [emt, device lock held] */
static uint64_t postcode_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    const Postcode *pc = ctx;
    (void)dev, (void)off, (void)width;
    return pc->latch;
}

/* [emt, device lock held] The host has split wider writes into bytes. */
static void postcode_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value, uint32_t width)
{
    Postcode *pc = ctx;
    (void)off, (void)width;
    pc->latch = (uint8_t)value;
    dev->api->log(dev, VIV_LOG_DEBUG, "POST code %02x", pc->latch);
}

static const viv_io_ops_t postcode_io = {
    .size = sizeof(viv_io_ops_t),
    .widths = VIV_W8,
    .read = postcode_read,
    .write = postcode_write,
};

/* [main or emt, device lock held] Cold-boot state; the host also calls it once after construct. */
static void postcode_reset(viv_dev_t *dev, void *self)
{
    Postcode *pc = self;
    (void)dev;
    pc->latch = 0;
}

/* [main, device lock held] *self is zeroed and configured. What the host hands out it takes back by
 * itself, so there is nothing to destruct. */
static viv_status_t postcode_construct(viv_dev_t *dev, void *self)
{
    Postcode *pc = self;
    return dev->api->pio_map(dev, pc->base, 1, &postcode_io, pc, "POST code", NULL);
}

static const viv_device_class_t postcode_class = {
    VIV_DEVICE_CLASS_HEAD, /* size, kind, and the stride of the two tables below */
    .name = "postcode",
    .summary = "ISA POST-code port",
    .instance_size = sizeof(Postcode),
    .state_version = POSTCODE_STATE_VERSION,
    .order = VIV_ORDER_MISC,
    .options = postcode_options,
    .state = postcode_state,
    .construct = postcode_construct,
    .reset = postcode_reset,
};

VIV_PLUGIN("org.example.postcode", "1.0", "MIT", "ISA POST-code port", &postcode_class);
