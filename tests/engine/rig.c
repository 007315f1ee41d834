/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rig: see rig.h. */
#include "rig.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "cpum/cpum.h"

uint64_t rig_code_cache_mib = RIG_NO_OPTION;

static Rig *rig_of(viv_vcpu_t *vcpu)
{
    return (Rig *)(void *)vcpu;
}

/* -- memory ------------------------------------------------------------------------------------ */
static void rig_page_query(viv_vcpu_t *vcpu, uint64_t gpa, viv_page_t *ret_page)
{
    Rig *rig = rig_of(vcpu);
    memset(ret_page, 0, sizeof(*ret_page));
    gpa &= ~0xfffull;
    if (gpa == RIG_PAM && (rig->pam_read_rom || rig->pam_write_none)) {
        ret_page->hva = rig->pam_read_rom ? rig->rom : rig->ram + gpa;
        ret_page->kind = rig->pam_read_rom && !rig->pam_write_none ? VIV_PAGE_SHADOW : VIV_PAGE_ROM;
    } else if (gpa < rig->ram_bytes) {
        ret_page->hva = rig->ram + gpa;
        ret_page->kind = VIV_PAGE_RAM;
        ret_page->writable = 1;
    } else if (gpa == RIG_MMIO && rig->mmio_is_ram) {
        ret_page->hva = rig->mmio;
        ret_page->kind = VIV_PAGE_RAM;
        ret_page->writable = 1;
    } else if (gpa == RIG_MMIO) {
        ret_page->kind = VIV_PAGE_MMIO;
    }
}

static void rig_log(Rig *rig, uint64_t addr, uint64_t value, uint32_t width, bool write, bool port)
{
    if (rig->log_count < RIG_LOG_MAX)
        rig->log[rig->log_count++] = (RigAccess){.addr = addr,
                                                 .value = value,
                                                 .width = width,
                                                 .write = write,
                                                 .port = port,
                                                 .rip = rig->cpu->rip,
                                                 .icount = rig->cpu->icount};
}

static void rig_phys_read(viv_vcpu_t *vcpu, uint64_t gpa, void *buf, uint32_t len_bytes)
{
    Rig *rig = rig_of(vcpu);
    uint8_t *to = buf;
    if ((gpa & ~0xfffull) == RIG_MMIO)
        rig_log(rig, gpa, 0, len_bytes, false, false);
    for (; len_bytes; len_bytes--, gpa++, to++)
        *to = (gpa & ~0xfffull) == RIG_PAM && rig->pam_read_rom ? rig->rom[gpa & 0xfff]
              : gpa < rig->ram_bytes                            ? rig->ram[gpa]
              : (gpa & ~0xfffull) == RIG_MMIO                   ? rig->mmio[gpa & 0xfff]
                                                                : 0xff;
}

void rig_dma(Rig *rig, uint64_t gpa, const void *bytes, size_t len)
{
    memcpy(rig->ram + gpa, bytes, len);
    for (uint64_t page = gpa >> 12; page <= (gpa + len - 1) >> 12; page++)
        if (rig->marks[page])
            rig->engine->code_written(rig->engine_vm, gpa, len);
}

static void rig_phys_write(viv_vcpu_t *vcpu, uint64_t gpa, const void *buf, uint32_t len_bytes)
{
    Rig *rig = rig_of(vcpu);
    const uint8_t *from = buf;
    if ((gpa & ~0xfffull) == RIG_MMIO)
        rig_log(rig, gpa, 0, len_bytes, true, false);
    for (; len_bytes; len_bytes--, gpa++, from++)
        if (gpa < rig->ram_bytes && !((gpa & ~0xfffull) == RIG_PAM && rig->pam_write_none))
            rig_dma(rig, gpa, from, 1);
        else if ((gpa & ~0xfffull) == RIG_MMIO)
            rig->mmio[gpa & 0xfff] = *from;
}

static uint64_t rig_mmio_read(viv_vcpu_t *vcpu, uint64_t gpa, uint32_t width)
{
    Rig *rig = rig_of(vcpu);
    uint64_t v = ~0ull;
    if ((gpa & ~0xfffull) == RIG_MMIO && (gpa & 0xfff) + width <= 4096) {
        v = 0;
        memcpy(&v, rig->mmio + (gpa & 0xfff), width);
        rig_log(rig, gpa, v, width, false, false);
    }
    return v;
}

static void rig_mmio_write(viv_vcpu_t *vcpu, uint64_t gpa, uint64_t value, uint32_t width)
{
    Rig *rig = rig_of(vcpu);
    if ((gpa & ~0xfffull) == RIG_MMIO && (gpa & 0xfff) + width <= 4096) {
        memcpy(rig->mmio + (gpa & 0xfff), &value, width);
        rig_log(rig, gpa, value, width, true, false);
    }
}

static void rig_code_mark(viv_vcpu_t *vcpu, uint64_t gpa)
{
    Rig *rig = rig_of(vcpu);
    if (gpa < rig->ram_bytes)
        rig->marks[gpa >> 12] = 1;
}

static void rig_code_unmark(viv_vcpu_t *vcpu, uint64_t gpa)
{
    Rig *rig = rig_of(vcpu);
    if (gpa < rig->ram_bytes)
        rig->marks[gpa >> 12] = 0;
}

/* -- ports ------------------------------------------------------------------------------------- */
static void rig_text(Rig *rig, uint8_t ch)
{
    if (rig->text_len + 1 < RIG_TEXT_MAX)
        rig->text[rig->text_len++] = (char)ch;
}

static uint32_t rig_pio_read(viv_vcpu_t *vcpu, uint16_t port, uint32_t width)
{
    Rig *rig = rig_of(vcpu);
    uint32_t v;
    if (rig->on_port_read)
        return rig->on_port_read(rig, port, width);
    if (port == 0x3fd)
        return 0x60;
    v = width == 4 ? 0xffffffffu : (1u << (width * 8)) - 1;
    rig_log(rig, port, v, width, false, true);
    return v;
}

static void rig_pio_write(viv_vcpu_t *vcpu, uint16_t port, uint32_t value, uint32_t width)
{
    Rig *rig = rig_of(vcpu);
    if (rig->on_port_write)
        rig->on_port_write(rig, port, value, width);
    if (port == RIG_PORT_TEXT) {
        rig_text(rig, (uint8_t)value);
    } else if (port == RIG_PORT_EXIT) {
        rig->exited = true;
        rig->exit_code = value;
        __atomic_fetch_or(&rig->vcpu.ff, VIV_FF_EXIT, __ATOMIC_SEQ_CST);
    } else if (port == 0x3f8 && rig->serial) {
        fputc((int)(value & 0xff), rig->serial);
    } else if (port == 0x3f8) {
        rig_text(rig, (uint8_t)value);
    } else {
        rig_log(rig, port, value, width, true, true);
    }
}

static uint32_t rig_pio_read_string(viv_vcpu_t *vcpu, uint16_t port, uint32_t width, void *buf,
                                    uint32_t count)
{
    uint8_t *to = buf;
    uint32_t k;
    for (k = 0; k < count; k++) {
        uint32_t v = rig_pio_read(vcpu, port, width);
        memcpy(to + (size_t)k * width, &v, width);
    }
    return count;
}

static uint32_t rig_pio_write_string(viv_vcpu_t *vcpu, uint16_t port, uint32_t width,
                                     const void *buf, uint32_t count)
{
    const uint8_t *from = buf;
    uint32_t k;
    for (k = 0; k < count; k++) {
        uint32_t v = 0;
        memcpy(&v, from + (size_t)k * width, width);
        rig_pio_write(vcpu, port, v, width);
    }
    return count;
}

/* -- services ---------------------------------------------------------------------------------- */
static viv_status_t rig_irq_take(viv_vcpu_t *vcpu, uint8_t *ret_vector)
{
    Rig *rig = rig_of(vcpu);
    __atomic_fetch_and(&vcpu->ff, ~VIV_FF_INTR, __ATOMIC_SEQ_CST);
    if (!rig->irq)
        return VIV_E_NOT_FOUND;
    *ret_vector = (uint8_t)(rig->irq - 1);
    rig->irq = 0;
    return VIV_OK;
}

static uint64_t rig_tsc_read(viv_vcpu_t *vcpu)
{
    Rig *rig = rig_of(vcpu);
    rig->tsc += rig->tsc_step;
    return rig->tsc;
}

static void rig_tsc_write(viv_vcpu_t *vcpu, uint64_t value)
{
    rig_of(vcpu)->tsc = value;
}

static void rig_cpuid(viv_vcpu_t *vcpu, uint32_t leaf, uint32_t subleaf, uint32_t r[4])
{
    cpum_cpuid(rig_of(vcpu)->cpum, leaf, subleaf, 0, TRUE, r);
}

/* The APIC base is a register without an APIC behind it. */
static viv_status_t rig_msr_read(viv_vcpu_t *vcpu, uint32_t msr, uint64_t *ret_value)
{
    if (msr == 0x1b && cpum_msr_apic_ok(rig_of(vcpu)->cpum, msr, NULL)) {
        *ret_value = 0xfee00900;
        return VIV_OK;
    }
    return cpum_msr_read(rig_of(vcpu)->cpum, msr, ret_value);
}

static viv_status_t rig_msr_write(viv_vcpu_t *vcpu, uint32_t msr, uint64_t value)
{
    if (msr == 0x1b && cpum_msr_apic_ok(rig_of(vcpu)->cpum, msr, &value))
        return VIV_OK;
    return cpum_msr_write(rig_of(vcpu)->cpum, msr, value);
}

static uint64_t rig_cr8_read(viv_vcpu_t *vcpu)
{
    (void)vcpu;
    return 0;
}

static void rig_cr8_write(viv_vcpu_t *vcpu, uint64_t value)
{
    (void)vcpu, (void)value;
}

static void rig_ferr_set(viv_vcpu_t *vcpu, uint32_t level)
{
    Rig *rig = rig_of(vcpu);
    rig->ferr = level;
    rig_log(rig, 0xf0, level, 1, true, true);
    if (rig->on_ferr)
        rig->on_ferr(rig, level);
}

static uint32_t rig_ignne_get(viv_vcpu_t *vcpu)
{
    return rig_of(vcpu)->ignne;
}

static uint64_t *rig_counter(viv_vcpu_t *vcpu, const char *name, const char *unit, const char *help)
{
    Rig *rig = rig_of(vcpu);
    (void)unit, (void)help;
    for (size_t k = 0; k < sizeof(rig->counters) / sizeof(rig->counters[0]); k++) {
        if (!rig->counters[k].name[0])
            snprintf(rig->counters[k].name, sizeof(rig->counters[k].name), "%s", name);
        if (strcmp(rig->counters[k].name, name) == 0)
            return &rig->counters[k].value;
    }
    return NULL;
}

uint64_t rig_counter_value(const Rig *rig, const char *name)
{
    for (size_t k = 0; k < sizeof(rig->counters) / sizeof(rig->counters[0]); k++)
        if (strcmp(rig->counters[k].name, name) == 0)
            return rig->counters[k].value;
    return 0;
}

static void VIV_PRINTF(3, 4) rig_log_text(viv_vcpu_t *vcpu, uint32_t severity, const char *fmt, ...)
{
    va_list ap;
    (void)vcpu, (void)severity;
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
}

static uint64_t rig_option_u64(viv_vcpu_t *vcpu, const char *key, uint64_t dflt)
{
    (void)vcpu;
    if (rig_code_cache_mib != RIG_NO_OPTION && strcmp(key, "CodeCacheMiB") == 0)
        return rig_code_cache_mib;
    return dflt;
}

/* A generator that starts anew with each rig. */
static viv_status_t rig_random(viv_vcpu_t *vcpu, uint64_t *ret_value)
{
    Rig *rig = rig_of(vcpu);
    rig->random = rig->random * 6364136223846793005u + 1442695040888963407u;
    *ret_value = rig->random;
    return VIV_OK;
}

static const viv_engine_host_t rig_host = {
    .size = sizeof(viv_engine_host_t),
    .abi = VIV_ENGINE_ABI,
    .page_query = rig_page_query,
    .phys_read = rig_phys_read,
    .phys_write = rig_phys_write,
    .mmio_read = rig_mmio_read,
    .mmio_write = rig_mmio_write,
    .code_mark = rig_code_mark,
    .code_unmark = rig_code_unmark,
    .pio_read = rig_pio_read,
    .pio_write = rig_pio_write,
    .pio_read_string = rig_pio_read_string,
    .pio_write_string = rig_pio_write_string,
    .irq_take = rig_irq_take,
    .tsc_read = rig_tsc_read,
    .tsc_write = rig_tsc_write,
    .cpuid = rig_cpuid,
    .msr_read = rig_msr_read,
    .msr_write = rig_msr_write,
    .cr8_read = rig_cr8_read,
    .cr8_write = rig_cr8_write,
    .ferr_set = rig_ferr_set,
    .ignne_get = rig_ignne_get,
    .counter = rig_counter,
    .log = rig_log_text,
    .option_u64 = rig_option_u64,
    .random = rig_random,
};

/* -- life cycle -------------------------------------------------------------------------------- */
static const viv_engine_class_t *rig_engine_load(Rig *rig, const char *path)
{
    const viv_host_t host = {sizeof(host), VIV_SDK_MAJOR, VIV_API_LEVEL, VIV_API_LEVEL, "rig"};
    viv_plugin_entry_fn entry;
    const viv_plugin_t *plugin;
    rig->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!rig->library) {
        fprintf(stderr, "rig: %s\n", dlerror());
        return NULL;
    }
    *(void **)&entry = dlsym(rig->library, VIV_PLUGIN_ENTRY_NAME);
    plugin = entry ? entry(&host) : NULL;
    if (!plugin || plugin->class_count < 1)
        return NULL;
    return plugin->classes[0];
}

/* What the engines do in software, whatever the default model shows. */
#define RIG_MODEL "x86-64-v3"

static bool rig_cpum(Rig *rig, const char *spec)
{
    VivError err = VIV_ERROR_INIT;
    Cpum *cpum = cpum_new(spec, 1, 1000000000, &err);
    if (!cpum) {
        fprintf(stderr, "rig: %s\n", error_text(&err));
        error_clear(&err);
        return false;
    }
    if (rig->cpum)
        cpum_free(rig->cpum);
    rig->cpum = cpum;
    rig->vcpu.cpu_family = cpum_family(cpum);
    return true;
}

bool rig_model(Rig *rig, const char *spec)
{
    if (!rig_cpum(rig, spec))
        return false;
    rig_reset(rig);
    return true;
}

Rig *rig_create(const char *plugin_path, const viv_engine_class_t *linked, uint64_t ram_bytes)
{
    Rig *rig = calloc(1, sizeof(*rig));
    if (!rig)
        return NULL;
    rig->engine = plugin_path ? rig_engine_load(rig, plugin_path) : linked;
    rig->ram_bytes = ram_bytes;
    rig->ram = mmap(NULL, ram_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    rig->marks = calloc(1, ram_bytes >> 12);
    rig->cpu = aligned_alloc(64, (sizeof(viv_cpu_t) + 63) & ~(size_t)63);
    rig->tsc_step = 1000;
    rig->vcpu.host = &rig_host;
    rig->vcpu.cpu = rig->cpu;
    rig->vcpu.icount_limit = ~0ull;
    rig->vcpu.a20_mask = ~0ull;
    if (!rig_cpum(rig, RIG_MODEL) || !rig->engine || rig->ram == MAP_FAILED || !rig->marks ||
        !rig->cpu) {
        rig_destroy(rig);
        return NULL;
    }
    memset(rig->cpu, 0, sizeof(*rig->cpu));
    rig->cpu->size = sizeof(*rig->cpu);
    if (rig->engine->vm_create(&rig_host, 1, &rig->engine_vm) != VIV_OK ||
        rig->engine->vcpu_create(rig->engine_vm, &rig->vcpu, &rig->vcpu.engine_self) != VIV_OK) {
        rig_destroy(rig);
        return NULL;
    }
    rig_reset(rig);
    return rig;
}

void rig_destroy(Rig *rig)
{
    if (!rig)
        return;
    if (rig->vcpu.engine_self)
        rig->engine->vcpu_destroy(rig->vcpu.engine_self);
    if (rig->engine_vm)
        rig->engine->vm_destroy(rig->engine_vm);
    if (rig->ram && rig->ram != MAP_FAILED)
        munmap(rig->ram, rig->ram_bytes);
    if (rig->cpum)
        cpum_free(rig->cpum);
    free(rig->marks);
    free(rig->cpu);
    if (rig->library)
        dlclose(rig->library);
    free(rig);
}

void rig_reset(Rig *rig)
{
    viv_cpu_t *s = rig->cpu;
    uint16_t fcw = 0x37f; /* as after FNINIT */
    memset(s, 0, sizeof(*s));
    cpum_reset(rig->cpum, s, 0);
    memcpy(s->xsave, &fcw, 2);
    rig->vcpu.ff = 0;
    rig->irq = 0;
    rig->ferr = rig->ignne = 0;
    rig->exited = false;
    rig->text_len = 0;
    rig->log_count = 0;
    memset(rig->text, 0, sizeof(rig->text));
    rig->engine->state_loaded(rig->vcpu.engine_self);
}

void rig_load(Rig *rig, uint64_t gpa, const void *bytes, size_t len)
{
    if (gpa + len <= rig->ram_bytes)
        memcpy(rig->ram + gpa, bytes, len);
    rig->engine->code_written(rig->engine_vm, gpa, len);
}

/* -- environments ------------------------------------------------------------------------------ */
void rig_real(Rig *rig, uint16_t cs, uint16_t ip)
{
    viv_cpu_t *s = rig->cpu;
    rig_reset(rig);
    s->seg[VIV_SEG_CS] =
        (viv_segreg_t){.base = (uint64_t)cs << 4, .limit = 0xffff, .attr = 0x9b, .sel = cs};
    s->cr0 = 0x10;
    s->rip = ip;
    s->gpr[VIV_REG_RSP] = 0x7000;
    s->idtr.limit = 0x3ff;
}

void rig_flat32(Rig *rig, uint32_t eip, uint32_t cpl)
{
    viv_cpu_t *s = rig->cpu;
    unsigned k;
    rig_reset(rig);
    for (k = 0; k < 6; k++)
        s->seg[k] = (viv_segreg_t){.limit = 0xffffffffu,
                                   .attr = 0xc093u | cpl << VIV_ATTR_DPL_SHIFT,
                                   .sel = (uint16_t)(0x10 | cpl)};
    s->seg[VIV_SEG_CS].attr = 0xc09bu | cpl << VIV_ATTR_DPL_SHIFT;
    s->seg[VIV_SEG_CS].sel = (uint16_t)(0x08 | cpl);
    s->cr0 = 0x11;
    s->rip = eip;
    s->gpr[VIV_REG_RSP] = 0x80000;
}

void rig_long(Rig *rig, uint64_t rip, uint32_t cpl)
{
    viv_cpu_t *s = rig->cpu;
    unsigned k;
    rig_flat32(rig, 0, cpl);
    rig_w64(rig, 0x1000, 0x2007);
    rig_w64(rig, 0x2000, 0x3007);
    for (k = 0; k < 512; k++)
        rig_w64(rig, 0x3000 + k * 8, (uint64_t)k << 21 | 0x87);
    s->seg[VIV_SEG_CS].attr = 0xa09bu | cpl << VIV_ATTR_DPL_SHIFT;
    s->cr0 = 0x80000011u;
    s->cr3 = 0x1000;
    s->cr4 = 0x620;  /* PAE, OSFXSR, OSXMMEXCPT */
    s->efer = 0xd01; /* SCE, LME, LMA, NXE */
    s->rip = rip;
}

uint32_t rig_run(Rig *rig, uint64_t max_insns)
{
    rig->vcpu.icount_limit = rig->cpu->icount + max_insns;
    for (;;) {
        viv_status_t st = rig->engine->run(rig->vcpu.engine_self, &rig->exit);
        if (st != VIV_OK)
            return VIV_EXIT_ERROR;
        switch (rig->exit.reason) {
        case VIV_EXIT_REQUEST:
            __atomic_fetch_and(&rig->vcpu.ff, ~VIV_FF_EXIT, __ATOMIC_SEQ_CST);
            return VIV_EXIT_REQUEST;
        case VIV_EXIT_PAUSE: break;
        case VIV_EXIT_HALT:
            if (!(rig->vcpu.ff & (VIV_FF_INTR | VIV_FF_NMI)) || !(rig->cpu->rflags & 0x200))
                return VIV_EXIT_HALT;
            break;
        default: return rig->exit.reason;
        }
    }
}

void rig_interrupt(Rig *rig, uint8_t vector)
{
    rig->irq = vector + 1u;
    __atomic_fetch_or(&rig->vcpu.ff, VIV_FF_INTR, __ATOMIC_SEQ_CST);
}

void rig_a20(Rig *rig, bool enabled)
{
    rig->vcpu.a20_mask = enabled ? ~0ull : ~(1ull << 20);
    rig->engine->map_changed(rig->vcpu.engine_self);
}

void rig_pam(Rig *rig, bool read_rom, bool write_none)
{
    rig->pam_read_rom = read_rom;
    rig->pam_write_none = write_none;
    rig->engine->map_changed(rig->vcpu.engine_self);
}

void rig_map_mmio_as_ram(Rig *rig, bool ram)
{
    rig->mmio_is_ram = ram;
    rig->engine->map_changed(rig->vcpu.engine_self);
}
