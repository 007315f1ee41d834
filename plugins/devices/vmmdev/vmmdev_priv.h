/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* VMMDev: what the files of this plugin share.
 * vmmdev.c          the device: options, state, life
 * vmmdev_testing.c  the test ports and the test memory: commands and their data
 * vmmdev_report.c   what a guest's test says, to the log, to a text file, to an XML file
 *
 * Invariants
 * 1 text_len < sizeof(text), and text is not terminated while it is being received.
 * 2 level is the number of XML elements that are open: 0, 1 in a test, 2 in a sub-test. */
#ifndef VMMDEV_PRIV_H
#define VMMDEV_PRIV_H

#include <stdio.h>

#include <viv/chipset.h>
#include <viv/device.h>

#define VMMDEV_TEXT_BYTES     1024u
#define VMMDEV_CFG_DWORDS     10u
#define VMMDEV_READBACK_BYTES 64u
#define VMMDEV_OUTPUT_MAX     (64ull << 20) /* bytes of each file: a guest may never stop talking */

#define VMMDEV_TEST_PORT  0x510u
#define VMMDEV_TEST_PORTS 16u
#define VMMDEV_TEST_MMIO  0xdf000u

typedef struct VmmDevFile {
    FILE *file; /* NULL: none is wanted */
    uint64_t written;
} VmmDevFile;

typedef struct VmmDev {
    /* config */
    uint8_t testing;
    uint8_t testing_mmio;
    uint8_t end_at_term;
    uint32_t cfg_dword[VMMDEV_CFG_DWORDS];
    const char *xml_path;
    const char *output_path;

    /* guest-visible state (saved) */
    uint32_t command;  /* VMMDEV_CMD_* of the last good write; VMMDEV_CMD_NONE */
    uint32_t data_pos; /* dwords of a value that have come */
    uint32_t data[3];  /* low, high, unit */
    uint32_t text_len;
    uint32_t cfg_answer;
    uint32_t locked[2];  /* ports 516h, 517h */
    uint32_t failures;   /* reported in this test */
    uint32_t sub_errors; /* in this sub-test */
    uint8_t level;
    uint64_t latched_ns; /* what port 512h gives the upper half of */
    uint8_t text[VMMDEV_TEXT_BYTES];
    uint8_t readback[VMMDEV_READBACK_BYTES];

    /* host resources */
    const viv_vm_api_t *vm;
    const viv_chipset_api_t *chipset;
    VmmDevFile output, xml;

    /* statistics */
    uint64_t sub_tests, total_failures, skipped, values, junk, dropped;
} VmmDev;

/* vmmdev_testing.c */
#define VMMDEV_CMD_COUNT 10u
#define VMMDEV_CMD_NONE  0xffu
viv_status_t vmmdev_testing_map(viv_dev_t *dev, VmmDev *vd);

/* vmmdev_report.c; texts are NUL-terminated and whatever the guest wrote */
viv_status_t vmmdev_report_open(viv_dev_t *dev, VmmDev *vd);
void vmmdev_report_close(viv_dev_t *dev, VmmDev *vd);
void vmmdev_report_loaded(viv_dev_t *dev, VmmDev *vd); /* the files begin in the middle of a test */
void vmmdev_report_init(viv_dev_t *dev, VmmDev *vd, const char *name);
void vmmdev_report_term(viv_dev_t *dev, VmmDev *vd, uint32_t errors);
void vmmdev_report_sub(viv_dev_t *dev, VmmDev *vd, const char *name);
void vmmdev_report_sub_done(viv_dev_t *dev, VmmDev *vd, uint32_t errors);
void vmmdev_report_failed(viv_dev_t *dev, VmmDev *vd, const char *reason);
void vmmdev_report_skipped(viv_dev_t *dev, VmmDev *vd, const char *reason);
void vmmdev_report_print(viv_dev_t *dev, VmmDev *vd, const char *text);
void vmmdev_report_value(viv_dev_t *dev, VmmDev *vd, const char *name, uint64_t value,
                         uint32_t unit);
void vmmdev_report_register(viv_dev_t *dev, VmmDev *vd, const char *name_and_register);

#endif
