/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* VM: Linux bzImage through its 32-bit boot protocol (Linux documentation, "The Linux/x86 Boot
 * Protocol"). */
#include <inttypes.h>
#include <string.h>

#include "vm/vm_internal.h"

/* Setup header, offsets in the file and in the boot_params page alike. */
#define LX_SETUP_SECTS     0x1f1u
#define LX_BOOT_FLAG       0x1feu
#define LX_HEADER          0x202u
#define LX_VERSION         0x206u
#define LX_TYPE_OF_LOADER  0x210u
#define LX_LOADFLAGS       0x211u
#define LX_RAMDISK_IMAGE   0x218u
#define LX_RAMDISK_SIZE    0x21cu
#define LX_CMD_LINE_PTR    0x228u
#define LX_INITRD_ADDR_MAX 0x22cu
#define LX_CMDLINE_SIZE    0x238u
#define LX_INIT_SIZE       0x260u
#define LX_HEADER_END      0x290u
/* boot_params only */
#define LX_ACPI_RSDP  0x070u
#define LX_E820_COUNT 0x1e8u
#define LX_E820_TABLE 0x2d0u

#define LX_LOADED_HIGH 0x01u
#define LX_ZERO_PAGE   0x90000u
#define LX_GDT         0x91000u
#define LX_CMDLINE     0x92000u
#define LX_CMDLINE_MAX 0x4000u
#define LX_KERNEL      0x100000u

gboolean vm_is_linux(const VmBlob *kernel)
{
    return kernel->len > LX_HEADER_END && vm_u16(kernel->data + LX_BOOT_FLAG) == 0xaa55 &&
           !memcmp(kernel->data + LX_HEADER, "HdrS", 4);
}

static void lx_e820_add(uint8_t *page, uint64_t from, uint64_t to, uint32_t type)
{
    uint8_t *entry = page + LX_E820_TABLE + page[LX_E820_COUNT] * 20u;
    if (to <= from || page[LX_E820_COUNT] >= 128) {
        return;
    }
    vm_set_u64(entry, from);
    vm_set_u64(entry + 8, to - from);
    vm_set_u32(entry + 16, type);
    page[LX_E820_COUNT]++;
}

static void lx_e820(Vm *vm, uint8_t *page, uint64_t free_top)
{
    uint64_t low = pgm_ram_below_4g(vm->pgm), all = pgm_ram_bytes(vm->pgm);
    lx_e820_add(page, 0, VM_LOW_RAM_END, 1);
    lx_e820_add(page, VM_LOW_RAM_END, 0x100000, 2);
    lx_e820_add(page, 0x100000, free_top, 1);
    lx_e820_add(page, free_top, low, 3); /* ACPI tables */
    lx_e820_add(page, PGM_4G, PGM_4G + (all - low), 1);
}

static viv_status_t lx_put_initrd(Vm *vm, const char *initrd, uint8_t *page, uint64_t kernel_end,
                                  uint64_t top, VivError *err)
{
    VmBlob blob = {0};
    viv_status_t st = initrd ? vm_read_file(initrd, &blob, err) : VIV_OK;
    if (st || !initrd) {
        return st;
    }
    uint64_t max = (uint64_t)vm_u32(page + LX_INITRD_ADDR_MAX) + 1;
    uint64_t end = MIN(top, max);
    if (blob.len > end || ((end - blob.len) & ~UINT64_C(0xfff)) < kernel_end) {
        st = error_set(err, VIV_E_INVALID,
                       "%s: %" PRIu64 " KiB of initrd do not fit beside the kernel into %" PRIu64
                       " MiB of memory",
                       initrd, blob.len >> 10, pgm_ram_bytes(vm->pgm) >> 20);
    } else {
        uint64_t at = (end - blob.len) & ~UINT64_C(0xfff);
        st = vm_put(vm, initrd, at, blob.data, blob.len, err);
        vm_set_u32(page + LX_RAMDISK_IMAGE, (uint32_t)at);
        vm_set_u32(page + LX_RAMDISK_SIZE, (uint32_t)blob.len);
    }
    g_free(blob.data);
    return st;
}

static viv_status_t lx_check(const char *path, const VmBlob *kernel, uint64_t *ret_setup,
                             VivError *err)
{
    uint16_t version = vm_u16(kernel->data + LX_VERSION);
    uint64_t sects = kernel->data[LX_SETUP_SECTS];
    *ret_setup = ((sects ? sects : 4) + 1) * 512;
    if (version < 0x206) {
        return error_set(err, VIV_E_UNSUPPORTED,
                         "%s: boot protocol %u.%02u; 2.06 (Linux 2.6.22) or later is needed", path,
                         version >> 8, version & 0xff);
    }
    if (*ret_setup >= kernel->len || !(kernel->data[LX_LOADFLAGS] & LX_LOADED_HIGH)) {
        return error_set(err, VIV_E_CORRUPT,
                         "%s: not a bzImage: the file ends within its setup part, or is a zImage",
                         path);
    }
    return VIV_OK;
}

viv_status_t vm_boot_linux(Vm *vm, const char *path, const VmBlob *kernel, const char *initrd,
                           const char *cmdline, VivError *err)
{
    uint8_t page[4096] = {0};
    uint64_t setup, rsdp = 0, top = pgm_ram_below_4g(vm->pgm);
    viv_status_t st = lx_check(path, kernel, &setup, err);
    if (st || (st = vm_boot_acpi(vm, top, &rsdp, &top, err))) {
        return st;
    }
    top &= ~UINT64_C(0xfff);
    uint64_t header_end = MIN(0x202u + kernel->data[0x201], (uint64_t)LX_HEADER_END);
    memcpy(page + LX_SETUP_SECTS, kernel->data + LX_SETUP_SECTS, header_end - LX_SETUP_SECTS);
    uint64_t size = kernel->len - setup;
    uint64_t init_size =
        vm_u16(page + LX_VERSION) >= 0x20a ? vm_u32(page + LX_INIT_SIZE) : size * 4;
    /* The decompressor may move itself to its preferred address and needs init_size from there. */
    uint64_t prefer = vm_u16(page + LX_VERSION) >= 0x20a ? vm_u32(page + 0x258) : LX_KERNEL;
    uint64_t kernel_end = MAX(LX_KERNEL + MAX(size, init_size), prefer + init_size);
    size_t line = strlen(cmdline);
    size_t line_max = MIN(vm_u32(page + LX_CMDLINE_SIZE), LX_CMDLINE_MAX - 1u);
    if (line > line_max) {
        return error_set(err, VIV_E_INVALID,
                         "the kernel's command line has %zu characters; this kernel takes %zu",
                         line, line_max);
    }
    page[LX_TYPE_OF_LOADER] = 0xff;
    vm_set_u32(page + LX_CMD_LINE_PTR, LX_CMDLINE);
    vm_set_u64(page + LX_ACPI_RSDP, rsdp);
    lx_e820(vm, page, top);
    if ((st = lx_put_initrd(vm, initrd, page, kernel_end, top, err)) ||
        (st = vm_put(vm, path, LX_KERNEL, kernel->data + setup, size, err)) ||
        (st = vm_put(vm, "command line", LX_CMDLINE, cmdline, line + 1, err)) ||
        (st = vm_put(vm, "boot parameters", LX_ZERO_PAGE, page, sizeof page, err)) ||
        (st = vm_enter_flat32(vm, LX_GDT, LX_KERNEL, err))) {
        return st;
    }
    em_vcpu(vm->em, 0)->cpu->gpr[VIV_REG_RSI] = LX_ZERO_PAGE;
    em_vcpu(vm->em, 0)->cpu->gpr[VIV_REG_RSP] = LX_ZERO_PAGE;
    return VIV_OK;
}
