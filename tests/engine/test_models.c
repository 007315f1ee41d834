/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an engine makes of a CPU model: which instructions are there and which raise #UD, single
 * features on and off, the flags and control bits that detection code looks at, MSRs.
 *
 * Each snippet runs at ring 0 in real mode, flat 32-bit and 64-bit mode with a HLT behind it and
 * handlers that halt; where it halts tells what happened. (E)BX, (E)DI point to DATA: ModRM.rm 7
 * names it in every mode. Environment: VIV_ENGINE_PLUGIN the engine's .so. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "rig.h"

#define RAM_BYTES (4u << 20)
#define CODE      0x8000u
#define DATA      0x9000u
#define HANDLERS  0xa000u /* a HLT every four bytes, by vector */
#define GDT       0xb000u
#define IDT       0xc000u

/* What may come of a snippet: an exception's vector, or this. */
#define DONE 0x100u
#define DB   1u
#define UD   6u
#define NM   7u
#define GP   13u
#define PF   14u

/* Modes, as bits of a row. */
#define M16  1u
#define M32  2u
#define M64  4u
#define MALL 7u

/* Models, as bits of a row. */
static const char *const models[] = {"386",   "486",    "pentium",   "pentium3",
                                     "core2", "x86-64", "x86-64-v2", "x86-64-v3"};
#define MODELS   (sizeof(models) / sizeof(models[0]))
#define I386     0x01u
#define I486     0x02u
#define P5       0x04u
#define P3       0x08u
#define C2       0x10u
#define X1       0x20u
#define X2       0x40u
#define X3       0x80u
#define NOBODY   0u
#define SINCE(m) (0xffu & ~((m)-1u))
#define LONG     (C2 | X1 | X2 | X3)

static Rig *rig;

static void rig_up(void)
{
    rig = rig_create(getenv("VIV_ENGINE_PLUGIN"), NULL, RAM_BYTES);
    ck_assert_ptr_nonnull(rig);
}

static void rig_down(void)
{
    rig_destroy(rig);
}

/* -- running a snippet ------------------------------------------------------------------------- */

static void tables(unsigned mode)
{
    unsigned v;
    memset(rig->ram + HANDLERS, 0xf4, 0x400);
    rig_w64(rig, GDT + 8, mode == M64 ? 0x00af9b000000ffffull : 0x00cf9b000000ffffull);
    rig_w64(rig, GDT + 16, 0x00cf93000000ffffull);
    for (v = 0; v < 32; v++) {
        uint32_t at = HANDLERS + v * 4;
        if (mode == M16)
            rig_w32(rig, v * 4, at);
        else
            rig_w64(rig, IDT + v * (mode == M64 ? 16 : 8),
                    (uint64_t)(at & 0xffff0000u) << 32 | 0x8e0000080000ull | (at & 0xffff));
        if (mode == M64)
            rig_w64(rig, IDT + v * 16 + 8, 0);
    }
    if (mode == M16)
        return;
    rig->cpu->gdtr = (viv_tablereg_t){.base = GDT, .limit = 0x17};
    rig->cpu->idtr = (viv_tablereg_t){.base = IDT, .limit = 0x1ff};
}

static bool has_leaf1_edx(unsigned bit)
{
    uint32_t r[4];
    rig->vcpu.host->cpuid(&rig->vcpu, 1, 0, r);
    return r[3] >> bit & 1;
}

static bool has_leaf1_ecx(unsigned bit)
{
    uint32_t r[4];
    rig->vcpu.host->cpuid(&rig->vcpu, 1, 0, r);
    return r[2] >> bit & 1;
}

static bool has_long_mode(void)
{
    uint32_t r[4];
    rig->vcpu.host->cpuid(&rig->vcpu, 0x80000000u, 0, r);
    if (r[0] >> 16 != 0x8000)
        return false;
    rig->vcpu.host->cpuid(&rig->vcpu, 0x80000001u, 0, r);
    return r[3] >> 29 & 1;
}

/* The environment that system software would set up for the model. */
static void prepare(unsigned mode)
{
    viv_cpu_t *s = rig->cpu;
    if (mode == M16)
        rig_real(rig, 0, CODE);
    else if (mode == M32)
        rig_flat32(rig, CODE, 0);
    else
        rig_long(rig, CODE, 0);
    tables(mode);
    s->gpr[VIV_REG_RBX] = s->gpr[VIV_REG_RDI] = DATA;
    s->gpr[VIV_REG_RSP] = 0x7000;
    s->efer &= ~1ull; /* SCE */
    if (has_leaf1_edx(24))
        s->cr4 |= 0x600;
    if (has_leaf1_ecx(26)) {
        s->cr4 |= 0x40000;
        s->xcr0 = has_leaf1_ecx(28) ? 7 : 3;
    }
    memset(rig->ram + DATA, 0, 0x400);
}

/* DONE, or the vector that came. */
static unsigned go(const void *bytes, size_t len)
{
    uint64_t rip;
    uint8_t code[32];
    memcpy(code, bytes, len);
    memset(code + len, 0xf4, sizeof(code) - len);
    rig_load(rig, CODE, code, sizeof(code));
    ck_assert_uint_eq(rig_run(rig, 100), VIV_EXIT_HALT);
    rip = rig->cpu->rip - 1;
    if (rip == CODE + len)
        return DONE;
    ck_assert_msg(rip >= HANDLERS && rip < HANDLERS + 128, "halted at %llx",
                  (unsigned long long)rip);
    return (unsigned)(rip - HANDLERS) / 4;
}

static const char *hex(const uint8_t *bytes, size_t len)
{
    static char text[64];
    size_t k;
    text[0] = 0;
    for (k = 0; k < len && k < 16; k++)
        snprintf(text + 3 * k, sizeof(text) - 3 * k, "%02x ", bytes[k]);
    return text;
}

/* -- the table --------------------------------------------------------------------------------- */

typedef struct Row {
    const char *bytes;
    uint8_t len;
    uint8_t modes;
    uint8_t have;  /* models that have it; the others raise #UD */
    uint16_t then; /* what those that have it do */
} Row;

#define ROW(text, modes, have, then)                                                               \
    {                                                                                              \
        (text), sizeof(text) - 1, (modes), (have), (then)                                          \
    }

static const Row rows[] = {
    /* the 486's */
    ROW("\x66\x0f\xc9", MALL, SINCE(I486), DONE),     /* BSWAP */
    ROW("\x0f\xb0\x07", MALL, SINCE(I486), DONE),     /* CMPXCHG */
    ROW("\x0f\xb1\x07", MALL, SINCE(I486), DONE),     /* CMPXCHG */
    ROW("\xf0\x0f\xb1\x07", MALL, SINCE(I486), DONE), /* LOCK CMPXCHG */
    ROW("\x0f\xc0\x07", MALL, SINCE(I486), DONE),     /* XADD */
    ROW("\x0f\xc1\xc8", MALL, SINCE(I486), DONE),     /* XADD */
    ROW("\x0f\x08", MALL, SINCE(I486), DONE),         /* INVD */
    ROW("\x0f\x09", MALL, SINCE(I486), DONE),         /* WBINVD */
    ROW("\xf3\x0f\x09", MALL, SINCE(I486), DONE),     /* WBNOINVD, or WBINVD */
    ROW("\x0f\x01\x3f", MALL, SINCE(I486), DONE),     /* INVLPG */
    ROW("\x0f\xa2", MALL, SINCE(I486), DONE),         /* CPUID */
    ROW("\x0f\xaa", MALL, NOBODY, DONE),              /* RSM outside SMM */
    /* test registers: MOV from and to TR6, TR3, TR2 */
    ROW("\x0f\x24\xf0", M16 | M32, I386 | I486, DONE),
    ROW("\x0f\x26\xf0", M16 | M32, I386 | I486, DONE),
    ROW("\x0f\x24\x30", M16 | M32, I386 | I486, DONE), /* mod is not looked at */
    ROW("\x0f\x24\xd8", M16 | M32, I486, DONE),
    ROW("\x0f\x26\xd8", M16 | M32, I486, DONE),
    ROW("\x0f\x24\xd0", M16 | M32, NOBODY, DONE),
    ROW("\xf0\x0f\x24\xf0", M16 | M32, NOBODY, DONE),
    /* control and debug registers */
    ROW("\x0f\x20\xc0", MALL, SINCE(I386), DONE),
    ROW("\x0f\x20\x00", MALL, SINCE(I386), DONE), /* mod 0 */
    ROW("\x0f\x20\x45", MALL, SINCE(I386), DONE), /* mod 1 */
    ROW("\x0f\x20\xc8", MALL, NOBODY, DONE),      /* CR1 */
    ROW("\x0f\x20\xe0", MALL, SINCE(P5), DONE),   /* CR4 */
    ROW("\x0f\x20\xe8", MALL, NOBODY, DONE),      /* CR5 */
    ROW("\xf0\x0f\x20\xc0", MALL, NOBODY, DONE),
    ROW("\x44\x0f\x20\xc0", M64, LONG, DONE),     /* CR8 */
    ROW("\x0f\x21\xe0", MALL, SINCE(I386), DONE), /* DR4 is DR6 */
    ROW("\x0f\x21\xf8", MALL, SINCE(I386), DONE), /* DR7 */
    ROW("\x44\x0f\x21\xc0", M64, NOBODY, DONE),
    /* by CPUID bits of the Pentium and later */
    ROW("\x0f\x31", MALL, SINCE(P5), DONE),                          /* RDTSC */
    ROW("\xb9\x10\x00\x00\x00\x0f\x32", M32 | M64, SINCE(P5), DONE), /* RDMSR of the TSC */
    ROW("\xb9\x10\x00\x00\x00\x0f\x30", M32 | M64, SINCE(P5), DONE), /* WRMSR */
    ROW("\x0f\x33", MALL, SINCE(P3), GP),                            /* RDPMC: no counters */
    ROW("\x0f\xc7\x0f", MALL, SINCE(P5), DONE),                      /* CMPXCHG8B */
    ROW("\xf0\x0f\xc7\x0f", MALL, SINCE(P5), DONE),
    ROW("\xf0\x0f\xc7\xc8", MALL, NOBODY, DONE),      /* what stopped Pentiums */
    ROW("\x48\x0f\xc7\x0f", M64, C2 | X2 | X3, DONE), /* CMPXCHG16B */
    ROW("\x0f\x44\xc8", MALL, SINCE(P3), DONE),       /* CMOVZ */
    ROW("\x0f\x34", M16 | M32, SINCE(P3), GP),        /* SYSENTER: CS is 0 */
    ROW("\x0f\x34", M64, C2, GP),                     /* AMD: not in long mode */
    ROW("\x0f\x35", M16 | M32, SINCE(P3), GP),
    ROW("\x0f\x05", MALL, NOBODY, DONE),        /* SYSCALL: SCE is clear */
    ROW("\x0f\x18\x0f", MALL, SINCE(P3), DONE), /* PREFETCHT0 */
    ROW("\x0f\x18\xcf", MALL, SINCE(P3), DONE),
    ROW("\x0f\x19\x07", MALL, SINCE(P3), DONE),
    ROW("\x0f\x1a\x07", MALL, SINCE(P3), DONE), /* MPX's are NOPs without it */
    ROW("\x0f\x1b\x07", MALL, SINCE(P3), DONE),
    ROW("\x66\x0f\x1a\x3f", MALL, SINCE(P3), DONE),
    ROW("\x66\x0f\x1a\xf8", MALL, SINCE(P3), DONE),
    ROW("\xf3\x0f\x1b\x0d\x00\x00\x00\x00", M64, SINCE(P3), DONE),
    ROW("\x0f\x1c\x07", MALL, SINCE(P3), DONE),
    ROW("\xf3\x0f\x1e\xfa", MALL, SINCE(P3), DONE), /* ENDBR64 */
    ROW("\xf3\x0f\x1e\xc8", MALL, SINCE(P3), DONE), /* RDSSPD */
    ROW("\x0f\x1f\x07", MALL, SINCE(P3), DONE),     /* NOP */
    ROW("\x66\x0f\x1f\xc0", MALL, SINCE(P3), DONE),
    ROW("\xf0\x0f\x1f\x07", MALL, NOBODY, DONE),
    ROW("\x0f\x0d\x0f", MALL, LONG, DONE), /* PREFETCHW */
    ROW("\x0f\x0d\xc0", MALL, C2, DONE),
    ROW("\xf3\x90", MALL, SINCE(I386), DONE), /* PAUSE, or NOP */
    ROW("\x0f\x0b", MALL, NOBODY, DONE),
    ROW("\x0f\xb9\xc0", MALL, NOBODY, DONE),
    ROW("\x0f\xff\xc0", MALL, NOBODY, DONE),
    /* the FPU; none on the 386 takes what it is told */
    ROW("\xdb\xe3", MALL, SINCE(I386), DONE), /* FNINIT */
    ROW("\x9b", MALL, SINCE(I386), DONE),
    ROW("\xdf\xe0", MALL, SINCE(I386), DONE),      /* FNSTSW AX */
    ROW("\xdf\xc0", MALL, SINCE(I386), DONE),      /* FFREEP */
    ROW("\xd9\xd8", MALL, SINCE(I386), DONE),      /* FSTP's alias */
    ROW("\xdf\xd0", MALL, SINCE(I386), DONE),      /* FSTP8 */
    ROW("\xdf\xd8", MALL, SINCE(I386), DONE),      /* FSTP9 */
    ROW("\xdc\xd0", MALL, SINCE(I386), DONE),      /* FCOM2 */
    ROW("\xdc\xd8", MALL, SINCE(I386), DONE),      /* FCOMP3 */
    ROW("\xde\xd0", MALL, SINCE(I386), DONE),      /* FCOMP5 */
    ROW("\xdd\xc8", MALL, SINCE(I386), DONE),      /* FXCH4 */
    ROW("\xdf\xc8", MALL, SINCE(I386), DONE),      /* FXCH7 */
    ROW("\xdb\xe0", MALL, SINCE(I386), DONE),      /* FNENI */
    ROW("\xdb\xe1", MALL, SINCE(I386), DONE),      /* FNDISI */
    ROW("\xdb\xe4", MALL, SINCE(I386), DONE),      /* FNSETPM */
    ROW("\xdb\xc1", MALL, I386 | SINCE(P3), DONE), /* FCMOVNB */
    ROW("\xdb\xf1", MALL, I386 | SINCE(P3), DONE), /* FCOMI */
    ROW("\xdb\x0f", MALL, I386 | LONG, DONE),      /* FISTTP: below for x86-64 */
    /* vectors */
    ROW("\x0f\xfc\xc0", MALL, SINCE(P3), DONE),        /* PADDB mm */
    ROW("\x0f\x77", MALL, SINCE(P3), DONE),            /* EMMS */
    ROW("\x0f\xe0\xc0", MALL, SINCE(P3), DONE),        /* PAVGB mm, of SSE */
    ROW("\x0f\xae\x07", MALL, SINCE(P3), DONE),        /* FXSAVE */
    ROW("\x0f\x58\xc0", MALL, SINCE(P3), DONE),        /* ADDPS */
    ROW("\x0f\xae\x1f", MALL, SINCE(P3), DONE),        /* STMXCSR */
    ROW("\x0f\xae\xf8", MALL, SINCE(P3), DONE),        /* SFENCE */
    ROW("\x0f\xae\xf0", MALL, LONG, DONE),             /* MFENCE */
    ROW("\x0f\xae\xe8", MALL, LONG, DONE),             /* LFENCE */
    ROW("\x66\x0f\x58\xc0", MALL, LONG, DONE),         /* ADDPD */
    ROW("\x0f\xc3\x07", MALL, LONG, DONE),             /* MOVNTI */
    ROW("\x0f\xae\x3f", MALL, LONG, DONE),             /* CLFLUSH */
    ROW("\x66\x0f\xae\x3f", MALL, X3, DONE),           /* CLFLUSHOPT */
    ROW("\x66\x0f\xae\x37", MALL, X3, DONE),           /* CLWB */
    ROW("\xf2\x0f\xd0\xc0", MALL, C2 | X2 | X3, DONE), /* ADDSUBPS */
    ROW("\x0f\x38\x1c\xc0", MALL, C2 | X2 | X3, DONE), /* PABSB mm */
    ROW("\x66\x0f\x38\x20\xc0", MALL, X2 | X3, DONE),  /* PMOVSXBW */
    ROW("\x66\x0f\x38\x37\xc0", MALL, X2 | X3, DONE),  /* PCMPGTQ */
    ROW("\xf2\x0f\x38\xf0\xc0", MALL, X2 | X3, DONE),  /* CRC32 */
    ROW("\xf3\x0f\xb8\xc0", MALL, X2 | X3, DONE),      /* POPCNT */
    ROW("\x0f\xb8\xc0", MALL, NOBODY, DONE),           /* JMPE */
    ROW("\xf3\x0f\xbc\xc0", MALL, SINCE(I386), DONE),  /* TZCNT, or BSF */
    ROW("\xf3\x0f\xbd\xc0", MALL, SINCE(I386), DONE),  /* LZCNT, or BSR */
    ROW("\x0f\x38\xf0\x07", MALL, X3, DONE),           /* MOVBE */
    ROW("\x0f\x38\xf1\x07", MALL, X3, DONE),
    ROW("\x66\x0f\x38\xf6\xc0", MALL, X3, DONE),     /* ADCX */
    ROW("\xf3\x0f\x38\xf6\xc0", MALL, X3, DONE),     /* ADOX */
    ROW("\x66\x0f\x38\xdc\xc0", MALL, X3, DONE),     /* AESENC */
    ROW("\x66\x0f\x3a\x44\xc0\x00", MALL, X3, DONE), /* PCLMULQDQ */
    ROW("\x0f\x38\xc8\xc0", MALL, X3, DONE),         /* SHA1NEXTE */
    ROW("\x0f\xc7\xf0", MALL, X3, DONE),             /* RDRAND */
    ROW("\x0f\xc7\xf8", MALL, X3, DONE),             /* RDSEED */
    ROW("\xf3\x0f\xc7\xf8", MALL, X3, DONE),         /* RDPID */
    ROW("\xf3\x0f\xc7\xf0", MALL, NOBODY, DONE),     /* SENDUIPI */
    ROW("\x0f\x01\xd0", MALL, X3, DONE),             /* XGETBV */
    ROW("\x0f\xae\x27", MALL, X3, DONE),             /* XSAVE */
    ROW("\x0f\xae\x37", MALL, X3, DONE),             /* XSAVEOPT */
    ROW("\x0f\xc7\x27", MALL, X3, DONE),             /* XSAVEC */
    ROW("\x0f\xc7\x2f", MALL, X3, DONE),             /* XSAVES */
    ROW("\xc5\xf8\x58\xc0", M32 | M64, X3, DONE),    /* VADDPS */
    ROW("\xc5\xf8\x58\xc0", M16, NOBODY, DONE),
    ROW("\xc4\xe2\x79\xdc\xc0", M32 | M64, X3, DONE),     /* VAESENC */
    ROW("\xc4\xe3\x79\x44\xc0\x00", M32 | M64, X3, DONE), /* VPCLMULQDQ */
    ROW("\xc5\xfd\xfc\xc0", M32 | M64, X3, DONE),         /* VPADDB ymm */
    ROW("\xc4\xe2\x79\x98\xc0", M32 | M64, X3, DONE),     /* VFMADD132PS */
    ROW("\xc4\xe2\x79\x13\xc0", M32 | M64, X3, DONE),     /* VCVTPH2PS */
    ROW("\xc4\xe2\x78\xf2\xc0", M32 | M64, X3, DONE),     /* ANDN */
    ROW("\xc4\xe2\x78\xf2\xc0", M16, NOBODY, DONE),
    ROW("\xc4\xe3\x7b\xf0\xc0\x01", M32 | M64, X3, DONE), /* RORX */
    ROW("\x66\xc5\xf8\x58\xc0", M32 | M64, NOBODY, DONE),
    ROW("\xf3\xc5\xf8\x58\xc0", M32 | M64, NOBODY, DONE),
    ROW("\xf0\xc5\xf8\x58\xc0", M32 | M64, NOBODY, DONE),
    ROW("\x48\xc5\xf8\x58\xc0", M64, NOBODY, DONE),
    /* systems */
    ROW("\x0f\x01\xf8", M64, LONG, DONE), /* SWAPGS */
    ROW("\x0f\x01\xf8", M16 | M32, NOBODY, DONE),
    ROW("\x0f\x01\xf9", MALL, X1 | X2 | X3, DONE), /* RDTSCP */
    ROW("\x0f\x01\xca", MALL, X2 | X3, DONE),      /* CLAC */
    ROW("\x0f\x01\xcb", MALL, X2 | X3, DONE),      /* STAC */
    ROW("\x0f\x01\xc8", MALL, NOBODY, DONE),       /* MONITOR */
    ROW("\x0f\x01\xc9", MALL, NOBODY, DONE),       /* MWAIT */
    ROW("\x9f", M16 | M32, SINCE(I386), DONE),     /* LAHF */
    ROW("\x9f", M64, C2 | X2 | X3, DONE),
    ROW("\x9e", M64, C2 | X2 | X3, DONE),
    /* never documented, always there */
    ROW("\xd6", M16 | M32, SINCE(I386), DONE), /* SALC */
    ROW("\xd6", M64, NOBODY, DONE),
    ROW("\xf1", MALL, SINCE(I386), DB),           /* ICEBP */
    ROW("\xd0\xf0", MALL, SINCE(I386), DONE),     /* SAL */
    ROW("\xc1\x37\x01", MALL, SINCE(I386), DONE), /* SAL */
    ROW("\xf6\xc8\x01", MALL, SINCE(I386), DONE), /* TEST */
    ROW("\xf6\x0f\x01", MALL, SINCE(I386), DONE), /* TEST */
    ROW("\x82\xc0\x01", M16 | M32, SINCE(I386), DONE),
    ROW("\x82\xc0\x01", M64, NOBODY, DONE),
    ROW("\xf3\xd7", MALL, SINCE(I386), DONE), /* REP XLAT */
    ROW("\xf2\x40\x90", M16 | M32, SINCE(I386), DONE),
    ROW("\x26\x2e\x36\x3e\x64\x65\x66\x67\x90", MALL, SINCE(I386), DONE),
    ROW("\x48\x66\x90", M64, LONG, DONE), /* a REX that does not count */
    ROW("\xf0\x90", MALL, NOBODY, DONE),
    ROW("\x0f\xa6\xc0", MALL, NOBODY, DONE), /* IBTS of the first 386s */
    ROW("\x0f\x0e", MALL, NOBODY, DONE),
    ROW("\x0f\x04", MALL, NOBODY, DONE),
};

static bool is_fisttp(const Row *row)
{
    return row->len == 2 && row->bytes[0] == '\xdb' && row->bytes[1] == '\x0f';
}

START_TEST(instructions)
{
    unsigned mode, k;
    ck_assert(rig_model(rig, models[_i]));
    for (mode = M16; mode <= M64; mode <<= 1) {
        if (mode == M64 && !has_long_mode())
            continue;
        for (k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
            const Row *row = &rows[k];
            unsigned have = row->have & (is_fisttp(row) ? ~X1 : ~0u), want, got;
            if (!(row->modes & mode))
                continue;
            want = have >> _i & 1 ? row->then : UD;
            prepare(mode);
            got = go(row->bytes, row->len);
            ck_assert_msg(got == want, "%s, mode %u: %sgives %x, not %x", models[_i], mode,
                          hex((const uint8_t *)row->bytes, row->len), got, want);
        }
    }
}
END_TEST

/* -- features on and off ----------------------------------------------------------------------- */

typedef struct Case {
    const char *spec;
    const char *bytes;
    uint8_t len;
    uint8_t mode;
    uint16_t want;
} Case;

#define CASE(spec, text, mode, want)                                                               \
    {                                                                                              \
        (spec), (text), sizeof(text) - 1, (mode), (want)                                           \
    }

static const Case cases[] = {
    CASE("x86-64-v3,-avx2", "\xc5\xfd\xfc\xc0", M32, UD),
    CASE("x86-64-v3,-avx2", "\xc5\xf8\x58\xc0", M32, DONE),
    CASE("x86-64-v3,-avx", "\xc4\xe2\x79\xdc\xc0", M32, UD),
    CASE("x86-64-v3,-avx", "\x66\x0f\x38\xdc\xc0", M32, DONE),
    CASE("x86-64-v3,-aes", "\xc4\xe2\x79\xdc\xc0", M32, UD),
    CASE("x86-64-v3,-sse", "\x0f\x58\xc0", M32, UD),
    CASE("x86-64-v3,-sse", "\x66\x0f\x38\xdc\xc0", M32, UD),
    CASE("x86-64-v3,-sse", "\x0f\xfc\xc0", M32, DONE),
    CASE("x86-64-v3,-bmi2", "\xc4\xe3\x7b\xf0\xc0\x01", M64, UD),
    CASE("x86-64-v3,-bmi2", "\xc4\xe2\x78\xf2\xc0", M64, DONE),
    CASE("x86-64-v3,-bmi1", "\xc4\xe2\x78\xf2\xc0", M64, UD),
    CASE("x86-64-v3,-rdrand", "\x0f\xc7\xf0", M64, UD),
    CASE("x86-64-v3,-rdrand", "\x0f\xc7\xf8", M64, DONE),
    CASE("x86-64-v3,-xsavec", "\x0f\xc7\x2f", M64, UD),
    CASE("x86-64-v3,-xgetbv1", "\xb9\x01\x00\x00\x00\x0f\x01\xd0", M64, GP),
    CASE("x86-64-v3", "\xb9\x01\x00\x00\x00\x0f\x01\xd0", M64, DONE),
    CASE("x86-64-v3", "\xb9\x02\x00\x00\x00\x0f\x01\xd0", M64, GP),
    CASE("x86-64,+avx2", "\xc5\xfd\xfc\xc0", M64, DONE),
    CASE("x86-64,+cr8legacy", "\xf0\x0f\x20\xc0", M32, DONE),
    CASE("x86-64,+cr8legacy", "\xf0\x0f\x22\xc0", M16, DONE),
    CASE("x86-64,+cr8legacy", "\xf0\x0f\x20\xd0", M32, UD),
    CASE("x86-64,-syscall", "\x0f\x05", M64, UD),
    CASE("x86-64,-sep", "\x0f\x34", M32, UD),
    CASE("x86-64,+monitor", "\x0f\x01\xc8", M32, DONE),
    CASE("x86-64,+monitor", "\x0f\x01\xc8", M64, DONE),
    CASE("x86-64,+monitor", "\x41\x0f\x01\xc8", M64, DONE),
    CASE("x86-64,+monitor", "\xb9\x01\x00\x00\x00\x0f\x01\xc8", M32, GP),
    CASE("x86-64,+popcnt", "\xf3\x0f\xb8\xc0", M32, DONE),
    CASE("pentium,-tsc", "\x0f\x31", M16, UD),
    CASE("pentium,-msr", "\x0f\x32", M16, UD),
    CASE("pentium,-cx8", "\x0f\xc7\x0f", M16, UD),
    CASE("pentium,+mmx", "\x0f\x33", M16, GP),
    CASE("pentium,+cmov", "\x0f\x44\xc8", M16, DONE),
    CASE("486,-cpuid", "\x0f\xa2", M16, UD),
    CASE("486,+vme", "\x0f\x20\xe0", M16, DONE),
    CASE("486,+sep", "\x0f\x34", M32, GP),
    CASE("386,+fpu", "\xdb\xc1", M16, UD),
    CASE("386,+fpu", "\xd9\xe8", M16, DONE),
    CASE("pentium3,-fpu", "\x0f\xfc\xc0", M16, UD),
    CASE("pentium3,-fpu", "\xd9\xe8", M16, DONE),
};

START_TEST(features)
{
    const Case *t = &cases[_i];
    unsigned got;
    ck_assert(rig_model(rig, t->spec));
    prepare(t->mode);
    got = go(t->bytes, t->len);
    ck_assert_msg(got == t->want, "%s, mode %u: %sgives %x, not %x", t->spec, t->mode,
                  hex((const uint8_t *)t->bytes, t->len), got, t->want);
}
END_TEST

/* TZCNT, LZCNT without their features are BSF, BSR, whatever the prefix. */
START_TEST(bit_counts)
{
    static const char tz[] = "\x66\xf3\x0f\xbc\xcb", lz[] = "\x66\xf3\x0f\xbd\xcb";
    ck_assert(rig_model(rig, "x86-64-v3"));
    prepare(M32);
    ck_assert_uint_eq(go(lz, 5), DONE);
    ck_assert_uint_eq(rig->cpu->gpr[VIV_REG_RCX], 0); /* of 9000h, 16 bits */
    ck_assert(rig_model(rig, "x86-64-v3,-abm,-bmi1"));
    prepare(M32);
    ck_assert_uint_eq(go(lz, 5), DONE);
    ck_assert_uint_eq(rig->cpu->gpr[VIV_REG_RCX], 15);
    prepare(M32);
    rig->cpu->gpr[VIV_REG_RBX] = 0;
    rig->cpu->gpr[VIV_REG_RCX] = 0x1234;
    ck_assert_uint_eq(go(tz, 5), DONE);
    ck_assert_uint_eq(rig->cpu->gpr[VIV_REG_RCX], 0x1234); /* BSF of zero */
}
END_TEST

/* -- detection ---------------------------------------------------------------------------------- */

/* PUSHFD; POP EAX; MOV ECX,EAX; XOR EAX,imm; PUSH EAX; POPFD; PUSHFD; POP EAX; XOR EAX,ECX */
static bool flag_toggles(uint32_t flag)
{
    uint8_t code[] = "\x66\x9c\x66\x58\x66\x89\xc1\x66\x35\0\0\0\0\x66\x50\x66\x9d\x66\x9c\x66"
                     "\x58\x66\x31\xc8";
    memcpy(code + 9, &flag, 4);
    prepare(M16);
    ck_assert_uint_eq(go(code, sizeof(code) - 1), DONE);
    return (rig->cpu->gpr[VIV_REG_RAX] & flag) != 0;
}

START_TEST(flags)
{
    static const struct {
        const char *spec;
        bool ac, id, vif;
    } list[] = {
        {"386", false, false, false},   {"386,+fpu", false, false, false},
        {"486", true, true, false},     {"486,-cpuid", true, false, false},
        {"pentium", true, true, false}, {"x86-64-v3", true, true, false},
    };
    unsigned k;
    for (k = 0; k < sizeof(list) / sizeof(list[0]); k++) {
        ck_assert(rig_model(rig, list[k].spec));
        ck_assert_msg(flag_toggles(0x40000) == list[k].ac, "%s: AC", list[k].spec);
        ck_assert_msg(flag_toggles(0x200000) == list[k].id, "%s: ID", list[k].spec);
        ck_assert_msg(flag_toggles(0x80000) == list[k].vif, "%s: VIF", list[k].spec);
        ck_assert(flag_toggles(0x4000)); /* NT: not a 286 in real mode */
    }
}
END_TEST

/* FNINIT; FNSTSW [BX] over a mark; MOV AX,[BX] */
START_TEST(fpu_found)
{
    static const char probe[] = "\xdb\xe3\xc7\x07\x5a\x5a\xdd\x3f\x8b\x07";
    static const char *const with[] = {"386,+fpu", "486", "pentium"};
    static const char *const without[] = {"386", "486,-fpu", "pentium3,-fpu"};
    unsigned k;
    for (k = 0; k < 3; k++) {
        ck_assert(rig_model(rig, with[k]));
        prepare(M16);
        ck_assert_uint_eq(go(probe, 10), DONE);
        ck_assert_uint_eq(rig->cpu->gpr[VIV_REG_RAX], 0);
        ck_assert(rig_model(rig, without[k]));
        prepare(M16);
        ck_assert_uint_eq(go(probe, 10), DONE);
        ck_assert_uint_eq(rig->cpu->gpr[VIV_REG_RAX], 0x5a5a);
    }
}
END_TEST

/* EM and TS stop ESC opcodes of a CPU without FPU too, WAIT needs MP and TS. */
START_TEST(fpu_missing_traps)
{
    ck_assert(rig_model(rig, "386"));
    prepare(M16);
    rig->cpu->cr0 |= 4;
    ck_assert_uint_eq(go("\xd9\xe8", 2), NM);
    prepare(M16);
    rig->cpu->cr0 |= 8;
    ck_assert_uint_eq(go("\xde\xd8", 2), NM); /* no encoding of any FPU */
    prepare(M16);
    rig->cpu->cr0 |= 8;
    ck_assert_uint_eq(go("\x9b", 1), DONE);
    prepare(M16);
    rig->cpu->cr0 |= 10;
    ck_assert_uint_eq(go("\x9b", 1), NM);
    prepare(M16);
    ck_assert_uint_eq(go("\xdb\x27", 2), DONE);
}
END_TEST

/* -- control registers -------------------------------------------------------------------------- */

/* MOV EAX,imm; MOV CRn,EAX; MOV EAX,CRn. ~0: #GP. */
static uint64_t cr_write(unsigned n, uint32_t value)
{
    uint8_t code[] = "\x66\xb8\0\0\0\0\x0f\x22\0\x0f\x20";
    uint8_t all[12];
    unsigned got;
    memcpy(code + 2, &value, 4);
    code[8] = (uint8_t)(0xc0 | n << 3);
    memcpy(all, code, 11);
    all[11] = code[8];
    prepare(M16);
    rig->cpu->cr4 = 0;
    got = go(all, 12);
    ck_assert(got == DONE || got == GP);
    return got == DONE ? (uint32_t)rig->cpu->gpr[VIV_REG_RAX] : ~0ull;
}

START_TEST(cr0_bits)
{
    ck_assert(rig_model(rig, "386"));
    ck_assert_uint_eq(cr_write(0, 0x7fffffe0), 0); /* NE WP AM NW CD: unknown */
    ck_assert_uint_eq(cr_write(0, 0x1e), 0x1e);
    ck_assert(rig_model(rig, "486"));
    ck_assert_uint_eq(cr_write(0, 0x7fffffe0), 0x60050030);
    ck_assert_uint_eq(cr_write(0, 0), 0x10);
    ck_assert_uint_eq(cr_write(0, 0x20000000), ~0ull); /* NW without CD */
}
END_TEST

START_TEST(cr4_bits)
{
    static const struct {
        const char *spec;
        uint32_t mask;
    } list[] = {
        {"486,+vme", 0x3},        {"pentium", 0x5f},
        {"pentium,+mmx", 0x15f},  {"pentium,-de", 0x57},
        {"pentium3", 0x7ff},      {"core2", 0x7ff},
        {"pentium3,-fpu", 0x1ff}, {"x86-64-v2", 0x3007ff},
        {"x86-64-v3", 0x350fff},  {"x86-64-v3,-smap,-umip", 0x1507ff},
    };
    unsigned k, bit;
    for (k = 0; k < sizeof(list) / sizeof(list[0]); k++) {
        ck_assert(rig_model(rig, list[k].spec));
        for (bit = 0; bit < 32; bit++) {
            uint64_t want = list[k].mask >> bit & 1 ? 1ull << bit : ~0ull;
            if (bit == 12 || bit == 17 || bit == 22)
                continue; /* LA57, PCIDE, PKE have conditions of their own */
            ck_assert_msg(cr_write(4, 1u << bit) == want, "%s: CR4 bit %u", list[k].spec, bit);
        }
    }
}
END_TEST

/* -- test registers, LOADALL --------------------------------------------------------------------- */

START_TEST(test_registers)
{
    ck_assert(rig_model(rig, "486"));
    prepare(M32);
    rig->cpu->gpr[VIV_REG_RAX] = 0x12345678;
    ck_assert_uint_eq(go("\x0f\x26\xf8\x0f\x24\xf9\x0f\x24\xf2", 9), DONE);
    ck_assert_uint_eq(rig->cpu->gpr[VIV_REG_RCX], 0x12345678); /* TR7 */
    ck_assert_uint_eq(rig->cpu->gpr[VIV_REG_RDX], 0);          /* TR6 */
}
END_TEST

START_TEST(loadall)
{
    static const uint32_t sels[6] = {0x5555, 0x4444, 0x2222, 0x6666, 0x1111, 0x3333};
    uint32_t k, at = DATA + 0x200;
    ck_assert(rig_model(rig, "386"));
    prepare(M16);
    rig->cpu->gpr[VIV_REG_RDI] = at;
    rig_w32(rig, at + 0x04, 2 | 1); /* CF */
    rig_w32(rig, at + 0x08, 0x100);
    for (k = 0; k < 8; k++)
        rig_w32(rig, at + 0x0c + 4 * k, 0x11111111 * (k + 1)); /* EDI ... EAX */
    for (k = 0; k < 6; k++)
        rig_w32(rig, at + 0x3c + 4 * k, sels[k]);
    rig_w32(rig, at + 0x64, 0); /* IDT */
    rig_w32(rig, at + 0x68, 0x3ff);
    for (k = 0; k < 6; k++) {
        uint32_t cache = at + 0x84 + 12 * k;
        rig_w32(rig, cache, k == 4 ? 0x9b00 : 0x9300);
        rig_w32(rig, cache + 4, k == 4 ? CODE : 0x200000);
        rig_w32(rig, cache + 8, 0xffff);
    }
    rig_w32(rig, 0x200010, 0xcafe);
    rig_load(rig, CODE + 0x100, "\x36\xa1\x10\x00\x8c\xd9\xf4", 7); /* mov ax,ss:[10]; mov cx,ds */
    rig_load(rig, CODE, "\x0f\x07\xf4", 3);
    ck_assert_uint_eq(rig_run(rig, 100), VIV_EXIT_HALT);
    ck_assert_uint_eq(rig->cpu->rip, 0x107);
    ck_assert_uint_eq(rig->cpu->gpr[VIV_REG_RAX], 0x8888cafe);
    ck_assert_uint_eq(rig->cpu->gpr[VIV_REG_RCX], 0x77772222);
    ck_assert_uint_eq(rig->cpu->gpr[VIV_REG_RDI], 0x11111111);
    ck_assert_uint_eq(rig->cpu->seg[VIV_SEG_CS].sel, 0x1111);
    ck_assert_uint_eq(rig->cpu->seg[VIV_SEG_ES].sel, 0x3333);
    ck_assert_uint_eq(rig->cpu->rflags & 0xfff, 3);
    ck_assert(rig_model(rig, "486"));
    prepare(M16);
    ck_assert_uint_eq(go("\x0f\x07", 2), UD);
}
END_TEST

/* -- MSRs --------------------------------------------------------------------------------------- */

typedef struct MsrRow {
    uint32_t msr;
    uint8_t have;       /* models */
    uint64_t good, bad; /* values to be written; bad 0: none is bad */
} MsrRow;

static const MsrRow msrs[] = {
    {0x10, SINCE(P5), 1, 0},
    {0x1b, LONG | P3, 0xfee00900, 1ull << 50},
    {0x17, P3 | C2, 0, 0},
    {0x8b, SINCE(P3), 0, 0},
    {0xfe, SINCE(P3), 0, 0}, /* read-only: see below */
    {0x174, SINCE(P3), 0x10, 0},
    {0x175, SINCE(P3), 0xffff800000000000, 0},
    {0x179, SINCE(P3), 0, 0},
    {0x1a0, C2, 0x400001, 2},
    {0x1d9, SINCE(P3), 0, 0},
    {0x200, SINCE(P3), 0x80000006, 0x80000007},
    {0x201, SINCE(P3), 0xf80000800, 0x1},
    {0x20f, SINCE(P3), 0x800, 1ull << 45},
    {0x250, SINCE(P3), 0x0606060606060606, 0x0606060606060602},
    {0x277, SINCE(P3), 0x0007040600070406, 0x2},
    {0x2ff, SINCE(P3), 0xc06, 0x100},
    {0x3a, C2, 0, 0},
    {0x12345, NOBODY, 0, 0},
    {0xc0000080, LONG, 0x1, 0x200},
    {0xc0000081, LONG, 0x0023001000000000, 0},
    {0xc0000082, LONG, 0xffffffff81000000, 0x0001000000000000},
    {0xc0000083, LONG, 0, 0x8000000000000000},
    {0xc0000084, LONG, 0x47700, 0},
    {0xc0000100, LONG, 0x7fffffffffff, 0x800000000000},
    {0xc0000102, LONG, 0x7fffffffffff, 0x800000000000},
    {0xc0000103, X1 | X2 | X3, 5, 0},
    {0xc0010015, X1 | X2 | X3, 0, 0},
    {0xda0, X3, 0, 1},
    {0x400, NOBODY, 0, 0},
    {0x6e0, NOBODY, 0, 0}, /* the rig has no APIC */
};

static unsigned msr_do(uint32_t msr, bool write, uint64_t value)
{
    prepare(M32);
    rig->cpu->gpr[VIV_REG_RCX] = msr;
    rig->cpu->gpr[VIV_REG_RAX] = (uint32_t)value;
    rig->cpu->gpr[VIV_REG_RDX] = value >> 32;
    return go(write ? "\x0f\x30" : "\x0f\x32", 2);
}

START_TEST(msr_table)
{
    unsigned k;
    ck_assert(rig_model(rig, models[_i]));
    for (k = 0; k < sizeof(msrs) / sizeof(msrs[0]); k++) {
        const MsrRow *m = &msrs[k];
        unsigned none = _i < 2 ? UD : GP; /* no RDMSR at all */
        bool have = m->have >> _i & 1;
        ck_assert_msg(msr_do(m->msr, false, 0) == (have ? DONE : none), "%s: read %x", models[_i],
                      m->msr);
        ck_assert_msg(msr_do(m->msr, true, m->good) == (have && m->msr != 0xfe ? DONE : none),
                      "%s: write %x", models[_i], m->msr);
        if (m->bad)
            ck_assert_msg(msr_do(m->msr, true, m->bad) == none, "%s: bad write %x", models[_i],
                          m->msr);
    }
}
END_TEST

START_TEST(msr_features)
{
    static const struct {
        const char *spec;
        uint32_t msr;
        unsigned want;
    } list[] = {
        {"x86-64-v3,-pat", 0x277, GP},
        {"x86-64-v3,-mtrr", 0x200, GP},
        {"x86-64-v3,-sep", 0x174, GP},
        {"x86-64-v3,-rdtscp", 0xc0000103, DONE},
        {"x86-64-v3,-rdtscp,-rdpid", 0xc0000103, GP},
        {"x86-64-v3,-xsaves", 0xda0, GP},
        {"x86-64-v3,-apic", 0x1b, GP},
        {"x86-64,-tsc", 0x10, GP},
        {"pentium3,+nx", 0xc0000080, DONE},
        {"pentium3,+nx", 0xc0000082, GP},
        {"x86-64,-mca", 0x179, GP},
    };
    unsigned k;
    for (k = 0; k < sizeof(list) / sizeof(list[0]); k++) {
        ck_assert(rig_model(rig, list[k].spec));
        ck_assert_msg(msr_do(list[k].msr, false, 0) == list[k].want, "%s: %x", list[k].spec,
                      list[k].msr);
    }
    /* EFER bits by feature; x2APIC by its own */
    ck_assert(rig_model(rig, "pentium3,+nx"));
    ck_assert_uint_eq(msr_do(0xc0000080, true, 0x800), DONE);
    ck_assert_uint_eq(msr_do(0xc0000080, true, 0x100), GP);
    ck_assert(rig_model(rig, "x86-64,-x2apic"));
    ck_assert_uint_eq(msr_do(0x1b, true, 0xfee00d00), GP);
    /* Intel takes the upper halves amiss that AMD drops */
    ck_assert(rig_model(rig, "core2,+rdtscp"));
    ck_assert_uint_eq(msr_do(0xc0000103, true, 1ull << 32), GP);
    ck_assert(rig_model(rig, "x86-64"));
    ck_assert_uint_eq(msr_do(0xc0000103, true, 1ull << 32 | 7), DONE);
    ck_assert_uint_eq(rig->cpu->tsc_aux, 7);
    /* EFER's bits 7:1 and LMA */
    ck_assert_uint_eq(msr_do(0xc0000080, true, 0xfe), DONE);
    ck_assert_uint_eq(rig->cpu->efer, 0);
    ck_assert_uint_eq(msr_do(0xc0000080, true, 0x500), GP);
    ck_assert(rig_model(rig, "core2"));
    ck_assert_uint_eq(msr_do(0xc0000080, true, 2), GP);
    ck_assert_uint_eq(msr_do(0xc0000080, true, 0x500), DONE);
    ck_assert_uint_eq(rig->cpu->efer, 0x100);
}
END_TEST

/* XGETBV with ECX = 1: what is in use. */
START_TEST(xinuse)
{
    ck_assert(rig_model(rig, "x86-64-v3"));
    prepare(M64);
    ck_assert_uint_eq(go("\xb9\x01\x00\x00\x00\x0f\x01\xd0", 8), DONE);
    ck_assert_uint_eq(rig->cpu->gpr[VIV_REG_RAX] & 6, 0);
    prepare(M64); /* vpcmpeqb ymm0,ymm0,ymm0 */
    ck_assert_uint_eq(go("\xc5\xfd\x74\xc0\xb9\x01\x00\x00\x00\x0f\x01\xd0", 12), DONE);
    ck_assert_uint_eq(rig->cpu->gpr[VIV_REG_RAX] & 6, 6);
}
END_TEST

/* UMIP: SGDT, SIDT, SLDT, STR, SMSW at CPL 3. */
START_TEST(umip)
{
    static const char *const list[] = {"\x0f\x01\x07", "\x0f\x01\x0f", "\x0f\x00\xc0",
                                       "\x0f\x00\xc8", "\x0f\x01\xe0"};
    unsigned k, on;
    ck_assert(rig_model(rig, "x86-64-v3"));
    for (k = 0; k < 5; k++)
        for (on = 0; on < 2; on++) {
            uint8_t code[8] = {0};
            rig_flat32(rig, CODE, 3);
            tables(M32);
            rig->cpu->gpr[VIV_REG_RBX] = rig->cpu->gpr[VIV_REG_RDI] = DATA;
            rig->cpu->cr4 = on ? 0x800 : 0;
            memcpy(code, list[k], 3);
            memset(code + 3, 0xd6, 5); /* SALC */
            rig_load(rig, CODE, code, sizeof(code));
            /* A fault at CPL 3 without a task segment ends in a triple fault. */
            ck_assert_uint_eq(rig_run(rig, 3), on ? VIV_EXIT_TRIPLE_FAULT : VIV_EXIT_BUDGET);
        }
}
END_TEST

/* Where the vendors differ in decoding: [0] AMD, [1] Intel. Both: where a snippet halts, the number of
 * its bytes in front of it; how far RSP has moved. */
typedef struct Vendor {
    unsigned mode;
    const char *bytes;
    unsigned len;
    struct {
        unsigned outcome, end;
        int rsp;
    } as[2];
} Vendor;

static const Vendor vendors[] = {
    /* 66 makes near branches 16 bits wide, or does nothing */
    {M64, "\x66\xe9\x04\x00\x00\x00", 6, {{DONE, 8, 0}, {DONE, 10, 0}}},
    {M64, "\x66\x0f\x83\x04\x00\x00\x00", 7, {{DONE, 9, 0}, {DONE, 11, 0}}},
    {M64, "\x66\xe8\x04\x00\x00\x00", 6, {{DONE, 8, -2}, {DONE, 10, -8}}},
    {M64, "\x66\x48\xe9\x04\x00\x00\x00", 7, {{DONE, 11, 0}, {DONE, 11, 0}}},
    {M64, "\x66\xc3", 2, {{DONE, 5, 2}, {DONE, 5, 8}}},
    {M64, "\x66\xc2\x10\x00", 4, {{DONE, 5, 18}, {DONE, 5, 24}}},
    {M64, "\x66\xff\xd0", 3, {{DONE, 5, -2}, {DONE, 5, -8}}},
    /* F2 and F3 choose what LOOPNE and LOOPE look for, or do nothing */
    {M32, "\xf3\xe0\x04", 3, {{DONE, 3, 0}, {DONE, 7, 0}}},
    {M64, "\xf2\xe1\x04", 3, {{DONE, 7, 0}, {DONE, 3, 0}}},
    {M64, "\xf2\xe0\x04", 3, {{DONE, 7, 0}, {DONE, 7, 0}}},
    /* VPERMQ without VEX.W, VPINSRD with it, a misaligned SHA1NEXTE */
    {M64, "\xc4\xe3\x7d\x00\xc0\x00", 6, {{DONE, 6, 0}, {UD, 6, 0}}},
    {M64, "\xc4\xe3\xfd\x00\xc0\x00", 6, {{DONE, 6, 0}, {DONE, 6, 0}}},
    {M32, "\xc4\xe3\xf9\x22\xc0\x00", 6, {{UD, 6, 0}, {DONE, 6, 0}}},
    {M64, "\x0f\x38\xc8\x47\x01", 5, {{DONE, 5, 0}, {GP, 5, 0}}},
    /* MOVSXD AX, [3FFFFFFEh]: four bytes, of which two are not there, or two */
    {M64, "\x66\x63\x04\x25\xfe\xff\xff\x3f", 8, {{PF, 8, 0}, {DONE, 8, 0}}},
};

START_TEST(vendor_ways)
{
    static const char *const specs[2] = {"x86-64-v3", "core2,+avx2,+sha"};
    const Vendor *v = &vendors[_i];
    unsigned k;
    for (k = 0; k < 2; k++) {
        uint8_t code[16];
        memset(code, 0xf4, sizeof(code));
        memcpy(code, v->bytes, v->len);
        ck_assert(rig_model(rig, specs[k]));
        prepare(v->mode);
        rig->cpu->gpr[VIV_REG_RAX] = CODE + 5;
        rig->cpu->gpr[VIV_REG_RCX] = 2;
        rig_w64(rig, 0x7000, CODE + 5);
        ck_assert_msg(go(code, v->as[k].end) == v->as[k].outcome, "%s: %s", specs[k],
                      hex(code, v->len));
        if (v->as[k].outcome == DONE)
            ck_assert_int_eq((int)rig->cpu->gpr[VIV_REG_RSP] - 0x7000, v->as[k].rsp);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("models");
    TCase *tc = tcase_create("models");
    SRunner *runner;
    int failed;
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, rig_up, rig_down);
    tcase_add_loop_test(tc, instructions, 0, (int)MODELS);
    tcase_add_loop_test(tc, features, 0, (int)(sizeof(cases) / sizeof(cases[0])));
    tcase_add_test(tc, bit_counts);
    tcase_add_test(tc, flags);
    tcase_add_test(tc, fpu_found);
    tcase_add_test(tc, fpu_missing_traps);
    tcase_add_test(tc, cr0_bits);
    tcase_add_test(tc, cr4_bits);
    tcase_add_test(tc, test_registers);
    tcase_add_test(tc, loadall);
    tcase_add_loop_test(tc, msr_table, 0, (int)MODELS);
    tcase_add_test(tc, msr_features);
    tcase_add_test(tc, xinuse);
    tcase_add_test(tc, umip);
    tcase_add_loop_test(tc, vendor_ways, 0, (int)(sizeof(vendors) / sizeof(vendors[0])));
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
