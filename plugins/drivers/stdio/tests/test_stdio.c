/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* stdio: on a pseudo terminal (raw mode, escape key, restoring) and on pipes and files. Each test
 * runs in a process of its own (Check's fork mode) and gives it new standard streams. */
#include "../../charfd/tests/fake_port.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static int saved_in, saved_out;

static void setup(void)
{
    saved_in = dup(0);
    saved_out = dup(1);
}

static void teardown(void)
{
    harness_free(h);
    h = NULL;
    dup2(saved_in, 0);
    dup2(saved_out, 1);
    close(saved_in);
    close(saved_out);
}

/* A new terminal as standard streams; returns its other side. */
static int on_terminal(void)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    ck_assert_int_ge(master, 0);
    ck_assert_int_eq(grantpt(master), 0);
    ck_assert_int_eq(unlockpt(master), 0);
    int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    ck_assert_int_ge(slave, 0);
    dup2(slave, 0);
    dup2(slave, 1);
    close(slave);
    return master;
}

static void say(int fd, const char *text)
{
    ck_assert_int_eq(write(fd, text, strlen(text)), strlen(text));
    port_pump();
}

static volatile sig_atomic_t terminated;

static void on_term(int number)
{
    (void)number;
    terminated = 1;
}

START_TEST(terminal_is_raw_and_comes_back)
{
    struct termios before, during, after;
    int master = on_terminal();
    tcgetattr(0, &before);
    port_start("StdIO", "");
    tcgetattr(0, &during);
    ck_assert(!(during.c_lflag & (ICANON | ECHO | ISIG)));
    ck_assert_uint_eq(during.c_oflag, before.c_oflag);
    say(master, "a\003b");
    ck_assert_str_eq(port.got, "a\003b");
    char buf[16] = "";
    ck_assert_uint_eq(port_write("hello", 5), 5);
    ck_assert_int_eq(read(master, buf, sizeof(buf)), 5);
    ck_assert_str_eq(buf, "hello");
    ck_assert(!(fcntl(0, F_GETFL) & O_NONBLOCK)); /* others share it */
    harness_free(h);
    h = NULL;
    tcgetattr(0, &after);
    ck_assert_uint_eq(after.c_lflag, before.c_lflag);
    ck_assert_uint_eq(after.c_iflag, before.c_iflag);
}
END_TEST

START_TEST(escape_key)
{
    int master = on_terminal();
    signal(SIGTERM, on_term);
    port_start("StdIO", "");
    say(master, "1\001\0012");
    ck_assert_str_eq(port.got, "1\0012");
    say(master, "\001");
    say(master, "b");
    ck_assert_uint_eq(port.breaks, 1);
    say(master, "\001zx"); /* an unknown command is eaten, the rest is input */
    ck_assert_str_eq(port.got, "1\0012x");
    say(master, "\001?");
    char buf[512];
    ssize_t n = read(master, buf, sizeof(buf) - 1);
    ck_assert_int_gt(n, 0);
    buf[n] = 0;
    ck_assert_ptr_nonnull(strstr(buf, "escape key"));
    ck_assert_int_eq(terminated, 0);
    say(master, "\001x");
    ck_assert_int_eq(terminated, 1);
}
END_TEST

START_TEST(other_escape_keys)
{
    int master = on_terminal();
    port_start("StdIO", "EscapeKey=29");
    say(master, "\001\035b\035\035");
    ck_assert_uint_eq(port.breaks, 1);
    ck_assert_str_eq(port.got, "\001\035");
    harness_free(h);
    port_start("StdIO", "EscapeKey=0");
    say(master, "\001x");
    ck_assert_str_eq(port.got, "\001x");
    harness_free(h);
    ck_assert_int_eq(port_try("StdIO", "EscapeKey=32"), VIV_E_CONFIG);
}
END_TEST

START_TEST(a_signal_restores_the_terminal)
{
    struct termios before, after;
    int status = 0;
    on_terminal();
    tcgetattr(0, &before);
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGINT, SIG_DFL); /* Check handles it */
        port_start("StdIO", "");
        raise(SIGINT); /* nobody handles it */
        _exit(1);
    }
    waitpid(pid, &status, 0);
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGINT);
    tcgetattr(0, &after);
    ck_assert_uint_eq(after.c_lflag, before.c_lflag);
}
END_TEST

START_TEST(pipes_and_end_of_file)
{
    int to[2], from[2];
    char buf[16] = "";
    ck_assert_int_eq(pipe(to), 0);
    ck_assert_int_eq(pipe(from), 0);
    dup2(to[0], 0);
    dup2(from[1], 1);
    close(from[1]);
    port_start("StdIO", "");
    say(to[1], "x\001x\001b"); /* no commands: this is no terminal */
    ck_assert_str_eq(port.got, "x\001x\001b");
    ck_assert_uint_eq(port.breaks, 0);
    close(to[1]);
    close(to[0]);
    port_pump();
    ck_assert_uint_eq(harness_pump(h, 0), 0); /* the end is quiet */
    ck_assert_uint_eq(port_write("out", 3), 3);
    ck_assert_int_eq(read(from[0], buf, sizeof(buf)), 3);
    /* nobody reads any more: swallowed, and no SIGPIPE */
    close(from[0]);
    ck_assert_uint_eq(port_write("out", 3), 3);
    port_pump();
    ck_assert_uint_eq(port_write("out", 3), 3);
}
END_TEST

START_TEST(backlog_is_bounded_and_comes_back)
{
    int from[2];
    static char block[4096];
    uint64_t written = 0, seen = 0;
    memset(block, 'x', sizeof(block));
    ck_assert_int_eq(pipe(from), 0);
    dup2(from[1], 1);
    close(from[1]);
    int null = open("/dev/null", O_RDONLY);
    dup2(null, 0);
    port_start("StdIO", "");
    for (unsigned i = 0; i < 1000; i++) {
        uint32_t n = port_write(block, sizeof(block));
        written += n;
        if (n < sizeof(block))
            break;
        ck_assert_uint_lt(i, 999);
    }
    ck_assert_uint_eq(port_write("y", 1), 0);
    ck_assert_uint_eq(port.ready, 0);
    port_pump();
    while (port.ready == 0) {
        ssize_t n = read(from[0], block, sizeof(block));
        ck_assert_int_gt(n, 0);
        seen += (uint64_t)n;
        port_pump();
    }
    ck_assert_uint_eq(port.ready, 1);
    ck_assert_uint_eq(port_write("y", 1), 1);
    fcntl(from[0], F_SETFL, O_NONBLOCK);
    for (ssize_t n; (n = read(from[0], block, sizeof(block))) > 0;) {
        seen += (uint64_t)n;
        port_pump();
    }
    ck_assert_uint_eq(seen, written + 1);
    ck_assert_int_eq(block[0], 'y');
}
END_TEST

START_TEST(backlog_grows_to_its_option)
{
    enum { TOTAL = 900000 };
    int from[2];
    uint8_t block[1000], *seen = malloc(TOTAL);
    size_t got = 0;
    uint64_t written = 0;
    ck_assert_int_eq(pipe(from), 0);
    dup2(from[1], 1);
    close(from[1]);
    fcntl(from[0], F_SETFL, O_NONBLOCK);
    int null = open("/dev/null", O_RDONLY);
    dup2(null, 0);
    port_start("StdIO", "Backlog=1000000");
    /* A little is read on the way, so that the ring has turned when it grows. */
    while (written < TOTAL) {
        for (size_t k = 0; k < sizeof(block); k++)
            block[k] = (uint8_t)((written + k) * 7 >> 3);
        ck_assert_uint_eq(port_write(block, sizeof(block)), sizeof(block));
        written += sizeof(block);
        if (written == 100000 || written == 150000) {
            got += (size_t)read(from[0], seen + got, 40000);
            port_pump();
        }
    }
    for (ssize_t n; (n = read(from[0], seen + got, TOTAL - got)) > 0;) {
        got += (size_t)n;
        port_pump();
    }
    ck_assert_uint_eq(got, TOTAL);
    for (size_t k = 0; k < TOTAL; k++)
        ck_assert_uint_eq(seen[k], (uint8_t)(k * 7 >> 3));
    free(seen);
}
END_TEST

START_TEST(input_waits_for_the_device)
{
    int to[2];
    ck_assert_int_eq(pipe(to), 0);
    dup2(to[0], 0);
    port_start("StdIO", "");
    port.room = 3;
    say(to[1], "0123456789");
    ck_assert_str_eq(port.got, "012");
    ck_assert_uint_eq(harness_pump(h, 0), 0); /* it does not poll */
    port_input_ready(2);
    port_pump();
    ck_assert_str_eq(port.got, "01234");
    port_input_ready(100);
    port_pump();
    ck_assert_str_eq(port.got, "0123456789");
    say(to[1], "ab");
    ck_assert_str_eq(port.got, "0123456789ab");
}
END_TEST

START_TEST(a_file_as_input)
{
    FILE *file = tmpfile();
    for (unsigned i = 0; i < 1000; i++)
        fprintf(file, "%03u\n", i);
    fflush(file);
    rewind(file);
    dup2(fileno(file), 0);
    port_start("StdIO", "");
    port.room = 1500;
    port_pump();
    ck_assert_uint_eq(port.len, 1500);
    port_input_ready(4096);
    port_pump();
    ck_assert_uint_eq(port.len, 4000);
    ck_assert_str_eq(port.got + 3996, "999\n");
    fclose(file);
}
END_TEST

static void port_setup(Harness *fresh)
{
    port_above(fresh);
}

START_TEST(failures_unwind)
{
    int null = open("/dev/null", O_RDWR);
    dup2(null, 0);
    dup2(null, 1);
    ck_assert_uint_ge(harness_construct_failures_with(port_setup, "StdIO", ""), 2);
    h = harness_create();
    ck_assert_int_eq(harness_start(h, "StdIO", ""), VIV_E_NOT_FOUND);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stdio");
    TCase *tc = tcase_create("stdio");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, terminal_is_raw_and_comes_back);
    tcase_add_test(tc, escape_key);
    tcase_add_test(tc, other_escape_keys);
    tcase_add_test(tc, a_signal_restores_the_terminal);
    tcase_add_test(tc, pipes_and_end_of_file);
    tcase_add_test(tc, backlog_is_bounded_and_comes_back);
    tcase_add_test(tc, backlog_grows_to_its_option);
    tcase_add_test(tc, input_waits_for_the_device);
    tcase_add_test(tc, a_file_as_input);
    tcase_add_test(tc, failures_unwind);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_FORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
