/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* viv plugin info: one plugin with its classes, and each class with what it takes. */
#include "cmd_plugin.h"

#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <viv/device.h>
#include <viv/draft/engine.h>
#include <viv/driver.h>
#include <viv/storage.h>

#include "cfgm/cfgm.h"

/* -- Option tables -- */

static const char *info_type_name(uint32_t type)
{
    switch (type) {
    case VIV_U8: return "u8";
    case VIV_U16: return "u16";
    case VIV_U32: return "u32";
    case VIV_U64: return "u64";
    case VIV_I32: return "i32";
    case VIV_I64: return "i64";
    case VIV_BOOL: return "bool";
    case VIV_STRING: return "string";
    default: return "?";
    }
}

/* Small numbers as people count, large ones as machines do (transfer). */
static char *info_number(const viv_option_t *option, uint64_t value)
{
    if (option->type == VIV_I32 || option->type == VIV_I64)
        return g_strdup_printf("%" PRId64, (int64_t)value);
    return g_strdup_printf(value > 9999 ? "0x%" PRIx64 : "%" PRIu64, value);
}

static char *info_default(const viv_option_t *option)
{
    if (option->type == VIV_STRING)
        return option->def_string ? g_strdup_printf("\"%s\"", option->def_string) : g_strdup("-");
    if (option->type == VIV_BOOL)
        return g_strdup(option->def ? "true" : "false");
    return info_number(option, option->def);
}

static char *info_range(const viv_option_t *option)
{
    if (option->type == VIV_BOOL)
        return g_strdup("");
    g_autofree char *min = info_number(option, option->min);
    g_autofree char *max = info_number(option, option->max);
    return g_strdup_printf("%s..%s%s", min, max, option->type == VIV_STRING ? " bytes" : "");
}

#define INFO_COLUMNS 5

/* The heads and a row for each option, INFO_COLUMNS cells a row (transfer). */
static GPtrArray *info_cells(const viv_option_t *table, uint32_t stride)
{
    static const char *const heads[INFO_COLUMNS] = {"KEY", "TYPE", "DEFAULT", "RANGE", "HELP"};
    GPtrArray *cells = g_ptr_array_new_with_free_func(g_free);
    for (size_t c = 0; c < INFO_COLUMNS; c++)
        g_ptr_array_add(cells, g_strdup(heads[c]));
    viv_option_t option;
    for (uint32_t i = 0; cfgm_option_at(table, stride, i, &option); i++) {
        g_ptr_array_add(cells, g_strdup(option.name));
        g_ptr_array_add(cells, g_strdup(info_type_name(option.type)));
        g_ptr_array_add(cells, info_default(&option));
        g_ptr_array_add(cells, info_range(&option));
        g_ptr_array_add(cells, g_strdup(option.help ? option.help : ""));
    }
    return cells;
}

static void info_options(const viv_option_t *table, uint32_t stride)
{
    g_autoptr(GPtrArray) cells = info_cells(table, stride);
    int widths[INFO_COLUMNS] = {0};
    if (cells->len == INFO_COLUMNS) {
        puts("  Options:   none");
        return;
    }
    for (guint i = 0; i < cells->len; i++) {
        const int width = (int)g_utf8_strlen(g_ptr_array_index(cells, i), -1);
        widths[i % INFO_COLUMNS] = MAX(widths[i % INFO_COLUMNS], width);
    }
    puts("  Options:");
    for (guint i = 0; i < cells->len; i++) {
        const char *cell = g_ptr_array_index(cells, i);
        if (i % INFO_COLUMNS == 0)
            fputs("    ", stdout);
        if (i % INFO_COLUMNS == INFO_COLUMNS - 1)
            printf("%s\n", cell);
        else
            printf("%s%*s  ", cell, widths[i % INFO_COLUMNS] - (int)g_utf8_strlen(cell, -1), "");
    }
}

/* A table for a page of the documentation. A string's length limits tell nobody anything. */
static void info_options_markdown(const viv_option_t *table, uint32_t stride)
{
    g_autoptr(GPtrArray) cells = info_cells(table, stride);
    if (cells->len == INFO_COLUMNS) {
        puts("No configuration keys.");
        return;
    }
    puts("| key | type | default | range | meaning |\n|---|---|---|---|---|");
    for (guint row = INFO_COLUMNS; row < cells->len; row += INFO_COLUMNS) {
        char **cell = (char **)&cells->pdata[row];
        const bool string = strcmp(cell[1], "string") == 0;
        const guint64 number = g_ascii_strtoull(cell[2], NULL, 0);
        g_autofree char *hex = number > 9 && cell[2][0] != '-' && cell[2][1] != 'x'
                                   ? g_strdup_printf(" (0x%" PRIx64 ")", number)
                                   : g_strdup("");
        g_auto(GStrv) parts = g_strsplit(cell[4], "|", -1);
        g_autofree char *help = g_strjoinv("\\|", parts);
        printf("| `%s` | %s | %s%s | %s | %s |\n", cell[0], cell[1], cell[2], hex,
               string ? "" : cell[3], help);
    }
}

/* -- Classes -- */

static void info_device(const viv_class_t *c)
{
    const viv_device_class_t *d = (const viv_device_class_t *)(const void *)c;
    if (d->max_instances)
        printf("  Instances: at most %u\n", d->max_instances);
    printf("  State:     %s", d->state_version ? "version " : "none\n");
    if (d->state_version)
        printf("%u\n", d->state_version);
    info_options(d->options, d->option_stride);
}

static void info_driver(const viv_class_t *c)
{
    const viv_driver_class_t *d = (const viv_driver_class_t *)(const void *)c;
    info_options(d->options, d->option_stride);
}

static void info_engine(const viv_class_t *c)
{
    const viv_engine_class_t *e = (const viv_engine_class_t *)(const void *)c;
    char why[256] = "";
    printf("  Priority:  %u\n", e->priority);
    const bool exact = (e->caps & VIV_ENGINE_EXACT_ICOUNT) != 0;
    const bool smp = (e->caps & VIV_ENGINE_SMP) != 0;
    printf("  Can:       %s%s%s\n", exact ? "deterministic mode" : "", exact && smp ? ", " : "",
           smp     ? "several vCPUs"
           : exact ? ""
                   : "-");
    const viv_status_t st = e->probe ? e->probe(why, sizeof(why)) : VIV_OK;
    why[sizeof(why) - 1] = '\0';
    if (st == VIV_OK)
        puts("  Usable:    yes");
    else
        printf("  Usable:    no, %s\n", why[0] ? why : viv_status_text(st));
}

static void info_format(const viv_class_t *c)
{
    static const struct {
        uint64_t cap;
        const char *name;
    } caps[] = {
        {VIV_FORMAT_CREATE_FIXED, "create fixed"}, {VIV_FORMAT_CREATE_DYNAMIC, "create dynamic"},
        {VIV_FORMAT_DIFF, "differencing"},         {VIV_FORMAT_FILE, "files"},
        {VIV_FORMAT_DISCARD, "discard"},           {VIV_FORMAT_READ_ONLY, "read only"},
    };
    const viv_format_class_t *f = (const viv_format_class_t *)(const void *)c;
    g_autoptr(GString) list = g_string_new(NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(caps); i++) {
        if (f->caps & caps[i].cap)
            g_string_append_printf(list, "%s%s", list->len ? ", " : "", caps[i].name);
    }
    printf("  Files:     %s\n", f->extensions && f->extensions[0] ? f->extensions : "-");
    printf("  Can:       %s\n", list->len ? list->str : "-");
}

static void info_class(const PluginClassInfo *info, PluginRegistry *reg)
{
    static const struct {
        uint32_t kind;
        void (*show)(const viv_class_t *c);
    } shows[] = {
        {VIV_KIND_DEVICE, info_device},
        {VIV_KIND_DRIVER, info_driver},
        {VIV_KIND_ENGINE, info_engine},
        {VIV_KIND_STORAGE, info_format},
    };
    printf("\n%s \"%s\"\n", plugin_kind_name(info->kind), info->name);
    if (info->summary[0])
        printf("  Summary:   %s\n", info->summary);
    if (info->state != PLUGIN_OK) {
        printf("  Not used:  %s\n", info->reason);
        return;
    }
    VivError err = VIV_ERROR_INIT;
    const viv_class_t *c;
    if (plugin_find(reg, info->kind, info->name, &c, &err) != VIV_OK) {
        printf("  Not used:  %s\n", error_text(&err));
        error_clear(&err);
        return;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(shows); i++) {
        if (shows[i].kind == info->kind)
            shows[i].show(c);
    }
}

/* -- Pages -- */

static void info_class_markdown(const viv_class_t *c)
{
    if (c->kind == VIV_KIND_DEVICE) {
        const viv_device_class_t *d = (const viv_device_class_t *)(const void *)c;
        printf("Device class `%s`: %s. ", c->name, c->summary);
        if (d->max_instances)
            printf("At most %u instance%s. ", d->max_instances, d->max_instances == 1 ? "" : "s");
        if (d->state_version)
            printf("Saved state: version %u.\n\n", d->state_version);
        else
            puts("No saved state.\n");
        info_options_markdown(d->options, d->option_stride);
    } else if (c->kind == VIV_KIND_DRIVER) {
        const viv_driver_class_t *d = (const viv_driver_class_t *)(const void *)c;
        printf("Driver class `%s`: %s.\n\n", c->name, c->summary);
        info_options_markdown(d->options, d->option_stride);
    }
}

int cmd_plugin_markdown(const char *name, PluginRegistry *reg)
{
    static const uint32_t kinds[] = {VIV_KIND_DEVICE, VIV_KIND_DRIVER};
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        VivError err = VIV_ERROR_INIT;
        const viv_class_t *c;
        if (plugin_find(reg, kinds[i], name, &c, &err) == VIV_OK) {
            info_class_markdown(c);
            return 0;
        }
        error_clear(&err);
    }
    fprintf(stderr, "viv plugin: no plugin provides a device or driver \"%s\"\n", name);
    return 1;
}

/* -- The plugin -- */

static void info_line(const char *label, const char *value)
{
    if (value && value[0])
        printf("%-10s %s\n", label, value);
}

/* class_name NULL: all of its classes. */
static void info_record(const PluginRecord *r, const char *class_name, PluginRegistry *reg)
{
    info_line("Plugin:", r->id);
    info_line("Summary:", r->summary);
    info_line("Version:", r->version);
    info_line("Licence:", r->licence);
    info_line("Vendor:", r->vendor);
    info_line("Path:", r->path);
    if (r->sdk_major)
        printf("%-10s %u, level %u\n", "SDK:", r->sdk_major, r->api_level);
    if (r->state != PLUGIN_OK)
        printf("%-10s %s%s\n", "Not used:", r->state == PLUGIN_REFUSED ? "refused: " : "",
               r->reason);
    for (uint32_t c = 0; c < r->class_count; c++) {
        if (!class_name || strcmp(r->classes[c].name, class_name) == 0)
            info_class(&r->classes[c], reg);
    }
}

static bool info_has_class(const PluginRecord *r, const char *name)
{
    for (uint32_t c = 0; c < r->class_count; c++) {
        if (strcmp(r->classes[c].name, name) == 0)
            return true;
    }
    return false;
}

/* The name of a file: how a refused one without classes is asked for. */
static bool info_is_file(const PluginRecord *r, const char *name)
{
    g_autofree char *base = g_path_get_basename(r->path);
    g_autofree char *with_suffix = g_strconcat(name, ".so", NULL);
    return strcmp(r->path, name) == 0 || strcmp(base, name) == 0 || strcmp(base, with_suffix) == 0;
}

int cmd_plugin_info(const char *name, PluginRegistry *reg)
{
    uint32_t count;
    uint32_t shown = 0;
    const PluginRecord *const *records = plugin_records(reg, &count);
    for (uint32_t i = 0; i < count; i++) {
        const bool whole = (records[i]->id && strcmp(records[i]->id, name) == 0) ||
                           (!info_has_class(records[i], name) && info_is_file(records[i], name));
        if (!whole && !info_has_class(records[i], name))
            continue;
        if (shown++)
            puts("\n--");
        info_record(records[i], whole ? NULL : name, reg);
    }
    if (shown)
        return 0;
    fprintf(stderr,
            "viv plugin: no plugin provides \"%s\"; `viv plugin list` shows all there are\n", name);
    return 1;
}
