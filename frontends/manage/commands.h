/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* commands: what `viv` can do. argv[0] is the command's name; the result is the process's exit
 * code. */
#ifndef FRONTENDS_MANAGE_COMMANDS_H
#define FRONTENDS_MANAGE_COMMANDS_H

#include "plugin/plugin.h"

int cmd_run(int argc, char **argv, PluginRegistry *plugins);
int cmd_plugin(int argc, char **argv, PluginRegistry *plugins);
int cmd_state(int argc, char **argv, PluginRegistry *plugins);

#endif
