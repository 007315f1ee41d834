/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Only the entry of another major. */
#include "module.h"

MODULE_ENTRY(viv_plugin_entry_v2);
MODULE_ENTRY(viv_plugin_entry_v2)
{
    (void)host;
    return NULL;
}
