/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Unit tests of IOM: owners, splitting, widening, edges of ranges. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "iom/iom.h"

typedef struct Log {
    uint32_t reads, writes;
    uint64_t off[16], value[16];
    uint32_t width[16];
} Log;

static Log seen;

static uint64_t log_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    const uint8_t *bytes = ctx;
    uint64_t value = 0;
    (void)dev;
    seen.off[seen.reads & 15] = off;
    seen.width[seen.reads++ & 15] = width;
    memcpy(&value, bytes + off, width);
    return value;
}

static void log_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value, uint32_t width)
{
    (void)dev;
    seen.off[seen.writes & 15] = off;
    seen.value[seen.writes & 15] = value;
    seen.width[seen.writes++ & 15] = width;
    memcpy((uint8_t *)ctx + off, &value, width);
}

static uint8_t cells[16];

static IomRange *range_of(uint32_t widths, uint32_t flags)
{
    viv_io_ops_t ops = {
        .size = sizeof ops, .widths = widths, .flags = flags, .read = log_read, .write = log_write};
    seen = (Log){0};
    for (uint8_t i = 0; i < 16; i++) {
        cells[i] = i;
    }
    return iom_range_new(NULL, NULL, &ops, cells, 8, "dev");
}

static IomRange *vanishing;

/* As a handler does that unmaps its own range. */
static void vanish_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value, uint32_t width)
{
    log_write(dev, ctx, off, value, width);
    iom_range_free(vanishing);
    vanishing = NULL;
}

START_TEST(test_range_goes_in_its_handler)
{
    GRecMutex lock;
    g_rec_mutex_init(&lock);
    for (uint32_t width = 1; width <= 8; width *= 2) {
        viv_io_ops_t ops = {.size = sizeof ops, .widths = VIV_W8, .write = vanish_write};
        seen = (Log){0};
        vanishing = iom_range_new(NULL, &lock, &ops, cells, 8, "dev");
        iom_range_write(vanishing, 0, UINT64_C(0x1122334455667788), width);
        ck_assert_uint_eq(seen.writes, width);
        ck_assert_uint_eq(cells[width - 1], (0x1122334455667788u >> (8 * (width - 1))) & 0xff);
    }
    g_rec_mutex_clear(&lock);
}
END_TEST

START_TEST(test_split)
{
    IomRange *range = range_of(VIV_W8, 0);
    ck_assert_uint_eq(iom_range_read(range, 2, 4), 0x05040302);
    ck_assert_uint_eq(seen.reads, 4);
    ck_assert_uint_eq(seen.off[0], 2); /* low part first */
    iom_range_write(range, 4, 0xaabb, 2);
    ck_assert_uint_eq(seen.writes, 2);
    ck_assert_uint_eq(cells[4], 0xbb);
    ck_assert_uint_eq(cells[5], 0xaa);
    iom_range_free(range);
}
END_TEST

START_TEST(test_unaligned_is_split)
{
    IomRange *range = range_of(VIV_W8 | VIV_W32, 0);
    ck_assert_uint_eq(iom_range_read(range, 1, 4), 0x04030201);
    ck_assert_uint_eq(seen.reads, 4);
    iom_range_free(range);
    range = range_of(VIV_W32, VIV_IO_UNALIGNED);
    ck_assert_uint_eq(iom_range_read(range, 1, 4), 0x04030201);
    ck_assert_uint_eq(seen.reads, 1);
    iom_range_free(range);
}
END_TEST

START_TEST(test_widen)
{
    IomRange *range = range_of(VIV_W32, VIV_IO_WIDEN);
    ck_assert_uint_eq(iom_range_read(range, 5, 1), 5);
    ck_assert_uint_eq(seen.width[0], 4);
    ck_assert_uint_eq(seen.off[0], 4);
    iom_range_write(range, 6, 0x77, 1); /* read-modify-write */
    ck_assert_uint_eq(cells[6], 0x77);
    ck_assert_uint_eq(cells[5], 5);
    iom_range_free(range);
    range = range_of(VIV_W32, 0); /* without it: ones and nothing */
    ck_assert_uint_eq(iom_range_read(range, 5, 1), 0xff);
    iom_range_write(range, 5, 0, 1);
    ck_assert_uint_eq(seen.reads + seen.writes, 0);
    iom_range_free(range);
}
END_TEST

START_TEST(test_edges)
{
    IomRange *range = range_of(VIV_W_ANY, 0);
    ck_assert_uint_eq(iom_range_read(range, 6, 4), 0xffff0706);
    ck_assert_uint_eq(iom_range_read(range, 8, 4), 0xffffffff);
    iom_range_write(range, 7, 0x1234, 2);
    ck_assert_uint_eq(cells[7], 0x34);
    ck_assert_uint_eq(cells[8], 8);
    iom_range_free(range);
}
END_TEST

START_TEST(test_ports)
{
    Iom *iom = iom_new();
    VivError err = VIV_ERROR_INIT;
    IomRange *a = range_of(VIV_W_ANY, 0), *b = range_of(VIV_W8, 0);
    ck_assert_int_eq(iom_pio_map(iom, 0x60, 8, a, NULL), VIV_OK);
    ck_assert_int_eq(iom_pio_map(iom, 0x67, 8, b, &err), VIV_E_EXISTS);
    ck_assert_ptr_nonnull(strstr(error_text(&err), "dev"));
    error_clear(&err);
    ck_assert_int_eq(iom_pio_map(iom, 0xfffd, 8, b, NULL), VIV_E_INVALID);
    ck_assert_int_eq(iom_pio_map(iom, 0x68, 8, b, NULL), VIV_OK);
    ck_assert_uint_eq(iom_pio_read(iom, 0x66, 4), 0x01000706); /* over two owners */
    ck_assert_uint_eq(iom_pio_read(iom, 0x70, 2), 0xffff);
    iom_pio_write(iom, 0xffff, 0x12345678, 4); /* wraps, nobody home */
    iom_pio_unmap(iom, a);
    ck_assert_uint_eq(iom_pio_read(iom, 0x60, 1), 0xff);
    uint8_t buf[4];
    ck_assert_uint_eq(iom_pio_read_string(iom, 0x69, 1, buf, 4), 1); /* no string handler: one */
    ck_assert_uint_eq(buf[0], 1);
    iom_pio_unmap(iom, b);
    iom_range_free(a);
    iom_range_free(b);
    iom_free(iom);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("iom");
    TCase *tc = tcase_create("iom");
    tcase_add_test(tc, test_split);
    tcase_add_test(tc, test_range_goes_in_its_handler);
    tcase_add_test(tc, test_unaligned_is_split);
    tcase_add_test(tc, test_widen);
    tcase_add_test(tc, test_edges);
    tcase_add_test(tc, test_ports);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
