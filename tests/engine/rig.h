/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rig: a minimal host for execution engines: flat RAM, a few ports, an interrupt injector. For
 * tests that run a snippet of guest code on any engine. One vCPU, one thread.
 *
 * Guest-physical map: RAM from 0; 64 KiB of ROM at the top of 4 GiB if given; one MMIO page at
 * RIG_MMIO whose accesses are recorded; the page RIG_PAM has a ROM beside its RAM (rig_pam);
 * everything else is unassigned. Ports: 0E9h collects text,
 * 0F4h ends the run, 3F8h is a serial port that only sends, others read as ones. */
#ifndef RIG_H
#define RIG_H

#include <stdbool.h>
#include <stdio.h>

#include <viv/draft/engine.h>

#define RIG_MMIO      0xe0000000u
#define RIG_PAM       0xe8000u
#define RIG_PORT_TEXT 0xe9u
#define RIG_PORT_EXIT 0xf4u
#define RIG_TEXT_MAX  65536u
#define RIG_LOG_MAX   256u

typedef struct RigAccess {
    uint64_t addr, value, rip, icount;
    uint32_t width;
    bool write, port;
} RigAccess;

typedef struct Rig {
    viv_vcpu_t vcpu; /* first: the host functions get it */
    viv_cpu_t *cpu;
    const viv_engine_class_t *engine;
    void *engine_vm;
    void *library;
    uint8_t *ram;
    uint64_t ram_bytes;
    uint8_t mmio[4096];
    bool mmio_is_ram; /* the MMIO page has turned into RAM */
    uint8_t rom[4096];
    bool pam_read_rom, pam_write_none; /* of the page RIG_PAM */
    struct {
        char name[24];
        uint64_t value;
    } counters[16];
    uint8_t *marks; /* code marks, a byte per RAM page */

    uint32_t irq;      /* pending vector + 1, or 0 */
    uint64_t tsc_step; /* added by each RDTSC */
    uint64_t tsc;
    uint64_t random; /* state of what RDRAND gets */
    struct Cpum *cpum;
    void (*on_port_write)(struct Rig *rig, uint16_t port, uint32_t value, uint32_t width);
    uint32_t (*on_port_read)(struct Rig *rig, uint16_t port, uint32_t width);
    void (*on_ferr)(struct Rig *rig, uint32_t level);
    void *user;
    uint32_t ferr, ignne; /* FERR# as the engine drives it, IGNNE# as the test does */

    bool exited;
    uint32_t exit_code;
    viv_exit_t exit;
    char text[RIG_TEXT_MAX];
    uint32_t text_len;
    RigAccess log[RIG_LOG_MAX]; /* MMIO and unknown ports */
    uint32_t log_count;
    FILE *serial; /* where 3F8h goes, or NULL: to text */
} Rig;

/* The option CodeCacheMiB of engines that are created from now on. */
#define RIG_NO_OPTION (~0ull)
extern uint64_t rig_code_cache_mib;

/* The engine class of a plugin file, or of a class that is linked in (path NULL). NULL on failure,
 * said on stderr. */
Rig *rig_create(const char *plugin_path, const viv_engine_class_t *linked, uint64_t ram_bytes);
void rig_destroy(Rig *rig);
/* Another CPU model than the default, as --cpu takes it; resets. False: said on stderr. */
bool rig_model(Rig *rig, const char *spec);
/* Power-on state of the CPU; RAM and devices as created. */
void rig_reset(Rig *rig);
/* Copies code to gpa and sets a flat environment to run it. */
void rig_load(Rig *rig, uint64_t gpa, const void *bytes, size_t len);
void rig_real(Rig *rig, uint16_t cs, uint16_t ip); /* base 0 data segments, stack at 0:7000h */
void rig_flat32(Rig *rig, uint32_t eip,
                uint32_t cpl); /* flat segments, stack at 80000h, no tables */
void rig_long(Rig *rig, uint64_t rip,
              uint32_t cpl); /* 64-bit, identity-mapped first GiB, tables at 1000h.. */
/* Runs until an exit other than those that the rig answers by itself; returns VIV_EXIT_*. HLT with
 * no interrupt ends. */
uint32_t rig_run(Rig *rig, uint64_t max_insns);
void rig_interrupt(Rig *rig, uint8_t vector);
/* A counter of the engine; 0 if it has none of that name. */
uint64_t rig_counter_value(const Rig *rig, const char *name);
/* What a device's bus-master write does, as code_written() tells it. */
void rig_dma(Rig *rig, uint64_t gpa, const void *bytes, size_t len);
void rig_a20(Rig *rig, bool enabled);
/* Where reads of the page RIG_PAM come from, and where its writes go: nowhere, or to its RAM. */
void rig_pam(Rig *rig, bool read_rom, bool write_none);
void rig_map_mmio_as_ram(Rig *rig, bool ram);

static inline uint32_t rig_r32(const Rig *rig, uint64_t gpa)
{
    uint32_t v;
    __builtin_memcpy(&v, rig->ram + gpa, 4);
    return v;
}

static inline void rig_w32(Rig *rig, uint64_t gpa, uint32_t v)
{
    __builtin_memcpy(rig->ram + gpa, &v, 4);
}

static inline uint64_t rig_r64(const Rig *rig, uint64_t gpa)
{
    uint64_t v;
    __builtin_memcpy(&v, rig->ram + gpa, 8);
    return v;
}

static inline void rig_w64(Rig *rig, uint64_t gpa, uint64_t v)
{
    __builtin_memcpy(rig->ram + gpa, &v, 8);
}

#endif
