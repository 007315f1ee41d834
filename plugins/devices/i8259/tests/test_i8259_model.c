/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* i8259 against a second model, written from the 8259A data sheet (231468) in its own words: request
 * cells, a list of levels in order of priority, a table of OCW2 commands. Random commands go to
 * both; INTR, vectors and every byte read must agree. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "harness.h"

#define STEPS 150000

/* One IR input: figure 4 (priority cell) of the data sheet. */
typedef struct Cell {
    bool line, sense, level_mode, service, mask;
} Cell;

typedef struct Chip {
    Cell ir[8];
    unsigned order[8]; /* highest priority first */
    bool is_master;
    unsigned sequence; /* ICW that the next write to A0 = 1 is; 0: never begun; 5: operating */
    bool single, wants_icw4, interval4, x86, auto_eoi, nested_slaves;
    uint8_t icw1, base, icw3;
    bool special_mask, rotate_in_auto, show_service, polled;
} Chip;

typedef struct Model {
    Chip chip[2]; /* master, slave */
} Model;

static bool requested(const Cell *c)
{
    return c->level_mode ? c->line : c->sense;
}

static void drive(Cell *c, bool level)
{
    if (level && !c->line)
        c->sense = true;
    if (!level) /* "the IR input must remain high until after the falling edge of the first INTA" */
        c->sense = false;
    c->line = level;
}

/* Which level the chip wants to have served; 8: none. */
static unsigned winner(const Chip *p)
{
    if (p->sequence != 5)
        return 8;
    for (unsigned k = 0; k < 8; k++) {
        unsigned n = p->order[k];
        const Cell *c = &p->ir[n];
        bool holds = c->service && !(p->special_mask && c->mask);
        bool slave_here = p->is_master && !p->single && p->nested_slaves && (p->icw3 >> n & 1);
        if (requested(c) && !c->mask && (!holds || slave_here))
            return n;
        if (holds)
            return 8;
    }
    return 8;
}

/* "n becomes the lowest": the list goes round until n stands at its end. */
static void bottom(Chip *p, unsigned n)
{
    for (unsigned k = 0; k < 8; k++)
        p->order[k] = (n + 1 + k) % 8;
}

static void settle(Model *m)
{
    drive(&m->chip[0].ir[2], winner(&m->chip[1]) < 8);
}

static void served(Chip *p, unsigned n)
{
    p->ir[n].sense = false;
    if (!p->auto_eoi)
        p->ir[n].service = true;
    else if (p->rotate_in_auto)
        bottom(p, n);
}

static uint8_t vector(const Chip *p, unsigned n)
{
    if (p->x86)
        return (uint8_t)(p->base / 8 * 8 + n);
    return p->interval4 ? (uint8_t)((p->icw1 & 0xe0) + 4 * n) : (uint8_t)((p->icw1 & 0xc0) + 8 * n);
}

static uint8_t model_ack(Model *m)
{
    Chip *a = &m->chip[0], *b = &m->chip[1];
    unsigned n = winner(a);
    uint8_t v;
    if (n == 8) {
        v = vector(a, 7);
    } else if (n != 2 || a->single || !(a->icw3 & 4)) {
        served(a, n);
        v = vector(a, n);
    } else {
        unsigned k = winner(b);
        served(a, 2);
        if (b->single || (b->icw3 & 7) != 2) {
            v = 0xff;
        } else {
            if (k < 8)
                served(b, k);
            v = vector(b, k < 8 ? k : 7);
        }
        drive(&a->ir[2], false);
    }
    settle(m);
    return v;
}

static void icw1(Chip *p, uint8_t value)
{
    for (unsigned n = 0; n < 8; n++)
        p->ir[n].sense = p->ir[n].service = p->ir[n].mask = false;
    bottom(p, 7);
    p->icw1 = value;
    p->single = value & 2;
    p->interval4 = value & 4;
    p->wants_icw4 = value & 1;
    p->icw3 = 7;
    p->special_mask = p->show_service = p->polled = p->rotate_in_auto = false;
    if (!p->wants_icw4)
        p->x86 = p->auto_eoi = p->nested_slaves = false;
    p->sequence = 2;
}

static void end_of_interrupt(Chip *p, bool specific, unsigned level, bool rotate)
{
    for (unsigned k = 0; k < 8 && !specific; k++) {
        const Cell *c = &p->ir[p->order[k]];
        if (c->service && !(p->special_mask && c->mask)) {
            level = p->order[k];
            specific = true;
        }
    }
    if (!specific)
        return;
    p->ir[level].service = false;
    if (rotate)
        bottom(p, level);
}

static void ocw2(Chip *p, unsigned command, unsigned level)
{
    switch (command) {
    case 0: p->rotate_in_auto = false; break;
    case 1: end_of_interrupt(p, false, 0, false); break;
    case 3: end_of_interrupt(p, true, level, false); break;
    case 4: p->rotate_in_auto = true; break;
    case 5: end_of_interrupt(p, false, 0, true); break;
    case 6: bottom(p, level); break;
    case 7: end_of_interrupt(p, true, level, true); break;
    default: break; /* 010: no operation */
    }
}

static void model_write(Model *m, unsigned which, unsigned a0, uint8_t value)
{
    Chip *p = &m->chip[which];
    if (!a0 && value & 0x10) {
        icw1(p, value);
    } else if (!a0 && value & 8) {
        if (value & 0x40)
            p->special_mask = value & 0x20;
        if (value & 4)
            p->polled = true;
        if (value & 2)
            p->show_service = value & 1;
    } else if (!a0) {
        ocw2(p, value >> 5, value & 7);
    } else if (p->sequence == 2) {
        p->base = value;
        p->sequence = !p->single ? 3 : p->wants_icw4 ? 4 : 5;
    } else if (p->sequence == 3) {
        p->icw3 = value;
        p->sequence = p->wants_icw4 ? 4 : 5;
    } else if (p->sequence == 4) {
        p->x86 = value & 1;
        p->auto_eoi = value & 2;
        p->nested_slaves = value & 0x10;
        p->sequence = 5;
    } else {
        for (unsigned n = 0; n < 8; n++)
            p->ir[n].mask = value >> n & 1;
    }
    settle(m);
}

static uint8_t model_read(Model *m, unsigned which, unsigned a0)
{
    Chip *p = &m->chip[which];
    uint8_t irr = 0, isr = 0, imr = 0;
    if (p->polled) {
        unsigned n = winner(p);
        p->polled = false;
        if (n == 8)
            return 0;
        served(p, n);
        if (which == 1)
            drive(&m->chip[0].ir[2], false);
        settle(m);
        return (uint8_t)(0x80 + n);
    }
    for (unsigned n = 0; n < 8; n++) {
        irr |= (uint8_t)(requested(&p->ir[n]) << n);
        isr |= (uint8_t)(p->ir[n].service << n);
        imr |= (uint8_t)(p->ir[n].mask << n);
    }
    return a0 ? imr : p->show_service ? isr : irr;
}

static void model_elcr(Model *m, unsigned which, uint8_t value)
{
    static const uint8_t allowed[2] = {0xf8, 0xde};
    for (unsigned n = 0; n < 8; n++)
        m->chip[which].ir[n].level_mode = value & allowed[which] & 1u << n;
    settle(m);
}

static uint32_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(*state >> 33);
}

static void both_write(Harness *h, Model *m, unsigned which, unsigned a0, uint8_t value)
{
    harness_out8(h, (which ? 0xa0 : 0x20) + a0, value);
    model_write(m, which, a0, value);
}

/* A whole initialization, mostly a sensible one. */
static void both_init(Harness *h, Model *m, unsigned which, uint32_t r)
{
    uint8_t first = (uint8_t)(0x11 | (r & 7 ? 0 : r >> 3 & 0xf));
    both_write(h, m, which, 0, first);
    both_write(h, m, which, 1, (uint8_t)(r >> 8));
    if (!(first & 2))
        both_write(h, m, which, 1, r & 0x700000 ? (which ? 2 : 4) : (uint8_t)(r >> 12));
    if (first & 1)
        both_write(h, m, which, 1, (uint8_t)((r >> 24 & 0x1f) | 1));
}

static void step(Harness *h, Model *m, uint32_t r, uint32_t value)
{
    unsigned which = r >> 8 & 1, a0 = r >> 9 & 1;
    uint8_t byte = (uint8_t)value;
    switch (r % 64) {
    case 0: both_init(h, m, which, value); break;
    case 1: /* a sequence that may stay cut short */
        if (!(value & 0x300))
            both_write(h, m, which, 0, byte | 0x10);
        break;
    case 2:
        harness_out8(h, 0x4d0 + which, byte);
        model_elcr(m, which, byte);
        break;
    case 3:
        if (!(value & 0x3f00))
            harness_save_load(h);
        break;
    case 4 ... 23: {
        unsigned irq = value & 15;
        harness_irq_drive(h, irq, value >> 4 & 1);
        if (irq != 2)
            drive(&m->chip[irq / 8].ir[irq % 8], value >> 4 & 1);
        settle(m);
        break;
    }
    case 24 ... 33: both_write(h, m, which, 0, byte & 0xe7); break;                  /* OCW2 */
    case 34 ... 38: both_write(h, m, which, 0, (byte & 0x67) | 8); break;            /* OCW3 */
    case 39 ... 41: both_write(h, m, which, 1, byte & (uint8_t)(value >> 8)); break; /* OCW1 */
    case 42 ... 51:
        if (harness_pic_intr_level(h) || !(value & 0xf00))
            ck_assert_uint_eq(harness_pic_ack(h), model_ack(m));
        break;
    default:
        ck_assert_uint_eq(harness_in8(h, (which ? 0xa0 : 0x20) + a0), model_read(m, which, a0));
        break;
    }
}

START_TEST(random_commands)
{
    Harness *h = harness_new("i8259", NULL);
    Model m;
    uint64_t random = 0x8259 + (uint64_t)_i;
    uint32_t raised = 0;
    memset(&m, 0, sizeof(m));
    m.chip[0].is_master = true;
    bottom(&m.chip[0], 7);
    bottom(&m.chip[1], 7);
    both_init(h, &m, 0, 0x01100800);
    both_init(h, &m, 1, 0x01107000);
    for (uint32_t i = 0; i < STEPS; i++) {
        uint32_t r = next_random(&random);
        step(h, &m, r, next_random(&random));
        ck_assert_msg(harness_pic_intr_level(h) == (winner(&m.chip[0]) < 8),
                      "step %u (%08x): INTR is %u", i, r, harness_pic_intr_level(h));
        raised += harness_pic_intr_level(h);
    }
    ck_assert_uint_gt(raised, STEPS / 20); /* the walk does not get stuck in silence */
    ck_assert_uint_lt(raised, STEPS - STEPS / 20);
    harness_free(h);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("i8259_model");
    TCase *tc = tcase_create("i8259_model");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, random_commands, 0, 4);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
