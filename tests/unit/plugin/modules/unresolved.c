/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Uses a function that nobody has. */
#include "module.h"

extern int a_function_that_nobody_has(void);

static viv_status_t lost_construct(viv_dev_t *dev, void *self)
{
    (void)dev;
    (void)self;
    return a_function_that_nobody_has();
}
static const viv_device_class_t lost_class = {
    VIV_DEVICE_CLASS_HEAD,       .name = "lost",
    .summary = "a thing",        .instance_size = sizeof(Thing),
    .construct = lost_construct,
};
VIV_PLUGIN("org.vivarium.test.lost", "1.0", "MIT", "test module", &lost_class);
