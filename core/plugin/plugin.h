/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* plugin: finds, checks and loads plugin modules (.so).
 *
 * A registry knows every module along the search path from a scan that loads each one in a helper
 * process, so that a module which crashes or hangs at load is a line in the list and nothing else.
 * Results are cached by path, mtime, size and inode. A module is loaded into this process only when
 * one of its classes is asked for, and then stays resident.
 *
 * Search order: PluginSearch.dirs, VIV_PLUGIN_PATH (colon list), $XDG_DATA_HOME/vivarium/plugins,
 * the installation's folder (VIV_PLUGINDIR), ../lib/vivarium/plugins beside the executable. Folders
 * are searched recursively. */
#ifndef CORE_PLUGIN_PLUGIN_H
#define CORE_PLUGIN_PLUGIN_H

#include <stdbool.h>

#include <viv/plugin.h>

#include "log/error.h"

VIV_BEGIN_DECLS

typedef struct PluginRegistry PluginRegistry;

typedef struct PluginSearch {
    const char *const
        *dirs;      /* NULL, or a NULL-terminated list of folders or .so files searched first */
    bool only_dirs; /* nothing but `dirs` */
    const char *cache_path; /* NULL: $XDG_CACHE_HOME/vivarium/plugins.cache; "": no cache */
    uint32_t timeout_ms;    /* of one module's load in the helper; 0: 5000 */
} PluginSearch;

typedef enum PluginState {
    PLUGIN_OK = 0,
    PLUGIN_SHADOWED = 1, /* every class is provided by a module found earlier */
    PLUGIN_REFUSED = 2,
} PluginState;

/* One class of a module. */
typedef struct PluginClassInfo {
    uint32_t kind;
    char *name;
    char *summary;
    PluginState state;
    char *reason; /* NULL when PLUGIN_OK: "shadowed by PATH", or why it is refused */
} PluginClassInfo;

/* What the scan found out about one file (or about a folder that could not be read). */
typedef struct PluginRecord {
    char *path;
    PluginState state;
    char *reason;                                    /* NULL when PLUGIN_OK */
    char *id, *version, *licence, *vendor, *summary; /* NULL when not known */
    uint32_t sdk_major;
    uint32_t api_level;
    uint32_t class_count;
    PluginClassInfo *classes;
} PluginRecord;

/* Every frontend calls this first in main(). If argv asks for a scan helper it does that work and
 * returns the process's exit code (>= 0); otherwise -1. A program that never calls it gets a forked
 * helper instead of a re-executed one. */
int plugin_scan_main(int argc, char **argv);

/* Scans. search may be NULL. Never fails: what went wrong is in the records. [main] */
PluginRegistry *plugin_registry_new(const PluginSearch *search);
/* Modules stay loaded and class copies stay good; records go away. NULL is fine. */
void plugin_registry_free(PluginRegistry *reg);

/* All records in search order; borrowed from the registry. */
const PluginRecord *const *plugin_records(const PluginRegistry *reg, uint32_t *ret_count);
/* The module that provides the class, or NULL. */
const PluginRecord *plugin_record_of_class(const PluginRegistry *reg, uint32_t kind,
                                           const char *name);

/* Loads on demand. *ret_class is the host's copy of the class struct: as large as this host's
 * headers say, zero where the plugin's is shorter, with all members that its kind requires; good
 * for the rest of the process. Cast by kind: viv_device_class_t, viv_driver_class_t,
 * viv_engine_class_t, viv_format_class_t. A kind without a struct here is as long as the plugin
 * says. VIV_E_NOT_FOUND names what is missing (and why a refused candidate was refused). [any] */
viv_status_t plugin_find(PluginRegistry *reg, uint32_t kind, const char *name,
                         const viv_class_t **ret_class, VivError *err);
/* Names of the usable classes of a kind, sorted, NULL-terminated (transfer, g_strfreev). From the
 * scan alone. */
char **plugin_list_classes(const PluginRegistry *reg, uint32_t kind);

/* The first usable class with that name of any kind, searching kinds in numeric order; 0 if none.
 */
uint32_t plugin_kind_of_class(const PluginRegistry *reg, const char *name);

/* "device", "driver", "engine", "storage format", "paravirt provider", "USB device"; "unknown kind"
 */
const char *plugin_kind_name(uint32_t kind);
/* The reverse; 0 if unknown. */
uint32_t plugin_kind_from_name(const char *name);
const char *plugin_state_name(PluginState state); /* "ok", "shadowed", "refused" */

VIV_END_DECLS
#endif
