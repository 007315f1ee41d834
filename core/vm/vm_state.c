/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* VM: saving the whole machine. Units in order: vm, cpum/<n>, tm, pgm/<block>, pdm, pci-config/...,
 * devices; in front of them, of a live save, RAM's earlier passes.
 *
 * A live save stores RAM while the guest runs, and then, pass by pass, what was written meanwhile,
 * until that is little or does not get less; the machine stands for the last pass only. */
#include "vm/vm_state.h"

#include <string.h>

#define VM_QUIET_TRIES    1000
#define VM_LIVE_PASSES    16u
#define VM_LIVE_FEW_PAGES 1024u /* take a few ms */
#define VM_RAM_BLOCK      0u

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

/* -- memory ---------------------------------------------------------------------------------- */

static bool vm_image_extent(void *ctx, uint32_t block, uint64_t page, uint64_t *ret_first,
                            uint64_t *ret_end)
{
    return pgm_block_extent(pgm_block_at(ctx, block), page, ret_first, ret_end);
}

SsmImage *vm_image_new(Vm *vm)
{
    g_autoptr(GArray) blocks = g_array_new(FALSE, TRUE, sizeof(SsmBlock));
    PgmBlock *block;
    for (uint32_t i = 0; (block = pgm_block_at(vm->pgm, i)); i++) {
        SsmBlock entry = {pgm_block_name(block), pgm_block_hva(block),
                          pgm_block_len(block) / SSM_PAGE_BYTES};
        g_array_append_val(blocks, entry);
    }
    return ssm_image_new((const SsmBlock *)(const void *)blocks->data, blocks->len,
                         vm->save_threads, vm_image_extent, vm->pgm);
}

/* What a save needs on its way. */
typedef struct VmSave {
    Vm *vm;
    SsmWriter *writer;
    SsmImage *image;
    uint8_t *dirty; /* pages of RAM that the final pass has to store; NULL: all */
    VmSaveInfo info;
} VmSave;

static viv_status_t vm_save_block(VmSave *save, uint32_t block, uint32_t pass, const uint8_t *dirty)
{
    viv_status_t st = ssm_unit_begin(save->writer, "pgm", block, SSM_IMAGE_VERSION, pass);
    if (st || (st = ssm_image_put(save->image, ssm_writer_stream(save->writer), block, dirty))) {
        return st;
    }
    return ssm_unit_end(save->writer);
}

static viv_status_t vm_save_memory(VmSave *save)
{
    viv_status_t st = VIV_OK;
    for (uint32_t i = 0; !st && pgm_block_at(save->vm->pgm, i); i++) {
        st = vm_save_block(save, i, SSM_PASS_FINAL, i == VM_RAM_BLOCK ? save->dirty : NULL);
    }
    return st;
}

/* The passes while the guest runs. Afterwards save->dirty is what they have not stored. */
static viv_status_t vm_save_live(VmSave *save, VivError *err)
{
    Pgm *pgm = save->vm->pgm;
    uint64_t bytes = pgm_ram_bytes(pgm) / SSM_PAGE_BYTES / 8, last = UINT64_MAX;
    viv_status_t st = pgm_dirty_start(pgm, err);
    if (st) {
        return st;
    }
    em_drop_pages(save->vm->em);
    save->dirty = g_malloc0(bytes);
    st = vm_save_block(save, VM_RAM_BLOCK, 0, NULL);
    for (save->info.passes = 1; !st; save->info.passes++) {
        uint64_t pages = pgm_dirty_fetch(pgm, save->dirty);
        em_drop_pages(save->vm->em);
        if (pages <= VM_LIVE_FEW_PAGES || save->info.passes == VM_LIVE_PASSES ||
            pages > last / 4 * 3) {
            break;
        }
        st = vm_save_block(save, VM_RAM_BLOCK, save->info.passes, save->dirty);
        memset(save->dirty, 0, bytes);
        last = pages;
    }
    return st;
}

/* -- the machine ----------------------------------------------------------------------------- */

/* Everything but memory, in two halves around it. */
viv_status_t vm_save_cpus(Vm *vm, SsmWriter *writer)
{
    viv_status_t st = vm_save_own(vm, writer);
    for (uint32_t i = 0; i < em_vcpu_count(vm->em) && !st; i++) {
        st = cpum_save(em_vcpu(vm->em, i)->cpu, writer);
    }
    return st ? st : tm_save(vm->tm, writer);
}

static viv_status_t vm_save_standing(VmSave *save, VivError *err)
{
    Vm *vm = save->vm;
    if (save->dirty) {
        save->info.last_pages = pgm_dirty_fetch(vm->pgm, save->dirty);
    }
    viv_status_t st = vm_save_cpus(vm, save->writer);
    if (st || (st = vm_save_memory(save))) {
        return st;
    }
    return pdm_save(vm->pdm, save->writer, err);
}

/* Stands, in the deterministic mode at a moment without disk accesses under way: a completion must
 * come at its own virtual time. */
static void vm_pause_quiet(Vm *vm)
{
    vm_pause(vm);
    for (int i = 0; tm_deterministic(vm->tm) && !pdm_is_quiet(vm->pdm) && i < VM_QUIET_TRIES; i++) {
        vm_resume(vm);
        g_usleep(1000);
        vm_pause(vm);
    }
}

static viv_status_t vm_save_units(VmSave *save, gboolean live, VivError *err)
{
    Vm *vm = save->vm;
    gboolean ran = vm->running;
    viv_status_t st = live && ran ? vm_save_live(save, err) : VIV_OK;
    gint64 stopped = g_get_monotonic_time();
    if (ran) {
        vm_pause_quiet(vm);
    }
    pdm_drain(vm->pdm);
    if (!st) {
        st = vm_save_standing(save, err);
    }
    if (save->dirty) {
        pgm_dirty_stop(vm->pgm);
    }
    if (ran) {
        vm_resume(vm);
    }
    save->info.stopped_ns = (uint64_t)(g_get_monotonic_time() - stopped) * 1000;
    return st;
}

viv_status_t vm_save_as(Vm *vm, const char *path, gboolean live, VmSaveInfo *ret_info,
                        VivError *err)
{
    VivError own = VIV_ERROR_INIT;
    VmSave save = {.vm = vm};
    gint64 began = g_get_monotonic_time();
    viv_status_t st = ssm_writer_create(path, vm->identity, &save.writer, err);
    if (st) {
        return st;
    }
    save.image = vm_image_new(vm);
    vm_save_units(&save, live, &own);
    ssm_image_free(save.image);
    g_free(save.dirty);
    save.info.file_bytes = ssm_writer_bytes(save.writer);
    if (own.status) {
        ssm_writer_abort(save.writer);
        return error_move(err, &own);
    }
    st = ssm_writer_commit(save.writer, err); /* reports earlier failures of puts too */
    save.info.total_ns = (uint64_t)(g_get_monotonic_time() - began) * 1000;
    if (!st && ret_info) {
        *ret_info = save.info;
    }
    return st;
}

viv_status_t vm_save(Vm *vm, const char *path, VivError *err)
{
    return vm_save_as(vm, path, FALSE, NULL, err);
}
