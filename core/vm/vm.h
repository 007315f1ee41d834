/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* VM: a machine built from its CFGM tree, and what frontends do with it. vm_create() reads the
 * whole tree: /RamSize (bytes), /RamHoleSize, /NumCPUs, /Engine/Name, /Engine/<name>/...,
 * /CPUM/{Model,RandomSeed}, /TM/{TSCFrequency,Deterministic,NsPerInstruction}, /EM/TripleFaultReset,
 * /SSM/Threads,
 * /Boot/{KernelImage,InitrdImage,CmdLine}, /Devices/<device>/<n>/{Config,
 * LUN#k/{Driver,Config,AttachedDriver}}. [main] unless tagged. */
#ifndef CORE_VM_H
#define CORE_VM_H

#include <glib.h>

#include "cfgm/cfgm.h"
#include "cpum/cpum.h"
#include "em/em.h"
#include "iom/iom.h"
#include "log/error.h"
#include "pdm/pdm.h"
#include "pgm/pgm.h"
#include "plugin/plugin.h"
#include "stam/stam.h"
#include "tm/tm.h"
#include "trpm/trpm.h"

typedef enum VmEnd {
    VM_END_NONE,
    VM_END_POWER_OFF, /* the guest switched itself off; code is the guest's */
    VM_END_RESET,     /* reset under NoReboot */
    VM_END_TRIPLE_FAULT,
    VM_END_ICOUNT, /* vm_set_icount_stop(); the state may be saved */
    VM_END_ERROR,  /* an engine or a device gave up; text says why */
    VM_END_PANIC,  /* the guest's system crashed, and that was to be the end */
} VmEnd;

/* What a guest does by itself, or a device on its behalf, that a frontend may act on. */
typedef enum VmEvent {
    VM_EVENT_GUEST, /* kind: VIV_GUEST_*; text may be NULL */
    VM_EVENT_PAUSE, /* the machine wants to stand */
} VmEvent;
typedef void (*VmEventFn)(void *ctx, VmEvent event, uint32_t kind, const char *text);

typedef struct Vm {
    /* owned, in order of construction */
    CfgmNode *cfgm;
    Stam *stam;
    Pgm *pgm;
    Iom *iom;
    Tm *tm;
    Cpum *cpum;
    Trpm *trpm;
    Em *em;
    Pdm *pdm;
    GMainContext *io_context; /* of the I/O thread */
    GMainLoop *io_loop;
    GThread *io_thread;
    /* borrowed */
    PluginRegistry *plugins;
    /* config */
    char *identity;
    gboolean no_reboot, triple_fault_reset;
    /* how it ended; under lock */
    GMutex lock;
    VmEnd end;
    uint32_t end_code;
    char *end_text;
    void (*end_fn)(void *ctx); /* [emt] called once */
    void *end_ctx;
    VmEventFn event_fn; /* [any] set before the machine runs */
    void *event_ctx;
    gboolean icount_quiet; /* the stop waits for disk accesses; set before the machine runs */
    gint reset_pending;
    gint sleep;            /* atomic: VIV_SLEEP_* */
    gboolean waking;       /* a reset is under way that ends VIV_SLEEP_RAM; EMTs stand */
    gboolean running;      /* under lock: resumed and not paused */
    uint32_t save_threads; /* for packing memory; 0: as many as are of use */
} Vm;

/* How a save went. */
typedef struct VmSaveInfo {
    uint64_t total_ns;
    uint64_t stopped_ns; /* for how long the machine stood */
    uint64_t file_bytes;
    uint64_t last_pages; /* of a live save: RAM pages that were left for the stop */
    uint32_t passes;     /* of a live save: while the guest ran; else 0 */
    uint32_t reserved0;
} VmSaveInfo;

/* Takes the tree over (also on failure). The machine stands at its reset vector; nothing runs. */
Vm *vm_create(CfgmNode *cfgm, PluginRegistry *plugins, VivError *err);
void vm_destroy(Vm *vm);
/* Loads a direct-boot kernel if one is configured, or a saved state from path if not NULL; then the
 * machine is ready to run. */
viv_status_t vm_power_on(Vm *vm, const char *load_path, VivError *err);
void vm_set_end_fn(Vm *vm, void (*fn)(void *ctx), void *ctx);
/* fn is called on any thread, with locks of devices held: it may request a reset or an end, and
 * hands everything else on. The machine stands when this is called. */
void vm_set_event_fn(Vm *vm, VmEventFn fn, void *ctx);
void vm_event(Vm *vm, VmEvent event, uint32_t kind, const char *text); /* [any] */
VmEnd vm_end(Vm *vm, uint32_t *ret_code, char **ret_text); /* text: transfer, may be NULL [any] */

void vm_resume(Vm *vm);
void vm_pause(Vm *vm); /* nests with nothing: a second pause is a no-op */
/* Asks for a reset or an end at the next instruction boundary. [any] */
void vm_request_reset(Vm *vm);
void vm_request_end(Vm *vm, VmEnd end, uint32_t code, const char *text);
/* ACPI sleep, VIV_SLEEP_*, and its end; see viv_vm_api_t. [any] */
void vm_request_sleep(Vm *vm, uint32_t kind);
void vm_request_wake(Vm *vm);
/* Ends the machine when vCPU 0 has retired so many instructions. quiet: not before every disk access
 * has completed, so that a saved state goes on as the unbroken run does. The machine does not run.
 * VIV_E_UNSUPPORTED: the engine does not count exactly. */
viv_status_t vm_set_icount_stop(Vm *vm, uint64_t icount, gboolean quiet, VivError *err);
/* Pauses, saves, resumes if it ran. [any thread but EMTs] */
viv_status_t vm_save(Vm *vm, const char *path, VivError *err);
/* live: most of RAM while the machine runs. ret_info may be NULL. */
viv_status_t vm_save_as(Vm *vm, const char *path, gboolean live, VmSaveInfo *ret_info,
                        VivError *err);

#endif
