/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* serial: port, plug and clock traffic from fuzz input; two bytes an action. */
#include "harness.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const options[] = {"", "UartType=16450", "UartType=16750",
                                          "UartType=16750,RealBaud=1"};
    if (size < 1)
        return 0;
    Harness *h = harness_create();
    harness_lun_char(h, 0);
    if (harness_start(h, "serial", options[data[0] & 3u]) < 0)
        abort();
    for (size_t i = 1; i + 1 < size; i += 2) {
        uint8_t what = data[i], value = data[i + 1];
        switch (what >> 4) {
        case 0:
        case 1:
        case 2:
        case 3: harness_out8(h, 0x3f8u + (what & 7u), value); break;
        case 4:
        case 5: harness_in8(h, 0x3f8u + (what & 7u)); break;
        case 6: harness_char_inject(h, 0, &data[i], 2); break;
        case 7: harness_advance_ns(h, (uint64_t)value * 10000u); break;
        case 8: harness_char_room(h, 0, value); break;
        case 9: {
            viv_iface_t port = harness_port(h, 0, VIV_CHAR_PORT_ID);
            const viv_char_port_ops_t *ops = port.ops;
            if (what & 2)
                ops->receive_marked(port.self, value, what >> 2);
            else if (what & 1)
                ops->send_break(port.self);
            else
                ops->set_status(port.self, value);
            break;
        }
        case 10: harness_save_load(h); break;
        case 11: harness_io_write(h, 0x3f8u + (what & 4u), value * 0x01010101u, 4); break;
        case 12: harness_reset(h); break;
        default: break;
        }
    }
    harness_free(h);
    return 0;
}
