/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* control: a line protocol on a unix socket for scripts and tests. One command a line; each is
 * answered by one line "ok ..." or "error: ..."; answers of several lines (help, stats) end with
 * the "ok" line. Any number of clients. */
#include <errno.h>
#include <gio/gio.h>
#include <gio/gunixsocketaddress.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "main/runner.h"

#define CONTROL_LINE_MAX 65536u

struct Control {
    Runner *runner;
    GSocketService *service;
    char *path;
    GPtrArray *clients;
};

typedef struct Client {
    struct Control *control;
    GSocketConnection *connection;
    GDataInputStream *in;
    GCancellable *cancel;
} Client;

typedef viv_status_t (*ControlFn)(Runner *runner, const char *arg, GString *out, VivError *err);

/* -- commands -------------------------------------------------------------------------------- */

static viv_status_t control_help(Runner *runner, const char *arg, GString *out, VivError *err);

static viv_status_t control_need(const char *arg, const char *what, VivError *err)
{
    return *arg ? VIV_OK : error_set(err, VIV_E_INVALID, "%s is missing", what);
}

static viv_status_t control_screenshot(Runner *runner, const char *arg, GString *out, VivError *err)
{
    (void)out;
    viv_status_t st = control_need(arg, "the file's name", err);
    return st ? st : runner_screenshot(runner, arg, err);
}

static viv_status_t control_text(Runner *runner, const char *arg, GString *out, VivError *err)
{
    (void)out;
    viv_status_t st = control_need(arg, "the file's name", err);
    return st ? st : runner_screen_text(runner, arg, err);
}

static viv_status_t control_key(Runner *runner, const char *arg, GString *out, VivError *err)
{
    (void)out;
    viv_status_t st = control_need(arg, "the key's name", err);
    return st ? st : input_key(runner->input, arg, err);
}

static viv_status_t control_type(Runner *runner, const char *arg, GString *out, VivError *err)
{
    (void)out;
    return input_type(runner->input, arg, err);
}

static viv_status_t control_scancodes(Runner *runner, const char *arg, GString *out, VivError *err)
{
    g_auto(GStrv) words = g_strsplit_set(arg, " \t", -1);
    g_autoptr(GByteArray) codes = g_byte_array_new();
    (void)out;
    for (char **word = words; *word; word++) {
        char *end = NULL;
        unsigned long value = strtoul(*word, &end, 16);
        if (**word && (*end || end == *word || value > 0xff)) {
            return error_set(err, VIV_E_INVALID, "\"%s\" is not a byte in hexadecimal", *word);
        }
        if (**word) {
            uint8_t byte = (uint8_t)value;
            g_byte_array_append(codes, &byte, 1);
        }
    }
    return codes->len ? input_scancodes(runner->input, codes->data, codes->len, err)
                      : control_need("", "a scancode", err);
}

static viv_status_t control_mouse(Runner *runner, const char *arg, GString *out, VivError *err)
{
    g_auto(GStrv) words = g_strsplit_set(arg, " \t", -1);
    guint count = g_strv_length(words);
    long values[4] = {0, 0, 0, 0};
    (void)out;
    for (guint i = 0; i < MAX(count, 3); i++) {
        char *end = NULL;
        if (count < 3 || count > 4 ||
            (values[i] = strtol(words[i], &end, 0), *end || end == words[i]) ||
            values[i] < -32768 || values[i] > 32767) {
            return error_set(err, VIV_E_INVALID,
                             "mouse takes DX DY BUTTONS [DZ], three or four numbers");
        }
    }
    return input_mouse(runner->input, (int)values[0], (int)values[1], (int)values[3],
                       (uint32_t)values[2] & 0x1f, err);
}

static viv_status_t control_leds(Runner *runner, const char *arg, GString *out, VivError *err)
{
    uint32_t leds;
    (void)arg;
    if (!input_leds(runner->input, &leds)) {
        return error_set(err, VIV_E_NOT_FOUND, "the machine has no keyboard");
    }
    g_string_append_printf(out, "leds%s%s%s\n", leds & 2u ? " num" : "", leds & 4u ? " caps" : "",
                           leds & 1u ? " scroll" : "");
    return VIV_OK;
}

static viv_status_t control_pause(Runner *runner, const char *arg, GString *out, VivError *err)
{
    (void)arg, (void)out, (void)err;
    vm_pause(runner->vm);
    return VIV_OK;
}

static viv_status_t control_resume(Runner *runner, const char *arg, GString *out, VivError *err)
{
    (void)arg, (void)out, (void)err;
    vm_resume(runner->vm);
    return VIV_OK;
}

static viv_status_t control_reset(Runner *runner, const char *arg, GString *out, VivError *err)
{
    (void)arg, (void)out, (void)err;
    vm_request_reset(runner->vm);
    return VIV_OK;
}

static const viv_acpi_port_ops_t *control_acpi(Runner *runner, void **ret_self, VivError *err)
{
    viv_iface_t iface;
    if (pdm_device_interface(runner->vm->pdm, "acpi", 0, 0, VIV_ACPI_PORT_ID, &iface)) {
        error_set(err, VIV_E_NOT_FOUND, "the machine has no ACPI buttons");
        return NULL;
    }
    *ret_self = iface.self;
    return iface.ops;
}

static viv_status_t control_powerbutton(Runner *runner, const char *arg, GString *out,
                                        VivError *err)
{
    void *self;
    const viv_acpi_port_ops_t *acpi = control_acpi(runner, &self, err);
    (void)arg, (void)out;
    if (acpi) {
        acpi->power_button(self);
    }
    return acpi ? VIV_OK : VIV_E_NOT_FOUND;
}

static viv_status_t control_sleepbutton(Runner *runner, const char *arg, GString *out,
                                        VivError *err)
{
    void *self;
    const viv_acpi_port_ops_t *acpi = control_acpi(runner, &self, err);
    (void)arg, (void)out;
    if (acpi) {
        acpi->sleep_button(self);
    }
    return acpi ? VIV_OK : VIV_E_NOT_FOUND;
}

static viv_status_t control_wake(Runner *runner, const char *arg, GString *out, VivError *err)
{
    void *self;
    const viv_acpi_port_ops_t *acpi = control_acpi(runner, &self, err);
    (void)arg, (void)out;
    if (!acpi) {
        return VIV_E_NOT_FOUND;
    }
    return VIV_HAS(acpi, wake) && acpi->wake(self)
               ? VIV_OK
               : error_set(err, VIV_E_INVALID, "the machine does not sleep");
}

static viv_status_t control_sleepstate(Runner *runner, const char *arg, GString *out, VivError *err)
{
    void *self;
    const viv_acpi_port_ops_t *acpi = control_acpi(runner, &self, err);
    (void)arg;
    if (!acpi) {
        return VIV_E_NOT_FOUND;
    }
    g_string_append_printf(out, "S%u\n", VIV_HAS(acpi, sleep_state) ? acpi->sleep_state(self) : 0);
    return VIV_OK;
}

/* save [--live] FILE */
static viv_status_t control_save(Runner *runner, const char *arg, GString *out, VivError *err)
{
    VmSaveInfo info;
    gboolean live = g_str_has_prefix(arg, "--live");
    if (live && (arg[6] == ' ' || !arg[6])) {
        for (arg += 6; *arg == ' '; arg++) {
        }
    } else {
        live = FALSE;
    }
    viv_status_t st = control_need(arg, "the file's name", err);
    if (st || (st = vm_save_as(runner->vm, arg, live, &info, err))) {
        return st;
    }
    g_string_append_printf(out, "%" G_GUINT64_FORMAT " bytes in %.3f s, stopped for %.3f s",
                           info.file_bytes, (double)info.total_ns / 1e9,
                           (double)info.stopped_ns / 1e9);
    if (info.passes) {
        g_string_append_printf(out, ", %u passes, %" G_GUINT64_FORMAT " pages left for the stop",
                               info.passes, info.last_pages);
    }
    g_string_append_c(out, '\n');
    return VIV_OK;
}

static viv_status_t control_guestmemoryballoon(Runner *runner, const char *arg, GString *out,
                                               VivError *err)
{
    viv_status_t st = control_need(arg, "the number of MiB", err);
    return st ? st : balloon_command(runner, arg, out, err);
}

static viv_status_t control_stats(Runner *runner, const char *arg, GString *out, VivError *err)
{
    char *text = NULL;
    size_t len = 0;
    FILE *file = open_memstream(&text, &len);
    if (!file) {
        return error_set(err, VIV_E_NOMEM, "no memory for the statistics");
    }
    stam_dump(runner->vm->stam, file, arg);
    fclose(file);
    g_string_append_len(out, text, (gssize)len);
    free(text);
    return VIV_OK;
}

static viv_status_t control_quit(Runner *runner, const char *arg, GString *out, VivError *err)
{
    (void)arg, (void)out, (void)err;
    runner_quit(runner, RUN_EXIT_OK);
    return VIV_OK;
}

static const struct {
    const char *name, *args, *help;
    ControlFn fn;
} control_commands[] = {
    {"help", "", "this list", control_help},
    {"screenshot", "F", "writes the screen as a PNG file", control_screenshot},
    {"text", "F", "writes the characters of a text screen", control_text},
    {"key", "NAME", "presses a key or a chord (ctrl-alt-delete)", control_key},
    {"type", "STRING", "types text; \\n is Enter, \\t, \\b, \\e, \\\\", control_type},
    {"scancodes", "HEX...", "sends set-1 scancodes", control_scancodes},
    {"mouse", "DX DY BUTTONS [DZ]",
     "moves the mouse; buttons: 1 left, 2 right, 4 middle, 8 and 16 the side ones; DZ: the wheel, "
     "positive towards the user",
     control_mouse},
    {"leds", "", "tells which LEDs of the keyboard are on", control_leds},
    {"pause", "", "stops the machine's clock and CPUs", control_pause},
    {"resume", "", "lets it run on", control_resume},
    {"reset", "", "presses the reset button", control_reset},
    {"powerbutton", "", "presses the power button", control_powerbutton},
    {"sleepbutton", "", "presses the sleep button", control_sleepbutton},
    {"wake", "", "wakes a machine that sleeps", control_wake},
    {"sleepstate", "", "tells the ACPI sleep state: S0 (working), S1 or S3", control_sleepstate},
    {"medium", "list | insert [--force] SLOT F | eject [--force] SLOT",
     "shows and changes what is in the drives", medium_command},
    {"balloon", "[MIB | stats | hint]",
     "how much memory the guest shall give, asks it for statistics or free pages, or shows both",
     balloon_command},
    {"guestmemoryballoon", "MIB", "the same as balloon MIB", control_guestmemoryballoon},
    {"console", "resize PORT COLUMNS ROWS | plug PORT | unplug PORT",
     "the size of a virtio console; takes a port away and brings it back", console_command},
    {"save", "[--live] F", "saves the machine's state; --live: most of it while the machine runs",
     control_save},
    {"stats", "[PATTERN]", "lists the statistics counters", control_stats},
    {"quit", "", "ends the machine at once", control_quit},
};

static viv_status_t control_help(Runner *runner, const char *arg, GString *out, VivError *err)
{
    (void)runner, (void)arg, (void)err;
    for (size_t i = 0; i < G_N_ELEMENTS(control_commands); i++) {
        g_string_append_printf(out, "%s %s - %s\n", control_commands[i].name,
                               control_commands[i].args, control_commands[i].help);
    }
    return VIV_OK;
}

static void control_execute(Runner *runner, char *line, GString *out)
{
    VivError err = VIV_ERROR_INIT;
    g_strchomp(line);
    char *arg = line + strcspn(line, " ");
    if (*arg) {
        *arg++ = 0;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(control_commands); i++) {
        if (strcmp(control_commands[i].name, line) != 0) {
            continue;
        }
        if (control_commands[i].fn(runner, arg, out, &err)) {
            g_string_append_printf(out, "error: %s\n", error_text(&err));
        } else {
            g_string_append_printf(out, "ok %s\n", line);
        }
        error_clear(&err);
        return;
    }
    g_string_append_printf(out, "error: \"%s\" is not a command; try help\n", line);
}

/* -- clients --------------------------------------------------------------------------------- */

static void client_read(Client *client);

static void client_free(gpointer data)
{
    Client *client = data;
    g_object_unref(client->in);
    g_object_unref(client->connection);
    g_object_unref(client->cancel);
    g_free(client);
}

static void client_on_line(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) out = g_string_new(NULL);
    gsize len = 0;
    g_autofree char *line =
        g_data_input_stream_read_line_finish(G_DATA_INPUT_STREAM(source), result, &len, &error);
    if (error && g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
        return; /* control_free() has freed the client */
    }
    Client *client = data;
    if (!line || len > CONTROL_LINE_MAX) {
        g_ptr_array_remove(client->control->clients, client);
        return;
    }
    control_execute(client->control->runner, line, out);
    GOutputStream *stream = g_io_stream_get_output_stream(G_IO_STREAM(client->connection));
    if (!g_output_stream_write_all(stream, out->str, out->len, NULL, NULL, NULL)) {
        g_ptr_array_remove(client->control->clients, client);
        return;
    }
    client_read(client);
}

static void client_read(Client *client)
{
    g_data_input_stream_read_line_async(client->in, G_PRIORITY_DEFAULT, client->cancel,
                                        client_on_line, client);
}

static gboolean control_on_client(GSocketService *service, GSocketConnection *connection,
                                  GObject *source, gpointer data)
{
    struct Control *control = data;
    (void)service, (void)source;
    Client *client = g_new0(Client, 1);
    client->control = control;
    client->connection = g_object_ref(connection);
    client->in = g_data_input_stream_new(g_io_stream_get_input_stream(G_IO_STREAM(connection)));
    client->cancel = g_cancellable_new();
    g_ptr_array_add(control->clients, client);
    client_read(client);
    return TRUE;
}

/* A socket file that nobody listens on any more is in the way: take it out. One that answers is not
 * ours to take. */
static void control_remove_stale(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return;
    }
    g_strlcpy(address.sun_path, path, sizeof address.sun_path);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) < 0 &&
        errno == ECONNREFUSED) {
        unlink(path);
    }
    close(fd);
}

struct Control *control_new(Runner *runner, const char *spec, VivError *err)
{
    g_autoptr(GError) error = NULL;
    if (strncmp(spec, "unix:", 5) != 0 || !spec[5] ||
        strlen(spec + 5) >= sizeof(((struct sockaddr_un *)0)->sun_path)) {
        error_set(err, VIV_E_INVALID,
                  "--control %s: allowed is unix:PATH with a path of at most 107 bytes", spec);
        return NULL;
    }
    control_remove_stale(spec + 5);
    g_autoptr(GSocketAddress) address = g_unix_socket_address_new(spec + 5);
    struct Control *control = g_new0(struct Control, 1);
    control->runner = runner;
    control->clients = g_ptr_array_new_with_free_func(client_free);
    control->service = g_socket_service_new();
    if (!g_socket_listener_add_address(G_SOCKET_LISTENER(control->service), address,
                                       G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, NULL, NULL,
                                       &error)) {
        error_set(err, VIV_E_IO, "--control %s: %s", spec, error->message);
        control_free(control);
        return NULL;
    }
    control->path = g_strdup(spec + 5);
    g_signal_connect(control->service, "incoming", G_CALLBACK(control_on_client), control);
    g_socket_service_start(control->service);
    return control;
}

void control_free(struct Control *control)
{
    if (!control) {
        return;
    }
    g_socket_service_stop(control->service);
    g_socket_listener_close(G_SOCKET_LISTENER(control->service));
    for (guint i = 0; i < control->clients->len; i++) {
        g_cancellable_cancel(((Client *)g_ptr_array_index(control->clients, i))->cancel);
    }
    while (g_main_context_iteration(NULL,
                                    FALSE)) { /* the cancelled reads return; they touch nothing */
    }
    g_ptr_array_free(control->clients, TRUE);
    if (control->path) {
        unlink(control->path);
    }
    g_object_unref(control->service);
    g_free(control->path);
    g_free(control);
}
