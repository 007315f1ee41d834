/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86_host: FXSAVE, FXRSTOR (SDM vol. 1, 10.5) and the XSAVE family (chapter 13) on viv_cpu_t's
 * image.
 *
 * XINUSE is found by comparison with the initial values. XSAVEOPT and XSAVES use the init
 * optimisation, never the modified one, so they may write more than a processor would. The
 * supervisor mask IA32_XSS is zero. Bytes 464-511 of the legacy region are software's: never
 * touched in the guest's memory, and used in the image for FCS and FDS. */
#include "x86_host_internal.h"

#define X86_HOST_XCR0_X87      UINT64_C(1)
#define X86_HOST_XCR0_SSE      UINT64_C(2)
#define X86_HOST_XCR0_AVX      UINT64_C(4)
#define X86_HOST_XCR0_PKRU     (UINT64_C(1) << 9)
#define X86_HOST_XCOMP_COMPACT (UINT64_C(1) << 63)

#define X86_HOST_XSAVE_BASE    576u /* legacy region and header */
#define X86_HOST_HDR_XSTATE_BV 512u
#define X86_HOST_HDR_XCOMP_BV  520u

/* priv_imm of these ops; priv_wide: REX.W */
#define X86_HOST_STATE_LONG 1u /* 64-bit mode: 16 vector registers instead of 8 */

/* priv_kind */
enum {
    X86_HOST_XS_XSAVE,
    X86_HOST_XS_XSAVEOPT,
    X86_HOST_XS_XSAVEC,
    X86_HOST_XS_XSAVES,
    X86_HOST_XS_XRSTOR,
    X86_HOST_XS_XRSTORS,
};

/* Components beyond the legacy region, by rising number. */
typedef struct X86HostComponent {
    uint64_t bit;
    uint16_t offset; /* in the standard format and in the image */
    uint16_t bytes;
} X86HostComponent;

static const X86HostComponent x86_host_components[] = {
    {X86_HOST_XCR0_AVX, X86_HOST_XS_YMMH, 256},
    {X86_HOST_XCR0_PKRU, X86_HOST_XS_PKRU, 8},
};
#define X86_HOST_COMPONENTS (sizeof(x86_host_components) / sizeof(x86_host_components[0]))

uint64_t x86_host_xcr0_supported(void)
{
    uint64_t bits = X86_HOST_XCR0_X87 | X86_HOST_XCR0_SSE | X86_HOST_XCR0_PKRU;
    if (x86_host_has(X86_HOST_FEATURE_AVX))
        bits |= X86_HOST_XCR0_AVX;
    return bits;
}

static uint64_t x86_host_get64(const uint8_t *bytes)
{
    uint64_t v;
    memcpy(&v, bytes, sizeof(v));
    return v;
}

static void x86_host_put64(uint8_t *bytes, uint64_t v)
{
    memcpy(bytes, &v, sizeof(v));
}

/* Bytes of the vector registers that the mode can name. */
static unsigned x86_host_vector_bytes(const X86HostOp *op)
{
    return op->priv_imm & X86_HOST_STATE_LONG ? 256 : 128;
}

/* -- components: x87 --------------------------------------------------------------------------- */

static void x86_host_x87_save(const X86HostOp *op, const viv_cpu_t *cpu, uint8_t *out)
{
    memcpy(out, cpu->xsave, X86_HOST_XS_MXCSR);
    out[5] = 0;
    if (!op->priv_wide) { /* 32-bit pointers and selectors share the places of 64-bit pointers */
        memcpy(out + 12, cpu->xsave + X86_HOST_XS_FCS, 2);
        memset(out + 14, 0, 2);
        memcpy(out + 20, cpu->xsave + X86_HOST_XS_FDS, 2);
        memset(out + 22, 0, 2);
    }
    for (unsigned i = 0; i < 8; i++) {
        uint8_t *st = out + X86_HOST_XS_ST + 16u * i;
        memcpy(st, cpu->xsave + X86_HOST_XS_ST + 16u * i, 10);
        memset(st + 10, 0, 6);
    }
}

static void x86_host_x87_restore(const X86HostOp *op, viv_cpu_t *cpu, const uint8_t *in)
{
    uint16_t fcw;
    uint64_t fip = x86_host_get64(in + X86_HOST_XS_FIP);
    uint64_t fdp = x86_host_get64(in + X86_HOST_XS_FDP);

    memcpy(&fcw, in, sizeof(fcw));
    x86_host_x87_load_control(cpu, fcw);
    memcpy(cpu->xsave + X86_HOST_XS_FSW, in + X86_HOST_XS_FSW, 3); /* FSW, FTW */
    cpu->xsave[5] = 0;
    memcpy(cpu->xsave + X86_HOST_XS_FOP, in + X86_HOST_XS_FOP, 2);
    cpu->xsave[X86_HOST_XS_FOP + 1u] &= 7u;
    if (op->priv_wide)
        x86_host_pointers_put(cpu, fip, 0, fdp, 0);
    else
        x86_host_pointers_put(cpu, (uint32_t)fip, (uint16_t)(fip >> 32), (uint32_t)fdp,
                              (uint16_t)(fdp >> 32));
    for (unsigned i = 0; i < 8; i++) {
        uint8_t *st = cpu->xsave + X86_HOST_XS_ST + 16u * i;
        memcpy(st, in + X86_HOST_XS_ST + 16u * i, 10);
        memset(st + 10, 0, 6);
    }
    x86_host_x87_summarise(cpu);
}

static void x86_host_x87_clear(viv_cpu_t *cpu)
{
    memset(cpu->xsave, 0, X86_HOST_XS_MXCSR);
    memset(cpu->xsave + X86_HOST_XS_ST, 0, 128);
    x86_host_put16(cpu, X86_HOST_XS_FCW, X86_HOST_FCW_DEFAULT);
    x86_host_pointers_put(cpu, 0, 0, 0, 0);
}

static bool x86_host_is_zero(const uint8_t *bytes, size_t len)
{
    uint64_t any = 0;
    for (size_t i = 0; i < len; i += 8)
        any |= x86_host_get64(bytes + i);
    return any == 0;
}

static bool x86_host_x87_in_use(const viv_cpu_t *cpu)
{
    return x86_host_get64(cpu->xsave) != X86_HOST_FCW_DEFAULT ||
           !x86_host_is_zero(cpu->xsave + 8, 16) || x86_host_get32(cpu, X86_HOST_XS_FCS) != 0 ||
           !x86_host_is_zero(cpu->xsave + X86_HOST_XS_ST, 128);
}

/* -- FXSAVE, FXRSTOR --------------------------------------------------------------------------- */

static void x86_host_mxcsr_save(const viv_cpu_t *cpu, uint8_t *out)
{
    uint32_t mask = X86_HOST_MXCSR_VALID;
    memcpy(out + X86_HOST_XS_MXCSR, cpu->xsave + X86_HOST_XS_MXCSR, 4);
    memcpy(out + X86_HOST_XS_MXCSR_MASK, &mask, 4);
}

/* The area may be guest memory that another processor writes to: what is checked is read once. */
static bool x86_host_mxcsr_fetch(const uint8_t *in, uint32_t *ret_mxcsr)
{
    uint32_t mxcsr;
    memcpy(&mxcsr, in + X86_HOST_XS_MXCSR, sizeof(mxcsr));
    if (mxcsr & ~X86_HOST_MXCSR_VALID)
        return false;
    *ret_mxcsr = mxcsr;
    return true;
}

static int x86_host_fxsave(const X86HostOp *op, viv_cpu_t *cpu, void *mem)
{
    uint8_t *out = mem;

    x86_host_x87_save(op, cpu, out);
    x86_host_mxcsr_save(cpu, out);
    memcpy(out + X86_HOST_XS_XMM, cpu->xsave + X86_HOST_XS_XMM, x86_host_vector_bytes(op));
    return X86_HOST_OK;
}

static int x86_host_fxrstor(const X86HostOp *op, viv_cpu_t *cpu, void *mem)
{
    const uint8_t *in = mem;
    uint32_t mxcsr;

    if (!x86_host_mxcsr_fetch(in, &mxcsr))
        return X86_HOST_GP;
    x86_host_x87_restore(op, cpu, in);
    x86_host_put32(cpu, X86_HOST_XS_MXCSR, mxcsr);
    memcpy(cpu->xsave + X86_HOST_XS_XMM, in + X86_HOST_XS_XMM, x86_host_vector_bytes(op));
    return X86_HOST_OK;
}

/* -- XSAVE and family -------------------------------------------------------------------------- */

static uint64_t x86_host_rfbm(const viv_cpu_t *cpu)
{
    uint64_t asked =
        (cpu->gpr[VIV_REG_RDX] & UINT32_MAX) << 32 | (cpu->gpr[VIV_REG_RAX] & UINT32_MAX);
    return asked & cpu->xcr0 & x86_host_xcr0_supported();
}

static unsigned x86_host_component_bytes(const X86HostOp *op, const X86HostComponent *c)
{
    return c->bit == X86_HOST_XCR0_AVX ? x86_host_vector_bytes(op) : c->bytes;
}

uint32_t x86_host_xsave_bytes(const X86HostOp *op, const viv_cpu_t *cpu)
{
    uint32_t bytes = X86_HOST_XSAVE_BASE;
    uint64_t rfbm = x86_host_rfbm(cpu);

    (void)op;
    for (unsigned i = 0; i < X86_HOST_COMPONENTS; i++) {
        if (rfbm & x86_host_components[i].bit)
            bytes = (uint32_t)x86_host_components[i].offset + x86_host_components[i].bytes;
    }
    return bytes;
}

static uint64_t x86_host_in_use(const viv_cpu_t *cpu)
{
    uint64_t bits = 0;

    if (x86_host_x87_in_use(cpu))
        bits |= X86_HOST_XCR0_X87;
    if (!x86_host_is_zero(cpu->xsave + X86_HOST_XS_XMM, 256))
        bits |= X86_HOST_XCR0_SSE;
    for (unsigned i = 0; i < X86_HOST_COMPONENTS; i++) {
        const X86HostComponent *c = &x86_host_components[i];
        if (!x86_host_is_zero(cpu->xsave + c->offset, c->bytes))
            bits |= c->bit;
    }
    return bits;
}

uint64_t x86_host_xinuse(const viv_cpu_t *cpu)
{
    uint64_t used = x86_host_in_use(cpu);
    if (x86_host_get32(cpu, X86_HOST_XS_MXCSR) != X86_HOST_MXCSR_DEFAULT)
        used |= X86_HOST_XCR0_SSE;
    return used;
}

/* Where component i lies in an area: the standard place, or behind those of lower number in the
 * compacted format. */
static unsigned x86_host_place_of(unsigned i, uint64_t xcomp_bv)
{
    unsigned offset = X86_HOST_XSAVE_BASE;

    if (!(xcomp_bv & X86_HOST_XCOMP_COMPACT))
        return x86_host_components[i].offset;
    for (unsigned k = 0; k < i; k++) {
        if (xcomp_bv & x86_host_components[k].bit)
            offset += x86_host_components[k].bytes;
    }
    return offset;
}

static void x86_host_save_parts(const X86HostOp *op, const viv_cpu_t *cpu, uint8_t *out,
                                uint64_t parts, uint64_t xcomp_bv)
{
    if (parts & X86_HOST_XCR0_X87)
        x86_host_x87_save(op, cpu, out);
    if (parts & X86_HOST_XCR0_SSE)
        memcpy(out + X86_HOST_XS_XMM, cpu->xsave + X86_HOST_XS_XMM, x86_host_vector_bytes(op));
    for (unsigned i = 0; i < X86_HOST_COMPONENTS; i++) {
        const X86HostComponent *c = &x86_host_components[i];
        if (parts & c->bit)
            memcpy(out + x86_host_place_of(i, xcomp_bv), cpu->xsave + c->offset,
                   x86_host_component_bytes(op, c));
    }
}

/* XSAVE, XSAVEOPT */
static int x86_host_xsave_standard(const X86HostOp *op, viv_cpu_t *cpu, void *mem)
{
    uint8_t *out = mem;
    uint64_t rfbm = x86_host_rfbm(cpu);
    uint64_t used = x86_host_in_use(cpu);
    uint64_t old_bv = x86_host_get64(out + X86_HOST_HDR_XSTATE_BV);

    x86_host_save_parts(op, cpu, out, op->priv_kind == X86_HOST_XS_XSAVEOPT ? rfbm & used : rfbm,
                        0);
    if (rfbm & (X86_HOST_XCR0_SSE | X86_HOST_XCR0_AVX))
        x86_host_mxcsr_save(cpu, out);
    x86_host_put64(out + X86_HOST_HDR_XSTATE_BV, (old_bv & ~rfbm) | (used & rfbm));
    return X86_HOST_OK;
}

/* XSAVEC, XSAVES: MXCSR counts as part of the SSE component. */
static int x86_host_xsave_compact(const X86HostOp *op, viv_cpu_t *cpu, void *mem)
{
    uint8_t *out = mem;
    uint64_t rfbm = x86_host_rfbm(cpu);
    uint64_t xcomp_bv = rfbm | X86_HOST_XCOMP_COMPACT;
    uint64_t used = x86_host_xinuse(cpu) & rfbm;

    x86_host_save_parts(op, cpu, out, used, xcomp_bv);
    if (used & X86_HOST_XCR0_SSE)
        x86_host_mxcsr_save(cpu, out);
    x86_host_put64(out + X86_HOST_HDR_XSTATE_BV, used);
    x86_host_put64(out + X86_HOST_HDR_XCOMP_BV, xcomp_bv);
    return X86_HOST_OK;
}

typedef struct X86HostHeader {
    uint64_t xstate_bv;
    uint64_t xcomp_bv;
    uint64_t reserved0[6];
} X86HostHeader;

/* SDM vol. 1, 13.8.1, 13.8.2, 13.12: what makes a header invalid. */
static bool x86_host_header_valid(const X86HostOp *op, const viv_cpu_t *cpu,
                                  const X86HostHeader *header)
{
    uint64_t xstate_bv = header->xstate_bv;
    uint64_t xcomp_bv = header->xcomp_bv;
    uint64_t xcr0 = cpu->xcr0 & x86_host_xcr0_supported();

    if (!(xcomp_bv & X86_HOST_XCOMP_COMPACT)) {
        if (op->priv_kind == X86_HOST_XS_XRSTORS)
            return false;
        return !(xstate_bv & ~xcr0) && !xcomp_bv && !header->reserved0[0];
    }
    xcomp_bv &= ~X86_HOST_XCOMP_COMPACT;
    return !(xcomp_bv & ~xcr0) && !(xstate_bv & ~xcomp_bv) &&
           x86_host_is_zero((const uint8_t *)header->reserved0, sizeof(header->reserved0));
}

static void x86_host_restore_sse(const X86HostOp *op, viv_cpu_t *cpu, const uint8_t *in,
                                 bool present)
{
    uint8_t *xmm = cpu->xsave + X86_HOST_XS_XMM;
    if (present)
        memcpy(xmm, in + X86_HOST_XS_XMM, x86_host_vector_bytes(op));
    else
        memset(xmm, 0, x86_host_vector_bytes(op));
}

static void x86_host_restore_more(const X86HostOp *op, viv_cpu_t *cpu, const uint8_t *in,
                                  uint64_t rfbm, const X86HostHeader *header)
{
    for (unsigned i = 0; i < X86_HOST_COMPONENTS; i++) {
        const X86HostComponent *c = &x86_host_components[i];
        uint8_t *to = cpu->xsave + c->offset;
        if (!(rfbm & c->bit))
            continue;
        if (header->xstate_bv & c->bit)
            memcpy(to, in + x86_host_place_of(i, header->xcomp_bv),
                   x86_host_component_bytes(op, c));
        else
            memset(to, 0, x86_host_component_bytes(op, c));
    }
}

static void x86_host_restore_x87(const X86HostOp *op, viv_cpu_t *cpu, const uint8_t *in,
                                 bool present)
{
    if (present)
        x86_host_x87_restore(op, cpu, in);
    else
        x86_host_x87_clear(cpu);
}

/* XRSTOR, XRSTORS */
static int x86_host_xrstor(const X86HostOp *op, viv_cpu_t *cpu, void *mem)
{
    const uint8_t *in = mem;
    uint64_t rfbm = x86_host_rfbm(cpu);
    X86HostHeader header;
    uint32_t mxcsr = X86_HOST_MXCSR_DEFAULT;

    memcpy(&header, in + X86_HOST_HDR_XSTATE_BV, sizeof(header));
    if (!x86_host_header_valid(op, cpu, &header))
        return X86_HOST_GP;
    /* In the standard format MXCSR is loaded whatever XSTATE_BV says; in the other it is part of
     * SSE. */
    bool compact = (header.xcomp_bv & X86_HOST_XCOMP_COMPACT) != 0;
    uint64_t sse = rfbm & X86_HOST_XCR0_SSE;
    bool sets_mxcsr = compact ? sse != 0 : (rfbm & (X86_HOST_XCR0_SSE | X86_HOST_XCR0_AVX)) != 0;
    bool loads_mxcsr = compact ? (header.xstate_bv & sse) != 0 : sets_mxcsr;
    if (loads_mxcsr && !x86_host_mxcsr_fetch(in, &mxcsr))
        return X86_HOST_GP;
    if (rfbm & X86_HOST_XCR0_X87)
        x86_host_restore_x87(op, cpu, in, (header.xstate_bv & X86_HOST_XCR0_X87) != 0);
    if (sets_mxcsr)
        x86_host_put32(cpu, X86_HOST_XS_MXCSR, mxcsr);
    if (sse)
        x86_host_restore_sse(op, cpu, in, (header.xstate_bv & sse) != 0);
    x86_host_restore_more(op, cpu, in, rfbm, &header);
    return X86_HOST_OK;
}

/* -- selection --------------------------------------------------------------------------------- */

static void x86_host_state_fx(X86HostBuild *build, X86HostExec exec, uint8_t access)
{
    X86HostOp *op = &build->op;

    op->exec = exec;
    op->cls = X86_HOST_CLASS_FXSAVE;
    op->mem_kind = X86_HOST_MEM_PLAIN;
    op->mem_access = access;
    op->mem_bytes = 512;
    op->mem_align = 16;
}

static void x86_host_state_xs(X86HostBuild *build, X86HostExec exec, unsigned kind)
{
    X86HostOp *op = &build->op;
    bool store = exec != x86_host_xrstor;

    op->exec = exec;
    op->cls = kind == X86_HOST_XS_XSAVES || kind == X86_HOST_XS_XRSTORS ? X86_HOST_CLASS_XSAVES
                                                                        : X86_HOST_CLASS_XSAVE;
    op->mem_kind = X86_HOST_MEM_XSAVE;
    op->mem_access = store ? X86_HOST_MEM_READ | X86_HOST_MEM_WRITE : X86_HOST_MEM_READ;
    op->mem_align = 64;
    op->priv_kind = (uint8_t)kind;
    op->gpr_reads = 1u << VIV_REG_RAX | 1u << VIV_REG_RDX;
}

bool x86_host_state_prepare(X86HostBuild *build)
{
    X86HostOp *op = &build->op;
    const ZydisDecodedInstruction *insn = build->insn;

    op->priv_wide = insn->raw.rex.W;
    op->priv_imm = insn->machine_mode == ZYDIS_MACHINE_MODE_LONG_64 ? X86_HOST_STATE_LONG : 0;
    switch (insn->mnemonic) {
    case ZYDIS_MNEMONIC_FXSAVE:
    case ZYDIS_MNEMONIC_FXSAVE64:
        x86_host_state_fx(build, x86_host_fxsave, X86_HOST_MEM_READ | X86_HOST_MEM_WRITE);
        break;
    case ZYDIS_MNEMONIC_FXRSTOR:
    case ZYDIS_MNEMONIC_FXRSTOR64:
        x86_host_state_fx(build, x86_host_fxrstor, X86_HOST_MEM_READ);
        break;
    case ZYDIS_MNEMONIC_XSAVE:
    case ZYDIS_MNEMONIC_XSAVE64:
        x86_host_state_xs(build, x86_host_xsave_standard, X86_HOST_XS_XSAVE);
        break;
    case ZYDIS_MNEMONIC_XSAVEOPT:
    case ZYDIS_MNEMONIC_XSAVEOPT64:
        x86_host_state_xs(build, x86_host_xsave_standard, X86_HOST_XS_XSAVEOPT);
        break;
    case ZYDIS_MNEMONIC_XSAVEC:
    case ZYDIS_MNEMONIC_XSAVEC64:
        x86_host_state_xs(build, x86_host_xsave_compact, X86_HOST_XS_XSAVEC);
        break;
    case ZYDIS_MNEMONIC_XSAVES:
    case ZYDIS_MNEMONIC_XSAVES64:
        x86_host_state_xs(build, x86_host_xsave_compact, X86_HOST_XS_XSAVES);
        break;
    case ZYDIS_MNEMONIC_XRSTOR:
    case ZYDIS_MNEMONIC_XRSTOR64:
        x86_host_state_xs(build, x86_host_xrstor, X86_HOST_XS_XRSTOR);
        break;
    case ZYDIS_MNEMONIC_XRSTORS:
    case ZYDIS_MNEMONIC_XRSTORS64:
        x86_host_state_xs(build, x86_host_xrstor, X86_HOST_XS_XRSTORS);
        break;
    default: /* XGETBV, XSETBV are system instructions */ return false;
    }
    build->key.kind = 0xc0;
    build->key.regs[0] = op->priv_wide;
    build->key.regs[1] = op->priv_imm;
    build->key.code[0] = insn->opcode;
    build->key.code[1] = insn->raw.modrm.reg;
    return true;
}

/* -- whole state ------------------------------------------------------------------------------- */

static void x86_host_state_header(viv_cpu_t *cpu)
{
    memset(cpu->xsave + X86_HOST_XS_HEADER, 0, 64);
    x86_host_put64(cpu->xsave + X86_HOST_HDR_XSTATE_BV, x86_host_xcr0_supported());
    x86_host_put32(cpu, X86_HOST_XS_MXCSR_MASK, X86_HOST_MXCSR_VALID);
}

void x86_host_state_reset(viv_cpu_t *cpu)
{
    memset(cpu->xsave, 0, sizeof(cpu->xsave));
    x86_host_put16(cpu, X86_HOST_XS_FCW, 0x0040u);
    cpu->xsave[X86_HOST_XS_FTW] = 0xff; /* tags say "zero": all registers in use */
    x86_host_put32(cpu, X86_HOST_XS_MXCSR, X86_HOST_MXCSR_DEFAULT);
    x86_host_state_header(cpu);
}

static void x86_host_clear_reserved(viv_cpu_t *cpu)
{
    uint8_t *x = cpu->xsave;

    for (unsigned i = 0; i < 8; i++)
        memset(x + X86_HOST_XS_ST + 16u * i + 10u, 0, 6);
    x[5] = 0;
    x[X86_HOST_XS_FOP + 1u] &= 7u;
    memset(x + X86_HOST_XS_RESERVED, 0, X86_HOST_XS_FCS - X86_HOST_XS_RESERVED);
    memset(x + X86_HOST_XS_FDS + 2u, 0, X86_HOST_XS_HEADER - X86_HOST_XS_FDS - 2u);
    memset(x + X86_HOST_XS_PKRU + 4u, 0, sizeof(cpu->xsave) - X86_HOST_XS_PKRU - 4u);
}

void x86_host_state_loaded(viv_cpu_t *cpu)
{
    uint64_t xstate_bv = x86_host_get64(cpu->xsave + X86_HOST_HDR_XSTATE_BV);

    if (!(xstate_bv & X86_HOST_XCR0_X87))
        x86_host_x87_clear(cpu);
    if (!(xstate_bv & X86_HOST_XCR0_SSE))
        memset(cpu->xsave + X86_HOST_XS_XMM, 0, 256);
    for (unsigned i = 0; i < X86_HOST_COMPONENTS; i++) {
        const X86HostComponent *c = &x86_host_components[i];
        if (!(xstate_bv & c->bit))
            memset(cpu->xsave + c->offset, 0, c->bytes);
    }
    x86_host_clear_reserved(cpu);
    x86_host_x87_load_control(cpu, x86_host_get16(cpu, X86_HOST_XS_FCW));
    x86_host_x87_summarise(cpu);
    x86_host_put32(cpu, X86_HOST_XS_MXCSR,
                   x86_host_get32(cpu, X86_HOST_XS_MXCSR) & X86_HOST_MXCSR_VALID);
    x86_host_state_header(cpu);
}
