/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fuzz target: rings, registers, the drivers below, ports that come and go, saved states. */
#include <viv/interfaces.h>

#include "../../virtio/tests/virtio_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void extra(Fuzz *f, uint32_t op)
{
    uint32_t lun = op & 1;
    viv_iface_t iface = harness_port(f->h, lun, VIV_CONSOLE_PORT_ID);
    const viv_console_port_ops_t *port = iface.ops;
    switch (op >> 1 & 7) {
    case 0: harness_char_inject(f->h, lun, "some input of no length to speak of", op >> 3); break;
    case 1: harness_char_room(f->h, lun, op >> 4); break;
    case 2: harness_char_room(f->h, lun, 100000); break;
    case 3: port->resize(iface.self, op, (uint32_t)fuzz_take(f, 1)); break;
    case 4: port->plug(iface.self, op >> 4 & 1); break;
    case 5: harness_char_clear(f->h, lun); break;
    default: { /* a control message */
        static const uint8_t queue = 3;
        uint64_t message =
            (op >> 4 & 1) | (uint64_t)(fuzz_take(f, 1) & 7) << 32 | (uint64_t)(op >> 5 & 1) << 48;
        for (uint32_t i = 0; i < 16; i++) {
            harness_ram_put64(f->h, 0x800000 + 0x1000ull * i, message);
        }
        fuzz_chain(f, queue);
        fuzz_kick(f, queue);
        break;
    }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Fuzz f = {.at = data, .left = size, .queues = 6, .extra = extra};
    f.h = harness_create();
    harness_lun_char(f.h, 0);
    harness_lun_char(f.h, 1);
    if (harness_start(f.h, "virtio-console", "Ports=2,Port1/Name=log,Columns=80,Rows=25") < 0) {
        abort();
    }
    fuzz_run(&f);
    harness_fuzz_state(f.h, data, size);
    harness_char_inject(f.h, 0, "x", 1);
    for (uint32_t n = 0; n < 6; n++) {
        fuzz_kick(&f, n);
    }
    harness_advance_ns(f.h, 100000000);
    harness_free(f.h);
    return 0;
}
