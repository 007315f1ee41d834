/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ssm: worker threads (see ssm_pool.h). */
#include "ssm/ssm_pool.h"

#define SSM_THREADS_MAX 8u

struct SsmPool {
    GThreadPool *workers; /* NULL: none, the submitter works */
    uint32_t threads;
    GMutex lock;
    GCond done;
};

static void ssm_pool_work(gpointer data, gpointer user)
{
    SsmJob *job = data;
    SsmPool *pool = user;
    job->fn(job);
    g_mutex_lock(&pool->lock);
    job->done = TRUE;
    g_cond_broadcast(&pool->done);
    g_mutex_unlock(&pool->lock);
}

SsmPool *ssm_pool_new(uint32_t threads)
{
    SsmPool *pool = g_new0(SsmPool, 1);
    g_mutex_init(&pool->lock);
    g_cond_init(&pool->done);
    pool->threads = MAX(threads, 1);
    if (threads > 1) {
        pool->workers = g_thread_pool_new(ssm_pool_work, pool, (gint)threads, TRUE, NULL);
        if (!pool->workers || g_thread_pool_get_num_threads(pool->workers) == 0) {
            /* The host has no threads to spare: slower, and the same file. */
            if (pool->workers)
                g_thread_pool_free(pool->workers, TRUE, TRUE);
            pool->workers = NULL;
            pool->threads = 1;
        }
    }
    return pool;
}

void ssm_pool_free(SsmPool *pool)
{
    if (!pool)
        return;
    if (pool->workers)
        g_thread_pool_free(pool->workers, FALSE, TRUE);
    g_mutex_clear(&pool->lock);
    g_cond_clear(&pool->done);
    g_free(pool);
}

uint32_t ssm_pool_threads(const SsmPool *pool)
{
    return pool->threads;
}

void ssm_pool_submit(SsmPool *pool, SsmJob *job, SsmJobFn fn)
{
    job->fn = fn;
    job->done = FALSE;
    if (pool->workers) {
        g_thread_pool_push(pool->workers, job, NULL);
        return;
    }
    fn(job);
    job->done = TRUE;
}

void ssm_pool_wait(SsmPool *pool, SsmJob *job)
{
    g_mutex_lock(&pool->lock);
    while (!job->done)
        g_cond_wait(&pool->done, &pool->lock);
    g_mutex_unlock(&pool->lock);
}

uint32_t ssm_pool_default_threads(void)
{
    return CLAMP(g_get_num_processors(), 1u, SSM_THREADS_MAX);
}
