/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Our entry, but a descriptor of another major. */
#include "module.h"

static const viv_device_class_t thing_class = THING_CLASS("major");
static const void *const classes[] = {&thing_class};
static const viv_plugin_t plugin = {sizeof(viv_plugin_t),
                                    VIV_PLUGIN_MAGIC,
                                    7,
                                    1,
                                    "org.vivarium.test.major",
                                    "1",
                                    "MIT",
                                    "",
                                    "",
                                    classes,
                                    1,
                                    0};

MODULE_ENTRY(viv_plugin_entry_v1);
MODULE_ENTRY(viv_plugin_entry_v1)
{
    (void)host;
    return &plugin;
}
