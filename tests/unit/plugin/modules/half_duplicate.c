/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One device name as in good.c and one of its own. */
#include "module.h"

static const viv_device_class_t thing_class = THING_CLASS("thing");
static const viv_device_class_t other_class = THING_CLASS("other");
VIV_PLUGIN("org.vivarium.test.half", "1.0", "MIT", "test module", &thing_class, &other_class);
