#!/usr/bin/env bash
# Runs tests under the thread sanitizer: scripts/sanitize-thread.sh [FILTER]. FILTER as in `swift test --filter`.
# A report of the sanitizer is a failure. Builds into .build-tsan, beside the ordinary build.
set -eu
cd "$(dirname "$0")/.."
filter=${1:-HostPluginsTests}
scratch=.build-tsan
swift build --product nexo-probe
swift build --build-tests --sanitize=thread -Xlinker --export-dynamic --scratch-path "$scratch"
clang -shared -fPIC -O1 -o "$scratch/mutex.so" scripts/sanitize/mutex.c
# The probe itself is the ordinary build: the sanitizer turns the deaths that it has to see into exits of its own.
# Crash reports likewise: their signals belong to the sanitizer.
log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0
env NEXO_PROBE="$PWD/.build/debug/nexo-probe" LD_PRELOAD="$PWD/$scratch/mutex.so" \
  TSAN_OPTIONS="halt_on_error=0 exitcode=0" \
  "$scratch/debug/nexoPackageTests.xctest" --testing-library swift-testing --filter "$filter" \
  --skip CrashReportTests --skip "what a plugin changes" > "$log" 2>&1 || status=$?
grep -a -E '✘|Test run' "$log" | tail -20 || true
races=$(grep -a -c 'WARNING: ThreadSanitizer' "$log" || true)
grep -a 'SUMMARY: ThreadSanitizer' "$log" | sort | uniq -c | sort -rn | head -20 || true
echo "thread sanitizer: $races reports, tests ended with status $status"
[ "$races" = 0 ] && [ "$status" = 0 ]
