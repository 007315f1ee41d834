/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vga: pictures of the screen, and the display port.
 * Everything is drawn anew for each frame() and compared line by line with the picture before: the
 * guest writes linear video memory without the device's knowledge, so only comparing tells changes.
 * Follows: IBM PS/2 Hardware Interface Technical Reference, "Attribute Controller", "Video DAC".
 * A 256-colour pixel goes to the DAC past the palette registers, as their identity setting has it.
 * Graphics modes are taken to have eight dots a character clock. */
#include "vga.h"

#include <stdlib.h>
#include <string.h>

/* xRGB of a DAC entry, behind the pixel mask. */
uint32_t vga_draw_dac(const Vga *vga, uint32_t index)
{
    const uint8_t *entry = &vga->dac[(index & vga->dac_mask) * 3u];
    return (uint32_t)entry[0] << 16 | (uint32_t)entry[1] << 8 | entry[2];
}

/* xRGB of a four-bit colour that has passed the attribute controller. */
uint32_t vga_draw_attr(const Vga *vga, uint32_t color)
{
    uint32_t select = vga->attr[VGA_AR_COLOR_SELECT];
    uint32_t index = vga->attr[color & vga->attr[VGA_AR_PLANES] & 0x0fu];
    if (vga->attr[VGA_AR_MODE] & 0x80u)
        index = (index & 0x0fu) | (select & 0x03u) << 4;
    return vga_draw_dac(vga, index | (select & 0x0cu) << 4);
}

/* -- Planar and CGA modes -------------------------------------------------------------------- */

static void vga_draw_planar8(uint32_t planes, uint8_t *out)
{
    for (uint32_t i = 0; i < 8; i++) {
        uint32_t bits = planes >> (7 - i);
        out[i] = (uint8_t)((bits & 1u) | (bits >> 7 & 2u) | (bits >> 14 & 4u) | (bits >> 21 & 8u));
    }
}

/* Shift registers interleaved by two: planes 0 and 2 give four pixels, then planes 1 and 3. */
static void vga_draw_interleaved8(uint32_t planes, uint8_t *out)
{
    for (uint32_t i = 0; i < 8; i++) {
        uint32_t pair = i < 4 ? planes : planes >> 8, shift = 6 - 2 * (i & 3u);
        out[i] = (uint8_t)(((pair >> shift) & 3u) | ((pair >> (16 + shift)) & 3u) << 2);
    }
}

static void vga_draw_nibbles8(uint32_t planes, uint8_t *out)
{
    for (uint32_t i = 0; i < 8; i++)
        out[i] = (uint8_t)((planes >> (8 * (i / 2) + ((i & 1u) ? 0 : 4))) & 0x0fu);
}

static uint32_t vga_draw_pan(const Vga *vga, const VgaScan *scan, uint32_t dots)
{
    if (scan->split && (vga->attr[VGA_AR_MODE] & 0x20u))
        return 0;
    return dots == 4 ? (vga->attr[VGA_AR_PAN] & 7u) >> 1 : vga->attr[VGA_AR_PAN] & 7u;
}

/* colors: 16 entries, or all 256 if geo->dots is 4. */
static void vga_draw_planes_line(const Vga *vga, const VgaGeometry *geo, const VgaScan *scan,
                                 const uint32_t *colors, uint32_t *line)
{
    uint32_t pan = vga_draw_pan(vga, scan, geo->dots), divider = vga_scan_divider(vga);
    uint32_t shift_mode = (vga->gfx[VGA_GR_MODE] >> 5) & 3u;
    uint32_t *out = line;
    uint8_t pixels[8];
    for (uint32_t x = 0; x < geo->chars + (pan != 0); x++) {
        uint32_t planes =
            vga_planes(vga, vga_scan_address(vga, scan->start + x / divider, scan->row_scan));
        if (geo->dots == 4) {
            for (uint32_t i = 0; i < 4; i++)
                *out++ = colors[(planes >> (8 * i)) & 0xffu];
            continue;
        }
        if (shift_mode == 0)
            vga_draw_planar8(planes, pixels);
        else if (shift_mode == 1)
            vga_draw_interleaved8(planes, pixels);
        else
            vga_draw_nibbles8(planes, pixels);
        for (uint32_t i = 0; i < 8; i++)
            *out++ = colors[pixels[i]];
    }
    if (pan)
        memmove(line, line + pan, geo->width * sizeof(*line));
}

/* -- Dispi modes ----------------------------------------------------------------------------- */

/* A pixel's bytes as a number; wraps at the end of video memory. */
static uint32_t vga_draw_fetch(const Vga *vga, uint64_t at, uint32_t bytes)
{
    uint32_t value = 0;
    for (uint32_t i = 0; i < bytes; i++) {
        uint32_t byte = vga->vram[(at + i) & vga->vram_mask];
        value |= byte << (8u * (vga->big_endian ? bytes - 1 - i : i));
    }
    return value;
}

static uint32_t vga_draw_widen(uint32_t value, uint32_t bits)
{
    value &= (1u << bits) - 1;
    return value << (8 - bits) | value >> (2 * bits - 8);
}

static uint32_t vga_draw_565(uint32_t pixel)
{
    return vga_draw_widen(pixel >> 11, 5) << 16 | vga_draw_widen(pixel >> 5, 6) << 8 |
           vga_draw_widen(pixel, 5);
}

static uint32_t vga_draw_555(uint32_t pixel)
{
    return vga_draw_widen(pixel >> 10, 5) << 16 | vga_draw_widen(pixel >> 5, 5) << 8 |
           vga_draw_widen(pixel, 5);
}

static void vga_draw_dispi4_line(const Vga *vga, uint32_t y, const uint32_t *colors, uint32_t *line)
{
    uint32_t width = vga->dispi[VGA_DISPI_XRES], x_off = vga->dispi[VGA_DISPI_X_OFFSET];
    uint64_t row =
        (uint64_t)(y + vga->dispi[VGA_DISPI_Y_OFFSET]) * (vga->dispi[VGA_DISPI_VIRT_WIDTH] / 8u);
    uint8_t pixels[8];
    for (uint32_t x = 0; x < width;) {
        uint32_t at = x + x_off;
        vga_draw_planar8(vga_planes(vga, (uint32_t)(row + at / 8) & (vga->vram_mask >> 2)), pixels);
        for (uint32_t i = at & 7u; i < 8 && x < width; i++, x++)
            line[x] = colors[pixels[i]];
    }
}

static void vga_draw_dispi_line(const Vga *vga, uint32_t y, const uint32_t *colors, uint32_t *line)
{
    uint32_t width = vga->dispi[VGA_DISPI_XRES], depth = vga->dispi[VGA_DISPI_BPP];
    uint32_t bytes = vga_dispi_bits(vga) / 8;
    uint64_t row =
        (uint64_t)(y + vga->dispi[VGA_DISPI_Y_OFFSET]) * vga->dispi[VGA_DISPI_VIRT_WIDTH] +
        vga->dispi[VGA_DISPI_X_OFFSET];
    uint64_t at = (row * bytes) & vga->vram_mask;
    if (depth == 32 && !vga->big_endian && at + (uint64_t)width * 4 <= vga->vram_bytes) {
        memcpy(line, vga->vram + at, (size_t)width * 4);
        for (uint32_t x = 0; x < width; x++)
            line[x] &= 0xffffffu;
        return;
    }
    for (uint32_t x = 0; x < width; x++, at += bytes) {
        uint32_t pixel = vga_draw_fetch(vga, at, bytes);
        if (depth == 8)
            line[x] = colors[pixel];
        else if (depth == 15)
            line[x] = vga_draw_555(pixel);
        else if (depth == 16)
            line[x] = vga_draw_565(pixel);
        else
            line[x] = pixel & 0xffffffu;
    }
}

/* -- One picture ----------------------------------------------------------------------------- */

static uint32_t vga_draw_is_256(const Vga *vga, const VgaGeometry *geo)
{
    return (geo->kind == VGA_KIND_PLANES && geo->dots == 4) ||
           (geo->kind == VGA_KIND_DISPI && vga->dispi[VGA_DISPI_BPP] == 8);
}

/* Blinking in graphics modes takes the intensity bit away in every other half second. */
static void vga_draw_colors(const Vga *vga, const VgaGeometry *geo, uint64_t frame,
                            uint32_t colors[256])
{
    if (vga_draw_is_256(vga, geo)) {
        for (uint32_t i = 0; i < 256; i++)
            colors[i] = vga_draw_dac(vga, i);
        return;
    }
    uint32_t keep = 0x0f;
    if (geo->kind == VGA_KIND_PLANES && (vga->attr[VGA_AR_MODE] & 0x08u) && (frame & 16u))
        keep = 0x07;
    for (uint32_t i = 0; i < 16; i++)
        colors[i] = vga_draw_attr(vga, i & keep);
}

/* Puts vga->line into the picture. Returns 1 if that changed it. */
static uint32_t vga_draw_commit(Vga *vga, const VgaGeometry *geo, uint32_t y)
{
    uint32_t *to = vga->pixels + (uint64_t)y * geo->width;
    size_t bytes = (size_t)geo->width * sizeof(*to);
    if (memcmp(to, vga->line, bytes) == 0)
        return 0;
    memcpy(to, vga->line, bytes);
    return 1;
}

static uint32_t vga_draw_scanned(Vga *vga, const VgaGeometry *geo, const uint32_t *colors,
                                 uint64_t frame)
{
    uint32_t changed = 0;
    VgaScan scan;
    vga_scan_begin(vga, &scan);
    for (; scan.line < geo->lines; vga_scan_next(vga, &scan)) {
        if (scan.line % geo->repeat || scan.line / geo->repeat >= geo->height)
            continue;
        if (geo->kind == VGA_KIND_TEXT)
            vga_text_line(vga, geo, &scan, colors, frame, vga->line);
        else
            vga_draw_planes_line(vga, geo, &scan, colors, vga->line);
        changed |= vga_draw_commit(vga, geo, scan.line / geo->repeat);
    }
    return changed;
}

static uint32_t vga_draw_picture(Vga *vga, const VgaGeometry *geo)
{
    uint32_t changed = 0, colors[256];
    uint64_t frame = vga_timing_frame(vga, vga->dev->api->time_ns(vga->dev));
    if (!geo->blank) {
        vga_draw_colors(vga, geo, frame, colors);
        if (geo->kind != VGA_KIND_DISPI)
            return vga_draw_scanned(vga, geo, colors, frame);
    }
    for (uint32_t y = 0; y < geo->height; y++) {
        if (geo->blank)
            memset(vga->line, 0, (size_t)geo->width * sizeof(*vga->line));
        else if (vga->dispi[VGA_DISPI_BPP] == 4)
            vga_draw_dispi4_line(vga, y, colors, vga->line);
        else
            vga_draw_dispi_line(vga, y, colors, vga->line);
        changed |= vga_draw_commit(vga, geo, y);
    }
    return changed;
}

/* Room for the picture; another size starts from black. */
static viv_status_t vga_draw_resize(Vga *vga, const VgaGeometry *geo)
{
    uint64_t count = (uint64_t)geo->width * geo->height;
    if (geo->width == vga->shown_width && geo->height == vga->shown_height && vga->pixels)
        return VIV_OK;
    if (count > vga->pixels_cap) {
        uint32_t *grown = malloc(count * sizeof(*grown));
        if (!grown)
            return VIV_E_NOMEM;
        free(vga->pixels);
        vga->pixels = grown;
        vga->pixels_cap = count;
    }
    memset(vga->pixels, 0, count * sizeof(*vga->pixels));
    vga->shown_width = geo->width;
    vga->shown_height = geo->height;
    vga->generation++;
    return VIV_OK;
}

/* -- The port -------------------------------------------------------------------------------- */

/* [any, no lock] */
static viv_status_t vga_port_frame(void *self, viv_frame_t *ret_frame)
{
    Vga *vga = self;
    VgaGeometry geo;
    vga->dev->api->lock(vga->dev);
    vga_scan_geometry(vga, &geo);
    viv_status_t status = vga_draw_resize(vga, &geo);
    if (status == VIV_OK) {
        if (vga_draw_picture(vga, &geo))
            vga->generation++;
        ret_frame->width = geo.width;
        ret_frame->height = geo.height;
        ret_frame->stride_bytes = geo.width * 4;
        ret_frame->pixels = vga->pixels;
        ret_frame->generation = vga->generation;
    }
    vga->dev->api->unlock(vga->dev);
    return status;
}

/* [any, no lock] */
static uint32_t vga_port_text(void *self, char *buf, uint32_t buf_bytes)
{
    Vga *vga = self;
    vga->dev->api->lock(vga->dev);
    uint32_t len = vga_text_dump(vga, buf, buf_bytes);
    vga->dev->api->unlock(vga->dev);
    return len;
}

const viv_display_port_ops_t vga_display_port = {
    .size = sizeof(viv_display_port_ops_t),
    .frame = vga_port_frame,
    .text = vga_port_text,
};
