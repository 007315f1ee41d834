/* SPDX-License-Identifier: MIT */
/* Vivarium SDK: status codes, widths and small shared types.
 * Stable. Self-contained: C11 or C++11, nothing beyond the freestanding headers. */
#ifndef VIV_TYPES_H
#define VIV_TYPES_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define VIV_BEGIN_DECLS extern "C" {
#define VIV_END_DECLS   }
#else
#define VIV_BEGIN_DECLS
#define VIV_END_DECLS
#endif

VIV_BEGIN_DECLS

/* 0 or negative. The numbers are part of the ABI: new ones are appended, none is ever reused. */
typedef int32_t viv_status_t;
#define VIV_OK            0
#define VIV_E_FAILED      (-1) /* no better code; the text says what */
#define VIV_E_NOMEM       (-2) /* host memory exhausted, or a size above a sane bound */
#define VIV_E_INVALID     (-3) /* an argument or a value is not allowed */
#define VIV_E_MISUSE      (-4) /* a plugin broke the contract (wrong thread, wrong state, bad table) */
#define VIV_E_NOT_FOUND   (-5)  /* no such file, key, interface, plugin, device */
#define VIV_E_EXISTS      (-6)  /* the name or range is taken */
#define VIV_E_UNSUPPORTED (-7)  /* a valid request that this side does not provide */
#define VIV_E_IO          (-8)  /* the host's I/O failed */
#define VIV_E_EOF         (-9)  /* ended early */
#define VIV_E_CORRUPT     (-10) /* contents contradict themselves or a checksum */
#define VIV_E_VERSION     (-11) /* made by, or for, a version that is not served here */
#define VIV_E_BUSY        (-12) /* try again later */
#define VIV_E_TIMEOUT     (-13)
#define VIV_E_ACCESS      (-14) /* permission, or a read-only object */
#define VIV_E_CANCELLED   (-15)
#define VIV_E_FULL        (-16) /* no room */
#define VIV_E_CONFIG      (-17) /* a configuration key is unknown, mistyped or out of range */

/* Access widths, in bytes, as a mask: what a handler can take by itself.
 * The host splits wider accesses and widens narrower ones as viv_io_ops_t says. */
#define VIV_W8    1u
#define VIV_W16   2u
#define VIV_W32   4u
#define VIV_W64   8u
#define VIV_W_ANY (VIV_W8 | VIV_W16 | VIV_W32 | VIV_W64)

/* Log severities. */
#define VIV_LOG_ERROR 0u
#define VIV_LOG_WARN  1u
#define VIV_LOG_INFO  2u
#define VIV_LOG_DEBUG 3u
#define VIV_LOG_TRACE 4u

/* An interface found by string id ("viv.media/1"): a table that starts with its uint32_t size,
 * and the object that its functions take as first argument. Both are borrowed: they live as long
 * as the instance that gave them. A caller checks `size` before it uses an appended member. */
typedef struct viv_iface {
    const void *ops;
    void *self;
} viv_iface_t;

#if defined(__GNUC__)
#define VIV_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#define VIV_EXPORT             __attribute__((visibility("default")))
#else
#define VIV_PRINTF(fmt, first)
#define VIV_EXPORT
#endif

/* True if TABLE (a pointer to a sized struct) reaches MEMBER and the member is provided. */
#define VIV_HAS(table, member)                                                                     \
    ((table)->size >= offsetof(__typeof__(*(table)), member) + sizeof((table)->member) &&          \
     (table)->member)

VIV_END_DECLS
#endif
