/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* iftrace: a filter that records every call of every interface it knows, in both directions, with
 * the virtual time, arguments, data and result, as a line of text in a file. Interfaces that it
 * does not know pass by it. */
#include "../tap/tap.h"

typedef struct IfTrace {
    /* config */
    const char *path;
    uint32_t data_max, limit_mib;
    /* host resources */
    Tap tap;
    TapSink sink;
} IfTrace;

static const viv_option_t iftrace_options[] = {
    VIV_OPT_STRING(IfTrace, "TraceFilePath", path, NULL, "file that takes the trace"),
    VIV_OPT_NAMED(IfTrace, "Data", data_max, VIV_U32, 0, TAP_DATA_MAX, 32,
                  "bytes of a call's data that are shown"),
    VIV_OPT_NAMED(IfTrace, "Limit", limit_mib, VIV_U32, 0, 1u << 20, 1024,
                  "MiB after which nothing more is written; 0: no limit"),
    {0},
};

/* [any] */
static void iftrace_report(void *ctx, const TapCall *call)
{
    IfTrace *t = ctx;
    char line[TAP_LINE_MAX];
    uint32_t len = tap_format(line, t->tap.drv->api->time_ns(t->tap.drv), call, t->data_max);
    tap_sink_line(&t->sink, line, len);
}

/* [main] */
static viv_status_t iftrace_prepare(viv_drv_t *drv, void *self)
{
    IfTrace *t = self;
    if (!t->path || !*t->path)
        return drv->api->fail(drv, VIV_E_CONFIG, "TraceFilePath names no file");
    viv_status_t st = tap_sink_open(&t->sink, drv, "TraceFilePath", t->path, t->limit_mib);
    if (st >= 0)
        tap_init(&t->tap, drv, iftrace_report, t);
    return st;
}

/* [main] */
static viv_status_t iftrace_construct(viv_drv_t *drv, void *self)
{
    (void)drv, (void)self;
    return VIV_OK;
}

/* [main] */
static void iftrace_destruct(viv_drv_t *drv, void *self)
{
    (void)drv;
    tap_sink_close(&((IfTrace *)self)->sink);
}

/* [main] */
static viv_status_t iftrace_query_interface(viv_drv_t *drv, void *self, const char *id,
                                            viv_iface_t *ret_iface)
{
    (void)drv;
    return tap_query(&((IfTrace *)self)->tap, id, ret_iface);
}

static const viv_driver_class_t iftrace_class = {
    VIV_DRIVER_CLASS_HEAD,
    .name = "IfTrace",
    .summary = "filter: records every call in a file",
    .instance_size = sizeof(IfTrace),
    .options = iftrace_options,
    .construct = iftrace_construct,
    .destruct = iftrace_destruct,
    .query_interface = iftrace_query_interface,
    .prepare = iftrace_prepare,
};

VIV_PLUGIN("org.vivarium.iftrace", "1.0", "LGPL-2.1-or-later",
           "filter: records every call in a file", &iftrace_class);
