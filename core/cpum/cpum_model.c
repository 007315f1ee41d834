/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* CPUM: CPU models, features and what a feature needs. Sources: Intel SDM vol. 2, CPUID; AMD APM
 * vol. 3, appendix E; x86-64 psABI, microarchitecture levels.
 *
 * A setting's words apply from left to right. +f switches on f and whatever it needs, -f switches
 * off f and whatever needs it. So -sse takes SSE2 ... AVX2 away too, and +avx2 brings AVX. */
#include <string.h>

#include "cpum/cpum_internal.h"

typedef struct CpumFeature {
    const char *name;
    uint8_t word, bit;
    const char *needs; /* names, beside "cpuid", which all but fpu need */
} CpumFeature;

/* Names as Linux and QEMU users know them. */
static const CpumFeature cpum_features[] = {
    {"fpu", CPUM_1_EDX, 0, NULL},
    {"cpuid", CPUM_CPUID, 0, NULL},
    {"vme", CPUM_1_EDX, 1, NULL},
    {"de", CPUM_1_EDX, 2, NULL},
    {"pse", CPUM_1_EDX, 3, NULL},
    {"tsc", CPUM_1_EDX, 4, NULL},
    {"msr", CPUM_1_EDX, 5, NULL},
    {"pae", CPUM_1_EDX, 6, NULL},
    {"mce", CPUM_1_EDX, 7, NULL},
    {"cx8", CPUM_1_EDX, 8, NULL},
    {"apic", CPUM_1_EDX, 9, NULL},
    {"sep", CPUM_1_EDX, 11, "msr"},
    {"mtrr", CPUM_1_EDX, 12, "msr"},
    {"pge", CPUM_1_EDX, 13, NULL},
    {"mca", CPUM_1_EDX, 14, "mce msr"},
    {"cmov", CPUM_1_EDX, 15, NULL},
    {"pat", CPUM_1_EDX, 16, "msr"},
    {"pse36", CPUM_1_EDX, 17, "pse"},
    {"clflush", CPUM_1_EDX, 19, NULL},
    {"mmx", CPUM_1_EDX, 23, "fpu"},
    {"fxsr", CPUM_1_EDX, 24, "fpu"},
    {"sse", CPUM_1_EDX, 25, "fxsr mmx"},
    {"sse2", CPUM_1_EDX, 26, "sse"},
    {"sse3", CPUM_1_ECX, 0, "sse2"},
    {"pclmulqdq", CPUM_1_ECX, 1, "sse2"},
    {"monitor", CPUM_1_ECX, 3, NULL},
    {"ssse3", CPUM_1_ECX, 9, "sse3"},
    {"fma", CPUM_1_ECX, 12, "avx"},
    {"cx16", CPUM_1_ECX, 13, "cx8 lm"},
    {"pcid", CPUM_1_ECX, 17, "lm"},
    {"sse4.1", CPUM_1_ECX, 19, "ssse3"},
    {"sse4.2", CPUM_1_ECX, 20, "sse4.1"},
    {"x2apic", CPUM_1_ECX, 21, "apic msr"},
    {"movbe", CPUM_1_ECX, 22, NULL},
    {"popcnt", CPUM_1_ECX, 23, NULL},
    {"tsc-deadline", CPUM_1_ECX, 24, "apic tsc msr"},
    {"aes", CPUM_1_ECX, 25, "sse2"},
    {"xsave", CPUM_1_ECX, 26, "fxsr"},
    {"avx", CPUM_1_ECX, 28, "xsave sse4.2"},
    {"f16c", CPUM_1_ECX, 29, "avx"},
    {"rdrand", CPUM_1_ECX, 30, NULL},
    {"hypervisor", CPUM_1_ECX, 31, NULL},
    {"fsgsbase", CPUM_7_EBX, 0, "lm"},
    {"bmi1", CPUM_7_EBX, 3, NULL},
    {"avx2", CPUM_7_EBX, 5, "avx"},
    {"smep", CPUM_7_EBX, 7, NULL},
    {"bmi2", CPUM_7_EBX, 8, NULL},
    {"erms", CPUM_7_EBX, 9, NULL},
    {"invpcid", CPUM_7_EBX, 10, NULL},
    {"rdseed", CPUM_7_EBX, 18, NULL},
    {"adx", CPUM_7_EBX, 19, NULL},
    {"smap", CPUM_7_EBX, 20, NULL},
    {"clflushopt", CPUM_7_EBX, 23, "clflush"},
    {"clwb", CPUM_7_EBX, 24, "clflush"},
    {"sha-ni", CPUM_7_EBX, 29, "sse2"},
    {"umip", CPUM_7_ECX, 2, NULL},
    {"pku", CPUM_7_ECX, 3, "xsave lm"},
    {"gfni", CPUM_7_ECX, 8, "sse2"},
    {"vaes", CPUM_7_ECX, 9, "avx aes"},
    {"vpclmulqdq", CPUM_7_ECX, 10, "avx pclmulqdq"},
    {"la57", CPUM_7_ECX, 16, "lm"},
    {"rdpid", CPUM_7_ECX, 22, "msr"},
    {"fsrm", CPUM_7_EDX, 4, NULL},
    {"xsaveopt", CPUM_D1_EAX, 0, "xsave"},
    {"xsavec", CPUM_D1_EAX, 1, "xsave"},
    {"xgetbv1", CPUM_D1_EAX, 2, "xsave"},
    {"xsaves", CPUM_D1_EAX, 3, "xsavec msr"},
    {"lahf-lm", CPUM_80000001_ECX, 0, "lm"},
    {"cr8legacy", CPUM_80000001_ECX, 4, NULL},
    {"abm", CPUM_80000001_ECX, 5, NULL},
    {"sse4a", CPUM_80000001_ECX, 6, "sse3"},
    {"3dnowprefetch", CPUM_80000001_ECX, 8, NULL},
    {"syscall", CPUM_80000001_EDX, 11, "msr"},
    {"nx", CPUM_80000001_EDX, 20, "pae msr"},
    {"pdpe1gb", CPUM_80000001_EDX, 26, "lm"},
    {"rdtscp", CPUM_80000001_EDX, 27, "tsc msr"},
    {"lm", CPUM_80000001_EDX, 29, "pae msr"},
    {"invtsc", CPUM_80000007_EDX, 8, "tsc"},
    {"wbnoinvd", CPUM_80000008_EBX, 9, NULL},
};
#define CPUM_FEATURES G_N_ELEMENTS(cpum_features)

/* Other names of the same features; dots and underscores count as dashes, and case does not. */
static const char *const cpum_aliases[][2] = {
    {"pni", "sse3"},
    {"pclmul", "pclmulqdq"},
    {"clfsh", "clflush"},
    {"cmpxchg8b", "cx8"},
    {"cmpxchg16b", "cx16"},
    {"sha", "sha-ni"},
    {"lzcnt", "abm"},
    {"prefetchw", "3dnowprefetch"},
    {"xd", "nx"},
    {"i64", "lm"},
    {"tsc-deadline-timer", "tsc-deadline"},
    {"rdrnd", "rdrand"},
    {"nonstop-tsc", "invtsc"},
    {"1gb-pages", "pdpe1gb"},
    {"osfxsr", "fxsr"},
    {"lahf-sahf", "lahf-lm"},
    {"ospke", "pku"},
};

typedef struct CpumModel {
    const char *name;
    const char *base; /* features of an earlier model too */
    const char *vendor;
    const char *brand;
    uint32_t signature, brand_index;
    uint32_t max_leaf, max_ext_leaf;
    const CpumCaches *caches;
    const char *features;
} CpumModel;

/* Coppermine: 16 KiB + 16 KiB L1, 256 KiB L2 (SDM vol. 2, table 3-12). */
static const CpumCaches cpum_caches_pentium3 = {
    .descriptors = {0x03020101, 0, 0, 0x0c040882},
};

/* Merom: 32 KiB + 32 KiB L1, 4 MiB L2, 64-byte lines. */
static const CpumCaches cpum_caches_core2 = {
    .descriptors = {0x05b0b101, 0x005657f0, 0, 0x2cb43049},
    .leaf_4 = {{0x121, 0x01c0003f, 63}, {0x122, 0x01c0003f, 63}, {0x143, 0x03c0003f, 4095}},
    .leaf_80000006_c = 0x10008040,
};

/* The signatures are of a Pentium 75-200, a Coppermine, a Merom. That of the x86-64 models is an
 * AMD K8's: guests then work around nothing that an emulated CPU does not have. */
static const CpumModel cpum_models[] = {
    {"8086", NULL, "", "", 0x0000, 0, 0, 0, NULL, ""},
    {"286", NULL, "", "", 0x0200, 0, 0, 0, NULL, ""},
    {"386", NULL, "", "", 0x0308, 0, 0, 0, NULL, ""},
    {"486", NULL, CPUM_INTEL, "", 0x0480, 0, 1, 0, NULL, "fpu cpuid"},
    {"pentium", "486", CPUM_INTEL, "", 0x052c, 0, 1, 0, NULL, "vme de pse tsc msr mce cx8 apic"},
    {"pentium3", "pentium", CPUM_INTEL, "", 0x068a, 2, 2, 0, &cpum_caches_pentium3,
     "pae sep mtrr pge mca cmov pat pse36 mmx fxsr sse"},
    {"core2", "pentium3", CPUM_INTEL, "Intel(R) Core(TM)2 CPU", 0x06fb, 0, 10, 0x80000008,
     &cpum_caches_core2,
     "clflush sse2 sse3 ssse3 cx16 syscall nx lm lahf-lm x2apic tsc-deadline hypervisor"},
    {"x86-64", "pentium3", CPUM_AMD, "Vivarium Virtual CPU x86-64", 0x0f61, 0, 0xd, 0x80000008,
     NULL, "clflush sse2 syscall nx lm x2apic tsc-deadline hypervisor invtsc rdtscp 3dnowprefetch"},
    {"x86-64-v2", "x86-64", CPUM_AMD, "Vivarium Virtual CPU x86-64-v2", 0x0f61, 0, 0xd, 0x80000008,
     NULL, "sse3 ssse3 cx16 sse4.1 sse4.2 popcnt lahf-lm smep smap"},
    {"x86-64-v3", "x86-64-v2", CPUM_AMD, "Vivarium Virtual CPU x86-64-v3", 0x0f61, 0, 0xd,
     0x80000008, NULL,
     "pclmulqdq fma movbe aes xsave avx f16c rdrand fsgsbase bmi1 avx2 bmi2 erms rdseed adx "
     "clflushopt clwb sha-ni umip rdpid fsrm xsaveopt xsavec xgetbv1 xsaves abm pdpe1gb wbnoinvd "
     "pcid invpcid pku"},
};
#define CPUM_DEFAULT_MODEL "x86-64-v3"

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
    static const char *names[CPUM_FEATURES + 1];
    for (size_t i = 0; i < CPUM_FEATURES; i++) {
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

gboolean cpum_is_intel(const Cpum *cpum)
{
    return !strcmp(cpum->vendor, CPUM_INTEL);
}

uint32_t cpum_phys_bits(const Cpum *cpum)
{
    if (cpum_has(cpum, CPUM_80000001_EDX, 29)) {
        return 40;
    }
    return cpum_has(cpum, CPUM_1_EDX, 6) || cpum_has(cpum, CPUM_1_EDX, 17) ? 36 : 32;
}

/* -- features -------------------------------------------------------------------------------- */

static gboolean cpum_name_equal(const char *a, const char *b)
{
    for (;; a++, b++) {
        int x = *a == '.' || *a == '_' ? '-' : g_ascii_tolower(*a);
        int y = *b == '.' || *b == '_' ? '-' : g_ascii_tolower(*b);
        if (x != y) {
            return FALSE;
        }
        if (!x) {
            return TRUE;
        }
    }
}

static const CpumFeature *cpum_feature_exact(const char *name)
{
    for (size_t i = 0; i < CPUM_FEATURES; i++) {
        if (!strcmp(name, cpum_features[i].name)) {
            return &cpum_features[i];
        }
    }
    return NULL;
}

/* By any of its names, as users write them. */
static const CpumFeature *cpum_feature_find(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(cpum_aliases); i++) {
        if (cpum_name_equal(name, cpum_aliases[i][0])) {
            name = cpum_aliases[i][1];
            break;
        }
    }
    for (size_t i = 0; i < CPUM_FEATURES; i++) {
        if (cpum_name_equal(name, cpum_features[i].name)) {
            return &cpum_features[i];
        }
    }
    return NULL;
}

static gboolean cpum_feature_is_on(const Cpum *cpum, const CpumFeature *feature)
{
    return cpum_has(cpum, feature->word, feature->bit);
}

static gboolean cpum_feature_names_need(const CpumFeature *feature, const CpumFeature *other)
{
    if (!strcmp(other->name, "cpuid")) {
        return feature != other && strcmp(feature->name, "fpu") != 0;
    }
    g_auto(GStrv) names = g_strsplit(feature->needs ? feature->needs : "", " ", -1);
    return g_strv_contains((const char *const *)names, other->name);
}

/* [feature][other], from the names, once. [any] */
typedef gboolean CpumNeeds[CPUM_FEATURES][CPUM_FEATURES];

static const CpumNeeds *cpum_needs(void)
{
    static CpumNeeds needs;
    static gsize done;
    if (g_once_init_enter(&done)) {
        for (size_t i = 0; i < CPUM_FEATURES; i++) {
            for (size_t k = 0; k < CPUM_FEATURES; k++) {
                needs[i][k] = cpum_feature_names_need(&cpum_features[i], &cpum_features[k]);
            }
        }
        g_once_init_leave(&done, 1);
    }
    return (const CpumNeeds *)&needs;
}

/* With what it needs, or what needs it; the table has no circles. */
static void cpum_feature_switch(Cpum *cpum, const CpumFeature *feature, gboolean on)
{
    uint32_t bit = UINT32_C(1) << feature->bit, *word = &cpum->words[feature->word];
    size_t index = (size_t)(feature - cpum_features);
    const CpumNeeds *needs = cpum_needs();
    *word = on ? *word | bit : *word & ~bit;
    for (size_t i = 0; i < CPUM_FEATURES; i++) {
        gboolean follows = on ? (*needs)[index][i] : (*needs)[i][index];
        if (follows && cpum_feature_is_on(cpum, &cpum_features[i]) != on) {
            cpum_feature_switch(cpum, &cpum_features[i], on);
        }
    }
}

/* -- models ---------------------------------------------------------------------------------- */

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
            cpum_feature_switch(cpum, cpum_feature_exact(*name), TRUE);
        }
    }
    cpum->signature = model->signature;
    cpum->brand_index = model->brand_index;
    cpum->max_leaf = model->max_leaf;
    cpum->max_ext_leaf = model->max_ext_leaf;
    cpum->caches = model->caches;
    g_strlcpy(cpum->vendor, model->vendor, sizeof cpum->vendor);
    g_strlcpy(cpum->brand, model->brand, sizeof cpum->brand);
}

/* Leaves that a feature's bit lies in exist, whatever the model had. */
static void cpum_leaves_cover(Cpum *cpum)
{
    static const struct {
        uint8_t word;
        uint32_t leaf;
    } homes[] = {
        {CPUM_7_EBX, 7},
        {CPUM_7_ECX, 7},
        {CPUM_7_EDX, 7},
        {CPUM_D1_EAX, 0xd},
        {CPUM_80000001_ECX, 0x80000001},
        {CPUM_80000001_EDX, 0x80000001},
        {CPUM_80000007_EDX, 0x80000007},
        {CPUM_80000008_EBX, 0x80000008},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(homes); i++) {
        uint32_t leaf = homes[i].leaf;
        uint32_t *max = leaf >> 31 ? &cpum->max_ext_leaf : &cpum->max_leaf;
        if (cpum->words[homes[i].word]) {
            *max = MAX(*max, leaf);
        }
    }
    if (cpum_has(cpum, CPUM_1_ECX, 3)) { /* MONITOR */
        cpum->max_leaf = MAX(cpum->max_leaf, 5);
    }
    if (cpum_has(cpum, CPUM_1_ECX, 26)) { /* XSAVE */
        cpum->max_leaf = MAX(cpum->max_leaf, 0xd);
    }
    if (cpum_has(cpum, CPUM_80000001_EDX, 29)) { /* long mode: address sizes */
        cpum->max_ext_leaf = MAX(cpum->max_ext_leaf, 0x80000008);
    }
}

/* "MODEL[,+f][,-f]", with all that was resolved: equal for equal CPUs. */
static char *cpum_model_describe(const Cpum *cpum, const CpumModel *model)
{
    Cpum plain = {0};
    cpum_model_apply(&plain, model);
    GString *text = g_string_new(model->name);
    for (size_t i = 0; i < CPUM_FEATURES; i++) {
        gboolean on = cpum_feature_is_on(cpum, &cpum_features[i]);
        if (on != cpum_feature_is_on(&plain, &cpum_features[i])) {
            g_string_append_printf(text, ",%c%s", on ? '+' : '-', cpum_features[i].name);
        }
    }
    return g_string_free(text, FALSE);
}

static viv_status_t cpum_word_apply(Cpum *cpum, const char *model, const char *word, VivError *err)
{
    const CpumFeature *feature = *word == '+' || *word == '-' ? cpum_feature_find(word + 1) : NULL;
    if (!feature) {
        g_autofree char *all = g_strjoinv(" ", (char **)(uintptr_t)cpum_feature_names());
        return error_set(err, VIV_E_INVALID,
                         "CPU feature \"%s\" is not known; write +name or -name of: %s", word, all);
    }
    if (*word == '+' && cpum_family(cpum) < 4 && strcmp(feature->name, "fpu") != 0) {
        return error_set(err, VIV_E_INVALID,
                         "CPU feature \"%s\": a %s has no CPUID, only fpu can be added to it", word,
                         model);
    }
    cpum_feature_switch(cpum, feature, *word == '+');
    return VIV_OK;
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
        if (cpum_word_apply(cpum, model->name, *word, err)) {
            cpum_free(cpum);
            return NULL;
        }
    }
    cpum_leaves_cover(cpum);
    cpum->model = cpum_model_describe(cpum, model);
    return cpum;
}

void cpum_free(Cpum *cpum)
{
    if (cpum) {
        g_free(cpum->model);
        g_free(cpum);
    }
}
