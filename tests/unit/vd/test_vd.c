/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vd: choosing a format, errors by name, locks, ranges and alignment. The formats here are the
 * test's own: "flat" is the file's bytes and refuses anything that is not whole sectors, "magic"
 * wants a signature. */
#include <check.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vd/vd.h"

typedef struct Flat {
    viv_file_t file;
    uint64_t size;
} Flat;

static unsigned flat_flushes;
static uint64_t flat_discard_off, flat_discard_len;

static uint32_t flat_probe(const viv_file_t *file)
{
    (void)file;
    return 1;
}

static viv_status_t flat_open(const viv_format_host_t *host, void *image, const viv_file_t *file,
                              uint32_t flags)
{
    Flat *f = image;
    (void)flags;
    f->file = *file;
    viv_status_t st = file->ops->get_size(file->self, &f->size);
    if (st >= 0 && f->size == 0)
        return (host->fail)(host->cookie, VIV_E_CORRUPT, "nothing at offset %d", 0);
    return st;
}

static void flat_close(void *image)
{
    (void)image;
}

static uint64_t flat_size(void *image)
{
    return ((Flat *)image)->size;
}

static uint32_t flat_sector(void *image)
{
    (void)image;
    return 512;
}

static void flat_check(const Flat *f, uint64_t off, uint64_t len)
{
    ck_assert_uint_eq(off % 512, 0);
    ck_assert(len % 512 == 0 || off + len == f->size);
    ck_assert_uint_le(off + len, f->size);
}

static viv_status_t flat_read(void *image, uint64_t off, void *buf, uint64_t len)
{
    Flat *f = image;
    flat_check(f, off, len);
    return f->file.ops->read(f->file.self, off, buf, len);
}

static viv_status_t flat_write(void *image, uint64_t off, const void *buf, uint64_t len)
{
    Flat *f = image;
    flat_check(f, off, len);
    return f->file.ops->write(f->file.self, off, buf, len);
}

static viv_status_t flat_flush(void *image)
{
    Flat *f = image;
    flat_flushes++;
    return f->file.ops->flush(f->file.self);
}

static viv_status_t flat_discard(void *image, uint64_t off, uint64_t len)
{
    Flat *f = image;
    flat_check(f, off, len);
    flat_discard_off = off;
    flat_discard_len = len;
    return f->file.ops->discard(f->file.self, off, len);
}

static viv_status_t flat_create(const viv_format_host_t *host, const viv_file_t *file,
                                uint64_t size)
{
    if (size % 512)
        return (host->fail)(host->cookie, VIV_E_INVALID, "odd size");
    return file->ops->set_size(file->self, size);
}

static uint32_t magic_probe(const viv_file_t *file)
{
    char head[4];
    return file->ops->read(file->self, 0, head, 4) >= 0 && memcmp(head, "MAGI", 4) == 0;
}

static const viv_format_class_t flat_class = {
    VIV_FORMAT_CLASS_HEAD,      .name = "flat",          .summary = "test",
    .image_size = sizeof(Flat), .probe = flat_probe,     .open = flat_open,
    .close = flat_close,        .size_bytes = flat_size, .sector_bytes = flat_sector,
    .read = flat_read,          .write = flat_write,     .flush = flat_flush,
    .discard = flat_discard,    .create = flat_create,
};
static const viv_format_class_t magic_class = {
    VIV_FORMAT_CLASS_HEAD,       .name = "magic",     .summary = "test",
    .image_size = sizeof(Flat),  .probe_priority = 5, .probe = magic_probe,
    .open = flat_open,           .close = flat_close, .size_bytes = flat_size,
    .sector_bytes = flat_sector, .read = flat_read,
};
static const viv_format_class_t *const formats[] = {&flat_class, &magic_class};

static char *folder, *path;

static void setup(void)
{
    folder = g_dir_make_tmp("viv-vd-XXXXXX", NULL);
    ck_assert_ptr_nonnull(folder);
    path = g_build_filename(folder, "disk", NULL);
}

static void teardown(void)
{
    g_unlink(path);
    g_rmdir(folder);
    g_free(path);
    g_free(folder);
}

static void make(const char *head, uint64_t size)
{
    g_autofree char *data = g_malloc0(size + 1);
    for (uint64_t i = 0; i < size; i++)
        data[i] = (char)(i * 7 + i / 512);
    memcpy(data, head, strlen(head));
    ck_assert(g_file_set_contents(path, data, (gssize)size, NULL));
}

static VdDisk *open_ok(const char *format, uint32_t flags)
{
    VdDisk *disk = NULL;
    char *error = NULL;
    viv_status_t st = vd_open(formats, 2, path, format, flags, &disk, &error);
    ck_assert_msg(st == VIV_OK, "%d %s", st, error ? error : "");
    ck_assert_ptr_null(error);
    return disk;
}

static void open_fails(const char *format, uint32_t flags, viv_status_t want, const char *word)
{
    VdDisk *disk = NULL;
    g_autofree char *error = NULL;
    ck_assert_int_eq(vd_open(formats, 2, path, format, flags, &disk, &error), want);
    ck_assert_ptr_null(disk);
    ck_assert_ptr_nonnull(error);
    ck_assert_msg(strstr(error, word) && strstr(error, path), "%s", error);
}

START_TEST(probes_by_priority_and_takes_a_name)
{
    make("MAGI", 4096);
    VdDisk *disk = open_ok(NULL, VIV_OPEN_READ_ONLY);
    ck_assert_str_eq(vd_format(disk), "magic");
    ck_assert_uint_eq(vd_size(disk), 4096);
    ck_assert_uint_eq(vd_sector(disk), 512);
    vd_close(disk);
    disk = open_ok("FLAT", VIV_OPEN_READ_ONLY);
    ck_assert_str_eq(vd_format(disk), "flat");
    vd_close(disk);
    make("none", 4096);
    disk = open_ok("", VIV_OPEN_READ_ONLY);
    ck_assert_str_eq(vd_format(disk), "flat");
    vd_close(disk);
}
END_TEST

START_TEST(errors_name_the_file)
{
    open_fails(NULL, 0, VIV_E_NOT_FOUND, "No such file");
    make("MAGI", 4096);
    open_fails("qcow9", 0, VIV_E_NOT_FOUND, "qcow9");
    open_fails("magic", 0, VIV_E_ACCESS, "read-only");
    make("", 0);
    open_fails("flat", 0, VIV_E_CORRUPT, "nothing at offset 0");
    g_unlink(path);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    open_fails("flat", VIV_OPEN_READ_ONLY, VIV_E_INVALID, "neither");
    g_unlink(path);
    ck_assert_int_eq(g_mkdir(path, 0700), 0);
    open_fails("flat", VIV_OPEN_READ_ONLY, VIV_E_INVALID, "neither");
    open_fails("flat", 0, VIV_E_INVALID, "directory");
    g_rmdir(path);
    vd_close(NULL);
}
END_TEST

START_TEST(one_writer_or_many_readers)
{
    make("MAGI", 4096);
    VdDisk *writer = open_ok("flat", 0);
    open_fails("flat", 0, VIV_E_BUSY, "in use");
    open_fails("flat", VIV_OPEN_READ_ONLY, VIV_E_BUSY, "writing");
    vd_close(writer);
    VdDisk *reader = open_ok("flat", VIV_OPEN_READ_ONLY);
    VdDisk *second = open_ok("flat", VIV_OPEN_READ_ONLY);
    open_fails("flat", 0, VIV_E_BUSY, "in use");
    vd_close(reader);
    vd_close(second);
    vd_close(open_ok("flat", 0));
}
END_TEST

START_TEST(any_range_inside_works)
{
    const uint64_t size = 5 * 512 + 100; /* the last sector is cut */
    uint8_t *want = g_malloc(size), *got = g_malloc(size);
    make("flat", size);
    VdDisk *disk = open_ok("flat", 0);
    ck_assert_int_eq(vd_read(disk, 0, want, size), VIV_OK);
    uint32_t seed = 1;
    for (int i = 0; i < 2000; i++) {
        seed = seed * 1664525u + 1013904223u;
        uint64_t off = (seed >> 8) % (size + 1);
        seed = seed * 1664525u + 1013904223u;
        uint64_t len = (seed >> 8) % (size - off + 1);
        if (seed & 1) {
            memset(want + off, i, len);
            ck_assert_int_eq(vd_write(disk, off, want + off, len), VIV_OK);
        } else {
            memset(got, 0xee, size);
            ck_assert_int_eq(vd_read(disk, off, got, len), VIV_OK);
            ck_assert_mem_eq(got, want + off, len);
        }
    }
    ck_assert_int_eq(vd_read(disk, 0, got, size), VIV_OK);
    ck_assert_mem_eq(got, want, size);
    vd_close(disk);
    g_free(want);
    g_free(got);
}
END_TEST

START_TEST(ranges_outside_are_refused)
{
    uint8_t buf[1024] = {0};
    make("flat", 4096);
    VdDisk *disk = open_ok("flat", 0);
    ck_assert_int_eq(vd_read(disk, 4096, buf, 0), VIV_OK);
    ck_assert_int_eq(vd_read(disk, 4096, buf, 1), VIV_E_INVALID);
    ck_assert_int_eq(vd_read(disk, 4000, buf, 97), VIV_E_INVALID);
    ck_assert_int_eq(vd_write(disk, UINT64_MAX, buf, 2), VIV_E_INVALID);
    ck_assert_int_eq(vd_write(disk, 512, buf, UINT64_MAX), VIV_E_INVALID);
    ck_assert_int_eq(vd_discard(disk, 4096, 512), VIV_E_INVALID);
    vd_close(disk);
}
END_TEST

START_TEST(read_only_is_never_written)
{
    uint8_t buf[512] = {0};
    make("flat", 4096);
    VdDisk *disk = open_ok("flat", VIV_OPEN_READ_ONLY);
    ck_assert(vd_read_only(disk));
    ck_assert_int_eq(vd_write(disk, 0, buf, 512), VIV_E_ACCESS);
    ck_assert_int_eq(vd_discard(disk, 0, 512), VIV_E_ACCESS);
    ck_assert_int_eq(vd_flush(disk), VIV_OK);
    vd_close(disk);
}
END_TEST

START_TEST(close_flushes_what_was_written)
{
    uint8_t buf[512] = {0};
    make("flat", 4096);
    flat_flushes = 0;
    VdDisk *disk = open_ok("flat", 0);
    vd_close(disk);
    ck_assert_uint_eq(flat_flushes, 0);
    disk = open_ok("flat", 0);
    ck_assert_int_eq(vd_write(disk, 3, buf, 5), VIV_OK);
    ck_assert_int_eq(vd_flush(disk), VIV_OK);
    ck_assert_int_eq(vd_flush(disk), VIV_OK);
    ck_assert_uint_eq(flat_flushes, 1);
    ck_assert_int_eq(vd_write(disk, 3, buf, 5), VIV_OK);
    vd_close(disk);
    ck_assert_uint_eq(flat_flushes, 2);
}
END_TEST

START_TEST(discard_takes_whole_sectors_and_reads_as_zeros)
{
    uint8_t buf[4096];
    make("flat", 4096);
    VdDisk *disk = open_ok("flat", 0);
    flat_discard_len = 0;
    ck_assert_int_eq(vd_discard(disk, 100, 600), VIV_OK); /* no whole sector inside */
    ck_assert_uint_eq(flat_discard_len, 0);
    ck_assert_int_eq(vd_discard(disk, 100, 2000), VIV_OK);
    ck_assert_uint_eq(flat_discard_off, 512);
    ck_assert_uint_eq(flat_discard_len, 1536);
    ck_assert_int_eq(vd_read(disk, 0, buf, 4096), VIV_OK);
    for (unsigned i = 512; i < 2048; i++)
        ck_assert_uint_eq(buf[i], 0);
    ck_assert_uint_ne(buf[511], 0);
    ck_assert_uint_ne(buf[2049], 0);
    vd_close(disk);
}
END_TEST

START_TEST(create_makes_a_new_file_only)
{
    g_autofree char *error = NULL;
    ck_assert_int_eq(vd_create(&flat_class, path, 1 << 20, NULL), VIV_OK);
    VdDisk *disk = open_ok("flat", 0);
    ck_assert_uint_eq(vd_size(disk), 1 << 20);
    vd_close(disk);
    ck_assert_int_eq(vd_create(&flat_class, path, 1 << 20, &error), VIV_E_EXISTS);
    ck_assert_ptr_nonnull(error);
    g_unlink(path);
    g_clear_pointer(&error, g_free);
    ck_assert_int_eq(vd_create(&flat_class, path, 1000, &error), VIV_E_INVALID);
    ck_assert_ptr_nonnull(strstr(error, "odd size"));
    ck_assert_int_ne(access(path, F_OK), 0);
    ck_assert_int_eq(vd_create(&magic_class, path, 1024, NULL), VIV_E_UNSUPPORTED);
}
END_TEST

/* -- a byte file in memory ------------------------------------------------------------------- */

static uint8_t memory[1500];

static viv_status_t memory_read(void *self, uint64_t off, void *buf, uint64_t len)
{
    (void)self;
    if (off > sizeof(memory) || len > sizeof(memory) - off)
        return VIV_E_EOF;
    memcpy(buf, memory + off, len);
    return VIV_OK;
}

static viv_status_t memory_size(void *self, uint64_t *ret_bytes)
{
    (void)self;
    *ret_bytes = sizeof(memory);
    return VIV_OK;
}

START_TEST(opens_a_file_in_memory)
{
    static const viv_file_ops_t ops = {
        .size = sizeof(ops), .read = memory_read, .get_size = memory_size};
    const viv_file_t file = {&ops, NULL};
    uint8_t byte = 0;
    VdDisk *disk = NULL;
    memory[1499] = 0x5a;
    ck_assert_int_eq(
        vd_open_file(formats, 2, &file, "memory", NULL, VIV_OPEN_READ_ONLY, &disk, NULL), VIV_OK);
    ck_assert_int_eq(vd_read(disk, 1499, &byte, 1), VIV_OK);
    ck_assert_uint_eq(byte, 0x5a);
    vd_close(disk);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vd");
    TCase *tc = tcase_create("vd");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, probes_by_priority_and_takes_a_name);
    tcase_add_test(tc, errors_name_the_file);
    tcase_add_test(tc, one_writer_or_many_readers);
    tcase_add_test(tc, any_range_inside_works);
    tcase_add_test(tc, ranges_outside_are_refused);
    tcase_add_test(tc, read_only_is_never_written);
    tcase_add_test(tc, close_flushes_what_was_written);
    tcase_add_test(tc, discard_takes_whole_sectors_and_reads_as_zeros);
    tcase_add_test(tc, create_makes_a_new_file_only);
    tcase_add_test(tc, opens_a_file_in_memory);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
