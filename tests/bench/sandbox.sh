#!/bin/bash
# sandbox.sh - what the sandbox costs a trial: start to end of /bin/true over posix_spawn, beside bubblewrap.
# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/lib.sh"

bench_begin
"${BENCH_BUILD:-$bench_root/build/release}/tests/bench/sandbox" "$scratch" "${BENCH_ROUNDS:-300}"
