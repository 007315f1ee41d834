#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs the campaigns of a build tree one after the other: campaign.sh BUILD [DEVICE|all] [OPERATIONS] [SEED]
# Each starts at SEED and takes the next seed after every 10 million operations, so that a finding repeats soon.
set -eu
build=${1:?usage: campaign.sh BUILD [DEVICE|all] [OPERATIONS] [SEED]}
device=${2:-all}
total=${3:-100000000}
first=${4:-1}
part=10000000
failed=0
ran=0

campaign() {
    left=$total
    seed=$first
    while [ "$left" -gt 0 ]; do
        ops=$((left < part ? left : part))
        "$1" --seed "$seed" --ops "$ops" || return 1
        left=$((left - ops))
        seed=$((seed + 1))
    done
}

for program in "$build"/campaign/campaign_*; do
    name=${program##*/campaign_}
    if [ "$device" != all ] && [ "$device" != "$name" ]; then
        continue
    fi
    ran=$((ran + 1))
    campaign "$program" || failed=$((failed + 1))
done
echo "$ran campaigns of $total operations, $failed failed"
[ "$ran" -gt 0 ] && [ "$failed" = 0 ]
