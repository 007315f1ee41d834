/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* plugin: the registry of modules along the search path.
 *
 * Invariants:
 * 1. `modules` is in search order and does not change once plugin_registry_new() has returned, so
 * it is read without a lock.
 * 2. `providers` maps "kind/name" to the first usable module that has the class; all later ones say
 * so in their records.
 * 3. A bad module is a record with a reason and never stops the others. */
#include "plugin/plugin_internal.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log/log.h"

#define PLUGIN_DEPTH_MAX   4u /* folders below a folder of the search path */
#define PLUGIN_MODULES_MAX 10000u
#define PLUGIN_TIMEOUT_MS  5000u

#ifndef VIV_PLUGINDIR
#define VIV_PLUGINDIR "/usr/local/lib/vivarium/plugins"
#endif

struct PluginRegistry {
    GPtrArray *modules;    /* PluginModule */
    GHashTable *providers; /* "kind/name" -> PluginModule */
};

/* While scanning. */
typedef struct PluginWalk {
    PluginRegistry *reg;
    PluginCache *cache;
    GHashTable *seen; /* "device:inode" of files and folders: a file found twice is one module */
    uint32_t timeout_ms;
} PluginWalk;

/* -- Modules -- */

PluginModule *plugin_module_new(const char *path)
{
    PluginModule *module = g_new0(PluginModule, 1);
    module->record.path = g_strdup(path);
    return module;
}

void plugin_module_clear(PluginModule *module)
{
    PluginRecord *r = &module->record;
    for (uint32_t i = 0; i < r->class_count; i++) {
        g_free(r->classes[i].name);
        g_free(r->classes[i].summary);
        g_free(r->classes[i].reason);
    }
    g_free(r->classes);
    g_free(r->reason);
    g_free(r->id);
    g_free(r->version);
    g_free(r->licence);
    g_free(r->vendor);
    g_free(r->summary);
    *r = (PluginRecord){.path = r->path};
    module->cacheable = false;
    module->retry_s = 0;
}

void plugin_module_free(PluginModule *module)
{
    if (!module)
        return;
    plugin_module_clear(module);
    g_free(module->record.path);
    g_free(module);
}

void plugin_module_refuse(PluginModule *module, bool cacheable, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    g_free(module->record.reason);
    module->record.reason = g_strdup_vprintf(fmt, args);
    va_end(args);
    module->record.state = PLUGIN_REFUSED;
    module->cacheable = cacheable;
}

static void plugin_module_free_item(gpointer data)
{
    plugin_module_free(data);
}

const char *plugin_state_name(PluginState state)
{
    switch (state) {
    case PLUGIN_OK: return "ok";
    case PLUGIN_SHADOWED: return "shadowed";
    case PLUGIN_REFUSED: return "refused";
    }
    return "?";
}

/* -- Discovery -- */

static PluginModule *plugin_walk_add(PluginWalk *walk, const char *path)
{
    if (walk->reg->modules->len >= PLUGIN_MODULES_MAX)
        return NULL;
    PluginModule *module = plugin_module_new(path);
    g_ptr_array_add(walk->reg->modules, module);
    return module;
}

/* True at the first sight of a file or folder. */
static bool plugin_walk_first_sight(PluginWalk *walk, const struct stat *st)
{
    return g_hash_table_add(walk->seen, g_strdup_printf("%llu:%llu", (unsigned long long)st->st_dev,
                                                        (unsigned long long)st->st_ino));
}

static void plugin_walk_file(PluginWalk *walk, const char *path, const struct stat *st)
{
    if (!plugin_walk_first_sight(walk, st))
        return;
    PluginModule *module = plugin_walk_add(walk, path);
    if (!module)
        return;
    module->mtime_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
    module->size_bytes = (uint64_t)st->st_size;
    module->inode = (uint64_t)st->st_ino;
    if (plugin_cache_get(walk->cache, module))
        return;
    viv_log("plugin", VIV_LOG_DEBUG, "scanning %s", path);
    plugin_scan(module, walk->timeout_ms);
}

static void plugin_walk_path(PluginWalk *walk, const char *path, uint32_t depth, bool named);

static gint plugin_name_compare(gconstpointer a, gconstpointer b)
{
    const char *const *x = a;
    const char *const *y = b;
    return strcmp(*x, *y);
}

static void plugin_walk_folder(PluginWalk *walk, const char *path, uint32_t depth)
{
    DIR *dir = opendir(path);
    if (!dir) {
        const int error = errno;
        PluginModule *module = plugin_walk_add(walk, path);
        if (module)
            plugin_module_refuse(module, false, "folder cannot be read: %s", g_strerror(error));
        return;
    }
    /* By name, so that the order does not depend on the file system. */
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    for (const struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        if (entry->d_name[0] != '.')
            g_ptr_array_add(names, g_strdup(entry->d_name));
    }
    closedir(dir);
    g_ptr_array_sort(names, plugin_name_compare);
    for (guint i = 0; i < names->len; i++) {
        g_autofree char *below = g_build_filename(path, g_ptr_array_index(names, i), NULL);
        plugin_walk_path(walk, below, depth + 1, false);
    }
}

/* named: somebody asked for this very path, so that its absence is worth a line. */
static void plugin_walk_path(PluginWalk *walk, const char *path, uint32_t depth, bool named)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        const int error = errno;
        if (named || (error != ENOENT && error != ENOTDIR)) {
            PluginModule *module = plugin_walk_add(walk, path);
            if (module)
                plugin_module_refuse(module, false, "cannot be read: %s", g_strerror(error));
        }
        return;
    }
    if (S_ISDIR(st.st_mode)) {
        if (depth <= PLUGIN_DEPTH_MAX && plugin_walk_first_sight(walk, &st))
            plugin_walk_folder(walk, path, depth);
    } else if (g_str_has_suffix(path, ".so") || named) {
        plugin_walk_file(walk, path, &st);
    }
}

static void plugin_walk_root(PluginWalk *walk, const char *path, bool named)
{
    if (!path[0])
        return;
    g_autofree char *absolute = g_canonicalize_filename(path, NULL);
    plugin_walk_path(walk, absolute, 0, named);
}

static char *plugin_xdg(const char *variable, const char *below_home)
{
    const char *value = getenv(variable);
    if (value && g_path_is_absolute(value))
        return g_strdup(value);
    return g_build_filename(g_get_home_dir(), below_home, NULL);
}

static void plugin_walk_defaults(PluginWalk *walk)
{
    const char *env = getenv("VIV_PLUGIN_PATH");
    if (env) {
        g_auto(GStrv) parts = g_strsplit(env, ":", -1);
        for (char **part = parts; *part; part++)
            plugin_walk_root(walk, *part, true);
    }
    g_autofree char *data = plugin_xdg("XDG_DATA_HOME", ".local/share");
    g_autofree char *user = g_build_filename(data, "vivarium", "plugins", NULL);
    plugin_walk_root(walk, user, false);
    plugin_walk_root(walk, VIV_PLUGINDIR, false);
    g_autofree char *exe = g_file_read_link("/proc/self/exe", NULL);
    if (exe) {
        g_autofree char *bin = g_path_get_dirname(exe);
        g_autofree char *build = g_build_filename(bin, "..", "lib", "vivarium", "plugins", NULL);
        plugin_walk_root(walk, build, false);
    }
}

/* -- Who provides what -- */

static char *plugin_class_key(uint32_t kind, const char *name)
{
    return g_strdup_printf("%u/%s", kind, name);
}

static void plugin_settle_module(PluginRegistry *reg, PluginModule *module)
{
    PluginRecord *r = &module->record;
    const PluginModule *first = NULL;
    uint32_t usable = 0;
    for (uint32_t i = 0; i < r->class_count; i++) {
        PluginClassInfo *info = &r->classes[i];
        if (info->state != PLUGIN_OK)
            continue;
        g_autofree char *key = plugin_class_key(info->kind, info->name);
        PluginModule *other = g_hash_table_lookup(reg->providers, key);
        if (other) {
            info->state = PLUGIN_SHADOWED;
            info->reason = g_strdup_printf("shadowed by %s", other->record.path);
            first = first ? first : other;
        } else {
            g_hash_table_insert(reg->providers, g_steal_pointer(&key), module);
            usable++;
        }
    }
    if (!usable && first) {
        r->state = PLUGIN_SHADOWED;
        r->reason = g_strdup_printf("shadowed by %s", first->record.path);
    }
}

PluginRegistry *plugin_registry_new(const PluginSearch *search)
{
    static const PluginSearch nothing_special;
    if (!search)
        search = &nothing_special;
    PluginRegistry *reg = g_new0(PluginRegistry, 1);
    reg->modules = g_ptr_array_new_with_free_func(plugin_module_free_item);
    reg->providers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    g_autofree char *cache_home = plugin_xdg("XDG_CACHE_HOME", ".cache");
    g_autofree char *cache_default =
        g_build_filename(cache_home, "vivarium", "plugins.cache", NULL);
    const char *cache_path = search->cache_path ? search->cache_path : cache_default;
    PluginWalk walk = {
        .reg = reg,
        .cache = plugin_cache_open(cache_path[0] ? cache_path : NULL),
        .seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
        .timeout_ms = search->timeout_ms ? search->timeout_ms : PLUGIN_TIMEOUT_MS,
    };
    for (const char *const *dir = search->dirs; dir && *dir; dir++)
        plugin_walk_root(&walk, *dir, true);
    if (!search->only_dirs)
        plugin_walk_defaults(&walk);
    g_hash_table_unref(walk.seen);
    /* Before shadowing is worked out: it depends on the search path, the cache on files alone. */
    plugin_cache_close(walk.cache, reg->modules);

    for (guint i = 0; i < reg->modules->len; i++) {
        PluginModule *module = g_ptr_array_index(reg->modules, i);
        plugin_settle_module(reg, module);
        if (module->record.state != PLUGIN_OK)
            viv_log("plugin", VIV_LOG_DEBUG, "%s: %s", module->record.path, module->record.reason);
    }
    return reg;
}

void plugin_registry_free(PluginRegistry *reg)
{
    if (!reg)
        return;
    g_hash_table_unref(reg->providers);
    g_ptr_array_unref(reg->modules);
    g_free(reg);
}

/* -- Questions -- */

const PluginRecord *const *plugin_records(const PluginRegistry *reg, uint32_t *ret_count)
{
    *ret_count = reg->modules->len;
    return (const PluginRecord *const *)(const void *)reg->modules->pdata;
}

static const PluginModule *plugin_provider(const PluginRegistry *reg, uint32_t kind,
                                           const char *name)
{
    g_autofree char *key = plugin_class_key(kind, name);
    return g_hash_table_lookup(reg->providers, key);
}

const PluginRecord *plugin_record_of_class(const PluginRegistry *reg, uint32_t kind,
                                           const char *name)
{
    const PluginModule *module = plugin_provider(reg, kind, name);
    return module ? &module->record : NULL;
}

/* Why nobody provides it: a refused class of that name, or a refused file that is called like it.
 */
static char *plugin_missing_reason(const PluginRegistry *reg, uint32_t kind, const char *name)
{
    g_autofree char *file = g_strconcat(name, ".so", NULL);
    for (guint i = 0; i < reg->modules->len; i++) {
        const PluginModule *module = g_ptr_array_index(reg->modules, i);
        const PluginRecord *r = &module->record;
        for (uint32_t c = 0; c < r->class_count; c++) {
            if (r->classes[c].state == PLUGIN_REFUSED && r->classes[c].kind == kind &&
                strcmp(r->classes[c].name, name) == 0)
                return g_strdup_printf("%s: %s", r->path, r->classes[c].reason);
        }
        g_autofree char *base = g_path_get_basename(r->path);
        if (r->state == PLUGIN_REFUSED && g_ascii_strcasecmp(base, file) == 0)
            return g_strdup_printf("%s: %s", r->path, r->reason);
    }
    return NULL;
}

viv_status_t plugin_find(PluginRegistry *reg, uint32_t kind, const char *name,
                         const viv_class_t **ret_class, VivError *err)
{
    const PluginModule *module = plugin_provider(reg, kind, name);
    if (!module) {
        g_autofree char *reason = plugin_missing_reason(reg, kind, name);
        if (reason)
            return error_set(err, VIV_E_NOT_FOUND, "%s '%s' is not usable: %s",
                             plugin_kind_name(kind), name, reason);
        return error_set(err, VIV_E_NOT_FOUND, "no plugin provides the %s '%s'",
                         plugin_kind_name(kind), name);
    }
    g_autofree char *reason = NULL;
    const viv_class_t *ours = plugin_open_class(module->record.path, kind, name, &reason);
    if (!ours)
        return error_set(err, VIV_E_FAILED, "%s '%s': %s: %s", plugin_kind_name(kind), name,
                         module->record.path, reason);
    *ret_class = ours;
    return VIV_OK;
}

char **plugin_list_classes(const PluginRegistry *reg, uint32_t kind)
{
    GPtrArray *names = g_ptr_array_new();
    for (guint i = 0; i < reg->modules->len; i++) {
        const PluginModule *module = g_ptr_array_index(reg->modules, i);
        for (uint32_t c = 0; c < module->record.class_count; c++) {
            const PluginClassInfo *info = &module->record.classes[c];
            if (info->state == PLUGIN_OK && info->kind == kind)
                g_ptr_array_add(names, g_strdup(info->name));
        }
    }
    g_ptr_array_sort(names, plugin_name_compare);
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_free(names, FALSE);
}

uint32_t plugin_kind_of_class(const PluginRegistry *reg, const char *name)
{
    uint32_t found = 0;
    for (guint i = 0; i < reg->modules->len; i++) {
        const PluginModule *module = g_ptr_array_index(reg->modules, i);
        for (uint32_t c = 0; c < module->record.class_count; c++) {
            const PluginClassInfo *info = &module->record.classes[c];
            if (info->state == PLUGIN_OK && strcmp(info->name, name) == 0 &&
                (!found || info->kind < found))
                found = info->kind;
        }
    }
    return found;
}
