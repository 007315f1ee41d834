/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A campaign: a hostile guest for one device, made of seeded random and structured operations, for
 * as long as one likes. What the device maps, which LUNs and options it has, which roles it takes,
 * the campaign finds out through the fake host; a device may say more in tests/campaign.c of its
 * folder, which then defines campaign_hints. See tests/fuzz/README.md. */
#ifndef VIV_TESTS_CAMPAIGN_H
#define VIV_TESTS_CAMPAIGN_H

#include "harness.h"

#define CAMPAIGN_AREAS       192
#define CAMPAIGN_RECENT      256
#define CAMPAIGN_TRACE       64
#define CAMPAIGN_CLASSES     8
#define CAMPAIGN_WANTS       64
#define CAMPAIGN_ARENA       0x20000ull /* where the guest puts what the device shall find by DMA */
#define CAMPAIGN_ARENA_BYTES 0x20000u

typedef struct Campaign Campaign;

/* One access that may be repeated. */
typedef struct CampaignAccess {
    uint8_t kind; /* HarnessAreaKind; 3: configuration space */
    uint8_t write, width, inst;
    uint32_t fn;
    uint64_t addr, value;
} CampaignAccess;

typedef struct CampaignNote {
    uint64_t op;
    const char *what;
    uint64_t a, b, c;
} CampaignNote;

typedef struct CampaignWant {
    uint32_t lun;
    char id[48];
} CampaignWant;

typedef struct CampaignClass {
    const char *name;
    const viv_device_class_t *cls;
    CampaignWant wants[CAMPAIGN_WANTS];
    unsigned want_count;
} CampaignClass;

/* What was plugged into a LUN of instance `inst` this time. */
typedef enum CampaignPlugKind { CAMPAIGN_CHAR, CAMPAIGN_MEDIA, CAMPAIGN_OTHER } CampaignPlugKind;
typedef struct CampaignPlug {
    CampaignPlugKind kind;
    int inst;
    uint32_t lun;
    uint32_t removable; /* a medium that the user may change */
} CampaignPlug;

struct Campaign {
    const char *device;
    uint64_t seed, ops, most_ops, from;
    uint64_t rng;
    Harness *h; /* this episode's machine */
    unsigned episode;

    CampaignClass classes[CAMPAIGN_CLASSES];
    unsigned class_count;
    CampaignPlug plugs[CAMPAIGN_WANTS];
    unsigned plug_count;

    HarnessArea areas[CAMPAIGN_AREAS];
    unsigned area_count;
    uint64_t areas_generation;

    CampaignAccess recent[CAMPAIGN_RECENT];
    unsigned recent_count;
    uint64_t last_read;
    CampaignNote notes[CAMPAIGN_TRACE];

    uint64_t episode_end, next_rare, rare_interval, next_check, clear_failure;
    uint64_t allocated_base, lines_up;
    uint32_t cpus, floppies;
    volatile int host_busy; /* not an access of the guest: the clock does not watch */
    char options[2048];
};

/* The guest's memory is never written by this device. */
#define CAMPAIGN_NO_DMA 1u
/* Options only from `options`, not at random from the class's table. */
#define CAMPAIGN_FIXED_OPTIONS 2u
/* Lines above VIV_LOG_TRACE are what the device is for (the guest's own text). */
#define CAMPAIGN_LOGS 4u

typedef struct CampaignHints {
    uint32_t flags;
    /* Option strings to choose from, NULL at the end; others are added from the table. */
    const char *const *options;
    const char *const *classes; /* only these classes of the plugin, NULL at the end */
    const uint64_t *values;     /* that the device's registers know */
    unsigned value_count;
    unsigned step_weight; /* of 100 operations; 0: 10 */
    /* Before an instance of the class is made: files, LUNs. `inst` is the number it will have. */
    void (*setup)(Campaign *c, const char *class_name, int inst);
    void (*started)(Campaign *c); /* all instances are there */
    void (*step)(Campaign *c);    /* one or a few operations of a real driver, more or less */
} CampaignHints;

/* campaign.c */
extern const CampaignHints campaign_hints __attribute__((weak));
uint64_t campaign_rand(Campaign *c);
uint32_t campaign_below(Campaign *c, uint64_t n); /* 0 .. n-1 */
int campaign_one_in(Campaign *c, uint32_t n);
/* Counts an operation and remembers it for the trace: what is a printf format for a, b, c as
 * unsigned long long. */
void campaign_note(Campaign *c, const char *what, uint64_t a, uint64_t b, uint64_t d);
void campaign_fail(Campaign *c, const char *fmt, ...) VIV_PRINTF(2, 3) __attribute__((noreturn));

/* campaign_ops.c */
uint64_t campaign_value(Campaign *c); /* an interesting one */
uint64_t campaign_gpa(Campaign *c);   /* an address that a guest would hand to a device */
uint64_t campaign_do(Campaign *c, CampaignAccess a);
uint32_t campaign_in(Campaign *c, uint32_t port, uint32_t width);
void campaign_out(Campaign *c, uint32_t port, uint32_t value, uint32_t width);
uint64_t campaign_read(Campaign *c, uint64_t gpa, uint32_t width);
void campaign_write(Campaign *c, uint64_t gpa, uint64_t value, uint32_t width);
void campaign_string(Campaign *c, uint32_t port, uint32_t width, uint32_t count, int write);
/* An area of that kind, or of any kind with -1; NULL: there is none. */
const HarnessArea *campaign_area(Campaign *c, int kind);
void campaign_operation(Campaign *c);
void campaign_map_bars(Campaign *c);

/* campaign_dma.c */
void campaign_memory(Campaign *c);
void campaign_isa_dma(Campaign *c);

/* campaign_host.c: the other side */
extern uint8_t campaign_plug_status, campaign_plug_ready; /* of the fake parallel plug */
void campaign_discover(Campaign *c);
void campaign_start(Campaign *c);
void campaign_host_event(Campaign *c);

/* campaign_roles.c: the rest of the machine */
void campaign_lower_lines(Campaign *c); /* nobody would raise them again after a load */
void campaign_roles(Campaign *c);
void campaign_ports(Campaign *c);

#endif
