/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rawfile: what a character device writes goes to a file of the host; a second file may be its
 * input.
 * Any kind of file that can be opened will do: plain files are truncated first, named pipes and
 * terminals are used without blocking. A named pipe needs its reader first. */
#include "../charfd/charfd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

typedef struct RawFile {
    /* config */
    const char *location;
    const char *input_location;
    uint8_t append;
    /* host resources */
    CharFd fd;
    int in_fd, out_fd;
} RawFile;

static const viv_option_t rawfile_options[] = {
    VIV_OPT_STRING(RawFile, "Location", location, NULL, "file that takes the output"),
    VIV_OPT_STRING(RawFile, "InputLocation", input_location, NULL,
                   "file that gives the input; none: no input"),
    VIV_OPT_NAMED(RawFile, "Append", append, VIV_BOOL, 0, 1, 0,
                  "keep what the file has and write behind it"),
    CHARFD_OPTIONS(RawFile),
    {0},
};

static const CharFdHooks rawfile_hooks = {0};

/* [main] */
static viv_status_t rawfile_construct(viv_drv_t *drv, void *self)
{
    RawFile *f = self;
    f->in_fd = f->out_fd = -1;
    if (!f->location || !*f->location)
        return drv->api->fail(drv, VIV_E_CONFIG, "Location names no file");
    viv_status_t st = charfd_init(&f->fd, drv, &rawfile_hooks, f);
    if (st < 0)
        return st;
    int flags =
        O_WRONLY | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | (f->append ? O_APPEND : O_TRUNC);
    f->out_fd = open(f->location, flags, 0666);
    if (f->out_fd < 0)
        return drv->api->fail(drv, VIV_E_IO, "Location %s: %s", f->location, strerror(errno));
    if (f->input_location && *f->input_location) {
        f->in_fd = open(f->input_location, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (f->in_fd < 0)
            return drv->api->fail(drv, VIV_E_IO, "InputLocation %s: %s", f->input_location,
                                  strerror(errno));
    }
    return charfd_connect(&f->fd, f->in_fd, f->out_fd);
}

/* [main] */
static void rawfile_destruct(viv_drv_t *drv, void *self)
{
    RawFile *f = self;
    (void)drv;
    if (!f->fd.ready)
        return; /* nothing was opened before charfd_init() */
    charfd_finish(&f->fd);
    if (f->in_fd >= 0)
        close(f->in_fd);
    if (f->out_fd >= 0)
        close(f->out_fd);
}

/* [main] */
static viv_status_t rawfile_query_interface(viv_drv_t *drv, void *self, const char *id,
                                            viv_iface_t *ret_iface)
{
    (void)drv;
    return charfd_query(&((RawFile *)self)->fd, id, ret_iface);
}

static const viv_driver_class_t rawfile_class = {
    VIV_DRIVER_CLASS_HEAD,
    .name = "RawFile",
    .summary = "characters to and from a file",
    .instance_size = sizeof(RawFile),
    .options = rawfile_options,
    .construct = rawfile_construct,
    .destruct = rawfile_destruct,
    .query_interface = rawfile_query_interface,
};

VIV_PLUGIN("org.vivarium.rawfile", "1.0", "LGPL-2.1-or-later", "characters to and from a file",
           &rawfile_class);
