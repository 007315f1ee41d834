/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* plugin: modules in this process, through libltdl.
 *
 * Invariants:
 * 1. libltdl has no locking of its own: it is called with plugin_loader.mutex held, always.
 * 2. A module that was opened stays: code of it may be on a stack, in a thread or in a table that
 * somebody keeps.
 * 3. There is one copy of a class in the process, however many registries ask for it. */
#include "plugin/plugin_internal.h"

#include <dlfcn.h>
#include <ltdl.h>
#include <pthread.h>
#include <string.h>

typedef struct PluginLoaded {
    const viv_plugin_t *plugin;
    GHashTable *classes; /* "kind/name" -> viv_class_t *, the host's copy */
} PluginLoaded;

/* The dynamic loader's state belongs to the process, and so does this. */
static struct {
    pthread_mutex_t mutex;
    bool ready;
    GHashTable *modules; /* path -> PluginLoaded */
} plugin_loader = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static bool plugin_loader_init_locked(char **ret_reason)
{
    if (plugin_loader.ready)
        return true;
    if (lt_dlinit() != 0) {
        *ret_reason = g_strdup_printf("libltdl: %s", lt_dlerror());
        return false;
    }
    plugin_loader.modules = g_hash_table_new(g_str_hash, g_str_equal);
    plugin_loader.ready = true;
    return true;
}

static void *plugin_symbol(lt_dlhandle handle, const char *name)
{
    return lt_dlsym(handle, name);
}

/* libltdl says "file not found" for most that can go wrong; the system's loader knows better. */
static char *plugin_open_reason(const char *path)
{
    g_autofree char *said = g_strdup(lt_dlerror());
    dlerror();
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (handle) {
        dlclose(handle);
        return g_strdup_printf("libltdl cannot open it: %s", said ? said : "unknown reason");
    }
    const char *truth = dlerror();
    g_autofree char *prefix = g_strconcat(path, ": ", NULL);
    if (truth && g_str_has_prefix(truth, prefix))
        truth += strlen(prefix);
    return g_strdup_printf("cannot be loaded: %s", truth ? truth : "unknown reason");
}

static lt_dlhandle plugin_dlopen_locked(const char *path, char **ret_reason)
{
    lt_dladvise advise;
    if (lt_dladvise_init(&advise) != 0) {
        *ret_reason = g_strdup_printf("libltdl: %s", lt_dlerror());
        return NULL;
    }
    lt_dladvise_local(&advise);
    lt_dladvise_resident(&advise);
    /* libltdl binds lazily, and a missing symbol would end a vCPU instead of the load. */
    lt_dlhandle handle = NULL;
    void *now = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (now)
        handle = lt_dlopenadvise(path, advise);
    if (!handle)
        *ret_reason = plugin_open_reason(path);
    if (now)
        dlclose(now);
    lt_dladvise_destroy(&advise);
    return handle;
}

/* No entry of this major: does it have one of another? */
static char *plugin_entry_reason(lt_dlhandle handle)
{
    for (unsigned major = 0; major <= 9; major++) {
        char name[32];
        g_snprintf(name, sizeof(name), "viv_plugin_entry_v%u", major);
        if (major != VIV_SDK_MAJOR && plugin_symbol(handle, name))
            return g_strdup_printf("built for SDK major %u (only %s is there), this host serves %u",
                                   major, name, VIV_SDK_MAJOR);
    }
    return g_strdup_printf("not a Vivarium plugin: %s is not there", VIV_PLUGIN_ENTRY_NAME);
}

static PluginLoaded *plugin_open_locked(const char *path, char **ret_reason, bool *ret_cacheable)
{
    *ret_cacheable = false;
    if (!plugin_loader_init_locked(ret_reason))
        return NULL;
    PluginLoaded *loaded = g_hash_table_lookup(plugin_loader.modules, path);
    if (loaded)
        return loaded;
    *ret_reason = plugin_elf_check(path);
    if (*ret_reason)
        return NULL;
    lt_dlhandle handle = plugin_dlopen_locked(path, ret_reason);
    if (!handle)
        return NULL;
    *ret_cacheable = true;
    viv_plugin_entry_fn entry;
    void *symbol = plugin_symbol(handle, VIV_PLUGIN_ENTRY_NAME);
    if (!symbol) {
        *ret_reason = plugin_entry_reason(handle);
        return NULL;
    }
    memcpy(&entry, &symbol, sizeof(entry));
    const viv_plugin_t *plugin = entry(plugin_host_info());
    if (!plugin) {
        *ret_reason = g_strdup("its entry declined this host");
        return NULL;
    }
    loaded = g_new0(PluginLoaded, 1);
    loaded->plugin = plugin;
    loaded->classes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_hash_table_insert(plugin_loader.modules, g_strdup(path), loaded);
    return loaded;
}

const viv_plugin_t *plugin_open(const char *path, char **ret_reason, bool *ret_cacheable)
{
    pthread_mutex_lock(&plugin_loader.mutex);
    const PluginLoaded *loaded = plugin_open_locked(path, ret_reason, ret_cacheable);
    pthread_mutex_unlock(&plugin_loader.mutex);
    return loaded ? loaded->plugin : NULL;
}

static const viv_class_t *plugin_open_class_locked(const char *path, uint32_t kind,
                                                   const char *name, char **ret_reason)
{
    bool cacheable;
    const PluginLoaded *loaded = plugin_open_locked(path, ret_reason, &cacheable);
    if (!loaded)
        return NULL;
    g_autofree char *key = g_strdup_printf("%u/%s", kind, name);
    viv_class_t *ours = g_hash_table_lookup(loaded->classes, key);
    if (ours)
        return ours;
    /* The file may have changed since it was scanned: the same checks once more. */
    PluginModule *module = plugin_module_new(path);
    plugin_examine(module, loaded->plugin);
    if (module->record.state == PLUGIN_REFUSED)
        *ret_reason = g_strdup(module->record.reason);
    for (uint32_t i = 0; module->record.state == PLUGIN_OK && !ours && !*ret_reason &&
                         i < module->record.class_count;
         i++) {
        const viv_class_t *theirs = plugin_class_at(loaded->plugin, i);
        const PluginClassInfo *info = &module->record.classes[i];
        if (info->kind == kind && strcmp(info->name, name) == 0)
            ours = plugin_class_copy(theirs, ret_reason);
    }
    plugin_module_free(module);
    if (ours)
        g_hash_table_insert(loaded->classes, g_steal_pointer(&key), ours);
    else if (!*ret_reason)
        *ret_reason = g_strdup("it does not provide the class any more");
    return ours;
}

const viv_class_t *plugin_open_class(const char *path, uint32_t kind, const char *name,
                                     char **ret_reason)
{
    *ret_reason = NULL;
    pthread_mutex_lock(&plugin_loader.mutex);
    const viv_class_t *ours = plugin_open_class_locked(path, kind, name, ret_reason);
    pthread_mutex_unlock(&plugin_loader.mutex);
    return ours;
}
