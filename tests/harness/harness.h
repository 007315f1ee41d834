/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The fake host: runs one device (or driver) class in a unit test or a fuzz target without the VMM.
 *
 * A test compiles the plugin's sources in, so that viv_plugin_entry_v1 is linked, and does:
 *     Harness *h = harness_new("i8254", "Base=0x40");       -- construct, reset, power_on
 *     harness_out8(h, 0x43, 0x34);
 *     harness_advance_ns(h, 1000000);        -- fires timers in order of deadline
 *     ck_assert_uint_eq(harness_irq_level(h, 0), 1);
 *     harness_save_load(h);                  -- into a fresh instance; the resave must be equal
 *     harness_free(h);
 * When the surroundings matter (LUNs, RAM size, CPUs), build it in steps:
 *     h = harness_create();
 *     harness_lun_media(h, 0, VIV_MEDIA_DISK, 1 << 20, 0);
 *     harness_start(h, "ahci", "PortCount=1");
 *
 * A broken contract (wrong lock, unknown handle, two timers of one name, ...) and a misuse of the
 * harness print a line and abort(). HARNESS_LOG=1 in the environment prints what the plugin logs.
 * Everything is single-threaded; real time plays no part except in harness_pump(). */
#ifndef VIV_TESTS_HARNESS_H
#define VIV_TESTS_HARNESS_H

#include <viv/chipset.h>
#include <viv/device.h>
#include <viv/driver.h>
#include <viv/interfaces.h>
#include <viv/isadma.h>
#include <viv/pci.h>
#include <viv/types.h>

typedef struct Harness Harness;

/* -- life ------------------------------------------------------------------------------------ */

/* An empty machine for the linked plugin, or for one that was found otherwise. */
Harness *harness_create(void);
Harness *harness_create_for(const viv_plugin_t *plugin);
/* options: "key=value,key=value". Numbers as 42 or 0x2a, booleans 0/1/true/false, "\," is a comma.
 * Keys are checked against the option table like in the real host; keys with a '/' go to viv.cfg/1
 * (a full number is an integer, anything else a string; the prefixes "string:" and "integer:" force
 * it) and must be read by construct. NULL or "": none.
 * Runs construct, reset, power_on. */
viv_status_t harness_start(Harness *h, const char *class_name, const char *options);
/* create and start; aborts on failure. */
Harness *harness_new(const char *class_name, const char *options);
/* Like harness_new, NULL and the status on failure. */
Harness *harness_try_new(const char *class_name, const char *options, viv_status_t *ret_status);
/* A further instance of any class of the plugin in the same machine; returns its index (first: 0)
 * or a status. */
int harness_add(Harness *h, const char *class_name, const char *options);
/* power_off, drain, destruct, checks for leaks of locks and host buffers. NULL is fine. */
void harness_free(Harness *h);
/* Machine reset: PCI configuration as after construct, then reset() of every instance. */
void harness_reset(Harness *h);
void harness_suspend(Harness *h);
void harness_resume(Harness *h);
/* The sentence of the latest api->fail() or configuration error of this thread; "" if none. */
const char *harness_error(void);
/* Calls below mean instance `index` of harness_add from here on (PCI config, LUN query, ...). 0 at
 * first. */
void harness_select(Harness *h, int index);
void *harness_self(Harness *h); /* the instance struct of the selected instance */
viv_dev_t *harness_dev(Harness *h);

/* The n-th (1 = next) fallible call of a plugin into the host fails with VIV_E_NOMEM. 0: none. */
void harness_fail_call(Harness *h, unsigned n);
unsigned harness_fallible_calls(Harness *h); /* how many there have been */
/* Constructs with each host call failing in turn, until the construct runs through; every failure
 * must unwind cleanly (leaks are for the sanitizer). Returns the number of calls tried. setup may
 * be NULL. */
unsigned harness_construct_failures(const char *class_name, const char *options);
unsigned harness_construct_failures_with(void (*setup)(Harness *h), const char *class_name,
                                         const char *options);

/* -- save and load --------------------------------------------------------------------------- */

/* Saves, replaces all instances by fresh ones, loads, and asserts that a second save is
 * byte-identical and that every interrupt line has the level it had. Pending media requests are
 * completed first, as the real host does. */
void harness_save_load(Harness *h);
/* The pieces: a blob of the whole machine (transfer; free()), and loading one into fresh instances.
 * After a failed load only harness_free (or another load) is allowed. */
uint8_t *harness_save(Harness *h, size_t *ret_len);
viv_status_t harness_load(Harness *h, const uint8_t *blob, size_t len);

/* -- ports and memory ------------------------------------------------------------------------ */

uint8_t harness_in8(Harness *h, uint32_t port);
uint16_t harness_in16(Harness *h, uint32_t port);
uint32_t harness_in32(Harness *h, uint32_t port);
void harness_out8(Harness *h, uint32_t port, uint8_t value);
void harness_out16(Harness *h, uint32_t port, uint16_t value);
void harness_out32(Harness *h, uint32_t port, uint32_t value);
uint32_t harness_io_read(Harness *h, uint32_t port, uint32_t width);
void harness_io_write(Harness *h, uint32_t port, uint32_t value, uint32_t width);
/* REP INS / REP OUTS: through the string handlers where there are any, the rest element by
 * element. */
void harness_ins(Harness *h, uint32_t port, uint32_t width, void *buf, uint32_t count);
void harness_outs(Harness *h, uint32_t port, uint32_t width, const void *buf, uint32_t count);
int harness_port_mapped(Harness *h, uint32_t port);

/* A CPU access: device RAM and MMIO overlay RAM; unassigned reads as ones. */
uint64_t harness_mmio_read(Harness *h, uint64_t gpa, uint32_t width);
void harness_mmio_write(Harness *h, uint64_t gpa, uint64_t value, uint32_t width);
int harness_mmio_mapped(Harness *h, uint64_t gpa); /* by a handler or by device RAM */

/* Guest RAM: sparse, zeroed, 64 MiB unless set before start; above 3 GiB it goes on at 4 GiB. */
void harness_ram_size(Harness *h, uint64_t bytes);
void harness_ram_read(Harness *h, uint64_t gpa, void *buf, uint64_t len);
void harness_ram_write(Harness *h, uint64_t gpa, const void *buf, uint64_t len);
void harness_ram_fill(Harness *h, uint64_t gpa, uint8_t value, uint64_t len);
uint8_t harness_ram_get8(Harness *h, uint64_t gpa);
uint16_t harness_ram_get16(Harness *h, uint64_t gpa);
uint32_t harness_ram_get32(Harness *h, uint64_t gpa);
uint64_t harness_ram_get64(Harness *h, uint64_t gpa);
void harness_ram_put8(Harness *h, uint64_t gpa, uint8_t value);
void harness_ram_put16(Harness *h, uint64_t gpa, uint16_t value);
void harness_ram_put32(Harness *h, uint64_t gpa, uint32_t value);
void harness_ram_put64(Harness *h, uint64_t gpa, uint64_t value);

/* -- time ------------------------------------------------------------------------------------ */

uint64_t harness_time_ns(Harness *h);
/* Moves the virtual clock, stopping at every deadline to fire. Returns how many timers fired. */
uint64_t harness_advance_ns(Harness *h, uint64_t ns);
uint64_t harness_advance_to_ns(Harness *h, uint64_t time_ns);
uint64_t harness_next_deadline(Harness *h); /* UINT64_MAX: none armed */
/* What the host's wall clock shows at virtual time 0 (default 1234567890 s); it then runs with the
 * virtual clock. */
void harness_wall_set_ns(Harness *h, uint64_t ns_since_1970);

/* -- log of what the plugin did to the machine ----------------------------------------------- */

typedef enum HarnessEventKind {
    HARNESS_EV_IRQ,          /* a irq, b level: edges of the wired-or of all devices */
    HARNESS_EV_GSI,          /* a gsi, b level */
    HARNESS_EV_PIC_IRQ,      /* a irq, b level */
    HARNESS_EV_PIC_INTR,     /* a level */
    HARNESS_EV_CPU_INTR,     /* a vcpu, b level */
    HARNESS_EV_CPU_EXTINT,   /* a vcpu, b level */
    HARNESS_EV_CPU_NMI,      /* a vcpu */
    HARNESS_EV_CPU_SMI,      /* a vcpu */
    HARNESS_EV_CPU_INIT,     /* a vcpu */
    HARNESS_EV_CPU_SIPI,     /* a vcpu, b vector */
    HARNESS_EV_APIC_DELIVER, /* a dest, b logical, c mode, d vector, e level-triggered */
    HARNESS_EV_IOAPIC_EOI,   /* a vector */
    HARNESS_EV_PAM,          /* a gpa, b length, c read from RAM, d write to RAM */
    HARNESS_EV_A20,          /* a source, b enabled */
    HARNESS_EV_IGNNE,        /* a level */
    HARNESS_EV_INTX,         /* a function index, b level (after Interrupt Disable) */
    HARNESS_EV_VM_RESET,
    HARNESS_EV_VM_POWER_OFF, /* a exit code */
    HARNESS_EV_DISPLAY_MODE, /* a width, b height */
    HARNESS_EV_LOG,          /* a severity */
    HARNESS_EV_NMI_LINE,     /* a level of the wired-or of all devices, behind the gate */
    HARNESS_EV_NMI_MASK,     /* a masked: the gate */
    HARNESS_EV_GUEST_EVENT,  /* a VIV_GUEST_* */
    HARNESS_EV_VM_PAUSE,
    HARNESS_EV_MSI,      /* a address, b data: a dword written to FEExxxxxh by a bus master */
    HARNESS_EV_DISCARD,  /* a gpa, b length: viv.ram/1 discard, as asked for */
    HARNESS_EV_VM_SLEEP, /* a VIV_SLEEP_* */
    HARNESS_EV_VM_WAKE,  /* a what it slept */
    HARNESS_EV_COUNT
} HarnessEventKind;

typedef struct HarnessEvent {
    HarnessEventKind kind;
    uint64_t time_ns;
    uint64_t a, b, c, d, e;
} HarnessEvent;

unsigned harness_event_count(Harness *h, HarnessEventKind kind);
/* The index-th of that kind (0 = oldest), or the latest; aborts if there is none. */
HarnessEvent harness_event(Harness *h, HarnessEventKind kind, unsigned index);
HarnessEvent harness_event_last(Harness *h, HarnessEventKind kind);
void harness_events_clear(Harness *h);

/* Present levels. */
uint32_t harness_irq_level(Harness *h, uint32_t irq);
uint32_t harness_gsi_level(Harness *h, uint32_t gsi);
uint32_t harness_pic_irq_level(Harness *h, uint32_t irq);
uint32_t harness_pic_intr_level(Harness *h);
uint32_t harness_cpu_intr_level(Harness *h, uint32_t vcpu);
uint32_t harness_cpu_extint_level(Harness *h, uint32_t vcpu);
uint32_t harness_intx_level(Harness *h, uint32_t fn_index); /* of the selected instance */
uint32_t harness_nmi_level(Harness *h);                     /* behind the gate */
uint32_t harness_nmi_masked(Harness *h);
void harness_nmi_drive(Harness *h, uint32_t level); /* another device's nmi_set */
uint32_t harness_a20(Harness *h);
/* The ISA lines that the device watches, and a rise of some, told at once. */
uint32_t harness_irq_watched(Harness *h);
void harness_irq_rise(Harness *h, uint32_t irqs);
uint32_t harness_legacy_replacement(Harness *h); /* an instance has it on */
uint32_t harness_ignne(Harness *h);

/* -- chipset roles that the device has taken ------------------------------------------------- */

/* The tables (NULL: not taken); call their functions between chipset_lock and chipset_unlock. */
const viv_pic_ops_t *harness_pic(Harness *h, viv_dev_t **ret_dev, void **ret_self);
const viv_apic_ops_t *harness_apic(Harness *h, viv_dev_t **ret_dev, void **ret_self);
const viv_ioapic_ops_t *harness_ioapic(Harness *h, viv_dev_t **ret_dev, void **ret_self);
const viv_rtc_ops_t *harness_rtc(Harness *h, viv_dev_t **ret_dev, void **ret_self);
const viv_pcibus_ops_t *harness_pcibus(Harness *h, viv_dev_t **ret_dev, void **ret_self);
void harness_chipset_lock(Harness *h);
void harness_chipset_unlock(Harness *h);
/* Short-cuts that lock. */
void harness_irq_drive(Harness *h, uint32_t irq,
                       uint32_t level); /* another device's irq_set: to the PIC and the I/O APIC */
uint8_t harness_pic_ack(Harness *h);
void harness_ioapic_set(Harness *h, uint32_t gsi, uint32_t level);
void harness_bus_intx(Harness *h, uint32_t bus, uint32_t devfn, uint32_t pin, uint32_t level);
void harness_ferr(Harness *h, uint32_t level);
uint8_t harness_cmos_get(Harness *h,
                         uint32_t index); /* of the role's holder, or the harness's own 256 bytes */
void harness_cmos_put(Harness *h, uint32_t index, uint8_t value);
void harness_apic_accepts(
    Harness *h,
    uint32_t accepted); /* what apic_deliver returns without a role holder; 1 at first */
void harness_current_vcpu(Harness *h, uint32_t vcpu);
/* The guest writes its TSC: it has that value now, and the APIC role is told. */
void harness_tsc_set(Harness *h, uint64_t value);

/* -- ISA DMA --------------------------------------------------------------------------------- */

/* Device tests: the harness is the controller. What the guest programs a channel for: mode is
 * VIV_ISADMA_* of type, AUTO_INIT and transfer mode; unmasks it. */
void harness_dma_program(Harness *h, uint32_t channel, uint32_t mode, uint64_t gpa,
                         uint32_t len_bytes);
void harness_dma_mask(Harness *h, uint32_t channel, uint32_t masked);
uint32_t harness_dma_left(Harness *h, uint32_t channel); /* bytes to terminal count */
unsigned harness_dma_tcs(Harness *h, uint32_t channel);  /* terminal counts so far */
uint32_t harness_dma_dreq(Harness *h, uint32_t channel); /* level of DREQ */
/* Controller tests: the test is the device on every channel that it raises. DREQ comes back by
 * itself after a load, not after a reset. */
void harness_dma_raise(Harness *h, uint32_t channel, uint32_t level);
uint32_t harness_dma_mode(Harness *h, uint32_t channel);
uint32_t harness_dma_run(Harness *h, uint32_t channel, void *buf, uint32_t len_bytes,
                         uint32_t *ret_flags);
/* Ready calls since the latest question; in device tests those that the device got. */
unsigned harness_dma_readies(Harness *h, uint32_t channel);

/* -- PCI, function fn_index of the selected instance ----------------------------------------- */

uint32_t harness_cfg_read(Harness *h, uint32_t fn_index, uint32_t off, uint32_t width);
void harness_cfg_write(Harness *h, uint32_t fn_index, uint32_t off, uint32_t value, uint32_t width);
uint32_t harness_pci_devfn(Harness *h, uint32_t fn_index);
/* Writes the BAR and switches on decoding (I/O, memory) and bus mastering in the command
 * register. */
void harness_pci_map_bar(Harness *h, uint32_t fn_index, uint32_t bar, uint64_t address);
uint64_t harness_pci_bar_size(Harness *h, uint32_t fn_index,
                              uint32_t bar); /* by the sizing protocol; restores it */

/* The offset of a capability by the list a guest walks, 0 if there is none; of an extended one. */
uint32_t harness_cap_find(Harness *h, uint32_t fn_index, uint32_t cap_id);
uint32_t harness_ext_cap_find(Harness *h, uint32_t fn_index, uint32_t cap_id);
/* As a driver does: bus mastering on, 2^vectors_log2 MSI vectors from data up (a multiple),
 * enabled. */
void harness_msi_enable(Harness *h, uint32_t fn_index, uint64_t address, uint32_t data,
                        uint32_t vectors_log2);
/* Bus mastering on, MSI-X enabled (1) or not, Function Mask clear. */
void harness_msix_enable(Harness *h, uint32_t fn_index, uint32_t enabled);
/* An entry of the table; its BAR must be mapped. */
void harness_msix_vector(Harness *h, uint32_t fn_index, uint32_t vector, uint64_t address,
                         uint32_t data, uint32_t masked);
uint32_t harness_msix_pending(Harness *h, uint32_t fn_index,
                              uint32_t vector); /* as the PBA reads */

/* -- the machine ----------------------------------------------------------------------------- */

uint32_t harness_vm_asleep(Harness *h); /* VIV_SLEEP_* */
/* The reset that a wake from VIV_SLEEP_RAM has asked for; 0: none has. */
uint32_t harness_vm_wake_reset(Harness *h);
void harness_vm_cpus(Harness *h, uint32_t count);         /* 1 */
void harness_vm_cpu_hz(Harness *h, uint64_t hz);          /* 2 GHz */
void harness_vm_has_device(Harness *h, const char *name); /* has_device() says yes */
void harness_vm_file(Harness *h, const char *name, const void *data,
                     size_t len); /* for file_load; else real files by path */
void harness_vm_without(Harness *h, const char *iface_id); /* get_interface() does not find it */
/* viv.cfg/1 keys, before start. */
void harness_cfg_set_u64(Harness *h, const char *path, uint64_t value);
void harness_cfg_set_string(Harness *h, const char *path, const char *value);
void harness_cfg_set_bytes(Harness *h, const char *path, const void *bytes, size_t len);
/* viv.fwfile/1: what has been added. NULL if not there. */
const uint8_t *harness_fwfile(Harness *h, const char *name, size_t *ret_len);
uint64_t harness_stam(Harness *h, const char *name); /* a counter's value; aborts if unknown */

/* -- LUNs: set up before start; LUNs that are not are VIV_E_NOT_FOUND at attach -------------- */

/* An in-memory medium (sparse, zeroed). size_bytes 0: no medium in. */
void harness_lun_media(Harness *h, uint32_t lun, uint32_t type, uint64_t size_bytes,
                       uint32_t read_only);
void harness_media_poke(Harness *h, uint32_t lun, uint64_t off, const void *buf, size_t len);
void harness_media_peek(Harness *h, uint32_t lun, uint64_t off, void *buf, size_t len);
/* Another medium (0 bytes: none); raises the generation and calls the device's viv.media-port/1. */
void harness_media_change(Harness *h, uint32_t lun, uint64_t size_bytes, uint32_t read_only);
/* The user presses the eject button: viv.media-port/1 eject_request. */
void harness_media_eject_request(Harness *h, uint32_t lun);
/* The next `count` operations (blocking or queued) on the LUN fail with status. */
void harness_media_fail(Harness *h, uint32_t lun, viv_status_t status, unsigned count);
unsigned harness_media_ops(Harness *h, uint32_t lun,
                           uint32_t op); /* how many of VIV_MEDIA_OP_* have been done */
uint32_t harness_media_ejected(Harness *h, uint32_t lun);
uint32_t harness_media_locked(Harness *h, uint32_t lun);
/* 1: queued requests complete by themselves when the outermost call into the device returns; 0 (at
 * first): in harness_run_pending(). */
void harness_media_auto(Harness *h, uint32_t lun, uint32_t on);
/* Completes queued requests, oldest first, including those queued meanwhile. Returns how many. */
unsigned harness_run_pending(Harness *h);
unsigned harness_pending(Harness *h);                     /* how many are queued */
void harness_run_pending_one(Harness *h, unsigned index); /* this one only: out of order */

/* A character back end. */
void harness_lun_char(Harness *h, uint32_t lun);
/* What the device has written so far (borrowed, NUL-terminated), and forgetting it. */
const char *harness_char_output(Harness *h, uint32_t lun, size_t *ret_len);
void harness_char_clear(Harness *h, uint32_t lun);
/* Offers input to the device's viv.char-port/1; what it does not take is offered again after
 * input_ready(). */
void harness_char_inject(Harness *h, uint32_t lun, const void *buf, size_t len);
size_t harness_char_waiting(Harness *h, uint32_t lun); /* injected but not yet taken */
/* write() takes this many bytes more, then says 0; raising it from 0 calls write_ready(). Unlimited
 * at first. */
void harness_char_room(Harness *h, uint32_t lun, uint32_t bytes);
typedef struct HarnessCharParams {
    uint32_t baud, data_bits, stop_bits_x2, parity, lines;
} HarnessCharParams;
HarnessCharParams harness_char_params(Harness *h,
                                      uint32_t lun); /* the latest set_params and set_lines */

/* A driver that has viv.display/1 (mode_changed is logged). */
void harness_lun_display(Harness *h, uint32_t lun);
/* A driver that has nothing, or whatever the test provides (may be called several times for one
 * LUN). */
void harness_lun_empty(Harness *h, uint32_t lun);
void harness_lun_iface(Harness *h, uint32_t lun, const char *id, const void *ops, void *self);
uint32_t harness_lun_attached(Harness *h, uint32_t lun);

/* What the selected instance offers. The second form aborts if there is none. */
viv_status_t harness_query(Harness *h, uint32_t lun, const char *id, viv_iface_t *ret_iface);
viv_iface_t harness_port(Harness *h, uint32_t lun, const char *id);

/* -- drivers --------------------------------------------------------------------------------- */

/* One driver instance instead of a device: h = harness_create(); harness_drv_above(...);
 * harness_start(h, "VD", "...") (harness_start, _new, _construct_failures take drivers and devices
 * alike: the class's kind decides). */
void harness_drv_above(Harness *h, const char *id, const void *ops, void *self);
void harness_drv_below(Harness *h, const char *id, const void *ops, void *self);
viv_status_t harness_drv_query(Harness *h, const char *id, viv_iface_t *ret_iface);
viv_iface_t harness_drv_iface(Harness *h, const char *id); /* aborts if there is none */
viv_drv_t *harness_drv(Harness *h);
/* One round of the I/O thread and of the asynchronous work: io_call()s, works and their done(),
 * ready watches. Waits up to timeout_ms for a watch when there is nothing else. Returns how many
 * callbacks ran. */
unsigned harness_pump(Harness *h, int timeout_ms);
unsigned harness_watches(Harness *h);
/* 1: viv.async/1 runs work and done inside submit. */
void harness_async_inline(Harness *h, uint32_t on);
/* viv.storage/1: a disk in memory under that path; other paths are raw files of the host. */
void harness_storage_mem(Harness *h, const char *path, uint64_t size_bytes, uint32_t read_only);
void harness_storage_peek(Harness *h, const char *path, uint64_t off, void *buf, size_t len);
void harness_storage_poke(Harness *h, const char *path, uint64_t off, const void *buf, size_t len);
void harness_storage_fail(Harness *h, viv_status_t status,
                          unsigned count); /* the next reads, writes, flushes */

/* -- what there is: for programs that make traffic for any device ------------------------------ */

typedef enum HarnessAreaKind {
    HARNESS_AREA_PIO,
    HARNESS_AREA_MMIO,
    HARNESS_AREA_RAM
} HarnessAreaKind;
typedef struct HarnessArea {
    HarnessAreaKind kind;
    uint32_t is_bar;
    uint64_t base, len;
} HarnessArea;
/* What is mapped now, by all instances; returns how many, of which the first `most` are given. */
unsigned harness_areas(Harness *h, HarnessArea *ret_areas, unsigned most);
/* Differs whenever something has been mapped, moved or unmapped. */
uint64_t harness_areas_generation(Harness *h);
unsigned harness_instances(Harness *h);
const viv_plugin_t *harness_plugin(Harness *h);
uint32_t harness_pci_present(Harness *h); /* bit n: the selected instance has function n */
/* 0: no such BAR; else its size. ret_address: UINT64_MAX if it does not decode. */
uint64_t harness_pci_bar_at(Harness *h, uint32_t fn_index, uint32_t bar, HarnessAreaKind *ret_kind,
                            uint64_t *ret_address);
uint32_t harness_pci_config_len(Harness *h, uint32_t fn_index);
uint32_t harness_dma_channels(Harness *h); /* bit n: an instance has claimed that channel */
uint32_t harness_is_dma_controller(Harness *h);
uint32_t harness_has_ferr(Harness *h); /* an instance listens to FERR# */
uint32_t harness_has_intx(Harness *h); /* one routes INTx: harness_bus_intx() is allowed */

/* From now on attach() finds every LUN, with a driver that offers nothing; what is asked for is
 * remembered: the index-th (lun, id). 0: there are no more. */
void harness_lun_probe(Harness *h);
uint32_t harness_lun_wanted(Harness *h, unsigned index, uint32_t *ret_lun, const char **ret_id);

/* Like harness_advance_ns(), but gives up, at the time that it has then reached, when `most` timers
 * have fired. */
uint64_t harness_advance_most(Harness *h, uint64_t ns, uint64_t most);
/* The host was away: the clock moves first, then what is due fires late, at most `most` timers. */
uint64_t harness_stall_ns(Harness *h, uint64_t ns, uint64_t most);
uint64_t harness_log_lines(Harness *h, uint32_t severity); /* of exactly this VIV_LOG_* */
const char *harness_log_last(Harness *h);                  /* the latest above VIV_LOG_TRACE */
uint64_t harness_mem_writes(Harness *h); /* bytes that devices have written to guest memory */
/* Bytes that the harness itself holds for guest RAM, media and back ends. */
uint64_t harness_footprint(Harness *h);

/* -- fuzzing --------------------------------------------------------------------------------- */

typedef enum HarnessFuzzKind {
    HARNESS_FUZZ_PIO,  /* ports base .. base + len */
    HARNESS_FUZZ_MMIO, /* guest-physical addresses */
    HARNESS_FUZZ_CFG,  /* PCI configuration space of function `base`, registers 0 .. len */
    HARNESS_FUZZ_IRQ,  /* harness_irq_drive() of lines base .. base + len, and acknowledges */
    HARNESS_FUZZ_DMA,  /* ISA DMA channel `base`: DREQ and cycles, or its programming */
} HarnessFuzzKind;
typedef struct HarnessFuzzRange {
    HarnessFuzzKind kind;
    uint64_t base, len;
} HarnessFuzzRange;
/* Takes data as a program: reads, writes and strings of every width in the ranges, up to
 * max_advance_ns of time at once, pending requests, now and then a reset or a save and load. */
void harness_fuzz(Harness *h, const uint8_t *data, size_t len, const HarnessFuzzRange *ranges,
                  unsigned count, uint64_t max_advance_ns);
/* Loads the machine's own state with bytes of it replaced as data says: each must be taken or
 * refused, and the device must stand traffic after it. */
void harness_fuzz_state(Harness *h, const uint8_t *data, size_t len);

#endif
