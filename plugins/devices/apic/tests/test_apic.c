/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* apic: priorities and EOI, messages and destinations, local pins, errors, the timer in its three
 * modes, IA32_APIC_BASE and x2APIC. */
#include <check.h>
#include <stdlib.h>

#include "harness.h"

#define BASE 0xfee00000ull

/* Register offsets */
#define ID        0x20
#define VERSION   0x30
#define TPR       0x80
#define PPR       0xa0
#define EOI       0xb0
#define LDR       0xd0
#define DFR       0xe0
#define SVR       0xf0
#define ISR       0x100
#define TMR       0x180
#define IRR       0x200
#define ESR       0x280
#define ICR_LO    0x300
#define ICR_HI    0x310
#define LVT_TIMER 0x320
#define LINT0     0x350
#define LINT1     0x360
#define LVT_ERROR 0x370
#define INITIAL   0x380
#define CURRENT   0x390
#define DIVIDE    0x3e0

static uint32_t get(Harness *h, uint32_t off)
{
    return (uint32_t)harness_mmio_read(h, BASE + off, 4);
}

static void put(Harness *h, uint32_t off, uint32_t value)
{
    harness_mmio_write(h, BASE + off, value, 4);
}

static Harness *machine(uint32_t cpus, const char *options)
{
    Harness *h = harness_create();
    harness_vm_cpus(h, cpus);
    ck_assert_int_eq(harness_start(h, "apic", options), VIV_OK);
    for (uint32_t i = 0; i < cpus; i++) {
        harness_current_vcpu(h, i);
        put(h, SVR, 0x1ff);
    }
    harness_current_vcpu(h, 0);
    return h;
}

/* Calls of the role, with the lock. */
typedef struct Role {
    const viv_apic_ops_t *ops;
    viv_dev_t *dev;
    void *self;
} Role;

static Role role(Harness *h)
{
    Role r;
    r.ops = harness_apic(h, &r.dev, &r.self);
    ck_assert_ptr_nonnull(r.ops);
    return r;
}

static uint32_t deliver(Harness *h, uint32_t dest, uint32_t logical, uint32_t mode, uint32_t vector,
                        uint32_t level)
{
    Role r = role(h);
    harness_chipset_lock(h);
    uint32_t taken = r.ops->deliver(r.dev, r.self, dest, logical, mode, vector, level);
    harness_chipset_unlock(h);
    return taken;
}

/* The vector that the vCPU takes, or -1. */
static int take(Harness *h, uint32_t vcpu)
{
    Role r = role(h);
    uint8_t vector = 0;
    harness_chipset_lock(h);
    uint32_t taken = r.ops->acknowledge(r.dev, r.self, vcpu, &vector);
    harness_chipset_unlock(h);
    return taken ? vector : -1;
}

static void pin(Harness *h, uint32_t vcpu, uint32_t n, uint32_t level)
{
    Role r = role(h);
    harness_chipset_lock(h);
    r.ops->local_pin(r.dev, r.self, vcpu, n, level);
    harness_chipset_unlock(h);
}

static viv_status_t base_set(Harness *h, uint32_t vcpu, uint64_t value)
{
    Role r = role(h);
    harness_chipset_lock(h);
    viv_status_t st = r.ops->base_set(r.dev, r.self, vcpu, value);
    harness_chipset_unlock(h);
    return st;
}

static viv_status_t wrmsr(Harness *h, uint32_t vcpu, uint32_t msr, uint64_t value)
{
    Role r = role(h);
    harness_chipset_lock(h);
    viv_status_t st = r.ops->msr_write(r.dev, r.self, vcpu, msr, value);
    harness_chipset_unlock(h);
    return st;
}

static viv_status_t rdmsr(Harness *h, uint32_t vcpu, uint32_t msr, uint64_t *ret)
{
    Role r = role(h);
    harness_chipset_lock(h);
    viv_status_t st = r.ops->msr_read(r.dev, r.self, vcpu, msr, ret);
    harness_chipset_unlock(h);
    return st;
}

static uint64_t msr(Harness *h, uint32_t vcpu, uint32_t number)
{
    uint64_t value = 0;
    ck_assert_int_eq(rdmsr(h, vcpu, number, &value), VIV_OK);
    return value;
}

static void init(Harness *h, uint32_t vcpu)
{
    Role r = role(h);
    harness_chipset_lock(h);
    r.ops->vcpu_init(r.dev, r.self, vcpu);
    harness_chipset_unlock(h);
}

START_TEST(reset_state)
{
    Harness *h = harness_create();
    harness_vm_cpus(h, 2);
    ck_assert_int_eq(harness_start(h, "apic", NULL), VIV_OK);
    Role r = role(h);
    ck_assert_uint_eq(r.ops->base_get(r.dev, r.self, 0), 0xfee00900);
    ck_assert_uint_eq(r.ops->base_get(r.dev, r.self, 1), 0xfee00800);
    ck_assert_uint_eq(get(h, VERSION), 0x01060014);
    ck_assert_uint_eq(get(h, SVR), 0xff);
    ck_assert_uint_eq(get(h, DFR), 0xffffffff);
    ck_assert_uint_eq(get(h, LVT_TIMER), 0x10000);
    ck_assert_uint_eq(get(h, LINT0), 0x700); /* virtual wire */
    ck_assert_uint_eq(get(h, ID), 0);
    harness_current_vcpu(h, 1);
    ck_assert_uint_eq(get(h, ID), 0x01000000);
    ck_assert_uint_eq(get(h, LINT0), 0x10000);
    ck_assert_uint_eq(get(h, 0x24), 0); /* between registers */
    harness_free(h);
    h = machine(1, "VirtualWire=0");
    ck_assert_uint_eq(get(h, LINT0), 0x10000);
    harness_free(h);
}
END_TEST

START_TEST(priority_and_eoi)
{
    Harness *h = machine(1, NULL);
    ck_assert_uint_eq(deliver(h, 0, 0, VIV_APIC_DELIVERY_FIXED, 0x41, 0), 1);
    ck_assert_uint_eq(harness_cpu_intr_level(h, 0), 1);
    deliver(h, 0, 0, VIV_APIC_DELIVERY_FIXED, 0x35, 0);
    ck_assert_uint_eq(get(h, IRR + 0x20), 0x2);
    ck_assert_int_eq(take(h, 0), 0x41);
    ck_assert_uint_eq(get(h, PPR), 0x40);
    ck_assert_uint_eq(get(h, ISR + 0x20), 0x2);
    ck_assert_uint_eq(harness_cpu_intr_level(h, 0), 0); /* 35h waits */
    ck_assert_int_eq(take(h, 0), -1);
    deliver(h, 0, 0, VIV_APIC_DELIVERY_FIXED, 0x4f, 0); /* the same class waits too */
    ck_assert_uint_eq(harness_cpu_intr_level(h, 0), 0);
    deliver(h, 0, 0, VIV_APIC_DELIVERY_FIXED, 0xf0, 0);
    ck_assert_int_eq(take(h, 0), 0xf0);
    harness_save_load(h); /* two in service, two waiting */
    put(h, EOI, 0);
    ck_assert_uint_eq(get(h, PPR), 0x40);
    put(h, EOI, 0);
    ck_assert_int_eq(take(h, 0), 0x4f);
    put(h, EOI, 0);
    ck_assert_int_eq(take(h, 0), 0x35);
    put(h, EOI, 0);
    put(h, EOI, 0); /* nothing in service: harmless */
    ck_assert_uint_eq(get(h, PPR), 0);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_IOAPIC_EOI), 0);
    harness_free(h);
}
END_TEST

START_TEST(task_priority)
{
    Harness *h = machine(1, NULL);
    Role r = role(h);
    put(h, TPR, 0x50);
    deliver(h, 0, 0, VIV_APIC_DELIVERY_FIXED, 0x5f, 0);
    ck_assert_uint_eq(harness_cpu_intr_level(h, 0), 0);
    harness_chipset_lock(h);
    r.ops->tpr_set(r.dev, r.self, 0, 0x4f);
    ck_assert_uint_eq(r.ops->tpr_get(r.dev, r.self, 0), 0x4f);
    harness_chipset_unlock(h);
    ck_assert_uint_eq(get(h, PPR), 0x4f);
    ck_assert_uint_eq(harness_cpu_intr_level(h, 0), 1);
    put(h, TPR, 0xff);
    ck_assert_uint_eq(harness_cpu_intr_level(h, 0), 0); /* withdrawn */
    ck_assert_int_eq(take(h, 0), -1);
    put(h, TPR, 0);
    ck_assert_int_eq(take(h, 0), 0x5f);
    harness_free(h);
}
END_TEST

START_TEST(level_eoi_reaches_the_ioapic)
{
    Harness *h = machine(1, NULL);
    deliver(h, 0, 0, VIV_APIC_DELIVERY_FIXED, 0x61, 1);
    ck_assert_uint_eq(get(h, TMR + 0x30), 0x2);
    ck_assert_int_eq(take(h, 0), 0x61);
    put(h, EOI, 0);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_IOAPIC_EOI), 1);
    ck_assert_uint_eq(harness_event_last(h, HARNESS_EV_IOAPIC_EOI).a, 0x61);
    put(h, SVR, 0x11ff); /* suppressed */
    deliver(h, 0, 0, VIV_APIC_DELIVERY_FIXED, 0x61, 1);
    take(h, 0);
    put(h, EOI, 0);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_IOAPIC_EOI), 1);
    put(h, SVR, 0x1ff);
    deliver(h, 0, 0, VIV_APIC_DELIVERY_FIXED, 0x61, 0); /* an edge with the vector clears TMR */
    take(h, 0);
    put(h, EOI, 0);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_IOAPIC_EOI), 1);
    harness_free(h);
}
END_TEST

START_TEST(disabled_apic_takes_nothing)
{
    Harness *h = machine(1, NULL);
    put(h, LVT_TIMER, 0x40);
    put(h, SVR, 0xff);
    ck_assert_uint_eq(get(h, LVT_TIMER), 0x10040); /* masked with it */
    put(h, LVT_TIMER, 0x40);
    ck_assert_uint_eq(get(h, LVT_TIMER), 0x10040);
    ck_assert_uint_eq(deliver(h, 0, 0, VIV_APIC_DELIVERY_FIXED, 0x41, 0), 0);
    ck_assert_uint_eq(deliver(h, 0, 0, VIV_APIC_DELIVERY_NMI, 0, 0), 1);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_CPU_NMI), 1);
    put(h, SVR, 0x1ff);
    ck_assert_uint_eq(get(h, LVT_TIMER), 0x10040);
    ck_assert_uint_eq(deliver(h, 0, 0, VIV_APIC_DELIVERY_FIXED, 0x0f, 0), 0); /* illegal vector */
    put(h, ESR, 0);
    ck_assert_uint_eq(get(h, ESR), 0x40);
    harness_free(h);
}
END_TEST

/* Which vCPUs have got an interrupt, as a mask; takes and ends it. */
static uint32_t got(Harness *h, uint32_t cpus)
{
    uint32_t mask = 0;
    for (uint32_t i = 0; i < cpus; i++) {
        if (take(h, i) >= 0) {
            mask |= 1u << i;
            harness_current_vcpu(h, i);
            put(h, EOI, 0);
        }
    }
    harness_current_vcpu(h, 0);
    return mask;
}

START_TEST(destinations)
{
    Harness *h = machine(4, NULL);
    deliver(h, 2, 0, VIV_APIC_DELIVERY_FIXED, 0x40, 0);
    ck_assert_uint_eq(got(h, 4), 0x4);
    deliver(h, 0xff, 0, VIV_APIC_DELIVERY_FIXED, 0x40, 0);
    ck_assert_uint_eq(got(h, 4), 0xf);
    ck_assert_uint_eq(deliver(h, 9, 0, VIV_APIC_DELIVERY_FIXED, 0x40, 0), 0);
    /* Flat: a bit each. */
    for (uint32_t i = 0; i < 4; i++) {
        harness_current_vcpu(h, i);
        put(h, LDR, 0x01000000u << i);
    }
    deliver(h, 0x0a, 1, VIV_APIC_DELIVERY_FIXED, 0x40, 0);
    ck_assert_uint_eq(got(h, 4), 0xa);
    /* Cluster: 0 and 1 in cluster 0, 2 and 3 in cluster 1. */
    for (uint32_t i = 0; i < 4; i++) {
        harness_current_vcpu(h, i);
        put(h, DFR, 0x0fffffff);
        put(h, LDR, (i / 2) << 28 | (1u << (i & 1)) << 24);
    }
    deliver(h, 0x12, 1, VIV_APIC_DELIVERY_FIXED, 0x40, 0);
    ck_assert_uint_eq(got(h, 4), 0x8);
    deliver(h, 0x03, 1, VIV_APIC_DELIVERY_FIXED, 0x40, 0);
    ck_assert_uint_eq(got(h, 4), 0x3);
    deliver(h, 0xff, 1, VIV_APIC_DELIVERY_FIXED, 0x40, 0);
    ck_assert_uint_eq(got(h, 4), 0xf);
    harness_free(h);
}
END_TEST

START_TEST(lowest_priority)
{
    Harness *h = machine(3, NULL);
    for (uint32_t i = 0; i < 3; i++) {
        harness_current_vcpu(h, i);
        put(h, LDR, 0x01000000u << i);
        put(h, TPR, i == 1 ? 0x10 : 0x20);
    }
    for (unsigned n = 0; n < 3; n++) {
        deliver(h, 7, 1, VIV_APIC_DELIVERY_LOWEST, 0x40, 0);
        ck_assert_uint_eq(got(h, 3), 0x2);
    }
    harness_current_vcpu(h, 1);
    put(h, TPR, 0x20);
    uint32_t all = 0;
    for (unsigned n = 0; n < 3; n++) {
        deliver(h, 7, 1, VIV_APIC_DELIVERY_LOWEST, 0x40, 0);
        uint32_t one = got(h, 3);
        ck_assert_int_eq(__builtin_popcount(one), 1);
        all |= one;
    }
    ck_assert_uint_eq(all, 7); /* in turn */
    harness_current_vcpu(h, 2);
    put(h, SVR, 0xff);
    deliver(h, 4, 1, VIV_APIC_DELIVERY_LOWEST, 0x40, 0);
    ck_assert_uint_eq(got(h, 3), 0);
    harness_free(h);
}
END_TEST

START_TEST(ipis)
{
    Harness *h = machine(4, NULL);
    harness_current_vcpu(h, 1);
    put(h, ICR_HI, 3u << 24);
    put(h, ICR_LO, 0x0045);
    ck_assert_uint_eq(get(h, ICR_LO), 0x45);
    ck_assert_uint_eq(got(h, 4), 0x8);
    harness_current_vcpu(h, 1);
    put(h, ICR_LO, 0x40045);
    ck_assert_uint_eq(got(h, 4), 0x2);
    harness_current_vcpu(h, 1);
    put(h, ICR_LO, 0x80045);
    ck_assert_uint_eq(got(h, 4), 0xf);
    harness_current_vcpu(h, 1);
    put(h, ICR_LO, 0xc0045);
    ck_assert_uint_eq(got(h, 4), 0xd);
    /* INIT, its de-assertion, SIPI, NMI, SMI. */
    harness_current_vcpu(h, 0);
    put(h, ICR_LO, 0xc4500);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_CPU_INIT), 3);
    put(h, ICR_LO, 0x88500);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_CPU_INIT), 3);
    put(h, ICR_HI, 2u << 24);
    put(h, ICR_LO, 0x4699);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_CPU_SIPI), 1);
    ck_assert_uint_eq(harness_event_last(h, HARNESS_EV_CPU_SIPI).a, 2);
    ck_assert_uint_eq(harness_event_last(h, HARNESS_EV_CPU_SIPI).b, 0x99);
    put(h, ICR_LO, 0x4400);
    ck_assert_uint_eq(harness_event_last(h, HARNESS_EV_CPU_NMI).a, 2);
    put(h, ICR_LO, 0x4200);
    ck_assert_uint_eq(harness_event_last(h, HARNESS_EV_CPU_SMI).a, 2);
    /* A bad vector is an error of the sender. */
    put(h, LVT_ERROR, 0xfe);
    put(h, ICR_LO, 0x4003);
    ck_assert_int_eq(take(h, 0), 0xfe);
    put(h, ESR, 0);
    ck_assert_uint_eq(get(h, ESR), 0x20);
    put(h, ESR, 0);
    ck_assert_uint_eq(get(h, ESR), 0);
    harness_free(h);
}
END_TEST

START_TEST(error_about_errors)
{
    Harness *h = machine(1, NULL);
    put(h, LVT_ERROR, 0x05); /* an illegal vector itself */
    get(h, 0x3f0);           /* no such register here */
    put(h, 0x40, 1);
    put(h, ESR, 0);
    ck_assert_uint_eq(get(h, ESR), 0xc0);
    harness_free(h);
}
END_TEST

START_TEST(one_error_interrupt_until_esr_is_written)
{
    Harness *h = machine(1, NULL);
    put(h, LVT_ERROR, 0xfe);
    get(h, 0x40);
    ck_assert_int_eq(take(h, 0), 0xfe);
    put(h, EOI, 0);
    put(h, ICR_LO, 0x4003); /* another error, another bit */
    ck_assert_int_eq(take(h, 0), -1);
    put(h, ESR, 0);
    ck_assert_uint_eq(get(h, ESR), 0xa0);
    ck_assert_uint_eq(get(h, ESR), 0xa0); /* until it is written again */
    get(h, 0x40);
    ck_assert_int_eq(take(h, 0), 0xfe);
    ck_assert_uint_eq(harness_stam(h, "Errors"), 3);
    harness_free(h);
}
END_TEST

/* AMD's APIC ids can be written: messages follow. */
START_TEST(id_can_be_written)
{
    Harness *h = machine(2, NULL);
    harness_current_vcpu(h, 1);
    put(h, ID, 0x7f123456);
    ck_assert_uint_eq(get(h, ID), 0x7f000000);
    ck_assert_uint_eq(deliver(h, 1, 0, 0, 0x44, 0), 0);
    ck_assert_uint_eq(harness_stam(h, "Refused"), 1);
    ck_assert_uint_eq(deliver(h, 0x7f, 0, 0, 0x44, 0), 1);
    ck_assert_int_eq(take(h, 1), 0x44);
    harness_save_load(h);
    ck_assert_uint_eq(get(h, ID), 0x7f000000);
    /* x2APIC ids are the hardware's, and so is what comes after switching off. */
    ck_assert_int_eq(base_set(h, 1, 0xfee00c00), VIV_OK);
    ck_assert_uint_eq(msr(h, 1, 0x802), 1);
    ck_assert_uint_eq(msr(h, 1, 0x80d), 2);
    ck_assert_int_eq(base_set(h, 1, 0xfee00000), VIV_OK);
    ck_assert_int_eq(base_set(h, 1, 0xfee00800), VIV_OK);
    ck_assert_uint_eq(get(h, ID), 0x01000000);
    put(h, ID, 0x05000000);
    harness_reset(h);
    ck_assert_uint_eq(get(h, ID), 0x01000000);
    harness_free(h);
}
END_TEST

START_TEST(remote_read)
{
    Harness *h = machine(2, NULL);
    harness_current_vcpu(h, 1);
    put(h, SVR, 0x1e7);
    harness_current_vcpu(h, 0);
    put(h, ICR_HI, 1u << 24);
    put(h, ICR_LO, 0x30f); /* SVR of APIC 1 */
    ck_assert_uint_eq(get(h, ICR_LO), 0x2030f);
    ck_assert_uint_eq(get(h, 0xc0), 0x1e7);
    harness_save_load(h);
    ck_assert_uint_eq(get(h, 0xc0), 0x1e7);
    put(h, ICR_HI, 7u << 24); /* nobody there */
    put(h, ICR_LO, 0x3030f);
    ck_assert_uint_eq(get(h, ICR_LO), 0x0030f);
    put(h, ICR_HI, 1u << 24);
    put(h, ICR_LO, 0x304); /* no such register */
    ck_assert_uint_eq(get(h, ICR_LO), 0x00304);
    put(h, ESR, 0);
    ck_assert_uint_eq(get(h, ESR), 0);
    harness_free(h);
}
END_TEST

START_TEST(short_periods_are_bounded)
{
    Harness *h = machine(1, NULL);
    put(h, DIVIDE, 0xb);
    put(h, LVT_TIMER, 0x20041);
    put(h, INITIAL, 3); /* 3 ns */
    ck_assert_uint_le(harness_advance_ns(h, 1000000), 1001);
    ck_assert_uint_ge(harness_event_count(h, HARNESS_EV_CPU_INTR), 1);
    ck_assert_uint_le(get(h, CURRENT), 3);
    ck_assert_uint_ge(get(h, CURRENT), 1);
    harness_free(h);
}
END_TEST

START_TEST(pins)
{
    Harness *h = harness_create();
    harness_vm_cpus(h, 2);
    ck_assert_int_eq(harness_start(h, "apic", NULL), VIV_OK);
    pin(h, 0, 0, 1); /* virtual wire, before anybody sets it up */
    pin(h, 1, 0, 1);
    ck_assert_uint_eq(harness_cpu_extint_level(h, 0), 1);
    ck_assert_uint_eq(harness_cpu_extint_level(h, 1), 0);
    harness_save_load(h);
    ck_assert_uint_eq(harness_cpu_extint_level(h, 0), 1);
    put(h, SVR, 0x1ff);
    put(h, LINT0, 0x18700);
    ck_assert_uint_eq(harness_cpu_extint_level(h, 0), 0);
    put(h, LINT0, 0x8700);
    ck_assert_uint_eq(harness_cpu_extint_level(h, 0), 1);
    pin(h, 0, 0, 0);
    ck_assert_uint_eq(harness_cpu_extint_level(h, 0), 0);
    /* LINT1 as NMI: on the rise. */
    put(h, LINT1, 0x400);
    pin(h, 0, 1, 1);
    pin(h, 0, 1, 1);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_CPU_NMI), 1);
    pin(h, 0, 1, 0);
    put(h, LINT1, 0x10400);
    pin(h, 0, 1, 1);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_CPU_NMI), 1);
    /* LINT0 as a fixed edge, then as a level. */
    put(h, LINT0, 0x52);
    pin(h, 0, 0, 1);
    ck_assert_int_eq(take(h, 0), 0x52);
    put(h, EOI, 0);
    put(h, LINT0, 0x8053);
    ck_assert_int_eq(take(h, 0), 0x53);
    ck_assert_uint_eq(get(h, LINT0), 0xc053);
    put(h, EOI, 0); /* still up */
    ck_assert_int_eq(take(h, 0), 0x53);
    pin(h, 0, 0, 0);
    put(h, EOI, 0);
    ck_assert_int_eq(take(h, 0), -1);
    ck_assert_uint_eq(get(h, LINT0), 0x8053);
    harness_free(h);
}
END_TEST

START_TEST(globally_disabled_apic_is_two_pins)
{
    Harness *h = machine(1, NULL);
    deliver(h, 0, 0, VIV_APIC_DELIVERY_FIXED, 0x41, 0);
    ck_assert_int_eq(base_set(h, 0, 0xfee00100), VIV_OK);
    ck_assert_uint_eq(harness_cpu_intr_level(h, 0), 0);
    ck_assert_uint_eq(get(h, VERSION), 0xffffffff);
    ck_assert_uint_eq(deliver(h, 0xff, 0, VIV_APIC_DELIVERY_NMI, 0, 0), 0);
    pin(h, 0, 0, 1);
    ck_assert_uint_eq(harness_cpu_extint_level(h, 0), 1);
    pin(h, 0, 1, 1);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_CPU_NMI), 1);
    ck_assert_int_eq(base_set(h, 0, 0xfee00900), VIV_OK);
    ck_assert_uint_eq(get(h, SVR), 0xff); /* comes back as after reset */
    ck_assert_uint_eq(get(h, IRR + 0x20), 0);
    harness_free(h);
}
END_TEST

START_TEST(extint_message)
{
    Harness *h = machine(1, NULL);
    put(h, LINT0, 0x10700);
    deliver(h, 0, 0, VIV_APIC_DELIVERY_EXTINT, 0, 0);
    ck_assert_uint_eq(harness_cpu_extint_level(h, 0), 1);
    harness_save_load(h);
    ck_assert_uint_eq(harness_cpu_extint_level(h, 0), 1);
    pin(h, 0, 0, 1);
    pin(h, 0, 0, 0); /* the PIC has been served */
    ck_assert_uint_eq(harness_cpu_extint_level(h, 0), 0);
    harness_free(h);
}
END_TEST

START_TEST(timer_one_shot)
{
    Harness *h = machine(1, NULL);
    put(h, DIVIDE, 0xb); /* by 1 */
    put(h, LVT_TIMER, 0x40);
    put(h, INITIAL, 1000);
    ck_assert_uint_eq(get(h, CURRENT), 1000);
    harness_advance_ns(h, 300);
    ck_assert_uint_eq(get(h, CURRENT), 700);
    put(h, DIVIDE, 0x0); /* by 2, from here on */
    ck_assert_uint_eq(get(h, CURRENT), 700);
    harness_advance_ns(h, 1399);
    ck_assert_uint_eq(get(h, CURRENT), 1);
    ck_assert_uint_eq(harness_cpu_intr_level(h, 0), 0);
    harness_save_load(h);
    ck_assert_uint_eq(harness_advance_ns(h, 1), 1);
    ck_assert_int_eq(take(h, 0), 0x40);
    ck_assert_uint_eq(get(h, CURRENT), 0);
    ck_assert_uint_eq(get(h, INITIAL), 1000);
    ck_assert(harness_next_deadline(h) == UINT64_MAX);
    put(h, EOI, 0);
    put(h, INITIAL, 10);
    put(h, INITIAL, 0); /* stops */
    ck_assert_uint_eq(harness_advance_ns(h, 1000000), 0);
    put(h, INITIAL, 10);
    put(h, LVT_TIMER, 0x10040); /* masked: it runs, nothing comes */
    ck_assert_uint_eq(harness_advance_ns(h, 1000), 1);
    ck_assert_int_eq(take(h, 0), -1);
    harness_free(h);
}
END_TEST

START_TEST(timer_periodic)
{
    Harness *h = machine(1, NULL);
    put(h, DIVIDE, 0x3); /* by 16 */
    put(h, LVT_TIMER, 0x20041);
    put(h, INITIAL, 100); /* 1600 ns */
    ck_assert_uint_eq(harness_advance_ns(h, 1600), 1);
    ck_assert_int_eq(take(h, 0), 0x41);
    put(h, EOI, 0);
    ck_assert_uint_eq(get(h, CURRENT), 100);
    harness_advance_ns(h, 160);
    ck_assert_uint_eq(get(h, CURRENT), 90);
    harness_save_load(h);
    ck_assert_uint_eq(get(h, CURRENT), 90);
    ck_assert_uint_eq(harness_advance_ns(h, 1440), 1);
    ck_assert_int_eq(take(h, 0), 0x41);
    put(h, EOI, 0);
    ck_assert_uint_eq(harness_advance_ns(h, 16000), 10);
    ck_assert_int_eq(take(h, 0), 0x41); /* one bit for all of them */
    put(h, EOI, 0);
    ck_assert_int_eq(take(h, 0), -1);
    harness_advance_ns(h, 800);
    put(h, LVT_TIMER, 0x41); /* to one-shot on the fly: the present round ends it */
    ck_assert_uint_eq(get(h, CURRENT), 50);
    ck_assert_uint_eq(harness_advance_ns(h, 800), 1);
    ck_assert_uint_eq(harness_advance_ns(h, 100000), 0);
    harness_free(h);
}
END_TEST

START_TEST(timer_tsc_deadline)
{
    Harness *h = machine(1, NULL); /* 2 GHz */
    ck_assert_int_eq(wrmsr(h, 0, 0x6e0, 1000), VIV_OK);
    ck_assert_uint_eq(msr(h, 0, 0x6e0), 0); /* not in that mode */
    put(h, LVT_TIMER, 0x40042);
    put(h, INITIAL, 1000);
    ck_assert_uint_eq(get(h, INITIAL), 0);
    uint64_t now = harness_time_ns(h);
    wrmsr(h, 0, 0x6e0, (now + 500) * 2);
    ck_assert_uint_eq(msr(h, 0, 0x6e0), (now + 500) * 2);
    ck_assert_uint_eq(get(h, CURRENT), 0);
    harness_advance_ns(h, 499);
    ck_assert_int_eq(take(h, 0), -1);
    harness_save_load(h);
    harness_advance_ns(h, 1);
    ck_assert_int_eq(take(h, 0), 0x42);
    put(h, EOI, 0);
    ck_assert_uint_eq(msr(h, 0, 0x6e0), 0);
    wrmsr(h, 0, 0x6e0, 1); /* long past: at once */
    harness_advance_ns(h, 1);
    ck_assert_int_eq(take(h, 0), 0x42);
    put(h, EOI, 0);
    wrmsr(h, 0, 0x6e0, (harness_time_ns(h) + 500) * 2);
    wrmsr(h, 0, 0x6e0, 0);
    ck_assert_uint_eq(harness_advance_ns(h, 1000), 0);
    wrmsr(h, 0, 0x6e0, (harness_time_ns(h) + 500) * 2);
    put(h, LVT_TIMER, 0x42); /* leaving the mode disarms */
    ck_assert_uint_eq(harness_advance_ns(h, 1000), 0);
    ck_assert_uint_eq(msr(h, 0, 0x6e0), 0);
    harness_free(h);
}
END_TEST

START_TEST(timer_follows_tsc_writes)
{
    Harness *h = machine(2, NULL); /* 2 GHz */
    put(h, LVT_TIMER, 0x40042);
    uint64_t now = harness_time_ns(h);
    wrmsr(h, 0, 0x6e0, (now + 1000) * 2);
    harness_tsc_set(h, (now + 600) * 2); /* forwards: 400 ns are left */
    harness_advance_ns(h, 399);
    ck_assert_int_eq(take(h, 0), -1);
    harness_advance_ns(h, 1);
    ck_assert_int_eq(take(h, 0), 0x42);
    put(h, EOI, 0);
    harness_tsc_set(h, 10000);
    wrmsr(h, 0, 0x6e0, 11000);
    harness_tsc_set(h, 1000); /* backwards: 5 us */
    harness_advance_ns(h, 4999);
    ck_assert_int_eq(take(h, 0), -1);
    harness_save_load(h);
    harness_advance_ns(h, 1);
    ck_assert_int_eq(take(h, 0), 0x42);
    put(h, EOI, 0);
    wrmsr(h, 0, 0x6e0, 50000);
    harness_tsc_set(h, 60000); /* beyond it */
    harness_advance_ns(h, 1);
    ck_assert_int_eq(take(h, 0), 0x42);
    /* The counter's modes do not care. */
    put(h, EOI, 0);
    put(h, LVT_TIMER, 0x42);
    put(h, DIVIDE, 0xb);
    put(h, INITIAL, 1000);
    harness_tsc_set(h, 1);
    ck_assert_uint_eq(get(h, CURRENT), 1000);
    harness_free(h);
}
END_TEST

START_TEST(nmi_line)
{
    Harness *h = machine(2, NULL);
    /* Software enabling leaves the boot processor's virtual wire as it was; the other is masked. */
    harness_nmi_drive(h, 1);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_CPU_NMI), 1);
    ck_assert_uint_eq(harness_event_last(h, HARNESS_EV_CPU_NMI).a, 0);
    harness_save_load(h); /* the level comes back, the edge does not */
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_CPU_NMI), 1);
    harness_current_vcpu(h, 1);
    put(h, LINT1, 0x400);
    harness_current_vcpu(h, 0);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_CPU_NMI), 1);
    harness_nmi_drive(h, 0);
    harness_nmi_drive(h, 1);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_CPU_NMI), 3);
    harness_reset(h); /* nobody drives it any more */
    harness_nmi_drive(h, 1);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_CPU_NMI), 4);
    harness_free(h);
    h = machine(1, "VirtualWire=0");
    harness_nmi_drive(h, 1);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_CPU_NMI), 0);
    harness_free(h);
}
END_TEST

START_TEST(base_transitions)
{
    const uint64_t x = 0xfee00800, x2 = 0xfee00c00, off = 0xfee00000;
    Harness *h = machine(2, NULL);
    ck_assert_int_eq(base_set(h, 1, 0xfee00400), VIV_E_INVALID); /* EXTD alone */
    ck_assert_int_eq(base_set(h, 1, x | 1), VIV_E_INVALID);      /* reserved */
    ck_assert_int_eq(base_set(h, 1, x | 1ull << 60), VIV_E_INVALID);
    ck_assert_int_eq(base_set(h, 1, off), VIV_OK);
    ck_assert_int_eq(base_set(h, 1, x2), VIV_E_INVALID); /* off to x2 */
    ck_assert_int_eq(base_set(h, 1, x), VIV_OK);
    ck_assert_int_eq(base_set(h, 1, x2), VIV_OK);
    ck_assert_int_eq(base_set(h, 1, x), VIV_E_INVALID); /* x2 to x */
    ck_assert_int_eq(base_set(h, 1, off), VIV_OK);
    ck_assert_int_eq(base_set(h, 2, x), VIV_E_INVALID); /* no such vCPU */
    harness_reset(h);
    ck_assert_int_eq(base_set(h, 1, x2), VIV_OK);
    harness_free(h);
    h = machine(1, "Mode=2");
    ck_assert_int_eq(base_set(h, 0, x2), VIV_E_INVALID);
    harness_free(h);
}
END_TEST

START_TEST(page_moves)
{
    Harness *h = machine(2, NULL);
    harness_current_vcpu(h, 1);
    ck_assert_int_eq(base_set(h, 1, 0xfd000800), VIV_OK);
    ck_assert_uint_eq(harness_mmio_read(h, 0xfd000020, 4), 0x01000000);
    ck_assert_uint_eq(get(h, ID), 0xffffffff); /* not at the old place, for this one */
    harness_current_vcpu(h, 0);
    ck_assert_uint_eq(get(h, ID), 0);
    ck_assert_uint_eq(harness_mmio_read(h, 0xfd000020, 4), 0xffffffff);
    harness_save_load(h);
    harness_current_vcpu(h, 1);
    ck_assert_uint_eq(harness_mmio_read(h, 0xfd000020, 4), 0x01000000);
    ck_assert_int_eq(base_set(h, 1, 0xfee00800), VIV_OK);
    ck_assert(!harness_mmio_mapped(h, 0xfd000020));
    harness_free(h);
}
END_TEST

START_TEST(x2apic_registers)
{
    Harness *h = machine(20, NULL);
    uint64_t value;
    ck_assert_int_eq(rdmsr(h, 17, 0x802, &value), VIV_E_NOT_FOUND); /* not in that mode yet */
    for (uint32_t i = 0; i < 20; i++)
        ck_assert_int_eq(base_set(h, i, 0xfee00c00 | (i ? 0 : 0x100)), VIV_OK);
    ck_assert_uint_eq(get(h, ID), 0xffffffff);
    ck_assert_uint_eq(msr(h, 17, 0x802), 17);
    ck_assert_uint_eq(msr(h, 17, 0x803), 0x01060014);
    ck_assert_uint_eq(msr(h, 17, 0x80d), 0x10002); /* cluster 1, second */
    static const uint32_t no_read[] = {0x800, 0x804, 0x809, 0x80b, 0x80c,
                                       0x80e, 0x831, 0x83f, 0x840, 0x8ff};
    for (unsigned i = 0; i < sizeof(no_read) / sizeof(no_read[0]); i++)
        ck_assert_int_eq(rdmsr(h, 0, no_read[i], &value), VIV_E_NOT_FOUND);
    static const struct {
        uint32_t msr;
        uint64_t value;
    } bad[] = {{0x802, 0},         {0x803, 0},          {0x808, 0x100},  {0x80a, 0},
               {0x80b, 1},         {0x80d, 0},          {0x80e, 0},      {0x80f, 0x2000},
               {0x810, 0},         {0x828, 1},          {0x830, 0x2000}, {0x830, 0x10000},
               {0x830, 0x100000},  {0x832, 0x80000},    {0x839, 0},      {0x83e, 4},
               {0x83f, 0x100},     {0x835, 1ull << 32}, {0x832, 0x4000}, {0x832, 0x8000},
               {0x837, 0x4000},    {0x837, 0x700},      {0x833, 0x2000}, {0x80f, 0x400},
               {0x838, 1ull << 32}};
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_int_eq(wrmsr(h, 0, bad[i].msr, bad[i].value), VIV_E_NOT_FOUND);
    /* IPIs: physical, cluster, broadcast, self. */
    ck_assert_int_eq(wrmsr(h, 0, 0x830, 17ull << 32 | 0x45), VIV_OK);
    ck_assert_uint_eq(msr(h, 0, 0x830), 17ull << 32 | 0x45);
    for (uint32_t i = 0; i < 20; i++)
        ck_assert_int_eq(take(h, i), i == 17 ? 0x45 : -1);
    ck_assert_int_eq(wrmsr(h, 17, 0x80b, 0), VIV_OK);
    wrmsr(h, 0, 0x830, 0x10005ull << 32 | 0x845);
    for (uint32_t i = 0; i < 20; i++)
        ck_assert_int_eq(take(h, i), i == 16 || i == 18 ? 0x45 : -1);
    wrmsr(h, 16, 0x80b, 0);
    wrmsr(h, 18, 0x80b, 0);
    wrmsr(h, 3, 0x830, 0xffffffffull << 32 | 0x46);
    for (uint32_t i = 0; i < 20; i++)
        ck_assert_int_eq(take(h, i), 0x46);
    wrmsr(h, 5, 0x80b, 0);
    wrmsr(h, 5, 0x83f, 0x77);
    ck_assert_int_eq(take(h, 5), 0x77);
    /* A message from a bus with eight-bit ids. */
    wrmsr(h, 5, 0x80b, 0);
    deliver(h, 5, 0, VIV_APIC_DELIVERY_FIXED, 0x99, 0);
    ck_assert_int_eq(take(h, 5), 0x99);
    harness_save_load(h);
    ck_assert_uint_eq(msr(h, 17, 0x80d), 0x10002);
    init(h, 17);
    ck_assert_uint_eq(msr(h, 17, 0x80d), 0x10002); /* INIT keeps mode and id */
    ck_assert_uint_eq(msr(h, 17, 0x80f), 0xff);
    harness_free(h);
}
END_TEST

START_TEST(init_clears)
{
    Harness *h = machine(2, NULL);
    harness_current_vcpu(h, 1);
    put(h, LVT_TIMER, 0x20040);
    put(h, INITIAL, 100);
    put(h, TPR, 0x30);
    deliver(h, 1, 0, VIV_APIC_DELIVERY_FIXED, 0x41, 0);
    init(h, 1);
    ck_assert_uint_eq(get(h, SVR), 0xff);
    ck_assert_uint_eq(get(h, TPR), 0);
    ck_assert_uint_eq(get(h, IRR + 0x20), 0);
    ck_assert_uint_eq(get(h, LVT_TIMER), 0x10000);
    ck_assert_uint_eq(get(h, ID), 0x01000000);
    ck_assert_uint_eq(harness_cpu_intr_level(h, 1), 0);
    ck_assert_uint_eq(harness_advance_ns(h, 1000000), 0);
    harness_free(h);
}
END_TEST

START_TEST(narrow_and_wide_accesses)
{
    Harness *h = machine(1, NULL);
    put(h, TPR, 0x35);
    ck_assert_uint_eq(harness_mmio_read(h, BASE + TPR, 1), 0x35);
    ck_assert_uint_eq(harness_mmio_read(h, BASE + SVR + 1, 1), 0x01);
    ck_assert_uint_eq(harness_mmio_read(h, BASE + TPR, 8), 0x35);
    harness_free(h);
}
END_TEST

START_TEST(configuration)
{
    viv_status_t st;
    Harness *h = harness_create();
    harness_vm_cpus(h, 2);
    ck_assert_int_eq(harness_start(h, "apic", "NumCPUs=3"), VIV_E_CONFIG);
    harness_free(h);
    ck_assert_ptr_null(harness_try_new("apic", "Mode=4", &st));
    ck_assert_ptr_null(harness_try_new("apic", "NumCPUs=65", &st));
    h = harness_new("apic", "Mode=1"); /* a machine without */
    ck_assert(!harness_mmio_mapped(h, BASE));
    harness_save_load(h);
    harness_free(h);
    harness_construct_failures("apic", NULL);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("apic");
    TCase *tc = tcase_create("apic");
    tcase_add_test(tc, reset_state);
    tcase_add_test(tc, priority_and_eoi);
    tcase_add_test(tc, task_priority);
    tcase_add_test(tc, level_eoi_reaches_the_ioapic);
    tcase_add_test(tc, disabled_apic_takes_nothing);
    tcase_add_test(tc, destinations);
    tcase_add_test(tc, lowest_priority);
    tcase_add_test(tc, ipis);
    tcase_add_test(tc, error_about_errors);
    tcase_add_test(tc, one_error_interrupt_until_esr_is_written);
    tcase_add_test(tc, id_can_be_written);
    tcase_add_test(tc, remote_read);
    tcase_add_test(tc, short_periods_are_bounded);
    tcase_add_test(tc, pins);
    tcase_add_test(tc, globally_disabled_apic_is_two_pins);
    tcase_add_test(tc, extint_message);
    tcase_add_test(tc, timer_one_shot);
    tcase_add_test(tc, timer_periodic);
    tcase_add_test(tc, timer_tsc_deadline);
    tcase_add_test(tc, timer_follows_tsc_writes);
    tcase_add_test(tc, nmi_line);
    tcase_add_test(tc, base_transitions);
    tcase_add_test(tc, page_moves);
    tcase_add_test(tc, x2apic_registers);
    tcase_add_test(tc, init_clears);
    tcase_add_test(tc, narrow_and_wide_accesses);
    tcase_add_test(tc, configuration);
    suite_add_tcase(s, tc);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
