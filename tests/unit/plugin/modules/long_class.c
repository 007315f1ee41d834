/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Built against headers whose class struct has grown. */
#include "module.h"

typedef struct LongClass {
    viv_device_class_t now;
    void *later[4];
} LongClass;
static const LongClass thing_class = {
    .now =
        {
            .size = sizeof(LongClass),
            .kind = VIV_KIND_DEVICE,
            .name = "long",
            .summary = "a thing to come",
            .option_stride = sizeof(viv_option_t),
            .field_stride = sizeof(viv_field_t),
            .instance_size = sizeof(Thing),
            .construct = thing_construct,
        },
};
VIV_PLUGIN("org.vivarium.test.long", "1.0", "MIT", "test module", &thing_class);
