/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* MainDisplay: the files it writes, read back with libpng, and its errors. */
#include <check.h>
#include <dirent.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"

#define WIDTH  37u
#define HEIGHT 5u
#define STRIDE 40u /* pixels */

/* A display device that shows what the test wants. */
typedef struct Screen {
    uint32_t pixels[STRIDE * HEIGHT];
    const char *text;
    viv_status_t status;
} Screen;

static viv_status_t screen_frame(void *self, viv_frame_t *ret_frame)
{
    Screen *screen = self;
    if (screen->status != VIV_OK)
        return screen->status;
    ret_frame->width = WIDTH;
    ret_frame->height = HEIGHT;
    ret_frame->stride_bytes = STRIDE * 4;
    ret_frame->pixels = screen->pixels;
    ret_frame->generation = 1;
    return VIV_OK;
}

static uint32_t screen_text(void *self, char *buf, uint32_t buf_bytes)
{
    const Screen *screen = self;
    snprintf(buf, buf_bytes, "%s", screen->text);
    return (uint32_t)strlen(screen->text);
}

static const viv_display_port_ops_t screen_ops = {
    .size = sizeof(viv_display_port_ops_t),
    .frame = screen_frame,
    .text = screen_text,
};

static Harness *h;
static Screen screen;
static const viv_screenshot_ops_t *shots;
static void *shots_self;
static char folder[64], path[128];

static void setup(void)
{
    memset(&screen, 0, sizeof(screen));
    screen.text = "";
    h = harness_create();
    harness_drv_above(h, VIV_DISPLAY_PORT_ID, &screen_ops, &screen);
    ck_assert_int_eq(harness_start(h, "MainDisplay", ""), VIV_OK);
    viv_iface_t iface = harness_drv_iface(h, VIV_SCREENSHOT_ID);
    shots = iface.ops;
    shots_self = iface.self;
    strcpy(folder, "/tmp/maindisplay-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/shot", folder);
}

static void teardown(void)
{
    harness_free(h);
    unlink(path);
    rmdir(folder);
}

static uint32_t files(void)
{
    DIR *dir = opendir(folder);
    uint32_t count = 0;
    for (struct dirent *entry; (entry = readdir(dir));)
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

static void assert_file(const char *want)
{
    FILE *in = fopen(path, "rb");
    ck_assert_ptr_nonnull(in);
    char *got = calloc(1, strlen(want) + 2);
    size_t len = fread(got, 1, strlen(want) + 1, in);
    fclose(in);
    ck_assert_uint_eq(len, strlen(want));
    ck_assert_str_eq(got, want);
    free(got);
}

START_TEST(png_has_the_pixels)
{
    for (uint32_t i = 0; i < STRIDE * HEIGHT; i++)
        screen.pixels[i] = i * 0x030201u | 0xff000000u;
    ck_assert_int_eq(shots->write_png(shots_self, path), VIV_OK);
    png_image image = {.version = PNG_IMAGE_VERSION};
    ck_assert(png_image_begin_read_from_file(&image, path));
    ck_assert_uint_eq(image.width, WIDTH);
    ck_assert_uint_eq(image.height, HEIGHT);
    ck_assert_uint_eq(image.format, PNG_FORMAT_RGB);
    uint8_t got[WIDTH * HEIGHT * 3];
    ck_assert(png_image_finish_read(&image, NULL, got, WIDTH * 3, NULL));
    for (uint32_t y = 0; y < HEIGHT; y++)
        for (uint32_t x = 0; x < WIDTH; x++) {
            const uint8_t *rgb = &got[(y * WIDTH + x) * 3];
            uint32_t want = (y * STRIDE + x) * 0x030201u & 0xffffffu;
            ck_assert_uint_eq((uint32_t)rgb[0] << 16 | (uint32_t)rgb[1] << 8 | rgb[2], want);
        }
    ck_assert_uint_eq(files(), 1);
}
END_TEST

START_TEST(text_replaces_the_old_file)
{
    static char lines[20001];
    screen.text = "Hello\n\xe2\x95\x94\n";
    ck_assert_int_eq(shots->write_text(shots_self, path), VIV_OK);
    assert_file(screen.text);
    memset(lines, 'x', sizeof(lines) - 1); /* longer than the first guess */
    screen.text = lines;
    ck_assert_int_eq(shots->write_text(shots_self, path), VIV_OK);
    assert_file(screen.text);
    screen.text = "";
    ck_assert_int_eq(shots->write_text(shots_self, path), VIV_OK);
    assert_file("");
    ck_assert_uint_eq(files(), 1);
}
END_TEST

START_TEST(errors_are_sentences)
{
    char nowhere[160];
    snprintf(nowhere, sizeof(nowhere), "%s/none/shot", folder);
    ck_assert_int_eq(shots->write_png(shots_self, nowhere), VIV_E_IO);
    ck_assert_ptr_nonnull(strstr(harness_error(), nowhere));
    ck_assert_ptr_nonnull(strstr(harness_error(), "No such file"));
    ck_assert_int_eq(shots->write_text(shots_self, nowhere), VIV_E_IO);
    ck_assert_int_ne(shots->write_text(shots_self, folder), VIV_OK); /* a folder */
    screen.status = VIV_E_NOMEM;
    ck_assert_int_eq(shots->write_png(shots_self, path), VIV_E_NOMEM);
    ck_assert_ptr_nonnull(strstr(harness_error(), "picture"));
    ck_assert_uint_eq(files(), 0);
}
END_TEST

/* A full disk: nothing is left behind, and a device is not replaced by a file. */
START_TEST(full_and_special_files)
{
    struct stat st;
    if (stat("/dev/full", &st) != 0 || !S_ISCHR(st.st_mode))
        return;
    screen.text = "text\n";
    ck_assert_int_eq(shots->write_text(shots_self, "/dev/full"), VIV_E_IO);
    ck_assert_int_eq(shots->write_png(shots_self, "/dev/full"), VIV_E_IO);
    ck_assert_int_eq(shots->write_png(shots_self, "/dev/null"), VIV_OK);
    ck_assert_int_eq(stat("/dev/full", &st), 0);
    ck_assert(S_ISCHR(st.st_mode));
    ck_assert_int_eq(stat("/dev/null", &st), 0);
    ck_assert(S_ISCHR(st.st_mode));
}
END_TEST

START_TEST(needs_a_display)
{
    viv_status_t status = VIV_OK;
    ck_assert_ptr_null(harness_try_new("MainDisplay", "", &status));
    ck_assert_int_ne(status, VIV_OK);
    ck_assert_ptr_nonnull(strstr(harness_error(), VIV_DISPLAY_PORT_ID));
    viv_iface_t iface = harness_drv_iface(h, VIV_DISPLAY_ID);
    const viv_display_ops_t *display = iface.ops;
    display->mode_changed(iface.self, 640, 480);
    ck_assert_int_eq(harness_drv_query(h, "viv.nothing/1", &iface), VIV_E_NOT_FOUND);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("MainDisplay");
    TCase *tc = tcase_create("files");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, png_has_the_pixels);
    tcase_add_test(tc, text_replaces_the_old_file);
    tcase_add_test(tc, errors_are_sentences);
    tcase_add_test(tc, full_and_special_files);
    tcase_add_test(tc, needs_a_display);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
