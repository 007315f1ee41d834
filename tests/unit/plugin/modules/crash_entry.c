/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Dies in its entry. */
#include <stdlib.h>

#include "module.h"

MODULE_ENTRY(viv_plugin_entry_v1);
MODULE_ENTRY(viv_plugin_entry_v1)
{
    (void)host;
    abort();
}
