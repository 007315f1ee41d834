/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PDM: random bytes for devices. In the deterministic mode they depend on nothing that would have
 * to be saved: time has moved on when a loaded machine draws again. */
#include "pdm/pdm_internal.h"

viv_status_t pdm_vm_random(viv_dev_t *dev, void *buf, uint64_t len_bytes)
{
    PdmDevice *device = pdm_dev(dev);
    Vm *vm = device->pdm->vm;
    g_rec_mutex_lock(device->lock);
    uint64_t now = tm_now(vm->tm);
    if (now != device->random_time) {
        device->random_time = now;
        device->random_drawn = 0;
    }
    uint64_t from = device->random_drawn;
    device->random_drawn += len_bytes;
    g_rec_mutex_unlock(device->lock);
    return cpum_random_bytes(vm->cpum, g_str_hash(device->name), now, from, buf, len_bytes);
}
