/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu-fw-cfg: selector, data port, DMA with all its control bits, the file directory, and a Linux
 * kernel as items. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"

#define REQUEST 0x1000u
#define BUFFER  0x2000u

static void add(Harness *h, const char *name, const void *data, size_t len)
{
    viv_dev_t *dev = harness_dev(h);
    viv_iface_t iface;
    ck_assert_int_eq(dev->api->get_interface(dev, VIV_FWFILE_ID, sizeof(viv_fwfile_api_t), &iface),
                     VIV_OK);
    ck_assert_int_eq(((const viv_fwfile_api_t *)iface.ops)->add(dev, name, data, len), VIV_OK);
}

static void read_item(Harness *h, uint16_t selector, void *buf, uint32_t len)
{
    harness_out16(h, 0x510, selector);
    harness_ins(h, 0x511, 1, buf, len);
}

static uint64_t item(Harness *h, uint16_t selector, uint32_t len)
{
    uint64_t value = 0;
    read_item(h, selector, &value, len);
    return value;
}

static uint32_t be(const uint8_t *p, unsigned n)
{
    uint32_t v = 0;
    while (n--)
        v = v << 8 | *p++;
    return v;
}

/* Runs a DMA request and returns what control has become. */
static uint32_t dma(Harness *h, uint32_t control, uint32_t len, uint64_t to)
{
    uint8_t r[16];
    for (unsigned i = 0; i < 4; i++) {
        r[i] = (uint8_t)(control >> (24 - 8 * i));
        r[4 + i] = (uint8_t)(len >> (24 - 8 * i));
    }
    for (unsigned i = 0; i < 8; i++)
        r[8 + i] = (uint8_t)(to >> (56 - 8 * i));
    harness_ram_write(h, REQUEST, r, 16);
    harness_out32(h, 0x514, 0);
    harness_out32(h, 0x518, __builtin_bswap32(REQUEST));
    harness_ram_read(h, REQUEST, r, 4);
    return be(r, 4);
}

START_TEST(legacy_items)
{
    Harness *h = harness_create();
    harness_vm_cpus(h, 3);
    ck_assert_int_eq(harness_start(h, "qemu-fw-cfg", "UUID=00112233-4455-6677-8899-aabbccddeeff"),
                     VIV_OK);
    uint8_t uuid[16];
    char text[5] = "";
    read_item(h, 0, text, 4);
    ck_assert_str_eq(text, "QEMU");
    ck_assert_uint_eq(item(h, 1, 4), 3);
    read_item(h, 2, uuid, 16);
    ck_assert_mem_eq(uuid, "\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff", 16);
    ck_assert_uint_eq(item(h, 3, 8), 64u << 20);
    ck_assert_uint_eq(item(h, 5, 2), 3);
    ck_assert_uint_eq(item(h, 0xf, 2), 3);
    ck_assert_uint_eq(item(h, 0xd, 8), 0);
    ck_assert_uint_eq(item(h, 0x8000, 2), 0);
    ck_assert_uint_eq(item(h, 0x8002, 1), 1);
    ck_assert_uint_eq(item(h, 0x7777, 8), 0); /* nothing: zeros */
    /* Byte by byte and beyond the end. */
    harness_out16(h, 0x510, 0);
    ck_assert_uint_eq(harness_in8(h, 0x511), 'Q');
    harness_save_load(h);
    ck_assert_uint_eq(harness_in8(h, 0x511), 'E');
    ck_assert_uint_eq(harness_in8(h, 0x511), 'M');
    ck_assert_uint_eq(harness_in8(h, 0x511), 'U');
    ck_assert_uint_eq(harness_in8(h, 0x511), 0);
    harness_out8(h, 0x511, 0x55); /* read-only */
    harness_out8(h, 0x510, 1);    /* half a selector is none */
    harness_out16(h, 0x510, 0);
    harness_reset(h);
    ck_assert_uint_eq(harness_in8(h, 0x511), 'Q');
    harness_free(h);
}
END_TEST

START_TEST(directory_and_files)
{
    Harness *h = harness_new("qemu-fw-cfg", NULL);
    uint8_t dir[4 + 3 * 64], buf[8];
    add(h, "etc/zeta", "zz", 2);
    add(h, "bootorder", "boot", 5);
    read_item(h, 0x19, dir, sizeof(dir));
    ck_assert_uint_eq(be(dir, 4), 2);
    ck_assert_str_eq((char *)dir + 4 + 8, "bootorder");
    ck_assert_uint_eq(be(dir + 4, 4), 5);
    ck_assert_uint_eq(be(dir + 8, 2), 0x20);
    ck_assert_str_eq((char *)dir + 68 + 8, "etc/zeta");
    ck_assert_uint_eq(be(dir + 72, 2), 0x21);
    /* What comes later waits for a reset: numbers must not move under the guest. */
    add(h, "etc/alpha", "a", 1);
    add(h, "etc/zeta", "yyy", 3);
    read_item(h, 0x19, dir, sizeof(dir));
    ck_assert_uint_eq(be(dir, 4), 2);
    read_item(h, 0x21, buf, 4);
    ck_assert_mem_eq(buf, "zz\0\0", 4);
    /* Other contents of the same length are seen from the next selection on. */
    read_item(h, 0x20, buf, 2);
    add(h, "bootorder", "later", 5);
    ck_assert_uint_eq(harness_in8(h, 0x511), 'o');
    read_item(h, 0x20, buf, 5);
    ck_assert_mem_eq(buf, "later", 5);
    harness_reset(h);
    read_item(h, 0x19, dir, sizeof(dir));
    ck_assert_uint_eq(be(dir, 4), 3);
    read_item(h, 0x22, buf, 4);
    ck_assert_mem_eq(buf, "yyy\0", 4);
    read_item(h, 0x23, buf, 4);
    ck_assert_mem_eq(buf, "\0\0\0\0", 4);
    harness_free(h);
}
END_TEST

/* A long transfer lets the vCPU go on: the control field says when it is over. */
START_TEST(dma_slices)
{
    Harness *h = harness_new("qemu-fw-cfg", NULL);
    const uint64_t last = BUFFER + 0x2fffff;
    harness_ram_put8(h, last, 0xaa);
    ck_assert_uint_ne(dma(h, 0x02, 0x300000, BUFFER), 0);
    ck_assert_uint_eq(dma(h, 0x02, 0x10, BUFFER), 0x02); /* meanwhile nothing else begins */
    ck_assert_uint_eq(harness_ram_get8(h, last), 0xaa);
    harness_save_load(h);
    harness_advance_ns(h, 10000);
    ck_assert_uint_eq(harness_ram_get8(h, last), 0);
    ck_assert_uint_eq(harness_next_deadline(h), UINT64_MAX);
    ck_assert_uint_eq(dma(h, 0x02, 0x10, BUFFER), 0);

    ck_assert_uint_ne(dma(h, 0x02, 0xffffffff, BUFFER), 0);
    harness_reset(h);
    ck_assert_uint_eq(harness_next_deadline(h), UINT64_MAX);
    ck_assert_uint_eq(dma(h, 0x02, 0x10, BUFFER), 0);
    harness_free(h);
}
END_TEST

START_TEST(dma_controls)
{
    Harness *h = harness_new("qemu-fw-cfg", NULL);
    uint8_t big[10000];
    for (unsigned i = 0; i < sizeof(big); i++)
        big[i] = (uint8_t)(i * 7);
    add(h, "big", big, sizeof(big));
    ck_assert_uint_eq(harness_in32(h, 0x514), 0x554d4551); /* "QEMU" */
    ck_assert_uint_eq(harness_in32(h, 0x518), 0x47464320); /* " CFG" */
    ck_assert_uint_eq(dma(h, 0x20 << 16 | 0x08 | 0x02, 5000, BUFFER), 0);
    ck_assert_uint_eq(harness_ram_get8(h, BUFFER + 4999), big[4999]);
    ck_assert_uint_eq(harness_ram_get8(h, BUFFER + 5000), 0);
    ck_assert_uint_eq(dma(h, 0x04, 1000, 0), 0); /* skip */
    ck_assert_uint_eq(dma(h, 0x02, 16, BUFFER), 0);
    ck_assert_uint_eq(harness_ram_get8(h, BUFFER), big[6000]);
    harness_save_load(h);
    add(h, "big", big, sizeof(big)); /* its device publishes it again */
    harness_ram_fill(h, BUFFER, 0xee, 8192);
    ck_assert_uint_eq(dma(h, 0x02, 5000, BUFFER), 0); /* over the end: zeros */
    ck_assert_uint_eq(harness_ram_get8(h, BUFFER + 3983), big[9999]);
    ck_assert_uint_eq(harness_ram_get8(h, BUFFER + 3984), 0);
    ck_assert_uint_eq(harness_ram_get8(h, BUFFER + 4999), 0);
    ck_assert_uint_eq(harness_ram_get8(h, BUFFER + 5000), 0xee);
    ck_assert_uint_eq(dma(h, 0x04, 0xffffffff, 0), 0);     /* skip far */
    ck_assert_uint_eq(dma(h, 0x20 << 16 | 0x08, 0, 0), 0); /* select alone */
    ck_assert_uint_eq(harness_in8(h, 0x511), big[0]);
    ck_assert_uint_eq(dma(h, 0x20 << 16 | 0x08 | 0x10, 4, BUFFER), 1); /* write */
    ck_assert_uint_eq(dma(h, 0, 4, BUFFER), 0);
    ck_assert_uint_eq(dma(h, 0x02 | 0x10, 2, BUFFER), 0); /* read goes before write */
    harness_out16(h, 0x518, 0xffff);                      /* no dword: nothing starts */
    harness_free(h);
    h = harness_new("qemu-fw-cfg", "DmaEnabled=0");
    ck_assert_uint_eq(item(h, 1, 4), 1);
    ck_assert(!harness_port_mapped(h, 0x514));
    harness_free(h);
}
END_TEST

/* -- a kernel -------------------------------------------------------------------------------- */

static uint8_t bzimage[5 * 512 + 3000];

static void bzimage_make(void)
{
    for (unsigned i = 0; i < sizeof(bzimage); i++)
        bzimage[i] = (uint8_t)(i * 13);
    bzimage[0x1f1] = 4;
    memcpy(bzimage + 0x202, "HdrS\x0f\x02", 6);
    bzimage[0x211] = 1;
    memcpy(bzimage + 0x22c, "\xff\xff\xff\x7f", 4);
}

static Harness *kernel_machine(const char *options, viv_status_t want)
{
    Harness *h = harness_create();
    bzimage_make();
    harness_vm_file(h, "vmlinuz", bzimage, sizeof(bzimage));
    harness_vm_file(h, "setup", bzimage, 5 * 512);
    harness_vm_file(h, "protected", bzimage + 5 * 512, 3000);
    harness_vm_file(h, "cut", bzimage, 5 * 512);
    harness_vm_file(h, "text", "not a kernel", 12);
    harness_vm_file(h, "initrd", bzimage, 2345);
    harness_vm_file(h, "rom", "\x55\xaa\x01", 3);
    ck_assert_int_eq(harness_start(h, "qemu-fw-cfg", options), want);
    return h;
}

static void check_kernel(Harness *h)
{
    uint8_t setup[5 * 512], protected_part[3000], initrd[2345];
    char cmdline[32];
    ck_assert_uint_eq(item(h, 0x17, 4), sizeof(setup));
    ck_assert_uint_eq(item(h, 0x16, 4), 0x10000);
    ck_assert_uint_eq(item(h, 0x08, 4), 3000);
    ck_assert_uint_eq(item(h, 0x07, 4), 0x100000);
    ck_assert_uint_eq(item(h, 0x10, 4), 0x100000);
    read_item(h, 0x11, protected_part, sizeof(protected_part));
    ck_assert_mem_eq(protected_part, bzimage + 5 * 512, 3000);
    ck_assert_uint_eq(item(h, 0x0b, 4), 2345);
    uint32_t at = (uint32_t)item(h, 0x0a, 4);
    ck_assert_uint_eq(at & 0xfff, 0);
    ck_assert_uint_le(at + 2345, 63u << 20);
    read_item(h, 0x12, initrd, sizeof(initrd));
    ck_assert_mem_eq(initrd, bzimage, 2345);
    ck_assert_uint_eq(item(h, 0x13, 4), 0x20000);
    ck_assert_uint_eq(item(h, 0x14, 4), 9);
    read_item(h, 0x15, cmdline, sizeof(cmdline));
    ck_assert_str_eq(cmdline, "ro quiet");
    read_item(h, 0x18, setup, sizeof(setup));
    ck_assert_uint_eq(setup[0x210], 0xb0);
    ck_assert_uint_eq(setup[0x211], 0x81);
    ck_assert_mem_eq(setup + 0x228, "\0\0\x02\0", 4);
    ck_assert_mem_eq(setup + 0x218, &at, 4);
    ck_assert_mem_eq(setup + 0x21c, "\x29\x09\0\0", 4);
    ck_assert_mem_eq(setup + 0x400, bzimage + 0x400, 512);
}

START_TEST(linux_items)
{
    Harness *h = kernel_machine("KernelImage=vmlinuz,InitrdImage=initrd,CmdLine=ro quiet", VIV_OK);
    check_kernel(h);
    ck_assert_ptr_null(harness_fwfile(h, "bootorder", NULL));
    harness_free(h);
    h = kernel_machine("KernelImage=protected,SetupImage=setup,InitrdImage=initrd,CmdLine=ro "
                       "quiet,LinuxBootRom=rom",
                       VIV_OK);
    check_kernel(h);
    ck_assert_str_eq((const char *)harness_fwfile(h, "bootorder", NULL),
                     "/rom@genroms/linuxboot_dma.bin");
    ck_assert_ptr_nonnull(harness_fwfile(h, "genroms/linuxboot_dma.bin", NULL));
    harness_free(h);
}
END_TEST

START_TEST(bad_kernels)
{
    static const char *const bad[] = {"KernelImage=text",
                                      "KernelImage=cut",
                                      "KernelImage=none",
                                      "InitrdImage=initrd",
                                      "KernelImage=vmlinuz,InitrdImage=none",
                                      "KernelImage=vmlinuz,LinuxBootRom=none",
                                      "UUID=123"};
    for (unsigned i = 0; i < 7; i++) {
        Harness *h = harness_create();
        bzimage_make();
        harness_vm_file(h, "vmlinuz", bzimage, sizeof(bzimage));
        harness_vm_file(h, "cut", bzimage, 5 * 512);
        harness_vm_file(h, "text", "not a kernel", 12);
        harness_vm_file(h, "initrd", bzimage, 2345);
        ck_assert_int_lt(harness_start(h, "qemu-fw-cfg", bad[i]), 0);
        harness_free(h);
    }
    bzimage_make();
    bzimage[0x1f1] = 0xff; /* its real-mode part would go over its end */
    Harness *h = harness_create();
    harness_vm_file(h, "vmlinuz", bzimage, sizeof(bzimage));
    ck_assert_int_eq(harness_start(h, "qemu-fw-cfg", "KernelImage=vmlinuz"), VIV_E_CONFIG);
    harness_free(h);
    h = harness_create(); /* an initial RAM disk that does not fit */
    bzimage_make();
    harness_ram_size(h, 2ull << 20);
    static uint8_t large[1 << 20];
    harness_vm_file(h, "vmlinuz", bzimage, sizeof(bzimage));
    harness_vm_file(h, "initrd", large, sizeof(large));
    ck_assert_int_eq(harness_start(h, "qemu-fw-cfg", "KernelImage=vmlinuz,InitrdImage=initrd"),
                     VIV_E_CONFIG);
    harness_free(h);
}
END_TEST

static void with_kernel(Harness *h)
{
    bzimage_make();
    harness_vm_file(h, "vmlinuz", bzimage, sizeof(bzimage));
    harness_vm_file(h, "initrd", bzimage, 2345);
}

START_TEST(construct_failures)
{
    harness_construct_failures("qemu-fw-cfg", NULL);
    harness_construct_failures_with(with_kernel, "qemu-fw-cfg",
                                    "KernelImage=vmlinuz,InitrdImage=initrd");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("qemu-fw-cfg");
    TCase *tc = tcase_create("fw_cfg");
    tcase_add_test(tc, legacy_items);
    tcase_add_test(tc, directory_and_files);
    tcase_add_test(tc, dma_controls);
    tcase_add_test(tc, dma_slices);
    tcase_add_test(tc, linux_items);
    tcase_add_test(tc, bad_kernels);
    tcase_add_test(tc, construct_failures);
    suite_add_tcase(s, tc);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
