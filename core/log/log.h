/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* log: messages by group and level.
 *
 * A group is a name ("pdm", "i8254"); each has a level, VIV_LOG_WARN unless configured. The
 * configuration is a list "pdm=debug,ssm=trace,all=info": patterns with * and ? are allowed, the
 * last match wins, "all" is "*", a level alone means all. "rate=N" bounds limited messages to N a
 * second for each group (0: no bound). The environment is read at the first use: VIV_LOG holds such
 * a list, VIV_LOG_DEST=file:PATH names a file to append to. All functions may be called on any
 * thread. */
#ifndef CORE_LOG_LOG_H
#define CORE_LOG_LOG_H

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include <viv/types.h>

#include "log/error.h"

VIV_BEGIN_DECLS

/* Lives as long as the process. Only `level` and `name` are for readers. */
typedef struct LogGroup {
    atomic_uint level; /* loudest VIV_LOG_* that is written */
    const char *name;
} LogGroup;

/* The group of that name, made at the first use. Keep the pointer: then a message that is off costs
 * one load. */
LogGroup *log_group(const char *name);

static inline bool log_enabled(const LogGroup *group, uint32_t level)
{
    return level <= atomic_load_explicit(&group->level, memory_order_relaxed);
}

/* Writes one line if the level is enabled; a line feed at the end of the text is not needed.
 * VIV_LOG_TRACE is limited by the group's rate, since guests can provoke it without end. */
void log_write(LogGroup *group, uint32_t level, const char *fmt, ...) VIV_PRINTF(3, 4);
void log_writev(LogGroup *group, uint32_t level, const char *fmt, va_list args) VIV_PRINTF(3, 0);
/* The same, rate-limited at every level: for whatever a guest or a file can provoke. */
void log_write_limited(LogGroup *group, uint32_t level, const char *fmt, ...) VIV_PRINTF(3, 4);

/* By name, for code that logs rarely. */
void viv_log(const char *group, uint32_t level, const char *fmt, ...) VIV_PRINTF(3, 4);
void viv_logv(const char *group, uint32_t level, const char *fmt, va_list args) VIV_PRINTF(3, 0);
/* The loudest level of any group: what viv_log() checks before it looks for the group. */
extern atomic_uint log_loudest;
static inline bool log_wanted(uint32_t level)
{
    return level <= atomic_load_explicit(&log_loudest, memory_order_relaxed);
}
#define viv_log(group, level, ...)                                                                 \
    (log_wanted(level) ? (viv_log)((group), (level), __VA_ARGS__) : (void)0)

/* Adds rules behind those in force. A bad list changes nothing: VIV_E_INVALID names the part. err
 * may be NULL. */
viv_status_t log_configure(const char *list, VivError *err);

/* Gets whole lines, line feed included, one call at a time; must not log. */
typedef void (*LogSinkFn)(void *ctx, uint32_t level, const char *group, const char *line,
                          size_t len_bytes);
/* Replaces stderr or the file; NULL goes back to it. */
void log_set_sink(LogSinkFn fn, void *ctx);
/* "stderr" or "file:PATH" (appended to). */
viv_status_t log_set_destination(const char *dest, VivError *err);

/* "error", "warning", "info", "debug", "trace". */
const char *log_level_name(uint32_t level);
/* Back to the state before the first use, environment included; for tests. Groups stay. */
void log_reset(void);

VIV_END_DECLS
#endif
