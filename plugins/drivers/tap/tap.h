/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* tap: what the filters share - a driver that hands on every call of the interfaces it knows, in
 * both directions, and reports each. Not a plugin: a filter compiles tap.c and tap_ifaces.c into
 * its own module.
 *
 * An interface is looked up when somebody asks for it, and offered with exactly the functions that
 * the other side has: a chain with a tap in it behaves as the chain without. */
#ifndef TAP_H
#define TAP_H

#include <viv/driver.h>
#include <viv/interfaces.h>

#include <pthread.h>
#include <stdio.h>

#define TAP_KINDS_MAX 24u

/* One call, reported after it has returned. Strings and data are borrowed for the report. */
typedef struct TapCall {
    const char *iface;    /* "viv.char/1" */
    const char *function; /* "write" */
    const char *args;     /* "" or "off=512 len=4096" */
    const char *result;   /* "" if there is none */
    const uint8_t *data;  /* what went through, may be NULL */
    uint64_t data_len;
    uint32_t up;    /* 1: towards the device */
    uint32_t query; /* 1: only asks for something that is there: nothing went through */
} TapCall;

typedef struct Tap Tap;

typedef struct TapSlot {
    Tap *tap;
    const struct TapKind *kind;
    viv_iface_t real;
    union {
        viv_char_ops_t chr;
        viv_char_port_ops_t char_port;
        viv_media_ops_t media;
        viv_media_port_ops_t media_port;
        viv_display_ops_t display;
        viv_display_port_ops_t display_port;
        viv_screenshot_ops_t screenshot;
        viv_keyboard_ops_t keyboard;
        viv_keyboard_port_ops_t keyboard_port;
        viv_mouse_ops_t mouse;
        viv_mouse_port_ops_t mouse_port;
        viv_parallel_ops_t parallel;
        viv_parallel_port_ops_t parallel_port;
        viv_acpi_port_ops_t acpi_port;
    } ops;
} TapSlot;

struct Tap {
    viv_drv_t *drv;
    /* [any] */
    void (*report)(void *ctx, const TapCall *call);
    void *ctx;
    uint32_t slot_count;
    TapSlot slots[TAP_KINDS_MAX];
};

typedef struct TapKind {
    const char *id;
    uint32_t up;   /* offered by the device, called from below */
    uint32_t size; /* of our table */
    void (*wrap)(TapSlot *slot);
} TapKind;

/* tap_ifaces.c */
extern const TapKind tap_kinds[];
extern const uint32_t tap_kind_count;

/* [main] In prepare. */
void tap_init(Tap *tap, viv_drv_t *drv, void (*report)(void *ctx, const TapCall *call), void *ctx);
/* [main] For query_interface. */
viv_status_t tap_query(Tap *tap, const char *id, viv_iface_t *ret_iface);

/* -- where reports go ------------------------------------------------------------------------ */

typedef struct TapSink {
    FILE *file;
    uint64_t left; /* bytes that may still be written; UINT64_MAX: no limit */
    uint32_t made; /* the lock */
    pthread_mutex_t lock;
} TapSink;

/* path NULL or "": no file. */
viv_status_t tap_sink_open(TapSink *sink, viv_drv_t *drv, const char *key, const char *path,
                           uint64_t limit_mib);
void tap_sink_close(TapSink *sink);
/* One line; whole or, at the limit, not at all. [any] */
void tap_sink_line(TapSink *sink, const char *line, uint32_t len);
/* The call as a line with its newline; bytes as a C string, at most data_max of them. Returns its
 * length. */
#define TAP_LINE_MAX 4608u
#define TAP_DATA_MAX 1024u
uint32_t tap_format(char line[TAP_LINE_MAX], uint64_t time_ns, const TapCall *call,
                    uint32_t data_max);

#endif
