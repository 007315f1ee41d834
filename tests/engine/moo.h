/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* moo: reads CPU test vectors in the chunked "MOO" format (gzip), and the flag masks that come
 * with them. A file is what somebody else wrote: every length is checked against what holds it. */
#ifndef MOO_H
#define MOO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MOO_RAM_MAX   512u
#define MOO_BYTES_MAX 32u

/* Order of the registers in a file. */
enum {
    MOO_AX,
    MOO_BX,
    MOO_CX,
    MOO_DX,
    MOO_CS,
    MOO_SS,
    MOO_DS,
    MOO_ES,
    MOO_SP,
    MOO_BP,
    MOO_SI,
    MOO_DI,
    MOO_IP,
    MOO_FLAGS,
    MOO_REGS
};

typedef struct MooByte {
    uint32_t addr;
    uint8_t value;
} MooByte;

typedef struct MooState {
    uint16_t has; /* bit i: reg[i] is given */
    uint16_t reg[MOO_REGS];
    uint32_t ram_count;
    MooByte ram[MOO_RAM_MAX];
} MooState;

typedef struct MooCase {
    uint32_t index;
    char name[80];
    uint8_t bytes[MOO_BYTES_MAX]; /* the instruction and the HLT behind it */
    uint32_t byte_count;
    MooState init, final; /* final: what has changed */
    bool exception;
    uint8_t vector;
    uint32_t flags_addr; /* of the pushed FLAGS word */
} MooCase;

typedef struct Moo {
    uint8_t *data;
    size_t len, at;
    uint32_t count; /* promised by the header */
} Moo;

/* False: said on stderr. */
bool moo_open(Moo *moo, const char *path);
void moo_close(Moo *moo);
/* 1: a case; 0: the end; -1: the file is damaged, said on stderr. */
int moo_next(Moo *moo, MooCase *ret_case);

/* Masks of the defined flags by opcode name ("08", "F6.4"); 0xffff where none is given. */
typedef struct MooMasks MooMasks;
MooMasks *moo_masks_load(const char *path); /* NULL: said on stderr */
void moo_masks_free(MooMasks *masks);
uint16_t moo_mask(const MooMasks *masks, const char *opcode);

#endif
