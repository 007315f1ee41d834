/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An execution engine under the rig: the guest-side programs of asm/, and what only the host can
 * see: exact instruction counts, the state in host calls, interrupts and their shadows, A20,
 * changes of the map and of code from outside, leaving on request.
 *
 * Environment: VIV_ENGINE_PLUGIN the engine's .so, VIV_ENGINE_ASM the folder of the assembled
 * programs. */
#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "rig.h"

#define RAM_BYTES (16u << 20)
#define CODE      0x100000u

#define LOAD(rig, ...)                                                                             \
    do {                                                                                           \
        static const uint8_t code_[] = {__VA_ARGS__};                                              \
        rig_load((rig), CODE, code_, sizeof(code_));                                               \
    } while (0)

static Rig *rig_new(void)
{
    Rig *rig = rig_create(getenv("VIV_ENGINE_PLUGIN"), NULL, RAM_BYTES);
    ck_assert_ptr_nonnull(rig);
    return rig;
}

/* -- guest-side programs ----------------------------------------------------------------------- */
typedef struct Program {
    const char *name; /* the mode it starts in: 16, 64, or 32 */
    const char *model;
} Program;

static const Program programs[] = {
    {"real16", NULL}, {"smc", NULL},          {"smcpaths", NULL},    {"smcmodes", NULL},
    {"prot32", NULL}, {"task32", NULL},       {"v86", NULL},         {"paging32", NULL},
    {"long64", NULL}, {"cpu8086_16", "8086"}, {"real286_16", "286"}, {"prot286_16", "286"},
};

static void program_load(Rig *rig, const Program *program)
{
    const char *name = program->name;
    const char *folder = getenv("VIV_ENGINE_ASM");
    static uint8_t image[1 << 20];
    char path[4096];
    size_t n;
    FILE *f;
    snprintf(path, sizeof(path), "%s/%s.bin", folder ? folder : ".", name);
    f = fopen(path, "rb");
    ck_assert_msg(f != NULL, "%s is missing", path);
    n = fread(image, 1, sizeof(image), f);
    fclose(f);
    if (program->model)
        ck_assert(rig_model(rig, program->model));
    if (strstr(name, "16")) {
        rig_real(rig, 0, 0x8000);
        rig_load(rig, 0x8000, image, n);
    } else {
        if (strstr(name, "64"))
            rig_long(rig, CODE, 0);
        else
            rig_flat32(rig, CODE, 0);
        rig_load(rig, CODE, image, n);
    }
}

START_TEST(program)
{
    Rig *rig = rig_new();
    uint32_t exit;
    program_load(rig, &programs[_i]);
    exit = rig_run(rig, 10000000);
    ck_assert_msg(exit == VIV_EXIT_REQUEST && rig->exited, "%s: exit %u, rip %llx",
                  programs[_i].name, exit, (unsigned long long)rig->cpu->rip);
    ck_assert_msg(rig->exit_code == 0, "%s: expectation in front of offset %x failed",
                  programs[_i].name, rig->exit_code);
    rig_destroy(rig);
}
END_TEST

/* The same, one instruction a run: the boundaries must not matter. */
START_TEST(program_stepped)
{
    Rig *rig = rig_new(), *whole = rig_new();
    uint64_t steps = 0;
    program_load(whole, &programs[_i]);
    ck_assert_uint_eq(rig_run(whole, 10000000), VIV_EXIT_REQUEST);
    program_load(rig, &programs[_i]);
    while (rig_run(rig, 1) == VIV_EXIT_BUDGET && steps < 200000)
        steps++;
    ck_assert(rig->exited);
    ck_assert_uint_eq(rig->exit_code, 0);
    ck_assert_uint_eq(rig->cpu->icount, whole->cpu->icount);
    rig_destroy(rig);
    rig_destroy(whole);
}
END_TEST

/* -- models ------------------------------------------------------------------------------------ */
/* Where and in what state each generation starts. */
START_TEST(reset_states)
{
    static const struct {
        const char *model;
        uint32_t cs, ip, flags, cr0, dx;
        uint64_t base;
    } list[] = {
        {"8086", 0xffff, 0, 0xf002, 0, 0, 0xffff0},
        {"286", 0xf000, 0xfff0, 2, 0, 0, 0xff0000},
        {"386", 0xf000, 0xfff0, 2, 0, 0x308, 0xffff0000},
        {"386,+fpu", 0xf000, 0xfff0, 2, 0x10, 0x308, 0xffff0000},
        {"486", 0xf000, 0xfff0, 2, 0x60000010, 0x480, 0xffff0000},
    };
    Rig *rig = rig_new();
    const viv_cpu_t *s = rig->cpu;
    uint32_t k;
    for (k = 0; k < sizeof(list) / sizeof(list[0]); k++) {
        ck_assert(rig_model(rig, list[k].model));
        ck_assert_uint_eq(s->seg[VIV_SEG_CS].sel, list[k].cs);
        ck_assert_uint_eq(s->seg[VIV_SEG_CS].base, list[k].base);
        ck_assert_uint_eq(s->rip, list[k].ip);
        ck_assert_uint_eq(s->rflags, list[k].flags);
        ck_assert_uint_eq(s->cr0, list[k].cr0);
        ck_assert_uint_eq(s->gpr[VIV_REG_RDX], list[k].dx);
    }
    rig_destroy(rig);
}
END_TEST

/* 8087 and 80287: there if the model says so, and otherwise nothing happens. */
START_TEST(old_coprocessors)
{
    static const struct {
        const char *model;
        uint32_t word;
    } list[] = {{"8086", 0x5a5a}, {"8086,+fpu", 2}, {"286", 0x5a5a}, {"286,+fpu", 2}};
    /* fninit; fld1; fadd st0; wait; es lock fistp word [9000]; hlt */
    static const uint8_t code[] = {0xdb, 0xe3, 0xd9, 0xe8, 0xd8, 0xc0, 0x9b,
                                   0x26, 0xf0, 0xdf, 0x1e, 0,    0x90, 0xf4};
    Rig *rig = rig_new();
    uint32_t k;
    for (k = 0; k < sizeof(list) / sizeof(list[0]); k++) {
        ck_assert(rig_model(rig, list[k].model));
        rig_real(rig, 0, 0x8000);
        rig_load(rig, 0x8000, code, sizeof(code));
        rig_w32(rig, 0x9000, 0x5a5a);
        ck_assert_uint_eq(rig_run(rig, 100), VIV_EXIT_HALT);
        ck_assert_uint_eq(rig->cpu->rip, 0x8000 + sizeof(code));
        ck_assert_msg(rig_r32(rig, 0x9000) == list[k].word, "%s: %x", list[k].model,
                      rig_r32(rig, 0x9000));
    }
    rig_destroy(rig);
}
END_TEST

/* Any bytes are a program to an 8086: it never stops by itself but for HLT, and reaches nothing
 * above 1 MiB. The 80286 ends in a shutdown now and then. */
START_TEST(random_code)
{
    static const char *const models[] = {"8086", "286"};
    static uint8_t zero[0x10000];
    Rig *rig = rig_new();
    uint32_t seed = 1, round, k;
    for (round = 0; round < 40; round++) {
        uint32_t exit;
        ck_assert(rig_model(rig, models[round / 20]));
        rig_real(rig, 0x1000, 0);
        for (k = 0; k < 0x100000; k++) {
            seed = seed * 1664525 + 1013904223;
            rig->ram[k] = (uint8_t)(seed >> 24);
        }
        rig->engine->code_written(rig->engine_vm, 0, 0x100000);
        for (k = 0; k < 20; k++) {
            rig->cpu->activity = VIV_ACT_RUNNING;
            exit = rig_run(rig, 5000);
            ck_assert_uint_ne(exit, VIV_EXIT_ERROR);
            ck_assert_uint_le(rig->cpu->rip, round < 20 ? 0xffff : 0x10000);
            if (exit == VIV_EXIT_TRIPLE_FAULT)
                break;
        }
        if (round >= 20)
            continue;
        ck_assert_uint_ne(exit, VIV_EXIT_TRIPLE_FAULT);
        ck_assert_uint_eq(rig->cpu->rflags & 0xf000, 0xf000);
        ck_assert_int_eq(memcmp(rig->ram + 0x100000, zero, sizeof(zero)), 0);
    }
    rig_destroy(rig);
}
END_TEST

/* -- counting ---------------------------------------------------------------------------------- */
/* 100000: mov ecx,5; l: inc eax; dec ecx; jnz l; jmp 100000 */
#define LOOP_CODE 0xb9, 5, 0, 0, 0, 0x40, 0x49, 0x75, 0xfc, 0xeb, 0xf5

START_TEST(icount_is_exact)
{
    Rig *rig = rig_new();
    uint64_t n, at = 0;
    rig_flat32(rig, CODE, 0);
    LOAD(rig, LOOP_CODE);
    for (n = 1; n < 60; n++) {
        uint64_t k = at + n, in_round;
        ck_assert_uint_eq(rig_run(rig, n), VIV_EXIT_BUDGET);
        ck_assert_uint_eq(rig->cpu->icount, k);
        in_round = k % 17; /* mov, 5 * (inc, dec, jnz), jmp */
        if (in_round == 0)
            ck_assert_uint_eq(rig->cpu->rip, CODE);
        else if (in_round == 16)
            ck_assert_uint_eq(rig->cpu->rip, CODE + 9);
        else
            ck_assert_uint_eq(rig->cpu->rip, CODE + 5 +
                                                 ((in_round - 1) % 3 == 0   ? 0
                                                  : (in_round - 1) % 3 == 1 ? 1
                                                                            : 2));
        ck_assert_uint_eq(rig->cpu->gpr[VIV_REG_RAX], k / 17 * 5 + (in_round + 1) / 3);
        at = k;
    }
    rig_destroy(rig);
}
END_TEST

/* A REP instruction counts once, when it is through. */
START_TEST(icount_of_rep)
{
    Rig *rig = rig_new();
    rig_flat32(rig, CODE, 0);
    LOAD(rig, 0xb9, 0, 0x20, 0, 0, 0xbf, 0, 0, 0x20, 0, 0xf3, 0xaa, 0xf4);
    ck_assert_uint_eq(rig_run(rig, 100), VIV_EXIT_HALT);
    ck_assert_uint_eq(rig->cpu->icount, 4);
    ck_assert_uint_eq(rig->cpu->rip, CODE + 13);
    rig_destroy(rig);
}
END_TEST

/* -- host calls -------------------------------------------------------------------------------- */
START_TEST(mmio_sees_exact_state)
{
    Rig *rig = rig_new();
    rig_flat32(rig, CODE, 0);
    /* mov ebx,E0000000; nop; mov dword [ebx+4],12345678; nop; inc word [ebx+4]; mov al,[ebx+5];
     * out 80,al; hlt */
    LOAD(rig, 0xbb, 0, 0, 0, 0xe0, 0x90, 0xc7, 0x43, 4, 0x78, 0x56, 0x34, 0x12, 0x90, 0x66, 0xff,
         0x43, 4, 0x8a, 0x43, 5, 0xe6, 0x80, 0xf4);
    ck_assert_uint_eq(rig_run(rig, 100), VIV_EXIT_HALT);
    ck_assert_uint_eq(rig->log_count, 5);
    ck_assert(rig->log[0].write && rig->log[0].width == 4 && rig->log[0].value == 0x12345678);
    ck_assert_uint_eq(rig->log[0].rip, CODE + 6);
    ck_assert_uint_eq(rig->log[0].icount, 2);
    ck_assert(!rig->log[1].write && rig->log[1].width == 2);
    ck_assert(rig->log[2].write && rig->log[2].value == 0x5679);
    ck_assert_uint_eq(rig->log[2].rip, CODE + 14);
    ck_assert_uint_eq(rig->log[2].icount, 4);
    ck_assert_uint_eq(rig->log[3].width, 1);
    ck_assert(rig->log[4].port && rig->log[4].value == 0x56);
    ck_assert_uint_eq(rig->log[4].icount, 6);
    ck_assert_uint_eq(rig->log[4].rip, CODE + 21);
    rig_destroy(rig);
}
END_TEST

static void raise_irq(Rig *rig, uint16_t port, uint32_t value, uint32_t width)
{
    (void)value, (void)width;
    if (port == 0x80)
        rig_interrupt(rig, 0x20);
}

/* An interrupt raised by an OUT is taken right behind it, in the middle of a block. */
START_TEST(irq_after_port_write)
{
    Rig *rig = rig_new();
    rig_real(rig, 0, 0x8000);
    rig_load(rig, 0x8000, "\xfb\x90\xe6\x80\x40\x40\x40\xf4", 8); /* sti nop out inc inc inc hlt */
    rig_load(rig, 0x9000, "\x89\xc3\xf4", 3);                     /* mov bx,ax; hlt */
    rig_w32(rig, 0x80, 0x00009000);
    rig->on_port_write = raise_irq;
    ck_assert_uint_eq(rig_run(rig, 100), VIV_EXIT_HALT);
    ck_assert_uint_eq(rig->cpu->gpr[VIV_REG_RBX], 0);
    ck_assert_uint_eq(rig_r32(rig, 0x6ffa) & 0xffff, 0x8004);
    rig_destroy(rig);
}
END_TEST

/* STI and MOV SS hold interrupts off for one instruction; NMI comes through with IF clear, and
 * only once until IRET. */
START_TEST(shadows)
{
    Rig *rig = rig_new();
    rig_real(rig, 0, 0x8000);
    rig_w32(rig, 0x80, 0x00009000);
    rig_w32(rig, 0x08, 0x00009100);
    rig_load(rig, 0x8000, "\xfb\x40\x40\x40\xf4", 5); /* sti inc inc inc hlt */
    rig_load(rig, 0x9000, "\xf4", 1);
    rig_interrupt(rig, 0x20);
    ck_assert_uint_eq(rig_run(rig, 100), VIV_EXIT_HALT);
    ck_assert_uint_eq(rig->cpu->gpr[VIV_REG_RAX], 1);

    rig_real(rig, 0, 0x8000);
    rig_load(rig, 0x8000, "\x8e\xd0\x40\x40\xf4", 5); /* mov ss,ax; inc inc */
    rig->cpu->rflags |= 0x200;
    rig->cpu->shadow = VIV_SHADOW_STI;
    rig_interrupt(rig, 0x20);
    ck_assert_uint_eq(rig_run(rig, 100), VIV_EXIT_HALT);
    ck_assert_uint_eq(rig->cpu->gpr[VIV_REG_RAX],
                      1); /* the shadow of MOV SS follows that of the test */

    rig_real(rig, 0, 0x8000);
    rig_load(rig, 0x8000, "\x90\xf4", 2);
    rig_load(rig, 0x9100, "\x43\x90\x90\xcf", 4); /* inc bx nop nop iret */
    rig->vcpu.ff |= VIV_FF_NMI;
    ck_assert_uint_eq(rig_run(rig, 1), VIV_EXIT_BUDGET); /* inc bx */
    ck_assert_uint_eq(rig->cpu->rip, 0x9101);
    ck_assert_uint_eq(rig->cpu->nmi_blocked, 1);
    rig->vcpu.ff |= VIV_FF_NMI;
    ck_assert_uint_eq(rig_run(rig, 1), VIV_EXIT_BUDGET);
    ck_assert_uint_eq(rig->cpu->rip, 0x9102);
    ck_assert_uint_eq(rig_run(rig, 100), VIV_EXIT_HALT);
    ck_assert_uint_eq(rig->cpu->gpr[VIV_REG_RBX], 2);
    ck_assert_uint_eq(rig->cpu->nmi_blocked, 0);
    rig_destroy(rig);
}
END_TEST

START_TEST(halt_wakes)
{
    Rig *rig = rig_new();
    rig_real(rig, 0, 0x8000);
    rig_w32(rig, 0x80, 0x00009000);
    rig_load(rig, 0x8000, "\xfb\xf4\x41\xf4", 4); /* sti hlt inc cx hlt */
    rig_load(rig, 0x9000, "\x40\xcf", 2);         /* inc ax iret */
    ck_assert_uint_eq(rig_run(rig, 100), VIV_EXIT_HALT);
    ck_assert_uint_eq(rig->cpu->rip, 0x8002);
    ck_assert_uint_eq(rig->cpu->activity, VIV_ACT_HALTED);
    ck_assert_uint_eq(rig_run(rig, 100), VIV_EXIT_HALT);
    ck_assert_uint_eq(rig->cpu->rip, 0x8002);
    rig_interrupt(rig, 0x20);
    ck_assert_uint_eq(rig_run(rig, 100), VIV_EXIT_HALT);
    ck_assert_uint_eq(rig->cpu->gpr[VIV_REG_RAX], 1);
    ck_assert_uint_eq(rig->cpu->gpr[VIV_REG_RCX], 1);
    rig_destroy(rig);
}
END_TEST

/* -- the world changes ------------------------------------------------------------------------- */
START_TEST(a20)
{
    Rig *rig = rig_new();
    rig_flat32(rig, 0x8000, 0);
    /* mov byte [100000],55; mov al,[0]; hlt */
    rig_load(rig, 0x8000, "\xc6\x05\x00\x00\x10\x00\x55\xa0\x00\x00\x00\x00\xf4", 13);
    rig->ram[0] = 1;
    rig->vcpu.a20_mask = ~(1ull << 20);
    rig->engine->map_changed(rig->vcpu.engine_self);
    ck_assert_uint_eq(rig_run(rig, 100), VIV_EXIT_HALT);
    ck_assert_uint_eq(rig->cpu->gpr[VIV_REG_RAX] & 0xff, 0x55);
    ck_assert_uint_eq(rig->ram[0x100000], 0);
    rig->vcpu.a20_mask = ~0ull;
    rig->engine->map_changed(rig->vcpu.engine_self);
    rig->cpu->rip = 0x8000;
    rig->cpu->activity = VIV_ACT_RUNNING;
    rig->ram[0] = 1;
    ck_assert_uint_eq(rig_run(rig, 100), VIV_EXIT_HALT);
    ck_assert_uint_eq(rig->cpu->gpr[VIV_REG_RAX] & 0xff, 1);
    ck_assert_uint_eq(rig->ram[0x100000], 0x55);
    rig_destroy(rig);
}
END_TEST

/* DMA into code that has been run: the mark was set, and after the notice the new bytes count. */
START_TEST(code_written_from_outside)
{
    Rig *rig = rig_new();
    rig_flat32(rig, CODE, 0);
    LOAD(rig, 0xb0, 1, 0xf4);
    ck_assert_uint_eq(rig_run(rig, 100), VIV_EXIT_HALT);
    ck_assert_uint_eq(rig->cpu->gpr[VIV_REG_RAX], 1);
    ck_assert_uint_eq(rig->marks[CODE >> 12], 1);
    rig->ram[CODE + 1] = 2;
    rig->engine->code_written(rig->engine_vm, CODE + 1, 1);
    rig->cpu->rip = CODE;
    rig->cpu->activity = VIV_ACT_RUNNING;
    ck_assert_uint_eq(rig_run(rig, 100), VIV_EXIT_HALT);
    ck_assert_uint_eq(rig->cpu->gpr[VIV_REG_RAX], 2);
    rig_destroy(rig);
}
END_TEST

static void remap(Rig *rig, uint16_t port, uint32_t value, uint32_t width)
{
    (void)width;
    if (port == 0x80)
        rig_map_mmio_as_ram(rig, value & 1);
}

/* A port write turns MMIO into RAM: the very next instruction goes to the RAM, and back. */
START_TEST(map_changes_in_a_host_call)
{
    Rig *rig = rig_new();
    rig_flat32(rig, CODE, 0);
    rig->on_port_write = remap;
    /* mov ebx,E0000000; mov [ebx],al; mov al,1; out 80,al; mov [ebx],al; mov al,2; out 80,al; mov
     * [ebx],al; hlt */
    LOAD(rig, 0xbb, 0, 0, 0, 0xe0, 0x88, 3, 0xb0, 1, 0xe6, 0x80, 0x88, 3, 0xb0, 2, 0xe6, 0x80, 0x88,
         3, 0xf4);
    ck_assert_uint_eq(rig_run(rig, 100), VIV_EXIT_HALT);
    /* MMIO 0, port 1, (RAM), port 2, MMIO 2 */
    ck_assert_uint_eq(rig->log_count, 4);
    ck_assert(!rig->log[0].port && rig->log[1].port && rig->log[2].port && !rig->log[3].port);
    ck_assert_uint_eq(rig->log[3].value, 2);
    rig_destroy(rig);
}
END_TEST

/* Code may lie where there is no memory to look at: device memory, fetched anew each time. */
START_TEST(code_in_mmio)
{
    Rig *rig = rig_new();
    rig_flat32(rig, RIG_MMIO, 0);
    memcpy(rig->mmio, "\xb0\x07\xfe\xc0\xf4", 5);
    ck_assert_uint_eq(rig_run(rig, 100), VIV_EXIT_HALT);
    ck_assert_uint_eq(rig->cpu->gpr[VIV_REG_RAX], 8);
    rig_destroy(rig);
}
END_TEST

/* -- leaving ----------------------------------------------------------------------------------- */
static void *kicker(void *arg)
{
    Rig *rig = arg;
    while (!__atomic_load_n((uint32_t *)&rig->user, __ATOMIC_SEQ_CST)) {
    }
    __atomic_fetch_or(&rig->vcpu.ff, VIV_FF_EXIT, __ATOMIC_SEQ_CST);
    if (rig->engine->kick)
        rig->engine->kick(rig->vcpu.engine_self);
    return NULL;
}

static void say_started(Rig *rig, uint16_t port, uint32_t value, uint32_t width)
{
    (void)port, (void)value, (void)width;
    __atomic_store_n((uint32_t *)&rig->user, 1, __ATOMIC_SEQ_CST);
}

/* A jump to itself notices that somebody wants it out. */
START_TEST(leaves_on_request)
{
    Rig *rig = rig_new();
    pthread_t thread;
    rig_flat32(rig, CODE, 0);
    LOAD(rig, 0xe6, 0x80, 0xeb, 0xfe);
    rig->on_port_write = say_started;
    ck_assert_int_eq(pthread_create(&thread, NULL, kicker, rig), 0);
    ck_assert_uint_eq(rig_run(rig, UINT64_MAX / 2), VIV_EXIT_REQUEST);
    ck_assert_uint_eq(rig->cpu->rip, CODE + 2);
    pthread_join(thread, NULL);
    rig_destroy(rig);
}
END_TEST

START_TEST(triple_fault)
{
    Rig *rig = rig_new();
    rig_flat32(rig, CODE, 0);
    rig->cpu->idtr.limit = 0;
    LOAD(rig, 0x0f, 0x0b);
    ck_assert_uint_eq(rig_run(rig, 100), VIV_EXIT_TRIPLE_FAULT);
    ck_assert_uint_eq(rig->cpu->activity, VIV_ACT_SHUTDOWN);
    ck_assert_uint_eq(rig->cpu->rip, CODE);
    rig_destroy(rig);
}
END_TEST

/* Decoded code of many pages, more than the smallest cache: nothing is lost but time. */
START_TEST(much_code)
{
    Rig *rig = rig_new();
    uint32_t k;
    rig_flat32(rig, 0x200000, 0);
    for (k = 0; k < 2048; k++) { /* inc eax; jmp to the next page */
        uint8_t *p = rig->ram + 0x200000 + k * 4096;
        memcpy(p, "\x40\xe9\xfa\x0f\x00\x00", 6);
    }
    memcpy(rig->ram + 0x200000 + 2048 * 4096, "\x4f\x74\x05\xe9\xf8\xff\x7f\xff\xf4",
           9); /* dec edi; jz; jmp */
    rig->cpu->gpr[VIV_REG_RDI] = 3;
    ck_assert_uint_eq(rig_run(rig, 100000), VIV_EXIT_HALT);
    ck_assert_uint_eq(rig->cpu->gpr[VIV_REG_RAX], 3 * 2048);
    rig_destroy(rig);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("engine");
    TCase *tc = tcase_create("engine");
    SRunner *runner;
    int failed, count = (int)(sizeof(programs) / sizeof(programs[0]));
    tcase_set_timeout(tc, 30);
    if (getenv("VIV_ENGINE_ASM")) {
        tcase_add_loop_test(tc, program, 0, count);
        tcase_add_loop_test(tc, program_stepped, 0, count);
    }
    tcase_add_test(tc, reset_states);
    tcase_add_test(tc, old_coprocessors);
    tcase_add_test(tc, random_code);
    tcase_add_test(tc, icount_is_exact);
    tcase_add_test(tc, icount_of_rep);
    tcase_add_test(tc, mmio_sees_exact_state);
    tcase_add_test(tc, irq_after_port_write);
    tcase_add_test(tc, shadows);
    tcase_add_test(tc, halt_wakes);
    tcase_add_test(tc, a20);
    tcase_add_test(tc, code_written_from_outside);
    tcase_add_test(tc, map_changes_in_a_host_call);
    tcase_add_test(tc, code_in_mmio);
    tcase_add_test(tc, leaves_on_request);
    tcase_add_test(tc, triple_fault);
    tcase_add_test(tc, much_code);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
