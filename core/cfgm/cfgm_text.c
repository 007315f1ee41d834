/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cfgm: the overlay of values given as text, VirtualBox's extradata VBoxInternal/<path>/<key>.
 * The text comes from users and settings files: hostile input. */
#include "cfgm/cfgm_internal.h"

#include <inttypes.h>
#include <string.h>

#include "log/log.h"

#define CFGM_OVERLAY_PREFIX "VBoxInternal/"
#define CFGM_PATH_MAX       4096u

/* A whole number of 64 bits: decimal or 0x hexadecimal, a minus allowed for what fits an int64_t.
 */
static bool cfgm_text_number(const char *text, uint64_t *ret_value)
{
    const bool negative = *text == '-';
    if (negative)
        text++;
    unsigned base = 10;
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        base = 16;
        text += 2;
    }
    if (!*text)
        return false;
    uint64_t value = 0;
    for (; *text; text++) {
        const int digit = g_ascii_xdigit_value(*text);
        if (digit < 0 || (unsigned)digit >= base)
            return false;
        if (__builtin_mul_overflow(value, (uint64_t)base, &value) ||
            __builtin_add_overflow(value, (uint64_t)digit, &value))
            return false;
    }
    if (negative) {
        if (value > (uint64_t)1 << 63)
            return false;
        value = (uint64_t)0 - value;
    }
    *ret_value = value;
    return true;
}

/* g_base64_decode() skips what it does not know; a typing error should be told instead. */
static bool cfgm_text_base64_ok(const char *text)
{
    size_t digits = 0;
    size_t padding = 0;
    for (; *text; text++) {
        if (g_ascii_isspace(*text))
            continue;
        if (*text == '=') {
            padding++;
        } else {
            if (padding || !(g_ascii_isalnum(*text) || *text == '+' || *text == '/'))
                return false;
            digits++;
        }
    }
    return padding <= 2 && (digits + padding) % 4 == 0;
}

static viv_status_t cfgm_text_set_bytes(CfgmNode *root, const char *path, const char *text,
                                        VivError *err)
{
    if (!cfgm_text_base64_ok(text)) {
        g_autofree char *shown = cfgm_text_show(text);
        return error_set(err, VIV_E_CONFIG, "%s: '%s' is not base64", path, shown);
    }
    if (strlen(text) > (size_t)CFGM_BYTES_MAX * 2)
        return error_set(err, VIV_E_CONFIG, "%s: more than %u bytes", path, CFGM_BYTES_MAX);
    if (!text[0])
        return cfgm_set_bytes(root, path, "", 0, err);
    gsize len = 0;
    g_autofree guchar *bytes = g_base64_decode(text, &len);
    return cfgm_set_bytes(root, path, bytes, len, err);
}

static viv_status_t cfgm_text_set(CfgmNode *root, const char *path, const char *text, VivError *err)
{
    uint64_t number;
    if (g_str_has_prefix(text, "string:"))
        return cfgm_set_string(root, path, text + strlen("string:"), err);
    if (g_str_has_prefix(text, "bytes:"))
        return cfgm_text_set_bytes(root, path, text + strlen("bytes:"), err);
    if (g_str_has_prefix(text, "integer:")) {
        text += strlen("integer:");
        if (!cfgm_text_number(text, &number)) {
            g_autofree char *shown = cfgm_text_show(text);
            return error_set(err, VIV_E_CONFIG, "%s: '%s' is not an integer of 64 bits", path,
                             shown);
        }
        return cfgm_set_u64(root, path, number, err);
    }
    if (cfgm_text_number(text, &number))
        return cfgm_set_u64(root, path, number, err);
    return cfgm_set_string(root, path, text, err);
}

viv_status_t cfgm_set_from_text(CfgmNode *root, const char *path, const char *text, VivError *err)
{
    if (strlen(path) > CFGM_PATH_MAX)
        return error_set(err, VIV_E_CONFIG,
                         "a path of %zu bytes is too long, at most %u are allowed", strlen(path),
                         CFGM_PATH_MAX);
    if (!g_utf8_validate(path, -1, NULL) || !g_utf8_validate(text, -1, NULL))
        return error_set(err, VIV_E_CONFIG, "an override is not UTF-8");
    if (*path == '/')
        path++;
    if (g_str_has_prefix(path, CFGM_OVERLAY_PREFIX))
        path += strlen(CFGM_OVERLAY_PREFIX);

    const CfgmValue *old = cfgm_value(root, path);
    g_autofree char *was = old ? cfgm_value_show(old) : g_strdup("not set");
    if (!text[0]) {
        if (cfgm_remove_value(root, path) == VIV_OK)
            viv_log("cfgm", VIV_LOG_INFO, "override %s: removed, was %s", path, was);
        else if (*path && cfgm_remove(root, path) == VIV_OK)
            viv_log("cfgm", VIV_LOG_INFO, "override %s: the node is removed", path);
        return VIV_OK;
    }
    const viv_status_t st = cfgm_text_set(root, path, text, err);
    if (st != VIV_OK)
        return st;
    const CfgmValue *now = cfgm_value(root, path);
    g_autofree char *is = now ? cfgm_value_show(now) : g_strdup("?");
    viv_log("cfgm", VIV_LOG_INFO, "override %s: is %s, was %s", path, is, was);
    return VIV_OK;
}

viv_status_t cfgm_set_from_assignment(CfgmNode *root, const char *assignment, VivError *err)
{
    const char *eq = strchr(assignment, '=');
    if (!eq) {
        g_autofree char *shown = cfgm_text_show(assignment);
        return error_set(err, VIV_E_CONFIG, "'%s' is not PATH=VALUE", shown);
    }
    g_autofree char *path = g_strndup(assignment, (gsize)(eq - assignment));
    return cfgm_set_from_text(root, path, eq + 1, err);
}
