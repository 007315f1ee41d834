/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* plugin: records as text, for the pipe from the scan helper and for the cache file.
 *
 * A record is lines "key=value" with C escapes, ended by a line "end". The cache file is a line
 *     vivarium plugin cache 1 HOST CRC32
 * (HOST: what of this host a verdict depends on; the CRC is of all that follows), then records.
 * Both are read as hostile input: anything unexpected makes the whole unusable, and a scan takes
 * its place. */
#include "plugin/plugin_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <zlib.h>

#include <viv/device.h>
#include <viv/draft/engine.h>
#include <viv/driver.h>
#include <viv/storage.h>

#include "log/log.h"

#define PLUGIN_CACHE_MAX (16u << 20)
#define PLUGIN_VALUE_MAX 8192u

struct PluginCache {
    char *path;
    char *old_text;
    GHashTable *modules; /* path -> PluginModule */
};

/* -- Writing -- */

static void plugin_put(GString *out, const char *key, const char *value)
{
    if (!value)
        return;
    g_autofree char *escaped = g_strescape(value, NULL);
    g_string_append_printf(out, "%s=%s\n", key, escaped);
}

void plugin_record_write(const PluginModule *module, GString *out)
{
    const PluginRecord *r = &module->record;
    plugin_put(out, "path", r->path);
    g_string_append_printf(out, "file=%" PRId64 " %" PRId64 " %" PRId64 "\n", module->mtime_ns,
                           (int64_t)module->size_bytes, (int64_t)module->inode);
    g_string_append_printf(out, "state=%u %u %" PRId64 "\n", (unsigned)r->state,
                           module->cacheable ? 1u : 0u, module->retry_s);
    g_string_append_printf(out, "level=%u %u\n", r->sdk_major, r->api_level);
    plugin_put(out, "reason", r->reason);
    plugin_put(out, "id", r->id);
    plugin_put(out, "version", r->version);
    plugin_put(out, "licence", r->licence);
    plugin_put(out, "vendor", r->vendor);
    plugin_put(out, "summary", r->summary);
    for (uint32_t i = 0; i < r->class_count; i++) {
        const PluginClassInfo *info = &r->classes[i];
        g_string_append_printf(out, "class=%u %u\n", info->kind, (unsigned)info->state);
        plugin_put(out, "class-name", info->name);
        plugin_put(out, "class-summary", info->summary);
        plugin_put(out, "class-reason", info->reason);
    }
    g_string_append(out, "end\n");
}

/* -- Reading -- */

/* Up to three numbers with one space between them, and nothing else. */
static bool plugin_numbers(const char *value, int64_t *ret_numbers, uint32_t count)
{
    g_auto(GStrv) parts = g_strsplit(value, " ", 4);
    if (g_strv_length(parts) != count)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (!g_ascii_string_to_signed(parts[i], 10, INT64_MIN, INT64_MAX, &ret_numbers[i], NULL))
            return false;
    }
    return true;
}

static bool plugin_take_text(char **slot, const char *value)
{
    if (*slot)
        return false;
    const size_t len = strlen(value);
    /* g_strcompress() wants no lone backslash at the end. */
    size_t backslashes = 0;
    while (backslashes < len && value[len - 1 - backslashes] == '\\')
        backslashes++;
    if (len > PLUGIN_VALUE_MAX || backslashes % 2)
        return false;
    g_autofree char *text = g_strcompress(value);
    if (!g_utf8_validate(text, -1, NULL))
        return false;
    *slot = g_steal_pointer(&text);
    return true;
}

static bool plugin_take_numbers(PluginModule *module, GArray *classes, const char *key,
                                const char *value)
{
    PluginRecord *r = &module->record;
    int64_t n[3];
    if (strcmp(key, "file") == 0) {
        if (!plugin_numbers(value, n, 3))
            return false;
        module->mtime_ns = n[0];
        module->size_bytes = (uint64_t)n[1];
        module->inode = (uint64_t)n[2];
        return true;
    }
    if (strcmp(key, "state") == 0) {
        if (!plugin_numbers(value, n, 3))
            return false;
        r->state = (PluginState)n[0];
        module->cacheable = n[1] != 0;
        module->retry_s = n[2];
        return n[0] == PLUGIN_OK || n[0] == PLUGIN_REFUSED;
    }
    if (!plugin_numbers(value, n, 2) || n[0] < 0 || n[0] > UINT32_MAX || n[1] < 0 ||
        n[1] > UINT32_MAX)
        return false;
    if (strcmp(key, "level") == 0) {
        r->sdk_major = (uint32_t)n[0];
        r->api_level = (uint32_t)n[1];
        return true;
    }
    const PluginClassInfo info = {.kind = (uint32_t)n[0], .state = (PluginState)n[1]};
    g_array_append_val(classes, info);
    return n[1] == PLUGIN_OK || n[1] == PLUGIN_REFUSED;
}

static char **plugin_text_slot(PluginModule *module, GArray *classes, const char *key)
{
    PluginRecord *r = &module->record;
    const struct {
        const char *key;
        char **slot;
    } slots[] = {
        {"path", &r->path},       {"reason", &r->reason},   {"id", &r->id},
        {"version", &r->version}, {"licence", &r->licence}, {"vendor", &r->vendor},
        {"summary", &r->summary},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(slots); i++) {
        if (strcmp(slots[i].key, key) == 0)
            return slots[i].slot;
    }
    if (!classes->len)
        return NULL;
    PluginClassInfo *info = &g_array_index(classes, PluginClassInfo, classes->len - 1);
    if (strcmp(key, "class-name") == 0)
        return &info->name;
    if (strcmp(key, "class-summary") == 0)
        return &info->summary;
    if (strcmp(key, "class-reason") == 0)
        return &info->reason;
    return NULL;
}

static bool plugin_take_line(PluginModule *module, GArray *classes, char *line)
{
    char *eq = strchr(line, '=');
    if (!eq)
        return false;
    *eq = '\0';
    if (strcmp(line, "file") == 0 || strcmp(line, "state") == 0 || strcmp(line, "level") == 0 ||
        strcmp(line, "class") == 0)
        return plugin_take_numbers(module, classes, line, eq + 1);
    char **slot = plugin_text_slot(module, classes, line);
    return slot && plugin_take_text(slot, eq + 1);
}

/* What a record must have for the rest of the code to rely on. */
static bool plugin_record_sound(const PluginModule *module)
{
    const PluginRecord *r = &module->record;
    if (!r->path || (r->state == PLUGIN_REFUSED) != (r->reason != NULL))
        return false;
    if (r->state == PLUGIN_OK &&
        (!r->id || !r->version || !r->licence || !r->vendor || !r->summary || !r->class_count))
        return false;
    for (uint32_t i = 0; i < r->class_count; i++) {
        const PluginClassInfo *info = &r->classes[i];
        if (!info->name || !info->summary ||
            (info->state == PLUGIN_REFUSED) != (info->reason != NULL))
            return false;
    }
    return true;
}

static void plugin_class_info_clear(gpointer data)
{
    PluginClassInfo *info = data;
    g_free(info->name);
    g_free(info->summary);
    g_free(info->reason);
}

bool plugin_record_read(PluginModule *module, const char **text)
{
    g_autofree char *path = module->record.path;
    const PluginModule identity = *module;
    GArray *classes = g_array_new(FALSE, FALSE, sizeof(PluginClassInfo));
    g_array_set_clear_func(classes, plugin_class_info_clear);
    module->record.path = NULL;
    plugin_module_clear(module);
    bool ok = false;
    bool end = false;
    while (**text) {
        const char *eol = strchr(*text, '\n');
        if (!eol)
            break;
        g_autofree char *line = g_strndup(*text, (gsize)(eol - *text));
        *text = eol + 1;
        end = strcmp(line, "end") == 0;
        if (end || !plugin_take_line(module, classes, line))
            break;
    }
    if (end) {
        module->record.class_count = classes->len;
        module->record.classes = (PluginClassInfo *)(void *)g_array_free(classes, FALSE);
        ok = plugin_record_sound(module) && (!path || strcmp(path, module->record.path) == 0);
    } else {
        g_array_unref(classes);
    }
    if (!ok)
        plugin_module_clear(module);
    if (path) {
        /* The caller's own module: it knows which file it is. */
        g_free(module->record.path);
        module->record.path = g_steal_pointer(&path);
        module->mtime_ns = identity.mtime_ns;
        module->size_bytes = identity.size_bytes;
        module->inode = identity.inode;
    }
    return ok;
}

/* -- The file -- */

static char *plugin_cache_head(const char *body)
{
    const viv_host_t *host = plugin_host_info();
    return g_strdup_printf(
        "vivarium plugin cache 1 %s/%u/%u/%u/%zu/%zu/%zu/%zu/%zu %08lx\n", host->name,
        host->api_oldest, host->api_level, VIV_ENGINE_ABI, sizeof(viv_cpu_t),
        sizeof(viv_device_class_t), sizeof(viv_driver_class_t), sizeof(viv_engine_class_t),
        sizeof(viv_format_class_t), crc32(0, (const Bytef *)body, (uInt)strlen(body)));
}

static void plugin_cache_module_free(gpointer data)
{
    plugin_module_free(data);
}

static void plugin_cache_load(PluginCache *cache)
{
    GMappedFile *file = g_mapped_file_new(cache->path, FALSE, NULL);
    if (!file)
        return;
    if (g_mapped_file_get_length(file) <= PLUGIN_CACHE_MAX)
        cache->old_text =
            g_strndup(g_mapped_file_get_contents(file), g_mapped_file_get_length(file));
    g_mapped_file_unref(file);
    const char *eol = cache->old_text ? strchr(cache->old_text, '\n') : NULL;
    if (!eol)
        return;
    const char *text = eol + 1;
    g_autofree char *head = plugin_cache_head(text);
    if (!g_str_has_prefix(cache->old_text, head))
        return;
    while (*text) {
        PluginModule *module = plugin_module_new(NULL);
        if (!plugin_record_read(module, &text)) {
            plugin_module_free(module);
            g_hash_table_remove_all(cache->modules);
            return;
        }
        g_hash_table_replace(cache->modules, module->record.path, module);
    }
}

PluginCache *plugin_cache_open(const char *path)
{
    PluginCache *cache = g_new0(PluginCache, 1);
    cache->modules = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, plugin_cache_module_free);
    cache->path = g_strdup(path);
    if (path)
        plugin_cache_load(cache);
    return cache;
}

static char *plugin_dup(const char *text)
{
    return g_strdup(text);
}

bool plugin_cache_get(PluginCache *cache, PluginModule *module)
{
    const PluginModule *known = g_hash_table_lookup(cache->modules, module->record.path);
    if (!known || known->mtime_ns != module->mtime_ns || known->size_bytes != module->size_bytes ||
        known->inode != module->inode)
        return false;
    if (known->retry_s && g_get_real_time() / G_USEC_PER_SEC >= known->retry_s)
        return false;
    const PluginRecord *from = &known->record;
    PluginRecord *to = &module->record;
    plugin_module_clear(module);
    to->state = from->state;
    to->reason = plugin_dup(from->reason);
    to->id = plugin_dup(from->id);
    to->version = plugin_dup(from->version);
    to->licence = plugin_dup(from->licence);
    to->vendor = plugin_dup(from->vendor);
    to->summary = plugin_dup(from->summary);
    to->sdk_major = from->sdk_major;
    to->api_level = from->api_level;
    to->class_count = from->class_count;
    to->classes = g_new0(PluginClassInfo, from->class_count);
    for (uint32_t i = 0; i < from->class_count; i++) {
        to->classes[i] = from->classes[i];
        to->classes[i].name = plugin_dup(from->classes[i].name);
        to->classes[i].summary = plugin_dup(from->classes[i].summary);
        to->classes[i].reason = plugin_dup(from->classes[i].reason);
    }
    module->cacheable = true;
    module->retry_s = known->retry_s;
    return true;
}

static void plugin_cache_save(const PluginCache *cache, const GPtrArray *modules)
{
    g_autoptr(GString) body = g_string_new(NULL);
    for (guint i = 0; i < modules->len; i++) {
        const PluginModule *module = g_ptr_array_index(modules, i);
        if (module->cacheable)
            plugin_record_write(module, body);
    }
    g_autofree char *head = plugin_cache_head(body->str);
    g_string_prepend(body, head);
    if (cache->old_text && strcmp(cache->old_text, body->str) == 0)
        return;
    g_autofree char *folder = g_path_get_dirname(cache->path);
    g_autoptr(GError) error = NULL;
    if (g_mkdir_with_parents(folder, 0700) != 0)
        viv_log("plugin", VIV_LOG_DEBUG, "cache folder '%s': %s", folder, g_strerror(errno));
    else if (!g_file_set_contents(cache->path, body->str, (gssize)body->len, &error))
        viv_log("plugin", VIV_LOG_DEBUG, "cache: %s", error->message);
}

void plugin_cache_close(PluginCache *cache, const GPtrArray *modules)
{
    if (cache->path)
        plugin_cache_save(cache, modules);
    g_hash_table_unref(cache->modules);
    g_free(cache->old_text);
    g_free(cache->path);
    g_free(cache);
}
