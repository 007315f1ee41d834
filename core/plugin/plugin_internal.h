/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* plugin, inside: modules and the steps that a module goes through. For core/plugin/ only. */
#ifndef CORE_PLUGIN_INTERNAL_H
#define CORE_PLUGIN_INTERNAL_H

#include <glib.h>

#include <sys/stat.h>

#include "plugin/plugin.h"

/* One file of the search path. */
typedef struct PluginModule {
    PluginRecord record; /* first: records handed out are modules */
    int64_t mtime_ns;
    uint64_t size_bytes;
    uint64_t inode;
    bool cacheable;  /* the verdict depends on nothing but the file and this host's headers */
    int64_t retry_s; /* 0, or the time since 1970 from which on the cache is not believed */
} PluginModule;

PluginModule *plugin_module_new(const char *path);
void plugin_module_free(PluginModule *module);
/* Frees all but the path and the file's identity: as if not yet scanned. */
void plugin_module_clear(PluginModule *module);
void plugin_module_refuse(PluginModule *module, bool cacheable, const char *fmt, ...)
    VIV_PRINTF(3, 4);

/* -- plugin_elf.c -- */

/* NULL, or why the file cannot be a shared object of this host (transfer). */
char *plugin_elf_check(const char *path);

/* -- plugin_class.c -- */

/* Checks the descriptor and fills the record from it: id, level, classes with their states. Nothing
 * of it is borrowed from p. p comes from the plugin: only what its sizes cover is read. */
void plugin_examine(PluginModule *module, const viv_plugin_t *p);
/* The classes that p covers: NULL beyond the end or where a pointer is NULL. */
const viv_class_t *plugin_class_at(const viv_plugin_t *p, uint32_t index);
/* The host's copy of a class (transfer, g_free), or NULL and why (transfer). */
viv_class_t *plugin_class_copy(const viv_class_t *theirs, char **ret_reason);
const viv_host_t *plugin_host_info(void);

/* -- plugin_load.c -- */

/* Opens the module in this process and calls its entry; it stays loaded. NULL with the reason
 * (transfer) and whether the reason lies in the file alone. [any] */
const viv_plugin_t *plugin_open(const char *path, char **ret_reason, bool *ret_cacheable);
/* The host's copy of that class of the module, made once for the process. NULL with the reason
 * (transfer). [any] */
const viv_class_t *plugin_open_class(const char *path, uint32_t kind, const char *name,
                                     char **ret_reason);

/* -- plugin_scan.c -- */

/* Loads the module in a helper process and fills the record. */
void plugin_scan(PluginModule *module, uint32_t timeout_ms);

/* -- plugin_cache.c -- */

/* A record as text, and back. */
void plugin_record_write(const PluginModule *module, GString *out);
/* Reads one record from *text and moves *text behind it; false when it is malformed (module is
 * cleared). */
bool plugin_record_read(PluginModule *module, const char **text);

typedef struct PluginCache PluginCache;
/* path NULL: a cache that stays empty and is not written. A damaged file is an empty cache. */
PluginCache *plugin_cache_open(const char *path);
/* Fills the record if the cache knows exactly this file. */
bool plugin_cache_get(PluginCache *cache, PluginModule *module);
/* Writes the file anew, with the given modules (PluginModule *), if it would differ. Frees the
 * cache. */
void plugin_cache_close(PluginCache *cache, const GPtrArray *modules);

#endif
