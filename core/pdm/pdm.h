/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PDM: device and driver instances, their locks, LUNs and chains, interfaces, IRQ lines, PCI,
 * roles, async completion. */
#ifndef CORE_PDM_H
#define CORE_PDM_H

#include <glib.h>
#include <viv/chipset.h>
#include <viv/device.h>
#include <viv/draft/engine.h>
#include <viv/driver.h>
#include <viv/interfaces.h>
#include <viv/isadma.h>
#include <viv/pci.h>

#include "cfgm/cfgm.h"
#include "log/error.h"
#include "ssm/ssm.h"

typedef struct Pdm Pdm;
struct Vm;

Pdm *pdm_new(struct Vm *vm);
/* Destructs instances in reverse order of construction. [main] */
void pdm_free(Pdm *pdm);

/* Constructs every Devices/<name>/<n> of the tree in order of class, then instance. [main] */
viv_status_t pdm_construct_all(Pdm *pdm, VivError *err);
viv_status_t pdm_power_on(Pdm *pdm, VivError *err);
void pdm_power_off(Pdm *pdm);
void pdm_suspend(Pdm *pdm);
void pdm_resume(Pdm *pdm);
void pdm_reset(Pdm *pdm); /* EMTs stand */
/* Waits until every async work is finished and its done() has been called. EMTs stand. [main or emt
 * 0] */
void pdm_drain(Pdm *pdm);
gboolean pdm_is_quiet(Pdm *pdm); /* nothing is in flight */

/* A unit for each device; load wants the same set of devices. EMTs stand. */
viv_status_t pdm_save(Pdm *pdm, SsmWriter *writer, VivError *err);
viv_status_t pdm_load(Pdm *pdm, SsmReader *reader, VivError *err);

/* An interface of a device's LUN ("viv.keyboard-port/1") for frontends: VIV_E_NOT_FOUND if there is
 * none. */
viv_status_t pdm_device_interface(Pdm *pdm, const char *device, uint32_t instance, uint32_t lun,
                                  const char *id, viv_iface_t *ret_iface);
/* An interface of a driver in the chain below the device's LUN. */
viv_status_t pdm_lun_interface(Pdm *pdm, const char *device, uint32_t instance, uint32_t lun,
                               const char *id, viv_iface_t *ret_iface);
/* What a driver at the bottom of the LUN's chain would find above it: a queue's or filter's port, or
 * the device's own. For frontends that feed a device. */
viv_status_t pdm_port_interface(Pdm *pdm, const char *device, uint32_t instance, uint32_t lun,
                                const char *id, viv_iface_t *ret_iface);
gboolean pdm_has_device(Pdm *pdm, const char *name);

/* -- drives whose medium can be changed (viv.mount/1), for frontends; [main], the machine may run -- */
#define PDM_MEDIUM_PATH 4096u
typedef struct PdmMedium {
    const char *device; /* borrowed */
    uint32_t instance, lun;
    uint32_t type; /* VIV_MEDIA_* */
    gboolean mounted, locked, open;
    char path[PDM_MEDIUM_PATH]; /* cut to fit; "" without a medium */
} PdmMedium;
typedef void (*PdmMediumFn)(const PdmMedium *medium, void *ctx);
void pdm_medium_each(Pdm *pdm, PdmMediumFn fn, void *ctx);
/* slot: device, instance and lun. format NULL: found out. A drive that the guest keeps locked gives
 * VIV_E_BUSY, unless force is set; the guest hears of the wish. */
viv_status_t pdm_medium_insert(Pdm *pdm, const PdmMedium *slot, const char *path,
                               const char *format, gboolean force, VivError *err);
viv_status_t pdm_medium_eject(Pdm *pdm, const PdmMedium *slot, gboolean force, VivError *err);

/* Where a firmware image is (transfer): in VIV_FIRMWARE_PATH or the usual folders; the name itself
 * if it is nowhere. */
char *pdm_firmware_path(const char *name);

/* -- roles, for TRPM and EM -- */
void pdm_chipset_lock(Pdm *pdm);
void pdm_chipset_unlock(Pdm *pdm);
gboolean pdm_apic_take(Pdm *pdm, uint32_t vcpu, uint8_t *ret_vector); /* chipset lock held */
uint8_t pdm_pic_take(Pdm *pdm);                                       /* chipset lock held */
uint64_t pdm_tpr_get(Pdm *pdm, uint32_t vcpu);
void pdm_tpr_set(Pdm *pdm, uint32_t vcpu, uint32_t tpr);
/* APIC base, x2APIC and TSC deadline MSRs: VIV_E_NOT_FOUND for #GP, VIV_E_UNSUPPORTED for MSRs that
 * are not the APIC's. */
viv_status_t pdm_msr_read(Pdm *pdm, uint32_t vcpu, uint32_t msr, uint64_t *ret_value);
viv_status_t pdm_msr_write(Pdm *pdm, uint32_t vcpu, uint32_t msr, uint64_t value);
gboolean pdm_apic_enabled(Pdm *pdm, uint32_t vcpu);
void pdm_tsc_changed(Pdm *pdm); /* the guest has written its TSC */
void pdm_ferr(Pdm *pdm, uint32_t level);
uint32_t pdm_ignne(const Pdm *pdm);
void pdm_vcpu_init(Pdm *pdm, uint32_t vcpu);

/* Firmware blobs by name. Borrowed; NULL if absent. */
const uint8_t *pdm_fwfile(Pdm *pdm, const char *name, uint64_t *ret_len);
/* The PCI bus's guest configuration access, for a boot without firmware. */
uint32_t pdm_pci_read(Pdm *pdm, uint32_t bus, uint32_t devfn, uint32_t off, uint32_t width);
void pdm_pci_write(Pdm *pdm, uint32_t bus, uint32_t devfn, uint32_t off, uint32_t value,
                   uint32_t width);
void pdm_cmos_write(Pdm *pdm, uint32_t index, uint8_t value);
/* Direct boot: every PAM region is RAM, A20 on. */
void pdm_boot_memory(Pdm *pdm);

#endif
