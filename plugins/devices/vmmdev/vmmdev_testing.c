/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* VMMDev: the test ports and the test memory.
 * Port 513h takes a command, port 514h its data: text by bytes up to a NUL, numbers by dwords. */
#include <string.h>

#include "vmmdev_priv.h"

#define VMMDEV_PORT_NOP       0u
#define VMMDEV_PORT_TIME_LOW  1u
#define VMMDEV_PORT_TIME_HIGH 2u
#define VMMDEV_PORT_COMMAND   3u
#define VMMDEV_PORT_DATA      4u
#define VMMDEV_PORT_NOP_R3    5u
#define VMMDEV_PORT_LOCKED    6u /* and 7 */

#define VMMDEV_NOP            0x64726962u
#define VMMDEV_COMMAND_MAGIC  0xcab1e000u
#define VMMDEV_COMMAND_HIGH   0xcab10000u /* a 16-bit write means */
#define VMMDEV_CFG_IS_NEM     0x100u      /* three booleans: on top of which host's hypervisor */
#define VMMDEV_CFG_IS_NEM_END 0x103u

/* Page offsets of the test memory; the windows that always leave to ring 3 elsewhere are the same
 * here. */
#define VMMDEV_MMIO_NOP         0x00u
#define VMMDEV_MMIO_NOP_R3      0x08u
#define VMMDEV_MMIO_READBACK    0x40u
#define VMMDEV_MMIO_READBACK_R3 0x80u

/* -- commands -------------------------------------------------------------------------------- */

/* What a command's data is: text, or a dword, or two dwords and a unit and a text, or a number of a
 * configuration value. */
typedef struct VmmDevCommand {
    void (*text)(viv_dev_t *dev, VmmDev *vd, const char *text);
    void (*number)(viv_dev_t *dev, VmmDev *vd, uint32_t value);
    uint32_t dwords_first;
    uint32_t is_query;
} VmmDevCommand;

static void vmmdev_value(viv_dev_t *dev, VmmDev *vd, const char *name)
{
    vmmdev_report_value(dev, vd, name, (uint64_t)vd->data[1] << 32 | vd->data[0], vd->data[2]);
    vd->data_pos = 0;
}

static void vmmdev_term(viv_dev_t *dev, VmmDev *vd, uint32_t errors)
{
    uint32_t failed = errors || vd->failures;
    vmmdev_report_term(dev, vd, errors);
    if (vd->end_at_term) {
        vd->vm->power_off(dev, failed);
    }
}

static const VmmDevCommand vmmdev_commands[VMMDEV_CMD_COUNT] = {
    {.text = vmmdev_report_init},    {.number = vmmdev_term},
    {.text = vmmdev_report_sub},     {.number = vmmdev_report_sub_done},
    {.text = vmmdev_report_failed},  {.text = vmmdev_value, .dwords_first = 3},
    {.text = vmmdev_report_skipped}, {.text = vmmdev_report_register},
    {.text = vmmdev_report_print},   {.is_query = 1},
};

static void vmmdev_command_write(viv_dev_t *dev, VmmDev *vd, uint32_t value, uint32_t width)
{
    uint32_t word = width == 2 ? VMMDEV_COMMAND_HIGH | value : value;
    uint32_t number = word & 0xff;
    vd->data_pos = vd->text_len = 0;
    if (width == 1 || (word & ~0xffu) != VMMDEV_COMMAND_MAGIC || number >= VMMDEV_CMD_COUNT) {
        vd->command = VMMDEV_CMD_NONE;
        vd->junk++;
        dev->api->log(dev, VIV_LOG_TRACE, "no test command: %#x", word);
        return;
    }
    vd->command = number;
}

static void vmmdev_text_byte(viv_dev_t *dev, VmmDev *vd, const VmmDevCommand *command, uint8_t byte)
{
    if (byte) {
        if (vd->text_len < VMMDEV_TEXT_BYTES - 1) { /* the rest is cut off */
            vd->text[vd->text_len++] = byte;
        }
        return;
    }
    vd->text[vd->text_len] = 0;
    vd->text_len = 0;
    command->text(dev, vd, (const char *)vd->text);
}

static uint32_t vmmdev_cfg(const VmmDev *vd, uint32_t number)
{
    if (number < VMMDEV_CFG_DWORDS) {
        return vd->cfg_dword[number];
    }
    return number >= VMMDEV_CFG_IS_NEM && number < VMMDEV_CFG_IS_NEM_END ? 0 : 0xffffffffu;
}

static void vmmdev_data_write(viv_dev_t *dev, VmmDev *vd, uint32_t value, uint32_t width)
{
    const VmmDevCommand *command =
        vd->command < VMMDEV_CMD_COUNT ? &vmmdev_commands[vd->command] : NULL;
    if (command && command->is_query && width == 2) {
        vd->cfg_answer = vmmdev_cfg(vd, value);
    } else if (command && command->number && width == 4) {
        command->number(dev, vd, value);
    } else if (command && width == 4 && vd->data_pos < command->dwords_first) {
        vd->data[vd->data_pos++] = value;
    } else if (command && command->text && width == 1 && vd->data_pos == command->dwords_first) {
        vmmdev_text_byte(dev, vd, command, (uint8_t)value);
    } else {
        vd->junk++;
    }
}

/* -- ports ----------------------------------------------------------------------------------- */

/* [emt, device lock held] */
static uint64_t vmmdev_port_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    VmmDev *vd = ctx;
    switch (off) {
    case VMMDEV_PORT_NOP:
    case VMMDEV_PORT_NOP_R3: return VMMDEV_NOP;
    case VMMDEV_PORT_TIME_LOW:
        if (width != 4) {
            return ~0ull;
        }
        vd->latched_ns = dev->api->time_ns(dev);
        return (uint32_t)vd->latched_ns;
    case VMMDEV_PORT_TIME_HIGH: return width == 4 ? vd->latched_ns >> 32 : ~0ull;
    case VMMDEV_PORT_DATA: /* the answer to a query */
        return vd->command < VMMDEV_CMD_COUNT && vmmdev_commands[vd->command].is_query
                   ? vd->cfg_answer
                   : ~0ull;
    case VMMDEV_PORT_LOCKED:
    case VMMDEV_PORT_LOCKED + 1: return vd->locked[off - VMMDEV_PORT_LOCKED];
    default: return ~0ull;
    }
}

/* [emt, device lock held] */
static void vmmdev_port_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value,
                              uint32_t width)
{
    VmmDev *vd = ctx;
    switch (off) {
    case VMMDEV_PORT_COMMAND: vmmdev_command_write(dev, vd, (uint32_t)value, width); break;
    case VMMDEV_PORT_DATA: vmmdev_data_write(dev, vd, (uint32_t)value, width); break;
    case VMMDEV_PORT_LOCKED:
    case VMMDEV_PORT_LOCKED + 1: vd->locked[off - VMMDEV_PORT_LOCKED] = (uint32_t)value; break;
    default: break;
    }
}

static const viv_io_ops_t vmmdev_port_ops = {
    .size = sizeof(viv_io_ops_t),
    .widths = VIV_W8 | VIV_W16 | VIV_W32,
    .flags = VIV_IO_UNALIGNED,
    .read = vmmdev_port_read,
    .write = vmmdev_port_write,
};

/* -- memory ---------------------------------------------------------------------------------- */

/* The bytes of the read-back registers that an access to either window means, or NULL. */
static uint8_t *vmmdev_readback(VmmDev *vd, uint64_t off, uint32_t width)
{
    uint64_t at =
        off - (off >= VMMDEV_MMIO_READBACK_R3 ? VMMDEV_MMIO_READBACK_R3 : VMMDEV_MMIO_READBACK);
    return off >= VMMDEV_MMIO_READBACK && at <= VMMDEV_READBACK_BYTES - width ? vd->readback + at
                                                                              : NULL;
}

/* [emt, device lock held] */
static uint64_t vmmdev_mmio_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    const uint8_t *bytes = vmmdev_readback(ctx, off, width);
    uint64_t value = 0;
    (void)dev;
    if (bytes) {
        memcpy(&value, bytes, width);
        return value;
    }
    return off < VMMDEV_MMIO_NOP_R3 + 8 ? (uint64_t)VMMDEV_NOP >> 8 * (off & 7) : ~0ull;
}

/* [emt, device lock held] */
static void vmmdev_mmio_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value,
                              uint32_t width)
{
    uint8_t *bytes = vmmdev_readback(ctx, off, width);
    (void)dev;
    if (bytes) {
        memcpy(bytes, &value, width);
    }
}

static const viv_io_ops_t vmmdev_mmio_ops = {
    .size = sizeof(viv_io_ops_t),
    .widths = VIV_W8 | VIV_W16 | VIV_W32 | VIV_W64,
    .flags = VIV_IO_UNALIGNED,
    .read = vmmdev_mmio_read,
    .write = vmmdev_mmio_write,
};

viv_status_t vmmdev_testing_map(viv_dev_t *dev, VmmDev *vd)
{
    viv_status_t st = dev->api->pio_map(dev, VMMDEV_TEST_PORT, VMMDEV_TEST_PORTS, &vmmdev_port_ops,
                                        vd, "test ports", NULL);
    if (st != VIV_OK || !vd->testing_mmio) {
        return st;
    }
    return dev->api->mmio_map(dev, VMMDEV_TEST_MMIO, 0x1000, &vmmdev_mmio_ops, vd, "test memory",
                              NULL);
}
