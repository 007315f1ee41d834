/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* interpreter: the reference execution engine. Runs any guest that the x86 library knows on any
 * host: decoded blocks, handlers that go from one to the next, a software TLB. Everything of
 * substance is in ../x86; this file is its face as an engine plugin. Follows: Intel SDM volumes
 * 1-3. Not modelled: see the files of ../x86. */
#include <stdio.h>

#include <viv/draft/engine.h>

#include "x86.h"

/* [main] */
static viv_status_t interpreter_vm_create(const viv_engine_host_t *host, uint32_t vcpu_count,
                                          void **ret_vm)
{
    X86Vm *vm;
    viv_status_t st;
    if (host->abi != VIV_ENGINE_ABI)
        return VIV_E_VERSION;
    st = x86_vm_create(host, vcpu_count, &vm);
    if (st == VIV_OK)
        *ret_vm = vm;
    return st;
}

/* [main] */
static void interpreter_vm_destroy(void *vm)
{
    x86_vm_destroy(vm);
}

/* [main] */
static viv_status_t interpreter_vcpu_create(void *vm, viv_vcpu_t *vcpu, void **ret_self)
{
    X86Cpu *c;
    viv_status_t st;
    if (vcpu->cpu->size != sizeof(viv_cpu_t))
        return VIV_E_VERSION;
    st = x86_cpu_create(vm, vcpu, &c);
    if (st == VIV_OK)
        *ret_self = c;
    return st;
}

/* [main] */
static void interpreter_vcpu_destroy(void *self)
{
    x86_cpu_destroy(self);
}

/* [emt] */
static viv_status_t interpreter_run(void *self, viv_exit_t *ret_exit)
{
    X86Cpu *c = self;
    ret_exit->size = sizeof(*ret_exit);
    ret_exit->detail[0] = '\0';
    ret_exit->reason = x86_run(c);
    if (ret_exit->reason != VIV_EXIT_ERROR)
        return VIV_OK;
    snprintf(ret_exit->detail, sizeof(ret_exit->detail), "%s",
             c->error ? c->error : "internal error");
    return VIV_E_FAILED;
}

/* [emt] */
static void interpreter_state_loaded(void *self)
{
    x86_state_loaded(self);
}

/* [emt] May come from within a host call: taken at the next instruction. */
static void interpreter_map_changed(void *self)
{
    X86Cpu *c = self;
    atomic_fetch_or(&c->requests, X86_REQ_MAP);
}

/* [any] */
static void interpreter_code_written(void *vm, uint64_t gpa, uint64_t len_bytes)
{
    x86_code_written(vm, gpa, len_bytes);
}

static const viv_engine_class_t interpreter_class = {
    VIV_ENGINE_CLASS_HEAD("interpreter", "interpreter with decoded blocks, the reference"),
    .caps = VIV_ENGINE_EXACT_ICOUNT | VIV_ENGINE_SMP,
    .priority = 10,
    .vm_create = interpreter_vm_create,
    .vm_destroy = interpreter_vm_destroy,
    .vcpu_create = interpreter_vcpu_create,
    .vcpu_destroy = interpreter_vcpu_destroy,
    .run = interpreter_run,
    .state_loaded = interpreter_state_loaded,
    .map_changed = interpreter_map_changed,
    .code_written = interpreter_code_written,
};

VIV_PLUGIN("org.vivarium.interpreter", "0.1.0", "LGPL-2.1-or-later",
           "Execution engine: interpreter", &interpreter_class);
