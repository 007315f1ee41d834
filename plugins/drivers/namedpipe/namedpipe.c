/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* namedpipe: a serial port on a local (Unix) socket.
 * As a server it makes the socket and talks to one client at a time; the next one waits in the
 * kernel's queue. As a client it connects to a server that is there, and again, at the guest's next
 * output, after the server has gone. Output while nobody is connected is dropped. */
#include "../charfd/charsock.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

typedef struct NamedPipe {
    /* config */
    const char *location;
    uint8_t is_server;
    /* host resources */
    CharSock sock;
    viv_drv_t *drv;
    struct sockaddr_un address;
    ino_t inode; /* of the socket we made */
    uint32_t made;
} NamedPipe;

static const viv_option_t namedpipe_options[] = {
    VIV_OPT_STRING(NamedPipe, "Location", location, NULL, "path of the socket"),
    VIV_OPT_NAMED(NamedPipe, "IsServer", is_server, VIV_BOOL, 0, 1, 1,
                  "make the socket (1) or connect to it (0)"),
    VIV_OPT_NAMED(NamedPipe, "Retry", sock.retry_ms, VIV_U32, 0, 3600000, 0,
                  "milliseconds between a client's attempts; 0: only when the guest writes"),
    CHARFD_OPTIONS_AT(NamedPipe, sock.fd),
    {0},
};

/* [main] or [io] */
static int namedpipe_dial(void *ctx, uint32_t *ret_pending)
{
    const NamedPipe *p = ctx;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    *ret_pending = 0;
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

/* A socket that a dead process left behind may go; anything else stays. */
static viv_status_t namedpipe_clear(NamedPipe *p)
{
    struct stat st;
    uint32_t pending;
    if (lstat(p->location, &st) < 0)
        return VIV_OK;
    if (!S_ISSOCK(st.st_mode))
        return p->drv->api->fail(p->drv, VIV_E_EXISTS, "Location %s is there and no socket",
                                 p->location);
    int fd = namedpipe_dial(p, &pending);
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
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return api->fail(p->drv, VIV_E_IO, "socket: %s", strerror(errno));
    if (bind(fd, (const struct sockaddr *)&p->address, sizeof(p->address)) < 0) {
        st = VIV_E_IO;
    } else {
        p->made = stat(p->location, &info) == 0;
        p->inode = p->made ? info.st_ino : 0;
        st = listen(fd, 4) < 0 ? VIV_E_IO : VIV_OK;
    }
    if (st < 0) {
        api->fail(p->drv, st, "Location %s: %s", p->location, strerror(errno));
        close(fd);
        return st;
    }
    return charsock_serve(&p->sock, fd);
}

/* [main] */
static viv_status_t namedpipe_construct(viv_drv_t *drv, void *self)
{
    NamedPipe *p = self;
    p->drv = drv;
    if (!p->location || !*p->location)
        return drv->api->fail(drv, VIV_E_CONFIG, "Location names no socket");
    if (strlen(p->location) >= sizeof(p->address.sun_path))
        return drv->api->fail(drv, VIV_E_CONFIG,
                              "Location is longer than the %zu bytes of a socket's path",
                              sizeof(p->address.sun_path) - 1);
    p->address.sun_family = AF_UNIX;
    memcpy(p->address.sun_path, p->location, strlen(p->location) + 1);
    viv_status_t st = charsock_init(&p->sock, drv, p->location);
    if (st < 0)
        return st;
    return p->is_server ? namedpipe_serve(p)
                        : charsock_call(&p->sock, namedpipe_dial, p, p->sock.retry_ms != 0);
}

/* [main] */
static void namedpipe_destruct(viv_drv_t *drv, void *self)
{
    NamedPipe *p = self;
    struct stat info;
    (void)drv;
    charsock_finish(&p->sock);
    if (p->made && stat(p->location, &info) == 0 && info.st_ino == p->inode)
        unlink(p->location);
}

/* [main] */
static viv_status_t namedpipe_query_interface(viv_drv_t *drv, void *self, const char *id,
                                              viv_iface_t *ret_iface)
{
    (void)drv;
    return charfd_query(&((NamedPipe *)self)->sock.fd, id, ret_iface);
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
