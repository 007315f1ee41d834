/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Decoded code and what changes under it from outside the program: DMA, the physical map, A20, page
 * tables; how much is decoded anew; and that neither the cache nor the boundaries of runs show in
 * what a guest computes. What a guest stores by itself is in asm/smc*.asm.
 *
 * The guest calls a function for ever and reports EAX at port 80h, where the test has its say: it
 * checks the report and changes something for the next call.
 *
 * Environment: VIV_ENGINE_PLUGIN the engine's .so. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "rig.h"

#define RAM_BYTES (16u << 20)
#define MAIN      0x400000u /* A20-neutral */
#define FN        0x300000u
#define PD        0x8000u
#define PD2       0xc000u
#define WIN       0x280000u /* linear, remapped */

#define PUT(rig, gpa, ...)                                                                         \
    do {                                                                                           \
        static const uint8_t bytes_[] = {__VA_ARGS__};                                             \
        rig_load((rig), (gpa), bytes_, sizeof(bytes_));                                            \
    } while (0)
#define LE32(v)        (uint8_t)(v), (uint8_t)((v) >> 8), (uint8_t)((v) >> 16), (uint8_t)((v) >> 24)
#define MOV_EAX_RET(v) 0xb8, LE32(v), 0xc3

typedef struct Script {
    uint32_t at;
    uint32_t values[32];
    void (*step)(Rig *rig, uint32_t at);
    uint32_t last;
} Script;

static void on_report(Rig *rig, uint16_t port, uint32_t value, uint32_t width)
{
    Script *s = rig->user;
    (void)width;
    if (port != 0x80)
        return;
    s->values[s->at] = value;
    if (s->step)
        s->step(rig, s->at);
    if (s->at++ == s->last)
        __atomic_fetch_or(&rig->vcpu.ff, VIV_FF_EXIT, __ATOMIC_SEQ_CST);
}

static Rig *rig_new(void)
{
    Rig *rig = rig_create(getenv("VIV_ENGINE_PLUGIN"), NULL, RAM_BYTES);
    ck_assert_ptr_nonnull(rig);
    rig->on_port_write = on_report;
    rig_flat32(rig, MAIN, 0);
    return rig;
}

/* Runs until `n` reports have come; they must be the numbers that follow. */
static void run_script(Rig *rig, Script *s, uint32_t n, const uint32_t *expected)
{
    s->at = 0;
    s->last = n - 1;
    rig->user = s;
    ck_assert_uint_eq(rig_run(rig, 100000), VIV_EXIT_REQUEST);
    for (uint32_t k = 0; k < n; k++)
        ck_assert_msg(s->values[k] == expected[k], "report %u is %x, not %x", k, s->values[k],
                      expected[k]);
}
#define RUN(rig, s, ...)                                                                           \
    do {                                                                                           \
        static const uint32_t expected_[] = {__VA_ARGS__};                                         \
        run_script((rig), (s), sizeof(expected_) / 4, expected_);                                  \
    } while (0)

/* mov ebx, fn; l: call ebx; out 80h, eax; <more>; jmp l */
static void put_main(Rig *rig, uint32_t fn, const uint8_t *more, uint32_t len)
{
    uint8_t code[64] = {0xbb, LE32(fn), 0xff, 0xd3, 0xe7, 0x80};
    memcpy(code + 9, more, len);
    code[9 + len] = 0xeb;
    code[10 + len] = (uint8_t) - (int)(6 + len);
    rig_load(rig, MAIN, code, 11 + len);
}
#define MAIN_LOOP(rig, fn) put_main((rig), (fn), (const uint8_t *)"", 0)
#define INC_BYTE(a)        (const uint8_t[]){0xfe, 0x05, LE32(a)}, 6 /* inc byte [a] */
#define INVLPG_EBX         (const uint8_t[]){0x0f, 0x01, 0x3b}, 3

/* -- DMA --------------------------------------------------------------------------------------- */
static void dma_step(Rig *rig, uint32_t at)
{
    uint8_t v = (uint8_t)(at + 2);
    rig_dma(rig, FN + 1, &v, 1);
}

START_TEST(dma)
{
    Rig *rig = rig_new();
    Script s = {.step = dma_step};
    MAIN_LOOP(rig, FN);
    PUT(rig, FN, MOV_EAX_RET(1));
    RUN(rig, &s, 1, 2, 3, 4, 5);
    rig_destroy(rig);
}
END_TEST

/* A whole page at once, of other instructions of other lengths. */
static void dma_page_step(Rig *rig, uint32_t at)
{
    static uint8_t page[4096];
    static const uint8_t codes[3][8] = {
        {0x31, 0xc0, 0x40, 0x40, 0xc3}, /* xor eax,eax; inc; inc; ret */
        {0x6a, 0x07, 0x58, 0xc3},       /* push 7; pop eax; ret */
        {0xb8, 9, 0, 0, 0, 0xc3},
    };
    memset(page, 0xcc, sizeof(page));
    memcpy(page, codes[at % 3], 8);
    rig_dma(rig, FN, page, sizeof(page));
}

START_TEST(dma_of_a_page)
{
    Rig *rig = rig_new();
    Script s = {.step = dma_page_step};
    MAIN_LOOP(rig, FN);
    PUT(rig, FN, MOV_EAX_RET(1));
    RUN(rig, &s, 1, 2, 7, 9, 2, 7, 9);
    rig_destroy(rig);
}
END_TEST

/* -- how much is decoded anew ------------------------------------------------------------------ */
static uint64_t insns_seen[32];

static void precise_step(Rig *rig, uint32_t at)
{
    uint8_t v = (uint8_t)(at + 2);
    insns_seen[at] = rig_counter_value(rig, "insns");
    if (at == 1)
        rig_dma(rig, FN + 0x800, &v, 1); /* leaves the block, once for all */
    else if (at == 3)
        rig_dma(rig, FN + 6, &v, 1); /* beside the code, in its line */
    else if (at == 4)
        rig_dma(rig, FN + 1, &v, 1);
    else if (at == 5)
        rig_dma(rig, FN + 0x1000 - 1, &v, 1);
    else if (at == 6)
        rig_dma(rig, FN + 0x11, &v, 1); /* the other function's, in the same line */
}

START_TEST(stores_cost_what_they_hit)
{
    Rig *rig = rig_new();
    Script s = {.step = precise_step};
    /* call f; call g with f in EBX, g at f + 10h */
    put_main(rig, FN, (const uint8_t[]){0x8d, 0x43, 0x10, 0xff, 0xd0}, 5);
    PUT(rig, FN, MOV_EAX_RET(1), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, MOV_EAX_RET(7));
    RUN(rig, &s, 1, 1, 1, 1, 1, 6, 6, 6, 6);
    if (insns_seen[0]) { /* this engine counts */
        ck_assert_uint_eq(insns_seen[3], insns_seen[2]);
        ck_assert_uint_eq(insns_seen[4], insns_seen[3]);
        ck_assert_uint_eq(insns_seen[5], insns_seen[4] + 1);
        ck_assert_uint_eq(insns_seen[6], insns_seen[5]);
        ck_assert_uint_le(insns_seen[7], insns_seen[6] + 1);
        ck_assert_uint_eq(insns_seen[8], insns_seen[6] + 1);
    }
    rig_destroy(rig);
}
END_TEST

/* The guest itself, a thousand times: one instruction each, and the data next to it for nothing. */
START_TEST(patching_loop)
{
    static const uint8_t code[] = {
        0xb9, 0xe8, 0x03,
        0,    0,                     /* mov ecx, 1000 */
        0x89, 0x0d, LE32(FN + 1),    /* l: mov [FN + 1], ecx */
        0xff, 0x05, LE32(FN + 0x20), /* inc dword [FN + 20h] */
        0xff, 0xd3,                  /* call ebx */
        0x01, 0xc2,                  /* add edx, eax */
        0x49, 0x75, 0xed,            /* dec ecx; jnz l */
        0xf4,
    };
    Rig *rig = rig_new();
    uint64_t before;
    rig_load(rig, MAIN, code, sizeof(code));
    PUT(rig, FN, MOV_EAX_RET(0));
    rig->cpu->gpr[VIV_REG_RBX] = FN;
    rig->cpu->gpr[VIV_REG_RDX] = 0;
    ck_assert_uint_eq(rig_run(rig, 50), VIV_EXIT_BUDGET);
    before = rig_counter_value(rig, "insns");
    ck_assert_uint_eq(rig_run(rig, 100000), VIV_EXIT_HALT);
    ck_assert_uint_eq(rig->cpu->gpr[VIV_REG_RDX], 500500);
    ck_assert_uint_eq(rig_r32(rig, FN + 0x20), 1000);
    ck_assert_uint_eq(rig->cpu->icount, 1 + 1000 * 8 + 1);
    ck_assert_uint_lt(rig_counter_value(rig, "insns") - before, 1100);
    rig_destroy(rig);
}
END_TEST

/* -- the physical map -------------------------------------------------------------------------- */
static void pam_step(Rig *rig, uint32_t at)
{
    static const uint8_t rom_next[8] = {1, 1, 0, 0, 1, 0, 1, 0};
    rig_pam(rig, rom_next[at & 7] != 0, false);
}

/* Reads from ROM or RAM, writes always to RAM: INC takes the ROM's byte into the RAM. */
START_TEST(rom_and_shadow)
{
    static const uint8_t rom[] = {MOV_EAX_RET(0x11)};
    Rig *rig = rig_new();
    Script s = {.step = pam_step};
    put_main(rig, RIG_PAM, INC_BYTE(RIG_PAM + 1));
    memcpy(rig->rom, rom, sizeof(rom));
    PUT(rig, RIG_PAM, MOV_EAX_RET(0x40));
    rig_pam(rig, true, false);
    RUN(rig, &s, 0x11, 0x11, 0x11, 0x13, 0x14, 0x11, 0x13, 0x11);
    rig_destroy(rig);
}
END_TEST

static void mmio_step(Rig *rig, uint32_t at)
{
    rig->mmio[1]++;
    if (at == 2)
        rig_map_mmio_as_ram(rig, true);
    else if (at == 3)
        rig->engine->code_written(rig->engine_vm, RIG_MMIO + 1, 1);
    else if (at == 4)
        rig_map_mmio_as_ram(rig, false);
}

START_TEST(code_in_device_memory)
{
    static const uint8_t fn[] = {MOV_EAX_RET(1)};
    Rig *rig = rig_new();
    Script s = {.step = mmio_step};
    MAIN_LOOP(rig, RIG_MMIO);
    memcpy(rig->mmio, fn, sizeof(fn));
    RUN(rig, &s, 1, 2, 3, 4, 5, 6, 7);
    rig_destroy(rig);
}
END_TEST

static void a20_step(Rig *rig, uint32_t at)
{
    rig_a20(rig, at & 1);
}

START_TEST(a20)
{
    Rig *rig = rig_new();
    Script s = {.step = a20_step};
    put_main(rig, FN, INC_BYTE(FN + 1));
    PUT(rig, FN, MOV_EAX_RET(0x10));
    PUT(rig, FN & ~(1u << 20), MOV_EAX_RET(0x20));
    RUN(rig, &s, 0x10, 0x21, 0x11, 0x22, 0x12, 0x23);
    rig_destroy(rig);
}
END_TEST

/* -- page tables ------------------------------------------------------------------------------- */
/* The first 8 MiB identity-mapped; WIN and the page behind it go to FN and FN + 1000h. */
static void paging_on(Rig *rig)
{
    for (uint32_t k = 0; k < 2048; k++) {
        rig_w32(rig, 0x500000 + k * 4, k << 12 | 7); /* two tables from 500000h */
        rig_w32(rig, 0x600000 + k * 4, k << 12 | 7);
    }
    rig_w32(rig, PD, 0x500007);
    rig_w32(rig, PD + 4, 0x501007);
    rig_w32(rig, PD2, 0x600007);
    rig_w32(rig, PD2 + 4, 0x601007);
    rig->cpu->cr3 = PD;
    rig->cpu->cr0 |= 0x80000000u;
    rig->engine->state_loaded(rig->vcpu.engine_self);
}
#define PTE(lin) (0x500000u + ((lin) >> 12) * 4)

static void pte_step(Rig *rig, uint32_t at)
{
    rig_w32(rig, PTE(WIN), (FN + (at & 1 ? 0 : 0x1000)) | 7);
}

START_TEST(invlpg)
{
    Rig *rig = rig_new();
    Script s = {.step = pte_step};
    put_main(rig, WIN, INVLPG_EBX);
    paging_on(rig);
    rig_w32(rig, PTE(WIN), FN | 7);
    PUT(rig, FN, MOV_EAX_RET(1));
    PUT(rig, FN + 0x1000, MOV_EAX_RET(2));
    RUN(rig, &s, 1, 2, 1, 2, 1);
    rig_destroy(rig);
}
END_TEST

/* A page that maps itself away goes on in the page that replaces it. */
START_TEST(page_replaces_itself)
{
    Rig *rig = rig_new();
    Script s = {0};
    MAIN_LOOP(rig, WIN);
    paging_on(rig);
    rig_w32(rig, PTE(WIN), FN | 7);
    /* mov dword [pte], other; invlpg [WIN]; mov eax, n; ret */
    PUT(rig, FN, 0xc7, 0x05, LE32(PTE(WIN)), LE32((FN + 0x1000) | 7), 0x0f, 0x01, 0x3d, LE32(WIN),
        MOV_EAX_RET(1));
    PUT(rig, FN + 0x1000, 0xc7, 0x05, LE32(PTE(WIN)), LE32(FN | 7), 0x0f, 0x01, 0x3d, LE32(WIN),
        MOV_EAX_RET(2));
    RUN(rig, &s, 2, 1, 2, 1);
    rig_destroy(rig);
}
END_TEST

START_TEST(cr3_switches_under_the_code)
{
    Rig *rig = rig_new();
    Script s = {0};
    MAIN_LOOP(rig, WIN);
    paging_on(rig);
    rig_w32(rig, PTE(WIN), FN | 7);
    rig_w32(rig, PTE(WIN) + 0x100000, (FN + 0x1000) | 7);
    /* mov ecx, other; mov cr3, ecx; mov eax, n; ret */
    PUT(rig, FN, 0xb9, LE32(PD2), 0x0f, 0x22, 0xd9, MOV_EAX_RET(1));
    PUT(rig, FN + 0x1000, 0xb9, LE32(PD), 0x0f, 0x22, 0xd9, MOV_EAX_RET(2));
    RUN(rig, &s, 2, 1, 2, 1);
    rig_destroy(rig);
}
END_TEST

START_TEST(store_by_another_address)
{
    Rig *rig = rig_new();
    Script s = {0};
    put_main(rig, WIN, INC_BYTE(WIN + 0x5001));
    paging_on(rig);
    rig_w32(rig, PTE(WIN), FN | 7);
    rig_w32(rig, PTE(WIN + 0x5000), FN | 7);
    PUT(rig, FN, MOV_EAX_RET(1));
    RUN(rig, &s, 1, 2, 3, 4);
    rig_destroy(rig);
}
END_TEST

/* -- instructions across pages ----------------------------------------------------------------- */
static void tail_step(Rig *rig, uint32_t at)
{
    uint8_t v = (uint8_t)(at + 2);
    rig_dma(rig, FN + 0x1000, &v, 1);
}

static void put_crossing(Rig *rig, uint32_t page, uint32_t behind)
{
    static const uint8_t head[] = {0xb8, 0x11}, tail[] = {1, 0, 0, 0xc3};
    rig_load(rig, page + 0xffe, head, 2);
    rig_load(rig, behind, tail, 4);
}

START_TEST(second_page_of_an_instruction)
{
    Rig *rig = rig_new();
    Script s = {.step = tail_step};
    MAIN_LOOP(rig, FN + 0xffe);
    put_crossing(rig, FN, FN + 0x1000);
    RUN(rig, &s, 0x111, 0x211, 0x311, 0x411);
    rig_destroy(rig);
}
END_TEST

/* The page behind the page is the same page. */
START_TEST(instruction_from_a_page_into_itself)
{
    Rig *rig = rig_new();
    Script s = {0};
    put_main(rig, WIN + 0xffe, INC_BYTE(FN));
    paging_on(rig);
    rig_w32(rig, PTE(WIN), FN | 7);
    rig_w32(rig, PTE(WIN + 0x1000), FN | 7);
    put_crossing(rig, FN, FN);
    RUN(rig, &s, 0x111, 0x211, 0x311, 0x411);
    rig_destroy(rig);
}
END_TEST

/* The tail's page is remapped, the head's stays. */
static void tail_pte_step(Rig *rig, uint32_t at)
{
    rig_w32(rig, PTE(WIN + 0x1000), (FN + 0x1000 * (1 + (at + 1) % 3)) | 7);
}

START_TEST(tail_remapped)
{
    Rig *rig = rig_new();
    Script s = {.step = tail_pte_step};
    put_main(rig, WIN + 0xffe, (const uint8_t[]){0x0f, 0x01, 0xbb, 2, 0, 0, 0},
             7); /* invlpg [ebx+2] */
    paging_on(rig);
    rig_w32(rig, PTE(WIN), FN | 7);
    rig_w32(rig, PTE(WIN + 0x1000), (FN + 0x1000) | 7);
    put_crossing(rig, FN, FN + 0x1000);
    PUT(rig, FN + 0x2000, 2, 0, 0, 0xc3);
    PUT(rig, FN + 0x3000, 3, 0, 0, 0xc3);
    RUN(rig, &s, 0x111, 0x211, 0x311, 0x111, 0x211);
    rig_destroy(rig);
}
END_TEST

/* Four pages with instructions that end in one and the same. */
START_TEST(many_heads_one_tail)
{
    Rig *rig = rig_new();
    Script s = {0};
    uint8_t code[] = {
        0xff, 0xd3,         0xe7,
        0x80,                                  /* call ebx; out 80h, eax */
        0x81, 0xc3,         LE32(0x2000),      /* add ebx, 2000h */
        0x80, 0xe7,         0x7f,              /* and bh, 7Fh: WIN to WIN + 6000h */
        0xfe, 0x05,         LE32(FN + 0x4000), /* inc byte [tail] */
        0xeb, (uint8_t)-21,
    };
    rig_load(rig, MAIN, code, sizeof(code));
    paging_on(rig);
    for (uint32_t k = 0; k < 4; k++) {
        rig_w32(rig, PTE(WIN + k * 0x2000), (FN + k * 0x1000) | 7);
        rig_w32(rig, PTE(WIN + k * 0x2000 + 0x1000), (FN + 0x4000) | 7);
        put_crossing(rig, FN + k * 0x1000, FN + 0x4000);
        rig->ram[FN + k * 0x1000 + 0xfff] = (uint8_t)(0x10 + k);
    }
    rig->cpu->gpr[VIV_REG_RBX] = WIN + 0xffe;
    RUN(rig, &s, 0x110, 0x211, 0x312, 0x413, 0x510, 0x611, 0x712, 0x813, 0x910);
    rig_destroy(rig);
}
END_TEST

/* -- nothing of all this shows ----------------------------------------------------------------- */
/* A guest that patches itself, with a timer every 97 instructions whose handler hashes where it
 * struck. */
static void put_clockwork(Rig *rig)
{
    static const uint8_t code[] = {
        0xb9, LE32(4000),                    /* mov ecx, 4000 */
        0x89, 0x0d,       LE32(FN + 1),      /* l: mov [FN + 1], ecx */
        0xff, 0xd3,                          /* call ebx */
        0x01, 0xc2,                          /* add edx, eax */
        0xff, 0xd6,                          /* call esi: across pages */
        0x00, 0x05,       LE32(FN + 0x2000), /* add [tail], al */
        0x49, 0x75,       0xe9,              /* dec ecx; jnz l */
        0xfa, 0xf4,                          /* cli; hlt */
    };
    static const uint8_t handler[] = {
        0x50,                           /* push eax */
        0x8b, 0x44, 0x24,         0x04, /* mov eax, [esp + 4] */
        0xc1, 0x05, LE32(0x7000), 5,    /* rol dword [7000h], 5 */
        0x31, 0x05, LE32(0x7000),       /* xor [7000h], eax */
        0xff, 0x05, LE32(0x7004),       /* inc dword [7004h] */
        0x58, 0xcf,                     /* pop eax; iretd */
    };
    rig_flat32(rig, MAIN, 0);
    rig_load(rig, MAIN, code, sizeof(code));
    rig_load(rig, FN + 0x800, handler, sizeof(handler));
    PUT(rig, FN, MOV_EAX_RET(0));
    put_crossing(rig, FN + 0x1000, FN + 0x2000);
    rig_w32(rig, 0x7000, 0);
    rig_w32(rig, 0x7004, 0);
    rig_w32(rig, 0x6000 + 0x30 * 8, 0x00080000 | ((FN + 0x800) & 0xffff));
    rig_w32(rig, 0x6000 + 0x30 * 8 + 4, ((FN + 0x800) & 0xffff0000) | 0x8e00);
    /* a code segment for the gate */
    rig_w32(rig, 0x5008, 0x0000ffff);
    rig_w32(rig, 0x500c, 0x00cf9b00);
    rig->cpu->gdtr.base = 0x5000;
    rig->cpu->gdtr.limit = 0xf;
    rig->cpu->idtr.base = 0x6000;
    rig->cpu->idtr.limit = 0x7ff;
    rig->cpu->rflags = 0x202;
    rig->cpu->gpr[VIV_REG_RBX] = FN;
    rig->cpu->gpr[VIV_REG_RSI] = FN + 0x1ffe;
    rig->engine->state_loaded(rig->vcpu.engine_self);
}

/* In runs of at most `chunk` instructions; flush: the cache goes in between. */
static void run_clockwork(Rig *rig, uint64_t chunk, bool flush)
{
    uint64_t next = 97;
    uint32_t exit;
    do {
        uint64_t left = next - rig->cpu->icount;
        exit = rig_run(rig, left < chunk ? left : chunk);
        if (flush)
            rig->engine->code_written(rig->engine_vm, 0, RAM_BYTES);
        if (rig->cpu->icount == next) {
            next += 97;
            if (rig->cpu->rflags & 0x200)
                rig_interrupt(rig, 0x30);
        }
    } while (exit == VIV_EXIT_BUDGET);
    ck_assert_uint_eq(exit, VIV_EXIT_HALT);
}

START_TEST(runs_and_caches_do_not_show)
{
    static const struct {
        uint64_t chunk, cache_mib;
        bool flush;
    } ways[] = {{1, 64, false}, {7, 64, true}, {~0ull, 1, false}, {13, 0, false}};
    Rig *whole = rig_new();
    put_clockwork(whole);
    run_clockwork(whole, ~0ull, false);
    ck_assert_uint_gt(rig_r32(whole, 0x7004), 300);
    for (size_t k = 0; k < sizeof(ways) / sizeof(ways[0]); k++) {
        rig_code_cache_mib = ways[k].cache_mib;
        Rig *rig = rig_new();
        rig_code_cache_mib = RIG_NO_OPTION;
        put_clockwork(rig);
        run_clockwork(rig, ways[k].chunk, ways[k].flush);
        ck_assert_uint_eq(rig->cpu->icount, whole->cpu->icount);
        ck_assert_mem_eq(rig->cpu->gpr, whole->cpu->gpr, sizeof(rig->cpu->gpr));
        ck_assert_uint_eq(rig->cpu->rflags, whole->cpu->rflags);
        ck_assert_int_eq(memcmp(rig->ram, whole->ram, RAM_BYTES), 0);
        rig_destroy(rig);
    }
    rig_destroy(whole);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("code_cache");
    TCase *tc = tcase_create("code_cache");
    SRunner *runner = srunner_create(suite);
    tcase_add_test(tc, dma);
    tcase_add_test(tc, dma_of_a_page);
    tcase_add_test(tc, stores_cost_what_they_hit);
    tcase_add_test(tc, patching_loop);
    tcase_add_test(tc, rom_and_shadow);
    tcase_add_test(tc, code_in_device_memory);
    tcase_add_test(tc, a20);
    tcase_add_test(tc, invlpg);
    tcase_add_test(tc, page_replaces_itself);
    tcase_add_test(tc, cr3_switches_under_the_code);
    tcase_add_test(tc, store_by_another_address);
    tcase_add_test(tc, second_page_of_an_instruction);
    tcase_add_test(tc, instruction_from_a_page_into_itself);
    tcase_add_test(tc, tail_remapped);
    tcase_add_test(tc, many_heads_one_tail);
    tcase_add_test(tc, runs_and_caches_do_not_show);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
