/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* acpi: included by the DSDTs inside \_SB.PCI0: what interrupt links share. A link's register has bit 7 for
 * off and the interrupt in bits 3:0. */
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
