/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ioapic: the I/O APIC: 24 inputs at FEC00000h.
 * The guest sees IOREGSEL (00h), IOWIN (10h) and, as ICH9, the EOI register (40h). ISA interrupts
 * arrive on the input of their number (IRQ 0 on 2), PCI ones on the ISA interrupt that the PIIX3
 * routes them to.
 * Follows: 82093AA datasheet (290566), section 3; ICH9 datasheet, 13.5 for version 20h and EOI.
 * Input lines carry "asserted", not a voltage: the polarity bit is stored and changes nothing, so a
 * guest that takes a line for active low gets its interrupts all the same. Edges on a masked input
 * are lost, as the datasheet has it.
 * Delivery status is "pending" while no APIC takes a level-triggered interrupt; other messages do not
 * wait.
 * Not modelled: the APIC bus, so that the arbitration id (82093AA) stays what a write of the id made
 * it. */
#include <viv/chipset.h>
#include <viv/device.h>

#include <string.h>

#define IOAPIC_BASE  0xfec00000ull
#define IOAPIC_BYTES 0x1000ull
#define IOAPIC_PINS  24u

#define IOAPIC_IOREGSEL 0x00u
#define IOAPIC_IOWIN    0x10u
#define IOAPIC_EOI      0x40u

#define IOAPIC_REG_ID          0x00u
#define IOAPIC_REG_VERSION     0x01u
#define IOAPIC_REG_ARBITRATION 0x02u
#define IOAPIC_REG_REDIRECT    0x10u

/* Redirection entries */
#define IOAPIC_RTE_VECTOR     0xffull
#define IOAPIC_RTE_MODE(e)    ((uint32_t)((e) >> 8) & 7u)
#define IOAPIC_RTE_PENDING    0x1000ull /* delivery status */
#define IOAPIC_RTE_LOGICAL    0x800ull
#define IOAPIC_RTE_REMOTE_IRR 0x4000ull
#define IOAPIC_RTE_LEVEL      0x8000ull
#define IOAPIC_RTE_MASKED     0x10000ull
#define IOAPIC_RTE_DEST(e)    ((uint32_t)((e) >> 56))
#define IOAPIC_RTE_WMASK      0xff0000000001afffull /* not delivery status, remote IRR */
#define IOAPIC_RTE_VALID      (IOAPIC_RTE_WMASK | IOAPIC_RTE_REMOTE_IRR)

typedef struct IoApic {
    /* config */
    const char *chip_type;

    /* guest-visible state (saved) */
    uint8_t regsel;
    uint8_t id;
    uint32_t lines; /* bit n: input n is asserted */
    uint64_t rte[IOAPIC_PINS];

    /* derived */
    uint8_t has_eoi; /* version 20h */

    /* statistics */
    uint64_t refused, lost_edges;

    /* host resources */
    viv_dev_t *dev;
    const viv_chipset_api_t *chipset;
} IoApic;

static const viv_option_t ioapic_options[] = {
    VIV_OPT_STRING(IoApic, "ChipType", chip_type, "ICH9",
                   "ICH9: version 20h, EOI register at 40h; 82093AA: version 11h"),
    {0},
};

static const viv_field_t ioapic_state[] = {
    VIV_FIELD(IoApic, regsel, VIV_U8, 1),
    VIV_FIELD(IoApic, id, VIV_U8, 1),
    VIV_FIELD(IoApic, lines, VIV_U32, 1),
    VIV_FIELD_ARRAY(IoApic, rte, VIV_U64, 1),
    {0},
};

/* -- inputs to messages; chipset lock held --------------------------------------------------- */

/* SMI, NMI, INIT and ExtINT are edges whatever the entry says. */
static int ioapic_is_level(uint64_t e)
{
    return e & IOAPIC_RTE_LEVEL && IOAPIC_RTE_MODE(e) <= VIV_APIC_DELIVERY_LOWEST;
}

static uint32_t ioapic_send(IoApic *io, uint32_t pin)
{
    uint64_t e = io->rte[pin];
    uint32_t taken = io->chipset->apic_deliver(
        io->dev, IOAPIC_RTE_DEST(e), (e & IOAPIC_RTE_LOGICAL) != 0, IOAPIC_RTE_MODE(e),
        (uint32_t)(e & IOAPIC_RTE_VECTOR), (uint32_t)ioapic_is_level(e));

    io->refused += !taken;
    return taken;
}

/* A level-triggered input that is up, unmasked and not in service. */
static int ioapic_waits(const IoApic *io, uint32_t pin)
{
    return io->lines >> pin & 1u && ioapic_is_level(io->rte[pin]) &&
           !(io->rte[pin] & (IOAPIC_RTE_MASKED | IOAPIC_RTE_REMOTE_IRR));
}

/* What waits sends once; remote IRR holds the next until EOI. It is set before the message goes,
 * because the answer to it may be an EOI already. */
static void ioapic_level_service(IoApic *io, uint32_t pin)
{
    uint64_t *e = &io->rte[pin];

    if (!ioapic_waits(io, pin))
        return;
    *e |= IOAPIC_RTE_REMOTE_IRR;
    if (!ioapic_send(io, pin))
        *e &= ~IOAPIC_RTE_REMOTE_IRR;
}

static void ioapic_role_set_irq(viv_dev_t *dev, void *self, uint32_t gsi, uint32_t level)
{
    IoApic *io = self;
    (void)dev;

    if (gsi >= IOAPIC_PINS)
        return;
    uint32_t bit = 1u << gsi;
    uint32_t rise = level && !(io->lines & bit);
    io->lines = level ? io->lines | bit : io->lines & ~bit;
    if (!rise)
        return;
    if (ioapic_is_level(io->rte[gsi]))
        ioapic_level_service(io, gsi);
    else if (io->rte[gsi] & IOAPIC_RTE_MASKED)
        io->lost_edges++;
    else
        ioapic_send(io, gsi);
}

static void ioapic_role_broadcast_eoi(viv_dev_t *dev, void *self, uint32_t vector)
{
    IoApic *io = self;
    (void)dev;

    for (uint32_t pin = 0; pin < IOAPIC_PINS; pin++) {
        uint64_t *e = &io->rte[pin];
        if ((*e & IOAPIC_RTE_VECTOR) != (vector & 0xffu) || !(*e & IOAPIC_RTE_REMOTE_IRR))
            continue;
        *e &= ~IOAPIC_RTE_REMOTE_IRR;
        ioapic_level_service(io, pin);
    }
}

static const viv_ioapic_ops_t ioapic_role = {
    .size = sizeof(viv_ioapic_ops_t),
    .set_irq = ioapic_role_set_irq,
    .broadcast_eoi = ioapic_role_broadcast_eoi,
};

/* -- registers ------------------------------------------------------------------------------- */

static uint32_t ioapic_reg_read(const IoApic *io)
{
    switch (io->regsel) {
    case IOAPIC_REG_ID: return (uint32_t)io->id << 24;
    case IOAPIC_REG_ARBITRATION: return io->has_eoi ? 0 : (uint32_t)io->id << 24;
    case IOAPIC_REG_VERSION: return (IOAPIC_PINS - 1) << 16 | (io->has_eoi ? 0x20u : 0x11u);
    default: {
        uint32_t n = (uint32_t)io->regsel - IOAPIC_REG_REDIRECT;
        if (n >= 2 * IOAPIC_PINS)
            return 0;
        return (uint32_t)(io->rte[n / 2] >> (n & 1 ? 32 : 0)) |
               (!(n & 1) && ioapic_waits(io, n / 2) ? (uint32_t)IOAPIC_RTE_PENDING : 0);
    }
    }
}

static void ioapic_rte_write(IoApic *io, uint32_t pin, uint32_t high, uint32_t value)
{
    uint64_t *e = &io->rte[pin];
    uint64_t old = *e;
    uint64_t wmask = high ? IOAPIC_RTE_WMASK & ~0xffffffffull : IOAPIC_RTE_WMASK & 0xffffffffull;

    *e = (old & ~wmask) | ((high ? (uint64_t)value << 32 : value) & wmask);
    /* An edge-triggered entry has no remote IRR: guests clear a stuck one by switching to edge and
     * back. */
    if (!(*e & IOAPIC_RTE_LEVEL))
        *e &= ~IOAPIC_RTE_REMOTE_IRR;
    ioapic_level_service(io, pin);
}

static void ioapic_reg_write(IoApic *io, uint32_t value)
{
    if (io->regsel == IOAPIC_REG_ID) {
        io->id = value >> 24 & 0xfu;
        return;
    }
    uint32_t n = (uint32_t)io->regsel - IOAPIC_REG_REDIRECT;
    if (n < 2 * IOAPIC_PINS)
        ioapic_rte_write(io, n / 2, n & 1, value);
}

/* [emt, chipset lock held] */
static uint64_t ioapic_mmio_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    const IoApic *io = ctx;
    (void)dev, (void)width;

    switch (off & 0xff) {
    case IOAPIC_IOREGSEL: return io->regsel;
    case IOAPIC_IOWIN: return ioapic_reg_read(io);
    default: return 0;
    }
}

static void ioapic_mmio_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value,
                              uint32_t width)
{
    IoApic *io = ctx;
    (void)width;

    switch (off & 0xff) {
    case IOAPIC_IOREGSEL: io->regsel = (uint8_t)value; break;
    case IOAPIC_IOWIN: ioapic_reg_write(io, (uint32_t)value); break;
    case IOAPIC_EOI:
        if (io->has_eoi)
            ioapic_role_broadcast_eoi(dev, io, (uint32_t)value & 0xffu);
        break;
    default: break;
    }
}

static const viv_io_ops_t ioapic_mmio_ops = {
    .size = sizeof(viv_io_ops_t),
    .widths = VIV_W32,
    .flags = VIV_IO_WIDEN,
    .read = ioapic_mmio_read,
    .write = ioapic_mmio_write,
};

/* -- life ------------------------------------------------------------------------------------ */

/* The devices raise their lines anew after it. */
static void ioapic_reset(viv_dev_t *dev, void *self)
{
    IoApic *io = self;
    (void)dev;

    io->regsel = 0;
    io->id = 0;
    io->lines = 0;
    for (uint32_t pin = 0; pin < IOAPIC_PINS; pin++)
        io->rte[pin] = IOAPIC_RTE_MASKED;
}

static viv_status_t ioapic_post_load(viv_dev_t *dev, void *self, uint32_t version)
{
    IoApic *io = self;
    (void)dev, (void)version;

    io->id &= 0xfu;
    io->lines &= (1u << IOAPIC_PINS) - 1;
    for (uint32_t pin = 0; pin < IOAPIC_PINS; pin++) {
        io->rte[pin] &= IOAPIC_RTE_VALID;
        if (!(io->rte[pin] & IOAPIC_RTE_LEVEL))
            io->rte[pin] &= ~IOAPIC_RTE_REMOTE_IRR;
    }
    return VIV_OK;
}

static viv_status_t ioapic_stats(viv_dev_t *dev, IoApic *io)
{
    viv_iface_t iface;
    viv_status_t st;

    if (dev->api->get_interface(dev, VIV_STAM_ID, sizeof(viv_stam_api_t), &iface) != VIV_OK)
        return VIV_OK;
    const viv_stam_api_t *stam = iface.ops;
    st = stam->counter(dev, &io->refused, "Refused", "times", "Messages that no APIC took");
    if (st != VIV_OK)
        return st;
    return stam->counter(dev, &io->lost_edges, "LostEdges", "times",
                         "Edges at inputs that were masked");
}

static viv_status_t ioapic_construct(viv_dev_t *dev, void *self)
{
    IoApic *io = self;
    const viv_dev_api_t *api = dev->api;
    viv_iface_t chipset;
    viv_status_t st;

    io->dev = dev;
    if (!strcmp(io->chip_type, "ICH9"))
        io->has_eoi = 1;
    else if (strcmp(io->chip_type, "82093AA") != 0)
        return api->fail(dev, VIV_E_CONFIG, "ChipType is '%s'; ICH9 and 82093AA are known",
                         io->chip_type);
    if ((st = api->get_interface(dev, VIV_CHIPSET_ID, sizeof(viv_chipset_api_t), &chipset)) !=
        VIV_OK)
        return api->fail(dev, st, "the host does not offer %s", VIV_CHIPSET_ID);
    io->chipset = chipset.ops;
    if ((st = api->mmio_map(dev, IOAPIC_BASE, IOAPIC_BYTES, &ioapic_mmio_ops, io, "I/O APIC",
                            NULL)) != VIV_OK ||
        (st = ioapic_stats(dev, io)) != VIV_OK)
        return st;
    st = io->chipset->provide_ioapic(dev, &ioapic_role, io);
    return st == VIV_OK ? st : api->fail(dev, st, "the machine has an I/O APIC already");
}

static const viv_device_class_t ioapic_class = {
    VIV_DEVICE_CLASS_HEAD,
    .name = "ioapic",
    .summary = "I/O APIC with 24 inputs",
    .instance_size = sizeof(IoApic),
    .state_version = 1,
    .max_instances = 1,
    .order = VIV_ORDER_PIC,
    .flags = VIV_DEV_CHIPSET_LOCK,
    .options = ioapic_options,
    .state = ioapic_state,
    .construct = ioapic_construct,
    .reset = ioapic_reset,
    .post_load = ioapic_post_load,
};

VIV_PLUGIN("org.vivarium.ioapic", "1.0", "LGPL-2.1-or-later", "I/O APIC", &ioapic_class);
