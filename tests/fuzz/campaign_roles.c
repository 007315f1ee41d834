/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What reaches a campaign's device from the rest of the machine: interrupt lines and messages for
 * chipset roles, and keys, motion, plugs and buttons through the ports that it offers on its
 * LUNs. */
#include "campaign.h"

#include <string.h>

/* -- roles ----------------------------------------------------------------------------------- */

static void campaign_apic(Campaign *c, const viv_apic_ops_t *ops, viv_dev_t *dev, void *self)
{
    uint32_t vcpu = campaign_below(c, c->cpus);
    uint64_t value = campaign_value(c);
    uint32_t small = campaign_below(c, 0x100), what = campaign_below(c, 10);
    uint8_t vector;
    campaign_note(c, "APIC of vCPU %llu: call %llu, %llx", vcpu, what, value);
    harness_current_vcpu(c->h, vcpu);
    harness_chipset_lock(c->h);
    switch (what) {
    case 0:
        ops->deliver(dev, self, campaign_below(c, 4) ? small & 3 : small, small >> 7,
                     campaign_below(c, 8), campaign_below(c, 256), campaign_below(c, 2));
        break;
    case 1: ops->local_pin(dev, self, vcpu, small & 1, small >> 1 & 1); break;
    case 2:
        ops->base_set(dev, self, vcpu,
                      0xfee00000 | (value & 0xd00) | (uint64_t)campaign_one_in(c, 8) << 20);
        break;
    case 3: ops->tpr_set(dev, self, vcpu, small & 0xf); break;
    case 4: ops->msr_read(dev, self, vcpu, small == 0xff ? 0x6e0 : 0x800 + small, &value); break;
    case 5:
        ops->msr_write(dev, self, vcpu, small > 0xf0 ? 0x6e0 : 0x800 + (small & 0x3f), value);
        break;
    case 6:
        if (small < 8) {
            ops->vcpu_init(dev, self, vcpu);
        }
        break;
    default: ops->acknowledge(dev, self, vcpu, &vector); break;
    }
    harness_chipset_unlock(c->h);
    if (what == 7 && small < 16) {
        harness_tsc_set(c->h, value);
    }
}

static void campaign_ioapic(Campaign *c, const viv_ioapic_ops_t *ops, viv_dev_t *dev, void *self)
{
    uint32_t gsi = campaign_below(c, 24), level = campaign_below(c, 2);
    campaign_note(c, "I/O APIC: input %llu is %llu", gsi, level, 0);
    if (campaign_one_in(c, 3)) {
        harness_chipset_lock(c->h);
        ops->broadcast_eoi(dev, self, campaign_below(c, 256));
        harness_chipset_unlock(c->h);
    } else if (campaign_one_in(c, 8)) {
        harness_apic_accepts(c->h, level);
    } else {
        harness_ioapic_set(c->h, gsi, level);
    }
}

/* INTx of up to 64 functions' pins, bit for bit in lines_up. */
static void campaign_intx(Campaign *c, uint32_t line, uint32_t level)
{
    c->lines_up = (c->lines_up & ~(1ull << line)) | (uint64_t)level << line;
    harness_bus_intx(c->h, line >> 5 & 1, (line & 0x1c) << 2, 1 + (line & 3), level);
}

void campaign_lower_lines(Campaign *c)
{
    viv_dev_t *dev;
    void *self;
    for (uint32_t i = 0; i < 64; i++) {
        if (c->lines_up >> i & 1) {
            campaign_intx(c, i, 0);
        }
    }
    for (uint32_t i = 0; harness_ioapic(c->h, &dev, &self) && i < 24; i++) {
        harness_ioapic_set(c->h, i, 0);
    }
    harness_apic_accepts(c->h, 1);
}

void campaign_roles(Campaign *c)
{
    viv_dev_t *dev;
    void *self;
    const void *ops;
    if ((ops = harness_apic(c->h, &dev, &self))) {
        campaign_apic(c, ops, dev, self);
    } else if ((ops = harness_ioapic(c->h, &dev, &self))) {
        campaign_ioapic(c, ops, dev, self);
    } else if (harness_pic(c->h, &dev, &self)) {
        uint32_t irq = campaign_below(c, 16), what = campaign_below(c, 3);
        campaign_note(c, "PIC: line %llu, %llu", irq, what, 0);
        if (what == 2) {
            harness_pic_ack(c->h);
        } else {
            harness_irq_drive(c->h, irq, what);
        }
    } else if (harness_has_intx(c->h)) {
        uint32_t line = campaign_below(c, 64), level = campaign_below(c, 2);
        campaign_note(c, "INTx %llu is %llu", line, level, 0);
        campaign_intx(c, line, level);
    } else if (harness_rtc(c->h, &dev, &self)) {
        uint32_t index = campaign_below(c, 256), value = campaign_below(c, 256);
        campaign_note(c, "CMOS %llx = %llx", index, value, 0);
        if (campaign_one_in(c, 2)) {
            harness_cmos_put(c->h, index, (uint8_t)value);
        }
        harness_cmos_get(c->h, index);
    } else if (harness_has_ferr(c->h)) {
        uint32_t level = campaign_below(c, 2);
        campaign_note(c, "FERR# is %llu", level, 0, 0);
        harness_ferr(c->h, level);
    } else {
        campaign_ports(c);
    }
}

/* -- ports on LUNs --------------------------------------------------------------------------- */

static void campaign_keys(Campaign *c, const viv_iface_t *port)
{
    const viv_keyboard_port_ops_t *ops = port->ops;
    uint8_t codes[16];
    uint32_t n = campaign_below(c, sizeof codes);
    for (uint32_t i = 0; i < n; i++) {
        codes[i] = campaign_one_in(c, 4) ? 0xe0 : (uint8_t)campaign_rand(c);
    }
    ops->put_scancodes(port->self, codes, n);
    ops->leds(port->self);
}

static void campaign_motion(Campaign *c, const viv_iface_t *port)
{
    const viv_mouse_port_ops_t *ops = port->ops;
    ops->put_event(port->self, (int32_t)campaign_value(c), (int32_t)campaign_value(c),
                   (int32_t)campaign_value(c), (uint32_t)campaign_value(c));
}

static void campaign_plug_port(Campaign *c, const viv_iface_t *port)
{
    const viv_parallel_port_ops_t *ops = port->ops;
    if (campaign_one_in(c, 2)) {
        campaign_plug_ready = (uint8_t)campaign_below(c, 2);
        ops->ready(port->self);
    } else {
        campaign_plug_status = (uint8_t)campaign_rand(c);
        ops->status_changed(port->self, campaign_plug_status);
    }
}

static void campaign_buttons(Campaign *c, const viv_iface_t *port)
{
    const viv_acpi_port_ops_t *ops = port->ops;
    if (campaign_one_in(c, 2)) {
        ops->power_button(port->self);
    } else {
        ops->sleep_button(port->self);
    }
}

static void campaign_char_port(Campaign *c, const viv_iface_t *port)
{
    const viv_char_port_ops_t *ops = port->ops;
    switch (campaign_below(c, 4)) {
    case 0:
        if (VIV_HAS(ops, receive_marked)) {
            ops->receive_marked(port->self, (uint8_t)campaign_rand(c), campaign_below(c, 16));
        }
        break;
    case 1:
        if (VIV_HAS(ops, send_break)) {
            ops->send_break(port->self);
        }
        break;
    case 2:
        if (VIV_HAS(ops, write_ready)) {
            ops->write_ready(port->self);
        }
        break;
    default:
        if (VIV_HAS(ops, set_status)) {
            ops->set_status(port->self, campaign_below(c, 16));
        }
        break;
    }
}

static void campaign_picture(Campaign *c, const viv_iface_t *port)
{
    const viv_display_port_ops_t *ops = port->ops;
    viv_frame_t frame = {.size = sizeof frame};
    char text[256];
    if (!campaign_one_in(c, 512)) {
        return; /* pictures are dear */
    }
    c->host_busy = 1;
    if (ops->frame(port->self, &frame) == VIV_OK && frame.width && frame.height) {
        const uint32_t *last =
            frame.pixels + (size_t)frame.stride_bytes / 4 * (frame.height - 1) + frame.width - 1;
        c->last_read = *last; /* the whole of it must be there */
    }
    ops->text(port->self, text, sizeof text);
    c->host_busy = 0;
}

void campaign_ports(Campaign *c)
{
    static const struct {
        const char *id;
        void (*run)(Campaign *c, const viv_iface_t *port);
    } ports[] = {
        {VIV_KEYBOARD_PORT_ID, campaign_keys},      {VIV_MOUSE_PORT_ID, campaign_motion},
        {VIV_PARALLEL_PORT_ID, campaign_plug_port}, {VIV_ACPI_PORT_ID, campaign_buttons},
        {VIV_CHAR_PORT_ID, campaign_char_port},     {VIV_DISPLAY_PORT_ID, campaign_picture},
    };
    uint32_t inst = campaign_below(c, harness_instances(c->h)), lun = campaign_below(c, 3);
    harness_select(c->h, (int)inst);
    for (size_t i = 0; i < sizeof ports / sizeof ports[0]; i++) {
        viv_iface_t port = {NULL, NULL};
        if (harness_query(c->h, lun, ports[i].id, &port) == VIV_OK) {
            campaign_note(c, "port %llu of LUN %llu", i, lun, 0);
            ports[i].run(c, &port);
            break;
        }
    }
    harness_select(c->h, 0);
}
