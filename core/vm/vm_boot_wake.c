/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* VM: the firmware's part of a wake from S3 for a machine without firmware: finds the FACS as
 * firmware does (RSDP in the BIOS area, RSDT, FADT) and goes to the guest's waking vector (ACPI 6.5,
 * 5.2.10, 16.1.3). All of it lies in guest memory, so every byte may be nonsense: then the kernel
 * boots anew. */
#include <string.h>

#include "log/log.h"
#include "vm/vm_internal.h"

#define WAKE_BIOS_AREA   0xe0000u
#define WAKE_BIOS_END    0x100000u
#define WAKE_HEADER      36u
#define WAKE_FADT_FACS   36u
#define WAKE_FADT_BYTES  44u
#define WAKE_FACS_BYTES  40u
#define WAKE_FACS_VECTOR 12u
#define WAKE_FACS_X      24u
#define WAKE_TABLES_MAX  256u

static const uint8_t *wake_table(Vm *vm, uint64_t gpa, const char *signature, uint32_t min_bytes)
{
    const uint8_t *at = gpa ? pgm_ram_ptr(vm->pgm, gpa, min_bytes) : NULL;
    return at && !memcmp(at, signature, 4) && vm_u32(at + 4) >= min_bytes ? at : NULL;
}

static const uint8_t *wake_rsdp(Vm *vm)
{
    for (uint64_t gpa = WAKE_BIOS_AREA; gpa < WAKE_BIOS_END; gpa += 16) {
        const uint8_t *at = pgm_ram_ptr(vm->pgm, gpa, 20);
        uint8_t sum = 0;
        for (uint32_t i = 0; at && i < 20; i++) {
            sum = (uint8_t)(sum + at[i]);
        }
        if (at && !memcmp(at, "RSD PTR ", 8) && !sum) {
            return at;
        }
    }
    return NULL;
}

static const uint8_t *wake_facs(Vm *vm)
{
    const uint8_t *rsdp = wake_rsdp(vm);
    const uint8_t *rsdt = rsdp ? wake_table(vm, vm_u32(rsdp + 16), "RSDT", WAKE_HEADER) : NULL;
    uint32_t count = rsdt ? MIN((vm_u32(rsdt + 4) - WAKE_HEADER) / 4, WAKE_TABLES_MAX) : 0;
    const uint8_t *list =
        count ? pgm_ram_ptr(vm->pgm, vm_u32(rsdp + 16) + (uint64_t)WAKE_HEADER, count * 4) : NULL;
    for (uint32_t i = 0; list && i < count; i++) {
        const uint8_t *fadt = wake_table(vm, vm_u32(list + 4 * i), "FACP", WAKE_FADT_BYTES);
        if (fadt) {
            return wake_table(vm, vm_u32(fadt + WAKE_FADT_FACS), "FACS", WAKE_FACS_BYTES);
        }
    }
    return NULL;
}

/* Real mode at the vector: CS its paragraph, IP the rest. */
static void wake_enter(Vm *vm, uint32_t vector)
{
    viv_cpu_t *cpu = em_vcpu(vm->em, 0)->cpu;
    cpu->seg[VIV_SEG_CS].sel = (uint16_t)(vector >> 4);
    cpu->seg[VIV_SEG_CS].base = vector & 0xffff0u;
    cpu->rip = vector & 0xfu;
}

viv_status_t vm_boot_wake(Vm *vm, VivError *err)
{
    if (!cfgm_string(vm->cfgm, "Boot/KernelImage", NULL)) {
        return VIV_OK; /* the firmware's business */
    }
    vm_boot_board(vm); /* the tables lie where the BIOS would shadow itself */
    const uint8_t *facs = wake_facs(vm);
    uint32_t vector = facs ? vm_u32(facs + WAKE_FACS_VECTOR) : 0;
    if (!vector || vector >= WAKE_BIOS_END) {
        viv_log(
            "vm", VIV_LOG_WARN,
            "the guest has set no waking vector that a CPU in real mode could go to%s: it boots "
            "anew",
            facs && vm_u32(facs + WAKE_FACS_X) ? " (only the 64-bit one)" : "");
        return vm_boot_direct(vm, err);
    }
    wake_enter(vm, vector);
    return VIV_OK;
}
