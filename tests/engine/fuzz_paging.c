/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Page walks as the bytes will have them, against the model of paging.c. */
#include <stdlib.h>

#include "paging.h"

#define MODELS_MAX 8u

typedef struct Input {
    const uint8_t *at;
    size_t left;
} Input;

static uint64_t draw_input(void *stream, uint64_t below)
{
    Input *in = stream;
    uint64_t v = 0, span;
    for (span = below - 1; span && in->left; span >>= 8, in->left--)
        v = v << 8 | *in->at++;
    return v % below;
}

/* Of the engine, which is linked in. */
const viv_plugin_t *viv_plugin_entry_v1(const viv_host_t *host);

static Rig *fuzz_rig(const char *spec)
{
    static const viv_host_t host = {sizeof(host), VIV_SDK_MAJOR, VIV_API_LEVEL, VIV_API_LEVEL,
                                    "rig"};
    const viv_plugin_t *plugin = viv_plugin_entry_v1(&host);
    Rig *rig = plugin ? rig_create(NULL, plugin->classes[0], PAGING_RAM) : NULL;
    if (!rig || !rig_model(rig, spec))
        abort();
    return rig;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static Rig *rigs[MODELS_MAX]; /* the model is fixed when a machine begins */
    Input in = {data, len};
    while (in.left) {
        uint32_t k = (uint32_t)draw_input(&in, paging_cpu_count) % MODELS_MAX;
        const char *bad;
        PagingCase t;
        if (!rigs[k])
            rigs[k] = fuzz_rig(paging_cpus[k].spec);
        paging_draw(&t, &paging_cpus[k], draw_input, &in);
        bad = paging_check(rigs[k], &t);
        if (bad) {
            fprintf(stderr, "%s\n", bad);
            abort();
        }
    }
    return 0;
}
