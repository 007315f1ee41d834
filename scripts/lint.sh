#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# make lint: formatting, static analysis of every C file of ours, shell scripts. LINT_FULL=1 adds the analyzer's slow checks.
#
#   scripts/lint.sh BUILD

set -eu

build=${1:?usage: lint.sh BUILD}
jobs=$(nproc)
bad=0

sources()
{
    find core plugins sdk frontends tests -name '*.[ch]' | sort
}

echo "clang-format ..."
# shellcheck disable=SC2046
clang-format --dry-run -Werror $(sources) || bad=1

echo "shellcheck ..."
# shellcheck disable=SC2046
shellcheck -x $(find scripts tests .ci -name '*.sh' -o -path '.ci/run') || bad=1

checks=
[ -n "${LINT_FULL:-}" ] || checks='--checks=-clang-analyzer-*'
echo "clang-tidy ..."
# Files that the build compiles, outside generated ones; each once. Warnings are failures.
sed -n 's/.*"file": "\(.*\)".*/\1/p' "$build/compile_commands.json" | sort -u |
    grep -E "^$(pwd)/(core|plugins|frontends|sdk)/" | grep -v '/tests/' >"$build/lint.files"
xargs -P "$jobs" -n 8 clang-tidy -p "$build" --quiet --warnings-as-errors='*' ${checks:+"$checks"} \
    <"$build/lint.files" >"$build/lint.log" 2>/dev/null || bad=1
grep -E 'warning:|error:' "$build/lint.log" | sort -u || true

[ $bad = 0 ] && echo "lint: clean"
exit $bad
