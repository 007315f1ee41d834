/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* viv: the command line. A table of commands; each parses its own options. */
#include <stdio.h>
#include <string.h>

#include "commands.h"

typedef struct Command {
    const char *name, *summary;
    int (*fn)(int argc, char **argv, PluginRegistry *plugins);
} Command;

static const Command viv_commands[] = {
    {"run", "run an unnamed machine in the foreground", cmd_run},
    {"plugin", "list the plugins and show what one provides", cmd_plugin},
    {"state", "show and check saved states", cmd_state},
};

static void viv_usage(FILE *out)
{
    fputs(
        "Usage: viv COMMAND [OPTION...]\n\n"
        "A virtual machine monitor whose devices, engines and formats are plugins.\n\nCommands:\n",
        out);
    for (size_t i = 0; i < sizeof viv_commands / sizeof viv_commands[0]; i++) {
        fprintf(out, "  %-10s %s\n", viv_commands[i].name, viv_commands[i].summary);
    }
    fputs("\n  --help     this text; after a command, its options\n"
          "  --version  the version\n\n"
          "Environment: VIV_LOG=LIST (as pdm=debug,all=info) and VIV_LOG_DEST=file:PATH for "
          "messages,\n"
          "VIV_PLUGIN_PATH and VIV_FIRMWARE_PATH for folders to look through first.\n"
          "Example: viv run --cdrom grub-rescue.iso --screenshot screen.png --timeout 20\n",
          out);
}

int main(int argc, char **argv)
{
    int scan = plugin_scan_main(argc, argv);
    if (scan >= 0) {
        return scan;
    }
    const char *name = argc > 1 ? argv[1] : "";
    if (!strcmp(name, "--version") || !strcmp(name, "-V")) {
        puts("viv " VIV_VERSION);
        return 0;
    }
    if (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help")) {
        viv_usage(stdout);
        return 0;
    }
    for (size_t i = 0; i < sizeof viv_commands / sizeof viv_commands[0]; i++) {
        if (!strcmp(viv_commands[i].name, name)) {
            PluginRegistry *plugins = plugin_registry_new(NULL);
            int code = viv_commands[i].fn(argc - 1, argv + 1, plugins);
            plugin_registry_free(plugins);
            return code;
        }
    }
    if (*name) {
        fprintf(stderr, "viv: \"%s\" is not a command\n", name);
    }
    viv_usage(stderr);
    return 2;
}
