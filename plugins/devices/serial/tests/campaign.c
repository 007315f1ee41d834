/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Campaign: every chip. */
#include "campaign.h"

static const char *const options[] = {"UartType=16450", "UartType=16550A", "UartType=16750",
                                      "UartType=16750,RealBaud=1", NULL};

const CampaignHints campaign_hints = {.options = options};
