/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cfgm: the tree, queries, the text overlay, option tables. */
#include <check.h>
#include <glib.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cfgm/cfgm.h"
#include "log/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static CfgmNode *root;
static VivError err;

static void setup(void)
{
    root = cfgm_new();
    err = (VivError)VIV_ERROR_INIT;
}

static void teardown(void)
{
    cfgm_free(root);
    error_clear(&err);
}

static char *dump(const CfgmNode *node)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    cfgm_dump(node, out);
    fclose(out);
    return text;
}

START_TEST(create_and_find)
{
    CfgmNode *config = cfgm_create(root, "Devices/ahci/0/Config", &err);
    ck_assert_ptr_nonnull(config);
    ck_assert_ptr_eq(cfgm_create(root, "/Devices/ahci/0/Config", &err), config);
    ck_assert_ptr_eq(cfgm_child(root, "Devices/ahci/0/Config"), config);
    ck_assert_ptr_eq(cfgm_child(root, "/Devices/ahci/0/Config"), config);
    ck_assert_ptr_eq(cfgm_child(config, ""), config);
    ck_assert_ptr_null(cfgm_child(root, "Devices/ahci/1"));
    ck_assert_ptr_null(cfgm_child(root, "Devices/ahc"));
    ck_assert_ptr_null(cfgm_child(root, "Devices/ahci/"));
    ck_assert_ptr_null(cfgm_child(root, "Devices//ahci"));
    ck_assert_ptr_null(cfgm_child(NULL, "x"));
    g_autofree char *path = cfgm_path(config);
    ck_assert_str_eq(path, "Devices/ahci/0/Config");
    g_autofree char *root_path = cfgm_path(root);
    ck_assert_str_eq(root_path, "");
    ck_assert_str_eq(cfgm_name(config), "Config");
    ck_assert_str_eq(cfgm_name(cfgm_parent(config)), "0");
}
END_TEST

START_TEST(order_is_kept)
{
    static const char *const names[] = {"z", "a", "LUN#0", "m"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        ck_assert_ptr_nonnull(cfgm_create(root, names[i], &err));
        ck_assert_int_eq(cfgm_set_u64(root, names[i], i, &err),
                         VIV_OK); /* a value of the same name is another thing */
    }
    ck_assert_int_eq(cfgm_set_bool(root, "a", true, &err), VIV_OK); /* set again: keeps its place */
    const CfgmNode *node = cfgm_first_child(root);
    const CfgmValue *value = cfgm_first_value(root);
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        ck_assert_str_eq(cfgm_name(node), names[i]);
        ck_assert_str_eq(value->name, names[i]);
        node = cfgm_next(node);
        value = cfgm_next_value(value);
    }
    ck_assert_ptr_null(node);
    ck_assert_ptr_null(value);
    ck_assert_int_eq(cfgm_value(root, "a")->type, CFGM_BOOL);
}
END_TEST

START_TEST(bad_names)
{
    char long_name[CFGM_NAME_MAX + 2];
    memset(long_name, 'n', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    const char *bad[] = {"a//b",     "a/",     "//a",     "a\nb",    "a\x7f",
                         "\xff\xfe", "a/\xc3", long_name, "a/b\tc/d"};
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        ck_assert_ptr_null(cfgm_create(root, bad[i], &err));
        ck_assert_int_eq(err.status, VIV_E_CONFIG);
        ck_assert_int_eq(cfgm_set_u64(root, bad[i], 1, &err), VIV_E_CONFIG);
    }
    ck_assert_int_eq(cfgm_set_u64(root, "", 1, &err), VIV_E_CONFIG);
    ck_assert_int_eq(cfgm_set_u64(root, "/", 1, &err), VIV_E_CONFIG);
    /* Nothing was made on the way to the fault. */
    ck_assert_ptr_null(cfgm_first_child(root));
    ck_assert_ptr_null(cfgm_first_value(root));
    long_name[CFGM_NAME_MAX] = '\0';
    ck_assert_ptr_nonnull(cfgm_create(root, long_name, &err));
    ck_assert_ptr_nonnull(cfgm_create(root, "Ger\xc3\xa4t 1", &err));
}
END_TEST

START_TEST(depth_is_bounded)
{
    GString *path = g_string_new("n");
    for (uint32_t i = 1; i < CFGM_DEPTH_MAX; i++)
        g_string_append(path, "/n");
    CfgmNode *deepest = cfgm_create(root, path->str, &err);
    ck_assert_ptr_nonnull(deepest);
    ck_assert_int_eq(cfgm_set_u64(deepest, "value", 1, &err), VIV_OK);
    ck_assert_ptr_null(cfgm_create(deepest, "n", &err));
    ck_assert_int_eq(err.status, VIV_E_CONFIG);
    ck_assert_int_eq(cfgm_set_u64(deepest, "n/value", 1, &err), VIV_E_CONFIG);
    CfgmNode *tree = cfgm_new();
    ck_assert_int_eq(cfgm_insert(deepest, "x", tree, &err), VIV_E_CONFIG);
    ck_assert_ptr_nonnull(cfgm_create(tree, path->str, &err));
    ck_assert_int_eq(cfgm_insert(root, "x", tree, &err), VIV_E_CONFIG);
    cfgm_free(tree);
    g_string_free(path, TRUE);
}
END_TEST

START_TEST(insert_copy_remove)
{
    cfgm_set_string(root, "a/b/c", "text", &err);
    cfgm_set_bytes(root, "a/b/d", "\1\2\3", 3, &err);
    cfgm_set_bytes(root, "a/empty", "", 0, &err);
    CfgmNode *copy = cfgm_copy(cfgm_child(root, "a"));
    ck_assert_int_eq(cfgm_insert(root, "a", copy, &err), VIV_E_EXISTS);
    ck_assert_int_eq(cfgm_insert(root, "x/y", copy, &err), VIV_E_CONFIG);
    ck_assert_int_eq(cfgm_insert(copy, "self", copy, &err), VIV_E_MISUSE);
    ck_assert_int_eq(cfgm_insert(root, "x", copy, &err), VIV_OK);
    ck_assert_int_eq(cfgm_insert(root, "y", copy, &err), VIV_E_MISUSE);
    ck_assert_str_eq(cfgm_string(root, "x/b/c", ""), "text");
    g_autofree char *path = cfgm_path(cfgm_child(root, "x/b"));
    ck_assert_str_eq(path, "x/b");
    ck_assert_int_eq(cfgm_remove(root, "a"), VIV_OK);
    ck_assert_int_eq(cfgm_remove(root, "a"), VIV_E_NOT_FOUND);
    ck_assert_int_eq(cfgm_remove(root, ""), VIV_E_NOT_FOUND);
    const uint8_t *bytes;
    size_t len;
    ck_assert_int_eq(cfgm_get_bytes(root, "x/b/d", &bytes, &len, &err), VIV_OK);
    ck_assert_uint_eq(len, 3);
    ck_assert_mem_eq(bytes, "\1\2\3", 3);
    ck_assert_int_eq(cfgm_get_bytes(root, "x/empty", &bytes, &len, &err), VIV_OK);
    ck_assert_ptr_nonnull(bytes);
    ck_assert_uint_eq(len, 0);
    ck_assert_int_eq(cfgm_remove_value(root, "x/b/d"), VIV_OK);
    ck_assert_int_eq(cfgm_remove_value(root, "x/b/d"), VIV_E_NOT_FOUND);
    ck_assert_int_eq(cfgm_remove_value(root, "no/such/node"), VIV_E_NOT_FOUND);
    cfgm_free(NULL);
}
END_TEST

START_TEST(text_outlives_its_value)
{
    cfgm_set_string(root, "a/s", "first", &err);
    const char *first = cfgm_string(root, "a/s", NULL);
    /* From itself: must not be read after it is freed. */
    ck_assert_int_eq(cfgm_set_string(root, "a/s", first + 1, &err), VIV_OK);
    const char *second = cfgm_string(root, "a/s", NULL);
    ck_assert_int_eq(cfgm_remove_value(root, "a/s"), VIV_OK);
    ck_assert_str_eq(first, "first");
    ck_assert_str_eq(second, "irst");
}
END_TEST

START_TEST(queries)
{
    uint64_t u64;
    bool flag;
    const char *text;
    const uint8_t *bytes;
    size_t len;
    cfgm_set_u64(root, "n/int", 300, &err);
    cfgm_set_u64(root, "n/one", 1, &err);
    cfgm_set_bool(root, "n/bool", true, &err);
    cfgm_set_string(root, "n/text", "abc", &err);
    const CfgmNode *n = cfgm_child(root, "n");
    ck_assert_int_eq(cfgm_get_u64(n, "int", 5, &u64, &err), VIV_OK);
    ck_assert_uint_eq(u64, 300);
    ck_assert_int_eq(cfgm_get_u64(n, "absent", 5, &u64, &err), VIV_OK);
    ck_assert_uint_eq(u64, 5);
    ck_assert_int_eq(cfgm_get_u64(NULL, "absent", 6, &u64, &err), VIV_OK);
    ck_assert_uint_eq(u64, 6);
    ck_assert_int_eq(cfgm_get_u64_range(n, "int", 1, 255, 7, &u64, &err), VIV_E_CONFIG);
    ck_assert_uint_eq(u64, 7);
    ck_assert_str_eq(err.text,
                     "n/int: is 300 (0x12c, integer); allowed is an integer from 1 to 255");
    ck_assert_int_eq(cfgm_get_u64(root, "n/text", 0, &u64, &err), VIV_E_CONFIG);
    ck_assert_str_eq(err.text, "n/text: is 'abc' (string); allowed is an integer");
    ck_assert_int_eq(cfgm_get_u64(n, "bool", 0, &u64, &err), VIV_E_CONFIG);
    ck_assert_int_eq(cfgm_get_bool(n, "bool", false, &flag, &err), VIV_OK);
    ck_assert(flag);
    ck_assert_int_eq(cfgm_get_bool(n, "one", false, &flag, &err), VIV_OK);
    ck_assert(flag);
    ck_assert_int_eq(cfgm_get_bool(n, "int", false, &flag, &err), VIV_E_CONFIG);
    ck_assert_int_eq(cfgm_get_string(n, "text", NULL, &text, &err), VIV_OK);
    ck_assert_str_eq(text, "abc");
    ck_assert_int_eq(cfgm_get_string(n, "int", NULL, &text, &err), VIV_E_CONFIG);
    ck_assert_int_eq(cfgm_get_bytes(n, "text", &bytes, &len, &err), VIV_E_CONFIG);
    ck_assert_ptr_null(bytes);
    ck_assert_uint_eq(cfgm_u64(n, "int", 0), 300);
    ck_assert_uint_eq(cfgm_u64(n, "text", 9), 9);
    ck_assert(cfgm_bool(n, "absent", true));
}
END_TEST

/* -- The overlay -- */

typedef struct Typed {
    const char *text;
    CfgmType type; /* 0: refused */
    uint64_t u64;
    const char *string;
} Typed;

static const Typed typed[] = {
    {"5", CFGM_U64, 5, NULL},
    {"0x1F", CFGM_U64, 31, NULL},
    {"007", CFGM_U64, 7, NULL},
    {"-1", CFGM_U64, UINT64_MAX, NULL},
    {"-9223372036854775808", CFGM_U64, 1ull << 63, NULL},
    {"18446744073709551615", CFGM_U64, UINT64_MAX, NULL},
    {"0xffffffffffffffff", CFGM_U64, UINT64_MAX, NULL},
    {"18446744073709551616", CFGM_STRING, 0, "18446744073709551616"},
    {"-9223372036854775809", CFGM_STRING, 0, "-9223372036854775809"},
    {"5 ", CFGM_STRING, 0, "5 "},
    {" 5", CFGM_STRING, 0, " 5"},
    {"0x", CFGM_STRING, 0, "0x"},
    {"-", CFGM_STRING, 0, "-"},
    {"+5", CFGM_STRING, 0, "+5"},
    {"5a", CFGM_STRING, 0, "5a"},
    {"1.5", CFGM_STRING, 0, "1.5"},
    {"PIIX4", CFGM_STRING, 0, "PIIX4"},
    {"string:5", CFGM_STRING, 0, "5"},
    {"string:", CFGM_STRING, 0, ""},
    {"string:string:x", CFGM_STRING, 0, "string:x"},
    {"integer:0x10", CFGM_U64, 16, NULL},
    {"integer:", 0, 0, NULL},
    {"integer:x", 0, 0, NULL},
    {"integer:18446744073709551616", 0, 0, NULL},
    {"bytes:AQID", CFGM_BYTES, 3, "\1\2\3"},
    {"bytes:AQI=", CFGM_BYTES, 2, "\1\2"},
    {"bytes:", CFGM_BYTES, 0, ""},
    {"bytes:AQ", 0, 0, NULL},
    {"bytes:A!==", 0, 0, NULL},
    {"bytes:=AQI", 0, 0, NULL},
    {"\xff\xff", 0, 0, NULL},
};

START_TEST(overlay_types)
{
    const Typed *t = &typed[_i];
    const viv_status_t st =
        cfgm_set_from_text(root, "VBoxInternal/Devices/x/0/Config/Key", t->text, &err);
    const CfgmValue *value = cfgm_value(root, "Devices/x/0/Config/Key");
    if (!t->type) {
        ck_assert_int_eq(st, VIV_E_CONFIG);
        ck_assert_ptr_null(value);
        return;
    }
    ck_assert_int_eq(st, VIV_OK);
    ck_assert_ptr_nonnull(value);
    ck_assert_int_eq(value->type, t->type);
    if (t->type == CFGM_U64)
        ck_assert_uint_eq(value->u64, t->u64);
    else if (t->type == CFGM_STRING)
        ck_assert_str_eq(value->string, t->string);
    else {
        ck_assert_uint_eq(value->len_bytes, t->u64);
        ck_assert(memcmp(value->bytes, t->string, t->u64) == 0);
    }
}
END_TEST

START_TEST(overlay_removes)
{
    ck_assert_int_eq(cfgm_set_from_text(root, "a/b/Key", "1", &err), VIV_OK);
    ck_assert_int_eq(cfgm_set_from_text(root, "a/b/Key", "", &err), VIV_OK);
    ck_assert_ptr_null(cfgm_value(root, "a/b/Key"));
    ck_assert_ptr_nonnull(cfgm_child(root, "a/b"));
    ck_assert_int_eq(cfgm_set_from_text(root, "gone/b/Key", "1", &err), VIV_OK);
    ck_assert_int_eq(cfgm_set_from_text(root, "gone", "", &err), VIV_OK);
    ck_assert_ptr_null(cfgm_child(root, "gone"));
    ck_assert_int_eq(cfgm_set_from_text(root, "", "", &err), VIV_OK); /* not the whole tree */
    ck_assert_int_eq(cfgm_set_from_text(root, "no/such/Key", "", &err), VIV_OK);
    ck_assert_ptr_null(cfgm_child(root, "no"));
    ck_assert_int_eq(cfgm_set_from_text(root, "VBoxInternal/", "1", &err), VIV_E_CONFIG);
    ck_assert_int_eq(cfgm_set_from_text(root, "/VBoxInternal/Top", "1", &err), VIV_OK);
    ck_assert_uint_eq(cfgm_u64(root, "Top", 0), 1);
    ck_assert_int_eq(cfgm_set_from_assignment(root, "a/c=x=y", &err), VIV_OK);
    ck_assert_str_eq(cfgm_string(root, "a/c", ""), "x=y");
    ck_assert_int_eq(cfgm_set_from_assignment(root, "a/c", &err), VIV_E_CONFIG);
}
END_TEST

static GString *logged;

static void log_collect(void *ctx, uint32_t level, const char *group, const char *line, size_t len)
{
    (void)ctx;
    (void)level;
    if (strcmp(group, "cfgm") == 0)
        g_string_append_len(logged, line, (gssize)len);
}

START_TEST(overlay_is_logged)
{
    logged = g_string_new(NULL);
    log_set_sink(log_collect, NULL);
    ck_assert_int_eq(log_configure("cfgm=info", NULL), VIV_OK);
    cfgm_set_from_text(root, "VBoxInternal/TM/Rate", "50", &err);
    cfgm_set_from_text(root, "VBoxInternal/TM/Rate", "slow", &err);
    cfgm_set_from_text(root, "VBoxInternal/TM/Rate", "", &err);
    ck_assert_ptr_nonnull(
        strstr(logged->str, "override TM/Rate: is 50 (0x32, integer), was not set\n"));
    ck_assert_ptr_nonnull(
        strstr(logged->str, "override TM/Rate: is 'slow' (string), was 50 (0x32, integer)\n"));
    ck_assert_ptr_nonnull(strstr(logged->str, "override TM/Rate: removed, was 'slow' (string)\n"));
    log_set_sink(NULL, NULL);
    g_string_free(logged, TRUE);
}
END_TEST

/* -- Option tables -- */

typedef struct Device {
    uint8_t u8;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;
    int32_t i32;
    int64_t i64;
    uint8_t flag;
    const char *text;
    const char *serial;
    uint32_t behind;
} Device;

static const viv_option_t options[] = {
    VIV_OPT(Device, u8, VIV_U8, 1, 200, 7, "a byte"),
    VIV_OPT(Device, u16, VIV_U16, 0, 0xffff, 0x80, "a port"),
    VIV_OPT(Device, u32, VIV_U32, 0, UINT32_MAX, 1, "a word"),
    VIV_OPT(Device, u64, VIV_U64, 0, UINT64_MAX, UINT64_MAX, "a long one"),
    VIV_OPT(Device, i32, VIV_I32, -5, 5, -2, "a signed one"),
    VIV_OPT(Device, i64, VIV_I64, INT64_MIN, INT64_MAX, -3, "a long signed one"),
    VIV_OPT(Device, flag, VIV_BOOL, 0, 1, 1, "a switch"),
    VIV_OPT_STRING(Device, "Text", text, "none", "a text"),
    {.name = "Port0/Serial",
     .min = 2,
     .max = 4,
     .type = VIV_STRING,
     .offset = offsetof(Device, serial)},
    {0},
};
static const char *const allow[] = {"Port?/Model", "Names/*", "Tree/**", NULL};

static viv_status_t validate(Device *device)
{
    error_clear(&err);
    memset(device, 0, sizeof(*device));
    device->behind = 0xabcd;
    const viv_status_t st = cfgm_validate_options(cfgm_child(root, "D/0/Config"), options,
                                                  sizeof(viv_option_t), device, allow, &err);
    ck_assert_uint_eq(device->behind, 0xabcd);
    return st;
}

START_TEST(options_defaults)
{
    Device d;
    ck_assert_int_eq(validate(&d), VIV_OK); /* no node at all */
    ck_assert_ptr_nonnull(cfgm_create(root, "D/0/Config", &err));
    ck_assert_int_eq(validate(&d), VIV_OK);
    ck_assert_uint_eq(d.u8, 7);
    ck_assert_uint_eq(d.u16, 0x80);
    ck_assert_uint_eq(d.u64, UINT64_MAX);
    ck_assert_int_eq(d.i32, -2);
    ck_assert_int_eq(d.i64, -3);
    ck_assert_uint_eq(d.flag, 1);
    ck_assert_str_eq(d.text, "none");
    ck_assert_ptr_null(d.serial);
    ck_assert_int_eq(cfgm_validate_options(NULL, NULL, 0, &d, NULL, &err), VIV_OK);
}
END_TEST

START_TEST(options_values)
{
    Device d;
    static const char *const set[] = {
        "u8=200",        "u16=0xffff",      "u32=4294967295",
        "u64=0",         "i32=-5",          "i64=-9223372036854775808",
        "flag=0",        "Text=string:123", "Port0/Serial=abcd",
        "Port0/Model=m", "Names/x=1",       "Tree/a/b/c=1"};
    for (size_t i = 0; i < G_N_ELEMENTS(set); i++) {
        g_autofree char *assignment = g_strconcat("D/0/Config/", set[i], NULL);
        ck_assert_int_eq(cfgm_set_from_assignment(root, assignment, &err), VIV_OK);
    }
    ck_assert_msg(validate(&d) == VIV_OK, "%s", err.text);
    ck_assert_uint_eq(d.u8, 200);
    ck_assert_uint_eq(d.u16, 0xffff);
    ck_assert_uint_eq(d.u32, UINT32_MAX);
    ck_assert_uint_eq(d.u64, 0);
    ck_assert_int_eq(d.i32, -5);
    ck_assert_int_eq(d.i64, INT64_MIN);
    ck_assert_uint_eq(d.flag, 0);
    ck_assert_str_eq(d.text, "123");
    ck_assert_ptr_eq(d.text, cfgm_string(root, "D/0/Config/Text", NULL));
    ck_assert_str_eq(d.serial, "abcd");
}
END_TEST

typedef struct BadOption {
    const char *assignment;
    const char *text;
} BadOption;

static const BadOption bad_options[] = {
    {"u8=0",
     "D/0/Config/u8: is 0 (integer); allowed is an integer of 8 bits from 1 to 200 (0x1 to 0xc8)"},
    {"u8=256", "D/0/Config/u8: is 256 (0x100, integer); allowed is an integer of 8 bits from 1 to "
               "200 (0x1 to 0xc8)"},
    {"u8=x",
     "D/0/Config/u8: is 'x' (string); allowed is an integer of 8 bits from 1 to 200 (0x1 to 0xc8)"},
    {"u32=4294967296", "allowed is an integer of 32 bits"},
    {"i32=6",
     "D/0/Config/i32: is 6 (integer); allowed is a signed integer of 32 bits from -5 to 5"},
    {"i32=-6", "allowed is a signed integer of 32 bits from -5 to 5"},
    {"i32=0xfffffffb", "allowed is a signed integer of 32 bits from -5 to 5"},
    {"u16=-1", "allowed is an integer of 16 bits"},
    {"flag=2", "D/0/Config/flag: is 2 (integer); allowed is a boolean, or 0 or 1"},
    {"flag=yes", "allowed is a boolean, or 0 or 1"},
    {"Text=5", "D/0/Config/Text: is 5 (integer); allowed is a string (string:... as text)"},
    {"Text=bytes:AAAA", "D/0/Config/Text: is 3 bytes; allowed is a string"},
    {"Port0/Serial=a",
     "D/0/Config/Port0/Serial: is 'a' (string); allowed is a string of 2 to 4 bytes"},
    {"Port0/Serial=abcde", "allowed is a string of 2 to 4 bytes"},
    {"U8=1", "D/0/Config/U8: unknown key, is 1 (integer); allowed is u8, u16,"},
    {"Port0/Other=1", "D/0/Config/Port0/Other: unknown key"},
    {"Port10/Model=1", "D/0/Config/Port10/Model: unknown key"},
    {"Names/x/y=1", "D/0/Config/Names/x/y: unknown key"},
    {"Serial=abc", "unknown key, is 'abc' (string); allowed is u8, u16, u32, u64, i32, i64, flag, "
                   "Text, Port0/Serial, "
                   "Port?/Model, Names/*, Tree/**"},
};

START_TEST(options_refused)
{
    Device d;
    g_autofree char *assignment = g_strconcat("D/0/Config/", bad_options[_i].assignment, NULL);
    ck_assert_int_eq(cfgm_set_from_assignment(root, assignment, &err), VIV_OK);
    ck_assert_int_eq(validate(&d), VIV_E_CONFIG);
    ck_assert_msg(strstr(err.text, bad_options[_i].text) != NULL, "%s: '%s' lacks '%s'", assignment,
                  err.text, bad_options[_i].text);
}
END_TEST

START_TEST(options_empty_nodes)
{
    Device d;
    static const char *const good[] = {"Port0", "Port7", "Names", "Tree", "Tree/a/b"};
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
        g_autofree char *path = g_strconcat("D/0/Config/", good[i], NULL);
        ck_assert_ptr_nonnull(cfgm_create(root, path, &err));
        ck_assert_msg(validate(&d) == VIV_OK, "%s", err.text);
    }
    static const char *const bad[] = {"u8", "Other", "Port10", "Names/x/y", "Port0/Serial/x"};
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree char *path = g_strconcat("D/0/Config/", bad[i], NULL);
        ck_assert_ptr_nonnull(cfgm_create(root, path, &err));
        ck_assert_msg(validate(&d) == VIV_E_CONFIG, "%s", path);
        ck_assert_ptr_nonnull(strstr(err.text, "unknown node (empty)"));
        cfgm_remove(root, path);
    }
}
END_TEST

START_TEST(options_bad_tables)
{
    Device d;
    static const viv_option_t range[] = {VIV_OPT(Device, u8, VIV_U8, 1, 2, 3, ""), {0}};
    static const viv_option_t type[] = {VIV_OPT(Device, u8, VIV_BYTES, 1, 2, 1, ""), {0}};
    static const viv_option_t wide[] = {VIV_OPT(Device, u8, VIV_U8, 0, 1000, 500, ""), {0}};
    static const viv_option_t flag[] = {VIV_OPT(Device, flag, VIV_BOOL, 0, 9, 9, ""), {0}};
    const viv_option_t *const bad[] = {range, type, wide, flag};
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        ck_assert_int_eq(cfgm_validate_options(NULL, bad[i], sizeof(viv_option_t), &d, NULL, &err),
                         VIV_E_MISUSE);
    ck_assert_int_eq(cfgm_validate_options(NULL, options, 8, &d, NULL, &err), VIV_E_MISUSE);
}
END_TEST

/* Tables made with other headers: elements are further apart. */
START_TEST(options_stride)
{
    typedef struct Wide {
        viv_option_t now;
        uint64_t later[2];
    } Wide;
    static const Wide wide[] = {
        {VIV_OPT(Device, u8, VIV_U8, 1, 200, 7, "a byte"), {1, 2}},
        {VIV_OPT(Device, u16, VIV_U16, 0, 9, 8, "more"), {3, 4}},
        {{0}, {0, 0}},
    };
    Device d = {0};
    ck_assert_int_eq(cfgm_validate_options(NULL, &wide[0].now, sizeof(Wide), &d, NULL, &err),
                     VIV_OK);
    ck_assert_uint_eq(d.u8, 7);
    ck_assert_uint_eq(d.u16, 8);
}
END_TEST

START_TEST(listing)
{
    cfgm_set_u64(root, "Num", 16, &err);
    cfgm_set_string(root, "A/Text", "x\n\"y\"", &err);
    cfgm_set_bool(root, "A/B/Flag", true, &err);
    cfgm_set_bytes(root, "A/B/Raw", "\xab\xcd", 2, &err);
    char *text = dump(root);
    ck_assert_str_eq(text, "Num <integer> = 16 (0x10)\n"
                           "A/\n"
                           "  Text <string> = \"x\\x0a\\\"y\\\"\"\n"
                           "  B/\n"
                           "    Flag <boolean> = true\n"
                           "    Raw <bytes> = abcd (2 bytes)\n");
    free(text);
    free(dump(NULL));
}
END_TEST

START_TEST(random_overlays)
{
    static const char *const words[] = {"VBoxInternal/",
                                        "Devices",
                                        "/",
                                        "x",
                                        "0",
                                        "Config",
                                        "=",
                                        "\n",
                                        "u8",
                                        "Text",
                                        "i32",
                                        "Port0",
                                        "Serial",
                                        "List",
                                        "-",
                                        "5",
                                        "0x",
                                        "string:",
                                        "bytes:",
                                        "integer:",
                                        "AQ==",
                                        "\xc3\xa4",
                                        "\xff",
                                        "Devices/x/0/Config/",
                                        "flag=1\n"};
    GRand *rand = g_rand_new_with_seed((guint32)_i);
    for (unsigned round = 0; round < 300; round++) {
        g_autoptr(GString) input = g_string_new(NULL);
        for (gint32 n = g_rand_int_range(rand, 1, 120); n > 0; n--) {
            if (g_rand_int_range(rand, 0, 20) == 0)
                g_string_append_c(input, (char)g_rand_int_range(rand, 1, 256));
            else
                g_string_append(input,
                                words[g_rand_int_range(rand, 0, (gint32)G_N_ELEMENTS(words))]);
        }
        ck_assert_int_eq(LLVMFuzzerTestOneInput((const uint8_t *)input->str, input->len), 0);
    }
    g_rand_free(rand);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("cfgm");
    TCase *t = tcase_create("cfgm");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 30);
    tcase_add_test(t, create_and_find);
    tcase_add_test(t, order_is_kept);
    tcase_add_test(t, bad_names);
    tcase_add_test(t, depth_is_bounded);
    tcase_add_test(t, insert_copy_remove);
    tcase_add_test(t, text_outlives_its_value);
    tcase_add_test(t, queries);
    tcase_add_loop_test(t, overlay_types, 0, (int)G_N_ELEMENTS(typed));
    tcase_add_test(t, overlay_removes);
    tcase_add_test(t, overlay_is_logged);
    tcase_add_test(t, options_defaults);
    tcase_add_test(t, options_values);
    tcase_add_loop_test(t, options_refused, 0, (int)G_N_ELEMENTS(bad_options));
    tcase_add_test(t, options_empty_nodes);
    tcase_add_test(t, options_bad_tables);
    tcase_add_test(t, options_stride);
    tcase_add_test(t, listing);
    tcase_add_loop_test(t, random_overlays, 0, 5);
    suite_add_tcase(s, t);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
