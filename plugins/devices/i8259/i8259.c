/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* i8259: the PC's two cascaded 8259A interrupt controllers with edge/level control registers.
 *
 * The guest sees the master at 20h-21h, the slave at A0h-A1h (its INT is the master's IR2), and the
 * ELCR pair at 4D0h-4D1h. The machine hands ISA lines 0-15 to set_irq, and INTA cycles to
 * acknowledge.
 * Follows: Intel 8259A data sheet (231468), PIIX3 data sheet (290550) for the ELCR and for
 * ICW1.LTIM, which has no function there. An input that falls before it is acknowledged withdraws
 * its request, as on the chip: what follows is the default (spurious) IR7.
 * Not modelled: the buffered mode's SP/EN pin (the bit is kept), CALL sequences of the MCS-80 mode
 * beyond the byte that an x86 takes from its second INTA cycle. */
#include <viv/chipset.h>
#include <viv/device.h>

#define I8259_STATE_VERSION 1
#define I8259_MASTER        0
#define I8259_SLAVE         1
#define I8259_CASCADE       2u /* the master's input that the slave's INT is wired to */

#define I8259_ICW1_SELECT 0x10u
#define I8259_ICW1_IC4    0x01u
#define I8259_ICW1_SNGL   0x02u
#define I8259_ICW1_ADI    0x04u
#define I8259_ICW4_UPM    0x01u
#define I8259_ICW4_AEOI   0x02u
#define I8259_ICW4_SFNM   0x10u
#define I8259_OCW3_SELECT 0x08u
#define I8259_OCW3_RIS    0x01u
#define I8259_OCW3_RR     0x02u
#define I8259_OCW3_POLL   0x04u
#define I8259_OCW3_SMM    0x20u
#define I8259_OCW3_ESMM   0x40u
#define I8259_OCW2_EOI    0x20u
#define I8259_OCW2_SL     0x40u
#define I8259_OCW2_R      0x80u

/* Which initialization command word a write to A0 = 1 is. */
#define I8259_INIT_NONE 0u /* never initialized since power-on: no interrupts */
#define I8259_INIT_ICW2 1u
#define I8259_INIT_ICW3 2u
#define I8259_INIT_ICW4 3u
#define I8259_INIT_DONE 4u

typedef struct I8259Chip {
    /* guest-visible, saved */
    uint8_t lines; /* levels at the IR inputs */
    uint8_t edges; /* edge-sense latches */
    uint8_t isr;
    uint8_t imr;
    uint8_t elcr; /* 1: level-triggered */
    uint8_t init; /* I8259_INIT_* */
    uint8_t icw1;
    uint8_t icw2;
    uint8_t icw3;
    uint8_t icw4;
    uint8_t lowest; /* input with the lowest priority */
    uint8_t special_mask;
    uint8_t rotate_aeoi;
    uint8_t read_isr;
    uint8_t poll; /* the next read is a poll */
    /* wiring */
    uint8_t slave; /* the SP pin is low */
} I8259Chip;

struct I8259;

/* What the port handlers of one chip are given. */
typedef struct I8259Port {
    struct I8259 *pic;
    uint32_t which;
} I8259Port;

typedef struct I8259 {
    /* guest-visible, saved */
    I8259Chip chip[2];
    /* host */
    const viv_chipset_api_t *chipset;
    I8259Port ports[2];
    /* stats */
    uint64_t spurious;
} I8259;

static const viv_field_t i8259_chip_fields[] = {
    VIV_FIELD(I8259Chip, lines, VIV_U8, 1),         VIV_FIELD(I8259Chip, edges, VIV_U8, 1),
    VIV_FIELD(I8259Chip, isr, VIV_U8, 1),           VIV_FIELD(I8259Chip, imr, VIV_U8, 1),
    VIV_FIELD(I8259Chip, elcr, VIV_U8, 1),          VIV_FIELD(I8259Chip, init, VIV_U8, 1),
    VIV_FIELD(I8259Chip, icw1, VIV_U8, 1),          VIV_FIELD(I8259Chip, icw2, VIV_U8, 1),
    VIV_FIELD(I8259Chip, icw3, VIV_U8, 1),          VIV_FIELD(I8259Chip, icw4, VIV_U8, 1),
    VIV_FIELD(I8259Chip, lowest, VIV_U8, 1),        VIV_FIELD(I8259Chip, special_mask, VIV_BOOL, 1),
    VIV_FIELD(I8259Chip, rotate_aeoi, VIV_BOOL, 1), VIV_FIELD(I8259Chip, read_isr, VIV_BOOL, 1),
    VIV_FIELD(I8259Chip, poll, VIV_BOOL, 1),        {0},
};

static const viv_field_t i8259_state[] = {
    VIV_FIELD_STRUCTS(I8259, chip, i8259_chip_fields, 1),
    {0},
};

/* Inputs that can be switched to level: not the timer, keyboard, cascade; not the RTC, the FPU. */
static const uint8_t i8259_elcr_mask[2] = {0xf8, 0xde};

/* -- priority -------------------------------------------------------------------------------- */

static uint8_t i8259_irr(const I8259Chip *c)
{
    return (uint8_t)((c->edges & ~c->elcr) | (c->lines & c->elcr));
}

/* The input that the chip asks to serve now, or -1. */
static int i8259_pending(const I8259Chip *c)
{
    uint32_t requests = i8259_irr(c) & (uint8_t)~c->imr;
    uint32_t blocking = c->special_mask ? c->isr & (uint8_t)~c->imr : c->isr;
    /* Inputs of slaves, which may ask again while they are in service. A slave's ICW3 is its number
     * and says nothing of inputs. */
    uint32_t nested = 0;
    if ((c->icw4 & I8259_ICW4_SFNM) && !(c->icw1 & I8259_ICW1_SNGL) && !c->slave) {
        nested = c->icw3;
    }
    if (c->init != I8259_INIT_DONE || !requests) {
        return -1;
    }
    for (uint32_t i = 1; i <= 8; i++) {
        uint32_t n = (c->lowest + i) & 7, bit = 1u << n;
        if ((requests & bit) && (!(blocking & bit) || (nested & bit))) {
            return (int)n;
        }
        if (blocking & bit) {
            return -1;
        }
    }
    return -1;
}

static void i8259_input(I8259Chip *c, uint32_t n, uint32_t level)
{
    uint8_t bit = (uint8_t)(1u << n);
    if (level && !(c->lines & bit)) {
        c->lines |= bit;
        c->edges |= bit;
    } else if (!level) {
        c->lines &= (uint8_t)~bit;
        c->edges &= (uint8_t)~bit;
    }
}

/* [chipset lock] After any change: the slave's INT to the master, the master's to the CPU. */
static void i8259_update(viv_dev_t *dev, I8259 *pic)
{
    i8259_input(&pic->chip[I8259_MASTER], I8259_CASCADE,
                i8259_pending(&pic->chip[I8259_SLAVE]) >= 0);
    pic->chipset->pic_intr(dev, i8259_pending(&pic->chip[I8259_MASTER]) >= 0);
}

/* An INTA sequence for input n. */
static void i8259_take(I8259Chip *c, uint32_t n)
{
    c->edges &= (uint8_t) ~(1u << n);
    if (!(c->icw4 & I8259_ICW4_AEOI)) {
        c->isr |= (uint8_t)(1u << n);
    } else if (c->rotate_aeoi) {
        c->lowest = (uint8_t)n;
    }
}

static uint8_t i8259_vector(const I8259Chip *c, uint32_t n)
{
    if (c->icw4 & I8259_ICW4_UPM) {
        return (uint8_t)((c->icw2 & 0xf8) | n);
    }
    /* MCS-80: the low byte of the CALL's address, at intervals of 4 or 8. */
    if (c->icw1 & I8259_ICW1_ADI) {
        return (uint8_t)((c->icw1 & 0xe0) | n << 2);
    }
    return (uint8_t)((c->icw1 & 0xc0) | n << 3);
}

/* -- the machine's side ---------------------------------------------------------------------- */

/* [any, chipset lock] */
static void i8259_set_irq(viv_dev_t *dev, void *self, uint32_t irq, uint32_t level)
{
    I8259 *pic = self;
    if (irq == I8259_CASCADE || irq > 15) {
        return; /* the cascade's input is on no bus */
    }
    i8259_input(&pic->chip[irq >> 3], irq & 7, level);
    i8259_update(dev, pic);
}

/* [emt, chipset lock] Both INTA cycles. */
static uint8_t i8259_acknowledge(viv_dev_t *dev, void *self)
{
    I8259 *pic = self;
    I8259Chip *master = &pic->chip[I8259_MASTER], *slave = &pic->chip[I8259_SLAVE];
    int n = i8259_pending(master);
    uint8_t vector;
    if (n < 0) {
        pic->spurious++;
        vector = i8259_vector(master, 7); /* the default IR7, which sets no bit of ISR */
    } else if (n == (int)I8259_CASCADE && !(master->icw1 & I8259_ICW1_SNGL) &&
               (master->icw3 & 1u << I8259_CASCADE)) {
        int k = i8259_pending(slave);
        i8259_take(master, I8259_CASCADE);
        if ((slave->icw1 & I8259_ICW1_SNGL) || (slave->icw3 & 7) != I8259_CASCADE) {
            vector = 0xff; /* nobody answers to that slave number on the cascade bus */
        } else if (k < 0) {
            pic->spurious++;
            vector = i8259_vector(slave, 7);
        } else {
            i8259_take(slave, (uint32_t)k);
            vector = i8259_vector(slave, (uint32_t)k);
        }
        i8259_input(master, I8259_CASCADE,
                    0); /* INT falls during INTA: a further request is a new edge */
    } else {
        i8259_take(master, (uint32_t)n);
        vector = i8259_vector(master, (uint32_t)n);
    }
    i8259_update(dev, pic);
    return vector;
}

static const viv_pic_ops_t i8259_role = {
    .size = sizeof(viv_pic_ops_t),
    .set_irq = i8259_set_irq,
    .acknowledge = i8259_acknowledge,
};

/* -- the guest's side ------------------------------------------------------------------------ */

static void i8259_icw1(I8259Chip *c, uint8_t value)
{
    c->icw1 = value;
    c->init = I8259_INIT_ICW2;
    c->edges = 0; /* an input must rise again */
    c->isr = 0;
    c->imr = 0;
    c->lowest = 7;
    c->icw3 = 7;
    c->special_mask = 0;
    c->read_isr = 0;
    c->poll = 0;
    c->rotate_aeoi = 0;
    if (!(value & I8259_ICW1_IC4)) {
        c->icw4 = 0;
    }
}

/* The next command word after `done` that ICW1 asks for. */
static uint8_t i8259_next_icw(const I8259Chip *c, uint8_t done)
{
    if (done < I8259_INIT_ICW3 && !(c->icw1 & I8259_ICW1_SNGL)) {
        return I8259_INIT_ICW3;
    }
    return done < I8259_INIT_ICW4 && (c->icw1 & I8259_ICW1_IC4) ? I8259_INIT_ICW4 : I8259_INIT_DONE;
}

static int i8259_highest(const I8259Chip *c, uint32_t set)
{
    for (uint32_t i = 1; i <= 8; i++) {
        uint32_t n = (c->lowest + i) & 7;
        if (set & 1u << n) {
            return (int)n;
        }
    }
    return -1;
}

static void i8259_ocw2(I8259Chip *c, uint8_t value)
{
    uint32_t command = value & (I8259_OCW2_R | I8259_OCW2_SL | I8259_OCW2_EOI);
    int level = value & 7;
    switch (command) {
    case 0: c->rotate_aeoi = 0; break;
    case I8259_OCW2_R: c->rotate_aeoi = 1; break;
    case I8259_OCW2_SL: /* no operation */ break;
    case I8259_OCW2_R | I8259_OCW2_SL: c->lowest = (uint8_t)level; break;
    default: /* the four that end an interrupt */
        if (!(command & I8259_OCW2_SL)) {
            level = i8259_highest(c, c->special_mask ? c->isr & (uint8_t)~c->imr : c->isr);
        }
        if (level >= 0) {
            c->isr &= (uint8_t) ~(1u << level);
            if (command & I8259_OCW2_R) {
                c->lowest = (uint8_t)level;
            }
        }
        break;
    }
}

static void i8259_ocw3(I8259Chip *c, uint8_t value)
{
    if (value & I8259_OCW3_ESMM) {
        c->special_mask = (value & I8259_OCW3_SMM) != 0;
    }
    if (value & I8259_OCW3_POLL) {
        c->poll = 1;
    }
    if (value & I8259_OCW3_RR) { /* a poll goes first, then reads give what is selected here */
        c->read_isr = value & I8259_OCW3_RIS;
    }
}

static void i8259_write_data(I8259Chip *c, uint8_t value)
{
    switch (c->init) {
    case I8259_INIT_ICW2:
        c->icw2 = value;
        c->init = i8259_next_icw(c, I8259_INIT_ICW2);
        break;
    case I8259_INIT_ICW3:
        c->icw3 = value;
        c->init = i8259_next_icw(c, I8259_INIT_ICW3);
        break;
    case I8259_INIT_ICW4:
        c->icw4 = value & 0x1f;
        c->init = I8259_INIT_DONE;
        break;
    default: c->imr = value; break;
    }
}

/* [emt, chipset lock] */
static void i8259_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value, uint32_t width)
{
    const I8259Port *port = ctx;
    I8259Chip *c = &port->pic->chip[port->which];
    (void)width;
    if (off) {
        i8259_write_data(c, (uint8_t)value);
    } else if (value & I8259_ICW1_SELECT) {
        i8259_icw1(c, (uint8_t)value);
    } else if (value & I8259_OCW3_SELECT) {
        i8259_ocw3(c, (uint8_t)value);
    } else {
        i8259_ocw2(c, (uint8_t)value);
    }
    i8259_update(dev, port->pic);
}

/* [emt, chipset lock] */
static uint64_t i8259_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    const I8259Port *port = ctx;
    I8259Chip *c = &port->pic->chip[port->which];
    (void)width;
    if (c->poll) { /* whatever A0 is: the read is taken as an acknowledge */
        int n = i8259_pending(c);
        c->poll = 0;
        if (n < 0) {
            return 0;
        }
        i8259_take(c, (uint32_t)n);
        if (c->slave) { /* INT falls as it does in an INTA sequence */
            i8259_input(&port->pic->chip[I8259_MASTER], I8259_CASCADE, 0);
        }
        i8259_update(dev, port->pic);
        return 0x80u | (uint32_t)n;
    }
    if (off) {
        return c->imr;
    }
    return c->read_isr ? c->isr : i8259_irr(c);
}

/* [emt, chipset lock] */
static uint64_t i8259_elcr_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    const I8259 *pic = ctx;
    (void)dev, (void)width;
    return pic->chip[off].elcr;
}

/* [emt, chipset lock] */
static void i8259_elcr_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value,
                             uint32_t width)
{
    I8259 *pic = ctx;
    (void)width;
    pic->chip[off].elcr = (uint8_t)(value & i8259_elcr_mask[off]);
    i8259_update(dev, pic);
}

static const viv_io_ops_t i8259_io = {
    .size = sizeof(viv_io_ops_t),
    .widths = VIV_W8,
    .read = i8259_read,
    .write = i8259_write,
};
static const viv_io_ops_t i8259_elcr_io = {
    .size = sizeof(viv_io_ops_t),
    .widths = VIV_W8,
    .read = i8259_elcr_read,
    .write = i8259_elcr_write,
};

/* -- life ------------------------------------------------------------------------------------ */

/* [main or emt, chipset lock] The inputs are not the chips' own: they stay as they are driven. */
static void i8259_reset(viv_dev_t *dev, void *self)
{
    I8259 *pic = self;
    for (uint32_t i = 0; i < 2; i++) {
        uint8_t lines = pic->chip[i].lines;
        pic->chip[i] = (I8259Chip){.lines = lines, .lowest = 7, .slave = i == I8259_SLAVE};
    }
    i8259_update(dev, pic);
}

/* [main, chipset lock] */
static viv_status_t i8259_post_load(viv_dev_t *dev, void *self, uint32_t version)
{
    I8259 *pic = self;
    (void)version;
    for (uint32_t i = 0; i < 2; i++) {
        const I8259Chip *c = &pic->chip[i];
        if (c->lowest > 7 || c->init > I8259_INIT_DONE || (c->elcr & ~i8259_elcr_mask[i]) ||
            (c->icw4 & ~0x1fu) || (c->edges & ~c->lines)) {
            return dev->api->fail(dev, VIV_E_CORRUPT,
                                  "controller %u: registers contradict each other", i);
        }
    }
    i8259_update(dev, pic);
    return VIV_OK;
}

/* [main, chipset lock] */
static viv_status_t i8259_construct(viv_dev_t *dev, void *self)
{
    static const uint32_t base[2] = {0x20, 0xa0};
    static const char *const names[2] = {"master", "slave"};
    I8259 *pic = self;
    viv_iface_t iface;
    viv_status_t st =
        dev->api->get_interface(dev, VIV_CHIPSET_ID, sizeof(viv_chipset_api_t), &iface);
    if (st != VIV_OK) {
        return dev->api->fail(dev, st, "the host has no " VIV_CHIPSET_ID);
    }
    pic->chipset = iface.ops;
    for (uint32_t i = 0; i < 2; i++) {
        pic->ports[i] = (I8259Port){pic, i};
        st = dev->api->pio_map(dev, base[i], 2, &i8259_io, &pic->ports[i], names[i], NULL);
        if (st != VIV_OK) {
            return st;
        }
    }
    st = dev->api->pio_map(dev, 0x4d0, 2, &i8259_elcr_io, pic, "ELCR", NULL);
    if (st != VIV_OK) {
        return st;
    }
    if (dev->api->get_interface(dev, VIV_STAM_ID, sizeof(viv_stam_api_t), &iface) == VIV_OK) {
        const viv_stam_api_t *stam = iface.ops;
        stam->counter(dev, &pic->spurious, "Spurious", "times",
                      "Acknowledge cycles that found no request");
    }
    return pic->chipset->provide_pic(dev, &i8259_role, pic);
}

static const viv_device_class_t i8259_class = {
    VIV_DEVICE_CLASS_HEAD,
    .name = "i8259",
    .summary = "Pair of 8259A interrupt controllers",
    .instance_size = sizeof(I8259),
    .state_version = I8259_STATE_VERSION,
    .max_instances = 1,
    .order = VIV_ORDER_PIC,
    .flags = VIV_DEV_CHIPSET_LOCK,
    .state = i8259_state,
    .construct = i8259_construct,
    .reset = i8259_reset,
    .post_load = i8259_post_load,
};

VIV_PLUGIN("org.vivarium.i8259", "1.0", "LGPL-2.1-or-later", "8259A interrupt controllers",
           &i8259_class);
