/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Unit tests of i8259, through the fake host. */
#include <stdlib.h>

#include <check.h>

#include "harness.h"

static void out_slow(Harness *h, uint32_t a, uint8_t va, uint32_t b, uint8_t vb)
{
    harness_out8(h, a, va);
    harness_out8(h, b, vb);
}

/* What every BIOS does: vectors 08h and 70h, cascade at IR2, 8086 mode, all unmasked. */
static Harness *pic_new_with(uint8_t icw4)
{
    Harness *h = harness_new("i8259", NULL);
    out_slow(h, 0x20, 0x11, 0xa0, 0x11);
    out_slow(h, 0x21, 0x08, 0xa1, 0x70);
    out_slow(h, 0x21, 0x04, 0xa1, 0x02);
    out_slow(h, 0x21, icw4, 0xa1, icw4);
    out_slow(h, 0x21, 0x00, 0xa1, 0x00);
    return h;
}

static Harness *pic_new(void)
{
    return pic_new_with(0x01);
}

static uint8_t read_isr(Harness *h, uint32_t base)
{
    harness_out8(h, base, 0x0b);
    return harness_in8(h, base);
}

static uint8_t read_irr(Harness *h, uint32_t base)
{
    harness_out8(h, base, 0x0a);
    return harness_in8(h, base);
}

START_TEST(uninitialized_is_silent)
{
    Harness *h = harness_new("i8259", NULL);
    harness_irq_drive(h, 0, 1);
    ck_assert_uint_eq(harness_pic_intr_level(h), 0);
    harness_out8(h, 0x20, 0x11);
    harness_out8(h, 0x21, 0x08);
    harness_out8(h, 0x21, 0x04);
    ck_assert_uint_eq(harness_pic_intr_level(h), 0);
    harness_out8(h, 0x21, 0x01);
    /* ICW1 has reset the edge sense: the line must rise again. */
    ck_assert_uint_eq(harness_pic_intr_level(h), 0);
    harness_irq_drive(h, 0, 0);
    harness_irq_drive(h, 0, 1);
    ck_assert_uint_eq(harness_pic_intr_level(h), 1);
    ck_assert_uint_eq(harness_pic_ack(h), 0x08);
    harness_free(h);
}
END_TEST

START_TEST(edge_interrupt_and_eoi)
{
    Harness *h = pic_new();
    harness_irq_drive(h, 1, 1);
    ck_assert_uint_eq(harness_pic_intr_level(h), 1);
    ck_assert_uint_eq(read_irr(h, 0x20), 0x02);
    ck_assert_uint_eq(harness_pic_ack(h), 0x09);
    ck_assert_uint_eq(harness_pic_intr_level(h), 0);
    ck_assert_uint_eq(read_irr(h, 0x20), 0x00);
    ck_assert_uint_eq(read_isr(h, 0x20), 0x02);
    harness_out8(h, 0x20, 0x20);
    ck_assert_uint_eq(read_isr(h, 0x20), 0x00);
    /* Still high: an edge input does not ask again. */
    ck_assert_uint_eq(harness_pic_intr_level(h), 0);
    harness_irq_drive(h, 1, 0);
    harness_irq_drive(h, 1, 1);
    ck_assert_uint_eq(harness_pic_intr_level(h), 1);
    harness_free(h);
}
END_TEST

START_TEST(spurious_when_the_edge_withdraws)
{
    Harness *h = pic_new();
    harness_irq_drive(h, 3, 1);
    harness_irq_drive(h, 3, 0);
    ck_assert_uint_eq(harness_pic_intr_level(h), 0);
    ck_assert_uint_eq(harness_pic_ack(h), 0x0f);
    ck_assert_uint_eq(read_isr(h, 0x20), 0x00);
    ck_assert_uint_eq(harness_stam(h, "Spurious"), 1);
    harness_free(h);
}
END_TEST

START_TEST(request_withdrawn_at_the_slave)
{
    Harness *h = pic_new();
    harness_irq_drive(h, 12, 1);
    ck_assert_uint_eq(harness_pic_intr_level(h), 1);
    harness_out8(h, 0xa1, 0x10); /* its INT falls, so does the master's IR2: the master's own IR7 */
    ck_assert_uint_eq(harness_pic_intr_level(h), 0);
    ck_assert_uint_eq(harness_pic_ack(h), 0x0f);
    harness_free(h);
}
END_TEST

START_TEST(fixed_priority_nests)
{
    Harness *h = pic_new();
    harness_irq_drive(h, 5, 1);
    ck_assert_uint_eq(harness_pic_ack(h), 0x0d);
    harness_irq_drive(h, 6, 1); /* lower: waits */
    ck_assert_uint_eq(harness_pic_intr_level(h), 0);
    harness_irq_drive(h, 1, 1); /* higher: interrupts the service */
    ck_assert_uint_eq(harness_pic_intr_level(h), 1);
    ck_assert_uint_eq(harness_pic_ack(h), 0x09);
    ck_assert_uint_eq(read_isr(h, 0x20), 0x22);
    harness_out8(h, 0x20, 0x20); /* the highest in service: 1 */
    ck_assert_uint_eq(read_isr(h, 0x20), 0x20);
    ck_assert_uint_eq(harness_pic_intr_level(h), 0);
    harness_out8(h, 0x20, 0x65); /* specific EOI 5 */
    ck_assert_uint_eq(harness_pic_intr_level(h), 1);
    ck_assert_uint_eq(harness_pic_ack(h), 0x0e);
    harness_free(h);
}
END_TEST

START_TEST(mask_register)
{
    Harness *h = pic_new();
    harness_out8(h, 0x21, 0x40);
    ck_assert_uint_eq(harness_in8(h, 0x21), 0x40);
    harness_irq_drive(h, 6, 1);
    ck_assert_uint_eq(harness_pic_intr_level(h), 0);
    ck_assert_uint_eq(read_irr(h, 0x20), 0x40);
    harness_out8(h, 0x21, 0x00);
    ck_assert_uint_eq(harness_pic_intr_level(h), 1);
    harness_free(h);
}
END_TEST

START_TEST(cascade)
{
    Harness *h = pic_new();
    harness_irq_drive(h, 14, 1);
    ck_assert_uint_eq(read_irr(h, 0x20), 0x04);
    ck_assert_uint_eq(harness_pic_ack(h), 0x76);
    ck_assert_uint_eq(read_isr(h, 0x20), 0x04);
    ck_assert_uint_eq(read_isr(h, 0xa0), 0x40);
    harness_irq_drive(h, 15, 1); /* lower at the slave */
    ck_assert_uint_eq(harness_pic_intr_level(h), 0);
    harness_irq_drive(h, 8, 1); /* higher at the slave, but the master's IR2 is in service */
    ck_assert_uint_eq(read_irr(h, 0x20), 0x04);
    ck_assert_uint_eq(harness_pic_intr_level(h), 0);
    harness_out8(h, 0xa0, 0x20);
    harness_out8(h, 0x20, 0x20);
    ck_assert_uint_eq(harness_pic_intr_level(h), 1);
    ck_assert_uint_eq(harness_pic_ack(h), 0x70);
    harness_out8(h, 0xa0, 0x20);
    harness_out8(h, 0x20, 0x20);
    ck_assert_uint_eq(harness_pic_ack(h), 0x77);
    harness_free(h);
}
END_TEST

START_TEST(special_fully_nested)
{
    Harness *h = pic_new_with(0x11);
    harness_irq_drive(h, 14, 1);
    ck_assert_uint_eq(harness_pic_ack(h), 0x76);
    harness_irq_drive(h, 3, 1); /* below IR2: must wait although IR2 itself may nest */
    ck_assert_uint_eq(harness_pic_intr_level(h), 0);
    harness_irq_drive(h, 8, 1); /* higher at the slave gets through */
    ck_assert_uint_eq(harness_pic_intr_level(h), 1);
    ck_assert_uint_eq(harness_pic_ack(h), 0x70);
    ck_assert_uint_eq(read_isr(h, 0xa0), 0x41);
    harness_free(h);
}
END_TEST

START_TEST(automatic_eoi_with_rotation)
{
    Harness *h = pic_new_with(0x03);
    harness_irq_drive(h, 0, 1);
    harness_irq_drive(h, 1, 1);
    ck_assert_uint_eq(harness_pic_ack(h), 0x08);
    ck_assert_uint_eq(read_isr(h, 0x20), 0x00);
    ck_assert_uint_eq(harness_pic_intr_level(h), 1);
    ck_assert_uint_eq(harness_pic_ack(h), 0x09);
    harness_out8(h, 0x20, 0x80); /* rotate in AEOI mode */
    harness_irq_drive(h, 1, 0);
    harness_irq_drive(h, 1, 1);
    ck_assert_uint_eq(harness_pic_ack(h), 0x09); /* 1 becomes the lowest */
    harness_irq_drive(h, 1, 0);
    harness_irq_drive(h, 1, 1);
    harness_irq_drive(h, 4, 1);
    ck_assert_uint_eq(harness_pic_ack(h), 0x0c);
    harness_out8(h, 0x20, 0x00); /* off: order stays as it is now, 4 lowest */
    harness_irq_drive(h, 5, 1);
    ck_assert_uint_eq(harness_pic_ack(h), 0x0d);
    ck_assert_uint_eq(harness_pic_ack(h), 0x09);
    harness_free(h);
}
END_TEST

START_TEST(rotations)
{
    Harness *h = pic_new();
    harness_out8(h, 0x20, 0xc3); /* set priority: 3 lowest, 4 highest */
    harness_irq_drive(h, 3, 1);
    harness_irq_drive(h, 4, 1);
    harness_irq_drive(h, 0, 1);
    ck_assert_uint_eq(harness_pic_ack(h), 0x0c);
    harness_out8(h, 0x20, 0xa0); /* rotate on non-specific EOI: 4 lowest */
    ck_assert_uint_eq(read_isr(h, 0x20), 0x00);
    ck_assert_uint_eq(harness_pic_ack(h), 0x08);
    harness_out8(h, 0x20, 0xe0); /* rotate on specific EOI 0: 0 lowest */
    ck_assert_uint_eq(read_isr(h, 0x20), 0x00);
    ck_assert_uint_eq(harness_pic_ack(h), 0x0b);
    harness_out8(h, 0x20, 0x40); /* no operation */
    ck_assert_uint_eq(read_isr(h, 0x20), 0x08);
    harness_free(h);
}
END_TEST

START_TEST(special_mask_mode)
{
    Harness *h = pic_new();
    harness_irq_drive(h, 2 + 1, 1);
    ck_assert_uint_eq(harness_pic_ack(h), 0x0b);
    harness_irq_drive(h, 6, 1);
    ck_assert_uint_eq(harness_pic_intr_level(h), 0);
    harness_out8(h, 0x21, 0x08); /* mask the one in service ... */
    ck_assert_uint_eq(harness_pic_intr_level(h), 0);
    harness_out8(h, 0x20, 0x68); /* ... and set special mask: lower ones get through */
    ck_assert_uint_eq(harness_pic_intr_level(h), 1);
    ck_assert_uint_eq(harness_pic_ack(h), 0x0e);
    harness_out8(h, 0x20, 0x20); /* non-specific EOI passes over the masked bit */
    ck_assert_uint_eq(read_isr(h, 0x20), 0x08);
    harness_out8(h, 0x20, 0x20);
    ck_assert_uint_eq(read_isr(h, 0x20), 0x08);
    harness_out8(h, 0x20, 0x63);
    ck_assert_uint_eq(read_isr(h, 0x20), 0x00);
    harness_out8(h, 0x20, 0x28); /* SMM without ESMM: no change */
    harness_out8(h, 0x20, 0x48); /* reset special mask */
    harness_out8(h, 0x21, 0x00);
    harness_irq_drive(h, 3, 0);
    harness_irq_drive(h, 3, 1);
    ck_assert_uint_eq(harness_pic_ack(h), 0x0b);
    harness_out8(h, 0x21, 0x08);
    harness_irq_drive(h, 7, 1);
    ck_assert_uint_eq(harness_pic_intr_level(h), 0);
    harness_free(h);
}
END_TEST

START_TEST(poll_mode)
{
    Harness *h = pic_new();
    harness_out8(h, 0x20, 0x0c);
    ck_assert_uint_eq(harness_in8(h, 0x20) & 0x80, 0);
    harness_irq_drive(h, 4, 1);
    harness_out8(h, 0x20, 0x0c);
    ck_assert_uint_eq(harness_in8(h, 0x21), 0x84); /* at either address */
    ck_assert_uint_eq(harness_in8(h, 0x21), 0x00); /* only once */
    ck_assert_uint_eq(read_isr(h, 0x20), 0x10);
    ck_assert_uint_eq(harness_pic_intr_level(h), 0);
    harness_irq_drive(h, 9, 1);
    harness_out8(h, 0xa0, 0x0c);
    ck_assert_uint_eq(harness_in8(h, 0xa0), 0x81);
    ck_assert_uint_eq(read_irr(h, 0x20), 0x00); /* the slave's INT has fallen */
    harness_free(h);
}
END_TEST

START_TEST(level_triggered_by_elcr)
{
    Harness *h = pic_new();
    harness_out8(h, 0x4d0, 0xff);
    harness_out8(h, 0x4d1, 0xff);
    ck_assert_uint_eq(harness_in8(h, 0x4d0), 0xf8);
    ck_assert_uint_eq(harness_in8(h, 0x4d1), 0xde);
    harness_irq_drive(h, 11, 1);
    ck_assert_uint_eq(harness_pic_ack(h), 0x73);
    ck_assert_uint_eq(read_irr(h, 0xa0), 0x08); /* follows the line */
    harness_out8(h, 0xa0, 0x20);
    harness_out8(h, 0x20, 0x20);
    ck_assert_uint_eq(harness_pic_intr_level(h), 1); /* asks again while the line is high */
    harness_irq_drive(h, 11, 0);
    ck_assert_uint_eq(harness_pic_intr_level(h), 0);
    ck_assert_uint_eq(harness_in16(h, 0x4d0), 0xdef8);
    harness_free(h);
}
END_TEST

START_TEST(ltim_is_ignored)
{
    Harness *h = pic_new();
    harness_out8(h, 0x20, 0x19); /* ICW1 with LTIM */
    harness_out8(h, 0x21, 0x08);
    harness_out8(h, 0x21, 0x04);
    harness_out8(h, 0x21, 0x01);
    harness_irq_drive(h, 6, 1);
    ck_assert_uint_eq(harness_pic_ack(h), 0x0e);
    harness_out8(h, 0x20, 0x20);
    ck_assert_uint_eq(harness_pic_intr_level(h), 0);
    harness_free(h);
}
END_TEST

START_TEST(single_without_icw4)
{
    Harness *h = harness_new("i8259", NULL);
    harness_out8(h, 0x20, 0x56); /* SNGL, ADI, no ICW4, A7-A5 = 010 */
    harness_out8(h, 0x21, 0x12);
    harness_irq_drive(h, 3, 1);
    ck_assert_uint_eq(harness_pic_intr_level(h), 1);
    ck_assert_uint_eq(harness_pic_ack(h), 0x4c); /* MCS-80: interval of 4 */
    harness_free(h);
}
END_TEST

START_TEST(icw1_resets_the_rest)
{
    Harness *h = pic_new();
    harness_irq_drive(h, 1, 1);
    harness_pic_ack(h);
    harness_out8(h, 0x21, 0xff);
    harness_out8(h, 0x20, 0xc2);
    harness_out8(h, 0x20, 0x0b);
    harness_out8(h, 0x20, 0x11);
    ck_assert_uint_eq(harness_in8(h, 0x20), 0x00); /* reads IRR again */
    ck_assert_uint_eq(harness_in8(h, 0x21), 0x00);
    ck_assert_uint_eq(read_isr(h, 0x20), 0x00);
    harness_free(h);
}
END_TEST

START_TEST(save_and_load_at_awkward_moments)
{
    Harness *h = pic_new();
    harness_save_load(h);
    harness_irq_drive(h, 14, 1);
    harness_save_load(h); /* pending at both chips */
    ck_assert_uint_eq(harness_pic_intr_level(h), 1);
    ck_assert_uint_eq(harness_pic_ack(h), 0x76);
    harness_irq_drive(h, 8, 1);
    harness_out8(h, 0x20, 0x0c);
    harness_save_load(h); /* in service, with a poll outstanding */
    ck_assert_uint_eq(harness_in8(h, 0x20), 0x00);
    ck_assert_uint_eq(read_isr(h, 0xa0), 0x40);
    harness_out8(h, 0x20, 0x11);
    harness_out8(h, 0x21, 0x20);
    harness_save_load(h); /* between ICW2 and ICW3 */
    harness_out8(h, 0x21, 0x04);
    harness_save_load(h);
    harness_out8(h, 0x21, 0x01);
    harness_irq_drive(h, 0, 1);
    ck_assert_uint_eq(harness_pic_ack(h), 0x20);
    harness_free(h);
}
END_TEST

START_TEST(reset_lowers_intr)
{
    Harness *h = pic_new();
    harness_irq_drive(h, 1, 1);
    ck_assert_uint_eq(harness_pic_intr_level(h), 1);
    harness_out8(h, 0x4d0, 0x20);
    harness_reset(h);
    ck_assert_uint_eq(harness_pic_intr_level(h), 0);
    ck_assert_uint_eq(harness_in8(h, 0x4d0), 0);
    harness_reset(h);
    ck_assert_uint_eq(harness_in8(h, 0x21), 0);
    harness_free(h);
}
END_TEST

START_TEST(construction)
{
    viv_status_t st;
    ck_assert_uint_gt(harness_construct_failures("i8259", NULL), 4);
    ck_assert_ptr_null(harness_try_new("i8259", "IOBase=0x20", &st));
    ck_assert_int_eq(st, VIV_E_CONFIG);
    Harness *h = harness_new("i8259", NULL);
    ck_assert_int_eq(harness_add(h, "i8259", NULL), VIV_E_CONFIG); /* one a machine */
    harness_free(h);
}
END_TEST

START_TEST(hostile_state_is_refused)
{
    Harness *h = pic_new();
    size_t len;
    uint8_t *blob = harness_save(h, &len);
    unsigned refused = 0;
    for (size_t i = 0; i < len; i++) {
        blob[i] ^= 0xff;
        refused += harness_load(h, blob, len) != VIV_OK;
        blob[i] ^= 0xff;
        for (uint32_t port = 0x20; port < 0x22; port++) {
            harness_in8(h, port);
        }
    }
    ck_assert_uint_gt(refused, 20);
    ck_assert_int_eq(harness_load(h, blob, len), VIV_OK);
    ck_assert_int_ne(harness_load(h, blob, len - 1), VIV_OK);
    free(blob);
    harness_free(h);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("i8259");
    TCase *tc = tcase_create("i8259");
    tcase_add_test(tc, uninitialized_is_silent);
    tcase_add_test(tc, edge_interrupt_and_eoi);
    tcase_add_test(tc, spurious_when_the_edge_withdraws);
    tcase_add_test(tc, request_withdrawn_at_the_slave);
    tcase_add_test(tc, fixed_priority_nests);
    tcase_add_test(tc, mask_register);
    tcase_add_test(tc, cascade);
    tcase_add_test(tc, special_fully_nested);
    tcase_add_test(tc, automatic_eoi_with_rotation);
    tcase_add_test(tc, rotations);
    tcase_add_test(tc, special_mask_mode);
    tcase_add_test(tc, poll_mode);
    tcase_add_test(tc, level_triggered_by_elcr);
    tcase_add_test(tc, ltim_is_ignored);
    tcase_add_test(tc, single_without_icw4);
    tcase_add_test(tc, icw1_resets_the_rest);
    tcase_add_test(tc, save_and_load_at_awkward_moments);
    tcase_add_test(tc, reset_lowers_intr);
    tcase_add_test(tc, construction);
    tcase_add_test(tc, hostile_state_is_refused);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
