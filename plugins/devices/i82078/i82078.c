/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* i82078: floppy disk controller with up to four drives.
 * The guest sees the registers at 3F0h-3F5h and 3F7h, IRQ 6 and DMA channel 2.
 * Follows: Intel 82078 64-pin data sheet (290468), the IBM PC/AT's use of it.
 * Not modelled: tape drives, 2 Mbit/s media, automatic power-down as a thing in time, gap lengths,
 * precompensation, CRC errors other than those of the image file. */
#include "fdc.h"

#include <string.h>

#define FDC_STATE_VERSION 2
#define FDC_REGISTERS     8u

enum { FDC_SRA, FDC_SRB, FDC_DOR, FDC_TDR, FDC_MSR, FDC_FIFO_REG, FDC_RESERVED, FDC_DIR };

#define FDC_DSR_RESET     0x80u
#define FDC_DSR_POWERDOWN 0x40u
#define FDC_EREG          0x20u /* POWERDOWN MODE: enhanced registers */

static const viv_option_t fdc_options[] = {
    VIV_OPT_NAMED(Fdc, "IOBase", io_base, VIV_U32, 0, 0xfffffff8u, 0x3f0,
                  "first of the eight registers: port, or address if MemMapped"),
    VIV_OPT_NAMED(Fdc, "IRQ", irq, VIV_U8, 0, 15, 6, "interrupt line"),
    VIV_OPT_NAMED(Fdc, "DMA", dma, VIV_U8, 0, 7, 2, "ISA DMA channel; 4 does not exist"),
    VIV_OPT_NAMED(Fdc, "MemMapped", mem_mapped, VIV_BOOL, 0, 1, 0,
                  "registers in memory instead of ports"),
    VIV_OPT_STRING(Fdc, "Timing", timing_name, "fast",
                   "fast: heads and disks lose no time; exact: steps, rotation and data rate as "
                   "programmed, and overruns"),
    VIV_OPT_STRING(Fdc, "Mode", mode_name, "AT",
                   "which registers there are, as the IDENT and MFM pins say: AT, PS2 or Model30"),
    VIV_OPT_STRING(Fdc, "DriveType0", type_name[0], "auto",
                   "drive 0: 360, 1.20, 720, 1.44, 2.88, or auto: what the first medium needs"),
    VIV_OPT_STRING(Fdc, "DriveType1", type_name[1], "auto", "drive 1"),
    VIV_OPT_STRING(Fdc, "DriveType2", type_name[2], "auto", "drive 2"),
    VIV_OPT_STRING(Fdc, "DriveType3", type_name[3], "auto", "drive 3"),
    {0},
};

static const viv_field_t fdc_drive_fields[] = {
    VIV_FIELD(FdcDrive, cylinder, VIV_U8, 1),
    VIV_FIELD(FdcDrive, changed, VIV_U8, 1),
    VIV_FIELD(FdcDrive, identity, VIV_U64, 1),
    VIV_FIELD_BYTES(FdcDrive, deleted, 1),
    VIV_FIELD_BYTES(FdcDrive, alien, 1),
    VIV_FIELD(FdcDrive, model, VIV_U8, 2),
    {0},
};

static const viv_field_t fdc_unit_fields[] = {
    VIV_FIELD(FdcUnit, pcn, VIV_U8, 1),
    VIV_FIELD(FdcUnit, spec, VIV_U8, 1),
    VIV_FIELD(FdcUnit, seeking, VIV_U8, 1),
    VIV_FIELD(FdcUnit, recalibrates, VIV_U8, 1),
    VIV_FIELD(FdcUnit, drive, VIV_U8, 1),
    VIV_FIELD(FdcUnit, new_pcn, VIV_U8, 1),
    VIV_FIELD(FdcUnit, steps, VIV_U16, 1),
    VIV_FIELD(FdcUnit, sense, VIV_U8, 1),
    VIV_FIELD(FdcUnit, sense_st0, VIV_U8, 1),
    VIV_FIELD(FdcUnit, head, VIV_U8, 1),
    {0},
};

static const viv_field_t fdc_exec_fields[] = {
    VIV_FIELD(FdcExec, step, VIV_U8, 1),        VIV_FIELD(FdcExec, drive, VIV_U8, 1),
    VIV_FIELD(FdcExec, head, VIV_U8, 1),        VIV_FIELD(FdcExec, c, VIV_U8, 1),
    VIV_FIELD(FdcExec, h, VIV_U8, 1),           VIV_FIELD(FdcExec, r, VIV_U8, 1),
    VIV_FIELD(FdcExec, n, VIV_U8, 1),           VIV_FIELD(FdcExec, p, VIV_U8, 1),
    VIV_FIELD(FdcExec, st0, VIV_U8, 1),         VIV_FIELD(FdcExec, st1, VIV_U8, 1),
    VIV_FIELD(FdcExec, st2, VIV_U8, 1),         VIV_FIELD(FdcExec, tc, VIV_U8, 1),
    VIV_FIELD(FdcExec, deleted, VIV_U8, 1),     VIV_FIELD(FdcExec, left, VIV_U8, 1),
    VIV_FIELD(FdcExec, to_host, VIV_U8, 1),     VIV_FIELD(FdcExec, track_first, VIV_U8, 1),
    VIV_FIELD(FdcExec, track_count, VIV_U8, 1), VIV_FIELD(FdcExec, len, VIV_U16, 1),
    VIV_FIELD(FdcExec, pos, VIV_U16, 1),        VIV_FIELD(FdcExec, avail, VIV_U16, 1),
    VIV_FIELD(FdcExec, start_ns, VIV_U64, 1),   VIV_FIELD(FdcExec, since_int, VIV_U16, 1),
    VIV_FIELD_BYTES(FdcExec, sector, 1),        {0},
};

static const viv_field_t fdc_state[] = {
    VIV_FIELD(Fdc, dor, VIV_U8, 1),
    VIV_FIELD(Fdc, dsr, VIV_U8, 1),
    VIV_FIELD(Fdc, tdr, VIV_U8, 1),
    VIV_FIELD(Fdc, rate, VIV_U8, 1),
    VIV_FIELD(Fdc, int_pending, VIV_U8, 1),
    VIV_FIELD(Fdc, powerdown, VIV_U8, 1),
    VIV_FIELD(Fdc, option, VIV_U8, 1),
    VIV_FIELD(Fdc, idle_mask, VIV_U8, 1),
    VIV_FIELD(Fdc, step_ff, VIV_U8, 1),
    VIV_FIELD(Fdc, write_ff, VIV_U8, 1),
    VIV_FIELD(Fdc, read_ff, VIV_U8, 1),
    VIV_FIELD(Fdc, gate_ff, VIV_U8, 1),
    VIV_FIELD(Fdc, step_in, VIV_U8, 1),
    VIV_FIELD(Fdc, head_select, VIV_U8, 1),
    VIV_FIELD_BYTES(Fdc, specify, 1),
    VIV_FIELD(Fdc, config, VIV_U8, 1),
    VIV_FIELD(Fdc, pretrk, VIV_U8, 1),
    VIV_FIELD(Fdc, perpendicular, VIV_U8, 1),
    VIV_FIELD(Fdc, lock, VIV_U8, 1),
    VIV_FIELD(Fdc, sc_eot, VIV_U8, 1),
    VIV_FIELD(Fdc, reset_statuses, VIV_U8, 1),
    VIV_FIELD(Fdc, id_next, VIV_U8, 1),
    VIV_FIELD(Fdc, head_until_ns, VIV_U64, 1),
    VIV_FIELD_STRUCTS(Fdc, unit, fdc_unit_fields, 1),
    VIV_FIELD_STRUCTS(Fdc, drive, fdc_drive_fields, 1),
    VIV_FIELD(Fdc, phase, VIV_U8, 1),
    VIV_FIELD(Fdc, cmd_len, VIV_U8, 1),
    VIV_FIELD(Fdc, cmd_need, VIV_U8, 1),
    VIV_FIELD_BYTES(Fdc, cmd, 1),
    VIV_FIELD(Fdc, res_len, VIV_U8, 1),
    VIV_FIELD(Fdc, res_pos, VIV_U8, 1),
    VIV_FIELD(Fdc, res_int, VIV_U8, 1),
    VIV_FIELD_BYTES(Fdc, res, 1),
    VIV_FIELD_STRUCT(Fdc, x, fdc_exec_fields, 1),
    VIV_FIELD_BYTES(Fdc, track, 1),
    {0},
};

/* -- lines ----------------------------------------------------------------------------------- */

/* DMAGATE lets INT and DRQ out; PS/2 machines have no such bit. */
static uint32_t fdc_gate(const Fdc *f)
{
    return f->mode == FDC_MODE_PS2 || f->dor & FDC_DOR_DMAGATE;
}

static void fdc_lines_update(Fdc *f)
{
    f->dev->api->irq_set(f->dev, f->irq, f->int_pending && fdc_gate(f));
    fdc_dreq_update(f);
}

void fdc_interrupt(Fdc *f, uint32_t level)
{
    f->int_pending = level != 0;
    f->dev->api->irq_set(f->dev, f->irq, f->int_pending && fdc_gate(f));
}

void fdc_interrupt_taken(Fdc *f)
{
    fdc_interrupt(f, 0);
    for (uint32_t i = 0; i < FDC_UNITS; i++) {
        if (f->unit[i].sense && !(f->reset_statuses >> i & 1))
            fdc_interrupt(f, 1);
    }
}

void fdc_dreq_update(Fdc *f)
{
    if (f->dma_attached)
        f->isadma->dreq_set(f->dev, f->dma, fdc_xfer_wants_dma(f) && fdc_gate(f));
}

/* -- resets ---------------------------------------------------------------------------------- */

/* What DOR's and DSR's reset do (290468, "Software Resets"): LOCK keeps the FIFO's parameters, and
 * what SPECIFY and PERPENDICULAR's drive bits have set stays in any case. */
static void fdc_reset_core(Fdc *f)
{
    fdc_exec_stop(f);
    fdc_seeks_stop(f);
    fdc_interrupt(f, 0);
    f->config &= f->lock ? FDC_CFG_NO_FIFO | 15u : 0;
    if (!f->lock) {
        f->config = FDC_CFG_NO_FIFO;
        f->pretrk = 0;
    }
    f->perpendicular &= 0x3c;
    f->dsr &= (uint8_t)~FDC_DSR_POWERDOWN;
    f->step_ff = f->write_ff = f->read_ff = f->gate_ff = 0;
    f->dev->api->timer_cancel(f->reset_timer);
}

static void fdc_reset_release(Fdc *f)
{
    uint64_t ns = f->exact ? 250 * FDC_US : 20 * FDC_US;
    f->dev->api->timer_arm(f->reset_timer, fdc_now(f) + ns);
}

/* [emt, lock held] */
static void fdc_reset_timer(viv_dev_t *dev, void *ctx)
{
    Fdc *f = ctx;
    (void)dev;
    if (f->dor & FDC_DOR_RESET)
        fdc_reset_statuses(f);
}

/* -- registers ------------------------------------------------------------------------------- */

static uint8_t fdc_sra_read(const Fdc *f)
{
    uint32_t drive = fdc_selected(f), at0 = 0, protect = 0;
    if (drive < FDC_UNITS) {
        at0 = f->drive[drive].cylinder == 0;
        protect = f->drive[drive].format && f->drive[drive].read_only;
    }
    uint32_t second = f->drive[1].type != NULL;
    if (f->mode == FDC_MODE_PS2) /* INT PENDING, nDRV2, STEP, nTRK0, HDSEL, nINDX, nWP, DIR */
        return (uint8_t)(f->int_pending << 7 | (second ? 0 : 0x40) | (at0 ? 0 : 0x10) |
                         f->head_select << 3 | 0x04 | (protect ? 0 : 0x02) | f->step_in);
    if (f->mode == FDC_MODE_30) /* INT PENDING, DRQ, STEP F/F, TRK0, nHDSEL, INDX, WP, nDIR */
        return (uint8_t)(f->int_pending << 7 | fdc_xfer_wants_dma(f) << 6 | f->step_ff << 5 |
                         at0 << 4 | (f->head_select ? 0 : 0x08) | protect << 1 |
                         (f->step_in ? 0 : 0x01));
    return 0xff;
}

static uint8_t fdc_srb_read(const Fdc *f)
{
    uint32_t sel = f->dor & 3, idle = f->phase == FDC_COMMAND;
    if (f->mode == FDC_MODE_PS2)
        return (uint8_t)(0xc0 | (sel & 1) << 5 | f->write_ff << 4 | f->read_ff << 3 |
                         f->gate_ff << 2 | (f->dor >> 4 & 3));
    if (f->mode == FDC_MODE_30) /* nDRV2, nDS1, nDS0, three flip-flops, nDS3, nDS2 */
        return (uint8_t)((f->drive[1].type ? 0 : 0x80) | (sel == 1 ? 0 : 0x40) |
                         (sel == 0 ? 0 : 0x20) | f->write_ff << 4 | f->read_ff << 3 |
                         f->gate_ff << 2 | (sel == 3 ? 0 : 2) | (sel == 2 ? 0 : 1));
    if (f->powerdown & FDC_EREG)
        return (uint8_t)(f->idle_mask << 2 | (f->dsr & FDC_DSR_POWERDOWN ? 2 : 0) | idle);
    return 0xff;
}

static uint8_t fdc_msr_read(const Fdc *f)
{
    uint8_t msr = 0;
    if (!(f->dor & FDC_DOR_RESET) || f->dsr & FDC_DSR_POWERDOWN)
        return 0;
    for (uint32_t i = 0; i < FDC_UNITS; i++)
        msr |= (uint8_t)(f->unit[i].seeking << i);
    switch (f->phase) {
    case FDC_COMMAND: return (uint8_t)(msr | FDC_MSR_RQM | (f->cmd_len ? FDC_MSR_BUSY : 0));
    case FDC_RESULT: return (uint8_t)(msr | FDC_MSR_RQM | FDC_MSR_DIO | FDC_MSR_BUSY);
    default: break;
    }
    msr |= FDC_MSR_BUSY | (fdc_non_dma(f) ? FDC_MSR_NON_DMA : 0);
    if (fdc_xfer_rqm(f))
        msr |= FDC_MSR_RQM | (f->x.to_host ? FDC_MSR_DIO : 0);
    return msr;
}

static uint8_t fdc_dir_read(Fdc *f)
{
    uint32_t drive = fdc_selected(f);
    uint8_t changed = drive < FDC_UNITS && f->drive[drive].changed;
    if (f->mode == FDC_MODE_PS2) /* DSKCHG, ones, DRATE, nHIGH DENS */
        return (uint8_t)(changed << 7 | 0x78 | f->rate << 1 |
                         (f->rate == 0 || f->rate == 3 ? 0 : 1));
    if (f->mode == FDC_MODE_30) { /* nDSKCHG, nDMAGATE, NOPREC, DRATE */
        f->step_ff = f->write_ff = f->read_ff = f->gate_ff = 0;
        return (uint8_t)(!changed << 7 | (f->dor & FDC_DOR_DMAGATE) | (f->option & 2) << 1 |
                         f->rate);
    }
    return (uint8_t)(changed << 7 | 0x7f); /* the other bits are the hard disk's, and float */
}

/* [emt, lock held] */
static uint64_t fdc_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    Fdc *f = ctx;
    (void)dev, (void)width;
    switch (off) {
    case FDC_SRA: return fdc_sra_read(f);
    case FDC_SRB: return fdc_srb_read(f);
    case FDC_DOR: return f->dor;
    case FDC_TDR: return f->powerdown & FDC_EREG ? f->tdr : 0xfcu | (f->tdr & 3);
    case FDC_MSR: return fdc_msr_read(f);
    case FDC_FIFO_REG: return fdc_fifo_read(f);
    case FDC_DIR: return fdc_dir_read(f);
    default: return 0xff;
    }
}

static void fdc_dor_write(Fdc *f, uint8_t value)
{
    uint8_t turned = f->dor ^ value;
    f->dor = value;
    if (turned & FDC_DOR_RESET && !(value & FDC_DOR_RESET))
        fdc_reset_core(f);
    else if (turned & FDC_DOR_RESET)
        fdc_reset_release(f);
    fdc_lines_update(f);
}

static void fdc_dsr_write(Fdc *f, uint8_t value)
{
    f->dsr = value & 0x7f;
    f->rate = value & 3;
    if (value & FDC_DSR_RESET) {
        fdc_reset_core(f);
        if (f->dor & FDC_DOR_RESET)
            fdc_reset_release(f);
    } else if (value & FDC_DSR_POWERDOWN) {
        fdc_exec_stop(f);
    }
}

static void fdc_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value, uint32_t width)
{
    Fdc *f = ctx;
    uint8_t byte = (uint8_t)value;
    (void)dev, (void)width;
    switch (off) {
    case FDC_SRB: f->idle_mask = f->powerdown & FDC_EREG ? byte >> 2 & 1 : f->idle_mask; break;
    case FDC_DOR: fdc_dor_write(f, byte); break;
    case FDC_TDR:
        f->tdr = f->powerdown & FDC_EREG ? byte & 0x0f : (uint8_t)((f->tdr & 0x0c) | (byte & 3));
        break;
    case FDC_MSR: fdc_dsr_write(f, byte); break;
    case FDC_FIFO_REG: fdc_fifo_write(f, byte); break;
    case FDC_DIR: f->rate = byte & 3; break; /* CCR */
    default: break;
    }
}

static uint64_t fdc_dir_port_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    return fdc_read(dev, ctx, off + FDC_DIR, width);
}

static void fdc_dir_port_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value,
                               uint32_t width)
{
    fdc_write(dev, ctx, off + FDC_DIR, value, width);
}

static const viv_io_ops_t fdc_ops = {
    .size = sizeof(viv_io_ops_t),
    .widths = VIV_W8,
    .read = fdc_read,
    .write = fdc_write,
};

static const viv_io_ops_t fdc_dir_ops = {
    .size = sizeof(viv_io_ops_t),
    .widths = VIV_W8,
    .read = fdc_dir_port_read,
    .write = fdc_dir_port_write,
};

/* -- life ------------------------------------------------------------------------------------ */

/* [main or emt, lock held] The drives' heads stay where they are. */
static void fdc_reset(viv_dev_t *dev, void *self)
{
    Fdc *f = self;
    (void)dev;
    f->dor = f->tdr = f->powerdown = f->option = f->idle_mask = 0;
    f->dsr = f->rate = 2;
    f->lock = f->perpendicular = f->sc_eot = f->head_select = f->step_in = 0;
    f->specify[0] = f->specify[1] = 0;
    f->id_next = 0;
    f->head_until_ns = 0;
    for (uint32_t i = 0; i < FDC_UNITS; i++)
        f->unit[i].spec = 0;
    fdc_reset_core(f);
    fdc_lines_update(f);
}

/* [main, lock held] */
static viv_status_t fdc_post_load(viv_dev_t *dev, void *self, uint32_t version)
{
    Fdc *f = self;
    (void)version;
    if (f->phase > FDC_RESULT || f->cmd_len > FDC_PARAMS || f->cmd_need > FDC_PARAMS ||
        f->res_len > FDC_RESULTS || f->res_pos > f->res_len || f->rate > 3 || f->lock > 1)
        return dev->api->fail(dev, VIV_E_CORRUPT, "phases of no command");
    for (uint32_t i = 0; i < FDC_UNITS; i++) {
        const FdcUnit *u = &f->unit[i];
        FdcDrive *d = &f->drive[i];
        if (u->seeking > 1 || u->drive > FDC_NO_DRIVE || u->head > 1)
            return dev->api->fail(dev, VIV_E_CORRUPT, "a seek of no drive");
        viv_status_t same = fdc_drive_loaded(d, i);
        if (same)
            return same;
        if (d->cylinder >= (d->type ? d->type->cylinders : 1))
            return dev->api->fail(dev, VIV_E_CORRUPT, "drive %u has no cylinder %u", i,
                                  d->cylinder);
        if (d->type)
            fdc_drive_look(d, 0);
    }
    viv_status_t st = fdc_exec_post_load(f);
    if (st)
        return dev->api->fail(dev, st, "an execution phase of no command");
    fdc_lines_update(f);
    return VIV_OK;
}

static viv_status_t fdc_words(Fdc *f)
{
    static const char *const modes[] = {"AT", "PS2", "Model30"};
    viv_dev_t *dev = f->dev;
    uint32_t mode = 0;
    while (mode < 3 && strcmp(f->mode_name, modes[mode]) != 0)
        mode++;
    if (mode == 3)
        return dev->api->fail(dev, VIV_E_CONFIG, "Mode is '%s', not AT, PS2 or Model30",
                              f->mode_name);
    f->mode = (FdcMode)mode;
    f->exact = !strcmp(f->timing_name, "exact");
    if (!f->exact && strcmp(f->timing_name, "fast") != 0)
        return dev->api->fail(dev, VIV_E_CONFIG, "Timing is '%s', not fast or exact",
                              f->timing_name);
    return VIV_OK;
}

/* 3F6h belongs to the hard disk controller. */
static viv_status_t fdc_map(Fdc *f)
{
    viv_dev_t *dev = f->dev;
    const viv_dev_api_t *api = dev->api;
    if (f->mem_mapped)
        return api->mmio_map(dev, f->io_base, FDC_REGISTERS, &fdc_ops, f, "registers", NULL);
    if (f->io_base > 0x10000 - FDC_REGISTERS)
        return api->fail(dev, VIV_E_CONFIG, "IOBase is no port: %#x", f->io_base);
    viv_status_t st = api->pio_map(dev, f->io_base, 6, &fdc_ops, f, "registers", NULL);
    return st ? st : api->pio_map(dev, f->io_base + 7, 1, &fdc_dir_ops, f, "DIR and CCR", NULL);
}

static viv_status_t fdc_timers(Fdc *f)
{
    static const char *const names[FDC_UNITS] = {"seek0", "seek1", "seek2", "seek3"};
    const viv_dev_api_t *api = f->dev->api;
    viv_status_t st = api->timer_create(f->dev, "exec", fdc_exec_timer, f, &f->exec_timer);
    st = st ? st : api->timer_create(f->dev, "reset", fdc_reset_timer, f, &f->reset_timer);
    for (uint32_t i = 0; i < FDC_UNITS && !st; i++) {
        f->unit[i].fdc = f;
        f->unit[i].number = (uint8_t)i;
        st = api->timer_create(f->dev, names[i], fdc_seek_timer, &f->unit[i], &f->unit[i].timer);
    }
    return st;
}

static viv_status_t fdc_counters(Fdc *f)
{
    viv_dev_t *dev = f->dev;
    viv_status_t st =
        f->stam->counter(dev, &f->sectors_read, "SectorsRead", "sectors", "handed to the guest");
    st = st ? st
            : f->stam->counter(dev, &f->sectors_written, "SectorsWritten", "sectors",
                               "written to the image");
    return st ? st
              : f->stam->counter(dev, &f->overruns, "Overruns", "",
                                 "transfers lost because the guest was late");
}

/* [main, lock held] */
static viv_status_t fdc_construct(viv_dev_t *dev, void *self)
{
    Fdc *f = self;
    viv_status_t st = VIV_OK;
    f->dev = dev;
    f->isadma = viv_need(dev, VIV_ISADMA_ID, sizeof(viv_isadma_api_t), &st);
    f->lun = viv_need(dev, VIV_LUN_ID, sizeof(viv_lun_api_t), &st);
    f->stam = viv_need(dev, VIV_STAM_ID, sizeof(viv_stam_api_t), &st);
    if (st || (st = fdc_words(f)) || (st = fdc_map(f)) || (st = fdc_timers(f)) ||
        (st = fdc_counters(f)) || (st = f->isadma->attach(dev, f->dma, fdc_xfer_ready, f)))
        return st;
    f->dma_attached = 1;
    return fdc_drives_attach(f);
}

/* [main] */
static viv_status_t fdc_query(viv_dev_t *dev, void *self, uint32_t lun, const char *id,
                              viv_iface_t *ret_iface)
{
    Fdc *f = self;
    (void)dev;
    if (lun >= FDC_UNITS || strcmp(id, VIV_MEDIA_PORT_ID) != 0)
        return VIV_E_NOT_FOUND;
    *ret_iface = (viv_iface_t){&fdc_media_port, &f->drive[lun]};
    return VIV_OK;
}

static const viv_device_class_t fdc_class = {
    VIV_DEVICE_CLASS_HEAD,
    .name = "i82078",
    .summary = "floppy disk controller (82078) and drives",
    .instance_size = sizeof(Fdc),
    .state_version = FDC_STATE_VERSION,
    .order = VIV_ORDER_STORAGE,
    .options = fdc_options,
    .state = fdc_state,
    .construct = fdc_construct,
    .reset = fdc_reset,
    .post_load = fdc_post_load,
    .query_interface = fdc_query,
};

VIV_PLUGIN("org.vivarium.i82078", "1.0", "LGPL-2.1-or-later",
           "floppy disk controller (82078) and drives", &fdc_class);
