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

/* A thread in EMT 0's place: sleeps until TM wakes it, runs what is due. */
typedef struct Runner {
    Tm *tm;
    GMutex lock;
    GCond cond;
    gboolean woken, quit;
} Runner;

static void runner_wake(void *ctx)
{
    Runner *r = ctx;
    g_mutex_lock(&r->lock);
    r->woken = TRUE;
    g_cond_signal(&r->cond);
    g_mutex_unlock(&r->lock);
}

static gpointer runner_thread(gpointer data)
{
    Runner *r = data;
    g_mutex_lock(&r->lock);
    while (!r->quit) {
        if (!r->woken) {
            g_cond_wait(&r->cond, &r->lock);
            continue;
        }
        r->woken = FALSE;
        g_mutex_unlock(&r->lock);
        tm_run_timers(r->tm);
        g_mutex_lock(&r->lock);
    }
    g_mutex_unlock(&r->lock);
    return NULL;
}

typedef struct Ticker {
    viv_timer_t *timer;
    Tm *tm;
    uint64_t period_ns;
    gint ticks;
} Ticker;

static void on_tick(viv_dev_t *dev, void *ctx)
{
    Ticker *t = ctx;
    (void)dev;
    g_atomic_int_inc(&t->ticks);
    tm_timer_arm(t->timer, tm_now(t->tm) + t->period_ns);
}

/* A wake-up that came while a pass over the timers was ending must not be lost: then nothing would
 * ever tick again. */
START_TEST(test_real_mode_never_stalls)
{
    Tm *real = tm_new(1000000000, 0);
    Runner r = {.tm = real};
    Ticker tickers[3] = {{.period_ns = 7000}, {.period_ns = 20000}, {.period_ns = 31000}};
    g_mutex_init(&r.lock);
    g_cond_init(&r.cond);
    tm_set_wake_fn(real, runner_wake, &r);
    for (int i = 0; i < 3; i++) {
        tickers[i].tm = real;
        tickers[i].timer = tm_timer_new(real, "test/0", "t", &lock, on_tick, NULL, &tickers[i]);
        tm_timer_arm(tickers[i].timer, tickers[i].period_ns);
    }
    GThread *thread = g_thread_new("runner", runner_thread, &r);
    tm_start(real);
    for (int i = 0; i < 3; i++) {
        while (g_atomic_int_get(&tickers[i].ticks) < 5000) {
            g_thread_yield();
        }
    }
    tm_set_wake_fn(real, NULL, NULL);
    tm_stop(real);
    g_mutex_lock(&r.lock);
    r.quit = TRUE;
    g_cond_signal(&r.cond);
    g_mutex_unlock(&r.lock);
    g_thread_join(thread);
    tm_free(real);
    g_mutex_clear(&r.lock);
    g_cond_clear(&r.cond);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tm");
    TCase *tc = tcase_create("tm");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_clock);
    tcase_add_test(tc, test_timers_in_order);
    tcase_add_test(tc, test_warp_and_cancel);
    tcase_add_test(tc, test_past_and_far_deadlines);
    tcase_add_test(tc, test_real_mode_wakes);
    tcase_add_test(tc, test_real_mode_never_stalls);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
