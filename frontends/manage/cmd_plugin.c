/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "commands.h"
#include <stdio.h>
int cmd_plugin(int argc, char **argv, PluginRegistry *reg)
{
    uint32_t n; (void)argc, (void)argv;
    const PluginRecord *const *r = plugin_records(reg, &n);
    for (uint32_t i = 0; i < n; i++) printf("%s %s %s\n", r[i]->path, plugin_state_name(r[i]->state), r[i]->reason ? r[i]->reason : "");
    return 0;
}
