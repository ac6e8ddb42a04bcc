#!/bin/bash
# run.sh [NAME...] - runs the benches beside this file (all of them, or those named): our cost beside git's, as ratios.
# BENCH_REPEATS: how often each side runs, in turn.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
[ $# -gt 0 ] || set -- judge linear topology million parallel bands sandbox worktree search reduce profile
for name in "$@"; do
	printf '\n== %s\n' "$name"
	"$here/$name.sh"
done
