/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtio-console: the console device of virtio 1.2, 5.3: up to 31 ports, each with a character
 * driver on LUN#<port>. This file is its life and configuration; virtio_console_port.c moves bytes,
 * virtio_console_control.c messages. */
#include "virtio_console.h"

#include <stdio.h>
#include <string.h>

#define CONSOLE_STATE_VERSION 1u
#define CONSOLE_QUEUE_SIZE    128u
#define CONSOLE_CONTROL_SIZE  32u
#define CONSOLE_CONFIG_BYTES  12u
#define CONSOLE_EMERG_WR      8u

static const viv_option_t console_options[] = {
    VIV_OPT_NAMED(VirtioConsole, "Ports", port_count, VIV_U32, 1, CONSOLE_PORTS, 1,
                  "ports; port n has its driver on LUN#n, its name in Port<n>/Name, and is a "
                  "console if Port<n>/Console is 1 (default: port 0, unless it has a name)"),
    VIV_OPT_NAMED(VirtioConsole, "Multiport", multiport, VIV_BOOL, 0, 1, 1,
                  "offer control queues: names, opening and closing; needed for several ports"),
    VIV_OPT_NAMED(VirtioConsole, "Columns", columns, VIV_U32, 0, 65535, 0,
                  "width of the consoles in characters; 0: not told"),
    VIV_OPT_NAMED(VirtioConsole, "Rows", rows, VIV_U32, 0, 65535, 0,
                  "height of the consoles in lines; 0: not told"),
    VIV_OPT_NAMED(VirtioConsole, "EmergencyWrite", emergency, VIV_BOOL, 0, 1, 1,
                  "offer the register for characters without a queue"),
    VIRTIO_OPTIONS(VirtioConsole, virtio),
    {0},
};

static const viv_field_t console_port_fields[] = {
    VIV_FIELD(ConsolePort, plugged, VIV_U8, 1),    VIV_FIELD(ConsolePort, ready, VIV_U8, 1),
    VIV_FIELD(ConsolePort, guest_open, VIV_U8, 1), VIV_FIELD(ConsolePort, tell, VIV_U8, 1),
    VIV_FIELD(ConsolePort, told_open, VIV_U8, 1),  VIV_FIELD(ConsolePort, columns, VIV_U16, 1),
    VIV_FIELD(ConsolePort, rows, VIV_U16, 1),      {0},
};

static const viv_field_t console_state[] = {
    VIV_FIELD_STRUCTS(VirtioConsole, ports, console_port_fields, 1),
    VIRTIO_STATE(VirtioConsole, virtio, 1),
    {0},
};

/* -- device configuration -------------------------------------------------------------------- */

static void console_config_read(void *self, uint8_t *bytes)
{
    const VirtioConsole *c = self;
    virtio_put16(bytes, c->ports[0].columns);
    virtio_put16(bytes + 2, c->ports[0].rows);
    virtio_put32(bytes + 4, c->port_count);
}

/* The lowest byte of emerg_wr is a character; it may come before anything is negotiated. */
static void console_config_write(void *self, uint32_t off, const uint8_t *bytes, uint32_t len)
{
    VirtioConsole *c = self;
    ConsolePort *p = &c->ports[0];
    if (c->emergency && p->chr && off <= CONSOLE_EMERG_WR && off + len > CONSOLE_EMERG_WR) {
        c->stat_emergency += p->chr->write(p->chr_self, bytes + (CONSOLE_EMERG_WR - off), 1) == 1;
    }
}

/* Also the first of a machine. */
static void console_forget_all(void *self)
{
    VirtioConsole *c = self;
    for (uint32_t i = 0; i < c->port_count; i++) {
        c->ports[i].ready = c->ports[i].guest_open = 0;
        c->ports[i].tell = c->ports[i].told_open = 0;
    }
}

static const VirtioType console_type = {
    .device_id = VIRTIO_ID_CONSOLE,
    .pci_id = 0x1003,
    .class_code = 0x078000,
    .config_bytes = CONSOLE_CONFIG_BYTES,
    .config_read = console_config_read,
    .config_write = console_config_write,
    .reset = console_forget_all,
};

/* [any] */
static viv_status_t console_query_interface(viv_dev_t *dev, void *self, uint32_t lun,
                                            const char *id, viv_iface_t *ret_iface)
{
    VirtioConsole *c = self;
    (void)dev;
    if (lun >= c->port_count) {
        return VIV_E_NOT_FOUND;
    }
    if (!strcmp(id, VIV_CHAR_PORT_ID)) {
        ret_iface->ops = &console_char_port;
    } else if (!strcmp(id, VIV_CONSOLE_PORT_ID)) {
        ret_iface->ops = &console_size_port;
    } else {
        return VIV_E_NOT_FOUND;
    }
    ret_iface->self = &c->ports[lun];
    return VIV_OK;
}

/* -- construction ---------------------------------------------------------------------------- */

static viv_status_t console_port_config(VirtioConsole *c, const viv_cfg_api_t *cfg, ConsolePort *p)
{
    char path[32];
    uint64_t is_console;
    viv_status_t st;
    snprintf(path, sizeof(path), "Port%u/Name", p->number);
    if ((st = cfg->get_string(c->dev, path, "", &p->name)) != VIV_OK) {
        return st;
    }
    snprintf(path, sizeof(path), "Port%u/Console", p->number);
    st = cfg->get_u64(c->dev, path, 0, 1, p->number == 0 && !p->name[0], &is_console);
    p->is_console = (uint8_t)is_console;
    return st;
}

static viv_status_t console_port_attach(VirtioConsole *c, const viv_lun_api_t *luns, ConsolePort *p)
{
    viv_iface_t chr;
    p->host_open = 1; /* the driver may say otherwise while it is being attached */
    viv_status_t st = luns->attach(c->dev, p->number, "virtio console port");
    if (st == VIV_E_NOT_FOUND) {
        p->host_open = 0;
        return VIV_OK;
    }
    if (st != VIV_OK) {
        return st;
    }
    st = luns->query(c->dev, p->number, VIV_CHAR_ID, offsetof(viv_char_ops_t, set_params), &chr);
    if (st != VIV_OK) {
        return c->dev->api->fail(c->dev, st, "the driver at LUN#%u does not offer " VIV_CHAR_ID,
                                 p->number);
    }
    p->chr = chr.ops;
    p->chr_self = chr.self;
    return VIV_OK;
}

static void console_queues(VirtioConsole *c)
{
    Virtio *v = &c->virtio;
    c->ports[0].rx = virtio_queue(v, CONSOLE_QUEUE_SIZE, console_port_in, "receiveq0");
    c->ports[0].tx = virtio_queue(v, CONSOLE_QUEUE_SIZE, console_port_out, "transmitq0");
    if (!c->multiport) {
        return;
    }
    c->control_rx = virtio_queue(v, CONSOLE_CONTROL_SIZE, console_control_in, "control receiveq");
    c->control_tx = virtio_queue(v, CONSOLE_CONTROL_SIZE, console_control_out, "control transmitq");
    for (uint32_t i = 1; i < c->port_count; i++) {
        c->ports[i].rx = virtio_queue(v, CONSOLE_QUEUE_SIZE, console_port_in, "receiveq");
        c->ports[i].tx = virtio_queue(v, CONSOLE_QUEUE_SIZE, console_port_out, "transmitq");
    }
}

static viv_status_t console_counters(viv_dev_t *dev, VirtioConsole *c)
{
    viv_iface_t iface;
    viv_status_t st;
    if (dev->api->get_interface(dev, VIV_STAM_ID, sizeof(viv_stam_api_t), &iface) != VIV_OK) {
        return VIV_OK;
    }
    const viv_stam_api_t *stam = iface.ops;
    if ((st = stam->counter(dev, &c->stat_in, "BytesIn", "bytes", "Bytes given to the guest")) !=
            VIV_OK ||
        (st = stam->counter(dev, &c->stat_out, "BytesOut", "bytes",
                            "Bytes that drivers have taken")) != VIV_OK ||
        (st = stam->counter(dev, &c->stat_unplugged, "BytesLost", "bytes",
                            "Bytes written to ports without a driver")) != VIV_OK) {
        return st;
    }
    return stam->counter(dev, &c->stat_emergency, "Emergency", "characters",
                         "Characters written without a queue");
}

static viv_status_t console_ports(viv_dev_t *dev, VirtioConsole *c)
{
    viv_status_t st = VIV_OK;
    const viv_cfg_api_t *cfg = viv_need(dev, VIV_CFG_ID, sizeof(viv_cfg_api_t), &st);
    const viv_lun_api_t *luns = viv_need(dev, VIV_LUN_ID, sizeof(viv_lun_api_t), &st);
    for (uint32_t i = 0; i < c->port_count && st == VIV_OK; i++) {
        ConsolePort *p = &c->ports[i];
        p->console = c;
        p->number = i;
        p->plugged = 1;
        p->columns = (uint16_t)c->columns;
        p->rows = (uint16_t)c->rows;
        if ((st = console_port_config(c, cfg, p)) == VIV_OK) {
            st = console_port_attach(c, luns, p);
        }
    }
    return st;
}

/* [main, device lock held] */
static viv_status_t console_construct(viv_dev_t *dev, void *self)
{
    VirtioConsole *c = self;
    c->dev = dev;
    if (c->port_count > 1 && !c->multiport) {
        return dev->api->fail(dev, VIV_E_CONFIG, "Ports is %u, but Multiport is off",
                              c->port_count);
    }
    uint64_t features = (c->columns && c->rows ? CONSOLE_F_SIZE : 0) |
                        (c->multiport ? CONSOLE_F_MULTIPORT : 0) |
                        (c->emergency ? CONSOLE_F_EMERG_WRITE : 0);
    viv_status_t st = virtio_start(&c->virtio, dev, c, &console_type, features);
    if (st != VIV_OK) {
        return st;
    }
    console_queues(c);
    if ((st = virtio_finish(&c->virtio)) != VIV_OK || (st = console_ports(dev, c)) != VIV_OK) {
        return st;
    }
    return console_counters(dev, c);
}

static void console_destruct(viv_dev_t *dev, void *self)
{
    VirtioConsole *c = self;
    (void)dev;
    virtio_free(&c->virtio);
}

static void console_reset(viv_dev_t *dev, void *self)
{
    VirtioConsole *c = self;
    (void)dev;
    virtio_reset(&c->virtio);
}

/* [main or emt, device lock held] What a driver refused before a save may go now. */
static void console_resume(viv_dev_t *dev, void *self)
{
    VirtioConsole *c = self;
    (void)dev;
    for (uint32_t i = 0; i < c->port_count; i++) {
        console_port_offer(&c->ports[i]);
        if (c->ports[i].tx->current) {
            virtio_turn(&c->virtio);
            console_port_out(c, c->ports[i].tx);
        }
    }
}

static viv_status_t console_save(viv_dev_t *dev, void *self, viv_stream_t *stream)
{
    VirtioConsole *c = self;
    (void)dev;
    return virtio_save(&c->virtio, stream);
}

static viv_status_t console_load(viv_dev_t *dev, void *self, viv_stream_t *stream, uint32_t version)
{
    VirtioConsole *c = self;
    (void)dev, (void)version;
    return virtio_load(&c->virtio, stream);
}

/* [main, device lock held] */
static viv_status_t console_post_load(viv_dev_t *dev, void *self, uint32_t version)
{
    VirtioConsole *c = self;
    (void)dev, (void)version;
    viv_status_t st = virtio_post_load(&c->virtio);
    for (uint32_t i = 0; i < c->port_count && st == VIV_OK; i++) {
        ConsolePort *p = &c->ports[i];
        p->plugged = p->plugged != 0;
        p->ready = p->ready != 0;
        p->guest_open = p->guest_open != 0;
        p->told_open = p->told_open != 0;
        p->tell &= CONSOLE_TELL_ALL;
        p->refused = 1; /* the driver is asked in any case */
        if (p->ready && p->told_open != p->host_open &&
            !(p->tell & CONSOLE_TELL_OPEN)) { /* another process, another peer */
            p->tell |= CONSOLE_TELL_OPEN;
            if (c->control_rx && virtio_has(&c->virtio, CONSOLE_F_MULTIPORT)) {
                virtq_kick(c->control_rx);
            }
        }
    }
    return st;
}

static const viv_device_class_t console_class = {
    VIV_DEVICE_CLASS_HEAD,
    .name = "virtio-console",
    .summary = "virtio console and serial ports",
    .instance_size = sizeof(VirtioConsole),
    .state_version = CONSOLE_STATE_VERSION,
    .order = VIV_ORDER_SERIAL,
    .options = console_options,
    .state = console_state,
    .construct = console_construct,
    .destruct = console_destruct,
    .reset = console_reset,
    .resume = console_resume,
    .save = console_save,
    .load = console_load,
    .post_load = console_post_load,
    .query_interface = console_query_interface,
};

VIV_PLUGIN("org.vivarium.virtio-console", "1.0", "LGPL-2.1-or-later",
           "virtio console and serial ports", &console_class);
