/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state_machine.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB        (UINT64_C(1) << 20)
#define RAM_BYTES  (16 * MIB)
#define DISK_BYTES (4 * MIB)
#define FILE_NAMES 8u

const StateAlternative state_alternatives[] = {
    {"ich9pci", "pci"}, {"VMMDev", "qemu-fw-cfg"}, {NULL, NULL}};

/* What a device needs before it can be in the machine, beyond its defaults. */
static const struct {
    const char *device, *path, *value;
} state_settings[] = {
    {"pcbios", "Devices/pcbios/0/Config/Enabled", "0"}, /* no firmware has to be installed */
    {"VMMDev", "Devices/VMMDev/0/Config/TestingEnabled", "1"},
    {"flash", "Devices/flash/0/Config/Size", "0x10000"},
    {"pcibridge", "Devices/pcibridge/0/PCIDeviceNo", "26"}, /* 24 is ich9pcibridge's too */
};

static gboolean state_is_left_out(const char *device, const char *instead)
{
    for (const StateAlternative *a = state_alternatives; a->device; a++) {
        gboolean chosen = instead && !strcmp(instead, a->device);
        if (!strcmp(device, chosen ? a->instead_of : a->device)) {
            return TRUE;
        }
    }
    return FALSE;
}

static CfgmNode *state_tree(const StateMachine *m, const char *instead)
{
    CfgmNode *root = cfgm_new();
    g_auto(GStrv) names = plugin_list_classes(m->plugins, VIV_KIND_DEVICE);
    cfgm_set_u64(root, "RamSize", RAM_BYTES, NULL);
    cfgm_set_string(root, "Engine/Name", "scripted", NULL);
    cfgm_set_bool(root, "TM/Deterministic", true, NULL);
    cfgm_set_bool(root, "NoReboot", true, NULL);
    for (char **name = names; *name; name++) {
        const PluginRecord *record = plugin_record_of_class(m->plugins, VIV_KIND_DEVICE, *name);
        if (!g_str_has_prefix(record->path, STATE_TEST_MODULES) && /* no device of a test's own */
            !state_is_left_out(*name, instead) && !g_hash_table_contains(m->left_out, *name)) {
            g_autofree char *path = g_strdup_printf("Devices/%s/0/Config", *name);
            cfgm_create(root, path, NULL);
        }
    }
    for (size_t i = 0; i < G_N_ELEMENTS(state_settings); i++) {
        const char *device = state_settings[i].device;
        if (plugin_record_of_class(m->plugins, VIV_KIND_DEVICE, device) &&
            !state_is_left_out(device, instead) && !g_hash_table_contains(m->left_out, device)) {
            cfgm_set_u64(root, state_settings[i].path,
                         g_ascii_strtoull(state_settings[i].value, NULL, 0), NULL);
        }
    }
    if (plugin_record_of_class(m->plugins, VIV_KIND_DEVICE, "piix3ide")) {
        cfgm_set_string(root, "Devices/piix3ide/0/LUN#0/Driver", "VD", NULL);
        cfgm_set_string(root, "Devices/piix3ide/0/LUN#0/Config/Path", m->disk, NULL);
    }
    return root;
}

static void state_die(const char *what, VivError *err)
{
    fprintf(stderr, "%s: %s\n", what, error_text(err));
    exit(1);
}

/* The device that the sentence of a failed construction begins with: "NAME/0: ..." */
static char *state_culprit(const char *text)
{
    const char *slash = strstr(text, "/0: ");
    return slash && slash != text && !memchr(text, ' ', (size_t)(slash - text))
               ? g_strndup(text, (gsize)(slash - text))
               : NULL;
}

/* A device that wants more than its defaults is left out, and named. */
static Vm *state_vm_new(StateMachine *m, const char *instead)
{
    VivError err = VIV_ERROR_INIT;
    Vm *vm = vm_create(state_tree(m, instead), m->plugins, &err);
    while (!vm) {
        g_autofree char *culprit = state_culprit(error_text(&err));
        if (!culprit || g_hash_table_contains(m->left_out, culprit)) {
            state_die("the machine of all devices cannot be made", &err);
        }
        fprintf(stderr,
                "%s is left out (a line in state_settings of tests/state/state_machine.c "
                "would help): %s\n",
                culprit, error_text(&err));
        g_hash_table_add(m->left_out, g_steal_pointer(&culprit));
        error_clear(&err);
        vm = vm_create(state_tree(m, instead), m->plugins, &err);
    }
    if (vm_power_on(vm, NULL, &err)) {
        state_die("the machine of all devices cannot be powered on", &err);
    }
    return vm;
}

static PluginRegistry *state_plugins(void)
{
    const char *dirs[] = {STATE_TEST_MODULES, g_getenv("VIV_STATE_PLUGINS"), NULL};
    if (!dirs[1]) {
        dirs[1] = STATE_TEST_PLUGINS;
    }
    PluginSearch search = {.dirs = dirs, .only_dirs = true, .cache_path = ""};
    return plugin_registry_new(&search);
}

bool state_has_device(const char *device)
{
    PluginRegistry *plugins = state_plugins();
    bool has = plugin_record_of_class(plugins, VIV_KIND_DEVICE, device) != NULL;
    plugin_registry_free(plugins);
    return has;
}

StateMachine *state_machine_new(const char *instead)
{
    StateMachine *m = g_new0(StateMachine, 1);
    m->plugins = state_plugins();
    const char *memory = g_file_test("/dev/shm", G_FILE_TEST_IS_DIR) ? "/dev/shm" : g_get_tmp_dir();
    m->folder = g_build_filename(memory, "viv-state-XXXXXX", NULL);
    if (!g_mkdtemp(m->folder)) {
        perror(m->folder);
        exit(1);
    }
    m->disk = g_build_filename(m->folder, "disk.img", NULL);
    FILE *disk = fopen(m->disk, "wb");
    if (!disk || ftruncate(fileno(disk), (off_t)DISK_BYTES)) {
        perror(m->disk);
        exit(1);
    }
    fclose(disk);
    m->left_out = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    m->vm = state_vm_new(m, instead);
    return m;
}

void state_machine_renew(StateMachine *m)
{
    vm_destroy(m->vm);
    m->vm = state_vm_new(m, NULL);
}

void state_machine_free(StateMachine *m)
{
    vm_destroy(m->vm);
    plugin_registry_free(m->plugins);
    g_hash_table_unref(m->left_out);
    for (uint32_t i = 0; i < FILE_NAMES; i++) {
        g_autofree char *path = state_machine_path(m);
        g_unlink(path);
    }
    g_unlink(m->disk);
    g_rmdir(m->folder);
    g_free(m->disk);
    g_free(m->folder);
    g_free(m);
}

/* -- traffic --------------------------------------------------------------------------------- */

/* Ports of a PC and how many; those that end or reset the machine are not among them. */
static const struct {
    uint16_t port, count;
} state_ports[] = {
    {0x00, 16}, {0x20, 2},  {0x40, 4},  {0x60, 2},  {0x70, 2},  {0x80, 16}, {0xa0, 2},   {0xc0, 32},
    {0x170, 8}, {0x1f0, 8}, {0x278, 8}, {0x2f8, 8}, {0x376, 1}, {0x378, 8}, {0x3b0, 48}, {0x3f0, 8},
    {0x3f8, 8}, {0x4d0, 2}, {0x510, 2}, {0xcf8, 1}, {0xcfc, 4}, {0x1ce, 2}, {0x402, 1},
};

typedef struct StateShake {
    uint32_t seed, accesses;
} StateShake;

static void state_shake_port(Vm *vm, GRand *rand)
{
    uint32_t at = (uint32_t)g_rand_int_range(rand, 0, G_N_ELEMENTS(state_ports));
    uint16_t port =
        (uint16_t)(state_ports[at].port + g_rand_int_range(rand, 0, state_ports[at].count));
    uint32_t value = g_rand_int(rand);
    uint32_t width = 1;
    if (g_rand_int_range(rand, 0, 8) == 0 || port == 0xcf8) {
        width = port == 0xcf8 || g_rand_boolean(rand) ? 4 : 2;
    }
    if (port == 0xcf8) { /* a function that is there, mostly */
        value = 0x80000000u | (value & 0x1ffc) | (value & 0x80000000u ? 0 : 0x800);
    }
    if (g_rand_int_range(rand, 0, 3) == 0) {
        iom_pio_read(vm->iom, port, width);
    } else {
        iom_pio_write(vm->iom, port, width == 1 ? value & 0xff : value, width);
    }
}

/* The APICs, HPET, VGA's window, and what else is at home above 3 GiB. */
static void state_shake_memory(Vm *vm, GRand *rand)
{
    static const uint64_t bases[] = {0xfee00000, 0xfec00000, 0xfed00000, 0xa0000, 0xb8000};
    uint64_t gpa = bases[g_rand_int_range(rand, 0, G_N_ELEMENTS(bases))] +
                   (g_rand_int(rand) & (g_rand_boolean(rand) ? 0x3fc : 0xffc));
    uint32_t value = g_rand_int(rand);
    if (g_rand_boolean(rand)) {
        pgm_read(vm->pgm, gpa, &value, 4);
    } else {
        pgm_write(vm->pgm, gpa, &value, 4);
    }
}

static void state_shake_now(Vm *vm, void *ctx)
{
    const StateShake *shake = ctx;
    g_autoptr(GRand) rand = g_rand_new_with_seed(shake->seed);
    for (uint32_t i = 0; i < shake->accesses; i++) {
        if (g_rand_int_range(rand, 0, 5) == 0) {
            state_shake_memory(vm, rand);
        } else {
            state_shake_port(vm, rand);
        }
    }
}

static void state_read_icount(Vm *vm, void *ctx)
{
    *(uint64_t *)ctx = em_vcpu(vm->em, 0)->cpu->icount;
}

static void state_run(Vm *vm, uint64_t instructions)
{
    uint64_t began, now;
    em_call(vm->em, 0, state_read_icount, &began);
    if (em_vcpu(vm->em, 0)->cpu->activity != VIV_ACT_RUNNING) {
        return;
    }
    vm_resume(vm);
    do {
        em_call(vm->em, 0, state_read_icount, &now);
    } while (vm->running && vm->end == VM_END_NONE && now - began < instructions);
    vm_pause(vm);
}

void state_machine_shake(StateMachine *m, uint32_t seed, uint32_t accesses)
{
    for (uint32_t i = 0; i < 4; i++) {
        StateShake shake = {seed * 4 + i, accesses / 4};
        em_call(m->vm->em, 0, state_shake_now, &shake);
        state_run(m->vm, 200);
    }
}

/* -- files ----------------------------------------------------------------------------------- */

char *state_machine_path(StateMachine *m)
{
    return g_strdup_printf("%s/state%u", m->folder, m->files++ % FILE_NAMES);
}

GBytes *state_machine_save(StateMachine *m)
{
    VivError err = VIV_ERROR_INIT;
    g_autofree char *path = state_machine_path(m);
    char *text = NULL;
    gsize len = 0;
    if (vm_save(m->vm, path, &err) || !g_file_get_contents(path, &text, &len, NULL)) {
        state_die("the machine cannot be saved", &err);
    }
    return g_bytes_new_take(text, len);
}

viv_status_t state_machine_load(StateMachine *m, const void *bytes, size_t len, VivError *err)
{
    g_autofree char *path = state_machine_path(m);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes, 1, len, file) != len || fclose(file)) {
        perror(path);
        exit(1);
    }
    viv_status_t st = vm_load(m->vm, path, err);
    em_states_loaded(m->vm->em);
    if (st && !strstr(error_text(err), path)) {
        fprintf(stderr, "the message does not name the file: %s\n", error_text(err));
        exit(1);
    }
    return st;
}

/* -- units ----------------------------------------------------------------------------------- */

static void state_unit_free(gpointer data)
{
    StateUnit *unit = data;
    g_byte_array_unref(unit->data);
    g_free(unit);
}

GPtrArray *state_units_parse(StateMachine *m, const void *bytes, size_t len, VivError *err)
{
    g_autofree char *path = state_machine_path(m);
    SsmReader *reader;
    SsmUnitInfo info;
    if (!g_file_set_contents(path, bytes, (gssize)len, NULL) ||
        ssm_reader_open(path, &reader, err)) {
        return NULL;
    }
    GPtrArray *units = g_ptr_array_new_with_free_func(state_unit_free);
    for (uint32_t i = 0; ssm_reader_unit(reader, i, &info); i++) {
        StateUnit *unit = g_new0(StateUnit, 1);
        viv_stream_t *stream;
        g_strlcpy(unit->name, info.name, sizeof unit->name);
        unit->instance = info.instance;
        unit->version = info.version;
        unit->pass = info.pass;
        unit->flags = info.flags;
        unit->data = g_byte_array_new();
        g_byte_array_set_size(unit->data, (guint)info.len_bytes);
        if (ssm_unit_open(reader, i, &stream, err) ||
            ssm_get(stream, unit->data->data, info.len_bytes)) {
            abort(); /* the reader has verified it */
        }
        g_ptr_array_add(units, unit);
    }
    ssm_reader_close(reader);
    return units;
}

GPtrArray *state_units_copy(const GPtrArray *units)
{
    GPtrArray *copy = g_ptr_array_new_with_free_func(state_unit_free);
    for (guint i = 0; i < units->len; i++) {
        const StateUnit *from = g_ptr_array_index(units, i);
        StateUnit *unit = g_new(StateUnit, 1);
        *unit = *from;
        unit->data = g_byte_array_new();
        g_byte_array_append(unit->data, from->data->data, from->data->len);
        g_ptr_array_add(copy, unit);
    }
    return copy;
}

StateUnit *state_units_find(const GPtrArray *units, const char *name, uint32_t instance)
{
    for (guint i = 0; i < units->len; i++) {
        StateUnit *unit = g_ptr_array_index(units, i);
        if (!strcmp(unit->name, name) && unit->instance == instance) {
            return unit;
        }
    }
    return NULL;
}

GBytes *state_units_write(StateMachine *m, const GPtrArray *units)
{
    g_autofree char *path = state_machine_path(m);
    SsmWriter *writer;
    char *text = NULL;
    gsize len = 0;
    if (ssm_writer_create(path, "test", &writer, NULL)) {
        abort();
    }
    for (guint i = 0; i < units->len; i++) {
        const StateUnit *unit = g_ptr_array_index(units, i);
        ssm_unit_begin_flags(writer, unit->name, unit->instance, unit->version, unit->pass,
                             unit->flags);
        ssm_put(ssm_writer_stream(writer), unit->data->data, unit->data->len);
        ssm_unit_end(writer);
    }
    if (ssm_writer_commit(writer, NULL) || !g_file_get_contents(path, &text, &len, NULL)) {
        return NULL;
    }
    return g_bytes_new_take(text, len);
}

static char *state_units_difference(const GPtrArray *a, const GPtrArray *b)
{
    if (a->len != b->len) {
        return g_strdup_printf("%u units, %u units", a->len, b->len);
    }
    for (guint i = 0; i < a->len; i++) {
        const StateUnit *x = g_ptr_array_index(a, i), *y = g_ptr_array_index(b, i);
        guint at = 0;
        while (at < x->data->len && at < y->data->len && x->data->data[at] == y->data->data[at]) {
            at++;
        }
        if (strcmp(x->name, y->name) != 0 || x->instance != y->instance ||
            x->version != y->version || at < x->data->len || at < y->data->len) {
            return g_strdup_printf("unit %s/%u (%u bytes) and %s/%u (%u bytes) differ at byte %u",
                                   x->name, x->instance, x->data->len, y->name, y->instance,
                                   y->data->len, at);
        }
    }
    return g_strdup("the files differ, not their units");
}

char *state_difference(StateMachine *m, GBytes *one, GBytes *other)
{
    if (g_bytes_equal(one, other)) {
        return NULL;
    }
    GPtrArray *a = state_units_parse(m, g_bytes_get_data(one, NULL), g_bytes_get_size(one), NULL);
    GPtrArray *b =
        state_units_parse(m, g_bytes_get_data(other, NULL), g_bytes_get_size(other), NULL);
    char *text = state_units_difference(a, b);
    g_ptr_array_unref(a);
    g_ptr_array_unref(b);
    return text;
}
