/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vga: the memory window A0000h..BFFFFh.
 * Follows: IBM PS/2 Hardware Interface Technical Reference, Video Subsystem, "Graphics Controller"
 * and "Memory Mode"; the address lines that chaining frees (A0, A1) take A16 and A17, or the page
 * bit of Misc Output for odd/even in the 64 KiB and 32 KiB maps (set: even addresses, which is how
 * every BIOS mode has it).
 * A byte goes through all four planes as one 32-bit word (vga.h, storage). */
#include "vga.h"

#include <string.h>

#define VGA_SR4_EXTENDED       0x02u
#define VGA_SR4_ODD_EVEN_OFF   0x04u
#define VGA_SR4_CHAIN4         0x08u
#define VGA_GR5_READ_COMPARE   0x08u
#define VGA_GR5_ODD_EVEN       0x10u
#define VGA_GR6_CHAIN_ODD_EVEN 0x02u

/* Word forms of the registers that every access needs. */
void vga_mem_update(Vga *vga)
{
    vga->map_mask = vga_spread(vga->seq[VGA_SR_MAP_MASK]);
    vga->set_reset = vga_spread(vga->gfx[VGA_GR_SET_RESET]);
    vga->enable_sr = vga_spread(vga->gfx[VGA_GR_ENABLE_SR]);
    vga->compare = vga_spread(vga->gfx[VGA_GR_COMPARE]);
    vga->dont_care = vga_spread(vga->gfx[VGA_GR_DONT_CARE]);
    vga->bit_mask = vga->gfx[VGA_GR_BIT_MASK] * 0x01010101u;
    /* Without extended memory each plane has 16 KiB. */
    vga->offset_mask = (vga->seq[VGA_SR_MEM_MODE] & VGA_SR4_EXTENDED) ? VGA_PLANE_MASK : 0x3fffu;
    vga->plain_write = (vga->gfx[VGA_GR_MODE] & 3u) == 0 && vga->gfx[VGA_GR_ROTATE] == 0 &&
                       vga->gfx[VGA_GR_ENABLE_SR] == 0 && vga->gfx[VGA_GR_BIT_MASK] == 0xff;
}

/* Does the adapter decode this byte of the 128 KiB, and at which address of the map? */
static uint32_t vga_mem_decode(const Vga *vga, uint32_t off, uint32_t *ret_addr)
{
    if (!(vga->misc & 2u))
        return 0;
    switch ((vga->gfx[VGA_GR_MISC] >> 2) & 3u) {
    case 0: *ret_addr = off; return 1;
    case 1: *ret_addr = off; return off < 0x10000u;
    case 2: *ret_addr = off & 0x7fffu; return off >= 0x10000u && off < 0x18000u;
    default: *ret_addr = off & 0x7fffu; return off >= 0x18000u;
    }
}

/* Address line 0 of the planes while the host's A0 selects odd or even planes. */
static uint32_t vga_mem_page_bit(const Vga *vga, uint32_t addr)
{
    if (!(vga->gfx[VGA_GR_MISC] & 0x0cu))
        return (addr >> 16) & 1u;
    return (vga->misc & 0x20u) ? 0 : 1;
}

/* Plane offset of an address of the map. Banks count in planar dispi modes only. */
static uint32_t vga_mem_plane_offset(const Vga *vga, uint32_t addr, uint32_t bank)
{
    if (vga->seq[VGA_SR_MEM_MODE] & VGA_SR4_CHAIN4)
        return ((addr & 0xfffcu) | ((addr >> 16) & 3u)) & vga->offset_mask;
    uint32_t planar_dispi = vga_dispi_on(vga);
    uint32_t offset = addr & (planar_dispi ? VGA_PLANE_MASK : vga->offset_mask);
    if (vga->gfx[VGA_GR_MISC] & VGA_GR6_CHAIN_ODD_EVEN)
        offset = (offset & ~1u) | vga_mem_page_bit(vga, addr);
    if (planar_dispi)
        offset += bank;
    return offset & (vga->vram_mask >> 2);
}

/* Planes that a host write at addr may reach. */
static uint32_t vga_mem_write_planes(const Vga *vga, uint32_t addr)
{
    uint32_t planes = vga->map_mask;
    if (vga->seq[VGA_SR_MEM_MODE] & VGA_SR4_CHAIN4)
        return planes & (0xffu << (8u * (addr & 3u)));
    if (!(vga->seq[VGA_SR_MEM_MODE] & VGA_SR4_ODD_EVEN_OFF))
        return planes & ((addr & 1u) ? 0xff00ff00u : 0x00ff00ffu);
    return planes;
}

static uint8_t vga_mem_rotate(const Vga *vga, uint8_t value)
{
    uint32_t count = vga->gfx[VGA_GR_ROTATE] & 7u;
    return (uint8_t)((value >> count) | (value << (8u - count)));
}

static uint32_t vga_mem_alu(const Vga *vga, uint32_t data)
{
    switch ((vga->gfx[VGA_GR_ROTATE] >> 3) & 3u) {
    case 1: return data & vga->latch;
    case 2: return data | vga->latch;
    case 3: return data ^ vga->latch;
    default: return data;
    }
}

/* What the write mode makes of the host's byte, for all planes. */
static uint32_t vga_mem_write_data(const Vga *vga, uint8_t value)
{
    uint32_t data, mask = vga->bit_mask;
    switch (vga->gfx[VGA_GR_MODE] & 3u) {
    case 0:
        data = vga_mem_rotate(vga, value) * 0x01010101u;
        data = (data & ~vga->enable_sr) | (vga->set_reset & vga->enable_sr);
        break;
    case 1: return vga->latch;
    case 2: data = vga_spread(value); break;
    default:
        data = vga->set_reset;
        mask &= vga_mem_rotate(vga, value) * 0x01010101u;
        break;
    }
    data = vga_mem_alu(vga, data);
    return (data & mask) | (vga->latch & ~mask);
}

static void vga_mem_write8(Vga *vga, uint32_t addr, uint8_t value)
{
    uint32_t offset = vga_mem_plane_offset(vga, addr, vga->bank_write_base);
    uint32_t planes = vga_mem_write_planes(vga, addr);
    uint32_t data = vga->plain_write ? value * 0x01010101u : vga_mem_write_data(vga, value);
    data = (vga_planes(vga, offset) & ~planes) | (data & planes);
    memcpy(vga->vram + (((uint64_t)offset * 4u) & vga->vram_mask), &data, 4);
}

static uint8_t vga_mem_read8(Vga *vga, uint32_t addr)
{
    uint32_t plane = vga->gfx[VGA_GR_READ_MAP] & 3u;
    vga->latch = vga_planes(vga, vga_mem_plane_offset(vga, addr, vga->bank_read_base));
    if (vga->seq[VGA_SR_MEM_MODE] & VGA_SR4_CHAIN4)
        plane = addr & 3u;
    else if (vga->gfx[VGA_GR_MODE] & VGA_GR5_ODD_EVEN)
        plane = (plane & 2u) | (addr & 1u);
    if (vga->gfx[VGA_GR_MODE] & VGA_GR5_READ_COMPARE) {
        uint32_t differs = (vga->latch ^ vga->compare) & vga->dont_care;
        differs |= differs >> 16;
        return (uint8_t) ~(differs | (differs >> 8));
    }
    return (uint8_t)(vga->latch >> (8u * plane));
}

/* A chained, plainly written dword lies in one word of storage: what mode 13h is drawn with. */
static uint32_t vga_mem_is_chained_word(const Vga *vga, uint32_t addr, uint32_t width)
{
    return (vga->seq[VGA_SR_MEM_MODE] & VGA_SR4_CHAIN4) && !(addr & 3u) && width == 4;
}

/* -- Linear dispi modes: a 64 KiB window at A0000h ------------------------------------------- */

static uint64_t vga_mem_linear_read(const Vga *vga, uint32_t off, uint32_t width)
{
    uint64_t value = 0;
    if (off + width > 0x10000u)
        return ~0ull;
    uint32_t index = (vga->bank_read_base + off) & vga->vram_mask;
    if (index + (uint64_t)width <= vga->vram_bytes) {
        memcpy(&value, vga->vram + index, width);
        return value;
    }
    for (uint32_t i = 0; i < width; i++)
        value |= (uint64_t)vga->vram[(index + i) & vga->vram_mask] << (8u * i);
    return value;
}

static void vga_mem_linear_write(Vga *vga, uint32_t off, uint64_t value, uint32_t width)
{
    if (off + width > 0x10000u)
        return;
    uint32_t index = (vga->bank_write_base + off) & vga->vram_mask;
    if (index + (uint64_t)width <= vga->vram_bytes) {
        memcpy(vga->vram + index, &value, width);
        return;
    }
    for (uint32_t i = 0; i < width; i++)
        vga->vram[(index + i) & vga->vram_mask] = (uint8_t)(value >> (8u * i));
}

/* -- Handlers -------------------------------------------------------------------------------- */

/* [emt, device lock held] */
static uint64_t vga_mem_read(viv_dev_t *dev, void *ctx, uint64_t off64, uint32_t width)
{
    Vga *vga = ctx;
    uint32_t off = (uint32_t)off64, addr = 0;
    uint64_t value = 0;
    (void)dev;
    if (!vga->answers_memory)
        return ~0ull;
    if (vga->linear_window)
        return vga_mem_linear_read(vga, off, width);
    if (vga_mem_decode(vga, off, &addr) && vga_mem_is_chained_word(vga, addr, width) &&
        !(vga->gfx[VGA_GR_MODE] & VGA_GR5_READ_COMPARE)) {
        vga->latch = vga_planes(vga, vga_mem_plane_offset(vga, addr, 0));
        return vga->latch;
    }
    for (uint32_t i = 0; i < width; i++) {
        uint64_t byte = 0xff;
        if (off + i < VGA_WINDOW_BYTES && vga_mem_decode(vga, off + i, &addr))
            byte = vga_mem_read8(vga, addr);
        value |= byte << (8u * i);
    }
    return value;
}

/* [emt, device lock held] */
static void vga_mem_write(viv_dev_t *dev, void *ctx, uint64_t off64, uint64_t value, uint32_t width)
{
    Vga *vga = ctx;
    uint32_t off = (uint32_t)off64, addr = 0;
    (void)dev;
    if (!vga->answers_memory)
        return;
    if (vga->linear_window) {
        vga_mem_linear_write(vga, off, value, width);
        return;
    }
    if (vga->plain_write && vga_mem_decode(vga, off, &addr) &&
        vga_mem_is_chained_word(vga, addr, width)) {
        uint32_t offset = vga_mem_plane_offset(vga, addr, 0);
        uint32_t data =
            (vga_planes(vga, offset) & ~vga->map_mask) | ((uint32_t)value & vga->map_mask);
        memcpy(vga->vram + (((uint64_t)offset * 4u) & vga->vram_mask), &data, 4);
        return;
    }
    for (uint32_t i = 0; i < width; i++)
        if (off + i < VGA_WINDOW_BYTES && vga_mem_decode(vga, off + i, &addr))
            vga_mem_write8(vga, addr, (uint8_t)(value >> (8u * i)));
}

const viv_io_ops_t vga_mem_ops = {
    .size = sizeof(viv_io_ops_t),
    .widths = VIV_W_ANY,
    .flags = VIV_IO_UNALIGNED,
    .read = vga_mem_read,
    .write = vga_mem_write,
};
