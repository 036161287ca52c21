#!/usr/bin/env bash
# Builds deploy/docker/Dockerfile with buildah and runs the image as its own words say: entry point, command, user, health
# check. The base images are made here by debootstrap, since no registry is asked: Debian's, and for the first stage one with the
# Swift toolchain on PATH. --dist FOLDER takes a folder of `make dist` in place of the first stage (minutes instead of an hour).
# Needs root, debootstrap and buildah. Usage: check-docker.sh [--dist FOLDER] [--base ROOT], ROOT being a clean Debian 12.
#
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || { echo "check-docker: needs root, for debootstrap and chroot" >&2; exit 69; }
dist=
base=
while [ $# -gt 0 ]; do
  case $1 in
  --dist) dist=$(realpath "$2") && shift ;;
  --base) base=$2 && shift ;;
  *) echo "check-docker: unknown word '$1'" >&2 && exit 2 ;;
  esac
  shift
done
work=$(mktemp -d /var/tmp/nexo-docker-XXXXXX)
store=(--root "$work/images" --runroot "$work/run" --storage-driver vfs)
host=
finish() {
  [ -z "$host" ] || kill "$host" 2>/dev/null || true
  buildah "${store[@]}" rm --all >/dev/null 2>&1 || true
  rm -rf --one-file-system "$work"
}
trap finish EXIT
say() { echo "check-docker: $(date -u +%H:%M:%S) $*"; }

# image NAME FOLDER [FOLDER INSIDE]: an image of one layer.
image() {
  local container
  container=$(buildah "${store[@]}" from scratch)
  buildah "${store[@]}" add -q "$container" "$2" / >/dev/null
  [ $# = 2 ] || buildah "${store[@]}" add -q "$container" "$3" "$4" >/dev/null
  [ $# = 2 ] || buildah "${store[@]}" config --env "PATH=$4/usr/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" "$container"
  buildah "${store[@]}" commit -q --rm "$container" "$1" >/dev/null
}
if [ -z "$base" ]; then
  base=$work/debian
  debootstrap --variant=minbase bookworm "$base" >"$work/debootstrap.log" 2>&1
fi
image docker.io/library/debian:bookworm-slim "$base"
file=$PWD/deploy/docker/Dockerfile
options=()
if [ -n "$dist" ]; then
  # The second stage alone, its lines as they are; what it copies comes from an image with the folder in the same place.
  mkdir -p "$work/stage/src"
  cp -a "$dist" "$work/stage/src/dist"
  image localhost/nexo-build "$work/stage"
  awk '/^FROM/ { stage++ } stage == 2 { sub(/--from=build/, "--from=localhost/nexo-build"); print }' "$file" >"$work/Dockerfile"
  file=$work/Dockerfile
else
  toolchain=$(swiftc -print-target-info | sed -nE '/runtimeLibraryPaths/{n;s/^ *"([^"]*)\/usr\/lib\/swift\/linux".*/\1/p}')
  image localhost/nexo-swift "$base" "$toolchain" /opt/swift
  options+=(--build-arg SWIFT_IMAGE=localhost/nexo-swift)
fi
say "base images made"
began=$SECONDS
buildah "${store[@]}" build --isolation chroot --pull-never --format docker "${options[@]}" -f "$file" -t localhost/nexo . >"$work/build.log" 2>&1 ||
  { tail -60 "$work/build.log"; say "FAILED: build"; exit 1; }
grep STEP "$work/build.log"
say "built: $((SECONDS - began)) s"

# As `docker run` reads the image: ENTRYPOINT with CMD as the USER, with a network of its own, so that the ports are free.
said() {
  buildah "${store[@]}" inspect --type image localhost/nexo |
    python3 -c 'import json, sys; said = json.load(sys.stdin)["Docker"]["config"][sys.argv[1]]; print(*(said["Test"] if sys.argv[1] == "Healthcheck" else said))' "$1"
}
entry=$(said Entrypoint)
command=$(said Cmd)
check=$(said Healthcheck)
[ "$(said StopSignal | tr -d ' ')" = SIGTERM ] || { say "the stop signal is not SIGTERM"; exit 1; }
container=$(buildah "${store[@]}" from --pull-never localhost/nexo)
unshare -n bash -c 'ip link set lo up; exec "$@"' - buildah "${store[@]}" run --isolation chroot "$container" -- $entry $command \
  >"$work/out" 2>"$work/err" &
host=$!
for _ in $(seq 240); do grep -q '^ready ' "$work/out" && break; sleep 0.5; done
grep -qx 'ready agents=1 extensions_ok=3 extensions_disabled=0 extensions_invalid=0' "$work/out" || { cat "$work/out" "$work/err"; say "FAILED: no ready line"; exit 1; }
agent=
for pid in $(pgrep -f "(^|/)$entry $command\$"); do
  if [ "$(readlink "/proc/$pid/ns/net")" = "$(readlink "/proc/$host/ns/net")" ]; then agent=$pid; fi
done
[ -n "$agent" ] || { say "FAILED: no process '$entry $command' in the container"; exit 1; }
user=$(stat -c %u "/proc/$agent")
[ "$user" = 10001 ] || { say "FAILED: runs as user $user"; exit 1; }
beside() { nsenter -t "$host" -n "$@"; }
beside curl -fsS http://127.0.0.1:9090/metrics | grep -x 'nexo_ready 1'
beside curl -fsS http://127.0.0.1:8080/ready >/dev/null
beside buildah "${store[@]}" run --isolation chroot "$container" -- ${check#CMD } | grep echo
kill -TERM "$agent"
wait "$host"
host=
say "all well: built, ran as user $user, healthy, ended with 0"
