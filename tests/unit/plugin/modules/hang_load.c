/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Never comes back from its load. */
#include <unistd.h>

#include "module.h"

__attribute__((constructor)) static void hang_load(void)
{
    for (;;)
        pause();
}
static const viv_device_class_t thing_class = THING_CLASS("hang");
VIV_PLUGIN("org.vivarium.test.hang", "1.0", "MIT", "test module", &thing_class);
