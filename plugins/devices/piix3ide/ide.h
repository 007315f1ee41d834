/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* piix3ide: the drives and channels behind the controller, as its files share them.
 *   piix3ide.c     PCI function, configuration;  ide_state.c: saved state
 *   ide_channel.c  task file, selection, reset, data port
 *   ide_bm.c       bus master
 *   ide_ata.c      disk commands;  ide_features.c: SET FEATURES, power;  ide_identify.c: IDENTIFY of
 *                  both kinds
 *   ide_security.c passwords, erasing;  ide_capacity.c: host protected area, configuration overlay
 *   ide_smart.c    SMART, self-tests;  ide_logs.c: logs of both kinds
 *   ide_atapi.c    packet protocol;  ide_mmc_*.c: packet commands;  ide_cdsector.c: raw CD sectors
 *
 * Rules that all of them keep:
 * 1. Everything runs with the device's lock held; completions of media requests take it first.
 * 2. A drive has at most one media request in flight. Until its done() has come the drive is BSY -
 *    also after a reset, which finishes only then - so nobody else touches the buffer.
 * 3. Submitting may complete at once, so it is the last thing that a function does. */
#ifndef IDE_H
#define IDE_H

#include <viv/device.h>
#include <viv/interfaces.h>
#include <viv/pci.h>

#define IDE_SECTOR       512u
#define IDE_CD_SECTOR    2048u
#define IDE_CD_RAW       2352u
#define IDE_BUF_SECTORS  256u
#define IDE_BUF_BYTES    131072u /* IDE_BUF_SECTORS of 512 bytes */
#define IDE_CD_CHUNK     (IDE_BUF_BYTES / IDE_CD_SECTOR)
#define IDE_CD_RAW_CHUNK 32u /* raw sectors and their data fit the buffer side by side */
#define IDE_CD_RAW_DATA                                                                            \
    (IDE_BUF_BYTES - 65536u) /* where those data begin: 32 * 2048 from the end */
#define IDE_MULTIPLE_MAX 128u
#define IDE_PACKET_BYTES 12u

/* Status */
#define IDE_ST_ERR  0x01u
#define IDE_ST_DRQ  0x08u
#define IDE_ST_DSC  0x10u
#define IDE_ST_DF   0x20u
#define IDE_ST_DRDY 0x40u
#define IDE_ST_BSY  0x80u
/* Error */
#define IDE_ER_NM   0x02u
#define IDE_ER_ABRT 0x04u
#define IDE_ER_IDNF 0x10u
#define IDE_ER_UNC  0x40u
/* Device */
#define IDE_DEV_UNIT 0x10u
#define IDE_DEV_LBA  0x40u
/* Device control */
#define IDE_CTL_NIEN 0x02u
#define IDE_CTL_SRST 0x04u
#define IDE_CTL_HOB  0x80u
/* Interrupt reason (sector count register of a packet device) */
#define IDE_IR_CD 0x01u
#define IDE_IR_IO 0x02u
/* Bus master */
#define IDE_BM_START     0x01u
#define IDE_BM_TO_MEMORY 0x08u
#define IDE_BM_ACTIVE    0x01u
#define IDE_BM_ERROR     0x02u
#define IDE_BM_INT       0x04u
#define IDE_BM_CAPABLE   0x60u

typedef enum IdeKind { IDE_NONE, IDE_DISK, IDE_CD } IdeKind;

/* What the drive waits for. */
typedef enum IdePhase {
    IDE_PH_IDLE,
    IDE_PH_PIO_IN,  /* the guest reads the data port */
    IDE_PH_PIO_OUT, /* the guest writes it */
    IDE_PH_DMA_IN,  /* the bus master takes the buffer */
    IDE_PH_DMA_OUT, /* the bus master fills it */
    IDE_PH_MEDIA,   /* a media request */
    IDE_PH_RESET,   /* SRST is set, or a media request from before the reset is still in flight */
    IDE_PH_WAIT,    /* the drive's timer: it is busy with itself */
    IDE_PH_COUNT
} IdePhase;

/* What it is about. */
typedef enum IdeOp {
    IDE_OP_NONE,
    IDE_OP_READ,
    IDE_OP_WRITE,
    IDE_OP_VERIFY,
    IDE_OP_FLUSH,
    IDE_OP_TRIM,
    IDE_OP_DATA_IN, /* a block that is in the buffer already */
    IDE_OP_WRITE_BUFFER,
    IDE_OP_TRIM_LIST,
    IDE_OP_PACKET,      /* the twelve bytes */
    IDE_OP_PACKET_IN,   /* a reply that is in the buffer already */
    IDE_OP_PACKET_OUT,  /* a parameter list */
    IDE_OP_PACKET_READ, /* sectors */
    IDE_OP_PACKET_RAW,  /* sectors with their frames, see raw_flags */
    IDE_OP_PACKET_VERIFY,
    IDE_OP_PASSWORD,     /* the data of a security command */
    IDE_OP_ERASE,        /* SECURITY ERASE UNIT fills the disk */
    IDE_OP_MAX_PASSWORD, /* the data of SET MAX SET PASSWORD and UNLOCK */
    IDE_OP_OVERLAY,      /* the data of DEVICE CONFIGURATION SET */
    IDE_OP_LOG_WRITE,
    IDE_OP_SELF_TEST, /* captive */
    IDE_OP_COUNT
} IdeOp;

struct IdeChannel;
struct Piix3Ide;

#define IDE_PASSWORD_BYTES 32u

typedef struct IdeSecurity {
    uint8_t enabled, locked, frozen, maximum, expired, attempts;
    uint16_t master_revision;
    uint8_t user[IDE_PASSWORD_BYTES], master[IDE_PASSWORD_BYTES];
} IdeSecurity;

/* The host protected area, and the capacity that the configuration overlay leaves. */
typedef struct IdeCapacity {
    uint64_t visible; /* sectors that commands reach */
    uint64_t kept;    /* what that is after a hardware reset */
    uint64_t native;  /* what READ NATIVE MAX tells */
    uint8_t set_once; /* a lasting SET MAX since the hardware reset */
    uint8_t form;     /* of the SET MAX that set it: 0 none, 1 28 bits, 2 48 bits */
    uint8_t locked, frozen, has_password, attempts;
    uint8_t password[IDE_PASSWORD_BYTES];
    /* DEVICE CONFIGURATION */
    uint8_t overlay_frozen, overlay_set, mwdma, udma;
    uint16_t features; /* IDE_HAS_* */
} IdeCapacity;

/* Word 7 of DEVICE CONFIGURATION IDENTIFY */
#define IDE_HAS_SMART     0x0001u
#define IDE_HAS_SELF_TEST 0x0002u
#define IDE_HAS_ERROR_LOG 0x0004u
#define IDE_HAS_SECURITY  0x0008u
#define IDE_HAS_PUIS      0x0010u
#define IDE_HAS_AAM       0x0040u
#define IDE_HAS_HPA       0x0080u
#define IDE_HAS_LBA48     0x0100u
#define IDE_HAS_ALL       0x01dfu

#define IDE_LOG_COMMANDS      5u
#define IDE_LOG_COMMAND_BYTES 18u
#define IDE_LOG_ERRORS        8u
#define IDE_LOG_ERROR_BYTES   124u
#define IDE_LOG_TESTS         21u
#define IDE_HOST_LOGS         32u /* 80h to 9Fh */
#define IDE_HOST_LOG_SECTORS  16u
#define IDE_HOST_LOG_BYTES    (IDE_HOST_LOGS * IDE_HOST_LOG_SECTORS * IDE_SECTOR)

typedef struct IdeSmart {
    uint8_t auto_offline;
    uint8_t test;        /* self-test that runs, as EXECUTE OFF-LINE IMMEDIATE names it; 0: none */
    uint8_t test_result; /* of the latest one: high nibble of the status byte */
    uint32_t tests;      /* logged so far */
    uint32_t errors;     /* ditto */
    uint32_t starts;     /* power cycles */
    uint8_t test_log[IDE_LOG_TESTS * 4]; /* test, status, hours (2) */
    uint8_t error_log[IDE_LOG_ERRORS * IDE_LOG_ERROR_BYTES];
    uint8_t commands[IDE_LOG_COMMANDS * IDE_LOG_COMMAND_BYTES]; /* the latest, oldest first */
} IdeSmart;

/* WRITE UNCORRECTABLE EXT: sectors that cannot be read until they are written. */
#define IDE_BAD_RANGES 16u
typedef struct IdeBad {
    uint64_t lba[IDE_BAD_RANGES];
    uint32_t count[IDE_BAD_RANGES]; /* 0: free */
} IdeBad;

typedef struct IdeDrive {
    /* guest-visible state, saved */
    uint32_t kind; /* IdeKind; must be the same at load */
    uint8_t status, error, feature, nsect, lbal, lbam, lbah;
    uint8_t hob_feature, hob_nsect, hob_lbal, hob_lbam, hob_lbah;
    uint8_t command;
    uint8_t intrq;
    uint8_t phase; /* IdePhase */
    uint8_t op;    /* IdeOp */
    uint8_t dma;   /* the data of this command goes by DMA */
    uint8_t ext;   /* 48-bit addresses */
    uint8_t lba_mode;
    uint8_t fua;
    uint8_t reset_intr; /* INTRQ when the reset is finished (EXECUTE DEVICE DIAGNOSTIC) */
    uint8_t asleep, standby;
    uint8_t write_cache, look_ahead, smart_on, smart_autosave;
    uint8_t xfer_pio, xfer_dma; /* SET FEATURES values: 08h + n; 20h + n, 40h + n */
    uint8_t multiple;           /* sectors of a block, 0: off */
    uint32_t heads, spt;        /* of the current CHS translation */
    uint64_t lba;               /* first sector in the buffer */
    uint32_t chunk;             /* sectors in the buffer */
    uint32_t left;              /* sectors after those */
    uint32_t block_bytes;       /* of a DRQ block */
    uint32_t buf_pos, block_end, buf_len;
    uint8_t sector_buffer[IDE_SECTOR]; /* READ BUFFER, WRITE BUFFER */
    uint8_t previous;                  /* the command before this one, 0 if it failed */
    uint8_t slow;                      /* one sector at a time, to find the one that fails */
    uint8_t apm, aam, puis;            /* levels, 0: off; power-up in standby */
    uint8_t revert;      /* a software reset restores power-on defaults (SET FEATURES CCh) */
    uint64_t standby_ns; /* standby timer's period, 0: off */
    IdeSecurity security;
    IdeCapacity capacity;
    IdeSmart smart;
    IdeBad bad;
    /* the same, packet devices */
    uint8_t packet[IDE_PACKET_BYTES];
    uint8_t sense_key, asc, ascq;
    uint8_t attention_asc; /* unit attention that waits, 0: none */
    uint8_t event;         /* version 1: the media event that waits */
    uint8_t prevent;       /* bit 0 the host's, bit 1 persistent */
    uint8_t raw_flags;     /* READ CD: which parts of a sector */
    uint8_t mode_pages[36];
    uint32_t byte_limit;
    uint32_t cd_sectors;    /* of the medium, 0: none */
    uint8_t attention_next; /* behind attention_asc */
    uint8_t events;         /* media events that wait, a bit each: IDE_EVENT_* */
    uint8_t power_event;    /* the power state has changed */
    uint8_t stale;          /* the medium has changed under the command that runs */
    uint8_t cd_tray_open;
    uint8_t raw_sub;     /* READ CD: sub-channel selection */
    uint8_t sense_valid; /* sense_info is an address */
    uint32_t sense_info;
    uint32_t speed_kb; /* SET CD SPEED, kB/s */
    uint64_t cd_identity;
    uint8_t mode_more[22]; /* more mode pages */

    /* derived */
    struct IdeChannel *channel;
    uint32_t unit;    /* 0 or 1 */
    uint64_t sectors; /* disks: as they were made */
    uint32_t def_heads, def_spt, def_cylinders;
    uint32_t read_only, rotational;
    uint32_t cd_present, cd_generation;
    const char *serial, *firmware, *model;   /* IDENTIFY */
    const char *vendor, *product, *revision; /* INQUIRY */
    uint8_t *buf;                            /* IDE_BUF_BYTES */
    uint8_t *host_logs;                      /* IDE_HOST_LOG_BYTES, NULL: all zeros; saved apart */

    /* host resources */
    const viv_media_ops_t *media;
    void *media_self;
    viv_timer_t *standby_timer, *test_timer, *wait_timer;
    viv_media_req_t req;
    uint32_t in_flight;
} IdeDrive;

typedef struct IdeChannel {
    /* guest-visible state, saved */
    uint8_t device;  /* device register: selects a drive */
    uint8_t control; /* device control */
    uint8_t bm_command, bm_status;
    uint32_t bm_table;         /* BMIDTP */
    uint32_t bm_next;          /* the descriptor to fetch next */
    uint32_t bm_addr, bm_left; /* what is left of the present one */
    uint8_t bm_last;           /* it is the last one */
    IdeDrive drives[2];

    /* derived */
    struct Piix3Ide *ide;
    uint32_t index;
    uint32_t irq, irq_level;
} IdeChannel;

typedef struct Piix3Ide {
    /* config */
    const char *type;
    uint8_t channel_preset; /* key ChannelPreset */
    /* guest-visible state, saved */
    IdeChannel channels[2];
    /* host resources */
    viv_dev_t *dev;
    const viv_pci_api_t *pci;
    viv_pci_fn_t *fn;
    const viv_stream_api_t *stream;
    uint8_t buffers[4][IDE_BUF_BYTES];
    uint32_t model; /* index into the table of models */
} Piix3Ide;

#define IDE_LUNS 4u
static inline IdeDrive *ide_drive(Piix3Ide *ide, uint32_t lun)
{
    return &ide->channels[lun >> 1].drives[lun & 1u];
}

/* -- ide_state.c ----------------------------------------------------------------------------- */

#define IDE_STATE_VERSION 2u
extern const viv_field_t ide_state[]; /* of a Piix3Ide */
viv_status_t ide_state_save(viv_dev_t *dev, void *self, viv_stream_t *stream);
viv_status_t ide_state_load(viv_dev_t *dev, void *self, viv_stream_t *stream, uint32_t version);
viv_status_t ide_state_post_load(viv_dev_t *dev, void *self, uint32_t version);

/* -- ide_channel.c --------------------------------------------------------------------------- */

extern const viv_io_ops_t ide_command_io, ide_control_io; /* ctx: IdeChannel */
static inline IdeDrive *ide_selected(IdeChannel *ch)
{
    return &ch->drives[(ch->device & IDE_DEV_UNIT) ? 1 : 0];
}
void ide_update_irq(IdeChannel *ch);
void ide_raise(IdeDrive *d); /* INTRQ */
void ide_signature(IdeDrive *d);
/* The drive starts anew; it is BSY while something of before is in flight, or while SRST is set. */
void ide_drive_reset(IdeDrive *d, uint32_t hard, uint32_t interrupt);
/* Command ends. */
void ide_finish(IdeDrive *d, uint32_t interrupt);
void ide_abort(IdeDrive *d, uint8_t error);
/* The next DRQ block of the buffer, from buf_pos on. */
void ide_block_begin(IdeDrive *d, uint32_t phase, uint32_t interrupt);
/* All of the buffer has gone to (come from) the guest. */
void ide_buffer_done(IdeDrive *d);
/* Queues a request; the drive is BSY until it is finished. */
void ide_media(IdeDrive *d, uint32_t op, uint64_t off, uint64_t len_bytes, void *buf);

/* -- ide_bm.c -------------------------------------------------------------------------------- */

extern const viv_io_ops_t ide_bm_io; /* ctx: Piix3Ide */
void ide_bm_reset(IdeChannel *ch);
/* Moves what can be moved now. */
void ide_bm_run(IdeChannel *ch);
/* The drive has ended its command. */
void ide_bm_drive_done(IdeChannel *ch);
/* The drive is ready for the bus master with buf_len bytes. */
void ide_bm_begin(IdeDrive *d, uint32_t phase);

/* -- commands -------------------------------------------------------------------------------- */

void ide_ata_command(IdeDrive *d, uint8_t command);
void ide_ata_buffer_done(IdeDrive *d);
void ide_ata_media_done(IdeDrive *d, viv_status_t status);
void ide_ata_reset(IdeDrive *d);
/* Sends what is in the buffer; takes so much into it, for op. */
void ide_ata_reply(IdeDrive *d, uint32_t len_bytes);
void ide_ata_receive(IdeDrive *d, uint32_t op, uint32_t len_bytes);
/* The 28- or 48-bit address in the registers, and leaving one there. */
uint32_t ide_ata_address(const IdeDrive *d, uint64_t *ret_lba);
void ide_ata_show(IdeDrive *d, uint64_t lba);
/* BSY until the drive's timer ends it; saved as it stands. */
void ide_wait(IdeDrive *d, uint32_t op, uint64_t ns);
void ide_waited(IdeDrive *d);
/* ide_features.c */
uint32_t ide_set_features(IdeDrive *d); /* 0: not supported; for both kinds */
void ide_features_reset(IdeDrive *d, uint32_t hard);
uint32_t ide_modes_mwdma(const IdeDrive *d); /* bits of the modes that are there */
uint32_t ide_modes_udma(const IdeDrive *d);
uint32_t ide_power_command(IdeDrive *d); /* 0: not a power command */
void ide_standby_arm(IdeDrive *d);
void ide_standby_expired(IdeDrive *d);
/* ide_security.c */
void ide_security_init(IdeDrive *d);
void ide_security_reset(IdeDrive *d);
void ide_security(IdeDrive *d);
void ide_security_data(IdeDrive *d);
void ide_security_erase_next(IdeDrive *d, viv_status_t status);
void ide_security_identify(const IdeDrive *d, uint8_t *buf);
/* ide_capacity.c */
void ide_capacity_init(IdeDrive *d);
void ide_capacity_reset(IdeDrive *d);
uint32_t ide_capacity_fits(const IdeDrive *d); /* loaded values */
void ide_native_max(IdeDrive *d);
void ide_set_max(IdeDrive *d);
void ide_set_max_data(IdeDrive *d);
void ide_overlay(IdeDrive *d);
void ide_overlay_data(IdeDrive *d);
static inline uint32_t ide_has(const IdeDrive *d, uint32_t features)
{
    return (d->capacity.features & features) == features;
}
/* ide_smart.c */
void ide_smart_init(IdeDrive *d);
void ide_smart(IdeDrive *d);
void ide_smart_test_done(IdeDrive *d);
void ide_smart_test_reset(IdeDrive *d);
uint32_t ide_hours(const IdeDrive *d);
/* ide_logs.c */
void ide_log_command(IdeDrive *d, uint8_t command); /* remembers what the registers say */
void ide_log_error(IdeDrive *d);                    /* ditto, after a failure */
void ide_log_test(IdeDrive *d, uint8_t test, uint8_t status);
void ide_log_read(IdeDrive *d, uint32_t general); /* SMART READ LOG; READ LOG EXT */
void ide_log_write(IdeDrive *d, uint32_t general);
void ide_log_data(IdeDrive *d);
uint32_t ide_log_host(IdeDrive *d); /* makes host_logs; 0: no memory */
void ide_smart_checksum(uint8_t *page);
void ide_identify_disk(IdeDrive *d, uint8_t *buf);
void ide_identify_cd(IdeDrive *d, uint8_t *buf);
void ide_identify_checksum(uint8_t *buf);

void ide_atapi_command(IdeDrive *d, uint8_t command);
void ide_atapi_block(IdeDrive *d); /* byte count and interrupt reason of the block that begins */
void ide_atapi_buffer_done(IdeDrive *d);
void ide_atapi_media_done(IdeDrive *d, viv_status_t status);
void ide_atapi_reset(IdeDrive *d);
void ide_atapi_medium(IdeDrive *d, uint32_t first);          /* asks the driver what is in */
void ide_atapi_medium_loaded(IdeDrive *d, uint32_t version); /* the same, after a state */
void ide_atapi_eject_request(IdeDrive *d);
uint32_t ide_atapi_not_ready(IdeDrive *d); /* 1: there is no medium, and that has been said */
void ide_atapi_stale(IdeDrive *d);         /* ends a command whose medium has gone */
/* Ends of packet commands. */
void ide_atapi_ok(IdeDrive *d);
void ide_atapi_fail(IdeDrive *d, uint8_t key, uint8_t asc, uint8_t ascq);
void ide_atapi_reply(IdeDrive *d, uint32_t len_bytes, uint32_t allocation);
void ide_atapi_receive(IdeDrive *d, uint32_t len_bytes);

static inline uint32_t ide_is_packet(uint32_t op)
{
    return op >= IDE_OP_PACKET && op <= IDE_OP_PACKET_VERIFY;
}

#define IDE_EVENT_EJECT_REQUEST 0x02u /* bit n is MMC's event n of the media class */
#define IDE_EVENT_NEW           0x04u
#define IDE_EVENT_REMOVAL       0x08u

#define IDE_CD_SPEED_KB 4234u /* 24x */

#define IDE_SENSE_NOT_READY    2u
#define IDE_SENSE_MEDIUM_ERROR 3u
#define IDE_SENSE_ILLEGAL      5u
#define IDE_SENSE_ATTENTION    6u

typedef struct IdeMmcCommand {
    void (*run)(IdeDrive *d);
    uint8_t flags; /* IDE_MMC_* */
} IdeMmcCommand;
#define IDE_MMC_MEDIUM    1u /* needs one */
#define IDE_MMC_ATTENTION 2u /* runs in spite of a unit attention */
extern const IdeMmcCommand ide_mmc_commands[256];
void ide_mmc_mode_select_data(IdeDrive *d);
void ide_mmc_mode_reset(IdeDrive *d);
void ide_mmc_mode_mend(IdeDrive *d); /* pages carry their own codes and lengths */
void ide_mmc_chunk_ready(IdeDrive *d);
void ide_mmc_next_chunk(IdeDrive *d);
uint32_t ide_mmc_is_dvd(const IdeDrive *d);
/* ide_mmc_read.c */
void ide_mmc_read(IdeDrive *d);
void ide_mmc_read_cd(IdeDrive *d);
void ide_mmc_read_cd_msf(IdeDrive *d);
void ide_mmc_read_capacity(IdeDrive *d);
void ide_mmc_read_toc(IdeDrive *d);
void ide_mmc_read_subchannel(IdeDrive *d);
void ide_mmc_read_header(IdeDrive *d);
void ide_mmc_seek(IdeDrive *d);
void ide_mmc_verify(IdeDrive *d);
void ide_mmc_play(IdeDrive *d);
void ide_mmc_pause(IdeDrive *d);
/* ide_mmc_drive.c */
void ide_mmc_inquiry(IdeDrive *d);
void ide_mmc_start_stop(IdeDrive *d);
void ide_mmc_prevent(IdeDrive *d);
void ide_mmc_set_cd_speed(IdeDrive *d);
void ide_mmc_set_streaming(IdeDrive *d);
void ide_mmc_report_key(IdeDrive *d);
void ide_mmc_mechanism_status(IdeDrive *d);
void ide_mmc_get_performance(IdeDrive *d);
void ide_mmc_get_event(IdeDrive *d);
/* ide_mmc_mode.c */
void ide_mmc_mode_sense(IdeDrive *d);
void ide_mmc_mode_select(IdeDrive *d);
/* ide_mmc_info.c */
void ide_mmc_get_configuration(IdeDrive *d);
void ide_mmc_read_disc_info(IdeDrive *d);
void ide_mmc_read_track_info(IdeDrive *d);
void ide_mmc_read_dvd_structure(IdeDrive *d);
void ide_mmc_read_format_capacities(IdeDrive *d);

/* Sub-channel Q of a sector of track 1: 12 bytes with their CRC. */
void ide_cdsector_q(uint32_t lba, uint8_t *ret_q);
/* Builds a mode 1 sector of 2352 bytes around 2048 bytes of data. ECMA-130. */
void ide_cdsector_mode1(uint32_t lba, const uint8_t *data, uint8_t *ret_sector);
void ide_cdsector_msf(uint32_t lba, uint8_t *ret_msf); /* binary minutes, seconds, frames */

/* -- bytes ----------------------------------------------------------------------------------- */

static inline void ide_put_be16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}
static inline void ide_put_be24(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 16);
    ide_put_be16(p + 1, v);
}
static inline void ide_put_be32(uint8_t *p, uint32_t v)
{
    ide_put_be16(p, v >> 16);
    ide_put_be16(p + 2, v);
}
static inline uint32_t ide_get_be16(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}
static inline uint32_t ide_get_be32(const uint8_t *p)
{
    return ide_get_be16(p) << 16 | ide_get_be16(p + 2);
}
static inline uint32_t ide_get_le16(const uint8_t *p)
{
    return (uint32_t)p[1] << 8 | p[0];
}
static inline void ide_put_le16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

#endif
