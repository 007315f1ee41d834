/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* mousequeue: order, back-pressure, motion that is added up when there is no room. */
#include <check.h>

#include "harness.h"

static Harness *h;
static int32_t way[3];
static uint32_t clicks, room, last_buttons;

static uint32_t above_put(void *self, int32_t dx, int32_t dy, int32_t dz, uint32_t buttons)
{
    (void)self;
    if (!room)
        return 0;
    room--;
    way[0] += dx;
    way[1] += dy;
    way[2] += dz;
    clicks += buttons != last_buttons;
    last_buttons = buttons;
    return 1;
}
static const viv_mouse_port_ops_t above = {.size = sizeof(viv_mouse_port_ops_t),
                                           .put_event = above_put};

static void surroundings(Harness *harness)
{
    harness_drv_above(harness, VIV_MOUSE_PORT_ID, &above, NULL);
}

static void start(const char *options)
{
    h = harness_create();
    surroundings(h);
    way[0] = way[1] = way[2] = 0;
    clicks = last_buttons = room = 0;
    ck_assert_int_eq(harness_start(h, "MouseQueue", options), VIV_OK);
}

static void teardown(void)
{
    harness_free(h);
    h = NULL;
}

static uint32_t put(int32_t dx, int32_t dy, int32_t dz, uint32_t buttons)
{
    viv_iface_t port = harness_drv_iface(h, VIV_MOUSE_PORT_ID);
    return ((const viv_mouse_port_ops_t *)port.ops)->put_event(port.self, dx, dy, dz, buttons);
}

static void ready(void)
{
    viv_iface_t driver = harness_drv_iface(h, VIV_MOUSE_ID);
    ((const viv_mouse_ops_t *)driver.ops)->port_ready(driver.self);
    for (unsigned i = 0; i < 10 && harness_pump(h, 0); i++)
        ;
}

START_TEST(no_way_and_no_click_is_lost)
{
    start("");
    for (int i = 0; i < 1000; i++)
        ck_assert_uint_eq(put(1, -2, i % 2, 0), 1); /* 128, the rest added to the last */
    ck_assert_uint_eq(put(0, 0, 0, 1), 0);          /* a click needs a place of its own */
    ck_assert_uint_eq(put(INT32_MAX, 0, 0, 0), 0);
    room = 1;
    ready();
    ck_assert_uint_eq(put(0, 0, 0, 1), 1);
    room = 1000;
    ready();
    ck_assert_int_eq(way[0], 1000);
    ck_assert_int_eq(way[1], -2000);
    ck_assert_int_eq(way[2], 500);
    ck_assert_uint_eq(clicks, 1);
}
END_TEST

START_TEST(failures)
{
    h = harness_create();
    ck_assert_int_eq(harness_start(h, "MouseQueue", ""), VIV_E_NOT_FOUND);
    harness_free(h);
    start("QueueSize=1");
    ck_assert_uint_eq(put(1, 1, 0, 0), 1);
    ck_assert_uint_eq(put(1, 1, 0, 0), 0); /* the only one may be on its way */
    ck_assert_uint_ge(harness_construct_failures_with(surroundings, "MouseQueue", ""), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mousequeue");
    TCase *tc = tcase_create("mousequeue");
    tcase_add_checked_fixture(tc, NULL, teardown);
    tcase_add_test(tc, no_way_and_no_click_is_lost);
    tcase_add_test(tc, failures);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
