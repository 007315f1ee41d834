/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The same device name as good.c. */
#include "module.h"

static const viv_device_class_t thing_class = THING_CLASS("thing");
VIV_PLUGIN("org.vivarium.test.duplicate", "1.0", "MIT", "test module", &thing_class);
