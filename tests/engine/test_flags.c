/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an engine makes of instructions that stand together must not show: flags that it leaves out
 * because nothing reads them, pairs that it takes as one. Random sequences, run whole and by single
 * steps, with looks at RFLAGS from the host in between and one instruction replaced in each round.
 *
 * Environment: VIV_ENGINE_PLUGIN the engine's .so. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "rig.h"

#define CODE      0x100000u
#define STEPS     48u
#define WIDTH     5u /* bytes an instruction, of which the first are DS prefixes: no effect */
#define DATA      0x200ff0u       /* near the end of a page */
#define BESIDE    (CODE + 0x800u) /* in the page of the code */
#define ROUNDS    24u
#define SEEN_MAX  2048u
#define PORT_SEE  0x80u
#define PORT_TURN 0x81u

typedef struct Random {
    uint64_t state;
} Random;

typedef struct Watch {
    Random random;
    uint32_t rounds, seen;
    uint64_t rflags[SEEN_MAX];
} Watch;

static uint32_t draw(Random *r, uint32_t below)
{
    r->state ^= r->state << 13;
    r->state ^= r->state >> 7;
    r->state ^= r->state << 17;
    return (uint32_t)(r->state >> 33) % below;
}

/* RAX RCX RDX RSI RDI */
static uint8_t draw_reg(Random *r)
{
    static const uint8_t regs[] = {0, 1, 2, 6, 7};
    return regs[draw(r, sizeof(regs))];
}

static uint32_t put_any(Random *r, uint8_t *at)
{
    static const uint8_t two[] = {0x01, 0x09, 0x11, 0x19, 0x21, 0x29, 0x31, 0x39,
                                  0x85, 0x89, 0x03, 0x2b, 0x00, 0x28, 0x30, 0x38};
    uint8_t modrm = (uint8_t)(0xc0 | draw_reg(r) << 3 | draw_reg(r));
    uint8_t rm = modrm & 7, ext = (uint8_t)(draw(r, 8) << 3);
    uint32_t n = 0;
    if (draw(r, 2))
        at[n++] = 0x48; /* REX.W */
    switch (draw(r, 10)) {
    case 0: at[n++] = 0x83, at[n++] = 0xc0 | ext | rm, at[n++] = (uint8_t)draw(r, 256); break;
    case 1: at[n++] = 0xc1, at[n++] = 0xc0 | ext | rm, at[n++] = (uint8_t)draw(r, 70); break;
    case 2: at[n++] = 0xd3, at[n++] = 0xc0 | ext | rm; break;
    case 3: at[n++] = 0xff, at[n++] = 0xc0 | (ext & 8) | rm; break; /* INC DEC */
    case 4: at[n++] = 0xf7, at[n++] = 0xd0 | (ext & 8) | rm; break; /* NOT NEG */
    case 5: at[n++] = 0x0f, at[n++] = 0xaf, at[n++] = modrm; break; /* IMUL */
    case 6:
        at[n++] = 0x0f, at[n++] = (uint8_t)(0x40 | draw(r, 16)), at[n++] = modrm;
        break;                                                        /* CMOVcc */
    case 7: at[n++] = 0x8d, at[n++] = (uint8_t)(modrm & 0x3f); break; /* LEA */
    default: at[n++] = two[draw(r, sizeof(two))], at[n++] = modrm; break;
    }
    return n;
}

/* [rbx + d8], [rbp + d8]: memory up to the next page, memory beside code; [rbx + r14 * 2 + d8]. */
static uint32_t put_memory(Random *r, uint8_t *at)
{
    static const uint8_t ops[] = {0x8b, 0x89, 0x3b, 0x39, 0x03, 0x01, 0x2b, 0x31,
                                  0x8a, 0x88, 0x3a, 0x38, 0x00, 0x85, 0x84};
    static const uint8_t with_imm[][2] = {{0x83, 7}, {0x80, 7}, {0xf6, 0}, {0x83, 5}, {0x83, 0}};
    uint8_t base = draw(r, 4) == 0 ? 5 : 3;
    bool wide = draw(r, 2), index = draw(r, 4) == 0;
    uint32_t n = 0;
    if (index) {
        at[n++] = wide ? 0x4a : 0x42; /* REX.X */
        at[n++] = ops[draw(r, sizeof(ops))];
        at[n++] = (uint8_t)(0x44 | draw_reg(r) << 3);
        at[n++] = 0x73, at[n++] = (uint8_t)draw(r, 32);
        return n;
    }
    if (wide)
        at[n++] = 0x48;
    if (draw(r, 3) == 0) {
        const uint8_t *op = with_imm[draw(r, 5)];
        at[n++] = op[0], at[n++] = (uint8_t)(0x40 | op[1] << 3 | base);
        at[n++] = (uint8_t)draw(r, 32), at[n++] = (uint8_t)draw(r, 256);
    } else {
        at[n++] = ops[draw(r, sizeof(ops))];
        at[n++] = (uint8_t)(0x40 | draw_reg(r) << 3 | base), at[n++] = (uint8_t)draw(r, 32);
    }
    return n;
}

/* CMP and TEST in the forms that compilers use. */
static uint32_t put_compare(Random *r, uint8_t *at)
{
    static const uint8_t two[] = {0x39, 0x3b, 0x38, 0x85, 0x84};
    uint8_t modrm = (uint8_t)(0xc0 | draw_reg(r) << 3 | draw_reg(r));
    uint32_t n = 0;
    if (draw(r, 2))
        at[n++] = 0x48;
    switch (draw(r, 4)) {
    case 0: at[n++] = 0x83, at[n++] = modrm | 0x38, at[n++] = (uint8_t)draw(r, 4); break;
    case 1: at[n++] = 0x80, at[n++] = modrm | 0x38, at[n++] = (uint8_t)draw(r, 4); break;
    case 2: at[n++] = 0xf6, at[n++] = modrm & 0xc7, at[n++] = (uint8_t)draw(r, 256); break;
    default: at[n++] = two[draw(r, sizeof(two))], at[n++] = modrm; break;
    }
    return n;
}

static uint32_t put_other(Random *r, uint8_t *at)
{
    static const uint8_t others[][2] = {
        {0xe6, PORT_SEE}, {0x9c, 0x58}, {0xf5, 0x90}, {0x0f, 0xc9}, {0x73, 0x00},
    };
    memcpy(at, others[draw(r, 5)], 2);
    return 2;
}

static void put_step(Random *r, uint8_t *to)
{
    uint8_t at[WIDTH];
    uint32_t n;
    switch (draw(r, 16)) {
    case 0: n = put_other(r, at); break;
    case 1:
    case 2: n = put_memory(r, at); break;
    case 3:
    case 4: n = put_compare(r, at); break;
    case 5:
    case 6: n = 2, at[0] = (uint8_t)(0x70 | draw(r, 16)), at[1] = WIDTH; break; /* over the next */
    case 7: n = 1, at[0] = (uint8_t)(0x50 | draw(r, 2) << 3 | draw_reg(r)); break; /* PUSH POP */
    case 8: n = 3, at[0] = 0x0f, at[1] = 0xb6, at[2] = (uint8_t)(0xc0 | draw(r, 16)); break;
    default: n = put_any(r, at); break;
    }
    memset(to, 0x3e, WIDTH - n);
    memcpy(to + WIDTH - n, at, n);
}

static void on_port(Rig *rig, uint16_t port, uint32_t value, uint32_t width)
{
    Watch *w = rig->user;
    uint8_t step[WIDTH];
    (void)value, (void)width;
    if (w->seen < SEEN_MAX)
        w->rflags[w->seen++] = rig->cpu->rflags;
    if (port != PORT_TURN)
        return;
    put_step(&w->random, step);
    rig_dma(rig, CODE + draw(&w->random, STEPS) * WIDTH, step, WIDTH);
    if (++w->rounds == ROUNDS)
        __atomic_fetch_or(&rig->vcpu.ff, VIV_FF_EXIT, __ATOMIC_SEQ_CST);
}

static Rig *sequence(Watch *w, uint32_t seed)
{
    Rig *rig = rig_create(getenv("VIV_ENGINE_PLUGIN"), NULL, 4u << 20);
    uint8_t code[(STEPS + 1) * WIDTH + 8], *end = code + (STEPS + 1) * WIDTH;
    int32_t back = -(int32_t)((STEPS + 1) * WIDTH + 7);
    uint32_t k;
    ck_assert_ptr_nonnull(rig);
    memset(w, 0, sizeof(*w));
    w->random.state = 0x9e3779b97f4a7c15u * (seed + 1);
    for (k = 0; k < STEPS; k++)
        put_step(&w->random, code + k * WIDTH);
    memset(end - WIDTH, 0x90, WIDTH); /* what a branch in the last step goes over */
    end[0] = 0xe6;                    /* out PORT_TURN, al; jmp to the start */
    end[1] = PORT_TURN;
    end[2] = 0xe9;
    memcpy(end + 3, &back, 4);
    rig_long(rig, CODE, 0);
    rig->cpu->gpr[VIV_REG_RBX] = DATA;
    rig->cpu->gpr[VIV_REG_RBP] = BESIDE;
    rig->cpu->gpr[14] = 3;
    rig->cpu->gpr[VIV_REG_RSP] = DATA + 0x1000;
    rig_load(rig, CODE, code, sizeof(code));
    rig->on_port_write = on_port;
    rig->user = w;
    return rig;
}

START_TEST(whole_and_stepped)
{
    static Watch whole, stepped;
    for (uint32_t seed = 0; seed < 30; seed++) {
        Rig *a = sequence(&whole, seed * 8 + (uint32_t)_i),
            *b = sequence(&stepped, seed * 8 + (uint32_t)_i);
        ck_assert_uint_eq(rig_run(a, 1000000), VIV_EXIT_REQUEST);
        while (rig_run(b, 1) == VIV_EXIT_BUDGET)
            ;
        ck_assert_uint_eq(whole.rounds, ROUNDS);
        ck_assert_uint_eq(a->cpu->icount, b->cpu->icount);
        ck_assert_uint_eq(whole.seen, stepped.seen);
        for (uint32_t k = 0; k < whole.seen; k++)
            ck_assert_msg(whole.rflags[k] == stepped.rflags[k], "seed %u, look %u: %llx, not %llx",
                          seed, k, (unsigned long long)whole.rflags[k],
                          (unsigned long long)stepped.rflags[k]);
        ck_assert_mem_eq(a->cpu->gpr, b->cpu->gpr, sizeof(a->cpu->gpr));
        ck_assert_mem_eq(a->ram, b->ram, a->ram_bytes);
        rig_destroy(a);
        rig_destroy(b);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("flags");
    TCase *tc = tcase_create("flags");
    SRunner *runner = srunner_create(suite);
    tcase_add_loop_test(tc, whole_and_stepped, 0, 8);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
