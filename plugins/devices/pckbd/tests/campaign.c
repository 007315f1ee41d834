/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Campaign: commands of controller, keyboard and mouse with their arguments. */
#include "campaign.h"

static void step(Campaign *c)
{
    uint32_t value = campaign_one_in(c, 2) ? 0xe0 + campaign_below(c, 32) : campaign_below(c, 256);
    switch (campaign_below(c, 4)) {
    case 0: campaign_out(c, 0x64, 0xd4, 1); break; /* for the mouse */
    case 1:
        campaign_out(c, 0x64, 0xa0 + campaign_below(c, 0x48), 1);
        break;      /* for the controller */
    default: break; /* for the keyboard */
    }
    for (uint32_t n = campaign_below(c, 4) + 1; n; n--) {
        campaign_out(c, 0x60, value, 1);
        value = campaign_below(c, 256) & (campaign_one_in(c, 2) ? 7 : 0xff);
    }
    campaign_note(c, "a byte's time passes", 0, 0, 0);
    harness_advance_most(c->h, 1000000 + campaign_below(c, 20000000), 2000);
    for (uint32_t n = campaign_below(c, 6); n; n--) {
        campaign_in(c, 0x60, 1);
        harness_advance_most(c->h, 1000000, 100);
    }
    if (campaign_one_in(c, 8)) {
        campaign_out(c, 0x64, 0x60, 1);
        campaign_out(c, 0x60, 0x47, 1); /* both on again */
    }
}

const CampaignHints campaign_hints = {.flags = CAMPAIGN_NO_DMA, .step = step};
