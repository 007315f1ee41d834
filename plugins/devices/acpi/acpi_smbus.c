/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* acpi: the SMBus host controller of the PIIX4, with the memory modules' EEPROMs behind it.
 * Follows the 82371AB datasheet (290562), section 7.3, and the SMBus specification 2.0, 5.5. A
 * transaction is done when the write that starts it is: INTR, or DEV_ERR where nobody acknowledges.
 * The EEPROMs (50h up) are write-protected: they take an address but no data. Slave registers store
 * what is written; no other master is on the bus. */
#include "acpi_priv.h"

#define ACPI_SMB_HSTSTS 0x00u
#define ACPI_SMB_SLVSTS 0x01u
#define ACPI_SMB_HSTCNT 0x02u
#define ACPI_SMB_HSTCMD 0x03u
#define ACPI_SMB_HSTADD 0x04u
#define ACPI_SMB_DAT0   0x05u
#define ACPI_SMB_DAT1   0x06u
#define ACPI_SMB_BLKDAT 0x07u

#define ACPI_SMB_STS_INTR    0x02u
#define ACPI_SMB_STS_DEV_ERR 0x04u
#define ACPI_SMB_STS_FAILED  0x10u
#define ACPI_SMB_STS_W1C     0x1eu
#define ACPI_SMB_SLVSTS_W1C  0x3cu
#define ACPI_SMB_CNT_INTEREN 0x01u
#define ACPI_SMB_CNT_KILL    0x02u
#define ACPI_SMB_CNT_START   0x40u
#define ACPI_SMB_CNT_STORED  0x1du

/* HSTCNT bits 4:2 */
#define ACPI_SMB_CMD(cnt)  ((cnt) >> 2 & 7u)
#define ACPI_SMB_QUICK     0u
#define ACPI_SMB_BYTE      1u
#define ACPI_SMB_BYTE_DATA 2u
#define ACPI_SMB_WORD_DATA 3u
#define ACPI_SMB_BLOCK     5u

#define ACPI_SPD_FIRST 0x50u

#define ACPI_SMB_CFG 0xd2u /* configuration space: bits 3:1 are 100b for IRQ 9 */

static const uint8_t acpi_smb_wmask[ACPI_SMBUS_BYTES] = {
    [0x03] = 0xff, [0x04] = 0xff, [0x05] = 0xff, [0x06] = 0xff,
    [0x08] = 0x0f, [0x0a] = 0xff, [0x0b] = 0xff,
};

uint32_t acpi_smbus_irq(const Acpi *acpi)
{
    uint32_t cfg = acpi->pci->config_get(acpi->fn, ACPI_SMB_CFG, 1);

    return (cfg & 0x0eu) == 0x08u && acpi->smb[ACPI_SMB_HSTCNT] & ACPI_SMB_CNT_INTEREN &&
           acpi->smb[ACPI_SMB_HSTSTS] & ACPI_SMB_STS_W1C;
}

/* The block buffer's present index; it moves on and wraps. */
static uint32_t acpi_smb_block_next(Acpi *acpi)
{
    uint32_t at = acpi->smb_block_at & 31u;

    acpi->smb_block_at = (at + 1) & 31u;
    return at;
}

/* [emt, device lock held] */
static uint64_t acpi_smb_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    Acpi *acpi = ctx;
    (void)dev, (void)width;

    off &= ACPI_SMBUS_BYTES - 1;
    if (off == ACPI_SMB_HSTCNT)
        acpi->smb_block_at = 0; /* reading it rewinds the block buffer */
    if (off == ACPI_SMB_BLKDAT)
        return acpi->smb_block[acpi_smb_block_next(acpi)];
    return acpi->smb[off];
}

/* -- the EEPROMs ----------------------------------------------------------------------------- */

static uint8_t acpi_spd_next(Acpi *acpi, uint32_t module)
{
    return acpi->spd[module][acpi->spd_at[module]++];
}

/* A block begins with its length; what is no length of a block ends with an error. */
static uint32_t acpi_spd_block_read(Acpi *acpi, uint32_t module)
{
    uint8_t count = acpi_spd_next(acpi, module);

    if (count == 0 || count > sizeof(acpi->smb_block))
        return ACPI_SMB_STS_DEV_ERR;
    acpi->smb[ACPI_SMB_DAT0] = count;
    for (uint32_t i = 0; i < count; i++)
        acpi->smb_block[i] = acpi_spd_next(acpi, module);
    return ACPI_SMB_STS_INTR;
}

static uint32_t acpi_spd_read(Acpi *acpi, uint32_t module, uint32_t command)
{
    if (command != ACPI_SMB_BYTE)
        acpi->spd_at[module] = acpi->smb[ACPI_SMB_HSTCMD];
    switch (command) {
    case ACPI_SMB_BYTE:
    case ACPI_SMB_BYTE_DATA: acpi->smb[ACPI_SMB_DAT0] = acpi_spd_next(acpi, module); break;
    case ACPI_SMB_WORD_DATA:
        acpi->smb[ACPI_SMB_DAT0] = acpi_spd_next(acpi, module);
        acpi->smb[ACPI_SMB_DAT1] = acpi_spd_next(acpi, module);
        break;
    case ACPI_SMB_BLOCK: return acpi_spd_block_read(acpi, module);
    default: return ACPI_SMB_STS_DEV_ERR;
    }
    return ACPI_SMB_STS_INTR;
}

/* HSTSTS's bits at the end of the transaction that the registers describe. */
static uint32_t acpi_smb_transact(Acpi *acpi)
{
    uint32_t command = ACPI_SMB_CMD(acpi->smb[ACPI_SMB_HSTCNT]);
    uint32_t address = acpi->smb[ACPI_SMB_HSTADD] >> 1, read = acpi->smb[ACPI_SMB_HSTADD] & 1u;
    uint32_t module = address - ACPI_SPD_FIRST;

    acpi->smb_transactions++;
    if (address < ACPI_SPD_FIRST || module >= acpi->spd_count)
        return ACPI_SMB_STS_DEV_ERR;
    if (command == ACPI_SMB_QUICK)
        return ACPI_SMB_STS_INTR;
    if (read)
        return acpi_spd_read(acpi, module, command);
    acpi->spd_at[module] = acpi->smb[ACPI_SMB_HSTCMD];
    return command == ACPI_SMB_BYTE ? ACPI_SMB_STS_INTR : ACPI_SMB_STS_DEV_ERR;
}

/* -- registers ------------------------------------------------------------------------------- */

static void acpi_smb_control(Acpi *acpi, uint8_t value)
{
    acpi->smb[ACPI_SMB_HSTCNT] = value & ACPI_SMB_CNT_STORED;
    if (value & ACPI_SMB_CNT_KILL)
        acpi->smb[ACPI_SMB_HSTSTS] |= ACPI_SMB_STS_FAILED;
    else if (value & ACPI_SMB_CNT_START)
        acpi->smb[ACPI_SMB_HSTSTS] |= (uint8_t)acpi_smb_transact(acpi);
}

static void acpi_smb_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value, uint32_t width)
{
    Acpi *acpi = ctx;
    uint8_t byte = (uint8_t)value;
    (void)dev, (void)width;

    off &= ACPI_SMBUS_BYTES - 1;
    switch (off) {
    case ACPI_SMB_HSTSTS: acpi->smb[off] &= (uint8_t) ~(byte & ACPI_SMB_STS_W1C); break;
    case ACPI_SMB_SLVSTS: acpi->smb[off] &= (uint8_t) ~(byte & ACPI_SMB_SLVSTS_W1C); break;
    case ACPI_SMB_HSTCNT: acpi_smb_control(acpi, byte); break;
    case ACPI_SMB_BLKDAT: acpi->smb_block[acpi_smb_block_next(acpi)] = byte; break;
    default: acpi->smb[off] = byte & acpi_smb_wmask[off]; break;
    }
    acpi_sci_update(acpi);
}

const viv_io_ops_t acpi_smbus_ops = {
    .size = sizeof(viv_io_ops_t),
    .widths = VIV_W8,
    .read = acpi_smb_read,
    .write = acpi_smb_write,
};

void acpi_smbus_reset(Acpi *acpi)
{
    for (uint32_t i = 0; i < ACPI_SMBUS_BYTES; i++)
        acpi->smb[i] = 0;
    for (uint32_t i = 0; i < sizeof(acpi->smb_block); i++)
        acpi->smb_block[i] = 0;
    acpi->smb_block_at = 0;
    for (uint32_t i = 0; i < ACPI_SPD_MODULES; i++)
        acpi->spd_at[i] = 0;
}
