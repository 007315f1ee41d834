/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fake host: ports, MMIO and guest memory, with the splitting and widening rules of
 * viv_io_ops_t. */
#include "harness_internal.h"

static uint64_t harness_ones(uint32_t width)
{
    return width >= 8 ? UINT64_MAX : (1ull << (8 * width)) - 1;
}

/* -- ranges ---------------------------------------------------------------------------------- */

int harness_range_clash(Harness *h, uint32_t is_mmio, uint64_t base, uint64_t len,
                        const char **ret_owner)
{
    for (const viv_range_t *r = h->ranges; r; r = r->next) {
        if (!r->dead && !r->is_bar && r->is_mmio == is_mmio && base < r->base + r->len &&
            r->base < base + len) {
            *ret_owner = r->owner->name;
            return 1;
        }
    }
    return 0;
}

viv_range_t *harness_range_add(HarnessInst *inst, uint32_t is_mmio, uint64_t base, uint64_t len,
                               const viv_io_ops_t *ops, void *ctx, const char *name,
                               uint32_t is_bar)
{
    viv_range_t *r = harness_alloc(sizeof(*r));
    r->owner = inst;
    r->is_mmio = is_mmio;
    r->is_bar = is_bar;
    r->base = base;
    r->len = len;
    r->ctx = ctx;
    r->name = name;
    memcpy(&r->ops, ops, ops->size < sizeof(r->ops) ? ops->size : sizeof(r->ops));
    HARNESS_CHECK(r->ops.widths && !(r->ops.widths & ~VIV_W_ANY),
                  "%s: range %s accepts no width or an unknown one", inst->name, name ? name : "?");
    r->next = inst->h->ranges;
    inst->h->ranges = r;
    inst->h->map_generation++;
    return r;
}

void harness_range_remove(Harness *h, viv_range_t *range)
{
    for (viv_range_t *r = h->ranges; r; r = r->next) {
        if (r == range) {
            HARNESS_CHECK(!r->dead, "%s: a range is unmapped twice", r->owner->name);
            r->dead = 1;
            h->map_generation++;
            if (h->depth == 0) {
                harness_ranges_sweep(h, NULL);
            }
            return;
        }
    }
    HARNESS_DIE("an unknown range is unmapped");
}

void harness_ranges_sweep(Harness *h, const HarnessInst *owner)
{
    for (viv_range_t **p = &h->ranges; *p;) {
        viv_range_t *r = *p;
        if (r->dead || (owner && r->owner == owner)) {
            h->map_generation++;
            *p = r->next;
            free(r);
        } else {
            p = &r->next;
        }
    }
}

/* Fixed ranges win over BARs. */
static viv_range_t *harness_range_find(Harness *h, uint32_t is_mmio, uint64_t addr)
{
    viv_range_t *bar = NULL;
    for (viv_range_t *r = h->ranges; r; r = r->next) {
        if (!r->dead && r->is_mmio == is_mmio && addr - r->base < r->len) {
            if (!r->is_bar) {
                return r;
            }
            bar = bar ? bar : r;
        }
    }
    return bar;
}

/* -- one access within one range ------------------------------------------------------------- */

static uint64_t harness_call_read(viv_range_t *r, uint64_t off, uint32_t width)
{
    uint64_t value = UINT64_MAX;
    if (r->dead) {
        return harness_ones(width);
    }
    if (r->ops.read) {
        viv_dev_t *dev = &r->owner->dev;
        if (r->ops.flags & VIV_IO_NO_LOCK) {
            harness_enter_bare(r->owner->h);
            value = r->ops.read(dev, r->ctx, off, width);
            harness_leave_bare(r->owner->h);
        } else {
            HarnessInst *owner = r->owner;
            unsigned token = harness_enter(owner);
            value = r->ops.read(dev, r->ctx, off, width);
            harness_leave(owner, token);
        }
    }
    return value & harness_ones(width);
}

static void harness_call_write(viv_range_t *r, uint64_t off, uint64_t value, uint32_t width)
{
    HarnessInst *owner = r->owner;
    if (r->dead || !r->ops.write) {
        return;
    }
    if (r->ops.flags & VIV_IO_NO_LOCK) {
        harness_enter_bare(owner->h);
        r->ops.write(&owner->dev, r->ctx, off, value & harness_ones(width), width);
        harness_leave_bare(owner->h);
    } else {
        unsigned token = harness_enter(owner);
        r->ops.write(&owner->dev, r->ctx, off, value & harness_ones(width), width);
        harness_leave(owner, token);
    }
}

typedef enum HarnessSplit {
    HARNESS_DIRECT,
    HARNESS_HALVES,
    HARNESS_WIDEN,
    HARNESS_REFUSED
} HarnessSplit;

static HarnessSplit harness_split(const viv_range_t *r, uint64_t off, uint32_t width,
                                  uint32_t *ret_wide)
{
    uint32_t widths = r->ops.widths;
    uint32_t aligned = off % width == 0;
    if ((widths & width) && (aligned || (r->ops.flags & VIV_IO_UNALIGNED))) {
        return HARNESS_DIRECT;
    }
    if (width > 1 && ((widths & (width - 1)) || !aligned)) {
        return HARNESS_HALVES;
    }
    uint32_t wide = width * 2;
    while (wide <= 8 && !(widths & wide)) {
        wide *= 2;
    }
    uint64_t base = off & ~(uint64_t)(wide - 1);
    if (wide > 8 || !(r->ops.flags & VIV_IO_WIDEN) || base + wide > r->len) {
        return HARNESS_REFUSED;
    }
    *ret_wide = wide;
    return HARNESS_WIDEN;
}

static uint64_t harness_range_read(viv_range_t *r, uint64_t off, uint32_t width)
{
    uint32_t wide = 0, half = width / 2;
    if (r->direct && off < r->len && width <= r->len - off) {
        uint64_t value = 0;
        memcpy(&value, r->direct + off, width);
        return value;
    }
    switch (harness_split(r, off, width, &wide)) {
    case HARNESS_DIRECT: return harness_call_read(r, off, width);
    case HARNESS_HALVES: {
        uint64_t low = harness_range_read(r, off, half);
        return low | harness_range_read(r, off + half, half) << (8 * half);
    }
    case HARNESS_WIDEN: {
        uint64_t base = off & ~(uint64_t)(wide - 1);
        return harness_call_read(r, base, wide) >> (8 * (off - base)) & harness_ones(width);
    }
    default: return harness_ones(width);
    }
}

static void harness_range_write(viv_range_t *r, uint64_t off, uint64_t value, uint32_t width)
{
    uint32_t wide = 0, half = width / 2;
    switch (harness_split(r, off, width, &wide)) {
    case HARNESS_DIRECT: harness_call_write(r, off, value, width); break;
    case HARNESS_HALVES:
        harness_range_write(r, off, value & harness_ones(half), half);
        harness_range_write(r, off + half, value >> (8 * half), half);
        break;
    case HARNESS_WIDEN: {
        uint64_t base = off & ~(uint64_t)(wide - 1);
        uint32_t shift = (uint32_t)(8 * (off - base));
        uint64_t mask = harness_ones(width) << shift;
        uint64_t old = harness_call_read(r, base, wide);
        harness_call_write(r, base, (old & ~mask) | ((value << shift) & mask), wide);
        break;
    }
    default: break;
    }
}

/* -- an access that may cross ranges --------------------------------------------------------- */

static uint64_t harness_unclaimed_read(Harness *h, uint32_t is_mmio, uint64_t addr, uint32_t width)
{
    uint8_t bytes[8] = {0};
    uint64_t value = 0;
    if (!is_mmio) {
        return harness_ones(width);
    }
    harness_mem_access(h, addr, bytes, width, 0);
    for (uint32_t i = 0; i < width; i++) {
        value |= (uint64_t)bytes[i] << (8 * i);
    }
    return value;
}

static uint64_t harness_space_read(Harness *h, uint32_t is_mmio, uint64_t addr, uint32_t width)
{
    viv_range_t *r = harness_range_find(h, is_mmio, addr);
    if (r && addr - r->base + width <= r->len) {
        return harness_range_read(r, addr - r->base, width);
    }
    if (width == 1) {
        return harness_unclaimed_read(h, is_mmio, addr, 1);
    }
    uint64_t value = 0;
    for (uint32_t i = 0; i < width; i++) {
        value |= harness_space_read(h, is_mmio, addr + i, 1) << (8 * i);
    }
    return value;
}

static void harness_space_write(Harness *h, uint32_t is_mmio, uint64_t addr, uint64_t value,
                                uint32_t width)
{
    viv_range_t *r = harness_range_find(h, is_mmio, addr);
    if (r && addr - r->base + width <= r->len) {
        harness_range_write(r, addr - r->base, value, width);
    } else if (width == 1) {
        uint8_t byte = (uint8_t)value;
        if (is_mmio) {
            harness_mem_access(h, addr, &byte, 1, 1);
        }
    } else {
        for (uint32_t i = 0; i < width; i++) {
            harness_space_write(h, is_mmio, addr + i, value >> (8 * i) & 0xff, 1);
        }
    }
}

static void harness_width_check(uint32_t width, uint32_t most)
{
    HARNESS_CHECK(width && width <= most && !(width & (width - 1)), "an access of %u bytes", width);
}

uint32_t harness_io_read(Harness *h, uint32_t port, uint32_t width)
{
    harness_width_check(width, 4);
    harness_enter_bare(h); /* ranges that go away meanwhile stay valid until the access is over */
    uint32_t value = (uint32_t)harness_space_read(h, 0, port, width);
    harness_leave_bare(h);
    return value;
}

void harness_io_write(Harness *h, uint32_t port, uint32_t value, uint32_t width)
{
    harness_width_check(width, 4);
    harness_enter_bare(h);
    harness_space_write(h, 0, port, value, width);
    harness_leave_bare(h);
}

uint8_t harness_in8(Harness *h, uint32_t port)
{
    return (uint8_t)harness_io_read(h, port, 1);
}

uint16_t harness_in16(Harness *h, uint32_t port)
{
    return (uint16_t)harness_io_read(h, port, 2);
}

uint32_t harness_in32(Harness *h, uint32_t port)
{
    return harness_io_read(h, port, 4);
}

void harness_out8(Harness *h, uint32_t port, uint8_t value)
{
    harness_io_write(h, port, value, 1);
}

void harness_out16(Harness *h, uint32_t port, uint16_t value)
{
    harness_io_write(h, port, value, 2);
}

void harness_out32(Harness *h, uint32_t port, uint32_t value)
{
    harness_io_write(h, port, value, 4);
}

int harness_port_mapped(Harness *h, uint32_t port)
{
    return harness_range_find(h, 0, port) != NULL;
}

/* -- strings --------------------------------------------------------------------------------- */

/* The range whose string handler is asked first, or NULL: like the host for any width that fits. */
static viv_range_t *harness_string_range(Harness *h, uint32_t port, uint32_t width)
{
    viv_range_t *r = harness_range_find(h, 0, port);
    return r && port - r->base + width <= r->len ? r : NULL;
}

void harness_ins(Harness *h, uint32_t port, uint32_t width, void *buf, uint32_t count)
{
    uint8_t *to = buf;
    harness_width_check(width, 4);
    while (count) {
        viv_range_t *r = harness_string_range(h, port, width);
        uint32_t n = 0;
        if (r && r->ops.read_string) {
            HarnessInst *owner = r->owner;
            unsigned token = harness_enter(owner);
            n = r->ops.read_string(&owner->dev, r->ctx, port - r->base, width, to, count);
            harness_leave(owner, token);
            HARNESS_CHECK(n <= count, "%s: read_string moved more than was asked for", owner->name);
        }
        if (n == 0) {
            uint32_t value = harness_io_read(h, port, width);
            memcpy(to, &value, width);
            n = 1;
        }
        to += (size_t)n * width;
        count -= n;
    }
}

void harness_outs(Harness *h, uint32_t port, uint32_t width, const void *buf, uint32_t count)
{
    const uint8_t *from = buf;
    harness_width_check(width, 4);
    while (count) {
        viv_range_t *r = harness_string_range(h, port, width);
        uint32_t n = 0;
        if (r && r->ops.write_string) {
            HarnessInst *owner = r->owner;
            unsigned token = harness_enter(owner);
            n = r->ops.write_string(&owner->dev, r->ctx, port - r->base, width, from, count);
            harness_leave(owner, token);
            HARNESS_CHECK(n <= count, "%s: write_string moved more than was asked for",
                          owner->name);
        }
        if (n == 0) {
            uint32_t value = 0;
            memcpy(&value, from, width);
            harness_io_write(h, port, value, width);
            n = 1;
        }
        from += (size_t)n * width;
        count -= n;
    }
}

/* -- memory ---------------------------------------------------------------------------------- */

static uint64_t harness_ram_below(const Harness *h)
{
    return h->ram_bytes < HARNESS_RAM_BELOW_4G ? h->ram_bytes : HARNESS_RAM_BELOW_4G;
}

/* Offset of gpa in the RAM and how much follows; 0 if there is none. */
static uint64_t harness_ram_run(const Harness *h, uint64_t gpa, uint64_t *ret_off)
{
    uint64_t below = harness_ram_below(h);
    if (gpa < below) {
        *ret_off = gpa;
        return below - gpa;
    }
    if (gpa >= 1ull << 32 && gpa - (1ull << 32) < h->ram_bytes - below) {
        *ret_off = below + (gpa - (1ull << 32));
        return h->ram_bytes - *ret_off;
    }
    return 0;
}

/* How far from gpa no range or device RAM begins. */
static uint64_t harness_run_limit(Harness *h, uint64_t gpa, uint64_t len, int rams_too)
{
    for (const viv_range_t *r = h->ranges; r; r = r->next) {
        if (!r->dead && r->is_mmio && r->base > gpa && r->base - gpa < len) {
            len = r->base - gpa;
        }
    }
    for (const viv_ram_t *m = rams_too ? h->rams : NULL; m; m = m->next) {
        if (m->map_len && m->gpa > gpa && m->gpa - gpa < len) {
            len = m->gpa - gpa;
        }
    }
    return len;
}

/* A piece of a bus-master access that hits MMIO. */
static uint64_t harness_mmio_piece(Harness *h, viv_range_t *r, uint64_t gpa, uint8_t *buf,
                                   uint64_t len, int write)
{
    uint32_t width = 4;
    while (width > 1 && (gpa % width || len < width || gpa - r->base + width > r->len)) {
        width /= 2;
    }
    if (h->dma_mmio_depth) { /* DMA from a register handler that DMA reached: goes no further */
        memset(buf, 0xff, write ? 0 : width);
        return width;
    }
    h->dma_mmio_depth++;
    if (write) {
        uint64_t value = 0;
        memcpy(&value, buf, width);
        harness_range_write(r, gpa - r->base, value, width);
    } else {
        uint64_t value = harness_range_read(r, gpa - r->base, width);
        memcpy(buf, &value, width);
    }
    h->dma_mmio_depth--;
    return width;
}

static viv_ram_t *harness_ram_at(Harness *h, uint64_t gpa)
{
    for (viv_ram_t *m = h->rams; m; m = m->next) {
        if (gpa - m->gpa < m->map_len) {
            return m;
        }
    }
    return NULL;
}

void harness_mem_access(Harness *h, uint64_t gpa, void *buf, uint64_t len, int write)
{
    uint8_t *p = buf;
    harness_enter_bare(h);
    while (len) {
        viv_range_t *r = harness_range_find(h, 1, gpa);
        viv_ram_t *m = r ? NULL : harness_ram_at(h, gpa);
        uint64_t off, n;
        if (r) {
            n = harness_mmio_piece(h, r, gpa, p, len, write);
        } else if (m) {
            n = m->map_len - (gpa - m->gpa);
            n = harness_run_limit(h, gpa, n < len ? n : len, 0);
            uint8_t *at = m->data + m->map_offset + (gpa - m->gpa);
            if (write && m->writable) {
                memcpy(at, p, (size_t)n);
            } else if (!write) {
                memcpy(p, at, (size_t)n);
            }
        } else if ((n = harness_ram_run(h, gpa, &off))) {
            n = harness_run_limit(h, gpa, n < len ? n : len, 1);
            if (write) {
                harness_sparse_write(&h->ram, off, p, n);
            } else {
                harness_sparse_read(&h->ram, off, p, n);
            }
        } else {
            n = gpa < 1ull << 32 && len > (1ull << 32) - gpa ? (1ull << 32) - gpa : len;
            n = harness_run_limit(h, gpa, n, 1);
            memset(p, 0xff, write ? 0 : (size_t)n);
        }
        p += n;
        gpa += n;
        len -= n;
    }
    harness_leave_bare(h);
}

uint64_t harness_mmio_read(Harness *h, uint64_t gpa, uint32_t width)
{
    harness_width_check(width, 8);
    harness_enter_bare(h);
    uint64_t value = harness_space_read(h, 1, gpa, width);
    harness_leave_bare(h);
    return value;
}

void harness_mmio_write(Harness *h, uint64_t gpa, uint64_t value, uint32_t width)
{
    harness_width_check(width, 8);
    harness_enter_bare(h);
    harness_space_write(h, 1, gpa, value, width);
    harness_leave_bare(h);
}

int harness_mmio_mapped(Harness *h, uint64_t gpa)
{
    return harness_range_find(h, 1, gpa) || harness_ram_at(h, gpa);
}

void harness_ram_size(Harness *h, uint64_t bytes)
{
    h->ram_bytes = bytes;
}

static uint64_t harness_ram_offset(Harness *h, uint64_t gpa, uint64_t len)
{
    uint64_t off = 0;
    HARNESS_CHECK(harness_ram_run(h, gpa, &off) >= len, "%llx is not in RAM",
                  (unsigned long long)gpa);
    return off;
}

void harness_ram_read(Harness *h, uint64_t gpa, void *buf, uint64_t len)
{
    harness_sparse_read(&h->ram, harness_ram_offset(h, gpa, len), buf, len);
}

void harness_ram_zero(Harness *h, uint64_t gpa, uint64_t len)
{
    static const uint8_t zeros[4096];
    uint64_t end = gpa + len >= gpa ? (gpa + len) & ~4095ull : ~4095ull;
    uint64_t at = (gpa + 4095) & ~4095ull;
    while (at < end) {
        uint64_t off, run = harness_ram_run(h, at, &off);
        if (!run) { /* the next RAM, if any, is above the hole */
            at = at < 1ull << 32 ? 1ull << 32 : end;
        } else {
            harness_sparse_write(&h->ram, off, zeros, 4096);
            at += 4096;
        }
    }
}

void harness_ram_write(Harness *h, uint64_t gpa, const void *buf, uint64_t len)
{
    harness_sparse_write(&h->ram, harness_ram_offset(h, gpa, len), buf, len);
}

void harness_ram_fill(Harness *h, uint64_t gpa, uint8_t value, uint64_t len)
{
    uint8_t chunk[4096];
    memset(chunk, value, sizeof(chunk));
    while (len) {
        uint64_t n = len < sizeof(chunk) ? len : sizeof(chunk);
        harness_ram_write(h, gpa, chunk, n);
        gpa += n;
        len -= n;
    }
}

#define HARNESS_RAM_ACCESSORS(bits)                                                                \
    uint##bits##_t harness_ram_get##bits(Harness *h, uint64_t gpa)                                 \
    {                                                                                              \
        uint##bits##_t value;                                                                      \
        harness_ram_read(h, gpa, &value, sizeof(value));                                           \
        return value;                                                                              \
    }                                                                                              \
    void harness_ram_put##bits(Harness *h, uint64_t gpa, uint##bits##_t value)                     \
    {                                                                                              \
        harness_ram_write(h, gpa, &value, sizeof(value));                                          \
    }

HARNESS_RAM_ACCESSORS(8)
HARNESS_RAM_ACCESSORS(16)
HARNESS_RAM_ACCESSORS(32)
HARNESS_RAM_ACCESSORS(64)
