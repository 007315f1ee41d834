/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cfgm: from a node's values to an instance struct, as an option table says.
 * Values are hostile (settings files), tables come from plugins and may be wrong. */
#include "cfgm/cfgm_internal.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <string.h>

#define CFGM_OPTIONS_MAX 4096u /* a table without an end is a plugin's bug, not an endless loop */

typedef struct CfgmIntType {
    uint32_t type;
    uint32_t bytes;
    bool is_signed;
    const char *name;
} CfgmIntType;

static const CfgmIntType cfgm_int_types[] = {
    {VIV_U8, 1, false, "an integer of 8 bits"},        {VIV_U16, 2, false, "an integer of 16 bits"},
    {VIV_U32, 4, false, "an integer of 32 bits"},      {VIV_U64, 8, false, "an integer"},
    {VIV_I32, 4, true, "a signed integer of 32 bits"}, {VIV_I64, 8, true, "a signed integer"},
};

static const CfgmIntType *cfgm_int_type(uint32_t type)
{
    for (size_t i = 0; i < G_N_ELEMENTS(cfgm_int_types); i++) {
        if (cfgm_int_types[i].type == type)
            return &cfgm_int_types[i];
    }
    return NULL;
}

bool cfgm_option_at(const viv_option_t *table, uint32_t stride, uint32_t index,
                    viv_option_t *ret_option)
{
    memset(ret_option, 0, sizeof(*ret_option));
    if (!table || index >= CFGM_OPTIONS_MAX)
        return false;
    memcpy(ret_option, (const uint8_t *)table + (size_t)stride * index,
           MIN(stride, sizeof(*ret_option)));
    return ret_option->name != NULL;
}

/* -- Integers -- */

static bool cfgm_int_in_range(const CfgmIntType *type, const viv_option_t *option, uint64_t value)
{
    if (type->is_signed) {
        const int64_t v = (int64_t)value;
        if (type->bytes == 4 && (v < INT32_MIN || v > INT32_MAX))
            return false;
        return v >= (int64_t)option->min && v <= (int64_t)option->max;
    }
    if (type->bytes < 8 && value >> (type->bytes * 8))
        return false;
    return value >= option->min && value <= option->max;
}

static char *cfgm_int_allowed(const CfgmIntType *type, const viv_option_t *option)
{
    if (type->is_signed)
        return g_strdup_printf("%s from %" PRId64 " to %" PRId64, type->name, (int64_t)option->min,
                               (int64_t)option->max);
    if (option->max > 9)
        return g_strdup_printf("%s from %" PRIu64 " to %" PRIu64 " (0x%" PRIx64 " to 0x%" PRIx64
                               ")",
                               type->name, option->min, option->max, option->min, option->max);
    return g_strdup_printf("%s from %" PRIu64 " to %" PRIu64, type->name, option->min, option->max);
}

static void cfgm_int_store(const CfgmIntType *type, uint64_t value, uint8_t *at)
{
    switch (type->bytes) {
    case 1: *at = (uint8_t)value; break;
    case 2: {
        const uint16_t v = (uint16_t)value;
        memcpy(at, &v, sizeof(v));
        break;
    }
    case 4: {
        const uint32_t v = (uint32_t)value;
        memcpy(at, &v, sizeof(v));
        break;
    }
    default: memcpy(at, &value, sizeof(value)); break;
    }
}

/* -- One option -- */

static viv_status_t cfgm_option_refuse(const CfgmNode *node, const viv_option_t *option,
                                       const CfgmValue *value, const char *allowed, VivError *err)
{
    g_autofree char *path = cfgm_path_of(node, option->name);
    g_autofree char *shown = cfgm_value_show(value);
    return error_set(err, VIV_E_CONFIG, "%s: is %s; allowed is %s", path, shown, allowed);
}

static viv_status_t cfgm_option_set_int(const CfgmNode *node, const viv_option_t *option,
                                        const CfgmIntType *type, uint8_t *at, VivError *err)
{
    const CfgmValue *value = cfgm_value(node, option->name);
    g_autofree char *allowed = cfgm_int_allowed(type, option);
    if (value && (value->type != CFGM_U64 || !cfgm_int_in_range(type, option, value->u64)))
        return cfgm_option_refuse(node, option, value, allowed, err);
    if (!value && !cfgm_int_in_range(type, option, option->def))
        return error_set(err, VIV_E_MISUSE, "option '%s': its default %" PRIu64 " is not %s",
                         option->name, option->def, allowed);
    cfgm_int_store(type, value ? value->u64 : option->def, at);
    return VIV_OK;
}

static viv_status_t cfgm_option_set_bool(const CfgmNode *node, const viv_option_t *option,
                                         uint8_t *at, VivError *err)
{
    const CfgmValue *value = cfgm_value(node, option->name);
    if (value && ((value->type != CFGM_BOOL && value->type != CFGM_U64) || value->u64 > 1))
        return cfgm_option_refuse(node, option, value, "a boolean, or 0 or 1", err);
    if (!value && option->def > 1)
        return error_set(err, VIV_E_MISUSE, "option '%s': its default %" PRIu64 " is no boolean",
                         option->name, option->def);
    *at = (uint8_t)(value ? value->u64 : option->def);
    return VIV_OK;
}

static viv_status_t cfgm_option_set_string(const CfgmNode *node, const viv_option_t *option,
                                           uint8_t *at, VivError *err)
{
    const CfgmValue *value = cfgm_value(node, option->name);
    const char *text = option->def_string;
    if (value) {
        if (value->type != CFGM_STRING) {
            /* "123" set as text became an integer: say how to mend it. */
            return cfgm_option_refuse(
                node, option, value,
                value->type == CFGM_U64 ? "a string (string:... as text)" : "a string", err);
        }
        if (value->len_bytes < option->min || value->len_bytes > option->max) {
            g_autofree char *allowed = g_strdup_printf(
                "a string of %" PRIu64 " to %" PRIu64 " bytes", option->min, option->max);
            return cfgm_option_refuse(node, option, value, allowed, err);
        }
        text = value->string;
    }
    memcpy(at, &text, sizeof(text));
    return VIV_OK;
}

static viv_status_t cfgm_option_set(const CfgmNode *node, const viv_option_t *option,
                                    void *instance, VivError *err)
{
    uint8_t *at = (uint8_t *)instance + option->offset;
    const CfgmIntType *type = cfgm_int_type(option->type);
    if (type)
        return cfgm_option_set_int(node, option, type, at, err);
    if (option->type == VIV_BOOL)
        return cfgm_option_set_bool(node, option, at, err);
    if (option->type == VIV_STRING)
        return cfgm_option_set_string(node, option, at, err);
    return error_set(err, VIV_E_MISUSE, "option '%s' has type %u, which no option can have",
                     option->name, option->type);
}

/* -- Keys that nobody knows -- */

typedef struct CfgmKnown {
    const CfgmNode *base;
    const viv_option_t *table;
    uint32_t stride;
    const char *const *allow;
} CfgmKnown;

static bool cfgm_pattern_match(const char *pattern, const char *path)
{
    if (g_str_has_suffix(pattern, "**")) {
        /* As many names as the pattern has in front of its "**", matched one by one, then anything.
         */
        g_autofree char *head = g_strndup(pattern, strlen(pattern) - 2);
        size_t slashes = 0;
        for (const char *p = head; *p; p++)
            slashes += *p == '/';
        const char *end = path;
        while (slashes && *end)
            slashes -= *end++ == '/';
        if (slashes || !*end)
            return false;
        g_autofree char *path_head = g_strndup(path, (gsize)(end - path));
        return fnmatch(head, path_head, FNM_PATHNAME | FNM_NOESCAPE) == 0;
    }
    return fnmatch(pattern, path, FNM_PATHNAME | FNM_NOESCAPE) == 0;
}

static bool cfgm_known_value(const CfgmKnown *known, const char *path)
{
    viv_option_t option;
    for (uint32_t i = 0; cfgm_option_at(known->table, known->stride, i, &option); i++) {
        if (strcmp(option.name, path) == 0)
            return true;
    }
    for (const char *const *p = known->allow; p && *p; p++) {
        if (cfgm_pattern_match(*p, path))
            return true;
    }
    return false;
}

/* Could a value at or below the (empty) node at path be known? text is an option's name or a
 * pattern. */
static bool cfgm_may_hold(const char *text, const char *path)
{
    const char *end = text;
    size_t names = 1;
    for (const char *p = path; *p; p++)
        names += *p == '/';
    for (; *end; end++) {
        if (*end == '/' && --names == 0)
            break;
    }
    g_autofree char *head = g_strndup(text, (gsize)(end - text));
    if (g_str_has_suffix(head, "**"))
        return cfgm_pattern_match(head, path);
    return names == 0 && fnmatch(head, path, FNM_PATHNAME | FNM_NOESCAPE) == 0;
}

static bool cfgm_known_node(const CfgmKnown *known, const char *path)
{
    viv_option_t option;
    for (uint32_t i = 0; cfgm_option_at(known->table, known->stride, i, &option); i++) {
        if (cfgm_may_hold(option.name, path))
            return true;
    }
    for (const char *const *p = known->allow; p && *p; p++) {
        if (cfgm_may_hold(*p, path))
            return true;
    }
    return false;
}

static char *cfgm_known_list(const CfgmKnown *known)
{
    GString *list = g_string_new(NULL);
    viv_option_t option;
    for (uint32_t i = 0; cfgm_option_at(known->table, known->stride, i, &option); i++)
        g_string_append_printf(list, "%s%s", list->len ? ", " : "", option.name);
    for (const char *const *p = known->allow; p && *p; p++)
        g_string_append_printf(list, "%s%s", list->len ? ", " : "", *p);
    if (!list->len)
        g_string_append(list, "no key at all");
    return g_string_free(list, FALSE);
}

static viv_status_t cfgm_known_check(const CfgmKnown *known, const CfgmNode *node,
                                     const char *prefix, VivError *err)
{
    for (const CfgmValue *value = cfgm_first_value(node); value; value = cfgm_next_value(value)) {
        g_autofree char *path = g_strconcat(prefix, value->name, NULL);
        if (cfgm_known_value(known, path))
            continue;
        g_autofree char *full = cfgm_path_of(known->base, path);
        g_autofree char *shown = cfgm_value_show(value);
        g_autofree char *list = cfgm_known_list(known);
        return error_set(err, VIV_E_CONFIG, "%s: unknown key, is %s; allowed is %s", full, shown,
                         list);
    }
    for (const CfgmNode *child = node->first; child; child = child->next) {
        g_autofree char *path = g_strconcat(prefix, child->name, NULL);
        if (!child->first && !child->first_value && !cfgm_known_node(known, path)) {
            g_autofree char *full = cfgm_path_of(known->base, path);
            g_autofree char *list = cfgm_known_list(known);
            return error_set(err, VIV_E_CONFIG, "%s: unknown node (empty); allowed is %s", full,
                             list);
        }
        g_autofree char *below = g_strconcat(path, "/", NULL);
        const viv_status_t st = cfgm_known_check(known, child, below, err);
        if (st != VIV_OK)
            return st;
    }
    return VIV_OK;
}

viv_status_t cfgm_validate_options(const CfgmNode *node, const viv_option_t *table, uint32_t stride,
                                   void *instance, const char *const *allow, VivError *err)
{
    if (table && stride < offsetof(viv_option_t, offset) + sizeof(table->offset))
        return error_set(err, VIV_E_MISUSE, "option table: stride %u is too short", stride);
    if (node) {
        const CfgmKnown known = {node, table, stride, allow};
        const viv_status_t st = cfgm_known_check(&known, node, "", err);
        if (st != VIV_OK)
            return st;
    }
    viv_option_t option;
    for (uint32_t i = 0; cfgm_option_at(table, stride, i, &option); i++) {
        const viv_status_t st = cfgm_option_set(node, &option, instance, err);
        if (st != VIV_OK)
            return st;
    }
    return VIV_OK;
}
