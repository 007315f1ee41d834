/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* charfd: viv.char/1 over a pair of file descriptors. See charfd.h for the rules. */
#include "charfd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A file is read in turns of so many buffers, so that the I/O thread serves others in between. */
#define CHARFD_TURN 16u
/* How much a descriptor that may block takes for sure when poll() says it is writable. */
#define CHARFD_SURE_BYTES 64u
#define CHARFD_FINISH_MS  1000
/* What every device's port has. */
#define CHARFD_PORT_SIZE (uint32_t) offsetof(viv_char_port_ops_t, receive_marked)

/* -- Output ---------------------------------------------------------------------------------- */

/* write() without the SIGPIPE that a pipe without a reader raises. */
static ssize_t charfd_write_pipe(int fd, const void *buf, size_t len)
{
    static const struct timespec now = {0, 0};
    sigset_t pipe_set, old, pending;
    sigemptyset(&pipe_set);
    sigaddset(&pipe_set, SIGPIPE);
    sigpending(&pending);
    pthread_sigmask(SIG_BLOCK, &pipe_set, &old);
    ssize_t n = write(fd, buf, len);
    int saved = errno;
    if (n < 0 && saved == EPIPE && !sigismember(&pending, SIGPIPE))
        while (sigtimedwait(&pipe_set, NULL, &now) < 0 && errno == EINTR)
            ;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    errno = saved;
    return n;
}

/* Returns how many bytes went out; a failure for good sets out_lost. */
static uint32_t charfd_send_locked(CharFd *c, const uint8_t *buf, uint32_t len)
{
    uint32_t done = 0;
    while (done < len) {
        uint32_t part = len - done;
        ssize_t n;
        if (c->out_must_poll) {
            struct pollfd p = {.fd = c->out_fd, .events = POLLOUT};
            if (poll(&p, 1, 0) != 1 || !(p.revents & (POLLOUT | POLLERR | POLLHUP)))
                break;
            if (part > CHARFD_SURE_BYTES)
                part = CHARFD_SURE_BYTES;
        }
        if (c->out_is_datagram && part > CHARFD_DATAGRAM)
            part = CHARFD_DATAGRAM;
        if (c->out_is_socket)
            n = send(c->out_fd, buf + done, part, MSG_NOSIGNAL | MSG_DONTWAIT);
        else if (c->out_is_pipe)
            n = charfd_write_pipe(c->out_fd, buf + done, part);
        else
            n = write(c->out_fd, buf + done, part);
        if (n > 0) {
            done += (uint32_t)n;
        } else if (n == 0 || errno == EAGAIN || errno == EWOULDBLOCK) {
            break;
        } else if (c->out_is_datagram && errno != EINTR) {
            done += part; /* nobody there, or no way: it is lost, the next one may not be */
        } else if (errno != EINTR) {
            c->out_lost = 1;
            break;
        }
    }
    return done;
}

static void charfd_flush_locked(CharFd *c)
{
    while (c->out_count && !c->out_lost) {
        uint32_t run = c->out_room - c->out_head;
        if (run > c->out_count)
            run = c->out_count;
        uint32_t n = charfd_send_locked(c, c->out + c->out_head, run);
        c->out_head = (c->out_head + n) % c->out_room;
        c->out_count -= n;
        if (n < run)
            break;
    }
    if (c->out_lost)
        c->out_count = 0;
}

/* Room for len more bytes, as far as the backlog may grow and the host has memory. */
static void charfd_grow_locked(CharFd *c, uint32_t len)
{
    uint64_t room = c->out_room ? c->out_room : CHARFD_BACKLOG;
    while (room < (uint64_t)c->out_count + len && room < c->backlog_bytes)
        room *= 2;
    if (room > c->backlog_bytes)
        room = c->backlog_bytes;
    if (room <= c->out_room)
        return;
    uint8_t *out = malloc((size_t)room);
    if (!out)
        return;
    for (uint32_t i = 0; i < c->out_count && c->out_room; i++)
        out[i] = c->out[(c->out_head + i) % c->out_room];
    free(c->out);
    c->out = out;
    c->out_head = 0;
    c->out_room = (uint32_t)room;
}

/* Returns how many bytes found room. */
static uint32_t charfd_append_locked(CharFd *c, const uint8_t *buf, uint32_t len)
{
    charfd_grow_locked(c, len);
    uint32_t room = c->out_room - c->out_count;
    uint32_t part = len < room ? len : room;
    for (uint32_t i = 0; i < part; i++)
        c->out[(c->out_head + c->out_count + i) % c->out_room] = buf[i];
    c->out_count += part;
    return part;
}

/* [io] */
static uint32_t charfd_out_event(viv_drv_t *drv, void *ctx, uint32_t events)
{
    CharFd *c = ctx;
    uint32_t ready = 0, keep = 1;
    (void)drv, (void)events;
    pthread_mutex_lock(&c->lock);
    if (c->out_fd >= 0)
        charfd_flush_locked(c);
    if (c->refused && c->out_count <= c->backlog_bytes / 2) {
        c->refused = 0;
        ready = 1;
    }
    if (c->out_count == 0 && c->out_watch) {
        c->out_watch = NULL; /* invariant 1: ended here, nobody else has the handle */
        keep = 0;
    }
    uint32_t lost = c->out_lost;
    pthread_mutex_unlock(&c->lock);
    if (lost)
        charfd_wake(c);
    if (ready)
        c->port->write_ready(c->port_self);
    return keep;
}

/* [any, device lock held] */
static uint32_t charfd_write(void *self, const void *buf, uint32_t len_bytes)
{
    CharFd *c = self;
    const uint8_t *bytes = buf;
    uint32_t done = 0, wake = 0;
    pthread_mutex_lock(&c->lock);
    if (c->out_fd < 0) {
        c->unheard = wake = 1;
        done = len_bytes;
    } else if (c->out_lost) {
        done = len_bytes;
    } else {
        /* Datagrams are gathered: what the guest writes until the I/O thread comes goes into one. */
        if (c->out_count == 0 && !c->out_is_datagram)
            done = charfd_send_locked(c, bytes, len_bytes);
        if (done < len_bytes && !c->out_lost) {
            done += charfd_append_locked(c, bytes + done, len_bytes - done);
            if (!c->out_watch && c->drv->api->watch_add(c->drv, c->out_fd, VIV_WATCH_OUT,
                                                        charfd_out_event, c, &c->out_watch) < 0) {
                c->out_watch = NULL;
                c->out_lost = 1;
            }
        }
        if (c->out_lost) {
            c->out_count = 0;
            done = len_bytes;
            wake = 1;
        }
        if (done < len_bytes)
            c->refused = 1;
    }
    pthread_mutex_unlock(&c->lock);
    if (wake)
        charfd_wake(c);
    return done;
}

/* -- Input ----------------------------------------------------------------------------------- */

void charfd_mark(CharFd *c, uint32_t at, uint8_t value, uint32_t marks)
{
    if (c->mark_count < CHARFD_MARKS)
        c->marks[c->mark_count++] = (CharFdMark){(uint16_t)at, value, (uint8_t)marks};
}

/* [io] */
static void charfd_give_mark(CharFd *c, const CharFdMark *mark)
{
    if (VIV_HAS(c->port, receive_marked))
        c->port->receive_marked(c->port_self, mark->value, mark->marks);
    else if (mark->marks & VIV_CHAR_MARK_BREAK)
        c->port->send_break(c->port_self);
    else
        c->port->receive(c->port_self, &mark->value, 1);
}

/* [io] 1: all of the buffer has been taken. */
static uint32_t charfd_offer(CharFd *c)
{
    for (;;) {
        uint32_t end = c->mark_pos < c->mark_count ? c->marks[c->mark_pos].at : c->in_len;
        if (end > c->in_len)
            end = c->in_len;
        if (c->in_pos < end) {
            uint32_t left = end - c->in_pos;
            uint32_t taken = c->port->receive(c->port_self, c->in + c->in_pos, left);
            c->in_pos += taken < left ? taken : left;
        }
        if (c->in_pos < end)
            return 0;
        if (c->mark_pos >= c->mark_count)
            return 1;
        charfd_give_mark(c, &c->marks[c->mark_pos++]);
    }
}

/* [io] Reads once into the empty buffer. 1: go on (perhaps with nothing), 0: nothing to read now,
 * -1: ended. */
static int charfd_fill(CharFd *c, int fd)
{
    ssize_t n = read(fd, c->in, sizeof(c->in));
    c->in_pos = c->in_len = c->mark_pos = c->mark_count = 0;
    if (n < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ||
                       (c->out_is_datagram && errno == ECONNREFUSED)
                   ? 0
                   : -1;
    if (n == 0)
        return c->out_is_datagram ? 1 : -1;
    c->in_len = (uint32_t)n;
    if (c->hooks && c->hooks->filter)
        c->in_len = c->hooks->filter(c->hooks_ctx, c->in, c->in_len);
    return 1;
}

static void charfd_end(CharFd *c, CharFdEnd what)
{
    if (c->hooks && c->hooks->ended)
        c->hooks->ended(c->hooks_ctx, what);
}

/* Ends the input watch from inside its own function; 1 if somebody else is already removing it. */
static uint32_t charfd_in_watch_leave(CharFd *c, uint32_t ended)
{
    pthread_mutex_lock(&c->lock);
    uint32_t keep = c->in_watch == NULL;
    c->in_watch = NULL;
    if (ended)
        c->in_ended = 1;
    pthread_mutex_unlock(&c->lock);
    return keep;
}

/* [io] */
static uint32_t charfd_in_event(viv_drv_t *drv, void *ctx, uint32_t events)
{
    CharFd *c = ctx;
    (void)drv, (void)events;
    pthread_mutex_lock(&c->lock);
    int fd = c->in_watch ? c->in_fd : -1;
    pthread_mutex_unlock(&c->lock);
    if (fd < 0)
        return 1;
    if (charfd_offer(c)) {
        int got = charfd_fill(c, fd);
        if (got < 0) {
            uint32_t keep = charfd_in_watch_leave(c, 1);
            if (!keep)
                charfd_end(c, CHARFD_INPUT_ENDED);
            return keep;
        }
        if (got == 0 || charfd_offer(c))
            return 1;
    }
    return charfd_in_watch_leave(c, 0); /* input_ready() brings it back */
}

/* [io] A plain file: no events, read on while the device takes it. */
static void charfd_read_file(CharFd *c, int fd)
{
    for (uint32_t turn = 0; turn < CHARFD_TURN; turn++) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (poll(&p, 1, 0) != 1)
            return; /* could not be watched, and would block: no input from there */
        if (charfd_fill(c, fd) < 0) {
            pthread_mutex_lock(&c->lock);
            c->in_ended = 1;
            pthread_mutex_unlock(&c->lock);
            charfd_end(c, CHARFD_INPUT_ENDED);
            return;
        }
        if (!charfd_offer(c))
            return;
    }
    charfd_wake(c);
}

static void charfd_watch_input_locked(CharFd *c)
{
    if (c->in_fd < 0 || c->in_watch || c->in_ended || c->in_unwatchable)
        return;
    if (c->drv->api->watch_add(c->drv, c->in_fd, VIV_WATCH_IN | VIV_WATCH_HUP, charfd_in_event, c,
                               &c->in_watch) < 0) {
        c->in_watch = NULL;
        c->in_unwatchable = 1;
    }
}

/* [io] */
static uint32_t charfd_wake_event(viv_drv_t *drv, void *ctx, uint32_t events)
{
    CharFd *c = ctx;
    uint64_t count;
    (void)drv, (void)events;
    while (read(c->wake_fd, &count, sizeof(count)) < 0 && errno == EINTR)
        ;
    pthread_mutex_lock(&c->lock);
    uint32_t unheard = c->unheard, lost = c->out_lost;
    c->unheard = 0;
    if (lost)
        c->out_lost = 2; /* told once; stays lost until the next connection */
    pthread_mutex_unlock(&c->lock);
    if (lost == 1)
        charfd_end(c, CHARFD_OUTPUT_LOST);
    if (unheard && c->hooks && c->hooks->unheard)
        c->hooks->unheard(c->hooks_ctx);

    if (charfd_offer(c)) {
        pthread_mutex_lock(&c->lock);
        charfd_watch_input_locked(c);
        int file = c->in_unwatchable && !c->in_ended ? c->in_fd : -1;
        pthread_mutex_unlock(&c->lock);
        if (file >= 0)
            charfd_read_file(c, file);
    }
    return 1;
}

void charfd_wake(CharFd *c)
{
    static const uint64_t one = 1;
    while (write(c->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
        ;
}

/* [any, device lock held] */
static void charfd_input_ready(void *self)
{
    charfd_wake(self);
}

static const viv_char_ops_t charfd_ops = {
    .size = sizeof(viv_char_ops_t),
    .write = charfd_write,
    .input_ready = charfd_input_ready,
};

/* [any, device lock held] */
static void charfd_set_params(void *self, uint32_t baud, uint32_t data_bits, uint32_t stop_bits_x2,
                              uint32_t parity)
{
    CharFd *c = self;
    c->hooks->set_params(c->hooks_ctx, baud, data_bits, stop_bits_x2, parity);
}

/* [any, device lock held] */
static void charfd_set_lines(void *self, uint32_t lines)
{
    CharFd *c = self;
    c->hooks->set_lines(c->hooks_ctx, lines);
}

static const viv_char_ops_t charfd_line_ops = {
    .size = sizeof(viv_char_ops_t),
    .write = charfd_write,
    .input_ready = charfd_input_ready,
    .set_params = charfd_set_params,
    .set_lines = charfd_set_lines,
};

viv_status_t charfd_query(CharFd *c, const char *id, viv_iface_t *ret_iface)
{
    if (strcmp(id, VIV_CHAR_ID) != 0)
        return VIV_E_NOT_FOUND;
    ret_iface->ops = c->hooks && c->hooks->set_params ? &charfd_line_ops : &charfd_ops;
    ret_iface->self = c;
    return VIV_OK;
}

/* -- Life ------------------------------------------------------------------------------------ */

int charfd_reopen(int fd, int flags)
{
    char path[40];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return open(path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

viv_status_t charfd_init(CharFd *c, viv_drv_t *drv, const CharFdHooks *hooks, void *ctx)
{
    viv_iface_t above;
    viv_status_t st = drv->api->query_above(drv, VIV_CHAR_PORT_ID, CHARFD_PORT_SIZE, &above);
    if (st < 0)
        return drv->api->fail(drv, st, "nothing above offers " VIV_CHAR_PORT_ID);
    c->drv = drv;
    c->port = above.ops;
    c->port_self = above.self;
    c->hooks = hooks;
    c->hooks_ctx = ctx;
    c->in_fd = c->out_fd = -1;
    c->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (c->wake_fd < 0)
        return drv->api->fail(drv, VIV_E_IO, "eventfd: %s", strerror(errno));
    pthread_mutex_init(&c->lock, NULL);
    c->ready = 1;
    st = drv->api->watch_add(drv, c->wake_fd, VIV_WATCH_IN, charfd_wake_event, c, &c->wake_watch);
    if (st < 0)
        c->wake_watch = NULL;
    return st;
}

static uint32_t charfd_is_datagram(int fd)
{
    int type = 0;
    socklen_t len = sizeof(type);
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_DGRAM;
}

viv_status_t charfd_connect(CharFd *c, int in_fd, int out_fd)
{
    struct stat st;
    c->in_pos = c->in_len = c->mark_pos = c->mark_count = 0;
    pthread_mutex_lock(&c->lock);
    c->in_fd = in_fd;
    c->out_fd = out_fd;
    c->in_ended = c->out_lost = c->unheard = 0;
    c->out_head = c->out_count = 0;
    c->in_unwatchable = in_fd >= 0 && fstat(in_fd, &st) == 0 && S_ISREG(st.st_mode);
    c->out_is_socket = c->out_is_pipe = c->out_must_poll = c->out_is_datagram = 0;
    if (out_fd >= 0 && fstat(out_fd, &st) == 0) {
        int flags = fcntl(out_fd, F_GETFL);
        c->out_is_socket = S_ISSOCK(st.st_mode);
        c->out_is_datagram = c->out_is_socket && charfd_is_datagram(out_fd);
        c->out_is_pipe = S_ISFIFO(st.st_mode);
        c->out_must_poll = !(flags & O_NONBLOCK) && !c->out_is_socket && !S_ISREG(st.st_mode) &&
                           !S_ISBLK(st.st_mode);
    }
    charfd_watch_input_locked(c);
    uint32_t file = c->in_unwatchable;
    pthread_mutex_unlock(&c->lock);
    if (file)
        charfd_wake(c);
    return VIV_OK;
}

void charfd_disconnect(CharFd *c)
{
    pthread_mutex_lock(&c->lock);
    viv_watch_t *in_watch = c->in_watch, *out_watch = c->out_watch;
    uint32_t refused = c->refused;
    c->in_watch = c->out_watch = NULL;
    c->in_fd = c->out_fd = -1;
    c->in_unwatchable = 0;
    c->out_count = 0;
    c->out_lost = 0; /* told or not: the connection is gone anyway */
    c->refused = 0;
    pthread_mutex_unlock(&c->lock);
    c->drv->api->watch_remove(c->drv, in_watch);
    c->drv->api->watch_remove(c->drv, out_watch);
    if (refused)
        c->port->write_ready(c->port_self); /* swallowed from now on */
}

/* The machine is going away: the last lines of a guest are worth a moment, and a reader that goes
 * on reading gets them all. */
static void charfd_drain(CharFd *c)
{
    struct timespec start = {0}, now;
    uint32_t before = 0;
    for (;;) {
        pthread_mutex_lock(&c->lock);
        if (c->out_fd >= 0)
            charfd_flush_locked(c);
        uint32_t left = c->out_fd >= 0 ? c->out_count : 0;
        struct pollfd p = {.fd = c->out_fd, .events = POLLOUT};
        pthread_mutex_unlock(&c->lock);
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (left == 0)
            return;
        if (left != before)
            start = now;
        before = left;
        int64_t ms = (now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000;
        if (ms >= CHARFD_FINISH_MS)
            return;
        poll(&p, 1, (int)(CHARFD_FINISH_MS - ms));
    }
}

void charfd_finish(CharFd *c)
{
    if (!c->ready)
        return;
    pthread_mutex_lock(&c->lock);
    c->refused = 0; /* the device is not called any more */
    pthread_mutex_unlock(&c->lock);
    charfd_drain(c);
    c->drv->api->watch_remove(c->drv, c->wake_watch);
    c->wake_watch = NULL;
    charfd_disconnect(c);
    close(c->wake_fd);
    free(c->out);
    c->out = NULL;
    pthread_mutex_destroy(&c->lock);
    c->ready = 0;
}
