/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* apic: acceptance, priority and end of interrupts; LVT entries, local pins and errors.
 * Follows the Intel SDM volume 3A, sections 11.5 (local interrupts) and 11.8 (handling interrupts).
 * */
#include "apic_priv.h"

/* The highest vector whose bit is set, or 0 (vectors below 16 never are: invariant 2). */
static uint32_t apic_highest(const uint32_t bits[8])
{
    for (int i = 7; i >= 0; i--) {
        if (bits[i])
            return (uint32_t)i * 32 + 31 - (uint32_t)__builtin_clz(bits[i]);
    }
    return 0;
}

static void apic_bit_set(uint32_t bits[8], uint32_t vector, uint32_t on)
{
    uint32_t bit = 1u << (vector & 31);
    if (on)
        bits[vector / 32 & 7] |= bit;
    else
        bits[vector / 32 & 7] &= ~bit;
}

static uint32_t apic_bit_get(const uint32_t bits[8], uint32_t vector)
{
    return bits[vector / 32 & 7] >> (vector & 31) & 1u;
}

uint32_t apic_ppr(const ApicCpu *cpu)
{
    uint32_t in_service = apic_highest(cpu->isr) & 0xf0u;
    return (cpu->tpr & 0xf0u) >= in_service ? cpu->tpr : in_service;
}

/* A vector that may interrupt the CPU now, or 0. Software disabling keeps what is in IRR
 * deliverable (11.4.7.2). */
static uint32_t apic_deliverable(const ApicCpu *cpu)
{
    if (!(cpu->base & APIC_BASE_EN))
        return 0;
    uint32_t vector = apic_highest(cpu->irr);
    return (vector & 0xf0u) > (apic_ppr(cpu) & 0xf0u) ? vector : 0;
}

void apic_update(ApicCpu *cpu)
{
    uint8_t level = apic_deliverable(cpu) != 0;
    if (level == cpu->intr_level)
        return;
    cpu->intr_level = level;
    cpu->apic->chipset->cpu_intr(cpu->apic->dev, cpu->index, level);
}

void apic_ext_update(ApicCpu *cpu)
{
    uint32_t lvt = cpu->lvt[APIC_LVT_LINT0];
    uint8_t level;

    if (!(cpu->base & APIC_BASE_EN)) /* LINT0 is the INTR pin then */
        level = cpu->pin[0];
    else
        level = (cpu->pin[0] && !(lvt & APIC_LVT_MASKED) &&
                 APIC_LVT_MODE(lvt) == VIV_APIC_DELIVERY_EXTINT) ||
                cpu->ext_message;
    if (level == cpu->ext_level)
        return;
    cpu->ext_level = level;
    cpu->apic->chipset->cpu_extint(cpu->apic->dev, cpu->index, level);
}

uint32_t apic_accept(ApicCpu *cpu, uint32_t vector, uint32_t level_triggered)
{
    if (!(cpu->base & APIC_BASE_EN) || !(cpu->svr & APIC_SVR_ENABLE))
        return 0;
    if (vector < 16) {
        apic_error(cpu, APIC_ESR_RECEIVE_VECTOR);
        return 0;
    }
    apic_bit_set(cpu->irr, vector, 1);
    apic_bit_set(cpu->tmr, vector, level_triggered != 0);
    apic_update(cpu);
    return 1;
}

void apic_error(ApicCpu *cpu, uint32_t bits)
{
    uint32_t lvt = cpu->lvt[APIC_LVT_ERROR];
    /* One interrupt until ESR is written, which arms it again (11.5.3). */
    int armed = !cpu->esr_pending;

    cpu->apic->errors++;
    cpu->esr_pending |= bits;
    if (lvt & APIC_LVT_MASKED || !armed)
        return;
    if ((lvt & 0xffu) < 16) /* an error about reporting an error ends here */
        cpu->esr_pending |= APIC_ESR_RECEIVE_VECTOR;
    else
        apic_accept(cpu, lvt & 0xffu, 0);
}

/* -- LVT ------------------------------------------------------------------------------------- */

uint32_t apic_lvt_wmask(uint32_t which)
{
    static const uint32_t wmask[APIC_LVT_COUNT] = {
        [APIC_LVT_CMCI] = 0x107ff,  [APIC_LVT_TIMER] = 0x700ff, [APIC_LVT_THERMAL] = 0x107ff,
        [APIC_LVT_PERF] = 0x107ff,  [APIC_LVT_LINT0] = 0x1a7ff, [APIC_LVT_LINT1] = 0x1a7ff,
        [APIC_LVT_ERROR] = 0x100ff,
    };
    return wmask[which];
}

/* An edge of the entry's source. */
void apic_lvt_fire(ApicCpu *cpu, uint32_t which)
{
    const viv_chipset_api_t *chipset = cpu->apic->chipset;
    viv_dev_t *dev = cpu->apic->dev;
    uint32_t lvt = cpu->lvt[which];

    if (lvt & APIC_LVT_MASKED)
        return;
    /* Timer and error have no delivery mode: fixed. */
    uint32_t mode = which == APIC_LVT_TIMER || which == APIC_LVT_ERROR ? VIV_APIC_DELIVERY_FIXED
                                                                       : APIC_LVT_MODE(lvt);
    switch (mode) {
    case VIV_APIC_DELIVERY_FIXED: apic_accept(cpu, lvt & 0xffu, 0); break;
    case VIV_APIC_DELIVERY_SMI: chipset->cpu_smi(dev, cpu->index); break;
    case VIV_APIC_DELIVERY_NMI: chipset->cpu_nmi(dev, cpu->index); break;
    case VIV_APIC_DELIVERY_INIT: chipset->cpu_init(dev, cpu->index); break;
    default: /* ExtINT is a level, see apic_ext_update(); the rest is reserved */ break;
    }
}

/* LINT0 as a level-triggered fixed interrupt: sent while the pin is up and the last one has been
 * ended. LINT1 is always edge triggered (11.5.1). */
static void apic_lint0_level(ApicCpu *cpu)
{
    uint32_t *lvt = &cpu->lvt[APIC_LVT_LINT0];

    if (!cpu->pin[0] || *lvt & (APIC_LVT_MASKED | APIC_LVT_REMOTE_IRR) ||
        !(*lvt & APIC_LVT_LEVEL) || APIC_LVT_MODE(*lvt) != VIV_APIC_DELIVERY_FIXED)
        return;
    if (apic_accept(cpu, *lvt & 0xffu, 1))
        *lvt |= APIC_LVT_REMOTE_IRR;
}

void apic_lvt_write(ApicCpu *cpu, uint32_t which, uint32_t value)
{
    uint32_t old = cpu->lvt[which];

    value &= apic_lvt_wmask(which);
    if (!(cpu->svr & APIC_SVR_ENABLE))
        value |= APIC_LVT_MASKED;
    if (which == APIC_LVT_LINT0 && value & APIC_LVT_LEVEL &&
        APIC_LVT_MODE(value) == VIV_APIC_DELIVERY_FIXED)
        value |= old & APIC_LVT_REMOTE_IRR;
    if (which == APIC_LVT_TIMER)
        apic_timer_mode_changed(cpu, old, value);
    cpu->lvt[which] = value;
    if (which == APIC_LVT_LINT0) {
        apic_lint0_level(cpu);
        apic_ext_update(cpu);
    }
}

void apic_svr_write(ApicCpu *cpu, uint32_t value)
{
    cpu->svr = value & APIC_SVR_WMASK;
    if (cpu->svr & APIC_SVR_ENABLE)
        return;
    for (uint32_t i = 0; i < APIC_LVT_COUNT; i++)
        cpu->lvt[i] |= APIC_LVT_MASKED;
    apic_ext_update(cpu);
}

/* -- pins, EOI, acknowledge ------------------------------------------------------------------ */

void apic_pin_set(ApicCpu *cpu, uint32_t pin, uint32_t level)
{
    uint32_t rise = level && !cpu->pin[pin];

    cpu->pin[pin] = level != 0;
    if (pin == 0 && !level)
        cpu->ext_message = 0; /* the PIC has been served */
    if (!(cpu->base & APIC_BASE_EN)) {
        if (pin == 1 && rise)
            cpu->apic->chipset->cpu_nmi(cpu->apic->dev, cpu->index);
    } else if (pin == 0) {
        uint32_t lvt = cpu->lvt[APIC_LVT_LINT0];
        if (lvt & APIC_LVT_LEVEL && APIC_LVT_MODE(lvt) == VIV_APIC_DELIVERY_FIXED)
            apic_lint0_level(cpu);
        else if (rise)
            apic_lvt_fire(cpu, APIC_LVT_LINT0);
    } else if (rise) {
        apic_lvt_fire(cpu, APIC_LVT_LINT1);
    }
    if (pin == 0)
        apic_ext_update(cpu);
}

void apic_eoi(ApicCpu *cpu)
{
    uint32_t vector = apic_highest(cpu->isr);
    uint32_t *lint0 = &cpu->lvt[APIC_LVT_LINT0];

    if (!vector)
        return;
    apic_bit_set(cpu->isr, vector, 0);
    if (apic_bit_get(cpu->tmr, vector)) {
        if (*lint0 & APIC_LVT_REMOTE_IRR && (*lint0 & 0xffu) == vector) {
            *lint0 &= ~APIC_LVT_REMOTE_IRR;
            apic_lint0_level(cpu);
        }
        if (!(cpu->svr & APIC_SVR_NO_EOI_BROADCAST))
            cpu->apic->chipset->ioapic_eoi(cpu->apic->dev, vector);
    }
    apic_update(cpu);
}

uint32_t apic_take(ApicCpu *cpu, uint8_t *ret_vector)
{
    uint32_t vector = apic_deliverable(cpu);

    if (!vector)
        return 0;
    apic_bit_set(cpu->irr, vector, 0);
    apic_bit_set(cpu->isr, vector, 1);
    apic_update(cpu);
    *ret_vector = (uint8_t)vector;
    return 1;
}
