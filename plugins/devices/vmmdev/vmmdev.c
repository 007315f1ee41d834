/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* VMMDev: VirtualBox's device for its guests. What is here is its test ports: 510h-51Fh, and a page
 * of test memory at DF000h, with which programs that run on the bare machine report results, values
 * and text to the host, and measure what an access costs.
 * Follows: VirtualBox's protocol of them; its tests run unmodified, and so do our own.
 * Not modelled: the PCI function 80EE:CAFE with its request port, which guest additions use. */
#include "vmmdev_priv.h"

#define VMMDEV_STATE_VERSION 1

#define VMMDEV_OPT_DWORD(n)                                                                        \
    VIV_OPT_NAMED(VmmDev, "TestingCfgDword" #n, cfg_dword[n], VIV_U32, 0, 0xffffffffu, 0,          \
                  "What the guest's query of number " #n " gives")

static const viv_option_t vmmdev_options[] = {
    VIV_OPT_NAMED(VmmDev, "TestingEnabled", testing, VIV_BOOL, 0, 1, 0,
                  "The test ports 510h-51Fh are there (not together with qemu-fw-cfg); without "
                  "them the device has nothing and is refused"),
    VIV_OPT_NAMED(VmmDev, "TestingMMIO", testing_mmio, VIV_BOOL, 0, 1, 0,
                  "The test memory at DF000h is there, too"),
    VIV_OPT_NAMED(VmmDev, "TestingEndAtTerm", end_at_term, VIV_BOOL, 0, 1, 0,
                  "The end of the guest's test ends the machine: exit code 0 passed, 1 failed"),
    VIV_OPT_STRING(VmmDev, "TestingOutputFile", output_path, NULL,
                   "File for the reports, a line each: test:, sub:, value:, print:, failed:, "
                   "skipped:, sub-end:, end:"),
    VIV_OPT_STRING(
        VmmDev, "TestingXmlOutputFile", xml_path, NULL,
        "File for the reports as XML: nested Test elements with Value, Failure, Skipped, Print, "
        "Passed or Failed"),
    VMMDEV_OPT_DWORD(0),
    VMMDEV_OPT_DWORD(1),
    VMMDEV_OPT_DWORD(2),
    VMMDEV_OPT_DWORD(3),
    VMMDEV_OPT_DWORD(4),
    VMMDEV_OPT_DWORD(5),
    VMMDEV_OPT_DWORD(6),
    VMMDEV_OPT_DWORD(7),
    VMMDEV_OPT_DWORD(8),
    VMMDEV_OPT_DWORD(9),
    {0},
};

static const viv_field_t vmmdev_state[] = {
    VIV_FIELD(VmmDev, command, VIV_U32, 1),
    VIV_FIELD(VmmDev, data_pos, VIV_U32, 1),
    VIV_FIELD_ARRAY(VmmDev, data, VIV_U32, 1),
    VIV_FIELD(VmmDev, text_len, VIV_U32, 1),
    VIV_FIELD(VmmDev, cfg_answer, VIV_U32, 1),
    VIV_FIELD_ARRAY(VmmDev, locked, VIV_U32, 1),
    VIV_FIELD(VmmDev, failures, VIV_U32, 1),
    VIV_FIELD(VmmDev, sub_errors, VIV_U32, 1),
    VIV_FIELD(VmmDev, level, VIV_U8, 1),
    VIV_FIELD(VmmDev, latched_ns, VIV_U64, 1),
    VIV_FIELD_BYTES(VmmDev, text, 1),
    VIV_FIELD_BYTES(VmmDev, readback, 1),
    {0},
};

/* [main or emt, device lock held] A test that was under way is not going to end. */
static void vmmdev_reset(viv_dev_t *dev, void *self)
{
    VmmDev *vd = self;
    if (vd->level) {
        vmmdev_report_failed(dev, vd, "the machine was reset");
        vmmdev_report_term(dev, vd, vd->failures);
    }
    vd->command = VMMDEV_CMD_NONE;
    vd->data_pos = vd->text_len = 0;
    vd->cfg_answer = 0xffffffffu;
    vd->locked[0] = vd->locked[1] = 0;
    vd->latched_ns = 0;
    for (uint32_t i = 0; i < VMMDEV_READBACK_BYTES; i++) {
        vd->readback[i] = 0;
    }
}

/* [main, device lock held] */
static viv_status_t vmmdev_post_load(viv_dev_t *dev, void *self, uint32_t version)
{
    VmmDev *vd = self;
    (void)version;
    if (vd->text_len >= VMMDEV_TEXT_BYTES || vd->data_pos > 3 || vd->level > 2 ||
        (vd->command >= VMMDEV_CMD_COUNT && vd->command != VMMDEV_CMD_NONE)) {
        return dev->api->fail(dev, VIV_E_CORRUPT, "command %u with %u bytes, level %u", vd->command,
                              vd->text_len, vd->level);
    }
    vmmdev_report_loaded(dev, vd);
    return VIV_OK;
}

static viv_status_t vmmdev_stats(viv_dev_t *dev, VmmDev *vd)
{
    const struct {
        const uint64_t *value;
        const char *name, *unit, *help;
    } counters[] = {
        {&vd->sub_tests, "SubTests", "times", "Sub-tests that have begun"},
        {&vd->total_failures, "Failures", "times", "Failures that were reported"},
        {&vd->skipped, "Skipped", "times", "Sub-tests that were skipped"},
        {&vd->values, "Values", "times", "Values that were reported"},
        {&vd->junk, "Junk", "times", "Writes that fit no command"},
        {&vd->dropped, "Dropped", "bytes", "Output beyond what a file may hold"},
    };
    viv_iface_t iface;
    viv_status_t st = VIV_OK;
    if (dev->api->get_interface(dev, VIV_STAM_ID, sizeof(viv_stam_api_t), &iface) != VIV_OK) {
        return VIV_OK;
    }
    const viv_stam_api_t *stam = iface.ops;
    for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]) && st == VIV_OK; i++) {
        st = stam->counter(dev, counters[i].value, counters[i].name, counters[i].unit,
                           counters[i].help);
    }
    return st;
}

/* [main, device lock held] */
static viv_status_t vmmdev_construct(viv_dev_t *dev, void *self)
{
    VmmDev *vd = self;
    viv_status_t st = VIV_OK;
    vd->vm = viv_need(dev, VIV_VM_ID, sizeof(viv_vm_api_t), &st);
    vd->chipset = viv_need(dev, VIV_CHIPSET_ID, sizeof(viv_chipset_api_t), &st);
    if (st != VIV_OK) {
        return st;
    }
    if (!vd->testing) {
        return dev->api->fail(dev, VIV_E_CONFIG,
                              "only the test ports are there so far: set TestingEnabled to 1, or "
                              "leave the device out");
    }
    if (vd->vm->has_device(dev, "qemu-fw-cfg")) {
        return dev->api->fail(
            dev, VIV_E_EXISTS,
            "the test ports and qemu-fw-cfg share port 510h: a machine has one of "
            "them (--cfg Devices/qemu-fw-cfg= removes the other)");
    }
    if ((st = vmmdev_testing_map(dev, vd)) != VIV_OK || (st = vmmdev_stats(dev, vd)) != VIV_OK) {
        return st;
    }
    return vmmdev_report_open(dev, vd);
}

/* [main, device lock held] */
static void vmmdev_destruct(viv_dev_t *dev, void *self)
{
    vmmdev_report_close(dev, self);
}

static const viv_device_class_t vmmdev_class = {
    VIV_DEVICE_CLASS_HEAD,
    .name = "VMMDev",
    .summary = "VirtualBox's guest device: its test ports",
    .instance_size = sizeof(VmmDev),
    .state_version = VMMDEV_STATE_VERSION,
    .max_instances = 1,
    .order = VIV_ORDER_VMM_DEV,
    .options = vmmdev_options,
    .state = vmmdev_state,
    .construct = vmmdev_construct,
    .destruct = vmmdev_destruct,
    .reset = vmmdev_reset,
    .post_load = vmmdev_post_load,
};

VIV_PLUGIN("org.vivarium.vmmdev", "1.0", "LGPL-2.1-or-later", "VirtualBox's guest device",
           &vmmdev_class);
