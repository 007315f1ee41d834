/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* MainDisplay: the display back end without a window.
 * Hangs below a display device, and on request writes what its screen shows: a PNG of the picture
 * (viv.screenshot/1 write_png) or the characters of a text mode (write_text).
 * A file appears whole under its name or not at all: it is written under a temporary name in the
 * same folder and renamed. Something that exists and is no regular file (a pipe, /dev/stdout) is
 * written into directly. */
#include <viv/driver.h>
#include <viv/interfaces.h>

#include <errno.h>
#include <fcntl.h>
#include <png.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAINDISPLAY_TEXT_FIRST 8192u /* enough for 80x25 */
#define MAINDISPLAY_PNG_LEVEL  3
#define MAINDISPLAY_TEMP_TRIES 100u

typedef struct MainDisplay {
    /* host resources */
    viv_drv_t *drv;
    viv_iface_t port;     /* viv.display-port/1 of the device */
    pthread_mutex_t lock; /* one picture at a time: the port's pixels last until its next call */
    uint8_t lock_made;
} MainDisplay;

/* A file on its way: temp is NULL when path is written directly. */
typedef struct MainDisplayFile {
    const char *path;
    char *temp;
    FILE *out;
} MainDisplayFile;

/* -- Files ----------------------------------------------------------------------------------- */

static viv_status_t maindisplay_fail_io(MainDisplay *md, const char *path, int error)
{
    md->drv->api->fail(md->drv, VIV_E_IO, "cannot write \"%s\": %s", path, strerror(error));
    return VIV_E_IO;
}

/* A new file beside path; its name is allocated. Returns the descriptor, or -1 with errno. */
static int maindisplay_temp_open(const char *path, char **ret_name)
{
    for (unsigned i = 0; i < MAINDISPLAY_TEMP_TRIES; i++) {
        char *name = NULL;
        if (asprintf(&name, "%s.%ld-%u.tmp", path, (long)getpid(), i) < 0) {
            errno = ENOMEM;
            return -1;
        }
        int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0) {
            *ret_name = name;
            return fd;
        }
        free(name);
        if (errno != EEXIST)
            return -1;
    }
    return -1;
}

static viv_status_t maindisplay_file_open(MainDisplay *md, const char *path, MainDisplayFile *file)
{
    struct stat st;
    int fd;
    memset(file, 0, sizeof(*file));
    file->path = path;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
        fd = open(path, O_WRONLY | O_CLOEXEC);
    else
        fd = maindisplay_temp_open(path, &file->temp);
    if (fd < 0)
        return maindisplay_fail_io(md, path, errno);
    file->out = fdopen(fd, "wb");
    if (file->out)
        return VIV_OK;
    int error = errno;
    close(fd);
    if (file->temp)
        unlink(file->temp);
    free(file->temp);
    return maindisplay_fail_io(md, path, error);
}

/* Ends the file: keeps it if status is VIV_OK, and takes it away otherwise. */
static viv_status_t maindisplay_file_close(MainDisplay *md, MainDisplayFile *file,
                                           viv_status_t status)
{
    int bad = ferror(file->out) ? EIO : 0;
    if (fclose(file->out) != 0)
        bad = errno;
    if (file->temp) {
        if (status == VIV_OK && !bad && rename(file->temp, file->path) != 0)
            bad = errno;
        if (status != VIV_OK || bad)
            unlink(file->temp);
        free(file->temp);
    }
    if (status == VIV_OK && bad)
        status = maindisplay_fail_io(md, file->path, bad);
    return status;
}

/* -- PNG ------------------------------------------------------------------------------------- */

/* Where libpng's errors go: it must not return from here. */
typedef struct MainDisplayPng {
    jmp_buf jump;
    char text[128];
} MainDisplayPng;

static void maindisplay_png_error(png_structp png, png_const_charp text)
{
    MainDisplayPng *state = png_get_error_ptr(png);
    snprintf(state->text, sizeof(state->text), "%s", text);
    longjmp(state->jump, 1);
}

static void maindisplay_png_warning(png_structp png, png_const_charp text)
{
    (void)png, (void)text;
}

static void maindisplay_png_rows(png_structp png, png_infop info, const viv_frame_t *frame)
{
    png_set_IHDR(png, info, frame->width, frame->height, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_set_compression_level(png, MAINDISPLAY_PNG_LEVEL);
    png_write_info(png, info);
    png_set_filler(png, 0, PNG_FILLER_AFTER); /* xRGB lies in memory as blue, green, red, filler */
    png_set_bgr(png);
    for (uint32_t y = 0; y < frame->height; y++)
        png_write_row(png, (png_const_bytep)frame->pixels + (size_t)y * frame->stride_bytes);
    png_write_end(png, info);
}

static viv_status_t maindisplay_png_encode(MainDisplay *md, const viv_frame_t *frame, FILE *out)
{
    MainDisplayPng state = {.text = ""};
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &state, maindisplay_png_error,
                                              maindisplay_png_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    if (!info) {
        png_destroy_write_struct(&png, NULL);
        return md->drv->api->fail(md->drv, VIV_E_NOMEM, "no memory for a PNG encoder");
    }
    if (setjmp(state.jump)) {
        png_destroy_write_struct(&png, &info);
        return md->drv->api->fail(md->drv, VIV_E_IO, "cannot encode the screenshot: %s",
                                  state.text);
    }
    png_init_io(png, out);
    maindisplay_png_rows(png, info, frame);
    png_destroy_write_struct(&png, &info);
    return VIV_OK;
}

/* [any] */
static viv_status_t maindisplay_write_png(void *self, const char *path)
{
    MainDisplay *md = self;
    const viv_display_port_ops_t *ops = md->port.ops;
    viv_frame_t frame = {.size = sizeof(frame)};
    MainDisplayFile file;
    pthread_mutex_lock(&md->lock);
    viv_status_t status = ops->frame(md->port.self, &frame);
    if (status != VIV_OK) {
        md->drv->api->fail(md->drv, status, "the display gives no picture");
    } else if ((status = maindisplay_file_open(md, path, &file)) == VIV_OK) {
        status = maindisplay_png_encode(md, &frame, file.out);
        status = maindisplay_file_close(md, &file, status);
    }
    pthread_mutex_unlock(&md->lock);
    return status;
}

/* -- Text ------------------------------------------------------------------------------------ */

/* The whole text, allocated; the guest may change the mode between two calls. */
static char *maindisplay_text_get(MainDisplay *md, uint32_t *ret_len)
{
    const viv_display_port_ops_t *ops = md->port.ops;
    uint32_t room = MAINDISPLAY_TEXT_FIRST;
    for (;;) {
        char *text = malloc(room);
        if (!text)
            return NULL;
        uint32_t len = ops->text(md->port.self, text, room);
        if (len < room) {
            *ret_len = len;
            return text;
        }
        free(text);
        room = len + 1;
        if (!room)
            return NULL;
    }
}

/* [any] */
static viv_status_t maindisplay_write_text(void *self, const char *path)
{
    MainDisplay *md = self;
    MainDisplayFile file;
    uint32_t len = 0;
    char *text = maindisplay_text_get(md, &len);
    if (!text)
        return md->drv->api->fail(md->drv, VIV_E_NOMEM, "no memory for the screen's text");
    viv_status_t status = maindisplay_file_open(md, path, &file);
    if (status == VIV_OK) {
        if (len)
            fwrite(text, 1, len, file.out);
        status = maindisplay_file_close(md, &file, VIV_OK);
    }
    free(text);
    return status;
}

static const viv_screenshot_ops_t maindisplay_screenshot = {
    .size = sizeof(viv_screenshot_ops_t),
    .write_png = maindisplay_write_png,
    .write_text = maindisplay_write_text,
};

/* -- viv.display/1 --------------------------------------------------------------------------- */

/* [emt] Nothing is shown while the guest runs, so a new mode is only worth a line in the log. */
static void maindisplay_mode_changed(void *self, uint32_t width, uint32_t height)
{
    MainDisplay *md = self;
    md->drv->api->log(md->drv, VIV_LOG_DEBUG, "screen is %ux%u", width, height);
}

static const viv_display_ops_t maindisplay_display = {
    .size = sizeof(viv_display_ops_t),
    .mode_changed = maindisplay_mode_changed,
};

/* -- Life ------------------------------------------------------------------------------------ */

/* [main] */
static viv_status_t maindisplay_query_interface(viv_drv_t *drv, void *self, const char *id,
                                                viv_iface_t *ret_iface)
{
    (void)drv;
    if (strcmp(id, VIV_SCREENSHOT_ID) == 0)
        ret_iface->ops = &maindisplay_screenshot;
    else if (strcmp(id, VIV_DISPLAY_ID) == 0)
        ret_iface->ops = &maindisplay_display;
    else
        return VIV_E_NOT_FOUND;
    ret_iface->self = self;
    return VIV_OK;
}

/* [main] */
static viv_status_t maindisplay_construct(viv_drv_t *drv, void *self)
{
    MainDisplay *md = self;
    md->drv = drv;
    if (pthread_mutex_init(&md->lock, NULL) != 0)
        return drv->api->fail(drv, VIV_E_NOMEM, "cannot make a lock");
    md->lock_made = 1;
    viv_status_t status =
        drv->api->query_above(drv, VIV_DISPLAY_PORT_ID, sizeof(viv_display_port_ops_t), &md->port);
    if (status != VIV_OK)
        return drv->api->fail(drv, status, "the device above has no %s", VIV_DISPLAY_PORT_ID);
    return VIV_OK;
}

/* [main] */
static void maindisplay_destruct(viv_drv_t *drv, void *self)
{
    MainDisplay *md = self;
    (void)drv;
    if (md->lock_made)
        pthread_mutex_destroy(&md->lock);
    md->lock_made = 0;
}

static const viv_driver_class_t maindisplay_class = {
    VIV_DRIVER_CLASS_HEAD,
    .name = "MainDisplay",
    .summary = "Screenshots and text dumps of a display",
    .instance_size = sizeof(MainDisplay),
    .construct = maindisplay_construct,
    .destruct = maindisplay_destruct,
    .query_interface = maindisplay_query_interface,
};

VIV_PLUGIN("org.vivarium.maindisplay", "1.0", "LGPL-2.1-or-later",
           "Screenshots and text dumps of a display", &maindisplay_class);
