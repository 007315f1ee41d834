/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vga: scan lines of graphics modes, as the attribute controller's eight outputs.
 * Follows: IBM PS/2 Hardware Interface Technical Reference, "Graphics Mode Register" (shift modes),
 * "Clocking Mode Register" (serializer loads), "Attribute Controller".
 * - Serializers that are loaded every second or fourth character clock shift on in between; the
 *   planes are one ring then, plane 0 taking plane 1's bits (Chips and Technologies 82C451 data
 *   sheet): eight bits a clock, sixteen with two bits a dot, all of them with four.
 * - The ninth dot of a character clock has colour 0.
 * - A 256-colour pixel is made of two four-bit dots, passes the plane enables, and goes to the DAC
 *   past the palette registers, as their identity setting in mode 13h has it. */
#include "vga.h"

void vga_draw_planar8(uint32_t planes, uint8_t out[8])
{
    for (uint32_t i = 0; i < 8; i++) {
        uint32_t bits = planes >> (7 - i);
        out[i] = (uint8_t)((bits & 1u) | (bits >> 7 & 2u) | (bits >> 14 & 4u) | (bits >> 21 & 8u));
    }
}

/* Shift registers interleaved by two: planes 0 and 2 give four dots, then planes 1 and 3. */
static void vga_draw_interleaved8(uint32_t planes, uint8_t out[8])
{
    for (uint32_t i = 0; i < 8; i++) {
        uint32_t pair = i < 4 ? planes : planes >> 8, shift = 6 - 2 * (i & 3u);
        out[i] = (uint8_t)(((pair >> shift) & 3u) | ((pair >> (16 + shift)) & 3u) << 2);
    }
}

static void vga_draw_nibbles8(uint32_t planes, uint8_t out[8])
{
    for (uint32_t i = 0; i < 8; i++)
        out[i] = (uint8_t)((planes >> (8 * (i / 2) + ((i & 1u) ? 0 : 4))) & 0x0fu);
}

static uint32_t vga_draw_ring(uint32_t planes, uint32_t bits)
{
    return bits ? planes >> bits | planes << (32 - bits) : planes;
}

/* The eight four-bit dots of a character clock, `turn` clocks after the load. */
static void vga_draw_dots8(uint32_t shift_mode, uint32_t planes, uint32_t turn, uint8_t out[8])
{
    if (shift_mode == 0)
        vga_draw_planar8(vga_draw_ring(planes, 8 * turn), out);
    else if (shift_mode == 1)
        vga_draw_interleaved8(vga_draw_ring(planes, 16 * (turn & 1u)), out);
    else
        vga_draw_nibbles8(planes, out);
}

/* Character clocks for each load of the serializers. */
static uint32_t vga_draw_load(const Vga *vga)
{
    if (vga->seq[VGA_SR_CLOCKING] & 0x10u)
        return 4;
    return (vga->seq[VGA_SR_CLOCKING] & 0x04u) ? 2 : 1;
}

/* The first pixels that panning moves out on the left. */
uint32_t vga_draw_pan(const Vga *vga, const VgaGeometry *geo, const VgaScan *scan)
{
    uint32_t pan = vga->attr[VGA_AR_PAN];
    if (scan->split && (vga->attr[VGA_AR_MODE] & 0x20u))
        return 0;
    if (geo->dots == 9)
        return pan >= 8 ? 0 : pan + 1;
    return geo->dots == 4 ? (pan & 7u) >> 1 : pan & 7u;
}

static void vga_draw_pixels(const Vga *vga, const VgaLook *look, uint32_t planes, uint32_t turn,
                            uint8_t *out)
{
    uint32_t enabled = vga->attr[VGA_AR_PLANES] & 0x0fu;
    uint32_t shift_mode = (vga->gfx[VGA_GR_MODE] >> 5) & 3u;
    uint8_t dots[8];
    if (look->geo.dots == 4 && shift_mode >= 2) {
        for (uint32_t i = 0; i < 4; i++)
            out[i] = (uint8_t)(planes >> (8 * i) & enabled * 0x11u);
        return;
    }
    vga_draw_dots8(shift_mode, planes, turn, dots);
    if (look->geo.dots == 4) {
        for (uint32_t i = 0; i < 4; i++)
            out[i] = (uint8_t)((dots[2 * i] << 4 | dots[2 * i + 1]) & enabled * 0x11u);
        return;
    }
    for (uint32_t i = 0; i < 8; i++)
        out[i] = look->attr_out[dots[i]];
    if (look->geo.dots == 9)
        out[8] = look->attr_out[0];
}

/* [any, device lock held] Character clocks first.. of a line of a mode of plain VGA. */
void vga_draw_chars(const Vga *vga, const VgaLook *look, const VgaScan *scan, uint32_t first,
                    uint32_t count, uint8_t *out)
{
    uint32_t divider = vga_scan_divider(vga), load = vga_draw_load(vga);
    if (look->geo.kind == VGA_KIND_TEXT) {
        vga_text_chars(vga, look, scan, first, count, out);
        return;
    }
    for (uint32_t x = first; x < first + count; x++, out += look->geo.dots) {
        uint32_t turn = x % load, counter = scan->start + (x - turn) / divider;
        uint32_t planes = vga_planes(vga, vga_scan_address(vga, counter, scan->row_scan));
        vga_draw_pixels(vga, look, planes, turn, out);
    }
}
