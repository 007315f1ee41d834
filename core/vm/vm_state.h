/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* VM's own: what saving and loading share. */
#ifndef CORE_VM_STATE_H
#define CORE_VM_STATE_H

#include "ssm/ssm.h"
#include "ssm/ssm_image.h"
#include "vm/vm_internal.h"

#define VM_STATE_VERSION 1

/* Units vm, cpum/<n>, tm. */
viv_status_t vm_save_cpus(Vm *vm, SsmWriter *writer);
/* Of all blocks of the machine. ssm_image_free. */
SsmImage *vm_image_new(Vm *vm);

#endif
