/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hostserial: breaks and spoilt characters in the input of a terminal with PARMRK (termios(3)). */
#include "hostserial.h"

uint32_t hostserial_marks(HostSerialMarks *m, uint8_t *buf, uint32_t len,
                          void (*mark)(void *ctx, uint32_t at, uint8_t value, uint32_t marks),
                          void *ctx)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < len; i++) {
        uint8_t value = buf[i];
        if (m->state == 2) {
            /* The terminal driver does not say which of the two a spoilt character suffers from:
             * parity where there is one to be wrong is for the device to tell. */
            m->state = 0;
            mark(ctx, kept, value,
                 value ? VIV_CHAR_MARK_PARITY | VIV_CHAR_MARK_FRAMING
                       : VIV_CHAR_MARK_BREAK | VIV_CHAR_MARK_FRAMING);
        } else if (m->state == 1 && value == 0) {
            m->state = 2;
        } else if (m->state == 0 && value == 0xff) {
            m->state = 1;
        } else {
            m->state = 0;
            buf[kept++] = value;
        }
    }
    return kept;
}
