/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* TRPM: pending interrupts of each vCPU and the hand-shake with the controllers. Levels come from
 * the APIC (an interrupt above its PPR), from the PIC through LINT0 or, without an APIC, directly;
 * all with the chipset lock held. They show as VIV_FF_INTR. */
#ifndef CORE_TRPM_H
#define CORE_TRPM_H

#include <glib.h>
#include <viv/types.h>

typedef struct Trpm Trpm;
struct Vm;

Trpm *trpm_new(struct Vm *vm, uint32_t vcpu_count);
void trpm_free(Trpm *trpm);
/* No lines up; devices raise theirs again (reset, post_load). EMTs stand. */
void trpm_lines_clear(Trpm *trpm);
void trpm_reset(Trpm *trpm); /* and no NMI pending, which a saved state may have */
void trpm_set_apic(Trpm *trpm, uint32_t vcpu, uint32_t level);   /* [any, chipset lock held] */
void trpm_set_extint(Trpm *trpm, uint32_t vcpu, uint32_t level); /* [any, chipset lock held] */
/* Acknowledges: [emt] takes the chipset lock. VIV_E_NOT_FOUND when nothing is left. */
viv_status_t trpm_take(Trpm *trpm, uint32_t vcpu, uint8_t *ret_vector);

#endif
