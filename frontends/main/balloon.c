/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* balloon: the control socket's word with virtio-balloon (viv.balloon-port/1). */
#include <string.h>
#include <viv/interfaces.h>

#include "main/runner.h"

#define BALLOON_MIB (UINT64_C(1) << 20)

static const char *const balloon_stats[VIV_BALLOON_STATS] = {
    "swap-in",     "swap-out",      "major-faults",   "minor-faults",
    "free",        "total",         "available",      "caches",
    "huge-pages",  "huge-failures", "oom-kills",      "allocation-stalls",
    "async-scans", "direct-scans",  "async-reclaims", "direct-reclaims",
};

static void balloon_show(const viv_balloon_port_ops_t *port, void *self, GString *out)
{
    viv_balloon_info_t info = {.size = sizeof info};
    port->info(self, &info);
    g_string_append_printf(out, "driver %s\ntarget %" G_GUINT64_FORMAT " MiB\n",
                           info.running ? "running" : "none", info.target_bytes / BALLOON_MIB);
    g_string_append_printf(out, "actual %" G_GUINT64_FORMAT " MiB of %" G_GUINT64_FORMAT "\n",
                           info.actual_bytes / BALLOON_MIB, info.ram_bytes / BALLOON_MIB);
    if (info.hinting) {
        g_string_append(out, "hinting\n");
    }
    for (guint i = 0; i < VIV_BALLOON_STATS; i++) {
        if (info.stats_present >> i & 1) {
            g_string_append_printf(out, "%s %" G_GUINT64_FORMAT "\n", balloon_stats[i],
                                   info.stats[i]);
        }
    }
}

static viv_status_t balloon_set(const viv_balloon_port_ops_t *port, void *self, const char *arg,
                                VivError *err)
{
    guint64 mib;
    if (!g_ascii_string_to_unsigned(arg, 10, 0, UINT64_C(1) << 24, &mib, NULL)) {
        return error_set(err, VIV_E_INVALID, "\"%s\" is not a number of MiB, stats or hint", arg);
    }
    return port->set_target(self, mib * BALLOON_MIB)
               ? error_set(err, VIV_E_INVALID, "%s MiB: the machine has less", arg)
               : VIV_OK;
}

viv_status_t balloon_command(Runner *runner, const char *arg, GString *out, VivError *err)
{
    viv_iface_t iface;
    if (pdm_device_interface(runner->vm->pdm, "virtio-balloon", 0, 0, VIV_BALLOON_PORT_ID,
                             &iface)) {
        return error_set(err, VIV_E_NOT_FOUND,
                         "the machine has no balloon (--device virtio-balloon)");
    }
    const viv_balloon_port_ops_t *port = iface.ops;
    viv_status_t st;
    if (!*arg) {
        balloon_show(port, iface.self, out);
        return VIV_OK;
    }
    if (!strcmp(arg, "stats")) {
        st = port->update_stats(iface.self);
    } else if (!strcmp(arg, "hint")) {
        st = port->hint(iface.self);
    } else {
        return balloon_set(port, iface.self, arg, err);
    }
    return st ? error_set(err, st, "%s: %s", arg,
                          st == VIV_E_BUSY ? "the guest is at it"
                                           : "the guest does not offer it now")
              : VIV_OK;
}
