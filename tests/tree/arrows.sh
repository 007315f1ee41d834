#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The dependency arrows: sdk includes only itself and C; plugins include sdk, themselves and plugin libraries; core includes sdk and
# core; frontends other than main include main and what main hands through. Nothing points back.
set -eu
cd "$VIV_SOURCE_DIR"
bad=0
complain()
{
    echo "$1"
    bad=1
}

includes_of() # FOLDER: "file:header" of every quoted include
{
    grep -rn --include='*.[ch]' -o '#include *"[^"]*"' "$1" | sed 's/:[0-9]*:#include *"/:/; s/"$//'
}

# Plugins: no header of core's or a frontend's, under any spelling.
for line in $(includes_of plugins); do
    header=${line#*:}
    case $header in
    *core/* | *frontends/*) complain "a plugin leans on the inside: $line" ;;
    */*)
        folder=${header%%/*}
        [ -d "core/$folder" ] && [ -f "core/$header" ] && complain "a plugin includes core's $header: $line"
        ;;
    esac
done
grep -rln --include=CMakeLists.txt -E 'vivcore|vivmain' plugins && complain "a plugin links the core"

# The SDK: only <viv/...> and standard C headers.
grep -rn --include='*.h' '#include' sdk/viv | grep -vE '#include <(viv/[a-z_/]+\.h|std(arg|def|int)\.h)>' &&
    complain "the SDK includes more than itself and C"

# Core: nothing of plugins or frontends.
for line in $(includes_of core); do
    header=${line#*:}
    [ -f "core/$header" ] || [ -f "$(dirname "${line%%:*}")/$header" ] || complain "core includes something that is not its own: $line"
done

# Each SDK header compiles alone, as C11 and as C++11, without padding.
for header in sdk/viv/*.h sdk/viv/draft/*.h; do
    name=${header#sdk/}
    printf '#include <%s>\n' "$name" |
        ${CC:-cc} -std=c11 -pedantic -Wall -Wextra -Wpadded -Werror -Isdk -x c -fsyntax-only - ||
        complain "$header does not compile alone as C11"
    if command -v c++ >/dev/null 2>&1; then
        printf '#include <%s>\n' "$name" | c++ -std=c++11 -Wall -Wextra -Werror -Isdk -x c++ -fsyntax-only - ||
            complain "$header does not compile alone as C++11"
    fi
done
exit $bad
