/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fuzz target: any bytes as a kernel image for the boot without firmware. The first byte says
 * whether a valid magic is put in, so that the parsers behind it are reached. */
#include <stdlib.h>
#include <string.h>

#include "vm/vm_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* One machine for all inputs; given back at exit, so that leaks of the loaders are seen. */
static Vm *fuzz_vm;
static PluginRegistry *fuzz_plugins;

static void fuzz_end(void)
{
    vm_destroy(fuzz_vm);
    plugin_registry_free(fuzz_plugins);
}

static Vm *fuzz_machine(void)
{
    static const char *const dirs[] = {VM_TEST_MODULES, NULL};
    VivError err = VIV_ERROR_INIT;
    if (!fuzz_vm) {
        PluginSearch search = {.dirs = dirs, .only_dirs = true, .cache_path = ""};
        CfgmNode *root = cfgm_new();
        cfgm_set_u64(root, "RamSize", UINT64_C(8) << 20, NULL);
        cfgm_set_string(root, "Engine/Name", "scripted", NULL);
        fuzz_plugins = plugin_registry_new(&search);
        fuzz_vm = vm_create(root, fuzz_plugins, &err);
        if (!fuzz_vm) {
            fprintf(stderr, "%s\n", error_text(&err));
            exit(1);
        }
        atexit(fuzz_end);
        pdm_boot_memory(fuzz_vm->pdm);
    }
    return fuzz_vm;
}

static void fuzz_stamp(uint8_t *image, size_t len, uint8_t kind)
{
    if ((kind & 1) && len > 0x210) {
        memcpy(image + 0x1fe, "\x55\xaa", 2);
        memcpy(image + 0x202, "HdrS", 4);
        image[0x207] = 2; /* protocol 2.xx */
        image[0x211] |= 1;
    }
    if ((kind & 2) && len > 80) {
        uint32_t magic = 0x1badb002, flags;
        size_t at = (kind >> 4) * 4u;
        memcpy(image + at, &magic, 4);
        memcpy(&flags, image + at + 4, 4);
        flags &= (kind & 4) ? 0x10003u : 3u;
        uint32_t sum = 0u - magic - flags;
        memcpy(image + at + 4, &flags, 4);
        memcpy(image + at + 8, &sum, 4);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    Vm *vm = fuzz_machine();
    VivError err = VIV_ERROR_INIT;
    if (len < 2) {
        return 0;
    }
    uint8_t *image = malloc(len); /* exact size: a read beyond it is seen */
    if (!image) {
        return 0;
    }
    memcpy(image, data + 1, len - 1);
    image[len - 1] = 0;
    VmBlob blob = {image, len - 1};
    fuzz_stamp(image, len - 1, data[0]);
    if (vm_is_linux(&blob)) {
        vm_boot_linux(vm, "fuzz", &blob, NULL, "console=ttyS0", &err);
        error_clear(&err);
    }
    if (vm_is_multiboot(&blob)) {
        vm_boot_multiboot(vm, "fuzz", &blob, NULL, "a b", &err);
        error_clear(&err);
    }
    free(image);
    return 0;
}
