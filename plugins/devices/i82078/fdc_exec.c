/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* i82078: the commands with an execution phase (290468, "Data Transfer Commands"). One sector at a
 * time: the head is brought to its place, the ID comes round, bytes move, and so on until terminal
 * count, the end of the track or an error; every wait is a timer. */
#include "fdc.h"

#include <string.h>

#define FDC_FAST_NS (20 * FDC_US)

/* Command bits and, without them, the commands. */
#define FDC_MT   0x80u
#define FDC_MFM  0x40u
#define FDC_SKIP 0x20u
enum {
    FDC_READ_TRACK = 0x02,
    FDC_WRITE = 0x05,
    FDC_READ = 0x06,
    FDC_WRITE_DELETED = 0x09,
    FDC_READ_ID = 0x0a,
    FDC_READ_DELETED = 0x0c,
    FDC_FORMAT = 0x0d,
    FDC_SCAN_EQUAL = 0x11,
    FDC_VERIFY = 0x16,
    FDC_SCAN_LOW = 0x19,
    FDC_SCAN_HIGH = 0x1d,
};

static uint32_t fdc_op(const Fdc *f)
{
    return f->cmd[0] & 0x1fu;
}

static uint32_t fdc_op_scans(uint32_t op)
{
    return op == FDC_SCAN_EQUAL || op == FDC_SCAN_LOW || op == FDC_SCAN_HIGH;
}

static uint32_t fdc_op_writes(uint32_t op)
{
    return op == FDC_WRITE || op == FDC_WRITE_DELETED || op == FDC_FORMAT;
}

static uint32_t fdc_format_writes(const Fdc *f)
{
    return (f->cmd[0] & 0xa0) == 0xa0;
}

static void fdc_wait(Fdc *f, FdcStep step, uint64_t ns)
{
    f->x.step = (uint8_t)step;
    f->dev->api->timer_arm(f->exec_timer, fdc_now(f) + ns);
}

/* -- the end --------------------------------------------------------------------------------- */

/* HUT: 16 ms steps at 500 kbit/s, 0 is 16. */
static uint64_t fdc_unload_ns(const Fdc *f)
{
    uint32_t hut = f->specify[0] & 15;
    return (hut ? hut : 16) * fdc_byte_ns(f) * 1000;
}

/* HLT: 2 ms steps at 500 kbit/s, 0 is 128. */
static uint64_t fdc_load_ns(const Fdc *f)
{
    uint32_t hlt = f->specify[1] >> 1;
    return (hlt ? hlt : 128) * fdc_byte_ns(f) * 125;
}

static void fdc_finish(Fdc *f)
{
    const FdcExec *x = &f->x;
    const uint8_t bytes[7] = {
        (uint8_t)(x->st0 | x->head << 2 | (f->cmd[1] & 3)), x->st1, x->st2, x->c, x->h, x->r, x->n,
    };
    f->x.step = FDC_STEP_NONE;
    f->dev->api->timer_cancel(f->exec_timer);
    f->head_until_ns = fdc_now(f) + fdc_unload_ns(f);
    fdc_results(f, bytes, sizeof bytes, 1);
    f->dev->api->log(f->dev, VIV_LOG_TRACE, "result %02x %02x %02x, %u %u %u %u", bytes[0],
                     bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6]);
    fdc_dreq_update(f);
}

void fdc_exec_fail(Fdc *f, uint8_t st0, uint8_t st1, uint8_t st2)
{
    f->x.st0 |= st0;
    f->x.st1 |= st1;
    f->x.st2 |= st2;
    fdc_finish(f);
}

/* What is looked for does not come by: that is known when the index has passed twice. */
static void fdc_not_found(Fdc *f, uint8_t st1, uint8_t st2)
{
    uint64_t rev = fdc_rev_ns(f, f->x.drive);
    f->x.st0 |= FDC_ST0_ABNORMAL;
    f->x.st1 |= st1;
    f->x.st2 |= st2;
    fdc_wait(f, FDC_STEP_FAIL, f->exact ? 2 * rev - fdc_now(f) % rev : FDC_FAST_NS);
}

void fdc_exec_stop(Fdc *f)
{
    f->dev->api->timer_cancel(f->exec_timer);
    f->x = (FdcExec){.drive = FDC_NO_DRIVE};
    f->phase = FDC_COMMAND;
    f->cmd_len = f->res_len = f->res_pos = f->res_int = 0;
    f->stale = f->in_flight;
    fdc_dreq_update(f);
}

/* -- looking for a sector -------------------------------------------------------------------- */

/* Until sector p (1 the first behind the index) comes by. */
static void fdc_wait_sector(Fdc *f, uint32_t p)
{
    uint64_t ns = FDC_FAST_NS;
    if (f->exact) {
        uint64_t rev = fdc_rev_ns(f, f->x.drive);
        uint64_t at = rev * (p - 1) / f->drive[f->x.drive].format->sectors;
        ns = (at + rev - fdc_now(f) % rev) % rev;
    }
    fdc_wait(f, FDC_STEP_SEARCH, ns);
}

static void fdc_search_id(Fdc *f, int cyl)
{
    FdcExec *x = &f->x;
    const FdcFormat *format = f->drive[x->drive].format;
    if (x->c != cyl) {
        fdc_not_found(f, FDC_ST1_NO_DATA, FDC_ST2_WRONG_CYL);
    } else if (x->h != x->head || x->n != FDC_SIZE_CODE || x->r < 1 || x->r > format->sectors) {
        fdc_not_found(f, FDC_ST1_NO_DATA, 0);
    } else {
        x->p = x->r;
        fdc_wait_sector(f, x->p);
    }
}

/* READ TRACK takes sectors as they lie, from the index on. */
static void fdc_search_any(Fdc *f)
{
    FdcExec *x = &f->x;
    const FdcFormat *format = f->drive[x->drive].format;
    x->p++;
    if (x->p > format->sectors) {
        fdc_not_found(f, FDC_ST1_END, 0);
        return;
    }
    if (x->h != x->head || x->n != FDC_SIZE_CODE || x->r != x->p)
        x->st1 |= FDC_ST1_NO_DATA;
    fdc_wait_sector(f, x->p);
}

/* READ ID: whichever comes first. */
static void fdc_search_next(Fdc *f, int cyl)
{
    FdcExec *x = &f->x;
    const FdcFormat *format = f->drive[x->drive].format;
    uint64_t rev = fdc_rev_ns(f, x->drive);
    uint32_t p = f->exact ? (uint32_t)(fdc_now(f) % rev * format->sectors / rev) + 1 : f->id_next;
    p = p % format->sectors + 1;
    f->id_next = (uint8_t)p;
    x->c = (uint8_t)cyl;
    x->h = x->head;
    x->r = (uint8_t)p;
    x->n = FDC_SIZE_CODE;
    fdc_wait_sector(f, p);
}

static void fdc_search(Fdc *f)
{
    FdcExec *x = &f->x;
    uint32_t op = fdc_op(f);
    const FdcDrive *d = x->drive < FDC_UNITS ? &f->drive[x->drive] : NULL;
    int cyl = fdc_drive_track(f, x->drive, x->head, f->cmd[0] & FDC_MFM);
    f->head_select = x->head;
    if (fdc_op_writes(op) && d && d->format && d->read_only)
        fdc_exec_fail(f, FDC_ST0_ABNORMAL, FDC_ST1_PROTECT, 0);
    else if (op == FDC_FORMAT && d && d->format && x->left)
        fdc_wait_sector(f, 1);
    else if (op == FDC_FORMAT && d && d->format)
        fdc_finish(f);
    else if (cyl < 0)
        fdc_not_found(f, FDC_ST1_NO_MARK, 0);
    else if (op == FDC_READ_ID)
        fdc_search_next(f, cyl);
    else if (op == FDC_READ_TRACK)
        fdc_search_any(f);
    else
        fdc_search_id(f, cyl);
}

/* -- the image ------------------------------------------------------------------------------- */

/* Where sector p of the track in hand lies; 0 if the medium has gone since it was found. */
static uint32_t fdc_place(const Fdc *f, uint32_t *ret_index)
{
    const FdcExec *x = &f->x;
    int cyl = fdc_drive_track(f, x->drive, x->head, 1);
    if (cyl < 0 || x->p < 1 || x->p > f->drive[x->drive].format->sectors)
        return 0;
    *ret_index = fdc_sector_index(&f->drive[x->drive], (uint32_t)cyl, x->head, x->p);
    return 1;
}

/* Sectors that the command may come to on this track: read at once. */
static uint32_t fdc_read_ahead(const Fdc *f)
{
    uint32_t last = f->drive[f->x.drive].format->sectors;
    uint32_t eot = fdc_op(f) == FDC_READ_TRACK ? last : f->cmd[6];
    last = eot >= f->x.p && eot < last ? eot : last;
    return last - f->x.p + 1;
}

static void fdc_media_go(Fdc *f)
{
    FdcExec *x = &f->x;
    uint32_t index;
    if (f->in_flight) /* of a command that was reset; this one follows it */
        return;
    if (!fdc_place(f, &index)) {
        fdc_not_found(f, FDC_ST1_NO_MARK, 0);
        return;
    }
    const FdcDrive *d = &f->drive[x->drive];
    uint32_t count = x->step == FDC_STEP_READ ? fdc_read_ahead(f) : 1;
    x->track_first = x->step == FDC_STEP_READ ? x->p : x->track_first;
    x->track_count = x->step == FDC_STEP_READ ? (uint8_t)count : x->track_count;
    if (x->step == FDC_STEP_WRITE)
        memcpy(f->outgoing, fdc_op(f) == FDC_FORMAT ? x->sector + 4 : x->sector, FDC_SECTOR);
    f->req = (viv_media_req_t){
        .size = sizeof f->req,
        .op = x->step == FDC_STEP_READ ? VIV_MEDIA_OP_READ : VIV_MEDIA_OP_WRITE,
        .off = (uint64_t)index * FDC_SECTOR,
        .len_bytes = (uint64_t)count * FDC_SECTOR,
        .buf = x->step == FDC_STEP_READ ? f->track : f->outgoing,
        .done = fdc_exec_media_done,
        .ctx = f,
    };
    f->in_flight = 1;
    viv_status_t st = d->media->submit(d->media_self, &f->req);
    if (st) {
        f->in_flight = 0;
        fdc_exec_fail(f, FDC_ST0_ABNORMAL, FDC_ST1_DATA, FDC_ST2_DATA);
    }
}

static void fdc_have_sector(Fdc *f);
static void fdc_advance(Fdc *f);

static void fdc_media_result(Fdc *f, viv_status_t status)
{
    FdcExec *x = &f->x;
    uint32_t index, op = fdc_op(f);
    if (status) {
        f->dev->api->log(f->dev, VIV_LOG_WARN, "the floppy image cannot be %s (%d)",
                         x->step == FDC_STEP_READ ? "read" : "written", status);
        x->track_count = 0;
        if (status == VIV_E_ACCESS)
            fdc_exec_fail(f, FDC_ST0_ABNORMAL, FDC_ST1_PROTECT, 0);
        else
            fdc_exec_fail(f, FDC_ST0_ABNORMAL, FDC_ST1_DATA, FDC_ST2_DATA);
    } else if (x->step == FDC_STEP_READ) {
        f->read_ff ^= 1;
        fdc_have_sector(f);
    } else {
        f->sectors_written++;
        f->write_ff ^= 1;
        if (fdc_place(f, &index))
            fdc_map_set(f->drive[x->drive].deleted, index, op == FDC_WRITE_DELETED);
        fdc_advance(f);
    }
}

/* [emt or main, no lock] */
void fdc_exec_media_done(viv_media_req_t *req, viv_status_t status)
{
    Fdc *f = req->ctx;
    f->dev->api->lock(f->dev);
    f->in_flight = 0;
    if (!f->stale) {
        fdc_media_result(f, status);
    } else {
        f->stale = 0;
        if (f->x.step == FDC_STEP_READ || f->x.step == FDC_STEP_WRITE)
            fdc_media_go(f);
    }
    f->dev->api->unlock(f->dev);
}

static void fdc_media(Fdc *f, FdcStep step)
{
    f->x.step = (uint8_t)step;
    fdc_media_go(f);
}

/* -- sector by sector ------------------------------------------------------------------------ */

/* The ID that the result phase shows after the last sector (290468, "Result Phase Table"). */
static void fdc_next_id(Fdc *f)
{
    FdcExec *x = &f->x;
    if (x->r != f->cmd[6]) {
        x->r++;
        return;
    }
    x->r = 1;
    if (!(f->cmd[0] & FDC_MT)) {
        x->c++;
        return;
    }
    x->c = (uint8_t)(x->c + x->head);
    x->h ^= 1;
}

/* The last sector of the track (EOT) is through. */
static void fdc_track_end(Fdc *f)
{
    FdcExec *x = &f->x;
    uint32_t op = fdc_op(f);
    if (f->cmd[0] & FDC_MT && x->head == 0) {
        x->head = 1;
        x->h ^= 1;
        x->r = 1;
        x->track_count = 0;
        fdc_search(f);
        return;
    }
    fdc_next_id(f);
    if (op == FDC_VERIFY || fdc_op_scans(op))
        fdc_finish(f);
    else
        fdc_exec_fail(f, FDC_ST0_ABNORMAL, FDC_ST1_END, 0);
}

static void fdc_advance_format(Fdc *f)
{
    FdcExec *x = &f->x;
    const FdcFormat *format = x->drive < FDC_UNITS ? f->drive[x->drive].format : NULL;
    x->left--;
    if (!x->left || x->tc || !format)
        fdc_finish(f);
    else
        fdc_wait_sector(f, (f->cmd[3] - x->left) % format->sectors + 1u);
}

static void fdc_advance(Fdc *f)
{
    FdcExec *x = &f->x;
    uint32_t op = fdc_op(f), step = fdc_op_scans(op) && f->cmd[8] == 2 ? 2 : 1;
    uint32_t counted = op == FDC_READ_TRACK || (op == FDC_VERIFY && f->cmd[1] & 0x80);
    if (op == FDC_FORMAT) {
        fdc_advance_format(f);
        return;
    }
    if (counted && --x->left == 0) {
        if (op == FDC_READ_TRACK && !x->tc) {
            x->st0 |= FDC_ST0_ABNORMAL;
            x->st1 |= FDC_ST1_END;
        }
        x->tc = 1;
    }
    if (x->tc) {
        fdc_next_id(f);
        fdc_finish(f);
    } else if (op == FDC_READ_TRACK) {
        x->r++;
        fdc_search(f);
    } else if (x->r == f->cmd[6] || (step == 2 && x->r + 1 == f->cmd[6])) {
        fdc_track_end(f);
    } else {
        x->r = (uint8_t)(x->r + step);
        fdc_search(f);
    }
}

/* The data mark is not the one that the command wants: with SK the sector is passed over, without
 * it is the last. Returns 1 if it is passed over. */
static uint32_t fdc_wrong_mark(Fdc *f, uint32_t index)
{
    FdcExec *x = &f->x;
    uint32_t op = fdc_op(f), deleted = fdc_map_get(f->drive[x->drive].deleted, index);
    if (deleted == (op == FDC_READ_DELETED))
        return 0;
    x->st2 |= FDC_ST2_DELETED;
    if (op == FDC_READ_TRACK)
        return 0;
    if (f->cmd[0] & FDC_SKIP)
        return 1;
    x->deleted = 1;
    return 0;
}

static void fdc_have_sector(Fdc *f)
{
    FdcExec *x = &f->x;
    uint32_t index, op = fdc_op(f);
    if (!fdc_place(f, &index)) {
        fdc_not_found(f, FDC_ST1_NO_MARK, 0);
    } else if (fdc_wrong_mark(f, index)) {
        fdc_advance(f);
    } else if (op == FDC_VERIFY) {
        x->pos = x->len = 0;
        fdc_exec_sector_done(f);
    } else if (fdc_op_scans(op)) {
        fdc_xfer_start(f, FDC_SECTOR, 0);
    } else {
        memcpy(x->sector, f->track + (size_t)(x->p - x->track_first) * FDC_SECTOR, FDC_SECTOR);
        fdc_xfer_start(f, FDC_SECTOR, 1);
    }
}

static uint32_t fdc_in_track(const FdcExec *x)
{
    return x->p >= x->track_first && x->p < x->track_first + x->track_count;
}

static void fdc_found(Fdc *f)
{
    FdcExec *x = &f->x;
    uint32_t op = fdc_op(f);
    if (op == FDC_READ_ID)
        fdc_finish(f);
    else if (op == FDC_FORMAT)
        fdc_xfer_start(f, fdc_format_writes(f) ? 4 + FDC_SECTOR : 4, 0);
    else if (fdc_op_writes(op))
        fdc_xfer_start(f, FDC_SECTOR, 0);
    else if (fdc_in_track(x))
        fdc_have_sector(f);
    else
        fdc_media(f, FDC_STEP_READ);
}

/* -- what a transfer ends in ----------------------------------------------------------------- */

/* Bytes of FFh match anything. Returns 1 if the condition is met. */
static uint32_t fdc_scan_sector(Fdc *f)
{
    FdcExec *x = &f->x;
    if (!fdc_in_track(x)) /* a hostile state */
        return 1;
    const uint8_t *disk = f->track + (size_t)(x->p - x->track_first) * FDC_SECTOR;
    int order = 0;
    for (uint32_t i = 0; i < x->pos && !order; i++) {
        if (x->sector[i] != 0xff && disk[i] != 0xff)
            order = disk[i] - x->sector[i];
    }
    x->st2 &= (uint8_t) ~(FDC_ST2_SCAN_HIT | FDC_ST2_SCAN_MISS);
    if (!order) {
        x->st2 |= FDC_ST2_SCAN_HIT;
        return 1;
    }
    if ((order < 0 && fdc_op(f) == FDC_SCAN_LOW) || (order > 0 && fdc_op(f) == FDC_SCAN_HIGH))
        return 1;
    x->st2 |= FDC_ST2_SCAN_MISS;
    return 0;
}

/* An image holds only tracks of its own format; others read as unformatted from here on. */
static uint32_t fdc_format_fits(const Fdc *f)
{
    const FdcDrive *d = &f->drive[f->x.drive];
    uint32_t stretch = d->format->cylinders == 40 && !strcmp(d->type->name, "1.20");
    return f->cmd[0] & FDC_MFM && f->cmd[2] == FDC_SIZE_CODE && f->cmd[3] <= d->format->sectors &&
           fdc_rate_matches(f, d) && f->x.head < d->format->heads &&
           (!stretch || !(d->cylinder & 1)) && d->cylinder >> stretch < d->format->cylinders;
}

static void fdc_format_sector(Fdc *f)
{
    FdcExec *x = &f->x;
    const uint8_t *id = x->sector;
    if (x->drive >= FDC_UNITS || !f->drive[x->drive].format) {
        fdc_not_found(f, FDC_ST1_NO_MARK, 0);
        return;
    }
    FdcDrive *d = &f->drive[x->drive];
    fdc_map_set(d->alien, d->cylinder * 2u + x->head, !fdc_format_fits(f));
    int cyl = fdc_drive_track(f, x->drive, x->head, f->cmd[0] & FDC_MFM);
    if (cyl < 0 || id[0] != cyl || id[1] != x->head || id[2] < 1 || id[2] > d->format->sectors ||
        id[3] != FDC_SIZE_CODE) {
        fdc_advance(f);
        return;
    }
    x->p = id[2];
    if (!fdc_format_writes(f))
        memset(x->sector + 4, f->cmd[5], FDC_SECTOR);
    fdc_media(f, FDC_STEP_WRITE);
}

void fdc_exec_sector_done(Fdc *f)
{
    FdcExec *x = &f->x;
    uint32_t op = fdc_op(f);
    fdc_dreq_update(f);
    if (x->pos < x->len) /* cut short by terminal count: a write goes on with zeros */
        memset(x->sector + x->pos, 0, (size_t)(x->len - x->pos));
    if (op == FDC_FORMAT) {
        fdc_format_sector(f);
        return;
    }
    if (fdc_op_writes(op)) {
        fdc_media(f, FDC_STEP_WRITE);
        return;
    }
    f->sectors_read++;
    if ((fdc_op_scans(op) && fdc_scan_sector(f)) || x->deleted)
        fdc_finish(f); /* the ID stays */
    else
        fdc_advance(f);
}

/* -- begin ----------------------------------------------------------------------------------- */

static uint32_t fdc_has_cylinder(uint32_t op)
{
    return op != FDC_FORMAT && op != FDC_READ_ID;
}

void fdc_exec_start(Fdc *f)
{
    FdcExec *x = &f->x;
    uint32_t op = fdc_op(f), loaded = fdc_now(f) < f->head_until_ns;
    uint64_t ns = f->exact && !loaded ? fdc_load_ns(f) : f->exact ? 0 : FDC_FAST_NS;
    const FdcUnit *u = &f->unit[f->cmd[1] & 3];
    *x = (FdcExec){.drive = (uint8_t)fdc_selected(f), .head = f->cmd[1] >> 2 & 1};
    f->phase = FDC_EXECUTION;
    if (fdc_has_cylinder(op)) {
        x->c = f->cmd[2];
        x->h = f->cmd[3];
        x->r = f->cmd[4];
        x->n = f->cmd[5];
        f->sc_eot = f->cmd[6];
        x->left = op == FDC_VERIFY ? f->cmd[8] : f->cmd[6];
        if (f->config & FDC_CFG_SEEK && u->pcn != x->c) {
            x->st0 |= FDC_ST0_SEEK_END;
            ns += fdc_step_ns(f, (uint32_t)(u->pcn > x->c ? u->pcn - x->c : x->c - u->pcn));
        }
    } else if (op == FDC_FORMAT) {
        x->n = f->cmd[2];
        f->sc_eot = x->left = f->cmd[3];
    }
    fdc_wait(f, FDC_STEP_SEEK, ns);
}

static void fdc_seek_implied(Fdc *f)
{
    FdcExec *x = &f->x;
    FdcUnit *u = &f->unit[f->cmd[1] & 3];
    if (x->st0 & FDC_ST0_SEEK_END) {
        if (x->drive < FDC_UNITS && f->drive[x->drive].type)
            fdc_drive_step(&f->drive[x->drive], x->c - u->pcn);
        u->pcn = x->c;
    }
    fdc_search(f);
}

/* [emt, lock held] */
void fdc_exec_timer(viv_dev_t *dev, void *ctx)
{
    Fdc *f = ctx;
    (void)dev;
    if (f->phase != FDC_EXECUTION)
        return;
    switch (f->x.step) {
    case FDC_STEP_SEEK: fdc_seek_implied(f); break;
    case FDC_STEP_SEARCH: fdc_found(f); break;
    case FDC_STEP_FAIL: fdc_finish(f); break;
    case FDC_STEP_XFER: fdc_xfer_tick(f); break;
    default: fdc_media_go(f); break; /* after a load */
    }
}

/* A request to the image is never saved in flight; a file that says so has it done again. */
viv_status_t fdc_exec_post_load(Fdc *f)
{
    const FdcExec *x = &f->x;
    if (x->step >= FDC_STEP_COUNT || x->drive > FDC_NO_DRIVE || x->head > 1 ||
        x->len > sizeof x->sector || x->pos > x->len || x->avail > x->len || x->to_host > 1 ||
        (x->track_count &&
         (!x->track_first || x->track_first - 1u + x->track_count > FDC_MAX_TRACK)))
        return VIV_E_CORRUPT;
    if (f->phase != FDC_EXECUTION)
        return VIV_OK;
    if (x->step == FDC_STEP_NONE || !fdc_command_is_data(f->cmd[0]))
        return VIV_E_CORRUPT;
    if (x->step == FDC_STEP_READ || x->step == FDC_STEP_WRITE)
        f->dev->api->timer_arm(f->exec_timer, fdc_now(f));
    return VIV_OK;
}
