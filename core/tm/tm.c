/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* TM: virtual clock, TSC and timers (see tm.h). Invariants:
 *  1. now = base_ns + (host clock or instruction time since `mark`), and base_ns is brought up at
 *     each stop.
 *  2. An armed timer is in `timers` with deadline != TM_NEVER; `earliest` is the least of all
 *     deadlines.
 *  3. `lock` is a leaf: nothing else is locked while it is held, and no callback runs under it. */
#include "tm/tm.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#define TM_NS_PER_S UINT64_C(1000000000)
#define TM_EPOCH_NS                                                                                \
    (UINT64_C(1735689600) * TM_NS_PER_S) /* deterministic runs start at 2025-01-01 00:00 UTC */

struct viv_timer {
    Tm *tm;
    char *owner, *name;
    GRecMutex *lock;
    viv_timer_fn fn;
    viv_dev_t *dev;
    void *ctx;
    uint64_t deadline;
    uint64_t order; /* of arming: equal deadlines fire in that order */
};

struct Tm {
    uint64_t tsc_hz;
    uint64_t ps_per_instruction; /* 0: real mode */
    const uint64_t *icount;
    pthread_mutex_t lock;
    pthread_cond_t cond;
    GPtrArray *timers;
    uint64_t earliest;
    uint64_t next_order;
    gboolean waking;        /* the wake function runs */
    gboolean awaiting_pass; /* TM's thread waits for tm_run_timers() */
    uint64_t passes;        /* of tm_run_timers() over due timers, finished */
    gboolean running;
    gboolean quit;
    uint64_t base_ns; /* virtual time at mark */
    uint64_t mark;    /* host ns, or icount, when the clock started */
    uint64_t tsc_offset;
    GThread *thread;
    void (*wake)(void *ctx);
    void *wake_ctx;
};

static uint64_t tm_host_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * TM_NS_PER_S + (uint64_t)ts.tv_nsec;
}

static uint64_t tm_muldiv(uint64_t a, uint64_t b, uint64_t c)
{
    return (uint64_t)((unsigned __int128)a * b / c);
}

/* -- the clock ------------------------------------------------------------------------------- */

static uint64_t tm_mark_now(const Tm *tm)
{
    return tm->ps_per_instruction ? (tm->icount ? *tm->icount : 0) : tm_host_ns();
}

static uint64_t tm_now_locked(const Tm *tm)
{
    if (!tm->running) {
        return tm->base_ns;
    }
    uint64_t passed = tm_mark_now(tm) - tm->mark;
    return tm->base_ns +
           (tm->ps_per_instruction ? tm_muldiv(passed, tm->ps_per_instruction, 1000) : passed);
}

uint64_t tm_now(Tm *tm)
{
    pthread_mutex_lock(&tm->lock);
    uint64_t now = tm_now_locked(tm);
    pthread_mutex_unlock(&tm->lock);
    return now;
}

void tm_start(Tm *tm)
{
    pthread_mutex_lock(&tm->lock);
    if (!tm->running) {
        tm->mark = tm_mark_now(tm);
        tm->running = TRUE;
        pthread_cond_broadcast(&tm->cond);
    }
    pthread_mutex_unlock(&tm->lock);
}

void tm_stop(Tm *tm)
{
    pthread_mutex_lock(&tm->lock);
    tm->base_ns = tm_now_locked(tm);
    tm->running = FALSE;
    pthread_mutex_unlock(&tm->lock);
}

gboolean tm_deterministic(const Tm *tm)
{
    return tm->ps_per_instruction != 0;
}

uint64_t tm_tsc(Tm *tm)
{
    return tm->tsc_offset + tm_muldiv(tm_now(tm), tm->tsc_hz, TM_NS_PER_S);
}

uint64_t tm_tsc_hz(const Tm *tm)
{
    return tm->tsc_hz;
}

void tm_tsc_set(Tm *tm, uint64_t value)
{
    tm->tsc_offset += value - tm_tsc(tm);
}

uint64_t tm_tsc_to_ns(Tm *tm, uint64_t tsc)
{
    uint64_t ticks = tsc - tm->tsc_offset;
    if ((int64_t)ticks < 0) {
        return 0; /* before the clock began */
    }
    unsigned __int128 ns = ((unsigned __int128)ticks * TM_NS_PER_S + tm->tsc_hz - 1) / tm->tsc_hz;
    return ns >= TM_NEVER ? TM_NEVER - 1 : (uint64_t)ns;
}

uint64_t tm_wall_ns(Tm *tm)
{
    if (tm->ps_per_instruction) {
        return TM_EPOCH_NS + tm_now(tm);
    }
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (uint64_t)ts.tv_sec * TM_NS_PER_S + (uint64_t)ts.tv_nsec;
}

void tm_set_icount(Tm *tm, const uint64_t *icount)
{
    tm->icount = icount;
}

/* -- timers ---------------------------------------------------------------------------------- */

static void tm_find_earliest(Tm *tm)
{
    uint64_t earliest = TM_NEVER;
    for (guint i = 0; i < tm->timers->len; i++) {
        const viv_timer_t *timer = g_ptr_array_index(tm->timers, i);
        earliest = MIN(earliest, timer->deadline);
    }
    __atomic_store_n(&tm->earliest, earliest, __ATOMIC_RELAXED);
}

viv_timer_t *tm_timer_new(Tm *tm, const char *owner, const char *name, GRecMutex *lock,
                          viv_timer_fn fn, viv_dev_t *dev, void *ctx)
{
    viv_timer_t *timer = g_new0(viv_timer_t, 1);
    timer->tm = tm;
    timer->owner = g_strdup(owner);
    timer->name = g_strdup(name);
    timer->lock = lock;
    timer->fn = fn;
    timer->dev = dev;
    timer->ctx = ctx;
    timer->deadline = TM_NEVER;
    pthread_mutex_lock(&tm->lock);
    g_ptr_array_add(tm->timers, timer);
    pthread_mutex_unlock(&tm->lock);
    return timer;
}

void tm_timer_free(viv_timer_t *timer)
{
    if (!timer) {
        return;
    }
    Tm *tm = timer->tm;
    pthread_mutex_lock(&tm->lock);
    g_ptr_array_remove(tm->timers, timer);
    tm_find_earliest(tm);
    pthread_mutex_unlock(&tm->lock);
    g_free(timer->owner);
    g_free(timer->name);
    g_free(timer);
}

static void tm_timer_set(viv_timer_t *timer, uint64_t deadline_ns)
{
    Tm *tm = timer->tm;
    pthread_mutex_lock(&tm->lock);
    uint64_t old = timer->deadline;
    timer->deadline = deadline_ns;
    timer->order = tm->next_order++;
    gboolean first = deadline_ns < tm->earliest;
    if (first) {
        __atomic_store_n(&tm->earliest, deadline_ns, __ATOMIC_RELAXED);
        pthread_cond_broadcast(&tm->cond);
    } else if (old == tm->earliest) {
        tm_find_earliest(tm);
        if (tm->awaiting_pass) { /* for a pass that may find nothing due any more */
            pthread_cond_broadcast(&tm->cond);
        }
    }
    pthread_mutex_unlock(&tm->lock);
    if (first && tm->ps_per_instruction && tm->wake) {
        tm->wake(tm->wake_ctx); /* EMT 0 runs towards a later deadline: let it count anew */
    }
}

void tm_timer_arm(viv_timer_t *timer, uint64_t deadline_ns)
{
    tm_timer_set(timer, MIN(deadline_ns, TM_NEVER - 1));
}

void tm_timer_cancel(viv_timer_t *timer)
{
    if (timer) {
        tm_timer_set(timer, TM_NEVER);
    }
}

uint64_t tm_timer_deadline(viv_timer_t *timer)
{
    pthread_mutex_lock(&timer->tm->lock);
    uint64_t deadline = timer->deadline;
    pthread_mutex_unlock(&timer->tm->lock);
    return deadline;
}

void tm_cancel_all(Tm *tm)
{
    pthread_mutex_lock(&tm->lock);
    for (guint i = 0; i < tm->timers->len; i++) {
        ((viv_timer_t *)g_ptr_array_index(tm->timers, i))->deadline = TM_NEVER;
    }
    tm->earliest = TM_NEVER;
    pthread_mutex_unlock(&tm->lock);
}

/* The due timer to fire next, disarmed; NULL if none. */
static viv_timer_t *tm_take_due(Tm *tm, uint64_t now)
{
    viv_timer_t *best = NULL;
    pthread_mutex_lock(&tm->lock);
    for (guint i = 0; i < tm->timers->len; i++) {
        viv_timer_t *timer = g_ptr_array_index(tm->timers, i);
        if (timer->deadline <= now &&
            (!best || timer->deadline < best->deadline ||
             (timer->deadline == best->deadline && timer->order < best->order))) {
            best = timer;
        }
    }
    if (best) {
        best->deadline = TM_NEVER;
        tm_find_earliest(tm);
    }
    pthread_mutex_unlock(&tm->lock);
    return best;
}

void tm_run_timers(Tm *tm)
{
    uint64_t now = tm_now(tm);
    if (now < __atomic_load_n(&tm->earliest, __ATOMIC_RELAXED)) {
        return;
    }
    /* One pass up to `now`: a timer that re-arms itself in the past must not keep us here. */
    for (int burst = 0; burst < 256; burst++) {
        viv_timer_t *timer = tm_take_due(tm, now);
        if (!timer) {
            break;
        }
        g_rec_mutex_lock(timer->lock);
        timer->fn(timer->dev, timer->ctx);
        g_rec_mutex_unlock(timer->lock);
    }
    pthread_mutex_lock(&tm->lock);
    tm->passes++;
    pthread_cond_broadcast(&tm->cond);
    pthread_mutex_unlock(&tm->lock);
}

uint64_t tm_next_deadline_in(Tm *tm)
{
    pthread_mutex_lock(&tm->lock);
    uint64_t now = tm_now_locked(tm), earliest = tm->earliest;
    pthread_mutex_unlock(&tm->lock);
    return earliest == TM_NEVER ? TM_NEVER : earliest <= now ? 0 : earliest - now;
}

uint64_t tm_instructions_to_deadline(Tm *tm)
{
    uint64_t ns = tm_next_deadline_in(tm);
    if (ns == TM_NEVER) {
        return UINT64_MAX;
    }
    unsigned __int128 count =
        ((unsigned __int128)ns * 1000 + tm->ps_per_instruction - 1) / tm->ps_per_instruction;
    return count == 0 ? 1 : count > UINT64_MAX / 2 ? UINT64_MAX / 2 : (uint64_t)count;
}

gboolean tm_warp(Tm *tm)
{
    pthread_mutex_lock(&tm->lock);
    gboolean can = tm->earliest != TM_NEVER;
    if (can) {
        uint64_t now = tm_now_locked(tm);
        tm->base_ns = MAX(now, tm->earliest);
        tm->mark = tm_mark_now(tm);
    }
    pthread_mutex_unlock(&tm->lock);
    return can;
}

/* -- the thread that wakes EMT 0 (real mode) ------------------------------------------------- */

static gpointer tm_thread(gpointer data)
{
    Tm *tm = data;
    pthread_mutex_lock(&tm->lock);
    while (!tm->quit) {
        if (!tm->running || tm->earliest == TM_NEVER) {
            pthread_cond_wait(&tm->cond, &tm->lock);
            continue;
        }
        uint64_t now = tm_now_locked(tm);
        if (tm->earliest > now) {
            uint64_t until = tm_host_ns() + (tm->earliest - now);
            struct timespec ts = {(time_t)(until / TM_NS_PER_S), (long)(until % TM_NS_PER_S)};
            pthread_cond_timedwait(&tm->cond, &tm->lock, &ts);
            continue;
        }
        uint64_t passes = tm->passes;
        tm->waking = TRUE;
        pthread_mutex_unlock(&tm->lock);
        if (tm->wake) {
            tm->wake(tm->wake_ctx);
        }
        pthread_mutex_lock(&tm->lock);
        tm->waking = FALSE;
        pthread_cond_broadcast(&tm->cond);
        /* Until EMT 0 has run the timers, or the due one is armed anew, there is nothing to wait
         * for. If it has already, what is due now came after it looked at the clock: wake it
         * again. */
        if (!tm->quit && tm->passes == passes && tm->earliest <= tm_now_locked(tm)) {
            tm->awaiting_pass = TRUE;
            pthread_cond_wait(&tm->cond, &tm->lock);
            tm->awaiting_pass = FALSE;
        }
    }
    pthread_mutex_unlock(&tm->lock);
    return NULL;
}

void tm_set_wake_fn(Tm *tm, void (*fn)(void *ctx), void *ctx)
{
    pthread_mutex_lock(&tm->lock);
    while (tm->waking) { /* the old one must not be called any more when we return */
        pthread_cond_wait(&tm->cond, &tm->lock);
    }
    tm->wake = fn;
    tm->wake_ctx = ctx;
    pthread_mutex_unlock(&tm->lock);
}

Tm *tm_new(uint64_t tsc_hz, uint64_t ps_per_instruction)
{
    Tm *tm = g_new0(Tm, 1);
    tm->tsc_hz = MAX(tsc_hz, 1);
    tm->ps_per_instruction = ps_per_instruction;
    tm->timers = g_ptr_array_new();
    tm->earliest = TM_NEVER;
    pthread_mutex_init(&tm->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&tm->cond, &attr);
    pthread_condattr_destroy(&attr);
    if (!ps_per_instruction) {
        tm->thread = g_thread_new("tm", tm_thread, tm);
    }
    return tm;
}

void tm_free(Tm *tm)
{
    if (!tm) {
        return;
    }
    pthread_mutex_lock(&tm->lock);
    tm->quit = TRUE;
    pthread_cond_broadcast(&tm->cond);
    pthread_mutex_unlock(&tm->lock);
    if (tm->thread) {
        g_thread_join(tm->thread);
    }
    while (tm->timers->len) {
        tm_timer_free(g_ptr_array_index(tm->timers, 0));
    }
    g_ptr_array_free(tm->timers, TRUE);
    pthread_mutex_destroy(&tm->lock);
    pthread_cond_destroy(&tm->cond);
    g_free(tm);
}

/* -- saved state ----------------------------------------------------------------------------- */

/* How many armed timers were armed before this one. How often timers have been armed in all is of
 * no consequence, and differs between a machine that was loaded and one that was not. */
static uint64_t tm_timer_rank(Tm *tm, const viv_timer_t *timer)
{
    uint64_t rank = 0;
    for (guint i = 0; i < tm->timers->len; i++) {
        const viv_timer_t *other = g_ptr_array_index(tm->timers, i);
        rank += other->deadline != TM_NEVER && other->order < timer->order;
    }
    return rank;
}

viv_status_t tm_save(Tm *tm, SsmWriter *writer)
{
    viv_status_t st = ssm_unit_begin(writer, "tm", 0, 1, SSM_PASS_FINAL);
    if (st) {
        return st;
    }
    viv_stream_t *out = ssm_writer_stream(writer);
    ssm_put_u64(out, tm_now(tm));
    ssm_put_u64(out, tm->tsc_offset);
    ssm_put_u64(out, tm->tsc_hz);
    uint32_t armed = 0;
    for (guint i = 0; i < tm->timers->len; i++) {
        armed += ((viv_timer_t *)g_ptr_array_index(tm->timers, i))->deadline != TM_NEVER;
    }
    ssm_put_u32(out, armed);
    for (guint i = 0; i < tm->timers->len; i++) {
        const viv_timer_t *timer = g_ptr_array_index(tm->timers, i);
        if (timer->deadline != TM_NEVER) {
            ssm_put_string(out, timer->owner);
            ssm_put_string(out, timer->name);
            ssm_put_u64(out, timer->deadline);
            ssm_put_u64(out, tm_timer_rank(tm, timer));
        }
    }
    return ssm_unit_end(writer);
}

static viv_timer_t *tm_timer_find(Tm *tm, const char *owner, const char *name)
{
    for (guint i = 0; i < tm->timers->len; i++) {
        viv_timer_t *timer = g_ptr_array_index(tm->timers, i);
        if (!strcmp(timer->owner, owner) && !strcmp(timer->name, name)) {
            return timer;
        }
    }
    return NULL;
}

static viv_status_t tm_load_timers(Tm *tm, viv_stream_t *in, VivError *err)
{
    uint32_t count = 0;
    viv_status_t st = ssm_get_u32(in, &count);
    uint64_t top = 0;
    for (uint32_t i = 0; i < count && !st; i++) {
        char owner[128], name[64];
        uint64_t deadline = 0, order = 0;
        if ((st = ssm_get_string(in, owner, sizeof owner)) ||
            (st = ssm_get_string(in, name, sizeof name)) || (st = ssm_get_u64(in, &deadline)) ||
            (st = ssm_get_u64(in, &order))) {
            break;
        }
        viv_timer_t *timer = tm_timer_find(tm, owner, name);
        if (!timer) {
            return error_set(err, VIV_E_CORRUPT,
                             "saved timer %s of %s does not exist in this machine", name, owner);
        }
        timer->deadline = MIN(deadline, TM_NEVER - 1);
        timer->order = order;
        top = MAX(top, order < UINT64_MAX ? order + 1 : 0);
    }
    tm->next_order = top;
    return st;
}

viv_status_t tm_load(Tm *tm, SsmReader *reader, VivError *err)
{
    viv_stream_t *in;
    uint64_t now = 0, offset = 0, hz = 0;
    viv_status_t st = ssm_unit_open_named(reader, "tm", 0, NULL, &in, err);
    if (st) {
        return st;
    }
    tm_cancel_all(tm);
    ssm_get_u64(in, &now);
    ssm_get_u64(in, &offset);
    ssm_get_u64(in, &hz);
    if ((st = ssm_stream_status(in)) || (st = tm_load_timers(tm, in, err)) ||
        (st = ssm_stream_expect_end(in))) {
        return err && err->text ? st : error_set(err, st, "%s", ssm_stream_error(in));
    }
    if (hz == 0 || hz > 100 * TM_NS_PER_S) {
        return error_set(err, VIV_E_CORRUPT, "unit tm: a TSC of %" G_GUINT64_FORMAT " Hz", hz);
    }
    pthread_mutex_lock(&tm->lock);
    tm->base_ns = now;
    tm->mark = tm_mark_now(tm);
    tm->tsc_offset = offset;
    tm->tsc_hz = hz;
    tm_find_earliest(tm);
    pthread_cond_broadcast(&tm->cond);
    pthread_mutex_unlock(&tm->lock);
    return VIV_OK;
}
