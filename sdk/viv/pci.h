/* SPDX-License-Identifier: MIT */
/* Vivarium SDK: PCI functions and PCI buses (PCI Local Bus Specification 3.0).
 * The host keeps each function's configuration space, sizes and maps BARs, and honours the command
 * register; a bus device (pci, ich9pci) gives guests access to it and routes INTx.
 * Stable. C11 or C++11. */
#ifndef VIV_PCI_H
#define VIV_PCI_H

#include <viv/device.h>

VIV_BEGIN_DECLS

typedef struct viv_pci_fn viv_pci_fn_t; /* opaque: one function, owned by the host until destruct */

#define VIV_PCI_AUTO 0xffu

/* Where and what. The CFGM keys PCIBusNo, PCIDeviceNo, PCIFunctionNo of the instance win over the
 * defaults here. Bus 0 is the root, bus n the one behind the n-th bridge of the machine: a place on
 * the board. The numbers that guests use are those they have programmed into the bridges. */
typedef struct viv_pci_desc {
    uint32_t size;
    uint16_t vendor_id, device_id;
    uint16_t subsystem_vendor_id, subsystem_id;
    uint32_t class_code; /* base class << 16 | sub-class << 8 | programming interface */
    uint8_t revision;
    uint8_t header_type;           /* 0; 1 for bridges; | 80h multi-function */
    uint8_t int_pin;               /* 0 none, 1 INTA .. 4 INTD */
    uint8_t bus, device, function; /* default place; device VIV_PCI_AUTO: first free slot */
    uint8_t reserved0[2];
} viv_pci_desc_t;

/* BAR flags */
#define VIV_BAR_64BIT    0x1u
#define VIV_BAR_PREFETCH 0x2u

/* msi_add flags */
#define VIV_MSI_64BIT    0x1u /* 64-bit message address */
#define VIV_MSI_MASKABLE 0x2u /* per-vector masking */

/* Configuration accesses beside the standard header: [emt, device lock held]. read: value is what
 * the space holds, return what the guest sees. written: the space has been updated under the write
 * mask. */
typedef uint32_t (*viv_pci_cfg_read_fn)(viv_dev_t *dev, void *ctx, uint32_t off, uint32_t width,
                                        uint32_t value);
typedef void (*viv_pci_cfg_written_fn)(viv_dev_t *dev, void *ctx, uint32_t off, uint32_t width,
                                       uint32_t value);

#define VIV_PCI_ID "viv.pci/1"
typedef struct viv_pci_api {
    uint32_t size;
    uint32_t reserved0;
    /* Registers a function. index 0..7 counts the functions of this instance (CFGM PciCfg<index>).
     * [main] */
    viv_status_t (*add)(viv_dev_t *dev, uint32_t index, const viv_pci_desc_t *desc,
                        viv_pci_fn_t **ret_fn);
    /* BARs, [main]: ports, MMIO or device RAM. len_bytes is a power of two (memory: at least 16,
     * ports: at least 4). bar 6 is the expansion ROM (bar_ram only). */
    viv_status_t (*bar_pio)(viv_pci_fn_t *fn, uint32_t bar, uint32_t count, const viv_io_ops_t *ops,
                            void *ctx, const char *name);
    viv_status_t (*bar_mmio)(viv_pci_fn_t *fn, uint32_t bar, uint64_t len_bytes, uint32_t flags,
                             const viv_io_ops_t *ops, void *ctx, const char *name);
    viv_status_t (*bar_ram)(viv_pci_fn_t *fn, uint32_t bar, uint32_t flags, viv_ram_t *ram,
                            uint64_t len_bytes, uint32_t writable);
    /* Where a BAR is mapped now, or UINT64_MAX. */
    uint64_t (*bar_address)(viv_pci_fn_t *fn, uint32_t bar);
    /* The raw space: get and set (reset values, status), and which bits a guest may write (0 by
     * default beyond the standard header) and which clear when written as one. [any] */
    uint32_t (*config_get)(viv_pci_fn_t *fn, uint32_t off, uint32_t width);
    void (*config_set)(viv_pci_fn_t *fn, uint32_t off, uint32_t value, uint32_t width);
    void (*config_wmask)(viv_pci_fn_t *fn, uint32_t off, uint32_t mask, uint32_t width);
    void (*config_w1c)(viv_pci_fn_t *fn, uint32_t off, uint32_t mask, uint32_t width);
    void (*config_hooks)(viv_pci_fn_t *fn, viv_pci_cfg_read_fn read, viv_pci_cfg_written_fn written,
                         void *ctx);
    /* The INTx line of this function: level 0 or 1. Honours Interrupt Disable; keeps Interrupt
     * Status. [any] */
    void (*intx_set)(viv_pci_fn_t *fn, uint32_t level);
    /* Bus master access: VIV_E_ACCESS (and nothing moved) while Bus Master Enable is clear, here or
     * in a bridge on the way. A write of a dword to FEE00000h-FEEFFFFFh is an interrupt message.
     * [any] */
    viv_status_t (*dma_read)(viv_pci_fn_t *fn, uint64_t gpa, void *buf, uint64_t len_bytes);
    viv_status_t (*dma_write)(viv_pci_fn_t *fn, uint64_t gpa, const void *buf, uint64_t len_bytes);

    /* -- capabilities, [main] in construct; linked by the host in the order of the calls -- */
    /* A capability of len_bytes, header included, in 40h-FFh: at off (a multiple of 4) or, with off
     * 0, where there is room. The host writes id and next pointer; contents, reset values and write
     * masks are the device's. Id 10h (PCI Express) makes the configuration space 4096 bytes long.
     */
    viv_status_t (*cap_add)(viv_pci_fn_t *fn, uint32_t cap_id, uint32_t len_bytes, uint32_t off,
                            uint32_t *ret_off);
    /* The same in 100h-FFFh (the first one is at 100h); the header takes 4 bytes. */
    viv_status_t (*ext_cap_add)(viv_pci_fn_t *fn, uint32_t cap_id, uint32_t version,
                                uint32_t len_bytes, uint32_t off, uint32_t *ret_off);
    /* Message signalled interrupts: the host serves the registers, masking and pending bits, saves
     * and resets them. 2^vectors_log2 vectors (0..5), VIV_MSI_*; off as for cap_add. */
    viv_status_t (*msi_add)(viv_pci_fn_t *fn, uint32_t vectors_log2, uint32_t flags, uint32_t off);
    /* MSI-X with 1..2048 vectors. Table and pending bits lie at the offsets (multiples of 8) in
     * memory BARs 0..5: the host serves these bytes, and the device's handler of a bar_mmio BAR
     * sees the others only. A BAR that has not been registered is the host's own as a whole (32
     * bits, as long as needed). Call it after the bar_mmio calls. */
    viv_status_t (*msix_add)(viv_pci_fn_t *fn, uint32_t vectors, uint32_t table_bar,
                             uint32_t table_off, uint32_t pba_bar, uint32_t pba_off, uint32_t off);
    /* How many vectors the guest has granted (MSI) or the table has (MSI-X); 0 while disabled.
     * While either is enabled intx_set keeps its level and Interrupt Status, but the line stays
     * silent. [any] */
    uint32_t (*msi_enabled)(viv_pci_fn_t *fn);
    uint32_t (*msix_enabled)(viv_pci_fn_t *fn);
    /* Sends the message of a vector, by MSI-X if enabled, else by MSI (vectors beyond the granted
     * ones are folded onto them). VIV_OK: sent, or pending until the guest unmasks it.
     * VIV_E_UNSUPPORTED: neither is enabled, or there is no such vector. VIV_E_ACCESS: Bus Master
     * Enable is clear here or in a bridge on the way; the message is lost. [any; takes the chipset
     * lock] */
    viv_status_t (*msi_send)(viv_pci_fn_t *fn, uint32_t vector);
    /* Takes back a pending message whose cause has gone. [any] */
    void (*msi_clear)(viv_pci_fn_t *fn, uint32_t vector);
} viv_pci_api_t;

/* -- for bus devices ------------------------------------------------------------------------- */

/* What a bus device offers to the host. [any, chipset lock held] set_intx: the level of INTx (pin
 * 1..4) of the function at devfn of the root bus has changed (bus is 0), be it its own or, swizzled
 * by the host, of functions behind it if it is a bridge; the bus routes it to irq_set lines and the
 * I/O APIC. */
typedef struct viv_pcibus_ops {
    uint32_t size;
    uint32_t reserved0;
    void (*set_intx)(viv_dev_t *dev, void *self, uint32_t bus, uint32_t devfn, uint32_t pin,
                     uint32_t level);
} viv_pcibus_ops_t;

/* bridge_add flags */
#define VIV_BRIDGE_IO32        0x1u /* I/O window register of 32 bits */
#define VIV_BRIDGE_PREFETCH64  0x2u /* 64-bit prefetchable window */
#define VIV_BRIDGE_SUBTRACTIVE 0x4u /* forwards what nobody claims, whatever the windows say */
#define VIV_BRIDGE_EXPRESS     0x8u /* a PCI Express port: one device, number 0, behind it */

#define VIV_PCIBUS_ID "viv.pcibus/1"
typedef struct viv_pcibus_api {
    uint32_t size;
    uint32_t reserved0;
    /* This device is the root complex / host bridge of the machine. [main] */
    viv_status_t (*provide)(viv_dev_t *dev, const viv_pcibus_ops_t *ops, void *self);
    /* Guest configuration access; absent functions read as all ones. width 1, 2, 4, within a dword.
     * [emt] */
    uint32_t (*config_read)(viv_dev_t *dev, uint32_t bus, uint32_t devfn, uint32_t off,
                            uint32_t width);
    void (*config_write)(viv_dev_t *dev, uint32_t bus, uint32_t devfn, uint32_t off, uint32_t value,
                         uint32_t width);
    /* Makes a function with header type 1 a PCI-to-PCI bridge: the host serves the registers of the
     * type 1 header, honours bus numbers, windows, VGA and ISA enable, bus mastering and secondary
     * bus reset, and swizzles INTx. ret_bus: the number by which PCIBusNo names the bus behind.
     * Right after viv_pci_api_t.add. [main] */
    viv_status_t (*bridge_add)(viv_dev_t *dev, viv_pci_fn_t *fn, uint32_t flags, uint32_t *ret_bus);
    /* This device routes the INTx of the root bus instead of its host bridge: a south bridge with a
     * driver of its own. VIV_E_EXISTS: another one does. [main] */
    viv_status_t (*route_intx)(viv_dev_t *dev, const viv_pcibus_ops_t *ops, void *self);
} viv_pcibus_api_t;

VIV_END_DECLS
#endif
