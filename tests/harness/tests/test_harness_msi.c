/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Capabilities, MSI and MSI-X as a device and a guest see them, under the fake host. */
#include <check.h>
#include <stdlib.h>

#include "harness.h"

#define BELL_ADDRESS 0xfee01000u

typedef struct Bell {
    uint32_t reg; /* of the device's own, behind the MSI-X table in the same page */
    uint32_t cap_off, ext_off, ext2_off;
    const viv_pci_api_t *pci;
    viv_pci_fn_t *fn;
} Bell;

static const viv_field_t bell_state[] = {VIV_FIELD(Bell, reg, VIV_U32, 1), {0}};

static uint64_t bell_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    (void)dev, (void)width;
    return off == 0x40 ? ((const Bell *)ctx)->reg : 0x55aa55aa;
}

static void bell_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value, uint32_t width)
{
    (void)dev, (void)width;
    if (off == 0x40) {
        ((Bell *)ctx)->reg = (uint32_t)value;
    }
}

static const viv_io_ops_t bell_ops = {
    .size = sizeof(bell_ops), .widths = VIV_W32, .read = bell_read, .write = bell_write};

static viv_status_t bell_construct(viv_dev_t *dev, void *self)
{
    static const viv_pci_desc_t desc = {
        .size = sizeof(desc), .vendor_id = 0x1234, .device_id = 0xbe11, .int_pin = 1, .device = 4};
    Bell *b = self;
    viv_status_t st = VIV_OK;
    b->pci = viv_need(dev, VIV_PCI_ID, sizeof(viv_pci_api_t), &st);
    st = st ? st : b->pci->add(dev, 0, &desc, &b->fn);
    st = st ? st : b->pci->bar_mmio(b->fn, 1, 8192, 0, &bell_ops, b, "bell");
    st = st ? st : b->pci->cap_add(b->fn, 0x01, 8, 0xdc, &b->cap_off);
    st = st ? st : b->pci->msi_add(b->fn, 3, VIV_MSI_64BIT | VIV_MSI_MASKABLE, 0);
    st = st ? st : b->pci->msix_add(b->fn, 70, 1, 0x800, 2, 0x40, 0);
    st = st ? st : b->pci->ext_cap_add(b->fn, 0x03, 1, 12, 0, &b->ext_off);
    return st ? st : b->pci->ext_cap_add(b->fn, 0x0b, 2, 16, 0x200, &b->ext2_off);
}

static const viv_device_class_t bell_class = {
    VIV_DEVICE_CLASS_HEAD,
    .name = "bell",
    .summary = "Device with message signalled interrupts",
    .instance_size = sizeof(Bell),
    .state_version = 1,
    .state = bell_state,
    .construct = bell_construct,
};

VIV_PLUGIN("org.vivarium.test.bell", "1.0", "LGPL-2.1-or-later", "MSI test", &bell_class);

static Harness *bell_new(void)
{
    Harness *h = harness_new("bell", NULL);
    harness_pci_map_bar(h, 0, 1, 0xe0000000);
    harness_pci_map_bar(h, 0, 2, 0xe0010000);
    return h;
}

START_TEST(lists)
{
    Harness *h = bell_new();
    ck_assert_uint_eq(harness_cap_find(h, 0, 0x01), 0xdc);
    ck_assert_uint_eq(harness_cap_find(h, 0, 0x05), 0x40);
    ck_assert_uint_eq(harness_cap_find(h, 0, 0x11), 0x58);
    ck_assert_uint_eq(harness_cap_find(h, 0, 0x10), 0);
    ck_assert_uint_eq(harness_ext_cap_find(h, 0, 0x03), 0x100);
    ck_assert_uint_eq(harness_ext_cap_find(h, 0, 0x0b), 0x200);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0x200, 4), 0x0002000b);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0x42, 2), 0x0186);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0x5a, 2), 69);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0x5c, 4), 0x801);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0x60, 4), 0x42);
    harness_cfg_write(h, 0, 0x40, 0xffffffff, 4);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0x42, 2), 0x01f7);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0x40, 1), 5);
    ck_assert_uint_eq(harness_pci_bar_size(h, 0, 2), 4096);
    harness_free(h);
}
END_TEST

START_TEST(msi)
{
    Harness *h = bell_new();
    const Bell *b = harness_self(h);
    ck_assert_int_eq(b->pci->msi_send(b->fn, 0), VIV_E_UNSUPPORTED);
    b->pci->intx_set(b->fn, 1);
    harness_msi_enable(h, 0, BELL_ADDRESS, 0x4047, 1);
    ck_assert_uint_eq(harness_intx_level(h, 0), 0); /* silent, and back with MSI off */
    ck_assert_uint_eq(b->pci->msi_enabled(b->fn), 2);
    ck_assert_int_eq(b->pci->msi_send(b->fn, 2), VIV_OK); /* folded onto 0 */
    ck_assert_uint_eq(harness_event_last(h, HARNESS_EV_MSI).a, BELL_ADDRESS);
    ck_assert_uint_eq(harness_event_last(h, HARNESS_EV_MSI).b, 0x4046);
    ck_assert_int_eq(b->pci->msi_send(b->fn, 1), VIV_OK);
    ck_assert_uint_eq(harness_event_last(h, HARNESS_EV_MSI).b, 0x4047);
    harness_cfg_write(h, 0, 0x50, 2, 4); /* mask vector 1 */
    ck_assert_int_eq(b->pci->msi_send(b->fn, 1), VIV_OK);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0x54, 4), 2);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_MSI), 2);
    b->pci->intx_set(b->fn, 0);
    harness_save_load(h);
    b = harness_self(h);
    harness_cfg_write(h, 0, 0x50, 0, 4);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0x54, 4), 0);
    ck_assert_uint_eq(harness_event_last(h, HARNESS_EV_MSI).b, 0x4047);
    harness_cfg_write(h, 0, 4, 2, 2); /* no bus master */
    ck_assert_int_eq(b->pci->msi_send(b->fn, 1), VIV_E_ACCESS);
    harness_cfg_write(h, 0, 0x42, 0, 2);
    b->pci->intx_set(b->fn, 1);
    ck_assert_uint_eq(harness_intx_level(h, 0), 1);
    harness_free(h);
}
END_TEST

START_TEST(msix)
{
    Harness *h = bell_new();
    const Bell *b = harness_self(h);
    harness_msix_vector(h, 0, 69, BELL_ADDRESS, 0x99, 0);
    harness_msix_vector(h, 0, 3, BELL_ADDRESS, 0x33, 1);
    ck_assert_uint_eq(harness_mmio_read(h, 0xe0000800 + 69 * 16 + 8, 8), 0x99);
    harness_mmio_write(h, 0xe0000040, 0x1234, 4); /* the device's own, before the table */
    ck_assert_uint_eq(harness_mmio_read(h, 0xe0000040, 4), 0x1234);
    ck_assert_uint_eq(harness_mmio_read(h, 0xe0000800 + 70 * 16, 4), 0x55aa55aa);
    ck_assert_int_eq(b->pci->msi_send(b->fn, 69), VIV_E_UNSUPPORTED);
    harness_msix_enable(h, 0, 1);
    ck_assert_uint_eq(b->pci->msix_enabled(b->fn), 70);
    ck_assert_int_eq(b->pci->msi_send(b->fn, 70), VIV_E_UNSUPPORTED);
    ck_assert_int_eq(b->pci->msi_send(b->fn, 69), VIV_OK);
    ck_assert_uint_eq(harness_event_last(h, HARNESS_EV_MSI).b, 0x99);
    b->pci->msi_send(b->fn, 3);
    b->pci->msi_send(b->fn, 68); /* masked since reset */
    ck_assert_uint_eq(harness_msix_pending(h, 0, 3), 1);
    ck_assert_uint_eq(harness_msix_pending(h, 0, 68), 1);
    b->pci->msi_clear(b->fn, 68);
    ck_assert_uint_eq(harness_msix_pending(h, 0, 68), 0);
    harness_save_load(h);
    b = harness_self(h);
    harness_cfg_write(h, 0, 0x5a, 0xc000, 2); /* function mask */
    harness_msix_vector(h, 0, 3, BELL_ADDRESS, 0x33, 0);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_MSI), 1);
    harness_cfg_write(h, 0, 0x5a, 0x8000, 2);
    ck_assert_uint_eq(harness_event_last(h, HARNESS_EV_MSI).b, 0x33);
    ck_assert_uint_eq(harness_msix_pending(h, 0, 3), 0);
    harness_reset(h);
    ck_assert_uint_eq(b->pci->msix_enabled(b->fn), 0);
    harness_pci_map_bar(h, 0, 1, 0xe0000000);
    ck_assert_uint_eq(harness_mmio_read(h, 0xe0000800 + 69 * 16 + 8, 8), UINT64_C(1) << 32);
    harness_free(h);
}
END_TEST

/* Accesses that are not aligned, reserved bits, and writes of the PBA. */
START_TEST(msix_edges)
{
    Harness *h = bell_new();
    harness_mmio_write(h, 0xe0000802, 0xa1b2c3d4, 4);
    ck_assert_uint_eq(harness_mmio_read(h, 0xe0000803, 2), 0xb2c3);
    harness_mmio_write(h, 0xe000080c, 0xffffffff, 4);
    ck_assert_uint_eq(harness_mmio_read(h, 0xe000080c, 4), 1);
    harness_mmio_write(h, 0xe0010040, UINT64_MAX, 8);
    ck_assert_uint_eq(harness_mmio_read(h, 0xe0010040, 8), 0);
    harness_free(h);
}
END_TEST

START_TEST(failures)
{
    ck_assert_uint_ge(harness_construct_failures("bell", NULL), 8);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("harness_msi");
    TCase *tc = tcase_create("all");
    tcase_add_test(tc, lists);
    tcase_add_test(tc, msi);
    tcase_add_test(tc, msix);
    tcase_add_test(tc, msix_edges);
    tcase_add_test(tc, failures);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
