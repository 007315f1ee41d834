#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# A short run of every libFuzzer target of a build tree made with the preset fuzz. VIV_FUZZ_SECONDS: of each, 10 by default.
# With a target's name: that one, without an end.
set -eu
build=${1:?usage: smoke.sh BUILD [TARGET]}
if [ -n "${2:-}" ]; then
    mkdir -p "$build/corpus/$2"
    exec "$build/fuzz/$2" -timeout=20 -rss_limit_mb=4096 -artifact_prefix="$build/corpus/$2-" "$build/corpus/$2"
fi
seconds=${VIV_FUZZ_SECONDS:-10}
failed=0
ran=0
for target in "$build"/fuzz/*; do
    if [ ! -f "$target" ] || [ ! -x "$target" ]; then
        continue
    fi
    name=$(basename "$target")
    mkdir -p "$build/corpus/$name"
    if "$target" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=4096 -print_final_stats=1 \
        -artifact_prefix="$build/corpus/$name-" "$build/corpus/$name" >"$build/corpus/$name.log" 2>&1; then
        echo "fuzz $name: clean, $(sed -n 's/.*number_of_executed_units: *//p' "$build/corpus/$name.log") runs"
    else
        echo "fuzz $name: FAILED"
        tail -n 30 "$build/corpus/$name.log"
        failed=$((failed + 1))
    fi
    ran=$((ran + 1))
done
echo "$((ran - failed)) passed, $failed failed"
[ "$failed" = 0 ]
