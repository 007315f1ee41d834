/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Campaign: small memories mostly, registers through their index ports, VBE's interface, pictures
 * of what has become of it. */
#include "campaign.h"

static const char *const options[] = {"VRamSize=0x100000", "VRamSize=0x100000,FullRaster=1",
                                      "VRamSize=0x200000,PCIIdentity=virtualbox",
                                      "VRamSize=0x1000000", NULL};

static void dispi(Campaign *c)
{
    uint32_t index = campaign_below(c, 12);
    uint32_t value = (uint32_t)campaign_value(c) & 0xffff;
    static const uint16_t depths[] = {0, 4, 8, 15, 16, 24, 32, 7};
    if (index == 3) {
        value = depths[campaign_below(c, 8)];
    } else if (index == 4) {
        value = campaign_below(c, 256) & 0xe3;
    } else if (campaign_one_in(c, 2)) {
        value = campaign_below(c, 1700);
    }
    campaign_out(c, 0x1ce, index, 2);
    campaign_out(c, 0x1cf, value, 2);
}

static void step(Campaign *c)
{
    static const uint16_t indexed[] = {0x3c4, 0x3ce, 0x3d4, 0x3b4};
    switch (campaign_below(c, 8)) {
    case 0:
    case 1: dispi(c); break;
    case 2: /* the attribute controller takes index and data in turn */
        campaign_in(c, campaign_one_in(c, 2) ? 0x3da : 0x3ba, 1);
        campaign_out(c, 0x3c0, campaign_below(c, 64), 1);
        campaign_out(c, 0x3c0, (uint32_t)campaign_value(c) & 0xff, 1);
        break;
    case 3: campaign_out(c, 0x3c2, (uint32_t)campaign_value(c) & 0xff, 1); break;
    case 4: /* enabled again, protection off */
        campaign_out(c, 0x3c3, 1, 1);
        campaign_out(c, 0x3d4, 0x11, 2);
        break;
    default: {
        uint32_t port = indexed[campaign_below(c, 4)];
        campaign_out(c, port, campaign_below(c, 32) | ((uint32_t)campaign_value(c) & 0xff) << 8, 2);
        break;
    }
    }
    campaign_write(c, 0xa0000 + campaign_below(c, 0x20000), campaign_value(c),
                   1u << campaign_below(c, 4));
}

const CampaignHints campaign_hints = {.flags = CAMPAIGN_NO_DMA, .options = options, .step = step};
