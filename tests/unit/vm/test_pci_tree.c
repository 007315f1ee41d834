/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PCI as PDM serves it, in a machine of real plugins whose vCPU stands: bus numbers, windows, INTx,
 * mastering and reset through two bridges, BARs over RAM and over each other, MSI-X to the local
 * APIC, junk in every register. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pdm/pdm_internal.h"

#define MIB      (UINT64_C(1) << 20)
#define ROOT     (24u << 3) /* the outer bridge on bus 0 */
#define OUTER    5u         /* what the tests call the buses behind */
#define INNER    9u
#define RINGER   0x42691234u
#define WINDOW   0xe0000000u
#define APIC     0xfee00000u
#define INTX_ON  1u
#define INTX_OFF 2u
#define DMA      3u
#define MSI      4u

static PluginRegistry *plugins;
static Vm *vm;

/* ringer/0 behind two bridges, one in the other; ringer/1 in slot 10 of the root. */
static CfgmNode *tree(void)
{
    static const char *const devices[] = {"pci/0",    "i8259/0",     "apic/0",      "ioapic/0",
                                          "ringer/0", "pcibridge/0", "pcibridge/1", "ringer/1"};
    CfgmNode *root = cfgm_new();
    cfgm_set_u64(root, "RamSize", 16 * MIB, NULL);
    cfgm_set_string(root, "Engine/Name", "scripted", NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(devices); i++) {
        g_autofree char *path = g_strdup_printf("Devices/%s/Config", devices[i]);
        cfgm_create(root, path, NULL);
    }
    cfgm_set_u64(root, "Devices/pcibridge/0/Config/Subtractive", 0, NULL);
    cfgm_set_u64(root, "Devices/pcibridge/1/Config/Subtractive", 0, NULL);
    cfgm_set_u64(root, "Devices/pcibridge/1/PCIBusNo", 1, NULL);
    cfgm_set_u64(root, "Devices/pcibridge/1/PCIDeviceNo", 1, NULL);
    cfgm_set_u64(root, "Devices/ringer/0/PCIBusNo", 2, NULL);
    cfgm_set_u64(root, "Devices/ringer/1/PCIDeviceNo", 10, NULL);
    return root;
}

static Vm *machine(const char *state)
{
    VivError err = VIV_ERROR_INIT;
    Vm *made = vm_create(tree(), plugins, &err);
    ck_assert_msg(made != NULL, "%s", error_text(&err));
    ck_assert_msg(vm_power_on(made, state, &err) == VIV_OK, "%s", error_text(&err));
    return made;
}

static void setup(void)
{
    static const char *const dirs[] = {VM_TEST_MODULES, VM_TEST_PLUGINS, NULL};
    PluginSearch search = {.dirs = dirs, .only_dirs = true, .cache_path = ""};
    plugins = plugin_registry_new(&search);
    vm = machine(NULL);
}

static void teardown(void)
{
    vm_destroy(vm);
    plugin_registry_free(plugins);
}

static uint32_t get(uint32_t bus, uint32_t slot, uint32_t off, uint32_t width)
{
    return pdm_pci_read(vm->pdm, bus, slot << 3, off, width);
}

static void put(uint32_t bus, uint32_t slot, uint32_t off, uint32_t value, uint32_t width)
{
    pdm_pci_write(vm->pdm, bus, slot << 3, off, value, width);
}

static uint32_t mem32(uint64_t gpa)
{
    uint32_t value;
    pgm_read(vm->pgm, gpa, &value, sizeof value);
    return value;
}

static void mem32_put(uint64_t gpa, uint32_t value)
{
    pgm_write(vm->pgm, gpa, &value, sizeof value);
}

static void number_buses(void)
{
    put(0, 24, 0x18, OUTER << 8 | INNER << 16, 4);
    put(OUTER, 1, 0x18, OUTER | INNER << 8 | INNER << 16, 4);
}

/* Both bridges and the device forward, decode and master. */
static void open_windows(void)
{
    number_buses();
    for (uint32_t n = 0; n < 2; n++) {
        uint32_t bus = n ? OUTER : 0, slot = n ? 1 : 24;
        put(bus, slot, 0x1c, 0xc0c0, 2);
        put(bus, slot, 0x20, 0x0000fff0, 4); /* memory window closed */
        put(bus, slot, 0x24, 0xe010e000, 4);
        put(bus, slot, 0x04, 7, 2);
    }
    put(INNER, 0, 0x10, 0xc000, 4);
    put(INNER, 0, 0x18, WINDOW + 0x100000, 4);
    put(INNER, 0, 0x04, 7, 2);
}

static uint32_t isa_lines(void)
{
    uint32_t lines = 0;
    for (guint i = 0; i < vm->pdm->devices->len; i++) {
        lines |= ((const PdmDevice *)g_ptr_array_index(vm->pdm->devices, i))->isa_lines;
    }
    return lines;
}

START_TEST(buses_have_the_numbers_that_the_guest_gives)
{
    ck_assert_uint_eq(get(0, 24, 0, 4), 0x24488086);
    ck_assert_uint_eq(get(1, 1, 0, 4), UINT32_MAX);
    number_buses();
    ck_assert_uint_eq(get(OUTER, 1, 0, 4), 0x24488086);
    ck_assert_uint_eq(get(INNER, 0, 0, 4), RINGER);
    ck_assert_uint_eq(get(OUTER, 0, 0, 4), UINT32_MAX);
    ck_assert_uint_eq(get(INNER - 1, 0, 0, 4), UINT32_MAX); /* claimed by the outer bridge alone */
    ck_assert_uint_eq(get(2, 0, 0, 4), UINT32_MAX);
    put(0, 24, 0x1a, OUTER, 1); /* the inner bus is beyond the subordinate number now */
    ck_assert_uint_eq(get(INNER, 0, 0, 4), UINT32_MAX);
    ck_assert_uint_eq(get(0, 10, 0, 4), RINGER);
    ck_assert_uint_eq(get(0, 10, 0x100, 4), UINT32_MAX); /* no extended space */
}
END_TEST

START_TEST(windows_gate_memory)
{
    open_windows();
    mem32_put(WINDOW + 0x100000, 0x11223344);
    ck_assert_uint_eq(mem32(WINDOW + 0x100000), 0x11223344);
    ck_assert_uint_eq(mem32(WINDOW + 0x103ffc), 0x5a5a5a5a);
    put(OUTER, 1, 0x26, 0xe000, 2); /* the inner window ends before the BAR */
    ck_assert_uint_eq(mem32(WINDOW + 0x100000), UINT32_MAX);
    put(OUTER, 1, 0x20, 0xe010e000, 4); /* the other window does as well */
    ck_assert_uint_eq(mem32(WINDOW + 0x100000), 0x11223344);
    put(0, 24, 0x04, 5, 2); /* no memory through the outer bridge */
    ck_assert_uint_eq(mem32(WINDOW + 0x100000), UINT32_MAX);
    put(0, 24, 0x04, 7, 2);
    put(INNER, 0, 0x18, WINDOW, 4); /* moved within the window */
    ck_assert_uint_eq(mem32(WINDOW), 0x11223344);
    ck_assert_uint_eq(mem32(WINDOW + 0x100000), UINT32_MAX);
    put(INNER, 0, 0x1c, 1, 4); /* above 4 GiB: no window there */
    ck_assert_uint_eq(mem32(WINDOW), UINT32_MAX);
    put(INNER, 0, 0x1c, 0, 4);
    put(INNER, 0, 0x30, (WINDOW + 0x10000) | 1, 4);
    ck_assert_uint_eq(mem32(WINDOW + 0x10000) & 0xffff, 0xaa55);
    put(INNER, 0, 0x30, WINDOW + 0x10000, 4); /* ROM switched off */
    ck_assert_uint_eq(mem32(WINDOW + 0x10000), UINT32_MAX);
}
END_TEST

START_TEST(windows_gate_ports)
{
    open_windows();
    ck_assert_uint_eq(iom_pio_read(vm->iom, 0xc000, 1), 0);
    put(INNER, 0, 0x10, 0xd000, 4); /* beyond the window */
    ck_assert_uint_eq(iom_pio_read(vm->iom, 0xd000, 1), 0xff);
    put(INNER, 0, 0x10, 0xc100, 4);
    ck_assert_uint_eq(iom_pio_read(vm->iom, 0xc100, 1), 0);
    put(0, 24, 0x3e, 0x04, 2); /* ISA Enable: only the first 256 of each 1024 */
    ck_assert_uint_eq(iom_pio_read(vm->iom, 0xc100, 1), 0xff);
    put(INNER, 0, 0x10, 0xc400, 4);
    ck_assert_uint_eq(iom_pio_read(vm->iom, 0xc400, 1), 0);
    put(INNER, 0, 0x10, 0x03c0, 4); /* a VGA's ports, in no window */
    ck_assert_uint_eq(iom_pio_read(vm->iom, 0x3c0, 1), 0xff);
    put(0, 24, 0x3e, 0x08, 2);
    put(OUTER, 1, 0x3e, 0x08, 2);
    ck_assert_uint_eq(iom_pio_read(vm->iom, 0x3c0, 1), 0);
    put(INNER, 0, 0x10, 0x87c0, 4); /* their aliases, until 16 bits are decoded */
    ck_assert_uint_eq(iom_pio_read(vm->iom, 0x87c0, 1), 0);
    put(OUTER, 1, 0x3e, 0x18, 2);
    ck_assert_uint_eq(iom_pio_read(vm->iom, 0x87c0, 1), 0xff);
}
END_TEST

START_TEST(pins_turn_with_the_slots)
{
    open_windows();
    put(0, 1, 0x60, 0x0a0b, 2); /* PIRQA to 11, PIRQB to 10 */
    iom_pio_write(vm->iom, 0xc000, INTX_ON, 1);
    /* INTA, slot 0: INTA of the inner bridge in slot 1: INTB of the outer in slot 24: PIRQA. */
    ck_assert_uint_eq(isa_lines(), 1u << 11);
    ck_assert_uint_eq(get(INNER, 0, 0x06, 1) & 8, 8);
    put(0, 10, 0x10, 0xd000, 4); /* INTA of slot 10: PIRQB */
    put(0, 10, 0x04, 7, 2);
    iom_pio_write(vm->iom, 0xd000, INTX_ON, 1);
    ck_assert_uint_eq(isa_lines(), 3u << 10);
    put(0, 1, 0x61, 11, 1); /* shared */
    ck_assert_uint_eq(isa_lines(), 1u << 11);
    put(INNER, 0, 0x04, 0x407, 2); /* Interrupt Disable */
    ck_assert_uint_eq(isa_lines(), 1u << 11);
    iom_pio_write(vm->iom, 0xd000, INTX_OFF, 1);
    ck_assert_uint_eq(isa_lines(), 0);
    put(INNER, 0, 0x04, 7, 2);
    ck_assert_uint_eq(isa_lines(), 1u << 11);
    iom_pio_write(vm->iom, 0xc000, INTX_OFF, 1);
    ck_assert_uint_eq(isa_lines(), 0);
}
END_TEST

START_TEST(every_bridge_must_master)
{
    open_windows();
    iom_pio_write(vm->iom, 0xc000, DMA, 1);
    ck_assert_uint_eq(mem32(0x2000), 0xdecafbad);
    mem32_put(0x2000, 0);
    put(0, 24, 0x04, 3, 2);
    iom_pio_write(vm->iom, 0xc000, DMA, 1);
    ck_assert_uint_eq(mem32(0x2000), 0);
    ck_assert_uint_eq(iom_pio_read(vm->iom, 0xc000, 1), (uint8_t)VIV_E_ACCESS);
}
END_TEST

START_TEST(reset_of_a_secondary_bus)
{
    open_windows();
    put(0, 1, 0x60, 11, 1);
    iom_pio_write(vm->iom, 0xc000, INTX_ON, 1);
    uint32_t resets = iom_pio_read(vm->iom, 0xc004, 1);
    put(0, 24, 0x3e, 0x40, 2);
    ck_assert_uint_eq(isa_lines(), 0);
    ck_assert_uint_eq(get(OUTER, 1, 0, 4), UINT32_MAX);
    ck_assert_uint_eq(iom_pio_read(vm->iom, 0xc000, 1), 0xff);
    put(0, 24, 0x3e, 0, 2);
    ck_assert_uint_eq(get(OUTER, 1, 0x18, 4), 0);
    open_windows();
    ck_assert_uint_eq(iom_pio_read(vm->iom, 0xc004, 1), resets + 1);
    ck_assert_uint_eq(get(0, 10, 0, 4), RINGER);
}
END_TEST

START_TEST(msix_reaches_the_apic)
{
    open_windows();
    mem32_put(APIC + 0xf0, 0x1ff);
    uint64_t table = WINDOW + 0x101000;
    mem32_put(table, APIC);
    mem32_put(table + 8, 0x41);
    ck_assert_uint_eq(mem32(table + 12), 1);
    uint32_t cap = get(INNER, 0, 0x34, 1);
    put(INNER, 0, cap + 2, 0x8000, 2);
    iom_pio_write(vm->iom, 0xc000, MSI, 1); /* masked: pending */
    ck_assert_uint_eq(mem32(WINDOW + 0x101800), 1);
    ck_assert_uint_eq(mem32(APIC + 0x220), 0);
    g_autofree char *path = g_strdup_printf("%s/viv-pci-%d", g_get_tmp_dir(), getpid());
    ck_assert_int_eq(vm_save(vm, path, NULL), VIV_OK);
    vm_destroy(vm);
    vm = machine(path);
    unlink(path);
    ck_assert_uint_eq(mem32(WINDOW + 0x101800), 1);
    put(0, 24, 0x04, 3, 2);
    mem32_put(table + 12, 0); /* unmasked, but the way is closed */
    ck_assert_uint_eq(mem32(APIC + 0x220), 0);
    put(0, 24, 0x04, 7, 2);
    mem32_put(table + 12, 0);
    ck_assert_uint_eq(mem32(APIC + 0x220), 2);
    ck_assert_uint_eq(mem32(WINDOW + 0x101800), 0);
    ck_assert_uint_eq(mem32(WINDOW + 0x101c00), 0x5a5a5a5a); /* the device's own again */
}
END_TEST

START_TEST(bars_below_ram_and_beside_each_other)
{
    mem32_put(0x800000, 0x600d600d);
    put(0, 10, 0x18, 0x800000, 4);
    put(0, 10, 0x04, 7, 2);
    ck_assert_uint_eq(mem32(0x800000), 0x600d600d); /* the memory controller keeps it */
    put(0, 10, 0x18, 0xfffc000, 4);
    ck_assert_uint_eq(mem32(0xfffc004), 0x5a5a5a5a);
    put(0, 10, 0x18, 0xffffffff, 4); /* sizing */
    put(0, 10, 0x1c, 0xffffffff, 4);
    ck_assert_uint_eq(get(0, 10, 0x18, 4), 0xffffc00c);
    ck_assert_uint_eq(mem32(0xfffc004), UINT32_MAX);
    put(0, 10, 0x18, 0, 4);
    put(0, 10, 0x1c, 0x20, 4); /* 128 GiB */
    ck_assert_uint_eq(mem32(UINT64_C(0x2000000004)), 0x5a5a5a5a);
    /* Ports: the first one keeps them, and leaves them to the one that waits. */
    open_windows();
    put(0, 10, 0x10, 0xc000, 4);
    uint32_t resets = iom_pio_read(vm->iom, 0xc004, 1);
    put(INNER, 0, 0x04, 0, 2);
    ck_assert_uint_eq(iom_pio_read(vm->iom, 0xc004, 1), resets);
    put(0, 10, 0x04, 0, 2);
    ck_assert_uint_eq(iom_pio_read(vm->iom, 0xc000, 1), 0xff);
}
END_TEST

START_TEST(places_that_are_not_there)
{
    VivError err = VIV_ERROR_INIT;
    CfgmNode *root = tree();
    cfgm_set_u64(root, "Devices/ringer/1/PCIBusNo", 3, NULL);
    ck_assert_ptr_null(vm_create(root, plugins, &err));
    ck_assert_ptr_nonnull(strstr(error_text(&err), "no PCI bus 3"));
    error_clear(&err);
}
END_TEST

/* Whatever is written, reads stay possible, and a reset brings back what was. */
START_TEST(junk)
{
    GRand *rand = g_rand_new_with_seed(4);
    for (uint32_t i = 0; i < 20000; i++) {
        uint32_t width = 1u << g_rand_int_range(rand, 0, 3);
        uint32_t bus = (uint32_t)g_rand_int_range(rand, 0, 4) ? 0 : g_rand_int(rand) & 0xff;
        uint32_t slot = (uint32_t[]){0, 1, 10, 24}[g_rand_int_range(rand, 0, 4)];
        uint32_t off = g_rand_int(rand) & 0xfff & ~(width - 1);
        off = g_rand_boolean(rand) ? off & 0x3f : off;
        put(bus, slot, off, g_rand_int(rand) & (g_rand_boolean(rand) ? UINT32_MAX : 0xf8ff), width);
        get(bus, slot, off, width);
        mem32(g_rand_int(rand));
    }
    g_rand_free(rand);
    pdm_reset(vm->pdm);
    number_buses();
    ck_assert_uint_eq(get(INNER, 0, 0, 4), RINGER);
    ck_assert_uint_eq(get(0, 0, 0, 4), 0x12378086);
}
END_TEST

/* Without one of its plugins the test is skipped. */
static gboolean complete(void)
{
    static const char *const dirs[] = {VM_TEST_PLUGINS, NULL};
    static const char *const needed[] = {"pci", "pcibridge", "apic", "ioapic", "i8259"};
    PluginSearch search = {.dirs = dirs, .only_dirs = true, .cache_path = ""};
    PluginRegistry *found = plugin_registry_new(&search);
    gboolean all = TRUE;
    for (size_t i = 0; i < G_N_ELEMENTS(needed); i++) {
        all = all && plugin_record_of_class(found, VIV_KIND_DEVICE, needed[i]);
    }
    plugin_registry_free(found);
    return all;
}

int main(void)
{
    if (!complete()) {
        puts("SKIP: a plugin that the machine needs is not built");
        return 77;
    }
    Suite *s = suite_create("pci_tree");
    TCase *tc = tcase_create("all");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, buses_have_the_numbers_that_the_guest_gives);
    tcase_add_test(tc, windows_gate_memory);
    tcase_add_test(tc, windows_gate_ports);
    tcase_add_test(tc, pins_turn_with_the_slots);
    tcase_add_test(tc, every_bridge_must_master);
    tcase_add_test(tc, reset_of_a_secondary_bus);
    tcase_add_test(tc, msix_reaches_the_apic);
    tcase_add_test(tc, bars_below_ram_and_beside_each_other);
    tcase_add_test(tc, places_that_are_not_there);
    tcase_add_test(tc, junk);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
