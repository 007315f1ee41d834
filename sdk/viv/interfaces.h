/* SPDX-License-Identifier: MIT */
/* Vivarium SDK: the interfaces that devices, drivers and frontends offer each other on a LUN.
 * They come in pairs: a *port* is offered by the device and called from below, the other is
 * offered by the driver and called from above. Each table begins with its size.
 * Functions of a port are called without locks: the device takes its own. Stable. C11 or C++11. */
#ifndef VIV_INTERFACES_H
#define VIV_INTERFACES_H

#include <viv/types.h>

VIV_BEGIN_DECLS

/* -- characters ------------------------------------------------------------------------------ */

#define VIV_CHAR_ID "viv.char/1" /* driver */
typedef struct viv_char_ops {
    uint32_t size;
    uint32_t reserved0;
    /* Takes up to len_bytes, returns how many (0: full now, try again later; nobody connected
     * swallows all). Never blocks. [any] */
    uint32_t (*write)(void *self, const void *buf, uint32_t len_bytes);
    /* The device can take more input than it said last time: the driver offers again. [any] */
    void (*input_ready)(void *self);
    /* Line parameters: baud, data bits 5-8, stop bits x2 (2,3,4), parity 'N','O','E','M','S'. May
     * be NULL. */
    void (*set_params)(void *self, uint32_t baud, uint32_t data_bits, uint32_t stop_bits_x2,
                       uint32_t parity);
    /* Modem outputs: bit 0 DTR, bit 1 RTS, bit 2 break. May be NULL. */
    void (*set_lines)(void *self, uint32_t lines);
} viv_char_ops_t;

#define VIV_CHAR_PORT_ID "viv.char-port/1" /* device */
typedef struct viv_char_port_ops {
    uint32_t size;
    uint32_t reserved0;
    /* Offers input; returns how many bytes were taken. The rest is offered again after
     * input_ready(). [io] */
    uint32_t (*receive)(void *self, const void *buf, uint32_t len_bytes);
    void (*send_break)(void *self);
    /* Modem inputs: bit 0 CTS, 1 DSR, 2 RI, 3 DCD. */
    void (*set_status)(void *self, uint32_t lines);
    /* write() would take bytes again. */
    void (*write_ready)(void *self);
    /* One character that the line has spoilt, VIV_CHAR_MARK_* (a break is a zero with framing). It
     * cannot be refused: without room it overruns the receiver, as on a wire. Not in the oldest
     * hosts: test with VIV_HAS. [io] */
    void (*receive_marked)(void *self, uint8_t value, uint32_t marks);
} viv_char_port_ops_t;

#define VIV_CHAR_MARK_PARITY  1u
#define VIV_CHAR_MARK_FRAMING 2u
#define VIV_CHAR_MARK_BREAK   4u
#define VIV_CHAR_MARK_OVERRUN 8u /* the host has lost characters before this one */

/* -- block media ----------------------------------------------------------------------------- */

#define VIV_MEDIA_DISK   0u
#define VIV_MEDIA_DVD    1u
#define VIV_MEDIA_FLOPPY 2u

typedef struct viv_media_info {
    uint32_t size;
    uint32_t type;       /* VIV_MEDIA_* */
    uint64_t size_bytes; /* 0 without a medium */
    uint32_t read_only;
    uint32_t present; /* a medium is in */
    uint32_t non_rotational;
    uint32_t generation; /* raised with every change of medium */
    /* Tells one medium from another across processes, so that a saved state knows its own; 0: not
     * known. */
    uint64_t identity;
    uint32_t tray; /* VIV_MEDIA_TRAY_* */
    uint32_t reserved0;
} viv_media_info_t;

#define VIV_MEDIA_TRAY_UNKNOWN 0u
#define VIV_MEDIA_TRAY_CLOSED  1u
#define VIV_MEDIA_TRAY_OPEN    2u

#define VIV_MEDIA_OP_READ    0u
#define VIV_MEDIA_OP_WRITE   1u
#define VIV_MEDIA_OP_FLUSH   2u
#define VIV_MEDIA_OP_DISCARD 3u

/* An asynchronous request; memory is the device's and stays put until done(). */
typedef struct viv_media_req {
    uint32_t size;
    uint32_t op;
    uint64_t off;
    uint64_t len_bytes;
    void *buf; /* one flat buffer of the device's */
    /* Called exactly once, on the EMT of vCPU 0 or on [main] while the machine stands, no locks
     * held. */
    void (*done)(struct viv_media_req *req, viv_status_t status);
    void *ctx;       /* the device's */
    void *driver[2]; /* the driver's while in flight */
} viv_media_req_t;

#define VIV_MEDIA_ID "viv.media/1" /* driver */
typedef struct viv_media_ops {
    uint32_t size;
    uint32_t reserved0;
    void (*info)(void *self, viv_media_info_t *ret_info); /* caller sets size */
    /* Blocking; for small or rare accesses. [emt] or [main] */
    viv_status_t (*read)(void *self, uint64_t off, void *buf, uint64_t len_bytes);
    viv_status_t (*write)(void *self, uint64_t off, const void *buf, uint64_t len_bytes);
    viv_status_t (*flush)(void *self);
    /* Queues a request; done() comes for every accepted one. Requests may finish out of order.
     * [any] */
    viv_status_t (*submit)(void *self, viv_media_req_t *req);
    /* Tray: eject 1 opens/removes, 0 closes; lock 1 prevents the user from changing the medium. May
     * be NULL. */
    viv_status_t (*eject)(void *self, uint32_t eject);
    void (*lock)(void *self, uint32_t locked);
} viv_media_ops_t;

#define VIV_MEDIA_PORT_ID "viv.media-port/1" /* device */
typedef struct viv_media_port_ops {
    uint32_t size;
    uint32_t reserved0;
    void (*changed)(void *self); /* another medium, or none: ask info() again [any] */
    /* The user has pressed the eject button of a drive that the guest keeps locked. May be NULL.
     * [any] */
    void (*eject_request)(void *self);
} viv_media_port_ops_t;

/* Changing the medium of a drive while the machine runs. All functions are called on the frontend's
 * main thread, with no locks held, and wait until requests that the guest queued before are done;
 * the device has been told when they return. */
#define VIV_MOUNT_ID "viv.mount/1" /* driver, for frontends */
typedef struct viv_mount_ops {
    uint32_t size;
    uint32_t reserved0;
    /* Puts an image in and closes the tray; what was in goes out first. format NULL: found out from
     * the contents. The image is opened before anything else: on failure the drive is as it was,
     * and the driver's fail() says why. VIV_E_BUSY: the guest keeps the drive locked (and has been
     * asked to let go); VIV_E_UNSUPPORTED: the medium of this drive stays. */
    viv_status_t (*mount)(void *self, const char *path, const char *format);
    /* Takes the medium out, and leaves the tray open if eject is set. force: even if the guest
     * keeps it locked, which gives VIV_E_BUSY else. VIV_E_NOT_FOUND: there was none. */
    viv_status_t (*unmount)(void *self, uint32_t force, uint32_t eject);
    uint32_t (*is_mounted)(void *self); /* an image is in, or lies on the open tray [any] */
    uint32_t (*is_locked)(void *self);  /* [any] */
    uint32_t (*is_open)(void *self);    /* the tray [any] */
    /* Locks and unlocks as the guest does. [any] */
    void (*lock)(void *self);
    void (*unlock)(void *self);
    /* Copies the image's path, cut to fit and NUL-terminated; "" without one. [main] */
    void (*path)(void *self, char *ret_path, uint32_t path_bytes);
} viv_mount_ops_t;

/* -- display --------------------------------------------------------------------------------- */

/* A picture of the guest's screen as 32-bit xRGB (blue in the lowest byte). */
typedef struct viv_frame {
    uint32_t size;
    uint32_t width, height, stride_bytes;
    const uint32_t *pixels; /* borrowed until the next call of the port */
    uint64_t generation;    /* differs when anything may have changed */
} viv_frame_t;

#define VIV_DISPLAY_PORT_ID "viv.display-port/1" /* device */
typedef struct viv_display_port_ops {
    uint32_t size;
    uint32_t reserved0;
    /* Renders the current screen. A blank screen is a black frame. [any] */
    viv_status_t (*frame)(void *self, viv_frame_t *ret_frame);
    /* The characters of a text mode as UTF-8 lines ending in \n, trailing blanks cut,
     * NUL-terminated; returns the number of bytes (without NUL) that the whole text has; 0 in
     * graphics modes. [any] */
    uint32_t (*text)(void *self, char *buf, uint32_t buf_bytes);
} viv_display_port_ops_t;

#define VIV_DISPLAY_ID "viv.display/1" /* driver; what a frontend finds below the device */
typedef struct viv_display_ops {
    uint32_t size;
    uint32_t reserved0;
    /* The mode has changed. [emt] May be NULL. */
    void (*mode_changed)(void *self, uint32_t width, uint32_t height);
} viv_display_ops_t;

#define VIV_SCREENSHOT_ID "viv.screenshot/1" /* driver, for frontends; atomic writes; [any] */
typedef struct viv_screenshot_ops {
    uint32_t size;
    uint32_t reserved0;
    viv_status_t (*write_png)(void *self, const char *path);
    viv_status_t (*write_text)(void *self, const char *path); /* an empty file in graphics modes */
} viv_screenshot_ops_t;

/* -- keyboard and mouse ---------------------------------------------------------------------- */

#define VIV_KEYBOARD_PORT_ID "viv.keyboard-port/1" /* device, LUN 0 of pckbd */
typedef struct viv_keyboard_port_ops {
    uint32_t size;
    uint32_t reserved0;
    /* Set-1 scancode bytes as a keyboard sends them after translation (E0h prefixes, 80h release).
     * Takes all or nothing: returns 1, or 0 when the queue is too full (try again later). [any] */
    uint32_t (*put_scancodes)(void *self, const uint8_t *codes, uint32_t count);
    uint32_t (*leds)(void *self); /* bit 0 scroll, 1 num, 2 caps */
    /* 1 while the guest wants keys: the keyboard scans and its interface is on. Not in the oldest
     * hosts: test with VIV_HAS. [any] */
    uint32_t (*enabled)(void *self);
} viv_keyboard_port_ops_t;

#define VIV_KEYBOARD_ID "viv.keyboard/1" /* driver; all [any, device lock held], may be NULL */
typedef struct viv_keyboard_ops {
    uint32_t size;
    uint32_t reserved0;
    void (*port_ready)(void *self); /* put_scancodes() has refused codes and would take them now */
    void (*leds_changed)(void *self, uint32_t leds);
    void (*enabled_changed)(void *self, uint32_t enabled);
} viv_keyboard_ops_t;

#define VIV_MOUSE_PORT_ID "viv.mouse-port/1" /* device, LUN 1 of pckbd */
typedef struct viv_mouse_port_ops {
    uint32_t size;
    uint32_t reserved0;
    /* Relative motion, right and down positive; buttons: bit 0 left, 1 right, 2 middle, 3, 4.
     * Returns 0 when full. [any] */
    uint32_t (*put_event)(void *self, int32_t dx, int32_t dy, int32_t dz, uint32_t buttons);
} viv_mouse_port_ops_t;

#define VIV_MOUSE_ID "viv.mouse/1" /* driver */
typedef struct viv_mouse_ops {
    uint32_t size;
    uint32_t reserved0;
    /* put_event() has refused an event and would take it now. [any, device lock held] */
    void (*port_ready)(void *self);
} viv_mouse_ops_t;

/* -- parallel ports -------------------------------------------------------------------------- */

/* What a peripheral sees of an IEEE 1284 port. All [any, device lock held]. Lines are as the
 * registers show them: control bit 0 nStrobe, 1 nAutoFd, 3 nSelectIn inverted, 2 nInit as it is;
 * status bit 3 nFault, 4 Select, 5 PError, 6 nAck as they are, 7 Busy inverted. */
#define VIV_PARALLEL_ID "viv.parallel/1" /* driver */
typedef struct viv_parallel_ops {
    uint32_t size;
    uint32_t reserved0;
    /* output 0: the port lets go of the data lines, value is what it would drive. */
    void (*write_data)(void *self, uint8_t value, uint32_t output);
    uint8_t (*read_data)(void *self);
    void (*write_control)(void *self, uint8_t value);
    uint8_t (*read_status)(void *self);
    /* EPP cycles; VIV_E_TIMEOUT: nobody answers. NULL: never. */
    viv_status_t (*epp_write)(void *self, uint32_t address, uint8_t value);
    viv_status_t (*epp_read)(void *self, uint32_t address, uint8_t *ret_value);
    /* ECP: a data byte or a command (channel address, run length) forward; 1: taken, 0: busy, the
     * port's ready() comes. NULL: nobody acknowledges. */
    uint32_t (*ecp_write)(void *self, uint8_t value, uint32_t command);
    /* ECP reverse: 1 and a byte, or 0: nothing now, ready() comes. NULL: never anything. */
    uint32_t (*ecp_read)(void *self, uint8_t *ret_value, uint32_t *ret_command);
} viv_parallel_ops_t;

#define VIV_PARALLEL_PORT_ID "viv.parallel-port/1" /* device */
typedef struct viv_parallel_port_ops {
    uint32_t size;
    uint32_t reserved0;
    /* The status lines are these now; edges of nAck and nFault interrupt. [any, no lock] */
    void (*status_changed)(void *self, uint8_t status);
    /* ecp_write() would take a byte again, or ecp_read() has one. [any, no lock] */
    void (*ready)(void *self);
} viv_parallel_port_ops_t;

/* -- sound ----------------------------------------------------------------------------------- */

/* A device opens streams of its driver and moves frames (one sample a channel, interleaved, in
 * WAVE's order of channels: FL FR FC LFE BL BR SL SR) in and out of them. A running stream has a
 * clock, the machine's virtual one: frame n of a playback stream sounds at start + n / rate, no
 * matter when it is written; frame n of a capture stream is there to be read from then on. So a
 * device that moves what available() says has the guest's DMA run at exactly its rate, and silence
 * lasts as long as it lasts.
 * Nothing here blocks. Calls for one stream are made one at a time, by [emt] or [main], usually
 * with the device's lock held; the driver calls nobody back. Streams are not saved: the device
 * opens and starts them again in post_load. */
#define VIV_AUDIO_OUT 0u /* playback: from the device to the host */
#define VIV_AUDIO_IN  1u /* capture */

/* Samples are little-endian; unsigned ones have their silence in the middle. */
#define VIV_AUDIO_U8  0u
#define VIV_AUDIO_S8  1u
#define VIV_AUDIO_U16 2u
#define VIV_AUDIO_S16 3u
#define VIV_AUDIO_U32 4u
#define VIV_AUDIO_S32 5u

#define VIV_AUDIO_CHANNELS 8u
#define VIV_AUDIO_RATE_MIN 1000u
#define VIV_AUDIO_RATE_MAX 384000u
#define VIV_AUDIO_GAIN_ONE 65536u

typedef struct viv_audio_stream viv_audio_stream_t; /* opaque, the driver's until close() */

typedef struct viv_audio_params {
    uint32_t size;
    uint32_t direction; /* VIV_AUDIO_OUT, VIV_AUDIO_IN */
    uint32_t rate_hz;   /* VIV_AUDIO_RATE_MIN .. MAX; the driver converts */
    uint32_t channels;  /* 1 .. VIV_AUDIO_CHANNELS */
    uint32_t format;    /* VIV_AUDIO_U8 .. S32 */
    /* Up to 2 s; 0: 100 ms. How long after the time at which it sounds a frame is still taken
     * (capture: kept), and how far writing may run ahead of the clock: the size of the buffer. */
    uint32_t late_ns;
    uint32_t ahead_ns;
    uint32_t reserved0;
    const char *name; /* for the user: "PC speaker"; borrowed during open() */
} viv_audio_params_t;

#define VIV_AUDIO_ID "viv.audio/1" /* driver */
typedef struct viv_audio_ops {
    uint32_t size;
    uint32_t reserved0;
    /* A stopped stream, at full volume. VIV_E_INVALID: no such parameters; VIV_E_NOMEM. */
    viv_status_t (*open)(void *self, const viv_audio_params_t *params,
                         viv_audio_stream_t **ret_stream);
    /* What has been written before is still heard. NULL is fine. Streams that are open when the
     * machine goes are closed by the driver, which goes before the device: not in destruct. */
    void (*close)(viv_audio_stream_t *stream);
    /* The clock starts: frames are counted from 0 again. A running stream starts anew. */
    void (*start)(viv_audio_stream_t *stream);
    void (*stop)(viv_audio_stream_t *stream);
    /* The number of the frame that is written or read next. It moves by itself when the device is
     * later than late_ns: silence is put in the place of what is missing, or what nobody has read
     * is lost. */
    uint64_t (*tell)(viv_audio_stream_t *stream);
    /* Frames that write() would take, or read() give, now; 0 of a stopped stream. */
    uint32_t (*available)(viv_audio_stream_t *stream);
    /* Takes up to count frames, returns how many; frames NULL: so many of silence. */
    uint32_t (*write)(viv_audio_stream_t *stream, const void *frames, uint32_t count);
    /* Gives up to count frames, returns how many. */
    uint32_t (*read)(viv_audio_stream_t *stream, void *frames, uint32_t count);
    /* Gains of the first `count` channels, VIV_AUDIO_GAIN_ONE (the most) being as it is; that of
     * the others is one. For what is moved from now on. */
    void (*set_volume)(viv_audio_stream_t *stream, uint32_t muted, const uint32_t *gains,
                       uint32_t count);
} viv_audio_ops_t;

/* -- consoles and balloons -------------------------------------------------------------------- */

/* Beside viv.char-port/1: what a console knows of its terminal. [any, no lock] */
#define VIV_CONSOLE_PORT_ID "viv.console-port/1" /* device, LUN n of virtio-console: port n */
typedef struct viv_console_port_ops {
    uint32_t size;
    uint32_t reserved0;
    void (*resize)(void *self, uint32_t columns, uint32_t rows); /* 0: not known */
    /* 0: the port is taken away from the guest, 1: it is back. */
    void (*plug)(void *self, uint32_t plugged);
} viv_console_port_ops_t;

/* What the guest says of its memory; numbers are VIV_BALLOON_STAT_*, those of virtio 1.3, 5.5.6.3. */
#define VIV_BALLOON_STAT_SWAP_IN     0u /* bytes read from swap */
#define VIV_BALLOON_STAT_SWAP_OUT    1u
#define VIV_BALLOON_STAT_MAJOR_FAULT 2u /* times */
#define VIV_BALLOON_STAT_MINOR_FAULT 3u
#define VIV_BALLOON_STAT_FREE        4u /* bytes; so are the next three */
#define VIV_BALLOON_STAT_TOTAL       5u
#define VIV_BALLOON_STAT_AVAILABLE   6u
#define VIV_BALLOON_STAT_CACHES      7u
#define VIV_BALLOON_STATS            16u

typedef struct viv_balloon_info {
    uint32_t size;
    uint32_t running;       /* a driver of the guest is at work */
    uint64_t target_bytes;  /* what the balloon shall have */
    uint64_t actual_bytes;  /* what the guest says that it has given */
    uint64_t ram_bytes;     /* of the machine */
    uint64_t stats_time_ns; /* virtual time of the statistics, 0: never */
    uint32_t stats_present; /* bit n: statistic n */
    uint32_t hinting;       /* a round of free page hints is under way */
    uint64_t stats[VIV_BALLOON_STATS];
} viv_balloon_info_t;

#define VIV_BALLOON_PORT_ID                                                                        \
    "viv.balloon-port/1" /* device, LUN 0 of virtio-balloon; [any, no lock] */
typedef struct viv_balloon_port_ops {
    uint32_t size;
    uint32_t reserved0;
    /* How much the guest shall give; it takes its time. VIV_E_INVALID: more than it has. */
    viv_status_t (*set_target)(void *self, uint64_t bytes);
    void (*info)(void *self, viv_balloon_info_t *ret_info); /* caller sets size */
    /* Asks for new statistics, which come later. VIV_E_UNSUPPORTED: the guest gives none. */
    viv_status_t (*update_stats)(void *self);
    /* Asks which pages are free; their memory is given back. The same. VIV_E_BUSY: is being done. */
    viv_status_t (*hint)(void *self);
} viv_balloon_port_ops_t;

/* -- ACPI buttons ---------------------------------------------------------------------------- */

#define VIV_ACPI_PORT_ID "viv.acpi-port/1" /* device, LUN 0 of acpi */
typedef struct viv_acpi_port_ops {
    uint32_t size;
    uint32_t reserved0;
    void (*power_button)(void *self);
    void (*sleep_button)(void *self);
    /* -- appended; test with VIV_HAS -- */
    /* Wakes a sleeping machine, without a button. 0: it does not sleep. [any] */
    uint32_t (*wake)(void *self);
    /* The sleep state: 0 working, 1 or 3. [any] */
    uint32_t (*sleep_state)(void *self);
    /* The driver below would answer otherwise than before: ask it (viv.acpi-host/1). [any] */
    void (*power_changed)(void *self);
} viv_acpi_port_ops_t;

/* -- power supply ---------------------------------------------------------------------------- */

#define VIV_POWER_AC          0x1u /* sources: the mains are there */
#define VIV_POWER_BATTERY     0x2u /* a battery is in */
#define VIV_POWER_DISCHARGING 0x1u /* state, as ACPI's _BST has it */
#define VIV_POWER_CHARGING    0x2u
#define VIV_POWER_CRITICAL    0x4u
#define VIV_POWER_UNKNOWN     UINT32_MAX

/* Energies in mWh, powers in mW, voltages in mV; VIV_POWER_UNKNOWN where the host does not know. */
typedef struct viv_power {
    uint32_t size;
    uint32_t sources; /* VIV_POWER_AC, VIV_POWER_BATTERY */
    uint32_t state;   /* of the battery: VIV_POWER_DISCHARGING, ... */
    uint32_t rate_mw;
    uint32_t remaining_mwh;
    uint32_t voltage_mv;
    uint32_t design_mwh;
    uint32_t full_mwh; /* when charged last */
    uint32_t design_mv;
    uint32_t cycles;
} viv_power_t;

#define VIV_ACPI_HOST_ID "viv.acpi-host/1" /* driver, LUN 0 of acpi */
typedef struct viv_acpi_host_ops {
    uint32_t size;
    uint32_t reserved0;
    /* The present power supply; the caller sets size. Does not block for long. [any] */
    void (*power)(void *self, viv_power_t *ret_power);
} viv_acpi_host_ops_t;

VIV_END_DECLS
#endif
