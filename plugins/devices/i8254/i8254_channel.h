/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* i8254: one counter of the 8254, as a function of the number of CLK pulses. Knows nothing of the
 * host. */
#ifndef I8254_CHANNEL_H
#define I8254_CHANNEL_H

#include <viv/plugin.h>

/* How the two bytes of a count are written and read (RW1, RW0 of the control word). */
#define I8254_RW_LSB  1u
#define I8254_RW_MSB  2u
#define I8254_RW_BOTH 3u

typedef struct I8254Channel {
    uint64_t at; /* CLK pulse up to which the counter has been run */
    uint32_t
        count; /* count register, 1..65536 (BCD: 10000); 0: none written since the control word */
    uint32_t period; /* the count that the counting element was last loaded with */
    uint32_t
        left; /* CLK pulses to the next event of the mode; what the guest reads follows from it */
    uint16_t latch;  /* output latch */
    uint8_t latched; /* bytes of it that are still to be read */
    uint8_t status;  /* latched status byte */
    uint8_t status_latched;
    uint8_t mode; /* 0..5 */
    uint8_t bcd;
    uint8_t rw; /* I8254_RW_* */
    uint8_t gate;
    uint8_t out;
    uint8_t null_count; /* the count register has not gone into the counting element yet */
    uint8_t loaded;     /* the counting element has been loaded since the control word */
    uint8_t load_next;  /* it is loaded by the next CLK pulse */
    uint8_t halted;     /* mode 0: between the two bytes of a new count */
    uint8_t strobe;     /* modes 4, 5: the strobe of this count is still to come, or is low now */
    uint8_t write_msb;  /* the next write is the second byte */
    uint8_t write_lsb;  /* the first byte */
    uint8_t read_msb;   /* the next unlatched read is the second byte */
} I8254Channel;

extern const viv_field_t i8254_channel_fields[];

/* Power-on: silent until it is programmed. */
void i8254_channel_reset(I8254Channel *c, uint64_t now, uint8_t gate);
/* Runs the counter to pulse `to`. Returns 1 if OUT has risen (at least once) meanwhile. */
int i8254_channel_run(I8254Channel *c, uint64_t to);
/* The pulse at which OUT next changes in a way that an edge-sensitive input notices, or at which
 * the counter is loaded; UINT64_MAX: nothing will happen by itself. */
uint64_t i8254_channel_next(const I8254Channel *c);

/* The pulse, after `at`, at or before which OUT does not change: run to it at most to see every
 * change. UINT64_MAX: OUT does not change by itself. */
uint64_t i8254_channel_edge(const I8254Channel *c);

/* All below: the counter has been run to now. */
void i8254_channel_control(I8254Channel *c, uint8_t word);
void i8254_channel_write(I8254Channel *c, uint8_t value);
void i8254_channel_gate(I8254Channel *c, uint8_t gate);
/* Counter and status latch; `run` is the same counter run to now, c the one whose latches are
 * set. */
void i8254_channel_latch_count(I8254Channel *c, const I8254Channel *run);
void i8254_channel_latch_status(I8254Channel *c, const I8254Channel *run);
uint8_t i8254_channel_read(I8254Channel *c, const I8254Channel *run);
/* Saved state: 1 if the members can be. `now` bounds `at`. */
int i8254_channel_is_sane(const I8254Channel *c, uint64_t now);

#endif
