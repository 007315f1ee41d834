/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* host_table: what the manuals leave undefined, which features the guest and the host have, and
 * what cannot be compared with a process of the host's, each with its reason. */
#include <cpuid.h>
#include <string.h>

#include "host.h"

/* -- features ---------------------------------------------------------------------------------- */
typedef struct TableFeature {
    uint16_t isa;
    uint8_t sub, reg, bit; /* reg: 0 EAX ... 3 EDX; NEVER: only the base is needed */
    uint32_t leaf;
    bool guest, host;
} TableFeature;

#define BASE(name)                                                                                 \
    {                                                                                              \
        .isa = ZYDIS_ISA_SET_##name, .leaf = 0                                                     \
    }
#define BIT(name, leaf_, sub_, reg_, bit_)                                                         \
    {                                                                                              \
        .isa = ZYDIS_ISA_SET_##name, .leaf = leaf_, .sub = sub_, .reg = reg_, .bit = bit_          \
    }
#define EAX 0
#define EBX 1
#define ECX 2
#define EDX 3

/* Sets that are not here the guest does not have. */
static TableFeature features[] = {
    BASE(I86),
    BASE(I186),
    BASE(I286PROTECTED),
    BASE(I286REAL),
    BASE(I386),
    BASE(I486),
    BASE(I486REAL),
    BASE(PENTIUMREAL),
    BASE(PPRO),
    BASE(LONGMODE),
    BASE(FAT_NOP),
    BASE(PREFETCH_NOP),
    BASE(PREFETCHWT1), /* 0F 0D is all hints */
    BASE(PAUSE),
    BASE(RDPMC),
    BIT(X87, 1, 0, EDX, 0),
    BIT(CMOV, 1, 0, EDX, 15),
    BIT(FCMOV, 1, 0, EDX, 15),
    BIT(CLFSH, 1, 0, EDX, 19),
    BIT(PENTIUMMMX, 1, 0, EDX, 23),
    BIT(FXSAVE, 1, 0, EDX, 24),
    BIT(FXSAVE64, 1, 0, EDX, 24),
    BIT(SSE, 1, 0, EDX, 25),
    BIT(SSEMXCSR, 1, 0, EDX, 25),
    BIT(SSE_PREFETCH, 1, 0, EDX, 25),
    BIT(SSE2, 1, 0, EDX, 26),
    BIT(SSE2MMX, 1, 0, EDX, 26),
    BIT(SSE3, 1, 0, ECX, 0),
    BIT(SSE3X87, 1, 0, ECX, 0),
    BIT(PCLMULQDQ, 1, 0, ECX, 1),
    BIT(MONITOR, 1, 0, ECX, 3),
    BIT(SSSE3, 1, 0, ECX, 9),
    BIT(SSSE3MMX, 1, 0, ECX, 9),
    BIT(FMA, 1, 0, ECX, 12),
    BIT(CMPXCHG16B, 1, 0, ECX, 13),
    BIT(SSE4, 1, 0, ECX, 19),
    BIT(SSE42, 1, 0, ECX, 20),
    BIT(MOVBE, 1, 0, ECX, 22),
    BIT(POPCNT, 1, 0, ECX, 23),
    BIT(AES, 1, 0, ECX, 25),
    BIT(AVXAES, 1, 0, ECX, 25),
    BIT(XSAVE, 1, 0, ECX, 26),
    BIT(AVX, 1, 0, ECX, 28),
    BIT(F16C, 1, 0, ECX, 29),
    BIT(RDRAND, 1, 0, ECX, 30),
    BIT(RDWRFSGS, 7, 0, EBX, 0),
    BIT(BMI1, 7, 0, EBX, 3),
    BIT(AVX2, 7, 0, EBX, 5),
    BIT(AVX2GATHER, 7, 0, EBX, 5),
    BIT(BMI2, 7, 0, EBX, 8),
    BIT(INVPCID, 7, 0, EBX, 10),
    BIT(RDSEED, 7, 0, EBX, 18),
    BIT(ADOX_ADCX, 7, 0, EBX, 19),
    BIT(SMAP, 7, 0, EBX, 20),
    BIT(CLFLUSHOPT, 7, 0, EBX, 23),
    BIT(CLWB, 7, 0, EBX, 24),
    BIT(SHA, 7, 0, EBX, 29),
    BIT(PKU, 7, 0, ECX, 3),
    BIT(GFNI, 7, 0, ECX, 8),
    BIT(AVX_GFNI, 7, 0, ECX, 8),
    BIT(VAES, 7, 0, ECX, 9),
    BIT(VPCLMULQDQ, 7, 0, ECX, 10),
    BIT(RDPID, 7, 0, ECX, 22),
    BIT(AVX_VNNI, 7, 1, EAX, 4),
    BIT(XSAVEOPT, 0xd, 1, EAX, 0),
    BIT(XSAVEC, 0xd, 1, EAX, 1),
    BIT(XSAVES, 0xd, 1, EAX, 3),
    BIT(LAHF, 0x80000001u, 0, ECX, 0),
    BIT(LZCNT, 0x80000001u, 0, ECX, 5),
    BIT(SSE4A, 0x80000001u, 0, ECX, 6),
    BIT(AMD, 0x80000001u, 0, EDX, 11),
    BIT(RDTSCP, 0x80000001u, 0, EDX, 27),
};

#define TABLE_COUNT(t) (sizeof(t) / sizeof((t)[0]))

static TableFeature *feature_of(uint32_t isa)
{
    uint32_t k;
    for (k = 0; k < TABLE_COUNT(features); k++)
        if (features[k].isa == isa)
            return &features[k];
    return NULL;
}

static bool host_is_amd;

bool host_tables_create(Rig *rig)
{
    uint32_t k, lacking = 0, vendor[4] = {0};
    __get_cpuid(0, &vendor[0], &vendor[1], &vendor[2], &vendor[3]);
    host_is_amd = vendor[1] == signature_AMD_ebx;
    for (k = 0; k < TABLE_COUNT(features); k++) {
        TableFeature *f = &features[k];
        uint32_t guest[4], host[4] = {0};
        f->guest = f->host = true;
        if (!f->leaf)
            continue;
        rig->vcpu.host->cpuid(&rig->vcpu, f->leaf, f->sub, guest);
        __get_cpuid_count(f->leaf, f->sub, &host[0], &host[1], &host[2], &host[3]);
        f->guest = guest[f->reg] >> f->bit & 1;
        f->host = host[f->reg] >> f->bit & 1;
        if (!f->guest || f->host)
            continue;
        printf("skipped: %s, this host lacks it\n", ZydisISASetGetString((ZydisISASet)f->isa));
        lacking++;
    }
    return lacking == 0;
}

bool host_is_far(const HostInsn *i, bool pointers)
{
    switch (i->z.mnemonic) {
    case ZYDIS_MNEMONIC_IRET:
    case ZYDIS_MNEMONIC_IRETD:
    case ZYDIS_MNEMONIC_IRETQ: return true;
    case ZYDIS_MNEMONIC_LDS:
    case ZYDIS_MNEMONIC_LES:
    case ZYDIS_MNEMONIC_LFS:
    case ZYDIS_MNEMONIC_LGS:
    case ZYDIS_MNEMONIC_LSS: return pointers;
    default: return i->z.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR;
    }
}

/* -- what is left out -------------------------------------------------------------------------- */
#define IN64 1u
#define IN32 2u
#define BOTH 3u

typedef struct TableReason {
    uint16_t mnemonic;
    uint8_t modes;
    const char *reason;
} TableReason;

#define OUT(name, modes, reason)                                                                   \
    {                                                                                              \
        ZYDIS_MNEMONIC_##name, modes, reason                                                       \
    }

/* Not run on the host. */
static const TableReason left_out[] = {
    OUT(CPUID, BOTH, "answers for the model"),
    OUT(RDTSC, BOTH, "time"),
    OUT(RDTSCP, BOTH, "time"),
    OUT(RDPMC, BOTH, "the host's counters"),
    OUT(RDPID, BOTH, "the host's processor number"),
    OUT(RDRAND, BOTH, "random"),
    OUT(RDSEED, BOTH, "random"),
    OUT(XGETBV, BOTH, "the host has more state components"),
    OUT(SYSCALL, BOTH, "calls the host's kernel"),
    OUT(SYSEXIT, BOTH, "not in AMD's long mode; a hypervisor may answer for it"),
    OUT(SYSENTER, BOTH, "calls the host's kernel"),
    OUT(SGDT, BOTH, "the host's kernel answers for the CPU (UMIP)"),
    OUT(SIDT, BOTH, "the host's kernel answers for the CPU (UMIP)"),
    OUT(SLDT, BOTH, "the host's kernel answers for the CPU (UMIP)"),
    OUT(SMSW, BOTH, "the host's kernel answers for the CPU (UMIP)"),
    OUT(STR, BOTH, "the host's kernel answers for the CPU (UMIP)"),
    OUT(INT1, BOTH, "a hypervisor may report it in front of the instruction"),
    OUT(SENDUIPI, BOTH, "RDRAND with F3"),
    OUT(XSAVEOPT64, IN64, "may leave out what has not changed since XRSTOR"),
    OUT(XSAVEOPT, BOTH, "may leave out what has not changed since XRSTOR"),
    OUT(MONITOR, BOTH, "the guest has it off"),
    OUT(MWAIT, BOTH, "the guest has it off"),
};

/* Compared, but always with a fault. */
static const TableReason faulting[] = {
    OUT(UD0, BOTH, "#UD"),
    OUT(UD1, BOTH, "#UD"),
    OUT(UD2, BOTH, "#UD"),
    OUT(INT, BOTH, "always an exception"),
    OUT(IN, BOTH, "no I/O permission"),
    OUT(OUT, BOTH, "no I/O permission"),
    OUT(INSB, BOTH, "no I/O permission"),
    OUT(INSW, BOTH, "no I/O permission"),
    OUT(INSD, BOTH, "no I/O permission"),
    OUT(OUTSB, BOTH, "no I/O permission"),
    OUT(OUTSW, BOTH, "no I/O permission"),
    OUT(OUTSD, BOTH, "no I/O permission"),
    OUT(CLI, BOTH, "privileged"),
    OUT(STI, BOTH, "privileged"),
    OUT(HLT, BOTH, "privileged"),
    OUT(LLDT, BOTH, "privileged"),
    OUT(LTR, BOTH, "privileged"),
    OUT(LGDT, BOTH, "privileged"),
    OUT(LIDT, BOTH, "privileged"),
    OUT(LMSW, BOTH, "privileged"),
    OUT(CLTS, BOTH, "privileged"),
    OUT(INVLPG, BOTH, "privileged"),
    OUT(INVPCID, BOTH, "privileged"),
    OUT(INVD, BOTH, "privileged"),
    OUT(WBINVD, BOTH, "privileged"),
    OUT(WRMSR, BOTH, "privileged"),
    OUT(RDMSR, BOTH, "privileged"),
    OUT(XSETBV, BOTH, "privileged"),
    OUT(SWAPGS, BOTH, "privileged"),
    OUT(SYSRET, BOTH, "privileged"),
    OUT(CLAC, BOTH, "privileged"),
    OUT(STAC, BOTH, "privileged"),
    OUT(XSAVES, BOTH, "privileged"),
    OUT(XSAVES64, BOTH, "privileged"),
    OUT(XRSTORS, BOTH, "privileged"),
    OUT(XRSTORS64, BOTH, "privileged"),
    OUT(RSM, BOTH, "outside system-management mode"),
    OUT(INT3, BOTH, "always an exception"),
};

static const char *table_reason(const TableReason *table, uint32_t count, ZydisMnemonic mnemonic,
                                bool mode32)
{
    uint32_t k;
    for (k = 0; k < count; k++)
        if (table[k].mnemonic == mnemonic && (table[k].modes & (mode32 ? IN32 : IN64)))
            return table[k].reason;
    return NULL;
}

static bool table_has_prefix(const HostInsn *i, uint8_t value)
{
    uint32_t k;
    for (k = 0; k < i->z.raw.prefix_count; k++)
        if (i->z.raw.prefixes[k].value == value)
            return true;
    return false;
}

/* The guest is one of AMD's processors. */
static const char *table_vendor_reason(const HostInsn *i, bool mode32)
{
    ZydisMnemonic m = i->z.mnemonic;
    bool near = i->z.meta.branch_type == ZYDIS_BRANCH_TYPE_NEAR ||
                i->z.meta.branch_type == ZYDIS_BRANCH_TYPE_SHORT;
    if (host_is_amd)
        return NULL;
    if (mode32 && i->z.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX && i->form->w &&
        (m == ZYDIS_MNEMONIC_VPINSRD || m == ZYDIS_MNEMONIC_VPEXTRD))
        return "AMD refuses VEX.W outside 64-bit mode";
    if ((m == ZYDIS_MNEMONIC_LOOPE || m == ZYDIS_MNEMONIC_LOOPNE) &&
        (table_has_prefix(i, 0xf2) || table_has_prefix(i, 0xf3)))
        return "AMD lets F2 and F3 choose the condition";
    if (near && !mode32 && table_has_prefix(i, 0x66))
        return "AMD truncates the target, Intel ignores 66";
    if (m == ZYDIS_MNEMONIC_MOVSXD && i->op[0].size == 16)
        return "AMD reads 32 bits, Intel 16";
    if (i->z.meta.isa_set == ZYDIS_ISA_SET_SHA && i->op[1].type == ZYDIS_OPERAND_TYPE_MEMORY)
        return "AMD takes misaligned operands";
    return NULL;
}

/* Where the manuals say "undefined" of the result itself, or the host's kernel has a say. */
static const char *table_operands_reason(const HostInsn *i)
{
    ZydisMnemonic m = i->z.mnemonic;
    if (m == ZYDIS_MNEMONIC_INT && i->z.raw.imm[0].value.u == 0x80)
        return "calls the host's kernel";
    if ((m == ZYDIS_MNEMONIC_SHLD || m == ZYDIS_MNEMONIC_SHRD) && i->op[0].size == 16 &&
        i->op[2].type == ZYDIS_OPERAND_TYPE_IMMEDIATE && (i->op[2].imm.value.u & 31) > 16)
        return "undefined: a count above the width";
    return NULL;
}

/* Encodings that Zydis refuses and this host does not. */
static const char *table_bad_reason(const HostInsn *i)
{
    const HostForm *f = i->form;
    if (!host_is_amd && f->vex && f->map == 3 && f->opcode < 2)
        return "AMD ignores VEX.W of VPERMQ and VPERMPD";
    if (f->vex || f->map != 1)
        return NULL;
    if (f->opcode == 0x01)
        return "VMCALL and VMMCALL with odd prefixes go to the hypervisor";
    if (f->opcode >= 0x20 && f->opcode <= 0x23)
        return "LOCK MOV CR0 is AMD's MOV CR8";
    return NULL;
}

HostUse host_use(const HostInsn *i, bool mode32, const char **ret_reason)
{
    const TableFeature *f;
    *ret_reason = NULL;
    if (!i->valid) {
        *ret_reason = table_bad_reason(i);
        return *ret_reason ? HOST_USE_LEFT_OUT : HOST_USE_COMPARE;
    }
    *ret_reason = table_reason(left_out, TABLE_COUNT(left_out), i->z.mnemonic, mode32);
    if (!*ret_reason)
        *ret_reason = table_operands_reason(i);
    if (!*ret_reason)
        *ret_reason = table_vendor_reason(i, mode32);
    if (*ret_reason)
        return HOST_USE_LEFT_OUT;
    f = feature_of(i->z.meta.isa_set);
    if (!f || !f->guest) {
        *ret_reason = "the guest lacks it";
        return HOST_USE_GUEST_UD;
    }
    if (!f->host) {
        *ret_reason = "the host lacks it";
        return HOST_USE_LEFT_OUT;
    }
    return HOST_USE_COMPARE;
}

const char *host_uncovered_reason(ZydisMnemonic mnemonic, bool mode32)
{
    const char *why = table_reason(left_out, TABLE_COUNT(left_out), mnemonic, mode32);
    return why ? why : table_reason(faulting, TABLE_COUNT(faulting), mnemonic, mode32);
}

/* -- undefined flags --------------------------------------------------------------------------- */
typedef struct TableFlags {
    uint16_t mnemonic;
    uint32_t flags;
} TableFlags;

#define FLAGS(name, flags)                                                                         \
    {                                                                                              \
        ZYDIS_MNEMONIC_##name, flags                                                               \
    }

/* SDM vol. 2, "Flags Affected". */
static const TableFlags undefined_flags[] = {
    FLAGS(AND, HOST_AF),
    FLAGS(OR, HOST_AF),
    FLAGS(XOR, HOST_AF),
    FLAGS(TEST, HOST_AF),
    FLAGS(ANDN, HOST_AF | HOST_PF),
    FLAGS(BEXTR, HOST_AF | HOST_SF | HOST_PF),
    FLAGS(BZHI, HOST_AF | HOST_PF),
    FLAGS(BLSI, HOST_AF | HOST_PF),
    FLAGS(BLSR, HOST_AF | HOST_PF),
    FLAGS(BLSMSK, HOST_AF | HOST_PF),
    FLAGS(MUL, HOST_SF | HOST_ZF | HOST_AF | HOST_PF),
    FLAGS(IMUL, HOST_SF | HOST_ZF | HOST_AF | HOST_PF),
    FLAGS(DIV, HOST_ARITH),
    FLAGS(IDIV, HOST_ARITH),
    FLAGS(BSF, HOST_ARITH & ~HOST_ZF),
    FLAGS(BSR, HOST_ARITH & ~HOST_ZF),
    FLAGS(TZCNT, HOST_OF | HOST_SF | HOST_AF | HOST_PF),
    FLAGS(LZCNT, HOST_OF | HOST_SF | HOST_AF | HOST_PF),
    FLAGS(BT, HOST_OF | HOST_SF | HOST_AF | HOST_PF),
    FLAGS(BTS, HOST_OF | HOST_SF | HOST_AF | HOST_PF),
    FLAGS(BTR, HOST_OF | HOST_SF | HOST_AF | HOST_PF),
    FLAGS(BTC, HOST_OF | HOST_SF | HOST_AF | HOST_PF),
    FLAGS(AAA, HOST_OF | HOST_SF | HOST_ZF | HOST_PF),
    FLAGS(AAS, HOST_OF | HOST_SF | HOST_ZF | HOST_PF),
    FLAGS(AAM, HOST_OF | HOST_AF | HOST_CF),
    FLAGS(AAD, HOST_OF | HOST_AF | HOST_CF),
    FLAGS(DAA, HOST_OF),
    FLAGS(DAS, HOST_OF),
};

typedef enum TableShift {
    SHIFT_NONE,
    SHIFT_ROTATE,
    SHIFT_ARITH,
    SHIFT_LOGIC,
    SHIFT_DOUBLE
} TableShift;

static TableShift table_shift(ZydisMnemonic mnemonic)
{
    switch (mnemonic) {
    case ZYDIS_MNEMONIC_ROL:
    case ZYDIS_MNEMONIC_ROR:
    case ZYDIS_MNEMONIC_RCL:
    case ZYDIS_MNEMONIC_RCR: return SHIFT_ROTATE;
    case ZYDIS_MNEMONIC_SAR: return SHIFT_ARITH;
    case ZYDIS_MNEMONIC_SHL:
    case ZYDIS_MNEMONIC_SHR: return SHIFT_LOGIC;
    case ZYDIS_MNEMONIC_SHLD:
    case ZYDIS_MNEMONIC_SHRD: return SHIFT_DOUBLE;
    default: return SHIFT_NONE;
    }
}

bool host_is_shift(ZydisMnemonic mnemonic)
{
    return table_shift(mnemonic) != SHIFT_NONE;
}

/* in NULL: whatever the count in CL may be. */
static uint32_t table_shift_flags(const HostInsn *i, const HostState *in, TableShift shift)
{
    const ZydisDecodedOperand *by = &i->op[shift == SHIFT_DOUBLE ? 2 : 1];
    uint32_t bits = i->op[0].size, n, undefined = shift == SHIFT_ROTATE ? 0 : HOST_AF;
    if (by->type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
        n = (uint32_t)by->imm.value.u;
    else if (in)
        n = (uint32_t)in->gpr[VIV_REG_RCX];
    else
        return undefined | HOST_OF | HOST_CF;
    n &= bits == 64 ? 63 : 31;
    if (n == 0)
        return 0;
    if (n > 1)
        undefined |= HOST_OF;
    if ((shift == SHIFT_LOGIC && n >= bits) || (shift == SHIFT_ARITH && n > bits))
        undefined |= HOST_CF;
    if (shift == SHIFT_DOUBLE && n > bits)
        undefined = HOST_ARITH;
    return undefined;
}

uint32_t host_undefined_flags(const HostInsn *i, const HostState *in)
{
    TableShift shift;
    uint32_t k;
    if (!i->valid)
        return 0;
    shift = table_shift(i->z.mnemonic);
    if (shift != SHIFT_NONE)
        return table_shift_flags(i, in, shift);
    for (k = 0; k < TABLE_COUNT(undefined_flags); k++)
        if (undefined_flags[k].mnemonic == i->z.mnemonic)
            return undefined_flags[k].flags;
    return 0;
}

/* -- undefined state --------------------------------------------------------------------------- */
static void table_blank(HostState *a, HostState *b, uint32_t at, uint32_t n)
{
    memset(a->xsave + at, 0, n);
    memset(b->xsave + at, 0, n);
}

static bool table_mmx(const HostCase *t)
{
    uint32_t k, n;
    for (k = 0; k < t->count; k++)
        for (n = 0; t->insn[k].valid && n < t->insn[k].z.operand_count; n++)
            if (t->insn[k].op[n].type == ZYDIS_OPERAND_TYPE_REGISTER &&
                ZydisRegisterGetClass(t->insn[k].op[n].reg.value) == ZYDIS_REGCLASS_MMX)
                return true;
    return false;
}

/* AMD marks the MMX registers in use even if the conversion then raises #XM. */
static void table_xm(const HostCase *t, HostState *native, HostState *guest)
{
    if (!table_mmx(t))
        return;
    table_blank(native, guest, HOST_XSAVE_FSW, 3);
    table_blank(native, guest, HOST_XSAVE_ST, HOST_XSAVE_XMM - HOST_XSAVE_ST);
}

/* Which byte of an operand faults first is the CPU's affair where there are many accesses. */
static bool table_many_accesses(const HostInsn *i)
{
    if (!i->valid)
        return false;
    switch (i->z.mnemonic) {
    case ZYDIS_MNEMONIC_MASKMOVQ:
    case ZYDIS_MNEMONIC_MASKMOVDQU:
    case ZYDIS_MNEMONIC_VMASKMOVDQU:
    case ZYDIS_MNEMONIC_VMASKMOVPS:
    case ZYDIS_MNEMONIC_VMASKMOVPD:
    case ZYDIS_MNEMONIC_VPMASKMOVD:
    case ZYDIS_MNEMONIC_VPMASKMOVQ:
    case ZYDIS_MNEMONIC_PUSHA:
    case ZYDIS_MNEMONIC_PUSHAD:
    case ZYDIS_MNEMONIC_POPA:
    case ZYDIS_MNEMONIC_POPAD:
    case ZYDIS_MNEMONIC_ENTER:
    case ZYDIS_MNEMONIC_FLDENV:
    case ZYDIS_MNEMONIC_FNSTENV:
    case ZYDIS_MNEMONIC_FRSTOR:
    case ZYDIS_MNEMONIC_FNSAVE: return true;
    default: break;
    }
    return host_is_far(i, false) || i->op[0].size == 80 || i->op[1].size == 80 ||
           i->z.meta.category == ZYDIS_CATEGORY_XSAVE ||
           i->z.meta.category == ZYDIS_CATEGORY_XSAVEOPT ||
           i->z.meta.isa_set == ZYDIS_ISA_SET_FXSAVE || i->z.meta.isa_set == ZYDIS_ISA_SET_FXSAVE64;
}

/* REPNE CMPS and SCAS that fault: Intel restores the flags (SDM vol. 2, REP), AMD shows those of the
 * last comparison. */
static bool table_restores_flags(const HostInsn *i)
{
    return i->valid && (i->z.attributes & (ZYDIS_ATTRIB_HAS_REPNE | ZYDIS_ATTRIB_HAS_REPE));
}

void host_undefined_state(const HostCase *t, HostState *native, HostState *guest)
{
    uint64_t flags = native->vector == HOST_VECTOR_BP ? t->undefined : t->undefined_before;
    uint32_t k;
    if (!t->sequence)
        flags = native->rip != t->rip ? host_undefined_flags(&t->insn[0], &t->in) : 0;
    if (!t->sequence && native->vector != HOST_VECTOR_BP && table_restores_flags(&t->insn[0]))
        flags = HOST_ARITH;
    native->rflags &= ~flags;
    guest->rflags &= ~flags;
    if (!t->mode32 && native->sel[VIV_SEG_CS] == HOST_CS32) { /* SDM vol. 1, 3.4.1.1 */
        native->gpr[VIV_REG_RSP] &= 0xffffffffu;
        guest->gpr[VIV_REG_RSP] &= 0xffffffffu;
    }
    if (native->vector == 19)
        table_xm(t, native, guest);
    if (table_many_accesses(&t->insn[t->count - 1]) &&
        native->cr2 - guest->cr2 + HOST_XSAVE <= 2 * HOST_XSAVE)
        native->cr2 = guest->cr2;
    /* FOP, FIP, FDP; MXCSR_MASK; reserved bytes; what the kernel writes; the header */
    table_blank(native, guest, HOST_XSAVE_FTW + 1, HOST_XSAVE_MX - HOST_XSAVE_FTW - 1);
    table_blank(native, guest, HOST_XSAVE_MX + 4, 4);
    for (k = 0; k < 8; k++)
        table_blank(native, guest, HOST_XSAVE_ST + 16 * k + 10, 6);
    table_blank(native, guest, 416, HOST_XSAVE_YMM - 416);
}

/* MXCSR_MASK in an image of FXSAVE or XSAVE: AMD's shows a bit of its own. */
void host_undefined_memory(const HostCase *t)
{
    const HostInsn *i = &t->insn[0];
    uint64_t at;
    uint32_t k;
    if (!i->valid || t->count != 1 || i->op[0].type != ZYDIS_OPERAND_TYPE_MEMORY ||
        (i->z.meta.category != ZYDIS_CATEGORY_XSAVE && i->z.meta.isa_set != ZYDIS_ISA_SET_FXSAVE &&
         i->z.meta.isa_set != ZYDIS_ISA_SET_FXSAVE64))
        return;
    at = host_case_address(t, i, &i->op[0]) + HOST_XSAVE_MX + 4;
    for (k = 0; k < HOST_REGIONS; k++) {
        HostRegion *r = &host_regions[k];
        if (r->native && r->write && at - r->lin <= r->bytes - 4)
            memcpy(r->guest + (at - r->lin), r->native + (at - r->lin), 4);
    }
}

bool host_undefined_outcome(const HostCase *t, const HostState *native, const HostState *guest)
{
    const HostInsn *i = &t->insn[t->count - 1];
    bool faults = native->vector != HOST_VECTOR_BP && guest->vector != HOST_VECTOR_BP;
    if (!i->valid || t->sequence)
        return false;
    if ((i->z.meta.category == ZYDIS_CATEGORY_XSAVE) &&
        (t->in.gpr[VIV_REG_RAX] > 7 || t->in.gpr[VIV_REG_RDX]))
        return true; /* the host has more components */
    switch (i->z.mnemonic) {
    case ZYDIS_MNEMONIC_LDMXCSR: /* AMD has a bit 17, misaligned exception mask */
    case ZYDIS_MNEMONIC_VLDMXCSR: return guest->vector == HOST_VECTOR_GP;
    case ZYDIS_MNEMONIC_CALL: /* AMD looks at the stack before it looks at the target */
        if (!host_is_amd && faults)
            return true;
        break;
    case ZYDIS_MNEMONIC_POPA:
    case ZYDIS_MNEMONIC_POPAD: return faults; /* AMD keeps what it has popped */
    case ZYDIS_MNEMONIC_SHLD:
    case ZYDIS_MNEMONIC_SHRD: /* a count above the width */
        return i->op[0].size == 16 && (t->in.gpr[VIV_REG_RCX] & 31) > 16;
    case ZYDIS_MNEMONIC_MASKMOVQ: /* whether bytes fault that the mask leaves out */
    case ZYDIS_MNEMONIC_MASKMOVDQU:
    case ZYDIS_MNEMONIC_VMASKMOVDQU: return native->vector != HOST_VECTOR_BP;
    default: break;
    }
    /* checks of the selector and reads of the stack in another order */
    return table_many_accesses(i) && faults;
}
