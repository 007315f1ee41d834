/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Unit tests of pvpanic, through the fake host. */
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "harness.h"

#define EVENTS(h) harness_event_count(h, HARNESS_EV_GUEST_EVENT)

START_TEST(isa)
{
    Harness *h = harness_new("pvpanic", NULL);
    size_t len = 0;
    const uint8_t *file = harness_fwfile(h, "etc/pvpanic-port", &len);
    ck_assert_uint_eq(len, 2);
    ck_assert_uint_eq(file[0] | file[1] << 8, 0x505);
    ck_assert_uint_eq(harness_in8(h, 0x505), 7);
    ck_assert(!harness_port_mapped(h, 0x506));
    harness_out8(h, 0x505, 0xf8); /* no event that is known */
    ck_assert_uint_eq(EVENTS(h), 0);
    harness_out8(h, 0x505, 1);
    ck_assert_uint_eq(EVENTS(h), 1);
    ck_assert_uint_eq(harness_event_last(h, HARNESS_EV_GUEST_EVENT).a, VIV_GUEST_PANICKED);
    harness_out8(h, 0x505, 2);
    ck_assert_uint_eq(harness_event_last(h, HARNESS_EV_GUEST_EVENT).a, VIV_GUEST_CRASH_LOADED);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_VM_POWER_OFF), 0);
    harness_out8(h, 0x505, 4);
    ck_assert_uint_eq(harness_event_last(h, HARNESS_EV_GUEST_EVENT).a, VIV_GUEST_SHUTDOWN);
    ck_assert_uint_eq(harness_event_last(h, HARNESS_EV_VM_POWER_OFF).a, 0);
    harness_free(h);
}
END_TEST

START_TEST(told_once_until_reset)
{
    Harness *h = harness_new("pvpanic", "IOBase=0x600");
    for (int i = 0; i < 100; i++) {
        harness_out8(h, 0x600, 1);
    }
    harness_save_load(h);
    harness_out8(h, 0x600, 1);
    ck_assert_uint_eq(EVENTS(h), 1);
    ck_assert_uint_eq(harness_stam(h, "Panics"), 1); /* counters start anew with the instance */
    harness_reset(h);
    harness_out8(h, 0x600, 1);
    ck_assert_uint_eq(EVENTS(h), 2);
    ck_assert_uint_eq(harness_stam(h, "Panics"), 2);
    harness_free(h);
}
END_TEST

START_TEST(events_that_are_not_offered)
{
    Harness *h = harness_new("pvpanic", "Events=2");
    ck_assert_uint_eq(harness_in8(h, 0x505), 2);
    harness_out8(h, 0x505, 5);
    ck_assert_uint_eq(EVENTS(h), 0);
    harness_free(h);
    h = harness_new("pvpanic", "PowerOffOnShutdown=0");
    harness_out8(h, 0x505, 4);
    ck_assert_uint_eq(EVENTS(h), 1);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_VM_POWER_OFF), 0);
    harness_free(h);
}
END_TEST

START_TEST(pci)
{
    Harness *h = harness_new("pvpanic-pci", NULL);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0, 4), 0x00111b36);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 8, 4), 0x08800001);
    ck_assert_uint_eq(harness_pci_bar_size(h, 0, 0), 16);
    harness_pci_map_bar(h, 0, 0, 0xe0000000);
    ck_assert_uint_eq(harness_mmio_read(h, 0xe0000000, 1), 7);
    ck_assert_uint_eq(harness_mmio_read(h, 0xe0000000, 4), 7);
    harness_mmio_write(h, 0xe0000001, 1, 1);
    ck_assert_uint_eq(EVENTS(h), 0);
    harness_mmio_write(h, 0xe0000000, 3, 1);
    ck_assert_uint_eq(EVENTS(h), 2);
    harness_save_load(h);
    harness_mmio_write(h, 0xe0000000, 1, 1);
    ck_assert_uint_eq(EVENTS(h), 2);
    ck_assert_ptr_null(harness_fwfile(h, "etc/pvpanic-port", NULL));
    harness_free(h);
}
END_TEST

START_TEST(configuration)
{
    viv_status_t st;
    ck_assert_ptr_null(harness_try_new("pvpanic", "Events=8", &st));
    ck_assert_int_eq(st, VIV_E_CONFIG);
    ck_assert_ptr_null(harness_try_new("pvpanic", "Events=0", &st));
    ck_assert_ptr_null(harness_try_new("pvpanic-pci", "IOBase=0x505", &st));
    ck_assert_uint_gt(harness_construct_failures("pvpanic", NULL), 4);
    ck_assert_uint_gt(harness_construct_failures("pvpanic-pci", NULL), 4);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("pvpanic");
    TCase *tc = tcase_create("pvpanic");
    tcase_add_test(tc, isa);
    tcase_add_test(tc, told_once_until_reset);
    tcase_add_test(tc, events_that_are_not_offered);
    tcase_add_test(tc, pci);
    tcase_add_test(tc, configuration);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
