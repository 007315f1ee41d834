/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Paging on an execution engine: walks against the model of paging.c, what the TLBs may and may not
 * keep, PCIDs, protection keys, 5-level paging, accesses that cross pages, tables in odd places.
 *
 * Environment: VIV_ENGINE_PLUGIN the engine's .so. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "paging.h"

static Rig *rig_new(const char *spec)
{
    Rig *rig = rig_create(getenv("VIV_ENGINE_PLUGIN"), NULL, PAGING_RAM);
    ck_assert_ptr_nonnull(rig);
    ck_assert(rig_model(rig, spec));
    return rig;
}

/* -- walks ------------------------------------------------------------------------------------- */
static uint64_t draw_seeded(void *stream, uint64_t below)
{
    uint64_t *s = stream;
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return (*s >> 11) % below;
}

#define WALKS 40000

START_TEST(walks_random)
{
    const PagingCpu *cpu = &paging_cpus[_i];
    Rig *rig = rig_new(cpu->spec);
    uint64_t stream = 0x9e3779b97f4a7c15ull + (uint64_t)_i;
    uint32_t k;
    for (k = 0; k < WALKS; k++) {
        const char *bad;
        PagingCase t;
        paging_draw(&t, cpu, draw_seeded, &stream);
        bad = paging_check(rig, &t);
        ck_assert_msg(bad == NULL, "case %u: %s", k, bad);
    }
    rig_destroy(rig);
}
END_TEST

/* All rights of two levels, all of what decides about them, all accesses. */
START_TEST(walks_all_legacy)
{
    const PagingCpu *cpu = &paging_cpus[0];
    Rig *rig = rig_new(cpu->spec);
    uint32_t rights, control, access;
    for (rights = 0; rights < 64; rights++)
        for (control = 0; control < 32; control++)
            for (access = 0; access < PAGING_ACCESSES; access++) {
                const char *bad;
                PagingCase t = {.cpu = cpu,
                                .mode = PAGING_LEGACY,
                                .access = (PagingAccess)access,
                                .cpl = control & 1 ? 3 : 0,
                                .wp = control & 2,
                                .smep = control & 4,
                                .smap = control & 8,
                                .ac = control & 16,
                                .lin = 0x80403008};
                t.ent[0] = (PAGING_TABLES + 0x1000) | (rights & 7);
                t.ent[1] = 0x400000 | rights >> 3;
                bad = paging_check(rig, &t);
                ck_assert_msg(bad == NULL, "%s", bad);
            }
    rig_destroy(rig);
}
END_TEST

/* All of what protection keys depend on, with a key at each end of PKRU. */
START_TEST(walks_all_keys)
{
    const PagingCpu *cpu = &paging_cpus[0];
    Rig *rig = rig_new(cpu->spec);
    uint32_t control, access, key;
    for (key = 0; key < 16; key += 5)
        for (control = 0; control < 128; control++)
            for (access = 0; access < PAGING_ACCESSES; access++) {
                const char *bad;
                uint64_t user = control & 64 ? 4 : 0, w = control & 32 ? 2 : 0;
                PagingCase t = {.cpu = cpu,
                                .mode = control & 1 ? PAGING_LONG5 : PAGING_LONG4,
                                .access = (PagingAccess)access,
                                .cpl = control & 2 ? 3 : 0,
                                .wp = control & 4,
                                .pke = true,
                                .pkru = (control >> 3 & 3) << (2 * key),
                                .lin = 0xffff800000403008ull};
                uint32_t level, last = control & 1 ? 4 : 3;
                for (level = 0; level < last; level++)
                    t.ent[level] = (PAGING_TABLES + 0x1000 * (level + 1)) | 7;
                t.ent[last] = 0x400001 | user | w | (uint64_t)key << 59;
                bad = paging_check(rig, &t);
                ck_assert_msg(bad == NULL, "%s", bad);
            }
    rig_destroy(rig);
}
END_TEST

/* -- what a TLB may keep ----------------------------------------------------------------------- */
#define TEST_LIN  0x8000000000ull
#define TEST_PT   (PAGING_TABLES + 0x3000)
#define TEST_PD   (PAGING_TABLES + 0x2000)
#define TEST_PDPT (PAGING_TABLES + 0x1000)
#define PAGE(n)   (0x400000ull + (uint64_t)(n)*0x1000) /* its bytes are n */
#define GLOBAL    0x100u

#define CR4_PGE   0x80u
#define CR4_PCIDE 0x20000u
#define CR4_PKE   0x400000u
#define CR4_XSAVE 0x40000u
#define NO_FLUSH  (1ull << 63)

/* 4-level paging; the test's region is mapped as far as its page table. */
static Rig *tlb_rig(const char *spec)
{
    Rig *rig = rig_new(spec);
    uint32_t k;
    paging_env(rig, PAGING_LONG4, 0);
    rig_w64(rig, PAGING_ROOT + 8, TEST_PDPT | 7);
    rig_w64(rig, TEST_PDPT, TEST_PD | 7);
    rig_w64(rig, TEST_PD, TEST_PT | 7);
    for (k = 0; k < 256; k++)
        memset(rig->ram + PAGE(k), (int)k, 0x1000);
    rig->cpu->cr4 |= CR4_PGE;
    return rig;
}

static void map(Rig *rig, uint32_t index, uint32_t page, uint64_t flags)
{
    rig_w64(rig, TEST_PT + index * 8, PAGE(page) | 7 | flags);
}

/* Executes count instructions; the vector of what they raise, or -1. The frame is dropped. */
static int run(Rig *rig, const void *bytes, size_t len, uint32_t count)
{
    uint64_t sp = rig->cpu->gpr[VIV_REG_RSP];
    int vector;
    rig_load(rig, PAGING_CODE, bytes, len);
    rig->cpu->rip = PAGING_CODE;
    (void)rig_run(rig, count);
    vector = paging_vector(rig);
    if (vector >= 0) {
        rig->exit_code = paging_error(rig);
        rig->cpu->gpr[VIV_REG_RSP] = sp;
        rig->cpu->activity = VIV_ACT_RUNNING;
    }
    return vector;
}

#define RUN(rig, ...)                                                                              \
    __extension__({                                                                                \
        static const uint8_t code_[] = {__VA_ARGS__};                                              \
        run((rig), code_, sizeof(code_), 1);                                                       \
    })

/* The byte at an address, or minus the vector. */
static int peek(Rig *rig, uint64_t lin)
{
    int vector;
    rig->cpu->gpr[VIV_REG_RBX] = lin;
    vector = RUN(rig, 0x8a, 0x03); /* mov al, [rbx] */
    return vector < 0 ? (int)(rig->cpu->gpr[VIV_REG_RAX] & 0xff) : -vector;
}

static int poke(Rig *rig, uint64_t lin, uint8_t v)
{
    rig->cpu->gpr[VIV_REG_RBX] = lin;
    rig->cpu->gpr[VIV_REG_RAX] = v;
    return RUN(rig, 0x88, 0x03); /* mov [rbx], al */
}

static int set_cr0(Rig *rig, uint64_t v)
{
    rig->cpu->gpr[VIV_REG_RAX] = v;
    return RUN(rig, 0x0f, 0x22, 0xc0);
}

static int set_cr3(Rig *rig, uint64_t v)
{
    rig->cpu->gpr[VIV_REG_RAX] = v;
    return RUN(rig, 0x0f, 0x22, 0xd8);
}

static int set_cr4(Rig *rig, uint64_t v)
{
    rig->cpu->gpr[VIV_REG_RAX] = v;
    return RUN(rig, 0x0f, 0x22, 0xe0);
}

static int invlpg(Rig *rig, uint64_t lin)
{
    rig->cpu->gpr[VIV_REG_RBX] = lin;
    return RUN(rig, 0x0f, 0x01, 0x3b);
}

/* The descriptor lies on the stack page. */
static int invpcid(Rig *rig, uint64_t type, uint64_t pcid, uint64_t lin)
{
    rig_w64(rig, PAGING_STACK - 0x800, pcid);
    rig_w64(rig, PAGING_STACK - 0x7f8, lin);
    rig->cpu->gpr[VIV_REG_RBX] = PAGING_STACK - 0x800;
    rig->cpu->gpr[VIV_REG_RAX] = type;
    return RUN(rig, 0x66, 0x0f, 0x38, 0x82, 0x03);
}

START_TEST(invlpg_drops_a_page)
{
    Rig *rig = tlb_rig("x86-64-v3");
    map(rig, 3, 1, GLOBAL);
    map(rig, 4, 3, 0);
    ck_assert_int_eq(peek(rig, TEST_LIN + 0x3000), 1);
    ck_assert_int_eq(peek(rig, TEST_LIN + 0x4000), 3);
    map(rig, 3, 2, GLOBAL);
    map(rig, 4, 4, 0);
    ck_assert_int_eq(set_cr3(rig, PAGING_ROOT), -1);
    ck_assert_int_eq(peek(rig, TEST_LIN + 0x3000), 1); /* global: it stays */
    ck_assert_int_eq(peek(rig, TEST_LIN + 0x4000), 4);
    ck_assert_int_eq(invlpg(rig, TEST_LIN + 0x3fff), -1);
    ck_assert_int_eq(peek(rig, TEST_LIN + 0x3000), 2);
    /* a change of PGE drops all */
    map(rig, 3, 5, GLOBAL);
    ck_assert_int_eq(set_cr4(rig, rig->cpu->cr4 & ~(uint64_t)CR4_PGE), -1);
    ck_assert_int_eq(peek(rig, TEST_LIN + 0x3000), 5);
    map(rig, 3, 6, GLOBAL); /* not global while PGE is clear */
    ck_assert_int_eq(set_cr3(rig, PAGING_ROOT), -1);
    ck_assert_int_eq(peek(rig, TEST_LIN + 0x3000), 6);
    /* INVLPG takes any address in 64-bit mode, and no other level than 0 */
    ck_assert_int_eq(invlpg(rig, 0x8000000000000000ull), -1);
    rig_destroy(rig);
}
END_TEST

/* Any address within a large page will do; its pieces go, in data and in code. */
START_TEST(invlpg_drops_a_large_page)
{
    static const uint64_t spans[2] = {0x200000, 0x40000000};
    uint64_t span = spans[_i], lin = TEST_LIN + 0x40000000, at;
    Rig *rig = tlb_rig("x86-64-v3,+pdpe1gb");
    uint64_t entry = _i ? TEST_PDPT + 8 : TEST_PD;
    uint64_t base = _i ? 0 : 0x800000, other = _i ? 0x40000000 : 0xa00000;
    if (!_i)
        lin = TEST_LIN;
    at = lin + (_i ? 0x800000 : 0);
    memset(rig->ram + 0x800000, 0x11, 0x200000);
    memset(rig->ram + 0xa00000, 0x22, 0x200000);
    rig_w64(rig, entry, base | 0x87);
    ck_assert_int_eq(peek(rig, at + 0x5000), 0x11);
    ck_assert_int_eq(peek(rig, at + 0x1ff000), 0x11);
    rig_w64(rig, entry, other | 0x87);
    ck_assert_int_eq(invlpg(rig, lin + span - 1), -1);
    ck_assert_int_eq(peek(rig, at + 0x5000), _i ? 0xff : 0x22);
    ck_assert_int_eq(peek(rig, at + 0x1ff000), _i ? 0xff : 0x22);
    rig_destroy(rig);
}
END_TEST

/* What is cached under a PCID is kept while others run, if MOV CR3 asks for it. */
START_TEST(pcid_keeps_and_drops)
{
    Rig *rig = tlb_rig("x86-64-v3");
    map(rig, 0, 1, 0);
    ck_assert_int_eq(set_cr4(rig, rig->cpu->cr4 | CR4_PCIDE), -1);
    ck_assert_int_eq(set_cr3(rig, PAGING_ROOT | 1), -1);
    ck_assert_int_eq(peek(rig, TEST_LIN), 1);
    map(rig, 0, 2, 0);
    ck_assert_int_eq(set_cr3(rig, PAGING_ROOT | 2), -1);
    ck_assert_int_eq(peek(rig, TEST_LIN), 2);
    ck_assert_int_eq(set_cr3(rig, PAGING_ROOT | 1 | NO_FLUSH), -1);
    ck_assert_uint_eq(rig->cpu->cr3, PAGING_ROOT | 1);
    ck_assert_int_eq(peek(rig, TEST_LIN), 1);
    ck_assert_int_eq(set_cr3(rig, PAGING_ROOT | 1), -1);
    ck_assert_int_eq(peek(rig, TEST_LIN), 2);
    /* INVLPG is of the current PCID */
    map(rig, 0, 3, 0);
    ck_assert_int_eq(invlpg(rig, TEST_LIN), -1);
    ck_assert_int_eq(peek(rig, TEST_LIN), 3);
    ck_assert_int_eq(set_cr3(rig, PAGING_ROOT | 2 | NO_FLUSH), -1);
    ck_assert_int_eq(peek(rig, TEST_LIN), 2);
    /* and the end of PCIDs is the end of everything */
    ck_assert_int_eq(set_cr4(rig, rig->cpu->cr4 & ~(uint64_t)CR4_PCIDE), -1);
    ck_assert_int_eq(peek(rig, TEST_LIN), 3);
    rig_destroy(rig);
}
END_TEST

/* Global pages: INVLPG and a change of PGE drop them under every PCID. */
START_TEST(pcid_and_global_pages)
{
    Rig *rig = tlb_rig("x86-64-v3");
    map(rig, 0, 1, GLOBAL);
    ck_assert_int_eq(set_cr4(rig, rig->cpu->cr4 | CR4_PCIDE), -1);
    ck_assert_int_eq(set_cr3(rig, PAGING_ROOT | 1), -1);
    ck_assert_int_eq(peek(rig, TEST_LIN), 1);
    ck_assert_int_eq(set_cr3(rig, PAGING_ROOT | 2), -1);
    map(rig, 0, 2, GLOBAL);
    ck_assert_int_eq(invlpg(rig, TEST_LIN), -1);
    ck_assert_int_eq(set_cr3(rig, PAGING_ROOT | 1 | NO_FLUSH), -1);
    ck_assert_int_eq(peek(rig, TEST_LIN), 2);
    ck_assert_int_eq(set_cr3(rig, PAGING_ROOT | 2 | NO_FLUSH), -1);
    map(rig, 0, 3, GLOBAL);
    ck_assert_int_eq(set_cr4(rig, rig->cpu->cr4 & ~(uint64_t)CR4_PGE), -1);
    ck_assert_int_eq(set_cr3(rig, PAGING_ROOT | 1 | NO_FLUSH), -1);
    ck_assert_int_eq(peek(rig, TEST_LIN), 3);
    rig_destroy(rig);
}
END_TEST

/* Each type, told from another PCID; index 1 is global. */
START_TEST(invpcid_types)
{
    static const struct {
        uint64_t pcid, lin;
        int plain, other, global; /* 1: may be kept and is, 2: is seen anew */
    } types[4] = {{1, TEST_LIN, 2, 1, 1}, {1, 0, 2, 2, 1}, {0, 0, 2, 2, 2}, {0, 0, 2, 2, 1}};
    Rig *rig = tlb_rig("x86-64-v3");
    ck_assert_int_eq(set_cr4(rig, rig->cpu->cr4 | CR4_PCIDE), -1);
    map(rig, 0, 1, 0);
    map(rig, 1, 1, GLOBAL);
    map(rig, 2, 1, 0);
    ck_assert_int_eq(set_cr3(rig, PAGING_ROOT | 1), -1);
    ck_assert_int_eq(peek(rig, TEST_LIN), 1);
    ck_assert_int_eq(peek(rig, TEST_LIN + 0x1000), 1);
    ck_assert_int_eq(peek(rig, TEST_LIN + 0x2000), 1);
    ck_assert_int_eq(set_cr3(rig, PAGING_ROOT | 2), -1);
    map(rig, 0, 2, 0);
    map(rig, 1, 2, GLOBAL);
    map(rig, 2, 2, 0);
    ck_assert_int_eq(invpcid(rig, (uint64_t)_i, types[_i].pcid, types[_i].lin), -1);
    ck_assert_int_eq(set_cr3(rig, PAGING_ROOT | 1 | NO_FLUSH), -1);
    ck_assert_int_eq(peek(rig, TEST_LIN), types[_i].plain);
    ck_assert_int_eq(peek(rig, TEST_LIN + 0x1000), types[_i].global);
    ck_assert_int_eq(peek(rig, TEST_LIN + 0x2000), types[_i].other);
    rig_destroy(rig);
}
END_TEST

START_TEST(invpcid_faults)
{
    Rig *rig = tlb_rig("x86-64-v3");
    ck_assert_int_eq(invpcid(rig, 0, 0, TEST_LIN), -1);
    ck_assert_int_eq(invpcid(rig, 4, 0, 0), 13);
    ck_assert_int_eq(invpcid(rig, 2, 0x1000, 0), 13);
    ck_assert_int_eq(invpcid(rig, 0, 1, 0), 13); /* PCIDE is clear */
    ck_assert_int_eq(invpcid(rig, 1, 1, 0), 13);
    ck_assert_int_eq(invpcid(rig, 2, 1, 0), -1);
    ck_assert_int_eq(invpcid(rig, 0, 0, 1ull << 47), 13);
    ck_assert_int_eq(invpcid(rig, 1, 0, 1ull << 47), -1);
    ck_assert_int_eq(set_cr4(rig, rig->cpu->cr4 | CR4_PCIDE), -1);
    ck_assert_int_eq(invpcid(rig, 1, 0xfff, 0), -1);
    rig_destroy(rig);
    rig = tlb_rig("x86-64-v3,-invpcid");
    ck_assert_int_eq(invpcid(rig, 0, 0, TEST_LIN), 6);
    rig_destroy(rig);
}
END_TEST

/* More PCIDs than any TLB has room for: whatever was kept must be the PCID's own. */
START_TEST(pcids_by_the_dozen)
{
    Rig *rig = tlb_rig("x86-64-v3");
    uint32_t k, round;
    ck_assert_int_eq(set_cr4(rig, rig->cpu->cr4 | CR4_PCIDE), -1);
    for (k = 0; k < 24; k++) {
        map(rig, 0, k, 0);
        ck_assert_int_eq(set_cr3(rig, PAGING_ROOT | k), -1);
        ck_assert_int_eq(peek(rig, TEST_LIN), (int)k);
    }
    map(rig, 0, 100, 0);
    for (round = 0; round < 2; round++)
        for (k = 0; k < 24; k++) {
            int v;
            ck_assert_int_eq(set_cr3(rig, PAGING_ROOT | k | NO_FLUSH), -1);
            v = peek(rig, TEST_LIN);
            ck_assert_msg(v == (int)k || v == 100, "PCID %u sees %d", k, v);
        }
    rig_destroy(rig);
}
END_TEST

/* Code is found by linear address, too: jmp rbx; there: mov al, N */
START_TEST(pcid_and_code)
{
    static const uint8_t code[] = {0xff, 0xe3};
    Rig *rig = tlb_rig("x86-64-v3");
    uint32_t k;
    rig_load(rig, PAGE(1), "\xb0\x01", 2);
    rig_load(rig, PAGE(2), "\xb0\x02", 2);
    ck_assert_int_eq(set_cr4(rig, rig->cpu->cr4 | CR4_PCIDE), -1);
    for (k = 1; k < 3; k++) {
        map(rig, 0, k, 0);
        ck_assert_int_eq(set_cr3(rig, PAGING_ROOT | k), -1);
        rig->cpu->gpr[VIV_REG_RBX] = TEST_LIN;
        ck_assert_int_eq(run(rig, code, 2, 2), -1);
        ck_assert_uint_eq(rig->cpu->gpr[VIV_REG_RAX] & 0xff, k);
    }
    for (k = 1; k < 6; k++) {
        ck_assert_int_eq(set_cr3(rig, PAGING_ROOT | (1 + (k & 1)) | NO_FLUSH), -1);
        rig->cpu->gpr[VIV_REG_RBX] = TEST_LIN;
        ck_assert_int_eq(run(rig, code, 2, 2), -1);
        ck_assert_uint_eq(rig->cpu->gpr[VIV_REG_RAX] & 0xff, 1 + (k & 1));
    }
    rig_destroy(rig);
}
END_TEST

/* A store into code that another PCID has run: mov cr3, rsi; call rbx; mov cr3, rdi;
 * mov byte [r8], 9; mov cr3, rsi; call rbx; hlt */
START_TEST(pcid_and_changed_code)
{
    static const uint8_t code[] = {0x0f, 0x22, 0xde, 0xff, 0xd3, 0x0f, 0x22, 0xdf, 0x41,
                                   0xc6, 0x00, 0x09, 0x0f, 0x22, 0xde, 0xff, 0xd3, 0xf4};
    Rig *rig = tlb_rig("x86-64-v3");
    rig_load(rig, PAGE(1), "\xb0\x01\xc3", 3); /* mov al, 1; ret */
    map(rig, 0, 1, 0);
    map(rig, 1, 1, 0);
    ck_assert_int_eq(set_cr4(rig, rig->cpu->cr4 | CR4_PCIDE), -1);
    rig->cpu->gpr[VIV_REG_RBX] = TEST_LIN;
    rig->cpu->gpr[8] = TEST_LIN + 0x1001;
    rig->cpu->gpr[VIV_REG_RSI] = PAGING_ROOT | 1 | NO_FLUSH;
    rig->cpu->gpr[VIV_REG_RDI] = PAGING_ROOT | 3 | NO_FLUSH;
    ck_assert_int_eq(run(rig, code, sizeof(code), 11), -1);
    ck_assert_uint_eq(rig->cpu->rip, PAGING_CODE + sizeof(code));
    ck_assert_uint_eq(rig->cpu->gpr[VIV_REG_RAX] & 0xff, 9);
    rig_destroy(rig);
}
END_TEST

START_TEST(control_register_faults)
{
    Rig *rig = tlb_rig("x86-64-v3,+la57");
    uint64_t cr4 = rig->cpu->cr4;
    ck_assert_int_eq(set_cr3(rig, PAGING_ROOT | NO_FLUSH), 13); /* reserved without PCIDs */
    ck_assert_int_eq(set_cr3(rig, PAGING_ROOT | 1ull << 40), 13);
    ck_assert_int_eq(set_cr4(rig, cr4 | 0x1000), 13); /* LA57 in IA-32e mode */
    ck_assert_int_eq(set_cr4(rig, cr4 & ~0x20ull), 13);
    ck_assert_int_eq(set_cr3(rig, PAGING_ROOT | 0x18), -1);
    ck_assert_int_eq(set_cr4(rig, cr4 | CR4_PCIDE), 13); /* CR3[11:0] is not zero */
    ck_assert_int_eq(set_cr3(rig, PAGING_ROOT), -1);
    ck_assert_int_eq(set_cr4(rig, cr4 | CR4_PCIDE), -1);
    /* PG with PCIDE, from compatibility mode */
    rig->cpu->seg[VIV_SEG_CS].attr = 0xc09b;
    ck_assert_int_eq(set_cr0(rig, rig->cpu->cr0 & 0x7fffffff), 13);
    rig_destroy(rig);

    rig = rig_new("x86-64-v3,-la57,-pcid,-pku");
    paging_env(rig, PAGING_LEGACY, 0);
    ck_assert_int_eq(set_cr4(rig, 0x1000), 13);
    ck_assert_int_eq(set_cr4(rig, CR4_PKE), 13);
    ck_assert_int_eq(set_cr4(rig, CR4_PCIDE), 13);
    rig_destroy(rig);

    rig = rig_new("x86-64-v3,+la57");
    paging_env(rig, PAGING_LEGACY, 0);
    ck_assert_int_eq(set_cr4(rig, CR4_PCIDE), 13); /* not outside IA-32e mode */
    ck_assert_int_eq(set_cr4(rig, 0x1000), -1);
    rig_destroy(rig);
}
END_TEST

/* IA-32e mode is not entered from a code segment with L set, nor, on Intel's, with a 16-bit TSS. */
START_TEST(long_mode_entry)
{
    static const struct {
        const char *spec;
        uint32_t tss, cs;
        bool enters;
    } list[] = {
        {"x86-64-v3", 0x8b, 0xc09b, true},  {"x86-64-v3", 0x83, 0xc09b, true},
        {"x86-64-v3", 0x8b, 0xe09b, false}, {"core2", 0x8b, 0xc09b, true},
        {"core2", 0x83, 0xc09b, false},     {"core2", 0x8b, 0xe09b, false},
    };
    Rig *rig = rig_new(list[_i].spec);
    paging_env(rig, PAGING_LONG4, 0);
    rig->cpu->cr0 = 0x11;
    rig->cpu->efer = 0x100;
    rig->cpu->tr.attr = list[_i].tss;
    rig->cpu->seg[VIV_SEG_CS].attr = list[_i].cs;
    rig->cpu->idtr.limit = 0;
    rig_load(rig, PAGING_CODE, "\x0f\x22\xc0", 3);
    rig->cpu->rip = PAGING_CODE;
    rig->cpu->gpr[VIV_REG_RAX] = 0x80000011;
    ck_assert_uint_eq(rig_run(rig, 1), list[_i].enters ? VIV_EXIT_BUDGET : VIV_EXIT_TRIPLE_FAULT);
    ck_assert_uint_eq(rig->cpu->efer, list[_i].enters ? 0x500 : 0x100);
    rig_destroy(rig);
}
END_TEST

/* -- protection keys --------------------------------------------------------------------------- */
static int wrpkru(Rig *rig, uint64_t v)
{
    rig->cpu->gpr[VIV_REG_RAX] = v;
    rig->cpu->gpr[VIV_REG_RCX] = rig->cpu->gpr[VIV_REG_RDX] = 0xffffffff00000000ull;
    return RUN(rig, 0x0f, 0x01, 0xef);
}

static uint32_t pkru_of(const Rig *rig)
{
    uint32_t v;
    memcpy(&v, rig->cpu->xsave + VIV_XSAVE_PKRU_OFFSET, 4);
    return v;
}

#define KEY(n) ((uint64_t)(n) << 59)

START_TEST(pkru_instructions)
{
    Rig *rig = tlb_rig("x86-64-v3");
    ck_assert_int_eq(wrpkru(rig, 0), 6);
    ck_assert_int_eq(set_cr4(rig, rig->cpu->cr4 | CR4_PKE), -1);
    ck_assert_int_eq(wrpkru(rig, 0xffffffff12345678ull), -1);
    ck_assert_uint_eq(pkru_of(rig), 0x12345678);
    ck_assert_int_eq(RUN(rig, 0x0f, 0x01, 0xee), -1);
    ck_assert_uint_eq(rig->cpu->gpr[VIV_REG_RAX], 0x12345678);
    ck_assert_uint_eq(rig->cpu->gpr[VIV_REG_RDX], 0);
    rig->cpu->gpr[VIV_REG_RCX] = 1;
    ck_assert_int_eq(RUN(rig, 0x0f, 0x01, 0xee), 13);
    ck_assert_int_eq(RUN(rig, 0x0f, 0x01, 0xef), 13);
    rig->cpu->gpr[VIV_REG_RCX] = 0;
    rig->cpu->gpr[VIV_REG_RDX] = 1;
    ck_assert_int_eq(RUN(rig, 0x0f, 0x01, 0xef), 13);
    ck_assert_uint_eq(pkru_of(rig), 0x12345678);
    /* OSPKE follows CR4 */
    rig->cpu->gpr[VIV_REG_RAX] = 7;
    rig->cpu->gpr[VIV_REG_RCX] = 0;
    ck_assert_int_eq(RUN(rig, 0x0f, 0xa2), -1);
    ck_assert_uint_eq(rig->cpu->gpr[VIV_REG_RCX] & 0x18, 0x18);
    ck_assert_int_eq(set_cr4(rig, rig->cpu->cr4 & ~(uint64_t)CR4_PKE), -1);
    rig->cpu->gpr[VIV_REG_RAX] = 7;
    rig->cpu->gpr[VIV_REG_RCX] = 0;
    ck_assert_int_eq(RUN(rig, 0x0f, 0xa2), -1);
    ck_assert_uint_eq(rig->cpu->gpr[VIV_REG_RCX] & 0x18, 0x08);
    rig_destroy(rig);
}
END_TEST

/* Pages that have been in use obey a new PKRU at once, and no others change; pages: how many. */
START_TEST(pkru_takes_effect)
{
    static const uint32_t counts[2] = {8, 200};
    Rig *rig = tlb_rig("x86-64-v3");
    uint32_t k, n = counts[_i];
    ck_assert_int_eq(set_cr4(rig, rig->cpu->cr4 | CR4_PKE), -1);
    for (k = 0; k < n; k++) {
        map(rig, k, k, KEY(k % 4) | 0x60);
        ck_assert_int_eq(peek(rig, TEST_LIN + k * 0x1000), (int)k);
    }
    ck_assert_int_eq(wrpkru(rig, 1u << 6 | 2u << 4), -1); /* AD of key 3, WD of key 2 */
    for (k = 0; k < n; k++)
        ck_assert_int_eq(peek(rig, TEST_LIN + k * 0x1000), k % 4 == 3 ? -14 : (int)k);
    ck_assert_uint_eq(rig->cpu->cr2 & ~0x3000ull, (TEST_LIN + (n - 1) * 0x1000ull) & ~0x3000ull);
    ck_assert_uint_eq(rig->exit_code, 0x21);
    /* WP is clear: WD does not bind the supervisor */
    ck_assert_int_eq(poke(rig, TEST_LIN + 0x2000, 2), -1);
    ck_assert_int_eq(set_cr0(rig, rig->cpu->cr0 | 0x10000), -1);
    ck_assert_int_eq(poke(rig, TEST_LIN + 0x2000, 2), 14);
    ck_assert_uint_eq(rig->exit_code, 0x23);
    for (k = 0; k < n; k++)
        (void)peek(rig, TEST_LIN + k * 0x1000);
    ck_assert_int_eq(wrpkru(rig, 3), -1); /* key 0 */
    for (k = 0; k < n; k++)
        ck_assert_int_eq(peek(rig, TEST_LIN + k * 0x1000), k % 4 == 0 ? -14 : (int)k);
    ck_assert_int_eq(wrpkru(rig, 0), -1);
    for (k = 0; k < n; k++)
        ck_assert_int_eq(poke(rig, TEST_LIN + k * 0x1000, (uint8_t)k), -1);
    rig_destroy(rig);
}
END_TEST

/* XSAVE and XRSTOR hold PKRU at offset 832, and XRSTOR takes effect. */
START_TEST(pkru_in_xsave)
{
    Rig *rig = tlb_rig("x86-64-v3");
    uint32_t area = 0x400000 + 200 * 0x1000;
    map(rig, 0, 1, KEY(3));
    map(rig, 200, 200, 0);
    memset(rig->ram + area, 0, 1024);
    ck_assert_int_eq(set_cr4(rig, rig->cpu->cr4 | CR4_PKE | CR4_XSAVE | 0x200), -1);
    rig->cpu->gpr[VIV_REG_RAX] = 0x203;
    rig->cpu->gpr[VIV_REG_RCX] = rig->cpu->gpr[VIV_REG_RDX] = 0;
    ck_assert_int_eq(RUN(rig, 0x0f, 0x01, 0xd1), -1); /* xsetbv */
    rig->cpu->gpr[VIV_REG_RAX] = 0xd;
    ck_assert_int_eq(RUN(rig, 0x0f, 0xa2), -1);
    ck_assert_uint_eq(rig->cpu->gpr[VIV_REG_RBX], 840);
    ck_assert_int_eq(wrpkru(rig, 0x40), -1);
    ck_assert_int_eq(peek(rig, TEST_LIN), -14);
    rig->cpu->gpr[VIV_REG_RBX] = TEST_LIN + 200 * 0x1000;
    rig->cpu->gpr[VIV_REG_RAX] = 0x200;
    rig->cpu->gpr[VIV_REG_RDX] = 0;
    ck_assert_int_eq(RUN(rig, 0x0f, 0xae, 0x23), -1); /* xsave [rbx] */
    ck_assert_uint_eq(rig_r32(rig, area + 832), 0x40);
    ck_assert_uint_eq(rig_r32(rig, area + 512), 0x200);
    rig_w32(rig, area + 832, 0x80); /* reads only */
    rig->cpu->gpr[VIV_REG_RAX] = 0x200;
    ck_assert_int_eq(RUN(rig, 0x0f, 0xae, 0x2b), -1); /* xrstor [rbx] */
    ck_assert_uint_eq(pkru_of(rig), 0x80);
    ck_assert_int_eq(peek(rig, TEST_LIN), 1);
    rig->cpu->gpr[VIV_REG_RBX] = TEST_LIN + 200 * 0x1000;
    rig_w32(rig, area + 512, 0); /* in its initial state: 0 */
    rig->cpu->gpr[VIV_REG_RAX] = 0x200;
    ck_assert_int_eq(RUN(rig, 0x0f, 0xae, 0x2b), -1);
    ck_assert_uint_eq(pkru_of(rig), 0);
    rig_destroy(rig);
}
END_TEST

/* -- 5-level paging ---------------------------------------------------------------------------- */
START_TEST(canonical_by_mode)
{
    Rig *rig = rig_new("x86-64-v3,+la57");
    paging_env(rig, PAGING_LONG5, 0);
    ck_assert_int_eq(peek(rig, 1ull << 55), -14);
    ck_assert_uint_eq(rig->cpu->cr2, 1ull << 55);
    ck_assert_int_eq(peek(rig, 1ull << 56), -13);
    ck_assert_int_eq(peek(rig, 0xfeffffffffffffffull), -13);
    ck_assert_int_eq(peek(rig, 0xff00000000000000ull), -14);
    rig->cpu->gpr[VIV_REG_RBX] = 1ull << 55;
    ck_assert_int_eq(RUN(rig, 0xff, 0xe3), -1); /* jmp rbx */
    rig_destroy(rig);

    rig = tlb_rig("x86-64-v3,+la57");
    ck_assert_int_eq(peek(rig, 1ull << 47), -13);
    ck_assert_int_eq(peek(rig, 0xffff800000000000ull), -14);
    rig->cpu->gpr[VIV_REG_RBX] = 1ull << 55;
    ck_assert_int_eq(RUN(rig, 0xff, 0xe3), 13);
    rig_destroy(rig);
}
END_TEST

/* Registers take what the processor can have, whatever CR4.LA57. */
START_TEST(canonical_by_processor)
{
    static const char *const specs[2] = {"x86-64-v3,-la57", "x86-64-v3,+la57"};
    Rig *rig = tlb_rig(specs[_i]);
    rig->cpu->gpr[VIV_REG_RCX] = 0xc0000102; /* IA32_KERNEL_GS_BASE */
    rig->cpu->gpr[VIV_REG_RAX] = 0;
    rig->cpu->gpr[VIV_REG_RDX] = 0x800000;
    ck_assert_int_eq(RUN(rig, 0x0f, 0x30), _i ? -1 : 13);
    rig->cpu->gpr[VIV_REG_RDX] = 0x1000000;
    ck_assert_int_eq(RUN(rig, 0x0f, 0x30), 13);
    ck_assert_int_eq(invpcid(rig, 0, 0, 1ull << 55), _i ? -1 : 13);
    rig->cpu->gpr[VIV_REG_RAX] = 0x80000008;
    ck_assert_int_eq(RUN(rig, 0x0f, 0xa2), -1);
    ck_assert_uint_eq(rig->cpu->gpr[VIV_REG_RAX] >> 8 & 0xff, _i ? 57 : 48);
    rig_destroy(rig);
}
END_TEST

/* -- accesses over an edge --------------------------------------------------------------------- */
START_TEST(crossing_stores)
{
    /* mov [rbx], rax; lock xadd [rbx], rax; movups [rbx], xmm0 */
    static const struct {
        const char *bytes;
        size_t len;
    } stores[] = {{"\x48\x89\x03", 3}, {"\xf0\x48\x0f\xc1\x03", 5}, {"\x0f\x11\x03", 3}};
    Rig *rig = tlb_rig("x86-64-v3");
    map(rig, 0, 1, 0);
    rig->cpu->cr4 |= 0x200;
    rig->cpu->gpr[VIV_REG_RBX] = TEST_LIN + 0x1000 - 3;
    rig->cpu->gpr[VIV_REG_RAX] = ~0ull;
    ck_assert_int_eq(run(rig, stores[_i].bytes, stores[_i].len, 1), 14);
    ck_assert_uint_eq(rig->cpu->cr2, TEST_LIN + 0x1000);
    ck_assert_uint_eq(rig->exit_code, 2);
    ck_assert_uint_eq(rig->ram[PAGE(1) + 0xffd], 1);
    ck_assert_uint_eq(rig_r64(rig, TEST_PT) & 0x40, 0);
    /* if both pages fault, the first does */
    rig_w64(rig, TEST_PT, 0);
    ck_assert_int_eq(invlpg(rig, TEST_LIN), -1);
    rig->cpu->gpr[VIV_REG_RBX] = TEST_LIN + 0x1000 - 3;
    ck_assert_int_eq(run(rig, stores[_i].bytes, stores[_i].len, 1), 14);
    ck_assert_uint_eq(rig->cpu->cr2, TEST_LIN + 0x1000 - 3);
    /* and the pages need not be neighbours */
    map(rig, 0, 1, 0);
    map(rig, 1, 7, 0);
    rig->cpu->gpr[VIV_REG_RBX] = TEST_LIN + 0x1000 - 3;
    rig->cpu->gpr[VIV_REG_RAX] = 0;
    ck_assert_int_eq(run(rig, stores[_i].bytes, stores[_i].len, 1), -1);
    ck_assert_uint_eq(rig_r64(rig, TEST_PT) & 0x60, 0x60);
    ck_assert_uint_eq(rig_r64(rig, TEST_PT + 8) & 0x60, 0x60);
    ck_assert_uint_eq(rig->ram[PAGE(1) + 0xffc], 1);
    if (_i != 1)
        ck_assert_uint_eq(rig->ram[PAGE(7) + 4], 0);
    rig_destroy(rig);
}
END_TEST

/* An instruction that goes over: the fault is of the second page, the pointer that of the
 * instruction. */
START_TEST(crossing_instruction)
{
    Rig *rig = tlb_rig("x86-64-v3");
    map(rig, 0, 1, 0);
    rig->cpu->efer |= 0x800;
    rig_load(rig, PAGE(1) + 0xffe, "\xb8\x11", 2); /* mov eax, imm32 */
    rig_load(rig, PAGE(2), "\x22\x33\x44\x90", 4);
    rig->cpu->rip = TEST_LIN + 0xffe;
    (void)rig_run(rig, 1);
    ck_assert_int_eq(paging_vector(rig), 14);
    ck_assert_uint_eq(rig->cpu->cr2, TEST_LIN + 0x1000);
    ck_assert_uint_eq(paging_error(rig), 0x10);
    ck_assert_uint_eq(rig_r64(rig, rig->cpu->gpr[VIV_REG_RSP] + 8), TEST_LIN + 0xffe);
    map(rig, 1, 2, 0);
    rig->cpu->activity = VIV_ACT_RUNNING;
    rig->cpu->rip = TEST_LIN + 0xffe;
    ck_assert_uint_eq(rig_run(rig, 1), VIV_EXIT_BUDGET);
    ck_assert_uint_eq(rig->cpu->gpr[VIV_REG_RAX], 0x44332211);
    /* what fits does not touch the second page */
    rig_w64(rig, TEST_PT + 8, 0);
    rig_load(rig, PAGE(1) + 0xffe, "\xb0\x05", 2); /* mov al, 5 */
    (void)invlpg(rig, TEST_LIN + 0x1000);
    rig->cpu->rip = TEST_LIN + 0xffe;
    ck_assert_uint_eq(rig_run(rig, 1), VIV_EXIT_BUDGET);
    ck_assert_uint_eq(rig->cpu->rip, TEST_LIN + 0x1000);
    rig_destroy(rig);
}
END_TEST

START_TEST(edges_of_64_bits)
{
    Rig *rig = tlb_rig("x86-64-v3");
    rig->cpu->gpr[VIV_REG_RBX] = 0x7ffffffffffcull;
    ck_assert_int_eq(RUN(rig, 0x48, 0x8b, 0x03), 13); /* mov rax, [rbx] */
    rig->cpu->gpr[VIV_REG_RBX] = 0xffff7ffffffffffcull;
    ck_assert_int_eq(RUN(rig, 0x48, 0x8b, 0x03), 13);
    /* from the top to the bottom: both canonical */
    rig_w64(rig, PAGING_ROOT + 511 * 8, TEST_PDPT | 7);
    rig_w64(rig, TEST_PDPT + 511 * 8, TEST_PD | 7);
    rig_w64(rig, TEST_PD + 511 * 8, TEST_PT | 7);
    map(rig, 511, 5, 0);
    rig->cpu->gpr[VIV_REG_RBX] = ~3ull;
    ck_assert_int_eq(RUN(rig, 0x48, 0x8b, 0x03), 14);
    ck_assert_uint_eq(rig->cpu->cr2, 0);
    rig_w64(rig, 0x13000, PAGE(6) | 3);
    rig->cpu->gpr[VIV_REG_RBX] = ~3ull;
    ck_assert_int_eq(RUN(rig, 0x48, 0x8b, 0x03), -1);
    ck_assert_uint_eq(rig->cpu->gpr[VIV_REG_RAX], 0x0606060605050505ull);
    /* a descriptor table that reaches over the edge; mov fs, eax */
    rig->cpu->gdtr = (viv_tablereg_t){.base = 0x7ffffffffff8ull, .limit = 0xffff};
    rig->cpu->gpr[VIV_REG_RAX] = 8;
    rig->cpu->idtr.limit = 0;
    rig_load(rig, PAGING_CODE, "\x8e\xe0", 2);
    rig->cpu->rip = PAGING_CODE;
    ck_assert_uint_eq(rig_run(rig, 1), VIV_EXIT_TRIPLE_FAULT);
    ck_assert_uint_eq(rig->cpu->cr2, 0);
    rig_destroy(rig);
}
END_TEST

/* 32-bit linear addresses wrap; the segment's base leads over the edge. */
START_TEST(edge_of_32_bits)
{
    Rig *rig = rig_new("x86-64-v3");
    paging_env(rig, PAGING_LEGACY, 0);
    rig_w32(rig, PAGING_ROOT + 1023 * 4, PAGING_TABLES | 7);
    rig_w32(rig, PAGING_TABLES + 1023 * 4, PAGE(1) | 7);
    rig->cpu->seg[VIV_SEG_DS].base = 0x10;
    rig->cpu->gpr[VIV_REG_RBX] = 0xffffffee;
    rig->cpu->gpr[VIV_REG_RAX] = 0x44332211;
    ck_assert_int_eq(RUN(rig, 0x89, 0x03), 14); /* mov [ebx], eax */
    ck_assert_uint_eq(rig->cpu->cr2, 0);
    ck_assert_uint_eq(rig_r32(rig, PAGING_TABLES + 1023 * 4) & 0x40, 0);
    rig_w32(rig, PAGING_ROOT + 0x1000, PAGE(2) | 7);
    rig->cpu->gpr[VIV_REG_RBX] = 0xffffffee;
    rig->cpu->gpr[VIV_REG_RAX] = 0x44332211;
    ck_assert_int_eq(RUN(rig, 0x89, 0x03), -1);
    ck_assert_uint_eq(rig_r32(rig, PAGE(1) + 0xffc) >> 16, 0x2211);
    ck_assert_uint_eq(rig_r32(rig, PAGE(2)) & 0xffff, 0x4433);
    rig_destroy(rig);
}
END_TEST

/* -- tables in odd places ---------------------------------------------------------------------- */

/* A device that is read as a page table sees the instruction that asks. */
START_TEST(tables_in_device_memory)
{
    static const uint8_t code[] = {0x90, 0x90, 0x88, 0x03}; /* nop; nop; mov [rbx], al */
    Rig *rig = tlb_rig("x86-64-v3");
    uint64_t pte = PAGE(9) | 7;
    uint32_t k;
    memcpy(rig->mmio, &pte, 8);
    rig_w64(rig, TEST_PD, RIG_MMIO | 7);
    rig->cpu->gpr[VIV_REG_RBX] = TEST_LIN;
    rig->cpu->gpr[VIV_REG_RAX] = 0x55;
    rig->cpu->icount = 0;
    ck_assert_int_eq(run(rig, code, sizeof(code), 3), -1);
    ck_assert_uint_eq(rig->ram[PAGE(9)], 0x55);
    ck_assert_uint_eq(rig->log_count, 2);
    for (k = 0; k < 2; k++) {
        ck_assert_uint_eq(rig->log[k].write, k);
        ck_assert_uint_eq(rig->log[k].rip, PAGING_CODE + 2);
        ck_assert_uint_eq(rig->log[k].icount, 2);
    }
    ck_assert_uint_eq(rig->mmio[0] & 0x60, 0x60);
    /* nothing there: all ones, whose reserved bits show */
    rig_w64(rig, TEST_PD, 0x20000000 | 7);
    ck_assert_int_eq(set_cr3(rig, PAGING_ROOT), -1);
    ck_assert_int_eq(peek(rig, TEST_LIN), -14);
    ck_assert_uint_eq(rig->exit_code, 9);
    rig_destroy(rig);
}
END_TEST

START_TEST(tables_and_a20)
{
    Rig *rig = tlb_rig("x86-64-v3");
    map(rig, 0, 1, 0);
    rig_w64(rig, TEST_PD, 0x100000 | TEST_PT | 7);
    rig->vcpu.a20_mask = ~0x100000ull;
    rig->engine->map_changed(rig->vcpu.engine_self);
    ck_assert_int_eq(peek(rig, TEST_LIN), 1);
    ck_assert_uint_eq(rig_r64(rig, TEST_PT) & 0x20, 0x20);
    rig_destroy(rig);
}
END_TEST

/* -- the PDPTE registers ----------------------------------------------------------------------- */
static Rig *pae_rig(void)
{
    Rig *rig = rig_new("x86-64-v3");
    paging_env(rig, PAGING_PAE, 0);
    rig_w64(rig, PAGING_TABLES, (PAGING_TABLES + 0x1000) | 7);
    rig_w64(rig, PAGING_TABLES + 0x1000, PAGE(1) | 7);
    memset(rig->ram + PAGE(1), 1, 0x1000);
    return rig;
}

#define PAE_LIN 0x40000000u

/* What loads them: changes of these bits (SDM vol. 3, 4.4.1), and with a reserved bit in memory
 * #GP, which changes nothing. */
START_TEST(pdptes_are_loaded)
{
    static const struct {
        uint32_t cr, bit;
    } by[] = {{0, 0x40000000}, {4, 0x80}, {4, 0x10}, {4, 0x100000}, {3, 0}};
    Rig *rig = pae_rig();
    uint32_t round;
    for (round = 0; round < 3; round++) {
        int should = round == 1 ? 13 : -1, vector;
        /* not in force until loaded; reserved; gone */
        rig_w64(rig, PAGING_ROOT + 8, round == 2 ? 0 : PAGING_TABLES | 1 | (round ? 0x20 : 0));
        ck_assert_int_eq(peek(rig, PAE_LIN), round ? 1 : -14);
        ck_assert_int_eq(invlpg(rig, PAE_LIN), -1);
        ck_assert_int_eq(peek(rig, PAE_LIN), round ? 1 : -14);
        if (by[_i].cr == 0)
            vector = set_cr0(rig, rig->cpu->cr0 ^ by[_i].bit);
        else if (by[_i].cr == 4)
            vector = set_cr4(rig, rig->cpu->cr4 ^ by[_i].bit);
        else
            vector = set_cr3(rig, PAGING_ROOT);
        ck_assert_int_eq(vector, should);
        ck_assert_int_eq(invlpg(rig, PAE_LIN), -1);
        ck_assert_int_eq(peek(rig, PAE_LIN), round == 2 ? -14 : 1);
    }
    rig_destroy(rig);
}
END_TEST

/* A task switch loads them with CR3; with a reserved bit the new task begins with #GP(0), and the
 * old ones stay. */
START_TEST(pdptes_and_tasks)
{
    static const uint8_t jump[] = {0xea, 0, 0, 0, 0, 0x18, 0}; /* jmp far 18:0 */
    const uint32_t tss = 0x34200, table = PAGING_TABLES + 0x4000;
    Rig *rig = pae_rig();
    rig_w64(rig, table, rig_r64(rig, PAGING_ROOT));
    rig_w64(rig, table + 8, PAGING_TABLES | 1 | (_i ? 2 : 0));
    rig_w64(rig, 0x33018, 0x0000890342000067ull);
    memset(rig->ram + tss, 0, 0x68);
    rig_w32(rig, tss + 28, table);
    rig_w32(rig, tss + 32, PAGING_CODE);
    rig_w32(rig, tss + 36, 2);
    rig_w32(rig, tss + 56, PAGING_STACK);
    rig_w32(rig, tss + 72, 0x10);
    rig_w32(rig, tss + 76, 0x08);
    rig_w32(rig, tss + 80, 0x10);
    rig_w32(rig, tss + 84, 0x10);
    ck_assert_int_eq(peek(rig, PAE_LIN), -14);
    ck_assert_int_eq(run(rig, jump, sizeof(jump), _i ? 2 : 1), _i ? 13 : -1);
    ck_assert_uint_eq(rig->cpu->tr.sel, 0x18);
    ck_assert_uint_eq(rig->cpu->cr3, table);
    ck_assert_int_eq(peek(rig, PAE_LIN), _i ? -14 : 1);
    rig_destroy(rig);
}
END_TEST

/* They are state: a load does not look at memory, unless they hold what no processor could. */
START_TEST(pdptes_are_state)
{
    Rig *rig = pae_rig();
    rig_w64(rig, PAGING_ROOT + 8, PAGING_TABLES | 1);
    ck_assert_int_eq(set_cr3(rig, PAGING_ROOT), -1);
    rig_w64(rig, PAGING_ROOT + 8, 0);
    rig->engine->state_loaded(rig->vcpu.engine_self);
    ck_assert_int_eq(peek(rig, PAE_LIN), 1);
    memset(rig->cpu->pdpte, 0xff, sizeof(rig->cpu->pdpte));
    rig->engine->state_loaded(rig->vcpu.engine_self);
    ck_assert_int_eq(peek(rig, PAE_LIN), -14);
    rig_w64(rig, PAGING_ROOT + 8, PAGING_TABLES | 1);
    memset(rig->cpu->pdpte, 0xff, sizeof(rig->cpu->pdpte));
    rig->engine->state_loaded(rig->vcpu.engine_self);
    ck_assert_int_eq(peek(rig, PAE_LIN), 1);
    rig_destroy(rig);
}
END_TEST

/* A state with PCIDs, keys and 57 bits goes on where it was. */
START_TEST(state_goes_on)
{
    Rig *rig = tlb_rig("x86-64-v3");
    map(rig, 0, 1, KEY(3));
    ck_assert_int_eq(set_cr4(rig, rig->cpu->cr4 | CR4_PCIDE | CR4_PKE), -1);
    ck_assert_int_eq(set_cr3(rig, PAGING_ROOT | 7), -1);
    ck_assert_int_eq(wrpkru(rig, 0x40), -1);
    rig->engine->state_loaded(rig->vcpu.engine_self);
    ck_assert_int_eq(peek(rig, TEST_LIN), -14);
    ck_assert_int_eq(wrpkru(rig, 0), -1);
    ck_assert_int_eq(peek(rig, TEST_LIN), 1);
    map(rig, 0, 2, 0);
    ck_assert_int_eq(set_cr3(rig, PAGING_ROOT | 8), -1);
    ck_assert_int_eq(peek(rig, TEST_LIN), 2);
    ck_assert_int_eq(set_cr3(rig, PAGING_ROOT | 7 | NO_FLUSH), -1);
    ck_assert_int_eq(peek(rig, TEST_LIN), 1);
    rig_destroy(rig);
}
END_TEST

static void add_tlb(Suite *s)
{
    TCase *tc = tcase_create("tlb");
    tcase_add_test(tc, invlpg_drops_a_page);
    tcase_add_loop_test(tc, invlpg_drops_a_large_page, 0, 2);
    tcase_add_test(tc, pcid_keeps_and_drops);
    tcase_add_test(tc, pcid_and_global_pages);
    tcase_add_loop_test(tc, invpcid_types, 0, 4);
    tcase_add_test(tc, invpcid_faults);
    tcase_add_test(tc, pcids_by_the_dozen);
    tcase_add_test(tc, pcid_and_code);
    tcase_add_test(tc, pcid_and_changed_code);
    tcase_add_test(tc, control_register_faults);
    tcase_add_loop_test(tc, long_mode_entry, 0, 6);
    suite_add_tcase(s, tc);
}

static void add_rest(Suite *s)
{
    TCase *keys = tcase_create("keys"), *edges = tcase_create("edges");
    TCase *odd = tcase_create("odd places");
    tcase_add_test(keys, pkru_instructions);
    tcase_add_loop_test(keys, pkru_takes_effect, 0, 2);
    tcase_add_test(keys, pkru_in_xsave);
    suite_add_tcase(s, keys);
    tcase_add_test(edges, canonical_by_mode);
    tcase_add_loop_test(edges, canonical_by_processor, 0, 2);
    tcase_add_loop_test(edges, crossing_stores, 0, 3);
    tcase_add_test(edges, crossing_instruction);
    tcase_add_test(edges, edges_of_64_bits);
    tcase_add_test(edges, edge_of_32_bits);
    suite_add_tcase(s, edges);
    tcase_add_test(odd, tables_in_device_memory);
    tcase_add_test(odd, tables_and_a20);
    tcase_add_loop_test(odd, pdptes_are_loaded, 0, 5);
    tcase_add_loop_test(odd, pdptes_and_tasks, 0, 2);
    tcase_add_test(odd, pdptes_are_state);
    tcase_add_test(odd, state_goes_on);
    suite_add_tcase(s, odd);
}

static Suite *suite(void)
{
    Suite *s = suite_create("paging");
    TCase *walks = tcase_create("walks");
    tcase_set_timeout(walks, 120);
    tcase_add_loop_test(walks, walks_random, 0, (int)paging_cpu_count);
    tcase_add_test(walks, walks_all_legacy);
    tcase_add_test(walks, walks_all_keys);
    suite_add_tcase(s, walks);
    add_tlb(s);
    add_rest(s);
    return s;
}

int main(void)
{
    SRunner *sr = srunner_create(suite());
    int failed;
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
