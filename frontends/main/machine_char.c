/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* machine_char: kinds of character back ends (see machine_char.h). */
#include "main/machine_char.h"

#include <string.h>

typedef struct MachineChar {
    CfgmNode *root;
    const char *node;
    VivError *err;
} MachineChar;

static viv_status_t machine_char_string(const MachineChar *m, const char *key, const char *value)
{
    g_autofree char *path = g_strdup_printf("%s/Config/%s", m->node, key);
    return cfgm_set_string(m->root, path, value, m->err);
}

static viv_status_t machine_char_u64(const MachineChar *m, const char *key, uint64_t value)
{
    g_autofree char *path = g_strdup_printf("%s/Config/%s", m->node, key);
    return cfgm_set_u64(m->root, path, value, m->err);
}

/* "HOST:PORT", "[V6]:PORT", "PORT" to host (NULL if absent) and port. */
static gboolean machine_char_split(const char *text, char **ret_host, uint64_t *ret_port)
{
    const char *colon = strrchr(text, ':');
    guint64 port = 0;
    if (!g_ascii_string_to_unsigned(colon ? colon + 1 : text, 10, 1, 65535, &port, NULL)) {
        return FALSE;
    }
    gsize len = colon ? (gsize)(colon - text) : 0;
    gboolean bracket = len >= 2 && text[0] == '[' && text[len - 1] == ']';
    *ret_host = len ? g_strndup(text + bracket, len - 2u * (gsize)bracket) : NULL;
    *ret_port = port;
    return TRUE;
}

/* VIV_E_NOT_FOUND without a text: the spec is not of the kind's form. */
static viv_status_t machine_char_socket(const MachineChar *m, const char *what, uint64_t is_server)
{
    viv_status_t st = machine_char_string(m, "Location", what);
    return st ? st : machine_char_u64(m, "IsServer", is_server);
}

static viv_status_t machine_char_location(const MachineChar *m, const char *what)
{
    return machine_char_string(m, "Location", what);
}

static viv_status_t machine_char_server(const MachineChar *m, const char *what)
{
    return machine_char_socket(m, what, 1);
}

static viv_status_t machine_char_client(const MachineChar *m, const char *what)
{
    return machine_char_socket(m, what, 0);
}

static viv_status_t machine_char_tcp(const MachineChar *m, const char *what, uint64_t is_server)
{
    g_autofree char *host = NULL;
    uint64_t port;
    if (!machine_char_split(what, &host, &port) || (!host && !is_server)) {
        return VIV_E_NOT_FOUND;
    }
    return machine_char_socket(m, what, is_server);
}

static viv_status_t machine_char_tcp_client(const MachineChar *m, const char *what)
{
    return machine_char_tcp(m, what, 0);
}

static viv_status_t machine_char_tcp_server(const MachineChar *m, const char *what)
{
    return machine_char_tcp(m, what, 1);
}

static viv_status_t machine_char_udp(const MachineChar *m, const char *what)
{
    g_auto(GStrv) ends = g_strsplit(what, "@", 2);
    g_autofree char *peer = NULL, *local = NULL;
    uint64_t peer_port, local_port = 0;
    viv_status_t st;
    if (!machine_char_split(ends[0], &peer, &peer_port) || !peer ||
        (ends[1] && !machine_char_split(ends[1], &local, &local_port))) {
        return VIV_E_NOT_FOUND;
    }
    if ((st = machine_char_string(m, "ServerAddress", peer)) ||
        (st = machine_char_u64(m, "ServerPort", peer_port)) ||
        (local_port && (st = machine_char_u64(m, "LocalPort", local_port)))) {
        return st;
    }
    return local ? machine_char_string(m, "LocalAddress", local) : VIV_OK;
}

static viv_status_t machine_char_device(const MachineChar *m, const char *what)
{
    return machine_char_string(m, "DevicePath", what);
}

static const struct {
    const char *prefix, *driver;
    viv_status_t (*fn)(const MachineChar *m, const char *what); /* NULL: the prefix is all */
} machine_char_kinds[] = {
    {"stdio", "StdIO", NULL},
    {"pty", "PTY", NULL},
    {"file:", "RawFile", machine_char_location},
    {"unix:", "NamedPipe", machine_char_server},
    {"unix-client:", "NamedPipe", machine_char_client},
    {"tcp:", "TCP", machine_char_tcp_client},
    {"tcp-listen:", "TCP", machine_char_tcp_server},
    {"udp:", "UDP", machine_char_udp},
    {"host:", "Host Serial", machine_char_device},
};

viv_status_t machine_char(CfgmNode *root, const char *node, const char *option, const char *spec,
                          uint64_t backlog_bytes, VivError *err)
{
    const MachineChar m = {root, node, err};
    g_autofree char *driver = g_strdup_printf("%s/Driver", node);
    for (size_t i = 0; i < G_N_ELEMENTS(machine_char_kinds); i++) {
        size_t len = strlen(machine_char_kinds[i].prefix);
        gboolean plain = !machine_char_kinds[i].fn;
        if (plain ? strcmp(spec, machine_char_kinds[i].prefix) != 0
                  : strncmp(spec, machine_char_kinds[i].prefix, len) != 0 || !spec[len]) {
            continue;
        }
        viv_status_t st = cfgm_set_string(root, driver, machine_char_kinds[i].driver, err);
        if (!st && backlog_bytes) {
            st = machine_char_u64(&m, "Backlog", backlog_bytes);
        }
        if (!st && !plain) {
            st = machine_char_kinds[i].fn(&m, spec + len);
        }
        if (st != VIV_E_NOT_FOUND) {
            return st;
        }
        break;
    }
    return error_set(err, VIV_E_INVALID, "%s %s: allowed are " MACHINE_CHAR_KINDS ", none", option,
                     spec);
}
