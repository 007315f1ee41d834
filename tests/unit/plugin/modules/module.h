/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the test modules share: a device class that is right, for each of them to spoil. */
#ifndef TESTS_PLUGIN_MODULE_H
#define TESTS_PLUGIN_MODULE_H

#include <viv/device.h>

typedef struct Thing {
    uint16_t base;
    uint8_t latch;
} Thing;

static inline viv_status_t thing_construct(viv_dev_t *dev, void *self)
{
    (void)dev;
    (void)self;
    return VIV_OK;
}

/* A descriptor other than what VIV_PLUGIN() makes. */
#define MODULE_ENTRY(name) VIV_EXPORT const viv_plugin_t *name(const viv_host_t *host)

#define THING_CLASS(class_name)                                                                    \
    {                                                                                              \
        VIV_DEVICE_CLASS_HEAD, .name = (class_name), .summary = "a thing",                         \
                               .instance_size = sizeof(Thing), .state_version = 1,                 \
                               .construct = thing_construct,                                       \
    }

#endif
