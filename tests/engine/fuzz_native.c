/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fuzz target: an engine against the host's own CPU (host.h), from seeds that the input gives. A
 * difference ends the run; its message has the bytes, and the arguments for test_native. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
/* Of the engine, which is linked in. */
const viv_plugin_t *viv_plugin_entry_v1(const viv_host_t *host);

#define FUZZ_CASES 64u

static HostForms forms;

static Rig *fuzz_create(void)
{
    const viv_host_t host = {sizeof(host), VIV_SDK_MAJOR, VIV_API_LEVEL, VIV_API_LEVEL, "fuzz"};
    const viv_plugin_t *plugin = viv_plugin_entry_v1(&host);
    const char *why = host_native_create();
    Rig *rig;
    if (why) {
        printf("skipped: %s\n", why);
        return NULL;
    }
    rig = plugin ? host_guest_create(NULL, (const viv_engine_class_t *)plugin->classes[0]) : NULL;
    if (!rig || !host_forms_create(&forms))
        abort();
    (void)host_tables_create(rig);
    return rig;
}

static void fuzz_one(Rig *rig, uint64_t seed)
{
    static HostStats stats;
    uint32_t form;
    bool ok;
    host_rng_state = seed;
    form = host_rng_below(forms.count);
    switch (host_rng_below(16)) {
    case 0: ok = host_try_foreign(rig, seed, &stats); break;
    case 1:
    case 2:
        form = host_rng_below(2);
        ok = host_try_sequence(rig, &forms, form, seed, &stats);
        if (!ok)
            fprintf(stderr, "  again: test_native sequence%u %#" PRIx64 "\n", form ? 32 : 64, seed);
        break;
    default:
        ok = host_try(rig, &forms, form, seed, &stats);
        if (!ok)
            fprintf(stderr, "  again: test_native %u %#" PRIx64 "\n", form, seed);
        break;
    }
    if (!ok)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static Rig *rig;
    static bool tried;
    uint64_t seed = UINT64_C(0xcbf29ce484222325); /* FNV-1a of the input */
    size_t k;
    if (!tried)
        rig = fuzz_create();
    tried = true;
    for (k = 0; k < len; k++)
        seed = (seed ^ data[k]) * UINT64_C(0x100000001b3);
    for (k = 0; rig && k < FUZZ_CASES; k++)
        fuzz_one(rig, seed + k * UINT64_C(0x632be59bd9b4e019));
    return 0;
}
