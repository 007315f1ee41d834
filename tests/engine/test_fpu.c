/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x87, MMX, SSE and AVX as an engine shows them: what forbids which class, pending exceptions by
 * #MF and by FERR#, the last-instruction pointers in every mode, alignment checks, operands that
 * fault halfway, the XSAVE family. The arithmetic itself is tested against the host CPU beside the
 * x86 library.
 *
 * A case is one or a few instructions at CODE; behind them is code that ends the run, and so do the
 * handlers of all exceptions, with the vector. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "rig.h"

#define RAM_BYTES (4u << 20)
#define CODE      0x8000u /* real mode reaches it too */
#define STUBS     0x600u
#define GDT       0x20000u
#define IDT       0x21000u
#define TSS       0x22000u
#define DATA      0x30000u /* two pages, the second unmapped in 64-bit mode */
#define NOT_THERE (DATA + 0x1000)
#define THROUGH   0xffu /* no exception */

#define UD 6u
#define NM 7u
#define GP 13u
#define PF 14u
#define MF 16u
#define AC 17u
#define XM 19u

typedef enum Mode { REAL, V86, PROT16, PROT32, LONG } Mode;

static Rig *rig_new(void)
{
    Rig *rig = rig_create(getenv("VIV_ENGINE_PLUGIN"), NULL, RAM_BYTES);
    ck_assert_ptr_nonnull(rig);
    return rig;
}

/* -- environments ------------------------------------------------------------------------------ */

/* mov al, vector; out 0F4h, al; hlt: the same in all modes. */
static void put_stub(Rig *rig, uint32_t at, uint8_t code)
{
    const uint8_t stub[] = {0xb0, code, 0xe6, RIG_PORT_EXIT, 0xf4};
    memcpy(rig->ram + at, stub, sizeof(stub));
}

static void put_tables(Rig *rig, Mode mode)
{
    viv_cpu_t *s = rig->cpu;
    uint64_t code0 = mode == LONG ? 0x00af9b000000ffffull : 0x00cf9b000000ffffull;
    rig_w64(rig, GDT + 8, code0);
    rig_w64(rig, GDT + 16, 0x00cf93000000ffffull);
    s->gdtr.base = GDT;
    s->gdtr.limit = 0x3f;
    s->idtr.base = IDT;
    s->idtr.limit = 0xfff;
    for (uint32_t n = 0; n < 64; n++) {
        uint64_t gate = (uint64_t)(STUBS + 8 * n) | 0x08u << 16 | 0x8e00ull << 32;
        rig_w64(rig, IDT + n * (mode == LONG ? 16 : 8), gate);
    }
    s->tr = (viv_segreg_t){.base = TSS, .limit = 0x67, .attr = 0x8b, .sel = 0x28};
    rig_w32(rig, TSS + 4, 0x70000);
    rig_w32(rig, TSS + 8, mode == LONG ? 0 : 0x10); /* 64-bit: upper half of RSP0 */
}

/* The window's pages: DATA is there, the one behind it is not. */
static void put_window(Rig *rig)
{
    rig_w64(rig, 0x3000, 0x4007);
    for (uint32_t k = 0; k < 512; k++)
        rig_w64(rig, 0x4000 + k * 8, k << 12 | 7);
    rig_w64(rig, 0x4000 + NOT_THERE / 4096 * 8, 0);
}

static void set_mode(Rig *rig, Mode mode, uint32_t cpl)
{
    viv_cpu_t *s = rig->cpu;
    memset(rig->ram, 0, 0x40000);
    if (mode == REAL || mode == V86) {
        rig_real(rig, 0, CODE);
        for (uint32_t n = 0; n < 64; n++)
            rig_w32(rig, 4 * n, STUBS + 8 * n);
    } else if (mode == LONG) {
        rig_long(rig, CODE, cpl);
        put_window(rig);
        s->cr4 |= 0x40000; /* OSXSAVE */
        s->xcr0 = 7;
    } else {
        rig_flat32(rig, CODE, cpl);
        s->cr4 |= 0x200;
    }
    s->cr0 |= 0x20; /* NE */
    s->gpr[VIV_REG_RDX] = 0;
    s->xsave[512] = 7; /* all components are as the image says */
    s->rflags |= cpl == 3 ? 0x3000 : 0;
    if (mode == V86) {
        s->cr0 |= 1;
        s->rflags |= 0x23000;
        for (unsigned k = 0; k < 6; k++)
            s->seg[k].attr = 0xf3;
    }
    if (mode == PROT16)
        s->seg[VIV_SEG_CS].attr &= ~VIV_ATTR_DB;
    if (mode != REAL)
        put_tables(rig, mode);
    for (uint8_t n = 0; n < 64; n++)
        put_stub(rig, STUBS + 8u * n, n);
}

/* Runs code with the state as it stands; the vector, or THROUGH. */
static uint32_t run_code(Rig *rig, const void *code, size_t len)
{
    rig_load(rig, CODE, code, len);
    put_stub(rig, (uint32_t)(CODE + len), THROUGH);
    rig_load(rig, CODE + len, rig->ram + CODE + len, 5);
    rig->cpu->rip = CODE;
    rig->exited = false;
    rig->engine->state_loaded(rig->vcpu.engine_self);
    ck_assert_uint_eq(rig_run(rig, 1000), VIV_EXIT_REQUEST);
    ck_assert(rig->exited);
    return rig->exit_code & 0xff;
}
#define RUN(rig, bytes) run_code((rig), (bytes), sizeof(bytes) - 1)

static void put16(Rig *rig, unsigned offset, unsigned value)
{
    uint16_t v = (uint16_t)value;
    memcpy(rig->cpu->xsave + offset, &v, 2);
}

static uint32_t get(const Rig *rig, unsigned offset, unsigned bytes)
{
    uint32_t v = 0;
    memcpy(&v, rig->cpu->xsave + offset, bytes);
    return v;
}

static void x87_pending(Rig *rig)
{
    put16(rig, 0, 0x37e);
    put16(rig, 2, 0x8081);
}

/* -- what forbids which class ------------------------------------------------------------------ */
typedef struct Forbid {
    const char *what;
    const char *code;
    uint8_t len;
    uint8_t vec[8]; /* by CR0: TS 1, MP 2, EM 4; SDM vol. 3, tables 2-2, 13-1, 14-1 */
    uint8_t no_osfxsr, no_osxsave, no_ymm, level3;
} Forbid;

#define T THROUGH
static const Forbid forbids[] = {
    {"fld1", "\xd9\xe8", 2, {T, NM, T, NM, NM, NM, NM, NM}, T, T, T, T},
    {"fnstsw ax", "\xdf\xe0", 2, {T, NM, T, NM, NM, NM, NM, NM}, T, T, T, T},
    {"fninit", "\xdb\xe3", 2, {T, NM, T, NM, NM, NM, NM, NM}, T, T, T, T},
    {"fisttp [rbx]", "\xdf\x0b", 2, {T, NM, T, NM, NM, NM, NM, NM}, T, T, T, T},
    {"fwait", "\x9b", 1, {T, T, T, NM, T, T, T, NM}, T, T, T, T},
    {"fxsave [rbx]", "\x0f\xae\x03", 3, {T, NM, T, NM, NM, NM, NM, NM}, T, T, T, T},
    {"fxrstor [rbx]", "\x0f\xae\x0b", 3, {T, NM, T, NM, NM, NM, NM, NM}, T, T, T, T},
    {"paddb mm", "\x0f\xfc\xc1", 3, {T, NM, T, NM, UD, UD, UD, UD}, T, T, T, T},
    {"pavgb mm", "\x0f\xe0\xc1", 3, {T, NM, T, NM, UD, UD, UD, UD}, T, T, T, T},
    {"emms", "\x0f\x77", 2, {T, NM, T, NM, UD, UD, UD, UD}, T, T, T, T},
    {"addps", "\x0f\x58\xc1", 3, {T, NM, T, NM, UD, UD, UD, UD}, UD, T, T, T},
    {"cvtps2pi", "\x0f\x2d\xc1", 3, {T, NM, T, NM, UD, UD, UD, UD}, UD, T, T, T},
    {"ldmxcsr [rbx]", "\x0f\xae\x13", 3, {T, NM, T, NM, UD, UD, UD, UD}, UD, T, T, T},
    {"vaddps", "\xc5\xf4\x58\xc2", 4, {T, NM, T, NM, T, NM, T, NM}, T, UD, UD, T},
    {"vzeroupper", "\xc5\xf8\x77", 3, {T, NM, T, NM, T, NM, T, NM}, T, UD, UD, T},
    {"xsave [rbx]", "\x0f\xae\x23", 3, {T, NM, T, NM, T, NM, T, NM}, T, UD, T, T},
    {"xrstor [rbx]", "\x0f\xae\x2b", 3, {T, NM, T, NM, T, NM, T, NM}, T, UD, T, T},
    {"xsaves [rbx]", "\x0f\xc7\x2b", 3, {T, NM, T, NM, T, NM, T, NM}, T, UD, T, GP},
    {"xgetbv", "\x0f\x01\xd0", 3, {T, T, T, T, T, T, T, T}, T, UD, T, T},
    {"prefetcht0 [rbx]", "\x0f\x18\x0b", 3, {T, T, T, T, T, T, T, T}, T, T, T, T},
    {"movnti [rbx]", "\x0f\xc3\x0b", 3, {T, T, T, T, T, T, T, T}, T, T, T, T},
    {"mfence", "\x0f\xae\xf0", 3, {T, T, T, T, T, T, T, T}, T, T, T, T},
    {"andn", "\xc4\xe2\x60\xf2\xc3", 5, {T, T, T, T, T, T, T, T}, T, T, T, T},
    {"crc32", "\xf2\x0f\x38\xf1\xc3", 5, {T, T, T, T, T, T, T, T}, T, T, T, T},
};

static uint32_t forbid_run(Rig *rig, const Forbid *f, uint32_t cpl, uint64_t cr0, uint64_t cr4_off,
                           uint64_t xcr0)
{
    set_mode(rig, LONG, cpl);
    rig->cpu->cr0 |= cr0;
    rig->cpu->cr4 &= ~cr4_off;
    rig->cpu->xcr0 = xcr0;
    rig->cpu->gpr[VIV_REG_RBX] = DATA;
    rig->cpu->gpr[VIV_REG_RAX] = 7;
    rig->cpu->gpr[VIV_REG_RCX] = 0;
    rig_w32(rig, DATA + 24, 0x1f80); /* valid for FXRSTOR */
    return run_code(rig, f->code, f->len);
}

START_TEST(forbidden)
{
    const Forbid *f = &forbids[_i];
    Rig *rig = rig_new();
    ck_assert(rig_model(rig, "x86-64-v3,+xsavec,+xsaves"));
    for (uint32_t k = 0; k < 8; k++) {
        uint64_t cr0 = (k & 1) << 3 | (k & 2) | (k & 4);
        ck_assert_msg(forbid_run(rig, f, 0, cr0, 0, 7) == f->vec[k], "%s, CR0 case %u: %u", f->what,
                      k, rig->exit_code);
    }
    ck_assert_msg(forbid_run(rig, f, 0, 0, 0x200, 7) == f->no_osfxsr, "%s, OSFXSR", f->what);
    ck_assert_msg(forbid_run(rig, f, 0, 0, 0x40000, 7) == f->no_osxsave, "%s, OSXSAVE", f->what);
    ck_assert_msg(forbid_run(rig, f, 0, 0, 0, 3) == f->no_ymm, "%s, XCR0", f->what);
    ck_assert_msg(forbid_run(rig, f, 3, 0, 0, 7) == f->level3, "%s, level 3", f->what);
    /* #UD goes before #NM */
    if (f->no_osxsave == UD)
        ck_assert_uint_eq(forbid_run(rig, f, 0, 8, 0x40000, 7), UD);
    rig_destroy(rig);
}
END_TEST

/* The gate follows CLTS, LMSW, MOV to CR0 and CR4, XSETBV, and FSW.ES within one block. */
START_TEST(gate_follows)
{
    Rig *rig = rig_new();
    set_mode(rig, LONG, 0);
    rig->cpu->cr0 |= 8;
    ck_assert_uint_eq(RUN(rig, "\x0f\x06\xd9\xe8"), THROUGH); /* clts; fld1 */
    set_mode(rig, LONG, 0);
    /* fld1; mov rax, cr0; or al, 8; mov cr0, rax; fld1 */
    ck_assert_uint_eq(RUN(rig, "\xd9\xe8\x0f\x20\xc0\x0c\x08\x0f\x22\xc0\xd9\xe8"), NM);
    set_mode(rig, LONG, 0);
    /* xorps; mov rax, cr4; btr eax, 9; mov cr4, rax; xorps */
    ck_assert_uint_eq(RUN(rig, "\x0f\x57\xc0\x0f\x20\xe0\x0f\xba\xf0\x09\x0f\x22\xe0\x0f\x57\xc0"),
                      UD);
    set_mode(rig, LONG, 0);
    /* vzeroupper; xor ecx, ecx; xor edx, edx; mov eax, 3; xsetbv; vzeroupper */
    ck_assert_uint_eq(
        RUN(rig, "\xc5\xf8\x77\x31\xc9\x31\xd2\xb8\x03\0\0\0\x0f\x01\xd1\xc5\xf8\x77"), UD);
    set_mode(rig, LONG, 0);
    put16(rig, 0, 0x37b); /* ZE unmasked: fldz; fld1; fdivrp; fnop */
    ck_assert_uint_eq(RUN(rig, "\xd9\xee\xd9\xe8\xde\xf1\xd9\xd0"), MF);
    set_mode(rig, LONG, 0);
    put16(rig, 0, 0x37b); /* ...; fnclex; fnop */
    ck_assert_uint_eq(RUN(rig, "\xd9\xee\xd9\xe8\xde\xf1\xdb\xe2\xd9\xd0"), THROUGH);
    rig_destroy(rig);
}
END_TEST

/* VEX: not in real and virtual-8086 mode; not behind 66, F2, F3, LOCK, REX. SSE works in both. */
START_TEST(vex_prefixes)
{
    static const uint8_t before[] = {0x66, 0xf2, 0xf3, 0xf0, 0x48};
    uint8_t code[5] = {0, 0xc5, 0xf4, 0x58, 0xc2};
    Rig *rig = rig_new();
    for (unsigned k = 0; k < sizeof(before); k++) {
        set_mode(rig, LONG, 0);
        code[0] = before[k];
        ck_assert_msg(run_code(rig, code, 5) == UD, "%02x", code[0]);
    }
    code[0] = 0x2e; /* a segment override is fine */
    set_mode(rig, LONG, 0);
    ck_assert_uint_eq(run_code(rig, code, 5), THROUGH);
    for (Mode mode = REAL; mode <= V86; mode++) {
        set_mode(rig, mode, 0);
        rig->cpu->cr4 |= 0x40200;
        rig->cpu->xcr0 = 7;
        ck_assert_uint_eq(RUN(rig, "\xc5\xf4\x58\xc2"), UD);
        set_mode(rig, mode, 0);
        rig->cpu->cr4 |= 0x40200;
        ck_assert_uint_eq(RUN(rig, "\x0f\x58\xc1"), THROUGH);
    }
    rig_destroy(rig);
}
END_TEST

/* -- pending exceptions ------------------------------------------------------------------------ */
typedef struct Pending {
    const char *what;
    const char *code;
    uint8_t len, vec; /* with the operand in a page that is not there; as the host CPU does it */
} Pending;

static const Pending pendings[] = {
    {"fld [rbx]", "\xdd\x03", 2, MF},
    {"fst [rbx]", "\xd9\x13", 2, MF},
    {"fldcw [rbx]", "\xd9\x2b", 2, MF},
    {"fldenv [rbx]", "\xd9\x23", 2, MF},
    {"frstor [rbx]", "\xdd\x23", 2, MF},
    {"movq mm0, [rbx]", "\x0f\x6f\x03", 3, MF},
    {"movq [rbx], mm0", "\x0f\x7f\x03", 3, MF},
    {"cvtps2pi mm0, [rbx]", "\x0f\x2d\x03", 3, MF},
    {"maskmovq mm0, mm0", "\x0f\xf7\xc0", 3, MF},
    {"cvtpi2ps xmm0, mm0", "\x0f\x2a\xc0", 3, MF},
    {"movq2dq xmm0, mm0", "\xf3\x0f\xd6\xc0", 4, MF},
    {"emms", "\x0f\x77", 2, MF},
    {"fnop", "\xd9\xd0", 2, MF},
    {"ffree st0", "\xdd\xc0", 2, MF},
    {"fwait", "\x9b", 1, MF},
    {"cvtpi2ps xmm0, [rbx]", "\x0f\x2a\x03", 3, PF},
    {"addps xmm0, [rbx]", "\x0f\x58\x03", 3, PF},
    {"fnstcw [rbx]", "\xd9\x3b", 2, PF},
    {"fnsave [rbx]", "\xdd\x33", 2, PF},
    {"fxsave [rbx]", "\x0f\xae\x03", 3, PF},
    {"xrstor [rbx]", "\x0f\xae\x2b", 3, PF},
    {"fnstsw ax", "\xdf\xe0", 2, THROUGH},
    {"fnclex", "\xdb\xe2", 2, THROUGH},
    {"fninit", "\xdb\xe3", 2, THROUGH},
    {"fneni", "\xdb\xe0", 2, THROUGH},
    {"fndisi", "\xdb\xe1", 2, THROUGH},
    {"fnsetpm", "\xdb\xe4", 2, THROUGH},
};

START_TEST(pending_exception)
{
    const Pending *p = &pendings[_i];
    Rig *rig = rig_new();
    set_mode(rig, LONG, 0);
    x87_pending(rig);
    rig->cpu->gpr[VIV_REG_RBX] = rig->cpu->gpr[VIV_REG_RDI] = NOT_THERE;
    rig->cpu->gpr[VIV_REG_RAX] = 7;
    uint32_t vec = run_code(rig, p->code, p->len);
    ck_assert_msg(vec == p->vec, "%s: %u", p->what, vec);
    /* #NM goes before #MF, but for WAIT without MP */
    set_mode(rig, LONG, 0);
    x87_pending(rig);
    rig->cpu->cr0 |= 8;
    vec = run_code(rig, p->code, p->len);
    ck_assert_uint_eq(vec, p->len == 1 ? MF : NM);
    rig_destroy(rig);
}
END_TEST

/* A store that an unmasked exception suppresses faults all the same when its page is not there,
 * and then no exception is noted. */
START_TEST(fault_before_exception)
{
    Rig *rig = rig_new();
    set_mode(rig, LONG, 0);
    put16(rig, 0, 0x37e);
    rig->cpu->gpr[VIV_REG_RBX] = NOT_THERE;
    ck_assert_uint_eq(RUN(rig, "\xd9\x13"), PF); /* fst dword [rbx], empty stack */
    ck_assert_uint_eq(get(rig, 2, 2), 0);
    set_mode(rig, LONG, 0);
    put16(rig, 0, 0x37e);
    rig->cpu->gpr[VIV_REG_RBX] = DATA;
    rig_w32(rig, DATA, 0x12345678);
    ck_assert_uint_eq(RUN(rig, "\xd9\x13"), THROUGH);
    ck_assert_uint_eq(rig_r32(rig, DATA), 0x12345678); /* suppressed */
    ck_assert_uint_eq(get(rig, 2, 2), 0x80c1);
    rig_destroy(rig);
}
END_TEST

/* -- FERR#, IGNNE# ----------------------------------------------------------------------------- */

/* fldz; fld1; fdivrp st1: division by zero */
#define DIVIDE_BY_ZERO "\xd9\xee\xd9\xe8\xde\xf1"

static void ferr_interrupts(Rig *rig, uint32_t level)
{
    if (level)
        rig_interrupt(rig, 0x30);
}

/* As a PC does it: FERR# causes an interrupt, which the waiting instruction waits for. */
START_TEST(ferr_interrupt)
{
    Rig *rig = rig_new();
    set_mode(rig, PROT32, 0);
    rig->cpu->cr0 &= ~0x20ull;
    rig->cpu->rflags |= 0x200;
    put16(rig, 0, 0x37b);
    rig->on_ferr = ferr_interrupts;
    ck_assert_uint_eq(RUN(rig, DIVIDE_BY_ZERO "\xd9\xd0"), 0x30);
    ck_assert_uint_eq(rig->ferr, 1);
    ck_assert_uint_eq(rig_r32(rig, rig->cpu->gpr[VIV_REG_RSP]), CODE + 6); /* in front of FNOP */
    /* With interrupts off it waits, and nothing is retired. */
    set_mode(rig, PROT32, 0);
    rig->cpu->cr0 &= ~0x20ull;
    put16(rig, 0, 0x37b);
    rig_load(rig, CODE, DIVIDE_BY_ZERO "\xd9\xd0", 8);
    ck_assert_uint_eq(rig_run(rig, 100), VIV_EXIT_HALT);
    ck_assert_uint_eq(rig->ferr, 1);
    ck_assert_uint_eq(rig->cpu->rip, CODE + 6);
    ck_assert_uint_eq(rig->cpu->icount, 3);
    rig_destroy(rig);
}
END_TEST

/* Waiting is not an instruction: no single-step trap behind it. */
START_TEST(ferr_single_step)
{
    Rig *rig = rig_new();
    set_mode(rig, PROT32, 0);
    rig->cpu->cr0 &= ~0x20ull;
    rig->cpu->rflags |= 0x100;
    x87_pending(rig);
    rig_load(rig, CODE, "\xd9\xd0", 2);
    rig->engine->state_loaded(rig->vcpu.engine_self);
    ck_assert_uint_eq(rig_run(rig, 100), VIV_EXIT_HALT);
    ck_assert_uint_eq(rig->cpu->rip, CODE);
    ck_assert_uint_eq(rig->cpu->pending_db, 0);
    ck_assert_uint_eq(rig->cpu->icount, 0);
    rig_destroy(rig);
}
END_TEST

/* IGNNE#: instructions go on as if nothing were pending; FNCLEX ends FERR#. */
START_TEST(ignne)
{
    Rig *rig = rig_new();
    set_mode(rig, PROT32, 0);
    rig->cpu->cr0 &= ~0x20ull;
    put16(rig, 0, 0x37b);
    rig->ignne = 1;
    /* ...; fwait; fld1; movq mm0, mm0 */
    ck_assert_uint_eq(RUN(rig, DIVIDE_BY_ZERO "\x9b\xd9\xe8\x0f\x6f\xc0"), THROUGH);
    ck_assert_uint_eq(rig->ferr, 1);
    ck_assert_uint_eq(get(rig, 2, 2) & 0x80ff, 0x8084);
    ck_assert_uint_eq(get(rig, 2, 2) & 0x3800, 0); /* MMX set TOP */
    ck_assert_uint_eq(get(rig, 0, 2), 0x37b);
    ck_assert_uint_eq(RUN(rig, "\xdb\xe2"), THROUGH);
    ck_assert_uint_eq(rig->ferr, 0);
    ck_assert_uint_eq(get(rig, 2, 2) & 0x80ff, 0);
    /* FLDCW that masks it, FLDENV that replaces the status word */
    x87_pending(rig);
    rig->cpu->gpr[VIV_REG_RBX] = DATA;
    rig_w32(rig, DATA, 0x37f);
    ck_assert_uint_eq(RUN(rig, "\xd9\x2b"), THROUGH);
    ck_assert_uint_eq(get(rig, 2, 2), 1);
    x87_pending(rig);
    memset(rig->ram + DATA, 0, 28);
    rig_w32(rig, DATA, 0x37f);
    ck_assert_uint_eq(RUN(rig, "\xd9\x23"), THROUGH);
    ck_assert_uint_eq(get(rig, 2, 2), 0);
    rig_destroy(rig);
}
END_TEST

static void port_f0(Rig *rig, uint16_t port, uint32_t value, uint32_t width)
{
    (void)value, (void)width;
    if (port == 0xf0)
        rig->ignne = rig->ferr;
}

/* A PC's handler of IRQ 13 in real mode, from FERR# to the instruction begun again. */
START_TEST(irq13)
{
    /* out 0F0h, al; fnstsw ax; fnop; fnclex; mov bx, ax; iret */
    static const uint8_t handler[] = {0xe6, 0xf0, 0xdf, 0xe0, 0xd9, 0xd0,
                                      0xdb, 0xe2, 0x89, 0xc3, 0xcf};
    Rig *rig = rig_new();
    set_mode(rig, REAL, 0);
    rig->cpu->cr0 &= ~0x20ull;
    rig->cpu->rflags |= 0x200;
    put16(rig, 0, 0x37b);
    rig->on_ferr = ferr_interrupts;
    rig->on_port_write = port_f0;
    rig_w32(rig, 0x30 * 4, 0x7800);
    rig_load(rig, 0x7800, handler, sizeof(handler));
    ck_assert_uint_eq(RUN(rig, DIVIDE_BY_ZERO "\xd9\xe8"), THROUGH);
    ck_assert_uint_eq(rig->cpu->gpr[VIV_REG_RBX] & 0x80ff, 0x8084);
    ck_assert_uint_eq(get(rig, 2, 2) & 0x80ff, 0);
    ck_assert_uint_eq(rig->ferr, 0);
    ck_assert_uint_eq(get(rig, 4, 1), 0xe0); /* FLD1 has run, once */
    rig_destroy(rig);
}
END_TEST

/* FERR# belongs to CR0.NE clear, and follows every instruction that loads a status word. */
START_TEST(ferr_level)
{
    Rig *rig = rig_new();
    set_mode(rig, LONG, 0);
    x87_pending(rig);
    rig->engine->state_loaded(rig->vcpu.engine_self);
    /* mov rax, cr0; btr eax, 5; mov cr0, rax */
    ck_assert_uint_eq(RUN(rig, "\x0f\x20\xc0\x0f\xba\xf0\x05\x0f\x22\xc0"), THROUGH);
    ck_assert_uint_eq(rig->ferr, 1);
    ck_assert_uint_eq(RUN(rig, "\x0f\x20\xc0\x0f\xba\xe8\x05\x0f\x22\xc0"), THROUGH);
    ck_assert_uint_eq(rig->ferr, 0);
    set_mode(rig, LONG, 0);
    rig->cpu->cr0 &= ~0x20ull;
    rig->cpu->gpr[VIV_REG_RBX] = DATA;
    rig->cpu->gpr[VIV_REG_RAX] = 1;
    rig_w32(rig, DATA, 0x0001037e); /* FCW 37Eh, FSW 1: IE, not masked */
    rig_w64(rig, DATA + 512, 1);
    ck_assert_uint_eq(RUN(rig, "\x0f\xae\x2b"), THROUGH); /* xrstor [rbx] */
    ck_assert_uint_eq(rig->ferr, 1);
    ck_assert_uint_eq(get(rig, 2, 2), 0x8081);
    rig_destroy(rig);
}
END_TEST

/* -- pointers ---------------------------------------------------------------------------------- */

/* fld dword es:[bx or ebx + 4]; fnop; fnstenv: FOP, FIP of FNOP; FDP of the load. The code is at
 * CS:8000h, the operand at ES:BX + 4. */
typedef struct Pointers {
    const char *what;
    Mode mode;
    bool wide;
    uint16_t want[8]; /* of the image, behind the three control words */
} Pointers;

static const Pointers pointers[] = {
    {"real, 16 bits", REAL, false, {0x8004, 0x01d0, 0x0114, 0x3000}},
    {"real, 32 bits", REAL, true, {0x8004, 0xffff, 0x01d0, 0, 0x0114, 0xffff, 0x3000, 0}},
    {"virtual 8086, 16 bits", V86, false, {0x8004, 0x01d0, 0x0114, 0x3000}},
    {"virtual 8086, 32 bits", V86, true, {0x8004, 0xffff, 0x01d0, 0, 0x0114, 0xffff, 0x3000, 0}},
    {"protected, 16 bits", PROT16, false, {0x8005, 0x0008, 0x0114, 0x0010}},
    {"protected, 32 bits",
     PROT32,
     true,
     {0x8004, 0, 0x0008, 0x01d0, 0x0114, 0x0003, 0x0010, 0xffff}},
    {"64-bit mode", LONG, true, {0x8004, 0, 0x0008, 0x01d0, 0x0114, 0x0003, 0x0010, 0xffff}},
};

START_TEST(last_instruction)
{
    const Pointers *p = &pointers[_i];
    bool small = p->mode <= V86;
    uint8_t code[16], at = 0;
    Rig *rig = rig_new();
    set_mode(rig, p->mode, 0);
    rig->cpu->seg[VIV_SEG_ES].base = small ? DATA : 0;
    rig->cpu->seg[VIV_SEG_ES].sel = small ? DATA >> 4 : 0x10;
    rig->cpu->gpr[VIV_REG_RBX] = small ? 0x110 : DATA + 0x110;
    code[at++] = 0x26;
    if (p->mode == PROT16)
        code[at++] = 0x67;
    code[at++] = 0xd9;
    code[at++] = small ? 0x47 : 0x43;
    code[at++] = 4;
    code[at++] = 0xd9, code[at++] = 0xd0;
    code[at++] = 0x26; /* fnstenv es:[..] */
    if (p->mode == PROT16)
        code[at++] = 0x67;
    else if (p->wide && small)
        code[at++] = 0x66;
    code[at++] = 0xd9;
    code[at++] = small ? 0x77 : 0x73;
    code[at++] = 0x20;
    ck_assert_uint_eq(run_code(rig, code, at), THROUGH);
    const uint8_t *image = rig->ram + DATA + 0x130;
    if (memcmp(image + (p->wide ? 12 : 6), p->want, p->wide ? 16 : 8) != 0) {
        for (unsigned k = 0; k < 8; k++)
            fprintf(stderr, "%04x ",
                    image[(p->wide ? 12 : 6) + 2 * k] | image[(p->wide ? 13 : 7) + 2 * k] << 8);
        ck_abort_msg("%s", p->what);
    }
    rig_destroy(rig);
}
END_TEST

/* FOP holds the ModRM byte of this very instruction; FIP points to its first prefix. */
START_TEST(opcode_and_prefix)
{
    static const struct {
        const char *code;
        uint8_t len, fop;
    } cases[] = {{"\xd9\x03", 2, 0x03},
                 {"\xd9\x43\x10", 3, 0x43},
                 {"\xd9\x06", 2, 0x06},
                 {"\x64\xd9\x07", 3, 0x07},
                 {"\xd9\x04\x24", 3, 0x04}};
    Rig *rig = rig_new();
    set_mode(rig, LONG, 0);
    rig->cpu->gpr[VIV_REG_RBX] = rig->cpu->gpr[VIV_REG_RSI] = rig->cpu->gpr[VIV_REG_RDI] = DATA;
    for (unsigned k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
        ck_assert_uint_eq(run_code(rig, cases[k].code, cases[k].len), THROUGH);
        ck_assert_uint_eq(get(rig, 6, 2), 0x100u | cases[k].fop);
        ck_assert_uint_eq(get(rig, 8, 4), CODE);
    }
    rig_destroy(rig);
}
END_TEST

/* -- images ------------------------------------------------------------------------------------ */

/* Registers in stack order: 1, 0, a denormal, infinity, minus pi; three that are empty. */
static const uint8_t image_st[8][10] = {
    {0, 0, 0, 0, 0, 0, 0, 0x80, 0xff, 0x3f},
    {0},
    {1, 2, 3, 4, 5, 6, 7, 0, 0, 0},
    {0, 0, 0, 0, 0, 0, 0, 0x80, 0xff, 0x7f},
    {0x35, 0xc2, 0x68, 0x21, 0xa2, 0xda, 0x0f, 0xc9, 0x00, 0xc0},
    {0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5a},
    {0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a},
    {0x71, 0x72, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a},
};

/* As FXSAVE shows it: control words (TOP is 5), FOP, far pointers of the last instruction and its
 * operand. */
typedef struct ImageHead {
    uint16_t fcw, fsw, ftw, fop;
    uint32_t fip, fcs, fdp, fds, mxcsr, mask;
} ImageHead;

static ImageHead image_head(bool real)
{
    return (ImageHead){.fcw = 0x0e7f,
                       .fsw = 0x2d20,
                       .ftw = 0xe3,
                       .fop = 0x5a7,
                       .fip = real ? 0x2345 : 0x12342345,
                       .fcs = 0xa123,
                       .fdp = real ? 0x6789 : 0x56786789,
                       .fds = 0xb456,
                       .mxcsr = 0x3fa0,
                       .mask = 0xffff};
}

/* viv_cpu_t keeps the pointers with 64 bits, the selectors behind the registers. */
static void image_state(Rig *rig, bool real)
{
    ImageHead head = image_head(real);
    uint8_t *x = rig->cpu->xsave;
    put16(rig, 464, head.fcs);
    put16(rig, 466, head.fds);
    head.fcs = head.fds = 0;
    memcpy(x, &head, sizeof(head));
    for (unsigned k = 0; k < 8; k++) {
        memset(x + 32 + 16 * k, 0, 16);
        memcpy(x + 32 + 16 * k, image_st[k], 10);
    }
    for (unsigned k = 0; k < 256; k++) { /* XMM, YMM */
        x[160 + k] = (uint8_t)(k * 3 + 1);
        x[576 + k] = (uint8_t)(k * 5 + 2);
    }
    x[512] = 7;
    rig->cpu->cr4 |= 0x40600; /* OSXSAVE, OSXMMEXCPT, OSFXSR */
    rig->cpu->xcr0 = 7;
}

/* The instruction with the opcode bytes and ModRM.reg, wide or not, on memory at DATA + at. */
static uint32_t image_run(Rig *rig, Mode mode, bool wide, const char *opcode, unsigned reg,
                          uint32_t at)
{
    uint8_t code[8];
    size_t n = 0, len = strlen(opcode);
    if (wide != (mode == PROT32))
        code[n++] = 0x66;
    if (mode == PROT16)
        code[n++] = 0x67;
    memcpy(code + n, opcode, len);
    n += len;
    code[n++] = (uint8_t)((mode <= V86 ? 7 : 3) | reg << 3); /* [bx], [ebx] */
    rig->cpu->seg[VIV_SEG_DS].base = mode <= V86 ? DATA : 0;
    rig->cpu->gpr[VIV_REG_RBX] = mode <= V86 ? at : DATA + at;
    rig->cpu->gpr[VIV_REG_RAX] = 7; /* XSAVE's components */
    return run_code(rig, code, n);
}

static void image_check(const char *what, const uint8_t *got, const uint8_t *want, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++)
        ck_assert_msg(got[k] == want[k], "%s: byte %u is %02x, not %02x", what, k, got[k], want[k]);
}

/* What stands in front of the registers (SDM vol. 1, figures 8-9 to 8-12). */
typedef struct SaveImage {
    const char *what;
    Mode modes[2];
    bool wide;
    union {
        uint16_t word[7];
        uint32_t dword[7];
    };
} SaveImage;

static const SaveImage save_images[] = {
    {"16 bits, real",
     {REAL, V86},
     false,
     .word = {0x0e7f, 0x2d20, 0x93f2, 0x3575, 0xa5a7, 0xace9, 0xb000}},
    {"32 bits, real",
     {REAL, V86},
     true,
     .dword = {0xffff0e7f, 0xffff2d20, 0xffff93f2, 0xffff3575, 0x0000a5a7, 0xfffface9, 0x0000b000}},
    {"16 bits, protected",
     {PROT16, PROT32},
     false,
     .word = {0x0e7f, 0x2d20, 0x93f2, 0x2345, 0xa123, 0x6789, 0xb456}},
    {"32 bits, protected",
     {PROT16, PROT32},
     true,
     .dword = {0xffff0e7f, 0xffff2d20, 0xffff93f2, 0x12342345, 0x05a7a123, 0x56786789, 0xffffb456}},
};

/* FNSAVE leaves an FPU as after FNINIT; FRSTOR brings back all that the image holds. */
static void save_image(const SaveImage *s, Mode mode)
{
    static const uint8_t fninit[24] = {0x7f, 0x03};
    uint32_t head = s->wide ? 28 : 14, n = head + 80;
    uint8_t want[108 + 4];
    Rig *rig = rig_new();
    memset(want, 0xcc, sizeof(want));
    memcpy(want, s->word, head);
    memcpy(want + head, image_st, 80);
    set_mode(rig, mode, 0);
    memset(rig->ram + DATA, 0xcc, 0x1000);
    image_state(rig, mode <= V86);
    ck_assert_uint_eq(image_run(rig, mode, s->wide, "\xdd", 6, 0x103), THROUGH);
    image_check(s->what, rig->ram + DATA + 0x103, want, n + 4);
    image_check("FNINIT", rig->cpu->xsave, fninit, sizeof(fninit));
    ck_assert_uint_eq(image_run(rig, mode, s->wide, "\xdd", 4, 0x103), THROUGH);
    ck_assert_uint_eq(get(rig, 0, 4), 0x2d200e7f);
    ck_assert_uint_eq(get(rig, 4, 2), 0xe3);
    ck_assert_uint_eq(image_run(rig, mode, s->wide, "\xdd", 6, 0x301), THROUGH);
    image_check("again", rig->ram + DATA + 0x301, want, n + 4);
    rig_destroy(rig);
}

START_TEST(save_images_are_exact)
{
    const SaveImage *s = &save_images[_i];
    save_image(s, s->modes[0]);
    save_image(s, s->modes[1]);
}
END_TEST

/* What FXSAVE writes outside 64-bit mode, and XSAVE besides; 0xcc is not written. */
static void image_fx(uint8_t *want, const uint8_t *x, bool real, bool xsave)
{
    ImageHead head = image_head(real);
    memset(want, 0xcc, 832);
    memcpy(want, &head, 32);
    memcpy(want + 32, x + 32, 16 * 16); /* ST, XMM0-7 */
    if (!xsave)
        return;
    want[512] = 0xcc | 7; /* the other bits of XSTATE_BV stay */
    memcpy(want + 576, x + 576, 8 * 16);
}

START_TEST(fxsave_images_are_exact)
{
    Mode mode = (Mode)(_i % 4);
    bool xsave = _i >= 4;
    unsigned store = xsave ? 4 : 0, load = xsave ? 5 : 1;
    uint8_t want[832], before[832];
    Rig *rig = rig_new();
    set_mode(rig, mode, 0);
    memset(rig->ram + DATA, 0xcc, 0x1000);
    image_state(rig, mode <= V86);
    memcpy(before, rig->cpu->xsave, sizeof(before));
    image_fx(want, before, mode <= V86, xsave);
    ck_assert_uint_eq(image_run(rig, mode, mode == PROT32, "\x0f\xae", store, 0x140), THROUGH);
    image_check("image", rig->ram + DATA + 0x140, want, sizeof(want));
    image_check("unchanged", rig->cpu->xsave, before, 512);
    image_check("unchanged", rig->cpu->xsave + 576, before + 576, 256);

    memset(rig->ram + DATA + 0x140 + 512, 0, 64);
    rig->ram[DATA + 0x140 + 512] = 7;
    memset(rig->cpu->xsave, 0, 512);
    put16(rig, 0, 0x37f);
    memset(rig->cpu->xsave + 32, 0x99, 24 * 16);
    memset(rig->cpu->xsave + 576, 0x99, 256);
    ck_assert_uint_eq(image_run(rig, mode, mode == PROT32, "\x0f\xae", load, 0x140), THROUGH);
    image_check("restored", rig->cpu->xsave, before, 32 + 16 * 16);
    image_check("selectors", rig->cpu->xsave + 464, before + 464, 4);
    for (unsigned k = 32 + 16 * 16; k < 32 + 24 * 16; k++) /* XMM8-15 are out of reach */
        ck_assert_uint_eq(rig->cpu->xsave[k], 0x99);
    if (xsave)
        image_check("restored", rig->cpu->xsave + 576, before + 576, 8 * 16);
    rig_destroy(rig);
}
END_TEST

/* -- alignment checks -------------------------------------------------------------------------- */
typedef struct Align {
    const char *what;
    const char *code;
    uint8_t len, want; /* smallest alignment that does; measured on an AMD processor */
} Align;

static const Align aligns[] = {
    {"fld m32", "\xd9\x03", 2, 4},
    {"fld m64", "\xdd\x03", 2, 8},
    {"fld m80", "\xdb\x2b", 2, 8},
    {"fild m16", "\xdf\x03", 2, 2},
    {"fbld", "\xdf\x23", 2, 8},
    {"fldcw", "\xd9\x2b", 2, 2},
    {"fnstenv", "\xd9\x33", 2, 4},
    {"fnstenv, 16 bits", "\x66\xd9\x33", 3, 2},
    {"fnsave", "\xdd\x33", 2, 4},
    {"frstor, 16 bits", "\x66\xdd\x23", 3, 2},
    {"ldmxcsr", "\x0f\xae\x13", 3, 4},
    {"movups", "\x0f\x10\x03", 3, 16},
    {"movdqu, store", "\xf3\x0f\x7f\x03", 4, 16},
    {"movsd", "\xf2\x0f\x10\x03", 4, 8},
    {"paddb mm", "\x0f\xfc\x03", 3, 8},
    {"pinsrw", "\x66\x0f\xc4\x03\x00", 5, 2},
    {"pinsrb", "\x66\x0f\x3a\x20\x03\x00", 6, 1},
    {"pmovzxbq", "\x66\x0f\x38\x32\x03", 5, 2},
    {"pcmpistri", "\x66\x0f\x3a\x63\x03\x00", 6, 16},
    {"movnti", "\x0f\xc3\x03", 3, 4},
    {"vmovups ymm", "\xc5\xfc\x10\x03", 4, 16},
    {"vmaskmovps", "\xc5\xfd\x76\xc0\xc4\xe2\x7d\x2c\x0b", 9, 1},
    {"vpgatherdd", "\xc5\xf5\x76\xc9\xc5\xe9\xef\xd2\xc4\xe2\x75\x90\x04\x13", 14, 1},
    {"maskmovdqu", "\x66\x0f\x76\xc0\x66\x0f\xf7\xc0", 8, 8},
};

START_TEST(alignment)
{
    const Align *a = &aligns[_i];
    Rig *rig = rig_new();
    for (uint32_t offset = 1; offset <= 16; offset *= 2) {
        set_mode(rig, LONG, 3);
        rig->cpu->cr0 |= 0x40000;
        rig->cpu->rflags |= 0x40000;
        rig->cpu->gpr[VIV_REG_RBX] = rig->cpu->gpr[VIV_REG_RDI] = DATA + 0x40 + offset;
        uint32_t vec = run_code(rig, a->code, a->len);
        ck_assert_msg(vec == (offset < a->want ? AC : THROUGH), "%s at %u: %u", a->what, offset,
                      vec);
    }
    /* Alignment of its own is #GP, checks on or off. */
    set_mode(rig, LONG, 3);
    rig->cpu->cr0 |= 0x40000;
    rig->cpu->rflags |= 0x40000;
    rig->cpu->gpr[VIV_REG_RBX] = DATA + 8;
    ck_assert_uint_eq(RUN(rig, "\x0f\x58\x03"), GP);
    rig_destroy(rig);
}
END_TEST

/* -- operands that fault halfway --------------------------------------------------------------- */
typedef struct Crossing {
    const char *what;
    const char *code;
    uint8_t len, bytes;
} Crossing;

static const Crossing crossings[] = {
    {"fstp m80", "\xd9\xe8\xdb\x3b", 4, 10}, {"fnsave", "\xdd\x33", 2, 108},
    {"movups", "\x0f\x11\x03", 3, 16},       {"vmovups ymm", "\xc5\xfc\x11\x03", 4, 32},
    {"xsave", "\x0f\xae\x23", 3, 64},
};

/* Nothing of a store is done when its second page is not there. */
START_TEST(no_partial_store)
{
    const Crossing *x = &crossings[_i];
    Rig *rig = rig_new();
    set_mode(rig, LONG, 0);
    memset(rig->cpu->xsave + 160, 0x55, 256);
    memset(rig->cpu->xsave + VIV_XSAVE_AVX_OFFSET, 0x55, 256);
    memset(rig->ram + DATA, 0xaa, 0x1000);
    rig->cpu->gpr[VIV_REG_RBX] = NOT_THERE - x->bytes + (x->bytes == 64 ? 0 : 1);
    rig->cpu->gpr[VIV_REG_RAX] = 7;
    ck_assert_uint_eq(run_code(rig, x->code, x->len), PF);
    for (unsigned k = 0; k < 0x1000; k++)
        ck_assert_msg(rig->ram[DATA + k] == 0xaa, "%s, byte %x", x->what, k);
    if (x->bytes == 108)
        ck_assert_uint_eq(get(rig, 0, 2), 0x37f);
    rig_destroy(rig);
}
END_TEST

/* Elements that the mask leaves out may lie anywhere; the first that does not fault the
 * instruction. */
START_TEST(masked_store)
{
    Rig *rig = rig_new();
    uint32_t mask[4] = {0x80000000u, 0x80000000u, 0, 0};
    set_mode(rig, LONG, 0);
    memcpy(rig->cpu->xsave + 160, mask, 16);      /* xmm0: mask */
    memset(rig->cpu->xsave + 160 + 16, 0x55, 16); /* xmm1 */
    rig->cpu->gpr[VIV_REG_RBX] = NOT_THERE - 8;
    ck_assert_uint_eq(RUN(rig, "\xc4\xe2\x79\x2e\x0b"), THROUGH); /* vmaskmovps [rbx], xmm0, xmm1 */
    ck_assert_uint_eq(rig_r32(rig, NOT_THERE - 4), 0x55555555);
    rig_w64(rig, NOT_THERE - 8, 0);
    mask[3] = 0x80000000u;
    memcpy(rig->cpu->xsave + 160, mask, 16);
    ck_assert_uint_eq(RUN(rig, "\xc4\xe2\x79\x2e\x0b"), PF);
    ck_assert_uint_eq(rig_r64(rig, NOT_THERE - 8), 0);
    /* loads give zero for what is left out */
    set_mode(rig, LONG, 0);
    mask[3] = 0;
    memcpy(rig->cpu->xsave + 160, mask, 16);
    memset(rig->cpu->xsave + 160 + 16, 0x77, 16);
    rig->cpu->gpr[VIV_REG_RBX] = NOT_THERE - 8;
    rig_w64(rig, NOT_THERE - 8, 0x1122334455667788ull);
    ck_assert_uint_eq(RUN(rig, "\xc4\xe2\x79\x2c\x0b"), THROUGH); /* vmaskmovps xmm1, xmm0, [rbx] */
    ck_assert_uint_eq(get(rig, 176, 4), 0x55667788);
    ck_assert_uint_eq(get(rig, 184, 4), 0);
    rig_destroy(rig);
}
END_TEST

/* A gather that faults at element 2 has elements 0 and 1, and their mask is clear. */
START_TEST(gather_partway)
{
    Rig *rig = rig_new();
    uint32_t index[4] = {0, 4, 0x1000, 8}, ones[4] = {~0u, ~0u, ~0u, ~0u};
    set_mode(rig, LONG, 0);
    memcpy(rig->cpu->xsave + 160, index, 16);     /* xmm0 */
    memcpy(rig->cpu->xsave + 160 + 16, ones, 16); /* xmm1: mask */
    memset(rig->cpu->xsave + 160 + 32, 0x77, 16); /* xmm2: destination */
    memset(rig->cpu->xsave + VIV_XSAVE_AVX_OFFSET + 32, 0x77, 16);
    rig_w64(rig, DATA, 0x1122334455667788ull);
    rig->cpu->gpr[VIV_REG_RBX] = DATA;
    ck_assert_uint_eq(RUN(rig, "\xc4\xe2\x71\x90\x14\x03"),
                      PF); /* vpgatherdd xmm2, [rbx+xmm0], xmm1 */
    ck_assert_uint_eq(rig->cpu->cr2, NOT_THERE);
    ck_assert_uint_eq(get(rig, 192, 4), 0x55667788);
    ck_assert_uint_eq(get(rig, 196, 4), 0x11223344);
    ck_assert_uint_eq(get(rig, 200, 4), 0x77777777);
    ck_assert_uint_eq(get(rig, 180, 4), 0);
    ck_assert_uint_eq(get(rig, 184, 4), ~0u);
    /* It goes on where it stopped. */
    rig_w64(rig, 0x4000 + NOT_THERE / 4096 * 8, DATA | 7);
    rig->cpu->gpr[VIV_REG_RSP] = 0x70000;
    ck_assert_uint_eq(RUN(rig, "\xc4\xe2\x71\x90\x14\x03"), THROUGH);
    ck_assert_uint_eq(get(rig, 200, 4), 0x55667788);
    ck_assert_uint_eq(get(rig, VIV_XSAVE_AVX_OFFSET + 32, 4), 0);
    rig_destroy(rig);
}
END_TEST

/* -- SSE exceptions ---------------------------------------------------------------------------- */
START_TEST(simd_exception)
{
    Rig *rig = rig_new();
    static const uint32_t huge[4] = {0x7f7fffff, 0x7f7fffff, 0x7f7fffff, 0x7f7fffff};
    for (unsigned off = 0; off < 2; off++) {
        set_mode(rig, LONG, 0);
        if (off)
            rig->cpu->cr4 &= ~0x400ull;
        memcpy(rig->cpu->xsave + 160, huge, 16);
        put16(rig, 24, 0x1b80);                                     /* OE unmasked */
        ck_assert_uint_eq(RUN(rig, "\x0f\x58\xc0"), off ? UD : XM); /* addps xmm0, xmm0 */
        ck_assert_uint_eq(get(rig, 24, 2) & 0x8, 0x8);
        ck_assert(!memcmp(rig->cpu->xsave + 160, huge, 16));
    }
    rig_destroy(rig);
}
END_TEST

/* -- XSAVE ------------------------------------------------------------------------------------- */
typedef struct Xcr0 {
    uint32_t ecx, eax, vec;
} Xcr0;

static const Xcr0 xcr0s[] = {
    {0, 1, THROUGH}, {0, 3, THROUGH}, {0, 7, THROUGH}, {0, 0, GP},     {0, 2, GP},
    {0, 5, GP},      {0, 6, GP},      {0, 15, GP},     {0, 0x107, GP}, {1, 1, GP},
};

START_TEST(xsetbv)
{
    Rig *rig = rig_new();
    set_mode(rig, LONG, 0);
    rig->cpu->gpr[VIV_REG_RCX] = xcr0s[_i].ecx;
    rig->cpu->gpr[VIV_REG_RAX] = xcr0s[_i].eax;
    ck_assert_uint_eq(RUN(rig, "\x0f\x01\xd1"), xcr0s[_i].vec);
    ck_assert_uint_eq(rig->cpu->xcr0, xcr0s[_i].vec == THROUGH ? xcr0s[_i].eax : 7);
    rig_destroy(rig);
}
END_TEST

/* XGETBV 1: XCR0 and in use. */
START_TEST(xgetbv)
{
    Rig *rig = rig_new();
    /* xgetbv; mov ebx, eax */
    set_mode(rig, LONG, 0);
    rig->cpu->gpr[VIV_REG_RCX] = 1;
    ck_assert_uint_eq(RUN(rig, "\x0f\x01\xd0\x89\xc3"), THROUGH);
    ck_assert_uint_eq(rig->cpu->gpr[VIV_REG_RBX], 0);
    rig->cpu->xsave[VIV_XSAVE_AVX_OFFSET + 5] = 1;
    ck_assert_uint_eq(RUN(rig, "\x0f\x01\xd0\x89\xc3"), THROUGH);
    ck_assert_uint_eq(rig->cpu->gpr[VIV_REG_RBX], 4);
    ck_assert_uint_eq(RUN(rig, "\xd9\xe8\x0f\x01\xd0\x89\xc3"), THROUGH);
    ck_assert_uint_eq(rig->cpu->gpr[VIV_REG_RBX], 5);
    rig->cpu->xcr0 = 3;
    ck_assert_uint_eq(RUN(rig, "\x0f\x01\xd0\x89\xc3"), THROUGH);
    ck_assert_uint_eq(rig->cpu->gpr[VIV_REG_RBX], 1);
    rig->cpu->gpr[VIV_REG_RCX] = 2;
    ck_assert_uint_eq(RUN(rig, "\x0f\x01\xd0"), GP);
    ck_assert(rig_model(rig, "x86-64-v3,-xgetbv1"));
    set_mode(rig, LONG, 0);
    rig->cpu->gpr[VIV_REG_RCX] = 1;
    ck_assert_uint_eq(RUN(rig, "\x0f\x01\xd0"), GP);
    rig_destroy(rig);
}
END_TEST

/* IA32_XSS comes with XSAVES, and is 0. */
START_TEST(xss)
{
    static const struct {
        const char *model;
        uint32_t write, value, vec;
    } cases[] = {{"x86-64-v3,-xsaves", 0, 0, GP},
                 {"x86-64-v3,-xsaves", 1, 0, GP},
                 {"x86-64-v3,+xsaves", 0, 0, T},
                 {"x86-64-v3,+xsaves", 1, 0, T},
                 {"x86-64-v3,+xsaves", 1, 0x100, GP}};
    Rig *rig = rig_new();
    for (unsigned k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
        ck_assert(rig_model(rig, cases[k].model));
        set_mode(rig, LONG, 0);
        rig->cpu->gpr[VIV_REG_RCX] = 0xda0;
        rig->cpu->gpr[VIV_REG_RAX] = cases[k].value;
        ck_assert_uint_eq(cases[k].write ? RUN(rig, "\x0f\x30") : RUN(rig, "\x0f\x32"),
                          cases[k].vec);
    }
    rig_destroy(rig);
}
END_TEST

/* The area has to be a multiple of 64, checks or no checks; a fault leaves the registers alone. */
START_TEST(xsave_alignment)
{
    static const char *const codes[] = {"\x0f\xae\x23", "\x0f\xae\x33", "\x0f\xc7\x23",
                                        "\x0f\xae\x2b", "\x0f\xc7\x2b", "\x0f\xc7\x1b"};
    Rig *rig = rig_new();
    ck_assert(rig_model(rig, "x86-64-v3,+xsavec,+xsaves"));
    for (uint32_t offset = 1; offset <= 32; offset *= 2) {
        set_mode(rig, LONG, 0);
        rig->cpu->gpr[VIV_REG_RBX] = DATA + offset;
        ck_assert_uint_eq(run_code(rig, codes[_i], 3), GP);
    }
    rig_destroy(rig);
}
END_TEST

/* VCVTPS2PH around the smallest normal half, 2^-14, with underflow unmasked: tiny is what is below it
 * when rounded to 11 bits. Rounding is the immediate's, or with bit 2 MXCSR's (here: down). */
typedef struct HalfTiny {
    uint32_t single, imm;
    bool tiny, inexact;
} HalfTiny;

static const HalfTiny half_tinies[] = {
    {0x38800000, 0, false, false}, {0x387fe000, 0, true, false}, {0x387fefff, 0, true, true},
    {0x387ff000, 0, false, true},  {0x387ff001, 0, false, true}, {0xb87ff000, 0, false, true},
    {0x387fffff, 1, true, true},   {0xb87fe001, 1, false, true}, {0x387fe001, 2, false, true},
    {0xb87fffff, 2, true, true},   {0x387fffff, 3, true, true},  {0xb87fffff, 3, true, true},
    {0x387fffff, 4, true, true},   {0xb87fe001, 7, false, true}, {0x387fc000, 2, true, false},
    {0x387fdfff, 2, true, true},   {0x00000001, 0, true, false}, {0x00000000, 0, false, false},
    {0x7f800000, 0, false, false},
};

START_TEST(half_tiny)
{
    const HalfTiny *h = &half_tinies[_i];
    uint8_t code[] = {0xc4, 0xe3, 0x79, 0x1d, 0xc8, (uint8_t)h->imm};
    const uint32_t control = 0x3780; /* round down; UE unmasked */
    Rig *rig = rig_new();
    uint32_t expect = (h->tiny ? 0x10u : 0) | (h->inexact ? 0x20u : 0);
    if (h->single == 1)
        expect |= 2; /* DE */
    set_mode(rig, LONG, 0);
    memcpy(rig->cpu->xsave + 24, &control, 4);
    memcpy(rig->cpu->xsave + 160 + 16, &h->single, 4);
    memset(rig->cpu->xsave + 160, 0x55, 16);
    ck_assert_uint_eq(run_code(rig, code, sizeof(code)), h->tiny ? XM : THROUGH);
    ck_assert_uint_eq(get(rig, 24, 4), control | expect);
    ck_assert_int_eq(get(rig, 160, 4) == 0x55555555, h->tiny);
    rig_destroy(rig);
}
END_TEST

/* CPUID leaf 0Dh tells the sizes of the area for XCR0 as it is. */
typedef struct AreaSize {
    const char *model;
    uint32_t subleaf, xcr0, ebx;
} AreaSize;

static const AreaSize area_sizes[] = {
    {"x86-64-v3,-pku", 0, 1, 576},         {"x86-64-v3,-pku", 0, 3, 576},
    {"x86-64-v3,-pku", 0, 7, 832},         {"x86-64-v3,+pku", 0, 7, 832},
    {"x86-64-v3,+pku", 0, 0x203, 840},     {"x86-64-v3,+pku", 0, 0x207, 840},
    {"x86-64-v3,+pku,+xsavec", 1, 3, 576}, {"x86-64-v3,+pku,+xsavec", 1, 0x203, 584},
    {"x86-64-v3,+pku,+xsavec", 1, 7, 832}, {"x86-64-v3,+pku,+xsavec", 1, 0x207, 840},
};

START_TEST(xsave_size)
{
    const AreaSize *a = &area_sizes[_i];
    Rig *rig = rig_new();
    ck_assert(rig_model(rig, a->model));
    set_mode(rig, LONG, 0);
    rig->cpu->xcr0 = a->xcr0;
    rig->cpu->gpr[VIV_REG_RAX] = 13;
    rig->cpu->gpr[VIV_REG_RCX] = a->subleaf;
    ck_assert_uint_eq(RUN(rig, "\x0f\xa2"), THROUGH);
    ck_assert_uint_eq(rig->cpu->gpr[VIV_REG_RBX], a->ebx);
    rig_destroy(rig);
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))

int main(void)
{
    Suite *suite = suite_create("fpu");
    TCase *tc = tcase_create("fpu");
    SRunner *runner;
    int failed;
    if (!__builtin_cpu_supports("avx2")) {
        puts("skipped: the host CPU has no AVX2, on which the guest's runs");
        return 77;
    }
    tcase_set_timeout(tc, 30);
    tcase_add_loop_test(tc, forbidden, 0, COUNT(forbids));
    tcase_add_test(tc, gate_follows);
    tcase_add_test(tc, vex_prefixes);
    tcase_add_loop_test(tc, pending_exception, 0, COUNT(pendings));
    tcase_add_test(tc, fault_before_exception);
    tcase_add_test(tc, ferr_interrupt);
    tcase_add_test(tc, ferr_single_step);
    tcase_add_test(tc, ignne);
    tcase_add_test(tc, irq13);
    tcase_add_test(tc, ferr_level);
    tcase_add_loop_test(tc, last_instruction, 0, COUNT(pointers));
    tcase_add_test(tc, opcode_and_prefix);
    tcase_add_loop_test(tc, save_images_are_exact, 0, COUNT(save_images));
    tcase_add_loop_test(tc, fxsave_images_are_exact, 0, 8);
    tcase_add_loop_test(tc, alignment, 0, COUNT(aligns));
    tcase_add_loop_test(tc, no_partial_store, 0, COUNT(crossings));
    tcase_add_test(tc, masked_store);
    tcase_add_test(tc, gather_partway);
    tcase_add_test(tc, simd_exception);
    tcase_add_loop_test(tc, half_tiny, 0, COUNT(half_tinies));
    tcase_add_loop_test(tc, xsetbv, 0, COUNT(xcr0s));
    tcase_add_test(tc, xgetbv);
    tcase_add_test(tc, xss);
    tcase_add_loop_test(tc, xsave_alignment, 0, 6);
    tcase_add_loop_test(tc, xsave_size, 0, COUNT(area_sizes));
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
