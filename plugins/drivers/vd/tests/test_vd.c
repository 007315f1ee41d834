/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vd: information, requests, the tray, read-only images, configuration. */
#include <check.h>
#include <string.h>

#include "harness.h"

static Harness *h;
static const viv_media_ops_t *media;
static void *self;

static viv_status_t try_start(const char *options, uint32_t read_only)
{
    h = harness_create();
    harness_storage_mem(h, "disk", 1 << 20, read_only);
    viv_status_t st = harness_start(h, "VD", options);
    if (st == VIV_OK) {
        viv_iface_t iface = harness_drv_iface(h, VIV_MEDIA_ID);
        media = iface.ops;
        self = iface.self;
    }
    return st;
}

static void start(const char *options)
{
    ck_assert_msg(try_start(options, 0) == VIV_OK, "%s", harness_error());
}

static void teardown(void)
{
    harness_free(h);
    h = NULL;
}

static viv_media_info_t info(void)
{
    viv_media_info_t i = {.size = sizeof(i)};
    media->info(self, &i);
    ck_assert_uint_eq(i.size, sizeof(i));
    return i;
}

static unsigned done_count;
static viv_status_t done_status;

static void done(viv_media_req_t *req, viv_status_t status)
{
    ck_assert_ptr_eq(req->ctx, &done_count);
    done_count++;
    done_status = status;
}

static viv_status_t run(uint32_t op, uint64_t off, void *buf, uint64_t len)
{
    viv_media_req_t req = {.size = sizeof(req),
                           .op = op,
                           .off = off,
                           .len_bytes = len,
                           .buf = buf,
                           .done = done,
                           .ctx = &done_count};
    done_count = 0;
    viv_status_t st = media->submit(self, &req);
    if (st < 0)
        return st;
    ck_assert_uint_eq(done_count, 0);
    while (harness_pump(h, 0))
        ;
    ck_assert_uint_eq(done_count, 1);
    return done_status;
}

START_TEST(disk)
{
    char buf[8] = "payload", back[8] = "";
    start("Path=disk,NonRotationalMedium=1");
    viv_media_info_t i = info();
    ck_assert_uint_eq(i.type, VIV_MEDIA_DISK);
    ck_assert_uint_eq(i.size_bytes, 1 << 20);
    ck_assert_uint_eq(i.present, 1);
    ck_assert_uint_eq(i.read_only, 0);
    ck_assert_uint_eq(i.non_rotational, 1);
    ck_assert_int_eq(run(VIV_MEDIA_OP_WRITE, 4096, buf, 8), VIV_OK);
    ck_assert_int_eq(run(VIV_MEDIA_OP_READ, 4096, back, 8), VIV_OK);
    ck_assert_str_eq(back, "payload");
    harness_storage_peek(h, "disk", 4096, back, 8);
    ck_assert_str_eq(back, "payload");
    ck_assert_int_eq(media->read(self, 4096, back, 8), VIV_OK);
    ck_assert_int_eq(media->write(self, 8192, buf, 8), VIV_OK);
    ck_assert_int_eq(run(VIV_MEDIA_OP_FLUSH, 0, NULL, 0), VIV_OK);
    ck_assert_int_eq(run(VIV_MEDIA_OP_READ, 1 << 20, back, 8), VIV_E_INVALID);
    ck_assert_int_eq(run(VIV_MEDIA_OP_DISCARD, 0, NULL, 512),
                     VIV_E_UNSUPPORTED); /* not switched on */
    ck_assert_int_eq(run(99, 0, NULL, 0), VIV_E_UNSUPPORTED);
    ck_assert_int_eq(media->eject(self, 1), VIV_E_UNSUPPORTED);
    /* a small info struct of an older device */
    viv_media_info_t old = {.size = offsetof(viv_media_info_t, read_only), .read_only = 77};
    media->info(self, &old);
    ck_assert_uint_eq(old.size_bytes, 1 << 20);
    ck_assert_uint_eq(old.read_only, 77);
}
END_TEST

START_TEST(read_only)
{
    char buf[512] = "";
    start("Path=disk,ReadOnly=1");
    ck_assert_uint_eq(info().read_only, 1);
    ck_assert_int_eq(media->write(self, 0, buf, 512), VIV_E_ACCESS);
    ck_assert_int_eq(run(VIV_MEDIA_OP_WRITE, 0, buf, 512), VIV_E_ACCESS);
    ck_assert_int_eq(run(VIV_MEDIA_OP_FLUSH, 0, NULL, 0), VIV_OK);
    teardown();
    start("Path=disk,Type=DVD");
    ck_assert_uint_eq(info().read_only, 1);
    ck_assert_uint_eq(info().type, VIV_MEDIA_DVD);
    teardown();
    ck_assert_int_lt(try_start("Path=disk", 1), 0);
    teardown();
    ck_assert_int_eq(try_start("Path=disk,MaybeReadOnly=1", 1), VIV_OK);
    ck_assert_uint_eq(info().read_only, 1);
}
END_TEST

START_TEST(tray)
{
    char buf[512];
    start("Path=disk,Type=DVD,Mountable=1");
    uint32_t generation = info().generation;
    media->lock(self, 1);
    ck_assert_int_eq(media->eject(self, 1), VIV_E_BUSY);
    media->lock(self, 0);
    ck_assert_int_eq(media->eject(self, 1), VIV_OK);
    ck_assert_uint_eq(info().present, 0);
    ck_assert_uint_eq(info().size_bytes, 0);
    ck_assert_uint_ne(info().generation, generation);
    generation = info().generation;
    ck_assert_int_eq(media->eject(self, 1), VIV_OK);
    ck_assert_uint_eq(info().generation, generation);
    ck_assert_int_eq(run(VIV_MEDIA_OP_READ, 0, buf, 512), VIV_E_NOT_FOUND);
    ck_assert_int_eq(media->eject(self, 0), VIV_OK);
    ck_assert_uint_eq(info().present, 1);
    ck_assert_uint_ne(info().generation, generation);
    ck_assert_int_eq(run(VIV_MEDIA_OP_READ, 0, buf, 512), VIV_OK);
}
END_TEST

START_TEST(empty_drive)
{
    char buf[512];
    start("Type=Floppy 1.44,Mountable=1");
    ck_assert_uint_eq(info().type, VIV_MEDIA_FLOPPY);
    ck_assert_uint_eq(info().present, 0);
    ck_assert_int_eq(media->read(self, 0, buf, 512), VIV_E_NOT_FOUND);
    ck_assert_int_eq(run(VIV_MEDIA_OP_FLUSH, 0, NULL, 0), VIV_OK);
    teardown();
    start("Path=disk,Mountable=1,EmptyDrive=1");
    ck_assert_uint_eq(info().present, 0);
}
END_TEST

/* A device above: counts what it is told, and looks at the drive then as a device does. */
static unsigned told, requests;
static uint32_t told_present[8];

static void port_changed(void *port)
{
    (void)port;
    told_present[told++ & 7u] = info().present;
}

static void port_eject_request(void *port)
{
    (void)port;
    requests++;
}

static const viv_media_port_ops_t port_ops = {
    .size = sizeof(port_ops), .changed = port_changed, .eject_request = port_eject_request};

static const viv_mount_ops_t *mount_start(const char *options)
{
    told = requests = 0;
    h = harness_create();
    harness_storage_mem(h, "disk", 1 << 20, 0);
    harness_storage_mem(h, "other", 2 << 20, 0);
    harness_drv_above(h, VIV_MEDIA_PORT_ID, &port_ops, NULL);
    ck_assert_msg(harness_start(h, "VD", options) == VIV_OK, "%s", harness_error());
    viv_iface_t iface = harness_drv_iface(h, VIV_MEDIA_ID);
    media = iface.ops;
    self = iface.self;
    iface = harness_drv_iface(h, VIV_MOUNT_ID);
    ck_assert_ptr_eq(iface.self, self);
    return iface.ops;
}

START_TEST(changing_the_medium)
{
    char path[16], buf[8] = "";
    const viv_mount_ops_t *mount = mount_start("Path=disk,Type=DVD,Mountable=1");
    uint64_t identity = info().identity;
    uint32_t generation = info().generation;
    harness_async_inline(h, 1);
    harness_storage_poke(h, "other", 0, "second", 7);
    ck_assert_uint_ne(identity, 0);
    ck_assert_uint_eq(mount->is_mounted(self), 1);
    ck_assert_int_lt(mount->mount(self, "/nonexistent/image", NULL), 0);
    ck_assert_uint_eq(info().generation, generation); /* the old one is still in */
    ck_assert_uint_eq(told, 0);
    ck_assert_int_eq(mount->mount(self, "other", NULL), VIV_OK);
    ck_assert_uint_eq(told, 2); /* out, then in */
    ck_assert_uint_eq(told_present[0], 0);
    ck_assert_uint_eq(told_present[1], 1);
    ck_assert_uint_eq(info().size_bytes, 2 << 20);
    ck_assert_uint_eq(info().generation, generation + 2);
    ck_assert_uint_ne(info().identity, identity);
    ck_assert_int_eq(media->read(self, 0, buf, 7), VIV_OK);
    ck_assert_str_eq(buf, "second");
    mount->path(self, path, sizeof(path));
    ck_assert_str_eq(path, "other");
    mount->path(self, path, 3);
    ck_assert_str_eq(path, "ot");
    ck_assert_int_eq(mount->mount(self, "disk", NULL), VIV_OK);
    ck_assert_uint_eq(info().identity, identity); /* the same image is the same medium */
    ck_assert_int_eq(mount->unmount(self, 0, 1), VIV_OK);
    ck_assert_uint_eq(info().present, 0);
    ck_assert_uint_eq(mount->is_open(self), 1);
    ck_assert_uint_eq(info().tray, VIV_MEDIA_TRAY_OPEN);
    ck_assert_uint_eq(mount->is_mounted(self), 0);
    ck_assert_int_eq(mount->unmount(self, 0, 0), VIV_E_NOT_FOUND);
    ck_assert_uint_eq(mount->is_open(self), 0);
    mount->path(self, path, sizeof(path));
    ck_assert_str_eq(path, "");
}
END_TEST

START_TEST(changing_a_locked_medium)
{
    const viv_mount_ops_t *mount = mount_start("Path=disk,Type=DVD,Mountable=1");
    harness_async_inline(h, 1);
    media->lock(self, 1);
    ck_assert_uint_eq(mount->is_locked(self), 1);
    ck_assert_int_eq(mount->unmount(self, 0, 1), VIV_E_BUSY);
    ck_assert_int_eq(mount->mount(self, "other", NULL), VIV_E_BUSY);
    ck_assert_uint_eq(requests, 2);
    ck_assert_uint_eq(told, 0);
    ck_assert_int_eq(mount->unmount(self, 1, 1), VIV_OK);
    ck_assert_int_eq(mount->mount(self, "other", NULL), VIV_OK); /* it lay open */
    mount->unlock(self);
    ck_assert_int_eq(mount->unmount(self, 0, 1), VIV_OK);
    teardown();
    mount = mount_start("Path=disk");
    ck_assert_int_eq(mount->unmount(self, 1, 1), VIV_E_UNSUPPORTED);
    ck_assert_int_eq(mount->mount(self, "other", NULL), VIV_E_UNSUPPORTED);
}
END_TEST

START_TEST(a_written_floppy_is_flushed_when_it_leaves)
{
    char buf[8] = "kept", back[8] = "";
    const viv_mount_ops_t *mount = mount_start("Path=disk,Type=Floppy 1.44,Mountable=1");
    harness_async_inline(h, 1);
    uint64_t identity = info().identity;
    ck_assert_int_eq(media->write(self, 512, buf, 5), VIV_OK);
    ck_assert_uint_eq(info().identity, identity);
    harness_storage_fail(h, VIV_E_IO, 1); /* told in the log, no more */
    ck_assert_int_eq(mount->unmount(self, 0, 0), VIV_OK);
    ck_assert_uint_ge(harness_event_count(h, HARNESS_EV_LOG), 1);
    ck_assert_int_eq(mount->mount(self, "disk", "raw"), VIV_OK);
    ck_assert_int_eq(media->read(self, 512, back, 5), VIV_OK);
    ck_assert_str_eq(back, "kept");
}
END_TEST

START_TEST(flush_and_discard)
{
    char buf[512] = "x";
    start("Path=disk,IgnoreFlush=1");
    harness_storage_fail(h, VIV_E_IO, 1);
    ck_assert_int_eq(run(VIV_MEDIA_OP_FLUSH, 0, NULL, 0), VIV_OK);
    ck_assert_int_eq(run(VIV_MEDIA_OP_READ, 0, buf, 512), VIV_E_IO);
    teardown();
    start("Path=disk,Discard=1");
    harness_storage_poke(h, "disk", 512, "data", 4);
    ck_assert_int_eq(run(VIV_MEDIA_OP_DISCARD, 512, NULL, 512), VIV_OK);
    harness_storage_peek(h, "disk", 512, buf, 4);
    ck_assert_mem_eq(buf, "\0\0\0\0", 4);
}
END_TEST

START_TEST(bad_configuration)
{
    ck_assert_int_eq(try_start("", 0), VIV_E_CONFIG);
    teardown();
    ck_assert_int_eq(try_start("Path=disk,Type=Tape", 0), VIV_E_CONFIG);
    ck_assert_ptr_nonnull(strstr(harness_error(), "Tape"));
    teardown();
    ck_assert_int_lt(try_start("Path=/nonexistent/disk", 0), 0);
    teardown();
    ck_assert_int_eq(try_start("Path=disk,UseNewIo=1", 0), VIV_E_CONFIG);
}
END_TEST

static void with_disk(Harness *fresh)
{
    harness_storage_mem(fresh, "disk", 1 << 20, 0);
}

START_TEST(failures_unwind)
{
    ck_assert_uint_ge(harness_construct_failures_with(with_disk, "VD", "Path=disk"), 3);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vd");
    TCase *tc = tcase_create("vd");
    tcase_add_checked_fixture(tc, NULL, teardown);
    tcase_add_test(tc, disk);
    tcase_add_test(tc, read_only);
    tcase_add_test(tc, tray);
    tcase_add_test(tc, empty_drive);
    tcase_add_test(tc, changing_the_medium);
    tcase_add_test(tc, changing_a_locked_medium);
    tcase_add_test(tc, a_written_floppy_is_flushed_when_it_leaves);
    tcase_add_test(tc, flush_and_discard);
    tcase_add_test(tc, bad_configuration);
    tcase_add_test(tc, failures_unwind);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
