/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* TRPM: pending interrupts (see trpm.h). Invariant: VIV_FF_INTR of a vCPU is set exactly while one
 * of its levels is up (chipset lock held). */
#include "trpm/trpm.h"

#include "vm/vm.h"

typedef struct TrpmVcpu {
    uint32_t apic, extint;
} TrpmVcpu;

struct Trpm {
    struct Vm *vm;
    uint32_t count;
    TrpmVcpu vcpu[];
};

Trpm *trpm_new(struct Vm *vm, uint32_t vcpu_count)
{
    Trpm *trpm = g_malloc0(sizeof *trpm + vcpu_count * sizeof trpm->vcpu[0]);
    trpm->vm = vm;
    trpm->count = vcpu_count;
    return trpm;
}

void trpm_free(Trpm *trpm)
{
    g_free(trpm);
}

static void trpm_update(Trpm *trpm, uint32_t vcpu)
{
    if (trpm->vcpu[vcpu].apic || trpm->vcpu[vcpu].extint) {
        em_kick(trpm->vm->em, vcpu, VIV_FF_INTR);
    } else {
        em_clear_ff(trpm->vm->em, vcpu, VIV_FF_INTR);
    }
}

void trpm_lines_clear(Trpm *trpm)
{
    for (uint32_t i = 0; i < trpm->count; i++) {
        trpm->vcpu[i] = (TrpmVcpu){0};
        em_clear_ff(trpm->vm->em, i, VIV_FF_INTR);
    }
}

void trpm_reset(Trpm *trpm)
{
    trpm_lines_clear(trpm);
    for (uint32_t i = 0; i < trpm->count; i++) {
        em_clear_ff(trpm->vm->em, i, VIV_FF_NMI);
    }
}

void trpm_set_apic(Trpm *trpm, uint32_t vcpu, uint32_t level)
{
    if (vcpu < trpm->count && trpm->vcpu[vcpu].apic != !!level) {
        trpm->vcpu[vcpu].apic = !!level;
        trpm_update(trpm, vcpu);
    }
}

void trpm_set_extint(Trpm *trpm, uint32_t vcpu, uint32_t level)
{
    if (vcpu < trpm->count && trpm->vcpu[vcpu].extint != !!level) {
        trpm->vcpu[vcpu].extint = !!level;
        trpm_update(trpm, vcpu);
    }
}

viv_status_t trpm_take(Trpm *trpm, uint32_t vcpu, uint8_t *ret_vector)
{
    viv_status_t st = VIV_E_NOT_FOUND;
    Pdm *pdm = trpm->vm->pdm;
    pdm_chipset_lock(pdm);
    if (trpm->vcpu[vcpu].apic && pdm_apic_take(pdm, vcpu, ret_vector)) {
        st = VIV_OK;
    } else if (trpm->vcpu[vcpu].extint) {
        *ret_vector = pdm_pic_take(pdm);
        st = VIV_OK;
    } else {
        trpm->vcpu[vcpu].apic = 0;
        trpm_update(trpm, vcpu);
    }
    pdm_chipset_unlock(pdm);
    return st;
}
