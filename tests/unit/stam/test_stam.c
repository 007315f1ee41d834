/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* stam: registering, reading, listing and taking out counters. */
#include <check.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "stam/stam.h"

static Stam *stam;

static void setup(void)
{
    stam = stam_new();
}

static void teardown(void)
{
    stam_free(stam);
}

static char *dump(void (*fn)(Stam *, FILE *, const char *), const char *pattern)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    fn(stam, out, pattern);
    fclose(out);
    return text;
}

START_TEST(counters)
{
    uint64_t *a = stam_counter(stam, "Engine/interp/CPU0/Blocks", "blocks", "blocks decoded");
    ck_assert_ptr_nonnull(a);
    ck_assert_uint_eq(*a, 0);
    *a = 7;
    ck_assert_ptr_eq(stam_counter(stam, "Engine/interp/CPU0/Blocks", "blocks", ""), a);
    uint64_t value = 0;
    ck_assert(stam_read(stam, "Engine/interp/CPU0/Blocks", &value));
    ck_assert_uint_eq(value, 7);
    ck_assert(!stam_read(stam, "Engine/interp/CPU0", &value));

    uint64_t mine = 5;
    ck_assert_int_eq(stam_register(stam, "Devices/pit/0/Irqs", &mine, "irqs", NULL), VIV_OK);
    ck_assert_int_eq(stam_register(stam, "Devices/pit/0/Irqs", &mine, "irqs", NULL), VIV_E_EXISTS);
    /* Somebody else's counter is not handed out for writing. */
    ck_assert_ptr_null(stam_counter(stam, "Devices/pit/0/Irqs", NULL, NULL));
    mine++;
    ck_assert(stam_read(stam, "Devices/pit/0/Irqs", &value));
    ck_assert_uint_eq(value, 6);
}
END_TEST

START_TEST(bad_paths)
{
    char long_path[STAM_PATH_MAX + 2];
    memset(long_path, 'x', sizeof(long_path) - 1);
    long_path[sizeof(long_path) - 1] = '\0';
    const char *bad[] = {"", "/a", "a/", "a//b", "a\nb", "\xff", long_path};
    uint64_t value = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        ck_assert_ptr_null(stam_counter(stam, bad[i], NULL, NULL));
        ck_assert_int_eq(stam_register(stam, bad[i], &value, NULL, NULL), VIV_E_INVALID);
    }
    /* Statistics are off. */
    ck_assert_ptr_null(stam_counter(NULL, "a", NULL, NULL));
    ck_assert_int_eq(stam_register(NULL, "a", &value, NULL, NULL), VIV_OK);
    ck_assert_uint_eq(stam_unregister(NULL, "a"), 0);
    stam_free(NULL);
}
END_TEST

START_TEST(unregister_by_prefix)
{
    static const char *const paths[] = {"Devices/pit", "Devices/pit/0/a", "Devices/pit/1",
                                        "Devices/pit2/0", "Devices"};
    for (size_t i = 0; i < G_N_ELEMENTS(paths); i++)
        ck_assert_ptr_nonnull(stam_counter(stam, paths[i], NULL, NULL));
    ck_assert_uint_eq(stam_unregister(stam, "Devices/pit"), 3);
    uint64_t value;
    ck_assert(!stam_read(stam, "Devices/pit/0/a", &value));
    ck_assert(stam_read(stam, "Devices/pit2/0", &value));
    ck_assert(stam_read(stam, "Devices", &value));
    ck_assert_uint_eq(stam_unregister(stam, "Devices/pit"), 0);
    ck_assert_uint_eq(stam_unregister(stam, "Devices"), 2);
}
END_TEST

static uint64_t read_ctx(void *ctx)
{
    return *(uint64_t *)ctx * 2;
}

START_TEST(listing_is_sorted)
{
    uint64_t twenty = 20;
    *stam_counter(stam, "CPU/10/Exits", "exits", "times run() came back") = 123456;
    *stam_counter(stam, "CPU/2/Exits", "exits", "times run() came back") = 5;
    *stam_counter(stam, "CPU/2", "", "") = 1;
    *stam_counter(stam, "CPU-x", "", "") = 2;
    ck_assert_int_eq(stam_register_fn(stam, "TM/Now", read_ctx, &twenty, "ns", "clock"), VIV_OK);
    char *text = dump(stam_dump, NULL);
    ck_assert_str_eq(text, "CPU/2              1\n"
                           "CPU/2/Exits        5 exits     times run() came back\n"
                           "CPU/10/Exits  123456 exits     times run() came back\n"
                           "CPU-x              2\n"
                           "TM/Now            40 ns        clock\n");
    free(text);
    text = dump(stam_dump, "CPU/2*|TM/*");
    ck_assert_str_eq(text, "CPU/2         1\n"
                           "CPU/2/Exits   5 exits     times run() came back\n"
                           "TM/Now       40 ns        clock\n");
    free(text);
    text = dump(stam_dump, "nothing");
    ck_assert_str_eq(text, "");
    free(text);
}
END_TEST

START_TEST(listing_json)
{
    *stam_counter(stam, "a/\"b\\", "u\tnit", NULL) = UINT64_MAX;
    *stam_counter(stam, "c", NULL, NULL) = 0;
    char *text = dump(stam_dump_json, NULL);
    ck_assert_str_eq(text, "{\n"
                           "  \"a/\\\"b\\\\\": {\"value\": 18446744073709551615, \"unit\": "
                           "\"u\\u0009nit\", \"help\": \"\"},\n"
                           "  \"c\": {\"value\": 0, \"unit\": \"\", \"help\": \"\"}\n"
                           "}\n");
    free(text);
    text = dump(stam_dump_json, "x");
    ck_assert_str_eq(text, "{}\n");
    free(text);
}
END_TEST

START_TEST(reset)
{
    uint64_t mine = 5;
    uint64_t value;
    uint64_t *own = stam_counter(stam, "a/own", NULL, NULL);
    stam_register(stam, "b/mine", &mine, NULL, NULL);
    stam_register_fn(stam, "b/fn", read_ctx, &mine, NULL, NULL);
    *own = 10;
    stam_reset(stam, "b/*");
    *own += 1;
    mine += 2;
    ck_assert(stam_read(stam, "a/own", &value));
    ck_assert_uint_eq(value, 11);
    ck_assert(stam_read(stam, "b/mine", &value));
    ck_assert_uint_eq(value, 2);
    ck_assert_uint_eq(mine, 7); /* the owner's own is untouched */
    ck_assert(stam_read(stam, "b/fn", &value));
    ck_assert_uint_eq(value, 14);
    stam_reset(stam, NULL);
    ck_assert(stam_read(stam, "a/own", &value));
    ck_assert_uint_eq(value, 0);
}
END_TEST

#define THREADS 4

static gpointer hammer(gpointer data)
{
    const int me = GPOINTER_TO_INT(data);
    for (int i = 0; i < 500; i++) {
        g_autofree char *path = g_strdup_printf("T%d/%d", me, i % 20);
        g_autofree char *prefix = g_strdup_printf("T%d", me);
        uint64_t *counter = stam_counter(stam, path, NULL, NULL);
        *counter += 1;
        free(dump(stam_dump_json, prefix));
        if (i % 50 == 49)
            stam_unregister(stam, prefix);
    }
    return NULL;
}

START_TEST(threads)
{
    GThread *list[THREADS];
    for (int i = 0; i < THREADS; i++)
        list[i] = g_thread_new("hammer", hammer, GINT_TO_POINTER(i));
    for (int i = 0; i < THREADS; i++)
        g_thread_join(list[i]);
    char *text = dump(stam_dump, NULL);
    ck_assert_str_eq(text, "");
    free(text);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("stam");
    TCase *t = tcase_create("stam");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 30);
    tcase_add_test(t, counters);
    tcase_add_test(t, bad_paths);
    tcase_add_test(t, unregister_by_prefix);
    tcase_add_test(t, listing_is_sorted);
    tcase_add_test(t, listing_json);
    tcase_add_test(t, reset);
    tcase_add_test(t, threads);
    suite_add_tcase(s, t);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
