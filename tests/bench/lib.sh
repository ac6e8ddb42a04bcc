# lib.sh - what the benches share; sourced. Time is the machine's: only ratios of runs that took turns mean something.
# shellcheck shell=bash
set -eu

# BISECT_RUN: the program; BENCH_REPEATS: how often each side runs.
bench_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
ours=${BISECT_RUN:-$bench_root/build/bisect-run}
repeats=${BENCH_REPEATS:-5}
export LC_ALL=C.UTF-8

# A scratch folder that goes away at the end, and surroundings without the user's settings.
bench_begin()
{
	local name
	[ -x "$ours" ] || {
		echo "bench: $ours is not there: run make first" >&2
		exit 1
	}
	for name in $(compgen -e GIT_) MAKEFLAGS MFLAGS MAKELEVEL XDG_CONFIG_HOME; do
		unset "$name"
	done
	scratch=$(mktemp -d "${TMPDIR:-/tmp}/br-bench.XXXXXX")
	trap 'rm -rf "$scratch"' EXIT
	mkdir "$scratch/home"
	export HOME=$scratch/home GIT_CONFIG_NOSYSTEM=1
}

# seconds FILE COMMAND... - runs it, adds the wall time to FILE; its output goes to $scratch/log.
seconds()
{
	local file=$1 began=$EPOCHREALTIME
	shift
	"$@" >"$scratch/log" 2>&1 </dev/null || {
		echo "bench: failed: $*" >&2
		tail -n 20 "$scratch/log" >&2
		exit 1
	}
	awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.6f\n", b - a }' >>"$file"
}

fail()
{
	echo "bench: $*" >&2
	exit 1
}

# cpu FILE COMMAND... - the same with user and system time.
cpu()
{
	local file=$1 TIMEFORMAT='%U %S'
	shift
	{ time "$@" >"$scratch/log" 2>&1 </dev/null; } 2>"$scratch/cpu"
	awk '{ printf "%.6f\n", $1 + $2 }' "$scratch/cpu" >>"$file"
}

# How many tests the last search of $scratch/state ran.
tests_run()
{
	"$ours" --state "$scratch/state" show --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["trials_run"])'
}

# spread FILE - "min median max" of the numbers in it.
spread()
{
	sort -g "$1" | awk '{ v[NR] = $1 }
		END { m = NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2; printf "%.6f %.6f %.6f\n", v[1], m, v[NR] }'
}

# report LABEL FILE TESTS - a line of the table.
report()
{
	local low median high
	read -r low median high < <(spread "$2")
	awk -v l="$1" -v a="$low" -v m="$median" -v b="$high" -v n="$3" 'BEGIN {
		printf "  %-16s min %.4f  median %.4f  max %.4f s  tests %2d  a test %.1f ms\n", l, a, m, b, n, m / n * 1000 }'
}

# speedup SLOW FAST WHAT LEAST - how many times faster by the medians, and what is wanted.
speedup()
{
	awk -v a="$(spread "$1")" -v b="$(spread "$2")" -v what="$3" -v least="$4" 'BEGIN {
		split(a, x, " "); split(b, y, " "); k = y[2] > 0 ? x[2] / y[2] : 1e9
		printf "  %s: %.1f times faster (wanted: %s)%s\n", what, k, least, (k < least) ? "  MISSED" : "" }'
}

# ratio_of OURS GIT - of the medians.
ratio_of()
{
	awk -v a="$(spread "$1")" -v b="$(spread "$2")" 'BEGIN {
		split(a, x, " "); split(b, y, " "); printf "%.2f\n", x[2] / y[2] }'
}

# at_most VALUE MOST WHAT, at_least VALUE LEAST WHAT - a measured value beside what is wanted.
at_most()
{
	awk -v a="$1" -v b="$2" -v what="$3" 'BEGIN {
		printf "  %s: %s (wanted: at most %s)%s\n", what, a, b, (a + 0 > b + 0) ? "  MISSED" : "" }'
}
at_least()
{
	awk -v a="$1" -v b="$2" -v what="$3" 'BEGIN {
		printf "  %s: %s times (wanted: %s)%s\n", what, a, b, (a + 0 < b + 0) ? "  MISSED" : "" }'
}
