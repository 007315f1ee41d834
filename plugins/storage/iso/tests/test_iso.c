/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* iso: what is recognised, reading, refusals. */
#include <check.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <viv/storage.h>

const viv_plugin_t *viv_plugin_entry_v1(const viv_host_t *host);

static uint8_t memory[128 * 1024];
static uint64_t memory_bytes;

static viv_status_t file_read(void *self, uint64_t off, void *buf, uint64_t len)
{
    (void)self;
    if (off > memory_bytes || len > memory_bytes - off)
        return VIV_E_EOF;
    memcpy(buf, memory + off, len);
    return VIV_OK;
}

static viv_status_t file_get_size(void *self, uint64_t *ret)
{
    (void)self;
    *ret = memory_bytes;
    return VIV_OK;
}

static const viv_file_ops_t file_ops = {
    .size = sizeof(file_ops), .read = file_read, .get_size = file_get_size};
static const viv_file_t file = {&file_ops, NULL};

static viv_status_t host_fail(void *cookie, viv_status_t status, const char *fmt, ...)
    VIV_PRINTF(3, 4);
static viv_status_t host_fail(void *cookie, viv_status_t status, const char *fmt, ...)
{
    (void)cookie, (void)fmt;
    return status;
}

static const viv_format_host_t host = {.size = sizeof(host), .fail = host_fail};
static const viv_format_class_t *cls;
static void *image;

static void setup(void)
{
    cls = viv_plugin_entry_v1(NULL)->classes[0];
    image = calloc(1, cls->image_size);
    memset(memory, 0, sizeof(memory));
    memory_bytes = sizeof(memory);
}

static void teardown(void)
{
    cls->close(image);
    free(image);
}

static void descriptor(unsigned sector, const char *id)
{
    memcpy(memory + 2048 * sector + 1, id, strlen(id));
}

START_TEST(recognises)
{
    ck_assert_uint_eq(cls->probe(&file), 0);
    descriptor(16, "CD001");
    memory[510] = 0x55; /* a hybrid's partition table changes nothing */
    memory[511] = 0xaa;
    ck_assert_uint_eq(cls->probe(&file), 1);
    memory_bytes = 32768 + 8;
    ck_assert_uint_eq(cls->probe(&file), 0);
}
END_TEST

START_TEST(recognises_udf)
{
    descriptor(16, "BEA01");
    ck_assert_uint_eq(cls->probe(&file), 0);
    descriptor(17, "NSR03");
    ck_assert_uint_eq(cls->probe(&file), 1);
    descriptor(17, "XXXXX");
    ck_assert_uint_eq(cls->probe(&file), 0);
    memset(memory + 2048 * 16, 0, 4096);
    memcpy(memory + 2048 * 16 + 9, "CDROM", 5); /* High Sierra */
    ck_assert_uint_eq(cls->probe(&file), 1);
}
END_TEST

START_TEST(reads_with_a_padded_tail)
{
    uint8_t buf[4096];
    memory_bytes = 100000;
    memset(memory, 0x5a, sizeof(memory));
    ck_assert_int_eq(cls->open(&host, image, &file, 0), VIV_E_ACCESS);
    ck_assert_int_eq(cls->open(&host, image, &file, VIV_OPEN_READ_ONLY), VIV_OK);
    ck_assert_uint_eq(cls->size_bytes(image), 49 * 2048);
    ck_assert_uint_eq(cls->sector_bytes(image), 2048);
    ck_assert_int_eq(cls->read(image, 47 * 2048, buf, 4096), VIV_OK);
    ck_assert_uint_eq(buf[2048 + 100000 % 2048 - 1], 0x5a);
    ck_assert_uint_eq(buf[2048 + 100000 % 2048], 0);
    ck_assert_int_eq(cls->read(image, 48 * 2048, buf, 4096), VIV_E_INVALID);
    ck_assert_ptr_null(cls->write);
    ck_assert_int_eq(cls->flush(image), VIV_OK);
}
END_TEST

START_TEST(refuses_scraps)
{
    memory_bytes = 2047;
    ck_assert_int_eq(cls->open(&host, image, &file, VIV_OPEN_READ_ONLY), VIV_E_CORRUPT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("iso");
    TCase *tc = tcase_create("iso");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, recognises);
    tcase_add_test(tc, recognises_udf);
    tcase_add_test(tc, reads_with_a_padded_tail);
    tcase_add_test(tc, refuses_scraps);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
