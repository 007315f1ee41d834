/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PDM: interrupt lines, the roles that make a PC, A20 and memory control. Invariant: a line's level
 * is the or of what every device drives; controllers hear of changes only, under the chipset
 * lock. */
#include <string.h>

#include "log/log.h"
#include "pdm/pdm_internal.h"

#define PDM_MSR_APIC_BASE    0x1bu
#define PDM_MSR_TSC_DEADLINE 0x6e0u
#define PDM_A20_BOOT         31u /* the source that a boot without firmware uses */

static Pdm *pdm_of(viv_dev_t *dev)
{
    return pdm_dev(dev)->pdm;
}

void pdm_chipset_lock(Pdm *pdm)
{
    g_rec_mutex_lock(&pdm->chipset);
}

void pdm_chipset_unlock(Pdm *pdm)
{
    g_rec_mutex_unlock(&pdm->chipset);
}

/* -- taking roles ---------------------------------------------------------------------------- */

static viv_status_t pdm_provide(viv_dev_t *dev, PdmRole *role, const char *what, const void *ops,
                                void *self)
{
    if (role->device) {
        return dev->api->fail(dev, VIV_E_EXISTS, "the machine has %s already: %s", what,
                              role->device->name);
    }
    *role = (PdmRole){pdm_dev(dev), ops, self};
    return VIV_OK;
}

static viv_status_t pdm_provide_pic(viv_dev_t *dev, const viv_pic_ops_t *ops, void *self)
{
    return pdm_provide(dev, &pdm_of(dev)->pic, "a PIC", ops, self);
}

static viv_status_t pdm_provide_apic(viv_dev_t *dev, const viv_apic_ops_t *ops, void *self)
{
    return pdm_provide(dev, &pdm_of(dev)->apic, "local APICs", ops, self);
}

static viv_status_t pdm_provide_ioapic(viv_dev_t *dev, const viv_ioapic_ops_t *ops, void *self)
{
    return pdm_provide(dev, &pdm_of(dev)->ioapic, "an I/O APIC", ops, self);
}

static viv_status_t pdm_provide_rtc(viv_dev_t *dev, const viv_rtc_ops_t *ops, void *self)
{
    return pdm_provide(dev, &pdm_of(dev)->rtc, "an RTC", ops, self);
}

/* -- lines ----------------------------------------------------------------------------------- */

typedef enum PdmLines { PDM_ISA, PDM_PIC, PDM_GSI } PdmLines;

#define PDM_LEGACY_LINES 0x101u /* what the HPET takes from PIT and RTC */

static void pdm_line_levels(Pdm *pdm, uint32_t *ret_pic, uint32_t *ret_gsi)
{
    uint32_t pic = 0, gsi = 0;
    for (guint i = 0; i < pdm->devices->len; i++) {
        const PdmDevice *device = g_ptr_array_index(pdm->devices, i);
        uint32_t isa = device->isa_lines;
        if (pdm->legacy && pdm->legacy != device) {
            isa &= ~PDM_LEGACY_LINES;
        }
        pic |= isa | device->pic_lines;
        /* IRQ 0 is wired to input 2; input 0 is the PIC's (ExtINT), IRQ 2 does not exist. */
        gsi |= (isa & ~7u) | (isa & 2u) | ((isa & 1u) << 2) | device->gsi_lines;
    }
    *ret_pic = pic;
    *ret_gsi = gsi;
}

/* Tells the controllers what differs from the levels that were. */
static void pdm_line_tell(Pdm *pdm, uint32_t old_pic, uint32_t old_gsi)
{
    uint32_t new_pic, new_gsi;
    pdm_line_levels(pdm, &new_pic, &new_gsi);
    for (uint32_t change = old_pic ^ new_pic; change && pdm->pic.device; change &= change - 1) {
        uint32_t irq = (uint32_t)__builtin_ctz(change);
        PDM_CALL(pdm->pic, viv_pic_ops_t, set_irq, irq, (new_pic >> irq) & 1);
    }
    for (uint32_t change = old_gsi ^ new_gsi; change && pdm->ioapic.device; change &= change - 1) {
        uint32_t gsi = (uint32_t)__builtin_ctz(change);
        PDM_CALL(pdm->ioapic, viv_ioapic_ops_t, set_irq, gsi, (new_gsi >> gsi) & 1);
    }
}

/* [chipset lock held] */
static void pdm_line_set(PdmDevice *device, PdmLines lines, uint32_t line, uint32_t level)
{
    Pdm *pdm = device->pdm;
    uint32_t *mask = lines == PDM_ISA   ? &device->isa_lines
                     : lines == PDM_PIC ? &device->pic_lines
                                        : &device->gsi_lines;
    uint32_t bit = UINT32_C(1) << line;
    uint32_t wanted = level ? *mask | bit : *mask & ~bit;
    if (wanted == *mask) {
        return;
    }
    uint32_t old_pic, old_gsi;
    pdm_line_levels(pdm, &old_pic, &old_gsi);
    *mask = wanted;
    pdm_line_tell(pdm, old_pic, old_gsi);
}

/* -- who watches lines ----------------------------------------------------------------------- */

/* [emt 0, the watcher's lock held] */
static void pdm_watch_tell(viv_dev_t *dev, void *ctx)
{
    struct PdmIrqWatch *watch = ctx;
    pdm_chipset_lock(pdm_of(dev));
    uint32_t irqs = watch->risen;
    watch->risen = 0;
    pdm_chipset_unlock(pdm_of(dev));
    if (irqs && watch->fn) {
        watch->fn(dev, watch->ctx, irqs);
    }
}

/* [chipset lock held] One call is under way while `risen` is not empty. */
static void pdm_watch_risen(Pdm *pdm, uint32_t irqs)
{
    struct PdmIrqWatch *watch = &pdm->irq_watch;
    uint32_t old = watch->risen;
    irqs &= watch->irqs;
    watch->risen |= irqs;
    if (irqs && !old) {
        pdm_queue_api.post(&watch->device->pub, pdm_watch_tell, watch);
    }
}

static void pdm_irq_watch(viv_dev_t *dev, uint32_t irqs,
                          void (*fn)(viv_dev_t *dev, void *ctx, uint32_t irqs), void *ctx)
{
    struct PdmIrqWatch *watch = &pdm_of(dev)->irq_watch;
    watch->risen &= watch->device == pdm_dev(dev) ? irqs : 0;
    watch->device = pdm_dev(dev);
    watch->irqs = irqs & 0xffffu;
    watch->fn = fn;
    watch->ctx = ctx;
}

static void pdm_legacy_replacement(viv_dev_t *dev, uint32_t on)
{
    PdmDevice *device = pdm_dev(dev);
    Pdm *pdm = device->pdm;
    if (pdm->legacy && pdm->legacy != device) {
        return;
    }
    uint32_t old_pic, old_gsi;
    pdm_line_levels(pdm, &old_pic, &old_gsi);
    pdm->legacy = on ? device : NULL;
    pdm_line_tell(pdm, old_pic, old_gsi);
}

void pdm_irq_set(viv_dev_t *dev, uint32_t irq, uint32_t level)
{
    Pdm *pdm = pdm_of(dev);
    if (irq < 16) {
        pdm_chipset_lock(pdm);
        if (level && !(pdm_dev(dev)->isa_lines >> irq & 1) && !pdm->loading &&
            pdm->legacy != pdm_dev(dev)) {
            pdm_watch_risen(pdm, UINT32_C(1) << irq);
        }
        pdm_line_set(pdm_dev(dev), PDM_ISA, irq, level);
        pdm_chipset_unlock(pdm);
    }
}

static void pdm_pic_irq_set(viv_dev_t *dev, uint32_t irq, uint32_t level)
{
    if (irq < 16) {
        pdm_line_set(pdm_dev(dev), PDM_PIC, irq, level);
    }
}

static void pdm_gsi_set(viv_dev_t *dev, uint32_t gsi, uint32_t level)
{
    if (gsi < 32) {
        pdm_line_set(pdm_dev(dev), PDM_GSI, gsi, level);
    }
}

void pdm_lines_clear(Pdm *pdm)
{
    for (guint i = 0; i < pdm->devices->len; i++) {
        PdmDevice *device = g_ptr_array_index(pdm->devices, i);
        device->isa_lines = device->pic_lines = device->gsi_lines = 0;
    }
    pdm->legacy = NULL;
    pdm_nmi_clear(pdm);
    trpm_lines_clear(pdm->vm->trpm);
}

void pdm_irq_clear_all(Pdm *pdm)
{
    pdm_lines_clear(pdm);
    trpm_reset(pdm->vm->trpm);
}

/* -- towards the CPUs ------------------------------------------------------------------------ */

static void pdm_pic_intr(viv_dev_t *dev, uint32_t level)
{
    Pdm *pdm = pdm_of(dev);
    if (!pdm->apic.device) {
        trpm_set_extint(pdm->vm->trpm, 0, level);
        return;
    }
    for (uint32_t i = 0; i < em_vcpu_count(pdm->vm->em); i++) {
        PDM_CALL(pdm->apic, viv_apic_ops_t, local_pin, i, 0, level);
    }
    if (pdm->ioapic.device) { /* and to input 0, for an ExtINT entry */
        PDM_CALL(pdm->ioapic, viv_ioapic_ops_t, set_irq, 0, level);
    }
}

static void pdm_cpu_intr(viv_dev_t *dev, uint32_t vcpu, uint32_t level)
{
    trpm_set_apic(pdm_of(dev)->vm->trpm, vcpu, level);
}

static void pdm_cpu_extint(viv_dev_t *dev, uint32_t vcpu, uint32_t level)
{
    trpm_set_extint(pdm_of(dev)->vm->trpm, vcpu, level);
}

static void pdm_cpu_smi(viv_dev_t *dev, uint32_t vcpu)
{
    dev->api->log(dev, VIV_LOG_DEBUG, "SMI for vCPU %u: no SMM, ignored", vcpu);
}

static void pdm_init_on_emt(Vm *vm, void *ctx)
{
    uint32_t vcpu = GPOINTER_TO_UINT(ctx);
    viv_vcpu_t *v = em_vcpu(vm->em, vcpu);
    cpum_init(vm->cpum, v->cpu);
    em_engine(vm->em)->state_loaded(v->engine_self);
    pdm_vcpu_init(vm->pdm, vcpu);
}

static void pdm_cpu_init(viv_dev_t *dev, uint32_t vcpu)
{
    Vm *vm = pdm_of(dev)->vm;
    if (vcpu < em_vcpu_count(vm->em)) {
        em_post(vm->em, vcpu, pdm_init_on_emt, GUINT_TO_POINTER(vcpu));
    }
}

static void pdm_sipi_on_emt(Vm *vm, void *ctx)
{
    uint32_t word = GPOINTER_TO_UINT(ctx), vector = word & 0xff;
    viv_vcpu_t *v = em_vcpu(vm->em, word >> 8);
    if (v->cpu->activity != VIV_ACT_WAIT_SIPI) {
        return;
    }
    v->cpu->seg[VIV_SEG_CS].sel = (uint16_t)(vector << 8);
    v->cpu->seg[VIV_SEG_CS].base = (uint64_t)vector << 12;
    v->cpu->rip = 0;
    v->cpu->activity = VIV_ACT_RUNNING;
    em_engine(vm->em)->state_loaded(v->engine_self);
}

static void pdm_cpu_sipi(viv_dev_t *dev, uint32_t vcpu, uint8_t vector)
{
    Vm *vm = pdm_of(dev)->vm;
    if (vcpu < em_vcpu_count(vm->em)) {
        em_post(vm->em, vcpu, pdm_sipi_on_emt, GUINT_TO_POINTER((vcpu << 8) | vector));
    }
}

static void pdm_ferr_listen(viv_dev_t *dev, void (*fn)(viv_dev_t *dev, void *ctx, uint32_t level),
                            void *ctx)
{
    Pdm *pdm = pdm_of(dev);
    pdm->ferr_dev = dev;
    pdm->ferr_fn = fn;
    pdm->ferr_ctx = ctx;
}

static void pdm_ignne_set(viv_dev_t *dev, uint32_t level)
{
    __atomic_store_n(&pdm_of(dev)->ignne, level, __ATOMIC_RELAXED);
}

void pdm_ferr(Pdm *pdm, uint32_t level)
{
    if (pdm->ferr_fn) {
        PdmDevice *device = pdm_dev(pdm->ferr_dev);
        g_rec_mutex_lock(device->lock);
        pdm->ferr_fn(pdm->ferr_dev, pdm->ferr_ctx, level);
        g_rec_mutex_unlock(device->lock);
    }
}

uint32_t pdm_ignne(const Pdm *pdm)
{
    return __atomic_load_n(&pdm->ignne, __ATOMIC_RELAXED);
}

/* -- between roles --------------------------------------------------------------------------- */

static uint32_t pdm_apic_deliver(viv_dev_t *dev, uint32_t dest, uint32_t dest_logical,
                                 uint32_t delivery_mode, uint32_t vector, uint32_t level_triggered)
{
    Pdm *pdm = pdm_of(dev);
    return pdm->apic.device ? PDM_CALL(pdm->apic, viv_apic_ops_t, deliver, dest, dest_logical,
                                       delivery_mode, vector, level_triggered)
                            : 0;
}

uint32_t pdm_apic_message(Pdm *pdm, const PciApicMessage *msg)
{
    uint32_t accepted = 0;
    pdm_chipset_lock(pdm);
    if (msg->send && pdm->apic.device) {
        accepted = PDM_CALL(pdm->apic, viv_apic_ops_t, deliver, msg->dest, msg->logical, msg->mode,
                            msg->vector, msg->level);
    }
    pdm_chipset_unlock(pdm);
    return accepted;
}

static void pdm_ioapic_eoi(viv_dev_t *dev, uint32_t vector)
{
    Pdm *pdm = pdm_of(dev);
    if (pdm->ioapic.device) {
        PDM_CALL(pdm->ioapic, viv_ioapic_ops_t, broadcast_eoi, vector);
    }
}

static uint8_t pdm_cmos_read(viv_dev_t *dev, uint32_t index)
{
    Pdm *pdm = pdm_of(dev);
    uint8_t value = 0;
    if (pdm->rtc.device) {
        g_rec_mutex_lock(pdm->rtc.device->lock);
        value = PDM_CALL(pdm->rtc, viv_rtc_ops_t, cmos_read, index);
        g_rec_mutex_unlock(pdm->rtc.device->lock);
    }
    return value;
}

void pdm_cmos_write(Pdm *pdm, uint32_t index, uint8_t value)
{
    if (pdm->rtc.device) {
        g_rec_mutex_lock(pdm->rtc.device->lock);
        PDM_CALL(pdm->rtc, viv_rtc_ops_t, cmos_write, index, value);
        g_rec_mutex_unlock(pdm->rtc.device->lock);
    }
}

static void pdm_cmos_write_dev(viv_dev_t *dev, uint32_t index, uint8_t value)
{
    pdm_cmos_write(pdm_of(dev), index, value);
}

/* -- for TRPM and EM ------------------------------------------------------------------------- */

gboolean pdm_apic_take(Pdm *pdm, uint32_t vcpu, uint8_t *ret_vector)
{
    return pdm->apic.device && PDM_CALL(pdm->apic, viv_apic_ops_t, acknowledge, vcpu, ret_vector);
}

uint8_t pdm_pic_take(Pdm *pdm)
{
    return pdm->pic.device ? PDM_CALL(pdm->pic, viv_pic_ops_t, acknowledge) : 0xff;
}

uint64_t pdm_tpr_get(Pdm *pdm, uint32_t vcpu)
{
    uint64_t tpr = 0;
    if (pdm->apic.device) {
        pdm_chipset_lock(pdm);
        tpr = PDM_CALL(pdm->apic, viv_apic_ops_t, tpr_get, vcpu);
        pdm_chipset_unlock(pdm);
    }
    return tpr;
}

void pdm_tpr_set(Pdm *pdm, uint32_t vcpu, uint32_t tpr)
{
    if (pdm->apic.device) {
        pdm_chipset_lock(pdm);
        PDM_CALL(pdm->apic, viv_apic_ops_t, tpr_set, vcpu, tpr);
        pdm_chipset_unlock(pdm);
    }
}

static gboolean pdm_apic_msr(uint32_t msr)
{
    return msr == PDM_MSR_APIC_BASE || msr == PDM_MSR_TSC_DEADLINE ||
           (msr >= 0x800 && msr <= 0x8ff);
}

viv_status_t pdm_msr_read(Pdm *pdm, uint32_t vcpu, uint32_t msr, uint64_t *ret_value)
{
    if (!pdm_apic_msr(msr)) {
        return VIV_E_UNSUPPORTED;
    }
    if (!pdm->apic.device) {
        return VIV_E_NOT_FOUND;
    }
    viv_status_t st = VIV_OK;
    pdm_chipset_lock(pdm);
    if (msr == PDM_MSR_APIC_BASE) {
        *ret_value = PDM_CALL(pdm->apic, viv_apic_ops_t, base_get, vcpu);
    } else {
        st = PDM_CALL(pdm->apic, viv_apic_ops_t, msr_read, vcpu, msr, ret_value);
    }
    pdm_chipset_unlock(pdm);
    return st;
}

viv_status_t pdm_msr_write(Pdm *pdm, uint32_t vcpu, uint32_t msr, uint64_t value)
{
    if (!pdm_apic_msr(msr)) {
        return VIV_E_UNSUPPORTED;
    }
    if (!pdm->apic.device) {
        return VIV_E_NOT_FOUND;
    }
    pdm_chipset_lock(pdm);
    viv_status_t st = msr == PDM_MSR_APIC_BASE
                          ? PDM_CALL(pdm->apic, viv_apic_ops_t, base_set, vcpu, value)
                          : PDM_CALL(pdm->apic, viv_apic_ops_t, msr_write, vcpu, msr, value);
    pdm_chipset_unlock(pdm);
    return st ? VIV_E_NOT_FOUND : VIV_OK;
}

gboolean pdm_apic_enabled(Pdm *pdm, uint32_t vcpu)
{
    uint64_t base = 0;
    return pdm && pdm_msr_read(pdm, vcpu, PDM_MSR_APIC_BASE, &base) == VIV_OK && (base & 0x800);
}

void pdm_vcpu_init(Pdm *pdm, uint32_t vcpu)
{
    if (pdm->apic.device) {
        pdm_chipset_lock(pdm);
        PDM_CALL(pdm->apic, viv_apic_ops_t, vcpu_init, vcpu);
        pdm_chipset_unlock(pdm);
    }
}

/* -- memory control -------------------------------------------------------------------------- */

static void pdm_pam_set(viv_dev_t *dev, uint64_t gpa, uint64_t len_bytes, uint32_t read_ram,
                        uint32_t write_ram)
{
    pgm_pam_set(pdm_of(dev)->vm->pgm, gpa, len_bytes, read_ram != 0, write_ram != 0);
}

void pdm_apply_a20(Pdm *pdm)
{
    em_set_a20(pdm->vm->em, __atomic_load_n(&pdm->a20_sources, __ATOMIC_SEQ_CST) != 0);
}

static void pdm_a20_source(Pdm *pdm, uint32_t source, gboolean on)
{
    uint32_t bit = UINT32_C(1) << (source & 31);
    if (on) {
        __atomic_or_fetch(&pdm->a20_sources, bit, __ATOMIC_SEQ_CST);
    } else {
        __atomic_and_fetch(&pdm->a20_sources, ~bit, __ATOMIC_SEQ_CST);
    }
    pdm_apply_a20(pdm);
}

static void pdm_a20_set(viv_dev_t *dev, uint32_t source, uint32_t enabled)
{
    pdm_a20_source(pdm_of(dev), source, enabled != 0);
}

static uint32_t pdm_a20_get(viv_dev_t *dev)
{
    return __atomic_load_n(&pdm_of(dev)->a20_sources, __ATOMIC_SEQ_CST) != 0;
}

void pdm_boot_memory(Pdm *pdm)
{
    pgm_pam_set(pdm->vm->pgm, 0xc0000, 0x40000, TRUE, TRUE);
    pdm_a20_source(pdm, PDM_A20_BOOT, TRUE);
}

static uint64_t pdm_tsc_read(viv_dev_t *dev, uint32_t vcpu)
{
    (void)vcpu;
    return tm_tsc(pdm_of(dev)->vm->tm);
}

static uint64_t pdm_tsc_to_time_ns(viv_dev_t *dev, uint32_t vcpu, uint64_t tsc)
{
    (void)vcpu;
    return tm_tsc_to_ns(pdm_of(dev)->vm->tm, tsc);
}

static uint32_t pdm_current_vcpu(viv_dev_t *dev)
{
    int index = em_current(pdm_of(dev)->vm->em);
    return index < 0 ? 0 : (uint32_t)index;
}

static void pdm_chipset_lock_dev(viv_dev_t *dev)
{
    pdm_chipset_lock(pdm_of(dev));
}

static void pdm_chipset_unlock_dev(viv_dev_t *dev)
{
    pdm_chipset_unlock(pdm_of(dev));
}

const viv_chipset_api_t pdm_chipset_api = {
    .size = sizeof pdm_chipset_api,
    .provide_pic = pdm_provide_pic,
    .provide_apic = pdm_provide_apic,
    .provide_ioapic = pdm_provide_ioapic,
    .provide_rtc = pdm_provide_rtc,
    .lock = pdm_chipset_lock_dev,
    .unlock = pdm_chipset_unlock_dev,
    .pic_intr = pdm_pic_intr,
    .cpu_intr = pdm_cpu_intr,
    .cpu_extint = pdm_cpu_extint,
    .cpu_nmi = pdm_cpu_nmi,
    .cpu_smi = pdm_cpu_smi,
    .cpu_init = pdm_cpu_init,
    .cpu_sipi = pdm_cpu_sipi,
    .ferr_listen = pdm_ferr_listen,
    .ignne_set = pdm_ignne_set,
    .apic_deliver = pdm_apic_deliver,
    .ioapic_eoi = pdm_ioapic_eoi,
    .gsi_set = pdm_gsi_set,
    .pic_irq_set = pdm_pic_irq_set,
    .cmos_read = pdm_cmos_read,
    .cmos_write = pdm_cmos_write_dev,
    .pam_set = pdm_pam_set,
    .a20_set = pdm_a20_set,
    .a20_get = pdm_a20_get,
    .tsc_read = pdm_tsc_read,
    .tsc_to_time_ns = pdm_tsc_to_time_ns,
    .current_vcpu = pdm_current_vcpu,
    .nmi_set = pdm_nmi_set,
    .nmi_mask = pdm_nmi_mask,
    .legacy_replacement = pdm_legacy_replacement,
    .irq_watch = pdm_irq_watch,
};
