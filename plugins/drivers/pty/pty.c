/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pty: a serial port behind a pseudo terminal of the host (`screen /dev/pts/7`, or the name in
 * LinkPath). While nobody has the terminal open, output is dropped. The kernel tells when the last
 * one closes it (hang-up on our side) but not when the next one opens it; inotify does. */
#include "../charfd/charfd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

typedef struct Pty {
    /* config */
    const char *link_path;
    /* host resources */
    CharFd fd;
    viv_drv_t *drv;
    int master_fd, out_fd; /* one file, two descriptors: input and output are watched apart */
    int notify_fd;
    int keep_fd; /* terminal side, kept open when there is no inotify */
    viv_watch_t *notify_watch;
    uint32_t linked, started;
    char name[64];
} Pty;

static const viv_option_t pty_options[] = {
    VIV_OPT_STRING(Pty, "LinkPath", link_path, NULL,
                   "symbolic link to make to the terminal; none: its name is logged only"),
    CHARFD_OPTIONS(Pty),
    {0},
};

static uint32_t pty_is_open(const Pty *p)
{
    struct pollfd q = {.fd = p->master_fd, .events = POLLIN};
    return poll(&q, 1, 0) >= 0 && !(q.revents & POLLHUP);
}

/* [io] The last user has closed the terminal. */
static void pty_ended(void *ctx, CharFdEnd what)
{
    Pty *p = ctx;
    (void)what;
    charfd_disconnect(&p->fd);
    /* Somebody may have opened it since; an open from here on is seen by inotify. */
    if (pty_is_open(p))
        charfd_connect(&p->fd, p->master_fd, p->out_fd);
}

static const CharFdHooks pty_hooks = {.ended = pty_ended};

/* [io] Somebody has opened the terminal. */
static uint32_t pty_notified(viv_drv_t *drv, void *ctx, uint32_t events)
{
    Pty *p = ctx;
    char buf[512];
    (void)drv, (void)events;
    while (read(p->notify_fd, buf, sizeof(buf)) > 0)
        ;
    pthread_mutex_lock(&p->fd.lock);
    uint32_t connected = p->fd.in_fd >= 0;
    pthread_mutex_unlock(&p->fd.lock);
    if (!connected && pty_is_open(p))
        charfd_connect(&p->fd, p->master_fd, p->out_fd);
    return 1;
}

/* The link is ours to replace only if it is a link. */
static viv_status_t pty_link(Pty *p)
{
    struct stat st;
    if (!p->link_path || !*p->link_path)
        return VIV_OK;
    if (lstat(p->link_path, &st) == 0) {
        if (!S_ISLNK(st.st_mode))
            return p->drv->api->fail(p->drv, VIV_E_EXISTS, "LinkPath %s is there and no link",
                                     p->link_path);
        unlink(p->link_path);
    }
    if (symlink(p->name, p->link_path) < 0)
        return p->drv->api->fail(p->drv, VIV_E_IO, "LinkPath %s: %s", p->link_path,
                                 strerror(errno));
    p->linked = 1;
    return VIV_OK;
}

static viv_status_t pty_open(Pty *p)
{
    const viv_drv_api_t *api = p->drv->api;
    struct termios raw;
    p->master_fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (p->master_fd < 0 || grantpt(p->master_fd) < 0 || unlockpt(p->master_fd) < 0)
        return api->fail(p->drv, VIV_E_IO, "no pseudo terminal: %s", strerror(errno));
    if (ptsname_r(p->master_fd, p->name, sizeof(p->name)) != 0)
        return api->fail(p->drv, VIV_E_IO, "ptsname: %s", strerror(errno));
    p->out_fd = fcntl(p->master_fd, F_DUPFD_CLOEXEC, 3);
    if (p->out_fd < 0)
        return api->fail(p->drv, VIV_E_IO, "dup: %s", strerror(errno));
    p->keep_fd = open(p->name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (p->keep_fd < 0)
        return api->fail(p->drv, VIV_E_IO, "%s: %s", p->name, strerror(errno));
    if (tcgetattr(p->keep_fd, &raw) == 0) {
        cfmakeraw(&raw);
        tcsetattr(p->keep_fd, TCSANOW, &raw);
    }
    return VIV_OK;
}

/* Watches for users of the terminal. Without inotify our own descriptor keeps it open for good, and
 * output waits for a reader instead of being dropped. */
static viv_status_t pty_start(Pty *p)
{
    p->notify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (p->notify_fd < 0 || inotify_add_watch(p->notify_fd, p->name, IN_OPEN) < 0)
        return charfd_connect(&p->fd, p->master_fd, p->out_fd);
    close(p->keep_fd);
    p->keep_fd = -1;
    viv_status_t st = p->drv->api->watch_add(p->drv, p->notify_fd, VIV_WATCH_IN, pty_notified, p,
                                             &p->notify_watch);
    if (st < 0)
        p->notify_watch = NULL;
    return st;
}

/* [main] */
static viv_status_t pty_construct(viv_drv_t *drv, void *self)
{
    Pty *p = self;
    p->drv = drv;
    p->master_fd = p->out_fd = p->notify_fd = p->keep_fd = -1;
    p->started = 1;
    viv_status_t st = charfd_init(&p->fd, drv, &pty_hooks, p);
    if (st >= 0)
        st = pty_open(p);
    if (st >= 0)
        st = pty_link(p);
    if (st >= 0)
        st = pty_start(p);
    if (st >= 0)
        drv->api->log(drv, VIV_LOG_INFO, "terminal %s", p->name);
    return st;
}

/* [main] */
static void pty_destruct(viv_drv_t *drv, void *self)
{
    Pty *p = self;
    if (!p->started)
        return;
    drv->api->watch_remove(drv, p->notify_watch);
    charfd_finish(&p->fd);
    if (p->linked)
        unlink(p->link_path);
    const int fds[] = {p->master_fd, p->out_fd, p->notify_fd, p->keep_fd};
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
        if (fds[i] >= 0)
            close(fds[i]);
    }
}

/* [main] */
static viv_status_t pty_query_interface(viv_drv_t *drv, void *self, const char *id,
                                        viv_iface_t *ret_iface)
{
    (void)drv;
    return charfd_query(&((Pty *)self)->fd, id, ret_iface);
}

static const viv_driver_class_t pty_class = {
    VIV_DRIVER_CLASS_HEAD,
    .name = "PTY",
    .summary = "characters on a pseudo terminal",
    .instance_size = sizeof(Pty),
    .options = pty_options,
    .construct = pty_construct,
    .destruct = pty_destruct,
    .query_interface = pty_query_interface,
};

VIV_PLUGIN("org.vivarium.pty", "1.0", "LGPL-2.1-or-later", "characters on a pseudo terminal",
           &pty_class);
