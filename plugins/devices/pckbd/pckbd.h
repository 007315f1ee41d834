/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pckbd: what the parts of the device share.
 *
 *   pckbd.c        the class: options, state, timers, construction
 *   pckbd_kbc.c    the controller: ports 60h and 64h, commands, the output buffer
 *   pckbd_kbd.c    the keyboard
 *   pckbd_mouse.c  the mouse
 *   pckbd_codes.c  scan code tables
 *
 * Bytes travel device → controller → processor. A device offers at most one byte at a time
 * (pckbd_kbd_ready(), pckbd_mouse_ready()); the controller takes it when its output buffer is free,
 * the interface is on and the time a byte needs on the wire has gone by (timer "byte").
 *
 * Invariants
 * 1. Counts are within their arrays: *_len <= PCKBD_*.
 * 2. The level of IRQ 1 and 12 is a function of status and command byte (pckbd_irq_update()).
 * 3. kbd_buf holds whole key sequences, except for a head that has been sent. */
#ifndef PCKBD_H
#define PCKBD_H

#include <viv/chipset.h>
#include <viv/device.h>
#include <viv/interfaces.h>

#define PCKBD_IRQ_KBD   1u
#define PCKBD_IRQ_MOUSE 12u

/* Status register */
#define PCKBD_ST_OBF      0x01u
#define PCKBD_ST_SYS      0x04u
#define PCKBD_ST_COMMAND  0x08u
#define PCKBD_ST_UNLOCKED 0x10u
#define PCKBD_ST_AUX_OBF  0x20u
#define PCKBD_ST_TIMEOUT  0x40u
/* Command byte */
#define PCKBD_CB_KBD_INT   0x01u
#define PCKBD_CB_MOUSE_INT 0x02u
#define PCKBD_CB_SYS       0x04u
#define PCKBD_CB_KBD_OFF   0x10u
#define PCKBD_CB_MOUSE_OFF 0x20u
#define PCKBD_CB_TRANSLATE 0x40u
/* Output port */
#define PCKBD_P2_RUN 0x01u
#define PCKBD_P2_A20 0x02u

#define PCKBD_RAM_BYTES    32u
#define PCKBD_PASSWORD_MAX 32u
#define PCKBD_OUT_MAX      64u   /* controller's own answers that wait */
#define PCKBD_KBD_BUF      16u   /* the keyboard's buffer */
#define PCKBD_KEY_MAX      8u    /* longest sequence of one key */
#define PCKBD_INPUT_MAX    1024u /* host scan codes that wait */
#define PCKBD_RESP_MAX     8u
#define PCKBD_EVENTS_MAX   64u

/* A byte of the controller's answers: where it seems to come from. */
#define PCKBD_OUT_AUX     0x100u
#define PCKBD_OUT_TIMEOUT 0x200u

/* Key properties of scan code set 3. */
#define PCKBD_KEY_BREAK     1u
#define PCKBD_KEY_TYPEMATIC 2u

typedef struct PckbdEvent {
    int32_t dx, dy, dz;
    uint32_t buttons;
} PckbdEvent;

typedef struct Pckbd {
    /* config */
    uint8_t has_mouse;
    uint8_t scale_by_resolution;

    /* controller (saved) */
    uint8_t status;               /* ST_OBF, _SYS, _COMMAND, _AUX_OBF, _TIMEOUT */
    uint8_t data;                 /* output buffer */
    uint8_t command;              /* controller command that waits for its byte, 0: none */
    uint8_t poll;                 /* 1: C1h, 2: C2h show the input port in the status */
    uint8_t ram[PCKBD_RAM_BYTES]; /* ram[0] is the command byte */
    uint8_t outport;
    uint8_t xlat_break; /* translation has swallowed an F0h */
    uint8_t password[PCKBD_PASSWORD_MAX];
    uint8_t password_len, password_loaded, password_at;
    uint8_t locked; /* the password must be typed */
    uint8_t out_len;
    uint16_t out[PCKBD_OUT_MAX];

    /* keyboard (saved) */
    uint8_t kbd_set; /* 1..3 */
    uint8_t kbd_scanning;
    uint8_t kbd_leds;
    uint8_t kbd_rate;
    uint8_t kbd_command; /* waits for its argument, 0: none */
    uint8_t kbd_testing; /* BAT runs */
    uint8_t kbd_last;    /* latest byte sent, for Resend */
    uint8_t kbd_resp_len, kbd_buf_len, kbd_repeat_len;
    uint8_t kbd_resp[PCKBD_RESP_MAX];
    uint8_t kbd_buf[PCKBD_KBD_BUF];
    uint8_t kbd_repeat[PCKBD_KEY_MAX]; /* make codes of the key that repeats */
    uint8_t kbd_repeat_key[2];         /* E0h or 0, set-1 code */
    uint8_t kbd_keys[256];             /* set 3: PCKBD_KEY_* */
    uint16_t input_len;
    uint8_t input[PCKBD_INPUT_MAX]; /* set 1, as the host gave them */
    uint8_t kbd_fresh; /* nobody has talked to it or typed since power-on: AAh is to come */

    /* mouse (saved) */
    uint8_t mouse_id; /* 0, 3, 4 */
    uint8_t mouse_reporting, mouse_remote, mouse_wrap, mouse_scale;
    uint8_t mouse_resolution, mouse_rate;
    uint8_t mouse_command;
    uint8_t mouse_testing;
    uint8_t mouse_errors;   /* consecutive bad bytes */
    uint8_t mouse_rates[3]; /* latest rates, newest last */
    uint8_t mouse_buttons;  /* as last reported */
    uint8_t mouse_resp_len, mouse_packet_len;
    uint8_t mouse_resp[PCKBD_RESP_MAX];
    uint8_t mouse_packet[4]; /* what is left of it */
    uint8_t mouse_sent_len;  /* latest answer or packet, for Resend */
    uint8_t mouse_sent[PCKBD_RESP_MAX];
    uint64_t mouse_sampled_ns; /* time of the latest packet */
    uint8_t event_len;
    PckbdEvent events[PCKBD_EVENTS_MAX];
    uint8_t mouse_fresh;  /* as kbd_fresh: AAh, 00h are to come */
    int32_t mouse_rest_x; /* part of a count, in eighths, that a coarse resolution has left */
    int32_t mouse_rest_y;

    /* derived */
    uint8_t input_refused, event_refused; /* port_ready() is owed */
    uint8_t told_leds, told_enabled;      /* what the driver knows */

    /* host resources */
    viv_dev_t *dev;
    const viv_chipset_api_t *chipset;
    const viv_vm_api_t *vm;
    const viv_keyboard_ops_t *kbd_driver; /* NULL: nobody wants to know */
    void *kbd_driver_self;
    const viv_mouse_ops_t *mouse_driver;
    void *mouse_driver_self;
    viv_timer_t *byte_timer, *kbd_bat_timer, *repeat_timer, *mouse_bat_timer, *sample_timer;

    /* statistics */
    uint64_t stat_codes_refused, stat_events_refused;
} Pckbd;

/* pckbd_kbc.c */
extern const viv_io_ops_t pckbd_data_ops, pckbd_command_ops;
void pckbd_kbc_reset(Pckbd *kb);
void pckbd_kbc_kick(Pckbd *kb); /* a device may have a byte */
void pckbd_kbc_byte_due(viv_dev_t *dev, void *ctx);
void pckbd_irq_update(Pckbd *kb);

/* pckbd_kbd.c */
extern const viv_keyboard_port_ops_t pckbd_keyboard_port;
void pckbd_kbd_reset(Pckbd *kb);
/* Tells the driver below what has changed for it. */
void pckbd_kbd_tell(Pckbd *kb);
void pckbd_kbd_write(Pckbd *kb, uint8_t value);
uint32_t pckbd_kbd_ready(const Pckbd *kb);
uint8_t pckbd_kbd_take(Pckbd *kb);
void pckbd_kbd_bat_done(viv_dev_t *dev, void *ctx);
void pckbd_kbd_repeat_due(viv_dev_t *dev, void *ctx);

/* pckbd_mouse.c */
extern const viv_mouse_port_ops_t pckbd_mouse_port;
void pckbd_mouse_reset(Pckbd *kb);
void pckbd_mouse_write(Pckbd *kb, uint8_t value);
uint32_t pckbd_mouse_ready(const Pckbd *kb);
uint8_t pckbd_mouse_take(Pckbd *kb);
void pckbd_mouse_bat_done(viv_dev_t *dev, void *ctx);
void pckbd_mouse_sample_due(viv_dev_t *dev, void *ctx);

/* pckbd_codes.c */
extern const uint8_t pckbd_translation[256]; /* set 2 → set 1, as the controller does */
uint8_t pckbd_codes_set2(uint8_t code);      /* set 1 make code 01h..7Fh → set 2, 0: none */
uint8_t pckbd_codes_set3(uint8_t prefix, uint8_t code); /* with E0h or 0 → set 3, 0: none */
void pckbd_codes_set3_defaults(uint8_t keys[256]);

/* Removes the first n of len bytes; n <= len. */
void pckbd_shift(uint8_t *bytes, uint32_t len, uint32_t n);

#endif
