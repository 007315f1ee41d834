/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* viv plugin, inside: the parts of the command. */
#ifndef FRONTENDS_MANAGE_CMD_PLUGIN_H
#define FRONTENDS_MANAGE_CMD_PLUGIN_H

#include "plugin/plugin.h"

/* `viv plugin info NAME`; the result is the exit code. */
int cmd_plugin_info(const char *name, PluginRegistry *reg);

/* `viv plugin info NAME --markdown`: the part of a device's or driver's page that its tables know. */
int cmd_plugin_markdown(const char *name, PluginRegistry *reg);

#endif
