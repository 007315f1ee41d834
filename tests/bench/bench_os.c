/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rows that the operating system below decides: system calls, processes, context switches, signals.
 */
#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

/* The shortest system calls there are. */
static uint64_t bench_syscall(uint32_t ops)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < ops; i++) {
        errno = 0;
        sum += (uint64_t)(syscall(SYS_close, -1) == -1 && errno == EBADF);
    }
    return sum;
}

/* A child, the program executed anew in it, its exit code fetched. */
static uint64_t bench_fork(uint32_t ops)
{
    char self[] = "bench";
    char child[] = "--child";
    char *args[] = {self, child, NULL};
    char *environment[] = {NULL};
    uint64_t sum = 0;
    for (uint32_t i = 0; i < ops; i++) {
        int status = 0;
        pid_t pid = fork();
        if (pid < 0) {
            bench_die("fork");
        }
        if (pid == 0) {
            execve(bench_self, args, environment);
            _exit(1);
        }
        if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) {
            bench_die("waitpid");
        }
        sum += (uint64_t)WEXITSTATUS(status);
    }
    return sum;
}

/* A byte to another process and back. One op = two switches. */
static uint64_t bench_switch(uint32_t ops)
{
    int there[2], back[2];
    if (pipe(there) != 0 || pipe(back) != 0) {
        bench_die("pipe");
    }
    pid_t pid = fork();
    if (pid < 0) {
        bench_die("fork");
    }
    if (pid == 0) {
        uint8_t byte;
        close(there[1]);
        while (read(there[0], &byte, 1) == 1) {
            byte = (uint8_t)(byte * 5 + 1);
            if (write(back[1], &byte, 1) != 1) {
                break;
            }
        }
        _exit(0);
    }
    uint8_t byte = 1;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < ops; i++) {
        if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1) {
            bench_die("pipe partner");
        }
        sum = sum * 31 + byte;
    }
    close(there[0]);
    close(there[1]);
    waitpid(pid, NULL, 0);
    close(back[0]);
    close(back[1]);
    return sum;
}

static volatile sig_atomic_t bench_signals;

static void bench_on_signal(int number)
{
    (void)number;
    bench_signals++;
}

/* A signal to oneself: out to the handler and back through sigreturn. */
static uint64_t bench_signal(uint32_t ops)
{
    struct sigaction action = {.sa_handler = bench_on_signal};
    struct sigaction old;
    sigaction(SIGUSR1, &action, &old);
    bench_signals = 0;
    for (uint32_t i = 0; i < ops; i++) {
        syscall(SYS_kill, getpid(), SIGUSR1);
    }
    sigaction(SIGUSR1, &old, NULL);
    return (uint64_t)bench_signals;
}

const BenchRow bench_os_rows[] = {
    {"syscall", 200000, bench_syscall},
    {"signal", 20000, bench_signal},
    {"fork", 60, bench_fork},
    {"switch", 8000, bench_switch},
    {NULL, 0, NULL},
};
