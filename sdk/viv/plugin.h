/* SPDX-License-Identifier: MIT */
/* Vivarium SDK: the plugin handshake, option tables and state tables.
 *
 * A plugin exports one function, viv_plugin_entry_v1, made by VIV_PLUGIN(). It has no side effects
 * (no thread, no output, no file) and hands back constant data. Each struct starts with its size;
 * the host copies min(theirs, ours) into a zeroed struct of its own, so that a member which an
 * older plugin does not know reads as "not provided". Tables only grow at the end.
 * Stable. C11 or C++11. */
#ifndef VIV_PLUGIN_H
#define VIV_PLUGIN_H

#include <viv/types.h>

VIV_BEGIN_DECLS

#define VIV_SDK_MAJOR    1u          /* a hard break; also the N of viv_plugin_entry_vN */
#define VIV_API_LEVEL    1u          /* newest level this header set describes */
#define VIV_PLUGIN_MAGIC 0x76697631u /* "viv1" */

/* The level a plugin's author needs; a host that serves less refuses it and says so. */
#ifndef VIV_API_TARGET
#define VIV_API_TARGET VIV_API_LEVEL
#endif

/* Class kinds. A later kind is a new number; a host skips kinds that it does not know. */
#define VIV_KIND_DEVICE     1u
#define VIV_KIND_DRIVER     2u
#define VIV_KIND_ENGINE     3u
#define VIV_KIND_STORAGE    4u
#define VIV_KIND_PARAVIRT   5u
#define VIV_KIND_USB_DEVICE 6u

/* What the host says of itself to the entry. Borrowed until the entry returns. */
typedef struct viv_host {
    uint32_t size;
    uint32_t sdk_major;
    uint32_t api_level;  /* newest level served */
    uint32_t api_oldest; /* oldest level served */
    const char *name;    /* "viv 0.1.0" */
} viv_host_t;

/* The frozen prefix of every class of every kind. */
typedef struct viv_class {
    uint32_t size;       /* of the whole class struct, stamped by the plugin's compiler */
    uint32_t kind;       /* VIV_KIND_* */
    const char *name;    /* unique among its kind: "i8259", "raw" */
    const char *summary; /* one line */
} viv_class_t;

/* What the entry hands back: constant, lives as long as the module is loaded. */
typedef struct viv_plugin {
    uint32_t size;
    uint32_t magic;     /* VIV_PLUGIN_MAGIC */
    uint32_t sdk_major; /* VIV_SDK_MAJOR */
    uint32_t api_level; /* VIV_API_TARGET */
    const char *id;     /* reverse domain: "org.vivarium.i8259" */
    const char *version;
    const char *licence; /* SPDX expression */
    const char *vendor;
    const char *summary;
    const void *const
        *classes; /* class_count pointers, each to a struct that begins with viv_class_t */
    uint32_t class_count;
    uint32_t reserved0;
} viv_plugin_t;

typedef const viv_plugin_t *(*viv_plugin_entry_fn)(const viv_host_t *host);
#define VIV_PLUGIN_ENTRY_NAME "viv_plugin_entry_v1"

#ifndef VIV_PLUGIN_VENDOR
#define VIV_PLUGIN_VENDOR "The Vivarium project"
#endif

/* VIV_PLUGIN("org.example.postcode", "1.0", "MIT", "ISA POST-code port", &postcode_class, ...) */
#define VIV_PLUGIN(plugin_id, plugin_version, plugin_licence, plugin_summary, ...)                 \
    static const void *const viv_plugin_classes_[] = {__VA_ARGS__};                                \
    static const viv_plugin_t viv_plugin_data_ = {sizeof(viv_plugin_t),                            \
                                                  VIV_PLUGIN_MAGIC,                                \
                                                  VIV_SDK_MAJOR,                                   \
                                                  VIV_API_TARGET,                                  \
                                                  plugin_id,                                       \
                                                  plugin_version,                                  \
                                                  plugin_licence,                                  \
                                                  VIV_PLUGIN_VENDOR,                               \
                                                  plugin_summary,                                  \
                                                  viv_plugin_classes_,                             \
                                                  sizeof(viv_plugin_classes_) /                    \
                                                      sizeof(viv_plugin_classes_[0]),              \
                                                  0};                                              \
    VIV_EXPORT const viv_plugin_t *viv_plugin_entry_v1(const viv_host_t *host);                    \
    const viv_plugin_t *viv_plugin_entry_v1(const viv_host_t *host)                                \
    {                                                                                              \
        (void)host;                                                                                \
        return &viv_plugin_data_;                                                                  \
    }                                                                                              \
    struct viv_plugin_data_ /* takes the semicolon that may follow */

/* -- Types of options and of state fields ---------------------------------------------------- */

#define VIV_U8     1u
#define VIV_U16    2u
#define VIV_U32    3u
#define VIV_U64    4u
#define VIV_I32    5u
#define VIV_I64    6u
#define VIV_BOOL   7u  /* stored in a uint8_t as 0 or 1 */
#define VIV_STRING 8u  /* options only: const char *, UTF-8, owned by the host until destruct */
#define VIV_BYTES  9u  /* fields only: `count` raw bytes */
#define VIV_STRUCT 10u /* fields only: `count` structs described by `sub` */

/* One configuration key of a class. The host reads, checks and stores every key before
 * construct runs; an unknown key, a wrong type or a value outside min..max stops the start with
 * the key's full path, what was read and what is allowed. The table ends with a NULL name. */
typedef struct viv_option {
    const char *name;       /* CFGM key below the instance's Config node */
    const char *help;       /* one line */
    const char *def_string; /* default of a VIV_STRING, may be NULL */
    uint64_t min, max;      /* VIV_STRING: length limits in bytes */
    uint64_t def;
    uint32_t type;
    uint32_t offset; /* in the instance struct */
} viv_option_t;

#define VIV_OPT_NAMED(Struct, key, member, opt_type, lo, hi, dflt, text)                           \
    {                                                                                              \
        .name = (key), .help = (text), .min = (uint64_t)(lo), .max = (uint64_t)(hi),               \
        .def = (uint64_t)(dflt), .type = (opt_type), .offset = (uint32_t)offsetof(Struct, member)  \
    }
#define VIV_OPT(Struct, member, opt_type, lo, hi, dflt, text)                                      \
    VIV_OPT_NAMED(Struct, #member, member, opt_type, lo, hi, dflt, text)
#define VIV_OPT_STRING(Struct, key, member, dflt, text)                                            \
    {                                                                                              \
        .name = (key), .help = (text), .def_string = (dflt), .min = 0, .max = 4096,                \
        .type = VIV_STRING, .offset = (uint32_t)offsetof(Struct, member)                           \
    }

/* One saved field. In the stream a field is {FNV-1a-32 of name, length, little-endian bytes}:
 * a load skips names it does not know and leaves absent ones (newer than the saved version) at
 * their reset value. `since` is the state_version that introduced the field. Ends with NULL. */
typedef struct viv_field {
    const char *name;
    const struct viv_field *sub; /* VIV_STRUCT: the fields of one element */
    uint32_t type;
    uint32_t offset;
    uint32_t count;  /* array elements, or bytes of VIV_BYTES */
    uint32_t stride; /* VIV_STRUCT: sizeof one element */
    uint32_t since;
    uint32_t reserved0;
} viv_field_t;

#define VIV_FIELD(Struct, member, field_type, since_version)                                       \
    {                                                                                              \
        .name = #member, .type = (field_type), .offset = (uint32_t)offsetof(Struct, member),       \
        .count = 1, .since = (since_version)                                                       \
    }
/* A whole array of integers, e.g. uint8_t regs[16] as VIV_U8. */
#define VIV_FIELD_ARRAY(Struct, member, field_type, since_version)                                 \
    {                                                                                              \
        .name = #member, .type = (field_type), .offset = (uint32_t)offsetof(Struct, member),       \
        .count = (uint32_t)(sizeof(((Struct *)0)->member) / sizeof(((Struct *)0)->member[0])),     \
        .since = (since_version)                                                                   \
    }
#define VIV_FIELD_BYTES(Struct, member, since_version)                                             \
    {                                                                                              \
        .name = #member, .type = VIV_BYTES, .offset = (uint32_t)offsetof(Struct, member),          \
        .count = (uint32_t)sizeof(((Struct *)0)->member), .since = (since_version)                 \
    }
/* An array of structs, each with its own table. */
#define VIV_FIELD_STRUCTS(Struct, member, sub_table, since_version)                                \
    {                                                                                              \
        .name = #member, .sub = (sub_table), .type = VIV_STRUCT,                                   \
        .offset = (uint32_t)offsetof(Struct, member),                                              \
        .count = (uint32_t)(sizeof(((Struct *)0)->member) / sizeof(((Struct *)0)->member[0])),     \
        .stride = (uint32_t)sizeof(((Struct *)0)->member[0]), .since = (since_version)             \
    }
/* One embedded struct. */
#define VIV_FIELD_STRUCT(Struct, member, sub_table, since_version)                                 \
    {                                                                                              \
        .name = #member, .sub = (sub_table), .type = VIV_STRUCT,                                   \
        .offset = (uint32_t)offsetof(Struct, member), .count = 1,                                  \
        .stride = (uint32_t)sizeof(((Struct *)0)->member), .since = (since_version)                \
    }

VIV_END_DECLS
#endif
