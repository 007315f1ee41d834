/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* iflog: what goes through is shown, what only asks is not. */
#include "../../tap/tests/fake_tap.h"

static void setup(void)
{
    trace_file("File");
}

START_TEST(into_a_file)
{
    viv_media_info_t info = {.size = sizeof(info)};
    tap_start("IfLog", "");
    viv_iface_t chr = harness_drv_iface(h, VIV_CHAR_ID), media = harness_drv_iface(h, VIV_MEDIA_ID);
    const viv_char_ops_t *ops = chr.ops;
    ops->write(chr.self, "ab", 2);
    ops->input_ready(chr.self);
    ((const viv_media_ops_t *)media.ops)->info(media.self, &info);
    ck_assert_uint_eq(info.size_bytes, 4096);
    ((const viv_media_ops_t *)media.ops)->flush(media.self);
    has("write(len=2) \"ab\" = 2\n");
    has("flush() = 0\n");
    has_not("input_ready");
    has_not("info");
}
END_TEST

START_TEST(into_the_log)
{
    options[0] = 0;
    tap_start("IfLog", "");
    viv_iface_t chr = harness_drv_iface(h, VIV_CHAR_ID);
    unsigned before = harness_event_count(h, HARNESS_EV_LOG);
    ((const viv_char_ops_t *)chr.ops)->write(chr.self, "ab", 2);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_LOG), before + 1);
    ck_assert_uint_eq(harness_event_last(h, HARNESS_EV_LOG).a, VIV_LOG_INFO);
    ck_assert_str_eq(trace(), "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("iflog");
    TCase *tc = tcase_create("iflog");
    tcase_add_checked_fixture(tc, setup, tap_end);
    tcase_add_test(tc, into_a_file);
    tcase_add_test(tc, into_the_log);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
