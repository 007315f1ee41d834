/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* lpc: identity, routing of INTx to the I/O APIC and the PICs, the register block at RCBA, GPIO,
 * state. */
#include <check.h>
#include <stdlib.h>

#include "harness.h"

#define RCBA 0xfed1c000u

START_TEST(identity)
{
    Harness *h = harness_new("lpc", NULL);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0, 4), 0x29188086);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0x0a, 2), 0x0601);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0x0e, 1), 0x80);
    ck_assert_uint_eq(harness_pci_devfn(h, 0), 31 << 3);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0x60, 4), 0x80808080);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0x68, 4), 0x80808080);
    ck_assert_uint_eq(harness_cap_find(h, 0, 0x09), 0xe0);
    harness_cfg_write(h, 0, 0x40, 0xffffffff, 4);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0x40, 4), 0xff81);
    harness_free(h);
}
END_TEST

START_TEST(slots_to_inputs)
{
    Harness *h = harness_new("lpc", NULL);
    for (uint32_t slot = 0; slot < 32; slot++) {
        for (uint32_t pin = 1; pin <= 4; pin++) {
            uint32_t gsi = slot < 25 ? 20 + (slot + pin - 1) % 4 : slot == 30 ? 16 : 15 + pin;
            harness_bus_intx(h, 0, slot << 3 | 2, pin, 1);
            for (uint32_t g = 16; g < 24; g++)
                ck_assert_uint_eq(harness_gsi_level(h, g), g == gsi);
            harness_bus_intx(h, 0, slot << 3 | 2, pin, 0);
        }
    }
    harness_free(h);
}
END_TEST

START_TEST(pic_routes_are_shared)
{
    Harness *h = harness_new("lpc", NULL);
    harness_cfg_write(h, 0, 0x68, 0x0a0b0a0b, 4); /* E and G to 11, F and H to 10 */
    harness_bus_intx(h, 0, 4 << 3, 1, 1);         /* E */
    harness_bus_intx(h, 0, 6 << 3, 1, 1);         /* G */
    ck_assert_uint_eq(harness_pic_irq_level(h, 11), 1);
    ck_assert_uint_eq(harness_pic_irq_level(h, 10), 0);
    harness_bus_intx(h, 0, 4 << 3, 1, 0);
    ck_assert_uint_eq(harness_pic_irq_level(h, 11), 1);
    harness_cfg_write(h, 0, 0x6a, 0x05, 1); /* G moves */
    ck_assert_uint_eq(harness_pic_irq_level(h, 11), 0);
    ck_assert_uint_eq(harness_pic_irq_level(h, 5), 1);
    harness_cfg_write(h, 0, 0x6a, 0x02, 1); /* reserved */
    ck_assert_uint_eq(harness_pic_irq_level(h, 5), 0);
    ck_assert_uint_eq(harness_gsi_level(h, 22), 1); /* the I/O APIC does not care */
    harness_bus_intx(h, 0, 6 << 3, 1, 0);
    ck_assert_uint_eq(harness_gsi_level(h, 22), 0);
    harness_free(h);
}
END_TEST

START_TEST(device_routes)
{
    Harness *h = harness_new("lpc", NULL);
    ck_assert(!harness_mmio_mapped(h, RCBA));
    harness_cfg_write(h, 0, 0xf0, RCBA | 1, 4);
    ck_assert_uint_eq(harness_mmio_read(h, RCBA + 0x3140, 2), 0x3210);
    ck_assert_uint_eq(harness_mmio_read(h, RCBA + 0x3104, 4), 0);
    harness_bus_intx(h, 0, 31 << 3 | 2, 2, 1);
    ck_assert_uint_eq(harness_gsi_level(h, 17), 1);
    harness_mmio_write(h, RCBA + 0x3140, 0x3270, 2); /* INTB of device 31 to PIRQH */
    ck_assert_uint_eq(harness_gsi_level(h, 17), 0);
    ck_assert_uint_eq(harness_gsi_level(h, 23), 1);
    harness_bus_intx(h, 0, 31 << 3 | 2, 2, 0);
    harness_mmio_write(h, RCBA + 0x3404, 0xffffffff, 4);
    ck_assert_uint_eq(harness_mmio_read(h, RCBA + 0x3404, 4), 0x83);
    harness_mmio_write(h, RCBA + 0x3800, 0xffffffff, 4);
    ck_assert_uint_eq(harness_mmio_read(h, RCBA + 0x3800, 4), 0);
    harness_save_load(h);
    ck_assert_uint_eq(harness_mmio_read(h, RCBA + 0x3140, 2), 0x3270);
    harness_reset(h);
    ck_assert(!harness_mmio_mapped(h, RCBA));
    harness_free(h);
}
END_TEST

START_TEST(gpio)
{
    Harness *h = harness_new("lpc", NULL);
    harness_cfg_write(h, 0, 0x48, 0x0500, 4);
    ck_assert(!harness_port_mapped(h, 0x500));
    harness_cfg_write(h, 0, 0x4c, 0x10, 1);
    harness_out32(h, 0x504, 0x0000ffff); /* inputs below, outputs above */
    harness_out32(h, 0x50c, 0x12340000);
    ck_assert_uint_eq(harness_in32(h, 0x50c), 0x1234ffff);
    harness_save_load(h);
    ck_assert_uint_eq(harness_in32(h, 0x50c), 0x1234ffff);
    harness_cfg_write(h, 0, 0x4c, 0, 1);
    ck_assert(!harness_port_mapped(h, 0x500));
    harness_free(h);
}
END_TEST

START_TEST(failures)
{
    ck_assert_uint_ge(harness_construct_failures("lpc", NULL), 4);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("lpc");
    TCase *tc = tcase_create("all");
    tcase_add_test(tc, identity);
    tcase_add_test(tc, slots_to_inputs);
    tcase_add_test(tc, pic_routes_are_shared);
    tcase_add_test(tc, device_routes);
    tcase_add_test(tc, gpio);
    tcase_add_test(tc, failures);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
