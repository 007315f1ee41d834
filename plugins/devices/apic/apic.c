/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* apic: the local APICs of all vCPUs, xAPIC and x2APIC.
 * The guest sees a register page at FEE00000h (or wherever IA32_APIC_BASE puts it), MSRs 800h-83Fh
 * in x2APIC mode and IA32_TSC_DEADLINE. Version 14h, seven LVT entries, EOI broadcast suppression.
 * Follows: Intel SDM volume 3A, chapter 11.
 * After reset LINT0 of the boot processor is an unmasked ExtINT and LINT1 an NMI (key VirtualWire),
 * as if firmware had set virtual wire mode already: what KVM and QEMU do with LINT0, so that the PIC
 * works before or without firmware that knows of APICs.
 * Not modelled: sources of the thermal, performance and CMCI entries; focus processors. */
#include "apic_priv.h"

#include <stdio.h>

static const viv_option_t apic_options[] = {
    VIV_OPT_NAMED(Apic, "NumCPUs", cpu_count, VIV_U32, 0, APIC_MAX_CPUS, 0,
                  "0: what the machine has; any other number must be that too"),
    VIV_OPT_NAMED(Apic, "Mode", mode, VIV_U8, 1, 3, 3,
                  "1 no APIC at all, 2 xAPIC only, 3 x2APIC can be enabled"),
    VIV_OPT_NAMED(Apic, "VirtualWire", virtual_wire, VIV_BOOL, 0, 1, 1,
                  "LINT0 of the boot processor is an unmasked ExtINT after reset and INIT, LINT1 "
                  "an unmasked NMI"),
    {0},
};

static const viv_field_t apic_cpu_state[] = {
    VIV_FIELD(ApicCpu, base, VIV_U64, 1),
    VIV_FIELD(ApicCpu, tpr, VIV_U32, 1),
    VIV_FIELD(ApicCpu, ldr, VIV_U32, 1),
    VIV_FIELD(ApicCpu, dfr, VIV_U32, 1),
    VIV_FIELD(ApicCpu, svr, VIV_U32, 1),
    VIV_FIELD(ApicCpu, esr, VIV_U32, 1),
    VIV_FIELD(ApicCpu, esr_pending, VIV_U32, 1),
    VIV_FIELD(ApicCpu, icr_lo, VIV_U32, 1),
    VIV_FIELD(ApicCpu, icr_hi, VIV_U32, 1),
    VIV_FIELD_ARRAY(ApicCpu, isr, VIV_U32, 1),
    VIV_FIELD_ARRAY(ApicCpu, irr, VIV_U32, 1),
    VIV_FIELD_ARRAY(ApicCpu, tmr, VIV_U32, 1),
    VIV_FIELD_ARRAY(ApicCpu, lvt, VIV_U32, 1),
    VIV_FIELD(ApicCpu, timer_initial, VIV_U32, 1),
    VIV_FIELD(ApicCpu, timer_divide, VIV_U32, 1),
    VIV_FIELD(ApicCpu, timer_first, VIV_U32, 1),
    VIV_FIELD(ApicCpu, timer_start_ns, VIV_U64, 1),
    VIV_FIELD(ApicCpu, tsc_deadline, VIV_U64, 1),
    VIV_FIELD_ARRAY(ApicCpu, pin, VIV_U8, 1),
    VIV_FIELD(ApicCpu, ext_message, VIV_U8, 1),
    VIV_FIELD(ApicCpu, id, VIV_U32, 2),
    VIV_FIELD(ApicCpu, rrd, VIV_U32, 2),
    {0},
};

static const viv_field_t apic_state[] = {
    VIV_FIELD(Apic, lowest_next, VIV_U32, 1),
    VIV_FIELD_STRUCTS(Apic, cpu, apic_cpu_state, 1),
    {0},
};

/* -- register pages -------------------------------------------------------------------------- */

static const viv_io_ops_t apic_mmio_ops = {
    .size = sizeof(viv_io_ops_t),
    .widths = VIV_W32,
    .flags = VIV_IO_WIDEN,
    .read = apic_mmio_read,
    .write = apic_mmio_write,
};

static ApicPage *apic_page_find(Apic *apic, uint64_t gpa)
{
    for (uint32_t i = 0; i <= APIC_MAX_CPUS; i++) {
        if (apic->page[i].apic && apic->page[i].gpa == gpa)
            return &apic->page[i];
    }
    return NULL;
}

static int apic_page_wanted(const Apic *apic, uint64_t gpa)
{
    for (uint32_t i = 0; i < apic->cpu_count; i++) {
        const ApicCpu *cpu = &apic->cpu[i];
        if (cpu->base & APIC_BASE_EN && !apic_is_x2(cpu) && (cpu->base & APIC_BASE_ADDR) == gpa)
            return 1;
    }
    return 0;
}

static viv_status_t apic_page_map(Apic *apic, uint64_t gpa)
{
    for (uint32_t i = 0; i <= APIC_MAX_CPUS; i++) {
        ApicPage *page = &apic->page[i];
        if (page->apic)
            continue;
        page->gpa = gpa;
        page->apic = apic;
        viv_status_t st = apic->dev->api->mmio_map(apic->dev, gpa, APIC_PAGE_BYTES, &apic_mmio_ops,
                                                   page, "local APIC", &page->range);
        if (st != VIV_OK)
            page->apic = NULL;
        return st;
    }
    return VIV_E_FULL;
}

viv_status_t apic_pages_sync(Apic *apic)
{
    for (uint32_t i = 1; i <= APIC_MAX_CPUS; i++) {
        ApicPage *page = &apic->page[i];
        if (page->apic && !apic_page_wanted(apic, page->gpa)) {
            apic->dev->api->range_unmap(apic->dev, page->range);
            page->range = NULL;
            page->apic = NULL;
        }
    }
    for (uint32_t i = 0; i < apic->cpu_count; i++) {
        uint64_t gpa = apic->cpu[i].base & APIC_BASE_ADDR;
        if (apic_page_wanted(apic, gpa) && !apic_page_find(apic, gpa)) {
            viv_status_t st = apic_page_map(apic, gpa);
            if (st != VIV_OK)
                return st;
        }
    }
    return VIV_OK;
}

/* -- the role; [any, chipset lock held] ------------------------------------------------------ */

static uint32_t apic_role_deliver(viv_dev_t *dev, void *self, uint32_t dest, uint32_t dest_logical,
                                  uint32_t delivery_mode, uint32_t vector, uint32_t level_triggered)
{
    (void)dev;
    return apic_bus_deliver(self, dest, dest_logical, delivery_mode, vector, level_triggered);
}

static void apic_role_local_pin(viv_dev_t *dev, void *self, uint32_t vcpu, uint32_t pin,
                                uint32_t level)
{
    Apic *apic = self;
    (void)dev;
    if (vcpu < apic->cpu_count && pin < 2)
        apic_pin_set(&apic->cpu[vcpu], pin, level);
}

static uint32_t apic_role_acknowledge(viv_dev_t *dev, void *self, uint32_t vcpu,
                                      uint8_t *ret_vector)
{
    Apic *apic = self;
    (void)dev;
    return vcpu < apic->cpu_count ? apic_take(&apic->cpu[vcpu], ret_vector) : 0;
}

static uint64_t apic_role_base_get(viv_dev_t *dev, void *self, uint32_t vcpu)
{
    const Apic *apic = self;
    (void)dev;
    return vcpu < apic->cpu_count ? apic->cpu[vcpu].base : 0;
}

static viv_status_t apic_role_base_set(viv_dev_t *dev, void *self, uint32_t vcpu, uint64_t value)
{
    Apic *apic = self;
    (void)dev;
    return vcpu < apic->cpu_count ? apic_base_write(&apic->cpu[vcpu], value) : VIV_E_INVALID;
}

static uint32_t apic_role_tpr_get(viv_dev_t *dev, void *self, uint32_t vcpu)
{
    const Apic *apic = self;
    (void)dev;
    return vcpu < apic->cpu_count ? apic->cpu[vcpu].tpr : 0;
}

static void apic_role_tpr_set(viv_dev_t *dev, void *self, uint32_t vcpu, uint32_t tpr)
{
    Apic *apic = self;
    (void)dev;
    if (vcpu >= apic->cpu_count)
        return;
    apic->cpu[vcpu].tpr = tpr & 0xffu;
    apic_update(&apic->cpu[vcpu]);
}

static void apic_role_vcpu_init(viv_dev_t *dev, void *self, uint32_t vcpu)
{
    Apic *apic = self;
    (void)dev;
    if (vcpu < apic->cpu_count)
        apic_regs_reset(&apic->cpu[vcpu]);
}

static void apic_role_tsc_changed(viv_dev_t *dev, void *self)
{
    Apic *apic = self;
    (void)dev;
    for (uint32_t i = 0; i < apic->cpu_count; i++)
        apic_timer_tsc_changed(&apic->cpu[i]);
}

static const viv_apic_ops_t apic_role = {
    .size = sizeof(viv_apic_ops_t),
    .deliver = apic_role_deliver,
    .local_pin = apic_role_local_pin,
    .acknowledge = apic_role_acknowledge,
    .base_get = apic_role_base_get,
    .base_set = apic_role_base_set,
    .tpr_get = apic_role_tpr_get,
    .tpr_set = apic_role_tpr_set,
    .msr_read = apic_msr_read,
    .msr_write = apic_msr_write,
    .vcpu_init = apic_role_vcpu_init,
    .tsc_changed = apic_role_tsc_changed,
};

/* -- life ------------------------------------------------------------------------------------ */

static void apic_reset(viv_dev_t *dev, void *self)
{
    Apic *apic = self;
    (void)dev;

    if (apic->mode == 1)
        return;
    apic->lowest_next = 0;
    for (uint32_t i = 0; i < apic->cpu_count; i++) {
        ApicCpu *cpu = &apic->cpu[i];
        cpu->base = APIC_DEFAULT_BASE | APIC_BASE_EN | (i == 0 ? APIC_BASE_BSP : 0);
        cpu->id = i;
        cpu->rrd = 0;
        cpu->pin[1] = 0; /* nobody drives NMI any more; LINT0 the PIC says anew */
        apic_regs_reset(cpu);
    }
    apic_pages_sync(apic); /* only unmaps: the default page is always there */
}

static void apic_cpu_validate(ApicCpu *cpu)
{
    cpu->base &= APIC_BASE_ADDR | APIC_BASE_EN | APIC_BASE_EXTD | APIC_BASE_BSP;
    if (!(cpu->base & APIC_BASE_EN) || cpu->apic->mode < 3)
        cpu->base &= ~APIC_BASE_EXTD;
    cpu->id &= 0xffu;
    if (apic_is_x2(cpu))
        cpu->ldr = apic_x2_ldr(cpu);
    cpu->tpr &= 0xffu;
    cpu->svr &= APIC_SVR_WMASK;
    cpu->dfr |= 0x0fffffffu;
    cpu->timer_divide &= 0xbu;
    cpu->isr[0] &= 0xffff0000u; /* invariant 2 */
    cpu->irr[0] &= 0xffff0000u;
    for (uint32_t i = 0; i < APIC_LVT_COUNT; i++)
        cpu->lvt[i] &= apic_lvt_wmask(i) | (i == APIC_LVT_LINT0 ? APIC_LVT_REMOTE_IRR : 0);
    cpu->pin[0] = cpu->pin[0] != 0;
    cpu->pin[1] = cpu->pin[1] != 0;
    cpu->ext_message = cpu->ext_message != 0;
}

static viv_status_t apic_post_load(viv_dev_t *dev, void *self, uint32_t version)
{
    Apic *apic = self;
    uint64_t now = dev->api->time_ns(dev);
    (void)version;

    if (apic->mode == 1)
        return VIV_OK;
    apic->lowest_next %= apic->cpu_count;
    for (uint32_t i = 0; i < apic->cpu_count; i++) {
        ApicCpu *cpu = &apic->cpu[i];
        apic_cpu_validate(cpu);
        if (cpu->timer_start_ns > now)
            cpu->timer_start_ns = now;
    }
    viv_status_t st = apic_pages_sync(apic);
    if (st != VIV_OK)
        return dev->api->fail(dev, VIV_E_CORRUPT,
                              "the saved IA32_APIC_BASE lies on another device");
    for (uint32_t i = 0; i < apic->cpu_count; i++) {
        ApicCpu *cpu = &apic->cpu[i];
        cpu->intr_level = cpu->ext_level =
            2; /* neither: the host has forgotten, tell it in any case */
        apic_update(cpu);
        apic_ext_update(cpu);
    }
    return VIV_OK;
}

static viv_status_t apic_cpus_construct(viv_dev_t *dev, Apic *apic)
{
    for (uint32_t i = 0; i < apic->cpu_count; i++) {
        ApicCpu *cpu = &apic->cpu[i];
        cpu->index = i;
        cpu->apic = apic;
        snprintf(cpu->timer_name, sizeof(cpu->timer_name), "timer %u", i % APIC_MAX_CPUS);
        viv_status_t st =
            dev->api->timer_create(dev, cpu->timer_name, apic_timer_expired, cpu, &cpu->timer);
        if (st != VIV_OK)
            return st;
    }
    return VIV_OK;
}

static viv_status_t apic_stats(viv_dev_t *dev, Apic *apic)
{
    viv_iface_t iface;
    viv_status_t st;

    if (dev->api->get_interface(dev, VIV_STAM_ID, sizeof(viv_stam_api_t), &iface) != VIV_OK)
        return VIV_OK;
    const viv_stam_api_t *stam = iface.ops;
    if ((st = stam->counter(dev, &apic->messages, "Messages", "times",
                            "Interrupt messages from APICs and the system bus")) != VIV_OK ||
        (st = stam->counter(dev, &apic->refused, "Refused", "times",
                            "Messages that no APIC took")) != VIV_OK)
        return st;
    return stam->counter(dev, &apic->errors, "Errors", "times", "Errors logged in an ESR");
}

static viv_status_t apic_construct(viv_dev_t *dev, void *self)
{
    Apic *apic = self;
    const viv_dev_api_t *api = dev->api;
    viv_iface_t chipset, vm;
    viv_status_t st;

    apic->dev = dev;
    if (apic->mode == 1)
        return VIV_OK;
    if ((st = api->get_interface(dev, VIV_CHIPSET_ID, sizeof(viv_chipset_api_t), &chipset)) !=
            VIV_OK ||
        (st = api->get_interface(dev, VIV_VM_ID, sizeof(viv_vm_api_t), &vm)) != VIV_OK)
        return api->fail(dev, st, "the host offers no chipset or no machine");
    apic->chipset = chipset.ops;

    uint32_t machine = ((const viv_vm_api_t *)vm.ops)->cpu_count(dev);
    if (!apic->cpu_count)
        apic->cpu_count = machine;
    if (apic->cpu_count != machine || !machine || machine > APIC_MAX_CPUS)
        return api->fail(dev, VIV_E_CONFIG,
                         "NumCPUs is %u, the machine has %u vCPUs (1 to %u are possible)",
                         apic->cpu_count, machine, APIC_MAX_CPUS);
    if ((st = apic_cpus_construct(dev, apic)) != VIV_OK)
        return st;
    if ((st = apic_page_map(apic, APIC_DEFAULT_BASE)) != VIV_OK ||
        (st = apic_stats(dev, apic)) != VIV_OK)
        return st;
    st = apic->chipset->provide_apic(dev, &apic_role, apic);
    return st == VIV_OK ? st : api->fail(dev, st, "the machine has local APICs already");
}

static const viv_device_class_t apic_class = {
    VIV_DEVICE_CLASS_HEAD,
    .name = "apic",
    .summary = "local APICs (xAPIC and x2APIC) of all vCPUs",
    .instance_size = sizeof(Apic),
    .state_version = 2,
    .max_instances = 1,
    .order = VIV_ORDER_PIC,
    .flags = VIV_DEV_CHIPSET_LOCK,
    .options = apic_options,
    .state = apic_state,
    .construct = apic_construct,
    .reset = apic_reset,
    .post_load = apic_post_load,
};

VIV_PLUGIN("org.vivarium.apic", "1.0", "LGPL-2.1-or-later", "Local APICs of all vCPUs",
           &apic_class);
