/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vga: what the parts of the device share.
 *
 *   vga.c          the class: options, state, PCI function, ROM, construction
 *   vga_regs.c     the registers
 *   vga_ports.c    who is listening at 102h, 3B4h..3DAh, 46E8h and A0000h
 *   vga_mem.c      the A0000h..BFFFFh window
 *   vga_dispi.c    the Bochs VBE extension and the MMIO BAR
 *   vga_scan.c     what the CRTC does: geometry and address generation
 *   vga_beam.c     the position of the beam, and what happens at a vertical retrace
 *   vga_draw.c     scan lines of graphics modes
 *   vga_text.c     scan lines and characters of text modes
 *   vga_linear.c   lines of dispi modes
 *   vga_dirty.c    which parts of video memory have changed since the last picture
 *   vga_picture.c  pictures, the display port
 *   vga_edid.c     the monitor's EDID block
 *   vga_ddc.c      the wires that it is read through
 *
 * Storage of video memory: the byte of plane p at plane offset o is vram[o * 4 + p], so one aligned
 * 32-bit word holds what the hardware's four latches hold. Plain VGA reaches the first 256 KiB;
 * dispi modes of 8 bits and more use the same bytes as one linear array.
 *
 * Invariants
 * 1. vram_bytes is a power of two of at least 1 MiB and vram_mask is one less; every index into
 *    vram is masked by vram_mask, or by 0xffff as a plane offset of plain VGA.
 * 2. While dispi[ENABLE] has ENABLED set, xres, yres and bpp are non-zero and allowed, and
 *    virt_width * bpp * yres fits video memory (vga_dispi_valid()).
 * 3. Registers never hold bits outside their write masks. */
#ifndef VGA_H
#define VGA_H

#include <viv/device.h>
#include <viv/interfaces.h>
#include <viv/pci.h>

#define VGA_WINDOW_BASE  0xa0000u
#define VGA_WINDOW_BYTES 0x20000u
#define VGA_PLANE_MASK   0xffffu /* plane offsets of plain VGA */
#define VGA_EDID_BYTES   128u
#define VGA_MAX_XRES     7680u
#define VGA_MAX_YRES     4320u
#define VGA_MAX_CHARS    256u /* CR01 + 1 */
#define VGA_LINE_PIXELS  (VGA_MAX_XRES + 32u)
#define VGA_SCAN_PIXELS  ((VGA_MAX_CHARS + 8u) * 9u) /* of a mode of plain VGA, skew and pan too */
#define VGA_PLANAR_BYTES 0x40000u                    /* video memory of plain VGA */
#define VGA_BLOCK_BYTES  0x400u                      /* granularity of change detection */

/* Sequencer */
#define VGA_SR_RESET    0u
#define VGA_SR_CLOCKING 1u
#define VGA_SR_MAP_MASK 2u
#define VGA_SR_CHAR_MAP 3u
#define VGA_SR_MEM_MODE 4u
#define VGA_SR_COUNT    5u
/* Graphics controller */
#define VGA_GR_SET_RESET 0u
#define VGA_GR_ENABLE_SR 1u
#define VGA_GR_COMPARE   2u
#define VGA_GR_ROTATE    3u
#define VGA_GR_READ_MAP  4u
#define VGA_GR_MODE      5u
#define VGA_GR_MISC      6u
#define VGA_GR_DONT_CARE 7u
#define VGA_GR_BIT_MASK  8u
#define VGA_GR_COUNT     9u
/* Attribute controller */
#define VGA_AR_MODE         0x10u
#define VGA_AR_OVERSCAN     0x11u
#define VGA_AR_PLANES       0x12u
#define VGA_AR_PAN          0x13u
#define VGA_AR_COLOR_SELECT 0x14u
#define VGA_AR_COUNT        0x15u
/* CRTC */
#define VGA_CR_H_TOTAL         0x00u
#define VGA_CR_H_DISPLAY_END   0x01u
#define VGA_CR_H_BLANK_START   0x02u
#define VGA_CR_H_BLANK_END     0x03u
#define VGA_CR_H_RETRACE_END   0x05u
#define VGA_CR_OVERFLOW        0x07u
#define VGA_CR_PRESET_ROW      0x08u
#define VGA_CR_MAX_SCAN        0x09u
#define VGA_CR_CURSOR_START    0x0au
#define VGA_CR_CURSOR_END      0x0bu
#define VGA_CR_START_HIGH      0x0cu
#define VGA_CR_START_LOW       0x0du
#define VGA_CR_CURSOR_HIGH     0x0eu
#define VGA_CR_CURSOR_LOW      0x0fu
#define VGA_CR_V_RETRACE_START 0x10u
#define VGA_CR_V_RETRACE_END   0x11u
#define VGA_CR_V_DISPLAY_END   0x12u
#define VGA_CR_OFFSET          0x13u
#define VGA_CR_UNDERLINE       0x14u
#define VGA_CR_V_TOTAL         0x06u
#define VGA_CR_V_BLANK_START   0x15u
#define VGA_CR_V_BLANK_END     0x16u
#define VGA_CR_MODE            0x17u
#define VGA_CR_LINE_COMPARE    0x18u
#define VGA_CR_COUNT           0x19u

/* Dispi registers and the bits of ENABLE */
#define VGA_DISPI_ID          0x0u
#define VGA_DISPI_XRES        0x1u
#define VGA_DISPI_YRES        0x2u
#define VGA_DISPI_BPP         0x3u
#define VGA_DISPI_ENABLE      0x4u
#define VGA_DISPI_BANK        0x5u
#define VGA_DISPI_VIRT_WIDTH  0x6u
#define VGA_DISPI_VIRT_HEIGHT 0x7u
#define VGA_DISPI_X_OFFSET    0x8u
#define VGA_DISPI_Y_OFFSET    0x9u
#define VGA_DISPI_MEMORY_64K  0xau
#define VGA_DISPI_COUNT       0xbu
#define VGA_DISPI_DDC         0xbu

#define VGA_DISPI_ID_FIRST    0xb0c0u
#define VGA_DISPI_ID_LAST     0xb0c5u
#define VGA_DISPI_ENABLED     0x01u
#define VGA_DISPI_GETCAPS     0x02u
#define VGA_DISPI_BANK_32K    0x10u
#define VGA_DISPI_8BIT_DAC    0x20u
#define VGA_DISPI_LFB         0x40u
#define VGA_DISPI_NOCLEARMEM  0x80u
#define VGA_DISPI_ENABLE_MASK 0xf3u

/* The slave side of the DDC wires. */
typedef struct VgaDdc {
    uint8_t enabled; /* the guest has taken the wires */
    uint8_t lines;   /* as the host drives them: bit 0 clock, bit 1 data */
    uint8_t pull;    /* the monitor holds data low */
    uint8_t phase;   /* VGA_DDC_* */
    uint8_t bits;    /* of the byte on the wire */
    uint8_t shift;
    uint8_t pointer; /* next byte of the EDID */
} VgaDdc;

/* Size and kind of the current picture. */
#define VGA_KIND_TEXT   0u
#define VGA_KIND_PLANES 1u /* graphics modes of plain VGA */
#define VGA_KIND_DISPI  2u
typedef struct VgaGeometry {
    uint32_t kind;
    uint32_t width, height; /* of the picture */
    uint32_t chars;         /* character clocks shown */
    uint32_t lines;         /* scan lines shown */
    uint32_t repeat;        /* scan lines a picture line stands for */
    uint32_t dots;          /* pixels a character clock gives: 4, 8, 9 */
    uint32_t blank;         /* black */
    uint32_t idle;          /* palette address source is off: the border's colour all over */
    /* The whole raster, in character clocks and scan lines; blanking may wrap round. */
    uint32_t skew; /* character clocks that display enable comes late */
    uint32_t h_total, h_blank, h_blank_count;
    uint32_t v_total, v_blank, v_blank_count;
} VgaGeometry;

/* Everything that a picture is made from except video memory: if it is what it was, only changed
 * memory is drawn again. All bytes are set, for memcmp(). */
typedef struct VgaLook {
    VgaGeometry geo;
    uint32_t colors[256]; /* xRGB of the attribute controller's outputs; of pixels in 8 bpp */
    uint8_t attr_out[16]; /* attribute controller's output for the colours of graphics modes */
    uint8_t seq[VGA_SR_COUNT], gfx[VGA_GR_COUNT], attr[VGA_AR_COUNT], crtc[VGA_CR_COUNT];
    uint8_t cursor_off, blink_off; /* phases */
    uint8_t big_endian;
    uint16_t dispi[VGA_DISPI_COUNT];
    uint16_t start; /* start address in use */
} VgaLook;

/* One walk down the screen, scan line by scan line. */
typedef struct VgaScan {
    uint32_t line;
    uint32_t start;    /* address counter at the left edge */
    uint32_t row_scan; /* line within the character row */
    uint32_t second;   /* second half of a doubled line */
    uint32_t split;    /* below line compare */
} VgaScan;

typedef struct Vga {
    /* config */
    uint32_t vram_wanted;
    const char *identity;
    uint16_t vendor_id, device_id;
    const char *rom_name;
    uint16_t preferred_width, preferred_height;
    uint8_t full_raster;
    uint8_t irq;

    /* guest-visible state (saved) */
    uint8_t misc;    /* 3C2h */
    uint8_t feature; /* 3DAh/3BAh write */
    uint8_t enabled; /* 3C3h bit 0 */
    uint8_t setup;   /* 46E8h: bit 3 enable, bit 4 setup mode */
    uint8_t awake;   /* 102h bit 0 */
    uint8_t seq_index, gfx_index, crtc_index;
    uint8_t attr_index;     /* bit 5: palette address source */
    uint8_t attr_data_next; /* the 3C0h flip-flop: next write is data */
    uint8_t seq[VGA_SR_COUNT];
    uint8_t gfx[VGA_GR_COUNT];
    uint8_t attr[VGA_AR_COUNT];
    uint8_t crtc[VGA_CR_COUNT];
    uint8_t dac[256 * 3]; /* always 8 bits a component */
    uint8_t dac_mask;     /* 3C6h */
    uint8_t dac_read_index, dac_write_index;
    uint8_t dac_component; /* 0..2 */
    uint8_t dac_reading;   /* 3C7h was written last */
    uint8_t dac_buf[2];    /* red and green, waiting for blue */
    uint8_t big_endian;    /* MMIO register 604h: byte order of 15..32 bpp pixels */
    uint32_t latch;
    uint16_t start;              /* start address in use since a vertical retrace */
    uint8_t retrace_pending;     /* the vertical interrupt's latch */
    uint64_t retrace_cleared_ns; /* up to here vertical retraces have had their effects */
    uint16_t dispi_index;
    uint16_t dispi[VGA_DISPI_COUNT];
    uint16_t bank_read, bank_write;
    uint8_t always_decodes; /* from a state in which the PCI command register had no say */
    VgaDdc ddc;

    /* derived (vga_update()) */
    uint32_t vram_bytes, vram_mask;
    uint32_t map_mask;  /* sequencer map mask, one byte a plane */
    uint32_t set_reset; /* graphics controller, same form */
    uint32_t enable_sr;
    uint32_t compare, dont_care;
    uint32_t bit_mask;     /* replicated over the planes */
    uint32_t offset_mask;  /* plane offsets that the memory mode register lets through */
    uint8_t plain_write;   /* write mode 0 that stores the host's bytes unchanged */
    uint8_t linear_window; /* dispi mode of 8 bpp or more: A0000h is a window on linear memory */
    uint8_t answers_ports, answers_memory; /* legacy ranges: enables, setup and PCI command */
    uint8_t retraces;                      /* the vertical counter is let run */
    uint32_t bank_read_base, bank_write_base;
    uint64_t line_ps, char_ps, frame_ns; /* beam timing */
    uint32_t beam_lines, beam_chars, beam_skew, beam_dots;
    uint32_t retrace_first, retrace_count;
    VgaGeometry raster;   /* the members from skew on */
    VgaScan beam_scan;    /* of the line that was asked for last */
    uint16_t beam_start;  /* and the start address it was reached from */
    uint8_t beam_scanned; /* beam_scan is good */
    uint8_t edid[VGA_EDID_BYTES];

    /* host resources (never saved) */
    viv_dev_t *dev;
    const viv_pci_api_t *pci;
    const viv_ram_api_t *ram_api;
    viv_pci_fn_t *pci_fn;
    viv_ram_t *vram_handle, *rom_handle;
    uint8_t *vram;
    uint32_t *pixels; /* the last picture */
    uint32_t *line;   /* VGA_LINE_PIXELS */
    uint64_t pixels_cap;
    uint32_t shown_width, shown_height;
    uint64_t generation;
    VgaLook *look, *shown_look; /* of this picture and the last */
    uint8_t *shadow;            /* what video memory held at the last picture */
    uint64_t shadow_cap;
    uint8_t *blocks; /* of plain VGA: which have changed since then */
    viv_timer_t *mode_timer, *retrace_timer;
    viv_iface_t display; /* viv.display/1 of the driver, ops NULL without one */
    uint32_t told_width, told_height;

    /* stats */
    uint64_t frames, frames_same, lines_drawn;
} Vga;

/* vga_regs.c */
uint8_t vga_port_read(Vga *vga, uint32_t port);
void vga_port_write(Vga *vga, uint32_t port, uint8_t value);
void vga_regs_mask(Vga *vga);

/* vga_ports.c */
viv_status_t vga_ports_map(Vga *vga);
void vga_ports_reset(Vga *vga);
void vga_ports_update(Vga *vga);
void vga_ports_config_written(viv_dev_t *dev, void *ctx, uint32_t off, uint32_t width,
                              uint32_t value);

/* vga_mem.c */
extern const viv_io_ops_t vga_mem_ops;
void vga_mem_update(Vga *vga);

/* vga_dispi.c */
extern const viv_io_ops_t vga_dispi_ops, vga_mmio_ops;
uint32_t vga_dispi_on(const Vga *vga);
uint32_t vga_dispi_valid(const Vga *vga);
uint32_t vga_dispi_bits(const Vga *vga);
void vga_dispi_update(Vga *vga);

/* vga_scan.c */
void vga_scan_raster(const Vga *vga, VgaGeometry *ret_geometry);
void vga_scan_geometry(const Vga *vga, VgaGeometry *ret_geometry);
void vga_scan_begin(const Vga *vga, uint32_t start, VgaScan *scan);
void vga_scan_next(const Vga *vga, VgaScan *scan);
uint32_t vga_scan_address(const Vga *vga, uint32_t counter, uint32_t row_scan);
uint32_t vga_scan_divider(const Vga *vga);
uint32_t vga_scan_column_blank(const VgaGeometry *geo, uint32_t column);
uint32_t vga_scan_line_blank(const VgaGeometry *geo, uint32_t line);
uint32_t vga_scan_v_total(const Vga *vga);
uint32_t vga_scan_v_display_end(const Vga *vga);
uint32_t vga_scan_v_retrace_start(const Vga *vga);
uint32_t vga_scan_v_scale(const Vga *vga);
uint32_t vga_scan_char_dots(const Vga *vga);

/* vga_beam.c */
void vga_beam_update(Vga *vga);
void vga_beam_sync(Vga *vga);
void vga_beam_irq(Vga *vga);
void vga_beam_retrace_timer(viv_dev_t *dev, void *ctx);
uint32_t vga_beam_start(const Vga *vga, uint64_t now_ns);
uint64_t vga_beam_frame(const Vga *vga, uint64_t now_ns);
uint8_t vga_beam_status1(Vga *vga);
uint32_t vga_beam_color(Vga *vga);

/* vga_draw.c */
uint32_t vga_draw_pan(const Vga *vga, const VgaGeometry *geo, const VgaScan *scan);
void vga_draw_chars(const Vga *vga, const VgaLook *look, const VgaScan *scan, uint32_t first,
                    uint32_t count, uint8_t *out);
void vga_draw_planar8(uint32_t planes, uint8_t out[8]);

/* vga_linear.c */
uint64_t vga_linear_row(const Vga *vga, uint32_t y, uint32_t *ret_bytes);
void vga_linear_line(const Vga *vga, const VgaLook *look, uint32_t y, uint32_t *line);

/* vga_dirty.c */
#define VGA_DIRTY_NOTHING 0u
#define VGA_DIRTY_BLOCKS  1u
#define VGA_DIRTY_ALL     2u
uint32_t vga_dirty_planar(Vga *vga, const VgaLook *look);
uint32_t vga_dirty_scan_line(const Vga *vga, const VgaGeometry *geo, const VgaScan *scan);
uint32_t vga_dirty_linear_begin(Vga *vga, const VgaGeometry *geo);
uint32_t vga_dirty_linear_line(Vga *vga, uint32_t y);

/* vga_picture.c */
extern const viv_display_port_ops_t vga_display_port;
void vga_picture_attributes(const Vga *vga, uint64_t now_ns, VgaLook *look);
uint32_t vga_picture_dac(const Vga *vga, uint32_t index);
void vga_picture_size(const Vga *vga, const VgaGeometry *geo, uint32_t *ret_width,
                      uint32_t *ret_height);

/* vga_text.c */
void vga_text_chars(const Vga *vga, const VgaLook *look, const VgaScan *scan, uint32_t first,
                    uint32_t count, uint8_t *out);
uint32_t vga_text_dump(const Vga *vga, char *buf, uint32_t buf_bytes);

/* vga_edid.c */
void vga_edid_make(uint8_t edid[VGA_EDID_BYTES], uint32_t width, uint32_t height);

/* vga_ddc.c */
void vga_ddc_reset(VgaDdc *ddc);
void vga_ddc_mask(VgaDdc *ddc);
uint16_t vga_ddc_read(const VgaDdc *ddc);
void vga_ddc_write(VgaDdc *ddc, const uint8_t edid[VGA_EDID_BYTES], uint16_t value);

/* vga.c */
void vga_update(Vga *vga);
void vga_mode_touched(Vga *vga);

/* The planes' bytes at a plane offset as one word; hosts are little-endian. */
static inline uint32_t vga_planes(const Vga *vga, uint32_t plane_offset)
{
    uint32_t word;
    __builtin_memcpy(&word, vga->vram + (((uint64_t)plane_offset * 4u) & vga->vram_mask), 4);
    return word;
}

/* Bit p of a nibble becomes byte p of the word, all ones or zeros. */
static inline uint32_t vga_spread(uint32_t nibble)
{
    return ((nibble & 1u) ? 0xffu : 0u) | ((nibble & 2u) ? 0xff00u : 0u) |
           ((nibble & 4u) ? 0xff0000u : 0u) | ((nibble & 8u) ? 0xff000000u : 0u);
}

#endif
