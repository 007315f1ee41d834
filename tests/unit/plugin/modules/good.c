/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A module that is right: a device with options and state, and a driver. */
#include <viv/driver.h>

#include "module.h"

static const viv_option_t thing_options[] = {
    VIV_OPT(Thing, base, VIV_U16, 0x10, 0xfff0, 0x80, "first port"),
    {0},
};
static const viv_field_t thing_state[] = {
    VIV_FIELD(Thing, latch, VIV_U8, 1),
    {0},
};
static const viv_device_class_t thing_class = {
    VIV_DEVICE_CLASS_HEAD, .name = "thing",
    .summary = "a thing",  .instance_size = sizeof(Thing),
    .state_version = 1,    .options = thing_options,
    .state = thing_state,  .construct = thing_construct,
};

static viv_status_t null_construct(viv_drv_t *drv, void *self)
{
    (void)drv;
    (void)self;
    return VIV_OK;
}
static const viv_driver_class_t null_class = {
    VIV_DRIVER_CLASS_HEAD,
    .name = "null",
    .summary = "leads\tnowhere",
    .construct = null_construct,
};

VIV_PLUGIN("org.vivarium.test.good", "1.2", "MIT", "test module", &thing_class, &null_class);
