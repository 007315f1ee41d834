/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A descriptor that is none. */
#include "module.h"

static const viv_plugin_t plugin = {.size = sizeof(viv_plugin_t), .magic = 0x12345678};

MODULE_ENTRY(viv_plugin_entry_v1);
MODULE_ENTRY(viv_plugin_entry_v1)
{
    (void)host;
    return &plugin;
}
