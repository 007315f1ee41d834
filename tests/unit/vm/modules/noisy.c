/* SPDX-License-Identifier: MIT */
/* noisy: a test device that makes itself heard. Port E8h, write: bit 0 its level on the NMI line, bit
 * 1 tells of a panic, bit 2 asks for a pause. */
#include <viv/chipset.h>
#include <viv/device.h>

typedef struct Noisy {
    uint8_t level;
    const viv_chipset_api_t *chipset;
    const viv_vm_api_t *vm;
} Noisy;

static const viv_field_t noisy_state[] = {VIV_FIELD(Noisy, level, VIV_U8, 1), {0}};

static void noisy_drive(viv_dev_t *dev, const Noisy *n)
{
    n->chipset->lock(dev);
    n->chipset->nmi_set(dev, n->level);
    n->chipset->unlock(dev);
}

static void noisy_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value, uint32_t width)
{
    Noisy *n = ctx;
    (void)off, (void)width;
    n->level = value & 1;
    noisy_drive(dev, n);
    if (value & 2) {
        n->vm->guest_event(dev, VIV_GUEST_PANICKED, "as a test");
    }
    if (value & 4) {
        n->vm->pause(dev);
    }
}

static const viv_io_ops_t noisy_io = {
    .size = sizeof noisy_io, .widths = VIV_W8, .write = noisy_write};

static void noisy_reset(viv_dev_t *dev, void *self)
{
    Noisy *n = self;
    n->level = 0;
    noisy_drive(dev, n);
}

static viv_status_t noisy_post_load(viv_dev_t *dev, void *self, uint32_t version)
{
    (void)version;
    noisy_drive(dev, self);
    return VIV_OK;
}

static viv_status_t noisy_construct(viv_dev_t *dev, void *self)
{
    Noisy *n = self;
    viv_status_t st = VIV_OK;
    n->chipset = viv_need(dev, VIV_CHIPSET_ID, sizeof(viv_chipset_api_t), &st);
    n->vm = viv_need(dev, VIV_VM_ID, sizeof(viv_vm_api_t), &st);
    return st ? st : dev->api->pio_map(dev, 0xe8, 1, &noisy_io, n, "noisy", NULL);
}

static const viv_device_class_t noisy_class = {
    VIV_DEVICE_CLASS_HEAD,
    .name = "noisy",
    .summary = "test device that raises NMI and tells of events",
    .instance_size = sizeof(Noisy),
    .state_version = 1,
    .order = VIV_ORDER_MISC,
    .state = noisy_state,
    .construct = noisy_construct,
    .reset = noisy_reset,
    .post_load = noisy_post_load,
};
VIV_PLUGIN("org.vivarium.test.noisy", "1", "MIT", "test device", &noisy_class);
