/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* IOM: port and MMIO dispatch (see iom.h). Invariants:
 *  1. ports[p] is the range that owns port p, or NULL; a range's ports are contiguous from its
 *     base.
 *  2. A handler only ever sees a width it declared, inside its range; aligned unless it said
 *     otherwise. */
#include "iom/iom.h"

#include <string.h>

#define IOM_PORTS 65536u

struct IomRange {
    viv_dev_t *dev;
    GRecMutex *lock;
    viv_io_ops_t ops;
    void *ctx;
    uint64_t len;
    uint32_t base; /* ports only */
    char *name;
};

struct Iom {
    IomRange *ports[IOM_PORTS];
};

Iom *iom_new(void)
{
    return g_new0(Iom, 1);
}

void iom_free(Iom *iom)
{
    g_free(iom);
}

IomRange *iom_range_new(viv_dev_t *dev, GRecMutex *lock, const viv_io_ops_t *ops, void *ctx,
                        uint64_t len, const char *name)
{
    IomRange *range = g_new0(IomRange, 1);
    range->dev = dev;
    memcpy(&range->ops, ops, MIN(ops->size, sizeof range->ops));
    range->lock = (range->ops.flags & VIV_IO_NO_LOCK) ? NULL : lock;
    if (!(range->ops.widths & VIV_W_ANY)) {
        range->ops.widths = VIV_W8;
    }
    range->ctx = ctx;
    range->len = len;
    range->name = g_strdup(name ? name : "?");
    return range;
}

void iom_range_free(IomRange *range)
{
    if (range) {
        g_free(range->name);
        g_free(range);
    }
}

/* -- one access ------------------------------------------------------------------------------ */

/* A handler may unmap the very range that it is called for (a bridge that is told, through its window,
 * to move the window): nothing of the range is looked at after a call. */

static uint64_t iom_mask(uint32_t width)
{
    return width >= 8 ? UINT64_MAX : (UINT64_C(1) << (width * 8)) - 1;
}

static gboolean iom_takes(const IomRange *range, uint64_t off, uint32_t width)
{
    return (range->ops.widths & width) && off < range->len && width <= range->len - off &&
           (!(off & (width - 1)) || (range->ops.flags & VIV_IO_UNALIGNED));
}

/* The narrowest accepted width above `width` whose aligned cell holds the access, or 0. */
static uint32_t iom_wider(const IomRange *range, uint64_t off, uint32_t width)
{
    for (uint32_t wide = width << 1; wide <= 8; wide <<= 1) {
        uint64_t cell = off & ~(uint64_t)(wide - 1);
        if (iom_takes(range, cell, wide) && off + width <= cell + wide) {
            return wide;
        }
    }
    return 0;
}

static uint64_t iom_read_locked(IomRange *range, uint64_t off, uint32_t width)
{
    if (!range->ops.read) {
        return iom_mask(width);
    }
    if (iom_takes(range, off, width)) {
        return range->ops.read(range->dev, range->ctx, off, width) & iom_mask(width);
    }
    if (width > 1 && (range->ops.widths & (width - 1))) { /* narrower widths exist: split */
        uint32_t half = width >> 1;
        IomRange kept = *range;
        uint64_t low = iom_read_locked(&kept, off, half);
        return low | (iom_read_locked(&kept, off + half, half) << (half * 8));
    }
    uint32_t wide = (range->ops.flags & VIV_IO_WIDEN) ? iom_wider(range, off, width) : 0;
    if (!wide) {
        return iom_mask(width);
    }
    uint64_t cell = off & ~(uint64_t)(wide - 1);
    return (range->ops.read(range->dev, range->ctx, cell, wide) >> ((off - cell) * 8)) &
           iom_mask(width);
}

static void iom_write_locked(IomRange *range, uint64_t off, uint64_t value, uint32_t width)
{
    if (!range->ops.write) {
        return;
    }
    value &= iom_mask(width);
    if (iom_takes(range, off, width)) {
        range->ops.write(range->dev, range->ctx, off, value, width);
        return;
    }
    if (width > 1 && (range->ops.widths & (width - 1))) {
        uint32_t half = width >> 1;
        IomRange kept = *range;
        iom_write_locked(&kept, off, value, half);
        iom_write_locked(&kept, off + half, value >> (half * 8), half);
        return;
    }
    uint32_t wide = (range->ops.flags & VIV_IO_WIDEN) ? iom_wider(range, off, width) : 0;
    if (!wide) {
        return;
    }
    uint64_t cell = off & ~(uint64_t)(wide - 1);
    uint32_t shift = (uint32_t)((off - cell) * 8);
    IomRange kept = *range;
    uint64_t old = kept.ops.read ? kept.ops.read(kept.dev, kept.ctx, cell, wide) : 0;
    uint64_t merged = (old & ~(iom_mask(width) << shift)) | (value << shift);
    kept.ops.write(kept.dev, kept.ctx, cell, merged & iom_mask(wide), wide);
}

uint64_t iom_range_read(IomRange *range, uint64_t off, uint32_t width)
{
    GRecMutex *lock = range->lock;
    if (lock) {
        g_rec_mutex_lock(lock);
    }
    uint64_t value = iom_read_locked(range, off, width);
    if (lock) {
        g_rec_mutex_unlock(lock);
    }
    return value;
}

void iom_range_write(IomRange *range, uint64_t off, uint64_t value, uint32_t width)
{
    GRecMutex *lock = range->lock;
    if (lock) {
        g_rec_mutex_lock(lock);
    }
    iom_write_locked(range, off, value, width);
    if (lock) {
        g_rec_mutex_unlock(lock);
    }
}

/* -- ports ----------------------------------------------------------------------------------- */

viv_status_t iom_pio_map(Iom *iom, uint32_t base, uint32_t count, IomRange *range, VivError *err)
{
    if (count == 0 || base >= IOM_PORTS || count > IOM_PORTS - base) {
        return error_set(err, VIV_E_INVALID, "%s: ports %#x+%u do not exist", range->name, base,
                         count);
    }
    for (uint32_t port = base; port < base + count; port++) {
        if (iom->ports[port]) {
            return error_set(err, VIV_E_EXISTS, "%s: port %#x belongs to %s already", range->name,
                             port, iom->ports[port]->name);
        }
    }
    range->base = base;
    for (uint32_t port = base; port < base + count; port++) {
        __atomic_store_n(&iom->ports[port], range, __ATOMIC_RELEASE);
    }
    return VIV_OK;
}

void iom_pio_unmap(Iom *iom, IomRange *range)
{
    for (uint64_t port = range->base; port < range->base + range->len && port < IOM_PORTS; port++) {
        if (iom->ports[port] == range) {
            __atomic_store_n(&iom->ports[port], NULL, __ATOMIC_RELEASE);
        }
    }
}

static IomRange *iom_port(Iom *iom, uint32_t port)
{
    return __atomic_load_n(&iom->ports[port & 0xffff], __ATOMIC_ACQUIRE);
}

/* The range if all `width` ports are its own. */
static IomRange *iom_port_whole(Iom *iom, uint16_t port, uint32_t width)
{
    IomRange *range = iom_port(iom, port);
    return range && port - range->base + (uint64_t)width <= range->len ? range : NULL;
}

uint32_t iom_pio_read(Iom *iom, uint16_t port, uint32_t width)
{
    IomRange *range = iom_port_whole(iom, port, width);
    if (range) {
        return (uint32_t)iom_range_read(range, port - range->base, width);
    }
    uint32_t value = 0;
    for (uint32_t i = 0; i < width; i++) {
        IomRange *one = iom_port(iom, port + i);
        uint32_t byte =
            one ? (uint32_t)iom_range_read(one, ((port + i) & 0xffff) - one->base, 1) : 0xffu;
        value |= (byte & 0xffu) << (i * 8);
    }
    return value;
}

void iom_pio_write(Iom *iom, uint16_t port, uint32_t value, uint32_t width)
{
    IomRange *range = iom_port_whole(iom, port, width);
    if (range) {
        iom_range_write(range, port - range->base, value, width);
        return;
    }
    for (uint32_t i = 0; i < width; i++) {
        IomRange *one = iom_port(iom, port + i);
        if (one) {
            iom_range_write(one, ((port + i) & 0xffff) - one->base, (value >> (i * 8)) & 0xff, 1);
        }
    }
}

uint32_t iom_pio_read_string(Iom *iom, uint16_t port, uint32_t width, void *buf, uint32_t count)
{
    IomRange *range = iom_port_whole(iom, port, width);
    uint32_t done = 0;
    if (range && range->ops.read_string && count) {
        GRecMutex *lock = range->lock;
        if (lock) {
            g_rec_mutex_lock(lock);
        }
        done =
            range->ops.read_string(range->dev, range->ctx, port - range->base, width, buf, count);
        if (lock) {
            g_rec_mutex_unlock(lock);
        }
    }
    if (done == 0 && count) {
        uint32_t value = iom_pio_read(iom, port, width);
        memcpy(buf, &value, width);
        done = 1;
    }
    return MIN(done, count);
}

uint32_t iom_pio_write_string(Iom *iom, uint16_t port, uint32_t width, const void *buf,
                              uint32_t count)
{
    IomRange *range = iom_port_whole(iom, port, width);
    uint32_t done = 0;
    if (range && range->ops.write_string && count) {
        GRecMutex *lock = range->lock;
        if (lock) {
            g_rec_mutex_lock(lock);
        }
        done =
            range->ops.write_string(range->dev, range->ctx, port - range->base, width, buf, count);
        if (lock) {
            g_rec_mutex_unlock(lock);
        }
    }
    if (done == 0 && count) {
        uint32_t value = 0;
        memcpy(&value, buf, width);
        iom_pio_write(iom, port, value, width);
        done = 1;
    }
    return MIN(done, count);
}
