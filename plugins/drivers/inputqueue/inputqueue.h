/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* inputqueue: what KeyboardQueue and MouseQueue share - events between a frontend and a device that
 * takes them when it can. Not a plugin: each compiles inputqueue.c into its own module.
 *
 * Events go to the device at once as long as it takes them; then they wait, in order, until it says
 * that it is ready or the machine is about to be saved. What the device holds is part of the saved
 * state, what waits here is not: it belongs to whoever types.
 *
 * Threads: put from any thread, ready with the device's lock held. The lock here is never held
 * while the device is called; one thread at a time gives events away (`giving`), so that they keep
 * their order, and whoever comes meanwhile leaves `again` set. */
#ifndef INPUTQUEUE_H
#define INPUTQUEUE_H

#include <viv/driver.h>
#include <viv/interfaces.h>

#include <pthread.h>

#define INPUTQUEUE_CODES 8u

typedef struct InputEvent {
    uint8_t codes[INPUTQUEUE_CODES]; /* keyboard */
    uint32_t count;
    int32_t dx, dy, dz; /* mouse */
    uint32_t buttons;
} InputEvent;

typedef struct InputQueue {
    uint32_t size; /* config: events that may wait */
    viv_drv_t *drv;
    /* [any, no lock] Offers an event to the device: 1 taken. */
    uint32_t (*give)(void *ctx, const InputEvent *event);
    void *ctx;
    uint32_t made;
    pthread_mutex_t lock; /* guards what follows */
    InputEvent *events;   /* a ring of `size` */
    uint32_t head, count;
    uint32_t giving, again, ended;
} InputQueue;

/* [main] In prepare. */
viv_status_t inputqueue_init(InputQueue *q, viv_drv_t *drv,
                             uint32_t (*give)(void *ctx, const InputEvent *event), void *ctx);
void inputqueue_finish(InputQueue *q);
/* All or nothing: 0 if not all find room. merge (may be NULL) may add an event to the last one that
 * waits when there is no room: 1 if it did. [any, no lock] */
uint32_t inputqueue_put(InputQueue *q, const InputEvent *events, uint32_t count,
                        uint32_t (*merge)(InputEvent *last, const InputEvent *event));
/* The device would take events again. [any, device lock held] */
void inputqueue_ready(InputQueue *q);
/* Gives away what the device takes. [any, no lock] */
void inputqueue_drain(InputQueue *q);

#endif
