/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* acpi: PM registers, timer, buttons, sleep, SMBus, where blocks lie, and the tables after a loader
 * has run the script. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"

#define PM     0x600u
#define STS    (PM + 0)
#define EN     (PM + 2)
#define CNT    (PM + 4)
#define TMR    (PM + 8)
#define GPE    0xafe0u
#define SCI    9u
#define SECOND 1000000000ull

static void acpi_enable(Harness *h)
{
    harness_out8(h, 0xb2, 0xf1);
}

START_TEST(identity_and_reset_values)
{
    Harness *h = harness_new("acpi", NULL);
    ck_assert_uint_eq(harness_pci_devfn(h, 0), 1 << 3 | 3);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0, 4), 0x71138086);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0x3d, 1), 1);
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0x5b, 1) & 2, 2); /* SMM is settled */
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0x40, 4), PM | 1);
    ck_assert_uint_eq(harness_in16(h, CNT), 0);
    harness_free(h);
}
END_TEST

START_TEST(pm_block_moves)
{
    Harness *h = harness_new("acpi", "PMBasePreset=0");
    ck_assert(!harness_port_mapped(h, CNT));
    harness_cfg_write(h, 0, 0x40, 0x4001, 4);
    ck_assert(!harness_port_mapped(h, 0x4004));
    harness_cfg_write(h, 0, 0x80, 1, 1);
    ck_assert(harness_port_mapped(h, 0x4004));
    harness_out16(h, 0x4002, 0x100);
    harness_cfg_write(h, 0, 0x40, 0x603, 4); /* bit 0 is fixed, 5:1 are zero */
    ck_assert_uint_eq(harness_cfg_read(h, 0, 0x40, 4), PM | 1);
    ck_assert(!harness_port_mapped(h, 0x4004));
    ck_assert_uint_eq(harness_in16(h, EN), 0x100);
    harness_save_load(h);
    ck_assert_uint_eq(harness_in16(h, EN), 0x100);
    harness_reset(h);
    ck_assert(!harness_port_mapped(h, CNT));
    harness_free(h);
}
END_TEST

START_TEST(pm_block_on_other_ports_stays_away)
{
    Harness *h = harness_new("acpi", NULL);
    harness_cfg_write(h, 0, 0x40, 0x80, 4); /* B2h is in it */
    ck_assert(!harness_port_mapped(h, CNT));
    harness_out8(h, 0xb3, 0x5a);
    ck_assert_uint_eq(harness_in8(h, 0xb3), 0x5a);
    harness_cfg_write(h, 0, 0x40, PM, 4);
    ck_assert(harness_port_mapped(h, CNT));
    harness_free(h);
}
END_TEST

START_TEST(acpi_mode_by_command_port)
{
    Harness *h = harness_new("acpi", NULL);
    acpi_enable(h);
    ck_assert_uint_eq(harness_in8(h, 0xb2), 0xf1);
    ck_assert_uint_eq(harness_in16(h, CNT) & 1, 1);
    harness_out8(h, 0xb2, 0xf0);
    ck_assert_uint_eq(harness_in16(h, CNT) & 1, 0);
    harness_out8(h, 0xb2, 0x12); /* any other command: nobody there */
    ck_assert_uint_eq(harness_in16(h, CNT) & 1, 0);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_CPU_SMI), 0);
    harness_free(h);
}
END_TEST

START_TEST(timer_runs_at_its_rate)
{
    Harness *h = harness_new("acpi", NULL);
    uint32_t a = harness_in32(h, TMR);
    harness_advance_ns(h, SECOND);
    uint32_t b = harness_in32(h, TMR);
    ck_assert_uint_eq((b - a) & 0xffffff, 3579545);
    harness_advance_ns(h, 10 * SECOND);
    ck_assert_uint_lt(harness_in32(h, TMR), 1u << 24);
    ck_assert_uint_eq(harness_in8(h, TMR + 1), harness_in32(h, TMR) >> 8 & 0xff);
    harness_free(h);
    h = harness_new("acpi", "PMTimerBits=32");
    harness_advance_ns(h, 10 * SECOND);
    ck_assert_uint_eq(harness_in32(h, TMR), 35795450);
    harness_free(h);
}
END_TEST

START_TEST(timer_status_at_every_toggle_of_the_top_bit)
{
    Harness *h = harness_new("acpi", NULL);
    /* 2^23 ticks: 2.343484... s */
    const uint64_t half_ns = ((1ull << 23) * SECOND + 3579544) / 3579545;
    acpi_enable(h);
    harness_out16(h, EN, 1);
    ck_assert_uint_eq(harness_next_deadline(h), half_ns);
    harness_advance_ns(h, half_ns - 1);
    ck_assert_uint_eq(harness_in16(h, STS) & 1, 0);
    ck_assert_uint_eq(harness_irq_level(h, SCI), 0);
    harness_save_load(h);
    harness_advance_ns(h, 1);
    ck_assert_uint_eq(harness_irq_level(h, SCI), 1);
    harness_save_load(h);
    ck_assert_uint_eq(harness_in16(h, STS) & 1, 1);
    harness_out16(h, STS, 1);
    ck_assert_uint_eq(harness_irq_level(h, SCI), 0);
    ck_assert_uint_eq(harness_in16(h, STS) & 1, 0);
    /* Without the enable bit nothing is armed, yet the status comes. */
    harness_out16(h, EN, 0);
    ck_assert(harness_next_deadline(h) == UINT64_MAX);
    harness_advance_ns(h, half_ns + 1);
    ck_assert_uint_eq(harness_in16(h, STS) & 1, 1);
    ck_assert_uint_eq(harness_irq_level(h, SCI), 0);
    harness_free(h);
}
END_TEST

START_TEST(power_button_raises_sci)
{
    Harness *h = harness_new("acpi", NULL);
    viv_iface_t port = harness_port(h, 0, VIV_ACPI_PORT_ID);
    const viv_acpi_port_ops_t *ops = port.ops;
    viv_iface_t other;
    harness_out16(h, EN, 0x100);
    ops->power_button(port.self); /* legacy mode: no SCI */
    ck_assert_uint_eq(harness_irq_level(h, SCI), 0);
    acpi_enable(h);
    ck_assert_uint_eq(harness_irq_level(h, SCI), 1);
    harness_save_load(h);
    ck_assert_uint_eq(harness_irq_level(h, SCI), 1);
    harness_out16(h, STS, 0x100);
    ck_assert_uint_eq(harness_irq_level(h, SCI), 0);
    port = harness_port(h, 0, VIV_ACPI_PORT_ID);
    ops->sleep_button(port.self);
    ck_assert_uint_eq(harness_in16(h, STS), 0x200);
    ck_assert_uint_eq(harness_irq_level(h, SCI), 0);
    harness_out8(h, EN + 1, 2);
    ck_assert_uint_eq(harness_irq_level(h, SCI), 1);
    harness_reset(h);
    ck_assert_uint_eq(harness_irq_level(h, SCI), 0);
    ck_assert_int_eq(harness_query(h, 1, VIV_ACPI_PORT_ID, &other), VIV_E_NOT_FOUND);
    ck_assert_int_eq(harness_query(h, 0, VIV_CHAR_PORT_ID, &other), VIV_E_NOT_FOUND);
    harness_free(h);
}
END_TEST

/* SLP_TYP and SLP_EN, SCI_EN kept. */
static void go_to_sleep(Harness *h, unsigned type)
{
    harness_out16(h, CNT, (uint16_t)(0x2001 | type << 10));
}

static const viv_acpi_port_ops_t *acpi_port(Harness *h, void **ret_self)
{
    viv_iface_t port = harness_port(h, 0, VIV_ACPI_PORT_ID);
    *ret_self = port.self;
    return port.ops;
}

START_TEST(soft_off_and_other_sleeps)
{
    Harness *h = harness_new("acpi", NULL);
    acpi_enable(h);
    go_to_sleep(h, 5); /* working: nothing */
    ck_assert_uint_eq(harness_in16(h, STS) & 0x8000, 0);
    go_to_sleep(h, 3); /* not offered: wakes at once */
    ck_assert_uint_eq(harness_in16(h, STS) & 0x8000, 0x8000);
    ck_assert_uint_eq(harness_in16(h, CNT), 0x0c01); /* SLP_EN reads as zero */
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_VM_SLEEP), 0);
    harness_out16(h, CNT, 0x0001); /* type 0 without SLP_EN */
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_VM_POWER_OFF), 0);
    go_to_sleep(h, 0);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_VM_POWER_OFF), 1);
    ck_assert_uint_eq(harness_event_last(h, HARNESS_EV_VM_POWER_OFF).a, 0);
    go_to_sleep(h, 2); /* S4 */
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_VM_POWER_OFF), 2);
    harness_free(h);
}
END_TEST

START_TEST(standby_until_an_event)
{
    static const struct {
        uint32_t irqs;
        uint16_t en;
        uint8_t gpe_en;
        int wakes;
    } cases[] = {{0x100, 0, 0, 0},   {0x100, 0x400, 0, 1}, {0x2, 0, 0, 0},
                 {0x2, 0, 4, 1},     {0x1000, 0, 4, 0},    {0x1000, 0, 8, 1},
                 {0x10, 0, 0x10, 1}, {0x8, 0, 0x20, 1},    {0x0800, 0x721, 0xff, 0}};
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        Harness *h = harness_new("acpi", NULL);
        acpi_enable(h);
        ck_assert_uint_eq(harness_irq_watched(h), 0x100);
        harness_out16(h, EN, cases[i].en);
        harness_out8(h, GPE + 2, cases[i].gpe_en);
        go_to_sleep(h, 4);
        ck_assert_uint_eq(harness_vm_asleep(h), VIV_SLEEP_STANDBY);
        harness_save_load(h);
        ck_assert_uint_eq(harness_vm_asleep(h), VIV_SLEEP_STANDBY);
        harness_irq_rise(h, cases[i].irqs);
        ck_assert_int_eq(harness_vm_asleep(h) == VIV_SLEEP_NONE, cases[i].wakes);
        ck_assert_uint_eq(harness_in16(h, STS) >> 15, (unsigned)cases[i].wakes);
        ck_assert_uint_eq(harness_vm_wake_reset(h), 0);
        if (cases[i].wakes) {
            ck_assert_uint_eq(harness_irq_level(h, SCI), 1);
            ck_assert_uint_eq(harness_irq_watched(h), 0x100);
        }
        harness_free(h);
    }
}
END_TEST

START_TEST(buttons_and_the_user_wake)
{
    void *self;
    Harness *h = harness_new("acpi", NULL);
    const viv_acpi_port_ops_t *port = acpi_port(h, &self);
    ck_assert_uint_eq(port->wake(self), 0);
    ck_assert_uint_eq(harness_in16(h, STS), 0);
    go_to_sleep(h, 4);
    ck_assert_uint_eq(port->sleep_state(self), 1);
    port->sleep_button(self); /* not enabled */
    ck_assert_uint_eq(harness_vm_asleep(h), VIV_SLEEP_STANDBY);
    harness_out16(h, STS, 0x200);
    port->power_button(self); /* needs not be */
    ck_assert_uint_eq(harness_vm_asleep(h), VIV_SLEEP_NONE);
    ck_assert_uint_eq(harness_in16(h, STS), 0x8100);
    harness_out16(h, STS, 0xffff);
    harness_out16(h, EN, 0x200);
    go_to_sleep(h, 4);
    port->sleep_button(self);
    ck_assert_uint_eq(harness_in16(h, STS), 0x8200);
    go_to_sleep(h, 4); /* with an event that is there already */
    ck_assert_uint_eq(harness_vm_asleep(h), VIV_SLEEP_NONE);
    harness_out16(h, STS, 0xffff);
    go_to_sleep(h, 4);
    ck_assert_uint_eq(port->wake(self), 1);
    ck_assert_uint_eq(harness_in16(h, STS), 0x8000);
    ck_assert_uint_eq(harness_stam(h, "Sleeps"), 4);
    ck_assert_uint_eq(harness_stam(h, "Wakes"), 4);
    harness_free(h);
}
END_TEST

START_TEST(memory_sleep_keeps_the_resume_well)
{
    void *self;
    Harness *h = harness_new("acpi", NULL);
    const viv_acpi_port_ops_t *port = acpi_port(h, &self);
    acpi_enable(h);
    harness_out16(h, EN, 0x500);
    harness_out8(h, GPE + 2, 0x04);
    harness_out32(h, PM + 0x34, 0);
    harness_cmos_put(h, 0x0f, 0);
    go_to_sleep(h, 1);
    ck_assert_uint_eq(port->sleep_state(self), 3);
    ck_assert_uint_eq(harness_vm_asleep(h), VIV_SLEEP_RAM);
    harness_irq_rise(h, 0x100);
    ck_assert_uint_eq(port->sleep_state(self), 3); /* until the reset */
    port->power_button(self);
    ck_assert_uint_eq(harness_event_count(h, HARNESS_EV_VM_WAKE), 1);
    /* A state that was saved before the reset has it to come. */
    harness_save_load(h);
    ck_assert_uint_eq(harness_vm_asleep(h), VIV_SLEEP_NONE); /* woken anew */
    port = acpi_port(h, &self);
    ck_assert_uint_eq(harness_vm_wake_reset(h), 1);
    ck_assert_uint_eq(port->sleep_state(self), 0);
    ck_assert_uint_eq(harness_in16(h, STS), 0x8500);
    ck_assert_uint_eq(harness_in16(h, EN), 0x500);
    ck_assert_uint_eq(harness_in16(h, CNT), 0);
    ck_assert_uint_eq(harness_in8(h, GPE + 2), 0x04);
    ck_assert_uint_eq(harness_in32(h, PM + 0x34), 0x7fffbfff);
    ck_assert_uint_eq(harness_cmos_get(h, 0x0f), 0xfe);
    ck_assert_uint_eq(harness_irq_level(h, SCI), 0);
    /* Any other reset keeps nothing. */
    go_to_sleep(h, 1);
    harness_cmos_put(h, 0x0f, 0);
    harness_reset(h);
    ck_assert_uint_eq(port->sleep_state(self), 0);
    ck_assert_uint_eq(harness_in16(h, STS), 0);
    ck_assert_uint_eq(harness_cmos_get(h, 0x0f), 0);
    harness_free(h);
}
END_TEST

START_TEST(global_lock_and_summaries)
{
    Harness *h = harness_new("acpi", NULL);
    harness_out16(h, CNT, 0x0004); /* GBL_RLS: BIOS_STS */
    ck_assert_uint_eq(harness_in16(h, CNT), 0);
    ck_assert_uint_eq(harness_in16(h, PM + 0x18), 0x01);
    harness_out16(h, PM + 0x18, 0x01);
    harness_out32(h, PM + 0x28, 0x02); /* BIOS_RLS: GBL_STS */
    ck_assert_uint_eq(harness_in32(h, PM + 0x28), 0);
    ck_assert_uint_eq(harness_in16(h, STS), 0x20);
    ck_assert_uint_eq(harness_in16(h, PM + 0x18), 0);
    harness_out16(h, EN, 0x20);
    ck_assert_uint_eq(harness_in16(h, PM + 0x18), 0x40); /* PM1_STS: an enabled one */
    harness_out16(h, EN, 0);
    harness_out8(h, 0xb2, 0x55); /* APM_STS */
    ck_assert_uint_eq(harness_in16(h, PM + 0x18), 0x20);
    ck_assert_uint_eq(harness_in8(h, PM + 0x14), 0); /* PLVL2 */
    harness_out32(h, PM + 0x10, 0xffffffff);
    ck_assert_uint_eq(harness_in32(h, PM + 0x10), 0x00023e1e);
    harness_free(h);
}
END_TEST

START_TEST(gpe_block)
{
    Harness *h = harness_new("acpi", NULL);
    harness_out16(h, GPE + 2, 0xa55a);
    ck_assert_uint_eq(harness_in16(h, GPE + 2), 0xa55a);
    harness_out16(h, GPE, 0xffff);
    ck_assert_uint_eq(harness_in16(h, GPE), 0);
    harness_save_load(h);
    ck_assert_uint_eq(harness_in8(h, GPE + 3), 0xa5);
    harness_free(h);
}
END_TEST

/* One transaction: the host's status, cleared again. */
static unsigned smbus(Harness *h, unsigned protocol, unsigned address, unsigned read,
                      unsigned command)
{
    harness_out8(h, 0x703, (uint8_t)command);
    harness_out8(h, 0x704, (uint8_t)(address << 1 | read));
    harness_out8(h, 0x702, (uint8_t)(0x40 | protocol << 2));
    unsigned status = harness_in8(h, 0x700);
    harness_out8(h, 0x700, 0x1e);
    return status;
}

static Harness *smbus_new(uint64_t ram_bytes)
{
    Harness *h = harness_create();
    harness_ram_size(h, ram_bytes);
    ck_assert_int_eq(harness_start(h, "acpi", NULL), VIV_OK);
    ck_assert(!harness_port_mapped(h, 0x700));
    harness_cfg_write(h, 0, 0x90, 0x700, 4);
    harness_cfg_write(h, 0, 0xd2, 0x09, 1);
    return h;
}

START_TEST(smbus_without_a_device)
{
    Harness *h = smbus_new(64 << 20);
    ck_assert_uint_eq(harness_in8(h, 0x700), 0);
    for (unsigned protocol = 0; protocol < 8; protocol++)
        ck_assert_uint_eq(smbus(h, protocol, 0x51, 1, 0), 0x04);
    harness_out8(h, 0x704, 0xa3);
    harness_out8(h, 0x702, 0x48);
    ck_assert_uint_eq(harness_irq_level(h, SCI), 0);
    harness_out8(h, 0x702, 0x49); /* with interrupt */
    ck_assert_uint_eq(harness_irq_level(h, SCI), 1);
    harness_save_load(h);
    ck_assert_uint_eq(harness_irq_level(h, SCI), 1);
    harness_out8(h, 0x700, 0x1e);
    ck_assert_uint_eq(harness_in8(h, 0x700), 0);
    ck_assert_uint_eq(harness_irq_level(h, SCI), 0);
    harness_out8(h, 0x702, 0x02); /* kill */
    ck_assert_uint_eq(harness_in8(h, 0x700), 0x10);
    /* The block buffer: 32 bytes round, rewound by reading the control register. */
    harness_in8(h, 0x702);
    for (unsigned i = 0; i < 33; i++)
        harness_out8(h, 0x707, (uint8_t)i);
    harness_in8(h, 0x702);
    ck_assert_uint_eq(harness_in8(h, 0x707), 32);
    ck_assert_uint_eq(harness_in8(h, 0x707), 1);
    harness_free(h);
}
END_TEST

START_TEST(smbus_protocols)
{
    Harness *h = smbus_new(64 << 20);
    ck_assert_uint_eq(smbus(h, 0, 0x50, 0, 0), 0x02); /* quick */
    ck_assert_uint_eq(smbus(h, 0, 0x50, 1, 0), 0x02);
    ck_assert_uint_eq(smbus(h, 2, 0x50, 1, 2), 0x02); /* byte data: the type */
    ck_assert_uint_eq(harness_in8(h, 0x705), 0x04);
    ck_assert_uint_eq(smbus(h, 1, 0x50, 1, 0), 0x02); /* byte: the next one */
    ck_assert_uint_eq(harness_in8(h, 0x705), 11);     /* 64 MiB: 23 address bits */
    ck_assert_uint_eq(smbus(h, 1, 0x50, 0, 0), 0x02); /* send byte: its address counter */
    harness_save_load(h);
    ck_assert_uint_eq(smbus(h, 1, 0x50, 1, 0x77), 0x02);
    ck_assert_uint_eq(harness_in8(h, 0x705), 128);
    ck_assert_uint_eq(smbus(h, 3, 0x50, 1, 1), 0x02); /* word data */
    ck_assert_uint_eq(harness_in8(h, 0x705), 8);
    ck_assert_uint_eq(harness_in8(h, 0x706), 4);
    ck_assert_uint_eq(smbus(h, 5, 0x50, 1, 1), 0x02); /* block: eight bytes from 2 on */
    ck_assert_uint_eq(harness_in8(h, 0x705), 8);
    harness_in8(h, 0x702);
    ck_assert_uint_eq(harness_in8(h, 0x707), 4);
    ck_assert_uint_eq(smbus(h, 5, 0x50, 1, 0), 0x04); /* 128 is no length */
    ck_assert_uint_eq(smbus(h, 2, 0x50, 0, 2), 0x04); /* write-protected */
    ck_assert_uint_eq(smbus(h, 2, 0x50, 1, 2), 0x02);
    ck_assert_uint_eq(harness_in8(h, 0x705), 0x04);
    ck_assert_uint_eq(smbus(h, 2, 0x50, 1, 255), 0x02); /* the counter wraps */
    ck_assert_uint_eq(smbus(h, 1, 0x50, 1, 0), 0x02);
    ck_assert_uint_eq(harness_in8(h, 0x705), 128);
    ck_assert_uint_ge(harness_stam(h, "SMBusTransactions"), 8);
    harness_free(h);
}
END_TEST

/* The size by the addresses that the module takes, as memory tools work it out. */
static uint64_t spd_mib(Harness *h, unsigned address)
{
    uint8_t spd[64];
    uint8_t sum = 0;
    for (unsigned i = 0; i < 64; i++) {
        if (smbus(h, 2, address, 1, i) != 0x02)
            return 0;
        spd[i] = (uint8_t)harness_in8(h, 0x705);
        sum = (uint8_t)(sum + (i < 63 ? spd[i] : 0));
    }
    ck_assert_uint_eq(sum, spd[63]);
    uint64_t ranks = spd[2] == 8 ? (spd[5] & 7u) + 1u : spd[5];
    unsigned bits = spd[3] + spd[4];
    uint64_t rank = (8ull << bits) * spd[17] >> 20;
    unsigned density = 0;
    for (density = 0; !(spd[31] >> density & 1); density++) {
    }
    if (spd[2] == 8)
        ck_assert_uint_eq(rank, density < 5 ? 1024u << density : 128u << (density - 5));
    else
        ck_assert_uint_eq(rank, 4u << density);
    return rank * ranks;
}

START_TEST(modules_make_up_the_memory)
{
    static const uint64_t sizes[] = {4,   16,  48,   64,   100,  128,   256,   384,
                                     512, 640, 1024, 3072, 6144, 16384, 65536, 200u << 10};
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        Harness *h = smbus_new(sizes[i] << 20);
        uint64_t sum = 0;
        for (unsigned module = 0; module < 8; module++)
            sum += spd_mib(h, 0x50 + module);
        ck_assert_uint_eq(sum, sizes[i]);
        harness_free(h);
    }
}
END_TEST

/* -- what the DSDT asks ---------------------------------------------------------------------- */

static uint32_t info(Harness *h, uint32_t index)
{
    harness_out32(h, 0xaff0, index);
    return harness_in32(h, 0xaff4);
}

static viv_power_t test_power;
static void test_power_get(void *self, viv_power_t *ret)
{
    (void)self;
    ck_assert_uint_eq(ret->size, sizeof(*ret));
    *ret = test_power;
}
static const viv_acpi_host_ops_t test_host = {.size = sizeof(test_host), .power = test_power_get};

START_TEST(power_supply_of_the_driver)
{
    void *self;
    Harness *h = harness_new("acpi", NULL);
    ck_assert_uint_eq(info(h, 0), 1); /* on mains, no objects */
    ck_assert(harness_next_deadline(h) == UINT64_MAX);
    harness_free(h);

    test_power =
        (viv_power_t){sizeof(test_power), 3, 2, 9000, 20000, 12500, 60000, 50000, 11100, 42};
    h = harness_create();
    harness_lun_iface(h, 0, VIV_ACPI_HOST_ID, &test_host, NULL);
    ck_assert_int_eq(harness_start(h, "acpi", NULL), VIV_OK);
    static const uint32_t expected[] = {7,     2,     9000, 20000, 12500, 60000,
                                        50000, 11100, 42,   5000,  1515,  0};
    for (uint32_t i = 0; i < 12; i++)
        ck_assert_uint_eq(info(h, i), expected[i]);
    acpi_enable(h);
    harness_out8(h, GPE + 2, 0x01);
    harness_advance_ns(h, 6 * SECOND);
    ck_assert_uint_eq(harness_in8(h, GPE), 0); /* no change */
    test_power.sources = VIV_POWER_BATTERY;
    test_power.state = VIV_POWER_DISCHARGING;
    harness_save_load(h);
    harness_advance_ns(h, 6 * SECOND);
    test_power.full_mwh = VIV_POWER_UNKNOWN;
    harness_advance_ns(h, 6 * SECOND);
    ck_assert_uint_eq(harness_in8(h, GPE), 0x01);
    ck_assert_uint_eq(harness_irq_level(h, SCI), 1);
    harness_out8(h, GPE, 0x01);
    ck_assert_uint_eq(harness_irq_level(h, SCI), 0);
    test_power.cycles++;
    ck_assert_uint_eq(info(h, 0), 6); /* a change that the guest finds by itself is an event too */
    ck_assert_uint_eq(info(h, 9), UINT32_MAX);
    ck_assert_uint_eq(harness_irq_level(h, SCI), 1);
    harness_out8(h, GPE, 0x01);
    test_power.remaining_mwh--;
    const viv_acpi_port_ops_t *port = acpi_port(h, &self);
    port->power_changed(self);
    ck_assert_uint_eq(harness_irq_level(h, SCI), 1);
    harness_free(h);

    h = harness_create();
    harness_lun_empty(h, 0);
    ck_assert_int_lt(harness_start(h, "acpi", NULL), 0);
    harness_free(h);
}
END_TEST

START_TEST(processors_and_drives)
{
    Harness *h = harness_create();
    harness_vm_cpus(h, 2);
    ck_assert_int_eq(harness_start(h, "acpi", NULL), VIV_OK);
    ck_assert_uint_eq(info(h, 0x40), 3);
    ck_assert_uint_eq(info(h, 0x41), 0);
    ck_assert_uint_eq(info(h, 0x42), 0);
    harness_cmos_put(h, 0x10, 0x45);
    ck_assert_uint_eq(info(h, 0x30), 0x45);
    harness_out32(h, 0xaff0, 0xfffffffe);
    harness_save_load(h);
    ck_assert_uint_eq(harness_in32(h, 0xaff0), 0xfffffffe);
    ck_assert_uint_eq(harness_in32(h, 0xaff4), 0);
    harness_free(h);
}
END_TEST

START_TEST(bad_configuration)
{
    static const char *const bad[] = {"PMTimerBits=25", "PMBase=0x610",
                                      "CustomTable0=/nonexistent"};
    viv_status_t st;
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_ptr_null(harness_try_new("acpi", bad[i], &st));
        ck_assert_int_lt(st, 0);
    }
    harness_construct_failures("acpi", NULL);
    Harness *h = harness_create();
    harness_vm_file(h, "short.aml", "SSDTxxxx", 8);
    ck_assert_int_eq(harness_start(h, "acpi", "CustomTable0=short.aml"), VIV_E_CONFIG);
    harness_free(h);
}
END_TEST

/* -- tables: a loader like the firmware's ---------------------------------------------------- */

typedef struct Placed {
    const char *name;
    uint8_t *data;
    size_t len;
    uint64_t gpa;
} Placed;

static Placed placed[2];
static unsigned placed_count;

static uint32_t le(const uint8_t *p, unsigned n)
{
    uint32_t v = 0;
    for (unsigned i = 0; i < n; i++)
        v |= (uint32_t)p[i] << (8 * i);
    return v;
}

static Placed *find(const char *name)
{
    for (unsigned i = 0; i < placed_count; i++)
        if (!strcmp(placed[i].name, name))
            return &placed[i];
    ck_abort_msg("the script names %s before it is placed", name);
    return NULL;
}

static void run_entry(Harness *h, const uint8_t *e)
{
    const char *name = (const char *)e + 4;
    if (le(e, 4) == 1) {
        size_t len;
        const uint8_t *data = harness_fwfile(h, name, &len);
        ck_assert_ptr_nonnull(data);
        Placed *p = &placed[placed_count];
        *p = (Placed){name, malloc(len), len, placed_count ? 0x3ff0000 : 0xf0000};
        ck_assert_uint_eq(p->gpa % le(e + 60, 4), 0);
        ck_assert_uint_eq(e[64], placed_count ? 1 : 2);
        memcpy(p->data, data, len);
        placed_count++;
    } else if (le(e, 4) == 2) {
        Placed *dest = find(name), *src = find((const char *)e + 60);
        uint32_t off = le(e + 116, 4), size = e[120];
        ck_assert(off + size <= dest->len && (size == 4 || size == 8));
        uint32_t value = le(dest->data + off, 4);
        ck_assert_uint_lt(value, src->len);
        value += (uint32_t)src->gpa;
        memcpy(dest->data + off, &value, 4);
    } else {
        ck_assert_uint_eq(le(e, 4), 3);
        Placed *p = find(name);
        uint32_t off = le(e + 60, 4), start = le(e + 64, 4), len = le(e + 68, 4);
        ck_assert(off < p->len && start + len <= p->len);
        ck_assert_uint_eq(p->data[off], 0);
        uint8_t sum = 0;
        for (uint32_t i = 0; i < len; i++)
            sum = (uint8_t)(sum + p->data[start + i]);
        p->data[off] = (uint8_t)-sum;
    }
}

static void run_script(Harness *h)
{
    size_t len;
    const uint8_t *script = harness_fwfile(h, "etc/table-loader", &len);
    ck_assert_ptr_nonnull(script);
    ck_assert_uint_eq(len % 128, 0);
    placed_count = 0;
    for (size_t off = 0; off < len; off += 128)
        run_entry(h, script + off);
    ck_assert_uint_eq(placed_count, 2);
}

static void script_free(void)
{
    for (unsigned i = 0; i < placed_count; i++)
        free(placed[i].data);
}

static const uint8_t *at_gpa(uint32_t gpa)
{
    ck_assert(gpa >= placed[1].gpa && gpa + 36 <= placed[1].gpa + placed[1].len);
    return placed[1].data + (gpa - placed[1].gpa);
}

static void check_sum(const uint8_t *p, uint32_t len)
{
    uint8_t sum = 0;
    for (uint32_t i = 0; i < len; i++)
        sum = (uint8_t)(sum + p[i]);
    ck_assert_uint_eq(sum, 0);
}

/* The n-th table with that signature in the RSDT; the XSDT must agree. */
static const uint8_t *table(const char *signature, unsigned n)
{
    const uint8_t *rsdp = placed[0].data;
    const uint8_t *rsdt = at_gpa(le(rsdp + 16, 4));
    const uint8_t *xsdt = at_gpa(le(rsdp + 24, 4));
    uint32_t count = (le(rsdt + 4, 4) - 36) / 4;
    ck_assert_mem_eq(rsdp, "RSD PTR ", 8);
    check_sum(rsdp, 20);
    check_sum(rsdp, 36);
    check_sum(rsdt, le(rsdt + 4, 4));
    check_sum(xsdt, le(xsdt + 4, 4));
    ck_assert_uint_eq((le(xsdt + 4, 4) - 36) / 8, count);
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *t = at_gpa(le(rsdt + 36 + 4 * i, 4));
        ck_assert_uint_eq(le(xsdt + 36 + 8 * i, 4), le(rsdt + 36 + 4 * i, 4));
        check_sum(t, le(t + 4, 4));
        if (!memcmp(t, signature, 4) && n-- == 0)
            return t;
    }
    return NULL;
}

/* Leaves the tables as files, for iasl -d: VIV_ACPI_DUMP names a folder. */
static void dump(const char *name, const uint8_t *t)
{
    const char *dir = getenv("VIV_ACPI_DUMP");
    char path[512];
    if (!dir)
        return;
    snprintf(path, sizeof(path), "%s/%s.aml", dir, name);
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    fwrite(t, 1, le(t + 4, 4), f);
    fclose(f);
}

START_TEST(tables_of_a_two_processor_machine)
{
    Harness *h = harness_create();
    harness_vm_cpus(h, 2);
    harness_ram_size(h, 6ull << 30);
    harness_vm_has_device(h, "apic");
    harness_vm_has_device(h, "ioapic");
    ck_assert_int_eq(harness_start(h, "acpi", "AcpiOemId=ACME"), VIV_OK);
    run_script(h);

    const uint8_t *fadt = table("FACP", 0);
    ck_assert_ptr_nonnull(fadt);
    ck_assert_mem_eq(fadt + 10, "ACME  ", 6);
    const uint8_t *facs = at_gpa(le(fadt + 36, 4));
    ck_assert_mem_eq(facs, "FACS", 4);
    ck_assert_uint_eq(le(fadt + 36, 4) % 64, 0);
    const uint8_t *dsdt = at_gpa(le(fadt + 40, 4));
    ck_assert_mem_eq(dsdt, "DSDT", 4);
    check_sum(dsdt, le(dsdt + 4, 4));
    ck_assert_uint_eq(le(fadt + 140, 4), le(fadt + 40, 4));
    ck_assert_uint_eq(le(fadt + 56, 4), STS);
    ck_assert_uint_eq(le(fadt + 76, 4), TMR);
    ck_assert_uint_eq(le(fadt + 80, 4), GPE);
    /* What the tables say works. */
    harness_out8(h, le(fadt + 48, 4), fadt[52]);
    ck_assert_uint_eq(harness_in16(h, le(fadt + 64, 4)) & 1, 1);

    const uint8_t *madt = table("APIC", 0);
    ck_assert_ptr_nonnull(madt);
    unsigned cpus = 0, overrides = 0, ioapics = 0;
    for (const uint8_t *p = madt + 44; p < madt + le(madt + 4, 4); p += p[1]) {
        ck_assert_uint_ge(p[1], 6);
        cpus += p[0] == 0;
        ioapics += p[0] == 1;
        overrides += p[0] == 2;
    }
    ck_assert_uint_eq(cpus, 2);
    ck_assert_uint_eq(ioapics, 1);
    ck_assert_uint_eq(overrides, 5);
    ck_assert_ptr_null(table("HPET", 0));

    /* Name (PMLO, 0xC0000000): 3 GiB of low RAM in the harness. */
    static const uint8_t pmlo[] = {0x08, 'P', 'M', 'L', 'O', 0x0c, 0, 0, 0, 0xc0};
    ck_assert_ptr_nonnull(memmem(dsdt, le(dsdt + 4, 4), pmlo, sizeof(pmlo)));
    dump("dsdt", dsdt);
    dump("facp", fadt);
    dump("facs", facs);
    dump("apic", madt);
    dump("ssdt", table("SSDT", 0));
    dump("rsdt", at_gpa(le(placed[0].data + 16, 4)));
    dump("xsdt", at_gpa(le(placed[0].data + 24, 4)));
    script_free();
    harness_free(h);
}
END_TEST

/* The firmware puts the block where it likes before it reads the tables. */
START_TEST(tables_follow_the_pm_block)
{
    static const uint8_t there[] = {0x08, 'P', 'M', 'B', 'S', 0x0c, 0x00, 0xb0, 0, 0};
    Harness *h = harness_new("acpi", "PMBasePreset=0");
    size_t before, after;
    harness_fwfile(h, "etc/acpi/tables", &before);
    for (int round = 0; round < 2; round++) {
        harness_cfg_write(h, 0, 0x40, 0xb000, 4);
        harness_cfg_write(h, 0, 0x80, 1, 1);
        harness_fwfile(h, "etc/acpi/tables", &after);
        ck_assert_uint_eq(before, after);
        run_script(h);
        const uint8_t *fadt = table("FACP", 0);
        ck_assert_uint_eq(le(fadt + 56, 4), 0xb000);
        ck_assert_uint_eq(le(fadt + 152, 4), 0xb000);
        ck_assert_uint_eq(le(fadt + 212, 4), 0xb008);
        const uint8_t *dsdt = at_gpa(le(fadt + 40, 4));
        ck_assert_ptr_nonnull(memmem(dsdt, le(dsdt + 4, 4), there, sizeof(there)));
        script_free();
        if (round)
            break;
        harness_reset(h);
        run_script(h);
        ck_assert_uint_eq(le(table("FACP", 0) + 56, 4), PM);
        script_free();
    }
    harness_save_load(h);
    run_script(h);
    ck_assert_uint_eq(le(table("FACP", 0) + 56, 4), 0xb000);
    script_free();
    harness_free(h);
}
END_TEST

START_TEST(tables_with_extras)
{
    uint8_t custom[40] = "SLIC\x28";
    Harness *h = harness_create();
    harness_ram_size(h, 64ull << 20);
    harness_vm_has_device(h, "i82078");
    harness_vm_has_device(h, "hpet");
    harness_vm_file(h, "slic.bin", custom, sizeof(custom));
    ck_assert_int_eq(harness_start(h, "acpi", "CustomTable1=slic.bin,PMTimerBits=32"), VIV_OK);
    run_script(h);
    ck_assert_ptr_nonnull(table("SLIC", 0));
    ck_assert_ptr_null(table("APIC", 0)); /* no APICs, no MADT */
    const uint8_t *fadt = table("FACP", 0);
    ck_assert_uint_eq(le(fadt + 112, 4) & 0x100, 0x100);
    const uint8_t *dsdt = at_gpa(le(fadt + 40, 4));
    static const uint8_t devs[] = {0x08, 'D', 'E', 'V', 'S', 0x0c, 3, 0, 0, 0};
    static const uint8_t pmlo[] = {0x08, 'P', 'M', 'L', 'O', 0x0c, 0, 0, 0, 4};
    const uint8_t *hpet = table("HPET", 0);
    ck_assert_ptr_nonnull(hpet);
    ck_assert_uint_eq(le(hpet + 4, 4), 56);
    ck_assert_uint_eq(le(hpet + 36, 4), 0xffffffff); /* what is there in this machine: nothing */
    ck_assert_uint_eq(le(hpet + 44, 4), 0xfed00000);
    dump("hpet", hpet);
    ck_assert_ptr_nonnull(memmem(dsdt, le(dsdt + 4, 4), devs, sizeof(devs)));
    ck_assert_uint_eq(le(fadt + 109, 2), 0x15); /* legacy devices, no VGA, no ASPM; no 8042 */
    size_t len;
    const uint8_t *states = harness_fwfile(h, "etc/system-states", &len);
    ck_assert_uint_eq(len, 6);
    ck_assert_uint_eq(states[3], 0x81);
    dump("waet", table("WAET", 0));
    ck_assert_ptr_nonnull(memmem(dsdt, le(dsdt + 4, 4), pmlo, sizeof(pmlo)));
    script_free();
    harness_free(h);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("acpi");
    TCase *regs = tcase_create("registers");
    tcase_add_test(regs, identity_and_reset_values);
    tcase_add_test(regs, pm_block_moves);
    tcase_add_test(regs, pm_block_on_other_ports_stays_away);
    tcase_add_test(regs, acpi_mode_by_command_port);
    tcase_add_test(regs, timer_runs_at_its_rate);
    tcase_add_test(regs, timer_status_at_every_toggle_of_the_top_bit);
    tcase_add_test(regs, power_button_raises_sci);
    tcase_add_test(regs, soft_off_and_other_sleeps);
    tcase_add_test(regs, gpe_block);
    tcase_add_test(regs, standby_until_an_event);
    tcase_add_test(regs, buttons_and_the_user_wake);
    tcase_add_test(regs, memory_sleep_keeps_the_resume_well);
    tcase_add_test(regs, global_lock_and_summaries);
    tcase_add_test(regs, smbus_without_a_device);
    tcase_add_test(regs, smbus_protocols);
    tcase_add_test(regs, modules_make_up_the_memory);
    tcase_add_test(regs, power_supply_of_the_driver);
    tcase_add_test(regs, processors_and_drives);
    tcase_add_test(regs, bad_configuration);
    suite_add_tcase(s, regs);
    TCase *tables = tcase_create("tables");
    tcase_add_test(tables, tables_of_a_two_processor_machine);
    tcase_add_test(tables, tables_with_extras);
    tcase_add_test(tables, tables_follow_the_pm_block);
    suite_add_tcase(s, tables);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
