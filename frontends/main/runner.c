/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* runner: the foreground life of a machine (see runner.h). Everything here runs on the main
 * thread's GMainLoop; the machine tells its end through an idle source. */
#include "main/runner.h"

#include <glib-unix.h>
#include <stdio.h>
#include <string.h>

#include "log/log.h"

static void runner_say(const char *text)
{
    fprintf(stderr, "viv: %s\r\n", text);
}

int runner_exit_code(viv_status_t status)
{
    switch (status) {
    case VIV_OK: return RUN_EXIT_OK;
    case VIV_E_CONFIG:
    case VIV_E_INVALID:
    case VIV_E_UNSUPPORTED: return RUN_EXIT_USAGE;
    case VIV_E_NOT_FOUND:
    case VIV_E_IO:
    case VIV_E_EOF:
    case VIV_E_CORRUPT:
    case VIV_E_VERSION:
    case VIV_E_ACCESS:
    case VIV_E_EXISTS:
    case VIV_E_BUSY: return RUN_EXIT_FILE;
    default: return RUN_EXIT_FAILED;
    }
}

void runner_quit(Runner *runner, int exit_code)
{
    if (!runner->quitting) {
        runner->quitting = TRUE;
        runner->exit_code = exit_code;
        g_main_loop_quit(runner->loop);
    }
}

/* -- the screen ------------------------------------------------------------------------------ */

static viv_status_t runner_shoot(Runner *runner, const char *path, gboolean text, VivError *err)
{
    viv_iface_t iface;
    viv_status_t st = pdm_lun_interface(runner->vm->pdm, "vga", 0, 0, VIV_SCREENSHOT_ID, &iface);
    if (st) {
        return error_set(err, st, "%s: the machine has no display to take a picture of", path);
    }
    const viv_screenshot_ops_t *ops = iface.ops;
    st = text ? ops->write_text(iface.self, path) : ops->write_png(iface.self, path);
    return st ? error_set(err, st, "%s: cannot write the picture of the screen: %s", path,
                          viv_status_text(st))
              : VIV_OK;
}

viv_status_t runner_screenshot(Runner *runner, const char *path, VivError *err)
{
    return runner_shoot(runner, path, FALSE, err);
}

viv_status_t runner_screen_text(Runner *runner, const char *path, VivError *err)
{
    return runner_shoot(runner, path, TRUE, err);
}

static viv_status_t runner_shoot_all(Runner *runner)
{
    VivError err = VIV_ERROR_INIT;
    viv_status_t st = VIV_OK;
    if (runner->options->screenshot) {
        st = runner_screenshot(runner, runner->options->screenshot, &err);
    }
    if (!st && runner->options->screen_text) {
        st = runner_screen_text(runner, runner->options->screen_text, &err);
    }
    if (st) {
        runner_say(error_text(&err));
        error_clear(&err);
    }
    return st;
}

/* -- events ---------------------------------------------------------------------------------- */

static gboolean runner_on_usr1(gpointer data)
{
    runner_shoot_all(data);
    return G_SOURCE_CONTINUE;
}

static gboolean runner_on_term(gpointer data)
{
    runner_quit(data, RUN_EXIT_OK);
    return G_SOURCE_CONTINUE;
}

static gboolean runner_on_int(gpointer data)
{
    runner_quit(data, 130);
    return G_SOURCE_CONTINUE;
}

static gboolean runner_on_timeout(gpointer data)
{
    Runner *runner = data;
    g_autofree char *text =
        g_strdup_printf("time-out after %g seconds", runner->options->timeout_s);
    runner_say(text);
    runner_quit(runner, RUN_EXIT_TIMEOUT);
    return G_SOURCE_REMOVE;
}

static gboolean runner_on_end(gpointer data)
{
    Runner *runner = data;
    uint32_t code = 0;
    g_autofree char *text = NULL;
    int exit_code = RUN_EXIT_FAILED;
    switch (vm_end(runner->vm, &code, &text)) {
    case VM_END_POWER_OFF: exit_code = (int)(code & 0xff); break;
    case VM_END_RESET: exit_code = RUN_EXIT_OK; break;
    case VM_END_TRIPLE_FAULT: exit_code = RUN_EXIT_TRIPLE_FAULT; break;
    case VM_END_ICOUNT: exit_code = RUN_EXIT_TIMEOUT; break;
    case VM_END_PANIC: exit_code = RUN_EXIT_PANIC; break;
    case VM_END_ERROR: exit_code = RUN_EXIT_ENGINE; break;
    case VM_END_NONE: return G_SOURCE_REMOVE;
    }
    if (text) {
        runner_say(text);
    }
    runner_quit(runner, exit_code);
    return G_SOURCE_REMOVE;
}

/* [emt] */
static void runner_end(void *ctx)
{
    g_idle_add_full(G_PRIORITY_HIGH, runner_on_end, ctx, NULL);
}

static gboolean runner_on_pause(gpointer data)
{
    Runner *runner = data;
    runner_say("the machine is paused");
    vm_pause(runner->vm);
    return G_SOURCE_REMOVE;
}

/* [any] */
static void runner_event(void *ctx, VmEvent event, uint32_t kind, const char *text)
{
    Runner *runner = ctx;
    RunOnPanic on_panic = runner->options->on_panic;
    gboolean panic = event == VM_EVENT_GUEST && kind == VIV_GUEST_PANICKED;
    if (event == VM_EVENT_PAUSE || (panic && on_panic == RUN_ON_PANIC_PAUSE)) {
        g_idle_add_full(G_PRIORITY_HIGH, runner_on_pause, runner, NULL);
    } else if (panic && on_panic == RUN_ON_PANIC_RESET) {
        vm_request_reset(runner->vm);
    } else if (panic && on_panic == RUN_ON_PANIC_POWER_OFF) {
        vm_request_end(runner->vm, VM_END_PANIC, 0, text ? text : "the guest has panicked");
    }
}

/* -- life ------------------------------------------------------------------------------------ */

static int runner_failed(VivError *err)
{
    int code = runner_exit_code(err->status);
    runner_say(error_text(err));
    error_clear(err);
    return code;
}

static void runner_leave(Runner *runner)
{
    VivError err = VIV_ERROR_INIT;
    const RunOptions *o = runner->options;
    uint32_t code;
    g_autofree char *text = NULL;
    vm_pause(runner->vm);
    if (runner_shoot_all(runner) && runner->exit_code == RUN_EXIT_OK) {
        runner->exit_code = RUN_EXIT_FILE;
    }
    VmEnd end = vm_end(runner->vm, &code, &text);
    if (o->save && (end == VM_END_NONE || end == VM_END_ICOUNT) &&
        vm_save(runner->vm, o->save, &err)) {
        runner->exit_code = runner_failed(&err);
    }
    if (o->stats) {
        stam_dump(runner->vm->stam, stderr, NULL);
    }
}

static void runner_loop(Runner *runner)
{
    const RunOptions *o = runner->options;
    guint sources[5] = {g_unix_signal_add(SIGUSR1, runner_on_usr1, runner),
                        g_unix_signal_add(SIGTERM, runner_on_term, runner),
                        g_unix_signal_add(SIGHUP, runner_on_term, runner),
                        g_unix_signal_add(SIGINT, runner_on_int, runner), 0};
    guint timeout = o->timeout_s > 0
                        ? g_timeout_add((guint)(o->timeout_s * 1000), runner_on_timeout, runner)
                        : 0;
    vm_set_end_fn(runner->vm, runner_end, runner);
    vm_set_event_fn(runner->vm, runner_event, runner);
    vm_resume(runner->vm);
    g_main_loop_run(runner->loop);
    if (timeout && runner->exit_code != RUN_EXIT_TIMEOUT) {
        g_source_remove(timeout);
    }
    for (int i = 0; sources[i]; i++) {
        g_source_remove(sources[i]);
    }
}

int runner_run(const RunOptions *options, PluginRegistry *plugins)
{
    VivError err = VIV_ERROR_INIT;
    Runner runner = {.options = options};
    CfgmNode *tree = machine_tree(&options->machine, plugins, &err);
    if (!tree || !(runner.vm = vm_create(tree, plugins, &err))) {
        return runner_failed(&err);
    }
    runner.loop = g_main_loop_new(NULL, FALSE);
    runner.input = input_new(&runner);
    gboolean ready = vm_power_on(runner.vm, options->load, &err) == VIV_OK;
    if (ready && options->max_instructions) {
        ready = vm_set_icount_stop(runner.vm, options->max_instructions, options->save != NULL,
                                   &err) == VIV_OK;
    }
    if (ready && options->type_text) {
        ready = input_type_later(runner.input, options->type_text, options->type_after_s, &err) ==
                VIV_OK;
        error_prefix(&err, "--type-text");
    }
    if (ready && options->control) {
        runner.control = control_new(&runner, options->control, &err);
        ready = runner.control != NULL;
    }
    if (ready) {
        runner_loop(&runner);
        runner_leave(&runner);
    }
    control_free(runner.control);
    input_free(runner.input);
    vm_pause(runner.vm);
    vm_set_end_fn(runner.vm, NULL, NULL);
    vm_set_event_fn(runner.vm, NULL, NULL);
    while (g_main_context_iteration(NULL, FALSE)) { /* an end that came late */
    }
    vm_destroy(runner.vm);
    g_main_loop_unref(runner.loop);
    return ready ? runner.exit_code : runner_failed(&err);
}
