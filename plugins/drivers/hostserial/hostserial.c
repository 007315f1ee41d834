/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hostserial: a serial port of the guest on one of the host.
 * Line parameters, DTR, RTS and break go to the host's port as the guest sets them; CTS, DSR, RI
 * and DCD, breaks and characters with a parity or framing error come back. The modem inputs are
 * looked at every ModemPoll milliseconds. A terminal without modem lines (a pseudo terminal, many
 * USB adapters) leaves the guest with CTS, DSR and DCD on.
 * Not modelled: RI pulses shorter than ModemPoll. */
#include "hostserial.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/timerfd.h>
#include <unistd.h>

typedef struct HostSerial {
    /* config */
    const char *path;
    uint32_t poll_ms;
    /* host resources */
    CharFd fd;
    viv_drv_t *drv;
    HostSerialTty tty;
    HostSerialMarks marks;
    int in_fd, out_fd, timer_fd;
    viv_watch_t *timer_watch;
    uint32_t lines;  /* as the guest has set them; device lock */
    uint32_t status; /* as told last; I/O thread */
    uint32_t started;
} HostSerial;

static const viv_option_t hostserial_options[] = {
    VIV_OPT_STRING(HostSerial, "DevicePath", path, NULL, "the host's port: /dev/ttyS0"),
    VIV_OPT_NAMED(HostSerial, "ModemPoll", poll_ms, VIV_U32, 1, 10000, 20,
                  "milliseconds between two looks at the modem inputs"),
    CHARFD_OPTIONS(HostSerial),
    {0},
};

/* [io] */
static void hostserial_mark(void *ctx, uint32_t at, uint8_t value, uint32_t marks)
{
    HostSerial *s = ctx;
    charfd_mark(&s->fd, at, value, marks);
}

/* [io] */
static uint32_t hostserial_filter(void *ctx, uint8_t *buf, uint32_t len_bytes)
{
    HostSerial *s = ctx;
    return hostserial_marks(&s->marks, buf, len_bytes, hostserial_mark, s);
}

/* [io] An adapter has been pulled out. */
static void hostserial_ended(void *ctx, CharFdEnd what)
{
    HostSerial *s = ctx;
    (void)what;
    charfd_disconnect(&s->fd);
    s->drv->api->log(s->drv, VIV_LOG_WARN, "%s has gone", s->path);
    if (s->status != 0) {
        s->status = 0;
        s->fd.port->set_status(s->fd.port_self, 0);
    }
}

/* [any, device lock held] */
static void hostserial_set_params(void *ctx, uint32_t baud, uint32_t data_bits,
                                  uint32_t stop_bits_x2, uint32_t parity)
{
    HostSerial *s = ctx;
    hostserial_tty_params(&s->tty, baud, data_bits, stop_bits_x2, parity);
}

/* [any, device lock held] */
static void hostserial_set_lines(void *ctx, uint32_t lines)
{
    HostSerial *s = ctx;
    hostserial_tty_lines(&s->tty, s->lines, lines);
    s->lines = lines;
}

static const CharFdHooks hostserial_hooks = {
    .filter = hostserial_filter,
    .ended = hostserial_ended,
    .set_params = hostserial_set_params,
    .set_lines = hostserial_set_lines,
};

/* [io] */
static uint32_t hostserial_look(viv_drv_t *drv, void *ctx, uint32_t events)
{
    HostSerial *s = ctx;
    uint64_t count;
    (void)drv, (void)events;
    if (read(s->timer_fd, &count, sizeof(count)) < 0)
        return 1;
    uint32_t status = hostserial_tty_status(&s->tty);
    if (status != s->status) {
        s->status = status;
        s->fd.port->set_status(s->fd.port_self, status);
    }
    return 1;
}

static viv_status_t hostserial_watch_lines(HostSerial *s)
{
    const viv_drv_api_t *api = s->drv->api;
    const struct timespec period = {s->poll_ms / 1000, (long)(s->poll_ms % 1000) * 1000000};
    const struct itimerspec every = {period, period};
    if (!s->tty.has_lines)
        return VIV_OK;
    s->status = hostserial_tty_status(&s->tty);
    s->fd.port->set_status(s->fd.port_self, s->status);
    s->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (s->timer_fd < 0)
        return api->fail(s->drv, VIV_E_IO, "timerfd: %s", strerror(errno));
    timerfd_settime(s->timer_fd, 0, &every, NULL);
    viv_status_t st =
        api->watch_add(s->drv, s->timer_fd, VIV_WATCH_IN, hostserial_look, s, &s->timer_watch);
    if (st < 0)
        s->timer_watch = NULL;
    return st;
}

static viv_status_t hostserial_open(HostSerial *s)
{
    const viv_drv_api_t *api = s->drv->api;
    s->in_fd = open(s->path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (s->in_fd < 0)
        return api->fail(s->drv, errno == ENOENT ? VIV_E_NOT_FOUND : VIV_E_IO, "DevicePath %s: %s",
                         s->path, strerror(errno));
    if (flock(s->in_fd, LOCK_EX | LOCK_NB) < 0)
        return api->fail(s->drv, VIV_E_BUSY, "DevicePath %s is in use", s->path);
    int error = hostserial_tty_start(&s->tty, s->in_fd);
    if (error)
        return api->fail(s->drv, VIV_E_INVALID, "DevicePath %s is no serial port: %s", s->path,
                         strerror(error));
    s->out_fd = dup(s->in_fd);
    if (s->out_fd < 0)
        return api->fail(s->drv, VIV_E_IO, "dup: %s", strerror(errno));
    return VIV_OK;
}

/* [main] */
static viv_status_t hostserial_construct(viv_drv_t *drv, void *self)
{
    HostSerial *s = self;
    s->drv = drv;
    s->in_fd = s->out_fd = s->timer_fd = -1;
    s->started = 1;
    if (!s->path || !*s->path)
        return drv->api->fail(drv, VIV_E_CONFIG, "DevicePath names no port");
    viv_status_t st = charfd_init(&s->fd, drv, &hostserial_hooks, s);
    if (st >= 0)
        st = hostserial_open(s);
    if (st >= 0)
        st = charfd_connect(&s->fd, s->in_fd, s->out_fd);
    if (st >= 0)
        st = hostserial_watch_lines(s);
    return st;
}

/* [main] */
static void hostserial_destruct(viv_drv_t *drv, void *self)
{
    HostSerial *s = self;
    if (!s->started)
        return;
    drv->api->watch_remove(drv, s->timer_watch);
    charfd_finish(&s->fd);
    hostserial_tty_finish(&s->tty);
    const int fds[] = {s->in_fd, s->out_fd, s->timer_fd};
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
        if (fds[i] >= 0)
            close(fds[i]);
    }
}

/* [main] */
static viv_status_t hostserial_query_interface(viv_drv_t *drv, void *self, const char *id,
                                               viv_iface_t *ret_iface)
{
    (void)drv;
    return charfd_query(&((HostSerial *)self)->fd, id, ret_iface);
}

static const viv_driver_class_t hostserial_class = {
    VIV_DRIVER_CLASS_HEAD,
    .name = "Host Serial",
    .summary = "characters on a serial port of the host",
    .instance_size = sizeof(HostSerial),
    .options = hostserial_options,
    .construct = hostserial_construct,
    .destruct = hostserial_destruct,
    .query_interface = hostserial_query_interface,
};

VIV_PLUGIN("org.vivarium.hostserial", "1.0", "LGPL-2.1-or-later",
           "characters on a serial port of the host", &hostserial_class);
