/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Flags that an engine leaves out because nothing reads them must be there when something does:
 * random sequences of register instructions, run whole and by single steps, with looks at RFLAGS
 * from the host in between and one instruction replaced in each round.
 *
 * Environment: VIV_ENGINE_PLUGIN the engine's .so. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "rig.h"

#define CODE      0x100000u
#define STEPS     48u
#define WIDTH     4u /* bytes an instruction, filled up with NOPs */
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

static void put_step(Random *r, uint8_t *at)
{
    static const uint8_t others[][2] = {
        {0xe6, PORT_SEE}, {0x9c, 0x58}, {0xf5, 0x90}, {0x0f, 0xc9}, {0x73, 0x00},
    };
    memset(at, 0x90, WIDTH);
    if (draw(r, 8) == 0)
        memcpy(at, others[draw(r, 5)], 2);
    else
        put_any(r, at);
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
    uint8_t code[STEPS * WIDTH + 8];
    uint32_t k;
    ck_assert_ptr_nonnull(rig);
    memset(w, 0, sizeof(*w));
    w->random.state = 0x9e3779b97f4a7c15u * (seed + 1);
    for (k = 0; k < STEPS; k++)
        put_step(&w->random, code + k * WIDTH);
    code[STEPS * WIDTH] = 0xe6; /* out PORT_TURN, al; jmp to the start */
    code[STEPS * WIDTH + 1] = PORT_TURN;
    code[STEPS * WIDTH + 2] = 0xe9;
    int32_t back = -(int32_t)(STEPS * WIDTH + 7);
    memcpy(code + STEPS * WIDTH + 3, &back, 4);
    rig_long(rig, CODE, 0);
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
