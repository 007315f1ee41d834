/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fake host: saving and loading the whole machine, laid out like the real host's units: for each
 * instance the field table,
 * what save() adds, timers by name, PCI configuration spaces, device RAM. */
#include "harness_internal.h"

#define HARNESS_STATE_MAGIC 0x31747361766976ull

static uint32_t harness_fnv(const char *text)
{
    uint32_t hash = 2166136261u;
    while (*text) {
        hash = (hash ^ (uint8_t)*text++) * 16777619u;
    }
    return hash;
}

static uint32_t harness_field_bytes(uint32_t type)
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

static void harness_put(viv_stream_t *s, const void *buf, uint64_t len)
{
    harness_stream_api.put(s, buf, len);
}

static void harness_put_u32(viv_stream_t *s, uint32_t value)
{
    harness_put(s, &value, sizeof(value));
}

static void harness_put_text(viv_stream_t *s, const char *text)
{
    harness_put_u32(s, (uint32_t)strlen(text));
    harness_put(s, text, strlen(text));
}

/* Leaves room for a length; harness_put_end() fills it in. */
static size_t harness_put_begin(viv_stream_t *s)
{
    harness_put_u32(s, 0);
    return s->len;
}

static void harness_put_end(viv_stream_t *s, size_t start)
{
    uint32_t len = (uint32_t)(s->len - start);
    memcpy(s->data + start - sizeof(len), &len, sizeof(len));
}

/* -- fields ---------------------------------------------------------------------------------- */

static const viv_field_t *harness_field_at(const viv_field_t *fields, uint32_t stride, unsigned i)
{
    return (const viv_field_t *)(const void *)((const char *)fields + (size_t)i * stride);
}

static void harness_fields_save(viv_stream_t *s, const viv_field_t *fields, uint32_t stride,
                                const uint8_t *base, uint32_t base_size, const char *who,
                                uint32_t version)
{
    const viv_field_t *f;
    for (unsigned i = 0; (f = harness_field_at(fields, stride, i))->name; i++) {
        uint32_t each = f->type == VIV_STRUCT ? f->stride : harness_field_bytes(f->type);
        HARNESS_CHECK(each, "%s: field %s has no type that fields can have", who, f->name);
        HARNESS_CHECK(f->count && (uint64_t)f->offset + (uint64_t)each * f->count <= base_size,
                      "%s: field %s lies outside of the struct", who, f->name);
        HARNESS_CHECK(f->since >= 1 && f->since <= version, "%s: field %s is of version %u", who,
                      f->name, f->since);
        for (unsigned k = 0; k < i; k++) {
            HARNESS_CHECK(harness_fnv(harness_field_at(fields, stride, k)->name) !=
                              harness_fnv(f->name),
                          "%s: two fields with the tag of %s", who, f->name);
        }
        harness_put_u32(s, harness_fnv(f->name));
        size_t start = harness_put_begin(s);
        if (f->type == VIV_STRUCT) {
            for (uint32_t k = 0; k < f->count; k++) {
                size_t element = harness_put_begin(s);
                harness_fields_save(s, f->sub, stride, base + f->offset + (size_t)k * f->stride,
                                    f->stride, who, version);
                harness_put_end(s, element);
            }
        } else {
            harness_put(s, base + f->offset, (uint64_t)each * f->count);
        }
        harness_put_end(s, start);
    }
}

typedef struct HarnessReader {
    const uint8_t *at;
    size_t left;
} HarnessReader;

static int harness_get(HarnessReader *r, void *buf, size_t len)
{
    if (r->left < len) {
        return -1;
    }
    if (len) {
        memcpy(buf, r->at, len);
    }
    r->at += len;
    r->left -= len;
    return 0;
}

static int harness_get_u32(HarnessReader *r, uint32_t *ret)
{
    return harness_get(r, ret, sizeof(*ret));
}

static int harness_get_part(HarnessReader *r, HarnessReader *ret_part)
{
    uint32_t len;
    if (harness_get_u32(r, &len) || r->left < len) {
        return -1;
    }
    *ret_part = (HarnessReader){r->at, len};
    r->at += len;
    r->left -= len;
    return 0;
}

static int harness_fields_load(HarnessReader *r, const viv_field_t *fields, uint32_t stride,
                               uint8_t *base);

static int harness_field_load(HarnessReader *part, const viv_field_t *f, uint32_t stride,
                              uint8_t *base)
{
    if (f->type == VIV_STRUCT) {
        for (uint32_t k = 0; k < f->count; k++) {
            HarnessReader element;
            if (harness_get_part(part, &element) ||
                harness_fields_load(&element, f->sub, stride,
                                    base + f->offset + (size_t)k * f->stride)) {
                return -1;
            }
        }
        return part->left ? -1 : 0;
    }
    size_t len = (size_t)harness_field_bytes(f->type) * f->count;
    if (part->left != len || harness_get(part, base + f->offset, len)) {
        return -1;
    }
    for (uint32_t k = 0; f->type == VIV_BOOL && k < f->count; k++) {
        base[f->offset + k] = base[f->offset + k] != 0;
    }
    return 0;
}

static int harness_fields_load(HarnessReader *r, const viv_field_t *fields, uint32_t stride,
                               uint8_t *base)
{
    while (r->left) {
        uint32_t tag;
        HarnessReader part;
        const viv_field_t *f;
        if (harness_get_u32(r, &tag) || harness_get_part(r, &part)) {
            return -1;
        }
        for (unsigned i = 0; (f = harness_field_at(fields, stride, i))->name; i++) {
            if (harness_fnv(f->name) == tag) {
                if (harness_field_load(&part, f, stride, base)) {
                    return -1;
                }
                break;
            }
        }
    }
    return 0;
}

/* -- saving ---------------------------------------------------------------------------------- */

static void harness_fn_save(viv_stream_t *s, const viv_pci_fn_t *fn)
{
    const PciCaps *c = &fn->caps;
    harness_put_u32(s, c->config_len);
    harness_put(s, fn->cfg, c->config_len);
    harness_put_u32(s, c->msix_vectors);
    if (c->msix) {
        harness_put(s, c->table, (uint64_t)c->msix_vectors * PCI_MSIX_ENTRY);
        harness_put(s, c->pending, pci_msix_pba_len(c->msix_vectors));
    }
}

static void harness_inst_save(viv_stream_t *s, HarnessInst *inst)
{
    Harness *h = inst->h;
    harness_put_text(s, inst->name);
    harness_put_u32(s, inst->cls.state_version);
    size_t start = harness_put_begin(s);
    if (inst->cls.state) {
        harness_fields_save(s, inst->cls.state, inst->cls.field_stride, inst->self,
                            inst->cls.instance_size, inst->name, inst->cls.state_version);
    }
    harness_put_end(s, start);
    start = harness_put_begin(s);
    if (inst->cls.save) {
        viv_stream_t unit = {.writing = 1};
        unsigned token = harness_enter(inst);
        viv_status_t st = inst->cls.save(&inst->dev, inst->self, &unit);
        harness_leave(inst, token);
        HARNESS_CHECK(st == VIV_OK, "%s: save() gives %d", inst->name, st);
        harness_put(s, unit.data, unit.len);
        free(unit.data);
    }
    harness_put_end(s, start);
    start = harness_put_begin(s);
    for (const viv_timer_t *t = inst->timers; t; t = t->next) {
        harness_put_text(s, t->name);
        harness_put(s, &t->deadline, sizeof(t->deadline));
    }
    harness_put_end(s, start);
    start = harness_put_begin(s);
    for (uint32_t i = 0; i < HARNESS_PCI_FNS; i++) {
        if (inst->fns[i]) {
            harness_put_u32(s, i);
            harness_fn_save(s, inst->fns[i]);
        }
    }
    harness_put_end(s, start);
    start = harness_put_begin(s);
    for (const viv_ram_t *m = h->rams; m; m = m->next) {
        if (m->owner == inst) {
            harness_put_text(s, m->name);
            harness_put(s, &m->len, sizeof(m->len));
            harness_put(s, m->data, m->len);
        }
    }
    harness_put_end(s, start);
}

uint8_t *harness_save(Harness *h, size_t *ret_len)
{
    viv_stream_t s = {.writing = 1};
    harness_run_pending(h);
    harness_stream_api.put_u64(&s, HARNESS_STATE_MAGIC);
    harness_put_u32(&s, (uint32_t)h->count);
    for (int i = 0; i < h->count; i++) {
        harness_inst_save(&s, h->inst[i]);
    }
    *ret_len = s.len;
    return s.data;
}

/* -- loading --------------------------------------------------------------------------------- */

static viv_status_t harness_load_corrupt(const HarnessInst *inst, const char *what)
{
    return harness_error_set(VIV_E_CORRUPT, "%s: saved state: %s", inst->name, what);
}

static int harness_get_text(HarnessReader *r, char *buf, size_t size)
{
    HarnessReader part;
    if (harness_get_part(r, &part) || part.left >= size) {
        return -1;
    }
    memcpy(buf, part.at, part.left);
    buf[part.left] = '\0';
    return 0;
}

static viv_status_t harness_load_timers(HarnessReader *r, HarnessInst *inst)
{
    char name[256];
    uint64_t deadline;
    while (r->left) {
        if (harness_get_text(r, name, sizeof(name)) ||
            harness_get(r, &deadline, sizeof(deadline))) {
            return harness_load_corrupt(inst, "timers");
        }
        viv_timer_t *t = harness_timer_find(inst, name);
        if (!t) {
            return harness_load_corrupt(inst, "an unknown timer");
        }
        t->deadline = deadline;
        t->seq = ++inst->h->arm_seq;
    }
    return VIV_OK;
}

static viv_status_t harness_load_pci(HarnessReader *r, HarnessInst *inst)
{
    while (r->left) {
        uint32_t i;
        if (harness_get_u32(r, &i) || i >= HARNESS_PCI_FNS || !inst->fns[i]) {
            return harness_load_corrupt(inst, "PCI functions");
        }
        viv_pci_fn_t *fn = inst->fns[i];
        uint8_t cfg[PCI_CONFIG_MAX];
        uint32_t len, vectors;
        memcpy(cfg, fn->cfg, sizeof(cfg));
        if (harness_get_u32(r, &len) || len != fn->caps.config_len || harness_get(r, cfg, len) ||
            harness_get_u32(r, &vectors) || vectors != fn->caps.msix_vectors ||
            (vectors && (harness_get(r, fn->caps.table, (size_t)vectors * PCI_MSIX_ENTRY) ||
                         harness_get(r, fn->caps.pending, pci_msix_pba_len(vectors))))) {
            return harness_load_corrupt(inst, "PCI configuration");
        }
        for (uint32_t off = 0; off < 0x40;
             off++) { /* what can never change is not taken from the file */
            uint8_t may = fn->wmask[off] | fn->w1c[off];
            cfg[off] = (uint8_t)((fn->cfg[off] & ~may) | (cfg[off] & may));
        }
        memcpy(fn->cfg, cfg, sizeof(cfg));
        harness_pci_loaded(fn);
    }
    return VIV_OK;
}

static viv_status_t harness_load_rams(HarnessReader *r, HarnessInst *inst)
{
    char name[256];
    uint64_t len;
    while (r->left) {
        if (harness_get_text(r, name, sizeof(name)) || harness_get(r, &len, sizeof(len))) {
            return harness_load_corrupt(inst, "device RAM");
        }
        viv_ram_t *m = inst->h->rams;
        while (m && (m->owner != inst || strcmp(m->name, name))) {
            m = m->next;
        }
        if (!m || m->len != len || harness_get(r, m->data, (size_t)len)) {
            return harness_load_corrupt(inst, "device RAM of another size");
        }
    }
    return VIV_OK;
}

static viv_status_t harness_load_extra(const HarnessReader *r, HarnessInst *inst, uint32_t version)
{
    if (!inst->cls.load) {
        return r->left ? harness_load_corrupt(inst, "more than the class knows") : VIV_OK;
    }
    viv_stream_t unit = {.len = r->left};
    unit.data = harness_alloc(r->left);
    memcpy(unit.data, r->at, r->left);
    unsigned token = harness_enter(inst);
    viv_status_t st = inst->cls.load(&inst->dev, inst->self, &unit, version);
    harness_leave(inst, token);
    if (st == VIV_OK && unit.pos != unit.len) {
        st = harness_load_corrupt(inst, "bytes are left over");
    }
    free(unit.data);
    return st;
}

/* What the second round of a load needs of the first. */
typedef struct HarnessLoaded {
    HarnessReader timers;
    uint32_t version;
} HarnessLoaded;

static viv_status_t harness_inst_load(HarnessReader *r, HarnessInst *inst,
                                      HarnessLoaded *ret_loaded)
{
    char name[128];
    HarnessReader part[5];
    uint32_t version;
    if (harness_get_text(r, name, sizeof(name)) || strcmp(name, inst->name) ||
        harness_get_u32(r, &version)) {
        return harness_load_corrupt(inst, "another unit");
    }
    if (version > inst->cls.state_version) {
        return harness_error_set(VIV_E_VERSION, "%s: saved by version %u", inst->name, version);
    }
    for (int i = 0; i < 5; i++) {
        if (harness_get_part(r, &part[i])) {
            return harness_load_corrupt(inst, "truncated");
        }
    }
    *ret_loaded = (HarnessLoaded){part[2], version};
    viv_status_t st = harness_load_timers(&part[2], inst);
    st = st == VIV_OK ? harness_load_rams(&part[4], inst) : st;
    st = st == VIV_OK ? harness_load_pci(&part[3], inst) : st;
    if (st == VIV_OK && inst->cls.state &&
        harness_fields_load(&part[0], inst->cls.state, inst->cls.field_stride, inst->self)) {
        st = harness_load_corrupt(inst, "fields");
    }
    return st == VIV_OK ? harness_load_extra(&part[1], inst, version) : st;
}

static viv_status_t harness_inst_loaded(HarnessInst *inst, HarnessLoaded *loaded)
{
    if (inst->cls.post_load) {
        unsigned token = harness_enter(inst);
        viv_status_t st = inst->cls.post_load(&inst->dev, inst->self, loaded->version);
        harness_leave(inst, token);
        HARNESS_CHECK(st <= 0, "%s: post_load gives %d", inst->name, st);
        if (st != VIV_OK) {
            return st;
        }
    }
    return harness_load_timers(&loaded->timers, inst); /* the saved deadlines have the last word */
}

/* Fresh instances in the place of the old ones, lines low. */
static viv_status_t harness_renew(Harness *h)
{
    char *options[HARNESS_MAX_INSTANCES];
    char *names[HARNESS_MAX_INSTANCES];
    viv_status_t st = VIV_OK;
    for (int i = 0; i < h->count; i++) {
        HARNESS_CHECK(h->inst[i], "an instance is missing");
        options[i] = harness_strdup(h->inst[i]->options_text);
        names[i] = harness_strdup(h->inst[i]->cls.name);
    }
    for (int i = h->count - 1; i >= 0; i--) {
        harness_inst_destroy(h, i);
    }
    harness_blobs_free(&h->fwfiles);
    h->legacy_inst = NULL;
    h->irq_levels = 0;
    h->gsi_levels = 0;
    h->pic_irq_levels = 0;
    h->pic_intr = 0;
    h->a20_sources = 0;
    h->ignne = 0;
    h->nmi_level = h->nmi_masked = 0;
    memset(h->cpu_intr, 0, sizeof(h->cpu_intr));
    memset(h->cpu_extint, 0, sizeof(h->cpu_extint));
    for (int i = 0; i < h->count; i++) {
        if (st == VIV_OK) {
            st = harness_inst_create(h, i, names[i], options[i]);
        }
        free(options[i]);
        free(names[i]);
    }
    HARNESS_CHECK(st == VIV_OK, "a fresh instance fails with %d: %s", st, harness_error());
    for (int i = 0; i < h->count; i++) {
        HarnessInst *inst = h->inst[i];
        unsigned token = harness_enter(inst);
        if (inst->cls.reset) {
            inst->cls.reset(&inst->dev, inst->self);
        }
        if (inst->cls.power_on) {
            st = inst->cls.power_on(&inst->dev, inst->self);
            HARNESS_CHECK(st == VIV_OK, "%s: power_on of a fresh instance fails with %d",
                          inst->name, st);
        }
        harness_leave(inst, token);
        harness_pci_snapshot(inst);
    }
    return VIV_OK;
}

viv_status_t harness_load(Harness *h, const uint8_t *blob, size_t len)
{
    HarnessReader r = {blob, len};
    HarnessLoaded loaded[HARNESS_MAX_INSTANCES];
    uint64_t magic = 0;
    uint32_t count = 0;
    harness_run_pending(h);
    h->muted++;
    uint32_t dreqs = harness_dma_lower_all(h);
    viv_status_t st = harness_renew(h);
    if (harness_get(&r, &magic, sizeof(magic)) || harness_get_u32(&r, &count) ||
        magic != HARNESS_STATE_MAGIC || count != (uint32_t)h->count) {
        st = harness_error_set(VIV_E_CORRUPT, "not a saved state of this machine");
    }
    for (int i = 0; st == VIV_OK && i < h->count; i++) {
        st = harness_inst_load(&r, h->inst[i], &loaded[i]);
    }
    if (st == VIV_OK && r.left) {
        st = harness_error_set(VIV_E_CORRUPT, "bytes are left over");
    }
    for (int i = 0; st == VIV_OK && i < h->count; i++) { /* like the host: all units are in */
        st = harness_inst_loaded(h->inst[i], &loaded[i]);
    }
    for (uint32_t irq = 0; irq < HARNESS_IRQS; irq++) { /* other devices raise their lines again */
        harness_irq_update(h, irq);
    }
    for (uint32_t i = 0; st == VIV_OK && i < VIV_ISADMA_CHANNELS; i++) {
        if (dreqs >> i & 1) {
            harness_dma_raise(h, i, 1);
        }
    }
    harness_nmi_update(h);
    h->muted--;
    h->failed_load = st != VIV_OK;
    return st;
}

/* -- the round trip -------------------------------------------------------------------------- */

typedef struct HarnessLines {
    uint64_t gsi;
    uint32_t irq, pic_irq, pic_intr, a20, ignne, dreq, nmi, nmi_masked;
    uint8_t cpu_intr[HARNESS_VCPUS], cpu_extint[HARNESS_VCPUS];
    uint8_t intx[HARNESS_MAX_INSTANCES][HARNESS_PCI_FNS];
} HarnessLines;

static void harness_lines_get(const Harness *h, HarnessLines *lines)
{
    memset(lines, 0, sizeof(*lines));
    lines->gsi = h->gsi_levels;
    lines->irq = h->irq_levels;
    lines->pic_irq = h->pic_irq_levels;
    lines->pic_intr = h->pic_intr;
    lines->a20 = h->a20_sources;
    lines->ignne = h->ignne;
    lines->dreq = harness_dma_lines(h);
    lines->nmi = h->nmi_level;
    lines->nmi_masked = h->nmi_masked;
    memcpy(lines->cpu_intr, h->cpu_intr, sizeof(lines->cpu_intr));
    memcpy(lines->cpu_extint, h->cpu_extint, sizeof(lines->cpu_extint));
    for (int i = 0; i < h->count; i++) {
        for (uint32_t k = 0; k < HARNESS_PCI_FNS; k++) {
            lines->intx[i][k] = h->inst[i]->fns[k] ? (uint8_t)h->inst[i]->fns[k]->intx_line : 0;
        }
    }
}

static void harness_lines_compare(const HarnessLines *a, const HarnessLines *b)
{
    HARNESS_CHECK(a->irq == b->irq, "after load the IRQ lines are %04x, before they were %04x",
                  b->irq, a->irq);
    HARNESS_CHECK(a->gsi == b->gsi, "after load the GSIs are %llx, before they were %llx",
                  (unsigned long long)b->gsi, (unsigned long long)a->gsi);
    HARNESS_CHECK(a->pic_irq == b->pic_irq,
                  "after load the PIC's lines are %04x, before they were %04x", b->pic_irq,
                  a->pic_irq);
    HARNESS_CHECK(a->pic_intr == b->pic_intr, "after load the PIC's INTR is %u", b->pic_intr);
    HARNESS_CHECK(a->a20 == b->a20, "after load A20 is %x, before it was %x", b->a20, a->a20);
    HARNESS_CHECK(a->dreq == b->dreq, "after load the DREQ lines are %02x, before they were %02x",
                  b->dreq, a->dreq);
    HARNESS_CHECK(a->ignne == b->ignne, "after load IGNNE# is %u", b->ignne);
    HARNESS_CHECK(a->nmi == b->nmi && a->nmi_masked == b->nmi_masked,
                  "after load NMI is %u, masked %u; before %u, %u", b->nmi, b->nmi_masked, a->nmi,
                  a->nmi_masked);
    HARNESS_CHECK(!memcmp(a->cpu_intr, b->cpu_intr, sizeof(a->cpu_intr)),
                  "after load a vCPU's INTR differs");
    HARNESS_CHECK(!memcmp(a->cpu_extint, b->cpu_extint, sizeof(a->cpu_extint)),
                  "after load a vCPU's ExtINT differs");
    HARNESS_CHECK(!memcmp(a->intx, b->intx, sizeof(a->intx)), "after load an INTx line differs");
}

void harness_save_load(Harness *h)
{
    size_t len, again_len, at = 0;
    HarnessLines before, after;
    uint8_t *blob = harness_save(h, &len);
    harness_lines_get(h, &before);
    viv_status_t st = harness_load(h, blob, len);
    HARNESS_CHECK(st == VIV_OK, "loading what has just been saved fails with %d: %s", st,
                  harness_error());
    harness_lines_get(h, &after);
    uint8_t *again = harness_save(h, &again_len);
    while (at < len && at < again_len && blob[at] == again[at]) {
        at++;
    }
    HARNESS_CHECK(len == again_len && at == len,
                  "the second save differs from the first at byte %zu of %zu (%zu)", at, len,
                  again_len);
    harness_lines_compare(&before, &after);
    free(blob);
    free(again);
}
