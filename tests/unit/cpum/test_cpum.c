/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* CPUM: settings and what they resolve to, consistency of every model's CPUID leaves, MSRs by model,
 * reset states. */
#include <check.h>
#include <string.h>

#include "cpum/cpum.h"

typedef uint32_t Regs[4];

static Cpum *cpum_of(const char *spec)
{
    VivError err = VIV_ERROR_INIT;
    Cpum *cpum = cpum_new(spec, 1, 2000000000, &err);
    ck_assert_msg(cpum != NULL, "%s: %s", spec, error_text(&err));
    return cpum;
}

static void leaf(const Cpum *cpum, uint32_t number, uint32_t sub, Regs r)
{
    cpum_cpuid(cpum, number, sub, 0, TRUE, r);
}

/* -- settings -------------------------------------------------------------------------------- */

START_TEST(test_spec)
{
    static const struct {
        const char *spec, *model;
    } list[] = {
        {"", "x86-64-v3"},
        {NULL, "x86-64-v3"},
        {"386", "386"},
        {"386,+fpu", "386,+fpu"},
        {"x86-64-v2,+sse4_1", "x86-64-v2"},
        {"x86-64-v3,-avx2", "x86-64-v3,-avx2"},
        {"x86-64-v3,-avx2,+avx2", "x86-64-v3"},
        /* what needs it goes too */
        {"x86-64-v3,-avx", "x86-64-v3,-fma,-avx,-f16c,-avx2"},
        {"pentium3,-fpu", "pentium3,-fpu,-mmx,-fxsr,-sse"},
        {"core2,-lm", "core2,-cx16,-lahf-lm,-lm"},
        {"486,-cpuid", "486,-cpuid"},
        /* what it needs comes too */
        {"x86-64,+avx2", "x86-64,+sse3,+ssse3,+sse4.1,+sse4.2,+xsave,+avx,+avx2"},
        {"pentium,+sse2", "pentium,+mmx,+fxsr,+sse,+sse2"},
        {"pentium3,+lm", "pentium3,+lm"},
        /* the later word wins */
        {"x86-64-v3,-sse,+sse2", NULL},
        /* other names */
        {"core2,+SSE4.2", "core2,+sse4.1,+sse4.2"},
        {"core2,+lahf_lm,+pni", "core2"},
        {"core2,+sha_ni", "core2,+sha-ni"},
        {"core2,+tsc_deadline_timer,+cmpxchg16b", "core2"},
        {"core2,+lzcnt", "core2,+abm"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(list); i++) {
        Cpum *cpum = cpum_of(list[i].spec);
        if (list[i].model) {
            ck_assert_str_eq(cpum_model(cpum), list[i].model);
        }
        Cpum *again = cpum_of(cpum_model(cpum)); /* canonical: says the same once more */
        ck_assert_str_eq(cpum_model(again), cpum_model(cpum));
        cpum_free(again);
        cpum_free(cpum);
    }
}
END_TEST

START_TEST(test_spec_errors)
{
    static const char *const list[][2] = {
        {"z80", "x86-64-v3"},       {"486,sse", "sse"},       {"486,+sse9", "+sse9"},
        {"486,+", "\"+\""},         {"386,+sse", "no CPUID"}, {"286,+cpuid", "no CPUID"},
        {"486,,+fpu", "pclmulqdq"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(list); i++) {
        VivError err = VIV_ERROR_INIT;
        ck_assert_ptr_null(cpum_new(list[i][0], 1, 1, &err));
        ck_assert_int_eq(err.status, VIV_E_INVALID);
        ck_assert_msg(strstr(error_text(&err), list[i][1]) != NULL, "%s: %s", list[i][0],
                      error_text(&err));
        error_clear(&err);
    }
}
END_TEST

/* Each feature can be switched on and off on a model with CPUID, and what is then said again gives
 * the same CPU. */
START_TEST(test_every_feature)
{
    for (const char *const *name = cpum_feature_names(); *name; name++) {
        g_autofree char *on = g_strdup_printf("pentium,+%s", *name);
        g_autofree char *off = g_strdup_printf("x86-64-v3,-%s", *name);
        Cpum *a = cpum_of(on), *b = cpum_of(off);
        Cpum *c = cpum_of(cpum_model(a)), *d = cpum_of(cpum_model(b));
        ck_assert_str_eq(cpum_model(a), cpum_model(c));
        ck_assert_str_eq(cpum_model(b), cpum_model(d));
        cpum_free(a);
        cpum_free(b);
        cpum_free(c);
        cpum_free(d);
    }
}
END_TEST

/* -- leaves ---------------------------------------------------------------------------------- */

static void check_basic(const Cpum *cpum, const char *name)
{
    Regs r, e;
    leaf(cpum, 0, 0, r);
    uint32_t max = r[0];
    leaf(cpum, 1, 0, r);
    ck_assert_msg(max >= 1, "%s", name);
    ck_assert_uint_eq(r[0] >> 8 & 15, MIN(cpum_family(cpum), 15));
    if (r[2] & 1u << 26) { /* XSAVE */
        ck_assert_uint_ge(max, 0xd);
        leaf(cpum, 0xd, 0, e);
        ck_assert_uint_eq(e[0] >> 2 & 1, r[2] >> 28 & 1);
        ck_assert_uint_eq(e[2], e[0] & 0x200 ? 840 : e[0] & 4 ? 832 : 576);
    } else {
        ck_assert_msg(!(r[2] & 1u << 28), "%s: AVX without XSAVE", name);
    }
    ck_assert_msg(!(r[3] & 1u << 26) || (r[3] & 1u << 25), "%s: SSE2 without SSE", name);
}

static void check_extended(const Cpum *cpum, const char *name)
{
    Regs r, one;
    char brand[49] = {0};
    leaf(cpum, 0x80000000, 0, r);
    if (r[0] >> 16 != 0x8000) {
        return; /* there are none */
    }
    leaf(cpum, 1, 0, one);
    leaf(cpum, 0x80000001, 0, r);
    ck_assert_msg(!(r[3] & 1u << 29) || (one[3] & 1u << 6), "%s: LM without PAE", name);
    for (uint32_t i = 0; i < 3; i++) {
        leaf(cpum, 0x80000002 + i, 0, r);
        memcpy(brand + i * 16, r, 16);
    }
    ck_assert_msg(brand[0] >= 'A', "%s: brand \"%s\"", name, brand);
    leaf(cpum, 0x80000008, 0, r);
    ck_assert_uint_eq(r[0], 0x3028); /* 48 linear, 40 physical bits */
}

START_TEST(test_models)
{
    for (const char *const *name = cpum_model_names(); *name; name++) {
        Cpum *cpum = cpum_of(*name);
        Regs r;
        ck_assert_str_eq(cpum_model(cpum), *name); /* nothing drawn in behind its back */
        leaf(cpum, 0, 0, r);
        if (cpum_family(cpum) < 4) {
            ck_assert_uint_eq(r[0] | r[1] | r[2] | r[3], 0);
        } else {
            check_basic(cpum, *name);
            check_extended(cpum, *name);
        }
        cpum_free(cpum);
    }
}
END_TEST

/* x86-64 psABI 3.3.1, as {leaf, register, bit}; sub-leaf 0. */
typedef struct Bit {
    uint32_t leaf;
    uint8_t reg, bit;
} Bit;

static const Bit level_1[] = {
    {1, 3, 15}, {1, 3, 8},  {1, 3, 0},           {1, 3, 24},          {1, 3, 23},
    {1, 3, 25}, {1, 3, 26}, {0x80000001, 3, 11}, {0x80000001, 3, 29},
};
static const Bit level_2[] = {
    {1, 2, 13}, {0x80000001, 2, 0}, {1, 2, 23}, {1, 2, 0}, {1, 2, 19}, {1, 2, 20}, {1, 2, 9},
};
static const Bit level_3[] = {
    {1, 2, 28},
    {7, 1, 5},
    {7, 1, 3},
    {7, 1, 8},
    {1, 2, 29},
    {1, 2, 12},
    {0x80000001, 2, 5},
    {1, 2, 22},
    {1, 2, 26},
    /* and more that the default model is to have */
    {7, 1, 19},
    {1, 2, 25},
    {1, 2, 1},
    {7, 1, 29},
    {1, 2, 30},
    {7, 1, 18},
    {7, 1, 0},
    {7, 1, 7},
    {7, 1, 20},
    {7, 2, 2},
    {7, 2, 22},
    {0x80000001, 3, 27},
    {7, 1, 9},
    {7, 3, 4},
    {7, 1, 23},
    {7, 1, 24},
    {0x80000001, 3, 26},
    {1, 2, 31},
};

static void check_level(const Cpum *cpum, const Bit *bits, size_t count, gboolean want)
{
    gboolean all = TRUE;
    for (size_t i = 0; i < count; i++) {
        Regs r;
        leaf(cpum, bits[i].leaf, 0, r);
        all = all && (r[bits[i].reg] >> bits[i].bit & 1);
        ck_assert_msg(!want || all, "leaf %x register %u bit %u", bits[i].leaf, bits[i].reg,
                      bits[i].bit);
    }
    ck_assert_int_eq(all, want);
}

START_TEST(test_levels)
{
    static const struct {
        const char *model;
        int level;
    } list[] = {{"core2", 1}, {"x86-64", 1}, {"x86-64-v2", 2}, {"x86-64-v3", 3}, {NULL, 3}};
    for (size_t i = 0; i < G_N_ELEMENTS(list); i++) {
        Cpum *cpum = cpum_of(list[i].model);
        Regs r;
        check_level(cpum, level_1, G_N_ELEMENTS(level_1), TRUE);
        check_level(cpum, level_2, G_N_ELEMENTS(level_2), list[i].level >= 2);
        check_level(cpum, level_3, G_N_ELEMENTS(level_3), list[i].level >= 3);
        leaf(cpum, 1, 0, r);
        ck_assert_msg(!(r[2] & 8), "MONITOR is off unless asked for");
        leaf(cpum, 0xd, 1, r);
        if (list[i].level == 3) {
            ck_assert_uint_eq(r[0], 0xf);
            ck_assert_uint_eq(r[1], 840); /* with PKRU */
        }
        cpum_free(cpum);
    }
}
END_TEST

START_TEST(test_leaf_limits)
{
    Regs r, s;
    Cpum *cpum = cpum_of("core2"); /* Intel: the highest basic leaf once more */
    leaf(cpum, 0xa, 0, r);
    leaf(cpum, 0xffff, 0, s);
    ck_assert_mem_eq(r, s, sizeof r);
    leaf(cpum, 4, 0, r);
    ck_assert_uint_eq(r[0] & 0x1f, 1);
    leaf(cpum, 4, 3, r);
    ck_assert_uint_eq(r[0], 0);
    cpum_free(cpum);
    cpum = cpum_of("x86-64"); /* AMD: zeros, and no Intel cache leaves */
    leaf(cpum, 0xffff, 0, r);
    ck_assert_uint_eq(r[0] | r[1] | r[2] | r[3], 0);
    leaf(cpum, 2, 0, r);
    ck_assert_uint_eq(r[0] | r[3], 0);
    cpum_free(cpum);
    cpum = cpum_of("pentium3,+smep,+nx"); /* features bring their leaves */
    leaf(cpum, 0, 0, r);
    ck_assert_uint_eq(r[0], 7);
    leaf(cpum, 7, 0, r);
    ck_assert_uint_eq(r[1], 1u << 7);
    leaf(cpum, 0x80000000, 0, r);
    ck_assert_uint_eq(r[0], 0x80000001);
    cpum_free(cpum);
    cpum = cpum_of("x86-64,-hypervisor");
    leaf(cpum, 0x40000000, 0, r);
    ck_assert_uint_eq(r[0] | r[1], 0);
    cpum_free(cpum);
    cpum = cpum_of("x86-64-v3,+pku");
    leaf(cpum, 0xd, 9, r);
    ck_assert_uint_eq(r[0], 8);
    ck_assert_uint_eq(r[1], 832);
    leaf(cpum, 0xd, 0, r);
    ck_assert_uint_eq(r[0], 0x207);
    ck_assert_uint_eq(r[2], 840);
    leaf(cpum, 0xd, 1, r);
    ck_assert_uint_eq(r[1], 840);
    cpum_free(cpum);
}
END_TEST

START_TEST(test_apic_bit)
{
    Regs r;
    Cpum *cpum = cpum_of("x86-64");
    cpum_cpuid(cpum, 1, 0, 3, TRUE, r);
    ck_assert(r[3] & 0x200);
    ck_assert_uint_eq(r[1] >> 24, 3);
    cpum_cpuid(cpum, 1, 0, 3, FALSE, r);
    ck_assert(!(r[3] & 0x200));
    cpum_free(cpum);
    cpum = cpum_of("x86-64,-apic");
    cpum_cpuid(cpum, 1, 0, 3, TRUE, r);
    ck_assert(!(r[3] & 0x200) && !(r[2] & 1u << 21) && !(r[2] & 1u << 24));
    cpum_free(cpum);
}
END_TEST

/* -- MSRs ------------------------------------------------------------------------------------ */

START_TEST(test_msrs)
{
    static const struct {
        const char *spec;
        uint32_t msr;
        gboolean have;
    } list[] = {
        {"pentium", 0x12, TRUE},       {"pentium3", 0x12, FALSE},    {"pentium3", 0x17, TRUE},
        {"x86-64", 0x17, FALSE},       {"core2", 0x3a, TRUE},        {"pentium3", 0x3a, FALSE},
        {"x86-64", 0xc0010015, TRUE},  {"core2", 0xc0010015, FALSE}, {"x86-64", 0x179, TRUE},
        {"x86-64,-mca", 0x179, FALSE}, {"x86-64", 0xdead, FALSE},    {"486", 0x0, FALSE},
        {"pentium", 0x1, TRUE},        {"pentium,-mce", 0x1, FALSE},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(list); i++) {
        Cpum *cpum = cpum_of(list[i].spec);
        uint64_t value;
        viv_status_t want = list[i].have ? VIV_OK : VIV_E_NOT_FOUND;
        ck_assert_msg(cpum_msr_read(cpum, list[i].msr, &value) == want, "%s: %x", list[i].spec,
                      list[i].msr);
        ck_assert_int_eq(cpum_msr_write(cpum, list[i].msr, 0), want);
        cpum_free(cpum);
    }
}
END_TEST

START_TEST(test_unknown_msrs)
{
    Cpum *cpum = cpum_of("x86-64");
    uint64_t value = 5;
    cpum_ignore_unknown_msrs(cpum, TRUE);
    ck_assert_int_eq(cpum_msr_read(cpum, 0xdead, &value), VIV_OK);
    ck_assert_uint_eq(value, 0);
    ck_assert_int_eq(cpum_msr_write(cpum, 0xdead, 1), VIV_OK);
    ck_assert_int_eq(cpum_msr_read(cpum, 0x8b, &value), VIV_OK);
    ck_assert_uint_ne(value, 0);
    cpum_free(cpum);
}
END_TEST

START_TEST(test_apic_msrs)
{
    uint64_t x2 = 0xfee00d00, high = 1ull << 40 | 0x800, plain = 0xfee00900;
    Cpum *cpum = cpum_of("x86-64");
    ck_assert(cpum_msr_apic_ok(cpum, 0x1b, NULL) && cpum_msr_apic_ok(cpum, 0x1b, &plain));
    ck_assert(cpum_msr_apic_ok(cpum, 0x1b, &x2) && !cpum_msr_apic_ok(cpum, 0x1b, &high));
    ck_assert(cpum_msr_apic_ok(cpum, 0x802, NULL) && cpum_msr_apic_ok(cpum, 0x6e0, NULL));
    cpum_free(cpum);
    cpum = cpum_of("x86-64,-x2apic,-tsc-deadline");
    ck_assert(cpum_msr_apic_ok(cpum, 0x1b, &plain) && !cpum_msr_apic_ok(cpum, 0x1b, &x2));
    ck_assert(!cpum_msr_apic_ok(cpum, 0x802, NULL) && !cpum_msr_apic_ok(cpum, 0x6e0, NULL));
    cpum_free(cpum);
    cpum = cpum_of("pentium"); /* an APIC, but no base register */
    ck_assert(!cpum_msr_apic_ok(cpum, 0x1b, NULL));
    cpum_free(cpum);
}
END_TEST

/* -- reset ------------------------------------------------------------------------------------ */

START_TEST(test_reset)
{
    static const struct {
        const char *spec;
        uint64_t cr0, edx;
    } list[] = {
        {"386", 0, 0x308},
        {"386,+fpu", 0x10, 0x308},
        {"486", 0x60000010, 0x480},
        {"x86-64-v3", 0x60000010, 0xf61},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(list); i++) {
        Cpum *cpum = cpum_of(list[i].spec);
        viv_cpu_t cpu = {0};
        cpum_reset(cpum, &cpu, 0);
        ck_assert_uint_eq(cpu.cr0, list[i].cr0);
        ck_assert_uint_eq(cpu.gpr[VIV_REG_RDX], list[i].edx);
        cpu.cr0 = list[i].cr0 & 0x10; /* INIT keeps the caches as they are */
        cpum_init(cpum, &cpu);
        ck_assert_uint_eq(cpu.cr0, list[i].cr0 & 0x10);
        cpum_free(cpum);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cpum");
    TCase *tc = tcase_create("cpum");
    tcase_add_test(tc, test_spec);
    tcase_add_test(tc, test_spec_errors);
    tcase_add_test(tc, test_every_feature);
    tcase_add_test(tc, test_models);
    tcase_add_test(tc, test_levels);
    tcase_add_test(tc, test_leaf_limits);
    tcase_add_test(tc, test_apic_bit);
    tcase_add_test(tc, test_msrs);
    tcase_add_test(tc, test_unknown_msrs);
    tcase_add_test(tc, test_apic_msrs);
    tcase_add_test(tc, test_reset);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
