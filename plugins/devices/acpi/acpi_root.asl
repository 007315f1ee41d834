/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* acpi: included by the DSDTs at the root: sleep states and events. */
/* SUS_TYP of the PIIX4: powered-on suspend, suspend to RAM, to disk, soft off. */
Name (\_S1, Package (4) {4, 4, 0, 0})
Name (\_S3, Package (4) {1, 1, 0, 0})
Name (\_S4, Package (4) {2, 2, 0, 0})
Name (\_S5, Package (4) {0, 0, 0, 0})

Method (\_PTS, 1) { }
Method (\_WAK, 1)
{
    /* The power supply may be another one by now. */
    If (\_SB.INFO (0) & 4)
    {
        Notify (\_SB.AC, 0x80)
        Notify (\_SB.BAT0, 0x80)
    }
    Return (Package (2) {0, 0})
}

/* acpi_priv.h has the same numbers. */
Scope (\_GPE)
{
    Method (_L00)
    {
        Notify (\_SB.AC, 0x80)
        Notify (\_SB.BAT0, 0x80)
        Notify (\_SB.BAT0, 0x81)
    }
    Method (_L02) { Notify (\_SB.PCI0.ISA.KBD, 2) }
    Method (_L03) { Notify (\_SB.PCI0.ISA.MOU, 2) }
    Method (_L04)
    {
        Notify (\_SB.PCI0.ISA.COM1, 2)
        Notify (\_SB.PCI0.ISA.COM3, 2)
    }
    Method (_L05)
    {
        Notify (\_SB.PCI0.ISA.COM2, 2)
        Notify (\_SB.PCI0.ISA.COM4, 2)
    }
}
