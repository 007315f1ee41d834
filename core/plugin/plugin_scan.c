/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* plugin: loading a module in a helper process to see what it is.
 * The helper is this executable again, with a hidden argument (plugin_scan_main()); a program that
 * does not call plugin_scan_main() gets a forked child. The helper writes one record, as text, to a
 * pipe; whatever else happens to it (a signal, an exit, silence) becomes the reason for which the
 * module is refused. */
#include "plugin/plugin_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define PLUGIN_SCAN_OPTION     "--plugin-scan"
#define PLUGIN_SCAN_FD         3
#define PLUGIN_RETRY_S         3600
#define PLUGIN_SCAN_REPORT_MAX (4u << 20)

/* Set once this program has shown that its main() answers PLUGIN_SCAN_OPTION. */
static atomic_bool plugin_scan_reexec;

/* -- The helper -- */

/* A crash must look like one to the parent, whatever handlers a sanitizer or the program had put
 * in, and must leave no core file. Output of a module's constructors is nobody's business. */
static void plugin_scan_settle(void)
{
    static const int fatal[] = {SIGSEGV, SIGBUS, SIGILL,  SIGFPE, SIGABRT,
                                SIGTRAP, SIGSYS, SIGTERM, SIGINT, SIGALRM};
    for (size_t i = 0; i < G_N_ELEMENTS(fatal); i++)
        signal(fatal[i], SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    const struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null >= 0) {
        dup2(null, STDIN_FILENO);
        dup2(null, STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
        close(null);
    }
}

static int plugin_scan_child(int fd, const char *path)
{
    plugin_scan_settle();
    PluginModule *module = plugin_module_new(path);
    char *reason = NULL;
    bool cacheable = false;
    const viv_plugin_t *plugin = plugin_open(path, &reason, &cacheable);
    if (plugin)
        plugin_examine(module, plugin);
    else
        plugin_module_refuse(module, cacheable, "%s", reason);
    g_autoptr(GString) report = g_string_new(NULL);
    plugin_record_write(module, report);
    size_t done = 0;
    while (done < report->len) {
        const ssize_t n = write(fd, report->str + done, report->len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return 1;
        done += (size_t)n;
    }
    g_free(reason);
    plugin_module_free(module);
    return 0;
}

int plugin_scan_main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], PLUGIN_SCAN_OPTION) == 0) {
        guint64 fd = 0;
        if (!g_ascii_string_to_unsigned(argv[2], 10, 3, 1024, &fd, NULL))
            return 2;
        /* Not exit(): destructors of the module are not to be run either. */
        _exit(plugin_scan_child((int)fd, argv[3]));
    }
    atomic_store(&plugin_scan_reexec, true);
    return -1;
}

/* -- The parent -- */

static pid_t plugin_scan_spawn(int fd, const char *path)
{
    char option[] = PLUGIN_SCAN_OPTION;
    char name[] = "viv-plugin-scan";
    char fd_text[16];
    g_autofree char *path_copy = g_strdup(path);
    g_snprintf(fd_text, sizeof(fd_text), "%d", PLUGIN_SCAN_FD);
    char *argv[] = {name, option, fd_text, path_copy, NULL};
    posix_spawn_file_actions_t actions;
    if (posix_spawn_file_actions_init(&actions) != 0)
        return -1;
    pid_t pid = -1;
    if (posix_spawn_file_actions_adddup2(&actions, fd, PLUGIN_SCAN_FD) != 0 ||
        posix_spawn(&pid, "/proc/self/exe", &actions, NULL, argv, environ) != 0)
        pid = -1;
    posix_spawn_file_actions_destroy(&actions);
    return pid;
}

static pid_t plugin_scan_start(int fd, const char *path)
{
    if (atomic_load(&plugin_scan_reexec))
        return plugin_scan_spawn(fd, path);
    const pid_t pid = fork();
    if (pid == 0)
        _exit(plugin_scan_child(fd, path));
    return pid;
}

static bool plugin_scan_complete(const GString *report)
{
    return report->len >= 5 && memcmp(report->str + report->len - 5, "\nend\n", 5) == 0;
}

/* Reads until the report is whole, the pipe ends or time is up; false: time is up. */
static bool plugin_scan_read(int fd, gint64 deadline_us, GString *report)
{
    char buf[4096];
    while (report->len < PLUGIN_SCAN_REPORT_MAX && !plugin_scan_complete(report)) {
        const gint64 left_us = deadline_us - g_get_monotonic_time();
        if (left_us <= 0)
            return false;
        struct pollfd pfd = {.fd = fd, .events = POLLIN};
        const int ready = poll(&pfd, 1, (int)MIN(left_us / 1000 + 1, 60000));
        if (ready < 0 && errno != EINTR)
            return true;
        if (ready <= 0)
            continue;
        const ssize_t got = read(fd, buf, sizeof(buf));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return true;
        g_string_append_len(report, buf, got);
    }
    return true;
}

/* The helper's exit, waited for up to the deadline and then forced. False: it had to be killed. */
static bool plugin_scan_reap(pid_t pid, gint64 deadline_us, int *ret_status)
{
    bool killed = false;
    for (;;) {
        const pid_t got = waitpid(pid, ret_status, killed ? 0 : WNOHANG);
        if (got == pid || (got < 0 && errno != EINTR))
            return !killed;
        if (got == 0 && g_get_monotonic_time() >= deadline_us) {
            kill(pid, SIGKILL);
            killed = true;
        } else if (got == 0) {
            /* The pipe has ended, so the helper is about to; there is nothing to poll for. */
            g_usleep(1000);
        }
    }
}

static void plugin_scan_verdict(PluginModule *module, int status, bool in_time, uint32_t timeout_ms)
{
    /* A busy machine can look like a hanging module, one short of memory like a crashing one: ask
     * again later. */
    module->retry_s = g_get_real_time() / G_USEC_PER_SEC + PLUGIN_RETRY_S;
    if (!in_time) {
        plugin_module_refuse(module, true, "hangs at load (no answer within %u ms)", timeout_ms);
    } else if (WIFSIGNALED(status)) {
        const char *name = sigabbrev_np(WTERMSIG(status));
        const char *text = sigdescr_np(WTERMSIG(status));
        plugin_module_refuse(module, true, "crashes at load (SIG%s, %s)", name ? name : "?",
                             text ? text : "unknown");
    } else {
        plugin_module_refuse(module, false, "ends the process at load (exit code %d)",
                             WEXITSTATUS(status));
    }
}

void plugin_scan(PluginModule *module, uint32_t timeout_ms)
{
    /* What no loader can load needs no helper. */
    g_autofree char *reason = plugin_elf_check(module->record.path);
    if (reason) {
        plugin_module_refuse(module, false, "%s", reason);
        return;
    }
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0) {
        plugin_module_refuse(module, false, "cannot be scanned: %s", g_strerror(errno));
        return;
    }
    const pid_t pid = plugin_scan_start(fds[1], module->record.path);
    close(fds[1]);
    if (pid < 0) {
        close(fds[0]);
        plugin_module_refuse(module, false, "cannot be scanned: no helper process: %s",
                             g_strerror(errno));
        return;
    }
    const gint64 deadline_us = g_get_monotonic_time() + (gint64)timeout_ms * 1000;
    g_autoptr(GString) report = g_string_new(NULL);
    bool in_time = plugin_scan_read(fds[0], deadline_us, report);
    close(fds[0]);
    const char *text = report->str;
    int status = 0;
    if (plugin_scan_complete(report) && plugin_record_read(module, &text) && !*text) {
        /* All is said; if a thread of the module keeps the helper alive, that ends here. */
        kill(pid, SIGKILL);
        plugin_scan_reap(pid, deadline_us, &status);
        return;
    }
    in_time = plugin_scan_reap(pid, in_time ? deadline_us : 0, &status) && in_time;
    plugin_scan_verdict(module, status, in_time, timeout_ms);
}
