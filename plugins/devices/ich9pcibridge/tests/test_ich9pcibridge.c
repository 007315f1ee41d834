/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ich9pcibridge: both faces, the port's capabilities, state. What it forwards is the host's to
 * test. */
#include <check.h>
#include <stdlib.h>

#include "harness.h"

START_TEST(port)
{
    Harness *h = harness_new("ich9pcibridge", NULL);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0, 4), 0x29e18086);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0x08, 4), 0x06040002);
    uint32_t cap = harness_cap_find(h, 0, 0x10);
    ck_assert_uint_eq(cap, 0xa0);
    ck_assert_uint_eq(harness_cfg_read(h, 0, cap + 2, 2), 0x0042);
    ck_assert_uint_eq(harness_cfg_read(h, 0, cap + 0x12, 2), 0x2011);
    ck_assert_uint_eq(harness_cap_find(h, 0, 0x05), 0x90);
    ck_assert_uint_eq(harness_cap_find(h, 0, 0x01), 0x80);
    ck_assert_uint_eq(harness_cap_find(h, 0, 0x0d), 0x88);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0x100, 4), 0); /* 4096 bytes, no extended capability */
    harness_cfg_write(h, 0, cap + 0x10, 0xffff, 2);
    ck_assert_uint_eq(harness_cfg_read(h, 0, cap + 0x10, 2), 0x0fd3); /* retraining is over */
    harness_cfg_write(h, 0, 0x24, 0xffffffff, 4);
    harness_cfg_write(h, 0, 0x28, 0xffffffff, 4);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0x24, 4), 0xfff1fff1);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0x28, 4), 0xffffffff);
    harness_cfg_write(h, 0, 0x3e, 0xffff, 2);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0x3e, 2), 0x005f);
    harness_save_load(h);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0x28, 4), 0xffffffff);
    ck_assert_uint_eq(harness_cfg_read(h, 0, cap + 0x10, 2), 0x0fd3);
    harness_reset(h);
    ck_assert_uint_eq(harness_cfg_read(h, 0, cap + 0x10, 2), 0);
    harness_free(h);
}
END_TEST

START_TEST(conventional)
{
    Harness *h = harness_new("ich9pcibridge", "ExpressEnabled=0");
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0, 4), 0x24488086);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0x09, 1), 1);
    ck_assert_uint_eq(harness_cap_find(h, 0, 0x10), 0);
    ck_assert_uint_eq(harness_cap_find(h, 0, 0x0d), 0x50);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0x100, 4), 0xffffffff);
    harness_free(h);
}
END_TEST

START_TEST(failures)
{
    ck_assert_uint_ge(harness_construct_failures("ich9pcibridge", NULL), 6);
    ck_assert_uint_ge(harness_construct_failures("ich9pcibridge", "ExpressEnabled=0"), 3);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ich9pcibridge");
    TCase *tc = tcase_create("all");
    tcase_add_test(tc, port);
    tcase_add_test(tc, conventional);
    tcase_add_test(tc, failures);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
