/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Campaign: a ROM of zeros; what the guest writes to the debug port is logged, being meant so. */
#include "campaign.h"

static void setup(Campaign *c, const char *class_name, int inst)
{
    static const uint8_t rom[0x40000];
    (void)class_name, (void)inst;
    harness_vm_file(c->h, "bios-256k.bin", rom, campaign_one_in(c, 2) ? sizeof rom : 0x20000);
}

const CampaignHints campaign_hints = {.flags = CAMPAIGN_NO_DMA | CAMPAIGN_LOGS, .setup = setup};
