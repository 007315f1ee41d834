/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PDM: the host tables that devices fetch by id, and one list of them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "log/log.h"
#include "pdm/pdm_internal.h"

/* -- viv.cfg/1 ------------------------------------------------------------------------------- */

static viv_status_t pdm_cfg_report(viv_dev_t *dev, VivError *err)
{
    viv_status_t st = err->status;
    if (st) {
        dev->api->fail(dev, st, "%s", error_text(err));
        error_clear(err);
    }
    return st;
}

static viv_status_t pdm_cfg_get_u64(viv_dev_t *dev, const char *path, uint64_t lo, uint64_t hi,
                                    uint64_t dflt, uint64_t *ret_value)
{
    VivError err = VIV_ERROR_INIT;
    cfgm_get_u64_range(pdm_dev(dev)->config, path, lo, hi, dflt, ret_value, &err);
    return pdm_cfg_report(dev, &err);
}

static viv_status_t pdm_cfg_get_string(viv_dev_t *dev, const char *path, const char *dflt,
                                       const char **ret_value)
{
    VivError err = VIV_ERROR_INIT;
    cfgm_get_string(pdm_dev(dev)->config, path, dflt, ret_value, &err);
    return pdm_cfg_report(dev, &err);
}

static viv_status_t pdm_cfg_get_bytes(viv_dev_t *dev, const char *path, const uint8_t **ret_bytes,
                                      uint64_t *ret_len)
{
    VivError err = VIV_ERROR_INIT;
    size_t len = 0;
    cfgm_get_bytes(pdm_dev(dev)->config, path, ret_bytes, &len, &err);
    *ret_len = len;
    return pdm_cfg_report(dev, &err);
}

static const viv_cfg_api_t pdm_cfg_api = {
    .size = sizeof pdm_cfg_api,
    .get_u64 = pdm_cfg_get_u64,
    .get_string = pdm_cfg_get_string,
    .get_bytes = pdm_cfg_get_bytes,
};

/* -- viv.lun/1 ------------------------------------------------------------------------------- */

static viv_status_t pdm_lun_attach(viv_dev_t *dev, uint32_t lun, const char *description)
{
    PdmDevice *device = pdm_dev(dev);
    char path[32];
    (void)description;
    snprintf(path, sizeof path, "LUN#%u", lun);
    CfgmNode *node = cfgm_child(device->node, path);
    if (!node) {
        return VIV_E_NOT_FOUND;
    }
    if (pdm_lun_find(device, lun)) {
        return dev->api->fail(dev, VIV_E_EXISTS, "LUN#%u is attached already", lun);
    }
    PdmDriver *top = NULL;
    viv_status_t st = pdm_chain_build(device, lun, node, &top);
    if (st) {
        return st;
    }
    PdmLun *entry = g_new0(PdmLun, 1);
    entry->number = lun;
    entry->top = top;
    g_ptr_array_add(device->luns, entry);
    return VIV_OK;
}

static viv_status_t pdm_lun_query(viv_dev_t *dev, uint32_t lun, const char *id, uint32_t min_size,
                                  viv_iface_t *ret_iface)
{
    PdmLun *entry = pdm_lun_find(pdm_dev(dev), lun);
    return entry ? pdm_chain_query(entry->top, id, min_size, ret_iface) : VIV_E_NOT_FOUND;
}

static void pdm_lun_detach(viv_dev_t *dev, uint32_t lun)
{
    PdmLun *entry = pdm_lun_find(pdm_dev(dev), lun);
    if (entry) {
        g_ptr_array_remove(pdm_dev(dev)->luns, entry);
        pdm_chain_free(entry->top);
        g_free(entry);
    }
}

static const viv_lun_api_t pdm_lun_api = {
    .size = sizeof pdm_lun_api,
    .attach = pdm_lun_attach,
    .query = pdm_lun_query,
    .detach = pdm_lun_detach,
};

/* -- viv.vm/1 -------------------------------------------------------------------------------- */

static Vm *pdm_vm_of(viv_dev_t *dev)
{
    return pdm_dev(dev)->pdm->vm;
}

static uint64_t pdm_vm_ram_bytes(viv_dev_t *dev)
{
    return pgm_ram_bytes(pdm_vm_of(dev)->pgm);
}

static uint64_t pdm_vm_ram_below_4g(viv_dev_t *dev)
{
    return pgm_ram_below_4g(pdm_vm_of(dev)->pgm);
}

static uint32_t pdm_vm_cpu_count(viv_dev_t *dev)
{
    return em_vcpu_count(pdm_vm_of(dev)->em);
}

static void pdm_vm_reset(viv_dev_t *dev)
{
    vm_request_reset(pdm_vm_of(dev));
}

static void pdm_vm_power_off(viv_dev_t *dev, uint32_t exit_code)
{
    vm_request_end(pdm_vm_of(dev), VM_END_POWER_OFF, exit_code, NULL);
}

static uint64_t pdm_vm_wall_time_ns(viv_dev_t *dev)
{
    return tm_wall_ns(pdm_vm_of(dev)->tm);
}

static uint32_t pdm_vm_has_device(viv_dev_t *dev, const char *name)
{
    return (uint32_t)pdm_has_device(pdm_dev(dev)->pdm, name);
}

static uint64_t pdm_vm_cpu_hz(viv_dev_t *dev)
{
    return tm_tsc_hz(pdm_vm_of(dev)->tm);
}

static void pdm_vm_guest_event(viv_dev_t *dev, uint32_t kind, const char *text)
{
    static const char *const kinds[] = {
        [VIV_GUEST_PANICKED] = "the guest has panicked",
        [VIV_GUEST_CRASH_LOADED] = "the guest has crashed and goes on in its crash kernel",
        [VIV_GUEST_SHUTDOWN] = "the guest is shutting down",
        [VIV_GUEST_WATCHDOG] = "a watchdog has run out",
    };
    const char *what = kind < G_N_ELEMENTS(kinds) ? kinds[kind] : NULL;
    viv_log(pdm_dev(dev)->name, VIV_LOG_WARN, "%s%s%s", what ? what : "unknown event of the guest",
            text ? ": " : "", text ? text : "");
    vm_event(pdm_vm_of(dev), VM_EVENT_GUEST, kind, text);
}

static void pdm_vm_pause(viv_dev_t *dev)
{
    vm_event(pdm_vm_of(dev), VM_EVENT_PAUSE, 0, NULL);
}

static void pdm_vm_sleep(viv_dev_t *dev, uint32_t kind)
{
    if (kind != VIV_SLEEP_NONE) {
        viv_log(pdm_dev(dev)->name, VIV_LOG_INFO, "the machine sleeps (S%u)", kind);
    }
    vm_request_sleep(pdm_vm_of(dev),
                     kind == VIV_SLEEP_STANDBY || kind == VIV_SLEEP_RAM ? kind : VIV_SLEEP_NONE);
}

static void pdm_vm_wake(viv_dev_t *dev)
{
    viv_log(pdm_dev(dev)->name, VIV_LOG_INFO, "the machine wakes up");
    vm_request_wake(pdm_vm_of(dev));
}

static uint32_t pdm_vm_waking(viv_dev_t *dev)
{
    return (uint32_t)pdm_vm_of(dev)->waking;
}

static const viv_vm_api_t pdm_vm_api = {
    .size = sizeof pdm_vm_api,
    .ram_bytes = pdm_vm_ram_bytes,
    .ram_below_4g = pdm_vm_ram_below_4g,
    .cpu_count = pdm_vm_cpu_count,
    .reset = pdm_vm_reset,
    .power_off = pdm_vm_power_off,
    .wall_time_ns = pdm_vm_wall_time_ns,
    .has_device = pdm_vm_has_device,
    .cpu_hz = pdm_vm_cpu_hz,
    .guest_event = pdm_vm_guest_event,
    .pause = pdm_vm_pause,
    .random = pdm_vm_random,
    .sleep = pdm_vm_sleep,
    .wake = pdm_vm_wake,
    .waking = pdm_vm_waking,
};

/* -- viv.ram/1 ------------------------------------------------------------------------------- */

static viv_status_t pdm_ram_create(viv_dev_t *dev, uint64_t len_bytes, const char *name,
                                   viv_ram_t **ret_ram, uint8_t **ret_hva)
{
    PdmDevice *device = pdm_dev(dev);
    VivError err = VIV_ERROR_INIT;
    g_autofree char *full = g_strdup_printf("%s %s", device->name, name);
    PgmBlock *block = pgm_block_new(device->pdm->vm->pgm, full, len_bytes, &err);
    if (!block) {
        return pdm_cfg_report(dev, &err);
    }
    viv_ram_t *ram = g_new0(viv_ram_t, 1);
    ram->device = device;
    ram->block = block;
    g_ptr_array_add(device->rams, ram);
    *ret_ram = ram;
    *ret_hva = pgm_block_hva(block);
    return VIV_OK;
}

static viv_status_t pdm_ram_map(viv_ram_t *ram, uint64_t gpa, uint64_t offset, uint64_t len_bytes,
                                uint32_t writable)
{
    Pgm *pgm = ram->device->pdm->vm->pgm;
    VivError err = VIV_ERROR_INIT;
    PgmRange *old = ram->mapped;
    ram->mapped = NULL;
    pgm_unmap(pgm, old);
    if (len_bytes == 0) {
        return VIV_OK;
    }
    ram->mapped = pgm_map_block(pgm, gpa, ram->block, offset, len_bytes, writable != 0, &err);
    return pdm_cfg_report(&ram->device->pub, &err);
}

static viv_status_t pdm_ram_back(viv_ram_t *ram, viv_range_t *range, uint64_t offset,
                                 uint32_t direct)
{
    VivError err = VIV_ERROR_INIT;
    if (!range->mmio || range->device != ram->device) {
        return VIV_E_MISUSE;
    }
    pgm_back_mmio(ram->device->pdm->vm->pgm, range->mmio, ram->block, offset, direct != 0, &err);
    return pdm_cfg_report(&ram->device->pub, &err);
}

/* Where Debian and others put firmware images. */
static const char *const pdm_firmware_dirs[] = {
    (VIV_DATADIR "/firmware"), "/usr/share/seabios", "/usr/share/vgabios",
    "/usr/share/qemu",         "/usr/share/OVMF",    "/usr/share/ovmf",
};

char *pdm_firmware_path(const char *name)
{
    if (g_path_is_absolute(name)) {
        return g_strdup(name);
    }
    const char *env = g_getenv("VIV_FIRMWARE_PATH");
    g_auto(GStrv) dirs = g_strsplit(env ? env : "", ":", -1);
    for (char **dir = dirs; *dir; dir++) {
        g_autofree char *path = g_build_filename(*dir, name, NULL);
        if (**dir && g_file_test(path, G_FILE_TEST_EXISTS)) {
            return g_steal_pointer(&path);
        }
    }
    for (size_t i = 0; i < G_N_ELEMENTS(pdm_firmware_dirs); i++) {
        g_autofree char *path = g_build_filename(pdm_firmware_dirs[i], name, NULL);
        if (g_file_test(path, G_FILE_TEST_EXISTS)) {
            return g_steal_pointer(&path);
        }
    }
    return g_strdup(name);
}

static viv_status_t pdm_file_load(viv_dev_t *dev, const char *name, uint64_t max_bytes,
                                  uint8_t **ret_data, uint64_t *ret_len)
{
    g_autofree char *path = pdm_firmware_path(name);
    FILE *file = fopen(path, "rbe");
    if (!file) {
        return dev->api->fail(dev, errno == ENOENT ? VIV_E_NOT_FOUND : VIV_E_IO, "%s: %s", path,
                              g_strerror(errno));
    }
    viv_status_t st = VIV_OK;
    uint8_t *data = NULL;
    long len = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
    if (len <= 0 || (uint64_t)len > max_bytes) {
        st = dev->api->fail(dev, VIV_E_INVALID, "%s: %ld bytes; allowed: 1 to %" G_GUINT64_FORMAT,
                            path, len, max_bytes);
    } else if (!(data = g_try_malloc((gsize)len)) || fseek(file, 0, SEEK_SET) ||
               fread(data, 1, (size_t)len, file) != (size_t)len) {
        st = dev->api->fail(dev, VIV_E_IO, "%s: cannot read %ld bytes", path, len);
    }
    fclose(file);
    if (st) {
        g_free(data);
        return st;
    }
    *ret_data = data;
    *ret_len = (uint64_t)len;
    return VIV_OK;
}

static void pdm_file_free(uint8_t *data)
{
    g_free(data);
}

static void pdm_ram_discard(viv_dev_t *dev, uint64_t gpa, uint64_t len_bytes)
{
    pgm_discard(pdm_vm_of(dev)->pgm, gpa, len_bytes);
}

static const viv_ram_api_t pdm_ram_api = {
    .size = sizeof pdm_ram_api,
    .create = pdm_ram_create,
    .map = pdm_ram_map,
    .file_load = pdm_file_load,
    .file_free = pdm_file_free,
    .back = pdm_ram_back,
    .discard = pdm_ram_discard,
};

/* -- viv.fwfile/1 ---------------------------------------------------------------------------- */

#define PDM_FWFILE_MAX (UINT64_C(64) << 20)

static gint pdm_fw_compare(gconstpointer a, gconstpointer b)
{
    const PdmFwFile *const *x = a;
    const PdmFwFile *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

static viv_status_t pdm_fw_add(viv_dev_t *dev, const char *name, const void *data,
                               uint64_t len_bytes)
{
    Pdm *pdm = pdm_dev(dev)->pdm;
    if (!*name || strlen(name) > 55 || len_bytes > PDM_FWFILE_MAX) {
        return dev->api->fail(dev, VIV_E_INVALID,
                              "firmware file \"%s\" of %" G_GUINT64_FORMAT " bytes is not possible",
                              name, len_bytes);
    }
    PdmFwFile *file = NULL;
    for (guint i = 0; i < pdm->fwfiles->len && !file; i++) {
        PdmFwFile *at = g_ptr_array_index(pdm->fwfiles, i);
        file = !strcmp(at->name, name) ? at : NULL;
    }
    if (!file) {
        file = g_new0(PdmFwFile, 1);
        file->name = g_strdup(name);
        g_ptr_array_add(pdm->fwfiles, file);
        g_ptr_array_sort(pdm->fwfiles, pdm_fw_compare);
    }
    g_free(file->data);
    file->data = g_memdup2(data, len_bytes);
    file->len = len_bytes;
    return VIV_OK;
}

static uint32_t pdm_fw_count(viv_dev_t *dev)
{
    return pdm_dev(dev)->pdm->fwfiles->len;
}

static viv_status_t pdm_fw_get(viv_dev_t *dev, uint32_t index, const char **ret_name,
                               const uint8_t **ret_data, uint64_t *ret_len)
{
    Pdm *pdm = pdm_dev(dev)->pdm;
    if (index >= pdm->fwfiles->len) {
        return VIV_E_NOT_FOUND;
    }
    const PdmFwFile *file = g_ptr_array_index(pdm->fwfiles, index);
    *ret_name = file->name;
    *ret_data = file->data;
    *ret_len = file->len;
    return VIV_OK;
}

static const viv_fwfile_api_t pdm_fwfile_api = {
    .size = sizeof pdm_fwfile_api,
    .add = pdm_fw_add,
    .count = pdm_fw_count,
    .get = pdm_fw_get,
};

const uint8_t *pdm_fwfile(Pdm *pdm, const char *name, uint64_t *ret_len)
{
    for (guint i = 0; i < pdm->fwfiles->len; i++) {
        const PdmFwFile *file = g_ptr_array_index(pdm->fwfiles, i);
        if (!strcmp(file->name, name)) {
            *ret_len = file->len;
            return file->data;
        }
    }
    return NULL;
}

/* -- viv.stam/1 ------------------------------------------------------------------------------ */

static viv_status_t pdm_stam_counter(viv_dev_t *dev, const uint64_t *value, const char *name,
                                     const char *unit, const char *help)
{
    PdmDevice *device = pdm_dev(dev);
    g_autofree char *path = g_strdup_printf("%s/%s", device->name, name);
    return stam_register(device->pdm->vm->stam, path, value, unit, help);
}

static const viv_stam_api_t pdm_stam_api = {
    .size = sizeof pdm_stam_api,
    .counter = pdm_stam_counter,
};

/* -- the list -------------------------------------------------------------------------------- */

const void *pdm_service(const char *id)
{
    static const struct {
        const char *id;
        const void *table;
    } services[] = {
        {VIV_CFG_ID, &pdm_cfg_api},         {VIV_LUN_ID, &pdm_lun_api},
        {VIV_VM_ID, &pdm_vm_api},           {VIV_RAM_ID, &pdm_ram_api},
        {VIV_FWFILE_ID, &pdm_fwfile_api},   {VIV_STAM_ID, &pdm_stam_api},
        {VIV_PCI_ID, &pdm_pci_api},         {VIV_PCIBUS_ID, &pdm_pcibus_api},
        {VIV_CHIPSET_ID, &pdm_chipset_api}, {VIV_QUEUE_ID, &pdm_queue_api},
        {VIV_THREAD_ID, &pdm_thread_api},   {VIV_ISADMA_ID, &pdm_isadma_api},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(services); i++) {
        if (!strcmp(services[i].id, id)) {
            return services[i].table;
        }
    }
    return !strcmp(id, VIV_STREAM_ID) ? ssm_stream_api() : NULL;
}
