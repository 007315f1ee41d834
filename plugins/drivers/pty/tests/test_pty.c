/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pty: users come and go; nobody hears what is said meanwhile. */
#include "../../charfd/tests/fake_port.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

static char folder[] = "/tmp/viv-pty-XXXXXX", link_path[64], options[128];

static void setup(void)
{
    strcpy(folder, "/tmp/viv-pty-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(link_path, sizeof(link_path), "%s/console", folder);
    snprintf(options, sizeof(options), "LinkPath=%s", link_path);
}

static void teardown(void)
{
    harness_free(h);
    h = NULL;
    unlink(link_path);
    rmdir(folder);
}

static int user(void)
{
    int fd = open(link_path, O_RDWR | O_NOCTTY | O_NONBLOCK);
    ck_assert_int_ge(fd, 0);
    port_pump();
    return fd;
}

static void hears(int fd, const char *want)
{
    char buf[64] = "";
    ssize_t n = read(fd, buf, sizeof(buf) - 1);
    ck_assert_int_eq(n < 0 ? 0 : n, strlen(want));
    ck_assert_str_eq(buf, want);
}

START_TEST(talks_to_one_user_after_the_other)
{
    port_start("PTY", options);
    port_pump();
    ck_assert_uint_eq(harness_pump(h, 0), 0); /* a hang-up is not polled for */
    ck_assert_uint_eq(port_write("lost", 4), 4);
    int fd = user();
    hears(fd, "");
    ck_assert_uint_eq(port_write("hello", 5), 5);
    hears(fd, "hello");
    ck_assert_int_eq(write(fd, "hi\003\n", 4), 4);
    port_pump();
    ck_assert_str_eq(port.got, "hi\003\n");
    struct termios t;
    tcgetattr(fd, &t);
    ck_assert(!(t.c_lflag & (ICANON | ECHO)));
    close(fd);
    port_pump();
    ck_assert_uint_eq(harness_pump(h, 0), 0);
    ck_assert_uint_eq(port_write("lost", 4), 4);
    port_pump();
    fd = user();
    hears(fd, "");
    port_write("again", 5);
    hears(fd, "again");
    close(fd);
}
END_TEST

START_TEST(a_user_who_does_not_read)
{
    static char block[4096];
    port_start("PTY", options);
    int fd = user();
    unsigned i;
    for (i = 0; i < 1000 && port_write(block, sizeof(block)) == sizeof(block); i++)
        ;
    ck_assert_uint_lt(i, 1000);
    ck_assert_uint_eq(port_write("x", 1), 0);
    close(fd);
    port_pump();
    ck_assert_uint_eq(port.ready, 1); /* gone: the rest is dropped */
    ck_assert_uint_eq(port_write("x", 1), 1);
}
END_TEST

START_TEST(the_link)
{
    struct stat st;
    ck_assert_int_eq(symlink("/nowhere", link_path), 0);
    port_start("PTY", options);
    ck_assert_int_eq(stat(link_path, &st), 0);
    ck_assert(S_ISCHR(st.st_mode));
    harness_free(h);
    h = NULL;
    ck_assert_int_ne(lstat(link_path, &st), 0);
    close(open(link_path, O_CREAT | O_WRONLY, 0600));
    ck_assert_int_eq(port_try("PTY", options), VIV_E_EXISTS);
    harness_free(h);
    h = NULL;
    ck_assert_int_eq(lstat(link_path, &st), 0); /* a file is not ours to remove */
    ck_assert_uint_ge(harness_construct_failures_with(port_above, "PTY", ""), 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pty");
    TCase *tc = tcase_create("pty");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, talks_to_one_user_after_the_other);
    tcase_add_test(tc, a_user_who_does_not_read);
    tcase_add_test(tc, the_link);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
