/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hostserial: a serial port of the host through Linux's terminal driver. termios2 takes any rate,
 * which termios does not; its header and <termios.h> exclude each other. */
#include "hostserial.h"

#include <asm/termbits.h>
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

_Static_assert(sizeof(struct termios2) <= sizeof(((HostSerialTty *)0)->saved),
               "saved is too small");

int hostserial_tty_start(HostSerialTty *t, int fd)
{
    struct termios2 tio;
    int lines;
    if (ioctl(fd, TCGETS2, &tio) < 0)
        return errno;
    memcpy(t->saved, &tio, sizeof(tio));
    tio.c_iflag = PARMRK | INPCK;
    tio.c_oflag = tio.c_lflag = 0;
    tio.c_cflag = (tio.c_cflag & ~(tcflag_t)(CRTSCTS | HUPCL)) | CREAD | CLOCAL;
    tio.c_cc[VMIN] = 1;
    tio.c_cc[VTIME] = 0;
    if (ioctl(fd, TCSETS2, &tio) < 0)
        return errno;
    t->fd = fd;
    t->changed = 1;
    t->has_lines = ioctl(fd, TIOCMGET, &lines) == 0;
    ioctl(fd, TIOCEXCL);
    return 0;
}

void hostserial_tty_finish(HostSerialTty *t)
{
    struct termios2 tio;
    if (!t->changed)
        return;
    memcpy(&tio, t->saved, sizeof(tio));
    ioctl(t->fd, TIOCCBRK);
    ioctl(t->fd, TCSETS2, &tio);
    ioctl(t->fd, TIOCNXCL);
    t->changed = 0;
}

void hostserial_tty_params(HostSerialTty *t, uint32_t baud, uint32_t data_bits,
                           uint32_t stop_bits_x2, uint32_t parity)
{
    static const tcflag_t sizes[4] = {CS5, CS6, CS7, CS8};
    struct termios2 tio;
    if (ioctl(t->fd, TCGETS2, &tio) < 0)
        return;
    tio.c_cflag &= ~(tcflag_t)(CBAUD | CIBAUD | CSIZE | CSTOPB | PARENB | PARODD | CMSPAR);
    tio.c_cflag |= BOTHER | sizes[(data_bits - 5u) & 3u];
    if (stop_bits_x2 > 2)
        tio.c_cflag |= CSTOPB;
    if (parity != 'N')
        tio.c_cflag |= PARENB;
    if (parity == 'O' || parity == 'M')
        tio.c_cflag |= PARODD;
    if (parity == 'M' || parity == 'S')
        tio.c_cflag |= CMSPAR;
    tio.c_ispeed = tio.c_ospeed = baud;
    ioctl(t->fd, TCSETS2, &tio);
}

static void hostserial_tty_bit(const HostSerialTty *t, uint32_t on, int bit)
{
    ioctl(t->fd, on ? TIOCMBIS : TIOCMBIC, &bit);
}

void hostserial_tty_lines(HostSerialTty *t, uint32_t old, uint32_t now)
{
    uint32_t changed = old ^ now;
    if (changed & 1u)
        hostserial_tty_bit(t, now & 1u, TIOCM_DTR);
    if (changed & 2u)
        hostserial_tty_bit(t, now & 2u, TIOCM_RTS);
    if (changed & 4u)
        ioctl(t->fd, (now & 4u) ? TIOCSBRK : TIOCCBRK);
}

uint32_t hostserial_tty_status(const HostSerialTty *t)
{
    int lines = 0;
    if (ioctl(t->fd, TIOCMGET, &lines) < 0)
        return 0;
    return ((lines & TIOCM_CTS) ? 1u : 0u) | ((lines & TIOCM_DSR) ? 2u : 0u) |
           ((lines & TIOCM_RNG) ? 4u : 0u) | ((lines & TIOCM_CAR) ? 8u : 0u);
}
