/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The only place that needs the plugin's entry to be linked in: a program that finds its plugin in
 * another way uses
 * harness_create_for() and does not pull in this file. */
#include "harness_internal.h"

const viv_plugin_t *viv_plugin_entry_v1(const viv_host_t *host);

Harness *harness_create(void)
{
    static const viv_host_t host = {sizeof(viv_host_t), VIV_SDK_MAJOR, VIV_API_LEVEL, 1,
                                    "viv test harness"};
    return harness_create_for(viv_plugin_entry_v1(&host));
}

Harness *harness_new(const char *class_name, const char *options)
{
    Harness *h = harness_create();
    viv_status_t st = harness_start(h, class_name, options);
    HARNESS_CHECK(st == VIV_OK, "%s(%s): status %d: %s", class_name, options ? options : "", st,
                  harness_error());
    return h;
}

Harness *harness_try_new(const char *class_name, const char *options, viv_status_t *ret_status)
{
    Harness *h = harness_create();
    viv_status_t st = harness_start(h, class_name, options);
    if (ret_status) {
        *ret_status = st;
    }
    if (st != VIV_OK) {
        harness_free(h);
        return NULL;
    }
    return h;
}

unsigned harness_construct_failures_with(void (*setup)(Harness *h), const char *class_name,
                                         const char *options)
{
    for (unsigned n = 1;; n++) {
        Harness *h = harness_create();
        if (setup) {
            setup(h);
        }
        harness_fail_call(h, n);
        unsigned before = harness_fallible_calls(h);
        viv_status_t st = harness_start(h, class_name, options);
        unsigned made = harness_fallible_calls(h) - before;
        HARNESS_CHECK(made >= n || st == VIV_OK,
                      "%s: start fails with %d after %u calls although none failed: %s", class_name,
                      st, made, harness_error());
        harness_free(h);
        if (made < n) {
            return n - 1;
        }
    }
}

unsigned harness_construct_failures(const char *class_name, const char *options)
{
    return harness_construct_failures_with(NULL, class_name, options);
}
