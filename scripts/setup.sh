#!/usr/bin/env bash
# Installs what is missing: Debian packages for building (`setup.sh build`), and those that only tests use
# (`setup.sh test`). Does nothing, and needs no network, when everything is there.
set -euo pipefail
cd "$(dirname "$0")/.."

build=(gcc g++ make pkg-config ca-certificates libsqlite3-dev libssl-dev libcurl4-openssl-dev libyaml-dev libtomlplusplus-dev
  zlib1g-dev libqrencode-dev libwebsockets-dev libsodium-dev)
# What the executables of the Swift toolchain are linked with, which its archive does not bring.
build+=(libncurses6 libxml2)
dist=(binutils build-essential chrpath debhelper fakeroot)
test=(python3 python3-venv prometheus chromium zbar-tools iproute2 binutils curl procps strace
  systemd openssl mandoc man-db groff-base zsh fish docker-compose "${dist[@]}" lintian)
# The fixtures in Rust are of edition 2024, for which Debian's own `rustc` is too old.
[ "${1:-build}" != test ] || rustc --edition 2024 --print sysroot >/dev/null 2>&1 || test+=(rustc-web)

wanted=("${build[@]}")
[ "${1:-build}" = demo ] && wanted+=(python3 python3-venv zbar-tools)
[ "${1:-build}" = dist ] && wanted+=("${dist[@]}")
[ "${1:-build}" = test ] && wanted+=("${test[@]}")

missing=()
for package in "${wanted[@]}"; do
  dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  echo "installing Debian packages: ${missing[*]}" >&2
  as_root=()
  [ "$(id -u)" = 0 ] || as_root=(sudo)
  export DEBIAN_FRONTEND=noninteractive
  "${as_root[@]}" apt-get update -qq >&2
  "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
fi

if ! command -v swift >/dev/null; then
  echo "Swift 6.3 or later is not on PATH. Debian 12 has no package of it: install the toolchain from swift.org" >&2
  echo "(Debian 12, x86_64) and put its usr/bin on PATH." >&2
  exit 69
fi
