/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* VM's own: saved state and boot without firmware. */
#ifndef CORE_VM_INTERNAL_H
#define CORE_VM_INTERNAL_H

#include "vm/vm.h"

/* vm_state.c. EMTs stand; the devices are powered on. */
viv_status_t vm_load(Vm *vm, const char *path, VivError *err);

/* vm_boot.c: loads /Boot/KernelImage, if there is one, and sets vCPU 0 to its entry. EMTs stand. */
viv_status_t vm_boot_direct(Vm *vm, VivError *err);

/* Memory control and DMA as firmware leaves them for what it boots. */
void vm_boot_board(Vm *vm);

/* vm_boot_wake.c: after a wake from memory, a kernel that was booted without firmware goes on where
 * its FACS says; one that has said nothing of use boots anew. EMTs stand. */
viv_status_t vm_boot_wake(Vm *vm, VivError *err);

typedef struct VmBlob {
    uint8_t *data; /* g_free */
    uint64_t len;
} VmBlob;

#define VM_FILE_MAX (UINT64_C(1) << 32)

/* A whole file. */
viv_status_t vm_read_file(const char *path, VmBlob *ret_blob, VivError *err);
/* Copies into guest RAM; VIV_E_INVALID names what does not fit. */
viv_status_t vm_put(Vm *vm, const char *what, uint64_t gpa, const void *data, uint64_t len,
                    VivError *err);
/* vCPU 0 in flat 32-bit protected mode with a GDT at gdt_gpa: CS 10h, data segments 18h. */
viv_status_t vm_enter_flat32(Vm *vm, uint64_t gdt_gpa, uint32_t eip, VivError *err);
/* Little-endian fields of a file that were bounds-checked by the caller. */
static inline uint32_t vm_u32(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}
static inline uint16_t vm_u16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}
static inline void vm_set_u32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++) {
        at[i] = (uint8_t)(value >> (i * 8));
    }
}
static inline void vm_set_u64(uint8_t *at, uint64_t value)
{
    vm_set_u32(at, (uint32_t)value);
    vm_set_u32(at + 4, (uint32_t)(value >> 32));
}

/* vm_boot_acpi.c: runs the firmware table-loader script over the published tables, with `base` as
 * the top of free memory growing down. *ret_rsdp: 0 if there are none. *ret_low: lowest byte
 * used. */
viv_status_t vm_boot_acpi(Vm *vm, uint64_t top, uint64_t *ret_rsdp, uint64_t *ret_low,
                          VivError *err);

/* vm_boot_linux.c, vm_boot_multiboot.c. is_*: could the file be one? */
gboolean vm_is_linux(const VmBlob *kernel);
viv_status_t vm_boot_linux(Vm *vm, const char *path, const VmBlob *kernel, const char *initrd,
                           const char *cmdline, VivError *err);
gboolean vm_is_multiboot(const VmBlob *kernel);
viv_status_t vm_boot_multiboot(Vm *vm, const char *path, const VmBlob *kernel, const char *modules,
                               const char *cmdline, VivError *err);

#define VM_LOW_RAM_END 0x9fc00u /* conventional memory: what e820 and the multiboot map call free */

#endif
