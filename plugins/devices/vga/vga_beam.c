/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vga: the beam: where it is, what a guest can see of that, and what a vertical retrace does.
 * The beam is a function of the virtual clock and the registers, nothing ticks. A vertical retrace
 * takes over the start address (CR0C, CR0D), sets the vertical interrupt's latch (CR11 bits 4, 5;
 * input status 0 bit 7) and raises its line; vga_beam_sync() does that later than it happens but
 * before anybody can tell. Only an enabled interrupt needs a timer.
 * Follows: IBM PS/2 Hardware Interface Technical Reference, "Input Status Registers", "Vertical
 * Retrace End Register". While a dispi mode is on, the CRTC's values are not what is displayed: the
 * beam then is that of a 60 Hz monitor with 5 % blanking.
 * Not modelled: external clocks (taken as 25.175 MHz). */
#include "vga.h"

#define VGA_PS_PER_S  1000000000000ull
#define VGA_DOT_PS_25 39722u /* 25.175 MHz */
#define VGA_DOT_PS_28 35308u /* 28.322 MHz */

static void vga_beam_timing_dispi(Vga *vga)
{
    uint32_t yres = vga->dispi[VGA_DISPI_YRES], total = yres + yres / 20 + 2;
    vga->line_ps = VGA_PS_PER_S / 60 / total;
    vga->char_ps = vga->line_ps / 100;
    vga->frame_ns = vga->line_ps * total / 1000;
    vga->beam_lines = yres;
    vga->beam_chars = 80;
    vga->beam_skew = 0;
    vga->beam_dots = 8;
    vga->retrace_first = yres + 1;
    vga->retrace_count = 3;
    vga->retraces = 1;
}

static void vga_beam_timing_crtc(Vga *vga)
{
    uint64_t dot_ps = (vga->misc & 0x0cu) == 0x04u ? VGA_DOT_PS_28 : VGA_DOT_PS_25;
    uint32_t scale = vga_scan_v_scale(vga), retrace = vga_scan_v_retrace_start(vga);
    if (vga->seq[VGA_SR_CLOCKING] & 0x08u)
        dot_ps *= 2;
    vga->beam_dots = vga_scan_char_dots(vga);
    vga->char_ps = dot_ps * vga->beam_dots;
    vga->line_ps = vga->char_ps * (vga->crtc[VGA_CR_H_TOTAL] + 5u);
    vga->frame_ns = vga->line_ps * (vga_scan_v_total(vga) + 2u) * scale / 1000;
    vga->beam_lines = (vga_scan_v_display_end(vga) + 1) * scale;
    vga->beam_chars = vga->crtc[VGA_CR_H_DISPLAY_END] + 1u;
    vga->beam_skew = (vga->crtc[VGA_CR_H_BLANK_END] >> 5) & 3u;
    vga->retrace_first = retrace * scale;
    /* The end register holds the low four bits of the line where retrace ends. */
    uint32_t count = (vga->crtc[VGA_CR_V_RETRACE_END] - retrace) & 0x0fu;
    vga->retrace_count = (count ? count : 16) * scale;
    vga->retraces = vga->crtc[VGA_CR_MODE] >> 7;
}

/* Call vga_beam_sync() before the registers change, this after. */
void vga_beam_update(Vga *vga)
{
    if (vga_dispi_on(vga))
        vga_beam_timing_dispi(vga);
    else
        vga_beam_timing_crtc(vga);
    vga_scan_raster(vga, &vga->raster);
    vga->beam_scanned = 0;
    vga_beam_irq(vga);
}

/* -- Vertical retrace ------------------------------------------------------------------------ */

/* The first ns of a retrace, from the frame's beginning. */
static uint64_t vga_beam_retrace_at(const Vga *vga)
{
    return (vga->retrace_first * vga->line_ps + 999) / 1000 % vga->frame_ns;
}

/* Retraces that have begun from the clock's start on, plus one. */
static uint64_t vga_beam_retraces(const Vga *vga, uint64_t at_ns)
{
    return (at_ns + vga->frame_ns - vga_beam_retrace_at(vga)) / vga->frame_ns;
}

static uint32_t vga_beam_retraced(const Vga *vga, uint64_t since_ns, uint64_t now_ns)
{
    return vga->retraces && vga_beam_retraces(vga, now_ns) > vga_beam_retraces(vga, since_ns);
}

static uint64_t vga_beam_next_retrace(const Vga *vga, uint64_t now_ns)
{
    return vga_beam_retraces(vga, now_ns) * vga->frame_ns + vga_beam_retrace_at(vga);
}

/* The start address that the picture begins at. Without retraces nothing holds it. */
uint32_t vga_beam_start(const Vga *vga, uint64_t now_ns)
{
    if (vga->retraces && !vga_beam_retraced(vga, vga->retrace_cleared_ns, now_ns))
        return vga->start;
    return (uint32_t)vga->crtc[VGA_CR_START_HIGH] << 8 | vga->crtc[VGA_CR_START_LOW];
}

/* [emt, device lock held] Brings what retraces do up to date. */
void vga_beam_sync(Vga *vga)
{
    uint64_t now = vga->dev->api->time_ns(vga->dev);
    vga->start = (uint16_t)vga_beam_start(vga, now);
    if ((vga->crtc[VGA_CR_V_RETRACE_END] & 0x10u) &&
        vga_beam_retraced(vga, vga->retrace_cleared_ns, now))
        vga->retrace_pending = 1;
    vga->retrace_cleared_ns = now;
}

/* [emt or main, device lock held] The interrupt line, and the timer that is to raise it. */
void vga_beam_irq(Vga *vga)
{
    const viv_dev_api_t *api = vga->dev->api;
    uint32_t control = vga->crtc[VGA_CR_V_RETRACE_END] & 0x30u;
    if (!vga->irq)
        return;
    api->irq_set(vga->dev, vga->irq, control == 0x10u && vga->retrace_pending);
    if (control == 0x10u && !vga->retrace_pending && vga->retraces)
        api->timer_arm(vga->retrace_timer, vga_beam_next_retrace(vga, api->time_ns(vga->dev)));
    else
        api->timer_cancel(vga->retrace_timer);
}

/* [emt, device lock held] */
void vga_beam_retrace_timer(viv_dev_t *dev, void *ctx)
{
    (void)dev;
    vga_beam_sync(ctx);
    vga_beam_irq(ctx);
}

/* Frames shown since the clock began: paces cursor and blinking. */
uint64_t vga_beam_frame(const Vga *vga, uint64_t now_ns)
{
    return now_ns / vga->frame_ns;
}

/* -- Where it is ----------------------------------------------------------------------------- */

typedef struct VgaBeam {
    uint32_t line, column, dot;
    uint32_t displayed; /* display enable */
} VgaBeam;

static VgaBeam vga_beam_at(const Vga *vga, uint64_t now_ns)
{
    uint64_t at_ps = now_ns % vga->frame_ns * 1000, in_line = at_ps % vga->line_ps;
    VgaBeam beam = {.line = (uint32_t)(at_ps / vga->line_ps),
                    .column = (uint32_t)(in_line / vga->char_ps),
                    .dot = (uint32_t)(in_line % vga->char_ps * vga->beam_dots / vga->char_ps)};
    beam.displayed = beam.line < vga->beam_lines && beam.column >= vga->beam_skew &&
                     beam.column - vga->beam_skew < vga->beam_chars;
    return beam;
}

/* Goes to a line from the one before if that was in the same frame: reading the status in a loop
 * must not cost a walk down the screen each time. */
static const VgaScan *vga_beam_scan(Vga *vga, uint32_t line, uint64_t now_ns)
{
    uint16_t start = (uint16_t)vga_beam_start(vga, now_ns);
    if (!vga->beam_scanned || vga->beam_scan.line > line || vga->beam_start != start)
        vga_scan_begin(vga, start, &vga->beam_scan);
    while (vga->beam_scan.line < line)
        vga_scan_next(vga, &vga->beam_scan);
    vga->beam_start = start;
    vga->beam_scanned = 1;
    return &vga->beam_scan;
}

/* The attribute controller's eight outputs where the beam is; *ret_blank: it is dark. */
static uint32_t vga_beam_output(Vga *vga, const VgaBeam *beam, uint64_t now_ns, uint32_t *ret_blank)
{
    uint8_t pixels[5 * 9];
    VgaLook look;
    vga_picture_attributes(vga, now_ns, &look);
    *ret_blank = look.geo.blank || look.geo.kind == VGA_KIND_DISPI ||
                 vga_scan_column_blank(&look.geo, beam->column) ||
                 vga_scan_line_blank(&look.geo, beam->line);
    if (*ret_blank)
        return 0;
    if (!beam->displayed || look.geo.idle)
        return vga->attr[VGA_AR_OVERSCAN];
    const VgaScan *scan = vga_beam_scan(vga, beam->line, now_ns);
    vga_draw_chars(vga, &look, scan, beam->column, 2, pixels);
    uint32_t dot = look.geo.dots == 4 ? beam->dot / 2 : beam->dot;
    return pixels[dot + vga_draw_pan(vga, &look.geo, scan)];
}

/* Input status 1: bit 0 display enable off, bit 3 vertical retrace, bits 4 and 5 two of the
 * attribute controller's outputs. */
uint8_t vga_beam_status1(Vga *vga)
{
    static const uint8_t taps[4][2] = {{0, 2}, {4, 5}, {1, 3}, {6, 7}};
    uint64_t now = vga->dev->api->time_ns(vga->dev);
    VgaBeam beam = vga_beam_at(vga, now);
    const uint8_t *tap = taps[(vga->attr[VGA_AR_PLANES] >> 4) & 3u];
    uint32_t blank, output = vga_beam_output(vga, &beam, now, &blank);
    uint8_t value = (uint8_t)(((output >> tap[0]) & 1u) << 4 | ((output >> tap[1]) & 1u) << 5);
    if (!beam.displayed)
        value |= 0x01;
    if (vga->retraces && beam.line >= vga->retrace_first &&
        beam.line - vga->retrace_first < vga->retrace_count)
        value |= 0x08;
    return value;
}

/* xRGB on the wires to the monitor. */
uint32_t vga_beam_color(Vga *vga)
{
    uint64_t now = vga->dev->api->time_ns(vga->dev);
    VgaBeam beam = vga_beam_at(vga, now);
    uint32_t blank, output = vga_beam_output(vga, &beam, now, &blank);
    return blank ? 0 : vga_picture_dac(vga, output);
}
