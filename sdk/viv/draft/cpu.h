/* SPDX-License-Identifier: MIT */
/* Vivarium SDK, draft: the canonical state of one x86-64 vCPU (CPUM's).
 * Every engine loads from it and stores to it; an engine may work on it in place. Draft: the
 * layout may change between releases, so an engine is stamped with sizeof(viv_cpu_t) and refused
 * on a mismatch. Terms: Intel SDM volume 3. */
#ifndef VIV_DRAFT_CPU_H
#define VIV_DRAFT_CPU_H

#include <viv/types.h>

VIV_BEGIN_DECLS

/* General registers in encoding order. */
#define VIV_REG_RAX 0u
#define VIV_REG_RCX 1u
#define VIV_REG_RDX 2u
#define VIV_REG_RBX 3u
#define VIV_REG_RSP 4u
#define VIV_REG_RBP 5u
#define VIV_REG_RSI 6u
#define VIV_REG_RDI 7u

/* Segment registers in encoding order. */
#define VIV_SEG_ES 0u
#define VIV_SEG_CS 1u
#define VIV_SEG_SS 2u
#define VIV_SEG_DS 3u
#define VIV_SEG_FS 4u
#define VIV_SEG_GS 5u

/* Segment attributes: the descriptor's bits 40-47 and 52-55, as in VMX access rights
 * (SDM vol. 3, 25.4.1): type 0-3, S 4, DPL 5-6, P 7, AVL 12, L 13, D/B 14, G 15, unusable 16. */
#define VIV_ATTR_TYPE      0x0000fu
#define VIV_ATTR_S         0x00010u
#define VIV_ATTR_DPL_SHIFT 5u
#define VIV_ATTR_DPL       0x00060u
#define VIV_ATTR_P         0x00080u
#define VIV_ATTR_AVL       0x01000u
#define VIV_ATTR_L         0x02000u
#define VIV_ATTR_DB        0x04000u
#define VIV_ATTR_G         0x08000u
#define VIV_ATTR_UNUSABLE  0x10000u /* a null selector was loaded */

typedef struct viv_segreg {
    uint64_t base;
    uint32_t limit; /* in bytes, granularity applied */
    uint32_t attr;  /* VIV_ATTR_* */
    uint16_t sel;
    uint16_t reserved0[3];
} viv_segreg_t;

typedef struct viv_tablereg { /* GDTR, IDTR */
    uint64_t base;
    uint16_t limit;
    uint16_t reserved0[3];
} viv_tablereg_t;

/* viv_cpu_t.activity */
#define VIV_ACT_RUNNING   0u
#define VIV_ACT_HALTED    1u
#define VIV_ACT_SHUTDOWN  2u /* triple fault */
#define VIV_ACT_WAIT_SIPI 3u

/* viv_cpu_t.shadow: what is held off until the next instruction has completed. */
#define VIV_SHADOW_STI    1u
#define VIV_SHADOW_MOV_SS 2u

#define VIV_XSAVE_BYTES       1088u /* legacy region 512, header 64, AVX 256, PKRU at 832, room to 1088 */
#define VIV_XSAVE_AVX_OFFSET  576u
#define VIV_XSAVE_PKRU_OFFSET 832u
#define VIV_MTRR_VAR_COUNT    8u

typedef struct viv_cpu {
    uint32_t size; /* sizeof(viv_cpu_t) of the host */
    uint32_t vcpu; /* index */

    /* -- integer state ------------------------------------------------------------------- */
    uint64_t gpr[16];
    uint64_t rip;
    uint64_t rflags; /* always materialised when control is outside run() or in a host call */

    /* -- segmentation --------------------------------------------------------------------- */
    viv_segreg_t seg[6];
    viv_segreg_t ldtr;
    viv_segreg_t tr;
    viv_tablereg_t gdtr;
    viv_tablereg_t idtr;

    /* -- control and debug ------------------------------------------------------------------ */
    uint64_t cr0, cr2, cr3, cr4;
    uint64_t efer;
    uint64_t xcr0;
    uint64_t dr[8];      /* 4 and 5 unused */
    uint64_t pdpte[4];   /* the PDPTE registers of PAE paging (SDM vol. 3, 4.4.1) */
    uint32_t tr_test[8]; /* TR3-TR7, the test registers of the 386 and 486; 0-2 unused */

    /* -- MSRs that belong to the CPU proper; others go through viv_engine_host_t.msr_* -------- */
    uint64_t star, lstar, cstar, sfmask, kernel_gs_base;
    uint64_t sysenter_cs, sysenter_esp, sysenter_eip;
    uint64_t tsc_aux, pat, misc_enable, spec_ctrl;
    uint64_t mtrr_def_type, mtrr_fix[11];
    uint64_t mtrr_var_base[VIV_MTRR_VAR_COUNT], mtrr_var_mask[VIV_MTRR_VAR_COUNT];

    /* -- interruptibility ------------------------------------------------------------------------- */
    uint32_t activity;    /* VIV_ACT_* */
    uint32_t shadow;      /* VIV_SHADOW_* in force before the next instruction */
    uint32_t nmi_blocked; /* an NMI handler runs: until IRET */
    uint32_t pending_db;  /* DR6 bits of a #DB to be raised before the next instruction (0: none) */

    /* Instructions retired since creation; a REP instruction counts once, when it completes. Exact
     * in every host call and after run(). Drives the deterministic clock. */
    uint64_t icount;

    /* -- FPU, SSE, AVX: the standard (not compacted) XSAVE image, SDM vol. 1, 13.4. Current
     * whenever control is outside run(). The abridged tag byte is at offset 4. ------------------ */
#if defined(__GNUC__)
    __attribute__((aligned(64)))
#endif
    uint8_t xsave[VIV_XSAVE_BYTES];
} viv_cpu_t;

VIV_END_DECLS
#endif
