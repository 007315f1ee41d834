/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Unit tests of VMMDev's test ports, through the fake host. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include "harness.h"

#define INIT    0xcab1e000u
#define TERM    0xcab1e001u
#define SUB     0xcab1e002u
#define DONE    0xcab1e003u
#define FAILED  0xcab1e004u
#define VALUE   0xcab1e005u
#define SKIPPED 0xcab1e006u
#define REG     0xcab1e007u
#define PRINT   0xcab1e008u
#define QUERY   0xcab1e009u

static char text_path[64], xml_path[64];

static void paths(void)
{
    snprintf(text_path, sizeof(text_path), "vmmdev-%d.txt", (int)getpid());
    snprintf(xml_path, sizeof(xml_path), "vmmdev-%d.xml", (int)getpid());
}

static void unpaths(void)
{
    unlink(text_path);
    unlink(xml_path);
}

static Harness *ports(const char *more)
{
    char options[512];
    snprintf(options, sizeof(options),
             "TestingEnabled=1,TestingOutputFile=%s,TestingXmlOutputFile=%s%s", text_path, xml_path,
             more);
    return harness_new("VMMDev", options);
}

static void text(Harness *h, uint32_t command, const char *what)
{
    harness_out32(h, 0x513, command);
    harness_outs(h, 0x514, 1, what, (uint32_t)strlen(what) + 1);
}

static void number(Harness *h, uint32_t command, uint32_t value)
{
    harness_out32(h, 0x513, command);
    harness_out32(h, 0x514, value);
}

static void value(Harness *h, const char *name, uint64_t v, uint32_t unit)
{
    harness_out32(h, 0x513, VALUE);
    harness_out32(h, 0x514, (uint32_t)v);
    harness_out32(h, 0x514, (uint32_t)(v >> 32));
    harness_out32(h, 0x514, unit);
    harness_outs(h, 0x514, 1, name, (uint32_t)strlen(name) + 1);
}

static char *slurp(const char *path)
{
    FILE *f = fopen(path, "r");
    ck_assert_ptr_nonnull(f);
    char *all = calloc(1, 1 << 20);
    ck_assert_ptr_nonnull(all);
    size_t n = fread(all, 1, (1 << 20) - 1, f);
    ck_assert_uint_lt(n, (1 << 20) - 1);
    fclose(f);
    return all;
}

static unsigned occurrences(const char *in, const char *of)
{
    unsigned n = 0;
    for (const char *at = in; (at = strstr(at, of)); at += strlen(of)) {
        n++;
    }
    return n;
}

START_TEST(a_test_run)
{
    Harness *h = ports(",TestingEndAtTerm=1");
    text(h, INIT, "demo");
    text(h, SUB, "first");
    text(h, PRINT, "hello, world\n");
    value(h, "speed", 0x100000002ull, 0x14);
    number(h, DONE, 0);
    text(h, SUB, "second <&>");
    text(h, FAILED, "it is \"5\"\x80");
    number(h, DONE, 1);
    text(h, SUB, "third");
    text(h, SKIPPED, "no such CPU");
    number(h, TERM, 1);
    ck_assert_uint_eq(harness_event_last(h, HARNESS_EV_VM_POWER_OFF).a, 1);
    ck_assert_uint_eq(harness_stam(h, "SubTests"), 3);
    ck_assert_uint_eq(harness_stam(h, "Failures"), 1);
    ck_assert_uint_eq(harness_stam(h, "Junk"), 0);
    harness_free(h);
    char *all = slurp(text_path);
    ck_assert_str_eq(all, "test: demo\nsub: first\nprint: hello, world\n"
                          "value: speed = 4294967298 ns/call\nsub-end: 0 errors\n"
                          "sub: second <&>\nfailed: it is \"5\"?\nsub-end: 1 errors\n"
                          "sub: third\nskipped: no such CPU\nend: 1 errors\n");
    free(all);
    all = slurp(xml_path);
    ck_assert_uint_eq(occurrences(all, "<Test "), 4);
    ck_assert_uint_eq(occurrences(all, "</Test>"), 4);
    ck_assert_uint_eq(occurrences(all, "<Failed "), 2);
    ck_assert_ptr_nonnull(strstr(all, "name=\"second &lt;&amp;&gt;\""));
    ck_assert_ptr_nonnull(strstr(all, "reason=\"it is &quot;5&quot;?\""));
    ck_assert_ptr_nonnull(strstr(all, "name=\"speed\" unit=\"ns/call\" value=\"4294967298\"/>"));
    ck_assert_ptr_nonnull(strstr(all, "2009-02-13T23:31:30Z"));
    ck_assert_ptr_nonnull(strstr(all, "\n</Tests>\n"));
    free(all);
}
END_TEST

START_TEST(passing_ends_with_zero)
{
    Harness *h = ports(",TestingEndAtTerm=1");
    text(h, INIT, "demo");
    number(h, TERM, 0);
    ck_assert_uint_eq(harness_event_last(h, HARNESS_EV_VM_POWER_OFF).a, 0);
    harness_free(h);
    h = ports(",TestingEndAtTerm=1"); /* a failure that the guest forgot to count */
    text(h, INIT, "demo");
    text(h, SUB, "x");
    number(h, DONE, 2);
    number(h, TERM, 0);
    ck_assert_uint_eq(harness_event_last(h, HARNESS_EV_VM_POWER_OFF).a, 1);
    harness_free(h);
    h = ports("");
    number(h, TERM, 0);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_VM_POWER_OFF), 0);
    harness_free(h);
}
END_TEST

START_TEST(simple_ports)
{
    Harness *h = ports(",TestingCfgDword0=7,TestingCfgDword9=0xdeadbeef");
    ck_assert_uint_eq(harness_in32(h, 0x510), 0x64726962);
    ck_assert_uint_eq(harness_in8(h, 0x510), 0x62);
    ck_assert_uint_eq(harness_in16(h, 0x515), 0x6962);
    harness_out8(h, 0x510, 1);
    harness_advance_ns(h, 0x1234567890ull);
    ck_assert_uint_eq(harness_in32(h, 0x511), 0x34567890);
    harness_advance_ns(h, 0x10000000000ull); /* latched by the lower half */
    ck_assert_uint_eq(harness_in32(h, 0x512), 0x12);
    ck_assert_uint_eq(harness_in8(h, 0x511), 0xff);
    harness_out32(h, 0x517, 0x12345678);
    ck_assert_uint_eq(harness_in32(h, 0x517), 0x12345678);
    ck_assert_uint_eq(harness_in8(h, 0x516), 0);
    ck_assert_uint_eq(harness_in32(h, 0x514), 0xffffffff);
    harness_out16(h, 0x513, 0xe009); /* the magic's upper half goes without saying */
    harness_out16(h, 0x514, 9);
    ck_assert_uint_eq(harness_in32(h, 0x514), 0xdeadbeef);
    harness_out16(h, 0x514, 0);
    ck_assert_uint_eq(harness_in32(h, 0x514), 7);
    harness_save_load(h);
    ck_assert_uint_eq(harness_in32(h, 0x514), 7);
    harness_out16(h, 0x514, 0x100);
    ck_assert_uint_eq(harness_in8(h, 0x514), 0);
    harness_out16(h, 0x514, 0x7777);
    ck_assert_uint_eq(harness_in32(h, 0x514), 0xffffffff);
    ck_assert(!harness_mmio_mapped(h, 0xdf000));
    harness_free(h);
}
END_TEST

START_TEST(test_memory)
{
    Harness *h = ports(",TestingMMIO=1");
    ck_assert_uint_eq(harness_mmio_read(h, 0xdf000, 4), 0x64726962);
    ck_assert_uint_eq(harness_mmio_read(h, 0xdf008, 8), 0x64726962);
    ck_assert_uint_eq(harness_mmio_read(h, 0xdf001, 1), 0x69);
    harness_mmio_write(h, 0xdf000, 1, 8);
    harness_mmio_write(h, 0xdf040, 0x1122334455667788, 8);
    ck_assert_uint_eq(harness_mmio_read(h, 0xdf080, 8), 0x1122334455667788);
    harness_mmio_write(h, 0xdf0bf, 0x99, 1);
    ck_assert_uint_eq(harness_mmio_read(h, 0xdf07f, 1), 0x99);
    ck_assert_uint_eq(harness_mmio_read(h, 0xdf043, 2), 0x4455);
    harness_save_load(h);
    ck_assert_uint_eq(harness_mmio_read(h, 0xdf040, 4), 0x55667788);
    ck_assert_uint_eq(harness_mmio_read(h, 0xdf0c0, 4), 0xffffffff);
    ck_assert_uint_eq(harness_mmio_read(h, 0xdf020, 2), 0xffff);
    ck_assert_uint_eq(harness_mmio_read(h, 0xdf0be, 4), 0xffffffff); /* beyond the window's end */
    harness_free(h);
}
END_TEST

START_TEST(junk_and_long_texts)
{
    Harness *h = ports("");
    char longer[3000];
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = 0;
    harness_out8(h, 0x514, 'a');         /* no command yet */
    harness_out32(h, 0x513, 0xcab1e00a); /* none such */
    harness_out32(h, 0x513, 0xcab1f000);
    harness_out8(h, 0x513, 0);
    ck_assert_uint_eq(harness_stam(h, "Junk"), 4);
    harness_out32(h, 0x513, VALUE);
    harness_out8(h, 0x514, 'a'); /* the dwords come first */
    harness_out32(h, 0x514, 1);
    harness_out32(h, 0x514, 2);
    harness_save_load(h); /* in the middle of it */
    harness_out32(h, 0x514, 0x99);
    harness_out32(h, 0x514, 4); /* one too many */
    harness_out8(h, 0x514, 'v');
    harness_save_load(h);
    harness_out8(h, 0x514, 0);
    text(h, PRINT, longer);
    text(h, PRINT, "");
    text(h, REG, "ticks:tsc");
    text(h, REG, "eax");
    harness_free(h);
    char *all = slurp(text_path);
    ck_assert_ptr_nonnull(strstr(all, "value: v = 8589934593 unknown unit\n"));
    ck_assert_uint_eq(occurrences(all, "x"), 1023 + 1 /* eax */);
    ck_assert_ptr_nonnull(strstr(all, "print: \n"));
    ck_assert_ptr_nonnull(strstr(all, "value: ticks = 0 ticks\n"));
    ck_assert_ptr_nonnull(strstr(all, "value: eax: not readable from here\n"));
    free(all);
}
END_TEST

START_TEST(tests_that_do_not_end)
{
    Harness *h = ports("");
    text(h, INIT, "one");
    text(h, SUB, "a");
    text(h, SUB, "b");
    text(h, INIT, "two");
    harness_reset(h);
    number(h, DONE, 0); /* of nothing */
    text(h, INIT, "three");
    text(h, SUB, "c");
    harness_save_load(h);
    harness_free(h);
    char *all = slurp(xml_path); /* of the instance after the load */
    ck_assert_uint_eq(occurrences(all, "<Test "), 2);
    ck_assert_uint_eq(occurrences(all, "</Test>"), 2);
    ck_assert_ptr_nonnull(strstr(all, "the test did not end"));
    free(all);
}
END_TEST

START_TEST(configuration)
{
    viv_status_t st;
    ck_assert_ptr_null(harness_try_new("VMMDev", NULL, &st));
    ck_assert_int_eq(st, VIV_E_CONFIG);
    ck_assert_ptr_nonnull(strstr(harness_error(), "TestingEnabled"));
    Harness *h = harness_create();
    harness_vm_has_device(h, "qemu-fw-cfg");
    ck_assert_int_eq(harness_start(h, "VMMDev", "TestingEnabled=1"), VIV_E_EXISTS);
    ck_assert_ptr_nonnull(strstr(harness_error(), "qemu-fw-cfg"));
    harness_free(h);
    ck_assert_ptr_null(
        harness_try_new("VMMDev", "TestingEnabled=1,TestingOutputFile=/nowhere/at/all", &st));
    ck_assert_int_eq(st, VIV_E_IO);
    ck_assert_uint_gt(harness_construct_failures("VMMDev", "TestingEnabled=1,TestingMMIO=1"), 8);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("vmmdev");
    TCase *tc = tcase_create("vmmdev");
    tcase_add_checked_fixture(tc, paths, unpaths);
    tcase_add_test(tc, a_test_run);
    tcase_add_test(tc, passing_ends_with_zero);
    tcase_add_test(tc, simple_ports);
    tcase_add_test(tc, test_memory);
    tcase_add_test(tc, junk_and_long_texts);
    tcase_add_test(tc, tests_that_do_not_end);
    tcase_add_test(tc, configuration);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
