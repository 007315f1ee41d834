/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A class that ends before a member that its kind must have. */
#include "module.h"

static const viv_device_class_t thing_class = {
    .size = offsetof(viv_device_class_t, construct),
    .kind = VIV_KIND_DEVICE,
    .name = "unfinished",
    .summary = "no construct",
    .construct = thing_construct,
};
VIV_PLUGIN("org.vivarium.test.noconstruct", "1.0", "MIT", "test module", &thing_class);
