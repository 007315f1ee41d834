/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* lpc: the interrupt router of the ICH9. INTx of devices 25 to 31 goes to the PIRQ that the
 * device's route register (DxxIR) names; that of slots 0 to 24 to PIRQE-PIRQH in turn, as the board
 * of the firmware that we use is wired: 4 + (slot + pin - 1) mod 4, pin 1 being INTA. PIRQ n is
 * input 16 + n of the I/O APIC, and goes to the PICs as PIRQ[n]_ROUT says (ICH9 datasheet
 * 316972, 5.9, 10.1.38-44, 13.1.12). Inputs are or-ed, active high here. */
#include "lpc_priv.h"

#include <string.h>

#define LPC_ROUT_OFF     0x80u
#define LPC_ROUT_IRQ     0x0fu
#define LPC_IRQ_MASK     0xdef8u /* 3-7, 9-12, 14, 15; the others are reserved and route nowhere */
#define LPC_FIRST_GSI    16u
#define LPC_FIRST_ROUTED 25u

static uint32_t lpc_pirq_of(const Lpc *lpc, uint32_t slot, uint32_t pin)
{
    if (slot < LPC_FIRST_ROUTED)
        return 4 + ((slot + pin) & 3u);
    return lpc_device_route(lpc, slot) >> (4 * pin) & 7u;
}

static void lpc_pirq_levels(const Lpc *lpc, uint8_t level[LPC_PIRQS])
{
    memset(level, 0, LPC_PIRQS);
    for (uint32_t pin = 0; pin < 4; pin++) {
        for (uint32_t word = 0; word < 4; word++) {
            for (uint64_t bits = lpc->intx[pin][word]; bits; bits &= bits - 1) {
                uint32_t devfn = word * 64 + (uint32_t)__builtin_ctzll(bits);
                level[lpc_pirq_of(lpc, devfn >> 3, pin)] = 1;
            }
        }
    }
}

/* [chipset lock held] */
static void lpc_irq_update_locked(Lpc *lpc)
{
    uint8_t pirq[LPC_PIRQS], irq[LPC_ISA_IRQS] = {0};

    lpc_pirq_levels(lpc, pirq);
    for (uint32_t p = 0; p < LPC_PIRQS; p++) {
        uint32_t route = lpc->pirq_route[p];
        if (!(route & LPC_ROUT_OFF) && LPC_IRQ_MASK >> (route & LPC_ROUT_IRQ) & 1u)
            irq[route & LPC_ROUT_IRQ] |= pirq[p];
    }
    /* Falling lines first: an interrupt that moves must not look like a second source. */
    for (uint32_t want = 0; want <= 1; want++) {
        for (uint32_t p = 0; p < LPC_PIRQS; p++) {
            if (pirq[p] == want && lpc->pirq_level[p] != want) {
                lpc->pirq_level[p] = (uint8_t)want;
                lpc->chipset->gsi_set(lpc->dev, LPC_FIRST_GSI + p, want);
            }
        }
        for (uint32_t i = 0; i < LPC_ISA_IRQS; i++) {
            if (irq[i] == want && lpc->irq_level[i] != want) {
                lpc->irq_level[i] = (uint8_t)want;
                lpc->chipset->pic_irq_set(lpc->dev, i, want);
            }
        }
    }
}

void lpc_irq_update(Lpc *lpc)
{
    lpc->chipset->lock(lpc->dev);
    for (uint32_t p = 0; p < LPC_PIRQS; p++) {
        uint32_t off = p < 4 ? LPC_PIRQ_A + p : LPC_PIRQ_E + p - 4;
        lpc->pirq_route[p] = (uint8_t)lpc->pci->config_get(lpc->fn, off, 1);
    }
    lpc_irq_update_locked(lpc);
    lpc->chipset->unlock(lpc->dev);
}

void lpc_irq_forget(Lpc *lpc)
{
    lpc->chipset->lock(lpc->dev);
    memset(lpc->intx, 0, sizeof(lpc->intx));
    lpc_irq_update_locked(lpc);
    lpc->chipset->unlock(lpc->dev);
}

/* [any, chipset lock held] */
static void lpc_set_intx(viv_dev_t *dev, void *self, uint32_t bus, uint32_t devfn, uint32_t pin,
                         uint32_t level)
{
    Lpc *lpc = self;
    (void)dev;

    if (bus || devfn > 255 || pin < 1 || pin > 4)
        return;
    uint64_t bit = 1ull << (devfn % 64), *word = &lpc->intx[pin - 1][devfn / 64];
    *word = level ? *word | bit : *word & ~bit;
    lpc_irq_update_locked(lpc);
}

const viv_pcibus_ops_t lpc_intx_ops = {
    .size = sizeof(viv_pcibus_ops_t),
    .set_intx = lpc_set_intx,
};
