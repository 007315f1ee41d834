/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86_host: FXSAVE, FXRSTOR and the XSAVE family against the host's; then their faults, 32-bit
 * mode and reset values. */
#include "test_x86_host_ref.h"

#define STATE_ROUNDS 400u

static X86HostCache *state_cache;

static void state_setup(void)
{
    ref_setup();
    state_cache = x86_host_cache_create();
    ck_assert_ptr_nonnull(state_cache);
}

static void state_teardown(void)
{
    x86_host_cache_destroy(state_cache);
    ref_teardown();
}

static const X86HostOp *state_op(ZydisMachineMode mode, const char *bytes, size_t len)
{
    uint8_t b[16] = {0};
    ZydisDecodedInstruction insn;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];

    memcpy(b, bytes, len);
    ck_assert(ref_decode(mode, b, 15, &insn, operands));
    const X86HostOp *op = x86_host_compile(state_cache, &insn, operands, b);
    ck_assert_ptr_nonnull(op);
    return op;
}

static const X86HostOp *state_op64(const char *bytes, size_t len)
{
    return state_op(ZYDIS_MACHINE_MODE_LONG_64, bytes, len);
}

static uint64_t state_word(const uint8_t *mem, unsigned offset)
{
    uint64_t v;
    memcpy(&v, mem + offset, 8);
    return v;
}

static void state_put(uint8_t *mem, unsigned offset, uint64_t v)
{
    memcpy(mem + offset, &v, 8);
}

/* What is the processor's own in a saved area: FOP, pointers (bytes 6-23) and MXCSR_MASK. */
static void state_hide(uint8_t *mem)
{
    memset(mem + 6, 0, 18);
    memset(mem + 28, 0, 4);
}

/* Everything may be anything in memory but MXCSR. Images with an exception pending are among them,
 * and such whose ES and B contradict the flags. */
static void state_random_image(uint8_t *mem, size_t len)
{
    static viv_cpu_t source;
    for (size_t i = 0; i < len; i += 8)
        state_put(mem, (unsigned)i, ref_random());
    ref_random_state(&source);
    memcpy(mem + 24, source.xsave + 24, 4);
    memcpy(mem + 32, source.xsave + 32, 384);
    mem[5] = 0;
}

/* [rbx] of the oracle is mem[1]; afterwards both worlds must be equal. */
static void state_both(const char *what, const X86HostOp *op, const char *bytes, size_t len,
                       viv_cpu_t *got, uint8_t mem[2][1024])
{
    static viv_cpu_t want;

    got->gpr[VIV_REG_RBX] = (uintptr_t)mem[1];
    want = *got;
    memcpy(mem[1], mem[0], 1024);
    int rc = op->exec(op, got, mem[0]);
    int ref = ref_run(&want, (const uint8_t *)bytes, len);
    ck_assert_msg(rc == 0 && ref == 0, "%s: rc %d, oracle %d", what, rc, ref);
    if (op->mem_access & X86_HOST_MEM_WRITE) {
        state_hide(mem[0]);
        state_hide(mem[1]);
    }
    ck_assert(ref_compare(what, got, &want) && ref_same(what, "memory", mem[0], mem[1], 1024));
}

static uint8_t state_mem[2][1024] __attribute__((aligned(64)));

START_TEST(test_fxsave_fxrstor)
{
    static viv_cpu_t cpu;
    const X86HostOp *save = state_op64("\x0f\xae\x03", 3);
    const X86HostOp *save_w = state_op64("\x48\x0f\xae\x03", 4);
    const X86HostOp *load = state_op64("\x0f\xae\x0b", 3);
    const X86HostOp *load_w = state_op64("\x48\x0f\xae\x0b", 4);

    ck_assert_ptr_ne(save, save_w);
    for (unsigned i = 0; i < STATE_ROUNDS; i++) {
        ref_random_state(&cpu);
        state_random_image(state_mem[0], 1024);
        state_both("fxsave", save, "\x0f\xae\x03", 3, &cpu, state_mem);
        state_both("fxsave64", save_w, "\x48\x0f\xae\x03", 4, &cpu, state_mem);
        state_random_image(state_mem[0], 1024);
        state_both("fxrstor", load, "\x0f\xae\x0b", 3, &cpu, state_mem);
        state_random_image(state_mem[0], 1024);
        state_both("fxrstor64", load_w, "\x48\x0f\xae\x0b", 4, &cpu, state_mem);
    }
}
END_TEST

START_TEST(test_xsave)
{
    static const char codes[][5] = {"\x48\x0f\xae\x23", "\x48\x0f\xae\x33", "\x48\x0f\xc7\x23"};
    static const X86HostFeature needs[] = {X86_HOST_FEATURE_XSAVE, X86_HOST_FEATURE_XSAVEOPT,
                                           X86_HOST_FEATURE_XSAVEC};
    static viv_cpu_t cpu;

    for (unsigned i = 0; i < STATE_ROUNDS; i++) {
        for (unsigned k = 0; k < 3; k++) {
            const X86HostOp *op = state_op64(codes[k], 4);
            ck_assert_uint_eq(op->feature, needs[k]);
            ref_random_state(&cpu);
            cpu.gpr[VIV_REG_RAX] = ref_random() & 7;
            cpu.gpr[VIV_REG_RDX] = 0;
            state_random_image(state_mem[0], 1024);
            state_both(k == 0   ? "xsave"
                       : k == 1 ? "xsaveopt"
                                : "xsavec",
                       op, codes[k], 4, &cpu, state_mem);
        }
    }
}
END_TEST

/* A valid header, standard or compacted. */
static void state_random_header(uint8_t *mem, bool compact)
{
    uint64_t xcomp = compact ? ref_random() & 7 : 0;
    memset(mem + 512, 0, 64);
    state_put(mem, 512, compact ? ref_random() & xcomp : ref_random() & 7);
    state_put(mem, 520, compact ? xcomp | UINT64_C(1) << 63 : 0);
}

START_TEST(test_xrstor)
{
    static viv_cpu_t cpu;
    const X86HostOp *op = state_op64("\x48\x0f\xae\x2b", 4);

    for (unsigned i = 0; i < 4 * STATE_ROUNDS; i++) {
        ref_random_state(&cpu);
        cpu.gpr[VIV_REG_RAX] = ref_random() & 7;
        cpu.gpr[VIV_REG_RDX] = 0;
        state_random_image(state_mem[0], 1024);
        state_random_header(state_mem[0], i & 1);
        state_both(i & 1 ? "xrstor compacted" : "xrstor", op, "\x48\x0f\xae\x2b", 4, &cpu,
                   state_mem);
    }
}
END_TEST

/* Headers with something wrong more often than not: the host decides which are #GP. */
static void state_spoil_header(uint8_t *mem)
{
    static const uint8_t bits[] = {0, 1, 2, 8, 10, 13, 16, 62, 63};
    unsigned offset = 512 + 8 * (unsigned)(ref_random() % 8);
    unsigned spoilt = (unsigned)(ref_random() % 3);

    while (spoilt-- > 0) {
        uint64_t v = state_word(mem, offset) ^ UINT64_C(1) << bits[ref_random() % sizeof(bits)];
        state_put(mem, offset, v);
        offset = 512 + 8 * (unsigned)(ref_random() % 3);
    }
    if (ref_random() % 8 == 0)
        mem[26] = 1; /* MXCSR bit 16 */
}

START_TEST(test_headers)
{
    static viv_cpu_t got;
    static viv_cpu_t want;
    const X86HostOp *op = state_op64("\x48\x0f\xae\x2b", 4);
    unsigned faults = 0;

    for (unsigned i = 0; i < 20 * STATE_ROUNDS; i++) {
        ref_random_state(&got);
        got.gpr[VIV_REG_RAX] = ref_random() & 7;
        got.gpr[VIV_REG_RDX] = 0;
        got.gpr[VIV_REG_RBX] = (uintptr_t)state_mem[1];
        want = got;
        state_random_image(state_mem[0], 1024);
        state_random_header(state_mem[0], i & 1);
        state_spoil_header(state_mem[0]);
        memcpy(state_mem[1], state_mem[0], 1024);
        int rc = op->exec(op, &got, state_mem[0]);
        int ref = ref_run(&want, (const uint8_t *)"\x48\x0f\xae\x2b", 4);
        faults += ref != 0;
        ck_assert_msg(rc == ref, "XSTATE_BV %llx XCOMP_BV %llx RFBM %llx: %d, oracle %d",
                      (unsigned long long)state_word(state_mem[1], 512),
                      (unsigned long long)state_word(state_mem[1], 520),
                      (unsigned long long)got.gpr[VIV_REG_RAX], rc, ref);
        ck_assert(ref_compare("xrstor", &got, &want));
    }
    ck_assert_uint_gt(faults, STATE_ROUNDS);
}
END_TEST

START_TEST(test_faults)
{
    static viv_cpu_t cpu;
    static viv_cpu_t before;
    const X86HostOp *fxrstor = state_op64("\x0f\xae\x0b", 3);
    const X86HostOp *xrstor = state_op64("\x0f\xae\x2b", 3);
    const X86HostOp *xrstors = state_op64("\x0f\xc7\x1b", 3);
    const X86HostOp *ldmxcsr = state_op64("\x0f\xae\x13", 3);
    uint8_t *mem = state_mem[0];

    ref_random_state(&cpu);
    cpu.gpr[VIV_REG_RAX] = 7;
    cpu.gpr[VIV_REG_RDX] = 0;
    before = cpu;
    state_random_image(mem, 1024);
    state_random_header(mem, false);
    mem[26] = 1; /* MXCSR bit 16 */
    ck_assert_int_eq(fxrstor->exec(fxrstor, &cpu, mem), X86_HOST_GP);
    ck_assert_int_eq(xrstor->exec(xrstor, &cpu, mem), X86_HOST_GP);
    ck_assert_int_eq(ldmxcsr->exec(ldmxcsr, &cpu, mem + 24), X86_HOST_GP);
    mem[26] = 0;
    ck_assert_int_eq(xrstors->exec(xrstors, &cpu, mem), X86_HOST_GP); /* not compacted */
    static const struct {
        unsigned offset;
        uint64_t value;
    } bad[] = {
        {512, 8},                     /* a component that XCR0 does not have */
        {520, 1},                     /* XCOMP_BV without its top bit */
        {528, 1},                     /* reserved */
        {520, UINT64_C(1) << 63 | 8}, /* compacted, with a component that XCR0 does not have */
        {520, UINT64_C(1) << 63},     /* compacted, XSTATE_BV not within XCOMP_BV */
    };
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        state_random_header(mem, false);
        state_put(mem, 512, 7);
        state_put(mem, bad[i].offset, bad[i].value);
        ck_assert_int_eq(xrstor->exec(xrstor, &cpu, mem), X86_HOST_GP);
    }
    state_random_header(mem, true);
    state_put(mem, 568, 1);
    ck_assert_int_eq(xrstor->exec(xrstor, &cpu, mem), X86_HOST_GP);
    ck_assert(ref_compare("after #GP", &cpu, &before));
}
END_TEST

/* Components in their initial state: XSTATE_BV says so, XSAVEOPT leaves memory alone. */
START_TEST(test_init_state)
{
    static viv_cpu_t cpu;
    const X86HostOp *fninit = state_op64("\xdb\xe3", 2);
    const X86HostOp *xsave = state_op64("\x48\x0f\xae\x23", 4);
    const X86HostOp *xsaveopt = state_op64("\x48\x0f\xae\x33", 4);
    uint8_t *mem = state_mem[0];

    memset(&cpu, 0, sizeof(cpu));
    cpu.xcr0 = 7;
    x86_host_state_reset(&cpu);
    ck_assert_uint_eq(cpu.xsave[0], 0x40);
    ck_assert_int_eq(fninit->exec(fninit, &cpu, NULL), 0);
    cpu.gpr[VIV_REG_RAX] = UINT32_MAX;
    cpu.gpr[VIV_REG_RDX] = UINT32_MAX;
    ck_assert_uint_eq(x86_host_xsave_bytes(xsave, &cpu), 832);
    memset(mem, 0xaa, 1024);
    memset(mem + 512, 0, 64);
    ck_assert_int_eq(xsaveopt->exec(xsaveopt, &cpu, mem), 0);
    ck_assert_uint_eq(state_word(mem, 512), 0);
    ck_assert_uint_eq(mem[0], 0xaa);
    ck_assert_uint_eq(mem[160], 0xaa);
    ck_assert_uint_eq(state_word(mem, 24) & UINT32_MAX, 0x1f80);
    cpu.xsave[576 + 16 * 9] = 1;
    ck_assert_int_eq(xsave->exec(xsave, &cpu, mem), 0);
    ck_assert_uint_eq(state_word(mem, 512), 4);
    ck_assert_uint_eq(state_word(mem, 0), 0x37f);
    ck_assert_uint_eq(mem[576 + 16 * 9], 1);
    cpu.gpr[VIV_REG_RAX] = 3;
    ck_assert_uint_eq(x86_host_xsave_bytes(xsave, &cpu), 576);
}
END_TEST

/* PKRU: at its place in the standard format, behind the others in the compacted one; initial when
 * XSTATE_BV says so. */
START_TEST(test_pkru)
{
    static viv_cpu_t cpu;
    const X86HostOp *xsave = state_op64("\x48\x0f\xae\x23", 4);
    const X86HostOp *xsavec = state_op64("\x48\x0f\xc7\x23", 4);
    const X86HostOp *xrstor = state_op64("\x48\x0f\xae\x2b", 4);
    uint8_t *mem = state_mem[0];

    ref_random_state(&cpu);
    cpu.xcr0 = 0x207;
    cpu.gpr[VIV_REG_RDX] = 0;
    state_put(cpu.xsave, 832, 0x55aa1234);
    cpu.gpr[VIV_REG_RAX] = 0x200;
    ck_assert_uint_eq(x86_host_xsave_bytes(xsave, &cpu), 840);
    memset(mem, 0, 1024);
    ck_assert_int_eq(xsave->exec(xsave, &cpu, mem), 0);
    ck_assert_uint_eq(state_word(mem, 832), 0x55aa1234);
    ck_assert_uint_eq(state_word(mem, 512), 0x200);
    ck_assert_uint_eq(state_word(mem, 24), 0); /* neither SSE nor AVX: no MXCSR */
    cpu.gpr[VIV_REG_RAX] = 0x201;
    memset(mem, 0, 1024);
    ck_assert_int_eq(xsavec->exec(xsavec, &cpu, mem), 0);
    ck_assert_uint_eq(state_word(mem, 576), 0x55aa1234);
    ck_assert_uint_eq(state_word(mem, 520), UINT64_C(1) << 63 | 0x201);
    cpu.gpr[VIV_REG_RAX] = 0x207;
    memset(mem, 0, 1024);
    ck_assert_int_eq(xsavec->exec(xsavec, &cpu, mem), 0);
    ck_assert_uint_eq(state_word(mem, 832), 0x55aa1234);
    memset(cpu.xsave + 832, 0, 8);
    ck_assert_int_eq(xrstor->exec(xrstor, &cpu, mem), 0);
    ck_assert_uint_eq(state_word(cpu.xsave, 832), 0x55aa1234);
    state_put(mem, 512, 7);
    ck_assert_int_eq(xrstor->exec(xrstor, &cpu, mem), 0);
    ck_assert_uint_eq(state_word(cpu.xsave, 832), 0);
}
END_TEST

/* Outside 64-bit mode registers 8-15 neither go out nor come in; selectors share the pointers'
 * places. */
START_TEST(test_mode32)
{
    static viv_cpu_t cpu;
    static viv_cpu_t before;
    const X86HostOp *save = state_op(ZYDIS_MACHINE_MODE_LEGACY_32, "\x0f\xae\x03", 3);
    const X86HostOp *load = state_op(ZYDIS_MACHINE_MODE_LEGACY_32, "\x0f\xae\x0b", 3);
    const X86HostOp *fadd = state_op(ZYDIS_MACHINE_MODE_LEGACY_32, "\xd8\x03", 2);
    const X86HostOp *vzeroall = state_op(ZYDIS_MACHINE_MODE_LEGACY_32, "\xc5\xfc\x77", 3);
    uint8_t *mem = state_mem[0];

    ref_random_state(&cpu);
    x86_host_note_pointers(fadd, &cpu, 0x12345678, 0x1b, 0x9abcdef0, 0x23);
    memset(mem, 0xaa, 1024);
    ck_assert_int_eq(save->exec(save, &cpu, mem), 0);
    ck_assert_uint_eq(state_word(mem, 8), UINT64_C(0x1b12345678));
    ck_assert_uint_eq(state_word(mem, 16), UINT64_C(0x239abcdef0));
    ck_assert_uint_eq(mem[6] | mem[7] << 8, 0x003); /* D8 03 */
    ck_assert(!memcmp(mem + 160, cpu.xsave + 160, 128));
    ck_assert_uint_eq(mem[288], 0xaa);
    ck_assert_uint_eq(mem[464], 0xaa);
    before = cpu;
    ck_assert_int_eq(load->exec(load, &cpu, mem), 0);
    ck_assert(ref_compare("fxrstor of fxsave", &cpu, &before));
    ck_assert(!memcmp(cpu.xsave + 464, before.xsave + 464, 4));
    ck_assert_int_eq(vzeroall->exec(vzeroall, &cpu, NULL), 0);
    ck_assert_uint_eq(state_word(cpu.xsave, 160 + 16 * 7), 0);
    ck_assert(!memcmp(cpu.xsave + 160 + 128, before.xsave + 160 + 128, 128));
    ck_assert(!memcmp(cpu.xsave + 576 + 128, before.xsave + 576 + 128, 128));
}
END_TEST

/* A state from elsewhere is made valid, whatever it holds. */
START_TEST(test_loaded)
{
    static viv_cpu_t cpu;

    memset(&cpu, 0xff, sizeof(cpu));
    state_put(cpu.xsave, 512, 1);             /* SSE, AVX: initial */
    memcpy(cpu.xsave, "\x72\x02\x0d\x00", 4); /* unmasked IE ZE DE flags, B and ES clear */
    x86_host_state_loaded(&cpu);
    ck_assert_uint_eq(cpu.xsave[7], 7); /* FOP has 11 bits */
    ck_assert_uint_eq(cpu.xsave[416] | cpu.xsave[463] | cpu.xsave[468] | cpu.xsave[511], 0);
    ck_assert_uint_eq(state_word(cpu.xsave, 520) | state_word(cpu.xsave, 568), 0);
    ck_assert_uint_eq(state_word(cpu.xsave, 832) >> 32, 0);
    ck_assert_uint_eq(cpu.xsave[840] | cpu.xsave[VIV_XSAVE_BYTES - 1], 0);
    ck_assert_uint_eq(cpu.xsave[2] & 0x80, 0x80);
    ck_assert_uint_eq(cpu.xsave[3] & 0x80, 0x80);
    ck_assert_uint_eq(cpu.xsave[26] | cpu.xsave[27], 0);
    ck_assert_uint_eq(state_word(cpu.xsave, 160), 0);
    ck_assert_uint_eq(state_word(cpu.xsave, 576 + 240), 0);
    ck_assert_uint_eq(state_word(cpu.xsave, 512), x86_host_xcr0_supported());
    ck_assert_uint_eq(cpu.xsave[32 + 10], 0);
}
END_TEST

/* The image is canonical after whatever a guest can do: taking it over changes nothing, so what is
 * saved and loaded is saved again with the same bytes. */
START_TEST(test_canonical)
{
    static viv_cpu_t cpu;
    static viv_cpu_t loaded;
    static const char codes[][5] = {
        "\x0f\xae\x0b", "\x48\x0f\xae\x0b", "\x0f\xae\x2b", "\xdd\x23",    "\xd9\x23", "\xdd\x33",
        "\xd9\xe8",     "\xd8\x03",         "\x0f\x6f\x03", "\x0f\x77",    "\x9b",     "\xdb\xe3",
        "\xd9\xf7",     "\xdb\x2b",         "\x0f\xae\x13", "\x0f\xc7\x1b"};

    memset(&cpu, 0, sizeof(cpu));
    x86_host_state_reset(&cpu);
    cpu.cr0 = 1;
    cpu.xcr0 = 7;
    for (unsigned i = 0; i < 20000; i++) {
        const char *code = codes[ref_random() % (sizeof(codes) / sizeof(codes[0]))];
        const X86HostOp *op = state_op64(code, 4);
        state_random_image(state_mem[0], 1024);
        state_random_header(state_mem[0], ref_random() & 1);
        cpu.gpr[VIV_REG_RAX] = ref_random() & 7;
        int rc = op->exec(op, &cpu, op->mem_kind == X86_HOST_MEM_NONE ? NULL : state_mem[0]);
        if (rc == X86_HOST_MF)
            rc = x86_host_exec_ignne(op, &cpu,
                                     op->mem_kind == X86_HOST_MEM_NONE ? NULL : state_mem[0]);
        if (rc <= 0 && op->fpu_pointers)
            x86_host_note_pointers(op, &cpu, ref_random(), 0x33, ref_random(), 0x2b);
        loaded = cpu;
        x86_host_state_loaded(&loaded);
        ck_assert_msg(!memcmp(loaded.xsave, cpu.xsave, sizeof(cpu.xsave)), "%02x %02x",
                      (uint8_t)code[0], (uint8_t)code[1]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("x86_host_state");
    TCase *tc = tcase_create("host");

    tcase_add_checked_fixture(tc, state_setup, state_teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, test_fxsave_fxrstor);
    tcase_add_test(tc, test_xsave);
    tcase_add_test(tc, test_xrstor);
    tcase_add_test(tc, test_headers);
    tcase_add_test(tc, test_faults);
    tcase_add_test(tc, test_init_state);
    tcase_add_test(tc, test_pkru);
    tcase_add_test(tc, test_mode32);
    tcase_add_test(tc, test_loaded);
    tcase_add_test(tc, test_canonical);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
