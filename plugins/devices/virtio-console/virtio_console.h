/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtio-console: what its files share. */
#ifndef VIRTIO_CONSOLE_H
#define VIRTIO_CONSOLE_H

#include <viv/interfaces.h>

#include "virtio.h"

#define CONSOLE_PORTS 31u

#define CONSOLE_F_SIZE        UINT64_C(1)
#define CONSOLE_F_MULTIPORT   UINT64_C(2)
#define CONSOLE_F_EMERG_WRITE UINT64_C(4)

#define CONSOLE_QUEUE_CONTROL_RX 2u
#define CONSOLE_QUEUE_CONTROL_TX 3u

/* Control events, 5.3.6.2. */
#define CONSOLE_DEVICE_READY 0u
#define CONSOLE_DEVICE_ADD   1u
#define CONSOLE_DEVICE_DEL   2u
#define CONSOLE_PORT_READY   3u
#define CONSOLE_CONSOLE_PORT 4u
#define CONSOLE_RESIZE       5u
#define CONSOLE_PORT_OPEN    6u
#define CONSOLE_PORT_NAME    7u

/* What the driver is still to be told of a port, in this order. */
#define CONSOLE_TELL_REMOVE  0x01u
#define CONSOLE_TELL_ADD     0x02u
#define CONSOLE_TELL_CONSOLE 0x04u
#define CONSOLE_TELL_RESIZE  0x08u
#define CONSOLE_TELL_NAME    0x10u
#define CONSOLE_TELL_OPEN    0x20u
#define CONSOLE_TELL_ALL     0x3fu

typedef struct VirtioConsole VirtioConsole;

typedef struct ConsolePort {
    VirtioConsole *console;
    const viv_char_ops_t *chr; /* NULL: nothing is plugged in */
    void *chr_self;
    VirtQueue *rx, *tx;
    const char *name; /* "" for none */
    uint32_t number;
    uint8_t is_console;
    uint8_t host_open; /* the driver below has somebody at its other end */
    uint8_t refused;   /* input, which will be offered again */
    uint8_t busy;      /* output is being moved */

    /* saved */
    uint8_t plugged, ready, guest_open, tell, told_open;
    uint8_t reserved0;
    uint16_t columns, rows; /* 0: not known */
} ConsolePort;

struct VirtioConsole {
    /* configuration */
    uint32_t port_count;
    uint32_t columns, rows;
    uint8_t multiport, emergency;
    uint8_t reserved0[2];

    viv_dev_t *dev;
    VirtQueue *control_rx, *control_tx;
    ConsolePort ports[CONSOLE_PORTS];
    uint64_t stat_in, stat_out, stat_unplugged, stat_emergency;
    Virtio virtio;
};

/* Is the port the guest's to use now? */
int console_port_live(const ConsolePort *p);

/* -- virtio_console_port.c: bytes -- */
extern const viv_char_port_ops_t console_char_port;
void console_port_in(void *self, VirtQueue *q);  /* the driver has made room for input */
void console_port_out(void *self, VirtQueue *q); /* the driver has output */
/* Calls input_ready() if input waits. */
void console_port_offer(ConsolePort *p);

/* -- virtio_console_control.c: messages -- */
extern const viv_console_port_ops_t console_size_port;
void console_control_in(void *self, VirtQueue *q);
void console_control_out(void *self, VirtQueue *q);
/* To be told, if the driver knows the port (or TELL_ADD, TELL_REMOVE). */
void console_tell(ConsolePort *p, uint32_t what);
void console_host_open(ConsolePort *p, uint32_t open);

#endif
