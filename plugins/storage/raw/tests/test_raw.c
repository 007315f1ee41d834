/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* raw: sizes, the padded tail, no growing, discards, making images. */
#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <viv/storage.h>

const viv_plugin_t *viv_plugin_entry_v1(const viv_host_t *host);

/* -- a file in memory and a host that keeps the last sentence -------------------------------- */

static uint8_t memory[8192];
static uint64_t memory_bytes;
static char sentence[256];
static unsigned flushes;

static viv_status_t file_read(void *self, uint64_t off, void *buf, uint64_t len)
{
    (void)self;
    if (off > memory_bytes || len > memory_bytes - off)
        return VIV_E_EOF;
    memcpy(buf, memory + off, len);
    return VIV_OK;
}

static viv_status_t file_write(void *self, uint64_t off, const void *buf, uint64_t len)
{
    (void)self;
    ck_assert_uint_le(off + len, memory_bytes); /* a raw image never grows */
    memcpy(memory + off, buf, len);
    return VIV_OK;
}

static viv_status_t file_flush(void *self)
{
    (void)self;
    flushes++;
    return VIV_OK;
}

static viv_status_t file_get_size(void *self, uint64_t *ret)
{
    (void)self;
    *ret = memory_bytes;
    return VIV_OK;
}

static viv_status_t file_set_size(void *self, uint64_t bytes)
{
    (void)self;
    memory_bytes = bytes;
    return VIV_OK;
}

static viv_status_t file_discard(void *self, uint64_t off, uint64_t len)
{
    (void)self;
    ck_assert_uint_le(off + len, memory_bytes);
    memset(memory + off, 0, len);
    return VIV_OK;
}

static const viv_file_ops_t file_ops = {.size = sizeof(file_ops),
                                        .read = file_read,
                                        .write = file_write,
                                        .flush = file_flush,
                                        .get_size = file_get_size,
                                        .set_size = file_set_size,
                                        .discard = file_discard};
static const viv_file_t file = {&file_ops, NULL};

static void host_log(void *cookie, uint32_t severity, const char *fmt, ...) VIV_PRINTF(3, 4);
static void host_log(void *cookie, uint32_t severity, const char *fmt, ...)
{
    (void)cookie, (void)severity, (void)fmt;
}

static viv_status_t host_fail(void *cookie, viv_status_t status, const char *fmt, ...)
    VIV_PRINTF(3, 4);
static viv_status_t host_fail(void *cookie, viv_status_t status, const char *fmt, ...)
{
    va_list args;
    (void)cookie;
    va_start(args, fmt);
    vsnprintf(sentence, sizeof(sentence), fmt, args);
    va_end(args);
    return status;
}

static const viv_format_host_t host = {.size = sizeof(host), .log = host_log, .fail = host_fail};

static const viv_format_class_t *cls;
static void *image;

static void setup(void)
{
    cls = viv_plugin_entry_v1(NULL)->classes[0];
    image = calloc(1, cls->image_size);
    for (unsigned i = 0; i < sizeof(memory); i++)
        memory[i] = (uint8_t)(i % 251 + 1);
}

static void teardown(void)
{
    cls->close(image);
    free(image);
}

START_TEST(whole_sectors)
{
    uint8_t buf[1024];
    memory_bytes = 4096;
    ck_assert_uint_eq(cls->probe(&file), 1);
    ck_assert_int_eq(cls->open(&host, image, &file, 0), VIV_OK);
    ck_assert_uint_eq(cls->size_bytes(image), 4096);
    ck_assert_uint_eq(cls->sector_bytes(image), 512);
    ck_assert_int_eq(cls->read(image, 512, buf, 1024), VIV_OK);
    ck_assert_mem_eq(buf, memory + 512, 1024);
    memset(buf, 0xaa, 512);
    ck_assert_int_eq(cls->write(image, 3584, buf, 512), VIV_OK);
    ck_assert_uint_eq(memory[4095], 0xaa);
    ck_assert_int_eq(cls->flush(image), VIV_OK);
    ck_assert_uint_eq(flushes, 1);
    ck_assert_int_eq(cls->read(image, 3584, buf, 513), VIV_E_INVALID);
    ck_assert_int_eq(cls->write(image, 4096, buf, 1), VIV_E_INVALID);
    ck_assert_int_eq(cls->read(image, UINT64_MAX, buf, 1), VIV_E_INVALID);
    ck_assert_int_eq(cls->discard(image, 512, 512), VIV_OK);
    ck_assert_uint_eq(memory[512] | memory[1023], 0);
    ck_assert_int_eq(cls->discard(image, 512, 1u << 20), VIV_E_INVALID);
}
END_TEST

START_TEST(tail_is_padded_and_does_not_grow)
{
    uint8_t buf[1024];
    memory_bytes = 1000;
    ck_assert_int_eq(cls->open(&host, image, &file, 0), VIV_OK);
    ck_assert_uint_eq(cls->size_bytes(image), 1024);
    memset(buf, 0xee, sizeof(buf));
    ck_assert_int_eq(cls->read(image, 0, buf, 1024), VIV_OK);
    ck_assert_mem_eq(buf, memory, 1000);
    for (unsigned i = 1000; i < 1024; i++)
        ck_assert_uint_eq(buf[i], 0);
    memset(buf, 0x11, 1000);
    ck_assert_int_eq(cls->write(image, 0, buf, 1024), VIV_OK); /* zeros in the padding */
    ck_assert_uint_eq(memory[999], 0x11);
    buf[1023] = 1;
    memset(buf, 0x22, 1000);
    ck_assert_int_eq(cls->write(image, 512, buf + 512, 512), VIV_E_FULL);
    ck_assert_ptr_nonnull(strstr(sentence, "488"));
    ck_assert_uint_eq(memory[999], 0x11);
    ck_assert_uint_eq(memory_bytes, 1000);
    ck_assert_int_eq(cls->discard(image, 512, 512), VIV_OK);
    ck_assert_int_eq(cls->read(image, 1010, buf, 4), VIV_OK);
    ck_assert_uint_eq(buf[0], 0);
}
END_TEST

START_TEST(empty_files_and_new_ones)
{
    memory_bytes = 0;
    ck_assert_uint_eq(cls->probe(&file), 0);
    ck_assert_int_eq(cls->open(&host, image, &file, 0), VIV_E_CORRUPT);
    ck_assert_int_eq(cls->create(&host, &file, 1000), VIV_E_INVALID);
    ck_assert_int_eq(cls->create(&host, &file, 0), VIV_E_INVALID);
    ck_assert_int_eq(cls->create(&host, &file, 4096), VIV_OK);
    ck_assert_uint_eq(memory_bytes, 4096);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("raw");
    TCase *tc = tcase_create("raw");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, whole_sectors);
    tcase_add_test(tc, tail_is_padded_and_does_not_grow);
    tcase_add_test(tc, empty_files_and_new_ones);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
