/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pcibridge: identity, write masks of the type 1 header, state. What it forwards is the host's to
 * test. */
#include <check.h>
#include <stdlib.h>

#include "harness.h"

static uint32_t probe(Harness *h, uint32_t off)
{
    harness_cfg_write(h, 0, off, 0xffffffff, 4);
    return harness_cfg_read(h, 0, off, 4);
}

START_TEST(identity)
{
    Harness *h = harness_new("pcibridge", NULL);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0, 4), 0x24488086);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0x09, 1), 0x01); /* subtractive */
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0x0a, 2), 0x0604);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0x0e, 1), 1);
    ck_assert_uint_eq(harness_pci_devfn(h, 0), 24 << 3);
    ck_assert_uint_eq(harness_cap_find(h, 0, 0x0d), 0xa0);
    ck_assert_int_eq(harness_add(h, "pcibridge", "Subtractive=0"), 1);
    harness_select(h, 1);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0x09, 1), 0x00);
    ck_assert_uint_eq(harness_pci_devfn(h, 0), 25 << 3);
    harness_free(h);
}
END_TEST

START_TEST(header)
{
    Harness *h = harness_new("pcibridge", NULL);
    ck_assert_uint_eq(probe(h, 0x10), 0); /* no BARs */
    ck_assert_uint_eq(probe(h, 0x14), 0);
    ck_assert_uint_eq(probe(h, 0x18), 0xf8ffffff);
    ck_assert_uint_eq(probe(h, 0x1c) & 0xffff, 0xf0f0);
    ck_assert_uint_eq(probe(h, 0x20), 0xfff0fff0);
    ck_assert_uint_eq(probe(h, 0x24), 0xfff0fff0);
    ck_assert_uint_eq(probe(h, 0x28), 0);
    ck_assert_uint_eq(probe(h, 0x30), 0);
    ck_assert_uint_eq(probe(h, 0x3c) >> 16, 0x0b7f);
    ck_assert_uint_eq(probe(h, 0x04) & 0xffff, 0x0147);
    harness_save_load(h);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0x18, 4), 0xf8ffffff);
    harness_reset(h);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0x18, 4), 0);
    harness_free(h);
}
END_TEST

START_TEST(failures)
{
    ck_assert_uint_ge(harness_construct_failures("pcibridge", NULL), 3);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("pcibridge");
    TCase *tc = tcase_create("all");
    tcase_add_test(tc, identity);
    tcase_add_test(tc, header);
    tcase_add_test(tc, failures);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
