/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pci: configuration ports, PAM, SMRAM lock, reset control, and PIRQ routing through sharing, moves
 * and loads. */
#include <check.h>
#include <stdlib.h>

#include "harness.h"

#define HOST 0x80000000u
#define ISA  0x80000800u

static uint32_t cfg_get(Harness *h, uint32_t fn, uint32_t off, uint32_t width)
{
    harness_out32(h, 0xcf8, fn | (off & 0xfc));
    return harness_io_read(h, 0xcfc + (off & 3), width);
}

static void cfg_put(Harness *h, uint32_t fn, uint32_t off, uint32_t value, uint32_t width)
{
    harness_out32(h, 0xcf8, fn | (off & 0xfc));
    harness_io_write(h, 0xcfc + (off & 3), value, width);
}

START_TEST(functions_that_firmware_looks_for)
{
    Harness *h = harness_new("pci", NULL);
    ck_assert_uint_eq(cfg_get(h, HOST, 0, 4), 0x12378086);
    ck_assert_uint_eq(cfg_get(h, HOST, 0x2c, 4), 0x11001af4);
    ck_assert_uint_eq(cfg_get(h, HOST, 0x0a, 2), 0x0600);
    ck_assert_uint_eq(cfg_get(h, ISA, 0, 4), 0x70008086);
    ck_assert_uint_eq(cfg_get(h, ISA, 0x0a, 2), 0x0601);
    ck_assert_uint_eq(cfg_get(h, ISA, 0x0e, 1), 0x80);
    ck_assert_uint_eq(cfg_get(h, ISA, 0x4e, 2), 0x0103); /* the I/O APIC's chip select */
    ck_assert_uint_eq(cfg_get(h, ISA, 0x60, 4), 0x80808080);
    ck_assert_uint_eq(cfg_get(h, 0x80001000, 0, 4), 0xffffffff); /* nobody */
    harness_free(h);
    h = harness_new("pci", "IOAPIC=0");
    ck_assert_uint_eq(cfg_get(h, ISA, 0x4e, 2), 0x0003);
    harness_free(h);
}
END_TEST

START_TEST(address_register)
{
    Harness *h = harness_new("pci", NULL);
    harness_out32(h, 0xcf8, 0xffffffff);
    ck_assert_uint_eq(harness_in32(h, 0xcf8), 0x80fffffc);
    harness_out8(h, 0xcf8, 0x12); /* bytes and words go past it */
    harness_out16(h, 0xcfa, 0x1234);
    ck_assert_uint_eq(harness_in32(h, 0xcf8), 0x80fffffc);
    ck_assert_uint_eq(harness_in8(h, 0xcfb), 0xff);
    harness_out32(h, 0xcf8, 0x00000000); /* not enabled */
    ck_assert_uint_eq(harness_in32(h, 0xcfc), 0xffffffff);
    harness_out32(h, 0xcfc, 0);
    harness_out32(h, 0xcf8, HOST);
    ck_assert_uint_eq(harness_in16(h, 0xcfe), 0x1237);
    ck_assert_uint_eq(harness_in8(h, 0xcfd), 0x80);
    ck_assert_uint_eq(harness_in16(h, 0xcfd), 0x3780); /* across, within the dword */
    harness_save_load(h);
    ck_assert_uint_eq(harness_in16(h, 0xcfe), 0x1237);
    harness_reset(h);
    ck_assert_uint_eq(harness_in32(h, 0xcf8), 0);
    harness_free(h);
}
END_TEST

START_TEST(reset_control)
{
    Harness *h = harness_new("pci", NULL);
    harness_out8(h, 0xcf9, 0x02);
    ck_assert_uint_eq(harness_in8(h, 0xcf9), 0x02);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_VM_RESET), 0);
    harness_out8(h, 0xcf9, 0x06);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_VM_RESET), 1);
    harness_out8(h, 0xcf9, 0x06); /* no rise */
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_VM_RESET), 1);
    harness_reset(h);
    ck_assert_uint_eq(harness_in8(h, 0xcf9), 0);
    cfg_put(h, HOST, 0x93, 0x06, 1); /* the host bridge's own */
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_VM_RESET), 2);
    ck_assert_uint_eq(cfg_get(h, HOST, 0x93, 1), 0x02);
    harness_free(h);
}
END_TEST

/* Without the hard reset's bit the processors alone start again. */
START_TEST(soft_resets)
{
    Harness *h = harness_create();
    harness_vm_cpus(h, 2);
    ck_assert_int_eq(harness_start(h, "pci", NULL), VIV_OK);
    harness_out8(h, 0xcf9, 0x04);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_VM_RESET), 0);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_CPU_INIT), 2);
    ck_assert_uint_eq(harness_event_last(h, HARNESS_EV_CPU_INIT).a, 1);
    cfg_put(h, HOST, 0x93, 0x04, 1);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_CPU_INIT), 4);
    ck_assert_uint_eq(cfg_get(h, HOST, 0x93, 1), 0);
    harness_free(h);
}
END_TEST

static void expect_pam(Harness *h, unsigned back, uint64_t gpa, uint64_t len, uint32_t r,
                       uint32_t w)
{
    unsigned n = harness_event_count(h, HARNESS_EV_PAM);
    HarnessEvent ev = harness_event(h, HARNESS_EV_PAM, n - 1 - back);
    ck_assert_uint_eq(ev.a, gpa);
    ck_assert_uint_eq(ev.b, len);
    ck_assert_uint_eq(ev.c, r);
    ck_assert_uint_eq(ev.d, w);
}

START_TEST(pam_regions)
{
    Harness *h = harness_new("pci", NULL);
    harness_events_clear(h);
    cfg_put(h, HOST, 0x59, 0x3f, 1);
    ck_assert_uint_eq(cfg_get(h, HOST, 0x59, 1), 0x30);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_PAM), 1);
    expect_pam(h, 0, 0xf0000, 0x10000, 1, 1);
    cfg_put(h, HOST, 0x5a, 0x21, 1);
    expect_pam(h, 1, 0xc0000, 0x4000, 1, 0);
    expect_pam(h, 0, 0xc4000, 0x4000, 0, 1);
    cfg_put(h, HOST, 0x5f, 0x13, 1);
    expect_pam(h, 1, 0xe8000, 0x4000, 1, 1);
    expect_pam(h, 0, 0xec000, 0x4000, 1, 0);
    /* A dword over 58h-5Bh is PAM0, PAM1 and PAM2 at once. */
    harness_events_clear(h);
    cfg_put(h, HOST, 0x58, 0x33333310, 4);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_PAM), 5);
    harness_save_load(h);
    ck_assert_uint_eq(cfg_get(h, HOST, 0x5f, 1), 0x13);
    harness_reset(h);
    expect_pam(h, 0, 0xec000, 0x4000, 0, 0);
    ck_assert_uint_eq(cfg_get(h, HOST, 0x59, 1), 0);
    harness_free(h);
}
END_TEST

START_TEST(smram_lock)
{
    Harness *h = harness_new("pci", NULL);
    ck_assert_uint_eq(cfg_get(h, HOST, 0x72, 1), 0x02);
    cfg_put(h, HOST, 0x72, 0x4f, 1);
    expect_pam(h, 0, 0xa0000, 0x20000, 1, 1);           /* open */
    ck_assert_uint_eq(cfg_get(h, HOST, 0x72, 1), 0x4a); /* the segment is fixed */
    cfg_put(h, HOST, 0x72, 0x5a, 1);
    expect_pam(h, 0, 0xa0000, 0x20000, 0, 0);
    ck_assert_uint_eq(cfg_get(h, HOST, 0x72, 1), 0x1a); /* locked and closed */
    harness_save_load(h);
    cfg_put(h, HOST, 0x72, 0x40, 1);
    ck_assert_uint_eq(cfg_get(h, HOST, 0x72, 1), 0x1a);
    harness_reset(h);
    cfg_put(h, HOST, 0x72, 0x40, 1);
    ck_assert_uint_eq(cfg_get(h, HOST, 0x72, 1), 0x42);
    harness_free(h);
}
END_TEST

static void route(Harness *h, unsigned pirq, uint8_t value)
{
    cfg_put(h, ISA, 0x60 + pirq, value, 1);
}

START_TEST(slots_swizzle_to_pirqs)
{
    static const uint8_t irqs[4] = {5, 10, 11, 9};
    Harness *h = harness_new("pci", NULL);
    for (unsigned p = 0; p < 4; p++)
        route(h, p, irqs[p]);
    for (unsigned slot = 1; slot < 32; slot++) {
        for (unsigned pin = 1; pin <= 4; pin++) {
            unsigned pirq = (slot - 1 + pin - 1) & 3;
            harness_bus_intx(h, 0, slot << 3, pin, 1);
            for (unsigned p = 0; p < 4; p++)
                ck_assert_uint_eq(harness_irq_level(h, irqs[p]), p == pirq);
            harness_bus_intx(h, 0, slot << 3, pin, 0);
            ck_assert_uint_eq(harness_irq_level(h, irqs[pirq]), 0);
        }
    }
    harness_free(h);
}
END_TEST

START_TEST(pirqs_share_an_interrupt)
{
    Harness *h = harness_new("pci", NULL);
    route(h, 0, 11);
    route(h, 1, 11);
    harness_bus_intx(h, 0, 1 << 3 | 2, 1, 1); /* LNKA */
    harness_bus_intx(h, 0, 2 << 3, 1, 1);     /* LNKB */
    harness_bus_intx(h, 0, 2 << 3, 1, 1);     /* said twice: one */
    ck_assert_uint_eq(harness_irq_level(h, 11), 1);
    harness_bus_intx(h, 0, 1 << 3 | 2, 1, 0);
    ck_assert_uint_eq(harness_irq_level(h, 11), 1);
    harness_bus_intx(h, 0, 2 << 3, 1, 0);
    ck_assert_uint_eq(harness_irq_level(h, 11), 0);
    harness_bus_intx(h, 0, 2 << 3, 1, 0);
    harness_bus_intx(h, 0, 5 << 3, 1, 1); /* LNKA again: the count has not gone below zero */
    ck_assert_uint_eq(harness_irq_level(h, 11), 1);
    harness_free(h);
}
END_TEST

START_TEST(moving_and_switching_off_a_route)
{
    Harness *h = harness_new("pci", NULL);
    harness_bus_intx(h, 0, 3 << 3, 1, 1); /* LNKC, not routed yet */
    for (unsigned irq = 0; irq < 16; irq++)
        ck_assert_uint_eq(harness_irq_level(h, irq), 0);
    route(h, 2, 10);
    ck_assert_uint_eq(harness_irq_level(h, 10), 1);
    route(h, 2, 5);
    ck_assert_uint_eq(harness_irq_level(h, 10), 0);
    ck_assert_uint_eq(harness_irq_level(h, 5), 1);
    route(h, 2, 0x85);
    ck_assert_uint_eq(harness_irq_level(h, 5), 0);
    for (unsigned irq = 0; irq < 16; irq++) { /* 0-2, 8 and 13 are reserved */
        route(h, 2, (uint8_t)irq);
        ck_assert_uint_eq(harness_irq_level(h, irq), 0xdef8u >> irq & 1);
    }
    cfg_put(h, ISA, 0x60, 0x0b0a0b0a, 4); /* all four at once */
    ck_assert_uint_eq(harness_irq_level(h, 10), 1);
    ck_assert_uint_eq(harness_irq_level(h, 15), 0);
    harness_reset(h); /* PIRQRC is off and every function low until it says otherwise */
    ck_assert_uint_eq(harness_irq_level(h, 10), 0);
    route(h, 2, 10);
    ck_assert_uint_eq(harness_irq_level(h, 10), 0);
    harness_bus_intx(h, 0, 3 << 3, 1, 1);
    ck_assert_uint_eq(harness_irq_level(h, 10), 1);
    harness_free(h);
}
END_TEST

START_TEST(lines_after_a_load)
{
    Harness *h = harness_new("pci", NULL);
    size_t len;
    uint8_t *blob;
    route(h, 0, 5);
    route(h, 1, 10);
    blob = harness_save(h, &len);
    ck_assert_int_eq(harness_load(h, blob, len), VIV_OK);
    free(blob);
    ck_assert_uint_eq(harness_irq_level(h, 5), 0);
    harness_bus_intx(h, 0, 5 << 3, 1, 1); /* the device says it again, as they do */
    ck_assert_uint_eq(harness_irq_level(h, 5), 1);
    harness_bus_intx(h, 1, 4 << 3, 1, 1); /* behind a bridge: a line of its own */
    harness_bus_intx(h, 7, 300, 1, 1);    /* nonsense */
    harness_bus_intx(h, 0, 5 << 3, 5, 1);
    harness_bus_intx(h, 0, 5 << 3, 0, 1);
    ck_assert_uint_eq(harness_irq_level(h, 10), 0);
    harness_free(h);
}
END_TEST

START_TEST(construct_failures)
{
    viv_status_t st;
    harness_construct_failures("pci", NULL);
    ck_assert_ptr_null(harness_try_new("pci", "IOAPIC=2", &st));
    ck_assert_int_eq(st, VIV_E_CONFIG);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("pci");
    TCase *tc = tcase_create("bus");
    tcase_add_test(tc, functions_that_firmware_looks_for);
    tcase_add_test(tc, address_register);
    tcase_add_test(tc, reset_control);
    tcase_add_test(tc, soft_resets);
    tcase_add_test(tc, pam_regions);
    tcase_add_test(tc, smram_lock);
    tcase_add_test(tc, slots_swizzle_to_pirqs);
    tcase_add_test(tc, pirqs_share_an_interrupt);
    tcase_add_test(tc, moving_and_switching_off_a_route);
    tcase_add_test(tc, lines_after_a_load);
    tcase_add_test(tc, construct_failures);
    suite_add_tcase(s, tc);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
