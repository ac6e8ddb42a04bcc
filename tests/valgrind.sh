#!/bin/bash
# valgrind.sh PROGRAM... - runs test binaries under valgrind; a memory error or a leak fails the program (exit status 99).
# Child processes are left alone: what they run is mostly not ours.
set -eu

if ! command -v valgrind >/dev/null; then
	echo 'valgrind.sh: valgrind is not installed: run tests/install-deps.sh ci' >&2
	exit 1
fi
here=$(cd "$(dirname "$0")" && pwd)
export BR_TEST_LIMIT="${BR_TEST_LIMIT:-900}" BR_TEST_JOBS="${BR_TEST_JOBS:-2}" BR_VALGRIND=1
# The checkout's path may hold spaces, and the wrap is split at them: valgrind reads options from here as well.
export VALGRIND_OPTS="--suppressions='$here/valgrind.supp'"
export BR_TEST_WRAP='valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite,possible --trace-children=no'
exec "$here/run.sh" "$@"
