/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pckbd: the controller behind ports 60h and 64h.
 * Follows: IBM PS/2 Hardware Interface Technical Reference, "Keyboard and Auxiliary Device
 * Controller"; IBM Personal Computer AT Technical Reference for the commands that only the AT
 * documents (ACh, C1h, C2h, E0h); DDh and DFh are common to later controllers.
 * Commands and their bytes are taken at once: the input buffer never shows as full. Answers of the
 * controller itself appear at once, bytes of the devices after the time they need on the wire. */
#include "pckbd.h"

#include <string.h>

#define PCKBD_BYTE_NS 500000u /* eleven bits at the fast end of the clock's range */
/* Colour display, no manufacturing loop, not locked; the devices' data lines idle high. */
#define PCKBD_INPORT 0xb3u
/* Bytes of controller RAM with a meaning. */
#define PCKBD_RAM_COMMAND      0x00u
#define PCKBD_RAM_SECURITY_ON  0x13u
#define PCKBD_RAM_SECURITY_OFF 0x14u
#define PCKBD_RAM_IGNORE_1     0x16u
#define PCKBD_RAM_IGNORE_2     0x17u

/* [any, device lock held] Invariant 2. */
void pckbd_irq_update(Pckbd *kb)
{
    const viv_dev_api_t *api = kb->dev->api;
    uint8_t command = kb->ram[PCKBD_RAM_COMMAND];
    uint32_t full = kb->status & PCKBD_ST_OBF, aux = kb->status & PCKBD_ST_AUX_OBF;
    api->irq_set(kb->dev, PCKBD_IRQ_KBD, full && !aux && (command & PCKBD_CB_KBD_INT));
    api->irq_set(kb->dev, PCKBD_IRQ_MOUSE, full && aux && (command & PCKBD_CB_MOUSE_INT));
}

void pckbd_shift(uint8_t *bytes, uint32_t len, uint32_t n)
{
    memmove(bytes, bytes + n, len - n);
}

/* -- The output buffer ----------------------------------------------------------------------- */

static void pckbd_kbc_show(Pckbd *kb, uint32_t entry)
{
    kb->data = (uint8_t)entry;
    kb->status &= (uint8_t) ~(PCKBD_ST_AUX_OBF | PCKBD_ST_TIMEOUT);
    kb->status |= PCKBD_ST_OBF;
    if (entry & PCKBD_OUT_AUX)
        kb->status |= PCKBD_ST_AUX_OBF;
    if (entry & PCKBD_OUT_TIMEOUT)
        kb->status |= PCKBD_ST_TIMEOUT;
    pckbd_irq_update(kb);
}

/* An answer of the controller: shown at once, or behind those that wait. */
static void pckbd_kbc_put(Pckbd *kb, uint32_t entry)
{
    if (!(kb->status & PCKBD_ST_OBF))
        pckbd_kbc_show(kb, entry);
    else if (kb->out_len < PCKBD_OUT_MAX)
        kb->out[kb->out_len++] = (uint16_t)entry;
}

static uint32_t pckbd_kbc_kbd_ready(const Pckbd *kb)
{
    return !(kb->ram[PCKBD_RAM_COMMAND] & PCKBD_CB_KBD_OFF) && pckbd_kbd_ready(kb);
}

static uint32_t pckbd_kbc_mouse_ready(const Pckbd *kb)
{
    return kb->has_mouse && !(kb->ram[PCKBD_RAM_COMMAND] & PCKBD_CB_MOUSE_OFF) &&
           pckbd_mouse_ready(kb);
}

/* Starts the transfer of the next byte, if there is one and the output buffer is free. */
void pckbd_kbc_kick(Pckbd *kb)
{
    const viv_dev_api_t *api = kb->dev->api;
    if ((kb->status & PCKBD_ST_OBF) || api->timer_deadline(kb->byte_timer) != UINT64_MAX)
        return;
    if (pckbd_kbc_kbd_ready(kb) || pckbd_kbc_mouse_ready(kb))
        api->timer_arm(kb->byte_timer, api->time_ns(kb->dev) + PCKBD_BYTE_NS);
}

/* The processor has taken the byte. */
static void pckbd_kbc_emptied(Pckbd *kb)
{
    kb->status &= (uint8_t)~PCKBD_ST_OBF;
    pckbd_irq_update(kb); /* the PIC needs an edge between two bytes */
    if (kb->out_len) {
        uint32_t entry = kb->out[0];
        kb->out_len--;
        memmove(kb->out, kb->out + 1, kb->out_len * sizeof(kb->out[0]));
        pckbd_kbc_show(kb, entry);
        return;
    }
    pckbd_kbc_kick(kb);
}

/* -- Bytes of the keyboard: translation and password ----------------------------------------- */

/* Set 2 to set 1. Returns 0 while the byte is only a prefix. */
static uint32_t pckbd_kbc_translate(Pckbd *kb, uint8_t *value)
{
    if (!(kb->ram[PCKBD_RAM_COMMAND] & PCKBD_CB_TRANSLATE)) {
        kb->xlat_break = 0;
        return 1;
    }
    if (*value == 0xf0) {
        kb->xlat_break = 0x80;
        return 0;
    }
    *value = pckbd_translation[*value] | kb->xlat_break;
    kb->xlat_break = 0;
    return 1;
}

/* While locked nothing of the keyboard reaches the processor; the right keys in a row unlock. */
static void pckbd_kbc_password_key(Pckbd *kb, uint8_t value)
{
    if ((value & 0x80u) || value == kb->ram[PCKBD_RAM_IGNORE_1] ||
        value == kb->ram[PCKBD_RAM_IGNORE_2])
        return;
    if (value != kb->password[kb->password_at]) {
        kb->password_at = 0;
        return;
    }
    if (++kb->password_at < kb->password_len)
        return;
    kb->locked = kb->password_at = 0;
    if (kb->ram[PCKBD_RAM_SECURITY_OFF])
        pckbd_kbc_put(kb, kb->ram[PCKBD_RAM_SECURITY_OFF]);
}

/* [emt, device lock held] A byte has arrived over the wire. The keyboard goes first. */
void pckbd_kbc_byte_due(viv_dev_t *dev, void *ctx)
{
    Pckbd *kb = ctx;
    (void)dev;
    if (kb->status & PCKBD_ST_OBF)
        return;
    while (pckbd_kbc_kbd_ready(kb)) {
        uint8_t value = pckbd_kbd_take(kb);
        if (!pckbd_kbc_translate(kb, &value))
            continue;
        if (!kb->locked) {
            pckbd_kbc_show(kb, value);
            return;
        }
        pckbd_kbc_password_key(kb, value);
        if (kb->status & PCKBD_ST_OBF)
            return;
    }
    if (pckbd_kbc_mouse_ready(kb)) {
        uint8_t value = pckbd_mouse_take(kb);
        if (!kb->locked)
            pckbd_kbc_show(kb, value | PCKBD_OUT_AUX);
    }
    pckbd_kbc_kick(kb);
}

/* -- Commands -------------------------------------------------------------------------------- */

static void pckbd_kbc_outport_write(Pckbd *kb, uint8_t value)
{
    uint8_t changed = kb->outport ^ value;
    kb->outport = value | PCKBD_P2_RUN;
    if (changed & PCKBD_P2_A20)
        kb->chipset->a20_set(kb->dev, 1, (value & PCKBD_P2_A20) != 0);
    if (!(value & PCKBD_P2_RUN))
        kb->vm->reset(kb->dev);
}

/* What the pins are: interrupt outputs follow the buffer, clock lines the command byte. */
static uint8_t pckbd_kbc_outport_read(const Pckbd *kb)
{
    uint32_t full = kb->status & PCKBD_ST_OBF, aux = kb->status & PCKBD_ST_AUX_OBF;
    uint8_t value = (kb->outport & (PCKBD_P2_RUN | PCKBD_P2_A20)) | 0x84u;
    if (full && !aux)
        value |= 0x10;
    if (full && aux)
        value |= 0x20;
    if (kb->ram[PCKBD_RAM_COMMAND] & PCKBD_CB_MOUSE_OFF)
        value |= 0x08; /* the auxiliary clock is driven inverted */
    if (!(kb->ram[PCKBD_RAM_COMMAND] & PCKBD_CB_KBD_OFF))
        value |= 0x40;
    return value;
}

static void pckbd_kbc_command_byte(Pckbd *kb, uint8_t value)
{
    kb->ram[PCKBD_RAM_COMMAND] = value & 0x7f;
    kb->status = (uint8_t)((kb->status & ~PCKBD_ST_SYS) | (value & PCKBD_CB_SYS));
    pckbd_irq_update(kb);
    pckbd_kbc_kick(kb);
}

static void pckbd_kbc_command_bits(Pckbd *kb, uint32_t clear, uint32_t set)
{
    pckbd_kbc_command_byte(kb, (uint8_t)((kb->ram[PCKBD_RAM_COMMAND] & ~clear) | set));
}

/* Sixteen bytes of RAM, both ports and the status, each as two hexadecimal digits and a blank. */
static void pckbd_kbc_dump(Pckbd *kb)
{
    static const uint8_t digits[16] = {0x0b, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08,
                                       0x09, 0x0a, 0x1e, 0x30, 0x2e, 0x20, 0x12, 0x21};
    for (uint32_t i = 0; i < 19; i++) {
        uint8_t byte = i < 16 ? kb->ram[i] : kb->status;
        if (i == 16)
            byte = PCKBD_INPORT;
        else if (i == 17)
            byte = pckbd_kbc_outport_read(kb);
        pckbd_kbc_put(kb, digits[byte >> 4]);
        pckbd_kbc_put(kb, digits[byte & 0x0fu]);
        pckbd_kbc_put(kb, 0x39);
    }
}

static void pckbd_kbc_lock(Pckbd *kb)
{
    if (!kb->password_loaded)
        return;
    kb->locked = 1;
    kb->password_at = 0;
    if (kb->ram[PCKBD_RAM_SECURITY_ON])
        pckbd_kbc_put(kb, kb->ram[PCKBD_RAM_SECURITY_ON]);
}

static void pckbd_kbc_command(Pckbd *kb, uint8_t command)
{
    kb->status |= PCKBD_ST_COMMAND;
    kb->command = 0;
    kb->poll = 0;
    if (command >= 0x20 && command < 0x40) {
        pckbd_kbc_put(kb, kb->ram[command & 0x1fu]);
        return;
    }
    if ((command >= 0x60 && command < 0x80) || (command >= 0xd1 && command <= 0xd4)) {
        kb->command = command;
        return;
    }
    if (command >=
        0xf0) { /* pulse: lines 0..3 whose bits are clear; only the processor's matters */
        if (!(command & PCKBD_P2_RUN))
            kb->vm->reset(kb->dev);
        return;
    }
    switch (command) {
    case 0xa4: pckbd_kbc_put(kb, kb->password_loaded ? 0xfa : 0xf1); break;
    case 0xa5:
        if (kb->locked) /* only its own password opens it */
            break;
        kb->command = command;
        kb->password_len = kb->password_loaded = 0;
        break;
    case 0xa6: pckbd_kbc_lock(kb); break;
    case 0xa7: pckbd_kbc_command_bits(kb, 0, PCKBD_CB_MOUSE_OFF); break;
    case 0xa8: pckbd_kbc_command_bits(kb, PCKBD_CB_MOUSE_OFF, 0); break;
    case 0xa9:
        pckbd_kbc_put(kb, kb->has_mouse ? 0x00 : 0x02); /* clock line stuck high: nobody there */
        break;
    case 0xaa:
        pckbd_kbc_command_bits(kb, 0, PCKBD_CB_SYS);
        pckbd_kbc_put(kb, 0x55);
        break;
    case 0xab: pckbd_kbc_put(kb, 0x00); break;
    case 0xac: pckbd_kbc_dump(kb); break;
    case 0xad: pckbd_kbc_command_bits(kb, 0, PCKBD_CB_KBD_OFF); break;
    case 0xae: pckbd_kbc_command_bits(kb, PCKBD_CB_KBD_OFF, 0); break;
    case 0xc0: pckbd_kbc_put(kb, PCKBD_INPORT); break;
    case 0xc1:
    case 0xc2: kb->poll = command & 3u; break;
    case 0xd0: pckbd_kbc_put(kb, pckbd_kbc_outport_read(kb)); break;
    case 0xdd: pckbd_kbc_outport_write(kb, (uint8_t)(kb->outport & ~PCKBD_P2_A20)); break;
    case 0xdf: pckbd_kbc_outport_write(kb, kb->outport | PCKBD_P2_A20); break;
    case 0xe0:
        pckbd_kbc_put(kb, (kb->ram[PCKBD_RAM_COMMAND] & PCKBD_CB_KBD_OFF) ? 0x02 : 0x03);
        break;
    default:
        kb->dev->api->log(kb->dev, VIV_LOG_TRACE, "unknown controller command %02x", command);
        break;
    }
}

/* The byte that belongs to a command. */
static void pckbd_kbc_argument(Pckbd *kb, uint8_t command, uint8_t value)
{
    kb->command = 0;
    switch (command) {
    case 0x60: pckbd_kbc_command_byte(kb, value); break;
    case 0xa5: /* scan codes up to a zero */
        if (value == 0) {
            kb->password_loaded = kb->password_len != 0;
            break;
        }
        if (kb->password_len < PCKBD_PASSWORD_MAX)
            kb->password[kb->password_len++] = value;
        kb->command = command;
        break;
    case 0xd1: pckbd_kbc_outport_write(kb, value); break;
    case 0xd2: pckbd_kbc_put(kb, value); break;
    case 0xd3: pckbd_kbc_put(kb, value | PCKBD_OUT_AUX); break;
    case 0xd4:
        pckbd_kbc_command_bits(kb, PCKBD_CB_MOUSE_OFF, 0);
        if (kb->has_mouse)
            pckbd_mouse_write(kb, value);
        else
            pckbd_kbc_put(kb, 0xfe | PCKBD_OUT_AUX | PCKBD_OUT_TIMEOUT);
        break;
    default: kb->ram[command & 0x1fu] = value; break;
    }
}

/* -- Ports ----------------------------------------------------------------------------------- */

/* [emt, device lock held] */
static uint64_t pckbd_data_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    Pckbd *kb = ctx;
    uint8_t value = kb->data;
    (void)dev, (void)off, (void)width;
    if (kb->status & PCKBD_ST_OBF)
        pckbd_kbc_emptied(kb);
    return value;
}

/* [emt, device lock held] */
static void pckbd_data_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value,
                             uint32_t width)
{
    Pckbd *kb = ctx;
    (void)dev, (void)off, (void)width;
    kb->status &= (uint8_t)~PCKBD_ST_COMMAND;
    kb->poll = 0;
    if (kb->command) {
        pckbd_kbc_argument(kb, kb->command, (uint8_t)value);
    } else {
        pckbd_kbc_command_bits(kb, PCKBD_CB_KBD_OFF, 0); /* sending turns the interface on */
        pckbd_kbd_write(kb, (uint8_t)value);
    }
    pckbd_kbd_tell(kb);
}

/* [emt, device lock held] */
static uint64_t pckbd_status_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    const Pckbd *kb = ctx;
    uint8_t value = kb->status | PCKBD_ST_UNLOCKED;
    (void)dev, (void)off, (void)width;
    if (kb->poll == 1)
        value = (value & 0x0fu) | (uint8_t)(PCKBD_INPORT << 4);
    else if (kb->poll == 2)
        value = (value & 0x0fu) | (PCKBD_INPORT & 0xf0u);
    return value;
}

/* [emt, device lock held] */
static void pckbd_command_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value,
                                uint32_t width)
{
    (void)dev, (void)off, (void)width;
    pckbd_kbc_command(ctx, (uint8_t)value);
    pckbd_kbd_tell(ctx);
}

const viv_io_ops_t pckbd_data_ops = {
    .size = sizeof(viv_io_ops_t),
    .widths = VIV_W8,
    .read = pckbd_data_read,
    .write = pckbd_data_write,
};
const viv_io_ops_t pckbd_command_ops = {
    .size = sizeof(viv_io_ops_t),
    .widths = VIV_W8,
    .read = pckbd_status_read,
    .write = pckbd_command_write,
};

/* Power-on: both interfaces off, A20 high as all pins of the output port. */
void pckbd_kbc_reset(Pckbd *kb)
{
    kb->status = kb->data = kb->command = kb->poll = 0;
    memset(kb->ram, 0, sizeof(kb->ram));
    kb->ram[PCKBD_RAM_COMMAND] = PCKBD_CB_KBD_OFF | PCKBD_CB_MOUSE_OFF;
    kb->outport = 0xcf;
    kb->xlat_break = 0;
    memset(kb->password, 0, sizeof(kb->password));
    kb->password_len = kb->password_loaded = kb->password_at = kb->locked = 0;
    kb->out_len = 0;
    memset(kb->out, 0, sizeof(kb->out));
    kb->chipset->a20_set(kb->dev, 1, 1);
    pckbd_irq_update(kb);
}
