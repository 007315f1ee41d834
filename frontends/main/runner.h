/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* runner: runs one machine in the foreground until it ends, is told to, or its time is up. */
#ifndef FRONTENDS_MAIN_RUNNER_H
#define FRONTENDS_MAIN_RUNNER_H

#include "main/machine.h"
#include "vm/vm.h"

/* Exit codes of `viv run` beside the guest's own (debug-exit gives odd ones). */
#define RUN_EXIT_OK           0
#define RUN_EXIT_FAILED       1
#define RUN_EXIT_USAGE        2 /* bad option or configuration */
#define RUN_EXIT_FILE         4 /* a file is missing, malformed or cannot be written */
#define RUN_EXIT_TRIPLE_FAULT 6
#define RUN_EXIT_PANIC        7 /* the guest panicked, and --on-panic=poweroff */
#define RUN_EXIT_ENGINE       8 /* the engine or a device gave up */
#define RUN_EXIT_TIMEOUT      124

/* What a crash of the guest's system, as its pvpanic or a Hyper-V-like interface tells it, does. */
typedef enum RunOnPanic {
    RUN_ON_PANIC_KEEP, /* it is logged, nothing else */
    RUN_ON_PANIC_POWER_OFF,
    RUN_ON_PANIC_RESET,
    RUN_ON_PANIC_PAUSE,
} RunOnPanic;

typedef struct RunOptions {
    MachineOptions machine;
    double timeout_s;                     /* 0: none */
    const char *screenshot, *screen_text; /* written at exit and on SIGUSR1 */
    const char *control;                  /* "unix:PATH" */
    const char *save, *load;
    gboolean stats;
    const char *type_text;     /* typed when the guest's keyboard is up */
    double type_after_s;       /* and so much guest time has passed */
    uint64_t max_instructions; /* 0: no limit */
    RunOnPanic on_panic;
} RunOptions;

/* Returns the exit code; what went wrong has been said on stderr in one sentence. [main] */
int runner_run(const RunOptions *options, PluginRegistry *plugins);

typedef struct Runner {
    const RunOptions *options;
    Vm *vm;
    GMainLoop *loop;
    int exit_code;
    gboolean quitting;
    struct Control *control;
    struct Input *input;
} Runner;

void runner_quit(Runner *runner, int exit_code);
/* Through the display driver; VIV_E_NOT_FOUND without one. */
viv_status_t runner_screenshot(Runner *runner, const char *path, VivError *err);
viv_status_t runner_screen_text(Runner *runner, const char *path, VivError *err);
/* What a failure's status means as an exit code. */
int runner_exit_code(viv_status_t status);

/* medium.c: "list", "insert [--force] SLOT FILE", "eject [--force] SLOT"; a slot is cdrom0, floppy0, ...
 * or piix3ide/0/LUN#2. What a list says goes to out. */
viv_status_t medium_command(Runner *runner, const char *arg, GString *out, VivError *err);

/* balloon.c: "" shows the memory balloon, "MIB" sets its target, "stats", "hint". */
viv_status_t balloon_command(Runner *runner, const char *arg, GString *out, VivError *err);
/* console.c: "resize PORT COLUMNS ROWS", "plug PORT", "unplug PORT" of virtio-console. */
viv_status_t console_command(Runner *runner, const char *arg, GString *out, VivError *err);

/* control.c: the line protocol on a unix socket. NULL with err. */
struct Control *control_new(Runner *runner, const char *spec, VivError *err);
void control_free(struct Control *control);

/* input.c: keys, text and mouse events, queued until the device takes them. */
struct Input *input_new(Runner *runner);
void input_free(struct Input *input);
viv_status_t input_scancodes(struct Input *input, const uint8_t *codes, size_t count,
                             VivError *err);
viv_status_t input_key(struct Input *input, const char *chord, VivError *err);
viv_status_t input_type(struct Input *input, const char *text, VivError *err);
/* Is every character (after escapes) one that input_type() can type? */
viv_status_t input_check_text(const char *text, VivError *err);
/* Types text (borrowed) when after_s of guest time have passed since power-on and the guest has its
 * keyboard switched on. */
viv_status_t input_type_later(struct Input *input, const char *text, double after_s, VivError *err);
viv_status_t input_mouse(struct Input *input, int dx, int dy, int dz, uint32_t buttons,
                         VivError *err);
/* Bit 0 scroll, 1 num, 2 caps; FALSE without a keyboard. */
gboolean input_leds(struct Input *input, uint32_t *ret_leds);

#endif
