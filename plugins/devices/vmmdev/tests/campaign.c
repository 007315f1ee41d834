/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Campaign: the test ports, with whole commands; what the guest says in them is logged. */
#include "campaign.h"

static const char *const options[] = {
    "TestingEnabled=1,TestingMMIO=1,TestingEndAtTerm=1,TestingOutputFile=/dev/null,"
    "TestingXmlOutputFile=/dev/null",
    "TestingEnabled=1", NULL};

/* A command, its words and text on the data port, and the end of it. */
static void step(Campaign *c)
{
    uint32_t number = campaign_below(c, 12), words = campaign_below(c, 4);
    campaign_out(c, 0x513, 0xcab1e000u + number, 4);
    for (uint32_t i = 0; i < words; i++) {
        campaign_out(c, 0x514, (uint32_t)campaign_value(c), 4);
    }
    if (campaign_one_in(c, 2)) {
        campaign_string(c, 0x514, 1, campaign_below(c, 300) + 1, 1);
    }
    campaign_out(c, 0x514, 0, 1);
    campaign_out(c, 0x514, campaign_below(c, 16), 4);
}

const CampaignHints campaign_hints = {
    .flags = CAMPAIGN_NO_DMA | CAMPAIGN_LOGS, .options = options, .step = step};
