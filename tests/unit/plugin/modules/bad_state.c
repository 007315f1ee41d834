/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Two fields of one name. */
#include "module.h"

static const viv_field_t thing_state[] = {
    VIV_FIELD(Thing, latch, VIV_U8, 1),
    VIV_FIELD(Thing, latch, VIV_U8, 1),
    {0},
};
static const viv_device_class_t thing_class = {
    VIV_DEVICE_CLASS_HEAD,          .name = "twice",      .summary = "a thing",
    .instance_size = sizeof(Thing), .state = thing_state, .construct = thing_construct,
};
VIV_PLUGIN("org.vivarium.test.badstate", "1.0", "MIT", "test module", &thing_class);
