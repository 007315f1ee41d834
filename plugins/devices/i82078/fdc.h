/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* i82078: what the files of this plugin share. i82078.c is the device: ports, registers, options,
 * state; fdc_command.c the command and result phases and every command that needs no medium;
 * fdc_seek.c the head's movement and the interrupts it ends with; fdc_exec.c the commands that
 * read, write and format; fdc_transfer.c the bytes between them and the host; fdc_drive.c drives
 * and media. */
#ifndef DEVICE_I82078_FDC_H
#define DEVICE_I82078_FDC_H

#include <viv/device.h>
#include <viv/interfaces.h>
#include <viv/isadma.h>

#define FDC_UNITS       4u
#define FDC_NO_DRIVE    FDC_UNITS /* drive number: none is selected */
#define FDC_SECTOR      512u
#define FDC_MAX_TRACK   36u /* sectors */
#define FDC_FIFO        16u
#define FDC_PARAMS      17u
#define FDC_RESULTS     16u
#define FDC_SIZE_CODE   2u /* N of 512 bytes */
#define FDC_MAX_CYLS    84u
#define FDC_RECAL_STEPS 79u

#define FDC_MS UINT64_C(1000000)
#define FDC_US UINT64_C(1000)

/* DOR */
#define FDC_DOR_RESET   0x04u /* active low */
#define FDC_DOR_DMAGATE 0x08u
/* MSR */
#define FDC_MSR_RQM     0x80u
#define FDC_MSR_DIO     0x40u
#define FDC_MSR_NON_DMA 0x20u
#define FDC_MSR_BUSY    0x10u
/* ST0 */
#define FDC_ST0_ABNORMAL 0x40u
#define FDC_ST0_INVALID  0x80u
#define FDC_ST0_POLLING  0xc0u
#define FDC_ST0_SEEK_END 0x20u
#define FDC_ST0_CHECK    0x10u /* equipment check */
/* ST1 */
#define FDC_ST1_END     0x80u /* end of cylinder */
#define FDC_ST1_DATA    0x20u /* data error */
#define FDC_ST1_OVERRUN 0x10u
#define FDC_ST1_NO_DATA 0x04u
#define FDC_ST1_PROTECT 0x02u /* not writable */
#define FDC_ST1_NO_MARK 0x01u /* missing address mark */
/* ST2 */
#define FDC_ST2_DELETED   0x40u /* control mark */
#define FDC_ST2_DATA      0x20u
#define FDC_ST2_WRONG_CYL 0x10u
#define FDC_ST2_SCAN_HIT  0x08u
#define FDC_ST2_SCAN_MISS 0x04u
/* CONFIGURE, second byte */
#define FDC_CFG_SEEK    0x40u /* implied seek */
#define FDC_CFG_NO_FIFO 0x20u
#define FDC_CFG_NO_POLL 0x10u

typedef enum FdcPhase { FDC_COMMAND, FDC_EXECUTION, FDC_RESULT } FdcPhase;

/* Where the execution of a data command stands. */
typedef enum FdcStep {
    FDC_STEP_NONE,
    FDC_STEP_SEEK,   /* implied seek, or the head is being loaded */
    FDC_STEP_SEARCH, /* the sector comes round */
    FDC_STEP_FAIL,   /* the index comes round for the second time */
    FDC_STEP_READ,   /* the image is being read */
    FDC_STEP_XFER,   /* bytes to or from the host */
    FDC_STEP_WRITE,  /* the image is being written */
    FDC_STEP_COUNT
} FdcStep;

typedef enum FdcMode { FDC_MODE_AT, FDC_MODE_PS2, FDC_MODE_30 } FdcMode;

/* A format that an image can have, by its size. */
typedef struct FdcFormat {
    uint32_t bytes;
    uint8_t cylinders, heads, sectors;
    uint8_t rate; /* as in DSR bits 0-1 */
    const char *drive;
    const char *name;
} FdcFormat;

typedef struct FdcDriveType {
    const char *name;
    uint8_t cylinders;
    uint16_t rev_us; /* one revolution */
} FdcDriveType;

typedef struct Fdc Fdc;

/* A drive: LUN 0-3. */
typedef struct FdcDrive {
    /* saved */
    uint8_t cylinder;                            /* where the head is */
    uint8_t changed;                             /* the disk change line */
    uint8_t model;                               /* 0: no drive, else 1 + number of its type */
    uint64_t identity;                           /* of the medium */
    uint8_t deleted[FDC_MAX_TRACK * 80 * 2 / 8]; /* sectors with a deleted data mark */
    uint8_t alien[FDC_MAX_CYLS * 2 / 8 + 1]; /* tracks formatted in a way that no image can hold */
    /* host */
    Fdc *fdc;
    const FdcDriveType *type; /* NULL: no such drive */
    const viv_media_ops_t *media;
    void *media_self;
    const FdcFormat *format; /* NULL: no medium */
    uint32_t read_only;
} FdcDrive;

/* What the controller keeps of a unit that commands name. */
typedef struct FdcUnit {
    uint8_t pcn;
    uint8_t spec;    /* DRIVE SPECIFICATION */
    uint8_t seeking; /* the busy bit of MSR */
    uint8_t recalibrates;
    uint8_t drive; /* whose head moves */
    uint8_t new_pcn;
    int16_t steps;
    uint8_t sense;     /* an interrupt status is to be sensed ... */
    uint8_t sense_st0; /* ... this one */
    uint8_t head;
    /* host */
    uint8_t number;
    Fdc *fdc;
    viv_timer_t *timer;
} FdcUnit;

/* The command being executed. */
typedef struct FdcExec {
    uint8_t step;
    uint8_t drive; /* physical, FDC_NO_DRIVE: none */
    uint8_t head;
    uint8_t c, h, r, n; /* the ID looked for */
    uint8_t p;          /* the sector in hand, as it lies on the track */
    uint8_t st0, st1, st2;
    uint8_t tc;
    uint8_t deleted;                  /* the sector in hand has a deleted data mark */
    uint8_t left;                     /* VERIFY, FORMAT, READ TRACK: sectors still to come */
    uint8_t to_host;                  /* direction of the transfer */
    uint8_t track_first, track_count; /* sectors in track[] */
    uint16_t len, pos, avail; /* of the transfer; avail: bytes that the disk has given or taken */
    uint64_t start_ns;        /* when the data begin to pass under the head */
    uint16_t since_int;       /* bytes since the interrupt rose (non-DMA) */
    uint8_t sector[FDC_SECTOR + 4];
} FdcExec;

struct Fdc {
    /* config */
    uint32_t io_base;
    uint8_t irq, dma, mem_mapped;
    const char *timing_name, *mode_name;
    const char *type_name[FDC_UNITS];
    /* saved: registers */
    uint8_t dor, dsr, tdr, rate;
    uint8_t int_pending;
    uint8_t powerdown, option, idle_mask;
    uint8_t step_ff, write_ff, read_ff, gate_ff, step_in, head_select; /* SRA, SRB */
    /* saved: what commands have set */
    uint8_t specify[2], config, pretrk, perpendicular, lock, sc_eot;
    uint8_t reset_statuses; /* of the statuses to sense, these come from the reset */
    uint8_t id_next;        /* the sector whose ID comes by next */
    uint64_t head_until_ns; /* the head stays loaded */
    FdcUnit unit[FDC_UNITS];
    FdcDrive drive[FDC_UNITS];
    /* saved: phases */
    uint8_t phase;
    uint8_t cmd_len, cmd_need;
    uint8_t cmd[FDC_PARAMS];
    uint8_t res_len, res_pos;
    uint8_t res_int; /* reading the first result takes the interrupt back */
    uint8_t res[FDC_RESULTS];
    FdcExec x;
    uint8_t track[FDC_MAX_TRACK * FDC_SECTOR]; /* read ahead, for one command */
    uint8_t outgoing[FDC_SECTOR];              /* being written */
    /* host */
    viv_dev_t *dev;
    const viv_isadma_api_t *isadma;
    const viv_lun_api_t *lun;
    const viv_stam_api_t *stam;
    FdcMode mode;
    uint32_t exact;
    uint32_t dma_attached;
    viv_timer_t *exec_timer, *reset_timer;
    viv_media_req_t req;
    uint32_t in_flight; /* req belongs to the driver */
    uint32_t stale;     /* its command has been reset meanwhile */
    uint64_t sectors_read, sectors_written, overruns;
};

/* i82078.c */
void fdc_interrupt(Fdc *f, uint32_t level);
/* The event that raised the line has been seen: it falls, and rises again for a seek that has ended
 * meanwhile. */
void fdc_interrupt_taken(Fdc *f);
void fdc_dreq_update(Fdc *f);

/* fdc_drive.c */
extern const viv_media_port_ops_t fdc_media_port;
viv_status_t fdc_drives_attach(Fdc *f);
/* After a load: the drive is what it was when saved, if its type is "auto". */
viv_status_t fdc_drive_loaded(FdcDrive *d, uint32_t number);
void fdc_drive_look(FdcDrive *d, uint32_t fresh); /* what medium is in */
/* The drive that DOR selects, with its motor on; FDC_NO_DRIVE. */
uint32_t fdc_selected(const Fdc *f);
/* The logical cylinder under the head, or -1 if the track is not readable as FDC is set (no
 * medium, another data rate, no such head). */
int fdc_drive_track(const Fdc *f, uint32_t drive, uint32_t head, uint32_t mfm);
void fdc_drive_step(FdcDrive *d, int steps);
uint32_t fdc_rate_matches(const Fdc *f, const FdcDrive *d);
uint64_t fdc_byte_ns(const Fdc *f);
uint64_t fdc_rev_ns(const Fdc *f, uint32_t drive);
/* Bit of a sector or track in the drive's maps. */
uint32_t fdc_map_get(const uint8_t *map, uint32_t bit);
void fdc_map_set(uint8_t *map, uint32_t bit, uint32_t value);
uint32_t fdc_sector_index(const FdcDrive *d, uint32_t cyl, uint32_t head, uint32_t r);

/* fdc_command.c */
void fdc_fifo_write(Fdc *f, uint8_t value);
uint8_t fdc_fifo_read(Fdc *f);
/* Into the result phase, with an interrupt if asked. */
void fdc_results(Fdc *f, const uint8_t *bytes, uint32_t count, uint32_t interrupt);
uint32_t fdc_command_is_data(uint8_t code);

/* fdc_seek.c */
void fdc_seek(Fdc *f, uint32_t unit, int steps, uint8_t new_pcn, uint32_t recalibrate);
void fdc_seek_timer(viv_dev_t *dev, void *ctx);
uint64_t fdc_step_ns(const Fdc *f, uint32_t steps);
void fdc_seeks_stop(Fdc *f);
void fdc_reset_statuses(Fdc *f);

/* fdc_exec.c */
void fdc_exec_start(Fdc *f);
void fdc_exec_timer(viv_dev_t *dev, void *ctx);
void fdc_exec_stop(Fdc *f);
void fdc_exec_media_done(viv_media_req_t *req, viv_status_t status);
void fdc_exec_sector_done(Fdc *f); /* all bytes of the transfer have gone, or TC came */
void fdc_exec_fail(Fdc *f, uint8_t st0, uint8_t st1, uint8_t st2);
viv_status_t fdc_exec_post_load(Fdc *f);

/* fdc_transfer.c */
void fdc_xfer_start(Fdc *f, uint32_t len, uint32_t to_host);
void fdc_xfer_tick(Fdc *f); /* time has passed */
uint32_t fdc_xfer_wants_dma(const Fdc *f);
void fdc_xfer_ready(viv_dev_t *dev, void *ctx, uint32_t channel);
uint32_t fdc_xfer_rqm(const Fdc *f);
uint8_t fdc_xfer_read(Fdc *f);
void fdc_xfer_write(Fdc *f, uint8_t value);

static inline uint32_t fdc_non_dma(const Fdc *f)
{
    return f->specify[1] & 1;
}

static inline uint64_t fdc_now(const Fdc *f)
{
    return f->dev->api->time_ns(f->dev);
}

#endif
