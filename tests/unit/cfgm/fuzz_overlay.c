/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fuzz target: lines PATH=VALUE laid over a small tree, which then is validated, listed and copied.
 * A libFuzzer entry; test_cfgm.c feeds it seeded inputs as well. */
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cfgm/cfgm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

typedef struct Fuzzed {
    uint8_t u8;
    int32_t i32;
    uint8_t flag;
    const char *text;
} Fuzzed;

static const viv_option_t fuzzed_options[] = {
    VIV_OPT(Fuzzed, u8, VIV_U8, 1, 200, 7, "a byte"),
    VIV_OPT(Fuzzed, i32, VIV_I32, -5, 5, 0, "a signed number"),
    VIV_OPT(Fuzzed, flag, VIV_BOOL, 0, 1, 0, "a switch"),
    VIV_OPT_STRING(Fuzzed, "Text", text, "none", "a text"),
    {0},
};

/* What must hold of every tree, however it was made. */
static void fuzz_check(const CfgmNode *node, uint32_t depth)
{
    if (depth > CFGM_DEPTH_MAX)
        abort();
    for (const CfgmValue *v = cfgm_first_value(node); v; v = cfgm_next_value(v)) {
        const size_t name_len = strlen(v->name);
        if (name_len == 0 || name_len > CFGM_NAME_MAX || strchr(v->name, '/') ||
            cfgm_value(node, v->name) != v)
            abort();
        if (v->type == CFGM_STRING && strlen(v->string) != v->len_bytes)
            abort();
    }
    for (const CfgmNode *child = cfgm_first_child(node); child; child = cfgm_next(child)) {
        g_autofree char *path = cfgm_path(child);
        if (cfgm_parent(child) != node || cfgm_child(node, cfgm_name(child)) != child || !path[0])
            abort();
        fuzz_check(child, depth + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const char *const allow[] = {"Port*/Serial", "List/**", NULL};
    CfgmNode *root = cfgm_new();
    cfgm_set_string(root, "Devices/x/0/Config/Text", "old", NULL);
    cfgm_set_u64(root, "Devices/x/0/Config/u8", 5, NULL);
    g_autofree char *text = g_strndup((const char *)data, len);
    g_auto(GStrv) lines = g_strsplit(text, "\n", 200);
    for (char **line = lines; *line; line++) {
        VivError err = VIV_ERROR_INIT;
        if (cfgm_set_from_assignment(root, *line, &err) != VIV_OK &&
            !g_utf8_validate(error_text(&err), -1, NULL))
            abort();
        error_clear(&err);
    }
    fuzz_check(root, 0);

    Fuzzed fuzzed;
    VivError err = VIV_ERROR_INIT;
    if (cfgm_validate_options(cfgm_child(root, "Devices/x/0/Config"), fuzzed_options,
                              sizeof(viv_option_t), &fuzzed, allow, &err) == VIV_OK &&
        (fuzzed.u8 < 1 || fuzzed.u8 > 200 || fuzzed.i32 < -5 || fuzzed.i32 > 5 || fuzzed.flag > 1 ||
         !fuzzed.text))
        abort();
    error_clear(&err);

    CfgmNode *copy = cfgm_copy(root);
    fuzz_check(copy, 0);
    FILE *null = fopen("/dev/null", "w");
    if (null) {
        cfgm_dump(copy, null);
        fclose(null);
    }
    cfgm_free(root);
    fuzz_check(copy, 0);
    cfgm_free(copy);
    return 0;
}
