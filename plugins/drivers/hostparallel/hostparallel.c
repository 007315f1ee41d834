/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hostparallel: a parallel port of the guest on one of the host, through Linux's ppdev
 * (/dev/parport0). Data, control and status lines go through as they are, nAck's interrupt comes
 * back; EPP cycles are the host port's own. ECP transfers are not passed on: ppdev hands a port out
 * only byte by byte, which the guest's FIFO modes do with the lines anyway. */
#include <viv/driver.h>
#include <viv/interfaces.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/parport.h>
#include <linux/ppdev.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define HOSTPARALLEL_NACK 0x40u
/* Status lines that the register shows inverted are the same ones in ppdev's. */
#define HOSTPARALLEL_STATUS 0xf8u

typedef struct HostParallel {
    /* config */
    const char *path;
    /* host resources */
    viv_drv_t *drv;
    const viv_parallel_port_ops_t *port;
    void *port_self;
    viv_watch_t *watch;
    int fd;
    uint32_t started, claimed;
    /* what the port stands at; device lock */
    uint32_t output;
    int mode;
} HostParallel;

static const viv_option_t hostparallel_options[] = {
    VIV_OPT_STRING(HostParallel, "DevicePath", path, NULL, "the host's port: /dev/parport0"),
    {0},
};

/* -- viv.parallel/1, all [any, device lock held] --------------------------------------------- */

/* Between EPP cycles the port is a plain one. */
static uint32_t hostparallel_mode(HostParallel *p, int mode)
{
    if (p->mode == mode)
        return 1;
    if (ioctl(p->fd, PPSETMODE, &mode) < 0)
        return 0;
    p->mode = mode;
    return 1;
}

static void hostparallel_write_data(void *self, uint8_t value, uint32_t output)
{
    HostParallel *p = self;
    int reverse = !output;
    hostparallel_mode(p, IEEE1284_MODE_COMPAT);
    if (p->output != output) {
        p->output = output;
        ioctl(p->fd, PPDATADIR, &reverse);
    }
    if (output)
        ioctl(p->fd, PPWDATA, &value);
}

static uint8_t hostparallel_read_data(void *self)
{
    HostParallel *p = self;
    uint8_t value = 0xff;
    ioctl(p->fd, PPRDATA, &value);
    return value;
}

static void hostparallel_write_control(void *self, uint8_t value)
{
    HostParallel *p = self;
    uint8_t control = value & 0x0fu;
    ioctl(p->fd, PPWCONTROL, &control);
}

static uint8_t hostparallel_read_status(void *self)
{
    HostParallel *p = self;
    uint8_t value = 0x78;
    ioctl(p->fd, PPRSTATUS, &value);
    return value & HOSTPARALLEL_STATUS;
}

static viv_status_t hostparallel_epp_write(void *self, uint32_t address, uint8_t value)
{
    HostParallel *p = self;
    if (!hostparallel_mode(p, IEEE1284_MODE_EPP | (address ? IEEE1284_ADDR : IEEE1284_DATA)))
        return VIV_E_TIMEOUT;
    return write(p->fd, &value, 1) == 1 ? VIV_OK : VIV_E_TIMEOUT;
}

static viv_status_t hostparallel_epp_read(void *self, uint32_t address, uint8_t *ret_value)
{
    HostParallel *p = self;
    if (!hostparallel_mode(p, IEEE1284_MODE_EPP | (address ? IEEE1284_ADDR : IEEE1284_DATA)))
        return VIV_E_TIMEOUT;
    return read(p->fd, ret_value, 1) == 1 ? VIV_OK : VIV_E_TIMEOUT;
}

static const viv_parallel_ops_t hostparallel_ops = {
    .size = sizeof(viv_parallel_ops_t),
    .write_data = hostparallel_write_data,
    .read_data = hostparallel_read_data,
    .write_control = hostparallel_write_control,
    .read_status = hostparallel_read_status,
    .epp_write = hostparallel_epp_write,
    .epp_read = hostparallel_epp_read,
};

/* -- Life ------------------------------------------------------------------------------------ */

/* [io] The port's interrupt, which is nAck's: the guest sees the pulse, whatever is left of it. */
static uint32_t hostparallel_event(viv_drv_t *drv, void *ctx, uint32_t events)
{
    HostParallel *p = ctx;
    int count = 0;
    uint8_t status = 0x78;
    if (ioctl(p->fd, PPCLRIRQ, &count) < 0 || ioctl(p->fd, PPRSTATUS, &status) < 0) {
        drv->api->log(drv, VIV_LOG_WARN, "%s: %s (%u)", p->path, strerror(errno), events);
        return 0;
    }
    status &= HOSTPARALLEL_STATUS;
    if (count) {
        p->port->status_changed(p->port_self, (uint8_t)(status & ~HOSTPARALLEL_NACK));
        p->port->status_changed(p->port_self, status);
    }
    return 1;
}

static viv_status_t hostparallel_open(HostParallel *p)
{
    const viv_drv_api_t *api = p->drv->api;
    p->fd = open(p->path, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (p->fd < 0)
        return api->fail(p->drv, errno == ENOENT ? VIV_E_NOT_FOUND : VIV_E_IO, "DevicePath %s: %s",
                         p->path, strerror(errno));
    ioctl(p->fd, PPEXCL); /* refused where another driver shares the port: claiming decides */
    if (ioctl(p->fd, PPCLAIM) < 0)
        return api->fail(p->drv, errno == ENOTTY ? VIV_E_INVALID : VIV_E_BUSY,
                         "DevicePath %s cannot be claimed as a parallel port: %s", p->path,
                         strerror(errno));
    p->claimed = 1;
    p->mode = -1;
    p->output = 2; /* neither: the first write says */
    return VIV_OK;
}

/* [main] */
static viv_status_t hostparallel_construct(viv_drv_t *drv, void *self)
{
    HostParallel *p = self;
    viv_iface_t above;
    p->drv = drv;
    p->fd = -1;
    p->started = 1;
    if (!p->path || !*p->path)
        return drv->api->fail(drv, VIV_E_CONFIG, "DevicePath names no port");
    viv_status_t st =
        drv->api->query_above(drv, VIV_PARALLEL_PORT_ID, sizeof(viv_parallel_port_ops_t), &above);
    if (st < 0)
        return drv->api->fail(drv, st, "nothing above offers " VIV_PARALLEL_PORT_ID);
    p->port = above.ops;
    p->port_self = above.self;
    st = hostparallel_open(p);
    if (st >= 0)
        st = drv->api->watch_add(drv, p->fd, VIV_WATCH_IN, hostparallel_event, p, &p->watch);
    if (st < 0)
        p->watch = NULL;
    return st;
}

/* [main] */
static void hostparallel_destruct(viv_drv_t *drv, void *self)
{
    HostParallel *p = self;
    if (!p->started)
        return;
    drv->api->watch_remove(drv, p->watch);
    if (p->claimed)
        ioctl(p->fd, PPRELEASE);
    if (p->fd >= 0)
        close(p->fd);
}

/* [main] */
static viv_status_t hostparallel_query_interface(viv_drv_t *drv, void *self, const char *id,
                                                 viv_iface_t *ret_iface)
{
    (void)drv;
    if (strcmp(id, VIV_PARALLEL_ID) != 0)
        return VIV_E_NOT_FOUND;
    ret_iface->ops = &hostparallel_ops;
    ret_iface->self = self;
    return VIV_OK;
}

static const viv_driver_class_t hostparallel_class = {
    VIV_DRIVER_CLASS_HEAD,
    .name = "HostParallel",
    .summary = "a parallel port of the host",
    .instance_size = sizeof(HostParallel),
    .options = hostparallel_options,
    .construct = hostparallel_construct,
    .destruct = hostparallel_destruct,
    .query_interface = hostparallel_query_interface,
};

VIV_PLUGIN("org.vivarium.hostparallel", "1.0", "LGPL-2.1-or-later", "a parallel port of the host",
           &hostparallel_class);
