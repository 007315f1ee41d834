/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of filters: a file for the trace, and what stands in it. */
#ifndef TAP_FAKE_TAP_H
#define TAP_FAKE_TAP_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"

static Harness *h;
static char trace_path[] = "/tmp/viv-tap-XXXXXX", options[160];

static inline void trace_file(const char *key)
{
    strcpy(trace_path, "/tmp/viv-tap-XXXXXX");
    int fd = mkstemp(trace_path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    snprintf(options, sizeof(options), "%s=%s", key, trace_path);
}

static inline const char *trace(void)
{
    static char text[65536];
    FILE *f = fopen(trace_path, "r");
    ck_assert_ptr_nonnull(f);
    size_t n = fread(text, 1, sizeof(text) - 1, f);
    text[n] = 0;
    fclose(f);
    return text;
}

static inline void has(const char *line)
{
    ck_assert_msg(strstr(trace(), line) != NULL, "no \"%s\" in:\n%s", line, trace());
}

static inline void has_not(const char *line)
{
    ck_assert_msg(strstr(trace(), line) == NULL, "\"%s\" in:\n%s", line, trace());
}

/* A character driver below, a device's port above. */
static unsigned readies;
static uint32_t below_write(void *self, const void *buf, uint32_t len)
{
    (void)self, (void)buf;
    return len < 4 ? len : 4;
}
static void below_input_ready(void *self)
{
    (void)self;
    readies++;
}
static const viv_char_ops_t below_ops = {
    .size = sizeof(viv_char_ops_t), .write = below_write, .input_ready = below_input_ready};

static uint32_t above_receive(void *self, const void *buf, uint32_t len)
{
    (void)self, (void)buf;
    return len / 2;
}
static void above_nothing(void *self)
{
    (void)self;
}
static void above_status(void *self, uint32_t lines)
{
    (void)self, (void)lines;
}
static const viv_char_port_ops_t above_ops = {.size = offsetof(viv_char_port_ops_t, receive_marked),
                                              .receive = above_receive,
                                              .send_break = above_nothing,
                                              .set_status = above_status,
                                              .write_ready = above_nothing};

/* A medium below, whose queued requests end when the test says. */
static viv_media_req_t *below_queued;
static void below_info(void *self, viv_media_info_t *ret_info)
{
    (void)self;
    ret_info->size_bytes = 4096;
}
static viv_status_t below_read(void *self, uint64_t off, void *buf, uint64_t len)
{
    (void)self, (void)off;
    memset(buf, 'r', len);
    return VIV_OK;
}
static viv_status_t below_media_write(void *self, uint64_t off, const void *buf, uint64_t len)
{
    (void)self, (void)off, (void)buf, (void)len;
    return VIV_E_IO;
}
static viv_status_t below_flush(void *self)
{
    (void)self;
    return VIV_OK;
}
static viv_status_t below_submit(void *self, viv_media_req_t *req)
{
    (void)self;
    if (req->op > VIV_MEDIA_OP_DISCARD)
        return VIV_E_INVALID;
    below_queued = req;
    return VIV_OK;
}
static const viv_media_ops_t below_media = {.size = sizeof(viv_media_ops_t),
                                            .info = below_info,
                                            .read = below_read,
                                            .write = below_media_write,
                                            .flush = below_flush,
                                            .submit = below_submit};

static inline void tap_surroundings(Harness *harness)
{
    readies = 0;
    below_queued = NULL;
    harness_drv_below(harness, VIV_CHAR_ID, &below_ops, NULL);
    harness_drv_above(harness, VIV_CHAR_PORT_ID, &above_ops, NULL);
    harness_drv_below(harness, VIV_MEDIA_ID, &below_media, NULL);
}

static inline void tap_start(const char *cls, const char *more)
{
    h = harness_create();
    tap_surroundings(h);
    strcat(options, more);
    ck_assert_msg(harness_start(h, cls, options) == VIV_OK, "%s", harness_error());
}

static inline void tap_end(void)
{
    harness_free(h);
    h = NULL;
    unlink(trace_path);
}

#endif
