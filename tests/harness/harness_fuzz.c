/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fake host: turns a fuzzer's bytes into traffic. */
#include "harness_internal.h"

typedef struct HarnessFuzzInput {
    const uint8_t *at;
    size_t left;
} HarnessFuzzInput;

static uint64_t harness_fuzz_take(HarnessFuzzInput *in, uint32_t bytes)
{
    uint64_t value = 0;
    for (uint32_t i = 0; i < bytes && in->left; i++) {
        value |= (uint64_t)*in->at++ << (8 * i);
        in->left--;
    }
    return value;
}

static void harness_fuzz_pio(Harness *h, HarnessFuzzInput *in, uint32_t port, uint32_t op)
{
    uint32_t width = 1u << (op >> 4) % 3;
    uint8_t buf[64 * 4];
    switch (op & 3) {
    case 0: harness_io_read(h, port, width); break;
    case 1:
    case 2: harness_io_write(h, port, (uint32_t)harness_fuzz_take(in, width), width); break;
    default: {
        uint32_t count = (uint32_t)harness_fuzz_take(in, 1) % 64 + 1;
        if (op & 0x80) {
            harness_ins(h, port, width, buf, count);
        } else {
            memset(buf, (int)harness_fuzz_take(in, 1), sizeof(buf));
            harness_outs(h, port, width, buf, count);
        }
        break;
    }
    }
}

static void harness_fuzz_mmio(Harness *h, HarnessFuzzInput *in, uint64_t gpa, uint32_t op)
{
    uint32_t width = 1u << (op >> 4) % 4;
    if (op & 3) {
        harness_mmio_write(h, gpa, harness_fuzz_take(in, width), width);
    } else {
        harness_mmio_read(h, gpa, width);
    }
}

static void harness_fuzz_cfg(Harness *h, HarnessFuzzInput *in, const HarnessFuzzRange *r,
                             uint32_t op)
{
    uint32_t width = 1u << (op >> 4) % 3;
    uint32_t off = (uint32_t)(harness_fuzz_take(in, 1) % r->len) & ~(width - 1);
    if (op & 3) {
        harness_cfg_write(h, (uint32_t)r->base, off, (uint32_t)harness_fuzz_take(in, width), width);
    } else {
        harness_cfg_read(h, (uint32_t)r->base, off, width);
    }
}

static void harness_fuzz_irq(Harness *h, const HarnessFuzzRange *r, uint32_t value, uint32_t op)
{
    if ((op & 3) == 3 && h->pic.ops) {
        harness_pic_ack(h);
    } else {
        harness_irq_drive(h, (uint32_t)(r->base + value % r->len), op >> 4 & 1);
    }
}

static void harness_fuzz_dma(Harness *h, HarnessFuzzInput *in, uint32_t channel, uint32_t op)
{
    static uint8_t buf[0x20000];
    uint32_t flags;
    if (h->isadma.ops) { /* the other side of it */
        harness_dma_raise(h, channel, op & 1);
        harness_dma_run(h, channel, buf, (uint32_t)harness_fuzz_take(in, 3) % sizeof(buf), &flags);
    } else if (op & 1) {
        harness_dma_mask(h, channel, op >> 4 & 1);
    } else {
        uint64_t gpa = harness_fuzz_take(in, 3);
        harness_dma_program(h, channel, op >> 4 & 7, gpa, (uint32_t)harness_fuzz_take(in, 2) + 1);
    }
}

/* What is not an access: time, completions, reset, save and load. */
static void harness_fuzz_event(Harness *h, HarnessFuzzInput *in, uint64_t max_advance_ns)
{
    uint32_t what = (uint32_t)harness_fuzz_take(in, 1);
    if (what < 0xc0) {
        uint64_t ns = harness_fuzz_take(in, 4) << (what & 15);
        harness_advance_ns(h, max_advance_ns ? ns % max_advance_ns : 0);
    } else if (what < 0xf0) {
        if (harness_pending(h)) {
            harness_run_pending_one(h, what % harness_pending(h));
        }
    } else if (what < 0xf8) {
        harness_save_load(h);
    } else {
        harness_reset(h);
    }
}

void harness_fuzz(Harness *h, const uint8_t *data, size_t len, const HarnessFuzzRange *ranges,
                  unsigned count, uint64_t max_advance_ns)
{
    HarnessFuzzInput in = {data, len};
    while (in.left) {
        uint32_t op = (uint32_t)harness_fuzz_take(&in, 1);
        if ((op & 12) == 12) {
            harness_fuzz_event(h, &in, max_advance_ns);
            continue;
        }
        const HarnessFuzzRange *r = &ranges[count > 1 ? harness_fuzz_take(&in, 1) % count : 0];
        uint32_t bytes = r->len <= 0x100 ? 1 : r->len <= 0x10000 ? 2 : 4;
        uint64_t off = r->kind == HARNESS_FUZZ_CFG ? 0 : harness_fuzz_take(&in, bytes) % r->len;
        switch (r->kind) {
        case HARNESS_FUZZ_PIO: harness_fuzz_pio(h, &in, (uint32_t)(r->base + off), op); break;
        case HARNESS_FUZZ_MMIO: harness_fuzz_mmio(h, &in, r->base + off, op); break;
        case HARNESS_FUZZ_CFG: harness_fuzz_cfg(h, &in, r, op); break;
        case HARNESS_FUZZ_DMA: harness_fuzz_dma(h, &in, (uint32_t)r->base, op); break;
        case HARNESS_FUZZ_IRQ: harness_fuzz_irq(h, r, (uint32_t)off, op); break;
        }
    }
}

void harness_fuzz_state(Harness *h, const uint8_t *data, size_t len)
{
    size_t blob_len;
    uint8_t *good = harness_save(h, &blob_len);
    uint8_t *blob = memcpy(harness_alloc(blob_len), good, blob_len);
    HarnessFuzzInput in = {data, len};
    while (in.left >= 3) {
        size_t at = (size_t)harness_fuzz_take(&in, 2) % blob_len;
        blob[at] = (uint8_t)harness_fuzz_take(&in, 1);
    }
    viv_status_t st = harness_load(h, blob, blob_len);
    if (st != VIV_OK) { /* a refused state leaves nothing to go on with */
        st = harness_load(h, good, blob_len);
    }
    HARNESS_CHECK(st == VIV_OK, "the machine's own state is refused: %d: %s", st, harness_error());
    free(blob);
    free(good);
}
