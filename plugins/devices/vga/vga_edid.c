/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vga: the EDID block of the monitor, read through the MMIO BAR.
 * Follows: VESA Enhanced EDID Standard, structure version 1.3. One detailed timing: the preferred
 * size at 60 Hz (less where the 655 MHz of the format do not suffice), reduced blanking. */
#include "vga.h"

#include <string.h>

static void vga_edid_timing(uint8_t *dtd, uint32_t width, uint32_t height)
{
    const uint32_t h_blank = 160, h_front = 48, h_sync = 32, v_front = 3, v_sync = 6;
    uint32_t v_blank = height / 20 + 12, refresh = 60, clock;
    uint32_t mm_width = width * 254 / 960, mm_height = height * 254 / 960; /* 96 dots an inch */
    do {
        clock = (uint32_t)((uint64_t)(width + h_blank) * (height + v_blank) * refresh / 10000);
        refresh -= 10;
    } while (clock > 0xffff && refresh);
    dtd[0] = (uint8_t)clock;
    dtd[1] = (uint8_t)(clock >> 8);
    dtd[2] = (uint8_t)width;
    dtd[3] = (uint8_t)h_blank;
    dtd[4] = (uint8_t)((width >> 8) << 4 | h_blank >> 8);
    dtd[5] = (uint8_t)height;
    dtd[6] = (uint8_t)v_blank;
    dtd[7] = (uint8_t)((height >> 8) << 4 | v_blank >> 8);
    dtd[8] = (uint8_t)h_front;
    dtd[9] = (uint8_t)h_sync;
    dtd[10] = (uint8_t)(v_front << 4 | v_sync);
    dtd[11] = 0;
    dtd[12] = (uint8_t)mm_width;
    dtd[13] = (uint8_t)mm_height;
    dtd[14] = (uint8_t)((mm_width >> 8) << 4 | mm_height >> 8);
    dtd[17] = 0x1e; /* digital separate syncs, both positive */
}

/* width and height are at most 4095. */
void vga_edid_make(uint8_t edid[VGA_EDID_BYTES], uint32_t width, uint32_t height)
{
    /* Width / 8 - 31, then aspect ratio and refresh - 60. */
    static const uint8_t standard[16] = {
        0x81, 0x80, 0xa9, 0x40, 0xd1, 0xc0, 0x81, 0xc0,
        0x95, 0x00, 0xb3, 0x00, 0x81, 0x00, 0xe1, 0xc0,
    };
    static const uint8_t chromaticity[10] = {
        0xee, 0x91, 0xa3, 0x54, 0x4c, 0x99, 0x26, 0x0f, 0x50, 0x54, /* sRGB */
    };
    static const uint8_t range[18] = {0,  0, 0,    0xfd, 0,   24,  120, 15,  250,
                                      65, 0, 0x0a, ' ',  ' ', ' ', ' ', ' ', ' '};
    static const uint8_t name[18] = {0,   0,   0,   0xfc, 0,    'V', 'i', 'v', 'a',
                                     'r', 'i', 'u', 'm',  0x0a, ' ', ' ', ' ', ' '};
    uint32_t maker = ('V' - 64u) << 10 | ('I' - 64u) << 5 | ('V' - 64u), sum = 0;
    memset(edid, 0, VGA_EDID_BYTES);
    memset(edid + 1, 0xff, 6);
    edid[8] = (uint8_t)(maker >> 8);
    edid[9] = (uint8_t)maker;
    edid[10] = 1;  /* product */
    edid[17] = 34; /* 2024 */
    edid[18] = 1;  /* EDID 1.3 */
    edid[19] = 3;
    edid[20] = 0x80; /* digital */
    edid[21] = (uint8_t)(width * 254 / 9600);
    edid[22] = (uint8_t)(height * 254 / 9600);
    edid[23] = 120;  /* gamma 2.2 */
    edid[24] = 0x0a; /* colour; the first timing is the preferred one */
    memcpy(edid + 25, chromaticity, sizeof(chromaticity));
    edid[35] = 0x21; /* 640x480, 800x600 at 60 Hz */
    edid[36] = 0x08; /* 1024x768 at 60 Hz */
    memcpy(edid + 38, standard, sizeof(standard));
    vga_edid_timing(edid + 54, width, height);
    memcpy(edid + 72, range, sizeof(range));
    memcpy(edid + 90, name, sizeof(name));
    edid[108 + 3] = 0x10; /* an empty descriptor */
    for (uint32_t i = 0; i < VGA_EDID_BYTES - 1; i++)
        sum += edid[i];
    edid[VGA_EDID_BYTES - 1] = (uint8_t)(0x100u - (sum & 0xffu));
}
