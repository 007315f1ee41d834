/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* stam: named counters of one machine.
 *
 * Invariants:
 * 1. Every path is in the tree once; owned counters have addresses of their own that never move.
 * 2. The tree and all entries are touched with the mutex held; the counters themselves are not:
 * their owners raise them at any time, and a reader takes one aligned load. */
#include "stam/stam.h"

#include <glib.h>

#include <fnmatch.h>
#include <inttypes.h>
#include <pthread.h>
#include <string.h>

typedef struct StamEntry {
    char *path;
    char *unit;
    char *help;
    uint64_t *owned;       /* the registry's own counter, or NULL */
    const uint64_t *value; /* owned, or the registrant's; NULL: fn */
    StamReadFn fn;
    void *ctx;
    uint64_t base; /* what the value was at the last reset */
} StamEntry;

struct Stam {
    pthread_mutex_t mutex;
    GTree *entries; /* path -> StamEntry */
};

static void stam_entry_free(gpointer data)
{
    StamEntry *entry = data;
    g_free(entry->path);
    g_free(entry->unit);
    g_free(entry->help);
    g_free(entry->owned);
    g_free(entry);
}

/* Order of paths: name by name, and numbers in names by value, so that CPU2 comes before CPU10. */
static gint stam_compare(gconstpointer a, gconstpointer b, gpointer data)
{
    const char *x = a;
    const char *y = b;
    (void)data;
    while (*x && *y) {
        if (g_ascii_isdigit(*x) && g_ascii_isdigit(*y)) {
            const size_t zx = strspn(x, "0");
            const size_t zy = strspn(y, "0");
            const size_t nx = strspn(x + zx, "0123456789");
            const size_t ny = strspn(y + zy, "0123456789");
            if (nx != ny)
                return nx < ny ? -1 : 1;
            const int diff = strncmp(x + zx, y + zy, nx);
            if (diff)
                return diff;
            if (zx != zy)
                return zx < zy ? -1 : 1;
            x += zx + nx;
            y += zy + ny;
            continue;
        }
        if (*x != *y) {
            /* The separator sorts before everything, so that a node's leaves stay together. */
            if (*x == '/' || *y == '/')
                return *x == '/' ? -1 : 1;
            return (unsigned char)*x < (unsigned char)*y ? -1 : 1;
        }
        x++;
        y++;
    }
    return *x ? 1 : *y ? -1 : 0;
}

Stam *stam_new(void)
{
    Stam *stam = g_new0(Stam, 1);
    pthread_mutex_init(&stam->mutex, NULL);
    stam->entries = g_tree_new_full(stam_compare, NULL, NULL, stam_entry_free);
    return stam;
}

void stam_free(Stam *stam)
{
    if (!stam)
        return;
    g_tree_unref(stam->entries);
    pthread_mutex_destroy(&stam->mutex);
    g_free(stam);
}

static bool stam_path_ok(const char *path)
{
    const size_t len = strlen(path);
    if (len == 0 || len > STAM_PATH_MAX || path[0] == '/' || path[len - 1] == '/' ||
        strstr(path, "//"))
        return false;
    for (const char *p = path; *p; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            return false;
    }
    return g_utf8_validate(path, (gssize)len, NULL);
}

static StamEntry *stam_add_locked(Stam *stam, const char *path, const char *unit, const char *help)
{
    StamEntry *entry = g_new0(StamEntry, 1);
    entry->path = g_strdup(path);
    entry->unit = g_strdup(unit ? unit : "");
    entry->help = g_strdup(help ? help : "");
    g_tree_insert(stam->entries, entry->path, entry);
    return entry;
}

uint64_t *stam_counter(Stam *stam, const char *path, const char *unit, const char *help)
{
    if (!stam || !stam_path_ok(path))
        return NULL;
    pthread_mutex_lock(&stam->mutex);
    StamEntry *entry = g_tree_lookup(stam->entries, path);
    if (!entry) {
        entry = stam_add_locked(stam, path, unit, help);
        entry->owned = g_new0(uint64_t, 1);
        entry->value = entry->owned;
    }
    uint64_t *owned = entry->owned;
    pthread_mutex_unlock(&stam->mutex);
    return owned;
}

static viv_status_t stam_register_either(Stam *stam, const char *path, const uint64_t *value,
                                         StamReadFn fn, void *ctx, const char *unit,
                                         const char *help)
{
    if (!stam)
        return VIV_OK;
    if (!stam_path_ok(path))
        return VIV_E_INVALID;
    viv_status_t st = VIV_E_EXISTS;
    pthread_mutex_lock(&stam->mutex);
    if (!g_tree_lookup(stam->entries, path)) {
        StamEntry *entry = stam_add_locked(stam, path, unit, help);
        entry->value = value;
        entry->fn = fn;
        entry->ctx = ctx;
        st = VIV_OK;
    }
    pthread_mutex_unlock(&stam->mutex);
    return st;
}

viv_status_t stam_register(Stam *stam, const char *path, const uint64_t *value, const char *unit,
                           const char *help)
{
    return stam_register_either(stam, path, value, NULL, NULL, unit, help);
}

viv_status_t stam_register_fn(Stam *stam, const char *path, StamReadFn fn, void *ctx,
                              const char *unit, const char *help)
{
    return stam_register_either(stam, path, NULL, fn, ctx, unit, help);
}

/* Calls fn for every entry in order. */
static void stam_foreach_locked(Stam *stam, void (*fn)(StamEntry *entry, void *ctx), void *ctx)
{
    for (GTreeNode *node = g_tree_node_first(stam->entries); node; node = g_tree_node_next(node))
        fn(g_tree_node_value(node), ctx);
}

typedef struct StamPrefix {
    const char *prefix;
    size_t len;
    GPtrArray *paths;
} StamPrefix;

static void stam_collect_prefix(StamEntry *entry, void *ctx)
{
    const StamPrefix *p = ctx;
    if (strncmp(entry->path, p->prefix, p->len) == 0 &&
        (entry->path[p->len] == '\0' || entry->path[p->len] == '/'))
        g_ptr_array_add(p->paths, entry->path);
}

uint32_t stam_unregister(Stam *stam, const char *prefix)
{
    if (!stam)
        return 0;
    g_autoptr(GPtrArray) paths = g_ptr_array_new();
    StamPrefix p = {prefix, strlen(prefix), paths};
    pthread_mutex_lock(&stam->mutex);
    stam_foreach_locked(stam, stam_collect_prefix, &p);
    for (guint i = 0; i < paths->len; i++)
        g_tree_remove(stam->entries, g_ptr_array_index(paths, i));
    pthread_mutex_unlock(&stam->mutex);
    return paths->len;
}

/* -- Reading -- */

static uint64_t stam_value_locked(const StamEntry *entry)
{
    if (!entry->value)
        return entry->fn(entry->ctx);
    return __atomic_load_n(entry->value, __ATOMIC_RELAXED) - entry->base;
}

bool stam_read(Stam *stam, const char *path, uint64_t *ret_value)
{
    if (!stam)
        return false;
    pthread_mutex_lock(&stam->mutex);
    const StamEntry *entry = g_tree_lookup(stam->entries, path);
    if (entry)
        *ret_value = stam_value_locked(entry);
    pthread_mutex_unlock(&stam->mutex);
    return entry != NULL;
}

typedef struct StamWalk {
    char **patterns; /* NULL: all */
    FILE *out;
    int path_width;
    int value_width;
    bool first;
} StamWalk;

static bool stam_match(const StamWalk *walk, const char *path)
{
    if (!walk->patterns)
        return true;
    for (char **p = walk->patterns; *p; p++) {
        if (fnmatch(*p, path, FNM_NOESCAPE) == 0)
            return true;
    }
    return false;
}

static void stam_walk(Stam *stam, const char *pattern, void (*const *steps)(StamEntry *, void *),
                      StamWalk *walk)
{
    if (!stam)
        return;
    g_auto(GStrv) patterns = pattern && pattern[0] ? g_strsplit(pattern, "|", -1) : NULL;
    walk->patterns = patterns;
    pthread_mutex_lock(&stam->mutex);
    for (; *steps; steps++)
        stam_foreach_locked(stam, *steps, walk);
    pthread_mutex_unlock(&stam->mutex);
}

static void stam_step_reset(StamEntry *entry, void *ctx)
{
    if (entry->value && stam_match(ctx, entry->path))
        entry->base = __atomic_load_n(entry->value, __ATOMIC_RELAXED);
}

void stam_reset(Stam *stam, const char *pattern)
{
    static void (*const steps[])(StamEntry *, void *) = {stam_step_reset, NULL};
    StamWalk walk = {0};
    stam_walk(stam, pattern, steps, &walk);
}

static void stam_step_measure(StamEntry *entry, void *ctx)
{
    StamWalk *walk = ctx;
    if (!stam_match(walk, entry->path))
        return;
    char number[24];
    const int digits = g_snprintf(number, sizeof(number), "%" PRIu64, stam_value_locked(entry));
    walk->path_width = MAX(walk->path_width, (int)strlen(entry->path));
    /* One more than now: a counter that runs on may gain a digit until it is printed. */
    walk->value_width = MAX(walk->value_width, digits + 1);
}

static void stam_step_print(StamEntry *entry, void *ctx)
{
    const StamWalk *walk = ctx;
    if (!stam_match(walk, entry->path))
        return;
    fprintf(walk->out, "%-*s %*" PRIu64, walk->path_width, entry->path, walk->value_width,
            stam_value_locked(entry));
    if (entry->unit[0])
        fprintf(walk->out, " %-8s", entry->unit);
    else if (entry->help[0])
        fprintf(walk->out, " %-8s", "");
    if (entry->help[0])
        fprintf(walk->out, "  %s", entry->help);
    fputc('\n', walk->out);
}

void stam_dump(Stam *stam, FILE *out, const char *pattern)
{
    static void (*const steps[])(StamEntry *, void *) = {stam_step_measure, stam_step_print, NULL};
    StamWalk walk = {.out = out};
    stam_walk(stam, pattern, steps, &walk);
}

static void stam_json_string(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text; text++) {
        const unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else if (c < 0x20)
            fprintf(out, "\\u%04x", c);
        else
            fputc(c, out);
    }
    fputc('"', out);
}

static void stam_step_json(StamEntry *entry, void *ctx)
{
    StamWalk *walk = ctx;
    if (!stam_match(walk, entry->path))
        return;
    fputs(walk->first ? "\n  " : ",\n  ", walk->out);
    walk->first = false;
    stam_json_string(walk->out, entry->path);
    fprintf(walk->out, ": {\"value\": %" PRIu64 ", \"unit\": ", stam_value_locked(entry));
    stam_json_string(walk->out, entry->unit);
    fputs(", \"help\": ", walk->out);
    stam_json_string(walk->out, entry->help);
    fputc('}', walk->out);
}

void stam_dump_json(Stam *stam, FILE *out, const char *pattern)
{
    static void (*const steps[])(StamEntry *, void *) = {stam_step_json, NULL};
    StamWalk walk = {.out = out, .first = true};
    fputc('{', out);
    stam_walk(stam, pattern, steps, &walk);
    fputs(walk.first ? "}\n" : "\n}\n", out);
}
