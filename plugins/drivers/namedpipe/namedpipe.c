/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* namedpipe: a serial port on a local (Unix) socket.
 * As a server it makes the socket and talks to one client at a time; the next one waits in the
 * kernel's queue. As a client it connects to a server that is there, and again, at the guest's next
 * output, after the server has gone. Output while nobody is connected is dropped. */
#include "../charfd/charfd.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define NAMEDPIPE_RETRY_NS 100000000u

typedef struct NamedPipe {
    /* config */
    const char *location;
    uint8_t is_server;
    /* host resources */
    CharFd fd;
    viv_drv_t *drv;
    int listen_fd;
    int in_fd, out_fd; /* one connection; changed on [io], and on [main] before and after */
    viv_watch_t *listen_watch;
    struct sockaddr_un address;
    ino_t inode; /* of the socket we made */
    uint32_t made, started;
    uint32_t closing; /* under fd.lock: no new watch */
    uint64_t next_try_ns;
} NamedPipe;

static const viv_option_t namedpipe_options[] = {
    VIV_OPT_STRING(NamedPipe, "Location", location, NULL, "path of the socket"),
    VIV_OPT_NAMED(NamedPipe, "IsServer", is_server, VIV_BOOL, 0, 1, 1,
                  "make the socket (1) or connect to it (0)"),
    CHARFD_OPTIONS(NamedPipe),
    {0},
};

static viv_status_t namedpipe_watch(NamedPipe *p);

static void namedpipe_hang_up(NamedPipe *p)
{
    charfd_disconnect(&p->fd);
    if (p->in_fd >= 0)
        close(p->in_fd);
    if (p->out_fd >= 0)
        close(p->out_fd);
    p->in_fd = p->out_fd = -1;
}

/* Takes over fd. */
static void namedpipe_connected(NamedPipe *p, int fd)
{
    p->in_fd = fd;
    p->out_fd = dup(fd);
    if (p->out_fd < 0)
        namedpipe_hang_up(p);
    else
        charfd_connect(&p->fd, p->in_fd, p->out_fd);
}

static int namedpipe_dial(NamedPipe *p)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    if (connect(fd, (const struct sockaddr *)&p->address, sizeof(p->address)) < 0) {
        int saved = errno;
        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

/* [io] */
static void namedpipe_ended(void *ctx, CharFdEnd what)
{
    NamedPipe *p = ctx;
    (void)what;
    namedpipe_hang_up(p);
    if (p->is_server && namedpipe_watch(p) < 0)
        p->drv->api->log(p->drv, VIV_LOG_WARN, "%s takes no further connections", p->location);
}

/* [io] The guest has written while nothing is connected. */
static void namedpipe_unheard(void *ctx)
{
    NamedPipe *p = ctx;
    uint64_t now_ns = p->drv->api->time_ns(p->drv);
    if (p->is_server || p->in_fd >= 0 || now_ns < p->next_try_ns)
        return;
    p->next_try_ns = now_ns + NAMEDPIPE_RETRY_NS;
    int fd = namedpipe_dial(p);
    if (fd >= 0)
        namedpipe_connected(p, fd);
}

static const CharFdHooks namedpipe_hooks = {.ended = namedpipe_ended, .unheard = namedpipe_unheard};

/* [io] Ends with the first client; the watch comes back when that one has left. */
static uint32_t namedpipe_incoming(viv_drv_t *drv, void *ctx, uint32_t events)
{
    NamedPipe *p = ctx;
    (void)drv, (void)events;
    int fd = accept4(p->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return 1;
    pthread_mutex_lock(&p->fd.lock);
    uint32_t removed = p->listen_watch == NULL; /* destruct has the handle and is waiting for us */
    p->listen_watch = NULL;
    pthread_mutex_unlock(&p->fd.lock);
    if (removed) {
        close(fd);
        return 1;
    }
    namedpipe_connected(p, fd);
    return 0;
}

static viv_status_t namedpipe_watch(NamedPipe *p)
{
    viv_status_t st = VIV_OK;
    pthread_mutex_lock(&p->fd.lock);
    if (!p->closing)
        st = p->drv->api->watch_add(p->drv, p->listen_fd, VIV_WATCH_IN, namedpipe_incoming, p,
                                    &p->listen_watch);
    if (st < 0)
        p->listen_watch = NULL;
    pthread_mutex_unlock(&p->fd.lock);
    return st;
}

/* A socket that a dead process left behind may go; anything else stays. */
static viv_status_t namedpipe_clear(NamedPipe *p)
{
    struct stat st;
    if (lstat(p->location, &st) < 0)
        return VIV_OK;
    if (!S_ISSOCK(st.st_mode))
        return p->drv->api->fail(p->drv, VIV_E_EXISTS, "Location %s is there and no socket",
                                 p->location);
    int fd = namedpipe_dial(p);
    if (fd >= 0 || errno != ECONNREFUSED) {
        if (fd >= 0)
            close(fd);
        return p->drv->api->fail(p->drv, VIV_E_EXISTS, "Location %s is in use by another server",
                                 p->location);
    }
    unlink(p->location);
    return VIV_OK;
}

static viv_status_t namedpipe_serve(NamedPipe *p)
{
    const viv_drv_api_t *api = p->drv->api;
    struct stat info;
    viv_status_t st = namedpipe_clear(p);
    if (st < 0)
        return st;
    p->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (p->listen_fd < 0)
        return api->fail(p->drv, VIV_E_IO, "socket: %s", strerror(errno));
    if (bind(p->listen_fd, (const struct sockaddr *)&p->address, sizeof(p->address)) < 0)
        return api->fail(p->drv, VIV_E_IO, "Location %s: %s", p->location, strerror(errno));
    if (stat(p->location, &info) == 0) {
        p->inode = info.st_ino;
        p->made = 1;
    }
    if (listen(p->listen_fd, 4) < 0)
        return api->fail(p->drv, VIV_E_IO, "Location %s: %s", p->location, strerror(errno));
    return namedpipe_watch(p);
}

/* [main] */
static viv_status_t namedpipe_construct(viv_drv_t *drv, void *self)
{
    NamedPipe *p = self;
    p->drv = drv;
    p->listen_fd = p->in_fd = p->out_fd = -1;
    p->started = 1;
    if (!p->location || !*p->location)
        return drv->api->fail(drv, VIV_E_CONFIG, "Location names no socket");
    if (strlen(p->location) >= sizeof(p->address.sun_path))
        return drv->api->fail(drv, VIV_E_CONFIG,
                              "Location is longer than the %zu bytes of a socket's path",
                              sizeof(p->address.sun_path) - 1);
    p->address.sun_family = AF_UNIX;
    memcpy(p->address.sun_path, p->location, strlen(p->location) + 1);
    viv_status_t st = charfd_init(&p->fd, drv, &namedpipe_hooks, p);
    if (st < 0)
        return st;
    if (p->is_server)
        return namedpipe_serve(p);
    int fd = namedpipe_dial(p);
    if (fd < 0)
        return drv->api->fail(drv, VIV_E_NOT_FOUND, "Location %s: %s", p->location,
                              strerror(errno));
    namedpipe_connected(p, fd);
    return VIV_OK;
}

/* [main] */
static void namedpipe_destruct(viv_drv_t *drv, void *self)
{
    NamedPipe *p = self;
    struct stat info;
    if (!p->started)
        return;
    if (p->fd.ready) {
        pthread_mutex_lock(&p->fd.lock);
        viv_watch_t *watch = p->listen_watch;
        p->listen_watch = NULL;
        p->closing = 1;
        pthread_mutex_unlock(&p->fd.lock);
        drv->api->watch_remove(drv, watch);
    }
    charfd_finish(&p->fd);
    if (p->in_fd >= 0)
        close(p->in_fd);
    if (p->out_fd >= 0)
        close(p->out_fd);
    if (p->listen_fd >= 0)
        close(p->listen_fd);
    if (p->made && stat(p->location, &info) == 0 && info.st_ino == p->inode)
        unlink(p->location);
}

/* [main] */
static viv_status_t namedpipe_query_interface(viv_drv_t *drv, void *self, const char *id,
                                              viv_iface_t *ret_iface)
{
    (void)drv;
    return charfd_query(&((NamedPipe *)self)->fd, id, ret_iface);
}

static const viv_driver_class_t namedpipe_class = {
    VIV_DRIVER_CLASS_HEAD,
    .name = "NamedPipe",
    .summary = "characters on a local socket",
    .instance_size = sizeof(NamedPipe),
    .options = namedpipe_options,
    .construct = namedpipe_construct,
    .destruct = namedpipe_destruct,
    .query_interface = namedpipe_query_interface,
};

VIV_PLUGIN("org.vivarium.namedpipe", "1.0", "LGPL-2.1-or-later", "characters on a local socket",
           &namedpipe_class);
