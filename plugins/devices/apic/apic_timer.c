/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* apic: the local timer: one-shot, periodic and TSC deadline.
 * Follows the Intel SDM volume 3A, 11.5.4. The bus clock is 1 GHz of the virtual clock, so one tick
 * is as many nanoseconds as the divider says, and reads of the current count are exact. Periods
 * that went by while nobody ran are one interrupt, as IRR has one bit for it anyway. */
#include "apic_priv.h"

/* Shorter periods fire this often, so that the host's timers do not do nothing else. No CPU could
 * serve them, and the count that the guest reads stays exact. */
#define APIC_TIMER_MIN_NS 1000ull

static uint64_t apic_timer_tick_ns(const ApicCpu *cpu)
{
    uint32_t code = (cpu->timer_divide >> 1 & 4u) | (cpu->timer_divide & 3u);
    return 1ull << ((code + 1) & 7u); /* 0: by 2 ... 6: by 128, 7: by 1 */
}

static uint32_t apic_timer_mode(const ApicCpu *cpu)
{
    return APIC_TIMER_MODE(cpu->lvt[APIC_LVT_TIMER]);
}

static uint64_t apic_timer_now(const ApicCpu *cpu)
{
    return cpu->apic->dev->api->time_ns(cpu->apic->dev);
}

static void apic_timer_cancel(ApicCpu *cpu)
{
    cpu->apic->dev->api->timer_cancel(cpu->timer);
}

/* When the counter reaches zero next, after `now`; UINT64_MAX: not any more. */
static uint64_t apic_timer_next_ns(const ApicCpu *cpu, uint64_t now)
{
    uint64_t tick = apic_timer_tick_ns(cpu);
    uint64_t first = cpu->timer_start_ns + cpu->timer_first * tick;

    if (first > now)
        return first;
    if (apic_timer_mode(cpu) != APIC_TIMER_PERIODIC || !cpu->timer_initial)
        return UINT64_MAX;
    uint64_t period = cpu->timer_initial * tick;
    return first + ((now - first) / period + 1) * period;
}

uint32_t apic_timer_current(const ApicCpu *cpu)
{
    uint64_t now = apic_timer_now(cpu);
    uint64_t tick = apic_timer_tick_ns(cpu);

    if (!cpu->timer_first || apic_timer_mode(cpu) == APIC_TIMER_TSC_DEADLINE)
        return 0;
    uint64_t next = apic_timer_next_ns(cpu, now);
    if (next == UINT64_MAX)
        return 0;
    /* Rounded up: the counter shows n until n - 1 is reached. */
    return (uint32_t)((next - now + tick - 1) / tick);
}

/* Starts to count down from `count` now; 0 stops. */
static void apic_timer_run(ApicCpu *cpu, uint32_t count)
{
    cpu->timer_first = count;
    cpu->timer_start_ns = apic_timer_now(cpu);
    if (count)
        cpu->apic->dev->api->timer_arm(cpu->timer,
                                       cpu->timer_start_ns + count * apic_timer_tick_ns(cpu));
    else
        apic_timer_cancel(cpu);
}

void apic_timer_reset(ApicCpu *cpu)
{
    cpu->timer_initial = 0;
    cpu->timer_divide = 0;
    cpu->timer_first = 0;
    cpu->timer_start_ns = 0;
    cpu->tsc_deadline = 0;
    apic_timer_cancel(cpu);
}

void apic_timer_initial_write(ApicCpu *cpu, uint32_t value)
{
    if (apic_timer_mode(cpu) == APIC_TIMER_TSC_DEADLINE)
        return;
    cpu->timer_initial = value;
    apic_timer_run(cpu, value);
}

void apic_timer_divide_write(ApicCpu *cpu, uint32_t value)
{
    uint32_t count = apic_timer_current(cpu);

    cpu->timer_divide = value & 0xbu;
    if (count)
        apic_timer_run(cpu, count); /* goes on from where it is, at the new rate */
}

void apic_timer_mode_changed(ApicCpu *cpu, uint32_t old, uint32_t now)
{
    uint32_t from = APIC_TIMER_MODE(old);
    uint32_t to = APIC_TIMER_MODE(now);

    if (from == to)
        return;
    if (from == APIC_TIMER_TSC_DEADLINE || to == APIC_TIMER_TSC_DEADLINE) { /* either way disarms */
        cpu->timer_initial = 0;
        cpu->timer_first = 0;
        cpu->tsc_deadline = 0;
        apic_timer_cancel(cpu);
        return;
    }
    /* One-shot and periodic differ in what happens at zero only: freeze the count under the old
     * mode. */
    uint32_t count = apic_timer_current(cpu);
    if (count)
        apic_timer_run(cpu, count);
    else
        cpu->timer_first = 0;
}

/* -- TSC deadline ---------------------------------------------------------------------------- */

uint64_t apic_timer_deadline_read(const ApicCpu *cpu)
{
    return cpu->tsc_deadline;
}

static void apic_timer_deadline_arm(ApicCpu *cpu)
{
    Apic *apic = cpu->apic;
    uint64_t at = apic->chipset->tsc_to_time_ns(apic->dev, cpu->index, cpu->tsc_deadline);

    apic->dev->api->timer_arm(cpu->timer, at);
}

void apic_timer_deadline_write(ApicCpu *cpu, uint64_t tsc)
{
    if (apic_timer_mode(cpu) != APIC_TIMER_TSC_DEADLINE)
        return; /* ignored in the other modes */
    cpu->tsc_deadline = tsc;
    if (tsc)
        apic_timer_deadline_arm(cpu);
    else
        apic_timer_cancel(cpu);
}

void apic_timer_tsc_changed(ApicCpu *cpu)
{
    if (cpu->tsc_deadline && apic_timer_mode(cpu) == APIC_TIMER_TSC_DEADLINE)
        apic_timer_deadline_arm(cpu);
}

/* The conversion may have rounded down: then wait on, by a nanosecond at least. */
static void apic_timer_deadline_expired(ApicCpu *cpu)
{
    Apic *apic = cpu->apic;

    if (!cpu->tsc_deadline)
        return;
    if (apic->chipset->tsc_read(apic->dev, cpu->index) < cpu->tsc_deadline) {
        uint64_t at = apic->chipset->tsc_to_time_ns(apic->dev, cpu->index, cpu->tsc_deadline);
        uint64_t now = apic_timer_now(cpu);
        apic->dev->api->timer_arm(cpu->timer, at > now ? at : now + 1);
        return;
    }
    cpu->tsc_deadline = 0;
    apic_lvt_fire(cpu, APIC_LVT_TIMER);
}

/* [emt, chipset lock held] */
void apic_timer_expired(viv_dev_t *dev, void *ctx)
{
    ApicCpu *cpu = ctx;

    if (apic_timer_mode(cpu) == APIC_TIMER_TSC_DEADLINE) {
        apic_timer_deadline_expired(cpu);
        return;
    }
    if (!cpu->timer_first)
        return;
    uint64_t now = apic_timer_now(cpu);
    uint64_t next = apic_timer_next_ns(cpu, now);
    if (next != UINT64_MAX)
        dev->api->timer_arm(cpu->timer,
                            next < now + APIC_TIMER_MIN_NS ? now + APIC_TIMER_MIN_NS : next);
    else
        cpu->timer_first = 0;
    apic_lvt_fire(cpu, APIC_LVT_TIMER);
}
