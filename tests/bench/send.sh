#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Sending alone beside libcurl's limit: the same POSTs to the same nginx, in turns; prints both and their ratio.
# Usage: send.sh [REQUESTS [HOSTS [ROUNDS]]]. Needs nginx and a build with -Dbench=ON (BUILD, default build/release).
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
build=${BUILD:-$top/build/release}
requests=${1:-150000} hosts=${2:-1} rounds=${3:-3}
dir=$(mktemp -d)
port=$((20000 + RANDOM % 20000))
trap '[ -f "$dir/pid" ] && kill "$(cat "$dir/pid")"; sleep 0.2; rm -rf "$dir"' EXIT
cat > "$dir/nginx.conf" <<CONF
worker_processes 1;
worker_cpu_affinity 10;
pid $dir/pid;
error_log $dir/error.log crit;
events { worker_connections 60000; }
http {
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 3600s;
  client_body_temp_path $dir; proxy_temp_path $dir; fastcgi_temp_path $dir; uwsgi_temp_path $dir; scgi_temp_path $dir;
  server { listen $port backlog=4096; location / { return 200; } }
}
CONF
nginx -c "$dir/nginx.conf"
ulimit -n "$(ulimit -Hn)"
for _ in $(seq "$rounds"); do
  taskset -c 0 "$build/tests/bench/limit" "$port" "$requests" "$hosts"
  taskset -c 0 "$build/tests/bench/sender_bench" "$port" "$requests" "$hosts"
done | tee "$dir/out"
awk '{ for (i = 2; i <= NF; i++) { split($i, a, "="); v[a[1]] = a[2] }
       n[$1]++; rate[$1] += v["posts_per_s"]; cpu[$1] += v["cpu_s_per_10k"] }
     END { printf "sender / limit: rate %.2f, CPU %.2f\n", rate["sender"] / rate["limit"], cpu["sender"] / cpu["limit"] }' \
  "$dir/out"
