#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Brings the generated part of the pages in docs/devices up to date: what a plugin says of its
# classes and configuration keys itself.
#
#   scripts/device-docs.sh [--check] BUILD
#
# In a page it stands between the lines "<!-- viv plugin info NAME -->" and "<!-- end -->". --check
# only tells which pages are out of date, and which device of the build has none, and exits 1 then.
# Pages of plugins that are not in the build are left alone.

set -eu

check=no
if [ "${1:-}" = --check ]; then
    check=yes
    shift
fi
build=$(cd "${1:?usage: device-docs.sh [--check] BUILD}" && pwd)
cd "$(dirname "$0")/../docs/devices"
viv=$build/bin/viv
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0

"$viv" plugin list --kind device --json | sed -n 's/.*"name": "\([^"]*\)".*/\1/p' | sort -u >"$work/devices"
cat -- *.md | sed -n 's/^<!-- viv plugin info \(.*\) -->$/\1/p' | sort -u >"$work/named"

while read -r name; do
    [ "$name" = "$(basename "$name")" ] || continue
    "$viv" plugin info "$name" --markdown >"$work/part.$name" 2>/dev/null || rm -f "$work/part.$name"
done <"$work/named"

for page in *.md; do
    awk -v work="$work" '
        /^<!-- end -->$/ { skip = 0 }
        !skip { print }
        /^<!-- viv plugin info .* -->$/ {
            file = work "/part." $5
            if ((getline line < file) > 0) {
                do print line
                while ((getline line < file) > 0)
                close(file)
                skip = 1
            }
        }' "$page" >"$work/page"
    if ! cmp -s "$page" "$work/page"; then
        if [ $check = yes ]; then
            echo "docs/devices/$page is out of date; run make docs"
            bad=1
        else
            cp "$work/page" "$page"
            echo "docs/devices/$page"
        fi
    fi
done

for name in $(comm -23 "$work/devices" "$work/named"); do
    echo "no page in docs/devices has \"<!-- viv plugin info $name -->\""
    bad=1
done
exit $bad
