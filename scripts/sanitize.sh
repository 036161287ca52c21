#!/usr/bin/env bash
# Runs the tests under a sanitizer, module by module, unattended: scripts/sanitize.sh address|thread [MODULE...]
# All modules unless some are named; FILTER (as in `swift test --filter`) narrows them down. Builds into .build-asan or
# .build-tsan, beside the ordinary build; the host that end-to-end tests start and the ledger driver are built
# with the sanitizer too, since tests start the ones beside them. Ends with a table; a report or a failed test is a failure.
# Logs: .build-*/logs/MODULE.log; reports: .build-*/reports/MODULE/. What is suppressed, and why: scripts/sanitize/runtime.c.
set -uo pipefail
cd "$(dirname "$0")/.."
kind=${1:-}
case $kind in
  address) scratch=$PWD/.build-asan ;;
  thread) scratch=$PWD/.build-tsan ;;
  *) echo "usage: $0 address|thread [MODULE...]" >&2 && exit 64 ;;
esac
shift
modules=("$@")
if [ ${#modules[@]} = 0 ]; then
  for folder in Tests/*Tests; do [ "$folder" = Tests/EndToEndTests ] || modules+=("$(basename "$folder")"); done
  modules+=(EndToEndTests)
fi
# Seconds for one module. A test that hangs must not hang the run.
limit=${SANITIZE_SECONDS:-3600}
# Sanitized code is 5 to 20 times slower: what repeats thousands of times repeats less often.
export NEXO_TEST_MUTATIONS=${NEXO_TEST_MUTATIONS:-2000} NEXO_TEST_CYCLES=${NEXO_TEST_CYCLES:-20}
# As scripts/test.sh: not more tests at once than threads that they may hold.
export SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=${TEST_WIDTH:-$(nproc)}
# Swift's own report of a crash runs on a thread that no sanitizer knows of, and reads frames of functions that are not its
# own: both stop it. The host's report is another, and stays.
export SWIFT_BACKTRACE=enable=no
[ -d .build/venv/bin ] && export PATH="$PWD/.build/venv/bin:$PATH"

mkdir -p "$scratch/logs" "$scratch/reports"
clang -c -O1 -fPIC -Wall -Wextra -Werror "-DSANITIZE_$kind" "-DREPORTS=\"$scratch/reports/report\"" -o "$scratch/new.o" \
  scripts/sanitize/runtime.c || exit 1
# The build does not know this file: what was linked with another one is linked again.
cmp -s "$scratch/new.o" "$scratch/runtime.o" ||
  rm -f "$scratch"/debug/{agent,nexo,nexo-probe,ledger-driver,token-writer,nexoPackageTests.xctest}
mv "$scratch/new.o" "$scratch/runtime.o"
if [ -z "${SANITIZE_SKIP_BUILD:-}" ]; then
  [ "$kind" = thread ] && wrap=(-Xlinker --wrap=__tsan_external_write) || wrap=()
  # The sanitizer's own symbols must be in the dynamic table: plugins that are opened later need them.
  swift build --build-tests "--sanitize=$kind" -Xlinker --export-dynamic -Xlinker "$scratch/runtime.o" "${wrap[@]}" \
    --scratch-path "$scratch" >"$scratch/logs/build.log" 2>&1 || { grep -E 'error:|warning:' "$scratch/logs/build.log"; exit 1; }
fi

# Plugins that end-to-end tests drop in are the ordinary ones: the host takes no library that needs a sanitizer's runtime.
plain() {
  for product in WebChat WhatsApp GoogleCreds; do
    swift build --product "$product" >>"$scratch/logs/plain.log" 2>&1 || return 1
    cp ".build/debug/lib$product.so" "$scratch/debug/" || return 1
  done
}
# The probe too: the thread sanitizer has a thread of its own in each process, and changes how one ends that exits early.
if [ "$kind" = thread ]; then
  swift build --product nexo-probe >>"$scratch/logs/plain.log" 2>&1 && cp .build/debug/nexo-probe "$scratch/debug/" || exit 1
fi
case " ${modules[*]} " in *" EndToEndTests "*) plain || exit 1 ;; esac

# In a function, so that bash has read all of it before an hour goes by.
run() {
  local table=() status=0
  for module in "${modules[@]}"; do
    log=$scratch/logs/$module.log kept=$scratch/reports/$module
    rm -rf "$kept" "$scratch"/reports/report.*
    mkdir "$kept"
    begin=$SECONDS ended=0
    timeout -k 10 "$limit" "$scratch/debug/nexoPackageTests.xctest" --testing-library swift-testing \
      --filter "^$module\..*(${FILTER:-})" >"$log" 2>&1 || ended=$?
    mv "$scratch"/reports/report.* "$kept" 2>/dev/null
    tests=$(grep -a -o -E 'Test run with [0-9]+ tests?' "$log" | grep -o -E '[0-9]+' | tail -1)
    failed=$(grep -a -c -E '^✘ Test .* failed after' "$log")
    reports=$(cat "$kept"/* 2>/dev/null | grep -a -c -E 'WARNING: ThreadSanitizer|ERROR: (Address|Leak)Sanitizer|Sanitizer: CHECK failed')
    [ "$ended" = 0 ] && [ "$reports" = 0 ] && verdict=clean || { verdict="NOT CLEAN ($ended)" && status=1; }
    table+=("$(printf '%-22s %6s %7s %8s %6ss  %s' "$module" "${tests:--}" "$failed" "$reports" $((SECONDS - begin)) "$verdict")")
    echo "${table[-1]}"
    cat "$kept"/* 2>/dev/null | grep -a '^SUMMARY' | sort | uniq -c | sort -rn | head -10
    grep -a -E '^✘ Test .* (failed|recorded an issue)' "$log" | head -10
  done
  printf '\n%s sanitizer\n%-22s %6s %7s %8s %7s\n' "$kind" module tests failed reports time
  printf '%s\n' "${table[@]}"
  return $status
}
run
exit $?
