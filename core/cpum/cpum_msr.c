/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* CPUM: which MSRs a model has, of those that are not the engine's own: constants, and whether the
 * APIC's may be touched. Sources: Intel SDM vol. 4; AMD APM vol. 2, appendix A; BKDG for family
 * 0Fh. */
#include "cpum/cpum_internal.h"
#include "log/log.h"

typedef enum CpumParts {
    CPUM_PARTS_MCE,      /* with the machine-check exception */
    CPUM_PARTS_MCA,      /* with the machine-check architecture */
    CPUM_PARTS_PENTIUM,  /* Intel, family 5 */
    CPUM_PARTS_P6,       /* Intel, family 6 */
    CPUM_PARTS_CORE,     /* Intel, 64-bit */
    CPUM_PARTS_AMD,      /* family 0Fh and later */
    CPUM_PARTS_P6_OR_AMD /* family 6 and later of either */
} CpumParts;

typedef struct CpumMsr {
    uint32_t first, last;
    CpumParts parts;
    uint64_t value;
} CpumMsr;

/* Known to system software, constant here; writes are accepted and dropped, as on parts without the
 * feature behind them. IA32_MCG_CAP counts no banks, so there are none. */
static const CpumMsr cpum_msrs[] = {
    {0x000, 0x001, CPUM_PARTS_MCE, 0},                /* P5_MC_ADDR, P5_MC_TYPE */
    {0x011, 0x013, CPUM_PARTS_PENTIUM, 0},            /* CESR, CTR0, CTR1 */
    {0x017, 0x017, CPUM_PARTS_P6, 0},                 /* IA32_PLATFORM_ID */
    {0x02a, 0x02a, CPUM_PARTS_P6, 0},                 /* EBL_CR_POWERON */
    {0x03a, 0x03a, CPUM_PARTS_CORE, 1},               /* IA32_FEATURE_CONTROL: locked, nothing on */
    {0x079, 0x079, CPUM_PARTS_P6, 0},                 /* IA32_BIOS_UPDT_TRIG */
    {0x08b, 0x08b, CPUM_PARTS_P6_OR_AMD, 1ull << 32}, /* IA32_BIOS_SIGN_ID, patch level */
    {0x0c1, 0x0c2, CPUM_PARTS_P6, 0},                 /* counters */
    {0x0cd, 0x0cd, CPUM_PARTS_CORE, 0},               /* FSB frequency */
    {0x119, 0x119, CPUM_PARTS_P6, 0},                 /* BBL_CR_CTL */
    {0x11e, 0x11e, CPUM_PARTS_P6, 0},                 /* BBL_CR_CTL3 */
    {0x179, 0x17a, CPUM_PARTS_MCA, 0},                /* IA32_MCG_CAP, IA32_MCG_STATUS */
    {0x186, 0x187, CPUM_PARTS_P6, 0},                 /* event selects */
    {0x198, 0x199, CPUM_PARTS_CORE, 0},               /* PERF_STATUS, PERF_CTL */
    {0x19a, 0x19c, CPUM_PARTS_CORE, 0},               /* thermal */
    {0x1d9, 0x1d9, CPUM_PARTS_P6_OR_AMD, 0},          /* DEBUGCTL */
    {0x1db, 0x1de, CPUM_PARTS_P6_OR_AMD, 0},          /* last branch and exception records */
    {0xc0010000, 0xc0010007, CPUM_PARTS_AMD, 0},      /* event selects and counters */
    {0xc0010010, 0xc0010010, CPUM_PARTS_AMD, 0},      /* SYSCFG */
    {0xc0010015, 0xc0010015, CPUM_PARTS_AMD, 0},      /* HWCR */
    {0xc001001f, 0xc001001f, CPUM_PARTS_AMD, 0},      /* NB_CFG */
    {0xc0010055, 0xc0010055, CPUM_PARTS_AMD, 0},      /* Int Pending */
    {0xc0010058, 0xc0010058, CPUM_PARTS_AMD, 0},      /* MMIO config base */
    {0xc0010061, 0xc0010064, CPUM_PARTS_AMD, 0},      /* P-state */
    {0xc0010112, 0xc0010114, CPUM_PARTS_AMD, 0},      /* SMM base, mask; VM_CR */
    {0xc0010117, 0xc0010117, CPUM_PARTS_AMD, 0},      /* VM_HSAVE_PA */
    {0xc0010140, 0xc0010141, CPUM_PARTS_AMD, 0},      /* OSVW */
    {0xc0011004, 0xc0011005, CPUM_PARTS_AMD, 0},      /* CPUID overrides */
    {0xc0011020, 0xc001102f, CPUM_PARTS_AMD, 0},      /* LS, IC, DC, BU, DE configuration */
};

static gboolean cpum_is_of(const Cpum *cpum, CpumParts parts)
{
    gboolean intel = cpum_is_intel(cpum), lm = cpum_has(cpum, CPUM_80000001_EDX, 29);
    uint32_t family = cpum_family(cpum);
    switch (parts) {
    case CPUM_PARTS_MCE: return cpum_has(cpum, CPUM_1_EDX, 7);
    case CPUM_PARTS_MCA: return cpum_has(cpum, CPUM_1_EDX, 14);
    case CPUM_PARTS_PENTIUM: return intel && family == 5;
    case CPUM_PARTS_P6: return intel && family >= 6;
    case CPUM_PARTS_CORE: return intel && family >= 6 && lm;
    case CPUM_PARTS_AMD: return !intel && family >= 6;
    default: return family >= 6;
    }
}

void cpum_ignore_unknown_msrs(Cpum *cpum, gboolean on)
{
    cpum->ignore_unknown_msrs = on;
}

static viv_status_t cpum_msr_unknown(Cpum *cpum, uint32_t msr)
{
    if (!cpum->ignore_unknown_msrs) {
        return VIV_E_NOT_FOUND;
    }
    if (!__atomic_exchange_n(&cpum->unknown_msr_said, TRUE, __ATOMIC_RELAXED)) {
        viv_log("cpum", VIV_LOG_WARN,
                "the guest uses MSR %xh, which its CPU does not have; that and others are ignored",
                msr);
    }
    return VIV_OK;
}

viv_status_t cpum_msr_read(Cpum *cpum, uint32_t msr, uint64_t *ret_value)
{
    *ret_value = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(cpum_msrs); i++) {
        const CpumMsr *m = &cpum_msrs[i];
        if (msr >= m->first && msr <= m->last && cpum_is_of(cpum, m->parts)) {
            *ret_value = m->value;
            return VIV_OK;
        }
    }
    return cpum_msr_unknown(cpum, msr);
}

viv_status_t cpum_msr_write(Cpum *cpum, uint32_t msr, uint64_t value)
{
    uint64_t ignored;
    (void)value;
    return cpum_msr_read(cpum, msr, &ignored);
}

/* -- the APIC's ------------------------------------------------------------------------------- */

#define CPUM_MSR_APIC_BASE    0x1bu
#define CPUM_MSR_TSC_DEADLINE 0x6e0u
#define CPUM_APIC_BASE_EXTD   0x400u

gboolean cpum_msr_apic_ok(const Cpum *cpum, uint32_t msr, const uint64_t *value)
{
    if (msr == CPUM_MSR_APIC_BASE) {
        uint64_t bad = ~((UINT64_C(1) << cpum_phys_bits(cpum)) - 1);
        if (!cpum_has(cpum, CPUM_1_ECX, 21)) {
            bad |= CPUM_APIC_BASE_EXTD;
        }
        return cpum_family(cpum) >= 6 && cpum_has(cpum, CPUM_1_EDX, 9) && !(value && *value & bad);
    }
    if (msr == CPUM_MSR_TSC_DEADLINE) {
        return cpum_has(cpum, CPUM_1_ECX, 24);
    }
    return msr < 0x800 || msr > 0x8ff || cpum_has(cpum, CPUM_1_ECX, 21);
}
