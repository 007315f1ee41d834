/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fake host: entering plugin code with the locks that the SDK promises, and checking that it comes
 * back with them. */
#include "harness_internal.h"

void harness_lock_take(Harness *h, unsigned *lock)
{
    HARNESS_CHECK(lock == &h->chipset_lock || *lock > 0 || h->chipset_lock == 0,
                  "lock order: a device lock is taken while the chipset lock is held");
    (*lock)++;
}

void harness_lock_drop(Harness *h, unsigned *lock)
{
    (void)h;
    HARNESS_CHECK(*lock > 0, "a lock is released that is not held");
    (*lock)--;
}

unsigned harness_enter(HarnessInst *inst)
{
    harness_lock_take(inst->h, inst->lock);
    inst->h->depth++;
    HARNESS_CHECK(inst->h->depth < 1000, "%s: calls nest without end", inst->name);
    return *inst->lock;
}

void harness_leave(HarnessInst *inst, unsigned token)
{
    Harness *h = inst->h;
    HARNESS_CHECK(*inst->lock == token,
                  "%s: a callback returns with its lock held %u times instead of %u", inst->name,
                  *inst->lock, token);
    harness_lock_drop(h, inst->lock);
    harness_leave_bare(h);
}

void harness_enter_bare(Harness *h)
{
    h->depth++;
    HARNESS_CHECK(h->depth < 1000, "calls nest without end");
}

void harness_leave_bare(Harness *h)
{
    h->depth--;
    if (h->depth == 0) {
        harness_idle(h);
    }
}

void harness_idle(Harness *h)
{
    if (h->in_idle) {
        return;
    }
    h->in_idle = 1;
    harness_ranges_sweep(h, NULL);
    harness_media_idle(h);
    harness_chars_idle(h);
    harness_dma_idle(h);
    h->in_idle = 0;
}
