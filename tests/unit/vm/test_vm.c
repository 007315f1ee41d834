/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Machines of real plugins under a scripted engine: construction and its errors, ends, interrupts
 * on the deterministic clock, reset, saved state of every device. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ssm/ssm.h"
#include "vm/vm.h"

#define PROGRAM 0x1000u
#define MIB     (UINT64_C(1) << 20)

typedef struct Record {
    uint8_t op, width;
    uint16_t port;
    uint32_t value;
} Record;

#define OUT8(p, v)                                                                                 \
    {                                                                                              \
        1, 1, (p), (v)                                                                             \
    }
#define IN8(p)                                                                                     \
    {                                                                                              \
        2, 1, (p), 0                                                                               \
    }
#define STAY                                                                                       \
    {                                                                                              \
        0, 0, 0, 0                                                                                 \
    }
#define HALT                                                                                       \
    {                                                                                              \
        5, 0, 0, 0                                                                                 \
    }

static const char *const standard[] = {"pcarch", "pci",         "i8259",  "i8254",  "mc146818",
                                       "apic",   "ioapic",      "acpi",   "pckbd",  "piix3ide",
                                       "vga",    "qemu-fw-cfg", "pcbios", "serial", "debug-exit"};

static PluginRegistry *plugins;
static GMutex end_lock;
static GCond end_cond;
static gboolean ended;

static void setup(void)
{
    static const char *const dirs[] = {VM_TEST_MODULES, VM_TEST_PLUGINS, NULL};
    PluginSearch search = {.dirs = dirs, .only_dirs = true, .cache_path = ""};
    plugins = plugin_registry_new(&search);
    ended = FALSE;
}

static void teardown(void)
{
    plugin_registry_free(plugins);
}

static gboolean installed(const char *name)
{
    return plugin_record_of_class(plugins, VIV_KIND_DEVICE, name) != NULL;
}

/* The machine of all standard devices that are built. */
static CfgmNode *tree(void)
{
    CfgmNode *root = cfgm_new();
    cfgm_set_u64(root, "RamSize", 16 * MIB, NULL);
    cfgm_set_string(root, "Engine/Name", "scripted", NULL);
    cfgm_set_bool(root, "TM/Deterministic", true, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(standard); i++) {
        if (installed(standard[i])) {
            g_autofree char *path = g_strdup_printf("Devices/%s/0/Config", standard[i]);
            cfgm_create(root, path, NULL);
        }
    }
    if (installed("pcbios")) {
        cfgm_set_u64(root, "Devices/pcbios/0/Config/Enabled", 0, NULL);
    }
    return root;
}

static void on_end(void *ctx)
{
    (void)ctx;
    g_mutex_lock(&end_lock);
    ended = TRUE;
    g_cond_signal(&end_cond);
    g_mutex_unlock(&end_lock);
}

static Vm *machine_of(CfgmNode *root, const Record *program, size_t count)
{
    VivError err = VIV_ERROR_INIT;
    Vm *vm = vm_create(root, plugins, &err);
    ck_assert_msg(vm != NULL, "%s", error_text(&err));
    ck_assert_msg(vm_power_on(vm, NULL, &err) == VIV_OK, "%s", error_text(&err));
    pgm_write(vm->pgm, PROGRAM, program, count * sizeof *program);
    vm_set_end_fn(vm, on_end, NULL);
    return vm;
}
#define MACHINE(program) machine_of(tree(), program, G_N_ELEMENTS(program))

static VmEnd run_to_end(Vm *vm, uint32_t *ret_code, char **ret_text)
{
    vm_resume(vm);
    g_mutex_lock(&end_lock);
    while (!ended) {
        g_cond_wait(&end_cond, &end_lock);
    }
    g_mutex_unlock(&end_lock);
    vm_pause(vm);
    return vm_end(vm, ret_code, ret_text);
}

START_TEST(test_debug_exit)
{
    static const Record program[] = {OUT8(0xf4, 3), STAY};
    uint32_t code;
    g_autofree char *text = NULL;
    if (!installed("debug-exit")) {
        return;
    }
    Vm *vm = MACHINE(program);
    ck_assert_int_eq(run_to_end(vm, &code, &text), VM_END_POWER_OFF);
    ck_assert_uint_eq(code, 7);
    vm_destroy(vm);
}
END_TEST

START_TEST(test_triple_fault)
{
    static const Record program[] = {{3, 0, 0, 0}};
    uint32_t code;
    g_autofree char *text = NULL;
    Vm *vm = MACHINE(program);
    ck_assert_int_eq(run_to_end(vm, &code, &text), VM_END_TRIPLE_FAULT);
    ck_assert_ptr_nonnull(strstr(text, "vCPU 0"));
    vm_destroy(vm);
}
END_TEST

START_TEST(test_engine_error)
{
    static const Record program[] = {{4, 0, 0, 0}};
    uint32_t code;
    g_autofree char *text = NULL;
    Vm *vm = MACHINE(program);
    ck_assert_int_eq(run_to_end(vm, &code, &text), VM_END_ERROR);
    ck_assert_ptr_nonnull(strstr(text, "the script says so"));
    vm_destroy(vm);
}
END_TEST

START_TEST(test_no_reboot)
{
    static const Record program[] = {OUT8(0xcf9, 2), OUT8(0xcf9, 6), STAY};
    uint32_t code;
    g_autofree char *text = NULL;
    if (!installed("pci")) {
        return;
    }
    CfgmNode *root = tree();
    cfgm_set_bool(root, "NoReboot", true, NULL);
    Vm *vm = machine_of(root, program, G_N_ELEMENTS(program));
    ck_assert_int_eq(run_to_end(vm, &code, &text), VM_END_RESET);
    vm_destroy(vm);
}
END_TEST

/* PIT, then PIC (whose ICW1 forgets the edge that the PIT's mode made); the idle loop warps from
 * tick to tick. */
#define TIMER_SETUP                                                                                \
    OUT8(0x43, 0x34), OUT8(0x40, 0xa9), OUT8(0x40, 0x04), OUT8(0x20, 0x11), OUT8(0x21, 0x40),      \
        OUT8(0x21, 4), OUT8(0x21, 1), OUT8(0x21, 0xfe)

START_TEST(test_timer_interrupts)
{
    static const Record program[] = {TIMER_SETUP,      HALT, OUT8(0x20, 0x20), HALT,
                                     OUT8(0x20, 0x20), HALT, OUT8(0xf4, 0),    STAY};
    uint32_t code;
    g_autofree char *text = NULL;
    if (!installed("i8259") || !installed("i8254") || !installed("debug-exit")) {
        return;
    }
    CfgmNode *root = tree();
    cfgm_remove(root, "Devices/apic");
    cfgm_remove(root, "Devices/ioapic");
    Vm *vm = machine_of(root, program, G_N_ELEMENTS(program));
    ck_assert_int_eq(run_to_end(vm, &code, &text), VM_END_POWER_OFF);
    const viv_cpu_t *cpu = em_vcpu(vm->em, 0)->cpu;
    ck_assert_uint_eq(cpu->gpr[VIV_REG_RBX], 3);
    ck_assert_uint_eq(cpu->gpr[VIV_REG_RDX], 0x40);
    uint64_t ms = tm_now(vm->tm) / 1000000;
    ck_assert_uint_ge(ms, 2); /* three ticks of 1193 counts, about 1 ms each */
    ck_assert_uint_le(ms, 3);
    vm_destroy(vm);
}
END_TEST

START_TEST(test_bad_configuration)
{
    static const struct {
        const char *path, *value, *word;
    } bad[] = {
        {"Devices/i8254/0/Config/NoSuchKey", "1", "NoSuchKey"},
        {"Devices/nosuchdevice/0/Config/X", "1", "nosuchdevice"},
        {"Devices/serial/0/Config/IRQ", "string:four", "IRQ"},
        {"Devices/serial/0/LUN#0/Driver", "NoSuchDriver", "NoSuchDriver"},
        {"Devices/serial/x/Config/IRQ", "4", "serial/x"},
        {"RamSize", "12345", "RamSize"},
        {"Engine/Name", "nosuchengine", "nosuchengine"},
        {"CPUM/Model", "z80", "z80"},
        {"NumCPUs", "1000", "NumCPUs"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        VivError err = VIV_ERROR_INIT;
        if (strstr(bad[i].path, "serial") && !installed("serial")) {
            continue;
        }
        CfgmNode *root = tree();
        cfgm_set_from_text(root, bad[i].path, bad[i].value, NULL);
        ck_assert_msg(vm_create(root, plugins, &err) == NULL, "%s=%s was taken", bad[i].path,
                      bad[i].value);
        ck_assert_msg(strstr(error_text(&err), bad[i].word) != NULL, "\"%s\" does not name %s",
                      error_text(&err), bad[i].word);
        error_clear(&err);
    }
}
END_TEST

static char *temp_path(const char *name)
{
    return g_strdup_printf("%s/viv-test-vm-%d-%s", g_get_tmp_dir(), (int)getpid(), name);
}

/* All units byte for byte, but for one that is named in `except` (may be NULL). */
static void compare_units(const char *first, const char *second, const char *except)
{
    SsmReader *a, *b;
    SsmUnitInfo info;
    VivError err = VIV_ERROR_INIT;
    ck_assert_msg(ssm_reader_open(first, &a, &err) == VIV_OK, "%s", error_text(&err));
    ck_assert_msg(ssm_reader_open(second, &b, &err) == VIV_OK, "%s", error_text(&err));
    ck_assert_uint_eq(ssm_reader_unit_count(a), ssm_reader_unit_count(b));
    for (uint32_t i = 0; ssm_reader_unit(a, i, &info); i++) {
        uint32_t other;
        viv_stream_t *x, *y;
        if (except && !strcmp(info.name, except)) {
            continue;
        }
        ck_assert(ssm_reader_find(b, info.name, info.instance, info.pass, &other));
        ck_assert_int_eq(ssm_unit_open(a, i, &x, NULL), VIV_OK);
        ck_assert_int_eq(ssm_unit_open(b, other, &y, NULL), VIV_OK);
        ck_assert_msg(ssm_remaining(x) == ssm_remaining(y), "unit %s/%u has another size",
                      info.name, info.instance);
        for (uint64_t at = 0; ssm_remaining(x); at++) {
            uint8_t p = 0, q = 0;
            ssm_get_u8(x, &p);
            ssm_get_u8(y, &q);
            ck_assert_msg(p == q, "unit %s/%u differs at byte %u", info.name, info.instance,
                          (unsigned)at);
        }
    }
    ssm_reader_close(a);
    ssm_reader_close(b);
}

/* Runs to the STAY, so that every device has been touched a little, and stands there. */
static void read_icount(Vm *vm, void *ctx)
{
    *(uint64_t *)ctx = em_vcpu(vm->em, 0)->cpu->icount;
}

static void run_a_while(Vm *vm, uint64_t instructions)
{
    uint64_t retired = 0;
    vm_resume(vm);
    while (retired < instructions) {
        em_call(vm->em, 0, read_icount, &retired);
    }
    vm_pause(vm);
}

START_TEST(test_save_load_every_device)
{
    static const Record program[] = {TIMER_SETUP,
                                     OUT8(0x70, 0x0b),
                                     OUT8(0x71, 0x42),
                                     OUT8(0x3f9, 0x05),
                                     OUT8(0x3fb, 0x83),
                                     OUT8(0x3f8, 0x0c),
                                     OUT8(0x64, 0x60),
                                     OUT8(0x60, 0x47),
                                     OUT8(0x3c4, 2),
                                     OUT8(0x3c5, 15),
                                     OUT8(0x1f6, 0xb0),
                                     OUT8(0x511, 0),
                                     STAY};
    VivError err = VIV_ERROR_INIT;
    g_autofree char *first = temp_path("first"), *second = temp_path("second");
    Vm *vm = MACHINE(program);
    run_a_while(vm, 20000);
    ck_assert_msg(vm_save(vm, first, &err) == VIV_OK, "%s", error_text(&err));
    Vm *other = vm_create(tree(), plugins, &err);
    ck_assert_ptr_nonnull(other);
    ck_assert_msg(vm_power_on(other, first, &err) == VIV_OK, "%s", error_text(&err));
    ck_assert_msg(vm_save(other, second, &err) == VIV_OK, "%s", error_text(&err));
    compare_units(first, second, NULL);
    vm_destroy(vm);
    vm_destroy(other);
    unlink(first);
    unlink(second);
}
END_TEST

START_TEST(test_load_into_another_machine)
{
    static const Record program[] = {STAY};
    VivError err = VIV_ERROR_INIT;
    g_autofree char *path = temp_path("state");
    Vm *vm = MACHINE(program);
    ck_assert_int_eq(vm_save(vm, path, &err), VIV_OK);
    vm_destroy(vm);

    CfgmNode *root = tree();
    cfgm_set_u64(root, "RamSize", 32 * MIB, NULL);
    vm = vm_create(root, plugins, &err);
    ck_assert_int_eq(vm_power_on(vm, path, &err), VIV_E_CONFIG);
    ck_assert_ptr_nonnull(strstr(error_text(&err), path));
    error_clear(&err);
    vm_destroy(vm);

    if (installed("serial")) {
        root = tree();
        cfgm_create(root, "Devices/serial/1/Config", NULL);
        vm = vm_create(root, plugins, &err);
        ck_assert_int_eq(vm_power_on(vm, path, &err), VIV_E_CORRUPT);
        ck_assert_ptr_nonnull(strstr(error_text(&err), "serial/1"));
        error_clear(&err);
        vm_destroy(vm);
    }
    vm = vm_create(tree(), plugins, &err);
    ck_assert_int_eq(vm_power_on(vm, "/nonexistent/state", &err), VIV_E_NOT_FOUND);
    error_clear(&err);
    vm_destroy(vm);
    unlink(path);
}
END_TEST

/* Memory as it was saved before images; kept as data. */
START_TEST(test_load_memory_of_version_1)
{
    VivError err = VIV_ERROR_INIT;
    const char *source = g_getenv("VIV_SOURCE_DIR");
    uint8_t page[4096], is[4096];
    if (!source) {
        return;
    }
    g_autofree char *path = g_build_filename(source, "tests/data/state/memory-1.state", NULL);
    CfgmNode *root = cfgm_new();
    cfgm_set_u64(root, "RamSize", 4 * MIB, NULL);
    cfgm_set_string(root, "Engine/Name", "scripted", NULL);
    cfgm_set_bool(root, "TM/Deterministic", true, NULL);
    Vm *vm = vm_create(root, plugins, &err);
    ck_assert_ptr_nonnull(vm);
    ck_assert_msg(vm_power_on(vm, path, &err) == VIV_OK, "%s", error_text(&err));
    for (uint32_t i = 0; i < 1024; i++) {
        pgm_read(vm->pgm, (uint64_t)i * sizeof page, page, sizeof page);
        for (uint32_t k = 0; k < sizeof page; k++) {
            is[k] = i % 5 ? 0 : (uint8_t)(i % 7 ? i * 31 + k % 64 : k % 13);
        }
        ck_assert_int_eq(memcmp(page, is, sizeof page), 0);
    }
    vm_destroy(vm);
}
END_TEST

START_TEST(test_reset_is_idempotent)
{
    static const Record program[] = {TIMER_SETUP, STAY};
    VivError err = VIV_ERROR_INIT;
    g_autofree char *first = temp_path("r1"), *second = temp_path("r2");
    Vm *vm = MACHINE(program);
    run_a_while(vm, 1000);
    pdm_reset(vm->pdm);
    ck_assert_int_eq(vm_save(vm, first, &err), VIV_OK);
    pdm_reset(vm->pdm);
    ck_assert_int_eq(vm_save(vm, second, &err), VIV_OK);
    vm_destroy(vm);
    SsmReader *a, *b;
    ck_assert_int_eq(ssm_reader_open(first, &a, NULL), VIV_OK);
    ck_assert_int_eq(ssm_reader_open(second, &b, NULL), VIV_OK);
    ck_assert_uint_eq(ssm_reader_unit_count(a), ssm_reader_unit_count(b));
    ssm_reader_close(a);
    ssm_reader_close(b);
    compare_units(first, second, "tm"); /* the order of arming counts on */
    unlink(first);
    unlink(second);
}
END_TEST

START_TEST(test_several_vcpus_pause)
{
    static const Record program[] = {STAY};
    CfgmNode *root = tree();
    cfgm_set_u64(root, "NumCPUs", 4, NULL);
    cfgm_set_bool(root, "TM/Deterministic", false, NULL);
    Vm *vm = machine_of(root, program, G_N_ELEMENTS(program));
    for (int i = 0; i < 50; i++) {
        vm_resume(vm);
        vm_pause(vm);
        uint64_t before = em_vcpu(vm->em, 0)->cpu->icount, clock = tm_now(vm->tm);
        g_thread_yield();
        ck_assert_uint_eq(em_vcpu(vm->em, 0)->cpu->icount, before);
        ck_assert_uint_eq(tm_now(vm->tm), clock);
    }
    vm_destroy(vm);
}
END_TEST

START_TEST(test_stop_at_an_instruction)
{
    static const Record program[] = {STAY};
    VivError err = VIV_ERROR_INIT;
    uint32_t code;
    g_autofree char *text = NULL;
    Vm *vm = MACHINE(program);
    ck_assert_int_eq(vm_set_icount_stop(vm, 12345, FALSE, &err), VIV_OK);
    ck_assert_int_eq(run_to_end(vm, &code, &text), VM_END_ICOUNT);
    ck_assert_str_eq(text, "stopped after 12345 instructions");
    ck_assert_uint_eq(em_vcpu(vm->em, 0)->cpu->icount, 12345);
    uint64_t now = 0, tsc = 0;
    ck_assert(stam_read(vm->stam, "TM/VirtualTime", &now));
    ck_assert(stam_read(vm->stam, "TM/TSC", &tsc));
    ck_assert_uint_eq(now, 12345 * 4);
    ck_assert_uint_eq(tsc, 12345 * 8);
    vm_destroy(vm);
}
END_TEST

START_TEST(test_deterministic_refusals)
{
    VivError err = VIV_ERROR_INIT;
    CfgmNode *root = tree();
    cfgm_set_u64(root, "NumCPUs", 2, NULL);
    ck_assert_ptr_null(vm_create(root, plugins, &err));
    ck_assert_int_eq(err.status, VIV_E_CONFIG);
    ck_assert_ptr_nonnull(strstr(error_text(&err), "NumCPUs is 2"));
    error_clear(&err);
}
END_TEST

/* Numbers for RDRAND: of the seed, the vCPU and its place in the run, and of nothing else. */
START_TEST(test_seeded_numbers)
{
    VivError err = VIV_ERROR_INIT;
    uint64_t seen[4], again;
    Cpum *cpum = cpum_new(NULL, 2, 1000000000, &err);
    viv_cpu_t cpu = {.size = sizeof cpu, .icount = 1000};
    cpum_set_seed(cpum, 1);
    ck_assert_int_eq(cpum_random(cpum, &cpu, &seen[0]), VIV_OK);
    cpu.icount++;
    ck_assert_int_eq(cpum_random(cpum, &cpu, &seen[1]), VIV_OK);
    cpu.vcpu = 1;
    ck_assert_int_eq(cpum_random(cpum, &cpu, &seen[2]), VIV_OK);
    cpum_set_seed(cpum, 2);
    ck_assert_int_eq(cpum_random(cpum, &cpu, &seen[3]), VIV_OK);
    for (int i = 0; i < 4; i++) {
        for (int k = 0; k < i; k++) {
            ck_assert_uint_ne(seen[i], seen[k]);
        }
    }
    cpum_set_seed(cpum, 1);
    cpu.vcpu = 0;
    cpu.icount = 1000;
    ck_assert_int_eq(cpum_random(cpum, &cpu, &again), VIV_OK);
    ck_assert_uint_eq(again, seen[0]);
    cpum_free(cpum);
}
END_TEST

/* The test device: a write to port E0h posts to its queue and wakes its thread; reads give the
 * calls so far. */
START_TEST(test_queue_and_thread)
{
    static const Record program[] = {OUT8(0xe0, 1), OUT8(0xe0, 2), STAY};
    CfgmNode *root = tree();
    cfgm_create(root, "Devices/worker/0/Config", NULL);
    Vm *vm = machine_of(root, program, G_N_ELEMENTS(program));
    ck_assert_uint_eq(iom_pio_read(vm->iom, 0xe1, 1), 0);
    vm_resume(vm);
    while (iom_pio_read(vm->iom, 0xe0, 1) != 2 || iom_pio_read(vm->iom, 0xe1, 1) == 0) {
        g_thread_yield();
    }
    vm_pause(vm);
    uint32_t turns = iom_pio_read(vm->iom, 0xe2, 4);
    g_thread_yield();
    ck_assert_uint_eq(iom_pio_read(vm->iom, 0xe2, 4),
                      turns); /* the thread stands with the machine */
    vm_destroy(vm);
}
END_TEST

/* -- NMI and events; test device noisy at port E8h -- */

static CfgmNode *noisy_tree(gboolean with_apic)
{
    CfgmNode *root = tree();
    cfgm_create(root, "Devices/noisy/0/Config", NULL);
    if (!with_apic) {
        cfgm_remove(root, "Devices/apic");
        cfgm_remove(root, "Devices/ioapic");
    }
    return root;
}

static gboolean nmi_pending(Vm *vm)
{
    return (em_vcpu(vm->em, 0)->ff & VIV_FF_NMI) != 0;
}

/* Whether an NMI is pending after the present state was saved and loaded. */
static gboolean nmi_after_load(Vm *vm, gboolean with_apic)
{
    VivError err = VIV_ERROR_INIT;
    g_autofree char *path = temp_path("nmi");
    ck_assert_msg(vm_save(vm, path, &err) == VIV_OK, "%s", error_text(&err));
    Vm *other = vm_create(noisy_tree(with_apic), plugins, &err);
    ck_assert_ptr_nonnull(other);
    ck_assert_msg(vm_power_on(other, path, &err) == VIV_OK, "%s", error_text(&err));
    gboolean pending = nmi_pending(other);
    iom_pio_write(other->iom, 0xe8, 1, 1); /* the line is where it was: no edge */
    ck_assert_int_eq(nmi_pending(other), pending);
    vm_destroy(other);
    unlink(path);
    return pending;
}

START_TEST(test_nmi_line)
{
    static const Record program[] = {STAY};
    gboolean with_apic = _i != 0;
    if (with_apic && !installed("apic")) {
        return;
    }
    Vm *vm = machine_of(noisy_tree(with_apic), program, G_N_ELEMENTS(program));
    ck_assert(!nmi_pending(vm));
    iom_pio_write(vm->iom, 0xe8, 1, 1);
    ck_assert(nmi_pending(vm));
    ck_assert(nmi_after_load(vm, with_apic)); /* what is pending stays so */
    em_clear_ff(vm->em, 0, VIV_FF_NMI);
    ck_assert(!nmi_after_load(vm, with_apic)); /* a level that comes back is no edge */
    if (installed("mc146818")) {
        iom_pio_write(vm->iom, 0xe8, 0, 1);
        iom_pio_write(vm->iom, 0x70, 0x80, 1);
        iom_pio_write(vm->iom, 0xe8, 1, 1);
        ck_assert(!nmi_pending(vm));
        iom_pio_write(vm->iom, 0x70, 0x00, 1);
        ck_assert(nmi_pending(vm));
    }
    vm_destroy(vm);
}
END_TEST

typedef struct Heard {
    unsigned guest, pause;
    uint32_t kind;
    char text[32];
} Heard;

static void on_event(void *ctx, VmEvent event, uint32_t kind, const char *text)
{
    Heard *heard = ctx;
    heard->guest += event == VM_EVENT_GUEST;
    heard->pause += event == VM_EVENT_PAUSE;
    if (event == VM_EVENT_GUEST) {
        heard->kind = kind;
        g_strlcpy(heard->text, text, sizeof heard->text);
    }
}

START_TEST(test_guest_events)
{
    static const Record program[] = {STAY};
    Heard heard = {0};
    Vm *vm = machine_of(noisy_tree(TRUE), program, G_N_ELEMENTS(program));
    iom_pio_write(vm->iom, 0xe8, 6, 1); /* nobody listens */
    vm_set_event_fn(vm, on_event, &heard);
    iom_pio_write(vm->iom, 0xe8, 2, 1);
    ck_assert_uint_eq(heard.guest, 1);
    ck_assert_uint_eq(heard.kind, VIV_GUEST_PANICKED);
    ck_assert_str_eq(heard.text, "as a test");
    iom_pio_write(vm->iom, 0xe8, 4, 1);
    ck_assert_uint_eq(heard.pause, 1);
    ck_assert_uint_eq(heard.guest, 1);
    vm_destroy(vm);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vm");
    TCase *tc = tcase_create("vm");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_debug_exit);
    tcase_add_test(tc, test_triple_fault);
    tcase_add_test(tc, test_engine_error);
    tcase_add_test(tc, test_no_reboot);
    tcase_add_test(tc, test_timer_interrupts);
    tcase_add_test(tc, test_bad_configuration);
    tcase_add_test(tc, test_save_load_every_device);
    tcase_add_test(tc, test_load_into_another_machine);
    tcase_add_test(tc, test_load_memory_of_version_1);
    tcase_add_test(tc, test_reset_is_idempotent);
    tcase_add_test(tc, test_several_vcpus_pause);
    tcase_add_test(tc, test_queue_and_thread);
    tcase_add_loop_test(tc, test_nmi_line, 0, 2);
    tcase_add_test(tc, test_guest_events);
    tcase_add_test(tc, test_stop_at_an_instruction);
    tcase_add_test(tc, test_deterministic_refusals);
    tcase_add_test(tc, test_seeded_numbers);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
