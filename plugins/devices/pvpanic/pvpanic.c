/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pvpanic: a byte in which a guest tells that its system has crashed or is shutting down.
 *
 * Class `pvpanic` is the ISA form (port 505h, told to the firmware in the file etc/pvpanic-port),
 * class `pvpanic-pci` the PCI function 1B36:0011 with the byte at the start of BAR 0. A read gives
 * the events that may be told, a write tells them: bit 0 panicked, bit 1 crashed and handed over to
 * a crash kernel, bit 2 shutting down.
 * Follows: docs/specs/pvpanic of QEMU, which guests' drivers are written against.
 * Each kind is reported once until the next reset: a guest that writes without end fills no log. */
#include <viv/device.h>
#include <viv/pci.h>

#define PVPANIC_STATE_VERSION 1
#define PVPANIC_EVENTS        3u
#define PVPANIC_ALL           0x7u
#define PVPANIC_BAR_BYTES     16u /* the smallest memory BAR */

typedef struct Pvpanic {
    /* config */
    uint16_t base;
    uint8_t events;
    uint8_t power_off;
    /* guest-visible, saved */
    uint8_t reported; /* events that have been told on since the last reset */
    /* host */
    const viv_vm_api_t *vm;
    /* stats */
    uint64_t count[PVPANIC_EVENTS];
} Pvpanic;

#define PVPANIC_COMMON_OPTIONS                                                                     \
    VIV_OPT_NAMED(                                                                                 \
        Pvpanic, "Events", events, VIV_U8, 1, PVPANIC_ALL, PVPANIC_ALL,                            \
        "Events that the guest may tell: sum of 1 panicked, 2 crash kernel, 4 shutdown"),          \
        VIV_OPT_NAMED(Pvpanic, "PowerOffOnShutdown", power_off, VIV_BOOL, 0, 1, 1,                 \
                      "A told shutdown switches the machine off")

static const viv_option_t pvpanic_isa_options[] = {
    VIV_OPT_NAMED(Pvpanic, "IOBase", base, VIV_U16, 1, 0xffff, 0x505, "I/O port"),
    PVPANIC_COMMON_OPTIONS,
    {0},
};
static const viv_option_t pvpanic_pci_options[] = {
    PVPANIC_COMMON_OPTIONS,
    {0},
};

static const viv_field_t pvpanic_state[] = {
    VIV_FIELD(Pvpanic, reported, VIV_U8, 1),
    {0},
};

/* [emt, device lock held] */
static uint64_t pvpanic_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    const Pvpanic *pp = ctx;
    (void)dev, (void)width;
    return off ? 0 : pp->events;
}

/* [emt, device lock held] */
static void pvpanic_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value, uint32_t width)
{
    static const uint32_t kinds[PVPANIC_EVENTS] = {VIV_GUEST_PANICKED, VIV_GUEST_CRASH_LOADED,
                                                   VIV_GUEST_SHUTDOWN};
    Pvpanic *pp = ctx;
    uint32_t told = off ? 0 : (uint32_t)value & pp->events;
    (void)width;
    for (uint32_t i = 0; i < PVPANIC_EVENTS; i++) {
        if (!(told >> i & 1)) {
            continue;
        }
        pp->count[i]++;
        if (!(pp->reported >> i & 1)) {
            pp->reported |= (uint8_t)(1u << i);
            pp->vm->guest_event(dev, kinds[i], NULL);
        }
        if (kinds[i] == VIV_GUEST_SHUTDOWN && pp->power_off) {
            pp->vm->power_off(dev, 0);
        }
    }
}

static const viv_io_ops_t pvpanic_io = {
    .size = sizeof(viv_io_ops_t),
    .widths = VIV_W8,
    .read = pvpanic_read,
    .write = pvpanic_write,
};

/* -- life ------------------------------------------------------------------------------------ */

/* [main or emt, device lock held] */
static void pvpanic_reset(viv_dev_t *dev, void *self)
{
    Pvpanic *pp = self;
    (void)dev;
    pp->reported = 0;
}

/* [main, device lock held] */
static viv_status_t pvpanic_post_load(viv_dev_t *dev, void *self, uint32_t version)
{
    Pvpanic *pp = self;
    (void)dev, (void)version;
    pp->reported &= PVPANIC_ALL;
    return VIV_OK;
}

static viv_status_t pvpanic_common(viv_dev_t *dev, Pvpanic *pp)
{
    static const char *const names[PVPANIC_EVENTS] = {"Panics", "CrashKernels", "Shutdowns"};
    viv_status_t st = VIV_OK;
    viv_iface_t iface;
    pp->vm = viv_need(dev, VIV_VM_ID, sizeof(viv_vm_api_t), &st);
    if (st != VIV_OK ||
        dev->api->get_interface(dev, VIV_STAM_ID, sizeof(viv_stam_api_t), &iface) != VIV_OK) {
        return st;
    }
    const viv_stam_api_t *stam = iface.ops;
    for (uint32_t i = 0; i < PVPANIC_EVENTS && st == VIV_OK; i++) {
        st = stam->counter(dev, &pp->count[i], names[i], "times", "How often the guest told so");
    }
    return st;
}

/* [main, device lock held] */
static viv_status_t pvpanic_isa_construct(viv_dev_t *dev, void *self)
{
    Pvpanic *pp = self;
    viv_status_t st = pvpanic_common(dev, pp);
    const viv_fwfile_api_t *fwfile = viv_need(dev, VIV_FWFILE_ID, sizeof(viv_fwfile_api_t), &st);
    if (st != VIV_OK) {
        return st;
    }
    const uint8_t port[2] = {(uint8_t)pp->base, (uint8_t)(pp->base >> 8)};
    st = dev->api->pio_map(dev, pp->base, 1, &pvpanic_io, pp, "pvpanic", NULL);
    return st != VIV_OK ? st : fwfile->add(dev, "etc/pvpanic-port", port, sizeof(port));
}

/* [main, device lock held] */
static viv_status_t pvpanic_pci_construct(viv_dev_t *dev, void *self)
{
    static const viv_pci_desc_t desc = {
        .size = sizeof(viv_pci_desc_t),
        .vendor_id = 0x1b36,
        .device_id = 0x0011,
        .subsystem_vendor_id = 0x1af4,
        .subsystem_id = 0x1100,
        .class_code = 0x088000,
        .revision = 1,
        .device = VIV_PCI_AUTO,
    };
    Pvpanic *pp = self;
    viv_pci_fn_t *fn;
    viv_status_t st = pvpanic_common(dev, pp);
    const viv_pci_api_t *pci = viv_need(dev, VIV_PCI_ID, sizeof(viv_pci_api_t), &st);
    if (st != VIV_OK || (st = pci->add(dev, 0, &desc, &fn)) != VIV_OK) {
        return st;
    }
    return pci->bar_mmio(fn, 0, PVPANIC_BAR_BYTES, 0, &pvpanic_io, pp, "pvpanic");
}

static const viv_device_class_t pvpanic_isa_class = {
    VIV_DEVICE_CLASS_HEAD,
    .name = "pvpanic",
    .summary = "Port in which a guest tells of its crash",
    .instance_size = sizeof(Pvpanic),
    .state_version = PVPANIC_STATE_VERSION,
    .max_instances = 1,
    .order = VIV_ORDER_MISC,
    .options = pvpanic_isa_options,
    .state = pvpanic_state,
    .construct = pvpanic_isa_construct,
    .reset = pvpanic_reset,
    .post_load = pvpanic_post_load,
};

static const viv_device_class_t pvpanic_pci_class = {
    VIV_DEVICE_CLASS_HEAD,
    .name = "pvpanic-pci",
    .summary = "PCI function in which a guest tells of its crash",
    .instance_size = sizeof(Pvpanic),
    .state_version = PVPANIC_STATE_VERSION,
    .order = VIV_ORDER_MISC,
    .options = pvpanic_pci_options,
    .state = pvpanic_state,
    .construct = pvpanic_pci_construct,
    .reset = pvpanic_reset,
    .post_load = pvpanic_post_load,
};

VIV_PLUGIN("org.vivarium.pvpanic", "1.0", "LGPL-2.1-or-later", "Crash notification by the guest",
           &pvpanic_isa_class, &pvpanic_pci_class);
