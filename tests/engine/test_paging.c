/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Paging on an execution engine: walks against the model of paging.c, what the TLBs may and may not
 * keep, PCIDs, protection keys, 5-level paging, accesses that cross pages, tables in odd places.
 *
 * Environment: VIV_ENGINE_PLUGIN the engine's .so. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "paging.h"

static Rig *rig_new(const char *spec)
{
    Rig *rig = rig_create(getenv("VIV_ENGINE_PLUGIN"), NULL, PAGING_RAM);
    ck_assert_ptr_nonnull(rig);
    ck_assert(rig_model(rig, spec));
    return rig;
}

/* -- walks ------------------------------------------------------------------------------------- */
static uint64_t draw_seeded(void *stream, uint64_t below)
{
    uint64_t *s = stream;
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return (*s >> 11) % below;
}

#define WALKS 40000

START_TEST(walks_random)
{
    const PagingCpu *cpu = &paging_cpus[_i];
    Rig *rig = rig_new(cpu->spec);
    uint64_t stream = 0x9e3779b97f4a7c15ull + (uint64_t)_i;
    uint32_t k;
    for (k = 0; k < WALKS; k++) {
        const char *bad;
        PagingCase t;
        paging_draw(&t, cpu, draw_seeded, &stream);
        bad = paging_check(rig, &t);
        ck_assert_msg(bad == NULL, "case %u: %s", k, bad);
    }
    rig_destroy(rig);
}
END_TEST

/* All rights of two levels, all of what decides about them, all accesses. */
START_TEST(walks_all_legacy)
{
    const PagingCpu *cpu = &paging_cpus[0];
    Rig *rig = rig_new(cpu->spec);
    uint32_t rights, control, access;
    for (rights = 0; rights < 64; rights++)
        for (control = 0; control < 32; control++)
            for (access = 0; access < PAGING_ACCESSES; access++) {
                const char *bad;
                PagingCase t = {.cpu = cpu,
                                .mode = PAGING_LEGACY,
                                .access = (PagingAccess)access,
                                .cpl = control & 1 ? 3 : 0,
                                .wp = control & 2,
                                .smep = control & 4,
                                .smap = control & 8,
                                .ac = control & 16,
                                .lin = 0x80403008};
                t.ent[0] = (PAGING_TABLES + 0x1000) | (rights & 7);
                t.ent[1] = 0x400000 | rights >> 3;
                bad = paging_check(rig, &t);
                ck_assert_msg(bad == NULL, "%s", bad);
            }
    rig_destroy(rig);
}
END_TEST

/* All of what protection keys depend on, with a key at each end of PKRU. */
START_TEST(walks_all_keys)
{
    const PagingCpu *cpu = &paging_cpus[0];
    Rig *rig = rig_new(cpu->spec);
    uint32_t control, access, key;
    for (key = 0; key < 16; key += 5)
        for (control = 0; control < 128; control++)
            for (access = 0; access < PAGING_ACCESSES; access++) {
                const char *bad;
                uint64_t user = control & 64 ? 4 : 0, w = control & 32 ? 2 : 0;
                PagingCase t = {.cpu = cpu,
                                .mode = control & 1 ? PAGING_LONG5 : PAGING_LONG4,
                                .access = (PagingAccess)access,
                                .cpl = control & 2 ? 3 : 0,
                                .wp = control & 4,
                                .pke = true,
                                .pkru = (control >> 3 & 3) << (2 * key),
                                .lin = 0xffff800000403008ull};
                uint32_t level, last = control & 1 ? 4 : 3;
                for (level = 0; level < last; level++)
                    t.ent[level] = (PAGING_TABLES + 0x1000 * (level + 1)) | 7;
                t.ent[last] = 0x400001 | user | w | (uint64_t)key << 59;
                bad = paging_check(rig, &t);
                ck_assert_msg(bad == NULL, "%s", bad);
            }
    rig_destroy(rig);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("paging");
    TCase *walks = tcase_create("walks");
    tcase_set_timeout(walks, 120);
    tcase_add_loop_test(walks, walks_random, 0, (int)paging_cpu_count);
    tcase_add_test(walks, walks_all_legacy);
    tcase_add_test(walks, walks_all_keys);
    suite_add_tcase(s, walks);
    return s;
}

int main(void)
{
    SRunner *sr = srunner_create(suite());
    int failed;
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
