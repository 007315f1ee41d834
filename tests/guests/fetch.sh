#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Fetches the real systems that tests boot, from Debian's packages, without installing any of them.
#
#   tests/guests/fetch.sh [--refresh] [FOLDER] [GUEST|all]...   (default: all)
#
#   amd64, cloud   Debian's kernels: vmlinuz, config, version, modules/*.ko, modules.dep
#   grub           GRUB's rescue CD-ROM and floppy images
#   busybox        a static busybox, for machines that have none installed
#   gnumach, xen   the kernels of GNU Mach and Xen, unpacked
#   ipxe, memtest  CD-ROM images
#   installer-amd64, installer-i386, installer-gtk-amd64
#                  the Debian installer's kernel and initrd: linux, initrd.gz
#   ovmf           UEFI firmware: OVMF_CODE*.fd, OVMF_VARS*.fd
#
# "all" leaves out what only the extended tests boot. They land in FOLDER (a path with a slash in
# it; default: $VIV_GUESTS_DIR, or build/guests), one folder each. What is there already is taken as
# it is, so that a machine without a network works on with its cache; --refresh fetches anew. Exit
# code 1: something is neither cached nor to be had; a line says what and why.

set -eu

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=/dev/null
. "$here/lib.sh"

# The modules that a guest may ask for; what they depend on follows by itself. A kernel that has
# one of them built in (or does not know it) simply has no such file.
modules="ata_piix ata_generic sd_mod sr_mod isofs ext4 vfat nls_cp437 nls_ascii nls_utf8 floppy
    button evdev psmouse loop parport_pc lp ac battery
    virtio_pci virtio_rng virtio_console virtio_balloon
    crc32c_generic"

complain()
{
    echo "fetch.sh: $*" >&2
    return 1
}

# As the administrator, if that needs no password.
refresh_index()
{
    if [ "$(id -u)" -eq 0 ]; then
        apt-get -qq update
    else
        sudo -n apt-get -qq update
    fi
}

# The package that a metapackage stands for at present.
current_of()
{
    apt-cache depends --no-recommends --no-suggests "$1" 2>/dev/null |
        sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1
}

# download PACKAGE FOLDER: the .deb is in FOLDER afterwards.
download()
{
    command -v apt-get >/dev/null 2>&1 || complain "no apt-get here to fetch $1 with" || return 1
    # The index may be missing, or name a file that the archive has replaced since.
    (cd "$2" && apt-get -qq download "$1" 2>"$2/apt.log") ||
        { refresh_index && (cd "$2" && apt-get -qq download "$1" 2>"$2/apt.log"); } || {
        cat "$2/apt.log" >&2
        complain "cannot fetch the package $1"
    }
}

# unpack FOLDER PATTERN...: the matching files of the .deb in FOLDER, into FOLDER/root.
unpack()
{
    folder=$1
    shift
    mkdir -p "$folder/root"
    for deb in "$folder"/*.deb; do
        dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$folder/root" --wildcards "$@"
    done
}

# The names of the modules that FILE.ko wants loaded first, as it says itself.
depends_of()
{
    tr '\0' '\n' <"$1" | sed -n 's/^depends=//p' | tr ',' ' '
}

# take_modules FROM TO: copies the wanted modules and what they need; writes modules.dep (name: the
# names it needs directly). File names say '-' where module names say '_'.
take_modules()
{
    from=$1
    to=$2
    mkdir -p "$to/modules"
    : >"$to/modules.dep"
    find "$from" -name '*.ko' | sort >"$to/all"
    # shellcheck disable=SC2086 # a list of words
    set -- $modules
    while [ $# -gt 0 ]; do
        module=$1
        shift
        grep -q "^$module:" "$to/modules.dep" && continue
        pattern=$(echo "$module" | sed 's/[-_]/[-_]/g')
        file=$(grep "/$pattern\\.ko\$" "$to/all" | head -n 1) || :
        [ -n "$file" ] || continue
        needs=$(depends_of "$file" | tr '-' '_')
        cp "$file" "$to/modules/$module.ko"
        echo "$module: $needs" >>"$to/modules.dep"
        # shellcheck disable=SC2086 # a list of words
        set -- "$@" $needs
    done
    rm "$to/all"
}

fetch_kernel()
{
    case $1 in
    amd64) meta=linux-image-amd64 ;;
    *) meta=linux-image-$1-amd64 ;;
    esac
    package=$(current_of "$meta")
    if [ -z "$package" ]; then
        refresh_index || complain "apt does not know $meta, and its index cannot be refreshed" ||
            return 1
        package=$(current_of "$meta")
    fi
    [ -n "$package" ] || complain "apt does not know $meta" || return 1
    download "$package" "$2" || return 1
    version=${package#linux-image-}
    unpack "$2" './boot/vmlinuz-*' './boot/config-*' || return 1
    # Whole folders, as dependencies are only known from the files; the rest stays packed. A kernel
    # that lacks one of them makes tar complain.
    unpack "$2" '*/kernel/block/*' '*/kernel/crypto/*' '*/kernel/lib/*' \
        '*/kernel/arch/x86/crypto/*' '*/kernel/drivers/ata/*' '*/kernel/drivers/scsi/*' \
        '*/kernel/drivers/cdrom/*' '*/kernel/drivers/block/*' '*/kernel/drivers/acpi/*' \
        '*/kernel/drivers/input/*' '*/kernel/fs/*' '*/kernel/drivers/parport/*' \
        '*/kernel/drivers/char/*' '*/kernel/drivers/virtio/*' 2>"$2/tar.log" || :
    mkdir "$2/out"
    cp "$2/root/boot/vmlinuz-$version" "$2/out/vmlinuz"
    cp "$2/root/boot/config-$version" "$2/out/config"
    echo "$version" >"$2/out/version"
    take_modules "$2/root" "$2/out"
    echo "$modules" >"$2/out/modules.wanted"
}

fetch_grub()
{
    download grub-rescue-pc "$2" || return 1
    unpack "$2" './usr/lib/grub-rescue/*' || return 1
    mkdir "$2/out"
    cp "$2/root/usr/lib/grub-rescue/grub-rescue-cdrom.iso" "$2/out/"
    cp "$2/root/usr/lib/grub-rescue/grub-rescue-floppy.img" "$2/out/"
}

fetch_busybox()
{
    download busybox-static "$2" || return 1
    unpack "$2" '*/bin/busybox' || return 1
    mkdir "$2/out"
    cp "$(find "$2/root" -type f -path '*/bin/busybox' | head -n 1)" "$2/out/busybox"
}

# fetch_files PACKAGE FOLDER PATTERN...: the package's matching files, all in one folder.
fetch_files()
{
    package=$1
    shift
    download "$package" "$1" || return 1
    unpack "$@" || return 1
    mkdir "$1/out"
    find "$1/root" -type f -exec cp {} "$1/out/" \;
}

# fetch_kernel_gz PACKAGE FOLDER PATTERN NAME: one compressed kernel, unpacked as NAME.
fetch_kernel_gz()
{
    fetch_files "$1" "$2" "$3" || return 1
    gzip -dc "$2"/out/*.gz >"$2/out/$4"
    rm "$2"/out/*.gz
}

# fetch_installer text|gtk ARCHITECTURE FOLDER
fetch_installer()
{
    fetch_files "debian-installer-12-netboot-$2" "$3" "*/$1/debian-installer/$2/linux" \
        "*/$1/debian-installer/$2/initrd.gz"
}

# A kernel that was fetched when other modules were wanted is fetched anew.
is_current()
{
    case $1 in
    amd64 | cloud) [ "$(cat "$VIV_GUESTS_DIR/$1/modules.wanted" 2>/dev/null)" = "$modules" ] ;;
    *) return 0 ;;
    esac
}

# get NAME: fetches into a folder beside the cache and moves it in place when it is whole.
get()
{
    name=$1
    if [ -d "$VIV_GUESTS_DIR/$name" ] && [ "$refresh" = no ] && is_current "$name"; then
        return 0
    fi
    echo "fetch.sh: fetching guest $name" >&2
    work=$VIV_GUESTS_DIR/.fetch-$name
    rm -rf "$work"
    mkdir -p "$work"
    case $name in
    amd64 | cloud) fetch_kernel "$name" "$work" ;;
    grub) fetch_grub "$name" "$work" ;;
    busybox) fetch_busybox "$name" "$work" ;;
    gnumach) fetch_kernel_gz gnumach-image-1.8-486 "$work" './boot/*.gz' gnumach ;;
    xen) fetch_kernel_gz xen-hypervisor-4.17-amd64 "$work" './boot/*.gz' xen ;;
    ipxe) fetch_files ipxe "$work" '*/ipxe.iso' ;;
    memtest) fetch_files memtest86+ "$work" '*.iso' ;;
    installer-gtk-*) fetch_installer gtk "${name#installer-gtk-}" "$work" ;;
    installer-*) fetch_installer text "${name#installer-}" "$work" ;;
    ovmf) fetch_files ovmf "$work" '*/OVMF_CODE*.fd' '*/OVMF_VARS*.fd' ;;
    *) complain "unknown guest '$name'; --help lists them" ;;
    esac || {
        rm -rf "$work"
        [ -d "$VIV_GUESTS_DIR/$name" ]
        return
    }
    rm -rf "${VIV_GUESTS_DIR:?}/$name"
    mv "$work/out" "$VIV_GUESTS_DIR/$name"
    rm -rf "$work"
}

basic="amd64 cloud grub busybox gnumach xen ipxe ovmf"
refresh=no
names=
for arg in "$@"; do
    case $arg in
    --refresh) refresh=yes ;;
    -h | --help)
        sed -n '4,23s/^# \{0,1\}//p' "$0"
        exit 0
        ;;
    */*) VIV_GUESTS_DIR=$arg ;;
    all) names="$names $basic" ;;
    *) names="$names $arg" ;;
    esac
done

# Tests run side by side; one of them fetches, the others wait for it.
mkdir -p "$VIV_GUESTS_DIR"
VIV_GUESTS_DIR=$(cd "$VIV_GUESTS_DIR" && pwd)
exec 9>"$VIV_GUESTS_DIR/.lock"
flock 9
failed=0
for name in ${names:-$basic}; do
    get "$name" || failed=1
done
exit $failed
