/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Campaign: every mode and EPP version. */
#include "campaign.h"

static const char *const options[] = {"",          "EPPVersion=1.7", "Mode=EPP",
                                      "Mode=PS/2", "Mode=SPP",       NULL};

const CampaignHints campaign_hints = {.options = options};
