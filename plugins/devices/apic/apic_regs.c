/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* apic: the register file, seen as MMIO (xAPIC) and as MSRs 800h-83Fh (x2APIC), and IA32_APIC_BASE.
 * Follows the Intel SDM volume 3A, 11.4 and 11.12. */
#include "apic_priv.h"

#define APIC_MSR_TSC_DEADLINE 0x6e0u
#define APIC_MSR_X2_FIRST     0x800u
#define APIC_MSR_X2_LAST      0x8ffu
#define APIC_X2_ICR_RESERVED  0xfff32000u /* of the low half; bit 12 is ignored */

/* LVT entry of a register, or APIC_LVT_COUNT. */
static uint32_t apic_reg_lvt(uint32_t reg)
{
    switch (reg) {
    case APIC_REG_LVT_CMCI: return APIC_LVT_CMCI;
    case APIC_REG_LVT_TIMER: return APIC_LVT_TIMER;
    case APIC_REG_LVT_THERMAL: return APIC_LVT_THERMAL;
    case APIC_REG_LVT_PERF: return APIC_LVT_PERF;
    case APIC_REG_LVT_LINT0: return APIC_LVT_LINT0;
    case APIC_REG_LVT_LINT1: return APIC_LVT_LINT1;
    case APIC_REG_LVT_ERROR: return APIC_LVT_ERROR;
    default: return APIC_LVT_COUNT;
    }
}

/* Registers that both modes have and that read the same. Returns 0 if there is none of that number.
 * */
static int apic_reg_read_common(const ApicCpu *cpu, uint32_t reg, uint32_t *ret_value)
{
    uint32_t lvt = apic_reg_lvt(reg);

    if (lvt < APIC_LVT_COUNT)
        *ret_value = cpu->lvt[lvt];
    else if (reg >= APIC_REG_ISR0 && reg < APIC_REG_ISR0 + 8)
        *ret_value = cpu->isr[reg - APIC_REG_ISR0];
    else if (reg >= APIC_REG_TMR0 && reg < APIC_REG_TMR0 + 8)
        *ret_value = cpu->tmr[reg - APIC_REG_TMR0];
    else if (reg >= APIC_REG_IRR0 && reg < APIC_REG_IRR0 + 8)
        *ret_value = cpu->irr[reg - APIC_REG_IRR0];
    else {
        switch (reg) {
        case APIC_REG_VERSION: *ret_value = APIC_VERSION; break;
        case APIC_REG_TPR: *ret_value = cpu->tpr; break;
        case APIC_REG_PPR: *ret_value = apic_ppr(cpu); break;
        case APIC_REG_LDR: *ret_value = cpu->ldr; break;
        case APIC_REG_SVR: *ret_value = cpu->svr; break;
        case APIC_REG_ESR: *ret_value = cpu->esr; break;
        case APIC_REG_ICR_LO: *ret_value = cpu->icr_lo; break;
        case APIC_REG_TIMER_INITIAL: *ret_value = cpu->timer_initial; break;
        case APIC_REG_TIMER_CURRENT: *ret_value = apic_timer_current(cpu); break;
        case APIC_REG_TIMER_DIVIDE: *ret_value = cpu->timer_divide; break;
        default: return 0;
        }
    }
    return 1;
}

/* Likewise for writing. */
static int apic_reg_write_common(ApicCpu *cpu, uint32_t reg, uint32_t value)
{
    uint32_t lvt = apic_reg_lvt(reg);

    if (lvt < APIC_LVT_COUNT) {
        apic_lvt_write(cpu, lvt, value);
        return 1;
    }
    switch (reg) {
    case APIC_REG_TPR:
        cpu->tpr = value & 0xffu;
        apic_update(cpu);
        return 1;
    case APIC_REG_EOI: apic_eoi(cpu); return 1;
    case APIC_REG_SVR: apic_svr_write(cpu, value); return 1;
    case APIC_REG_ESR: /* shows what has come since the last write */
        cpu->esr = cpu->esr_pending;
        cpu->esr_pending = 0;
        return 1;
    case APIC_REG_TIMER_INITIAL: apic_timer_initial_write(cpu, value); return 1;
    case APIC_REG_TIMER_DIVIDE: apic_timer_divide_write(cpu, value); return 1;
    default: return 0;
    }
}

int apic_reg_read(const ApicCpu *cpu, uint32_t reg, uint32_t *ret_value)
{
    if (apic_reg_read_common(cpu, reg, ret_value))
        return 1;
    switch (reg) {
    case APIC_REG_ID: *ret_value = cpu->id << 24; return 1;
    case APIC_REG_APR: *ret_value = apic_ppr(cpu); return 1;
    case APIC_REG_EOI: *ret_value = 0; return 1;
    case APIC_REG_RRD: *ret_value = cpu->rrd; return 1;
    case APIC_REG_DFR: *ret_value = cpu->dfr; return 1;
    case APIC_REG_ICR_HI: *ret_value = cpu->icr_hi; return 1;
    default: return 0;
    }
}

/* -- xAPIC ----------------------------------------------------------------------------------- */

/* [emt] The calling vCPU's APIC if it answers at that page, or NULL. */
static ApicCpu *apic_mmio_cpu(const ApicPage *page)
{
    Apic *apic = page->apic;
    uint32_t index = apic->chipset->current_vcpu(apic->dev);
    ApicCpu *cpu = &apic->cpu[index < apic->cpu_count ? index : 0];

    if ((cpu->base & (APIC_BASE_EN | APIC_BASE_EXTD)) != APIC_BASE_EN ||
        (cpu->base & APIC_BASE_ADDR) != page->gpa)
        return NULL;
    return cpu;
}

/* [emt, chipset lock held] Only the first dword of each 16 bytes is a register. */
uint64_t apic_mmio_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    ApicCpu *cpu = apic_mmio_cpu(ctx);
    uint32_t reg = (uint32_t)(off >> 4);
    uint32_t value = 0;
    (void)dev, (void)width;

    if (!cpu)
        return ~0ull;
    if (off & 0xf)
        return 0;
    if (!apic_reg_read(cpu, reg, &value))
        apic_error(cpu, APIC_ESR_REGISTER);
    return value;
}

/* [emt, chipset lock held] */
void apic_mmio_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value, uint32_t width)
{
    ApicCpu *cpu = apic_mmio_cpu(ctx);
    uint32_t reg = (uint32_t)(off >> 4);
    uint32_t v = (uint32_t)value;
    uint32_t ignored;
    (void)dev, (void)width;

    if (!cpu || off & 0xf || apic_reg_write_common(cpu, reg, v))
        return;
    switch (reg) {
    case APIC_REG_LDR: cpu->ldr = v & 0xff000000u; break;
    case APIC_REG_DFR: cpu->dfr = v | 0x0fffffffu; break;
    case APIC_REG_ICR_LO:
        cpu->icr_lo = v & 0x000ccfffu; /* not the delivery and remote read status */
        apic_icr_send(cpu, cpu->icr_lo, cpu->icr_hi >> 24);
        break;
    case APIC_REG_ICR_HI: cpu->icr_hi = v & 0xff000000u; break;
    case APIC_REG_ID: cpu->id = v >> 24; break; /* AMD's can be written, current Intel's not */
    case APIC_REG_APR:
    case APIC_REG_RRD: break;
    default:
        if (!apic_reg_read_common(cpu, reg, &ignored)) /* read-only ones are no error */
            apic_error(cpu, APIC_ESR_REGISTER);
        break;
    }
}

/* -- x2APIC ---------------------------------------------------------------------------------- */

viv_status_t apic_msr_read(viv_dev_t *dev, void *self, uint32_t vcpu, uint32_t msr,
                           uint64_t *ret_value)
{
    Apic *apic = self;
    uint32_t value = 0;
    (void)dev;

    if (vcpu >= apic->cpu_count)
        return VIV_E_NOT_FOUND;
    const ApicCpu *cpu = &apic->cpu[vcpu];
    if (msr == APIC_MSR_TSC_DEADLINE) {
        *ret_value = apic_timer_deadline_read(cpu);
        return VIV_OK;
    }
    if (msr < APIC_MSR_X2_FIRST || msr > APIC_MSR_X2_LAST || !apic_is_x2(cpu))
        return VIV_E_NOT_FOUND;
    switch (msr - APIC_MSR_X2_FIRST) {
    case APIC_REG_ID: *ret_value = cpu->index; return VIV_OK;
    case APIC_REG_ICR_LO: *ret_value = (uint64_t)cpu->icr_hi << 32 | cpu->icr_lo; return VIV_OK;
    default:
        if (!apic_reg_read_common(cpu, msr - APIC_MSR_X2_FIRST, &value))
            return VIV_E_NOT_FOUND;
        *ret_value = value;
        return VIV_OK;
    }
}

/* The bits of a register that may be one in a write; delivery status and, of the pins' entries,
 * remote IRR are read-only, not reserved. Returns 0 if the register does not take writes at all. */
static int apic_x2_write_mask(uint32_t reg, uint64_t *ret_mask)
{
    uint32_t lvt = apic_reg_lvt(reg);

    if (lvt < APIC_LVT_COUNT) {
        int is_pin = lvt == APIC_LVT_LINT0 || lvt == APIC_LVT_LINT1;
        *ret_mask = apic_lvt_wmask(lvt) | 0x1000u | (is_pin ? APIC_LVT_REMOTE_IRR : 0);
        return 1;
    }
    switch (reg) {
    case APIC_REG_TPR: *ret_mask = 0xff; return 1;
    case APIC_REG_EOI: *ret_mask = 0; return 1;
    case APIC_REG_SVR: *ret_mask = APIC_SVR_WMASK; return 1;
    case APIC_REG_ESR: *ret_mask = 0; return 1;
    case APIC_REG_ICR_LO:
        *ret_mask = 0xffffffff00000000ull | (uint32_t)~APIC_X2_ICR_RESERVED;
        return 1;
    case APIC_REG_TIMER_INITIAL: *ret_mask = 0xffffffffu; return 1;
    case APIC_REG_TIMER_DIVIDE: *ret_mask = 0xb; return 1;
    case APIC_REG_SELF_IPI: *ret_mask = 0xff; return 1;
    default: return 0;
    }
}

viv_status_t apic_msr_write(viv_dev_t *dev, void *self, uint32_t vcpu, uint32_t msr, uint64_t value)
{
    Apic *apic = self;
    uint64_t mask;
    (void)dev;

    if (vcpu >= apic->cpu_count)
        return VIV_E_NOT_FOUND;
    ApicCpu *cpu = &apic->cpu[vcpu];
    if (msr == APIC_MSR_TSC_DEADLINE) {
        apic_timer_deadline_write(cpu, value);
        return VIV_OK;
    }
    if (msr < APIC_MSR_X2_FIRST || msr > APIC_MSR_X2_LAST || !apic_is_x2(cpu))
        return VIV_E_NOT_FOUND;
    uint32_t reg = msr - APIC_MSR_X2_FIRST;
    if (!apic_x2_write_mask(reg, &mask) || value & ~mask)
        return VIV_E_NOT_FOUND;
    switch (reg) {
    case APIC_REG_ICR_LO:
        cpu->icr_lo = (uint32_t)value & ~0x1000u;
        cpu->icr_hi = (uint32_t)(value >> 32);
        apic_icr_send(cpu, cpu->icr_lo, cpu->icr_hi);
        break;
    case APIC_REG_SELF_IPI:
        if (value < 16)
            apic_error(cpu, APIC_ESR_SEND_VECTOR);
        else
            apic_accept(cpu, (uint32_t)value, 0);
        break;
    default: apic_reg_write_common(cpu, reg, (uint32_t)value); break;
    }
    return VIV_OK;
}

/* -- reset and IA32_APIC_BASE ---------------------------------------------------------------- */

/* x2APIC: the logical id follows from the id (11.12.10.2). */
uint32_t apic_x2_ldr(const ApicCpu *cpu)
{
    return cpu->index >> 4 << 16 | 1u << (cpu->index & 0xf);
}

/* Registers as after reset or INIT; IA32_APIC_BASE and the pins stay. */
void apic_regs_reset(ApicCpu *cpu)
{
    cpu->tpr = 0;
    cpu->ldr = apic_is_x2(cpu) ? apic_x2_ldr(cpu) : 0;
    cpu->dfr = 0xffffffffu;
    cpu->svr = 0xff;
    cpu->esr = cpu->esr_pending = 0;
    cpu->icr_lo = cpu->icr_hi = 0;
    for (uint32_t i = 0; i < 8; i++)
        cpu->isr[i] = cpu->irr[i] = cpu->tmr[i] = 0;
    for (uint32_t i = 0; i < APIC_LVT_COUNT; i++)
        cpu->lvt[i] = APIC_LVT_MASKED;
    if (cpu->apic->virtual_wire && cpu->base & APIC_BASE_BSP) {
        cpu->lvt[APIC_LVT_LINT0] = VIV_APIC_DELIVERY_EXTINT << 8;
        cpu->lvt[APIC_LVT_LINT1] = VIV_APIC_DELIVERY_NMI << 8;
    }
    cpu->ext_message = 0;
    apic_timer_reset(cpu);
    apic_update(cpu);
    apic_ext_update(cpu);
}

viv_status_t apic_base_write(ApicCpu *cpu, uint64_t value)
{
    const uint64_t mode_bits = APIC_BASE_EN | APIC_BASE_EXTD;
    uint64_t old = cpu->base;

    if (value & ~(APIC_BASE_ADDR | mode_bits | APIC_BASE_BSP))
        return VIV_E_INVALID;
    if (value & APIC_BASE_EXTD && (!(value & APIC_BASE_EN) || cpu->apic->mode < 3))
        return VIV_E_INVALID;
    if (value & APIC_BASE_EXTD && !(old & APIC_BASE_EN)) /* from off: xAPIC comes first */
        return VIV_E_INVALID;
    if (apic_is_x2(cpu) && (value & mode_bits) == APIC_BASE_EN) /* and back goes through off */
        return VIV_E_INVALID;

    cpu->base = value;
    viv_status_t st = apic_pages_sync(cpu->apic);
    if (st != VIV_OK) {
        cpu->base = old;
        return VIV_E_INVALID;
    }
    if ((value & mode_bits) == mode_bits && (old & mode_bits) != mode_bits)
        cpu->ldr = apic_x2_ldr(cpu);
    if (old & APIC_BASE_EN && !(value & APIC_BASE_EN)) {
        cpu->id = cpu->index;
        apic_regs_reset(cpu);
    }
    apic_update(cpu);
    apic_ext_update(cpu);
    return VIV_OK;
}
