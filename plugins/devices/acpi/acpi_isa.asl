/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* acpi: included by the DSDTs inside the ISA bridge: the devices behind it. */
Device (RTC)
{
    Name (_HID, EisaId ("PNP0B00"))
    Method (_STA) { Return (HAVE (0x08)) }
    Name (_CRS, ResourceTemplate ()
    {
        IO (Decode16, 0x70, 0x70, 1, 8)
        IRQNoFlags () {8}
    })
}

Device (PIC)
{
    Name (_HID, EisaId ("PNP0000"))
    Method (_STA) { Return (HAVE (0x10)) }
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
    Method (_STA) { Return (HAVE (0x20)) }
    Name (_CRS, ResourceTemplate ()
    {
        IO (Decode16, 0x40, 0x40, 1, 4)
        IRQNoFlags () {0}
    })
}

Device (DMAC)
{
    Name (_HID, EisaId ("PNP0200"))
    Method (_STA) { Return (HAVE (0x40)) }
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
    Method (_STA) { Return (HAVE (0x20)) }
    Name (_CRS, ResourceTemplate ()
    {
        IO (Decode16, 0x61, 0x61, 1, 1)
    })
}

Device (KBD)
{
    Name (_HID, EisaId ("PNP0303"))
    Method (_STA) { Return (HAVE (0x04)) }
    Name (_PRW, Package (2) {2, 3})
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
    Method (_STA) { Return (HAVE (0x04)) }
    Name (_PRW, Package (2) {3, 3})
    Name (_CRS, ResourceTemplate ()
    {
        IRQNoFlags () {12}
    })
}

Device (FDC0)
{
    Name (_HID, EisaId ("PNP0700"))
    Method (_STA) { Return (HAVE (0x01)) }
    Name (_CRS, ResourceTemplate ()
    {
        IO (Decode16, 0x3F2, 0x3F2, 1, 4)
        IO (Decode16, 0x3F7, 0x3F7, 1, 1)
        IRQNoFlags () {6}
        DMA (Compatibility, NotBusMaster, Transfer8) {2}
    })
    /* CMOS's type of a drive: 1 360K, 2 1.2M, 3 720K, 4 1.44M, 5 and 6 2.88M */
    Method (FTYP, 1)
    {
        Local0 = INFO (0x30)
        If (Arg0 == 0) { Local0 >>= 4 }
        Local0 &= 0x0F
        If (Local0 > 5) { Local0 = 5 }
        Return (Local0)
    }
    Name (FDEB, Buffer (20) {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2})
    Method (_FDE, 0, Serialized)
    {
        FDEB[0] = (FTYP (0) != 0) & 1
        FDEB[4] = (FTYP (1) != 0) & 1
        Return (FDEB)
    }
    /* Cylinders, sectors, heads, and the BIOS's parameter table of each type. */
    Name (FDT1, Package (16) {0, 1, 39, 9, 1, 0xDF, 2, 0x25, 2, 9, 0x2A, 0xFF, 0x50, 0xF6, 15, 8})
    Name (FDT2, Package (16) {0, 2, 79, 15, 1, 0xDF, 2, 0x25, 2, 15, 0x1B, 0xFF, 0x54, 0xF6, 15, 8})
    Name (FDT3, Package (16) {0, 3, 79, 9, 1, 0xDF, 2, 0x25, 2, 9, 0x2A, 0xFF, 0x50, 0xF6, 15, 8})
    Name (FDT4, Package (16) {0, 4, 79, 18, 1, 0xAF, 2, 0x25, 2, 18, 0x1B, 0xFF, 0x6C, 0xF6, 15, 8})
    Name (FDT5, Package (16) {0, 5, 79, 36, 1, 0xAF, 2, 0x25, 2, 36, 0x1B, 0xFF, 0x53, 0xF6, 15, 8})
    Method (FDIP, 2, Serialized)
    {
        Local0 = FDT4
        If (Arg1 == 1) { Local0 = FDT1 }
        If (Arg1 == 2) { Local0 = FDT2 }
        If (Arg1 == 3) { Local0 = FDT3 }
        If (Arg1 == 5) { Local0 = FDT5 }
        Local0[0] = Arg0
        Return (Local0)
    }
    Device (FLPA)
    {
        Name (_ADR, 0)
        Method (_FDI, 0, Serialized) { Return (FDIP (0, FTYP (0))) }
    }
    Device (FLPB)
    {
        Name (_ADR, 1)
        Method (_FDI, 0, Serialized) { Return (FDIP (1, FTYP (1))) }
    }
}

/* A parallel port is there if its control register is, an ECP one if the ECR is: a FIFO
 * cannot be full and empty. */
Device (LPT1)
{
    Name (_UID, 1)
    OperationRegion (LPTR, SystemIO, 0x378, 3)
    Field (LPTR, ByteAcc, NoLock, Preserve)
    {
        Offset (2),
        DCTL, 8
    }
    OperationRegion (LPTE, SystemIO, 0x778, 3)
    Field (LPTE, ByteAcc, NoLock, Preserve)
    {
        Offset (2),
        ECTL, 8
    }
    Method (_STA)
    {
        If (DCTL == 0xFF) { Return (0) }
        Return (0x0F)
    }
    Method (_HID)
    {
        If (ECTL == 0xFF) { Return (EisaId ("PNP0400")) }
        Return (EisaId ("PNP0401"))
    }
    Name (LCRS, ResourceTemplate ()
    {
        IO (Decode16, 0x378, 0x378, 1, 8)
        IRQNoFlags () {7}
    })
    Name (ECRS, ResourceTemplate ()
    {
        IO (Decode16, 0x378, 0x378, 1, 8)
        IO (Decode16, 0x778, 0x778, 1, 3)
        IRQNoFlags () {7}
        DMA (Compatibility, NotBusMaster, Transfer8) {3}
    })
    Method (_CRS)
    {
        If (ECTL == 0xFF) { Return (LCRS) }
        Return (ECRS)
    }
}

Device (LPT2)
{
    Name (_UID, 2)
    OperationRegion (LPTR, SystemIO, 0x278, 3)
    Field (LPTR, ByteAcc, NoLock, Preserve)
    {
        Offset (2),
        DCTL, 8
    }
    OperationRegion (LPTE, SystemIO, 0x678, 3)
    Field (LPTE, ByteAcc, NoLock, Preserve)
    {
        Offset (2),
        ECTL, 8
    }
    Method (_STA)
    {
        If (DCTL == 0xFF) { Return (0) }
        Return (0x0F)
    }
    Method (_HID)
    {
        If (ECTL == 0xFF) { Return (EisaId ("PNP0400")) }
        Return (EisaId ("PNP0401"))
    }
    Name (LCRS, ResourceTemplate ()
    {
        IO (Decode16, 0x278, 0x278, 1, 8)
        IRQNoFlags () {5}
    })
    Name (ECRS, ResourceTemplate ()
    {
        IO (Decode16, 0x278, 0x278, 1, 8)
        IO (Decode16, 0x678, 0x678, 1, 3)
        IRQNoFlags () {5}
        DMA (Compatibility, NotBusMaster, Transfer8) {}
    })
    Method (_CRS)
    {
        If (ECTL == 0xFF) { Return (LCRS) }
        Return (ECRS)
    }
}

/* A serial port is there if its modem control register is: the upper bits of that
 * always read as zero, and reading it disturbs nothing. */
Device (COM1)
{
    Name (_HID, EisaId ("PNP0501"))
    Name (_UID, 1)
    Name (_PRW, Package (2) {4, 3})
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
    Name (_PRW, Package (2) {5, 3})
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
    Name (_PRW, Package (2) {4, 3})
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
    Name (_PRW, Package (2) {5, 3})
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
