/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fake host: the small tables: viv.stream/1, viv.cfg/1, viv.vm/1, viv.ram/1, viv.fwfile/1,
 * viv.stam/1. */
#include "harness_internal.h"

static HarnessInst *harness_svc_inst(viv_dev_t *dev)
{
    HARNESS_CHECK(dev && dev->api == &harness_dev_api, "not a device handle");
    return (HarnessInst *)(void *)dev;
}

/* -- named blobs ----------------------------------------------------------------------------- */

HarnessBlob *harness_blob_find(HarnessBlob *list, const char *name)
{
    while (list && strcmp(list->name, name)) {
        list = list->next;
    }
    return list;
}

void harness_blob_put(HarnessBlob **list, const char *name, const void *data, size_t len)
{
    HarnessBlob *b = harness_blob_find(*list, name);
    if (!b) {
        HarnessBlob **at = list;
        while (*at && strcmp((*at)->name, name) < 0) {
            at = &(*at)->next;
        }
        b = harness_alloc(sizeof(*b));
        b->name = harness_strdup(name);
        b->next = *at;
        *at = b;
    }
    free(b->data);
    b->data = harness_alloc(len);
    b->len = len;
    if (len) {
        memcpy(b->data, data, len);
    }
}

void harness_blobs_free(HarnessBlob **list)
{
    while (*list) {
        HarnessBlob *b = *list;
        *list = b->next;
        free(b->name);
        free(b->data);
        free(b);
    }
}

/* -- viv.stream/1 ---------------------------------------------------------------------------- */

static viv_status_t harness_stream_put(viv_stream_t *stream, const void *buf, uint64_t len_bytes)
{
    HARNESS_CHECK(stream->writing, "put into a stream that is being loaded");
    if (stream->cap - stream->len < len_bytes) {
        stream->cap = (stream->len + (size_t)len_bytes) * 2;
        stream->data = harness_grow(stream->data, stream->cap);
    }
    if (len_bytes) {
        memcpy(stream->data + stream->len, buf, (size_t)len_bytes);
    }
    stream->len += (size_t)len_bytes;
    return VIV_OK;
}

static viv_status_t harness_stream_get(viv_stream_t *stream, void *buf, uint64_t len_bytes)
{
    HARNESS_CHECK(!stream->writing, "get from a stream that is being saved");
    if (stream->len - stream->pos < len_bytes) {
        memset(buf, 0, (size_t)len_bytes);
        stream->pos = stream->len;
        return VIV_E_EOF;
    }
    if (len_bytes) {
        memcpy(buf, stream->data + stream->pos, (size_t)len_bytes);
    }
    stream->pos += (size_t)len_bytes;
    return VIV_OK;
}

static viv_status_t harness_stream_put_u64(viv_stream_t *stream, uint64_t value)
{
    return harness_stream_put(stream, &value, sizeof(value));
}

static viv_status_t harness_stream_get_u64(viv_stream_t *stream, uint64_t *ret_value)
{
    return harness_stream_get(stream, ret_value, sizeof(*ret_value));
}

static uint64_t harness_stream_remaining(viv_stream_t *stream)
{
    return stream->len - stream->pos;
}

const viv_stream_api_t harness_stream_api = {
    .size = sizeof(viv_stream_api_t),
    .put = harness_stream_put,
    .get = harness_stream_get,
    .put_u64 = harness_stream_put_u64,
    .get_u64 = harness_stream_get_u64,
    .remaining = harness_stream_remaining,
};

/* -- viv.cfg/1 ------------------------------------------------------------------------------- */

static HarnessCfg *harness_cfg_find(HarnessInst *inst, const char *path)
{
    HarnessCfg *c = inst->h->cfg;
    while (c && strcmp(c->path, path)) {
        c = c->next;
    }
    if (c) {
        c->was_read = 1;
    }
    return c;
}

static viv_status_t harness_cfg_mistyped(HarnessInst *inst, const char *path, const char *wanted)
{
    return harness_error_set(VIV_E_CONFIG, "%s/Config/%s: is not %s", inst->name, path, wanted);
}

static viv_status_t harness_cfg_get_u64(viv_dev_t *dev, const char *path, uint64_t lo, uint64_t hi,
                                        uint64_t dflt, uint64_t *ret_value)
{
    HarnessInst *inst = harness_svc_inst(dev);
    const HarnessCfg *c = harness_cfg_find(inst, path);
    if (harness_fallible(inst->h)) {
        return VIV_E_NOMEM;
    }
    if (c && c->type != VIV_U64) {
        return harness_cfg_mistyped(inst, path, "an integer");
    }
    if (c && (c->number < lo || c->number > hi)) {
        return harness_error_set(VIV_E_CONFIG, "%s/Config/%s: %llu is outside of %llu..%llu",
                                 inst->name, path, (unsigned long long)c->number,
                                 (unsigned long long)lo, (unsigned long long)hi);
    }
    *ret_value = c ? c->number : dflt;
    return VIV_OK;
}

static viv_status_t harness_cfg_get_string(viv_dev_t *dev, const char *path, const char *dflt,
                                           const char **ret_value)
{
    HarnessInst *inst = harness_svc_inst(dev);
    const HarnessCfg *c = harness_cfg_find(inst, path);
    if (harness_fallible(inst->h)) {
        return VIV_E_NOMEM;
    }
    if (c && c->type != VIV_STRING) {
        return harness_cfg_mistyped(inst, path, "a string");
    }
    *ret_value = c ? (const char *)c->bytes : dflt;
    return VIV_OK;
}

static viv_status_t harness_cfg_get_bytes(viv_dev_t *dev, const char *path,
                                          const uint8_t **ret_bytes, uint64_t *ret_len)
{
    HarnessInst *inst = harness_svc_inst(dev);
    const HarnessCfg *c = harness_cfg_find(inst, path);
    if (harness_fallible(inst->h)) {
        return VIV_E_NOMEM;
    }
    if (c && c->type != VIV_BYTES) {
        return harness_cfg_mistyped(inst, path, "bytes");
    }
    *ret_bytes = c ? c->bytes : NULL;
    *ret_len = c ? c->len : 0;
    return VIV_OK;
}

const viv_cfg_api_t harness_cfg_api = {
    .size = sizeof(viv_cfg_api_t),
    .get_u64 = harness_cfg_get_u64,
    .get_string = harness_cfg_get_string,
    .get_bytes = harness_cfg_get_bytes,
};

/* -- viv.vm/1 -------------------------------------------------------------------------------- */

static uint64_t harness_vm_ram_bytes(viv_dev_t *dev)
{
    return harness_svc_inst(dev)->h->ram_bytes;
}

static uint64_t harness_vm_ram_below_4g(viv_dev_t *dev)
{
    uint64_t bytes = harness_svc_inst(dev)->h->ram_bytes;
    return bytes < HARNESS_RAM_BELOW_4G ? bytes : HARNESS_RAM_BELOW_4G;
}

static uint32_t harness_vm_cpu_count(viv_dev_t *dev)
{
    return harness_svc_inst(dev)->h->cpus;
}

static void harness_vm_reset(viv_dev_t *dev)
{
    harness_log_event(harness_svc_inst(dev)->h, HARNESS_EV_VM_RESET, 0, 0, 0, 0, 0);
}

static void harness_vm_power_off(viv_dev_t *dev, uint32_t exit_code)
{
    harness_log_event(harness_svc_inst(dev)->h, HARNESS_EV_VM_POWER_OFF, exit_code, 0, 0, 0, 0);
}

static uint64_t harness_vm_wall_time_ns(viv_dev_t *dev)
{
    const Harness *h = harness_svc_inst(dev)->h;
    return h->wall_base_ns + h->now_ns;
}

static uint32_t harness_vm_has(viv_dev_t *dev, const char *name)
{
    Harness *h = harness_svc_inst(dev)->h;
    for (int i = 0; i < h->count; i++) {
        if (h->inst[i] && !strcmp(h->inst[i]->cls.name, name)) {
            return 1;
        }
    }
    return harness_blob_find(h->has_devices, name) != NULL;
}

static uint64_t harness_vm_hz(viv_dev_t *dev)
{
    return harness_svc_inst(dev)->h->cpu_hz;
}

static void harness_vm_guest_event(viv_dev_t *dev, uint32_t kind, const char *text)
{
    (void)text;
    harness_log_event(harness_svc_inst(dev)->h, HARNESS_EV_GUEST_EVENT, kind, 0, 0, 0, 0);
}

static void harness_vm_pause(viv_dev_t *dev)
{
    harness_log_event(harness_svc_inst(dev)->h, HARNESS_EV_VM_PAUSE, 0, 0, 0, 0, 0);
}

static viv_status_t harness_vm_random(viv_dev_t *dev, void *buf, uint64_t len_bytes)
{
    Harness *h = harness_svc_inst(dev)->h;
    if (harness_fallible(h)) {
        return VIV_E_IO;
    }
    for (uint64_t i = 0; i < len_bytes; i++) {
        h->random = h->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        ((uint8_t *)buf)[i] = (uint8_t)(h->random >> 56);
    }
    return VIV_OK;
}

static void harness_vm_sleep(viv_dev_t *dev, uint32_t kind)
{
    Harness *h = harness_svc_inst(dev)->h;
    h->sleep = kind;
    harness_log_event(h, HARNESS_EV_VM_SLEEP, kind, 0, 0, 0, 0);
}

static void harness_vm_wake(viv_dev_t *dev)
{
    Harness *h = harness_svc_inst(dev)->h;
    if (h->sleep != VIV_SLEEP_NONE) {
        harness_log_event(h, HARNESS_EV_VM_WAKE, h->sleep, 0, 0, 0, 0);
        h->wake_reset = h->sleep == VIV_SLEEP_RAM;
        h->sleep = VIV_SLEEP_NONE;
    }
}

static uint32_t harness_vm_waking(viv_dev_t *dev)
{
    return harness_svc_inst(dev)->h->waking;
}

uint32_t harness_vm_asleep(Harness *h)
{
    return h->sleep;
}

uint32_t harness_vm_wake_reset(Harness *h)
{
    if (!h->wake_reset) {
        return 0;
    }
    h->wake_reset = 0;
    h->waking = 1;
    harness_reset(h);
    h->waking = 0;
    return 1;
}

const viv_vm_api_t harness_vm_api = {
    .size = sizeof(viv_vm_api_t),
    .ram_bytes = harness_vm_ram_bytes,
    .ram_below_4g = harness_vm_ram_below_4g,
    .cpu_count = harness_vm_cpu_count,
    .reset = harness_vm_reset,
    .power_off = harness_vm_power_off,
    .wall_time_ns = harness_vm_wall_time_ns,
    .has_device = harness_vm_has,
    .cpu_hz = harness_vm_hz,
    .guest_event = harness_vm_guest_event,
    .pause = harness_vm_pause,
    .random = harness_vm_random,
    .sleep = harness_vm_sleep,
    .wake = harness_vm_wake,
    .waking = harness_vm_waking,
};

void harness_vm_cpus(Harness *h, uint32_t count)
{
    HARNESS_CHECK(count > 0 && count <= HARNESS_VCPUS, "%u vCPUs", count);
    h->cpus = count;
}

void harness_vm_cpu_hz(Harness *h, uint64_t hz)
{
    HARNESS_CHECK(hz > 0, "a TSC of 0 Hz");
    h->cpu_hz = hz;
}

void harness_vm_has_device(Harness *h, const char *name)
{
    harness_blob_put(&h->has_devices, name, NULL, 0);
}

void harness_vm_file(Harness *h, const char *name, const void *data, size_t len)
{
    harness_blob_put(&h->files, name, data, len);
}

void harness_vm_without(Harness *h, const char *iface_id)
{
    harness_blob_put(&h->without, iface_id, NULL, 0);
}

/* -- viv.ram/1 ------------------------------------------------------------------------------- */

static viv_status_t harness_ram_create(viv_dev_t *dev, uint64_t len_bytes, const char *name,
                                       viv_ram_t **ret_ram, uint8_t **ret_hva)
{
    HarnessInst *inst = harness_svc_inst(dev);
    if (harness_fallible(inst->h)) {
        return VIV_E_NOMEM;
    }
    if (len_bytes == 0 || len_bytes > 1ull << 30) {
        return harness_error_set(VIV_E_NOMEM, "%s: device RAM of %llu bytes", inst->name,
                                 (unsigned long long)len_bytes);
    }
    for (const viv_ram_t *m = inst->h->rams; m; m = m->next) {
        HARNESS_CHECK(m->owner != inst || strcmp(m->name, name),
                      "%s: two device RAMs are called %s", inst->name, name);
    }
    viv_ram_t *ram = harness_alloc(sizeof(*ram));
    ram->owner = inst;
    ram->name = harness_strdup(name);
    ram->len = len_bytes;
    ram->data = harness_alloc((size_t)len_bytes);
    ram->next = inst->h->rams;
    inst->h->rams = ram;
    *ret_ram = ram;
    *ret_hva = ram->data;
    return VIV_OK;
}

viv_status_t harness_ram_map(viv_ram_t *ram, uint64_t gpa, uint64_t offset, uint64_t len,
                             uint32_t writable)
{
    if (offset > ram->len || len > ram->len - offset || (len && gpa + len - 1 < gpa)) {
        return harness_error_set(VIV_E_INVALID, "%s: a window beyond the RAM %s", ram->owner->name,
                                 ram->name);
    }
    ram->owner->h->map_generation++;
    ram->gpa = gpa;
    ram->map_offset = offset;
    ram->map_len = len;
    ram->writable = writable;
    return VIV_OK;
}

static viv_status_t harness_ram_api_map(viv_ram_t *ram, uint64_t gpa, uint64_t offset,
                                        uint64_t len_bytes, uint32_t writable)
{
    if (harness_fallible(ram->owner->h)) {
        return VIV_E_NOMEM;
    }
    if (len_bytes && ((gpa | offset | len_bytes) & 4095)) {
        return harness_error_set(VIV_E_INVALID, "%s: a window of %s that is not of pages",
                                 ram->owner->name, ram->name);
    }
    return harness_ram_map(ram, gpa, offset, len_bytes, writable);
}

static viv_status_t harness_ram_back(viv_ram_t *ram, viv_range_t *range, uint64_t offset,
                                     uint32_t direct)
{
    if (harness_fallible(ram->owner->h)) {
        return VIV_E_NOMEM;
    }
    HARNESS_CHECK(range->is_mmio && range->owner == ram->owner,
                  "%s: %s behind a range of another kind or device", ram->owner->name, ram->name);
    if (((range->base | range->len | offset) & 4095) || offset > ram->len ||
        range->len > ram->len - offset) {
        return harness_error_set(VIV_E_INVALID, "%s: %s does not fit behind the range %s",
                                 ram->owner->name, ram->name, range->name);
    }
    range->direct = direct ? ram->data + offset : NULL;
    return VIV_OK;
}

void harness_ram_free(viv_ram_t *ram)
{
    free(ram->name);
    free(ram->data);
    free(ram);
}

/* Buffers remember their machine, so that those that do not come back are noticed. */
typedef struct HarnessFileBuffer {
    Harness *h;
    uint64_t pad;
    uint8_t bytes[];
} HarnessFileBuffer;

static uint8_t *harness_file_buffer(Harness *h, size_t len)
{
    HarnessFileBuffer *b = harness_alloc(sizeof(*b) + len);
    b->h = h;
    h->files_out++;
    return b->bytes;
}

static void harness_ram_file_free(uint8_t *data)
{
    if (data) {
        HarnessFileBuffer *b =
            (HarnessFileBuffer *)(void *)(data - offsetof(HarnessFileBuffer, bytes));
        b->h->files_out--;
        free(b);
    }
}

static FILE *harness_file_open(const char *name)
{
    static const char *const folders[] = {"", "/usr/share/seabios/", "/usr/share/qemu/",
                                          "/usr/share/OVMF/"};
    char path[1024];
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        snprintf(path, sizeof(path), "%s%s", name[0] == '/' ? "" : folders[i], name);
        FILE *f = fopen(path, "rb");
        if (f) {
            return f;
        }
    }
    return NULL;
}

static viv_status_t harness_ram_file_load(viv_dev_t *dev, const char *name, uint64_t max_bytes,
                                          uint8_t **ret_data, uint64_t *ret_len)
{
    HarnessInst *inst = harness_svc_inst(dev);
    if (harness_fallible(inst->h)) {
        return VIV_E_NOMEM;
    }
    const HarnessBlob *blob = harness_blob_find(inst->h->files, name);
    if (blob) {
        if (blob->len > max_bytes) {
            return harness_error_set(VIV_E_INVALID, "%s: file %s is too long", inst->name, name);
        }
        *ret_data = harness_file_buffer(inst->h, blob->len);
        memcpy(*ret_data, blob->data, blob->len);
        *ret_len = blob->len;
        return VIV_OK;
    }
    FILE *f = harness_file_open(name);
    if (!f) {
        return harness_error_set(VIV_E_NOT_FOUND, "%s: there is no file %s", inst->name, name);
    }
    long len = fseek(f, 0, SEEK_END) ? -1 : ftell(f);
    if (len < 0 || (uint64_t)len > max_bytes || fseek(f, 0, SEEK_SET)) {
        fclose(f);
        return harness_error_set(len < 0 ? VIV_E_IO : VIV_E_INVALID,
                                 "%s: file %s cannot be read or is too long", inst->name, name);
    }
    *ret_data = harness_file_buffer(inst->h, (size_t)len);
    *ret_len = fread(*ret_data, 1, (size_t)len, f);
    fclose(f);
    return VIV_OK;
}

static void harness_ram_discard(viv_dev_t *dev, uint64_t gpa, uint64_t len_bytes)
{
    Harness *h = harness_svc_inst(dev)->h;
    harness_log_event(h, HARNESS_EV_DISCARD, gpa, len_bytes, 0, 0, 0);
    harness_ram_zero(h, gpa, len_bytes);
}

const viv_ram_api_t harness_ram_api = {
    .size = sizeof(viv_ram_api_t),
    .create = harness_ram_create,
    .map = harness_ram_api_map,
    .file_load = harness_ram_file_load,
    .file_free = harness_ram_file_free,
    .back = harness_ram_back,
    .discard = harness_ram_discard,
};

/* -- viv.fwfile/1 ---------------------------------------------------------------------------- */

static viv_status_t harness_fwfile_add(viv_dev_t *dev, const char *name, const void *data,
                                       uint64_t len_bytes)
{
    HarnessInst *inst = harness_svc_inst(dev);
    if (harness_fallible(inst->h)) {
        return VIV_E_NOMEM;
    }
    if (!name[0] || strlen(name) > 55) {
        return harness_error_set(VIV_E_INVALID, "%s: firmware file name \"%s\"", inst->name, name);
    }
    harness_blob_put(&inst->h->fwfiles, name, data, (size_t)len_bytes);
    return VIV_OK;
}

static uint32_t harness_fwfile_count(viv_dev_t *dev)
{
    uint32_t n = 0;
    for (const HarnessBlob *b = harness_svc_inst(dev)->h->fwfiles; b; b = b->next) {
        n++;
    }
    return n;
}

static viv_status_t harness_fwfile_get(viv_dev_t *dev, uint32_t index, const char **ret_name,
                                       const uint8_t **ret_data, uint64_t *ret_len)
{
    for (const HarnessBlob *b = harness_svc_inst(dev)->h->fwfiles; b; b = b->next) {
        if (index-- == 0) {
            *ret_name = b->name;
            *ret_data = b->data;
            *ret_len = b->len;
            return VIV_OK;
        }
    }
    return VIV_E_NOT_FOUND;
}

const viv_fwfile_api_t harness_fwfile_api = {
    .size = sizeof(viv_fwfile_api_t),
    .add = harness_fwfile_add,
    .count = harness_fwfile_count,
    .get = harness_fwfile_get,
};

const uint8_t *harness_fwfile(Harness *h, const char *name, size_t *ret_len)
{
    const HarnessBlob *b = harness_blob_find(h->fwfiles, name);
    if (b && ret_len) {
        *ret_len = b->len;
    }
    return b ? b->data : NULL;
}

/* -- viv.stam/1 ------------------------------------------------------------------------------ */

static viv_status_t harness_stam_counter(viv_dev_t *dev, const uint64_t *value, const char *name,
                                         const char *unit, const char *help)
{
    HarnessInst *inst = harness_svc_inst(dev);
    HARNESS_CHECK(value && name && unit && help, "%s: a counter without value, name, unit or help",
                  inst->name);
    if (harness_fallible(inst->h)) {
        return VIV_E_NOMEM;
    }
    HarnessStam *s = harness_alloc(sizeof(*s));
    s->owner = inst;
    s->name = harness_strdup(name);
    s->value = value;
    s->next = inst->h->stams;
    inst->h->stams = s;
    return VIV_OK;
}

const viv_stam_api_t harness_stam_api = {.size = sizeof(viv_stam_api_t),
                                         .counter = harness_stam_counter};

void harness_stams_drop(Harness *h, const HarnessInst *inst)
{
    for (HarnessStam **p = &h->stams; *p;) {
        HarnessStam *s = *p;
        if (s->owner == inst) {
            *p = s->next;
            free(s->name);
            free(s);
        } else {
            p = &s->next;
        }
    }
}

uint64_t harness_stam(Harness *h, const char *name)
{
    const HarnessInst *inst = harness_inst(h);
    for (const HarnessStam *s = h->stams; s; s = s->next) {
        if (s->owner == inst && !strcmp(s->name, name)) {
            return *s->value;
        }
    }
    HARNESS_DIE("%s has no counter %s", inst->name, name);
}
