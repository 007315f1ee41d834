/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Unit tests of PGM: RAM, holes, overlays, PAM, code marks, DMA across kinds. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "iom/iom.h"
#include "pgm/pgm.h"

#define MIB (UINT64_C(1) << 20)

static Pgm *pgm;

static void setup(void)
{
    pgm = pgm_new(16 * MIB, UINT64_C(0xc0000000), NULL);
    ck_assert_ptr_nonnull(pgm);
}

static void teardown(void)
{
    pgm_free(pgm);
}

START_TEST(test_sizes)
{
    VivError err = VIV_ERROR_INIT;
    ck_assert_ptr_null(pgm_new(MIB + 1, PGM_4G, &err));
    ck_assert_int_eq(err.status, VIV_E_CONFIG);
    error_clear(&err);
    ck_assert_ptr_null(pgm_new(0, PGM_4G, &err));
    error_clear(&err);
}
END_TEST

START_TEST(test_ram_and_beyond)
{
    uint8_t out[8] = {1, 2, 3, 4, 5, 6, 7, 8}, in[8] = {0};
    viv_page_t page;
    pgm_write(pgm, 0x1ffc, out, 8); /* over a page boundary */
    pgm_read(pgm, 0x1ffc, in, 8);
    ck_assert_mem_eq(in, out, 8);
    pgm_write(pgm, 16 * MIB - 4, out, 8); /* the second half falls off the end of RAM */
    pgm_read(pgm, 16 * MIB - 4, in, 8);
    ck_assert_mem_eq(in, out, 4);
    ck_assert_mem_eq(in + 4, "\377\377\377\377", 4);
    pgm_page_query(pgm, 16 * MIB, &page);
    ck_assert_uint_eq(page.kind, VIV_PAGE_UNASSIGNED);
    pgm_page_query(pgm, UINT64_MAX - 4095, &page);
    ck_assert_uint_eq(page.kind, VIV_PAGE_UNASSIGNED);
    pgm_page_query(pgm, 5 * MIB, &page);
    ck_assert_uint_eq(page.kind, VIV_PAGE_RAM);
    ck_assert_uint_eq(page.writable, 1);
}
END_TEST

START_TEST(test_high_ram)
{
    Pgm *big = pgm_new(64 * MIB, 32 * MIB, NULL);
    uint32_t value = 0x12345678, back = 0;
    viv_page_t page;
    ck_assert_uint_eq(pgm_ram_below_4g(big), 32 * MIB);
    pgm_write(big, PGM_4G + 32 * MIB - 4, &value, 4);
    pgm_read(big, PGM_4G + 32 * MIB - 4, &back, 4);
    ck_assert_uint_eq(back, value);
    pgm_page_query(big, PGM_4G + 32 * MIB, &page);
    ck_assert_uint_eq(page.kind, VIV_PAGE_UNASSIGNED);
    pgm_page_query(big, 32 * MIB, &page);
    ck_assert_uint_eq(page.kind, VIV_PAGE_UNASSIGNED);
    pgm_free(big);
}
END_TEST

START_TEST(test_rom_overlay)
{
    PgmBlock *rom = pgm_block_new(pgm, "rom", 4096, NULL);
    memset(pgm_block_hva(rom), 0xab, 4096);
    PgmRange *range = pgm_map_block(pgm, 0x300000, rom, 0, 4096, FALSE, NULL);
    uint8_t byte = 0x11;
    pgm_write(pgm, 0x300000, &byte, 1); /* dropped */
    pgm_read(pgm, 0x300000, &byte, 1);
    ck_assert_uint_eq(byte, 0xab);
    ck_assert_ptr_null(pgm_ram_ptr(pgm, 0x2ff000, 8192));
    pgm_unmap(pgm, range);
    pgm_read(pgm, 0x300000, &byte, 1);
    ck_assert_uint_eq(byte, 0);
    ck_assert_ptr_nonnull(pgm_ram_ptr(pgm, 0x2ff000, 8192));
}
END_TEST

START_TEST(test_bad_windows)
{
    PgmBlock *block = pgm_block_new(pgm, "b", 8192, NULL);
    VivError err = VIV_ERROR_INIT;
    ck_assert_ptr_null(pgm_map_block(pgm, 0x1001, block, 0, 4096, TRUE, &err));
    error_clear(&err);
    ck_assert_ptr_null(pgm_map_block(pgm, 0x1000, block, 4096, 8192, TRUE, &err));
    error_clear(&err);
    ck_assert_ptr_null(pgm_map_block(pgm, PGM_MAX_GPA - 4096, block, 0, 8192, TRUE, &err));
    error_clear(&err);
    ck_assert_ptr_null(pgm_map_block(pgm, 0x1000, block, 0, 0, TRUE, &err));
    error_clear(&err);
}
END_TEST

START_TEST(test_pam)
{
    PgmBlock *rom = pgm_block_new(pgm, "bios", 0x10000, NULL);
    uint8_t byte = 0x5a;
    viv_page_t page;
    memset(pgm_block_hva(rom), 0xee, 0x10000);
    pgm_map_block(pgm, 0xf0000, rom, 0, 0x10000, FALSE, NULL);
    pgm_pam_set(pgm, 0xf0000, 0x10000, FALSE, TRUE); /* reads ROM, writes RAM */
    pgm_page_query(pgm, 0xf0000, &page);
    ck_assert_uint_eq(page.kind, VIV_PAGE_SHADOW);
    pgm_write(pgm, 0xf1000, &byte, 1);
    pgm_read(pgm, 0xf1000, &byte, 1);
    ck_assert_uint_eq(byte, 0xee);
    pgm_pam_set(pgm, 0xf0000, 0x10000, TRUE, FALSE); /* now the RAM shows, read-only */
    pgm_read(pgm, 0xf1000, &byte, 1);
    ck_assert_uint_eq(byte, 0x5a);
    byte = 1;
    pgm_write(pgm, 0xf1000, &byte, 1);
    pgm_read(pgm, 0xf1000, &byte, 1);
    ck_assert_uint_eq(byte, 0x5a);
    pgm_pam_set(pgm, 0xf0000, 0x10000, TRUE, TRUE);
    pgm_page_query(pgm, 0xff000, &page);
    ck_assert_uint_eq(page.kind, VIV_PAGE_RAM);
    pgm_pam_set(pgm, 0xc0000, 0x4000, FALSE, FALSE); /* nothing on the bus there */
    pgm_read(pgm, 0xc0000, &byte, 1);
    ck_assert_uint_eq(byte, 0xff);
}
END_TEST

static uint64_t written_gpa, written_len;

static void on_code(void *ctx, uint64_t gpa, uint64_t len)
{
    (void)ctx;
    written_gpa = gpa;
    written_len = len;
}

START_TEST(test_code_marks)
{
    uint8_t bytes[16] = {0};
    written_len = 0;
    pgm_set_code_written_fn(pgm, on_code, NULL);
    pgm_write(pgm, 0x5000, bytes, 16);
    ck_assert_uint_eq(written_len, 0);
    pgm_code_mark(pgm, 0x5000, TRUE);
    pgm_write(pgm, 0x5008, bytes, 4);
    ck_assert_uint_eq(written_gpa, 0x5008);
    ck_assert_uint_eq(written_len, 4);
    written_len = 0;
    pgm_write(pgm, 0x4ff8, bytes, 16); /* only the part in the marked page is told */
    ck_assert_uint_eq(written_gpa, 0x5000);
    ck_assert_uint_eq(written_len, 8);
    pgm_code_mark(pgm, 0x5000, FALSE);
    written_len = 0;
    pgm_write(pgm, 0x5000, bytes, 16);
    ck_assert_uint_eq(written_len, 0);
}
END_TEST

static uint32_t last_width;

static uint64_t mmio_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    (void)dev, (void)ctx;
    last_width = width;
    return 0x1122334455667788 >> (off * 8);
}

/* RAM given back: whole pages read as zeros, the file has a hole, code marks and the log hear. */
START_TEST(test_discard)
{
    uint8_t bits[16 * MIB / 4096 / 8 + 1];
    uint64_t first, end;
    uint8_t byte;
    pgm_set_code_written_fn(pgm, on_code, NULL);
    memset(pgm_block_hva(pgm_block_at(pgm, 0)), 0x5a, 16 * MIB);
    pgm_code_mark(pgm, 8 * MIB + 4096, TRUE);
    ck_assert_int_eq(pgm_dirty_start(pgm, NULL), VIV_OK);
    written_len = 0;
    pgm_discard(pgm, 8 * MIB + 1, 3 * 4096); /* two whole pages */
    ck_assert_uint_eq(written_gpa, 8 * MIB + 4096);
    ck_assert_uint_eq(written_len, 4096);
    memset(bits, 0, sizeof bits);
    ck_assert_uint_eq(pgm_dirty_fetch(pgm, bits), 2);
    /* before the first look: reading fills a hole of a memory file */
    ck_assert(pgm_block_extent(pgm_block_at(pgm, 0), 0, &first, &end));
    ck_assert_uint_eq(first, 0);
    ck_assert_uint_eq(end, 8 * MIB / 4096 + 1);
    for (uint64_t page = 0; page < 5; page++) {
        pgm_read(pgm, 8 * MIB + page * 4096 + 4095, &byte, 1);
        ck_assert_uint_eq(byte, page == 1 || page == 2 ? 0 : 0x5a);
    }
    byte = 7; /* and takes memory again */
    pgm_write(pgm, 8 * MIB + 4096, &byte, 1);
    pgm_read(pgm, 8 * MIB + 4096, &byte, 1);
    ck_assert_uint_eq(byte, 7);
    /* all there is, and much that is not */
    pgm_discard(pgm, 15 * MIB, 64 * MIB);
    pgm_discard(pgm, UINT64_MAX - 8192, UINT64_MAX);
    pgm_discard(pgm, 0, 0);
    pgm_read(pgm, 16 * MIB - 1, &byte, 1);
    ck_assert_uint_eq(byte, 0);
    pgm_dirty_stop(pgm);
}
END_TEST

START_TEST(test_mmio_dma)
{
    static const viv_io_ops_t ops = {.size = sizeof ops, .widths = VIV_W_ANY, .read = mmio_read};
    uint8_t in[8];
    uint64_t base, end;
    IomRange *io = iom_range_new(NULL, NULL, &ops, NULL, 8, "dev");
    PgmRange *range = pgm_map_mmio(pgm, 0xfee00000, 8, io, NULL);
    pgm_read(pgm, 0xfee00000, in, 8);
    ck_assert_uint_eq(last_width, 8);
    ck_assert_uint_eq(in[0], 0x88);
    ck_assert_ptr_eq(pgm_mmio_at(pgm, 0xfee00004, &base, &end), io);
    ck_assert_uint_eq(base, 0xfee00000);
    ck_assert_ptr_null(pgm_mmio_at(pgm, 0xfee00008, &base, &end)); /* the page's rest is nobody's */
    uint64_t generation = pgm_generation(pgm);
    pgm_unmap(pgm, range);
    ck_assert_uint_ne(pgm_generation(pgm), generation);
    iom_range_free(io);
}
END_TEST

static uint64_t flash_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    (void)dev, (void)ctx, (void)width;
    return 0x80 + off;
}

static void flash_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value, uint32_t width)
{
    (void)dev, (void)off, (void)width;
    *(uint64_t *)ctx = *(uint64_t *)ctx << 8 | value;
}

static void count_changes(void *ctx)
{
    ++*(unsigned *)ctx;
}

START_TEST(test_memory_behind_mmio)
{
    static const viv_io_ops_t ops = {
        .size = sizeof ops, .widths = VIV_W8, .read = flash_read, .write = flash_write};
    uint64_t written = 0;
    unsigned changes = 0;
    uint8_t in[4], out[4] = {1, 2, 3, 4};
    viv_page_t page;
    VivError err = VIV_ERROR_INIT;
    PgmBlock *block = pgm_block_new(pgm, "flash", 0x3000, NULL);
    memcpy(pgm_block_hva(block) + 0x1000, "abcd", 4);
    IomRange *io = iom_range_new(NULL, NULL, &ops, &written, 0x2000, "flash");
    PgmRange *range = pgm_map_mmio(pgm, 0xfff00000, 0x2000, io, NULL);
    pgm_set_changed_fn(pgm, count_changes, &changes);
    ck_assert_int_eq(pgm_back_mmio(pgm, range, block, 0x1000, TRUE, NULL), VIV_OK);
    pgm_page_query(pgm, 0xfff00000, &page);
    ck_assert_uint_eq(page.kind, VIV_PAGE_ROM);
    ck_assert_uint_eq(page.writable, 0);
    pgm_read(pgm, 0xfff00000, in, 4);
    ck_assert_mem_eq(in, "abcd", 4);
    pgm_write(pgm, 0xfff00000, out, 4); /* the handler's, and memory is as it was */
    ck_assert_uint_eq(written, 0x01020304);
    ck_assert_mem_eq(pgm_block_hva(block) + 0x1000, "abcd", 4);
    ck_assert_int_eq(pgm_back_mmio(pgm, range, block, 0x1000, FALSE, NULL), VIV_OK);
    pgm_page_query(pgm, 0xfff01000, &page);
    ck_assert_uint_eq(page.kind, VIV_PAGE_MMIO);
    pgm_read(pgm, 0xfff00001, in, 1);
    ck_assert_uint_eq(in[0], 0x81);
    ck_assert_uint_eq(changes, 2);
    ck_assert_int_eq(pgm_back_mmio(pgm, range, block, 0x1000, FALSE, NULL), VIV_OK);
    ck_assert_uint_eq(changes, 2); /* nothing to change */
    ck_assert_int_eq(pgm_back_mmio(pgm, range, block, 0x2000, TRUE, &err), VIV_E_INVALID);
    error_clear(&err);
    pgm_set_changed_fn(pgm, NULL, NULL);
    pgm_unmap(pgm, range);
    iom_range_free(io);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pgm");
    TCase *tc = tcase_create("pgm");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_sizes);
    tcase_add_test(tc, test_ram_and_beyond);
    tcase_add_test(tc, test_high_ram);
    tcase_add_test(tc, test_rom_overlay);
    tcase_add_test(tc, test_bad_windows);
    tcase_add_test(tc, test_pam);
    tcase_add_test(tc, test_code_marks);
    tcase_add_test(tc, test_discard);
    tcase_add_test(tc, test_mmio_dma);
    tcase_add_test(tc, test_memory_behind_mmio);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
