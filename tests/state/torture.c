/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Damaged states against a whole machine of all devices.
 *
 *     test_state_torture [--seed N] [--count N]
 *
 * First what SSM alone must refuse: truncations, flipped bits, splices of two files. Then units that
 * were changed and given new checksums, so that the devices themselves must judge: other versions,
 * other lengths, fields with extreme values, units swapped, missing, of no one. After each the
 * machine is either as it was, to the byte, or what it has loaded stands traffic, can be saved and
 * loads again. A failure prints the case's number; the same seed and count repeat it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "state_machine.h"

typedef struct Torture {
    StateMachine *m;
    GBytes *home;        /* what the machine is between two cases */
    GBytes *states[2];   /* raw material */
    GPtrArray *units[2]; /* the same, taken apart */
    GRand *rand;
    uint32_t number; /* of the case */
    uint32_t refused, taken;
} Torture;

static _Noreturn void torture_fail(const Torture *t, const char *what, const char *detail)
{
    fprintf(stderr, "case %u: %s: %s\n", t->number, what, detail);
    exit(1);
}

static uint32_t torture_pick(Torture *t, uint32_t count)
{
    return (uint32_t)g_rand_int_range(t->rand, 0, (gint32)count);
}

static void torture_expect_home(Torture *t, const char *what)
{
    g_autoptr(GBytes) now = state_machine_save(t->m);
    g_autofree char *difference = state_difference(t->m, t->home, now);
    if (difference) {
        torture_fail(t, what, difference);
    }
}

static void torture_go_home(Torture *t)
{
    VivError err = VIV_ERROR_INIT;
    gsize len;
    const void *bytes = g_bytes_get_data(t->home, &len);
    if (state_machine_load(t->m, bytes, len, &err)) {
        torture_fail(t, "the machine does not take its own state any more", error_text(&err));
    }
    torture_expect_home(t, "after loading its own state the machine is another");
}

/* What a device has taken it must be able to live with. */
static void torture_live(Torture *t)
{
    VivError err = VIV_ERROR_INIT;
    g_autoptr(GBytes) first = state_machine_save(t->m);
    gsize len;
    const void *bytes = g_bytes_get_data(first, &len);
    if (state_machine_load(t->m, bytes, len, &err)) {
        torture_fail(t, "what was taken, saved again, is refused", error_text(&err));
    }
    g_autoptr(GBytes) second = state_machine_save(t->m);
    g_autofree char *difference = state_difference(t->m, first, second);
    if (difference) {
        torture_fail(t, "what was taken changes when it is saved and loaded", difference);
    }
    state_machine_shake(t->m, t->number, 64);
    if (t->m->vm->end != VM_END_NONE) {
        state_machine_renew(t->m); /* it has switched itself off, as a guest may */
    }
    torture_go_home(t);
}

static void torture_case(Torture *t, const void *bytes, size_t len, bool must_fail)
{
    VivError err = VIV_ERROR_INIT;
    t->number++;
    viv_status_t st = state_machine_load(t->m, bytes, len, &err);
    if (st == VIV_OK && must_fail) {
        torture_fail(t, "damage was not seen", "loaded");
    }
    if (st == VIV_OK) {
        t->taken++;
        torture_live(t);
        return;
    }
    t->refused++;
    if (strlen(error_text(&err)) < 20 || strchr(error_text(&err), '\n')) {
        torture_fail(t, "no clear message", error_text(&err));
    }
    if (g_getenv("STATE_TORTURE_LOG")) {
        fprintf(stderr, "%u: %s\n", t->number, error_text(&err));
    }
    error_clear(&err);
    torture_expect_home(t, "a load that failed has changed the machine");
}

/* -- files ----------------------------------------------------------------------------------- */

static void torture_cut(Torture *t, GBytes *state, int64_t at)
{
    gsize len;
    const void *bytes = g_bytes_get_data(state, &len);
    if (at >= 0 && (gsize)at < len) {
        torture_case(t, bytes, (size_t)at, true);
    }
}

/* One byte before and behind every boundary of the format, and anywhere. */
static void torture_truncations(Torture *t, uint32_t count)
{
    GBytes *state = t->states[0];
    gsize len = g_bytes_get_size(state);
    g_autofree char *path = state_machine_path(t->m);
    SsmReader *reader;
    SsmUnitInfo info;
    if (!g_file_set_contents(path, g_bytes_get_data(state, NULL), (gssize)len, NULL) ||
        ssm_reader_open(path, &reader, NULL)) {
        abort();
    }
    for (uint32_t i = 0; ssm_reader_unit(reader, i, &info); i++) {
        for (int64_t d = -1; d <= 1; d++) {
            torture_cut(t, state, (int64_t)info.offset + d);
            torture_cut(t, state, (int64_t)info.offset + 40 + (int64_t)strlen(info.name) + d);
        }
    }
    ssm_reader_close(reader);
    for (int64_t at = 0; at < 130; at++) {
        torture_cut(t, state, at);
        torture_cut(t, state, (int64_t)len - 1 - at);
    }
    for (uint32_t i = 0; i < count; i++) {
        torture_cut(t, state, torture_pick(t, (uint32_t)len));
    }
}

static void torture_flips(Torture *t, uint32_t count)
{
    gsize len;
    const uint8_t *bytes = g_bytes_get_data(t->states[0], &len);
    g_autofree uint8_t *copy = g_memdup2(bytes, len);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = torture_pick(t, (uint32_t)len);
        uint8_t bit = (uint8_t)(1u << torture_pick(t, 8));
        copy[at] ^= bit;
        torture_case(t, copy, len, true);
        copy[at] ^= bit;
    }
}

/* The beginning of one and the end of the other. */
static void torture_splices(Torture *t, uint32_t count)
{
    gsize a_len, b_len;
    const uint8_t *a = g_bytes_get_data(t->states[0], &a_len);
    const uint8_t *b = g_bytes_get_data(t->states[1], &b_len);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t cut = 200 + torture_pick(t, (uint32_t)a_len - 200);
        uint32_t from =
            torture_pick(t, 2) ? MIN(cut, (uint32_t)b_len - 1) : torture_pick(t, (uint32_t)b_len);
        g_autoptr(GByteArray) file = g_byte_array_new();
        g_byte_array_append(file, a, cut);
        g_byte_array_append(file, b + from, (guint)b_len - from);
        if ((file->len != a_len || memcmp(file->data, a, a_len) != 0) &&
            (file->len != b_len || memcmp(file->data, b, b_len) != 0)) {
            torture_case(t, file->data, file->len, true);
        }
    }
}

/* -- units ----------------------------------------------------------------------------------- */

static uint32_t torture_u32(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* A field of the list at the unit's start: offset of its head, or -1 if this is no list. */
static int64_t torture_field(Torture *t, const GByteArray *data, uint32_t *ret_len)
{
    uint32_t offsets[256], count = 0, at = 0;
    while (count < 256 && data->len - at >= 8 && torture_u32(data->data + at) != 0) {
        uint32_t len = torture_u32(data->data + at + 4);
        if (len > data->len - at - 8) {
            break;
        }
        offsets[count++] = at;
        at += 8 + len;
    }
    if (!count) {
        return -1;
    }
    at = offsets[torture_pick(t, count)];
    *ret_len = torture_u32(data->data + at + 4);
    return at;
}

static void torture_bytes(Torture *t, uint8_t *at, uint32_t len)
{
    static const uint8_t values[] = {0, 1, 2, 0x7f, 0x80, 0xfe, 0xff};
    uint32_t how = torture_pick(t, 4);
    uint8_t value = values[torture_pick(t, sizeof values)];
    if (how == 0) {
        memset(at, value, len);
    } else if (how == 1 && len >= 4) {
        uint32_t from = torture_pick(t, len / 4) * 4; /* one number large */
        memset(at + from, 0xff, torture_pick(t, 5));
    } else {
        for (uint32_t i = 0; i < 1 + torture_pick(t, 4); i++) {
            at[torture_pick(t, len)] = how == 2 ? value : (uint8_t)g_rand_int(t->rand);
        }
    }
}

static void torture_resize_field(Torture *t, GByteArray *data, uint32_t at, uint32_t len)
{
    static const uint8_t more[16] = {1, 2, 3};
    uint32_t change = 1 + torture_pick(t, 8);
    if (torture_pick(t, 2) || len < change) {
        uint32_t behind = data->len - (at + 8 + len);
        g_byte_array_append(data, more, change);
        memmove(data->data + at + 8 + len + change, data->data + at + 8 + len, behind);
        memcpy(data->data + at + 8 + len, more, change);
        len += change;
    } else {
        g_byte_array_remove_range(data, at + 8 + len - change, change);
        len -= change;
    }
    data->data[at + 4] = (uint8_t)len;
    data->data[at + 5] = (uint8_t)(len >> 8);
}

static void torture_change_field(Torture *t, StateUnit *unit)
{
    uint32_t len;
    int64_t at = torture_field(t, unit->data, &len);
    if (at < 0) {
        if (unit->data->len) {
            torture_bytes(t, unit->data->data, unit->data->len);
        }
        return;
    }
    uint32_t from = (uint32_t)at;
    switch (torture_pick(t, 12)) {
    case 0: torture_resize_field(t, unit->data, from, len); break;
    case 1: g_byte_array_remove_range(unit->data, from, 8 + len); break;
    case 2: unit->data->data[from + torture_pick(t, 8)] ^= 1; break;
    default:
        if (len) {
            torture_bytes(t, unit->data->data + from + 8, len);
        }
        break;
    }
}

static void torture_change_unit(Torture *t, GPtrArray *units, const GPtrArray *others)
{
    uint32_t index = torture_pick(t, units->len);
    StateUnit *unit = g_ptr_array_index(units, index);
    const StateUnit *other = g_ptr_array_index(others, torture_pick(t, others->len));
    switch (torture_pick(t, 48)) {
    case 0: unit->version += torture_pick(t, 2) ? 1 : (uint32_t)-1; break;
    case 1: unit->version = g_rand_int(t->rand); break;
    case 2: g_byte_array_set_size(unit->data, torture_pick(t, unit->data->len + 1)); break;
    case 3:
        g_byte_array_append(unit->data, (const uint8_t *)"\0\0\0\0\1", 1 + torture_pick(t, 5));
        break;
    case 4: g_ptr_array_remove_index(units, index); break;
    case 5: unit->instance += 1; break;
    case 6: unit->pass = torture_pick(t, 3); break;
    case 7: unit->name[torture_pick(t, (uint32_t)strlen(unit->name))] ^= 1; break;
    case 8: /* another unit's contents */
        g_byte_array_set_size(unit->data, 0);
        g_byte_array_append(unit->data, other->data->data, other->data->len);
        break;
    case 9: /* the other machine's unit in its place */
        if ((other = state_units_find(others, unit->name, unit->instance))) {
            g_byte_array_set_size(unit->data, 0);
            g_byte_array_append(unit->data, other->data->data, other->data->len);
        }
        break;
    default: torture_change_field(t, unit); break;
    }
}

static void torture_units(Torture *t, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t which = torture_pick(t, 2);
        GPtrArray *units = state_units_copy(t->units[which]);
        for (uint32_t n = 0; n < 1 + torture_pick(t, 3) && units->len; n++) {
            torture_change_unit(t, units, t->units[!which]);
        }
        g_autoptr(GBytes) file = state_units_write(t->m, units);
        g_ptr_array_unref(units);
        if (file) {
            gsize len;
            const void *bytes = g_bytes_get_data(file, &len);
            torture_case(t, bytes, len, false);
        }
    }
}

/* A unit of no one: refused, but for one that says that it may be left out. */
static void torture_strangers(Torture *t)
{
    for (uint32_t flags = 0; flags <= SSM_UNIT_OPTIONAL; flags++) {
        VivError err = VIV_ERROR_INIT;
        GPtrArray *units = state_units_copy(t->units[0]);
        StateUnit *unit = g_new0(StateUnit, 1);
        strcpy(unit->name, "flux-capacitor");
        unit->pass = SSM_PASS_FINAL;
        unit->version = 88;
        unit->flags = flags;
        unit->data = g_byte_array_new();
        g_byte_array_append(unit->data, (const uint8_t *)"1.21 GW", 7);
        g_ptr_array_add(units, unit);
        g_autoptr(GBytes) file = state_units_write(t->m, units);
        g_ptr_array_unref(units);
        gsize len;
        const void *bytes = g_bytes_get_data(file, &len);
        viv_status_t st = state_machine_load(t->m, bytes, len, &err);
        if ((st == VIV_OK) != (flags != 0) || (st && !strstr(error_text(&err), "flux-capacitor"))) {
            torture_fail(t, "an unknown unit", st ? error_text(&err) : "loaded");
        }
        error_clear(&err);
        torture_go_home(t);
    }
}

/* -- all ------------------------------------------------------------------------------------- */

static void torture_prepare(Torture *t, uint32_t seed)
{
    t->rand = g_rand_new_with_seed(seed);
    t->m = state_machine_new(NULL);
    for (uint32_t i = 0; i < 2; i++) {
        state_machine_shake(t->m, seed * 3 + i, 600);
        if (t->m->vm->end != VM_END_NONE) {
            state_machine_renew(t->m);
        }
        t->states[i] = state_machine_save(t->m);
        t->units[i] = state_units_parse(t->m, g_bytes_get_data(t->states[i], NULL),
                                        g_bytes_get_size(t->states[i]), NULL);
    }
    state_machine_shake(t->m, seed * 3 + 2, 300);
    if (t->m->vm->end != VM_END_NONE) {
        state_machine_renew(t->m);
    }
    t->home = state_machine_save(t->m);
    torture_go_home(t);
}

static void torture_finish(Torture *t)
{
    struct rusage usage;
    for (uint32_t i = 0; i < 2; i++) {
        g_bytes_unref(t->states[i]);
        g_ptr_array_unref(t->units[i]);
    }
    g_bytes_unref(t->home);
    g_rand_free(t->rand);
    state_machine_free(t->m);
    getrusage(RUSAGE_SELF, &usage);
    printf("%u states refused, %u taken; at most %ld MiB of memory\n", t->refused, t->taken,
           usage.ru_maxrss >> 10);
}

int main(int argc, char **argv)
{
    Torture t = {0};
    uint32_t seed = 1, count = 150;
    for (int i = 1; i + 1 < argc; i += 2) {
        uint32_t value = (uint32_t)g_ascii_strtoull(argv[i + 1], NULL, 0);
        if (!strcmp(argv[i], "--seed")) {
            seed = value;
        } else if (!strcmp(argv[i], "--count")) {
            count = value;
        }
    }
    torture_prepare(&t, seed);
    torture_strangers(&t);
    torture_truncations(&t, count);
    torture_flips(&t, count);
    torture_splices(&t, count);
    torture_units(&t, 2 * count);
    torture_finish(&t);
    return 0;
}
