/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Campaign: whole commands with arguments that make sense or nearly, results read or not. */
#include "campaign.h"

static const char *const options[] = {"Timing=fast",
                                      "Timing=exact",
                                      "Timing=fast,Mode=PS2,DriveType0=1.20",
                                      "Timing=exact,Mode=Model30",
                                      "Timing=fast,Mode=PS2",
                                      NULL};
static const uint8_t commands[] = {0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0c,
                                   0x0d, 0x0e, 0x0f, 0x10, 0x11, 0x12, 0x13, 0x14, 0x16, 0x17,
                                   0x18, 0x19, 0x1d, 0x2c, 0x2e, 0x33, 0x34, 0x44, 0x4c, 0x4d,
                                   0x4e, 0x8e, 0x8f, 0x94, 0xc5, 0xc6, 0xcd, 0xe6, 0xf0, 0xd1};

static void step(Campaign *c)
{
    uint32_t arguments = campaign_below(c, 10);
    if (campaign_one_in(c, 3)) {
        campaign_out(c, 0x3f2, campaign_one_in(c, 4) ? (uint32_t)campaign_value(c) & 0xff : 0x1c,
                     1);
        campaign_out(c, 0x3f7, campaign_below(c, 4), 1);
    }
    campaign_out(c, 0x3f5, commands[campaign_below(c, sizeof commands)], 1);
    for (uint32_t i = 0; i < arguments; i++) {
        static const uint8_t usual[] = {0, 0, 0, 1, 2, 18, 0x1b, 0xff, 0};
        uint32_t value = campaign_one_in(c, 4) ? (uint32_t)campaign_value(c) & 0xff
                                               : usual[campaign_below(c, sizeof usual)];
        campaign_out(c, 0x3f5, value, 1);
    }
    for (uint32_t n = campaign_below(c, 4); n; n--) {
        campaign_note(c, "some milliseconds pass", 0, 0, 0);
        harness_advance_most(c->h, campaign_rand(c) % 400000000, 2000);
        campaign_string(c, 0x3f5, 1, campaign_below(c, 600) + 1, campaign_below(c, 2) != 0);
    }
}

const CampaignHints campaign_hints = {.options = options, .step = step};
