/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vga: a VGA with the Bochs VBE extension, on PCI.
 * The guest sees a register-compatible IBM VGA with 256 KiB at A0000h, the "dispi" registers at
 * 1CEh/1CFh for modes up to 32 bpp, and a PCI display controller (class 030000h, slot 2): BAR 0
 * video memory, BAR 2 registers, expansion ROM the VGA BIOS. On a machine without PCI the ROM is
 * at C0000h and video memory is reached through the window alone.
 * Follows: IBM PS/2 Hardware Interface Technical Reference, Video Subsystem; FreeVGA; the Bochs
 * VBE display API. Parts and invariants: vga.h.
 * Not modelled: light pen, acceleration, registers that change within a frame. */
#include "vga.h"

#include <stdlib.h>
#include <string.h>

#define VGA_STATE_VERSION 2u
#define VGA_VRAM_MIN      0x100000u
#define VGA_VRAM_MAX      0x10000000u
#define VGA_ROM_MAX       0x40000u
#define VGA_MMIO_BYTES    0x1000u
/* I/O, memory, master, palette snoop, parity, SERR#, INTx off */
#define VGA_PCI_COMMAND_BITS 0x0567u
/* A mode set writes dozens of registers; the driver is told when they have come to rest. */
#define VGA_MODE_SETTLE_NS 20000000u

static const viv_option_t vga_options[] = {
    VIV_OPT_NAMED(Vga, "VRamSize", vram_wanted, VIV_U32, VGA_VRAM_MIN, VGA_VRAM_MAX, 0x1000000,
                  "bytes of video memory, 1 to 256 MiB, rounded up to a power of two"),
    VIV_OPT_STRING(Vga, "PCIIdentity", identity, "bochs",
                   "PCI ids: \"bochs\" (1234:1111) or \"virtualbox\" (80EE:BEEF)"),
    VIV_OPT_NAMED(Vga, "VendorID", vendor_id, VIV_U16, 0, 0xfffe, 0,
                  "PCI vendor id, 0: as PCIIdentity says"),
    VIV_OPT_NAMED(Vga, "DeviceID", device_id, VIV_U16, 0, 0xffff, 0,
                  "PCI device id, 0: as PCIIdentity says"),
    VIV_OPT_STRING(Vga, "VgaRom", rom_name, "vgabios-stdvga.bin",
                   "VGA BIOS image; empty: none; missing file: a warning"),
    VIV_OPT_NAMED(Vga, "PreferredWidth", preferred_width, VIV_U16, 640, 4095, 1024,
                  "width of the monitor's preferred mode"),
    VIV_OPT_NAMED(Vga, "PreferredHeight", preferred_height, VIV_U16, 480, 4095, 768,
                  "height of the monitor's preferred mode"),
    VIV_OPT_NAMED(Vga, "FullRaster", full_raster, VIV_BOOL, 0, 1, 0,
                  "1: pictures of plain VGA modes are the monitor's, with the border, each scan "
                  "line and dot clock; 0: they have the mode's own pixels"),
    VIV_OPT_NAMED(Vga, "IRQ", irq, VIV_U8, 0, 15, 9,
                  "ISA interrupt line of the vertical interrupt (CRTC register 11h), 0: none"),
    {0},
};

static const viv_field_t vga_ddc_state[] = {
    VIV_FIELD(VgaDdc, enabled, VIV_U8, 2), VIV_FIELD(VgaDdc, lines, VIV_U8, 2),
    VIV_FIELD(VgaDdc, pull, VIV_U8, 2),    VIV_FIELD(VgaDdc, phase, VIV_U8, 2),
    VIV_FIELD(VgaDdc, bits, VIV_U8, 2),    VIV_FIELD(VgaDdc, shift, VIV_U8, 2),
    VIV_FIELD(VgaDdc, pointer, VIV_U8, 2), {0},
};

static const viv_field_t vga_state[] = {
    VIV_FIELD(Vga, misc, VIV_U8, 1),
    VIV_FIELD(Vga, feature, VIV_U8, 1),
    VIV_FIELD(Vga, enabled, VIV_U8, 1),
    VIV_FIELD(Vga, seq_index, VIV_U8, 1),
    VIV_FIELD(Vga, gfx_index, VIV_U8, 1),
    VIV_FIELD(Vga, crtc_index, VIV_U8, 1),
    VIV_FIELD(Vga, attr_index, VIV_U8, 1),
    VIV_FIELD(Vga, attr_data_next, VIV_U8, 1),
    VIV_FIELD_ARRAY(Vga, seq, VIV_U8, 1),
    VIV_FIELD_ARRAY(Vga, gfx, VIV_U8, 1),
    VIV_FIELD_ARRAY(Vga, attr, VIV_U8, 1),
    VIV_FIELD_ARRAY(Vga, crtc, VIV_U8, 1),
    VIV_FIELD_BYTES(Vga, dac, 1),
    VIV_FIELD(Vga, dac_mask, VIV_U8, 1),
    VIV_FIELD(Vga, dac_read_index, VIV_U8, 1),
    VIV_FIELD(Vga, dac_write_index, VIV_U8, 1),
    VIV_FIELD(Vga, dac_component, VIV_U8, 1),
    VIV_FIELD(Vga, dac_reading, VIV_U8, 1),
    VIV_FIELD_BYTES(Vga, dac_buf, 1),
    VIV_FIELD(Vga, big_endian, VIV_U8, 1),
    VIV_FIELD(Vga, latch, VIV_U32, 1),
    VIV_FIELD(Vga, retrace_cleared_ns, VIV_U64, 1),
    VIV_FIELD(Vga, dispi_index, VIV_U16, 1),
    VIV_FIELD_ARRAY(Vga, dispi, VIV_U16, 1),
    VIV_FIELD(Vga, bank_read, VIV_U16, 1),
    VIV_FIELD(Vga, bank_write, VIV_U16, 1),
    VIV_FIELD(Vga, setup, VIV_U8, 2),
    VIV_FIELD(Vga, awake, VIV_U8, 2),
    VIV_FIELD(Vga, start, VIV_U16, 2),
    VIV_FIELD(Vga, retrace_pending, VIV_U8, 2),
    VIV_FIELD(Vga, always_decodes, VIV_U8, 2),
    VIV_FIELD_STRUCT(Vga, ddc, vga_ddc_state, 2),
    {0},
};

/* Rebuilds what is derived from the registers. */
void vga_update(Vga *vga)
{
    vga_mem_update(vga);
    vga_dispi_update(vga);
}

/* -- Telling the driver about a new mode ----------------------------------------------------- */

/* [emt, device lock held] */
void vga_mode_touched(Vga *vga)
{
    const viv_dev_api_t *api = vga->dev->api;
    if (vga->display.ops && api->timer_deadline(vga->mode_timer) == UINT64_MAX)
        api->timer_arm(vga->mode_timer, api->time_ns(vga->dev) + VGA_MODE_SETTLE_NS);
}

/* [emt, device lock held] */
static void vga_mode_settled(viv_dev_t *dev, void *ctx)
{
    Vga *vga = ctx;
    const viv_display_ops_t *ops = vga->display.ops;
    uint32_t width, height;
    VgaGeometry geo;
    (void)dev;
    vga_scan_geometry(vga, &geo);
    vga_picture_size(vga, &geo, &width, &height);
    if (!ops || !VIV_HAS(ops, mode_changed) ||
        (width == vga->told_width && height == vga->told_height))
        return;
    vga->told_width = width;
    vga->told_height = height;
    ops->mode_changed(vga->display.self, width, height);
}

/* -- Life ------------------------------------------------------------------------------------ */

/* [main or emt, device lock held] Video memory keeps its contents, as on the hardware. */
static void vga_reset(viv_dev_t *dev, void *self)
{
    Vga *vga = self;
    vga->misc = vga->feature = 0;
    vga->seq_index = vga->gfx_index = vga->crtc_index = vga->attr_index = 0;
    vga->attr_data_next = 0;
    memset(vga->seq, 0, sizeof(vga->seq));
    memset(vga->gfx, 0, sizeof(vga->gfx));
    memset(vga->attr, 0, sizeof(vga->attr));
    memset(vga->crtc, 0, sizeof(vga->crtc));
    memset(vga->dac, 0, sizeof(vga->dac));
    vga->dac_mask = 0xff;
    vga->dac_read_index = vga->dac_write_index = vga->dac_component = vga->dac_reading = 0;
    memset(vga->dac_buf, 0, sizeof(vga->dac_buf));
    vga->big_endian = 0;
    vga->latch = 0;
    vga->start = 0;
    vga->retrace_pending = 0;
    vga->retrace_cleared_ns = dev->api->time_ns(dev);
    vga->dispi_index = 0;
    memset(vga->dispi, 0, sizeof(vga->dispi));
    vga->dispi[VGA_DISPI_ID] = VGA_DISPI_ID_LAST;
    vga->dispi[VGA_DISPI_BPP] = 8;
    vga->bank_read = vga->bank_write = 0;
    vga_ddc_reset(&vga->ddc);
    dev->api->timer_cancel(vga->mode_timer);
    vga_ports_reset(vga);
    vga_update(vga);
    vga_mode_touched(vga);
}

/* What version 1 did not have: its guests never lost the legacy ranges, and saw a new start address
 * at once. */
static void vga_post_load_1(Vga *vga)
{
    vga_ddc_reset(&vga->ddc);
    vga->setup = 0x08;
    vga->awake = 1;
    vga->always_decodes = 1;
    vga->start = (uint16_t)(vga->crtc[VGA_CR_START_HIGH] << 8 | vga->crtc[VGA_CR_START_LOW]);
}

/* [main, device lock held] */
static viv_status_t vga_post_load(viv_dev_t *dev, void *self, uint32_t version)
{
    Vga *vga = self;
    if (vga->dac_component > 2)
        return dev->api->fail(dev, VIV_E_CORRUPT, "dac_component is %u, at most 2 is possible",
                              vga->dac_component);
    if (vga->dispi[VGA_DISPI_ID] < VGA_DISPI_ID_FIRST ||
        vga->dispi[VGA_DISPI_ID] > VGA_DISPI_ID_LAST)
        return dev->api->fail(dev, VIV_E_CORRUPT, "dispi level %04x does not exist",
                              vga->dispi[VGA_DISPI_ID]);
    vga->dispi[VGA_DISPI_ENABLE] &= VGA_DISPI_ENABLE_MASK;
    if ((vga->dispi[VGA_DISPI_ENABLE] & VGA_DISPI_ENABLED) && !vga_dispi_valid(vga))
        return dev->api->fail(dev, VIV_E_CORRUPT,
                              "the saved mode %ux%u, %u bpp does not fit %u bytes of video memory",
                              vga->dispi[VGA_DISPI_XRES], vga->dispi[VGA_DISPI_YRES],
                              vga->dispi[VGA_DISPI_BPP], vga->vram_bytes);
    vga->bank_read &= 0x3fff;
    vga->bank_write &= 0x3fff;
    vga->dac_reading &= 1;
    vga->big_endian &= 1;
    if (vga->retrace_cleared_ns > dev->api->time_ns(dev))
        vga->retrace_cleared_ns = dev->api->time_ns(dev);
    vga_regs_mask(vga);
    vga_ddc_mask(&vga->ddc);
    if (version < 2)
        vga_post_load_1(vga);
    vga_ports_update(vga);
    vga_update(vga);
    if (version < 2) {
        vga_beam_sync(vga);
        vga_beam_irq(vga);
    }
    vga_mode_touched(vga);
    return VIV_OK;
}

/* [any] */
static viv_status_t vga_query_interface(viv_dev_t *dev, void *self, uint32_t lun, const char *id,
                                        viv_iface_t *ret_iface)
{
    (void)dev;
    if (lun != 0 || strcmp(id, VIV_DISPLAY_PORT_ID) != 0)
        return VIV_E_NOT_FOUND;
    ret_iface->ops = &vga_display_port;
    ret_iface->self = self;
    return VIV_OK;
}

/* -- Construction ---------------------------------------------------------------------------- */

static uint32_t vga_round_up(uint64_t bytes, uint32_t least)
{
    uint32_t size = least;
    while (size < bytes)
        size *= 2;
    return size;
}

static viv_status_t vga_construct_identity(Vga *vga)
{
    static const struct {
        const char *name;
        uint16_t vendor, device;
    } known[] = {{"bochs", 0x1234, 0x1111}, {"virtualbox", 0x80ee, 0xbeef}};
    for (uint32_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(vga->identity, known[i].name) != 0)
            continue;
        if (!vga->vendor_id)
            vga->vendor_id = known[i].vendor;
        if (!vga->device_id)
            vga->device_id = known[i].device;
        return VIV_OK;
    }
    return vga->dev->api->fail(vga->dev, VIV_E_CONFIG,
                               "PCIIdentity is \"%s\", known are \"bochs\" and \"virtualbox\"",
                               vga->identity);
}

/* Firmware runs a ROM only if the ids in its PCI data structure are those of the function. */
static void vga_rom_set_ids(const Vga *vga, uint8_t *rom, uint32_t len)
{
    uint32_t pcir = len >= 0x1a ? rom[0x18] | (uint32_t)rom[0x19] << 8 : len;
    uint32_t image = len >= 3 ? rom[2] * 512u : 0;
    uint8_t sum = 0;
    if (pcir + 8 > len || memcmp(rom + pcir, "PCIR", 4) != 0 || image < 8 || image > len)
        return;
    rom[pcir + 4] = (uint8_t)vga->vendor_id;
    rom[pcir + 5] = (uint8_t)(vga->vendor_id >> 8);
    rom[pcir + 6] = (uint8_t)vga->device_id;
    rom[pcir + 7] = (uint8_t)(vga->device_id >> 8);
    for (uint32_t i = 0; i < image - 1; i++)
        sum = (uint8_t)(sum + rom[i]);
    rom[image - 1] = (uint8_t)-sum;
}

/* Without its ROM the device works, but a PC's firmware will not light it up. */
static viv_status_t vga_construct_rom(Vga *vga)
{
    uint8_t *data = NULL, *hva = NULL;
    uint64_t len = 0;
    if (!vga->rom_name[0])
        return VIV_OK;
    viv_status_t status =
        vga->ram_api->file_load(vga->dev, vga->rom_name, VGA_ROM_MAX, &data, &len);
    if (status != VIV_OK || len == 0) {
        vga->dev->api->log(vga->dev, VIV_LOG_WARN, "no VGA BIOS: cannot load \"%s\"",
                           vga->rom_name);
        if (status == VIV_OK)
            vga->ram_api->file_free(data);
        return VIV_OK;
    }
    uint32_t rom_bytes = vga_round_up(len, 0x1000);
    status = vga->ram_api->create(vga->dev, rom_bytes, "VgaRom", &vga->rom_handle, &hva);
    if (status == VIV_OK) {
        memcpy(hva, data, len);
        vga_rom_set_ids(vga, hva, (uint32_t)len);
        if (vga->pci_fn)
            status = vga->pci->bar_ram(vga->pci_fn, 6, 0, vga->rom_handle, rom_bytes, 0);
        else
            status = vga->ram_api->map(vga->rom_handle, 0xc0000, 0, rom_bytes, 0);
    }
    vga->ram_api->file_free(data);
    return status;
}

static viv_status_t vga_construct_pci(Vga *vga)
{
    viv_pci_desc_t desc = {
        .size = sizeof(desc),
        .vendor_id = vga->vendor_id,
        .device_id = vga->device_id,
        .subsystem_vendor_id = vga->vendor_id,
        .subsystem_id = vga->device_id,
        .class_code = 0x030000,
        .revision = 2, /* from 2 on the MMIO BAR is there */
        .device = 2,
    };
    viv_iface_t iface;
    if (vga->dev->api->get_interface(vga->dev, VIV_PCI_ID, sizeof(viv_pci_api_t), &iface) != VIV_OK)
        return VIV_OK; /* a machine without PCI */
    vga->pci = iface.ops;
    viv_status_t status = vga->pci->add(vga->dev, 0, &desc, &vga->pci_fn);
    if (status == VIV_OK)
        status = vga->pci->bar_ram(vga->pci_fn, 0, VIV_BAR_PREFETCH, vga->vram_handle,
                                   vga->vram_bytes, 1);
    if (status == VIV_OK)
        status =
            vga->pci->bar_mmio(vga->pci_fn, 2, VGA_MMIO_BYTES, 0, &vga_mmio_ops, vga, "VGA MMIO");
    if (status == VIV_OK) {
        vga->pci->config_hooks(vga->pci_fn, NULL, vga_ports_config_written, vga);
        vga->pci->config_wmask(vga->pci_fn, 0x04, VGA_PCI_COMMAND_BITS, 2);
    }
    return status;
}

/* Nobody may be looking. */
static viv_status_t vga_construct_lun(Vga *vga)
{
    viv_iface_t iface;
    const viv_lun_api_t *lun;
    if (vga->dev->api->get_interface(vga->dev, VIV_LUN_ID, sizeof(viv_lun_api_t), &iface) != VIV_OK)
        return VIV_OK;
    lun = iface.ops;
    viv_status_t status = lun->attach(vga->dev, 0, "display");
    if (status != VIV_OK)
        return status == VIV_E_NOT_FOUND ? VIV_OK : status;
    if (lun->query(vga->dev, 0, VIV_DISPLAY_ID, 2 * sizeof(uint32_t), &iface) == VIV_OK)
        vga->display = iface;
    return VIV_OK;
}

/* Nobody may be counting. */
static void vga_construct_counters(Vga *vga)
{
    viv_iface_t iface;
    if (vga->dev->api->get_interface(vga->dev, VIV_STAM_ID, sizeof(viv_stam_api_t), &iface))
        return;
    const viv_stam_api_t *stam = iface.ops;
    stam->counter(vga->dev, &vga->frames, "Frames", "pictures", "Pictures asked for");
    stam->counter(vga->dev, &vga->frames_same, "FramesSame", "pictures",
                  "Pictures of which nothing had to be drawn");
    stam->counter(vga->dev, &vga->lines_drawn, "LinesDrawn", "lines", "Lines of pictures drawn");
}

/* [main, device lock held] */
static viv_status_t vga_construct(viv_dev_t *dev, void *self)
{
    Vga *vga = self;
    viv_iface_t iface;
    vga->dev = dev;
    vga->vram_bytes = vga_round_up(vga->vram_wanted, VGA_VRAM_MIN);
    vga->vram_mask = vga->vram_bytes - 1;
    vga->line = calloc(VGA_LINE_PIXELS, sizeof(*vga->line));
    vga->look = calloc(1, sizeof(*vga->look));
    vga->shown_look = calloc(1, sizeof(*vga->shown_look));
    vga->blocks = calloc(VGA_PLANAR_BYTES / VGA_BLOCK_BYTES, 1);
    if (!vga->line || !vga->look || !vga->shown_look || !vga->blocks)
        return dev->api->fail(dev, VIV_E_NOMEM, "no memory for a line of the picture");
    viv_status_t status = vga_construct_identity(vga);
    if (status != VIV_OK)
        return status;
    status = dev->api->get_interface(dev, VIV_RAM_ID, sizeof(viv_ram_api_t), &iface);
    if (status != VIV_OK)
        return dev->api->fail(dev, status, "this host has no %s", VIV_RAM_ID);
    vga->ram_api = iface.ops;
    status = vga->ram_api->create(dev, vga->vram_bytes, "VRam", &vga->vram_handle, &vga->vram);
    if (status != VIV_OK)
        return status;
    status = dev->api->timer_create(dev, "mode", vga_mode_settled, vga, &vga->mode_timer);
    if (status == VIV_OK)
        status = dev->api->timer_create(dev, "retrace", vga_beam_retrace_timer, vga,
                                        &vga->retrace_timer);
    if (status != VIV_OK)
        return status;
    vga_edid_make(vga->edid, vga->preferred_width, vga->preferred_height);
    status = vga_construct_pci(vga);
    if (status == VIV_OK)
        status = vga_construct_rom(vga);
    if (status == VIV_OK)
        status = vga_ports_map(vga);
    if (status == VIV_OK)
        status = vga_construct_lun(vga);
    vga_construct_counters(vga);
    return status;
}

/* [main, device lock held] */
static void vga_destruct(viv_dev_t *dev, void *self)
{
    Vga *vga = self;
    (void)dev;
    free(vga->pixels);
    free(vga->line);
    free(vga->look);
    free(vga->shown_look);
    free(vga->blocks);
    free(vga->shadow);
}

static const viv_device_class_t vga_class = {
    VIV_DEVICE_CLASS_HEAD,
    .name = "vga",
    .summary = "VGA with the Bochs VBE extension",
    .instance_size = sizeof(Vga),
    .state_version = VGA_STATE_VERSION,
    .max_instances = 1,
    .order = VIV_ORDER_GRAPHICS,
    .options = vga_options,
    .state = vga_state,
    .construct = vga_construct,
    .destruct = vga_destruct,
    .reset = vga_reset,
    .post_load = vga_post_load,
    .query_interface = vga_query_interface,
};

VIV_PLUGIN("org.vivarium.vga", "1.0", "LGPL-2.1-or-later", "VGA with the Bochs VBE extension",
           &vga_class);
