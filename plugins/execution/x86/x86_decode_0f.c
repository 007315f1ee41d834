/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: the 0F and 0F38 opcode maps, and the general-register part of VEX. */
#include "x86_decode.h"

static void x86_dec_set(X86Dec *d, X86Handler fn, bool end)
{
    d->i->fn = fn;
    if (end)
        x86_dec_end(d);
}

static bool x86_dec_grp6(X86Dec *d)
{
    X86Insn *i = d->i;
    x86_dec_rm(d, 3);
    i->op = d->reg & 7;
    switch (i->op) {
    case 0:
    case 1: x86_dec_set(d, x86_op_sldt, false); return true;
    case 2: x86_dec_set(d, x86_op_lldt, true); return true;
    case 3: x86_dec_set(d, x86_op_ltr, true); return true;
    case 4:
    case 5: x86_dec_set(d, x86_op_verr, false); return true;
    default: return false;
    }
}

/* 0F 01 with a register form: a table of single instructions */
static bool x86_dec_grp7_reg(X86Dec *d)
{
    uint32_t sub = (uint32_t)(d->reg & 7) << 3 | d->z.raw.modrm.rm;
    switch (sub) {
    case 0x08: /* C8 */
    case 0x09: /* C9 */
        x86_dec_set(d, sub == 8 ? x86_op_monitor : x86_op_mwait, sub != 8);
        return true;
    case 0x0a: /* CA CLAC */
    case 0x0b: /* CB STAC */
        x86_dec_set(d, sub == 0x0a ? x86_op_clac : x86_op_stac, false);
        return true;
    case 0x10: /* D0 XGETBV */
    case 0x11: /* D1 XSETBV */
        x86_dec_set(d, sub == 0x10 ? x86_op_xgetbv : x86_op_xsetbv, sub != 0x10);
        return true;
    case 0x2e: /* EE RDPKRU */
    case 0x2f: /* EF WRPKRU */
        if (d->p66 || d->rep || d->repne)
            return false;
        x86_dec_set(d, sub == 0x2e ? x86_op_rdpkru : x86_op_wrpkru, false);
        return true;
    case 0x38: /* F8 SWAPGS */
        if (d->code != X86_MODE_64)
            return false;
        x86_dec_set(d, x86_op_swapgs, false);
        return true;
    case 0x39: /* F9 RDTSCP */ x86_dec_set(d, x86_op_rdtscp, false); return true;
    default: return false;
    }
}

static bool x86_dec_grp7(X86Dec *d)
{
    X86Insn *i = d->i;
    uint32_t sub = d->reg & 7;
    if (sub == 4 || sub == 6) {
        x86_dec_rm(d, 3);
        x86_dec_set(d, sub == 4 ? x86_op_smsw : x86_op_lmsw, sub == 6);
        return true;
    }
    if (!d->mem)
        return x86_dec_grp7_reg(d);
    x86_dec_rm(d, 3);
    i->op = (uint16_t)sub;
    switch (sub) {
    case 0:
    case 1: x86_dec_set(d, x86_op_sgdt, false); return true;
    case 2:
    case 3: x86_dec_set(d, x86_op_lgdt, true); return true;
    case 7: x86_dec_set(d, x86_op_invlpg, true); return true;
    default: return false;
    }
}

static bool x86_dec_grp15(X86Dec *d)
{
    if (!d->mem && d->rep && (d->reg & 7) < 4) {
        if (d->code != X86_MODE_64)
            return false;
        x86_dec_rm(d, 3);
        d->i->op = d->reg & 7;
        x86_dec_set(d, x86_op_fsgsbase, false);
        return true;
    }
    /* CLFLUSH, 66: CLFLUSHOPT; 66 /6: CLWB */
    if (d->mem && !d->rep && ((d->reg & 7) == 7 || ((d->reg & 7) == 6 && d->p66))) {
        x86_dec_rm(d, 3);
        x86_dec_set(d, x86_op_clflush, false);
        return true;
    }
    return x86_dec_host(d);
}

static bool x86_dec_grp9(X86Dec *d)
{
    X86Insn *i = d->i;
    uint32_t sub = d->reg & 7;
    if (d->mem && sub == 1) {
        if ((i->flags & X86_IF_REXW) && !x86_isa_has(d->c, X86_ISA_CX16))
            return false;
        x86_dec_rm(d, 3);
        x86_dec_set(d, x86_op_cmpxchg8b, false);
        return true;
    }
    if (!d->mem && sub == 7 && d->rep) {
        i->rm = d->rm;
        x86_dec_set(d, x86_op_rdpid, false);
        return true;
    }
    if (!d->mem && (sub == 6 || sub == 7)) {
        i->rm = d->rm;
        i->op = (uint16_t)sub;
        x86_dec_set(d, x86_op_rdrand, false);
        return true;
    }
    return d->mem ? x86_dec_host(d) : false;
}

static void x86_dec_bt(X86Dec *d, uint32_t op, bool imm)
{
    X86Insn *i = d->i;
    x86_dec_rm(d, d->w);
    i->op = (uint16_t)op;
    i->reg = d->reg;
    if (imm) {
        i->imm = x86_dec_uimm(d, 0) & (d->osz * 8 - 1);
        i->reg = X86_ZERO;
    }
    i->fn = d->mem ? x86_op_bt_mem : x86_op_bt;
}

static bool x86_dec_bitscan(X86Dec *d)
{
    X86Insn *i = d->i;
    x86_dec_rm(d, d->w);
    i->reg = d->reg;
    if (d->opc == 0xb8) {
        i->fn = x86_op_popcnt;
    } else if (d->opc == 0xbc) {
        i->fn = d->rep && x86_isa_has(d->c, X86_ISA_BMI1) ? x86_op_tzcnt : x86_op_bsf;
    } else {
        i->fn = d->rep && x86_isa_has(d->c, X86_ISA_LZCNT) ? x86_op_lzcnt : x86_op_bsr;
    }
    return true;
}

static void x86_dec_movx(X86Dec *d)
{
    uint32_t src = d->opc & 1;
    x86_dec_rm(d, src);
    d->i->reg = d->reg;
    d->i->fn = d->opc < 0xb8 ? x86_movzx[src][d->w][d->mem] : x86_movsx[src][d->w][d->mem];
}

static bool x86_dec_0f_low(X86Dec *d)
{
    X86Insn *i = d->i;
    switch (d->opc) {
    case 0x00: return x86_dec_grp6(d);
    case 0x01: return x86_dec_grp7(d);
    case 0x02:
    case 0x03:
        x86_dec_rm(d, 3);
        i->reg = d->reg;
        x86_dec_set(d, d->opc == 2 ? x86_op_lar : x86_op_lsl, false);
        return true;
    case 0x05: x86_dec_set(d, x86_op_syscall, true); return true;
    case 0x06: x86_dec_set(d, x86_op_clts, true); return true;
    case 0x07:
        x86_dec_set(d, x86_isa_has(d->c, X86_ISA_386_ONLY) ? x86_op_loadall386 : x86_op_sysret,
                    true);
        return x86_isa_has(d->c, X86_ISA_386_ONLY) || x86_isa_has(d->c, X86_ISA_SYSCALL);
    case 0x08:
    case 0x09: x86_dec_set(d, x86_op_wbinvd, false); return true;
    case 0x0d:
    case 0x18:
    case 0x19:
    case 0x1a:
    case 0x1b:
    case 0x1c:
    case 0x1d:
    case 0x1e:
    case 0x1f: x86_dec_set(d, x86_op_nop, false); return true;
    case 0x20:
    case 0x21:
        i->rm = d->rm;
        i->reg = d->reg;
        x86_dec_set(d, d->opc == 0x20 ? x86_op_mov_from_cr : x86_op_mov_from_dr, false);
        return true;
    case 0x22:
    case 0x23:
        i->rm = d->rm;
        i->reg = d->reg;
        x86_dec_set(d, d->opc == 0x22 ? x86_op_mov_to_cr : x86_op_mov_to_dr, true);
        return true;
    case 0x0b:
    case 0x04:
    case 0x0a:
    case 0x0c:
    case 0x0e:
    case 0x0f: return false;
    default: return x86_dec_host(d);
    }
}

static bool x86_dec_0f_3x(X86Dec *d)
{
    switch (d->opc) {
    case 0x30: x86_dec_set(d, x86_op_wrmsr, true); return true;
    case 0x31: x86_dec_set(d, x86_op_rdtsc, false); return true;
    case 0x32: x86_dec_set(d, x86_op_rdmsr, false); return true;
    case 0x33: x86_dec_set(d, x86_op_rdpmc, false); return true;
    case 0x34:
    case 0x35: x86_dec_set(d, d->opc == 0x34 ? x86_op_sysenter : x86_op_sysexit, true); return true;
    default: return false;
    }
}

static bool x86_dec_0f_ax(X86Dec *d)
{
    X86Insn *i = d->i;
    switch (d->opc) {
    case 0xa0:
    case 0xa1:
    case 0xa8:
    case 0xa9:
        if (d->code == X86_MODE_64)
            i->osz = d->p66 && !(i->flags & X86_IF_REXW) ? 2 : 8;
        i->reg = d->opc < 0xa8 ? VIV_SEG_FS : VIV_SEG_GS;
        if (d->opc & 1)
            x86_dec_set(d, x86_op_pop_seg, true);
        else
            x86_dec_set(d, x86_op_push_seg, false);
        return true;
    case 0xa2: x86_dec_set(d, x86_op_cpuid, false); return true;
    case 0xa3: x86_dec_bt(d, 0, false); return true;
    case 0xab: x86_dec_bt(d, 1, false); return true;
    case 0xa4:
    case 0xa5:
    case 0xac:
    case 0xad:
        x86_dec_rm(d, d->w);
        i->reg = d->reg;
        i->imm = x86_dec_uimm(d, 0);
        i->op = d->opc;
        i->fn = x86_op_shld;
        return true;
    case 0xae: return x86_dec_grp15(d);
    case 0xaf:
        x86_dec_rm(d, d->w);
        i->reg = d->reg;
        i->fn = d->mem || d->w == 1 ? x86_op_imul2
                : d->w == 2         ? x86_op_imul2_32r
                                    : x86_op_imul2_64r;
        return true;
    default: return false;
    }
}

static bool x86_dec_0f_bx(X86Dec *d)
{
    X86Insn *i = d->i;
    switch (d->opc) {
    case 0xb0:
    case 0xb1:
        i->osz = (uint8_t)(d->opc & 1 ? d->osz : 1);
        x86_dec_rm(d, d->opc & 1 ? d->w : 0);
        i->reg = x86_dec_r(d, d->reg, d->opc & 1 ? d->w : 0);
        i->fn = x86_op_cmpxchg;
        return true;
    case 0xb2:
    case 0xb4:
    case 0xb5:
        x86_dec_rm(d, d->w);
        i->reg = d->reg;
        i->op = d->opc == 0xb2 ? VIV_SEG_SS : d->opc == 0xb4 ? VIV_SEG_FS : VIV_SEG_GS;
        x86_dec_set(d, x86_op_lxs, true);
        return d->mem;
    case 0xb3: x86_dec_bt(d, 2, false); return true;
    case 0xb6:
    case 0xb7:
    case 0xbe:
    case 0xbf: x86_dec_movx(d); return true;
    case 0xb8:
    case 0xbc:
    case 0xbd: return x86_dec_bitscan(d);
    case 0xba:
        if ((d->reg & 7) < 4)
            return false;
        x86_dec_bt(d, d->reg & 3, true);
        return true;
    case 0xbb: x86_dec_bt(d, 3, false); return true;
    default: return false;
    }
}

static bool x86_dec_0f_cx(X86Dec *d)
{
    X86Insn *i = d->i;
    if (d->opc >= 0xc8) {
        i->reg = (uint8_t)((d->opc & 7) | (d->rexed && d->z.raw.rex.B ? 8 : 0));
        i->fn = x86_op_bswap;
        return true;
    }
    switch (d->opc) {
    case 0xc0:
    case 0xc1:
        i->osz = (uint8_t)(d->opc & 1 ? d->osz : 1);
        x86_dec_rm(d, d->opc & 1 ? d->w : 0);
        i->reg = x86_dec_r(d, d->reg, d->opc & 1 ? d->w : 0);
        i->fn = x86_op_xadd;
        return true;
    case 0xc7: return x86_dec_grp9(d);
    default: return x86_dec_host(d);
    }
}

bool x86_dec_0f(X86Dec *d)
{
    X86Insn *i = d->i;
    uint32_t cc = d->opc & 15;
    switch (d->opc >> 4) {
    case 0x0:
    case 0x1:
    case 0x2: return x86_dec_0f_low(d);
    case 0x3: return x86_dec_0f_3x(d);
    case 0x4:
        x86_dec_rm(d, d->w);
        i->reg = d->reg;
        i->fn = x86_cmovcc[cc][d->w][d->mem];
        return true;
    case 0x8: x86_dec_rel(d, x86_jcc[cc]); return true;
    case 0x9:
        x86_dec_rm(d, 0);
        i->fn = x86_setcc[cc][d->mem];
        return true;
    case 0xa: return x86_dec_0f_ax(d);
    case 0xb: return x86_dec_0f_bx(d);
    case 0xc: return x86_dec_0f_cx(d);
    default: return d->opc == 0xff ? false : x86_dec_host(d);
    }
}

bool x86_dec_0f38(X86Dec *d)
{
    X86Insn *i = d->i;
    if (d->opc == 0xf0 || d->opc == 0xf1) {
        i->reg = d->reg;
        if (d->repne) { /* CRC32 */
            x86_dec_rm(d, d->opc & 1 ? d->w : 0);
            i->osz = (uint8_t)(d->opc & 1 ? d->osz : 1);
            i->fn = x86_op_crc32;
            return true;
        }
        if (!d->mem)
            return false;
        x86_dec_rm(d, d->w);
        i->fn = d->opc & 1 ? x86_op_movbe_store : x86_op_movbe_load;
        return true;
    }
    if (d->opc == 0xf6 && (d->p66 || d->rep)) {
        i->osz = i->flags & X86_IF_REXW ? 8 : 4;
        x86_dec_rm(d, 3);
        i->reg = d->reg;
        i->op = d->rep; /* ADOX */
        i->fn = x86_op_adx;
        return true;
    }
    if (d->opc == 0x82 && d->p66) {
        if (!d->mem)
            return false;
        x86_dec_rm(d, 3);
        i->reg = d->reg;
        x86_dec_set(d, x86_op_invpcid, true);
        return true;
    }
    return x86_dec_host(d);
}

/* VPINSRD and VPEXTRD with VEX.W outside 64-bit mode: ignored (SDM vol. 2), but AMD's processors
 * refuse it. */
static bool x86_dec_wide_element(const X86Dec *d)
{
    return d->code != X86_MODE_64 && !d->c->feat.intel && d->ctx.vector_unified.W &&
           (d->z.mnemonic == ZYDIS_MNEMONIC_VPINSRD || d->z.mnemonic == ZYDIS_MNEMONIC_VPEXTRD);
}

/* BMI1 and BMI2; the rest of VEX belongs to the vector unit. */
bool x86_dec_vex(X86Dec *d)
{
    static const struct {
        ZydisMnemonic mnemonic;
        uint8_t isa;
    } list[] = {
        {ZYDIS_MNEMONIC_ANDN, X86_ISA_BMI1}, {ZYDIS_MNEMONIC_BEXTR, X86_ISA_BMI1},
        {ZYDIS_MNEMONIC_BLSI, X86_ISA_BMI1}, {ZYDIS_MNEMONIC_BLSMSK, X86_ISA_BMI1},
        {ZYDIS_MNEMONIC_BLSR, X86_ISA_BMI1}, {ZYDIS_MNEMONIC_BZHI, X86_ISA_BMI2},
        {ZYDIS_MNEMONIC_PDEP, X86_ISA_BMI2}, {ZYDIS_MNEMONIC_PEXT, X86_ISA_BMI2},
        {ZYDIS_MNEMONIC_MULX, X86_ISA_BMI2}, {ZYDIS_MNEMONIC_RORX, X86_ISA_BMI2},
        {ZYDIS_MNEMONIC_SARX, X86_ISA_BMI2}, {ZYDIS_MNEMONIC_SHLX, X86_ISA_BMI2},
        {ZYDIS_MNEMONIC_SHRX, X86_ISA_BMI2},
    };
    X86Insn *i = d->i;
    uint32_t k;
    for (k = 0; k < sizeof(list) / sizeof(list[0]); k++) {
        if (d->z.mnemonic != list[k].mnemonic)
            continue;
        if (!x86_isa_has(d->c, (X86Isa)list[k].isa))
            return false;
        i->osz = d->code == X86_MODE_64 && d->ctx.vector_unified.W ? 8 : 4;
        x86_dec_rm(d, 3);
        i->reg = d->reg;
        i->op = (uint16_t)k;
        /* the third register, beside the memory operand's fields */
        i->imm = d->ctx.vector_unified.vvvv & (d->code == X86_MODE_64 ? 15 : 7);
        if (d->z.mnemonic == ZYDIS_MNEMONIC_RORX)
            i->imm = x86_dec_uimm(d, 0);
        i->fn = d->code == X86_MODE_64 ? x86_op_bmi : x86_op_bmi_protected;
        return true;
    }
    return !x86_dec_wide_element(d) && x86_dec_host(d);
}
