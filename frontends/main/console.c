/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* console: the control socket's word with the ports of virtio-console (viv.console-port/1). */
#include <string.h>
#include <viv/interfaces.h>

#include "main/runner.h"

static gboolean console_number(const char *text, guint64 max, uint32_t *ret_value)
{
    guint64 value;
    if (!g_ascii_string_to_unsigned(text, 10, 0, max, &value, NULL)) {
        return FALSE;
    }
    *ret_value = (uint32_t)value;
    return TRUE;
}

viv_status_t console_command(Runner *runner, const char *arg, GString *out, VivError *err)
{
    g_auto(GStrv) words = g_strsplit(arg, " ", -1);
    guint count = g_strv_length(words);
    uint32_t port = 0, columns = 0, rows = 0;
    viv_iface_t iface;
    (void)out;
    gboolean resize = count == 4 && !strcmp(words[0], "resize") &&
                      console_number(words[2], 65535, &columns) &&
                      console_number(words[3], 65535, &rows);
    gboolean plug = count == 2 && (!strcmp(words[0], "plug") || !strcmp(words[0], "unplug"));
    if ((!resize && !plug) || !console_number(words[1], 1000, &port)) {
        return error_set(err, VIV_E_INVALID,
                         "console takes resize PORT COLUMNS ROWS, plug PORT or unplug PORT");
    }
    if (pdm_device_interface(runner->vm->pdm, "virtio-console", 0, port, VIV_CONSOLE_PORT_ID,
                             &iface)) {
        return error_set(err, VIV_E_NOT_FOUND, "the machine has no virtio-console with a port %u",
                         port);
    }
    const viv_console_port_ops_t *ops = iface.ops;
    if (resize) {
        ops->resize(iface.self, columns, rows);
    } else {
        ops->plug(iface.self, !strcmp(words[0], "plug"));
    }
    return VIV_OK;
}
