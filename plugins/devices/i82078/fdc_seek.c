/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* i82078: SEEK, RECALIBRATE, RELATIVE SEEK, which run beside other commands, one for each unit, and
 * the statuses that SENSE INTERRUPT STATUS fetches. */
#include "fdc.h"

/* SRT counts down from 16, in ms at 500 kbit/s and in proportion at other rates (SPECIFY). */
uint64_t fdc_step_ns(const Fdc *f, uint32_t steps)
{
    uint64_t unit_ns = fdc_byte_ns(f) * 1000 / 16;
    uint64_t one = (16u - (f->specify[0] >> 4)) * unit_ns;
    return f->exact ? one * steps : 20 * FDC_US;
}

void fdc_seek(Fdc *f, uint32_t number, int steps, uint8_t new_pcn, uint32_t recalibrate)
{
    FdcUnit *u = &f->unit[number];
    u->drive = (uint8_t)fdc_selected(f);
    u->head = f->cmd[1] >> 2 & 1;
    u->seeking = 1;
    u->recalibrates = recalibrate != 0;
    u->new_pcn = new_pcn;
    if (recalibrate) {
        uint32_t at = u->drive < FDC_UNITS ? f->drive[u->drive].cylinder : FDC_RECAL_STEPS;
        steps = -(int)(at < FDC_RECAL_STEPS ? at : FDC_RECAL_STEPS);
    }
    u->steps = (int16_t)steps;
    f->step_in = steps > 0;
    f->dev->api->timer_arm(u->timer,
                           fdc_now(f) + fdc_step_ns(f, (uint32_t)(steps < 0 ? -steps : steps)));
}

static void fdc_seek_end(Fdc *f, uint32_t number)
{
    FdcUnit *u = &f->unit[number];
    FdcDrive *d = u->drive < FDC_UNITS && f->drive[u->drive].type ? &f->drive[u->drive] : NULL;
    uint8_t st0 = (uint8_t)(FDC_ST0_SEEK_END | (u->recalibrates ? 0 : u->head << 2) | number);
    if (d)
        fdc_drive_step(d, u->steps);
    if (u->steps)
        f->step_ff = 1;
    u->pcn = u->new_pcn;
    if (u->recalibrates && (!d || d->cylinder != 0)) /* no TRK0 */
        st0 |= FDC_ST0_ABNORMAL | FDC_ST0_CHECK;
    u->seeking = 0;
    u->sense = 1;
    u->sense_st0 = st0;
    f->reset_statuses &= (uint8_t) ~(1u << number);
    fdc_interrupt(f, 1);
}

/* [emt, lock held] */
void fdc_seek_timer(viv_dev_t *dev, void *ctx)
{
    FdcUnit *u = ctx;
    (void)dev;
    if (u->seeking)
        fdc_seek_end(u->fdc, u->number);
}

void fdc_seeks_stop(Fdc *f)
{
    for (uint32_t i = 0; i < FDC_UNITS; i++) {
        FdcUnit *u = &f->unit[i];
        f->dev->api->timer_cancel(u->timer);
        u->seeking = u->sense = 0;
        u->pcn = 0;
    }
    f->reset_statuses = 0;
}

/* After a reset, polling finds every drive's ready line changed (data sheet, "Drive Polling"). */
void fdc_reset_statuses(Fdc *f)
{
    if (f->config & FDC_CFG_NO_POLL)
        return;
    for (uint32_t i = 0; i < FDC_UNITS; i++) {
        f->unit[i].sense = 1;
        f->unit[i].sense_st0 = (uint8_t)(FDC_ST0_POLLING | i);
    }
    f->reset_statuses = 0x0f;
    fdc_interrupt(f, 1);
}
