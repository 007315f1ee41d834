/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* VM: builds a machine from its CFGM tree and takes it apart in reverse (see vm.h).
 * The one component that knows all the others. */
#include "vm/vm.h"

#include <string.h>

#include "log/log.h"
#include "ssm/ssm.h"
#include "vm/vm_internal.h"

#define VM_TSC_HZ             UINT64_C(2000000000)
#define VM_NS_PER_INSTRUCTION 4
#define VM_MAX_CPUS           64
#define VM_MIB                (UINT64_C(1) << 20)

/* -- the I/O thread -------------------------------------------------------------------------- */

static gpointer vm_io_thread(gpointer data)
{
    Vm *vm = data;
    g_main_context_push_thread_default(vm->io_context);
    g_main_loop_run(vm->io_loop);
    g_main_context_pop_thread_default(vm->io_context);
    return NULL;
}

static void vm_io_start(Vm *vm)
{
    vm->io_context = g_main_context_new();
    vm->io_loop = g_main_loop_new(vm->io_context, FALSE);
    vm->io_thread = g_thread_new("io", vm_io_thread, vm);
}

static gboolean vm_io_quit(gpointer data)
{
    g_main_loop_quit(data);
    return G_SOURCE_REMOVE;
}

static void vm_io_stop(Vm *vm)
{
    if (!vm->io_thread) {
        return;
    }
    GSource *source = g_idle_source_new(); /* runs inside the loop: no race with its start */
    g_source_set_callback(source, vm_io_quit, vm->io_loop, NULL);
    g_source_attach(source, vm->io_context);
    g_source_unref(source);
    g_thread_join(vm->io_thread);
    vm->io_thread = NULL;
    g_main_loop_unref(vm->io_loop);
    g_main_context_unref(vm->io_context);
}

/* -- how it ends ----------------------------------------------------------------------------- */

void vm_request_end(Vm *vm, VmEnd end, uint32_t code, const char *text)
{
    gboolean first = FALSE;
    g_mutex_lock(&vm->lock);
    if (vm->end == VM_END_NONE) {
        first = TRUE;
        vm->end = end;
        vm->end_code = code;
        vm->end_text = g_strdup(text);
        /* The EMTs stand from here on: nobody resumes an ended machine. */
        em_stop(vm->em);
    }
    g_mutex_unlock(&vm->lock);
    if (first && vm->end_fn) {
        vm->end_fn(vm->end_ctx);
    }
}

VmEnd vm_end(Vm *vm, uint32_t *ret_code, char **ret_text)
{
    g_mutex_lock(&vm->lock);
    VmEnd end = vm->end;
    *ret_code = vm->end_code;
    *ret_text = g_strdup(vm->end_text);
    g_mutex_unlock(&vm->lock);
    return end;
}

void vm_set_end_fn(Vm *vm, void (*fn)(void *ctx), void *ctx)
{
    vm->end_fn = fn;
    vm->end_ctx = ctx;
}

void vm_set_event_fn(Vm *vm, VmEventFn fn, void *ctx)
{
    vm->event_fn = fn;
    vm->event_ctx = ctx;
}

void vm_event(Vm *vm, VmEvent event, uint32_t kind, const char *text)
{
    if (vm->event_fn) {
        vm->event_fn(vm->event_ctx, event, kind, text);
    }
}

/* -- reset ----------------------------------------------------------------------------------- */

/* waking: RAM and what devices keep over a sleep stay. */
static void vm_reset_machine(Vm *vm, gboolean waking)
{
    VivError err = VIV_ERROR_INIT;
    em_pause(vm->em);
    g_atomic_int_set(&vm->sleep, VIV_SLEEP_NONE);
    em_set_asleep(vm->em, FALSE);
    for (uint32_t i = 0; i < em_vcpu_count(vm->em); i++) {
        cpum_reset(vm->cpum, em_vcpu(vm->em, i)->cpu, i);
    }
    vm->waking = waking;
    pdm_reset(vm->pdm);
    vm->waking = FALSE;
    viv_status_t st = waking ? vm_boot_wake(vm, &err) : vm_boot_direct(vm, &err);
    pgm_dirty_all(vm->pgm);
    em_states_loaded(vm->em);
    em_resume(vm->em);
    if (st) {
        vm_request_end(vm, VM_END_ERROR, 0, error_text(&err));
        error_clear(&err);
    }
}

static void vm_reset_now(Vm *vm, void *ctx)
{
    (void)ctx;
    g_atomic_int_set(&vm->reset_pending, 0);
    vm_reset_machine(vm, FALSE);
}

void vm_request_reset(Vm *vm)
{
    if (vm->no_reboot) {
        vm_request_end(vm, VM_END_RESET, 0, NULL);
    } else if (g_atomic_int_compare_and_exchange(&vm->reset_pending, 0, 1)) {
        em_post(vm->em, 0, vm_reset_now, NULL);
    }
}

/* -- sleep ----------------------------------------------------------------------------------- */

void vm_request_sleep(Vm *vm, uint32_t kind)
{
    g_atomic_int_set(&vm->sleep, (gint)kind);
    em_set_asleep(vm->em, kind != VIV_SLEEP_NONE);
}

static void vm_wake_now(Vm *vm, void *ctx)
{
    (void)ctx;
    if (g_atomic_int_get(&vm->sleep) == VIV_SLEEP_RAM) { /* no reset has come first */
        vm_reset_machine(vm, TRUE);
    }
}

void vm_request_wake(Vm *vm)
{
    if (g_atomic_int_get(&vm->sleep) == VIV_SLEEP_RAM) {
        em_post(vm->em, 0, vm_wake_now, NULL);
    } else if (g_atomic_int_compare_and_exchange(&vm->sleep, VIV_SLEEP_STANDBY, VIV_SLEEP_NONE)) {
        em_set_asleep(vm->em, FALSE);
    }
}

/* -- stopping at an instruction -------------------------------------------------------------- */

viv_status_t vm_set_icount_stop(Vm *vm, uint64_t icount, gboolean quiet, VivError *err)
{
    const viv_engine_class_t *engine = em_engine(vm->em);
    if (!(engine->caps & VIV_ENGINE_EXACT_ICOUNT)) {
        return error_set(err, VIV_E_UNSUPPORTED,
                         "engine %s does not count instructions exactly, so it cannot stop at one",
                         engine->name);
    }
    vm->icount_quiet = quiet;
    em_set_icount_stop(vm->em, icount);
    return VIV_OK;
}

/* Disk accesses end at virtual times, so the wait is the same in every run. */
static void vm_on_icount(Vm *vm)
{
    uint64_t icount = em_vcpu(vm->em, 0)->cpu->icount;
    if (vm->icount_quiet && !pdm_is_quiet(vm->pdm)) {
        em_set_icount_stop(vm->em, icount + 1);
        return;
    }
    g_autofree char *text =
        g_strdup_printf("stopped after %" G_GUINT64_FORMAT " instructions", icount);
    vm_request_end(vm, VM_END_ICOUNT, 0, text);
}

static void vm_on_event(Vm *vm, EmEvent event, uint32_t vcpu, const char *detail)
{
    if (event == EM_EVENT_ICOUNT) {
        vm_on_icount(vm);
        return;
    }
    if (event == EM_EVENT_TRIPLE_FAULT) {
        if (vm->triple_fault_reset) {
            vm_request_reset(vm);
            return;
        }
        const viv_cpu_t *cpu = em_vcpu(vm->em, vcpu)->cpu;
        g_autofree char *text =
            g_strdup_printf("triple fault on vCPU %u at %04x:%016" G_GINT64_MODIFIER "x", vcpu,
                            cpu->seg[VIV_SEG_CS].sel, cpu->rip);
        vm_request_end(vm, VM_END_TRIPLE_FAULT, 0, text);
        return;
    }
    g_autofree char *text =
        g_strdup_printf("engine %s gave up on vCPU %u: %s", em_engine(vm->em)->name, vcpu,
                        detail && *detail ? detail : "no reason given");
    vm_request_end(vm, VM_END_ERROR, 0, text);
}

/* -- construction ---------------------------------------------------------------------------- */

static viv_status_t vm_find_engine(Vm *vm, const viv_engine_class_t **ret_engine, VivError *err)
{
    const char *wanted = cfgm_string(vm->cfgm, "Engine/Name", "auto");
    const viv_class_t *cls = NULL;
    if (strcmp(wanted, "auto") != 0) {
        char why[256] = "";
        viv_status_t st = plugin_find(vm->plugins, VIV_KIND_ENGINE, wanted, &cls, err);
        const viv_engine_class_t *engine = (const viv_engine_class_t *)(const void *)cls;
        if (!st && engine->probe && (st = engine->probe(why, sizeof why))) {
            return error_set(err, st, "engine %s cannot run here: %s", wanted, why);
        }
        *ret_engine = engine;
        return st;
    }
    const viv_engine_class_t *best = NULL;
    g_auto(GStrv) names = plugin_list_classes(vm->plugins, VIV_KIND_ENGINE);
    for (char **name = names; name && *name; name++) {
        char why[256] = "";
        if (plugin_find(vm->plugins, VIV_KIND_ENGINE, *name, &cls, NULL)) {
            continue;
        }
        const viv_engine_class_t *engine = (const viv_engine_class_t *)(const void *)cls;
        if (engine->probe && engine->probe(why, sizeof why)) {
            viv_log("em", VIV_LOG_INFO, "engine %s cannot run here: %s", *name, why);
        } else if (!best || engine->priority > best->priority) {
            best = engine;
        }
    }
    if (!best) {
        return error_set(err, VIV_E_NOT_FOUND,
                         "no execution engine is installed; see viv plugin list");
    }
    *ret_engine = best;
    return VIV_OK;
}

static viv_status_t vm_build_base(Vm *vm, VivError *err)
{
    uint64_t ram, hole, hz, ns, seed, threads;
    bool det, no_reboot, tf_reset, ignore_msrs;
    const char *model;
    viv_status_t st;
    if ((st = cfgm_get_u64_range(vm->cfgm, "RamSize", VM_MIB, UINT64_C(1) << 39, 512 * VM_MIB, &ram,
                                 err)) ||
        (st = cfgm_get_u64_range(vm->cfgm, "RamHoleSize", 16 * VM_MIB, UINT64_C(3584) * VM_MIB,
                                 1024 * VM_MIB, &hole, err)) ||
        (st = cfgm_get_u64_range(vm->cfgm, "TM/TSCFrequency", 1000000, UINT64_C(20000000000),
                                 VM_TSC_HZ, &hz, err)) ||
        (st = cfgm_get_bool(vm->cfgm, "TM/Deterministic", false, &det, err)) ||
        (st = cfgm_get_u64_range(vm->cfgm, "TM/NsPerInstruction", 1, 1000000, VM_NS_PER_INSTRUCTION,
                                 &ns, err)) ||
        (st = cfgm_get_bool(vm->cfgm, "NoReboot", false, &no_reboot, err)) ||
        (st = cfgm_get_bool(vm->cfgm, "EM/TripleFaultReset", false, &tf_reset, err)) ||
        (st = cfgm_get_u64_range(vm->cfgm, "CPUM/RandomSeed", 0, UINT64_MAX, 0, &seed, err)) ||
        (st = cfgm_get_u64_range(vm->cfgm, "SSM/Threads", 0, 64, 0, &threads, err)) ||
        (st = cfgm_get_string(vm->cfgm, "CPUM/Model", NULL, &model, err)) ||
        (st = cfgm_get_bool(vm->cfgm, "CPUM/IgnoreUnknownMSRs", false, &ignore_msrs, err))) {
        return st;
    }
    uint64_t cpus;
    if ((st = cfgm_get_u64_range(vm->cfgm, "NumCPUs", 1, VM_MAX_CPUS, 1, &cpus, err))) {
        return st;
    }
    if (det && cpus > 1) {
        return error_set(err, VIV_E_CONFIG,
                         "TM/Deterministic: time follows the instructions of one vCPU, NumCPUs is "
                         "%" G_GUINT64_FORMAT,
                         cpus);
    }
    vm->no_reboot = no_reboot;
    vm->save_threads = (uint32_t)threads;
    vm->triple_fault_reset = tf_reset;
    vm->stam = stam_new();
    vm->iom = iom_new();
    vm->tm = tm_new(hz, det ? ns * 1000 : 0);
    vm->pgm = pgm_new(ram, PGM_4G - hole, err);
    vm->cpum = vm->pgm ? cpum_new(model, (uint32_t)cpus, hz, err) : NULL;
    if (vm->cpum) {
        cpum_ignore_unknown_msrs(vm->cpum, ignore_msrs);
    }
    if (vm->cpum && det) {
        cpum_set_seed(vm->cpum, seed);
    }
    vm->trpm = trpm_new(vm, (uint32_t)cpus);
    return vm->cpum ? VIV_OK : err ? err->status : VIV_E_FAILED;
}

static uint64_t vm_stat_now(void *ctx)
{
    return tm_now(ctx);
}

static uint64_t vm_stat_tsc(void *ctx)
{
    return tm_tsc(ctx);
}

static void vm_register_stats(Vm *vm)
{
    stam_register_fn(vm->stam, "TM/VirtualTime", vm_stat_now, vm->tm, "ns",
                     "time on the virtual clock since power-on");
    stam_register_fn(vm->stam, "TM/TSC", vm_stat_tsc, vm->tm, "ticks", "time-stamp counter");
}

static void vm_wake_emt0(void *ctx)
{
    em_kick(ctx, 0, VIV_FF_EXIT);
}

static void vm_map_changed(void *ctx)
{
    em_map_changed(((Vm *)ctx)->em);
}

static void vm_code_written(void *ctx, uint64_t gpa, uint64_t len)
{
    em_code_written(((Vm *)ctx)->em, gpa, len);
}

static viv_status_t vm_build(Vm *vm, VivError *err)
{
    const viv_engine_class_t *engine = NULL;
    viv_status_t st = vm_build_base(vm, err);
    if (st || (st = vm_find_engine(vm, &engine, err))) {
        return st;
    }
    if (tm_deterministic(vm->tm) && !(engine->caps & VIV_ENGINE_EXACT_ICOUNT)) {
        return error_set(err, VIV_E_UNSUPPORTED,
                         "TM/Deterministic: engine %s does not count instructions exactly",
                         engine->name);
    }
    if (cfgm_u64(vm->cfgm, "NumCPUs", 1) > 1 && !(engine->caps & VIV_ENGINE_SMP)) {
        return error_set(err, VIV_E_UNSUPPORTED, "NumCPUs: engine %s runs one vCPU only",
                         engine->name);
    }
    vm->pdm = pdm_new(vm);
    vm->em = em_new(vm, engine, (uint32_t)cfgm_u64(vm->cfgm, "NumCPUs", 1), vm_on_event, err);
    if (!vm->em) {
        return err ? err->status : VIV_E_FAILED;
    }
    vm_register_stats(vm);
    tm_set_wake_fn(vm->tm, vm_wake_emt0, vm->em);
    pgm_set_changed_fn(vm->pgm, vm_map_changed, vm);
    pgm_set_code_written_fn(vm->pgm, vm_code_written, vm);
    vm_io_start(vm);
    return pdm_construct_all(vm->pdm, err);
}

Vm *vm_create(CfgmNode *cfgm, PluginRegistry *plugins, VivError *err)
{
    Vm *vm = g_new0(Vm, 1);
    VivError own = VIV_ERROR_INIT;
    vm->cfgm = cfgm;
    vm->plugins = plugins;
    g_mutex_init(&vm->lock);
    vm->identity = g_strdup(cfgm_string(cfgm, "Name", "unnamed"));
    if (vm_build(vm, &own)) {
        error_move(err, &own);
        vm_destroy(vm);
        return NULL;
    }
    return vm;
}

void vm_destroy(Vm *vm)
{
    if (!vm) {
        return;
    }
    if (vm->em) {
        vm_pause(vm);
        if (vm->pdm) {
            pdm_drain(vm->pdm);
        }
    }
    pdm_power_off(vm->pdm);
    if (vm->em) {
        em_join(vm->em); /* no request finds a device that is gone */
    }
    if (vm->pgm) { /* nobody needs to hear of the dismantling */
        pgm_set_changed_fn(vm->pgm, NULL, NULL);
        pgm_set_code_written_fn(vm->pgm, NULL, NULL);
    }
    pdm_free(vm->pdm);
    vm_io_stop(vm);
    if (vm->tm) {
        tm_set_wake_fn(vm->tm, NULL, NULL);
    }
    em_free(vm->em);
    vm->em = NULL;
    trpm_free(vm->trpm);
    cpum_free(vm->cpum);
    tm_free(vm->tm);
    iom_free(vm->iom);
    pgm_free(vm->pgm);
    stam_free(vm->stam);
    cfgm_free(vm->cfgm);
    g_mutex_clear(&vm->lock);
    g_free(vm->end_text);
    g_free(vm->identity);
    g_free(vm);
}

viv_status_t vm_power_on(Vm *vm, const char *load_path, VivError *err)
{
    viv_status_t st = pdm_power_on(vm->pdm, err);
    if (st) {
        return st;
    }
    st = load_path ? vm_load(vm, load_path, err) : vm_boot_direct(vm, err);
    em_states_loaded(vm->em);
    return st;
}

/* -- running --------------------------------------------------------------------------------- */

void vm_resume(Vm *vm)
{
    g_mutex_lock(&vm->lock);
    gboolean go = vm->end == VM_END_NONE && !vm->running;
    vm->running |= go;
    g_mutex_unlock(&vm->lock);
    if (go) {
        pdm_resume(vm->pdm);
        em_resume(vm->em);
    }
}

void vm_pause(Vm *vm)
{
    g_mutex_lock(&vm->lock);
    gboolean stop = vm->running;
    vm->running = FALSE;
    g_mutex_unlock(&vm->lock);
    if (stop) {
        em_pause(vm->em);
        pdm_suspend(vm->pdm);
    }
}
