/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ich9pci: the function that firmware looks for, PCIEXBAR in its three lengths, the MCFG table,
 * PAM, SMRAM, and both ways into configuration space. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"

#define ECAM 0xb0000000u

static void ecam_on(Harness *h, uint32_t value)
{
    harness_out32(h, 0xcf8, 0x80000060);
    harness_out32(h, 0xcfc, value);
}

static uint64_t mcfg(Harness *h, uint32_t off, uint32_t bytes)
{
    size_t len;
    const uint8_t *table = harness_fwfile(h, "etc/acpi/table/mcfg", &len);
    uint64_t value = 0;
    ck_assert_uint_eq(len, 60);
    memcpy(&value, table + off, bytes);
    return value;
}

START_TEST(identity)
{
    Harness *h = harness_new("ich9pci", NULL);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0, 4), 0x29c08086);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0x2c, 4), 0x11001af4);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0x0a, 2), 0x0600);
    ck_assert_uint_eq(harness_cap_find(h, 0, 0x09), 0xe0);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0xb0, 2), 64 << 4); /* TOLUD of 64 MiB */
    harness_out32(h, 0xcf8, 0x80000000);
    ck_assert_uint_eq(harness_in16(h, 0xcfe), 0x29c0);
    ck_assert_uint_eq(harness_in8(h, 0xcfd), 0x80);
    ck_assert_uint_eq(harness_in32(h, 0xcfd), 0xff29c080); /* what is not aligned comes in bytes */
    harness_out8(h, 0xcf9, 0x06);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_VM_RESET), 1);
    harness_out8(h, 0xcf9, 0x00);
    harness_out8(h, 0xcf9, 0x04); /* soft */
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_VM_RESET), 1);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_CPU_INIT), 1);
    harness_free(h);
}
END_TEST

START_TEST(ecam)
{
    Harness *h = harness_new("ich9pci", NULL);
    ck_assert(!harness_mmio_mapped(h, ECAM));
    ck_assert_uint_eq(mcfg(h, 4, 4), 44);
    ecam_on(h, ECAM | 1);
    ck_assert_uint_eq(harness_mmio_read(h, ECAM, 4), 0x29c08086);
    ck_assert_uint_eq(harness_mmio_read(h, ECAM + 0x60, 8), ECAM | 1);
    ck_assert_uint_eq(harness_mmio_read(h, ECAM + 0x61, 2), 0);            /* not aligned */
    ck_assert_uint_eq(harness_mmio_read(h, ECAM + 0x100, 4), 0xffffffff);  /* 256 bytes long */
    ck_assert_uint_eq(harness_mmio_read(h, ECAM + 0x1000, 4), 0xffffffff); /* nobody at 0.1 */
    ck_assert(harness_mmio_mapped(h, ECAM + 0x0fffffff));
    ck_assert_uint_eq(mcfg(h, 4, 4), 60);
    ck_assert_uint_eq(mcfg(h, 44, 8), ECAM);
    ck_assert_uint_eq(mcfg(h, 54, 2), 0xff00);
    harness_mmio_write(h, ECAM + 0xdc, 0x12345678, 4); /* SKPD */
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0xdc, 4), 0x12345678);
    harness_save_load(h);
    ck_assert_uint_eq(harness_mmio_read(h, ECAM + 0xdc, 4), 0x12345678);
    ecam_on(h, 0xdc000000 | 5); /* 64 MiB */
    ck_assert(!harness_mmio_mapped(h, ECAM));
    ck_assert_uint_eq(harness_mmio_read(h, 0xdc0000dc, 4), 0x12345678);
    ck_assert(!harness_mmio_mapped(h, 0xe0000000));
    ck_assert_uint_eq(mcfg(h, 55, 1), 63);
    ecam_on(h, 0xd8000000 | 3); /* 128 MiB */
    ck_assert(harness_mmio_mapped(h, 0xdfffffff));
    ecam_on(h, 0xd8000000 | 7); /* reserved length */
    ck_assert(!harness_mmio_mapped(h, 0xd8000000));
    harness_reset(h);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0x60, 4), 0);
    harness_free(h);
}
END_TEST

START_TEST(presets)
{
    Harness *h = harness_new("ich9pci", "McfgBase=0xdc000000,McfgLength=0x4000000");
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0x60, 4), 0xdc000005);
    ck_assert_uint_eq(harness_mmio_read(h, 0xdc000000, 4), 0x29c08086);
    harness_free(h);
    h = harness_new("ich9pci", "ExpressEnabled=0,McfgBase=0xb0000000");
    harness_cfg_write(h, 0, 0x60, ECAM | 1, 4);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0x60, 4), 0);
    ck_assert(!harness_mmio_mapped(h, ECAM));
    ck_assert_ptr_null(harness_fwfile(h, "etc/acpi/table/mcfg", NULL));
    harness_free(h);
    viv_status_t st;
    ck_assert_ptr_null(harness_try_new("ich9pci", "McfgLength=0x5000000", &st));
    ck_assert_int_eq(st, VIV_E_CONFIG);
    ck_assert_ptr_null(harness_try_new("ich9pci", "McfgBase=0xb1000000", &st));
}
END_TEST

START_TEST(pam_and_smram)
{
    Harness *h = harness_new("ich9pci", NULL);
    harness_events_clear(h);
    harness_cfg_write(h, 0, 0x90, 0x30, 1);
    HarnessEvent e = harness_event_last(h, HARNESS_EV_PAM);
    ck_assert_uint_eq(e.a, 0xf0000);
    ck_assert(e.c && e.d);
    harness_cfg_write(h, 0, 0x96, 0x10, 1);
    e = harness_event_last(h, HARNESS_EV_PAM);
    ck_assert_uint_eq(e.a, 0xec000);
    ck_assert(e.c && !e.d);
    harness_cfg_write(h, 0, 0x9d, 0x48, 1); /* enabled and open */
    e = harness_event_last(h, HARNESS_EV_PAM);
    ck_assert_uint_eq(e.a, 0xa0000);
    ck_assert(e.c && e.d);
    harness_cfg_write(h, 0, 0x9d, 0x58, 1); /* locked: closed, and so it stays */
    e = harness_event_last(h, HARNESS_EV_PAM);
    ck_assert(!e.c && !e.d);
    harness_cfg_write(h, 0, 0x9d, 0x48, 1);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0x9d, 1), 0x1a);
    harness_save_load(h);
    harness_cfg_write(h, 0, 0x9d, 0x48, 1);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0x9d, 1), 0x1a);
    harness_reset(h);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0x9d, 1), 0x02);
    harness_cfg_write(h, 0, 0x9d, 0x48, 1);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0x9d, 1), 0x4a);
    harness_free(h);
}
END_TEST

START_TEST(failures)
{
    ck_assert_uint_ge(harness_construct_failures("ich9pci", NULL), 8);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ich9pci");
    TCase *tc = tcase_create("all");
    tcase_add_test(tc, identity);
    tcase_add_test(tc, ecam);
    tcase_add_test(tc, presets);
    tcase_add_test(tc, pam_and_smram);
    tcase_add_test(tc, failures);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
