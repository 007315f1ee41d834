/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fuzz target: a whole machine loads its own state with bytes of its units replaced, checksums made
 * anew. Input: records of {u8 unit, u16 offset, u8 value}; what is taken must stand traffic and be
 * saved. */
#include <stdlib.h>
#include <string.h>

#include "state_machine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
const char *__asan_default_options(void);

/* The machine lives on from input to input, and the leak checker does not look into the page map, which
 * is mapped by itself. */
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

static StateMachine *machine;
static GPtrArray *units;

static void fuzz_finish(void)
{
    g_ptr_array_unref(units);
    state_machine_free(machine);
}

static void fuzz_prepare(void)
{
    machine = state_machine_new(NULL);
    state_machine_shake(machine, 1, 400);
    g_autoptr(GBytes) state = state_machine_save(machine);
    gsize bytes;
    const void *at = g_bytes_get_data(state, &bytes);
    units = state_units_parse(machine, at, bytes, NULL);
    atexit(fuzz_finish); /* the scratch folder goes away */
}

static void fuzz_change(GPtrArray *list, const uint8_t *record)
{
    const StateUnit *unit = g_ptr_array_index(list, record[0] % list->len);
    if (unit->data->len) {
        unit->data->data[(record[1] | (uint32_t)record[2] << 8) % unit->data->len] = record[3];
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    VivError err = VIV_ERROR_INIT;
    if (!machine) {
        fuzz_prepare();
    }
    GPtrArray *changed = state_units_copy(units);
    for (size_t at = 0; len - at >= 4; at += 4) {
        fuzz_change(changed, data + at);
    }
    g_autoptr(GBytes) file = state_units_write(machine, changed);
    g_ptr_array_unref(changed);
    gsize bytes;
    const void *at = g_bytes_get_data(file, &bytes);
    if (state_machine_load(machine, at, bytes, &err) == VIV_OK) {
        state_machine_shake(machine, 5, 40);
        g_bytes_unref(state_machine_save(machine));
        if (machine->vm->end != VM_END_NONE) {
            state_machine_renew(machine);
        }
    }
    error_clear(&err);
    return 0;
}
