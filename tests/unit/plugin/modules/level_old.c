/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Built for a level that is not served any more. */
#define VIV_API_TARGET 0u
#include "module.h"

static const viv_device_class_t thing_class = THING_CLASS("old");
VIV_PLUGIN("org.vivarium.test.old", "1.0", "MIT", "test module", &thing_class);
