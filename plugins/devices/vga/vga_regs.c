/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vga: the registers.
 * Follows: IBM PS/2 Hardware Interface Technical Reference, Video Subsystem (registers, reset
 * values, reserved bits read as zero); the read-only CRTC 22h/24h are those of the clones.
 * Port numbers are the colour ones (3D4h, 3DAh) once the decode of Misc Output bit 0 is done. */
#include "vga.h"

/* Bits that exist. */
static const uint8_t vga_seq_bits[VGA_SR_COUNT] = {0x03, 0x3d, 0x0f, 0x3f, 0x0e};
static const uint8_t vga_gfx_bits[VGA_GR_COUNT] = {0x0f, 0x0f, 0x0f, 0x1f, 0x03,
                                                   0x7b, 0x0f, 0x0f, 0xff};
static const uint8_t vga_attr_bits[VGA_AR_COUNT] = {
    0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f,
    0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0xef, 0xff, 0x3f, 0x0f, 0x0f,
};
static const uint8_t vga_crtc_bits[VGA_CR_COUNT] = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0xff, 0x3f, 0x7f, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xef, 0xff,
};

#define VGA_MISC_BITS    0xefu
#define VGA_FEATURE_BITS 0x0bu /* feature control 0 and 1, vertical sync select */

/* Saved state is hostile: invariant 3 again. */
void vga_regs_mask(Vga *vga)
{
    for (uint32_t i = 0; i < VGA_SR_COUNT; i++)
        vga->seq[i] &= vga_seq_bits[i];
    for (uint32_t i = 0; i < VGA_GR_COUNT; i++)
        vga->gfx[i] &= vga_gfx_bits[i];
    for (uint32_t i = 0; i < VGA_AR_COUNT; i++)
        vga->attr[i] &= vga_attr_bits[i];
    for (uint32_t i = 0; i < VGA_CR_COUNT; i++)
        vga->crtc[i] &= vga_crtc_bits[i];
    vga->misc &= VGA_MISC_BITS;
    vga->feature &= VGA_FEATURE_BITS;
    vga->enabled &= 0x01;
    vga->setup &= 0x18;
    vga->awake &= 0x01;
    vga->retrace_pending &= 0x01;
    vga->always_decodes &= 0x01;
    vga->seq_index &= 0x07;
    vga->gfx_index &= 0x0f;
    vga->crtc_index &= 0x3f;
    vga->attr_index &= 0x3f;
    vga->attr_data_next &= 0x01;
}

/* -- DAC ------------------------------------------------------------------------------------- */

static uint32_t vga_dac_is_8bit(const Vga *vga)
{
    return vga->dispi[VGA_DISPI_ENABLE] & VGA_DISPI_8BIT_DAC;
}

static uint8_t vga_dac_widen(const Vga *vga, uint8_t value)
{
    if (vga_dac_is_8bit(vga))
        return value;
    value &= 0x3f;
    return (uint8_t)((value << 2) | (value >> 4));
}

/* Three writes make one colour; the entry changes with the third, as in the chip. */
static void vga_dac_data_write(Vga *vga, uint8_t value)
{
    value = vga_dac_widen(vga, value);
    if (vga->dac_component < 2) {
        vga->dac_buf[vga->dac_component++] = value;
        return;
    }
    uint8_t *entry = &vga->dac[vga->dac_write_index * 3u];
    entry[0] = vga->dac_buf[0];
    entry[1] = vga->dac_buf[1];
    entry[2] = value;
    vga->dac_component = 0;
    vga->dac_write_index++;
}

static uint8_t vga_dac_data_read(Vga *vga)
{
    uint8_t value = vga->dac[vga->dac_read_index * 3u + vga->dac_component];
    if (++vga->dac_component == 3) {
        vga->dac_component = 0;
        vga->dac_read_index++;
    }
    return vga_dac_is_8bit(vga) ? value : value >> 2;
}

static void vga_dac_index_write(Vga *vga, uint8_t index, uint8_t reading)
{
    vga->dac_component = 0;
    vga->dac_reading = reading;
    vga->dac_read_index = index;
    vga->dac_write_index = (uint8_t)(index + reading); /* 3C8h reads one ahead after 3C7h */
}

/* -- Attribute controller -------------------------------------------------------------------- */

/* While the palette address source bit is set the screen owns the palette, the host cannot write
 * it. */
static void vga_attr_write(Vga *vga, uint8_t value)
{
    vga->attr_data_next ^= 1;
    if (vga->attr_data_next) {
        vga->attr_index = value & 0x3f;
        return;
    }
    uint32_t index = vga->attr_index & 0x1fu;
    if (index >= VGA_AR_COUNT || (index < 0x10 && (vga->attr_index & 0x20)))
        return;
    vga->attr[index] = value & vga_attr_bits[index];
    if (index == VGA_AR_MODE) {
        vga->beam_scanned = 0;
        vga_mode_touched(vga);
    }
}

static uint8_t vga_attr_read(const Vga *vga)
{
    uint32_t index = vga->attr_index & 0x1fu;
    return index < VGA_AR_COUNT ? vga->attr[index] : 0;
}

/* -- CRTC ------------------------------------------------------------------------------------ */

static void vga_crtc_write(Vga *vga, uint8_t value)
{
    uint32_t index = vga->crtc_index;
    if (index >= VGA_CR_COUNT)
        return;
    value &= vga_crtc_bits[index];
    if (index <= VGA_CR_OVERFLOW && (vga->crtc[VGA_CR_V_RETRACE_END] & 0x80)) {
        if (index != VGA_CR_OVERFLOW)
            return;
        /* Protection leaves line compare bit 8 writable. */
        value = (uint8_t)((vga->crtc[index] & ~0x10u) | (value & 0x10u));
    }
    vga_beam_sync(vga);
    vga->crtc[index] = value;
    vga->beam_scanned = 0;
    switch (index) {
    case VGA_CR_V_RETRACE_END:
        if (!(value & 0x10))
            vga->retrace_pending = 0;
        vga_beam_update(vga);
        break;
    case VGA_CR_PRESET_ROW:
    case VGA_CR_CURSOR_START:
    case VGA_CR_CURSOR_END:
    case VGA_CR_START_HIGH:
    case VGA_CR_START_LOW:
    case VGA_CR_CURSOR_HIGH:
    case VGA_CR_CURSOR_LOW:
    case VGA_CR_LINE_COMPARE: break;
    default:
        vga_beam_update(vga);
        vga_mode_touched(vga);
        break;
    }
}

static uint8_t vga_crtc_read(const Vga *vga)
{
    if (vga->crtc_index < VGA_CR_COUNT)
        return vga->crtc[vga->crtc_index];
    switch (vga->crtc_index) {
    case 0x22: /* latch of the plane that read mode 0 would give */
        return (uint8_t)(vga->latch >> (8u * (vga->gfx[VGA_GR_READ_MAP] & 3u)));
    case 0x24: /* attribute flip-flop */ return (uint8_t)(vga->attr_data_next << 7);
    default: return 0;
    }
}

/* -- Sequencer, graphics controller ---------------------------------------------------------- */

static void vga_seq_write(Vga *vga, uint8_t value)
{
    if (vga->seq_index >= VGA_SR_COUNT)
        return;
    if (vga->seq_index == VGA_SR_CLOCKING)
        vga_beam_sync(vga);
    vga->seq[vga->seq_index] = value & vga_seq_bits[vga->seq_index];
    if (vga->seq_index == VGA_SR_CLOCKING) {
        vga_beam_update(vga);
        vga_mode_touched(vga);
    }
    vga_mem_update(vga);
}

static void vga_gfx_write(Vga *vga, uint8_t value)
{
    if (vga->gfx_index >= VGA_GR_COUNT)
        return;
    vga->gfx[vga->gfx_index] = value & vga_gfx_bits[vga->gfx_index];
    if (vga->gfx_index == VGA_GR_MISC || vga->gfx_index == VGA_GR_MODE)
        vga_mode_touched(vga);
    vga_mem_update(vga);
}

/* -- Ports ----------------------------------------------------------------------------------- */

/* Input status 0: bit 4 compares the wires to the monitor with about half of white (low if one of
 * them is higher; a colour monitor is there and loads all three), bit 7 is the vertical
 * interrupt. */
static uint8_t vga_status0(Vga *vga)
{
    uint32_t color = vga_beam_color(vga);
    uint8_t value = (color & 0x808080u) ? 0 : 0x10;
    vga_beam_sync(vga);
    return (uint8_t)(value | vga->retrace_pending << 7);
}

/* [emt, device lock held] */
uint8_t vga_port_read(Vga *vga, uint32_t port)
{
    switch (port) {
    case 0x3c0: return vga->attr_index;
    case 0x3c1: return vga_attr_read(vga);
    case 0x3c2: return vga_status0(vga);
    case 0x3c3: return vga->enabled;
    case 0x3c4: return vga->seq_index;
    case 0x3c5: return vga->seq_index < VGA_SR_COUNT ? vga->seq[vga->seq_index] : 0;
    case 0x3c6: return vga->dac_mask;
    case 0x3c7: return vga->dac_reading ? 3 : 0;
    case 0x3c8: return vga->dac_write_index;
    case 0x3c9: return vga_dac_data_read(vga);
    case 0x3ca: return vga->feature;
    case 0x3cc: return vga->misc;
    case 0x3ce: return vga->gfx_index;
    case 0x3cf: return vga->gfx_index < VGA_GR_COUNT ? vga->gfx[vga->gfx_index] : 0;
    case 0x3d4: return vga->crtc_index;
    case 0x3d5: return vga_crtc_read(vga);
    case 0x3da: vga->attr_data_next = 0; return vga_beam_status1(vga);
    default: return 0xff;
    }
}

/* [emt, device lock held] */
void vga_port_write(Vga *vga, uint32_t port, uint8_t value)
{
    switch (port) {
    case 0x3c0: vga_attr_write(vga, value); break;
    case 0x3c2:
        vga_beam_sync(vga);
        vga->misc = value & VGA_MISC_BITS;
        vga_beam_update(vga);
        break;
    case 0x3c3:
        vga->enabled = value & 1;
        vga_ports_update(vga);
        break;
    case 0x3c4: vga->seq_index = value & 0x07; break;
    case 0x3c5: vga_seq_write(vga, value); break;
    case 0x3c6: vga->dac_mask = value; break;
    case 0x3c7: vga_dac_index_write(vga, value, 1); break;
    case 0x3c8: vga_dac_index_write(vga, value, 0); break;
    case 0x3c9: vga_dac_data_write(vga, value); break;
    case 0x3ce: vga->gfx_index = value & 0x0f; break;
    case 0x3cf: vga_gfx_write(vga, value); break;
    case 0x3d4: vga->crtc_index = value & 0x3f; break;
    case 0x3d5: vga_crtc_write(vga, value); break;
    case 0x3da: vga->feature = value & VGA_FEATURE_BITS; break;
    default: break;
    }
}
