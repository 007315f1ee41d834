/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* inputqueue: see inputqueue.h for the rules. */
#include "inputqueue.h"

#include <stdlib.h>

viv_status_t inputqueue_init(InputQueue *q, viv_drv_t *drv,
                             uint32_t (*give)(void *ctx, const InputEvent *event), void *ctx)
{
    q->drv = drv;
    q->give = give;
    q->ctx = ctx;
    q->events = calloc(q->size, sizeof(q->events[0]));
    if (!q->events)
        return drv->api->fail(drv, VIV_E_NOMEM, "no memory for %u events", q->size);
    pthread_mutex_init(&q->lock, NULL);
    q->made = 1;
    return VIV_OK;
}

void inputqueue_finish(InputQueue *q)
{
    if (!q->made)
        return;
    /* Drivers below end later and may still put: they find no room. */
    pthread_mutex_lock(&q->lock);
    q->ended = 1;
    q->count = q->size = 0;
    free(q->events);
    q->events = NULL;
    pthread_mutex_unlock(&q->lock);
}

void inputqueue_drain(InputQueue *q)
{
    pthread_mutex_lock(&q->lock);
    q->again = 1;
    if (q->giving) {
        pthread_mutex_unlock(&q->lock);
        return;
    }
    q->giving = 1;
    while (q->again && !q->ended) {
        q->again = 0;
        while (q->count && !q->ended) {
            InputEvent event = q->events[q->head];
            pthread_mutex_unlock(&q->lock);
            uint32_t taken = q->give(q->ctx, &event);
            pthread_mutex_lock(&q->lock);
            if (!taken)
                break;
            if (q->count) {
                q->head = (q->head + 1) % q->size;
                q->count--;
            }
        }
    }
    q->giving = 0;
    pthread_mutex_unlock(&q->lock);
}

uint32_t inputqueue_put(InputQueue *q, const InputEvent *events, uint32_t count,
                        uint32_t (*merge)(InputEvent *last, const InputEvent *event))
{
    pthread_mutex_lock(&q->lock);
    uint32_t fits = count <= q->size - q->count;
    for (uint32_t i = 0; i < count && fits; i++)
        q->events[(q->head + q->count++) % q->size] = events[i];
    /* The first may be on its way to the device: only one behind it takes more. */
    if (!fits && merge && count == 1 && q->count > 1)
        fits = merge(&q->events[(q->head + q->count - 1) % q->size], &events[0]);
    pthread_mutex_unlock(&q->lock);
    inputqueue_drain(q);
    return fits;
}

/* [io] */
static void inputqueue_io(viv_drv_t *drv, void *ctx)
{
    (void)drv;
    inputqueue_drain(ctx);
}

void inputqueue_ready(InputQueue *q)
{
    pthread_mutex_lock(&q->lock);
    uint32_t waiting = q->count && !q->ended;
    pthread_mutex_unlock(&q->lock);
    if (waiting)
        q->drv->api->io_call(q->drv, inputqueue_io, q);
}
