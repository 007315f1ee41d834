/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PDM's own: instances and what they hold. */
#ifndef CORE_PDM_INTERNAL_H
#define CORE_PDM_INTERNAL_H

#include "iom/iom.h"
#include "pdm/pci_caps.h"
#include "pdm/pdm.h"
#include "pgm/pgm.h"
#include "tm/tm.h"
#include "vm/vm.h"

typedef struct PdmDevice PdmDevice;
typedef struct PdmDriver PdmDriver;

typedef struct PdmLun {
    uint32_t number;
    PdmDriver *top;
} PdmLun;

struct viv_range {
    PdmDevice *device;
    IomRange *io;
    PgmRange *mmio; /* NULL: ports */
};

struct viv_ram {
    PdmDevice *device;
    PgmBlock *block;
    PgmRange *mapped;
};

#define PDM_PCI_BARS 7u /* 6: expansion ROM */

typedef enum PdmBarKind {
    PDM_BAR_NONE,
    PDM_BAR_PIO,
    PDM_BAR_MMIO,
    PDM_BAR_RAM,
    PDM_BAR_HIGH
} PdmBarKind;

typedef struct PdmBar {
    PdmBarKind kind; /* PDM_BAR_HIGH: the upper half of a 64-bit BAR */
    uint32_t flags;
    uint64_t len;
    IomRange *io;   /* PIO, MMIO */
    viv_ram_t *ram; /* RAM */
    gboolean writable;
    uint64_t address; /* UINT64_MAX: not mapped */
    PgmRange *mapped; /* MMIO, RAM */
} PdmBar;

/* The part of a memory BAR in which the host serves an MSI-X table or its pending bits. */
typedef struct PdmMsixWindow {
    viv_pci_fn_t *fn;
    uint32_t bar;
    uint64_t off, len; /* in the BAR: whole pages, or all of it */
    IomRange *io;
    PgmRange *mapped;
} PdmMsixWindow;

struct viv_pci_fn {
    PdmDevice *device;
    uint32_t index;
    uint8_t bus, devfn, pin;
    uint8_t config[PCI_CONFIG_MAX];
    uint8_t wmask[PCI_CONFIG_MAX];
    uint8_t w1c[PCI_CONFIG_MAX];
    uint8_t reset_config[PCI_CONFIG_MAX]; /* as power_on left it */
    PciCaps caps;                         /* guarded by the chipset lock */
    PdmBar bars[PDM_PCI_BARS];
    PdmMsixWindow windows[2]; /* over bars; len 0: unused */
    uint32_t asserted;        /* what the device wants on INTx */
    uint32_t driven;          /* what goes out on pin */
    uint32_t wires[4];        /* INTA..INTD of its slot: how many sources, behind a bridge too */
    uint32_t master;          /* it and every bridge on the way may master; atomic */
    viv_pci_cfg_read_fn read;
    viv_pci_cfg_written_fn written;
    void *hook_ctx;
};

/* A bus of the board. */
typedef struct PdmPciBus {
    viv_pci_fn_t *bridge; /* NULL: the root */
    uint32_t flags;       /* VIV_BRIDGE_* */
} PdmPciBus;

#define PDM_PCI_BUSES 256u

struct PdmDevice {
    viv_dev_t pub; /* first: a plugin's handle is the instance */
    Pdm *pdm;
    const viv_device_class_t *class;
    CfgmNode *node, *config;
    char *name; /* "i8254/0" */
    uint32_t number;
    uint64_t order;
    void *self;
    GRecMutex own_lock;
    GRecMutex *lock;
    GPtrArray *ranges, *timers, *rams, *functions, *luns, *threads;
    uint32_t isa_lines, pic_lines, gsi_lines; /* levels it drives */
    uint32_t nmi_line;
    uint64_t random_time, random_drawn; /* pdm_random.c */
    char *fail_text;
};

typedef struct PdmAsync PdmAsync;

struct PdmDriver {
    viv_drv_t pub; /* first */
    Pdm *pdm;
    const viv_driver_class_t *class;
    CfgmNode *config;
    char *name;
    void *self;
    PdmDevice *device; /* whose chain it is in */
    uint32_t lun;
    PdmDriver *above, *below;
    gboolean answers;     /* prepared or constructed: query_interface may be called */
    CfgmNode *own_config; /* top only: the chain's tree, if it was transformed */
    char *fail_text;
    GAsyncQueue *works;
    GThread *worker;
};

typedef struct PdmFwFile {
    char *name;
    uint8_t *data;
    uint64_t len;
} PdmFwFile;

typedef struct PdmRole {
    PdmDevice *device;
    const void *ops;
    void *self;
} PdmRole;

typedef struct PdmDmaChannel { /* of the ISA bus */
    Pdm *pdm;
    uint32_t number;
    PdmDevice *device; /* NULL: nobody */
    viv_isadma_ready_fn fn;
    void *ctx;
    uint32_t level;  /* of DREQ */
    uint32_t posted; /* a ready call is queued */
} PdmDmaChannel;

struct Pdm {
    Vm *vm;
    GPtrArray *devices; /* in order of construction */
    GRecMutex chipset;
    PdmRole pic, apic, ioapic, rtc, pcibus, intx, isadma;
    void (*ferr_fn)(viv_dev_t *dev, void *ctx, uint32_t level);
    void *ferr_ctx;
    viv_dev_t *ferr_dev;
    uint32_t ignne;
    struct PdmIrqWatch {
        PdmDevice *device;
        uint32_t irqs, risen; /* risen: not yet told */
        void (*fn)(viv_dev_t *dev, void *ctx, uint32_t irqs);
        void *ctx;
    } irq_watch;
    PdmDevice *legacy; /* whose ISA lines 0 and 8 count alone; NULL: everybody's */
    /* NMI, chipset lock */
    uint32_t nmi_masked, nmi_level; /* nmi_level: behind the gate, as last told */
    gboolean loading;               /* levels come back; they are no edges */
    uint32_t a20_sources;           /* one bit a source */
    GPtrArray *fwfiles;             /* by name */
    GPtrArray *functions;           /* every viv_pci_fn_t */
    PdmPciBus buses[PDM_PCI_BUSES];
    uint32_t bus_count;
    GRecMutex bars; /* mapping of BARs; after a device lock, before the chipset lock */
    GMutex dma_lock;
    PdmDmaChannel dma[VIV_ISADMA_CHANNELS];
    /* async completion */
    GMutex async_lock;
    GCond async_cond;
    uint32_t in_flight;
    GQueue async_due; /* deterministic mode: PdmAsync in order */
    viv_timer_t *async_timer;
    GRecMutex async_timer_lock;
    gboolean powered;
    guint64 transformed; /* bit n: DriverTransformations' n-th child has met a chain */
};

/* pdm.c */
void pdm_device_reset(PdmDevice *device);

/* pdm_device.c */
PdmDevice *pdm_device_new(Pdm *pdm, const viv_device_class_t *cls, CfgmNode *node, uint32_t number);
void pdm_device_free(PdmDevice *device);
viv_status_t pdm_device_construct(PdmDevice *device, VivError *err);
const viv_dev_api_t *pdm_device_api(void);
viv_status_t pdm_fail(char **slot, viv_status_t status, const char *fmt, va_list args)
    VIV_PRINTF(3, 0);
PdmLun *pdm_lun_find(PdmDevice *device, uint32_t lun);

/* pdm_services.c: the tables behind get_interface */
const void *pdm_service(const char *id);

/* pdm_irq.c */
extern const viv_chipset_api_t pdm_chipset_api;
void pdm_irq_set(viv_dev_t *dev, uint32_t irq, uint32_t level);
void pdm_lines_clear(Pdm *pdm);   /* no device drives anything */
void pdm_irq_clear_all(Pdm *pdm); /* and nothing is pending at a vCPU */
uint32_t pdm_apic_message(Pdm *pdm, const PciApicMessage *msg); /* takes the chipset lock */
void pdm_apply_a20(Pdm *pdm);

/* pdm_dma.c */
extern const viv_isadma_api_t pdm_isadma_api;
void pdm_dma_init(Pdm *pdm);
void pdm_dma_finish(Pdm *pdm);
void pdm_dma_clear_all(Pdm *pdm); /* every DREQ low */
void pdm_dma_forget(PdmDevice *device);

/* pdm_nmi.c */
void pdm_nmi_set(viv_dev_t *dev, uint32_t level);
void pdm_nmi_mask(viv_dev_t *dev, uint32_t masked);
void pdm_nmi_clear(Pdm *pdm);
void pdm_cpu_nmi(viv_dev_t *dev, uint32_t vcpu);

/* pdm_pci.c */
extern const viv_pci_api_t pdm_pci_api;
extern const viv_pcibus_api_t pdm_pcibus_api;
void pdm_pci_free(viv_pci_fn_t *fn);
void pdm_pci_snapshot(Pdm *pdm); /* remembers the reset values */
void pdm_pci_reset(Pdm *pdm);
void pdm_pci_remap(viv_pci_fn_t *fn);
viv_status_t pdm_pci_save(Pdm *pdm, SsmWriter *writer);
viv_status_t pdm_pci_load(Pdm *pdm, SsmReader *reader, VivError *err);
gboolean pdm_pci_is_master(viv_pci_fn_t *fn);
viv_status_t pdm_pci_bar_mmio(viv_pci_fn_t *fn, uint32_t bar, uint64_t len_bytes, uint32_t flags,
                              const viv_io_ops_t *ops, void *ctx, const char *name);

viv_pci_fn_t *pdm_pci_find(Pdm *pdm, uint32_t bus, uint32_t devfn); /* by place on the board */
void pdm_pci_drive(viv_pci_fn_t *fn);                               /* chipset lock held */
void pdm_pci_reset_one(viv_pci_fn_t *fn);

/* pdm_bridge.c */
viv_status_t pdm_bridge_add(viv_dev_t *dev, viv_pci_fn_t *fn, uint32_t flags, uint32_t *ret_bus);
void pdm_bridge_remove(viv_pci_fn_t *fn);
/* By the numbers that the guest has programmed. */
viv_pci_fn_t *pdm_bridge_find(Pdm *pdm, uint32_t number, uint32_t devfn);
/* Do all bridges on the way forward [address, address + len) to the function? */
gboolean pdm_bridge_passes(const viv_pci_fn_t *fn, gboolean io, uint64_t address, uint64_t len);
gboolean pdm_bridge_masters(const viv_pci_fn_t *fn);
/* INTx of a slot, up to the root. [chipset lock held] */
void pdm_bridge_wire(viv_pci_fn_t *fn, uint32_t pin, uint32_t level);
/* The guest has written [off, off + width) of a bridge; before is what Bridge Control held. */
void pdm_bridge_written(viv_pci_fn_t *fn, uint32_t off, uint32_t width, uint32_t before);
uint32_t pdm_bridge_control(const viv_pci_fn_t *fn);
gboolean pdm_bridge_is(const viv_pci_fn_t *fn);

/* pdm_msi.c */
viv_status_t pdm_msi_cap_add(viv_pci_fn_t *fn, uint32_t cap_id, uint32_t len_bytes, uint32_t off,
                             uint32_t *ret_off);
viv_status_t pdm_msi_ext_cap_add(viv_pci_fn_t *fn, uint32_t cap_id, uint32_t version,
                                 uint32_t len_bytes, uint32_t off, uint32_t *ret_off);
viv_status_t pdm_msi_add(viv_pci_fn_t *fn, uint32_t vectors_log2, uint32_t flags, uint32_t off);
viv_status_t pdm_msi_add_x(viv_pci_fn_t *fn, uint32_t vectors, uint32_t table_bar,
                           uint32_t table_off, uint32_t pba_bar, uint32_t pba_off, uint32_t off);
uint32_t pdm_msi_enabled(viv_pci_fn_t *fn);
uint32_t pdm_msi_enabled_x(viv_pci_fn_t *fn);
viv_status_t pdm_msi_send(viv_pci_fn_t *fn, uint32_t vector);
void pdm_msi_clear(viv_pci_fn_t *fn, uint32_t vector);
/* Sends what has become unmasked: after writes to configuration space or table. */
void pdm_msi_flush(viv_pci_fn_t *fn);
/* The windows follow their BAR. */
void pdm_msi_map(viv_pci_fn_t *fn, uint32_t bar, uint64_t address);
void pdm_msi_unmap(viv_pci_fn_t *fn, uint32_t bar);
void pdm_msi_free(viv_pci_fn_t *fn);
/* Guest memory as a bus master sees it: interrupt messages at FEE00000h-FEEFFFFFh. */
void pdm_bus_read(Pdm *pdm, uint64_t gpa, void *buf, uint64_t len_bytes);
void pdm_bus_write(Pdm *pdm, uint64_t gpa, const void *buf, uint64_t len_bytes);

/* pdm_driver.c */
extern const viv_drv_api_t pdm_drv_api;
/* pdm_transform.c: the chain below `node` as PDM/DriverTransformations want it (transfer), or NULL
 * if they leave it alone. A failure has been reported. */
viv_status_t pdm_transform(PdmDevice *device, uint32_t lun, const CfgmNode *node,
                           CfgmNode **ret_tree);
void pdm_transform_report(Pdm *pdm); /* warns of those that never met a chain */
/* pdm_chain.c */
/* VIV_E_NOT_FOUND: transformations have left nothing. Other failures have been reported. */
viv_status_t pdm_chain_build(PdmDevice *device, uint32_t lun, CfgmNode *node, PdmDriver **ret_top);
void pdm_chain_free(PdmDriver *top);
/* An interface of the topmost driver, or the next below that has it. */
viv_status_t pdm_chain_query(PdmDriver *top, const char *id, uint32_t min_size,
                             viv_iface_t *ret_iface);
/* An interface of `bottom`, or the next above that has it, the device at last. */
viv_status_t pdm_chain_query_up(PdmDriver *bottom, PdmDevice *device, uint32_t lun, const char *id,
                                uint32_t min_size, viv_iface_t *ret_iface);
typedef void (*PdmDriverFn)(PdmDriver *driver, void *ctx);
void pdm_each_driver(Pdm *pdm, PdmDriverFn fn, void *ctx);
/* pdm_async.c */
extern const viv_async_api_t pdm_async_api;
void pdm_async_init(Pdm *pdm);
void pdm_async_finish(Pdm *pdm);
void pdm_async_end_worker(PdmDriver *driver);
/* pdm_thread.c */
extern const viv_queue_api_t pdm_queue_api;
viv_status_t pdm_vm_random(viv_dev_t *dev, void *buf, uint64_t len_bytes); /* pdm_random.c */
extern const viv_thread_api_t pdm_thread_api;
void pdm_threads_stand(
    PdmDevice *device); /* waits until none of the device's threads is in its function */
void pdm_threads_go(PdmDevice *device);
void pdm_threads_end(PdmDevice *device);
/* pdm_storage.c */
extern const viv_storage_api_t pdm_storage_api;

/* Calls a function of a role that has a holder; the chipset lock is held. */
#define PDM_CALL(role, type, fn, ...)                                                              \
    ((const type *)(role).ops)->fn(&(role).device->pub, (role).self, ##__VA_ARGS__)

static inline PdmDevice *pdm_dev(viv_dev_t *dev)
{
    return (PdmDevice *)(void *)dev;
}

static inline PdmDriver *pdm_drv(viv_drv_t *drv)
{
    return (PdmDriver *)(void *)drv;
}

#endif
