/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* EM's own: the vCPU threads. */
#ifndef CORE_EM_INTERNAL_H
#define CORE_EM_INTERNAL_H

#include "em/em.h"
#include "vm/vm.h"

typedef struct Emt {
    viv_vcpu_t pub; /* first: an engine's vcpu handle is the Emt */
    viv_cpu_t *cpu;
    struct Em *em;
    GThread *thread;
    GMutex lock; /* requests, sleeping */
    GCond cond, done_cond;
    GQueue requests;
    gboolean idle;     /* atomic */
    gboolean standing; /* under em->lock */
    /* The last MMIO range this vCPU has hit. */
    struct IomRange *mmio;
    uint64_t mmio_base, mmio_end, mmio_generation;
    uint64_t halts, runs;
} Emt;

struct Em {
    struct Vm *vm;
    viv_engine_class_t engine;
    void *engine_vm;
    EmEventFn event;
    uint32_t count;
    Emt **emts;
    GMutex lock; /* pausing */
    GCond cond;
    uint32_t standing;
    uint32_t pause_depth; /* atomic */
    gboolean quit;        /* atomic */
    gboolean asleep;      /* atomic: no guest code runs, time and requests go on */
    uint64_t icount_stop; /* of vCPU 0; ~0: none */
};

/* em_host.c: what engines see of the machine. */
const viv_engine_host_t *em_host_table(void);

#endif
