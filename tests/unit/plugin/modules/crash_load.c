/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Dies while it is loaded. */
#include <signal.h>

#include "module.h"

__attribute__((constructor)) static void crash_load(void)
{
    raise(SIGSEGV);
}
static const viv_device_class_t thing_class = THING_CLASS("crash");
VIV_PLUGIN("org.vivarium.test.crash", "1.0", "MIT", "test module", &thing_class);
