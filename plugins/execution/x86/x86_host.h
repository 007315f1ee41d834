/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86_host: x87, MMX, SSE ... AVX2 instructions of the guest, run on the host's own units.
 *
 * An instruction is compiled once into an X86HostOp: a descriptor (what memory it touches, what
 * the caller has to check first) and a function that executes it on viv_cpu_t. The function loads
 * the registers that the instruction names from the XSAVE image, executes the very instruction
 * with its memory operand at a fixed host register, and stores the results back. What the host CPU
 * lacks does not compile. Follows: Intel SDM vol. 1 chapters 8-14, vol. 2.
 *
 * What a caller does to execute one instruction:
 *   1. Decode; op = x86_host_compile(...), once, and keep op beside the decoded instruction.
 *   2. Check op->feature against the guest's CPUID and op->cls against CR0, CR4 and XCR0 (below).
 *   3. If op->mem_kind is not NONE: compute the address, check op->mem_align (#GP(0) when the
 *      linear address is misaligned), probe and translate for op->mem_access. Hand a host pointer:
 *      guest memory itself, or a bounce buffer ALIGNED TO 64 BYTES. For X86_HOST_MEM_READ the
 *      buffer holds the guest's bytes on entry; for X86_HOST_MEM_WRITE it is copied to the guest
 *      after exec().
 *   4. rc = op->exec(op, cpu, mem):
 *      0                  done; advance RIP.
 *      X86_HOST_NO_STORE  done; advance RIP, but leave guest memory as it was: an unmasked x87
 *                         exception suppressed the store.
 *      else               an exception vector; nothing has changed but the flags in MXCSR that
 *                         #XM reports.
 *   5. If rc <= 0 and op->fpu_pointers: x86_host_note_pointers().
 *
 * Thread: a cache and its ops belong to one vCPU [emt]. exec() leaves the host's MXCSR at 1F80h,
 * its x87 control word at 37Fh and its x87 stack empty; it expects the two latter on entry.
 *
 * State: viv_cpu_t.xsave in the standard format, PKRU at 832: what the guest's CPUID leaf 0Dh must
 * say. FIP and FDP are kept in the 64-bit layout of FXSAVE64; FCS and FDS, for which that has no
 * room, in the legacy region's software bytes 464 and 466. Whoever else writes to the image calls
 * x86_host_state_loaded(): exec() relies on valid control words (MXCSR, FCW, FSW.ES). Of the rest
 * of viv_cpu_t it reads the registers in gpr_reads, the flags in reads_flags, XCR0 (XSAVE family),
 * CR0.PE and RFLAGS.VM (FNSTENV, FLDENV, FNSAVE, FRSTOR), and writes gpr_writes and writes_flags.
 */
#ifndef X86_HOST_H
#define X86_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include <Zydis/Zydis.h>

#include <viv/draft/cpu.h>

/* -- results of exec() ------------------------------------------------------------------------- */
#define X86_HOST_OK       0
#define X86_HOST_NO_STORE (-1)
#define X86_HOST_UD       6
#define X86_HOST_NM       7
#define X86_HOST_GP       13 /* error code 0 */
#define X86_HOST_MF       16 /* CR0.NE clear: FERR# instead, see x86_host_exec_ignne() */
#define X86_HOST_XM       19 /* the caller raises #UD instead when CR4.OSXMMEXCPT is clear */

/* -- X86HostOp.cls ----------------------------------------------------------------------------- */
/* What the caller checks before exec(), in this order:
 *            #UD if                              then #NM if
 *   X87                                          CR0.EM or CR0.TS
 *   FWAIT                                        CR0.MP and CR0.TS
 *   NOWAIT, FXSAVE                               CR0.EM or CR0.TS
 *   MMX      CR0.EM                              CR0.TS
 *   SSE      CR0.EM or !CR4.OSFXSR               CR0.TS
 *   SSEMMX   CR0.EM or !CR4.OSFXSR               CR0.TS
 *   AVX      !CR4.OSXSAVE or XCR0[2:1] != 3,     CR0.TS
 *            or real or virtual-8086 mode
 *   XSAVE    !CR4.OSXSAVE                        CR0.TS
 *   XSAVES   !CR4.OSXSAVE                        CR0.TS; then #GP(0) if CPL > 0
 *   FREE     nothing: fences, PREFETCHh, MOVNTI
 * Then, for the classes in X86_HOST_WAITING, #MF while FSW.ES is set: before anything is known of
 * the memory operand. exec() looks too, and leaves all as it was.
 * LOCK in front of any of them is #UD; Zydis refuses it. */
#define X86_HOST_CLASS_X87    0u
#define X86_HOST_CLASS_FWAIT  1u
#define X86_HOST_CLASS_FXSAVE 2u
#define X86_HOST_CLASS_MMX    3u
#define X86_HOST_CLASS_SSE    4u
#define X86_HOST_CLASS_AVX    5u
#define X86_HOST_CLASS_XSAVE  6u
#define X86_HOST_CLASS_XSAVES 7u
#define X86_HOST_CLASS_FREE   8u
#define X86_HOST_CLASS_NOWAIT 9u  /* x87, does not wait: FNINIT, FNSTSW, FNSAVE... */
#define X86_HOST_CLASS_SSEMMX 10u /* SSE instructions that use MMX registers */

/* Sets of classes, as masks. */
#define X86_HOST_WAITING                                                                           \
    (1u << X86_HOST_CLASS_X87 | 1u << X86_HOST_CLASS_FWAIT | 1u << X86_HOST_CLASS_MMX |            \
     1u << X86_HOST_CLASS_SSEMMX)
#define X86_HOST_CHANGES_ES /* may change FSW.ES */                                                \
    (1u << X86_HOST_CLASS_X87 | 1u << X86_HOST_CLASS_NOWAIT | 1u << X86_HOST_CLASS_FXSAVE |        \
     1u << X86_HOST_CLASS_XSAVE | 1u << X86_HOST_CLASS_XSAVES)

/* -- X86HostOp.mem_kind ------------------------------------------------------------------------ */
/* NONE     No memory access, mem may be NULL. PREFETCHh too: its address is not even translated.
 * PLAIN    mem_bytes at the ModRM address.
 * MASKED   VMASKMOVPS/PD, VPMASKMOVD/Q: mem_bytes at the ModRM address, of which only the bytes
 *          set in x86_host_mem_mask() are accessed and may fault. The others need not be valid in
 *          a bounce buffer, and are not copied back.
 * MASK_DI  MASKMOVQ, MASKMOVDQU: the same at [segment:rDI]; DS, or an override.
 * GATHER   VPGATHERxx, VGATHERxPx: element by element, see x86_host_gather_count().
 * XSAVE    XSAVE, XRSTOR and family: x86_host_xsave_bytes() bytes at the ModRM address. */
#define X86_HOST_MEM_NONE    0u
#define X86_HOST_MEM_PLAIN   1u
#define X86_HOST_MEM_MASKED  2u
#define X86_HOST_MEM_MASK_DI 3u
#define X86_HOST_MEM_GATHER  4u
#define X86_HOST_MEM_XSAVE   5u

/* X86HostOp.mem_access. Both: exec() writes only part of the buffer (FXSAVE, XSAVE), so it must
 * hold the guest's bytes first; the access is a write as far as page protection goes. */
#define X86_HOST_MEM_READ  1u
#define X86_HOST_MEM_WRITE 2u

/* -- X86HostOp.feature: the CPUID bit that must be set; x86_host_features[] says which it is --- */
typedef enum X86HostFeature {
    X86_HOST_FEATURE_FPU,
    X86_HOST_FEATURE_CMOV, /* FCMOVcc, FCOMI: FPU and CMOV */
    X86_HOST_FEATURE_MMX,
    X86_HOST_FEATURE_FXSR,
    X86_HOST_FEATURE_SSE,
    X86_HOST_FEATURE_SSE2,
    X86_HOST_FEATURE_SSE3,
    X86_HOST_FEATURE_SSSE3,
    X86_HOST_FEATURE_SSE41,
    X86_HOST_FEATURE_SSE42,
    X86_HOST_FEATURE_SSE4A,
    X86_HOST_FEATURE_AES,
    X86_HOST_FEATURE_PCLMULQDQ,
    X86_HOST_FEATURE_SHA,
    X86_HOST_FEATURE_GFNI,
    X86_HOST_FEATURE_XSAVE,
    X86_HOST_FEATURE_XSAVEOPT,
    X86_HOST_FEATURE_XSAVEC,
    X86_HOST_FEATURE_XSAVES,
    X86_HOST_FEATURE_AVX,
    X86_HOST_FEATURE_F16C,
    X86_HOST_FEATURE_FMA,
    X86_HOST_FEATURE_AVX2,
    X86_HOST_FEATURE_VAES,
    X86_HOST_FEATURE_VPCLMULQDQ,
    X86_HOST_FEATURE_AVX_VNNI,
    X86_HOST_FEATURE_COUNT
} X86HostFeature;

typedef struct X86HostFeatureBit {
    uint32_t leaf;
    uint32_t subleaf;
    uint8_t reg; /* 0 EAX, 1 EBX, 2 ECX, 3 EDX */
    uint8_t bit;
    uint8_t also; /* a second feature that is needed too, or its own number */
    uint8_t reserved0;
    const char *name;
} X86HostFeatureBit;

extern const X86HostFeatureBit x86_host_features[X86_HOST_FEATURE_COUNT];

/* Can this host execute it? [any] */
bool x86_host_has(X86HostFeature feature);

/* -- one compiled instruction ------------------------------------------------------------------ */
typedef struct X86HostOp X86HostOp;
typedef int (*X86HostExec)(const X86HostOp *op, viv_cpu_t *cpu, void *mem);

struct X86HostOp {
    X86HostExec exec;
    /* for the caller, read-only */
    uint8_t cls;          /* X86_HOST_CLASS_* */
    uint8_t feature;      /* X86HostFeature */
    uint8_t mem_kind;     /* X86_HOST_MEM_NONE ... XSAVE */
    uint8_t mem_access;   /* X86_HOST_MEM_READ | X86_HOST_MEM_WRITE */
    uint16_t mem_bytes;   /* 0 with NONE and XSAVE; of one element with GATHER */
    uint8_t mem_align;    /* 1, 16, 32 or 64: #GP(0) unless the linear address is a multiple */
    uint8_t fpu_pointers; /* x86_host_note_pointers() after it */
    uint16_t fop;         /* x87 opcode, 11 bits */
    uint16_t gpr_reads;   /* mask of viv_cpu_t.gpr[] that exec() reads */
    uint16_t gpr_writes;  /* mask of those that it writes (32-bit results are zero-extended) */
    uint16_t reads_flags; /* bits of RFLAGS */
    uint16_t writes_flags;
    uint8_t serial; /* changes with x86_host_reset(): to catch stale pointers in checked builds */
    uint8_t mem_ac; /* with alignment checks: #AC unless the linear address is a multiple */
    /* private to x86_host */
    uint8_t priv_kind;
    uint8_t priv_imm;
    uint8_t priv_reg;  /* register operand in ModRM.reg */
    uint8_t priv_rm;   /* register operand in ModRM.rm; ST(i) */
    uint8_t priv_vvvv; /* register operand in VEX.vvvv */
    uint8_t priv_wide; /* 64-bit form, YMM form, or 32-bit environment */
    /* x87: the bare instruction on a loaded FPU; flags in and out */
    uint64_t (*priv_stub)(void *image, void *mem, uint64_t rflags);
};

/* -- cache ------------------------------------------------------------------------------------- */
typedef struct X86HostCache X86HostCache;

X86HostCache *x86_host_cache_create(void); /* NULL: no memory, or no executable memory */
void x86_host_cache_destroy(X86HostCache *cache);

/* The op for a decoded instruction, or NULL: not an instruction of this module, not known to
 * this host, or the cache is full. bytes are the instruction's bytes (borrowed until return). An
 * op stays valid until x86_host_reset(). */
const X86HostOp *x86_host_compile(X86HostCache *cache, const ZydisDecodedInstruction *insn,
                                  const ZydisDecodedOperand *operands, const uint8_t *bytes);

/* The cache is nearly full: at the next point where the caller can, it drops all its X86HostOp
 * pointers and calls x86_host_reset(). (Full needs tens of thousands of different encodings.) */
bool x86_host_wants_reset(const X86HostCache *cache);
void x86_host_reset(X86HostCache *cache);

/* -- execution helpers ------------------------------------------------------------------------- */

/* Records FIP, FCS, FOP and, for a memory operand, FDP, FDS. ip and cs are the instruction's own
 * (its first prefix byte), dp the effective address (offset), ds the selector of the segment
 * used. */
static inline void x86_host_note_pointers(const X86HostOp *op, viv_cpu_t *cpu, uint64_t ip,
                                          uint16_t cs, uint64_t dp, uint16_t ds)
{
    uint8_t *x = cpu->xsave;
    __builtin_memcpy(x + 6, &op->fop, 2);
    __builtin_memcpy(x + 8, &ip, 8);
    __builtin_memcpy(x + 464, &cs, 2);
    if (op->mem_kind != X86_HOST_MEM_NONE) {
        __builtin_memcpy(x + 16, &dp, 8);
        __builtin_memcpy(x + 466, &ds, 2);
    }
}

/* exec() for a processor whose IGNNE# is asserted (CR0.NE clear): what is pending is ignored, and
 * stays pending unless the instruction loads another status word. Without IGNNE# the processor
 * waits in front of the instruction for the interrupt that FERR# causes (SDM vol. 1, D.2). */
int x86_host_exec_ignne(const X86HostOp *op, viv_cpu_t *cpu, void *mem);

/* MASKED, MASK_DI: bit i set: byte i of the operand is accessed. */
uint32_t x86_host_mem_mask(const X86HostOp *op, const viv_cpu_t *cpu);

/* GATHER. The caller does:
 *   n = x86_host_gather_count(op);
 *   for (i = 0; i < n; i++) {
 *       if (!x86_host_gather_index(op, cpu, i, &index))
 *           continue;
 *       read op->mem_bytes at base + index * scale + displacement into element;
 *       x86_host_gather_commit(op, cpu, i, element);
 *   }
 *   op->exec(op, cpu, NULL);
 * A fault ends the instruction at its element: what was gathered is committed, its mask elements
 * are clear, RIP stays. exec() clears the mask and the destination's upper part. index is
 * sign-extended to 64 bits; the sum wraps at the address size. */
unsigned x86_host_gather_count(const X86HostOp *op);
bool x86_host_gather_index(const X86HostOp *op, viv_cpu_t *cpu, unsigned i, int64_t *ret_index);
void x86_host_gather_commit(const X86HostOp *op, viv_cpu_t *cpu, unsigned i, const void *element);

/* XSAVE: the bytes that the instruction touches, from EDX:EAX and XCR0 (512 legacy + 64 header
 * at least). */
uint32_t x86_host_xsave_bytes(const X86HostOp *op, const viv_cpu_t *cpu);

/* -- state ------------------------------------------------------------------------------------- */

/* Power-on state of the whole image (SDM vol. 3, table 10-1). INIT leaves all of it alone. */
void x86_host_state_reset(viv_cpu_t *cpu);

/* The image came from outside (saved state, another engine): components that XSTATE_BV calls
 * initial get their initial values, reserved bits are cleared, FSW.ES is made consistent,
 * XSTATE_BV says "all present". */
void x86_host_state_loaded(viv_cpu_t *cpu);

/* XINUSE as XGETBV with ECX = 1 shows it (SDM vol. 1, 13.6): the components that are not in their
 * initial state; MXCSR counts as part of SSE. */
uint64_t x86_host_xinuse(const viv_cpu_t *cpu);

/* XCR0 bits that this module keeps state for: x87, SSE, and on a host with AVX, AVX and PKRU. */
uint64_t x86_host_xcr0_supported(void);

#endif
