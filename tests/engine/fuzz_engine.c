/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fuzz target: an engine on hostile guest code and hostile CPU state (what a saved state may hold).
 *
 * The input chooses model, mode, registers, tables and code. It is run twice: freely, and one
 * instruction at a time. Nothing may go wrong (that is the sanitizers' part), and both runs must
 * agree on the CPU's state, on memory and on every access that left the CPU, exactly: blocks,
 * caches and lazy flags are not the guest's business. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
/* Of the engine, which is linked in. */
const viv_plugin_t *viv_plugin_entry_v1(const viv_host_t *host);

#define RAM   (1u << 20)
#define INSNS 150u
#define CODE  0x10000u /* four pages of it */
#define TABLE 0x8000u  /* GDT, then IDT at +1000h, LDT +2000h, TSS +3000h */
#define PAGES 0x1000u  /* page tables */

typedef struct Input {
    const uint8_t *at;
    size_t left;
} Input;

static uint64_t input_take(Input *in, uint32_t bytes)
{
    uint64_t v = 0;
    uint32_t n = in->left < bytes ? (uint32_t)in->left : bytes;
    memcpy(&v, in->at, n);
    in->at += n;
    in->left -= n;
    return v;
}

/* True once in n. */
static bool input_one_in(Input *in, uint32_t n)
{
    return input_take(in, 1) % n == n - 1;
}

/* Somewhere in RAM as a rule, at a border now and then, anything else seldom. */
static uint64_t input_address(Input *in)
{
    uint8_t kind = (uint8_t)input_take(in, 1);
    uint64_t v = input_take(in, 3);
    if (kind < 200)
        return v & (RAM - 1);
    if (kind < 220)
        return CODE + (v & 0x3fff);
    if (kind < 240)
        return (v & 0xff000u) - 1 - (kind & 7u);
    if (kind < 248)
        return RIG_MMIO + (v & 0xfff);
    return v << 40 | v;
}

static void fuzz_segments(Input *in, viv_cpu_t *s, uint32_t cpl)
{
    static const uint32_t attrs[] = {0xc093, 0xc093, 0x4093, 0x0093,
                                     0xc097, 0x0097, 0xc091, 0x10000};
    uint32_t k;
    for (k = 0; k < 6; k++) {
        uint32_t attr = attrs[input_take(in, 1) & 7];
        if (k == VIV_SEG_CS || k == VIV_SEG_SS)
            continue;
        s->seg[k].attr = attr | cpl << VIV_ATTR_DPL_SHIFT;
        if (input_one_in(in, 8))
            s->seg[k].limit = (uint32_t)input_take(in, 3);
        if (input_one_in(in, 8))
            s->seg[k].base = input_address(in) & 0xffffffffu;
        if (input_one_in(in, 32))
            s->seg[k].attr = (uint32_t)input_take(in, 3) & 0x1f0ff;
    }
}

/* Gates to places in the code, descriptors of every type. */
static void fuzz_tables(Input *in, Rig *rig, bool wide)
{
    static const uint8_t types[] = {0x9b, 0x93, 0xfb, 0xf3, 0x97, 0x9f, 0x8e, 0x8f, 0xee, 0x86,
                                    0x85, 0xec, 0x8c, 0x84, 0x89, 0x81, 0x82, 0x8b, 0x1b, 0x9a};
    viv_cpu_t *s = rig->cpu;
    uint32_t k, step = wide ? 16 : 8;
    for (k = 1; k < 64; k++) {
        uint32_t type = (k - 1) % sizeof(types);
        uint32_t lo = 0xffff, hi = 0x00cf0000u | (uint32_t)types[type] << 8;
        if (type >= 6)
            lo = (k & 3) << 19 | ((k * 64) & 0xffff), hi = (hi & 0xffff) | CODE;
        if (wide && hi == 0x00cf9b00u)
            hi = 0x00af9b00;
        rig_w32(rig, TABLE + k * 8, lo);
        rig_w32(rig, TABLE + k * 8 + 4, hi);
    }
    for (k = 0; k < 48; k++) {
        uint32_t at = TABLE + 0x1000 + k * step;
        rig_w32(rig, at, 8u << 16 | ((CODE + k * 128) & 0xffff));
        rig_w32(rig, at + 4, CODE | (k & 1 ? 0xee00u : 0x8f00u));
        if (wide)
            rig_w64(rig, at + 8, 0);
    }
    for (k = 0; k < 24; k++)
        rig_w32(rig, (uint64_t)TABLE + (input_take(in, 2) & 0x3ffc), (uint32_t)input_take(in, 4));
    s->gdtr = (viv_tablereg_t){.base = TABLE, .limit = 511};
    s->idtr = (viv_tablereg_t){.base = TABLE + 0x1000, .limit = (uint16_t)(48 * step - 1)};
    s->ldtr = (viv_segreg_t){.base = TABLE + 0x2000, .limit = 0xfff, .attr = 0x82, .sel = 0x80};
    s->tr = (viv_segreg_t){.base = TABLE + 0x3000, .limit = 0x2fff, .attr = 0x8b, .sel = 0x70};
    rig_w32(rig, TABLE + 0x3004, 0x7000);
    rig_w32(rig, TABLE + 0x3008, 0x10);
    rig_w32(rig, TABLE + 0x3064, 0x00680000);
}

/* Identity, with some entries spoilt. */
static void fuzz_pages(Input *in, Rig *rig, bool pae, bool is_long)
{
    uint32_t k;
    for (k = 0; k < 512; k++) {
        if (pae)
            rig_w64(rig, PAGES + 0x3000 + k * 8, (uint64_t)k << 12 | 0x67);
        else
            rig_w32(rig, PAGES + 0x1000 + k * 4, k << 12 | 0x67);
    }
    if (pae) {
        rig_w64(rig, PAGES, is_long ? (PAGES + 0x1000) | 0x67 : (PAGES + 0x2000) | 1);
        rig_w64(rig, PAGES + 0x1000, (PAGES + 0x2000) | 0x67);
        rig_w64(rig, PAGES + 0x2000, (PAGES + 0x3000) | 0x67);
    } else {
        rig_w32(rig, PAGES, (PAGES + 0x1000) | 0x67);
    }
    for (k = 0; k < 12; k++) {
        uint32_t at = (uint32_t)input_take(in, 1) * 8;
        rig->ram[PAGES + (pae ? 0x3000 : 0x1000) + at + input_take(in, 1) % 8] ^=
            (uint8_t)input_take(in, 1);
    }
    rig->cpu->cr3 = PAGES;
}

/* Random bytes seldom are instructions that get far: opcodes of the second map, prefixes and
 * addressing forms are dealt out. */
static void fuzz_code(Input *in, Rig *rig)
{
    static const uint8_t prefixes[] = {0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x48, 0x44, 0x41,
                                       0x2e, 0x36, 0x64, 0x65, 0x4f, 0x0f, 0xc4, 0xc5};
    uint8_t *to = rig->ram + CODE, *end = to + 0x4000 - 16;
    uint32_t k;
    while (to < end && in->left) {
        uint8_t kind = (uint8_t)input_take(in, 1);
        if (kind < 40)
            *to++ = prefixes[kind & 15];
        if (kind < 110)
            *to++ = 0x0f;
        *to++ = (uint8_t)input_take(in, 1);
        *to++ = (uint8_t)input_take(in, 1);
        if (kind & 1)
            *to++ = (uint8_t)input_take(in, 1);
    }
    for (k = 0; k < 48; k++) /* a handler gets somewhere as a rule */
        rig->ram[CODE + k * 128] = 0x90;
}

#define MODE_REAL   0u
#define MODE_V86    1u
#define MODE_PROT32 2u
#define MODE_PROT16 3u
#define MODE_COMPAT 4u
#define MODE_LONG   5u

/* The 80286: segments of 64 KiB, nothing of CR0 but MSW. */
static void fuzz_mode_286(Input *in, Rig *rig, uint32_t cpl)
{
    viv_cpu_t *s = rig->cpu;
    uint32_t k;
    rig_flat32(rig, 0, cpl);
    fuzz_segments(in, s, cpl);
    fuzz_tables(in, rig, false);
    for (k = 0; k < 6; k++) {
        s->seg[k].limit &= 0xffff;
        s->seg[k].base &= 0xffffff;
        s->seg[k].attr &= 0x100ff;
    }
    s->seg[VIV_SEG_CS].base = CODE;
    s->cr0 = 0x11 | (input_take(in, 1) & 0xe);
    if (input_one_in(in, 2))
        s->tr.attr = 0x83;
}

static void fuzz_mode(Input *in, Rig *rig, uint32_t mode, uint32_t cpl)
{
    viv_cpu_t *s = rig->cpu;
    uint32_t code16 = mode == MODE_PROT16 ? 0x4000 : 0;
    bool pae, paged = mode >= MODE_COMPAT || input_one_in(in, 2);
    if (mode == MODE_REAL) {
        rig_real(rig, CODE >> 4, 0);
        s->cr4 = rig->vcpu.cpu_family < 3 ? 0 : 0x600;
        return;
    }
    if (rig->vcpu.cpu_family == 2) {
        fuzz_mode_286(in, rig, cpl);
        return;
    }
    rig_flat32(rig, CODE, cpl);
    s->seg[VIV_SEG_CS].attr &= ~code16;
    fuzz_segments(in, s, cpl);
    fuzz_tables(in, rig, mode >= MODE_COMPAT);
    pae = mode >= MODE_COMPAT || input_one_in(in, 2);
    s->cr4 = 0x610 | (pae ? 0x20u : 0) | (input_take(in, 1) & 0x8f) |
             (input_take(in, 1) << 16 & 0x300000);
    s->cr0 = 0x31 | (input_take(in, 3) & 0x5000e);
    if (paged) {
        fuzz_pages(in, rig, pae, mode >= MODE_COMPAT);
        s->cr0 |= 0x80000000u;
    }
    if (mode >= MODE_COMPAT)
        s->efer = 0xd01;
    if (mode == MODE_LONG)
        s->seg[VIV_SEG_CS].attr = (s->seg[VIV_SEG_CS].attr & ~0x4000u) | 0x2000;
    if (mode == MODE_V86) {
        uint32_t k;
        for (k = 0; k < 6; k++)
            s->seg[k] =
                (viv_segreg_t){.base = CODE, .limit = 0xffff, .attr = 0xf3, .sel = CODE >> 4};
        s->rip = 0;
        s->rflags |= 0x20000;
    }
}

static void fuzz_state(Input *in, Rig *rig)
{
    viv_cpu_t *s = rig->cpu;
    uint32_t choice = (uint32_t)input_take(in, 1), mode = choice % 6, k;
    uint32_t cpl = mode == MODE_V86 || (choice & 0x40) ? 3 : 0;
    if (rig->vcpu.cpu_family == 0 || (rig->vcpu.cpu_family == 2 && mode < 3))
        mode = MODE_REAL;
    memset(rig->ram, 0, RAM);
    memset(rig->mmio, 0, sizeof(rig->mmio));
    rig_reset(rig);
    fuzz_mode(in, rig, mode, cpl);
    for (k = 0; k < 16; k++)
        s->gpr[k] = k == VIV_REG_RSP ? 0x7000 - k : input_address(in);
    if (input_one_in(in, 8))
        s->gpr[VIV_REG_RSP] = input_address(in);
    s->rflags = 2 | (s->rflags & 0x20000) | (input_take(in, 3) & 0x243fd5);
    if (!input_one_in(in, 4))
        s->rflags &= ~0x100ull;
    if (input_one_in(in, 8)) {
        s->dr[7] = 0x400 | input_take(in, 4);
        for (k = 0; k < 4; k++)
            s->dr[k] = input_address(in);
    }
    for (k = 0; k < 32; k++)
        s->xsave[32 + k * 8] = (uint8_t)input_take(in, 1);
    if (input_one_in(in, 3)) {
        rig->irq = 1 + (uint32_t)(input_take(in, 1) & 0x2f);
        rig->vcpu.ff = VIV_FF_INTR;
    }
    rig->tsc = 0;
    fuzz_code(in, rig);
}

typedef struct Outcome {
    viv_cpu_t cpu;
    uint32_t exit;
    uint32_t log_count, exit_code;
    RigAccess log[RIG_LOG_MAX];
    uint8_t ram[RAM];
} Outcome;

static void outcome_take(Outcome *o, const Rig *rig, uint32_t exit)
{
    memcpy(&o->cpu, rig->cpu, sizeof(o->cpu));
    o->exit = exit;
    o->log_count = rig->log_count;
    o->exit_code = rig->exited ? rig->exit_code : ~0u;
    memcpy(o->log, rig->log, sizeof(o->log));
    memcpy(o->ram, rig->ram, RAM);
}

static _Noreturn void fuzz_fail(const char *what, const Outcome *a, const Outcome *b)
{
    uint32_t k;
    fprintf(stderr,
            "engine: whole and stepped run differ in %s: exits %u %u, rip %llx %llx, icount %llu "
            "%llu\n",
            what, a->exit, b->exit, (unsigned long long)a->cpu.rip, (unsigned long long)b->cpu.rip,
            (unsigned long long)a->cpu.icount, (unsigned long long)b->cpu.icount);
    for (k = 0; k < sizeof(a->cpu); k++)
        if (((const uint8_t *)&a->cpu)[k] != ((const uint8_t *)&b->cpu)[k])
            fprintf(stderr, "  viv_cpu_t+%u: %02x %02x\n", k, ((const uint8_t *)&a->cpu)[k],
                    ((const uint8_t *)&b->cpu)[k]);
    abort();
}

static void outcome_compare(const Outcome *a, const Outcome *b)
{
    if (a->exit != b->exit || memcmp(&a->cpu, &b->cpu, sizeof(a->cpu)) != 0)
        fuzz_fail("state", a, b);
    if (memcmp(a->ram, b->ram, RAM) != 0)
        fuzz_fail("memory", a, b);
    if (a->log_count != b->log_count || a->exit_code != b->exit_code ||
        memcmp(a->log, b->log, a->log_count * sizeof(a->log[0])) != 0)
        fuzz_fail("accesses", a, b);
}

static Rig *fuzz_rig(void)
{
    static const viv_host_t host = {sizeof(host), VIV_SDK_MAJOR, VIV_API_LEVEL, VIV_API_LEVEL,
                                    "rig"};
    const viv_plugin_t *plugin = viv_plugin_entry_v1(&host);
    return plugin ? rig_create(NULL, plugin->classes[0], RAM) : NULL;
}

/* A guest may go on for ever without retiring an instruction: its exception handler faults. Such a
 * run is ended after a while, and not compared. */
static Rig *alarm_rig;
static volatile sig_atomic_t alarm_rung;

static void alarm_ring(int sig)
{
    (void)sig;
    alarm_rung = 1;
    __atomic_fetch_or(&alarm_rig->vcpu.ff, VIV_FF_EXIT, __ATOMIC_SEQ_CST);
}

static void alarm_set(Rig *rig)
{
    static timer_t timer;
    struct itimerspec when = {{0, 50000000}, {0, 50000000}};
    if (!alarm_rig) {
        struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2};
        signal(SIGUSR2, alarm_ring);
        if (timer_create(CLOCK_PROCESS_CPUTIME_ID, &event, &timer) != 0)
            abort();
    }
    alarm_rig = rig;
    alarm_rung = 0;
    timer_settime(timer, 0, &when, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static Rig *rig;
    static Outcome whole, stepped;
    static const char *const models[16] = {"x86-64-v3,-rdrand,-rdseed",
                                           "x86-64-v3,-rdrand,-rdseed",
                                           "x86-64-v3,-rdrand,-rdseed",
                                           "x86-64-v3,-rdrand,-rdseed",
                                           "x86-64-v3,-rdrand,-rdseed",
                                           "x86-64-v3,-rdrand,-rdseed",
                                           "x86-64-v3,-rdrand,-rdseed",
                                           "core2",
                                           "core2",
                                           "pentium3",
                                           "486,+vme",
                                           "486",
                                           "386",
                                           "286,+fpu",
                                           "286",
                                           "8086"};
    Input in = {data, len}, again;
    uint32_t exit, steps;
    if (!rig)
        rig = fuzz_rig();
    if (!rig || !rig_model(rig, models[input_take(&in, 1) & 15]))
        abort();
    again = in;
    alarm_set(rig);
    fuzz_state(&in, rig);
    exit = rig_run(rig, INSNS);
    outcome_take(&whole, rig, exit);
    if (alarm_rung)
        return 0;
    fuzz_state(&again, rig);
    exit = VIV_EXIT_BUDGET;
    for (steps = 0; steps < INSNS && exit == VIV_EXIT_BUDGET; steps++)
        exit = rig_run(rig, 1);
    outcome_take(&stepped, rig, exit);
    if (!alarm_rung)
        outcome_compare(&whole, &stepped);
    return 0;
}
