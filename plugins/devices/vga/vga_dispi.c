/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vga: the Bochs VBE extension ("dispi") and the MMIO BAR that carries it.
 * Ports 1CEh (index) and 1CFh or 1D0h (data), 16 bits wide. Follows: the VBE display API text of
 * the Bochs project (levels B0C0h..B0C5h) and the register layout of the "standard VGA" PCI MMIO
 * BAR:   000h EDID, 400h VGA ports 3C0h..3DFh, 500h dispi registers, 600h size and byte order
 * registers. XRES, YRES and BPP are only writable while the mode is off. Enabling a mode that is
 * too large or of an unknown depth leaves ENABLED clear.
 * The wires to the monitor (register 0Bh): vga_ddc.c. */
#include "vga.h"

#include <string.h>

#define VGA_MMIO_VGA    0x400u
#define VGA_MMIO_DISPI  0x500u
#define VGA_MMIO_QEXT   0x600u
#define VGA_DISPI_BYTES (2u * (VGA_DISPI_DDC + 1u))
#define VGA_QEXT_SIZE   8u
#define VGA_QEXT_BIG    0xbebebebeu
#define VGA_QEXT_LITTLE 0x1e1e1e1eu

uint32_t vga_dispi_on(const Vga *vga)
{
    return vga->dispi[VGA_DISPI_ENABLE] & VGA_DISPI_ENABLED;
}

/* Bits of storage a pixel takes, 0 for a depth that does not exist. */
uint32_t vga_dispi_bits(const Vga *vga)
{
    switch (vga->dispi[VGA_DISPI_BPP]) {
    case 4: return 4;
    case 8: return 8;
    case 15:
    case 16: return 16;
    case 24: return 24;
    case 32: return 32;
    default: return 0;
    }
}

/* Invariant 2. */
uint32_t vga_dispi_valid(const Vga *vga)
{
    uint64_t bits = vga_dispi_bits(vga), width = vga->dispi[VGA_DISPI_VIRT_WIDTH];
    uint64_t xres = vga->dispi[VGA_DISPI_XRES], yres = vga->dispi[VGA_DISPI_YRES];
    return bits && xres && yres && xres <= VGA_MAX_XRES && yres <= VGA_MAX_YRES && width >= xres &&
           (bits != 4 || width >= 8) && width * bits * yres <= (uint64_t)vga->vram_bytes * 8u;
}

static void vga_dispi_bank_bases(Vga *vga)
{
    uint32_t shift = (vga->dispi[VGA_DISPI_ENABLE] & VGA_DISPI_BANK_32K) ? 15 : 16;
    vga->bank_read_base = (uint32_t)vga->bank_read << shift;
    vga->bank_write_base = (uint32_t)vga->bank_write << shift;
}

void vga_dispi_update(Vga *vga)
{
    vga->linear_window = vga_dispi_on(vga) && vga_dispi_bits(vga) >= 8;
    vga_dispi_bank_bases(vga);
    vga_beam_update(vga);
}

/* The virtual height is what video memory has room for. */
static void vga_dispi_virt_width(Vga *vga, uint32_t wanted)
{
    uint64_t memory_bits = (uint64_t)vga->vram_bytes * 8u, bits = vga_dispi_bits(vga);
    uint32_t xres = vga->dispi[VGA_DISPI_XRES], yres = vga->dispi[VGA_DISPI_YRES];
    uint64_t width = wanted < xres ? xres : wanted;
    if (bits == 4)
        width &= ~7ull; /* planes are addressed by bytes */
    if (width * bits * yres > memory_bits)
        width = memory_bits / (bits * yres);
    if (width < xres)
        width = xres;
    uint64_t height = width && bits ? memory_bits / (width * bits) : 0;
    vga->dispi[VGA_DISPI_VIRT_WIDTH] = (uint16_t)width;
    vga->dispi[VGA_DISPI_VIRT_HEIGHT] = (uint16_t)(height > 0xffffu ? 0xffffu : height);
}

static void vga_dispi_enable(Vga *vga, uint16_t value)
{
    uint32_t was = vga->dispi[VGA_DISPI_ENABLE] & VGA_DISPI_ENABLED;
    value &= VGA_DISPI_ENABLE_MASK;
    if (!(value & VGA_DISPI_ENABLED)) {
        vga->dispi[VGA_DISPI_ENABLE] = value;
        vga->bank_read = vga->bank_write = 0;
        return;
    }
    if (!was) {
        vga->dispi[VGA_DISPI_X_OFFSET] = vga->dispi[VGA_DISPI_Y_OFFSET] = 0;
        vga->dispi[VGA_DISPI_VIRT_WIDTH] = vga->dispi[VGA_DISPI_XRES];
        vga->bank_read = vga->bank_write = 0;
        if (!vga_dispi_valid(vga)) {
            vga->dispi[VGA_DISPI_ENABLE] = (uint16_t)(value & ~VGA_DISPI_ENABLED);
            return;
        }
        vga_dispi_virt_width(vga, vga->dispi[VGA_DISPI_XRES]);
        if (!(value & VGA_DISPI_NOCLEARMEM)) {
            uint64_t bytes = (uint64_t)vga->dispi[VGA_DISPI_VIRT_WIDTH] * vga_dispi_bits(vga) *
                             vga->dispi[VGA_DISPI_YRES] / 8u;
            memset(vga->vram, 0, bytes);
        }
    }
    vga->dispi[VGA_DISPI_ENABLE] = value;
}

/* Level B0C5h says in the top bits which of the two banks is meant; neither means both. */
static void vga_dispi_bank(Vga *vga, uint16_t value)
{
    uint16_t which = value & 0xc000u, bank = value & 0x3fffu;
    if (!which || (which & 0x4000u))
        vga->bank_write = bank;
    if (!which || (which & 0x8000u))
        vga->bank_read = bank;
    vga_dispi_bank_bases(vga);
}

static uint16_t vga_dispi_read(const Vga *vga, uint32_t index)
{
    uint32_t caps = vga->dispi[VGA_DISPI_ENABLE] & VGA_DISPI_GETCAPS;
    switch (index) {
    case VGA_DISPI_XRES: return caps ? VGA_MAX_XRES : vga->dispi[index];
    case VGA_DISPI_YRES: return caps ? VGA_MAX_YRES : vga->dispi[index];
    case VGA_DISPI_BPP: return caps ? 32 : vga->dispi[index];
    case VGA_DISPI_BANK: return vga->bank_write;
    case VGA_DISPI_MEMORY_64K: return (uint16_t)(vga->vram_bytes >> 16);
    case VGA_DISPI_DDC: return vga_ddc_read(&vga->ddc);
    default: return index < VGA_DISPI_COUNT ? vga->dispi[index] : 0;
    }
}

static void vga_dispi_write(Vga *vga, uint32_t index, uint16_t value)
{
    uint32_t enabled = vga_dispi_on(vga);
    switch (index) {
    case VGA_DISPI_ID:
        if (value >= VGA_DISPI_ID_FIRST && value <= VGA_DISPI_ID_LAST)
            vga->dispi[index] = value;
        return;
    case VGA_DISPI_XRES:
    case VGA_DISPI_YRES:
        if (!enabled)
            vga->dispi[index] = value;
        return;
    case VGA_DISPI_BPP:
        if (!enabled)
            vga->dispi[index] = value ? value : 8;
        return;
    case VGA_DISPI_ENABLE:
        vga_beam_sync(vga);
        vga_dispi_enable(vga, value);
        vga_mode_touched(vga);
        vga_dispi_update(vga);
        return;
    case VGA_DISPI_BANK: vga_dispi_bank(vga, value); return;
    case VGA_DISPI_VIRT_WIDTH:
        if (enabled)
            vga_dispi_virt_width(vga, value);
        return;
    case VGA_DISPI_X_OFFSET:
    case VGA_DISPI_Y_OFFSET: vga->dispi[index] = value; return;
    case VGA_DISPI_DDC: vga_ddc_write(&vga->ddc, vga->edid, value); return;
    default: return;
    }
}

/* -- Ports 1CEh..1D0h ------------------------------------------------------------------------ */

/* [emt, device lock held] */
static uint64_t vga_dispi_in(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    const Vga *vga = ctx;
    (void)dev;
    if (!vga->answers_ports)
        return width == 1 ? 0xff : 0xffff;
    uint16_t value = off == 0 ? vga->dispi_index : vga_dispi_read(vga, vga->dispi_index);
    return width == 1 ? value & 0xffu : value;
}

static void vga_dispi_out(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value, uint32_t width)
{
    Vga *vga = ctx;
    (void)dev, (void)width;
    if (!vga->answers_ports)
        return;
    if (off == 0)
        vga->dispi_index = (uint16_t)value;
    else
        vga_dispi_write(vga, vga->dispi_index, (uint16_t)value);
}

const viv_io_ops_t vga_dispi_ops = {
    .size = sizeof(viv_io_ops_t),
    .widths = VIV_W8 | VIV_W16,
    .flags = VIV_IO_UNALIGNED,
    .read = vga_dispi_in,
    .write = vga_dispi_out,
};

/* -- BAR 2 ----------------------------------------------------------------------------------- */

static uint32_t vga_qext_read(const Vga *vga, uint32_t off)
{
    if (off < 4)
        return VGA_QEXT_SIZE;
    return vga->big_endian ? VGA_QEXT_BIG : VGA_QEXT_LITTLE;
}

static uint8_t vga_mmio_read8(Vga *vga, uint32_t off)
{
    if (off < VGA_EDID_BYTES)
        return vga->edid[off];
    if (off >= VGA_MMIO_VGA && off < VGA_MMIO_VGA + 0x20)
        return vga_port_read(vga, 0x3c0u + off - VGA_MMIO_VGA);
    if (off >= VGA_MMIO_DISPI && off < VGA_MMIO_DISPI + VGA_DISPI_BYTES)
        return (uint8_t)(vga_dispi_read(vga, (off - VGA_MMIO_DISPI) / 2) >> (8u * (off & 1u)));
    if (off >= VGA_MMIO_QEXT && off < VGA_MMIO_QEXT + VGA_QEXT_SIZE)
        return (uint8_t)(vga_qext_read(vga, off - VGA_MMIO_QEXT) >> (8u * (off & 3u)));
    return off < VGA_MMIO_VGA ? 0 : 0xff;
}

/* [emt, device lock held] */
static uint64_t vga_mmio_in(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    uint64_t value = 0;
    (void)dev;
    for (uint32_t i = 0; i < width; i++)
        value |= (uint64_t)vga_mmio_read8(ctx, (uint32_t)off + i) << (8u * i);
    return value;
}

static void vga_mmio_dispi_out(Vga *vga, uint32_t off, uint32_t value, uint32_t width)
{
    uint32_t index = off / 2;
    if (width == 1) {
        uint32_t shift = 8u * (off & 1u), old = vga_dispi_read(vga, index);
        value = (old & ~(0xffu << shift)) | (value << shift);
    }
    vga_dispi_write(vga, index, (uint16_t)value);
    if (width == 4)
        vga_dispi_write(vga, index + 1, (uint16_t)(value >> 16));
}

/* [emt, device lock held] Naturally aligned. */
static void vga_mmio_out(viv_dev_t *dev, void *ctx, uint64_t off64, uint64_t value, uint32_t width)
{
    Vga *vga = ctx;
    uint32_t off = (uint32_t)off64;
    (void)dev;
    if (off >= VGA_MMIO_VGA && off < VGA_MMIO_VGA + 0x20) {
        for (uint32_t i = 0; i < width; i++)
            vga_port_write(vga, 0x3c0u + off - VGA_MMIO_VGA + i, (uint8_t)(value >> (8u * i)));
    } else if (off >= VGA_MMIO_DISPI && off < VGA_MMIO_DISPI + VGA_DISPI_BYTES) {
        vga_mmio_dispi_out(vga, off - VGA_MMIO_DISPI, (uint32_t)value, width);
    } else if (off == VGA_MMIO_QEXT + 4 && width == 4) {
        if (value == VGA_QEXT_BIG)
            vga->big_endian = 1;
        else if (value == VGA_QEXT_LITTLE)
            vga->big_endian = 0;
    }
}

const viv_io_ops_t vga_mmio_ops = {
    .size = sizeof(viv_io_ops_t),
    .widths = VIV_W8 | VIV_W16 | VIV_W32,
    .read = vga_mmio_in,
    .write = vga_mmio_out,
};
