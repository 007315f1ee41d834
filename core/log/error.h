/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* error: the one way in which a failure goes up together with its sentence.
 *
 * A function that can fail in ways a user can mend takes a VivError * as last argument. The callee
 * that finds the trouble calls `return error_set(err, VIV_E_X, "...")`; callers on the way may put
 * context in front with error_prefix(). Whoever owns the VivError reports it (once) and clears it.
 * Sentences start in lower case and have no full stop. */
#ifndef CORE_LOG_ERROR_H
#define CORE_LOG_ERROR_H

#include <stdarg.h>

#include <viv/types.h>

VIV_BEGIN_DECLS

typedef struct VivError {
    viv_status_t status;
    char *text; /* owned; NULL while status is VIV_OK */
} VivError;

#define VIV_ERROR_INIT                                                                             \
    {                                                                                              \
        VIV_OK, NULL                                                                               \
    }

/* Stores status and text (an earlier text goes away) and returns status. err may be NULL. */
viv_status_t error_set(VivError *err, viv_status_t status, const char *fmt, ...) VIV_PRINTF(3, 4);
viv_status_t error_setv(VivError *err, viv_status_t status, const char *fmt, va_list args)
    VIV_PRINTF(3, 0);
/* Puts "text: " in front of the sentence; returns the status. Nothing happens when err is NULL or
 * clear. */
viv_status_t error_prefix(VivError *err, const char *fmt, ...) VIV_PRINTF(2, 3);
/* Moves src into dst (which may be NULL: then src is cleared); returns the status. */
viv_status_t error_move(VivError *dst, VivError *src);
/* Frees the text. Clear again afterwards. */
void error_clear(VivError *err);
/* The sentence, or the status's plain meaning when there is none. Borrowed. */
const char *error_text(const VivError *err);

/* "VIV_E_NOT_FOUND"; "VIV_E_?" for numbers that are not in the list. */
const char *viv_status_name(viv_status_t status);
/* "not found" */
const char *viv_status_text(viv_status_t status);

VIV_END_DECLS
#endif
