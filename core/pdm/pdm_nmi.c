/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PDM: the board's NMI line. Invariant: nmi_level is the or of what every device drives, behind the
 * gate of port 70h, and the CPUs' pins have been told of it (chipset lock held). */
#include "pdm/pdm_internal.h"

void pdm_cpu_nmi(viv_dev_t *dev, uint32_t vcpu)
{
    Vm *vm = pdm_dev(dev)->pdm->vm;
    if (vcpu < em_vcpu_count(vm->em)) {
        em_kick(vm->em, vcpu, VIV_FF_NMI);
    }
}

static void pdm_nmi_update(viv_dev_t *dev)
{
    Pdm *pdm = pdm_dev(dev)->pdm;
    uint32_t level = 0;
    for (guint i = 0; i < pdm->devices->len; i++) {
        level |= ((const PdmDevice *)g_ptr_array_index(pdm->devices, i))->nmi_line;
    }
    level = level && !pdm->nmi_masked;
    if (level == pdm->nmi_level) {
        return;
    }
    pdm->nmi_level = level;
    if (!pdm->apic.device) {
        if (level && !pdm->loading) {
            pdm_cpu_nmi(dev, 0);
        }
        return;
    }
    /* While a state is loaded the APICs' pins have their saved levels already. */
    for (uint32_t i = 0; i < em_vcpu_count(pdm->vm->em) && !pdm->loading; i++) {
        PDM_CALL(pdm->apic, viv_apic_ops_t, local_pin, i, 1, level);
    }
}

void pdm_nmi_set(viv_dev_t *dev, uint32_t level)
{
    pdm_dev(dev)->nmi_line = level != 0;
    pdm_nmi_update(dev);
}

void pdm_nmi_mask(viv_dev_t *dev, uint32_t masked)
{
    pdm_dev(dev)->pdm->nmi_masked = masked != 0;
    pdm_nmi_update(dev);
}

/* The APICs lower their pins by themselves: in reset, or with the state that is loaded. */
void pdm_nmi_clear(Pdm *pdm)
{
    for (guint i = 0; i < pdm->devices->len; i++) {
        ((PdmDevice *)g_ptr_array_index(pdm->devices, i))->nmi_line = 0;
    }
    pdm->nmi_level = 0;
    pdm->nmi_masked = 0;
}

void pdm_tsc_changed(Pdm *pdm)
{
    if (!pdm->apic.device) {
        return;
    }
    pdm_chipset_lock(pdm);
    const viv_apic_ops_t *ops = pdm->apic.ops;
    if (VIV_HAS(ops, tsc_changed)) {
        ops->tsc_changed(&pdm->apic.device->pub, pdm->apic.self);
    }
    pdm_chipset_unlock(pdm);
}
