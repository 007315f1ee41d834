/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* TM: the virtual clock, the TSC derived from it, and device timers. Real mode: the clock follows
 * the host's monotonic clock while it runs, and stands while stopped. Deterministic mode: it
 * advances by retired instructions of vCPU 0 (tm_set_icount) and by warping over idle time; the
 * same run is the same run. Timers fire on EMT 0 (tm_run_timers). All functions [any] unless
 * tagged. */
#ifndef CORE_TM_H
#define CORE_TM_H

#include <glib.h>
#include <viv/device.h>

#include "log/error.h"
#include "ssm/ssm.h"

typedef struct Tm Tm;

#define TM_NEVER UINT64_MAX

/* ns_x1000_per_instruction: of the deterministic clock, 0 for real mode. tsc_hz > 0. */
Tm *tm_new(uint64_t tsc_hz, uint64_t ps_per_instruction);
void tm_free(Tm *tm);
gboolean tm_deterministic(const Tm *tm);

/* Called from TM's thread when the earliest deadline has come: must make EMT 0 call
 * tm_run_timers(). The function set before is not called any more on return. Not from fn itself. */
void tm_set_wake_fn(Tm *tm, void (*fn)(void *ctx), void *ctx);

void tm_start(Tm *tm); /* the clock runs */
void tm_stop(Tm *tm);
uint64_t tm_now(Tm *tm);
uint64_t tm_tsc(Tm *tm);
uint64_t tm_tsc_hz(const Tm *tm);
void tm_tsc_set(Tm *tm, uint64_t value);
uint64_t tm_tsc_to_ns(Tm *tm, uint64_t tsc); /* virtual time at which the TSC has that value */
/* Wall clock, ns since 1970; deterministic mode: a fixed epoch plus the virtual clock. */
uint64_t tm_wall_ns(Tm *tm);

/* Deterministic mode: where vCPU 0's retired-instruction counter is read from. */
void tm_set_icount(Tm *tm, const uint64_t *icount);
/* Deterministic mode: instructions until the next deadline (at least 1), ~0 without one. [emt 0] */
uint64_t tm_instructions_to_deadline(Tm *tm);
/* Deterministic mode: nothing runs; jump to the next deadline. FALSE without one. [emt 0] */
gboolean tm_warp(Tm *tm);
/* ns until the next deadline (0: due), TM_NEVER without one. */
uint64_t tm_next_deadline_in(Tm *tm);
void tm_run_timers(Tm *tm); /* [emt 0] */

/* fn runs with lock held. owner and name identify it in saved states. */
viv_timer_t *tm_timer_new(Tm *tm, const char *owner, const char *name, GRecMutex *lock,
                          viv_timer_fn fn, viv_dev_t *dev, void *ctx);
void tm_timer_free(viv_timer_t *timer);
void tm_timer_arm(viv_timer_t *timer, uint64_t deadline_ns);
void tm_timer_cancel(viv_timer_t *timer);
uint64_t tm_timer_deadline(viv_timer_t *timer);
/* Disarms every timer: before a load. */
void tm_cancel_all(Tm *tm);

viv_status_t tm_save(Tm *tm, SsmWriter *writer);
viv_status_t tm_load(Tm *tm, SsmReader *reader, VivError *err);

#endif
