/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* paging: one page walk under the rig, judged by a model of its own: the page tables, the state and
 * the access are drawn from a stream of numbers, one instruction runs, and the fault, its error
 * code, CR2 and every accessed and dirty bit must be what the model says. The model is written from
 * the Intel SDM, vol. 3, chapter 4, and shares nothing with the engines. */
#ifndef PAGING_H
#define PAGING_H

#include "rig.h"

#define PAGING_RAM (16u << 20)

/* Where the environment lies; linear and physical addresses are the same. */
#define PAGING_CODE_USER 0x30000u
#define PAGING_CODE      0x31000u
#define PAGING_HANDLERS  0x35000u /* 16 bytes for each vector: HLT */
#define PAGING_STACK     0x37000u
#define PAGING_ROOT      0x10000u /* entry 0 and the tables behind it map the environment */
#define PAGING_TABLES    0x20000u /* free for the walk under test, a page a level */

typedef enum PagingMode {
    PAGING_LEGACY,
    PAGING_PAE,
    PAGING_LONG4,
    PAGING_LONG5,
    PAGING_MODES
} PagingMode;

typedef enum PagingAccess {
    PAGING_READ,
    PAGING_WRITE,
    PAGING_RMW,
    PAGING_LOCKED,
    PAGING_FETCH,
    PAGING_IMPLICIT, /* a descriptor is read: by the supervisor, whatever CPL */
    PAGING_ACCESSES
} PagingAccess;

/* What a CPU model has; the name is --cpu's. */
typedef struct PagingCpu {
    const char *spec;
    uint32_t maxphyaddr;
    bool pat, pse36, pae, lm, nx, gib, la57, pk, smep, amd;
} PagingCpu;

extern const PagingCpu paging_cpus[];
extern const uint32_t paging_cpu_count;

typedef struct PagingCase {
    const PagingCpu *cpu;
    PagingMode mode;
    PagingAccess access;
    uint32_t cpl;
    bool wp, pse, smep, smap, ac, nxe, pke;
    uint32_t pkru;
    uint64_t lin;
    uint64_t ent[5]; /* top first; in PAE mode the first is the PDPTE */
} PagingCase;

/* Sets up the environment of a mode; the state is ready to run at PAGING_CODE or PAGING_CODE_USER. */
void paging_env(Rig *rig, PagingMode mode, uint32_t cpl);
/* Numbers for a case: any function of the stream. */
typedef uint64_t (*PagingDraw)(void *stream, uint64_t below);
void paging_draw(PagingCase *t, const PagingCpu *cpu, PagingDraw draw, void *stream);
/* Runs a case. NULL, or what is wrong (static text). The rig must have t->cpu as its model. */
const char *paging_check(Rig *rig, const PagingCase *t);
/* Of a stopped machine: the vector that was delivered, or -1; its error code. */
int paging_vector(const Rig *rig);
uint32_t paging_error(const Rig *rig);

#endif
