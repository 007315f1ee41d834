/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* viv run: options of an unnamed machine. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "main/runner.h"

/* "512M", "2G", "1048576K"; a plain number is MiB, as everywhere in VirtualBox. */
static gboolean run_parse_size(const char *text, uint64_t *ret_bytes)
{
    char *end = NULL;
    double value = g_ascii_strtod(text, &end);
    double unit = 1024.0 * 1024.0;
    switch (g_ascii_toupper(*end)) {
    case 'K': unit = 1024.0; break;
    case 'G': unit = 1024.0 * 1024.0 * 1024.0; break;
    case 'T': unit = 1024.0 * 1024.0 * 1024.0 * 1024.0; break;
    default: break;
    }
    if (*end && strchr("KMGT", g_ascii_toupper(*end))) {
        end++;
    }
    double bytes = value * unit;
    if (end == text || *end || !(bytes >= 1024.0 * 1024.0) || bytes > 549755813888.0) {
        return FALSE;
    }
    *ret_bytes = (uint64_t)bytes & ~((UINT64_C(1) << 20) - 1);
    return TRUE;
}

/* --deterministic[=NS]; `data` is the RunOptions. */
static gboolean run_on_deterministic(const char *name, const char *value, gpointer data,
                                     GError **error)
{
    RunOptions *o = data;
    guint64 ns = 0;
    (void)name;
    if (value && !g_ascii_string_to_unsigned(value, 10, 1, 1000000, &ns, NULL)) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "--deterministic takes 1 to 1000000 ns an instruction, not \"%s\"", value);
        return FALSE;
    }
    o->machine.deterministic = TRUE;
    o->machine.ns_per_instruction = (uint32_t)ns;
    return TRUE;
}

/* --on-panic=WHAT */
static gboolean run_on_panic(const char *name, const char *value, gpointer data, GError **error)
{
    static const char *const names[] = {
        [RUN_ON_PANIC_KEEP] = "keep",
        [RUN_ON_PANIC_POWER_OFF] = "poweroff",
        [RUN_ON_PANIC_RESET] = "reset",
        [RUN_ON_PANIC_PAUSE] = "pause",
    };
    RunOptions *o = data;
    (void)name;
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        if (!strcmp(value, names[i])) {
            o->on_panic = (RunOnPanic)i;
            return TRUE;
        }
    }
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "--on-panic takes keep, poweroff, reset or pause, not \"%s\"", value);
    return FALSE;
}

static void run_usage(const char *text)
{
    fprintf(stderr, "viv: %s\nTry viv run --help.\n", text);
}

/* GOption hands out copies. */
static void run_free_options(const GOptionEntry *entries)
{
    for (const GOptionEntry *entry = entries; entry->long_name; entry++) {
        if (entry->arg == G_OPTION_ARG_STRING || entry->arg == G_OPTION_ARG_FILENAME) {
            g_free(*(char **)entry->arg_data);
        } else if (entry->arg == G_OPTION_ARG_STRING_ARRAY ||
                   entry->arg == G_OPTION_ARG_FILENAME_ARRAY) {
            g_strfreev(*(char ***)entry->arg_data);
        }
    }
}

int cmd_run(int argc, char **argv, PluginRegistry *plugins)
{
    RunOptions o = {0};
    char *memory = NULL;
    gint cpus = 0;
    gint64 seed = -1, max_instructions = 0;
    MachineOptions *m = &o.machine;
    GOptionEntry entries[] = {
        {"engine", 0, 0, G_OPTION_ARG_STRING, &m->engine,
         "Execution engine; auto takes the best that works here", "NAME|auto"},
        {"chipset", 0, 0, G_OPTION_ARG_STRING, &m->chipset,
         "piix3 (i440FX, the default), ich9 (PCI Express), or a device plugin in their place",
         "NAME"},
        {"cpu", 0, 0, G_OPTION_ARG_STRING, &m->cpu, "CPU model and features", "MODEL[,+f,-f]"},
        {"cpus", 0, 0, G_OPTION_ARG_INT, &cpus, "Number of vCPUs (1)", "N"},
        {"memory", 0, 0, G_OPTION_ARG_STRING, &memory,
         "Guest memory: 512M, 2G; a plain number is MiB (512)", "SIZE"},
        {"cdrom", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &m->cdroms,
         "CD-ROM image, or \"\" for an empty drive; may be given again", "F"},
        {"disk", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &m->disks,
         "Hard-disk image or block device; may be given again", "F"},
        {"floppy", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &m->floppies,
         "Floppy image, or \"\" for an empty drive; may be given again", "F"},
        {"kernel", 0, 0, G_OPTION_ARG_FILENAME, &m->kernel,
         "Boot a Linux bzImage or a Multiboot kernel without firmware", "F"},
        {"initrd", 0, 0, G_OPTION_ARG_FILENAME, &m->initrd,
         "Its initrd, or Multiboot modules \"F args,F args\"", "F"},
        {"append", 0, 0, G_OPTION_ARG_STRING, &m->append, "Its command line", "STR"},
        {"boot", 0, 0, G_OPTION_ARG_STRING, &m->boot,
         "Boot order: a floppy, c disk, d CD-ROM, n network", "cdn"},
        {"firmware", 0, 0, G_OPTION_ARG_STRING, &m->firmware,
         "bios (the default) or efi (OVMF in flash memory)", "KIND"},
        {"nvram", 0, 0, G_OPTION_ARG_FILENAME, &m->nvram,
         "File that keeps the UEFI variables; made if it is not there", "F"},
        {"serial", 0, 0, G_OPTION_ARG_STRING_ARRAY, &m->serials,
         "Next serial port: stdio (the default), pty, file:P, unix:P, unix-client:P, "
         "tcp:HOST:PORT, "
         "tcp-listen:[HOST:]PORT, udp:HOST:PORT[@[HOST:]PORT], host:/dev/ttyS0, none",
         "KIND"},
        {"parallel", 0, 0, G_OPTION_ARG_STRING_ARRAY, &m->parallels,
         "Next parallel port: host:/dev/parport0, none, or a printer whose paper is file:P or "
         "another of --serial's kinds",
         "KIND"},
        {"device", 0, 0, G_OPTION_ARG_STRING_ARRAY, &m->devices,
         "Add a device, or configure one of the standard PC; chardev=KIND hangs a serial-like back "
         "end on it, chardevN=KIND on its LUN N",
         "NAME[,key=value]..."},
        {"cfg", 0, 0, G_OPTION_ARG_STRING_ARRAY, &m->cfg, "Set a value of the configuration tree",
         "PATH=VALUE"},
        {"audio", 0, 0, G_OPTION_ARG_STRING, &m->audio,
         "Where the PC speaker plays: a WAV file, or nowhere (the default)", "wav:F|none"},
        {"rtc", 0, 0, G_OPTION_ARG_STRING, &m->rtc,
         "What the guest's clock shows at power-on: the time of day as UTC or as local time "
         "(local), "
         "or base=YYYY-MM-DDTHH:MM:SS",
         "utc|local|base=T"},
        {"no-reboot", 0, 0, G_OPTION_ARG_NONE, &m->no_reboot, "End where the guest would reset",
         NULL},
        {"on-panic", 0, 0, G_OPTION_ARG_CALLBACK, (gpointer)run_on_panic,
         "When the guest tells of its crash (device pvpanic): go on (keep), or one of the others",
         "keep|poweroff|reset|pause"},
        {"timeout", 0, 0, G_OPTION_ARG_DOUBLE, &o.timeout_s,
         "End after S seconds with exit code 124", "S"},
        {"screenshot", 0, 0, G_OPTION_ARG_FILENAME, &o.screenshot,
         "Write the screen as PNG at the end and on SIGUSR1", "F.png"},
        {"screen-text", 0, 0, G_OPTION_ARG_FILENAME, &o.screen_text,
         "Write the characters of a text screen likewise", "F.txt"},
        {"control", 0, 0, G_OPTION_ARG_FILENAME, &o.control,
         "Line protocol for scripts on a socket; its command help lists it", "unix:P"},
        {"save", 0, 0, G_OPTION_ARG_FILENAME, &o.save,
         "Save the machine's state when leaving before its end", "F"},
        {"load", 0, 0, G_OPTION_ARG_FILENAME, &o.load, "Go on from a saved state", "F"},
        {"deterministic", 0, G_OPTION_FLAG_OPTIONAL_ARG, G_OPTION_ARG_CALLBACK,
         (gpointer)run_on_deterministic,
         "Every run is the same: the guest's clock counts instructions, NS nanoseconds each (4), "
         "and stands apart from the host's",
         "NS"},
        {"seed", 0, 0, G_OPTION_ARG_INT64, &seed,
         "Of the guest's RDRAND and RDSEED under --deterministic (0)", "N"},
        {"max-instructions", 0, 0, G_OPTION_ARG_INT64, &max_instructions,
         "End when so many instructions have been retired, with exit code 124", "N"},
        {"type-text", 0, 0, G_OPTION_ARG_STRING, &o.type_text,
         "Type this when the guest has its keyboard switched on; \\n is Enter, also \\t, \\b, \\e, "
         "\\\\",
         "TEXT"},
        {"type-after", 0, 0, G_OPTION_ARG_DOUBLE, &o.type_after_s,
         "But not before so many seconds of the guest's time (0)", "S"},
        {"stats", 0, 0, G_OPTION_ARG_NONE, &o.stats, "Print the statistics counters at the end",
         NULL},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    g_autoptr(GError) error = NULL;
    g_autoptr(GOptionContext) context =
        g_option_context_new("- run an unnamed machine in the foreground");
    GOptionGroup *group = g_option_group_new("run", "", "", &o, NULL);
    g_option_group_add_entries(group, entries);
    g_option_context_set_main_group(context, group);
    g_option_context_set_description(
        context, "On a terminal the first serial port has it raw: Ctrl-A x "
                 "leaves, Ctrl-A Ctrl-A sends Ctrl-A.\n"
                 "Exit codes: 0 power-off, reset under --no-reboot, or left; 2 "
                 "bad option or configuration; 4 file missing or\n"
                 "malformed; 6 triple fault; 7 guest panic; 8 engine failure; 124 time-out; "
                 "device debug-exit gives its own odd ones.");
    g_autofree char *prgname = g_strdup("viv run");
    g_set_prgname(prgname);
    int code = RUN_EXIT_USAGE;
    if (!g_option_context_parse(context, &argc, &argv, &error)) {
        run_usage(error->message);
    } else if (argc > 1) {
        g_autofree char *text = g_strdup_printf("\"%s\" is not an option of viv run", argv[1]);
        run_usage(text);
    } else if (memory && !run_parse_size(memory, &m->ram_bytes)) {
        run_usage("--memory takes a size from 1M to 512G, as 512M or 2G");
    } else if (cpus < 0 || cpus > 64) {
        run_usage("--cpus takes 1 to 64");
    } else if (!(o.timeout_s >= 0 && o.timeout_s <= 1e6)) {
        run_usage("--timeout takes seconds, more than 0");
    } else if (!(o.type_after_s >= 0 && o.type_after_s <= 1e6)) {
        run_usage("--type-after takes seconds, 0 or more");
    } else if (seed >= 0 && !m->deterministic) {
        run_usage("--seed goes with --deterministic");
    } else if (seed < -1 || max_instructions < 0) {
        run_usage("--seed and --max-instructions take numbers from 0 to 9223372036854775807");
    } else {
        m->seed = (uint64_t)MAX(seed, 0);
        o.max_instructions = (uint64_t)max_instructions;
        m->cpus = (uint32_t)cpus;
        code = runner_run(&o, plugins);
    }
    run_free_options(entries);
    return code;
}
