/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* host_forms: every encoding, by walking the opcode maps: each opcode with each mandatory prefix,
 * W, L and each ModRM byte goes through Zydis; what comes back with one mnemonic is one form. What
 * Zydis refuses is a form too: a CPU has to refuse it as well. Follows: SDM vol. 2, appendix A. */
#include <stdlib.h>
#include <string.h>

#include "host.h"

ZydisDecoder host_decoder[2];

static HostForm *forms_add(HostForms *forms, const HostForm *form)
{
    if (forms->count == forms->room) {
        uint32_t room = forms->room ? forms->room * 2 : 4096;
        HostForm *more = realloc(forms->form, room * sizeof(*more));
        if (!more)
            return NULL;
        forms->form = more;
        forms->room = room;
    }
    forms->form[forms->count] = *form;
    return &forms->form[forms->count++];
}

/* The probe's bytes up to the opcode; ModRM follows. */
static uint32_t forms_head(const HostForm *f, uint8_t *p, uint32_t vvvv)
{
    static const uint8_t prefixes[4] = {0, 0x66, 0xf3, 0xf2};
    uint32_t n = 0;
    if (f->vex) {
        p[n++] = 0xc4;
        p[n++] = (uint8_t)(0xe0 | f->map);
        p[n++] = (uint8_t)((f->w ? 0x80 : 0) | vvvv << 3 | (f->l ? 4 : 0) | f->pp);
    } else {
        if (f->pp)
            p[n++] = prefixes[f->pp];
        if (f->w)
            p[n++] = 0x48;
        if (f->map)
            p[n++] = 0x0f;
        if (f->map > 1)
            p[n++] = f->map == 2 ? 0x38 : 0x3a;
    }
    p[n++] = f->opcode;
    return n;
}

static bool forms_decode(const HostForm *f, uint32_t reg, uint32_t rm, ZydisDecodedInstruction *z)
{
    /* VEX.vvvv is 1111b where it is none; a gather's must be another register than the others */
    static const uint32_t vvvv[2] = {15, 8};
    uint32_t k, n;
    for (k = 0; k < (f->vex ? 2u : 1u); k++) {
        uint8_t bytes[24] = {0};
        n = forms_head(f, bytes, vvvv[k]);
        bytes[n] = (uint8_t)((f->mem ? 0 : 0xc0) | reg << 3 | rm);
        if (ZYAN_SUCCESS(
                ZydisDecoderDecodeInstruction(&host_decoder[f->mode32], NULL, bytes, 15, z)))
            return true;
    }
    return false;
}

/* F2 and F3 mean nothing here, or W: not a form of its own. The cases add such prefixes by
 * chance. */
static bool forms_redundant(const HostForm *f, const ZydisDecodedInstruction *z, uint32_t reg,
                            uint32_t rm)
{
    HostForm plain = *f;
    ZydisDecodedInstruction other;
    if (f->vex || f->pp < 2 ||
        (z->attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE)))
        return false;
    plain.pp = 0;
    return forms_decode(&plain, reg, rm, &other) && other.mnemonic == z->mnemonic &&
           other.opcode == z->opcode && other.meta.isa_set == z->meta.isa_set;
}

/* One ModRM value of an opcode: to its form among those from first on. */
static bool forms_one(HostForms *forms, uint32_t first, HostForm *f, uint32_t reg, uint32_t rm)
{
    ZydisDecodedInstruction z;
    bool known = forms_decode(f, reg, rm, &z);
    uint32_t k;
    f->mnemonic = (uint16_t)(known ? z.mnemonic : ZYDIS_MNEMONIC_INVALID);
    f->isa = (uint16_t)(known ? z.meta.isa_set : ZYDIS_ISA_SET_INVALID);
    f->modrm = !known || (z.attributes & ZYDIS_ATTRIB_HAS_MODRM);
    f->reg = (uint8_t)(1u << reg);
    f->rm = (uint8_t)(1u << rm);
    if (known && forms_redundant(f, &z, reg, rm))
        return true;
    if (known)
        forms->mnemonics[f->mode32][z.mnemonic / 8] |= (uint8_t)(1u << z.mnemonic % 8);
    for (k = first; k < forms->count; k++) {
        HostForm *have = &forms->form[k];
        if (have->mnemonic == f->mnemonic && have->mem == f->mem) {
            have->reg |= f->reg;
            have->rm |= f->rm;
            return true;
        }
    }
    return forms_add(forms, f) != NULL;
}

static bool forms_opcode(HostForms *forms, HostForm *f)
{
    uint32_t first = forms->count, k;
    ZydisDecodedInstruction z;
    f->mem = false;
    if (forms_decode(f, 0, 0, &z) && !(z.attributes & ZYDIS_ATTRIB_HAS_MODRM))
        return forms_one(forms, first, f, 0, 0);
    for (k = 0; k < 128; k++) {
        f->mem = k >> 6;
        if (!forms_one(forms, first, f, k >> 3 & 7, k & 7))
            return false;
    }
    return true;
}

/* Prefixes, escapes, and what begins another encoding. */
static bool forms_no_opcode(const HostForm *f)
{
    static const uint8_t prefixes[] = {0x0f, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66,
                                       0x67, 0xf0, 0xf2, 0xf3, 0x62, 0xc4, 0xc5};
    if (f->map == 1)
        return f->opcode == 0x38 || f->opcode == 0x3a || f->opcode == 0x0f;
    if (f->map > 1)
        return false;
    if (!f->mode32)
        return (f->opcode & 0xf0) == 0x40 || memchr(prefixes, f->opcode, sizeof(prefixes));
    return memchr(prefixes, f->opcode, sizeof(prefixes) - 3) != NULL;
}

static bool forms_legacy(HostForms *forms, bool mode32)
{
    uint32_t map, opcode, v;
    for (map = 0; map < 4; map++)
        for (opcode = 0; opcode < 256; opcode++)
            for (v = 0; v < 8; v++) {
                HostForm f = {.map = (uint8_t)map,
                              .pp = v & 3,
                              .w = v >> 2,
                              .opcode = (uint8_t)opcode,
                              .mode32 = mode32};
                bool x87 = map == 0 && (opcode & 0xf8) == 0xd8;
                if (forms_no_opcode(&f) || (f.w && mode32) || (x87 && v))
                    continue;
                if (!forms_opcode(forms, &f))
                    return false;
            }
    return true;
}

static bool forms_vex(HostForms *forms, bool mode32)
{
    uint32_t map, opcode, v;
    for (map = 1; map < 4; map++)
        for (opcode = 0; opcode < 256; opcode++)
            for (v = 0; v < 16; v++) {
                HostForm f = {.vex = true,
                              .map = (uint8_t)map,
                              .pp = v & 3,
                              .w = v >> 2 & 1,
                              .l = v >> 3,
                              .opcode = (uint8_t)opcode,
                              .mode32 = mode32};
                if (!forms_opcode(forms, &f))
                    return false;
            }
    return true;
}

/* Neither MPX, CET nor CLDEMOTE: then their encodings are NOPs. */
static void forms_decoder(ZydisDecoder *decoder, ZydisMachineMode mode, ZydisStackWidth width)
{
    ZydisDecoderInit(decoder, mode, width);
    ZydisDecoderEnableMode(decoder, ZYDIS_DECODER_MODE_MPX, false);
    ZydisDecoderEnableMode(decoder, ZYDIS_DECODER_MODE_CET, false);
    ZydisDecoderEnableMode(decoder, ZYDIS_DECODER_MODE_CLDEMOTE, false);
}

bool host_forms_create(HostForms *forms)
{
    memset(forms, 0, sizeof(*forms));
    forms_decoder(&host_decoder[0], ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    ZydisDecoderEnableMode(&host_decoder[0], ZYDIS_DECODER_MODE_AMD_BRANCHES,
                           true); /* as the guest's */
    forms_decoder(&host_decoder[1], ZYDIS_MACHINE_MODE_LONG_COMPAT_32, ZYDIS_STACK_WIDTH_32);
    return forms_legacy(forms, false) && forms_vex(forms, false) && forms_legacy(forms, true) &&
           forms_vex(forms, true);
}

void host_forms_destroy(HostForms *forms)
{
    free(forms->form);
}
