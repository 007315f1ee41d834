/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* machine_char: what hangs on a serial-like LUN, from the text of --serial and chardev=. */
#ifndef FRONTENDS_MAIN_MACHINE_CHAR_H
#define FRONTENDS_MAIN_MACHINE_CHAR_H

#include <glib.h>

#include "cfgm/cfgm.h"

#define MACHINE_CHAR_KINDS                                                                         \
    "stdio, pty, file:PATH, unix:PATH, unix-client:PATH, tcp:HOST:PORT, tcp-listen:[HOST:]PORT, "  \
    "udp:HOST:PORT[@[HOST:]PORT], host:DEVICE"

/* Describes the driver at node ("Devices/serial/0/LUN#0"); option is what to blame ("--serial").
 * backlog_bytes 0: the driver's default. */
viv_status_t machine_char(CfgmNode *root, const char *node, const char *option, const char *spec,
                          uint64_t backlog_bytes, VivError *err);

#endif
