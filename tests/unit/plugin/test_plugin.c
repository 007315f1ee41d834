/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* plugin: discovery, the scan in a helper, verdicts with reasons, shadowing, the cache, class
 * copies. Every test works on copies of the test modules in a folder of its own. This program
 * answers the scan helper's argument; VIV_TEST_FORK=1 in the environment leaves that out, which has
 * the forked helper tested. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <viv/device.h>
#include <viv/draft/engine.h>
#include <viv/driver.h>

#include "plugin/plugin.h"

static char *folder; /* of the running test */

static void folder_make(void)
{
    folder = g_dir_make_tmp("viv-plugin-XXXXXX", NULL);
    ck_assert_ptr_nonnull(folder);
}

static void folder_remove(void)
{
    g_autofree char *command =
        g_strdup_printf("chmod -R u+rwx '%s' && rm -rf '%s'", folder, folder);
    ck_assert_int_eq(system(command), 0);
    g_free(folder);
}

static char *path_of(const char *name)
{
    return g_build_filename(folder, name, NULL);
}

static void file_put(const char *name, const char *data, size_t len)
{
    g_autofree char *path = path_of(name);
    g_autofree char *dir = g_path_get_dirname(path);
    ck_assert_int_eq(g_mkdir_with_parents(dir, 0755), 0);
    ck_assert(g_file_set_contents(path, data, (gssize)len, NULL));
}

static char *module_get(const char *module, size_t *ret_len)
{
    g_autofree char *from = g_strdup_printf("%s/%s.so", PLUGIN_MODULES, module);
    char *data = NULL;
    ck_assert_msg(g_file_get_contents(from, &data, ret_len, NULL), "%s", from);
    return data;
}

/* A copy of a test module as `name` below the folder. */
static void module_put(const char *module, const char *name)
{
    size_t len = 0;
    g_autofree char *data = module_get(module, &len);
    file_put(name, data, len);
}

static PluginRegistry *scan_with(const char *cache, uint32_t timeout_ms)
{
    const char *dirs[] = {folder, NULL};
    const PluginSearch search = {
        .dirs = dirs, .only_dirs = true, .cache_path = cache, .timeout_ms = timeout_ms};
    return plugin_registry_new(&search);
}

static PluginRegistry *scan(void)
{
    return scan_with("", 0);
}

static const PluginRecord *record_of(const PluginRegistry *reg, const char *name)
{
    uint32_t count;
    g_autofree char *path = path_of(name);
    const PluginRecord *const *records = plugin_records(reg, &count);
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(records[i]->path, path) == 0)
            return records[i];
    }
    ck_abort_msg("no record of %s", path);
    return NULL;
}

static void expect_refused(const char *module, const char *words)
{
    folder_make();
    module_put("good", "z/good.so");
    module_put(module, "m.so");
    PluginRegistry *reg = scan_with("", 3000);
    const PluginRecord *r = record_of(reg, "m.so");
    ck_assert_msg(r->state == PLUGIN_REFUSED, "%s is %s", module, plugin_state_name(r->state));
    ck_assert_msg(strstr(r->reason, words) != NULL, "%s: '%s' lacks '%s'", module, r->reason,
                  words);
    /* The others do not suffer. */
    ck_assert_int_eq(record_of(reg, "z/good.so")->state, PLUGIN_OK);
    plugin_registry_free(reg);
    folder_remove();
}

typedef struct Refusal {
    const char *module;
    const char *words;
} Refusal;

static const Refusal refusals[] = {
    {"other_major", "SDK major 2"},
    {"other_major_field", "SDK major 7"},
    {"bad_magic", "wrong magic 12345678"},
    {"level_new", "needs SDK level 99, this host serves up to 1"},
    {"level_old", "built for SDK level 0, the oldest that this host serves is 1"},
    {"no_entry", "not a Vivarium plugin"},
    {"declines", "declined"},
    {"unresolved", "a_function_that_nobody_has"},
    {"crash_load", "crashes at load (SIGSEGV"},
    {"crash_entry", "crashes at load (SIGABRT"},
    {"exit_load", "ends the process at load (exit code "},
    {"no_construct", "lacks construct()"},
    {"bad_option", "option 'far' lies outside"},
    {"bad_default", "option 'base': its default 128"},
    {"bad_state", "field 'latch' is there twice"},
};

START_TEST(refused)
{
    expect_refused(refusals[_i].module, refusals[_i].words);
}
END_TEST

START_TEST(hanging)
{
    folder_make();
    module_put("hang_load", "a.so");
    module_put("good", "b.so");
    const gint64 start = g_get_monotonic_time();
    PluginRegistry *reg = scan_with("", 300);
    ck_assert_int_ge(g_get_monotonic_time() - start, 300000);
    ck_assert_str_eq(record_of(reg, "a.so")->reason, "hangs at load (no answer within 300 ms)");
    ck_assert_int_eq(record_of(reg, "b.so")->state, PLUGIN_OK);
    plugin_registry_free(reg);
    folder_remove();
}
END_TEST

START_TEST(good_record)
{
    folder_make();
    module_put("good", "devices/good.so");
    PluginRegistry *reg = scan();
    const PluginRecord *r = record_of(reg, "devices/good.so");
    ck_assert_int_eq(r->state, PLUGIN_OK);
    ck_assert_ptr_null(r->reason);
    ck_assert_str_eq(r->id, "org.vivarium.test.good");
    ck_assert_str_eq(r->version, "1.2");
    ck_assert_str_eq(r->licence, "MIT");
    ck_assert_str_eq(r->vendor, "The Vivarium project");
    ck_assert_uint_eq(r->sdk_major, 1);
    ck_assert_uint_eq(r->api_level, 1);
    ck_assert_uint_eq(r->class_count, 2);
    ck_assert_uint_eq(r->classes[0].kind, VIV_KIND_DEVICE);
    ck_assert_str_eq(r->classes[0].name, "thing");
    ck_assert_str_eq(r->classes[1].summary, "leads nowhere"); /* the tab is gone */
    ck_assert_ptr_eq(plugin_record_of_class(reg, VIV_KIND_DRIVER, "null"), r);
    ck_assert_ptr_null(plugin_record_of_class(reg, VIV_KIND_DEVICE, "null"));
    ck_assert_uint_eq(plugin_kind_of_class(reg, "null"), VIV_KIND_DRIVER);
    g_auto(GStrv) names = plugin_list_classes(reg, VIV_KIND_DEVICE);
    ck_assert_uint_eq(g_strv_length(names), 1);
    ck_assert_str_eq(names[0], "thing");
    plugin_registry_free(reg);
    folder_remove();
}
END_TEST

START_TEST(find_loads_a_copy)
{
    folder_make();
    module_put("good", "good.so");
    PluginRegistry *reg = scan();
    const viv_class_t *c = NULL;
    const viv_class_t *again = NULL;
    VivError err = VIV_ERROR_INIT;
    ck_assert_int_eq(plugin_find(reg, VIV_KIND_DEVICE, "thing", &c, &err), VIV_OK);
    const viv_device_class_t *d = (const viv_device_class_t *)(const void *)c;
    ck_assert_uint_eq(d->size, sizeof(*d));
    ck_assert_str_eq(d->name, "thing");
    ck_assert_int_eq(d->construct(NULL, NULL), VIV_OK);
    ck_assert_str_eq(d->options[0].name, "base");
    ck_assert_ptr_null((const void *)(uintptr_t)d->reset);
    ck_assert_int_eq(plugin_find(reg, VIV_KIND_DEVICE, "thing", &again, &err), VIV_OK);
    ck_assert_ptr_eq(c, again);
    ck_assert_int_eq(plugin_find(reg, VIV_KIND_DRIVER, "null", &c, &err), VIV_OK);
    ck_assert_uint_eq(c->kind, VIV_KIND_DRIVER);

    ck_assert_int_eq(plugin_find(reg, VIV_KIND_STORAGE, "thing", &c, &err), VIV_E_NOT_FOUND);
    ck_assert_str_eq(err.text, "no plugin provides the storage format 'thing'");
    error_clear(&err);
    /* The copy outlives the registry. */
    plugin_registry_free(reg);
    ck_assert_str_eq(d->name, "thing");
    folder_remove();
}
END_TEST

START_TEST(find_names_the_refused)
{
    folder_make();
    module_put("level_new", "new.so");
    module_put("engine", "engine.so");
    PluginRegistry *reg = scan();
    const viv_class_t *c = NULL;
    VivError err = VIV_ERROR_INIT;
    ck_assert_int_eq(plugin_find(reg, VIV_KIND_DEVICE, "new", &c, &err), VIV_E_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(err.text, "needs SDK level 99"));
    ck_assert_int_eq(plugin_find(reg, VIV_KIND_ENGINE, "nop-abi", &c, &err), VIV_E_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(err.text, "engine ABI"));
    ck_assert_int_eq(plugin_find(reg, VIV_KIND_ENGINE, "nop-cpu", &c, &err), VIV_E_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(err.text, "CPU state"));
    ck_assert_ptr_null(c);
    ck_assert_int_eq(plugin_find(reg, VIV_KIND_ENGINE, "nop", &c, &err), VIV_OK);
    ck_assert_uint_eq(((const viv_engine_class_t *)(const void *)c)->cpu_size, sizeof(viv_cpu_t));
    error_clear(&err);
    plugin_registry_free(reg);
    folder_remove();
}
END_TEST

START_TEST(older_and_newer_tables)
{
    folder_make();
    module_put("short_class", "short.so");
    module_put("long_class", "long.so");
    PluginRegistry *reg = scan();
    const viv_class_t *c = NULL;
    ck_assert_int_eq(plugin_find(reg, VIV_KIND_DEVICE, "short", &c, NULL), VIV_OK);
    const viv_device_class_t *d = (const viv_device_class_t *)(const void *)c;
    ck_assert(!d->suspend && !d->query_interface && d->construct);
    ck_assert_int_eq(plugin_find(reg, VIV_KIND_DEVICE, "long", &c, NULL), VIV_OK);
    ck_assert_ptr_nonnull(c);
    plugin_registry_free(reg);
    folder_remove();
}
END_TEST

START_TEST(shadowed)
{
    folder_make();
    module_put("good", "a/good.so");
    module_put("duplicate", "b/duplicate.so");
    module_put("half_duplicate", "c/half.so");
    PluginRegistry *reg = scan();
    g_autofree char *winner = path_of("a/good.so");
    g_autofree char *reason = g_strdup_printf("shadowed by %s", winner);
    const PluginRecord *r = record_of(reg, "b/duplicate.so");
    ck_assert_int_eq(r->state, PLUGIN_SHADOWED);
    ck_assert_str_eq(r->reason, reason);
    r = record_of(reg, "c/half.so");
    ck_assert_int_eq(r->state, PLUGIN_OK);
    ck_assert_int_eq(r->classes[0].state, PLUGIN_SHADOWED);
    ck_assert_str_eq(r->classes[0].reason, reason);
    ck_assert_int_eq(r->classes[1].state, PLUGIN_OK);
    ck_assert_str_eq(plugin_record_of_class(reg, VIV_KIND_DEVICE, "thing")->path, winner);
    g_auto(GStrv) names = plugin_list_classes(reg, VIV_KIND_DEVICE);
    ck_assert_uint_eq(g_strv_length(names), 2);
    ck_assert_str_eq(names[0], "other");
    ck_assert_str_eq(names[1], "thing");
    plugin_registry_free(reg);
    folder_remove();
}
END_TEST

START_TEST(bad_classes_beside_good_ones)
{
    folder_make();
    module_put("bad_names", "m.so");
    PluginRegistry *reg = scan();
    const PluginRecord *r = record_of(reg, "m.so");
    ck_assert_int_eq(r->state, PLUGIN_OK);
    ck_assert_uint_eq(r->class_count, 7);
    static const char *const words[] = {NULL,      "characters",   "no name", "too small",
                                        "kind 77", "NULL pointer", NULL};
    for (uint32_t i = 0; i < 7; i++) {
        if (words[i])
            ck_assert_msg(r->classes[i].reason && strstr(r->classes[i].reason, words[i]),
                          "class %u: %s", i, r->classes[i].reason);
        else
            ck_assert_int_eq(r->classes[i].state, PLUGIN_OK);
    }
    const viv_class_t *c = NULL;
    ck_assert_int_eq(plugin_find(reg, VIV_KIND_DEVICE, "last", &c, NULL), VIV_OK);
    plugin_registry_free(reg);
    folder_remove();
}
END_TEST

START_TEST(truncated_everywhere)
{
    folder_make();
    size_t len = 0;
    g_autofree char *data = module_get("good", &len);
    static const unsigned parts = 40;
    for (unsigned i = 0; i < parts; i++) {
        g_autofree char *name = g_strdup_printf("cut%02u.so", i);
        file_put(name, data, len * i / parts);
    }
    file_put("text.so", "#!/bin/sh\nexit 0\n", 17);
    PluginRegistry *reg = scan();
    uint32_t count;
    const PluginRecord *const *records = plugin_records(reg, &count);
    ck_assert_uint_eq(count, parts + 1);
    for (uint32_t i = 0; i < count; i++) {
        ck_assert_int_eq(records[i]->state, PLUGIN_REFUSED);
        ck_assert_msg(strstr(records[i]->reason, "truncated") ||
                          strstr(records[i]->reason, "not a shared object"),
                      "%s: %s", records[i]->path, records[i]->reason);
    }
    plugin_registry_free(reg);
    folder_remove();
}
END_TEST

/* Damaged inside, whole outside: whatever the loader does with it happens in the helper. */
START_TEST(scribbled)
{
    folder_make();
    size_t len = 0;
    g_autofree char *data = module_get("good", &len);
    GRand *rand = g_rand_new_with_seed(7);
    for (unsigned i = 0; i < 12; i++) {
        g_autofree char *copy = g_memdup2(data, len);
        for (unsigned n = 0; n < 200; n++)
            copy[g_rand_int_range(rand, 64, (gint32)len)] = (char)g_rand_int(rand);
        g_autofree char *name = g_strdup_printf("scribbled%02u.so", i);
        file_put(name, copy, len);
    }
    g_rand_free(rand);
    module_put("good", "z.so");
    PluginRegistry *reg = scan_with("", 2000);
    ck_assert_ptr_nonnull(plugin_record_of_class(reg, VIV_KIND_DEVICE, "thing"));
    plugin_registry_free(reg);
    folder_remove();
}
END_TEST

START_TEST(folders)
{
    folder_make();
    module_put("good", "p/one/two/good.so");
    module_put("duplicate", "p/.hidden/duplicate.so");
    file_put("p/readme.txt", "no module", 9);
    g_autofree char *p = path_of("p");
    g_autofree char *missing = path_of("missing");
    g_autofree char *direct = path_of("p/one/two/good.so");
    g_autofree char *loop = path_of("p/one/loop");
    ck_assert_int_eq(symlink("..", loop), 0);
    const char *dirs[] = {direct, missing, p, p, NULL};
    const PluginSearch search = {.dirs = dirs, .only_dirs = true, .cache_path = ""};
    PluginRegistry *reg = plugin_registry_new(&search);
    uint32_t count;
    const PluginRecord *const *records = plugin_records(reg, &count);
    /* The module once, however many ways lead to it; the missing folder by name. */
    ck_assert_uint_eq(count, 2);
    ck_assert_str_eq(records[0]->path, direct);
    ck_assert_int_eq(records[0]->state, PLUGIN_OK);
    ck_assert_str_eq(records[1]->path, missing);
    ck_assert_ptr_nonnull(strstr(records[1]->reason, "No such file"));
    plugin_registry_free(reg);
    folder_remove();
}
END_TEST

/* Root reads everything, until it gives the capabilities for that away (the test runs in a process
 * of its own). */
static void obey_permissions(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct caps[2];
    ck_assert_int_eq(syscall(SYS_capget, &head, caps), 0);
    caps[0].effective &= ~(CAP_TO_MASK(CAP_DAC_OVERRIDE) | CAP_TO_MASK(CAP_DAC_READ_SEARCH));
    ck_assert_int_eq(syscall(SYS_capset, &head, caps), 0);
}

START_TEST(unreadable_folder)
{
    folder_make();
    module_put("good", "a/good.so");
    module_put("duplicate", "b/duplicate.so");
    g_autofree char *b = path_of("b");
    ck_assert_int_eq(chmod(b, 0), 0);
    obey_permissions();
    PluginRegistry *reg = scan();
    const PluginRecord *r = record_of(reg, "b");
    ck_assert_int_eq(r->state, PLUGIN_REFUSED);
    ck_assert_ptr_nonnull(strstr(r->reason, "Permission denied"));
    ck_assert_int_eq(record_of(reg, "a/good.so")->state, PLUGIN_OK);
    plugin_registry_free(reg);
    ck_assert_int_eq(chmod(b, 0700), 0);
    folder_remove();
}
END_TEST

START_TEST(environment_order)
{
    folder_make();
    module_put("good", "env/good.so");
    module_put("duplicate", "data/vivarium/plugins/devices/duplicate.so");
    g_autofree char *env = path_of("env");
    g_autofree char *data = path_of("data");
    g_autofree char *list = g_strdup_printf(":%s:", env);
    g_setenv("VIV_PLUGIN_PATH", list, TRUE);
    g_setenv("XDG_DATA_HOME", data, TRUE);
    const PluginSearch search = {.cache_path = ""};
    PluginRegistry *reg = plugin_registry_new(&search);
    ck_assert_int_eq(record_of(reg, "env/good.so")->state, PLUGIN_OK);
    ck_assert_int_eq(record_of(reg, "data/vivarium/plugins/devices/duplicate.so")->state,
                     PLUGIN_SHADOWED);
    plugin_registry_free(reg);
    folder_remove();
}
END_TEST

/* -- The cache -- */

static uint64_t inode_of(const char *path)
{
    struct stat st;
    ck_assert_int_eq(stat(path, &st), 0);
    return (uint64_t)st.st_ino;
}

START_TEST(cache_saves_the_scan)
{
    folder_make();
    module_put("good", "m/good.so");
    module_put("hang_load", "m/hang.so");
    g_autofree char *cache = path_of("sub/plugins.cache");
    plugin_registry_free(scan_with(cache, 400));
    ck_assert(g_file_test(cache, G_FILE_TEST_EXISTS));
    const uint64_t inode = inode_of(cache);
    /* The hanging one is known now: no helper waits for it. */
    PluginRegistry *reg = scan_with(cache, 60000);
    ck_assert_ptr_nonnull(strstr(record_of(reg, "m/hang.so")->reason, "within 400 ms"));
    ck_assert_str_eq(record_of(reg, "m/good.so")->version, "1.2");
    ck_assert_uint_eq(record_of(reg, "m/good.so")->class_count, 2);
    ck_assert_uint_eq(inode_of(cache), inode); /* nothing new: not written */
    plugin_registry_free(reg);
    /* A changed module is scanned again. */
    module_put("engine", "m/good.so");
    module_put("good", "m/hang.so");
    reg = scan_with(cache, 5000);
    ck_assert_str_eq(record_of(reg, "m/good.so")->id, "org.vivarium.test.engine");
    ck_assert_int_eq(record_of(reg, "m/hang.so")->state, PLUGIN_OK);
    plugin_registry_free(reg);
    folder_remove();
}
END_TEST

START_TEST(cache_damaged)
{
    folder_make();
    module_put("good", "m/good.so");
    module_put("bad_magic", "m/magic.so");
    g_autofree char *cache = path_of("plugins.cache");
    plugin_registry_free(scan_with(cache, 0));
    g_autofree char *text = NULL;
    gsize len = 0;
    ck_assert(g_file_get_contents(cache, &text, &len, NULL));
    GRand *rand = g_rand_new_with_seed(3);
    for (unsigned i = 0; i < 60; i++) {
        g_autofree char *copy = g_memdup2(text, len);
        gsize use = len;
        if (i % 3 == 0)
            use = (gsize)g_rand_int_range(rand, 0, (gint32)len);
        else
            copy[g_rand_int_range(rand, 0, (gint32)len)] ^=
                (char)(1 << g_rand_int_range(rand, 0, 8));
        ck_assert(g_file_set_contents(cache, copy, (gssize)use, NULL));
        PluginRegistry *reg = scan_with(cache, 0);
        ck_assert_int_eq(record_of(reg, "m/good.so")->state, PLUGIN_OK);
        ck_assert_str_eq(record_of(reg, "m/good.so")->id, "org.vivarium.test.good");
        ck_assert_int_eq(record_of(reg, "m/magic.so")->state, PLUGIN_REFUSED);
        plugin_registry_free(reg);
        /* And repaired. */
        g_autofree char *now = NULL;
        ck_assert(g_file_get_contents(cache, &now, NULL, NULL));
        ck_assert_str_eq(now, text);
    }
    g_rand_free(rand);
    folder_remove();
}
END_TEST

START_TEST(cache_unwritable)
{
    folder_make();
    module_put("good", "m/good.so");
    file_put("file", "", 0);
    g_autofree char *cache = path_of("file/below/plugins.cache");
    PluginRegistry *reg = scan_with(cache, 0);
    ck_assert_int_eq(record_of(reg, "m/good.so")->state, PLUGIN_OK);
    plugin_registry_free(reg);
    folder_remove();
}
END_TEST

START_TEST(kind_names)
{
    ck_assert_str_eq(plugin_kind_name(VIV_KIND_STORAGE), "storage format");
    ck_assert_str_eq(plugin_kind_name(99), "unknown kind");
    for (uint32_t kind = VIV_KIND_DEVICE; kind <= VIV_KIND_USB_DEVICE; kind++)
        ck_assert_uint_eq(plugin_kind_from_name(plugin_kind_name(kind)), kind);
    ck_assert_uint_eq(plugin_kind_from_name("nonsense"), 0);
}
END_TEST

START_TEST(scan_option_is_strict)
{
    char name[] = "viv";
    char option[] = "--plugin-scan";
    char fd[] = "nonsense";
    char path[] = "/dev/null";
    char *bad[] = {name, option, fd, path, NULL};
    ck_assert_int_eq(plugin_scan_main(4, bad), 2);
    char *other[] = {name, path, NULL};
    ck_assert_int_eq(plugin_scan_main(2, other), -1);
}
END_TEST

static Suite *plugin_suite(void)
{
    Suite *s = suite_create("plugin");
    TCase *t = tcase_create("plugin");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, refused, 0, (int)G_N_ELEMENTS(refusals));
    tcase_add_test(t, hanging);
    tcase_add_test(t, good_record);
    tcase_add_test(t, find_loads_a_copy);
    tcase_add_test(t, find_names_the_refused);
    tcase_add_test(t, older_and_newer_tables);
    tcase_add_test(t, shadowed);
    tcase_add_test(t, bad_classes_beside_good_ones);
    tcase_add_test(t, truncated_everywhere);
    tcase_add_test(t, scribbled);
    tcase_add_test(t, folders);
    tcase_add_test(t, unreadable_folder);
    tcase_add_test(t, environment_order);
    tcase_add_test(t, cache_saves_the_scan);
    tcase_add_test(t, cache_damaged);
    tcase_add_test(t, cache_unwritable);
    tcase_add_test(t, kind_names);
    tcase_add_test(t, scan_option_is_strict);
    suite_add_tcase(s, t);
    return s;
}

int main(int argc, char **argv)
{
    const char *env = getenv("VIV_TEST_FORK");
    if (!env || strcmp(env, "1") != 0) {
        const int code = plugin_scan_main(argc, argv);
        if (code >= 0)
            return code;
    }
    SRunner *runner = srunner_create(plugin_suite());
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
