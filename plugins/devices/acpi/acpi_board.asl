/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* acpi: included by the DSDTs inside \_SB: fixed resources of the board, its power supply, its processors'
 * states. The builder in acpi_tables.c finds PMLO, PMBS, PVPT and DEVS by name and writes the machine's values
 * into them. */
Name (PMLO, 0xC0000000) /* where PCI memory begins: the end of low RAM */
Name (PMBS, 0x0F0F0F0F) /* where the PM block is */
Name (PVPT, 0x0F0F0F0F) /* port of the ISA pvpanic; 0: there is none */
/* Bits: 0 floppy controller, 1 HPET, 2 keyboard controller, 3 RTC, 4 PIC, 5 PIT, 6 DMA
 * controller, 7 I/O APIC */
Name (DEVS, 0x0F0F0F0F)
Method (HAVE, 1)
{
    If (DEVS & Arg0) { Return (0x0F) }
    Return (0)
}

/* acpi_power.c has the indexes. */
OperationRegion (INFR, SystemIO, 0xAFF0, 8)
Field (INFR, DWordAcc, NoLock, Preserve)
{
    IIDX, 32,
    IDAT, 32
}
Mutex (INFM, 0)
Method (INFO, 1)
{
    Acquire (INFM, 0xFFFF)
    IIDX = Arg0
    Local0 = IDAT
    Release (INFM)
    Return (Local0)
}

/* Of the processors, which the SSDT lists. */
Method (CPST, 1)
{
    If (INFO (0x40 + (Arg0 >> 5)) & (1 << (Arg0 & 31))) { Return (0x0F) }
    Return (0)
}
Method (CPMT, 1)
{
    Local0 = Buffer (8) {0, 8, 0, 0, 0, 0, 0, 0}
    Local0[2] = Arg0
    Local0[3] = Arg0
    If (CPST (Arg0)) { Local0[4] = 1 }
    Return (Local0)
}

Device (AC)
{
    Name (_HID, "ACPI0003")
    Name (_PCL, Package (1) {\_SB})
    Method (_STA)
    {
        If (INFO (0) & 4) { Return (0x0F) }
        Return (0)
    }
    Method (_PSR) { Return (INFO (0) & 1) }
}

Device (BAT0)
{
    Name (_HID, EisaId ("PNP0C0A"))
    Name (_UID, 1)
    Name (_PCL, Package (1) {\_SB})
    Method (_STA)
    {
        Local0 = INFO (0)
        If (!(Local0 & 4)) { Return (0) }
        If (Local0 & 2) { Return (0x1F) }
        Return (0x0F)
    }
    Name (BIFP, Package (13)
    {
        0, 0, 0, 1, 0, 0, 0, 1, 1, "Vivarium", "1", "LION", "Vivarium"
    })
    Method (_BIF, 0, Serialized)
    {
        BIFP[1] = INFO (5)
        BIFP[2] = INFO (6)
        BIFP[4] = INFO (7)
        BIFP[5] = INFO (9)
        BIFP[6] = INFO (10)
        Return (BIFP)
    }
    Name (BIXP, Package (20)
    {
        0, 0, 0, 0, 1, 0, 0, 0, 0, 100000, 1000, 1000, 1000, 1000, 1, 1, "Vivarium", "1",
        "LION", "Vivarium"
    })
    Method (_BIX, 0, Serialized)
    {
        BIXP[2] = INFO (5)
        BIXP[3] = INFO (6)
        BIXP[5] = INFO (7)
        BIXP[8] = INFO (8)
        BIXP[6] = INFO (9)
        BIXP[7] = INFO (10)
        Return (BIXP)
    }
    Name (BSTP, Package (4) {0, 0, 0, 0})
    Method (_BST, 0, Serialized)
    {
        INFO (0) /* the driver is asked: the rest is of this moment */
        BSTP[0] = INFO (1)
        BSTP[1] = INFO (2)
        BSTP[2] = INFO (3)
        BSTP[3] = INFO (4)
        Return (BSTP)
    }
}

Device (PEVT)
{
    Name (_HID, "QEMU0001")
    Method (_STA)
    {
        If (PVPT) { Return (0x0F) }
        Return (0)
    }
    Name (PCRS, ResourceTemplate ()
    {
        IO (Decode16, 0, 0, 1, 1, PPRT)
    })
    Method (_CRS, 0, Serialized)
    {
        CreateWordField (PCRS, \_SB.PEVT.PPRT._MIN, PMIN)
        CreateWordField (PCRS, \_SB.PEVT.PPRT._MAX, PMAX)
        PMIN = PVPT
        PMAX = PVPT
        Return (PCRS)
    }
}

/* What is decoded on the board beside PCI and the devices below. */
Device (MBRD)
{
    Name (_HID, EisaId ("PNP0C02"))
    Name (_UID, 1)
    Name (MCRS, ResourceTemplate ()
    {
        IO (Decode16, 0x0092, 0x0092, 1, 1)
        IO (Decode16, 0x00B2, 0x00B2, 1, 2)
        IO (Decode16, 0x04D0, 0x04D0, 1, 2)
        IO (Decode16, 0x0510, 0x0510, 1, 12)
        IO (Decode16, 0x0600, 0x0600, 1, 0x40, PMIO)
        IO (Decode16, 0x0700, 0x0700, 1, 0x10)
        IO (Decode16, 0xAFE0, 0xAFE0, 1, 4)
        IO (Decode16, 0xAFF0, 0xAFF0, 1, 8)
        Memory32Fixed (ReadWrite, 0xFEC00000, 0x1000)
        Memory32Fixed (ReadWrite, 0xFEE00000, 0x1000)
    })
    Method (_CRS, 0, Serialized)
    {
        CreateWordField (MCRS, \_SB.MBRD.PMIO._MIN, PMIN)
        CreateWordField (MCRS, \_SB.MBRD.PMIO._MAX, PMAX)
        PMIN = PMBS
        PMAX = PMBS
        Return (MCRS)
    }
}

Device (HPET)
{
    Name (_HID, EisaId ("PNP0103"))
    Name (_UID, 0)
    Method (_STA) { Return (HAVE (0x02)) }
    Name (_CRS, ResourceTemplate ()
    {
        Memory32Fixed (ReadOnly, 0xFED00000, 0x400)
    })
}
