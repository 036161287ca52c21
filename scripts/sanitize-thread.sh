#!/usr/bin/env bash
# Every test under the thread sanitizer; see scripts/sanitize.sh. Arguments: modules.
exec "$(dirname "$0")/sanitize.sh" thread "$@"
