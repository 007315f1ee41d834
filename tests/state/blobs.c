/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One saved unit of every kind and version that there ever was, kept for ever in
 * tests/data/state/units: each still loads into today's machine.
 *
 *     test_state_blobs              checks that; and that today's versions are among them
 *     test_state_blobs make [UNIT]  writes those of today's versions that are missing
 *     test_state_blobs take FILE    the same from a whole state, as an older Vivarium made it
 *
 * A file is a saved state of one unit and of the clock ("tm"), gzip'ed, named
 * UNIT-vVERSION.state.gz ('/' is '_'). They are put in the place of that unit in the state of a fresh
 * machine: the clock's time, since devices keep moments of it, and the unit's own timers. */
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "state_machine.h"

#define BLOB_SUFFIX ".state.gz"
#define BLOB_MAX    (1u << 20)

typedef struct Blobs {
    StateMachine *m;
    char *folder;
    GHashTable *seen; /* names of units that a machine here has */
    uint32_t bad, good, skipped, made;
} Blobs;

static char *blob_path(const Blobs *b, const StateUnit *unit)
{
    g_autofree char *name = g_strdup(unit->name);
    g_strdelimit(name, "/", '_');
    return g_strdup_printf("%s/%s-v%u" BLOB_SUFFIX, b->folder, name, unit->version);
}

/* Every kind of unit once; memory is no device's state. */
static bool blob_wanted(Blobs *b, const StateUnit *unit)
{
    return strcmp(unit->name, "pgm") != 0 && g_hash_table_add(b->seen, g_strdup(unit->name));
}

static void blob_make(Blobs *b, const GPtrArray *all, const StateUnit *unit)
{
    g_autofree char *path = blob_path(b, unit);
    const StateUnit *clock = state_units_find(all, "tm", 0);
    GPtrArray *units = g_ptr_array_new();
    g_ptr_array_add(units, (gpointer)(uintptr_t)unit);
    if (clock != unit) {
        g_ptr_array_add(units, (gpointer)(uintptr_t)clock);
    }
    g_autoptr(GBytes) file = state_units_write(b->m, units);
    g_ptr_array_unref(units);
    gzFile out = gzopen(path, "wb9");
    gsize len;
    const void *bytes = g_bytes_get_data(file, &len);
    if (!out || gzwrite(out, bytes, (unsigned)len) != (int)len || gzclose(out) != Z_OK) {
        fprintf(stderr, "%s: cannot be written\n", path);
        exit(1);
    }
    printf("made %s\n", path);
    b->made++;
}

/* -- the clock: u64 now, u64 offset and u64 rate of the TSC, u32 count, and for each timer strings
 *    owner and name, u64 deadline, u64 order -- */

#define CLOCK_HEAD 24u

static uint32_t clock_u32(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* Length of the timer at that offset; its owner is *ret_owner. */
static uint32_t clock_timer(const GByteArray *tm, uint32_t at, char **ret_owner)
{
    uint32_t owner = clock_u32(tm->data + at);
    uint32_t name = clock_u32(tm->data + at + 4 + owner);
    *ret_owner = g_strndup((const char *)tm->data + at + 4, owner);
    return 4 + owner + 4 + name + 16;
}

/* Appends the timers of the owner, or of all others. */
static uint32_t clock_append(GByteArray *to, const GByteArray *from, const char *owner, bool others)
{
    uint32_t count = 0;
    for (uint32_t at = CLOCK_HEAD + 4; at < from->len;) {
        g_autofree char *of = NULL;
        uint32_t len = clock_timer(from, at, &of);
        if (!strcmp(of, owner) != others) {
            g_byte_array_append(to, from->data + at, len);
            count++;
        }
        at += len;
    }
    return count;
}

static void clock_merge(GByteArray *fresh, const GByteArray *old, const StateUnit *unit)
{
    g_autofree char *owner = g_strdup_printf("%s/%u", unit->name, unit->instance);
    g_autoptr(GByteArray) merged = g_byte_array_new();
    g_byte_array_append(merged, old->data, CLOCK_HEAD + 4);
    uint32_t count = clock_append(merged, fresh, owner, true);
    count += clock_append(merged, old, owner, false);
    for (uint32_t i = 0; i < 4; i++) {
        merged->data[CLOCK_HEAD + i] = (uint8_t)(count >> (8 * i));
    }
    g_byte_array_set_size(fresh, 0);
    g_byte_array_append(fresh, merged->data, merged->len);
}

/* -- checking -- */

/* NULL: not a blob. */
static StateUnit *blob_read(Blobs *b, const char *name, GPtrArray **ret_units)
{
    VivError err = VIV_ERROR_INIT;
    g_autofree char *path = g_build_filename(b->folder, name, NULL);
    g_autofree uint8_t *bytes = g_malloc(BLOB_MAX);
    gzFile in = gzopen(path, "rb");
    int len = in ? gzread(in, bytes, BLOB_MAX) : -1;
    if (in) {
        gzclose(in);
    }
    *ret_units = len > 0 ? state_units_parse(b->m, bytes, (size_t)len, &err) : NULL;
    if (!*ret_units || (*ret_units)->len > 2 || !state_units_find(*ret_units, "tm", 0)) {
        fprintf(stderr, "%s: is no blob: %s\n", path, error_text(&err));
        error_clear(&err);
        b->bad++;
        return NULL;
    }
    return g_ptr_array_index(*ret_units, 0);
}

static void blob_check(Blobs *b, const char *name, const GPtrArray *fresh)
{
    VivError err = VIV_ERROR_INIT;
    GPtrArray *blob = NULL;
    gsize len;
    const StateUnit *old = blob_read(b, name, &blob);
    StateUnit *target = old ? state_units_find(fresh, old->name, old->instance) : NULL;
    if (!target) {
        b->skipped += old != NULL;
        g_clear_pointer(&blob, g_ptr_array_unref);
        return;
    }
    GPtrArray *units = state_units_copy(fresh);
    target = state_units_find(units, old->name, old->instance);
    uint32_t now = target->version;
    target->version = old->version;
    g_byte_array_set_size(target->data, 0);
    g_byte_array_append(target->data, old->data->data, old->data->len);
    if (blob->len > 1) {
        clock_merge(state_units_find(units, "tm", 0)->data, state_units_find(blob, "tm", 0)->data,
                    old);
    }
    g_autoptr(GBytes) file = state_units_write(b->m, units);
    g_ptr_array_unref(units);
    const void *bytes = g_bytes_get_data(file, &len);
    if (state_machine_load(b->m, bytes, len, &err)) {
        fprintf(stderr, "%s: does not load any more: %s\n", name, error_text(&err));
        error_clear(&err);
        b->bad++;
    } else if (old->version == now && strcmp(old->name, "tm") != 0) { /* ranks, once any order */
        g_autoptr(GBytes) again = state_machine_save(b->m);
        g_autofree char *difference = state_difference(b->m, file, again);
        if (difference && strstr(difference, old->name)) {
            fprintf(stderr,
                    "%s: is saved otherwise than it was loaded: %s. What is saved has changed: "
                    "raise the state_version\n",
                    name, difference);
            b->bad++;
        }
    }
    b->good++;
    g_ptr_array_unref(blob);
}

static GPtrArray *blob_units(Blobs *b)
{
    g_autoptr(GBytes) state = state_machine_save(b->m);
    gsize len;
    const void *bytes = g_bytes_get_data(state, &len);
    return state_units_parse(b->m, bytes, len, NULL);
}

/* Those that are not kept: made where asked for, else missed. */
static void blobs_missing(Blobs *b, const GPtrArray *units, bool make, char **only)
{
    for (guint i = 0; i < units->len; i++) {
        const StateUnit *unit = g_ptr_array_index(units, i);
        g_autofree char *path = blob_path(b, unit);
        if (!blob_wanted(b, unit) || g_file_test(path, G_FILE_TEST_EXISTS)) {
            continue;
        }
        if (!make) {
            fprintf(stderr,
                    "unit %s has version %u, of which no saved one is kept. Make it and commit it:"
                    "\n    build/tests/test_state_blobs make %s\n",
                    unit->name, unit->version, unit->name);
            b->bad++;
        } else if (!*only || g_strv_contains((const char *const *)only, unit->name)) {
            blob_make(b, units, unit);
        }
    }
}

static void blobs_present(Blobs *b, bool make, char **only)
{
    if (make) {
        state_machine_shake(b->m, 20, 1000);
    }
    GPtrArray *units = blob_units(b);
    blobs_missing(b, units, make, only);
    g_ptr_array_unref(units);
}

static void blobs_take(Blobs *b, const char *path)
{
    VivError err = VIV_ERROR_INIT;
    static char *all[] = {NULL};
    char *text = NULL;
    gsize len = 0;
    b->m = state_machine_new(NULL);
    g_file_get_contents(path, &text, &len, NULL);
    GPtrArray *units = state_units_parse(b->m, text, len, &err);
    if (!units) {
        fprintf(stderr, "%s\n", error_text(&err));
        exit(1);
    }
    blobs_missing(b, units, true, all);
    g_ptr_array_unref(units);
    g_free(text);
    state_machine_free(b->m);
}

static void blobs_all(Blobs *b)
{
    GPtrArray *fresh = blob_units(b);
    GDir *dir = g_dir_open(b->folder, 0, NULL);
    const char *name;
    while (dir && (name = g_dir_read_name(dir))) {
        if (g_str_has_suffix(name, BLOB_SUFFIX)) {
            blob_check(b, name, fresh);
        }
    }
    if (dir) {
        g_dir_close(dir);
    }
    g_ptr_array_unref(fresh);
}

static void blobs_machine(Blobs *b, const char *instead, bool make, char **only)
{
    b->m = state_machine_new(instead);
    b->bad += g_hash_table_size(b->m->left_out); /* it has said which and what to do */
    blobs_present(b, make, only);
    if (!make) {
        blobs_all(b);
    }
    state_machine_free(b->m);
}

int main(int argc, char **argv)
{
    const char *root = g_getenv("VIV_SOURCE_DIR");
    bool make = argc > 1 && !strcmp(argv[1], "make");
    char **only = argv + MIN(argc, 2);
    Blobs b = {.seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL)};
    b.folder = g_build_filename(root ? root : STATE_TEST_SOURCE, "tests/data/state/units", NULL);
    g_mkdir_with_parents(b.folder, 0777);
    if (argc == 3 && !strcmp(argv[1], "take")) {
        blobs_take(&b, argv[2]);
        return 0;
    }
    blobs_machine(&b, NULL, make, only);
    for (const StateAlternative *a = state_alternatives; a->device; a++) {
        if (state_has_device(a->device)) {
            blobs_machine(&b, a->device, make, only);
        }
    }
    if (make) {
        printf("%u made\n", b.made);
    } else {
        printf("%u loaded, %u of devices that are not here, %u bad\n", b.good, b.skipped, b.bad);
    }
    g_free(b.folder);
    g_hash_table_unref(b.seen);
    return b.bad != 0;
}
