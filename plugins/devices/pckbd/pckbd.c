/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pckbd: the keyboard controller of a PC with a keyboard and a mouse on its two ports.
 * The guest sees an 8042 at ports 60h and 64h (IRQ 1 and 12), a 102-key keyboard and a PS/2 mouse
 * with a wheel. LUN 0 takes scan codes (viv.keyboard-port/1), LUN 1 motion (viv.mouse-port/1).
 * Follows: IBM PS/2 Hardware Interface Technical Reference, "Keyboard and Auxiliary Device
 * Controller", "Keyboard", "Mouse". Parts and invariants: pckbd.h.
 * Not modelled: the bit-level protocol of the wires, parity errors, the other pins of the chip's
 * ports (docs/devices/pckbd.md). */
#include "pckbd.h"

#include <string.h>

#define PCKBD_STATE_VERSION 2u
#define PCKBD_LUN_KBD       0u
#define PCKBD_LUN_MOUSE     1u

static const viv_option_t pckbd_options[] = {
    VIV_OPT_NAMED(Pckbd, "MouseEnabled", has_mouse, VIV_BOOL, 0, 1, 1,
                  "a mouse is plugged in; without one D4h answers FEh with the time-out bit"),
    VIV_OPT_NAMED(Pckbd, "ScaleByResolution", scale_by_resolution, VIV_BOOL, 0, 1, 0,
                  "the resolution that the guest sets (1, 2, 4, 8 counts a mm) changes the counts, "
                  "as on a real mouse; the host's counts are those of 4 a mm, so a driver that "
                  "asks for 8 doubles the pointer's speed"),
    {0},
};

static const viv_field_t pckbd_event_state[] = {
    VIV_FIELD(PckbdEvent, dx, VIV_I32, 1),
    VIV_FIELD(PckbdEvent, dy, VIV_I32, 1),
    VIV_FIELD(PckbdEvent, dz, VIV_I32, 1),
    VIV_FIELD(PckbdEvent, buttons, VIV_U32, 1),
    {0},
};

static const viv_field_t pckbd_state[] = {
    VIV_FIELD(Pckbd, status, VIV_U8, 1),
    VIV_FIELD(Pckbd, data, VIV_U8, 1),
    VIV_FIELD(Pckbd, command, VIV_U8, 1),
    VIV_FIELD(Pckbd, poll, VIV_U8, 1),
    VIV_FIELD_BYTES(Pckbd, ram, 1),
    VIV_FIELD(Pckbd, outport, VIV_U8, 1),
    VIV_FIELD(Pckbd, xlat_break, VIV_U8, 1),
    VIV_FIELD_BYTES(Pckbd, password, 1),
    VIV_FIELD(Pckbd, password_len, VIV_U8, 1),
    VIV_FIELD(Pckbd, password_loaded, VIV_U8, 1),
    VIV_FIELD(Pckbd, password_at, VIV_U8, 1),
    VIV_FIELD(Pckbd, locked, VIV_U8, 1),
    VIV_FIELD(Pckbd, out_len, VIV_U8, 1),
    VIV_FIELD_ARRAY(Pckbd, out, VIV_U16, 1),
    VIV_FIELD(Pckbd, kbd_set, VIV_U8, 1),
    VIV_FIELD(Pckbd, kbd_scanning, VIV_U8, 1),
    VIV_FIELD(Pckbd, kbd_leds, VIV_U8, 1),
    VIV_FIELD(Pckbd, kbd_rate, VIV_U8, 1),
    VIV_FIELD(Pckbd, kbd_command, VIV_U8, 1),
    VIV_FIELD(Pckbd, kbd_testing, VIV_U8, 1),
    VIV_FIELD(Pckbd, kbd_last, VIV_U8, 1),
    VIV_FIELD(Pckbd, kbd_resp_len, VIV_U8, 1),
    VIV_FIELD(Pckbd, kbd_buf_len, VIV_U8, 1),
    VIV_FIELD(Pckbd, kbd_repeat_len, VIV_U8, 1),
    VIV_FIELD_BYTES(Pckbd, kbd_resp, 1),
    VIV_FIELD_BYTES(Pckbd, kbd_buf, 1),
    VIV_FIELD_BYTES(Pckbd, kbd_repeat, 1),
    VIV_FIELD_BYTES(Pckbd, kbd_repeat_key, 1),
    VIV_FIELD_BYTES(Pckbd, kbd_keys, 1),
    VIV_FIELD(Pckbd, input_len, VIV_U16, 1),
    VIV_FIELD_BYTES(Pckbd, input, 1),
    VIV_FIELD(Pckbd, mouse_id, VIV_U8, 1),
    VIV_FIELD(Pckbd, mouse_reporting, VIV_U8, 1),
    VIV_FIELD(Pckbd, mouse_remote, VIV_U8, 1),
    VIV_FIELD(Pckbd, mouse_wrap, VIV_U8, 1),
    VIV_FIELD(Pckbd, mouse_scale, VIV_U8, 1),
    VIV_FIELD(Pckbd, mouse_resolution, VIV_U8, 1),
    VIV_FIELD(Pckbd, mouse_rate, VIV_U8, 1),
    VIV_FIELD(Pckbd, mouse_command, VIV_U8, 1),
    VIV_FIELD(Pckbd, mouse_testing, VIV_U8, 1),
    VIV_FIELD(Pckbd, mouse_errors, VIV_U8, 1),
    VIV_FIELD_BYTES(Pckbd, mouse_rates, 1),
    VIV_FIELD(Pckbd, mouse_buttons, VIV_U8, 1),
    VIV_FIELD(Pckbd, mouse_resp_len, VIV_U8, 1),
    VIV_FIELD(Pckbd, mouse_packet_len, VIV_U8, 1),
    VIV_FIELD_BYTES(Pckbd, mouse_resp, 1),
    VIV_FIELD_BYTES(Pckbd, mouse_packet, 1),
    VIV_FIELD(Pckbd, mouse_sent_len, VIV_U8, 1),
    VIV_FIELD_BYTES(Pckbd, mouse_sent, 1),
    VIV_FIELD(Pckbd, mouse_sampled_ns, VIV_U64, 1),
    VIV_FIELD(Pckbd, event_len, VIV_U8, 1),
    VIV_FIELD_STRUCTS(Pckbd, events, pckbd_event_state, 1),
    VIV_FIELD(Pckbd, kbd_fresh, VIV_U8, 2),
    VIV_FIELD(Pckbd, mouse_fresh, VIV_U8, 2),
    VIV_FIELD(Pckbd, mouse_rest_x, VIV_I32, 2),
    VIV_FIELD(Pckbd, mouse_rest_y, VIV_I32, 2),
    {0},
};

/* [main or emt, device lock held] */
static void pckbd_reset(viv_dev_t *dev, void *self)
{
    Pckbd *kb = self;
    dev->api->timer_cancel(kb->byte_timer);
    pckbd_kbc_reset(kb);
    pckbd_kbd_reset(kb);
    pckbd_mouse_reset(kb);
    pckbd_kbd_tell(kb);
}

/* -- Saved state is hostile ------------------------------------------------------------------ */

static uint32_t pckbd_load_lengths_good(const Pckbd *kb)
{
    return kb->out_len <= PCKBD_OUT_MAX && kb->password_len <= PCKBD_PASSWORD_MAX &&
           kb->password_at <= PCKBD_PASSWORD_MAX && (!kb->password_loaded || kb->password_len) &&
           (!kb->locked || kb->password_loaded) && kb->kbd_resp_len <= PCKBD_RESP_MAX &&
           kb->kbd_buf_len <= PCKBD_KBD_BUF && kb->kbd_repeat_len <= PCKBD_KEY_MAX &&
           kb->input_len <= PCKBD_INPUT_MAX && kb->mouse_resp_len <= PCKBD_RESP_MAX &&
           kb->mouse_sent_len <= PCKBD_RESP_MAX &&
           kb->mouse_packet_len <= sizeof(kb->mouse_packet) && kb->event_len <= PCKBD_EVENTS_MAX;
}

static uint32_t pckbd_load_modes_good(const Pckbd *kb)
{
    static const uint8_t kbd_commands[] = {0, 0xed, 0xf0, 0xf3, 0xfb, 0xfc, 0xfd};
    static const uint8_t mouse_commands[] = {0, 0xe8, 0xf3};
    uint8_t c = kb->command;
    return kb->kbd_set >= 1 && kb->kbd_set <= 3 && kb->mouse_resolution <= 3 &&
           kb->mouse_rate >= 10 && kb->mouse_rate <= 200 &&
           (kb->mouse_id == 0 || kb->mouse_id == 3 || kb->mouse_id == 4) &&
           memchr(kbd_commands, kb->kbd_command, sizeof(kbd_commands)) &&
           memchr(mouse_commands, kb->mouse_command, sizeof(mouse_commands)) &&
           (c == 0 || c == 0xa5 || (c >= 0x60 && c < 0x80) || (c >= 0xd1 && c <= 0xd4));
}

static void pckbd_load_mask(Pckbd *kb)
{
    uint8_t *flags[] = {
        &kb->password_loaded, &kb->locked,       &kb->kbd_scanning, &kb->kbd_testing,
        &kb->mouse_reporting, &kb->mouse_remote, &kb->mouse_wrap,   &kb->mouse_scale,
        &kb->mouse_testing,   &kb->mouse_errors, &kb->kbd_fresh,    &kb->mouse_fresh,
    };
    for (uint32_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
        *flags[i] = *flags[i] != 0;
    kb->status &=
        PCKBD_ST_OBF | PCKBD_ST_SYS | PCKBD_ST_COMMAND | PCKBD_ST_AUX_OBF | PCKBD_ST_TIMEOUT;
    kb->ram[0] &= 0x7f;
    kb->poll = kb->poll < 3 ? kb->poll : 0;
    kb->xlat_break &= 0x80;
    if (!kb->locked || kb->password_at >= kb->password_len)
        kb->password_at = 0; /* states up to version 2 have it at the end after unlocking */
    kb->outport |= PCKBD_P2_RUN;
    kb->kbd_leds &= 7;
    kb->kbd_rate &= 0x7f;
    kb->mouse_buttons &= 0x1f;
    kb->mouse_rest_x %= 8;
    kb->mouse_rest_y %= 8;
    for (uint32_t i = 0; i < PCKBD_EVENTS_MAX; i++) {
        PckbdEvent *ev = &kb->events[i];
        int32_t *axes[3] = {&ev->dx, &ev->dy, &ev->dz};
        for (uint32_t j = 0; j < 3; j++)
            *axes[j] = *axes[j] > 1000000 ? 1000000 : *axes[j] < -1000000 ? -1000000 : *axes[j];
        ev->buttons &= 0x1f;
    }
}

/* [main, device lock held] */
static viv_status_t pckbd_post_load(viv_dev_t *dev, void *self, uint32_t version)
{
    Pckbd *kb = self;
    if (version < 2) /* it had no tests after power-on */
        kb->kbd_fresh = kb->mouse_fresh = 0;
    if (!pckbd_load_lengths_good(kb))
        return dev->api->fail(dev, VIV_E_CORRUPT, "a saved queue is longer than the device's");
    if (!pckbd_load_modes_good(kb))
        return dev->api->fail(dev, VIV_E_CORRUPT,
                              "a saved mode of keyboard or mouse does not exist");
    pckbd_load_mask(kb);
    kb->chipset->a20_set(dev, 1, (kb->outport & PCKBD_P2_A20) != 0);
    pckbd_irq_update(kb);
    kb->input_refused = kb->event_refused = 0;
    pckbd_kbd_tell(kb);
    return VIV_OK;
}

/* -- Construction ---------------------------------------------------------------------------- */

/* [any] */
static viv_status_t pckbd_query_interface(viv_dev_t *dev, void *self, uint32_t lun, const char *id,
                                          viv_iface_t *ret_iface)
{
    const Pckbd *kb = self;
    (void)dev;
    if (lun == PCKBD_LUN_KBD && strcmp(id, VIV_KEYBOARD_PORT_ID) == 0)
        ret_iface->ops = &pckbd_keyboard_port;
    else if (lun == PCKBD_LUN_MOUSE && kb->has_mouse && strcmp(id, VIV_MOUSE_PORT_ID) == 0)
        ret_iface->ops = &pckbd_mouse_port;
    else
        return VIV_E_NOT_FOUND;
    ret_iface->self = self;
    return VIV_OK;
}

static viv_status_t pckbd_construct_timers(Pckbd *kb)
{
    const struct {
        const char *name;
        viv_timer_fn fn;
        viv_timer_t **timer;
    } timers[] = {
        {"byte", pckbd_kbc_byte_due, &kb->byte_timer},
        {"keyboard test", pckbd_kbd_bat_done, &kb->kbd_bat_timer},
        {"typematic", pckbd_kbd_repeat_due, &kb->repeat_timer},
        {"mouse test", pckbd_mouse_bat_done, &kb->mouse_bat_timer},
        {"mouse sample", pckbd_mouse_sample_due, &kb->sample_timer},
    };
    viv_status_t status = VIV_OK;
    for (uint32_t i = 0; i < sizeof(timers) / sizeof(timers[0]) && status == VIV_OK; i++)
        status =
            kb->dev->api->timer_create(kb->dev, timers[i].name, timers[i].fn, kb, timers[i].timer);
    return status;
}

static viv_status_t pckbd_construct_interfaces(Pckbd *kb)
{
    const viv_dev_api_t *api = kb->dev->api;
    viv_iface_t iface;
    viv_status_t status =
        api->get_interface(kb->dev, VIV_CHIPSET_ID, sizeof(viv_chipset_api_t), &iface);
    if (status != VIV_OK)
        return api->fail(kb->dev, status, "this host has no %s", VIV_CHIPSET_ID);
    kb->chipset = iface.ops;
    status = api->get_interface(kb->dev, VIV_VM_ID, sizeof(viv_vm_api_t), &iface);
    if (status != VIV_OK)
        return api->fail(kb->dev, status, "this host has no %s", VIV_VM_ID);
    kb->vm = iface.ops;
    return VIV_OK;
}

/* Whoever types comes from outside as well as from a driver: empty LUNs are fine. */
static viv_status_t pckbd_construct_luns(Pckbd *kb)
{
    viv_iface_t iface;
    if (kb->dev->api->get_interface(kb->dev, VIV_LUN_ID, sizeof(viv_lun_api_t), &iface) != VIV_OK)
        return VIV_OK;
    const viv_lun_api_t *lun = iface.ops;
    viv_status_t status = lun->attach(kb->dev, PCKBD_LUN_KBD, "keyboard");
    if (status != VIV_OK && status != VIV_E_NOT_FOUND)
        return status;
    if (status == VIV_OK && lun->query(kb->dev, PCKBD_LUN_KBD, VIV_KEYBOARD_ID,
                                       sizeof(viv_keyboard_ops_t), &iface) == VIV_OK) {
        kb->kbd_driver = iface.ops;
        kb->kbd_driver_self = iface.self;
    }
    status = kb->has_mouse ? lun->attach(kb->dev, PCKBD_LUN_MOUSE, "mouse") : VIV_OK;
    if (kb->has_mouse && status == VIV_OK &&
        lun->query(kb->dev, PCKBD_LUN_MOUSE, VIV_MOUSE_ID, sizeof(viv_mouse_ops_t), &iface) ==
            VIV_OK) {
        kb->mouse_driver = iface.ops;
        kb->mouse_driver_self = iface.self;
    }
    return status == VIV_E_NOT_FOUND ? VIV_OK : status;
}

static viv_status_t pckbd_construct_counters(Pckbd *kb)
{
    viv_iface_t iface;
    if (kb->dev->api->get_interface(kb->dev, VIV_STAM_ID, sizeof(viv_stam_api_t), &iface) != VIV_OK)
        return VIV_OK;
    const viv_stam_api_t *stam = iface.ops;
    viv_status_t status =
        stam->counter(kb->dev, &kb->stat_codes_refused, "KeysRefused", "calls",
                      "scan codes that found the keyboard's queue full and were offered again");
    return status != VIV_OK ? status
                            : stam->counter(kb->dev, &kb->stat_events_refused, "MouseRefused",
                                            "calls", "mouse events that found the queue full");
}

/* [main, device lock held] */
static viv_status_t pckbd_construct(viv_dev_t *dev, void *self)
{
    Pckbd *kb = self;
    kb->dev = dev;
    viv_status_t status = pckbd_construct_interfaces(kb);
    if (status == VIV_OK)
        status = pckbd_construct_timers(kb);
    if (status == VIV_OK)
        status = dev->api->pio_map(dev, 0x60, 1, &pckbd_data_ops, kb, "keyboard data", NULL);
    if (status == VIV_OK)
        status = dev->api->pio_map(dev, 0x64, 1, &pckbd_command_ops, kb, "keyboard command", NULL);
    if (status == VIV_OK)
        status = pckbd_construct_counters(kb);
    if (status == VIV_OK)
        status = pckbd_construct_luns(kb);
    return status;
}

static const viv_device_class_t pckbd_class = {
    VIV_DEVICE_CLASS_HEAD,
    .name = "pckbd",
    .summary = "Keyboard controller with PS/2 keyboard and mouse",
    .instance_size = sizeof(Pckbd),
    .state_version = PCKBD_STATE_VERSION,
    .max_instances = 1,
    .order = VIV_ORDER_INPUT,
    .options = pckbd_options,
    .state = pckbd_state,
    .construct = pckbd_construct,
    .reset = pckbd_reset,
    .post_load = pckbd_post_load,
    .query_interface = pckbd_query_interface,
};

VIV_PLUGIN("org.vivarium.pckbd", "1.0", "LGPL-2.1-or-later",
           "Keyboard controller with PS/2 keyboard and mouse", &pckbd_class);
