/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* charsock: charfd over a stream socket that comes and goes - what NamedPipe and TCP share.
 * Not a plugin: a driver compiles charsock.c and charfd.c into its own module.
 *
 * A server talks to one client at a time; the next ones wait in the kernel's queue. A client whose
 * connection is gone dials again: at the guest's next output, and every retry_ms if that is set.
 *
 * Threads: sockets are changed on the I/O thread, and on [main] before anything is watched and
 * after everything has been removed. A watch is removed by its own function or by charsock_finish,
 * whoever takes its handle out of the struct under fd.lock. */
#ifndef CHARSOCK_H
#define CHARSOCK_H

#include "charfd.h"

typedef struct CharSock {
    CharFd fd; /* CHARFD_OPTIONS_AT(Struct, sock.fd) */
    viv_drv_t *drv;
    const char *name; /* for messages (borrowed) */
    /* [main] or [io] A client's way to a socket whose connect() has been called; *ret_pending: it
     * goes on. -1: errno says why not. Non-blocking. */
    int (*dial)(void *ctx, uint32_t *ret_pending);
    void *ctx;
    uint32_t retry_ms;

    int listen_fd, dial_fd, in_fd, out_fd, timer_fd;
    viv_watch_t *listen_watch, *dial_watch, *timer_watch;
    uint32_t started;
    uint32_t closing; /* under fd.lock: no new watch */
    uint32_t told;    /* that nobody answers */
    uint64_t next_try_ns;
} CharSock;

/* [main] charsock_finish accepts a CharSock for which this failed, or a zeroed one. */
viv_status_t charsock_init(CharSock *s, viv_drv_t *drv, const char *name);
void charsock_finish(CharSock *s);
/* [main] Takes over a listening socket. */
viv_status_t charsock_serve(CharSock *s, int listen_fd);
/* [main] A client: dials now and whenever it must. The first attempt may fail quietly if wait, and
 * else fails the start. */
viv_status_t charsock_call(CharSock *s, int (*dial)(void *ctx, uint32_t *ret_pending), void *ctx,
                           uint32_t wait);

/* "host:port", "[v6]:port" or "port" into host ("" if absent) and port. 0: not of that form. */
#define CHARSOCK_NAME_MAX 256u
uint32_t charsock_split(const char *text, char host[CHARSOCK_NAME_MAX],
                        char port[CHARSOCK_NAME_MAX]);

#endif
