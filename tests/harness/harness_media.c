/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fake host: in-memory media behind a LUN (viv.media/1), with requests that complete when the test
 * says so. */
#include "harness_internal.h"

static viv_status_t harness_media_check(HarnessMedia *m, uint32_t op, uint64_t off, uint64_t len)
{
    HARNESS_CHECK(op <= VIV_MEDIA_OP_DISCARD, "media operation %u", op);
    m->ops_done[op]++;
    if (m->fail_count) {
        m->fail_count--;
        return m->fail_status;
    }
    if (!m->info.present) {
        return VIV_E_NOT_FOUND;
    }
    if (op == VIV_MEDIA_OP_FLUSH) {
        return VIV_OK;
    }
    if (off > m->info.size_bytes || len > m->info.size_bytes - off) {
        return VIV_E_INVALID;
    }
    return op != VIV_MEDIA_OP_READ && m->info.read_only ? VIV_E_ACCESS : VIV_OK;
}

static void harness_media_zero(HarnessMedia *m, uint64_t off, uint64_t len)
{
    static const uint8_t zeros[4096];
    uint8_t now[sizeof(zeros)];
    while (len) {
        uint64_t n = len < sizeof(zeros) ? len : sizeof(zeros);
        harness_sparse_read(&m->data, off, now, n);
        if (memcmp(now, zeros, (size_t)n)) {
            harness_sparse_write(&m->data, off, zeros, n);
        }
        off += n;
        len -= n;
    }
}

static viv_status_t harness_media_do(HarnessMedia *m, uint32_t op, uint64_t off, void *buf,
                                     uint64_t len)
{
    viv_status_t st = harness_media_check(m, op, off, len);
    if (st != VIV_OK) {
        return st;
    }
    switch (op) {
    case VIV_MEDIA_OP_READ: harness_sparse_read(&m->data, off, buf, len); break;
    case VIV_MEDIA_OP_WRITE: harness_sparse_write(&m->data, off, buf, len); break;
    case VIV_MEDIA_OP_DISCARD: harness_media_zero(m, off, len); break;
    default: break;
    }
    return VIV_OK;
}

/* -- viv.media/1 ----------------------------------------------------------------------------- */

static void harness_media_info(void *self, viv_media_info_t *ret_info)
{
    const HarnessMedia *m = self;
    uint32_t size = ret_info->size;
    HARNESS_CHECK(size, "info() without a size");
    viv_media_info_t info = m->info;
    info.size_bytes = info.present ? info.size_bytes : 0;
    info.tray = m->ejected ? VIV_MEDIA_TRAY_OPEN : VIV_MEDIA_TRAY_CLOSED;
    info.identity = info.present ? info.identity : 0;
    memcpy(ret_info, &info, size < sizeof(info) ? size : sizeof(info));
    ret_info->size = size;
}

static viv_status_t harness_media_read(void *self, uint64_t off, void *buf, uint64_t len_bytes)
{
    return harness_media_do(self, VIV_MEDIA_OP_READ, off, buf, len_bytes);
}

static viv_status_t harness_media_write(void *self, uint64_t off, const void *buf,
                                        uint64_t len_bytes)
{
    void *from;
    memcpy(&from, &buf, sizeof(from)); /* not written to */
    return harness_media_do(self, VIV_MEDIA_OP_WRITE, off, from, len_bytes);
}

static viv_status_t harness_media_flush(void *self)
{
    return harness_media_do(self, VIV_MEDIA_OP_FLUSH, 0, NULL, 0);
}

static viv_status_t harness_media_submit(void *self, viv_media_req_t *req)
{
    HarnessMedia *m = self;
    Harness *h = m->h;
    HARNESS_CHECK(req->size >= offsetof(viv_media_req_t, driver) && req->done,
                  "a media request without size or done");
    for (size_t i = 0; i < h->pending_count; i++) {
        HARNESS_CHECK(h->pending[i].req != req, "a media request is queued twice");
    }
    if (h->pending_count == h->pending_cap) {
        h->pending_cap = h->pending_cap ? h->pending_cap * 2 : 16;
        h->pending = harness_grow(h->pending, h->pending_cap * sizeof(h->pending[0]));
    }
    h->pending[h->pending_count++] = (HarnessPending){m, req};
    return VIV_OK;
}

static viv_status_t harness_media_eject(void *self, uint32_t eject)
{
    HarnessMedia *m = self;
    if (eject && m->locked) {
        return VIV_E_BUSY;
    }
    if (m->ejected != (eject != 0)) {
        m->ejected = eject != 0;
        m->info.present =
            !m->ejected && m->info.size_bytes; /* closing the tray takes the same medium in again */
        m->info.generation++;
    }
    return VIV_OK;
}

static void harness_media_lock(void *self, uint32_t locked)
{
    HarnessMedia *m = self;
    m->locked = locked != 0;
}

const viv_media_ops_t harness_media_table = {
    .size = sizeof(viv_media_ops_t),
    .info = harness_media_info,
    .read = harness_media_read,
    .write = harness_media_write,
    .flush = harness_media_flush,
    .submit = harness_media_submit,
    .eject = harness_media_eject,
    .lock = harness_media_lock,
};

/* -- completions ----------------------------------------------------------------------------- */

unsigned harness_pending(Harness *h)
{
    return (unsigned)h->pending_count;
}

void harness_run_pending_one(Harness *h, unsigned index)
{
    HARNESS_CHECK(h->depth == 0 || h->in_idle, "requests complete within a callback");
    HARNESS_CHECK(index < h->pending_count, "there is no pending request %u", index);
    HarnessPending p = h->pending[index];
    h->pending_count--;
    memmove(h->pending + index, h->pending + index + 1,
            (h->pending_count - index) * sizeof(h->pending[0]));
    viv_status_t st =
        harness_media_do(p.media, p.req->op, p.req->off, p.req->buf, p.req->len_bytes);
    harness_enter_bare(h);
    p.req->done(p.req, st);
    harness_leave_bare(h);
}

unsigned harness_run_pending(Harness *h)
{
    unsigned n = 0;
    while (h->pending_count) {
        harness_run_pending_one(h, 0);
        HARNESS_CHECK(++n < 10000000, "media requests follow each other without end");
    }
    return n;
}

void harness_media_idle(Harness *h)
{
    for (size_t i = 0; i < h->pending_count;) {
        if (h->pending[i].media->automatic) {
            harness_run_pending_one(h, (unsigned)i);
            i = 0;
        } else {
            i++;
        }
    }
}

/* -- for tests ------------------------------------------------------------------------------- */

static HarnessMedia *harness_media_get(Harness *h, uint32_t lun)
{
    HarnessLun *l = harness_lun_get(h, lun);
    HARNESS_CHECK(l->media, "LUN %u has no medium", lun);
    return l->media;
}

void harness_lun_media(Harness *h, uint32_t lun, uint32_t type, uint64_t size_bytes,
                       uint32_t read_only)
{
    HarnessLun *l = harness_lun_make(h, lun);
    HARNESS_CHECK(!l->media, "LUN %u has a medium already", lun);
    l->media = harness_alloc(sizeof(*l->media));
    l->media->h = h;
    l->media->info = (viv_media_info_t){
        .size = sizeof(viv_media_info_t),
        .type = type,
        .size_bytes = size_bytes,
        .read_only = read_only,
        .present = size_bytes != 0,
        .generation = 1,
        .identity = 1,
    };
}

void harness_media_poke(Harness *h, uint32_t lun, uint64_t off, const void *buf, size_t len)
{
    harness_sparse_write(&harness_media_get(h, lun)->data, off, buf, len);
}

void harness_media_peek(Harness *h, uint32_t lun, uint64_t off, void *buf, size_t len)
{
    harness_sparse_read(&harness_media_get(h, lun)->data, off, buf, len);
}

void harness_media_change(Harness *h, uint32_t lun, uint64_t size_bytes, uint32_t read_only)
{
    HarnessMedia *m = harness_media_get(h, lun);
    viv_iface_t port = {NULL, NULL};
    harness_sparse_free(&m->data);
    m->info.size_bytes = size_bytes;
    m->info.present = size_bytes != 0;
    m->info.read_only = read_only;
    m->info.generation++;
    m->info.identity++;
    m->ejected = 0;
    if (h->count && harness_query(h, lun, VIV_MEDIA_PORT_ID, &port) == VIV_OK) {
        const viv_media_port_ops_t *ops = port.ops;
        harness_enter_bare(h);
        ops->changed(port.self);
        harness_leave_bare(h);
    }
}

void harness_media_eject_request(Harness *h, uint32_t lun)
{
    viv_iface_t port = harness_port(h, lun, VIV_MEDIA_PORT_ID);
    const viv_media_port_ops_t *ops = port.ops;
    HARNESS_CHECK(VIV_HAS(ops, eject_request), "the device takes no eject requests");
    harness_enter_bare(h);
    ops->eject_request(port.self);
    harness_leave_bare(h);
}

void harness_media_fail(Harness *h, uint32_t lun, viv_status_t status, unsigned count)
{
    HarnessMedia *m = harness_media_get(h, lun);
    m->fail_status = status;
    m->fail_count = count;
}

unsigned harness_media_ops(Harness *h, uint32_t lun, uint32_t op)
{
    HARNESS_CHECK(op <= VIV_MEDIA_OP_DISCARD, "media operation %u", op);
    return harness_media_get(h, lun)->ops_done[op];
}

uint32_t harness_media_ejected(Harness *h, uint32_t lun)
{
    return harness_media_get(h, lun)->ejected;
}

uint32_t harness_media_locked(Harness *h, uint32_t lun)
{
    return harness_media_get(h, lun)->locked;
}

void harness_media_auto(Harness *h, uint32_t lun, uint32_t on)
{
    harness_media_get(h, lun)->automatic = on;
}
