/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vga: port, memory, BAR and clock traffic from fuzz input, four bytes an action, pictures in
 * between. */
#include "harness.h"

#include <stdlib.h>

#define LFB  0xe0000000ull
#define MMIO 0xf0000000ull

static const uint32_t enable_ports[] = {0x3c3, 0x46e8, 0x102};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_picture(Harness *h)
{
    viv_iface_t iface = harness_port(h, 0, VIV_DISPLAY_PORT_ID);
    const viv_display_port_ops_t *port = iface.ops;
    viv_frame_t frame = {.size = sizeof(frame)};
    char text[256];
    if (port->frame(iface.self, &frame) == VIV_OK && !frame.pixels)
        abort();
    port->text(iface.self, text, sizeof(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned pictures = 0;
    Harness *h =
        harness_new("vga", size && data[0] & 0x80 ? "VRamSize=0x100000,VgaRom=,FullRaster=1"
                                                  : "VRamSize=0x100000,VgaRom=");
    harness_cfg_write(h, 0, 4, 3, 2);
    harness_pci_map_bar(h, 0, 0, LFB);
    harness_pci_map_bar(h, 0, 2, MMIO);
    for (size_t i = 0; i + 3 < size; i += 4) {
        uint32_t a = data[i + 1], b = data[i + 2], c = data[i + 3];
        switch (data[i] & 15) {
        case 0:
        case 1: harness_out8(h, 0x3c0u + (a & 31), (uint8_t)b); break;
        case 2: harness_out16(h, 0x3c4, (uint16_t)(a | b << 8)); break;
        case 3: harness_out16(h, 0x3ce, (uint16_t)(a | b << 8)); break;
        case 4:
        case 5: harness_out16(h, c & 0x80 ? 0x3b4 : 0x3d4, (uint16_t)(a | b << 8)); break;
        case 6: harness_in8(h, 0x3b0u + a % 48); break;
        case 7:
            if (data[i] & 0x10) {
                harness_out8(h, enable_ports[a % 3], (uint8_t)b);
                harness_out8(h, enable_ports[b % 3], c & 1 ? 0x08 : (uint8_t)c);
                break;
            }
            harness_out16(h, 0x1ce, (uint16_t)(a & 15));
            harness_out16(h, 0x1cf, (uint16_t)(b | c << 8));
            break;
        case 8:
            harness_mmio_write(h, 0xa0000u + ((a << 9) & 0x1fff8u), b * 0x0101010101010101ull ^ c,
                               1u << (c & 3));
            break;
        case 9: harness_mmio_read(h, 0xa0000u + ((a << 9) & 0x1fff8u), 1u << (c & 3)); break;
        case 10: harness_mmio_write(h, MMIO + (a << 4 & 0xff8), b | c << 8, 1u << (c & 1)); break;
        case 11: harness_mmio_write(h, LFB + (a << 12), b | c << 8, 4); break;
        case 12: harness_advance_ns(h, (uint64_t)(a << 8 | b) * 1000); break;
        case 13:
            if (pictures++ < 8)
                fuzz_picture(h);
            break;
        case 14:
            if (data[i] & 0x10)
                harness_cfg_write(h, 0, 4, b, 2);
            else
                harness_mmio_read(h, MMIO + (a << 4 & 0xff8), 4);
            break;
        default:
            if (pictures++ < 8)
                harness_save_load(h);
            break;
        }
    }
    fuzz_picture(h);
    if (size > 3 && data[0] & 0x40) {
        harness_fuzz_state(h, data + 1, size - 1);
        fuzz_picture(h);
    }
    harness_free(h);
    return 0;
}
