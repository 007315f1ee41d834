/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* CPUM: the leaves of CPUID. Sources: Intel SDM vol. 2, CPUID; AMD APM vol. 3, appendix E. */
#include <string.h>

#include "cpum/cpum_internal.h"

/* AMD mirrors these leaf-1 EDX bits in leaf 80000001h. */
#define CPUM_AMD_MIRROR 0x0183f3ffu

static void cpum_text(uint32_t regs[4], const char text[16])
{
    memcpy(regs, text, 16);
}

static void cpum_leaf_vendor(const Cpum *cpum, uint32_t max, uint32_t regs[4])
{
    char text[12] = {0}; /* models before CPUID have none */
    memcpy(text, cpum->vendor, MIN(strlen(cpum->vendor), sizeof text));
    regs[0] = max;
    memcpy(&regs[1], text, 4);
    memcpy(&regs[3], text + 4, 4);
    memcpy(&regs[2], text + 8, 4);
}

static void cpum_leaf_1(const Cpum *cpum, uint32_t apic_id, gboolean apic_on, uint32_t regs[4])
{
    regs[0] = cpum->signature;
    regs[1] = cpum->brand_index;
    if (cpum_has(cpum, CPUM_1_EDX, 9)) {
        regs[1] |= apic_id << 24;
    }
    if (cpum_has(cpum, CPUM_1_EDX, 19)) {
        regs[1] |= 8 << 8; /* CLFLUSH line, in units of 8 bytes */
    }
    regs[2] = cpum->words[CPUM_1_ECX];
    regs[3] = cpum->words[CPUM_1_EDX];
    if (cpum->vcpu_count > 1 && cpum_family(cpum) >= 6) {
        regs[1] |= MIN(cpum->vcpu_count, 255) << 16;
        regs[3] |= UINT32_C(1) << 28; /* HTT: the logical-processor count is valid */
    }
    if (!apic_on) {
        regs[3] &= ~(UINT32_C(1) << 9);
    }
}

static void cpum_leaf_4(const Cpum *cpum, uint32_t sub, uint32_t regs[4])
{
    if (!cpum->caches || sub >= G_N_ELEMENTS(cpum->caches->leaf_4) ||
        !cpum->caches->leaf_4[sub][0]) {
        return;
    }
    regs[0] = cpum->caches->leaf_4[sub][0] | (MIN(cpum->vcpu_count, 64) - 1) << 26;
    regs[1] = cpum->caches->leaf_4[sub][1];
    regs[2] = cpum->caches->leaf_4[sub][2];
}

static void cpum_leaf_7(const Cpum *cpum, uint32_t sub, uint32_t regs[4])
{
    if (sub == 0) {
        regs[1] = cpum->words[CPUM_7_EBX];
        regs[2] = cpum->words[CPUM_7_ECX];
        regs[3] = cpum->words[CPUM_7_EDX];
    }
}

/* Extended topology: one thread a core, vcpu_count cores a package. */
static void cpum_leaf_b(const Cpum *cpum, uint32_t sub, uint32_t apic_id, uint32_t regs[4])
{
    uint32_t bits = 0;
    while ((UINT32_C(1) << bits) < cpum->vcpu_count) {
        bits++;
    }
    regs[2] = sub;
    regs[3] = apic_id;
    if (sub == 0) {
        regs[1] = 1;
        regs[2] |= 1 << 8;
    } else if (sub == 1) {
        regs[0] = bits;
        regs[1] = cpum->vcpu_count;
        regs[2] |= 2 << 8;
    }
}

/* XSAVE: sizes as if XCR0 held all components. The engine mirrors XCR0 into EBX. */
static void cpum_leaf_d(const Cpum *cpum, uint32_t sub, uint32_t regs[4])
{
    if (!cpum_has(cpum, CPUM_1_ECX, 26)) {
        return;
    }
    gboolean avx = cpum_has(cpum, CPUM_1_ECX, 28), pku = cpum_has(cpum, CPUM_7_ECX, 3);
    if (sub == 0) {
        regs[0] = 3u | (avx ? 4u : 0) | (pku ? 0x200u : 0);
        regs[1] = regs[2] = pku ? VIV_XSAVE_PKRU_OFFSET + 8 : avx ? VIV_XSAVE_PKRU_OFFSET : 576;
    } else if (sub == 1) {
        regs[0] = cpum->words[CPUM_D1_EAX];
        if (regs[0] & 0xa) { /* of the compacted format */
            regs[1] = 576u + (avx ? 256u : 0) + (pku ? 8u : 0);
        }
    } else if (sub == 2 && avx) {
        regs[0] = 256;
        regs[1] = VIV_XSAVE_AVX_OFFSET;
    } else if (sub == 9 && pku) {
        regs[0] = 8;
        regs[1] = VIV_XSAVE_PKRU_OFFSET;
    }
}

static void cpum_leaf_basic(const Cpum *cpum, uint32_t leaf, uint32_t sub, uint32_t apic_id,
                            gboolean apic_on, uint32_t regs[4])
{
    switch (leaf) {
    case 0: cpum_leaf_vendor(cpum, cpum->max_leaf, regs); break;
    case 1: cpum_leaf_1(cpum, apic_id, apic_on, regs); break;
    case 2:
        if (cpum->caches) {
            memcpy(regs, cpum->caches->descriptors, sizeof cpum->caches->descriptors);
        }
        break;
    case 4: cpum_leaf_4(cpum, sub, regs); break;
    case 5:
        if (cpum_has(cpum, CPUM_1_ECX, 3)) {
            regs[0] = regs[1] = 64; /* monitor line */
            regs[2] = 3;
        }
        break;
    case 6: regs[0] = 4; break; /* APIC timer always runs */
    case 7: cpum_leaf_7(cpum, sub, regs); break;
    case 0xb: cpum_leaf_b(cpum, sub, apic_id, regs); break;
    case 0xd: cpum_leaf_d(cpum, sub, regs); break;
    default: break;
    }
}

static void cpum_leaf_80000001(const Cpum *cpum, uint32_t regs[4])
{
    regs[2] = cpum->words[CPUM_80000001_ECX];
    regs[3] = cpum->words[CPUM_80000001_EDX];
    if (cpum_is_intel(cpum)) {
        return;
    }
    regs[0] = cpum->signature;
    regs[3] |= cpum->words[CPUM_1_EDX] & CPUM_AMD_MIRROR;
    if (cpum->vcpu_count > 1) {
        regs[2] |= 2; /* CmpLegacy */
    }
}

/* AMD's cache leaves: L1 and L2 as a plain machine has them: 32 KiB + 32 KiB, 512 KiB. */
static void cpum_leaf_amd_caches(const Cpum *cpum, uint32_t leaf, uint32_t regs[4])
{
    if (cpum_is_intel(cpum)) {
        regs[2] = leaf == 0x80000006 && cpum->caches ? cpum->caches->leaf_80000006_c : 0;
    } else if (leaf == 0x80000005) {
        regs[0] = regs[1] = 0xff40ff40; /* TLBs: fully associative, 64 entries */
        regs[2] = regs[3] = 0x20080140;
    } else {
        regs[2] = 0x02006140;
    }
}

static void cpum_leaf_extended(const Cpum *cpum, uint32_t leaf, uint32_t regs[4])
{
    switch (leaf) {
    case 0x80000000:
        regs[0] = cpum->max_ext_leaf;
        if (!cpum_is_intel(cpum)) {
            cpum_leaf_vendor(cpum, cpum->max_ext_leaf, regs);
        }
        break;
    case 0x80000001: cpum_leaf_80000001(cpum, regs); break;
    case 0x80000002: cpum_text(regs, cpum->brand); break;
    case 0x80000003: cpum_text(regs, cpum->brand + 16); break;
    case 0x80000004: cpum_text(regs, cpum->brand + 32); break;
    case 0x80000005:
    case 0x80000006: cpum_leaf_amd_caches(cpum, leaf, regs); break;
    case 0x80000007: regs[3] = cpum->words[CPUM_80000007_EDX]; break;
    case 0x80000008: {
        uint32_t linear = cpum_has(cpum, CPUM_7_ECX, 16)          ? 57
                          : cpum_has(cpum, CPUM_80000001_EDX, 29) ? 48
                                                                  : 32;
        regs[0] = linear << 8 | cpum_phys_bits(cpum);
        regs[1] = cpum->words[CPUM_80000008_EBX];
        regs[2] = cpum_is_intel(cpum) ? 0 : cpum->vcpu_count - 1;
        break;
    }
    default: break;
    }
}

/* The hypervisor leaves without a paravirt provider: who we are, and the TSC frequency in kHz. */
static void cpum_leaf_hypervisor(const Cpum *cpum, uint32_t leaf, uint32_t regs[4])
{
    if (leaf == 0x40000000) {
        regs[0] = 0x40000010;
        memcpy(&regs[1], "VivariumVivV", 12);
    } else if (leaf == 0x40000010) {
        regs[0] = (uint32_t)(cpum->tsc_hz / 1000);
        regs[1] = 1000000; /* APIC bus, kHz */
    }
}

/* A model without CPUID still tells engines of its FPU. */
static void cpum_leaf_none(const Cpum *cpum, uint32_t leaf, uint32_t regs[4])
{
    if (leaf == 1) {
        regs[0] = cpum->signature;
        regs[3] = cpum->words[CPUM_1_EDX];
    }
}

void cpum_cpuid(const Cpum *cpum, uint32_t leaf, uint32_t subleaf, uint32_t apic_id,
                gboolean apic_on, uint32_t ret_regs[4])
{
    memset(ret_regs, 0, 4 * sizeof ret_regs[0]);
    if (!cpum_has(cpum, CPUM_CPUID, 0)) {
        cpum_leaf_none(cpum, leaf, ret_regs);
    } else if ((leaf >> 16) == 0x4000 && cpum_has(cpum, CPUM_1_ECX, 31)) {
        cpum_leaf_hypervisor(cpum, leaf, ret_regs);
    } else if (leaf >= 0x80000000 && leaf <= cpum->max_ext_leaf) {
        cpum_leaf_extended(cpum, leaf, ret_regs);
    } else if (leaf <= cpum->max_leaf) {
        cpum_leaf_basic(cpum, leaf, subleaf, apic_id, apic_on, ret_regs);
    } else if (cpum_is_intel(cpum)) { /* beyond the last: the data of the highest basic leaf */
        cpum_leaf_basic(cpum, cpum->max_leaf, subleaf, apic_id, apic_on, ret_regs);
    }
}
