/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* tsan_glib: tells ThreadSanitizer what GLib's locks order. GLib takes them by futex inside its own
 * library, which the sanitizer does not see. Included before every file of the preset tsan, nowhere
 * else. */
#ifndef VIV_TSAN_GLIB_H
#define VIV_TSAN_GLIB_H

#if __has_include(<glib.h>)
#include <glib.h>

void __tsan_acquire(void *addr);
void __tsan_release(void *addr);

#define VIV_TSAN_LOCK(name, type)                                                                  \
    static inline void viv_tsan_##name##_lock(type *lock)                                          \
    {                                                                                              \
        (g_##name##_lock)(lock);                                                                   \
        __tsan_acquire(lock);                                                                      \
    }                                                                                              \
    static inline void viv_tsan_##name##_unlock(type *lock)                                        \
    {                                                                                              \
        __tsan_release(lock);                                                                      \
        (g_##name##_unlock)(lock);                                                                 \
    }
VIV_TSAN_LOCK(mutex, GMutex)
VIV_TSAN_LOCK(rec_mutex, GRecMutex)
VIV_TSAN_LOCK(rw_lock_reader, GRWLock)
VIV_TSAN_LOCK(rw_lock_writer, GRWLock)

static inline void viv_tsan_cond_wait(GCond *cond, GMutex *mutex)
{
    __tsan_release(mutex);
    (g_cond_wait)(cond, mutex);
    __tsan_acquire(mutex);
}

static inline gboolean viv_tsan_cond_wait_until(GCond *cond, GMutex *mutex, gint64 end)
{
    __tsan_release(mutex);
    gboolean in_time = (g_cond_wait_until)(cond, mutex, end);
    __tsan_acquire(mutex);
    return in_time;
}

static inline void viv_tsan_async_queue_push(GAsyncQueue *queue, gpointer data)
{
    __tsan_release(queue);
    (g_async_queue_push)(queue, data);
}

static inline gpointer viv_tsan_async_queue_pop(GAsyncQueue *queue)
{
    gpointer data = (g_async_queue_pop)(queue);
    __tsan_acquire(queue);
    return data;
}

#define g_mutex_lock(lock)                  viv_tsan_mutex_lock(lock)
#define g_mutex_unlock(lock)                viv_tsan_mutex_unlock(lock)
#define g_rec_mutex_lock(lock)              viv_tsan_rec_mutex_lock(lock)
#define g_rec_mutex_unlock(lock)            viv_tsan_rec_mutex_unlock(lock)
#define g_rw_lock_reader_lock(lock)         viv_tsan_rw_lock_reader_lock(lock)
#define g_rw_lock_reader_unlock(lock)       viv_tsan_rw_lock_reader_unlock(lock)
#define g_rw_lock_writer_lock(lock)         viv_tsan_rw_lock_writer_lock(lock)
#define g_rw_lock_writer_unlock(lock)       viv_tsan_rw_lock_writer_unlock(lock)
#define g_cond_wait(cond, mutex)            viv_tsan_cond_wait(cond, mutex)
#define g_cond_wait_until(cond, mutex, end) viv_tsan_cond_wait_until(cond, mutex, end)
#define g_async_queue_push(queue, data)     viv_tsan_async_queue_push(queue, data)
#define g_async_queue_pop(queue)            viv_tsan_async_queue_pop(queue)
#endif

#endif
