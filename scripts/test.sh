#!/usr/bin/env bash
# Every test: Swift's, then those in Python. Ends with what failed. Arguments go to `swift test`.
set -uo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh test || exit $?
scripts/python-env.sh || exit $?
export PATH="$PWD/.build/venv/bin:$PATH"

mkdir -p .build
echo "building the tests; the first time takes some minutes"
if ! swift build --build-tests >.build/tests-build.log 2>&1; then
  grep -E 'error:|warning:' .build/tests-build.log || tail -40 .build/tests-build.log
  exit 1
fi
grep 'Build complete' .build/tests-build.log
printf '%s\n' "$(git describe --always --dirty 2>/dev/null || echo unknown)" >.build/debug/nexo-revision

# As many tests at once as the concurrency pool has threads, of which many a test holds one: with all of them under way
# at once, those that wait for a task of theirs would wait until the others are through, past their own time limits.
export SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=${TEST_WIDTH:-$(nproc)}
status=0
# Suites with a failure get a second run, one test at a time. What passes then is named: it depends on how busy the machine
# is, and is to be mended. What fails twice fails.
report=.build/tests-swift-testing.xml
rm -f "$report"
if ! swift test --skip-build --parallel --xunit-output .build/tests.xml "$@"; then
  again=$(python3 scripts/failed_suites.py "$report")
  status=1
  if [ -n "$again" ]; then
    echo "== second run, one at a time: $again"
    swift test --skip-build --no-parallel --filter "$again" && status=0
    [ $status = 0 ] && echo "== passed only in the second run: $again"
  fi
fi
if [ $# = 0 ]; then
  for suite in scripts/test-*.sh; do
    [ -e "$suite" ] || continue
    echo "== $suite"
    "$suite" || status=1
  done
fi
exit $status
