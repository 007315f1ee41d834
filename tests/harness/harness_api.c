/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fake host: the base table of devices (viv_dev_api_t). */
#include "harness_internal.h"

static HarnessInst *harness_api_inst(viv_dev_t *dev)
{
    HARNESS_CHECK(dev && dev->api == &harness_dev_api, "not a device handle");
    return (HarnessInst *)(void *)dev;
}

viv_status_t harness_iface_give(const void *ops, void *self, uint32_t min_size,
                                viv_iface_t *ret_iface)
{
    uint32_t size;
    memcpy(&size, ops, sizeof(size));
    if (size < min_size) {
        return VIV_E_VERSION;
    }
    ret_iface->ops = ops;
    ret_iface->self = self;
    return VIV_OK;
}

static viv_status_t harness_api_get_interface(viv_dev_t *dev, const char *id, uint32_t min_size,
                                              viv_iface_t *ret_iface)
{
    static const struct {
        const char *id;
        const void *ops;
    } table[] = {
        {VIV_PCI_ID, &harness_pci_api},         {VIV_PCIBUS_ID, &harness_pcibus_api},
        {VIV_CHIPSET_ID, &harness_chipset_api}, {VIV_STREAM_ID, &harness_stream_api},
        {VIV_CFG_ID, &harness_cfg_api},         {VIV_LUN_ID, &harness_lun_api},
        {VIV_VM_ID, &harness_vm_api},           {VIV_RAM_ID, &harness_ram_api},
        {VIV_FWFILE_ID, &harness_fwfile_api},   {VIV_STAM_ID, &harness_stam_api},
        {VIV_ISADMA_ID, &harness_isadma_api},
    };
    HarnessInst *inst = harness_api_inst(dev);
    if (harness_fallible(inst->h)) {
        return VIV_E_NOMEM;
    }
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (!strcmp(table[i].id, id) && !harness_blob_find(inst->h->without, id)) {
            return harness_iface_give(table[i].ops, dev, min_size, ret_iface);
        }
    }
    return VIV_E_NOT_FOUND;
}

void harness_log_line(Harness *h, const char *who, uint32_t severity, const char *fmt, va_list args)
{
    char text[1024];
    HARNESS_CHECK(severity <= VIV_LOG_TRACE, "%s: severity %u", who, severity);
    vsnprintf(text, sizeof(text), fmt, args);
    h->log_lines[severity]++;
    if (severity < VIV_LOG_TRACE) {
        snprintf(h->log_last, sizeof(h->log_last), "%s: %.160s", who, text);
    }
    harness_log_event(h, HARNESS_EV_LOG, severity, 0, 0, 0, 0);
    if (getenv("HARNESS_LOG")) {
        fprintf(stderr, "[%llu] %s: %s\n", (unsigned long long)h->now_ns, who, text);
    }
}

static VIV_PRINTF(3, 4) void harness_api_log(viv_dev_t *dev, uint32_t severity, const char *fmt,
                                             ...)
{
    HarnessInst *inst = harness_api_inst(dev);
    va_list args;
    va_start(args, fmt);
    harness_log_line(inst->h, inst->name, severity, fmt, args);
    va_end(args);
}

static VIV_PRINTF(3, 4) viv_status_t
    harness_api_fail(viv_dev_t *dev, viv_status_t status, const char *fmt, ...)
{
    HarnessInst *inst = harness_api_inst(dev);
    va_list args;
    HARNESS_CHECK(status < 0, "%s: fail() with status %d", inst->name, status);
    va_start(args, fmt);
    harness_error_setv(status, inst->name, fmt, args);
    va_end(args);
    return status;
}

static const char *harness_api_instance_name(viv_dev_t *dev)
{
    return harness_api_inst(dev)->name;
}

static uint32_t harness_api_instance_number(viv_dev_t *dev)
{
    return harness_api_inst(dev)->number;
}

static void harness_api_lock(viv_dev_t *dev)
{
    HarnessInst *inst = harness_api_inst(dev);
    harness_lock_take(inst->h, inst->lock);
}

static void harness_api_unlock(viv_dev_t *dev)
{
    HarnessInst *inst = harness_api_inst(dev);
    harness_lock_drop(inst->h, inst->lock);
}

static viv_status_t harness_api_map(viv_dev_t *dev, uint32_t is_mmio, uint64_t base, uint64_t len,
                                    const viv_io_ops_t *ops, void *ctx, const char *name,
                                    viv_range_t **ret_range)
{
    HarnessInst *inst = harness_api_inst(dev);
    const char *owner;
    HARNESS_CHECK(ops && ops->size, "%s: a range without operations", inst->name);
    if (harness_fallible(inst->h)) {
        return VIV_E_NOMEM;
    }
    if (len == 0 || base + len - 1 < base || (!is_mmio && base + len > 0x10000)) {
        return harness_error_set(VIV_E_INVALID, "%s: range %s is empty or too long", inst->name,
                                 name ? name : "?");
    }
    if (harness_range_clash(inst->h, is_mmio, base, len, &owner)) {
        return harness_error_set(VIV_E_EXISTS, "%s: %llx belongs to %s", inst->name,
                                 (unsigned long long)base, owner);
    }
    viv_range_t *r = harness_range_add(inst, is_mmio, base, len, ops, ctx, name, 0);
    if (ret_range) {
        *ret_range = r;
    }
    return VIV_OK;
}

static viv_status_t harness_api_pio_map(viv_dev_t *dev, uint32_t base, uint32_t count,
                                        const viv_io_ops_t *ops, void *ctx, const char *name,
                                        viv_range_t **ret_range)
{
    return harness_api_map(dev, 0, base, count, ops, ctx, name, ret_range);
}

static viv_status_t harness_api_mmio_map(viv_dev_t *dev, uint64_t gpa, uint64_t len_bytes,
                                         const viv_io_ops_t *ops, void *ctx, const char *name,
                                         viv_range_t **ret_range)
{
    return harness_api_map(dev, 1, gpa, len_bytes, ops, ctx, name, ret_range);
}

static void harness_api_range_unmap(viv_dev_t *dev, viv_range_t *range)
{
    HarnessInst *inst = harness_api_inst(dev);
    if (range) {
        HARNESS_CHECK(range->owner == inst && !range->is_bar,
                      "%s: unmaps a range that is not its own", inst->name);
        harness_range_remove(inst->h, range);
    }
}

static void harness_api_irq_set(viv_dev_t *dev, uint32_t irq, uint32_t level)
{
    HarnessInst *inst = harness_api_inst(dev);
    HARNESS_CHECK(irq < HARNESS_IRQS, "%s: irq %u", inst->name, irq);
    inst->irq_levels = (inst->irq_levels & ~(1u << irq)) | (uint32_t)(level != 0) << irq;
    harness_irq_update(inst->h, irq);
}

static void harness_api_mem_read(viv_dev_t *dev, uint64_t gpa, void *buf, uint64_t len_bytes)
{
    harness_mem_access(harness_api_inst(dev)->h, gpa, buf, len_bytes, 0);
}

static void harness_api_mem_write(viv_dev_t *dev, uint64_t gpa, const void *buf, uint64_t len_bytes)
{
    harness_api_inst(dev)->h->mem_writes += len_bytes;
    if (harness_msi_write(harness_api_inst(dev)->h, gpa, buf, len_bytes)) {
        return;
    }
    void *from;
    memcpy(&from, &buf,
           sizeof(from)); /* one routine serves both directions and does not write to it here */
    harness_mem_access(harness_api_inst(dev)->h, gpa, from, len_bytes, 1);
}

static uint64_t harness_api_time_ns(viv_dev_t *dev)
{
    return harness_api_inst(dev)->h->now_ns;
}

static viv_status_t harness_api_timer_create(viv_dev_t *dev, const char *name, viv_timer_fn fn,
                                             void *ctx, viv_timer_t **ret_timer)
{
    HarnessInst *inst = harness_api_inst(dev);
    HARNESS_CHECK(name && fn, "%s: a timer needs a name and a function", inst->name);
    HARNESS_CHECK(!harness_timer_find(inst, name), "%s: two timers are called %s", inst->name,
                  name);
    if (harness_fallible(inst->h)) {
        return VIV_E_NOMEM;
    }
    viv_timer_t *t = harness_alloc(sizeof(*t));
    t->owner = inst;
    t->name = harness_strdup(name);
    t->fn = fn;
    t->ctx = ctx;
    t->deadline = UINT64_MAX;
    viv_timer_t **tail = &inst->timers;
    while (*tail) {
        tail = &(*tail)->next;
    }
    *tail = t;
    *ret_timer = t;
    return VIV_OK;
}

static void harness_api_timer_arm(viv_timer_t *timer, uint64_t deadline_ns)
{
    HARNESS_CHECK(*timer->owner->lock > 0, "%s: timer %s is armed without the lock",
                  timer->owner->name, timer->name);
    timer->deadline = deadline_ns;
    timer->seq = ++timer->owner->h->arm_seq;
}

static void harness_api_timer_cancel(viv_timer_t *timer)
{
    HARNESS_CHECK(*timer->owner->lock > 0, "%s: timer %s is cancelled without the lock",
                  timer->owner->name, timer->name);
    timer->deadline = UINT64_MAX;
}

static uint64_t harness_api_timer_deadline(viv_timer_t *timer)
{
    return timer->deadline;
}

const viv_dev_api_t harness_dev_api = {
    .size = sizeof(viv_dev_api_t),
    .level = VIV_API_LEVEL,
    .get_interface = harness_api_get_interface,
    .log = harness_api_log,
    .fail = harness_api_fail,
    .instance_name = harness_api_instance_name,
    .instance_number = harness_api_instance_number,
    .lock = harness_api_lock,
    .unlock = harness_api_unlock,
    .pio_map = harness_api_pio_map,
    .mmio_map = harness_api_mmio_map,
    .range_unmap = harness_api_range_unmap,
    .irq_set = harness_api_irq_set,
    .mem_read = harness_api_mem_read,
    .mem_write = harness_api_mem_write,
    .time_ns = harness_api_time_ns,
    .timer_create = harness_api_timer_create,
    .timer_arm = harness_api_timer_arm,
    .timer_cancel = harness_api_timer_cancel,
    .timer_deadline = harness_api_timer_deadline,
};
