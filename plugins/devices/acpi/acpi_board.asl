/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* acpi: included by the DSDTs inside \_SB: fixed resources of the board. The builder in acpi_tables.c
 * finds PMLO, FDCP and HPTP by name and writes the machine's values into them. */
Name (PMLO, 0xC0000000) /* where PCI memory begins: the end of low RAM */
Name (FDCP, 0x0F0F0F0F) /* 1: there is a floppy controller */
Name (HPTP, 0x0F0F0F0F) /* 1: there is an HPET */

/* What is decoded on the board beside PCI and the devices below. */
Device (MBRD)
{
    Name (_HID, EisaId ("PNP0C02"))
    Name (_UID, 1)
    Name (_CRS, ResourceTemplate ()
    {
        IO (Decode16, 0x0092, 0x0092, 1, 1)
        IO (Decode16, 0x00B2, 0x00B2, 1, 2)
        IO (Decode16, 0x04D0, 0x04D0, 1, 2)
        IO (Decode16, 0x0510, 0x0510, 1, 12)
        IO (Decode16, 0x0600, 0x0600, 1, 0x40)
        IO (Decode16, 0x0700, 0x0700, 1, 0x10)
        IO (Decode16, 0xAFE0, 0xAFE0, 1, 4)
        Memory32Fixed (ReadWrite, 0xFEC00000, 0x1000)
        Memory32Fixed (ReadWrite, 0xFEE00000, 0x1000)
    })
}

Device (HPET)
{
    Name (_HID, EisaId ("PNP0103"))
    Name (_UID, 0)
    Method (_STA)
    {
        If (HPTP == 1) { Return (0x0F) }
        Return (0)
    }
    Name (_CRS, ResourceTemplate ()
    {
        Memory32Fixed (ReadOnly, 0xFED00000, 0x400)
    })
}
