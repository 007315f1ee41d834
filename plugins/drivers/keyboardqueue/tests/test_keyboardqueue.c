/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* keyboardqueue: order, back-pressure, whole codes, what a device says. */
#include <check.h>
#include <string.h>

#include "harness.h"

static Harness *h;
static uint8_t got[4096];
static uint32_t got_len, room, calls;

static uint32_t above_put(void *self, const uint8_t *codes, uint32_t count)
{
    (void)self;
    calls++;
    if (count > room)
        return 0;
    room -= count;
    memcpy(got + got_len, codes, count);
    got_len += count;
    return 1;
}
static uint32_t above_leds(void *self)
{
    (void)self;
    return 5;
}
static uint32_t above_enabled(void *self)
{
    (void)self;
    return 0;
}
static const viv_keyboard_port_ops_t above = {.size = sizeof(viv_keyboard_port_ops_t),
                                              .put_scancodes = above_put,
                                              .leds = above_leds,
                                              .enabled = above_enabled};

static uint32_t below_leds, below_enabled;
static void on_leds(void *self, uint32_t leds)
{
    (void)self;
    below_leds = leds;
}
static void on_enabled(void *self, uint32_t enabled)
{
    (void)self;
    below_enabled = enabled;
}
static const viv_keyboard_ops_t below = {
    .size = sizeof(viv_keyboard_ops_t), .leds_changed = on_leds, .enabled_changed = on_enabled};

static void surroundings(Harness *harness)
{
    harness_drv_above(harness, VIV_KEYBOARD_PORT_ID, &above, NULL);
}

static void start(const char *options)
{
    h = harness_create();
    surroundings(h);
    got_len = calls = 0;
    room = 4096;
    ck_assert_int_eq(harness_start(h, "KeyboardQueue", options), VIV_OK);
}

static void teardown(void)
{
    harness_free(h);
    h = NULL;
}

static uint32_t put(const char *codes, uint32_t count)
{
    viv_iface_t port = harness_drv_iface(h, VIV_KEYBOARD_PORT_ID);
    const viv_keyboard_port_ops_t *ops = port.ops;
    return ops->put_scancodes(port.self, (const uint8_t *)codes, count);
}

static void ready(void)
{
    viv_iface_t driver = harness_drv_iface(h, VIV_KEYBOARD_ID);
    ((const viv_keyboard_ops_t *)driver.ops)->port_ready(driver.self);
    for (unsigned i = 0; i < 10 && harness_pump(h, 0); i++)
        ;
}

START_TEST(goes_through_at_once)
{
    start("");
    ck_assert_uint_eq(put("\x1e\x9e\xe0\x48", 4), 1);
    ck_assert_uint_eq(got_len, 4);
    ck_assert_uint_eq(calls, 3); /* an event each */
    viv_iface_t port = harness_drv_iface(h, VIV_KEYBOARD_PORT_ID);
    const viv_keyboard_port_ops_t *ops = port.ops;
    ck_assert_uint_eq(ops->leds(port.self), 5);
    ck_assert_uint_eq(ops->enabled(port.self), 0);
}
END_TEST

START_TEST(waits_in_order)
{
    char text[64];
    start("");
    room = 3;
    for (unsigned i = 0; i < sizeof(text); i++)
        text[i] = (char)(i + 1);
    ck_assert_uint_eq(put(text, 40), 1);
    ck_assert_uint_eq(got_len, 3);
    ck_assert_uint_eq(put(text + 40, 24), 1); /* 61 wait */
    ck_assert_uint_eq(put("abcd", 4), 0);     /* all or nothing */
    ck_assert_uint_eq(put("\xe1\x1d\x45", 3), 1);
    ready();
    ck_assert_uint_eq(got_len, 3); /* still full */
    room = 10;
    ready();
    ck_assert_uint_eq(got_len, 13);
    room = 52; /* the last event has three bytes: it is not torn */
    ready();
    ck_assert_uint_eq(got_len, 64);
    room = 3;
    harness_suspend(h); /* a save takes along what the device takes */
    ck_assert_uint_eq(got_len, 67);
    for (unsigned i = 0; i < 64; i++)
        ck_assert_uint_eq(got[i], i + 1);
    ck_assert_int_eq(memcmp(got + 64, "\xe1\x1d\x45", 3), 0);
    harness_resume(h);
}
END_TEST

START_TEST(what_the_device_says_goes_on)
{
    h = harness_create();
    surroundings(h);
    harness_drv_below(h, VIV_KEYBOARD_ID, &below, NULL);
    ck_assert_int_eq(harness_start(h, "KeyboardQueue", "QueueSize=2"), VIV_OK);
    viv_iface_t driver = harness_drv_iface(h, VIV_KEYBOARD_ID);
    const viv_keyboard_ops_t *ops = driver.ops;
    ops->leds_changed(driver.self, 3);
    ops->enabled_changed(driver.self, 1);
    ck_assert_uint_eq(below_leds, 3);
    ck_assert_uint_eq(below_enabled, 1);
    room = 0;
    ck_assert_uint_eq(put("abc", 3), 0);
    ck_assert_uint_eq(put("ab", 2), 1);
}
END_TEST

START_TEST(failures)
{
    h = harness_create();
    ck_assert_int_eq(harness_start(h, "KeyboardQueue", ""), VIV_E_NOT_FOUND);
    harness_free(h);
    h = harness_create();
    ck_assert_int_eq(harness_start(h, "KeyboardQueue", "QueueSize=0"), VIV_E_CONFIG);
    ck_assert_uint_ge(harness_construct_failures_with(surroundings, "KeyboardQueue", ""), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("keyboardqueue");
    TCase *tc = tcase_create("keyboardqueue");
    tcase_add_checked_fixture(tc, NULL, teardown);
    tcase_add_test(tc, goes_through_at_once);
    tcase_add_test(tc, waits_in_order);
    tcase_add_test(tc, what_the_device_says_goes_on);
    tcase_add_test(tc, failures);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
