/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vga: what has changed in video memory since the last picture.
 * The guest writes BAR 0 without the device's knowledge, so a copy of what was shown is kept and
 * compared: reading is many times cheaper than drawing. Without memory for the copy everything
 * counts as changed.
 * - Plain VGA: the copy is of the 256 KiB in blocks of 1 KiB, a scan line is drawn if one of its
 *   character clocks lies in a changed block, all lines if a glyph has changed.
 * - Dispi modes: the copy has the bytes of the lines shown, one after the other. */
#include "vga.h"

#include <stdlib.h>
#include <string.h>

#define VGA_GLYPH_PLANE  0x00ff0000u
#define VGA_BLOCKS       (VGA_PLANAR_BYTES / VGA_BLOCK_BYTES)
#define VGA_BLOCK_OFFSET (VGA_BLOCK_BYTES / 4u) /* plane offsets in a block */

/* Room for a copy; what it holds is unknown. */
static uint32_t vga_dirty_room(Vga *vga, uint64_t bytes)
{
    if (bytes > vga->shadow_cap) {
        free(vga->shadow);
        vga->shadow = calloc(bytes, 1);
        vga->shadow_cap = vga->shadow ? bytes : 0;
    }
    return vga->shadow != NULL;
}

static uint32_t vga_dirty_glyphs(const uint8_t *now, const uint8_t *then)
{
    uint32_t differs = 0;
    for (uint32_t i = 0; i < VGA_BLOCK_BYTES; i += 4) {
        uint32_t a, b;
        memcpy(&a, now + i, 4);
        memcpy(&b, then + i, 4);
        differs |= a ^ b;
    }
    return differs & VGA_GLYPH_PLANE;
}

/* Compares and copies; vga->blocks says for each block whether it has changed. */
uint32_t vga_dirty_planar(Vga *vga, const VgaLook *look)
{
    uint32_t result = VGA_DIRTY_NOTHING;
    if (!vga_dirty_room(vga, VGA_PLANAR_BYTES))
        return VGA_DIRTY_ALL;
    for (uint32_t i = 0; i < VGA_BLOCKS; i++) {
        const uint8_t *now = vga->vram + (uint64_t)i * VGA_BLOCK_BYTES;
        uint8_t *then = vga->shadow + (uint64_t)i * VGA_BLOCK_BYTES;
        vga->blocks[i] = memcmp(now, then, VGA_BLOCK_BYTES) != 0;
        if (!vga->blocks[i])
            continue;
        if (result < VGA_DIRTY_BLOCKS)
            result = VGA_DIRTY_BLOCKS;
        if (look->geo.kind == VGA_KIND_TEXT && vga_dirty_glyphs(now, then))
            result = VGA_DIRTY_ALL;
        memcpy(then, now, VGA_BLOCK_BYTES);
    }
    return result;
}

/* After vga_dirty_planar(): has what the line shows changed? */
uint32_t vga_dirty_scan_line(const Vga *vga, const VgaGeometry *geo, const VgaScan *scan)
{
    uint32_t divider = vga_scan_divider(vga);
    for (uint32_t x = 0; x < geo->chars + geo->skew + 1; x += divider) {
        uint32_t addr = vga_scan_address(vga, scan->start + x / divider, scan->row_scan);
        if (vga->blocks[addr / VGA_BLOCK_OFFSET])
            return 1;
    }
    return 0;
}

/* Is there a copy to compare lines with? */
uint32_t vga_dirty_linear_begin(Vga *vga, const VgaGeometry *geo)
{
    uint32_t row_bytes;
    vga_linear_row(vga, 0, &row_bytes);
    return vga_dirty_room(vga, (uint64_t)row_bytes * geo->height);
}

/* Compares and copies line y. */
uint32_t vga_dirty_linear_line(Vga *vga, uint32_t y)
{
    uint32_t row_bytes;
    uint64_t at = vga_linear_row(vga, y, &row_bytes) & vga->vram_mask;
    uint8_t *then = vga->shadow + (uint64_t)y * row_bytes;
    uint64_t first = vga->vram_bytes - at < row_bytes ? vga->vram_bytes - at : row_bytes;
    uint64_t rest = row_bytes - first; /* from the beginning of video memory again */
    if (memcmp(then, vga->vram + at, first) == 0 && memcmp(then + first, vga->vram, rest) == 0)
        return 0;
    memcpy(then, vga->vram + at, first);
    memcpy(then + first, vga->vram, rest);
    return 1;
}
