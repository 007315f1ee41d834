/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* apic: what the files of this plugin share.
 * apic.c       the device: MMIO page, role table, options, state, life
 * apic_regs.c  the register file, as MMIO and as x2APIC MSRs, and IA32_APIC_BASE
 * apic_irq.c   IRR/ISR/PPR, EOI, local pins, LVT, errors
 * apic_ipi.c   messages: destinations, ICR, the system bus
 * apic_timer.c the timer
 *
 * Everything here runs with the chipset lock held, which is this device's own lock too.
 *
 * Invariants
 * 1 intr_level and ext_level are what the host was told last; only apic_update() and
 * apic_ext_update() tell it.
 * 2 A bit of ISR or IRR is only ever set for vectors 16..255.
 * 3 The host timer of a vCPU is armed exactly when its counter runs or its TSC deadline is set. */
#ifndef APIC_PRIV_H
#define APIC_PRIV_H

#include <viv/chipset.h>
#include <viv/device.h>

#define APIC_MAX_CPUS     64u
#define APIC_DEFAULT_BASE 0xfee00000ull
#define APIC_PAGE_BYTES   0x1000ull

/* IA32_APIC_BASE */
#define APIC_BASE_BSP  0x100ull
#define APIC_BASE_EXTD 0x400ull
#define APIC_BASE_EN   0x800ull
#define APIC_BASE_ADDR 0x000ffffffffff000ull

/* Register numbers: MMIO offset / 10h, MSR number - 800h. */
#define APIC_REG_ID            0x02u
#define APIC_REG_VERSION       0x03u
#define APIC_REG_TPR           0x08u
#define APIC_REG_APR           0x09u
#define APIC_REG_PPR           0x0au
#define APIC_REG_EOI           0x0bu
#define APIC_REG_RRD           0x0cu
#define APIC_REG_LDR           0x0du
#define APIC_REG_DFR           0x0eu
#define APIC_REG_SVR           0x0fu
#define APIC_REG_ISR0          0x10u
#define APIC_REG_TMR0          0x18u
#define APIC_REG_IRR0          0x20u
#define APIC_REG_ESR           0x28u
#define APIC_REG_LVT_CMCI      0x2fu
#define APIC_REG_ICR_LO        0x30u
#define APIC_REG_ICR_HI        0x31u
#define APIC_REG_LVT_TIMER     0x32u
#define APIC_REG_LVT_THERMAL   0x33u
#define APIC_REG_LVT_PERF      0x34u
#define APIC_REG_LVT_LINT0     0x35u
#define APIC_REG_LVT_LINT1     0x36u
#define APIC_REG_LVT_ERROR     0x37u
#define APIC_REG_TIMER_INITIAL 0x38u
#define APIC_REG_TIMER_CURRENT 0x39u
#define APIC_REG_TIMER_DIVIDE  0x3eu
#define APIC_REG_SELF_IPI      0x3fu

/* 14h, seven LVT entries, EOI broadcast can be suppressed */
#define APIC_VERSION 0x01060014u

#define APIC_SVR_ENABLE           0x100u
#define APIC_SVR_NO_EOI_BROADCAST 0x1000u
#define APIC_SVR_WMASK            0x13ffu

/* LVT entries */
enum {
    APIC_LVT_CMCI,
    APIC_LVT_TIMER,
    APIC_LVT_THERMAL,
    APIC_LVT_PERF,
    APIC_LVT_LINT0,
    APIC_LVT_LINT1,
    APIC_LVT_ERROR,
    APIC_LVT_COUNT
};
#define APIC_LVT_MODE(lvt)      ((lvt) >> 8 & 7u)
#define APIC_LVT_REMOTE_IRR     0x4000u
#define APIC_LVT_LEVEL          0x8000u
#define APIC_LVT_MASKED         0x10000u
#define APIC_TIMER_MODE(lvt)    ((lvt) >> 17 & 3u)
#define APIC_TIMER_ONE_SHOT     0u
#define APIC_TIMER_PERIODIC     1u
#define APIC_TIMER_TSC_DEADLINE 2u

#define APIC_ESR_REDIRECTABLE   0x10u
#define APIC_ESR_SEND_VECTOR    0x20u
#define APIC_ESR_RECEIVE_VECTOR 0x40u
#define APIC_ESR_REGISTER       0x80u

struct Apic;

typedef struct ApicCpu {
    /* guest-visible state (saved) */
    uint64_t base; /* IA32_APIC_BASE */
    uint32_t id;   /* xAPIC mode; x2APIC ids are the vCPU's number and cannot be changed */
    uint32_t rrd;  /* what the last remote read brought */
    uint32_t tpr, ldr, dfr, svr;
    uint32_t esr, esr_pending;
    uint32_t icr_lo, icr_hi;
    uint32_t isr[8], irr[8], tmr[8];
    uint32_t lvt[APIC_LVT_COUNT];
    uint32_t timer_initial; /* reload value */
    uint32_t timer_divide;
    uint32_t timer_first; /* what the counter held at timer_start_ns; 0: it stands */
    uint64_t timer_start_ns;
    uint64_t tsc_deadline; /* 0: not armed */
    uint8_t pin[2];        /* levels of LINT0 and LINT1 */
    uint8_t ext_message;   /* an ExtINT message is waiting for the PIC */

    /* derived */
    uint8_t intr_level, ext_level;
    uint32_t index;
    struct Apic *apic;
    char timer_name[12];

    /* host resources */
    viv_timer_t *timer;
} ApicCpu;

/* A mapped register page; several APICs may answer at one. */
typedef struct ApicPage {
    struct Apic *apic; /* NULL: free */
    uint64_t gpa;
    viv_range_t *range;
} ApicPage;

typedef struct Apic {
    /* config */
    uint32_t cpu_count;   /* key NumCPUs; 0 becomes the machine's number */
    uint8_t mode;         /* key Mode: 1 none, 2 xAPIC only, 3 with x2APIC */
    uint8_t virtual_wire; /* key VirtualWire */

    /* guest-visible state (saved) */
    uint32_t lowest_next; /* where the search for a lowest-priority target starts */
    ApicCpu cpu[APIC_MAX_CPUS];

    /* statistics */
    uint64_t messages, refused, errors;

    /* derived */
    ApicPage page[APIC_MAX_CPUS + 1]; /* the first is the default one and always there */

    /* host resources */
    viv_dev_t *dev;
    const viv_chipset_api_t *chipset;
} Apic;

static inline int apic_is_x2(const ApicCpu *cpu)
{
    return (cpu->base & (APIC_BASE_EN | APIC_BASE_EXTD)) == (APIC_BASE_EN | APIC_BASE_EXTD);
}

static inline uint32_t apic_id(const ApicCpu *cpu)
{
    return apic_is_x2(cpu) ? cpu->index : cpu->id;
}

/* apic_irq.c */
uint32_t apic_ppr(const ApicCpu *cpu);
void apic_update(ApicCpu *cpu);
void apic_ext_update(ApicCpu *cpu);
uint32_t apic_accept(ApicCpu *cpu, uint32_t vector, uint32_t level_triggered);
void apic_error(ApicCpu *cpu, uint32_t bits);
void apic_lvt_fire(ApicCpu *cpu, uint32_t which);
void apic_lvt_write(ApicCpu *cpu, uint32_t which, uint32_t value);
uint32_t apic_lvt_wmask(uint32_t which);
void apic_svr_write(ApicCpu *cpu, uint32_t value);
void apic_eoi(ApicCpu *cpu);
void apic_pin_set(ApicCpu *cpu, uint32_t pin, uint32_t level);
uint32_t apic_take(ApicCpu *cpu, uint8_t *ret_vector);

/* apic_ipi.c */
uint32_t apic_bus_deliver(Apic *apic, uint32_t dest, uint32_t dest_logical, uint32_t delivery_mode,
                          uint32_t vector, uint32_t level_triggered);
void apic_icr_send(ApicCpu *cpu, uint32_t lo, uint32_t dest);

/* apic_timer.c */
void apic_timer_expired(viv_dev_t *dev, void *ctx);
void apic_timer_reset(ApicCpu *cpu);
void apic_timer_initial_write(ApicCpu *cpu, uint32_t value);
void apic_timer_divide_write(ApicCpu *cpu, uint32_t value);
/* The mode is about to change from that in `old` to that in `now` (LVT values). */
void apic_timer_mode_changed(ApicCpu *cpu, uint32_t old, uint32_t now);
uint32_t apic_timer_current(const ApicCpu *cpu);
uint64_t apic_timer_deadline_read(const ApicCpu *cpu);
void apic_timer_deadline_write(ApicCpu *cpu, uint64_t tsc);
void apic_timer_tsc_changed(ApicCpu *cpu); /* the guest has written its TSC */

/* apic_regs.c */
/* A register of the xAPIC page, without side effects; 0: there is none of that number. */
int apic_reg_read(const ApicCpu *cpu, uint32_t reg, uint32_t *ret_value);
uint32_t apic_x2_ldr(const ApicCpu *cpu);
uint64_t apic_mmio_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width);
void apic_mmio_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value, uint32_t width);
viv_status_t apic_msr_read(viv_dev_t *dev, void *self, uint32_t vcpu, uint32_t msr,
                           uint64_t *ret_value);
viv_status_t apic_msr_write(viv_dev_t *dev, void *self, uint32_t vcpu, uint32_t msr,
                            uint64_t value);
void apic_regs_reset(ApicCpu *cpu);
viv_status_t apic_base_write(ApicCpu *cpu, uint64_t value);
/* Maps the pages that the IA32_APIC_BASEs name and unmaps those that none does any more. */
viv_status_t apic_pages_sync(Apic *apic);

#endif
