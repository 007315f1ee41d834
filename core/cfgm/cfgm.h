/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cfgm: the configuration tree that a machine is built from.
 *
 * Nodes have children and typed values, both in order of insertion. A path is names joined by '/'
 * ("Devices/ahci/0/LUN#0/AttachedDriver"); a leading '/' is allowed, "" is the node itself. Where a
 * value is meant the last name is its key. A node and a value of the same name may stand side by
 * side. Names are 1 to CFGM_NAME_MAX bytes of printable UTF-8 without '/'; "." and ".." are
 * ordinary names. A tree is not locked: it is built and changed on [main]; while nobody changes it
 * any thread may read. */
#ifndef CORE_CFGM_CFGM_H
#define CORE_CFGM_CFGM_H

#include <stdbool.h>
#include <stdio.h>

#include <viv/plugin.h>

#include "log/error.h"

VIV_BEGIN_DECLS

#define CFGM_NAME_MAX   127u
#define CFGM_DEPTH_MAX  32u
#define CFGM_STRING_MAX (1u << 20) /* bytes, without the NUL */
#define CFGM_BYTES_MAX  (1u << 20)

typedef struct CfgmNode CfgmNode;

typedef enum CfgmType {
    CFGM_U64 = 1,
    CFGM_STRING = 2,
    CFGM_BYTES = 3,
    CFGM_BOOL = 4,
} CfgmType;

/* Read-only to others; good until the value is set again or removed. Its string and bytes stay good
 * until the node is freed, whatever happens to the value, so that an instance may keep them. */
typedef struct CfgmValue {
    const char *name;
    CfgmType type;
    uint64_t u64;         /* CFGM_U64; CFGM_BOOL: 0 or 1 */
    const char *string;   /* CFGM_STRING */
    const uint8_t *bytes; /* CFGM_BYTES */
    size_t len_bytes;     /* CFGM_STRING, CFGM_BYTES */
} CfgmValue;

/* -- Nodes -- */

CfgmNode *cfgm_new(void);       /* an empty root */
void cfgm_free(CfgmNode *node); /* takes it out of its parent and frees all below; NULL is fine */
CfgmNode *cfgm_copy(const CfgmNode *node);   /* a detached copy of all below (transfer) */
const char *cfgm_name(const CfgmNode *node); /* "" for a root */
CfgmNode *cfgm_parent(const CfgmNode *node); /* NULL for a root */
char *cfgm_path(const CfgmNode *node); /* "Devices/ahci/0"; "" for a root (transfer, g_free) */

CfgmNode *cfgm_child(const CfgmNode *node, const char *path); /* NULL: not there, or node is NULL */
/* The node at path; missing ones are made. NULL on a bad path, with *err. */
CfgmNode *cfgm_create(CfgmNode *node, const char *path, VivError *err);
/* Hangs a detached root below parent under that name. The tree owns it then; on failure the caller
 * still does. */
viv_status_t cfgm_insert(CfgmNode *parent, const char *name, CfgmNode *subtree, VivError *err);
/* VIV_E_NOT_FOUND if there is no such node. */
viv_status_t cfgm_remove(CfgmNode *node, const char *path);

CfgmNode *cfgm_first_child(const CfgmNode *node); /* NULL node: NULL */
CfgmNode *cfgm_next(const CfgmNode *node);        /* next sibling */
const CfgmValue *cfgm_first_value(const CfgmNode *node);
const CfgmValue *cfgm_next_value(const CfgmValue *value);

/* -- Values: path's last name is the key, missing nodes are made, an existing value keeps its place
 * -- */

viv_status_t cfgm_set_u64(CfgmNode *node, const char *path, uint64_t value, VivError *err);
viv_status_t cfgm_set_bool(CfgmNode *node, const char *path, bool value, VivError *err);
viv_status_t cfgm_set_string(CfgmNode *node, const char *path, const char *value, VivError *err);
viv_status_t cfgm_set_bytes(CfgmNode *node, const char *path, const void *bytes, size_t len_bytes,
                            VivError *err);
viv_status_t cfgm_remove_value(CfgmNode *node, const char *path);
const CfgmValue *cfgm_value(const CfgmNode *node, const char *path); /* NULL: not there */

/* -- Queries. node may be NULL: nothing is configured. An absent value gives the default and
 * VIV_OK; a value of another type or out of range gives VIV_E_CONFIG with path, what was read and
 * what is allowed, and the default. Booleans are taken from integers 0 and 1 too. -- */

viv_status_t cfgm_get_u64(const CfgmNode *node, const char *path, uint64_t dflt,
                          uint64_t *ret_value, VivError *err);
viv_status_t cfgm_get_u64_range(const CfgmNode *node, const char *path, uint64_t lo, uint64_t hi,
                                uint64_t dflt, uint64_t *ret_value, VivError *err);
viv_status_t cfgm_get_bool(const CfgmNode *node, const char *path, bool dflt, bool *ret_value,
                           VivError *err);
/* Borrowed, see CfgmValue. dflt may be NULL. */
viv_status_t cfgm_get_string(const CfgmNode *node, const char *path, const char *dflt,
                             const char **ret_value, VivError *err);
/* Absent: VIV_OK, NULL and 0. */
viv_status_t cfgm_get_bytes(const CfgmNode *node, const char *path, const uint8_t **ret_bytes,
                            size_t *ret_len, VivError *err);
/* The same without an error to report: the default when absent or of another type. */
uint64_t cfgm_u64(const CfgmNode *node, const char *path, uint64_t dflt);
bool cfgm_bool(const CfgmNode *node, const char *path, bool dflt);
const char *cfgm_string(const CfgmNode *node, const char *path, const char *dflt);

/* -- The text overlay: extradata VBoxInternal/<path>, viv run --set -- */

/* Sets the value at path (an optional "VBoxInternal/" in front is dropped) from text: "string:...",
 * "integer:..." and "bytes:<base64>" say the type; otherwise a text that is a whole number
 * (decimal, 0x hexadecimal, may be negative, within 64 bits) is an integer and any other a string.
 * An empty text removes the value, or the node where there is no value of that name; removing what
 * is not there is fine. Each override is logged (group "cfgm", info). */
viv_status_t cfgm_set_from_text(CfgmNode *root, const char *path, const char *text, VivError *err);
/* "path=value" in one string. */
viv_status_t cfgm_set_from_assignment(CfgmNode *root, const char *assignment, VivError *err);

/* -- Option tables -- */

/* Stores every option of the table (elements `stride` bytes apart, ends with a NULL name) into
 * instance: the value from node or the default. An option's name may be a path
 * ("Port0/SerialNumber"). Every key and node below `node` must be an option or match one of `allow`
 * (NULL, or a NULL-terminated list): patterns of paths relative to node in which * and ? stay
 * within one name and a final "**" stands for all that is below. The first offence gives
 * VIV_E_CONFIG with the key's full path, what was read and what is allowed. node may be NULL (all
 * defaults), table too (no options). A default outside its own range or an unknown option type is
 * VIV_E_MISUSE. Strings belong to the node, defaults to the table. */
viv_status_t cfgm_validate_options(const CfgmNode *node, const viv_option_t *table, uint32_t stride,
                                   void *instance, const char *const *allow, VivError *err);
/* Stores the option's element i into *ret (zero-filled where the table's headers are older). False
 * at the end. */
bool cfgm_option_at(const viv_option_t *table, uint32_t stride, uint32_t index,
                    viv_option_t *ret_option);

/* A readable listing of all below, two spaces a level. */
void cfgm_dump(const CfgmNode *node, FILE *out);

VIV_END_DECLS
#endif
