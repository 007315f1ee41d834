/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* CPUM: the canonical vCPU state, the CPUID table of the chosen model, and MSRs that no other
 * component owns. */
#ifndef CORE_CPUM_H
#define CORE_CPUM_H

#include <glib.h>
#include <viv/draft/engine.h>

#include "log/error.h"
#include "ssm/ssm.h"

typedef struct Cpum Cpum;

/* spec: "MODEL[,+feature][,-feature]..." (viv run --cpu); NULL or "" is the default model. The
 * error names the word and lists what is allowed. tsc_hz is told in leaf 40000010h. */
Cpum *cpum_new(const char *spec, uint32_t vcpu_count, uint64_t tsc_hz, VivError *err);
void cpum_free(Cpum *cpum);
/* Model and feature names, for help texts: NULL-terminated, static. */
const char *const *cpum_model_names(void);
const char *const *cpum_feature_names(void);
/* The setting once more, canonical: the features that differ from the model's in a fixed order, all
 * dependencies resolved. Equal texts are equal CPUs. */
const char *cpum_model(const Cpum *cpum);
/* Family of the signature, extended family added (viv_vcpu_t.cpu_family). */
uint32_t cpum_family(const Cpum *cpum);

/* State after power-on (SDM vol. 3, table 10-1), and after INIT (keeps FPU, MSRs, caches). */
void cpum_reset(const Cpum *cpum, viv_cpu_t *cpu, uint32_t index);
void cpum_init(const Cpum *cpum, viv_cpu_t *cpu);

/* Without the cpuid feature all leaves are zero, but for the FPU's bit in leaf 1, which tells engines
 * what the guest cannot ask for. apic_id is mirrored into leaves 1 and Bh; apic_on into leaf 1 EDX bit 9. [any] */
void cpum_cpuid(const Cpum *cpum, uint32_t leaf, uint32_t subleaf, uint32_t apic_id,
                gboolean apic_on, uint32_t ret_regs[4]);
/* MSRs outside viv_cpu_t and the APIC: constants and ignored writes. VIV_E_NOT_FOUND: #GP. [any] */
viv_status_t cpum_msr_read(Cpum *cpum, uint32_t msr, uint64_t *ret_value);
viv_status_t cpum_msr_write(Cpum *cpum, uint32_t msr, uint64_t value);
/* May the model's guest read (value NULL) or write this MSR, as far as it is one of the APIC's? */
gboolean cpum_msr_apic_ok(const Cpum *cpum, uint32_t msr, const uint64_t *value);
/* Policy, off by default: what the model does not have reads as zero and ignores writes; the log
 * says so once. */
void cpum_ignore_unknown_msrs(Cpum *cpum, gboolean on);

/* For RDRAND and RDSEED. With a seed the number depends on it, on the vCPU and on its count of
 * instructions alone, so that there is no generator to save; without one it is the host's.
 * VIV_E_BUSY: the host has none now. [emt] */
void cpum_set_seed(Cpum *cpum, uint64_t seed);
/* For devices: with a seed byte n of a stream that depends on it, the owner and the time, from byte
 * `from` on. VIV_E_IO: the host has no random numbers. */
viv_status_t cpum_random_bytes(const Cpum *cpum, uint32_t owner, uint64_t when, uint64_t from,
                               void *buf, uint64_t len_bytes);
viv_status_t cpum_random(const Cpum *cpum, const viv_cpu_t *cpu, uint64_t *ret_value);

viv_status_t cpum_save(const viv_cpu_t *cpu, SsmWriter *writer);
viv_status_t cpum_load(const Cpum *cpum, viv_cpu_t *cpu, SsmReader *reader, VivError *err);

#endif
