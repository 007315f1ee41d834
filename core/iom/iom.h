/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* IOM: ports and MMIO to the device that owns them.
 * A range holds the device's handlers; accesses are split or widened as viv_io_ops_t says, and run
 * with the device's lock held. Ports are found in O(1) by table, MMIO through PGM. */
#ifndef CORE_IOM_H
#define CORE_IOM_H

#include <glib.h>
#include <viv/device.h>

#include "log/error.h"

typedef struct Iom Iom;
typedef struct IomRange IomRange;

Iom *iom_new(void);
void iom_free(Iom *iom);

/* A range without a place; ops are copied (min of both sizes). lock may be NULL (no locking). name
 * is copied. */
IomRange *iom_range_new(viv_dev_t *dev, GRecMutex *lock, const viv_io_ops_t *ops, void *ctx,
                        uint64_t len, const char *name);
void iom_range_free(IomRange *range); /* unmapped before */

/* Any width of 1, 2, 4, 8 at any offset; bytes beyond the range read as ones and are dropped.
 * [any] */
uint64_t iom_range_read(IomRange *range, uint64_t off, uint32_t width);
void iom_range_write(IomRange *range, uint64_t off, uint64_t value, uint32_t width);

/* Ports [base, base+count): VIV_E_EXISTS names the owner of an overlap. [main], [emt] */
viv_status_t iom_pio_map(Iom *iom, uint32_t base, uint32_t count, IomRange *range, VivError *err);
void iom_pio_unmap(Iom *iom, IomRange *range);
/* width 1, 2, 4. Accesses that leave a range are cut into bytes. [any] */
uint32_t iom_pio_read(Iom *iom, uint16_t port, uint32_t width);
void iom_pio_write(Iom *iom, uint16_t port, uint32_t value, uint32_t width);
uint32_t iom_pio_read_string(Iom *iom, uint16_t port, uint32_t width, void *buf, uint32_t count);
uint32_t iom_pio_write_string(Iom *iom, uint16_t port, uint32_t width, const void *buf,
                              uint32_t count);

#endif
