/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vga: pictures of the screen, and the display port.
 * A picture has the mode's own pixels, or with FullRaster what a monitor would show: every dot
 * clock, every scan line, and the border. It is made from the registers as they are when it is
 * asked for. Lines whose memory and registers have not changed stay as they are (vga_dirty.c).
 * Follows: IBM PS/2 Hardware Interface Technical Reference, "Attribute Controller", "Video DAC".
 * Not modelled: registers that change while the beam is within the picture. */
#include "vga.h"

#include <stdlib.h>
#include <string.h>

/* xRGB of a DAC entry, behind the pixel mask. */
uint32_t vga_picture_dac(const Vga *vga, uint32_t index)
{
    const uint8_t *entry = &vga->dac[(index & vga->dac_mask) * 3u];
    return (uint32_t)entry[0] << 16 | (uint32_t)entry[1] << 8 | entry[2];
}

/* -- The look -------------------------------------------------------------------------------- */

/* Blinking in graphics modes puts its phase in the place of plane 3 (mode 0Fh has that disabled and
 * palettes that make a blinking colour of it). */
static uint8_t vga_picture_attr(const Vga *vga, const VgaLook *look, uint32_t color)
{
    uint32_t select = vga->attr[VGA_AR_COLOR_SELECT];
    color &= vga->attr[VGA_AR_PLANES] & 0x0fu;
    if (look->geo.kind == VGA_KIND_PLANES && (vga->attr[VGA_AR_MODE] & 0x08u))
        color = (color & 7u) | (look->blink_off ? 8u : 0);
    uint32_t index = vga->attr[color];
    if (vga->attr[VGA_AR_MODE] & 0x80u)
        index = (index & 0x0fu) | (select & 0x03u) << 4;
    return (uint8_t)(index | (select & 0x0cu) << 4);
}

/* [any, device lock held] The parts that a scan line is made with. Cursor and characters blink
 * every 8 and 16 frames. */
void vga_picture_attributes(const Vga *vga, uint64_t now_ns, VgaLook *look)
{
    uint64_t frame = vga_beam_frame(vga, now_ns);
    memset(look, 0, sizeof(*look));
    vga_scan_geometry(vga, &look->geo);
    look->blink_off = (vga->attr[VGA_AR_MODE] & 0x08u) && (frame & 16u);
    look->cursor_off = (frame & 8u) || (vga->crtc[VGA_CR_CURSOR_START] & 0x20u);
    if (look->geo.kind != VGA_KIND_TEXT)
        look->cursor_off = 0;
    if (look->geo.kind == VGA_KIND_DISPI)
        look->blink_off = 0;
    else
        look->start = (uint16_t)vga_beam_start(vga, now_ns);
    for (uint32_t i = 0; i < 16; i++)
        look->attr_out[i] = vga_picture_attr(vga, look, i);
}

static void vga_picture_look(const Vga *vga, uint64_t now_ns, VgaLook *look)
{
    vga_picture_attributes(vga, now_ns, look);
    memcpy(look->seq, vga->seq, sizeof(look->seq));
    memcpy(look->gfx, vga->gfx, sizeof(look->gfx));
    memcpy(look->attr, vga->attr, sizeof(look->attr));
    memcpy(look->crtc, vga->crtc, sizeof(look->crtc));
    memcpy(look->dispi, vga->dispi, sizeof(look->dispi));
    look->big_endian = vga->big_endian;
    for (uint32_t i = 0; i < 256; i++)
        look->colors[i] = vga_picture_dac(vga, i);
    /* What the host changes all the time and nobody sees. */
    look->seq[VGA_SR_MAP_MASK] = 0;
    look->gfx[VGA_GR_SET_RESET] = look->gfx[VGA_GR_ENABLE_SR] = look->gfx[VGA_GR_COMPARE] = 0;
    look->gfx[VGA_GR_ROTATE] = look->gfx[VGA_GR_READ_MAP] = look->gfx[VGA_GR_DONT_CARE] = 0;
    look->gfx[VGA_GR_BIT_MASK] = 0;
    look->gfx[VGA_GR_MODE] &= 0x60u;
    look->dispi[VGA_DISPI_BANK] = 0;
    look->crtc[VGA_CR_START_HIGH] = look->crtc[VGA_CR_START_LOW] = 0;
}

/* -- Size ------------------------------------------------------------------------------------ */

/* Pixels of the raster for one of the mode's. */
static uint32_t vga_picture_zoom(const Vga *vga, const VgaGeometry *geo)
{
    return (geo->dots == 4 ? 2u : 1u) << ((vga->seq[VGA_SR_CLOCKING] >> 3) & 1u);
}

static uint32_t vga_picture_is_raster(const Vga *vga, const VgaGeometry *geo)
{
    return vga->full_raster && geo->kind != VGA_KIND_DISPI && geo->h_blank_count < geo->h_total &&
           geo->v_blank_count < geo->v_total;
}

/* [any, device lock held] */
void vga_picture_size(const Vga *vga, const VgaGeometry *geo, uint32_t *ret_width,
                      uint32_t *ret_height)
{
    *ret_width = geo->width;
    *ret_height = geo->height;
    if (vga_picture_is_raster(vga, geo)) {
        *ret_width = (geo->h_total - geo->h_blank_count) * geo->dots * vga_picture_zoom(vga, geo);
        *ret_height = geo->v_total - geo->v_blank_count;
    }
}

/* Room for the picture; another size starts from black. */
static viv_status_t vga_picture_resize(Vga *vga, const VgaGeometry *geo)
{
    uint32_t width, height;
    vga_picture_size(vga, geo, &width, &height);
    uint64_t count = (uint64_t)width * height;
    if (width == vga->shown_width && height == vga->shown_height && vga->pixels)
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
    vga->shown_width = width;
    vga->shown_height = height;
    vga->generation++;
    return VIV_OK;
}

/* -- Lines ----------------------------------------------------------------------------------- */

/* Puts vga->line into the picture. Returns 1 if that changed it. */
static uint32_t vga_picture_commit(Vga *vga, uint32_t y)
{
    uint32_t *to = vga->pixels + (uint64_t)y * vga->shown_width;
    size_t bytes = (size_t)vga->shown_width * sizeof(*to);
    vga->lines_drawn++;
    if (memcmp(to, vga->line, bytes) == 0)
        return 0;
    memcpy(to, vga->line, bytes);
    return 1;
}

static void vga_picture_fill(Vga *vga, uint32_t color)
{
    for (uint32_t x = 0; x < vga->shown_width; x++)
        vga->line[x] = color;
}

/* A line of the mode's own pixels. */
static void vga_picture_mode_line(Vga *vga, const VgaLook *look, const VgaScan *scan)
{
    const VgaGeometry *geo = &look->geo;
    uint8_t outputs[VGA_SCAN_PIXELS];
    uint32_t pan = vga_draw_pan(vga, geo, scan);
    if (vga_scan_line_blank(geo, scan->line)) {
        vga_picture_fill(vga, 0);
        return;
    }
    if (geo->idle) {
        vga_picture_fill(vga, look->colors[look->attr[VGA_AR_OVERSCAN]]);
        return;
    }
    vga_draw_chars(vga, look, scan, geo->skew, geo->chars + (pan != 0), outputs);
    for (uint32_t x = 0; x < geo->width; x++)
        vga->line[x] = look->colors[outputs[x + pan]];
    for (uint32_t c = 0; geo->h_blank_count && c < geo->chars; c++)
        if (vga_scan_column_blank(geo, c + geo->skew))
            memset(vga->line + (size_t)c * geo->dots, 0, geo->dots * sizeof(*vga->line));
}

/* A line of the monitor, from where blanking ends to where it begins. */
static void vga_picture_raster_line(Vga *vga, const VgaLook *look, const VgaScan *scan)
{
    const VgaGeometry *geo = &look->geo;
    uint8_t outputs[VGA_SCAN_PIXELS];
    uint32_t pan = vga_draw_pan(vga, geo, scan), zoom = vga_picture_zoom(vga, geo);
    uint32_t border = look->colors[look->attr[VGA_AR_OVERSCAN]], *out = vga->line;
    uint32_t inside = scan->line < geo->lines && !geo->idle;
    if (inside)
        vga_draw_chars(vga, look, scan, geo->skew, geo->chars + (pan != 0), outputs);
    for (uint32_t i = 0; i < geo->h_total - geo->h_blank_count; i++) {
        uint32_t c =
            geo->h_blank_count ? (geo->h_blank + geo->h_blank_count + i) % geo->h_total : i;
        uint32_t shown = inside && c >= geo->skew && c - geo->skew < geo->chars;
        for (uint32_t dot = 0; dot < geo->dots; dot++) {
            uint32_t at = (c - geo->skew) * geo->dots + dot + pan;
            uint32_t color = shown ? look->colors[outputs[at]] : border;
            for (uint32_t z = 0; z < zoom; z++)
                *out++ = color;
        }
    }
}

/* -- One picture ----------------------------------------------------------------------------- */

static uint32_t vga_picture_blank(Vga *vga)
{
    uint32_t changed = 0;
    vga_picture_fill(vga, 0);
    for (uint32_t y = 0; y < vga->shown_height; y++)
        changed |= vga_picture_commit(vga, y);
    return changed;
}

static uint32_t vga_picture_dispi(Vga *vga, const VgaLook *look, uint32_t all)
{
    uint32_t changed = 0, compare = vga_dirty_linear_begin(vga, &look->geo);
    for (uint32_t y = 0; y < look->geo.height; y++) {
        uint32_t dirty = !compare || vga_dirty_linear_line(vga, y);
        if (!dirty && !all)
            continue;
        vga_linear_line(vga, look, y, vga->line);
        changed |= vga_picture_commit(vga, y);
    }
    return changed;
}

/* The picture's line for a scan line, or UINT32_MAX if it has none. */
static uint32_t vga_picture_row(const Vga *vga, const VgaGeometry *geo, uint32_t line)
{
    if (!vga_picture_is_raster(vga, geo))
        return line % geo->repeat || line / geo->repeat >= geo->height ? UINT32_MAX
                                                                       : line / geo->repeat;
    if (vga_scan_line_blank(geo, line))
        return UINT32_MAX;
    return geo->v_blank_count
               ? (line + 2 * geo->v_total - geo->v_blank - geo->v_blank_count) % geo->v_total
               : line;
}

static uint32_t vga_picture_scanned(Vga *vga, const VgaLook *look, uint32_t all)
{
    const VgaGeometry *geo = &look->geo;
    uint32_t raster = vga_picture_is_raster(vga, geo), changed = 0;
    uint32_t dirty = vga_dirty_planar(vga, look);
    VgaScan scan;
    if (!all && dirty == VGA_DIRTY_NOTHING)
        return 0;
    all |= dirty == VGA_DIRTY_ALL;
    vga_scan_begin(vga, look->start, &scan);
    for (; scan.line < (raster ? geo->v_total : geo->lines); vga_scan_next(vga, &scan)) {
        uint32_t row = vga_picture_row(vga, geo, scan.line);
        if (row == UINT32_MAX ||
            (!all && (scan.line >= geo->lines || !vga_dirty_scan_line(vga, geo, &scan))))
            continue;
        if (raster)
            vga_picture_raster_line(vga, look, &scan);
        else
            vga_picture_mode_line(vga, look, &scan);
        changed |= vga_picture_commit(vga, row);
    }
    return changed;
}

static viv_status_t vga_picture_make(Vga *vga)
{
    VgaLook *look = vga->look;
    vga_picture_look(vga, vga->dev->api->time_ns(vga->dev), look);
    uint32_t all =
        memcmp((const uint8_t *)look, (const uint8_t *)vga->shown_look, sizeof(*look)) != 0 ||
        !vga->pixels;
    uint32_t changed = 0;
    uint64_t drawn = vga->lines_drawn;
    viv_status_t status = vga_picture_resize(vga, &look->geo);
    if (status != VIV_OK)
        return status;
    if (look->geo.blank)
        changed = all && vga_picture_blank(vga);
    else if (look->geo.kind == VGA_KIND_DISPI)
        changed = vga_picture_dispi(vga, look, all);
    else
        changed = vga_picture_scanned(vga, look, all);
    vga->generation += changed;
    vga->frames++;
    vga->frames_same += drawn == vga->lines_drawn;
    vga->look = vga->shown_look;
    vga->shown_look = look;
    return VIV_OK;
}

/* -- The port -------------------------------------------------------------------------------- */

/* [any, no lock] */
static viv_status_t vga_port_frame(void *self, viv_frame_t *ret_frame)
{
    Vga *vga = self;
    vga->dev->api->lock(vga->dev);
    viv_status_t status = vga_picture_make(vga);
    if (status == VIV_OK) {
        ret_frame->width = vga->shown_width;
        ret_frame->height = vga->shown_height;
        ret_frame->stride_bytes = vga->shown_width * 4;
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
