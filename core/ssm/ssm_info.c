/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ssm: what is in a saved-state file, for people and for programs. */
#include "ssm/ssm_internal.h"

#include <inttypes.h>

/* One unit and, if it is memory, what is in it. */
typedef struct SsmListed {
    SsmUnitInfo unit;
    SsmImageInfo image;
    bool memory;
} SsmListed;

static viv_status_t ssm_list(SsmReader *reader, uint32_t index, SsmListed *ret_listed,
                             VivError *err)
{
    SsmListed listed = {0};
    viv_stream_t *stream;
    ssm_reader_unit(reader, index, &listed.unit);
    listed.memory = strcmp(listed.unit.name, "pgm") == 0;
    if (listed.memory) {
        viv_status_t st = ssm_unit_open(reader, index, &stream, err);
        if (st != VIV_OK)
            return st;
        /* Whether it can be taken apart is for verify to say. */
        listed.memory = ssm_image_scan(stream, listed.unit.version, false, &listed.image) == VIV_OK;
    }
    *ret_listed = listed;
    return VIV_OK;
}

static double ssm_ratio(const SsmListed *l)
{
    const uint64_t pages = l->image.zero + l->image.same + l->image.data;
    return (double)pages * SSM_PAGE_BYTES / (double)MAX(l->unit.len_bytes, 1);
}

/* -- for people -- */

static void ssm_info_head(const SsmReader *reader, FILE *out)
{
    fprintf(out,
            "File:     %s\nBytes:    %" PRIu64 "\nFormat:   %u\nMachine:  %s\nUnits:    %u\n\n"
            "%-24s %8s %7s %6s %11s %11s  %s\n",
            ssm_reader_path(reader), ssm_reader_file_bytes(reader), SSM_VERSION,
            ssm_reader_identity(reader), ssm_reader_unit_count(reader), "Unit", "Instance",
            "Version", "Pass", "Bytes", "Offset", "Contents");
}

static void ssm_info_line(const SsmListed *l, FILE *out)
{
    char pass[16] = "final";
    if (l->unit.pass != SSM_PASS_FINAL)
        g_snprintf(pass, sizeof(pass), "%u", l->unit.pass);
    fprintf(out, "%-24s %8u %7u %6s %11" PRIu64 " %11" PRIu64, l->unit.name, l->unit.instance,
            l->unit.version, pass, l->unit.len_bytes, l->unit.offset);
    if (l->memory)
        fprintf(out, "  %s: pages %" PRIu64 " zero, %" PRIu64 " same, %" PRIu64 " stored; 1:%.1f",
                l->image.name, l->image.zero, l->image.same, l->image.data, ssm_ratio(l));
    fprintf(out, "%s\n", l->unit.flags & SSM_UNIT_OPTIONAL ? "  (optional)" : "");
}

/* -- for programs -- */

static void ssm_json_string(const char *text, FILE *out)
{
    fputc('"', out);
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (*p == '"' || *p == '\\')
            fprintf(out, "\\%c", *p);
        else if (*p < 0x20)
            fprintf(out, "\\u%04x", *p);
        else
            fputc(*p, out);
    }
    fputc('"', out);
}

static void ssm_json_head(const SsmReader *reader, FILE *out)
{
    g_autofree char *path = g_utf8_make_valid(ssm_reader_path(reader), -1);
    fputs("{\"file\": ", out);
    ssm_json_string(path, out);
    fprintf(out, ", \"bytes\": %" PRIu64 ", \"format\": %u, \"machine\": ",
            ssm_reader_file_bytes(reader), SSM_VERSION);
    ssm_json_string(ssm_reader_identity(reader), out);
    fputs(", \"units\": [", out);
}

static void ssm_json_line(const SsmListed *l, bool first, FILE *out)
{
    fputs(first ? "\n {\"name\": " : ",\n {\"name\": ", out);
    ssm_json_string(l->unit.name, out);
    fprintf(out, ", \"instance\": %u, \"version\": %u, \"pass\": ", l->unit.instance,
            l->unit.version);
    if (l->unit.pass == SSM_PASS_FINAL)
        fputs("\"final\"", out);
    else
        fprintf(out, "%u", l->unit.pass);
    fprintf(out, ", \"bytes\": %" PRIu64 ", \"offset\": %" PRIu64 ", \"optional\": %s",
            l->unit.len_bytes, l->unit.offset,
            l->unit.flags & SSM_UNIT_OPTIONAL ? "true" : "false");
    if (l->memory) {
        g_autofree char *name = g_utf8_make_valid(l->image.name, -1);
        fputs(", \"memory\": {\"name\": ", out);
        ssm_json_string(name, out);
        fprintf(out,
                ", \"pages\": %" PRIu64 ", \"zero\": %" PRIu64 ", \"same\": %" PRIu64
                ", \"stored\": %" PRIu64 ", \"packed_bytes\": %" PRIu64 ", \"ratio\": %.3f}",
                l->image.pages, l->image.zero, l->image.same, l->image.data, l->image.packed_bytes,
                ssm_ratio(l));
    }
    fputc('}', out);
}

viv_status_t ssm_info(const char *path, bool json, FILE *out, VivError *err)
{
    SsmReader *reader;
    uint64_t total = 0;
    viv_status_t st = ssm_reader_open(path, &reader, err);
    if (st != VIV_OK)
        return st;
    const uint32_t count = ssm_reader_unit_count(reader);
    SsmListed *list = g_new0(SsmListed, MAX(count, 1));
    for (uint32_t i = 0; i < count && st == VIV_OK; i++) {
        st = ssm_list(reader, i, &list[i], err);
        total += list[i].unit.len_bytes;
    }
    if (st == VIV_OK) {
        (json ? ssm_json_head : ssm_info_head)(reader, out);
        for (uint32_t i = 0; i < count; i++) {
            if (json)
                ssm_json_line(&list[i], i == 0, out);
            else
                ssm_info_line(&list[i], out);
        }
        if (json)
            fputs("\n]}\n", out);
        else
            fprintf(out, "\nAll checksums are right; %" PRIu64 " bytes of state.\n", total);
    }
    g_free(list);
    ssm_reader_close(reader);
    return st;
}
