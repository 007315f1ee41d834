/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PDM: DriverTransformations - rewriting driver chains from outside, so that a filter gets into any
 * chain without whoever built the chain knowing of it.
 *
 * Each child of PDM/DriverTransformations is one, applied in order of the tree:
 *   Device       pattern of class or "class/instance" ("serial", "piix3ide/0"), "*" by default
 *   LUN          pattern of the LUN's number, "*" by default
 *   Action       inject, mergeconfig, replace, replacetree, remove, removetree
 *   BelowDriver  pattern of the driver above the place; "<top>": the device itself
 *   AboveDriver  pattern of the driver below the place; "<bottom>": the end of the chain
 *   AttachedDriver/  the driver or chain that comes in (inject, replace, replacetree)
 *   Config/          the values that come in (mergeconfig)
 * inject puts AttachedDriver between the two; the others act on the driver that AboveDriver names.
 * Without either pattern inject works at the top, the others everywhere. Patterns know * and ?, and
 * '|' between alternatives. */
#include <string.h>

#include "log/log.h"
#include "pdm/pdm_internal.h"

#define TRANSFORM_CHAIN_MAX 64u

typedef enum TransformAction {
    TRANSFORM_INJECT,
    TRANSFORM_MERGE,
    TRANSFORM_REPLACE,
    TRANSFORM_REPLACE_TREE,
    TRANSFORM_REMOVE,
    TRANSFORM_REMOVE_TREE,
    TRANSFORM_ACTIONS
} TransformAction;

static const char *const transform_names[TRANSFORM_ACTIONS] = {
    "inject", "mergeconfig", "replace", "replacetree", "remove", "removetree"};

typedef struct Transform {
    PdmDevice *device;
    CfgmNode *node;
    TransformAction action;
    const char *above_place, *below_place;
    GPtrArray *levels; /* CfgmNode, from the top down */
    guint met;
} Transform;

static gboolean transform_matches(const char *patterns, const char *text)
{
    g_auto(GStrv) list = g_strsplit(patterns, "|", -1);
    for (char **pattern = list; *pattern; pattern++) {
        if (g_pattern_match_simple(*pattern, text)) {
            return TRUE;
        }
    }
    return FALSE;
}

/* -- chains as lists ------------------------------------------------------------------------- */

static void transform_free_level(gpointer level)
{
    cfgm_free(level);
}

/* Copies a nested chain into levels, from index `at` on. Returns how many there are. */
static guint transform_flatten(GPtrArray *levels, guint at, const CfgmNode *chain)
{
    guint count = 0;
    for (const CfgmNode *n = chain; n; n = cfgm_child(n, "AttachedDriver")) {
        CfgmNode *level = cfgm_copy(n);
        cfgm_remove(level, "AttachedDriver");
        g_ptr_array_insert(levels, (gint)(at + count++), level);
    }
    return count;
}

/* The opposite; levels is empty afterwards. */
static CfgmNode *transform_nest(GPtrArray *levels)
{
    CfgmNode *below = NULL;
    while (levels->len) {
        CfgmNode *level = g_ptr_array_steal_index(levels, levels->len - 1);
        if (below) {
            VivError err = VIV_ERROR_INIT;
            if (cfgm_insert(level, "AttachedDriver", below, &err)) {
                cfgm_free(below); /* nested beyond what a tree may hold: the end is cut off */
                error_clear(&err);
            }
        }
        below = level;
    }
    return below ? below : cfgm_new();
}

static const char *transform_driver(GPtrArray *levels, guint at)
{
    return at < levels->len ? cfgm_string(g_ptr_array_index(levels, at), "Driver", "") : "<bottom>";
}

/* -- one transformation ---------------------------------------------------------------------- */

static viv_status_t transform_merge(CfgmNode *into, const CfgmNode *from, VivError *err)
{
    viv_status_t st = VIV_OK;
    for (const CfgmValue *v = cfgm_first_value(from); v && !st; v = cfgm_next_value(v)) {
        switch (v->type) {
        case CFGM_U64: st = cfgm_set_u64(into, v->name, v->u64, err); break;
        case CFGM_BOOL: st = cfgm_set_bool(into, v->name, v->u64 != 0, err); break;
        case CFGM_STRING: st = cfgm_set_string(into, v->name, v->string, err); break;
        case CFGM_BYTES: st = cfgm_set_bytes(into, v->name, v->bytes, v->len_bytes, err); break;
        }
    }
    for (const CfgmNode *n = cfgm_first_child(from); n && !st; n = cfgm_next(n)) {
        CfgmNode *child = cfgm_create(into, cfgm_name(n), err);
        st = child ? transform_merge(child, n, err) : err->status;
    }
    return st;
}

/* Acts at the place above levels[at]. Returns the index to go on with. */
static guint transform_at(Transform *t, guint at, VivError *err)
{
    const CfgmNode *incoming = cfgm_child(t->node, "AttachedDriver");
    CfgmNode *level = at < t->levels->len ? g_ptr_array_index(t->levels, at) : NULL;
    t->met++;
    switch (t->action) {
    case TRANSFORM_INJECT: return at + transform_flatten(t->levels, at, incoming) + 1;
    case TRANSFORM_MERGE: {
        CfgmNode *config = cfgm_create(level, "Config", err);
        if (config) {
            transform_merge(config, cfgm_child(t->node, "Config"), err);
        }
        return at + 1;
    }
    case TRANSFORM_REPLACE:
        g_ptr_array_remove_index(t->levels, at);
        return at + transform_flatten(t->levels, at, incoming);
    case TRANSFORM_REPLACE_TREE:
        g_ptr_array_set_size(t->levels, (gint)at);
        return at + transform_flatten(t->levels, at, incoming) + 1;
    case TRANSFORM_REMOVE: g_ptr_array_remove_index(t->levels, at); return at;
    default: g_ptr_array_set_size(t->levels, (gint)at); return at + 1;
    }
}

static void transform_apply(Transform *t, VivError *err)
{
    g_autofree char *above = g_strdup("<top>");
    for (guint at = 0; at <= t->levels->len && t->levels->len < TRANSFORM_CHAIN_MAX;) {
        const char *below = transform_driver(t->levels, at);
        gboolean place = t->action == TRANSFORM_INJECT || at < t->levels->len;
        g_autofree char *passed = g_strdup(below);
        if (place && transform_matches(t->above_place, above) &&
            transform_matches(t->below_place, below)) {
            at = transform_at(t, at, err);
        } else {
            at++;
        }
        g_free(above);
        above = g_steal_pointer(&passed);
    }
}

/* -- reading one ----------------------------------------------------------------------------- */

static viv_status_t transform_check_keys(const Transform *t, VivError *err)
{
    static const char *const known[] = {"Device",      "LUN",         "Action",
                                        "BelowDriver", "AboveDriver", NULL};
    for (const CfgmValue *v = cfgm_first_value(t->node); v; v = cfgm_next_value(v)) {
        if (!g_strv_contains(known, v->name)) {
            g_autofree char *path = cfgm_path(t->node);
            return error_set(err, VIV_E_CONFIG,
                             "%s/%s: unknown; allowed are Device, LUN, Action, BelowDriver, "
                             "AboveDriver, AttachedDriver/ and Config/",
                             path, v->name);
        }
    }
    return VIV_OK;
}

static viv_status_t transform_action(Transform *t, VivError *err)
{
    g_autofree char *path = cfgm_path(t->node);
    const char *name = NULL;
    viv_status_t st = cfgm_get_string(t->node, "Action", "inject", &name, err);
    if (st) {
        return st;
    }
    guint action = 0;
    while (action < TRANSFORM_ACTIONS && strcmp(transform_names[action], name) != 0) {
        action++;
    }
    if (action == TRANSFORM_ACTIONS) {
        g_autofree char *all =
            g_strjoinv(", ", (char **)(uintptr_t)(const void *)(const char *[]){
                                 transform_names[0], transform_names[1], transform_names[2],
                                 transform_names[3], transform_names[4], transform_names[5], NULL});
        return error_set(err, VIV_E_CONFIG, "%s/Action is \"%s\"; allowed are %s", path, name, all);
    }
    t->action = (TransformAction)action;
    gboolean comes = action == TRANSFORM_INJECT || action == TRANSFORM_REPLACE ||
                     action == TRANSFORM_REPLACE_TREE;
    if (comes && !cfgm_child(t->node, "AttachedDriver")) {
        return error_set(err, VIV_E_CONFIG, "%s: %s needs AttachedDriver/Driver", path, name);
    }
    if (action == TRANSFORM_MERGE && !cfgm_child(t->node, "Config")) {
        return error_set(err, VIV_E_CONFIG, "%s: mergeconfig needs Config/", path);
    }
    return VIV_OK;
}

/* Both are matched as text: a number is one too. */
static gboolean transform_meets(const Transform *t, uint32_t lun)
{
    const char *device = cfgm_string(t->node, "Device", "*");
    const CfgmValue *value = cfgm_value(t->node, "LUN");
    g_autofree char *text = g_strdup_printf("%u", lun);
    if (!transform_matches(device, t->device->class->name) &&
        !transform_matches(device, t->device->name)) {
        return FALSE;
    }
    return !value || (value->type == CFGM_U64      ? value->u64 == lun
                      : value->type == CFGM_STRING ? transform_matches(value->string, text)
                                                   : FALSE);
}

static viv_status_t transform_run(Transform *t, uint32_t lun, VivError *err)
{
    viv_status_t st = transform_check_keys(t, err);
    if (st || (st = transform_action(t, err)) || !transform_meets(t, lun)) {
        return st;
    }
    const char *above = cfgm_string(t->node, "BelowDriver", NULL);
    const char *below = cfgm_string(t->node, "AboveDriver", NULL);
    gboolean at_top = t->action == TRANSFORM_INJECT && !above && !below;
    t->above_place = above ? above : at_top ? "<top>" : "*";
    t->below_place = below ? below : "*";
    transform_apply(t, err);
    if (t->met) {
        viv_log("pdm", VIV_LOG_INFO, "%s/LUN#%u: %s (DriverTransformations/%s)", t->device->name,
                lun, transform_names[t->action], cfgm_name(t->node));
    }
    return err->status;
}

static CfgmNode *transform_list(Pdm *pdm)
{
    return cfgm_first_child(cfgm_child(pdm->vm->cfgm, "PDM/DriverTransformations"));
}

viv_status_t pdm_transform(PdmDevice *device, uint32_t lun, const CfgmNode *node,
                           CfgmNode **ret_tree)
{
    VivError err = VIV_ERROR_INIT;
    CfgmNode *list = transform_list(device->pdm);
    viv_status_t st = VIV_OK;
    guint index = 0;
    *ret_tree = NULL;
    if (!list) {
        return VIV_OK;
    }
    g_autoptr(GPtrArray) levels = g_ptr_array_new_with_free_func(transform_free_level);
    transform_flatten(levels, 0, node);
    for (CfgmNode *n = list; n && !st; n = cfgm_next(n), index++) {
        Transform t = {.device = device, .node = n, .levels = levels};
        st = transform_run(&t, lun, &err);
        device->pdm->transformed |= t.met ? UINT64_C(1) << MIN(index, 63) : 0;
    }
    if (st) {
        device->pub.api->fail(&device->pub, st, "%s", error_text(&err));
        error_clear(&err);
        return st;
    }
    *ret_tree = transform_nest(levels);
    return VIV_OK;
}

void pdm_transform_report(Pdm *pdm)
{
    guint index = 0;
    for (CfgmNode *n = transform_list(pdm); n; n = cfgm_next(n), index++) {
        if (!(pdm->transformed & UINT64_C(1) << MIN(index, 63))) {
            viv_log("pdm", VIV_LOG_WARN, "DriverTransformations/%s has met no driver chain",
                    cfgm_name(n));
        }
    }
}
