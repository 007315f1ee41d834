/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Unit tests of flash, through the fake host. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include "harness.h"

#define BASE 0xfffe0000u /* 128 KiB below 4 GiB */

static uint8_t get(Harness *h, uint32_t off)
{
    return (uint8_t)harness_mmio_read(h, BASE + off, 1);
}

static void put(Harness *h, uint32_t off, uint8_t value)
{
    harness_mmio_write(h, BASE + off, value, 1);
}

static Harness *flash_new(const char *more)
{
    char options[256];
    snprintf(options, sizeof options, "Size=0x20000,ReadyAfterClear=1%s", more);
    return harness_new("flash", options);
}

START_TEST(array_reads_as_erased)
{
    Harness *h = flash_new("");
    ck_assert_uint_eq(harness_mmio_read(h, BASE, 8), UINT64_MAX);
    ck_assert_uint_eq(harness_mmio_read(h, BASE + 0x1fff8, 8), UINT64_MAX);
    harness_free(h);
}
END_TEST

START_TEST(identifier_and_query)
{
    Harness *h = flash_new("");
    put(h, 0, 0x90);
    ck_assert_uint_eq(get(h, 0), 0x89);
    ck_assert_uint_eq(get(h, 1), 0xa2);
    put(h, 0x55, 0x98);
    ck_assert_uint_eq(harness_mmio_read(h, BASE + 0x10, 2), 'Q' | 'R' << 8);
    ck_assert_uint_eq(get(h, 0x12), 'Y');
    ck_assert_uint_eq(get(h, 0x13), 1);    /* Intel's command set */
    ck_assert_uint_eq(get(h, 0x27), 17);   /* 2^17 bytes */
    ck_assert_uint_eq(get(h, 0x2d), 31);   /* 32 blocks */
    ck_assert_uint_eq(get(h, 0x2f), 0x10); /* of 16 * 256 bytes */
    ck_assert_uint_eq(get(h, 0x31), 'P');
    put(h, 0, 0xff);
    ck_assert_uint_eq(get(h, 0x10), 0xff);
    harness_free(h);
}
END_TEST

START_TEST(program_clears_bits_and_erase_sets_them)
{
    Harness *h = flash_new("");
    put(h, 0x1234, 0x40);
    put(h, 0x1234, 0xf0);
    ck_assert_uint_eq(get(h, 0), 0x80); /* the status, at any address */
    put(h, 0, 0x10);
    put(h, 0x1234, 0x3c);
    put(h, 0, 0xff);
    ck_assert_uint_eq(get(h, 0x1234), 0x30);
    ck_assert_uint_eq(get(h, 0x1235), 0xff);
    put(h, 0x1fff, 0x20);
    put(h, 0x1fff, 0xd0); /* any address of the block 1000h-1FFFh */
    ck_assert_uint_eq(get(h, 0), 0x80);
    put(h, 0, 0xff);
    ck_assert_uint_eq(get(h, 0x1234), 0xff);
    ck_assert_uint_eq(harness_stam(h, "Writes"), 3);
    harness_free(h);
}
END_TEST

START_TEST(erase_takes_its_block_only)
{
    Harness *h = flash_new("");
    static const uint32_t at[] = {0x0fff, 0x1000, 0x1fff, 0x2000};
    for (unsigned i = 0; i < 4; i++) {
        put(h, 0, 0x40);
        put(h, at[i], 0);
    }
    put(h, 0x1800, 0x20);
    put(h, 0x1800, 0xd0);
    put(h, 0, 0xff);
    for (unsigned i = 0; i < 4; i++) {
        ck_assert_uint_eq(get(h, at[i]), i == 1 || i == 2 ? 0xff : 0);
    }
    harness_free(h);
}
END_TEST

START_TEST(wrong_sequences_show_and_stay_until_cleared)
{
    Harness *h = flash_new("");
    put(h, 0, 0x20);
    put(h, 0, 0x41);
    ck_assert_uint_eq(get(h, 0), 0xb0);
    put(h, 0, 0x40); /* errors are kept over other operations */
    put(h, 8, 0x55);
    ck_assert_uint_eq(get(h, 0), 0xb0);
    put(h, 0, 0x50);
    ck_assert_uint_eq(get(h, 8), 0x55); /* back to the array */
    put(h, 0, 0x70);
    ck_assert_uint_eq(get(h, 8), 0x80);
    harness_free(h);
}
END_TEST

START_TEST(cleared_status_by_which_ovmf_knows_it)
{
    Harness *h = harness_new("flash", "Size=0x20000");
    put(h, 0, 0x50);
    put(h, 0, 0x70);
    ck_assert_uint_eq(get(h, 0), 0x00);
    put(h, 0, 0x40);
    put(h, 4, 0x12);
    ck_assert_uint_eq(get(h, 0), 0x80);
    harness_free(h);
}
END_TEST

START_TEST(write_buffer)
{
    Harness *h = flash_new("");
    put(h, 0x2040, 0xe8);
    ck_assert_uint_eq(get(h, 0x2040), 0x80);
    put(h, 0x2040, 3); /* four bytes */
    put(h, 0x2050, 1);
    put(h, 0x2041, 2);
    put(h, 0x207f, 3);
    put(h, 0x2040, 4);
    ck_assert_uint_eq(harness_stam(h, "Writes"), 0);
    put(h, 0x2040, 0xd0);
    ck_assert_uint_eq(get(h, 0), 0x80);
    put(h, 0, 0xff);
    ck_assert_uint_eq(get(h, 0x2050), 1);
    ck_assert_uint_eq(get(h, 0x2041), 2);
    ck_assert_uint_eq(get(h, 0x207f), 3);
    ck_assert_uint_eq(get(h, 0x2040), 4);
    ck_assert_uint_eq(get(h, 0x2042), 0xff);
    put(h, 0x2040, 0xe8); /* beyond the buffer's row */
    put(h, 0x2040, 1);
    put(h, 0x2040, 0);
    put(h, 0x2080, 0);
    ck_assert_uint_eq(get(h, 0), 0xb0);
    put(h, 0, 0x50);
    put(h, 0, 0xe8); /* too many */
    put(h, 0, 64);
    ck_assert_uint_eq(get(h, 0), 0xb0);
    harness_free(h);
}
END_TEST

START_TEST(states_survive_in_the_middle_of_commands)
{
    Harness *h = flash_new("");
    put(h, 0x2040, 0xe8);
    harness_save_load(h);
    put(h, 0x2040, 1);
    put(h, 0x2041, 0x11);
    harness_save_load(h);
    put(h, 0x2042, 0x22);
    harness_save_load(h);
    put(h, 0x2040, 0xd0);
    harness_save_load(h);
    ck_assert_uint_eq(get(h, 0), 0x80);
    put(h, 0, 0xff);
    harness_save_load(h);
    ck_assert_uint_eq(harness_mmio_read(h, BASE + 0x2041, 2), 0x2211);
    put(h, 0, 0x20);
    harness_reset(h);
    put(h, 0, 0xd0); /* no command any more */
    put(h, 0, 0xff);
    ck_assert_uint_eq(get(h, 0x2041), 0x11);
    harness_free(h);
}
END_TEST

START_TEST(file_keeps_what_is_written)
{
    char path[] = "/tmp/viv-flash-XXXXXX", options[256], source[] = "first contents";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    unlink(path);
    snprintf(options, sizeof options, "FlashFile=%s,SourceFile=vars.fd,Size=0x20000", path);
    for (int round = 0; round < 2; round++) {
        Harness *h = harness_create();
        harness_vm_file(h, "vars.fd", source, sizeof source);
        ck_assert_int_eq(harness_start(h, "flash", options), VIV_OK);
        ck_assert_uint_eq(get(h, 0), round ? 0x40 : 'f');
        put(h, 0, 0x40);
        put(h, 0, 0x40);
        put(h, 0, 0xff);
        ck_assert_uint_eq(get(h, 6), 'c');
        /* The file is this machine's. */
        Harness *other = harness_create();
        harness_vm_file(other, "vars.fd", source, sizeof source);
        ck_assert_int_eq(harness_start(other, "flash", options), VIV_E_IO);
        ck_assert_ptr_nonnull(strstr(harness_error(), "another machine"));
        harness_free(other);
        harness_free(h);
    }
    unlink(path);
}
END_TEST

START_TEST(read_only_is_rom)
{
    Harness *h = harness_create();
    static const uint8_t image[0x2000] = {1, 2, 3};
    harness_vm_file(h, "code.fd", image, sizeof image);
    ck_assert_int_eq(harness_start(h, "flash", "SourceFile=code.fd,ReadOnly=1"), VIV_OK);
    ck_assert_uint_eq(harness_mmio_read(h, 0xffffe000, 4), 0x030201);
    harness_mmio_write(h, 0xffffe000, 0x70, 1);
    ck_assert_uint_eq(harness_mmio_read(h, 0xffffe000, 4), 0x030201);
    harness_free(h);
}
END_TEST

START_TEST(bad_configurations_are_refused)
{
    static const char *const bad[] = {"",
                                      "Size=0x1001",
                                      "Size=0x20000,BlockSize=12288",
                                      "Size=0x20000,BaseAddress=0xffff0000",
                                      "Size=0x20000,BaseAddress=0xfffe0800",
                                      "SourceFile=/nonexistent/code.fd",
                                      "FlashFile=/nonexistent/folder/vars.fd,Size=0x20000"};
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        viv_status_t st;
        ck_assert_msg(!harness_try_new("flash", bad[i], &st), "%s was taken", bad[i]);
        ck_assert_int_ne(st, VIV_OK);
        ck_assert_uint_gt(strlen(harness_error()), 10);
    }
    ck_assert_uint_gt(harness_construct_failures("flash", "Size=0x20000"), 3);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("flash");
    TCase *tc = tcase_create("flash");
    tcase_add_test(tc, array_reads_as_erased);
    tcase_add_test(tc, identifier_and_query);
    tcase_add_test(tc, program_clears_bits_and_erase_sets_them);
    tcase_add_test(tc, erase_takes_its_block_only);
    tcase_add_test(tc, wrong_sequences_show_and_stay_until_cleared);
    tcase_add_test(tc, cleared_status_by_which_ovmf_knows_it);
    tcase_add_test(tc, write_buffer);
    tcase_add_test(tc, states_survive_in_the_middle_of_commands);
    tcase_add_test(tc, file_keeps_what_is_written);
    tcase_add_test(tc, read_only_is_rom);
    tcase_add_test(tc, bad_configurations_are_refused);
    suite_add_tcase(s, tc);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
