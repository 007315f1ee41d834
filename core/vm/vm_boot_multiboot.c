/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* VM: Multiboot 1 kernels (Multiboot Specification 0.6.96): ELF or with address fields, modules,
 * memory map. */
#include <inttypes.h>
#include <string.h>

#include "vm/vm_internal.h"

#define MB_MAGIC          0x1badb002u
#define MB_BOOTED         0x2badb002u
#define MB_SEARCH         8192u
#define MB_FLAG_VIDEO     0x4u
#define MB_FLAG_ADDRESSES 0x10000u
#define MB_KNOWN_REQUIRED 0x3u /* page-aligned modules, memory information: always given */

#define MB_INFO_BYTES 120u
#define MB_INFO_FLAGS                                                                              \
    (0x1u | 0x4u | 0x8u | 0x40u | 0x200u) /* memory, command line, modules, map, loader name */
#define MB_MODULES_MAX 64u

typedef struct MbLoad {
    Vm *vm;
    const char *path;
    const VmBlob *kernel;
    uint64_t header; /* offset of the multiboot header */
    uint32_t flags;
    uint64_t low, end; /* memory the kernel takes */
    uint32_t entry;
    VivError *err;
} MbLoad;

static gboolean mb_find(const VmBlob *kernel, uint64_t *ret_at)
{
    uint64_t limit = MIN(kernel->len, MB_SEARCH);
    for (uint64_t at = 0; at + 12 <= limit; at += 4) {
        const uint8_t *h = kernel->data + at;
        if (vm_u32(h) == MB_MAGIC && (uint32_t)(vm_u32(h) + vm_u32(h + 4) + vm_u32(h + 8)) == 0) {
            *ret_at = at;
            return TRUE;
        }
    }
    return FALSE;
}

gboolean vm_is_multiboot(const VmBlob *kernel)
{
    uint64_t at;
    return mb_find(kernel, &at);
}

static viv_status_t mb_segment(MbLoad *load, uint64_t gpa, uint64_t off, uint64_t file_bytes,
                               uint64_t mem_bytes)
{
    if (off > load->kernel->len || file_bytes > load->kernel->len - off || mem_bytes < file_bytes) {
        return error_set(load->err, VIV_E_CORRUPT, "%s: a segment lies outside the file",
                         load->path);
    }
    uint8_t *to = mem_bytes ? pgm_ram_ptr(load->vm->pgm, gpa, mem_bytes) : NULL;
    if (mem_bytes && !to) {
        return error_set(load->err, VIV_E_INVALID,
                         "%s: its segment at %#" PRIx64 " (%" PRIu64
                         " KiB) does not fit into the guest's memory",
                         load->path, gpa, mem_bytes >> 10);
    }
    if (to) {
        memcpy(to, load->kernel->data + off, file_bytes);
        memset(to + file_bytes, 0, mem_bytes - file_bytes);
        load->low = MIN(load->low, gpa);
        load->end = MAX(load->end, gpa + mem_bytes);
    }
    return VIV_OK;
}

static viv_status_t mb_load_addresses(MbLoad *load)
{
    const VmBlob *kernel = load->kernel;
    if (load->header + 32 > kernel->len) {
        return error_set(load->err, VIV_E_CORRUPT, "%s: ends within its Multiboot header",
                         load->path);
    }
    const uint8_t *h = kernel->data + load->header;
    uint64_t header_addr = vm_u32(h + 12), load_addr = vm_u32(h + 16);
    uint64_t load_end = vm_u32(h + 20), bss_end = vm_u32(h + 24);
    if (load_addr > header_addr || header_addr - load_addr > load->header) {
        return error_set(load->err, VIV_E_CORRUPT,
                         "%s: impossible load address in the Multiboot header", load->path);
    }
    uint64_t off = load->header - (header_addr - load_addr);
    uint64_t bytes = load_end ? load_end - load_addr : kernel->len - off;
    load->entry = vm_u32(h + 28);
    return mb_segment(load, load_addr, off, bytes,
                      bss_end > load_addr + bytes ? bss_end - load_addr : bytes);
}

/* Where ELF32 and ELF64 keep what a loader needs: offsets into the file header and into a program
 * header. GRUB takes 64-bit files too as long as they start in 32-bit code below 4 GiB. */
typedef struct MbElf {
    uint8_t class;
    uint16_t machine;
    uint32_t header_bytes, entry, phoff, phentsize, phnum, ph_bytes;
    uint32_t p_offset, p_paddr, p_filesz, p_memsz;
    uint64_t (*word)(const uint8_t *at);
} MbElf;

static uint64_t mb_word32(const uint8_t *at)
{
    return vm_u32(at);
}

static uint64_t mb_word64(const uint8_t *at)
{
    return vm_u32(at) | (uint64_t)vm_u32(at + 4) << 32;
}

static const MbElf mb_elfs[] = {
    {1, 3, 52, 24, 28, 42, 44, 32, 4, 12, 16, 20, mb_word32},  /* EM_386 */
    {2, 62, 64, 24, 32, 54, 56, 56, 8, 24, 32, 40, mb_word64}, /* EM_X86_64 */
};

static const MbElf *mb_elf_of(const VmBlob *kernel)
{
    const uint8_t *elf = kernel->data;
    for (size_t i = 0; i < G_N_ELEMENTS(mb_elfs); i++) {
        const MbElf *kind = &mb_elfs[i];
        if (kernel->len >= kind->header_bytes && memcmp(elf, "\177ELF", 4) == 0 &&
            elf[4] == kind->class && elf[5] == 1 && vm_u16(elf + 18) == kind->machine) {
            return kind;
        }
    }
    return NULL;
}

static viv_status_t mb_load_elf(MbLoad *load)
{
    const VmBlob *kernel = load->kernel;
    const MbElf *kind = mb_elf_of(kernel);
    if (!kind) {
        return error_set(load->err, VIV_E_UNSUPPORTED,
                         "%s: a Multiboot kernel must be an x86 ELF file or carry load addresses",
                         load->path);
    }
    const uint8_t *elf = kernel->data;
    uint64_t phoff = kind->word(elf + kind->phoff), entry = kind->word(elf + kind->entry);
    uint64_t phentsize = vm_u16(elf + kind->phentsize), phnum = vm_u16(elf + kind->phnum);
    if (phentsize < kind->ph_bytes || phoff > kernel->len ||
        phnum * phentsize > kernel->len - phoff) {
        return error_set(load->err, VIV_E_CORRUPT, "%s: program headers lie outside the file",
                         load->path);
    }
    if (entry >= PGM_4G) {
        return error_set(load->err, VIV_E_UNSUPPORTED,
                         "%s: its entry point %#" PRIx64 " is not in the first 4 GiB", load->path,
                         entry);
    }
    load->entry = (uint32_t)entry;
    for (uint64_t i = 0; i < phnum; i++) {
        const uint8_t *ph = elf + phoff + i * phentsize;
        if (vm_u32(ph) != 1) { /* PT_LOAD */
            continue;
        }
        viv_status_t st =
            mb_segment(load, kind->word(ph + kind->p_paddr), kind->word(ph + kind->p_offset),
                       kind->word(ph + kind->p_filesz), kind->word(ph + kind->p_memsz));
        if (st) {
            return st;
        }
    }
    return load->end ? VIV_OK
                     : error_set(load->err, VIV_E_CORRUPT, "%s: nothing to load", load->path);
}

/* The area behind the kernel where information goes, growing up. */
typedef struct MbArea {
    MbLoad *load;
    uint64_t at;
} MbArea;

static viv_status_t mb_area_put(MbArea *area, const char *what, const void *data, uint64_t len,
                                uint64_t align, uint32_t *ret_gpa)
{
    uint64_t gpa = (area->at + align - 1) & ~(align - 1);
    *ret_gpa = (uint32_t)gpa;
    area->at = gpa + len;
    if (area->at > pgm_ram_below_4g(area->load->vm->pgm)) {
        return error_set(area->load->err, VIV_E_INVALID, "%s: does not fit into the guest's memory",
                         what);
    }
    return vm_put(area->load->vm, what, gpa, data, len, area->load->err);
}

/* "file args,file args" */
static viv_status_t mb_modules(MbArea *area, const char *modules, uint8_t *list,
                               uint32_t *ret_count)
{
    g_auto(GStrv) words = g_strsplit(modules ? modules : "", ",", -1);
    uint32_t count = 0;
    for (char **word = words; *word; word++) {
        VmBlob blob = {0};
        if (!**word) {
            continue;
        }
        g_autofree char *path = g_strndup(*word, strcspn(*word, " "));
        if (count == MB_MODULES_MAX) {
            return error_set(area->load->err, VIV_E_INVALID, "more than %u modules",
                             MB_MODULES_MAX);
        }
        viv_status_t st = vm_read_file(path, &blob, area->load->err);
        if (st) {
            return st;
        }
        uint32_t gpa, text;
        st = mb_area_put(area, path, blob.data, blob.len, 4096, &gpa);
        g_free(blob.data);
        if (st || (st = mb_area_put(area, "module string", *word, strlen(*word) + 1, 4, &text))) {
            return st;
        }
        vm_set_u32(list + count * 16, gpa);
        vm_set_u32(list + count * 16 + 4, (uint32_t)(gpa + blob.len));
        vm_set_u32(list + count * 16 + 8, text);
        count++;
    }
    *ret_count = count;
    return VIV_OK;
}

static uint32_t mb_map(Vm *vm, uint8_t *map)
{
    uint64_t low = pgm_ram_below_4g(vm->pgm), all = pgm_ram_bytes(vm->pgm);
    const uint64_t ranges[4][3] = {{0, VM_LOW_RAM_END, 1},
                                   {VM_LOW_RAM_END, 0x100000, 2},
                                   {0x100000, low, 1},
                                   {PGM_4G, PGM_4G + (all - low), 1}};
    uint32_t bytes = 0;
    for (int i = 0; i < 4; i++) {
        if (ranges[i][1] > ranges[i][0]) {
            vm_set_u32(map + bytes, 20);
            vm_set_u64(map + bytes + 4, ranges[i][0]);
            vm_set_u64(map + bytes + 12, ranges[i][1] - ranges[i][0]);
            vm_set_u32(map + bytes + 20, (uint32_t)ranges[i][2]);
            bytes += 24;
        }
    }
    return bytes;
}

static viv_status_t mb_info(MbArea *area, const char *modules, const char *cmdline,
                            uint32_t *ret_info)
{
    static const char name[] = "vivarium";
    Vm *vm = area->load->vm;
    uint8_t info[MB_INFO_BYTES] = {0}, list[MB_MODULES_MAX * 16] = {0}, map[4 * 24];
    uint32_t count = 0, gpa, map_bytes = mb_map(vm, map);
    g_autofree char *line =
        g_strdup_printf("%s%s%s", area->load->path, *cmdline ? " " : "", cmdline);
    viv_status_t st = mb_modules(area, modules, list, &count);
    if (st || (st = mb_area_put(area, "module list", list, count * 16, 4, &gpa))) {
        return st;
    }
    vm_set_u32(info, MB_INFO_FLAGS);
    vm_set_u32(info + 4, VM_LOW_RAM_END >> 10);
    vm_set_u32(info + 8, (uint32_t)((pgm_ram_below_4g(vm->pgm) - 0x100000) >> 10));
    vm_set_u32(info + 20, count);
    vm_set_u32(info + 24, gpa);
    if ((st = mb_area_put(area, "command line", line, strlen(line) + 1, 4, &gpa))) {
        return st;
    }
    vm_set_u32(info + 16, gpa);
    if ((st = mb_area_put(area, "memory map", map, map_bytes, 4, &gpa))) {
        return st;
    }
    vm_set_u32(info + 44, map_bytes);
    vm_set_u32(info + 48, gpa);
    if ((st = mb_area_put(area, "loader name", name, sizeof name, 4, &gpa))) {
        return st;
    }
    vm_set_u32(info + 64, gpa);
    return mb_area_put(area, "boot information", info, sizeof info, 16, ret_info);
}

viv_status_t vm_boot_multiboot(Vm *vm, const char *path, const VmBlob *kernel, const char *modules,
                               const char *cmdline, VivError *err)
{
    MbLoad load = {.vm = vm, .path = path, .kernel = kernel, .low = UINT64_MAX, .err = err};
    uint64_t rsdp, top = pgm_ram_below_4g(vm->pgm);
    uint32_t info, gdt;
    if (!mb_find(kernel, &load.header)) {
        return error_set(err, VIV_E_INVALID, "%s: no Multiboot header", path);
    }
    load.flags = vm_u32(kernel->data + load.header + 4);
    if ((load.flags & 0xffff) & ~(MB_KNOWN_REQUIRED | MB_FLAG_VIDEO)) {
        return error_set(err, VIV_E_UNSUPPORTED,
                         "%s: requires Multiboot features %#x that this loader does not have", path,
                         (load.flags & 0xffff) & ~(MB_KNOWN_REQUIRED | MB_FLAG_VIDEO));
    }
    viv_status_t st =
        (load.flags & MB_FLAG_ADDRESSES) ? mb_load_addresses(&load) : mb_load_elf(&load);
    if (st || (st = vm_boot_acpi(vm, top, &rsdp, &top, err))) {
        return st;
    }
    MbArea area = {&load, MAX(load.end, 0x100000)};
    const uint8_t zero[32] = {0};
    if ((st = mb_info(&area, modules, cmdline, &info)) ||
        (st = mb_area_put(&area, "GDT", zero, sizeof zero, 16, &gdt)) ||
        (st = vm_enter_flat32(vm, gdt, load.entry, err))) {
        return st;
    }
    em_vcpu(vm->em, 0)->cpu->gpr[VIV_REG_RAX] = MB_BOOTED;
    em_vcpu(vm->em, 0)->cpu->gpr[VIV_REG_RBX] = info;
    return VIV_OK;
}
