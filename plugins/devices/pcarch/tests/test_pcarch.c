/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Unit tests of pcarch, through the fake host. */
#include <stdlib.h>

#include <check.h>

#include "harness.h"

START_TEST(a20_gate)
{
    Harness *h = harness_new("pcarch", NULL);
    ck_assert_uint_eq(harness_a20(h), 0);
    ck_assert_uint_eq(harness_in8(h, 0x92), 0);
    harness_out8(h, 0x92, 0x02);
    ck_assert_uint_eq(harness_a20(h), 1);
    ck_assert_uint_eq(harness_in8(h, 0x92), 0x02);
    harness_out8(h, 0x92, 0xfc);
    ck_assert_uint_eq(harness_a20(h), 0);
    ck_assert_uint_eq(harness_in8(h, 0x92), 0x00); /* the other bits are reserved */
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_CPU_INIT), 0);
    harness_free(h);
}
END_TEST

START_TEST(fast_reset_is_an_edge)
{
    Harness *h = harness_create();
    harness_vm_cpus(h, 3);
    ck_assert_int_eq(harness_start(h, "pcarch", NULL), VIV_OK);
    harness_out8(h, 0x92, 0x03);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_CPU_INIT), 3);
    ck_assert_uint_eq(harness_event(h, HARNESS_EV_CPU_INIT, 2).a, 2);
    harness_out8(h, 0x92, 0x03);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_CPU_INIT), 3);
    harness_out8(h, 0x92, 0x02);
    harness_out8(h, 0x92, 0x03);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_CPU_INIT), 6);
    ck_assert_uint_eq(harness_a20(h), 1); /* INIT leaves it alone */
    harness_free(h);
}
END_TEST

START_TEST(coprocessor_error)
{
    Harness *h = harness_new("pcarch", NULL);
    harness_ferr(h, 1);
    ck_assert_uint_eq(harness_irq_level(h, 13), 1);
    ck_assert_uint_eq(harness_ignne(h), 0);
    harness_out8(h, 0xf0, 0);
    ck_assert_uint_eq(harness_irq_level(h, 13), 0);
    ck_assert_uint_eq(harness_ignne(h), 1);
    harness_out8(h, 0xf0, 0); /* again: nothing more happens */
    ck_assert_uint_eq(harness_ignne(h), 1);
    harness_ferr(h, 0);
    ck_assert_uint_eq(harness_ignne(h), 0);
    harness_ferr(h, 1);
    ck_assert_uint_eq(harness_irq_level(h, 13), 1);
    harness_ferr(h, 0); /* the latch stays until it is cleared */
    ck_assert_uint_eq(harness_irq_level(h, 13), 1);
    harness_out8(h, 0xf0, 0);
    ck_assert_uint_eq(harness_irq_level(h, 13), 0);
    ck_assert_uint_eq(harness_ignne(h), 0);
    harness_out8(h, 0xf0, 0); /* no error: no IGNNE# */
    ck_assert_uint_eq(harness_ignne(h), 0);
    harness_ferr(h, 1);
    harness_out8(h, 0xf1, 0);
    ck_assert_uint_eq(harness_irq_level(h, 13), 0);
    ck_assert_uint_eq(harness_ignne(h), 0);
    ck_assert_uint_eq(harness_in8(h, 0xf0), 0xff);
    harness_free(h);
}
END_TEST

START_TEST(save_load_and_reset)
{
    Harness *h = harness_new("pcarch", NULL);
    harness_out8(h, 0x92, 0x02);
    harness_ferr(h, 1);
    harness_save_load(h);
    ck_assert_uint_eq(harness_irq_level(h, 13), 1);
    ck_assert_uint_eq(harness_a20(h), 1);
    harness_out8(h, 0xf0, 0);
    harness_save_load(h);
    ck_assert_uint_eq(harness_ignne(h), 1);
    harness_ferr(h, 0);
    harness_ferr(h, 1);
    harness_reset(h);
    ck_assert_uint_eq(harness_irq_level(h, 13), 0);
    ck_assert_uint_eq(harness_ignne(h), 0);
    ck_assert_uint_eq(harness_a20(h), 0);
    harness_free(h);
}
END_TEST

START_TEST(construction)
{
    viv_status_t st;
    ck_assert_uint_ge(harness_construct_failures("pcarch", NULL), 4);
    ck_assert_ptr_null(harness_try_new("pcarch", "A20=1", &st));
    ck_assert_int_eq(st, VIV_E_CONFIG);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("pcarch");
    TCase *tc = tcase_create("pcarch");
    tcase_add_test(tc, a20_gate);
    tcase_add_test(tc, fast_reset_is_an_edge);
    tcase_add_test(tc, coprocessor_error);
    tcase_add_test(tc, save_load_and_reset);
    tcase_add_test(tc, construction);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
