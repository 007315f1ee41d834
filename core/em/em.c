/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* EM: EMTs, their loop, requests, pausing (see em.h). Invariants:
 *  1. Guest code of vCPU n runs on EMT n only, and only while em->pause_depth is 0.
 *  2. em->standing counts the EMTs that do not run guest code; the clock runs only while it may be
 *     below the number of vCPUs.
 *  3. An EMT sleeps only after it has set `idle` and seen no force flag that could wake it; a kick
 *     sets the flag first and looks at `idle` second: no wake-up is lost.
 *  4. Lock order: em->lock, then emt->lock. Requests run with neither. */
#include "em/em.h"

#include <stdlib.h>
#include <string.h>

#include "em/em_internal.h"
#include "log/log.h"

static GPrivate em_self; /* the Emt of the calling thread */

/* -- force flags ----------------------------------------------------------------------------- */

static void emt_wake(Emt *emt)
{
    if (__atomic_load_n(&emt->idle, __ATOMIC_SEQ_CST)) {
        g_mutex_lock(&emt->lock);
        g_cond_broadcast(&emt->cond);
        g_mutex_unlock(&emt->lock);
    }
}

void em_kick(Em *em, uint32_t vcpu, uint32_t flags)
{
    if (!em || vcpu >= em->count) {
        return;
    }
    Emt *emt = em->emts[vcpu];
    uint32_t old = __atomic_fetch_or(&emt->pub.ff, flags, __ATOMIC_SEQ_CST);
    if ((old & flags) == flags && !(flags & VIV_FF_EXIT)) {
        return;
    }
    if (em->engine.kick && emt->pub.engine_self && g_private_get(&em_self) != emt) {
        em->engine.kick(emt->pub.engine_self);
    }
    emt_wake(emt);
}

void em_clear_ff(Em *em, uint32_t vcpu, uint32_t flags)
{
    if (em && vcpu < em->count) {
        __atomic_and_fetch(&em->emts[vcpu]->pub.ff, ~flags, __ATOMIC_SEQ_CST);
    }
}

/* -- requests -------------------------------------------------------------------------------- */

typedef struct EmRequest {
    EmFn fn;
    void *ctx;
    gboolean wait; /* the caller owns it and waits for done */
    gboolean done;
} EmRequest;

static void em_request_finish(Emt *emt, EmRequest *request)
{
    if (!request->wait) {
        g_free(request);
        return;
    }
    g_mutex_lock(&emt->lock);
    request->done = TRUE;
    g_cond_broadcast(&emt->done_cond);
    g_mutex_unlock(&emt->lock);
}

static void emt_serve(Emt *emt)
{
    for (;;) {
        g_mutex_lock(&emt->lock);
        EmRequest *request = g_queue_pop_head(&emt->requests);
        g_mutex_unlock(&emt->lock);
        if (!request) {
            return;
        }
        request->fn(emt->em->vm, request->ctx);
        em_request_finish(emt, request);
    }
}

static void em_queue(Em *em, uint32_t vcpu, EmRequest *request)
{
    Emt *emt = em->emts[vcpu];
    g_mutex_lock(&emt->lock);
    g_queue_push_tail(&emt->requests, request);
    g_cond_broadcast(&emt->cond);
    g_mutex_unlock(&emt->lock);
    em_kick(em, vcpu, VIV_FF_EXIT);
}

void em_post(Em *em, uint32_t vcpu, EmFn fn, void *ctx)
{
    EmRequest *request = g_new0(EmRequest, 1);
    request->fn = fn;
    request->ctx = ctx;
    em_queue(em, vcpu, request);
}

void em_call(Em *em, uint32_t vcpu, EmFn fn, void *ctx)
{
    Emt *emt = em->emts[vcpu];
    if (g_private_get(&em_self) == emt) {
        fn(em->vm, ctx);
        return;
    }
    EmRequest request = {.fn = fn, .ctx = ctx, .wait = TRUE};
    em_queue(em, vcpu, &request);
    g_mutex_lock(&emt->lock);
    while (!request.done) {
        g_cond_wait(&emt->done_cond, &emt->lock);
    }
    g_mutex_unlock(&emt->lock);
}

/* -- pausing --------------------------------------------------------------------------------- */

static gboolean em_must_stand(Em *em)
{
    return __atomic_load_n(&em->pause_depth, __ATOMIC_SEQ_CST) > 0;
}

void em_pause(Em *em)
{
    Emt *self = g_private_get(&em_self);
    g_mutex_lock(&em->lock);
    __atomic_add_fetch(&em->pause_depth, 1, __ATOMIC_SEQ_CST);
    for (uint32_t i = 0; i < em->count; i++) {
        em_kick(em, i, VIV_FF_EXIT);
    }
    uint32_t needed = em->count - (self && self->em == em && !self->standing ? 1 : 0);
    while (em->standing < needed) {
        g_cond_wait(&em->cond, &em->lock);
    }
    tm_stop(em->vm->tm);
    g_mutex_unlock(&em->lock);
}

void em_stop(Em *em)
{
    __atomic_add_fetch(&em->pause_depth, 1, __ATOMIC_SEQ_CST);
    for (uint32_t i = 0; i < em->count; i++) {
        em_kick(em, i, VIV_FF_EXIT);
    }
}

void em_resume(Em *em)
{
    g_mutex_lock(&em->lock);
    if (em->pause_depth == 1) {
        tm_start(em->vm->tm);
    }
    if (em->pause_depth > 0 && __atomic_sub_fetch(&em->pause_depth, 1, __ATOMIC_SEQ_CST) == 0) {
        g_cond_broadcast(&em->cond);
        for (uint32_t i = 0; i < em->count; i++) {
            em_kick(em, i, VIV_FF_EXIT);
        }
    }
    g_mutex_unlock(&em->lock);
}

/* The flag changes before the kick: an EMT that has cleared the kick sees the change. */
void em_set_asleep(Em *em, gboolean asleep)
{
    __atomic_store_n(&em->asleep, asleep, __ATOMIC_SEQ_CST);
    for (uint32_t i = 0; i < em->count; i++) {
        em_kick(em, i, VIV_FF_EXIT);
    }
}

gboolean em_asleep(const Em *em)
{
    return __atomic_load_n(&em->asleep, __ATOMIC_SEQ_CST);
}

static void emt_sleep(Emt *emt, uint32_t wake_flags)
{
    g_mutex_lock(&emt->lock);
    __atomic_store_n(&emt->idle, TRUE, __ATOMIC_SEQ_CST);
    while (!(__atomic_load_n(&emt->pub.ff, __ATOMIC_SEQ_CST) & wake_flags) &&
           g_queue_is_empty(&emt->requests)) {
        g_cond_wait(&emt->cond, &emt->lock);
    }
    __atomic_store_n(&emt->idle, FALSE, __ATOMIC_SEQ_CST);
    g_mutex_unlock(&emt->lock);
}

/* Stands until em_resume(), serving requests. */
static void emt_stand(Emt *emt)
{
    Em *em = emt->em;
    g_mutex_lock(&em->lock);
    emt->standing = TRUE;
    em->standing++;
    g_cond_broadcast(&em->cond);
    g_mutex_unlock(&em->lock);
    while (em_must_stand(em) && !__atomic_load_n(&em->quit, __ATOMIC_SEQ_CST)) {
        __atomic_and_fetch(&emt->pub.ff, ~VIV_FF_EXIT, __ATOMIC_SEQ_CST);
        emt_serve(emt);
        if (em_must_stand(em) && !__atomic_load_n(&em->quit, __ATOMIC_SEQ_CST)) {
            emt_sleep(emt, VIV_FF_EXIT);
        }
    }
    g_mutex_lock(&em->lock);
    emt->standing = FALSE;
    em->standing--;
    g_mutex_unlock(&em->lock);
}

/* -- the loop -------------------------------------------------------------------------------- */

/* Force flags that can end the vCPU's present inactivity. */
static uint32_t emt_wake_flags(const Emt *emt)
{
    uint32_t flags = VIV_FF_EXIT;
    if (emt->cpu->activity == VIV_ACT_HALTED) {
        flags |= emt->cpu->nmi_blocked ? 0 : VIV_FF_NMI;
        flags |= (emt->cpu->rflags & 0x200) ? VIV_FF_INTR : 0;
    }
    return flags;
}

static void emt_idle(Emt *emt, uint32_t wake)
{
    if (__atomic_load_n(&emt->pub.ff, __ATOMIC_SEQ_CST) & wake) {
        return;
    }
    emt->halts++;
    if (emt->pub.index == 0 && tm_deterministic(emt->em->vm->tm) && tm_warp(emt->em->vm->tm)) {
        return; /* the loop runs the timers */
    }
    emt_sleep(emt, wake);
}

static void emt_run(Emt *emt)
{
    Em *em = emt->em;
    viv_exit_t out = {.size = sizeof out};
    emt->pub.icount_limit = UINT64_MAX;
    if (emt->pub.index == 0) {
        emt->pub.icount_limit = em->icount_stop;
    }
    if (emt->pub.index == 0 && tm_deterministic(em->vm->tm)) {
        uint64_t left = tm_instructions_to_deadline(em->vm->tm);
        if (left < UINT64_MAX - emt->cpu->icount) {
            emt->pub.icount_limit = MIN(em->icount_stop, emt->cpu->icount + left);
        }
    }
    emt->runs++;
    viv_status_t st = em->engine.run(emt->pub.engine_self, &out);
    if (st && out.reason != VIV_EXIT_ERROR) {
        out.reason = VIV_EXIT_ERROR;
        g_strlcpy(out.detail, viv_status_text(st), sizeof out.detail);
    }
    switch (out.reason) {
    case VIV_EXIT_TRIPLE_FAULT:
        em->event(em->vm, EM_EVENT_TRIPLE_FAULT, emt->pub.index, NULL);
        break;
    case VIV_EXIT_ERROR:
        em->event(em->vm, EM_EVENT_ENGINE_ERROR, emt->pub.index, out.detail);
        break;
    case VIV_EXIT_PAUSE: g_thread_yield(); break;
    default: break;
    }
}

static gpointer emt_thread(gpointer data)
{
    Emt *emt = data;
    Em *em = emt->em;
    g_private_set(&em_self, emt);
    while (!__atomic_load_n(&em->quit, __ATOMIC_SEQ_CST)) {
        __atomic_and_fetch(&emt->pub.ff, ~VIV_FF_EXIT, __ATOMIC_SEQ_CST);
        if (em_must_stand(em)) {
            emt_stand(emt);
            continue;
        }
        emt_serve(emt);
        if (em_must_stand(em)) {
            continue;
        }
        if (emt->pub.index == 0) {
            if (emt->cpu->icount >= em->icount_stop) {
                em->icount_stop = UINT64_MAX;
                em->event(em->vm, EM_EVENT_ICOUNT, 0, NULL);
                continue;
            }
            tm_run_timers(em->vm->tm);
        }
        if (em_asleep(em)) {
            emt_idle(emt, VIV_FF_EXIT);
            continue;
        }
        uint32_t wake = emt_wake_flags(emt);
        if (emt->cpu->activity == VIV_ACT_RUNNING ||
            (emt->cpu->activity == VIV_ACT_HALTED &&
             (__atomic_load_n(&emt->pub.ff, __ATOMIC_SEQ_CST) & wake & ~VIV_FF_EXIT))) {
            emt_run(emt);
        } else {
            emt_idle(emt, wake);
        }
    }
    emt_serve(emt);
    return NULL;
}

void em_set_icount_stop(Em *em, uint64_t icount)
{
    em->icount_stop = icount;
}

/* -- notifications --------------------------------------------------------------------------- */

void em_states_loaded(Em *em)
{
    for (uint32_t i = 0; i < em->count; i++) {
        em->engine.state_loaded(em->emts[i]->pub.engine_self);
    }
}

static void em_map_changed_on(struct Vm *vm, void *ctx)
{
    Emt *emt = ctx;
    vm->em->engine.map_changed(emt->pub.engine_self);
}

void em_map_changed(Em *em)
{
    for (uint32_t i = 0; em && i < em->count; i++) {
        Emt *emt = em->emts[i];
        if (!emt->pub.engine_self) {
            continue;
        }
        if (g_private_get(&em_self) == emt || !emt->thread) {
            em->engine.map_changed(emt->pub.engine_self);
        } else {
            em_post(em, i, em_map_changed_on, emt);
        }
    }
}

void em_drop_pages(Em *em)
{
    for (uint32_t i = 0; i < em->count; i++) {
        em_call(em, i, em_map_changed_on, em->emts[i]);
    }
}

void em_code_written(Em *em, uint64_t gpa, uint64_t len_bytes)
{
    if (em && em->engine.code_written && em->engine_vm) {
        em->engine.code_written(em->engine_vm, gpa, len_bytes);
    }
}

void em_set_a20(Em *em, gboolean enabled)
{
    uint64_t mask = enabled ? UINT64_MAX : ~(UINT64_C(1) << 20);
    if (em->emts[0]->pub.a20_mask == mask) {
        return;
    }
    for (uint32_t i = 0; i < em->count; i++) {
        em->emts[i]->pub.a20_mask = mask;
    }
    em_map_changed(em);
}

/* -- life ------------------------------------------------------------------------------------ */

uint32_t em_vcpu_count(const Em *em)
{
    return em->count;
}

viv_vcpu_t *em_vcpu(Em *em, uint32_t index)
{
    return &em->emts[index]->pub;
}

const viv_engine_class_t *em_engine(const Em *em)
{
    return &em->engine;
}

int em_current(const Em *em)
{
    const Emt *emt = g_private_get(&em_self);
    return emt && emt->em == em ? (int)emt->pub.index : -1;
}

static Emt *emt_new(Em *em, uint32_t index)
{
    Emt *emt = g_new0(Emt, 1);
    emt->em = em;
    size_t bytes = (sizeof(viv_cpu_t) + 63) & ~(size_t)63;
    emt->cpu = aligned_alloc(64, bytes);
    memset(emt->cpu, 0, bytes);
    g_mutex_init(&emt->lock);
    g_cond_init(&emt->cond);
    g_cond_init(&emt->done_cond);
    g_queue_init(&emt->requests);
    emt->pub.host = em_host_table();
    emt->pub.cpu = emt->cpu;
    emt->pub.index = index;
    emt->pub.icount_limit = UINT64_MAX;
    emt->pub.a20_mask = UINT64_MAX;
    emt->pub.cpu_family = cpum_family(em->vm->cpum);
    cpum_reset(em->vm->cpum, emt->cpu, index);
    return emt;
}

static void emt_free(Emt *emt)
{
    if (emt->pub.engine_self) {
        emt->em->engine.vcpu_destroy(emt->pub.engine_self);
    }
    g_queue_clear_full(&emt->requests, g_free);
    g_mutex_clear(&emt->lock);
    g_cond_clear(&emt->cond);
    g_cond_clear(&emt->done_cond);
    free(emt->cpu);
    g_free(emt);
}

static viv_status_t em_start_vcpu(Em *em, uint32_t index, VivError *err)
{
    Emt *emt = emt_new(em, index);
    em->emts[index] = emt;
    em->count = index + 1;
    viv_status_t st = em->engine.vcpu_create(em->engine_vm, &emt->pub, &emt->pub.engine_self);
    if (st) {
        return error_set(err, st, "engine %s cannot create vCPU %u: %s", em->engine.name, index,
                         viv_status_text(st));
    }
    g_autofree char *path = g_strdup_printf("EM/CPU%u", index);
    g_autofree char *halts = g_strdup_printf("%s/Halts", path);
    g_autofree char *runs = g_strdup_printf("%s/Runs", path);
    g_autofree char *retired = g_strdup_printf("%s/Instructions", path);
    stam_register(em->vm->stam, halts, &emt->halts, "count", "times the vCPU went idle");
    stam_register(em->vm->stam, runs, &emt->runs, "count", "times the engine was entered");
    stam_register(em->vm->stam, retired, &emt->cpu->icount, "instructions", "instructions retired");
    return VIV_OK;
}

Em *em_new(struct Vm *vm, const viv_engine_class_t *engine, uint32_t vcpu_count, EmEventFn event,
           VivError *err)
{
    Em *em = g_new0(Em, 1);
    em->vm = vm;
    vm->em = em; /* host calls during creation find it */
    em->engine = *engine;
    em->event = event;
    em->pause_depth = 1;
    em->icount_stop = UINT64_MAX;
    em->emts = g_new0(Emt *, vcpu_count);
    g_mutex_init(&em->lock);
    g_cond_init(&em->cond);
    viv_status_t st = em->engine.vm_create(em_host_table(), vcpu_count, &em->engine_vm);
    if (st) {
        error_set(err, st, "engine %s cannot start: %s", engine->name, viv_status_text(st));
    }
    for (uint32_t i = 0; i < vcpu_count && !st; i++) {
        st = em_start_vcpu(em, i, err);
    }
    if (st) {
        em_free(em);
        vm->em = NULL;
        return NULL;
    }
    tm_set_icount(vm->tm, &em->emts[0]->cpu->icount);
    for (uint32_t i = 0; i < em->count; i++) {
        g_autofree char *name = g_strdup_printf("EMT-%u", i);
        em->emts[i]->thread = g_thread_new(name, emt_thread, em->emts[i]);
    }
    return em;
}

void em_join(Em *em)
{
    __atomic_store_n(&em->quit, TRUE, __ATOMIC_SEQ_CST);
    for (uint32_t i = 0; i < em->count; i++) {
        em_kick(em, i, VIV_FF_EXIT);
    }
    for (uint32_t i = 0; i < em->count; i++) {
        if (em->emts[i]->thread) {
            g_thread_join(em->emts[i]->thread);
            em->emts[i]->thread = NULL;
        }
    }
}

void em_free(Em *em)
{
    if (!em) {
        return;
    }
    em_join(em);
    stam_unregister(em->vm->stam, "EM");
    tm_set_icount(em->vm->tm, NULL);
    for (uint32_t i = 0; i < em->count; i++) {
        emt_free(em->emts[i]);
    }
    if (em->engine_vm) {
        em->engine.vm_destroy(em->engine_vm);
    }
    g_mutex_clear(&em->lock);
    g_cond_clear(&em->cond);
    g_free(em->emts);
    g_free(em);
}
