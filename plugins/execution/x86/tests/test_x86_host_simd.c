/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86_host against the host CPU: every legacy and VEX encoding that it takes, register and
 * memory forms, on random states: registers, memory, flags and MXCSR must be equal. */
#include "test_x86_host_ref.h"

static X86HostCache *simd_cache;
static bool simd_unmasked; /* random exception masks; else all masked */
static unsigned
    simd_range; /* 4, 8: floats, doubles at the ends of their range, OE and UE unmasked */
static unsigned simd_tried;
static unsigned simd_failed;
static unsigned simd_faults;
static unsigned simd_exact; /* faults without PE */

static void simd_setup(void)
{
    ref_setup();
    simd_cache = x86_host_cache_create();
    ck_assert_ptr_nonnull(simd_cache);
    simd_tried = simd_failed = simd_faults = 0;
    simd_exact = simd_range = 0;
    simd_unmasked = false;
}

static void simd_teardown(void)
{
    x86_host_cache_destroy(simd_cache);
    ref_teardown();
}

/* Instructions with another oracle: state, gathers (VSIB). The oracle keeps RSP for itself. */
static bool simd_skipped(const X86HostOp *op)
{
    return ((op->gpr_reads | op->gpr_writes) & 1u << VIV_REG_RSP) ||
           op->cls == X86_HOST_CLASS_FXSAVE || op->cls == X86_HOST_CLASS_XSAVE ||
           op->cls == X86_HOST_CLASS_XSAVES || op->mem_kind == X86_HOST_MEM_GATHER;
}

static bool simd_is_dot_product(ZydisMnemonic mnemonic)
{
    return mnemonic == ZYDIS_MNEMONIC_DPPS || mnemonic == ZYDIS_MNEMONIC_DPPD ||
           mnemonic == ZYDIS_MNEMONIC_VDPPS || mnemonic == ZYDIS_MNEMONIC_VDPPD;
}

static void simd_random_masks(viv_cpu_t *cpu)
{
    uint32_t mxcsr = (uint32_t)ref_random() & 0xffffu;
    if (ref_random() % 2)
        mxcsr |= 0x1000; /* with PE unmasked hardly anything else is seen */
    memcpy(cpu->xsave + 24, &mxcsr, 4);
}

/* Few significant bits, exponents in clusters whose sums and differences are at the ends of the range:
 * results that overflow or underflow, exact ones among them. */
static void simd_range_lanes(uint8_t *bytes, unsigned len)
{
    unsigned fraction = simd_range == 8 ? 52 : simd_range == 4 ? 23 : 10;
    uint64_t bias = simd_range == 8 ? 1023 : simd_range == 4 ? 127 : 15;

    for (unsigned i = 0; i < len; i += simd_range) {
        uint64_t r = ref_random();
        uint64_t v = 0;
        const uint64_t ends[] = {1, bias / 2, bias, bias + bias / 2, 2 * bias};
        uint64_t exponent = ends[r % 5] + (r >> 8 & 3);
        if (exponent > 2 * bias)
            exponent = 2 * bias;
        if (r >> 16 & 7)
            v = exponent << fraction | (r >> 20 & 7)
                                           << (fraction - 3 - (r >> 24 & 15) % fraction / 2);
        if ((r >> 28 & 7) == 0)
            v |= r >> 40 & 0xff;
        v |= (r >> 63) << (8 * simd_range - 1);
        memcpy(bytes + i, &v, simd_range);
    }
}

static void simd_range_state(viv_cpu_t *cpu, uint8_t *mem)
{
    uint32_t mxcsr = 0x1f80 & ~((uint32_t)(ref_random() % 3 + 1) << 10); /* OE, UE or both */
    mxcsr |= (uint32_t)ref_random() & 0x6000u;                           /* rounding */
    if (ref_random() % 8 == 0)
        mxcsr |= 0x8040; /* flush to zero, denormals are zeros */
    memcpy(cpu->xsave + 24, &mxcsr, 4);
    simd_range_lanes(cpu->xsave + 160, 256);
    simd_range_lanes(cpu->xsave + 576, 256);
    simd_range_lanes(mem, 64);
}

/* Memory operand at [rbx]; MASKMOV at [rdi]. */
static void simd_one(const uint8_t *bytes, const ZydisDecodedInstruction *insn, const X86HostOp *op)
{
    static uint8_t mem[2][64] __attribute__((aligned(64)));
    static viv_cpu_t got;
    static viv_cpu_t want;
    char what[96];

    ref_random_state(&got);
    if (simd_unmasked)
        simd_random_masks(&got);
    ref_random_lanes(mem[0], 64);
    if (simd_range)
        simd_range_state(&got, mem[0]);
    if (insn->mnemonic == ZYDIS_MNEMONIC_LDMXCSR || insn->mnemonic == ZYDIS_MNEMONIC_VLDMXCSR)
        mem[0][2] = mem[0][3] = 0, mem[0][0] |= 0x80, mem[0][1] |= 0x1f; /* valid, masked */
    memcpy(mem[1], mem[0], 64);
    if (op->mem_kind == X86_HOST_MEM_MASK_DI)
        got.gpr[VIV_REG_RDI] = (uintptr_t)mem[1];
    else if (op->mem_kind != X86_HOST_MEM_NONE)
        got.gpr[VIV_REG_RBX] = (uintptr_t)mem[1];
    want = got;
    int rc = op->exec(op, &got, op->mem_kind == X86_HOST_MEM_NONE ? NULL : mem[0]);
    int ref = ref_run(&want, bytes, insn->length);
    snprintf(what, sizeof(what), "%s (%02x %02x %02x %02x %02x %02x)",
             ZydisMnemonicGetString(insn->mnemonic), bytes[0], bytes[1], bytes[2], bytes[3],
             bytes[4], bytes[5]);
    simd_tried++;
    if (ref == X86_HOST_XM) {
        simd_faults++;
        simd_exact += (ref_fault_mxcsr & 0x20) == 0;
        memcpy(want.xsave + 24, &ref_fault_mxcsr, 4);
    }
    if (rc != ref)
        fprintf(stderr, "%s: result %d, oracle %d\n", what, rc, ref);
    if (rc != ref ||
        !(ref_compare(what, &got, &want) && ref_same(what, "memory", mem[0], mem[1], 64)))
        simd_failed++;
    ck_assert_msg(simd_failed < 20, "too many differences");
}

static void simd_encoding(const uint8_t *bytes, unsigned rounds)
{
    ZydisDecodedInstruction insn;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];

    if (!ref_decode(ZYDIS_MACHINE_MODE_LONG_64, bytes, 15, &insn, operands))
        return;
    if (x86_host_wants_reset(simd_cache))
        x86_host_reset(simd_cache);
    const X86HostOp *op = x86_host_compile(simd_cache, &insn, operands, bytes);
    /* Where in a dot product an unmasked exception ends it is the maker's choice. */
    if (op && (simd_unmasked || simd_range) && simd_is_dot_product(insn.mnemonic) && !ref_is_amd())
        return;
    if (!op || simd_skipped(op) || (op->mem_kind != X86_HOST_MEM_NONE && insn.address_width != 64))
        return;
    for (unsigned i = 0; i < rounds; i++)
        simd_one(bytes, &insn, op);
}

/* ModRM with a random register in reg, or the opcode extension ext; rm: a register, or [rbx]. */
static uint8_t simd_modrm(bool memory, unsigned ext)
{
    return (uint8_t)((memory ? 3u : 0xc0u | (ref_random() & 7u)) | ext << 3);
}

static void simd_legacy(unsigned map, unsigned pp, unsigned wide, unsigned opcode)
{
    static const uint8_t prefixes[4] = {0, 0x66, 0xf3, 0xf2};

    for (unsigned k = 0; k < 16; k++) {
        uint8_t b[24] = {0};
        unsigned n = 0;
        bool memory = k & 1u;
        if (pp)
            b[n++] = prefixes[pp];
        if (wide || ref_random() % 2)
            b[n++] = (uint8_t)(0x40u | wide << 3 | (ref_random() & (memory ? 4u : 5u)));
        b[n++] = 0x0f;
        if (map > 1)
            b[n++] = map == 2 ? 0x38 : 0x3a;
        b[n++] = (uint8_t)opcode;
        b[n++] = simd_modrm(memory, k >> 1);
        b[n++] = (uint8_t)ref_random();
        b[n++] = (uint8_t)ref_random();
        simd_encoding(b, 2);
    }
}

/* Idle, repeated and misplaced prefixes: which one counts is the decoder's and the host's to
 * agree upon. */
static void simd_clutter(unsigned map, unsigned opcode)
{
    static const uint8_t clutter[] = {0x66, 0xf2, 0xf3, 0x2e, 0x3e, 0x48, 0x45, 0x67};

    for (unsigned k = 0; k < 32; k++) {
        uint8_t b[24] = {0};
        unsigned n = 0;
        bool memory = k & 1u;
        for (unsigned i = (unsigned)ref_random() % 5; i > 0; i--) {
            uint8_t prefix = clutter[ref_random() % sizeof(clutter)];
            if (memory && (prefix == 0x67 || prefix == 0x45)) /* would move the operand */
                prefix = 0x66;
            b[n++] = prefix;
        }
        b[n++] = 0x0f;
        if (map > 1)
            b[n++] = map == 2 ? 0x38 : 0x3a;
        b[n++] = (uint8_t)opcode;
        b[n++] = simd_modrm(memory, (unsigned)ref_random() & 7u);
        b[n++] = (uint8_t)ref_random();
        b[n++] = (uint8_t)ref_random();
        simd_encoding(b, 1);
    }
}

static void simd_vex(unsigned map, unsigned pp, unsigned w_l, unsigned opcode)
{
    for (unsigned k = 0; k < 32; k++) {
        uint8_t b[24] = {0xc4};
        bool memory = k & 1u;
        unsigned vvvv = k & 2u ? (unsigned)ref_random() & 15u : 15u; /* 15: "no operand" */
        b[1] = (uint8_t)(0x40u | (ref_random() & (memory ? 0x80u : 0xa0u)) | (memory ? 0x20u : 0) |
                         map);
        b[2] = (uint8_t)((w_l & 1u) << 7 | vvvv << 3 | (w_l >> 1) << 2 | pp);
        b[3] = (uint8_t)opcode;
        b[4] = simd_modrm(memory, k >> 2);
        b[5] = (uint8_t)ref_random();
        simd_encoding(b, 2);
    }
}

START_TEST(test_legacy)
{
    for (unsigned map = 1; map <= 3; map++) {
        for (unsigned opcode = 0; opcode < 256; opcode++) {
            if (map == 1 && (opcode == 0x38 || opcode == 0x3a)) /* escapes, not opcodes */
                continue;
            for (unsigned k = 0; k < 8; k++)
                simd_legacy(map, k & 3u, k >> 2, opcode);
        }
    }
    ck_assert_uint_eq(simd_failed, 0);
    ck_assert_uint_gt(simd_tried, 8000);
}
END_TEST

START_TEST(test_prefixes)
{
    for (unsigned map = 1; map <= 3; map++) {
        for (unsigned opcode = 0; opcode < 256; opcode++) {
            if (map > 1 || (opcode != 0x38 && opcode != 0x3a))
                simd_clutter(map, opcode);
        }
    }
    ck_assert_uint_eq(simd_failed, 0);
    ck_assert_uint_gt(simd_tried, 2000);
}
END_TEST

START_TEST(test_vex)
{
    if (!x86_host_has(X86_HOST_FEATURE_AVX))
        return;
    for (unsigned map = 1; map <= 3; map++) {
        for (unsigned opcode = 0; opcode < 256; opcode++) {
            for (unsigned k = 0; k < 16; k++)
                simd_vex(map, k & 3u, k >> 2, opcode);
        }
    }
    ck_assert_uint_eq(simd_failed, 0);
    ck_assert_uint_gt(simd_tried, 20000);
}
END_TEST

START_TEST(test_unmasked)
{
    simd_unmasked = true;
    for (unsigned opcode = 0; opcode < 256; opcode++) {
        for (unsigned k = 0; k < 8 && opcode != 0x38 && opcode != 0x3a; k++)
            simd_legacy(1, k & 3u, k >> 2, opcode);
        simd_legacy(3, 1, 0, opcode);
        for (unsigned k = 0; k < 48 && x86_host_has(X86_HOST_FEATURE_AVX); k++)
            simd_vex(1 + k % 3, k / 3 & 3u, k / 12, opcode);
    }
    ck_assert_uint_eq(simd_failed, 0);
    ck_assert_uint_gt(simd_faults, 500);
}
END_TEST

/* PE beside an unmasked OE or UE: rounding with an exponent without bounds. */
START_TEST(test_range)
{
    static const uint8_t opcodes[] = {0x58, 0x59, 0x5a, 0x5c, 0x5e, 0x7c, 0x7d, 0xd0, 0x40, 0x41};
    bool avx = x86_host_has(X86_HOST_FEATURE_AVX);

    for (unsigned round = 0; round < 60; round++) {
        simd_range = round & 1 ? 8 : 4;
        for (unsigned i = 0; i < sizeof(opcodes); i++) {
            unsigned map = opcodes[i] < 0x50 ? 3 : 1;
            for (unsigned pp = 0; pp < 4; pp++) {
                simd_legacy(map, pp, 0, opcodes[i]);
                if (avx)
                    simd_vex(map, pp, pp % 2 * 2, opcodes[i]);
            }
        }
        if (!avx || !x86_host_has(X86_HOST_FEATURE_FMA))
            continue;
        for (unsigned opcode = 0x96; opcode <= 0xbf; opcode++) /* W as the operands are */
            simd_vex(2, 1, (round & 1) | (round & 2), opcode);
        simd_range = 4;
        simd_vex(3, 1, round & 2, 0x1d); /* VCVTPS2PH */
    }
    ck_assert_uint_eq(simd_failed, 0);
    ck_assert_uint_gt(simd_faults, 5000);
    ck_assert_uint_gt(simd_exact, 1000);
}
END_TEST

static uint8_t simd_odd[128] __attribute__((aligned(64)));

static int simd_at(const ZydisDecodedInstruction *insn, const uint8_t *bytes, unsigned offset,
                   uint64_t flags)
{
    static viv_cpu_t cpu;

    ref_random_state(&cpu);
    memset(simd_odd, 0, sizeof(simd_odd));
    if (insn->mnemonic == ZYDIS_MNEMONIC_LDMXCSR || insn->mnemonic == ZYDIS_MNEMONIC_VLDMXCSR)
        memcpy(simd_odd + offset, "\x80\x1f", 2);
    cpu.rflags |= flags;
    cpu.gpr[VIV_REG_RBX] = (uintptr_t)simd_odd + offset;
    cpu.gpr[VIV_REG_RDI] = (uintptr_t)simd_odd + offset;
    return ref_run(&cpu, bytes, insn->length);
}

static void simd_report(const ZydisDecodedInstruction *insn, const X86HostOp *op, const char *what)
{
    fprintf(stderr, "%s: %s, op says %u, %u\n", ZydisMnemonicGetString(insn->mnemonic), what,
            op->mem_align, op->mem_ac);
    simd_failed++;
}

/* Which misaligned operands are #GP on the host, and with alignment checks #AC. SHA is left out:
 * Intel's manual wants alignment (exception type 4), AMD's processors do not. */
static void simd_misaligned(const uint8_t *bytes)
{
    ZydisDecodedInstruction insn;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];

    if (!ref_decode(ZYDIS_MACHINE_MODE_LONG_64, bytes, 15, &insn, operands))
        return;
    const X86HostOp *op = x86_host_compile(simd_cache, &insn, operands, bytes);
    if (!op || simd_skipped(op) || op->mem_kind == X86_HOST_MEM_NONE ||
        op->feature == X86_HOST_FEATURE_SHA)
        return;
    simd_tried++;
    if ((simd_at(&insn, bytes, 1, 0) == 13) != (op->mem_align > 1))
        simd_report(&insn, op, "#GP differs");
    if (op->mem_align > 1 ||
        (!ref_is_amd() && (op->mem_ac > 8 || op->mem_kind != X86_HOST_MEM_PLAIN)))
        return;
    if (simd_at(&insn, bytes, op->mem_ac, REF_RFLAGS_AC) != 0)
        simd_report(&insn, op, "#AC where it is aligned");
    if (op->mem_ac > 1 && simd_at(&insn, bytes, op->mem_ac / 2, REF_RFLAGS_AC) != 17)
        simd_report(&insn, op, "no #AC where it is not aligned");
}

START_TEST(test_misaligned)
{
    static const uint8_t prefixes[4] = {0, 0x66, 0xf3, 0xf2};

    for (unsigned k = 0; k < 3u * 256 * 4 * 4; k++) {
        unsigned map = 1 + k % 3, opcode = k / 3 % 256, pp = k / 768 % 4, form = k / 3072;
        uint8_t b[24] = {0};
        unsigned n = 0;
        if (form == 0) {
            if (map == 1 && (opcode == 0x38 || opcode == 0x3a))
                continue;
            if (pp)
                b[n++] = prefixes[pp];
            b[n++] = 0x0f;
            if (map > 1)
                b[n++] = map == 2 ? 0x38 : 0x3a;
        } else {
            b[n++] = 0xc4;
            b[n++] = (uint8_t)(0xe0u | map);
            b[n++] = (uint8_t)((form == 3 ? 0u : 15u) << 3 | (form > 1) << 2 | pp);
            if (!x86_host_has(X86_HOST_FEATURE_AVX))
                continue;
        }
        b[n++] = (uint8_t)opcode;
        b[n++] = 0x0b; /* [rbx], register 1 */
        simd_misaligned(b);
    }
    ck_assert_uint_eq(simd_failed, 0);
    ck_assert_uint_gt(simd_tried, 300);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("x86_host_simd");
    TCase *tc = tcase_create("host");

    tcase_add_checked_fixture(tc, simd_setup, simd_teardown);
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, test_legacy);
    tcase_add_test(tc, test_prefixes);
    tcase_add_test(tc, test_vex);
    tcase_add_test(tc, test_unmasked);
    tcase_add_test(tc, test_range);
    if (!REF_THREAD_SANITIZER)
        tcase_add_test(tc, test_misaligned);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
