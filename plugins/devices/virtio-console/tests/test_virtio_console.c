/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtio-console: bytes in both directions, control messages, ports that come and go, saved state. */
#include <stdlib.h>
#include <viv/interfaces.h>

#include "../../virtio/tests/virtio_driver.h"
#include "../virtio_console.h"

#define BUF 0x800000u

static Harness *h;
static Drv d;

static void start(const char *options, uint32_t mode, uint64_t features, uint32_t luns)
{
    h = harness_create();
    for (uint32_t i = 0; i < luns; i++) {
        harness_lun_char(h, i);
    }
    ck_assert_msg(harness_start(h, "virtio-console", options) == VIV_OK, "%s", harness_error());
    drv_open(&d, h, mode, features);
    uint32_t queues = features & CONSOLE_F_MULTIPORT ? 2 * (drv_config(&d, 4, 4) + 1) : 2;
    for (uint32_t i = 0; i < queues; i++) {
        drv_place(&d, i, 0, 1);
    }
    drv_ready(&d);
}

static void teardown(void)
{
    harness_free(h);
    h = NULL;
}

static const uint32_t modes[] = {
    DRV_LEGACY, DRV_LEGACY | DRV_MSIX_ON,
    0,          DRV_EVENT | DRV_INDIRECT,
    DRV_PACKED, DRV_PACKED | DRV_EVENT | DRV_INDIRECT | DRV_MSIX_ON | DRV_ALL,
};
#define MODES ((int)(sizeof(modes) / sizeof(modes[0])))

static void send(uint32_t queue, const char *text)
{
    uint32_t len = (uint32_t)strlen(text);
    harness_ram_write(h, BUF, text, len);
    DrvSeg segs[2] = {{BUF, len / 2, 0}, {BUF + len / 2, len - len / 2, 0}};
    drv_add(&d, queue, segs, 2);
    drv_kick(&d, queue);
}

/* -- the port without control queues --------------------------------------------------------- */

START_TEST(bytes_out)
{
    size_t len;
    start("", modes[_i], 0, 1);
    for (int i = 0; i < 200; i++) {
        send(1, "hello, ");
        send(1, "world\n");
        ck_assert_int_ge(drv_used(&d, 1, NULL), 0);
        ck_assert_int_ge(drv_used(&d, 1, NULL), 0);
        ck_assert_str_eq(harness_char_output(h, 0, &len), "hello, world\n");
        harness_char_clear(h, 0);
    }
}
END_TEST

START_TEST(a_slow_reader)
{
    size_t len;
    start("", modes[_i], 0, 1);
    harness_char_room(h, 0, 3);
    send(1, "abcdefgh");
    ck_assert_int_eq(drv_used(&d, 1, NULL), -1);
    ck_assert_str_eq(harness_char_output(h, 0, &len), "abc");
    harness_char_room(h, 0, 2);
    ck_assert_str_eq(harness_char_output(h, 0, &len), "abcde");
    harness_save_load(h);
    harness_char_room(h, 0, 100);
    ck_assert_int_ge(drv_used(&d, 1, NULL), 0);
    ck_assert_str_eq(harness_char_output(h, 0, &len), "abcdefgh");
}
END_TEST

START_TEST(bytes_in)
{
    uint32_t len;
    char got[9] = "";
    start("", modes[_i], 0, 1);
    harness_char_inject(h, 0, "12345678", 8); /* nowhere to put it */
    ck_assert_uint_eq(harness_char_waiting(h, 0), 8);
    drv_give(&d, 0, BUF, 5, 1);
    ck_assert_uint_eq(harness_char_waiting(h, 0), 3);
    ck_assert_int_ge(drv_used(&d, 0, &len), 0);
    ck_assert_uint_eq(len, 5);
    drv_give(&d, 0, BUF + 5, 100, 1);
    ck_assert_int_ge(drv_used(&d, 0, &len), 0);
    ck_assert_uint_eq(len, 3);
    harness_ram_read(h, BUF, got, 8);
    ck_assert_str_eq(got, "12345678");
    ck_assert_uint_eq(harness_stam(h, "BytesIn"), 8);
}
END_TEST

START_TEST(a_flood_takes_turns)
{
    start("", DRV_INDIRECT, 0, 1);
    DrvSeg segs[8];
    for (uint32_t i = 0; i < 8; i++) { /* 8 MiB in one buffer */
        segs[i] = (DrvSeg){0x1000000, 0x100000, 0};
    }
    drv_add(&d, 1, segs, 8);
    drv_kick(&d, 1);
    ck_assert_int_eq(drv_used(&d, 1, NULL), -1);
    ck_assert_uint_le(harness_stam(h, "BytesOut"), 1u << 20);
    harness_save_load(h);
    harness_advance_ns(h, 10000000);
    ck_assert_int_ge(drv_used(&d, 1, NULL), 0);
    size_t len;
    harness_char_output(h, 0, &len);
    ck_assert_uint_eq(len, 8u << 20);
}
END_TEST

START_TEST(nothing_plugged_in)
{
    start("", modes[_i], 0, 0);
    send(1, "lost");
    ck_assert_int_ge(drv_used(&d, 1, NULL), 0);
    ck_assert_uint_eq(harness_stam(h, "BytesLost"), 4);
}
END_TEST

START_TEST(size_and_emergency)
{
    size_t len;
    start("Columns=132,Rows=43", modes[_i], CONSOLE_F_SIZE | CONSOLE_F_EMERG_WRITE, 1);
    ck_assert_uint_eq(drv_config(&d, 0, 2), 132);
    ck_assert_uint_eq(drv_config(&d, 2, 2), 43);
    ck_assert_uint_eq(drv_config(&d, 4, 4), 1);
    drv_config_set(&d, 8, '!', 4);
    drv_config_set(&d, 8, '?', 1);
    drv_config_set(&d, 0, 77, 2);
    ck_assert_uint_eq(drv_config(&d, 0, 2), 132);
    ck_assert_str_eq(harness_char_output(h, 0, &len), "!?");
    viv_iface_t iface = harness_port(h, 0, VIV_CONSOLE_PORT_ID);
    if (!(modes[_i] & DRV_MSIX_ON)) {
        drv_isr(&d);
    }
    ((const viv_console_port_ops_t *)iface.ops)->resize(iface.self, 90, 30);
    ck_assert_uint_eq(drv_config(&d, 0, 4), 90 | 30 << 16);
    if (!(modes[_i] & DRV_MSIX_ON)) {
        ck_assert_uint_eq(drv_isr(&d), 2);
    }
}
END_TEST

/* -- control messages ------------------------------------------------------------------------ */

static void tell(uint32_t port, uint32_t event, uint32_t value)
{
    harness_ram_put32(h, BUF + 0x8000, port);
    harness_ram_put16(h, BUF + 0x8004, (uint16_t)event);
    harness_ram_put16(h, BUF + 0x8006, (uint16_t)value);
    drv_give(&d, 3, BUF + 0x8000, 8, 0);
    ck_assert_int_ge(drv_used(&d, 3, NULL), 0);
}

/* The next message is this one; the bytes behind it go to rest. */
static void told(uint32_t port, uint32_t event, uint32_t value, const char *rest)
{
    uint32_t len;
    char got[64] = "";
    int id = drv_used(&d, 2, &len);
    ck_assert_msg(id >= 0, "no message %u of port %u", event, port);
    ck_assert_uint_eq(harness_ram_get32(h, BUF + 0x9000), port);
    ck_assert_uint_eq(harness_ram_get16(h, BUF + 0x9004), event);
    ck_assert_uint_eq(harness_ram_get16(h, BUF + 0x9006), value);
    if (rest) {
        harness_ram_read(h, BUF + 0x9008, got, len - 8);
        ck_assert_uint_eq(len - 8, strlen(rest));
        ck_assert_str_eq(got, rest);
    }
    drv_give(&d, 2, BUF + 0x9000, 64, 1);
}

static void silence(void)
{
    ck_assert_int_eq(drv_used(&d, 2, NULL), -1);
}

static void start_ports(uint32_t mode)
{
    start("Ports=3,Port1/Name=agent,Columns=80,Rows=25", mode, CONSOLE_F_MULTIPORT, 2);
    drv_give(&d, 2, BUF + 0x9000, 64, 1); /* one buffer: a message at a time */
    silence();
    tell(0, CONSOLE_DEVICE_READY, 1);
    for (uint32_t i = 0; i < 3; i++) {
        told(i, CONSOLE_DEVICE_ADD, 1, "");
    }
    silence();
}

START_TEST(ports_are_introduced)
{
    size_t len;
    start_ports(modes[_i]);
    tell(0, CONSOLE_PORT_READY, 1);
    told(0, CONSOLE_CONSOLE_PORT, 1, "");
    ck_assert_int_ge(drv_used(&d, 2, NULL), 0); /* the size: 80 columns, 25 rows */
    ck_assert_uint_eq(harness_ram_get16(h, BUF + 0x9004), CONSOLE_RESIZE);
    ck_assert_uint_eq(harness_ram_get32(h, BUF + 0x9008), 80 | 25 << 16);
    harness_save_load(h);
    drv_give(&d, 2, BUF + 0x9000, 64, 1);
    told(0, CONSOLE_PORT_OPEN, 1, "");
    tell(1, CONSOLE_PORT_READY, 1);
    told(1, CONSOLE_PORT_NAME, 1, "agent");
    told(1, CONSOLE_PORT_OPEN, 1, "");
    tell(2, CONSOLE_PORT_READY, 1); /* nothing is plugged in there */
    silence();
    tell(1, CONSOLE_PORT_READY, 0);
    tell(77, CONSOLE_PORT_READY, 1);
    tell(1, 99, 1);
    silence();
    tell(1, CONSOLE_PORT_READY, 1);
    told(1, CONSOLE_PORT_NAME, 1, "agent");
    told(1, CONSOLE_PORT_OPEN, 1, "");
    /* input waits until the guest has the port open */
    drv_give(&d, 4, BUF, 16, 1);
    harness_char_inject(h, 1, "ping", 4);
    ck_assert_int_eq(drv_used(&d, 4, NULL), -1);
    tell(1, CONSOLE_PORT_OPEN, 1);
    ck_assert_uint_eq(harness_char_params(h, 1).lines, 3);
    ck_assert_int_ge(drv_used(&d, 4, NULL), 0);
    send(5, "pong");
    ck_assert_str_eq(harness_char_output(h, 1, &len), "pong");
    tell(1, CONSOLE_PORT_OPEN, 0);
    ck_assert_uint_eq(harness_char_params(h, 1).lines, 0);
}
END_TEST

START_TEST(the_peer_goes_and_comes)
{
    start_ports(modes[_i]);
    viv_iface_t iface = harness_port(h, 1, VIV_CHAR_PORT_ID);
    const viv_char_port_ops_t *plug = iface.ops;
    tell(1, CONSOLE_PORT_READY, 1);
    told(1, CONSOLE_PORT_NAME, 1, "agent");
    told(1, CONSOLE_PORT_OPEN, 1, "");
    plug->set_status(iface.self, 0);
    told(1, CONSOLE_PORT_OPEN, 0, "");
    plug->set_status(iface.self, 0);
    silence();
    plug->set_status(iface.self, 8);
    told(1, CONSOLE_PORT_OPEN, 1, "");
}
END_TEST

START_TEST(ports_come_and_go)
{
    start_ports(modes[_i]);
    viv_iface_t iface = harness_port(h, 1, VIV_CONSOLE_PORT_ID);
    const viv_console_port_ops_t *port = iface.ops;
    tell(1, CONSOLE_PORT_READY, 1);
    told(1, CONSOLE_PORT_NAME, 1, "agent");
    told(1, CONSOLE_PORT_OPEN, 1, "");
    port->plug(iface.self, 0);
    port->plug(iface.self, 0);
    told(1, CONSOLE_DEVICE_DEL, 1, "");
    tell(1, CONSOLE_PORT_READY, 1); /* too late */
    silence();
    port->plug(iface.self, 1);
    told(1, CONSOLE_DEVICE_ADD, 1, "");
    silence();
    /* while there is no buffer: away and back is both told, in that order */
    DrvQueue saved = d.queues[2];
    (void)saved;
    port->plug(iface.self, 0);
    port->plug(iface.self, 1);
    told(1, CONSOLE_DEVICE_DEL, 1, "");
    told(1, CONSOLE_DEVICE_ADD, 1, "");
    silence();
    ck_assert_int_eq(harness_query(h, 3, VIV_CONSOLE_PORT_ID, &iface), VIV_E_NOT_FOUND);
}
END_TEST

START_TEST(configuration)
{
    viv_status_t st;
    ck_assert_ptr_null(harness_try_new("virtio-console", "Ports=2,Multiport=0", &st));
    ck_assert_int_eq(st, VIV_E_CONFIG);
    ck_assert_ptr_null(harness_try_new("virtio-console", "Ports=32", &st));
    ck_assert_int_eq(st, VIV_E_CONFIG);
    ck_assert_uint_gt(harness_construct_failures("virtio-console", "Ports=2"), 5);
    h = harness_new("virtio-console", "Ports=31,Legacy=0");
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0, 4), 0x10431af4);
    drv_open(&d, h, 0, CONSOLE_F_MULTIPORT);
    ck_assert_uint_eq(drv_common(&d, 18, 2), 64);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("virtio-console");
    TCase *t = tcase_create("all");
    tcase_add_checked_fixture(t, NULL, teardown);
    tcase_add_loop_test(t, bytes_out, 0, MODES);
    tcase_add_loop_test(t, a_slow_reader, 0, MODES);
    tcase_add_loop_test(t, bytes_in, 0, MODES);
    tcase_add_test(t, a_flood_takes_turns);
    tcase_add_loop_test(t, nothing_plugged_in, 0, MODES);
    tcase_add_loop_test(t, size_and_emergency, 0, MODES);
    tcase_add_loop_test(t, ports_are_introduced, 0, MODES);
    tcase_add_loop_test(t, the_peer_goes_and_comes, 0, MODES);
    tcase_add_loop_test(t, ports_come_and_go, 0, MODES);
    tcase_add_test(t, configuration);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
