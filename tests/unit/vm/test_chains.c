/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Driver chains of real plugins: filters in the middle, and DriverTransformations. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vm/vm.h"

#define LUN "Devices/serial/0/LUN#0/"
#define T   "PDM/DriverTransformations/"

static PluginRegistry *plugins;
static char folder[] = "/tmp/viv-chains-XXXXXX";
static char *first, *second, *trace;

static void setup(void)
{
    static const char *const dirs[] = {VM_TEST_MODULES, VM_TEST_PLUGINS, NULL};
    PluginSearch search = {.dirs = dirs, .only_dirs = true, .cache_path = ""};
    plugins = plugin_registry_new(&search);
    strcpy(folder, "/tmp/viv-chains-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    first = g_strdup_printf("%s/first", folder);
    second = g_strdup_printf("%s/second", folder);
    trace = g_strdup_printf("%s/trace", folder);
}

static void teardown(void)
{
    unlink(first);
    unlink(second);
    unlink(trace);
    rmdir(folder);
    g_free(first);
    g_free(second);
    g_free(trace);
    plugin_registry_free(plugins);
}

static gboolean usable(void)
{
    return plugin_record_of_class(plugins, VIV_KIND_DEVICE, "serial") &&
           plugin_record_of_class(plugins, VIV_KIND_DRIVER, "RawFile") &&
           plugin_record_of_class(plugins, VIV_KIND_DRIVER, "IfTrace") &&
           plugin_record_of_class(plugins, VIV_KIND_DRIVER, "IfLog");
}

static CfgmNode *tree(void)
{
    CfgmNode *root = cfgm_new();
    cfgm_set_u64(root, "RamSize", 16 << 20, NULL);
    cfgm_set_string(root, "Engine/Name", "scripted", NULL);
    cfgm_set_bool(root, "TM/Deterministic", true, NULL);
    cfgm_create(root, "Devices/serial/0/Config", NULL);
    cfgm_set_string(root, LUN "Driver", "RawFile", NULL);
    cfgm_set_string(root, LUN "Config/Location", first, NULL);
    return root;
}

static void set(CfgmNode *root, const char *path, const char *value)
{
    ck_assert_int_eq(cfgm_set_from_text(root, path, value, NULL), VIV_OK);
}

static void inject(CfgmNode *root)
{
    set(root, T "0/Device", "serial");
    set(root, T "0/AttachedDriver/Driver", "IfTrace");
    set(root, T "0/AttachedDriver/Config/TraceFilePath", trace);
}

static gboolean file_is(const char *path, const char *wanted)
{
    g_autofree char *text = NULL;
    return g_file_get_contents(path, &text, NULL, NULL) && !strcmp(text, wanted);
}

static gboolean file_has(const char *path, const char *wanted)
{
    g_autofree char *text = NULL;
    return g_file_get_contents(path, &text, NULL, NULL) && strstr(text, wanted);
}

/* Builds the machine, says "hi" from the top of the chain, and ends it. */
static viv_status_t say(CfgmNode *root)
{
    VivError err = VIV_ERROR_INIT;
    viv_iface_t chr;
    Vm *vm = vm_create(root, plugins, &err);
    ck_assert_msg(vm != NULL, "%s", error_text(&err));
    viv_status_t st = pdm_lun_interface(vm->pdm, "serial", 0, 0, VIV_CHAR_ID, &chr);
    if (!st) {
        ck_assert_uint_eq(((const viv_char_ops_t *)chr.ops)->write(chr.self, "hi", 2), 2);
    }
    vm_destroy(vm);
    return st;
}

START_TEST(a_filter_gets_into_a_chain)
{
    if (!usable()) {
        return;
    }
    ck_assert_int_eq(say(tree()), VIV_OK);
    ck_assert(file_is(first, "hi"));
    CfgmNode *root = tree();
    inject(root);
    ck_assert_int_eq(say(root), VIV_OK);
    ck_assert(file_is(first, "hi"));
    ck_assert(file_has(trace, " down viv.char/1 write(len=2) \"hi\" = 2\n"));
}
END_TEST

START_TEST(input_comes_up_through_filters)
{
    if (!usable()) {
        return;
    }
    ck_assert(g_file_set_contents(second, "input", -1, NULL));
    CfgmNode *root = tree();
    set(root, LUN "Config/InputLocation", second);
    inject(root);
    set(root, T "0/AttachedDriver/AttachedDriver/Driver", "IfLog"); /* two in one go */
    VivError err = VIV_ERROR_INIT;
    Vm *vm = vm_create(root, plugins, &err);
    ck_assert_msg(vm != NULL, "%s", error_text(&err));
    ck_assert_int_eq(vm_power_on(vm, NULL, &err), VIV_OK);
    viv_iface_t port;
    ck_assert_int_eq(pdm_port_interface(vm->pdm, "serial", 0, 0, VIV_CHAR_PORT_ID, &port), VIV_OK);
    for (int i = 0; i < 1000 && !file_has(trace, "\"i\" = 1\n"); i++) {
        g_usleep(10000); /* the file is read on the I/O thread: this ends with its first line */
    }
    ck_assert(file_has(trace, " up viv.char-port/1 receive(len=5) \"i\" = 1\n"));
    vm_destroy(vm);
}
END_TEST

START_TEST(places)
{
    static const struct {
        const char *device, *lun, *below, *above;
        gboolean meets;
    } cases[] = {
        {"serial/0", "0", NULL, NULL, TRUE},
        {"serial/1", NULL, NULL, NULL, FALSE},
        {"*", "1", NULL, NULL, FALSE},
        {"ahci|ser*", "*", NULL, NULL, TRUE},
        {"serial", NULL, "<top>", "RawFile", TRUE},
        {"serial", NULL, "<top>", "<bottom>", FALSE},
        {"serial", NULL, "RawFile", NULL, TRUE},
        {"serial", NULL, NULL, "<bottom>", TRUE},
        {"serial", NULL, "NamedPipe", NULL, FALSE},
    };
    if (!usable()) {
        return;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        CfgmNode *root = tree();
        unlink(trace);
        inject(root);
        set(root, T "0/Action", "inject");
        set(root, T "0/Device", cases[i].device);
        set(root, T "0/LUN", cases[i].lun ? cases[i].lun : "");
        set(root, T "0/BelowDriver", cases[i].below ? cases[i].below : "");
        set(root, T "0/AboveDriver", cases[i].above ? cases[i].above : "");
        ck_assert_int_eq(say(root), VIV_OK);
        ck_assert(file_is(first, "hi"));
        ck_assert_msg(g_file_test(trace, G_FILE_TEST_EXISTS) == cases[i].meets, "case %zu", i);
    }
}
END_TEST

START_TEST(other_actions)
{
    if (!usable()) {
        return;
    }
    CfgmNode *root = tree();
    set(root, T "0/Action", "mergeconfig");
    set(root, T "0/AboveDriver", "Raw*");
    set(root, T "0/Config/Location", second);
    ck_assert_int_eq(say(root), VIV_OK);
    ck_assert(file_is(second, "hi"));

    root = tree(); /* replaced by a filter and another file; then the filter is taken out */
    unlink(first);
    unlink(second);
    set(root, T "0/Action", "replacetree");
    set(root, T "0/AboveDriver", "RawFile");
    set(root, T "0/AttachedDriver/Driver", "IfLog");
    set(root, T "0/AttachedDriver/AttachedDriver/Driver", "RawFile");
    set(root, T "0/AttachedDriver/AttachedDriver/Config/Location", second);
    set(root, T "1/Action", "remove");
    set(root, T "1/AboveDriver", "IfLog");
    ck_assert_int_eq(say(root), VIV_OK);
    ck_assert(!g_file_test(first, G_FILE_TEST_EXISTS));
    ck_assert(file_is(second, "hi"));

    root = tree(); /* nothing is left: the port is not plugged in */
    set(root, T "0/Action", "removetree");
    ck_assert_int_eq(say(root), VIV_E_NOT_FOUND);

    root = tree();
    set(root, T "0/Action", "replace");
    set(root, T "0/AttachedDriver/Driver", "RawFile");
    set(root, T "0/AttachedDriver/Config/Location", second);
    ck_assert_int_eq(say(root), VIV_OK);
    ck_assert(file_is(second, "hi"));
}
END_TEST

START_TEST(bad_transformations)
{
    static const struct {
        const char *path, *value, *word;
    } cases[] = {
        {T "0/Action", "explode", "mergeconfig"},
        {T "0/Where", "top", "Where"},
        {T "0/Action", "integer:3", "Action"},
        {T "0/Action", "replace", "AttachedDriver"},
        {T "0/Action", "mergeconfig", "Config"},
        {T "0/AttachedDriver/Driver", "NoSuchFilter", "NoSuchFilter"},
    };
    if (!usable()) {
        return;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        VivError err = VIV_ERROR_INIT;
        CfgmNode *root = tree();
        set(root, cases[i].path, cases[i].value);
        ck_assert_ptr_null(vm_create(root, plugins, &err));
        ck_assert_msg(strstr(error_text(&err), cases[i].word) != NULL, "%s", error_text(&err));
        error_clear(&err);
    }
    CfgmNode *root = tree(); /* so many filters that the chain is too long */
    for (unsigned i = 0; i < 20; i++) {
        g_autofree char *path = g_strdup_printf(T "%u/AttachedDriver/Driver", i);
        set(root, path, "IfLog");
    }
    VivError err = VIV_ERROR_INIT;
    ck_assert_ptr_null(vm_create(root, plugins, &err));
    ck_assert_ptr_nonnull(strstr(error_text(&err), "too long"));
    error_clear(&err);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("chains");
    TCase *tc = tcase_create("chains");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_filter_gets_into_a_chain);
    tcase_add_test(tc, input_comes_up_through_filters);
    tcase_add_test(tc, places);
    tcase_add_test(tc, other_actions);
    tcase_add_test(tc, bad_transformations);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
