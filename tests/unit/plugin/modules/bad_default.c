/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An option whose default is outside its range. */
#include "module.h"

static const viv_option_t thing_options[] = {
    VIV_OPT(Thing, base, VIV_U16, 0x10, 0x20, 0x80, "first port"),
    {0},
};
static const viv_device_class_t thing_class = {
    VIV_DEVICE_CLASS_HEAD,          .name = "unlucky",        .summary = "a thing",
    .instance_size = sizeof(Thing), .options = thing_options, .construct = thing_construct,
};
VIV_PLUGIN("org.vivarium.test.baddefault", "1.0", "MIT", "test module", &thing_class);
