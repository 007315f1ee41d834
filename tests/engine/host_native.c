/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* host_native: runs code on the host's own CPU from a given state.
 *
 * The state is written into a signal frame and loaded by rt_sigreturn: all registers at once,
 * RSP, flags and the code segment (64-bit or compatibility mode) included, and the XSAVE image.
 * The exception that ends the run comes as a signal on the alternate stack, and its frame holds the
 * state after. FS and GS bases are not part of a frame: the assembly part below loads and
 * collects them, and the segment selectors. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "host.h"

HostRegion host_regions[HOST_REGIONS] = {
    [HOST_REGION_CODE] = {.lin = HOST_CODE, .bytes = 0x2000, .exec = true},
    [HOST_REGION_DATA] = {.lin = HOST_DATA, .bytes = 0x4000, .write = true},
    [HOST_REGION_CONST] = {.lin = HOST_CONST, .bytes = 0x1000},
    [HOST_REGION_MORE] = {.lin = HOST_MORE, .bytes = 0x2000, .write = true},
    [HOST_REGION_STACK] = {.lin = HOST_STACK, .bytes = 0x4000, .write = true},
    [HOST_REGION_LOW] = {.lin = HOST_LOW, .bytes = 0x4000, .write = true, .optional = true},
};

#define HOST_ALT_BYTES  65536u
#define HOST_UC_FLAGS   7u /* XSTATE, SIGCONTEXT_SS, STRICT_RESTORE_SS */
#define HOST_MAGIC1     0x46505853u
#define HOST_MAGIC2     0x46505845u
#define HOST_SW         464u /* the kernel's own bytes in the image */
#define HOST_HWCAP2_FSG 2u   /* FSGSBASE instructions may be used */

/* What the assembly part shares. */
typedef struct HostNative {
    uint64_t rsp, fs, gs; /* ours */
    uint64_t active;
    uint64_t in_base[2], out_base[2];
    uint16_t out_sel[6];
} HostNative;

HostNative host_native __attribute__((visibility("hidden")));
void host_native_enter(ucontext_t *uc) __attribute__((visibility("hidden")));
void host_native_signal(int sig, siginfo_t *info, void *uc) __attribute__((visibility("hidden")));
void host_native_collect(const ucontext_t *uc) __attribute__((visibility("hidden"), used));
void host_native_foreign(int sig) __attribute__((visibility("hidden"), used));

/* Offsets in HostNative: 0 rsp, 8 fs, 16 gs, 24 active, 32 in_base, 48 out_base, 64 out_sel. */
_Static_assert(offsetof(HostNative, out_sel) == 64, "the assembly part knows the offsets");
__asm__(".text\n"
        ".globl host_native_enter\n"
        ".hidden host_native_enter\n"
        ".type host_native_enter, @function\n"
        "host_native_enter:\n"
        "    push %rbx\n    push %rbp\n    push %r12\n    push %r13\n    push %r14\n    push %r15\n"
        "    lea host_native(%rip), %rcx\n"
        "    mov %rsp, (%rcx)\n"
        "    rdfsbase %rax\n    mov %rax, 8(%rcx)\n"
        "    rdgsbase %rax\n    mov %rax, 16(%rcx)\n"
        "    movq $1, 24(%rcx)\n"
        "    mov $0x2b, %eax\n    mov %eax, %ds\n    mov %eax, %es\n"
        "    mov 32(%rcx), %rax\n    wrfsbase %rax\n"
        "    mov 40(%rcx), %rax\n    wrgsbase %rax\n"
        "    mov %rdi, %rsp\n"
        "    mov $15, %eax\n" /* rt_sigreturn */
        "    syscall\n"
        "    ud2\n"
        ".size host_native_enter, . - host_native_enter\n"
        ".globl host_native_signal\n"
        ".hidden host_native_signal\n"
        ".type host_native_signal, @function\n"
        "host_native_signal:\n"
        "    lea host_native(%rip), %rcx\n"
        "    cmpq $0, 24(%rcx)\n"
        "    je host_native_foreign\n"
        "    movq $0, 24(%rcx)\n"
        "    push $2\n    popf\n" /* a signal leaves AC and NT as they were */
        "    rdfsbase %rax\n    mov %rax, 48(%rcx)\n"
        "    rdgsbase %rax\n    mov %rax, 56(%rcx)\n"
        "    mov %es, 64(%rcx)\n    mov %ds, 70(%rcx)\n"
        "    mov %fs, 72(%rcx)\n    mov %gs, 74(%rcx)\n"
        "    xor %eax, %eax\n"
        "    mov %eax, %ds\n    mov %eax, %es\n    mov %eax, %fs\n    mov %eax, %gs\n"
        "    mov 8(%rcx), %rax\n    wrfsbase %rax\n"
        "    mov 16(%rcx), %rax\n    wrgsbase %rax\n"
        "    mov %rdx, %rdi\n"
        "    and $-64, %rsp\n"
        "    call host_native_collect\n"
        "    mov host_native(%rip), %rsp\n"
        "    pop %r15\n    pop %r14\n    pop %r13\n    pop %r12\n    pop %rbp\n    pop %rbx\n"
        "    ret\n"
        ".size host_native_signal, . - host_native_signal\n");

static HostState *host_native_out;
static uint8_t *host_code_alias; /* the code region, writable */
static stack_t host_alt;
static ucontext_t host_uc;
static _Alignas(64) uint8_t host_image[HOST_XSAVE + 64];

/* VIV_REG order to the frame's. */
static const uint8_t host_greg[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                                      REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                      REG_R12, REG_R13, REG_R14, REG_R15};

/* A fault of the test itself: as if there were no handler. */
void host_native_foreign(int sig)
{
    signal(sig, SIG_DFL);
}

static void host_native_image(const uint8_t *image, HostState *s)
{
    uint64_t bv;
    memcpy(s->xsave, image, HOST_XSAVE);
    memcpy(&bv, image + HOST_XSAVE_BV, 8);
    if (!(bv & 4))
        memset(s->xsave + HOST_XSAVE_YMM, 0, 256);
}

void host_native_collect(const ucontext_t *uc)
{
    const greg_t *g = uc->uc_mcontext.gregs;
    HostState *s = host_native_out;
    unsigned k;
    for (k = 0; k < 16; k++)
        s->gpr[k] = (uint64_t)g[host_greg[k]];
    s->rip = (uint64_t)g[REG_RIP];
    s->rflags = (uint64_t)g[REG_EFL];
    s->vector = (uint32_t)g[REG_TRAPNO];
    s->error = (uint32_t)g[REG_ERR];
    s->cr2 = (uint64_t)g[REG_CR2];
    memcpy(s->sel, host_native.out_sel, sizeof(s->sel));
    s->sel[VIV_SEG_CS] = (uint16_t)g[REG_CSGSFS];
    s->sel[VIV_SEG_SS] = (uint16_t)((uint64_t)g[REG_CSGSFS] >> 48);
    memcpy(s->base, host_native.out_base, sizeof(s->base));
    host_native_image((const uint8_t *)uc->uc_mcontext.fpregs, s);
}

/* The kernel's description of the image (asm/sigcontext.h, struct _fpx_sw_bytes). */
static void host_native_describe(uint8_t *image)
{
    const uint32_t sw[5] = {HOST_MAGIC1, HOST_XSAVE + 4, 7, 0, HOST_XSAVE}, magic2 = HOST_MAGIC2;
    const uint64_t bv[8] = {7};
    memset(image + 416, 0, 96);
    memcpy(image + HOST_SW, sw, sizeof(sw));
    memcpy(image + HOST_XSAVE_BV, bv, sizeof(bv));
    memcpy(image + HOST_XSAVE, &magic2, 4);
}

void host_native_run(const HostState *in, HostState *ret_out)
{
    greg_t *g = host_uc.uc_mcontext.gregs;
    unsigned k;
    for (k = 0; k < 16; k++)
        g[host_greg[k]] = (greg_t)in->gpr[k];
    g[REG_RIP] = (greg_t)in->rip;
    g[REG_EFL] = (greg_t)in->rflags;
    g[REG_CSGSFS] = (greg_t)(in->sel[VIV_SEG_CS] | (uint64_t)in->sel[VIV_SEG_SS] << 48);
    memcpy(host_image, in->xsave, HOST_XSAVE);
    host_native_describe(host_image);
    host_uc.uc_flags = HOST_UC_FLAGS;
    host_uc.uc_stack = host_alt;
    host_uc.uc_mcontext.fpregs = (fpregset_t)(void *)host_image;
    memcpy(host_native.in_base, in->base, sizeof(in->base));
    host_native_out = ret_out;
    host_native_enter(&host_uc);
}

void host_native_code(uint64_t lin, const uint8_t *bytes, size_t len)
{
    memcpy(host_code_alias + (lin - HOST_CODE), bytes, len);
}

/* -- setting up -------------------------------------------------------------------------------- */
static const char *host_native_map(HostRegion *r)
{
    int prot = PROT_READ | (r->write ? PROT_WRITE : 0) | (r->exec ? PROT_EXEC : 0);
    int fd = memfd_create("viv-host", 0);
    void *at, *alias;
    if (fd < 0 || ftruncate(fd, r->bytes) < 0)
        return "no anonymous file";
    at = mmap((void *)(uintptr_t)r->lin, r->bytes, prot,
              MAP_SHARED | MAP_FIXED_NOREPLACE | MAP_POPULATE, fd, 0);
    alias = mmap(NULL, r->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (at == (void *)(uintptr_t)r->lin && alias != MAP_FAILED)
        r->native = alias;
    if (!r->native && !r->optional)
        return "an address of the test's is taken";
    if (r->exec)
        host_code_alias = alias;
    return NULL;
}

static void host_native_signals(void)
{
    static const int signals[] = {SIGSEGV, SIGFPE, SIGILL, SIGBUS, SIGTRAP};
    struct sigaction sa = {.sa_sigaction = host_native_signal,
                           .sa_flags = SA_ONSTACK | SA_NODEFER | SA_SIGINFO};
    unsigned k;
    for (k = 0; k < sizeof(signals) / sizeof(signals[0]); k++)
        sigaction(signals[k], &sa, NULL);
}

const char *host_native_create(void)
{
    unsigned k;
    if (!(getauxval(AT_HWCAP2) & HOST_HWCAP2_FSG))
        return "the kernel or the CPU has no FSGSBASE";
    if (!__builtin_cpu_supports("avx"))
        return "the CPU has no AVX";
    for (k = 0; k < HOST_REGIONS; k++) {
        const char *why = host_native_map(&host_regions[k]);
        if (why)
            return why;
    }
    host_alt.ss_sp =
        mmap(NULL, HOST_ALT_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    host_alt.ss_size = HOST_ALT_BYTES;
    if (host_alt.ss_sp == MAP_FAILED || sigaltstack(&host_alt, NULL) < 0)
        return "no alternate signal stack";
    host_native_signals();
    return NULL;
}
