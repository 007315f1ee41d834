/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* i82078: command and result phases (82078 data sheet, 290468, "Command Set/Descriptions"), and the
 * commands that need no medium. */
#include "fdc.h"

#include <string.h>

#define FDC_VERSION_CODE 0x90u
#define FDC_PART_ID      0x01u /* 64 pins (000), first stepping */

typedef struct FdcCommandDesc {
    uint8_t mask, code;
    uint8_t params;
    uint8_t data; /* has an execution phase; ends in seven result bytes */
    void (*run)(Fdc *f);
} FdcCommandDesc;

void fdc_results(Fdc *f, const uint8_t *bytes, uint32_t count, uint32_t interrupt)
{
    if (count)
        memcpy(f->res, bytes, count);
    f->res_len = (uint8_t)count;
    f->res_pos = 0;
    f->phase = count ? FDC_RESULT : FDC_COMMAND;
    f->cmd_len = 0;
    f->res_int = interrupt != 0;
    if (interrupt)
        fdc_interrupt(f, 1);
}

static void fdc_result_byte(Fdc *f, uint8_t byte)
{
    fdc_results(f, &byte, 1, 0);
}

static void fdc_done(Fdc *f)
{
    fdc_results(f, NULL, 0, 0);
}

/* -- control commands ------------------------------------------------------------------------ */

static void fdc_invalid(Fdc *f)
{
    fdc_result_byte(f, FDC_ST0_INVALID);
}

static void fdc_cmd_specify(Fdc *f)
{
    f->specify[0] = f->cmd[1];
    f->specify[1] = f->cmd[2];
    fdc_done(f);
}

static void fdc_cmd_sense_drive(Fdc *f)
{
    uint32_t drive = fdc_selected(f);
    uint8_t st3 = (uint8_t)(0x28 | (f->cmd[1] & 7)); /* ready, two sides: always */
    if (drive < FDC_UNITS) {
        st3 |= f->drive[drive].cylinder == 0 ? 0x10 : 0;
        st3 |= f->drive[drive].format && f->drive[drive].read_only ? 0x40 : 0;
    }
    f->head_select = f->cmd[1] >> 2 & 1;
    fdc_result_byte(f, st3);
}

static void fdc_cmd_recalibrate(Fdc *f)
{
    fdc_done(f);
    fdc_seek(f, f->cmd[1] & 3, 0, 0, 1);
}

static void fdc_cmd_seek(Fdc *f)
{
    uint32_t unit = f->cmd[1] & 3;
    f->head_select = f->cmd[1] >> 2 & 1;
    fdc_done(f);
    fdc_seek(f, unit, f->cmd[2] - f->unit[unit].pcn, f->cmd[2], 0);
}

static void fdc_cmd_relative_seek(Fdc *f)
{
    uint32_t unit = f->cmd[1] & 3;
    int steps = f->cmd[0] & 0x40 ? f->cmd[2] : -(int)f->cmd[2];
    fdc_done(f);
    fdc_seek(f, unit, steps, (uint8_t)(f->unit[unit].pcn + steps), 0);
}

static void fdc_cmd_sense_interrupt(Fdc *f)
{
    uint32_t i = 0;
    while (i < FDC_UNITS && !f->unit[i].sense)
        i++;
    if (i == FDC_UNITS) {
        fdc_invalid(f);
        return;
    }
    uint8_t bytes[2] = {f->unit[i].sense_st0, f->unit[i].pcn};
    f->unit[i].sense = 0;
    f->reset_statuses &= (uint8_t) ~(1u << i);
    fdc_interrupt_taken(f);
    fdc_results(f, bytes, 2, 0);
}

static void fdc_cmd_version(Fdc *f)
{
    fdc_result_byte(f, FDC_VERSION_CODE);
}

static void fdc_cmd_part_id(Fdc *f)
{
    fdc_result_byte(f, FDC_PART_ID);
}

static void fdc_cmd_configure(Fdc *f)
{
    f->config = f->cmd[2] & 0x7f;
    f->pretrk = f->cmd[3];
    fdc_done(f);
}

static uint8_t fdc_perpendicular_byte(const Fdc *f)
{
    return (uint8_t)(f->lock << 7 | (f->perpendicular & 0x3f));
}

static void fdc_cmd_dumpreg(Fdc *f)
{
    const uint8_t bytes[10] = {
        f->unit[0].pcn, f->unit[1].pcn, f->unit[2].pcn, f->unit[3].pcn,
        f->specify[0],  f->specify[1],  f->sc_eot,      fdc_perpendicular_byte(f),
        f->config,      f->pretrk,
    };
    fdc_results(f, bytes, sizeof bytes, 0);
}

/* Without OW only GAP and WGATE are taken. */
static void fdc_cmd_perpendicular(Fdc *f)
{
    uint8_t value = f->cmd[1];
    f->perpendicular =
        (uint8_t)(value & 0x80 ? value & 0x3f : (f->perpendicular & 0x3c) | (value & 0x03));
    fdc_done(f);
}

static void fdc_cmd_lock(Fdc *f)
{
    f->lock = f->cmd[0] >> 7;
    fdc_result_byte(f, (uint8_t)(f->lock << 4));
}

static void fdc_cmd_powerdown(Fdc *f)
{
    f->powerdown = f->cmd[1] & 0x3f;
    fdc_result_byte(f, f->powerdown);
}

static void fdc_cmd_option(Fdc *f)
{
    f->option = f->cmd[1] & 1;
    fdc_done(f);
}

static void fdc_cmd_save(Fdc *f)
{
    const uint8_t bytes[FDC_RESULTS] = {
        (uint8_t)((f->dsr & 0x1c) | f->rate),
        f->option,
        f->unit[0].pcn,
        f->unit[1].pcn,
        f->unit[2].pcn,
        f->unit[3].pcn,
        f->specify[0],
        f->specify[1],
        f->sc_eot,
        fdc_perpendicular_byte(f),
        f->config,
        f->pretrk,
        f->powerdown,
        0,
        0,
        0,
    };
    fdc_results(f, bytes, sizeof bytes, 0);
}

static void fdc_cmd_restore(Fdc *f)
{
    const uint8_t *p = f->cmd + 1;
    f->dsr = (uint8_t)((f->dsr & 0xe0) | (p[0] & 0x1f));
    f->rate = p[0] & 3;
    f->option = p[1] & 1;
    for (uint32_t i = 0; i < FDC_UNITS; i++)
        f->unit[i].pcn = p[2 + i];
    f->specify[0] = p[6];
    f->specify[1] = p[7];
    f->sc_eot = p[8];
    f->lock = p[9] >> 7;
    f->perpendicular = p[9] & 0x3f;
    f->config = p[10] & 0x7f;
    f->pretrk = p[11];
    f->powerdown = p[12] & 0x3f;
    fdc_done(f);
}

/* Each byte names its drive; the one with DN ends the list. Result: what holds now, unless NRP. */
static void fdc_cmd_drive_specification(Fdc *f)
{
    uint8_t last = f->cmd[f->cmd_len - 1], bytes[FDC_UNITS];
    for (uint32_t i = 1; i + 1u < f->cmd_len; i++)
        f->unit[f->cmd[i] >> 5 & 3].spec = f->cmd[i] & 0x1f;
    for (uint32_t i = 0; i < FDC_UNITS; i++)
        bytes[i] = f->unit[i].spec;
    fdc_results(f, bytes, last & 0x40 ? 0 : FDC_UNITS, 0);
}

/* -- the table ------------------------------------------------------------------------------- */

#define FDC_CMD_DRIVE_SPECIFICATION 0x8eu
#define FDC_CMD_SENSE_INTERRUPT     0x08u

static const FdcCommandDesc fdc_commands[] = {
    {0x1f, 0x06, 8, 1, fdc_exec_start}, /* READ DATA */
    {0x1f, 0x0c, 8, 1, fdc_exec_start}, /* READ DELETED DATA */
    {0x3f, 0x05, 8, 1, fdc_exec_start}, /* WRITE DATA */
    {0x3f, 0x09, 8, 1, fdc_exec_start}, /* WRITE DELETED DATA */
    {0xbf, 0x02, 8, 1, fdc_exec_start}, /* READ TRACK */
    {0x1f, 0x16, 8, 1, fdc_exec_start}, /* VERIFY */
    {0x1f, 0x11, 8, 1, fdc_exec_start}, /* SCAN EQUAL */
    {0x1f, 0x19, 8, 1, fdc_exec_start}, /* SCAN LOW OR EQUAL */
    {0x1f, 0x1d, 8, 1, fdc_exec_start}, /* SCAN HIGH OR EQUAL */
    {0xbf, 0x0d, 5, 1, fdc_exec_start}, /* FORMAT TRACK */
    {0xbf, 0xad, 5, 1, fdc_exec_start}, /* FORMAT AND WRITE */
    {0xbf, 0x0a, 1, 1, fdc_exec_start}, /* READ ID */
    {0xff, 0x03, 2, 0, fdc_cmd_specify},
    {0xff, 0x04, 1, 0, fdc_cmd_sense_drive},
    {0xff, 0x07, 1, 0, fdc_cmd_recalibrate},
    {0xff, FDC_CMD_SENSE_INTERRUPT, 0, 0, fdc_cmd_sense_interrupt},
    {0xff, 0x0e, 0, 0, fdc_cmd_dumpreg},
    {0xff, 0x0f, 2, 0, fdc_cmd_seek},
    {0xff, 0x10, 0, 0, fdc_cmd_version},
    {0xff, 0x12, 1, 0, fdc_cmd_perpendicular},
    {0xff, 0x13, 3, 0, fdc_cmd_configure},
    {0x7f, 0x14, 0, 0, fdc_cmd_lock},
    {0xff, 0x17, 1, 0, fdc_cmd_powerdown},
    {0xff, 0x18, 0, 0, fdc_cmd_part_id},
    {0xff, 0x2e, 0, 0, fdc_cmd_save},
    {0xff, 0x33, 1, 0, fdc_cmd_option},
    {0xff, 0x4e, 16, 0, fdc_cmd_restore},
    {0xff, FDC_CMD_DRIVE_SPECIFICATION, 5, 0, fdc_cmd_drive_specification},
    {0xbf, 0x8f, 2, 0, fdc_cmd_relative_seek},
};

static const FdcCommandDesc *fdc_command_find(uint8_t code)
{
    for (size_t i = 0; i < sizeof fdc_commands / sizeof fdc_commands[0]; i++) {
        if ((code & fdc_commands[i].mask) == fdc_commands[i].code)
            return &fdc_commands[i];
    }
    return NULL;
}

uint32_t fdc_command_is_data(uint8_t code)
{
    const FdcCommandDesc *desc = fdc_command_find(code);
    return desc && desc->data;
}

/* -- the FIFO -------------------------------------------------------------------------------- */

/* Statuses of the reset that nobody has sensed are forgotten with the next other command. */
static void fdc_forget_reset(Fdc *f)
{
    for (uint32_t i = 0; i < FDC_UNITS; i++) {
        if (f->reset_statuses >> i & 1)
            f->unit[i].sense = 0;
    }
    f->reset_statuses = 0;
}

static uint32_t fdc_params_complete(const Fdc *f)
{
    if (f->cmd[0] == FDC_CMD_DRIVE_SPECIFICATION && f->cmd_len > 1 && f->cmd[f->cmd_len - 1] & 0x80)
        return 1;
    return f->cmd_len > f->cmd_need;
}

static void fdc_command_write(Fdc *f, uint8_t value)
{
    const FdcCommandDesc *desc;
    if (f->cmd_len >= FDC_PARAMS) /* a hostile state: no command has more */
        f->cmd_len = 0;
    if (f->cmd_len == 0) {
        desc = fdc_command_find(value);
        f->cmd_need = desc ? desc->params : 0;
        if (value != FDC_CMD_SENSE_INTERRUPT)
            fdc_forget_reset(f);
    }
    f->cmd[f->cmd_len++] = value;
    if (!fdc_params_complete(f))
        return;
    desc = fdc_command_find(f->cmd[0]);
    f->dev->api->log(f->dev, VIV_LOG_TRACE, "command %02x %02x %02x %02x %02x", f->cmd[0],
                     f->cmd[1], f->cmd[2], f->cmd[3], f->cmd[4]);
    if (desc)
        desc->run(f);
    else
        fdc_invalid(f);
}

void fdc_fifo_write(Fdc *f, uint8_t value)
{
    if (!(f->dor & FDC_DOR_RESET) || f->dsr & 0x40)
        return;
    if (f->phase == FDC_COMMAND)
        fdc_command_write(f, value);
    else if (f->phase == FDC_EXECUTION)
        fdc_xfer_write(f, value);
}

uint8_t fdc_fifo_read(Fdc *f)
{
    if (f->phase == FDC_EXECUTION)
        return fdc_xfer_read(f);
    if (f->phase != FDC_RESULT || f->res_pos >= f->res_len)
        return 0xff;
    if (f->res_int) {
        f->res_int = 0;
        fdc_interrupt_taken(f);
    }
    uint8_t value = f->res[f->res_pos++];
    if (f->res_pos == f->res_len)
        fdc_done(f);
    return value;
}
