/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* debug-exit: a port with which a guest ends the machine and says how it went.
 *
 * The guest sees IOSize ports from IOBase; a write of v, of any width, powers the machine off with
 * the exit code (v << 1) | 1, which is never 0: a run that ended in any other way cannot be
 * mistaken for one that was ended here. Reads give 0. For test guests; machines do not have it
 * unless they are configured so.
 * Follows: the convention of QEMU's isa-debug-exit.
 * Not modelled: nothing that it has. */
#include <viv/device.h>

typedef struct DebugExit {
    /* config */
    uint16_t base;
    uint8_t size;
    /* host */
    const viv_vm_api_t *vm;
} DebugExit;

static const viv_option_t debug_exit_options[] = {
    VIV_OPT_NAMED(DebugExit, "IOBase", base, VIV_U16, 0, 0xffff, 0xf4, "First I/O port"),
    VIV_OPT_NAMED(DebugExit, "IOSize", size, VIV_U8, 1, 4, 4, "Number of ports"),
    {0},
};

/* [emt, device lock held] */
static uint64_t debug_exit_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    (void)dev, (void)ctx, (void)off, (void)width;
    return 0;
}

/* [emt, device lock held] */
static void debug_exit_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value,
                             uint32_t width)
{
    const DebugExit *de = ctx;
    uint32_t code = (uint32_t)value << 1 | 1;
    (void)off, (void)width;
    dev->api->log(dev, VIV_LOG_INFO, "the guest ends with %#x, exit code %u", (unsigned)value,
                  code);
    de->vm->power_off(dev, code);
}

static const viv_io_ops_t debug_exit_io = {
    .size = sizeof(viv_io_ops_t),
    .widths = VIV_W8 | VIV_W16 | VIV_W32,
    .flags = VIV_IO_UNALIGNED,
    .read = debug_exit_read,
    .write = debug_exit_write,
};

/* [main, device lock held] */
static viv_status_t debug_exit_construct(viv_dev_t *dev, void *self)
{
    DebugExit *de = self;
    viv_iface_t vm;
    viv_status_t st = dev->api->get_interface(dev, VIV_VM_ID, sizeof(viv_vm_api_t), &vm);
    if (st != VIV_OK) {
        return dev->api->fail(dev, st, "the host has no " VIV_VM_ID);
    }
    de->vm = vm.ops;
    return dev->api->pio_map(dev, de->base, de->size, &debug_exit_io, de, "debug exit", NULL);
}

static const viv_device_class_t debug_exit_class = {
    VIV_DEVICE_CLASS_HEAD,
    .name = "debug-exit",
    .summary = "Port that ends the machine with an exit code",
    .instance_size = sizeof(DebugExit),
    .order = VIV_ORDER_MISC,
    .options = debug_exit_options,
    .construct = debug_exit_construct,
};

VIV_PLUGIN("org.vivarium.debug-exit", "1.0", "LGPL-2.1-or-later", "Debug exit port",
           &debug_exit_class);
