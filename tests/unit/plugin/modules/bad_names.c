/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Classes whose heads are wrong, between two that are right. */
#include "module.h"

static const viv_device_class_t first_class = THING_CLASS("first");
static const viv_device_class_t slash_class = THING_CLASS("a/b");
static const viv_device_class_t nameless_class = THING_CLASS(NULL);
static const viv_class_t tiny_class = {4, VIV_KIND_DEVICE, "tiny", ""};
static const viv_class_t future_class = {sizeof(viv_class_t), 77, "future",
                                         "a kind that is yet to come"};
static const viv_device_class_t last_class = THING_CLASS("last");
VIV_PLUGIN("org.vivarium.test.names", "1.0", "MIT", "test module", &first_class, &slash_class,
           &nameless_class, &tiny_class, &future_class, NULL, &last_class);
