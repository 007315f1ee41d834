/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* machine_firmware: what starts the machine - a BIOS or UEFI firmware in flash memories. */
#ifndef FRONTENDS_MAIN_MACHINE_FIRMWARE_H
#define FRONTENDS_MAIN_MACHINE_FIRMWARE_H

#include <glib.h>

#include "cfgm/cfgm.h"

/* firmware: bios (NULL too) or efi. nvram: the file that keeps UEFI variables, made at first use;
 * NULL: they are forgotten. */
viv_status_t machine_firmware(CfgmNode *root, const char *firmware, const char *nvram,
                              VivError *err);

#endif
