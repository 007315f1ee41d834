/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu-fw-cfg: port traffic with DMA requests lying in RAM, a kernel file that the input makes, and
 * hostile states. */
#include "harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void fuzz_dma(Harness *h, const uint8_t *p)
{
    uint8_t request[16] = {0, p[0], 0, p[1], 0, 0,         p[2], p[3],
                           0, 0,    0, 0,    0, p[4] & 3u, p[5], p[6]};

    harness_ram_write(h, 0x1000, request, sizeof(request));
    harness_out32(h, 0x518, __builtin_bswap32(0x1000));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const HarnessFuzzRange ranges[] = {
        {HARNESS_FUZZ_PIO, 0x510, 2},
        {HARNESS_FUZZ_PIO, 0x514,
         3}, /* not the low half: a random one starts transfers of up to 4 GiB */
    };
    Harness *h = harness_new("qemu-fw-cfg", NULL);

    for (size_t i = 0; i + 7 < len && i < 350; i += 7)
        fuzz_dma(h, data + i);
    harness_fuzz(h, data, len, ranges, 2, 1000);
    harness_free(h);
    h = harness_create();
    harness_vm_file(h, "vmlinuz", data, len);
    harness_vm_file(h, "initrd", data, len / 2);
    harness_start(h, "qemu-fw-cfg", "KernelImage=vmlinuz,InitrdImage=initrd");
    harness_free(h);
    h = harness_new("qemu-fw-cfg", NULL);
    harness_fuzz_state(h, data, len);
    harness_free(h);
    return 0;
}
