/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vga: lines of dispi modes. A virtual screen's rows follow each other without a gap; X and Y
 * offsets choose the part that is shown; what runs over the end of video memory goes on at its
 * beginning. Follows: the VBE display API of the Bochs project. */
#include "vga.h"

#include <string.h>

/* Where line y begins, in bytes; *ret_bytes is how long it is. Neither is masked. */
uint64_t vga_linear_row(const Vga *vga, uint32_t y, uint32_t *ret_bytes)
{
    uint64_t row = (uint64_t)y + vga->dispi[VGA_DISPI_Y_OFFSET];
    uint32_t x_off = vga->dispi[VGA_DISPI_X_OFFSET], width = vga->dispi[VGA_DISPI_XRES];
    uint32_t bytes = vga_dispi_bits(vga) / 8;
    if (bytes) {
        *ret_bytes = width * bytes;
        return (row * vga->dispi[VGA_DISPI_VIRT_WIDTH] + x_off) * bytes;
    }
    /* Planes: a word of storage for each eight pixels. */
    *ret_bytes = ((x_off & 7u) + width + 7u) / 8u * 4u;
    return (row * (vga->dispi[VGA_DISPI_VIRT_WIDTH] / 8u) + x_off / 8u) * 4u;
}

/* A pixel's bytes as a number. */
static uint32_t vga_linear_fetch(const Vga *vga, uint64_t at, uint32_t bytes)
{
    uint32_t value = 0;
    for (uint32_t i = 0; i < bytes; i++) {
        uint32_t byte = vga->vram[(at + i) & vga->vram_mask];
        value |= byte << (8u * (vga->big_endian ? bytes - 1 - i : i));
    }
    return value;
}

static uint32_t vga_linear_widen(uint32_t value, uint32_t bits)
{
    value &= (1u << bits) - 1;
    return value << (8 - bits) | value >> (2 * bits - 8);
}

static uint32_t vga_linear_565(uint32_t pixel)
{
    return vga_linear_widen(pixel >> 11, 5) << 16 | vga_linear_widen(pixel >> 5, 6) << 8 |
           vga_linear_widen(pixel, 5);
}

static uint32_t vga_linear_555(uint32_t pixel)
{
    return vga_linear_widen(pixel >> 10, 5) << 16 | vga_linear_widen(pixel >> 5, 5) << 8 |
           vga_linear_widen(pixel, 5);
}

static void vga_linear_planes(const Vga *vga, const VgaLook *look, uint64_t at, uint32_t *line)
{
    uint32_t width = look->geo.width, skip = vga->dispi[VGA_DISPI_X_OFFSET] & 7u;
    uint8_t dots[8];
    for (uint32_t x = 0; x < width; at += 4, skip = 0) {
        vga_draw_planar8(vga_planes(vga, (uint32_t)(at / 4) & (vga->vram_mask >> 2)), dots);
        for (uint32_t i = skip; i < 8 && x < width; i++, x++)
            line[x] = look->colors[look->attr_out[dots[i]]];
    }
}

/* [any, device lock held] */
void vga_linear_line(const Vga *vga, const VgaLook *look, uint32_t y, uint32_t *line)
{
    uint32_t width = look->geo.width, depth = vga->dispi[VGA_DISPI_BPP], row_bytes;
    uint64_t at = vga_linear_row(vga, y, &row_bytes) & vga->vram_mask;
    uint32_t bytes = vga_dispi_bits(vga) / 8;
    if (depth == 4) {
        vga_linear_planes(vga, look, at, line);
        return;
    }
    if (depth == 32 && !vga->big_endian && at + row_bytes <= vga->vram_bytes) {
        memcpy(line, vga->vram + at, row_bytes);
        for (uint32_t x = 0; x < width; x++)
            line[x] &= 0xffffffu;
        return;
    }
    for (uint32_t x = 0; x < width; x++, at += bytes) {
        uint32_t pixel = vga_linear_fetch(vga, at, bytes);
        if (depth == 8)
            line[x] = look->colors[pixel];
        else if (depth == 15)
            line[x] = vga_linear_555(pixel);
        else if (depth == 16)
            line[x] = vga_linear_565(pixel);
        else
            line[x] = pixel & 0xffffffu;
    }
}
