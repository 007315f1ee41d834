#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# /init of the test guest: process 1, run by busybox.
#
# Kernel command line:
#   viv.run=COMMAND or "viv.run=COMMAND WITH BLANKS"
#                    runs it with the shell, says "Vivarium guest: exit N", then powers off
#   viv.modules=a,b  loads these (and what they need) instead of the usual ones; "none" loads none
#
# What it says on the console, for tests to wait for: "Vivarium guest: init reached" as soon as it
# runs, "Vivarium guest: ready" when the modules are loaded, before the command or the shell.

export PATH=/sbin:/bin HOME=/root TERM=linux PS1='viv# '

echo 'Vivarium guest: init reached'
mount -t devtmpfs -o mode=755 devtmpfs /dev 2>/dev/null
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mkdir -p /dev/pts
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /tmp

# The value of a word of the kernel's command line; the kernel keeps quotes as they were given.
option()
{
    sed -n -e "s/.*\"$1=\([^\"]*\)\".*/\1/p" -e t -e "s/.*$1=\"\([^\"]*\)\".*/\1/p" -e t \
        -e "s/.*$1=\([^ \"]*\).*/\1/p" /proc/cmdline
}

# The usual modules, unless told otherwise; one that this kernel has built in has no file here.
modules=$(option viv.modules)
if [ -z "$modules" ]; then
    modules=ata_piix,ata_generic,sd_mod,sr_mod,isofs,button,evdev
fi
if [ "$modules" != none ]; then
    for module in $(echo "$modules" | tr ',' ' '); do
        if grep -q "^$module.ko:" "/lib/modules/$(uname -r)/modules.dep" 2>/dev/null; then
            modprobe "$module"
        fi
    done
fi

# Until a device's node appears, its driver may still be probing.
mdev -s

# The power button shuts down as it would on a desktop.
if [ -c /dev/input/event0 ]; then
    acpid -c /etc/acpi -l /dev/null -p /tmp/acpid.pid 2>/dev/null
fi

echo 'Vivarium guest: ready'
command=$(option viv.run)
if [ -n "$command" ]; then
    sh -c "$command"
    echo "Vivarium guest: exit $?"
    sync
    poweroff -f
fi

# From here on busybox's init is process 1: it keeps a shell with a terminal of its own going (see
# /etc/inittab), and answers poweroff, reboot and halt.
exec init
