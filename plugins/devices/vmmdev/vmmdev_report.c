/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* VMMDev: where the reports of a guest's test go. Text is the guest's and may be anything: what is
 * not printable ASCII becomes a question mark, and a file has an end. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "vmmdev_priv.h"

/* -- files ----------------------------------------------------------------------------------- */

static viv_status_t vmmdev_file_open(viv_dev_t *dev, VmmDevFile *out, const char *path)
{
    if (path && *path && !(out->file = fopen(path, "we"))) {
        return dev->api->fail(dev, VIV_E_IO, "%s: cannot be written: %s", path, strerror(errno));
    }
    return VIV_OK;
}

/* Whole lines: what was written before a crash is there to be read. */
static void vmmdev_put(VmmDev *vd, VmmDevFile *out, const char *line)
{
    size_t len = strlen(line);
    if (!out->file) {
        return;
    }
    if (out->written + len + 1 > VMMDEV_OUTPUT_MAX) {
        vd->dropped += len + 1;
        return;
    }
    out->written += len + 1;
    if (fputs(line, out->file) < 0 || fputc('\n', out->file) == EOF || fflush(out->file)) {
        vd->dropped += len + 1;
    }
}

/* One printable line of what the guest wrote. */
static void vmmdev_clean(char *to, const char *from)
{
    size_t len = strlen(from);
    while (len && (from[len - 1] == '\n' || from[len - 1] == '\r')) {
        len--;
    }
    for (size_t i = 0; i < len && i < VMMDEV_TEXT_BYTES - 1; i++) {
        char c = from[i];
        if (c == '\n' || c == '\t' || c == '\r') {
            c = ' ';
        }
        *to++ = c;
        if (c < ' ' || c == 0x7f) {
            to[-1] = '?';
        }
    }
    *to = 0;
}

/* `to` holds six times as much. */
static void vmmdev_escape(char *to, const char *from)
{
    for (; *from; from++) {
        const char *entity = *from == '&'   ? "&amp;"
                             : *from == '<' ? "&lt;"
                             : *from == '>' ? "&gt;"
                             : *from == '"' ? "&quot;"
                                            : NULL;
        if (entity) {
            to = stpcpy(to, entity);
        } else {
            *to++ = *from;
        }
    }
    *to = 0;
}

/* -- lines and elements ---------------------------------------------------------------------- */

/* To the log and the text file: "failed: reason". Words are ours, text is the guest's. */
static void vmmdev_say(viv_dev_t *dev, VmmDev *vd, uint32_t severity, const char *word,
                       const char *text)
{
    char clean[VMMDEV_TEXT_BYTES], line[VMMDEV_TEXT_BYTES + 64];
    vmmdev_clean(clean, text);
    snprintf(line, sizeof(line), "%s: %s", word, clean);
    dev->api->log(dev, severity, "%s", line);
    vmmdev_put(vd, &vd->output, line);
}

/* An element with up to one attribute of the guest's; `more` is ours. end: "/>" or ">". */
static void vmmdev_element(VmmDev *vd, viv_dev_t *dev, const char *element, const char *attribute,
                           const char *text, const char *more, const char *end)
{
    char clean[VMMDEV_TEXT_BYTES], escaped[6 * VMMDEV_TEXT_BYTES];
    char stamp[40], line[sizeof(escaped) + 256];
    if (!vd->xml.file) {
        return;
    }
    time_t seconds = (time_t)(vd->vm->wall_time_ns(dev) / 1000000000u);
    struct tm utc;
    memset(&utc, 0, sizeof(utc));
    gmtime_r(&seconds, &utc);
    strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", &utc);
    vmmdev_clean(clean, text);
    vmmdev_escape(escaped, clean);
    snprintf(line, sizeof(line), "%*s<%s timestamp=\"%s\"%s%s%s%s%s%s", vd->level * 2, "", element,
             stamp, attribute ? " " : "", attribute ? attribute : "", attribute ? "=\"" : "",
             attribute ? escaped : "", attribute ? "\"" : "", more);
    strncat(line, end, sizeof(line) - strlen(line) - 1);
    vmmdev_put(vd, &vd->xml, line);
}

static void vmmdev_begin(viv_dev_t *dev, VmmDev *vd, const char *name)
{
    vmmdev_element(vd, dev, "Test", "name", name, "", ">");
    vd->level++;
}

static void vmmdev_end(viv_dev_t *dev, VmmDev *vd, uint32_t errors)
{
    char count[32], line[16];
    snprintf(count, sizeof(count), " errors=\"%" PRIu32 "\"", errors);
    vmmdev_element(vd, dev, errors ? "Failed" : "Passed", NULL, "", errors ? count : "", "/>");
    vd->level--;
    snprintf(line, sizeof(line), "%*s</Test>", vd->level * 2, "");
    vmmdev_put(vd, &vd->xml, line);
}

/* A sub-test ends with the next one, or with the test, if the guest does not say so. */
static void vmmdev_end_sub(viv_dev_t *dev, VmmDev *vd, uint32_t errors)
{
    if (vd->level == 2) {
        vmmdev_end(dev, vd, errors);
    }
    vd->sub_errors = 0;
}

/* -- reports --------------------------------------------------------------------------------- */

void vmmdev_report_init(viv_dev_t *dev, VmmDev *vd, const char *name)
{
    if (vd->level) { /* the one before did not end */
        vmmdev_report_term(dev, vd, vd->failures);
    }
    vmmdev_say(dev, vd, VIV_LOG_INFO, "test", name);
    vmmdev_begin(dev, vd, name);
    vd->failures = 0;
}

void vmmdev_report_term(viv_dev_t *dev, VmmDev *vd, uint32_t errors)
{
    char text[48];
    snprintf(text, sizeof(text), "%" PRIu32 " errors", errors);
    vmmdev_end_sub(dev, vd, vd->sub_errors);
    vmmdev_say(dev, vd, errors ? VIV_LOG_WARN : VIV_LOG_INFO, "end", text);
    if (vd->level) {
        vmmdev_end(dev, vd, errors > vd->failures ? errors : vd->failures);
    }
    vd->failures = 0;
}

void vmmdev_report_sub(viv_dev_t *dev, VmmDev *vd, const char *name)
{
    vmmdev_end_sub(dev, vd, vd->sub_errors);
    vd->sub_tests++;
    vmmdev_say(dev, vd, VIV_LOG_INFO, "sub", name);
    if (vd->level == 1) {
        vmmdev_begin(dev, vd, name);
    }
}

void vmmdev_report_sub_done(viv_dev_t *dev, VmmDev *vd, uint32_t errors)
{
    char text[48];
    snprintf(text, sizeof(text), "%" PRIu32 " errors", errors);
    vmmdev_say(dev, vd, errors ? VIV_LOG_WARN : VIV_LOG_INFO, "sub-end", text);
    if (errors && !vd->sub_errors) { /* told only now */
        vd->failures += vd->failures != UINT32_MAX;
    }
    vmmdev_end_sub(dev, vd, errors);
}

void vmmdev_report_failed(viv_dev_t *dev, VmmDev *vd, const char *reason)
{
    vd->total_failures++;
    vd->failures += vd->failures != UINT32_MAX;
    vd->sub_errors += vd->sub_errors != UINT32_MAX;
    vmmdev_say(dev, vd, VIV_LOG_WARN, "failed", reason);
    vmmdev_element(vd, dev, "Failure", "reason", reason, "", "/>");
}

void vmmdev_report_skipped(viv_dev_t *dev, VmmDev *vd, const char *reason)
{
    vd->skipped++;
    vmmdev_say(dev, vd, VIV_LOG_INFO, "skipped", reason);
    vmmdev_element(vd, dev, "Skipped", "reason", reason, "", "/>");
}

void vmmdev_report_print(viv_dev_t *dev, VmmDev *vd, const char *text)
{
    vmmdev_say(dev, vd, VIV_LOG_INFO, "print", text);
    vmmdev_element(vd, dev, "Print", "text", text, "", "/>");
}

static const char *vmmdev_unit(uint32_t unit)
{
    static const char *const names[] = {
        [0x01] = "%",
        [0x02] = "bytes",
        [0x03] = "bytes/s",
        [0x04] = "KB",
        [0x05] = "KB/s",
        [0x06] = "MB",
        [0x07] = "MB/s",
        [0x08] = "packets",
        [0x09] = "packets/s",
        [0x0a] = "frames",
        [0x0b] = "frames/s",
        [0x0c] = "occurrences",
        [0x0d] = "occurrences/s",
        [0x0e] = "calls",
        [0x0f] = "calls/s",
        [0x10] = "roundtrips",
        [0x11] = "s",
        [0x12] = "ms",
        [0x13] = "ns",
        [0x14] = "ns/call",
        [0x15] = "ns/frame",
        [0x16] = "ns/occurrence",
        [0x17] = "ns/packet",
        [0x18] = "ns/roundtrip",
        [0x19] = "instructions",
        [0x1a] = "instructions/s",
        [0x1b] = "none",
        [0x1c] = "pp1k",
        [0x1d] = "pp10k",
        [0x1e] = "ppm",
        [0x1f] = "ppb",
        [0x20] = "ticks",
        [0x21] = "ticks/call",
        [0x22] = "ticks/occurrence",
        [0x23] = "pages",
        [0x24] = "pages/s",
        [0x25] = "ticks/page",
        [0x26] = "ns/page",
        [0x27] = "ps",
        [0x28] = "ps/call",
        [0x29] = "ps/frame",
        [0x2a] = "ps/occurrence",
        [0x2b] = "ps/packet",
        [0x2c] = "ps/roundtrip",
        [0x2d] = "ps/page",
    };
    const char *name = unit < sizeof(names) / sizeof(names[0]) ? names[unit] : NULL;
    return name ? name : "unknown unit";
}

void vmmdev_report_value(viv_dev_t *dev, VmmDev *vd, const char *name, uint64_t value,
                         uint32_t unit)
{
    char text[VMMDEV_TEXT_BYTES + 64], more[96];
    vd->values++;
    snprintf(text, sizeof(text), "%s = %" PRIu64 " %s", name, value, vmmdev_unit(unit));
    vmmdev_say(dev, vd, VIV_LOG_INFO, "value", text);
    snprintf(more, sizeof(more), " unit=\"%s\" value=\"%" PRIu64 "\"", vmmdev_unit(unit), value);
    vmmdev_element(vd, dev, "Value", "name", name, more, "/>");
}

/* "name:register". A device sees no registers but the TSC. */
void vmmdev_report_register(viv_dev_t *dev, VmmDev *vd, const char *name_and_register)
{
    char name[VMMDEV_TEXT_BYTES], text[VMMDEV_TEXT_BYTES + 64];
    const char *colon = strrchr(name_and_register, ':');
    size_t len = colon ? (size_t)(colon - name_and_register) : 0;
    memcpy(name, name_and_register, len);
    name[len] = 0;
    if (colon && !strcmp(colon + 1, "tsc")) {
        vmmdev_report_value(dev, vd, name,
                            vd->chipset->tsc_read(dev, vd->chipset->current_vcpu(dev)), 0x20);
        return;
    }
    vd->values++;
    snprintf(text, sizeof(text), "%s: not readable from here", name_and_register);
    vmmdev_say(dev, vd, VIV_LOG_INFO, "value", text);
}

/* -- life ------------------------------------------------------------------------------------ */

viv_status_t vmmdev_report_open(viv_dev_t *dev, VmmDev *vd)
{
    viv_status_t st;
    if ((st = vmmdev_file_open(dev, &vd->output, vd->output_path)) != VIV_OK ||
        (st = vmmdev_file_open(dev, &vd->xml, vd->xml_path)) != VIV_OK) {
        return st;
    }
    vmmdev_put(vd, &vd->xml, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Tests>");
    return VIV_OK;
}

void vmmdev_report_loaded(viv_dev_t *dev, VmmDev *vd)
{
    uint8_t level = vd->level;
    vd->level = 0;
    while (vd->level < level) {
        vmmdev_begin(dev, vd, "from a saved state");
    }
}

void vmmdev_report_close(viv_dev_t *dev, VmmDev *vd)
{
    if (vd->level) {
        vmmdev_report_failed(dev, vd, "the test did not end");
        vmmdev_report_term(dev, vd, vd->failures);
    }
    vmmdev_put(vd, &vd->xml, "</Tests>");
    if (vd->output.file) {
        fclose(vd->output.file);
    }
    if (vd->xml.file) {
        fclose(vd->xml.file);
    }
}
