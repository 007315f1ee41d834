/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* acpi: the DSDT of an i440FX/PIIX3 PC, revision 1 (32-bit integers), so that old systems read it
 * too.
 * The builder in acpi_tables.c finds PMLO, FDCP and HPTP by name and writes the machine's values
 * into them. */
DefinitionBlock ("acpi_dsdt.aml", "DSDT", 1, "VIVARM", "VIVDSDT", 1)
{
    Name (\_S5, Package (4) {0, 0, 0, 0})

    Scope (\_SB)
    {
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

        Device (PCI0)
        {
            Name (_HID, EisaId ("PNP0A03"))
            Name (_UID, 0)
            Name (_BBN, 0)
            Name (CBUF, ResourceTemplate ()
            {
                WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode, 0, 0, 0xFF, 0, 0x100)
                IO (Decode16, 0x0CF8, 0x0CF8, 1, 8)
                WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange, 0, 0, 0x0CF7, 0, 0x0CF8)
                WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange, 0, 0x0D00, 0xFFFF, 0, 0xF300)
                DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, Cacheable, ReadWrite,
                    0, 0x000A0000, 0x000BFFFF, 0, 0x00020000)
                DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, NonCacheable, ReadWrite,
                    0, 0xC0000000, 0xFEBFFFFF, 0, 0x3EC00000, , , HOLE)
            })
            Method (_CRS, 0, Serialized)
            {
                CreateDWordField (CBUF, \_SB.PCI0.HOLE._MIN, HMIN)
                CreateDWordField (CBUF, \_SB.PCI0.HOLE._MAX, HMAX)
                CreateDWordField (CBUF, \_SB.PCI0.HOLE._LEN, HLEN)
                HMIN = PMLO
                HLEN = HMAX - HMIN + 1
                Return (CBUF)
            }

            /* INTx of slot n goes to PIRQ (n - 1 + pin) mod 4; the power management function's INTA
             * is the SCI. */
            Name (_PRT, Package ()
            {
                Package () {0x0001FFFF, 0, LNKS, 0},
                Package () {0x0001FFFF, 1, LNKB, 0},
                Package () {0x0001FFFF, 2, LNKC, 0},
                Package () {0x0001FFFF, 3, LNKD, 0},
                Package () {0x0002FFFF, 0, LNKB, 0},
                Package () {0x0002FFFF, 1, LNKC, 0},
                Package () {0x0002FFFF, 2, LNKD, 0},
                Package () {0x0002FFFF, 3, LNKA, 0},
                Package () {0x0003FFFF, 0, LNKC, 0},
                Package () {0x0003FFFF, 1, LNKD, 0},
                Package () {0x0003FFFF, 2, LNKA, 0},
                Package () {0x0003FFFF, 3, LNKB, 0},
                Package () {0x0004FFFF, 0, LNKD, 0},
                Package () {0x0004FFFF, 1, LNKA, 0},
                Package () {0x0004FFFF, 2, LNKB, 0},
                Package () {0x0004FFFF, 3, LNKC, 0},
                Package () {0x0005FFFF, 0, LNKA, 0},
                Package () {0x0005FFFF, 1, LNKB, 0},
                Package () {0x0005FFFF, 2, LNKC, 0},
                Package () {0x0005FFFF, 3, LNKD, 0},
                Package () {0x0006FFFF, 0, LNKB, 0},
                Package () {0x0006FFFF, 1, LNKC, 0},
                Package () {0x0006FFFF, 2, LNKD, 0},
                Package () {0x0006FFFF, 3, LNKA, 0},
                Package () {0x0007FFFF, 0, LNKC, 0},
                Package () {0x0007FFFF, 1, LNKD, 0},
                Package () {0x0007FFFF, 2, LNKA, 0},
                Package () {0x0007FFFF, 3, LNKB, 0},
                Package () {0x0008FFFF, 0, LNKD, 0},
                Package () {0x0008FFFF, 1, LNKA, 0},
                Package () {0x0008FFFF, 2, LNKB, 0},
                Package () {0x0008FFFF, 3, LNKC, 0},
                Package () {0x0009FFFF, 0, LNKA, 0},
                Package () {0x0009FFFF, 1, LNKB, 0},
                Package () {0x0009FFFF, 2, LNKC, 0},
                Package () {0x0009FFFF, 3, LNKD, 0},
                Package () {0x000AFFFF, 0, LNKB, 0},
                Package () {0x000AFFFF, 1, LNKC, 0},
                Package () {0x000AFFFF, 2, LNKD, 0},
                Package () {0x000AFFFF, 3, LNKA, 0},
                Package () {0x000BFFFF, 0, LNKC, 0},
                Package () {0x000BFFFF, 1, LNKD, 0},
                Package () {0x000BFFFF, 2, LNKA, 0},
                Package () {0x000BFFFF, 3, LNKB, 0},
                Package () {0x000CFFFF, 0, LNKD, 0},
                Package () {0x000CFFFF, 1, LNKA, 0},
                Package () {0x000CFFFF, 2, LNKB, 0},
                Package () {0x000CFFFF, 3, LNKC, 0},
                Package () {0x000DFFFF, 0, LNKA, 0},
                Package () {0x000DFFFF, 1, LNKB, 0},
                Package () {0x000DFFFF, 2, LNKC, 0},
                Package () {0x000DFFFF, 3, LNKD, 0},
                Package () {0x000EFFFF, 0, LNKB, 0},
                Package () {0x000EFFFF, 1, LNKC, 0},
                Package () {0x000EFFFF, 2, LNKD, 0},
                Package () {0x000EFFFF, 3, LNKA, 0},
                Package () {0x000FFFFF, 0, LNKC, 0},
                Package () {0x000FFFFF, 1, LNKD, 0},
                Package () {0x000FFFFF, 2, LNKA, 0},
                Package () {0x000FFFFF, 3, LNKB, 0},
                Package () {0x0010FFFF, 0, LNKD, 0},
                Package () {0x0010FFFF, 1, LNKA, 0},
                Package () {0x0010FFFF, 2, LNKB, 0},
                Package () {0x0010FFFF, 3, LNKC, 0},
                Package () {0x0011FFFF, 0, LNKA, 0},
                Package () {0x0011FFFF, 1, LNKB, 0},
                Package () {0x0011FFFF, 2, LNKC, 0},
                Package () {0x0011FFFF, 3, LNKD, 0},
                Package () {0x0012FFFF, 0, LNKB, 0},
                Package () {0x0012FFFF, 1, LNKC, 0},
                Package () {0x0012FFFF, 2, LNKD, 0},
                Package () {0x0012FFFF, 3, LNKA, 0},
                Package () {0x0013FFFF, 0, LNKC, 0},
                Package () {0x0013FFFF, 1, LNKD, 0},
                Package () {0x0013FFFF, 2, LNKA, 0},
                Package () {0x0013FFFF, 3, LNKB, 0},
                Package () {0x0014FFFF, 0, LNKD, 0},
                Package () {0x0014FFFF, 1, LNKA, 0},
                Package () {0x0014FFFF, 2, LNKB, 0},
                Package () {0x0014FFFF, 3, LNKC, 0},
                Package () {0x0015FFFF, 0, LNKA, 0},
                Package () {0x0015FFFF, 1, LNKB, 0},
                Package () {0x0015FFFF, 2, LNKC, 0},
                Package () {0x0015FFFF, 3, LNKD, 0},
                Package () {0x0016FFFF, 0, LNKB, 0},
                Package () {0x0016FFFF, 1, LNKC, 0},
                Package () {0x0016FFFF, 2, LNKD, 0},
                Package () {0x0016FFFF, 3, LNKA, 0},
                Package () {0x0017FFFF, 0, LNKC, 0},
                Package () {0x0017FFFF, 1, LNKD, 0},
                Package () {0x0017FFFF, 2, LNKA, 0},
                Package () {0x0017FFFF, 3, LNKB, 0},
                Package () {0x0018FFFF, 0, LNKD, 0},
                Package () {0x0018FFFF, 1, LNKA, 0},
                Package () {0x0018FFFF, 2, LNKB, 0},
                Package () {0x0018FFFF, 3, LNKC, 0},
                Package () {0x0019FFFF, 0, LNKA, 0},
                Package () {0x0019FFFF, 1, LNKB, 0},
                Package () {0x0019FFFF, 2, LNKC, 0},
                Package () {0x0019FFFF, 3, LNKD, 0},
                Package () {0x001AFFFF, 0, LNKB, 0},
                Package () {0x001AFFFF, 1, LNKC, 0},
                Package () {0x001AFFFF, 2, LNKD, 0},
                Package () {0x001AFFFF, 3, LNKA, 0},
                Package () {0x001BFFFF, 0, LNKC, 0},
                Package () {0x001BFFFF, 1, LNKD, 0},
                Package () {0x001BFFFF, 2, LNKA, 0},
                Package () {0x001BFFFF, 3, LNKB, 0},
                Package () {0x001CFFFF, 0, LNKD, 0},
                Package () {0x001CFFFF, 1, LNKA, 0},
                Package () {0x001CFFFF, 2, LNKB, 0},
                Package () {0x001CFFFF, 3, LNKC, 0},
                Package () {0x001DFFFF, 0, LNKA, 0},
                Package () {0x001DFFFF, 1, LNKB, 0},
                Package () {0x001DFFFF, 2, LNKC, 0},
                Package () {0x001DFFFF, 3, LNKD, 0},
                Package () {0x001EFFFF, 0, LNKB, 0},
                Package () {0x001EFFFF, 1, LNKC, 0},
                Package () {0x001EFFFF, 2, LNKD, 0},
                Package () {0x001EFFFF, 3, LNKA, 0},
                Package () {0x001FFFFF, 0, LNKC, 0},
                Package () {0x001FFFFF, 1, LNKD, 0},
                Package () {0x001FFFFF, 2, LNKA, 0},
                Package () {0x001FFFFF, 3, LNKB, 0}
            })

            Device (ISA)
            {
                Name (_ADR, 0x00010000)
                OperationRegion (PIRQ, PCI_Config, 0x60, 4)
                Field (PIRQ, ByteAcc, NoLock, Preserve)
                {
                    PIRA, 8,
                    PIRB, 8,
                    PIRC, 8,
                    PIRD, 8
                }

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
            }

            /* The four interrupt links: PIRQRC[A:D] of the ISA bridge, bit 7 off, bits 3:0 the
             * interrupt. */
            Method (LSTA, 1)
            {
                If (Arg0 & 0x80) { Return (0x09) }
                Return (0x0B)
            }
            Name (LBUF, ResourceTemplate ()
            {
                Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) {0}
            })
            Method (LCRS, 1, Serialized)
            {
                CreateDWordField (LBUF, 0x05, LIRQ)
                LIRQ = 0
                If (!(Arg0 & 0x80)) { LIRQ = Arg0 & 0x0F }
                Return (LBUF)
            }
            Method (LSRS, 1, Serialized)
            {
                CreateDWordField (Arg0, 0x05, IRQN)
                Return (IRQN & 0x0F)
            }

            Device (LNKA)
            {
                Name (_HID, EisaId ("PNP0C0F"))
                Name (_UID, 1)
                Name (_PRS, ResourceTemplate ()
                {
                    Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) {5, 10, 11}
                })
                Method (_STA) { Return (LSTA (\_SB.PCI0.ISA.PIRA)) }
                Method (_DIS) { \_SB.PCI0.ISA.PIRA |= 0x80 }
                Method (_CRS) { Return (LCRS (\_SB.PCI0.ISA.PIRA)) }
                Method (_SRS, 1) { \_SB.PCI0.ISA.PIRA = LSRS (Arg0) }
            }

            Device (LNKB)
            {
                Name (_HID, EisaId ("PNP0C0F"))
                Name (_UID, 2)
                Name (_PRS, ResourceTemplate ()
                {
                    Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) {5, 10, 11}
                })
                Method (_STA) { Return (LSTA (\_SB.PCI0.ISA.PIRB)) }
                Method (_DIS) { \_SB.PCI0.ISA.PIRB |= 0x80 }
                Method (_CRS) { Return (LCRS (\_SB.PCI0.ISA.PIRB)) }
                Method (_SRS, 1) { \_SB.PCI0.ISA.PIRB = LSRS (Arg0) }
            }

            Device (LNKC)
            {
                Name (_HID, EisaId ("PNP0C0F"))
                Name (_UID, 3)
                Name (_PRS, ResourceTemplate ()
                {
                    Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) {5, 10, 11}
                })
                Method (_STA) { Return (LSTA (\_SB.PCI0.ISA.PIRC)) }
                Method (_DIS) { \_SB.PCI0.ISA.PIRC |= 0x80 }
                Method (_CRS) { Return (LCRS (\_SB.PCI0.ISA.PIRC)) }
                Method (_SRS, 1) { \_SB.PCI0.ISA.PIRC = LSRS (Arg0) }
            }

            Device (LNKD)
            {
                Name (_HID, EisaId ("PNP0C0F"))
                Name (_UID, 4)
                Name (_PRS, ResourceTemplate ()
                {
                    Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) {5, 10, 11}
                })
                Method (_STA) { Return (LSTA (\_SB.PCI0.ISA.PIRD)) }
                Method (_DIS) { \_SB.PCI0.ISA.PIRD |= 0x80 }
                Method (_CRS) { Return (LCRS (\_SB.PCI0.ISA.PIRD)) }
                Method (_SRS, 1) { \_SB.PCI0.ISA.PIRD = LSRS (Arg0) }
            }

            /* The SCI's own link, wired to interrupt 9. */
            Device (LNKS)
            {
                Name (_HID, EisaId ("PNP0C0F"))
                Name (_UID, 5)
                Name (_STA, 0x0B)
                Name (_PRS, ResourceTemplate ()
                {
                    Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) {9}
                })
                Name (_CRS, ResourceTemplate ()
                {
                    Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) {9}
                })
                Method (_DIS) { }
                Method (_SRS, 1) { }
            }
        }
    }
}
