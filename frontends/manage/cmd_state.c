/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* viv state: looks into saved-state files. */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "main/runner.h"
#include "ssm/ssm.h"

static void state_usage(FILE *out)
{
    fputs(
        "Usage: viv state info FILE [--json]\n"
        "       viv state verify FILE\n\n"
        "info    the header, and each unit with its version, pass, size and offset; of memory\n"
        "        how many pages are zeros, the same as others, and stored. --json: for programs\n"
        "verify  checks every byte and prints each problem with its offset; exit code 0 if there\n"
        "        is none, 4 if there are some\n",
        out);
}

static int state_syntax(const char *text)
{
    fprintf(stderr, "viv state: %s\n", text);
    state_usage(stderr);
    return RUN_EXIT_USAGE;
}

static int state_failed(VivError *err)
{
    const int code = runner_exit_code(err->status);
    fprintf(stderr, "viv: %s\n", error_text(err));
    error_clear(err);
    return code;
}

static int state_info(int argc, char **argv)
{
    VivError err = VIV_ERROR_INIT;
    const char *path = NULL;
    bool json = false;
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            json = true;
        else if (argv[i][0] == '-' || path)
            return state_syntax("info takes one file");
        else
            path = argv[i];
    }
    if (!path)
        return state_syntax("info takes one file");
    return ssm_info(path, json, stdout, &err) == VIV_OK ? RUN_EXIT_OK : state_failed(&err);
}

static void state_problem(void *ctx, const char *sentence)
{
    (void)ctx;
    puts(sentence);
}

static int state_verify(int argc, char **argv)
{
    VivError err = VIV_ERROR_INIT;
    uint32_t problems = 0;
    if (argc != 1 || argv[0][0] == '-')
        return state_syntax("verify takes one file");
    if (ssm_verify(argv[0], state_problem, NULL, &problems, &err) != VIV_OK)
        return state_failed(&err);
    if (problems) {
        printf("%s: %u problem%s\n", argv[0], problems, problems == 1 ? "" : "s");
        return RUN_EXIT_FILE;
    }
    printf("%s: all is well\n", argv[0]);
    return RUN_EXIT_OK;
}

int cmd_state(int argc, char **argv, PluginRegistry *plugins)
{
    (void)plugins;
    if (argc < 2)
        return state_syntax("info or verify?");
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        state_usage(stdout);
        return RUN_EXIT_OK;
    }
    if (strcmp(argv[1], "info") == 0)
        return state_info(argc - 2, argv + 2);
    if (strcmp(argv[1], "verify") == 0)
        return state_verify(argc - 2, argv + 2);
    return state_syntax("info or verify?");
}
