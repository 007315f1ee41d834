/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The counter against another one that is written from the data sheet's words (231164, "Mode
 * Definitions") pulse by pulse, over random programs. */
#include <stdint.h>
#include <stdlib.h>

#include <check.h>

#include "i8254_channel.h"

typedef struct Model {
    unsigned mode, bcd, rw, gate, out;
    uint32_t cr, ce; /* count register and counting element, as numbers; 0 stands for the most */
    uint32_t reloaded;
    int null, loaded, load, stopped, armed, second;
    uint8_t first;
} Model;

static uint32_t model_modulus(const Model *m)
{
    return m->bcd ? 10000 : 65536;
}

static void model_control(Model *m, uint8_t word)
{
    unsigned gate = m->gate;
    *m = (Model){.gate = gate, .rw = word >> 4 & 3, .mode = word >> 1 & 7, .bcd = word & 1};
    m->mode = m->mode > 5 ? m->mode - 4 : m->mode;
    m->out = m->mode != 0;
    m->null = 1;
}

static void model_count(Model *m, uint32_t raw)
{
    m->cr = raw;
    if (m->bcd) {
        m->cr = (raw >> 12) * 1000 + (raw >> 8 & 15) * 100 + (raw >> 4 & 15) * 10 + (raw & 15);
    }
    m->null = 1;
    m->armed |= 2; /* there is a count */
    if (m->mode == 0) {
        m->out = 0;
        m->stopped = 0;
    }
    if (m->mode == 0 || m->mode == 4 || ((m->mode == 2 || m->mode == 3) && !m->loaded)) {
        m->load = 1;
    }
}

static void model_write(Model *m, uint8_t byte)
{
    if (m->rw == 1) {
        model_count(m, byte);
    } else if (m->rw == 2) {
        model_count(m, (uint32_t)byte << 8);
    } else if (m->second) {
        m->second = 0;
        model_count(m, (uint32_t)byte << 8 | m->first);
    } else {
        m->second = 1;
        m->first = byte;
        if (m->mode == 0) {
            m->stopped = 1;
            m->out = 0;
        }
    }
}

static void model_gate(Model *m, unsigned gate)
{
    int trigger = gate && !m->gate;
    m->gate = gate;
    if (!gate && (m->mode == 2 || m->mode == 3)) {
        m->out = 1;
    }
    if (trigger && m->armed & 2 && m->mode != 0 && m->mode != 4) {
        m->load = 1;
    }
}

static void model_reload(Model *m)
{
    m->null = 0;
    m->reloaded = m->cr;
    m->ce = m->mode == 3 ? m->cr & ~1u : m->cr;
}

static void model_square(Model *m)
{
    uint32_t modulus = model_modulus(m);
    if (m->ce == 0 && m->out && m->reloaded & 1) { /* the one pulse more of an odd count */
        m->out = 0;
        model_reload(m);
        return;
    }
    m->ce = (m->ce + modulus - 2) % modulus;
    if (m->ce == 0 && !(m->out && m->reloaded & 1)) {
        m->out = !m->out;
        model_reload(m);
    }
}

static void model_pulse(Model *m)
{
    uint32_t modulus = model_modulus(m);
    if (m->load) {
        m->load = 0;
        m->loaded = 1;
        model_reload(m);
        m->armed |= 1;
        m->out = m->mode > 1;
        return;
    }
    if (m->mode >= 4 && !m->out) { /* the strobe is over */
        m->out = 1;
        m->armed &= ~1;
    }
    if (!m->loaded || m->stopped || (!m->gate && m->mode != 1 && m->mode != 5)) {
        return;
    }
    switch (m->mode) {
    case 2:
        if (m->ce == 1) {
            m->out = 1;
            model_reload(m);
        } else {
            m->ce = (m->ce + modulus - 1) % modulus;
            m->out = m->ce != 1;
        }
        break;
    case 3: model_square(m); break;
    default:
        m->ce = (m->ce + modulus - 1) % modulus;
        if (m->ce == 0 && m->mode < 2) {
            m->out = 1;
        } else if (m->ce == 0 && m->armed & 1) {
            m->out = 0;
        }
        break;
    }
}

static uint32_t model_shown(const Model *m)
{
    uint32_t n = m->ce;
    return m->bcd ? n / 1000 << 12 | n / 100 % 10 << 8 | n / 10 % 10 << 4 | n % 10 : n;
}

/* -- the comparison -------------------------------------------------------------------------- */

static uint64_t seed;

static uint32_t rnd(uint32_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 20) % n;
}

static void compare(const I8254Channel *c, const Model *m, unsigned step)
{
    I8254Channel copy = *c;
    ck_assert_msg(c->out == m->out, "step %u: mode %u: OUT is %u", step, m->mode, c->out);
    copy.latched = copy.status_latched = 0;
    copy.read_msb = 0;
    i8254_channel_latch_status(&copy, c);
    uint8_t status = i8254_channel_read(&copy, c);
    ck_assert_uint_eq(status,
                      m->out << 7 | (unsigned)m->null << 6 | m->rw << 4 | m->mode << 1 | m->bcd);
    if (!m->loaded) {
        return; /* the counting element holds something or other */
    }
    i8254_channel_latch_count(&copy, c);
    uint32_t lsb = m->rw == 2 ? 0 : i8254_channel_read(&copy, c);
    uint32_t msb = m->rw == 1 ? 0 : i8254_channel_read(&copy, c);
    uint32_t mask = m->rw == 1 ? 0xff : m->rw == 2 ? 0xff00 : 0xffff;
    ck_assert_msg((msb << 8 | lsb) == (model_shown(m) & mask),
                  "step %u: mode %u: count %x, expected %x", step, m->mode, msb << 8 | lsb,
                  model_shown(m) & mask);
}

static void run(I8254Channel *c, Model *m, uint32_t pulses)
{
    uint64_t to = c->at + pulses;
    uint64_t edge = i8254_channel_edge(c), at = c->at;
    int rises = 0;
    for (uint32_t i = 0; i < pulses; i++) {
        unsigned before = m->out;
        model_pulse(m);
        at++;
        if (before != m->out && at < edge) {
            ck_abort_msg("OUT changes at %lu, before %lu", (unsigned long)at, (unsigned long)edge);
        }
        if (at == edge) { /* and from there on, as the speaker goes */
            I8254Channel copy = *c;
            i8254_channel_run(&copy, at);
            edge = i8254_channel_edge(&copy);
            if (copy.out != m->out || edge <= at) {
                ck_abort_msg("OUT is %u at %lu, the next edge %lu", copy.out, (unsigned long)at,
                             (unsigned long)edge);
            }
        }
        rises |= !before && m->out;
    }
    ck_assert_int_eq(!!i8254_channel_run(c, to), rises);
}

static uint32_t random_count(const Model *m)
{
    for (;;) {
        uint32_t n = rnd(4) ? rnd(12) : rnd(65536);
        int digits = (n & 15) < 10 && (n >> 4 & 15) < 10 && (n >> 8 & 15) < 10 && n >> 12 < 10;
        uint32_t written = m->rw == 1 ? n & 0xff : m->rw == 2 ? n & 0xff00 : n;
        if (written != 1 && (!m->bcd || digits)) { /* 1 is illegal in modes 2 and 3 */
            return n;
        }
    }
}

static void step(I8254Channel *c, Model *m)
{
    uint32_t n;
    switch (rnd(12)) {
    case 0: {
        uint8_t word = (uint8_t)((1 + rnd(3)) << 4 | rnd(16));
        i8254_channel_control(c, word);
        model_control(m, word);
    }
        /* fall through */
    case 1:
        if (m->second) {
            return; /* the other half is to come */
        }
        n = random_count(m);
        if (m->rw != 2) {
            i8254_channel_write(c, (uint8_t)n);
            model_write(m, (uint8_t)n);
        }
        if (m->rw == 3 && rnd(2)) {
            run(c, m, rnd(8));
        }
        if (m->rw != 1) {
            i8254_channel_write(c, (uint8_t)(n >> 8));
            model_write(m, (uint8_t)(n >> 8));
        }
        break;
    case 2:
    case 3:
        n = rnd(3) != 0;
        i8254_channel_gate(c, (uint8_t)n);
        model_gate(m, n);
        break;
    case 4: run(c, m, rnd(8) ? rnd(3000) : rnd(140000)); break;
    default: run(c, m, rnd(30)); break;
    }
}

START_TEST(random_programs)
{
    I8254Channel c;
    Model m = {.gate = 1};
    seed = 0x9e3779b97f4a7c15ull + (uint64_t)_i;
    i8254_channel_reset(&c, 0, 1);
    i8254_channel_control(&c, 0x30);
    model_control(&m, 0x30);
    for (unsigned i = 0; i < 2000; i++) {
        step(&c, &m);
        compare(&c, &m, i);
        ck_assert(i8254_channel_is_sane(&c, c.at));
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("i8254_model");
    TCase *tc = tcase_create("i8254_model");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, random_programs, 0, 6);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
