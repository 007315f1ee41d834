/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ssm: field tables, one table for both directions.
 * Tables come from plugins: they are checked before they are used. Data come from files: hostile.
 */
#include "ssm/ssm_internal.h"

#include <string.h>

#define SSM_FIELDS_MAX      4096u
#define SSM_NEST_MAX        8u
#define SSM_FIELD_BYTES_MAX (1u << 30)
#define SSM_TAG_BYTES       8u /* tag and length */

static uint32_t ssm_tag(const char *name)
{
    uint32_t hash = 0x811c9dc5u; /* FNV-1a */
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 0x01000193u;
    return hash;
}

/* Bytes of one element of an integer type, 0 for others. */
static uint32_t ssm_type_bytes(uint32_t type)
{
    switch (type) {
    case VIV_U8:
    case VIV_BOOL:
    case VIV_BYTES: return 1;
    case VIV_U16: return 2;
    case VIV_U32:
    case VIV_I32: return 4;
    case VIV_U64:
    case VIV_I64: return 8;
    default: return 0;
    }
}

/* Element index of the table, zero-filled where the table's headers are older; false at the end. */
static bool ssm_field_at(const viv_field_t *table, uint32_t stride, uint32_t index,
                         viv_field_t *ret_field)
{
    memset(ret_field, 0, sizeof(*ret_field));
    memcpy(ret_field, (const uint8_t *)table + (size_t)stride * index,
           MIN(stride, sizeof(*ret_field)));
    return ret_field->name != NULL;
}

/* -- Checking a table -- */

static viv_status_t ssm_check_table(const viv_field_t *table, uint32_t stride,
                                    uint32_t struct_bytes, uint32_t depth, uint64_t *ret_bytes,
                                    VivError *err);

/* One field, and how many bytes its data take in the stream. */
static viv_status_t ssm_check_field(const viv_field_t *field, uint32_t stride,
                                    uint32_t struct_bytes, uint32_t depth, uint64_t *ret_bytes,
                                    VivError *err)
{
    uint64_t in_struct;
    if (ssm_tag(field->name) == 0)
        return error_set(err, VIV_E_MISUSE, "field '%s': its name gives the tag 0", field->name);
    if (field->count == 0)
        return error_set(err, VIV_E_MISUSE, "field '%s' has no element", field->name);
    if (field->type == VIV_STRUCT) {
        uint64_t element = 0;
        if (!field->sub || field->stride == 0)
            return error_set(err, VIV_E_MISUSE,
                             "field '%s' is a struct without a table or a stride", field->name);
        const viv_status_t st =
            ssm_check_table(field->sub, stride, field->stride, depth + 1, &element, err);
        if (st != VIV_OK) {
            error_prefix(err, "in '%s'", field->name);
            return st;
        }
        in_struct = (uint64_t)field->count * field->stride;
        *ret_bytes = sizeof(uint32_t) + field->count * element;
    } else {
        in_struct = (uint64_t)field->count * ssm_type_bytes(field->type);
        *ret_bytes = in_struct;
    }
    if (in_struct == 0)
        return error_set(err, VIV_E_MISUSE, "field '%s' has type %u, which no field can have",
                         field->name, field->type);
    if (in_struct > SSM_FIELD_BYTES_MAX || *ret_bytes > SSM_FIELD_BYTES_MAX)
        return error_set(err, VIV_E_MISUSE, "field '%s' is too large", field->name);
    if (struct_bytes && field->offset + in_struct > struct_bytes)
        return error_set(err, VIV_E_MISUSE, "field '%s' lies outside its struct of %u bytes",
                         field->name, struct_bytes);
    return VIV_OK;
}

static viv_status_t ssm_check_table(const viv_field_t *table, uint32_t stride,
                                    uint32_t struct_bytes, uint32_t depth, uint64_t *ret_bytes,
                                    VivError *err)
{
    if (depth > SSM_NEST_MAX)
        return error_set(err, VIV_E_MISUSE, "structs are nested more than %u deep", SSM_NEST_MAX);
    g_autoptr(GHashTable) tags = g_hash_table_new(NULL, NULL);
    uint64_t total = SSM_TAG_BYTES; /* of the end mark */
    viv_field_t field;
    for (uint32_t i = 0; ssm_field_at(table, stride, i, &field); i++) {
        uint64_t bytes = 0;
        if (i >= SSM_FIELDS_MAX)
            return error_set(err, VIV_E_MISUSE, "a field table has no end");
        const viv_status_t st = ssm_check_field(&field, stride, struct_bytes, depth, &bytes, err);
        if (st != VIV_OK)
            return st;
        if (!g_hash_table_add(tags, GUINT_TO_POINTER(ssm_tag(field.name))))
            return error_set(err, VIV_E_MISUSE,
                             "field '%s' is there twice, or has the tag of another", field.name);
        total += SSM_TAG_BYTES + bytes;
        if (total > SSM_FIELD_BYTES_MAX)
            return error_set(err, VIV_E_MISUSE, "a field table is too large");
    }
    *ret_bytes = total;
    return VIV_OK;
}

viv_status_t ssm_check_fields(const viv_field_t *table, uint32_t stride, uint32_t instance_size,
                              VivError *err)
{
    uint64_t bytes;
    if (stride < offsetof(viv_field_t, stride) + sizeof(table->stride))
        return error_set(err, VIV_E_MISUSE, "a field table has a stride of %u", stride);
    return ssm_check_table(table, stride, instance_size, 1, &bytes, err);
}

static viv_status_t ssm_check_for_stream(viv_stream_t *stream, const viv_field_t *table,
                                         uint32_t stride)
{
    VivError err = VIV_ERROR_INIT;
    if (ssm_check_fields(table, stride, 0, &err) != VIV_OK)
        ssm_stream_fail(stream, err.status, "%s", error_text(&err));
    error_clear(&err);
    return stream->status;
}

/* -- Saving -- */

static uint64_t ssm_table_bytes(const viv_field_t *table, uint32_t stride);

static uint32_t ssm_field_bytes(const viv_field_t *field, uint32_t stride)
{
    if (field->type == VIV_STRUCT)
        return (uint32_t)(sizeof(uint32_t) + field->count * ssm_table_bytes(field->sub, stride));
    return field->count * ssm_type_bytes(field->type);
}

static uint64_t ssm_table_bytes(const viv_field_t *table, uint32_t stride)
{
    uint64_t total = SSM_TAG_BYTES;
    viv_field_t field;
    for (uint32_t i = 0; ssm_field_at(table, stride, i, &field); i++)
        total += SSM_TAG_BYTES + ssm_field_bytes(&field, stride);
    return total;
}

static void ssm_put_element(viv_stream_t *stream, uint32_t type, const uint8_t *at)
{
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;
    switch (ssm_type_bytes(type)) {
    case 1: ssm_put_u8(stream, type == VIV_BOOL ? *at != 0 : *at); break;
    case 2:
        memcpy(&u16, at, sizeof(u16));
        ssm_put_u16(stream, u16);
        break;
    case 4:
        memcpy(&u32, at, sizeof(u32));
        ssm_put_u32(stream, u32);
        break;
    default:
        memcpy(&u64, at, sizeof(u64));
        ssm_put_u64(stream, u64);
        break;
    }
}

static viv_status_t ssm_put_table(viv_stream_t *stream, const viv_field_t *table, uint32_t stride,
                                  const uint8_t *instance)
{
    viv_field_t field;
    for (uint32_t i = 0; ssm_field_at(table, stride, i, &field); i++) {
        const uint8_t *at = instance + field.offset;
        ssm_put_u32(stream, ssm_tag(field.name));
        ssm_put_u32(stream, ssm_field_bytes(&field, stride));
        if (field.type == VIV_STRUCT) {
            ssm_put_u32(stream, field.count);
            for (uint32_t n = 0; n < field.count; n++)
                ssm_put_table(stream, field.sub, stride, at + (size_t)n * field.stride);
        } else if (ssm_type_bytes(field.type) == 1 && field.type != VIV_BOOL) {
            ssm_put(stream, at, field.count);
        } else {
            for (uint32_t n = 0; n < field.count; n++)
                ssm_put_element(stream, field.type, at + (size_t)n * ssm_type_bytes(field.type));
        }
    }
    ssm_put_u32(stream, 0);
    return ssm_put_u32(stream, 0);
}

viv_status_t ssm_put_fields(viv_stream_t *stream, const viv_field_t *table, uint32_t stride,
                            const void *instance)
{
    if (ssm_check_for_stream(stream, table, stride) != VIV_OK)
        return stream->status;
    return ssm_put_table(stream, table, stride, instance);
}

/* -- Loading -- */

static viv_status_t ssm_get_table(viv_stream_t *stream, const viv_field_t *table, uint32_t stride,
                                  uint8_t *instance);

static viv_status_t ssm_get_element(viv_stream_t *stream, const viv_field_t *field, uint8_t *at)
{
    uint8_t buf[8];
    const uint32_t bytes = ssm_type_bytes(field->type);
    const viv_status_t st = ssm_get(stream, buf, bytes);
    if (st != VIV_OK)
        return st;
    if (field->type == VIV_BOOL && buf[0] > 1)
        return ssm_stream_fail(stream, VIV_E_CORRUPT, "field '%s': %u is no boolean", field->name,
                               buf[0]);
    const uint16_t u16 = ssm_rd16(buf);
    const uint32_t u32 = bytes >= 4 ? ssm_rd32(buf) : 0;
    const uint64_t u64 = bytes == 8 ? ssm_rd64(buf) : 0;
    switch (bytes) {
    case 1: *at = buf[0]; break;
    case 2: memcpy(at, &u16, sizeof(u16)); break;
    case 4: memcpy(at, &u32, sizeof(u32)); break;
    default: memcpy(at, &u64, sizeof(u64)); break;
    }
    return VIV_OK;
}

static viv_status_t ssm_get_structs(viv_stream_t *stream, const viv_field_t *field, uint32_t stride,
                                    uint8_t *at)
{
    uint32_t count;
    if (ssm_get_u32(stream, &count) != VIV_OK)
        return stream->status;
    if (count != field->count)
        return ssm_stream_fail(stream, VIV_E_CORRUPT, "field '%s' has %u elements, %u are expected",
                               field->name, count, field->count);
    for (uint32_t n = 0; n < count; n++) {
        if (ssm_get_table(stream, field->sub, stride, at + (size_t)n * field->stride) != VIV_OK)
            return stream->status;
    }
    if (ssm_remaining(stream))
        return ssm_stream_fail(stream, VIV_E_CORRUPT,
                               "field '%s' has %" G_GUINT64_FORMAT " bytes left over", field->name,
                               ssm_remaining(stream));
    return VIV_OK;
}

/* The field's data, all len_bytes of them; they are known to be there. */
static viv_status_t ssm_get_field(viv_stream_t *stream, const viv_field_t *field, uint32_t stride,
                                  uint32_t len_bytes, uint8_t *instance)
{
    uint8_t *at = instance + field->offset;
    const uint32_t width = ssm_type_bytes(field->type);
    if (field->type == VIV_STRUCT) {
        /* Elements of an older or newer version may be shorter or longer; their bytes end here in
         * any case. */
        const uint64_t end = stream->end;
        stream->end = stream->position + len_bytes;
        const viv_status_t st = ssm_get_structs(stream, field, stride, at);
        stream->end = end;
        return st;
    }
    if (len_bytes != field->count * width)
        return ssm_stream_fail(stream, VIV_E_CORRUPT,
                               "field '%s' is %u bytes long, %u are expected", field->name,
                               len_bytes, field->count * width);
    if (width == 1 && field->type != VIV_BOOL)
        return ssm_get(stream, at, field->count);
    for (uint32_t n = 0; n < field->count; n++) {
        if (ssm_get_element(stream, field, at + (size_t)n * width) != VIV_OK)
            return stream->status;
    }
    return VIV_OK;
}

static bool ssm_field_of_tag(const viv_field_t *table, uint32_t stride, uint32_t tag,
                             viv_field_t *ret_field, uint32_t *ret_index)
{
    for (uint32_t i = 0; ssm_field_at(table, stride, i, ret_field); i++) {
        if (ssm_tag(ret_field->name) == tag) {
            *ret_index = i;
            return true;
        }
    }
    return false;
}

static viv_status_t ssm_get_table(viv_stream_t *stream, const viv_field_t *table, uint32_t stride,
                                  uint8_t *instance)
{
    uint8_t seen[SSM_FIELDS_MAX / 8] = {0};
    for (;;) {
        uint32_t tag;
        uint32_t len;
        viv_field_t field;
        uint32_t index;
        ssm_get_u32(stream, &tag);
        if (ssm_get_u32(stream, &len) != VIV_OK)
            return stream->status;
        if (tag == 0 && len == 0)
            return VIV_OK;
        if (tag == 0 || len > ssm_remaining(stream))
            return ssm_stream_fail(stream, VIV_E_CORRUPT,
                                   "a field with tag %08x claims %u bytes, %" G_GUINT64_FORMAT
                                   " are left",
                                   tag, len, ssm_remaining(stream));
        if (!ssm_field_of_tag(table, stride, tag, &field, &index)) {
            if (ssm_skip(stream, len) != VIV_OK)
                return stream->status;
            continue;
        }
        if (seen[index / 8] & 1u << index % 8)
            return ssm_stream_fail(stream, VIV_E_CORRUPT, "field '%s' comes twice", field.name);
        seen[index / 8] = (uint8_t)(seen[index / 8] | 1u << index % 8);
        if (ssm_get_field(stream, &field, stride, len, instance) != VIV_OK)
            return stream->status;
    }
}

viv_status_t ssm_get_fields(viv_stream_t *stream, const viv_field_t *table, uint32_t stride,
                            void *instance, uint32_t version)
{
    /* The stream itself says which fields are there; `since` is for readers of the table. */
    (void)version;
    if (ssm_check_for_stream(stream, table, stride) != VIV_OK)
        return stream->status;
    return ssm_get_table(stream, table, stride, instance);
}
