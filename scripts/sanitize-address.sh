#!/usr/bin/env bash
# Every test under the address sanitizer; see scripts/sanitize.sh. Arguments: modules.
exec "$(dirname "$0")/sanitize.sh" address "$@"
