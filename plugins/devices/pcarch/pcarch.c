/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pcarch: the odds and ends that make a machine a PC/AT.
 *
 * The guest sees port 92h (A20 gate and fast CPU reset) and the coprocessor error latch: FERR#
 * raises IRQ 13, a write to F0h drops it and keeps IGNNE# asserted until FERR# goes away; F1h
 * (coprocessor reset of the AT) drops it too.
 * Follows: PIIX3 data sheet (290550) for ports 92h and F0h; IBM PC/AT Technical Reference for F1h.
 * Not modelled: the 287's own ports F8h-FFh (read as ones). */
#include <viv/chipset.h>
#include <viv/device.h>

#define PCARCH_STATE_VERSION 1

#define PCARCH_92_INIT    0x01u
#define PCARCH_92_A20     0x02u
#define PCARCH_92_MASK    0x03u
#define PCARCH_A20_SOURCE 0u
#define PCARCH_FPU_IRQ    13u
#define PCARCH_FPU_CLEAR  0u /* F0h */
#define PCARCH_FPU_RESET  1u /* F1h */

typedef struct PcArch {
    /* guest-visible, saved */
    uint8_t port92;
    uint8_t ferr;      /* level of the CPU's error pin */
    uint8_t fpu_latch; /* drives IRQ 13 */
    uint8_t ignne;
    /* host */
    const viv_chipset_api_t *chipset;
    const viv_vm_api_t *vm;
} PcArch;

static const viv_field_t pcarch_state[] = {
    VIV_FIELD(PcArch, port92, VIV_U8, 1),
    VIV_FIELD(PcArch, ferr, VIV_BOOL, 1),
    VIV_FIELD(PcArch, fpu_latch, VIV_BOOL, 1),
    VIV_FIELD(PcArch, ignne, VIV_BOOL, 1),
    {0},
};

/* [any, chipset lock] */
static void pcarch_update(viv_dev_t *dev, const PcArch *pc)
{
    dev->api->irq_set(dev, PCARCH_FPU_IRQ, pc->fpu_latch);
    pc->chipset->ignne_set(dev, pc->ignne);
    pc->chipset->a20_set(dev, PCARCH_A20_SOURCE, (pc->port92 & PCARCH_92_A20) != 0);
}

/* -- port 92h -------------------------------------------------------------------------------- */

/* [emt, chipset lock] */
static uint64_t pcarch_92_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    const PcArch *pc = ctx;
    (void)dev, (void)off, (void)width;
    return pc->port92;
}

/* [emt, chipset lock] INIT# pulses when bit 0 rises; before another pulse it must be written as
 * 0. */
static void pcarch_92_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value, uint32_t width)
{
    PcArch *pc = ctx;
    uint32_t rises = (uint32_t)value & ~(uint32_t)pc->port92;
    (void)off, (void)width;
    pc->port92 = (uint8_t)(value & PCARCH_92_MASK);
    pcarch_update(dev, pc);
    if (rises & PCARCH_92_INIT) {
        uint32_t count = pc->vm->cpu_count(dev);
        for (uint32_t i = 0; i < count; i++) {
            pc->chipset->cpu_init(dev, i);
        }
    }
}

static const viv_io_ops_t pcarch_92_io = {
    .size = sizeof(viv_io_ops_t),
    .widths = VIV_W8,
    .read = pcarch_92_read,
    .write = pcarch_92_write,
};

/* -- coprocessor errors ---------------------------------------------------------------------- */

/* [emt, chipset lock] */
static void pcarch_ferr(viv_dev_t *dev, void *ctx, uint32_t level)
{
    PcArch *pc = ctx;
    if (level && !pc->ferr) {
        pc->fpu_latch = 1;
    } else if (!level) {
        pc->ignne = 0;
    }
    pc->ferr = level != 0;
    pcarch_update(dev, pc);
}

/* [emt, chipset lock] */
static void pcarch_fpu_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value,
                             uint32_t width)
{
    PcArch *pc = ctx;
    (void)value, (void)width;
    if (off == PCARCH_FPU_CLEAR && pc->fpu_latch) {
        pc->ignne = pc->ferr;
    }
    pc->fpu_latch = 0;
    pcarch_update(dev, pc);
}

static const viv_io_ops_t pcarch_fpu_io = {
    .size = sizeof(viv_io_ops_t),
    .widths = VIV_W8,
    .write = pcarch_fpu_write,
};

/* -- life ------------------------------------------------------------------------------------ */

/* [main or emt, chipset lock] */
static void pcarch_reset(viv_dev_t *dev, void *self)
{
    PcArch *pc = self;
    pc->port92 = 0;
    pc->ferr = 0;
    pc->fpu_latch = 0;
    pc->ignne = 0;
    pcarch_update(dev, pc);
}

/* [main, chipset lock] */
static viv_status_t pcarch_post_load(viv_dev_t *dev, void *self, uint32_t version)
{
    const PcArch *pc = self;
    (void)version;
    if (pc->port92 & ~PCARCH_92_MASK) {
        return dev->api->fail(dev, VIV_E_CORRUPT, "port 92h holds %02x", pc->port92);
    }
    if (pc->ignne && !pc->ferr) {
        return dev->api->fail(dev, VIV_E_CORRUPT, "IGNNE# without FERR#");
    }
    pcarch_update(dev, pc);
    return VIV_OK;
}

/* [main, chipset lock] */
static viv_status_t pcarch_construct(viv_dev_t *dev, void *self)
{
    PcArch *pc = self;
    viv_status_t st = VIV_OK;
    pc->chipset = viv_need(dev, VIV_CHIPSET_ID, sizeof(viv_chipset_api_t), &st);
    pc->vm = viv_need(dev, VIV_VM_ID, sizeof(viv_vm_api_t), &st);
    if (st != VIV_OK) {
        return st;
    }
    st = dev->api->pio_map(dev, 0x92, 1, &pcarch_92_io, pc, "port 92h", NULL);
    if (st == VIV_OK) {
        st = dev->api->pio_map(dev, 0xf0, 2, &pcarch_fpu_io, pc, "coprocessor error", NULL);
    }
    if (st == VIV_OK) {
        pc->chipset->ferr_listen(dev, pcarch_ferr, pc);
    }
    return st;
}

static const viv_device_class_t pcarch_class = {
    VIV_DEVICE_CLASS_HEAD,
    .name = "pcarch",
    .summary = "PC/AT glue: port 92h and coprocessor errors",
    .instance_size = sizeof(PcArch),
    .state_version = PCARCH_STATE_VERSION,
    .max_instances = 1,
    .order = VIV_ORDER_ARCH,
    .flags = VIV_DEV_CHIPSET_LOCK,
    .state = pcarch_state,
    .construct = pcarch_construct,
    .reset = pcarch_reset,
    .post_load = pcarch_post_load,
};

VIV_PLUGIN("org.vivarium.pcarch", "1.0", "LGPL-2.1-or-later", "PC/AT glue", &pcarch_class);
