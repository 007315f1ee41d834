/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ACPIHost: fixed supplies, and folders as Linux has them, also with nonsense in them. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness.h"

static char folder[64];

static void setup(void)
{
    strcpy(folder, "/tmp/test_acpihost_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void teardown(void)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

/* "file=value file=value" */
static void supply(const char *name, const char *files)
{
    char copy[512], path[256];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    mkdir(path, 0700);
    snprintf(copy, sizeof(copy), "%s", files);
    for (char *save = NULL, *word = strtok_r(copy, " ", &save); word;
         word = strtok_r(NULL, " ", &save)) {
        char *value = strchr(word, '=');
        *value++ = 0;
        snprintf(path, sizeof(path), "%s/%s/%s", folder, name, word);
        FILE *f = fopen(path, "w");
        ck_assert_ptr_nonnull(f);
        fprintf(f, "%s\n", value);
        fclose(f);
    }
}

static viv_power_t ask(Harness *h)
{
    viv_iface_t iface = harness_drv_iface(h, VIV_ACPI_HOST_ID);
    const viv_acpi_host_ops_t *ops = iface.ops;
    viv_power_t power = {.size = sizeof(power)};
    ops->power(iface.self, &power);
    ck_assert_uint_eq(power.size, sizeof(power));
    return power;
}

static viv_power_t ask_folder(void)
{
    char options[128];
    snprintf(options, sizeof(options), "Path=%s", folder);
    Harness *h = harness_create();
    ck_assert_int_eq(harness_start(h, "ACPIHost", options), VIV_OK);
    viv_power_t power = ask(h);
    harness_free(h);
    return power;
}

START_TEST(fixed)
{
    Harness *h = harness_create();
    viv_iface_t other;
    ck_assert_int_eq(harness_start(h, "ACPIHost",
                                   "Source=Fixed,ACOnline=0,BatteryState=Critical,Rate=7000,"
                                   "Remaining=900,Cycles=3"),
                     VIV_OK);
    viv_power_t p = ask(h);
    ck_assert_uint_eq(p.sources, VIV_POWER_BATTERY);
    ck_assert_uint_eq(p.state, VIV_POWER_DISCHARGING | VIV_POWER_CRITICAL);
    ck_assert_uint_eq(p.rate_mw, 7000);
    ck_assert_uint_eq(p.remaining_mwh, 900);
    ck_assert_uint_eq(p.full_mwh, 50000);
    ck_assert_uint_eq(p.cycles, 3);
    /* An older device has a smaller table: nothing is written behind it. */
    viv_iface_t iface = harness_drv_iface(h, VIV_ACPI_HOST_ID);
    viv_power_t small = {.size = 8, .state = 77};
    ((const viv_acpi_host_ops_t *)iface.ops)->power(iface.self, &small);
    ck_assert_uint_eq(small.sources, VIV_POWER_BATTERY);
    ck_assert_uint_eq(small.state, 77);
    ck_assert_int_eq(harness_drv_query(h, VIV_CHAR_ID, &other), VIV_E_NOT_FOUND);
    harness_free(h);
    h = harness_create();
    ck_assert_int_eq(harness_start(h, "ACPIHost", "Source=Fixed,BatteryPresent=0"), VIV_OK);
    p = ask(h);
    ck_assert_uint_eq(p.sources, VIV_POWER_AC);
    ck_assert_uint_eq(p.remaining_mwh, 0);
    harness_free(h);
}
END_TEST

START_TEST(bad_configuration)
{
    static const char *const bad[] = {"Source=Sun", "BatteryState=Tired", "ACOnline=7"};
    viv_status_t st;
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_ptr_null(harness_try_new("ACPIHost", bad[i], &st));
        ck_assert_int_lt(st, 0);
    }
    harness_construct_failures("ACPIHost", NULL);
}
END_TEST

START_TEST(a_laptop)
{
    supply("AC", "type=Mains online=0");
    supply("BAT0",
           "type=Battery present=1 status=Discharging power_now=8123456 energy_now=30000000 "
           "energy_full=48000000 energy_full_design=57000000 voltage_now=11800000 "
           "voltage_min_design=11400000 cycle_count=211");
    supply("hidpp_battery_0", "type=Battery scope=Device present=1 status=Discharging");
    viv_power_t p = ask_folder();
    ck_assert_uint_eq(p.sources, VIV_POWER_BATTERY);
    ck_assert_uint_eq(p.state, VIV_POWER_DISCHARGING);
    ck_assert_uint_eq(p.rate_mw, 8123);
    ck_assert_uint_eq(p.remaining_mwh, 30000);
    ck_assert_uint_eq(p.full_mwh, 48000);
    ck_assert_uint_eq(p.design_mwh, 57000);
    ck_assert_uint_eq(p.voltage_mv, 11800);
    ck_assert_uint_eq(p.design_mv, 11400);
    ck_assert_uint_eq(p.cycles, 211);
    supply("AC", "online=1");
    supply("BAT0", "status=Charging");
    p = ask_folder();
    ck_assert_uint_eq(p.sources, VIV_POWER_BATTERY | VIV_POWER_AC);
    ck_assert_uint_eq(p.state, VIV_POWER_CHARGING);
    /* A second one: sums. */
    supply("BAT1", "type=Battery status=Unknown energy_now=1000000 energy_full=20000000");
    p = ask_folder();
    ck_assert_uint_eq(p.remaining_mwh, 31000);
    ck_assert_uint_eq(p.full_mwh, 68000);
    ck_assert_uint_eq(p.design_mwh, VIV_POWER_UNKNOWN);
}
END_TEST

START_TEST(charges_and_currents)
{
    supply("BAT0", "type=Battery status=Discharging capacity_level=Critical current_now=-1000000 "
                   "charge_now=2000000 charge_full=4000000 charge_full_design=5000000 "
                   "voltage_now=12000000 voltage_min_design=10000000");
    viv_power_t p = ask_folder();
    ck_assert_uint_eq(p.sources, VIV_POWER_BATTERY); /* no word of mains, and emptied */
    ck_assert_uint_eq(p.state, VIV_POWER_DISCHARGING | VIV_POWER_CRITICAL);
    ck_assert_uint_eq(p.rate_mw, 12000);
    ck_assert_uint_eq(p.remaining_mwh, 20000);
    ck_assert_uint_eq(p.full_mwh, 40000);
    ck_assert_uint_eq(p.design_mwh, 50000);
}
END_TEST

START_TEST(nothing_and_nonsense)
{
    viv_power_t p = ask_folder();
    ck_assert_uint_eq(p.sources, VIV_POWER_AC);
    supply("BAT0", "type=Battery status=! power_now=many energy_now=99999999999999999999 "
                   "energy_full=-9223372036854775808 voltage_now=1e3 cycle_count=-1");
    supply("odd", "type=Wheel online=1");
    supply("BAT9", "type=Battery present=0 energy_now=1");
    p = ask_folder();
    ck_assert_uint_eq(p.sources, VIV_POWER_AC | VIV_POWER_BATTERY);
    ck_assert_uint_eq(p.state, 0);
    ck_assert_uint_eq(p.rate_mw, VIV_POWER_UNKNOWN);
    ck_assert_uint_eq(p.remaining_mwh, VIV_POWER_UNKNOWN);
    ck_assert_uint_eq(p.full_mwh, VIV_POWER_UNKNOWN);
    ck_assert_uint_eq(p.voltage_mv, VIV_POWER_UNKNOWN);
    char options[128];
    snprintf(options, sizeof(options), "Path=%s/none", folder);
    Harness *h = harness_create();
    ck_assert_int_eq(harness_start(h, "ACPIHost", options), VIV_OK);
    ck_assert_uint_eq(ask(h).sources, VIV_POWER_AC);
    harness_free(h);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("acpihost");
    TCase *tc = tcase_create("supplies");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, fixed);
    tcase_add_test(tc, bad_configuration);
    tcase_add_test(tc, a_laptop);
    tcase_add_test(tc, charges_and_currents);
    tcase_add_test(tc, nothing_and_nonsense);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
