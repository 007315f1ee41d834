#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Builds the initramfs of a Linux test guest: busybox, the modules that fetch.sh took, init.sh.
#
#   tests/guests/mkinitramfs.sh [-o OUT.gz] [-a FILE:/PATH]... [amd64|cloud|none]
#
#   -o OUT         where to (default: initramfs.gz in the guest's folder of $VIV_GUESTS_DIR)
#   -a FILE:/PATH  adds a file; mode and contents as they are
#   none           no modules, for a kernel of another kind (needs -o)
#
# The same input gives the same bytes: sorted, times and owners zero. Nothing is done when the
# output is newer than all that goes into it.

set -eu

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=/dev/null
. "$here/lib.sh"

die()
{
    echo "mkinitramfs.sh: $*" >&2
    exit 1
}

# A busybox that needs no shared library: the installed one, or a fetched one.
find_busybox()
{
    for file in /bin/busybox "$VIV_GUESTS_DIR/busybox/busybox"; do
        if [ -x "$file" ] && ! ldd "$file" >/dev/null 2>&1; then
            echo "$file"
            return
        fi
    done
    "$here/fetch.sh" busybox >&2
    echo "$VIV_GUESTS_DIR/busybox/busybox"
}

# modules.dep as modprobe reads it: all that a module needs, the deepest last.
closed_dependencies()
{
    awk -F': *' '
        { direct[$1] = $2; order[NR] = $1 }
        function visit(name,    list, i, n) {
            if (name in seen)
                return
            seen[name] = 1
            n = split(direct[name], list, " ")
            for (i = 1; i <= n; i++)
                visit(list[i])
            result = name ".ko" (result == "" ? "" : " " result)
        }
        END {
            for (i = 1; i <= NR; i++) {
                split("", seen)
                result = ""
                visit(order[i])
                sub(/ /, ": ", result)
                if (result !~ /:/)
                    result = result ":"
                print result
            }
        }' "$1"
}

out=
extra=
while getopts o:a:h option; do
    case $option in
    o) out=$OPTARG ;;
    a) extra="$extra $OPTARG" ;;
    h)
        sed -n '4,14s/^# \{0,1\}//p' "$0"
        exit 0
        ;;
    *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
guest=${1:-amd64}
source=$VIV_GUESTS_DIR/$guest
if [ "$guest" != none ]; then
    [ -f "$source/modules.dep" ] || die "no guest $guest in $VIV_GUESTS_DIR; run fetch.sh $guest"
    : "${out:=$source/initramfs.gz}"
fi
[ -n "$out" ] || die "-o is missing"
command -v cpio >/dev/null 2>&1 || die "cpio is not installed"
busybox=$(find_busybox) || die "no static busybox (package busybox-static)"

# One builds, the others wait and find it done.
exec 9>"$out.lock"
flock 9
inputs="$here/init.sh $here/mkinitramfs.sh $busybox"
[ "$guest" = none ] || inputs="$inputs $source/modules.dep"
for item in $extra; do
    inputs="$inputs ${item%%:*}"
done
if [ -f "$out" ]; then
    stale=no
    for file in $inputs; do
        [ -z "$(find "$file" -newer "$out")" ] || stale=yes
    done
    [ "$stale" = yes ] || exit 0
fi

root=$out.root
trap 'rm -rf "$root" "$out.new"' EXIT
rm -rf "$root"
mkdir -p "$root"
umask 022
for folder in bin sbin dev etc/acpi/PWRF lib/modules proc root sys tmp mnt; do
    mkdir -p "$root/$folder"
done
cp "$busybox" "$root/bin/busybox"
chmod 755 "$root/bin/busybox"
"$busybox" --list | while read -r applet; do
    [ "$applet" = busybox ] || ln -s busybox "$root/bin/$applet"
done
install -m 755 "$here/init.sh" "$root/init"
printf '%s\n' '::respawn:/bin/cttyhack /bin/sh -i' '::ctrlaltdel:/bin/reboot' \
    '::shutdown:/bin/sync' >"$root/etc/inittab"
printf '#!/bin/sh\nsync\npoweroff -f\n' >"$root/etc/acpi/PWRF/00000080"
chmod 755 "$root/etc/acpi/PWRF/00000080"
if [ "$guest" != none ]; then
    modules=$root/lib/modules/$(cat "$source/version")
    mkdir -p "$modules"
    cp "$source"/modules/*.ko "$modules/"
    chmod 644 "$modules"/*.ko
    closed_dependencies "$source/modules.dep" >"$modules/modules.dep"
fi
for item in $extra; do
    mkdir -p "$root/$(dirname "${item#*:}")"
    cp -p "${item%%:*}" "$root/${item#*:}"
done

find "$root" -exec touch -h -d @0 {} +
(cd "$root" && find . | LC_ALL=C sort |
    cpio --quiet -o -H newc --reproducible -R 0:0 2>/dev/null) | gzip -n -6 >"$out.new"
mv "$out.new" "$out"
