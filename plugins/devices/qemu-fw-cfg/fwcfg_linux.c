/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu-fw-cfg: a Linux kernel for the firmware's linuxboot path.
 * Follows the Linux/x86 boot protocol, 2.00 to 2.15 (Documentation/arch/x86/boot.rst): the
 * real-mode part goes to 10000h, the command line to 20000h, the protected part to 1 MiB, the
 * initial RAM disk to the highest place the kernel takes. The boot loader's fields of the header
 * are filled in here; an option ROM moves the parts and jumps. */
#include "fwcfg_priv.h"

#include <stdlib.h>
#include <string.h>

#define FWCFG_LINUX_MAX          (1ull << 30)
#define FWCFG_LINUX_SETUP_ADDR   0x10000u
#define FWCFG_LINUX_CMDLINE_ADDR 0x20000u
#define FWCFG_LINUX_KERNEL_ADDR  0x100000u
#define FWCFG_LINUX_CMDLINE_MAX  0x10000u
#define FWCFG_LINUX_LOADER       0xb0u /* QEMU's boot loader number: its ROM loads */

#define FWCFG_HDR_SETUP_SECTS 0x1f1u
#define FWCFG_HDR_MAGIC       0x202u
#define FWCFG_HDR_VERSION     0x206u
#define FWCFG_HDR_LOADER      0x210u
#define FWCFG_HDR_LOADFLAGS   0x211u
#define FWCFG_HDR_RAMDISK     0x218u
#define FWCFG_HDR_HEAP_END    0x224u
#define FWCFG_HDR_CMDLINE     0x228u
#define FWCFG_HDR_INITRD_MAX  0x22cu
#define FWCFG_HDR_BYTES       0x268u

static uint32_t fwcfg_get(const uint8_t *at, uint32_t bytes)
{
    uint32_t value = 0;
    for (uint32_t i = 0; i < bytes; i++)
        value |= (uint32_t)at[i] << (8 * i);
    return value;
}

static void fwcfg_put(uint8_t *at, uint32_t value, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

static viv_status_t fwcfg_linux_file(FwCfg *fw, const char *name, uint8_t **ret_data,
                                     uint64_t *ret_len)
{
    viv_status_t st = fw->ram->file_load(fw->dev, name, FWCFG_LINUX_MAX, ret_data, ret_len);
    return st == VIV_OK ? st : fw->dev->api->fail(fw->dev, st, "'%s' cannot be read", name);
}

/* Below the kernel's limit and the end of low RAM, page-aligned. */
static viv_status_t fwcfg_linux_initrd_place(FwCfg *fw, uint32_t version, uint32_t *ret_addr)
{
    uint64_t limit = version >= 0x203 ? (uint64_t)fwcfg_get(fw->setup + FWCFG_HDR_INITRD_MAX, 4) + 1
                                      : 0x38000000ull;
    uint64_t ram = fw->vm->ram_below_4g(fw->dev);

    ram = ram > 0x100000 ? ram - 0x100000 : 0; /* the firmware's tables lie at the top */
    if (limit > ram)
        limit = ram;
    uint64_t lowest = FWCFG_LINUX_KERNEL_ADDR + fw->protected_len;
    if (fw->initrd_len > limit || ((limit - fw->initrd_len) & ~0xfffull) < lowest)
        return fw->dev->api->fail(fw->dev, VIV_E_CONFIG,
                                  "the initial RAM disk and the kernel do not fit into low RAM");
    *ret_addr = (uint32_t)((limit - fw->initrd_len) & ~0xfffull);
    return VIV_OK;
}

static viv_status_t fwcfg_linux_header(FwCfg *fw)
{
    uint8_t *hdr = fw->setup;
    uint32_t version = fwcfg_get(hdr + FWCFG_HDR_VERSION, 2);
    uint32_t initrd_addr = 0;

    if (fw->initrd_len) {
        viv_status_t st = fwcfg_linux_initrd_place(fw, version, &initrd_addr);
        if (st != VIV_OK)
            return st;
    }
    hdr[FWCFG_HDR_LOADER] = FWCFG_LINUX_LOADER;
    if (version >= 0x201) {
        hdr[FWCFG_HDR_LOADFLAGS] |= 0x80; /* the heap may be used */
        fwcfg_put(hdr + FWCFG_HDR_HEAP_END,
                  FWCFG_LINUX_CMDLINE_ADDR - FWCFG_LINUX_SETUP_ADDR - 0x200, 2);
    }
    if (version >= 0x202)
        fwcfg_put(hdr + FWCFG_HDR_CMDLINE, FWCFG_LINUX_CMDLINE_ADDR, 4);
    fwcfg_put(hdr + FWCFG_HDR_RAMDISK, initrd_addr, 4);
    fwcfg_put(hdr + FWCFG_HDR_RAMDISK + 4, (uint32_t)fw->initrd_len, 4);

    fwcfg_number_set(fw, FWCFG_INITRD_ADDR, initrd_addr);
    fwcfg_number_set(fw, FWCFG_INITRD_SIZE, fw->initrd_len);
    fwcfg_number_set(fw, FWCFG_KERNEL_ADDR, FWCFG_LINUX_KERNEL_ADDR);
    fwcfg_number_set(fw, FWCFG_KERNEL_ENTRY, FWCFG_LINUX_KERNEL_ADDR);
    fwcfg_number_set(fw, FWCFG_KERNEL_SIZE, fw->protected_len);
    fwcfg_number_set(fw, FWCFG_SETUP_ADDR, FWCFG_LINUX_SETUP_ADDR);
    fwcfg_number_set(fw, FWCFG_SETUP_SIZE, fw->setup_len);
    fwcfg_number_set(fw, FWCFG_CMDLINE_ADDR, FWCFG_LINUX_CMDLINE_ADDR);
    fwcfg_number_set(fw, FWCFG_CMDLINE_SIZE, fw->cmdline_len);
    return VIV_OK;
}

/* Splits a bzImage, or takes the two halves that SetupImage and KernelImage name. */
static viv_status_t fwcfg_linux_split(FwCfg *fw, uint64_t kernel_len, uint64_t setup_alone_len)
{
    const uint8_t *setup = fw->setup_alone ? fw->setup_alone : fw->kernel;
    uint64_t have = fw->setup_alone ? setup_alone_len : kernel_len;

    if (have < FWCFG_HDR_BYTES || memcmp(setup + FWCFG_HDR_MAGIC, "HdrS", 4) != 0 ||
        fwcfg_get(setup + FWCFG_HDR_VERSION, 2) < 0x200 || !(setup[FWCFG_HDR_LOADFLAGS] & 1))
        return fw->dev->api->fail(fw->dev, VIV_E_CONFIG, "'%s' is no Linux bzImage",
                                  fw->kernel_name);
    if (fw->setup_alone) {
        fw->setup_len = have;
        fw->protected_part = fw->kernel;
        fw->protected_len = kernel_len;
    } else {
        uint32_t sectors = setup[FWCFG_HDR_SETUP_SECTS] ? setup[FWCFG_HDR_SETUP_SECTS] : 4;
        fw->setup_len = (sectors + 1u) * 512u;
        if (fw->setup_len >= kernel_len)
            return fw->dev->api->fail(fw->dev, VIV_E_CONFIG, "'%s' ends within its real-mode part",
                                      fw->kernel_name);
        fw->protected_part = fw->kernel + fw->setup_len;
        fw->protected_len = kernel_len - fw->setup_len;
    }
    if (fw->setup_len > FWCFG_LINUX_CMDLINE_ADDR - FWCFG_LINUX_SETUP_ADDR ||
        fw->setup_len < FWCFG_HDR_BYTES)
        return fw->dev->api->fail(fw->dev, VIV_E_CONFIG, "the real-mode part of '%s' is too large",
                                  fw->kernel_name);
    fw->setup = malloc(fw->setup_len);
    if (!fw->setup)
        return VIV_E_NOMEM;
    memcpy(fw->setup, setup, fw->setup_len);
    return VIV_OK;
}

viv_status_t fwcfg_linux_load(FwCfg *fw)
{
    uint64_t kernel_len = 0, setup_alone_len = 0;
    viv_status_t st;

    if (!fw->kernel_name || !*fw->kernel_name) {
        if ((fw->initrd_name && *fw->initrd_name) || (fw->setup_name && *fw->setup_name))
            return fw->dev->api->fail(fw->dev, VIV_E_CONFIG,
                                      "InitrdImage and SetupImage need a KernelImage");
        return VIV_OK;
    }
    fw->cmdline_len = strlen(fw->cmdline) + 1;
    if (fw->cmdline_len > FWCFG_LINUX_CMDLINE_MAX)
        return fw->dev->api->fail(fw->dev, VIV_E_CONFIG, "CmdLine is longer than %u bytes",
                                  FWCFG_LINUX_CMDLINE_MAX);
    if ((st = fwcfg_linux_file(fw, fw->kernel_name, &fw->kernel, &kernel_len)) != VIV_OK)
        return st;
    if (fw->setup_name && *fw->setup_name &&
        (st = fwcfg_linux_file(fw, fw->setup_name, &fw->setup_alone, &setup_alone_len)) != VIV_OK)
        return st;
    if (fw->initrd_name && *fw->initrd_name &&
        (st = fwcfg_linux_file(fw, fw->initrd_name, &fw->initrd, &fw->initrd_len)) != VIV_OK)
        return st;
    if ((st = fwcfg_linux_split(fw, kernel_len, setup_alone_len)) != VIV_OK)
        return st;
    return fwcfg_linux_header(fw);
}

/* -- option ROM and boot order --------------------------------------------------------------- */

static viv_status_t fwcfg_linux_boot_first(FwCfg *fw)
{
    static const char line[] = "/rom@genroms/linuxboot_dma.bin";
    uint32_t count = fw->fwfile->count(fw->dev);
    const uint8_t *old = NULL;
    uint64_t old_len = 0;

    for (uint32_t n = 0; n < count; n++) {
        const char *name;
        const uint8_t *data;
        uint64_t len;
        if (fw->fwfile->get(fw->dev, n, &name, &data, &len) == VIV_OK &&
            !strcmp(name, "bootorder")) {
            old = data;
            old_len = len;
        }
    }
    uint8_t *text = malloc(sizeof(line) + old_len);
    if (!text)
        return VIV_E_NOMEM;
    memcpy(text, line, sizeof(line));
    if (old_len) {
        text[sizeof(line) - 1] = '\n';
        memcpy(text + sizeof(line), old, old_len);
    }
    viv_status_t st = fw->fwfile->add(fw->dev, "bootorder", text, sizeof(line) + old_len);
    free(text);
    return st;
}

viv_status_t fwcfg_linux_publish(FwCfg *fw)
{
    uint8_t *rom = NULL;
    uint64_t len = 0;

    if (!fw->kernel || !fw->linuxboot_name || !*fw->linuxboot_name)
        return VIV_OK;
    viv_status_t st = fwcfg_linux_file(fw, fw->linuxboot_name, &rom, &len);
    if (st != VIV_OK)
        return st;
    st = fw->fwfile->add(fw->dev, "genroms/linuxboot_dma.bin", rom, len);
    fw->ram->file_free(rom);
    return st == VIV_OK ? fwcfg_linux_boot_first(fw) : st;
}

void fwcfg_linux_free(FwCfg *fw)
{
    free(fw->setup);
    if (fw->kernel)
        fw->ram->file_free(fw->kernel);
    if (fw->setup_alone)
        fw->ram->file_free(fw->setup_alone);
    if (fw->initrd)
        fw->ram->file_free(fw->initrd);
    fw->setup = fw->kernel = fw->setup_alone = fw->initrd = NULL;
}
