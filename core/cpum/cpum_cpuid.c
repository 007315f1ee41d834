/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* CPUM: CPU models, features and the CPUID table. Sources: Intel SDM vol. 2, CPUID; AMD APM vol. 3,
 * appendix E; x86-64 psABI, microarchitecture levels. */
#include <string.h>

#include "cpum/cpum_internal.h"

typedef struct CpumFeature {
    const char *name;
    uint8_t word, bit;
} CpumFeature;

/* Names as Linux and QEMU users know them. */
static const CpumFeature cpum_features[] = {
    {"fpu", CPUM_1_EDX, 0},
    {"vme", CPUM_1_EDX, 1},
    {"de", CPUM_1_EDX, 2},
    {"pse", CPUM_1_EDX, 3},
    {"tsc", CPUM_1_EDX, 4},
    {"msr", CPUM_1_EDX, 5},
    {"pae", CPUM_1_EDX, 6},
    {"mce", CPUM_1_EDX, 7},
    {"cx8", CPUM_1_EDX, 8},
    {"apic", CPUM_1_EDX, 9},
    {"sep", CPUM_1_EDX, 11},
    {"mtrr", CPUM_1_EDX, 12},
    {"pge", CPUM_1_EDX, 13},
    {"mca", CPUM_1_EDX, 14},
    {"cmov", CPUM_1_EDX, 15},
    {"pat", CPUM_1_EDX, 16},
    {"pse36", CPUM_1_EDX, 17},
    {"clflush", CPUM_1_EDX, 19},
    {"mmx", CPUM_1_EDX, 23},
    {"fxsr", CPUM_1_EDX, 24},
    {"sse", CPUM_1_EDX, 25},
    {"sse2", CPUM_1_EDX, 26},
    {"sse3", CPUM_1_ECX, 0},
    {"pclmulqdq", CPUM_1_ECX, 1},
    {"monitor", CPUM_1_ECX, 3},
    {"ssse3", CPUM_1_ECX, 9},
    {"fma", CPUM_1_ECX, 12},
    {"cx16", CPUM_1_ECX, 13},
    {"pcid", CPUM_1_ECX, 17},
    {"sse4.1", CPUM_1_ECX, 19},
    {"sse4.2", CPUM_1_ECX, 20},
    {"x2apic", CPUM_1_ECX, 21},
    {"movbe", CPUM_1_ECX, 22},
    {"popcnt", CPUM_1_ECX, 23},
    {"tsc-deadline", CPUM_1_ECX, 24},
    {"aes", CPUM_1_ECX, 25},
    {"xsave", CPUM_1_ECX, 26},
    {"avx", CPUM_1_ECX, 28},
    {"f16c", CPUM_1_ECX, 29},
    {"rdrand", CPUM_1_ECX, 30},
    {"hypervisor", CPUM_1_ECX, 31},
    {"fsgsbase", CPUM_7_EBX, 0},
    {"bmi1", CPUM_7_EBX, 3},
    {"avx2", CPUM_7_EBX, 5},
    {"smep", CPUM_7_EBX, 7},
    {"bmi2", CPUM_7_EBX, 8},
    {"erms", CPUM_7_EBX, 9},
    {"invpcid", CPUM_7_EBX, 10},
    {"rdseed", CPUM_7_EBX, 18},
    {"adx", CPUM_7_EBX, 19},
    {"smap", CPUM_7_EBX, 20},
    {"clflushopt", CPUM_7_EBX, 23},
    {"clwb", CPUM_7_EBX, 24},
    {"sha-ni", CPUM_7_EBX, 29},
    {"umip", CPUM_7_ECX, 2},
    {"pku", CPUM_7_ECX, 3},
    {"la57", CPUM_7_ECX, 16},
    {"rdpid", CPUM_7_ECX, 22},
    {"fsrm", CPUM_7_EDX, 4},
    {"xsaveopt", CPUM_D1_EAX, 0},
    {"xsavec", CPUM_D1_EAX, 1},
    {"xgetbv1", CPUM_D1_EAX, 2},
    {"xsaves", CPUM_D1_EAX, 3},
    {"lahf-lm", CPUM_80000001_ECX, 0},
    {"abm", CPUM_80000001_ECX, 5},
    {"syscall", CPUM_80000001_EDX, 11},
    {"nx", CPUM_80000001_EDX, 20},
    {"pdpe1gb", CPUM_80000001_EDX, 26},
    {"rdtscp", CPUM_80000001_EDX, 27},
    {"lm", CPUM_80000001_EDX, 29},
    {"invtsc", CPUM_80000007_EDX, 8},
};

/* AMD mirrors these leaf-1 EDX bits in leaf 80000001h. */
#define CPUM_AMD_MIRROR 0x0183f3ffu

typedef struct CpumModel {
    const char *name;
    const char *base; /* features of an earlier model too */
    const char *vendor;
    const char *brand;
    uint32_t signature;
    uint32_t max_leaf, max_ext_leaf;
    const char *features;
} CpumModel;

#define CPUM_AMD   "AuthenticAMD"
#define CPUM_INTEL "GenuineIntel"

static const CpumModel cpum_models[] = {
    {"8086", NULL, "", "", 0x0000, 0, 0, ""},
    {"286", "8086", "", "", 0x0200, 0, 0, ""},
    {"386", "286", "", "", 0x0308, 0, 0, ""},
    {"486", "386", CPUM_INTEL, "", 0x0480, 1, 0, "fpu"},
    {"pentium", "486", CPUM_INTEL, "", 0x0543, 1, 0, "vme de pse tsc msr mce cx8 apic"},
    {"pentium3", "pentium", CPUM_INTEL, "", 0x068a, 2, 0,
     "pae sep mtrr pge mca cmov pat pse36 mmx fxsr sse"},
    {"core2", "pentium3", CPUM_INTEL, "Intel(R) Core(TM)2 CPU", 0x06fb, 10, 0x80000008,
     "clflush sse2 sse3 ssse3 cx16 syscall nx lm lahf-lm x2apic tsc-deadline hypervisor"},
    {"x86-64", "pentium3", CPUM_AMD, "Vivarium Virtual CPU x86-64", 0x0f61, 0xd, 0x80000008,
     "clflush sse2 syscall nx lm x2apic tsc-deadline hypervisor invtsc rdtscp"},
    {"x86-64-v2", "x86-64", CPUM_AMD, "Vivarium Virtual CPU x86-64-v2", 0x0f61, 0xd, 0x80000008,
     "sse3 ssse3 cx16 sse4.1 sse4.2 popcnt lahf-lm smep smap"},
    {"x86-64-v3", "x86-64-v2", CPUM_AMD, "Vivarium Virtual CPU x86-64-v3", 0x0f61, 0xd, 0x80000008,
     "pclmulqdq fma movbe aes xsave avx f16c rdrand fsgsbase bmi1 avx2 bmi2 erms rdseed adx "
     "clflushopt sha-ni rdpid xsaveopt xgetbv1 abm pcid invpcid pku"},
};
#define CPUM_DEFAULT_MODEL "x86-64-v2"

const char *const *cpum_model_names(void)
{
    static const char *names[G_N_ELEMENTS(cpum_models) + 1];
    for (size_t i = 0; i < G_N_ELEMENTS(cpum_models); i++) {
        names[i] = cpum_models[i].name;
    }
    return names;
}

const char *const *cpum_feature_names(void)
{
    static const char *names[G_N_ELEMENTS(cpum_features) + 1];
    for (size_t i = 0; i < G_N_ELEMENTS(cpum_features); i++) {
        names[i] = cpum_features[i].name;
    }
    return names;
}

const char *cpum_model(const Cpum *cpum)
{
    return cpum->model;
}

uint32_t cpum_family(const Cpum *cpum)
{
    uint32_t family = (cpum->signature >> 8) & 15;
    return family == 15 ? family + ((cpum->signature >> 20) & 255) : family;
}

static gboolean cpum_feature_set(Cpum *cpum, const char *name, gboolean on)
{
    for (size_t i = 0; i < G_N_ELEMENTS(cpum_features); i++) {
        const CpumFeature *feature = &cpum_features[i];
        if (!strcmp(feature->name, name)) {
            uint32_t bit = UINT32_C(1) << feature->bit;
            cpum->words[feature->word] =
                on ? cpum->words[feature->word] | bit : cpum->words[feature->word] & ~bit;
            return TRUE;
        }
    }
    return FALSE;
}

static const CpumModel *cpum_model_find(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(cpum_models); i++) {
        if (!strcmp(cpum_models[i].name, name)) {
            return &cpum_models[i];
        }
    }
    return NULL;
}

static void cpum_model_apply(Cpum *cpum, const CpumModel *model)
{
    if (model->base) {
        cpum_model_apply(cpum, cpum_model_find(model->base));
    }
    g_auto(GStrv) names = g_strsplit(model->features, " ", -1);
    for (char **name = names; *name; name++) {
        if (**name) {
            cpum_feature_set(cpum, *name, TRUE);
        }
    }
    cpum->model = model->name;
    cpum->vendor = model->vendor;
    cpum->signature = model->signature;
    cpum->max_leaf = model->max_leaf;
    cpum->max_ext_leaf = model->max_ext_leaf;
    g_strlcpy(cpum->brand, model->brand, sizeof cpum->brand);
}

Cpum *cpum_new(const char *spec, uint32_t vcpu_count, uint64_t tsc_hz, VivError *err)
{
    g_auto(GStrv) words = g_strsplit(spec && *spec ? spec : CPUM_DEFAULT_MODEL, ",", -1);
    const CpumModel *model = cpum_model_find(words[0]);
    if (!model) {
        g_autofree char *all = g_strjoinv(", ", (char **)(uintptr_t)cpum_model_names());
        error_set(err, VIV_E_INVALID, "CPU model \"%s\" is not known; models are %s", words[0],
                  all);
        return NULL;
    }
    Cpum *cpum = g_new0(Cpum, 1);
    cpum->vcpu_count = vcpu_count;
    cpum->tsc_hz = tsc_hz;
    cpum_model_apply(cpum, model);
    for (char **word = words + 1; *word; word++) {
        gboolean sign = **word == '+' || **word == '-';
        if (!sign || !cpum_feature_set(cpum, *word + 1, **word == '+')) {
            g_autofree char *all = g_strjoinv(" ", (char **)(uintptr_t)cpum_feature_names());
            error_set(err, VIV_E_INVALID,
                      "CPU feature \"%s\" is not known; write +name or -name of: %s", *word, all);
            cpum_free(cpum);
            return NULL;
        }
    }
    return cpum;
}

void cpum_free(Cpum *cpum)
{
    g_free(cpum);
}

/* -- leaves ---------------------------------------------------------------------------------- */

static gboolean cpum_has(const Cpum *cpum, CpumWord word, uint32_t bit)
{
    return ((cpum->words[word] >> bit) & 1) != 0;
}

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
    regs[1] = (apic_id << 24) | (MIN(cpum->vcpu_count, 255) << 16) | (8 << 8);
    regs[2] = cpum->words[CPUM_1_ECX];
    regs[3] = cpum->words[CPUM_1_EDX];
    if (cpum->vcpu_count > 1) {
        regs[3] |= UINT32_C(1) << 28; /* HTT: the logical-processor count is valid */
    }
    if (!apic_on) {
        regs[3] &= ~(UINT32_C(1) << 9);
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

static void cpum_leaf_d(const Cpum *cpum, uint32_t sub, uint32_t regs[4])
{
    if (!cpum_has(cpum, CPUM_1_ECX, 26)) {
        return;
    }
    gboolean avx = cpum_has(cpum, CPUM_1_ECX, 28), pku = cpum_has(cpum, CPUM_7_ECX, 3);
    uint32_t bytes = avx ? VIV_XSAVE_AVX_OFFSET + 256 : VIV_XSAVE_AVX_OFFSET;
    if (sub == 0) { /* EBX follows XCR0: the engine mirrors it */
        regs[0] = (avx ? 7 : 3) | (pku ? 1u << 9 : 0);
        regs[1] = regs[2] = pku ? VIV_XSAVE_PKRU_OFFSET + 8 : bytes;
    } else if (sub == 1) {
        regs[0] = cpum->words[CPUM_D1_EAX];
        regs[1] = bytes + (pku ? 8 : 0);
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
    case 2: regs[0] = 0x00000001; break;
    case 5:
        if (cpum_has(cpum, CPUM_1_ECX, 3)) {
            regs[0] = regs[1] = 64; /* monitor line */
            regs[2] = 3;
        }
        break;
    case 6: regs[0] = 4; break; /* APIC timer always runs */
    case 7:
        if (sub == 0) {
            regs[1] = cpum->words[CPUM_7_EBX];
            regs[2] = cpum->words[CPUM_7_ECX];
            regs[3] = cpum->words[CPUM_7_EDX];
        }
        break;
    case 0xb: cpum_leaf_b(cpum, sub, apic_id, regs); break;
    case 0xd: cpum_leaf_d(cpum, sub, regs); break;
    default: break;
    }
}

/* L1 and L2 as a plain machine has them: 32 KiB + 32 KiB, 512 KiB. */
static void cpum_leaf_extended(const Cpum *cpum, uint32_t leaf, uint32_t regs[4])
{
    switch (leaf) {
    case 0x80000000: cpum_leaf_vendor(cpum, cpum->max_ext_leaf, regs); break;
    case 0x80000001:
        regs[0] = cpum->signature;
        regs[2] = cpum->words[CPUM_80000001_ECX];
        regs[3] = cpum->words[CPUM_80000001_EDX];
        if (!strcmp(cpum->vendor, CPUM_AMD)) {
            regs[3] |= cpum->words[CPUM_1_EDX] & CPUM_AMD_MIRROR;
            if (cpum->vcpu_count > 1) {
                regs[2] |= 2; /* CmpLegacy */
            }
        }
        break;
    case 0x80000002: cpum_text(regs, cpum->brand); break;
    case 0x80000003: cpum_text(regs, cpum->brand + 16); break;
    case 0x80000004: cpum_text(regs, cpum->brand + 32); break;
    case 0x80000005:
        regs[0] = regs[1] = 0x01ff01ff;
        regs[2] = regs[3] = 0x20080140;
        break;
    case 0x80000006: regs[2] = 0x02006140; break;
    case 0x80000007: regs[3] = cpum->words[CPUM_80000007_EDX]; break;
    case 0x80000008:
        regs[0] = cpum_has(cpum, CPUM_7_ECX, 16) ? 0x3928 : 0x3028; /* linear, physical bits */
        regs[2] = cpum->vcpu_count - 1;
        break;
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

void cpum_cpuid(const Cpum *cpum, uint32_t leaf, uint32_t subleaf, uint32_t apic_id,
                gboolean apic_on, uint32_t ret_regs[4])
{
    memset(ret_regs, 0, 4 * sizeof ret_regs[0]);
    if ((leaf >> 16) == 0x4000) {
        if (cpum_has(cpum, CPUM_1_ECX, 31)) {
            cpum_leaf_hypervisor(cpum, leaf, ret_regs);
        }
    } else if (leaf >= 0x80000000) {
        if (leaf <= cpum->max_ext_leaf) {
            cpum_leaf_extended(cpum, leaf, ret_regs);
        }
    } else {
        cpum_leaf_basic(cpum, MIN(leaf, cpum->max_leaf), subleaf, apic_id, apic_on, ret_regs);
    }
}

/* -- MSRs ------------------------------------------------------------------------------------ */

typedef struct CpumMsr {
    uint32_t first, last;
    uint64_t value;
} CpumMsr;

/* Known to system software, constant here; writes are accepted and dropped, as on parts without the
 * feature behind them. */
static const CpumMsr cpum_msrs[] = {
    {0x017, 0x017, 0},           /* IA32_PLATFORM_ID */
    {0x02a, 0x02a, 0},           /* EBL_CR_POWERON */
    {0x03a, 0x03a, 1},           /* IA32_FEATURE_CONTROL: locked, nothing on */
    {0x079, 0x079, 0},           /* IA32_BIOS_UPDT_TRIG */
    {0x08b, 0x08b, 0x100000000}, /* IA32_BIOS_SIGN_ID, patch level */
    {0x0c1, 0x0c4, 0},           /* PMCs */
    {0x0cd, 0x0cd, 0},           /* FSB frequency */
    {0x0ce, 0x0ce, 0},           /* PLATFORM_INFO */
    {0x0e7, 0x0e8, 0},           /* MPERF, APERF */
    {0x119, 0x119, 0},           /* BBL_CR_CTL */
    {0x179, 0x17b, 0},           /* IA32_MCG_*: no banks */
    {0x186, 0x189, 0},           /* event selects */
    {0x198, 0x199, 0},           /* PERF_STATUS, PERF_CTL */
    {0x19a, 0x19c, 0},           /* thermal */
    {0x1d9, 0x1d9, 0},           /* DEBUGCTL */
    {0x1db, 0x1de, 0},           /* LBR and LER */
    {0x400, 0x41f, 0},           /* machine-check banks */
    {0xc0010000, 0xc0010007, 0}, /* AMD event selects and counters */
    {0xc0010010, 0xc0010010, 0}, /* SYSCFG */
    {0xc0010015, 0xc0010015, 0}, /* HWCR */
    {0xc001001f, 0xc001001f, 0}, /* NB_CFG */
    {0xc0010055, 0xc0010055, 0}, /* Int Pending */
    {0xc0010058, 0xc0010058, 0}, /* MMIO config base */
    {0xc0010061, 0xc0010064, 0}, /* P-state */
    {0xc0010112, 0xc0010114, 0}, /* SMM base, mask; VM_CR */
    {0xc0010117, 0xc0010117, 0}, /* VM_HSAVE_PA */
    {0xc0010140, 0xc0010141, 0}, /* OSVW */
    {0xc0011004, 0xc0011005, 0}, /* CPUID overrides */
    {0xc0011020, 0xc001102f, 0}, /* LS, IC, DC, BU, DE configuration */
};

viv_status_t cpum_msr_read(const Cpum *cpum, uint32_t msr, uint64_t *ret_value)
{
    (void)cpum;
    for (size_t i = 0; i < G_N_ELEMENTS(cpum_msrs); i++) {
        if (msr >= cpum_msrs[i].first && msr <= cpum_msrs[i].last) {
            *ret_value = cpum_msrs[i].value;
            return VIV_OK;
        }
    }
    return VIV_E_NOT_FOUND;
}

viv_status_t cpum_msr_write(const Cpum *cpum, uint32_t msr, uint64_t value)
{
    uint64_t ignored;
    (void)value;
    return cpum_msr_read(cpum, msr, &ignored);
}
