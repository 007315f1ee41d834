/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ioapic: registers, edges, levels with remote IRR and EOI, masks, and saves in the middle of a
 * service. */
#include <check.h>
#include <stdlib.h>

#include "harness.h"

#define BASE 0xfec00000ull

static uint32_t reg_get(Harness *h, uint8_t index)
{
    harness_mmio_write(h, BASE, index, 4);
    return (uint32_t)harness_mmio_read(h, BASE + 0x10, 4);
}

static void reg_put(Harness *h, uint8_t index, uint32_t value)
{
    harness_mmio_write(h, BASE, index, 4);
    harness_mmio_write(h, BASE + 0x10, value, 4);
}

static void rte(Harness *h, unsigned pin, uint32_t low, uint32_t high)
{
    reg_put(h, (uint8_t)(0x11 + 2 * pin), high);
    reg_put(h, (uint8_t)(0x10 + 2 * pin), low);
}

static void eoi(Harness *h, uint32_t vector)
{
    viv_dev_t *dev;
    void *self;
    const viv_ioapic_ops_t *ops = harness_ioapic(h, &dev, &self);
    harness_chipset_lock(h);
    ops->broadcast_eoi(dev, self, vector);
    harness_chipset_unlock(h);
}

#define DELIVERED(h) harness_event_count(h, HARNESS_EV_APIC_DELIVER)

START_TEST(registers)
{
    Harness *h = harness_new("ioapic", NULL);
    ck_assert_uint_eq(reg_get(h, 1), 0x00170020);
    ck_assert_uint_eq(reg_get(h, 0), 0);
    reg_put(h, 0, 0xff000000);
    ck_assert_uint_eq(reg_get(h, 0), 0x0f000000);
    ck_assert_uint_eq(reg_get(h, 2), 0); /* reserved */
    reg_put(h, 1, 0xffffffff);
    ck_assert_uint_eq(reg_get(h, 1), 0x00170020);
    ck_assert_uint_eq(reg_get(h, 0x10), 0x00010000);
    reg_put(h, 0x3f, 0xffffffff);
    ck_assert_uint_eq(reg_get(h, 0x3f), 0xff000000);
    reg_put(h, 0x3e, 0xffffffff);
    ck_assert_uint_eq(reg_get(h, 0x3e), 0x0001afff);
    ck_assert_uint_eq(reg_get(h, 0x40), 0);
    ck_assert_uint_eq(harness_mmio_read(h, BASE + 0x20, 4), 0);
    harness_save_load(h);
    ck_assert_uint_eq(reg_get(h, 0x3e), 0x0001afff);
    harness_reset(h);
    ck_assert_uint_eq(reg_get(h, 0x3e), 0x00010000);
    harness_free(h);
    h = harness_new("ioapic", "ChipType=82093AA");
    ck_assert_uint_eq(reg_get(h, 1), 0x00170011);
    reg_put(h, 0, 0x05000000);
    reg_put(h, 2, 0x0a000000);
    ck_assert_uint_eq(reg_get(h, 2), 0x05000000);
    harness_free(h);
}
END_TEST

START_TEST(edge)
{
    Harness *h = harness_new("ioapic", NULL);
    rte(h, 4, 0x834, 0x03000000); /* logical 3, vector 34h */
    harness_ioapic_set(h, 4, 1);
    ck_assert_uint_eq(DELIVERED(h), 1);
    HarnessEvent ev = harness_event_last(h, HARNESS_EV_APIC_DELIVER);
    ck_assert_uint_eq(ev.a, 3);
    ck_assert_uint_eq(ev.b, 1);
    ck_assert_uint_eq(ev.c, VIV_APIC_DELIVERY_FIXED);
    ck_assert_uint_eq(ev.d, 0x34);
    ck_assert_uint_eq(ev.e, 0);
    harness_ioapic_set(h, 4, 1); /* no new edge */
    ck_assert_uint_eq(DELIVERED(h), 1);
    harness_save_load(h); /* the line stays up over it */
    harness_events_clear(h);
    harness_ioapic_set(h, 4, 1);
    ck_assert_uint_eq(DELIVERED(h), 0);
    harness_ioapic_set(h, 4, 0);
    harness_ioapic_set(h, 4, 1);
    ck_assert_uint_eq(DELIVERED(h), 1);
    /* Edges on a masked input are lost. */
    harness_ioapic_set(h, 4, 0);
    rte(h, 4, 0x10834, 0x03000000);
    harness_ioapic_set(h, 4, 1);
    rte(h, 4, 0x834, 0x03000000);
    ck_assert_uint_eq(DELIVERED(h), 1);
    harness_ioapic_set(h, 24, 1); /* there is none */
    harness_ioapic_set(h, 23, 1);
    ck_assert_uint_eq(DELIVERED(h), 1);
    harness_free(h);
}
END_TEST

START_TEST(level_holds_until_eoi)
{
    Harness *h = harness_new("ioapic", NULL);
    rte(h, 10, 0xa041, 0); /* level, active low: the same here */
    rte(h, 11, 0x8041, 0); /* another with the vector, idle */
    harness_ioapic_set(h, 10, 1);
    ck_assert_uint_eq(DELIVERED(h), 1);
    ck_assert_uint_eq(harness_event_last(h, HARNESS_EV_APIC_DELIVER).e, 1);
    ck_assert_uint_eq(reg_get(h, 0x10 + 20) & 0x4000, 0x4000);
    harness_ioapic_set(h, 10, 0);
    harness_ioapic_set(h, 10, 1);
    ck_assert_uint_eq(DELIVERED(h), 1);
    harness_save_load(h);
    harness_events_clear(h);
    harness_ioapic_set(h, 10, 1); /* its device again */
    eoi(h, 0x42);
    ck_assert_uint_eq(DELIVERED(h), 0);
    eoi(h, 0x41); /* still up: once more */
    ck_assert_uint_eq(DELIVERED(h), 1);
    harness_ioapic_set(h, 10, 0);
    eoi(h, 0x41);
    ck_assert_uint_eq(DELIVERED(h), 1);
    ck_assert_uint_eq(reg_get(h, 0x10 + 20) & 0x4000, 0);
    harness_free(h);
}
END_TEST

START_TEST(eoi_register)
{
    Harness *h = harness_new("ioapic", NULL);
    rte(h, 9, 0x8050, 0);
    harness_ioapic_set(h, 9, 1);
    harness_ioapic_set(h, 9, 0);
    harness_mmio_write(h, BASE + 0x40, 0x50, 4);
    ck_assert_uint_eq(reg_get(h, 0x10 + 18) & 0x4000, 0);
    harness_free(h);
    h = harness_new("ioapic", "ChipType=82093AA");
    rte(h, 9, 0x8050, 0);
    harness_ioapic_set(h, 9, 1);
    harness_ioapic_set(h, 9, 0);
    harness_mmio_write(h, BASE + 0x40, 0x50, 4);
    ck_assert_uint_eq(reg_get(h, 0x10 + 18) & 0x4000, 0x4000);
    harness_free(h);
}
END_TEST

START_TEST(unmasking_a_level_and_remote_irr_by_edge_mode)
{
    Harness *h = harness_new("ioapic", NULL);
    rte(h, 5, 0x18060, 0);
    harness_ioapic_set(h, 5, 1);
    ck_assert_uint_eq(DELIVERED(h), 0);
    rte(h, 5, 0x8060, 0);
    ck_assert_uint_eq(DELIVERED(h), 1);
    rte(h, 5, 0x18060, 0);
    ck_assert_uint_eq(reg_get(h, 0x1a) & 0x4000, 0x4000); /* masking keeps it */
    rte(h, 5, 0x10060, 0);
    ck_assert_uint_eq(reg_get(h, 0x1a) & 0x4000, 0);
    rte(h, 5, 0x8060, 0);
    ck_assert_uint_eq(DELIVERED(h), 2);
    /* The high half alone does not send again while in service. */
    reg_put(h, 0x1b, 0x01000000);
    ck_assert_uint_eq(DELIVERED(h), 2);
    harness_free(h);
}
END_TEST

START_TEST(nobody_takes_it)
{
    Harness *h = harness_new("ioapic", NULL);
    harness_apic_accepts(h, 0);
    rte(h, 5, 0x8060, 0x09000000);
    harness_ioapic_set(h, 5, 1);
    ck_assert_uint_eq(reg_get(h, 0x1a) & 0x4000, 0);
    harness_apic_accepts(h, 1);
    reg_put(h, 0x1b, 0); /* a better destination */
    ck_assert_uint_eq(reg_get(h, 0x1a) & 0x4000, 0x4000);
    harness_free(h);
}
END_TEST

START_TEST(other_delivery_modes_are_edges)
{
    Harness *h = harness_new("ioapic", NULL);
    rte(h, 0, 0x8700, 0); /* ExtINT with the level bit */
    harness_ioapic_set(h, 0, 1);
    ck_assert_uint_eq(harness_event_last(h, HARNESS_EV_APIC_DELIVER).c, VIV_APIC_DELIVERY_EXTINT);
    ck_assert_uint_eq(harness_event_last(h, HARNESS_EV_APIC_DELIVER).e, 0);
    ck_assert_uint_eq(reg_get(h, 0x10) & 0x4000, 0);
    harness_free(h);
}
END_TEST

/* An entry for NMI that says "level" sends on the rise only, not again when it is written. */
START_TEST(level_bit_of_an_nmi_entry_is_ignored)
{
    Harness *h = harness_new("ioapic", NULL);
    rte(h, 9, 0x8400, 0);
    harness_ioapic_set(h, 9, 1);
    ck_assert_uint_eq(DELIVERED(h), 1);
    ck_assert_uint_eq(harness_event_last(h, HARNESS_EV_APIC_DELIVER).e, 0);
    rte(h, 9, 0x8400, 0);
    ck_assert_uint_eq(DELIVERED(h), 1);
    ck_assert_uint_eq(reg_get(h, 0x22), 0x8400); /* no remote IRR */
    harness_free(h);
}
END_TEST

START_TEST(delivery_status)
{
    Harness *h = harness_new("ioapic", NULL);
    harness_apic_accepts(h, 0);
    rte(h, 10, 0x8050, 0);
    ck_assert_uint_eq(reg_get(h, 0x24), 0x8050);
    harness_ioapic_set(h, 10, 1);
    ck_assert_uint_eq(reg_get(h, 0x24), 0x9050);
    ck_assert_uint_eq(harness_stam(h, "Refused"), 1);
    harness_save_load(h);
    ck_assert_uint_eq(reg_get(h, 0x24), 0x9050);
    harness_apic_accepts(h, 1);
    rte(h, 10, 0x8050, 0);
    ck_assert_uint_eq(reg_get(h, 0x24), 0xc050);
    harness_ioapic_set(h, 10, 0);
    ck_assert_uint_eq(reg_get(h, 0x24), 0xc050); /* until the EOI */
    eoi(h, 0x50);
    ck_assert_uint_eq(reg_get(h, 0x24), 0x8050);
    harness_ioapic_set(h, 3, 1); /* masked, edge: gone */
    ck_assert_uint_eq(harness_stam(h, "LostEdges"), 1);
    harness_free(h);
}
END_TEST

/* Bytes and words of the window and of the index, as sloppy drivers do it. */
START_TEST(narrow_accesses)
{
    Harness *h = harness_new("ioapic", NULL);
    rte(h, 5, 0x1a0b5, 0xab000000);
    harness_mmio_write(h, BASE, 0x1a, 1);
    ck_assert_uint_eq(harness_mmio_read(h, BASE, 1), 0x1a);
    ck_assert_uint_eq(harness_mmio_read(h, BASE + 0x10, 1), 0xb5);
    ck_assert_uint_eq(harness_mmio_read(h, BASE + 0x10, 2), 0xa0b5);
    ck_assert_uint_eq(harness_mmio_read(h, BASE + 0x12, 2), 0x0001);
    harness_mmio_write(h, BASE + 0x10, 0x77, 1);
    ck_assert_uint_eq(reg_get(h, 0x1a), 0x1a077);
    ck_assert_uint_eq(reg_get(h, 0x1b), 0xab000000);
    harness_free(h);
}
END_TEST

START_TEST(bad_configuration)
{
    viv_status_t st;
    ck_assert_ptr_null(harness_try_new("ioapic", "ChipType=82489DX", &st));
    ck_assert_int_eq(st, VIV_E_CONFIG);
    harness_construct_failures("ioapic", NULL);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ioapic");
    TCase *tc = tcase_create("ioapic");
    tcase_add_test(tc, registers);
    tcase_add_test(tc, edge);
    tcase_add_test(tc, level_holds_until_eoi);
    tcase_add_test(tc, eoi_register);
    tcase_add_test(tc, unmasking_a_level_and_remote_irr_by_edge_mode);
    tcase_add_test(tc, nobody_takes_it);
    tcase_add_test(tc, other_delivery_modes_are_edges);
    tcase_add_test(tc, level_bit_of_an_nmi_entry_is_ignored);
    tcase_add_test(tc, delivery_status);
    tcase_add_test(tc, narrow_accesses);
    tcase_add_test(tc, bad_configuration);
    suite_add_tcase(s, tc);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
