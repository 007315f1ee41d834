/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* piix3ide: task file, data port, packets, bus master and media traffic from fuzz input. The first
 * byte picks what is plugged in; then actions of a byte and its operands. */
#include "harness.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct Input {
    const uint8_t *data;
    size_t size, at;
} Input;

static uint8_t next(Input *in)
{
    return in->at < in->size ? in->data[in->at++] : 0;
}

static void fuzz_packet(Harness *h, Input *in)
{
    uint8_t packet[12];
    for (unsigned i = 0; i < 12; i++)
        packet[i] = next(in);
    uint8_t how = next(in);
    harness_out8(h, 0x1f6, 0x10);
    harness_out8(h, 0x1f1, how & 3u);
    harness_out8(h, 0x1f4, next(in));
    harness_out8(h, 0x1f5, how >> 2);
    harness_out8(h, 0x1f7, 0xa0);
    harness_outs(h, 0x1f0, 2, packet, 6);
}

static void fuzz_table(Harness *h, Input *in)
{
    unsigned n = next(in) & 7u;
    for (unsigned i = 0; i <= n; i++) {
        harness_ram_put32(h, 0x1000 + 8 * i, (uint32_t)next(in) << 12 | next(in));
        harness_ram_put32(h, 0x1004 + 8 * i, (uint32_t)next(in) << 8 | (i == n ? 0x80000000u : 0));
    }
    harness_out32(h, 0xc004u + (next(in) & 8u), 0x1000);
}

static void fuzz_data(Harness *h, Input *in)
{
    static uint8_t buf[4096];
    uint8_t how = next(in);
    uint32_t port = (how & 1) ? 0x170 : 0x1f0, width = (how & 2) ? 2 : 4,
             count = (uint32_t)(how >> 3) * 32;
    if (how & 4)
        harness_ins(h, port, width, buf, count);
    else
        harness_outs(h, port, width, buf, count);
}

static void fuzz_medium(Harness *h, Input *in)
{
    static const uint64_t sizes[4] = {0, 1 << 20, 2049, 1ull << 40};
    uint8_t how = next(in);
    if (how & 0x80)
        harness_media_fail(h, how & 1u, VIV_E_IO, 1);
    else
        harness_media_change(h, 1, sizes[how & 3u], 1);
}

/* Families that are hard to hit: SMART, security and SET MAX with their data, time, the button. */
static void fuzz_family(Harness *h, Input *in)
{
    static const uint8_t commands[16] = {0xb0, 0xb0, 0xb0, 0xb0, 0xf1, 0xf2, 0xf3, 0xf4,
                                         0xf6, 0xf8, 0xf9, 0xb1, 0x2f, 0x3f, 0x45, 0x27};
    static uint8_t data[512];
    uint8_t how = next(in), command = commands[how & 15u];
    if (how & 0x80) {
        harness_advance_ns(h, (uint64_t)next(in) << 28);
        return;
    }
    if (how & 0x40) {
        harness_media_eject_request(h, 1);
        return;
    }
    harness_out8(h, 0x1f6, 0x40);
    harness_out8(h, 0x1f1, command == 0xb0 ? 0xd0 | (next(in) & 15u) : next(in));
    harness_out8(h, 0x1f2, next(in) & 0x1fu);
    harness_out8(h, 0x1f3, next(in));
    harness_out8(h, 0x1f4, command == 0xb0 ? 0x4f : 0);
    harness_out8(h, 0x1f5, command == 0xb0 ? 0xc2 : 0);
    harness_out8(h, 0x1f7, command);
    data[0] = next(in);
    harness_outs(h, 0x1f0, 2, data, 256);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t ports[16] = {0, 1, 2, 3, 4, 5, 6, 7, 1, 2, 3, 4, 5, 6, 7, 7};
    Input in = {data, size, 0};
    uint8_t what = next(&in);
    Harness *h = harness_create();
    harness_lun_media(h, 0, VIV_MEDIA_DISK, (what & 1) ? 1ull << 41 : 1 << 20, 0);
    harness_lun_media(h, 1, VIV_MEDIA_DVD, (what & 2) ? 0 : 1 << 20, 1);
    if (what & 4)
        harness_lun_media(h, 2, VIV_MEDIA_DVD, 1ull << 33, 1);
    if (what & 8)
        harness_lun_media(h, 3, VIV_MEDIA_DISK, 1 << 20, 1);
    if (harness_start(h, "piix3ide",
                      (what & 16)   ? "Type=PIIX4"
                      : (what & 32) ? "Type=ICH6"
                                    : "") < 0)
        abort();
    harness_pci_map_bar(h, 0, 4, 0xc000);
    harness_cfg_write(h, 0, 0x40, 0x80008000u, 4);
    while (in.at < in.size) {
        uint8_t op = next(&in);
        uint32_t base = (op & 0x10) ? 0x170 : 0x1f0;
        switch (op & 0x0f) {
        case 0:
        case 1:
        case 2:
        case 3: harness_out8(h, base + ports[next(&in) & 15u], next(&in)); break;
        case 4:
            harness_io_read(h, base + (next(&in) & 7u), 1);
            harness_io_read(h, base + 0x206u, 1);
            break;
        case 5: fuzz_data(h, &in); break;
        case 6: fuzz_packet(h, &in); break;
        case 7: fuzz_table(h, &in); break;
        case 8: harness_io_write(h, 0xc000u + (next(&in) & 15u), next(&in), 1); break;
        case 9: harness_run_pending(h); break;
        case 10: harness_out8(h, base + 0x206u, next(&in)); break;
        case 11: fuzz_medium(h, &in); break;
        case 12: harness_save_load(h); break;
        case 13:
            harness_cfg_write(h, 0, next(&in) & 0x5cu, next(&in) * 0x01010101u | 0x8000u, 4);
            break;
        case 14:
            harness_io_write(h, base + (next(&in) & 7u), next(&in) * 0x01010101u,
                             1u << (next(&in) & 1u));
            break;
        default:
            if (next(&in) < 8)
                harness_reset(h);
            else
                fuzz_family(h, &in);
            break;
        }
    }
    harness_free(h);
    return 0;
}
