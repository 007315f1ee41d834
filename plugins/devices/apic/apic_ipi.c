/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* apic: interrupt messages between APICs and from the system bus.
 * Follows the Intel SDM volume 3A, section 11.6 (IPIs, destinations, lowest priority) and 11.12.10
 * (x2APIC clusters).
 * Lowest priority goes to the target with the lowest PPR, in turn among equals. Focus processors
 * are not modelled: current processors have none. */
#include "apic_priv.h"

#define APIC_BROADCAST_X2 0xffffffffu
#define APIC_BROADCAST    0xffu

/* ICR, low half */
#define APIC_ICR_LOGICAL       0x800u
#define APIC_ICR_ASSERT        0x4000u
#define APIC_ICR_LEVEL         0x8000u
#define APIC_ICR_REMOTE_READ   3u /* delivery mode */
#define APIC_ICR_READ_STATUS   0x30000u
#define APIC_ICR_READ_VALID    0x20000u
#define APIC_ICR_SHORTHAND(lo) ((lo) >> 18 & 3u)
#define APIC_TO_DEST           0u
#define APIC_TO_SELF           1u
#define APIC_TO_ALL            2u
#define APIC_TO_OTHERS         3u

typedef struct ApicMessage {
    uint32_t mode, vector, level_triggered;
} ApicMessage;

static int apic_logical_match(const ApicCpu *cpu, uint32_t dest)
{
    if (apic_is_x2(cpu))
        return dest >> 16 == cpu->ldr >> 16 && (dest & cpu->ldr & 0xffffu) != 0;
    uint32_t ldr = cpu->ldr >> 24;
    if (cpu->dfr >> 28 == 0xf)
        return dest <= 0xff && (dest & ldr) != 0;
    return dest <= 0xff && dest >> 4 == ldr >> 4 && (dest & ldr & 0xfu) != 0;
}

static int apic_match(const ApicCpu *cpu, uint32_t dest, uint32_t logical, uint32_t broadcast)
{
    if (!(cpu->base & APIC_BASE_EN))
        return 0;
    if (dest == broadcast)
        return 1;
    return logical ? apic_logical_match(cpu, dest) : dest == apic_id(cpu);
}

/* Hands a message to one APIC. Returns 1 if it took it. */
static uint32_t apic_hand_over(ApicCpu *cpu, const ApicMessage *msg)
{
    const viv_chipset_api_t *chipset = cpu->apic->chipset;
    viv_dev_t *dev = cpu->apic->dev;

    switch (msg->mode) {
    case VIV_APIC_DELIVERY_FIXED:
    case VIV_APIC_DELIVERY_LOWEST: return apic_accept(cpu, msg->vector, msg->level_triggered);
    case VIV_APIC_DELIVERY_SMI: chipset->cpu_smi(dev, cpu->index); return 1;
    case VIV_APIC_DELIVERY_NMI: chipset->cpu_nmi(dev, cpu->index); return 1;
    case VIV_APIC_DELIVERY_INIT: chipset->cpu_init(dev, cpu->index); return 1;
    case VIV_APIC_DELIVERY_SIPI: chipset->cpu_sipi(dev, cpu->index, (uint8_t)msg->vector); return 1;
    case VIV_APIC_DELIVERY_EXTINT:
        cpu->ext_message = 1;
        apic_ext_update(cpu);
        return 1;
    default: return 0;
    }
}

/* targets has a bit for each vCPU. */
static uint32_t apic_lowest(Apic *apic, uint64_t targets, const ApicMessage *msg)
{
    ApicCpu *best = NULL;

    for (uint32_t i = 0; i < apic->cpu_count; i++) {
        ApicCpu *cpu = &apic->cpu[(apic->lowest_next + i) % apic->cpu_count];
        if (!(targets >> cpu->index & 1u) || !(cpu->svr & APIC_SVR_ENABLE))
            continue;
        if (!best || apic_ppr(cpu) < apic_ppr(best))
            best = cpu;
    }
    if (!best)
        return 0;
    apic->lowest_next = (best->index + 1) % apic->cpu_count;
    return apic_hand_over(best, msg);
}

static uint32_t apic_send(Apic *apic, uint64_t targets, const ApicMessage *msg)
{
    uint32_t taken = 0;

    for (uint32_t i = 0; msg->mode != VIV_APIC_DELIVERY_LOWEST && i < apic->cpu_count; i++) {
        if (targets >> i & 1u)
            taken |= apic_hand_over(&apic->cpu[i], msg);
    }
    if (msg->mode == VIV_APIC_DELIVERY_LOWEST)
        taken = apic_lowest(apic, targets, msg);
    apic->messages++;
    apic->refused += !taken;
    return taken;
}

/* AMD64 APM volume 2, 16.5: one other APIC's register, number in the vector field, lands in the
 * remote read register. */
static void apic_remote_read(ApicCpu *cpu, uint64_t targets, uint32_t reg)
{
    Apic *apic = cpu->apic;

    cpu->icr_lo &= ~APIC_ICR_READ_STATUS;
    for (uint32_t i = 0; i < apic->cpu_count; i++) {
        const ApicCpu *from = &apic->cpu[i];
        if (targets >> i & 1u && !apic_is_x2(from) && apic_reg_read(from, reg, &cpu->rrd)) {
            cpu->icr_lo |= APIC_ICR_READ_VALID;
            return;
        }
    }
}

static uint64_t apic_targets(const Apic *apic, uint32_t dest, uint32_t logical, uint32_t broadcast)
{
    uint64_t targets = 0;

    for (uint32_t i = 0; i < apic->cpu_count; i++) {
        if (apic_match(&apic->cpu[i], dest, logical, broadcast))
            targets |= 1ull << i;
    }
    return targets;
}

uint32_t apic_bus_deliver(Apic *apic, uint32_t dest, uint32_t dest_logical, uint32_t delivery_mode,
                          uint32_t vector, uint32_t level_triggered)
{
    const ApicMessage msg = {delivery_mode, vector & 0xffu, level_triggered};

    return apic_send(apic, apic_targets(apic, dest, dest_logical, APIC_BROADCAST), &msg);
}

void apic_icr_send(ApicCpu *cpu, uint32_t lo, uint32_t dest)
{
    Apic *apic = cpu->apic;
    const ApicMessage msg = {lo >> 8 & 7u, lo & 0xffu,
                             0}; /* IPIs are edges, whatever bit 15 says (table 11-3) */
    uint64_t all = apic->cpu_count == 64 ? ~0ull : (1ull << apic->cpu_count) - 1;
    uint64_t self = 1ull << cpu->index;
    uint64_t targets = 0;

    if (msg.mode <= VIV_APIC_DELIVERY_LOWEST && msg.vector < 16) {
        apic_error(cpu, APIC_ESR_SEND_VECTOR);
        return;
    }
    /* INIT level de-assert only synchronised arbitration ids, on processors that had them. */
    if (msg.mode == VIV_APIC_DELIVERY_INIT && lo & APIC_ICR_LEVEL && !(lo & APIC_ICR_ASSERT))
        return;
    switch (APIC_ICR_SHORTHAND(lo)) {
    case APIC_TO_DEST:
        targets = apic_targets(apic, dest, lo & APIC_ICR_LOGICAL,
                               apic_is_x2(cpu) ? APIC_BROADCAST_X2 : APIC_BROADCAST);
        break;
    case APIC_TO_SELF: targets = self; break;
    case APIC_TO_ALL: targets = all; break;
    case APIC_TO_OTHERS: targets = all & ~self; break;
    }
    /* The shorthands go over the bus as well: an APIC that is off does not hear them. */
    for (uint32_t i = 0; i < apic->cpu_count; i++) {
        if (!(apic->cpu[i].base & APIC_BASE_EN))
            targets &= ~(1ull << i);
    }
    if (msg.mode == APIC_ICR_REMOTE_READ && !apic_is_x2(cpu))
        apic_remote_read(cpu, targets, msg.vector);
    else
        apic_send(apic, targets, &msg);
}
