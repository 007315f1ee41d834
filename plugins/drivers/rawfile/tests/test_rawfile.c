/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rawfile: output, input, appending, trouble. */
#include "../../charfd/tests/fake_port.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/viv-rawfile-XXXXXX", out_path[64], in_path[64], options[256];

static void setup(void)
{
    strcpy(folder, "/tmp/viv-rawfile-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(out_path, sizeof(out_path), "%s/out", folder);
    snprintf(in_path, sizeof(in_path), "%s/in", folder);
}

static void teardown(void)
{
    harness_free(h);
    h = NULL;
    unlink(out_path);
    unlink(in_path);
    rmdir(folder);
}

static void put(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

static void check_file(const char *path, const char *want)
{
    char buf[256] = "";
    FILE *f = fopen(path, "r");
    ck_assert_ptr_nonnull(f);
    buf[fread(buf, 1, sizeof(buf) - 1, f)] = 0;
    fclose(f);
    ck_assert_str_eq(buf, want);
}

START_TEST(output_and_input)
{
    put(out_path, "old contents");
    put(in_path, "typed");
    snprintf(options, sizeof(options), "Location=%s,InputLocation=%s", out_path, in_path);
    port_start("RawFile", options);
    ck_assert_uint_eq(port_write("new", 3), 3);
    check_file(out_path, "new"); /* at once */
    port_pump();
    ck_assert_str_eq(port.got, "typed");
    ck_assert_uint_eq(port_write("er", 2), 2);
    check_file(out_path, "newer");
}
END_TEST

START_TEST(append)
{
    put(out_path, "old ");
    snprintf(options, sizeof(options), "Location=%s,Append=1", out_path);
    port_start("RawFile", options);
    port_write("new", 3);
    check_file(out_path, "old new");
}
END_TEST

START_TEST(trouble)
{
    ck_assert_int_eq(port_try("RawFile", ""), VIV_E_CONFIG);
    harness_free(h);
    ck_assert_int_eq(port_try("RawFile", "Location=/nonexistent/file"), VIV_E_IO);
    ck_assert_ptr_nonnull(strstr(harness_error(), "/nonexistent/file"));
    harness_free(h);
    snprintf(options, sizeof(options), "Location=%s,InputLocation=%s", out_path, in_path);
    ck_assert_int_eq(port_try("RawFile", options), VIV_E_IO);
    harness_free(h);
    /* a full disk loses the output, not the machine */
    port_start("RawFile", "Location=/dev/full");
    ck_assert_uint_eq(port_write("abc", 3), 3);
    port_pump();
    ck_assert_uint_eq(port_write("abc", 3), 3);
    harness_free(h);
    snprintf(options, sizeof(options), "Location=%s", out_path);
    ck_assert_uint_ge(harness_construct_failures_with(port_above, "RawFile", options), 2);
    h = NULL;
}
END_TEST

START_TEST(named_pipe_needs_a_reader)
{
    ck_assert_int_eq(mkfifo(out_path, 0600), 0);
    snprintf(options, sizeof(options), "Location=%s", out_path);
    ck_assert_int_eq(port_try("RawFile", options), VIV_E_IO);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rawfile");
    TCase *tc = tcase_create("rawfile");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, output_and_input);
    tcase_add_test(tc, append);
    tcase_add_test(tc, trouble);
    tcase_add_test(tc, named_pipe_needs_a_reader);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
