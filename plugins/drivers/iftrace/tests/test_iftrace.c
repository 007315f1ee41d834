/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* iftrace: hands everything on unchanged, and says what it was. */
#include "../../tap/tests/fake_tap.h"

static void setup(void)
{
    trace_file("TraceFilePath");
}

START_TEST(characters)
{
    tap_start("IfTrace", "");
    viv_iface_t chr = harness_drv_iface(h, VIV_CHAR_ID);
    const viv_char_ops_t *ops = chr.ops;
    ck_assert(!VIV_HAS(ops, set_params)); /* the one below has none */
    harness_advance_ns(h, 1500000042);
    ck_assert_uint_eq(ops->write(chr.self,
                                 "a\n\x80"
                                 "bcd",
                                 6),
                      4);
    ops->input_ready(chr.self);
    ck_assert_uint_eq(readies, 1);
    has("1.500000042 down viv.char/1 write(len=6) \"a\\n\\x80b\" = 4\n");
    has("down viv.char/1 input_ready()\n");
    viv_iface_t port = harness_drv_iface(h, VIV_CHAR_PORT_ID);
    const viv_char_port_ops_t *up = port.ops;
    ck_assert_uint_eq(up->size, above_ops.size);
    ck_assert(!VIV_HAS(up, receive_marked));
    ck_assert_uint_eq(up->receive(port.self, "xyz", 3), 1);
    up->set_status(port.self, 9);
    up->send_break(port.self);
    has("up viv.char-port/1 receive(len=3) \"x\" = 1\n");
    has("up viv.char-port/1 set_status(CTS DCD)\n");
    has("up viv.char-port/1 send_break()\n");
    ck_assert_ptr_eq(harness_drv_iface(h, VIV_CHAR_ID).ops, chr.ops);
}
END_TEST

static unsigned done_calls;
static viv_status_t done_status;
static viv_media_req_t *done_req;
static void done(viv_media_req_t *req, viv_status_t status)
{
    done_calls++;
    done_req = req;
    done_status = status;
}

START_TEST(requests)
{
    char buf[64];
    tap_start("IfTrace", ",Data=4");
    viv_iface_t media = harness_drv_iface(h, VIV_MEDIA_ID);
    const viv_media_ops_t *ops = media.ops;
    ck_assert(!VIV_HAS(ops, eject));
    ck_assert_int_eq(ops->read(media.self, 512, buf, 8), VIV_OK);
    ck_assert_int_eq(buf[7], 'r');
    ck_assert_int_eq(ops->write(media.self, 0, "12", 2), VIV_E_IO);
    ck_assert_int_eq(ops->flush(media.self), VIV_OK);
    has("read(off=512 len=8) \"rrrr\"... = 0\n");
    has("write(off=0 len=2) \"12\" = -8\n");
    viv_media_req_t req = {.size = sizeof(req),
                           .op = VIV_MEDIA_OP_READ,
                           .off = 1024,
                           .len_bytes = 64,
                           .buf = buf,
                           .done = done,
                           .ctx = &req};
    done_calls = 0;
    ck_assert_int_eq(ops->submit(media.self, &req), VIV_OK);
    ck_assert_ptr_nonnull(below_queued);
    ck_assert_ptr_ne(below_queued, &req);
    ck_assert_ptr_eq(below_queued->buf, buf);
    below_queued->driver[0] = buf; /* the copy's, not the original's */
    buf[0] = 'D';
    below_queued->done(below_queued, VIV_OK);
    ck_assert_uint_eq(done_calls, 1);
    ck_assert_ptr_eq(done_req, &req);
    ck_assert_int_eq(done_status, VIV_OK);
    has("submit(read off=1024 len=64)\n");
    has("done(read off=1024 len=64) \"Drrr\"... = 0\n");
    req.op = 77;
    ck_assert_int_eq(ops->submit(media.self, &req), VIV_E_INVALID);
    ck_assert_uint_eq(done_calls, 1);
}
END_TEST

START_TEST(limits_and_refusals)
{
    viv_iface_t iface;
    tap_start("IfTrace", ",Limit=1");
    ck_assert_int_eq(harness_drv_query(h, VIV_ACPI_PORT_ID, &iface), VIV_E_NOT_FOUND);
    ck_assert_int_eq(harness_drv_query(h, "viv.unheard-of/1", &iface), VIV_E_NOT_FOUND);
    viv_iface_t chr = harness_drv_iface(h, VIV_CHAR_ID);
    const viv_char_ops_t *ops = chr.ops;
    for (unsigned i = 0; i < 40000; i++)
        ops->write(chr.self, "abcd", 4);
    FILE *f = fopen(trace_path, "r");
    ck_assert_int_eq(fseek(f, 0, SEEK_END), 0);
    long size = ftell(f);
    ck_assert_int_eq(fseek(f, -1, SEEK_END), 0);
    ck_assert_int_eq(fgetc(f), '\n');
    fclose(f);
    ck_assert_int_le(size, 1 << 20);
    ck_assert_int_gt(size, (1 << 20) - 200);
    harness_free(h);
    h = harness_create();
    ck_assert_int_eq(harness_start(h, "IfTrace", ""), VIV_E_CONFIG);
    harness_free(h);
    h = harness_create();
    ck_assert_int_eq(harness_start(h, "IfTrace", "TraceFilePath=/nonexistent/x"), VIV_E_IO);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("iftrace");
    TCase *tc = tcase_create("iftrace");
    tcase_add_checked_fixture(tc, setup, tap_end);
    tcase_add_test(tc, characters);
    tcase_add_test(tc, requests);
    tcase_add_test(tc, limits_and_refusals);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
