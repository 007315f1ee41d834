/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu-fw-cfg: the configuration interface that SeaBIOS and OVMF read a machine through.
 * The guest sees a selector (510h, 16 bits), a data port (511h, bytes) and, unless DmaEnabled is 0,
 * a DMA register (514h-51Bh).
 * Follows: QEMU's docs/specs/fw_cfg.
 * Items are read-only: writes to the data port are dropped, DMA writes end with the error bit. */
#include "fwcfg_priv.h"

#include <string.h>

#define FWCFG_PORT_SELECT 0x510u
#define FWCFG_PORT_DMA    0x514u

#define FWCFG_DMA_ERROR  0x01u
#define FWCFG_DMA_READ   0x02u
#define FWCFG_DMA_SKIP   0x04u
#define FWCFG_DMA_SELECT 0x08u
#define FWCFG_DMA_WRITE  0x10u

/* What a transfer moves at once: a request may ask for 4 GiB, and the vCPU waits meanwhile. The
 * next slice comes after that time. */
#define FWCFG_DMA_SLICE    0x100000u
#define FWCFG_DMA_SLICE_NS 1000u

static const viv_option_t fwcfg_options[] = {
    VIV_OPT_NAMED(FwCfg, "DmaEnabled", dma_enabled, VIV_BOOL, 0, 1, 1,
                  "offer the DMA interface (id 3 instead of 1)"),
    VIV_OPT_NAMED(FwCfg, "BootMenu", boot_menu, VIV_BOOL, 0, 1, 0,
                  "legacy boot menu flag; pcbios ShowBootMenu has the last word"),
    VIV_OPT_STRING(FwCfg, "UUID", uuid_text, NULL, "the machine's UUID"),
    VIV_OPT_STRING(FwCfg, "KernelImage", kernel_name, NULL,
                   "A Linux bzImage for the firmware's linuxboot path"),
    VIV_OPT_STRING(FwCfg, "SetupImage", setup_name, NULL,
                   "its real-mode part, if that is a file of its own"),
    VIV_OPT_STRING(FwCfg, "InitrdImage", initrd_name, NULL, "initial RAM disk"),
    VIV_OPT_STRING(FwCfg, "CmdLine", cmdline, "", "kernel command line"),
    VIV_OPT_STRING(FwCfg, "LinuxBootRom", linuxboot_name, NULL,
                   "option ROM that boots them (QEMU's linuxboot_dma.bin): published and put at "
                   "the head of the boot order"),
    {0},
};

static const viv_field_t fwcfg_state[] = {
    VIV_FIELD(FwCfg, selector, VIV_U16, 1),
    VIV_FIELD(FwCfg, offset, VIV_U32, 1),
    VIV_FIELD(FwCfg, dma_high, VIV_U32, 1),
    VIV_FIELD(FwCfg, dma_request, VIV_U64, 2),
    VIV_FIELD(FwCfg, dma_to, VIV_U64, 2),
    VIV_FIELD(FwCfg, dma_left, VIV_U32, 2),
    {0},
};

/* A file is read from its beginning to its end as it was when it was selected. */
static void fwcfg_select(FwCfg *fw, uint32_t selector)
{
    fw->selector = (uint16_t)selector;
    fw->offset = 0;
    fwcfg_file_refresh(fw, selector);
}

/* Moves `len` bytes out of the selected item; zeros beyond its end. */
static void fwcfg_read(FwCfg *fw, uint8_t *buf, uint32_t len)
{
    FwCfgItem item = fwcfg_item(fw, fw->selector);
    uint64_t left = fw->offset < item.len ? item.len - fw->offset : 0;
    uint32_t n = left < len ? (uint32_t)left : len;

    if (n)
        memcpy(buf, item.data + fw->offset, n);
    memset(buf + n, 0, len - n);
    fw->offset += n;
}

/* -- selector and data ----------------------------------------------------------------------- */

/* [emt, device lock held] */
static uint64_t fwcfg_port_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    uint8_t byte = 0;
    (void)dev;

    if (width != 1)
        return ~0ull;
    if (off == 1)
        fwcfg_read(ctx, &byte, 1);
    return byte;
}

static void fwcfg_port_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value,
                             uint32_t width)
{
    (void)dev;
    if (off == 0 && width == 2)
        fwcfg_select(ctx, (uint32_t)value & 0xffffu);
}

/* REP INSB, the way the firmware reads without DMA. */
static uint32_t fwcfg_port_read_string(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width,
                                       void *buf, uint32_t count)
{
    (void)dev;
    if (off != 1 || width != 1)
        return 0;
    fwcfg_read(ctx, buf, count);
    return count;
}

static const viv_io_ops_t fwcfg_port_ops = {
    .size = sizeof(viv_io_ops_t),
    .widths = VIV_W8 | VIV_W16,
    .read = fwcfg_port_read,
    .write = fwcfg_port_write,
    .read_string = fwcfg_port_read_string,
};

/* -- DMA: an address, big-endian, high half first; the low half starts ----------------------- */

static uint64_t fwcfg_be(const uint8_t *at, uint32_t bytes)
{
    uint64_t value = 0;
    for (uint32_t i = 0; i < bytes; i++)
        value = value << 8 | at[i];
    return value;
}

/* Beyond the item's end there are zeros, in big pieces: there may be gigabytes of them. */
static void fwcfg_dma_read(FwCfg *fw, uint64_t gpa, uint32_t len)
{
    static const uint8_t zeros[0x10000];
    uint8_t buf[4096];

    while (len) {
        uint32_t at_end = fw->offset >= fwcfg_item(fw, fw->selector).len;
        uint32_t most = at_end ? sizeof(zeros) : sizeof(buf);
        uint32_t n = len < most ? len : most;
        if (!at_end)
            fwcfg_read(fw, buf, n);
        fw->dev->api->mem_write(fw->dev, gpa, at_end ? zeros : buf, n);
        gpa += n;
        len -= n;
    }
}

static void fwcfg_dma_skip(FwCfg *fw, uint32_t len)
{
    FwCfgItem item = fwcfg_item(fw, fw->selector);
    uint64_t left = fw->offset < item.len ? item.len - fw->offset : 0;

    fw->offset += left < len ? (uint32_t)left : len;
}

static void fwcfg_dma_done(FwCfg *fw, uint64_t gpa, uint8_t error)
{
    uint8_t done[4] = {0, 0, 0, error};
    fw->dev->api->mem_write(fw->dev, gpa, done, sizeof(done));
}

static void fwcfg_dma_slice(FwCfg *fw)
{
    viv_dev_t *dev = fw->dev;
    uint32_t n = fw->dma_left < FWCFG_DMA_SLICE ? fw->dma_left : FWCFG_DMA_SLICE;

    fwcfg_dma_read(fw, fw->dma_to, n);
    fw->dma_to += n;
    fw->dma_left -= n;
    if (fw->dma_left)
        dev->api->timer_arm(fw->dma_timer, dev->api->time_ns(dev) + FWCFG_DMA_SLICE_NS);
    else
        fwcfg_dma_done(fw, fw->dma_request, 0);
}

/* [emt 0, device lock held] */
static void fwcfg_dma_timer(viv_dev_t *dev, void *ctx)
{
    FwCfg *fw = ctx;
    (void)dev;
    if (fw->dma_left)
        fwcfg_dma_slice(fw);
}

/* The request is read once; control is written back last, with nothing but the error bit. What is
 * longer than a slice goes on while the guest waits for that. */
static void fwcfg_dma_run(FwCfg *fw, uint64_t gpa)
{
    uint8_t request[16];

    fw->dev->api->mem_read(fw->dev, gpa, request, sizeof(request));
    uint32_t control = (uint32_t)fwcfg_be(request, 4);
    uint32_t len = (uint32_t)fwcfg_be(request + 4, 4);
    uint64_t to = fwcfg_be(request + 8, 8);

    if (control & FWCFG_DMA_SELECT)
        fwcfg_select(fw, control >> 16);
    if (control & FWCFG_DMA_READ) {
        fw->dma_request = gpa;
        fw->dma_to = to;
        fw->dma_left = len;
        fwcfg_dma_slice(fw);
        return;
    }
    if (control & FWCFG_DMA_SKIP && !(control & FWCFG_DMA_WRITE))
        fwcfg_dma_skip(fw, len);
    fwcfg_dma_done(fw, gpa, control & FWCFG_DMA_WRITE ? FWCFG_DMA_ERROR : 0);
}

static uint32_t fwcfg_swap32(uint32_t value)
{
    return __builtin_bswap32(value);
}

/* [emt, device lock held] Reads as "QEMU CFG". */
static uint64_t fwcfg_dma_port_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    static const uint8_t signature[8] = {'Q', 'E', 'M', 'U', ' ', 'C', 'F', 'G'};
    uint64_t value = 0;
    (void)dev, (void)ctx;

    for (uint32_t i = 0; i < width && off + i < sizeof(signature); i++)
        value |= (uint64_t)signature[off + i] << (8 * i);
    return value;
}

static void fwcfg_dma_port_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value,
                                 uint32_t width)
{
    FwCfg *fw = ctx;
    (void)dev;

    if (width != 4)
        return;
    uint32_t half = fwcfg_swap32((uint32_t)value);
    if (off == 0) {
        fw->dma_high = half;
        return;
    }
    if (off != 4)
        return;
    uint64_t gpa = (uint64_t)fw->dma_high << 32 | half;
    fw->dma_high = 0;
    if (!fw->dma_left) /* one at a time */
        fwcfg_dma_run(fw, gpa);
}

static const viv_io_ops_t fwcfg_dma_ops = {
    .size = sizeof(viv_io_ops_t),
    .widths = VIV_W8 | VIV_W16 | VIV_W32,
    .read = fwcfg_dma_port_read,
    .write = fwcfg_dma_port_write,
};

/* -- life ------------------------------------------------------------------------------------ */

static void fwcfg_reset(viv_dev_t *dev, void *self)
{
    FwCfg *fw = self;

    dev->api->timer_cancel(fw->dma_timer);
    fwcfg_select(fw, FWCFG_SIGNATURE);
    fw->dma_high = fw->dma_left = 0;
    fwcfg_files_drop(fw);
}

static viv_status_t fwcfg_post_load(viv_dev_t *dev, void *self, uint32_t version)
{
    FwCfg *fw = self;
    (void)version;
    fwcfg_files_drop(fw); /* the offset is checked at each read */
    if (fw->dma_left && dev->api->timer_deadline(fw->dma_timer) == UINT64_MAX)
        dev->api->timer_arm(fw->dma_timer, dev->api->time_ns(dev));
    return VIV_OK;
}

static viv_status_t fwcfg_power_on(viv_dev_t *dev, void *self)
{
    (void)dev;
    return fwcfg_linux_publish(self);
}

static viv_status_t fwcfg_uuid_parse(FwCfg *fw)
{
    const char *p = fw->uuid_text;
    uint32_t digits = 0;

    if (!p || !*p)
        return VIV_OK;
    for (; *p; p++) {
        const char *hex = "0123456789abcdef0123456789ABCDEF";
        const char *at = strchr(hex, *p);
        if (*p == '-' && (digits == 8 || digits == 12 || digits == 16 || digits == 20))
            continue;
        if (!at || digits == 32)
            break;
        uint8_t nibble = (uint8_t)((at - hex) & 15);
        fw->uuid[digits / 2] = (uint8_t)(fw->uuid[digits / 2] << 4 | nibble);
        digits++;
    }
    if (*p || digits != 32)
        return fw->dev->api->fail(fw->dev, VIV_E_CONFIG, "UUID is '%s', which is no UUID",
                                  fw->uuid_text);
    return VIV_OK;
}

static viv_status_t fwcfg_construct(viv_dev_t *dev, void *self)
{
    FwCfg *fw = self;
    const viv_dev_api_t *api = dev->api;
    viv_status_t st = VIV_OK;

    fw->dev = dev;
    fw->vm = viv_need(dev, VIV_VM_ID, sizeof(viv_vm_api_t), &st);
    fw->ram = viv_need(dev, VIV_RAM_ID, sizeof(viv_ram_api_t), &st);
    fw->fwfile = viv_need(dev, VIV_FWFILE_ID, sizeof(viv_fwfile_api_t), &st);
    if (st != VIV_OK || (st = fwcfg_uuid_parse(fw)) != VIV_OK)
        return st;
    fwcfg_items_init(fw);
    if ((st = fwcfg_linux_load(fw)) != VIV_OK ||
        (st = api->timer_create(dev, "dma", fwcfg_dma_timer, fw, &fw->dma_timer)) != VIV_OK)
        return st;
    if ((st = api->pio_map(dev, FWCFG_PORT_SELECT, 2, &fwcfg_port_ops, fw, "fw_cfg", NULL)) !=
        VIV_OK)
        return st;
    return fw->dma_enabled
               ? api->pio_map(dev, FWCFG_PORT_DMA, 8, &fwcfg_dma_ops, fw, "fw_cfg DMA", NULL)
               : VIV_OK;
}

static void fwcfg_destruct(viv_dev_t *dev, void *self)
{
    (void)dev;
    fwcfg_files_drop(self);
    fwcfg_linux_free(self);
}

static const viv_device_class_t fwcfg_class = {
    VIV_DEVICE_CLASS_HEAD,
    .name = "qemu-fw-cfg",
    .summary = "firmware configuration interface (fw_cfg)",
    .instance_size = sizeof(FwCfg),
    .state_version = 2,
    .max_instances = 1,
    .order = VIV_ORDER_MISC, /* after every device that adds files */
    .options = fwcfg_options,
    .state = fwcfg_state,
    .construct = fwcfg_construct,
    .destruct = fwcfg_destruct,
    .reset = fwcfg_reset,
    .power_on = fwcfg_power_on,
    .post_load = fwcfg_post_load,
};

VIV_PLUGIN("org.vivarium.qemu-fw-cfg", "1.0", "LGPL-2.1-or-later",
           "Firmware configuration interface", &fwcfg_class);
