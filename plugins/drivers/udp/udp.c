/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* udp: a serial port whose output leaves in datagrams to one address and whose input are the
 * datagrams that come from there. What the guest writes between two turns of the I/O thread shares
 * a datagram of at most 1400 bytes. Datagrams are lost where the network loses them. */
#include "../charfd/charfd.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct Udp {
    /* config */
    const char *server_address, *local_address;
    uint16_t server_port, local_port;
    /* host resources */
    CharFd fd;
    int in_fd, out_fd;
    uint32_t started;
} Udp;

static const viv_option_t udp_options[] = {
    VIV_OPT_STRING(Udp, "ServerAddress", server_address, NULL, "name or address of the peer"),
    VIV_OPT_NAMED(Udp, "ServerPort", server_port, VIV_U16, 0, 65535, 0, "the peer's port"),
    VIV_OPT_STRING(Udp, "LocalAddress", local_address, NULL,
                   "address to send from and receive at; none: the system's choice"),
    VIV_OPT_NAMED(Udp, "LocalPort", local_port, VIV_U16, 0, 65535, 0,
                  "port to send from and receive at; 0: the system's choice"),
    CHARFD_OPTIONS(Udp),
    {0},
};

static const CharFdHooks udp_hooks = {0};

static viv_status_t udp_find(viv_drv_t *drv, const char *key, const char *host, uint16_t port,
                             int family, struct addrinfo **ret_address)
{
    char service[8];
    const struct addrinfo want = {.ai_family = family,
                                  .ai_socktype = SOCK_DGRAM,
                                  .ai_flags = AI_NUMERICSERV | (host ? 0 : AI_PASSIVE)};
    snprintf(service, sizeof(service), "%u", port);
    int error = getaddrinfo(host, service, &want, ret_address);
    return error ? drv->api->fail(drv, VIV_E_NOT_FOUND, "%s %s: %s", key, host ? host : "",
                                  gai_strerror(error))
                 : VIV_OK;
}

static viv_status_t udp_bind(viv_drv_t *drv, Udp *u, int family)
{
    struct addrinfo *local = NULL;
    const char *host = u->local_address && *u->local_address ? u->local_address : NULL;
    if (!host && !u->local_port)
        return VIV_OK;
    viv_status_t st = udp_find(drv, "LocalAddress", host, u->local_port, family, &local);
    if (st < 0)
        return st;
    if (bind(u->in_fd, local->ai_addr, local->ai_addrlen) < 0)
        st = drv->api->fail(drv, errno == EADDRINUSE ? VIV_E_EXISTS : VIV_E_IO, "LocalPort %u: %s",
                            u->local_port, strerror(errno));
    freeaddrinfo(local);
    return st;
}

static viv_status_t udp_open(viv_drv_t *drv, Udp *u, const struct addrinfo *peer)
{
    u->in_fd = socket(peer->ai_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (u->in_fd < 0)
        return drv->api->fail(drv, VIV_E_IO, "socket: %s", strerror(errno));
    viv_status_t st = udp_bind(drv, u, peer->ai_family);
    if (st < 0)
        return st;
    /* From here on only the peer's datagrams come in. */
    if (connect(u->in_fd, peer->ai_addr, peer->ai_addrlen) < 0)
        return drv->api->fail(drv, VIV_E_IO, "ServerAddress %s: %s", u->server_address,
                              strerror(errno));
    u->out_fd = dup(u->in_fd);
    if (u->out_fd < 0)
        return drv->api->fail(drv, VIV_E_IO, "dup: %s", strerror(errno));
    return charfd_connect(&u->fd, u->in_fd, u->out_fd);
}

/* [main] */
static viv_status_t udp_construct(viv_drv_t *drv, void *self)
{
    Udp *u = self;
    struct addrinfo *peer = NULL;
    u->in_fd = u->out_fd = -1;
    u->started = 1;
    if (!u->server_address || !*u->server_address || !u->server_port)
        return drv->api->fail(drv, VIV_E_CONFIG, "ServerAddress and ServerPort name no peer");
    viv_status_t st = charfd_init(&u->fd, drv, &udp_hooks, u);
    if (st < 0)
        return st;
    st = udp_find(drv, "ServerAddress", u->server_address, u->server_port, AF_UNSPEC, &peer);
    if (st < 0)
        return st;
    st = udp_open(drv, u, peer);
    freeaddrinfo(peer);
    return st;
}

/* [main] */
static void udp_destruct(viv_drv_t *drv, void *self)
{
    Udp *u = self;
    (void)drv;
    if (!u->started)
        return;
    charfd_finish(&u->fd);
    if (u->in_fd >= 0)
        close(u->in_fd);
    if (u->out_fd >= 0)
        close(u->out_fd);
}

/* [main] */
static viv_status_t udp_query_interface(viv_drv_t *drv, void *self, const char *id,
                                        viv_iface_t *ret_iface)
{
    (void)drv;
    return charfd_query(&((Udp *)self)->fd, id, ret_iface);
}

static const viv_driver_class_t udp_class = {
    VIV_DRIVER_CLASS_HEAD,
    .name = "UDP",
    .summary = "characters in UDP datagrams",
    .instance_size = sizeof(Udp),
    .options = udp_options,
    .construct = udp_construct,
    .destruct = udp_destruct,
    .query_interface = udp_query_interface,
};

VIV_PLUGIN("org.vivarium.udp", "1.0", "LGPL-2.1-or-later", "characters in UDP datagrams",
           &udp_class);
