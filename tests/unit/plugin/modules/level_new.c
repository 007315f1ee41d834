/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Needs a level that is not there yet. */
#define VIV_API_TARGET 99u
#include "module.h"

static const viv_device_class_t thing_class = THING_CLASS("new");
VIV_PLUGIN("org.vivarium.test.new", "1.0", "MIT", "test module", &thing_class);
