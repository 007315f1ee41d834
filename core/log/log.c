/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* log: messages by group and level.
 *
 * Invariants:
 * 1. A LogGroup never goes away and never moves, so callers keep pointers without a lock.
 * 2. log_loudest is at least the level of every group; before the first use it is the maximum, so
 * that the first message of all gets far enough to read the environment.
 * 3. Everything in log_state is touched with log_state.mutex held; a line is handed out in one
 * piece under it. */
#include "log/log.h"

#include <glib.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOG_LINE_BYTES   1024
#define LOG_RATE_DEFAULT 200u /* limited messages a second and group */
#define LOG_RATE_MAX     1000000u
#define LOG_RULES_MAX    256u

typedef struct LogEntry {
    LogGroup group;   /* first: a LogGroup * from outside is a LogEntry * */
    gint64 window_us; /* start of the second that is being counted */
    unsigned count;
    unsigned suppressed;
} LogEntry;

typedef struct LogRule {
    char *pattern;
    uint32_t level;
} LogRule;

typedef struct LogState {
    pthread_mutex_t mutex;
    bool ready;
    GHashTable *groups; /* name -> LogEntry */
    GArray *rules;      /* LogRule */
    unsigned rate;
    gint64 start_us;
    int fd; /* -1: stderr */
    LogSinkFn sink;
    void *sink_ctx;
} LogState;

/* The process has one stderr, and so one log. */
static LogState log_state = {.mutex = PTHREAD_MUTEX_INITIALIZER, .fd = -1};
atomic_uint log_loudest = UINT32_MAX;

static const char *const log_level_names[] = {"error", "warning", "info", "debug", "trace"};

const char *log_level_name(uint32_t level)
{
    return level < G_N_ELEMENTS(log_level_names) ? log_level_names[level] : "trace";
}

static bool log_level_parse(const char *text, uint32_t *ret_level)
{
    for (uint32_t i = 0; i < G_N_ELEMENTS(log_level_names); i++) {
        if (g_ascii_strcasecmp(text, log_level_names[i]) == 0) {
            *ret_level = i;
            return true;
        }
    }
    if (g_ascii_strcasecmp(text, "warn") == 0) {
        *ret_level = VIV_LOG_WARN;
        return true;
    }
    return false;
}

/* -- Rules -- */

static uint32_t log_level_of_locked(const char *name)
{
    uint32_t level = VIV_LOG_WARN;
    for (guint i = 0; i < log_state.rules->len; i++) {
        const LogRule *rule = &g_array_index(log_state.rules, LogRule, i);
        if (g_pattern_match_simple(rule->pattern, name))
            level = rule->level;
    }
    return level;
}

/* After the rules or the set of groups have changed. */
static void log_refresh_locked(void)
{
    GHashTableIter iter;
    gpointer value;
    uint32_t loudest = VIV_LOG_ERROR;
    g_hash_table_iter_init(&iter, log_state.groups);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        LogEntry *entry = value;
        const uint32_t level = log_level_of_locked(entry->group.name);
        atomic_store_explicit(&entry->group.level, level, memory_order_relaxed);
        loudest = MAX(loudest, level);
    }
    /* Groups that are yet to come: as loud as the loudest rule. */
    loudest = MAX(loudest, VIV_LOG_WARN);
    for (guint i = 0; i < log_state.rules->len; i++)
        loudest = MAX(loudest, g_array_index(log_state.rules, LogRule, i).level);
    atomic_store_explicit(&log_loudest, loudest, memory_order_relaxed);
}

static void log_rule_clear(gpointer data)
{
    g_free(((LogRule *)data)->pattern);
}

/* One part of a list: into rules or rate. */
static viv_status_t log_part_parse(const char *part, GArray *rules, unsigned *rate, VivError *err)
{
    LogRule rule = {NULL, VIV_LOG_WARN};
    const char *eq = strchr(part, '=');
    if (!eq) {
        if (!log_level_parse(part, &rule.level))
            return error_set(err, VIV_E_INVALID, "log list: '%s' is no level and no group=level",
                             part);
        rule.pattern = g_strdup("*");
        g_array_append_val(rules, rule);
        return VIV_OK;
    }
    g_autofree char *name = g_strstrip(g_strndup(part, (gsize)(eq - part)));
    g_autofree char *value = g_strstrip(g_strdup(eq + 1));
    if (strcmp(name, "rate") == 0) {
        guint64 number = 0;
        if (!g_ascii_string_to_unsigned(value, 10, 0, LOG_RATE_MAX, &number, NULL))
            return error_set(err, VIV_E_INVALID, "log list: rate '%s' is not a number from 0 to %u",
                             value, LOG_RATE_MAX);
        *rate = (unsigned)number;
        return VIV_OK;
    }
    if (!name[0])
        return error_set(err, VIV_E_INVALID, "log list: '%s' lacks a group", part);
    if (!log_level_parse(value, &rule.level))
        return error_set(
            err, VIV_E_INVALID,
            "log list: level '%s' of group '%s' is not one of error, warning, info, debug, trace",
            value, name);
    rule.pattern = g_strdup(strcmp(name, "all") == 0 ? "*" : name);
    g_array_append_val(rules, rule);
    return VIV_OK;
}

static viv_status_t log_configure_locked(const char *list, VivError *err)
{
    g_autoptr(GArray) rules = g_array_new(FALSE, FALSE, sizeof(LogRule));
    g_array_set_clear_func(rules, log_rule_clear);
    unsigned rate = log_state.rate;
    g_auto(GStrv) parts = g_strsplit(list, ",", -1);
    for (char **part = parts; *part; part++) {
        g_strstrip(*part);
        if (!(*part)[0])
            continue;
        const viv_status_t st = log_part_parse(*part, rules, &rate, err);
        if (st != VIV_OK)
            return st;
    }
    if (log_state.rules->len + rules->len > LOG_RULES_MAX)
        return error_set(err, VIV_E_FULL, "log list: more than %u rules", LOG_RULES_MAX);
    for (guint i = 0; i < rules->len; i++) {
        const LogRule *rule = &g_array_index(rules, LogRule, i);
        const LogRule copy = {g_strdup(rule->pattern), rule->level};
        g_array_append_val(log_state.rules, copy);
    }
    log_state.rate = rate;
    log_refresh_locked();
    return VIV_OK;
}

static viv_status_t log_destination_locked(const char *dest, VivError *err)
{
    int fd = -1;
    if (g_str_has_prefix(dest, "file:")) {
        fd = open(dest + 5, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        if (fd < 0)
            return error_set(err, VIV_E_IO, "log file '%s': %s", dest + 5, g_strerror(errno));
    } else if (strcmp(dest, "stderr") != 0) {
        return error_set(err, VIV_E_INVALID, "log destination '%s' is neither stderr nor file:PATH",
                         dest);
    }
    if (log_state.fd >= 0)
        close(log_state.fd);
    log_state.fd = fd;
    return VIV_OK;
}

/* -- Output -- */

/* A short or failed write loses the rest of the line: there is nobody to tell. */
static void log_fd_write(int fd, const char *line, size_t len_bytes)
{
    while (len_bytes) {
        const ssize_t done = write(fd, line, len_bytes);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return;
        line += done;
        len_bytes -= (size_t)done;
    }
}

/* Control characters could play tricks on a terminal; lines within a message are indented, so that
 * none of them looks like a message of its own. */
static void log_text_append(GString *line, const char *text)
{
    size_t len = strlen(text);
    while (len && text[len - 1] == '\n')
        len--;
    for (size_t i = 0; i < len; i++) {
        const unsigned char c = (unsigned char)text[i];
        if (c == '\n')
            g_string_append(line, "\n    ");
        else if ((c < 0x20 && c != '\t') || c == 0x7f)
            g_string_append_c(line, '?');
        else
            g_string_append_c(line, (char)c);
    }
}

static void log_emit_locked(const char *group, uint32_t level, const char *text)
{
    const gint64 us = g_get_monotonic_time() - log_state.start_us;
    g_autoptr(GString) line = g_string_sized_new(LOG_LINE_BYTES);
    g_string_append_printf(line, "[%5" G_GINT64_FORMAT ".%06" G_GINT64_FORMAT "] %s: ",
                           us / G_USEC_PER_SEC, us % G_USEC_PER_SEC, group);
    if (level != VIV_LOG_INFO)
        g_string_append_printf(line, "%s: ", log_level_name(level));
    log_text_append(line, text);
    g_string_append_c(line, '\n');
    if (log_state.sink)
        log_state.sink(log_state.sink_ctx, level, group, line->str, line->len);
    else
        log_fd_write(log_state.fd >= 0 ? log_state.fd : STDERR_FILENO, line->str, line->len);
}

static void log_init_locked(void)
{
    if (log_state.ready)
        return;
    log_state.ready = true;
    if (!log_state.groups)
        log_state.groups = g_hash_table_new(g_str_hash, g_str_equal);
    log_state.rules = g_array_new(FALSE, FALSE, sizeof(LogRule));
    g_array_set_clear_func(log_state.rules, log_rule_clear);
    log_state.rate = LOG_RATE_DEFAULT;
    log_state.start_us = g_get_monotonic_time();
    log_refresh_locked();

    VivError err = VIV_ERROR_INIT;
    const char *dest = getenv("VIV_LOG_DEST");
    if (dest && dest[0] && log_destination_locked(dest, &err) != VIV_OK) {
        error_prefix(&err, "VIV_LOG_DEST");
        log_emit_locked("log", VIV_LOG_WARN, error_text(&err));
    }
    const char *list = getenv("VIV_LOG");
    if (list && log_configure_locked(list, &err) != VIV_OK) {
        error_prefix(&err, "VIV_LOG");
        log_emit_locked("log", VIV_LOG_WARN, error_text(&err));
    }
    error_clear(&err);
}

/* False: over the rate; the message is to be dropped. */
static bool log_rate_ok_locked(LogEntry *entry)
{
    if (log_state.rate == 0)
        return true;
    const gint64 now = g_get_monotonic_time();
    if (entry->count == 0 || now - entry->window_us >= G_USEC_PER_SEC) {
        if (entry->suppressed) {
            char text[80];
            g_snprintf(text, sizeof(text), "%u more messages were left out (rate=%u)",
                       entry->suppressed, log_state.rate);
            log_emit_locked(entry->group.name, VIV_LOG_WARN, text);
        }
        entry->window_us = now;
        entry->count = 0;
        entry->suppressed = 0;
    }
    if (entry->count >= log_state.rate) {
        entry->suppressed++;
        return false;
    }
    entry->count++;
    return true;
}

static void log_vwrite(LogGroup *group, uint32_t level, bool limited, const char *fmt, va_list args)
    VIV_PRINTF(4, 0);
static void log_vwrite(LogGroup *group, uint32_t level, bool limited, const char *fmt, va_list args)
{
    if (!log_enabled(group, level))
        return;
    LogEntry *entry = (LogEntry *)group;
    pthread_mutex_lock(&log_state.mutex);
    log_init_locked();
    if ((!limited && level < VIV_LOG_TRACE) || log_rate_ok_locked(entry)) {
        g_autofree char *text = g_strdup_vprintf(fmt, args);
        log_emit_locked(group->name, level, text);
    }
    pthread_mutex_unlock(&log_state.mutex);
}

/* -- Public -- */

LogGroup *log_group(const char *name)
{
    pthread_mutex_lock(&log_state.mutex);
    log_init_locked();
    LogEntry *entry = g_hash_table_lookup(log_state.groups, name);
    if (!entry) {
        entry = g_new0(LogEntry, 1);
        entry->group.name = g_strdup(name);
        atomic_init(&entry->group.level, log_level_of_locked(name));
        g_hash_table_insert(log_state.groups, (gpointer)(uintptr_t)entry->group.name, entry);
    }
    pthread_mutex_unlock(&log_state.mutex);
    return &entry->group;
}

void log_writev(LogGroup *group, uint32_t level, const char *fmt, va_list args)
{
    log_vwrite(group, level, false, fmt, args);
}

void log_write(LogGroup *group, uint32_t level, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    log_vwrite(group, level, false, fmt, args);
    va_end(args);
}

void log_write_limited(LogGroup *group, uint32_t level, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    log_vwrite(group, level, true, fmt, args);
    va_end(args);
}

void viv_logv(const char *group, uint32_t level, const char *fmt, va_list args)
{
    log_vwrite(log_group(group), level, false, fmt, args);
}

void(viv_log)(const char *group, uint32_t level, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    log_vwrite(log_group(group), level, false, fmt, args);
    va_end(args);
}

viv_status_t log_configure(const char *list, VivError *err)
{
    pthread_mutex_lock(&log_state.mutex);
    log_init_locked();
    const viv_status_t st = log_configure_locked(list, err);
    pthread_mutex_unlock(&log_state.mutex);
    return st;
}

viv_status_t log_set_destination(const char *dest, VivError *err)
{
    pthread_mutex_lock(&log_state.mutex);
    log_init_locked();
    const viv_status_t st = log_destination_locked(dest, err);
    pthread_mutex_unlock(&log_state.mutex);
    return st;
}

void log_set_sink(LogSinkFn fn, void *ctx)
{
    pthread_mutex_lock(&log_state.mutex);
    log_init_locked();
    log_state.sink = fn;
    log_state.sink_ctx = ctx;
    pthread_mutex_unlock(&log_state.mutex);
}

void log_reset(void)
{
    pthread_mutex_lock(&log_state.mutex);
    if (log_state.ready) {
        if (log_state.fd >= 0)
            close(log_state.fd);
        log_state.fd = -1;
        log_state.sink = NULL;
        g_array_unref(log_state.rules);
        log_state.rules = NULL;
        log_state.ready = false;
        atomic_store(&log_loudest, UINT32_MAX);
        GHashTableIter iter;
        gpointer value;
        g_hash_table_iter_init(&iter, log_state.groups);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
            LogEntry *entry = value;
            entry->count = 0;
            entry->suppressed = 0;
        }
        log_init_locked();
    }
    pthread_mutex_unlock(&log_state.mutex);
}
