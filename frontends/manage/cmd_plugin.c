/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* viv plugin: what plugins there are, what each class of them is and takes, and why one is not
 * used. */
#include "cmd_plugin.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"

/* One line of the list: a class, or a file without any. */
typedef struct PluginRow {
    const PluginRecord *record;
    const PluginClassInfo *info; /* NULL: the file itself is refused */
    char *name;
    char *level;
} PluginRow;

static void plugin_usage(FILE *out)
{
    fputs("Usage: viv plugin list [--kind KIND] [--json]\n"
          "       viv plugin info NAME [--markdown]\n\n"
          "list  every class that a plugin provides, then the files that are not used and why\n"
          "info  all about one class (\"piix3ide\") or plugin (\"org.vivarium.piix3ide\"), with "
          "its options;\n"
          "      --markdown: a device or driver as the pages in docs/ have it\n\n"
          "KIND is device, driver, engine, \"storage format\", \"paravirt provider\" or \"USB "
          "device\".\n"
          "Plugins are looked for in VIV_PLUGIN_PATH, $XDG_DATA_HOME/vivarium/plugins, the "
          "installation and the\n"
          "build tree, in this order; the first one that provides a name wins.\n",
          out);
}

static int plugin_syntax(const char *text)
{
    fprintf(stderr, "viv plugin: %s\n", text);
    plugin_usage(stderr);
    return 2;
}

/* -- list -- */

static void plugin_row_free(gpointer data)
{
    PluginRow *row = data;
    g_free(row->name);
    g_free(row->level);
    g_free(row);
}

static void plugin_row_add(GPtrArray *rows, const PluginRecord *record, const PluginClassInfo *info)
{
    PluginRow *row = g_new0(PluginRow, 1);
    row->record = record;
    row->info = info;
    row->name = info ? g_strdup(info->name) : g_path_get_basename(record->path);
    row->level = record->sdk_major ? g_strdup_printf("%u.%u", record->sdk_major, record->api_level)
                                   : g_strdup("-");
    g_ptr_array_add(rows, row);
}

static PluginState plugin_row_state(const PluginRow *row)
{
    return row->info ? row->info->state : row->record->state;
}

static const char *plugin_row_reason(const PluginRow *row)
{
    return row->info ? row->info->reason : row->record->reason;
}

/* Usable ones first, by kind and name; then the others in the order of the search path. */
static gint plugin_row_compare(gconstpointer a, gconstpointer b)
{
    const PluginRow *const *x = a;
    const PluginRow *const *y = b;
    const bool x_ok = plugin_row_state(*x) == PLUGIN_OK;
    const bool y_ok = plugin_row_state(*y) == PLUGIN_OK;
    if (x_ok != y_ok)
        return x_ok ? -1 : 1;
    if (!x_ok)
        return 0;
    if ((*x)->info->kind != (*y)->info->kind)
        return (*x)->info->kind < (*y)->info->kind ? -1 : 1;
    return strcmp((*x)->name, (*y)->name);
}

/* kind 0: all, files without a class too. */
static GPtrArray *plugin_rows(const PluginRegistry *reg, uint32_t kind)
{
    GPtrArray *rows = g_ptr_array_new_with_free_func(plugin_row_free);
    uint32_t count;
    const PluginRecord *const *records = plugin_records(reg, &count);
    for (uint32_t i = 0; i < count; i++) {
        if (!records[i]->class_count && !kind)
            plugin_row_add(rows, records[i], NULL);
        for (uint32_t c = 0; c < records[i]->class_count; c++) {
            if (!kind || records[i]->classes[c].kind == kind)
                plugin_row_add(rows, records[i], &records[i]->classes[c]);
        }
    }
    g_ptr_array_sort(rows, plugin_row_compare);
    return rows;
}

static const char *plugin_row_kind(const PluginRow *row)
{
    return row->info ? plugin_kind_name(row->info->kind) : "-";
}

static const char *plugin_row_version(const PluginRow *row)
{
    return row->record->version && row->record->version[0] ? row->record->version : "-";
}

static void plugin_list_text(const GPtrArray *rows)
{
    int name = 4;
    int kind = 4;
    int version = 7;
    guint unused = 0;
    for (guint i = 0; i < rows->len; i++) {
        const PluginRow *row = g_ptr_array_index(rows, i);
        name = MAX(name, (int)g_utf8_strlen(row->name, -1));
        kind = MAX(kind, (int)strlen(plugin_row_kind(row)));
        version = MAX(version, (int)g_utf8_strlen(plugin_row_version(row), -1));
        unused += plugin_row_state(row) != PLUGIN_OK;
    }
    if (rows->len > unused)
        printf("%-*s  %-*s  %-*s  %-5s  %s\n", name, "NAME", kind, "KIND", version, "VERSION",
               "LEVEL", "PATH");
    bool heading = false;
    for (guint i = 0; i < rows->len; i++) {
        const PluginRow *row = g_ptr_array_index(rows, i);
        const PluginState state = plugin_row_state(row);
        if (state != PLUGIN_OK && !heading) {
            printf("%sNot used:\n", i ? "\n" : "");
            heading = true;
        }
        printf("%-*s  %-*s  %-*s  %-5s  %s\n", name, row->name, kind, plugin_row_kind(row), version,
               plugin_row_version(row), row->level, row->record->path);
        if (state != PLUGIN_OK)
            printf("%*s  %s%s\n", name, "", state == PLUGIN_REFUSED ? "refused: " : "",
                   plugin_row_reason(row));
    }
}

static void plugin_json_member(const char *key, const char *value, const char *separator)
{
    if (!value) {
        printf("\"%s\": null%s", key, separator);
        return;
    }
    printf("\"%s\": \"", key);
    for (; *value; value++) {
        const unsigned char c = (unsigned char)*value;
        if (c == '"' || c == '\\')
            printf("\\%c", c);
        else if (c < 0x20)
            printf("\\u%04x", c);
        else
            putchar(c);
    }
    printf("\"%s", separator);
}

static void plugin_list_json(const GPtrArray *rows)
{
    printf("[");
    for (guint i = 0; i < rows->len; i++) {
        const PluginRow *row = g_ptr_array_index(rows, i);
        const PluginRecord *r = row->record;
        printf("%s\n  {", i ? "," : "");
        plugin_json_member("name", row->info ? row->info->name : NULL, ", ");
        plugin_json_member("kind", row->info ? plugin_kind_name(row->info->kind) : NULL, ", ");
        plugin_json_member("summary", row->info ? row->info->summary : NULL, ", ");
        plugin_json_member("plugin", r->id, ", ");
        plugin_json_member("version", r->version, ", ");
        plugin_json_member("licence", r->licence, ", ");
        plugin_json_member("vendor", r->vendor, ", ");
        printf("\"sdk_major\": %u, \"api_level\": %u, ", r->sdk_major, r->api_level);
        plugin_json_member("path", r->path, ", ");
        plugin_json_member("state", plugin_state_name(plugin_row_state(row)), ", ");
        plugin_json_member("reason", plugin_row_reason(row), "}");
    }
    printf("%s]\n", rows->len ? "\n" : "");
}

static int plugin_list(int argc, char **argv, const PluginRegistry *reg)
{
    bool json = false;
    uint32_t kind = 0;
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            json = true;
        } else if (strcmp(argv[i], "--kind") == 0 && i + 1 < argc) {
            kind = plugin_kind_from_name(argv[++i]);
            if (!kind) {
                fprintf(stderr, "viv plugin: \"%s\" is not a kind of plugin\n", argv[i]);
                return 2;
            }
        } else {
            return plugin_syntax("list takes --kind KIND and --json only");
        }
    }
    g_autoptr(GPtrArray) rows = plugin_rows(reg, kind);
    if (json)
        plugin_list_json(rows);
    else
        plugin_list_text(rows);
    return 0;
}

int cmd_plugin(int argc, char **argv, PluginRegistry *reg)
{
    if (argc < 2)
        return plugin_syntax("list or info?");
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        plugin_usage(stdout);
        return 0;
    }
    if (strcmp(argv[1], "list") == 0)
        return plugin_list(argc - 2, argv + 2, reg);
    if (strcmp(argv[1], "info") == 0) {
        if (argc == 4 && strcmp(argv[3], "--markdown") == 0)
            return cmd_plugin_markdown(argv[2], reg);
        if (argc != 3)
            return plugin_syntax("info takes one name, and --markdown behind it");
        return cmd_plugin_info(argv[2], reg);
    }
    return plugin_syntax("list or info?");
}
