/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* acpi: included by the DSDTs inside the ISA bridge: the devices behind it. */
Device (RTC)
{
    Name (_HID, EisaId ("PNP0B00"))
    Name (_CRS, ResourceTemplate ()
    {
        IO (Decode16, 0x70, 0x70, 1, 8)
        IRQNoFlags () {8}
    })
}

Device (PIC)
{
    Name (_HID, EisaId ("PNP0000"))
    Name (_CRS, ResourceTemplate ()
    {
        IO (Decode16, 0x20, 0x20, 1, 2)
        IO (Decode16, 0xA0, 0xA0, 1, 2)
        IRQNoFlags () {2}
    })
}

Device (TIMR)
{
    Name (_HID, EisaId ("PNP0100"))
    Name (_CRS, ResourceTemplate ()
    {
        IO (Decode16, 0x40, 0x40, 1, 4)
        IRQNoFlags () {0}
    })
}

Device (DMAC)
{
    Name (_HID, EisaId ("PNP0200"))
    Name (_CRS, ResourceTemplate ()
    {
        IO (Decode16, 0x00, 0x00, 1, 0x10)
        IO (Decode16, 0x80, 0x80, 1, 0x10)
        IO (Decode16, 0xC0, 0xC0, 1, 0x20)
        DMA (Compatibility, BusMaster, Transfer8) {4}
    })
}

Device (FPU)
{
    Name (_HID, EisaId ("PNP0C04"))
    Name (_CRS, ResourceTemplate ()
    {
        IO (Decode16, 0xF0, 0xF0, 1, 0x10)
        IRQNoFlags () {13}
    })
}

Device (SPKR)
{
    Name (_HID, EisaId ("PNP0800"))
    Name (_CRS, ResourceTemplate ()
    {
        IO (Decode16, 0x61, 0x61, 1, 1)
    })
}

Device (KBD)
{
    Name (_HID, EisaId ("PNP0303"))
    Name (_CRS, ResourceTemplate ()
    {
        IO (Decode16, 0x60, 0x60, 1, 1)
        IO (Decode16, 0x64, 0x64, 1, 1)
        IRQNoFlags () {1}
    })
}

Device (MOU)
{
    Name (_HID, EisaId ("PNP0F13"))
    Name (_CRS, ResourceTemplate ()
    {
        IRQNoFlags () {12}
    })
}

Device (FDC0)
{
    Name (_HID, EisaId ("PNP0700"))
    Method (_STA)
    {
        If (FDCP == 1) { Return (0x0F) }
        Return (0)
    }
    Name (_CRS, ResourceTemplate ()
    {
        IO (Decode16, 0x3F2, 0x3F2, 1, 4)
        IO (Decode16, 0x3F7, 0x3F7, 1, 1)
        IRQNoFlags () {6}
        DMA (Compatibility, NotBusMaster, Transfer8) {2}
    })
}

/* A serial port is there if its modem control register is: the upper bits of that
 * always read as zero, and reading it disturbs nothing. */
Device (COM1)
{
    Name (_HID, EisaId ("PNP0501"))
    Name (_UID, 1)
    OperationRegion (UART, SystemIO, 0x3F8, 8)
    Field (UART, ByteAcc, NoLock, Preserve)
    {
        Offset (4),
        MCTL, 8
    }
    Method (_STA)
    {
        If (MCTL == 0xFF) { Return (0) }
        Return (0x0F)
    }
    Name (_CRS, ResourceTemplate ()
    {
        IO (Decode16, 0x3F8, 0x3F8, 1, 8)
        IRQNoFlags () {4}
    })
}

Device (COM2)
{
    Name (_HID, EisaId ("PNP0501"))
    Name (_UID, 2)
    OperationRegion (UART, SystemIO, 0x2F8, 8)
    Field (UART, ByteAcc, NoLock, Preserve)
    {
        Offset (4),
        MCTL, 8
    }
    Method (_STA)
    {
        If (MCTL == 0xFF) { Return (0) }
        Return (0x0F)
    }
    Name (_CRS, ResourceTemplate ()
    {
        IO (Decode16, 0x2F8, 0x2F8, 1, 8)
        IRQNoFlags () {3}
    })
}

Device (COM3)
{
    Name (_HID, EisaId ("PNP0501"))
    Name (_UID, 3)
    OperationRegion (UART, SystemIO, 0x3E8, 8)
    Field (UART, ByteAcc, NoLock, Preserve)
    {
        Offset (4),
        MCTL, 8
    }
    Method (_STA)
    {
        If (MCTL == 0xFF) { Return (0) }
        Return (0x0F)
    }
    Name (_CRS, ResourceTemplate ()
    {
        IO (Decode16, 0x3E8, 0x3E8, 1, 8)
        IRQNoFlags () {4}
    })
}

Device (COM4)
{
    Name (_HID, EisaId ("PNP0501"))
    Name (_UID, 4)
    OperationRegion (UART, SystemIO, 0x2E8, 8)
    Field (UART, ByteAcc, NoLock, Preserve)
    {
        Offset (4),
        MCTL, 8
    }
    Method (_STA)
    {
        If (MCTL == 0xFF) { Return (0) }
        Return (0x0F)
    }
    Name (_CRS, ResourceTemplate ()
    {
        IO (Decode16, 0x2E8, 0x2E8, 1, 8)
        IRQNoFlags () {3}
    })
}
