/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* EM: the execution manager. One thread (EMT) a vCPU runs the engine, handles its exits and lets
 * requests in. EMTs start parked. Parking and going on is em_pause()/em_resume(); requests are
 * served in either state. */
#ifndef CORE_EM_H
#define CORE_EM_H

#include <glib.h>
#include <viv/draft/engine.h>

#include "log/error.h"

typedef struct Em Em;
struct Vm;

/* What a vCPU's exit means for the machine; [emt]. */
typedef enum EmEvent {
    EM_EVENT_TRIPLE_FAULT,
    EM_EVENT_ENGINE_ERROR,
    EM_EVENT_ICOUNT, /* vCPU 0 has retired what em_set_icount_stop() allowed it */
} EmEvent;
typedef void (*EmEventFn)(struct Vm *vm, EmEvent event, uint32_t vcpu, const char *detail);

/* Creates the vCPUs and their threads for vm (which has pgm, iom, tm, cpum, trpm). [main] */
Em *em_new(struct Vm *vm, const viv_engine_class_t *engine, uint32_t vcpu_count, EmEventFn event,
           VivError *err);
/* Ends the threads, after they have served what was asked; later requests are dropped. [main] */
void em_join(Em *em);
void em_free(Em *em);

uint32_t em_vcpu_count(const Em *em);
viv_vcpu_t *em_vcpu(Em *em, uint32_t index);
const viv_engine_class_t *em_engine(const Em *em);
/* The EMT's index if the caller is one, else -1. */
int em_current(const Em *em);

/* Sets force flags and makes the vCPU look at them. [any] */
void em_kick(Em *em, uint32_t vcpu, uint32_t flags);
void em_clear_ff(Em *em, uint32_t vcpu, uint32_t flags);

/* Runs fn(ctx) on that EMT at an instruction boundary. post: returns at once; call: when fn has
 * returned. Requests run in order. em_call from an EMT's own request or while it is that EMT runs
 * fn at once. [any] */
typedef void (*EmFn)(struct Vm *vm, void *ctx);
void em_post(Em *em, uint32_t vcpu, EmFn fn, void *ctx);
void em_call(Em *em, uint32_t vcpu, EmFn fn, void *ctx);

/* All EMTs stand at an instruction boundary when it returns (the caller, if an EMT, counts as
 * standing). The virtual clock stands too. Calls nest. [any, not in an engine's host call] */
void em_pause(Em *em);
void em_resume(Em *em);
/* As em_pause(), but does not wait: EMTs stand soon. [any] */
void em_stop(Em *em);

/* The vCPUs execute nothing, but the clock, timers and requests go on (ACPI sleep). [any] */
void em_set_asleep(Em *em, gboolean asleep);
gboolean em_asleep(const Em *em);
/* The canonical states were changed from outside; EMTs stand. */
void em_states_loaded(Em *em);
/* vCPU 0 stops at an instruction boundary with so many instructions retired, for the event to say
 * what then; the engine must count exactly. EMTs stand, or the caller is EMT 0 in an event. */
void em_set_icount_stop(Em *em, uint64_t icount);
/* From PGM. [any] */
void em_map_changed(Em *em);
/* Every engine has dropped its cached lookups when it returns. [any, not in an engine's host call] */
void em_drop_pages(Em *em);
void em_code_written(Em *em, uint64_t gpa, uint64_t len_bytes);
/* A20 mask of every vCPU. */
void em_set_a20(Em *em, gboolean enabled);

#endif
