/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fake host: life of the machine and of its instances. */
#include "harness_internal.h"

#include <stdarg.h>

static char harness_error_text[1024];

void harness_die(const char *file, int line, const char *fmt, ...)
{
    va_list args;
    fprintf(stderr, "harness: %s:%d: ", file, line);
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
    abort();
}

void *harness_alloc(size_t len)
{
    void *p = calloc(1, len ? len : 1);
    HARNESS_CHECK(p, "out of memory (%zu bytes)", len);
    return p;
}

void *harness_grow(void *old, size_t len)
{
    void *p = realloc(old, len ? len : 1);
    HARNESS_CHECK(p, "out of memory (%zu bytes)", len);
    return p;
}

char *harness_strdup(const char *text)
{
    size_t len = strlen(text) + 1;
    return memcpy(harness_alloc(len), text, len);
}

viv_status_t harness_error_setv(viv_status_t status, const char *who, const char *fmt, va_list args)
{
    int n = snprintf(harness_error_text, sizeof(harness_error_text), "%s%s", who ? who : "",
                     who ? ": " : "");
    if (n >= 0 && (size_t)n < sizeof(harness_error_text)) {
        vsnprintf(harness_error_text + n, sizeof(harness_error_text) - (size_t)n, fmt, args);
    }
    return status;
}

viv_status_t harness_error_set(viv_status_t status, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    harness_error_setv(status, NULL, fmt, args);
    va_end(args);
    return status;
}

const char *harness_error(void)
{
    return harness_error_text;
}

int harness_fallible(Harness *h)
{
    h->calls++;
    if (h->fail_at && --h->fail_at == 0) {
        harness_error_set(VIV_E_NOMEM, "injected failure of host call %u", h->calls);
        return 1;
    }
    return 0;
}

void harness_fail_call(Harness *h, unsigned n)
{
    h->fail_at = n;
}

unsigned harness_fallible_calls(Harness *h)
{
    return h->calls;
}

/* -- finding classes ------------------------------------------------------------------------- */

static void harness_plugin_check(const viv_plugin_t *plugin)
{
    HARNESS_CHECK(plugin, "the plugin's entry gave NULL");
    HARNESS_CHECK(plugin->size >= sizeof(viv_plugin_t) && plugin->magic == VIV_PLUGIN_MAGIC,
                  "not a plugin");
    HARNESS_CHECK(plugin->sdk_major == VIV_SDK_MAJOR, "plugin of SDK %u", plugin->sdk_major);
    HARNESS_CHECK(plugin->id && plugin->version && plugin->licence && plugin->vendor &&
                      plugin->summary,
                  "the plugin's description has NULL members");
    HARNESS_CHECK(plugin->class_count > 0, "plugin %s has no class", plugin->id);
}

static const viv_class_t *harness_class_find(Harness *h, const char *name)
{
    for (uint32_t i = 0; i < h->plugin->class_count; i++) {
        const viv_class_t *c = h->plugin->classes[i];
        HARNESS_CHECK(c && c->name && c->summary, "class %u of %s has no name or summary", i,
                      h->plugin->id);
        if (!strcmp(c->name, name) && (c->kind == VIV_KIND_DEVICE || c->kind == VIV_KIND_DRIVER)) {
            return c;
        }
    }
    HARNESS_DIE("plugin %s has no device or driver class \"%s\"", h->plugin->id, name);
}

static void harness_class_check(const viv_device_class_t *c)
{
    HARNESS_CHECK(c->instance_size > 0 && c->construct, "class %s lacks instance_size or construct",
                  c->name);
    HARNESS_CHECK(!c->options || c->option_stride >= sizeof(viv_option_t),
                  "class %s: option_stride", c->name);
    HARNESS_CHECK(!c->state || c->field_stride >= sizeof(viv_field_t), "class %s: field_stride",
                  c->name);
    HARNESS_CHECK(c->state_version || (!c->state && !c->save && !c->load),
                  "class %s saves without a state_version", c->name);
    HARNESS_CHECK(!c->save == !c->load, "class %s has only one of save and load", c->name);
}

/* -- the machine ----------------------------------------------------------------------------- */

Harness *harness_create_for(const viv_plugin_t *plugin)
{
    harness_plugin_check(plugin);
    Harness *h = harness_alloc(sizeof(*h));
    h->plugin = plugin;
    h->ram_bytes = 64ull << 20;
    h->wall_base_ns = 1234567890ull * 1000000000ull;
    h->cpus = 1;
    h->cpu_hz = 2000000000ull;
    h->apic_accepts = 1;
    h->a20_sources = 0;
    harness_error_text[0] = '\0';
    return h;
}

static void harness_inst_drop(HarnessInst *inst)
{
    Harness *h = inst->h;
    for (viv_ram_t **p = &h->rams; *p;) {
        viv_ram_t *ram = *p;
        if (ram->owner == inst) {
            *p = ram->next;
            harness_ram_free(ram);
        } else {
            p = &ram->next;
        }
    }
    for (unsigned i = 0; i < HARNESS_PCI_FNS; i++) {
        harness_pci_fn_free(inst->fns[i]);
    }
    while (inst->timers) {
        viv_timer_t *t = inst->timers;
        inst->timers = t->next;
        free(t->name);
        free(t);
    }
    for (unsigned i = 0; i < inst->string_count; i++) {
        free(inst->strings[i]);
    }
    harness_ranges_sweep(h, inst);
    harness_stams_drop(h, inst);
    harness_chipset_forget(h, inst);
    harness_luns_detach(h, inst->index);
    free(inst->strings);
    free(inst->self);
    free(inst->options_text);
    free(inst);
}

void harness_inst_destroy(Harness *h, int index)
{
    HarnessInst *inst = h->inst[index];
    if (!inst) {
        return;
    }
    HARNESS_CHECK(h->depth == 0, "an instance is destroyed from within a callback");
    if (inst->cls.destruct && inst->self) {
        unsigned token = harness_enter(inst);
        inst->cls.destruct(&inst->dev, inst->self);
        harness_leave(inst, token);
    }
    HARNESS_CHECK(*inst->lock == 0, "%s: lock still held %u times after destruct", inst->name,
                  *inst->lock);
    harness_inst_drop(inst);
    h->inst[index] = NULL;
}

viv_status_t harness_inst_create(Harness *h, int index, const char *class_name, const char *options)
{
    const viv_class_t *base = harness_class_find(h, class_name);
    HARNESS_CHECK(base->kind == VIV_KIND_DEVICE, "%s is not a device", class_name);
    HarnessInst *inst = harness_alloc(sizeof(*inst));
    memcpy(&inst->cls, base, base->size < sizeof(inst->cls) ? base->size : sizeof(inst->cls));
    harness_class_check(&inst->cls);
    inst->dev.api = &harness_dev_api;
    inst->h = h;
    inst->index = index;
    inst->options_text = harness_strdup(options ? options : "");
    for (int i = 0; i < HARNESS_MAX_INSTANCES; i++) {
        if (i != index && h->inst[i] && i < index && !strcmp(h->inst[i]->cls.name, class_name)) {
            inst->number++;
        }
    }
    snprintf(inst->name, sizeof(inst->name), "%s/%u", class_name, inst->number);
    inst->lock = inst->cls.flags & VIV_DEV_CHIPSET_LOCK ? &h->chipset_lock : &inst->own_lock;
    inst->self = harness_alloc(inst->cls.instance_size);
    h->inst[index] = inst;
    uint32_t max = inst->cls.max_instances;
    if (max && inst->number >= max) {
        harness_inst_drop(inst);
        h->inst[index] = NULL;
        return harness_error_set(VIV_E_CONFIG, "%s: only %u instances are allowed", class_name,
                                 max);
    }
    viv_status_t st = harness_options_apply(h, inst->cls.options, inst->cls.option_stride,
                                            inst->name, inst->self, inst->cls.instance_size,
                                            &inst->strings, &inst->string_count, options);
    if (st != VIV_OK) {
        harness_inst_drop(inst); /* construct never ran: no destruct */
        h->inst[index] = NULL;
        return st;
    }
    unsigned token = harness_enter(inst);
    st = inst->cls.construct(&inst->dev, inst->self);
    harness_leave(inst, token);
    HARNESS_CHECK(st <= 0, "%s: construct gives the positive status %d", inst->name, st);
    if (st == VIV_OK) {
        st = harness_cfg_check_read(h, inst->name);
    }
    if (st != VIV_OK) {
        harness_inst_destroy(h, index);
    }
    return st;
}

static void harness_inst_reset(HarnessInst *inst)
{
    if (inst->cls.reset) {
        unsigned token = harness_enter(inst);
        inst->cls.reset(&inst->dev, inst->self);
        harness_leave(inst, token);
    }
}

static viv_status_t harness_inst_power_on(HarnessInst *inst)
{
    viv_status_t st = VIV_OK;
    if (inst->cls.power_on) {
        unsigned token = harness_enter(inst);
        st = inst->cls.power_on(&inst->dev, inst->self);
        harness_leave(inst, token);
    }
    harness_pci_snapshot(inst);
    return st;
}

int harness_add(Harness *h, const char *class_name, const char *options)
{
    HARNESS_CHECK(h->count < HARNESS_MAX_INSTANCES, "too many instances");
    int index = h->count;
    viv_status_t st = harness_inst_create(h, index, class_name, options);
    if (st != VIV_OK) {
        return st;
    }
    h->count++;
    harness_inst_reset(h->inst[index]);
    st = harness_inst_power_on(h->inst[index]);
    if (st != VIV_OK) {
        harness_inst_destroy(h, index);
        h->count--;
        return st;
    }
    return index;
}

viv_status_t harness_start(Harness *h, const char *class_name, const char *options)
{
    const viv_class_t *base = harness_class_find(h, class_name);
    if (base->kind == VIV_KIND_DRIVER) {
        viv_driver_class_t cls;
        memset(&cls, 0, sizeof(cls));
        memcpy(&cls, base, base->size < sizeof(cls) ? base->size : sizeof(cls));
        return harness_driver_start(h, &cls, options);
    }
    int index = harness_add(h, class_name, options);
    return index < 0 ? index : VIV_OK;
}

static void harness_each_reverse(Harness *h, size_t callback_offset)
{
    for (int i = h->count - 1; i >= 0; i--) {
        HarnessInst *inst = h->inst[i];
        void (*fn)(viv_dev_t * dev, void *self);
        if (!inst) {
            continue;
        }
        memcpy(&fn, (const char *)&inst->cls + callback_offset, sizeof(fn));
        if (fn) {
            unsigned token = harness_enter(inst);
            fn(&inst->dev, inst->self);
            harness_leave(inst, token);
        }
    }
}

void harness_suspend(Harness *h)
{
    harness_run_pending(h);
    harness_each_reverse(h, offsetof(viv_device_class_t, suspend));
    harness_driver_power(h, 0);
}

void harness_resume(Harness *h)
{
    harness_driver_power(h, 1);
    harness_each_reverse(h, offsetof(viv_device_class_t, resume));
}

void harness_reset(Harness *h)
{
    HARNESS_CHECK(h->depth == 0, "harness_reset from within a callback");
    harness_pci_reset(h);
    harness_dma_lower_all(h);
    h->nmi_external = h->nmi_masked = h->nmi_level = 0;
    for (int i = 0; i < h->count; i++) {
        h->inst[i]->nmi_level = 0;
    }
    for (int i = 0; i < h->count; i++) {
        harness_inst_reset(h->inst[i]);
    }
}

void harness_free(Harness *h)
{
    if (!h) {
        return;
    }
    harness_run_pending(h);
    if (!h->failed_load) {
        harness_each_reverse(h, offsetof(viv_device_class_t, power_off));
        harness_run_pending(h);
    }
    for (int i = h->count - 1; i >= 0; i--) {
        harness_inst_destroy(h, i);
    }
    harness_driver_free(h);
    HARNESS_CHECK(h->chipset_lock == 0, "the chipset lock is still held %u times", h->chipset_lock);
    HARNESS_CHECK(h->files_out == 0, "%u buffers of file_load have not been freed", h->files_out);
    HARNESS_CHECK(h->pending_count == 0, "%zu media requests are still queued", h->pending_count);
    harness_ranges_sweep(h, NULL);
    harness_luns_free(h);
    harness_lun_wants_free(h);
    harness_ifaces_free(&h->above);
    harness_ifaces_free(&h->below);
    harness_disks_free(h);
    harness_cfg_free(h);
    harness_blobs_free(&h->has_devices);
    harness_blobs_free(&h->without);
    harness_blobs_free(&h->files);
    harness_blobs_free(&h->fwfiles);
    harness_sparse_free(&h->ram);
    free(h->pending);
    free(h->events);
    free(h);
}

HarnessInst *harness_inst(Harness *h)
{
    HARNESS_CHECK(h->selected < h->count && h->inst[h->selected], "there is no device instance");
    return h->inst[h->selected];
}

void harness_select(Harness *h, int index)
{
    HARNESS_CHECK(index >= 0 && index < h->count, "there is no instance %d", index);
    h->selected = index;
}

void *harness_self(Harness *h)
{
    return harness_inst(h)->self;
}

viv_dev_t *harness_dev(Harness *h)
{
    return &harness_inst(h)->dev;
}
