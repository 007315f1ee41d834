#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every device has a page in docs/devices, and the generated parts are up to date (make docs).
set -eu
exec "$VIV_SOURCE_DIR/scripts/device-docs.sh" --check "$VIV_BUILD_DIR"
