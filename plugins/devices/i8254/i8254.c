/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* i8254: the PC's programmable interval timer, and the system control port B that shares its
 * channel 2.
 *
 * The guest sees counters 0-2 at 40h-42h, the control word at 43h, port 61h (gate 2, speaker,
 * refresh toggle, OUT2), and OUT0 as IRQ 0. CLK is the colour burst / 3 = 105/88 MHz; every count
 * is a function of the virtual clock: nothing drifts.
 * LUN 0 may have a driver with viv.audio/1: it gets what the speaker plays.
 * Follows: Intel 8254 data sheet (231164), PIIX3 data sheet (290550) for port 61h.
 * Not modelled: sources of the NMIs of port 61h, SERR# and IOCHK#: no card of this machine pulls
 * them, so the status bits 6 and 7 are 0 (the enable bits are kept). Where channel 1 is not
 * programmed, the refresh toggle runs as if it were with the customary 18. */
#include <viv/device.h>

#include "i8254_channel.h"
#include "i8254_speaker.h"

#define I8254_STATE_VERSION  1
#define I8254_REFRESH_PERIOD 18u
/* ns * 21 / 17600 = CLK pulses (105/88 MHz) */
#define I8254_CLK_MUL 21u
#define I8254_CLK_DIV 17600u
/* An IRQ 0 edge may come late by that much and is still delivered; a longer backlog is dropped. */
#define I8254_BACKLOG_NS 250000000ull

/* What the speaker plays is handed over that often. */
#define I8254_SPEAKER_TICK_NS 20000000ull

#define I8254_B_GATE2    0x01u
#define I8254_B_SPEAKER  0x02u
#define I8254_B_WRITABLE 0x0fu
#define I8254_B_REFRESH  0x10u
#define I8254_B_OUT2     0x20u

typedef struct I8254 {
    /* config */
    uint16_t base;
    uint8_t irq;
    uint8_t speaker_enabled;
    /* guest-visible, saved */
    I8254Channel channel[3];
    uint8_t port_b; /* bits 0-3 as written */
    /* host */
    viv_timer_t *timer, *speaker_timer;
    I8254Speaker speaker;
    /* stats */
    uint64_t ticks, dropped;
} I8254;

static const viv_option_t i8254_options[] = {
    VIV_OPT_NAMED(I8254, "Base", base, VIV_U16, 0, 0xfffc, 0x40, "First of the four I/O ports"),
    VIV_OPT_NAMED(I8254, "Irq", irq, VIV_U8, 0, 15, 0, "Interrupt line of counter 0"),
    VIV_OPT_NAMED(I8254, "SpeakerEnabled", speaker_enabled, VIV_BOOL, 0, 1, 1, "Provide port 61h"),
    {0},
};

static const viv_field_t i8254_state[] = {
    VIV_FIELD_STRUCTS(I8254, channel, i8254_channel_fields, 1),
    VIV_FIELD(I8254, port_b, VIV_U8, 1),
    {0},
};

/* -- time ------------------------------------------------------------------------------------ */

static uint64_t i8254_pulse_at(uint64_t ns)
{
    return (uint64_t)((unsigned __int128)ns * I8254_CLK_MUL / I8254_CLK_DIV);
}

/* The first ns at which that pulse has happened. */
static uint64_t i8254_ns_of(uint64_t pulse)
{
    unsigned __int128 ns =
        ((unsigned __int128)pulse * I8254_CLK_DIV + I8254_CLK_MUL - 1) / I8254_CLK_MUL;
    return ns > UINT64_MAX ? UINT64_MAX : (uint64_t)ns;
}

static uint64_t i8254_now(viv_dev_t *dev)
{
    return i8254_pulse_at(dev->api->time_ns(dev));
}

/* -- counter 0 and its interrupt ------------------------------------------------------------- */

static void i8254_arm(viv_dev_t *dev, I8254 *pit)
{
    uint64_t next = i8254_channel_next(&pit->channel[0]);
    if (next == UINT64_MAX) {
        dev->api->timer_cancel(pit->timer);
    } else {
        dev->api->timer_arm(pit->timer, i8254_ns_of(next));
    }
}

/* Runs counter 0 and carries OUT to the line. A low pulse that lies between two looks is given as
 * one. */
static void i8254_run0(viv_dev_t *dev, I8254 *pit, uint64_t to)
{
    I8254Channel *c = &pit->channel[0];
    uint8_t before = c->out;
    if (i8254_channel_run(c, to)) {
        pit->ticks++;
        dev->api->irq_set(dev, pit->irq, !before); /* the other half of a pulse that is over */
    }
    dev->api->irq_set(dev, pit->irq, c->out);
}

/* [emt, device lock held] Each edge by itself, so that none is lost when the host is a little
 * late. */
static void i8254_timer(viv_dev_t *dev, void *ctx)
{
    I8254 *pit = ctx;
    uint64_t now_ns = dev->api->time_ns(dev);
    uint64_t next = i8254_channel_next(&pit->channel[0]);
    if (next != UINT64_MAX) {
        uint64_t due_ns = i8254_ns_of(next);
        if (due_ns <= now_ns && now_ns - due_ns > I8254_BACKLOG_NS) {
            pit->dropped++;
            next = i8254_pulse_at(now_ns);
        }
        if (due_ns <= now_ns) {
            i8254_run0(dev, pit, next);
        }
    }
    i8254_arm(dev, pit);
}

/* Counter `i` as it is now, without taking the edges of counter 0 away from the timer. */
static I8254Channel i8254_peek(viv_dev_t *dev, const I8254 *pit, uint32_t i)
{
    I8254Channel run = pit->channel[i];
    i8254_channel_run(&run, i8254_now(dev));
    return run;
}

/* -- the speaker, and the other counters ----------------------------------------------------- */

/* Counter 2 up to now; what of it is to be heard goes to the speaker. */
static void i8254_run2(viv_dev_t *dev, I8254 *pit)
{
    i8254_speaker_run(&pit->speaker, &pit->channel[2], i8254_now(dev),
                      pit->port_b & I8254_B_SPEAKER);
}

/* The moments are multiples of the tick: the same whenever the state was saved and loaded. */
static void i8254_speaker_arm(viv_dev_t *dev, I8254 *pit)
{
    if (i8254_speaker_is_busy(&pit->speaker, &pit->channel[2], pit->port_b & I8254_B_SPEAKER)) {
        uint64_t ticks = dev->api->time_ns(dev) / I8254_SPEAKER_TICK_NS + 1;
        dev->api->timer_arm(pit->speaker_timer, ticks * I8254_SPEAKER_TICK_NS);
    } else {
        dev->api->timer_cancel(pit->speaker_timer);
    }
}

static void i8254_speaker_deliver(viv_dev_t *dev, I8254 *pit)
{
    i8254_run2(dev, pit);
    i8254_speaker_flush(&pit->speaker);
    i8254_speaker_arm(dev, pit);
}

/* [emt, device lock held] */
static void i8254_speaker_timer(viv_dev_t *dev, void *ctx)
{
    i8254_speaker_deliver(dev, ctx);
}

/* Before a counter's settings change. */
static void i8254_sync(viv_dev_t *dev, I8254 *pit, uint32_t i)
{
    if (i == 0) {
        i8254_run0(dev, pit, i8254_now(dev));
    } else if (i == 2) {
        i8254_run2(dev, pit);
    } else {
        i8254_channel_run(&pit->channel[i], i8254_now(dev));
    }
}

/* After it. */
static void i8254_changed(viv_dev_t *dev, I8254 *pit, uint32_t i)
{
    if (i == 0) {
        dev->api->irq_set(dev, pit->irq, pit->channel[0].out);
        i8254_arm(dev, pit);
    } else if (i == 2) {
        i8254_speaker_arm(dev, pit);
    }
}

/* -- ports 40h-43h --------------------------------------------------------------------------- */

static void i8254_read_back(viv_dev_t *dev, I8254 *pit, uint8_t word)
{
    for (uint32_t i = 0; i < 3; i++) {
        if (word & 2u << i) {
            I8254Channel run = i8254_peek(dev, pit, i);
            if (!(word & 0x20)) {
                i8254_channel_latch_count(&pit->channel[i], &run);
            }
            if (!(word & 0x10)) {
                i8254_channel_latch_status(&pit->channel[i], &run);
            }
        }
    }
}

static void i8254_control(viv_dev_t *dev, I8254 *pit, uint8_t word)
{
    uint32_t i = word >> 6;
    if (i == 3) {
        i8254_read_back(dev, pit, word);
    } else if (!(word & 0x30)) {
        I8254Channel run = i8254_peek(dev, pit, i);
        i8254_channel_latch_count(&pit->channel[i], &run);
    } else {
        i8254_sync(dev, pit, i);
        i8254_channel_control(&pit->channel[i], word);
        i8254_changed(dev, pit, i);
    }
}

/* [emt, device lock held] */
static void i8254_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value, uint32_t width)
{
    I8254 *pit = ctx;
    (void)width;
    if (off == 3) {
        i8254_control(dev, pit, (uint8_t)value);
    } else {
        i8254_sync(dev, pit, (uint32_t)off);
        i8254_channel_write(&pit->channel[off], (uint8_t)value);
        i8254_changed(dev, pit, (uint32_t)off);
    }
}

/* [emt, device lock held] */
static uint64_t i8254_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    I8254 *pit = ctx;
    (void)width;
    if (off == 3) {
        return 0xff; /* the control word register is write-only */
    }
    I8254Channel run = i8254_peek(dev, pit, (uint32_t)off);
    return i8254_channel_read(&pit->channel[off], &run);
}

static const viv_io_ops_t i8254_io = {
    .size = sizeof(viv_io_ops_t),
    .widths = VIV_W8,
    .read = i8254_read,
    .write = i8254_write,
};

/* -- port 61h -------------------------------------------------------------------------------- */

static uint32_t i8254_refresh_toggle(const I8254 *pit, uint64_t now)
{
    const I8254Channel *c = &pit->channel[1];
    int periodic = c->loaded && (c->mode == 2 || c->mode == 3) && c->period > 1;
    return (uint32_t)(now / (periodic ? c->period : I8254_REFRESH_PERIOD) & 1);
}

/* [emt, device lock held] */
static uint64_t i8254_port_b_read(viv_dev_t *dev, void *ctx, uint64_t off, uint32_t width)
{
    const I8254 *pit = ctx;
    (void)off, (void)width;
    I8254Channel run = i8254_peek(dev, pit, 2);
    uint32_t value = pit->port_b;
    value |= i8254_refresh_toggle(pit, i8254_now(dev)) ? I8254_B_REFRESH : 0;
    value |= run.out ? I8254_B_OUT2 : 0;
    return value;
}

/* [emt, device lock held] */
static void i8254_port_b_write(viv_dev_t *dev, void *ctx, uint64_t off, uint64_t value,
                               uint32_t width)
{
    I8254 *pit = ctx;
    (void)off, (void)width;
    i8254_sync(dev, pit, 2);
    pit->port_b = (uint8_t)(value & I8254_B_WRITABLE);
    i8254_channel_gate(&pit->channel[2], value & I8254_B_GATE2);
    i8254_changed(dev, pit, 2);
}

static const viv_io_ops_t i8254_port_b_io = {
    .size = sizeof(viv_io_ops_t),
    .widths = VIV_W8,
    .read = i8254_port_b_read,
    .write = i8254_port_b_write,
};

/* -- life ------------------------------------------------------------------------------------ */

/* [main or emt, device lock held] */
static void i8254_reset(viv_dev_t *dev, void *self)
{
    I8254 *pit = self;
    i8254_sync(dev, pit, 2);
    for (uint32_t i = 0; i < 3; i++) {
        i8254_channel_reset(&pit->channel[i], i8254_now(dev), i != 2);
    }
    pit->channel[0].out = 0; /* the line is low until the counter is programmed */
    pit->port_b = 0;
    i8254_changed(dev, pit, 0);
    i8254_changed(dev, pit, 2);
}

/* [main, device lock held] */
static viv_status_t i8254_power_on(viv_dev_t *dev, void *self)
{
    i8254_speaker_start(&((I8254 *)self)->speaker, i8254_now(dev));
    return VIV_OK;
}

/* [main, device lock held] Before a pause and at the end: what has been played is all there. */
static void i8254_suspend(viv_dev_t *dev, void *self)
{
    I8254 *pit = self;
    if (pit->speaker.ops) {
        i8254_speaker_deliver(dev, pit);
    }
}

/* [main, device lock held] */
static viv_status_t i8254_post_load(viv_dev_t *dev, void *self, uint32_t version)
{
    I8254 *pit = self;
    (void)version;
    for (uint32_t i = 0; i < 3; i++) {
        if (!i8254_channel_is_sane(&pit->channel[i], i8254_now(dev))) {
            return dev->api->fail(dev, VIV_E_CORRUPT, "counter %u: its state contradicts itself",
                                  i);
        }
    }
    if (pit->port_b & ~I8254_B_WRITABLE) {
        return dev->api->fail(dev, VIV_E_CORRUPT, "port 61h holds %02x", pit->port_b);
    }
    i8254_changed(dev, pit, 0);
    i8254_speaker_start(&pit->speaker, i8254_now(dev));
    i8254_changed(dev, pit, 2);
    return VIV_OK;
}

/* The sound driver of LUN 0, if there is one. */
static viv_status_t i8254_speaker_attach(viv_dev_t *dev, I8254 *pit)
{
    viv_status_t st = VIV_OK;
    viv_iface_t audio;
    const viv_lun_api_t *lun = viv_need(dev, VIV_LUN_ID, sizeof(viv_lun_api_t), &st);
    if (st != VIV_OK) {
        return st;
    }
    st = lun->attach(dev, 0, "PC speaker");
    if (st != VIV_OK) {
        return st == VIV_E_NOT_FOUND ? VIV_OK : st;
    }
    if (lun->query(dev, 0, VIV_AUDIO_ID, sizeof(viv_audio_ops_t), &audio) != VIV_OK) {
        return dev->api->fail(dev, VIV_E_CONFIG, "the driver of LUN#0 does not play sound");
    }
    return i8254_speaker_open(&pit->speaker, audio.ops, audio.self);
}

/* [main, device lock held] */
static viv_status_t i8254_construct(viv_dev_t *dev, void *self)
{
    I8254 *pit = self;
    viv_iface_t iface;
    viv_status_t st = dev->api->timer_create(dev, "irq", i8254_timer, pit, &pit->timer);
    if (st == VIV_OK) {
        st = dev->api->timer_create(dev, "speaker", i8254_speaker_timer, pit, &pit->speaker_timer);
    }
    if (st != VIV_OK) {
        return st;
    }
    st = dev->api->pio_map(dev, pit->base, 4, &i8254_io, pit, "counters", NULL);
    if (st != VIV_OK) {
        return st;
    }
    if (pit->speaker_enabled) {
        st = dev->api->pio_map(dev, 0x61, 1, &i8254_port_b_io, pit, "port B", NULL);
        if (st != VIV_OK) {
            return st;
        }
    }
    if (dev->api->get_interface(dev, VIV_STAM_ID, sizeof(viv_stam_api_t), &iface) == VIV_OK) {
        const viv_stam_api_t *stam = iface.ops;
        stam->counter(dev, &pit->ticks, "Ticks", "times", "Rising edges of OUT0");
        stam->counter(dev, &pit->dropped, "Dropped", "times",
                      "Backlogs of OUT0 edges that were dropped");
        stam->counter(dev, &pit->speaker.lost, "SpeakerLost", "frames",
                      "Sound that the driver did not take");
    }
    return i8254_speaker_attach(dev, pit);
}

static const viv_device_class_t i8254_class = {
    VIV_DEVICE_CLASS_HEAD,
    .name = "i8254",
    .summary = "8254 programmable interval timer and port 61h",
    .instance_size = sizeof(I8254),
    .state_version = I8254_STATE_VERSION,
    .max_instances = 1,
    .order = VIV_ORDER_PIT,
    .options = i8254_options,
    .state = i8254_state,
    .construct = i8254_construct,
    .reset = i8254_reset,
    .power_on = i8254_power_on,
    .suspend = i8254_suspend,
    .power_off = i8254_suspend,
    .post_load = i8254_post_load,
};

VIV_PLUGIN("org.vivarium.i8254", "1.0", "LGPL-2.1-or-later", "8254 interval timer", &i8254_class);
