/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hostserial: what its parts share. */
#ifndef HOSTSERIAL_H
#define HOSTSERIAL_H

#include "../charfd/charfd.h"

/* -- hostserial_marks.c: what PARMRK puts into the input ------------------------------------- */

typedef struct HostSerialMarks {
    uint8_t state; /* bytes of an escape that have come: 0, 1 (FFh), 2 (FFh 00h) */
} HostSerialMarks;

/* Takes the escapes out of buf: FFh FFh is FFh, FFh 00h 00h a break, FFh 00h x a spoilt x. Calls
 * mark(ctx, at, value, VIV_CHAR_MARK_*) for those. Returns the new length. */
uint32_t hostserial_marks(HostSerialMarks *m, uint8_t *buf, uint32_t len,
                          void (*mark)(void *ctx, uint32_t at, uint8_t value, uint32_t marks),
                          void *ctx);

/* -- hostserial_tty.c: the terminal driver of the host --------------------------------------- */

typedef struct HostSerialTty HostSerialTty;
struct HostSerialTty {
    int fd;
    uint32_t has_lines; /* a real port: modem lines can be read */
    uint32_t changed;
    unsigned char saved[64]; /* termios2 as it was */
};

/* 0, or errno. Raw mode with marks; what was before is kept. */
int hostserial_tty_start(HostSerialTty *t, int fd);
void hostserial_tty_finish(HostSerialTty *t);
void hostserial_tty_params(HostSerialTty *t, uint32_t baud, uint32_t data_bits,
                           uint32_t stop_bits_x2, uint32_t parity);
/* viv.char/1's set_lines bits that differ between old and now. */
void hostserial_tty_lines(HostSerialTty *t, uint32_t old, uint32_t now);
/* viv.char-port/1's set_status bits. */
uint32_t hostserial_tty_status(const HostSerialTty *t);

#endif
