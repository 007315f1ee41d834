/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtio-balloon: pages given and taken, statistics, hints, reports, poison, saved state. */
#include <stdlib.h>
#include <viv/interfaces.h>

#include "../../virtio/tests/virtio_driver.h"
#include "../virtio_balloon.h"

#define BUF  0x800000u
#define PAGE 0x1000000u

static Harness *h;
static Drv d;
static const viv_balloon_port_ops_t *port;
static void *port_self;

static const uint32_t modes[] = {
    DRV_LEGACY, DRV_LEGACY | DRV_EVENT,
    0,          DRV_EVENT | DRV_INDIRECT,
    DRV_PACKED, DRV_PACKED | DRV_EVENT | DRV_INDIRECT | DRV_MSIX_ON | DRV_ALL,
};
#define MODES ((int)(sizeof(modes) / sizeof(modes[0])))

static void start(const char *options, uint32_t mode, uint64_t features)
{
    h = harness_new("virtio-balloon", options);
    drv_open(&d, h, mode, features);
    for (uint32_t i = 0; i < 5; i++) {
        drv_place(&d, i, 0, 1);
    }
    drv_ready(&d);
    viv_iface_t iface = harness_port(h, 0, VIV_BALLOON_PORT_ID);
    port = iface.ops;
    port_self = iface.self;
}

static void teardown(void)
{
    harness_free(h);
    h = NULL;
}

/* The interface's self is new after a load. */
static void save_load(void)
{
    harness_save_load(h);
    port_self = harness_port(h, 0, VIV_BALLOON_PORT_ID).self;
}

static viv_balloon_info_t info(void)
{
    viv_balloon_info_t i = {.size = sizeof(i)};
    port->info(port_self, &i);
    return i;
}

static void pages(uint32_t queue, const uint32_t *pfns, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        harness_ram_put32(h, BUF + 4 * i, pfns[i]);
    }
    drv_give(&d, queue, BUF, 4 * count, 0);
    ck_assert_int_ge(drv_used(&d, queue, NULL), 0);
}

START_TEST(inflate_and_deflate)
{
    const uint32_t pfn = PAGE >> 12;
    const uint32_t up[] = {pfn, pfn + 1, pfn + 2, pfn + 9}, down[] = {pfn + 6, pfn + 5, 0xffffffff};
    start("Target=3", modes[_i], 0);
    ck_assert_uint_eq(drv_config(&d, 0, 4), 3 * 256);
    harness_ram_fill(h, PAGE, 0xaa, 0x10000);
    pages(0, up, 4);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_DISCARD), 2);
    ck_assert_uint_eq(harness_event(h, HARNESS_EV_DISCARD, 0).b, 3 * 4096);
    pages(0, down, 3);
    for (uint32_t i = 0; i < 16; i++) {
        int given = i < 3 || i == 9 || i == 5 || i == 6;
        ck_assert_uint_eq(harness_ram_get8(h, PAGE + i * 4096 + 4095), given ? 0 : 0xaa);
    }
    for (uint32_t i = 0; i < 4; i++) { /* a legacy driver writes bytes */
        drv_config_set(&d, 4 + i, (0x10203 >> 8 * i) & 0xff, 1);
    }
    drv_config_set(&d, 0, 99, 4);
    ck_assert_uint_eq(info().actual_bytes, 0x10203000ull);
    ck_assert_uint_eq(info().target_bytes, 3 << 20);
    save_load();
    ck_assert_uint_eq(drv_config(&d, 4, 4), 0x10203);
    pages(1, up, 4);
    ck_assert_uint_eq(harness_stam(h, "Deflated"), 4);
}
END_TEST

START_TEST(the_target_moves)
{
    start("", modes[_i], 0);
    int pin = !(modes[_i] & DRV_MSIX_ON);
    ck_assert_int_eq(port->set_target(port_self, 10 << 20), VIV_OK);
    ck_assert_uint_eq(drv_config(&d, 0, 4), 2560);
    if (pin) {
        ck_assert_uint_eq(drv_isr(&d), 2);
    }
    ck_assert_int_eq(port->set_target(port_self, 1ull << 40), VIV_E_INVALID);
    ck_assert_uint_eq(info().target_bytes, 10 << 20);
    ck_assert_uint_eq(info().ram_bytes, 64 << 20);
    ck_assert_uint_eq(info().running, 1);
    harness_reset(h);
    ck_assert_uint_eq(info().target_bytes, 10 << 20);
    ck_assert_uint_eq(info().running, 0);
}
END_TEST

/* A long list is taken in turns. */
START_TEST(many_pages)
{
    start("", 0, 0);
    for (uint32_t i = 0; i < 8192; i++) {
        harness_ram_put32(h, PAGE + 4 * i, 0x2000 + i % 64);
    }
    DrvSeg segs[8];
    for (uint32_t i = 0; i < 8; i++) {
        segs[i] = (DrvSeg){PAGE, 32768, 0};
    }
    drv_add(&d, 0, segs, 8);
    drv_kick(&d, 0);
    ck_assert_int_eq(drv_used(&d, 0, NULL), -1);
    save_load();
    harness_advance_ns(h, 1000000);
    ck_assert_int_ge(drv_used(&d, 0, NULL), 0);
    ck_assert_uint_ge(harness_stam(h, "Inflated"),
                      49152); /* the rest was counted before the load */
}
END_TEST

static void stats(uint64_t free)
{
    static const uint32_t len = 3 * 10;
    const uint64_t values[3][2] = {{4, free}, {5, 123456789}, {99, 7}};
    for (uint32_t i = 0; i < 3; i++) {
        harness_ram_put16(h, BUF + 10 * i, (uint16_t)values[i][0]);
        harness_ram_put64(h, BUF + 10 * i + 2, values[i][1]);
    }
    drv_give(&d, 2, BUF, len, 0);
}

START_TEST(statistics)
{
    start("StatsPeriod=2", modes[_i], BALLOON_F_STATS_VQ);
    ck_assert_int_eq(port->update_stats(port_self), VIV_E_UNSUPPORTED);
    stats(1000);
    ck_assert_int_eq(drv_used(&d, 2, NULL), -1); /* kept until it is wanted */
    ck_assert_uint_eq(info().stats[VIV_BALLOON_STAT_FREE], 1000);
    ck_assert_uint_eq(info().stats[VIV_BALLOON_STAT_TOTAL], 123456789);
    ck_assert_uint_eq(info().stats_present, 0x30);
    ck_assert_uint_eq(harness_stam(h, "Guest/Free"), 1000);
    save_load();
    ck_assert_int_eq(port->update_stats(port_self), VIV_OK);
    ck_assert_int_ge(drv_used(&d, 2, NULL), 0);
    ck_assert_int_eq(port->update_stats(port_self), VIV_E_UNSUPPORTED);
    stats(2000);
    ck_assert_uint_eq(info().stats[VIV_BALLOON_STAT_FREE], 2000);
    harness_advance_ns(h, 2000000000); /* by itself */
    ck_assert_int_ge(drv_used(&d, 2, NULL), 0);
}
END_TEST

START_TEST(free_page_hints)
{
    start("", modes[_i], BALLOON_F_FREE_PAGE_HINT);
    harness_ram_fill(h, PAGE, 0x55, 0x8000);
    drv_give(&d, 3, PAGE, 4096, 1); /* nobody has asked */
    ck_assert_uint_eq(harness_ram_get8(h, PAGE), 0x55);
    ck_assert_int_eq(port->hint(port_self), VIV_OK);
    uint32_t id = drv_config(&d, 8, 4);
    ck_assert_uint_ge(id, 2);
    harness_ram_put32(h, BUF, id - 1); /* another round's */
    drv_give(&d, 3, BUF, 4, 0);
    drv_give(&d, 3, PAGE, 4096, 1);
    ck_assert_uint_eq(harness_ram_get8(h, PAGE), 0x55);
    harness_ram_put32(h, BUF, id);
    drv_give(&d, 3, BUF, 4, 0);
    ck_assert_int_eq(port->hint(port_self), VIV_E_BUSY);
    save_load();
    drv_give(&d, 3, PAGE, 0x4000, 1);
    ck_assert_uint_eq(harness_ram_get8(h, PAGE + 0x3fff), 0);
    ck_assert_uint_eq(harness_ram_get8(h, PAGE + 0x4000), 0x55);
    harness_ram_put32(h, BUF, 0);
    drv_give(&d, 3, BUF, 4, 0);
    ck_assert_uint_eq(drv_config(&d, 8, 4), 1);
    ck_assert_uint_eq(info().hinting, 0);
    ck_assert_uint_eq(harness_stam(h, "Hinted"), 4);
    ck_assert_int_eq(port->hint(port_self), VIV_OK);
    ck_assert_uint_eq(drv_config(&d, 8, 4), id + 1);
}
END_TEST

START_TEST(free_page_reports)
{
    start("", modes[_i], BALLOON_F_REPORTING | BALLOON_F_PAGE_POISON);
    harness_ram_fill(h, PAGE, 0x55, 0x8000);
    DrvSeg segs[2] = {{PAGE, 0x2000, 1}, {PAGE + 0x4000, 0x1000, 1}};
    drv_add(&d, 4, segs, 2);
    drv_kick(&d, 4);
    ck_assert_int_ge(drv_used(&d, 4, NULL), 0);
    for (uint32_t i = 0; i < 8; i++) {
        ck_assert_uint_eq(harness_ram_get8(h, PAGE + i * 0x1000), i < 2 || i == 4 ? 0 : 0x55);
    }
    drv_config_set(&d, 12, 0xaaaaaaaa, 4); /* poison must stay */
    drv_give(&d, 4, PAGE + 0x7000, 0x1000, 1);
    ck_assert_uint_eq(harness_ram_get8(h, PAGE + 0x7000), 0x55);
    ck_assert_uint_eq(harness_stam(h, "Kept"), 1);
    ck_assert_uint_eq(harness_stam(h, "Reported"), 3);
}
END_TEST

START_TEST(configuration)
{
    viv_status_t st;
    ck_assert_ptr_null(harness_try_new("virtio-balloon", "Target=65", &st));
    ck_assert_int_eq(st, VIV_E_CONFIG);
    ck_assert_uint_gt(harness_construct_failures("virtio-balloon", ""), 5);
    h = harness_new("virtio-balloon", "MustTellHost=1,DeflateOnOOM=1,FreePageReporting=0,Legacy=0");
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0, 4), 0x10451af4);
    drv_open(&d, h, 0, BALLOON_F_MUST_TELL_HOST | BALLOON_F_DEFLATE_ON_OOM);
    ck_assert_uint_eq(drv_common(&d, 18, 2), 4);
    ck_assert_uint_eq(drv_offered(&d) & BALLOON_F_REPORTING, 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("virtio-balloon");
    TCase *t = tcase_create("all");
    tcase_add_checked_fixture(t, NULL, teardown);
    tcase_add_loop_test(t, inflate_and_deflate, 0, MODES);
    tcase_add_loop_test(t, the_target_moves, 0, MODES);
    tcase_add_test(t, many_pages);
    tcase_add_loop_test(t, statistics, 0, MODES);
    tcase_add_loop_test(t, free_page_hints, 0, MODES);
    tcase_add_loop_test(t, free_page_reports, 0, MODES);
    tcase_add_test(t, configuration);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
