/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* error: statuses with a sentence. */
#include "log/error.h"

#include <glib.h>

#include <stdbool.h>

typedef struct ErrorStatus {
    viv_status_t status;
    const char *name;
    const char *text;
} ErrorStatus;

static const ErrorStatus error_statuses[] = {
    {VIV_OK, "VIV_OK", "success"},
    {VIV_E_FAILED, "VIV_E_FAILED", "failed"},
    {VIV_E_NOMEM, "VIV_E_NOMEM", "out of memory"},
    {VIV_E_INVALID, "VIV_E_INVALID", "invalid argument"},
    {VIV_E_MISUSE, "VIV_E_MISUSE", "contract broken"},
    {VIV_E_NOT_FOUND, "VIV_E_NOT_FOUND", "not found"},
    {VIV_E_EXISTS, "VIV_E_EXISTS", "already exists"},
    {VIV_E_UNSUPPORTED, "VIV_E_UNSUPPORTED", "not supported"},
    {VIV_E_IO, "VIV_E_IO", "input/output error"},
    {VIV_E_EOF, "VIV_E_EOF", "ended early"},
    {VIV_E_CORRUPT, "VIV_E_CORRUPT", "corrupt"},
    {VIV_E_VERSION, "VIV_E_VERSION", "version not served"},
    {VIV_E_BUSY, "VIV_E_BUSY", "busy"},
    {VIV_E_TIMEOUT, "VIV_E_TIMEOUT", "timed out"},
    {VIV_E_ACCESS, "VIV_E_ACCESS", "access denied"},
    {VIV_E_CANCELLED, "VIV_E_CANCELLED", "cancelled"},
    {VIV_E_FULL, "VIV_E_FULL", "no room"},
    {VIV_E_CONFIG, "VIV_E_CONFIG", "bad configuration"},
};

static const ErrorStatus *error_status_find(viv_status_t status)
{
    for (size_t i = 0; i < G_N_ELEMENTS(error_statuses); i++) {
        if (error_statuses[i].status == status)
            return &error_statuses[i];
    }
    return NULL;
}

const char *viv_status_name(viv_status_t status)
{
    const ErrorStatus *s = error_status_find(status);
    return s ? s->name : "VIV_E_?";
}

const char *viv_status_text(viv_status_t status)
{
    const ErrorStatus *s = error_status_find(status);
    return s ? s->text : "unknown status";
}

viv_status_t error_setv(VivError *err, viv_status_t status, const char *fmt, va_list args)
{
    if (err) {
        /* Before the free: the arguments may hold the earlier text. */
        char *text = g_strdup_vprintf(fmt, args);
        g_free(err->text);
        err->text = text;
        err->status = status;
    }
    return status;
}

viv_status_t error_set(VivError *err, viv_status_t status, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    error_setv(err, status, fmt, args);
    va_end(args);
    return status;
}

viv_status_t error_prefix(VivError *err, const char *fmt, ...)
{
    if (!err)
        return VIV_OK;
    if (err->status == VIV_OK)
        return VIV_OK;
    va_list args;
    va_start(args, fmt);
    g_autofree char *prefix = g_strdup_vprintf(fmt, args);
    va_end(args);
    char *text = g_strdup_printf("%s: %s", prefix, error_text(err));
    g_free(err->text);
    err->text = text;
    return err->status;
}

viv_status_t error_move(VivError *dst, VivError *src)
{
    const viv_status_t status = src->status;
    if (dst) {
        g_free(dst->text);
        *dst = *src;
    } else {
        g_free(src->text);
    }
    *src = (VivError)VIV_ERROR_INIT;
    return status;
}

void error_clear(VivError *err)
{
    if (!err)
        return;
    g_free(err->text);
    *err = (VivError)VIV_ERROR_INIT;
}

const char *error_text(const VivError *err)
{
    if (err->text)
        return err->text;
    return viv_status_text(err->status);
}
