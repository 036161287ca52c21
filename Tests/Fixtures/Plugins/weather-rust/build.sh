#!/bin/sh
# Builds libweather-rust.so into the folder given (default: here). Needs rustc alone.
#
# SPDX-License-Identifier: Apache-2.0
set -eu
here=$(cd "$(dirname "$0")" && pwd)
rustc --edition 2021 -C opt-level=s -C panic=abort -C strip=symbols -C link-arg=-Wl,-z,nodelete,-z,now \
  --crate-type cdylib --crate-name weather_rust -D warnings -o "${1:-$here}/libweather-rust.so" "$here/weather.rs"
