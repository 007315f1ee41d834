/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtio-balloon: what its files share. */
#ifndef VIRTIO_BALLOON_H
#define VIRTIO_BALLOON_H

#include <viv/interfaces.h>

#include "virtio.h"

#define BALLOON_F_MUST_TELL_HOST UINT64_C(0x01)
#define BALLOON_F_STATS_VQ       UINT64_C(0x02)
#define BALLOON_F_DEFLATE_ON_OOM UINT64_C(0x04)
#define BALLOON_F_FREE_PAGE_HINT UINT64_C(0x08)
#define BALLOON_F_PAGE_POISON    UINT64_C(0x10)
#define BALLOON_F_REPORTING      UINT64_C(0x20)

#define BALLOON_CMD_STOP  0u
#define BALLOON_CMD_DONE  1u
#define BALLOON_CMD_FIRST 2u

#define BALLOON_PAGE_SHIFT 12

typedef struct VirtioBalloon {
    /* configuration */
    uint64_t target_mib;
    uint32_t stats_period_s;
    uint8_t must_tell_host, deflate_on_oom, reporting;
    uint8_t reserved0;

    viv_dev_t *dev;
    const viv_vm_api_t *vm;
    const viv_ram_api_t *ram;
    viv_timer_t *timer;
    VirtQueue *stats_queue;

    /* saved */
    uint64_t target; /* bytes */
    uint64_t stats_time;
    uint64_t stats[VIV_BALLOON_STATS];
    uint32_t stats_present;
    uint32_t actual; /* pages, as the driver says */
    uint32_t poison;
    uint32_t command; /* free_page_hint_cmd_id */
    uint32_t last_id; /* the latest round's */
    uint8_t hinting;
    uint8_t reserved1[3];

    uint64_t stat_inflated, stat_deflated, stat_hinted, stat_reported, stat_kept;
    Virtio virtio;
} VirtioBalloon;

/* virtio_balloon_queues.c */
void balloon_inflate(void *self, VirtQueue *q);
void balloon_deflate(void *self, VirtQueue *q);
void balloon_statistics(void *self, VirtQueue *q);
void balloon_hints(void *self, VirtQueue *q);
void balloon_reports(void *self, VirtQueue *q);
/* Gives the driver its buffer back, which makes it fill it anew. 0: it has given none. */
int balloon_stats_ask(VirtioBalloon *b);

#endif
