/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86_host against the host's x87: every encoding on random stacks (full, empty and in between),
 * with exceptions masked and unmasked and all rounding and precision controls; then what the
 * host cannot show: environment formats of the other modes, #MF, instruction pointers. */
#include "test_x86_host_ref.h"

static X86HostCache *x87_cache;
static unsigned x87_tried;
static unsigned x87_failed;

static void x87_setup(void)
{
    ref_setup();
    x87_cache = x86_host_cache_create();
    ck_assert_ptr_nonnull(x87_cache);
    x87_tried = x87_failed = 0;
}

static void x87_teardown(void)
{
    x86_host_cache_destroy(x87_cache);
    ref_teardown();
}

static uint16_t x87_get(const viv_cpu_t *cpu, unsigned offset)
{
    uint16_t v;
    memcpy(&v, cpu->xsave + offset, 2);
    return v;
}

static void x87_put(viv_cpu_t *cpu, unsigned offset, unsigned value)
{
    uint16_t v = (uint16_t)value;
    memcpy(cpu->xsave + offset, &v, 2);
}

static const X86HostOp *x87_compile(ZydisMachineMode mode, const uint8_t *bytes,
                                    ZydisDecodedInstruction *insn)
{
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    if (!ref_decode(mode, bytes, 15, insn, operands))
        return NULL;
    return x86_host_compile(x87_cache, insn, operands, bytes);
}

static const X86HostOp *x87_op(ZydisMachineMode mode, const char *bytes, unsigned len)
{
    uint8_t b[16] = {0};
    ZydisDecodedInstruction insn;
    memcpy(b, bytes, len);
    const X86HostOp *op = x87_compile(mode, b, &insn);
    ck_assert_ptr_nonnull(op);
    return op;
}

/* How a caller executes op: through a bounce buffer, stores committed by the result. */
static int x87_exec(const X86HostOp *op, viv_cpu_t *cpu, uint8_t *mem)
{
    uint8_t bounce[512] __attribute__((aligned(64)));
    memset(bounce, 0xee, sizeof(bounce));
    if (op->mem_access & X86_HOST_MEM_READ)
        memcpy(bounce, mem, op->mem_bytes);
    int rc = op->exec(op, cpu, op->mem_kind == X86_HOST_MEM_NONE ? NULL : bounce);
    if (rc == X86_HOST_OK && (op->mem_access & X86_HOST_MEM_WRITE))
        memcpy(mem, bounce, op->mem_bytes);
    return rc;
}

/* Random control word; no exception pending. */
static void x87_random_control(viv_cpu_t *cpu, unsigned round)
{
    unsigned fcw = 0x37f;
    if (round % 4 == 1)
        fcw = 0x7f | (unsigned)(ref_random() & 0xf00);
    else if (round % 4 == 2)
        fcw = 0x340 | (unsigned)(ref_random() & 0x3f);
    else if (round % 4 == 3)
        fcw = 0x40 | (unsigned)(ref_random() & 0xf3f);
    x87_put(cpu, 0, fcw);
    x87_put(cpu, 2, x87_get(cpu, 2) & ~(~fcw & 0x3fu));
}

static void x87_random_mem(uint8_t *mem, unsigned bytes)
{
    ref_random_lanes(mem, 128);
    if (bytes == 4) {
        uint32_t v =
            ref_random() % 2 ? ref_random_f32() : (uint32_t)ref_random() >> ref_random() % 32;
        memcpy(mem, &v, 4);
    } else if (bytes == 8) {
        uint64_t v = ref_random() % 2 ? ref_random_f64() : ref_random() >> ref_random() % 64;
        memcpy(mem, &v, 8);
    } else if (bytes == 10) {
        ref_random_f80(mem);
        if (ref_random() % 2) { /* packed decimal */
            for (unsigned i = 0; i < 9; i++)
                mem[i] = (uint8_t)(ref_random() % 10 | ref_random() % 10 << 4);
            mem[9] = (uint8_t)(ref_random() & 0x80);
        }
    }
}

/* Pointers and selectors in a stored environment are the processor's own. */
static void x87_hide_pointers(uint8_t *mem, const X86HostOp *op)
{
    if (!(op->mem_access & X86_HOST_MEM_WRITE))
        return;
    if (op->mem_bytes == 28 || op->mem_bytes == 108)
        memset(mem + 12, 0, 16);
    else if (op->mem_bytes == 14 || op->mem_bytes == 94)
        memset(mem + 6, 0, 8);
}

/* C1 after FCMOVcc, FCOMI, FFREE and their kin: documented for stack faults alone, and makers
 * differ. */
static bool x87_c1_undefined(const uint8_t *bytes)
{
    unsigned reg = bytes[1] >> 3 & 7u;
    if (bytes[1] < 0xc0)
        return false;
    switch (bytes[0]) {
    case 0xda: return reg < 4;
    case 0xdb: return reg < 4 || reg == 5 || reg == 6;
    case 0xdd: return reg == 0;
    case 0xdf: return reg == 0 || reg == 5 || reg == 6;
    default: return false;
    }
}

/* Leaves ZE and PE in the host's status word: they must not reach the guest. */
static void x87_dirty_host(void)
{
    __asm__ volatile("fldz\n\tfld1\n\tfdivp\n\tfstp %%st(0)\n\t"
                     "fld1\n\tfldpi\n\tfdivp\n\tfstp %%st(0)" ::
                         : "st", "st(1)");
}

static void x87_one(const uint8_t *bytes, const ZydisDecodedInstruction *insn, const X86HostOp *op,
                    unsigned round)
{
    static uint8_t mem[2][512] __attribute__((aligned(64)));
    static viv_cpu_t got;
    static viv_cpu_t want;
    char what[128];

    ref_random_state(&got);
    x87_random_control(&got, round);
    x87_random_mem(mem[0], op->mem_bytes);
    memcpy(mem[1], mem[0], sizeof(mem[0]));
    if (op->mem_kind != X86_HOST_MEM_NONE)
        got.gpr[VIV_REG_RBX] = (uintptr_t)mem[1];
    want = got;
    snprintf(what, sizeof(what), "%s (%02x %02x) fcw %04x fsw %04x tags %02x",
             ZydisMnemonicGetString(insn->mnemonic), bytes[0], bytes[1], x87_get(&got, 0),
             x87_get(&got, 2), got.xsave[4]);
    if (round & 4u)
        x87_dirty_host();
    int rc = x87_exec(op, &got, mem[0]);
    int ref = ref_run(&want, bytes, insn->length);
    ck_assert_msg(rc <= 0 && ref == 0, "%s: rc %d, oracle %d", what, rc, ref);
    if (x87_c1_undefined(bytes)) {
        got.xsave[3] &= (uint8_t)~2u;
        want.xsave[3] &= (uint8_t)~2u;
    }
    x87_hide_pointers(mem[0], op);
    x87_hide_pointers(mem[1], op);
    x87_tried++;
    if (!(ref_compare(what, &got, &want) && ref_same(what, "memory", mem[0], mem[1], 128)))
        x87_failed++;
    ck_assert_msg(x87_failed < 20, "too many differences");
}

static void x87_encoding(unsigned prefix, unsigned opcode, unsigned modrm, unsigned rounds)
{
    uint8_t b[16] = {0};
    unsigned n = 0;
    ZydisDecodedInstruction insn;

    if (prefix)
        b[n++] = (uint8_t)prefix;
    b[n++] = (uint8_t)opcode;
    b[n++] = (uint8_t)modrm;
    const X86HostOp *op = x87_compile(ZYDIS_MACHINE_MODE_LONG_64, b, &insn);
    for (unsigned i = 0; op && i < rounds; i++)
        x87_one(b, &insn, op, i);
}

START_TEST(test_encodings)
{
    for (unsigned opcode = 0xd8; opcode < 0xe0; opcode++) {
        for (unsigned modrm = 0xc0; modrm < 0x100; modrm++)
            x87_encoding(0, opcode, modrm, 80);
        for (unsigned reg = 0; reg < 8; reg++) {
            x87_encoding(0, opcode, reg << 3 | 3, 300);
            x87_encoding(0x66, opcode, reg << 3 | 3, 40);
        }
    }
    ck_assert_uint_eq(x87_failed, 0);
    ck_assert_uint_gt(x87_tried, 20000);
}
END_TEST

/* -- pointers ---------------------------------------------------------------------------------- */

/* One encoding between FLDENV with marked pointers and FNSTENV: which pointers it leaves must be
 * what the op says about itself. [rdi]: the environment, [rbx]: the operand. */
static void x87_pointer_case(unsigned opcode, unsigned modrm)
{
    static uint8_t env[28] __attribute__((aligned(16)));
    static uint8_t mem[128] __attribute__((aligned(16)));
    static viv_cpu_t cpu;
    uint8_t code[16] = {0xd9, 0x27, (uint8_t)opcode, (uint8_t)modrm, 0xd9, 0x37};
    const uint32_t marked[4] = {0x11111111, 0x05550033, 0x22222222, 0xffff0000};
    uint32_t found[4];
    ZydisDecodedInstruction insn;

    const X86HostOp *op = x87_compile(ZYDIS_MACHINE_MODE_LONG_64, code + 2, &insn);
    /* FNINIT, FNSAVE, FLDENV, FRSTOR: change them otherwise */
    if (!op || insn.mnemonic == ZYDIS_MNEMONIC_FNINIT || op->mem_bytes > 10)
        return;
    memset(env, 0, sizeof(env));
    memcpy(env, "\x7f\x03", 2);
    memcpy(env + 12, marked, sizeof(marked));
    memset(mem, 0, sizeof(mem));
    memcpy(mem, "\x7f\x03", 2);
    ref_random_state(&cpu);
    cpu.gpr[VIV_REG_RDI] = (uintptr_t)env;
    cpu.gpr[VIV_REG_RBX] = (uintptr_t)mem;
    ck_assert_int_eq(ref_run(&cpu, code, 6), 0);
    memcpy(found, env + 12, sizeof(found));
    ck_assert_msg((found[0] != marked[0]) == op->fpu_pointers, "%02x %02x: FIP", opcode, modrm);
    x87_tried++;
    if (!ref_is_amd()) /* others may keep FOP and FDP of unmasked exceptions alone */
        return;
    uint32_t fop = op->fpu_pointers ? op->fop : 0x555u;
    ck_assert_msg(found[1] >> 16 == fop, "%02x %02x: FOP", opcode, modrm);
    bool operand = op->fpu_pointers && op->mem_kind != X86_HOST_MEM_NONE;
    ck_assert_msg(found[2] == (operand ? (uint32_t)(uintptr_t)mem : marked[2]), "%02x %02x: FDP",
                  opcode, modrm);
}

START_TEST(test_pointers)
{
    for (unsigned opcode = 0xd8; opcode < 0xe0; opcode++) {
        for (unsigned modrm = 0xc0; modrm < 0x100; modrm++)
            x87_pointer_case(opcode, modrm);
        for (unsigned reg = 0; reg < 8; reg++)
            x87_pointer_case(opcode, reg << 3 | 3);
    }
    ck_assert_uint_gt(x87_tried, 400);
}
END_TEST

/* -- alignment checks -------------------------------------------------------------------------- */

/* Every memory form, with 16 and 32-bit operand size, at the alignment that the op names and at half
 * of it. */
START_TEST(test_alignment)
{
    static uint8_t mem[256] __attribute__((aligned(64)));
    static viv_cpu_t cpu;
    ZydisDecodedInstruction insn;
    unsigned tried = 0;

    for (unsigned k = 0; k < 2 * 8 * 8 * 2; k++) {
        uint8_t code[16] = {k & 1 ? 0x66 : 0x3e, (uint8_t)(0xd8 + (k >> 1 & 7)),
                            (uint8_t)((k >> 4 & 7) << 3 | 3)};
        const X86HostOp *op = x87_compile(ZYDIS_MACHINE_MODE_LONG_64, code, &insn);
        if (!op)
            continue;
        unsigned offset = k >> 7 ? op->mem_ac : op->mem_ac / 2;
        ref_random_state(&cpu);
        memset(mem, 0, sizeof(mem));
        memcpy(mem + offset, "\x7f\x03", 2); /* a control word that masks all */
        cpu.rflags |= REF_RFLAGS_AC;
        cpu.gpr[VIV_REG_RBX] = (uintptr_t)mem + offset;
        ck_assert_msg(ref_run(&cpu, code, 3) == (k >> 7 ? 0 : 17), "%02x %02x at %u", code[1],
                      code[2], offset);
        tried++;
    }
    ck_assert_uint_gt(tried, 200);
}
END_TEST

/* -- pending exceptions ------------------------------------------------------------------------ */

/* With an exception pending, on the host and here: what does not wait runs, what waits is #MF. */
START_TEST(test_pending_native)
{
    static const char codes[][3] = {
        "\xd9\x33", "\xdd\x33", "\xd9\x3b", "\xdd\x3b", "\xdf\xe0", "\xdb\xe2", "\xdb\xe3",
        "\xdb\xe0", "\xdb\xe1", "\xdb\xe4", "\xd9\xd0", "\x9b",     "\xd9\x2b", "\xd9\x23",
        "\xdd\x23", "\xd9\xe8", "\xdd\x03", "\xdb\x3b", "\xd9\xf7", "\xdd\xc1", "\xd9\xc9"};
    static uint8_t mem[2][512] __attribute__((aligned(64)));
    static viv_cpu_t got;
    static viv_cpu_t want;
    const uint8_t *code = (const uint8_t *)codes[_i];
    const X86HostOp *op = x87_op(ZYDIS_MACHINE_MODE_LONG_64, codes[_i], 2);

    for (unsigned i = 0; i < 64; i++) {
        ref_random_state(&got);
        x87_put(&got, 0, 0x340 | i);
        x87_put(&got, 2, (ref_random() & 0x7f40) | (~i & 0x3f));
        if (i != 0x3f)
            x87_put(&got, 2, x87_get(&got, 2) | 0x8080);
        memset(mem, 0, sizeof(mem));
        memcpy(mem[0], "\x7f\x03", 2);
        memcpy(mem[1], "\x7f\x03", 2);
        got.gpr[VIV_REG_RBX] = (uintptr_t)mem[1];
        want = got;
        int rc = x87_exec(op, &got, mem[0]);
        int ref = ref_run(&want, code, code[0] == 0x9b ? 1 : 2);
        ck_assert_msg(rc == ref, "%02x %02x: %d, oracle %d", code[0], code[1], rc, ref);
        if (op->mem_bytes >= 28)
            memset(mem[0] + 12, 0, 16), memset(mem[1] + 12, 0, 16);
        ck_assert(ref_compare("pending", &got, &want));
        ck_assert(ref_same("pending", "memory", mem[0], mem[1], 128));
    }
}
END_TEST

/* -- environment ------------------------------------------------------------------------------- */

typedef struct X87Env {
    const char *what;
    ZydisMachineMode mode;
    const char *store;
    const char *load;
    unsigned len, bytes;
    uint64_t cr0, rflags;
    uint16_t want[14];
} X87Env;

/* Stack: TOP 5, ST(0) = 1.0, ST(1) = 0.0, ST(2) = infinity, others empty; instruction D8 C1 at
 * 1234:00015678h, operand at 9abc:0001def0h. */
static const X87Env x87_envs[] = {
    {"protected, 32 bits",
     ZYDIS_MACHINE_MODE_LEGACY_32,
     "\xd9\x33",
     "\xd9\x23",
     2,
     28,
     1,
     2,
     {0x37f, 0xffff, 0x2801, 0xffff, 0x93ff, 0xffff, 0x5678, 0x0001, 0x1234, 0x00c1, 0xdef0, 0x0001,
      0x9abc, 0xffff}},
    {"protected, 16 bits",
     ZYDIS_MACHINE_MODE_LEGACY_32,
     "\x66\xd9\x33",
     "\x66\xd9\x23",
     3,
     14,
     1,
     2,
     {0x37f, 0x2801, 0x93ff, 0x5678, 0x1234, 0xdef0, 0x9abc}},
    {"real, 16 bits",
     ZYDIS_MACHINE_MODE_LEGACY_16,
     "\xd9\x37",
     "\xd9\x27",
     2,
     14,
     0,
     2,
     {0x37f, 0x2801, 0x93ff, 0x79b8, 0x20c1, 0x8ab0, 0xb000}},
    {"real, 32 bits",
     ZYDIS_MACHINE_MODE_LEGACY_16,
     "\x66\xd9\x37",
     "\x66\xd9\x27",
     3,
     28,
     0,
     2,
     {0x37f, 0xffff, 0x2801, 0xffff, 0x93ff, 0xffff, 0x79b8, 0xffff, 0x20c1, 0x0000, 0x8ab0, 0xffff,
      0xb000, 0x0000}},
    {"virtual 8086, 16 bits",
     ZYDIS_MACHINE_MODE_LEGACY_16,
     "\xd9\x37",
     "\xd9\x27",
     2,
     14,
     1,
     0x20002,
     {0x37f, 0x2801, 0x93ff, 0x79b8, 0x20c1, 0x8ab0, 0xb000}},
};

static void x87_env_state(viv_cpu_t *cpu, const X87Env *env)
{
    static const uint8_t slots[3][10] = {
        {0, 0, 0, 0, 0, 0, 0, 0x80, 0xff, 0x3f},
        {0},
        {0, 0, 0, 0, 0, 0, 0, 0x80, 0xff, 0x7f},
    };
    ref_random_state(cpu);
    cpu->cr0 = env->cr0;
    cpu->rflags = env->rflags;
    x87_put(cpu, 2, 0x2801);
    cpu->xsave[4] = 0xe0; /* physical 5, 6, 7 */
    for (unsigned i = 0; i < 3; i++)
        memcpy(cpu->xsave + 32 + 16 * i, slots[i], 10);
    const X86HostOp *fadd = x87_op(ZYDIS_MACHINE_MODE_LEGACY_32, "\xd8\xc1", 2);
    const X86HostOp *fadd_m = x87_op(ZYDIS_MACHINE_MODE_LEGACY_32, "\xd8\x03", 2);
    x86_host_note_pointers(fadd_m, cpu, 1, 2, 0x1def0, 0x9abc);
    x86_host_note_pointers(fadd, cpu, 0x15678, 0x1234, 3, 4); /* no operand: leaves FDP alone */
}

START_TEST(test_environment)
{
    const X87Env *env = &x87_envs[_i];
    static viv_cpu_t cpu;
    static viv_cpu_t before;
    uint8_t mem[32] __attribute__((aligned(16))) = {0};
    const X86HostOp *store = x87_op(env->mode, env->store, env->len);
    const X86HostOp *load = x87_op(env->mode, env->load, env->len);

    x87_env_state(&cpu, env);
    before = cpu;
    ck_assert_uint_eq(store->mem_bytes, env->bytes);
    ck_assert_uint_eq(load->mem_bytes, env->bytes);
    ck_assert_int_eq(store->exec(store, &cpu, mem), 0);
    ck_assert_msg(!memcmp(mem, env->want, env->bytes), "%s", env->what);
    ck_assert_uint_eq(x87_get(&cpu, 0), 0x37f);

    x86_host_state_reset(&cpu);
    cpu.cr0 = env->cr0;
    cpu.rflags = env->rflags;
    ck_assert_int_eq(load->exec(load, &cpu, mem), 0);
    ck_assert(!memcmp(cpu.xsave, before.xsave, 5));
    uint8_t again[32] = {0};
    ck_assert_int_eq(store->exec(store, &cpu, again), 0);
    memcpy(again + (env->bytes == 28 ? 8 : 4), mem + (env->bytes == 28 ? 8 : 4),
           2); /* tags follow the registers */
    ck_assert(!memcmp(again, mem, env->bytes));
}
END_TEST

/* FNSAVE leaves FNINIT's state; FRSTOR brings everything back, from both sizes. */
START_TEST(test_save_restore)
{
    static viv_cpu_t cpu;
    static viv_cpu_t before;
    uint8_t mem[128] __attribute__((aligned(16)));
    const char *prefix = _i ? "\x66\xdd\x33" : "\xdd\x33";
    const char *prefix_load = _i ? "\x66\xdd\x23" : "\xdd\x23";
    const X86HostOp *save = x87_op(ZYDIS_MACHINE_MODE_LEGACY_32, prefix, _i ? 3 : 2);
    const X86HostOp *load = x87_op(ZYDIS_MACHINE_MODE_LEGACY_32, prefix_load, _i ? 3 : 2);

    for (unsigned i = 0; i < 100; i++) {
        ref_random_state(&cpu);
        cpu.cr0 = 1;
        before = cpu;
        ck_assert_int_eq(save->exec(save, &cpu, mem), 0);
        ck_assert_uint_eq(x87_get(&cpu, 0), 0x37f);
        ck_assert_uint_eq(x87_get(&cpu, 2), 0);
        ck_assert_uint_eq(cpu.xsave[4], 0);
        ck_assert_int_eq(load->exec(load, &cpu, mem), 0);
        ck_assert(ref_compare("frstor of fnsave", &cpu, &before));
    }
}
END_TEST

/* Two contradictions that a guest cannot make but a debugger can: no trap may reach the host. */
START_TEST(test_contradiction)
{
    static viv_cpu_t cpu;
    const X86HostOp *fsin = x87_op(ZYDIS_MACHINE_MODE_LONG_64, "\xd9\xfe", 2);

    ref_random_state(&cpu);
    x87_put(&cpu, 0, 0x340);
    x87_put(&cpu, 2, 0x003f); /* flags, all unmasked, yet ES clear */
    ck_assert_int_eq(fsin->exec(fsin, &cpu, NULL), X86_HOST_MF);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("x86_host_x87");
    TCase *tc = tcase_create("host");

    tcase_add_checked_fixture(tc, x87_setup, x87_teardown);
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, test_encodings);
    tcase_add_test(tc, test_pointers);
    if (!REF_THREAD_SANITIZER)
        tcase_add_test(tc, test_alignment);
    tcase_add_loop_test(tc, test_pending_native, 0, 21);
    tcase_add_loop_test(tc, test_environment, 0, sizeof(x87_envs) / sizeof(x87_envs[0]));
    tcase_add_loop_test(tc, test_save_restore, 0, 2);
    tcase_add_test(tc, test_contradiction);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
