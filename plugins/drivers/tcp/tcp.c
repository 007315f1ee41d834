/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* tcp: a serial port on a TCP connection.
 * As a server it talks to one client at a time. As a client it connects to a server, whether that
 * is there already or comes later, and again after a connection has ended. Names are resolved once,
 * at the start; each attempt takes the next of a name's addresses. */
#include "../charfd/charsock.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct Tcp {
    /* config */
    const char *location;
    uint8_t is_server;
    /* host resources */
    CharSock sock;
    viv_drv_t *drv;
    struct addrinfo *addresses;
    const struct addrinfo *next; /* of a client's next attempt */
} Tcp;

static const viv_option_t tcp_options[] = {
    VIV_OPT_STRING(Tcp, "Location", location, NULL,
                   "HOST:PORT of the server to connect to, [HOST:]PORT to listen at; a server "
                   "without HOST is for this machine only"),
    VIV_OPT_NAMED(Tcp, "IsServer", is_server, VIV_BOOL, 0, 1, 1,
                  "wait for connections (1) or make one (0)"),
    VIV_OPT_NAMED(Tcp, "Retry", sock.retry_ms, VIV_U32, 0, 3600000, 1000,
                  "milliseconds between a client's attempts; 0: only when the guest writes"),
    CHARFD_OPTIONS_AT(Tcp, sock.fd),
    {0},
};

static void tcp_prepare(int fd)
{
    static const int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)); /* a key press is a packet */
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
}

/* [main] or [io] Goes through the addresses until one answers or lets us wait. */
static int tcp_dial(void *ctx, uint32_t *ret_pending)
{
    Tcp *t = ctx;
    int error = EIO;
    do {
        const struct addrinfo *a = t->next;
        t->next = a->ai_next ? a->ai_next : t->addresses;
        int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd >= 0) {
            tcp_prepare(fd);
            *ret_pending = connect(fd, a->ai_addr, a->ai_addrlen) < 0;
            if (!*ret_pending || errno == EINPROGRESS)
                return fd;
        }
        error = errno;
        if (fd >= 0)
            close(fd);
    } while (t->next != t->addresses);
    errno = error;
    return -1;
}

static viv_status_t tcp_serve(Tcp *t)
{
    static const int one = 1;
    const struct addrinfo *a = t->addresses;
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return t->drv->api->fail(t->drv, VIV_E_IO, "socket: %s", strerror(errno));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    tcp_prepare(fd); /* inherited by what it accepts */
    if (bind(fd, a->ai_addr, a->ai_addrlen) < 0 || listen(fd, 4) < 0) {
        viv_status_t st = errno == EADDRINUSE ? VIV_E_EXISTS : VIV_E_IO;
        t->drv->api->fail(t->drv, st, "Location %s: %s", t->location, strerror(errno));
        close(fd);
        return st;
    }
    return charsock_serve(&t->sock, fd);
}

static viv_status_t tcp_resolve(Tcp *t)
{
    char host[CHARSOCK_NAME_MAX], port[CHARSOCK_NAME_MAX];
    if (!t->location || !charsock_split(t->location, host, port) || (!*host && !t->is_server))
        return t->drv->api->fail(t->drv, VIV_E_CONFIG, "Location is \"%s\", not %s",
                                 t->location ? t->location : "",
                                 t->is_server ? "[HOST:]PORT" : "HOST:PORT");
    const struct addrinfo want = {.ai_family = *host ? AF_UNSPEC : AF_INET,
                                  .ai_socktype = SOCK_STREAM,
                                  .ai_flags = AI_NUMERICSERV};
    int error = getaddrinfo(*host ? host : "127.0.0.1", port, &want, &t->addresses);
    if (error) {
        t->addresses = NULL;
        return t->drv->api->fail(t->drv, VIV_E_NOT_FOUND, "Location %s: %s", t->location,
                                 gai_strerror(error));
    }
    t->next = t->addresses;
    return VIV_OK;
}

/* [main] */
static viv_status_t tcp_construct(viv_drv_t *drv, void *self)
{
    Tcp *t = self;
    t->drv = drv;
    viv_status_t st = tcp_resolve(t);
    if (st >= 0)
        st = charsock_init(&t->sock, drv, t->location);
    if (st < 0)
        return st;
    return t->is_server ? tcp_serve(t) : charsock_call(&t->sock, tcp_dial, t, 1);
}

/* [main] */
static void tcp_destruct(viv_drv_t *drv, void *self)
{
    Tcp *t = self;
    (void)drv;
    charsock_finish(&t->sock);
    if (t->addresses)
        freeaddrinfo(t->addresses);
}

/* [main] */
static viv_status_t tcp_query_interface(viv_drv_t *drv, void *self, const char *id,
                                        viv_iface_t *ret_iface)
{
    (void)drv;
    return charfd_query(&((Tcp *)self)->sock.fd, id, ret_iface);
}

static const viv_driver_class_t tcp_class = {
    VIV_DRIVER_CLASS_HEAD,
    .name = "TCP",
    .summary = "characters on a TCP connection",
    .instance_size = sizeof(Tcp),
    .options = tcp_options,
    .construct = tcp_construct,
    .destruct = tcp_destruct,
    .query_interface = tcp_query_interface,
};

VIV_PLUGIN("org.vivarium.tcp", "1.0", "LGPL-2.1-or-later", "characters on a TCP connection",
           &tcp_class);
