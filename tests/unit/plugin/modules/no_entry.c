/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A shared object like any other. */
#include "module.h"

VIV_EXPORT int no_entry_answer(void);
VIV_EXPORT int no_entry_answer(void)
{
    return 42;
}
