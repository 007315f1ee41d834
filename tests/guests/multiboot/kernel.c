/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A Multiboot 1 test kernel (Multiboot Specification 0.6.96): looks at what the loader handed over,
 * tells of it on COM1 and on the debug console (port E9h), and leaves through the debug-exit device
 * (port F4h). Compiled twice: 32-bit, and 64-bit behind an entry that goes to long mode by itself.
 *
 * Command line, after the name: "exit=N" is the value written to port F4h when all is well (default
 * 16); "mem=N" the MiB of memory that must be there; "modules=N" how many modules. A failed check
 * writes 1. What the kernel does not look at: drives, config table, APM, VBE, framebuffer.
 */
#include <stddef.h>
#include <stdint.h>

#define MB_BOOT_MAGIC      0x2BADB002u
#define MB_INFO_MEMORY     (1u << 0)
#define MB_INFO_CMDLINE    (1u << 2)
#define MB_INFO_MODULES    (1u << 3)
#define MB_INFO_MEMORY_MAP (1u << 6)

#define COM1          0x3F8
#define DEBUG_CONSOLE 0xE9
#define DEBUG_EXIT    0xF4
#define DEFAULT_EXIT  16
#define FAILED_EXIT   1

/* The part of the information structure that is looked at (section 3.3). */
typedef struct {
    uint32_t flags;
    uint32_t mem_lower_kib;
    uint32_t mem_upper_kib;
    uint32_t boot_device;
    uint32_t cmdline;
    uint32_t mods_count;
    uint32_t mods_addr;
    uint32_t syms[4];
    uint32_t mmap_length;
    uint32_t mmap_addr;
} MbInfo;

typedef struct {
    uint32_t start;
    uint32_t end;
    uint32_t string;
    uint32_t reserved;
} MbModule;

/* `size` does not count itself. */
typedef struct {
    uint32_t size;
    uint64_t base;
    uint64_t length;
    uint32_t type;
} __attribute__((packed)) MbRange;

/* Filled in by the start file before anything is changed. In .data, as .bss is checked for
 * zeros. */
struct {
    uint32_t cr0;
    uint32_t eflags;
    uint16_t cs, ds, es, ss;
} mb_entry_state __attribute__((section(".data"))) = {1, 1, 1, 1, 1, 1};

extern char kernel_start[], kernel_end[];

static uint8_t mb_zeros[8192];
static unsigned mb_failures;

void mb_main(uint32_t magic, uint32_t info_gpa);

static void mb_out(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static uint8_t mb_in(uint16_t port)
{
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static void mb_putc(char c)
{
    while (!(mb_in(COM1 + 5) & 0x20)) {
    }
    mb_out(COM1, (uint8_t)c);
    mb_out(DEBUG_CONSOLE, (uint8_t)c);
}

static void mb_puts(const char *text)
{
    for (; *text; text++) {
        mb_putc(*text);
    }
}

static void mb_put_hex(uint64_t value)
{
    int shift = 60;
    while (shift > 0 && !(value >> shift)) {
        shift -= 4;
    }
    for (; shift >= 0; shift -= 4) {
        mb_putc("0123456789abcdef"[value >> shift & 15]);
    }
}

static void mb_put_field(const char *name, uint64_t value)
{
    mb_putc(' ');
    mb_puts(name);
    mb_putc('=');
    mb_put_hex(value);
}

static void mb_check(int good, const char *what)
{
    if (!good) {
        mb_failures++;
        mb_puts("mb: FAIL ");
        mb_puts(what);
        mb_putc('\n');
    }
}

/* The number after `name` in the command line, or the fallback. */
static uint32_t mb_option(const char *line, const char *name, uint32_t fallback)
{
    for (; *line; line++) {
        const char *l = line;
        const char *n = name;
        while (*n && *l == *n) {
            l++;
            n++;
        }
        if (!*n) {
            uint32_t value = 0;
            for (; *l >= '0' && *l <= '9'; l++) {
                value = value * 10 + (uint32_t)(*l - '0');
            }
            return value;
        }
    }
    return fallback;
}

/* What section 3.2 promises: protected mode, no paging, no interrupts, flat 32-bit segments. */
static void mb_check_state(void)
{
    mb_puts("mb: state");
    mb_put_field("cr0", mb_entry_state.cr0);
    mb_put_field("eflags", mb_entry_state.eflags);
    mb_put_field("cs", mb_entry_state.cs);
    mb_put_field("ss", mb_entry_state.ss);
    mb_putc('\n');
    mb_check(mb_entry_state.cr0 & 1, "CR0.PE is clear");
    mb_check(!(mb_entry_state.cr0 >> 31), "CR0.PG is set");
    mb_check(!(mb_entry_state.eflags & 0x20200), "EFLAGS.IF or VM is set");
    mb_check(!(mb_entry_state.cr0 & 1) || mb_entry_state.cs != 0, "CS is null");

    /* A20: one byte at 1 MiB and its alias below are two. */
    uintptr_t low_gpa = 0x500;
    __asm__("" : "+r"(low_gpa)); /* or gcc takes it for an access through a null pointer */
    volatile uint8_t *low = (volatile uint8_t *)low_gpa;
    volatile uint8_t *high = (volatile uint8_t *)(low_gpa + 0x100000);
    uint8_t low_kept = *low;
    uint8_t high_kept = *high;
    *low = (uint8_t)~high_kept;
    mb_check(*high == high_kept, "A20 is closed");
    *low = low_kept;
#ifdef __x86_64__
    uint32_t low_half, high_half;
    __asm__ volatile("rdmsr" : "=a"(low_half), "=d"(high_half) : "c"(0xC0000080u));
    (void)high_half;
    mb_check((low_half & 0x500) == 0x500, "EFER.LMA or LME is clear");
    uint64_t wide;
    __asm__ volatile("movabsq $0x123456789abcdef0, %%r15; movq %%r15, %0" : "=r"(wide) : : "r15");
    mb_check(wide == 0x123456789abcdef0u, "r15 lost a 64-bit value");
#endif
    for (size_t i = 0; i < sizeof(mb_zeros); i++) {
        if (((volatile uint8_t *)mb_zeros)[i]) {
            mb_check(0, ".bss is not zero");
            break;
        }
    }
}

static void mb_check_modules(const MbInfo *info, uint32_t wanted)
{
    mb_check(info->mods_count == wanted, "another number of modules");
    const MbModule *module = (const MbModule *)(uintptr_t)info->mods_addr;
    for (uint32_t i = 0; i < info->mods_count; i++, module++) {
        uint32_t sum = 0;
        mb_check(module->end >= module->start, "a module ends before its start");
        for (uint32_t gpa = module->start; gpa < module->end; gpa++) {
            sum = sum * 31 + *(const uint8_t *)(uintptr_t)gpa;
        }
        mb_puts("mb: module");
        mb_put_field("size", module->end - module->start);
        mb_put_field("sum", sum);
        mb_puts(" [");
        mb_puts((const char *)(uintptr_t)module->string);
        mb_puts("]\n");
        mb_check(!(module->start & 0xFFF), "a module is not on a page boundary");
        mb_check(module->start >= (uintptr_t)kernel_end || module->end <= (uintptr_t)kernel_start,
                 "a module lies on the kernel");
    }
}

static void mb_check_memory(const MbInfo *info, uint32_t wanted_mib)
{
    uint64_t usable = 0;
    int kernel_inside = 0;
    uint32_t at = info->mmap_addr;
    uint32_t end = info->mmap_addr + info->mmap_length;
    while (at < end) {
        const MbRange *range = (const MbRange *)(uintptr_t)at;
        mb_puts("mb: memory");
        mb_put_field("base", range->base);
        mb_put_field("length", range->length);
        mb_put_field("type", range->type);
        mb_putc('\n');
        if (range->type == 1) {
            usable += range->length;
            kernel_inside |= range->base <= (uintptr_t)kernel_start &&
                             range->base + range->length >= (uintptr_t)kernel_end;
        }
        mb_check(range->size >= 20, "a memory range is too short");
        at += range->size + 4;
    }
    mb_check(at == end, "the memory map does not end where it says");
    mb_check(kernel_inside, "the kernel is outside of memory");
    /* Firmware tables and the legacy hole take something away, at most 2 MiB together. */
    mb_check(usable <= (uint64_t)wanted_mib << 20, "more memory than the machine has");
    mb_check(usable + (2u << 20) >= (uint64_t)wanted_mib << 20, "less memory than the machine has");
    mb_check(info->mem_lower_kib >= 512 && info->mem_lower_kib <= 640, "mem_lower is off");
    mb_check(info->mem_upper_kib > 0, "mem_upper is zero");
}

void mb_main(uint32_t magic, uint32_t info_gpa)
{
    const MbInfo *info = (const MbInfo *)(uintptr_t)info_gpa;
    const char *cmdline = "";

    mb_out(COM1 + 1, 0);
    mb_out(COM1 + 3, 3);
    mb_puts("mb: entered, ");
    mb_puts(sizeof(void *) == 8 ? "64-bit\n" : "32-bit\n");
    mb_check(magic == MB_BOOT_MAGIC, "EAX is not the boot magic");
    mb_puts("mb: information");
    mb_put_field("flags", info->flags);
    mb_putc('\n');
    if (info->flags & MB_INFO_CMDLINE) {
        cmdline = (const char *)(uintptr_t)info->cmdline;
    }
    mb_puts("mb: command line [");
    mb_puts(cmdline);
    mb_puts("]\n");
    mb_check_state();
    mb_check(info->flags & MB_INFO_CMDLINE, "no command line");
    mb_check(info->flags & MB_INFO_MEMORY, "no memory sizes");
    mb_check(info->flags & MB_INFO_MEMORY_MAP, "no memory map");
    if (info->flags & MB_INFO_MEMORY_MAP) {
        mb_check_memory(info, mb_option(cmdline, "mem=", 128));
    }
    if (info->flags & MB_INFO_MODULES) {
        mb_check_modules(info, mb_option(cmdline, "modules=", 0));
    } else {
        mb_check(mb_option(cmdline, "modules=", 0) == 0, "no modules");
    }
    mb_puts(mb_failures ? "mb: FAILED\n" : "mb: PASSED\n");
    mb_out(DEBUG_EXIT,
           mb_failures ? FAILED_EXIT : (uint8_t)mb_option(cmdline, "exit=", DEFAULT_EXIT));
}
