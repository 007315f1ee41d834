/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Unit tests of debug-exit, through the fake host. */
#include <stdlib.h>

#include <check.h>

#include "harness.h"

START_TEST(codes)
{
    Harness *h = harness_new("debug-exit", NULL);
    ck_assert_uint_eq(harness_in32(h, 0xf4), 0);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_VM_POWER_OFF), 0);
    harness_out8(h, 0xf4, 0);
    ck_assert_uint_eq(harness_event_last(h, HARNESS_EV_VM_POWER_OFF).a, 1);
    harness_out8(h, 0xf4, 0x10);
    ck_assert_uint_eq(harness_event_last(h, HARNESS_EV_VM_POWER_OFF).a, 0x21);
    harness_out16(h, 0xf5, 0x1234);
    ck_assert_uint_eq(harness_event_last(h, HARNESS_EV_VM_POWER_OFF).a, 0x2469);
    harness_out32(h, 0xf4, 0x80000001);
    ck_assert_uint_eq(harness_event_last(h, HARNESS_EV_VM_POWER_OFF).a, 3);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_VM_POWER_OFF), 4);
    harness_out8(h, 0xf8, 1);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_VM_POWER_OFF), 4);
    harness_save_load(h);
    harness_reset(h);
    harness_free(h);
}
END_TEST

START_TEST(configuration)
{
    static const char *const bad[] = {"IOSize=0", "IOSize=5", "IOBase=65536", "Port=1",
                                      "IOBase=0xffff"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        viv_status_t st = VIV_OK;
        ck_assert_ptr_null(harness_try_new("debug-exit", bad[i], &st));
        ck_assert_int_eq(st, i < 4 ? VIV_E_CONFIG : VIV_E_INVALID); /* beyond the last port */
    }
    Harness *h = harness_new("debug-exit", "IOBase=0x501,IOSize=1");
    harness_out8(h, 0x501, 2);
    ck_assert_uint_eq(harness_event_last(h, HARNESS_EV_VM_POWER_OFF).a, 5);
    harness_out8(h, 0x502, 2);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_VM_POWER_OFF), 1);
    harness_free(h);
    ck_assert_uint_ge(harness_construct_failures("debug-exit", NULL), 2);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("debug-exit");
    TCase *tc = tcase_create("debug-exit");
    tcase_add_test(tc, codes);
    tcase_add_test(tc, configuration);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
