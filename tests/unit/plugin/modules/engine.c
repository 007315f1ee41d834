/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Engines: one that fits this host, one of another ABI, one with another CPU state. */
#include <viv/draft/engine.h>

static viv_status_t nop_vm_create(const viv_engine_host_t *host, uint32_t vcpu_count, void **ret_vm)
{
    (void)host;
    (void)vcpu_count;
    *ret_vm = NULL;
    return VIV_OK;
}
static void nop_free(void *self)
{
    (void)self;
}
static viv_status_t nop_vcpu_create(void *vm, viv_vcpu_t *vcpu, void **ret_self)
{
    (void)vm;
    (void)vcpu;
    *ret_self = NULL;
    return VIV_OK;
}
static viv_status_t nop_run(void *self, viv_exit_t *ret_exit)
{
    (void)self;
    (void)ret_exit;
    return VIV_E_UNSUPPORTED;
}
static void nop_code_written(void *vm, uint64_t gpa, uint64_t len_bytes)
{
    (void)vm;
    (void)gpa;
    (void)len_bytes;
}

#define NOP_MEMBERS                                                                                \
    .size = sizeof(viv_engine_class_t), .kind = VIV_KIND_ENGINE, .summary = "does nothing",        \
    .vm_create = nop_vm_create, .vm_destroy = nop_free, .vcpu_create = nop_vcpu_create,            \
    .vcpu_destroy = nop_free, .run = nop_run, .state_loaded = nop_free, .map_changed = nop_free,   \
    .code_written = nop_code_written

static const viv_engine_class_t nop_class = {NOP_MEMBERS, .name = "nop", .abi = VIV_ENGINE_ABI,
                                             .cpu_size = sizeof(viv_cpu_t)};
static const viv_engine_class_t abi_class = {
    NOP_MEMBERS, .name = "nop-abi", .abi = VIV_ENGINE_ABI + 1, .cpu_size = sizeof(viv_cpu_t)};
static const viv_engine_class_t cpu_class = {NOP_MEMBERS, .name = "nop-cpu", .abi = VIV_ENGINE_ABI,
                                             .cpu_size = sizeof(viv_cpu_t) + 8};
VIV_PLUGIN("org.vivarium.test.engine", "1.0", "MIT", "test module", &nop_class, &abi_class,
           &cpu_class);
