/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ssm: what is put comes back; field tables across versions; memory; failures while writing. */
#include <check.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "ssm/ssm.h"

#define IDENTITY "d2a0c1ba-0f6e-4f0e-9d9b-2b6a6e0f4c11"

static char *folder;
static char *path;

static void setup(void)
{
    folder = g_dir_make_tmp("viv-ssm-XXXXXX", NULL);
    path = g_build_filename(folder, "state.sav", NULL);
}

static void teardown(void)
{
    g_unlink(path);
    ck_assert_int_eq(g_rmdir(folder), 0); /* nothing else was left behind */
    g_free(path);
    g_free(folder);
}

static SsmWriter *writer_new(void)
{
    SsmWriter *w = NULL;
    ck_assert_int_eq(ssm_writer_create(path, IDENTITY, &w, NULL), VIV_OK);
    return w;
}

static void writer_done(SsmWriter *w)
{
    VivError err = VIV_ERROR_INIT;
    ck_assert_msg(ssm_writer_commit(w, &err) == VIV_OK, "%s", error_text(&err));
}

static SsmReader *reader_new(void)
{
    SsmReader *r = NULL;
    VivError err = VIV_ERROR_INIT;
    ck_assert_msg(ssm_reader_open(path, &r, &err) == VIV_OK, "%s", error_text(&err));
    return r;
}

/* One unit "u"/0, begun. */
static viv_stream_t *unit_begin(SsmWriter *w)
{
    ck_assert_int_eq(ssm_unit_begin(w, "u", 0, 1, SSM_PASS_FINAL), VIV_OK);
    return ssm_writer_stream(w);
}

static viv_stream_t *unit_open(SsmReader *r)
{
    uint32_t index;
    viv_stream_t *s = NULL;
    ck_assert(ssm_reader_find(r, "u", 0, SSM_PASS_FINAL, &index));
    ck_assert_int_eq(ssm_unit_open(r, index, &s, NULL), VIV_OK);
    return s;
}

START_TEST(numbers_and_text)
{
    SsmWriter *w = writer_new();
    viv_stream_t *s = unit_begin(w);
    const viv_stream_api_t *api = ssm_stream_api();
    ssm_put_u8(s, 0xa5);
    ssm_put_u16(s, 0x1234);
    ssm_put_u32(s, 0xdeadbeef);
    ssm_put_u64(s, 0x0123456789abcdef);
    ssm_put_string(s, "");
    ssm_put_string(s, "hello");
    ck_assert_int_eq(api->put(s, "raw", 3), VIV_OK);
    ck_assert_int_eq(api->put_u64(s, 77), VIV_OK);
    ck_assert_int_eq(ssm_unit_end(w), VIV_OK);
    writer_done(w);

    SsmReader *r = reader_new();
    ck_assert_str_eq(ssm_reader_identity(r), IDENTITY);
    s = unit_open(r);
    uint8_t u8;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;
    char text[6];
    char raw[3];
    ck_assert_uint_eq(ssm_remaining(s), 1 + 2 + 4 + 8 + 4 + 9 + 3 + 8);
    ck_assert_int_eq(ssm_get_u8(s, &u8), VIV_OK);
    ck_assert_uint_eq(u8, 0xa5);
    ck_assert_int_eq(ssm_get_u16(s, &u16), VIV_OK);
    ck_assert_uint_eq(u16, 0x1234);
    ck_assert_int_eq(ssm_get_u32(s, &u32), VIV_OK);
    ck_assert_uint_eq(u32, 0xdeadbeef);
    ck_assert_int_eq(ssm_get_u64(s, &u64), VIV_OK);
    ck_assert_uint_eq(u64, 0x0123456789abcdef);
    ck_assert_int_eq(ssm_get_string(s, text, sizeof(text)), VIV_OK);
    ck_assert_str_eq(text, "");
    ck_assert_int_eq(ssm_get_string(s, text, sizeof(text)), VIV_OK);
    ck_assert_str_eq(text, "hello");
    ck_assert_int_eq(ssm_stream_expect_end(s), VIV_E_CORRUPT);
    s = unit_open(r); /* from the start again */
    ck_assert_int_eq(ssm_skip(s, 28), VIV_OK);
    ck_assert_int_eq(api->get(s, raw, 3), VIV_OK);
    ck_assert_mem_eq(raw, "raw", 3);
    ck_assert_uint_eq(api->remaining(s), 8);
    ck_assert_int_eq(api->get_u64(s, &u64), VIV_OK);
    ck_assert_uint_eq(u64, 77);
    ck_assert_int_eq(ssm_stream_expect_end(s), VIV_OK);
    u64 = 1;
    ck_assert_int_eq(ssm_get_u64(s, &u64), VIV_E_EOF);
    ck_assert_uint_eq(u64, 0);
    ck_assert_ptr_nonnull(
        strstr(ssm_stream_error(s), "unit u/0 at offset 128, byte 39: ended early"));
    ssm_reader_close(r);
}
END_TEST

START_TEST(string_too_long)
{
    SsmWriter *w = writer_new();
    viv_stream_t *s = unit_begin(w);
    ssm_put_string(s, "123456");
    ssm_unit_end(w);
    writer_done(w);
    SsmReader *r = reader_new();
    char text[6] = "x";
    s = unit_open(r);
    ck_assert_int_eq(ssm_get_string(s, text, sizeof(text)), VIV_E_CORRUPT);
    ck_assert_str_eq(text, "");
    ssm_reader_close(r);
}
END_TEST

START_TEST(many_chunks)
{
    const size_t len = 3 * (256 << 10) + 12345;
    g_autofree uint8_t *data = g_malloc(len);
    for (size_t i = 0; i < len; i++)
        data[i] = (uint8_t)(i * 7 + (i >> 9));
    SsmWriter *w = writer_new();
    viv_stream_t *s = unit_begin(w);
    /* In parts of all sizes. */
    for (size_t at = 0, part = 1; at < len; at += part, part = part * 3 % 70001 + 1) {
        part = MIN(part, len - at);
        ck_assert_int_eq(ssm_put(s, data + at, part), VIV_OK);
    }
    ssm_unit_end(w);
    writer_done(w);
    SsmReader *r = reader_new();
    s = unit_open(r);
    ck_assert_uint_eq(ssm_remaining(s), len);
    g_autofree uint8_t *back = g_malloc0(len);
    for (size_t at = 0, part = 1; at < len; at += part, part = part * 5 % 90001 + 1) {
        part = MIN(part, len - at);
        ck_assert_int_eq(ssm_get(s, back + at, part), VIV_OK);
    }
    ck_assert_mem_eq(back, data, len);
    s = unit_open(r);
    ck_assert_int_eq(ssm_skip(s, len - 1), VIV_OK);
    uint8_t last;
    ck_assert_int_eq(ssm_get_u8(s, &last), VIV_OK);
    ck_assert_uint_eq(last, data[len - 1]);
    ssm_reader_close(r);
}
END_TEST

START_TEST(units)
{
    SsmWriter *w = writer_new();
    for (uint32_t pass = 0; pass < 3; pass++) {
        ck_assert_int_eq(ssm_unit_begin(w, "pgm", 0, 2, pass), VIV_OK);
        ssm_put_u32(ssm_writer_stream(w), pass);
        ck_assert_int_eq(ssm_unit_end(w), VIV_OK);
    }
    for (uint32_t i = 0; i < 40; i++) {
        ck_assert_int_eq(ssm_unit_begin(w, "Devices/e1000", i, 5, SSM_PASS_FINAL), VIV_OK);
        if (i != 7) /* an empty unit is fine */
            ssm_put_u32(ssm_writer_stream(w), i);
        ck_assert_int_eq(ssm_unit_end(w), VIV_OK);
    }
    writer_done(w);
    SsmReader *r = reader_new();
    SsmUnitInfo info;
    uint32_t index;
    viv_stream_t *s;
    ck_assert_uint_eq(ssm_reader_unit_count(r), 43);
    ck_assert(!ssm_reader_unit(r, 43, &info));
    ck_assert(!ssm_reader_find(r, "pgm", 0, 3, &index));
    ck_assert(!ssm_reader_find(r, "pgm", 1, 0, &index));
    ck_assert(ssm_reader_find(r, "pgm", 0, 2, &index));
    ck_assert_uint_eq(index, 2);
    ck_assert(ssm_reader_find(r, "Devices/e1000", 39, SSM_PASS_FINAL, &index));
    ck_assert(ssm_reader_unit(r, index, &info));
    ck_assert_str_eq(info.name, "Devices/e1000");
    ck_assert_uint_eq(info.version, 5);
    ck_assert_uint_eq(info.len_bytes, 4);
    uint32_t value;
    ck_assert_int_eq(ssm_unit_open(r, index, &s, NULL), VIV_OK);
    ck_assert_int_eq(ssm_get_u32(s, &value), VIV_OK);
    ck_assert_uint_eq(value, 39);
    ck_assert_int_eq(ssm_unit_open(r, 99, &s, NULL), VIV_E_NOT_FOUND);
    ssm_reader_close(r);

    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    ck_assert_int_eq(ssm_info(path, false, out, NULL), VIV_OK);
    fclose(out);
    ck_assert_ptr_nonnull(strstr(text, IDENTITY));
    ck_assert_ptr_nonnull(strstr(text, "Devices/e1000"));
    free(text);
}
END_TEST

START_TEST(no_units)
{
    writer_done(writer_new());
    SsmReader *r = reader_new();
    ck_assert_uint_eq(ssm_reader_unit_count(r), 0);
    ssm_reader_close(r);
}
END_TEST

/* -- Field tables -- */

typedef struct Channel {
    uint16_t count;
    uint8_t latch;
    uint32_t fifo[3];
} Channel;

typedef struct Chip {
    uint8_t u8;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;
    int32_t i32;
    int64_t i64;
    uint8_t flag;
    uint8_t flags[3];
    uint16_t words[4];
    uint8_t blob[11];
    uint8_t not_saved;
    Channel channels[3];
    Channel one;
    uint32_t added_later;
} Chip;

static const viv_field_t channel_fields[] = {
    VIV_FIELD(Channel, count, VIV_U16, 1),
    VIV_FIELD(Channel, latch, VIV_U8, 1),
    VIV_FIELD_ARRAY(Channel, fifo, VIV_U32, 1),
    {0},
};
#define CHIP_FIELDS                                                                                \
    VIV_FIELD(Chip, u8, VIV_U8, 1), VIV_FIELD(Chip, u16, VIV_U16, 1),                              \
        VIV_FIELD(Chip, u32, VIV_U32, 1), VIV_FIELD(Chip, u64, VIV_U64, 1),                        \
        VIV_FIELD(Chip, i32, VIV_I32, 1), VIV_FIELD(Chip, i64, VIV_I64, 1),                        \
        VIV_FIELD(Chip, flag, VIV_BOOL, 1), VIV_FIELD_ARRAY(Chip, flags, VIV_BOOL, 1),             \
        VIV_FIELD_ARRAY(Chip, words, VIV_U16, 1), VIV_FIELD_BYTES(Chip, blob, 1),                  \
        VIV_FIELD_STRUCTS(Chip, channels, channel_fields, 1),                                      \
        VIV_FIELD_STRUCT(Chip, one, channel_fields, 1)
static const viv_field_t chip_v1[] = {CHIP_FIELDS, {0}};
static const viv_field_t chip_v2[] = {VIV_FIELD(Chip, added_later, VIV_U32, 2), CHIP_FIELDS, {0}};
#define STRIDE ((uint32_t)sizeof(viv_field_t))

static const Chip chip_full = {
    .u8 = 1,
    .u16 = 0x202,
    .u32 = 0x30303030,
    .u64 = 0x4040404040404040,
    .i32 = -5,
    .i64 = -6000000000,
    .flag = 1,
    .flags = {1, 0, 1},
    .words = {1, 2, 3, 0xffff},
    .blob = "eleven ok!",
    .not_saved = 9,
    .channels = {{1, 2, {3, 4, 5}}, {6, 7, {8, 9, 10}}, {11, 12, {13, 14, 15}}},
    .one = {16, 17, {18, 19, 20}},
    .added_later = 0x77,
};

static void fields_save(const viv_field_t *table, const Chip *chip)
{
    SsmWriter *w = writer_new();
    viv_stream_t *s = unit_begin(w);
    ck_assert_int_eq(ssm_put_fields(s, table, STRIDE, chip), VIV_OK);
    ssm_put_u32(s, 0xfeedface); /* what save() adds behind the fields */
    ssm_unit_end(w);
    writer_done(w);
}

static void fields_load(const viv_field_t *table, Chip *chip)
{
    SsmReader *r = reader_new();
    viv_stream_t *s = unit_open(r);
    uint32_t mark;
    ck_assert_msg(ssm_get_fields(s, table, STRIDE, chip, 1) == VIV_OK, "%s", ssm_stream_error(s));
    ck_assert_int_eq(ssm_get_u32(s, &mark), VIV_OK);
    ck_assert_uint_eq(mark, 0xfeedface);
    ck_assert_int_eq(ssm_stream_expect_end(s), VIV_OK);
    ssm_reader_close(r);
}

static bool channel_same(const Channel *a, const Channel *b)
{
    return a->count == b->count && a->latch == b->latch &&
           memcmp(a->fifo, b->fifo, sizeof(a->fifo)) == 0;
}

static void chip_assert_same(const Chip *a, const Chip *b)
{
    ck_assert_uint_eq(a->u8, b->u8);
    ck_assert_uint_eq(a->u16, b->u16);
    ck_assert_uint_eq(a->u32, b->u32);
    ck_assert_uint_eq(a->u64, b->u64);
    ck_assert_int_eq(a->i32, b->i32);
    ck_assert_int_eq(a->i64, b->i64);
    ck_assert_uint_eq(a->flag, b->flag);
    ck_assert_mem_eq(a->flags, b->flags, sizeof(a->flags));
    ck_assert_mem_eq(a->words, b->words, sizeof(a->words));
    ck_assert_mem_eq(a->blob, b->blob, sizeof(a->blob));
    for (size_t i = 0; i < 3; i++)
        ck_assert(channel_same(&a->channels[i], &b->channels[i]));
    ck_assert(channel_same(&a->one, &b->one));
}

START_TEST(fields_round_trip)
{
    Chip chip = {0};
    fields_save(chip_v2, &chip_full);
    fields_load(chip_v2, &chip);
    chip_assert_same(&chip, &chip_full);
    ck_assert_uint_eq(chip.added_later, 0x77);
    ck_assert_uint_eq(chip.not_saved, 0);
}
END_TEST

START_TEST(fields_older_file)
{
    Chip chip = {.added_later = 0x55};
    fields_save(chip_v1, &chip_full);
    fields_load(chip_v2, &chip);
    chip_assert_same(&chip, &chip_full);
    ck_assert_uint_eq(chip.added_later, 0x55); /* its reset value */
}
END_TEST

START_TEST(fields_newer_file)
{
    Chip chip = {.added_later = 0x55};
    fields_save(chip_v2, &chip_full);
    fields_load(chip_v1, &chip);
    chip_assert_same(&chip, &chip_full);
    ck_assert_uint_eq(chip.added_later, 0x55);
}
END_TEST

START_TEST(fields_bool_is_normal)
{
    Chip chip = chip_full;
    chip.flag = 0xf0;
    fields_save(chip_v1, &chip);
    Chip back = {0};
    fields_load(chip_v1, &back);
    ck_assert_uint_eq(back.flag, 1);
}
END_TEST

/* A table of a plugin built against shorter or longer headers. */
START_TEST(fields_other_stride)
{
    typedef struct LongField {
        viv_field_t now;
        uint64_t later;
    } LongField;
    static const LongField table[] = {
        {VIV_FIELD(Chip, u32, VIV_U32, 1), 1},
        {VIV_FIELD(Chip, u16, VIV_U16, 1), 2},
        {{0}, 0},
    };
    SsmWriter *w = writer_new();
    viv_stream_t *s = unit_begin(w);
    ck_assert_int_eq(ssm_put_fields(s, &table[0].now, sizeof(LongField), &chip_full), VIV_OK);
    ssm_unit_end(w);
    writer_done(w);
    SsmReader *r = reader_new();
    Chip chip = {0};
    s = unit_open(r);
    ck_assert_int_eq(ssm_get_fields(s, chip_v1, STRIDE, &chip, 1), VIV_OK);
    ck_assert_uint_eq(chip.u32, chip_full.u32);
    ck_assert_uint_eq(chip.u16, chip_full.u16);
    ssm_reader_close(r);
}
END_TEST

START_TEST(fields_bad_tables)
{
    static const viv_field_t twice[] = {
        VIV_FIELD(Chip, u8, VIV_U8, 1), VIV_FIELD(Chip, u8, VIV_U8, 1), {0}};
    static const viv_field_t type[] = {VIV_FIELD(Chip, u8, VIV_STRING, 1), {0}};
    static const viv_field_t none[] = {{.name = "x", .type = VIV_U8}, {0}};
    static const viv_field_t no_sub[] = {VIV_FIELD_STRUCT(Chip, one, NULL, 1), {0}};
    static const viv_field_t far[] = {
        {.name = "x", .type = VIV_U8, .count = 2, .offset = sizeof(Chip) - 1}, {0}};
    static const viv_field_t endless[] = {
        {.name = "x", .type = VIV_STRUCT, .count = 1, .stride = 8, .sub = endless},
        {0},
    };
    static const struct {
        const viv_field_t *table;
        const char *words;
    } bad[] = {
        {twice, "twice"},
        {type, "type 8"},
        {none, "no element"},
        {no_sub, "without a table"},
        {far, "outside its struct"},
        {endless, "nested"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        VivError err = VIV_ERROR_INIT;
        ck_assert_int_eq(ssm_check_fields(bad[i].table, STRIDE, sizeof(Chip), &err), VIV_E_MISUSE);
        ck_assert_msg(strstr(err.text, bad[i].words) != NULL, "%s", err.text);
        error_clear(&err);
    }
    ck_assert_int_eq(ssm_check_fields(chip_v2, STRIDE, sizeof(Chip), NULL), VIV_OK);
    ck_assert_int_eq(ssm_check_fields(chip_v2, 4, sizeof(Chip), NULL), VIV_E_MISUSE);
}
END_TEST

/* -- Memory -- */

#define PAGE SSM_PAGE_BYTES

static void noise(uint8_t *at, size_t len, uint32_t seed)
{
    for (size_t i = 0; i < len; i++) {
        seed = seed * 1664525 + 1013904223;
        at[i] = (uint8_t)(seed >> 24);
    }
}

START_TEST(memory_round_trip)
{
    /* Lengths around page and batch ends, with a rest at the end. */
    static const uint64_t lengths[] = {
        1, PAGE - 1, PAGE, PAGE + 1, 256 * PAGE, 256 * PAGE + 5, 700 * PAGE + 100};
    const uint64_t len = lengths[_i];
    g_autofree uint8_t *ram = g_malloc0(len);
    g_autofree uint8_t *back = g_malloc(len);
    noise(back, len, 9);
    for (uint64_t page = 0; page * PAGE < len; page++) {
        const uint64_t bytes = MIN(PAGE, len - page * PAGE);
        if (page % 5 == 1)
            noise(ram + page * PAGE, bytes, (uint32_t)page);
        else if (page % 5 == 2)
            memset(ram + page * PAGE, (int)(page % 3) + 1, bytes);
        else if (page % 5 == 3)
            noise(ram + page * PAGE, bytes, 1); /* equal to page 1 */
        else if (page % 5 == 4)
            ram[page * PAGE + bytes - 1] = 1; /* nearly zero */
    }
    ram[len - 1] ^= 0x80;
    SsmWriter *w = writer_new();
    viv_stream_t *s = unit_begin(w);
    ck_assert_int_eq(ssm_put_memory(s, ram, 0x100000, len), VIV_OK);
    ssm_put_u32(s, 42);
    ssm_unit_end(w);
    writer_done(w);
    SsmReader *r = reader_new();
    s = unit_open(r);
    ck_assert_msg(ssm_get_memory(s, back, 0x100000, len, 0) == VIV_OK, "%s", ssm_stream_error(s));
    ck_assert_mem_eq(back, ram, len);
    uint32_t mark;
    ck_assert_int_eq(ssm_get_u32(s, &mark), VIV_OK);
    ck_assert_uint_eq(mark, 42);
    ssm_reader_close(r);
}
END_TEST

START_TEST(memory_is_small)
{
    const uint64_t len = 4096 * PAGE; /* 16 MiB */
    uint8_t *ram = g_malloc0(len);
    SsmWriter *w = writer_new();
    viv_stream_t *s = unit_begin(w);
    ssm_put_memory(s, ram, 0, len);
    ck_assert_uint_lt(ssm_writer_bytes(w), 8192); /* zeros: a byte a page */
    const uint64_t zeros = ssm_writer_bytes(w);
    for (uint64_t page = 0; page < 4096; page++)
        noise(ram + page * PAGE, PAGE, (uint32_t)(page % 8)); /* eight contents, incompressible */
    ssm_put_memory(s, ram, len, len);
    ck_assert_uint_lt(ssm_writer_bytes(w) - zeros, 8 * PAGE + 4096 * 5 + 16384);
    g_free(ram);
    ssm_writer_abort(w);
}
END_TEST

typedef struct Ranges {
    uint8_t low[3 * PAGE];
    uint8_t high[2 * PAGE];
    unsigned calls;
} Ranges;

static uint8_t *ranges_map(void *ctx, uint64_t gpa, uint64_t len_bytes)
{
    Ranges *ranges = ctx;
    ranges->calls++;
    if (gpa == 0 && len_bytes == sizeof(ranges->low))
        return ranges->low;
    if (gpa == 0x100000000 && len_bytes == sizeof(ranges->high))
        return ranges->high;
    return NULL;
}

START_TEST(memory_ranges)
{
    g_autofree Ranges *from = g_new0(Ranges, 1);
    g_autofree Ranges *to = g_new0(Ranges, 1);
    noise(from->low, sizeof(from->low), 1);
    noise(from->high, PAGE, 2);
    SsmWriter *w = writer_new();
    viv_stream_t *s = unit_begin(w);
    ssm_put_memory(s, from->low, 0, sizeof(from->low));
    ssm_put_memory(s, from->high, 0x100000000, sizeof(from->high));
    ssm_put_memory_end(s);
    ssm_put_memory(s, from->high, 0x5000, sizeof(from->high));
    ssm_put_memory_end(s);
    ssm_unit_end(w);
    writer_done(w);
    SsmReader *r = reader_new();
    s = unit_open(r);
    ck_assert_int_eq(ssm_get_memory_ranges(s, ranges_map, to, SSM_MEMORY_ZEROED), VIV_OK);
    ck_assert_uint_eq(to->calls, 2);
    ck_assert_mem_eq(to->low, from->low, sizeof(to->low));
    ck_assert_mem_eq(to->high, from->high, sizeof(to->high));
    ck_assert_int_eq(ssm_get_memory_ranges(s, ranges_map, to, 0), VIV_E_CORRUPT);
    ck_assert_ptr_nonnull(strstr(ssm_stream_error(s), "0x2000 bytes at 0x5000"));
    s = unit_open(r);
    ck_assert_int_eq(ssm_get_memory(s, to->low, 0x1000, sizeof(to->low), 0), VIV_E_CORRUPT);
    ssm_reader_close(r);
}
END_TEST

/* -- Failures while writing -- */

START_TEST(abort_leaves_the_old_file)
{
    SsmWriter *w = writer_new();
    ssm_put_u8(unit_begin(w), 1);
    ssm_unit_end(w);
    writer_done(w);
    w = writer_new();
    ssm_put_u8(unit_begin(w), 2);
    ssm_unit_end(w);
    ssm_writer_abort(w);
    uint8_t value;
    SsmReader *r = reader_new();
    ck_assert_int_eq(ssm_get_u8(unit_open(r), &value), VIV_OK);
    ck_assert_uint_eq(value, 1);
    ssm_reader_close(r);
}
END_TEST

static void expect_commit_fails(SsmWriter *w, viv_status_t status, const char *words)
{
    VivError err = VIV_ERROR_INIT;
    const char *text = NULL;
    if (ssm_writer_status(w, &text) != VIV_OK)
        ck_assert_ptr_nonnull(text);
    ck_assert_int_eq(ssm_writer_commit(w, &err), status);
    ck_assert_msg(strstr(err.text, words) != NULL, "%s", err.text);
    error_clear(&err);
    ck_assert(!g_file_test(path, G_FILE_TEST_EXISTS));
}

START_TEST(misuse)
{
    SsmWriter *w = writer_new();
    unit_begin(w);
    expect_commit_fails(w, VIV_E_MISUSE, "no end");

    w = writer_new();
    ck_assert_int_eq(ssm_put_u8(ssm_writer_stream(w), 1), VIV_E_MISUSE);
    expect_commit_fails(w, VIV_E_MISUSE, "outside a unit");

    w = writer_new();
    unit_begin(w);
    ck_assert_int_eq(ssm_unit_begin(w, "v", 0, 1, 0), VIV_E_MISUSE);
    expect_commit_fails(w, VIV_E_MISUSE, "inside this one");

    w = writer_new();
    unit_begin(w);
    ssm_unit_end(w);
    ck_assert_int_eq(ssm_unit_begin(w, "u", 0, 7, SSM_PASS_FINAL), VIV_E_EXISTS);
    expect_commit_fails(w, VIV_E_EXISTS, "twice");

    w = writer_new();
    ck_assert_int_eq(ssm_unit_begin(w, "", 0, 7, 0), VIV_E_INVALID);
    expect_commit_fails(w, VIV_E_INVALID, "name");

    w = writer_new();
    ssm_stream_fail(unit_begin(w), VIV_E_UNSUPPORTED, "cannot be saved while %s", "busy");
    ck_assert_int_eq(ssm_unit_end(w), VIV_E_UNSUPPORTED);
    expect_commit_fails(w, VIV_E_UNSUPPORTED,
                        "unit u/0 at offset 128, byte 0: cannot be saved while busy");

    ck_assert_int_eq(ssm_writer_create(path, "", &w, NULL), VIV_E_INVALID);
    ck_assert_int_eq(ssm_writer_create("/nonexistent/dir/x.sav", IDENTITY, &w, NULL), VIV_E_IO);
    ssm_writer_abort(NULL);
    ssm_reader_close(NULL);
    /* A reader is not written to. */
    writer_done(writer_new());
}
END_TEST

/* A full disk, at every point of the file. */
START_TEST(file_cannot_grow)
{
    signal(SIGXFSZ, SIG_IGN);
    g_autofree uint8_t *data = g_malloc0(300 << 10);
    for (rlim_t limit = 0; limit < 310 << 10; limit += limit < 400 ? 16 : 20000) {
        struct rlimit old;
        getrlimit(RLIMIT_FSIZE, &old);
        const struct rlimit now = {limit, old.rlim_max};
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &now), 0);
        SsmWriter *w = NULL;
        VivError err = VIV_ERROR_INIT;
        viv_status_t st = ssm_writer_create(path, IDENTITY, &w, &err);
        if (st == VIV_OK) {
            ssm_unit_begin(w, "u", 0, 1, SSM_PASS_FINAL);
            if (limit > 400)
                ssm_put(ssm_writer_stream(w), data, 300 << 10);
            ssm_unit_end(w);
            st = ssm_writer_commit(w, &err);
        }
        setrlimit(RLIMIT_FSIZE, &old);
        if (st == VIV_OK) {
            ck_assert_uint_ge(limit, 200);
            ck_assert_int_eq(g_unlink(path), 0);
        } else {
            ck_assert_int_eq(st, VIV_E_IO);
            ck_assert_ptr_nonnull(strstr(err.text, "cannot be written"));
        }
        error_clear(&err);
        ck_assert(!g_file_test(path, G_FILE_TEST_EXISTS));
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ssm");
    TCase *t = tcase_create("ssm");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, numbers_and_text);
    tcase_add_test(t, string_too_long);
    tcase_add_test(t, many_chunks);
    tcase_add_test(t, units);
    tcase_add_test(t, no_units);
    tcase_add_test(t, fields_round_trip);
    tcase_add_test(t, fields_older_file);
    tcase_add_test(t, fields_newer_file);
    tcase_add_test(t, fields_bool_is_normal);
    tcase_add_test(t, fields_other_stride);
    tcase_add_test(t, fields_bad_tables);
    tcase_add_loop_test(t, memory_round_trip, 0, 7);
    tcase_add_test(t, memory_is_small);
    tcase_add_test(t, memory_ranges);
    tcase_add_test(t, abort_leaves_the_old_file);
    tcase_add_test(t, misuse);
    tcase_add_test(t, file_cannot_grow);
    suite_add_tcase(s, t);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
