/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86_host: the cache of compiled ops, their executable memory, and what the host CPU can do.
 *
 * Invariants:
 * 1. No page is ever writable and executable at one address: code is written through one mapping
 *    of an anonymous file and run through another.
 * 2. An op never moves and never changes once x86_host_compile() has returned it, until the
 *    reset.
 * 3. Two instructions with equal keys are the same op: the key holds the normalised bytes, the
 *    guest's register numbers and whatever of the CPU mode the op depends on. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <cpuid.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "x86_host_internal.h"

#define X86_HOST_OPS_MAX         32768u
#define X86_HOST_OPS_WANT_RESET  28672u
#define X86_HOST_HASH_SLOTS      65536u /* a power of two, twice the ops */
#define X86_HOST_CODE_BYTES      (6u << 20)
#define X86_HOST_CODE_WANT_RESET (5u << 20)
#ifndef MFD_EXEC
#define MFD_EXEC 0x0010u
#endif

struct X86HostCache {
    uint8_t *code_rw;
    const uint8_t *code_rx;
    size_t code_used;
    uint32_t op_count;
    uint8_t serial;
    X86HostOp *ops;
    X86HostKey *keys;
    uint16_t *slots; /* op index + 1, linear probing */
};

/* -- features ---------------------------------------------------------------------------------- */

#define X86_HOST_EAX 0u
#define X86_HOST_EBX 1u
#define X86_HOST_ECX 2u
#define X86_HOST_EDX 3u
#define X86_HOST_BIT(feature, leaf, subleaf, reg, bit, also)                                       \
    [X86_HOST_FEATURE_##                                                                           \
        feature] = {leaf, subleaf, X86_HOST_##reg, bit, X86_HOST_FEATURE_##also, 0, #feature}

const X86HostFeatureBit x86_host_features[X86_HOST_FEATURE_COUNT] = {
    X86_HOST_BIT(FPU, 1, 0, EDX, 0, FPU),
    X86_HOST_BIT(CMOV, 1, 0, EDX, 15, FPU),
    X86_HOST_BIT(MMX, 1, 0, EDX, 23, MMX),
    X86_HOST_BIT(FXSR, 1, 0, EDX, 24, FXSR),
    X86_HOST_BIT(SSE, 1, 0, EDX, 25, SSE),
    X86_HOST_BIT(SSE2, 1, 0, EDX, 26, SSE2),
    X86_HOST_BIT(SSE3, 1, 0, ECX, 0, SSE3),
    X86_HOST_BIT(SSSE3, 1, 0, ECX, 9, SSSE3),
    X86_HOST_BIT(SSE41, 1, 0, ECX, 19, SSE41),
    X86_HOST_BIT(SSE42, 1, 0, ECX, 20, SSE42),
    X86_HOST_BIT(SSE4A, 0x80000001u, 0, ECX, 6, SSE4A),
    X86_HOST_BIT(AES, 1, 0, ECX, 25, AES),
    X86_HOST_BIT(PCLMULQDQ, 1, 0, ECX, 1, PCLMULQDQ),
    X86_HOST_BIT(SHA, 7, 0, EBX, 29, SHA),
    X86_HOST_BIT(GFNI, 7, 0, ECX, 8, GFNI),
    X86_HOST_BIT(XSAVE, 1, 0, ECX, 26, XSAVE),
    X86_HOST_BIT(XSAVEOPT, 0xd, 1, EAX, 0, XSAVE),
    X86_HOST_BIT(XSAVEC, 0xd, 1, EAX, 1, XSAVE),
    X86_HOST_BIT(XSAVES, 0xd, 1, EAX, 3, XSAVE),
    X86_HOST_BIT(AVX, 1, 0, ECX, 28, AVX),
    X86_HOST_BIT(F16C, 1, 0, ECX, 29, AVX),
    X86_HOST_BIT(FMA, 1, 0, ECX, 12, AVX),
    X86_HOST_BIT(AVX2, 7, 0, EBX, 5, AVX),
    X86_HOST_BIT(VAES, 7, 0, ECX, 9, AVX),
    X86_HOST_BIT(VPCLMULQDQ, 7, 0, ECX, 10, AVX),
    X86_HOST_BIT(AVX_VNNI, 7, 1, EAX, 4, AVX),
};

static bool x86_host_probe_bit(X86HostFeature feature)
{
    const X86HostFeatureBit *f = &x86_host_features[feature];
    uint32_t regs[4] = {0};

    if (!__get_cpuid_count(f->leaf, f->subleaf, &regs[0], &regs[1], &regs[2], &regs[3]))
        return false;
    return (regs[f->reg] >> f->bit & 1u) != 0;
}

static bool x86_host_probe_ymm(void)
{
    uint32_t regs[4] = {0};
    uint32_t lo;
    uint32_t hi;

    if (!__get_cpuid(1, &regs[0], &regs[1], &regs[2], &regs[3]) || !(regs[2] & bit_OSXSAVE))
        return false;
    __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    return (lo & 6u) == 6u;
}

/* The state components that C code serves by itself need nothing of the host. */
static bool x86_host_is_software(X86HostFeature feature)
{
    return feature == X86_HOST_FEATURE_XSAVE || feature == X86_HOST_FEATURE_XSAVEOPT ||
           feature == X86_HOST_FEATURE_XSAVEC || feature == X86_HOST_FEATURE_XSAVES;
}

static uint64_t x86_host_probe(void)
{
    uint64_t has = 0;
    bool ymm = x86_host_probe_ymm();

    for (unsigned i = 0; i < X86_HOST_FEATURE_COUNT; i++) {
        bool needs_ymm = i >= X86_HOST_FEATURE_AVX;
        if (x86_host_is_software(i) || ((!needs_ymm || ymm) && x86_host_probe_bit(i)))
            has |= UINT64_C(1) << i;
    }
    return has | UINT64_C(1) << 63; /* "probed" */
}

bool x86_host_has(X86HostFeature feature)
{
    /* Constant once computed, so a race computes it twice and nothing worse. */
    static uint64_t has;
    uint64_t now = __atomic_load_n(&has, __ATOMIC_RELAXED);

    if (!now) {
        now = x86_host_probe();
        __atomic_store_n(&has, now, __ATOMIC_RELAXED);
    }
    return (unsigned)feature < X86_HOST_FEATURE_COUNT && (now >> feature & 1u);
}

/* -- create, destroy --------------------------------------------------------------------------- */

static int x86_host_cache_file(void)
{
    int fd = memfd_create("x86_host", MFD_CLOEXEC | MFD_EXEC);
    if (fd < 0) /* a kernel that does not know MFD_EXEC makes it executable anyway */
        fd = memfd_create("x86_host", MFD_CLOEXEC);
    if (fd >= 0 && ftruncate(fd, X86_HOST_CODE_BYTES) < 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static bool x86_host_cache_map(X86HostCache *cache)
{
    int fd = x86_host_cache_file();
    if (fd < 0)
        return false;
    void *rw = mmap(NULL, X86_HOST_CODE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    void *rx = mmap(NULL, X86_HOST_CODE_BYTES, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    close(fd);
    cache->code_rw = rw == MAP_FAILED ? NULL : rw;
    cache->code_rx = rx == MAP_FAILED ? NULL : rx;
    return cache->code_rw && cache->code_rx;
}

X86HostCache *x86_host_cache_create(void)
{
    X86HostCache *cache = calloc(1, sizeof(*cache));
    if (!cache)
        return NULL;
    cache->ops = calloc(X86_HOST_OPS_MAX, sizeof(*cache->ops));
    cache->keys = calloc(X86_HOST_OPS_MAX, sizeof(*cache->keys));
    cache->slots = calloc(X86_HOST_HASH_SLOTS, sizeof(*cache->slots));
    if (!cache->ops || !cache->keys || !cache->slots || !x86_host_cache_map(cache)) {
        x86_host_cache_destroy(cache);
        return NULL;
    }
    return cache;
}

void x86_host_cache_destroy(X86HostCache *cache)
{
    if (!cache)
        return;
    if (cache->code_rw)
        munmap(cache->code_rw, X86_HOST_CODE_BYTES);
    if (cache->code_rx)
        munmap((void *)(uintptr_t)cache->code_rx, X86_HOST_CODE_BYTES);
    free(cache->ops);
    free(cache->keys);
    free(cache->slots);
    free(cache);
}

bool x86_host_wants_reset(const X86HostCache *cache)
{
    return cache->op_count >= X86_HOST_OPS_WANT_RESET ||
           cache->code_used >= X86_HOST_CODE_WANT_RESET;
}

void x86_host_reset(X86HostCache *cache)
{
    memset(cache->slots, 0, X86_HOST_HASH_SLOTS * sizeof(*cache->slots));
    cache->op_count = 0;
    cache->code_used = 0;
    cache->serial++;
}

/* -- lookup ------------------------------------------------------------------------------------ */

static uint32_t x86_host_key_hash(const X86HostKey *key)
{
    uint64_t w[3];
    _Static_assert(sizeof(w) == sizeof(*key), "three words");
    memcpy(w, key, sizeof(w));
    uint64_t h = w[0] * UINT64_C(0x9e3779b97f4a7c15);
    h = (h ^ h >> 29 ^ w[1]) * UINT64_C(0xbf58476d1ce4e5b9);
    h = (h ^ h >> 32 ^ w[2]) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)(h >> 40);
}

/* The slot of key, or the free one where it belongs. The table is never full: invariant of the
 * sizes. */
static uint32_t x86_host_slot(const X86HostCache *cache, const X86HostKey *key)
{
    uint32_t slot = x86_host_key_hash(key) & (X86_HOST_HASH_SLOTS - 1u);
    while (cache->slots[slot] &&
           memcmp(&cache->keys[cache->slots[slot] - 1u], key, sizeof(*key)) != 0)
        slot = (slot + 1u) & (X86_HOST_HASH_SLOTS - 1u);
    return slot;
}

/* The address where code will run, or NULL when there is no room. x86 keeps instruction fetch
 * coherent with stores through any mapping, so nothing needs flushing. */
static const uint8_t *x86_host_place(X86HostCache *cache, const X86HostCode *code)
{
    size_t start = (cache->code_used + 15u) & ~(size_t)15u;
    if (code->overflow || start + code->len > X86_HOST_CODE_BYTES)
        return NULL;
    memcpy(cache->code_rw + start, code->bytes, code->len);
    cache->code_used = start + code->len;
    return cache->code_rx + start;
}

static bool x86_host_finish(X86HostCache *cache, X86HostBuild *build)
{
    X86HostCode code;

    if (!build->emit)
        return true;
    code.len = 0;
    code.overflow = false;
    build->emit(build, &code);
    const uint8_t *entry = x86_host_place(cache, &code);
    if (!entry)
        return false;
    if (build->op.cls == X86_HOST_CLASS_X87)
        memcpy(&build->op.priv_stub, &entry,
               sizeof(entry)); /* a function pointer, no cast will do */
    else
        memcpy(&build->op.exec, &entry, sizeof(entry));
    return true;
}

/* -- compile ----------------------------------------------------------------------------------- */

/* MMX instructions that came with SSE; Zydis counts them to MMX. Bit n: opcode 0F n. */
static bool x86_host_is_sse_mmx(const ZydisDecodedInstruction *insn)
{
    static const uint8_t opcodes[] = {0x70, 0xc4, 0xc5, 0xd7, 0xda, 0xde, 0xe0,
                                      0xe3, 0xe4, 0xe7, 0xea, 0xee, 0xf6, 0xf7};
    return insn->opcode_map == ZYDIS_OPCODE_MAP_0F &&
           memchr(opcodes, insn->opcode, sizeof(opcodes)) != NULL;
}

static bool x86_host_is_x87(const ZydisDecodedInstruction *insn)
{
    return insn->opcode_map == ZYDIS_OPCODE_MAP_DEFAULT &&
           insn->encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY &&
           ((insn->opcode & 0xf8u) == 0xd8u || insn->opcode == 0x9bu);
}

static int x86_host_feature_of(const ZydisDecodedInstruction *insn)
{
    if (x86_host_is_x87(insn)) {
        switch (insn->meta.isa_set) {
        case ZYDIS_ISA_SET_FCMOV:
        case ZYDIS_ISA_SET_PPRO: /* FCOMI and family */ return X86_HOST_FEATURE_CMOV;
        case ZYDIS_ISA_SET_SSE3: /* FISTTP */
        case ZYDIS_ISA_SET_SSE3X87: return X86_HOST_FEATURE_SSE3;
        default: return X86_HOST_FEATURE_FPU;
        }
    }
    switch (insn->meta.isa_set) {
    case ZYDIS_ISA_SET_PENTIUMMMX:
        return x86_host_is_sse_mmx(insn) ? X86_HOST_FEATURE_SSE : X86_HOST_FEATURE_MMX;
    case ZYDIS_ISA_SET_FXSAVE:
    case ZYDIS_ISA_SET_FXSAVE64: return X86_HOST_FEATURE_FXSR;
    case ZYDIS_ISA_SET_SSE:
    case ZYDIS_ISA_SET_SSEMXCSR:
    case ZYDIS_ISA_SET_SSE_PREFETCH: return X86_HOST_FEATURE_SSE;
    case ZYDIS_ISA_SET_SSE2:
    case ZYDIS_ISA_SET_SSE2MMX: return X86_HOST_FEATURE_SSE2;
    case ZYDIS_ISA_SET_SSE3: return X86_HOST_FEATURE_SSE3;
    case ZYDIS_ISA_SET_SSSE3:
    case ZYDIS_ISA_SET_SSSE3MMX: return X86_HOST_FEATURE_SSSE3;
    case ZYDIS_ISA_SET_SSE4: return X86_HOST_FEATURE_SSE41;
    case ZYDIS_ISA_SET_SSE42:
        return insn->mnemonic == ZYDIS_MNEMONIC_CRC32 ? -1 : X86_HOST_FEATURE_SSE42;
    case ZYDIS_ISA_SET_SSE4A: return X86_HOST_FEATURE_SSE4A;
    case ZYDIS_ISA_SET_AES:
    case ZYDIS_ISA_SET_AVXAES: return X86_HOST_FEATURE_AES;
    case ZYDIS_ISA_SET_PCLMULQDQ: return X86_HOST_FEATURE_PCLMULQDQ;
    case ZYDIS_ISA_SET_SHA: return X86_HOST_FEATURE_SHA;
    case ZYDIS_ISA_SET_GFNI:
    case ZYDIS_ISA_SET_AVX_GFNI: return X86_HOST_FEATURE_GFNI;
    case ZYDIS_ISA_SET_XSAVE: return X86_HOST_FEATURE_XSAVE;
    case ZYDIS_ISA_SET_XSAVEOPT: return X86_HOST_FEATURE_XSAVEOPT;
    case ZYDIS_ISA_SET_XSAVEC: return X86_HOST_FEATURE_XSAVEC;
    case ZYDIS_ISA_SET_XSAVES: return X86_HOST_FEATURE_XSAVES;
    case ZYDIS_ISA_SET_AVX:
        return insn->mnemonic == ZYDIS_MNEMONIC_VPCLMULQDQ ? X86_HOST_FEATURE_PCLMULQDQ
                                                           : X86_HOST_FEATURE_AVX;
    case ZYDIS_ISA_SET_F16C: return X86_HOST_FEATURE_F16C;
    case ZYDIS_ISA_SET_FMA: return X86_HOST_FEATURE_FMA;
    case ZYDIS_ISA_SET_AVX2:
    case ZYDIS_ISA_SET_AVX2GATHER: return X86_HOST_FEATURE_AVX2;
    case ZYDIS_ISA_SET_VAES: return X86_HOST_FEATURE_VAES;
    case ZYDIS_ISA_SET_VPCLMULQDQ: return X86_HOST_FEATURE_VPCLMULQDQ;
    case ZYDIS_ISA_SET_AVX_VNNI: return X86_HOST_FEATURE_AVX_VNNI;
    default: return -1;
    }
}

static bool x86_host_prepare(X86HostBuild *build)
{
    if (x86_host_is_x87(build->insn))
        return x86_host_x87_prepare(build);
    switch (build->insn->meta.isa_set) {
    case ZYDIS_ISA_SET_FXSAVE:
    case ZYDIS_ISA_SET_FXSAVE64:
    case ZYDIS_ISA_SET_XSAVE:
    case ZYDIS_ISA_SET_XSAVEOPT:
    case ZYDIS_ISA_SET_XSAVEC:
    case ZYDIS_ISA_SET_XSAVES: return x86_host_state_prepare(build);
    default: return x86_host_simd_prepare(build);
    }
}

/* Alignment checks want natural alignment, of tens of bytes the largest part's (SDM vol. 3, table
 * 6-7). That 16 bytes count, and 32 as two of them, is AMD's way; what has an alignment of its own
 * is never checked twice, unless the vendor may forgo the one (x86_host_align_fault()). */
static uint8_t x86_host_ac_align(const X86HostOp *op)
{
    if (op->mem_kind == X86_HOST_MEM_MASK_DI)
        return 8;
    if (op->mem_kind != X86_HOST_MEM_PLAIN ||
        (op->mem_align > 1 && op->feature != X86_HOST_FEATURE_SHA))
        return 1;
    switch (op->mem_bytes) {
    case 2:
    case 14:
    case 94: return 2; /* environments in words */
    case 4:
    case 28:
    case 108: return 4; /* in doublewords */
    case 8:
    case 10: return 8;
    case 16:
    case 32: return 16;
    default: return 1;
    }
}

const X86HostOp *x86_host_compile(X86HostCache *cache, const ZydisDecodedInstruction *insn,
                                  const ZydisDecodedOperand *operands, const uint8_t *bytes)
{
    X86HostBuild build;

    int feature = x86_host_feature_of(insn);
    if (feature < 0 || !x86_host_has((X86HostFeature)feature))
        return NULL;
    memset(&build, 0, sizeof(build));
    build.insn = insn;
    build.operands = operands;
    build.bytes = bytes;
    build.op.feature = (uint8_t)feature;
    build.op.mem_align = 1;
    if (!x86_host_prepare(&build))
        return NULL;
    build.op.mem_ac = x86_host_ac_align(&build.op);

    uint32_t slot = x86_host_slot(cache, &build.key);
    if (cache->slots[slot])
        return &cache->ops[cache->slots[slot] - 1u];
    if (cache->op_count >= X86_HOST_OPS_MAX || !x86_host_finish(cache, &build))
        return NULL;
    build.op.serial = cache->serial;
    cache->ops[cache->op_count] = build.op;
    cache->keys[cache->op_count] = build.key;
    cache->slots[slot] = (uint16_t)++cache->op_count;
    return &cache->ops[cache->op_count - 1u];
}
