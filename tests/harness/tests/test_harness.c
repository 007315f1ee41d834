/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Unit tests of the fake host itself, with a device and a driver that use every table of it. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include "harness.h"

#undef fail /* an old name in check.h that hides a member of the SDK */

/* -- a device that does nothing of use ------------------------------------------------------- */

typedef struct Toy {
    uint32_t number;
    const char *text;
    uint8_t flag;
    int32_t level;
    uint8_t bytes[16]; /* registers behind the ports */
    uint64_t fired;
    uint8_t extra[3]; /* saved by hand */
    /* host */
    const viv_pci_api_t *pci;
    const viv_lun_api_t *luns;
    const viv_stream_api_t *stream;
    const viv_media_ops_t *media;
    void *media_self;
    viv_media_req_t req[2];
    uint8_t sector[2][512];
    viv_status_t status[2];
    viv_pci_fn_t *fn;
    viv_timer_t *timer, *timer2;
    viv_ram_t *ram;
    uint8_t *ram_hva;
    uint32_t order[4], order_count;
    uint32_t last_width;
    char received[64];
    uint32_t received_len, room;
    viv_range_t *range;
} Toy;

static const viv_option_t toy_options[] = {
    VIV_OPT_NAMED(Toy, "Number", number, VIV_U32, 1, 100, 7, "A number"),
    VIV_OPT_NAMED(Toy, "Flag", flag, VIV_BOOL, 0, 1, 0, "A flag"),
    VIV_OPT_NAMED(Toy, "Level", level, VIV_I32, -5, 5, -1, "A signed number"),
    VIV_OPT_STRING(Toy, "Text", text, "none", "A text"),
    {0},
};
static const viv_field_t toy_state[] = {
    VIV_FIELD_BYTES(Toy, bytes, 1),
    VIV_FIELD(Toy, fired, VIV_U64, 1),
    {0},
};

static uint64_t toy_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    Toy *t = ctx;
    uint64_t value = 0;
    (void)dev;
    t->last_width = width;
    memcpy(&value, t->bytes + (off & 15), width);
    return value;
}

static void toy_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value, uint32_t width)
{
    Toy *t = ctx;
    (void)dev;
    t->last_width = width;
    memcpy(t->bytes + (off & 15), &value, width);
}

static const viv_io_ops_t toy_io_bytes = {
    sizeof(viv_io_ops_t), VIV_W8, 0, 0, toy_read, toy_write, NULL, NULL};
static const viv_io_ops_t toy_io_dwords = {
    sizeof(viv_io_ops_t), VIV_W32, VIV_IO_WIDEN, 0, toy_read, toy_write, NULL, NULL};
static const viv_io_ops_t toy_io_strict = {
    sizeof(viv_io_ops_t), VIV_W32, 0, 0, toy_read, toy_write, NULL, NULL};

static void toy_timer(viv_dev_t *dev, void *ctx)
{
    Toy *t = ctx;
    t->fired++;
    t->order[t->order_count++ & 3] = 1;
    dev->api->irq_set(dev, 5, t->fired & 1);
}

static void toy_timer2(viv_dev_t *dev, void *ctx)
{
    Toy *t = ctx;
    (void)dev;
    t->order[t->order_count++ & 3] = 2;
}

static void toy_done(viv_media_req_t *req, viv_status_t status)
{
    Toy *t = req->ctx;
    t->status[req - t->req] = status;
}

static uint32_t toy_receive(void *self, const void *buf, uint32_t len)
{
    Toy *t = self;
    uint32_t n = len < t->room ? len : t->room;
    memcpy(t->received + t->received_len, buf, n);
    t->received_len += n;
    t->room -= n;
    return n;
}

static const viv_char_port_ops_t toy_port = {
    sizeof(viv_char_port_ops_t), 0, toy_receive, NULL, NULL, NULL};

static viv_status_t toy_query(viv_dev_t *dev, void *self, uint32_t lun, const char *id,
                              viv_iface_t *ret)
{
    (void)dev;
    if (lun != 1 || strcmp(id, VIV_CHAR_PORT_ID) != 0) {
        return VIV_E_NOT_FOUND;
    }
    *ret = (viv_iface_t){&toy_port, self};
    return VIV_OK;
}

static viv_status_t toy_save(viv_dev_t *dev, void *self, viv_stream_t *stream)
{
    Toy *t = self;
    (void)dev;
    return t->stream->put(stream, t->extra, sizeof(t->extra));
}

static viv_status_t toy_load(viv_dev_t *dev, void *self, viv_stream_t *stream, uint32_t version)
{
    Toy *t = self;
    (void)dev, (void)version;
    return t->stream->get(stream, t->extra, sizeof(t->extra));
}

static viv_status_t toy_construct_pci(viv_dev_t *dev, Toy *t)
{
    static const viv_pci_desc_t desc = {.size = sizeof(viv_pci_desc_t),
                                        .vendor_id = 0x1234,
                                        .device_id = 0x5678,
                                        .int_pin = 1,
                                        .device = 3};
    viv_iface_t iface;
    viv_status_t st = dev->api->get_interface(dev, VIV_RAM_ID, sizeof(viv_ram_api_t), &iface);
    if (st == VIV_OK) {
        st = ((const viv_ram_api_t *)iface.ops)->create(dev, 65536, "vram", &t->ram, &t->ram_hva);
    }
    if (st == VIV_OK) {
        st = t->pci->add(dev, 0, &desc, &t->fn);
    }
    if (st == VIV_OK) {
        st = t->pci->bar_pio(t->fn, 0, 16, &toy_io_bytes, t, "io");
    }
    if (st == VIV_OK) {
        st = t->pci->bar_mmio(t->fn, 1, 4096, VIV_BAR_64BIT, &toy_io_dwords, t, "mmio");
    }
    if (st == VIV_OK) {
        st = t->pci->bar_ram(t->fn, 3, VIV_BAR_PREFETCH, t->ram, 65536, 1);
    }
    return st;
}

static viv_status_t toy_construct(viv_dev_t *dev, void *self)
{
    Toy *t = self;
    viv_iface_t pci, luns, stream, media;
    const viv_dev_api_t *api = dev->api;
    viv_status_t st = api->get_interface(dev, VIV_PCI_ID, sizeof(viv_pci_api_t), &pci);
    st = st ? st : api->get_interface(dev, VIV_LUN_ID, sizeof(viv_lun_api_t), &luns);
    st = st ? st : api->get_interface(dev, VIV_STREAM_ID, sizeof(viv_stream_api_t), &stream);
    st = st ? st : api->timer_create(dev, "one", toy_timer, t, &t->timer);
    st = st ? st : api->timer_create(dev, "two", toy_timer2, t, &t->timer2);
    st = st ? st : api->pio_map(dev, 0x100, 16, &toy_io_bytes, t, "bytes", NULL);
    st = st ? st : api->pio_map(dev, 0x110, 16, &toy_io_dwords, t, "dwords", NULL);
    st = st ? st : api->pio_map(dev, 0x120, 6, &toy_io_strict, t, "strict", &t->range);
    if (st) {
        return st;
    }
    t->pci = pci.ops;
    t->luns = luns.ops;
    t->stream = stream.ops;
    if ((st = toy_construct_pci(dev, t))) {
        return st;
    }
    st = t->luns->attach(dev, 0, "disk");
    if (st == VIV_OK && (st = t->luns->query(dev, 0, VIV_MEDIA_ID, 0, &media)) == VIV_OK) {
        t->media = media.ops;
        t->media_self = media.self;
    }
    if (st == VIV_OK || st == VIV_E_NOT_FOUND) {
        st = t->luns->attach(dev, 1, "line");
    }
    return st == VIV_E_NOT_FOUND ? VIV_OK : st;
}

static const viv_device_class_t toy_class = {
    VIV_DEVICE_CLASS_HEAD,
    .name = "toy",
    .summary = "Toy device",
    .instance_size = sizeof(Toy),
    .state_version = 1,
    .options = toy_options,
    .state = toy_state,
    .construct = toy_construct,
    .save = toy_save,
    .load = toy_load,
    .query_interface = toy_query,
};

/* -- a driver -------------------------------------------------------------------------------- */

typedef struct ToyDriver {
    const char *path;
    const viv_storage_api_t *storage;
    const viv_async_api_t *async;
    viv_disk_t *disk;
    viv_watch_t *watch;
    int fds[2];
    unsigned watched, worked, done, called;
} ToyDriver;

static const viv_option_t toy_driver_options[] = {
    VIV_OPT_STRING(ToyDriver, "Path", path, "", "A file"),
    {0},
};

static uint32_t toy_watch(viv_drv_t *drv, void *ctx, uint32_t events)
{
    ToyDriver *t = ctx;
    char c;
    (void)drv;
    t->watched += events & VIV_WATCH_IN;
    return read(t->fds[0], &c, 1) == 1 && c != 'q';
}

static viv_status_t toy_work(void *ctx)
{
    ToyDriver *t = ctx;
    t->worked++;
    return VIV_E_IO;
}

static void toy_work_done(void *ctx, viv_status_t status)
{
    ToyDriver *t = ctx;
    t->done += status == VIV_E_IO && t->worked == 1;
}

static void toy_called(viv_drv_t *drv, void *ctx)
{
    ToyDriver *t = ctx;
    (void)drv;
    t->called++;
}

static viv_status_t toy_driver_construct(viv_drv_t *drv, void *self)
{
    ToyDriver *t = self;
    viv_iface_t storage, async, above;
    t->fds[0] = t->fds[1] = -1;
    viv_status_t st =
        drv->api->get_interface(drv, VIV_STORAGE_ID, sizeof(viv_storage_api_t), &storage);
    st = st ? st : drv->api->get_interface(drv, VIV_ASYNC_ID, sizeof(viv_async_api_t), &async);
    st = st ? st : drv->api->query_above(drv, VIV_CHAR_PORT_ID, 8, &above);
    if (st) {
        return drv->api->fail(drv, st, "something is missing");
    }
    t->storage = storage.ops;
    t->async = async.ops;
    if (pipe(t->fds)) {
        return VIV_E_IO;
    }
    st = t->storage->open(drv, t->path, NULL, 0, &t->disk);
    return st ? st : drv->api->watch_add(drv, t->fds[0], VIV_WATCH_IN, toy_watch, t, &t->watch);
}

static void toy_driver_destruct(viv_drv_t *drv, void *self)
{
    ToyDriver *t = self;
    drv->api->watch_remove(drv, t->watch);
    if (t->storage) {
        t->storage->close(t->disk);
    }
    if (t->fds[0] > 0) {
        close(t->fds[0]);
        close(t->fds[1]);
    }
}

static viv_status_t toy_driver_query(viv_drv_t *drv, void *self, const char *id, viv_iface_t *ret)
{
    (void)drv;
    if (strcmp(id, "test.toy/1") != 0) {
        return VIV_E_NOT_FOUND;
    }
    *ret = (viv_iface_t){&toy_port, self};
    return VIV_OK;
}

static const viv_driver_class_t toy_driver_class = {
    VIV_DRIVER_CLASS_HEAD,           .name = "ToyDriver",
    .summary = "Toy driver",         .instance_size = sizeof(ToyDriver),
    .options = toy_driver_options,   .construct = toy_driver_construct,
    .destruct = toy_driver_destruct, .query_interface = toy_driver_query,
};

VIV_PLUGIN("org.vivarium.test.toy", "1.0", "LGPL-2.1-or-later", "Toys", &toy_class,
           &toy_driver_class);

/* -- tests of the device side ---------------------------------------------------------------- */

START_TEST(options_are_checked)
{
    static const char *const bad[] = {"Number=0", "Number=101", "Number=", "Number=5x",
                                      "Flag=2",   "Level=-6",   "Level=6", "number=5",
                                      "Extra=1",  "Number=-1",  "A/B=1",   "Number= 5"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        viv_status_t st = VIV_OK;
        ck_assert_msg(!harness_try_new("toy", bad[i], &st), "%s is accepted", bad[i]);
        ck_assert_int_eq(st, VIV_E_CONFIG);
    }
    Harness *h = harness_new("toy", "Number=0x10,Flag=true,Level=-5,Text=a\\,b=c");
    const Toy *t = harness_self(h);
    ck_assert_uint_eq(t->number, 16);
    ck_assert_uint_eq(t->flag, 1);
    ck_assert_int_eq(t->level, -5);
    ck_assert_str_eq(t->text, "a,b=c");
    harness_free(h);
    h = harness_new("toy", NULL);
    t = harness_self(h);
    ck_assert_uint_eq(t->number, 7);
    ck_assert_int_eq(t->level, -1);
    ck_assert_str_eq(t->text, "none");
    harness_free(h);
}
END_TEST

START_TEST(accesses_are_split_and_widened)
{
    Harness *h = harness_new("toy", NULL);
    const Toy *t = harness_self(h);
    harness_out32(h, 0x100, 0x44332211);
    ck_assert_uint_eq(t->last_width, 1);
    ck_assert_uint_eq(harness_in16(h, 0x101), 0x3322);
    harness_out8(h, 0x111, 0xaa); /* read-modify-write of a dword */
    ck_assert_uint_eq(t->last_width, 4);
    ck_assert_uint_eq(harness_in32(h, 0x110), 0x4433aa11);
    ck_assert_uint_eq(harness_in16(h, 0x112), 0x4433);
    ck_assert_uint_eq(harness_in8(h, 0x121), 0xff); /* narrower and not widened */
    harness_out16(h, 0x120, 0);
    ck_assert_uint_eq(harness_in32(h, 0x120), 0x4433aa11);
    ck_assert_uint_eq(harness_in32(h, 0x10e), 0xaa110000); /* across two ranges */
    ck_assert_uint_eq(harness_in8(h, 0x99), 0xff);
    uint8_t buf[6] = {0};
    harness_outs(h, 0x100, 2, "abcdef", 3);
    harness_ins(h, 0x100, 2, buf, 3);
    ck_assert_mem_eq(buf, "efefef", 6);
    harness_free(h);
}
END_TEST

START_TEST(timers_fire_in_order)
{
    Harness *h = harness_new("toy", NULL);
    Toy *t = harness_self(h);
    viv_dev_t *dev = harness_dev(h);
    dev->api->lock(dev);
    dev->api->timer_arm(t->timer, 500);
    dev->api->timer_arm(t->timer2, 300);
    dev->api->unlock(dev);
    ck_assert(harness_next_deadline(h) == 300);
    ck_assert_uint_eq(harness_advance_ns(h, 499), 1);
    harness_save_load(h);
    t = harness_self(h);
    ck_assert_uint_eq(harness_advance_ns(h, 1), 1);
    ck_assert_uint_eq(t->fired, 1);
    ck_assert_uint_eq(harness_irq_level(h, 5), 1);
    ck_assert_uint_eq(harness_event_last(h, HARNESS_EV_IRQ).time_ns, 500);
    harness_irq_drive(h, 5, 1);
    dev = harness_dev(h);
    dev->api->irq_set(dev, 5, 0); /* wired-or */
    ck_assert_uint_eq(harness_irq_level(h, 5), 1);
    harness_irq_drive(h, 5, 0);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_IRQ), 2);
    harness_free(h);
}
END_TEST

START_TEST(pci_configuration_space)
{
    Harness *h = harness_new("toy", NULL);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0, 4), 0x56781234);
    ck_assert_uint_eq(harness_pci_devfn(h, 0), 3 << 3);
    ck_assert_uint_eq(harness_pci_bar_size(h, 0, 0), 16);
    ck_assert_uint_eq(harness_pci_bar_size(h, 0, 1), 4096);
    ck_assert_uint_eq(harness_pci_bar_size(h, 0, 3), 65536);
    ck_assert_uint_eq(harness_pci_bar_size(h, 0, 4), 0);
    harness_cfg_write(h, 0, 0, 0xffffffff, 4);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0, 4), 0x56781234);
    harness_cfg_write(h, 0, 0x10, 0xc000, 4);
    ck_assert(!harness_port_mapped(h, 0xc000)); /* decoding is off */
    harness_pci_map_bar(h, 0, 0, 0xc000);
    harness_pci_map_bar(h, 0, 1, 0x1200000000ull);
    harness_pci_map_bar(h, 0, 3, 0xe0000000);
    harness_out16(h, 0xc004, 0xbeef);
    ck_assert_uint_eq(harness_in8(h, 0xc005), 0xbe);
    harness_mmio_write(h, 0x1200000008ull, 0x1122334455667788ull, 8);
    ck_assert_uint_eq(harness_mmio_read(h, 0x120000000cull, 4), 0x11223344);
    harness_mmio_write(h, 0xe0000ffe, 0xcafebabe, 4);
    ck_assert_uint_eq(((const Toy *)harness_self(h))->ram_hva[0x1001], 0xca);
    harness_save_load(h);
    ck_assert_uint_eq(harness_mmio_read(h, 0xe0000fff, 2), 0xfeba);
    ck_assert_uint_eq(harness_in16(h, 0xc004), 0xbeef);
    harness_cfg_write(h, 0, 4, 0, 2);
    ck_assert_uint_eq(harness_in16(h, 0xc004), 0xffff);
    ck_assert_uint_eq(harness_mmio_read(h, 0xe0000fff, 2), 0xffff);
    harness_reset(h);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0x10, 4), 1);
    harness_free(h);
}
END_TEST

START_TEST(pci_interrupts_and_dma)
{
    Harness *h = harness_new("toy", NULL);
    const Toy *t = harness_self(h);
    uint32_t word = 0x01020304;
    ck_assert_int_eq(t->pci->dma_write(t->fn, 0x1000, &word, 4), VIV_E_ACCESS);
    harness_cfg_write(h, 0, 4, 0x4, 2);
    ck_assert_int_eq(t->pci->dma_write(t->fn, 0x1ffe, &word, 4), VIV_OK);
    ck_assert_uint_eq(harness_ram_get32(h, 0x1ffe), word);
    ck_assert_int_eq(t->pci->dma_read(t->fn, 0x8000000000ull, &word, 4), VIV_OK);
    ck_assert_uint_eq(word, UINT32_MAX); /* nobody there */
    t->pci->intx_set(t->fn, 1);
    ck_assert_uint_eq(harness_intx_level(h, 0), 1);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 6, 1) & 8, 8);
    harness_cfg_write(h, 0, 4, 0x404, 2); /* Interrupt Disable */
    ck_assert_uint_eq(harness_intx_level(h, 0), 0);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 6, 1) & 8, 8);
    harness_cfg_write(h, 0, 4, 0x4, 2);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_INTX), 3);
    t->pci->config_set(t->fn, 0x40, 0xff00ff00, 4);
    t->pci->config_wmask(t->fn, 0x40, 0x0000ffff, 4);
    t->pci->config_w1c(t->fn, 0x40, 0xff000000, 4);
    harness_cfg_write(h, 0, 0x40, 0x0f0f1234, 4);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0x40, 4), 0xf0001234);
    harness_free(h);
}
END_TEST

static void with_luns(Harness *h)
{
    harness_lun_media(h, 0, VIV_MEDIA_DISK, 1ull << 40, 0);
    harness_lun_char(h, 1);
}

START_TEST(media_requests)
{
    Harness *h = harness_create();
    with_luns(h);
    ck_assert_int_eq(harness_start(h, "toy", NULL), VIV_OK);
    Toy *t = harness_self(h);
    viv_media_info_t info = {.size = sizeof(info)};
    t->media->info(t->media_self, &info);
    ck_assert(info.size_bytes == 1ull << 40 && info.present);
    for (unsigned i = 0; i < 2; i++) {
        memset(t->sector[i], 'a' + (int)i, 512);
        t->status[i] = 1;
        t->req[i] = (viv_media_req_t){.size = sizeof(viv_media_req_t),
                                      .op = VIV_MEDIA_OP_WRITE,
                                      .off = (1ull << 39) + 512 * i,
                                      .len_bytes = 512,
                                      .buf = t->sector[i],
                                      .done = toy_done,
                                      .ctx = t};
        ck_assert_int_eq(t->media->submit(t->media_self, &t->req[i]), VIV_OK);
    }
    ck_assert_uint_eq(harness_pending(h), 2);
    harness_run_pending_one(h, 1);
    ck_assert_int_eq(t->status[0], 1);
    ck_assert_int_eq(t->status[1], VIV_OK);
    harness_media_fail(h, 0, VIV_E_IO, 1);
    ck_assert_uint_eq(harness_run_pending(h), 1);
    ck_assert_int_eq(t->status[0], VIV_E_IO);
    char byte[2];
    harness_media_peek(h, 0, (1ull << 39) + 511, byte, 2);
    ck_assert_mem_eq(byte, "\0b", 2);
    ck_assert_int_eq(t->media->read(t->media_self, (1ull << 40) - 1, byte, 2), VIV_E_INVALID);
    ck_assert_uint_eq(harness_media_ops(h, 0, VIV_MEDIA_OP_WRITE), 2);
    t->media->lock(t->media_self, 1);
    ck_assert_int_eq(t->media->eject(t->media_self, 1), VIV_E_BUSY);
    harness_media_change(h, 0, 0, 0);
    t->media->info(t->media_self, &info);
    ck_assert(!info.present && info.generation == 2);
    harness_free(h);
}
END_TEST

START_TEST(character_input)
{
    Harness *h = harness_create();
    with_luns(h);
    ck_assert_int_eq(harness_start(h, "toy", NULL), VIV_OK);
    Toy *t = harness_self(h);
    viv_iface_t line;
    ck_assert_int_eq(t->luns->query(harness_dev(h), 1, VIV_CHAR_ID, 0, &line), VIV_OK);
    const viv_char_ops_t *ops = line.ops;
    t->room = 3;
    harness_char_inject(h, 1, "hello", 5);
    ck_assert_uint_eq(harness_char_waiting(h, 1), 2);
    t->room = 9;
    ops->input_ready(line.self);
    harness_in8(h, 0x100); /* any call into the device; the rest is offered after it */
    ck_assert_mem_eq(t->received, "hello", 5);
    ck_assert_uint_eq(ops->write(line.self, "out", 3), 3);
    harness_char_room(h, 1, 1);
    ck_assert_uint_eq(ops->write(line.self, "put", 3), 1);
    ck_assert_str_eq(harness_char_output(h, 1, NULL), "outp");
    harness_free(h);
}
END_TEST

START_TEST(failures_unwind)
{
    ck_assert_uint_eq(harness_construct_failures_with(with_luns, "toy", NULL), 17);
}
END_TEST

START_TEST(states_are_checked)
{
    Harness *h = harness_new("toy", NULL);
    Toy *t = harness_self(h);
    size_t len;
    memcpy(t->extra, "xyz", 3);
    memcpy(t->bytes, "0123456789abcdef", 16);
    uint8_t *blob = harness_save(h, &len);
    ck_assert_int_eq(harness_load(h, blob, len), VIV_OK);
    t = harness_self(h);
    ck_assert_mem_eq(t->extra, "xyz", 3);
    ck_assert_mem_eq(t->bytes, "0123456789abcdef", 16);
    for (size_t cut = 0; cut < 300; cut++) {
        ck_assert_int_ne(harness_load(h, blob, cut), VIV_OK);
    }
    free(blob);
    harness_free(h);
}
END_TEST

/* -- tests of the driver side ---------------------------------------------------------------- */

static void with_disk(Harness *h)
{
    harness_drv_above(h, VIV_CHAR_PORT_ID, &toy_port, NULL);
    harness_storage_mem(h, "disk", 4096, 0);
}

START_TEST(driver_life)
{
    Harness *h = harness_create();
    with_disk(h);
    ck_assert_int_eq(harness_start(h, "ToyDriver", "Path=disk"), VIV_OK);
    ToyDriver *t = harness_drv_iface(h, "test.toy/1").self;
    viv_drv_t *drv = harness_drv(h);
    ck_assert_uint_eq(harness_pump(h, 0), 0);
    ck_assert_int_eq(write(t->fds[1], "ab", 2), 2);
    ck_assert_uint_eq(harness_pump(h, 1000), 1);
    ck_assert_uint_eq(harness_pump(h, 1000), 1);
    ck_assert_uint_eq(t->watched, 2);
    ck_assert_int_eq(t->async->submit(drv, toy_work, toy_work_done, t), VIV_OK);
    ck_assert_int_eq(drv->api->io_call(drv, toy_called, t), VIV_OK);
    ck_assert_uint_eq(t->worked, 0);
    ck_assert_uint_eq(harness_pump(h, 0), 2);
    ck_assert_uint_eq(t->done, 1);
    ck_assert_uint_eq(t->called, 1);
    char buf[4];
    harness_storage_poke(h, "disk", 4092, "last", 4);
    ck_assert_int_eq(t->storage->read(t->disk, 4092, buf, 4), VIV_OK);
    ck_assert_mem_eq(buf, "last", 4);
    ck_assert_int_eq(t->storage->read(t->disk, 4093, buf, 4), VIV_E_INVALID);
    harness_storage_fail(h, VIV_E_IO, 1);
    ck_assert_int_eq(t->storage->flush(t->disk), VIV_E_IO);
    harness_free(h);
}
END_TEST

START_TEST(driver_failures)
{
    ck_assert_uint_eq(harness_construct_failures_with(with_disk, "ToyDriver", "Path=disk"), 5);
    viv_status_t st;
    ck_assert_ptr_null(harness_try_new("ToyDriver", "Path=disk", &st));
    ck_assert_int_eq(st, VIV_E_NOT_FOUND); /* nothing above */
    ck_assert_str_eq(harness_error(), "ToyDriver@harness/0/LUN#0: something is missing");
}
END_TEST

/* -- broken contracts ------------------------------------------------------------------------ */

START_TEST(arming_without_the_lock_aborts)
{
    Harness *h = harness_new("toy", NULL);
    const Toy *t = harness_self(h);
    harness_dev(h)->api->timer_arm(t->timer, 1);
}
END_TEST

START_TEST(lock_order_aborts)
{
    Harness *h = harness_new("toy", NULL);
    harness_chipset_lock(h);
    harness_dev(h)->api->lock(harness_dev(h));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("harness");
    TCase *tc = tcase_create("harness");
    tcase_add_test(tc, options_are_checked);
    tcase_add_test(tc, accesses_are_split_and_widened);
    tcase_add_test(tc, timers_fire_in_order);
    tcase_add_test(tc, pci_configuration_space);
    tcase_add_test(tc, pci_interrupts_and_dma);
    tcase_add_test(tc, media_requests);
    tcase_add_test(tc, character_input);
    tcase_add_test(tc, failures_unwind);
    tcase_add_test(tc, states_are_checked);
    tcase_add_test(tc, driver_life);
    tcase_add_test(tc, driver_failures);
    tcase_add_test_raise_signal(tc, arming_without_the_lock_aborts, 6);
    tcase_add_test_raise_signal(tc, lock_order_aborts, 6);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
