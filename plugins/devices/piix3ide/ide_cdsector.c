/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* piix3ide: a CD sector of 2352 bytes around 2048 bytes of user data (mode 1).
 * Follows ECMA-130, sections 14 (sector), 14.3 (EDC), Annex A (RSPC error correction over
 * GF(2^8)). */
#include "ide.h"

#include <string.h>

#define IDE_CD_HEADER 12u
#define IDE_CD_DATA   16u
#define IDE_CD_EDC    2064u
#define IDE_CD_P      2076u
#define IDE_CD_Q      2248u

/* Minutes, seconds and frames count from 2 s before sector 0. */
void ide_cdsector_msf(uint32_t lba, uint8_t *ret_msf)
{
    uint64_t frames = (uint64_t)lba + 150u;
    uint64_t minutes = frames / 4500u;
    ret_msf[0] = (uint8_t)(minutes < 255 ? minutes : 255);
    ret_msf[1] = (uint8_t)(frames / 75u % 60u);
    ret_msf[2] = (uint8_t)(frames % 75u);
}

static uint8_t ide_cdsector_bcd(uint8_t v)
{
    return (uint8_t)((v / 10u % 16u) << 4 | v % 10u);
}

/* CRC of (x^16 + x^15 + x^2 + 1)(x^16 + x^2 + x + 1), least significant bit first. */
static uint32_t ide_cdsector_edc(const uint8_t *p, uint32_t len)
{
    uint32_t crc = 0;
    for (uint32_t i = 0; i < len; i++) {
        crc ^= p[i];
        for (uint32_t bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ ((crc & 1u) ? 0xd8018001u : 0u);
    }
    return crc;
}

/* Times alpha in GF(2^8) over x^8 + x^4 + x^3 + x^2 + 1. */
static uint8_t ide_cdsector_double(uint8_t v)
{
    return (uint8_t)(v << 1 ^ ((v & 0x80u) ? 0x1du : 0u));
}

/* Divided by alpha + 1, whose inverse is F4h. */
static uint8_t ide_cdsector_third(uint8_t v)
{
    uint8_t product = 0;
    for (uint32_t bit = 0x80; bit; bit >>= 1) {
        product = ide_cdsector_double(product);
        if (0xf4u & bit)
            product ^= v;
    }
    return product;
}

/* Two check bytes for a word of n bytes: with them, the sum of all and the sum of all weighted with
 * the powers of alpha, ending with alpha^0 at the second check byte, are both zero. */
static void ide_cdsector_parity(const uint8_t *word, uint32_t n, uint8_t *ret_first,
                                uint8_t *ret_second)
{
    uint8_t sum = 0, weighted = 0;
    for (uint32_t i = 0; i < n; i++) {
        sum ^= word[i];
        weighted = ide_cdsector_double(weighted) ^ word[i];
    }
    weighted = ide_cdsector_double(ide_cdsector_double(weighted));
    *ret_first = ide_cdsector_third(weighted ^ sum);
    *ret_second = *ret_first ^ sum;
}

/* The bytes from the header on lie in 86 columns; P runs down the columns, Q along diagonals over
 * data and P. */
static void ide_cdsector_ecc(uint8_t *sector)
{
    uint8_t word[43];
    const uint8_t *from = sector + IDE_CD_HEADER;
    for (uint32_t column = 0; column < 86; column++) {
        for (uint32_t row = 0; row < 24; row++)
            word[row] = from[column + 86u * row];
        ide_cdsector_parity(word, 24, &sector[IDE_CD_P + column], &sector[IDE_CD_P + 86u + column]);
    }
    for (uint32_t diagonal = 0; diagonal < 52; diagonal++) {
        uint32_t start = diagonal / 2u * 86u + diagonal % 2u;
        for (uint32_t step = 0; step < 43; step++)
            word[step] = from[(start + 88u * step) % 2236u];
        ide_cdsector_parity(word, 43, &sector[IDE_CD_Q + diagonal],
                            &sector[IDE_CD_Q + 52u + diagonal]);
    }
}

/* ECMA-130, section 22: control and mode, track, index, time in the track, zero, time; CRC with
 * x^16 + x^12 + x^5 + 1, inverted. */
void ide_cdsector_q(uint32_t lba, uint8_t *ret_q)
{
    uint8_t at[3];
    uint16_t crc = 0;
    memset(ret_q, 0, 12);
    ret_q[0] = 0x41;
    ret_q[1] = ret_q[2] = 1;
    ide_cdsector_msf(lba, at);
    for (uint32_t i = 0; i < 3; i++)
        ret_q[7 + i] = ide_cdsector_bcd(at[i]);
    uint32_t minutes = lba / 4500u;
    ret_q[3] = ide_cdsector_bcd((uint8_t)(minutes < 255 ? minutes : 255));
    ret_q[4] = ide_cdsector_bcd((uint8_t)(lba / 75u % 60u));
    ret_q[5] = ide_cdsector_bcd((uint8_t)(lba % 75u));
    for (uint32_t i = 0; i < 10; i++) {
        crc = (uint16_t)(crc ^ ret_q[i] << 8);
        for (uint32_t bit = 0; bit < 8; bit++)
            crc = (uint16_t)(crc << 1 ^ ((crc & 0x8000u) ? 0x1021u : 0u));
    }
    ide_put_be16(ret_q + 10, (uint16_t)~crc);
}

void ide_cdsector_mode1(uint32_t lba, const uint8_t *data, uint8_t *ret_sector)
{
    uint8_t msf[3];
    memset(ret_sector, 0, IDE_CD_RAW);
    memset(ret_sector + 1, 0xff, 10);
    ide_cdsector_msf(lba, msf);
    for (uint32_t i = 0; i < 3; i++)
        ret_sector[IDE_CD_HEADER + i] = ide_cdsector_bcd(msf[i]);
    ret_sector[IDE_CD_HEADER + 3] = 1;
    memcpy(ret_sector + IDE_CD_DATA, data, IDE_CD_SECTOR);
    uint32_t edc = ide_cdsector_edc(ret_sector, IDE_CD_EDC);
    for (uint32_t i = 0; i < 4; i++)
        ret_sector[IDE_CD_EDC + i] = (uint8_t)(edc >> (8 * i));
    ide_cdsector_ecc(ret_sector);
}
