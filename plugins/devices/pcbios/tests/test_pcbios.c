/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pcbios: ROM placement, CMOS contents, firmware files and SMBIOS tables. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"

#define ROM_BYTES 0x40000u

static uint8_t rom[ROM_BYTES];

static Harness *machine(uint64_t ram, uint32_t cpus)
{
    Harness *h = harness_create();
    for (uint32_t i = 0; i < ROM_BYTES; i++)
        rom[i] = (uint8_t)(i >> 12);
    rom[ROM_BYTES - 16] = 0xea;
    harness_vm_file(h, "bios-256k.bin", rom, ROM_BYTES);
    harness_ram_size(h, ram);
    harness_vm_cpus(h, cpus);
    return h;
}

static Harness *started(const char *options)
{
    Harness *h = machine(64ull << 20, 1);
    ck_assert_int_eq(harness_start(h, "pcbios", options), VIV_OK);
    return h;
}

static uint64_t number(Harness *h, const char *name, size_t want_len)
{
    size_t len;
    const uint8_t *p = harness_fwfile(h, name, &len);
    uint64_t value = 0;
    ck_assert_ptr_nonnull(p);
    ck_assert_uint_eq(len, want_len);
    memcpy(&value, p, len);
    return value;
}

START_TEST(rom_is_at_both_places)
{
    Harness *h = started(NULL);
    ck_assert_uint_eq(harness_mmio_read(h, 0xfffffff0, 1), 0xea);
    ck_assert_uint_eq(harness_mmio_read(h, 0xfffc1000, 1), 0x01);
    ck_assert_uint_eq(harness_mmio_read(h, 0xffff0, 1), 0xea);
    ck_assert_uint_eq(harness_mmio_read(h, 0xe0000, 1), 0x20);
    harness_mmio_write(h, 0xffff0, 0x55, 1);
    harness_mmio_write(h, 0xfffffff0, 0x55, 1);
    ck_assert_uint_eq(harness_mmio_read(h, 0xffff0, 1), 0xea);
    ck_assert_uint_eq(harness_mmio_read(h, 0xfffffff0, 1), 0xea);
    harness_save_load(h);
    ck_assert_uint_eq(harness_mmio_read(h, 0xffff0, 1), 0xea);
    harness_reset(h);
    harness_free(h);
    h = started("Enabled=0");
    ck_assert(!harness_mmio_mapped(h, 0xfffffff0));
    ck_assert(!harness_mmio_mapped(h, 0xffff0));
    ck_assert_ptr_nonnull(harness_fwfile(h, "etc/e820", NULL)); /* the rest is there */
    harness_free(h);
}
END_TEST

START_TEST(rom_of_the_80286)
{
    Harness *h = started("RomBelow16M=1");
    ck_assert_uint_eq(harness_mmio_read(h, 0xfffff0, 1), 0xea);
    ck_assert(harness_mmio_mapped(h, 0xfe0000));
    ck_assert(!harness_mmio_mapped(h, 0xfdffff));
    harness_free(h);
    h = started(NULL);
    ck_assert(!harness_mmio_mapped(h, 0xfffff0));
    harness_free(h);
}
END_TEST

START_TEST(small_rom)
{
    Harness *h = machine(64ull << 20, 1);
    harness_vm_file(h, "small.bin", rom, 0x10000);
    ck_assert_int_eq(harness_start(h, "pcbios", "BiosRom=small.bin"), VIV_OK);
    ck_assert(harness_mmio_mapped(h, 0xffff0000));
    ck_assert(!harness_mmio_mapped(h, 0xfffe0000));
    ck_assert(harness_mmio_mapped(h, 0xf0000));
    ck_assert(!harness_mmio_mapped(h, 0xe0000));
    harness_free(h);
}
END_TEST

START_TEST(cmos_memory)
{
    static const struct {
        uint64_t ram;
        uint16_t base, ext, above_16m;
        uint32_t high;
    } cases[] = {{4ull << 20, 640, 3072, 0, 0},
                 {64ull << 20, 640, 0xfc00, 0x300, 0},
                 {512ull << 20, 640, 0xffff, 0x1f00, 0},
                 {6ull << 30, 640, 0xffff, 0xbf00, 0xc000}};
    for (unsigned i = 0; i < 4; i++) {
        Harness *h = machine(cases[i].ram, 3);
        ck_assert_int_eq(harness_start(h, "pcbios", NULL), VIV_OK);
        ck_assert_uint_eq(harness_cmos_get(h, 0x15) | harness_cmos_get(h, 0x16) << 8,
                          cases[i].base);
        ck_assert_uint_eq(harness_cmos_get(h, 0x17) | harness_cmos_get(h, 0x18) << 8, cases[i].ext);
        ck_assert_uint_eq(harness_cmos_get(h, 0x30) | harness_cmos_get(h, 0x31) << 8, cases[i].ext);
        ck_assert_uint_eq(harness_cmos_get(h, 0x34) | harness_cmos_get(h, 0x35) << 8,
                          cases[i].above_16m);
        ck_assert_uint_eq(harness_cmos_get(h, 0x5b) | harness_cmos_get(h, 0x5c) << 8 |
                              harness_cmos_get(h, 0x5d) << 16,
                          cases[i].high);
        ck_assert_uint_eq(harness_cmos_get(h, 0x5f), 2);
        harness_free(h);
    }
}
END_TEST

START_TEST(cmos_boot_order)
{
    static const struct {
        const char *options;
        uint8_t b3d, b38;
    } cases[] = {
        {NULL, 0x31, 0x20}, /* floppy, DVD, disk */
        {"BootDevice0=DVD,BootDevice1=IDE,BootDevice2=NONE", 0x23, 0x00},
        {"BootDevice0=NONE,BootDevice1=NONE,BootDevice2=NONE,BootDevice3=IDE", 0x02, 0x00},
        {"BootDevice0=NETWORK,BootDevice1=IDE,BootDevice2=DVD,BootDevice3=FLOPPY", 0x24, 0x30},
        {"BootDevice0=LAN,BootDevice1=NONE,BootDevice2=NONE", 0x04, 0x00}};
    for (unsigned i = 0; i < 5; i++) {
        Harness *h = started(cases[i].options);
        ck_assert_uint_eq(harness_cmos_get(h, 0x3d), cases[i].b3d);
        ck_assert_uint_eq(harness_cmos_get(h, 0x38), cases[i].b38);
        ck_assert_ptr_null(harness_fwfile(h, "bootorder", NULL));
        harness_free(h);
    }
    Harness *h = started("BootOrder=/pci@i0cf8/ide@1\\,1/drive@0/disk@0;/rom@genroms/x.rom");
    size_t len;
    const char *text = (const char *)harness_fwfile(h, "bootorder", &len);
    ck_assert_str_eq(text, "/pci@i0cf8/ide@1,1/drive@0/disk@0\n/rom@genroms/x.rom");
    ck_assert_uint_eq(len, strlen(text) + 1);
    harness_free(h);
}
END_TEST

START_TEST(cmos_floppies)
{
    Harness *h = started(NULL);
    ck_assert_uint_eq(harness_cmos_get(h, 0x10), 0);
    ck_assert_uint_eq(harness_cmos_get(h, 0x14), 0x06);
    harness_free(h);
    h = machine(64ull << 20, 1);
    harness_vm_has_device(h, "i82078");
    ck_assert_int_eq(harness_start(h, "pcbios", NULL), VIV_OK);
    ck_assert_uint_eq(harness_cmos_get(h, 0x10), 0x40);
    ck_assert_uint_eq(harness_cmos_get(h, 0x14), 0x07);
    harness_free(h);
    h = started("FloppyTypes=0x42");
    ck_assert_uint_eq(harness_cmos_get(h, 0x14), 0x47);
    harness_free(h);
}
END_TEST

START_TEST(firmware_files)
{
    Harness *h = started(NULL);
    size_t len;
    const uint8_t *map = harness_fwfile(h, "etc/e820", &len);
    ck_assert_uint_eq(len, 20);
    ck_assert_mem_eq(map, "\0\0\0\0\0\0\0\0\0\0\0\x04\0\0\0\0\x01\0\0\0", 20);
    ck_assert_uint_eq(number(h, "etc/show-boot-menu", 2), 0);
    ck_assert_uint_eq(number(h, "etc/boot-fail-wait", 4), 0xffffffff);
    ck_assert_ptr_null(harness_fwfile(h, "etc/sercon-port", NULL));
    harness_free(h);

    h = machine(6ull << 30, 1);
    ck_assert_int_eq(
        harness_start(h, "pcbios", "ShowBootMenu=1,BootMenuWait=5,SerialConsolePort=0x3f8"),
        VIV_OK);
    map = harness_fwfile(h, "etc/e820", &len);
    ck_assert_uint_eq(len, 40);
    ck_assert_uint_eq(map[11], 0xc0);
    ck_assert_uint_eq(map[24], 1);
    ck_assert_uint_eq(map[31], 0xc0);
    ck_assert_uint_eq(number(h, "etc/show-boot-menu", 2), 1);
    ck_assert_uint_eq(number(h, "etc/boot-menu-wait", 4), 5);
    ck_assert_uint_eq(number(h, "etc/sercon-port", 2), 0x3f8);
    harness_free(h);
}
END_TEST

/* -- SMBIOS ---------------------------------------------------------------------------------- */

static const uint8_t *smbios, *smbios_end;

/* The string of that number (1..) of a structure. */
static const char *smbios_text(const uint8_t *s, uint8_t n)
{
    const char *p = (const char *)s + s[1];
    ck_assert_uint_ge(n, 1);
    while (--n)
        p += strlen(p) + 1;
    return p;
}

static const uint8_t *smbios_next(const uint8_t *s)
{
    const uint8_t *p = s + s[1];
    while (p[0] || p[1])
        p++;
    return p + 2;
}

static const uint8_t *smbios_find(uint8_t type, unsigned n)
{
    for (const uint8_t *s = smbios; s < smbios_end; s = smbios_next(s)) {
        ck_assert_uint_ge(s[1], 4);
        if (s[0] == type && n-- == 0)
            return s;
    }
    return NULL;
}

static void smbios_load(Harness *h)
{
    size_t len, anchor_len;
    const uint8_t *anchor = harness_fwfile(h, "etc/smbios/smbios-anchor", &anchor_len);
    smbios = harness_fwfile(h, "etc/smbios/smbios-tables", &len);
    smbios_end = smbios + len;
    ck_assert_uint_eq(anchor_len, 31);
    ck_assert_mem_eq(anchor, "_SM_", 4);
    ck_assert_uint_eq(anchor[22] | anchor[23] << 8, len);
    uint8_t sum = 0, inner = 0;
    unsigned count = 0, largest = 0;
    for (unsigned i = 0; i < 31; i++)
        sum = (uint8_t)(sum + anchor[i]), inner = (uint8_t)(inner + (i >= 16 ? anchor[i] : 0));
    ck_assert_uint_eq(sum, 0);
    ck_assert_uint_eq(inner, 0);
    const uint8_t *s = smbios;
    for (; s < smbios_end; s = smbios_next(s), count++)
        if ((unsigned)(smbios_next(s) - s) > largest)
            largest = (unsigned)(smbios_next(s) - s);
    ck_assert_ptr_eq(s, smbios_end);
    ck_assert_uint_eq(anchor[28] | anchor[29] << 8, count);
    ck_assert_uint_eq(anchor[8] | anchor[9] << 8, largest);
}

START_TEST(smbios_of_a_machine)
{
    Harness *h = machine(6ull << 30, 2);
    ck_assert_int_eq(harness_start(h, "pcbios",
                                   "UUID=00112233-4455-6677-8899-AabbccddeeFF,DmiSystemProduct=Box,"
                                   "DmiSystemSKU=sku 7,DmiOEMVBoxRev=rev,DmiChassisType=3"),
                     VIV_OK);
    smbios_load(h);
    const uint8_t *s = smbios_find(1, 0);
    static const uint8_t uuid[] = {0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66,
                                   0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
    ck_assert_uint_eq(s[1], 27);
    ck_assert_mem_eq(s + 8, uuid, 16);
    ck_assert_str_eq(smbios_text(s, s[5]), "Box");
    ck_assert_str_eq(smbios_text(s, s[25]), "sku 7");
    ck_assert_uint_eq(smbios_find(0, 0)[1], 24);
    ck_assert_uint_eq(smbios_find(2, 0)[1], 15);
    ck_assert_uint_eq(smbios_find(3, 0)[5], 3);
    ck_assert_uint_eq(smbios_find(3, 0)[1], 21);
    ck_assert_ptr_nonnull(smbios_find(4, 1));
    ck_assert_ptr_null(smbios_find(4, 2));
    ck_assert_uint_eq(smbios_find(4, 0)[1], 42);
    ck_assert_uint_eq(smbios_find(4, 0)[0x14] | smbios_find(4, 0)[0x15] << 8, 2000);
    s = smbios_find(11, 0);
    ck_assert_uint_eq(s[4], 1);
    ck_assert_str_eq(smbios_text(s, 1), "rev");
    s = smbios_find(17, 0);
    ck_assert_uint_eq(s[1], 40);
    ck_assert_uint_eq(s[12] | s[13] << 8, 6144);
    ck_assert_uint_eq(smbios_find(16, 0)[1], 23);
    ck_assert_ptr_nonnull(smbios_find(19, 1));
    ck_assert_uint_eq(smbios_find(19, 0)[1], 31);
    ck_assert_uint_eq(smbios_find(32, 0)[1], 11);
    ck_assert_ptr_eq(smbios_next(smbios_find(127, 0)), smbios_end);
    harness_free(h);
    h = started("DmiExposeMemoryTable=0,DmiSystemUuid=ffffffff-0000-0000-0000-000000000000,UUID="
                "00112233-4455-6677-8899-aabbccddeeff");
    smbios_load(h);
    ck_assert_ptr_null(smbios_find(17, 0));
    ck_assert_uint_eq(smbios_find(1, 0)[8], 0xff); /* the closer key wins */
    harness_free(h);
}
END_TEST

START_TEST(smbios_of_a_large_machine)
{
    Harness *h = machine(100ull << 30, 64);
    ck_assert_int_eq(harness_start(h, "pcbios", NULL), VIV_OK);
    smbios_load(h);
    ck_assert_ptr_nonnull(smbios_find(4, 63));
    ck_assert_ptr_nonnull(smbios_find(17, 6));
    ck_assert_ptr_null(smbios_find(17, 7));
    ck_assert_uint_eq(smbios_find(17, 6)[12] | smbios_find(17, 6)[13] << 8, 4096);
    harness_free(h);
}
END_TEST

START_TEST(debug_port)
{
    Harness *h = started(NULL);
    ck_assert_uint_eq(harness_in8(h, 0x402), 0xe9);
    harness_events_clear(h);
    for (const char *p = "Hello\x07\nworld"; *p; p++)
        harness_out8(h, 0x402, (uint8_t)*p);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_LOG), 1);
    ck_assert_uint_eq(harness_event_last(h, HARNESS_EV_LOG).a, VIV_LOG_DEBUG);
    for (unsigned i = 0; i < 1000; i++)
        harness_out8(h, 0x402, 'x');
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_LOG), 7);
    harness_free(h);
    h = started("DebugPort=0");
    ck_assert(!harness_port_mapped(h, 0x402));
    harness_free(h);
}
END_TEST

START_TEST(bad_configuration)
{
    static const char *const bad[] = {"BootDevice2=USB",
                                      "UUID=12",
                                      "UUID=00112233-4455-6677-8899-aabbccddeefg",
                                      "UUID=00112233-4455-6677-8899-aabbccddeeff0",
                                      "DmiSystemUuid=x",
                                      "BiosRom=none.bin",
                                      "BiosRom=odd.bin",
                                      "BiosRom=empty.bin"};
    for (unsigned i = 0; i < 8; i++) {
        Harness *h = machine(64ull << 20, 1);
        harness_vm_file(h, "odd.bin", rom, 0x10001);
        harness_vm_file(h, "empty.bin", rom, 0);
        ck_assert_int_lt(harness_start(h, "pcbios", bad[i]), 0);
        harness_free(h);
    }
}
END_TEST

static void with_rom(Harness *h)
{
    harness_vm_file(h, "bios-256k.bin", rom, ROM_BYTES);
}

START_TEST(construct_failures)
{
    harness_construct_failures_with(with_rom, "pcbios", NULL);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("pcbios");
    TCase *tc = tcase_create("pcbios");
    tcase_add_test(tc, rom_is_at_both_places);
    tcase_add_test(tc, rom_of_the_80286);
    tcase_add_test(tc, small_rom);
    tcase_add_test(tc, cmos_memory);
    tcase_add_test(tc, cmos_boot_order);
    tcase_add_test(tc, cmos_floppies);
    tcase_add_test(tc, firmware_files);
    tcase_add_test(tc, smbios_of_a_machine);
    tcase_add_test(tc, smbios_of_a_large_machine);
    tcase_add_test(tc, debug_port);
    tcase_add_test(tc, bad_configuration);
    tcase_add_test(tc, construct_failures);
    suite_add_tcase(s, tc);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
