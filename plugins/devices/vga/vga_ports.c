/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vga: who is listening at the ports and at A0000h.
 * Four things decide: the enables 3C3h bit 0 (a VGA of the main board) and 46E8h bit 3 (one on a
 * card), setup mode (46E8h bit 4), in which only 102h bit 0 can be reached, that bit, and on PCI
 * the I/O and memory enables of the command register. 3C3h, 46E8h and 102h themselves obey the
 * I/O enable alone, or nobody could switch the adapter on again. CRTC and status 1 are at 3Bxh or
 * 3Dxh as Misc Output bit 0 says.
 * Follows: IBM PS/2 Hardware Interface Technical Reference, Video Subsystem Enable; IBM Personal
 * System/2 Display Adapter (46E8h, 102h); PCI Local Bus Specification 3.0, 6.2.2. The palette snoop
 * bit of the command register is kept and changes nothing that a guest could tell: with it set the
 * DAC still takes what is written. */
#include "vga.h"

#define VGA_PCI_COMMAND 0x04u
#define VGA_PCI_IO      0x1u
#define VGA_PCI_MEMORY  0x2u
#define VGA_SETUP_ON    0x08u
#define VGA_SETUP_MODE  0x10u

static uint32_t vga_ports_command(const Vga *vga)
{
    if (!vga->pci_fn || vga->always_decodes)
        return VGA_PCI_IO | VGA_PCI_MEMORY;
    return vga->pci->config_get(vga->pci_fn, VGA_PCI_COMMAND, 2);
}

void vga_ports_update(Vga *vga)
{
    uint32_t command = vga_ports_command(vga);
    uint8_t on = vga->enabled && vga->awake && vga->setup == VGA_SETUP_ON;
    vga->answers_ports = on && (command & VGA_PCI_IO);
    vga->answers_memory = on && (command & VGA_PCI_MEMORY);
}

void vga_ports_reset(Vga *vga)
{
    vga->enabled = vga->awake = 1;
    vga->setup = VGA_SETUP_ON;
    vga->always_decodes = 0;
    vga_ports_update(vga);
}

/* [emt, device lock held] viv_pci_cfg_written_fn */
void vga_ports_config_written(viv_dev_t *dev, void *ctx, uint32_t off, uint32_t width,
                              uint32_t value)
{
    Vga *vga = ctx;
    (void)dev, (void)width, (void)value;
    if (off >= VGA_PCI_COMMAND + 2)
        return;
    vga->always_decodes = 0;
    vga_ports_update(vga);
}

/* -- 3C0h..3CFh ------------------------------------------------------------------------------ */

static uint64_t vga_ports_in(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    Vga *vga = ctx;
    (void)dev, (void)width;
    if (!vga->answers_ports && (off != 3 || !(vga_ports_command(vga) & VGA_PCI_IO)))
        return 0xff;
    return vga_port_read(vga, 0x3c0u + (uint32_t)off);
}

static void vga_ports_out(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value, uint32_t width)
{
    Vga *vga = ctx;
    (void)dev, (void)width;
    if (vga->answers_ports || (off == 3 && (vga_ports_command(vga) & VGA_PCI_IO)))
        vga_port_write(vga, 0x3c0u + (uint32_t)off, (uint8_t)value);
}

/* -- 46E8h and 102h -------------------------------------------------------------------------- */

static void vga_ports_setup_out(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value,
                                uint32_t width)
{
    Vga *vga = ctx;
    (void)dev, (void)off, (void)width;
    if (!(vga_ports_command(vga) & VGA_PCI_IO))
        return;
    vga->setup = (uint8_t)(value & (VGA_SETUP_ON | VGA_SETUP_MODE));
    vga_ports_update(vga);
}

static uint32_t vga_ports_in_setup(const Vga *vga)
{
    return (vga->setup & VGA_SETUP_MODE) && (vga_ports_command(vga) & VGA_PCI_IO);
}

static uint64_t vga_ports_option_in(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    const Vga *vga = ctx;
    (void)dev, (void)off, (void)width;
    return vga_ports_in_setup(vga) ? vga->awake : 0xff;
}

static void vga_ports_option_out(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value,
                                 uint32_t width)
{
    Vga *vga = ctx;
    (void)dev, (void)off, (void)width;
    if (!vga_ports_in_setup(vga))
        return;
    vga->awake = value & 1;
    vga_ports_update(vga);
}

/* -- CRTC and status 1: two homes, one for each value of Misc Output bit 0 -------------------- */

static uint32_t vga_ports_here(const Vga *vga, uint32_t color)
{
    return vga->answers_ports && (vga->misc & 1u) == color;
}

static uint64_t vga_ports_mono_in(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    (void)dev, (void)width;
    return vga_ports_here(ctx, 0) ? vga_port_read(ctx, 0x3d4u + (uint32_t)off) : 0xff;
}

static void vga_ports_mono_out(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value,
                               uint32_t width)
{
    (void)dev, (void)width;
    if (vga_ports_here(ctx, 0))
        vga_port_write(ctx, 0x3d4u + (uint32_t)off, (uint8_t)value);
}

static uint64_t vga_ports_color_in(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    (void)dev, (void)width;
    return vga_ports_here(ctx, 1) ? vga_port_read(ctx, 0x3d4u + (uint32_t)off) : 0xff;
}

static void vga_ports_color_out(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value,
                                uint32_t width)
{
    (void)dev, (void)width;
    if (vga_ports_here(ctx, 1))
        vga_port_write(ctx, 0x3d4u + (uint32_t)off, (uint8_t)value);
}

static uint64_t vga_ports_mono_status_in(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    return vga_ports_mono_in(dev, ctx, off + 6, width);
}

static void vga_ports_mono_status_out(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value,
                                      uint32_t width)
{
    vga_ports_mono_out(dev, ctx, off + 6, value, width);
}

static uint64_t vga_ports_color_status_in(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    return vga_ports_color_in(dev, ctx, off + 6, width);
}

static void vga_ports_color_status_out(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value,
                                       uint32_t width)
{
    vga_ports_color_out(dev, ctx, off + 6, value, width);
}

#define VGA_BYTE_OPS(in, out)                                                                      \
    {                                                                                              \
        .size = sizeof(viv_io_ops_t), .widths = VIV_W8, .read = (in), .write = (out)               \
    }

/* [main, device lock held] */
viv_status_t vga_ports_map(Vga *vga)
{
    static const viv_io_ops_t main_ops = VGA_BYTE_OPS(vga_ports_in, vga_ports_out);
    static const viv_io_ops_t setup_ops = VGA_BYTE_OPS(NULL, vga_ports_setup_out);
    static const viv_io_ops_t option_ops = VGA_BYTE_OPS(vga_ports_option_in, vga_ports_option_out);
    static const viv_io_ops_t mono_ops = VGA_BYTE_OPS(vga_ports_mono_in, vga_ports_mono_out);
    static const viv_io_ops_t color_ops = VGA_BYTE_OPS(vga_ports_color_in, vga_ports_color_out);
    static const viv_io_ops_t mono_status_ops =
        VGA_BYTE_OPS(vga_ports_mono_status_in, vga_ports_mono_status_out);
    static const viv_io_ops_t color_status_ops =
        VGA_BYTE_OPS(vga_ports_color_status_in, vga_ports_color_status_out);
    static const struct {
        uint32_t base, count;
        const viv_io_ops_t *ops;
        const char *name;
    } ranges[] = {
        {0x102, 1, &option_ops, "VGA programmable option select"},
        {0x1ce, 4, &vga_dispi_ops, "dispi"},
        {0x3b4, 2, &mono_ops, "CRTC (monochrome)"},
        {0x3ba, 1, &mono_status_ops, "status 1 (monochrome)"},
        {0x3c0, 16, &main_ops, "VGA"},
        {0x3d4, 2, &color_ops, "CRTC"},
        {0x3da, 1, &color_status_ops, "status 1"},
        {0x46e8, 1, &setup_ops, "VGA enable and setup"},
    };
    const viv_dev_api_t *api = vga->dev->api;
    viv_status_t status = VIV_OK;
    for (uint32_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]) && status == VIV_OK; i++)
        status = api->pio_map(vga->dev, ranges[i].base, ranges[i].count, ranges[i].ops, vga,
                              ranges[i].name, NULL);
    if (status == VIV_OK)
        status = api->mmio_map(vga->dev, VGA_WINDOW_BASE, VGA_WINDOW_BYTES, &vga_mem_ops, vga,
                               "VGA memory", NULL);
    return status;
}
