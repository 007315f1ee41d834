/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* flash: a flash memory in the guest's address space, for firmware and its variables. Reads come
 * straight from memory until a command says otherwise. What is changed goes to the file at once, as
 * it would to the chip. */
#include <string.h>
#include <unistd.h>
#include <viv/device.h>

#include "flash_chip.h"
#include "flash_file.h"

#define FLASH_MAX_BYTES (UINT64_C(64) << 20)
#define FLASH_TOP       (UINT64_C(1) << 32)
#define FLASH_PAGE      4096u

typedef struct Flash {
    viv_dev_t *dev;
    const viv_ram_api_t *ram_api;
    viv_ram_t *ram;
    viv_range_t *range;
    /* configuration */
    const char *file, *source;
    uint64_t base, bytes;
    uint32_t block_bytes;
    uint8_t read_only, ready_after_clear;
    FlashChip chip;
    int fd;          /* -1: none */
    uint8_t broken;  /* the file could not be written: said once */
    uint64_t writes; /* operations that changed something */
} Flash;

static const viv_option_t flash_options[] = {
    VIV_OPT_STRING(Flash, "FlashFile", file, NULL,
                   "file that keeps the contents, changed by the guest; none: they are forgotten"),
    VIV_OPT_STRING(Flash, "SourceFile", source, NULL,
                   "firmware image with the first contents: for a FlashFile that does not exist "
                   "yet, or without one; none: erased (all ones)"),
    VIV_OPT_NAMED(Flash, "BaseAddress", base, VIV_U64, 0, FLASH_TOP - FLASH_PAGE, 0,
                  "guest-physical address, a multiple of 4096; 0: so that it ends at 4 GiB"),
    VIV_OPT_NAMED(Flash, "Size", bytes, VIV_U64, 0, FLASH_MAX_BYTES, 0,
                  "bytes, a multiple of BlockSize; 0: as long as the file"),
    VIV_OPT_NAMED(Flash, "BlockSize", block_bytes, VIV_U32, FLASH_PAGE, 1u << 20, FLASH_PAGE,
                  "bytes of an erase block, a power of two"),
    VIV_OPT_NAMED(Flash, "ReadOnly", read_only, VIV_BOOL, 0, 1, 0,
                  "plain ROM that takes no commands"),
    VIV_OPT_NAMED(Flash, "ReadyAfterClear", ready_after_clear, VIV_BOOL, 0, 1, 0,
                  "1: Clear Status leaves SR.7 set, as chips do; 0: it clears all, by which OVMF "
                  "knows a flash memory"),
    {0}};

static const viv_field_t flash_fields[] = {VIV_FIELD(Flash, chip.mode, VIV_U8, 1),
                                           VIV_FIELD(Flash, chip.step, VIV_U8, 1),
                                           VIV_FIELD(Flash, chip.status, VIV_U8, 1),
                                           VIV_FIELD(Flash, chip.buffer_count, VIV_U32, 1),
                                           VIV_FIELD(Flash, chip.buffer_fill, VIV_U32, 1),
                                           VIV_FIELD(Flash, chip.buffer_first, VIV_U64, 1),
                                           VIV_FIELD_BYTES(Flash, chip.buffer, 1),
                                           VIV_FIELD_BYTES(Flash, chip.buffer_used, 1),
                                           {0}};

/* -- the range ------------------------------------------------------------------------------- */

static viv_status_t flash_show(Flash *self)
{
    return self->ram_api->back(self->ram, self->range, 0, self->chip.mode == FLASH_ARRAY);
}

static uint64_t flash_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    const Flash *self = ctx;
    (void)dev;
    (void)width;
    return off < self->chip.len ? flash_chip_read(&self->chip, off) : 0xff;
}

static void flash_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value, uint32_t width)
{
    Flash *self = ctx;
    (void)dev;
    (void)width;
    if (off < self->chip.len) {
        uint8_t before = self->chip.mode;
        flash_chip_write(&self->chip, off, (uint8_t)value);
        if (before != self->chip.mode &&
            (before == FLASH_ARRAY || self->chip.mode == FLASH_ARRAY)) {
            flash_show(self);
        }
    }
}

/* A x8 chip: a wider access is several cycles. */
static const viv_io_ops_t flash_ops = {
    .size = sizeof flash_ops, .widths = VIV_W8, .read = flash_read, .write = flash_write};

static void flash_store(Flash *self, uint64_t first, uint64_t count)
{
    if (self->fd < 0 || self->broken ||
        flash_file_write(self->fd, first, self->chip.bytes + first, count) == 0) {
        return;
    }
    self->broken = 1;
    self->dev->api->log(self->dev, VIV_LOG_ERROR,
                        "%s cannot be written: what the guest changes is lost", self->file);
}

static void flash_changed(void *ctx, uint64_t first, uint64_t count)
{
    Flash *self = ctx;
    self->writes++;
    flash_store(self, first, count);
}

/* -- contents -------------------------------------------------------------------------------- */

typedef struct FlashImage {
    uint8_t *bytes;
    uint64_t len;
} FlashImage;

/* The file's own length, unless Size says another; both have to be possible. */
static viv_status_t flash_size(viv_dev_t *dev, Flash *self, uint64_t found)
{
    self->bytes = self->bytes ? self->bytes : found;
    if (self->block_bytes & (self->block_bytes - 1)) {
        return dev->api->fail(dev, VIV_E_CONFIG, "BlockSize %u is not a power of two",
                              self->block_bytes);
    }
    if (!self->bytes || self->bytes > FLASH_MAX_BYTES || self->bytes % self->block_bytes ||
        self->bytes / self->block_bytes > 65536) {
        return dev->api->fail(dev, VIV_E_CONFIG,
                              "%llu bytes are no possible size: 1 to 65536 blocks of %u bytes, 64 "
                              "MiB at most",
                              (unsigned long long)self->bytes, self->block_bytes);
    }
    self->base = self->base ? self->base : FLASH_TOP - self->bytes;
    if (self->base % FLASH_PAGE || self->base > FLASH_TOP - self->bytes) {
        return dev->api->fail(dev, VIV_E_CONFIG,
                              "BaseAddress %#llx is not that of a page, or %llu bytes reach beyond "
                              "4 GiB",
                              (unsigned long long)self->base, (unsigned long long)self->bytes);
    }
    return VIV_OK;
}

static viv_status_t flash_source(viv_dev_t *dev, Flash *self, FlashImage *ret_image)
{
    if (!self->source || !*self->source) {
        return VIV_OK;
    }
    viv_status_t st = self->ram_api->file_load(dev, self->source, FLASH_MAX_BYTES,
                                               &ret_image->bytes, &ret_image->len);
    return st ? dev->api->fail(dev, st, "SourceFile %s cannot be read", self->source) : VIV_OK;
}

/* Opens the file; what the memory holds at first is in the file then, or in the image. */
static viv_status_t flash_open(viv_dev_t *dev, Flash *self, const FlashImage *image)
{
    char text[FLASH_TEXT_MAX];
    if (!self->file || !*self->file) {
        return flash_size(dev, self, image->len);
    }
    self->fd = flash_file_open(self->file, image->bytes, image->len, text);
    return self->fd < 0 ? dev->api->fail(dev, VIV_E_IO, "%s", text)
                        : flash_size(dev, self, flash_file_length(self->fd));
}

static viv_status_t flash_fill(viv_dev_t *dev, Flash *self, const FlashImage *image)
{
    uint64_t len = self->fd >= 0 ? flash_file_length(self->fd) : image->len;
    memset(self->chip.bytes, 0xff, self->bytes);
    if (len > self->bytes) {
        return dev->api->fail(dev, VIV_E_CONFIG,
                              "%s has %llu bytes, more than the %llu of the chip",
                              self->fd >= 0 ? self->file : self->source, (unsigned long long)len,
                              (unsigned long long)self->bytes);
    }
    if (self->fd >= 0 && flash_file_read(self->fd, 0, self->chip.bytes, len)) {
        return dev->api->fail(dev, VIV_E_IO, "%s cannot be read", self->file);
    }
    if (self->fd < 0 && len) {
        memcpy(self->chip.bytes, image->bytes, len);
    }
    return VIV_OK;
}

static viv_status_t flash_map(viv_dev_t *dev, Flash *self)
{
    if (self->read_only) {
        return self->ram_api->map(self->ram, self->base, 0, self->bytes, 0);
    }
    viv_status_t st =
        dev->api->mmio_map(dev, self->base, self->bytes, &flash_ops, self, "flash", &self->range);
    return st ? st : flash_show(self);
}

/* -- the class ------------------------------------------------------------------------------- */

static viv_status_t flash_build(viv_dev_t *dev, Flash *self, const FlashImage *image)
{
    viv_status_t st;
    if ((st = flash_open(dev, self, image)) ||
        (st = self->ram_api->create(dev, self->bytes, "flash", &self->ram, &self->chip.bytes))) {
        return st;
    }
    self->chip.len = self->bytes;
    self->chip.block_bytes = self->block_bytes;
    self->chip.keep_ready = self->ready_after_clear;
    self->chip.changed = flash_changed;
    self->chip.ctx = self;
    flash_chip_reset(&self->chip);
    st = flash_fill(dev, self, image);
    return st ? st : flash_map(dev, self);
}

static viv_status_t flash_construct(viv_dev_t *dev, void *self_)
{
    Flash *self = self_;
    viv_status_t st = VIV_OK;
    FlashImage image = {NULL, 0};
    self->dev = dev;
    self->fd = -1;
    self->ram_api = viv_need(dev, VIV_RAM_ID, sizeof(viv_ram_api_t), &st);
    const viv_stam_api_t *stam = viv_need(dev, VIV_STAM_ID, sizeof(viv_stam_api_t), &st);
    if (st || (st = flash_source(dev, self, &image))) {
        return st;
    }
    st = flash_build(dev, self, &image);
    self->ram_api->file_free(image.bytes);
    return st ? st
              : stam->counter(dev, &self->writes, "Writes", "operations",
                              "programs and erases that changed the contents");
}

static void flash_destruct(viv_dev_t *dev, void *self_)
{
    Flash *self = self_;
    (void)dev;
    if (self->fd >= 0) {
        close(self->fd);
    }
    self->fd = -1;
}

static void flash_reset(viv_dev_t *dev, void *self_)
{
    Flash *self = self_;
    (void)dev;
    flash_chip_reset(&self->chip);
    if (self->range) {
        flash_show(self);
    }
}

static viv_status_t flash_post_load(viv_dev_t *dev, void *self_, uint32_t version)
{
    Flash *self = self_;
    (void)version;
    if (!flash_chip_valid(&self->chip)) {
        return dev->api->fail(dev, VIV_E_CORRUPT, "the flash memory's state is impossible");
    }
    /* The file goes back with the machine. */
    if (!self->read_only) {
        flash_store(self, 0, self->bytes);
    }
    return self->range ? flash_show(self) : VIV_OK;
}

static const viv_device_class_t flash_class = {
    VIV_DEVICE_CLASS_HEAD,
    .name = "flash",
    .summary = "Flash memory for firmware and its variables",
    .instance_size = sizeof(Flash),
    .state_version = 1,
    .order = VIV_ORDER_ARCH_BIOS,
    .options = flash_options,
    .state = flash_fields,
    .construct = flash_construct,
    .destruct = flash_destruct,
    .reset = flash_reset,
    .post_load = flash_post_load,
};

VIV_PLUGIN("org.vivarium.flash", "1.0", "LGPL-2.1-or-later", "Flash memory in the address space",
           &flash_class);
