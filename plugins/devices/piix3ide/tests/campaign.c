/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Campaign: commands with their registers, packets, data and bus master, as a driver that has lost
 * its mind does them. */
#include "campaign.h"

static const char *const options[] = {"", "Type=PIIX4", "Type=ICH6", NULL};

static const uint8_t commands[] = {
    0x00, 0x08, 0x20, 0x24, 0x25, 0x27, 0x29, 0x2f, 0x30, 0x34, 0x35, 0x37, 0x39, 0x3f, 0x40,
    0x42, 0x45, 0x70, 0x90, 0x91, 0xa0, 0xa0, 0xa0, 0xa0, 0xa1, 0xb0, 0xb0, 0xb1, 0xc4, 0xc5,
    0xc6, 0xc8, 0xc8, 0xca, 0xca, 0xe0, 0xe1, 0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xea,
    0xec, 0xef, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf8, 0xf9, 0x06, 0x57, 0xce, 0xcd, 0xb4};
static const uint8_t packets[] = {0x00, 0x03, 0x12, 0x15, 0x1a, 0x1b, 0x1d, 0x1e, 0x23, 0x25,
                                  0x28, 0x2b, 0x2f, 0x35, 0x3c, 0x42, 0x43, 0x44, 0x45, 0x46,
                                  0x47, 0x4a, 0x4b, 0x4e, 0x51, 0x52, 0x53, 0x55, 0x5a, 0xa8,
                                  0xa4, 0xad, 0xb6, 0xb9, 0xbb, 0xbd, 0xbe, 0xa3, 0xa5, 0xac};

static uint32_t register_value(Campaign *c)
{
    return campaign_one_in(c, 3) ? (uint32_t)campaign_value(c) & 0xff : campaign_below(c, 4);
}

static void packet(Campaign *c, uint32_t base)
{
    uint8_t bytes[12] = {packets[campaign_below(c, sizeof packets)]};
    for (uint32_t i = 1; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(campaign_one_in(c, 2) ? register_value(c) : 0);
    }
    for (uint32_t i = 0; i < sizeof bytes; i += 2) {
        campaign_out(c, base, bytes[i] | (uint32_t)bytes[i + 1] << 8, 2);
    }
}

/* Task file of a command; most often one that the drive can carry out. */
static void command(Campaign *c, uint32_t base)
{
    uint32_t number = commands[campaign_below(c, sizeof commands)];
    uint32_t smart = number == 0xb0 && campaign_below(c, 4);
    if (campaign_one_in(c, 2)) {
        campaign_out(c, base + 6, 0x40 | campaign_below(c, 2) << 4, 1);
    }
    campaign_out(c, base + 1, smart ? 0xd0 | campaign_below(c, 16) : register_value(c), 1);
    for (uint32_t reg = 2; reg < 6; reg++) {
        if (campaign_one_in(c, 4)) {
            campaign_out(c, base + reg, register_value(c), 1); /* 48-bit */
        }
        campaign_out(c, base + reg,
                     smart && reg >= 4 ? (reg == 4 ? 0x4f : 0xc2) : register_value(c), 1);
    }
    campaign_out(c, base + 7, number, 1);
    if (number == 0xa0) {
        packet(c, base);
    }
}

static void data(Campaign *c, uint32_t base)
{
    uint32_t width = campaign_one_in(c, 2) ? 2 : 4;
    campaign_string(c, base, width, campaign_one_in(c, 3) ? campaign_below(c, 1024) : 512 / width,
                    campaign_below(c, 2) != 0);
}

static void bus_master(Campaign *c, uint32_t base)
{
    const HarnessArea *area = campaign_area(c, HARNESS_AREA_PIO);
    for (uint32_t i = 0; area && !area->is_bar && i < 8; i++) {
        area = campaign_area(c, HARNESS_AREA_PIO);
    }
    if (!area || !area->is_bar) {
        return;
    }
    uint32_t port = (uint32_t)area->base + (base == 0x170 ? 8 : 0);
    campaign_out(c, port + 4, (uint32_t)campaign_gpa(c), 4);
    campaign_out(c, port, campaign_below(c, 2) ? 9 : campaign_below(c, 2), 1);
    campaign_in(c, port + 2, 1);
}

static void step(Campaign *c)
{
    uint32_t base = campaign_one_in(c, 2) ? 0x1f0 : 0x170;
    command(c, base);
    for (uint32_t n = campaign_below(c, 5); n; n--) {
        switch (campaign_below(c, 6)) {
        case 0: bus_master(c, base); break;
        case 1:
            if (harness_pending(c->h)) {
                harness_run_pending_one(c->h, campaign_below(c, harness_pending(c->h)));
            }
            break;
        case 2: campaign_in(c, base + 7, 1); break;
        case 3: campaign_out(c, base + 0x206, campaign_one_in(c, 3) ? 4 : 0, 1); break;
        default: data(c, base); break;
        }
    }
}

const CampaignHints campaign_hints = {.options = options, .step = step, .step_weight = 20};
