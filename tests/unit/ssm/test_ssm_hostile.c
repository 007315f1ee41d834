/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ssm: files that are cut, flipped, spliced or made to deceive. Each gives a clean error and a
 * sentence. */
#include <check.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include "ssm/ssm.h"
#include "ssm/ssm_format.h"

typedef struct State {
    uint32_t a;
    uint8_t flag;
    uint8_t bytes[5];
    struct Inner {
        uint16_t x;
    } inner[2];
} State;

static const viv_field_t inner_fields[] = {VIV_FIELD(struct Inner, x, VIV_U16, 1), {0}};
static const viv_field_t state_fields[] = {
    VIV_FIELD(State, a, VIV_U32, 1),
    VIV_FIELD(State, flag, VIV_BOOL, 1),
    VIV_FIELD_BYTES(State, bytes, 1),
    VIV_FIELD_STRUCTS(State, inner, inner_fields, 1),
    {0},
};
#define STRIDE ((uint32_t)sizeof(viv_field_t))

static char *folder;
static char *path; /* of files made by a writer */
static int mem_fd; /* of spoiled ones: thousands of files are quicker in memory */
static char *mem_path;

static void setup(void)
{
    folder = g_dir_make_tmp("viv-ssm-XXXXXX", NULL);
    path = g_build_filename(folder, "state.sav", NULL);
    mem_fd = memfd_create("state", MFD_CLOEXEC);
    ck_assert_int_ge(mem_fd, 0);
    mem_path = g_strdup_printf("/proc/self/fd/%d", mem_fd);
}

static void teardown(void)
{
    g_unlink(path);
    ck_assert_int_eq(g_rmdir(folder), 0);
    close(mem_fd);
    g_free(mem_path);
    g_free(path);
    g_free(folder);
}

/* A small file with everything in it; the same shape for each value of `a`. */
static uint8_t *sample(uint32_t a, size_t *ret_len)
{
    SsmWriter *w = NULL;
    const State state = {.a = a, .flag = 1, .bytes = "abcd", .inner = {{1}, {2}}};
    uint8_t ram[2 * SSM_PAGE_BYTES] = {0};
    memset(ram, (int)a, 64);
    ck_assert_int_eq(ssm_writer_create(path, "machine", &w, NULL), VIV_OK);
    ssm_unit_begin(w, "pit", 0, 1, SSM_PASS_FINAL);
    ssm_put_fields(ssm_writer_stream(w), state_fields, STRIDE, &state);
    ssm_unit_end(w);
    ssm_unit_begin(w, "pgm", 0, 1, 0);
    ssm_put_memory(ssm_writer_stream(w), ram, 0, sizeof(ram));
    ssm_put_memory_end(ssm_writer_stream(w));
    ssm_unit_end(w);
    ssm_unit_begin(w, "pit", 1, 1, SSM_PASS_FINAL);
    ssm_put_u32(ssm_writer_stream(w), a);
    ssm_unit_end(w);
    ck_assert_int_eq(ssm_writer_commit(w, NULL), VIV_OK);
    char *data = NULL;
    ck_assert(g_file_get_contents(path, &data, ret_len, NULL));
    return (uint8_t *)data;
}

static void file_put(const uint8_t *data, size_t len)
{
    ck_assert_int_eq(ftruncate(mem_fd, (off_t)len), 0);
    ck_assert_int_eq(pwrite(mem_fd, data, len, 0), (ssize_t)len);
}

static void expect_error(viv_status_t wanted, const char *what, size_t where)
{
    SsmReader *r = NULL;
    VivError err = VIV_ERROR_INIT;
    const viv_status_t st = ssm_reader_open(mem_path, &r, &err);
    ck_assert_msg(st != VIV_OK, "%s at %zu was not noticed", what, where);
    ck_assert_msg(wanted == VIV_OK || st == wanted, "%s at %zu: %s", what, where, err.text);
    ck_assert_msg(g_str_has_prefix(err.text, mem_path), "%s", err.text);
    ck_assert_ptr_null(r);
    error_clear(&err);
}

START_TEST(cut_at_every_length)
{
    size_t len;
    g_autofree uint8_t *data = sample(1, &len);
    for (size_t cut = 0; cut < len; cut++) {
        file_put(data, cut);
        expect_error(VIV_E_CORRUPT, "cut", cut);
    }
}
END_TEST

START_TEST(every_bit_flipped)
{
    size_t len;
    g_autofree uint8_t *data = sample(1, &len);
    for (size_t bit = 0; bit < len * 8; bit++) {
        data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        file_put(data, len);
        expect_error(VIV_E_CORRUPT, "flipped bit", bit);
        data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}
END_TEST

START_TEST(bytes_added_and_removed)
{
    size_t len;
    g_autofree uint8_t *data = sample(1, &len);
    g_autofree uint8_t *copy = g_malloc(len + 1);
    for (size_t at = 0; at <= len; at++) {
        memcpy(copy, data, at);
        copy[at] = 0;
        memcpy(copy + at + 1, data + at, len - at);
        file_put(copy, len + 1);
        expect_error(VIV_E_CORRUPT, "added byte", at);
        if (at == len)
            break;
        memcpy(copy + at, data + at + 1, len - at - 1);
        file_put(copy, len - 1);
        expect_error(VIV_E_CORRUPT, "removed byte", at);
    }
}
END_TEST

/* Any part of one good file in the place of the same part of another good file of the same shape.
 */
START_TEST(spliced)
{
    size_t len;
    size_t len2;
    g_autofree uint8_t *one = sample(1, &len);
    g_autofree uint8_t *two = sample(2, &len2);
    ck_assert_uint_eq(len, len2);
    g_autofree uint8_t *copy = g_malloc(len);
    for (size_t from = 0; from < len; from += 8) {
        for (size_t to = from + 8; to < len; to += 40) {
            memcpy(copy, one, len);
            memcpy(copy + from, two + from, to - from);
            if (memcmp(copy, one, len) == 0 || memcmp(copy, two, len) == 0)
                continue;
            file_put(copy, len);
            expect_error(VIV_E_CORRUPT, "splice", from);
        }
    }
}
END_TEST

START_TEST(foreign)
{
    static const char text[] =
        "\177VirtualBox SavedState V2.0\n and so on, for long enough to look like something, "
        "which it is not, and then some more of it to be longer than the header of a file of ours "
        "would have to be at the very least.";
    file_put((const uint8_t *)text, sizeof(text));
    SsmReader *r = NULL;
    VivError err = VIV_ERROR_INIT;
    ck_assert_int_eq(ssm_reader_open(mem_path, &r, &err), VIV_E_CORRUPT);
    ck_assert_ptr_nonnull(strstr(err.text, "is not a Vivarium saved state"));
    ck_assert_int_eq(ssm_reader_open(path, &r, &err), VIV_E_NOT_FOUND);
    ck_assert_int_eq(ssm_reader_open(folder, &r, &err), VIV_E_INVALID);
    error_clear(&err);
}
END_TEST

static void put_crc(uint8_t *at, const uint8_t *data, size_t len)
{
    ssm_le32(at, (uint32_t)crc32(0, data, (uInt)len));
}

/* Fields changed with all checksums made right again: only the value itself can be what is refused.
 */
START_TEST(right_checksums)
{
    size_t len;
    g_autofree uint8_t *data = sample(1, &len);
    uint8_t *footer = data + len - SSM_FOOTER_BYTES;

    g_autofree uint8_t *copy = g_memdup2(data, len);
    ssm_le32(copy + 32, 2); /* version */
    put_crc(copy + 124, copy, 124);
    file_put(copy, len);
    expect_error(VIV_E_VERSION, "version", 2);

    ssm_le32(copy + 32, 1);
    ssm_le32(copy + 40, 1); /* flags */
    put_crc(copy + 124, copy, 124);
    file_put(copy, len);
    expect_error(VIV_E_VERSION, "flags", 1);

    memcpy(copy, data, len);
    memset(copy + 48, 0xff, 64); /* identity without an end */
    put_crc(copy + 124, copy, 124);
    file_put(copy, len);
    expect_error(VIV_E_CORRUPT, "identity", 48);

    /* Unit counts and directory offsets that wrap around or ask for much memory. */
    static const uint64_t offsets[] = {
        0, 127, 128, 1u << 31, UINT64_MAX, UINT64_MAX - 39, UINT64_MAX - 47};
    static const uint32_t counts[] = {0, 1, 2, 4, 1000, 1000000, 1000001, UINT32_MAX};
    for (size_t i = 0; i < G_N_ELEMENTS(offsets); i++) {
        for (size_t n = 0; n < G_N_ELEMENTS(counts); n++) {
            const uint64_t was = ssm_rd64(footer + 8);
            ssm_le64(footer + 8, offsets[i]);
            ssm_le32(footer + 24, counts[n]);
            put_crc(footer + 36, footer, 36);
            file_put(data, len);
            expect_error(VIV_E_CORRUPT, "footer", i * 100 + n);
            ssm_le64(footer + 8, was);
        }
    }
}
END_TEST

/* The file is exchanged or cut behind the back of an open reader. */
START_TEST(changed_while_open)
{
    size_t len;
    g_autofree uint8_t *data = sample(1, &len);
    SsmReader *r = NULL;
    viv_stream_t *s = NULL;
    State state;
    file_put(data, len);
    ck_assert_int_eq(ssm_reader_open(mem_path, &r, NULL), VIV_OK);
    for (size_t at = 128; at < 300; at++) {
        data[at] ^= 0xff;
        file_put(data, len);
        data[at] ^= 0xff;
        ck_assert_int_eq(ssm_unit_open(r, 0, &s, NULL), VIV_OK);
        const viv_status_t st = ssm_get_fields(s, state_fields, STRIDE, &state, 1);
        ck_assert(st == VIV_OK || st == VIV_E_CORRUPT);
    }
    file_put(data, 100);
    ck_assert_int_eq(ssm_unit_open(r, 0, &s, NULL), VIV_OK);
    ck_assert_int_eq(ssm_get_fields(s, state_fields, STRIDE, &state, 1), VIV_E_CORRUPT);
    ssm_reader_close(r);
}
END_TEST

/* -- Units whose checksums are right and whose contents are not -- */

static uint8_t content[4096];
static size_t content_len;

static void add(const void *data, size_t len)
{
    memcpy(content + content_len, data, len);
    content_len += len;
}

static void add8(uint8_t value)
{
    add(&value, 1);
}

static void add32(uint32_t value)
{
    uint8_t buf[4];
    ssm_le32(buf, value);
    add(buf, sizeof(buf));
}

static void add64(uint64_t value)
{
    uint8_t buf[8];
    ssm_le64(buf, value);
    add(buf, sizeof(buf));
}

static uint32_t tag_of(const char *name)
{
    uint32_t hash = 0x811c9dc5u;
    for (; *name; name++)
        hash = (hash ^ (uint8_t)*name) * 0x01000193u;
    return hash;
}

/* A file with the collected content as its only unit, opened. */
static SsmReader *content_open(viv_stream_t **ret_stream)
{
    SsmWriter *w = NULL;
    SsmReader *r = NULL;
    ck_assert_int_eq(ssm_writer_create(path, "machine", &w, NULL), VIV_OK);
    ssm_unit_begin(w, "x", 0, 1, 0);
    ssm_put(ssm_writer_stream(w), content, content_len);
    ssm_unit_end(w);
    ck_assert_int_eq(ssm_writer_commit(w, NULL), VIV_OK);
    ck_assert_int_eq(ssm_reader_open(path, &r, NULL), VIV_OK);
    ck_assert_int_eq(ssm_unit_open(r, 0, ret_stream, NULL), VIV_OK);
    content_len = 0;
    return r;
}

static void expect_fields(viv_status_t status, const char *words)
{
    viv_stream_t *s = NULL;
    State state = {0};
    SsmReader *r = content_open(&s);
    ck_assert_int_eq(ssm_get_fields(s, state_fields, STRIDE, &state, 1), status);
    ck_assert_msg(strstr(ssm_stream_error(s), words) != NULL, "'%s' lacks '%s'",
                  ssm_stream_error(s), words);
    ssm_reader_close(r);
}

START_TEST(bad_fields)
{
    add32(tag_of("a"));
    add32(3);
    add("abc", 3);
    add64(0);
    expect_fields(VIV_E_CORRUPT, "field 'a' is 3 bytes long, 4 are expected");

    add32(tag_of("a"));
    add32(UINT32_MAX);
    expect_fields(VIV_E_CORRUPT, "claims 4294967295 bytes");

    for (unsigned i = 0; i < 2; i++) {
        add32(tag_of("a"));
        add32(4);
        add32(1);
    }
    expect_fields(VIV_E_CORRUPT, "field 'a' comes twice");

    add32(tag_of("flag"));
    add32(1);
    add8(2);
    expect_fields(VIV_E_CORRUPT, "field 'flag': 2 is no boolean");

    add32(tag_of("inner"));
    add32(4);
    add32(3);
    expect_fields(VIV_E_CORRUPT, "field 'inner' has 3 elements, 2 are expected");

    /* The elements would reach beyond the field's own bytes, where there is more. */
    add32(tag_of("inner"));
    add32(12);
    add32(2);
    add64(0);
    add64(0);
    add64(0);
    expect_fields(VIV_E_EOF, "ended early");

    add32(tag_of("inner"));
    add32(4 + 16 + 1);
    add32(2);
    add64(0);
    add64(0);
    add8(1);
    add64(0);
    expect_fields(VIV_E_CORRUPT, "left over");

    add32(tag_of("unknown"));
    add32(1000);
    add64(0);
    expect_fields(VIV_E_CORRUPT, "claims 1000 bytes");

    add32(0);
    add32(1);
    add8(0);
    expect_fields(VIV_E_CORRUPT, "tag 00000000");

    add32(tag_of("a"));
    expect_fields(VIV_E_EOF, "ended early");
}
END_TEST

static void expect_memory(viv_status_t status, const char *words)
{
    viv_stream_t *s = NULL;
    g_autofree uint8_t *ram = g_malloc0(3 * SSM_PAGE_BYTES);
    SsmReader *r = content_open(&s);
    ck_assert_int_eq(ssm_get_memory(s, ram, 0, 3 * SSM_PAGE_BYTES, 0), status);
    ck_assert_msg(strstr(ssm_stream_error(s), words) != NULL, "'%s' lacks '%s'",
                  ssm_stream_error(s), words);
    ssm_reader_close(r);
}

static void add_range(uint64_t gpa, uint64_t len)
{
    add8(1);
    add64(gpa);
    add64(len);
}

START_TEST(bad_memory)
{
    add8(7);
    expect_memory(VIV_E_CORRUPT, "unknown kind 7");
    add8(0);
    expect_memory(VIV_E_CORRUPT, "no memory range");
    add_range(0, 4 * SSM_PAGE_BYTES);
    expect_memory(
        VIV_E_CORRUPT,
        "the saved memory range is 0x4000 bytes at 0x0, the machine's 0x3000 bytes at 0x0");
    add_range(UINT64_MAX, 2);
    expect_memory(VIV_E_CORRUPT, "too large");
    add_range(0, UINT64_MAX);
    expect_memory(VIV_E_CORRUPT, "too large");

    add_range(0, 3 * SSM_PAGE_BYTES);
    add32(256);
    expect_memory(VIV_E_CORRUPT, "a batch of 256 pages where 3 are expected");
    add_range(0, 3 * SSM_PAGE_BYTES);
    add32(3);
    add("\0\3\0", 3);
    expect_memory(VIV_E_CORRUPT, "a page of unknown kind 3");
    /* References forwards and to oneself. */
    for (uint32_t ref = 1; ref < 3; ref++) {
        add_range(0, 3 * SSM_PAGE_BYTES);
        add32(3);
        add("\0\2\0", 3);
        add32(ref);
        expect_memory(VIV_E_CORRUPT, "which is not before it");
    }
    for (unsigned stored = 0; stored < 4; stored++) {
        static const uint32_t lengths[] = {0, 16, 4097, UINT32_MAX};
        add_range(0, 3 * SSM_PAGE_BYTES);
        add32(3);
        add("\0\1\0", 3);
        add32(lengths[stored]);
        add("0123456789abcdef", 16);
        expect_memory(VIV_E_CORRUPT, stored == 1 ? "cannot be expanded" : "is stored in");
    }
    add_range(0, 3 * SSM_PAGE_BYTES);
    add32(3);
    add("\0\1\0", 3);
    add32(SSM_PAGE_BYTES);
    expect_memory(VIV_E_EOF, "ended early");
    content_len = 0;
    expect_memory(VIV_E_EOF, "ended early");
}
END_TEST

static uint8_t *any_map(void *ctx, uint64_t gpa, uint64_t len_bytes)
{
    return gpa < 0x100000 && len_bytes <= 8 * SSM_PAGE_BYTES ? ctx : NULL;
}

/* Good contents with some bytes changed: any result, no crash. All of them in one file, a unit
 * each. */
START_TEST(mutated_contents)
{
    static const unsigned rounds = 4000;
    GRand *rand = g_rand_new_with_seed((guint32)_i);
    g_autofree uint8_t *ram = g_malloc0(8 * SSM_PAGE_BYTES);
    size_t len;
    g_free(sample(3, &len));
    SsmReader *r = NULL;
    SsmWriter *w = NULL;
    viv_stream_t *s = NULL;
    ck_assert_int_eq(ssm_reader_open(path, &r, NULL), VIV_OK);
    ssm_unit_open(r, (uint32_t)_i, &s, NULL);
    const size_t good_len = ssm_remaining(s);
    g_autofree uint8_t *good = g_malloc(good_len);
    ck_assert_int_eq(ssm_get(s, good, good_len), VIV_OK);
    ssm_reader_close(r);

    ck_assert_int_eq(ssm_writer_create(path, "machine", &w, NULL), VIV_OK);
    for (unsigned round = 0; round < rounds; round++) {
        g_autofree uint8_t *bad = g_memdup2(good, good_len);
        for (gint32 n = g_rand_int_range(rand, 1, 4); n > 0; n--)
            bad[g_rand_int_range(rand, 0, (gint32)good_len)] = (uint8_t)g_rand_int(rand);
        ssm_unit_begin(w, "x", round, 1, 0);
        ssm_put(ssm_writer_stream(w), bad, good_len - (size_t)g_rand_int_range(rand, 0, 3));
        ssm_unit_end(w);
    }
    ck_assert_int_eq(ssm_writer_commit(w, NULL), VIV_OK);
    ck_assert_int_eq(ssm_reader_open(path, &r, NULL), VIV_OK);
    for (unsigned round = 0; round < rounds; round++) {
        State state = {0};
        ck_assert_int_eq(ssm_unit_open(r, round, &s, NULL), VIV_OK);
        if (_i == 0)
            ssm_get_fields(s, state_fields, STRIDE, &state, 1);
        else
            ssm_get_memory_ranges(s, any_map, ram, 0);
        ck_assert(ssm_stream_status(s) == VIV_OK || ssm_stream_error(s)[0]);
        ck_assert_uint_le(state.flag, 1);
    }
    ssm_reader_close(r);
    g_rand_free(rand);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ssm_hostile");
    TCase *t = tcase_create("ssm_hostile");
    tcase_set_timeout(t, 100);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, cut_at_every_length);
    tcase_add_test(t, every_bit_flipped);
    tcase_add_test(t, bytes_added_and_removed);
    tcase_add_test(t, spliced);
    tcase_add_test(t, foreign);
    tcase_add_test(t, right_checksums);
    tcase_add_test(t, changed_while_open);
    tcase_add_test(t, bad_fields);
    tcase_add_test(t, bad_memory);
    tcase_add_loop_test(t, mutated_contents, 0, 2);
    suite_add_tcase(s, t);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
