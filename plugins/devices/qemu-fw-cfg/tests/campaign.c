/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Campaign: DMA requests that are requests. */
#include "campaign.h"

static void step(Campaign *c)
{
    uint64_t at = CAMPAIGN_ARENA + (campaign_below(c, 0x1000) & ~15u), to = campaign_gpa(c);
    uint32_t len = campaign_one_in(c, 64) ? (uint32_t)campaign_value(c) : campaign_below(c, 0x800);
    uint32_t item = campaign_one_in(c, 2) ? campaign_below(c, 0x30) : 0x8000 | campaign_below(c, 8);
    harness_ram_put32(c->h, at, __builtin_bswap32(item << 16 | campaign_below(c, 32)));
    harness_ram_put32(c->h, at + 4, __builtin_bswap32(len));
    harness_ram_put64(c->h, at + 8, __builtin_bswap64(to));
    if (campaign_one_in(c, 8)) {
        campaign_out(c, 0x514, (uint32_t)campaign_value(c), 4);
    }
    campaign_out(c, 0x518, __builtin_bswap32((uint32_t)at), 4);
    campaign_out(c, 0x510, item, 2);
    campaign_string(c, 0x511, 1, campaign_below(c, 64) + 1, 0);
}

const CampaignHints campaign_hints = {.step = step};
