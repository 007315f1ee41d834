/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fake host: "key=value,..." against a class's option table, and the store behind viv.cfg/1. */
#include "harness_internal.h"

#include <errno.h>

static const viv_option_t *harness_option_at(const viv_option_t *options, uint32_t stride,
                                             unsigned i)
{
    return (const viv_option_t *)(const void *)((const char *)options + (size_t)i * stride);
}

static uint32_t harness_option_bytes(uint32_t type)
{
    static const uint8_t bytes[] = {0, 1, 2, 4, 8, 4, 8, 1, sizeof(const char *)};
    return type < sizeof(bytes) ? bytes[type] : 0;
}

/* A whole number in C notation, or -1. */
static int harness_parse_number(const char *text, uint32_t is_signed, uint64_t *ret_value)
{
    char *end;
    if (!*text || strchr(" \t+", *text) || (*text == '-' && !is_signed)) {
        return -1;
    }
    errno = 0;
    if (*text == '-') {
        *ret_value = (uint64_t)strtoll(text, &end, 0);
    } else {
        *ret_value = strtoull(text, &end, 0);
    }
    return errno || *end ? -1 : 0;
}

static int harness_option_in_range(const viv_option_t *o, uint64_t value)
{
    if (o->type == VIV_I32 || o->type == VIV_I64) {
        return (int64_t)value >= (int64_t)o->min && (int64_t)value <= (int64_t)o->max;
    }
    return value >= o->min && value <= o->max;
}

static void harness_option_store(const viv_option_t *o, uint8_t *self, uint64_t value)
{
    uint32_t n = harness_option_bytes(o->type);
    for (uint32_t i = 0; i < n; i++) { /* the hosts that we run on are little-endian */
        self[o->offset + i] = (uint8_t)(value >> (8 * i));
    }
}

/* The table itself must be sound, and its defaults allowed. */
static void harness_option_check(const viv_option_t *o, uint32_t self_size, const char *who)
{
    uint32_t n = harness_option_bytes(o->type);
    HARNESS_CHECK(n && o->type <= VIV_STRING, "%s: option %s has no type that options can have",
                  who, o->name);
    HARNESS_CHECK((uint64_t)o->offset + n <= self_size,
                  "%s: option %s lies outside of the instance", who, o->name);
    HARNESS_CHECK(o->help, "%s: option %s has no help", who, o->name);
    if (o->type == VIV_STRING) {
        HARNESS_CHECK(!o->def_string ||
                          (strlen(o->def_string) >= o->min && strlen(o->def_string) <= o->max),
                      "%s: the default of %s is out of range", who, o->name);
    } else {
        HARNESS_CHECK(harness_option_in_range(o, o->def), "%s: the default of %s is out of range",
                      who, o->name);
    }
}

static viv_status_t harness_option_set(const viv_option_t *o, uint8_t *self, const char *who,
                                       const char *text, char ***strings, unsigned *count)
{
    uint64_t value;
    if (o->type == VIV_STRING) {
        if (strlen(text) < o->min || strlen(text) > o->max) {
            return harness_error_set(VIV_E_CONFIG, "%s/Config/%s: \"%s\" is too short or too long",
                                     who, o->name, text);
        }
        *strings = harness_grow(*strings, (*count + 1) * sizeof(**strings));
        const char *copy = (*strings)[(*count)++] = harness_strdup(text);
        memcpy(self + o->offset, &copy, sizeof(copy));
        return VIV_OK;
    }
    if (o->type == VIV_BOOL && (!strcmp(text, "true") || !strcmp(text, "false"))) {
        value = text[0] == 't';
    } else if (harness_parse_number(text, o->type == VIV_I32 || o->type == VIV_I64, &value)) {
        return harness_error_set(VIV_E_CONFIG, "%s/Config/%s: \"%s\" is not a number", who, o->name,
                                 text);
    }
    if (!harness_option_in_range(o, value) || (o->type == VIV_BOOL && value > 1)) {
        return harness_error_set(VIV_E_CONFIG, "%s/Config/%s: %s is outside of %llu..%llu", who,
                                 o->name, text, (unsigned long long)o->min,
                                 (unsigned long long)o->max);
    }
    harness_option_store(o, self, value);
    return VIV_OK;
}

/* -- the store of viv.cfg/1 ------------------------------------------------------------------ */

static HarnessCfg *harness_cfg_put(Harness *h, const char *path, uint32_t type, const void *bytes,
                                   size_t len, uint64_t number)
{
    HarnessCfg *c = h->cfg;
    while (c && strcmp(c->path, path)) {
        c = c->next;
    }
    if (!c) {
        c = harness_alloc(sizeof(*c));
        c->path = harness_strdup(path);
        c->next = h->cfg;
        h->cfg = c;
    }
    free(c->bytes);
    c->bytes = harness_alloc(len + 1);
    if (len) {
        memcpy(c->bytes, bytes, len);
    }
    c->len = len;
    c->type = type;
    c->number = number;
    c->was_read = 0;
    return c;
}

void harness_cfg_set_u64(Harness *h, const char *path, uint64_t value)
{
    harness_cfg_put(h, path, VIV_U64, NULL, 0, value);
}

void harness_cfg_set_string(Harness *h, const char *path, const char *value)
{
    harness_cfg_put(h, path, VIV_STRING, value, strlen(value), 0);
}

void harness_cfg_set_bytes(Harness *h, const char *path, const void *bytes, size_t len)
{
    harness_cfg_put(h, path, VIV_BYTES, bytes, len, 0);
}

void harness_cfg_free(Harness *h)
{
    while (h->cfg) {
        HarnessCfg *c = h->cfg;
        h->cfg = c->next;
        free(c->path);
        free(c->bytes);
        free(c);
    }
}

viv_status_t harness_cfg_check_read(Harness *h, const char *who)
{
    for (const HarnessCfg *c = h->cfg; c; c = c->next) {
        if (!c->was_read) {
            return harness_error_set(VIV_E_CONFIG, "%s/Config/%s: unknown key", who, c->path);
        }
    }
    return VIV_OK;
}

static viv_status_t harness_cfg_set_text(Harness *h, const char *path, const char *text)
{
    uint64_t value;
    if (!strncmp(text, "string:", 7)) {
        harness_cfg_set_string(h, path, text + 7);
    } else if (!strncmp(text, "integer:", 8)) {
        if (harness_parse_number(text + 8, 1, &value)) {
            return harness_error_set(VIV_E_CONFIG, "%s: \"%s\" is not a number", path, text);
        }
        harness_cfg_set_u64(h, path, value);
    } else if (!harness_parse_number(text, 1, &value)) {
        harness_cfg_set_u64(h, path, value);
    } else {
        harness_cfg_set_string(h, path, text);
    }
    return VIV_OK;
}

/* -- the text -------------------------------------------------------------------------------- */

/* Cuts the next "key=value" off *text (modified in place). Returns 0 at the end. */
static int harness_options_next(char **text, char **ret_key, char **ret_value)
{
    char *from = *text, *to = from;
    if (!*from) {
        return 0;
    }
    *ret_key = from;
    while (*from && *from != ',') {
        if (from[0] == '\\' && from[1] == ',') {
            from++;
        }
        *to++ = *from++;
    }
    *text = *from ? from + 1 : from;
    *to = '\0';
    *ret_value = strchr(*ret_key, '=');
    HARNESS_CHECK(*ret_value, "\"%s\" is not key=value", *ret_key);
    *(*ret_value)++ = '\0';
    return 1;
}

viv_status_t harness_options_apply(Harness *h, const viv_option_t *options, uint32_t stride,
                                   const char *who, uint8_t *self, uint32_t self_size,
                                   char ***ret_strings, unsigned *ret_count, const char *text)
{
    const viv_option_t *o;
    for (unsigned i = 0; options && (o = harness_option_at(options, stride, i))->name; i++) {
        harness_option_check(o, self_size, who);
        if (o->type == VIV_STRING) {
            memcpy(self + o->offset, &o->def_string, sizeof(o->def_string));
        } else {
            harness_option_store(o, self, o->def);
        }
    }
    char *copy = harness_strdup(text ? text : ""), *rest = copy, *key, *value;
    viv_status_t st = VIV_OK;
    while (st == VIV_OK && harness_options_next(&rest, &key, &value)) {
        const viv_option_t *found = NULL;
        for (unsigned i = 0; options && (o = harness_option_at(options, stride, i))->name; i++) {
            if (!strcmp(o->name, key)) {
                found = o;
            }
        }
        if (found) {
            st = harness_option_set(found, self, who, value, ret_strings, ret_count);
        } else if (strchr(key, '/')) {
            st = harness_cfg_set_text(h, key, value);
        } else {
            st = harness_error_set(VIV_E_CONFIG, "%s/Config/%s: unknown key", who, key);
        }
    }
    free(copy);
    return st;
}
