/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vga: what the CRT controller does: geometry of the picture, position of the beam, addresses.
 * Follows: IBM PS/2 Hardware Interface Technical Reference, "CRT Controller"; FreeVGA for the
 * order of address substitutions. The beam is a function of the virtual clock and the registers,
 * nothing ticks. While a dispi mode is on, the CRTC's values are not what is displayed: the beam
 * then is that of a 60 Hz monitor with 5 % blanking.
 * Not modelled: external clocks (taken as 25.175 MHz), skews of the display enable, shift load
 * registers of two and four character clocks, overscan. */
#include "vga.h"

#define VGA_PS_PER_S  1000000000000ull
#define VGA_DOT_PS_25 39722u /* 25.175 MHz */
#define VGA_DOT_PS_28 35308u /* 28.322 MHz */

static uint32_t vga_crtc_overflow(const Vga *vga, uint32_t bit, uint32_t to)
{
    return ((vga->crtc[VGA_CR_OVERFLOW] >> bit) & 1u) << to;
}

static uint32_t vga_crtc_v_total(const Vga *vga)
{
    return vga->crtc[VGA_CR_V_TOTAL] | vga_crtc_overflow(vga, 0, 8) | vga_crtc_overflow(vga, 5, 9);
}

static uint32_t vga_crtc_v_display_end(const Vga *vga)
{
    return vga->crtc[VGA_CR_V_DISPLAY_END] | vga_crtc_overflow(vga, 1, 8) |
           vga_crtc_overflow(vga, 6, 9);
}

static uint32_t vga_crtc_v_retrace_start(const Vga *vga)
{
    return vga->crtc[VGA_CR_V_RETRACE_START] | vga_crtc_overflow(vga, 2, 8) |
           vga_crtc_overflow(vga, 7, 9);
}

static uint32_t vga_crtc_line_compare(const Vga *vga)
{
    return vga->crtc[VGA_CR_LINE_COMPARE] | vga_crtc_overflow(vga, 4, 8) |
           ((vga->crtc[VGA_CR_MAX_SCAN] >> 6) & 1u) << 9;
}

/* CR17 bit 2 clocks the vertical counter by every second line. */
static uint32_t vga_crtc_v_scale(const Vga *vga)
{
    return (vga->crtc[VGA_CR_MODE] & 0x04u) ? 2 : 1;
}

static uint32_t vga_char_dots(const Vga *vga)
{
    return (vga->seq[VGA_SR_CLOCKING] & 0x01u) ? 8 : 9;
}

/* -- Geometry -------------------------------------------------------------------------------- */

static uint32_t vga_scan_is_blank(const Vga *vga, uint32_t kind)
{
    if (!(vga->attr_index & 0x20u) || (vga->seq[VGA_SR_CLOCKING] & 0x20u))
        return 1;
    return kind != VGA_KIND_DISPI && !(vga->crtc[VGA_CR_MODE] & 0x80u);
}

static void vga_scan_geometry_planes(const Vga *vga, VgaGeometry *geo)
{
    uint32_t doubled = (vga->crtc[VGA_CR_MAX_SCAN] & 0x80u) ? 2 : 1;
    uint32_t eight_bit = (vga->gfx[VGA_GR_MODE] & 0x40u) && (vga->attr[VGA_AR_MODE] & 0x40u);
    geo->dots = eight_bit ? 4 : 8;
    /* Rows of several equal lines are shown as one, unless the row scan counter picks the bank. */
    geo->repeat = doubled;
    if ((vga->crtc[VGA_CR_MODE] & 0x03u) == 0x03u)
        geo->repeat *= (vga->crtc[VGA_CR_MAX_SCAN] & 0x1fu) + 1;
}

void vga_scan_geometry(const Vga *vga, VgaGeometry *geo)
{
    if (vga->dispi[VGA_DISPI_ENABLE] & VGA_DISPI_ENABLED) {
        geo->kind = VGA_KIND_DISPI;
        geo->width = vga->dispi[VGA_DISPI_XRES];
        geo->height = geo->lines = vga->dispi[VGA_DISPI_YRES];
        geo->chars = geo->dots = geo->repeat = 1;
    } else {
        geo->chars = vga->crtc[VGA_CR_H_DISPLAY_END] + 1u;
        geo->lines = (vga_crtc_v_display_end(vga) + 1) * vga_crtc_v_scale(vga);
        if (vga->gfx[VGA_GR_MISC] & 1u) {
            geo->kind = VGA_KIND_PLANES;
            vga_scan_geometry_planes(vga, geo);
        } else {
            geo->kind = VGA_KIND_TEXT;
            geo->repeat = 1;
            geo->dots = vga_char_dots(vga);
        }
        geo->width = geo->chars * geo->dots;
        geo->height = geo->lines / geo->repeat;
        if (!geo->height)
            geo->height = 1;
    }
    geo->blank = vga_scan_is_blank(vga, geo->kind);
}

/* -- Addresses ------------------------------------------------------------------------------- */

void vga_scan_begin(const Vga *vga, VgaScan *scan)
{
    scan->line = 0;
    scan->start = ((uint32_t)vga->crtc[VGA_CR_START_HIGH] << 8) + vga->crtc[VGA_CR_START_LOW] +
                  ((vga->crtc[VGA_CR_PRESET_ROW] >> 5) & 3u);
    scan->row_scan = vga->crtc[VGA_CR_PRESET_ROW] & 0x1fu;
    scan->second = 0;
    scan->split = 0;
}

/* Goes to the next scan line. */
void vga_scan_next(const Vga *vga, VgaScan *scan)
{
    uint32_t at_compare = scan->line == vga_crtc_line_compare(vga) * vga_crtc_v_scale(vga);
    scan->line++;
    if (at_compare) {
        uint32_t byte_pan = (vga->crtc[VGA_CR_PRESET_ROW] >> 5) & 3u;
        scan->start = (vga->attr[VGA_AR_MODE] & 0x20u) ? 0 : byte_pan;
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
        scan->start += vga->crtc[VGA_CR_OFFSET] * 2u;
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
    return addr & VGA_PLANE_MASK;
}

/* -- The beam -------------------------------------------------------------------------------- */

static void vga_timing_dispi(Vga *vga)
{
    uint32_t yres = vga->dispi[VGA_DISPI_YRES], total = yres + yres / 20 + 2;
    vga->line_ps = VGA_PS_PER_S / 60 / total;
    vga->char_ps = vga->line_ps / 100;
    vga->frame_ns = vga->line_ps * total / 1000;
    vga->beam_lines = yres;
    vga->beam_chars = 80;
    vga->retrace_first = yres + 1;
    vga->retrace_count = 3;
}

void vga_timing_update(Vga *vga)
{
    if (vga->dispi[VGA_DISPI_ENABLE] & VGA_DISPI_ENABLED) {
        vga_timing_dispi(vga);
        return;
    }
    uint64_t dot_ps = (vga->misc & 0x0cu) == 0x04u ? VGA_DOT_PS_28 : VGA_DOT_PS_25;
    uint32_t scale = vga_crtc_v_scale(vga), retrace = vga_crtc_v_retrace_start(vga);
    if (vga->seq[VGA_SR_CLOCKING] & 0x08u)
        dot_ps *= 2;
    vga->char_ps = dot_ps * vga_char_dots(vga);
    vga->line_ps = vga->char_ps * (vga->crtc[VGA_CR_H_TOTAL] + 5u);
    vga->frame_ns = vga->line_ps * (vga_crtc_v_total(vga) + 2u) * scale / 1000;
    vga->beam_lines = (vga_crtc_v_display_end(vga) + 1) * scale;
    vga->beam_chars = vga->crtc[VGA_CR_H_DISPLAY_END] + 1u;
    vga->retrace_first = retrace * scale;
    /* The end register holds the low four bits of the line where retrace ends. */
    uint32_t count = (vga->crtc[VGA_CR_V_RETRACE_END] - retrace) & 0x0fu;
    vga->retrace_count = (count ? count : 16) * scale;
}

/* Input status 1. Bits 4 and 5 look at two attribute outputs: outside the picture the border's. */
uint8_t vga_timing_status1(const Vga *vga, uint64_t now_ns)
{
    static const uint8_t taps[4][2] = {{0, 2}, {4, 5}, {1, 3}, {6, 7}};
    uint64_t at_ps = now_ns % vga->frame_ns * 1000;
    uint64_t line = at_ps / vga->line_ps, chr = at_ps % vga->line_ps / vga->char_ps;
    const uint8_t *tap = taps[(vga->attr[VGA_AR_PLANES] >> 4) & 3u];
    uint32_t border = vga->attr[VGA_AR_OVERSCAN];
    uint8_t value = (uint8_t)(((border >> tap[0]) & 1u) << 4 | ((border >> tap[1]) & 1u) << 5);
    if (line >= vga->beam_lines || chr >= vga->beam_chars)
        value |= 0x01;
    else
        value &= 0x0f;
    if (line >= vga->retrace_first && line - vga->retrace_first < vga->retrace_count)
        value |= 0x08;
    return value;
}

/* Has a vertical retrace begun after since_ns? */
uint32_t vga_timing_retraced(const Vga *vga, uint64_t since_ns, uint64_t now_ns)
{
    uint64_t first_ns = vga->retrace_first * vga->line_ps / 1000;
    uint64_t before = (since_ns + vga->frame_ns - first_ns % vga->frame_ns) / vga->frame_ns;
    uint64_t after = (now_ns + vga->frame_ns - first_ns % vga->frame_ns) / vga->frame_ns;
    return after > before;
}

/* Frames shown since the clock began: paces cursor and blinking. */
uint64_t vga_timing_frame(const Vga *vga, uint64_t now_ns)
{
    return now_ns / vga->frame_ns;
}
