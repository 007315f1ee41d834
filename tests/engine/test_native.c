/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every form of the general-register instructions, with random operands, on an engine in 64-bit
 * mode and on the host's own CPU: registers, defined flags and memory must come out equal.
 *
 * The instruction runs natively in a page of generated code between loads and stores of all
 * registers. Memory operands are at the same linear address on both sides. #DE is compared too.
 * Seeds are fixed. */
#include <check.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "rig.h"

#define DATA       0x10000000u /* memory operand and stack, on both sides */
#define DATA_BYTES 0x2000u
#define STATE      0x20000000u /* native register images */
#define CODE       0x100000u   /* guest code */

#define CF    0x1u
#define PF    0x4u
#define AF    0x10u
#define ZF    0x40u
#define SF    0x80u
#define OF    0x800u
#define DF    0x400u
#define ARITH (CF | PF | AF | ZF | SF | OF)

typedef struct State {
    uint64_t in[16], in_flags, pad0[15];
    uint64_t out[16], out_flags, pad1[15];
    uint64_t rsp;
} State;

/* -- the native side --------------------------------------------------------------------------- */
static State *state;
static uint8_t *data, *stub;
static sigjmp_buf trap_back;
static volatile int trap_signal;

static void native_trap(int sig)
{
    trap_signal = sig;
    siglongjmp(trap_back, 1);
}

static uint8_t *emit_abs(uint8_t *p, int rex_r, uint8_t opcode, uint32_t reg, uint32_t addr)
{
    *p++ = (uint8_t)(0x48 | (rex_r ? 4 : 0));
    *p++ = opcode;
    *p++ = (uint8_t)(4 | (reg & 7) << 3);
    *p++ = 0x25;
    memcpy(p, &addr, 4);
    return p + 4;
}

static uint8_t *emit(uint8_t *p, const char *bytes, size_t n)
{
    memcpy(p, bytes, n);
    return p + n;
}

static void native_setup(void)
{
    stack_t alt = {.ss_sp = malloc(65536), .ss_size = 65536};
    struct sigaction sa = {.sa_handler = native_trap, .sa_flags = SA_ONSTACK | SA_NODEFER};
    ck_assert_ptr_nonnull(alt.ss_sp);
    state = mmap((void *)(uintptr_t)STATE, sizeof(State), PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    data = mmap((void *)(uintptr_t)DATA, DATA_BYTES, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    stub = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_eq(state, (void *)(uintptr_t)STATE);
    ck_assert_ptr_eq(data, (void *)(uintptr_t)DATA);
    ck_assert_ptr_ne(stub, MAP_FAILED);
    sigaltstack(&alt, NULL);
    sigaction(SIGFPE, &sa, NULL);
    sigaction(SIGILL, &sa, NULL);
    sigaction(SIGSEGV, &sa, NULL);
}

/* 0, or the signal that the instruction got. */
static int native_run(const uint8_t *insn, size_t len)
{
    uint8_t *p = stub;
    uint32_t k, at;
    p = emit(p, "\x53\x55\x41\x54\x41\x55\x41\x56\x41\x57", 10);
    p = emit_abs(p, 0, 0x89, 4, STATE + offsetof(State, rsp));
    at = STATE + offsetof(State, in_flags);
    p = emit(p, "\xff\x34\x25", 3);
    memcpy(p, &at, 4);
    p = emit(p + 4, "\x9d", 1);
    for (k = 0; k < 16; k++)
        p = emit_abs(p, k >= 8, 0x8b, k, STATE + (uint32_t)offsetof(State, in) + k * 8);
    memcpy(p, insn, len);
    p += len;
    for (k = 0; k < 16; k++)
        p = emit_abs(p, k >= 8, 0x89, k, STATE + (uint32_t)offsetof(State, out) + k * 8);
    p = emit_abs(p, 0, 0x8b, 4, STATE + offsetof(State, rsp));
    at = STATE + offsetof(State, out_flags);
    p = emit(p, "\x9c\x8f\x04\x25", 4);
    memcpy(p, &at, 4);
    p = emit(p + 4, "\xfc\x41\x5f\x41\x5e\x41\x5d\x41\x5c\x5d\x5b\xc3", 12);
    trap_signal = 0;
    if (sigsetjmp(trap_back, 1) == 0)
        ((void (*)(void))(uintptr_t)stub)();
    return trap_signal;
}

/* -- the forms --------------------------------------------------------------------------------- */
#define OP_MODRM  1u
#define OP_IMM8   2u
#define OP_IMMZ   4u    /* 16 or 32 bits by operand size */
#define OP_BYTE   8u    /* 8-bit operation: no 66, REX.W without meaning */
#define OP_REG    0x10u /* register form only */
#define OP_MEM    0x20u
#define OP_EXT    0x40u /* ModRM.reg is fixed: ext */
#define OP_SHIFT  0x80u
#define OP_NO66   0x100u
#define OP_VEX    0x200u  /* bytes hold map and pp: C4 form made by hand */
#define OP_SMALL  0x400u  /* rCX small: string counts */
#define OP_LOCK   0x800u  /* may carry LOCK with memory */
#define OP_BITOFF 0x1000u /* bit offset in a register must stay within memory */
#define OP_NOW    0x2000u
#define OP_ALIGN  0x4000u /* memory operand at a multiple of 16 */

typedef struct Form {
    const char *name;
    const char *bytes; /* opcode after prefixes; F2/F3/66 mandatory prefix first */
    uint8_t len, ext;
    uint32_t flags;
    uint32_t undefined; /* RFLAGS bits */
} Form;

#define F(name, bytes, fl, undef)                                                                  \
    {                                                                                              \
        name, bytes, sizeof(bytes) - 1, 0, fl, undef                                               \
    }
#define FX(name, bytes, ext, fl, undef)                                                            \
    {                                                                                              \
        name, bytes, sizeof(bytes) - 1, ext, (fl) | OP_EXT | OP_MODRM, undef                       \
    }

static const Form forms[] = {
#define ALU6(name, b0, b1, b2, b3, b4, b5, undef, lock)                                            \
    F(name " Eb,Gb", b0, OP_MODRM | OP_BYTE | lock, undef),                                        \
        F(name " Ev,Gv", b1, OP_MODRM | lock, undef),                                              \
        F(name " Gb,Eb", b2, OP_MODRM | OP_BYTE, undef), F(name " Gv,Ev", b3, OP_MODRM, undef),    \
        F(name " AL,Ib", b4, OP_IMM8 | OP_BYTE, undef), F(name " eAX,Iz", b5, OP_IMMZ, undef)
    ALU6("add", "\x00", "\x01", "\x02", "\x03", "\x04", "\x05", 0, OP_LOCK),
    ALU6("or", "\x08", "\x09", "\x0a", "\x0b", "\x0c", "\x0d", AF, OP_LOCK),
    ALU6("adc", "\x10", "\x11", "\x12", "\x13", "\x14", "\x15", 0, OP_LOCK),
    ALU6("sbb", "\x18", "\x19", "\x1a", "\x1b", "\x1c", "\x1d", 0, OP_LOCK),
    ALU6("and", "\x20", "\x21", "\x22", "\x23", "\x24", "\x25", AF, OP_LOCK),
    ALU6("sub", "\x28", "\x29", "\x2a", "\x2b", "\x2c", "\x2d", 0, OP_LOCK),
    ALU6("xor", "\x30", "\x31", "\x32", "\x33", "\x34", "\x35", AF, OP_LOCK),
    ALU6("cmp", "\x38", "\x39", "\x3a", "\x3b", "\x3c", "\x3d", 0, 0),
#define GRP1(n, ext, undef, lock)                                                                  \
    FX(n " Eb,Ib", "\x80", ext, OP_IMM8 | OP_BYTE | lock, undef),                                  \
        FX(n " Ev,Iz", "\x81", ext, OP_IMMZ | lock, undef),                                        \
        FX(n " Ev,Ib", "\x83", ext, OP_IMM8 | lock, undef)
    GRP1("add", 0, 0, OP_LOCK),
    GRP1("or", 1, AF, OP_LOCK),
    GRP1("adc", 2, 0, OP_LOCK),
    GRP1("sbb", 3, 0, OP_LOCK),
    GRP1("and", 4, AF, OP_LOCK),
    GRP1("sub", 5, 0, OP_LOCK),
    GRP1("xor", 6, AF, OP_LOCK),
    GRP1("cmp", 7, 0, 0),
    F("test Eb,Gb", "\x84", OP_MODRM | OP_BYTE, AF),
    F("test Ev,Gv", "\x85", OP_MODRM, AF),
    F("test AL,Ib", "\xa8", OP_IMM8 | OP_BYTE, AF),
    F("test eAX,Iz", "\xa9", OP_IMMZ, AF),
    F("xchg Eb,Gb", "\x86", OP_MODRM | OP_BYTE, 0),
    F("xchg Ev,Gv", "\x87", OP_MODRM, 0),
    F("mov Eb,Gb", "\x88", OP_MODRM | OP_BYTE, 0),
    F("mov Ev,Gv", "\x89", OP_MODRM, 0),
    F("mov Gb,Eb", "\x8a", OP_MODRM | OP_BYTE, 0),
    F("mov Gv,Ev", "\x8b", OP_MODRM, 0),
    F("lea", "\x8d", OP_MODRM | OP_MEM, 0),
    F("movsxd", "\x63", OP_MODRM, 0),
    F("imul Gv,Ev,Iz", "\x69", OP_MODRM | OP_IMMZ, SF | ZF | AF | PF),
    F("imul Gv,Ev,Ib", "\x6b", OP_MODRM | OP_IMM8, SF | ZF | AF | PF),
    F("push ax", "\x50", OP_NOW, 0),
    F("push si", "\x56", OP_NOW, 0),
    F("push sp", "\x54", OP_NOW, 0),
    F("pop dx", "\x5a", OP_NOW, 0),
    F("pop sp", "\x5c", OP_NOW, 0),
    F("push Iz", "\x68", OP_IMMZ | OP_NOW, 0),
    F("push Ib", "\x6a", OP_IMM8 | OP_NOW, 0),
    FX("pop Ev", "\x8f", 0, OP_NOW, 0),
    FX("push Ev", "\xff", 6, OP_NOW, 0),
    F("leave-enter", "\xc8\x20\x00\x00", OP_NOW, 0),
    F("enter 3", "\xc8\x20\x00\x03", OP_NOW, 0),
    F("nop", "\x90", 0, 0),
    F("xchg cx", "\x91", 0, 0),
    F("cbw", "\x98", 0, 0),
    F("cwd", "\x99", 0, 0),
    F("sahf", "\x9e", OP_BYTE, 0),
    F("lahf", "\x9f", OP_BYTE, 0),
    F("movsb", "\xa4", OP_BYTE, 0),
    F("movsv", "\xa5", 0, 0),
    F("cmpsb", "\xa6", OP_BYTE, 0),
    F("cmpsv", "\xa7", 0, 0),
    F("stosb", "\xaa", OP_BYTE, 0),
    F("stosv", "\xab", 0, 0),
    F("lodsb", "\xac", OP_BYTE, 0),
    F("lodsv", "\xad", 0, 0),
    F("scasb", "\xae", OP_BYTE, 0),
    F("scasv", "\xaf", 0, 0),
    F("rep movsb", "\xf3\xa4", OP_BYTE | OP_SMALL, 0),
    F("rep stosb", "\xf3\xaa", OP_BYTE | OP_SMALL, 0),
    F("repe cmpsb", "\xf3\xa6", OP_BYTE | OP_SMALL, 0),
    F("repne scasb", "\xf2\xae", OP_BYTE | OP_SMALL, 0),
    F("rep movsd", "\xf3\xa5", OP_SMALL | OP_NO66 | OP_NOW, 0),
    F("rep stosd", "\xf3\xab", OP_SMALL | OP_NO66 | OP_NOW, 0),
    F("rep lodsd", "\xf3\xad", OP_SMALL | OP_NO66 | OP_NOW, 0),
    F("repne cmpsd", "\xf2\xa7", OP_SMALL | OP_NO66 | OP_NOW, 0),
    F("mov r8,Ib", "\xb3", OP_IMM8 | OP_BYTE, 0),
    F("mov r,Iz", "\xbb", OP_IMMZ | OP_NOW, 0),
#define SHIFT(n, ext, undef)                                                                       \
    FX(n " Eb,Ib", "\xc0", ext, OP_IMM8 | OP_BYTE | OP_SHIFT, undef),                              \
        FX(n " Ev,Ib", "\xc1", ext, OP_IMM8 | OP_SHIFT, undef),                                    \
        FX(n " Eb,1", "\xd0", ext, OP_BYTE, undef), FX(n " Ev,1", "\xd1", ext, 0, undef),          \
        FX(n " Eb,CL", "\xd2", ext, OP_BYTE | OP_SHIFT, undef),                                    \
        FX(n " Ev,CL", "\xd3", ext, OP_SHIFT, undef)
    SHIFT("rol", 0, 0),
    SHIFT("ror", 1, 0),
    SHIFT("rcl", 2, 0),
    SHIFT("rcr", 3, 0),
    SHIFT("shl", 4, AF),
    SHIFT("shr", 5, AF),
    SHIFT("sal", 6, AF),
    SHIFT("sar", 7, AF),
    FX("mov Eb,Ib", "\xc6", 0, OP_IMM8 | OP_BYTE, 0),
    FX("mov Ev,Iz", "\xc7", 0, OP_IMMZ, 0),
    F("xlat", "\xd7", OP_BYTE | OP_SMALL, 0),
    F("cmc", "\xf5", OP_BYTE, 0),
    F("clc", "\xf8", OP_BYTE, 0),
    F("stc", "\xf9", OP_BYTE, 0),
    F("cld", "\xfc", OP_BYTE, 0),
    F("std", "\xfd", OP_BYTE, 0),
    FX("test Eb,Ib", "\xf6", 0, OP_IMM8 | OP_BYTE, AF),
    FX("test Eb,Ib", "\xf6", 1, OP_IMM8 | OP_BYTE, AF),
    FX("not Eb", "\xf6", 2, OP_BYTE | OP_LOCK, 0),
    FX("neg Eb", "\xf6", 3, OP_BYTE | OP_LOCK, 0),
    FX("mul Eb", "\xf6", 4, OP_BYTE, SF | ZF | AF | PF),
    FX("imul Eb", "\xf6", 5, OP_BYTE, SF | ZF | AF | PF),
    FX("div Eb", "\xf6", 6, OP_BYTE, ARITH),
    FX("idiv Eb", "\xf6", 7, OP_BYTE, ARITH),
    FX("test Ev,Iz", "\xf7", 0, OP_IMMZ, AF),
    FX("not Ev", "\xf7", 2, OP_LOCK, 0),
    FX("neg Ev", "\xf7", 3, OP_LOCK, 0),
    FX("mul Ev", "\xf7", 4, 0, SF | ZF | AF | PF),
    FX("imul Ev", "\xf7", 5, 0, SF | ZF | AF | PF),
    FX("div Ev", "\xf7", 6, 0, ARITH),
    FX("idiv Ev", "\xf7", 7, 0, ARITH),
    FX("inc Eb", "\xfe", 0, OP_BYTE | OP_LOCK, 0),
    FX("dec Eb", "\xfe", 1, OP_BYTE | OP_LOCK, 0),
    FX("inc Ev", "\xff", 0, OP_LOCK, 0),
    FX("dec Ev", "\xff", 1, OP_LOCK, 0),
#define CC(n, b) F("cmov" n, "\x0f" b, OP_MODRM, 0)
    CC("o", "\x40"),
    CC("no", "\x41"),
    CC("b", "\x42"),
    CC("ae", "\x43"),
    CC("z", "\x44"),
    CC("nz", "\x45"),
    CC("be", "\x46"),
    CC("a", "\x47"),
    CC("s", "\x48"),
    CC("ns", "\x49"),
    CC("p", "\x4a"),
    CC("np", "\x4b"),
    CC("l", "\x4c"),
    CC("ge", "\x4d"),
    CC("le", "\x4e"),
    CC("g", "\x4f"),
#define SETCC(n, b) F("set" n, "\x0f" b, OP_MODRM | OP_BYTE, 0)
    SETCC("o", "\x90"),
    SETCC("no", "\x91"),
    SETCC("b", "\x92"),
    SETCC("ae", "\x93"),
    SETCC("z", "\x94"),
    SETCC("nz", "\x95"),
    SETCC("be", "\x96"),
    SETCC("a", "\x97"),
    SETCC("s", "\x98"),
    SETCC("ns", "\x99"),
    SETCC("p", "\x9a"),
    SETCC("np", "\x9b"),
    SETCC("l", "\x9c"),
    SETCC("ge", "\x9d"),
    SETCC("le", "\x9e"),
    SETCC("g", "\x9f"),
    F("bt", "\x0f\xa3", OP_MODRM | OP_BITOFF, OF | SF | AF | PF),
    F("bts", "\x0f\xab", OP_MODRM | OP_BITOFF | OP_LOCK, OF | SF | AF | PF),
    F("btr", "\x0f\xb3", OP_MODRM | OP_BITOFF | OP_LOCK, OF | SF | AF | PF),
    F("btc", "\x0f\xbb", OP_MODRM | OP_BITOFF | OP_LOCK, OF | SF | AF | PF),
    FX("bt i", "\x0f\xba", 4, OP_IMM8, OF | SF | AF | PF),
    FX("bts i", "\x0f\xba", 5, OP_IMM8 | OP_LOCK, OF | SF | AF | PF),
    FX("btr i", "\x0f\xba", 6, OP_IMM8 | OP_LOCK, OF | SF | AF | PF),
    FX("btc i", "\x0f\xba", 7, OP_IMM8 | OP_LOCK, OF | SF | AF | PF),
    F("shld i", "\x0f\xa4", OP_MODRM | OP_IMM8 | OP_SHIFT | OP_NO66, AF),
    F("shld cl", "\x0f\xa5", OP_MODRM | OP_SHIFT | OP_NO66, AF),
    F("shrd i", "\x0f\xac", OP_MODRM | OP_IMM8 | OP_SHIFT | OP_NO66, AF),
    F("shrd cl", "\x0f\xad", OP_MODRM | OP_SHIFT | OP_NO66, AF),
    F("imul Gv,Ev", "\x0f\xaf", OP_MODRM, SF | ZF | AF | PF),
    F("cmpxchg b", "\x0f\xb0", OP_MODRM | OP_BYTE | OP_LOCK, 0),
    F("cmpxchg", "\x0f\xb1", OP_MODRM | OP_LOCK, 0),
    F("movzx b", "\x0f\xb6", OP_MODRM, 0),
    F("movzx w", "\x0f\xb7", OP_MODRM, 0),
    F("movsx b", "\x0f\xbe", OP_MODRM, 0),
    F("movsx w", "\x0f\xbf", OP_MODRM, 0),
    F("popcnt", "\xf3\x0f\xb8", OP_MODRM, 0),
    F("tzcnt", "\xf3\x0f\xbc", OP_MODRM, OF | SF | AF | PF),
    F("lzcnt", "\xf3\x0f\xbd", OP_MODRM, OF | SF | AF | PF),
    F("bsf", "\x0f\xbc", OP_MODRM, CF | OF | SF | AF | PF),
    F("bsr", "\x0f\xbd", OP_MODRM, CF | OF | SF | AF | PF),
    F("xadd b", "\x0f\xc0", OP_MODRM | OP_BYTE | OP_LOCK, 0),
    F("xadd", "\x0f\xc1", OP_MODRM | OP_LOCK, 0),
    F("bswap", "\x0f\xcb", OP_NO66, 0),
    FX("cmpxchg8b", "\x0f\xc7", 1, OP_MEM | OP_NO66 | OP_LOCK | OP_ALIGN, 0),
    F("movbe load", "\x0f\x38\xf0", OP_MODRM | OP_MEM, 0),
    F("movbe store", "\x0f\x38\xf1", OP_MODRM | OP_MEM, 0),
    F("crc32 b", "\xf2\x0f\x38\xf0", OP_MODRM | OP_BYTE, 0),
    F("crc32", "\xf2\x0f\x38\xf1", OP_MODRM, 0),
    F("adcx", "\x66\x0f\x38\xf6", OP_MODRM | OP_NO66, 0),
    F("adox", "\xf3\x0f\x38\xf6", OP_MODRM | OP_NO66, 0),
    /* VEX: map, pp, opcode */
    F("andn", "\x02\x00\xf2", OP_MODRM | OP_VEX, AF | PF),
    F("bextr", "\x02\x00\xf7", OP_MODRM | OP_VEX, AF | SF | PF),
    F("bzhi", "\x02\x00\xf5", OP_MODRM | OP_VEX, AF | PF),
    F("pdep", "\x02\x03\xf5", OP_MODRM | OP_VEX, 0),
    F("pext", "\x02\x02\xf5", OP_MODRM | OP_VEX, 0),
    F("mulx", "\x02\x03\xf6", OP_MODRM | OP_VEX, 0),
    F("sarx", "\x02\x02\xf7", OP_MODRM | OP_VEX, 0),
    F("shlx", "\x02\x01\xf7", OP_MODRM | OP_VEX, 0),
    F("shrx", "\x02\x03\xf7", OP_MODRM | OP_VEX, 0),
    FX("blsr", "\x02\x00\xf3", 1, OP_VEX, AF | PF),
    FX("blsmsk", "\x02\x00\xf3", 2, OP_VEX, AF | PF),
    FX("blsi", "\x02\x00\xf3", 3, OP_VEX, AF | PF),
    F("rorx", "\x03\x03\xf0", OP_MODRM | OP_VEX | OP_IMM8, 0),
};

static uint64_t rng_state = 0x9e3779b97f4a7c15ull;

static uint64_t rng(void)
{
    rng_state ^= rng_state << 13;
    rng_state ^= rng_state >> 7;
    rng_state ^= rng_state << 17;
    return rng_state;
}

/* Numbers with many zeros, ones and sign borders among them. */
static uint64_t rng_operand(void)
{
    static const uint64_t edges[] = {0,
                                     1,
                                     0x7f,
                                     0x80,
                                     0xff,
                                     0x7fff,
                                     0x8000,
                                     0xffff,
                                     0x7fffffff,
                                     0x80000000u,
                                     0xffffffffu,
                                     0x7fffffffffffffffull,
                                     0x8000000000000000ull,
                                     ~0ull};
    uint64_t v = rng();
    switch (v & 3) {
    case 0: return edges[(v >> 8) % (sizeof(edges) / sizeof(edges[0]))];
    case 1: return rng() >> (rng() & 63);
    default: return rng();
    }
}

typedef struct Case {
    uint8_t bytes[16];
    size_t len;
    bool mem;
    uint32_t osz, count, reg_cl;
} Case;

static void case_modrm(const Form *f, Case *t, uint32_t *rex)
{
    uint32_t reg = f->flags & OP_EXT ? f->ext : rng() & 7;
    t->mem = !(f->flags & OP_REG) && ((f->flags & OP_MEM) || (rng() & 1));
    if (f->flags & OP_EXT)
        *rex &= ~4u;
    if (t->mem) {
        *rex &= ~3u; /* [rsi] */
        t->bytes[t->len++] = (uint8_t)(reg << 3 | 6);
    } else {
        t->bytes[t->len++] = (uint8_t)(0xc0 | reg << 3 | (rng() & 7));
    }
}

static void case_make(const Form *f, Case *t)
{
    uint32_t rex = (uint32_t)rng() & 0xf, at, k;
    bool p66 = !(f->flags & (OP_BYTE | OP_NO66 | OP_VEX)) && (rng() & 3) == 0, use_rex = rng() & 1;
    bool w;
    Case m = {.len = 0};
    memset(t, 0, sizeof(*t));
    if (f->flags & OP_NOW)
        rex &= 7;
    if (!(f->flags & OP_MODRM))
        rex &= f->len == 1 || f->bytes[0] == 0x0f ? 9 : 8;
    if (f->flags & OP_MODRM)
        case_modrm(f, &m, &rex);
    if (!use_rex && !(f->flags & OP_VEX))
        rex = 0;
    w = rex & 8;
    t->mem = m.mem;
    t->osz = f->flags & OP_BYTE ? 1 : w ? 8 : p66 ? 2 : 4;
    if (f->flags & OP_VEX) {
        t->bytes[t->len++] = 0xc4;
        t->bytes[t->len++] =
            (uint8_t)((~rex & 4) << 5 | (~rex & 2) << 5 | (~rex & 1) << 5 | f->bytes[0]);
        k = f->bytes[0] == 3 ? 15 : rng() & 15;
        t->bytes[t->len++] = (uint8_t)((w ? 0x80 : 0) | k << 3 | f->bytes[1]);
        t->bytes[t->len++] = (uint8_t)f->bytes[2];
    } else {
        if ((f->flags & OP_LOCK) && t->mem && (rng() & 3) == 0)
            t->bytes[t->len++] = 0xf0;
        if (p66)
            t->bytes[t->len++] = 0x66;
        at = 0;
        while (at < f->len && ((uint8_t)f->bytes[at] == 0xf2 || (uint8_t)f->bytes[at] == 0xf3 ||
                               (uint8_t)f->bytes[at] == 0x66))
            t->bytes[t->len++] = (uint8_t)f->bytes[at++];
        if (use_rex)
            t->bytes[t->len++] = (uint8_t)(0x40 | rex);
        memcpy(t->bytes + t->len, f->bytes + at, f->len - at);
        t->len += f->len - at;
    }
    memcpy(t->bytes + t->len, m.bytes, m.len);
    t->len += m.len;
    t->count = ~0u;
    if (f->flags & OP_IMM8) {
        t->count = rng() & 0xff;
        t->bytes[t->len++] = (uint8_t)t->count;
    }
    if (f->flags & OP_IMMZ) {
        uint64_t v = rng_operand();
        memcpy(t->bytes + t->len, &v, 4);
        t->len += t->osz == 2 ? 2 : 4;
    }
}

static uint32_t case_undefined(const Form *f, const Case *t, const State *s)
{
    uint32_t undef = f->undefined, n;
    if (f->flags & OP_SHIFT) {
        n = (t->count != ~0u ? t->count : (uint32_t)s->in[1]) & (t->osz == 8 ? 63 : 31);
        if (n == 0)
            return 0;
        if (n != 1)
            undef |= OF;
        if (n > t->osz * 8 || (n == t->osz * 8 && f->ext >= 4))
            undef |= CF; /* shifts of narrow operands by more than they have */
    }
    return undef;
}

static void state_random(const Form *f, const Case *t, State *s)
{
    uint32_t k;
    uint64_t *d = (uint64_t *)(void *)data;
    for (k = 0; k < 16; k++)
        s->in[k] = rng_operand();
    for (k = 0; k < DATA_BYTES / 8; k++)
        d[k] = rng_operand();
    s->in_flags = 2 | (rng() & ARITH);
    if (rng() & 1)
        s->in_flags |= DF;
    s->in[VIV_REG_RSP] = DATA + 0x800;
    s->in[VIV_REG_RSI] = DATA + 0x400 + (rng() & 7);
    s->in[VIV_REG_RDI] = DATA + 0x600 + (rng() & 7);
    if (f->flags & OP_ALIGN) {
        s->in[VIV_REG_RSI] = DATA + 0x400;
        if (rng() & 1)
            memcpy(&s->in[VIV_REG_RAX], data + 0x400, 8),
                memcpy(&s->in[VIV_REG_RDX], data + 0x408, 8);
    }
    if (f->flags & OP_SMALL) {
        s->in[VIV_REG_RCX] = rng() & 63;
        s->in[VIV_REG_RBX] = DATA + 0x500;
    }
    s->in[VIV_REG_RBP] = f->bytes[0] == (char)0xc8 ? DATA + 0x900 : s->in[VIV_REG_RBP];
    if ((f->flags & OP_BITOFF) && t->mem)
        for (k = 0; k < 16; k++)
            if (k != VIV_REG_RSP && k != VIV_REG_RSI)
                s->in[k] = (uint64_t)(int64_t)(int8_t)rng();
    if ((f->flags & OP_BITOFF) && t->mem) {
        /* rSP and rSI as bit offsets would reach anywhere: REX.R or the field may name them */
        s->in[VIV_REG_RBX] = 7;
    }
}

/* BT m,r with r = RSP or RSI touches memory far away: not run. */
static bool case_runs(const Form *f, const Case *t)
{
    const uint8_t *b = t->bytes;
    size_t k = 0;
    uint32_t rex = 0, modrm;
    if (!(f->flags & OP_BITOFF) || !t->mem)
        return true;
    while (b[k] == 0x66 || b[k] == 0xf0)
        k++;
    if ((b[k] & 0xf0) == 0x40)
        rex = b[k++];
    modrm = b[k + 2];
    modrm = (modrm >> 3 & 7) | (rex & 4 ? 8 : 0);
    return modrm != VIV_REG_RSP && modrm != VIV_REG_RSI;
}

static void describe(const Form *f, const Case *t, const State *s, char *buf, size_t n)
{
    size_t k, at = (size_t)snprintf(buf, n, "%s:", f->name);
    for (k = 0; k < t->len && at < n; k++)
        at += (size_t)snprintf(buf + at, n - at, " %02x", t->bytes[k]);
    for (k = 0; k < 16 && at < n; k++)
        at += (size_t)snprintf(buf + at, n - at, " %zu=%llx", k, (unsigned long long)s->in[k]);
    if (at < n)
        snprintf(buf + at, n - at, " fl=%llx", (unsigned long long)s->in_flags);
}

static void case_run(Rig *rig, const Form *f)
{
    static uint8_t before[DATA_BYTES];
    char text[1024];
    Case t;
    uint32_t undef, k, exit;
    int sig;
    viv_cpu_t *s = rig->cpu;
    case_make(f, &t);
    if (!case_runs(f, &t))
        return;
    state_random(f, &t, state);
    memcpy(before, data, DATA_BYTES);
    memcpy(rig->ram + DATA, data, DATA_BYTES);
    describe(f, &t, state, text, sizeof(text));
    undef = case_undefined(f, &t, state);

    rig_load(rig, CODE, t.bytes, t.len);
    memcpy(s->gpr, state->in, sizeof(s->gpr));
    s->rflags = state->in_flags;
    s->rip = CODE;
    s->activity = VIV_ACT_RUNNING;
    exit = rig_run(rig, 1);

    sig = native_run(t.bytes, t.len);
    if (sig == SIGFPE) {
        ck_assert_msg(exit == VIV_EXIT_TRIPLE_FAULT, "%s: #DE expected, exit %u", text, exit);
        rig_long(rig, CODE, 0);
        return;
    }
    ck_assert_msg(sig == 0, "%s: the host raised signal %d", text, sig);
    ck_assert_msg(exit == VIV_EXIT_BUDGET, "%s: exit %u", text, exit);
    ck_assert_msg(s->rip == CODE + t.len, "%s: rip %llx", text, (unsigned long long)s->rip);
    for (k = 0; k < 16; k++)
        ck_assert_msg(s->gpr[k] == state->out[k], "%s: register %u is %llx, host has %llx", text, k,
                      (unsigned long long)s->gpr[k], (unsigned long long)state->out[k]);
    ck_assert_msg(((s->rflags ^ state->out_flags) & (ARITH | DF) & ~undef) == 0,
                  "%s: flags %llx, host has %llx, undefined %x", text,
                  (unsigned long long)s->rflags, (unsigned long long)state->out_flags, undef);
    ck_assert_msg(memcmp(rig->ram + DATA, data, DATA_BYTES) == 0, "%s: memory differs", text);
}

START_TEST(native_forms)
{
    const char *engine = getenv("VIV_ENGINE_PLUGIN");
    Rig *rig = rig_create(engine, NULL, 0x18000000);
    uint32_t n;
    ck_assert_ptr_nonnull(rig);
    native_setup();
    rig_long(rig, CODE, 0);
    rng_state += (uint64_t)_i * 0x2545f4914f6cdd1dull;
    for (n = 0; n < 600; n++)
        case_run(rig, &forms[_i]);
    rig_destroy(rig);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("native");
    TCase *tc = tcase_create("forms");
    SRunner *runner;
    int failed;
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, native_forms, 0, sizeof(forms) / sizeof(forms[0]));
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
