#!/usr/bin/env bash
# The HTTP engine against nginx: the same 2 KiB body, wrk with 32 connections, CPU time and requests per second.
#   benchmarks/http/run.sh [SECONDS]
# Requests per second on a small shared machine swing by a factor of two; user and system CPU per request are the figures to
# trust. Needs wrk and nginx (Debian: apt-get install wrk nginx-light). Instructions: valgrind --tool=callgrind with SECONDS=1.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-5}
swift build -c release --product bench-http 2>&1 | tail -1
work=$(mktemp -d)
trap 'kill $server $nginx 2>/dev/null || true; rm -rf "$work"' EXIT
head -c 2048 /dev/zero | tr '\0' a >"$work/builtin"
cat >"$work/nginx.conf" <<NGINX
worker_processes 2; daemon off; pid $work/nginx.pid; error_log /dev/null;
events { worker_connections 1024; }
http { access_log off; sendfile on; open_file_cache max=100; keepalive_requests 100000000;
  client_body_temp_path $work; proxy_temp_path $work; fastcgi_temp_path $work; uwsgi_temp_path $work; scgi_temp_path $work;
  server { listen 127.0.0.1:18081; root $work; default_type text/plain; } }
NGINX
chmod 755 "$work"
.build/release/bench-http 127.0.0.1:18080 2 >"$work/log" & server=$!
nginx -c "$work/nginx.conf" & nginx=$!
sleep 1
# CPU ticks (user, system) of a process and its children.
ticks() { for pid in "$1" $(pgrep -P "$1" || true); do cut -d' ' -f14,15 "/proc/$pid/stat"; done | awk '{u+=$1; s+=$2} END {print u, s}'; }
measure() {
  local name=$1 pid=$2 url=$3 before after requests rate
  before=$(ticks "$pid")
  wrk -t1 -c32 -d"${seconds}s" "$url" >"$work/wrk"
  after=$(ticks "$pid")
  requests=$(awk '/requests in/ {print $1}' "$work/wrk")
  rate=$(awk '/Requests\/sec/ {print $2}' "$work/wrk")
  echo "$name $requests $rate $before $after" | awk '{printf "%-16s %10.0f req/s   %5.2f us user   %5.2f us system per request\n", $1, $3, ($6-$4)*10000/$2, ($7-$5)*10000/$2}'
  grep -E "Non-2xx|Socket errors" "$work/wrk" || true
}
for round in 1 2 3; do
  measure built-in "$server" http://127.0.0.1:18080/builtin
  measure watched "$server" http://127.0.0.1:18080/watched
  measure nginx "$nginx" http://127.0.0.1:18081/builtin
done
