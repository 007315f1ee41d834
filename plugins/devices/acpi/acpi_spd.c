/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* acpi: the serial presence detect EEPROMs of the memory modules, at 50h-57h of the SMBus.
 * Follows JEDEC Standard 21-C, 4.1.2.5 (SDR SDRAM) and 4.1.2.10 (DDR2 SDRAM). RAM is made up of
 * modules whose sizes are powers of two, the largest first: DDR2 where all of it is a multiple of
 * 128 MiB, else SDR. What eight modules cannot hold is not described. */
#include "acpi_priv.h"

#include <string.h>

#define SPD_MIB          (1ull << 20)
#define SPD_DDR2_MIN_MIB 128u
#define SPD_DDR2_MAX_MIB 32768u /* two ranks of 16 GiB */
#define SPD_SDR_MIN_MIB  4u
#define SPD_SDR_MAX_MIB  1024u /* two rows of 512 MiB */

static uint32_t spd_log2(uint32_t value)
{
    return 31u - (uint32_t)__builtin_clz(value);
}

/* What the two standards have at the same place. */
static void spd_common(uint8_t *spd, uint8_t type, uint32_t addresses, uint32_t rows_max)
{
    uint32_t rows = addresses - 10 < rows_max ? addresses - 10 : rows_max;

    spd[0] = 128; /* bytes written */
    spd[1] = 8;   /* 2^8 in all */
    spd[2] = type;
    spd[3] = (uint8_t)rows;
    spd[4] = (uint8_t)(addresses - rows);
    spd[6] = 64;    /* data width */
    spd[12] = 0x82; /* refresh: 7.8 us, by itself */
    spd[13] = 8;    /* width of a chip */
    spd[62] = 0x12;
    memcpy(spd + 73, "VIVARIUM", 8); /* part number */
    memset(spd + 81, ' ', 10);
}

static void spd_sdr(uint8_t *spd, uint32_t mib)
{
    uint32_t ranks = mib > 512 ? 2 : 1, rank_mib = mib / ranks;

    /* 8 bytes wide, four banks: 2^5 times 2^addresses */
    spd_common(spd, 0x04, spd_log2(rank_mib) + 20 - 5, 14);
    spd[5] = (uint8_t)ranks;
    spd[8] = 0x01;  /* LVTTL */
    spd[9] = 0x75;  /* 7.5 ns at the highest CAS latency */
    spd[10] = 0x54; /* 5.4 ns access */
    spd[15] = 1;
    spd[16] = 0x8f; /* bursts of 1, 2, 4, 8, page */
    spd[17] = 4;    /* banks */
    spd[18] = 0x06; /* CAS latencies 2, 3 */
    spd[19] = spd[20] = 0x01;
    spd[22] = 0x0e;
    spd[23] = 0xa0; /* 10 ns at CL 2 */
    spd[24] = 0x60;
    spd[27] = spd[29] = 20;                              /* tRP, tRCD: ns */
    spd[28] = 15;                                        /* tRRD */
    spd[30] = 45;                                        /* tRAS */
    spd[31] = (uint8_t)(1u << (spd_log2(rank_mib) - 2)); /* bit 0: 4 MiB a row */
    spd[126] = 0x64;                                     /* 100 MHz */
    spd[127] = 0xf5;
}

static void spd_ddr2(uint8_t *spd, uint32_t mib)
{
    uint32_t ranks = mib > 16384 ? 2 : 1, log = spd_log2(mib / ranks);
    uint32_t banks_log2 = log >= 10 ? 3 : 2; /* eight from 1 GiB chips on */

    spd_common(spd, 0x08, log + 20 - 3 - banks_log2, 16);
    spd[5] = (uint8_t)(0x60 | (ranks - 1)); /* 30 mm high */
    spd[8] = 0x05;                          /* SSTL 1.8 V */
    spd[9] = 0x25;                          /* 2.5 ns: DDR2-800 */
    spd[10] = 0x40;
    spd[16] = 0x0c; /* bursts of 4, 8 */
    spd[17] = (uint8_t)(1u << banks_log2);
    spd[18] = 0x70; /* CAS latencies 4, 5, 6 */
    spd[20] = 0x02; /* UDIMM */
    spd[23] = 0x30;
    spd[24] = 0x45;
    spd[25] = 0x3d;
    spd[26] = 0x50;
    spd[27] = spd[29] = 0x32; /* tRP, tRCD: 12.5 ns */
    spd[28] = 0x1e;           /* tRRD 7.5 ns */
    spd[30] = 45;             /* tRAS */
    /* Density of a rank: bits 7:5 are 512, 256, 128 MiB, bits 4:0 16 to 1 GiB. */
    spd[31] = (uint8_t)(1u << (log >= 10 ? log - 10 : log - 2));
    spd[32] = 0x17;
    spd[33] = 0x25;
    spd[34] = 0x05;
    spd[35] = 0x12;
    spd[36] = 0x3c; /* tWR 15 ns */
    spd[37] = spd[38] = 0x1e;
    spd[41] = 57; /* tRC */
    spd[42] = 105;
    spd[43] = 0x80; /* tCK at most 8 ns */
    spd[44] = 0x14;
    spd[45] = 0x1e;
}

void acpi_spd_build(Acpi *acpi)
{
    uint64_t left = acpi->vm->ram_bytes(acpi->dev) / SPD_MIB;
    int ddr2 = left && left % SPD_DDR2_MIN_MIB == 0;
    uint32_t min = ddr2 ? SPD_DDR2_MIN_MIB : SPD_SDR_MIN_MIB;
    uint32_t size = ddr2 ? SPD_DDR2_MAX_MIB : SPD_SDR_MAX_MIB;

    acpi->spd_count = 0;
    while (size >= min && acpi->spd_count < ACPI_SPD_MODULES) {
        if (left < size) {
            size /= 2;
            continue;
        }
        uint8_t *spd = acpi->spd[acpi->spd_count++], sum = 0;
        memset(spd, 0, ACPI_SPD_BYTES);
        if (ddr2)
            spd_ddr2(spd, size);
        else
            spd_sdr(spd, size);
        for (uint32_t i = 0; i < 63; i++)
            sum = (uint8_t)(sum + spd[i]);
        spd[63] = sum;
        left -= size;
    }
}
