/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* medium: what is in the drives of a running machine, and changing it. Drives are named by kind and
 * number in order of device and LUN (cdrom0, floppy1), or by their place (piix3ide/0/LUN#2). */
#include <stdio.h>
#include <string.h>

#include "main/runner.h"

#define MEDIUM_NAME 160u

static const char *medium_kind(uint32_t type)
{
    return type == VIV_MEDIA_DVD ? "cdrom" : type == VIV_MEDIA_FLOPPY ? "floppy" : "disk";
}

/* Walks the drives: lists them, or looks for one. */
typedef struct Walk {
    uint32_t counts[3]; /* of each type */
    GString *out;       /* list */
    const char *wanted; /* or look for this */
    PdmMedium *found;
    gboolean is_found;
} Walk;

static void medium_visit(const PdmMedium *medium, void *ctx)
{
    Walk *walk = ctx;
    uint32_t type = MIN(medium->type, G_N_ELEMENTS(walk->counts) - 1);
    char name[MEDIUM_NAME], place[MEDIUM_NAME];
    snprintf(name, sizeof name, "%s%u", medium_kind(medium->type), walk->counts[type]++);
    snprintf(place, sizeof place, "%s/%u/LUN#%u", medium->device, medium->instance, medium->lun);
    if (walk->out) {
        g_string_append_printf(walk->out, "%s %s %s%s %s\n", name, place,
                               medium->open ? "open" : "closed", medium->locked ? ",locked" : "",
                               medium->mounted ? medium->path : "empty");
    } else if (!strcmp(walk->wanted, name) || !strcmp(walk->wanted, place)) {
        *walk->found = *medium;
        walk->is_found = TRUE;
    }
}

static viv_status_t medium_find(Runner *runner, const char *slot, PdmMedium *ret_medium,
                                VivError *err)
{
    Walk walk = {.wanted = slot, .found = ret_medium};
    pdm_medium_each(runner->vm->pdm, medium_visit, &walk);
    return walk.is_found
               ? VIV_OK
               : error_set(err, VIV_E_NOT_FOUND, "no drive %s; medium list shows them", slot);
}

/* The next word of *text, which goes on behind it. */
static char *medium_word(const char **text)
{
    *text += strspn(*text, " \t");
    size_t len = strcspn(*text, " \t");
    char *word = g_strndup(*text, len);
    *text += len;
    *text += strspn(*text, " \t");
    return word;
}

static gboolean medium_force(const char **text)
{
    const char *rest = *text;
    g_autofree char *word = medium_word(&rest);
    if (strcmp(word, "--force") != 0) {
        return FALSE;
    }
    *text = rest;
    return TRUE;
}

viv_status_t medium_command(Runner *runner, const char *arg, GString *out, VivError *err)
{
    g_autofree char *verb = medium_word(&arg);
    g_autofree PdmMedium *medium = g_new0(PdmMedium, 1);
    if (!strcmp(verb, "list") && !*arg) {
        Walk walk = {.out = out};
        pdm_medium_each(runner->vm->pdm, medium_visit, &walk);
        return VIV_OK;
    }
    gboolean insert = !strcmp(verb, "insert"), force = medium_force(&arg);
    g_autofree char *slot = medium_word(&arg);
    force |= medium_force(&arg);
    if ((!insert && strcmp(verb, "eject") != 0) || !*slot || insert != (*arg != 0)) {
        return error_set(err, VIV_E_INVALID,
                         "medium takes list, insert [--force] SLOT FILE or eject [--force] SLOT");
    }
    viv_status_t st = medium_find(runner, slot, medium, err);
    if (st) {
        return st;
    }
    return insert ? pdm_medium_insert(runner->vm->pdm, medium, arg, NULL, force, err)
                  : pdm_medium_eject(runner->vm->pdm, medium, force, err);
}
