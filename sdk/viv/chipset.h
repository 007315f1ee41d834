/* SPDX-License-Identifier: MIT */
/* Vivarium SDK: roles that make a PC - interrupt controllers, RTC, and the host bridge's memory
 * control. A device takes a role by handing over a table in construct; the host and other devices
 * reach the role through viv_chipset_api_t, never the device. One holder a role (the first wins,
 * the second is told VIV_E_EXISTS). All role functions run with the chipset lock held, on any
 * thread. Stable. C11 or C++11. */
#ifndef VIV_CHIPSET_H
#define VIV_CHIPSET_H

#include <viv/device.h>

VIV_BEGIN_DECLS

/* The pair of 8259A. */
typedef struct viv_pic_ops {
    uint32_t size;
    uint32_t reserved0;
    void (*set_irq)(viv_dev_t *dev, void *self, uint32_t irq, uint32_t level);
    /* INTA cycle: the vector (spurious IRQ7/IRQ15 included). */
    uint8_t (*acknowledge)(viv_dev_t *dev, void *self);
} viv_pic_ops_t;

/* All local APICs of the machine. */
#define VIV_APIC_DELIVERY_FIXED  0u
#define VIV_APIC_DELIVERY_LOWEST 1u
#define VIV_APIC_DELIVERY_SMI    2u
#define VIV_APIC_DELIVERY_NMI    4u
#define VIV_APIC_DELIVERY_INIT   5u
#define VIV_APIC_DELIVERY_SIPI   6u
#define VIV_APIC_DELIVERY_EXTINT 7u
typedef struct viv_apic_ops {
    uint32_t size;
    uint32_t reserved0;
    /* An interrupt message from the system bus (I/O APIC or MSI). Returns 1 if some APIC accepted
     * it. */
    uint32_t (*deliver)(viv_dev_t *dev, void *self, uint32_t dest, uint32_t dest_logical,
                        uint32_t delivery_mode, uint32_t vector, uint32_t level_triggered);
    /* LINT0/LINT1 pin of a vCPU's APIC (pin 0: the PIC's INTR; pin 1: NMI). */
    void (*local_pin)(viv_dev_t *dev, void *self, uint32_t vcpu, uint32_t pin, uint32_t level);
    /* The vCPU takes its highest interrupt: 1 and the vector, or 0 if none is above the PPR. */
    uint32_t (*acknowledge)(viv_dev_t *dev, void *self, uint32_t vcpu, uint8_t *ret_vector);
    uint64_t (*base_get)(viv_dev_t *dev, void *self, uint32_t vcpu); /* IA32_APIC_BASE */
    viv_status_t (*base_set)(viv_dev_t *dev, void *self, uint32_t vcpu,
                             uint64_t value); /* VIV_E_INVALID: #GP */
    uint32_t (*tpr_get)(viv_dev_t *dev, void *self, uint32_t vcpu);
    void (*tpr_set)(viv_dev_t *dev, void *self, uint32_t vcpu, uint32_t tpr);
    /* MSRs 800h-8FFh and IA32_TSC_DEADLINE (6E0h). VIV_E_NOT_FOUND: #GP. */
    viv_status_t (*msr_read)(viv_dev_t *dev, void *self, uint32_t vcpu, uint32_t msr,
                             uint64_t *ret_value);
    viv_status_t (*msr_write)(viv_dev_t *dev, void *self, uint32_t vcpu, uint32_t msr,
                              uint64_t value);
    /* The vCPU has got an INIT: APIC registers as after INIT. */
    void (*vcpu_init)(viv_dev_t *dev, void *self, uint32_t vcpu);
    /* The TSC of the machine was written: what waits for a value of it looks again. */
    void (*tsc_changed)(viv_dev_t *dev, void *self);
} viv_apic_ops_t;

typedef struct viv_ioapic_ops {
    uint32_t size;
    uint32_t reserved0;
    /* GSI 0..23. ISA irq_set lines come as GSI = irq (0 as 2); PCI lines as the bus routes them. */
    void (*set_irq)(viv_dev_t *dev, void *self, uint32_t gsi, uint32_t level);
    void (*broadcast_eoi)(viv_dev_t *dev, void *self, uint32_t vector);
} viv_ioapic_ops_t;

typedef struct viv_rtc_ops {
    uint32_t size;
    uint32_t reserved0;
    uint8_t (*cmos_read)(viv_dev_t *dev, void *self, uint32_t index);
    /* Also updates the checksum at 2Eh/2Fh. */
    void (*cmos_write)(viv_dev_t *dev, void *self, uint32_t index, uint8_t value);
} viv_rtc_ops_t;

/* Timer gate and output of the PIT's channel 2, for a sound back end. Optional. */
#define VIV_CHIPSET_ID "viv.chipset/1"
typedef struct viv_chipset_api {
    uint32_t size;
    uint32_t reserved0;
    /* Taking a role. [main] */
    viv_status_t (*provide_pic)(viv_dev_t *dev, const viv_pic_ops_t *ops, void *self);
    viv_status_t (*provide_apic)(viv_dev_t *dev, const viv_apic_ops_t *ops, void *self);
    viv_status_t (*provide_ioapic)(viv_dev_t *dev, const viv_ioapic_ops_t *ops, void *self);
    viv_status_t (*provide_rtc)(viv_dev_t *dev, const viv_rtc_ops_t *ops, void *self);

    /* The machine's chipset lock. [any] */
    void (*lock)(viv_dev_t *dev);
    void (*unlock)(viv_dev_t *dev);

    /* -- towards the CPUs, [any, chipset lock held] -- */
    /* The PIC's INTR pin: the host hands it to LINT0 of every APIC and to input 0 of the I/O APIC,
     * or straight to vCPU 0 when there is no APIC. */
    void (*pic_intr)(viv_dev_t *dev, uint32_t level);
    /* The APIC of `vcpu` has (1) or has not (0) an interrupt above its PPR; ext: the PIC's INTR
     * passes through LINT0 as ExtINT. */
    void (*cpu_intr)(viv_dev_t *dev, uint32_t vcpu, uint32_t level);
    void (*cpu_extint)(viv_dev_t *dev, uint32_t vcpu, uint32_t level);
    void (*cpu_nmi)(viv_dev_t *dev, uint32_t vcpu);
    void (*cpu_smi)(viv_dev_t *dev, uint32_t vcpu);
    void (*cpu_init)(viv_dev_t *dev, uint32_t vcpu);
    void (*cpu_sipi)(viv_dev_t *dev, uint32_t vcpu, uint8_t vector);
    /* FERR#/IGNNE#: called back when the FPU's error line changes. One listener (pcarch). */
    void (*ferr_listen)(viv_dev_t *dev, void (*fn)(viv_dev_t *dev, void *ctx, uint32_t level),
                        void *ctx);
    void (*ignne_set)(viv_dev_t *dev, uint32_t level);

    /* -- between roles, [any, chipset lock held]; without a holder they do nothing and give 0 -- */
    uint32_t (*apic_deliver)(viv_dev_t *dev, uint32_t dest, uint32_t dest_logical,
                             uint32_t delivery_mode, uint32_t vector, uint32_t level_triggered);
    void (*ioapic_eoi)(viv_dev_t *dev, uint32_t vector);
    /* A line that is wired to an I/O APIC input only (PCI INTx in APIC mode, SCI). */
    void (*gsi_set)(viv_dev_t *dev, uint32_t gsi, uint32_t level);
    /* ISA line as irq_set(), but to the PICs only (routed PIRQ in PIC mode). */
    void (*pic_irq_set)(viv_dev_t *dev, uint32_t irq, uint32_t level);

    /* -- other roles; no lock needed, [main] or [emt] -- */
    uint8_t (*cmos_read)(viv_dev_t *dev, uint32_t index);
    void (*cmos_write)(viv_dev_t *dev, uint32_t index, uint8_t value);

    /* -- memory control, [main] or [emt], no lock -- */
    /* How [gpa, gpa+len) in A0000-FFFFF behaves: reads from RAM (1) or from the ROM/bus below (0);
     * writes to RAM (1) or dropped/bus (0). PAM, and below C0000 an open SMRAM. */
    void (*pam_set)(viv_dev_t *dev, uint64_t gpa, uint64_t len_bytes, uint32_t read_ram,
                    uint32_t write_ram);
    /* A20 gate: port 92h and the keyboard controller are or-ed by the host (source 0 and 1). */
    void (*a20_set)(viv_dev_t *dev, uint32_t source, uint32_t enabled);
    uint32_t (*a20_get)(viv_dev_t *dev);
    uint64_t (*tsc_read)(viv_dev_t *dev, uint32_t vcpu); /* for the TSC deadline */
    uint64_t (*tsc_to_time_ns)(viv_dev_t *dev, uint32_t vcpu,
                               uint64_t tsc); /* virtual time at which the TSC has that value */
    uint32_t (*current_vcpu)(
        viv_dev_t *dev); /* index of the calling EMT's vCPU, 0 on other threads */

    /* -- NMI, [any, chipset lock held] -- */
    /* The level that this device drives on the board's NMI line (SERR#, IOCHK#, a watchdog). The
     * line is wired-or over devices and gated by nmi_mask; what comes out is LINT1 of every local
     * APIC, or the NMI pin of vCPU 0 where there is none, and a rise is one NMI. Levels are not
     * saved: a device drives its own again in post_load, which is no new rise. */
    void (*nmi_set)(viv_dev_t *dev, uint32_t level);
    /* The gate: bit 7 of port 70h. For the RTC, which has that port; open at first. */
    void (*nmi_mask)(viv_dev_t *dev, uint32_t masked);
    /* -- appended; test with VIV_HAS -- */
    /* Legacy replacement of the HPET: while it is on, ISA lines 0 and 8 are `dev`'s alone. What
     * other devices (PIT, RTC) drive there is cut off and comes back at its level when it ends. One
     * device at a time: a second one has no effect while the first has it on. Not saved: say it
     * again in post_load; a reset of the machine ends it. [any, chipset lock held] */
    void (*legacy_replacement)(viv_dev_t *dev, uint32_t on);
    /* Calls fn(dev, ctx, irqs) when ISA lines in `irqs` have risen, as any device drives them with
     * irq_set() (what a power management controller sees as wake events), but not those of legacy
     * replacement. One listener a machine, the latest; irqs 0 ends it. fn comes on the EMT of vCPU 0 with the device's lock held, soon
     * after; rises in between are gathered. [main] in construct or power_on, or [any] with the
     * chipset lock held to change irqs */
    void (*irq_watch)(viv_dev_t *dev, uint32_t irqs,
                      void (*fn)(viv_dev_t *dev, void *ctx, uint32_t irqs), void *ctx);
} viv_chipset_api_t;

/* What PAM register n (0..6) of Intel's host bridges (82441FX, datasheet 290549, and
 * its successors) decides: a nibble (bit 0 reads, bit 1 writes RAM) for each of two regions of 16 KiB
 * from C0000h up; PAM0 has the one of F0000h-FFFFFh in its upper nibble. [main] or [emt], no lock */
static inline void viv_pam_apply(const viv_chipset_api_t *api, viv_dev_t *dev, uint32_t n,
                                 uint32_t value)
{
    uint64_t gpa = n ? 0xc0000 + (uint64_t)(n - 1) * 0x8000 : 0xf0000;
    if (n) {
        api->pam_set(dev, gpa, 0x4000, value & 1u, (value >> 1) & 1u);
        gpa += 0x4000;
    }
    api->pam_set(dev, gpa, n ? 0x4000 : 0x10000, (value >> 4) & 1u, (value >> 5) & 1u);
}

VIV_END_DECLS
#endif
