/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An option that would be stored behind the instance. */
#include "module.h"

static const viv_option_t thing_options[] = {
    {.name = "far", .type = VIV_U32, .max = 9, .offset = sizeof(Thing)},
    {0},
};
static const viv_device_class_t thing_class = {
    VIV_DEVICE_CLASS_HEAD,          .name = "farther",        .summary = "a thing",
    .instance_size = sizeof(Thing), .options = thing_options, .construct = thing_construct,
};
VIV_PLUGIN("org.vivarium.test.badoption", "1.0", "MIT", "test module", &thing_class);
