/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* stam: named counters of one machine.
 *
 * A path names a counter ("Devices/i8254/0/Irqs", "Engine/recompiler/CPU0/Blocks"). Counters are
 * plain uint64_t that their owner raises without a lock; readers see them within one increment. The
 * registry itself is locked: [any] thread. */
#ifndef CORE_STAM_STAM_H
#define CORE_STAM_STAM_H

#include <stdbool.h>
#include <stdio.h>

#include <viv/types.h>

VIV_BEGIN_DECLS

#define STAM_PATH_MAX 255u

typedef struct Stam Stam;

Stam *stam_new(void);
void stam_free(Stam *stam); /* NULL is fine */

/* A counter that the registry owns, zeroed; good until it is unregistered. Asked for twice it is
 * the same one. NULL when stam is NULL (statistics are off), the path is bad or belongs to a
 * counter of another sort. */
uint64_t *stam_counter(Stam *stam, const char *path, const char *unit, const char *help);
/* A counter that lives with its owner (borrowed until unregistered). VIV_E_EXISTS if the path is
 * taken. stam NULL: VIV_OK, and nothing is counted. */
viv_status_t stam_register(Stam *stam, const char *path, const uint64_t *value, const char *unit,
                           const char *help);
/* A value that is asked for: fn must be quick, must not call stam. [any, registry locked] */
typedef uint64_t (*StamReadFn)(void *ctx);
viv_status_t stam_register_fn(Stam *stam, const char *path, StamReadFn fn, void *ctx,
                              const char *unit, const char *help);
/* Takes out `prefix` itself and all below "prefix/". Returns how many. */
uint32_t stam_unregister(Stam *stam, const char *prefix);

/* False: no such counter. */
bool stam_read(Stam *stam, const char *path, uint64_t *ret_value);
/* Counters that match count from 0 again as far as readers see (those of stam_register_fn do not
 * take part). */
void stam_reset(Stam *stam, const char *pattern);

/* pattern: shell patterns joined by '|' in which * spans '/' too; NULL or "" is all. In order of
 * path. */
void stam_dump(Stam *stam, FILE *out, const char *pattern);
/* {"path": {"value": 1, "unit": "...", "help": "..."}, ...} */
void stam_dump_json(Stam *stam, FILE *out, const char *pattern);

VIV_END_DECLS
#endif
