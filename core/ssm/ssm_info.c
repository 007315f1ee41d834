/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ssm: what is in a saved-state file, for people. */
#include "ssm/ssm_internal.h"

#include <inttypes.h>

viv_status_t ssm_info(const char *path, FILE *out, VivError *err)
{
    SsmReader *reader;
    const viv_status_t st = ssm_reader_open(path, &reader, err);
    if (st != VIV_OK)
        return st;
    const uint32_t count = ssm_reader_unit_count(reader);
    uint64_t total = 0;
    fprintf(out, "File:     %s\nMachine:  %s\nUnits:    %u\n\n", path, ssm_reader_identity(reader),
            count);
    fprintf(out, "%-32s %8s %7s %10s %12s %12s\n", "Unit", "Instance", "Version", "Pass", "Bytes",
            "Offset");
    for (uint32_t i = 0; i < count; i++) {
        SsmUnitInfo info;
        ssm_reader_unit(reader, i, &info);
        char pass[16] = "final";
        if (info.pass != SSM_PASS_FINAL)
            g_snprintf(pass, sizeof(pass), "%u", info.pass);
        fprintf(out, "%-32s %8u %7u %10s %12" PRIu64 " %12" PRIu64 "\n", info.name, info.instance,
                info.version, pass, info.len_bytes, info.offset);
        total += info.len_bytes;
    }
    fprintf(out, "\nAll checksums are right; %" PRIu64 " bytes of state.\n", total);
    ssm_reader_close(reader);
    return VIV_OK;
}
