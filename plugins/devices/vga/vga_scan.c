/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vga: what the CRT controller does: geometry of the picture and of the raster, addresses.
 * Follows: IBM PS/2 Hardware Interface Technical Reference, "CRT Controller"; FreeVGA for the
 * order of address substitutions. The end registers of blanking compare 6 (horizontal) and 8
 * (vertical) bits of the counters, so blanking ends at the next match, in the next line or frame
 * if need be. Blanking begins and ends a character clock, or line, after the counter's match: that
 * is what makes the standard modes' borders (8 dots on either side; 6, 7 and 8 lines above and below
 * 350, 400 and 480) come out of their registers. */
#include "vga.h"

static uint32_t vga_scan_overflow(const Vga *vga, uint32_t bit, uint32_t to)
{
    return ((vga->crtc[VGA_CR_OVERFLOW] >> bit) & 1u) << to;
}

uint32_t vga_scan_v_total(const Vga *vga)
{
    return vga->crtc[VGA_CR_V_TOTAL] | vga_scan_overflow(vga, 0, 8) | vga_scan_overflow(vga, 5, 9);
}

uint32_t vga_scan_v_display_end(const Vga *vga)
{
    return vga->crtc[VGA_CR_V_DISPLAY_END] | vga_scan_overflow(vga, 1, 8) |
           vga_scan_overflow(vga, 6, 9);
}

uint32_t vga_scan_v_retrace_start(const Vga *vga)
{
    return vga->crtc[VGA_CR_V_RETRACE_START] | vga_scan_overflow(vga, 2, 8) |
           vga_scan_overflow(vga, 7, 9);
}

static uint32_t vga_scan_v_blank_start(const Vga *vga)
{
    return vga->crtc[VGA_CR_V_BLANK_START] | vga_scan_overflow(vga, 3, 8) |
           ((vga->crtc[VGA_CR_MAX_SCAN] >> 5) & 1u) << 9;
}

static uint32_t vga_scan_line_compare(const Vga *vga)
{
    return vga->crtc[VGA_CR_LINE_COMPARE] | vga_scan_overflow(vga, 4, 8) |
           ((vga->crtc[VGA_CR_MAX_SCAN] >> 6) & 1u) << 9;
}

/* CR17 bit 2 clocks the vertical counter by every second line. */
uint32_t vga_scan_v_scale(const Vga *vga)
{
    return (vga->crtc[VGA_CR_MODE] & 0x04u) ? 2 : 1;
}

uint32_t vga_scan_char_dots(const Vga *vga)
{
    return (vga->seq[VGA_SR_CLOCKING] & 0x01u) ? 8 : 9;
}

/* -- Geometry -------------------------------------------------------------------------------- */

/* Sequencer in reset, screen off, no retraces: the beam is dark. */
static uint32_t vga_scan_is_blank(const Vga *vga, uint32_t kind)
{
    if (vga->seq[VGA_SR_CLOCKING] & 0x20u)
        return 1;
    if (kind == VGA_KIND_DISPI)
        return !(vga->attr_index & 0x20u);
    return !(vga->crtc[VGA_CR_MODE] & 0x80u) || (vga->seq[VGA_SR_RESET] & 3u) != 3u;
}

static void vga_scan_geometry_planes(const Vga *vga, VgaGeometry *geo)
{
    geo->dots = (vga->attr[VGA_AR_MODE] & 0x40u) ? 4 : vga_scan_char_dots(vga);
    /* Rows of several equal lines are shown as one, unless the row scan counter picks the bank. */
    geo->repeat = (vga->crtc[VGA_CR_MAX_SCAN] & 0x80u) ? 2 : 1;
    if ((vga->crtc[VGA_CR_MODE] & 0x03u) == 0x03u)
        geo->repeat *= (vga->crtc[VGA_CR_MAX_SCAN] & 0x1fu) + 1;
}

/* How far from `start` the counter is when its low bits are `end` again. */
static uint32_t vga_scan_blank_count(uint32_t start, uint32_t end, uint32_t mask, uint32_t total)
{
    if (start >= total)
        return 0;
    for (uint32_t count = 1; count < total; count++)
        if ((((start + count) % total) & mask) == end)
            return count;
    return total;
}

/* What takes its time, for vga->raster. */
void vga_scan_raster(const Vga *vga, VgaGeometry *geo)
{
    *geo = (VgaGeometry){.repeat = 1};
    if (vga_dispi_on(vga))
        return;
    uint32_t end = (vga->crtc[VGA_CR_H_BLANK_END] & 0x1fu) |
                   ((vga->crtc[VGA_CR_H_RETRACE_END] >> 7) & 1u) << 5;
    geo->skew = (vga->crtc[VGA_CR_H_BLANK_END] >> 5) & 3u;
    geo->h_total = vga->crtc[VGA_CR_H_TOTAL] + 5u;
    geo->h_blank = vga->crtc[VGA_CR_H_BLANK_START];
    geo->h_blank_count = vga_scan_blank_count(geo->h_blank, end, 0x3f, geo->h_total);
    geo->h_blank = (geo->h_blank + 1) % geo->h_total;
    uint32_t scale = vga_scan_v_scale(vga), total = vga_scan_v_total(vga) + 2u;
    uint32_t start = vga_scan_v_blank_start(vga);
    geo->v_total = total * scale;
    geo->v_blank = (start + 1) % total * scale;
    geo->v_blank_count =
        vga_scan_blank_count(start, vga->crtc[VGA_CR_V_BLANK_END], 0xff, total) * scale;
}

static void vga_scan_geometry_dispi(const Vga *vga, VgaGeometry *geo)
{
    geo->kind = VGA_KIND_DISPI;
    geo->width = vga->dispi[VGA_DISPI_XRES];
    geo->height = geo->lines = vga->dispi[VGA_DISPI_YRES];
    geo->chars = geo->dots = geo->repeat = 1;
}

void vga_scan_geometry(const Vga *vga, VgaGeometry *geo)
{
    *geo = vga->raster;
    if (vga_dispi_on(vga)) {
        vga_scan_geometry_dispi(vga, geo);
    } else {
        geo->chars = vga->crtc[VGA_CR_H_DISPLAY_END] + 1u;
        geo->lines = (vga_scan_v_display_end(vga) + 1) * vga_scan_v_scale(vga);
        if (vga->gfx[VGA_GR_MISC] & 1u) {
            geo->kind = VGA_KIND_PLANES;
            vga_scan_geometry_planes(vga, geo);
        } else {
            geo->kind = VGA_KIND_TEXT;
            geo->dots = vga_scan_char_dots(vga);
        }
        geo->width = geo->chars * geo->dots;
        geo->height = geo->lines / geo->repeat;
        if (!geo->height)
            geo->height = 1;
        geo->idle = !(vga->attr_index & 0x20u);
    }
    geo->blank = vga_scan_is_blank(vga, geo->kind);
}

static uint32_t vga_scan_within(uint32_t at, uint32_t first, uint32_t count, uint32_t total)
{
    return at < total && (at + total - first) % total < count;
}

/* A character clock of the line, or a line of the frame: is it blanked? */
uint32_t vga_scan_column_blank(const VgaGeometry *geo, uint32_t column)
{
    return geo->h_blank_count &&
           vga_scan_within(column, geo->h_blank, geo->h_blank_count, geo->h_total);
}

uint32_t vga_scan_line_blank(const VgaGeometry *geo, uint32_t line)
{
    return geo->v_blank_count &&
           vga_scan_within(line, geo->v_blank, geo->v_blank_count, geo->v_total);
}

/* -- Addresses ------------------------------------------------------------------------------- */

static uint32_t vga_scan_byte_pan(const Vga *vga)
{
    return (vga->crtc[VGA_CR_PRESET_ROW] >> 5) & 3u;
}

void vga_scan_begin(const Vga *vga, uint32_t start, VgaScan *scan)
{
    *scan = (VgaScan){
        .start = start + vga_scan_byte_pan(vga),
        .row_scan = vga->crtc[VGA_CR_PRESET_ROW] & 0x1fu,
    };
}

/* Goes to the next scan line. */
void vga_scan_next(const Vga *vga, VgaScan *scan)
{
    uint32_t at_compare = scan->line == vga_scan_line_compare(vga) * vga_scan_v_scale(vga);
    scan->line++;
    if (at_compare) {
        scan->start = (vga->attr[VGA_AR_MODE] & 0x20u) ? 0 : vga_scan_byte_pan(vga);
        scan->row_scan = scan->second = 0;
        scan->split = 1;
        return;
    }
    if ((vga->crtc[VGA_CR_MAX_SCAN] & 0x80u) && !scan->second) {
        scan->second = 1;
        return;
    }
    scan->second = 0;
    if (scan->row_scan == (vga->crtc[VGA_CR_MAX_SCAN] & 0x1fu)) {
        scan->row_scan = 0;
        scan->start = (scan->start + vga->crtc[VGA_CR_OFFSET] * 2u) & 0xffffu;
    } else {
        scan->row_scan = (scan->row_scan + 1) & 0x1fu;
    }
}

/* Character clocks for each step of the address counter. */
uint32_t vga_scan_divider(const Vga *vga)
{
    if (vga->crtc[VGA_CR_UNDERLINE] & 0x20u)
        return 4;
    return (vga->crtc[VGA_CR_MODE] & 0x08u) ? 2 : 1;
}

/* The counter as it reaches video memory: a plane offset below 64 Ki. */
uint32_t vga_scan_address(const Vga *vga, uint32_t counter, uint32_t row_scan)
{
    uint32_t mode = vga->crtc[VGA_CR_MODE], addr;
    counter &= 0xffffu;
    if (vga->crtc[VGA_CR_UNDERLINE] & 0x40u)
        addr = (counter << 2) | (counter >> 14);
    else if (!(mode & 0x40u))
        addr = (counter << 1) | ((counter >> ((mode & 0x20u) ? 15 : 13)) & 1u);
    else
        addr = counter;
    if (!(mode & 0x01u))
        addr = (addr & ~0x2000u) | ((row_scan & 1u) << 13);
    if (!(mode & 0x02u))
        addr = (addr & ~0x4000u) | ((row_scan & 2u) << 13);
    return addr & vga->offset_mask;
}
