/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* tap: a wrapper for each function of each interface. A wrapper calls the real function and reports
 * the call; wrap() takes up a wrapper only where the real table has the function, as absent ones
 * mean something to the caller. */
#include "tap.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* The real table and instance of a slot. */
#define TAP_REAL(type, slot, real, to)                                                             \
    TapSlot *slot = self;                                                                          \
    const type *real = slot->real.ops;                                                             \
    void *to = slot->real.self
/* Takes up a wrapper where the real table has the function. */
#define TAP_TAKE(member, real, function, wrapper)                                                  \
    do {                                                                                           \
        if (VIV_HAS(real, function))                                                               \
            (member).function = (wrapper);                                                         \
    } while (0)

#define TAP_QUERY 1u

static void VIV_PRINTF(6, 0)
    tap_reportv(TapSlot *slot, const char *function, uint32_t flags, const void *data,
                uint64_t data_len, const char *args, va_list list)
{
    char text[160], *result;
    vsnprintf(text, sizeof(text), args, list); // NOLINT(clang-analyzer-valist.Uninitialized)
    result = strchr(text, '\x1f');             /* arguments, then the result */
    if (result)
        *result++ = 0;
    const TapCall call = {.iface = slot->kind->id,
                          .function = function,
                          .args = text,
                          .result = result ? result : "",
                          .data = data,
                          .data_len = data_len,
                          .up = slot->kind->up,
                          .query = flags & TAP_QUERY};
    slot->tap->report(slot->tap->ctx, &call);
}

static void VIV_PRINTF(6, 7) tap_report(TapSlot *slot, const char *function, uint32_t flags,
                                        const void *data, uint64_t data_len, const char *args, ...)
{
    va_list list;
    va_start(list, args);
    tap_reportv(slot, function, flags, data, data_len, args, list);
    va_end(list);
}

/* -- viv.char/1 and its port ----------------------------------------------------------------- */

static uint32_t tap_char_write(void *self, const void *buf, uint32_t len)
{
    TAP_REAL(viv_char_ops_t, slot, real, to);
    uint32_t taken = real->write(to, buf, len);
    tap_report(slot, "write", 0, buf, taken, "len=%u\x1f%u", len, taken);
    return taken;
}

static void tap_char_input_ready(void *self)
{
    TAP_REAL(viv_char_ops_t, slot, real, to);
    real->input_ready(to);
    tap_report(slot, "input_ready", TAP_QUERY, NULL, 0, "%s", "");
}

static void tap_char_set_params(void *self, uint32_t baud, uint32_t data_bits,
                                uint32_t stop_bits_x2, uint32_t parity)
{
    TAP_REAL(viv_char_ops_t, slot, real, to);
    real->set_params(to, baud, data_bits, stop_bits_x2, parity);
    tap_report(slot, "set_params", 0, NULL, 0, "baud=%u data=%u stop_x2=%u parity=%c", baud,
               data_bits, stop_bits_x2, parity >= 0x20 && parity < 0x7f ? (int)parity : '?');
}

static void tap_char_set_lines(void *self, uint32_t lines)
{
    TAP_REAL(viv_char_ops_t, slot, real, to);
    real->set_lines(to, lines);
    tap_report(slot, "set_lines", 0, NULL, 0, "%s%s%s", lines & 1u ? "DTR " : "",
               lines & 2u ? "RTS " : "", lines & 4u ? "break" : "");
}

static void tap_char_wrap(TapSlot *slot)
{
    const viv_char_ops_t *real = slot->real.ops;
    TAP_TAKE(slot->ops.chr, real, write, tap_char_write);
    TAP_TAKE(slot->ops.chr, real, input_ready, tap_char_input_ready);
    TAP_TAKE(slot->ops.chr, real, set_params, tap_char_set_params);
    TAP_TAKE(slot->ops.chr, real, set_lines, tap_char_set_lines);
}

static uint32_t tap_char_port_receive(void *self, const void *buf, uint32_t len)
{
    TAP_REAL(viv_char_port_ops_t, slot, real, to);
    uint32_t taken = real->receive(to, buf, len);
    tap_report(slot, "receive", 0, buf, taken, "len=%u\x1f%u", len, taken);
    return taken;
}

static void tap_char_port_send_break(void *self)
{
    TAP_REAL(viv_char_port_ops_t, slot, real, to);
    real->send_break(to);
    tap_report(slot, "send_break", 0, NULL, 0, "%s", "");
}

static void tap_char_port_set_status(void *self, uint32_t lines)
{
    TAP_REAL(viv_char_port_ops_t, slot, real, to);
    real->set_status(to, lines);
    tap_report(slot, "set_status", 0, NULL, 0, "%s%s%s%s", lines & 1u ? "CTS " : "",
               lines & 2u ? "DSR " : "", lines & 4u ? "RI " : "", lines & 8u ? "DCD" : "");
}

static void tap_char_port_write_ready(void *self)
{
    TAP_REAL(viv_char_port_ops_t, slot, real, to);
    real->write_ready(to);
    tap_report(slot, "write_ready", TAP_QUERY, NULL, 0, "%s", "");
}

static void tap_char_port_receive_marked(void *self, uint8_t value, uint32_t marks)
{
    TAP_REAL(viv_char_port_ops_t, slot, real, to);
    real->receive_marked(to, value, marks);
    tap_report(slot, "receive_marked", 0, &value, 1, "%s%s%s%s",
               marks & VIV_CHAR_MARK_PARITY ? "parity " : "",
               marks & VIV_CHAR_MARK_FRAMING ? "framing " : "",
               marks & VIV_CHAR_MARK_BREAK ? "break " : "",
               marks & VIV_CHAR_MARK_OVERRUN ? "overrun" : "");
}

static void tap_char_port_wrap(TapSlot *slot)
{
    const viv_char_port_ops_t *real = slot->real.ops;
    TAP_TAKE(slot->ops.char_port, real, receive, tap_char_port_receive);
    TAP_TAKE(slot->ops.char_port, real, send_break, tap_char_port_send_break);
    TAP_TAKE(slot->ops.char_port, real, set_status, tap_char_port_set_status);
    TAP_TAKE(slot->ops.char_port, real, write_ready, tap_char_port_write_ready);
    TAP_TAKE(slot->ops.char_port, real, receive_marked, tap_char_port_receive_marked);
}

/* -- viv.media/1 and its port ---------------------------------------------------------------- */

static void tap_media_info(void *self, viv_media_info_t *ret_info)
{
    TAP_REAL(viv_media_ops_t, slot, real, to);
    real->info(to, ret_info);
    tap_report(slot, "info", TAP_QUERY, NULL, 0, "\x1fsize=%" PRIu64, ret_info->size_bytes);
}

static viv_status_t tap_media_read(void *self, uint64_t off, void *buf, uint64_t len)
{
    TAP_REAL(viv_media_ops_t, slot, real, to);
    viv_status_t st = real->read(to, off, buf, len);
    tap_report(slot, "read", 0, st < 0 ? NULL : buf, len, "off=%" PRIu64 " len=%" PRIu64 "\x1f%d",
               off, len, st);
    return st;
}

static viv_status_t tap_media_write(void *self, uint64_t off, const void *buf, uint64_t len)
{
    TAP_REAL(viv_media_ops_t, slot, real, to);
    viv_status_t st = real->write(to, off, buf, len);
    tap_report(slot, "write", 0, buf, len, "off=%" PRIu64 " len=%" PRIu64 "\x1f%d", off, len, st);
    return st;
}

static viv_status_t tap_media_flush(void *self)
{
    TAP_REAL(viv_media_ops_t, slot, real, to);
    viv_status_t st = real->flush(to);
    tap_report(slot, "flush", 0, NULL, 0, "\x1f%d", st);
    return st;
}

/* A request on its way down: a copy with our done(). */
typedef struct TapRequest {
    TapSlot *slot;
    viv_media_req_t *theirs;
    viv_media_req_t req; /* as long as theirs says: last */
} TapRequest;

static const char *tap_media_op(uint32_t op)
{
    static const char *const names[] = {"read", "write", "flush", "discard"};
    return op < 4 ? names[op] : "?";
}

/* [emt or main] */
static void tap_media_done(viv_media_req_t *req, viv_status_t status)
{
    TapRequest *r = req->ctx;
    viv_media_req_t *theirs = r->theirs;
    uint32_t shown = status >= 0 && theirs->op == VIV_MEDIA_OP_READ;
    tap_report(r->slot, "done", 0, shown ? theirs->buf : NULL, theirs->len_bytes,
               "%s off=%" PRIu64 " len=%" PRIu64 "\x1f%d", tap_media_op(theirs->op), theirs->off,
               theirs->len_bytes, status);
    free(r);
    theirs->done(theirs, status);
}

static viv_status_t tap_media_submit(void *self, viv_media_req_t *req)
{
    TAP_REAL(viv_media_ops_t, slot, real, to);
    uint32_t size = req->size > sizeof(*req) ? req->size : (uint32_t)sizeof(*req);
    TapRequest *r = calloc(1, offsetof(TapRequest, req) + size);
    if (!r)
        return VIV_E_NOMEM;
    memcpy(&r->req, req, req->size);
    r->slot = slot;
    r->theirs = req;
    r->req.done = tap_media_done;
    r->req.ctx = r;
    /* Before the call: done() may come within it. */
    tap_report(slot, "submit", 0, req->op == VIV_MEDIA_OP_WRITE ? req->buf : NULL, req->len_bytes,
               "%s off=%" PRIu64 " len=%" PRIu64, tap_media_op(req->op), req->off, req->len_bytes);
    viv_status_t st = real->submit(to, &r->req);
    if (st < 0) {
        tap_report(slot, "submit", 0, NULL, 0, "\x1f%d", st);
        free(r);
    }
    return st;
}

static viv_status_t tap_media_eject(void *self, uint32_t eject)
{
    TAP_REAL(viv_media_ops_t, slot, real, to);
    viv_status_t st = real->eject(to, eject);
    tap_report(slot, "eject", 0, NULL, 0, "%u\x1f%d", eject, st);
    return st;
}

static void tap_media_lock(void *self, uint32_t locked)
{
    TAP_REAL(viv_media_ops_t, slot, real, to);
    real->lock(to, locked);
    tap_report(slot, "lock", 0, NULL, 0, "%u", locked);
}

static void tap_media_wrap(TapSlot *slot)
{
    const viv_media_ops_t *real = slot->real.ops;
    TAP_TAKE(slot->ops.media, real, info, tap_media_info);
    TAP_TAKE(slot->ops.media, real, read, tap_media_read);
    TAP_TAKE(slot->ops.media, real, write, tap_media_write);
    TAP_TAKE(slot->ops.media, real, flush, tap_media_flush);
    TAP_TAKE(slot->ops.media, real, submit, tap_media_submit);
    TAP_TAKE(slot->ops.media, real, eject, tap_media_eject);
    TAP_TAKE(slot->ops.media, real, lock, tap_media_lock);
}

static void tap_media_port_changed(void *self)
{
    TAP_REAL(viv_media_port_ops_t, slot, real, to);
    real->changed(to);
    tap_report(slot, "changed", 0, NULL, 0, "%s", "");
}

static void tap_media_port_wrap(TapSlot *slot)
{
    const viv_media_port_ops_t *real = slot->real.ops;
    TAP_TAKE(slot->ops.media_port, real, changed, tap_media_port_changed);
}

/* -- viv.display/1, its port, viv.screenshot/1 ----------------------------------------------- */

static void tap_display_mode_changed(void *self, uint32_t width, uint32_t height)
{
    TAP_REAL(viv_display_ops_t, slot, real, to);
    real->mode_changed(to, width, height);
    tap_report(slot, "mode_changed", 0, NULL, 0, "%ux%u", width, height);
}

static void tap_display_wrap(TapSlot *slot)
{
    const viv_display_ops_t *real = slot->real.ops;
    TAP_TAKE(slot->ops.display, real, mode_changed, tap_display_mode_changed);
}

static viv_status_t tap_display_port_frame(void *self, viv_frame_t *ret_frame)
{
    TAP_REAL(viv_display_port_ops_t, slot, real, to);
    viv_status_t st = real->frame(to, ret_frame);
    tap_report(slot, "frame", TAP_QUERY, NULL, 0, "\x1f%d %ux%u generation=%" PRIu64, st,
               st < 0 ? 0 : ret_frame->width, st < 0 ? 0 : ret_frame->height,
               st < 0 ? 0 : ret_frame->generation);
    return st;
}

static uint32_t tap_display_port_text(void *self, char *buf, uint32_t buf_bytes)
{
    TAP_REAL(viv_display_port_ops_t, slot, real, to);
    uint32_t len = real->text(to, buf, buf_bytes);
    tap_report(slot, "text", TAP_QUERY, NULL, 0, "room=%u\x1f%u", buf_bytes, len);
    return len;
}

static void tap_display_port_wrap(TapSlot *slot)
{
    const viv_display_port_ops_t *real = slot->real.ops;
    TAP_TAKE(slot->ops.display_port, real, frame, tap_display_port_frame);
    TAP_TAKE(slot->ops.display_port, real, text, tap_display_port_text);
}

static viv_status_t tap_screenshot_png(void *self, const char *path)
{
    TAP_REAL(viv_screenshot_ops_t, slot, real, to);
    viv_status_t st = real->write_png(to, path);
    tap_report(slot, "write_png", 0, NULL, 0, "%.100s\x1f%d", path, st);
    return st;
}

static viv_status_t tap_screenshot_text(void *self, const char *path)
{
    TAP_REAL(viv_screenshot_ops_t, slot, real, to);
    viv_status_t st = real->write_text(to, path);
    tap_report(slot, "write_text", 0, NULL, 0, "%.100s\x1f%d", path, st);
    return st;
}

static void tap_screenshot_wrap(TapSlot *slot)
{
    const viv_screenshot_ops_t *real = slot->real.ops;
    TAP_TAKE(slot->ops.screenshot, real, write_png, tap_screenshot_png);
    TAP_TAKE(slot->ops.screenshot, real, write_text, tap_screenshot_text);
}

/* -- keyboard, mouse, ACPI buttons ----------------------------------------------------------- */

static void tap_keyboard_port_ready(void *self)
{
    TAP_REAL(viv_keyboard_ops_t, slot, real, to);
    real->port_ready(to);
    tap_report(slot, "port_ready", TAP_QUERY, NULL, 0, "%s", "");
}

static void tap_keyboard_leds_changed(void *self, uint32_t leds)
{
    TAP_REAL(viv_keyboard_ops_t, slot, real, to);
    real->leds_changed(to, leds);
    tap_report(slot, "leds_changed", 0, NULL, 0, "%u", leds);
}

static void tap_keyboard_enabled_changed(void *self, uint32_t enabled)
{
    TAP_REAL(viv_keyboard_ops_t, slot, real, to);
    real->enabled_changed(to, enabled);
    tap_report(slot, "enabled_changed", 0, NULL, 0, "%u", enabled);
}

static void tap_keyboard_wrap(TapSlot *slot)
{
    const viv_keyboard_ops_t *real = slot->real.ops;
    TAP_TAKE(slot->ops.keyboard, real, port_ready, tap_keyboard_port_ready);
    TAP_TAKE(slot->ops.keyboard, real, leds_changed, tap_keyboard_leds_changed);
    TAP_TAKE(slot->ops.keyboard, real, enabled_changed, tap_keyboard_enabled_changed);
}

static uint32_t tap_keyboard_put(void *self, const uint8_t *codes, uint32_t count)
{
    TAP_REAL(viv_keyboard_port_ops_t, slot, real, to);
    uint32_t taken = real->put_scancodes(to, codes, count);
    tap_report(slot, "put_scancodes", 0, codes, count, "count=%u\x1f%u", count, taken);
    return taken;
}

static uint32_t tap_keyboard_leds(void *self)
{
    TAP_REAL(viv_keyboard_port_ops_t, slot, real, to);
    uint32_t leds = real->leds(to);
    tap_report(slot, "leds", TAP_QUERY, NULL, 0, "\x1f%u", leds);
    return leds;
}

static uint32_t tap_keyboard_enabled(void *self)
{
    TAP_REAL(viv_keyboard_port_ops_t, slot, real, to);
    uint32_t enabled = real->enabled(to);
    tap_report(slot, "enabled", TAP_QUERY, NULL, 0, "\x1f%u", enabled);
    return enabled;
}

static void tap_keyboard_port_wrap(TapSlot *slot)
{
    const viv_keyboard_port_ops_t *real = slot->real.ops;
    TAP_TAKE(slot->ops.keyboard_port, real, put_scancodes, tap_keyboard_put);
    TAP_TAKE(slot->ops.keyboard_port, real, leds, tap_keyboard_leds);
    TAP_TAKE(slot->ops.keyboard_port, real, enabled, tap_keyboard_enabled);
}

static void tap_mouse_port_ready(void *self)
{
    TAP_REAL(viv_mouse_ops_t, slot, real, to);
    real->port_ready(to);
    tap_report(slot, "port_ready", TAP_QUERY, NULL, 0, "%s", "");
}

static void tap_mouse_wrap(TapSlot *slot)
{
    const viv_mouse_ops_t *real = slot->real.ops;
    TAP_TAKE(slot->ops.mouse, real, port_ready, tap_mouse_port_ready);
}

static uint32_t tap_mouse_put(void *self, int32_t dx, int32_t dy, int32_t dz, uint32_t buttons)
{
    TAP_REAL(viv_mouse_port_ops_t, slot, real, to);
    uint32_t taken = real->put_event(to, dx, dy, dz, buttons);
    tap_report(slot, "put_event", 0, NULL, 0, "dx=%d dy=%d dz=%d buttons=%#x\x1f%u", dx, dy, dz,
               buttons, taken);
    return taken;
}

static void tap_mouse_port_wrap(TapSlot *slot)
{
    const viv_mouse_port_ops_t *real = slot->real.ops;
    TAP_TAKE(slot->ops.mouse_port, real, put_event, tap_mouse_put);
}

static void tap_acpi_power(void *self)
{
    TAP_REAL(viv_acpi_port_ops_t, slot, real, to);
    real->power_button(to);
    tap_report(slot, "power_button", 0, NULL, 0, "%s", "");
}

static void tap_acpi_sleep(void *self)
{
    TAP_REAL(viv_acpi_port_ops_t, slot, real, to);
    real->sleep_button(to);
    tap_report(slot, "sleep_button", 0, NULL, 0, "%s", "");
}

static void tap_acpi_port_wrap(TapSlot *slot)
{
    const viv_acpi_port_ops_t *real = slot->real.ops;
    TAP_TAKE(slot->ops.acpi_port, real, power_button, tap_acpi_power);
    TAP_TAKE(slot->ops.acpi_port, real, sleep_button, tap_acpi_sleep);
}

/* -- viv.parallel/1 and its port ------------------------------------------------------------- */

static void tap_parallel_write_data(void *self, uint8_t value, uint32_t output)
{
    TAP_REAL(viv_parallel_ops_t, slot, real, to);
    real->write_data(to, value, output);
    tap_report(slot, "write_data", 0, &value, 1, "%#x output=%u", value, output);
}

static uint8_t tap_parallel_read_data(void *self)
{
    TAP_REAL(viv_parallel_ops_t, slot, real, to);
    uint8_t value = real->read_data(to);
    tap_report(slot, "read_data", 0, NULL, 0, "\x1f%#x", value);
    return value;
}

static void tap_parallel_write_control(void *self, uint8_t value)
{
    TAP_REAL(viv_parallel_ops_t, slot, real, to);
    real->write_control(to, value);
    tap_report(slot, "write_control", 0, NULL, 0, "%#x", value);
}

static uint8_t tap_parallel_read_status(void *self)
{
    TAP_REAL(viv_parallel_ops_t, slot, real, to);
    uint8_t value = real->read_status(to);
    tap_report(slot, "read_status", TAP_QUERY, NULL, 0, "\x1f%#x", value);
    return value;
}

static viv_status_t tap_parallel_epp_write(void *self, uint32_t address, uint8_t value)
{
    TAP_REAL(viv_parallel_ops_t, slot, real, to);
    viv_status_t st = real->epp_write(to, address, value);
    tap_report(slot, "epp_write", 0, &value, 1, "%s\x1f%d", address ? "address" : "data", st);
    return st;
}

static viv_status_t tap_parallel_epp_read(void *self, uint32_t address, uint8_t *ret_value)
{
    TAP_REAL(viv_parallel_ops_t, slot, real, to);
    viv_status_t st = real->epp_read(to, address, ret_value);
    tap_report(slot, "epp_read", 0, st < 0 ? NULL : ret_value, 1, "%s\x1f%d",
               address ? "address" : "data", st);
    return st;
}

static uint32_t tap_parallel_ecp_write(void *self, uint8_t value, uint32_t command)
{
    TAP_REAL(viv_parallel_ops_t, slot, real, to);
    uint32_t taken = real->ecp_write(to, value, command);
    tap_report(slot, "ecp_write", 0, &value, 1, "command=%u\x1f%u", command, taken);
    return taken;
}

static uint32_t tap_parallel_ecp_read(void *self, uint8_t *ret_value, uint32_t *ret_command)
{
    TAP_REAL(viv_parallel_ops_t, slot, real, to);
    uint32_t got = real->ecp_read(to, ret_value, ret_command);
    tap_report(slot, "ecp_read", 0, got ? ret_value : NULL, 1, "\x1f%u", got);
    return got;
}

static void tap_parallel_wrap(TapSlot *slot)
{
    const viv_parallel_ops_t *real = slot->real.ops;
    TAP_TAKE(slot->ops.parallel, real, write_data, tap_parallel_write_data);
    TAP_TAKE(slot->ops.parallel, real, read_data, tap_parallel_read_data);
    TAP_TAKE(slot->ops.parallel, real, write_control, tap_parallel_write_control);
    TAP_TAKE(slot->ops.parallel, real, read_status, tap_parallel_read_status);
    TAP_TAKE(slot->ops.parallel, real, epp_write, tap_parallel_epp_write);
    TAP_TAKE(slot->ops.parallel, real, epp_read, tap_parallel_epp_read);
    TAP_TAKE(slot->ops.parallel, real, ecp_write, tap_parallel_ecp_write);
    TAP_TAKE(slot->ops.parallel, real, ecp_read, tap_parallel_ecp_read);
}

static void tap_parallel_port_status(void *self, uint8_t status)
{
    TAP_REAL(viv_parallel_port_ops_t, slot, real, to);
    real->status_changed(to, status);
    tap_report(slot, "status_changed", 0, NULL, 0, "%#x", status);
}

static void tap_parallel_port_ready(void *self)
{
    TAP_REAL(viv_parallel_port_ops_t, slot, real, to);
    real->ready(to);
    tap_report(slot, "ready", TAP_QUERY, NULL, 0, "%s", "");
}

static void tap_parallel_port_wrap(TapSlot *slot)
{
    const viv_parallel_port_ops_t *real = slot->real.ops;
    TAP_TAKE(slot->ops.parallel_port, real, status_changed, tap_parallel_port_status);
    TAP_TAKE(slot->ops.parallel_port, real, ready, tap_parallel_port_ready);
}

const TapKind tap_kinds[] = {
    {VIV_CHAR_ID, 0, sizeof(viv_char_ops_t), tap_char_wrap},
    {VIV_CHAR_PORT_ID, 1, sizeof(viv_char_port_ops_t), tap_char_port_wrap},
    {VIV_MEDIA_ID, 0, sizeof(viv_media_ops_t), tap_media_wrap},
    {VIV_MEDIA_PORT_ID, 1, sizeof(viv_media_port_ops_t), tap_media_port_wrap},
    {VIV_DISPLAY_ID, 0, sizeof(viv_display_ops_t), tap_display_wrap},
    {VIV_DISPLAY_PORT_ID, 1, sizeof(viv_display_port_ops_t), tap_display_port_wrap},
    {VIV_SCREENSHOT_ID, 0, sizeof(viv_screenshot_ops_t), tap_screenshot_wrap},
    {VIV_KEYBOARD_ID, 0, sizeof(viv_keyboard_ops_t), tap_keyboard_wrap},
    {VIV_KEYBOARD_PORT_ID, 1, sizeof(viv_keyboard_port_ops_t), tap_keyboard_port_wrap},
    {VIV_MOUSE_ID, 0, sizeof(viv_mouse_ops_t), tap_mouse_wrap},
    {VIV_MOUSE_PORT_ID, 1, sizeof(viv_mouse_port_ops_t), tap_mouse_port_wrap},
    {VIV_PARALLEL_ID, 0, sizeof(viv_parallel_ops_t), tap_parallel_wrap},
    {VIV_PARALLEL_PORT_ID, 1, sizeof(viv_parallel_port_ops_t), tap_parallel_port_wrap},
    {VIV_ACPI_PORT_ID, 1, sizeof(viv_acpi_port_ops_t), tap_acpi_port_wrap},
};
const uint32_t tap_kind_count = sizeof(tap_kinds) / sizeof(tap_kinds[0]);
