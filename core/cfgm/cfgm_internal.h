/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cfgm, inside: the shape of nodes and values. For core/cfgm/ only. */
#ifndef CORE_CFGM_INTERNAL_H
#define CORE_CFGM_INTERNAL_H

#include <glib.h>

#include "cfgm/cfgm.h"

typedef struct CfgmEntry {
    CfgmValue value; /* first: a CfgmValue * from outside is a CfgmEntry * */
    CfgmNode *owner;
    struct CfgmEntry *prev, *next;
} CfgmEntry;

struct CfgmNode {
    char *name; /* "" for a root */
    CfgmNode *parent;
    CfgmNode *prev, *next;
    CfgmNode *first, *last;
    CfgmEntry *first_value, *last_value;
    uint32_t depth; /* 0 for a root */
    GPtrArray
        *retired; /* strings and bytes of values that were replaced or removed; NULL: none yet */
};

/* A path cut into its names without copying. */
typedef struct CfgmName {
    const char *text;
    size_t len;
} CfgmName;

/* Takes the first name off *path; false when nothing is left. */
bool cfgm_path_take(const char **path, CfgmName *ret_name);
/* VIV_E_CONFIG with a sentence when name breaks the rules of cfgm.h. whole is the path it was taken
 * from. */
viv_status_t cfgm_name_check(const CfgmName *name, const char *whole, VivError *err);
/* The node's path with "/key" behind it (transfer). node may be NULL: the key alone. */
char *cfgm_path_of(const CfgmNode *node, const char *key);
/* Text as an error message shows it: valid UTF-8 and not too long (transfer). */
char *cfgm_text_show(const char *text);
/* "5 (integer)", "'abc' (string)": the value as an error message shows it (transfer). */
char *cfgm_value_show(const CfgmValue *value);
const char *cfgm_type_name(CfgmType type);

#endif
