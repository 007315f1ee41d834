/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fake host: the virtual clock and the log of events. */
#include "harness_internal.h"

void harness_log_event(Harness *h, HarnessEventKind kind, uint64_t a, uint64_t b, uint64_t c,
                       uint64_t d, uint64_t e)
{
    if (h->muted) {
        return;
    }
    if (h->event_count == h->event_cap) {
        if (h->event_cap >=
            (1u << 20)) { /* a long run that nobody looks at: forget the older half */
            h->event_count /= 2;
            memmove(h->events, h->events + h->event_count, h->event_count * sizeof(h->events[0]));
        } else {
            h->event_cap = h->event_cap ? h->event_cap * 2 : 64;
            h->events = harness_grow(h->events, h->event_cap * sizeof(h->events[0]));
        }
    }
    h->events[h->event_count++] = (HarnessEvent){kind, h->now_ns, a, b, c, d, e};
}

unsigned harness_event_count(Harness *h, HarnessEventKind kind)
{
    unsigned n = 0;
    for (size_t i = 0; i < h->event_count; i++) {
        n += h->events[i].kind == kind;
    }
    return n;
}

HarnessEvent harness_event(Harness *h, HarnessEventKind kind, unsigned index)
{
    for (size_t i = 0; i < h->event_count; i++) {
        if (h->events[i].kind == kind && index-- == 0) {
            return h->events[i];
        }
    }
    HARNESS_DIE("no such event (kind %d)", (int)kind);
}

HarnessEvent harness_event_last(Harness *h, HarnessEventKind kind)
{
    for (size_t i = h->event_count; i > 0; i--) {
        if (h->events[i - 1].kind == kind) {
            return h->events[i - 1];
        }
    }
    HARNESS_DIE("no event of kind %d has happened", (int)kind);
}

void harness_events_clear(Harness *h)
{
    h->event_count = 0;
}

uint64_t harness_time_ns(Harness *h)
{
    return h->now_ns;
}

void harness_wall_set_ns(Harness *h, uint64_t ns_since_1970)
{
    h->wall_base_ns = ns_since_1970 - h->now_ns;
}

viv_timer_t *harness_timer_find(HarnessInst *inst, const char *name)
{
    for (viv_timer_t *t = inst->timers; t; t = t->next) {
        if (!strcmp(t->name, name)) {
            return t;
        }
    }
    return NULL;
}

static viv_timer_t *harness_timer_earliest(Harness *h)
{
    viv_timer_t *best = NULL;
    for (int i = 0; i < h->count; i++) {
        for (viv_timer_t *t = h->inst[i] ? h->inst[i]->timers : NULL; t; t = t->next) {
            if (t->deadline != UINT64_MAX &&
                (!best || t->deadline < best->deadline ||
                 (t->deadline == best->deadline && t->seq < best->seq))) {
                best = t;
            }
        }
    }
    return best;
}

uint64_t harness_next_deadline(Harness *h)
{
    const viv_timer_t *t = harness_timer_earliest(h);
    return t ? t->deadline : UINT64_MAX;
}

static void harness_timer_fire(Harness *h, viv_timer_t *t)
{
    (void)h;
    t->deadline = UINT64_MAX;
    unsigned token = harness_enter(t->owner);
    t->fn(&t->owner->dev, t->ctx);
    harness_leave(t->owner, token);
}

/* Fires what is due until time_ns, at most `most`; says whether that was all. */
static int harness_timers_run(Harness *h, uint64_t time_ns, uint64_t most, uint64_t *ret_fired)
{
    unsigned same_time = 0;
    HARNESS_CHECK(h->depth == 0, "the clock is advanced from within a callback");
    HARNESS_CHECK(time_ns >= h->now_ns, "the clock does not run backwards");
    for (*ret_fired = 0; *ret_fired < most; ++*ret_fired) {
        viv_timer_t *t = harness_timer_earliest(h);
        if (!t || t->deadline > time_ns) {
            return 1;
        }
        if (t->deadline > h->now_ns) {
            h->now_ns = t->deadline;
            same_time = 0;
        }
        HARNESS_CHECK(++same_time < 1000000, "%s: timer %s re-arms itself without end",
                      t->owner->name, t->name);
        harness_timer_fire(h, t);
    }
    return 0;
}

uint64_t harness_advance_to_ns(Harness *h, uint64_t time_ns)
{
    uint64_t fired;
    harness_timers_run(h, time_ns, UINT64_MAX, &fired);
    h->now_ns = time_ns;
    return fired;
}

uint64_t harness_advance_ns(Harness *h, uint64_t ns)
{
    HARNESS_CHECK(ns <= UINT64_MAX - h->now_ns, "the clock overflows");
    return harness_advance_to_ns(h, h->now_ns + ns);
}

uint64_t harness_advance_most(Harness *h, uint64_t ns, uint64_t most)
{
    uint64_t fired, until = h->now_ns + ns;
    if (harness_timers_run(h, until, most, &fired)) {
        h->now_ns = until;
    }
    return fired;
}

uint64_t harness_stall_ns(Harness *h, uint64_t ns, uint64_t most)
{
    unsigned stuck = 0;
    HARNESS_CHECK(h->depth == 0, "the clock is advanced from within a callback");
    h->now_ns += ns;
    for (uint64_t fired = 0; fired < most; fired++) {
        viv_timer_t *t = harness_timer_earliest(h);
        if (!t || t->deadline > h->now_ns) {
            return fired;
        }
        uint64_t before = t->deadline;
        harness_timer_fire(h, t);
        stuck = t->deadline <= before ? stuck + 1 : 0;
        HARNESS_CHECK(stuck < 1000, "%s: timer %s is armed for the past again and again",
                      t->owner->name, t->name);
    }
    return most;
}
