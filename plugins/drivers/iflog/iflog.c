/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* iflog: a filter that shows what goes through a chain: characters, disk accesses, keys, motion,
 * mode changes; into the log or a file. Calls that only ask or announce are left out; iftrace has
 * those too. */
#include "../tap/tap.h"

#include <inttypes.h>

typedef struct IfLog {
    /* config */
    const char *path;
    uint32_t data_max, limit_mib;
    /* host resources */
    Tap tap;
    TapSink sink;
} IfLog;

static const viv_option_t iflog_options[] = {
    VIV_OPT_STRING(IfLog, "File", path, NULL,
                   "file that takes it; none: the log, group IfLog, level info"),
    VIV_OPT_NAMED(IfLog, "Data", data_max, VIV_U32, 0, TAP_DATA_MAX, 64,
                  "bytes of an access that are shown"),
    VIV_OPT_NAMED(IfLog, "Limit", limit_mib, VIV_U32, 0, 1u << 20, 1024,
                  "MiB after which nothing more is written to File; 0: no limit"),
    {0},
};

/* [any] */
static void iflog_report(void *ctx, const TapCall *call)
{
    IfLog *l = ctx;
    viv_drv_t *drv = l->tap.drv;
    char line[TAP_LINE_MAX];
    if (call->query)
        return;
    uint32_t len = tap_format(line, drv->api->time_ns(drv), call, l->data_max);
    if (l->path && *l->path) {
        tap_sink_line(&l->sink, line, len);
        return;
    }
    drv->api->log(drv, VIV_LOG_INFO, "%s: %.*s", drv->api->instance_name(drv), (int)len - 1, line);
}

/* [main] */
static viv_status_t iflog_prepare(viv_drv_t *drv, void *self)
{
    IfLog *l = self;
    viv_status_t st = tap_sink_open(&l->sink, drv, "File", l->path, l->limit_mib);
    if (st >= 0)
        tap_init(&l->tap, drv, iflog_report, l);
    return st;
}

/* [main] */
static viv_status_t iflog_construct(viv_drv_t *drv, void *self)
{
    (void)drv, (void)self;
    return VIV_OK;
}

/* [main] */
static void iflog_destruct(viv_drv_t *drv, void *self)
{
    (void)drv;
    tap_sink_close(&((IfLog *)self)->sink);
}

/* [main] */
static viv_status_t iflog_query_interface(viv_drv_t *drv, void *self, const char *id,
                                          viv_iface_t *ret_iface)
{
    (void)drv;
    return tap_query(&((IfLog *)self)->tap, id, ret_iface);
}

static const viv_driver_class_t iflog_class = {
    VIV_DRIVER_CLASS_HEAD,
    .name = "IfLog",
    .summary = "filter: shows what goes through",
    .instance_size = sizeof(IfLog),
    .options = iflog_options,
    .construct = iflog_construct,
    .destruct = iflog_destruct,
    .query_interface = iflog_query_interface,
    .prepare = iflog_prepare,
};

VIV_PLUGIN("org.vivarium.iflog", "1.0", "LGPL-2.1-or-later", "filter: shows what goes through",
           &iflog_class);
