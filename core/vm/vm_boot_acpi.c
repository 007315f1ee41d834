/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* VM: places the ACPI tables for a boot without firmware, by running the script "etc/table-loader"
 * that firmware would run: records of 128 bytes {u32 command, ...}: 1 allocate, 2 add pointer, 3
 * add checksum. */
#include <string.h>

#include "vm/vm_internal.h"

#define AL_RECORD       128u
#define AL_NAME         56u
#define AL_ALLOCATE     1u
#define AL_ADD_POINTER  2u
#define AL_ADD_CHECKSUM 3u
#define AL_FILES        8u
#define AL_FSEG_BASE    0xf0000u /* BIOS area: where an RSDP is searched for */

typedef struct AlFile {
    char name[AL_NAME];
    uint8_t *ram; /* in guest memory */
    uint64_t gpa, len;
} AlFile;

typedef struct AlRun {
    Vm *vm;
    AlFile files[AL_FILES];
    uint32_t count;
    uint64_t top, fseg;
    VivError *err;
} AlRun;

static AlFile *al_find(AlRun *run, const uint8_t *name)
{
    for (uint32_t i = 0; i < run->count; i++) {
        if (!strncmp(run->files[i].name, (const char *)name, AL_NAME)) {
            return &run->files[i];
        }
    }
    return NULL;
}

/* {char file[56]; u32 align; u8 zone (1 high, 2 F segment)} */
static viv_status_t al_allocate(AlRun *run, const uint8_t *arg)
{
    char name[AL_NAME];
    uint64_t len = 0;
    memcpy(name, arg, AL_NAME);
    name[AL_NAME - 1] = 0;
    const uint8_t *data = pdm_fwfile(run->vm->pdm, name, &len);
    uint64_t align = MAX(vm_u32(arg + AL_NAME), 1);
    uint8_t zone = arg[AL_NAME + 4];
    if (!data || run->count == AL_FILES || (align & (align - 1)) || len > run->top / 2) {
        return error_set(run->err, VIV_E_CORRUPT, "etc/table-loader: cannot place \"%s\"", name);
    }
    AlFile *file = &run->files[run->count];
    if (zone == 2) {
        file->gpa = (run->fseg + align - 1) & ~(align - 1);
        run->fseg = file->gpa + len;
    } else {
        file->gpa = (run->top - len) & ~(align - 1);
        run->top = file->gpa;
    }
    viv_status_t st = vm_put(run->vm, name, file->gpa, data, len, run->err);
    if (st) {
        return st;
    }
    memcpy(file->name, name, AL_NAME);
    file->len = len;
    file->ram = pgm_ram_ptr(run->vm->pgm, file->gpa, len);
    run->count++;
    return VIV_OK;
}

/* {char dest[56]; char source[56]; u32 offset; u8 size}: adds source's address to the pointer in
 * dest */
static viv_status_t al_add_pointer(AlRun *run, const uint8_t *arg)
{
    AlFile *dest = al_find(run, arg), *src = al_find(run, arg + AL_NAME);
    uint64_t off = vm_u32(arg + 2 * AL_NAME);
    uint32_t size = arg[2 * AL_NAME + 4];
    if (!dest || !src || size > 8 || size == 0 || off > dest->len || size > dest->len - off) {
        return error_set(run->err, VIV_E_CORRUPT, "etc/table-loader: a pointer outside its file");
    }
    uint64_t value = 0;
    memcpy(&value, dest->ram + off, size);
    value += src->gpa;
    memcpy(dest->ram + off, &value, size);
    return VIV_OK;
}

/* {char file[56]; u32 result offset; u32 start; u32 length} */
static viv_status_t al_add_checksum(AlRun *run, const uint8_t *arg)
{
    AlFile *file = al_find(run, arg);
    uint64_t at = vm_u32(arg + AL_NAME), start = vm_u32(arg + AL_NAME + 4),
             len = vm_u32(arg + AL_NAME + 8);
    if (!file || at >= file->len || start > file->len || len > file->len - start) {
        return error_set(run->err, VIV_E_CORRUPT, "etc/table-loader: a checksum outside its file");
    }
    uint8_t sum = 0;
    for (uint64_t i = 0; i < len; i++) {
        sum = (uint8_t)(sum + file->ram[start + i]);
    }
    file->ram[at] = (uint8_t)(file->ram[at] - sum);
    return VIV_OK;
}

static viv_status_t al_record(AlRun *run, const uint8_t *record)
{
    switch (vm_u32(record)) {
    case AL_ALLOCATE: return al_allocate(run, record + 4);
    case AL_ADD_POINTER: return al_add_pointer(run, record + 4);
    case AL_ADD_CHECKSUM: return al_add_checksum(run, record + 4);
    default: return VIV_OK; /* unknown commands are for later firmware */
    }
}

viv_status_t vm_boot_acpi(Vm *vm, uint64_t top, uint64_t *ret_rsdp, uint64_t *ret_low,
                          VivError *err)
{
    uint64_t len = 0;
    const uint8_t *script = pdm_fwfile(vm->pdm, "etc/table-loader", &len);
    AlRun run = {.vm = vm, .top = top, .fseg = AL_FSEG_BASE, .err = err};
    for (uint64_t at = 0; script && at + AL_RECORD <= len; at += AL_RECORD) {
        viv_status_t st = al_record(&run, script + at);
        if (st) {
            return st;
        }
    }
    AlFile *rsdp = al_find(&run, (const uint8_t *)"etc/acpi/rsdp");
    *ret_rsdp = rsdp ? rsdp->gpa : 0;
    *ret_low = run.top;
    return VIV_OK;
}
