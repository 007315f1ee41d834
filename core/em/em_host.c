/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* EM: the services that engines get (viv_engine_host_t). All [emt]. */
#include <stdio.h>
#include <string.h>

#include "em/em_internal.h"
#include "log/log.h"

#define MSR_IA32_TSC 0x10u

static Vm *emh_vm(viv_vcpu_t *vcpu)
{
    return ((Emt *)vcpu)->em->vm;
}

static void emh_page_query(viv_vcpu_t *vcpu, uint64_t gpa, viv_page_t *ret_page)
{
    pgm_page_query(emh_vm(vcpu)->pgm, gpa, ret_page);
}

static void emh_page_dirty(viv_vcpu_t *vcpu, uint64_t gpa)
{
    pgm_page_dirty(emh_vm(vcpu)->pgm, gpa);
}

static void emh_phys_read(viv_vcpu_t *vcpu, uint64_t gpa, void *buf, uint32_t len_bytes)
{
    pgm_read(emh_vm(vcpu)->pgm, gpa, buf, len_bytes);
}

static void emh_phys_write(viv_vcpu_t *vcpu, uint64_t gpa, const void *buf, uint32_t len_bytes)
{
    pgm_write(emh_vm(vcpu)->pgm, gpa, buf, len_bytes);
}

/* The range at gpa, from the vCPU's last hit where the map has not changed since. */
static struct IomRange *emh_mmio_find(Emt *emt, uint64_t gpa)
{
    Pgm *pgm = emt->em->vm->pgm;
    uint64_t generation = pgm_generation(pgm);
    if (emt->mmio_generation != generation || gpa < emt->mmio_base || gpa >= emt->mmio_end) {
        emt->mmio = pgm_mmio_at(pgm, gpa, &emt->mmio_base, &emt->mmio_end);
        emt->mmio_generation = generation;
        if (!emt->mmio) {
            emt->mmio_end = emt->mmio_base = 0;
        }
    }
    return emt->mmio;
}

static uint64_t emh_mmio_read(viv_vcpu_t *vcpu, uint64_t gpa, uint32_t width)
{
    Emt *emt = (Emt *)vcpu;
    struct IomRange *range = emh_mmio_find(emt, gpa);
    if (range) {
        return iom_range_read(range, gpa - emt->mmio_base, width);
    }
    uint64_t value = 0;
    pgm_read(emt->em->vm->pgm, gpa, &value, width);
    return value;
}

static void emh_mmio_write(viv_vcpu_t *vcpu, uint64_t gpa, uint64_t value, uint32_t width)
{
    Emt *emt = (Emt *)vcpu;
    struct IomRange *range = emh_mmio_find(emt, gpa);
    if (range) {
        iom_range_write(range, gpa - emt->mmio_base, value, width);
    } else {
        pgm_write(emt->em->vm->pgm, gpa, &value, width);
    }
}

static void emh_code_mark(viv_vcpu_t *vcpu, uint64_t gpa)
{
    pgm_code_mark(emh_vm(vcpu)->pgm, gpa, TRUE);
}

static void emh_code_unmark(viv_vcpu_t *vcpu, uint64_t gpa)
{
    pgm_code_mark(emh_vm(vcpu)->pgm, gpa, FALSE);
}

static uint32_t emh_pio_read(viv_vcpu_t *vcpu, uint16_t port, uint32_t width)
{
    return iom_pio_read(emh_vm(vcpu)->iom, port, width);
}

static void emh_pio_write(viv_vcpu_t *vcpu, uint16_t port, uint32_t value, uint32_t width)
{
    iom_pio_write(emh_vm(vcpu)->iom, port, value, width);
}

static uint32_t emh_pio_read_string(viv_vcpu_t *vcpu, uint16_t port, uint32_t width, void *buf,
                                    uint32_t count)
{
    return iom_pio_read_string(emh_vm(vcpu)->iom, port, width, buf, count);
}

static uint32_t emh_pio_write_string(viv_vcpu_t *vcpu, uint16_t port, uint32_t width,
                                     const void *buf, uint32_t count)
{
    return iom_pio_write_string(emh_vm(vcpu)->iom, port, width, buf, count);
}

static viv_status_t emh_irq_take(viv_vcpu_t *vcpu, uint8_t *ret_vector)
{
    return trpm_take(emh_vm(vcpu)->trpm, vcpu->index, ret_vector);
}

static uint64_t emh_tsc_read(viv_vcpu_t *vcpu)
{
    return tm_tsc(emh_vm(vcpu)->tm);
}

static void emh_tsc_write(viv_vcpu_t *vcpu, uint64_t value)
{
    tm_tsc_set(emh_vm(vcpu)->tm, value);
    pdm_tsc_changed(emh_vm(vcpu)->pdm);
}

static void emh_cpuid(viv_vcpu_t *vcpu, uint32_t leaf, uint32_t subleaf, uint32_t ret_regs[4])
{
    Vm *vm = emh_vm(vcpu);
    cpum_cpuid(vm->cpum, leaf, subleaf, vcpu->index, pdm_apic_enabled(vm->pdm, vcpu->index),
               ret_regs);
}

static viv_status_t emh_msr_read(viv_vcpu_t *vcpu, uint32_t msr, uint64_t *ret_value)
{
    Vm *vm = emh_vm(vcpu);
    if (msr == MSR_IA32_TSC) {
        *ret_value = tm_tsc(vm->tm);
        return VIV_OK;
    }
    viv_status_t st = VIV_E_NOT_FOUND;
    if (cpum_msr_apic_ok(vm->cpum, msr, NULL)) {
        st = pdm_msr_read(vm->pdm, vcpu->index, msr, ret_value);
    }
    return st == VIV_E_UNSUPPORTED ? cpum_msr_read(vm->cpum, msr, ret_value) : st;
}

static viv_status_t emh_msr_write(viv_vcpu_t *vcpu, uint32_t msr, uint64_t value)
{
    Vm *vm = emh_vm(vcpu);
    if (msr == MSR_IA32_TSC) {
        tm_tsc_set(vm->tm, value);
        pdm_tsc_changed(vm->pdm);
        return VIV_OK;
    }
    viv_status_t st = VIV_E_NOT_FOUND;
    if (cpum_msr_apic_ok(vm->cpum, msr, &value)) {
        st = pdm_msr_write(vm->pdm, vcpu->index, msr, value);
    }
    return st == VIV_E_UNSUPPORTED ? cpum_msr_write(vm->cpum, msr, value) : st;
}

static uint64_t emh_cr8_read(viv_vcpu_t *vcpu)
{
    return (pdm_tpr_get(emh_vm(vcpu)->pdm, vcpu->index) >> 4) & 0xf;
}

static void emh_cr8_write(viv_vcpu_t *vcpu, uint64_t value)
{
    pdm_tpr_set(emh_vm(vcpu)->pdm, vcpu->index, (uint32_t)((value & 0xf) << 4));
}

static void emh_ferr_set(viv_vcpu_t *vcpu, uint32_t level)
{
    pdm_ferr(emh_vm(vcpu)->pdm, level);
}

static uint32_t emh_ignne_get(viv_vcpu_t *vcpu)
{
    return pdm_ignne(emh_vm(vcpu)->pdm);
}

static uint64_t *emh_counter(viv_vcpu_t *vcpu, const char *name, const char *unit, const char *help)
{
    Emt *emt = (Emt *)vcpu;
    char path[200];
    snprintf(path, sizeof path, "EM/CPU%u/%s/%s", vcpu->index, emt->em->engine.name, name);
    return stam_counter(emt->em->vm->stam, path, unit, help);
}

static void VIV_PRINTF(3, 4) emh_log(viv_vcpu_t *vcpu, uint32_t severity, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    viv_logv(((Emt *)vcpu)->em->engine.name, severity, fmt, args);
    va_end(args);
}

static uint64_t emh_option_u64(viv_vcpu_t *vcpu, const char *key, uint64_t dflt)
{
    Emt *emt = (Emt *)vcpu;
    char path[200];
    snprintf(path, sizeof path, "Engine/%s/%s", emt->em->engine.name, key);
    return cfgm_u64(emt->em->vm->cfgm, path, dflt);
}

static viv_status_t emh_random(viv_vcpu_t *vcpu, uint64_t *ret_value)
{
    return cpum_random(emh_vm(vcpu)->cpum, vcpu->cpu, ret_value);
}

const viv_engine_host_t *em_host_table(void)
{
    static const viv_engine_host_t table = {
        .size = sizeof table,
        .abi = VIV_ENGINE_ABI,
        .page_query = emh_page_query,
        .phys_read = emh_phys_read,
        .phys_write = emh_phys_write,
        .mmio_read = emh_mmio_read,
        .mmio_write = emh_mmio_write,
        .code_mark = emh_code_mark,
        .code_unmark = emh_code_unmark,
        .pio_read = emh_pio_read,
        .pio_write = emh_pio_write,
        .pio_read_string = emh_pio_read_string,
        .pio_write_string = emh_pio_write_string,
        .irq_take = emh_irq_take,
        .tsc_read = emh_tsc_read,
        .tsc_write = emh_tsc_write,
        .cpuid = emh_cpuid,
        .msr_read = emh_msr_read,
        .msr_write = emh_msr_write,
        .cr8_read = emh_cr8_read,
        .cr8_write = emh_cr8_write,
        .ferr_set = emh_ferr_set,
        .ignne_get = emh_ignne_get,
        .counter = emh_counter,
        .log = emh_log,
        .option_u64 = emh_option_u64,
        .random = emh_random,
        .page_dirty = emh_page_dirty,
    };
    return &table;
}
