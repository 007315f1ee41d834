/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ssm: work for several threads whose results are taken in the order in which it was handed out.
 * For core/ssm/ only. */
#ifndef CORE_SSM_POOL_H
#define CORE_SSM_POOL_H

#include <glib.h>
#include <stdint.h>

typedef struct SsmPool SsmPool;
typedef struct SsmJob SsmJob;
typedef void (*SsmJobFn)(SsmJob *job);

/* Embedded in the caller's own struct, as its first member. */
struct SsmJob {
    SsmJobFn fn;
    gboolean done; /* under the pool's lock */
};

/* threads 1: the work is done by the thread that submits it. */
SsmPool *ssm_pool_new(uint32_t threads);
void ssm_pool_free(SsmPool *pool); /* waits for what is under way; NULL is fine */
uint32_t ssm_pool_threads(const SsmPool *pool);
/* One call of fn(job) on some thread. The job is the pool's until ssm_pool_wait() has returned. */
void ssm_pool_submit(SsmPool *pool, SsmJob *job, SsmJobFn fn);
void ssm_pool_wait(SsmPool *pool, SsmJob *job);

/* How many threads are of use on this host: its CPUs, at most 8. */
uint32_t ssm_pool_default_threads(void);

#endif
