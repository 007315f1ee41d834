/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Inside of the fake host; tests include harness.h only. */
#ifndef VIV_TESTS_HARNESS_INTERNAL_H
#define VIV_TESTS_HARNESS_INTERNAL_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "pdm/pci_caps.h"

#define HARNESS_MAX_INSTANCES 16
#define HARNESS_IRQS          16
#define HARNESS_GSIS          64
#define HARNESS_VCPUS         256
#define HARNESS_PCI_FNS       8
#define HARNESS_PCI_BARS      7
#define HARNESS_RAM_BELOW_4G  0xc0000000ull

#define HARNESS_DIE(...) harness_die(__FILE__, __LINE__, __VA_ARGS__)
#define HARNESS_CHECK(cond, ...)                                                                   \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            HARNESS_DIE(__VA_ARGS__);                                                              \
        }                                                                                          \
    } while (0)

/* Bytes at 64-bit addresses; pages come into being when they are written. */
typedef struct HarnessSparse {
    struct HarnessSparsePage **slots;
    size_t slot_count, page_count;
} HarnessSparse;

typedef struct HarnessInst HarnessInst;

struct viv_range {
    struct viv_range *next;
    HarnessInst *owner;
    viv_io_ops_t ops;
    void *ctx;
    uint64_t base, len;
    const char *name;
    uint32_t is_mmio;
    uint32_t is_bar;
    uint32_t dead;         /* unmapped while a call was under way */
    const uint8_t *direct; /* where reads come from instead of the handler, or NULL */
};

struct viv_timer {
    struct viv_timer *next;
    HarnessInst *owner;
    char *name;
    viv_timer_fn fn;
    void *ctx;
    uint64_t deadline;
    uint64_t seq; /* of the latest arming: ties fire in that order */
};

struct viv_ram {
    struct viv_ram *next; /* of all in the machine, latest first */
    HarnessInst *owner;
    char *name;
    uint8_t *data;
    uint64_t len;
    uint64_t gpa, map_offset, map_len; /* map_len 0: not mapped */
    uint32_t writable;
};

typedef enum HarnessBarKind {
    HARNESS_BAR_NONE,
    HARNESS_BAR_PIO,
    HARNESS_BAR_MMIO,
    HARNESS_BAR_RAM
} HarnessBarKind;

typedef struct HarnessBar {
    HarnessBarKind kind;
    uint32_t flags, writable;
    uint64_t len;
    viv_io_ops_t ops;
    void *ctx;
    const char *name;
    viv_ram_t *ram;
    viv_range_t *range;
    viv_range_t *msix[2]; /* table, pending bits */
    uint64_t address;     /* UINT64_MAX: not mapped */
} HarnessBar;

/* What of a BAR the host serves for MSI-X. */
typedef struct HarnessMsixPart {
    viv_pci_fn_t *fn;
    uint32_t bar;
    uint64_t off, len;
} HarnessMsixPart;

struct viv_pci_fn {
    HarnessInst *owner;
    uint32_t index, bus, devfn;
    uint8_t cfg[PCI_CONFIG_MAX], wmask[PCI_CONFIG_MAX], w1c[PCI_CONFIG_MAX];
    uint8_t reset_cfg[PCI_CONFIG_MAX];
    PciCaps caps;
    HarnessBar bars[HARNESS_PCI_BARS];
    HarnessMsixPart msix[2];
    viv_pci_cfg_read_fn read;
    viv_pci_cfg_written_fn written;
    void *hook_ctx;
    uint32_t intx_raw, intx_line;
};

struct HarnessInst {
    viv_dev_t dev; /* first: the plugin's handle */
    Harness *h;
    viv_device_class_t cls;
    char *options_text;
    uint8_t *self;
    char **strings;
    unsigned string_count;
    uint32_t number;
    int index;
    char name[80];
    unsigned own_lock;
    unsigned *lock; /* own_lock or the machine's chipset lock */
    uint32_t irq_levels;
    uint32_t nmi_level;
    viv_timer_t *timers;
    viv_pci_fn_t *fns[HARNESS_PCI_FNS];
    unsigned stream_users;
};

typedef struct HarnessIface {
    struct HarnessIface *next;
    char *id;
    const void *ops;
    void *self;
} HarnessIface;

typedef struct HarnessMedia {
    Harness *h;
    viv_media_info_t info;
    HarnessSparse data;
    viv_status_t fail_status;
    unsigned fail_count;
    unsigned ops_done[4];
    uint32_t ejected, locked, automatic;
} HarnessMedia;

typedef struct HarnessChar {
    struct HarnessLun *lun;
    char *out;
    size_t out_len, out_cap;
    uint8_t *in;
    size_t in_len, in_cap;
    uint32_t room;
    uint32_t offer; /* the device wants input again */
    uint32_t want_write_ready;
    HarnessCharParams params;
} HarnessChar;

typedef struct HarnessLun {
    struct HarnessLun *next;
    Harness *h;
    int inst;
    uint32_t lun;
    uint32_t attached;
    HarnessMedia *media;
    HarnessChar *chr;
    uint32_t display;
    HarnessIface *ifaces;
} HarnessLun;

typedef struct HarnessLunWant {
    struct HarnessLunWant *next;
    uint32_t lun;
    char *id;
} HarnessLunWant;

typedef struct HarnessPending {
    HarnessMedia *media;
    viv_media_req_t *req;
} HarnessPending;

typedef struct HarnessCfg {
    struct HarnessCfg *next;
    char *path;
    uint32_t type; /* VIV_U64, VIV_STRING, VIV_BYTES */
    uint32_t was_read;
    uint64_t number;
    uint8_t *bytes;
    size_t len;
} HarnessCfg;

typedef struct HarnessBlob { /* fwfile and host files */
    struct HarnessBlob *next;
    char *name;
    uint8_t *data;
    size_t len;
} HarnessBlob;

typedef struct HarnessStam {
    struct HarnessStam *next;
    HarnessInst *owner;
    char *name;
    const uint64_t *value;
} HarnessStam;

typedef struct HarnessRole {
    const void *ops;
    HarnessInst *inst;
    void *self;
} HarnessRole;

typedef struct HarnessDma { /* an ISA DMA channel */
    HarnessInst *inst;      /* whose it is; NULL: nobody's, or the test's */
    viv_isadma_ready_fn fn;
    void *ctx;
    uint32_t level, posted, external; /* external: the test plays the device */
    unsigned readies, tcs;
    /* the fake controller */
    uint32_t programmed, mode, left, base_len;
    uint64_t gpa, base_gpa;
} HarnessDma;

typedef struct HarnessDriver HarnessDriver;

struct Harness {
    const viv_plugin_t *plugin;
    HarnessInst *inst[HARNESS_MAX_INSTANCES];
    int count;
    int selected;
    HarnessDriver *driver;
    uint32_t failed_load;

    /* calls */
    unsigned depth;        /* nested calls into plugins */
    unsigned chipset_lock; /* depth */
    unsigned calls, fail_at;
    unsigned dma_mmio_depth;
    uint32_t in_idle;

    /* time */
    uint64_t now_ns, wall_base_ns, arm_seq;

    /* log */
    HarnessEvent *events;
    size_t event_count, event_cap;
    uint32_t muted; /* while instances are being replaced */
    uint64_t log_lines[VIV_LOG_TRACE + 1];
    char log_last[256];

    /* memory */
    HarnessSparse ram;
    uint64_t ram_bytes;
    uint64_t random; /* state of viv.vm/1 random */
    viv_range_t *ranges;
    viv_ram_t *rams;
    unsigned files_out; /* file_load buffers that have not come back */
    uint64_t map_generation, mem_writes;

    /* lines */
    uint32_t irq_external; /* bit a line */
    uint32_t irq_levels;   /* wired-or as last told */
    uint64_t gsi_levels;
    uint32_t pic_irq_levels;
    uint32_t pic_intr;
    uint8_t cpu_intr[HARNESS_VCPUS], cpu_extint[HARNESS_VCPUS];
    uint32_t a20_sources, ignne, apic_accepts, current_vcpu;
    HarnessRole pic, apic, ioapic, rtc, pcibus, intx, isadma;
    uint32_t bridges;
    HarnessDma dma[VIV_ISADMA_CHANNELS];
    uint32_t nmi_external, nmi_masked, nmi_level;
    uint64_t tsc_offset;
    uint32_t sleep, wake_reset, waking;
    HarnessInst *watch_inst;
    uint32_t watch_irqs;
    void (*watch_fn)(viv_dev_t *dev, void *ctx, uint32_t irqs);
    void *watch_ctx;
    HarnessInst *legacy_inst; /* whose IRQ 0 and 8 count alone */
    HarnessInst *ferr_inst;
    void (*ferr_fn)(viv_dev_t *dev, void *ctx, uint32_t level);
    void *ferr_ctx;
    uint8_t cmos[256];

    /* machine */
    uint32_t cpus;
    uint64_t cpu_hz;
    HarnessBlob *has_devices, *without, *files, *fwfiles;
    HarnessCfg *cfg;
    HarnessStam *stams;

    /* LUNs */
    HarnessLun *luns;
    uint32_t lun_probe;
    HarnessLunWant *lun_wants;
    HarnessPending *pending;
    size_t pending_count, pending_cap;

    /* drivers */
    HarnessIface *above, *below;
    uint32_t async_inline;
    struct HarnessDiskMem *disks;
    viv_status_t storage_fail_status;
    unsigned storage_fail_count;
};

struct viv_stream {
    uint8_t *data;
    size_t len, cap, pos;
    uint32_t writing;
};

/* harness.c */
void harness_die(const char *file, int line, const char *fmt, ...) VIV_PRINTF(3, 4)
    __attribute__((noreturn));
void *harness_alloc(size_t len);
void *harness_grow(void *old, size_t len);
char *harness_strdup(const char *text);
viv_status_t harness_error_set(viv_status_t status, const char *fmt, ...) VIV_PRINTF(2, 3);
viv_status_t harness_error_setv(viv_status_t status, const char *who, const char *fmt, va_list args)
    VIV_PRINTF(3, 0);
HarnessInst *harness_inst(Harness *h);
viv_status_t harness_inst_create(Harness *h, int index, const char *class_name,
                                 const char *options);
void harness_inst_destroy(Harness *h, int index);
int harness_fallible(Harness *h); /* counts; 1: this call shall fail */

/* harness_options.c */
viv_status_t harness_options_apply(Harness *h, const viv_option_t *options, uint32_t stride,
                                   const char *who, uint8_t *self, uint32_t self_size,
                                   char ***ret_strings, unsigned *ret_count, const char *text);
viv_status_t harness_cfg_check_read(Harness *h, const char *who);

/* harness_call.c: entering and leaving plugin code */
void harness_lock_take(Harness *h, unsigned *lock);
void harness_lock_drop(Harness *h, unsigned *lock);
unsigned harness_enter(HarnessInst *inst); /* takes the instance's lock; returns a token */
void harness_leave(HarnessInst *inst, unsigned token);
void harness_enter_bare(Harness *h); /* without any lock: ports, done() */
void harness_leave_bare(Harness *h);

/* harness_io.c */
viv_range_t *harness_range_add(HarnessInst *inst, uint32_t is_mmio, uint64_t base, uint64_t len,
                               const viv_io_ops_t *ops, void *ctx, const char *name,
                               uint32_t is_bar);
void harness_range_remove(Harness *h, viv_range_t *range);
void harness_ranges_sweep(Harness *h,
                          const HarnessInst *owner); /* frees the dead ones, and all of owner's */
int harness_range_clash(Harness *h, uint32_t is_mmio, uint64_t base, uint64_t len,
                        const char **ret_owner);
void harness_mem_access(Harness *h, uint64_t gpa, void *buf, uint64_t len, int write);

/* harness_io.c: whole pages of RAM become zeros; the rest of the range is left alone. */
void harness_ram_zero(Harness *h, uint64_t gpa, uint64_t len);
/* harness_sparse.c */
void harness_sparse_read(const HarnessSparse *s, uint64_t off, void *buf, uint64_t len);
void harness_sparse_write(HarnessSparse *s, uint64_t off, const void *buf, uint64_t len);
void harness_sparse_free(HarnessSparse *s);

/* harness_time.c */
void harness_log_event(Harness *h, HarnessEventKind kind, uint64_t a, uint64_t b, uint64_t c,
                       uint64_t d, uint64_t e);
viv_timer_t *harness_timer_find(HarnessInst *inst, const char *name);

/* harness_api.c */
extern const viv_dev_api_t harness_dev_api;
void harness_log_line(Harness *h, const char *who, uint32_t severity, const char *fmt, va_list args)
    VIV_PRINTF(4, 0);

/* harness_chipset.c */
extern const viv_chipset_api_t harness_chipset_api;
void harness_irq_update(Harness *h, uint32_t irq);
void harness_nmi_update(Harness *h);
void harness_chipset_forget(Harness *h, const HarnessInst *inst);
viv_status_t harness_role_take(Harness *h, HarnessRole *role, HarnessInst *inst, const void *ops,
                               uint32_t ours, void *self, const char *name);

/* harness_dma.c */
extern const viv_isadma_api_t harness_isadma_api;
void harness_dma_idle(Harness *h);
uint32_t harness_dma_lower_all(Harness *h); /* which the test itself held up */
void harness_dma_forget(Harness *h, const HarnessInst *inst);
uint32_t harness_dma_lines(const Harness *h);

/* harness_pci.c */
extern const viv_pci_api_t harness_pci_api;
extern const viv_pcibus_api_t harness_pcibus_api;
void harness_pci_fn_free(viv_pci_fn_t *fn);
viv_status_t harness_pci_bar_mmio(viv_pci_fn_t *fn, uint32_t bar, uint64_t len_bytes,
                                  uint32_t flags, const viv_io_ops_t *ops, void *ctx,
                                  const char *name);
int harness_pci_is_master(const viv_pci_fn_t *fn);
viv_pci_fn_t *harness_pci_get(Harness *h, uint32_t fn_index);

/* harness_msi.c */
viv_status_t harness_msi_cap_add(viv_pci_fn_t *fn, uint32_t cap_id, uint32_t len_bytes,
                                 uint32_t off, uint32_t *ret_off);
viv_status_t harness_msi_ext_cap_add(viv_pci_fn_t *fn, uint32_t cap_id, uint32_t version,
                                     uint32_t len_bytes, uint32_t off, uint32_t *ret_off);
viv_status_t harness_msi_add(viv_pci_fn_t *fn, uint32_t vectors_log2, uint32_t flags, uint32_t off);
viv_status_t harness_msi_add_x(viv_pci_fn_t *fn, uint32_t vectors, uint32_t table_bar,
                               uint32_t table_off, uint32_t pba_bar, uint32_t pba_off,
                               uint32_t off);
uint32_t harness_msi_enabled(viv_pci_fn_t *fn);
uint32_t harness_msi_enabled_x(viv_pci_fn_t *fn);
viv_status_t harness_msi_send(viv_pci_fn_t *fn, uint32_t vector);
void harness_msi_clear(viv_pci_fn_t *fn, uint32_t vector);
void harness_msi_flush(viv_pci_fn_t *fn);
void harness_msi_map(viv_pci_fn_t *fn, uint32_t bar);
int harness_msi_write(Harness *h, uint64_t gpa, const void *buf, uint64_t len); /* 1: it was one */
void harness_pci_snapshot(HarnessInst *inst);
void harness_pci_reset(Harness *h);
void harness_pci_loaded(viv_pci_fn_t *fn);

/* harness_services.c */
extern const viv_stream_api_t harness_stream_api;
extern const viv_cfg_api_t harness_cfg_api;
extern const viv_vm_api_t harness_vm_api;
extern const viv_ram_api_t harness_ram_api;
extern const viv_fwfile_api_t harness_fwfile_api;
extern const viv_stam_api_t harness_stam_api;
HarnessBlob *harness_blob_find(HarnessBlob *list, const char *name);
void harness_blob_put(HarnessBlob **list, const char *name, const void *data, size_t len);
void harness_blobs_free(HarnessBlob **list);
void harness_ram_free(viv_ram_t *ram);
viv_status_t harness_ram_map(viv_ram_t *ram, uint64_t gpa, uint64_t offset, uint64_t len,
                             uint32_t writable);
void harness_stams_drop(Harness *h, const HarnessInst *inst);
void harness_cfg_free(Harness *h);

/* harness_survey.c */
void harness_lun_want(Harness *h, uint32_t lun, const char *id);
void harness_lun_wants_free(Harness *h);

/* harness_lun.c, harness_media.c */
extern const viv_lun_api_t harness_lun_api;
HarnessLun *harness_lun_at(Harness *h, int inst, uint32_t lun);
HarnessLun *harness_lun_get(Harness *h, uint32_t lun); /* of the selected instance; aborts */
HarnessLun *harness_lun_make(Harness *h, uint32_t lun);
void harness_luns_detach(Harness *h, int inst);
void harness_luns_free(Harness *h);
void harness_idle(Harness *h); /* what happens when no plugin code is running */
extern const viv_media_ops_t harness_media_table;
void harness_media_idle(Harness *h);
void harness_chars_idle(Harness *h);
void harness_iface_put(HarnessIface **list, const char *id, const void *ops, void *self);
const HarnessIface *harness_iface_find(const HarnessIface *list, const char *id);
void harness_ifaces_free(HarnessIface **list);
/* Checks ops' size against min_size. */
viv_status_t harness_iface_give(const void *ops, void *self, uint32_t min_size,
                                viv_iface_t *ret_iface);

/* harness_driver.c, harness_storage.c */
viv_status_t harness_driver_start(Harness *h, const viv_driver_class_t *cls, const char *options);
void harness_driver_free(Harness *h);
void harness_driver_power(Harness *h, int what); /* 0 suspend, 1 resume */
Harness *harness_driver_host(viv_drv_t *drv);
extern const viv_storage_api_t harness_storage_api;
void harness_disks_free(Harness *h);

#endif
