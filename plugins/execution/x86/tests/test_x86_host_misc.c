/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86_host: gathers and masked moves against the host, what an op says about itself, CPU modes,
 * the cache. */
#include "test_x86_host_ref.h"

static X86HostCache *misc_cache;

static void misc_setup(void)
{
    ref_setup();
    misc_cache = x86_host_cache_create();
    ck_assert_ptr_nonnull(misc_cache);
}

static void misc_teardown(void)
{
    x86_host_cache_destroy(misc_cache);
    ref_teardown();
}

static const X86HostOp *misc_try(ZydisMachineMode mode, const uint8_t *bytes, size_t len)
{
    uint8_t b[16] = {0};
    ZydisDecodedInstruction insn;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];

    memcpy(b, bytes, len);
    if (!ref_decode(mode, b, 15, &insn, operands))
        return NULL;
    return x86_host_compile(misc_cache, &insn, operands, b);
}

static const X86HostOp *misc_op(ZydisMachineMode mode, const char *bytes, size_t len)
{
    const X86HostOp *op = misc_try(mode, (const uint8_t *)bytes, len);
    ck_assert_ptr_nonnull(op);
    return op;
}

/* -- gathers ----------------------------------------------------------------------------------- */

static uint8_t misc_table[4096] __attribute__((aligned(64)));

/* Small indices, some negative, in register 2. */
static void misc_random_indices(viv_cpu_t *cpu, bool qword)
{
    for (unsigned i = 0; i < 32; i += qword ? 8 : 4) {
        int64_t index = (int64_t)(ref_random() % 400) - 200;
        unsigned offset = i < 16 ? 160 + 32 + i : 576 + 32 + i - 16;
        memcpy(cpu->xsave + offset, &index, qword ? 8 : 4);
    }
}

/* As an engine would do it; the access to element fault_at fails. False: it did. */
static bool misc_gather(const X86HostOp *op, viv_cpu_t *cpu, unsigned scale, unsigned fault_at)
{
    for (unsigned i = 0; i < x86_host_gather_count(op); i++) {
        int64_t index;
        uint8_t element[8];
        if (!x86_host_gather_index(op, cpu, i, &index))
            continue;
        if (i == fault_at)
            return false;
        memcpy(element, misc_table + 2048 + index * (1 << scale), op->mem_bytes);
        x86_host_gather_commit(op, cpu, i, element);
    }
    return op->exec(op, cpu, NULL) == 0;
}

static void misc_gather_one(unsigned opcode, unsigned w, unsigned l, unsigned scale)
{
    static viv_cpu_t got;
    static viv_cpu_t want;
    /* reg 1, [rbx + 2 * scale], mask 3 */
    const uint8_t code[] = {0xc4,
                            0xe2,
                            (uint8_t)(w << 7 | 12u << 3 | l << 2 | 1),
                            (uint8_t)opcode,
                            0x0c,
                            (uint8_t)(scale << 6 | 2u << 3 | 3)};
    const X86HostOp *op = misc_try(ZYDIS_MACHINE_MODE_LONG_64, code, sizeof(code));

    ck_assert_ptr_nonnull(op);
    ck_assert_uint_eq(op->mem_kind, X86_HOST_MEM_GATHER);
    for (unsigned i = 0; i < 50; i++) {
        ref_random_state(&got);
        misc_random_indices(&got, opcode & 1);
        got.gpr[VIV_REG_RBX] = (uintptr_t)(misc_table + 2048);
        want = got;
        /* A fault in between, then again from the start: the mask remembers. */
        bool done = misc_gather(op, &got, scale, (unsigned)(ref_random() % 12));
        ck_assert(done || misc_gather(op, &got, scale, 99));
        ck_assert_int_eq(ref_run(&want, code, sizeof(code)), 0);
        ck_assert(ref_compare("gather", &got, &want));
    }
}

START_TEST(test_gather)
{
    if (!x86_host_has(X86_HOST_FEATURE_AVX2))
        return;
    for (unsigned i = 0; i < sizeof(misc_table); i++)
        misc_table[i] = (uint8_t)ref_random();
    for (unsigned k = 0; k < 64; k++)
        misc_gather_one(0x90 + (k & 3), k >> 2 & 1, k >> 3 & 1, k >> 4);
    /* index = destination: #UD */
    const uint8_t code[] = {0xc4, 0xe2, 12u << 3 | 1, 0x90, 0x0c, 1u << 3 | 3};
    ck_assert_ptr_null(misc_try(ZYDIS_MACHINE_MODE_LONG_64, code, sizeof(code)));
}
END_TEST

/* -- masks ------------------------------------------------------------------------------------- */

START_TEST(test_masks)
{
    static viv_cpu_t cpu;
    const X86HostOp *maskmovdqu = misc_op(ZYDIS_MACHINE_MODE_LONG_64, "\x66\x0f\xf7\xca", 4);
    const X86HostOp *maskmovq = misc_op(ZYDIS_MACHINE_MODE_LONG_64, "\x0f\xf7\xca", 3);
    uint8_t mem[16] __attribute__((aligned(16)));

    ref_random_state(&cpu);
    for (unsigned i = 0; i < 16; i++)
        cpu.xsave[160 + 32 + i] = i % 3 ? 0x7f : 0x80;
    ck_assert_uint_eq(x86_host_mem_mask(maskmovdqu, &cpu), 0x9249);
    ck_assert_uint_eq(maskmovdqu->mem_kind, X86_HOST_MEM_MASK_DI);
    memset(mem, 0x55, sizeof(mem));
    ck_assert_int_eq(maskmovdqu->exec(maskmovdqu, &cpu, mem), 0);
    for (unsigned i = 0; i < 16; i++)
        ck_assert_uint_eq(mem[i], i % 3 ? 0x55 : cpu.xsave[160 + 16 + i]);

    /* MM2 is ST(7) while TOP is 3; the mask is the same before and after the instruction has
     * turned the stack. */
    cpu.xsave[2] = 0;
    cpu.xsave[3] = 3 << 3;
    for (unsigned i = 0; i < 8; i++)
        cpu.xsave[32 + 16 * 7 + i] = i & 1 ? 0xff : 0;
    ck_assert_uint_eq(maskmovq->mem_bytes, 8);
    ck_assert_uint_eq(x86_host_mem_mask(maskmovq, &cpu), 0xaa);
    ck_assert_int_eq(maskmovq->exec(maskmovq, &cpu, mem), 0);
    ck_assert_uint_eq(x86_host_mem_mask(maskmovq, &cpu), 0xaa);

    if (!x86_host_has(X86_HOST_FEATURE_AVX))
        return;
    const X86HostOp *ps =
        misc_op(ZYDIS_MACHINE_MODE_LONG_64, "\xc4\xe2\x65\x2e\x0b", 5); /* [rbx], ymm3, ymm1 */
    const X86HostOp *pd =
        misc_op(ZYDIS_MACHINE_MODE_LONG_64, "\xc4\xe2\x65\x2d\x0b", 5); /* ymm1, ymm3, [rbx] */
    memset(cpu.xsave + 160 + 48, 0, 16);
    memset(cpu.xsave + 576 + 48, 0xff, 16);
    cpu.xsave[160 + 48 + 7] = 0x80;
    ck_assert_uint_eq(x86_host_mem_mask(ps, &cpu), 0xffff00f0u);
    ck_assert_uint_eq(x86_host_mem_mask(pd, &cpu), 0xffff00ffu);
    ck_assert_uint_eq(ps->mem_access, X86_HOST_MEM_WRITE);
    ck_assert_uint_eq(pd->mem_access, X86_HOST_MEM_READ);
}
END_TEST

/* -- what an op says --------------------------------------------------------------------------- */

typedef struct MiscFact {
    const char *code;
    uint8_t len;
    uint8_t cls, feature, mem_kind, mem_access, mem_align;
    uint16_t mem_bytes;
    uint16_t gpr_reads, gpr_writes;
    uint16_t reads_flags, writes_flags;
    uint8_t fpu_pointers;
} MiscFact;

#define R X86_HOST_MEM_READ
#define W X86_HOST_MEM_WRITE
static const MiscFact misc_facts[] = {
    /* movaps xmm0, [rbx]; movups; addps; movntdq [rbx], xmm0 */
    {"\x0f\x28\x03", 3, X86_HOST_CLASS_SSE, X86_HOST_FEATURE_SSE, X86_HOST_MEM_PLAIN, R, 16, 16},
    {"\x0f\x10\x03", 3, X86_HOST_CLASS_SSE, X86_HOST_FEATURE_SSE, X86_HOST_MEM_PLAIN, R, 1, 16},
    {"\x0f\x58\x03", 3, X86_HOST_CLASS_SSE, X86_HOST_FEATURE_SSE, X86_HOST_MEM_PLAIN, R, 16, 16},
    {"\x66\x0f\xe7\x03", 4, X86_HOST_CLASS_SSE, X86_HOST_FEATURE_SSE2, X86_HOST_MEM_PLAIN, W, 16,
     16},
    /* cvtpd2pi mm0, [rbx]; pcmpistri xmm0, [rbx], 0; pshufw mm0, [rbx], 0; paddb mm0, [rbx] */
    {"\x66\x0f\x2d\x03", 4, X86_HOST_CLASS_SSEMMX, X86_HOST_FEATURE_SSE2, X86_HOST_MEM_PLAIN, R, 16,
     16},
    {"\x66\x0f\x3a\x63\x03\x00", 6, X86_HOST_CLASS_SSE, X86_HOST_FEATURE_SSE42, X86_HOST_MEM_PLAIN,
     R, 1, 16, 0, 1 << VIV_REG_RCX, 0, 0x8d5},
    {"\x0f\x70\x03\x00", 4, X86_HOST_CLASS_MMX, X86_HOST_FEATURE_SSE, X86_HOST_MEM_PLAIN, R, 1, 8},
    {"\x0f\xfc\x03", 3, X86_HOST_CLASS_MMX, X86_HOST_FEATURE_MMX, X86_HOST_MEM_PLAIN, R, 1, 8},
    /* movmskps ecx, xmm0; movd xmm0, esi; comisd xmm0, [rbx]; ptest xmm0, xmm0 */
    {"\x0f\x50\xc8", 3, X86_HOST_CLASS_SSE, X86_HOST_FEATURE_SSE, 0, 0, 1, 0, 0, 1 << VIV_REG_RCX},
    {"\x66\x0f\x6e\xc6", 4, X86_HOST_CLASS_SSE, X86_HOST_FEATURE_SSE2, 0, 0, 1, 0,
     1 << VIV_REG_RSI},
    {"\x66\x0f\x2f\x03", 4, X86_HOST_CLASS_SSE, X86_HOST_FEATURE_SSE2, X86_HOST_MEM_PLAIN, R, 1, 8,
     0, 0, 0, 0x8d5},
    {"\x66\x0f\x38\x17\xc0", 5, X86_HOST_CLASS_SSE, X86_HOST_FEATURE_SSE41, 0, 0, 1, 0, 0, 0, 0,
     0x8d5},
    /* movnti [rbx], ecx; prefetcht0 [rbx]; sfence */
    {"\x0f\xc3\x0b", 3, X86_HOST_CLASS_FREE, X86_HOST_FEATURE_SSE2, X86_HOST_MEM_PLAIN, W, 1, 4,
     1 << VIV_REG_RCX},
    {"\x0f\x18\x0b", 3, X86_HOST_CLASS_FREE, X86_HOST_FEATURE_SSE, 0, 0, 1, 0},
    {"\x0f\xae\xf8", 3, X86_HOST_CLASS_FREE, X86_HOST_FEATURE_SSE, 0, 0, 1, 0},
    /* fxsave, xsave, xsaves, stmxcsr [rbx] */
    {"\x0f\xae\x03", 3, X86_HOST_CLASS_FXSAVE, X86_HOST_FEATURE_FXSR, X86_HOST_MEM_PLAIN, R | W, 16,
     512},
    {"\x0f\xae\x23", 3, X86_HOST_CLASS_XSAVE, X86_HOST_FEATURE_XSAVE, X86_HOST_MEM_XSAVE, R | W, 64,
     0, 1 << VIV_REG_RAX | 1 << VIV_REG_RDX},
    {"\x0f\xc7\x2b", 3, X86_HOST_CLASS_XSAVES, X86_HOST_FEATURE_XSAVES, X86_HOST_MEM_XSAVE, R | W,
     64, 0, 1 << VIV_REG_RAX | 1 << VIV_REG_RDX},
    {"\x0f\xae\x1b", 3, X86_HOST_CLASS_SSE, X86_HOST_FEATURE_SSE, X86_HOST_MEM_PLAIN, W, 1, 4},
    /* fwait; fld qword [rbx]; fstp tbyte [rbx]; fnsave [rbx]; fnstsw ax; fcmove; fcomi */
    {"\x9b", 1, X86_HOST_CLASS_FWAIT, X86_HOST_FEATURE_FPU, 0, 0, 1, 0},
    {"\xdd\x03", 2, X86_HOST_CLASS_X87, X86_HOST_FEATURE_FPU, X86_HOST_MEM_PLAIN, R, 1, 8, 0, 0, 0,
     0, 1},
    {"\xdb\x3b", 2, X86_HOST_CLASS_X87, X86_HOST_FEATURE_FPU, X86_HOST_MEM_PLAIN, W, 1, 10, 0, 0, 0,
     0, 1},
    {"\xdd\x33", 2, X86_HOST_CLASS_NOWAIT, X86_HOST_FEATURE_FPU, X86_HOST_MEM_PLAIN, W, 1, 108},
    {"\x66\xdd\x33", 3, X86_HOST_CLASS_NOWAIT, X86_HOST_FEATURE_FPU, X86_HOST_MEM_PLAIN, W, 1, 94},
    {"\xdf\xe0", 2, X86_HOST_CLASS_NOWAIT, X86_HOST_FEATURE_FPU, 0, 0, 1, 0, 1 << VIV_REG_RAX,
     1 << VIV_REG_RAX},
    {"\xda\xc9", 2, X86_HOST_CLASS_X87, X86_HOST_FEATURE_CMOV, 0, 0, 1, 0, 0, 0, 0x45, 0, 1},
    {"\xdb\xf1", 2, X86_HOST_CLASS_X87, X86_HOST_FEATURE_CMOV, 0, 0, 1, 0, 0, 0, 0, 0x8d5, 1},
    {"\xdf\x0b", 2, X86_HOST_CLASS_X87, X86_HOST_FEATURE_SSE3, X86_HOST_MEM_PLAIN, W, 1, 2, 0, 0, 0,
     0, 1},
    /* vmovaps ymm0, [rbx]; vaddps ymm0, ymm1, [rbx]; vpaddb ymm; vfmadd231sd xmm0, xmm1, [rbx] */
    {"\xc5\xfc\x28\x03", 4, X86_HOST_CLASS_AVX, X86_HOST_FEATURE_AVX, X86_HOST_MEM_PLAIN, R, 32,
     32},
    {"\xc5\xf4\x58\x03", 4, X86_HOST_CLASS_AVX, X86_HOST_FEATURE_AVX, X86_HOST_MEM_PLAIN, R, 1, 32},
    {"\xc5\xf5\xfc\x03", 4, X86_HOST_CLASS_AVX, X86_HOST_FEATURE_AVX2, X86_HOST_MEM_PLAIN, R, 1,
     32},
    {"\xc4\xe2\xf1\xb9\x03", 5, X86_HOST_CLASS_AVX, X86_HOST_FEATURE_FMA, X86_HOST_MEM_PLAIN, R, 1,
     8},
};
#undef R
#undef W

START_TEST(test_facts)
{
    const MiscFact *f = &misc_facts[_i];
    const X86HostOp *op = misc_try(ZYDIS_MACHINE_MODE_LONG_64, (const uint8_t *)f->code, f->len);

    if (!op) {
        ck_assert(!x86_host_has((X86HostFeature)f->feature));
        return;
    }
    ck_assert_uint_eq(op->cls, f->cls);
    ck_assert_uint_eq(op->feature, f->feature);
    ck_assert_uint_eq(op->mem_kind, f->mem_kind);
    ck_assert_uint_eq(op->mem_access, f->mem_access);
    ck_assert_uint_eq(op->mem_align, f->mem_align);
    ck_assert_uint_eq(op->mem_bytes, f->mem_bytes);
    ck_assert_uint_eq(op->gpr_reads, f->gpr_reads);
    ck_assert_uint_eq(op->gpr_writes, f->gpr_writes);
    ck_assert_uint_eq(op->reads_flags, f->reads_flags);
    ck_assert_uint_eq(op->writes_flags, f->writes_flags);
    ck_assert_uint_eq(op->fpu_pointers, f->fpu_pointers);
}
END_TEST

/* Not this module's: integer, BMI, CRC32, EVEX, 3DNow!. */
START_TEST(test_foreign)
{
    static const char codes[][7] = {
        "\x01\xd8", "\xf2\x0f\x38\xf1\xc3",     "\xf3\x0f\xb8\xc3", "\xc4\xe2\x60\xf2\xc3",
        "\x0f\x0b", "\x62\xf1\x7c\x48\x58\xc1", "\x0f\x0f\xc1\x9e"};
    const X86HostOp *op =
        misc_try(ZYDIS_MACHINE_MODE_LONG_64, (const uint8_t *)codes[_i], sizeof(codes[_i]) - 1);
    ck_assert_ptr_null(op);
}
END_TEST

/* -- modes ------------------------------------------------------------------------------------- */

/* Outside 64-bit mode W does not widen general registers: VMOVD, VPEXTRD, VCVTSI2SD. */
START_TEST(test_mode32_w)
{
    static viv_cpu_t cpu;
    uint64_t xmm[2];

    if (!x86_host_has(X86_HOST_FEATURE_AVX))
        return;
    const X86HostOp *movd =
        misc_op(ZYDIS_MACHINE_MODE_LEGACY_32, "\xc4\xe1\xf9\x6e\xc3", 5); /* xmm0, ebx, W1 */
    ref_random_state(&cpu);
    cpu.gpr[VIV_REG_RBX] = UINT64_C(0x1122334455667788);
    ck_assert_int_eq(movd->exec(movd, &cpu, NULL), 0);
    memcpy(xmm, cpu.xsave + 160, 16);
    ck_assert_uint_eq(xmm[0], 0x55667788u);
    ck_assert_uint_eq(xmm[1], 0);
    const X86HostOp *load =
        misc_op(ZYDIS_MACHINE_MODE_LEGACY_32, "\xc4\xe1\xf9\x6e\x03", 5); /* [ebx] */
    ck_assert_uint_eq(load->mem_bytes, 4);
    const X86HostOp *back =
        misc_op(ZYDIS_MACHINE_MODE_LEGACY_32, "\x66\x0f\x7e\xc1", 4); /* ecx, xmm0 */
    ck_assert_int_eq(back->exec(back, &cpu, NULL), 0);
    ck_assert_uint_eq(cpu.gpr[VIV_REG_RCX], 0x55667788u);
    /* 16-bit code may use SSE too. */
    ck_assert_ptr_nonnull(misc_op(ZYDIS_MACHINE_MODE_LEGACY_16, "\x0f\x58\xc1", 3));
}
END_TEST

/* MMX and x87: #MF while an exception is pending, and nothing changes. */
START_TEST(test_pending)
{
    static viv_cpu_t cpu;
    static viv_cpu_t before;
    static const char codes[][6] = {
        "\x0f\xfc\xc1", "\x0f\x77", "\x0f\xf7\xca", "\x0f\x2d\xc1", "\xd8\xc1", "\xd9\xc9",
        "\xd9\xe8",     "\xdd\x03", "\xdb\xe8",     "\xd9\xd0",     "\xdd\xc1", "\xd9\xf7",
        "\xd9\xe5",     "\x9b",     "\xd9\x2b",     "\xd9\x23",     "\xdd\x23"};
    static const char quiet[][3] = {"\xdf\xe0", "\xd9\x3b", "\xdd\x3b",
                                    "\xd9\x33", "\xdd\x33", "\xdb\xe2"};
    uint8_t mem[128] __attribute__((aligned(64))) = {0};

    ref_random_state(&cpu);
    cpu.xsave[0] = 0x7e; /* IE unmasked */
    cpu.xsave[1] = 0x03;
    cpu.xsave[2] = 0x81;
    cpu.xsave[3] = 0x90;
    before = cpu;
    for (unsigned i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        const X86HostOp *op = misc_op(ZYDIS_MACHINE_MODE_LONG_64, codes[i], 6);
        ck_assert_int_eq(op->exec(op, &cpu, mem), X86_HOST_MF);
        ck_assert(ref_compare("#MF", &cpu, &before));
    }
    for (unsigned i = 0; i < sizeof(quiet) / sizeof(quiet[0]); i++) {
        const X86HostOp *op = misc_op(ZYDIS_MACHINE_MODE_LONG_64, quiet[i], 3);
        cpu = before;
        ck_assert_int_eq(op->exec(op, &cpu, mem), X86_HOST_OK);
    }
    /* IGNNE#: the instruction runs, the exception goes on pending. */
    const X86HostOp *fldz = misc_op(ZYDIS_MACHINE_MODE_LONG_64, "\xd9\xee", 2);
    const X86HostOp *fldcw = misc_op(ZYDIS_MACHINE_MODE_LONG_64, "\xd9\x2b", 2);
    cpu = before;
    cpu.xsave[4] = 0;
    ck_assert_int_eq(x86_host_exec_ignne(fldz, &cpu, NULL), X86_HOST_OK);
    ck_assert_uint_eq(cpu.xsave[4], 1 << 1); /* TOP was 2 */
    ck_assert_uint_eq(cpu.xsave[0], 0x7e);
    ck_assert_uint_eq(cpu.xsave[2], 0x81);
    mem[0] = 0x7f, mem[1] = 0x02;
    ck_assert_int_eq(x86_host_exec_ignne(fldcw, &cpu, mem), X86_HOST_OK);
    ck_assert_uint_eq(cpu.xsave[0], 0x7f);
    ck_assert_uint_eq(cpu.xsave[2], 0x01); /* masked now */
    const X86HostOp *fnclex = misc_op(ZYDIS_MACHINE_MODE_LONG_64, "\xdb\xe2", 2);
    ck_assert_int_eq(fnclex->exec(fnclex, &cpu, NULL), X86_HOST_OK);
    const X86HostOp *fwait = misc_op(ZYDIS_MACHINE_MODE_LONG_64, "\x9b", 1);
    ck_assert_int_eq(fwait->exec(fwait, &cpu, NULL), X86_HOST_OK); /* FNCLEX came last */
}
END_TEST

/* -- cache ------------------------------------------------------------------------------------- */

START_TEST(test_cache)
{
    uint8_t code[] = {0x66, 0x0f, 0x70, 0xc1, 0}; /* pshufd xmm0, xmm1, imm8 */
    const X86HostOp *first = misc_try(ZYDIS_MACHINE_MODE_LONG_64, code, sizeof(code));
    unsigned count = 0;

    ck_assert_ptr_eq(misc_try(ZYDIS_MACHINE_MODE_LONG_64, code, sizeof(code)), first);
    /* Another address, another segment: the same op. */
    ck_assert_ptr_eq(misc_op(ZYDIS_MACHINE_MODE_LONG_64, "\x0f\x10\x44\x8b\x10", 5),
                     misc_op(ZYDIS_MACHINE_MODE_LONG_64, "\x64\x0f\x10\x05\0\0\0\0", 8));
    /* A movntps is a movaps, but says something else of itself than a movups. */
    ck_assert_ptr_ne(misc_op(ZYDIS_MACHINE_MODE_LONG_64, "\x0f\x11\x03", 3),
                     misc_op(ZYDIS_MACHINE_MODE_LONG_64, "\x0f\x2b\x03", 3));
    while (!x86_host_wants_reset(misc_cache) && count < 200000) {
        code[4] = (uint8_t)count;
        code[3] = (uint8_t)(0xc0u | (count >> 8 & 0x3fu));
        code[2] = count >> 14 & 1u ? 0xc6 : 0x70; /* shufpd */
        uint8_t longer[8] = {0x66, (uint8_t)(0x40u | (count >> 15 & 5u))};
        memcpy(longer + 2, code + 1, 4);
        ck_assert_ptr_nonnull(misc_try(ZYDIS_MACHINE_MODE_LONG_64, longer, 6));
        count++;
    }
    ck_assert_uint_gt(count, 20000);
    ck_assert(x86_host_wants_reset(misc_cache));
    x86_host_reset(misc_cache);
    ck_assert(!x86_host_wants_reset(misc_cache));
    code[2] = 0x70, code[3] = 0xc1, code[4] = 0x1b;
    const X86HostOp *op = misc_try(ZYDIS_MACHINE_MODE_LONG_64, code, sizeof(code));
    ck_assert_ptr_nonnull(op);
    static viv_cpu_t cpu;
    ref_random_state(&cpu);
    ck_assert_int_eq(op->exec(op, &cpu, NULL), 0);
    for (unsigned i = 0; i < 4; i++)
        ck_assert(!memcmp(cpu.xsave + 160 + 4 * i, cpu.xsave + 160 + 16 + 4 * (3 - i), 4));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("x86_host_misc");
    TCase *tc = tcase_create("host");

    tcase_add_checked_fixture(tc, misc_setup, misc_teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, test_gather);
    tcase_add_test(tc, test_masks);
    tcase_add_loop_test(tc, test_facts, 0, sizeof(misc_facts) / sizeof(misc_facts[0]));
    tcase_add_loop_test(tc, test_foreign, 0, 7);
    tcase_add_test(tc, test_mode32_w);
    tcase_add_test(tc, test_pending);
    tcase_add_test(tc, test_cache);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
