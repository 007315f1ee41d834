/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ends the process while it is loaded. */
#include <unistd.h>

#include "module.h"

__attribute__((constructor)) static void exit_load(void)
{
    _exit(3);
}
static const viv_device_class_t thing_class = THING_CLASS("exit");
VIV_PLUGIN("org.vivarium.test.exit", "1.0", "MIT", "test module", &thing_class);
