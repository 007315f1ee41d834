/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* machine: the unnamed PC of `viv run`, from options to the CFGM tree that the core reads. */
#ifndef FRONTENDS_MAIN_MACHINE_H
#define FRONTENDS_MAIN_MACHINE_H

#include <glib.h>

#include "cfgm/cfgm.h"
#include "log/error.h"
#include "plugin/plugin.h"

/* All strings and lists are borrowed; NULL or 0: not given. Lists end with NULL. */
typedef struct MachineOptions {
    const char *engine;  /* "auto" */
    const char *cpu;     /* MODEL[,+f,-f] */
    const char *chipset; /* piix3, ich9 or the name of a device plugin */
    uint32_t cpus;       /* 1 */
    uint64_t ram_bytes;  /* 512 MiB */
    char **disks, **cdroms, **floppies;
    const char *kernel, *initrd, *append;
    const char *boot;             /* letters: a floppy, c disk, d CD-ROM, n network */
    const char *firmware, *nvram; /* see machine_firmware.h */
    char **serials;               /* see machine_char.h, or none; NULL: stdio */
    char **parallels;             /* as serials, but host: is a parallel port */
    char **devices;               /* NAME[,key=value]... */
    char **cfg;                   /* PATH=VALUE */
    const char *audio;            /* none, wav:PATH; NULL: none */
    const char *rtc;              /* utc, local, base=TIME; NULL: local, utc if deterministic */
    gboolean no_reboot;
    gboolean deterministic;
    uint32_t ns_per_instruction; /* of the deterministic clock; 0: the core's default */
    uint64_t seed;               /* deterministic: of RDRAND and RDSEED */
} MachineOptions;

/* The tree (transfer), or NULL with err. Devices of the standard PC whose plugin is not installed
 * are left out with a warning; what the options ask for by name must be there. */
CfgmNode *machine_tree(const MachineOptions *options, PluginRegistry *plugins, VivError *err);

#endif
