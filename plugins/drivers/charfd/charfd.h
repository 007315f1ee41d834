/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* charfd: what the character drivers share - viv.char/1 over a pair of file descriptors.
 * Not a plugin: each driver compiles charfd.c into its own module.
 *
 * Output goes to the descriptor at once; what it does not take waits in a bounded backlog that the
 * I/O thread empties; it grows with need to the size that the option Backlog allows. A full backlog
 * makes write() return less, and write_ready() follows when half of it is free. Without a connection output is swallowed. Input that the device does not take is
 * kept, and the descriptor is left alone until input_ready(): the peer feels it.
 *
 * Threads: write() and input_ready() come from any thread with the device's lock held, so the lock
 * here is never held while the device is called. Watches are added from any thread; one is removed
 * either by its own function or by whoever has taken its handle out of the struct, never by both
 * (invariant 1). The input buffer belongs to the I/O thread (invariant 2). */
#ifndef CHARFD_H
#define CHARFD_H

#include <viv/driver.h>
#include <viv/interfaces.h>

#include <pthread.h>

#define CHARFD_BACKLOG     65536u
#define CHARFD_BACKLOG_MAX (1u << 30)
#define CHARFD_INPUT       4096u
#define CHARFD_MARKS       (CHARFD_INPUT / 3u) /* a mark takes three bytes of input at least */
#define CHARFD_DATAGRAM    1400u               /* output gathered for one datagram */

typedef enum CharFdEnd {
    CHARFD_INPUT_ENDED, /* end of file or hang-up */
    CHARFD_OUTPUT_LOST, /* a write failed for good */
} CharFdEnd;

typedef struct CharFdHooks {
    /* [io] May edit what has been read, before the device sees it; returns the new length (not
     * longer). May be NULL. */
    uint32_t (*filter)(void *ctx, uint8_t *buf, uint32_t len_bytes);
    /* [io] May call charfd_disconnect(). May be NULL. */
    void (*ended)(void *ctx, CharFdEnd what);
    /* [io] Something was written while nothing is connected. May be NULL. */
    void (*unheard)(void *ctx);
    /* [any, device lock held] viv.char/1's functions of these names. May be NULL, both or none. */
    void (*set_params)(void *ctx, uint32_t baud, uint32_t data_bits, uint32_t stop_bits_x2,
                       uint32_t parity);
    void (*set_lines)(void *ctx, uint32_t lines);
} CharFdHooks;

/* A spoilt character: it comes before in[at]. */
typedef struct CharFdMark {
    uint16_t at;
    uint8_t value, marks; /* VIV_CHAR_MARK_* */
} CharFdMark;

typedef struct CharFd {
    uint32_t backlog_bytes; /* config: CHARFD_OPTIONS */
    viv_drv_t *drv;
    const viv_char_port_ops_t *port;
    void *port_self;
    const CharFdHooks *hooks;
    void *hooks_ctx;
    int wake_fd;
    viv_watch_t *wake_watch;
    uint32_t ready; /* init has succeeded */

    pthread_mutex_t lock; /* guards what follows up to `in` */
    int in_fd, out_fd;    /* the driver's; -1: none */
    viv_watch_t *in_watch, *out_watch;
    uint32_t in_unwatchable; /* a plain file: always readable */
    uint32_t in_ended;
    uint32_t out_is_socket, out_is_pipe, out_must_poll, out_is_datagram;
    uint32_t out_lost;
    uint32_t refused; /* the device has a byte that the backlog did not take */
    uint32_t unheard;
    uint32_t out_head, out_count;
    uint32_t out_room; /* of out[], a ring; grows to backlog_bytes */
    uint8_t *out;

    uint8_t in[CHARFD_INPUT]; /* I/O thread only */
    uint32_t in_pos, in_len;
    uint32_t mark_pos, mark_count;
    CharFdMark marks[CHARFD_MARKS];
} CharFd;

/* The options of a driver whose struct has the CharFd as `fd`, or elsewhere. */
#define CHARFD_OPTIONS(Struct) CHARFD_OPTIONS_AT(Struct, fd)
#define CHARFD_OPTIONS_AT(Struct, member)                                                          \
    VIV_OPT_NAMED(Struct, "Backlog", member.backlog_bytes, VIV_U32, CHARFD_BACKLOG,                \
                  CHARFD_BACKLOG_MAX, CHARFD_BACKLOG,                                              \
                  "bytes that wait for a slow reader before the guest feels it")

/* [main] Finds the port above. charfd_finish accepts a CharFd for which this failed, or a zeroed
 * one. */
viv_status_t charfd_init(CharFd *c, viv_drv_t *drv, const CharFdHooks *hooks, void *ctx);
/* Writes out what is left, until nothing has gone for a second, and lets go of everything but the
 * descriptors. */
void charfd_finish(CharFd *c);
/* [io] For a filter: a spoilt character comes before buf[at] of what it returns. */
void charfd_mark(CharFd *c, uint32_t at, uint8_t value, uint32_t marks);
/* [main] or [io] Either may be -1. They stay the caller's, must differ, and must stay open until
 * disconnect. */
viv_status_t charfd_connect(CharFd *c, int in_fd, int out_fd);
void charfd_disconnect(CharFd *c);
/* [any] Runs the I/O thread's part soon. */
void charfd_wake(CharFd *c);

/* A descriptor of its own on the same file, non-blocking, so that the flag does not leak to others
 * that share `fd` (a terminal's standard streams are one open file). -1 if the system cannot do
 * that. */
int charfd_reopen(int fd, int flags);

viv_status_t charfd_query(CharFd *c, const char *id, viv_iface_t *ret_iface);

#endif
