/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* charsock: see charsock.h for the rules. */
#include "charsock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define CHARSOCK_HOLD_OFF_NS 100000000u

static viv_status_t charsock_listen(CharSock *s);
static void charsock_dial(CharSock *s);

static void charsock_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* Takes a watch's handle out, for its own function. 1: charsock_finish has it and waits for us. */
static uint32_t charsock_leave(CharSock *s, viv_watch_t **watch)
{
    pthread_mutex_lock(&s->fd.lock);
    uint32_t removed = *watch == NULL;
    *watch = NULL;
    pthread_mutex_unlock(&s->fd.lock);
    return removed;
}

static viv_status_t charsock_watch(CharSock *s, int fd, uint32_t events, viv_watch_fn fn,
                                   viv_watch_t **watch)
{
    viv_status_t st = VIV_OK;
    pthread_mutex_lock(&s->fd.lock);
    if (!s->closing)
        st = s->drv->api->watch_add(s->drv, fd, events, fn, s, watch);
    if (st < 0)
        *watch = NULL;
    pthread_mutex_unlock(&s->fd.lock);
    return st;
}

/* -- One connection -------------------------------------------------------------------------- */

static void charsock_hang_up(CharSock *s)
{
    charfd_disconnect(&s->fd);
    charsock_close(&s->in_fd);
    charsock_close(&s->out_fd);
}

/* Takes over fd. */
static void charsock_connected(CharSock *s, int fd)
{
    s->told = 0;
    s->in_fd = fd;
    s->out_fd = dup(fd);
    if (s->out_fd < 0)
        charsock_hang_up(s);
    else
        charfd_connect(&s->fd, s->in_fd, s->out_fd);
}

static void charsock_arm(CharSock *s)
{
    struct itimerspec in = {.it_value = {s->retry_ms / 1000, (long)(s->retry_ms % 1000) * 1000000}};
    if (s->timer_fd >= 0)
        timerfd_settime(s->timer_fd, 0, &in, NULL);
}

/* [io] */
static void charsock_ended(void *ctx, CharFdEnd what)
{
    CharSock *s = ctx;
    (void)what;
    charsock_hang_up(s);
    if (s->dial)
        charsock_arm(s);
    else if (charsock_listen(s) < 0)
        s->drv->api->log(s->drv, VIV_LOG_WARN, "%s takes no further connections", s->name);
}

/* [io] The guest has written while nothing is connected. */
static void charsock_unheard(void *ctx)
{
    CharSock *s = ctx;
    uint64_t now_ns = s->drv->api->time_ns(s->drv);
    if (!s->dial || now_ns < s->next_try_ns)
        return;
    s->next_try_ns = now_ns + CHARSOCK_HOLD_OFF_NS;
    charsock_dial(s);
}

static const CharFdHooks charsock_hooks = {.ended = charsock_ended, .unheard = charsock_unheard};

/* -- Server ---------------------------------------------------------------------------------- */

/* [io] Ends with the first client; the watch comes back when that one has left. */
static uint32_t charsock_incoming(viv_drv_t *drv, void *ctx, uint32_t events)
{
    CharSock *s = ctx;
    (void)drv, (void)events;
    int fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return 1;
    if (charsock_leave(s, &s->listen_watch)) {
        close(fd);
        return 1;
    }
    charsock_connected(s, fd);
    return 0;
}

static viv_status_t charsock_listen(CharSock *s)
{
    return charsock_watch(s, s->listen_fd, VIV_WATCH_IN, charsock_incoming, &s->listen_watch);
}

viv_status_t charsock_serve(CharSock *s, int listen_fd)
{
    s->listen_fd = listen_fd;
    return charsock_listen(s);
}

/* -- Client ---------------------------------------------------------------------------------- */

static void charsock_no_answer(CharSock *s, int error)
{
    if (!s->told)
        s->drv->api->log(s->drv, VIV_LOG_WARN, "%s: %s%s", s->name, strerror(error),
                         s->retry_ms ? "; trying again" : "");
    s->told = 1;
    charsock_arm(s);
}

/* [io] connect() has come to an end. */
static uint32_t charsock_dialled(viv_drv_t *drv, void *ctx, uint32_t events)
{
    CharSock *s = ctx;
    int error = 0;
    socklen_t len = sizeof(error);
    (void)drv, (void)events;
    if (charsock_leave(s, &s->dial_watch))
        return 1;
    int fd = s->dial_fd;
    s->dial_fd = -1;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
        error = errno;
    if (error) {
        close(fd);
        charsock_no_answer(s, error);
    } else {
        charsock_connected(s, fd);
    }
    return 0;
}

/* [io] or, at the start, [main] */
static int charsock_try(CharSock *s)
{
    uint32_t pending = 0;
    int fd = s->dial(s->ctx, &pending);
    if (fd < 0)
        return errno ? errno : EIO;
    if (!pending) {
        charsock_connected(s, fd);
        return 0;
    }
    s->dial_fd = fd;
    if (charsock_watch(s, fd, VIV_WATCH_OUT, charsock_dialled, &s->dial_watch) < 0) {
        charsock_close(&s->dial_fd);
        return ENOMEM;
    }
    return 0;
}

static void charsock_dial(CharSock *s)
{
    if (s->in_fd >= 0 || s->dial_fd >= 0)
        return;
    int error = charsock_try(s);
    if (error)
        charsock_no_answer(s, error);
}

/* [io] */
static uint32_t charsock_retry(viv_drv_t *drv, void *ctx, uint32_t events)
{
    CharSock *s = ctx;
    uint64_t count;
    (void)drv, (void)events;
    if (read(s->timer_fd, &count, sizeof(count)) > 0)
        charsock_dial(s);
    return 1;
}

viv_status_t charsock_call(CharSock *s, int (*dial)(void *ctx, uint32_t *ret_pending), void *ctx,
                           uint32_t wait)
{
    s->dial = dial;
    s->ctx = ctx;
    if (s->retry_ms) {
        s->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
        if (s->timer_fd < 0)
            return s->drv->api->fail(s->drv, VIV_E_IO, "timerfd: %s", strerror(errno));
        viv_status_t st =
            charsock_watch(s, s->timer_fd, VIV_WATCH_IN, charsock_retry, &s->timer_watch);
        if (st < 0)
            return st;
    }
    int error = charsock_try(s);
    if (!error)
        return VIV_OK;
    if (!wait)
        return s->drv->api->fail(s->drv, VIV_E_NOT_FOUND, "Location %s: %s", s->name,
                                 strerror(error));
    charsock_no_answer(s, error);
    return VIV_OK;
}

/* -- Life ------------------------------------------------------------------------------------ */

viv_status_t charsock_init(CharSock *s, viv_drv_t *drv, const char *name)
{
    s->drv = drv;
    s->name = name;
    s->listen_fd = s->dial_fd = s->in_fd = s->out_fd = s->timer_fd = -1;
    s->started = 1;
    return charfd_init(&s->fd, drv, &charsock_hooks, s);
}

void charsock_finish(CharSock *s)
{
    if (!s->started)
        return;
    if (s->fd.ready) {
        pthread_mutex_lock(&s->fd.lock);
        viv_watch_t *watches[] = {s->listen_watch, s->dial_watch, s->timer_watch};
        s->listen_watch = s->dial_watch = s->timer_watch = NULL;
        s->closing = 1;
        pthread_mutex_unlock(&s->fd.lock);
        for (size_t i = 0; i < sizeof(watches) / sizeof(watches[0]); i++)
            s->drv->api->watch_remove(s->drv, watches[i]);
    }
    charfd_finish(&s->fd);
    int *fds[] = {&s->in_fd, &s->out_fd, &s->dial_fd, &s->listen_fd, &s->timer_fd};
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
        charsock_close(fds[i]);
}

/* -- Names ----------------------------------------------------------------------------------- */

uint32_t charsock_split(const char *text, char host[CHARSOCK_NAME_MAX],
                        char port[CHARSOCK_NAME_MAX])
{
    const char *colon = strrchr(text, ':');
    const char *from = text, *end = colon ? colon : text;
    char *after = NULL;
    if (*from == '[') {
        from++;
        end--;
        if (!colon || end < from || *end != ']')
            return 0;
    }
    const char *digits = colon ? colon + 1 : text;
    if (*digits < '0' || *digits > '9' || strlen(digits) >= CHARSOCK_NAME_MAX ||
        (size_t)(end - from) >= CHARSOCK_NAME_MAX)
        return 0;
    unsigned long number = strtoul(digits, &after, 10);
    if (*after || number == 0 || number > 65535)
        return 0;
    memcpy(host, from, (size_t)(end - from));
    host[end - from] = 0;
    memcpy(port, digits, strlen(digits) + 1);
    return 1;
}
