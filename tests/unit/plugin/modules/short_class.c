/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Built against headers whose class struct ended before `suspend`: what lies behind is not the
 * host's business. */
#include "module.h"

static void thing_suspend(viv_dev_t *dev, void *self)
{
    (void)dev;
    (void)self;
}
static const viv_device_class_t thing_class = {
    .size = offsetof(viv_device_class_t, suspend),
    .kind = VIV_KIND_DEVICE,
    .name = "short",
    .summary = "an old thing",
    .option_stride = sizeof(viv_option_t),
    .field_stride = sizeof(viv_field_t),
    .instance_size = sizeof(Thing),
    .construct = thing_construct,
    .suspend = thing_suspend,
};
VIV_PLUGIN("org.vivarium.test.short", "1.0", "MIT", "test module", &thing_class);
