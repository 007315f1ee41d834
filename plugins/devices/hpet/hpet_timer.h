/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hpet: one comparator as a function of the main counter. Knows nothing of the host. */
#ifndef HPET_TIMER_H
#define HPET_TIMER_H

#include <viv/plugin.h>

/* Timer N Configuration and Capabilities, low half. */
#define HPET_TN_INT_TYPE    0x0002u /* 1: level */
#define HPET_TN_INT_ENB     0x0004u
#define HPET_TN_TYPE        0x0008u /* 1: periodic */
#define HPET_TN_PER_INT_CAP 0x0010u
#define HPET_TN_SIZE_CAP    0x0020u
#define HPET_TN_VAL_SET     0x0040u
#define HPET_TN_32MODE      0x0100u
#define HPET_TN_ROUTE       0x3e00u
#define HPET_TN_ROUTE_SHIFT 9u
#define HPET_TN_FSB_EN      0x4000u
#define HPET_TN_FSB_CAP     0x8000u
#define HPET_TN_WRITABLE                                                                           \
    (HPET_TN_INT_TYPE | HPET_TN_INT_ENB | HPET_TN_TYPE | HPET_TN_VAL_SET | HPET_TN_32MODE |        \
     HPET_TN_ROUTE | HPET_TN_FSB_EN)

typedef struct HpetTimer {
    uint64_t comparator; /* periodic: the accumulator */
    uint64_t period;     /* the value last written to the comparator */
    uint64_t seen;       /* the main counter's value up to which matches have been accounted for */
    uint64_t fsb;        /* FSB_INT_VAL, FSB_INT_ADDR */
    uint32_t config;     /* the writable bits */
    uint8_t line;        /* edge mode on an ISA line: the line is up since the latest match */
} HpetTimer;

extern const viv_field_t hpet_timer_fields[];

void hpet_timer_reset(HpetTimer *t);
/* Runs the comparator to `counter`. Returns how many matches there were. */
uint64_t hpet_timer_run(HpetTimer *t, uint64_t counter);
/* How far the counter is to go from `seen` to the next match, 1 or more; 0: 2^64. */
uint64_t hpet_timer_distance(const HpetTimer *t);
/* Counts between the matches that follow one another; 0: 2^64. */
uint64_t hpet_timer_interval(const HpetTimer *t);

/* What the guest writes; the comparator has been run to `counter` before. */
/* route_cap: Tn_INT_ROUTE_CAP; a route that it does not have leaves the old one. */
void hpet_timer_config(HpetTimer *t, uint32_t value, uint32_t route_cap);
/* Bits of `mask` of the comparator. running: the main counter is not halted. */
void hpet_timer_compare(HpetTimer *t, uint64_t value, uint64_t mask, uint64_t counter,
                        uint32_t running);

#endif
