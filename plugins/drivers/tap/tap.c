/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* tap: slots, and files that take reports (see tap.h). */
#include "tap.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

void tap_init(Tap *tap, viv_drv_t *drv, void (*report)(void *ctx, const TapCall *call), void *ctx)
{
    tap->drv = drv;
    tap->report = report;
    tap->ctx = ctx;
}

static const TapKind *tap_kind(const char *id)
{
    for (uint32_t i = 0; i < tap_kind_count; i++) {
        if (strcmp(tap_kinds[i].id, id) == 0)
            return &tap_kinds[i];
    }
    return NULL;
}

static TapSlot *tap_slot(Tap *tap, const TapKind *kind)
{
    for (uint32_t i = 0; i < tap->slot_count; i++) {
        if (tap->slots[i].kind == kind)
            return &tap->slots[i];
    }
    return NULL;
}

viv_status_t tap_query(Tap *tap, const char *id, viv_iface_t *ret_iface)
{
    const TapKind *kind = tap_kind(id);
    if (!kind || !tap->drv)
        return VIV_E_NOT_FOUND; /* the host goes on to the next driver */
    TapSlot *slot = tap_slot(tap, kind);
    if (!slot) {
        viv_iface_t real;
        const viv_drv_api_t *api = tap->drv->api;
        viv_status_t st = (kind->up ? api->query_above : api->query_below)(
            tap->drv, id, 2u * (uint32_t)sizeof(uint32_t), &real);
        if (st < 0)
            return st;
        if (tap->slot_count == TAP_KINDS_MAX)
            return VIV_E_FULL;
        slot = &tap->slots[tap->slot_count++];
        slot->tap = tap;
        slot->kind = kind;
        slot->real = real;
        kind->wrap(slot);
        uint32_t theirs = *(const uint32_t *)real.ops;
        *(uint32_t *)(void *)&slot->ops = theirs < kind->size ? theirs : kind->size;
    }
    ret_iface->ops = &slot->ops;
    ret_iface->self = slot;
    return VIV_OK;
}

/* -- sinks ----------------------------------------------------------------------------------- */

viv_status_t tap_sink_open(TapSink *sink, viv_drv_t *drv, const char *key, const char *path,
                           uint64_t limit_mib)
{
    pthread_mutex_init(&sink->lock, NULL);
    sink->made = 1;
    sink->left = limit_mib ? limit_mib << 20 : UINT64_MAX;
    if (!path || !*path)
        return VIV_OK;
    sink->file = fopen(path, "we");
    if (!sink->file)
        return drv->api->fail(drv, VIV_E_IO, "%s %s: %s", key, path, strerror(errno));
    setvbuf(sink->file, NULL, _IOLBF, 0); /* a trace is wanted most after a crash */
    return VIV_OK;
}

void tap_sink_close(TapSink *sink)
{
    if (!sink->made)
        return;
    /* The drivers below end after us and may call until then: the lock stays. */
    pthread_mutex_lock(&sink->lock);
    if (sink->file)
        fclose(sink->file);
    sink->file = NULL;
    pthread_mutex_unlock(&sink->lock);
}

void tap_sink_line(TapSink *sink, const char *line, uint32_t len)
{
    pthread_mutex_lock(&sink->lock);
    if (sink->file && len <= sink->left) {
        fwrite(line, 1, len, sink->file);
        if (sink->left != UINT64_MAX)
            sink->left -= len;
    } else {
        sink->left = 0; /* not smaller ones after a bigger one either */
    }
    pthread_mutex_unlock(&sink->lock);
}

/* -- lines ----------------------------------------------------------------------------------- */

/* A byte as it stands in a C string; 1 to 4 characters. */
static uint32_t tap_escape(char *out, uint8_t byte)
{
    static const char hex[] = "0123456789abcdef";
    static const char named[] = "\nn\rr\tt\\\\\"\"";
    for (const char *n = named; *n; n += 2) {
        if ((uint8_t)n[0] == byte) {
            out[0] = '\\';
            out[1] = n[1];
            return 2;
        }
    }
    if (byte >= 0x20 && byte < 0x7f) {
        out[0] = (char)byte;
        return 1;
    }
    out[0] = '\\';
    out[1] = 'x';
    out[2] = hex[byte >> 4];
    out[3] = hex[byte & 15u];
    return 4;
}

uint32_t tap_format(char line[TAP_LINE_MAX], uint64_t time_ns, const TapCall *call,
                    uint32_t data_max)
{
    int n = snprintf(line, 320, "%" PRIu64 ".%09" PRIu64 " %s %s %s(%s)", time_ns / 1000000000u,
                     time_ns % 1000000000u, call->up ? "up" : "down", call->iface, call->function,
                     call->args);
    uint32_t len = n < 320 ? (uint32_t)n : 319u;
    if (data_max > TAP_DATA_MAX)
        data_max = TAP_DATA_MAX;
    if (call->data && data_max) {
        uint32_t shown = call->data_len < data_max ? (uint32_t)call->data_len : data_max;
        line[len++] = ' ';
        line[len++] = '"';
        for (uint32_t i = 0; i < shown; i++)
            len += tap_escape(line + len, call->data[i]);
        line[len++] = '"';
        if (call->data_len > shown) {
            memcpy(line + len, "...", 3);
            len += 3;
        }
    }
    n = *call->result ? snprintf(line + len, 96, " = %s", call->result) : 0;
    len += n < 96 ? (uint32_t)n : 95u;
    line[len++] = '\n';
    line[len] = 0;
    return len;
}
