#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every source file says its licence on the first or second line: MIT below sdk/, LGPL-2.1-or-later elsewhere (test plugins and
# samples may be MIT).
set -eu
cd "$VIV_SOURCE_DIR"
bad=0
for file in $(find core plugins sdk frontends tests scripts cmake -name '*.[ch]' -o -name '*.sh' -o -name '*.py' -o -name '*.cmake' \
    -o -name '*.asl' -o -name '*.asm' -o -name CMakeLists.txt | sort); do
    line=$(head -n 2 "$file" | grep -o 'SPDX-License-Identifier: [A-Za-z0-9.-]*' || true)
    case $file:${line#*: } in
    sdk/*:MIT | tests/*:MIT | *:LGPL-2.1-or-later) ;;
    *)
        echo "$file: ${line:-no SPDX line}"
        bad=1
        ;;
    esac
    case $file:${line#*: } in
    sdk/*:LGPL*) echo "$file: the SDK is MIT"; bad=1 ;;
    esac
done
exit $bad
