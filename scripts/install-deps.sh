#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Installs the Debian packages that a purpose needs, and only those that are missing.
#
#   scripts/install-deps.sh [-n] [build|run|test|lint|fuzz|bench]...  (default: build)
#
# The sets add up: run, lint and fuzz include build, test includes run, bench includes test. Nothing
# is asked of apt (so neither root nor a network is needed) when dpkg has every package already.
# -n only prints what is missing, one name a line, and exits 1 if there is something.

set -eu

usage()
{
    sed -n '4,10s/^# \{0,1\}//p' "$0"
}

# The only lists of packages. Optional libraries that a plugin needs belong to build: without them
# the plugin is left out with one line at configure time.
packages_of()
{
    case $1 in
    build)
        echo gcc libc6-dev make cmake ninja-build pkg-config libltdl-dev libglib2.0-dev \
            libzydis-dev libzstd-dev zlib1g-dev libpng-dev acpica-tools check
        ;;
    run)
        packages_of build
        echo seabios busybox-static cpio gzip xz-utils
        ;;
    test)
        packages_of run
        echo nasm python3 xorriso binutils
        ;;
    lint)
        packages_of build
        echo clang clang-format clang-tidy shellcheck python3
        ;;
    fuzz)
        packages_of build
        echo clang llvm
        ;;
    bench)
        packages_of test
        echo qemu-system-x86 bochs bochs-x bochsbios vgabios xvfb xauth grub-pc-bin grub-common
        ;;
    *)
        echo "install-deps.sh: unknown purpose '$1' (build, run, test, lint, fuzz or bench)" >&2
        return 2
        ;;
    esac
}

# Prints the packages named on the command line that dpkg does not have fully installed.
missing_of()
{
    # Unknown packages make dpkg-query complain and exit 1; what it prints is right all the same.
    have=" $(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
        sed -n 's/^installed //p' | tr '\n' ' ') "
    for name in "$@"; do
        case $have in
        *" $name "*) ;;
        *) echo "$name" ;;
        esac
    done
}

apt()
{
    if [ "$(id -u)" -eq 0 ]; then
        env DEBIAN_FRONTEND=noninteractive apt-get -q "$@"
    else
        sudo env DEBIAN_FRONTEND=noninteractive apt-get -q "$@"
    fi
}

dry=no
wanted=
for arg in "$@"; do
    case $arg in
    -n) dry=yes ;;
    -h | --help)
        usage
        exit 0
        ;;
    *) wanted="$wanted $arg" ;;
    esac
done

names=
for purpose in ${wanted:-build}; do
    list=$(packages_of "$purpose") || exit 2
    names="$names $list"
done

if ! command -v dpkg-query >/dev/null 2>&1; then
    echo "install-deps.sh: not a Debian system; please provide by other means what these packages" \
        "hold:$names" >&2
    exit 0
fi

# shellcheck disable=SC2046,SC2086 # lists of words
missing=$(missing_of $(printf '%s\n' $names | sort -u))
if [ -z "$missing" ]; then
    exit 0
fi
if [ "$dry" = yes ]; then
    printf '%s\n' "$missing"
    exit 1
fi
if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null 2>&1; then
    echo "install-deps.sh: neither root nor sudo here; please install:" >&2
    printf '%s\n' "$missing" >&2
    exit 1
fi

# The package index is fetched only when it does not know a package, or names a file that is gone.
# shellcheck disable=SC2086 # a list of words
echo "Installing:" $missing
# shellcheck disable=SC2086 # a list of words
if ! apt-cache show --no-all-versions $missing >/dev/null 2>&1 ||
    ! apt install -y --no-install-recommends $missing; then
    apt update
    apt install -y --no-install-recommends $missing
fi
