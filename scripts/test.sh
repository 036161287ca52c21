#!/usr/bin/env bash
# Every test: Swift's, then those in Python. Ends with what failed. Arguments go to `swift test`.
set -uo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh test || exit $?
scripts/python-env.sh || exit $?
export PATH="$PWD/.build/venv/bin:$PATH"

swift build --build-tests 2>&1 | grep -E 'error:|warning:|Build complete|Compiling' | tail -20
[ "${PIPESTATUS[0]}" = 0 ] || exit 1
printf '%s\n' "$(git describe --always --dirty 2>/dev/null || echo unknown)" >.build/debug/nexo-revision

# As many tests at once as the concurrency pool has threads, of which many a test holds one: with all of them under way
# at once, those that wait for a task of theirs would wait until the others are through, past their own time limits.
export SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=${TEST_WIDTH:-$(nproc)}
status=0
swift test --skip-build --parallel --xunit-output .build/tests.xml "$@" || status=1
if [ $# = 0 ]; then
  for suite in scripts/test-*.sh; do
    [ -e "$suite" ] || continue
    echo "== $suite"
    "$suite" || status=1
  done
fi
exit $status
