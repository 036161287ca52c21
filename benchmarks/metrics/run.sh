#!/usr/bin/env bash
# Increments and scrapes, ours against others, on this machine. Prints tables with ratios; needs no network once the
# packages are there: golang-go golang-github-prometheus-client-golang-dev, cargo librust-prometheus-dev (or a cargo on
# PATH), valgrind, and PyPI's prometheus_client. A peer whose tools are missing is left out and named.
#
# SPDX-License-Identifier: Apache-2.0
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cells=$root/Sources/Host/CMetricCells

echo "== increment: through a table of function pointers, against an inlined C atomic addition (median of 5)"
cc -std=c11 -O2 -D_GNU_SOURCE -I"$cells/include" "$here/increment.c" "$cells"/*.c -o "$work/increment" -pthread
"$work/increment"

echo
echo "== scrape: N counter series, 1 in 100 moves between two scrapes; text format, CPU of the process"
(cd "$root" && swift build -c release --product bench-scrape >"$work/build.log" 2>&1) || { cat "$work/build.log"; exit 1; }
strip -o "$work/ours" "$root/.build/release/bench-scrape" # valgrind cannot read Swift's debug information

peers=()
if command -v go >/dev/null && GO111MODULE=off GOPATH=/usr/share/gocode go build -o "$work/go" "$here/peers/peer.go" 2>"$work/go.log"; then
  peers+=("client_golang:$work/go")
else
  echo "(left out: client_golang; install golang-go golang-github-prometheus-client-golang-dev)"
fi
cp -r "$here/peers/rust" "$work/rust-src"
mkdir "$work/rust-src/.cargo"
printf '[source.crates-io]\nreplace-with = "debian"\n[source.debian]\ndirectory = "/usr/share/cargo/registry"\n' \
  >"$work/rust-src/.cargo/config.toml"
if command -v cargo >/dev/null && (cd "$work/rust-src" && cargo build --release --offline >"$work/rust.log" 2>&1); then
  peers+=("rust_prometheus:$work/rust-src/target/release/peer")
else
  echo "(left out: Rust's prometheus; install cargo librust-prometheus-dev)"
fi
if python3 -c 'import prometheus_client' 2>/dev/null; then
  peers+=("python_client:python3 $here/peers/peer.py")
else
  echo "(left out: python_client; pip install prometheus_client)"
fi

# CPU microseconds of one scrape. $1 command, $2 series, $3 scrapes.
cpu() { $1 "$2" "$3" | sed -n 's/.*cpu_us_per_scrape \([0-9.]*\).*/\1/p'; }

printf '%-18s %10s %16s %18s %12s\n' who series "us per scrape" "us per 1000" "ours is"
for series in 1000 10000 100000; do
  ours=$(cpu "$work/ours" $series $((20000000 / series)))
  printf '%-18s %10d %16.1f %18.2f %12s\n' nexo $series "$ours" "$(echo "$ours * 1000 / $series" | bc -l)" 1
  for peer in "${peers[@]}"; do
    scrapes=$((500000 / series > 3 ? 500000 / series : 3))
    case $peer in python*) scrapes=$((100000 / series > 3 ? 100000 / series : 3)) ;; esac
    [ "$series-${peer%%:*}" = 100000-python_client ] && continue # minutes
    theirs=$(cpu "${peer#*:}" $series $scrapes)
    printf '%-18s %10d %16.1f %18.2f %11.0fx\n' "${peer%%:*}" $series "$theirs" \
      "$(echo "$theirs * 1000 / $series" | bc -l)" "$(echo "$theirs / $ours" | bc -l)"
  done
done

if command -v valgrind >/dev/null; then
  echo
  echo "== scrape: user instructions per series (callgrind; goal: at most 300, a fifth of swift-prometheus' 1,500)"
  libraries=$(ldd "$root/.build/release/bench-scrape" | sed -n 's/.*libswiftCore.so => \(.*\)\/libswiftCore.so.*/\1/p')
  # $1 series, $2 scrapes, $3 frozen or nothing
  instructions() {
    LD_LIBRARY_PATH=$libraries valgrind --tool=callgrind --callgrind-out-file="$work/callgrind" \
      "$work/ours" "$1" "$2" ${3:-} >/dev/null 2>&1
    sed -n 's/^totals: //p' "$work/callgrind"
  }
  printf '%10s %18s %18s\n' series "1 % changed" "nothing changed"
  for series in 1000 10000 100000; do
    line=$(printf '%10d' $series)
    for mode in "" frozen; do
      few=$(instructions $series 20 $mode)
      many=$(instructions $series 70 $mode)
      line+=$(printf ' %18.1f' "$(echo "($many - $few) / 50 / $series" | bc -l)")
    done
    echo "$line"
  done
fi
