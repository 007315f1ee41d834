/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* VM: direct kernel boot, what Linux and multiboot images have in common. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "vm/vm_internal.h"

/* Channel 4 of the ISA DMA controllers, which carries channels 0-3: as firmware leaves it. */
#define VM_DMA2_MASK 0xd4u
#define VM_DMA2_MODE 0xd6u

viv_status_t vm_read_file(const char *path, VmBlob *ret_blob, VivError *err)
{
    FILE *file = fopen(path, "rbe");
    if (!file) {
        return error_set(err, errno == ENOENT ? VIV_E_NOT_FOUND : VIV_E_IO, "%s: %s", path,
                         g_strerror(errno));
    }
    viv_status_t st = VIV_OK;
    long len = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
    uint8_t *data = NULL;
    if (len < 0 || (uint64_t)len > VM_FILE_MAX || fseek(file, 0, SEEK_SET)) {
        st = error_set(err, VIV_E_INVALID, "%s: not a plain file of at most 4 GiB", path);
    } else if (!(data = g_try_malloc((gsize)len + 1))) {
        st = error_set(err, VIV_E_NOMEM, "%s: no memory for %ld bytes", path, len);
    } else if (fread(data, 1, (size_t)len, file) != (size_t)len) {
        st = error_set(err, VIV_E_IO, "%s: cannot read all of its %ld bytes", path, len);
        g_free(data);
    }
    fclose(file);
    if (!st) {
        *ret_blob = (VmBlob){data, (uint64_t)len};
    }
    return st;
}

viv_status_t vm_put(Vm *vm, const char *what, uint64_t gpa, const void *data, uint64_t len,
                    VivError *err)
{
    if (len == 0) {
        return VIV_OK;
    }
    uint8_t *to = pgm_ram_ptr(vm->pgm, gpa, len);
    if (!to) {
        return error_set(err, VIV_E_INVALID,
                         "%s: %" PRIu64 " bytes at %#" PRIx64
                         " do not fit into the guest's %" PRIu64 " MiB of memory",
                         what, len, gpa, pgm_ram_bytes(vm->pgm) >> 20);
    }
    memcpy(to, data, len);
    return VIV_OK;
}

viv_status_t vm_enter_flat32(Vm *vm, uint64_t gdt_gpa, uint32_t eip, VivError *err)
{
    /* Flat 4 GiB code and data, as the Linux boot protocol wants them at 10h and 18h. */
    uint8_t gdt[32] = {0};
    vm_set_u64(gdt + 0x10, UINT64_C(0x00cf9b000000ffff));
    vm_set_u64(gdt + 0x18, UINT64_C(0x00cf93000000ffff));
    viv_status_t st = vm_put(vm, "GDT", gdt_gpa, gdt, sizeof gdt, err);
    if (st) {
        return st;
    }
    viv_cpu_t *cpu = em_vcpu(vm->em, 0)->cpu;
    viv_segreg_t data = {.base = 0, .limit = UINT32_MAX, .attr = 0xc093, .sel = 0x18};
    for (uint32_t i = 0; i < 6; i++) {
        cpu->seg[i] = data;
    }
    cpu->seg[VIV_SEG_CS] =
        (viv_segreg_t){.base = 0, .limit = UINT32_MAX, .attr = 0xc09b, .sel = 0x10};
    cpu->gdtr = (viv_tablereg_t){.base = gdt_gpa, .limit = sizeof gdt - 1};
    cpu->idtr = (viv_tablereg_t){0};
    memset(cpu->gpr, 0, sizeof cpu->gpr);
    cpu->cr0 = 0x11; /* ET, PE */
    cpu->rflags = 2;
    cpu->rip = eip;
    return VIV_OK;
}

/* What firmware would have done to the board. */
void vm_boot_board(Vm *vm)
{
    pdm_boot_memory(vm->pdm);
    iom_pio_write(vm->iom, VM_DMA2_MODE, 0xc0, 1);
    iom_pio_write(vm->iom, VM_DMA2_MASK, 0x00, 1);
}

viv_status_t vm_boot_direct(Vm *vm, VivError *err)
{
    const char *path = cfgm_string(vm->cfgm, "Boot/KernelImage", NULL);
    const char *initrd = cfgm_string(vm->cfgm, "Boot/InitrdImage", NULL);
    const char *cmdline = cfgm_string(vm->cfgm, "Boot/CmdLine", "");
    VmBlob kernel = {0};
    if (!path) {
        return VIV_OK;
    }
    viv_status_t st = vm_read_file(path, &kernel, err);
    if (st) {
        return st;
    }
    vm_boot_board(vm);
    if (vm_is_linux(&kernel)) {
        st = vm_boot_linux(vm, path, &kernel, initrd, cmdline, err);
    } else if (vm_is_multiboot(&kernel)) {
        st = vm_boot_multiboot(vm, path, &kernel, initrd, cmdline, err);
    } else {
        st = error_set(err, VIV_E_INVALID, "%s: neither a Linux bzImage nor a Multiboot 1 kernel",
                       path);
    }
    g_free(kernel.data);
    return st;
}
