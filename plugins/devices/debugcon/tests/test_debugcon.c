/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Unit tests of debugcon, through the fake host. */
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "harness.h"

static void with_char(Harness *h)
{
    harness_lun_char(h, 0);
}

static Harness *con_new(const char *options)
{
    Harness *h = harness_create();
    with_char(h);
    ck_assert_int_eq(harness_start(h, "debugcon", options), VIV_OK);
    return h;
}

START_TEST(bytes_go_to_the_driver)
{
    Harness *h = con_new(NULL);
    harness_out8(h, 0x402, 'H');
    harness_out8(h, 0x402, 'i');
    ck_assert_str_eq(harness_char_output(h, 0, NULL), "Hi");
    ck_assert_uint_eq(harness_in8(h, 0x402), 0xe9);
    harness_outs(h, 0x402, 1, " there", 6);
    ck_assert_str_eq(harness_char_output(h, 0, NULL), "Hi there");
    ck_assert_uint_eq(harness_stam(h, "Written"), 8);
    /* A wider write reaches this port with its low byte alone. */
    harness_out16(h, 0x402, 0x2121);
    ck_assert_str_eq(harness_char_output(h, 0, NULL), "Hi there!");
    harness_save_load(h);
    harness_out8(h, 0x402, '\n');
    ck_assert_str_eq(harness_char_output(h, 0, NULL), "Hi there!\n");
    harness_free(h);
}
END_TEST

START_TEST(keys)
{
    viv_status_t st;
    Harness *h = con_new("Port=0xe9,ReadBack=0x5a");
    ck_assert_uint_eq(harness_in8(h, 0xe9), 0x5a);
    ck_assert_uint_eq(harness_in8(h, 0x402), 0xff);
    ck_assert_int_eq(harness_add(h, "debugcon", NULL), 1); /* a second one, with nothing attached */
    harness_out8(h, 0x402, 'x');
    harness_out8(h, 0xe9, 'y');
    ck_assert_str_eq(harness_char_output(h, 0, NULL), "y");
    ck_assert_int_eq(harness_add(h, "debugcon", NULL), VIV_E_EXISTS);
    harness_free(h);
    ck_assert_ptr_null(harness_try_new("debugcon", "Port=0x10000", &st));
    ck_assert_int_eq(st, VIV_E_CONFIG);
}
END_TEST

START_TEST(a_full_driver_does_not_block)
{
    Harness *h = con_new(NULL);
    harness_char_room(h, 0, 3);
    harness_outs(h, 0x402, 1, "abcdefgh", 8);
    ck_assert_str_eq(harness_char_output(h, 0, NULL), "abc");
    harness_out8(h, 0x402, 'i');
    harness_char_room(h, 0, 4);
    ck_assert_str_eq(harness_char_output(h, 0, NULL), "abcdefg");
    harness_char_room(h, 0, UINT32_MAX);
    ck_assert_str_eq(harness_char_output(h, 0, NULL), "abcdefghi");
    ck_assert_uint_eq(harness_stam(h, "Lost"), 0);
    harness_char_room(h, 0, 0);
    for (unsigned i = 0; i < 5000; i++) {
        harness_out8(h, 0x402, '.');
    }
    ck_assert_uint_eq(harness_stam(h, "Lost"), 5000 - 4096);
    harness_char_inject(h, 0, "ignored", 7);
    ck_assert_uint_eq(harness_char_waiting(h, 0), 0);
    harness_free(h);
}
END_TEST

START_TEST(construction)
{
    viv_iface_t iface;
    ck_assert_uint_ge(harness_construct_failures_with(with_char, "debugcon", NULL), 4);
    Harness *h = harness_create();
    harness_lun_empty(h, 0);
    ck_assert_int_eq(harness_start(h, "debugcon", NULL), VIV_E_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(harness_error(), "LUN#0"));
    harness_free(h);
    h = con_new(NULL);
    ck_assert_int_eq(harness_query(h, 0, VIV_MEDIA_PORT_ID, &iface), VIV_E_NOT_FOUND);
    ck_assert_int_eq(harness_query(h, 1, VIV_CHAR_PORT_ID, &iface), VIV_E_NOT_FOUND);
    harness_free(h);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("debugcon");
    TCase *tc = tcase_create("debugcon");
    tcase_add_test(tc, bytes_go_to_the_driver);
    tcase_add_test(tc, keys);
    tcase_add_test(tc, a_full_driver_does_not_block);
    tcase_add_test(tc, construction);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
