/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* stdio: a serial port on the standard input and output.
 * A terminal is switched to raw mode, so that the guest gets every key. An escape key (Ctrl-A)
 * keeps a way out:
 *     Ctrl-A x   asks for the end of the machine (SIGTERM to the own process, as `kill` would)
 *     Ctrl-A b   sends a break
 *     Ctrl-A ?   lists these
 *     Ctrl-A Ctrl-A   sends Ctrl-A
 * Input that is no terminal is passed on as it is; its end is not an error. Output flags of the
 * terminal stay as they are, so that messages of others look right.
 *
 * The terminal belongs to the process, not to an instance, hence the one static struct: it is put
 * back by destruct, at exit, and before one of the usual signals ends a process that does not
 * handle them. */
#include "../charfd/charfd.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

typedef struct Stdio {
    /* config */
    uint32_t escape_key;
    /* host resources */
    CharFd fd;
    int out_fd;     /* our own open file on the standard output, or 1 */
    int in_fd;      /* duplicate of 0 */
    uint32_t owner; /* this instance has the terminal */
    /* I/O thread */
    uint32_t escaped;
} Stdio;

static const viv_option_t stdio_options[] = {
    VIV_OPT_NAMED(Stdio, "EscapeKey", escape_key, VIV_U32, 0, 31, 1,
                  "control character that begins a command; 0: none"),
    CHARFD_OPTIONS(Stdio),
    {0},
};

/* -- The terminal ---------------------------------------------------------------------------- */

static const int stdio_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGABRT};
#define STDIO_SIGNALS (sizeof(stdio_signals) / sizeof(stdio_signals[0]))

static struct {
    volatile sig_atomic_t raw;
    struct termios saved;
    uint32_t claimed; /* by one instance; changed on [main] only */
    uint32_t at_exit;
} stdio_tty;

/* Async-signal-safe. In a background job tcsetattr() would stop the process, so SIGTTOU waits. */
static void stdio_tty_restore(void)
{
    if (!stdio_tty.raw)
        return;
    sigset_t set, old;
    sigemptyset(&set);
    sigaddset(&set, SIGTTOU);
    sigprocmask(SIG_BLOCK, &set, &old);
    tcsetattr(STDIN_FILENO, TCSADRAIN, &stdio_tty.saved);
    sigprocmask(SIG_SETMASK, &old, NULL);
    stdio_tty.raw = 0;
}

static void stdio_on_signal(int number)
{
    int saved = errno;
    stdio_tty_restore();
    signal(number, SIG_DFL);
    raise(number); /* delivered when the handler returns */
    errno = saved;
}

/* Signals that somebody handles or ignores are theirs. */
static void stdio_signals_take(void)
{
    for (size_t i = 0; i < STDIO_SIGNALS; i++) {
        struct sigaction now;
        struct sigaction ours = {.sa_handler = stdio_on_signal, .sa_flags = SA_RESTART};
        sigemptyset(&ours.sa_mask);
        if (sigaction(stdio_signals[i], NULL, &now) == 0 && !(now.sa_flags & SA_SIGINFO) &&
            now.sa_handler == SIG_DFL)
            sigaction(stdio_signals[i], &ours, NULL);
    }
}

static void stdio_signals_give(void)
{
    for (size_t i = 0; i < STDIO_SIGNALS; i++) {
        struct sigaction now;
        if (sigaction(stdio_signals[i], NULL, &now) == 0 && !(now.sa_flags & SA_SIGINFO) &&
            now.sa_handler == stdio_on_signal)
            signal(stdio_signals[i], SIG_DFL);
    }
}

static void stdio_tty_raw(void)
{
    struct termios raw;
    if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &stdio_tty.saved) < 0)
        return;
    /* A background job may not touch its terminal. */
    pid_t foreground = tcgetpgrp(STDIN_FILENO);
    if (foreground >= 0 && foreground != getpgrp())
        return;
    raw = stdio_tty.saved;
    raw.c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    raw.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
    raw.c_cflag &= ~(tcflag_t)(CSIZE | PARENB);
    raw.c_cflag |= CS8;
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    if (tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) < 0)
        return;
    stdio_tty.raw = 1;
    if (!stdio_tty.at_exit) {
        stdio_tty.at_exit = 1;
        atexit(stdio_tty_restore);
    }
    stdio_signals_take();
}

/* -- The escape key -------------------------------------------------------------------------- */

static void stdio_help(Stdio *s)
{
    static const char text[] =
        "\r\nAfter the escape key: x ends the machine, b sends a break, ? lists this, "
        "the escape key sends itself\r\n";
    ssize_t n = write(s->out_fd, text, sizeof(text) - 1);
    (void)n; /* a help text that does not fit is no loss */
}

/* 1: the byte is input for the guest. */
static uint32_t stdio_command(Stdio *s, uint8_t key)
{
    if (key == s->escape_key)
        return 1;
    switch (key) {
    case 'x':
    case 'X': kill(getpid(), SIGTERM); break;
    case 'b':
    case 'B': s->fd.port->send_break(s->fd.port_self); break;
    case '?':
    case 'h': stdio_help(s); break;
    default: break;
    }
    return 0;
}

/* [io] */
static uint32_t stdio_filter(void *ctx, uint8_t *buf, uint32_t len_bytes)
{
    Stdio *s = ctx;
    uint32_t kept = 0;
    if (!stdio_tty.raw || s->escape_key == 0)
        return len_bytes;
    for (uint32_t i = 0; i < len_bytes; i++) {
        uint8_t key = buf[i];
        if (s->escaped) {
            s->escaped = 0;
            if (stdio_command(s, key))
                buf[kept++] = key;
        } else if (key == s->escape_key) {
            s->escaped = 1;
        } else {
            buf[kept++] = key;
        }
    }
    return kept;
}

static const CharFdHooks stdio_hooks = {.filter = stdio_filter};

/* -- Life ------------------------------------------------------------------------------------ */

/* Non-blocking output without changing the flags of the file that others share. */
static int stdio_open_output(void)
{
    struct stat st;
    if (fstat(STDOUT_FILENO, &st) == 0 && (S_ISCHR(st.st_mode) || S_ISFIFO(st.st_mode))) {
        int fd = charfd_reopen(STDOUT_FILENO, O_WRONLY);
        if (fd >= 0)
            return fd;
    }
    return fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
}

/* [main] */
static viv_status_t stdio_construct(viv_drv_t *drv, void *self)
{
    Stdio *s = self;
    s->in_fd = s->out_fd = -1;
    if (stdio_tty.claimed)
        return drv->api->fail(drv, VIV_E_EXISTS,
                              "another port has the standard input and output already");
    viv_status_t st = charfd_init(&s->fd, drv, &stdio_hooks, s);
    if (st < 0)
        return st;
    s->in_fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC,
                     3); /* closed standard streams are fine: nothing comes, nothing goes */
    s->out_fd = stdio_open_output();
    stdio_tty.claimed = s->owner = 1;
    stdio_tty_raw();
    return charfd_connect(&s->fd, s->in_fd, s->out_fd);
}

/* [main] */
static void stdio_destruct(viv_drv_t *drv, void *self)
{
    Stdio *s = self;
    (void)drv;
    charfd_finish(&s->fd);
    if (!s->owner)
        return;
    stdio_tty_restore();
    stdio_signals_give();
    stdio_tty.claimed = 0;
    if (s->in_fd >= 0)
        close(s->in_fd);
    if (s->out_fd >= 0)
        close(s->out_fd);
}

/* [main] */
static viv_status_t stdio_query_interface(viv_drv_t *drv, void *self, const char *id,
                                          viv_iface_t *ret_iface)
{
    (void)drv;
    return charfd_query(&((Stdio *)self)->fd, id, ret_iface);
}

static const viv_driver_class_t stdio_class = {
    VIV_DRIVER_CLASS_HEAD,
    .name = "StdIO",
    .summary = "characters on the standard input and output",
    .instance_size = sizeof(Stdio),
    .options = stdio_options,
    .construct = stdio_construct,
    .destruct = stdio_destruct,
    .query_interface = stdio_query_interface,
};

VIV_PLUGIN("org.vivarium.stdio", "1.0", "LGPL-2.1-or-later", "characters on the standard streams",
           &stdio_class);
