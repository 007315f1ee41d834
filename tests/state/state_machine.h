/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A machine of all device plugins under the scripted engine, and saved states taken apart and put
 * together again with right checksums: for tests of what devices make of other people's states. */
#ifndef TESTS_STATE_MACHINE_H
#define TESTS_STATE_MACHINE_H

#include "ssm/ssm.h"
#include "vm/vm.h"
#include "vm/vm_internal.h"

typedef struct StateMachine {
    PluginRegistry *plugins;
    Vm *vm;
    char *folder; /* scratch */
    char *disk;
    GHashTable *left_out; /* names of devices that could not be made */
    uint32_t files;
} StateMachine;

/* The machine, powered on; prints why and exits if it cannot be. instead: NULL, or a device that
 * takes the place of another one (state_alternatives). */
StateMachine *state_machine_new(const char *instead);
void state_machine_free(StateMachine *m);
/* Another machine of the same kind in place of the present one. */
void state_machine_renew(StateMachine *m);
/* Devices that cannot be in one machine with another one. */
typedef struct StateAlternative {
    const char *device, *instead_of;
} StateAlternative;
extern const StateAlternative state_alternatives[]; /* NULL-terminated */
bool state_has_device(const char *device);          /* is its plugin here? */

/* Seeded port and memory-mapped traffic, on vCPU 0's thread, and some time between. */
void state_machine_shake(StateMachine *m, uint32_t seed, uint32_t accesses);

/* A name in the scratch folder; the same again after 8 others (transfer). */
char *state_machine_path(StateMachine *m);
GBytes *state_machine_save(StateMachine *m);
viv_status_t state_machine_load(StateMachine *m, const void *bytes, size_t len, VivError *err);

/* -- states as lists of units -- */

typedef struct StateUnit {
    char name[64];
    uint32_t instance, version, pass, flags;
    GByteArray *data;
} StateUnit;

/* Of StateUnit*; NULL and err if it is no state. */
GPtrArray *state_units_parse(StateMachine *m, const void *bytes, size_t len, VivError *err);
GPtrArray *state_units_copy(const GPtrArray *units);
StateUnit *state_units_find(const GPtrArray *units, const char *name, uint32_t instance);
/* A file with new checksums; NULL if the writer refuses (two units of one name). */
GBytes *state_units_write(StateMachine *m, const GPtrArray *units);

/* Where two states differ, as a sentence (transfer); NULL: nowhere. */
char *state_difference(StateMachine *m, GBytes *one, GBytes *other);

#endif
