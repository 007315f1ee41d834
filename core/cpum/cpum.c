/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* CPUM: reset states and saved state of a vCPU (see cpum.h). Sources: Intel SDM vol. 3, chapters 10
 * and 12. */
#include "cpum/cpum.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "cpum/cpum_internal.h"

#define CPUM_STATE_VERSION 3 /* 2: pdpte; 3: tr_test */

static void cpum_seg_real(viv_segreg_t *seg, uint16_t sel, uint64_t base, uint32_t attr)
{
    *seg = (viv_segreg_t){.base = base, .limit = 0xffff, .attr = attr, .sel = sel};
}

/* The processors before the 80386: a fixed IVT, no control registers, and their own first address.
 * Bits 12-15 of FLAGS do not exist on the 8086 and read as ones. Sources: iAPX 86/88 User's Manual,
 * 80286 Programmer's Reference Manual, "Reset and initialization". */
static void cpum_reset_16bit(const Cpum *cpum, viv_cpu_t *cpu)
{
    gboolean is_8086 = cpum_family(cpum) == 0;
    cpu->gpr[VIV_REG_RDX] = 0;
    cpu->rip = is_8086 ? 0 : 0xfff0;
    cpu->rflags = is_8086 ? 0xf002 : 2;
    cpum_seg_real(&cpu->seg[VIV_SEG_CS], is_8086 ? 0xffff : 0xf000, is_8086 ? 0xffff0 : 0xff0000,
                  VIV_ATTR_P | VIV_ATTR_S | 0xb);
    cpu->idtr.limit = 0x3ff;
}

/* What RESET and INIT have in common. */
static void cpum_reset_common(const Cpum *cpum, viv_cpu_t *cpu)
{
    memset(cpu->gpr, 0, sizeof cpu->gpr);
    cpu->gpr[VIV_REG_RDX] = cpum->signature;
    cpu->rip = 0xfff0;
    cpu->rflags = 2;
    for (uint32_t i = 0; i < 6; i++) {
        cpum_seg_real(&cpu->seg[i], 0, 0, VIV_ATTR_P | VIV_ATTR_S | 3);
    }
    cpum_seg_real(&cpu->seg[VIV_SEG_CS], 0xf000, 0xffff0000, VIV_ATTR_P | VIV_ATTR_S | 0xb);
    cpum_seg_real(&cpu->ldtr, 0, 0, VIV_ATTR_P | 2);
    cpum_seg_real(&cpu->tr, 0, 0, VIV_ATTR_P | 0xb);
    cpu->gdtr = (viv_tablereg_t){.limit = 0xffff};
    cpu->idtr = (viv_tablereg_t){.limit = 0xffff};
    cpu->cr2 = cpu->cr3 = cpu->cr4 = cpu->efer = 0;
    memset(cpu->dr, 0, sizeof cpu->dr);
    cpu->dr[6] = 0xffff0ff0;
    cpu->dr[7] = 0x400;
    cpu->activity = cpu->vcpu == 0 ? VIV_ACT_RUNNING : VIV_ACT_WAIT_SIPI;
    cpu->shadow = cpu->nmi_blocked = cpu->pending_db = 0;
    if (cpum_family(cpum) < 3) {
        cpum_reset_16bit(cpum, cpu);
    }
}

/* CR0: caches off since the 486, which also always shows ET; the 386 shows a coprocessor by it, and
 * those before have four bits of it, all zero. */
static uint64_t cpum_reset_cr0(const Cpum *cpum)
{
    uint32_t family = cpum_family(cpum);
    return family >= 4 ? 0x60000010 : family == 3 && cpum_has(cpum, CPUM_1_EDX, 0) ? 0x10 : 0;
}

void cpum_reset(const Cpum *cpum, viv_cpu_t *cpu, uint32_t index)
{
    uint64_t icount = cpu->icount; /* the deterministic clock does not jump back */
    memset(cpu, 0, sizeof *cpu);
    cpu->size = sizeof *cpu;
    cpu->vcpu = index;
    cpu->icount = icount;
    cpum_reset_common(cpum, cpu);
    cpu->cr0 = cpum_reset_cr0(cpum);
    cpu->xcr0 = 1;
    cpu->pat = UINT64_C(0x0007040600070406);
    cpu->misc_enable = 1; /* fast strings */
    cpu->mtrr_def_type = 0;
    /* FPU after RESET: FCW 0040h, all tags empty is 5555h in the full form: abridged zero means
     * empty. */
    cpu->xsave[0] = 0x40;
    cpu->xsave[24] = 0x80; /* MXCSR 1F80h */
    cpu->xsave[25] = 0x1f;
}

void cpum_init(const Cpum *cpum, viv_cpu_t *cpu)
{
    uint64_t kept = cpu->cr0 & 0x60000000; /* CD and NW stay */
    cpum_reset_common(cpum, cpu);
    cpu->cr0 = kept | (cpum_reset_cr0(cpum) & 0x10);
}

/* -- random numbers -------------------------------------------------------------------------- */

void cpum_set_seed(Cpum *cpum, uint64_t seed)
{
    cpum->seeded = TRUE;
    cpum->seed = seed;
}

/* A mixing function whose neighbouring arguments give unrelated values: rounds of fold and
 * multiply. */
static uint64_t cpum_mix(uint64_t v)
{
    for (int round = 0; round < 3; round++) {
        v ^= v >> 32;
        v *= UINT64_C(0xd6e8feb86659fd93);
    }
    return v ^ v >> 32;
}

viv_status_t cpum_random(const Cpum *cpum, const viv_cpu_t *cpu, uint64_t *ret_value)
{
    if (cpum->seeded) {
        *ret_value = cpum_mix(cpum_mix(cpum_mix(cpum->seed) + cpu->vcpu) + cpu->icount);
        return VIV_OK;
    }
    ssize_t got = getrandom(ret_value, sizeof *ret_value, GRND_NONBLOCK);
    return got == (ssize_t)sizeof *ret_value ? VIV_OK : VIV_E_BUSY;
}

viv_status_t cpum_random_bytes(const Cpum *cpum, uint32_t owner, uint64_t when, uint64_t from,
                               void *buf, uint64_t len_bytes)
{
    uint8_t *to = buf;
    if (cpum->seeded) {
        uint64_t base = cpum_mix(cpum_mix(cpum_mix(cpum->seed) + ~(uint64_t)owner) + when);
        for (uint64_t i = 0; i < len_bytes; i++) {
            to[i] = (uint8_t)(cpum_mix(base + ((from + i) >> 3)) >> 8 * ((from + i) & 7));
        }
        return VIV_OK;
    }
    while (len_bytes) {
        ssize_t got = getrandom(to, len_bytes, 0);
        if (got < 0 && errno != EINTR) {
            return VIV_E_IO;
        }
        to += MAX(got, 0);
        len_bytes -= (uint64_t)MAX(got, 0);
    }
    return VIV_OK;
}

/* -- saved state ----------------------------------------------------------------------------- */

static const viv_field_t cpum_seg_fields[] = {
    VIV_FIELD(viv_segreg_t, base, VIV_U64, 1),
    VIV_FIELD(viv_segreg_t, limit, VIV_U32, 1),
    VIV_FIELD(viv_segreg_t, attr, VIV_U32, 1),
    VIV_FIELD(viv_segreg_t, sel, VIV_U16, 1),
    {0},
};

static const viv_field_t cpum_table_fields[] = {
    VIV_FIELD(viv_tablereg_t, base, VIV_U64, 1),
    VIV_FIELD(viv_tablereg_t, limit, VIV_U16, 1),
    {0},
};

#define CPUM_U64(member) VIV_FIELD(viv_cpu_t, member, VIV_U64, 1)
#define CPUM_U32(member) VIV_FIELD(viv_cpu_t, member, VIV_U32, 1)

static const viv_field_t cpum_fields[] = {
    VIV_FIELD_ARRAY(viv_cpu_t, gpr, VIV_U64, 1),
    CPUM_U64(rip),
    CPUM_U64(rflags),
    VIV_FIELD_STRUCTS(viv_cpu_t, seg, cpum_seg_fields, 1),
    VIV_FIELD_STRUCT(viv_cpu_t, ldtr, cpum_seg_fields, 1),
    VIV_FIELD_STRUCT(viv_cpu_t, tr, cpum_seg_fields, 1),
    VIV_FIELD_STRUCT(viv_cpu_t, gdtr, cpum_table_fields, 1),
    VIV_FIELD_STRUCT(viv_cpu_t, idtr, cpum_table_fields, 1),
    CPUM_U64(cr0),
    CPUM_U64(cr2),
    CPUM_U64(cr3),
    CPUM_U64(cr4),
    CPUM_U64(efer),
    CPUM_U64(xcr0),
    VIV_FIELD_ARRAY(viv_cpu_t, dr, VIV_U64, 1),
    VIV_FIELD_ARRAY(viv_cpu_t, pdpte, VIV_U64, 2),
    VIV_FIELD_ARRAY(viv_cpu_t, tr_test, VIV_U32, 3),
    CPUM_U64(star),
    CPUM_U64(lstar),
    CPUM_U64(cstar),
    CPUM_U64(sfmask),
    CPUM_U64(kernel_gs_base),
    CPUM_U64(sysenter_cs),
    CPUM_U64(sysenter_esp),
    CPUM_U64(sysenter_eip),
    CPUM_U64(tsc_aux),
    CPUM_U64(pat),
    CPUM_U64(misc_enable),
    CPUM_U64(spec_ctrl),
    CPUM_U64(mtrr_def_type),
    VIV_FIELD_ARRAY(viv_cpu_t, mtrr_fix, VIV_U64, 1),
    VIV_FIELD_ARRAY(viv_cpu_t, mtrr_var_base, VIV_U64, 1),
    VIV_FIELD_ARRAY(viv_cpu_t, mtrr_var_mask, VIV_U64, 1),
    CPUM_U32(activity),
    CPUM_U32(shadow),
    CPUM_U32(nmi_blocked),
    CPUM_U32(pending_db),
    CPUM_U64(icount),
    VIV_FIELD_BYTES(viv_cpu_t, xsave, 1),
    {0},
};

viv_status_t cpum_save(const viv_cpu_t *cpu, SsmWriter *writer)
{
    viv_status_t st = ssm_unit_begin(writer, "cpum", cpu->vcpu, CPUM_STATE_VERSION, SSM_PASS_FINAL);
    if (st) {
        return st;
    }
    ssm_put_fields(ssm_writer_stream(writer), cpum_fields, sizeof cpum_fields[0], cpu);
    return ssm_unit_end(writer);
}

/* Every byte came from a file: what no CPU could hold is refused. */
static viv_status_t cpum_check(const viv_cpu_t *cpu, VivError *err)
{
    uint32_t mxcsr;
    memcpy(&mxcsr, &cpu->xsave[24], sizeof mxcsr);
    if (cpu->activity > VIV_ACT_WAIT_SIPI || (cpu->shadow & ~3u) || !(cpu->rflags & 2) ||
        (mxcsr >> 16) || !(cpu->xcr0 & 1) || (cpu->cr0 >> 32) ||
        ((cpu->cr0 & 0x80000001) == 0x80000000)) {
        return error_set(err, VIV_E_CORRUPT, "unit cpum/%u holds a state that no CPU has",
                         cpu->vcpu);
    }
    return VIV_OK;
}

viv_status_t cpum_load(const Cpum *cpum, viv_cpu_t *cpu, SsmReader *reader, VivError *err)
{
    uint32_t vcpu = cpu->vcpu;
    viv_stream_t *in;
    SsmUnitInfo info;
    viv_status_t st = ssm_unit_open_named(reader, "cpum", vcpu, &info, &in, err);
    if (st) {
        return st;
    }
    cpum_reset(cpum, cpu, vcpu);
    if (info.version < 2) {
        memset(cpu->pdpte, 0xff, sizeof cpu->pdpte); /* no CPU has this: the engine reads memory */
    }
    st = ssm_get_fields(in, cpum_fields, sizeof cpum_fields[0], cpu, info.version);
    if (st) {
        return error_set(err, st, "%s", ssm_stream_error(in));
    }
    return cpum_check(cpu, err);
}
