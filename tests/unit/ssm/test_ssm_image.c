/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ssm: memory images: what is put comes back, in few bytes, the same bytes for any number of
 * threads; passes of a live save; units that lie; info and verify. */
#include <check.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "ssm/ssm.h"
#include "ssm/ssm_image.h"

#define PAGE    SSM_PAGE_BYTES
#define BLOCKS  3u
#define PAGES_0 3000u
#define PAGES_1 700u
#define PAGES_2 1u

static char *folder;
static char *path;
static SsmBlock from[BLOCKS], to[BLOCKS];

static void setup(void)
{
    static const uint64_t pages[BLOCKS] = {PAGES_0, PAGES_1, PAGES_2};
    static const char *const names[BLOCKS] = {"ram", "vga/0 VRam", "one"};
    folder = g_dir_make_tmp("viv-image-XXXXXX", NULL);
    path = g_build_filename(folder, "state.sav", NULL);
    for (uint32_t i = 0; i < BLOCKS; i++) {
        from[i] = (SsmBlock){names[i], g_malloc0(pages[i] * PAGE), pages[i]};
        to[i] = (SsmBlock){names[i], g_malloc0(pages[i] * PAGE), pages[i]};
    }
}

static void teardown(void)
{
    for (uint32_t i = 0; i < BLOCKS; i++) {
        g_free(from[i].hva);
        g_free(to[i].hva);
    }
    g_unlink(path);
    ck_assert_int_eq(g_rmdir(folder), 0);
    g_free(path);
    g_free(folder);
}

static uint8_t *page_of(uint32_t block, uint32_t page)
{
    return from[block].hva + (size_t)page * PAGE;
}

/* Pages of all sorts: zeros, noise, text, copies near and far. */
static void fill(uint32_t seed)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
    for (uint32_t b = 0; b < BLOCKS; b++) {
        for (uint32_t p = 0; p < from[b].pages; p++) {
            uint8_t *at = page_of(b, p);
            switch (g_rand_int_range(rand, 0, 6)) {
            case 0:
                for (uint32_t i = 0; i < PAGE; i++)
                    at[i] = (uint8_t)g_rand_int(rand);
                break;
            case 1: memset(at, (int)(p & 0xff), PAGE); break;
            case 2: memcpy(at, page_of(0, p ? p / 2 : 0), PAGE); break;
            case 3: at[g_rand_int_range(rand, 0, PAGE)] = 1; break;
            default: memset(at, 0, PAGE); break;
            }
        }
    }
}

static void put(SsmWriter *w, SsmImage *image, uint32_t block, uint32_t pass, const uint8_t *dirty)
{
    ck_assert_int_eq(ssm_unit_begin(w, "pgm", block, SSM_IMAGE_VERSION, pass), VIV_OK);
    ck_assert_int_eq(ssm_image_put(image, ssm_writer_stream(w), block, dirty), VIV_OK);
    ck_assert_int_eq(ssm_unit_end(w), VIV_OK);
}

static SsmWriter *writer_new(void)
{
    SsmWriter *w = NULL;
    ck_assert_int_eq(ssm_writer_create(path, "image", &w, NULL), VIV_OK);
    return w;
}

static void save(uint32_t threads, SsmExtentFn extents)
{
    SsmWriter *w = writer_new();
    SsmImage *image = ssm_image_new(from, BLOCKS, threads, extents, NULL);
    for (uint32_t i = 0; i < BLOCKS; i++)
        put(w, image, i, SSM_PASS_FINAL, NULL);
    ssm_image_free(image);
    ck_assert_int_eq(ssm_writer_commit(w, NULL), VIV_OK);
}

static viv_status_t load(uint32_t threads, char **ret_text)
{
    SsmReader *r = NULL;
    SsmUnitInfo info;
    viv_status_t st = VIV_OK;
    ck_assert_int_eq(ssm_reader_open(path, &r, NULL), VIV_OK);
    SsmImage *image = ssm_image_new(to, BLOCKS, threads, NULL, NULL);
    for (uint32_t i = 0; st == VIV_OK && ssm_reader_unit(r, i, &info); i++) {
        viv_stream_t *s;
        ck_assert_int_eq(ssm_unit_open(r, i, &s, NULL), VIV_OK);
        st = ssm_image_get(image, s, info.instance);
        if (st == VIV_OK && info.pass == SSM_PASS_FINAL)
            st = ssm_image_complete(image, s, info.instance);
        if (st == VIV_OK)
            st = ssm_stream_expect_end(s);
        if (ret_text)
            *ret_text = g_strdup(ssm_stream_error(s));
    }
    ssm_image_free(image);
    ssm_reader_close(r);
    return st;
}

static void compare(void)
{
    for (uint32_t i = 0; i < BLOCKS; i++)
        ck_assert_int_eq(memcmp(from[i].hva, to[i].hva, from[i].pages * PAGE), 0);
}

static GBytes *file_bytes(void)
{
    char *text;
    gsize len;
    ck_assert(g_file_get_contents(path, &text, &len, NULL));
    return g_bytes_new_take(text, len);
}

START_TEST(round_trip_for_any_threads)
{
    g_autoptr(GBytes) first = NULL;
    fill(17);
    for (uint32_t threads = 1; threads <= 5; threads++) {
        save(threads, NULL);
        g_autoptr(GBytes) bytes = file_bytes();
        if (!first)
            first = g_bytes_ref(bytes);
        ck_assert_msg(g_bytes_equal(first, bytes), "%u threads give other bytes", threads);
        for (uint32_t i = 0; i < BLOCKS; i++)
            memset(to[i].hva, 0, to[i].pages * PAGE);
        ck_assert_int_eq(load(6 - threads, NULL), VIV_OK);
        compare();
    }
}
END_TEST

/* Contents only in [300, 310) and [2600, 2999). */
static bool two_stretches(void *ctx, uint32_t block, uint64_t page, uint64_t *ret_first,
                          uint64_t *ret_end)
{
    (void)ctx;
    if (block == 0 && page < 310)
        *ret_first = MAX(page, 300), *ret_end = 310;
    else if (block == 0 && page < 2999)
        *ret_first = MAX(page, 2600), *ret_end = 2999;
    else
        return false;
    return true;
}

START_TEST(holes_are_zeros)
{
    memset(page_of(0, 300), 'x', 10 * PAGE);
    for (uint32_t p = 2600; p < 2999; p++)
        memset(page_of(0, p), (int)(p % 251 + 1), PAGE - p % 100);
    save(2, NULL);
    g_autoptr(GBytes) looked = file_bytes();
    save(2, two_stretches);
    g_autoptr(GBytes) told = file_bytes();
    ck_assert(g_bytes_equal(looked, told));
    ck_assert_uint_lt(g_bytes_get_size(told), 40000);
    ck_assert_int_eq(load(1, NULL), VIV_OK);
    compare();
}
END_TEST

START_TEST(same_pages_anywhere)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(4);
    for (uint32_t i = 0; i < PAGE; i++)
        *(page_of(0, 2000) + i) = (uint8_t)g_rand_int(rand);
    for (uint32_t p = 2001; p < PAGES_0; p++)
        memcpy(page_of(0, p), page_of(0, 2000), PAGE);
    for (uint32_t p = 0; p < PAGES_1; p++)
        memcpy(page_of(1, p), page_of(0, 2000), PAGE);
    save(2, NULL);
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    ck_assert_int_eq(ssm_info(path, true, out, NULL), VIV_OK);
    fclose(out);
    ck_assert_ptr_nonnull(
        strstr(text, "\"pages\": 3000, \"zero\": 2000, \"same\": 999, \"stored\": 1,"));
    ck_assert_ptr_nonnull(
        strstr(text, "\"pages\": 700, \"zero\": 0, \"same\": 700, \"stored\": 0,"));
    free(text);
    ck_assert_int_eq(load(2, NULL), VIV_OK);
    compare();
}
END_TEST

/* What a guest does between the passes, at random: the last word of each page counts. */
START_TEST(passes)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed((guint32)_i);
    uint8_t dirty[PAGES_0 / 8 + 1];
    fill((uint32_t)_i);
    SsmWriter *w = writer_new();
    SsmImage *image = ssm_image_new(from, BLOCKS, 2, NULL, NULL);
    for (uint32_t pass = 0; pass < 6; pass++) {
        memset(dirty, 0, sizeof(dirty));
        for (int n = 0; n < 400 && pass; n++) {
            uint32_t p = (uint32_t)g_rand_int_range(rand, 0, PAGES_0);
            dirty[p / 8] = (uint8_t)(dirty[p / 8] | 1u << p % 8);
            switch (g_rand_int_range(rand, 0, 4)) {
            case 0: memset(page_of(0, p), 0, PAGE); break;
            case 1: memcpy(page_of(0, p), page_of(0, PAGES_0 - 1 - p), PAGE); break;
            case 2: memcpy(page_of(0, p), page_of(1, p % PAGES_1), PAGE); break;
            default: page_of(0, p)[5] = (uint8_t)g_rand_int(rand); break;
            }
        }
        put(w, image, 0, pass == 5 ? SSM_PASS_FINAL : pass, pass ? dirty : NULL);
    }
    put(w, image, 1, SSM_PASS_FINAL, NULL);
    put(w, image, 2, SSM_PASS_FINAL, NULL);
    ssm_image_free(image);
    ck_assert_int_eq(ssm_writer_commit(w, NULL), VIV_OK);
    ck_assert_int_eq(load(2, NULL), VIV_OK);
    compare();
}
END_TEST

START_TEST(pages_are_missing)
{
    uint8_t dirty[PAGES_0 / 8 + 1];
    g_autofree char *text = NULL;
    memset(dirty, 0xff, sizeof(dirty));
    dirty[100] = 0x7f;
    SsmWriter *w = writer_new();
    SsmImage *image = ssm_image_new(from, BLOCKS, 1, NULL, NULL);
    put(w, image, 0, SSM_PASS_FINAL, dirty);
    ssm_image_free(image);
    ck_assert_int_eq(ssm_writer_commit(w, NULL), VIV_OK);
    ck_assert_int_eq(load(1, &text), VIV_E_CORRUPT);
    ck_assert_ptr_nonnull(strstr(text, "page 807 of ram"));
}
END_TEST

/* A unit of numbers as they come, after a proper head. */
static void lying_unit(const uint32_t *numbers, uint32_t count)
{
    SsmWriter *w = writer_new();
    ck_assert_int_eq(ssm_unit_begin(w, "pgm", 0, SSM_IMAGE_VERSION, SSM_PASS_FINAL), VIV_OK);
    ssm_put_string(ssm_writer_stream(w), "ram");
    ssm_put_u64(ssm_writer_stream(w), PAGES_0);
    for (uint32_t i = 0; i < count; i++)
        ssm_put_u32(ssm_writer_stream(w), numbers[i]);
    ck_assert_int_eq(ssm_unit_end(w), VIV_OK);
    ck_assert_int_eq(ssm_writer_commit(w, NULL), VIV_OK);
}

#define DATA(n) (1u << 30 | (n))
#define SAME(n) (2u << 30 | (n))

START_TEST(units_that_lie)
{
    static const struct {
        uint32_t numbers[8];
        uint32_t count;
        const char *word;
    } lies[] = {
        {{300}, 1, "300 runs"},
        {{1, PAGES_0, 1}, 3, "run of 1 pages"},
        {{1, 0, PAGES_0 + 1}, 3, "run of 3001 pages"},
        {{1, 0xffffffff, 2}, 3, "run of 2 pages"},
        {{1, 0, 0}, 3, "run of 0 pages"},
        {{1, 0, 3u << 30 | 1}, 3, "kind 3"},
        {{2, 5, 2, 6, 1}, 5, "at page 6; possible are pages 7"},
        {{1, 0, DATA(257)}, 3, "more than 256"},
        {{1, 0, DATA(1), 4097}, 4, "4097 bytes"},
        {{1, 0, DATA(1), 0}, 4, "0 bytes"},
        {{1, 0, DATA(1), 4, 0x12345678, 0}, 6, "cannot be expanded"},
        {{1, 0, DATA(2), 100}, 4, "ended early"},
        {{1, 0, SAME(1), 0, 0, 0}, 6, "not stored"},
        {{1, 0, SAME(1), BLOCKS, 0}, 5, "not there"},
        {{1, 0, SAME(2), 2, 0}, 5, "not there"},
        {{1, 0, SAME(1), 1, 0xffffffff}, 5, "not there"},
        {{1, 0, PAGES_0}, 3, "ended early"},
    };
    for (uint32_t i = 0; i < G_N_ELEMENTS(lies); i++) {
        g_autofree char *text = NULL;
        lying_unit(lies[i].numbers, lies[i].count);
        ck_assert_int_ne(load(2, &text), VIV_OK);
        ck_assert_msg(strstr(text, lies[i].word) != NULL, "lie %u: %s", i, text);
        ck_assert_ptr_nonnull(strstr(text, path));
        ck_assert_ptr_nonnull(strstr(text, "pgm/0"));
    }
}
END_TEST

static void note_problem(void *ctx, const char *sentence)
{
    g_string_append_printf(ctx, "%s\n", sentence);
}

static void flip(uint64_t offset)
{
    char *text;
    gsize len;
    ck_assert(g_file_get_contents(path, &text, &len, NULL));
    ck_assert_uint_lt(offset, len);
    text[offset] = (char)(text[offset] ^ 0x10);
    ck_assert(g_file_set_contents(path, text, (gssize)len, NULL));
    g_free(text);
}

START_TEST(verify_finds_all)
{
    g_autoptr(GString) said = g_string_new(NULL);
    uint32_t problems = 99;
    SsmReader *r;
    SsmUnitInfo info[BLOCKS];
    fill(3);
    save(2, NULL);
    ck_assert_int_eq(ssm_verify(path, note_problem, said, &problems, NULL), VIV_OK);
    ck_assert_uint_eq(problems, 0);
    ck_assert_int_eq(ssm_reader_open(path, &r, NULL), VIV_OK);
    for (uint32_t i = 0; i < BLOCKS; i++)
        ssm_reader_unit(r, i, &info[i]);
    ssm_reader_close(r);
    ck_assert_uint_gt(info[0].len_bytes, 600000);
    flip(info[0].offset + 1000);   /* two chunks of one unit, */
    flip(info[0].offset + 600000); /* */
    flip(info[1].offset + 20);     /* the head of the next; the third is whole */
    ck_assert_int_eq(ssm_verify(path, note_problem, said, &problems, NULL), VIV_OK);
    ck_assert_msg(problems == 3, "%u problems: %s", problems, said->str);
    ck_assert_ptr_nonnull(strstr(said->str, "pgm/0"));
    ck_assert_ptr_nonnull(strstr(said->str, "wrong checksum of its head"));
    ck_assert_int_eq(ssm_verify("/nonexistent/state", note_problem, said, &problems, NULL),
                     VIV_E_NOT_FOUND);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ssm_image");
    TCase *t = tcase_create("image");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, round_trip_for_any_threads);
    tcase_add_test(t, holes_are_zeros);
    tcase_add_test(t, same_pages_anywhere);
    tcase_add_loop_test(t, passes, 0, 8);
    tcase_add_test(t, pages_are_missing);
    tcase_add_test(t, units_that_lie);
    tcase_add_test(t, verify_finds_all);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
