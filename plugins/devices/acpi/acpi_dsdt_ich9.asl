/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* acpi: the DSDT of a PC with an ICH9 (plugins ich9pci and lpc): PCI Express root, eight interrupt links, the
 * links' interrupts in PIC mode and inputs 16 to 23 of the I/O APIC in APIC mode. Revision 1, as its sibling. */
DefinitionBlock ("acpi_dsdt_ich9.aml", "DSDT", 1, "VIVARM", "VIVDSDT", 1)
{
    Include ("acpi_root.asl")
    Name (PICF, 0)
    Method (\_PIC, 1) { PICF = Arg0 }

    Scope (\_SB)
    {
        Include ("acpi_board.asl")

        Device (PCI0)
        {
            Name (_HID, EisaId ("PNP0A08"))
            Name (_CID, EisaId ("PNP0A03"))
            Name (_UID, 0)
            Name (_BBN, 0)

            /* PCI Express features: whoever asks for them gets them, but for hot plug and power
             * management events, which no port here has. */
            Method (_OSC, 4, Serialized)
            {
                CreateDWordField (Arg3, 0, CDW1)
                If (Arg0 == ToUUID ("33DB4D5B-1FF7-401C-9657-7441C03DD766"))
                {
                    CreateDWordField (Arg3, 8, CDW3)
                    Local0 = CDW3 & 0x18
                    If (Arg1 != 1) { CDW1 |= 0x08 }
                    If (CDW3 != Local0) { CDW1 |= 0x10 }
                    CDW3 = Local0
                }
                Else
                {
                    CDW1 |= 0x04
                }
                Return (Arg3)
            }

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

            /* The configuration space in memory, where PCIEXBAR has it: the system's own. */
            Device (MCH)
            {
                Name (_ADR, 0)
                OperationRegion (MCHC, PCI_Config, 0x60, 8)
                Field (MCHC, DWordAcc, NoLock, Preserve)
                {
                    XBAR, 32
                }
            }
            Device (DRAC)
            {
                Name (_HID, EisaId ("PNP0C02"))
                Name (_UID, 2)
                Name (DBUF, ResourceTemplate ()
                {
                    Memory32Fixed (ReadWrite, 0, 0, ECAM)
                })
                Method (_CRS, 0, Serialized)
                {
                    CreateDWordField (DBUF, \_SB.PCI0.DRAC.ECAM._BAS, EBAS)
                    CreateDWordField (DBUF, \_SB.PCI0.DRAC.ECAM._LEN, ELEN)
                    EBAS = 0
                    ELEN = 0
                    If (\_SB.PCI0.MCH.XBAR & 1)
                    {
                        Local0 = 0x10000000 >> ((\_SB.PCI0.MCH.XBAR >> 1) & 3)
                        EBAS = \_SB.PCI0.MCH.XBAR & ~(Local0 - 1)
                        ELEN = Local0
                    }
                    Return (DBUF)
                }
            }

            /* Slots 0 to 24: PIRQE to PIRQH in turn. 25 to 31: PIRQA to PIRQD, as D25IR to D31IR are after
             * reset (device 30: PIRQA). The INTA of the power management function is the SCI. */
            Name (PRTP, Package ()
            {
                Package () {0x0000FFFF, 0, LNKE, 0},
                Package () {0x0000FFFF, 1, LNKF, 0},
                Package () {0x0000FFFF, 2, LNKG, 0},
                Package () {0x0000FFFF, 3, LNKH, 0},
                Package () {0x0001FFFF, 0, LNKF, 0},
                Package () {0x0001FFFF, 1, LNKG, 0},
                Package () {0x0001FFFF, 2, LNKH, 0},
                Package () {0x0001FFFF, 3, LNKE, 0},
                Package () {0x0002FFFF, 0, LNKG, 0},
                Package () {0x0002FFFF, 1, LNKH, 0},
                Package () {0x0002FFFF, 2, LNKE, 0},
                Package () {0x0002FFFF, 3, LNKF, 0},
                Package () {0x0003FFFF, 0, LNKH, 0},
                Package () {0x0003FFFF, 1, LNKE, 0},
                Package () {0x0003FFFF, 2, LNKF, 0},
                Package () {0x0003FFFF, 3, LNKG, 0},
                Package () {0x0004FFFF, 0, LNKE, 0},
                Package () {0x0004FFFF, 1, LNKF, 0},
                Package () {0x0004FFFF, 2, LNKG, 0},
                Package () {0x0004FFFF, 3, LNKH, 0},
                Package () {0x0005FFFF, 0, LNKF, 0},
                Package () {0x0005FFFF, 1, LNKG, 0},
                Package () {0x0005FFFF, 2, LNKH, 0},
                Package () {0x0005FFFF, 3, LNKE, 0},
                Package () {0x0006FFFF, 0, LNKG, 0},
                Package () {0x0006FFFF, 1, LNKH, 0},
                Package () {0x0006FFFF, 2, LNKE, 0},
                Package () {0x0006FFFF, 3, LNKF, 0},
                Package () {0x0007FFFF, 0, LNKS, 0},
                Package () {0x0007FFFF, 1, LNKE, 0},
                Package () {0x0007FFFF, 2, LNKF, 0},
                Package () {0x0007FFFF, 3, LNKG, 0},
                Package () {0x0008FFFF, 0, LNKE, 0},
                Package () {0x0008FFFF, 1, LNKF, 0},
                Package () {0x0008FFFF, 2, LNKG, 0},
                Package () {0x0008FFFF, 3, LNKH, 0},
                Package () {0x0009FFFF, 0, LNKF, 0},
                Package () {0x0009FFFF, 1, LNKG, 0},
                Package () {0x0009FFFF, 2, LNKH, 0},
                Package () {0x0009FFFF, 3, LNKE, 0},
                Package () {0x000AFFFF, 0, LNKG, 0},
                Package () {0x000AFFFF, 1, LNKH, 0},
                Package () {0x000AFFFF, 2, LNKE, 0},
                Package () {0x000AFFFF, 3, LNKF, 0},
                Package () {0x000BFFFF, 0, LNKH, 0},
                Package () {0x000BFFFF, 1, LNKE, 0},
                Package () {0x000BFFFF, 2, LNKF, 0},
                Package () {0x000BFFFF, 3, LNKG, 0},
                Package () {0x000CFFFF, 0, LNKE, 0},
                Package () {0x000CFFFF, 1, LNKF, 0},
                Package () {0x000CFFFF, 2, LNKG, 0},
                Package () {0x000CFFFF, 3, LNKH, 0},
                Package () {0x000DFFFF, 0, LNKF, 0},
                Package () {0x000DFFFF, 1, LNKG, 0},
                Package () {0x000DFFFF, 2, LNKH, 0},
                Package () {0x000DFFFF, 3, LNKE, 0},
                Package () {0x000EFFFF, 0, LNKG, 0},
                Package () {0x000EFFFF, 1, LNKH, 0},
                Package () {0x000EFFFF, 2, LNKE, 0},
                Package () {0x000EFFFF, 3, LNKF, 0},
                Package () {0x000FFFFF, 0, LNKH, 0},
                Package () {0x000FFFFF, 1, LNKE, 0},
                Package () {0x000FFFFF, 2, LNKF, 0},
                Package () {0x000FFFFF, 3, LNKG, 0},
                Package () {0x0010FFFF, 0, LNKE, 0},
                Package () {0x0010FFFF, 1, LNKF, 0},
                Package () {0x0010FFFF, 2, LNKG, 0},
                Package () {0x0010FFFF, 3, LNKH, 0},
                Package () {0x0011FFFF, 0, LNKF, 0},
                Package () {0x0011FFFF, 1, LNKG, 0},
                Package () {0x0011FFFF, 2, LNKH, 0},
                Package () {0x0011FFFF, 3, LNKE, 0},
                Package () {0x0012FFFF, 0, LNKG, 0},
                Package () {0x0012FFFF, 1, LNKH, 0},
                Package () {0x0012FFFF, 2, LNKE, 0},
                Package () {0x0012FFFF, 3, LNKF, 0},
                Package () {0x0013FFFF, 0, LNKH, 0},
                Package () {0x0013FFFF, 1, LNKE, 0},
                Package () {0x0013FFFF, 2, LNKF, 0},
                Package () {0x0013FFFF, 3, LNKG, 0},
                Package () {0x0014FFFF, 0, LNKE, 0},
                Package () {0x0014FFFF, 1, LNKF, 0},
                Package () {0x0014FFFF, 2, LNKG, 0},
                Package () {0x0014FFFF, 3, LNKH, 0},
                Package () {0x0015FFFF, 0, LNKF, 0},
                Package () {0x0015FFFF, 1, LNKG, 0},
                Package () {0x0015FFFF, 2, LNKH, 0},
                Package () {0x0015FFFF, 3, LNKE, 0},
                Package () {0x0016FFFF, 0, LNKG, 0},
                Package () {0x0016FFFF, 1, LNKH, 0},
                Package () {0x0016FFFF, 2, LNKE, 0},
                Package () {0x0016FFFF, 3, LNKF, 0},
                Package () {0x0017FFFF, 0, LNKH, 0},
                Package () {0x0017FFFF, 1, LNKE, 0},
                Package () {0x0017FFFF, 2, LNKF, 0},
                Package () {0x0017FFFF, 3, LNKG, 0},
                Package () {0x0018FFFF, 0, LNKE, 0},
                Package () {0x0018FFFF, 1, LNKF, 0},
                Package () {0x0018FFFF, 2, LNKG, 0},
                Package () {0x0018FFFF, 3, LNKH, 0},
                Package () {0x0019FFFF, 0, LNKA, 0},
                Package () {0x0019FFFF, 1, LNKB, 0},
                Package () {0x0019FFFF, 2, LNKC, 0},
                Package () {0x0019FFFF, 3, LNKD, 0},
                Package () {0x001AFFFF, 0, LNKA, 0},
                Package () {0x001AFFFF, 1, LNKB, 0},
                Package () {0x001AFFFF, 2, LNKC, 0},
                Package () {0x001AFFFF, 3, LNKD, 0},
                Package () {0x001BFFFF, 0, LNKA, 0},
                Package () {0x001BFFFF, 1, LNKB, 0},
                Package () {0x001BFFFF, 2, LNKC, 0},
                Package () {0x001BFFFF, 3, LNKD, 0},
                Package () {0x001CFFFF, 0, LNKA, 0},
                Package () {0x001CFFFF, 1, LNKB, 0},
                Package () {0x001CFFFF, 2, LNKC, 0},
                Package () {0x001CFFFF, 3, LNKD, 0},
                Package () {0x001DFFFF, 0, LNKA, 0},
                Package () {0x001DFFFF, 1, LNKB, 0},
                Package () {0x001DFFFF, 2, LNKC, 0},
                Package () {0x001DFFFF, 3, LNKD, 0},
                Package () {0x001EFFFF, 0, LNKA, 0},
                Package () {0x001EFFFF, 1, LNKA, 0},
                Package () {0x001EFFFF, 2, LNKA, 0},
                Package () {0x001EFFFF, 3, LNKA, 0},
                Package () {0x001FFFFF, 0, LNKA, 0},
                Package () {0x001FFFFF, 1, LNKB, 0},
                Package () {0x001FFFFF, 2, LNKC, 0},
                Package () {0x001FFFFF, 3, LNKD, 0}
            })
            Name (PRTA, Package ()
            {
                Package () {0x0000FFFF, 0, 0, 20},
                Package () {0x0000FFFF, 1, 0, 21},
                Package () {0x0000FFFF, 2, 0, 22},
                Package () {0x0000FFFF, 3, 0, 23},
                Package () {0x0001FFFF, 0, 0, 21},
                Package () {0x0001FFFF, 1, 0, 22},
                Package () {0x0001FFFF, 2, 0, 23},
                Package () {0x0001FFFF, 3, 0, 20},
                Package () {0x0002FFFF, 0, 0, 22},
                Package () {0x0002FFFF, 1, 0, 23},
                Package () {0x0002FFFF, 2, 0, 20},
                Package () {0x0002FFFF, 3, 0, 21},
                Package () {0x0003FFFF, 0, 0, 23},
                Package () {0x0003FFFF, 1, 0, 20},
                Package () {0x0003FFFF, 2, 0, 21},
                Package () {0x0003FFFF, 3, 0, 22},
                Package () {0x0004FFFF, 0, 0, 20},
                Package () {0x0004FFFF, 1, 0, 21},
                Package () {0x0004FFFF, 2, 0, 22},
                Package () {0x0004FFFF, 3, 0, 23},
                Package () {0x0005FFFF, 0, 0, 21},
                Package () {0x0005FFFF, 1, 0, 22},
                Package () {0x0005FFFF, 2, 0, 23},
                Package () {0x0005FFFF, 3, 0, 20},
                Package () {0x0006FFFF, 0, 0, 22},
                Package () {0x0006FFFF, 1, 0, 23},
                Package () {0x0006FFFF, 2, 0, 20},
                Package () {0x0006FFFF, 3, 0, 21},
                Package () {0x0007FFFF, 0, 0, 9},
                Package () {0x0007FFFF, 1, 0, 20},
                Package () {0x0007FFFF, 2, 0, 21},
                Package () {0x0007FFFF, 3, 0, 22},
                Package () {0x0008FFFF, 0, 0, 20},
                Package () {0x0008FFFF, 1, 0, 21},
                Package () {0x0008FFFF, 2, 0, 22},
                Package () {0x0008FFFF, 3, 0, 23},
                Package () {0x0009FFFF, 0, 0, 21},
                Package () {0x0009FFFF, 1, 0, 22},
                Package () {0x0009FFFF, 2, 0, 23},
                Package () {0x0009FFFF, 3, 0, 20},
                Package () {0x000AFFFF, 0, 0, 22},
                Package () {0x000AFFFF, 1, 0, 23},
                Package () {0x000AFFFF, 2, 0, 20},
                Package () {0x000AFFFF, 3, 0, 21},
                Package () {0x000BFFFF, 0, 0, 23},
                Package () {0x000BFFFF, 1, 0, 20},
                Package () {0x000BFFFF, 2, 0, 21},
                Package () {0x000BFFFF, 3, 0, 22},
                Package () {0x000CFFFF, 0, 0, 20},
                Package () {0x000CFFFF, 1, 0, 21},
                Package () {0x000CFFFF, 2, 0, 22},
                Package () {0x000CFFFF, 3, 0, 23},
                Package () {0x000DFFFF, 0, 0, 21},
                Package () {0x000DFFFF, 1, 0, 22},
                Package () {0x000DFFFF, 2, 0, 23},
                Package () {0x000DFFFF, 3, 0, 20},
                Package () {0x000EFFFF, 0, 0, 22},
                Package () {0x000EFFFF, 1, 0, 23},
                Package () {0x000EFFFF, 2, 0, 20},
                Package () {0x000EFFFF, 3, 0, 21},
                Package () {0x000FFFFF, 0, 0, 23},
                Package () {0x000FFFFF, 1, 0, 20},
                Package () {0x000FFFFF, 2, 0, 21},
                Package () {0x000FFFFF, 3, 0, 22},
                Package () {0x0010FFFF, 0, 0, 20},
                Package () {0x0010FFFF, 1, 0, 21},
                Package () {0x0010FFFF, 2, 0, 22},
                Package () {0x0010FFFF, 3, 0, 23},
                Package () {0x0011FFFF, 0, 0, 21},
                Package () {0x0011FFFF, 1, 0, 22},
                Package () {0x0011FFFF, 2, 0, 23},
                Package () {0x0011FFFF, 3, 0, 20},
                Package () {0x0012FFFF, 0, 0, 22},
                Package () {0x0012FFFF, 1, 0, 23},
                Package () {0x0012FFFF, 2, 0, 20},
                Package () {0x0012FFFF, 3, 0, 21},
                Package () {0x0013FFFF, 0, 0, 23},
                Package () {0x0013FFFF, 1, 0, 20},
                Package () {0x0013FFFF, 2, 0, 21},
                Package () {0x0013FFFF, 3, 0, 22},
                Package () {0x0014FFFF, 0, 0, 20},
                Package () {0x0014FFFF, 1, 0, 21},
                Package () {0x0014FFFF, 2, 0, 22},
                Package () {0x0014FFFF, 3, 0, 23},
                Package () {0x0015FFFF, 0, 0, 21},
                Package () {0x0015FFFF, 1, 0, 22},
                Package () {0x0015FFFF, 2, 0, 23},
                Package () {0x0015FFFF, 3, 0, 20},
                Package () {0x0016FFFF, 0, 0, 22},
                Package () {0x0016FFFF, 1, 0, 23},
                Package () {0x0016FFFF, 2, 0, 20},
                Package () {0x0016FFFF, 3, 0, 21},
                Package () {0x0017FFFF, 0, 0, 23},
                Package () {0x0017FFFF, 1, 0, 20},
                Package () {0x0017FFFF, 2, 0, 21},
                Package () {0x0017FFFF, 3, 0, 22},
                Package () {0x0018FFFF, 0, 0, 20},
                Package () {0x0018FFFF, 1, 0, 21},
                Package () {0x0018FFFF, 2, 0, 22},
                Package () {0x0018FFFF, 3, 0, 23},
                Package () {0x0019FFFF, 0, 0, 16},
                Package () {0x0019FFFF, 1, 0, 17},
                Package () {0x0019FFFF, 2, 0, 18},
                Package () {0x0019FFFF, 3, 0, 19},
                Package () {0x001AFFFF, 0, 0, 16},
                Package () {0x001AFFFF, 1, 0, 17},
                Package () {0x001AFFFF, 2, 0, 18},
                Package () {0x001AFFFF, 3, 0, 19},
                Package () {0x001BFFFF, 0, 0, 16},
                Package () {0x001BFFFF, 1, 0, 17},
                Package () {0x001BFFFF, 2, 0, 18},
                Package () {0x001BFFFF, 3, 0, 19},
                Package () {0x001CFFFF, 0, 0, 16},
                Package () {0x001CFFFF, 1, 0, 17},
                Package () {0x001CFFFF, 2, 0, 18},
                Package () {0x001CFFFF, 3, 0, 19},
                Package () {0x001DFFFF, 0, 0, 16},
                Package () {0x001DFFFF, 1, 0, 17},
                Package () {0x001DFFFF, 2, 0, 18},
                Package () {0x001DFFFF, 3, 0, 19},
                Package () {0x001EFFFF, 0, 0, 16},
                Package () {0x001EFFFF, 1, 0, 16},
                Package () {0x001EFFFF, 2, 0, 16},
                Package () {0x001EFFFF, 3, 0, 16},
                Package () {0x001FFFFF, 0, 0, 16},
                Package () {0x001FFFFF, 1, 0, 17},
                Package () {0x001FFFFF, 2, 0, 18},
                Package () {0x001FFFFF, 3, 0, 19}
            })
            Method (_PRT)
            {
                If (PICF) { Return (PRTA) }
                Return (PRTP)
            }

            Device (ISA)
            {
                Name (_ADR, 0x001F0000)
                OperationRegion (PIRQ, PCI_Config, 0x60, 0x0C)
                Field (PIRQ, ByteAcc, NoLock, Preserve)
                {
                    PIRA, 8,
                    PIRB, 8,
                    PIRC, 8,
                    PIRD, 8,
                    Offset (8),
                    PIRE, 8,
                    PIRF, 8,
                    PIRG, 8,
                    PIRH, 8
                }

                Include ("acpi_isa.asl")
            }

            /* The eight interrupt links: PIRQ[A:D]_ROUT and PIRQ[E:H]_ROUT of the LPC bridge. */
            Include ("acpi_link.asl")

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

            Device (LNKE)
            {
                Name (_HID, EisaId ("PNP0C0F"))
                Name (_UID, 5)
                Name (_PRS, ResourceTemplate ()
                {
                    Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) {5, 10, 11}
                })
                Method (_STA) { Return (LSTA (\_SB.PCI0.ISA.PIRE)) }
                Method (_DIS) { \_SB.PCI0.ISA.PIRE |= 0x80 }
                Method (_CRS) { Return (LCRS (\_SB.PCI0.ISA.PIRE)) }
                Method (_SRS, 1) { \_SB.PCI0.ISA.PIRE = LSRS (Arg0) }
            }

            Device (LNKF)
            {
                Name (_HID, EisaId ("PNP0C0F"))
                Name (_UID, 6)
                Name (_PRS, ResourceTemplate ()
                {
                    Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) {5, 10, 11}
                })
                Method (_STA) { Return (LSTA (\_SB.PCI0.ISA.PIRF)) }
                Method (_DIS) { \_SB.PCI0.ISA.PIRF |= 0x80 }
                Method (_CRS) { Return (LCRS (\_SB.PCI0.ISA.PIRF)) }
                Method (_SRS, 1) { \_SB.PCI0.ISA.PIRF = LSRS (Arg0) }
            }

            Device (LNKG)
            {
                Name (_HID, EisaId ("PNP0C0F"))
                Name (_UID, 7)
                Name (_PRS, ResourceTemplate ()
                {
                    Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) {5, 10, 11}
                })
                Method (_STA) { Return (LSTA (\_SB.PCI0.ISA.PIRG)) }
                Method (_DIS) { \_SB.PCI0.ISA.PIRG |= 0x80 }
                Method (_CRS) { Return (LCRS (\_SB.PCI0.ISA.PIRG)) }
                Method (_SRS, 1) { \_SB.PCI0.ISA.PIRG = LSRS (Arg0) }
            }

            Device (LNKH)
            {
                Name (_HID, EisaId ("PNP0C0F"))
                Name (_UID, 8)
                Name (_PRS, ResourceTemplate ()
                {
                    Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) {5, 10, 11}
                })
                Method (_STA) { Return (LSTA (\_SB.PCI0.ISA.PIRH)) }
                Method (_DIS) { \_SB.PCI0.ISA.PIRH |= 0x80 }
                Method (_CRS) { Return (LCRS (\_SB.PCI0.ISA.PIRH)) }
                Method (_SRS, 1) { \_SB.PCI0.ISA.PIRH = LSRS (Arg0) }
            }

            /* The SCI's own link, wired to interrupt 9. */
            Device (LNKS)
            {
                Name (_HID, EisaId ("PNP0C0F"))
                Name (_UID, 9)
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
