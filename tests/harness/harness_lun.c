/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fake host: LUNs with fake drivers behind them (viv.lun/1): the character back end, displays,
 * test's own tables. */
#include "harness_internal.h"

static HarnessInst *harness_lun_inst(viv_dev_t *dev)
{
    HARNESS_CHECK(dev && dev->api == &harness_dev_api, "not a device handle");
    return (HarnessInst *)(void *)dev;
}

/* -- lists of interfaces --------------------------------------------------------------------- */

void harness_iface_put(HarnessIface **list, const char *id, const void *ops, void *self)
{
    HarnessIface *i = harness_alloc(sizeof(*i));
    i->id = harness_strdup(id);
    i->ops = ops;
    i->self = self;
    i->next = *list;
    *list = i;
}

const HarnessIface *harness_iface_find(const HarnessIface *list, const char *id)
{
    while (list && strcmp(list->id, id)) {
        list = list->next;
    }
    return list;
}

void harness_ifaces_free(HarnessIface **list)
{
    while (*list) {
        HarnessIface *i = *list;
        *list = i->next;
        free(i->id);
        free(i);
    }
}

/* -- the LUNs themselves --------------------------------------------------------------------- */

HarnessLun *harness_lun_at(Harness *h, int inst, uint32_t lun)
{
    HarnessLun *l = h->luns;
    while (l && (l->inst != inst || l->lun != lun)) {
        l = l->next;
    }
    return l;
}

HarnessLun *harness_lun_get(Harness *h, uint32_t lun)
{
    HarnessLun *l = harness_lun_at(h, h->selected, lun);
    HARNESS_CHECK(l, "LUN %u has not been set up", lun);
    return l;
}

HarnessLun *harness_lun_make(Harness *h, uint32_t lun)
{
    HarnessLun *l = harness_lun_at(h, h->count, lun); /* of the next instance to be started */
    if (!l) {
        l = harness_alloc(sizeof(*l));
        l->h = h;
        l->inst = h->count;
        l->lun = lun;
        l->next = h->luns;
        h->luns = l;
    }
    return l;
}

void harness_luns_detach(Harness *h, int inst)
{
    for (HarnessLun *l = h->luns; l; l = l->next) {
        if (l->inst == inst) {
            l->attached = 0;
        }
    }
}

void harness_luns_free(Harness *h)
{
    while (h->luns) {
        HarnessLun *l = h->luns;
        h->luns = l->next;
        if (l->media) {
            harness_sparse_free(&l->media->data);
            free(l->media);
        }
        if (l->chr) {
            free(l->chr->out);
            free(l->chr->in);
            free(l->chr);
        }
        harness_ifaces_free(&l->ifaces);
        free(l);
    }
}

void harness_lun_empty(Harness *h, uint32_t lun)
{
    harness_lun_make(h, lun);
}

void harness_lun_iface(Harness *h, uint32_t lun, const char *id, const void *ops, void *self)
{
    harness_iface_put(&harness_lun_make(h, lun)->ifaces, id, ops, self);
}

uint32_t harness_lun_attached(Harness *h, uint32_t lun)
{
    const HarnessLun *l = harness_lun_at(h, h->selected, lun);
    return l && l->attached;
}

/* What the instance offers on the LUN; quiet when there is no such thing. */
static viv_status_t harness_query_inst(HarnessInst *inst, uint32_t lun, const char *id,
                                       viv_iface_t *ret_iface)
{
    if (!inst || !inst->cls.query_interface) {
        return VIV_E_NOT_FOUND;
    }
    viv_status_t st = inst->cls.query_interface(&inst->dev, inst->self, lun, id, ret_iface);
    HARNESS_CHECK(st <= 0, "%s: query_interface gives %d", inst->name, st);
    HARNESS_CHECK(st != VIV_OK || ret_iface->ops, "%s: interface %s without a table", inst->name,
                  id);
    return st;
}

viv_status_t harness_query(Harness *h, uint32_t lun, const char *id, viv_iface_t *ret_iface)
{
    return harness_query_inst(harness_inst(h), lun, id, ret_iface);
}

viv_iface_t harness_port(Harness *h, uint32_t lun, const char *id)
{
    viv_iface_t iface = {NULL, NULL};
    HARNESS_CHECK(harness_query(h, lun, id, &iface) == VIV_OK,
                  "the device does not offer %s on LUN %u", id, lun);
    return iface;
}

/* -- characters ------------------------------------------------------------------------------ */

static uint32_t harness_char_write(void *self, const void *buf, uint32_t len_bytes)
{
    HarnessChar *c = self;
    uint32_t n = len_bytes < c->room ? len_bytes : c->room;
    if (n < len_bytes) {
        c->want_write_ready = 1;
    }
    if (c->room != UINT32_MAX) {
        c->room -= n;
    }
    if (c->out_cap - c->out_len < (size_t)n + 1) {
        c->out_cap = (c->out_len + n + 1) * 2;
        c->out = harness_grow(c->out, c->out_cap);
    }
    if (n) {
        memcpy(c->out + c->out_len, buf, n);
    }
    c->out_len += n;
    c->out[c->out_len] = '\0';
    return n;
}

static void harness_char_input_ready(void *self)
{
    HarnessChar *c = self;
    c->offer =
        1; /* offered when no device code is running: the real one comes from the I/O thread */
}

static void harness_char_set_params(void *self, uint32_t baud, uint32_t data_bits,
                                    uint32_t stop_bits_x2, uint32_t parity)
{
    HarnessChar *c = self;
    uint32_t lines = c->params.lines;
    c->params = (HarnessCharParams){baud, data_bits, stop_bits_x2, parity, lines};
}

static void harness_char_set_lines(void *self, uint32_t lines)
{
    HarnessChar *c = self;
    c->params.lines = lines;
}

static const viv_char_ops_t harness_char_table = {
    .size = sizeof(viv_char_ops_t),
    .write = harness_char_write,
    .input_ready = harness_char_input_ready,
    .set_params = harness_char_set_params,
    .set_lines = harness_char_set_lines,
};

void harness_lun_char(Harness *h, uint32_t lun)
{
    HarnessLun *l = harness_lun_make(h, lun);
    HARNESS_CHECK(!l->chr, "LUN %u has a character back end already", lun);
    l->chr = harness_alloc(sizeof(*l->chr));
    l->chr->lun = l;
    l->chr->room = UINT32_MAX;
}

static HarnessChar *harness_char_get(Harness *h, uint32_t lun)
{
    HarnessLun *l = harness_lun_get(h, lun);
    HARNESS_CHECK(l->chr, "LUN %u has no character back end", lun);
    return l->chr;
}

const char *harness_char_output(Harness *h, uint32_t lun, size_t *ret_len)
{
    const HarnessChar *c = harness_char_get(h, lun);
    if (ret_len) {
        *ret_len = c->out_len;
    }
    return c->out ? c->out : "";
}

void harness_char_clear(Harness *h, uint32_t lun)
{
    HarnessChar *c = harness_char_get(h, lun);
    c->out_len = 0;
    if (c->out) {
        c->out[0] = '\0';
    }
}

static const viv_char_port_ops_t *harness_char_port(HarnessChar *c, void **ret_self)
{
    viv_iface_t iface = {NULL, NULL};
    HarnessInst *inst = c->lun->h->inst[c->lun->inst];
    if (!c->lun->attached ||
        harness_query_inst(inst, c->lun->lun, VIV_CHAR_PORT_ID, &iface) != VIV_OK) {
        return NULL;
    }
    *ret_self = iface.self;
    return iface.ops;
}

static void harness_char_offer(HarnessChar *c)
{
    void *self;
    const viv_char_port_ops_t *port = harness_char_port(c, &self);
    Harness *h = c->lun->h;
    c->offer = 0;
    if (!port || !c->in_len) {
        return;
    }
    harness_enter_bare(h);
    uint32_t n = port->receive(self, c->in, (uint32_t)c->in_len);
    HARNESS_CHECK(n <= c->in_len, "receive() took more than was offered");
    c->in_len -= n;
    memmove(c->in, c->in + n, c->in_len);
    harness_leave_bare(h);
}

void harness_char_inject(Harness *h, uint32_t lun, const void *buf, size_t len)
{
    HarnessChar *c = harness_char_get(h, lun);
    if (c->in_cap - c->in_len < len) {
        c->in_cap = (c->in_len + len) * 2;
        c->in = harness_grow(c->in, c->in_cap);
    }
    if (len) {
        memcpy(c->in + c->in_len, buf, len);
    }
    c->in_len += len;
    harness_char_offer(c);
}

size_t harness_char_waiting(Harness *h, uint32_t lun)
{
    return harness_char_get(h, lun)->in_len;
}

void harness_char_room(Harness *h, uint32_t lun, uint32_t bytes)
{
    HarnessChar *c = harness_char_get(h, lun);
    void *self;
    const viv_char_port_ops_t *port = harness_char_port(c, &self);
    c->room = bytes;
    if (bytes && c->want_write_ready && port && VIV_HAS(port, write_ready)) {
        c->want_write_ready = 0;
        harness_enter_bare(h);
        port->write_ready(self);
        harness_leave_bare(h);
    }
}

HarnessCharParams harness_char_params(Harness *h, uint32_t lun)
{
    return harness_char_get(h, lun)->params;
}

/* -- display --------------------------------------------------------------------------------- */

static void harness_display_mode_changed(void *self, uint32_t width, uint32_t height)
{
    HarnessLun *l = self;
    harness_log_event(l->h, HARNESS_EV_DISPLAY_MODE, width, height, 0, 0, 0);
}

static const viv_display_ops_t harness_display_table = {
    .size = sizeof(viv_display_ops_t),
    .mode_changed = harness_display_mode_changed,
};

void harness_lun_display(Harness *h, uint32_t lun)
{
    harness_lun_make(h, lun)->display = 1;
}

/* -- viv.lun/1 ------------------------------------------------------------------------------- */

static viv_status_t harness_lun_attach(viv_dev_t *dev, uint32_t lun, const char *description)
{
    HarnessInst *inst = harness_lun_inst(dev);
    HARNESS_CHECK(description, "%s: LUN %u without a description", inst->name, lun);
    if (harness_fallible(inst->h)) {
        return VIV_E_NOMEM;
    }
    HarnessLun *l = harness_lun_at(inst->h, inst->index, lun);
    if (!l && inst->h->lun_probe) {
        l = harness_lun_make(inst->h, lun);
        l->inst = inst->index;
    }
    if (!l) {
        return VIV_E_NOT_FOUND;
    }
    HARNESS_CHECK(!l->attached, "%s: LUN %u is attached twice", inst->name, lun);
    l->attached = 1;
    return VIV_OK;
}

static viv_status_t harness_lun_query(viv_dev_t *dev, uint32_t lun, const char *id,
                                      uint32_t min_size, viv_iface_t *ret_iface)
{
    HarnessInst *inst = harness_lun_inst(dev);
    HarnessLun *l = harness_lun_at(inst->h, inst->index, lun);
    if (harness_fallible(inst->h)) {
        return VIV_E_NOMEM;
    }
    if (!l || !l->attached) {
        return VIV_E_NOT_FOUND;
    }
    if (inst->h->lun_probe) {
        harness_lun_want(inst->h, lun, id);
    }
    const HarnessIface *own = harness_iface_find(l->ifaces, id);
    if (own) {
        return harness_iface_give(own->ops, own->self, min_size, ret_iface);
    }
    if (l->media && !strcmp(id, VIV_MEDIA_ID)) {
        return harness_iface_give(&harness_media_table, l->media, min_size, ret_iface);
    }
    if (l->chr && !strcmp(id, VIV_CHAR_ID)) {
        return harness_iface_give(&harness_char_table, l->chr, min_size, ret_iface);
    }
    if (l->display && !strcmp(id, VIV_DISPLAY_ID)) {
        return harness_iface_give(&harness_display_table, l, min_size, ret_iface);
    }
    return VIV_E_NOT_FOUND;
}

static void harness_lun_detach(viv_dev_t *dev, uint32_t lun)
{
    HarnessInst *inst = harness_lun_inst(dev);
    HarnessLun *l = harness_lun_at(inst->h, inst->index, lun);
    if (l) {
        l->attached = 0;
    }
}

const viv_lun_api_t harness_lun_api = {
    .size = sizeof(viv_lun_api_t),
    .attach = harness_lun_attach,
    .query = harness_lun_query,
    .detach = harness_lun_detach,
};

/* Input that the device has asked for while it was running. */
void harness_chars_idle(Harness *h)
{
    for (HarnessLun *l = h->luns; l; l = l->next) {
        for (unsigned i = 0; l->chr && l->chr->offer && l->chr->in_len && i < 100000; i++) {
            harness_char_offer(l->chr);
        }
    }
}
