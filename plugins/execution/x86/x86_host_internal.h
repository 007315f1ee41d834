/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86_host, private: what its files share. Nobody else includes this. */
#ifndef X86_HOST_INTERNAL_H
#define X86_HOST_INTERNAL_H

#include <stddef.h>
#include <string.h>

#include "x86_host.h"

/* -- the XSAVE image (SDM vol. 1, 10.5.1 and 13.4) --------------------------------------------- */
#define X86_HOST_XS_FCW        0u
#define X86_HOST_XS_FSW        2u
#define X86_HOST_XS_FTW        4u /* abridged: bit set = register in use */
#define X86_HOST_XS_FOP        6u
#define X86_HOST_XS_FIP        8u
#define X86_HOST_XS_FDP        16u
#define X86_HOST_XS_MXCSR      24u
#define X86_HOST_XS_MXCSR_MASK 28u
#define X86_HOST_XS_ST         32u
#define X86_HOST_XS_XMM        160u
#define X86_HOST_XS_RESERVED   416u
#define X86_HOST_XS_FCS        464u /* software bytes: FXSAVE64 has no room for the selectors */
#define X86_HOST_XS_FDS        466u
#define X86_HOST_XS_HEADER     512u
#define X86_HOST_XS_YMMH       VIV_XSAVE_AVX_OFFSET
#define X86_HOST_XS_PKRU       832u

#define X86_HOST_MXCSR_DEFAULT 0x1f80u
#define X86_HOST_MXCSR_FLAGS   0x003fu
#define X86_HOST_MXCSR_DAZ     0x0040u
#define X86_HOST_MXCSR_MASKS   0x1f80u
#define X86_HOST_MXCSR_VALID   0xffffu

#define X86_HOST_FCW_DEFAULT   0x037fu
#define X86_HOST_FSW_IE        0x0001u
#define X86_HOST_FSW_DE        0x0002u
#define X86_HOST_FSW_ZE        0x0004u
#define X86_HOST_FSW_OE        0x0008u
#define X86_HOST_FSW_UE        0x0010u
#define X86_HOST_FSW_PE        0x0020u
#define X86_HOST_FSW_FLAGS     0x003fu
#define X86_HOST_FSW_SF        0x0040u
#define X86_HOST_FSW_ES        0x0080u
#define X86_HOST_FSW_C0        0x0100u
#define X86_HOST_FSW_C1        0x0200u
#define X86_HOST_FSW_C2        0x0400u
#define X86_HOST_FSW_TOP_SHIFT 11u
#define X86_HOST_FSW_TOP       0x3800u
#define X86_HOST_FSW_C3        0x4000u
#define X86_HOST_FSW_CC        0x4700u
#define X86_HOST_FSW_B         0x8000u

#define X86_HOST_RFLAGS_ARITH 0x08d5u /* OF SF ZF AF PF CF */

/* X86HostOp.priv_kind of vector ops that MXCSR governs: what can over- or underflow, by what it
 * computes; see x86_host_inexact.c. priv_imm says of what: X86_HOST_OF_*. */
#define X86_HOST_KIND_NONE   0u
#define X86_HOST_KIND_MMX_FP 1u /* converts between MMX and XMM: #MF as well as #XM */
#define X86_HOST_KIND_ADD    2u /* and subtraction, ADDSUB */
#define X86_HOST_KIND_HADD   3u
#define X86_HOST_KIND_MUL    4u
#define X86_HOST_KIND_DIV    5u
#define X86_HOST_KIND_NARROW 6u /* double to single */
#define X86_HOST_KIND_FMA132 7u
#define X86_HOST_KIND_FMA213 8u
#define X86_HOST_KIND_FMA231 9u
#define X86_HOST_KIND_DOT    10u /* the immediate is in fop */
#define X86_HOST_KIND_HALF   11u /* single to half; the same */

#define X86_HOST_OF_DOUBLE   0x01u /* operands are doubles */
#define X86_HOST_OF_SCALAR   0x02u
#define X86_HOST_OF_SUB_EVEN 0x04u /* even elements subtract */
#define X86_HOST_OF_SUB_ODD  0x08u

static inline uint16_t x86_host_get16(const viv_cpu_t *cpu, unsigned offset)
{
    uint16_t v;
    memcpy(&v, cpu->xsave + offset, sizeof(v));
    return v;
}

static inline void x86_host_put16(viv_cpu_t *cpu, unsigned offset, unsigned value)
{
    uint16_t v = (uint16_t)value;
    memcpy(cpu->xsave + offset, &v, sizeof(v));
}

static inline uint32_t x86_host_get32(const viv_cpu_t *cpu, unsigned offset)
{
    uint32_t v;
    memcpy(&v, cpu->xsave + offset, sizeof(v));
    return v;
}

static inline void x86_host_put32(viv_cpu_t *cpu, unsigned offset, uint32_t value)
{
    memcpy(cpu->xsave + offset, &value, sizeof(value));
}

/* -- code emitter (x86_host_emit.c) ------------------------------------------------------------ */
#define X86_HOST_CODE_MAX 384u

typedef struct X86HostCode {
    uint8_t bytes[X86_HOST_CODE_MAX];
    unsigned len;
    bool overflow;
} X86HostCode;

void x86_host_emit(X86HostCode *code, const void *bytes, unsigned len);
void x86_host_emit_u8(X86HostCode *code, unsigned v);
void x86_host_emit_u16(X86HostCode *code, unsigned v);
void x86_host_emit_u32(X86HostCode *code, uint32_t v);
void x86_host_emit_u64(X86HostCode *code, uint64_t v);
/* Opcode bytes (up to 4, lowest first), then ModRM [rsi + offset] with reg: rsi = viv_cpu_t. */
void x86_host_emit_cpu(X86HostCode *code, uint32_t opcode, unsigned opcode_len, unsigned reg,
                       size_t offset);
/* The tail call of a C function with exec's signature; rdi, rsi, rdx are untouched. */
void x86_host_emit_tail(X86HostCode *code, X86HostExec target);
/* jnz forward; returns the position to bind. */
unsigned x86_host_emit_jnz(X86HostCode *code);
void x86_host_emit_bind(X86HostCode *code, unsigned position);

/* -- compiling --------------------------------------------------------------------------------- */

/* Everything that tells one op from another; all bytes count, so it is zeroed first. */
typedef struct X86HostKey {
    uint8_t code[16]; /* the normalised instruction */
    uint8_t regs[4];  /* guest registers: reg, rm (ffh: memory), vvvv, is4 */
    uint8_t kind;     /* distinguishes the compilers and CPU modes */
    uint8_t reserved0[3];
} X86HostKey;

/* Register operand as found in an encoding field. */
typedef struct X86HostRole {
    uint8_t kind; /* X86_HOST_ROLE_* */
    uint8_t id;   /* guest register */
    bool read;
    bool write;
} X86HostRole;

#define X86_HOST_ROLE_NONE 0u
#define X86_HOST_ROLE_XMM  1u
#define X86_HOST_ROLE_YMM  2u
#define X86_HOST_ROLE_MMX  3u
#define X86_HOST_ROLE_GPR  4u
#define X86_HOST_ROLE_MEM  5u

/* What a compiler works on. op and key are filled by its "prepare", code by its "emit". */
typedef struct X86HostBuild {
    const ZydisDecodedInstruction *insn;
    const ZydisDecodedOperand *operands;
    const uint8_t *bytes;
    X86HostOp op;
    X86HostKey key;
    /* SIMD */
    X86HostRole reg, rm, vvvv, is4;
    bool implicit_xmm0; /* BLENDV, SHA256RNDS2 */
    bool vex;
    bool is_fp; /* reads or writes MXCSR */
    uint8_t insn_code[16];
    unsigned insn_len;
    void (*emit)(struct X86HostBuild *build, X86HostCode *code); /* NULL: op.exec is C */
} X86HostBuild;

/* Host registers that stand for the encoding fields. */
#define X86_HOST_HOST_REG  1u
#define X86_HOST_HOST_RM   2u
#define X86_HOST_HOST_VVVV 3u
#define X86_HOST_HOST_IS4  4u
#define X86_HOST_HOST_ZERO 7u

bool x86_host_has_kind(const X86HostBuild *build, uint8_t kind);
unsigned x86_host_pp(const X86HostBuild *build);          /* 0 none, 1 66, 2 F3, 3 F2 */
bool x86_host_is_explicit_length(ZydisMnemonic mnemonic); /* PCMPESTRx: EAX and EDX are operands */
bool x86_host_simd_prepare(X86HostBuild *build);
void x86_host_simd_emit(X86HostBuild *build, X86HostCode *code);
bool x86_host_simd_special(X86HostBuild *build); /* those done in C; true: taken */
bool x86_host_x87_prepare(X86HostBuild *build);
bool x86_host_state_prepare(X86HostBuild *build); /* FXSAVE, XSAVE and families */
void x86_host_mem_operand(X86HostBuild *build, const ZydisDecodedOperand *operand);

/* -- MMX state (x86_host_mmx.c) ---------------------------------------------------------------- */

/* Turns the image's stack-relative registers so that TOP becomes new_top; tags are physical and
 * stay. */
void x86_host_set_top(viv_cpu_t *cpu, unsigned new_top);
int x86_host_mmx_slow(const X86HostOp *op, viv_cpu_t *cpu, void *mem);
int x86_host_emms(const X86HostOp *op, viv_cpu_t *cpu, void *mem);
/* What every MMX instruction does first in C code: 0, or X86_HOST_MF. */
int x86_host_mmx_enter(viv_cpu_t *cpu);

/* -- MXCSR (x86_host_mxcsr.c) ------------------------------------------------------------------ */
int x86_host_mxcsr_slow(const X86HostOp *op, viv_cpu_t *cpu, void *mem);

/* -- unmasked exceptions, step by step (x86_host_mxcsr.c, x86_host_dot.c) ---------------------- */

/* A computation that can be tried again and again from the same operands. */
typedef struct X86HostTrial X86HostTrial;
struct X86HostTrial {
    /* Runs it with control in MXCSR, all masked and flags clear; returns the flags. */
    uint32_t (*run)(const X86HostTrial *trial, uint32_t control);
    bool (*inexact)(const X86HostTrial *trial, uint32_t mxcsr); /* as x86_host_inexact() */
    /* as x86_host_half_tiny(); NULL: flush-to-zero shows it */
    bool (*tiny)(const X86HostTrial *trial, uint32_t control);
};

/* The flags that the computation raises under mxcsr. Without a fault its result is there. */
uint32_t x86_host_mxcsr_judge(const X86HostTrial *trial, uint32_t mxcsr, bool *ret_fault);
/* The flags of a dot product, up to the step that has an unmasked exception. */
uint32_t x86_host_dot_raised(const X86HostOp *op, const viv_cpu_t *cpu, const void *mem,
                             uint32_t mxcsr, bool *ret_fault);

/* -- exactness (x86_host_inexact.c) ------------------------------------------------------------ */

/* The operands of a vector instruction: what ModRM.reg, ModRM.rm and VEX.vvvv name. */
typedef struct X86HostOperands {
    uint8_t reg[32], rm[32], vvvv[32];
} X86HostOperands;

void x86_host_operands(const X86HostOp *op, const viv_cpu_t *cpu, const void *mem,
                       X86HostOperands *ret_operands);
void x86_host_inexact_describe(X86HostBuild *build); /* priv_kind, priv_imm */
/* Would any element of the result need rounding even with an exponent without bounds? The registers
 * are as before the instruction. */
bool x86_host_inexact(const X86HostOp *op, const viv_cpu_t *cpu, const void *mem, uint32_t mxcsr);
/* VCVTPS2PH: would any element be tiny, rounded as if its exponent had no bounds? */
bool x86_host_half_tiny(const X86HostOp *op, const viv_cpu_t *cpu, uint32_t mxcsr);
/* Is any inexact of n products or sums of floats or doubles. */
bool x86_host_inexact_array(const uint8_t *a, const uint8_t *b, unsigned n, bool is_double,
                            bool multiply, uint32_t mxcsr);

/* -- x87 --------------------------------------------------------------------------------------- */
void x86_host_x87_summarise(viv_cpu_t *cpu); /* FSW.ES and B from flags and masks */
void x86_host_x87_init(viv_cpu_t *cpu);      /* FNINIT */
void x86_host_x87_load_control(viv_cpu_t *cpu, unsigned fcw);   /* FLDCW's bits; no summary */
X86HostExec x86_host_x87_fast(unsigned opcode, unsigned modrm); /* NULL: there is none */
int x86_host_x87_native(const X86HostOp *op, viv_cpu_t *cpu, void *mem);
bool x86_host_x87_control_prepare(X86HostBuild *build); /* environment, control words */
void x86_host_pointers_put(viv_cpu_t *cpu, uint64_t fip, unsigned fcs, uint64_t fdp, unsigned fds);

#endif
