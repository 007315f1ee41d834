/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* log and error: levels by group, lists, limits, destinations; sentences on their way up. */
#include <check.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log/error.h"
#include "log/log.h"

static GString *lines;
static unsigned line_count;

static void sink(void *ctx, uint32_t level, const char *group, const char *line, size_t len)
{
    (void)level;
    (void)group;
    ck_assert_ptr_eq(ctx, &line_count);
    ck_assert_uint_eq(strlen(line), len);
    ck_assert_int_eq(line[len - 1], '\n');
    /* Without the time in front. */
    const char *text = strchr(line, ']');
    ck_assert_ptr_nonnull(text);
    g_string_append(lines, text + 2);
    line_count++;
}

static void setup(void)
{
    lines = g_string_new(NULL);
    line_count = 0;
    g_unsetenv("VIV_LOG");
    g_unsetenv("VIV_LOG_DEST");
    log_reset();
    log_set_sink(sink, &line_count);
}

static void teardown(void)
{
    log_set_sink(NULL, NULL);
    g_string_free(lines, TRUE);
}

START_TEST(levels)
{
    LogGroup *pdm = log_group("pdm");
    ck_assert_ptr_eq(log_group("pdm"), pdm);
    log_write(pdm, VIV_LOG_INFO, "not %s", "seen");
    log_write(pdm, VIV_LOG_WARN, "seen %d\n", 1);
    viv_log("pgm", VIV_LOG_ERROR, "seen %d", 2);
    viv_log("pgm", VIV_LOG_DEBUG, "not seen");
    ck_assert_str_eq(lines->str, "pdm: warning: seen 1\npgm: error: seen 2\n");
    ck_assert(log_enabled(pdm, VIV_LOG_WARN) && !log_enabled(pdm, VIV_LOG_INFO));

    ck_assert_int_eq(log_configure("pdm=debug, p?m=info ,iom=trace,i8254=error", NULL), VIV_OK);
    ck_assert(log_enabled(pdm, VIV_LOG_INFO) &&
              !log_enabled(pdm, VIV_LOG_DEBUG));             /* the last match wins */
    ck_assert(log_enabled(log_group("iom"), VIV_LOG_TRACE)); /* made after the rule */
    ck_assert(!log_enabled(log_group("i8254"), VIV_LOG_WARN));
    ck_assert(!log_enabled(log_group("tm"), VIV_LOG_INFO));
    ck_assert_int_eq(log_configure("all=info", NULL), VIV_OK);
    ck_assert(log_enabled(log_group("tm"), VIV_LOG_INFO));
    ck_assert(!log_enabled(log_group("iom"), VIV_LOG_DEBUG));
    ck_assert_int_eq(log_configure("debug", NULL), VIV_OK);
    ck_assert(log_enabled(log_group("iom"), VIV_LOG_DEBUG));
    ck_assert_str_eq(log_level_name(VIV_LOG_TRACE), "trace");
    ck_assert_str_eq(log_level_name(99), "trace");
}
END_TEST

START_TEST(bad_lists)
{
    static const char *const bad[] = {
        "pdm=loud",         "loud",          "=info", "pdm=", "rate=x", "rate=-1",
        "rate=99999999999", "pgm=debug,oops"};
    LogGroup *pgm = log_group("pgm");
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        VivError err = VIV_ERROR_INIT;
        ck_assert_int_eq(log_configure(bad[i], &err), VIV_E_INVALID);
        ck_assert_ptr_nonnull(strstr(err.text, "log list"));
        error_clear(&err);
    }
    ck_assert(!log_enabled(pgm, VIV_LOG_DEBUG)); /* nothing of a bad list counts */
    ck_assert_int_eq(log_configure("", NULL), VIV_OK);
    ck_assert_int_eq(log_configure(",,", NULL), VIV_OK);
    viv_status_t st = VIV_OK;
    for (unsigned i = 0; i < 300 && st == VIV_OK; i++)
        st = log_configure("x=info", NULL);
    ck_assert_int_eq(st, VIV_E_FULL);
}
END_TEST

START_TEST(text_is_tamed)
{
    viv_log("g", VIV_LOG_ERROR, "a\033[31mb\r\nfake: line\n\n");
    ck_assert_str_eq(lines->str, "g: error: a?[31mb?\n    fake: line\n");
    g_string_truncate(lines, 0);
    g_autofree char *longer = g_strnfill(5000, 'x');
    viv_log("g", VIV_LOG_ERROR, "%s", longer);
    ck_assert_uint_eq(lines->len, strlen("g: error: ") + 5000 + 1);
}
END_TEST

START_TEST(trace_is_limited)
{
    LogGroup *g = log_group("noisy");
    LogGroup *other = log_group("other");
    ck_assert_int_eq(log_configure("noisy=trace,other=trace,rate=5", NULL), VIV_OK);
    for (unsigned i = 0; i < 1000; i++)
        log_write(g, VIV_LOG_TRACE, "%u", i);
    log_write(other, VIV_LOG_TRACE, "has a rate of its own");
    /* A second may have begun in between. */
    ck_assert_uint_ge(line_count, 6);
    ck_assert_uint_le(line_count, 20);
    line_count = 0;
    for (unsigned i = 0; i < 50; i++)
        log_write(g, VIV_LOG_DEBUG, "%u", i);
    ck_assert_uint_eq(line_count, 50); /* what we say ourselves is not */
    line_count = 0;
    for (unsigned i = 0; i < 1000; i++)
        log_write_limited(other, VIV_LOG_WARN, "%u", i);
    ck_assert_uint_le(line_count, 20);
    ck_assert_int_eq(log_configure("rate=0", NULL), VIV_OK);
    line_count = 0;
    for (unsigned i = 0; i < 1000; i++)
        log_write(g, VIV_LOG_TRACE, "%u", i);
    ck_assert_uint_eq(line_count, 1000);
}
END_TEST

START_TEST(environment)
{
    g_autofree char *folder = g_dir_make_tmp("viv-log-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "log.txt", NULL);
    g_autofree char *dest = g_strconcat("file:", path, NULL);
    g_setenv("VIV_LOG", "pdm=trace", TRUE);
    g_setenv("VIV_LOG_DEST", dest, TRUE);
    LogGroup *before = log_group("pdm");
    log_reset();
    ck_assert(log_enabled(before, VIV_LOG_TRACE)); /* pointers from before stay good */
    log_write(before, VIV_LOG_TRACE, "to the file");
    g_setenv("VIV_LOG", "nonsense", TRUE);
    log_reset();
    g_autofree char *text = NULL;
    ck_assert(g_file_get_contents(path, &text, NULL, NULL));
    ck_assert_ptr_nonnull(strstr(text, "pdm: trace: to the file\n"));
    ck_assert_ptr_nonnull(strstr(text, "VIV_LOG: log list: 'nonsense'"));
    VivError err = VIV_ERROR_INIT;
    ck_assert_int_eq(log_set_destination("file:/nonexistent/x", &err), VIV_E_IO);
    ck_assert_int_eq(log_set_destination("paper", &err), VIV_E_INVALID);
    ck_assert_int_eq(log_set_destination("stderr", &err), VIV_OK);
    error_clear(&err);
    g_unlink(path);
    g_rmdir(folder);
}
END_TEST

static gpointer talk(gpointer data)
{
    for (unsigned i = 0; i < 200; i++) {
        g_autofree char *name = g_strdup_printf("t%u", i % 10);
        viv_log(name, VIV_LOG_WARN, "%d %u", GPOINTER_TO_INT(data), i);
    }
    return NULL;
}

START_TEST(threads)
{
    GThread *list[4];
    for (int i = 0; i < 4; i++)
        list[i] = g_thread_new("talk", talk, GINT_TO_POINTER(i));
    for (int i = 0; i < 4; i++)
        g_thread_join(list[i]);
    ck_assert_uint_eq(line_count, 800);
}
END_TEST

static viv_status_t deep(VivError *err)
{
    return error_set(err, VIV_E_CORRUPT, "byte %d is bad", 7);
}

static viv_status_t shallow(VivError *err)
{
    const viv_status_t st = deep(err);
    if (st != VIV_OK) {
        error_prefix(err, "file '%s'", "x");
        return st;
    }
    return VIV_OK;
}

START_TEST(errors)
{
    VivError err = VIV_ERROR_INIT;
    ck_assert_int_eq(shallow(&err), VIV_E_CORRUPT);
    ck_assert_int_eq(err.status, VIV_E_CORRUPT);
    ck_assert_str_eq(error_text(&err), "file 'x': byte 7 is bad");
    ck_assert_int_eq(shallow(NULL), VIV_E_CORRUPT);
    ck_assert_int_eq(error_set(&err, VIV_E_IO, "%s, again", err.text), VIV_E_IO);
    ck_assert_str_eq(err.text, "file 'x': byte 7 is bad, again");
    VivError other = VIV_ERROR_INIT;
    ck_assert_int_eq(error_move(&other, &err), VIV_E_IO);
    ck_assert_ptr_null(err.text);
    ck_assert_int_eq(err.status, VIV_OK);
    ck_assert_int_eq(error_prefix(&err, "nothing to prefix"), VIV_OK);
    ck_assert_ptr_null(err.text);
    ck_assert_int_eq(error_move(NULL, &other), VIV_E_IO);
    ck_assert_ptr_null(other.text);
    err.status = VIV_E_FULL;
    ck_assert_str_eq(error_text(&err), "no room");
    error_clear(&err);
    error_clear(&err);
    error_clear(NULL);
}
END_TEST

START_TEST(status_names)
{
    ck_assert_str_eq(viv_status_name(VIV_OK), "VIV_OK");
    ck_assert_str_eq(viv_status_name(VIV_E_CONFIG), "VIV_E_CONFIG");
    ck_assert_str_eq(viv_status_name(12345), "VIV_E_?");
    for (viv_status_t st = VIV_E_FAILED; st >= VIV_E_CONFIG; st--)
        ck_assert_str_ne(viv_status_name(st), "VIV_E_?");
    ck_assert_str_eq(viv_status_text(VIV_E_NOT_FOUND), "not found");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("log");
    TCase *t = tcase_create("log");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 30);
    tcase_add_test(t, levels);
    tcase_add_test(t, bad_lists);
    tcase_add_test(t, text_is_tamed);
    tcase_add_test(t, trace_is_limited);
    tcase_add_test(t, environment);
    tcase_add_test(t, threads);
    tcase_add_test(t, errors);
    tcase_add_test(t, status_names);
    suite_add_tcase(s, t);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
