/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An entry that does not want this host. */
#include "module.h"

MODULE_ENTRY(viv_plugin_entry_v1);
MODULE_ENTRY(viv_plugin_entry_v1)
{
    (void)host;
    return NULL;
}
