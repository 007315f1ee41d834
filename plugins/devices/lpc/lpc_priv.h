/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* lpc: what the three files of this plugin share. lpc.c is the device and function 31.0,
 * lpc_blocks.c the chipset configuration registers in memory and the GPIO ports, lpc_irq.c the
 * interrupt router. */
#ifndef LPC_PRIV_H
#define LPC_PRIV_H

#include <viv/chipset.h>
#include <viv/device.h>
#include <viv/pci.h>

#define LPC_PIRQS      8u
#define LPC_ISA_IRQS   16u
#define LPC_RCRB_FIRST 0x3000u /* what lies below is not modelled and reads as zero */
#define LPC_RCRB_BYTES 0x800u
#define LPC_GPIO_BYTES 0x40u

typedef struct Lpc {
    /* guest-visible state (saved); configuration space is the host's to save */
    uint8_t rcrb[LPC_RCRB_BYTES];
    uint8_t gpio[LPC_GPIO_BYTES];

    /* derived: guarded by the chipset lock. INTx levels come again from every function after a
     * load. */
    uint64_t intx[4][4];             /* [pin - 1]: bit devfn % 64 of word devfn / 64 */
    uint8_t pirq_route[LPC_PIRQS];   /* copies of PIRQ[A:H]_ROUT */
    uint8_t pirq_level[LPC_PIRQS];   /* what gsi_set was told last */
    uint8_t irq_level[LPC_ISA_IRQS]; /* what pic_irq_set was told last */
    uint32_t rcrb_at, gpio_at;       /* where they are mapped, 0: nowhere */

    /* host resources */
    viv_dev_t *dev;
    const viv_pci_api_t *pci;
    const viv_pcibus_api_t *bus;
    const viv_chipset_api_t *chipset;
    viv_pci_fn_t *fn;
    viv_range_t *rcrb_range, *gpio_range;
    uint32_t pm_devfn; /* of the power management function, 0: there is none */
} Lpc;

#define LPC_PMBASE    0x40u
#define LPC_ACPI_CNTL 0x44u
#define LPC_GPIOBASE  0x48u
#define LPC_GC        0x4cu
#define LPC_PIRQ_A    0x60u
#define LPC_PIRQ_E    0x68u
#define LPC_RCBA      0xf0u

/* lpc_blocks.c */
void lpc_blocks_reset(Lpc *lpc);
void lpc_blocks_update(Lpc *lpc); /* follows RCBA, GPIOBASE and GC */
void lpc_blocks_post_load(Lpc *lpc);
/* DxxIR of devices 25 to 31. */
uint32_t lpc_device_route(const Lpc *lpc, uint32_t slot);

/* lpc_irq.c */
extern const viv_pcibus_ops_t lpc_intx_ops;
void lpc_irq_update(Lpc *lpc); /* routes have changed */
void lpc_irq_forget(Lpc *lpc); /* every function starts low */

#endif
