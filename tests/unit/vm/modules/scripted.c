/* SPDX-License-Identifier: MIT */
/* scripted: a test engine. Its "program" lies at guest-physical 1000h as records of 8 bytes {u8 op,
 * u8 width, u16 port, u32 value}: 0 halt for ever, 1 port write, 2 port read into RAX, 3 triple
 * fault, 4 engine error, 5 HLT, 6 count down RCX from value. rip is the record's index; each record
 * is one instruction. */
#include <stdlib.h>
#include <string.h>
#include <viv/draft/engine.h>

#define PROGRAM 0x1000u

typedef struct Scripted {
    viv_vcpu_t *vcpu;
    uint32_t loads;
} Scripted;

static viv_status_t scripted_vm_create(const viv_engine_host_t *host, uint32_t vcpu_count,
                                       void **ret_vm)
{
    (void)host, (void)vcpu_count;
    *ret_vm = malloc(1);
    return *ret_vm ? VIV_OK : VIV_E_NOMEM;
}

static void scripted_vm_destroy(void *vm)
{
    free(vm);
}

static viv_status_t scripted_vcpu_create(void *vm, viv_vcpu_t *vcpu, void **ret_self)
{
    Scripted *s = calloc(1, sizeof *s);
    (void)vm;
    if (!s) {
        return VIV_E_NOMEM;
    }
    s->vcpu = vcpu;
    *ret_self = s;
    return VIV_OK;
}

static void scripted_vcpu_destroy(void *self)
{
    free(self);
}

static viv_status_t scripted_leave(viv_exit_t *ret_exit, uint32_t reason)
{
    ret_exit->reason = reason;
    return VIV_OK;
}

static viv_status_t scripted_run(void *self, viv_exit_t *ret_exit)
{
    viv_vcpu_t *vcpu = ((Scripted *)self)->vcpu;
    viv_cpu_t *cpu = vcpu->cpu;
    if (cpu->rip == 0xfff0) { /* reset vector: start of the program, interrupts on */
        cpu->rip = 0;
        cpu->rflags |= 0x200;
    }
    for (;;) {
        uint8_t rec[8];
        uint16_t port;
        uint32_t value;
        uint8_t vector;
        uint32_t ff = __atomic_load_n(&vcpu->ff, __ATOMIC_ACQUIRE);
        if (ff & VIV_FF_EXIT) {
            return scripted_leave(ret_exit, VIV_EXIT_REQUEST);
        }
        if (cpu->icount >= vcpu->icount_limit) {
            return scripted_leave(ret_exit, VIV_EXIT_BUDGET);
        }
        if ((ff & VIV_FF_INTR) && vcpu->host->irq_take(vcpu, &vector) == VIV_OK) {
            cpu->gpr[VIV_REG_RDX] = vector;
            cpu->gpr[VIV_REG_RBX]++;
            cpu->activity = VIV_ACT_RUNNING;
        }
        if (cpu->activity == VIV_ACT_HALTED) {
            return scripted_leave(ret_exit, VIV_EXIT_HALT);
        }
        vcpu->host->phys_read(vcpu, PROGRAM + cpu->rip * 8, rec, sizeof rec);
        memcpy(&port, rec + 2, 2);
        memcpy(&value, rec + 4, 4);
        cpu->icount++;
        switch (rec[0]) {
        case 1: vcpu->host->pio_write(vcpu, port, value, rec[1]); break;
        case 2: cpu->gpr[VIV_REG_RAX] = vcpu->host->pio_read(vcpu, port, rec[1]); break;
        case 3:
            cpu->activity = VIV_ACT_SHUTDOWN;
            return scripted_leave(ret_exit, VIV_EXIT_TRIPLE_FAULT);
        case 4:
            ret_exit->reason = VIV_EXIT_ERROR;
            strcpy(ret_exit->detail, "the script says so");
            return VIV_E_FAILED;
        case 5:
            cpu->rip++;
            cpu->activity = VIV_ACT_HALTED;
            return scripted_leave(ret_exit, VIV_EXIT_HALT);
        case 6:
            cpu->gpr[VIV_REG_RCX] = cpu->gpr[VIV_REG_RCX] ? cpu->gpr[VIV_REG_RCX] - 1 : value;
            if (cpu->gpr[VIV_REG_RCX]) {
                continue;
            }
            break;
        default: continue; /* 0: here for ever */
        }
        cpu->rip++;
    }
}

static void scripted_state_loaded(void *self)
{
    ((Scripted *)self)->loads++;
}

static void scripted_map_changed(void *self)
{
    (void)self;
}

static void scripted_code_written(void *vm, uint64_t gpa, uint64_t len_bytes)
{
    (void)vm, (void)gpa, (void)len_bytes;
}

static const viv_engine_class_t scripted_class = {
    VIV_ENGINE_CLASS_HEAD("scripted", "runs test scripts"),
    .caps = VIV_ENGINE_EXACT_ICOUNT | VIV_ENGINE_SMP,
    .vm_create = scripted_vm_create,
    .vm_destroy = scripted_vm_destroy,
    .vcpu_create = scripted_vcpu_create,
    .vcpu_destroy = scripted_vcpu_destroy,
    .run = scripted_run,
    .state_loaded = scripted_state_loaded,
    .map_changed = scripted_map_changed,
    .code_written = scripted_code_written,
};
VIV_PLUGIN("org.vivarium.test.scripted", "1", "MIT", "test engine", &scripted_class);
