/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: creation of the machine's and the vCPU's state, and the way between viv_cpu_t and the
 * working state. What is derived from canonical state is derived here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "x86_flags.h"
#include "x86_host.h"
#include "x86_isa.h"
#include "x86_old.h"

viv_status_t x86_vm_create(const viv_engine_host_t *host, uint32_t vcpu_count, X86Vm **ret_vm)
{
    X86Vm *vm;
    if (vcpu_count == 0 || vcpu_count > X86_VCPUS_MAX)
        return VIV_E_INVALID;
    vm = calloc(1, sizeof(*vm));
    if (!vm)
        return VIV_E_NOMEM;
    pthread_mutex_init(&vm->lock, NULL);
    pthread_mutex_init(&vm->split_lock, NULL);
    vm->host = host;
    vm->vcpu_count = vcpu_count;
    *ret_vm = vm;
    return VIV_OK;
}

void x86_vm_destroy(X86Vm *vm)
{
    unsigned k;
    if (!vm)
        return;
    for (k = 0; k < X86_MARK_TOP; k++) {
        free(atomic_load(&vm->mark[k]));
        free(atomic_load(&vm->lines[k]));
    }
    pthread_mutex_destroy(&vm->split_lock);
    pthread_mutex_destroy(&vm->lock);
    free(vm);
}

static void x86_stats_init(X86Cpu *c)
{
    struct {
        uint64_t **slot;
        const char *name, *unit, *help;
    } list[] = {
        {&c->stats.blocks, "blocks", "blocks", "blocks decoded"},
        {&c->stats.insns, "insns", "instructions", "instructions decoded"},
        {&c->stats.tlb_fills, "tlb_fills", "entries", "data TLB misses"},
        {&c->stats.code_writes, "code_writes", "stores", "stores that hit decoded code"},
        {&c->stats.exceptions, "exceptions", "events", "exceptions delivered"},
        {&c->stats.interrupts, "interrupts", "events", "interrupts and NMIs delivered"},
        {&c->stats.mmio, "mmio", "accesses", "accesses that went to a device"},
    };
    unsigned k;
    for (k = 0; k < sizeof(list) / sizeof(list[0]); k++) {
        *list[k].slot = c->h->counter(c->v, list[k].name, list[k].unit, list[k].help);
        if (!*list[k].slot)
            *list[k].slot = &c->local_count;
    }
}

viv_status_t x86_cpu_create(X86Vm *vm, viv_vcpu_t *vcpu, X86Cpu **ret_cpu)
{
    X86Cpu *c;
    uint32_t k;
    if (vcpu->index >= X86_VCPUS_MAX)
        return VIV_E_INVALID;
    c = aligned_alloc(64, (sizeof(*c) + 63) & ~(size_t)63);
    if (!c)
        return VIV_E_NOMEM;
    memset(c, 0, sizeof(*c));
    c->vm = vm;
    c->v = vcpu;
    c->h = vcpu->host;
    c->s = vcpu->cpu;
    c->ff = &vcpu->ff;
    c->delivering = -1;
    c->cache_limit = c->h->option_u64(vcpu, "CodeCacheMiB", 64) << 20;
    for (k = 0; k < X86_TLB_SIZE; k++)
        c->tlb_none[k].rd = c->tlb_none[k].wr = X86_TAG_INVALID;
    for (k = 0; k < X86_PGC_SIZE; k++)
        c->pgc[k].gpa = ~0ull;
    pthread_mutex_init(&c->req_lock, NULL);
    x86_stats_init(c);
    x86_quiet_init();
    x86_fast_init();
    c->host_cache = x86_host_cache_create();
    if (!c->host_cache || !x86_decode_init(c)) {
        x86_cpu_destroy(c);
        return VIV_E_NOMEM;
    }
    c->bank = &c->banks[0];
    x86_tlb_flush(c);
    pthread_mutex_lock(&vm->lock);
    vm->cpus[vcpu->index] = c;
    pthread_mutex_unlock(&vm->lock);
    *ret_cpu = c;
    return VIV_OK;
}

void x86_cpu_destroy(X86Cpu *c)
{
    if (!c)
        return;
    pthread_mutex_lock(&c->vm->lock);
    if (c->vm->cpus[c->v->index] == c)
        c->vm->cpus[c->v->index] = NULL;
    pthread_mutex_unlock(&c->vm->lock);
    c->blk = NULL;
    x86_break_restore(c);
    x86_code_drop_all(c);
    x86_code_free_dead(c);
    free(c->scratch);
    x86_decode_finish(c);
    x86_host_cache_destroy(c->host_cache);
    pthread_mutex_destroy(&c->req_lock);
    free(c);
}

/* -- features: what CPUID promises decides what CR4 and the page tables may hold --------------- */
/* A leaf, or zeros when max says that there is none. */
static void x86_leaf(X86Cpu *c, uint32_t max, uint32_t leaf, uint32_t sub, uint32_t r[4])
{
    memset(r, 0, 4 * sizeof(r[0]));
    if (leaf <= max && (max ^ leaf) >> 31 == 0)
        c->h->cpuid(c->v, leaf, sub, r);
}

/* CR4, and the feature in front of each of its bits. PCE came with RDPMC. */
static uint64_t x86_cr4_mask(const X86Features *f)
{
    static const struct {
        uint16_t word; /* in X86Features */
        uint8_t bit;
        uint32_t cr4;
    } list[] = {
        {offsetof(X86Features, l1_edx), 1, X86_CR4_VME | X86_CR4_PVI},
        {offsetof(X86Features, l1_edx), 2, X86_CR4_DE},
        {offsetof(X86Features, l1_edx), 3, X86_CR4_PSE},
        {offsetof(X86Features, l1_edx), 4, X86_CR4_TSD},
        {offsetof(X86Features, l1_edx), 6, X86_CR4_PAE},
        {offsetof(X86Features, l1_edx), 7, X86_CR4_MCE},
        {offsetof(X86Features, l1_edx), 13, X86_CR4_PGE},
        {offsetof(X86Features, l1_edx), 24, X86_CR4_OSFXSR},
        {offsetof(X86Features, l1_edx), 25, X86_CR4_OSXMMEXCPT},
        {offsetof(X86Features, l1_ecx), 17, X86_CR4_PCIDE},
        {offsetof(X86Features, l1_ecx), 26, X86_CR4_OSXSAVE},
        {offsetof(X86Features, l7_ebx), 0, X86_CR4_FSGSBASE},
        {offsetof(X86Features, l7_ebx), 7, X86_CR4_SMEP},
        {offsetof(X86Features, l7_ebx), 20, X86_CR4_SMAP},
        {offsetof(X86Features, l7_ecx), 2, X86_CR4_UMIP},
        {offsetof(X86Features, l7_ecx), 3, X86_CR4_PKE},
        {offsetof(X86Features, l7_ecx), 16, X86_CR4_LA57},
    };
    uint64_t mask = f->family >= 6 || (f->family == 5 && (f->l1_edx >> 23 & 1)) ? X86_CR4_PCE : 0;
    uint32_t k, word;
    for (k = 0; k < sizeof(list) / sizeof(list[0]); k++) {
        memcpy(&word, (const uint8_t *)f + list[k].word, sizeof(word));
        mask |= word >> list[k].bit & 1 ? list[k].cr4 : 0;
    }
    return mask;
}

static uint64_t x86_efer_mask(const X86Features *f)
{
    return (f->e1_edx & (1u << 11) ? X86_EFER_SCE : 0) |
           (f->e1_edx & (1u << 20) ? X86_EFER_NXE : 0) |
           (f->e1_edx & (1u << 25) ? X86_EFER_FFXSR : 0) |
           (f->e1_edx & (1u << 29) ? X86_EFER_LME | X86_EFER_LMA : 0);
}

/* SDM vol. 3, 23.16 and 23.17: AC came with the 486, ID with CPUID, VIF and VIP with VME. */
static uint64_t x86_flags_mask(const X86Features *f)
{
    uint64_t mask = X86_FL_ARITH | X86_FL_TF | X86_FL_IF | X86_FL_DF | X86_FL_IOPL | X86_FL_NT |
                    X86_FL_RF | X86_FL_VM;
    mask |= f->family >= 4 ? X86_FL_AC : 0;
    mask |= f->l1_edx & (1u << 1) ? X86_FL_VIF | X86_FL_VIP : 0;
    return mask | (f->cpuid ? X86_FL_ID : 0);
}

/* The FPU and vector units' features, each with those that it stands on. */
static uint64_t x86_units_load(X86Cpu *c, uint32_t max, uint32_t emax)
{
    uint64_t units = 0;
    uint32_t r[4], k;
    for (k = 0; k < X86_HOST_FEATURE_COUNT; k++) {
        const X86HostFeatureBit *b = &x86_host_features[k];
        x86_leaf(c, b->leaf >> 31 ? emax : max, b->leaf, b->subleaf, r);
        units |= (uint64_t)(r[b->reg] >> b->bit & 1) << k;
    }
    for (k = 0; k < X86_HOST_FEATURE_COUNT; k++)
        if (!(units >> x86_host_features[k].also & 1))
            units &= ~(1ull << k);
    return units;
}

/* The guest's programs will choose by CPUID and meet #UD: the user hears of it, once. */
static void x86_units_check(X86Cpu *c, uint64_t units)
{
    char text[256] = "";
    size_t at = 0;
    uint32_t k;
    if (c->v->index || c->units_said)
        return;
    for (k = 0; k < X86_HOST_FEATURE_COUNT && at < sizeof(text); k++)
        if ((units >> k & 1) && !x86_host_has((X86HostFeature)k))
            at += (size_t)snprintf(text + at, sizeof(text) - at, " %s", x86_host_features[k].name);
    if (!at)
        return;
    c->units_said = true;
    c->h->log(c->v, VIV_LOG_WARN,
              "the host's CPU lacks what the guest's promises:%s; choose a smaller model", text);
}

static void x86_features_words(X86Cpu *c, X86Features *f, uint32_t max, uint32_t emax)
{
    uint32_t r[4];
    x86_leaf(c, max, 1, 0, r);
    f->l1_eax = r[0], f->l1_ebx = r[1], f->l1_ecx = r[2], f->l1_edx = r[3];
    x86_leaf(c, max, 7, 0, r);
    f->l7_ebx = r[1], f->l7_ecx = r[2], f->l7_edx = r[3];
    x86_leaf(c, max, 13, 1, r);
    f->d1_eax = r[0];
    x86_leaf(c, emax, 0x80000001u, 0, r);
    f->e1_ecx = r[2], f->e1_edx = r[3];
    f->phys_bits = f->l1_edx & (1u << 17 | 1u << 6) ? 36 : 32;
    f->lin_bits = f->l7_ecx & (1u << 16) ? 57 : 48;
    f->lin_mask = f->family == 0 ? 0xfffff : f->family == 2 ? 0xffffff : 0xffffffffu;
    x86_leaf(c, emax, 0x80000008u, 0, r);
    if ((r[0] & 0xff) >= 32 && (r[0] & 0xff) <= 52)
        f->phys_bits = r[0] & 0xff;
}

void x86_features_load(X86Cpu *c)
{
    X86Features *f = &c->feat;
    uint32_t r[4], max, emax;
    memset(f, 0, sizeof(*f));
    f->family = c->v->cpu_family;
    c->h->cpuid(c->v, 0, 0, r);
    f->cpuid = (r[0] | r[1] | r[2] | r[3]) != 0;
    f->intel = r[1] == 0x756e6547u;
    max = f->cpuid ? r[0] : 1; /* leaf 1 tells of an FPU even so */
    c->h->cpuid(c->v, 0x80000000u, 0, r);
    emax = r[0] >> 16 == 0x8000u ? r[0] : 0x80000000u;
    x86_features_words(c, f, max, emax);
    f->units = x86_units_load(c, max, emax);
    x86_units_check(c, f->units);
    f->phys_mask = ((1ull << f->phys_bits) - 1) & X86_PAGE_MASK;
    f->cr0_mask = f->family == 3 ? 0x8000001fu : 0xe005003fu;
    f->cr4_mask = x86_cr4_mask(f);
    f->efer_mask = x86_efer_mask(f);
    f->flags_mask = x86_flags_mask(f);
    x86_isa_load(f);
    x86_decode_vendor(c);
}

/* VIF and VIP, where they count (SDM vol. 3, 20.3.2 and 20.4): IRET and a task switch can set both. */
static bool x86_vip_waits(const X86Cpu *c)
{
    uint64_t fl = c->s->rflags;
    return (fl & X86_FL_VIF) && (fl & X86_FL_VIP) && c->cpl == 3 &&
           (fl & X86_FL_IOPL) != X86_FL_IOPL &&
           (c->s->cr4 & (fl & X86_FL_VM ? X86_CR4_VME : X86_CR4_PVI));
}

/* -- derived state ----------------------------------------------------------------------------- */
void x86_segs_update(X86Cpu *c)
{
    bool real = x86_real_or_v86(c);
    bool code64 = x86_code64(c);
    uint32_t k;
    for (k = 0; k < 6; k++) {
        const viv_segreg_t *s = &c->s->seg[k];
        int64_t limit = s->limit;
        bool down = (s->attr & 0x1c) == 0x14;
        if (code64) {
            c->segbase[k] = k >= VIV_SEG_FS ? s->base : 0;
            c->seg_r[k] = c->seg_w[k] = INT64_MAX;
            continue;
        }
        c->segbase[k] = s->base & 0xffffffffu;
        c->seg_r[k] = c->seg_w[k] = -1;
        if (down)
            continue;
        if (real) {
            c->seg_r[k] = c->seg_w[k] = limit;
        } else if (!(s->attr & VIV_ATTR_UNUSABLE) && (s->attr & VIV_ATTR_P)) {
            if ((s->attr & 0xa) != 0x8)
                c->seg_r[k] = limit;
            if ((s->attr & 0xa) == 0x2)
                c->seg_w[k] = limit;
        }
    }
    c->segbase[X86_SEG_NONE] = 0;
    c->seg_r[X86_SEG_NONE] = c->seg_w[X86_SEG_NONE] = INT64_MAX;
}

uint32_t x86_set_of(const X86Cpu *c, uint32_t cpl)
{
    if (cpl == 3)
        return X86_SET_USER;
    if ((c->s->cr4 & X86_CR4_SMAP) && (c->s->rflags & X86_FL_AC))
        return X86_SET_SUP_AC;
    return X86_SET_SUP;
}

void x86_set_update(X86Cpu *c)
{
    c->set = x86_set_of(c, c->cpl);
    c->ac_check = c->cpl == 3 && (c->s->cr0 & X86_CR0_AM) && (c->s->rflags & X86_FL_AC);
    c->tlb = c->ac_check ? c->tlb_none : c->bank->tlbs[c->set];
}

void x86_mode_update(X86Cpu *c)
{
    const viv_segreg_t *cs = &c->s->seg[VIV_SEG_CS], *ss = &c->s->seg[VIV_SEG_SS];
    uint32_t mode;
    if (!(c->s->cr0 & X86_CR0_PE))
        c->cpl = 0;
    else if (c->s->rflags & X86_FL_VM)
        c->cpl = 3;
    else
        c->cpl = (ss->attr >> 5) & 3;
    if (x86_long(c) && (cs->attr & VIV_ATTR_L))
        mode = X86_MODE_64;
    else
        mode = cs->attr & VIV_ATTR_DB ? X86_MODE_32 : X86_MODE_16;
    c->linmask = mode == X86_MODE_64 ? ~0ull : c->feat.lin_mask;
    c->code_last = mode == X86_MODE_64 ? ~0ull : cs->limit;
    if (mode == X86_MODE_64)
        c->spmask = ~0ull;
    else
        c->spmask = ss->attr & VIV_ATTR_DB ? 0xffffffffu : 0xffffu;
    if (mode != X86_MODE_64 && (ss->attr & VIV_ATTR_DB))
        mode |= X86_MODE_SS32;
    if (x86_is_286(c) && c->cpl > ((c->s->rflags & X86_FL_IOPL) >> 12))
        mode |= X86_MODE_LOCK;
    c->mode = mode;
    c->jc_tag = x86_jc_tag(c, mode);
    c->canon_shift = !x86_long(c) ? 63 : c->s->cr4 & X86_CR4_LA57 ? 56 : 47;
    x86_segs_update(c);
    x86_set_update(c);
    x86_host_gate_update(c);
    c->slow = (c->slow & ~X86_SLOW_VIP) | (x86_vip_waits(c) ? X86_SLOW_VIP : 0);
}

void x86_ff_update(X86Cpu *c)
{
    const viv_cpu_t *s = c->s;
    uint32_t slow = c->slow & X86_SLOW_REQ, k;
    c->ff_mask = VIV_FF_EXIT | X86_FF_REQUEST;
    if (!s->nmi_blocked)
        c->ff_mask |= VIV_FF_NMI;
    if (s->rflags & X86_FL_IF)
        c->ff_mask |= VIV_FF_INTR;
    if (s->shadow)
        slow |= X86_SLOW_SHADOW;
    if (s->rflags & X86_FL_TF)
        slow |= X86_SLOW_TF;
    if (s->rflags & X86_FL_RF)
        slow |= X86_SLOW_RF;
    if (s->pending_db)
        slow |= X86_SLOW_DB;
    if (s->activity != VIV_ACT_RUNNING)
        slow |= X86_SLOW_EXIT;
    if (x86_vip_waits(c))
        slow |= X86_SLOW_VIP;
    if (s->dr[7] & 0xff)
        for (k = 0; k < 4; k++)
            if (((s->dr[7] >> (k * 2)) & 3) && !((s->dr[7] >> (16 + k * 4)) & 3))
                slow |= X86_SLOW_BP;
    c->slow = slow;
}

static bool x86_data_bps(uint64_t dr7)
{
    uint32_t k;
    for (k = 0; k < 4; k++)
        if (((dr7 >> (k * 2)) & 3) && ((dr7 >> (16 + k * 4)) & 3))
            return true;
    return false;
}

void x86_load(X86Cpu *c)
{
    viv_cpu_t *s = c->s;
    bool dr_data = x86_data_bps(s->dr[7]);
    memcpy(c->r, s->gpr, sizeof(s->gpr));
    c->r[X86_ZERO] = 0;
    c->r[X86_PC] = s->rip;
    c->icnt = s->icount;
    c->istop = c->v->icount_limit;
    c->cur = NULL;
    c->blk = NULL;
    c->link = 0;
    c->exc_pending = false;
    c->delivering = -1;
    x86_flags_set_arith(c, s->rflags);
    if (!c->loaded) {
        x86_features_load(c);
        x86_host_state_loaded(s);
        c->ferr = !(s->cr0 & X86_CR0_NE) && (s->xsave[2] & 0x80);
        x86_map_changed(c);
        x86_code_drop_all(c); /* decoded for other features, or from other memory */
        x86_code_free_dead(c);
        x86_paging_load(c);
        c->loaded = true;
    }
    if (dr_data != c->dr_data)
        x86_tlb_flush(c);
    c->dr_data = dr_data;
    x86_mode_update(c);
    x86_ff_update(c);
    if (atomic_load(&c->requests))
        c->slow |= X86_SLOW_REQ;
}

void x86_sync(X86Cpu *c)
{
    viv_cpu_t *s = c->s;
    memcpy(s->gpr, c->r, sizeof(s->gpr));
    s->rflags = x86_flags_get(c);
    s->rip = x86_cur_pc(c);
    s->icount = c->cur ? c->icnt - (c->blk->n - c->cur->idx) : c->icnt;
    atomic_store_explicit(&c->in_guest, 0, memory_order_release);
}

void x86_host_call_done(X86Cpu *c)
{
    atomic_store(&c->in_guest, 1);
    if (X86_UNLIKELY(atomic_load(&c->requests) != 0)) {
        c->slow |= X86_SLOW_REQ;
        if (atomic_load(&c->requests) & X86_REQ_WTLB)
            x86_tlb_drop_writes(c, ~0ull);
    }
    if ((*c->ff & c->ff_mask) | c->slow)
        x86_break_after(c);
}

/* [emt, not within run()] */
void x86_state_loaded(X86Cpu *c)
{
    c->loaded = false;
}
