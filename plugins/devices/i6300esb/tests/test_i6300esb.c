/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Unit tests of i6300esb, through the fake host. */
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "harness.h"

#define BAR     0xe0000000u
#define SLOW_NS (30ull << 15)
#define FAST_NS (30ull << 5)

static void unlock(Harness *h)
{
    harness_mmio_write(h, BAR + 0xc, 0x80, 2);
    harness_mmio_write(h, BAR + 0xc, 0x86, 2);
}

static void preload(Harness *h, uint32_t which, uint32_t value)
{
    unlock(h);
    harness_mmio_write(h, BAR + 4 * which, value, 4);
}

static void reload(Harness *h)
{
    unlock(h);
    harness_mmio_write(h, BAR + 0xc, 0x100, 2);
}

static Harness *dog(const char *options)
{
    Harness *h = harness_new("i6300esb", options);
    harness_pci_map_bar(h, 0, 0, BAR);
    return h;
}

/* Enabled with stages of 10 and 20 slow clocks. */
static Harness *running(const char *options, uint32_t config, uint32_t lock)
{
    Harness *h = dog(options);
    preload(h, 0, 10);
    preload(h, 1, 20);
    harness_cfg_write(h, 0, 0x60, config, 2);
    harness_cfg_write(h, 0, 0x68, lock, 1);
    return h;
}

#define RESETS(h) harness_event_count(h, HARNESS_EV_VM_RESET)

START_TEST(identity_and_reset_values)
{
    Harness *h = dog(NULL);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0, 4), 0x25ab8086);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 8, 4), 0x08800000);
    ck_assert_uint_eq(harness_pci_bar_size(h, 0, 0), 16);
    ck_assert_uint_eq(harness_mmio_read(h, BAR, 4), 0xfffff);
    ck_assert_uint_eq(harness_mmio_read(h, BAR + 4, 4), 0xfffff);
    ck_assert_uint_eq(harness_mmio_read(h, BAR + 8, 4), 0);
    ck_assert_uint_eq(harness_mmio_read(h, BAR + 0xc, 4), 0);
    harness_cfg_write(h, 0, 0x60, 0xffff, 2);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0x60, 2), 0x27);
    harness_free(h);
}
END_TEST

START_TEST(registers_want_the_sequence)
{
    Harness *h = dog(NULL);
    harness_mmio_write(h, BAR, 5, 4);
    ck_assert_uint_eq(harness_mmio_read(h, BAR, 4), 0xfffff);
    harness_mmio_write(h, BAR + 0xc, 0x86, 2);
    harness_mmio_write(h, BAR + 0xc, 0x80, 2);
    harness_mmio_write(h, BAR, 5, 4); /* wrong order */
    ck_assert_uint_eq(harness_mmio_read(h, BAR, 4), 0xfffff);
    preload(h, 0, 0xfff12345);
    ck_assert_uint_eq(harness_mmio_read(h, BAR, 4), 0x12345);
    harness_mmio_write(h, BAR, 7, 4); /* one write a sequence */
    ck_assert_uint_eq(harness_mmio_read(h, BAR, 4), 0x12345);
    harness_mmio_write(h, BAR + 0xc, 0x80, 1); /* bytes do, too */
    harness_mmio_write(h, BAR + 0xc, 0x86, 1);
    harness_mmio_write(h, BAR + 1, 0xab, 1);
    ck_assert_uint_eq(harness_mmio_read(h, BAR, 4), 0x1ab45);
    ck_assert_uint_eq(harness_mmio_read(h, BAR + 2, 2), 0x0001);
    unlock(h);
    harness_save_load(h); /* between the sequence and the write */
    harness_mmio_write(h, BAR + 4, 9, 4);
    ck_assert_uint_eq(harness_mmio_read(h, BAR + 4, 4), 9);
    harness_free(h);
}
END_TEST

START_TEST(two_stages)
{
    Harness *h = running(NULL, 0, 2);
    harness_advance_ns(h, 10 * SLOW_NS - 1);
    ck_assert_uint_eq(harness_intx_level(h, 0), 0);
    harness_save_load(h);
    harness_advance_ns(h, 1);
    ck_assert_uint_eq(harness_intx_level(h, 0), 1);
    ck_assert_uint_eq(harness_mmio_read(h, BAR + 8, 4), 1);
    harness_save_load(h);
    harness_mmio_write(h, BAR + 8, 0, 4);
    ck_assert_uint_eq(harness_intx_level(h, 0), 1);
    harness_mmio_write(h, BAR + 8, 1, 4);
    ck_assert_uint_eq(harness_intx_level(h, 0), 0);
    harness_advance_ns(h, 20 * SLOW_NS - 1);
    ck_assert_uint_eq(RESETS(h), 0);
    harness_advance_ns(h, 1);
    ck_assert_uint_eq(RESETS(h), 1);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_GUEST_EVENT), 1);
    ck_assert_uint_eq(harness_event_last(h, HARNESS_EV_GUEST_EVENT).a, VIV_GUEST_WATCHDOG);
    /* The bit says so after the reset, until it is cleared through the sequence. */
    harness_reset(h);
    harness_pci_map_bar(h, 0, 0, BAR);
    ck_assert_uint_eq(harness_mmio_read(h, BAR + 0xc, 2), 0x200);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0x68, 1), 0);
    ck_assert_uint_eq(harness_mmio_read(h, BAR, 4), 0xfffff);
    ck_assert_uint_eq(harness_next_deadline(h), UINT64_MAX);
    harness_save_load(h);
    harness_cfg_write(h, 0, 0x68, 2, 1); /* it does not keep the next round from starting */
    ck_assert_uint_ne(harness_next_deadline(h), UINT64_MAX);
    harness_mmio_write(h, BAR + 0xc, 0x200, 2);
    ck_assert_uint_eq(harness_mmio_read(h, BAR + 0xc, 2), 0x200);
    unlock(h);
    harness_mmio_write(h, BAR + 0xc, 0x200, 2);
    ck_assert_uint_eq(harness_mmio_read(h, BAR + 0xc, 2), 0);
    harness_free(h);
}
END_TEST

/* As Linux's driver does it: reload within the first or the second stage. */
START_TEST(reloads_keep_it_quiet)
{
    Harness *h = running(NULL, 3, 2);
    for (int i = 0; i < 50; i++) {
        harness_advance_ns(h, (i & 1 ? 25 : 9) * SLOW_NS);
        reload(h);
        harness_mmio_write(h, BAR + 8, 1, 4);
    }
    ck_assert_uint_eq(RESETS(h), 0);
    ck_assert_uint_eq(harness_intx_level(h, 0), 0); /* type 3: no interrupt */
    ck_assert_uint_eq(harness_stam(h, "Reloads"), 50);
    ck_assert_uint_eq(harness_stam(h, "FirstStages"), 25);
    harness_cfg_write(h, 0, 0x68, 0, 1); /* off */
    harness_advance_ns(h, 1000 * SLOW_NS);
    ck_assert_uint_eq(RESETS(h), 0);
    reload(h);
    harness_advance_ns(h, 1000 * SLOW_NS);
    ck_assert_uint_eq(RESETS(h), 0);
    harness_free(h);
}
END_TEST

START_TEST(lock_holds_until_reset)
{
    Harness *h = running(NULL, 0x24, 3);
    harness_cfg_write(h, 0, 0x68, 0, 1);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0x68, 1), 3);
    harness_save_load(h);
    harness_cfg_write(h, 0, 0x68, 0, 4);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0x68, 1), 3);
    harness_advance_ns(h, 30 * FAST_NS); /* both stages, the fast clock, output off */
    ck_assert_uint_eq(RESETS(h), 0);
    ck_assert_uint_eq(harness_mmio_read(h, BAR + 0xc, 2), 0x200);
    harness_reset(h);
    harness_cfg_write(h, 0, 0x68, 4, 1);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0x68, 1), 4);
    harness_free(h);
}
END_TEST

START_TEST(smi_of_the_first_stage)
{
    Harness *h = running(NULL, 2, 2);
    harness_advance_ns(h, 10 * SLOW_NS);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_CPU_SMI), 1);
    ck_assert_uint_eq(harness_intx_level(h, 0), 0);
    harness_free(h);
}
END_TEST

START_TEST(free_running_toggles_the_output)
{
    Harness *h = running("Action=nmi", 0, 6);
    harness_advance_ns(h, 20 * SLOW_NS); /* only preload 2 counts */
    ck_assert_uint_eq(harness_nmi_level(h), 1);
    ck_assert_uint_eq(harness_intx_level(h, 0), 0);
    harness_save_load(h);
    harness_advance_ns(h, 20 * SLOW_NS);
    ck_assert_uint_eq(harness_nmi_level(h), 0);
    harness_advance_ns(h, 20 * SLOW_NS);
    ck_assert_uint_eq(harness_nmi_level(h), 1);
    ck_assert_uint_eq(harness_mmio_read(h, BAR + 0xc, 2), 0);
    harness_reset(h);
    ck_assert_uint_eq(harness_nmi_level(h), 0);
    harness_free(h);
}
END_TEST

START_TEST(actions)
{
    Harness *h = running("Action=poweroff,ExitCode=42", 0, 2);
    harness_advance_ns(h, 30 * SLOW_NS);
    ck_assert_uint_eq(harness_event_last(h, HARNESS_EV_VM_POWER_OFF).a, 42);
    harness_free(h);
    h = running("Action=pause", 0, 2);
    harness_advance_ns(h, 30 * SLOW_NS);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_VM_PAUSE), 1);
    reload(h); /* it runs again, but the output stays low */
    harness_advance_ns(h, 30 * SLOW_NS);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_VM_PAUSE), 1);
    ck_assert_uint_eq(harness_stam(h, "Timeouts"), 2);
    harness_free(h);
    h = running("Action=none", 0, 2);
    harness_advance_ns(h, 30 * SLOW_NS);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_GUEST_EVENT), 1);
    ck_assert_uint_eq(RESETS(h), 0);
    harness_free(h);
    h = running("Action=nmi", 0, 2);
    harness_advance_ns(h, 30 * SLOW_NS);
    ck_assert_uint_eq(harness_nmi_level(h), 1);
    harness_free(h);
}
END_TEST

START_TEST(no_preload)
{
    Harness *h = dog(NULL);
    preload(h, 0, 0);
    preload(h, 1, 0);
    harness_cfg_write(h, 0, 0x60, 4, 2);
    harness_cfg_write(h, 0, 0x68, 6, 1);
    ck_assert_uint_le(harness_advance_ns(h, 1000000), 1042); /* a clock each, not for ever */
    harness_free(h);
}
END_TEST

START_TEST(configuration)
{
    viv_status_t st;
    ck_assert_ptr_null(harness_try_new("i6300esb", "Action=bark", &st));
    ck_assert_int_eq(st, VIV_E_CONFIG);
    ck_assert_ptr_nonnull(strstr(harness_error(), "bark"));
    ck_assert_uint_gt(harness_construct_failures("i6300esb", NULL), 5);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("i6300esb");
    TCase *tc = tcase_create("i6300esb");
    tcase_add_test(tc, identity_and_reset_values);
    tcase_add_test(tc, registers_want_the_sequence);
    tcase_add_test(tc, two_stages);
    tcase_add_test(tc, reloads_keep_it_quiet);
    tcase_add_test(tc, lock_holds_until_reset);
    tcase_add_test(tc, smi_of_the_first_stage);
    tcase_add_test(tc, free_running_toggles_the_output);
    tcase_add_test(tc, actions);
    tcase_add_test(tc, no_preload);
    tcase_add_test(tc, configuration);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
