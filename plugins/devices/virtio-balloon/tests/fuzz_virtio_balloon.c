/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fuzz target: rings, registers, whoever steers the balloon, saved states. */
#include <viv/interfaces.h>

#include "../../virtio/tests/virtio_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void extra(Fuzz *f, uint32_t op)
{
    viv_iface_t iface = harness_port(f->h, 0, VIV_BALLOON_PORT_ID);
    const viv_balloon_port_ops_t *port = iface.ops;
    viv_balloon_info_t info = {.size = sizeof(info)};
    switch (op & 7) {
    case 0: port->set_target(iface.self, fuzz_take(f, 4)); break;
    case 1: port->info(iface.self, &info); break;
    case 2: port->update_stats(iface.self); break;
    case 3:
    case 4: port->hint(iface.self); break;
    default: /* what buffers hold: numbers of pages, ids, statistics */
        for (uint32_t i = 0; i < 16; i++) {
            harness_ram_put32(f->h, 0x800000 + 0x1000ull * (op >> 4) + 4 * i,
                              (uint32_t)fuzz_take(f, 1) * (op & 1 ? 1 : 0x1001));
        }
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Fuzz f = {.at = data, .left = size, .queues = 5, .extra = extra};
    f.h = harness_create();
    harness_ram_size(f.h, 16 << 20);
    if (harness_start(f.h, "virtio-balloon", "Target=4,StatsPeriod=1") < 0) {
        abort();
    }
    fuzz_run(&f);
    harness_fuzz_state(f.h, data, size);
    for (uint32_t n = 0; n < 5; n++) {
        fuzz_kick(&f, n);
    }
    harness_advance_ns(f.h, 3000000000);
    harness_free(f.h);
    return 0;
}
