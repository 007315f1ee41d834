/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* namedpipe: as server and as client, who comes, who goes, and what is left behind. */
#include "../../charfd/tests/fake_port.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char folder[] = "/tmp/viv-pipe-XXXXXX", path[64], options[128];

static void setup(void)
{
    strcpy(folder, "/tmp/viv-pipe-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/com1", folder);
    snprintf(options, sizeof(options), "Location=%s", path);
}

static void teardown(void)
{
    harness_free(h);
    h = NULL;
    unlink(path);
    rmdir(folder);
}

static struct sockaddr_un address(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    strcpy(a.sun_path, path);
    return a;
}

static int dial(void)
{
    struct sockaddr_un a = address();
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    port_pump();
    return fd;
}

static int serve(void)
{
    struct sockaddr_un a = address();
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    ck_assert_int_eq(listen(fd, 1), 0);
    return fd;
}

static void hears(int fd, const char *want)
{
    char buf[64] = "";
    ssize_t n = recv(fd, buf, sizeof(buf) - 1, 0);
    ck_assert_int_eq(n < 0 ? 0 : n, strlen(want));
    ck_assert_str_eq(buf, want);
}

START_TEST(clients_one_at_a_time)
{
    port_start("NamedPipe", options);
    ck_assert_uint_eq(port_write("lost", 4), 4);
    port_pump();
    int one = dial(), two = dial();
    port_write("first", 5);
    hears(one, "first");
    hears(two, "");
    ck_assert_int_eq(send(one, "abc", 3, 0), 3);
    ck_assert_int_eq(send(two, "def", 3, 0), 3);
    port_pump();
    ck_assert_str_eq(port.got, "abc");
    close(one);
    port_pump();
    ck_assert_str_eq(port.got, "abcdef"); /* the second one's turn */
    port_write("second", 6);
    hears(two, "second");
    close(two);
    port_pump();
    ck_assert_uint_eq(port_write("lost", 4), 4);
    int three = dial();
    port_write("third", 5);
    hears(three, "third");
    close(three);
}
END_TEST

START_TEST(a_client_who_does_not_read_and_leaves)
{
    static char block[4096];
    port_start("NamedPipe", options);
    int fd = dial();
    unsigned i;
    for (i = 0; i < 2000 && port_write(block, sizeof(block)) == sizeof(block); i++)
        ;
    ck_assert_uint_lt(i, 2000);
    port.room = 0;
    ck_assert_int_eq(send(fd, "unread", 6, 0), 6);
    port_pump();
    close(fd);
    port_pump();
    ck_assert_uint_eq(port.ready, 1);
    ck_assert_uint_eq(port_write("x", 1), 1);
    fd = dial();
    port_input_ready(100);
    port_pump();
    port_write("y", 1);
    hears(fd, "y");
    close(fd);
}
END_TEST

START_TEST(what_is_left_behind)
{
    struct stat st;
    close(serve()); /* a dead server's socket */
    port_start("NamedPipe", options);
    close(dial());
    port_pump();
    harness_free(h);
    h = NULL;
    ck_assert_int_ne(lstat(path, &st), 0);
    int other = serve(); /* a live one */
    ck_assert_int_eq(port_try("NamedPipe", options), VIV_E_EXISTS);
    harness_free(h);
    h = NULL;
    ck_assert_int_eq(lstat(path, &st), 0);
    close(other);
    unlink(path);
    close(open(path, O_CREAT | O_WRONLY, 0600));
    ck_assert_int_eq(port_try("NamedPipe", options), VIV_E_EXISTS);
    harness_free(h);
    unlink(path);
    ck_assert_int_eq(port_try("NamedPipe", ""), VIV_E_CONFIG);
    harness_free(h);
    h = NULL;
    ck_assert_uint_ge(harness_construct_failures_with(port_above, "NamedPipe", options), 3);
    ck_assert_int_ne(lstat(path, &st), 0);
}
END_TEST

START_TEST(client_that_calls_again)
{
    char as_client[160];
    snprintf(as_client, sizeof(as_client), "Location=%s,IsServer=0", path);
    ck_assert_int_eq(port_try("NamedPipe", as_client), VIV_E_NOT_FOUND);
    harness_free(h);
    int server = serve();
    port_start("NamedPipe", as_client);
    int peer = accept4(server, NULL, NULL, SOCK_NONBLOCK);
    ck_assert_int_ge(peer, 0);
    port_write("hello", 5);
    hears(peer, "hello");
    ck_assert_int_eq(send(peer, "hi", 2, 0), 2);
    port_pump();
    ck_assert_str_eq(port.got, "hi");
    close(peer);
    port_pump();
    /* the next output makes it call again */
    ck_assert_uint_eq(port_write("lost", 4), 4);
    port_pump();
    peer = accept4(server, NULL, NULL, SOCK_NONBLOCK);
    ck_assert_int_ge(peer, 0);
    port_write("back", 4);
    hears(peer, "back");
    close(peer);
    close(server);
    unlink(path);
    port_pump();
    ck_assert_uint_eq(port_write("lost", 4), 4);
    port_pump();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("namedpipe");
    TCase *tc = tcase_create("namedpipe");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, clients_one_at_a_time);
    tcase_add_test(tc, a_client_who_does_not_read_and_leaves);
    tcase_add_test(tc, what_is_left_behind);
    tcase_add_test(tc, client_that_calls_again);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
