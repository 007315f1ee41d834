/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* VM: saving and loading the whole machine. Units in order: vm, cpum/<n>, tm, pgm/<block>, pdm,
 * pci-config/..., devices. A load checks the file as a whole first (SSM), then what the machine
 * must have in common with it, and only then touches the machine. */
#include <string.h>

#include "ssm/ssm.h"
#include "vm/vm_internal.h"

#define VM_STATE_VERSION 1
#define VM_QUIET_TRIES   1000

static viv_status_t vm_save_own(Vm *vm, SsmWriter *writer)
{
    viv_status_t st = ssm_unit_begin(writer, "vm", 0, VM_STATE_VERSION, SSM_PASS_FINAL);
    if (st) {
        return st;
    }
    viv_stream_t *out = ssm_writer_stream(writer);
    ssm_put_u64(out, pgm_ram_bytes(vm->pgm));
    ssm_put_u64(out, pgm_ram_below_4g(vm->pgm));
    ssm_put_u32(out, em_vcpu_count(vm->em));
    ssm_put_u8(out, (uint8_t)tm_deterministic(vm->tm));
    ssm_put_string(out, cpum_model(vm->cpum));
    for (uint32_t i = 0; i < em_vcpu_count(vm->em); i++) {
        ssm_put_u32(out, __atomic_load_n(&em_vcpu(vm->em, i)->ff, __ATOMIC_SEQ_CST) & VIV_FF_NMI);
    }
    return ssm_unit_end(writer);
}

static viv_status_t vm_save_memory(Vm *vm, SsmWriter *writer)
{
    viv_status_t st = VIV_OK;
    PgmBlock *block;
    for (uint32_t i = 0; !st && (block = pgm_block_at(vm->pgm, i)); i++) {
        if ((st = ssm_unit_begin(writer, "pgm", i, VM_STATE_VERSION, SSM_PASS_FINAL))) {
            return st;
        }
        ssm_put_string(ssm_writer_stream(writer), pgm_block_name(block));
        ssm_put_memory(ssm_writer_stream(writer), pgm_block_hva(block), 0, pgm_block_len(block));
        st = ssm_unit_end(writer);
    }
    return st;
}

static viv_status_t vm_save_all(Vm *vm, const char *path, VivError *err)
{
    SsmWriter *writer = NULL;
    VivError own = VIV_ERROR_INIT;
    viv_status_t st = ssm_writer_create(path, vm->identity, &writer, err);
    if (st) {
        return st;
    }
    st = vm_save_own(vm, writer);
    for (uint32_t i = 0; i < em_vcpu_count(vm->em) && !st; i++) {
        st = cpum_save(em_vcpu(vm->em, i)->cpu, writer);
    }
    if (!st && !(st = tm_save(vm->tm, writer)) && !(st = vm_save_memory(vm, writer))) {
        st = pdm_save(vm->pdm, writer, &own);
    }
    if (own.status) {
        ssm_writer_abort(writer);
        return error_move(err, &own);
    }
    return ssm_writer_commit(writer, err); /* reports earlier failures of puts too */
}

viv_status_t vm_save(Vm *vm, const char *path, VivError *err)
{
    gboolean ran = vm->running;
    vm_pause(vm);
    /* In the deterministic mode a completion must come at its own virtual time: run on to a quiet
     * moment. */
    for (int i = 0; ran && tm_deterministic(vm->tm) && !pdm_is_quiet(vm->pdm) && i < VM_QUIET_TRIES;
         i++) {
        vm_resume(vm);
        g_usleep(1000);
        vm_pause(vm);
    }
    pdm_drain(vm->pdm);
    viv_status_t st = vm_save_all(vm, path, err);
    if (ran) {
        vm_resume(vm);
    }
    return st;
}

/* -- loading --------------------------------------------------------------------------------- */

static viv_status_t vm_check_own(Vm *vm, SsmReader *reader, VivError *err)
{
    viv_stream_t *in;
    uint64_t ram = 0, low = 0;
    uint32_t cpus = 0, ff = 0;
    uint8_t det = 0;
    char model[2048] = "";
    viv_status_t st = ssm_unit_open_named(reader, "vm", 0, NULL, &in, err);
    if (st) {
        return st;
    }
    ssm_get_u64(in, &ram);
    ssm_get_u64(in, &low);
    ssm_get_u32(in, &cpus);
    ssm_get_u8(in, &det);
    ssm_get_string(in, model, sizeof model);
    if ((st = ssm_stream_status(in))) {
        return error_set(err, st, "%s", ssm_stream_error(in));
    }
    if (ram != pgm_ram_bytes(vm->pgm) || low != pgm_ram_below_4g(vm->pgm)) {
        return error_set(err, VIV_E_CONFIG,
                         "saved with %" G_GUINT64_FORMAT
                         " MiB of memory, this machine has %" G_GUINT64_FORMAT,
                         ram >> 20, pgm_ram_bytes(vm->pgm) >> 20);
    }
    if (cpus != em_vcpu_count(vm->em)) {
        return error_set(err, VIV_E_CONFIG, "saved with %u vCPUs, this machine has %u", cpus,
                         em_vcpu_count(vm->em));
    }
    if (det != (uint8_t)tm_deterministic(vm->tm) || strcmp(model, cpum_model(vm->cpum)) != 0) {
        return error_set(err, VIV_E_CONFIG,
                         "saved with CPU %s and TM/Deterministic=%u, this machine has %s and %u",
                         model, det, cpum_model(vm->cpum), (unsigned)tm_deterministic(vm->tm));
    }
    for (uint32_t i = 0; i < cpus; i++) {
        ssm_get_u32(in, &ff);
        em_clear_ff(vm->em, i, VIV_FF_NMI);
        if (ff & VIV_FF_NMI) {
            em_kick(vm->em, i, VIV_FF_NMI);
        }
    }
    st = ssm_stream_expect_end(in);
    return st ? error_set(err, st, "%s", ssm_stream_error(in)) : VIV_OK;
}

static viv_status_t vm_load_memory(Vm *vm, SsmReader *reader, VivError *err)
{
    PgmBlock *block;
    for (uint32_t i = 0; (block = pgm_block_at(vm->pgm, i)); i++) {
        viv_stream_t *in;
        char name[128] = "";
        viv_status_t st = ssm_unit_open_named(reader, "pgm", i, NULL, &in, err);
        if (st) {
            return st;
        }
        st = ssm_get_string(in, name, sizeof name);
        if (!st && strcmp(name, pgm_block_name(block)) != 0) {
            return error_set(err, VIV_E_CORRUPT, "unit pgm/%u holds memory of %s, here it is %s", i,
                             name, pgm_block_name(block));
        }
        if (!st) {
            st = ssm_get_memory(in, pgm_block_hva(block), 0, pgm_block_len(block), 0);
        }
        if (st || (st = ssm_stream_expect_end(in))) {
            return error_set(err, st, "%s", ssm_stream_error(in));
        }
    }
    return VIV_OK;
}

static viv_status_t vm_load_all(Vm *vm, SsmReader *reader, VivError *err)
{
    viv_status_t st = vm_check_own(vm, reader, err);
    for (uint32_t i = 0; i < em_vcpu_count(vm->em) && !st; i++) {
        st = cpum_load(vm->cpum, em_vcpu(vm->em, i)->cpu, reader, err);
    }
    if (st || (st = tm_load(vm->tm, reader, err)) || (st = vm_load_memory(vm, reader, err))) {
        return st;
    }
    /* Devices may look at their timers in post_load, and may arm them anew: the saved deadlines
     * have the last word. */
    st = pdm_load(vm->pdm, reader, err);
    return st ? st : tm_load(vm->tm, reader, err);
}

viv_status_t vm_load(Vm *vm, const char *path, VivError *err)
{
    SsmReader *reader = NULL;
    viv_status_t st = ssm_reader_open(path, &reader, err);
    if (st) {
        return st;
    }
    st = vm_load_all(vm, reader, err);
    if (st) {
        error_prefix(err, "%s", path);
    }
    ssm_reader_close(reader);
    return st;
}
