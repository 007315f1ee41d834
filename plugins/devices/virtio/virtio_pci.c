/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* viv_virtio: the PCI function (virtio 1.2, 4.1). BAR 0: legacy registers; BAR 1: MSI-X; BAR 4: the
 * structures of the modern interface, one page each. */
#include "virtio_internal.h"

#include <string.h>

#define VIRTIO_PCI_VENDOR 0x1af4u
#define VIRTIO_BAR_LEGACY 0u
#define VIRTIO_BAR_MSIX   1u
#define VIRTIO_BAR_MODERN 4u

#define VIRTIO_OFF_COMMON 0x0000u
#define VIRTIO_OFF_ISR    0x1000u
#define VIRTIO_OFF_DEVICE 0x2000u
#define VIRTIO_OFF_NOTIFY 0x3000u
#define VIRTIO_MODERN_LEN 0x4000u
#define VIRTIO_NOTIFY_MUL 4u

#define VIRTIO_CAP_VENDOR 0x09u
#define VIRTIO_CAP_COMMON 1u
#define VIRTIO_CAP_NOTIFY 2u
#define VIRTIO_CAP_ISR    3u
#define VIRTIO_CAP_DEVICE 4u
#define VIRTIO_CAP_PCI    5u

/* -- registers of both interfaces ------------------------------------------------------------ */

typedef enum VirtioReg {
    VIRTIO_DEVICE_FEATURE_SELECT,
    VIRTIO_DEVICE_FEATURE,
    VIRTIO_DRIVER_FEATURE_SELECT,
    VIRTIO_DRIVER_FEATURE,
    VIRTIO_CONFIG_MSIX_VECTOR,
    VIRTIO_NUM_QUEUES,
    VIRTIO_DEVICE_STATUS,
    VIRTIO_CONFIG_GENERATION,
    VIRTIO_QUEUE_SELECT,
    VIRTIO_QUEUE_SIZE_REG,
    VIRTIO_QUEUE_MSIX_VECTOR,
    VIRTIO_QUEUE_ENABLE,
    VIRTIO_QUEUE_NOTIFY_OFF,
    VIRTIO_QUEUE_DESC,
    VIRTIO_QUEUE_DRIVER,
    VIRTIO_QUEUE_DEVICE,
    VIRTIO_QUEUE_NOTIFY_DATA,
    VIRTIO_QUEUE_RESET,
    VIRTIO_ISR_STATUS,
    VIRTIO_LEGACY_DEVICE_FEATURES,
    VIRTIO_LEGACY_DRIVER_FEATURES,
    VIRTIO_LEGACY_QUEUE_ADDRESS,
    VIRTIO_LEGACY_QUEUE_SIZE,
    VIRTIO_LEGACY_QUEUE_NOTIFY,
    VIRTIO_LEGACY_STATUS,
} VirtioReg;

typedef struct VirtioPlace {
    uint8_t off, width;
    uint16_t reg;
} VirtioPlace;

/* 4.1.4.3 */
static const VirtioPlace virtio_common[] = {
    {0, 4, VIRTIO_DEVICE_FEATURE_SELECT}, {4, 4, VIRTIO_DEVICE_FEATURE},
    {8, 4, VIRTIO_DRIVER_FEATURE_SELECT}, {12, 4, VIRTIO_DRIVER_FEATURE},
    {16, 2, VIRTIO_CONFIG_MSIX_VECTOR},   {18, 2, VIRTIO_NUM_QUEUES},
    {20, 1, VIRTIO_DEVICE_STATUS},        {21, 1, VIRTIO_CONFIG_GENERATION},
    {22, 2, VIRTIO_QUEUE_SELECT},         {24, 2, VIRTIO_QUEUE_SIZE_REG},
    {26, 2, VIRTIO_QUEUE_MSIX_VECTOR},    {28, 2, VIRTIO_QUEUE_ENABLE},
    {30, 2, VIRTIO_QUEUE_NOTIFY_OFF},     {32, 8, VIRTIO_QUEUE_DESC},
    {40, 8, VIRTIO_QUEUE_DRIVER},         {48, 8, VIRTIO_QUEUE_DEVICE},
    {56, 2, VIRTIO_QUEUE_NOTIFY_DATA},    {58, 2, VIRTIO_QUEUE_RESET},
};
#define VIRTIO_COMMON_COUNT (sizeof(virtio_common) / sizeof(virtio_common[0]))
#define VIRTIO_COMMON_LEN   60u

/* 4.1.4.10; the two vectors are there while MSI-X is enabled. */
static const VirtioPlace virtio_legacy[] = {
    {0, 4, VIRTIO_LEGACY_DEVICE_FEATURES}, {4, 4, VIRTIO_LEGACY_DRIVER_FEATURES},
    {8, 4, VIRTIO_LEGACY_QUEUE_ADDRESS},   {12, 2, VIRTIO_LEGACY_QUEUE_SIZE},
    {14, 2, VIRTIO_QUEUE_SELECT},          {16, 2, VIRTIO_LEGACY_QUEUE_NOTIFY},
    {18, 1, VIRTIO_LEGACY_STATUS},         {19, 1, VIRTIO_ISR_STATUS},
    {20, 2, VIRTIO_CONFIG_MSIX_VECTOR},    {22, 2, VIRTIO_QUEUE_MSIX_VECTOR},
};
#define VIRTIO_LEGACY_LEN      20u
#define VIRTIO_LEGACY_LEN_MSIX 24u
#define VIRTIO_LEGACY_COUNT    8u

uint16_t virtio_vector(const Virtio *v, uint32_t value)
{
    return (uint16_t)(value < v->vectors ? value : VIRTIO_NO_VECTOR);
}

static VirtQueue *virtio_selected(Virtio *v)
{
    return v->queue_select < v->queue_count ? &v->queues[v->queue_select] : NULL;
}

static uint64_t virtio_queue_get(const VirtQueue *q, VirtioReg reg)
{
    if (!q) {
        return reg == VIRTIO_QUEUE_MSIX_VECTOR ? VIRTIO_NO_VECTOR : 0;
    }
    switch (reg) {
    case VIRTIO_QUEUE_SIZE_REG: return q->size;
    case VIRTIO_QUEUE_MSIX_VECTOR: return q->vector;
    case VIRTIO_QUEUE_ENABLE: return q->enabled;
    case VIRTIO_QUEUE_NOTIFY_OFF: /* a queue has an address and a notification datum of its own */
    case VIRTIO_QUEUE_NOTIFY_DATA: return q->index;
    case VIRTIO_QUEUE_DESC: return q->desc;
    case VIRTIO_QUEUE_DRIVER: return q->driver;
    case VIRTIO_QUEUE_DEVICE: return q->device;
    case VIRTIO_LEGACY_QUEUE_ADDRESS: return q->enabled ? q->desc >> 12 : 0;
    case VIRTIO_LEGACY_QUEUE_SIZE: return q->max_size;
    default: return 0; /* QUEUE_RESET: a reset is done at once */
    }
}

static uint8_t virtio_isr_read(Virtio *v)
{
    uint8_t isr = v->isr;
    v->isr = 0;
    v->pci->intx_set(v->fn, 0);
    return isr;
}

static uint64_t virtio_reg_get(Virtio *v, VirtioReg reg)
{
    uint32_t half = v->device_feature_select;
    switch (reg) {
    case VIRTIO_DEVICE_FEATURE_SELECT: return v->device_feature_select;
    case VIRTIO_DEVICE_FEATURE: return half < 2 ? (uint32_t)(virtio_offered(v, 0) >> 32 * half) : 0;
    case VIRTIO_DRIVER_FEATURE_SELECT: return v->driver_feature_select;
    case VIRTIO_DRIVER_FEATURE:
        return v->driver_feature_select < 2
                   ? (uint32_t)(v->features >> 32 * v->driver_feature_select)
                   : 0;
    case VIRTIO_CONFIG_MSIX_VECTOR: return v->config_vector;
    case VIRTIO_NUM_QUEUES: return v->queue_count;
    case VIRTIO_DEVICE_STATUS:
    case VIRTIO_LEGACY_STATUS: return v->status;
    case VIRTIO_CONFIG_GENERATION: return v->config_generation;
    case VIRTIO_QUEUE_SELECT: return v->queue_select;
    case VIRTIO_ISR_STATUS: return virtio_isr_read(v);
    case VIRTIO_LEGACY_DEVICE_FEATURES: return (uint32_t)virtio_offered(v, 1);
    case VIRTIO_LEGACY_DRIVER_FEATURES: return (uint32_t)v->features;
    default: return virtio_queue_get(virtio_selected(v), reg);
    }
}

/* 2.7.2: three parts one behind the other, the used ring page-aligned. */
static void virtio_legacy_place(VirtQueue *q, uint32_t page)
{
    uint16_t vector = q->vector;
    virtio_queue_clear(q);
    q->vector = vector;
    if (!page) {
        return;
    }
    q->desc = (uint64_t)page << 12;
    q->driver = q->desc + (uint64_t)VIRTIO_DESC_BYTES * q->size;
    q->device = (q->driver + 6 + 2ull * q->size + 4095) & ~4095ull;
    q->enabled = 1;
}

static void virtio_features_write(Virtio *v, uint32_t value)
{
    uint32_t half = v->driver_feature_select;
    if (half < 2) {
        uint64_t mask = (uint64_t)UINT32_MAX << 32 * half;
        virtio_set_features(v, (v->features & ~mask) | (uint64_t)value << 32 * half);
    } else if (value) { /* nothing of the sort is offered: cannot be negotiated */
        virtio_set_features(v, v->features | UINT64_C(1) << 63);
    }
}

static void virtio_queue_restart(VirtQueue *q)
{
    if (virtio_has(q->virtio, VIRTIO_F_RING_RESET)) {
        virtio_queue_clear(q);
    }
}

static void virtio_queue_set(VirtQueue *q, VirtioReg reg, uint64_t value)
{
    Virtio *v = q->virtio;
    switch (reg) {
    case VIRTIO_QUEUE_MSIX_VECTOR: q->vector = virtio_vector(v, (uint32_t)value); return;
    case VIRTIO_LEGACY_QUEUE_ADDRESS: virtio_legacy_place(q, (uint32_t)value); return;
    case VIRTIO_QUEUE_RESET:
        if (value == 1) {
            virtio_queue_restart(q);
        }
        return;
    default: break;
    }
    if (q->enabled) { /* the driver must not, 4.1.4.3.2 */
        return;
    }
    switch (reg) {
    case VIRTIO_QUEUE_SIZE_REG:
        if (value && value <= q->max_size) {
            q->size = (uint16_t)value;
        }
        break;
    case VIRTIO_QUEUE_DESC: q->desc = value; break;
    case VIRTIO_QUEUE_DRIVER: q->driver = value; break;
    case VIRTIO_QUEUE_DEVICE: q->device = value; break;
    case VIRTIO_QUEUE_ENABLE:
        if (value == 1) {
            virtio_queue_enable(q);
        }
        break;
    default: break;
    }
}

static void virtio_kicked(Virtio *v, uint32_t index)
{
    v->stat_notifications++;
    virtio_queue_run(v, index);
}

static void virtio_reg_set(Virtio *v, VirtioReg reg, uint64_t value)
{
    switch (reg) {
    case VIRTIO_DEVICE_FEATURE_SELECT: v->device_feature_select = (uint32_t)value; return;
    case VIRTIO_DRIVER_FEATURE_SELECT: v->driver_feature_select = (uint32_t)value; return;
    case VIRTIO_DRIVER_FEATURE: virtio_features_write(v, (uint32_t)value); return;
    case VIRTIO_CONFIG_MSIX_VECTOR: v->config_vector = virtio_vector(v, (uint32_t)value); return;
    case VIRTIO_DEVICE_STATUS:
        v->was_legacy = 0;
        virtio_set_status(v, (uint8_t)value);
        return;
    case VIRTIO_QUEUE_SELECT: v->queue_select = (uint16_t)value; return;
    case VIRTIO_LEGACY_DRIVER_FEATURES:
        virtio_set_features(v, value & virtio_offered(v, 1));
        return;
    case VIRTIO_LEGACY_QUEUE_NOTIFY: virtio_kicked(v, (uint32_t)value); return;
    case VIRTIO_LEGACY_STATUS:
        v->was_legacy = 1;
        virtio_set_status(v, (uint8_t)value);
        return;
    default: break;
    }
    VirtQueue *q = virtio_selected(v);
    if (q) {
        virtio_queue_set(q, reg, value);
    }
}

/* -- accesses of any width ------------------------------------------------------------------- */

static uint64_t virtio_places_read(Virtio *v, const VirtioPlace *places, size_t count, uint32_t off,
                                   uint32_t width)
{
    uint64_t value = 0;
    for (size_t i = 0; i < count; i++) {
        const VirtioPlace *p = &places[i];
        if (p->off + p->width <= off || off + width <= p->off) {
            continue;
        }
        uint64_t reg = virtio_reg_get(v, p->reg);
        value |= p->off < off ? reg >> 8 * (off - p->off) : reg << 8 * (p->off - off);
    }
    return value;
}

static void virtio_places_write(Virtio *v, const VirtioPlace *places, size_t count, uint32_t off,
                                uint32_t width, uint64_t value)
{
    for (size_t i = 0; i < count; i++) {
        const VirtioPlace *p = &places[i];
        if (p->off + p->width <= off || off + width <= p->off || p->reg == VIRTIO_ISR_STATUS) {
            continue;
        }
        uint64_t bits = p->off < off ? value << 8 * (off - p->off) : value >> 8 * (p->off - off);
        uint64_t mask = width == 8 ? UINT64_MAX : (UINT64_C(1) << 8 * width) - 1;
        mask = p->off < off ? mask << 8 * (off - p->off) : mask >> 8 * (p->off - off);
        uint64_t whole = p->width == 8 ? UINT64_MAX : (UINT64_C(1) << 8 * p->width) - 1;
        mask &= whole;
        if (mask != whole) {
            bits = (virtio_reg_get(v, p->reg) & ~mask) | (bits & mask);
        }
        virtio_reg_set(v, p->reg, bits & whole);
    }
}

static uint64_t virtio_device_read(Virtio *v, uint64_t off, uint32_t width)
{
    uint8_t bytes[VIRTIO_CONFIG + 8];
    memset(bytes, 0, sizeof(bytes));
    if (off >= v->type->config_bytes) {
        return 0;
    }
    if (v->type->config_read) {
        v->type->config_read(v->self, bytes);
    }
    memset(bytes + v->type->config_bytes, 0, sizeof(bytes) - v->type->config_bytes);
    return virtio_get64(bytes + off) & (width == 8 ? UINT64_MAX : (UINT64_C(1) << 8 * width) - 1);
}

static void virtio_device_write(Virtio *v, uint64_t off, uint64_t value, uint32_t width)
{
    uint8_t bytes[8];
    virtio_put64(bytes, value);
    if (off < v->type->config_bytes && v->type->config_write) {
        uint32_t room = v->type->config_bytes - (uint32_t)off;
        v->type->config_write(v->self, (uint32_t)off, bytes, width < room ? width : room);
    }
}

/* -- BAR 4 ----------------------------------------------------------------------------------- */

/* [emt, device lock held] */
static uint64_t virtio_modern_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    Virtio *v = ctx;
    (void)dev;
    if (v->dma_depth) {
        return 0;
    }
    uint32_t within = (uint32_t)off & 0xfff;
    switch (off & ~UINT64_C(0xfff)) {
    case VIRTIO_OFF_COMMON:
        return virtio_places_read(v, virtio_common, VIRTIO_COMMON_COUNT, within, width);
    case VIRTIO_OFF_ISR: return within ? 0 : virtio_isr_read(v);
    case VIRTIO_OFF_DEVICE: return virtio_device_read(v, within, width);
    default: return 0;
    }
}

/* [emt, device lock held] */
static void virtio_modern_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value,
                                uint32_t width)
{
    Virtio *v = ctx;
    (void)dev;
    if (v->dma_depth) {
        return;
    }
    uint32_t within = (uint32_t)off & 0xfff;
    switch (off & ~UINT64_C(0xfff)) {
    case VIRTIO_OFF_COMMON:
        virtio_places_write(v, virtio_common, VIRTIO_COMMON_COUNT, within, width, value);
        break;
    case VIRTIO_OFF_DEVICE: virtio_device_write(v, within, value, width); break;
    case VIRTIO_OFF_NOTIFY: virtio_kicked(v, within / VIRTIO_NOTIFY_MUL); break;
    default: break;
    }
}

static const viv_io_ops_t virtio_modern_io = {
    .size = sizeof(viv_io_ops_t),
    .widths = VIV_W8 | VIV_W16 | VIV_W32,
    .read = virtio_modern_read,
    .write = virtio_modern_write,
};

/* -- BAR 0 ----------------------------------------------------------------------------------- */

static uint32_t virtio_legacy_len(Virtio *v)
{
    return v->pci->msix_enabled(v->fn) ? VIRTIO_LEGACY_LEN_MSIX : VIRTIO_LEGACY_LEN;
}

static size_t virtio_legacy_count(uint32_t len)
{
    return VIRTIO_LEGACY_COUNT + (len == VIRTIO_LEGACY_LEN_MSIX ? 2 : 0);
}

/* [emt, device lock held] */
static uint64_t virtio_legacy_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    Virtio *v = ctx;
    uint32_t len = virtio_legacy_len(v);
    (void)dev;
    if (v->dma_depth) {
        return 0;
    }
    return off >= len ? virtio_device_read(v, off - len, width)
                      : virtio_places_read(v, virtio_legacy, virtio_legacy_count(len),
                                           (uint32_t)off, width);
}

/* [emt, device lock held] */
static void virtio_legacy_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value,
                                uint32_t width)
{
    Virtio *v = ctx;
    uint32_t len = virtio_legacy_len(v);
    (void)dev;
    if (v->dma_depth) {
        return;
    }
    if (off >= len) {
        virtio_device_write(v, off - len, value, width);
    } else {
        virtio_places_write(v, virtio_legacy, virtio_legacy_count(len), (uint32_t)off, width,
                            value);
    }
}

static const viv_io_ops_t virtio_legacy_io = {
    .size = sizeof(viv_io_ops_t),
    .widths = VIV_W8 | VIV_W16 | VIV_W32,
    .read = virtio_legacy_read,
    .write = virtio_legacy_write,
};

/* -- configuration space --------------------------------------------------------------------- */

/* 4.1.4.9: where the access capability points; 0 if to nothing. */
static int virtio_window(Virtio *v, uint32_t *ret_off, uint32_t *ret_len)
{
    uint32_t cap = v->pci_cap;
    uint32_t bar = v->pci->config_get(v->fn, cap + 4, 1);
    *ret_off = v->pci->config_get(v->fn, cap + 8, 4);
    *ret_len = v->pci->config_get(v->fn, cap + 12, 4);
    return bar == VIRTIO_BAR_MODERN && (*ret_len == 1 || *ret_len == 2 || *ret_len == 4) &&
           !(*ret_off % *ret_len) && *ret_off < VIRTIO_MODERN_LEN;
}

/* [emt, device lock held] */
static uint32_t virtio_cfg_read(viv_dev_t *dev, void *ctx, uint32_t off, uint32_t width,
                                uint32_t value)
{
    Virtio *v = ctx;
    uint32_t at, len, data = v->pci_cap + 16;
    (void)width;
    if (!v->pci_cap || off < data || off >= data + 4 || !virtio_window(v, &at, &len)) {
        return value;
    }
    return (uint32_t)virtio_modern_read(dev, v, at, len) >> 8 * (off - data);
}

/* [emt, device lock held] */
static void virtio_cfg_written(viv_dev_t *dev, void *ctx, uint32_t off, uint32_t width,
                               uint32_t value)
{
    Virtio *v = ctx;
    uint32_t at, len, data = v->pci_cap + 16;
    (void)value;
    if (v->pci_cap && off >= data && off < data + 4 && virtio_window(v, &at, &len)) {
        virtio_modern_write(dev, v, at, v->pci->config_get(v->fn, data, len), len);
    }
    if (off <= 5 && off + width > 4) { /* what waited for bus mastering may go on */
        uint32_t master = v->pci->config_get(v->fn, 4, 2) & 4;
        if (master && !v->bus_master && !v->dma_depth) {
            virtio_run_all(v);
        }
        v->bus_master = master;
    }
}

static viv_status_t virtio_cap(Virtio *v, uint32_t type, uint32_t off, uint32_t len,
                               uint32_t cap_len, uint32_t *ret_cap)
{
    uint32_t cap;
    viv_status_t st = v->pci->cap_add(v->fn, VIRTIO_CAP_VENDOR, cap_len, 0, &cap);
    if (st != VIV_OK) {
        return st;
    }
    v->pci->config_set(v->fn, cap + 2, cap_len, 1);
    v->pci->config_set(v->fn, cap + 3, type, 1);
    v->pci->config_set(v->fn, cap + 4, type == VIRTIO_CAP_PCI ? 0 : VIRTIO_BAR_MODERN, 1);
    v->pci->config_set(v->fn, cap + 8, off, 4);
    v->pci->config_set(v->fn, cap + 12, len, 4);
    *ret_cap = cap;
    return VIV_OK;
}

static viv_status_t virtio_caps(Virtio *v)
{
    uint32_t cap;
    viv_status_t st;
    if ((st = virtio_cap(v, VIRTIO_CAP_COMMON, VIRTIO_OFF_COMMON, VIRTIO_COMMON_LEN, 16, &cap)) !=
            VIV_OK ||
        (st = virtio_cap(v, VIRTIO_CAP_ISR, VIRTIO_OFF_ISR, 1, 16, &cap)) != VIV_OK ||
        (v->type->config_bytes && (st = virtio_cap(v, VIRTIO_CAP_DEVICE, VIRTIO_OFF_DEVICE,
                                                   v->type->config_bytes, 16, &cap)) != VIV_OK) ||
        (st = virtio_cap(v, VIRTIO_CAP_NOTIFY, VIRTIO_OFF_NOTIFY,
                         v->queue_count * VIRTIO_NOTIFY_MUL, 20, &cap)) != VIV_OK) {
        return st;
    }
    v->pci->config_set(v->fn, cap + 16, VIRTIO_NOTIFY_MUL, 4);
    if ((st = virtio_cap(v, VIRTIO_CAP_PCI, 0, 0, 20, &v->pci_cap)) != VIV_OK) {
        return st;
    }
    v->pci->config_wmask(v->fn, v->pci_cap + 4, 0xff, 1);
    for (uint32_t off = 8; off < 20; off += 4) {
        v->pci->config_wmask(v->fn, v->pci_cap + off, 0xffffffff, 4);
    }
    return VIV_OK;
}

static viv_status_t virtio_bars(Virtio *v)
{
    viv_status_t st = VIV_OK;
    if (v->legacy) {
        uint32_t len = 32;
        while (len < VIRTIO_LEGACY_LEN_MSIX + v->type->config_bytes) {
            len *= 2;
        }
        st = v->pci->bar_pio(v->fn, VIRTIO_BAR_LEGACY, len, &virtio_legacy_io, v, "virtio legacy");
    }
    if (st == VIV_OK && v->modern) {
        st = v->pci->bar_mmio(v->fn, VIRTIO_BAR_MODERN, VIRTIO_MODERN_LEN,
                              VIV_BAR_64BIT | VIV_BAR_PREFETCH, &virtio_modern_io, v, "virtio");
    }
    if (st == VIV_OK && v->vectors) { /* table and pending bits in one BAR of the host's */
        uint32_t pending = (v->vectors * 16 + 0x7ff) & ~0x7ffu;
        st = v->pci->msix_add(v->fn, v->vectors, VIRTIO_BAR_MSIX, 0, VIRTIO_BAR_MSIX, pending, 0);
    }
    return st;
}

viv_status_t virtio_pci_add(Virtio *v)
{
    const VirtioType *type = v->type;
    viv_pci_desc_t desc = {
        .size = sizeof(viv_pci_desc_t),
        .vendor_id = VIRTIO_PCI_VENDOR,
        .device_id = (uint16_t)(v->legacy ? type->pci_id : 0x1040 + type->device_id),
        .subsystem_vendor_id = VIRTIO_PCI_VENDOR,
        .subsystem_id = (uint16_t)(v->legacy ? type->device_id : 0x40 + type->device_id),
        .class_code = type->class_code,
        .revision = v->legacy ? 0 : 1,
        .int_pin = 1,
        .device = VIV_PCI_AUTO,
    };
    viv_status_t st = v->pci->add(v->dev, 0, &desc, &v->fn);
    if (st != VIV_OK || (st = virtio_bars(v)) != VIV_OK ||
        (v->modern && (st = virtio_caps(v)) != VIV_OK)) {
        return st;
    }
    v->pci->config_hooks(v->fn, virtio_cfg_read, virtio_cfg_written, v);
    return VIV_OK;
}
