/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* CPUM's own: the model that cpum_model.c makes of the setting, cpum_cpuid.c and cpum_msr.c show to
 * the guest and cpum.c resets to. */
#ifndef CORE_CPUM_INTERNAL_H
#define CORE_CPUM_INTERNAL_H

#include "cpum/cpum.h"

/* CPUID words that carry feature bits. */
typedef enum CpumWord {
    CPUM_1_ECX,
    CPUM_1_EDX,
    CPUM_7_EBX,
    CPUM_7_ECX,
    CPUM_7_EDX,
    CPUM_D1_EAX,
    CPUM_80000001_ECX,
    CPUM_80000001_EDX,
    CPUM_80000007_EDX,
    CPUM_80000008_EBX,
    CPUM_CPUID, /* no word of CPUID: bit 0 says that the instruction exists */
    CPUM_WORDS
} CpumWord;

/* Of the vendor's parts that a model stands for: leaves 2, 4 and 80000006h ECX. */
typedef struct CpumCaches {
    uint32_t descriptors[4];  /* leaf 2 */
    uint32_t leaf_4[3][3];    /* EAX without the core count, EBX, ECX */
    uint32_t leaf_80000006_c; /* L2 */
} CpumCaches;

#define CPUM_AMD   "AuthenticAMD"
#define CPUM_INTEL "GenuineIntel"

struct Cpum {
    char *model; /* canonical setting: what differs from the model, resolved */
    char vendor[13];
    char brand[49];
    uint32_t signature; /* CPUID 1 EAX, EDX after reset */
    uint32_t brand_index;
    uint32_t max_leaf, max_ext_leaf;
    uint32_t vcpu_count;
    uint64_t tsc_hz;
    gboolean seeded;
    uint64_t seed;
    const CpumCaches *caches; /* NULL: none are told */
    uint32_t words[CPUM_WORDS];
    gboolean ignore_unknown_msrs;
    gboolean unknown_msr_said; /* atomic */
};

static inline gboolean cpum_has(const Cpum *cpum, CpumWord word, uint32_t bit)
{
    return ((cpum->words[word] >> bit) & 1) != 0;
}

gboolean cpum_is_intel(const Cpum *cpum);
uint32_t cpum_phys_bits(const Cpum *cpum);

#endif
