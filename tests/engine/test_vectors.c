/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Instructions as a real 80286 did them in real mode, recorded on its pins, run by an engine: with
 * the 286 model every case must come out the same; with a later one, all but those in later[],
 * whose outcome is known too.
 *
 * test_vectors MODEL [FOLDER]: MODEL as --cpu takes it, or "later" for the rig's own. Environment:
 * VIV_ENGINE_PLUGIN the engine's .so, VIV_CPU_VECTORS the folder of the vectors; without them the
 * test is skipped. */
#include <glib.h>
#include <string.h>

#include "moo.h"
#include "rig.h"

#define RAM_BYTES    (16u << 20)
#define TOP          0x110000u /* what real mode can reach */
#define SKIPPED      77
#define FAILURES_MAX 25u /* described; the others are only counted */
#define INSNS_MAX    20u
#define OP_HLT       0xf4

static const char *const reg_names[MOO_REGS] = {"AX", "BX", "CX", "DX", "CS", "SS", "DS",
                                                "ES", "SP", "BP", "SI", "DI", "IP", "FLAGS"};

/* -- a case ------------------------------------------------------------------------------------ */
typedef struct Insn {
    uint8_t opcode, modrm;
    uint32_t len; /* without the HLT */
    bool lock, has_seg;
    uint8_t seg; /* override */
} Insn;

typedef struct Expect {
    uint32_t reg[MOO_REGS];
    uint16_t flags_mask; /* also of the image that an exception pushes */
    bool memory;         /* false: memory is not compared */
    uint32_t count, poked;
    MooByte ram[2 * MOO_RAM_MAX];
    MooByte poke[8]; /* in memory before the run, beside what the case gives */
} Expect;

static void insn_parse(const MooCase *mc, Insn *insn)
{
    uint32_t k;
    memset(insn, 0, sizeof(*insn));
    insn->len = mc->byte_count ? mc->byte_count - 1 : 0;
    for (k = 0; k < insn->len; k++) {
        uint8_t b = mc->bytes[k];
        if (b == 0xf0)
            insn->lock = true;
        else if ((b & 0xe7) == 0x26)
            insn->has_seg = true, insn->seg = b;
        else if (b != 0xf2 && b != 0xf3)
            break;
    }
    insn->opcode = mc->bytes[k];
    insn->modrm = k + 1 < MOO_BYTES_MAX ? mc->bytes[k + 1] : 0;
}

static uint8_t *expect_byte(Expect *ex, uint32_t addr)
{
    uint32_t k;
    for (k = 0; k < ex->count; k++)
        if (ex->ram[k].addr == addr)
            return &ex->ram[k].value;
    if (ex->count == G_N_ELEMENTS(ex->ram))
        g_error("a case with too much memory");
    ex->ram[ex->count++] = (MooByte){.addr = addr};
    return &ex->ram[k].value;
}

/* Memory before the run: zero where the case says nothing. */
static uint32_t case_word(const MooCase *mc, uint32_t addr)
{
    uint32_t k, v = 0;
    for (k = 0; k < mc->init.ram_count; k++) {
        if (mc->init.ram[k].addr == addr)
            v |= mc->init.ram[k].value;
        else if (mc->init.ram[k].addr == addr + 1)
            v |= (uint32_t)mc->init.ram[k].value << 8;
    }
    return v;
}

static uint32_t case_stack(const MooCase *mc, uint32_t off)
{
    return ((uint32_t)mc->init.reg[MOO_SS] << 4) + (uint16_t)(mc->init.reg[MOO_SP] + off);
}

static uint32_t flags_real(uint32_t flags)
{
    return (flags & 0xfff) | 2;
}

/* Everything as it was in front of the instruction. */
static void expect_start(Expect *ex, const MooCase *mc, uint16_t mask)
{
    uint32_t k;
    for (k = 0; k < MOO_REGS; k++)
        ex->reg[k] = mc->init.reg[k];
    ex->reg[MOO_FLAGS] = flags_real(ex->reg[MOO_FLAGS]);
    ex->flags_mask = mask;
    ex->memory = true;
    ex->poked = 0;
    ex->count = mc->init.ram_count;
    memcpy(ex->ram, mc->init.ram, ex->count * sizeof(ex->ram[0]));
}

static void expect_case(Expect *ex, const MooCase *mc, uint16_t mask)
{
    uint32_t k;
    expect_start(ex, mc, mask);
    for (k = 0; k < MOO_REGS; k++)
        if (mc->final.has >> k & 1)
            ex->reg[k] = mc->final.reg[k];
    ex->reg[MOO_FLAGS] = flags_real(ex->reg[MOO_FLAGS]);
    for (k = 0; k < mc->final.ram_count; k++)
        *expect_byte(ex, mc->final.ram[k].addr) = mc->final.ram[k].value;
}

static void expect_poke(Expect *ex, uint32_t addr, uint8_t value)
{
    ex->poke[ex->poked++] = (MooByte){addr, value};
    *expect_byte(ex, addr) = value;
}

/* -- what later CPUs do in another way --------------------------------------------------------- */
#define STOP_AT 0x500u /* vectors that a case does not expect lead here */

/* The instruction raises the exception, without a trace. */
static void expect_fault(Expect *ex, const MooCase *mc, uint32_t vector)
{
    uint16_t frame[3] = {mc->init.reg[MOO_IP], mc->init.reg[MOO_CS],
                         (uint16_t)flags_real(mc->init.reg[MOO_FLAGS])};
    uint32_t entry = case_word(mc, vector * 4) | case_word(mc, vector * 4 + 2) << 16, k;
    expect_start(ex, mc, ex->flags_mask);
    if (!entry) {
        entry = STOP_AT + vector;
        expect_poke(ex, vector * 4, (uint8_t)entry);
        expect_poke(ex, vector * 4 + 1, (uint8_t)(entry >> 8));
        expect_poke(ex, entry, OP_HLT);
    }
    for (k = 0; k < 6; k++)
        *expect_byte(ex, case_stack(mc, k - 6)) = (uint8_t)(frame[k / 2] >> (k % 2 * 8));
    ex->reg[MOO_SP] = (uint16_t)(mc->init.reg[MOO_SP] - 6);
    ex->reg[MOO_CS] = entry >> 16;
    ex->reg[MOO_IP] = (entry & 0xffff) + 1;
}

static void expect_ud(Expect *ex, const MooCase *mc, const Insn *insn)
{
    (void)insn;
    expect_fault(ex, mc, 6);
}

static void expect_ss(Expect *ex, const MooCase *mc, const Insn *insn)
{
    (void)insn;
    expect_fault(ex, mc, 12);
}

static void expect_gp(Expect *ex, const MooCase *mc, const Insn *insn)
{
    (void)insn;
    expect_fault(ex, mc, 13);
}

/* It is executed, and goes on to the HLT. */
static void expect_done(Expect *ex, const MooCase *mc, const Insn *insn)
{
    expect_start(ex, mc, 0);
    ex->memory = false;
    ex->reg[MOO_IP] = (uint16_t)(mc->init.reg[MOO_IP] + mc->byte_count);
    if (insn->opcode == 0xea) {
        const uint8_t *to = mc->bytes + insn->len - 4;
        ex->reg[MOO_CS] = to[2] | (uint32_t)to[3] << 8;
        ex->reg[MOO_IP] = (to[0] | (uint32_t)to[1] << 8) + 1;
        expect_poke(ex, (ex->reg[MOO_CS] << 4) + ex->reg[MOO_IP] - 1, OP_HLT);
    } else if (insn->opcode == 0x8c && insn->modrm >= 0xc0) {
        static const uint8_t gpr[8] = {MOO_AX, MOO_CX, MOO_DX, MOO_BX,
                                       MOO_SP, MOO_BP, MOO_SI, MOO_DI};
        ex->reg[gpr[insn->modrm & 7]] = 0;
    }
}

static void expect_flags_kept(Expect *ex, const MooCase *mc, const Insn *insn)
{
    ex->reg[MOO_FLAGS] |= case_word(mc, case_stack(mc, insn->opcode == 0xcf ? 4 : 0)) & 0x7000;
}

static void expect_wide_ip(Expect *ex, const MooCase *mc, const Insn *insn)
{
    (void)mc, (void)insn;
    ex->reg[MOO_IP] = 0x10000;
}

/* SDM vol. 2, LOCK: those with a memory destination that exist here. */
static bool is_lockable(const Insn *insn)
{
    uint8_t op = insn->opcode, reg = insn->modrm >> 3 & 7;
    if (insn->modrm >= 0xc0)
        return false;
    if (op < 0x38)
        return (op & 7) < 2;
    switch (op) {
    case 0x80:
    case 0x81:
    case 0x82:
    case 0x83: return reg != 7;
    case 0x86:
    case 0x87: return true;
    case 0xf6:
    case 0xf7: return reg == 2 || reg == 3;
    case 0xfe:
    case 0xff: return reg < 2;
    default: return false;
    }
}

static bool is_bad_lock(const MooCase *mc, const Insn *insn)
{
    (void)mc;
    return insn->lock && !is_lockable(insn);
}

static bool is_long(const MooCase *mc, const Insn *insn)
{
    return mc->exception && mc->vector == 13 && insn->len > 10;
}

static bool is_fs_gs(const MooCase *mc, const Insn *insn)
{
    uint8_t reg = insn->modrm >> 3 & 7;
    (void)mc;
    return (insn->opcode == 0x8c || insn->opcode == 0x8e) && (reg == 4 || reg == 5);
}

static bool is_string(const Insn *insn)
{
    uint8_t op = insn->opcode;
    return (op >= 0xa4 && op < 0xb0 && (op & 0xfe) != 0xa8) || (op & 0xfc) == 0x6c;
}

/* A limit violation by SS:SP, or SS by default or override. */
static bool is_stack_fault(const MooCase *mc, const Insn *insn)
{
    static const uint8_t stack[] = {0x07, 0x17, 0x1f, 0x61, 0x8f, 0x9d,
                                    0xc2, 0xc3, 0xc9, 0xca, 0xcb, 0xcf};
    uint8_t mod = insn->modrm >> 6, rm = insn->modrm & 7, op = insn->opcode;
    bool bp = mod != 3 && (rm == 2 || rm == 3 || (rm == 6 && mod != 0));
    if (!mc->exception || mc->vector != 13)
        return false;
    if (memchr(stack, op, sizeof(stack)) || (op & 0xf8) == 0x58)
        return true;
    if (is_string(insn))
        return insn->has_seg && insn->seg == 0x36 && (op & 0xfa) != 0xaa &&
               mc->init.reg[MOO_SI] == 0xffff;
    return insn->has_seg ? insn->seg == 0x36 : bp;
}

static bool is_string_fault(const MooCase *mc, const Insn *insn)
{
    return mc->exception && mc->vector == 13 && is_string(insn);
}

static bool is_flags_load(const MooCase *mc, const Insn *insn)
{
    return !mc->exception && (insn->opcode == 0x9d || insn->opcode == 0xcf);
}

static bool is_end_of_segment(const MooCase *mc, const Insn *insn)
{
    (void)insn;
    return (mc->final.has >> MOO_IP & 1) && mc->final.reg[MOO_IP] == 0;
}

typedef struct Later {
    const char *what;
    bool (*is)(const MooCase *mc, const Insn *insn);
    void (*expect)(Expect *ex, const MooCase *mc, const Insn *insn);
    bool whole; /* says all that is expected; otherwise the next rule may add to it */
    uint32_t count;
} Later;

static const Later later[] = {
    {"LOCK where it may not stand: ignored by the 80286, #UD since the 80386", is_bad_lock,
     expect_ud, true, 594},
    {"more than 10 bytes: #GP on the 80286, up to 15 are fine since the 80386", is_long,
     expect_done, true, 4},
    {"FS and GS: #UD on the 80286", is_fs_gs, expect_done, true, 8},
    {"limit of the stack segment: #GP in real mode on the 80286, #SS since the 80386",
     is_stack_fault, expect_ss, true, 7},
    {"string instruction that faults: SI, DI, CX have moved on the 80286; restartable since the "
     "80386",
     is_string_fault, expect_gp, true, 40},
    {"POPF, IRET: bits 12-14 are zero in real mode on the 80286, can be set since the 80386",
     is_flags_load, expect_flags_kept, false, 195},
    {"HLT at offset FFFFh: IP has 16 bits on the 80286, EIP goes on to 10000h", is_end_of_segment,
     expect_wide_ip, false, 38},
};

/* -- running ----------------------------------------------------------------------------------- */
typedef struct Run {
    Rig *rig;
    MooMasks *masks;
    bool later;
    uint32_t total, failures;
    uint32_t seen[G_N_ELEMENTS(later)];
} Run;

static const uint8_t gpr_of[MOO_REGS] = {
    [MOO_AX] = VIV_REG_RAX, [MOO_BX] = VIV_REG_RBX, [MOO_CX] = VIV_REG_RCX, [MOO_DX] = VIV_REG_RDX,
    [MOO_SP] = VIV_REG_RSP, [MOO_BP] = VIV_REG_RBP, [MOO_SI] = VIV_REG_RSI, [MOO_DI] = VIV_REG_RDI};
static const uint8_t seg_of[MOO_REGS] = {
    [MOO_CS] = VIV_SEG_CS, [MOO_SS] = VIV_SEG_SS, [MOO_DS] = VIV_SEG_DS, [MOO_ES] = VIV_SEG_ES};

static uint32_t read_ones(Rig *rig, uint16_t port, uint32_t width)
{
    (void)rig, (void)port;
    return width == 4 ? 0xffffffffu : (1u << (width * 8)) - 1;
}

static void cpu_set(viv_cpu_t *s, unsigned reg, uint16_t v)
{
    if (reg == MOO_IP)
        s->rip = v;
    else if (reg == MOO_FLAGS)
        s->rflags = flags_real(v);
    else if (reg >= MOO_CS && reg <= MOO_ES)
        s->seg[seg_of[reg]] = (viv_segreg_t){.base = (uint64_t)v << 4,
                                             .limit = 0xffff,
                                             .attr = reg == MOO_CS ? 0x9b : 0x93,
                                             .sel = v};
    else
        s->gpr[gpr_of[reg]] = v;
}

static uint64_t cpu_get(const viv_cpu_t *s, unsigned reg)
{
    if (reg == MOO_IP)
        return s->rip;
    if (reg == MOO_FLAGS)
        return s->rflags;
    if (reg >= MOO_CS && reg <= MOO_ES)
        return s->seg[seg_of[reg]].sel;
    return s->gpr[gpr_of[reg]];
}

static uint32_t run_case(Run *run, const MooCase *mc, const Expect *ex)
{
    Rig *rig = run->rig;
    uint32_t k, exit;
    for (k = 0; k < MOO_REGS; k++)
        cpu_set(rig->cpu, k, mc->init.reg[k]);
    for (k = 4; k < 6; k++)
        rig->cpu->seg[k] = (viv_segreg_t){.limit = 0xffff, .attr = 0x93};
    rig->cpu->activity = VIV_ACT_RUNNING;
    rig->cpu->shadow = rig->cpu->pending_db = 0;
    rig->log_count = rig->text_len = 0;
    for (k = 0; k < mc->init.ram_count; k++)
        rig->ram[mc->init.ram[k].addr % TOP] = mc->init.ram[k].value;
    for (k = 0; k < ex->poked; k++)
        rig->ram[ex->poke[k].addr % TOP] = ex->poke[k].value;
    rig->engine->code_written(rig->engine_vm, 0, TOP);
    do
        exit = rig_run(rig, INSNS_MAX);
    while (exit == VIV_EXIT_REQUEST); /* the rig's exit port is any port here */
    return exit;
}

static void compare(const Run *run, const Expect *ex, uint32_t exit, GString *ret_diff)
{
    const viv_cpu_t *s = run->rig->cpu;
    uint32_t k, flags_at = (uint32_t)s->seg[VIV_SEG_SS].base + (uint16_t)(ex->reg[MOO_SP] + 4);
    if (exit != VIV_EXIT_HALT)
        g_string_append_printf(ret_diff, "  no HLT (exit %u)\n", exit);
    for (k = 0; k < MOO_REGS; k++) {
        uint64_t got = cpu_get(s, k), mask = k == MOO_FLAGS ? 0xf0000u | ex->flags_mask : ~0ull;
        if ((got ^ ex->reg[k]) & mask)
            g_string_append_printf(ret_diff, "  %s %04llx, expected %04x\n", reg_names[k],
                                   (unsigned long long)got, ex->reg[k]);
    }
    for (k = 0; k < ex->count && ex->memory; k++) {
        uint32_t at = ex->ram[k].addr, mask = 0xff;
        uint8_t got = run->rig->ram[at % TOP];
        if (ex->reg[MOO_CS] != s->seg[VIV_SEG_CS].sel)
            continue;
        if (at == flags_at)
            mask = ex->flags_mask & 0xff;
        else if (at == flags_at + 1)
            mask = ex->flags_mask >> 8;
        if ((got ^ ex->ram[k].value) & mask)
            g_string_append_printf(ret_diff, "  [%06x] %02x, expected %02x\n", at, got,
                                   ex->ram[k].value);
    }
}

static void fail(Run *run, const char *file, const MooCase *mc, const char *diff)
{
    uint32_t k;
    if (run->failures++ >= FAILURES_MAX)
        return;
    printf("%s case %u: %s [", file, mc->index, mc->name);
    for (k = 0; k < mc->byte_count; k++)
        printf("%02x", mc->bytes[k]);
    printf("]\n%s", diff);
}

static void one_case(Run *run, const char *file, const MooCase *mc, uint16_t mask)
{
    static Expect ex;
    g_autoptr(GString) diff = g_string_new(NULL);
    Insn insn;
    uint32_t k, exit;
    expect_case(&ex, mc, mask);
    insn_parse(mc, &insn);
    for (k = 0; run->later && k < G_N_ELEMENTS(later); k++) {
        if (!later[k].is(mc, &insn))
            continue;
        run->seen[k]++;
        later[k].expect(&ex, mc, &insn);
        if (later[k].whole)
            break;
    }
    exit = run_case(run, mc, &ex);
    compare(run, &ex, exit, diff);
    run->total++;
    if (diff->len)
        fail(run, file, mc, diff->str);
    if (ex.memory)
        for (k = 0; k < ex.count; k++)
            run->rig->ram[ex.ram[k].addr % TOP] = 0;
    else
        memset(run->rig->ram, 0, TOP);
}

/* No store may have gone where nobody expects it. */
static void stray_check(Run *run, const char *file)
{
    uint32_t k;
    for (k = 0; k < TOP; k++)
        if (run->rig->ram[k]) {
            run->failures++;
            printf("%s: something has stored to %06x\n", file, k);
            memset(run->rig->ram, 0, TOP);
            return;
        }
}

static bool one_file(Run *run, const char *folder, const char *file)
{
    static MooCase mc;
    g_autofree char *path = g_build_filename(folder, file, NULL);
    g_autofree char *opcode = g_strndup(file, strlen(file) - strlen(".MOO.gz"));
    uint16_t mask = moo_mask(run->masks, opcode);
    uint32_t count = 0;
    int got;
    Moo moo;
    if (!moo_open(&moo, path))
        return false;
    while ((got = moo_next(&moo, &mc)) > 0) {
        one_case(run, opcode, &mc, mask);
        count++;
    }
    if (got == 0 && count != moo.count) {
        printf("%s: %u cases, %u promised\n", file, count, moo.count);
        got = -1;
    }
    moo_close(&moo);
    stray_check(run, opcode);
    return got == 0;
}

static bool all_files(Run *run, const char *folder)
{
    g_autofree char *real = g_build_filename(folder, "286-real", NULL);
    GDir *dir = g_dir_open(real, 0, NULL);
    const char *name;
    bool ok = dir != NULL;
    while (ok && (name = g_dir_read_name(dir)) != NULL)
        if (g_str_has_suffix(name, ".MOO.gz"))
            ok = one_file(run, real, name);
    if (dir)
        g_dir_close(dir);
    return ok;
}

#define CASES 32500u

static int verdict(Run *run)
{
    uint32_t k, differ = 0;
    for (k = 0; run->later && k < G_N_ELEMENTS(later); k++) {
        printf("%5u  %s\n", run->seen[k], later[k].what);
        differ += run->seen[k];
        if (run->seen[k] != later[k].count) {
            printf("       but %u are known\n", later[k].count);
            run->failures++;
        }
    }
    if (run->total != CASES) {
        printf("%u cases, expected %u\n", run->total, CASES);
        run->failures++;
    }
    printf("%u cases, %u of them differ by rule, %u failures\n", run->total, differ, run->failures);
    return run->failures ? 1 : 0;
}

int main(int argc, char **argv)
{
    static Run run;
    const char *env = g_getenv("VIV_CPU_VECTORS"), *folder = env ? env : argc > 2 ? argv[2] : "";
    g_autofree char *masks = g_build_filename(folder, "metadata-286.json", NULL);
    int result = 1;
    if (argc < 2) {
        fprintf(stderr, "usage: test_vectors MODEL|later [FOLDER]\n");
        return 2;
    }
    if (!g_file_test(masks, G_FILE_TEST_EXISTS)) {
        printf("skipped: no CPU vectors in \"%s\" (VIV_CPU_VECTORS)\n", folder);
        return SKIPPED;
    }
    run.later = !strcmp(argv[1], "later");
    run.masks = moo_masks_load(masks);
    run.rig = rig_create(g_getenv("VIV_ENGINE_PLUGIN"), NULL, RAM_BYTES);
    if (run.masks && run.rig && (run.later || rig_model(run.rig, argv[1]))) {
        run.rig->on_port_read = read_ones;
        rig_real(run.rig, 0, 0);
        if (all_files(&run, folder))
            result = verdict(&run);
    }
    rig_destroy(run.rig);
    moo_masks_free(run.masks);
    return result;
}
