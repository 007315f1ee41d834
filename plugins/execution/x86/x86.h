/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: what the software execution engines share: the working state of one vCPU, the decoded
 * instruction, the block of them, and the services around them.
 *
 * An engine owns an X86Vm for a machine and an X86Cpu for each vCPU and calls x86_run(), or drives
 * blocks by itself. Instruction semantics are functions of the X86Handler type, one file a group.
 *
 * Invariants:
 *  1. While a block runs, c->r[X86_PC] is the instruction pointer of the block's first byte and
 *     c->icnt counts the block as complete. The pointer of one instruction is r[X86_PC] +
 *     insn->off, its count is icnt - (block->n - insn->idx). Whoever leaves a block early puts
 *     both right.
 *  2. c->cur is the instruction in execution, or NULL between blocks. A handler that may fault, or
 *     call the host, sets it first; what only touches plain memory in place does neither.
 *  3. The general registers live in c->r, the arithmetic flags in c->fz, c->fr, c->fc; the copies
 *     in viv_cpu_t are current only after x86_sync(), which precedes each host call and the
 *     return.
 *  4. A fault leaves a handler by longjmp to the run loop. So a handler commits nothing before its
 *     last access that can fault. The jump never crosses a frame of the host's.
 *  5. A store TLB entry has its fast tag only for RAM that holds no decoded code, is no page with
 *     a data breakpoint, and whose page-table entry is dirty.
 *  6. Links between blocks connect blocks of one guest page only: they die together.
 *
 * Thread: an X86Cpu belongs to its EMT. X86Vm's code marks and X86Cpu.requests are the only shared
 * state. Follows: Intel SDM volumes 1-3, AMD APM volume 2 where they differ and Linux cares. */
#ifndef X86_H
#define X86_H

#include <pthread.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <viv/draft/engine.h>

#define X86_LIKELY(x)   __builtin_expect(!!(x), 1)
#define X86_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define X86_COLD        __attribute__((cold, noinline))

/* Chained dispatch relies on sibling calls; without them (sanitizers, -O0) blocks return to the
 * loop. */
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && !defined(X86_NO_CHAIN)
#define X86_CHAIN 1
#else
#define X86_CHAIN 0
#endif

/* -- register file ----------------------------------------------------------------------------- */
#define X86_RAX  0u
#define X86_RCX  1u
#define X86_RDX  2u
#define X86_RBX  3u
#define X86_RSP  4u
#define X86_RBP  5u
#define X86_RSI  6u
#define X86_RDI  7u
#define X86_ZERO 16u /* always 0: "no base", "no index" */
#define X86_PC   17u /* invariant 1; also the base of RIP-relative operands */
#define X86_REGS 18u

/* Segment slot beyond the six: base 0, no limit. */
#define X86_SEG_NONE 6u

/* -- exceptions -------------------------------------------------------------------------------- */
#define X86_DE  0u
#define X86_DB  1u
#define X86_NMI 2u
#define X86_BP  3u
#define X86_OF  4u
#define X86_BR  5u
#define X86_UD  6u
#define X86_NM  7u
#define X86_DF  8u
#define X86_TS  10u
#define X86_NP  11u
#define X86_SS  12u
#define X86_GP  13u
#define X86_PF  14u
#define X86_MF  16u
#define X86_AC  17u
#define X86_XM  19u

/* -- bits -------------------------------------------------------------------------------------- */
#define X86_FL_CF    0x1u
#define X86_FL_PF    0x4u
#define X86_FL_AF    0x10u
#define X86_FL_ZF    0x40u
#define X86_FL_SF    0x80u
#define X86_FL_TF    0x100u
#define X86_FL_IF    0x200u
#define X86_FL_DF    0x400u
#define X86_FL_OF    0x800u
#define X86_FL_IOPL  0x3000u
#define X86_FL_NT    0x4000u
#define X86_FL_RF    0x10000u
#define X86_FL_VM    0x20000u
#define X86_FL_AC    0x40000u
#define X86_FL_VIF   0x80000u
#define X86_FL_VIP   0x100000u
#define X86_FL_ID    0x200000u
#define X86_FL_ARITH (X86_FL_CF | X86_FL_PF | X86_FL_AF | X86_FL_ZF | X86_FL_SF | X86_FL_OF)

#define X86_CR0_PE 0x1u
#define X86_CR0_MP 0x2u
#define X86_CR0_EM 0x4u
#define X86_CR0_TS 0x8u
#define X86_CR0_ET 0x10u
#define X86_CR0_NE 0x20u
#define X86_CR0_WP 0x10000u
#define X86_CR0_AM 0x40000u
#define X86_CR0_NW 0x20000000u
#define X86_CR0_CD 0x40000000u
#define X86_CR0_PG 0x80000000u

#define X86_CR4_VME        0x1u
#define X86_CR4_PVI        0x2u
#define X86_CR4_TSD        0x4u
#define X86_CR4_DE         0x8u
#define X86_CR4_PSE        0x10u
#define X86_CR4_PAE        0x20u
#define X86_CR4_MCE        0x40u
#define X86_CR4_PGE        0x80u
#define X86_CR4_PCE        0x100u
#define X86_CR4_OSFXSR     0x200u
#define X86_CR4_OSXMMEXCPT 0x400u
#define X86_CR4_UMIP       0x800u
#define X86_CR4_LA57       0x1000u
#define X86_CR4_FSGSBASE   0x10000u
#define X86_CR4_PCIDE      0x20000u
#define X86_CR4_OSXSAVE    0x40000u
#define X86_CR4_SMEP       0x100000u
#define X86_CR4_SMAP       0x200000u
#define X86_CR4_PKE        0x400000u

#define X86_XCR0_AVX  0x4u
#define X86_XCR0_PKRU 0x200u

#define X86_EFER_SCE   0x1u
#define X86_EFER_LME   0x100u
#define X86_EFER_LMA   0x400u
#define X86_EFER_NXE   0x800u
#define X86_EFER_FFXSR 0x4000u

/* -- TLB --------------------------------------------------------------------------------------- */
#define X86_PAGE_MASK  (~(uint64_t)0xfff)
#define X86_TLB_BITS   10
#define X86_TLB_SIZE   (1u << X86_TLB_BITS)
#define X86_LARGE_BITS 4096u
#define X86_FILLS      256u
#define X86_KEYED      64u
#define X86_ITLB_SIZE  256u
#define X86_PGC_SIZE   512u

/* Which set a data access uses. AC: supervisor with SMAP lifted. */
#define X86_SET_SUP    0u
#define X86_SET_USER   1u
#define X86_SET_SUP_AC 2u
#define X86_SETS       3u

/* Low bits of a tag: any of them makes the fast comparison fail. */
#define X86_TAG_SLOW    1u /* valid, but not plain memory */
#define X86_TAG_INVALID 2u

typedef struct X86TlbEnt {
    uint64_t rd;  /* linear page | X86_TAG_* for loads */
    uint64_t wr;  /* the same for stores */
    uint64_t add; /* host address = linear address + add */
    uint64_t gpa; /* guest-physical page | X86_TLBF_* */
} X86TlbEnt;

#define X86_TLBF_GLOBAL 1u
#define X86_TLBF_LARGE  2u
#define X86_TLBF_HVA    4u  /* loads may use add (on the slow path too) */
#define X86_TLBF_RAM    8u  /* stores may use add */
#define X86_TLBF_KEYED  16u /* PKRU had a say; the protection key is at X86_TLBF_KEY */
#define X86_TLBF_KEY    8u  /* shift */

typedef struct X86PageEnt { /* cached page_query() */
    uint64_t gpa;           /* ~0: empty */
    uint8_t *hva;
    uint32_t kind;
    uint32_t writable;
    uint32_t clean; /* page_dirty() before a direct store */
    uint32_t reserved0;
} X86PageEnt;

struct X86CodePage;
typedef struct X86ItlbEnt {
    uint64_t tag;             /* linear page, ~0: empty */
    uint64_t gpa;             /* guest-physical page | X86_TLBF_GLOBAL, LARGE */
    struct X86CodePage *page; /* NULL until first decoded from; checked against page_gen */
    uint64_t page_gen;
} X86ItlbEnt;

/* What is cached of the linear-address space of one PCID. Without PCIDs there is one, of PCID 0.
 * With them a MOV to CR3 is a change of a pointer; a PCID that has no bank gets the one that has
 * been out of use for longest. Global entries are kept in the bank that met them. */
#define X86_BANKS     8u
#define X86_PCID_NONE 0xffffu
typedef struct X86Bank {
    uint32_t pcid; /* X86_PCID_NONE: what it holds means nothing */
    /* entries that are not global, filled since the last flush; beyond X86_FILLS only counted */
    uint32_t fill_count;
    uint64_t used;
    uint64_t gen; /* of the jump-cache entries made under it */
    X86TlbEnt *fills[X86_FILLS];
    X86ItlbEnt itlb[2][X86_ITLB_SIZE];
    X86TlbEnt tlbs[X86_SETS][X86_TLB_SIZE];
} X86Bank;

/* -- decoded code ------------------------------------------------------------------------------ */
typedef struct X86Cpu X86Cpu;
typedef struct X86Insn X86Insn;
typedef struct X86Block X86Block;
typedef struct X86CodePage X86CodePage;

/* Executes *i and, at its end, the next instruction (i + 1) or block. 0: back to the run loop,
 * which finds out by itself what is next. */
typedef int (*X86Handler)(X86Cpu *c, const X86Insn *i);

struct X86Insn {
    X86Handler fn;
    union {
        uint64_t imm;
        const void *host; /* X86HostOp */
    };
    int64_t disp;   /* displacement; of relative branches: target - address of block */
    uint64_t amask; /* address-size mask; of near branches: instruction-pointer mask */
    uint8_t reg;    /* ModRM.reg operand: index into r, byte offset into r for bytes */
    uint8_t rm;     /* ModRM.rm operand when it is a register */
    uint8_t base, index, scale;
    uint8_t seg;
    uint8_t osz;  /* operand size in bytes */
    uint8_t idx;  /* position in the block */
    uint16_t off; /* first byte, from the block's first */
    uint16_t end; /* behind the last byte */
    uint16_t flags;
    uint16_t op; /* opcode byte (0x1xx: map 0F), condition, or what the handler wants */
};

/* X86Insn.flags */
#define X86_IF_END   0x1u /* ends the block */
#define X86_IF_MEM   0x2u /* ModRM names memory */
#define X86_IF_REP   0x4u /* F3 */
#define X86_IF_REPNE 0x8u /* F2 */
#define X86_IF_LOCK  0x10u
#define X86_IF_REX   0x20u /* a REX prefix: SPL.. instead of AH.. */
#define X86_IF_REXW  0x40u
#define X86_IF_66    0x80u
#define X86_IF_REL   0x100u /* relative branch: disp leads to the target */
#define X86_IF_SAME  0x200u /* ... which is in the block's own page */
#define X86_IF_FALL  0x400u /* the next instruction starts in the block's own page */
/* The same in 64-bit mode, where no limit has to be looked at. */
#define X86_IF_SAME64 0x800u
#define X86_IF_FALL64 0x1000u
#define X86_IF_PAIR   0x2000u /* fn executes the next instruction too: x86_fast.c */

#define X86_BLOCK_MAX 48u

struct X86Block {
    X86Block *hash_next;
    X86Block *next[2]; /* same-page successors: 0 not taken, 1 taken */
    X86CodePage *page; /* NULL when dead: insn[0] leaves, see x86_block_kill() */
    X86Block *dead_next;
    uint64_t page_gpa;
    uint64_t cross_gpa; /* page of the tail of a page-crossing instruction, or ~0 */
    uint32_t off;       /* in the page */
    uint32_t mode;
    uint32_t bytes;
    uint32_t n;
    uint32_t size_bytes;
    uint32_t in_dead;    /* in X86Cpu.dead, perhaps alive again */
    X86Handler first_fn; /* of insn[0], while the block is dead */
    X86Insn insn[];      /* n of them and one sentinel; behind them the bytes they came from */
};

#define X86_PAGE_BUCKETS 64u
struct X86CodePage {
    X86CodePage *hash_next;
    uint64_t gpa;
    const uint8_t *hva; /* what it was decoded from */
    uint64_t lines;     /* bit i: bytes [64 i, 64 i + 63] are covered by a block */
    X86Block *bucket[X86_PAGE_BUCKETS];
    uint64_t used;          /* bit k: bucket k is not empty */
    uint64_t cross_from[2]; /* other pages with blocks that end in this one; ~0: none */
    uint32_t idle_stores;   /* stores while no block was left */
    uint32_t reserved0;
};

/* X86Block.mode and X86Cpu.mode */
#define X86_MODE_16     0u
#define X86_MODE_32     1u
#define X86_MODE_64     2u
#define X86_MODE_CODE   3u
#define X86_MODE_SS32   4u
#define X86_MODE_SINGLE 8u
#define X86_MODE_LOCK   32u /* 80286: LOCK faults, CPL > IOPL (16 is in use where keys are made) */

typedef struct X86JcEnt { /* jump cache: linear address to block */
    uint64_t lin;
    uint64_t tag; /* x86_jc_tag() */
    X86Block *block;
} X86JcEnt;
#define X86_JC_SIZE 4096u

#define X86_PAGE_HASH 4096u
#define X86_KILLED    64u
#define X86_DEAD_MAX  (256u << 10) /* bytes of dead blocks that wait for a common end */

/* -- the machine and the vCPU ------------------------------------------------------------------ */
#define X86_MARK_TOP  4096u      /* GiB of guest-physical space that may hold cached code */
#define X86_MARK_LEAF (1u << 18) /* pages in a GiB */
#define X86_VCPUS_MAX 64u

typedef struct X86Range {
    uint64_t gpa, len;
} X86Range;

#define X86_REQ_RANGES 32u

typedef struct X86Vm {
    const viv_engine_host_t *host;
    uint32_t vcpu_count;
    /* How many vCPUs hold decoded code of a page; a leaf per GiB, made on demand. */
    _Atomic(uint16_t *) mark[X86_MARK_TOP];
    /* With several vCPUs: the 64-byte lines of a page that any of them may have decoded. */
    _Atomic(uint64_t *) lines[X86_MARK_TOP];
    pthread_mutex_t lock;       /* cpus[], leaf creation */
    pthread_mutex_t split_lock; /* locked accesses that the host's atomics cannot do */
    X86Cpu *cpus[X86_VCPUS_MAX];
} X86Vm;

typedef struct X86Exception {
    uint32_t vector;
    uint32_t error;
    bool has_error;
} X86Exception;

/* X86Cpu.slow: why the run loop must look, or go by single instructions. */
#define X86_SLOW_SHADOW 0x1u
#define X86_SLOW_TF     0x2u
#define X86_SLOW_BP     0x4u /* DR7 has instruction breakpoints */
#define X86_SLOW_DB     0x8u /* pending_db */
#define X86_SLOW_REQ    0x10u
#define X86_SLOW_EXIT   0x20u
#define X86_SLOW_RF     0x40u /* RFLAGS.RF is set: clear it after the next instruction */
#define X86_SLOW_VIP    0x80u /* a virtual interrupt is pending and not masked */
/* Those that make the next block a single instruction. */
#define X86_SLOW_STEP (X86_SLOW_SHADOW | X86_SLOW_TF | X86_SLOW_BP | X86_SLOW_RF)

/* X86Cpu.requests [any thread sets] */
#define X86_REQ_MAP      0x1u
#define X86_REQ_CODE     0x2u /* ranges[] */
#define X86_REQ_CODE_ALL 0x4u
#define X86_REQ_WTLB     0x8u /* drop fast store tags */

/* Private force flag: makes the engine look at requests. The host leaves alone what it did not
 * define. */
#define X86_FF_REQUEST 0x80000000u

#define X86_D1_XGETBV1 0x4u /* X86Features.d1_eax */

typedef struct X86Features {
    uint32_t l1_eax, l1_ebx, l1_ecx, l1_edx;
    uint32_t l7_ebx, l7_ecx, l7_edx;
    uint32_t d1_eax;
    uint32_t e1_ecx, e1_edx;
    uint64_t isa;    /* bit per X86Isa: see x86_isa.h */
    uint64_t units;  /* bit per X86HostFeature that the guest's CPU has */
    bool cpuid;      /* the instruction exists */
    bool intel;      /* by the vendor string: SYSCALL in 64-bit mode only */
    uint32_t family; /* viv_vcpu_t.cpu_family */
    uint32_t phys_bits;
    uint32_t lin_bits;
    uint64_t cr0_mask;   /* bits that exist */
    uint64_t cr4_mask;   /* bits that may be set; 0: there is no CR4 */
    uint64_t efer_mask;  /* the same */
    uint64_t flags_mask; /* RFLAGS bits that exist */
    uint64_t phys_mask;  /* bits of a page-table entry that hold an address */
    uint64_t lin_mask;   /* bits of a linear address outside 64-bit mode */
} X86Features;

typedef struct X86Stats { /* host counters, or local_count when statistics are off */
    uint64_t *blocks, *insns, *tlb_fills, *code_writes, *exceptions, *interrupts, *mmio;
} X86Stats;

struct X86Cpu {
    /* hot */
    uint64_t r[X86_REGS];
    uint64_t fz; /* ZF = (fz == 0) */
    int64_t fr;  /* SF = sign, PF = parity of the low byte */
    uint64_t fc; /* bit 63 CF, OF = bit 63 ^ bit 62, bit 3 AF */
    const X86Insn *cur;
    X86Block *blk;
    X86TlbEnt *tlb; /* of the set in use */
    uint64_t linmask;
    uint64_t segbase[8];
    int64_t seg_r[8]; /* highest offset that loads may touch without a closer look, or -1 */
    int64_t seg_w[8];
    uint64_t spmask;
    uint64_t icnt, istop;
    volatile uint32_t *ff;
    uint32_t ff_mask;
    uint32_t slow;
    uint64_t code_last; /* CS.limit, or ~0 in 64-bit mode, which has none */
    uint64_t jc_tag;
    uint32_t canon_shift; /* of a canonical address the bits from here on are equal */
    uint32_t mode;
    uint32_t cpl;
    uint32_t set;
    uint32_t link; /* 1 + index of blk->next[] to be set to the block that is found next, or 0 */
    uint32_t host_gate; /* bit per X86_HOST_CLASS_*: such an instruction needs a closer look */

    viv_cpu_t *s;
    viv_vcpu_t *v;
    const viv_engine_host_t *h;
    X86Vm *vm;

    /* leaving a block early */
    X86Block *brk_blk;
    X86Handler brk_fn;
    uint32_t brk_idx;

    /* exceptions */
    X86Exception exc;
    bool exc_pending;
    bool soft_int;      /* delivering INT n: EXT stays clear */
    int32_t delivering; /* vector that is being delivered, or -1 */
    uint32_t exit_reason;
    uint32_t pauses;
    jmp_buf jb;

    bool loaded;
    bool ac_check; /* CR0.AM, EFLAGS.AC, CPL 3 */
    bool tf;       /* a single-step trap will follow the current instruction */
    bool dr_data;  /* DR7 has data or I/O breakpoints */
    bool in_run;
    bool units_said; /* warned of units that the host lacks */
    bool ferr;       /* level of FERR# */
    bool x87_es;     /* FSW.ES, as host_gate knows it */
    bool rmw_wraps;  /* 8086: rmw_lin is the base of the segment whose last byte it begins with */
    const char *error;
    /* debug exceptions that were pending in front of the current instruction (behind MOV SS): those
     * that it adds itself are forgotten when it faults */
    uint32_t db_held;

    /* read-modify-write on the slow path */
    uint64_t rmw_lin;

    /* paging derived state */
    X86Bank *bank; /* of the current PCID */
    uint64_t bank_clock, bank_gen;
    /* 2 MiB regions (hashed) that pieces of large pages have been entered from, since the last
     * full flush */
    uint64_t large[X86_LARGE_BITS / 64];
    /* PKRU that the TLB goes by, and the entries under a key other than 0; beyond X86_KEYED only
     * counted */
    uint32_t pkru;
    uint32_t keyed_count;
    X86TlbEnt *keyed[X86_KEYED];

    /* other threads' requests */
    _Atomic uint32_t requests;
    _Atomic uint32_t in_guest; /* may touch memory by its TLB */
    _Atomic uint32_t wtlb_req, wtlb_ack;
    pthread_mutex_t req_lock;
    X86Range ranges[X86_REQ_RANGES];
    uint32_t range_count;

    X86Features feat;
    X86Stats stats;
    uint64_t local_count;

    /* code cache */
    X86Block *dead; /* the jump cache may still lead to them */
    uint64_t dead_bytes;
    uint64_t kills;
    X86Block *killed[X86_KILLED]; /* by place and mode: may live again, see x86_block_revive() */
    X86Block *scratch;            /* uncached instruction */
    uint64_t page_gen;            /* ITLB page pointers of another generation are stale */
    uint64_t cache_bytes, cache_limit;
    void *host_cache; /* X86HostCache */
    void *decoder[3]; /* Zydis decoders, by X86_MODE_CODE */
    X86CodePage *pages[X86_PAGE_HASH];

    X86PageEnt pgc[X86_PGC_SIZE];
    X86JcEnt jc[X86_JC_SIZE];
    X86Bank banks[X86_BANKS];
    X86TlbEnt tlb_none[X86_TLB_SIZE]; /* always invalid: alignment checks, every access slow */
    _Alignas(64) uint8_t bounce[4096];
};

/* -- x86_cpu.c: life cycle, state in and out --------------------------------------------------- */
viv_status_t x86_vm_create(const viv_engine_host_t *host, uint32_t vcpu_count, X86Vm **ret_vm);
void x86_vm_destroy(X86Vm *vm);
viv_status_t x86_cpu_create(X86Vm *vm, viv_vcpu_t *vcpu, X86Cpu **ret_cpu);
void x86_cpu_destroy(X86Cpu *c);
void x86_state_loaded(X86Cpu *c);
void x86_load(X86Cpu *c);        /* canonical state to working state */
void x86_sync(X86Cpu *c);        /* working state to canonical state, of the current instruction */
void x86_mode_update(X86Cpu *c); /* after a change of CS, SS, CPL, CR0, CR4, EFER */
void x86_segs_update(X86Cpu *c); /* derived bases and limits */
void x86_set_update(X86Cpu *c);  /* after a change of CPL, AC */
uint32_t x86_set_of(const X86Cpu *c, uint32_t cpl); /* for explicit accesses at a level */
void x86_ff_update(X86Cpu *c);      /* after a change of IF, NMI blocking, TF, DR7, shadow */
void x86_host_call_done(X86Cpu *c); /* after a host call: look at what it may have changed */
void x86_features_load(X86Cpu *c);

/* -- x86_op_host.c ----------------------------------------------------------------------------- */
void x86_host_gate_update(X86Cpu *c); /* after a change of CR0, CR4, XCR0, mode, CPL, FSW.ES */
void x86_host_ferr(X86Cpu *c);        /* after a change of CR0.NE, FSW.ES */

/* -- x86_run.c --------------------------------------------------------------------------------- */
uint32_t x86_run(X86Cpu *c);                      /* VIV_EXIT_* */
int x86_leave_at(X86Cpu *c, const X86Insn *i);    /* leave the block in front of i; returns 0 */
int x86_leave_after(X86Cpu *c, const X86Insn *i); /* leave the block behind i; returns 0 */
void x86_break_after(X86Cpu *c);                  /* leave the block behind c->cur */
void x86_break_restore(X86Cpu *c);
int x86_op_sentinel(X86Cpu *c, const X86Insn *i);
int x86_op_dead(X86Cpu *c, const X86Insn *i); /* first of a block that is no more */

/* -- x86_exc.c --------------------------------------------------------------------------------- */
_Noreturn void x86_raise(X86Cpu *c, uint32_t vector,
                         uint32_t error); /* knows who has an error code */
_Noreturn void x86_raise_pf(X86Cpu *c, uint64_t lin, uint32_t error);
/* As above from a handler that has not set c->cur. */
int x86_fault(X86Cpu *c, const X86Insn *i, uint32_t vector, uint32_t error);
void x86_exc_deliver(X86Cpu *c);
uint64_t x86_cur_pc(const X86Cpu *c);  /* of the instruction in execution */
uint64_t x86_next_pc(const X86Cpu *c); /* behind it */

/* -- x86_mem.c, x86_tlb.c, x86_paging.c -------------------------------------------------------- */
#define X86_ACC_R 0u
#define X86_ACC_W 1u
#define X86_ACC_X 2u

typedef struct X86Walk {
    uint64_t gpa;  /* of the page */
    bool write_ok; /* a store needs no further look at the page tables */
    bool global, large;
    bool huge;  /* larger than 4 MiB */
    bool keyed; /* PKRU counts */
    uint32_t key;
} X86Walk;

void x86_walk(X86Cpu *c, uint64_t lin, uint32_t access, uint32_t set, X86Walk *ret_walk);
void x86_walk_try(X86Cpu *c, uint64_t lin, uint32_t access, uint32_t set);
bool x86_pdptes_load(X86Cpu *c, uint64_t cr3); /* false: a reserved bit is set */
void x86_paging_load(X86Cpu *c);               /* canonical state has been loaded */
const X86PageEnt *x86_page(X86Cpu *c, uint64_t gpa);
/* The same for a store: where a log of written pages is kept, it is in there. */
const X86PageEnt *x86_page_store(X86Cpu *c, uint64_t gpa);
void x86_phys_read(X86Cpu *c, uint64_t gpa, void *buf, uint32_t len);
void x86_phys_write(X86Cpu *c, uint64_t gpa, const void *buf, uint32_t len);

X86TlbEnt *x86_tlb_get(X86Cpu *c, uint64_t lin, bool write, uint32_t set);
void x86_tlb_try(X86Cpu *c, uint64_t lin, bool write, uint32_t set); /* faults, fills nothing */
void x86_tlb_flush(X86Cpu *c);                                       /* everything, of all PCIDs */
void x86_tlb_flush_pcid(X86Cpu *c, uint32_t pcid);                   /* all but global entries */
void x86_tlb_flush_pcids(X86Cpu *c);                                 /* the same, of all PCIDs */
void x86_tlb_invlpg(X86Cpu *c, uint64_t lin); /* of the current PCID, and global ones */
void x86_tlb_invlpg_pcid(X86Cpu *c, uint64_t lin, uint32_t pcid);
void x86_tlb_select(X86Cpu *c); /* after a change of the PCID */
uint32_t x86_pcid(const X86Cpu *c);
void x86_jc_drop(X86Cpu *c);                            /* the jump cache forgets everything */
void x86_pkru_update(X86Cpu *c);                        /* after a change of PKRU */
void x86_tlb_drop_writes(X86Cpu *c, uint64_t gpa_page); /* ~0: all */
void x86_map_changed(X86Cpu *c);
uint64_t x86_fetch_gpa(X86Cpu *c, uint64_t lin, X86ItlbEnt **ret_ent); /* raises #PF, #GP */

uint64_t x86_ld_slow(X86Cpu *c, uint32_t seg, uint64_t ea, uint32_t n);
void x86_st_slow(X86Cpu *c, uint32_t seg, uint64_t ea, uint64_t v, uint32_t n);
uint64_t x86_rmw_slow(X86Cpu *c, uint32_t seg, uint64_t ea, uint32_t n);
void x86_rmw_probe(X86Cpu *c, uint32_t seg, uint64_t ea, uint32_t n);
bool x86_split_lock(X86Cpu *c, uint32_t seg, uint64_t ea, uint32_t n);
void x86_split_unlock(X86Cpu *c, bool locked);
void x86_rmw_done(X86Cpu *c, uint64_t v, uint32_t n);
void x86_seg_check(X86Cpu *c, uint32_t seg, uint64_t ea, uint32_t n, bool write);
/* #AC of operands that are not accessed as one of 2, 4 or 8 bytes; the others check by themselves. */
void x86_align_check(X86Cpu *c, uint32_t seg, uint64_t ea, uint32_t n);
/* Checks a range for an access without doing it; raises what the access would. */
void x86_probe(X86Cpu *c, uint32_t seg, uint64_t ea, uint32_t n, bool write);
void x86_ld_bytes(X86Cpu *c, uint32_t seg, uint64_t ea, void *buf, uint32_t n);
void x86_st_bytes(X86Cpu *c, uint32_t seg, uint64_t ea, const void *buf, uint32_t n);
/* By linear address, with a given set (system tables: X86_SET_SUP). */
void x86_lin_read(X86Cpu *c, uint64_t lin, void *buf, uint32_t n, uint32_t set);
void x86_lin_write(X86Cpu *c, uint64_t lin, const void *buf, uint32_t n, uint32_t set);
void x86_lin_probe(X86Cpu *c, uint64_t lin, uint32_t n, bool write, uint32_t set);
/* Host memory behind a whole range within one page, or NULL. */
uint8_t *x86_direct(X86Cpu *c, uint32_t seg, uint64_t ea, uint32_t n, bool write);
void x86_data_bp_check(X86Cpu *c, uint64_t lin, uint32_t n, bool write);

/* -- x86_block.c ------------------------------------------------------------------------------- */
X86Block *x86_block_find(X86Cpu *c, uint32_t mode);
X86Block *x86_block_wrapped(X86Cpu *c, uint32_t mode);
void x86_code_store(X86Cpu *c, uint64_t gpa,
                    uint32_t n); /* a store of ours went to a page with code */
void x86_code_drop_page(X86Cpu *c, uint64_t gpa_page);
void x86_code_drop_all(X86Cpu *c);
void x86_code_free_dead(X86Cpu *c);
bool x86_code_marked(const X86Vm *vm, uint64_t gpa);
void x86_requests_do(X86Cpu *c);
void x86_code_written(X86Vm *vm, uint64_t gpa, uint64_t len);

/* -- x86_quiet.c ------------------------------------------------------------------------------- */
void x86_quiet_init(void);
/* Gives the instructions of a block handlers that make only those flags that may be seen. */
void x86_quiet_block(X86Insn *insn, uint32_t n);

/* The handler without flags in place of loud, or NULL. */
X86Handler x86_quiet_of(X86Handler loud);

/* -- x86_fast.c -------------------------------------------------------------------------------- */
void x86_fast_init(void); /* behind x86_quiet_init() */
/* Flat addresses and pairs of instructions, behind x86_quiet_block(). Takes a block's instructions
 * but once; x86_fast_undo() comes before x86_quiet_block() and this look at it again. */
void x86_fast_block(X86Insn *insn, uint32_t n);
void x86_fast_undo(X86Insn *insn, uint32_t n);

/* -- x86_decode.c ------------------------------------------------------------------------------ */
/* Decodes one instruction from at most avail bytes. Returns its length; 0: needs more bytes. What
 * is not an instruction becomes one that raises the exception. */
uint32_t x86_decode(X86Cpu *c, uint32_t mode, const uint8_t *bytes, uint32_t avail, uint32_t off,
                    X86Insn *i);
bool x86_decode_init(X86Cpu *c);
void x86_decode_vendor(X86Cpu *c); /* after a change of the model */
void x86_decode_finish(X86Cpu *c);

/* -- x86_seg.c --------------------------------------------------------------------------------- */
typedef struct X86Desc {
    uint64_t base;
    uint32_t limit;
    uint32_t attr;
    uint32_t lo, hi;
    uint64_t lin; /* where it was read */
} X86Desc;

#define X86_DESC_DPL(d)  (((d)->attr >> 5) & 3u)
#define X86_DESC_TYPE(d) ((d)->attr & 0x1fu) /* with S */

bool x86_desc_read(X86Cpu *c, uint32_t sel,
                   X86Desc *ret_desc); /* false: null or beyond the table */
void x86_desc_parse(uint32_t lo, uint32_t hi, X86Desc *d);
void x86_desc_upper(X86Cpu *c, X86Desc *d, uint32_t sel,
                    uint32_t vector); /* 16-byte system descriptors */
void x86_desc_set_accessed(X86Cpu *c, X86Desc *d);
void x86_seg_load(X86Cpu *c, uint32_t seg, uint32_t sel);      /* MOV, POP, LxS */
void x86_seg_load_real(X86Cpu *c, uint32_t seg, uint32_t sel); /* real and V86 */
void x86_seg_commit(X86Cpu *c, uint32_t seg, uint32_t sel, const X86Desc *d);
void x86_seg_null(X86Cpu *c, uint32_t seg, uint32_t sel);
void x86_ss_check(X86Cpu *c, uint32_t sel, uint32_t cpl, X86Desc *ret_desc, uint32_t vector);
void x86_cs_commit(X86Cpu *c, uint32_t sel, X86Desc *d, uint32_t cpl);

/* -- x86_far.c, x86_int.c, x86_iret.c, x86_task.c ---------------------------------------------- */
void x86_far_jump(X86Cpu *c, uint32_t sel, uint64_t off, uint32_t osz);
void x86_far_call(X86Cpu *c, uint32_t sel, uint64_t off, uint32_t osz);
void x86_far_ret(X86Cpu *c, uint32_t osz, uint32_t pop_bytes);
void x86_iret(X86Cpu *c, uint32_t osz);
#define X86_INT_EXC   0u /* exception, with error code or not */
#define X86_INT_EXT   1u /* external interrupt or NMI */
#define X86_INT_SOFT  2u /* INT n */
#define X86_INT_SOFT3 3u /* INT3, INTO */
#define X86_INT_ICEBP 4u
void x86_interrupt(X86Cpu *c, uint32_t vector, uint32_t kind, bool has_error, uint32_t error);
#define X86_TASK_JMP  0u
#define X86_TASK_CALL 1u
#define X86_TASK_IRET 2u
#define X86_TASK_INT  3u
/* fl: the flags image to save */
void x86_task_switch(X86Cpu *c, uint32_t sel, X86Desc *tss, uint32_t kind, uint64_t fl,
                     bool has_error, uint32_t error);
void x86_tss_stack(X86Cpu *c, uint32_t dpl, uint32_t *ret_ss, uint64_t *ret_esp);
uint64_t x86_tss_ist(X86Cpu *c, uint32_t off);
void x86_set_rflags(X86Cpu *c, uint64_t value, uint64_t mask);
void x86_branch_done(X86Cpu *c, uint64_t pc); /* far transfer: new pc, out of the block */

/* -- x86_sys.c, x86_msr.c ---------------------------------------------------------------------- */
void x86_cr0_write(X86Cpu *c, uint64_t v);
void x86_cr3_write(X86Cpu *c, uint64_t v);
void x86_cr4_write(X86Cpu *c, uint64_t v);
void x86_dr_set(X86Cpu *c, uint32_t n, uint64_t v); /* with all that hangs on it */
void x86_io_check(X86Cpu *c, uint32_t port, uint32_t width);
void x86_io_bp_check(X86Cpu *c, uint32_t port, uint32_t width);
uint64_t x86_msr_read(X86Cpu *c, uint32_t msr);
void x86_msr_write(X86Cpu *c, uint32_t msr, uint64_t v);

static inline bool x86_real_or_v86(const X86Cpu *c)
{
    return !(c->s->cr0 & X86_CR0_PE) || (c->s->rflags & X86_FL_VM);
}

static inline bool x86_v86(const X86Cpu *c)
{
    return (c->s->rflags & X86_FL_VM) != 0;
}

static inline bool x86_code64(const X86Cpu *c)
{
    return (c->mode & X86_MODE_CODE) == X86_MODE_64;
}

static inline bool x86_long(const X86Cpu *c)
{
    return (c->s->efer & X86_EFER_LMA) != 0;
}

/* By the paging mode in force: addresses that are used. */
static inline bool x86_canonical(const X86Cpu *c, uint64_t lin)
{
    return (uint64_t)((int64_t)lin >> c->canon_shift) + 1 <= 1;
}

/* By what the processor has: addresses that are loaded into registers (bases of segments and tables,
 * MSRs) or name a translation to be dropped, whatever CR4.LA57. */
static inline bool x86_canonical_reg(const X86Cpu *c, uint64_t lin)
{
    return (uint64_t)((int64_t)lin >> (c->feat.lin_bits - 1)) + 1 <= 1;
}

/* What a jump-cache entry must have been made under. */
static inline uint64_t x86_jc_tag(const X86Cpu *c, uint32_t mode)
{
    return c->bank->gen << 6 | mode | (c->cpl == 3) << 4;
}

#endif
