/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* udp: datagrams out and in, gathered, limited to the peer, lost without harm. */
#include "../../charfd/tests/fake_port.h"

#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int peer, stranger;
static char options[160];

static int bound(struct sockaddr_in *ret_address)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    *ret_address = a;
    return fd;
}

static void setup(void)
{
    struct sockaddr_in a, b;
    peer = bound(&a);
    stranger = bound(&b);
    snprintf(options, sizeof(options),
             "ServerAddress=127.0.0.1,ServerPort=%u,LocalAddress=127.0.0.1", ntohs(a.sin_port));
    port_start("UDP", options);
}

static void teardown(void)
{
    harness_free(h);
    h = NULL;
    close(peer);
    close(stranger);
}

/* The next datagram at the peer; where it came from too. */
static ssize_t datagram(char *buf, size_t size, struct sockaddr_in *ret_from)
{
    socklen_t len = sizeof(*ret_from);
    time_t end = time(NULL) + 10;
    ssize_t n = -1;
    while (n < 0 && time(NULL) < end) {
        harness_pump(h, 5);
        n = recvfrom(peer, buf, size, 0, (struct sockaddr *)ret_from, &len);
    }
    return n;
}

START_TEST(both_ways)
{
    char buf[4096];
    struct sockaddr_in device;
    ck_assert_uint_eq(port_write("a", 1), 1);
    ck_assert_uint_eq(port_write("bc", 2), 2);
    ck_assert_int_eq(datagram(buf, sizeof(buf), &device), 3); /* one for both */
    ck_assert_int_eq(memcmp(buf, "abc", 3), 0);
    /* somebody else is not heard, and an empty datagram is nothing */
    sendto(stranger, "evil", 4, 0, (struct sockaddr *)&device, sizeof(device));
    sendto(peer, "", 0, 0, (struct sockaddr *)&device, sizeof(device));
    sendto(peer, "good", 4, 0, (struct sockaddr *)&device, sizeof(device));
    for (time_t end = time(NULL) + 10; port.len < 4 && time(NULL) < end;)
        harness_pump(h, 5);
    ck_assert_str_eq(port.got, "good");
    static char block[4000];
    memset(block, 'x', sizeof(block));
    ck_assert_uint_eq(port_write(block, sizeof(block)), sizeof(block));
    ck_assert_int_eq(datagram(buf, sizeof(buf), &device), 1400);
    ck_assert_int_eq(datagram(buf, sizeof(buf), &device), 1400);
    ck_assert_int_eq(datagram(buf, sizeof(buf), &device), 1200);
}
END_TEST

START_TEST(nobody_there)
{
    struct sockaddr_in a, device;
    socklen_t len = sizeof(a);
    char buf[16];
    getsockname(peer, (struct sockaddr *)&a, &len);
    close(peer);
    for (unsigned i = 0; i < 20; i++) { /* every other send gets the previous one's refusal */
        ck_assert_uint_eq(port_write("lost", 4), 4);
        port_pump();
    }
    peer = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    ck_assert_int_eq(bind(peer, (struct sockaddr *)&a, sizeof(a)), 0);
    /* a refusal that is still on its way takes one more along */
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_uint_eq(port_write("heard", 5), 5);
        port_pump();
    }
    ck_assert_int_eq(datagram(buf, sizeof(buf), &device), 5);
    ck_assert_int_eq(memcmp(buf, "heard", 5), 0);
}
END_TEST

START_TEST(what_is_refused)
{
    teardown();
    ck_assert_int_eq(port_try("UDP", ""), VIV_E_CONFIG);
    harness_free(h);
    ck_assert_int_eq(port_try("UDP", "ServerAddress=127.0.0.1"), VIV_E_CONFIG);
    harness_free(h);
    ck_assert_int_eq(port_try("UDP", "ServerAddress=127.0.0.1,ServerPort=1,LocalAddress=::1"),
                     VIV_E_NOT_FOUND);
    harness_free(h);
    h = NULL;
    ck_assert_uint_ge(harness_construct_failures_with(port_above, "UDP", options), 3);
    setup();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("udp");
    TCase *tc = tcase_create("udp");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, both_ways);
    tcase_add_test(tc, nobody_there);
    tcase_add_test(tc, what_is_refused);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
