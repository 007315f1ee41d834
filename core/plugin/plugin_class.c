/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* plugin: what a module hands over, checked and copied.
 * A struct from a plugin is read up to the size it states and not further; the host works on a
 * zeroed struct of its own size, so that a member the plugin does not know reads as "not provided".
 */
#include "plugin/plugin_internal.h"

#include <string.h>

#include <viv/device.h>
#include <viv/draft/engine.h>
#include <viv/driver.h>
#include <viv/storage.h>

#include "cfgm/cfgm.h"
#include "ssm/ssm.h"

#define PLUGIN_API_OLDEST         1u
#define PLUGIN_CLASSES_MAX        1024u
#define PLUGIN_CLASS_BYTES_MAX    65536u
#define PLUGIN_INSTANCE_BYTES_MAX (256u << 20)
#define PLUGIN_NAME_MAX           63u
#define PLUGIN_TEXT_MAX           400u

#ifndef VIV_VERSION
#define VIV_VERSION "0"
#endif

/* A pointer that a class of the kind must have. */
typedef struct PluginNeed {
    size_t offset;
    const char *name;
} PluginNeed;
#define PLUGIN_NEED(Struct, member)                                                                \
    {                                                                                              \
        offsetof(Struct, member), #member                                                          \
    }

typedef struct PluginKind {
    uint32_t kind;
    uint32_t size; /* of the class struct in this host's headers; 0: no struct yet */
    const char *name;
    char *(*check)(const void *ours); /* NULL, or why not (transfer) */
    PluginNeed needs[12];
} PluginKind;

const viv_host_t *plugin_host_info(void)
{
    static const viv_host_t host = {
        .size = sizeof(viv_host_t),
        .sdk_major = VIV_SDK_MAJOR,
        .api_level = VIV_API_LEVEL,
        .api_oldest = PLUGIN_API_OLDEST,
        .name = "viv " VIV_VERSION,
    };
    return &host;
}

/* -- Kinds -- */

static uint32_t plugin_type_bytes(uint32_t type)
{
    switch (type) {
    case VIV_U8:
    case VIV_BOOL: return 1;
    case VIV_U16: return 2;
    case VIV_U32:
    case VIV_I32: return 4;
    case VIV_U64:
    case VIV_I64: return 8;
    case VIV_STRING: return sizeof(char *);
    default: return 0;
    }
}

static char *plugin_check_options(const viv_option_t *table, uint32_t stride,
                                  uint32_t instance_size)
{
    viv_option_t option;
    if (table && stride < offsetof(viv_option_t, offset) + sizeof(table->offset))
        return g_strdup_printf("its option_stride is %u", stride);
    for (uint32_t i = 0; cfgm_option_at(table, stride, i, &option); i++) {
        const uint32_t bytes = plugin_type_bytes(option.type);
        if (!bytes)
            return g_strdup_printf("option '%.60s' has type %u, which no option can have",
                                   option.name, option.type);
        if (option.offset > instance_size || bytes > instance_size - option.offset)
            return g_strdup_printf("option '%.60s' lies outside the instance's %u bytes",
                                   option.name, instance_size);
    }
    /* The defaults alone, into an instance for the bin: a bad default would stop every start. */
    g_autofree void *instance = g_try_malloc0(MAX(instance_size, 1));
    VivError err = VIV_ERROR_INIT;
    char *reason = NULL;
    if (!instance)
        reason = g_strdup_printf("no memory for its instances of %u bytes", instance_size);
    else if (cfgm_validate_options(NULL, table, stride, instance, NULL, &err) != VIV_OK)
        reason = g_strdup(error_text(&err));
    error_clear(&err);
    return reason;
}

static char *plugin_check_device(const void *ours)
{
    const viv_device_class_t *c = ours;
    if (c->instance_size > PLUGIN_INSTANCE_BYTES_MAX)
        return g_strdup_printf("its instances are %u bytes large", c->instance_size);
    char *reason = plugin_check_options(c->options, c->option_stride, c->instance_size);
    if (reason)
        return reason;
    if (c->state) {
        VivError err = VIV_ERROR_INIT;
        if (ssm_check_fields(c->state, c->field_stride, c->instance_size, &err) != VIV_OK) {
            reason = g_strdup(error_text(&err));
            error_clear(&err);
        }
    }
    return reason;
}

static char *plugin_check_driver(const void *ours)
{
    const viv_driver_class_t *c = ours;
    if (c->instance_size > PLUGIN_INSTANCE_BYTES_MAX)
        return g_strdup_printf("its instances are %u bytes large", c->instance_size);
    return plugin_check_options(c->options, c->option_stride, c->instance_size);
}

static char *plugin_check_engine(const void *ours)
{
    const viv_engine_class_t *c = ours;
    if (c->abi != VIV_ENGINE_ABI)
        return g_strdup_printf(
            "built for engine ABI %u, this host has %u: build both from one tree", c->abi,
            VIV_ENGINE_ABI);
    if (c->cpu_size != sizeof(viv_cpu_t))
        return g_strdup_printf(
            "its CPU state is %u bytes large, this host's %zu: build both from one tree",
            c->cpu_size, sizeof(viv_cpu_t));
    return NULL;
}

static char *plugin_check_format(const void *ours)
{
    const viv_format_class_t *c = ours;
    if (c->image_size > PLUGIN_INSTANCE_BYTES_MAX)
        return g_strdup_printf("its images are %u bytes large", c->image_size);
    return NULL;
}

static const PluginKind plugin_kinds[] = {
    {VIV_KIND_DEVICE,
     sizeof(viv_device_class_t),
     "device",
     plugin_check_device,
     {PLUGIN_NEED(viv_device_class_t, construct)}},
    {VIV_KIND_DRIVER,
     sizeof(viv_driver_class_t),
     "driver",
     plugin_check_driver,
     {PLUGIN_NEED(viv_driver_class_t, construct)}},
    {VIV_KIND_ENGINE,
     sizeof(viv_engine_class_t),
     "engine",
     plugin_check_engine,
     {PLUGIN_NEED(viv_engine_class_t, vm_create), PLUGIN_NEED(viv_engine_class_t, vm_destroy),
      PLUGIN_NEED(viv_engine_class_t, vcpu_create), PLUGIN_NEED(viv_engine_class_t, vcpu_destroy),
      PLUGIN_NEED(viv_engine_class_t, run), PLUGIN_NEED(viv_engine_class_t, state_loaded),
      PLUGIN_NEED(viv_engine_class_t, map_changed), PLUGIN_NEED(viv_engine_class_t, code_written)}},
    {VIV_KIND_STORAGE,
     sizeof(viv_format_class_t),
     "storage format",
     plugin_check_format,
     {PLUGIN_NEED(viv_format_class_t, probe), PLUGIN_NEED(viv_format_class_t, open),
      PLUGIN_NEED(viv_format_class_t, close), PLUGIN_NEED(viv_format_class_t, size_bytes),
      PLUGIN_NEED(viv_format_class_t, read)}},
    {VIV_KIND_PARAVIRT, 0, "paravirt provider", NULL, {{0, NULL}}},
    {VIV_KIND_USB_DEVICE, 0, "USB device", NULL, {{0, NULL}}},
};

static const PluginKind *plugin_kind(uint32_t kind)
{
    for (size_t i = 0; i < G_N_ELEMENTS(plugin_kinds); i++) {
        if (plugin_kinds[i].kind == kind)
            return &plugin_kinds[i];
    }
    return NULL;
}

const char *plugin_kind_name(uint32_t kind)
{
    const PluginKind *k = plugin_kind(kind);
    return k ? k->name : "unknown kind";
}

uint32_t plugin_kind_from_name(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(plugin_kinds); i++) {
        if (g_ascii_strcasecmp(plugin_kinds[i].name, name) == 0)
            return plugin_kinds[i].kind;
    }
    return 0;
}

/* -- Classes -- */

static char *plugin_name_check(const char *name)
{
    if (!name)
        return g_strdup("it has no name");
    const size_t len = strnlen(name, PLUGIN_NAME_MAX + 1);
    if (len == 0 || len > PLUGIN_NAME_MAX)
        return g_strdup_printf("its name is not 1 to %u bytes long", PLUGIN_NAME_MAX);
    for (size_t i = 0; i < len; i++) {
        gboolean inner = i > 0 && i + 1 < len; /* a blank, as in "Host Serial" */
        if (!g_ascii_isalnum(name[i]) && !strchr("-_.+", name[i]) && !(inner && name[i] == ' '))
            return g_strdup("its name has characters other than letters, digits and -_.+");
    }
    return NULL;
}

viv_class_t *plugin_class_copy(const viv_class_t *theirs, char **ret_reason)
{
    if (theirs->size < sizeof(viv_class_t) || theirs->size > PLUGIN_CLASS_BYTES_MAX) {
        *ret_reason =
            g_strdup_printf("its size of %u bytes is none a class can have", theirs->size);
        return NULL;
    }
    char *reason = plugin_name_check(theirs->name);
    const PluginKind *kind = plugin_kind(theirs->kind);
    if (!reason && !kind)
        reason = g_strdup_printf("kind %u is not known to this host", theirs->kind);
    if (reason) {
        *ret_reason = reason;
        return NULL;
    }
    const uint32_t size = kind->size ? kind->size : theirs->size;
    viv_class_t *ours = g_malloc0(size);
    memcpy(ours, theirs, MIN(size, theirs->size));
    for (const PluginNeed *need = kind->needs; !reason && need->name; need++) {
        const void *member;
        memcpy(&member, (const uint8_t *)ours + need->offset, sizeof(member));
        if (!member)
            reason = g_strdup_printf("it lacks %s(), which a %s must have", need->name, kind->name);
    }
    if (!reason && kind->check)
        reason = kind->check(ours);
    if (reason) {
        g_free(ours);
        *ret_reason = reason;
        return NULL;
    }
    return ours;
}

const viv_class_t *plugin_class_at(const viv_plugin_t *p, uint32_t index)
{
    return p->classes && index < p->class_count ? p->classes[index] : NULL;
}

/* -- The descriptor -- */

/* Text from a plugin, made harmless for terminals, lists and the cache (transfer). */
static char *plugin_text(const char *theirs)
{
    if (!theirs)
        return g_strdup("");
    g_autofree char *cut = g_strndup(theirs, PLUGIN_TEXT_MAX);
    char *text = g_utf8_make_valid(cut, -1);
    for (char *c = text; *c; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = ' ';
    }
    return text;
}

static bool plugin_examine_handshake(PluginModule *module, const viv_plugin_t *p)
{
    const viv_host_t *host = plugin_host_info();
    const size_t needed = offsetof(viv_plugin_t, class_count) + sizeof(p->class_count);
    if (p->magic != VIV_PLUGIN_MAGIC) {
        plugin_module_refuse(module, true, "wrong magic %08x in its descriptor, expected %08x",
                             p->magic, VIV_PLUGIN_MAGIC);
        return false;
    }
    if (p->sdk_major != host->sdk_major) {
        plugin_module_refuse(module, true, "built for SDK major %u, this host serves %u",
                             p->sdk_major, host->sdk_major);
        return false;
    }
    if (p->size < needed) {
        plugin_module_refuse(module, true,
                             "its descriptor is %u bytes long, at least %zu are needed", p->size,
                             needed);
        return false;
    }
    PluginRecord *record = &module->record;
    record->sdk_major = p->sdk_major;
    record->api_level = p->api_level;
    record->id = plugin_text(p->id);
    record->version = plugin_text(p->version);
    record->licence = plugin_text(p->licence);
    record->vendor = plugin_text(p->vendor);
    record->summary = plugin_text(p->summary);
    if (p->api_level > host->api_level) {
        plugin_module_refuse(module, true,
                             "needs SDK level %u, this host serves up to %u: upgrade the host, or "
                             "build the plugin with "
                             "-DVIV_API_TARGET=%u",
                             p->api_level, host->api_level, host->api_level);
        return false;
    }
    if (p->api_level < host->api_oldest) {
        plugin_module_refuse(module, true,
                             "built for SDK level %u, the oldest that this host serves is %u",
                             p->api_level, host->api_oldest);
        return false;
    }
    if (!p->id || !p->id[0]) {
        plugin_module_refuse(module, true, "its descriptor has no id");
        return false;
    }
    if (p->class_count == 0 || p->class_count > PLUGIN_CLASSES_MAX || !p->classes) {
        plugin_module_refuse(module, true, "its descriptor has %u classes, 1 to %u are allowed",
                             p->classes ? p->class_count : 0, PLUGIN_CLASSES_MAX);
        return false;
    }
    return true;
}

void plugin_examine(PluginModule *module, const viv_plugin_t *p)
{
    PluginRecord *record = &module->record;
    if (!plugin_examine_handshake(module, p))
        return;
    record->class_count = p->class_count;
    record->classes = g_new0(PluginClassInfo, p->class_count);
    uint32_t usable = 0;
    for (uint32_t i = 0; i < p->class_count; i++) {
        PluginClassInfo *info = &record->classes[i];
        const viv_class_t *theirs = plugin_class_at(p, i);
        info->state = PLUGIN_REFUSED;
        if (!theirs || theirs->size < sizeof(*theirs)) {
            info->name = g_strdup_printf("#%u", i);
            info->summary = g_strdup("");
            info->reason =
                g_strdup(theirs ? "its size is too small for any class" : "it is a NULL pointer");
            continue;
        }
        info->kind = theirs->kind;
        info->name =
            theirs->name && theirs->name[0] ? plugin_text(theirs->name) : g_strdup_printf("#%u", i);
        info->summary = plugin_text(theirs->summary);
        g_autofree viv_class_t *ours = plugin_class_copy(theirs, &info->reason);
        if (ours) {
            info->state = PLUGIN_OK;
            usable++;
        }
    }
    if (usable) {
        record->state = PLUGIN_OK;
        module->cacheable = true;
        return;
    }
    record->state = PLUGIN_REFUSED;
    module->cacheable = true;
    record->reason = g_strdup_printf("%s '%s': %s", plugin_kind_name(record->classes[0].kind),
                                     record->classes[0].name, record->classes[0].reason);
}
