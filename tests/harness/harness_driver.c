/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fake host for drivers: what is above and below, the I/O thread that the test pumps, asynchronous
 * work. */
#include "harness_internal.h"

#include <poll.h>

struct viv_watch {
    struct viv_watch *next;
    int fd;
    uint32_t events;
    viv_watch_fn fn;
    void *ctx;
    uint32_t dead, running;
};

typedef struct HarnessJob {
    struct HarnessJob *next;
    void (*call)(viv_drv_t *drv, void *ctx); /* io_call, or NULL: */
    viv_status_t (*work)(void *ctx);
    void (*done)(void *ctx, viv_status_t status);
    void *ctx;
} HarnessJob;

struct HarnessDriver {
    viv_drv_t drv; /* first: the plugin's handle */
    Harness *h;
    viv_driver_class_t cls;
    uint8_t *self;
    char **strings;
    unsigned string_count;
    char name[96];
    viv_watch_t *watches;
    HarnessJob *jobs;
};

static const viv_drv_api_t harness_drv_api;

static HarnessDriver *harness_drv_inst(viv_drv_t *drv)
{
    HARNESS_CHECK(drv && drv->api == &harness_drv_api, "not a driver handle");
    return (HarnessDriver *)(void *)drv;
}

Harness *harness_driver_host(viv_drv_t *drv)
{
    return harness_drv_inst(drv)->h;
}

/* -- jobs: io_call and viv.async/1 ----------------------------------------------------------- */

static void harness_job_add(HarnessDriver *d, HarnessJob job)
{
    HarnessJob **tail = &d->jobs;
    while (*tail) {
        tail = &(*tail)->next;
    }
    *tail = harness_alloc(sizeof(job));
    **tail = job;
}

static void harness_job_run(HarnessDriver *d)
{
    HarnessJob job = *d->jobs;
    free(d->jobs);
    d->jobs = job.next;
    harness_enter_bare(d->h);
    if (job.call) {
        job.call(&d->drv, job.ctx);
    } else {
        viv_status_t st = job.work(job.ctx);
        job.done(job.ctx, st);
    }
    harness_leave_bare(d->h);
}

static viv_status_t harness_async_submit(viv_drv_t *drv, viv_status_t (*work)(void *ctx),
                                         void (*done)(void *ctx, viv_status_t status), void *ctx)
{
    HarnessDriver *d = harness_drv_inst(drv);
    HARNESS_CHECK(work && done, "%s: a work without work or done", d->name);
    if (harness_fallible(d->h)) {
        return VIV_E_NOMEM;
    }
    if (d->h->async_inline) {
        done(ctx, work(ctx));
    } else {
        harness_job_add(d, (HarnessJob){.work = work, .done = done, .ctx = ctx});
    }
    return VIV_OK;
}

static const viv_async_api_t harness_async_api = {.size = sizeof(viv_async_api_t),
                                                  .submit = harness_async_submit};

void harness_async_inline(Harness *h, uint32_t on)
{
    h->async_inline = on;
}

/* -- the base table -------------------------------------------------------------------------- */

static viv_status_t harness_drv_get_interface(viv_drv_t *drv, const char *id, uint32_t min_size,
                                              viv_iface_t *ret_iface)
{
    HarnessDriver *d = harness_drv_inst(drv);
    if (harness_fallible(d->h)) {
        return VIV_E_NOMEM;
    }
    if (harness_blob_find(d->h->without, id)) {
        return VIV_E_NOT_FOUND;
    }
    if (!strcmp(id, VIV_STORAGE_ID)) {
        return harness_iface_give(&harness_storage_api, drv, min_size, ret_iface);
    }
    if (!strcmp(id, VIV_ASYNC_ID)) {
        return harness_iface_give(&harness_async_api, drv, min_size, ret_iface);
    }
    return VIV_E_NOT_FOUND;
}

static VIV_PRINTF(3, 4) void harness_drv_log(viv_drv_t *drv, uint32_t severity, const char *fmt,
                                             ...)
{
    HarnessDriver *d = harness_drv_inst(drv);
    va_list args;
    va_start(args, fmt);
    harness_log_line(d->h, d->name, severity, fmt, args);
    va_end(args);
}

static VIV_PRINTF(3, 4) viv_status_t
    harness_drv_fail(viv_drv_t *drv, viv_status_t status, const char *fmt, ...)
{
    HarnessDriver *d = harness_drv_inst(drv);
    va_list args;
    HARNESS_CHECK(status < 0, "%s: fail() with status %d", d->name, status);
    va_start(args, fmt);
    harness_error_setv(status, d->name, fmt, args);
    va_end(args);
    return status;
}

static const char *harness_drv_instance_name(viv_drv_t *drv)
{
    return harness_drv_inst(drv)->name;
}

static viv_status_t harness_drv_query_list(HarnessDriver *d, const HarnessIface *list,
                                           const char *id, uint32_t min_size,
                                           viv_iface_t *ret_iface)
{
    if (harness_fallible(d->h)) {
        return VIV_E_NOMEM;
    }
    const HarnessIface *i = harness_iface_find(list, id);
    return i ? harness_iface_give(i->ops, i->self, min_size, ret_iface) : VIV_E_NOT_FOUND;
}

static viv_status_t harness_drv_query_above(viv_drv_t *drv, const char *id, uint32_t min_size,
                                            viv_iface_t *ret_iface)
{
    HarnessDriver *d = harness_drv_inst(drv);
    return harness_drv_query_list(d, d->h->above, id, min_size, ret_iface);
}

static viv_status_t harness_drv_query_below(viv_drv_t *drv, const char *id, uint32_t min_size,
                                            viv_iface_t *ret_iface)
{
    HarnessDriver *d = harness_drv_inst(drv);
    return harness_drv_query_list(d, d->h->below, id, min_size, ret_iface);
}

static viv_status_t harness_drv_watch_add(viv_drv_t *drv, int fd, uint32_t events, viv_watch_fn fn,
                                          void *ctx, viv_watch_t **ret_watch)
{
    HarnessDriver *d = harness_drv_inst(drv);
    HARNESS_CHECK(fd >= 0 && fn && events, "%s: a watch of fd %d, events %u", d->name, fd, events);
    if (harness_fallible(d->h)) {
        return VIV_E_NOMEM;
    }
    viv_watch_t *w = harness_alloc(sizeof(*w));
    w->fd = fd;
    w->events = events;
    w->fn = fn;
    w->ctx = ctx;
    w->next = d->watches;
    d->watches = w;
    if (ret_watch) {
        *ret_watch = w;
    }
    return VIV_OK;
}

static void harness_watches_sweep(HarnessDriver *d)
{
    for (viv_watch_t **p = &d->watches; *p;) {
        viv_watch_t *w = *p;
        if (w->dead && !w->running) {
            *p = w->next;
            free(w);
        } else {
            p = &w->next;
        }
    }
}

static void harness_drv_watch_remove(viv_drv_t *drv, viv_watch_t *watch)
{
    HarnessDriver *d = harness_drv_inst(drv);
    if (!watch) {
        return;
    }
    viv_watch_t *w = d->watches;
    while (w && w != watch) {
        w = w->next;
    }
    HARNESS_CHECK(w && !w->dead, "%s: removes a watch that does not exist", d->name);
    w->dead = 1;
    harness_watches_sweep(d);
}

static viv_status_t harness_drv_io_call(viv_drv_t *drv, void (*fn)(viv_drv_t *drv, void *ctx),
                                        void *ctx)
{
    HarnessDriver *d = harness_drv_inst(drv);
    if (harness_fallible(d->h)) {
        return VIV_E_NOMEM;
    }
    harness_job_add(d, (HarnessJob){.call = fn, .ctx = ctx});
    return VIV_OK;
}

static uint64_t harness_drv_time_ns(viv_drv_t *drv)
{
    return harness_drv_inst(drv)->h->now_ns;
}

static const viv_drv_api_t harness_drv_api = {
    .size = sizeof(viv_drv_api_t),
    .level = VIV_API_LEVEL,
    .get_interface = harness_drv_get_interface,
    .log = harness_drv_log,
    .fail = harness_drv_fail,
    .instance_name = harness_drv_instance_name,
    .query_above = harness_drv_query_above,
    .query_below = harness_drv_query_below,
    .watch_add = harness_drv_watch_add,
    .watch_remove = harness_drv_watch_remove,
    .io_call = harness_drv_io_call,
    .time_ns = harness_drv_time_ns,
};

/* -- life ------------------------------------------------------------------------------------ */

static void harness_driver_drop(HarnessDriver *d)
{
    while (d->watches) {
        viv_watch_t *w = d->watches;
        d->watches = w->next;
        free(w);
    }
    for (unsigned i = 0; i < d->string_count; i++) {
        free(d->strings[i]);
    }
    free(d->strings);
    free(d->self);
    d->h->driver = NULL;
    free(d);
}

/* Everything accepted is done before the driver goes. */
static void harness_driver_drain(HarnessDriver *d)
{
    for (unsigned n = 0; d->jobs; n++) {
        HARNESS_CHECK(n < 1000000, "%s: jobs follow each other without end", d->name);
        harness_job_run(d);
    }
}

static void harness_driver_destroy(HarnessDriver *d)
{
    harness_driver_drain(d);
    if (d->cls.destruct) {
        d->cls.destruct(&d->drv, d->self);
    }
    harness_watches_sweep(d);
    HARNESS_CHECK(!d->watches, "%s: a watch is left after destruct", d->name);
    HARNESS_CHECK(!d->jobs, "%s: work has been queued by destruct", d->name);
    harness_driver_drop(d);
}

viv_status_t harness_driver_start(Harness *h, const viv_driver_class_t *cls, const char *options)
{
    HARNESS_CHECK(!h->driver, "one driver a harness");
    HARNESS_CHECK(cls->instance_size && cls->construct, "class %s lacks instance_size or construct",
                  cls->name);
    HarnessDriver *d = harness_alloc(sizeof(*d));
    d->drv.api = &harness_drv_api;
    d->h = h;
    d->cls = *cls;
    d->self = harness_alloc(cls->instance_size);
    snprintf(d->name, sizeof(d->name), "%s@harness/0/LUN#0", cls->name);
    h->driver = d;
    viv_status_t st =
        harness_options_apply(h, cls->options, cls->option_stride, d->name, d->self,
                              cls->instance_size, &d->strings, &d->string_count, options);
    if (st != VIV_OK) {
        harness_driver_drop(d);
        return st;
    }
    st = VIV_HAS(cls, prepare) ? cls->prepare(&d->drv, d->self) : VIV_OK;
    HARNESS_CHECK(st <= 0, "%s: prepare gives the positive status %d", d->name, st);
    if (st == VIV_OK) {
        st = cls->construct(&d->drv, d->self);
    }
    HARNESS_CHECK(st <= 0, "%s: construct gives the positive status %d", d->name, st);
    if (st == VIV_OK && cls->power_on) {
        st = cls->power_on(&d->drv, d->self);
    }
    if (st != VIV_OK) {
        harness_driver_destroy(d);
    }
    return st;
}

void harness_driver_free(Harness *h)
{
    HarnessDriver *d = h->driver;
    if (!d) {
        return;
    }
    harness_driver_drain(d);
    if (d->cls.power_off) {
        d->cls.power_off(&d->drv, d->self);
    }
    harness_driver_destroy(d);
}

void harness_driver_power(Harness *h, int what)
{
    HarnessDriver *d = h->driver;
    if (d && what == 0) {
        harness_driver_drain(d);
    }
    if (d && what == 0 && d->cls.suspend) {
        d->cls.suspend(&d->drv, d->self);
    }
    if (d && what == 1 && d->cls.resume) {
        d->cls.resume(&d->drv, d->self);
    }
}

/* -- for tests ------------------------------------------------------------------------------- */

static HarnessDriver *harness_driver_get(Harness *h)
{
    HARNESS_CHECK(h->driver, "there is no driver instance");
    return h->driver;
}

void harness_drv_above(Harness *h, const char *id, const void *ops, void *self)
{
    harness_iface_put(&h->above, id, ops, self);
}

void harness_drv_below(Harness *h, const char *id, const void *ops, void *self)
{
    harness_iface_put(&h->below, id, ops, self);
}

viv_status_t harness_drv_query(Harness *h, const char *id, viv_iface_t *ret_iface)
{
    HarnessDriver *d = harness_driver_get(h);
    if (!d->cls.query_interface) {
        return VIV_E_NOT_FOUND;
    }
    return d->cls.query_interface(&d->drv, d->self, id, ret_iface);
}

viv_iface_t harness_drv_iface(Harness *h, const char *id)
{
    viv_iface_t iface = {NULL, NULL};
    HARNESS_CHECK(harness_drv_query(h, id, &iface) == VIV_OK && iface.ops,
                  "the driver does not offer %s", id);
    return iface;
}

viv_drv_t *harness_drv(Harness *h)
{
    return &harness_driver_get(h)->drv;
}

unsigned harness_watches(Harness *h)
{
    unsigned n = 0;
    for (const viv_watch_t *w = harness_driver_get(h)->watches; w; w = w->next) {
        n += !w->dead;
    }
    return n;
}

static unsigned harness_pump_watches(HarnessDriver *d, int timeout_ms)
{
    struct pollfd fds[64];
    viv_watch_t *who[64];
    nfds_t count = 0;
    unsigned ran = 0;
    for (viv_watch_t *w = d->watches; w && count < 64; w = w->next) {
        short events = (short)((w->events & VIV_WATCH_IN ? POLLIN : 0) |
                               (w->events & VIV_WATCH_OUT ? POLLOUT : 0));
        fds[count] = (struct pollfd){w->fd, events, 0};
        who[count++] = w;
        w->running++; /* stays valid until we are through */
    }
    if (count && poll(fds, count, timeout_ms) > 0) {
        for (nfds_t i = 0; i < count; i++) {
            uint32_t got = (fds[i].revents & POLLIN ? VIV_WATCH_IN : 0) |
                           (fds[i].revents & POLLOUT ? VIV_WATCH_OUT : 0) |
                           (fds[i].revents & (POLLHUP | POLLERR) ? VIV_WATCH_HUP : 0);
            HARNESS_CHECK(who[i]->dead || !(fds[i].revents & POLLNVAL),
                          "%s: watches the closed fd %d", d->name, fds[i].fd);
            if (!got || who[i]->dead) {
                continue;
            }
            harness_enter_bare(d->h);
            if (!who[i]->fn(&d->drv, who[i]->ctx, got)) {
                who[i]->dead = 1;
            }
            harness_leave_bare(d->h);
            ran++;
        }
    }
    for (nfds_t i = 0; i < count; i++) {
        who[i]->running--;
    }
    harness_watches_sweep(d);
    return ran;
}

unsigned harness_pump(Harness *h, int timeout_ms)
{
    HarnessDriver *d = harness_driver_get(h);
    unsigned ran = 0, now = 0;
    for (const HarnessJob *j = d->jobs; j; j = j->next) {
        now++;
    }
    while (now-- && d->jobs) {
        harness_job_run(d);
        ran++;
    }
    return ran + harness_pump_watches(d, ran ? 0 : timeout_ms);
}
