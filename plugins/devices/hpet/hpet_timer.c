/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One comparator: IA-PC HPET specification 1.0a, 2.3.8 and 2.3.9. All arithmetic is modulo the
 * timer's width; however far the counter has gone, it is brought up to date in closed form. */
#include "hpet_timer.h"

const viv_field_t hpet_timer_fields[] = {
    VIV_FIELD(HpetTimer, comparator, VIV_U64, 1),
    VIV_FIELD(HpetTimer, period, VIV_U64, 1),
    VIV_FIELD(HpetTimer, seen, VIV_U64, 1),
    VIV_FIELD(HpetTimer, fsb, VIV_U64, 1),
    VIV_FIELD(HpetTimer, config, VIV_U32, 1),
    VIV_FIELD(HpetTimer, line, VIV_BOOL, 1),
    {0},
};

static uint64_t hpet_timer_mask(const HpetTimer *t)
{
    return t->config & HPET_TN_32MODE ? UINT32_MAX : UINT64_MAX;
}

void hpet_timer_reset(HpetTimer *t)
{
    *t = (HpetTimer){.comparator = UINT64_MAX, .period = UINT64_MAX};
}

uint64_t hpet_timer_distance(const HpetTimer *t)
{
    uint64_t mask = hpet_timer_mask(t);
    uint64_t d = (t->comparator - t->seen) & mask;
    return d ? d : mask + 1; /* what lies at `seen` has been accounted for */
}

uint64_t hpet_timer_interval(const HpetTimer *t)
{
    uint64_t mask = hpet_timer_mask(t);
    uint64_t step = t->config & HPET_TN_TYPE ? t->period & mask : 0;
    return step ? step : mask + 1; /* a comparator that stays is met again after a wrap */
}

uint64_t hpet_timer_run(HpetTimer *t, uint64_t counter)
{
    uint64_t elapsed = counter - t->seen;
    uint64_t first = hpet_timer_distance(t);
    uint64_t step = hpet_timer_interval(t);
    t->seen = counter;
    if (!first || elapsed < first) {
        return 0;
    }
    uint64_t matches = 1 + (step ? (elapsed - first) / step : 0);
    if (t->config & HPET_TN_TYPE) {
        t->comparator = (t->comparator + matches * t->period) & hpet_timer_mask(t);
    }
    return matches;
}

void hpet_timer_config(HpetTimer *t, uint32_t value, uint32_t route_cap)
{
    uint32_t route = (value & HPET_TN_ROUTE) >> HPET_TN_ROUTE_SHIFT;
    if (!(route_cap >> route & 1)) {
        value = (value & ~HPET_TN_ROUTE) | (t->config & HPET_TN_ROUTE);
    }
    t->config = value & HPET_TN_WRITABLE;
    if (!(value & HPET_TN_TYPE)) {
        t->config &= ~HPET_TN_VAL_SET; /* has a meaning for periodic timers only */
    }
    t->comparator &= hpet_timer_mask(t);
    t->period &= hpet_timer_mask(t);
}

void hpet_timer_compare(HpetTimer *t, uint64_t value, uint64_t mask, uint64_t counter,
                        uint32_t running)
{
    mask &= hpet_timer_mask(t);
    t->period = (t->period & ~mask) | (value & mask);
    if (!(t->config & HPET_TN_TYPE) || t->config & HPET_TN_VAL_SET) {
        t->comparator = (t->comparator & ~mask) | (value & mask);
        t->seen = running ? counter - 1 : counter; /* a value that is the counter's matches now */
    }
    t->config &= ~HPET_TN_VAL_SET;
}
