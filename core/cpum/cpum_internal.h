/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* CPUM's own: the model that cpum_cpuid.c tells and cpum.c resets to. */
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
    CPUM_WORDS
} CpumWord;

struct Cpum {
    const char *model;
    const char *vendor; /* 12 characters, or "" on a CPU without CPUID */
    char brand[49];
    uint32_t signature; /* CPUID 1 EAX, EDX after reset */
    uint32_t max_leaf, max_ext_leaf;
    uint32_t vcpu_count;
    uint64_t tsc_hz;
    gboolean seeded;
    uint64_t seed;
    uint32_t words[CPUM_WORDS];
};

#endif
