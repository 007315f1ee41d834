/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fake host: interrupt lines, the chipset's roles (viv.chipset/1), and what tests see and drive of
 * them. */
#include "harness_internal.h"

static HarnessInst *harness_chipset_inst(viv_dev_t *dev)
{
    HARNESS_CHECK(dev && dev->api == &harness_dev_api, "not a device handle");
    return (HarnessInst *)(void *)dev;
}

/* For the functions that want the chipset lock. */
static Harness *harness_chipset_locked(viv_dev_t *dev, const char *what)
{
    HarnessInst *inst = harness_chipset_inst(dev);
    HARNESS_CHECK(inst->h->chipset_lock > 0, "%s: %s without the chipset lock", inst->name, what);
    return inst->h;
}

/* -- ISA lines ------------------------------------------------------------------------------- */

static void harness_route_irq(Harness *h, uint32_t irq, uint32_t level)
{
    harness_lock_take(h, &h->chipset_lock);
    h->depth++;
    if (h->pic.ops) {
        const viv_pic_ops_t *ops = h->pic.ops;
        ops->set_irq(&h->pic.inst->dev, h->pic.self, irq, level);
    }
    if (h->ioapic.ops) {
        const viv_ioapic_ops_t *ops = h->ioapic.ops;
        ops->set_irq(&h->ioapic.inst->dev, h->ioapic.self, irq == 0 ? 2 : irq, level);
    }
    harness_lock_drop(h, &h->chipset_lock);
    harness_leave_bare(h);
}

void harness_irq_update(Harness *h, uint32_t irq)
{
    int taken = h->legacy_inst && (irq == 0 || irq == 8);
    uint32_t level = taken ? 0 : h->irq_external >> irq & 1;
    for (int i = 0; i < HARNESS_MAX_INSTANCES; i++) {
        int cut = taken && h->inst[i] != h->legacy_inst;
        level |= h->inst[i] && !cut ? h->inst[i]->irq_levels >> irq & 1 : 0;
    }
    if (level != (h->irq_levels >> irq & 1)) {
        h->irq_levels ^= 1u << irq;
        harness_log_event(h, HARNESS_EV_IRQ, irq, level, 0, 0, 0);
        harness_route_irq(h, irq, level);
    }
}

void harness_irq_drive(Harness *h, uint32_t irq, uint32_t level)
{
    HARNESS_CHECK(irq < HARNESS_IRQS, "irq %u", irq);
    h->irq_external = (h->irq_external & ~(1u << irq)) | (uint32_t)(level != 0) << irq;
    harness_irq_update(h, irq);
}

uint32_t harness_irq_level(Harness *h, uint32_t irq)
{
    HARNESS_CHECK(irq < HARNESS_IRQS, "irq %u", irq);
    return h->irq_levels >> irq & 1;
}

/* -- roles ----------------------------------------------------------------------------------- */

viv_status_t harness_role_take(Harness *h, HarnessRole *role, HarnessInst *inst, const void *ops,
                               uint32_t ours, void *self, const char *name)
{
    uint32_t size;
    if (harness_fallible(h)) {
        return VIV_E_NOMEM;
    }
    memcpy(&size, ops, sizeof(size));
    HARNESS_CHECK(size >= ours, "%s: the table of role %s is too short", inst->name, name);
    if (role->ops) {
        return harness_error_set(VIV_E_EXISTS, "%s: role %s belongs to %s", inst->name, name,
                                 role->inst->name);
    }
    *role = (HarnessRole){ops, inst, self};
    return VIV_OK;
}

static viv_status_t harness_provide_pic(viv_dev_t *dev, const viv_pic_ops_t *ops, void *self)
{
    HarnessInst *inst = harness_chipset_inst(dev);
    return harness_role_take(inst->h, &inst->h->pic, inst, ops, sizeof(*ops), self, "PIC");
}

static viv_status_t harness_provide_apic(viv_dev_t *dev, const viv_apic_ops_t *ops, void *self)
{
    HarnessInst *inst = harness_chipset_inst(dev);
    return harness_role_take(inst->h, &inst->h->apic, inst, ops, sizeof(*ops), self, "APIC");
}

static viv_status_t harness_provide_ioapic(viv_dev_t *dev, const viv_ioapic_ops_t *ops, void *self)
{
    HarnessInst *inst = harness_chipset_inst(dev);
    return harness_role_take(inst->h, &inst->h->ioapic, inst, ops, sizeof(*ops), self, "I/O APIC");
}

static viv_status_t harness_provide_rtc(viv_dev_t *dev, const viv_rtc_ops_t *ops, void *self)
{
    HarnessInst *inst = harness_chipset_inst(dev);
    return harness_role_take(inst->h, &inst->h->rtc, inst, ops, sizeof(*ops), self, "RTC");
}

void harness_chipset_forget(Harness *h, const HarnessInst *inst)
{
    HarnessRole *roles[] = {&h->pic, &h->apic, &h->ioapic, &h->rtc, &h->pcibus, &h->intx};
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
        if (roles[i]->inst == inst) {
            *roles[i] = (HarnessRole){NULL, NULL, NULL};
        }
    }
    harness_dma_forget(h, inst);
    if (h->ferr_inst == inst) {
        h->ferr_inst = NULL;
        h->ferr_fn = NULL;
    }
    if (h->legacy_inst == inst) {
        h->legacy_inst = NULL;
    }
}

static const void *harness_role_get(const HarnessRole *role, viv_dev_t **ret_dev, void **ret_self)
{
    if (role->ops && ret_dev) {
        *ret_dev = &role->inst->dev;
    }
    if (role->ops && ret_self) {
        *ret_self = role->self;
    }
    return role->ops;
}

const viv_pic_ops_t *harness_pic(Harness *h, viv_dev_t **ret_dev, void **ret_self)
{
    return harness_role_get(&h->pic, ret_dev, ret_self);
}

const viv_apic_ops_t *harness_apic(Harness *h, viv_dev_t **ret_dev, void **ret_self)
{
    return harness_role_get(&h->apic, ret_dev, ret_self);
}

const viv_ioapic_ops_t *harness_ioapic(Harness *h, viv_dev_t **ret_dev, void **ret_self)
{
    return harness_role_get(&h->ioapic, ret_dev, ret_self);
}

const viv_rtc_ops_t *harness_rtc(Harness *h, viv_dev_t **ret_dev, void **ret_self)
{
    return harness_role_get(&h->rtc, ret_dev, ret_self);
}

const viv_pcibus_ops_t *harness_pcibus(Harness *h, viv_dev_t **ret_dev, void **ret_self)
{
    return harness_role_get(&h->pcibus, ret_dev, ret_self);
}

void harness_chipset_lock(Harness *h)
{
    harness_lock_take(h, &h->chipset_lock);
    harness_enter_bare(h);
}

void harness_chipset_unlock(Harness *h)
{
    harness_lock_drop(h, &h->chipset_lock);
    harness_leave_bare(h);
}

uint8_t harness_pic_ack(Harness *h)
{
    HARNESS_CHECK(h->pic.ops, "nobody has the PIC role");
    const viv_pic_ops_t *ops = h->pic.ops;
    harness_chipset_lock(h);
    uint8_t vector = ops->acknowledge(&h->pic.inst->dev, h->pic.self);
    harness_chipset_unlock(h);
    return vector;
}

void harness_ioapic_set(Harness *h, uint32_t gsi, uint32_t level)
{
    HARNESS_CHECK(h->ioapic.ops, "nobody has the I/O APIC role");
    const viv_ioapic_ops_t *ops = h->ioapic.ops;
    harness_chipset_lock(h);
    ops->set_irq(&h->ioapic.inst->dev, h->ioapic.self, gsi, level);
    harness_chipset_unlock(h);
}

void harness_bus_intx(Harness *h, uint32_t bus, uint32_t devfn, uint32_t pin, uint32_t level)
{
    const HarnessRole *router = h->intx.ops ? &h->intx : &h->pcibus;
    HARNESS_CHECK(router->ops, "nobody has the PCI bus role");
    const viv_pcibus_ops_t *ops = router->ops;
    harness_chipset_lock(h);
    ops->set_intx(&router->inst->dev, router->self, bus, devfn, pin, level);
    harness_chipset_unlock(h);
}

void harness_ferr(Harness *h, uint32_t level)
{
    HARNESS_CHECK(h->ferr_fn, "nobody listens to FERR#");
    harness_chipset_lock(h);
    h->ferr_fn(&h->ferr_inst->dev, h->ferr_ctx, level);
    harness_chipset_unlock(h);
}

uint8_t harness_cmos_get(Harness *h, uint32_t index)
{
    HARNESS_CHECK(index < sizeof(h->cmos), "CMOS index %u", index);
    if (!h->rtc.ops) {
        return h->cmos[index];
    }
    const viv_rtc_ops_t *ops = h->rtc.ops;
    harness_chipset_lock(h);
    uint8_t value = ops->cmos_read(&h->rtc.inst->dev, h->rtc.self, index);
    harness_chipset_unlock(h);
    return value;
}

void harness_cmos_put(Harness *h, uint32_t index, uint8_t value)
{
    HARNESS_CHECK(index < sizeof(h->cmos), "CMOS index %u", index);
    if (!h->rtc.ops) {
        h->cmos[index] = value;
        return;
    }
    const viv_rtc_ops_t *ops = h->rtc.ops;
    harness_chipset_lock(h);
    ops->cmos_write(&h->rtc.inst->dev, h->rtc.self, index, value);
    harness_chipset_unlock(h);
}

void harness_apic_accepts(Harness *h, uint32_t accepted)
{
    h->apic_accepts = accepted;
}

void harness_current_vcpu(Harness *h, uint32_t vcpu)
{
    h->current_vcpu = vcpu;
}

static void harness_chip_legacy_replacement(viv_dev_t *dev, uint32_t on)
{
    HarnessInst *inst = harness_chipset_inst(dev);
    Harness *h = harness_chipset_locked(dev, "legacy_replacement");
    if (!h->legacy_inst || h->legacy_inst == inst) {
        h->legacy_inst = on ? inst : NULL;
        harness_irq_update(h, 0);
        harness_irq_update(h, 8);
    }
}

static void harness_chip_irq_watch(viv_dev_t *dev, uint32_t irqs,
                                   void (*fn)(viv_dev_t *dev, void *ctx, uint32_t irqs), void *ctx)
{
    Harness *h = harness_chipset_inst(dev)->h;
    h->watch_inst = harness_chipset_inst(dev);
    h->watch_irqs = irqs;
    h->watch_fn = fn;
    h->watch_ctx = ctx;
}

uint32_t harness_irq_watched(Harness *h)
{
    return h->watch_irqs;
}

void harness_irq_rise(Harness *h, uint32_t irqs)
{
    if (!h->watch_inst || !(irqs & h->watch_irqs)) {
        return;
    }
    unsigned token = harness_enter(h->watch_inst);
    h->watch_fn(&h->watch_inst->dev, h->watch_ctx, irqs & h->watch_irqs);
    harness_leave(h->watch_inst, token);
}

uint32_t harness_legacy_replacement(Harness *h)
{
    return h->legacy_inst != NULL;
}

/* -- the table ------------------------------------------------------------------------------- */

static void harness_chip_lock(viv_dev_t *dev)
{
    Harness *h = harness_chipset_inst(dev)->h;
    harness_lock_take(h, &h->chipset_lock);
}

static void harness_chip_unlock(viv_dev_t *dev)
{
    Harness *h = harness_chipset_inst(dev)->h;
    harness_lock_drop(h, &h->chipset_lock);
}

static void harness_chip_pic_intr(viv_dev_t *dev, uint32_t level)
{
    Harness *h = harness_chipset_locked(dev, "pic_intr");
    level = level != 0;
    if (h->pic_intr == level) {
        return;
    }
    h->pic_intr = level;
    harness_log_event(h, HARNESS_EV_PIC_INTR, level, 0, 0, 0, 0);
    if (h->apic.ops) {
        const viv_apic_ops_t *ops = h->apic.ops;
        for (uint32_t i = 0; i < h->cpus; i++) {
            ops->local_pin(&h->apic.inst->dev, h->apic.self, i, 0, level);
        }
    }
}

static void harness_vcpu_check(const Harness *h, uint32_t vcpu)
{
    HARNESS_CHECK(vcpu < h->cpus && vcpu < HARNESS_VCPUS, "there is no vCPU %u", vcpu);
}

static void harness_chip_cpu_intr(viv_dev_t *dev, uint32_t vcpu, uint32_t level)
{
    Harness *h = harness_chipset_locked(dev, "cpu_intr");
    harness_vcpu_check(h, vcpu);
    if (h->cpu_intr[vcpu] != (level != 0)) {
        h->cpu_intr[vcpu] = level != 0;
        harness_log_event(h, HARNESS_EV_CPU_INTR, vcpu, level != 0, 0, 0, 0);
    }
}

static void harness_chip_cpu_extint(viv_dev_t *dev, uint32_t vcpu, uint32_t level)
{
    Harness *h = harness_chipset_locked(dev, "cpu_extint");
    harness_vcpu_check(h, vcpu);
    if (h->cpu_extint[vcpu] != (level != 0)) {
        h->cpu_extint[vcpu] = level != 0;
        harness_log_event(h, HARNESS_EV_CPU_EXTINT, vcpu, level != 0, 0, 0, 0);
    }
}

static void harness_chip_cpu_nmi(viv_dev_t *dev, uint32_t vcpu)
{
    Harness *h = harness_chipset_locked(dev, "cpu_nmi");
    harness_vcpu_check(h, vcpu);
    harness_log_event(h, HARNESS_EV_CPU_NMI, vcpu, 0, 0, 0, 0);
}

static void harness_chip_cpu_smi(viv_dev_t *dev, uint32_t vcpu)
{
    Harness *h = harness_chipset_locked(dev, "cpu_smi");
    harness_vcpu_check(h, vcpu);
    harness_log_event(h, HARNESS_EV_CPU_SMI, vcpu, 0, 0, 0, 0);
}

static void harness_chip_cpu_init(viv_dev_t *dev, uint32_t vcpu)
{
    Harness *h = harness_chipset_locked(dev, "cpu_init");
    harness_vcpu_check(h, vcpu);
    harness_log_event(h, HARNESS_EV_CPU_INIT, vcpu, 0, 0, 0, 0);
}

static void harness_chip_cpu_sipi(viv_dev_t *dev, uint32_t vcpu, uint8_t vector)
{
    Harness *h = harness_chipset_locked(dev, "cpu_sipi");
    harness_vcpu_check(h, vcpu);
    harness_log_event(h, HARNESS_EV_CPU_SIPI, vcpu, vector, 0, 0, 0);
}

static void harness_chip_ferr_listen(viv_dev_t *dev,
                                     void (*fn)(viv_dev_t *dev, void *ctx, uint32_t level),
                                     void *ctx)
{
    HarnessInst *inst = harness_chipset_inst(dev);
    HARNESS_CHECK(!inst->h->ferr_fn || !fn || inst->h->ferr_inst == inst,
                  "two devices listen to FERR#");
    inst->h->ferr_inst = inst;
    inst->h->ferr_fn = fn;
    inst->h->ferr_ctx = ctx;
}

static void harness_chip_ignne_set(viv_dev_t *dev, uint32_t level)
{
    Harness *h = harness_chipset_inst(dev)->h;
    if (h->ignne != (level != 0)) {
        h->ignne = level != 0;
        harness_log_event(h, HARNESS_EV_IGNNE, h->ignne, 0, 0, 0, 0);
    }
}

static uint32_t harness_chip_apic_deliver(viv_dev_t *dev, uint32_t dest, uint32_t dest_logical,
                                          uint32_t delivery_mode, uint32_t vector,
                                          uint32_t level_triggered)
{
    Harness *h = harness_chipset_locked(dev, "apic_deliver");
    harness_log_event(h, HARNESS_EV_APIC_DELIVER, dest, dest_logical, delivery_mode, vector,
                      level_triggered);
    if (h->apic.ops) {
        const viv_apic_ops_t *ops = h->apic.ops;
        return ops->deliver(&h->apic.inst->dev, h->apic.self, dest, dest_logical, delivery_mode,
                            vector, level_triggered);
    }
    return h->apic_accepts;
}

static void harness_chip_ioapic_eoi(viv_dev_t *dev, uint32_t vector)
{
    Harness *h = harness_chipset_locked(dev, "ioapic_eoi");
    harness_log_event(h, HARNESS_EV_IOAPIC_EOI, vector, 0, 0, 0, 0);
    if (h->ioapic.ops) {
        const viv_ioapic_ops_t *ops = h->ioapic.ops;
        ops->broadcast_eoi(&h->ioapic.inst->dev, h->ioapic.self, vector);
    }
}

static void harness_chip_gsi_set(viv_dev_t *dev, uint32_t gsi, uint32_t level)
{
    Harness *h = harness_chipset_locked(dev, "gsi_set");
    HARNESS_CHECK(gsi < HARNESS_GSIS, "gsi %u", gsi);
    if ((h->gsi_levels >> gsi & 1) != (level != 0)) {
        h->gsi_levels ^= 1ull << gsi;
        harness_log_event(h, HARNESS_EV_GSI, gsi, level != 0, 0, 0, 0);
        if (h->ioapic.ops) {
            const viv_ioapic_ops_t *ops = h->ioapic.ops;
            ops->set_irq(&h->ioapic.inst->dev, h->ioapic.self, gsi, level != 0);
        }
    }
}

static void harness_chip_pic_irq_set(viv_dev_t *dev, uint32_t irq, uint32_t level)
{
    Harness *h = harness_chipset_locked(dev, "pic_irq_set");
    HARNESS_CHECK(irq < HARNESS_IRQS, "irq %u", irq);
    if ((h->pic_irq_levels >> irq & 1) != (level != 0)) {
        h->pic_irq_levels ^= 1u << irq;
        harness_log_event(h, HARNESS_EV_PIC_IRQ, irq, level != 0, 0, 0, 0);
        if (h->pic.ops) {
            const viv_pic_ops_t *ops = h->pic.ops;
            ops->set_irq(&h->pic.inst->dev, h->pic.self, irq, level != 0);
        }
    }
}

static uint8_t harness_chip_cmos_read(viv_dev_t *dev, uint32_t index)
{
    return harness_cmos_get(harness_chipset_inst(dev)->h, index);
}

static void harness_chip_cmos_write(viv_dev_t *dev, uint32_t index, uint8_t value)
{
    harness_cmos_put(harness_chipset_inst(dev)->h, index, value);
}

static void harness_chip_pam_set(viv_dev_t *dev, uint64_t gpa, uint64_t len_bytes,
                                 uint32_t read_ram, uint32_t write_ram)
{
    HarnessInst *inst = harness_chipset_inst(dev);
    HARNESS_CHECK(gpa >= 0xa0000 && len_bytes <= 0x60000 && gpa + len_bytes <= 0x100000,
                  "%s: PAM of %llx", inst->name, (unsigned long long)gpa);
    harness_log_event(inst->h, HARNESS_EV_PAM, gpa, len_bytes, read_ram != 0, write_ram != 0, 0);
}

static void harness_chip_a20_set(viv_dev_t *dev, uint32_t source, uint32_t enabled)
{
    HarnessInst *inst = harness_chipset_inst(dev);
    HARNESS_CHECK(source < 2, "%s: A20 source %u", inst->name, source);
    uint32_t now = (inst->h->a20_sources & ~(1u << source)) | (uint32_t)(enabled != 0) << source;
    if (now != inst->h->a20_sources) {
        inst->h->a20_sources = now;
        harness_log_event(inst->h, HARNESS_EV_A20, source, enabled != 0, 0, 0, 0);
    }
}

static uint32_t harness_chip_a20_get(viv_dev_t *dev)
{
    return harness_chipset_inst(dev)->h->a20_sources != 0;
}

/* -- NMI ------------------------------------------------------------------------------------- */

void harness_nmi_update(Harness *h)
{
    uint32_t level = h->nmi_external;
    for (int i = 0; i < HARNESS_MAX_INSTANCES; i++) {
        level |= h->inst[i] ? h->inst[i]->nmi_level : 0;
    }
    level = level && !h->nmi_masked;
    if (level == h->nmi_level) {
        return;
    }
    h->nmi_level = level;
    harness_log_event(h, HARNESS_EV_NMI_LINE, level, 0, 0, 0, 0);
    const viv_apic_ops_t *ops = h->apic.ops;
    for (uint32_t i = 0; ops && i < h->cpus && !h->muted; i++) {
        ops->local_pin(&h->apic.inst->dev, h->apic.self, i, 1, level);
    }
}

static void harness_chip_nmi_set(viv_dev_t *dev, uint32_t level)
{
    Harness *h = harness_chipset_locked(dev, "nmi_set");
    harness_chipset_inst(dev)->nmi_level = level != 0;
    harness_nmi_update(h);
}

static void harness_chip_nmi_mask(viv_dev_t *dev, uint32_t masked)
{
    Harness *h = harness_chipset_locked(dev, "nmi_mask");
    if (h->nmi_masked != (masked != 0)) {
        h->nmi_masked = masked != 0;
        harness_log_event(h, HARNESS_EV_NMI_MASK, h->nmi_masked, 0, 0, 0, 0);
    }
    harness_nmi_update(h);
}

void harness_nmi_drive(Harness *h, uint32_t level)
{
    harness_chipset_lock(h);
    h->nmi_external = level != 0;
    harness_nmi_update(h);
    harness_chipset_unlock(h);
}

uint32_t harness_nmi_level(Harness *h)
{
    return h->nmi_level;
}

uint32_t harness_nmi_masked(Harness *h)
{
    return h->nmi_masked;
}

/* -- time-stamp counter ---------------------------------------------------------------------- */

static uint64_t harness_muldiv(uint64_t a, uint64_t mul, uint64_t div)
{
    return (uint64_t)((unsigned __int128)a * mul / div);
}

static uint64_t harness_chip_tsc_read(viv_dev_t *dev, uint32_t vcpu)
{
    Harness *h = harness_chipset_inst(dev)->h;
    harness_vcpu_check(h, vcpu);
    return h->tsc_offset + harness_muldiv(h->now_ns, h->cpu_hz, 1000000000u);
}

static uint64_t harness_chip_tsc_to_time_ns(viv_dev_t *dev, uint32_t vcpu, uint64_t tsc)
{
    Harness *h = harness_chipset_inst(dev)->h;
    harness_vcpu_check(h, vcpu);
    uint64_t ticks = tsc - h->tsc_offset;
    if ((int64_t)ticks < 0) {
        return 0; /* before the clock began */
    }
    unsigned __int128 ns = ((unsigned __int128)ticks * 1000000000u + h->cpu_hz - 1) / h->cpu_hz;
    return ns > UINT64_MAX ? UINT64_MAX : (uint64_t)ns;
}

void harness_tsc_set(Harness *h, uint64_t value)
{
    const viv_apic_ops_t *ops = h->apic.ops;
    harness_chipset_lock(h);
    h->tsc_offset = value - harness_muldiv(h->now_ns, h->cpu_hz, 1000000000u);
    if (ops) {
        ops->tsc_changed(&h->apic.inst->dev, h->apic.self);
    }
    harness_chipset_unlock(h);
}

static uint32_t harness_chip_current_vcpu(viv_dev_t *dev)
{
    return harness_chipset_inst(dev)->h->current_vcpu;
}

const viv_chipset_api_t harness_chipset_api = {
    .size = sizeof(viv_chipset_api_t),
    .provide_pic = harness_provide_pic,
    .provide_apic = harness_provide_apic,
    .provide_ioapic = harness_provide_ioapic,
    .provide_rtc = harness_provide_rtc,
    .lock = harness_chip_lock,
    .unlock = harness_chip_unlock,
    .pic_intr = harness_chip_pic_intr,
    .cpu_intr = harness_chip_cpu_intr,
    .cpu_extint = harness_chip_cpu_extint,
    .cpu_nmi = harness_chip_cpu_nmi,
    .cpu_smi = harness_chip_cpu_smi,
    .cpu_init = harness_chip_cpu_init,
    .cpu_sipi = harness_chip_cpu_sipi,
    .ferr_listen = harness_chip_ferr_listen,
    .ignne_set = harness_chip_ignne_set,
    .apic_deliver = harness_chip_apic_deliver,
    .ioapic_eoi = harness_chip_ioapic_eoi,
    .gsi_set = harness_chip_gsi_set,
    .pic_irq_set = harness_chip_pic_irq_set,
    .cmos_read = harness_chip_cmos_read,
    .cmos_write = harness_chip_cmos_write,
    .pam_set = harness_chip_pam_set,
    .a20_set = harness_chip_a20_set,
    .a20_get = harness_chip_a20_get,
    .tsc_read = harness_chip_tsc_read,
    .tsc_to_time_ns = harness_chip_tsc_to_time_ns,
    .current_vcpu = harness_chip_current_vcpu,
    .nmi_set = harness_chip_nmi_set,
    .nmi_mask = harness_chip_nmi_mask,
    .legacy_replacement = harness_chip_legacy_replacement,
    .irq_watch = harness_chip_irq_watch,
};

/* -- levels for tests ------------------------------------------------------------------------ */

uint32_t harness_gsi_level(Harness *h, uint32_t gsi)
{
    return h->gsi_levels >> gsi & 1;
}

uint32_t harness_pic_irq_level(Harness *h, uint32_t irq)
{
    return h->pic_irq_levels >> irq & 1;
}

uint32_t harness_pic_intr_level(Harness *h)
{
    return h->pic_intr;
}

uint32_t harness_cpu_intr_level(Harness *h, uint32_t vcpu)
{
    harness_vcpu_check(h, vcpu);
    return h->cpu_intr[vcpu];
}

uint32_t harness_cpu_extint_level(Harness *h, uint32_t vcpu)
{
    harness_vcpu_check(h, vcpu);
    return h->cpu_extint[vcpu];
}

uint32_t harness_a20(Harness *h)
{
    return h->a20_sources != 0;
}

uint32_t harness_ignne(Harness *h)
{
    return h->ignne;
}
