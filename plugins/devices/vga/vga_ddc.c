/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vga: the DDC wires of dispi register 0Bh, with the monitor's EDID at their other end.
 * Follows: VESA E-DDC Standard 1.1, DDC2B: a slave at A0h with an address pointer; the I2C-bus
 * specification. The register as the Bochs project has it: bits 0 and 1 drive clock and data (1:
 * released), bits 2 and 3 show them, bit 7 takes the wires; 0Fh is read while they are not taken.
 * Not modelled: the segment pointer at 60h (there is one EDID block). */
#include "vga.h"

#define VGA_DDC_CLOCK    0x01u
#define VGA_DDC_DATA     0x02u
#define VGA_DDC_ENABLE   0x80u
#define VGA_DDC_SLAVE    0xa0u
#define VGA_DDC_IDLE     0u
#define VGA_DDC_ADDRESS  1u /* the slave's address comes in */
#define VGA_DDC_POINTER  2u /* the byte that sets the pointer comes in */
#define VGA_DDC_WRITE    3u /* data for a memory that does not take any */
#define VGA_DDC_READ     4u /* the EDID goes out */
#define VGA_DDC_PHASES   5u
#define VGA_DDC_BITS_ACK 9u /* of a byte with its acknowledge */

void vga_ddc_reset(VgaDdc *ddc)
{
    *ddc = (VgaDdc){.lines = VGA_DDC_CLOCK | VGA_DDC_DATA};
}

/* Saved state is hostile. */
void vga_ddc_mask(VgaDdc *ddc)
{
    ddc->enabled &= 1;
    ddc->lines &= VGA_DDC_CLOCK | VGA_DDC_DATA;
    ddc->pull &= 1;
    if (ddc->phase >= VGA_DDC_PHASES || ddc->bits > VGA_DDC_BITS_ACK)
        ddc->phase = ddc->bits = 0;
}

/* A byte from the host has all its bits: does the monitor acknowledge? */
static uint8_t vga_ddc_take(VgaDdc *ddc)
{
    switch (ddc->phase) {
    case VGA_DDC_ADDRESS:
        if ((ddc->shift & 0xfeu) != VGA_DDC_SLAVE) {
            ddc->phase = VGA_DDC_IDLE;
            return 0;
        }
        ddc->phase = (ddc->shift & 1u) ? VGA_DDC_READ : VGA_DDC_POINTER;
        return 1;
    case VGA_DDC_POINTER:
        ddc->pointer = ddc->shift;
        ddc->phase = VGA_DDC_WRITE;
        return 1;
    default: return 0;
    }
}

/* The byte that goes out next, and its first bit. */
static void vga_ddc_send(VgaDdc *ddc, const uint8_t edid[VGA_EDID_BYTES])
{
    ddc->shift = edid[ddc->pointer++ & (VGA_EDID_BYTES - 1)];
    ddc->pull = !(ddc->shift & 0x80u);
    ddc->bits = 0;
}

/* Data is taken while the clock is high. */
static void vga_ddc_clock_rises(VgaDdc *ddc, uint8_t data)
{
    if (ddc->phase == VGA_DDC_IDLE)
        return;
    if (ddc->bits < 8) {
        if (ddc->phase != VGA_DDC_READ)
            ddc->shift = (uint8_t)(ddc->shift << 1 | data);
    } else if (ddc->phase == VGA_DDC_READ && !ddc->pull && data) {
        ddc->phase = VGA_DDC_IDLE; /* not acknowledged: the host has enough */
    }
    ddc->bits++;
}

/* Data changes while the clock is low. */
static void vga_ddc_clock_falls(VgaDdc *ddc, const uint8_t edid[VGA_EDID_BYTES])
{
    if (ddc->phase == VGA_DDC_READ && ddc->bits < 8) {
        ddc->pull = !(ddc->shift & (0x80u >> ddc->bits));
    } else if (ddc->bits == 8) {
        ddc->pull = ddc->phase == VGA_DDC_READ ? 0 : vga_ddc_take(ddc);
        if (ddc->phase == VGA_DDC_IDLE)
            ddc->bits = 0;
    } else if (ddc->bits >= VGA_DDC_BITS_ACK) {
        ddc->bits = 0;
        ddc->pull = 0;
        if (ddc->phase == VGA_DDC_READ)
            vga_ddc_send(ddc, edid);
    }
}

uint16_t vga_ddc_read(const VgaDdc *ddc)
{
    uint32_t data = (ddc->lines & VGA_DDC_DATA) && !ddc->pull;
    if (!ddc->enabled)
        return 0x000f;
    return (uint16_t)(VGA_DDC_ENABLE | ddc->lines | (ddc->lines & VGA_DDC_CLOCK) << 2 | data << 3);
}

void vga_ddc_write(VgaDdc *ddc, const uint8_t edid[VGA_EDID_BYTES], uint16_t value)
{
    uint8_t was = ddc->lines, clock = value & VGA_DDC_CLOCK, data = value & VGA_DDC_DATA;
    ddc->enabled = (value & VGA_DDC_ENABLE) != 0;
    if (!ddc->enabled) {
        vga_ddc_reset(ddc);
        return;
    }
    ddc->lines = clock | data;
    if (clock && (was & VGA_DDC_CLOCK)) {
        if (data == (was & VGA_DDC_DATA))
            return;
        ddc->phase = (uint8_t)(data ? VGA_DDC_IDLE : VGA_DDC_ADDRESS); /* stop, start */
        ddc->bits = ddc->pull = 0;
    } else if (clock) {
        vga_ddc_clock_rises(ddc, data && !ddc->pull);
    } else if (was & VGA_DDC_CLOCK) {
        vga_ddc_clock_falls(ddc, edid);
    }
}
