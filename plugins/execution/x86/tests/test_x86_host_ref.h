/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shared by the x86_host tests: the oracle, which runs an instruction's original bytes on the
 * host CPU with a whole machine state loaded, random states, and the comparison of two states. */
#ifndef TEST_X86_HOST_REF_H
#define TEST_X86_HOST_REF_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <check.h>
#include <cpuid.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "x86_host.h"

/* Its runtime does not live with RFLAGS.AC set. */
#ifdef __SANITIZE_THREAD__
#define REF_THREAD_SANITIZER 1
#else
#define REF_THREAD_SANITIZER 0
#endif

#define REF_MEM_BYTES    1024u
#define REF_RFLAGS_ARITH 0x8d5u
#define REF_RFLAGS_AC    0x40000u /* taken over if set */

typedef struct RefContext {
    uint8_t area[2048] __attribute__((aligned(64))); /* XSAVE, standard format */
    uint64_t gpr[16];
    uint64_t rflags;
    uint64_t host_rsp;
} RefContext;

/* Static: the generated code holds its address, the signal handler writes to it. */
static RefContext ref_context;
static uint8_t *ref_code;
static sigjmp_buf ref_jump;
static volatile sig_atomic_t ref_armed;
static uint32_t ref_fault_mxcsr;
static volatile sig_atomic_t ref_fault_signal;
static uint64_t ref_seed = 88172645463325252u;

static inline uint64_t ref_random(void)
{
    ref_seed ^= ref_seed << 13;
    ref_seed ^= ref_seed >> 7;
    ref_seed ^= ref_seed << 17;
    return ref_seed * UINT64_C(0x2545f4914f6cdd1d);
}

/* A little code writer of its own, so that the oracle shares nothing with what it judges. */
typedef struct RefWriter {
    uint8_t *p;
} RefWriter;

static inline void ref_put(RefWriter *w, const void *bytes, size_t len)
{
    memcpy(w->p, bytes, len);
    w->p += len;
}

static inline void ref_put_gpr(RefWriter *w, unsigned opcode, unsigned reg, unsigned base,
                               size_t offset)
{
    uint8_t code[3] = {(uint8_t)(0x48u | (reg >> 3 & 1u) << 2), (uint8_t)opcode,
                       (uint8_t)(0x80u | (reg & 7u) << 3 | base)};
    uint32_t disp = (uint32_t)offset;
    ref_put(w, code, sizeof(code));
    ref_put(w, &disp, sizeof(disp));
}

static inline void ref_put_context(RefWriter *w, const char *mov)
{
    uint64_t address = (uint64_t)(uintptr_t)&ref_context;
    ref_put(w, mov, 2);
    ref_put(w, &address, sizeof(address));
}

static inline void ref_put_entry(RefWriter *w)
{
    ref_put(w, "\x53\x55\x41\x54\x41\x55\x41\x56\x41\x57", 10); /* push rbx rbp r12-r15 */
    ref_put_context(w, "\x48\xbf");                             /* mov rdi, imm64 */
    ref_put_gpr(w, 0x89, 4, 7, offsetof(RefContext, host_rsp));
    ref_put(w, "\xb8\x07\0\0\0\x31\xd2", 7); /* mov eax, 7; xor edx, edx */
    ref_put(w, "\x48\x0f\xae\x2f", 4);       /* xrstor64 [rdi] */
    ref_put_gpr(w, 0x8b, 0, 7, offsetof(RefContext, rflags));
    ref_put(w, "\x50\x9d", 2); /* push rax; popfq */
    for (unsigned i = 0; i < 16; i++) {
        if (i != 4 && i != 7)
            ref_put_gpr(w, 0x8b, i, 7, offsetof(RefContext, gpr) + 8 * i);
    }
    ref_put_gpr(w, 0x8b, 7, 7, offsetof(RefContext, gpr) + 56);
}

static inline void ref_put_exit(RefWriter *w)
{
    ref_put(w, "\x9c\x57", 2);      /* pushfq; push rdi */
    ref_put_context(w, "\x48\xbf"); /* mov rdi, imm64 */
    for (unsigned i = 0; i < 16; i++) {
        if (i != 4 && i != 7)
            ref_put_gpr(w, 0x89, i, 7, offsetof(RefContext, gpr) + 8 * i);
    }
    ref_put(w, "\x59", 1); /* pop rcx: rdi */
    ref_put_gpr(w, 0x89, 1, 7, offsetof(RefContext, gpr) + 56);
    ref_put(w, "\x59", 1); /* pop rcx: flags */
    ref_put_gpr(w, 0x89, 1, 7, offsetof(RefContext, rflags));
    ref_put(w, "\xb8\x07\0\0\0\x31\xd2", 7);
    ref_put(w, "\x48\x0f\xae\x27", 4); /* xsave64 [rdi] */
    ref_put(w, "\xdb\xe3", 2);         /* fninit */
    ref_put(w, "\x6a\x02\x9d", 3);     /* push 2; popfq: neither DF nor AC */
    if (x86_host_has(X86_HOST_FEATURE_AVX))
        ref_put(w, "\xc5\xf8\x77", 3); /* vzeroupper */
    ref_put(w, "\x41\x5f\x41\x5e\x41\x5d\x41\x5c\x5d\x5b\xc3", 11);
}

static inline void ref_on_signal(int sig, siginfo_t *info, void *opaque)
{
    const ucontext_t *uc = opaque;
    (void)info;
    /* Alignment checks are the instruction's, not ours. */
    __asm__ volatile("pushfq; andl $~0x40000, (%%rsp); popfq" ::: "memory", "cc");
    if (!ref_armed)
        abort();
    ref_fault_signal = sig;
    ref_fault_mxcsr = uc->uc_mcontext.fpregs->mxcsr;
    siglongjmp(ref_jump, 1);
}

static inline void ref_setup(void)
{
    struct sigaction action = {.sa_sigaction = ref_on_signal, .sa_flags = SA_SIGINFO};
    sigaction(SIGFPE, &action, NULL);
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    ref_code =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert(ref_code != MAP_FAILED);
}

static inline void ref_teardown(void)
{
    munmap(ref_code, 4096);
}

/* Runs the instruction on cpu's state; 0, or the vector 13/16/17/19 that it raised. With a vector cpu
 * is untouched and ref_fault_mxcsr holds MXCSR. */
static inline int ref_run(viv_cpu_t *cpu, const uint8_t *insn, size_t len)
{
    RefWriter w = {ref_code};
    uint32_t mxcsr = 0x1f80;
    void (*run)(void);

    ref_put_entry(&w);
    ref_put(&w, insn, len);
    ref_put_exit(&w);
    memcpy(ref_context.area, cpu->xsave, 832);
    memset(ref_context.area + 512, 0, 64);
    ref_context.area[512] = 7;
    memset(ref_context.area + 8, 0, 16); /* pointers: not compared */
    memcpy(ref_context.gpr, cpu->gpr, sizeof(cpu->gpr));
    ref_context.rflags = (cpu->rflags & (REF_RFLAGS_ARITH | REF_RFLAGS_AC)) | 0x202;
    memcpy(&run, &ref_code, sizeof(run));
    ref_armed = 1;
    if (sigsetjmp(ref_jump, 1)) {
        ref_armed = 0;
        __asm__ volatile("fninit; ldmxcsr %0" ::"m"(mxcsr));
        if (x86_host_has(X86_HOST_FEATURE_AVX))
            __asm__ volatile("vzeroupper");
        if (ref_fault_signal != SIGFPE)
            return ref_fault_signal == SIGBUS ? 17 : 13;
        return (ref_fault_mxcsr & ~(ref_fault_mxcsr >> 7) & 0x3f) != 0 ? 19 : 16;
    }
    run();
    ref_armed = 0;
    __asm__ volatile("ldmxcsr %0" ::"m"(mxcsr));
    memcpy(cpu->xsave, ref_context.area, 8);
    memcpy(cpu->xsave + 24, ref_context.area + 24, 4);
    memcpy(cpu->xsave + 32, ref_context.area + 32, 384);
    memcpy(cpu->xsave + 576, ref_context.area + 576, 256);
    memcpy(cpu->gpr, ref_context.gpr, sizeof(cpu->gpr));
    cpu->rflags =
        (cpu->rflags & ~(uint64_t)REF_RFLAGS_ARITH) | (ref_context.rflags & REF_RFLAGS_ARITH);
    return 0;
}

/* For what the manuals leave to the maker and the engines do AMD's way. */
static inline bool ref_is_amd(void)
{
    unsigned a = 0, b = 0, c = 0, d = 0;
    return __get_cpuid(0, &a, &b, &c, &d) && b == 0x68747541; /* "Auth" */
}

/* -- random states ----------------------------------------------------------------------------- */

static inline uint64_t ref_random_f64(void)
{
    uint64_t r = ref_random();
    switch (ref_random() % 8) {
    case 0: return r;
    case 1: return r & UINT64_C(0x800fffffffffffff); /* denormal or zero */
    case 2: return (r & (UINT64_C(1) << 63)) | UINT64_C(0x7ff0000000000000) | (r % 4 ? 0 : r >> 12);
    case 3: {
        double d = (double)(int64_t)(r % 2000) - 1000.0;
        memcpy(&r, &d, sizeof(r));
        return r;
    }
    case 4: return r & (UINT64_C(1) << 63);
    default: return (r & UINT64_C(0x800fffffffffffff)) | (0x3ff - 30 + ref_random() % 60) << 52;
    }
}

static inline uint32_t ref_random_f32(void)
{
    uint32_t r = (uint32_t)ref_random();
    switch (ref_random() % 8) {
    case 0: return r;
    case 1: return r & 0x807fffffu;
    case 2: return (r & 0x80000000u) | 0x7f800000u | (r % 4 ? 0 : r >> 9);
    case 3: {
        float f = (float)(int)(r % 2000) - 1000.0f;
        memcpy(&r, &f, sizeof(r));
        return r;
    }
    case 4: return r & 0x80000000u;
    default: return (r & 0x807fffffu) | (uint32_t)(0x7f - 20 + ref_random() % 40) << 23;
    }
}

static inline void ref_random_lanes(uint8_t *bytes, unsigned len)
{
    unsigned kind = (unsigned)(ref_random() % 4);
    for (unsigned i = 0; i < len; i += 8) {
        uint64_t v = ref_random();
        if (kind == 1)
            v = ref_random_f64();
        else if (kind == 2)
            v = (uint64_t)ref_random_f32() << 32 | ref_random_f32();
        memcpy(bytes + i, &v, 8);
    }
}

/* One 80-bit register; every class of value, pseudo-denormals and invalid encodings among them. */
static inline void ref_random_f80(uint8_t *st)
{
    uint64_t mantissa = ref_random() | UINT64_C(1) << 63;
    uint16_t exponent = (uint16_t)(0x3fff - 40 + ref_random() % 80);
    switch (ref_random() % 16) {
    case 0: mantissa = 0, exponent = 0; break;
    case 1: exponent = 0x7fff; break;
    case 2: exponent = 0x7fff, mantissa = UINT64_C(1) << 63; break;
    case 3: exponent = 0, mantissa &= INT64_MAX; break;
    case 4:
        mantissa &= INT64_MAX; /* unnormal */
        break;
    case 5: mantissa = ref_random(), exponent = (uint16_t)ref_random() & 0x7fff; break;
    case 7: exponent = (uint16_t)(ref_random() % 70); break; /* the ends of the range... */
    case 8: exponent = (uint16_t)(0x7ffe - ref_random() % 70); break;
    case 9: exponent = (uint16_t)(0x3fff - 160 + ref_random() % 300); break; /* ...of floats */
    case 10:                                                                 /* ...of doubles */
        exponent =
            (uint16_t)(0x3fff + (ref_random() % 2 ? 1010 : -1090) + (int)(ref_random() % 80));
        break;
    case 6:
        mantissa = (ref_random() % 2000 + 1) << 52 | UINT64_C(1) << 63;
        exponent = (uint16_t)(0x3fff + ref_random() % 11);
        break;
    default: break;
    }
    exponent |= (uint16_t)(ref_random() & 0x8000u);
    memset(st, 0, 16);
    memcpy(st, &mantissa, 8);
    memcpy(st + 8, &exponent, 2);
}

static inline void ref_random_state(viv_cpu_t *cpu)
{
    memset(cpu, 0, sizeof(*cpu));
    cpu->size = sizeof(*cpu);
    x86_host_state_reset(cpu);
    cpu->cr0 = 0x80000033u;
    cpu->xcr0 = 7;
    for (unsigned i = 0; i < 16; i++)
        cpu->gpr[i] = ref_random() >> (ref_random() % 4 * 16);
    cpu->rflags = 0x202 | (ref_random() & REF_RFLAGS_ARITH);
    for (unsigned i = 0; i < 16; i++) {
        ref_random_lanes(cpu->xsave + 160 + 16 * i, 16);
        ref_random_lanes(cpu->xsave + 576 + 16 * i, 16);
    }
    for (unsigned i = 0; i < 8; i++)
        ref_random_f80(cpu->xsave + 32 + 16 * i);
    uint16_t fcw = 0x37f;
    uint16_t fsw = (uint16_t)(ref_random() & 0x7f7f);
    memcpy(cpu->xsave, &fcw, 2);
    memcpy(cpu->xsave + 2, &fsw, 2);
    cpu->xsave[4] = (uint8_t)(ref_random() % 2 ? 0xff : ref_random());
    uint32_t mxcsr = 0x1f80;
    if (ref_random() % 2)
        mxcsr |= (uint32_t)ref_random() & 0xe07f; /* RC, FZ, DAZ, sticky flags */
    memcpy(cpu->xsave + 24, &mxcsr, 4);
}

/* -- comparison -------------------------------------------------------------------------------- */

static inline bool ref_same(const char *what, const char *part, const void *got, const void *want,
                            size_t len)
{
    if (!memcmp(got, want, len))
        return true;
    fprintf(stderr, "%s: %s differs\n  got  ", what, part);
    for (size_t i = len; i-- > 0;)
        fprintf(stderr, "%02x", ((const uint8_t *)got)[i]);
    fprintf(stderr, "\n  want ");
    for (size_t i = len; i-- > 0;)
        fprintf(stderr, "%02x", ((const uint8_t *)want)[i]);
    fprintf(stderr, "\n");
    return false;
}

static inline bool ref_compare(const char *what, const viv_cpu_t *got, const viv_cpu_t *want)
{
    char part[32];
    bool same = ref_same(what, "FCW", got->xsave, want->xsave, 2);
    same &= ref_same(what, "FSW", got->xsave + 2, want->xsave + 2, 2);
    same &= ref_same(what, "tags", got->xsave + 4, want->xsave + 4, 1);
    same &= ref_same(what, "MXCSR", got->xsave + 24, want->xsave + 24, 4);
    same &= ref_same(what, "rflags", &got->rflags, &want->rflags, 8);
    for (unsigned i = 0; i < 8; i++) {
        snprintf(part, sizeof(part), "st%u", i);
        same &= ref_same(what, part, got->xsave + 32 + 16 * i, want->xsave + 32 + 16 * i, 10);
    }
    for (unsigned i = 0; i < 16; i++) {
        snprintf(part, sizeof(part), "xmm%u", i);
        same &= ref_same(what, part, got->xsave + 160 + 16 * i, want->xsave + 160 + 16 * i, 16);
        snprintf(part, sizeof(part), "ymm%u high", i);
        same &= ref_same(what, part, got->xsave + 576 + 16 * i, want->xsave + 576 + 16 * i, 16);
        snprintf(part, sizeof(part), "gpr%u", i);
        same &= ref_same(what, part, &got->gpr[i], &want->gpr[i], 8);
    }
    return same;
}

static inline bool ref_decode(ZydisMachineMode mode, const uint8_t *bytes, size_t len,
                              ZydisDecodedInstruction *insn, ZydisDecodedOperand *operands)
{
    ZydisDecoder decoder;
    ZydisStackWidth width = mode == ZYDIS_MACHINE_MODE_LONG_64     ? ZYDIS_STACK_WIDTH_64
                            : mode == ZYDIS_MACHINE_MODE_LEGACY_32 ? ZYDIS_STACK_WIDTH_32
                                                                   : ZYDIS_STACK_WIDTH_16;
    ZydisDecoderInit(&decoder, mode, width);
    return ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes, len, insn, operands));
}

#endif
