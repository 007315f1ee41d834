/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Campaign: "soft off" ends the real machine; here it goes on and is said again and again. */
#include "campaign.h"

const CampaignHints campaign_hints = {.flags = CAMPAIGN_LOGS};
