/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* host_guest: runs code on an engine, in a guest that looks like a process of the host's: the same
 * user pages and selectors, control registers as Linux has them. Each vector's gate leads to a
 * HLT of its own; what the exception pushed tells the rest. The tables are supervisor pages in
 * the upper half. */
#include <string.h>

#include "host.h"

#define GUEST_RAM     0x1000000u
#define GUEST_KERNEL  UINT64_C(0xffff800000000000) /* first 2 MiB of RAM */
#define GUEST_GDT     0x8000u
#define GUEST_IDT     0x9000u
#define GUEST_TSS     0xa000u
#define GUEST_GATES   0xb000u /* 16 bytes a vector */
#define GUEST_RSP0    0xe000u
#define GUEST_TABLES  0x10000u
#define GUEST_REGIONS 0x200000u

static uint64_t guest_table_next;

static uint64_t guest_table(Rig *rig)
{
    uint64_t gpa = guest_table_next;
    guest_table_next += 0x1000;
    memset(rig->ram + gpa, 0, 0x1000);
    return gpa;
}

static void guest_map(Rig *rig, uint64_t lin, uint64_t gpa, uint64_t bits)
{
    uint64_t at = GUEST_TABLES;
    int level;
    for (level = 3; level > 0; level--) {
        uint64_t slot = at + (lin >> (12 + 9 * level) & 511) * 8, next = rig_r64(rig, slot);
        if (!next) {
            next = guest_table(rig) | 0x27;
            rig_w64(rig, slot, next);
        }
        at = next & ~UINT64_C(0xfff);
    }
    rig_w64(rig, at + (lin >> 12 & 511) * 8, gpa | bits);
}

static void guest_pages(Rig *rig)
{
    uint64_t gpa = GUEST_REGIONS, off;
    unsigned k;
    guest_table_next = GUEST_TABLES;
    (void)guest_table(rig);
    for (off = 0; off < GUEST_TABLES; off += 0x1000)
        guest_map(rig, GUEST_KERNEL + off, off, 0x63);
    for (k = 0; k < HOST_REGIONS; k++) {
        HostRegion *r = &host_regions[k];
        if (!r->native)
            continue;
        r->guest = rig->ram + gpa;
        memset(r->native, r->exec ? 0xcc : 0, r->bytes);
        memset(r->guest, r->exec ? 0xcc : 0, r->bytes);
        for (off = 0; off < r->bytes; off += 0x1000, gpa += 0x1000)
            guest_map(rig, r->lin + off, gpa,
                      0x65u | (r->write ? 2u : 0) | (r->exec ? 0 : UINT64_C(1) << 63));
    }
}

/* As Linux lays it out (arch/x86 segment numbers are ABI: sigcontext and core files show them). */
static void guest_descriptors(Rig *rig)
{
    static const uint64_t gdt[] = {0,
                                   UINT64_C(0x00cf9b000000ffff),
                                   UINT64_C(0x00af9b000000ffff),
                                   UINT64_C(0x00cf93000000ffff),
                                   UINT64_C(0x00cffb000000ffff),
                                   UINT64_C(0x00cff3000000ffff),
                                   UINT64_C(0x00affb000000ffff)};
    unsigned k;
    memcpy(rig->ram + GUEST_GDT, gdt, sizeof(gdt));
    for (k = 0; k < 32; k++) {
        uint64_t to = GUEST_KERNEL + GUEST_GATES + k * 16;
        uint64_t type = k == 3 || k == 4 ? 0xee : 0x8e;
        rig->ram[GUEST_GATES + k * 16] = 0xf4;
        rig_w64(rig, GUEST_IDT + k * 16,
                (to & 0xffff) | 0x10 << 16 | type << 40 | (to >> 16 & 0xffff) << 48);
        rig_w64(rig, GUEST_IDT + k * 16 + 8, to >> 32);
    }
    rig_w64(rig, GUEST_TSS + 4, GUEST_KERNEL + GUEST_RSP0);
    rig_w32(rig, GUEST_TSS + 0x64, 0xffffu << 16); /* no I/O permissions */
}

static void guest_system(Rig *rig)
{
    viv_cpu_t *s = rig->cpu;
    s->gdtr = (viv_tablereg_t){.base = GUEST_KERNEL + GUEST_GDT, .limit = 0x7f};
    s->idtr = (viv_tablereg_t){.base = GUEST_KERNEL + GUEST_IDT, .limit = 0xfff};
    s->tr =
        (viv_segreg_t){.base = GUEST_KERNEL + GUEST_TSS, .limit = 0x67, .attr = 0x8b, .sel = 0x40};
    s->ldtr = (viv_segreg_t){.attr = VIV_ATTR_UNUSABLE | 0x82};
    s->cr0 = 0x80050033; /* PG, AM, WP, NE, ET, MP, PE */
    s->cr3 = GUEST_TABLES;
    s->cr4 = 0x50620; /* OSXSAVE, FSGSBASE, OSXMMEXCPT, OSFXSR, PAE */
    s->efer = 0xd01;
    s->xcr0 = 7;
}

static void guest_segments(viv_cpu_t *s, const HostState *in)
{
    bool compat = in->sel[VIV_SEG_CS] == HOST_CS32;
    unsigned k;
    for (k = 0; k < 4; k++)
        s->seg[k] = (viv_segreg_t){.limit = 0xffffffffu, .attr = 0xc0f3, .sel = HOST_DS};
    for (k = VIV_SEG_FS; k <= VIV_SEG_GS; k++)
        s->seg[k] = (viv_segreg_t){.base = in->base[k - VIV_SEG_FS], .attr = VIV_ATTR_UNUSABLE};
    s->seg[VIV_SEG_CS].sel = in->sel[VIV_SEG_CS];
    s->seg[VIV_SEG_CS].attr = compat ? 0xc0fb : 0xa0fb;
}

static void guest_load(viv_cpu_t *s, const HostState *in)
{
    const uint64_t bv = 7;
    guest_segments(s, in);
    memcpy(s->gpr, in->gpr, sizeof(s->gpr));
    s->rip = in->rip;
    s->rflags = in->rflags;
    memcpy(s->xsave, in->xsave, HOST_XSAVE);
    memset(s->xsave + 416, 0, 96);
    memset(s->xsave + HOST_XSAVE_BV, 0, 64);
    memcpy(s->xsave + HOST_XSAVE_BV, &bv, 8);
    s->activity = VIV_ACT_RUNNING;
    s->shadow = 0;
    s->pending_db = 0;
}

/* Vectors that push an error code. */
static bool guest_has_error(uint32_t vector)
{
    return vector == 8 || (vector >= 10 && vector <= 14) || vector == 17;
}

static void guest_store(Rig *rig, HostState *out)
{
    const viv_cpu_t *s = rig->cpu;
    uint64_t at = s->gpr[VIV_REG_RSP] - GUEST_KERNEL;
    unsigned k;
    memset(out, 0, sizeof(*out));
    memcpy(out->gpr, s->gpr, sizeof(out->gpr));
    memcpy(out->xsave, s->xsave, HOST_XSAVE);
    out->cr2 = s->cr2;
    for (k = 0; k < 6; k++)
        out->sel[k] = s->seg[k].sel;
    out->base[0] = s->seg[VIV_SEG_FS].base;
    out->base[1] = s->seg[VIV_SEG_GS].base;
    out->vector = (uint32_t)((s->rip - GUEST_KERNEL - GUEST_GATES) / 16);
    if (guest_has_error(out->vector)) {
        out->error = rig_r32(rig, at);
        at += 8;
    }
    out->rip = rig_r64(rig, at);
    out->sel[VIV_SEG_CS] = (uint16_t)rig_r64(rig, at + 8);
    out->rflags = rig_r64(rig, at + 16);
    out->gpr[VIV_REG_RSP] = rig_r64(rig, at + 24);
    out->sel[VIV_SEG_SS] = (uint16_t)rig_r64(rig, at + 32);
}

bool host_guest_run(Rig *rig, const HostState *in, HostState *ret_out)
{
    uint32_t exit;
    guest_load(rig->cpu, in);
    exit = rig_run(rig, 200);
    if (exit != VIV_EXIT_HALT || rig->cpu->rip - GUEST_KERNEL - GUEST_GATES >= 512) {
        ret_out->vector = exit;
        if (exit == VIV_EXIT_TRIPLE_FAULT)
            rig->cpu->activity = VIV_ACT_RUNNING;
        return false;
    }
    guest_store(rig, ret_out);
    return true;
}

void host_guest_code(Rig *rig, uint64_t lin, const uint8_t *bytes, size_t len)
{
    const HostRegion *r = &host_regions[HOST_REGION_CODE];
    rig_load(rig, (uint64_t)(r->guest - rig->ram) + (lin - r->lin), bytes, len);
}

Rig *host_guest_create(const char *plugin, const viv_engine_class_t *linked)
{
    Rig *rig = rig_create(plugin, linked, GUEST_RAM);
    if (!rig)
        return NULL;
    guest_pages(rig);
    guest_descriptors(rig);
    guest_system(rig);
    rig->engine->state_loaded(rig->vcpu.engine_self);
    return rig;
}
