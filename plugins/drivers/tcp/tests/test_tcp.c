/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* tcp: as server and as client on the loopback: who comes, who goes, who is not there yet. */
#include "../../charfd/tests/fake_port.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static char options[128];

static void teardown(void)
{
    harness_free(h);
    h = NULL;
}

/* A listening socket on a port of the system's choice. */
static int serve(uint16_t *ret_port, uint16_t wanted)
{
    static const int one = 1;
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons(wanted),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    ck_assert_int_eq(listen(fd, 4), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    *ret_port = ntohs(a.sin_port);
    return fd;
}

/* A port that nobody has at the moment. */
static uint16_t free_port(void)
{
    uint16_t number;
    close(serve(&number, 0));
    return number;
}

/* Runs the I/O thread until the condition holds or ten seconds are over. */
#define PUMP_UNTIL(condition)                                                                      \
    do {                                                                                           \
        time_t end_ = time(NULL) + 10;                                                             \
        int met_;                                                                                  \
        while (!(met_ = (condition)) && time(NULL) < end_)                                         \
            harness_pump(h, 20);                                                                   \
        ck_assert_msg(met_, "%s does not come true", #condition);                                  \
    } while (0)

static int dial(uint16_t number)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons(number),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    return fd;
}

static void hears(int fd, const char *want)
{
    char buf[64] = "";
    ck_assert_int_eq(recv(fd, buf, strlen(want), MSG_WAITALL), strlen(want));
    ck_assert_str_eq(buf, want);
}

static void start_server(uint16_t *ret_port)
{
    viv_status_t st = VIV_E_EXISTS;
    for (unsigned i = 0; i < 20 && st == VIV_E_EXISTS; i++) { /* another process may be faster */
        *ret_port = free_port();
        snprintf(options, sizeof(options), "Location=%u", *ret_port);
        if (h)
            harness_free(h);
        st = port_try("TCP", options);
    }
    ck_assert_msg(st == VIV_OK, "%s", harness_error());
}

START_TEST(server_talks_to_one_client_after_the_other)
{
    uint16_t number;
    start_server(&number);
    ck_assert_uint_eq(port_write("lost", 4), 4);
    port_pump();
    int one = dial(number), two = dial(number);
    ck_assert_int_eq(send(one, "abc", 3, 0), 3);
    PUMP_UNTIL(port.len == 3);
    ck_assert_uint_eq(port_write("first", 5), 5);
    hears(one, "first");
    ck_assert_int_eq(send(two, "def", 3, 0), 3);
    port_pump();
    ck_assert_str_eq(port.got, "abc");
    close(one);
    PUMP_UNTIL(port.len == 6);
    ck_assert_str_eq(port.got, "abcdef");
    port_write("second", 6);
    hears(two, "second");
    close(two);
}
END_TEST

START_TEST(server_that_nobody_reads)
{
    static char block[4096];
    uint16_t number;
    start_server(&number);
    int fd = dial(number);
    ck_assert_int_eq(send(fd, "x", 1, 0), 1);
    PUMP_UNTIL(port.len == 1);
    unsigned i;
    for (i = 0; i < 20000 && port_write(block, sizeof(block)) == sizeof(block); i++)
        ;
    ck_assert_uint_lt(i, 20000);
    ck_assert_uint_eq(port.ready, 0);
    close(fd);
    PUMP_UNTIL(port.ready == 1);
    ck_assert_uint_eq(port_write("x", 1), 1);
}
END_TEST

START_TEST(client_waits_for_its_server_and_comes_back)
{
    uint16_t number = free_port();
    snprintf(options, sizeof(options), "Location=localhost:%u,IsServer=0,Retry=10", number);
    port_start("TCP", options);
    port_pump();
    ck_assert_uint_eq(port_write("lost", 4), 4);
    uint16_t same;
    int server = serve(&same, number), peer = -1;
    PUMP_UNTIL((peer = accept(server, NULL, NULL)) >= 0);
    char byte;
    PUMP_UNTIL((port_write("h", 1), recv(peer, &byte, 1, MSG_DONTWAIT) == 1));
    ck_assert_int_eq(byte, 'h');
    ck_assert_int_eq(send(peer, "hi", 2, 0), 2);
    PUMP_UNTIL(port.len == 2);
    close(peer);
    PUMP_UNTIL((peer = accept(server, NULL, NULL)) >= 0); /* without a word of the guest's */
    ck_assert_int_eq(send(peer, "again", 5, 0), 5);
    PUMP_UNTIL(port.len == 7);
    ck_assert_str_eq(port.got, "hiagain");
    close(peer);
    close(server);
}
END_TEST

START_TEST(what_is_refused)
{
    static const char *const bad[] = {"",
                                      "Location=",
                                      "Location=host",
                                      "Location=:0",
                                      "Location=1.2.3.4:65536",
                                      "Location=[::1:80",
                                      "Location=80x",
                                      "Location=80,IsServer=0"};
    uint16_t number;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_int_eq(port_try("TCP", bad[i]), VIV_E_CONFIG);
        harness_free(h);
        h = NULL;
    }
    int other = serve(&number, 0);
    snprintf(options, sizeof(options), "Location=127.0.0.1:%u", number);
    ck_assert_int_eq(port_try("TCP", options), VIV_E_EXISTS);
    harness_free(h);
    h = NULL;
    snprintf(options, sizeof(options), "Location=127.0.0.1:%u,IsServer=0", number);
    ck_assert_uint_ge(harness_construct_failures_with(port_above, "TCP", options), 3);
    close(other);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tcp");
    TCase *tc = tcase_create("tcp");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, NULL, teardown);
    tcase_add_test(tc, server_talks_to_one_client_after_the_other);
    tcase_add_test(tc, server_that_nobody_reads);
    tcase_add_test(tc, client_waits_for_its_server_and_comes_back);
    tcase_add_test(tc, what_is_refused);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
