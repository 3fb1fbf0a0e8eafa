#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The benchmark suite: builds, finds or installs nginx, runs engine and limit in turns, prints ratios.
# Rows: passthrough script lua-sign lua-filter lua-change lua-rebuild, and, when named, lua-10000.
# Run by themselves: drain.py (a long outage of all targets ends), isolation.py (a bad webhook's neighbours).
# Usage: tests/bench/run.sh [ROW ...] [--rounds N] [--events N] [--json FILE] [--compare FILE]
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
missing=
command -v nginx >/dev/null || missing="$missing nginx"
command -v python3 >/dev/null || missing="$missing python3"
command -v taskset >/dev/null || missing="$missing util-linux"
if [ -n "$missing" ]; then
    echo "installing:$missing"
    sudo=
    [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo apt-get update -q >/dev/null
    # shellcheck disable=SC2086 # a list of names
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing >/dev/null
fi
cd "$top"
cmake --preset release -Dbench=ON >/dev/null
cmake --build --preset release -j"$(nproc)" >/dev/null
exec python3 tests/bench/bench.py --build "$top/build/release" "$@"
