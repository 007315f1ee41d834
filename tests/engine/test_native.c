/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every user-mode encoding, on an engine and on the host's own CPU; see host.h. Then sequences of
 * instructions, for what only shows across them. At the end every mnemonic that Zydis and the
 * guest's model know must have run. Seeds are fixed; VIV_NATIVE_SEED and VIV_NATIVE_CASES change
 * them; arguments FORM SEED run one case, MNEMONIC all forms of it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"

#define TEST_SKIPPED   77
#define TEST_CASES     30u /* of each form */
#define TEST_SEQUENCES 20000u
#define TEST_FAILURES  40u
#define TEST_FOREIGN   30000u
#define TEST_DONE      3u

static uint64_t test_env(const char *name, uint64_t dflt)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 0) : dflt;
}

/* only: of one mnemonic. */
static uint32_t test_forms(Rig *rig, const HostForms *forms, const char *only, HostStats *stats)
{
    uint64_t seed = test_env("VIV_NATIVE_SEED", 1),
             cases = test_env("VIV_NATIVE_CASES", TEST_CASES);
    uint32_t failed = 0, k;
    uint64_t n;
    for (k = 0; k < forms->count; k++) {
        const char *name = ZydisMnemonicGetString((ZydisMnemonic)forms->form[k].mnemonic);
        if (only && strcmp(only, name))
            continue;
        for (n = 0; n < (forms->form[k].mnemonic ? cases : 2); n++)
            if (!host_try(rig, forms, k, seed << 48 | (uint64_t)k << 24 | n, stats)) {
                fprintf(stderr, "  again: test_native %u %#" PRIx64 "\n", k,
                        seed << 48 | (uint64_t)k << 24 | n);
                failed++;
                if (!getenv("VIV_NATIVE_ALL"))
                    break;
            }
    }
    return failed;
}

static uint32_t test_sequences(Rig *rig, const HostForms *forms, HostStats *stats)
{
    uint64_t seed = test_env("VIV_NATIVE_SEED", 1), n;
    uint32_t failed = 0;
    for (n = 0; n < test_env("VIV_NATIVE_SEQUENCES", TEST_SEQUENCES); n++)
        if (!host_try_sequence(rig, forms, n & 1, seed << 48 | UINT64_C(1) << 47 | n, stats)) {
            fprintf(stderr, "  again: test_native sequence%d %#" PRIx64 "\n", n & 1 ? 32 : 64,
                    seed << 48 | UINT64_C(1) << 47 | n);
            failed++;
        }
    return failed;
}

static uint32_t test_foreign(Rig *rig, HostStats *stats)
{
    uint64_t seed = test_env("VIV_NATIVE_SEED", 1), n;
    uint32_t failed = 0;
    for (n = 0; n < TEST_FOREIGN; n++)
        failed += !host_try_foreign(rig, seed << 48 | UINT64_C(3) << 46 | n, stats);
    return failed;
}

/* A mnemonic in a form that is compared must have run; every other one of Zydis' must have been met
 * in an encoding that the guest refuses. */
static uint32_t test_covered(const HostForms *forms, const HostStats *stats)
{
    uint32_t k, uncovered = 0, covered = 0, out = 0;
    static bool seen[2][ZYDIS_MNEMONIC_MAX_VALUE + 1];
    for (k = 0; k < forms->count; k++) {
        const HostForm *f = &forms->form[k];
        HostInsn i = {.valid = f->mnemonic != 0};
        const char *reason;
        i.z.mnemonic = (ZydisMnemonic)f->mnemonic;
        i.z.meta.isa_set = (ZydisISASet)f->isa;
        if (!f->mnemonic || seen[f->mode32][f->mnemonic])
            continue;
        seen[f->mode32][f->mnemonic] = true;
        if (stats->done[f->mode32][f->mnemonic] >= TEST_DONE) {
            covered++;
        } else if (host_use(&i, f->mode32, &reason) != HOST_USE_COMPARE ||
                   host_uncovered_reason(i.z.mnemonic, f->mode32)) {
            out++;
        } else {
            fprintf(stderr, "not covered%s: %s\n", f->mode32 ? " in 32-bit mode" : "",
                    ZydisMnemonicGetString(i.z.mnemonic));
            uncovered++;
        }
    }
    printf("mnemonics: %u covered, %u left out by the tables\n", covered, out);
    return uncovered;
}

int main(int argc, char **argv)
{
    static HostForms forms;
    static HostStats stats;
    const char *why = host_native_create();
    uint32_t failed = 0;
    Rig *rig;
    if (why) {
        printf("skipped: %s\n", why);
        return TEST_SKIPPED;
    }
    rig = host_guest_create(getenv("VIV_ENGINE_PLUGIN"), NULL);
    if (!rig || !host_forms_create(&forms))
        return 1;
    (void)host_tables_create(rig);
    if (argc == 3 && !strncmp(argv[1], "sequence", 8)) {
        failed =
            !host_try_sequence(rig, &forms, argv[1][8] == '3', strtoull(argv[2], NULL, 0), &stats);
    } else if (argc == 3) {
        failed = !host_try(rig, &forms, (uint32_t)strtoul(argv[1], NULL, 0) % forms.count,
                           strtoull(argv[2], NULL, 0), &stats);
    } else if (argc == 2) {
        failed = test_forms(rig, &forms, argv[1], &stats);
    } else {
        failed = test_forms(rig, &forms, NULL, &stats);
        failed += test_sequences(rig, &forms, &stats);
        failed += test_foreign(rig, &stats);
        failed += test_covered(&forms, &stats);
    }
    printf("%u forms, %" PRIu64 " cases, %" PRIu64 " instructions, %" PRIu64 " sequences, %" PRIu64
           " faults, %" PRIu64 " for #UD alone; %u failed\n",
           forms.count, stats.cases, stats.instructions, stats.sequences, stats.faults,
           stats.guest_only, failed);
    host_forms_destroy(&forms);
    rig_destroy(rig);
    return failed != 0;
}
