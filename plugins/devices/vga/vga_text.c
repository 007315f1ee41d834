/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vga: text modes: one scan line of the picture, and the whole screen as UTF-8.
 * Characters are in plane 0, attributes in plane 1, glyphs in plane 2 (32 bytes each, eight fonts).
 * Follows: IBM PS/2 Hardware Interface Technical Reference, "Alphanumeric Modes". The text is read as code page 437, whatever font is
 * loaded. */
#include "vga.h"

#include <string.h>

/* -- Picture --------------------------------------------------------------------------------- */

/* Plane offset of the font that a 3-bit selector means: maps 4..7 lie between 0..3. Only with
 * extended memory is there a choice. */
static uint32_t vga_text_font(const Vga *vga, uint32_t selector)
{
    if (!(vga->seq[VGA_SR_MEM_MODE] & 0x02u))
        return 0;
    return (selector & 3u) * 0x4000u + ((selector & 4u) ? 0x2000u : 0);
}

static uint32_t vga_text_cursor_in_row(const Vga *vga, const VgaScan *scan)
{
    uint32_t start = vga->crtc[VGA_CR_CURSOR_START], end = vga->crtc[VGA_CR_CURSOR_END] & 0x1fu;
    return scan->row_scan >= (start & 0x1fu) && scan->row_scan <= end;
}

/* The glyph's row as nine bits, leftmost in bit 8. */
static uint32_t vga_text_glyph(const Vga *vga, uint32_t chr, uint32_t attr, uint32_t row)
{
    uint32_t select = vga->seq[VGA_SR_CHAR_MAP];
    uint32_t font_b = (select & 3u) | ((select >> 2) & 4u);
    uint32_t font_a = ((select >> 2) & 3u) | ((select >> 3) & 4u);
    uint32_t font = vga_text_font(vga, (attr & 8u) ? font_a : font_b);
    uint32_t bits = (vga_planes(vga, (font + chr * 32 + row) & VGA_PLANE_MASK) >> 16) & 0xffu;
    uint32_t ninth = (vga->attr[VGA_AR_MODE] & 4u) && (chr & 0xe0u) == 0xc0u ? bits & 1u : 0;
    return bits << 1 | ninth;
}

static void vga_text_cell(const Vga *vga, const VgaLook *look, uint32_t bits, uint32_t attr,
                          uint8_t *out)
{
    uint32_t back = attr >> 4, fore = attr & 0x0fu;
    if (vga->attr[VGA_AR_MODE] & 8u) {
        if ((back & 8u) && look->blink_off)
            bits = 0;
        back &= 7u;
    }
    for (uint32_t i = 0; i < look->geo.dots; i++)
        out[i] = look->attr_out[(bits & (0x100u >> i)) ? fore : back];
}

/* [any, device lock held] */
void vga_text_chars(const Vga *vga, const VgaLook *look, const VgaScan *scan, uint32_t first,
                    uint32_t count, uint8_t *out)
{
    uint32_t divider = vga_scan_divider(vga), dots = look->geo.dots;
    uint32_t cursor_row = !look->cursor_off && vga_text_cursor_in_row(vga, scan);
    uint32_t skew = (vga->crtc[VGA_CR_CURSOR_END] >> 5) & 3u;
    uint32_t cursor = ((uint32_t)vga->crtc[VGA_CR_CURSOR_HIGH] << 8) + vga->crtc[VGA_CR_CURSOR_LOW];
    uint32_t underline = (vga->crtc[VGA_CR_UNDERLINE] & 0x1fu) == scan->row_scan;
    cursor = (cursor + skew) & 0xffffu;
    for (uint32_t x = first; x < first + count; x++, out += dots) {
        uint32_t counter = (scan->start + x / divider) & 0xffffu;
        uint32_t cell = vga_planes(vga, vga_scan_address(vga, counter, scan->row_scan));
        uint32_t chr = cell & 0xffu, attr = (cell >> 8) & 0xffu;
        uint32_t bits = vga_text_glyph(vga, chr, attr, scan->row_scan);
        if (underline && (attr & 0x77u) == 0x01u)
            bits = 0x1ff;
        vga_text_cell(vga, look, bits, attr, out);
        if (cursor_row && counter == cursor)
            memset(out, look->attr_out[attr & 0x0fu], dots);
    }
}

/* -- Characters ------------------------------------------------------------------------------ */

/* Code page 437 with the pictures that the ROM font shows below 20h and at 7Fh; 0 and FFh are
 * blanks. */
static const uint16_t vga_text_unicode[256] = {
    0x0020, 0x263a, 0x263b, 0x2665, 0x2666, 0x2663, 0x2660, 0x2022, 0x25d8, 0x25cb, 0x25d9, 0x2642,
    0x2640, 0x266a, 0x266b, 0x263c, 0x25ba, 0x25c4, 0x2195, 0x203c, 0x00b6, 0x00a7, 0x25ac, 0x21a8,
    0x2191, 0x2193, 0x2192, 0x2190, 0x221f, 0x2194, 0x25b2, 0x25bc, 0x0020, 0x0021, 0x0022, 0x0023,
    0x0024, 0x0025, 0x0026, 0x0027, 0x0028, 0x0029, 0x002a, 0x002b, 0x002c, 0x002d, 0x002e, 0x002f,
    0x0030, 0x0031, 0x0032, 0x0033, 0x0034, 0x0035, 0x0036, 0x0037, 0x0038, 0x0039, 0x003a, 0x003b,
    0x003c, 0x003d, 0x003e, 0x003f, 0x0040, 0x0041, 0x0042, 0x0043, 0x0044, 0x0045, 0x0046, 0x0047,
    0x0048, 0x0049, 0x004a, 0x004b, 0x004c, 0x004d, 0x004e, 0x004f, 0x0050, 0x0051, 0x0052, 0x0053,
    0x0054, 0x0055, 0x0056, 0x0057, 0x0058, 0x0059, 0x005a, 0x005b, 0x005c, 0x005d, 0x005e, 0x005f,
    0x0060, 0x0061, 0x0062, 0x0063, 0x0064, 0x0065, 0x0066, 0x0067, 0x0068, 0x0069, 0x006a, 0x006b,
    0x006c, 0x006d, 0x006e, 0x006f, 0x0070, 0x0071, 0x0072, 0x0073, 0x0074, 0x0075, 0x0076, 0x0077,
    0x0078, 0x0079, 0x007a, 0x007b, 0x007c, 0x007d, 0x007e, 0x2302, 0x00c7, 0x00fc, 0x00e9, 0x00e2,
    0x00e4, 0x00e0, 0x00e5, 0x00e7, 0x00ea, 0x00eb, 0x00e8, 0x00ef, 0x00ee, 0x00ec, 0x00c4, 0x00c5,
    0x00c9, 0x00e6, 0x00c6, 0x00f4, 0x00f6, 0x00f2, 0x00fb, 0x00f9, 0x00ff, 0x00d6, 0x00dc, 0x00a2,
    0x00a3, 0x00a5, 0x20a7, 0x0192, 0x00e1, 0x00ed, 0x00f3, 0x00fa, 0x00f1, 0x00d1, 0x00aa, 0x00ba,
    0x00bf, 0x2310, 0x00ac, 0x00bd, 0x00bc, 0x00a1, 0x00ab, 0x00bb, 0x2591, 0x2592, 0x2593, 0x2502,
    0x2524, 0x2561, 0x2562, 0x2556, 0x2555, 0x2563, 0x2551, 0x2557, 0x255d, 0x255c, 0x255b, 0x2510,
    0x2514, 0x2534, 0x252c, 0x251c, 0x2500, 0x253c, 0x255e, 0x255f, 0x255a, 0x2554, 0x2569, 0x2566,
    0x2560, 0x2550, 0x256c, 0x2567, 0x2568, 0x2564, 0x2565, 0x2559, 0x2558, 0x2552, 0x2553, 0x256b,
    0x256a, 0x2518, 0x250c, 0x2588, 0x2584, 0x258c, 0x2590, 0x2580, 0x03b1, 0x00df, 0x0393, 0x03c0,
    0x03a3, 0x03c3, 0x00b5, 0x03c4, 0x03a6, 0x0398, 0x03a9, 0x03b4, 0x221e, 0x03c6, 0x03b5, 0x2229,
    0x2261, 0x00b1, 0x2265, 0x2264, 0x2320, 0x2321, 0x00f7, 0x2248, 0x00b0, 0x2219, 0x00b7, 0x221a,
    0x207f, 0x00b2, 0x25a0, 0x0020,
};

/* Counts everything, stores whole characters while they fit. */
typedef struct VgaTextOut {
    char *buf;
    uint32_t room; /* bytes without the NUL */
    uint32_t stored, total;
} VgaTextOut;

static void vga_text_put(VgaTextOut *out, uint32_t code)
{
    uint8_t utf8[3];
    uint32_t len = 1;
    if (code < 0x80) {
        utf8[0] = (uint8_t)code;
    } else if (code < 0x800) {
        utf8[0] = (uint8_t)(0xc0u | code >> 6);
        utf8[1] = (uint8_t)(0x80u | (code & 0x3fu));
        len = 2;
    } else {
        utf8[0] = (uint8_t)(0xe0u | code >> 12);
        utf8[1] = (uint8_t)(0x80u | ((code >> 6) & 0x3fu));
        utf8[2] = (uint8_t)(0x80u | (code & 0x3fu));
        len = 3;
    }
    /* Once something did not fit nothing behind it is stored. */
    if (out->stored == out->total && len <= out->room - out->stored) {
        memcpy(out->buf + out->stored, utf8, len);
        out->stored += len;
    }
    out->total += len;
}

static void vga_text_row(const Vga *vga, const VgaScan *scan, uint32_t chars, VgaTextOut *out)
{
    uint8_t row[VGA_MAX_CHARS];
    uint32_t used = 0, divider = vga_scan_divider(vga);
    for (uint32_t x = 0; x < chars; x++) {
        uint32_t addr = vga_scan_address(vga, scan->start + x / divider, scan->row_scan);
        row[x] = (uint8_t)vga_planes(vga, addr);
        if (vga_text_unicode[row[x]] != 0x20)
            used = x + 1;
    }
    for (uint32_t x = 0; x < used; x++)
        vga_text_put(out, vga_text_unicode[row[x]]);
    vga_text_put(out, '\n');
}

/* [any, device lock held] Says what a text mode holds, also while the screen is blanked. */
uint32_t vga_text_dump(const Vga *vga, char *buf, uint32_t buf_bytes)
{
    VgaTextOut out = {.buf = buf, .room = buf_bytes ? buf_bytes - 1 : 0};
    VgaGeometry geo;
    VgaScan scan;
    vga_scan_geometry(vga, &geo);
    if (geo.kind == VGA_KIND_TEXT) {
        uint32_t last_start = UINT32_MAX, last_split = 0;
        vga_scan_begin(vga, vga_beam_start(vga, vga->dev->api->time_ns(vga->dev)), &scan);
        for (; scan.line < geo.lines; vga_scan_next(vga, &scan)) {
            if (scan.start == last_start && scan.split == last_split)
                continue;
            last_start = scan.start;
            last_split = scan.split;
            vga_text_row(vga, &scan, geo.chars, &out);
        }
    }
    if (buf_bytes)
        buf[out.stored] = 0;
    return out.total;
}
