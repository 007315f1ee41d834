/* SPDX-License-Identifier: MIT */
/* Vivarium SDK, draft: execution engines.
 *
 * An engine runs guest instructions on the canonical state of viv_cpu_t. The host (EM) gives it one
 * EMT, the thread on which it calls run(), for each vCPU, and a table of services. Everything
 * outside the CPU - memory map, ports, interrupt controllers, clock - is behind that table.
 * Draft: build-stamped by cpu_size and abi below, until the CPU state has settled. */
#ifndef VIV_DRAFT_ENGINE_H
#define VIV_DRAFT_ENGINE_H

#include <viv/draft/cpu.h>
#include <viv/plugin.h>

VIV_BEGIN_DECLS

#define VIV_ENGINE_ABI 5u /* raised with every change of this header or of cpu.h */

/* Force flags, viv_vcpu_t.ff: set by any thread (atomic or), read by the engine at least once per
 * block of instructions and after every host call that may change them (port, MMIO, MSR writes). */
#define VIV_FF_INTR                                                                                \
    0x1u /* an interrupt controller has a vector: irq_take() when IF and no shadow */
#define VIV_FF_NMI    0x2u        /* deliver vector 2 unless blocked; the engine clears the bit */
#define VIV_FF_EXIT   0x4u        /* return from run() with VIV_EXIT_REQUEST at the next boundary */
#define VIV_FF_ENGINE 0xffff0000u /* bits that are the engine's own; the host leaves them alone */

/* Why run() returned. */
#define VIV_EXIT_REQUEST      1u /* VIV_FF_EXIT was seen (the host clears it) */
#define VIV_EXIT_HALT         2u /* HLT retired; activity is HALTED; rip is behind it */
#define VIV_EXIT_BUDGET       3u /* cpu->icount has reached icount_limit */
#define VIV_EXIT_TRIPLE_FAULT 4u /* activity is SHUTDOWN */
#define VIV_EXIT_ERROR        5u /* the engine cannot go on; detail says why */
#define VIV_EXIT_PAUSE        6u /* PAUSE in a spin loop: give the host CPU to others, then go on */

typedef struct viv_exit {
    uint32_t size;
    uint32_t reason;
    char detail[240]; /* VIV_EXIT_ERROR: one sentence, NUL-terminated */
} viv_exit_t;

/* Kinds of a guest-physical page. */
#define VIV_PAGE_UNASSIGNED 0u /* reads as all ones, writes vanish */
#define VIV_PAGE_RAM        1u /* RAM or device RAM: hva may be read and, if writable, written directly */
#define VIV_PAGE_ROM        2u /* hva may be read; writes go through phys_write, which drops them */
#define VIV_PAGE_MMIO       3u /* only through mmio_read/mmio_write */
#define VIV_PAGE_SHADOW                                                                            \
    4u /* reads from hva, writes through phys_write (reads ROM, writes RAM, or so) */

typedef struct viv_page {
    uint8_t *hva;      /* host address of the page's first byte, or NULL */
    uint32_t kind;     /* VIV_PAGE_* */
    uint32_t writable; /* direct stores to hva are allowed */
    uint32_t clean;    /* the host keeps a log of pages that are written: page_dirty() first */
    uint32_t reserved0;
} viv_page_t;

struct viv_vcpu;

/* What the host does for an engine. All functions [emt of that vcpu] unless said otherwise.
 * None may be called with engine locks held that its own notifications take. */
typedef struct viv_engine_host {
    uint32_t size;
    uint32_t abi; /* VIV_ENGINE_ABI of the host */

    /* The page that holds gpa (A20 is already applied by the caller through a20_mask). Valid until
     * map_changed(). Guest-physical addresses beyond the map are UNASSIGNED. [any emt] */
    void (*page_query)(struct viv_vcpu *vcpu, uint64_t gpa, viv_page_t *ret_page);
    /* Any length, any kind, page splits handled; MMIO is cut into naturally aligned parts.
     * For page-table walks, descriptor tables, task segments. phys_write honours code marks. */
    void (*phys_read)(struct viv_vcpu *vcpu, uint64_t gpa, void *buf, uint32_t len_bytes);
    void (*phys_write)(struct viv_vcpu *vcpu, uint64_t gpa, const void *buf, uint32_t len_bytes);
    /* One access of 1, 2, 4 or 8 bytes within a page of kind MMIO (others are served too). */
    uint64_t (*mmio_read)(struct viv_vcpu *vcpu, uint64_t gpa, uint32_t width);
    void (*mmio_write)(struct viv_vcpu *vcpu, uint64_t gpa, uint64_t value, uint32_t width);
    /* Marks the page: from now on DMA into it and host stores to it are told by code_written(). The
     * mark stays until code_unmark. Stores by engines' own direct access are the engines'
     * business. */
    void (*code_mark)(struct viv_vcpu *vcpu, uint64_t gpa);
    void (*code_unmark)(struct viv_vcpu *vcpu, uint64_t gpa);

    /* Ports. width is 1, 2 or 4. The string forms move count elements and return how many were
     * moved (at least 1); buf is host memory. */
    uint32_t (*pio_read)(struct viv_vcpu *vcpu, uint16_t port, uint32_t width);
    void (*pio_write)(struct viv_vcpu *vcpu, uint16_t port, uint32_t value, uint32_t width);
    uint32_t (*pio_read_string)(struct viv_vcpu *vcpu, uint16_t port, uint32_t width, void *buf,
                                uint32_t count);
    uint32_t (*pio_write_string)(struct viv_vcpu *vcpu, uint16_t port, uint32_t width,
                                 const void *buf, uint32_t count);

    /* Acknowledges the highest pending interrupt and gives its vector; VIV_E_NOT_FOUND if it has
     * gone in the meantime (deliver nothing). Updates VIV_FF_INTR. */
    viv_status_t (*irq_take)(struct viv_vcpu *vcpu, uint8_t *ret_vector);
    /* The guest's TSC now. */
    uint64_t (*tsc_read)(struct viv_vcpu *vcpu);
    void (*tsc_write)(struct viv_vcpu *vcpu, uint64_t value);
    /* The guest's CPUID leaf: regs = eax, ebx, ecx, edx. Static bits only: the engine itself
     * mirrors the dynamic ones (OSXSAVE, APIC enabled is the host's, XSAVE size of XCR0). */
    void (*cpuid)(struct viv_vcpu *vcpu, uint32_t leaf, uint32_t subleaf, uint32_t ret_regs[4]);
    /* MSRs that are not in viv_cpu_t (APIC base, x2APIC, microcode ...). VIV_E_NOT_FOUND: raise
     * #GP(0). */
    viv_status_t (*msr_read)(struct viv_vcpu *vcpu, uint32_t msr, uint64_t *ret_value);
    viv_status_t (*msr_write)(struct viv_vcpu *vcpu, uint32_t msr, uint64_t value);
    /* CR8 = TPR bits 7:4. */
    uint64_t (*cr8_read)(struct viv_vcpu *vcpu);
    void (*cr8_write)(struct viv_vcpu *vcpu, uint64_t value);
    /* FERR#: an unmasked x87 exception with CR0.NE clear; the host raises IRQ 13. */
    void (*ferr_set)(struct viv_vcpu *vcpu, uint32_t level);
    /* The level of IGNNE# (port F0h written while FERR# was up). */
    uint32_t (*ignne_get)(struct viv_vcpu *vcpu);

    /* A named counter, for --stats; lives until the engine's vm_destroy. [any] Returns NULL
     * when statistics are off: then count nowhere. */
    uint64_t *(*counter)(struct viv_vcpu *vcpu, const char *name, const char *unit,
                         const char *help);
    void (*log)(struct viv_vcpu *vcpu, uint32_t severity, const char *fmt, ...) VIV_PRINTF(3, 4);
    /* An option from CFGM below Engine/<name>/: integer, or dflt if absent. */
    uint64_t (*option_u64)(struct viv_vcpu *vcpu, const char *key, uint64_t dflt);
    /* A number for RDRAND and RDSEED; a machine that must run the same way twice gets the same
     * ones, so the engine asks once for each that the guest asks for. VIV_E_BUSY: none now. */
    viv_status_t (*random)(struct viv_vcpu *vcpu, uint64_t *ret_value);
    /* Before the first direct store to a page that page_query() said is clean; from then on it is
     * not, until map_changed(). phys_write() needs no such word. */
    void (*page_dirty)(struct viv_vcpu *vcpu, uint64_t gpa);
} viv_engine_host_t;

/* The public head of the host's vCPU. */
typedef struct viv_vcpu {
    const viv_engine_host_t *host;
    viv_cpu_t *cpu;       /* canonical state, owned by the host */
    void *engine_self;    /* what vcpu_create returned */
    volatile uint32_t ff; /* VIV_FF_* */
    uint32_t index;
    uint64_t icount_limit;      /* run() returns VIV_EXIT_BUDGET when icount reaches it; ~0: none */
    volatile uint64_t a20_mask; /* and-ed to guest-physical addresses: ~0 or ~(1 << 20) */
    /* Family of the CPU model: 0 8086, 2 80286, 3 80386, 4 80486, 5 Pentium, 6 and more later ones.
     * What CPUID cannot tell of models without it. Fixed before vcpu_create. */
    uint32_t cpu_family;
    uint32_t reserved0;
} viv_vcpu_t;

/* Capabilities. */
#define VIV_ENGINE_EXACT_ICOUNT 0x1u /* honours icount_limit exactly: deterministic mode possible */
#define VIV_ENGINE_SMP          0x2u /* several vCPUs may run at once */

typedef struct viv_engine_class {
    uint32_t size;
    uint32_t kind; /* VIV_KIND_ENGINE */
    const char *name;
    const char *summary;
    uint32_t abi;      /* VIV_ENGINE_ABI */
    uint32_t cpu_size; /* sizeof(viv_cpu_t) */
    uint64_t caps;     /* VIV_ENGINE_* */
    uint32_t priority; /* `--engine auto` takes the usable engine with the highest */
    uint32_t reserved0;

    /* Can this host run it? VIV_OK, or a status with one sentence in why. [main] May be NULL:
     * always. */
    viv_status_t (*probe)(char *why, uint32_t why_bytes);
    /* State shared by the vCPUs of one machine. [main] */
    viv_status_t (*vm_create)(const viv_engine_host_t *host, uint32_t vcpu_count, void **ret_vm);
    void (*vm_destroy)(void *vm);
    /* [main] before the EMT starts; on return the engine treats vcpu->cpu as freshly loaded. */
    viv_status_t (*vcpu_create)(void *vm, viv_vcpu_t *vcpu, void **ret_self);
    void (*vcpu_destroy)(void *self);
    /* Runs until there is a reason to leave. Canonical state is current on entry and on return.
     * Does not block: HLT is an exit. [emt] VIV_OK unless VIV_EXIT_ERROR. */
    viv_status_t (*run)(void *self, viv_exit_t *ret_exit);
    /* Called by the host after it has set VIV_FF_* from another thread; for engines that must be
     * kicked out of a blocking run. May be NULL. [any] */
    void (*kick)(void *self);
    /* The canonical state was changed from outside (load, reset, SIPI, debugger): drop everything
     * derived from it. [emt, not within run()] */
    void (*state_loaded)(void *self);
    /* The guest-physical map changed (PAM, BAR, A20, ROM): drop cached page_query() answers at the
     * next instruction boundary. [emt; may be called within a host call of run()] With several
     * vCPUs the host calls it on each EMT. */
    void (*map_changed)(void *self);
    /* DMA or the host has written [gpa, gpa + len) where code_mark() is set; drop decoded code.
     * [any; takes effect before the next instruction after an interrupt or host call] */
    void (*code_written)(void *vm, uint64_t gpa, uint64_t len_bytes);
} viv_engine_class_t;

#define VIV_ENGINE_CLASS_HEAD(engine_name, text)                                                   \
    .size = sizeof(viv_engine_class_t), .kind = VIV_KIND_ENGINE, .name = (engine_name),            \
    .summary = (text), .abi = VIV_ENGINE_ABI, .cpu_size = sizeof(viv_cpu_t)

VIV_END_DECLS
#endif
