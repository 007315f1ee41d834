/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vga: what the parts of the device share.
 *
 *   vga.c        the class: options, state, PCI function, ROM, construction
 *   vga_regs.c   the register ports 3B4h..3DAh
 *   vga_mem.c    the A0000h..BFFFFh window
 *   vga_dispi.c  the Bochs VBE extension and the MMIO BAR
 *   vga_scan.c   what the CRTC does: geometry, timing, address generation
 *   vga_draw.c   pictures of graphics modes, the display port
 *   vga_text.c   pictures and characters of text modes
 *   vga_edid.c   the monitor's EDID block
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

/* Sequencer */
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

#define VGA_DISPI_ID_FIRST    0xb0c0u
#define VGA_DISPI_ID_LAST     0xb0c5u
#define VGA_DISPI_ENABLED     0x01u
#define VGA_DISPI_GETCAPS     0x02u
#define VGA_DISPI_BANK_32K    0x10u
#define VGA_DISPI_8BIT_DAC    0x20u
#define VGA_DISPI_LFB         0x40u
#define VGA_DISPI_NOCLEARMEM  0x80u
#define VGA_DISPI_ENABLE_MASK 0xf3u

typedef struct Vga {
    /* config */
    uint32_t vram_wanted;
    const char *identity;
    uint16_t vendor_id, device_id;
    const char *rom_name;
    uint16_t preferred_width, preferred_height;

    /* guest-visible state (saved) */
    uint8_t misc;    /* 3C2h */
    uint8_t feature; /* 3DAh/3BAh write */
    uint8_t enabled; /* 3C3h bit 0 */
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
    uint64_t retrace_cleared_ns; /* when the vertical interrupt latch was cleared last */
    uint16_t dispi_index;
    uint16_t dispi[VGA_DISPI_COUNT];
    uint16_t bank_read, bank_write;

    /* derived (vga_update()) */
    uint32_t vram_bytes, vram_mask;
    uint32_t map_mask;  /* sequencer map mask, one byte a plane */
    uint32_t set_reset; /* graphics controller, same form */
    uint32_t enable_sr;
    uint32_t compare, dont_care;
    uint32_t bit_mask;     /* replicated over the planes */
    uint8_t plain_write;   /* write mode 0 that stores the host's bytes unchanged */
    uint8_t linear_window; /* dispi mode of 8 bpp or more: A0000h is a window on linear memory */
    uint32_t bank_read_base, bank_write_base;
    uint64_t line_ps, char_ps, frame_ns; /* beam timing */
    uint32_t beam_lines, beam_chars;     /* visible ones */
    uint32_t retrace_first, retrace_count;
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
    viv_timer_t *mode_timer;
    viv_iface_t display; /* viv.display/1 of the driver, ops NULL without one */
    uint32_t told_width, told_height;
} Vga;

/* Size and kind of the current picture. */
#define VGA_KIND_TEXT   0u
#define VGA_KIND_PLANES 1u /* 16 colours, CGA and unpacked 256 colours: through the CRTC */
#define VGA_KIND_DISPI  2u
typedef struct VgaGeometry {
    uint32_t kind;
    uint32_t width, height; /* of the picture */
    uint32_t chars;         /* character clocks shown */
    uint32_t lines;         /* scan lines shown */
    uint32_t repeat;        /* scan lines a picture line stands for */
    uint32_t dots;          /* pixels a character clock gives: 4, 8, 9 */
    uint32_t blank;         /* black */
} VgaGeometry;

/* One walk down the screen, scan line by scan line. */
typedef struct VgaScan {
    uint32_t line;
    uint32_t start;    /* address counter at the left edge */
    uint32_t row_scan; /* line within the character row */
    uint32_t second;   /* second half of a doubled line */
    uint32_t split;    /* below line compare */
} VgaScan;

/* vga_regs.c */
extern const viv_io_ops_t vga_port_ops; /* ctx: Vga; off is relative to the range's name below */
extern const viv_io_ops_t vga_crtc_mono_ops, vga_crtc_color_ops;
extern const viv_io_ops_t vga_status_mono_ops, vga_status_color_ops;
uint8_t vga_port_read(Vga *vga, uint32_t port);
void vga_port_write(Vga *vga, uint32_t port, uint8_t value);
void vga_regs_mask(Vga *vga);

/* vga_mem.c */
extern const viv_io_ops_t vga_mem_ops;
void vga_mem_update(Vga *vga);

/* vga_dispi.c */
extern const viv_io_ops_t vga_dispi_ops, vga_mmio_ops;
uint32_t vga_dispi_valid(const Vga *vga);
uint32_t vga_dispi_bits(const Vga *vga);
void vga_dispi_update(Vga *vga);

/* vga_scan.c */
void vga_scan_geometry(const Vga *vga, VgaGeometry *ret_geometry);
void vga_scan_begin(const Vga *vga, VgaScan *scan);
void vga_scan_next(const Vga *vga, VgaScan *scan);
uint32_t vga_scan_address(const Vga *vga, uint32_t counter, uint32_t row_scan);
uint32_t vga_scan_divider(const Vga *vga);
void vga_timing_update(Vga *vga);
uint8_t vga_timing_status1(const Vga *vga, uint64_t now_ns);
uint32_t vga_timing_retraced(const Vga *vga, uint64_t since_ns, uint64_t now_ns);
uint64_t vga_timing_frame(const Vga *vga, uint64_t now_ns);

/* vga_draw.c */
extern const viv_display_port_ops_t vga_display_port;
uint32_t vga_draw_dac(const Vga *vga, uint32_t index);
uint32_t vga_draw_attr(const Vga *vga, uint32_t color);

/* vga_text.c */
void vga_text_line(const Vga *vga, const VgaGeometry *geo, const VgaScan *scan,
                   const uint32_t colors[16], uint64_t frame, uint32_t *line);
uint32_t vga_text_dump(const Vga *vga, char *buf, uint32_t buf_bytes);

/* vga_edid.c */
void vga_edid_make(uint8_t edid[VGA_EDID_BYTES], uint32_t width, uint32_t height);

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
