/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtio-rng, and with it the transport: both interfaces, both kinds of rings, broken ones. */
#include <stdlib.h>

#include "../../virtio/tests/virtio_driver.h"

static Harness *h;
static Drv d;

static void start(const char *options, uint32_t mode)
{
    h = harness_new("virtio-rng", options);
    drv_open(&d, h, mode, 0);
    drv_place(&d, 0, 0, 1);
    drv_ready(&d);
}

static void teardown(void)
{
    harness_free(h);
    h = NULL;
}

static const uint32_t modes[] = {
    DRV_LEGACY,
    DRV_LEGACY | DRV_EVENT | DRV_INDIRECT,
    DRV_LEGACY | DRV_MSIX_ON,
    0,
    DRV_EVENT,
    DRV_INDIRECT | DRV_MSIX_ON,
    DRV_EVENT | DRV_INDIRECT | DRV_MSIX_ON | DRV_ALL,
    DRV_PACKED,
    DRV_PACKED | DRV_EVENT,
    DRV_PACKED | DRV_INDIRECT,
    DRV_PACKED | DRV_EVENT | DRV_INDIRECT | DRV_MSIX_ON | DRV_ALL,
};

static int filled(uint64_t gpa, uint32_t len)
{
    uint32_t zeros = 0;
    for (uint32_t i = 0; i < len; i++) {
        zeros += harness_ram_get8(h, gpa + i) == 0;
    }
    return zeros < len / 2 + 1;
}

START_TEST(identity)
{
    h = harness_new("virtio-rng", "");
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0, 4), 0x10051af4);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 8, 1), 0);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0x2c, 4), 0x00041af4);
    ck_assert_uint_eq(harness_pci_bar_size(h, 0, 0), 32);
    ck_assert_uint_eq(harness_pci_bar_size(h, 0, 4), 0x4000);
    ck_assert_uint_ne(harness_cap_find(h, 0, 0x11), 0);
    harness_free(h);
    h = harness_new("virtio-rng", "Legacy=0");
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0, 4), 0x10441af4);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 8, 1), 1);
    ck_assert_uint_ge(harness_cfg_read(h, 0, 0x2e, 2), 0x40);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0x10, 4), 0);
    harness_free(h);
    h = harness_new("virtio-rng", "Modern=0,Vectors=0");
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0, 4), 0x10051af4);
    ck_assert_uint_eq(harness_cap_find(h, 0, 9), 0);
    ck_assert_uint_eq(harness_cap_find(h, 0, 0x11), 0);
}
END_TEST

/* Thrice around the ring, saved and loaded at odd moments. */
START_TEST(buffers_are_filled)
{
    uint32_t mode = modes[_i], len;
    start("QueueSize=8", mode);
    uint64_t buf = drv_alloc(&d, 65536);
    for (uint32_t round = 0; round < 29; round++) {
        DrvSeg segs[3] = {{buf + 100, 50, 1}, {buf + 5000, 4, 1}, {buf + 9000, 10, 1}};
        harness_ram_fill(h, buf, 0, 65536);
        harness_events_clear(h);
        drv_want_interrupt(&d, 0, 0);
        uint32_t count = 1 + round % 3;
        uint32_t id = drv_add(&d, 0, segs, count);
        drv_kick(&d, 0);
        ck_assert_int_eq(drv_used(&d, 0, &len), (int)id);
        ck_assert_uint_eq(len, count == 1 ? 50 : count == 2 ? 54 : 64);
        ck_assert(filled(buf + 100, 50));
        ck_assert_uint_eq(harness_ram_get8(h, buf + 150), 0);
        ck_assert_int_eq(drv_used(&d, 0, NULL), -1);
        if (mode & DRV_MSIX_ON) {
            ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_MSI), 1);
            ck_assert_uint_eq(harness_event_last(h, HARNESS_EV_MSI).b, 0x41);
        } else {
            ck_assert_uint_eq(harness_intx_level(h, 0), 1);
            if (round % 5 == 0) {
                harness_save_load(h);
                ck_assert_uint_eq(harness_intx_level(h, 0), 1);
            }
            ck_assert_uint_eq(drv_isr(&d), 1);
            ck_assert_uint_eq(harness_intx_level(h, 0), 0);
            ck_assert_uint_eq(drv_isr(&d), 0);
        }
        if (round % 7 == 3) {
            harness_save_load(h);
        }
    }
    ck_assert_uint_eq(harness_stam(h, "Broken"), 0);
}
END_TEST

START_TEST(interrupts_only_where_wanted)
{
    uint32_t mode = modes[_i], packed = mode & DRV_PACKED;
    start("QueueSize=8", mode);
    if (!(mode & DRV_EVENT)) { /* off altogether */
        if (packed) {
            harness_ram_put16(h, d.queues[0].driver + 2, 1);
        } else {
            harness_ram_put16(h, d.queues[0].driver, 1);
        }
        drv_give(&d, 0, 0x800000, 8, 1);
        ck_assert_int_ge(drv_used(&d, 0, NULL), 0);
        ck_assert_uint_eq(harness_stam(h, "Interrupts"), 0);
        return;
    }
    for (uint32_t round = 0; round < 20; round++) { /* after the third one of three */
        uint64_t before = harness_stam(h, "Interrupts");
        drv_want_interrupt(&d, 0, 2);
        for (uint32_t i = 0; i < 3; i++) {
            ck_assert_uint_eq(harness_stam(h, "Interrupts"), before);
            drv_give(&d, 0, 0x800000, 8, 1);
            ck_assert_int_ge(drv_used(&d, 0, NULL), 0);
        }
        ck_assert_uint_eq(harness_stam(h, "Interrupts"), before + 1);
        drv_isr(&d);
    }
}
END_TEST

/* With event indices the device asks for the next buffer only. */
START_TEST(kicks_are_saved)
{
    start("", DRV_EVENT | (_i ? DRV_PACKED : 0));
    DrvSeg seg = {0x800000, 16, 1};
    drv_give(&d, 0, 0x800000, 16, 1);
    uint64_t before = harness_stam(h, "Notifications");
    for (int i = 0; i < 5; i++) {
        drv_add(&d, 0, &seg, 1);
    }
    drv_kick(&d, 0);
    ck_assert_uint_eq(harness_stam(h, "Notifications"), before + 1);
    ck_assert_uint_eq(harness_stam(h, "Elements"), 6);
}
END_TEST

START_TEST(rate_is_kept)
{
    uint32_t len;
    start("MaxBytes=100,PeriodMs=10", modes[_i]);
    drv_give(&d, 0, 0x800000, 60, 1);
    drv_give(&d, 0, 0x801000, 60, 1);
    drv_give(&d, 0, 0x802000, 60, 1);
    ck_assert_int_ge(drv_used(&d, 0, &len), 0);
    ck_assert_uint_eq(len, 60);
    ck_assert_int_ge(drv_used(&d, 0, &len), 0);
    ck_assert_uint_eq(len, 40);
    ck_assert_int_eq(drv_used(&d, 0, &len), -1);
    ck_assert_uint_ge(harness_stam(h, "Throttled"), 1);
    harness_save_load(h); /* with a buffer in the device */
    harness_advance_ns(h, 9000000);
    ck_assert_int_eq(drv_used(&d, 0, &len), -1);
    harness_advance_ns(h, 1000000);
    ck_assert_int_ge(drv_used(&d, 0, &len), 0);
    ck_assert_uint_eq(len, 60);
    ck_assert_uint_eq(harness_stam(h, "Bytes"), 60); /* since the load */
}
END_TEST

START_TEST(no_random_bytes_for_a_while)
{
    start("", 0);
    harness_fail_call(h, 1);
    drv_give(&d, 0, 0x800000, 60, 1);
    ck_assert_int_eq(drv_used(&d, 0, NULL), -1);
    harness_advance_ns(h, 100000000);
    ck_assert_int_ge(drv_used(&d, 0, NULL), 0);
    ck_assert_uint_eq(harness_stam(h, "Failed"), 1);
}
END_TEST

START_TEST(negotiation)
{
    h = harness_new("virtio-rng", "");
    drv_open(&d, h, 0, 0);
    ck_assert_uint_eq(drv_common(&d, 18, 2), 1);
    /* settled: no more changes */
    drv_accept(&d, 0);
    drv_common_set(&d, 8, 1, 4);
    ck_assert_uint_eq(drv_common(&d, 12, 4), 1);
    /* what is not offered, or without VERSION_1 */
    for (int i = 0; i < 3; i++) {
        drv_status_set(&d, 0);
        drv_status_set(&d, 3);
        drv_accept(&d, i == 0 ? 0 : i == 1 ? VIRTIO_F_VERSION_1 | 1 << 5 : VIRTIO_F_VERSION_1);
        if (i == 2) { /* beyond bit 63 */
            drv_common_set(&d, 8, 2, 4);
            drv_common_set(&d, 12, 1, 4);
        }
        drv_status_set(&d, 11);
        ck_assert_uint_eq(drv_status(&d), 3);
        drv_status_set(&d, 15);
        ck_assert_uint_eq(drv_status(&d), 3);
    }
    /* nothing is consumed before DRIVER_OK, all of it then */
    drv_open(&d, h, 0, 0);
    drv_place(&d, 0, 16, 1);
    drv_give(&d, 0, 0x800000, 4, 1);
    ck_assert_int_eq(drv_used(&d, 0, NULL), -1);
    drv_ready(&d);
    ck_assert_int_ge(drv_used(&d, 0, NULL), 0);
    /* an enabled queue stays where it is */
    drv_common_set(&d, 32, 0x5000, 8);
    ck_assert_uint_eq(drv_common(&d, 32, 4), (uint32_t)d.queues[0].desc);
    drv_common_set(&d, 22, 7, 2); /* no such queue */
    ck_assert_uint_eq(drv_common(&d, 24, 2), 0);
    ck_assert_uint_eq(drv_common(&d, 26, 2), 0xffff);
    drv_common_set(&d, 32, 0x5000, 8);
    drv_common_set(&d, 16, 99, 2); /* no such vector */
    ck_assert_uint_eq(drv_common(&d, 16, 2), 0xffff);
    drv_common_set(&d, 16, 1, 2);
    ck_assert_uint_eq(drv_common(&d, 16, 2), 1);
}
END_TEST

START_TEST(queue_reset)
{
    start("MaxBytes=4,PeriodMs=1000", DRV_ALL | (_i ? DRV_PACKED : 0));
    drv_give(&d, 0, 0x800000, 4, 1);
    drv_give(&d, 0, 0x800000, 4, 1); /* stays in the device */
    drv_common_set(&d, 22, 0, 2);
    drv_common_set(&d, 58, 1, 2);
    ck_assert_uint_eq(drv_common(&d, 58, 2), 0);
    ck_assert_uint_eq(drv_common(&d, 28, 2), 0);
    harness_advance_ns(h, 2000000000);
    drv_place(&d, 0, _i ? 5 : 4, 1);
    drv_give(&d, 0, 0x800000, 4, 1);
    ck_assert_int_ge(drv_used(&d, 0, NULL), 0);
}
END_TEST

/* 4.1.4.9: the registers through configuration space. */
START_TEST(config_access)
{
    uint32_t cap = 0;
    h = harness_new("virtio-rng", "");
    drv_open(&d, h, 0, 0);
    for (uint32_t at = harness_cfg_read(h, 0, 0x34, 1); at;
         at = harness_cfg_read(h, 0, at + 1, 1)) {
        if (harness_cfg_read(h, 0, at, 1) == 9 && harness_cfg_read(h, 0, at + 3, 1) == 5) {
            cap = at;
        }
    }
    ck_assert_uint_ne(cap, 0);
    harness_cfg_write(h, 0, cap + 4, 4, 1);
    harness_cfg_write(h, 0, cap + 8, 20, 4);
    harness_cfg_write(h, 0, cap + 12, 1, 4);
    ck_assert_uint_eq(harness_cfg_read(h, 0, cap + 16, 1), 11);
    harness_cfg_write(h, 0, cap + 16, 0, 1);
    ck_assert_uint_eq(drv_status(&d), 0);
    harness_cfg_write(h, 0, cap + 8, 0x7ffffffe, 4); /* beyond everything */
    harness_cfg_write(h, 0, cap + 12, 2, 4);
    harness_cfg_write(h, 0, cap + 16, 3, 2);
    harness_cfg_read(h, 0, cap + 16, 2);
    harness_cfg_write(h, 0, cap + 8, 21, 4); /* not aligned */
    harness_cfg_write(h, 0, cap + 16, 3, 2);
    ck_assert_uint_eq(drv_status(&d), 0);
}
END_TEST

START_TEST(bus_mastering_off)
{
    start("", modes[_i]);
    uint32_t command = harness_cfg_read(h, 0, 4, 2);
    harness_cfg_write(h, 0, 4, command & ~4u, 2);
    drv_give(&d, 0, 0x800000, 4, 1);
    ck_assert_int_eq(drv_used(&d, 0, NULL), -1);
    harness_cfg_write(h, 0, 4, command, 2);
    ck_assert_int_ge(drv_used(&d, 0, NULL), 0);
}
END_TEST

/* -- broken rings ---------------------------------------------------------------------------- */

static void broken(int what)
{
    DrvQueue *q = &d.queues[0];
    uint64_t table = drv_alloc(&d, 4096);
    switch (what) {
    case 0: harness_ram_put16(h, q->driver + 2, 9); break; /* nine of eight */
    case 1: harness_ram_put16(h, q->driver + 4, 8); break; /* no such descriptor */
    case 2:                                                /* a loop */
        drv_desc(&d, q->desc, (DrvSeg){0x800000, 4, 0}, 3, 1);
        drv_desc(&d, q->desc + 16, (DrvSeg){0x800000, 4, 0}, 3, 0);
        break;
    case 3: drv_desc(&d, q->desc, (DrvSeg){0x800000, 4, 0}, 3, 8); break; /* next beyond */
    case 4: drv_desc(&d, q->desc, (DrvSeg){table, 24, 0}, 4, 0); break;   /* half an entry */
    case 5: drv_desc(&d, q->desc, (DrvSeg){table, 0, 0}, 4, 0); break;    /* none */
    case 6:                                                               /* indirect in indirect */
        drv_desc(&d, q->desc, (DrvSeg){table, 16, 0}, 4, 0);
        drv_desc(&d, table, (DrvSeg){table, 16, 0}, 4, 0);
        break;
    case 7: drv_desc(&d, q->desc, (DrvSeg){table, 16, 0}, 5, 1); break; /* and next */
    case 8: /* to read behind to write */
        drv_desc(&d, q->desc, (DrvSeg){0x800000, 4, 1}, 3, 1);
        drv_desc(&d, q->desc + 16, (DrvSeg){0x800000, 4, 0}, 0, 0);
        break;
    case 9: drv_desc(&d, q->desc, (DrvSeg){~0ull - 2, 8, 1}, 2, 0); break; /* wraps */
    case 10: drv_desc(&d, q->desc, (DrvSeg){table, 16 * 1025, 0}, 4, 0); break;
    default: break;
    }
    if (what > 1) {
        harness_ram_put16(h, q->driver + 4, 0);
    }
    if (what) {
        harness_ram_put16(h, q->driver + 2, 1);
    }
}

START_TEST(broken_split_rings)
{
    start("QueueSize=8", DRV_INDIRECT);
    broken(_i);
    drv_notify(&d, 0);
    ck_assert_uint_eq(drv_status(&d), 15 | VIRTIO_STATUS_NEEDS_RESET);
    ck_assert_uint_eq(drv_isr(&d), 2);
    drv_status_set(&d, 15);
    ck_assert_uint_eq(drv_status(&d), 15 | VIRTIO_STATUS_NEEDS_RESET);
    drv_notify(&d, 0);
    harness_save_load(h);
    drv_notify(&d, 0);
    /* only a reset helps */
    drv_open(&d, h, 0, 0);
    drv_place(&d, 0, 0, 1);
    drv_ready(&d);
    drv_give(&d, 0, 0x800000, 4, 1);
    ck_assert_int_ge(drv_used(&d, 0, NULL), 0);
}
END_TEST

START_TEST(broken_packed_rings)
{
    start("QueueSize=8", DRV_PACKED | DRV_INDIRECT);
    DrvQueue *q = &d.queues[0];
    DrvSeg seg = {0x800000, 16, 1};
    uint32_t flags = 0x80;
    switch (_i) {
    case 0: /* a chain without an end */
        for (uint32_t i = 0; i < 8; i++) {
            drv_desc(&d, q->desc + 16 * i, seg, 0x83, 0);
        }
        flags = 0x83;
        break;
    case 1: flags = 0x85; break; /* indirect and next */
    case 2:
        seg.len = 17;
        flags = 0x84;
        break;
    case 3: seg.gpa = ~0ull; break;
    default:
        seg.len = 16 * 1025;
        flags = 0x84;
        break;
    }
    drv_desc(&d, q->desc, seg, flags, 0);
    drv_notify(&d, 0);
    ck_assert_uint_eq(drv_status(&d), 15 | VIRTIO_STATUS_NEEDS_RESET);
}
END_TEST

START_TEST(impossible_queues)
{
    h = harness_new("virtio-rng", "");
    for (int i = 0; i < 4; i++) {
        drv_open(&d, h, i == 3 ? DRV_PACKED : 0, 0);
        drv_common_set(&d, 22, 0, 2);
        drv_common_set(&d, 24, i == 0 ? 3 : 8, 2);
        drv_common_set(&d, 24, 0, 2);
        drv_common_set(&d, 24, 4096, 2); /* more than there is */
        drv_common_set(&d, 32, i == 1 ? 0x100008 : 0x100000, 8);
        drv_common_set(&d, 40, i == 3 ? 0x101002 : 0x101000, 8);
        drv_common_set(&d, 48, i == 2 ? 0x102002 : 0x102000, 8);
        drv_common_set(&d, 28, 1, 2);
        ck_assert_uint_eq(drv_common(&d, 28, 2), 0);
        ck_assert_uint_eq(drv_status(&d), 11 | VIRTIO_STATUS_NEEDS_RESET);
    }
}
END_TEST

/* Rings in the device's own registers, in MSI-X table and in nothing at all. */
START_TEST(rings_in_strange_places)
{
    static const uint64_t places[] = {DRV_MMIO, DRV_MSIX, 0xd0000000, 1ull << 52, ~15ull};
    h = harness_new("virtio-rng", "");
    drv_open(&d, h, _i & 1 ? DRV_PACKED : 0, 0);
    drv_common_set(&d, 22, 0, 2);
    drv_common_set(&d, 24, 8, 2);
    for (uint32_t off = 32; off <= 48; off += 8) {
        drv_common_set(&d, off, places[_i / 2], 8);
    }
    drv_common_set(&d, 28, 1, 2);
    drv_ready(&d);
    drv_notify(&d, 0);
    harness_advance_ns(h, 1000000);
    harness_save_load(h);
    drv_notify(&d, 0);
}
END_TEST

START_TEST(configuration)
{
    viv_status_t st;
    ck_assert_ptr_null(harness_try_new("virtio-rng", "Legacy=0,Modern=0", &st));
    ck_assert_int_eq(st, VIV_E_CONFIG);
    ck_assert_ptr_null(harness_try_new("virtio-rng", "QueueSize=12", &st));
    ck_assert_int_eq(st, VIV_E_CONFIG);
    ck_assert_ptr_null(harness_try_new("virtio-rng", "PeriodMs=0", &st));
    ck_assert_int_eq(st, VIV_E_CONFIG);
    ck_assert_uint_gt(harness_construct_failures("virtio-rng", ""), 5);
    h = harness_new("virtio-rng", "Packed=0,EventIdx=0,IndirectDesc=0");
    drv_open(&d, h, 0, 0);
    ck_assert_uint_eq(
        drv_offered(&d) & (VIRTIO_F_RING_PACKED | VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC), 0);
}
END_TEST

int main(void)
{
    const int count = sizeof(modes) / sizeof(modes[0]);
    Suite *s = suite_create("virtio-rng");
    TCase *t = tcase_create("all");
    tcase_add_checked_fixture(t, NULL, teardown);
    tcase_add_test(t, identity);
    tcase_add_loop_test(t, buffers_are_filled, 0, count);
    tcase_add_loop_test(t, interrupts_only_where_wanted, 0, count);
    tcase_add_loop_test(t, kicks_are_saved, 0, 2);
    tcase_add_loop_test(t, rate_is_kept, 0, count);
    tcase_add_test(t, no_random_bytes_for_a_while);
    tcase_add_test(t, negotiation);
    tcase_add_loop_test(t, queue_reset, 0, 2);
    tcase_add_test(t, config_access);
    tcase_add_loop_test(t, bus_mastering_off, 0, count);
    tcase_add_loop_test(t, broken_split_rings, 0, 11);
    tcase_add_loop_test(t, broken_packed_rings, 0, 5);
    tcase_add_test(t, impossible_queues);
    tcase_add_loop_test(t, rings_in_strange_places, 0, 10);
    tcase_add_test(t, configuration);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
