/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Campaign: chips of several sizes; command sequences of which random writes make few. */
#include "campaign.h"

static const char *const options[] = {"Size=0x4000", "Size=0x84000",
                                      "Size=0x20000,BlockSize=0x10000,ReadyAfterClear=1",
                                      "Size=0x4000,BaseAddress=0xe0000,ReadOnly=1", NULL};
static const uint64_t commands[] = {0x10, 0x20, 0x28, 0x40, 0x50, 0x70,
                                    0x90, 0x98, 0xb0, 0xd0, 0xe8, 0xff};

/* A command at an address, its confirmation or data, the status. */
static void step(Campaign *c)
{
    const HarnessArea *area = campaign_area(c, HARNESS_AREA_MMIO);
    if (!area) {
        area = campaign_area(c, -1);
    }
    if (!area) {
        campaign_map_bars(c);
        return;
    }
    uint64_t at = area->base + campaign_rand(c) % area->len;
    uint32_t count = campaign_below(c, 40);
    campaign_write(c, at, commands[campaign_below(c, sizeof commands / sizeof commands[0])], 1);
    campaign_write(c, at, campaign_one_in(c, 2) ? 0xd0 : count, 1);
    for (uint32_t i = 0; i <= count && campaign_below(c, 40); i++) {
        campaign_write(c, at + i, campaign_value(c), 1u << campaign_below(c, 4));
    }
    campaign_write(c, at, 0xd0, 1);
    campaign_read(c, at, 1);
}

const CampaignHints campaign_hints = {.flags = CAMPAIGN_NO_DMA | CAMPAIGN_FIXED_OPTIONS,
                                      .options = options,
                                      .values = commands,
                                      .value_count = sizeof commands / sizeof commands[0],
                                      .step = step};
