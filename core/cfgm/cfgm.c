/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cfgm: nodes and values of the configuration tree.
 *
 * Invariants:
 * 1. A child's depth is its parent's plus one and never above CFGM_DEPTH_MAX, so that recursion
 * over a tree is bounded.
 * 2. Among the children of a node no name occurs twice, among its values neither.
 * 3. Text and bytes that a value once had live until its node is freed. */
#include "cfgm/cfgm_internal.h"

#include <string.h>

/* -- Names and paths -- */

bool cfgm_path_take(const char **path, CfgmName *ret_name)
{
    const char *p = *path;
    if (!*p)
        return false;
    const char *slash = strchrnul(p, '/');
    ret_name->text = p;
    ret_name->len = (size_t)(slash - p);
    *path = *slash ? slash + 1 : slash;
    /* "a/" has an empty last name: the slash stays with "a", so that the name check refuses it and
     * lookups miss. */
    if (*slash && !slash[1])
        ret_name->len++;
    return true;
}

/* A leading slash is allowed anywhere a path is. */
static const char *cfgm_path_start(const char *path)
{
    return *path == '/' ? path + 1 : path;
}

viv_status_t cfgm_name_check(const CfgmName *name, const char *whole, VivError *err)
{
    g_autofree char *shown = cfgm_text_show(whole);
    if (name->len == 0 || name->text[name->len - 1] == '/')
        return error_set(err, VIV_E_CONFIG, "path '%s': a name is empty", shown);
    if (name->len > CFGM_NAME_MAX)
        return error_set(err, VIV_E_CONFIG,
                         "path '%s': a name is %zu bytes long, at most %u are allowed", shown,
                         name->len, CFGM_NAME_MAX);
    if (!g_utf8_validate(name->text, (gssize)name->len, NULL))
        return error_set(err, VIV_E_CONFIG, "a name in a path is not UTF-8");
    const char *end = name->text + name->len;
    for (const char *p = name->text; p < end; p += g_utf8_skip[(unsigned char)*p]) {
        if (!g_unichar_isprint(g_utf8_get_char(p)))
            return error_set(err, VIV_E_CONFIG,
                             "a name in a path has an unprintable character at byte %zu",
                             (size_t)(p - whole));
    }
    return VIV_OK;
}

static bool cfgm_name_is(const CfgmName *name, const char *text)
{
    return strncmp(name->text, text, name->len) == 0 && text[name->len] == '\0';
}

const char *cfgm_name(const CfgmNode *node)
{
    return node->name;
}

CfgmNode *cfgm_parent(const CfgmNode *node)
{
    return node->parent;
}

char *cfgm_path(const CfgmNode *node)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    for (const CfgmNode *n = node; n->parent; n = n->parent)
        g_ptr_array_add(names, n->name);
    GString *path = g_string_new(NULL);
    for (guint i = names->len; i > 0; i--) {
        g_string_append(path, g_ptr_array_index(names, i - 1));
        if (i > 1)
            g_string_append_c(path, '/');
    }
    return g_string_free(path, FALSE);
}

char *cfgm_path_of(const CfgmNode *node, const char *key)
{
    if (!node)
        return g_strdup(key);
    g_autofree char *path = cfgm_path(node);
    key = cfgm_path_start(key);
    if (!path[0])
        return g_strdup(key);
    return g_strdup_printf("%s/%s", path, key);
}

/* -- Nodes -- */

CfgmNode *cfgm_new(void)
{
    CfgmNode *node = g_new0(CfgmNode, 1);
    node->name = g_strdup("");
    return node;
}

static void cfgm_unlink(CfgmNode *node)
{
    CfgmNode *parent = node->parent;
    if (!parent)
        return;
    *(node->prev ? &node->prev->next : &parent->first) = node->next;
    *(node->next ? &node->next->prev : &parent->last) = node->prev;
    node->parent = node->prev = node->next = NULL;
}

static void cfgm_link(CfgmNode *parent, CfgmNode *node)
{
    node->parent = parent;
    node->prev = parent->last;
    node->next = NULL;
    *(parent->last ? &parent->last->next : &parent->first) = node;
    parent->last = node;
}

static void cfgm_entry_free(CfgmEntry *entry)
{
    g_free((gpointer)(uintptr_t)entry->value.name);
    g_free((gpointer)(uintptr_t)entry->value.string);
    g_free((gpointer)(uintptr_t)entry->value.bytes);
    g_free(entry);
}

void cfgm_free(CfgmNode *node)
{
    if (!node)
        return;
    cfgm_unlink(node);
    while (node->first)
        cfgm_free(node->first);
    for (CfgmEntry *entry = node->first_value, *next; entry; entry = next) {
        next = entry->next;
        cfgm_entry_free(entry);
    }
    if (node->retired)
        g_ptr_array_unref(node->retired);
    g_free(node->name);
    g_free(node);
}

static CfgmNode *cfgm_child_named(const CfgmNode *node, const CfgmName *name)
{
    for (CfgmNode *child = node->first; child; child = child->next) {
        if (cfgm_name_is(name, child->name))
            return child;
    }
    return NULL;
}

CfgmNode *cfgm_child(const CfgmNode *node, const char *path)
{
    if (!node)
        return NULL;
    CfgmNode *at = (CfgmNode *)(uintptr_t)node;
    CfgmName name;
    path = cfgm_path_start(path);
    while (at && cfgm_path_take(&path, &name))
        at = cfgm_child_named(at, &name);
    return at;
}

static viv_status_t cfgm_too_deep(const char *path, VivError *err)
{
    g_autofree char *shown = cfgm_text_show(path);
    return error_set(err, VIV_E_CONFIG, "path '%s' is more than %u nodes deep", shown,
                     CFGM_DEPTH_MAX);
}

static viv_status_t cfgm_child_make(CfgmNode *node, const CfgmName *name, const char *whole,
                                    CfgmNode **ret_child, VivError *err)
{
    CfgmNode *child = cfgm_child_named(node, name);
    if (!child) {
        const viv_status_t st = cfgm_name_check(name, whole, err);
        if (st != VIV_OK)
            return st;
        if (node->depth >= CFGM_DEPTH_MAX)
            return cfgm_too_deep(whole, err);
        child = g_new0(CfgmNode, 1);
        child->name = g_strndup(name->text, name->len);
        child->depth = node->depth + 1;
        cfgm_link(node, child);
    }
    *ret_child = child;
    return VIV_OK;
}

/* All names of a path are checked before the first node is made. */
static viv_status_t cfgm_path_check(const CfgmNode *node, const char *path, bool key_last,
                                    VivError *err)
{
    const char *rest = cfgm_path_start(path);
    CfgmName name;
    uint32_t count = 0;
    while (cfgm_path_take(&rest, &name)) {
        const viv_status_t st = cfgm_name_check(&name, path, err);
        if (st != VIV_OK)
            return st;
        count++;
    }
    if (key_last && count == 0)
        return error_set(err, VIV_E_CONFIG, "a value needs a name");
    if (node->depth + count - (key_last ? 1 : 0) > CFGM_DEPTH_MAX)
        return cfgm_too_deep(path, err);
    return VIV_OK;
}

CfgmNode *cfgm_create(CfgmNode *node, const char *path, VivError *err)
{
    if (cfgm_path_check(node, path, false, err) != VIV_OK)
        return NULL;
    const char *rest = cfgm_path_start(path);
    CfgmName name;
    while (cfgm_path_take(&rest, &name)) {
        if (cfgm_child_make(node, &name, path, &node, err) != VIV_OK)
            return NULL;
    }
    return node;
}

static uint32_t cfgm_height(const CfgmNode *node)
{
    uint32_t height = 0;
    for (const CfgmNode *child = node->first; child; child = child->next) {
        /* Not inside MAX(), which would ask twice on each level. */
        const uint32_t below = 1 + cfgm_height(child);
        height = MAX(height, below);
    }
    return height;
}

static void cfgm_set_depth(CfgmNode *node, uint32_t depth)
{
    node->depth = depth;
    for (CfgmNode *child = node->first; child; child = child->next)
        cfgm_set_depth(child, depth + 1);
}

static CfgmNode *cfgm_root_of(CfgmNode *node)
{
    while (node->parent)
        node = node->parent;
    return node;
}

viv_status_t cfgm_insert(CfgmNode *parent, const char *name, CfgmNode *subtree, VivError *err)
{
    const CfgmName n = {name, strlen(name)};
    if (strchr(name, '/')) {
        g_autofree char *shown = cfgm_text_show(name);
        return error_set(err, VIV_E_CONFIG, "node name '%s' has a '/'", shown);
    }
    const viv_status_t st = cfgm_name_check(&n, name, err);
    if (st != VIV_OK)
        return st;
    if (subtree->parent || cfgm_root_of(parent) == subtree)
        return error_set(err, VIV_E_MISUSE,
                         "a node to be inserted as '%s' is part of a tree already", name);
    if (cfgm_child_named(parent, &n)) {
        g_autofree char *path = cfgm_path_of(parent, name);
        return error_set(err, VIV_E_EXISTS, "node '%s' exists already", path);
    }
    if (parent->depth + 1 + cfgm_height(subtree) > CFGM_DEPTH_MAX)
        return error_set(err, VIV_E_CONFIG, "with '%s' the tree would be more than %u nodes deep",
                         name, CFGM_DEPTH_MAX);
    g_free(subtree->name);
    subtree->name = g_strdup(name);
    cfgm_link(parent, subtree);
    cfgm_set_depth(subtree, parent->depth + 1);
    return VIV_OK;
}

viv_status_t cfgm_remove(CfgmNode *node, const char *path)
{
    CfgmNode *child = cfgm_child(node, path);
    if (!child || child == node)
        return VIV_E_NOT_FOUND;
    cfgm_free(child);
    return VIV_OK;
}

CfgmNode *cfgm_first_child(const CfgmNode *node)
{
    return node ? node->first : NULL;
}

CfgmNode *cfgm_next(const CfgmNode *node)
{
    return node->next;
}

const CfgmValue *cfgm_first_value(const CfgmNode *node)
{
    return node && node->first_value ? &node->first_value->value : NULL;
}

const CfgmValue *cfgm_next_value(const CfgmValue *value)
{
    const CfgmEntry *entry = (const CfgmEntry *)value;
    return entry->next ? &entry->next->value : NULL;
}

/* -- Values -- */

/* The node and the key that a value's path means; false when the node is not there. */
static bool cfgm_value_split(const CfgmNode *node, const char *path, CfgmNode **ret_node,
                             CfgmName *ret_key)
{
    CfgmNode *at = (CfgmNode *)(uintptr_t)node;
    path = cfgm_path_start(path);
    CfgmName name;
    if (!at || !cfgm_path_take(&path, &name))
        return false;
    CfgmName next;
    while (cfgm_path_take(&path, &next)) {
        at = cfgm_child_named(at, &name);
        if (!at)
            return false;
        name = next;
    }
    *ret_node = at;
    *ret_key = name;
    return true;
}

static CfgmEntry *cfgm_entry_named(const CfgmNode *node, const CfgmName *key)
{
    for (CfgmEntry *entry = node->first_value; entry; entry = entry->next) {
        if (cfgm_name_is(key, entry->value.name))
            return entry;
    }
    return NULL;
}

const CfgmValue *cfgm_value(const CfgmNode *node, const char *path)
{
    CfgmNode *at;
    CfgmName key;
    if (!cfgm_value_split(node, path, &at, &key))
        return NULL;
    const CfgmEntry *entry = cfgm_entry_named(at, &key);
    return entry ? &entry->value : NULL;
}

/* Invariant 3. */
static void cfgm_entry_retire(CfgmEntry *entry)
{
    CfgmNode *node = entry->owner;
    if (!node->retired)
        node->retired = g_ptr_array_new_with_free_func(g_free);
    if (entry->value.string)
        g_ptr_array_add(node->retired, (gpointer)(uintptr_t)entry->value.string);
    if (entry->value.bytes)
        g_ptr_array_add(node->retired, (gpointer)(uintptr_t)entry->value.bytes);
    entry->value.string = NULL;
    entry->value.bytes = NULL;
    entry->value.u64 = 0;
    entry->value.len_bytes = 0;
}

/* The entry for path, emptied, for the caller to fill. */
static viv_status_t cfgm_entry_make(CfgmNode *node, const char *path, CfgmType type,
                                    CfgmEntry **ret_entry, VivError *err)
{
    viv_status_t st = cfgm_path_check(node, path, true, err);
    if (st != VIV_OK)
        return st;
    const char *rest = cfgm_path_start(path);
    CfgmName name;
    CfgmName next;
    if (!cfgm_path_take(&rest, &name))
        return error_set(err, VIV_E_CONFIG, "a value needs a name");
    while (cfgm_path_take(&rest, &next)) {
        st = cfgm_child_make(node, &name, path, &node, err);
        if (st != VIV_OK)
            return st;
        name = next;
    }
    CfgmEntry *entry = cfgm_entry_named(node, &name);
    if (entry) {
        cfgm_entry_retire(entry);
    } else {
        entry = g_new0(CfgmEntry, 1);
        entry->value.name = g_strndup(name.text, name.len);
        entry->owner = node;
        entry->prev = node->last_value;
        *(node->last_value ? &node->last_value->next : &node->first_value) = entry;
        node->last_value = entry;
    }
    entry->value.type = type;
    *ret_entry = entry;
    return VIV_OK;
}

viv_status_t cfgm_set_u64(CfgmNode *node, const char *path, uint64_t value, VivError *err)
{
    CfgmEntry *entry;
    const viv_status_t st = cfgm_entry_make(node, path, CFGM_U64, &entry, err);
    if (st == VIV_OK)
        entry->value.u64 = value;
    return st;
}

viv_status_t cfgm_set_bool(CfgmNode *node, const char *path, bool value, VivError *err)
{
    CfgmEntry *entry;
    const viv_status_t st = cfgm_entry_make(node, path, CFGM_BOOL, &entry, err);
    if (st == VIV_OK)
        entry->value.u64 = value;
    return st;
}

static viv_status_t cfgm_too_long(const char *path, size_t len_bytes, uint32_t max, VivError *err)
{
    g_autofree char *shown = cfgm_text_show(path);
    return error_set(err, VIV_E_CONFIG, "value of '%s' is %zu bytes long, at most %u are allowed",
                     shown, len_bytes, max);
}

viv_status_t cfgm_set_string(CfgmNode *node, const char *path, const char *value, VivError *err)
{
    const size_t len = strlen(value);
    if (len > CFGM_STRING_MAX)
        return cfgm_too_long(path, len, CFGM_STRING_MAX, err);
    if (!g_utf8_validate(value, (gssize)len, NULL)) {
        g_autofree char *shown = cfgm_text_show(path);
        return error_set(err, VIV_E_CONFIG, "value of '%s' is not UTF-8", shown);
    }
    CfgmEntry *entry;
    /* Copied first: value may be the text that is being replaced. */
    char *copy = g_strndup(value, len);
    const viv_status_t st = cfgm_entry_make(node, path, CFGM_STRING, &entry, err);
    if (st != VIV_OK) {
        g_free(copy);
        return st;
    }
    entry->value.string = copy;
    entry->value.len_bytes = len;
    return VIV_OK;
}

viv_status_t cfgm_set_bytes(CfgmNode *node, const char *path, const void *bytes, size_t len_bytes,
                            VivError *err)
{
    if (len_bytes > CFGM_BYTES_MAX)
        return cfgm_too_long(path, len_bytes, CFGM_BYTES_MAX, err);
    CfgmEntry *entry;
    uint8_t *copy = g_malloc(len_bytes + 1);
    if (len_bytes)
        memcpy(copy, bytes, len_bytes);
    copy[len_bytes] = 0;
    const viv_status_t st = cfgm_entry_make(node, path, CFGM_BYTES, &entry, err);
    if (st != VIV_OK) {
        g_free(copy);
        return st;
    }
    entry->value.bytes = copy;
    entry->value.len_bytes = len_bytes;
    return VIV_OK;
}

viv_status_t cfgm_remove_value(CfgmNode *node, const char *path)
{
    CfgmNode *at;
    CfgmName key;
    if (!cfgm_value_split(node, path, &at, &key))
        return VIV_E_NOT_FOUND;
    CfgmEntry *entry = cfgm_entry_named(at, &key);
    if (!entry)
        return VIV_E_NOT_FOUND;
    *(entry->prev ? &entry->prev->next : &at->first_value) = entry->next;
    *(entry->next ? &entry->next->prev : &at->last_value) = entry->prev;
    cfgm_entry_retire(entry);
    cfgm_entry_free(entry);
    return VIV_OK;
}

/* -- Copy -- */

static void cfgm_copy_into(CfgmNode *to, const CfgmNode *from)
{
    for (const CfgmEntry *entry = from->first_value; entry; entry = entry->next) {
        CfgmEntry *copy = g_new0(CfgmEntry, 1);
        copy->value = entry->value;
        copy->value.name = g_strdup(entry->value.name);
        copy->value.string = g_strdup(entry->value.string);
        /* One byte more, as cfgm_set_bytes() has it: so that no bytes at all are a pointer too. */
        copy->value.bytes =
            entry->value.bytes ? g_memdup2(entry->value.bytes, entry->value.len_bytes + 1) : NULL;
        copy->owner = to;
        copy->prev = to->last_value;
        *(to->last_value ? &to->last_value->next : &to->first_value) = copy;
        to->last_value = copy;
    }
    for (const CfgmNode *child = from->first; child; child = child->next) {
        CfgmNode *copy = g_new0(CfgmNode, 1);
        copy->name = g_strdup(child->name);
        copy->depth = to->depth + 1;
        cfgm_link(to, copy);
        cfgm_copy_into(copy, child);
    }
}

CfgmNode *cfgm_copy(const CfgmNode *node)
{
    CfgmNode *copy = cfgm_new();
    cfgm_copy_into(copy, node);
    return copy;
}
