/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Unit tests of TM in the deterministic mode (exact) and of what must hold in real mode too. */
#include <check.h>
#include <stdlib.h>

#include "tm/tm.h"

static uint64_t icount;
static Tm *tm;
static GRecMutex lock;
static int fired[8], fired_count;

static void setup(void)
{
    icount = 0;
    fired_count = 0;
    tm = tm_new(2000000000, 4000); /* 4 ns an instruction, 2 GHz */
    tm_set_icount(tm, &icount);
    tm_start(tm);
}

static void teardown(void)
{
    tm_free(tm);
}

static void on_fire(viv_dev_t *dev, void *ctx)
{
    (void)dev;
    fired[fired_count++ & 7] = GPOINTER_TO_INT(ctx);
}

static viv_timer_t *timer(const char *name, int id)
{
    return tm_timer_new(tm, "test/0", name, &lock, on_fire, NULL, GINT_TO_POINTER(id));
}

START_TEST(test_clock)
{
    icount = 250;
    ck_assert_uint_eq(tm_now(tm), 1000);
    ck_assert_uint_eq(tm_tsc(tm), 2000);
    tm_stop(tm);
    icount = 500;
    ck_assert_uint_eq(tm_now(tm), 1000); /* stands */
    tm_start(tm);
    icount = 501;
    ck_assert_uint_eq(tm_now(tm), 1004);
    tm_tsc_set(tm, 5);
    ck_assert_uint_eq(tm_tsc(tm), 5);
    ck_assert_uint_eq(tm_tsc_to_ns(tm, 7), 1005);
    ck_assert_uint_eq(tm_tsc_to_ns(tm, 5), 1004);
}
END_TEST

START_TEST(test_timers_in_order)
{
    viv_timer_t *a = timer("a", 1), *b = timer("b", 2), *c = timer("c", 3);
    tm_timer_arm(a, 400);
    tm_timer_arm(b, 200);
    tm_timer_arm(c, 400);
    ck_assert_uint_eq(tm_instructions_to_deadline(tm), 50);
    icount = 49;
    tm_run_timers(tm);
    ck_assert_int_eq(fired_count, 0);
    icount = 200;
    tm_run_timers(tm);
    ck_assert_int_eq(fired_count, 3);
    ck_assert_int_eq(fired[0], 2);
    ck_assert_int_eq(fired[1], 1); /* equal deadlines: in order of arming */
    ck_assert_int_eq(fired[2], 3);
    ck_assert_uint_eq(tm_timer_deadline(a), TM_NEVER);
    ck_assert_uint_eq(tm_instructions_to_deadline(tm), UINT64_MAX);
}
END_TEST

START_TEST(test_warp_and_cancel)
{
    viv_timer_t *a = timer("a", 1);
    ck_assert(!tm_warp(tm));
    tm_timer_arm(a, 1000000);
    ck_assert(tm_warp(tm));
    ck_assert_uint_eq(tm_now(tm), 1000000);
    tm_timer_cancel(a);
    tm_run_timers(tm);
    ck_assert_int_eq(fired_count, 0);
    icount = 10;
    ck_assert_uint_eq(tm_now(tm), 1000040);
}
END_TEST

START_TEST(test_past_and_far_deadlines)
{
    viv_timer_t *a = timer("a", 1);
    icount = 100;
    tm_timer_arm(a, 0);
    ck_assert_uint_eq(tm_next_deadline_in(tm), 0);
    ck_assert_uint_eq(tm_instructions_to_deadline(tm), 1);
    tm_run_timers(tm);
    ck_assert_int_eq(fired_count, 1);
    tm_timer_arm(a, UINT64_MAX);
    ck_assert(tm_timer_deadline(a) != TM_NEVER);
}
END_TEST

static gint woken;

static void on_wake(void *ctx)
{
    (void)ctx;
    g_atomic_int_inc(&woken);
}

START_TEST(test_real_mode_wakes)
{
    Tm *real = tm_new(1000000000, 0);
    tm_set_wake_fn(real, on_wake, NULL);
    viv_timer_t *t = tm_timer_new(real, "test/0", "t", &lock, on_fire, NULL, GINT_TO_POINTER(1));
    ck_assert_uint_eq(tm_now(real), 0); /* not started */
    tm_timer_arm(t, 1000000);
    tm_start(real);
    while (!g_atomic_int_get(&woken)) {
        g_thread_yield();
    }
    ck_assert_uint_ge(tm_now(real), 1000000);
    tm_run_timers(real);
    ck_assert_int_eq(fired_count, 1);
    tm_free(real);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tm");
    TCase *tc = tcase_create("tm");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_clock);
    tcase_add_test(tc, test_timers_in_order);
    tcase_add_test(tc, test_warp_and_cancel);
    tcase_add_test(tc, test_past_and_far_deadlines);
    tcase_add_test(tc, test_real_mode_wakes);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
