/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* paging: see paging.h. */
#include "paging.h"

#include <stdlib.h>
#include <string.h>

const PagingCpu paging_cpus[] = {
    {"x86-64-v3,+la57", 40, true, true, true, true, true, true, true, true, true, true},
    {"x86-64-v3,-pku,-pdpe1gb", 40, true, true, true, true, true, false, false, false, true, true},
    {"core2", 40, true, true, true, true, true, false, false, false, false, false},
    {"pentium3", 36, true, true, true, false, false, false, false, false, false, false},
    {"pentium3,-pat,-pse36", 36, false, false, true, false, false, false, false, false, false,
     false},
    {"pentium", 32, false, false, false, false, false, false, false, false, false, false},
};
const uint32_t paging_cpu_count = sizeof(paging_cpus) / sizeof(paging_cpus[0]);

/* -- the environment --------------------------------------------------------------------------- */
#define ENV_IDT   0x32000u
#define ENV_GDT   0x33000u
#define ENV_TSS   0x34000u
#define ENV_PAGES 64u /* of 4 KiB, from 0x10000 on */

#define CR0_PE  0x1u
#define CR0_WP  0x10000u
#define CR0_PG  0x80000000u
#define CR4_PSE 0x10u
#define CR4_PAE 0x20u
#define EFER_LM 0x500u
#define EFER_NX 0x800u

static bool mode_long(PagingMode mode)
{
    return mode >= PAGING_LONG4;
}

static uint32_t mode_width(PagingMode mode)
{
    return mode == PAGING_LEGACY ? 4 : 8;
}

/* The linear address bit where the index of a level begins. */
static uint32_t level_shift(PagingMode mode, uint32_t level)
{
    static const uint8_t shifts[PAGING_MODES][5] = {
        {22, 12}, {30, 21, 12}, {39, 30, 21, 12}, {48, 39, 30, 21, 12}};
    return shifts[mode][level];
}

static uint32_t level_index(PagingMode mode, uint32_t level, uint64_t lin)
{
    uint32_t bits = mode == PAGING_LEGACY ? 10 : mode == PAGING_PAE && level == 0 ? 2 : 9;
    return (uint32_t)(lin >> level_shift(mode, level)) & ((1u << bits) - 1);
}

static void env_put(Rig *rig, PagingMode mode, uint64_t gpa, uint64_t v)
{
    if (mode == PAGING_LEGACY)
        rig_w32(rig, gpa, (uint32_t)v);
    else
        rig_w64(rig, gpa, v);
}

static void env_tables(Rig *rig, PagingMode mode)
{
    uint64_t table = PAGING_ROOT, at;
    uint32_t level = 0;
    memset(rig->ram + PAGING_ROOT, 0, 0x18000);
    for (; level_shift(mode, level) != 12; level++, table += 0x1000)
        env_put(rig, mode, table, (table + 0x1000) | (mode == PAGING_PAE && level == 0 ? 1 : 0x27));
    for (at = 0x10000; at < 0x10000 + ENV_PAGES * 0x1000; at += 0x1000)
        env_put(rig, mode, table + (at >> 12) * mode_width(mode),
                at | (at == PAGING_CODE_USER ? 0x67 : 0x63));
}

static void env_gate(Rig *rig, bool wide, uint32_t vector)
{
    uint64_t lo = (PAGING_HANDLERS & 0xffff0000ull) << 32 | 0x8e0000080000ull |
                  ((PAGING_HANDLERS + vector * 16) & 0xffff);
    rig_w64(rig, ENV_IDT + vector * (wide ? 16u : 8u), lo);
    if (wide)
        rig_w64(rig, ENV_IDT + vector * 16 + 8, 0);
    rig->ram[PAGING_HANDLERS + vector * 16] = 0xf4;
}

static void env_system(Rig *rig, bool wide)
{
    viv_cpu_t *s = rig->cpu;
    uint32_t k;
    for (k = 0; k < 32; k++)
        env_gate(rig, wide, k);
    rig_w64(rig, ENV_GDT + 0x08, wide ? 0x00af9b000000ffffull : 0x00cf9b000000ffffull);
    rig_w64(rig, ENV_GDT + 0x10, 0x00cf93000000ffffull);
    memset(rig->ram + ENV_TSS, 0, 0x68);
    rig_w32(rig, ENV_TSS + 4, PAGING_STACK);
    if (!wide)
        rig_w32(rig, ENV_TSS + 8, 0x10);
    s->idtr = (viv_tablereg_t){.base = ENV_IDT, .limit = 0x1ff};
    s->gdtr = (viv_tablereg_t){.base = ENV_GDT, .limit = 0x3f};
    s->tr = (viv_segreg_t){.base = ENV_TSS, .limit = 0x67, .attr = 0x8b, .sel = 0x28};
}

void paging_env(Rig *rig, PagingMode mode, uint32_t cpl)
{
    viv_cpu_t *s = rig->cpu;
    bool wide = mode_long(mode);
    rig_flat32(rig, cpl == 3 ? PAGING_CODE_USER : PAGING_CODE, cpl);
    env_tables(rig, mode);
    env_system(rig, wide);
    if (wide)
        s->seg[VIV_SEG_CS].attr = 0xa09bu | cpl << VIV_ATTR_DPL_SHIFT;
    s->cr0 = CR0_PE | CR0_PG | 0x10;
    s->cr3 = PAGING_ROOT;
    s->cr4 = mode == PAGING_LEGACY ? 0 : CR4_PAE | (mode == PAGING_LONG5 ? 0x1000 : 0);
    s->efer = wide ? EFER_LM : 0;
    s->gpr[VIV_REG_RSP] = PAGING_STACK;
    s->xsave[513] = 2; /* PKRU is there */
    if (mode == PAGING_PAE)
        memcpy(s->pdpte, rig->ram + PAGING_ROOT, sizeof(s->pdpte));
}

int paging_vector(const Rig *rig)
{
    uint64_t at = rig->cpu->rip - PAGING_HANDLERS;
    return rig->cpu->activity == VIV_ACT_HALTED && at < 512 ? (int)(at / 16) : -1;
}

uint32_t paging_error(const Rig *rig)
{
    return rig_r32(rig, rig->cpu->gpr[VIV_REG_RSP] & 0xffffff);
}

/* -- the model --------------------------------------------------------------------------------- */
#define E_P  0x1u
#define E_W  0x2u
#define E_U  0x4u
#define E_A  0x20u
#define E_D  0x40u
#define E_PS 0x80u
#define E_G  0x100u

#define BITS(high, low) ((~0ull >> (63 - (high))) & (~0ull << (low)))

typedef struct Verdict {
    bool fault;
    uint32_t error;
    uint32_t levels;
    uint64_t gpa;
    uint64_t at[5];    /* where the entries are */
    uint64_t after[5]; /* what they are to be */
} Verdict;

static uint64_t model_read(const Rig *rig, uint64_t gpa, uint32_t width)
{
    uint64_t v = width == 4 ? 0xffffffffu : ~0ull;
    if (gpa + width <= rig->ram_bytes)
        v = width == 4 ? rig_r32(rig, gpa) : rig_r64(rig, gpa);
    return v;
}

/* Does the entry map a page? */
static bool model_leaf(const PagingCase *t, uint32_t shift, uint64_t e)
{
    if (shift == 12)
        return true;
    if (t->mode == PAGING_LEGACY)
        return t->pse && (e & E_PS);
    return shift <= 30 && (e & E_PS);
}

/* Tables 4-4 to 4-20. */
static uint64_t model_reserved(const PagingCase *t, uint32_t shift, uint64_t e)
{
    const PagingCpu *cpu = t->cpu;
    uint64_t rsvd = 0, no_pat = cpu->pat ? 0 : shift == 12 ? 0x80 : 0x1000;
    bool leaf = model_leaf(t, shift, e);
    if (t->mode == PAGING_LEGACY) {
        uint32_t m = cpu->maxphyaddr > 40 ? 40 : cpu->maxphyaddr;
        if (shift == 22 && leaf)
            rsvd = cpu->pse36 ? BITS(21, m - 19) : BITS(21, 13);
        return leaf && t->pse ? rsvd | no_pat : rsvd;
    }
    rsvd = BITS(51, cpu->maxphyaddr) | (leaf ? no_pat : 0);
    if (t->mode == PAGING_PAE)
        rsvd |= BITS(62, 52);
    if (!t->nxe)
        rsvd |= BITS(63, 63);
    if (shift >= 39 || (shift == 30 && !cpu->gib))
        rsvd |= E_PS;
    if (shift >= 39 && cpu->amd)
        rsvd |= E_G;
    if (leaf && shift > 12)
        rsvd |= BITS(shift - 1, 13);
    return rsvd;
}

/* 4.6.1: is an access with these rights allowed, protection keys aside? */
static bool model_allowed(const PagingCase *t, bool user_page, bool writable, bool nx)
{
    bool write = t->access == PAGING_WRITE || t->access == PAGING_RMW || t->access == PAGING_LOCKED;
    if (t->cpl == 3 && t->access != PAGING_IMPLICIT) {
        if (!user_page)
            return false;
        if (t->access == PAGING_FETCH)
            return !nx;
        return !write || writable;
    }
    if (t->access == PAGING_FETCH)
        return !nx && !(t->smep && user_page);
    if (user_page && t->smap && (t->access == PAGING_IMPLICIT || !t->ac))
        return false;
    return !write || writable || !t->wp;
}

/* 4.6.2 */
static bool model_key_denied(const PagingCase *t, bool user_page, uint64_t leaf)
{
    uint32_t key = (uint32_t)(leaf >> 59) & 15, ad, wd;
    bool write = t->access == PAGING_WRITE || t->access == PAGING_RMW || t->access == PAGING_LOCKED;
    bool user = t->cpl == 3 && t->access != PAGING_IMPLICIT;
    if (!mode_long(t->mode) || !t->pke || !user_page || t->access == PAGING_FETCH)
        return false;
    ad = t->pkru >> (2 * key) & 1;
    wd = t->pkru >> (2 * key + 1) & 1;
    return ad || (wd && write && (user || t->wp));
}

/* 4.7 */
static void model_fault(const PagingCase *t, Verdict *v, uint32_t why)
{
    v->fault = true;
    v->error = why;
    if (t->access == PAGING_WRITE || t->access == PAGING_RMW || t->access == PAGING_LOCKED)
        v->error |= 2;
    if (t->cpl == 3 && t->access != PAGING_IMPLICIT)
        v->error |= 4;
    if (t->access == PAGING_FETCH && (t->smep || (t->mode != PAGING_LEGACY && t->nxe)))
        v->error |= 16;
}

static uint64_t model_address(const PagingCase *t, uint32_t shift, uint64_t e)
{
    uint64_t in_page = t->lin & BITS(shift - 1, 0);
    if (t->mode != PAGING_LEGACY)
        return (e & BITS(t->cpu->maxphyaddr - 1, shift)) | in_page;
    if (shift == 12)
        return (e & 0xfffff000u) | in_page;
    return (e & 0xffc00000u) | (e & BITS(20, 13)) << 19 | in_page;
}

static void model_walk(const Rig *rig, const PagingCase *t, Verdict *v)
{
    uint32_t width = mode_width(t->mode), level;
    uint64_t table = PAGING_ROOT, e = 0;
    bool user = true, writable = true, nx = false;
    memset(v, 0, sizeof(*v));
    for (level = 0;; level++) {
        uint32_t shift = level_shift(t->mode, level);
        uint64_t at = table + level_index(t->mode, level, t->lin) * width;
        e = t->mode == PAGING_PAE && level == 0 ? t->ent[0] : model_read(rig, at, width);
        v->at[level] = at;
        v->after[level] = e;
        v->levels = level + 1;
        if (!(e & E_P)) {
            model_fault(t, v, 0);
            return;
        }
        if (t->mode != PAGING_PAE || level != 0) {
            if (e & model_reserved(t, shift, e)) {
                model_fault(t, v, 1 | 8);
                return;
            }
            user &= (e & E_U) != 0;
            writable &= (e & E_W) != 0;
            nx |= width == 8 && (e >> 63);
            if (model_leaf(t, shift, e)) {
                v->gpa = model_address(t, shift, e);
                break;
            }
        }
        table = t->mode == PAGING_LEGACY ? e & 0xfffff000u : e & BITS(t->cpu->maxphyaddr - 1, 12);
    }
    if (model_key_denied(t, user, e))
        model_fault(t, v, 1 | 32);
    else if (!model_allowed(t, user, writable, nx))
        model_fault(t, v, 1);
    if (v->fault)
        return;
    for (level = t->mode == PAGING_PAE; level < v->levels; level++)
        v->after[level] |= E_A;
    if (t->access == PAGING_WRITE || t->access == PAGING_RMW || t->access == PAGING_LOCKED)
        v->after[v->levels - 1] |= E_D;
}

/* -- drawing ----------------------------------------------------------------------------------- */
static uint64_t draw_flags(PagingDraw draw, void *stream, PagingMode mode)
{
    uint64_t e = draw(stream, 24) ? E_P : 0;
    e |= draw(stream, 4) ? E_W : 0;
    e |= draw(stream, 4) ? E_U : 0;
    e |= draw(stream, 2) ? E_A : 0;
    e |= draw(stream, 2) ? E_D : 0;
    e |= draw(stream, 8) << 9; /* ignored */
    e |= draw(stream, 4) << 3; /* PWT, PCD */
    e |= draw(stream, 2) << 8; /* G */
    if (mode != PAGING_LEGACY && !draw(stream, 6))
        e |= 1ull << 63;
    if (mode_long(mode))
        e |= draw(stream, 2048) << 52; /* ignored, key */
    return e;
}

/* A bit of any kind flips now and then: reserved ones, PAT, address bits that lead to nowhere. */
static uint64_t draw_flip(PagingDraw draw, void *stream, PagingMode mode)
{
    if (draw(stream, 12))
        return 0;
    return 1ull << (7 + draw(stream, mode == PAGING_LEGACY ? 25 : 57));
}

static uint64_t draw_page(PagingDraw draw, void *stream, uint32_t shift)
{
    switch (shift) {
    case 12: return 0x400000 + draw(stream, 0xc00) * 0x1000;
    case 21: return 0x400000 + draw(stream, 6) * 0x200000;
    case 22: return 0x400000 + draw(stream, 3) * 0x400000;
    default: return 0;
    }
}

static uint64_t draw_lin(PagingDraw draw, void *stream, const PagingCase *t)
{
    uint32_t top = level_shift(t->mode, 0);
    uint64_t count = t->mode == PAGING_LEGACY ? 1023 : t->mode == PAGING_PAE ? 3 : 511;
    uint64_t lin = (1 + draw(stream, count)) << top, low;
    lin |= draw(stream, 1ull << (top - 12)) << 12;
    low = draw(stream, 0x1000) & ~7ull;
    if (mode_long(t->mode)) /* sign-extended */
        lin = (uint64_t)((int64_t)(lin << (55 - top)) >> (55 - top));
    return lin | low;
}

/* Entries from the top down to the page. */
static void draw_entries(PagingCase *t, PagingDraw draw, void *stream)
{
    uint32_t level = 0;
    bool leaf = false;
    if (t->mode == PAGING_PAE)
        t->ent[level++] = (PAGING_TABLES + 0x1000) | (draw(stream, 24) ? 1 : 0);
    for (; !leaf; level++) {
        uint32_t shift = level_shift(t->mode, level);
        uint64_t e = draw_flags(draw, stream, t->mode);
        bool may = t->mode == PAGING_LEGACY ? t->pse : shift <= 30;
        leaf = shift == 12 || (may && !draw(stream, 3));
        if (leaf)
            e |= draw_page(draw, stream, shift) | (shift != 12 ? E_PS : 0);
        else
            e |= PAGING_TABLES + 0x1000 * (level + 1);
        if (leaf && shift == 30) /* where there is memory */
            t->lin = (t->lin & ~BITS(29, 12)) | draw_page(draw, stream, 12);
        t->ent[level] = e ^ draw_flip(draw, stream, t->mode);
    }
}

void paging_draw(PagingCase *t, const PagingCpu *cpu, PagingDraw draw, void *stream)
{
    uint32_t modes = !cpu->pae ? 1 : !cpu->lm ? 2 : !cpu->la57 ? 3 : 4;
    memset(t, 0, sizeof(*t));
    t->cpu = cpu;
    t->mode = (PagingMode)draw(stream, modes);
    t->access = (PagingAccess)draw(stream, PAGING_ACCESSES);
    t->cpl = draw(stream, 2) ? 3 : 0;
    t->wp = draw(stream, 2);
    t->pse = draw(stream, 2);
    t->smep = cpu->smep && draw(stream, 2);
    t->smap = cpu->smep && draw(stream, 2);
    t->ac = draw(stream, 2);
    t->nxe = cpu->nx && draw(stream, 4);
    t->pke = cpu->pk && mode_long(t->mode) && draw(stream, 2);
    t->pkru = (uint32_t)draw(stream, 1ull << 32);
    t->lin = draw_lin(draw, stream, t);
    draw_entries(t, draw, stream);
}

/* -- running ----------------------------------------------------------------------------------- */
#define RFLAGS_AC 0x40000u

static const struct {
    uint8_t bytes[3], len;
} insns[PAGING_ACCESSES] = {
    [PAGING_READ] = {{0x8a, 0x03}, 2},         /* mov al, [rbx] */
    [PAGING_WRITE] = {{0x88, 0x03}, 2},        /* mov [rbx], al */
    [PAGING_RMW] = {{0x00, 0x03}, 2},          /* add [rbx], al */
    [PAGING_LOCKED] = {{0xf0, 0x00, 0x03}, 3}, /* lock add [rbx], al */
    [PAGING_FETCH] = {{0x90}, 1},              /* at the address itself */
    [PAGING_IMPLICIT] = {{0x8e, 0xe0}, 2},     /* mov fs, eax: from an LDT there */
};

static void case_tables(Rig *rig, const PagingCase *t)
{
    uint32_t level;
    for (level = t->mode == PAGING_PAE; level < 5 && t->ent[level]; level++) {
        uint64_t table = level ? PAGING_TABLES + level * 0x1000u : PAGING_ROOT;
        env_put(rig, t->mode,
                table + level_index(t->mode, level, t->lin) * (uint64_t)mode_width(t->mode),
                t->ent[level]);
        if (level_shift(t->mode, level) == 12)
            break;
    }
}

static void case_state(Rig *rig, const PagingCase *t)
{
    viv_cpu_t *s = rig->cpu;
    paging_env(rig, t->mode, t->cpl);
    case_tables(rig, t);
    s->cr0 |= t->wp ? CR0_WP : 0;
    s->cr4 |= (t->pse ? CR4_PSE : 0) | (t->smep ? 0x100000u : 0) | (t->smap ? 0x200000u : 0) |
              (t->pke ? 0x400000u : 0);
    s->efer |= t->nxe ? EFER_NX : 0;
    s->rflags |= t->ac ? RFLAGS_AC : 0;
    if (t->mode == PAGING_PAE)
        s->pdpte[level_index(t->mode, 0, t->lin)] = t->ent[0];
    memcpy(s->xsave + VIV_XSAVE_PKRU_OFFSET, &t->pkru, 4);
    s->gpr[VIV_REG_RBX] = t->lin;
    if (t->access == PAGING_FETCH)
        s->rip = t->lin;
    if (t->access == PAGING_IMPLICIT) {
        s->ldtr = (viv_segreg_t){.base = t->lin, .limit = 0xffff, .attr = 0x82, .sel = 0x30};
        s->gpr[VIV_REG_RAX] = 4 | t->cpl;
    }
}

/* What lies at the address: NOPs, or a data segment of level 3 that has been accessed. */
static void case_content(Rig *rig, const PagingCase *t, uint64_t gpa)
{
    uint64_t v = t->access == PAGING_IMPLICIT ? 0x00cff3000000ffffull : 0x9090909090909090ull;
    if (gpa + 8 <= rig->ram_bytes)
        rig_load(rig, gpa, &v, 8);
}

static char case_text[512];

static const char *case_fail(const PagingCase *t, const char *what, uint64_t is, uint64_t should)
{
    snprintf(
        case_text, sizeof(case_text),
        "%s %llx, should be %llx: cpu %s mode %d access %d cpl %u wp %d pse %d smep %d smap %d "
        "ac %d nxe %d pke %d pkru %x lin %llx entries %llx %llx %llx %llx %llx",
        what, (unsigned long long)is, (unsigned long long)should, t->cpu->spec, (int)t->mode,
        (int)t->access, t->cpl, t->wp, t->pse, t->smep, t->smap, t->ac, t->nxe, t->pke, t->pkru,
        (unsigned long long)t->lin, (unsigned long long)t->ent[0], (unsigned long long)t->ent[1],
        (unsigned long long)t->ent[2], (unsigned long long)t->ent[3],
        (unsigned long long)t->ent[4]);
    return case_text;
}

static const char *case_marks(const Rig *rig, const PagingCase *t, const Verdict *v)
{
    uint32_t width = mode_width(t->mode), level, k;
    for (level = t->mode == PAGING_PAE; level < v->levels; level++) {
        uint64_t should = 0, is = model_read(rig, v->at[level], width);
        if (v->at[level] + width > rig->ram_bytes || (v->at[level] ^ v->gpa) < 0x1000)
            continue;
        for (k = 0; k < v->levels; k++) /* one entry may serve two levels */
            should |= v->at[k] == v->at[level] ? v->after[k] : 0;
        if (is != should)
            return case_fail(t, "an entry is", is, should);
    }
    return NULL;
}

/* A flipped bit led into the environment, which is in use. */
static bool case_astray(const Verdict *v)
{
    uint32_t level;
    for (level = 0; level < v->levels; level++)
        if (v->at[level] >= PAGING_CODE_USER && v->at[level] < 0x10000 + ENV_PAGES * 0x1000)
            return true;
    return !v->fault && v->gpa < 0x400000;
}

const char *paging_check(Rig *rig, const PagingCase *t)
{
    uint64_t lin = t->lin;
    uint32_t exit;
    int vector;
    Verdict v;
    case_state(rig, t);
    model_walk(rig, t, &v);
    if (case_astray(&v))
        return NULL;
    if (!v.fault)
        case_content(rig, t, v.gpa);
    rig_load(rig, PAGING_CODE, insns[t->access].bytes, insns[t->access].len);
    rig_load(rig, PAGING_CODE_USER, insns[t->access].bytes, insns[t->access].len);
    rig->engine->state_loaded(rig->vcpu.engine_self);
    exit = rig_run(rig, 1);
    vector = paging_vector(rig);
    if (exit != VIV_EXIT_BUDGET && vector < 0)
        return case_fail(t, "exit (and rip)", exit, rig->cpu->rip);
    if ((vector == 14) != v.fault)
        return case_fail(t, "vector is (1: #PF)", (uint64_t)(int64_t)vector, v.fault);
    if (v.fault && paging_error(rig) != v.error)
        return case_fail(t, "error code is", paging_error(rig), v.error);
    if (v.fault && rig->cpu->cr2 != lin)
        return case_fail(t, "CR2 is", rig->cpu->cr2, lin);
    return case_marks(rig, t, &v);
}
