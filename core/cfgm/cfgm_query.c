/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cfgm: typed queries and the listing. */
#include "cfgm/cfgm_internal.h"

#include <inttypes.h>
#include <string.h>

#define CFGM_SHOWN_MAX 200u

const char *cfgm_type_name(CfgmType type)
{
    switch (type) {
    case CFGM_U64: return "integer";
    case CFGM_STRING: return "string";
    case CFGM_BYTES: return "bytes";
    case CFGM_BOOL: return "boolean";
    }
    return "?";
}

char *cfgm_text_show(const char *text)
{
    g_autofree char *cut = g_strndup(text, CFGM_SHOWN_MAX);
    g_autofree char *valid = g_utf8_make_valid(cut, -1);
    for (char *p = valid; *p; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = '?';
    }
    return strlen(text) > CFGM_SHOWN_MAX ? g_strconcat(valid, "...", NULL)
                                         : g_steal_pointer(&valid);
}

char *cfgm_value_show(const CfgmValue *value)
{
    switch (value->type) {
    case CFGM_U64:
        if (value->u64 > 9)
            return g_strdup_printf("%" PRIu64 " (0x%" PRIx64 ", integer)", value->u64, value->u64);
        return g_strdup_printf("%" PRIu64 " (integer)", value->u64);
    case CFGM_STRING: {
        g_autofree char *text = cfgm_text_show(value->string);
        return g_strdup_printf("'%s' (string)", text);
    }
    case CFGM_BYTES: return g_strdup_printf("%zu bytes", value->len_bytes);
    case CFGM_BOOL: return g_strdup_printf("%s (boolean)", value->u64 ? "true" : "false");
    }
    return g_strdup("?");
}

static viv_status_t cfgm_refuse(const CfgmNode *node, const char *path, const CfgmValue *value,
                                VivError *err, const char *allowed)
{
    g_autofree char *full = cfgm_path_of(node, path);
    g_autofree char *shown = cfgm_value_show(value);
    return error_set(err, VIV_E_CONFIG, "%s: is %s; allowed is %s", full, shown, allowed);
}

viv_status_t cfgm_get_u64(const CfgmNode *node, const char *path, uint64_t dflt,
                          uint64_t *ret_value, VivError *err)
{
    return cfgm_get_u64_range(node, path, 0, UINT64_MAX, dflt, ret_value, err);
}

viv_status_t cfgm_get_u64_range(const CfgmNode *node, const char *path, uint64_t lo, uint64_t hi,
                                uint64_t dflt, uint64_t *ret_value, VivError *err)
{
    const CfgmValue *value = cfgm_value(node, path);
    *ret_value = dflt;
    if (!value)
        return VIV_OK;
    if (value->type != CFGM_U64 || value->u64 < lo || value->u64 > hi) {
        char allowed[96] = "an integer";
        if (lo != 0 || hi != UINT64_MAX)
            g_snprintf(allowed, sizeof(allowed), "an integer from %" PRIu64 " to %" PRIu64, lo, hi);
        return cfgm_refuse(node, path, value, err, allowed);
    }
    *ret_value = value->u64;
    return VIV_OK;
}

viv_status_t cfgm_get_bool(const CfgmNode *node, const char *path, bool dflt, bool *ret_value,
                           VivError *err)
{
    const CfgmValue *value = cfgm_value(node, path);
    *ret_value = dflt;
    if (!value)
        return VIV_OK;
    if ((value->type != CFGM_BOOL && value->type != CFGM_U64) || value->u64 > 1)
        return cfgm_refuse(node, path, value, err, "a boolean, or 0 or 1");
    *ret_value = value->u64 != 0;
    return VIV_OK;
}

viv_status_t cfgm_get_string(const CfgmNode *node, const char *path, const char *dflt,
                             const char **ret_value, VivError *err)
{
    const CfgmValue *value = cfgm_value(node, path);
    *ret_value = dflt;
    if (!value)
        return VIV_OK;
    if (value->type != CFGM_STRING)
        return cfgm_refuse(node, path, value, err, "a string");
    *ret_value = value->string;
    return VIV_OK;
}

viv_status_t cfgm_get_bytes(const CfgmNode *node, const char *path, const uint8_t **ret_bytes,
                            size_t *ret_len, VivError *err)
{
    const CfgmValue *value = cfgm_value(node, path);
    *ret_bytes = NULL;
    *ret_len = 0;
    if (!value)
        return VIV_OK;
    if (value->type != CFGM_BYTES)
        return cfgm_refuse(node, path, value, err, "bytes");
    *ret_bytes = value->bytes;
    *ret_len = value->len_bytes;
    return VIV_OK;
}

uint64_t cfgm_u64(const CfgmNode *node, const char *path, uint64_t dflt)
{
    uint64_t value;
    cfgm_get_u64(node, path, dflt, &value, NULL);
    return value;
}

bool cfgm_bool(const CfgmNode *node, const char *path, bool dflt)
{
    bool value;
    cfgm_get_bool(node, path, dflt, &value, NULL);
    return value;
}

const char *cfgm_string(const CfgmNode *node, const char *path, const char *dflt)
{
    const char *value;
    cfgm_get_string(node, path, dflt, &value, NULL);
    return value;
}

/* -- Listing -- */

static void cfgm_dump_string(const CfgmValue *value, FILE *out)
{
    fputc('"', out);
    for (size_t i = 0; i < value->len_bytes; i++) {
        const unsigned char c = (unsigned char)value->string[i];
        if (c < 0x20 || c == 0x7f)
            fprintf(out, "\\x%02x", c);
        else if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else
            fputc(c, out);
    }
    fputc('"', out);
}

static void cfgm_dump_value(const CfgmValue *value, int indent, FILE *out)
{
    fprintf(out, "%*s%s <%s> = ", indent, "", value->name, cfgm_type_name(value->type));
    switch (value->type) {
    case CFGM_U64:
        fprintf(out, "%" PRIu64, value->u64);
        if (value->u64 > 9)
            fprintf(out, " (0x%" PRIx64 ")", value->u64);
        break;
    case CFGM_STRING: cfgm_dump_string(value, out); break;
    case CFGM_BYTES:
        for (size_t i = 0; i < MIN(value->len_bytes, 32u); i++)
            fprintf(out, "%02x", value->bytes[i]);
        fprintf(out, "%s (%zu bytes)", value->len_bytes > 32 ? "..." : "", value->len_bytes);
        break;
    case CFGM_BOOL: fputs(value->u64 ? "true" : "false", out); break;
    }
    fputc('\n', out);
}

static void cfgm_dump_below(const CfgmNode *node, int indent, FILE *out)
{
    for (const CfgmValue *value = cfgm_first_value(node); value; value = cfgm_next_value(value))
        cfgm_dump_value(value, indent, out);
    for (const CfgmNode *child = node->first; child; child = child->next) {
        fprintf(out, "%*s%s/\n", indent, "", child->name);
        cfgm_dump_below(child, indent + 2, out);
    }
}

void cfgm_dump(const CfgmNode *node, FILE *out)
{
    if (node)
        cfgm_dump_below(node, 0, out);
}
