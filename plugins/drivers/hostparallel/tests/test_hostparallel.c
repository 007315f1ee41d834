/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hostparallel: what is refused; the lines of a real port if this host has one. */
#include <check.h>
#include <unistd.h>

#include "harness.h"

static Harness *h;
static uint8_t seen;

static void on_status(void *self, uint8_t status)
{
    (void)self;
    seen = status;
}
static void on_ready(void *self)
{
    (void)self;
}
static const viv_parallel_port_ops_t port = {
    .size = sizeof(viv_parallel_port_ops_t), .status_changed = on_status, .ready = on_ready};

static viv_status_t start(const char *options)
{
    h = harness_create();
    harness_drv_above(h, VIV_PARALLEL_PORT_ID, &port, NULL);
    return harness_start(h, "HostParallel", options);
}

static void teardown(void)
{
    harness_free(h);
    h = NULL;
}

START_TEST(what_is_refused)
{
    ck_assert_int_eq(start(""), VIV_E_CONFIG);
    teardown();
    ck_assert_int_eq(start("DevicePath=/nonexistent"), VIV_E_NOT_FOUND);
    teardown();
    ck_assert_int_eq(start("DevicePath=/dev/null"), VIV_E_INVALID);
    teardown();
    h = harness_create();
    ck_assert_int_eq(harness_start(h, "HostParallel", "DevicePath=/dev/null"), VIV_E_NOT_FOUND);
}
END_TEST

START_TEST(a_real_port)
{
    if (access("/dev/parport0", R_OK | W_OK) != 0 || start("DevicePath=/dev/parport0") != VIV_OK)
        return; /* this host has none, or somebody else has it */
    viv_iface_t iface = harness_drv_iface(h, VIV_PARALLEL_ID);
    const viv_parallel_ops_t *ops = iface.ops;
    ops->write_control(iface.self, 0x0c);
    ops->write_data(iface.self, 0x5a, 1);
    ck_assert_uint_eq(ops->read_data(iface.self), 0x5a);
    ck_assert_uint_eq(ops->read_status(iface.self) & 7, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hostparallel");
    TCase *tc = tcase_create("hostparallel");
    tcase_add_checked_fixture(tc, NULL, teardown);
    tcase_add_test(tc, what_is_refused);
    tcase_add_test(tc, a_real_port);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
