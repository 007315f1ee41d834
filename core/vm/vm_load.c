/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* VM: loading the whole machine, all or nothing.
 *
 * SSM has seen every byte of the file to be under a fitting checksum when it is open. Then the file
 * must say of the machine what the machine is, and hold the very units that the machine would save,
 * in versions it can read. Devices check their own state only as they take it: so the machine is
 * first saved into memory, but for its RAM and device RAM, which are set aside as they are; whatever
 * fails later, both come back. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "log/log.h"
#include "vm/vm_state.h"

#define VM_PASSES_MAX 64u

/* What unit "vm" says. */
typedef struct VmOwn {
    uint64_t ram, low;
    uint32_t cpus;
    uint8_t det;
    char model[2048];
} VmOwn;

static viv_status_t vm_stream_error(viv_stream_t *in, VivError *err)
{
    viv_status_t st = ssm_stream_status(in);
    return st ? error_set(err, st, "%s", ssm_stream_error(in)) : VIV_OK;
}

static viv_status_t vm_read_own(viv_stream_t *in, VmOwn *own, VivError *err)
{
    ssm_get_u64(in, &own->ram);
    ssm_get_u64(in, &own->low);
    ssm_get_u32(in, &own->cpus);
    ssm_get_u8(in, &own->det);
    ssm_get_string(in, own->model, sizeof own->model);
    return vm_stream_error(in, err);
}

static viv_status_t vm_check_own(Vm *vm, SsmReader *reader, VivError *err)
{
    viv_stream_t *in;
    VmOwn own = {0};
    viv_status_t st = ssm_unit_open_named(reader, "vm", 0, NULL, &in, err);
    if (st || (st = vm_read_own(in, &own, err))) {
        return st;
    }
    if (own.ram != pgm_ram_bytes(vm->pgm) || own.low != pgm_ram_below_4g(vm->pgm)) {
        return error_set(err, VIV_E_CONFIG,
                         "saved with %" G_GUINT64_FORMAT
                         " MiB of memory, this machine has %" G_GUINT64_FORMAT,
                         own.ram >> 20, pgm_ram_bytes(vm->pgm) >> 20);
    }
    if (own.cpus != em_vcpu_count(vm->em)) {
        return error_set(err, VIV_E_CONFIG, "saved with %u vCPUs, this machine has %u", own.cpus,
                         em_vcpu_count(vm->em));
    }
    if (own.det != (uint8_t)tm_deterministic(vm->tm) ||
        strcmp(own.model, cpum_model(vm->cpum)) != 0) {
        return error_set(err, VIV_E_CONFIG,
                         "saved with CPU %s and TM/Deterministic=%u, this machine has %s and %u",
                         own.model, own.det, cpum_model(vm->cpum),
                         (unsigned)tm_deterministic(vm->tm));
    }
    return VIV_OK;
}

/* -- the units ------------------------------------------------------------------------------- */

static viv_status_t vm_check_needed(SsmReader *reader, SsmReader *present, VivError *err)
{
    SsmUnitInfo need, info;
    uint32_t at;
    for (uint32_t i = 0; ssm_reader_unit(present, i, &need); i++) {
        if (!ssm_reader_find(reader, need.name, need.instance, SSM_PASS_FINAL, &at)) {
            return error_set(err, VIV_E_CORRUPT, "no unit %s/%u: the state is of another machine",
                             need.name, need.instance);
        }
        ssm_reader_unit(reader, at, &info);
        if (info.version > need.version) {
            return error_set(err, VIV_E_VERSION,
                             "unit %s/%u at offset %" G_GUINT64_FORMAT
                             " has version %u; this machine reads up to %u",
                             info.name, info.instance, info.offset, info.version, need.version);
        }
    }
    return VIV_OK;
}

static viv_status_t vm_check_memory_unit(Vm *vm, const SsmUnitInfo *info, VivError *err)
{
    if (!pgm_block_at(vm->pgm, info->instance)) {
        return error_set(err, VIV_E_CORRUPT,
                         "unit pgm/%u at offset %" G_GUINT64_FORMAT
                         ": this machine has no such memory",
                         info->instance, info->offset);
    }
    if (info->version > SSM_IMAGE_VERSION ||
        (info->pass != SSM_PASS_FINAL &&
         (info->pass >= VM_PASSES_MAX || info->version < SSM_IMAGE_VERSION))) {
        return error_set(
            err, VIV_E_VERSION,
            "unit pgm/%u at offset %" G_GUINT64_FORMAT
            " has version %u and pass %u; this machine reads up to %u, passes below %u",
            info->instance, info->offset, info->version, info->pass, SSM_IMAGE_VERSION,
            VM_PASSES_MAX);
    }
    return VIV_OK;
}

/* Nothing is left over, but for what says of itself that it may be. */
static viv_status_t vm_check_known(Vm *vm, SsmReader *reader, SsmReader *present, VivError *err)
{
    SsmUnitInfo info;
    uint32_t at;
    viv_status_t st = VIV_OK;
    for (uint32_t i = 0; !st && ssm_reader_unit(reader, i, &info); i++) {
        if (!strcmp(info.name, "pgm")) {
            st = vm_check_memory_unit(vm, &info, err);
        } else if (!ssm_reader_find(present, info.name, info.instance, info.pass, &at)) {
            if (info.flags & SSM_UNIT_OPTIONAL) {
                viv_log("ssm", VIV_LOG_INFO, "%s: unit %s/%u is not known here and left out",
                        ssm_reader_path(reader), info.name, info.instance);
                continue;
            }
            st = error_set(err, VIV_E_CORRUPT,
                           "unit %s/%u at offset %" G_GUINT64_FORMAT
                           " belongs to nothing that this machine has",
                           info.name, info.instance, info.offset);
        }
    }
    return st;
}

/* -- taking it ------------------------------------------------------------------------------- */

static viv_status_t vm_load_own(Vm *vm, SsmReader *reader, VivError *err)
{
    viv_stream_t *in;
    VmOwn own = {0};
    viv_status_t st = ssm_unit_open_named(reader, "vm", 0, NULL, &in, err);
    if (st || (st = vm_read_own(in, &own, err))) {
        return st;
    }
    for (uint32_t i = 0; i < em_vcpu_count(vm->em); i++) {
        uint32_t ff = 0;
        ssm_get_u32(in, &ff);
        em_clear_ff(vm->em, i, VIV_FF_NMI);
        if (ff & VIV_FF_NMI) {
            em_kick(vm->em, i, VIV_FF_NMI);
        }
    }
    ssm_stream_expect_end(in);
    return vm_stream_error(in, err);
}

/* Version 1: one list of ranges a block. */
static void vm_load_block_1(const PgmBlock *block, viv_stream_t *in)
{
    char name[128];
    if (ssm_get_string(in, name, sizeof name) != VIV_OK) {
        return;
    }
    if (strcmp(name, pgm_block_name(block)) != 0) {
        ssm_stream_fail(in, VIV_E_CORRUPT, "holds memory of %s, here it is %s", name,
                        pgm_block_name(block));
        return;
    }
    ssm_get_memory(in, pgm_block_hva(block), 0, pgm_block_len(block), SSM_MEMORY_ZEROED);
}

/* In the order of the file: a page may be the same as one of an earlier unit. */
static viv_status_t vm_load_memory(Vm *vm, SsmReader *reader, SsmImage *image, VivError *err)
{
    SsmUnitInfo info;
    viv_stream_t *in;
    viv_status_t st = VIV_OK;
    for (uint32_t i = 0; !st && ssm_reader_unit(reader, i, &info); i++) {
        if (strcmp(info.name, "pgm") != 0) {
            continue;
        }
        if ((st = ssm_unit_open(reader, i, &in, err))) {
            return st;
        }
        if (info.version < SSM_IMAGE_VERSION) {
            vm_load_block_1(pgm_block_at(vm->pgm, info.instance), in);
        } else if (ssm_image_get(image, in, info.instance) == VIV_OK &&
                   info.pass == SSM_PASS_FINAL) {
            ssm_image_complete(image, in, info.instance);
        }
        ssm_stream_expect_end(in);
        st = vm_stream_error(in, err);
    }
    for (uint32_t i = 0; !st && pgm_block_at(vm->pgm, i); i++) {
        st = ssm_unit_open_named(reader, "pgm", i, NULL, &in, err);
    }
    return st;
}

/* image NULL: memory is as it should be. */
static viv_status_t vm_load_all(Vm *vm, SsmReader *reader, SsmImage *image, VivError *err)
{
    viv_status_t st = vm_load_own(vm, reader, err);
    for (uint32_t i = 0; i < em_vcpu_count(vm->em) && !st; i++) {
        st = cpum_load(vm->cpum, em_vcpu(vm->em, i)->cpu, reader, err);
    }
    if (st || (st = tm_load(vm->tm, reader, err)) ||
        (image && (st = vm_load_memory(vm, reader, image, err)))) {
        return st;
    }
    /* Devices may look at their timers in post_load, and may arm them anew: the saved deadlines
     * have the last word. */
    st = pdm_load(vm->pdm, reader, err);
    return st ? st : tm_load(vm->tm, reader, err);
}

/* The machine as it is, without memory, for the case that it must come back, and as the list of its
 * units. */
static viv_status_t vm_snapshot(Vm *vm, SsmReader **ret_reader, VivError *err)
{
    static const char label[] = "the machine as it was";
    VivError own = VIV_ERROR_INIT;
    SsmWriter *writer = NULL;
    int fd = memfd_create("viv-state", MFD_CLOEXEC);
    if (fd < 0) {
        return error_set(err, VIV_E_NOMEM, "no memory to set the machine's state aside: %s",
                         g_strerror(errno));
    }
    viv_status_t st = ssm_writer_create_fd(fd, label, vm->identity, &writer, err);
    if (!st && !vm_save_cpus(vm, writer)) {
        pdm_save(vm->pdm, writer, &own);
    }
    if (own.status) {
        ssm_writer_abort(writer);
        st = error_move(err, &own);
    } else if (!st) {
        st = ssm_writer_commit(writer, err);
    }
    st = st ? st : ssm_reader_open_fd(fd, label, ret_reader, err);
    close(fd);
    return st;
}

static viv_status_t vm_load_or_undo(Vm *vm, SsmReader *reader, SsmReader *present, VivError *err)
{
    VivError undo = VIV_ERROR_INIT;
    viv_status_t st = pgm_load_begin(vm->pgm, err);
    if (st) {
        return st;
    }
    SsmImage *image = vm_image_new(vm);
    st = vm_load_all(vm, reader, image, err);
    ssm_image_free(image);
    pgm_load_end(vm->pgm, !st);
    if (st && vm_load_all(vm, present, NULL, &undo)) {
        /* A device that does not take what it has just saved: a bug of its own. */
        viv_log("ssm", VIV_LOG_ERROR, "the machine's state could not be put back: %s",
                error_text(&undo));
        error_clear(&undo);
    }
    return st;
}

viv_status_t vm_load(Vm *vm, const char *path, VivError *err)
{
    SsmReader *reader = NULL, *present = NULL;
    VivError own = VIV_ERROR_INIT;
    viv_status_t st = ssm_reader_open(path, &reader, err);
    if (st) {
        return st;
    }
    if (!(st = vm_check_own(vm, reader, &own)) && !(st = vm_snapshot(vm, &present, &own)) &&
        !(st = vm_check_needed(reader, present, &own)) &&
        !(st = vm_check_known(vm, reader, present, &own))) {
        st = vm_load_or_undo(vm, reader, present, &own);
    }
    if (st) {
        if (!g_str_has_prefix(error_text(&own), path)) {
            error_prefix(&own, "%s", path);
        }
        error_move(err, &own);
    }
    ssm_reader_close(present);
    ssm_reader_close(reader);
    return st;
}
