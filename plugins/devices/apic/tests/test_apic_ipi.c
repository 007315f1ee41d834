/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* apic: two vCPUs that interrupt each other at random, in xAPIC and x2APIC mode, against a model that
 * keeps the sets of the Intel SDM (volume 3A, 11.8) as plain arrays. */
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "harness.h"

#define STEPS 150000
#define CPUS  2u

typedef struct Cpu {
    uint8_t requested[256], in_service[256], level[256];
    uint32_t tpr;
    uint8_t logical; /* xAPIC, flat */
} Cpu;

typedef struct Ctx {
    Harness *h;
    Cpu cpu[CPUS];
    uint32_t x2;
    uint64_t random;
    uint32_t sent, taken, merged, broadcasts;
} Ctx;

static uint32_t rnd(Ctx *t)
{
    t->random = t->random * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(t->random >> 33);
}

static uint32_t highest(const uint8_t *set)
{
    for (uint32_t v = 255; v > 15; v--)
        if (set[v])
            return v;
    return 0;
}

/* The vector that may interrupt, or 0. */
static uint32_t ready(const Cpu *c)
{
    uint32_t v = highest(c->requested), s = highest(c->in_service) / 16, t = c->tpr / 16;
    return v / 16 > (s > t ? s : t) ? v : 0;
}

static const viv_apic_ops_t *role(Ctx *t, viv_dev_t **dev, void **self)
{
    return harness_apic(t->h, dev, self);
}

static void reg_write(Ctx *t, uint32_t cpu, uint32_t reg, uint64_t value)
{
    viv_dev_t *dev;
    void *self;
    const viv_apic_ops_t *ops = role(t, &dev, &self);
    harness_current_vcpu(t->h, cpu);
    if (!t->x2) {
        if (reg == 0x30)
            harness_mmio_write(t->h, 0xfee00310, value >> 8, 4); /* 32..: to bits 31:24 */
        harness_mmio_write(t->h, 0xfee00000 + reg * 16, (uint32_t)value, 4);
        return;
    }
    harness_chipset_lock(t->h);
    ck_assert_int_eq(ops->msr_write(dev, self, cpu, 0x800 + reg, value), VIV_OK);
    harness_chipset_unlock(t->h);
}

static void expect(Ctx *t, uint32_t cpu, uint32_t vector, uint32_t level)
{
    t->merged += t->cpu[cpu].requested[vector];
    t->cpu[cpu].requested[vector] = 1;
    t->cpu[cpu].level[vector] = (uint8_t)level;
}

/* An IPI of any addressing that names one or both. */
static void send(Ctx *t, uint32_t from, uint32_t vector, uint32_t how)
{
    uint32_t to = how >> 4 & 1, targets, lo = vector | 0x4000;
    uint64_t dest = 0;
    switch (how & 7) {
    case 0: lo |= 1 << 18, targets = 1u << from; break;
    case 1: lo |= 2 << 18, targets = 3; break;
    case 2: lo |= 3 << 18, targets = 3u & ~(1u << from); break;
    case 3: dest = t->x2 ? 0xffffffff : 0xff, targets = 3; break;
    case 4:
    case 5: /* logical: ids 1 and 2 in cluster 0, or flat */
        lo |= 0x800;
        targets = how >> 5 & 3;
        dest = targets;
        break;
    default: dest = to, targets = 1u << to; break;
    }
    if (vector > 15) {
        for (uint32_t i = 0; i < CPUS; i++)
            if (targets >> i & 1)
                expect(t, i, vector, 0);
    }
    t->sent++;
    reg_write(t, from, 0x30, dest << 32 | lo);
}

static void from_bus(Ctx *t, uint32_t vector, uint32_t to, uint32_t level)
{
    viv_dev_t *dev;
    void *self;
    const viv_apic_ops_t *ops = role(t, &dev, &self);
    harness_chipset_lock(t->h);
    uint32_t taken = ops->deliver(dev, self, to, 0, VIV_APIC_DELIVERY_FIXED, vector, level);
    harness_chipset_unlock(t->h);
    ck_assert_uint_eq(taken, vector > 15);
    if (taken)
        expect(t, to, vector, level);
}

static void take(Ctx *t, uint32_t cpu)
{
    viv_dev_t *dev;
    void *self;
    const viv_apic_ops_t *ops = role(t, &dev, &self);
    uint32_t want = ready(&t->cpu[cpu]);
    uint8_t vector = 0;
    harness_chipset_lock(t->h);
    uint32_t got = ops->acknowledge(dev, self, cpu, &vector);
    harness_chipset_unlock(t->h);
    ck_assert_uint_eq(got, want != 0);
    if (!got)
        return;
    ck_assert_uint_eq(vector, want);
    t->cpu[cpu].requested[want] = 0;
    t->cpu[cpu].in_service[want] = 1;
    t->taken++;
}

static void end(Ctx *t, uint32_t cpu)
{
    Cpu *c = &t->cpu[cpu];
    uint32_t vector = highest(c->in_service);
    unsigned before = harness_event_count(t->h, HARNESS_EV_IOAPIC_EOI);
    reg_write(t, cpu, 0x0b, 0);
    uint32_t told = harness_event_count(t->h, HARNESS_EV_IOAPIC_EOI) - before;
    ck_assert_uint_eq(told, vector && c->level[vector]);
    c->in_service[vector] = 0;
    if (told)
        ck_assert_uint_eq(harness_event_last(t->h, HARNESS_EV_IOAPIC_EOI).a, vector);
    t->broadcasts += told;
    harness_events_clear(t->h);
}

static void step(Ctx *t)
{
    uint32_t r = rnd(t), cpu = r >> 4 & 1, vector = r >> 8 & 0xff;
    switch (r & 15) {
    case 0 ... 4: send(t, cpu, vector, r >> 16); break;
    case 5: from_bus(t, vector, cpu, r >> 16 & 1); break;
    case 6 ... 9: take(t, cpu); break;
    case 10 ... 14: end(t, cpu); break;
    default:
        if (r >> 16 & 7) {
            t->cpu[cpu].tpr = r >> 20 & 0xff & (r >> 28 & 1 ? 0xff : 0x3f);
            reg_write(t, cpu, 0x08, t->cpu[cpu].tpr);
        } else if (!(r >> 19 & 0x7f)) {
            harness_save_load(t->h);
        }
        break;
    }
    for (uint32_t i = 0; i < CPUS; i++)
        ck_assert_uint_eq(harness_cpu_intr_level(t->h, i), ready(&t->cpu[i]) != 0);
}

static void start(Ctx *t, uint32_t x2)
{
    viv_dev_t *dev;
    void *self;
    memset(t, 0, sizeof(*t));
    t->random = 0xa71c + x2;
    t->h = harness_create();
    harness_vm_cpus(t->h, CPUS);
    ck_assert_int_eq(harness_start(t->h, "apic", NULL), VIV_OK);
    const viv_apic_ops_t *ops = role(t, &dev, &self);
    for (uint32_t i = 0; i < CPUS; i++) {
        harness_current_vcpu(t->h, i);
        harness_mmio_write(t->h, 0xfee000f0, 0x1ff, 4);
        harness_mmio_write(t->h, 0xfee000d0, 1u << (24 + i), 4);
        harness_chipset_lock(t->h);
        if (x2)
            ck_assert_int_eq(ops->base_set(dev, self, i, 0xfee00c00 | (i ? 0 : 0x100)), VIV_OK);
        harness_chipset_unlock(t->h);
    }
    t->x2 = x2;
}

START_TEST(two_vcpus_interrupt_each_other)
{
    Ctx t;
    start(&t, (uint32_t)_i);
    for (uint32_t i = 0; i < STEPS; i++)
        step(&t);
    /* Nothing is left behind: with the priority out of the way every request is taken once. */
    for (uint32_t cpu = 0; cpu < CPUS; cpu++) {
        t.cpu[cpu].tpr = 0;
        reg_write(&t, cpu, 0x08, 0);
        for (uint32_t i = 0; i < 600; i++) {
            take(&t, cpu);
            end(&t, cpu);
        }
        ck_assert_uint_eq(highest(t.cpu[cpu].requested), 0);
        ck_assert_uint_eq(highest(t.cpu[cpu].in_service), 0);
    }
    ck_assert_uint_gt(t.taken, STEPS / 20);
    ck_assert_uint_gt(t.merged, 0);
    ck_assert_uint_gt(t.broadcasts, 100);
    harness_free(t.h);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("apic_ipi");
    TCase *tc = tcase_create("apic_ipi");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, two_vcpus_interrupt_each_other, 0, 2);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
