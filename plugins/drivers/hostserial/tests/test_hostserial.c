/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hostserial: a pseudo terminal as the host's port; marks in its input; what is refused. */
#include "../../charfd/tests/fake_port.h"
#include "../hostserial.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

static int master;
static char path[64], options[128];

static void setup(void)
{
    struct termios raw;
    master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    ck_assert_int_ge(master, 0);
    ck_assert_int_eq(grantpt(master) | unlockpt(master), 0);
    ck_assert_int_eq(ptsname_r(master, path, sizeof(path)), 0);
    ck_assert_int_eq(tcgetattr(master, &raw), 0);
    raw.c_iflag |= ICRNL;
    raw.c_lflag |= ECHO;
    tcsetattr(master, TCSANOW, &raw);
    snprintf(options, sizeof(options), "DevicePath=%s", path);
}

static void teardown(void)
{
    harness_free(h);
    h = NULL;
    close(master);
}

static const viv_char_ops_t *char_ops(void **ret_self)
{
    viv_iface_t chr = harness_drv_iface(h, VIV_CHAR_ID);
    *ret_self = chr.self;
    return chr.ops;
}

START_TEST(raw_in_both_directions)
{
    char buf[16];
    struct termios t;
    port_start("Host Serial", options);
    ck_assert_int_eq(write(master, "\r\003\xff\xfe z", 6), 6);
    port_pump();
    ck_assert_str_eq(port.got, "\r\003\xff\xfe z");
    ck_assert_uint_eq(port_write("\n\xff", 2), 2);
    ck_assert_int_eq(read(master, buf, sizeof(buf)), 2);
    ck_assert_int_eq(memcmp(buf, "\n\xff", 2), 0);
    /* the settings come back */
    harness_free(h);
    h = NULL;
    ck_assert_int_eq(tcgetattr(master, &t), 0);
    ck_assert(t.c_iflag & ICRNL);
    ck_assert(t.c_lflag & ECHO);
}
END_TEST

START_TEST(line_parameters)
{
    void *self;
    struct termios t;
    port_start("Host Serial", options);
    const viv_char_ops_t *ops = char_ops(&self);
    ops->set_params(self, 115200, 8, 4, 'E');
    ck_assert_int_eq(tcgetattr(master, &t), 0);
    ck_assert(t.c_cflag & CSTOPB);
    ops->set_params(self, 12345, 7, 2, 'N'); /* any rate */
    ck_assert_int_eq(tcgetattr(master, &t), 0);
    ck_assert(!(t.c_cflag & CSTOPB));
    ops->set_lines(self, 7); /* a pseudo terminal has none of them */
    ops->set_lines(self, 0);
}
END_TEST

START_TEST(unplugged)
{
    port_start("Host Serial", options);
    close(master);
    port_pump();
    ck_assert_uint_eq(port_write("x", 1), 1);
    port_pump();
    ck_assert_uint_eq(port.len, 0);
    master = open("/dev/null", O_RDONLY);
}
END_TEST

typedef struct Marks {
    uint32_t at[4], value[4], marks[4], count;
} Marks;

static void mark(void *ctx, uint32_t at, uint8_t value, uint32_t marks)
{
    Marks *m = ctx;
    ck_assert_uint_lt(m->count, 4);
    m->at[m->count] = at;
    m->value[m->count] = value;
    m->marks[m->count++] = marks;
}

START_TEST(marks)
{
    static const char input[] = "ab\xff\xff"
                                "c\xff\0\0d\xff\0z\xff";
    HostSerialMarks all = {0}, parts = {0};
    Marks m = {0}, n = {0};
    uint8_t buf[32];
    memcpy(buf, input, 13);
    ck_assert_uint_eq(hostserial_marks(&all, buf, 13, mark, &m), 5);
    ck_assert_int_eq(memcmp(buf,
                            "ab\xff"
                            "cd",
                            5),
                     0);
    ck_assert_uint_eq(m.count, 2);
    ck_assert_uint_eq(m.at[0], 4);
    ck_assert_uint_eq(m.marks[0], VIV_CHAR_MARK_BREAK | VIV_CHAR_MARK_FRAMING);
    ck_assert_uint_eq(m.at[1], 5);
    ck_assert_uint_eq(m.value[1], 'z');
    ck_assert(m.marks[1] & VIV_CHAR_MARK_PARITY);
    /* the same byte by byte; the escape that was begun goes on */
    uint32_t total = 0;
    for (unsigned i = 0; i < 13; i++) {
        buf[0] = (uint8_t)input[i];
        total += hostserial_marks(&parts, buf, 1, mark, &n);
    }
    ck_assert_uint_eq(total, 5);
    ck_assert_uint_eq(n.count, 2);
    ck_assert_uint_eq(parts.state, 1);
    ck_assert_uint_eq(all.state, 1);
}
END_TEST

START_TEST(what_is_refused)
{
    ck_assert_int_eq(port_try("Host Serial", ""), VIV_E_CONFIG);
    harness_free(h);
    ck_assert_int_eq(port_try("Host Serial", "DevicePath=/nonexistent"), VIV_E_NOT_FOUND);
    harness_free(h);
    ck_assert_int_eq(port_try("Host Serial", "DevicePath=/dev/null"), VIV_E_INVALID);
    harness_free(h);
    h = NULL;
    ck_assert_uint_ge(harness_construct_failures_with(port_above, "Host Serial", options), 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hostserial");
    TCase *tc = tcase_create("hostserial");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, raw_in_both_directions);
    tcase_add_test(tc, line_parameters);
    tcase_add_test(tc, unplugged);
    tcase_add_test(tc, marks);
    tcase_add_test(tc, what_is_refused);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
