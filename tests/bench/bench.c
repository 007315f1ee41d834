/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The benchmark guest program. Static, for plain x86-64: the same bytes run as a Linux program and
 * as process 1 of a Linux guest.
 *
 *   bench [-s SCALE] [ROW]...      without rows: all of them, in the order of the tables
 *
 * Each row prints two lines: "begin NAME" just before the work, and "row NAME NS CPU_NS OPS
 * CHECKSUM" just after it: the whole row's time by the guest's clock, and the processor time of the
 * program and its children. Output is drained before the work
 * starts, so whoever reads the console may stamp both lines with a clock of its own: a guest's
 * clock may run at any rate. "bench ready" comes first of all (it marks the end of booting), "bench
 * done" last. As process 1 it takes the arguments from viv.bench=A,B,C of the kernel's command line
 * and powers the machine off at the end.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

#define BENCH_MAX_ARGS 64

const char *bench_self = "/proc/self/exe";

static const BenchRow *const bench_tables[] = {
    bench_cpu_rows,
    bench_memory_rows,
    bench_fp_rows,
    bench_os_rows,
};

/* Writes the text and waits until it has left the machine (a no-op on what is no terminal). */
static void bench_say(const char *text)
{
    size_t left = strlen(text);
    while (left > 0) {
        ssize_t written = write(STDOUT_FILENO, text, left);
        if (written <= 0) {
            break;
        }
        text += written;
        left -= (size_t)written;
    }
    tcdrain(STDOUT_FILENO);
}

static void bench_finish(int code)
{
    if (getpid() == 1) {
        sync();
        reboot(RB_POWER_OFF);
    }
    exit(code);
}

_Noreturn void bench_die(const char *what)
{
    char line[160];
    snprintf(line, sizeof(line), "bench failed: %s\n", what);
    bench_say(line);
    bench_finish(1);
    _exit(1);
}

static uint64_t bench_now_ns(void)
{
    struct timespec now;
    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0) {
        bench_die("clock_gettime");
    }
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Processor time, that of children who have been waited for included. */
static uint64_t bench_cpu_ns(void)
{
    struct timespec own;
    struct rusage children;
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &own) != 0 ||
        getrusage(RUSAGE_CHILDREN, &children) != 0) {
        bench_die("processor time");
    }
    uint64_t us = (uint64_t)(children.ru_utime.tv_usec + children.ru_stime.tv_usec) +
                  (uint64_t)(children.ru_utime.tv_sec + children.ru_stime.tv_sec) * 1000000u;
    return (uint64_t)own.tv_sec * 1000000000u + (uint64_t)own.tv_nsec + us * 1000u;
}

static void bench_row(const BenchRow *row, unsigned scale)
{
    char line[160];
    uint64_t ops = (uint64_t)row->ops * scale / 100;
    if (ops == 0) {
        ops = 1;
    }
    snprintf(line, sizeof(line), "begin %s\n", row->name);
    bench_say(line);
    uint64_t cpu_start = bench_cpu_ns();
    uint64_t start = bench_now_ns();
    uint64_t checksum = row->run((uint32_t)ops);
    uint64_t end = bench_now_ns();
    uint64_t cpu_end = bench_cpu_ns();
    snprintf(line, sizeof(line), "row %s %llu %llu %llu %016llx\n", row->name,
             (unsigned long long)(end - start), (unsigned long long)(cpu_end - cpu_start),
             (unsigned long long)ops, (unsigned long long)checksum);
    bench_say(line);
}

static int bench_wanted(const char *name, int count, char **names)
{
    if (count == 0) {
        return 1;
    }
    for (int i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0) {
            return 1;
        }
    }
    return 0;
}

/* Splits the value of viv.bench=A,B,C in the kernel's command line; the number of words. */
static int bench_kernel_args(char *buffer, size_t size, char **args, int max)
{
    int file = open("/proc/cmdline", O_RDONLY);
    ssize_t len = file < 0 ? -1 : read(file, buffer, size - 1);
    if (file >= 0) {
        close(file);
    }
    if (len < 0) {
        return 0;
    }
    buffer[len] = '\0';
    char *value = strstr(buffer, "viv.bench=");
    if (!value) {
        return 0;
    }
    value += strlen("viv.bench=");
    value[strcspn(value, " \n")] = '\0';
    int count = 0;
    for (char *word = strtok(value, ","); word && count < max; word = strtok(NULL, ",")) {
        args[count++] = word;
    }
    return count;
}

int main(int argc, char **argv)
{
    static char cmdline[4096];
    char *words[BENCH_MAX_ARGS];
    unsigned scale = 100;

    /* What the row "fork" executes: a program that does nothing but return a known code. */
    if (argc == 2 && strcmp(argv[1], "--child") == 0) {
        _exit(7);
    }
    int count = argc - 1;
    char **args = argv + 1;
    if (getpid() == 1) {
        bench_say("bench ready\n");
        mkdir("/proc", 0555);
        mount("proc", "/proc", "proc", 0, NULL);
        count = bench_kernel_args(cmdline, sizeof(cmdline), words, BENCH_MAX_ARGS);
        args = words;
    } else {
        bench_say("bench ready\n");
    }
    if (count >= 2 && strcmp(args[0], "-s") == 0) {
        long value = strtol(args[1], NULL, 10);
        if (value < 1 || value > 100000) {
            bench_die("the scale is a number from 1 to 100000");
        }
        scale = (unsigned)value;
        args += 2;
        count -= 2;
    }
    for (size_t t = 0; t < sizeof(bench_tables) / sizeof(bench_tables[0]); t++) {
        for (const BenchRow *row = bench_tables[t]; row->name; row++) {
            if (bench_wanted(row->name, count, args)) {
                bench_row(row, scale);
            }
        }
    }
    bench_say("bench done\n");
    bench_finish(0);
    return 0;
}
