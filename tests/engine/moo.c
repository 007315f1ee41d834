/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* moo: see moo.h. */
#include "moo.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#define MOO_FILE_MAX (64u << 20)

/* A part of the file, read from its front. Reading beyond its end sets bad and gives zeros. */
typedef struct Span {
    const uint8_t *p, *end;
    bool bad;
} Span;

static const uint8_t *span_take(Span *s, size_t n)
{
    const uint8_t *p = s->p;
    if ((size_t)(s->end - s->p) < n) {
        s->bad = true;
        s->p = s->end;
        return NULL;
    }
    s->p += n;
    return p;
}

static uint32_t span_le(Span *s, size_t n)
{
    const uint8_t *p = span_take(s, n);
    uint32_t v = 0;
    if (p)
        memcpy(&v, p, n);
    return GUINT32_FROM_LE(v);
}

/* The next chunk: its type as text, its payload in *ret. False: nothing more. */
static bool span_chunk(Span *s, char type[5], Span *ret)
{
    const uint8_t *p;
    uint32_t n;
    if (s->p == s->end || s->bad)
        return false;
    p = span_take(s, 4);
    n = span_le(s, 4);
    if (!p || s->bad)
        return false;
    memcpy(type, p, 4);
    type[4] = '\0';
    p = span_take(s, n);
    if (!p)
        return false;
    *ret = (Span){.p = p, .end = p + n};
    return true;
}

/* -- files ------------------------------------------------------------------------------------- */
static bool moo_slurp(Moo *moo, const char *path)
{
    gzFile f = gzopen(path, "rb");
    GByteArray *all;
    uint8_t part[65536];
    int n;
    if (!f)
        return false;
    all = g_byte_array_new();
    while ((n = gzread(f, part, sizeof(part))) > 0 && all->len < MOO_FILE_MAX)
        g_byte_array_append(all, part, (guint)n);
    gzclose(f);
    moo->len = all->len;
    moo->data = g_byte_array_free(all, FALSE);
    return n == 0;
}

bool moo_open(Moo *moo, const char *path)
{
    Span all, head;
    char type[5];
    memset(moo, 0, sizeof(*moo));
    if (moo_slurp(moo, path)) {
        all = (Span){.p = moo->data, .end = moo->data + moo->len};
        if (span_chunk(&all, type, &head) && !strcmp(type, "MOO ") && span_take(&head, 4)) {
            moo->count = span_le(&head, 4);
            moo->at = (size_t)(all.p - moo->data);
            if (!head.bad)
                return true;
        }
    }
    fprintf(stderr, "moo: %s cannot be read\n", path);
    moo_close(moo);
    return false;
}

void moo_close(Moo *moo)
{
    g_free(moo->data);
    moo->data = NULL;
}

/* -- cases ------------------------------------------------------------------------------------- */
static void moo_regs(Span *s, MooState *st)
{
    unsigned k;
    st->has = (uint16_t)span_le(s, 2);
    for (k = 0; k < MOO_REGS; k++)
        if (st->has >> k & 1)
            st->reg[k] = (uint16_t)span_le(s, 2);
}

static void moo_ram(Span *s, MooState *st)
{
    uint32_t n = span_le(s, 4), k;
    if (n > MOO_RAM_MAX) {
        s->bad = true;
        return;
    }
    st->ram_count = n;
    for (k = 0; k < n; k++) {
        st->ram[k].addr = span_le(s, 4);
        st->ram[k].value = (uint8_t)span_le(s, 1);
    }
}

static bool moo_state(Span *s, MooState *st)
{
    char type[5];
    Span part;
    memset(st, 0, sizeof(*st));
    while (span_chunk(s, type, &part)) {
        if (!strcmp(type, "REGS"))
            moo_regs(&part, st);
        else if (!strcmp(type, "RAM "))
            moo_ram(&part, st);
        if (part.bad)
            return false;
    }
    return !s->bad;
}

/* A counted string of bytes, cut to what fits. */
static uint32_t moo_counted(Span *s, void *to, uint32_t max)
{
    uint32_t n = span_le(s, 4);
    const uint8_t *p = span_take(s, n);
    n = MIN(n, max);
    if (p)
        memcpy(to, p, n);
    return p ? n : 0;
}

static bool moo_part(MooCase *mc, const char *type, Span *s)
{
    if (!strcmp(type, "NAME")) {
        mc->name[moo_counted(s, mc->name, sizeof(mc->name) - 1)] = '\0';
    } else if (!strcmp(type, "BYTS")) {
        mc->byte_count = moo_counted(s, mc->bytes, MOO_BYTES_MAX);
    } else if (!strcmp(type, "INIT")) {
        return moo_state(s, &mc->init);
    } else if (!strcmp(type, "FINA")) {
        return moo_state(s, &mc->final);
    } else if (!strcmp(type, "EXCP")) {
        mc->exception = true;
        mc->vector = (uint8_t)span_le(s, 1);
        mc->flags_addr = span_le(s, 4);
    }
    return !s->bad;
}

int moo_next(Moo *moo, MooCase *mc)
{
    Span all = {.p = moo->data + moo->at, .end = moo->data + moo->len}, test, part;
    char type[5];
    for (;;) {
        if (!span_chunk(&all, type, &test)) {
            if (all.bad)
                fprintf(stderr, "moo: a chunk is longer than the file\n");
            return all.bad ? -1 : 0;
        }
        moo->at = (size_t)(all.p - moo->data);
        if (!strcmp(type, "TEST"))
            break;
    }
    mc->exception = false;
    mc->byte_count = 0;
    mc->name[0] = '\0';
    mc->init.has = mc->final.has = 0;
    mc->init.ram_count = mc->final.ram_count = 0;
    mc->index = span_le(&test, 4);
    while (span_chunk(&test, type, &part))
        if (!moo_part(mc, type, &part))
            test.bad = true;
    if (test.bad || mc->init.has != (1u << MOO_REGS) - 1) {
        fprintf(stderr, "moo: case %u is damaged\n", mc->index);
        return -1;
    }
    return 1;
}

/* -- masks ------------------------------------------------------------------------------------- */
struct MooMasks {
    GHashTable *by_opcode;
};

/* Keys that lead to the value being read, as "opcodes/F6/reg/4/flags-mask". */
static void moo_masks_value(MooMasks *masks, const char *path, uint64_t value)
{
    g_auto(GStrv) key = g_strsplit(path, "/", -1);
    guint n = g_strv_length(key);
    if (n < 3 || strcmp(key[0], "opcodes") != 0 || strcmp(key[n - 1], "flags-mask") != 0)
        return;
    if (n == 3)
        g_hash_table_insert(masks->by_opcode, g_strdup(key[1]), GUINT_TO_POINTER(value));
    else if (n == 5)
        g_hash_table_insert(masks->by_opcode, g_strconcat(key[1], ".", key[3], NULL),
                            GUINT_TO_POINTER(value));
}

/* JSON as far as this file uses it: objects of strings, numbers and objects. */
static bool moo_masks_object(MooMasks *masks, GScanner *in, const char *path, unsigned depth)
{
    if (g_scanner_get_next_token(in) != '{' || depth > 8)
        return false;
    while (g_scanner_peek_next_token(in) == G_TOKEN_STRING) {
        g_autofree char *at = NULL;
        g_scanner_get_next_token(in);
        at =
            *path ? g_strconcat(path, "/", in->value.v_string, NULL) : g_strdup(in->value.v_string);
        if (g_scanner_get_next_token(in) != ':')
            return false;
        if (g_scanner_peek_next_token(in) == '{') {
            if (!moo_masks_object(masks, in, at, depth + 1))
                return false;
        } else if (g_scanner_get_next_token(in) == G_TOKEN_INT) {
            moo_masks_value(masks, at, in->value.v_int64);
        } else if (in->token != G_TOKEN_STRING) {
            return false;
        }
        if (g_scanner_peek_next_token(in) == ',')
            g_scanner_get_next_token(in);
    }
    return g_scanner_get_next_token(in) == '}';
}

MooMasks *moo_masks_load(const char *path)
{
    MooMasks *masks = g_new0(MooMasks, 1);
    g_autofree char *text = NULL;
    gsize len = 0;
    GScanner *in = g_scanner_new(NULL);
    bool ok;
    in->config->store_int64 = TRUE;
    in->config->scan_octal = FALSE;
    in->config->skip_comment_single = in->config->skip_comment_multi = FALSE;
    masks->by_opcode = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    ok = g_file_get_contents(path, &text, &len, NULL);
    if (ok) {
        g_scanner_input_text(in, text, (guint)len);
        ok = moo_masks_object(masks, in, "", 0) && g_hash_table_size(masks->by_opcode) > 0;
    }
    g_scanner_destroy(in);
    if (ok)
        return masks;
    fprintf(stderr, "moo: %s cannot be read\n", path);
    moo_masks_free(masks);
    return NULL;
}

void moo_masks_free(MooMasks *masks)
{
    if (!masks)
        return;
    g_hash_table_destroy(masks->by_opcode);
    g_free(masks);
}

uint16_t moo_mask(const MooMasks *masks, const char *opcode)
{
    gpointer value;
    if (!g_hash_table_lookup_extended(masks->by_opcode, opcode, NULL, &value))
        return 0xffff;
    return (uint16_t)GPOINTER_TO_UINT(value);
}
