/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* i6300esb: the watchdog timer of Intel's 6300ESB I/O controller hub, PCI 8086:25AB.
 *
 * The guest sees 16 bytes of memory at BAR 0 (two preload values, an interrupt status, the reload
 * register behind a sequence of 80h and 86h), and configuration registers 60h (clock, interrupt,
 * output) and 68h (mode, enable, lock). A first stage that runs out interrupts, a second one drives
 * WDT_TOUT#, which this device turns into what the key Action says. The time-out bit stands in the
 * RTC well: it survives a reset of the machine.
 * Follows: Intel 6300ESB I/O Controller Hub datasheet (300641-004), chapter 16. The clock is the 33.3
 * MHz PCI clock by 2^15 or 2^5.
 * Not modelled: the hub's second I/O APIC, where the interrupt is INT10: it is INTA# of the function
 * here; serialized preload of a counter that the guest cannot read. */
#include <viv/chipset.h>
#include <viv/device.h>
#include <viv/pci.h>

#include <string.h>

#define I6300ESB_STATE_VERSION 1
#define I6300ESB_BAR_BYTES     16u

/* configuration space */
#define I6300ESB_CONFIG       0x60u
#define I6300ESB_CONFIG_MASK  0x27u
#define I6300ESB_INT_TYPE     0x03u
#define I6300ESB_INT_IRQ      0u
#define I6300ESB_INT_SMI      2u
#define I6300ESB_PRE_SEL      0x04u /* 1: the fast clock */
#define I6300ESB_TOUT_DISABLE 0x20u
#define I6300ESB_LOCK         0x68u
#define I6300ESB_LOCK_MASK    0x07u
#define I6300ESB_LOCKED       0x01u
#define I6300ESB_ENABLE       0x02u
#define I6300ESB_FREE_RUN     0x04u

/* memory */
#define I6300ESB_PRELOAD1     0x0u
#define I6300ESB_PRELOAD2     0x4u
#define I6300ESB_INTR         0x8u
#define I6300ESB_RELOAD       0xcu
#define I6300ESB_PRELOAD_MASK 0xfffffu
#define I6300ESB_DO_RELOAD    0x100u
#define I6300ESB_TIMEOUT      0x200u
#define I6300ESB_UNLOCK1      0x80u
#define I6300ESB_UNLOCK2      0x86u

#define I6300ESB_PCI_CLOCK_NS 30u
#define I6300ESB_SLOW_NS      (I6300ESB_PCI_CLOCK_NS << 15)
#define I6300ESB_FAST_NS      (I6300ESB_PCI_CLOCK_NS << 5)

typedef struct I6300esb I6300esb;

/* What is soldered to WDT_TOUT#. */
typedef struct I6300esbAction {
    const char *name;
    void (*fn)(viv_dev_t *dev, I6300esb *wd); /* the pin falls; NULL: nothing */
} I6300esbAction;

struct I6300esb {
    /* config */
    const char *action_name;
    uint8_t exit_code;
    /* guest-visible, saved (beside the configuration space, which the host saves) */
    uint32_t preload[2];
    uint8_t stage;    /* 1, 2: what the counter runs in; 0: it stands */
    uint8_t enabled;  /* as the lock register said last */
    uint8_t unlock;   /* writes of the sequence that have been seen */
    uint8_t intr;     /* first stage has run out */
    uint8_t timeout;  /* second stage has run out */
    uint8_t tout_low; /* WDT_TOUT# */
    /* host */
    const I6300esbAction *action;
    const viv_pci_api_t *pci;
    viv_pci_fn_t *fn;
    const viv_vm_api_t *vm;
    const viv_chipset_api_t *chipset;
    viv_timer_t *timer;
    /* stats */
    uint64_t first_stages, timeouts, reloads;
};

static const viv_option_t i6300esb_options[] = {
    VIV_OPT_STRING(I6300esb, "Action", action_name, "reset",
                   "What a falling WDT_TOUT# does: reset, poweroff (with ExitCode), pause, nmi "
                   "(the line follows the pin), none"),
    VIV_OPT_NAMED(I6300esb, "ExitCode", exit_code, VIV_U8, 0, 255, 1,
                  "Exit code of viv run under Action=poweroff"),
    {0},
};

static const viv_field_t i6300esb_state[] = {
    VIV_FIELD_ARRAY(I6300esb, preload, VIV_U32, 1), VIV_FIELD(I6300esb, stage, VIV_U8, 1),
    VIV_FIELD(I6300esb, enabled, VIV_BOOL, 1),      VIV_FIELD(I6300esb, unlock, VIV_U8, 1),
    VIV_FIELD(I6300esb, intr, VIV_BOOL, 1),         VIV_FIELD(I6300esb, timeout, VIV_BOOL, 1),
    VIV_FIELD(I6300esb, tout_low, VIV_BOOL, 1),     {0},
};

/* -- WDT_TOUT# ------------------------------------------------------------------------------- */

static void i6300esb_do_reset(viv_dev_t *dev, I6300esb *wd)
{
    wd->vm->reset(dev);
}

static void i6300esb_do_power_off(viv_dev_t *dev, I6300esb *wd)
{
    wd->vm->power_off(dev, wd->exit_code);
}

static void i6300esb_do_pause(viv_dev_t *dev, I6300esb *wd)
{
    wd->vm->pause(dev);
}

/* The line follows the pin, see i6300esb_lines(). */
static void i6300esb_do_nmi(viv_dev_t *dev, I6300esb *wd)
{
    (void)dev, (void)wd;
}

static const I6300esbAction i6300esb_actions[] = {
    {"reset", i6300esb_do_reset},
    {"poweroff", i6300esb_do_power_off},
    {"pause", i6300esb_do_pause},
    {"nmi", i6300esb_do_nmi},
    {"none", NULL},
};

/* -- the counter ----------------------------------------------------------------------------- */

static uint32_t i6300esb_config(const I6300esb *wd)
{
    return wd->pci->config_get(wd->fn, I6300ESB_CONFIG, 2);
}

static uint32_t i6300esb_lock(const I6300esb *wd)
{
    return wd->pci->config_get(wd->fn, I6300ESB_LOCK, 1);
}

/* What the state says of the outputs. */
static void i6300esb_lines(viv_dev_t *dev, I6300esb *wd)
{
    uint32_t irq = (i6300esb_config(wd) & I6300ESB_INT_TYPE) == I6300ESB_INT_IRQ;
    wd->pci->intx_set(wd->fn, wd->intr && irq);
    if (wd->action->fn == i6300esb_do_nmi) {
        wd->chipset->lock(dev);
        wd->chipset->nmi_set(dev, wd->tout_low);
        wd->chipset->unlock(dev);
    }
}

/* Loads the counter of a stage. A preload of 0 is as good as one clock. */
static void i6300esb_enter(viv_dev_t *dev, I6300esb *wd, uint8_t stage)
{
    uint64_t tick_ns = i6300esb_config(wd) & I6300ESB_PRE_SEL ? I6300ESB_FAST_NS : I6300ESB_SLOW_NS;
    uint64_t count = wd->preload[stage - 1];
    wd->stage = stage;
    dev->api->timer_arm(wd->timer, dev->api->time_ns(dev) + (count ? count : 1) * tick_ns);
}

static void i6300esb_tout(viv_dev_t *dev, I6300esb *wd, uint8_t low)
{
    uint8_t falls = low && !wd->tout_low;
    wd->tout_low = low;
    i6300esb_lines(dev, wd);
    if (falls) {
        wd->vm->guest_event(dev, VIV_GUEST_WATCHDOG, wd->action->name);
        if (wd->action->fn) {
            wd->action->fn(dev, wd);
        }
    }
}

static void i6300esb_first_stage_ends(viv_dev_t *dev, I6300esb *wd)
{
    wd->first_stages++;
    wd->intr = 1;
    i6300esb_enter(dev, wd, 2);
    i6300esb_lines(dev, wd);
    if ((i6300esb_config(wd) & I6300ESB_INT_TYPE) == I6300ESB_INT_SMI) {
        wd->chipset->lock(dev);
        wd->chipset->cpu_smi(dev, 0);
        wd->chipset->unlock(dev);
    }
}

/* [emt, device lock held] */
static void i6300esb_expired(viv_dev_t *dev, void *ctx)
{
    I6300esb *wd = ctx;
    uint8_t enabled = !(i6300esb_config(wd) & I6300ESB_TOUT_DISABLE);
    if (wd->stage == 1) {
        i6300esb_first_stage_ends(dev, wd);
    } else if (wd->stage == 2 && i6300esb_lock(wd) & I6300ESB_FREE_RUN) {
        i6300esb_enter(dev, wd, 2);
        if (enabled) {
            i6300esb_tout(dev, wd, !wd->tout_low);
        }
    } else if (wd->stage == 2) {
        wd->timeouts++;
        wd->stage = 0;
        wd->timeout = 1;
        if (enabled) {
            i6300esb_tout(dev, wd, 1);
        }
    }
}

/* From the beginning; free-running mode has the second stage only. */
static void i6300esb_start(viv_dev_t *dev, I6300esb *wd)
{
    i6300esb_enter(dev, wd, i6300esb_lock(wd) & I6300ESB_FREE_RUN ? 2 : 1);
}

static void i6300esb_stop(viv_dev_t *dev, I6300esb *wd)
{
    wd->stage = 0;
    dev->api->timer_cancel(wd->timer);
}

/* -- memory ---------------------------------------------------------------------------------- */

static uint32_t i6300esb_reg(const I6300esb *wd, uint32_t reg)
{
    switch (reg) {
    case I6300ESB_PRELOAD1: return wd->preload[0];
    case I6300ESB_PRELOAD2: return wd->preload[1];
    case I6300ESB_INTR: return wd->intr;
    default: return wd->timeout ? I6300ESB_TIMEOUT : 0;
    }
}

/* [emt, device lock held] */
static uint64_t i6300esb_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    (void)dev, (void)width;
    return i6300esb_reg(ctx, (uint32_t)off & ~3u) >> 8 * (off & 3);
}

static void i6300esb_reload_write(viv_dev_t *dev, I6300esb *wd, uint32_t value)
{
    if (value & I6300ESB_TIMEOUT) {
        wd->timeout = 0;
    }
    if (value & I6300ESB_DO_RELOAD) {
        wd->reloads++;
        if (wd->enabled) {
            i6300esb_start(dev, wd);
        }
    }
}

/* 80h and then 86h to the reload register let the next write through, of whatever width. */
static int i6300esb_unlocks(I6300esb *wd, uint32_t reg, uint32_t value)
{
    uint8_t before = wd->unlock;
    wd->unlock = 0;
    if (before == 2) {
        return 1;
    }
    if (reg == I6300ESB_RELOAD && (value & 0xff) == I6300ESB_UNLOCK1) {
        wd->unlock = 1;
    } else if (reg == I6300ESB_RELOAD && (value & 0xff) == I6300ESB_UNLOCK2 && before == 1) {
        wd->unlock = 2;
    }
    return 0;
}

/* [emt, device lock held] */
static void i6300esb_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value, uint32_t width)
{
    I6300esb *wd = ctx;
    uint32_t reg = (uint32_t)off & ~3u, shift = 8 * ((uint32_t)off & 3);
    uint32_t bits = (uint32_t)value << shift;
    uint32_t mask = (width == 4 ? 0xffffffffu : (1u << 8 * width) - 1) << shift;
    if (reg == I6300ESB_INTR) {
        wd->intr &= (uint8_t) ~(bits & 1);
        i6300esb_lines(dev, wd);
    } else if (!i6300esb_unlocks(wd, reg, bits)) {
        return;
    } else if (reg == I6300ESB_RELOAD) {
        i6300esb_reload_write(dev, wd, bits);
    } else { /* loaded when the stage is entered next */
        uint32_t *preload = &wd->preload[reg == I6300ESB_PRELOAD2];
        *preload = ((*preload & ~mask) | bits) & I6300ESB_PRELOAD_MASK;
    }
}

static const viv_io_ops_t i6300esb_io = {
    .size = sizeof(viv_io_ops_t),
    .widths = VIV_W8 | VIV_W16 | VIV_W32,
    .read = i6300esb_read,
    .write = i6300esb_write,
};

/* -- configuration space --------------------------------------------------------------------- */

/* Once the lock bit is set, its register takes nothing any more until reset. */
static void i6300esb_lock_apply(I6300esb *wd)
{
    uint32_t locked = i6300esb_lock(wd) & I6300ESB_LOCKED;
    wd->pci->config_wmask(wd->fn, I6300ESB_LOCK, locked ? 0 : I6300ESB_LOCK_MASK, 1);
}

/* [emt, device lock held] */
static void i6300esb_cfg_written(viv_dev_t *dev, void *ctx, uint32_t off, uint32_t width,
                                 uint32_t value)
{
    I6300esb *wd = ctx;
    (void)value;
    if (off <= I6300ESB_LOCK && off + width > I6300ESB_LOCK) {
        uint8_t enable = (i6300esb_lock(wd) & I6300ESB_ENABLE) != 0;
        i6300esb_lock_apply(wd);
        if (!enable) {
            i6300esb_stop(dev, wd);
        } else if (!wd->enabled) {
            i6300esb_start(dev, wd);
        }
        wd->enabled = enable;
    }
    i6300esb_lines(dev, wd);
}

/* [emt, device lock held] */
static uint32_t i6300esb_cfg_read(viv_dev_t *dev, void *ctx, uint32_t off, uint32_t width,
                                  uint32_t value)
{
    (void)dev, (void)ctx, (void)off, (void)width;
    return value;
}

/* -- life ------------------------------------------------------------------------------------ */

/* [main or emt, device lock held] The time-out bit is in the RTC well and stays. */
static void i6300esb_reset(viv_dev_t *dev, void *self)
{
    I6300esb *wd = self;
    i6300esb_stop(dev, wd);
    wd->preload[0] = wd->preload[1] = I6300ESB_PRELOAD_MASK;
    wd->enabled = wd->unlock = wd->intr = wd->tout_low = 0;
    wd->pci->config_set(wd->fn, I6300ESB_CONFIG, 0, 2);
    wd->pci->config_set(wd->fn, I6300ESB_LOCK, 0, 1);
    i6300esb_lock_apply(wd);
    i6300esb_lines(dev, wd);
}

/* [main, device lock held] */
static viv_status_t i6300esb_post_load(viv_dev_t *dev, void *self, uint32_t version)
{
    I6300esb *wd = self;
    (void)version;
    if (wd->stage > 2 || wd->unlock > 2) {
        return dev->api->fail(dev, VIV_E_CORRUPT, "stage %u, %u steps of the sequence", wd->stage,
                              wd->unlock);
    }
    wd->preload[0] &= I6300ESB_PRELOAD_MASK;
    wd->preload[1] &= I6300ESB_PRELOAD_MASK;
    i6300esb_lock_apply(wd);
    i6300esb_lines(dev, wd);
    return VIV_OK;
}

static viv_status_t i6300esb_action(viv_dev_t *dev, I6300esb *wd)
{
    for (size_t i = 0; i < sizeof(i6300esb_actions) / sizeof(i6300esb_actions[0]); i++) {
        if (!strcmp(i6300esb_actions[i].name, wd->action_name)) {
            wd->action = &i6300esb_actions[i];
            return VIV_OK;
        }
    }
    return dev->api->fail(dev, VIV_E_CONFIG,
                          "Action is \"%s\"; reset, poweroff, pause, nmi and none are known",
                          wd->action_name);
}

static viv_status_t i6300esb_function(viv_dev_t *dev, I6300esb *wd)
{
    static const viv_pci_desc_t desc = {
        .size = sizeof(viv_pci_desc_t),
        .vendor_id = 0x8086,
        .device_id = 0x25ab,
        .class_code = 0x088000,
        .int_pin = 1,
        .device = VIV_PCI_AUTO,
    };
    viv_status_t st = wd->pci->add(dev, 0, &desc, &wd->fn);
    if (st != VIV_OK) {
        return st;
    }
    wd->pci->config_wmask(wd->fn, I6300ESB_CONFIG, I6300ESB_CONFIG_MASK, 2);
    wd->pci->config_hooks(wd->fn, i6300esb_cfg_read, i6300esb_cfg_written, wd);
    return wd->pci->bar_mmio(wd->fn, 0, I6300ESB_BAR_BYTES, 0, &i6300esb_io, wd, "watchdog");
}

static viv_status_t i6300esb_stats(viv_dev_t *dev, I6300esb *wd)
{
    viv_iface_t iface;
    viv_status_t st;
    if (dev->api->get_interface(dev, VIV_STAM_ID, sizeof(viv_stam_api_t), &iface) != VIV_OK) {
        return VIV_OK;
    }
    const viv_stam_api_t *stam = iface.ops;
    if ((st = stam->counter(dev, &wd->first_stages, "FirstStages", "times",
                            "First stages that ran out")) != VIV_OK ||
        (st = stam->counter(dev, &wd->timeouts, "Timeouts", "times",
                            "Second stages that ran out")) != VIV_OK) {
        return st;
    }
    return stam->counter(dev, &wd->reloads, "Reloads", "times", "Reloads by the guest");
}

/* [main, device lock held] */
static viv_status_t i6300esb_construct(viv_dev_t *dev, void *self)
{
    I6300esb *wd = self;
    viv_status_t st = i6300esb_action(dev, wd);
    wd->pci = viv_need(dev, VIV_PCI_ID, sizeof(viv_pci_api_t), &st);
    wd->vm = viv_need(dev, VIV_VM_ID, sizeof(viv_vm_api_t), &st);
    wd->chipset = viv_need(dev, VIV_CHIPSET_ID, sizeof(viv_chipset_api_t), &st);
    if (st != VIV_OK || (st = i6300esb_function(dev, wd)) != VIV_OK ||
        (st = dev->api->timer_create(dev, "watchdog", i6300esb_expired, wd, &wd->timer)) !=
            VIV_OK) {
        return st;
    }
    return i6300esb_stats(dev, wd);
}

static const viv_device_class_t i6300esb_class = {
    VIV_DEVICE_CLASS_HEAD,
    .name = "i6300esb",
    .summary = "Intel 6300ESB watchdog timer",
    .instance_size = sizeof(I6300esb),
    .state_version = I6300ESB_STATE_VERSION,
    .order = VIV_ORDER_MISC,
    .options = i6300esb_options,
    .state = i6300esb_state,
    .construct = i6300esb_construct,
    .reset = i6300esb_reset,
    .post_load = i6300esb_post_load,
};

VIV_PLUGIN("org.vivarium.i6300esb", "1.0", "LGPL-2.1-or-later", "Intel 6300ESB watchdog timer",
           &i6300esb_class);
