/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtio-balloon: the traditional memory balloon of virtio 1.2, 5.5. Memory that the guest gives
 * goes back to the host at once, and comes again when the guest writes to it. LUN 0 offers
 * viv.balloon-port/1 to whoever steers it. */
#include "virtio_balloon.h"

#include <string.h>

#define BALLOON_STATE_VERSION 1u
#define BALLOON_QUEUE_SIZE    128u
#define BALLOON_REPORT_SIZE   32u
#define BALLOON_CONFIG_BYTES  16u
#define BALLOON_NS_PER_S      UINT64_C(1000000000)
#define BALLOON_TARGET_MAX    (UINT64_C(0xffffffff) << BALLOON_PAGE_SHIFT)

static const viv_option_t balloon_options[] = {
    VIV_OPT_NAMED(VirtioBalloon, "Target", target_mib, VIV_U64, 0, UINT64_C(1) << 24, 0,
                  "MiB that the guest shall give from the start"),
    VIV_OPT_NAMED(VirtioBalloon, "StatsPeriod", stats_period_s, VIV_U32, 0, 86400, 0,
                  "seconds of the machine's time between requests for the guest's statistics; 0: "
                  "only when asked"),
    VIV_OPT_NAMED(VirtioBalloon, "MustTellHost", must_tell_host, VIV_BOOL, 0, 1, 0,
                  "the guest tells before it uses pages of the balloon again"),
    VIV_OPT_NAMED(VirtioBalloon, "DeflateOnOOM", deflate_on_oom, VIV_BOOL, 0, 1, 0,
                  "the guest takes pages back when it runs out of memory"),
    VIV_OPT_NAMED(VirtioBalloon, "FreePageReporting", reporting, VIV_BOOL, 0, 1, 1,
                  "the guest reports free memory by itself, which goes back to the host"),
    VIRTIO_OPTIONS(VirtioBalloon, virtio),
    {0},
};

static const viv_field_t balloon_state[] = {
    VIV_FIELD(VirtioBalloon, target, VIV_U64, 1),
    VIV_FIELD(VirtioBalloon, stats_time, VIV_U64, 1),
    VIV_FIELD_ARRAY(VirtioBalloon, stats, VIV_U64, 1),
    VIV_FIELD(VirtioBalloon, stats_present, VIV_U32, 1),
    VIV_FIELD(VirtioBalloon, actual, VIV_U32, 1),
    VIV_FIELD(VirtioBalloon, poison, VIV_U32, 1),
    VIV_FIELD(VirtioBalloon, command, VIV_U32, 1),
    VIV_FIELD(VirtioBalloon, last_id, VIV_U32, 1),
    VIV_FIELD(VirtioBalloon, hinting, VIV_U8, 1),
    VIRTIO_STATE(VirtioBalloon, virtio, 1),
    {0},
};

/* -- device configuration -------------------------------------------------------------------- */

static void balloon_config_read(void *self, uint8_t *bytes)
{
    const VirtioBalloon *b = self;
    virtio_put32(bytes, (uint32_t)(b->target >> BALLOON_PAGE_SHIFT));
    virtio_put32(bytes + 4, b->actual);
    virtio_put32(bytes + 8, b->command);
    virtio_put32(bytes + 12, b->poison);
}

/* The driver writes actual and poison_val; legacy ones byte by byte. */
static void balloon_config_write(void *self, uint32_t off, const uint8_t *bytes, uint32_t len)
{
    VirtioBalloon *b = self;
    uint8_t config[BALLOON_CONFIG_BYTES];
    balloon_config_read(b, config);
    memcpy(config + off, bytes, len);
    b->actual = virtio_get32(config + 4);
    b->poison = virtio_get32(config + 12);
}

static void balloon_forget(void *self)
{
    VirtioBalloon *b = self;
    b->actual = b->poison = 0;
    b->command = BALLOON_CMD_STOP;
    b->hinting = 0;
    b->stats_present = 0;
    b->stats_time = 0;
    memset(b->stats, 0, sizeof(b->stats));
}

static const VirtioType balloon_type = {
    .device_id = VIRTIO_ID_BALLOON,
    .pci_id = 0x1002,
    .class_code = 0x00ff00,
    .config_bytes = BALLOON_CONFIG_BYTES,
    .config_read = balloon_config_read,
    .config_write = balloon_config_write,
    .reset = balloon_forget,
};

/* -- viv.balloon-port/1 ---------------------------------------------------------------------- */

static viv_status_t balloon_set_target(void *self, uint64_t bytes)
{
    VirtioBalloon *b = self;
    if (bytes > b->vm->ram_bytes(b->dev) || bytes > BALLOON_TARGET_MAX) {
        return VIV_E_INVALID;
    }
    b->dev->api->lock(b->dev);
    b->target = bytes & ~UINT64_C(4095);
    virtio_config_changed(&b->virtio);
    b->dev->api->unlock(b->dev);
    return VIV_OK;
}

static void balloon_info(void *self, viv_balloon_info_t *ret_info)
{
    VirtioBalloon *b = self;
    viv_balloon_info_t info;
    memset(&info, 0, sizeof(info));
    b->dev->api->lock(b->dev);
    info.size = ret_info->size;
    info.running = (uint32_t)virtio_running(&b->virtio);
    info.target_bytes = b->target;
    info.actual_bytes = (uint64_t)b->actual << BALLOON_PAGE_SHIFT;
    info.ram_bytes = b->vm->ram_bytes(b->dev);
    info.stats_time_ns = b->stats_time;
    info.stats_present = b->stats_present;
    info.hinting = b->command >= BALLOON_CMD_FIRST;
    memcpy(info.stats, b->stats, sizeof(info.stats));
    b->dev->api->unlock(b->dev);
    memcpy(ret_info, &info, ret_info->size < sizeof(info) ? ret_info->size : sizeof(info));
}

static viv_status_t balloon_update_stats(void *self)
{
    VirtioBalloon *b = self;
    b->dev->api->lock(b->dev);
    viv_status_t st = balloon_stats_ask(b) ? VIV_OK : VIV_E_UNSUPPORTED;
    b->dev->api->unlock(b->dev);
    return st;
}

static viv_status_t balloon_start_hints(void *self)
{
    VirtioBalloon *b = self;
    viv_status_t st = VIV_OK;
    b->dev->api->lock(b->dev);
    if (!virtio_running(&b->virtio) || !virtio_has(&b->virtio, BALLOON_F_FREE_PAGE_HINT)) {
        st = VIV_E_UNSUPPORTED;
    } else if (b->hinting) {
        st = VIV_E_BUSY;
    } else {
        b->last_id = b->last_id >= BALLOON_CMD_FIRST && b->last_id < UINT32_MAX ? b->last_id + 1
                                                                                : BALLOON_CMD_FIRST;
        b->command = b->last_id;
        virtio_config_changed(&b->virtio);
    }
    b->dev->api->unlock(b->dev);
    return st;
}

static const viv_balloon_port_ops_t balloon_port = {
    .size = sizeof(viv_balloon_port_ops_t),
    .set_target = balloon_set_target,
    .info = balloon_info,
    .update_stats = balloon_update_stats,
    .hint = balloon_start_hints,
};

/* [any] */
static viv_status_t balloon_query_interface(viv_dev_t *dev, void *self, uint32_t lun,
                                            const char *id, viv_iface_t *ret_iface)
{
    (void)dev;
    if (lun != 0 || strcmp(id, VIV_BALLOON_PORT_ID) != 0) {
        return VIV_E_NOT_FOUND;
    }
    ret_iface->ops = &balloon_port;
    ret_iface->self = self;
    return VIV_OK;
}

/* -- life ------------------------------------------------------------------------------------ */

static void balloon_timer_arm(VirtioBalloon *b)
{
    const viv_dev_api_t *api = b->dev->api;
    if (b->stats_period_s) {
        api->timer_arm(b->timer, api->time_ns(b->dev) + b->stats_period_s * BALLOON_NS_PER_S);
    }
}

/* [emt, device lock held] */
static void balloon_timer(viv_dev_t *dev, void *ctx)
{
    VirtioBalloon *b = ctx;
    (void)dev;
    balloon_stats_ask(b);
    balloon_timer_arm(b);
}

static viv_status_t balloon_counters(viv_dev_t *dev, VirtioBalloon *b)
{
    static const struct {
        const char *name, *unit, *help;
    } stats[VIV_BALLOON_STATS] = {
        {"Guest/SwapIn", "bytes", "Memory read from swap"},
        {"Guest/SwapOut", "bytes", "Memory written to swap"},
        {"Guest/MajorFaults", "times", "Page faults that read from a disk"},
        {"Guest/MinorFaults", "times", "Page faults that did not"},
        {"Guest/Free", "bytes", "Memory that is not used at all"},
        {"Guest/Total", "bytes", "Memory there is"},
        {"Guest/Available", "bytes", "Memory for new programs without swapping"},
        {"Guest/Caches", "bytes", "Memory that holds contents of disks"},
        {"Guest/HugePageAllocations", "times", "Huge pages given to programs"},
        {"Guest/HugePageFailures", "times", "Huge pages refused"},
        {"Guest/OOMKills", "times", "Programs ended for lack of memory"},
        {"Guest/AllocationStalls", "times", "Allocations that had to wait"},
        {"Guest/AsyncScans", "pages", "Pages looked at in the background"},
        {"Guest/DirectScans", "pages", "Pages looked at by allocations"},
        {"Guest/AsyncReclaims", "pages", "Pages freed in the background"},
        {"Guest/DirectReclaims", "pages", "Pages freed by allocations"},
    };
    const struct {
        const uint64_t *value;
        const char *name, *help;
    } own[] = {
        {&b->stat_inflated, "Inflated", "Pages that the guest has given"},
        {&b->stat_deflated, "Deflated", "Pages that it has taken back"},
        {&b->stat_hinted, "Hinted", "Free pages given back after hints"},
        {&b->stat_reported, "Reported", "Free pages given back after reports"},
        {&b->stat_kept, "Kept", "Free pages that were kept, for they hold poison"},
    };
    viv_iface_t iface;
    viv_status_t st = VIV_OK;
    if (dev->api->get_interface(dev, VIV_STAM_ID, sizeof(viv_stam_api_t), &iface) != VIV_OK) {
        return VIV_OK;
    }
    const viv_stam_api_t *stam = iface.ops;
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]) && st == VIV_OK; i++) {
        st = stam->counter(dev, own[i].value, own[i].name, "pages", own[i].help);
    }
    for (size_t i = 0; i < VIV_BALLOON_STATS && st == VIV_OK; i++) {
        st = stam->counter(dev, &b->stats[i], stats[i].name, stats[i].unit, stats[i].help);
    }
    return st;
}

/* Queues are numbered as they are offered: statistics and hints always are, so that the numbers are
 * those of the standard, whatever a driver leaves out behind them. */
static void balloon_queues(VirtioBalloon *b)
{
    Virtio *v = &b->virtio;
    virtio_queue(v, BALLOON_QUEUE_SIZE, balloon_inflate, "inflateq");
    virtio_queue(v, BALLOON_QUEUE_SIZE, balloon_deflate, "deflateq");
    b->stats_queue = virtio_queue(v, BALLOON_QUEUE_SIZE, balloon_statistics, "statsq");
    virtio_queue(v, BALLOON_QUEUE_SIZE, balloon_hints, "free_page_vq");
    if (b->reporting) {
        virtio_queue(v, BALLOON_REPORT_SIZE, balloon_reports, "reporting_vq");
    }
}

/* [main, device lock held] */
static viv_status_t balloon_construct(viv_dev_t *dev, void *self)
{
    VirtioBalloon *b = self;
    viv_status_t st = VIV_OK;
    uint64_t features = BALLOON_F_STATS_VQ | BALLOON_F_FREE_PAGE_HINT | BALLOON_F_PAGE_POISON |
                        (b->must_tell_host ? BALLOON_F_MUST_TELL_HOST : 0) |
                        (b->deflate_on_oom ? BALLOON_F_DEFLATE_ON_OOM : 0) |
                        (b->reporting ? BALLOON_F_REPORTING : 0);
    b->dev = dev;
    b->vm = viv_need(dev, VIV_VM_ID, offsetof(viv_vm_api_t, ram_below_4g), &st);
    b->ram =
        viv_need(dev, VIV_RAM_ID, offsetof(viv_ram_api_t, discard) + sizeof(b->ram->discard), &st);
    if (st != VIV_OK) {
        return st;
    }
    b->target = b->target_mib << 20;
    if (b->target > b->vm->ram_bytes(dev)) {
        return dev->api->fail(dev, VIV_E_CONFIG, "Target is %llu MiB, the machine has %llu",
                              (unsigned long long)b->target_mib,
                              (unsigned long long)(b->vm->ram_bytes(dev) >> 20));
    }
    if ((st = virtio_start(&b->virtio, dev, b, &balloon_type, features)) != VIV_OK ||
        (st = dev->api->timer_create(dev, "statistics", balloon_timer, b, &b->timer)) != VIV_OK) {
        return st;
    }
    balloon_queues(b);
    st = virtio_finish(&b->virtio);
    return st == VIV_OK ? balloon_counters(dev, b) : st;
}

static void balloon_destruct(viv_dev_t *dev, void *self)
{
    VirtioBalloon *b = self;
    (void)dev;
    virtio_free(&b->virtio);
}

/* The target is the host's wish and stays. */
static void balloon_reset(viv_dev_t *dev, void *self)
{
    VirtioBalloon *b = self;
    virtio_reset(&b->virtio);
    dev->api->timer_cancel(b->timer);
    balloon_timer_arm(b);
}

static viv_status_t balloon_save(viv_dev_t *dev, void *self, viv_stream_t *stream)
{
    VirtioBalloon *b = self;
    (void)dev;
    return virtio_save(&b->virtio, stream);
}

static viv_status_t balloon_load(viv_dev_t *dev, void *self, viv_stream_t *stream, uint32_t version)
{
    VirtioBalloon *b = self;
    (void)dev, (void)version;
    return virtio_load(&b->virtio, stream);
}

/* [main, device lock held] */
static viv_status_t balloon_post_load(viv_dev_t *dev, void *self, uint32_t version)
{
    VirtioBalloon *b = self;
    (void)version;
    if (b->target > b->vm->ram_bytes(dev)) {
        return dev->api->fail(dev, VIV_E_CORRUPT, "a balloon of %llu bytes",
                              (unsigned long long)b->target);
    }
    b->target &= ~UINT64_C(4095);
    b->stats_present &= (1u << VIV_BALLOON_STATS) - 1;
    b->hinting = b->hinting != 0;
    if (dev->api->timer_deadline(b->timer) == UINT64_MAX) {
        balloon_timer_arm(b);
    }
    return virtio_post_load(&b->virtio);
}

static const viv_device_class_t balloon_class = {
    VIV_DEVICE_CLASS_HEAD,
    .name = "virtio-balloon",
    .summary = "virtio memory balloon",
    .instance_size = sizeof(VirtioBalloon),
    .state_version = BALLOON_STATE_VERSION,
    .max_instances = 1,
    .order = VIV_ORDER_MISC,
    .options = balloon_options,
    .state = balloon_state,
    .construct = balloon_construct,
    .destruct = balloon_destruct,
    .reset = balloon_reset,
    .save = balloon_save,
    .load = balloon_load,
    .post_load = balloon_post_load,
    .query_interface = balloon_query_interface,
};

VIV_PLUGIN("org.vivarium.virtio-balloon", "1.0", "LGPL-2.1-or-later", "virtio memory balloon",
           &balloon_class);
