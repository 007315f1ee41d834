/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* host_check: a case on both sides, compared. */
#include <string.h>

#include "host.h"

#define CHECK_WINDOW 512u /* bytes of the code region that a case starts from: INT3 */

static void check_text(const HostCase *t, char *buf, size_t n)
{
    ZydisFormatter formatter;
    uint32_t k;
    size_t at = 0;
    ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL);
    for (k = 0; k < t->len && at + 4 < n; k++)
        at += (size_t)snprintf(buf + at, n - at, "%02x ", t->bytes[k]);
    for (k = 0; k < t->count && at + 120 < n; k++) {
        const HostInsn *i = &t->insn[k];
        char text[96] = "(bad)";
        if (i->valid)
            ZydisFormatterFormatInstruction(&formatter, &i->z, i->op, i->z.operand_count_visible,
                                            text, sizeof(text), 0, NULL);
        at += (size_t)snprintf(buf + at, n - at, "%s%s", k ? "; " : "| ", text);
    }
}

/* The ends of the case in hand: for messages. */
static HostState native, guest;

static void check_say(const HostCase *t, const char *what, uint64_t ours, uint64_t theirs)
{
    char text[2048];
    check_text(t, text, sizeof(text));
    fprintf(stderr,
            "differs: seed %#llx%s: %s: %s: engine %llx, host %llx (vectors %u, %u; error %x, %x; "
            "cr2 %llx, %llx; flags before %llx)\n",
            (unsigned long long)t->seed, t->mode32 ? " 32-bit" : "", text, what,
            (unsigned long long)ours, (unsigned long long)theirs, guest.vector, native.vector,
            guest.error, native.error, (unsigned long long)guest.cr2,
            (unsigned long long)native.cr2, (unsigned long long)t->in.rflags);
}

/* -- code -------------------------------------------------------------------------------------- */
static void check_code(Rig *rig, const HostCase *t, bool put)
{
    uint8_t bytes[HOST_CASE_BYTES];
    uint64_t end = HOST_CODE + host_regions[HOST_REGION_CODE].bytes;
    uint32_t n = t->rip + t->len > end ? (uint32_t)(end - t->rip) : t->len;
    memset(bytes, 0xcc, sizeof(bytes));
    if (put)
        memcpy(bytes, t->bytes, n);
    host_native_code(t->rip, bytes, n);
    host_guest_code(rig, t->rip, bytes, n);
}

/* -- comparing --------------------------------------------------------------------------------- */
static bool check_end(const HostCase *t)
{
    /* Linux does not tell processes which of its own addresses exist. */
    if (guest.vector == HOST_VECTOR_PF && guest.cr2 >= UINT64_C(0x7ffffffff000))
        guest.error |= 1;
    if (native.vector != guest.vector) {
        check_say(t, "vector", guest.vector, native.vector);
        return false;
    }
    if (native.rip != guest.rip) {
        check_say(t, "rip", guest.rip, native.rip);
        return false;
    }
    if (native.vector >= 10 && native.vector <= 14 && native.error != guest.error) {
        check_say(t, "error code", guest.error, native.error);
        return false;
    }
    if (native.vector == HOST_VECTOR_PF && native.cr2 != guest.cr2) {
        check_say(t, "cr2", guest.cr2, native.cr2);
        return false;
    }
    return true;
}

static bool check_registers(const HostCase *t)
{
    static const char *const names[16] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                          "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
    static const char *const sels[6] = {"es", "cs", "ss", "ds", "fs", "gs"};
    uint32_t k;
    bool ok = true;
    for (k = 0; ok && k < 16; k++)
        if (native.gpr[k] != guest.gpr[k]) {
            check_say(t, names[k], guest.gpr[k], native.gpr[k]);
            ok = false;
        }
    if (ok && native.rflags != guest.rflags) {
        check_say(t, "rflags", guest.rflags, native.rflags);
        ok = false;
    }
    for (k = 0; ok && k < 6; k++)
        if (native.sel[k] != guest.sel[k]) {
            check_say(t, sels[k], guest.sel[k], native.sel[k]);
            ok = false;
        }
    for (k = 0; ok && k < 2; k++)
        if (native.base[k] != guest.base[k]) {
            check_say(t, k ? "gs base" : "fs base", guest.base[k], native.base[k]);
            ok = false;
        }
    return ok;
}

static const char *check_xsave_name(uint32_t at)
{
    static char name[32];
    if (at < HOST_XSAVE_MX)
        return at < 2 ? "fcw" : at < 4 ? "fsw" : at < 6 ? "ftw" : at < 8 ? "fop" : "fip, fdp";
    if (at < HOST_XSAVE_ST)
        return "mxcsr";
    if (at < HOST_XSAVE_XMM)
        snprintf(name, sizeof(name), "st%u.%u", (at - 32) / 16, (at & 15) / 8);
    else if (at < 512)
        snprintf(name, sizeof(name), "xmm%u.%u", (at - 160) / 16, (at & 15) / 8);
    else
        snprintf(name, sizeof(name), "ymm%u.%u", (at - 576) / 16, 2 + (at & 15) / 8);
    return name;
}

static bool check_xsave(const HostCase *t)
{
    uint32_t k, n;
    if (!memcmp(native.xsave, guest.xsave, HOST_XSAVE))
        return true;
    for (k = 0; native.xsave[k] == guest.xsave[k]; k++)
        continue;
    n = k < 8 ? 2 : k < 32 ? 4 : 8;
    k &= ~(n - 1);
    {
        uint64_t a = 0, b = 0;
        memcpy(&a, guest.xsave + k, n);
        memcpy(&b, native.xsave + k, n);
        check_say(t, check_xsave_name(k), a, b);
    }
    return false;
}

static void check_memory_equal(void)
{
    uint32_t k;
    for (k = 0; k < HOST_REGIONS; k++)
        if (host_regions[k].native)
            memcpy(host_regions[k].guest, host_regions[k].native, host_regions[k].bytes);
}

/* Makes them equal again after a difference. */
static bool check_memory(const HostCase *t)
{
    bool ok = true;
    uint32_t k, at;
    for (k = 0; k < HOST_REGIONS; k++) {
        HostRegion *r = &host_regions[k];
        if (!r->native || !memcmp(r->native, r->guest, r->bytes))
            continue;
        for (at = 0; r->native[at] == r->guest[at]; at++)
            continue;
        if (ok)
            check_say(t, "memory", r->guest[at], r->native[at]);
        fprintf(stderr, "  at %#llx\n", (unsigned long long)(r->lin + at));
        memcpy(r->guest, r->native, r->bytes);
        ok = false;
    }
    return ok;
}

static void check_count(const HostCase *t, const HostState *end, HostStats *stats)
{
    uint32_t k;
    stats->cases++;
    stats->instructions += t->count;
    stats->sequences += t->count > 1;
    stats->vectors[end->vector & 31]++;
    if (end->vector != HOST_VECTOR_BP) {
        stats->faults++;
        if (end->vector != HOST_VECTOR_PF || !(end->error & 0x10))
            return; /* a branch into nothing went well */
    }
    for (k = 0; k < t->count; k++)
        if (t->insn[k].valid)
            stats->done[t->mode32][t->insn[k].z.mnemonic]++;
}

bool host_check(Rig *rig, const HostCase *t, HostStats *stats)
{
    bool ran, ok;
    check_code(rig, t, true);
    host_native_run(&t->in, &native);
    ran = host_guest_run(rig, &t->in, &guest);
    check_code(rig, t, false);
    check_count(t, &native, stats);
    if (!ran) {
        check_say(t, "no exception, exit reason", guest.vector, native.vector);
        (void)check_memory(t);
        return false;
    }
    if (host_undefined_outcome(t, &native, &guest)) {
        check_memory_equal();
        return true;
    }
    host_undefined_state(t, &native, &guest);
    host_undefined_memory(t);
    ok = check_end(t) && check_registers(t) && check_xsave(t);
    return check_memory(t) && ok;
}

/* What the guest's model lacks. */
bool host_check_guest_ud(Rig *rig, const HostCase *t, HostStats *stats)
{
    bool ran;
    check_code(rig, t, true);
    ran = host_guest_run(rig, &t->in, &guest);
    check_code(rig, t, false);
    stats->guest_only++;
    if (ran && guest.vector == HOST_VECTOR_UD)
        return check_memory(t);
    check_say(t, "the model lacks it: vector", guest.vector, HOST_VECTOR_UD);
    (void)check_memory(t);
    return false;
}

bool host_try(Rig *rig, const HostForms *forms, uint32_t form, uint64_t seed, HostStats *stats)
{
    static HostCase t;
    const char *reason;
    host_rng_state = seed;
    t.seed = seed;
    if (!host_case_one(&t, &forms->form[form]))
        return true;
    switch (host_use(&t.insn[0], t.mode32, &reason)) {
    case HOST_USE_COMPARE: return host_check(rig, &t, stats);
    case HOST_USE_GUEST_UD: return host_check_guest_ud(rig, &t, stats);
    default: return true;
    }
}

bool host_try_sequence(Rig *rig, const HostForms *forms, bool mode32, uint64_t seed,
                       HostStats *stats)
{
    static HostCase t;
    host_rng_state = seed;
    t.seed = seed;
    return !host_case_sequence(&t, forms, mode32) || host_check(rig, &t, stats);
}

bool host_try_foreign(Rig *rig, uint64_t seed, HostStats *stats)
{
    static HostCase t;
    host_rng_state = seed;
    t.seed = seed;
    return !host_case_foreign(&t) || host_check_guest_ud(rig, &t, stats);
}
