/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* host: the host's own CPU as the judge of an engine. The same bytes run on both from the same
 * registers and memory, at CPL 3, until an exception; then everything a program can see must be
 * equal: the exception with its error code and CR2, registers, flags, FPU and vector state, memory.
 * An INT3 behind the instruction is the exception of one that went well.
 *
 *   host_native.c  runs bytes on the host: a signal frame holds the state before and after
 *   host_guest.c   runs them on an engine, in a guest that looks like a process of the host's
 *   host_forms.c   finds every encoding by walking the opcode maps through Zydis
 *   host_case.c    makes bytes, registers and memory of a case from a form and a random number
 *   host_table.c   what is undefined, what cannot be compared and why
 *   host_check.c   runs a case on both sides and compares
 *   test_native.c, fuzz_native.c  the two programs
 *
 * Linear addresses that exist on both sides are in host_regions[]; around each is nothing. */
#ifndef HOST_H
#define HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <Zydis/Zydis.h>

#include "rig.h"

#define HOST_CF    0x1u
#define HOST_PF    0x4u
#define HOST_AF    0x10u
#define HOST_ZF    0x40u
#define HOST_SF    0x80u
#define HOST_TF    0x100u
#define HOST_DF    0x400u
#define HOST_OF    0x800u
#define HOST_AC    0x40000u
#define HOST_ID    0x200000u
#define HOST_ARITH (HOST_CF | HOST_PF | HOST_AF | HOST_ZF | HOST_SF | HOST_OF)

#define HOST_VECTOR_BP 3u
#define HOST_VECTOR_UD 6u
#define HOST_VECTOR_GP 13u
#define HOST_VECTOR_PF 14u

/* -- state ------------------------------------------------------------------------------------- */
#define HOST_XSAVE     832u /* legacy region, header, AVX */
#define HOST_XSAVE_FCW 0u
#define HOST_XSAVE_FSW 2u
#define HOST_XSAVE_FTW 4u
#define HOST_XSAVE_FOP 6u
#define HOST_XSAVE_MX  24u /* MXCSR */
#define HOST_XSAVE_ST  32u
#define HOST_XSAVE_XMM 160u
#define HOST_XSAVE_BV  512u
#define HOST_XSAVE_YMM 576u

typedef struct HostState {
    uint64_t gpr[16];
    uint64_t rip, rflags;
    uint64_t base[2]; /* FS, GS */
    uint16_t sel[6];  /* in encoding order */
    /* how it ended */
    uint32_t vector, error;
    uint64_t cr2;
    _Alignas(64) uint8_t xsave[HOST_XSAVE];
} HostState;

/* Selectors as Linux has them; the guest's table holds the same. */
#define HOST_CS64 0x33u
#define HOST_CS32 0x23u
#define HOST_DS   0x2bu

typedef struct HostRegion {
    uint64_t lin;
    uint32_t bytes;
    bool write, exec;
    bool optional; /* the host may refuse it: below vm.mmap_min_addr */
    uint8_t *native, *guest;
} HostRegion;

#define HOST_LOW    0x8000u /* for 16-bit addresses */
#define HOST_CODE   0x400000u
#define HOST_DATA   0x10000000u
#define HOST_CONST  0x10004000u /* read-only, right behind */
#define HOST_MORE   0x10006000u
#define HOST_STACK  0x20000000u
#define HOST_FSBASE 0x10000800u
#define HOST_GSBASE 0x10001800u

typedef enum HostRegionId {
    HOST_REGION_CODE,
    HOST_REGION_DATA,
    HOST_REGION_CONST,
    HOST_REGION_MORE,
    HOST_REGION_STACK,
    HOST_REGION_LOW,
    HOST_REGIONS
} HostRegionId;

extern HostRegion host_regions[HOST_REGIONS];

/* -- the two sides ----------------------------------------------------------------------------- */
/* NULL, or why this host cannot be a judge. */
const char *host_native_create(void);
void host_native_code(uint64_t lin, const uint8_t *bytes, size_t len);
void host_native_run(const HostState *in, HostState *ret_out);

/* The arguments are rig_create()'s. */
Rig *host_guest_create(const char *plugin, const viv_engine_class_t *linked);
void host_guest_code(Rig *rig, uint64_t lin, const uint8_t *bytes, size_t len);
/* False: the engine did not come to an exception; ret_out->vector is the exit reason. */
bool host_guest_run(Rig *rig, const HostState *in, HostState *ret_out);

/* -- random numbers ---------------------------------------------------------------------------- */
extern uint64_t host_rng_state;

static inline uint64_t host_rng(void)
{
    uint64_t z = host_rng_state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static inline uint32_t host_rng_below(uint32_t n)
{
    return (uint32_t)((host_rng() >> 32) * n >> 32);
}

static inline bool host_chance(uint32_t percent)
{
    return host_rng_below(100) < percent;
}

/* -- forms ------------------------------------------------------------------------------------- */
typedef struct HostForm {
    uint8_t map; /* 0 one byte, 1 0F, 2 0F38, 3 0F3A */
    uint8_t pp;  /* 0, 1 66, 2 F3, 3 F2 */
    uint8_t opcode;
    bool vex, w, l, modrm, mem;
    uint8_t reg, rm; /* masks of the ModRM fields that give this mnemonic */
    bool mode32;
    uint16_t mnemonic; /* ZydisMnemonic; INVALID: refused by Zydis */
    uint16_t isa;
} HostForm;

typedef struct HostForms {
    HostForm *form;
    uint32_t count, room;
    uint8_t mnemonics[2][(ZYDIS_MNEMONIC_MAX_VALUE + 8) / 8]; /* by mode32 */
} HostForms;

extern ZydisDecoder host_decoder[2]; /* by mode32 */
bool host_forms_create(HostForms *forms);
void host_forms_destroy(HostForms *forms);

/* -- cases ------------------------------------------------------------------------------------- */
#define HOST_CASE_BYTES 256u
#define HOST_INSN_MAX   16u /* instructions of a case */
#define HOST_INSN_BYTES 16u

typedef struct HostInsn {
    const HostForm *form;
    bool valid; /* Zydis knows it */
    uint8_t bytes[HOST_INSN_BYTES];
    uint32_t len, at; /* where it begins in the case's bytes */
    ZydisDecodedInstruction z;
    ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
} HostInsn;

typedef struct HostCase {
    uint64_t seed;
    bool mode32, sequence;
    uint32_t count;
    HostInsn insn[HOST_INSN_MAX];
    uint64_t rip;
    uint8_t bytes[HOST_CASE_BYTES];
    uint32_t len;
    uint32_t undefined;        /* flags of a sequence, at its end */
    uint32_t undefined_before; /* anywhere in it */
    HostState in;
} HostCase;

/* EVEX, XOP, 3DNow!. False: it became another encoding. */
bool host_case_foreign(HostCase *t);
/* From host_rng(), by the case's seed. False: not to be run on the host. */
bool host_case_one(HostCase *t, const HostForm *form);
bool host_case_sequence(HostCase *t, const HostForms *forms, bool mode32);
uint64_t host_case_address(const HostCase *t, const HostInsn *i, const ZydisDecodedOperand *op);

/* -- tables ------------------------------------------------------------------------------------ */
typedef enum HostUse {
    HOST_USE_COMPARE,
    HOST_USE_GUEST_UD, /* a feature that the guest lacks: #UD there, not run on the host */
    HOST_USE_LEFT_OUT
} HostUse;

bool host_tables_create(Rig *rig);
/* How an instruction is treated; *ret_reason why, if not compared. */
HostUse host_use(const HostInsn *insn, bool mode32, const char **ret_reason);
/* Why a mnemonic need not have run without a fault, or NULL. */
const char *host_uncovered_reason(ZydisMnemonic mnemonic, bool mode32);
bool host_is_shift(ZydisMnemonic mnemonic);
uint32_t host_undefined_flags(const HostInsn *insn, const HostState *in);
/* Takes out of *native and *guest what is undefined after the instruction; the same for memory. */
void host_undefined_state(const HostCase *t, HostState *native, HostState *guest);
void host_undefined_memory(const HostCase *t);
/* JMP, CALL, RET far, IRET; far pointers: LDS and its kin too. */
bool host_is_far(const HostInsn *insn, bool pointers);
/* The whole outcome is the implementation's affair. */
bool host_undefined_outcome(const HostCase *t, const HostState *native, const HostState *guest);

/* -- checking ---------------------------------------------------------------------------------- */
typedef struct HostStats {
    uint64_t cases, instructions, faults, sequences, guest_only;
    uint32_t done[2][ZYDIS_MNEMONIC_MAX_VALUE + 1]; /* executed without a fault, by mode32 */
    uint64_t vectors[32];
} HostStats;

/* Runs a case on both sides. False: they differ, which has been said on stderr. */
bool host_check(Rig *rig, const HostCase *t, HostStats *stats);
bool host_check_guest_ud(Rig *rig, const HostCase *t, HostStats *stats);
/* The form with the seed, alone. */
bool host_try(Rig *rig, const HostForms *forms, uint32_t form, uint64_t seed, HostStats *stats);
/* EVEX, XOP or 3DNow!, of which no model has any: #UD. */
bool host_try_foreign(Rig *rig, uint64_t seed, HostStats *stats);
bool host_try_sequence(Rig *rig, const HostForms *forms, bool mode32, uint64_t seed,
                       HostStats *stats);

#endif
