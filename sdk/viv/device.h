/* SPDX-License-Identifier: MIT */
/* Vivarium SDK: emulated devices.
 *
 * The host allocates a zeroed instance struct, fills it from the option table, calls construct;
 * when all instances are there, power_on of each; then reset of each. By default every callback
 * runs with the instance's own (recursive) lock held; functions of interfaces that a device offers
 * to drivers, and io completions, run without: they call lock()/unlock() themselves. Lock order:
 * device lock, then the chipset lock (see VIV_DEV_CHIPSET_LOCK); never the other way round. Thread
 * tags: [emt] a vCPU's thread, [main] the thread that builds and destroys the machine while no EMT
 * runs guest code, [io] the host's I/O thread, [any]. Stable. C11 or C++11. */
#ifndef VIV_DEVICE_H
#define VIV_DEVICE_H

#include <viv/plugin.h>

VIV_BEGIN_DECLS

struct viv_dev_api;
typedef struct viv_timer viv_timer_t;   /* opaque, owned by the host until destruct */
typedef struct viv_range viv_range_t;   /* opaque: a mapped port or MMIO range, ditto */
typedef struct viv_stream viv_stream_t; /* opaque: a unit of saved state being written or read */

/* A device instance as the plugin sees it: only the first word is public. */
typedef struct viv_dev {
    const struct viv_dev_api *api;
} viv_dev_t;

/* -- Port and MMIO handlers ------------------------------------------------------------------ */

/* [emt, device lock held] off is relative to the range's start, width one of the accepted ones and
 * naturally aligned to the range unless VIV_IO_UNALIGNED is set. ctx is what was given to the map
 * call. */
typedef uint64_t (*viv_io_read_fn)(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width);
typedef void (*viv_io_write_fn)(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value,
                                uint32_t width);

#define VIV_IO_UNALIGNED 0x1u /* handlers take unaligned accesses of an accepted width */
/* An access narrower than any accepted width reads the narrowest one around it and takes its part;
 * a write is read-modify-write. Without this flag such a read gives all ones and such a write is
 * dropped. */
#define VIV_IO_WIDEN   0x2u
#define VIV_IO_NO_LOCK 0x4u /* call without the device lock (the handlers use atomics) */

typedef struct viv_io_ops {
    uint32_t size;
    uint32_t widths; /* VIV_W* that the handlers take; wider accesses are split, low part first */
    uint32_t flags;  /* VIV_IO_* */
    uint32_t reserved0;
    viv_io_read_fn read;   /* NULL: reads as all ones */
    viv_io_write_fn write; /* NULL: dropped */
    /* Ports only, optional: count elements of width bytes at one port (REP INS, REP OUTS). Returns
     * how many were moved, 0 to be asked for single accesses instead. */
    uint32_t (*read_string)(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width, void *buf,
                            uint32_t count);
    uint32_t (*write_string)(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width,
                             const void *buf, uint32_t count);
} viv_io_ops_t;

/* -- The base table -------------------------------------------------------------------------- */

/* [emt, lock held] A timer has expired. It is disarmed; the callback may arm it again. */
typedef void (*viv_timer_fn)(viv_dev_t *dev, void *ctx);

typedef struct viv_dev_api {
    uint32_t size;
    uint32_t level; /* the host's VIV_API_LEVEL */

    /* Another table of the host, by string id ("viv.pci/1"): VIV_E_NOT_FOUND if this host does not
     * have it, VIV_E_VERSION if its size is below min_size. Resolve in construct, never in a
     * handler. [main] */
    viv_status_t (*get_interface)(viv_dev_t *dev, const char *id, uint32_t min_size,
                                  viv_iface_t *ret_iface);

    /* Logs below the device's name; level VIV_LOG_*. Guest nonsense goes to VIV_LOG_TRACE. [any] */
    void (*log)(viv_dev_t *dev, uint32_t severity, const char *fmt, ...) VIV_PRINTF(3, 4);
    /* Attaches one sentence to a failure and hands the status back: return api->fail(dev, st,
     * "..."); The host prefixes it with the instance's name. [any] */
    viv_status_t (*fail)(viv_dev_t *dev, viv_status_t status, const char *fmt, ...)
        VIV_PRINTF(3, 4);
    /* "i8254/0" and the number: borrowed until destruct. [any] */
    const char *(*instance_name)(viv_dev_t *dev);
    uint32_t (*instance_number)(viv_dev_t *dev);

    /* The instance's own lock, recursive. [any] */
    void (*lock)(viv_dev_t *dev);
    void (*unlock)(viv_dev_t *dev);

    /* Ports [base, base + count). VIV_E_EXISTS names the owner of an overlap. ops is borrowed for
     * the instance's life. ret_range may be NULL. [main] or [emt] */
    viv_status_t (*pio_map)(viv_dev_t *dev, uint32_t base, uint32_t count, const viv_io_ops_t *ops,
                            void *ctx, const char *name, viv_range_t **ret_range);
    /* Guest-physical [gpa, gpa + len_bytes), 4 KiB granular for speed but any base and length are
     * allowed within a page that no other range shares. Overlays RAM. */
    viv_status_t (*mmio_map)(viv_dev_t *dev, uint64_t gpa, uint64_t len_bytes,
                             const viv_io_ops_t *ops, void *ctx, const char *name,
                             viv_range_t **ret_range);
    /* Removes a range; the handle is gone. NULL is fine. */
    void (*range_unmap)(viv_dev_t *dev, viv_range_t *range);

    /* The level of an ISA interrupt line 0..15: goes to both the PICs and the I/O APIC. Lines are
     * wired-or over devices. [any; takes the chipset lock] */
    void (*irq_set)(viv_dev_t *dev, uint32_t irq, uint32_t level);

    /* Guest memory as a bus master sees it (RAM, ROM, MMIO; unassigned reads as ones). A write of an
     * aligned dword to FEE00000h-FEEFFFFFh is an interrupt message to the local APICs. Not for PCI
     * devices: those use viv_pci_api_t.dma_*. [any] */
    void (*mem_read)(viv_dev_t *dev, uint64_t gpa, void *buf, uint64_t len_bytes);
    void (*mem_write)(viv_dev_t *dev, uint64_t gpa, const void *buf, uint64_t len_bytes);

    /* The virtual clock: ns since the machine was first powered on; stands while paused. [any] */
    uint64_t (*time_ns)(viv_dev_t *dev);
    /* Timers on that clock. Their deadlines are saved and loaded by the host, by name. [main] */
    viv_status_t (*timer_create)(viv_dev_t *dev, const char *name, viv_timer_fn fn, void *ctx,
                                 viv_timer_t **ret_timer);
    /* Fires once when time_ns() >= deadline_ns; re-arming replaces. [any, lock held] */
    void (*timer_arm)(viv_timer_t *timer, uint64_t deadline_ns);
    void (*timer_cancel)(viv_timer_t *timer);
    /* The deadline, or UINT64_MAX when not armed. */
    uint64_t (*timer_deadline)(viv_timer_t *timer);
} viv_dev_api_t;

/* The table of an interface that the device cannot do without. Call it in a row in construct: *st
 * keeps the first failure, which has been reported, and NULL comes back from then on. Only for
 * tables whose functions take dev. [main] */
static inline const void *viv_need(viv_dev_t *dev, const char *id, uint32_t min_size,
                                   viv_status_t *st)
{
    viv_iface_t iface = {NULL, NULL};
    if (*st == VIV_OK) {
        *st = dev->api->get_interface(dev, id, min_size, &iface);
        if (*st != VIV_OK) {
            (dev->api->fail)(dev, *st, "the host does not offer %s",
                             id); /* some test kits have a macro fail() */
        }
    }
    return iface.ops;
}

/* -- The class ------------------------------------------------------------------------------- */

/* Construction order: lower first, then the instance number (CFGM Devices/<name>/Priority
 * overrides). */
#define VIV_ORDER_ARCH        0u
#define VIV_ORDER_ARCH_BIOS   1u
#define VIV_ORDER_BUS_PCI     2u
#define VIV_ORDER_PCI_BUILTIN 3u
#define VIV_ORDER_INPUT       4u
#define VIV_ORDER_PIC         5u
#define VIV_ORDER_PIT         6u
#define VIV_ORDER_RTC         7u
#define VIV_ORDER_DMA         8u
#define VIV_ORDER_VMM_DEV     9u
#define VIV_ORDER_GRAPHICS    10u
#define VIV_ORDER_STORAGE     11u
#define VIV_ORDER_NETWORK     12u
#define VIV_ORDER_AUDIO       13u
#define VIV_ORDER_BUS_USB     14u
#define VIV_ORDER_ACPI        15u
#define VIV_ORDER_SERIAL      16u
#define VIV_ORDER_PARALLEL    17u
#define VIV_ORDER_HOST_DEV    18u
#define VIV_ORDER_MISC        31u

/* The instance's lock is the machine's one chipset lock: for interrupt controllers and what they
 * call. */
#define VIV_DEV_CHIPSET_LOCK 0x1u

typedef struct viv_device_class {
    uint32_t size;
    uint32_t kind; /* VIV_KIND_DEVICE */
    const char *name;
    const char *summary;
    uint32_t
        option_stride; /* sizeof(viv_option_t) and sizeof(viv_field_t) of the plugin's headers */
    uint32_t field_stride;
    uint32_t instance_size;      /* bytes the host allocates, zeroed */
    uint32_t state_version;      /* of `state` and save/load; 0: nothing to save */
    uint32_t max_instances;      /* 0: any number */
    uint32_t order;              /* VIV_ORDER_* */
    uint64_t flags;              /* VIV_DEV_* */
    const viv_option_t *options; /* may be NULL */
    const viv_field_t *state;    /* may be NULL */

    /* [main, lock held] self is zeroed and configured. After a failure the host calls destruct
     * too. */
    viv_status_t (*construct)(viv_dev_t *dev, void *self);
    /* [main, lock held] Must accept a half-built self. Ranges, timers, PCI functions go by
     * themselves. */
    void (*destruct)(viv_dev_t *dev, void *self);
    /* [main or emt, lock held] Cold-boot state; called once after all power_on calls and after
     * every reset of the machine. The host has dropped every IRQ and INTx level before; timers the
     * device cancels itself. */
    void (*reset)(viv_dev_t *dev, void *self);
    /* All instances are constructed; last chance to look for others. */
    viv_status_t (*power_on)(viv_dev_t *dev, void *self);
    void (*suspend)(viv_dev_t *dev, void *self);
    void (*resume)(viv_dev_t *dev, void *self);
    void (*power_off)(viv_dev_t *dev, void *self);
    /* What the tables cannot say, behind the fields in the same unit. NULL: nothing. */
    viv_status_t (*save)(viv_dev_t *dev, void *self, viv_stream_t *stream);
    viv_status_t (*load)(viv_dev_t *dev, void *self, viv_stream_t *stream, uint32_t version);
    /* [main, lock held] Fields (and load) are in; every byte of them is hostile: validate, rebuild
     * what is derived. */
    viv_status_t (*post_load)(viv_dev_t *dev, void *self, uint32_t version);
    /* [any] What the device offers on LUN `lun` to the driver below or to a frontend
     * ("viv.char-port/1"). VIV_E_NOT_FOUND if nothing of the sort. */
    viv_status_t (*query_interface)(viv_dev_t *dev, void *self, uint32_t lun, const char *id,
                                    viv_iface_t *ret_iface);
} viv_device_class_t;

#define VIV_DEVICE_CLASS_HEAD                                                                      \
    .size = sizeof(viv_device_class_t), .kind = VIV_KIND_DEVICE,                                   \
    .option_stride = sizeof(viv_option_t), .field_stride = sizeof(viv_field_t)

/* -- viv.stream/1: bytes of save and load ---------------------------------------------------- */

#define VIV_STREAM_ID "viv.stream/1"
typedef struct viv_stream_api {
    uint32_t size;
    uint32_t reserved0;
    /* Numbers are little-endian. A get beyond the unit's end gives VIV_E_EOF and zeros. [main] */
    viv_status_t (*put)(viv_stream_t *stream, const void *buf, uint64_t len_bytes);
    viv_status_t (*get)(viv_stream_t *stream, void *buf, uint64_t len_bytes);
    viv_status_t (*put_u64)(viv_stream_t *stream, uint64_t value);
    viv_status_t (*get_u64)(viv_stream_t *stream, uint64_t *ret_value);
    uint64_t (*remaining)(viv_stream_t *stream); /* load: bytes left in the unit */
} viv_stream_api_t;

/* -- viv.cfg/1: CFGM below the instance ------------------------------------------------------ */

/* For keys that a table cannot name (PortN/..., a list of unknown length). Paths are relative to
 * the instance's Config node. Keys that stand directly in Config must be in the option table; nodes
 * below Config are the device's own to read and to check. */
#define VIV_CFG_ID "viv.cfg/1"
typedef struct viv_cfg_api {
    uint32_t size;
    uint32_t reserved0;
    /* ret_value gets dflt if the key is absent; VIV_E_CONFIG (reported with path) if it has another
     * type or is out of range. */
    viv_status_t (*get_u64)(viv_dev_t *dev, const char *path, uint64_t lo, uint64_t hi,
                            uint64_t dflt, uint64_t *ret_value);
    /* Borrowed until destruct; dflt (may be NULL) if absent. */
    viv_status_t (*get_string)(viv_dev_t *dev, const char *path, const char *dflt,
                               const char **ret_value);
    viv_status_t (*get_bytes)(viv_dev_t *dev, const char *path, const uint8_t **ret_bytes,
                              uint64_t *ret_len);
} viv_cfg_api_t;

/* -- viv.lun/1: what hangs on a LUN ---------------------------------------------------------- */

#define VIV_LUN_ID "viv.lun/1"
typedef struct viv_lun_api {
    uint32_t size;
    uint32_t reserved0;
    /* Builds the driver chain that CFGM configures at LUN#<lun>. VIV_E_NOT_FOUND: nothing is
     * configured (quiet); other errors have been reported. [main] */
    viv_status_t (*attach)(viv_dev_t *dev, uint32_t lun, const char *description);
    /* An interface of the topmost driver, or of the first one below that has it. [main] */
    viv_status_t (*query)(viv_dev_t *dev, uint32_t lun, const char *id, uint32_t min_size,
                          viv_iface_t *ret_iface);
    void (*detach)(viv_dev_t *dev, uint32_t lun);
} viv_lun_api_t;

/* -- viv.vm/1: the machine ------------------------------------------------------------------- */

/* What guest_event() tells. A later kind is a new number. */
#define VIV_GUEST_PANICKED     1u /* the guest's system has crashed and stands */
#define VIV_GUEST_CRASH_LOADED 2u /* it has crashed and handed over to a crash kernel */
#define VIV_GUEST_SHUTDOWN     3u /* it is shutting down by itself */
#define VIV_GUEST_WATCHDOG     4u /* a watchdog has run out */

#define VIV_VM_ID "viv.vm/1"
typedef struct viv_vm_api {
    uint32_t size;
    uint32_t reserved0;
    uint64_t (*ram_bytes)(viv_dev_t *dev);
    uint64_t (*ram_below_4g)(viv_dev_t *dev); /* RAM from 0 up to here, the rest starts at 4 GiB */
    uint32_t (*cpu_count)(viv_dev_t *dev);
    /* The guest asked for it: takes effect at the next instruction boundary of every vCPU. [any] */
    void (*reset)(viv_dev_t *dev);
    void (*power_off)(viv_dev_t *dev,
                      uint32_t exit_code); /* exit code of `viv run`; 0 for a plain power-off */
    /* Real-time clock of the host for the RTC, seconds since 1970 UTC plus nanoseconds; in the
     * deterministic mode a function of the virtual clock. */
    uint64_t (*wall_time_ns)(viv_dev_t *dev);
    /* Is an instance of that device class part of the machine? Also in construct, whether it has been
     * constructed by then or not. */
    uint32_t (*has_device)(viv_dev_t *dev, const char *name);
    uint64_t (*cpu_hz)(viv_dev_t *dev); /* TSC frequency */
    /* The guest said something about itself (VIV_GUEST_*): logged, and handed to the frontend, which
     * may act on it. text is one line for people, may be NULL, and is not kept. [any] */
    void (*guest_event)(viv_dev_t *dev, uint32_t kind, const char *text);
    /* The machine stands as soon as it can, until its user lets it go on. Without a frontend that
     * can do so it runs on. [any] */
    void (*pause)(viv_dev_t *dev);
    /* Random bytes for the guest: the host's best, or in the deterministic mode a function of the
     * machine's seed, the instance's name, the virtual time and how many bytes it has drawn at that
     * time. VIV_E_IO: the host has none. Not in the oldest hosts: test with VIV_HAS. [any] */
    viv_status_t (*random)(viv_dev_t *dev, void *buf, uint64_t len_bytes);
    /* The machine sleeps from the next instruction boundary on, VIV_SLEEP_*: no vCPU executes, the
     * virtual clock, timers and interrupt lines go on. A reset ends it. VIV_SLEEP_NONE: it does not
     * sleep (any more), without waking. Not saved: a device says it again in post_load. [any] */
    void (*sleep)(viv_dev_t *dev, uint32_t kind);
    /* Ends the sleep. From VIV_SLEEP_STANDBY the vCPUs go on where they stood; from VIV_SLEEP_RAM
     * the machine is reset, as after power-on but for its memory. Nothing, if it does not sleep.
     * [any] */
    void (*wake)(viv_dev_t *dev);
    /* In reset(): 1 if this is the wake from VIV_SLEEP_RAM. What has been fed meanwhile (memory
     * control, wake status, the RTC) is not to be lost. [emt] */
    uint32_t (*waking)(viv_dev_t *dev);
} viv_vm_api_t;

#define VIV_SLEEP_NONE    0u
#define VIV_SLEEP_STANDBY 1u /* S1: everything is kept */
#define VIV_SLEEP_RAM     3u /* S3: memory is kept */

/* -- viv.ram/1: memory of the device's own (MMIO2) and ROM images ---------------------------- */

#define VIV_RAM_ID "viv.ram/1"
typedef struct viv_ram viv_ram_t;
typedef struct viv_ram_api {
    uint32_t size;
    uint32_t reserved0;
    /* Device RAM, zeroed, saved and loaded by the host. ret_hva is good for the instance's life.
     * [main] */
    viv_status_t (*create)(viv_dev_t *dev, uint64_t len_bytes, const char *name,
                           viv_ram_t **ret_ram, uint8_t **ret_hva);
    /* Maps [offset, offset+len) of it at gpa as directly accessible memory (page granular);
     * writable 0: as ROM. A second map call moves the window; len 0 unmaps. [main or emt] */
    viv_status_t (*map)(viv_ram_t *ram, uint64_t gpa, uint64_t offset, uint64_t len_bytes,
                        uint32_t writable);
    /* A file of the host, for ROM images: looks through the firmware folders. Caller frees with
     * file_free. */
    viv_status_t (*file_load)(viv_dev_t *dev, const char *name, uint64_t max_bytes,
                              uint8_t **ret_data, uint64_t *ret_len);
    void (*file_free)(uint8_t *data);
    /* Puts device RAM behind an MMIO range of whole pages (flash memory): while direct is 1 reads
     * and instruction fetches of the range come from [offset, offset + the range's length) of it, at
     * the speed of memory; writes go to the range's handlers, and with direct 0 reads do too. Call it
     * again to switch. Not saved: say it again in post_load. [main or emt] */
    viv_status_t (*back)(viv_ram_t *ram, viv_range_t *range, uint64_t offset, uint32_t direct);
    /* Gives the machine's RAM in [gpa, gpa + len_bytes) back to the host: its whole 4 KiB pages read
     * as zeros from here on and take memory again when they are written. What is not the machine's
     * own RAM there is left alone. Takes time in proportion to len_bytes. Not in the oldest hosts:
     * test with VIV_HAS. [any] */
    void (*discard)(viv_dev_t *dev, uint64_t gpa, uint64_t len_bytes);
} viv_ram_api_t;

/* -- viv.fwfile/1: named blobs for the firmware (fw_cfg files, direct boot) ------------------ */

#define VIV_FWFILE_ID "viv.fwfile/1"
typedef struct viv_fwfile_api {
    uint32_t size;
    uint32_t reserved0;
    /* Adds a blob ("etc/acpi/rsdp", max 55 characters) or replaces it; data is copied. [main] or
     * [emt] */
    viv_status_t (*add)(viv_dev_t *dev, const char *name, const void *data, uint64_t len_bytes);
    uint32_t (*count)(viv_dev_t *dev);
    /* By index, in order of name. Borrowed until replaced. */
    viv_status_t (*get)(viv_dev_t *dev, uint32_t index, const char **ret_name,
                        const uint8_t **ret_data, uint64_t *ret_len);
} viv_fwfile_api_t;

/* -- viv.stam/1: counters -------------------------------------------------------------------- */

#define VIV_STAM_ID "viv.stam/1"
typedef struct viv_stam_api {
    uint32_t size;
    uint32_t reserved0;
    /* A counter that lives in the instance struct, shown as Devices/<instance>/<name>. [main] */
    viv_status_t (*counter)(viv_dev_t *dev, const uint64_t *value, const char *name,
                            const char *unit, const char *help);
} viv_stam_api_t;

/* -- viv.queue/1 and viv.thread/1: work outside a handler ------------------------------------ */

#define VIV_QUEUE_ID "viv.queue/1"
typedef struct viv_queue_api {
    uint32_t size;
    uint32_t reserved0;
    /* Calls fn(dev, ctx) on the EMT of vCPU 0 with the device's lock held, once, in order of
     * posting, at the next instruction boundary (or on that thread while the machine stands). What
     * is still queued when the instance goes is dropped. Not saved: post again in post_load what
     * the state implies. [any] */
    viv_status_t (*post)(viv_dev_t *dev, void (*fn)(viv_dev_t *dev, void *ctx), void *ctx);
} viv_queue_api_t;

#define VIV_THREAD_ID "viv.thread/1"
typedef struct viv_thread viv_thread_t; /* opaque, owned by the host until destruct */
typedef struct viv_thread_api {
    uint32_t size;
    uint32_t reserved0;
    /* A thread that follows the machine: while it runs, fn(dev, ctx) is called again and again,
     * without locks; while it stands the thread stands too. fn does one piece of work, or wait()s,
     * and returns. [main] in construct or power_on */
    viv_status_t (*create)(viv_dev_t *dev, const char *name, void (*fn)(viv_dev_t *dev, void *ctx),
                           void *ctx, viv_thread_t **ret_thread);
    /* Within fn: sleeps until wake(), until timeout_ns of host time have passed (UINT64_MAX: for
     * ever), or until the machine wants to stand. Returns 1 if woken by wake(). */
    uint32_t (*wait)(viv_thread_t *thread, uint64_t timeout_ns);
    /* The next (or present) wait() returns at once. [any] */
    void (*wake)(viv_thread_t *thread);
} viv_thread_api_t;

VIV_END_DECLS
#endif
