/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fake host: a sparse array of bytes, for guest RAM and media of any size. */
#include "harness_internal.h"

#define HARNESS_PAGE 4096u

typedef struct HarnessSparsePage {
    uint64_t number;
    uint8_t bytes[HARNESS_PAGE];
} HarnessSparsePage;

static size_t harness_sparse_slot(const HarnessSparse *s, uint64_t number)
{
    size_t i = (size_t)((number * 0x9e3779b97f4a7c15ull) >> 20) & (s->slot_count - 1);
    while (s->slots[i] && s->slots[i]->number != number) {
        i = (i + 1) & (s->slot_count - 1);
    }
    return i;
}

static void harness_sparse_rehash(HarnessSparse *s)
{
    HarnessSparse bigger = {NULL, s->slot_count ? s->slot_count * 2 : 64, s->page_count};
    bigger.slots = harness_alloc(bigger.slot_count * sizeof(bigger.slots[0]));
    for (size_t i = 0; i < s->slot_count; i++) {
        if (s->slots[i]) {
            bigger.slots[harness_sparse_slot(&bigger, s->slots[i]->number)] = s->slots[i];
        }
    }
    free(s->slots);
    *s = bigger;
}

void harness_sparse_read(const HarnessSparse *s, uint64_t off, void *buf, uint64_t len)
{
    uint8_t *to = buf;
    while (len) {
        uint64_t in_page = off % HARNESS_PAGE;
        size_t n = (size_t)(len < HARNESS_PAGE - in_page ? len : HARNESS_PAGE - in_page);
        const HarnessSparsePage *page =
            s->slot_count ? s->slots[harness_sparse_slot(s, off / HARNESS_PAGE)] : NULL;
        if (page) {
            memcpy(to, page->bytes + in_page, n);
        } else {
            memset(to, 0, n);
        }
        to += n;
        off += n;
        len -= n;
    }
}

void harness_sparse_write(HarnessSparse *s, uint64_t off, const void *buf, uint64_t len)
{
    const uint8_t *from = buf;
    while (len) {
        uint64_t in_page = off % HARNESS_PAGE;
        size_t n = (size_t)(len < HARNESS_PAGE - in_page ? len : HARNESS_PAGE - in_page);
        if (s->page_count * 2 >= s->slot_count) {
            harness_sparse_rehash(s);
        }
        size_t slot = harness_sparse_slot(s, off / HARNESS_PAGE);
        if (!s->slots[slot]) {
            s->slots[slot] = harness_alloc(sizeof(HarnessSparsePage));
            s->slots[slot]->number = off / HARNESS_PAGE;
            s->page_count++;
        }
        memcpy(s->slots[slot]->bytes + in_page, from, n);
        from += n;
        off += n;
        len -= n;
    }
}

void harness_sparse_free(HarnessSparse *s)
{
    for (size_t i = 0; i < s->slot_count; i++) {
        free(s->slots[i]);
    }
    free(s->slots);
    memset(s, 0, sizeof(*s));
}
