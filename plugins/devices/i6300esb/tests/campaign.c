/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Campaign: every action. */
#include "campaign.h"

static const char *const options[] = {"Action=reset", "Action=nmi",      "Action=pause",
                                      "Action=none",  "Action=poweroff", NULL};

const CampaignHints campaign_hints = {.options = options};
