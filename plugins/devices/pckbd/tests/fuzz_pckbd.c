/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pckbd: port, key, mouse and clock traffic from fuzz input; two bytes an action. */
#include "harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned saves = 0;
    Harness *h = harness_new("pckbd", "");
    for (size_t i = 0; i + 1 < size; i += 2) {
        uint8_t what = data[i], value = data[i + 1];
        viv_iface_t iface;
        switch (what & 15) {
        case 0:
        case 1: harness_out8(h, 0x64, value); break;
        case 2:
        case 3: harness_out8(h, 0x60, value); break;
        case 4:
            harness_out8(h, 0x64, 0xd4);
            harness_out8(h, 0x60, value);
            break;
        case 5:
        case 6: harness_in8(h, 0x60); break;
        case 7: harness_in8(h, 0x64); break;
        case 8:
        case 9: {
            iface = harness_port(h, 0, VIV_KEYBOARD_PORT_ID);
            const viv_keyboard_port_ops_t *keyboard = iface.ops;
            size_t len = value & 31;
            if (len > size - i)
                len = size - i;
            keyboard->put_scancodes(iface.self, data + i, (uint32_t)len);
            break;
        }
        case 10:
        case 11: {
            iface = harness_port(h, 1, VIV_MOUSE_PORT_ID);
            const viv_mouse_port_ops_t *mouse = iface.ops;
            int32_t span = what & 0x80 ? INT32_MIN : (int32_t)value * 3 - 400;
            mouse->put_event(iface.self, span, span / 2, span / 3, what >> 4);
            break;
        }
        case 12:
        case 13: harness_advance_ns(h, (uint64_t)value * 100000u); break;
        case 14: harness_advance_ns(h, (uint64_t)value * 10000000u); break;
        default:
            if (value < 8)
                harness_reset(h);
            else if (saves++ < 16)
                harness_save_load(h);
            break;
        }
    }
    harness_free(h);
    return 0;
}
