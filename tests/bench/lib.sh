# lib.sh - what the benches share; sourced. Time is the machine's: only ratios of runs that took turns mean something.
# shellcheck shell=bash
set -eu

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

# spread FILE - "min median max" of the numbers in it.
spread()
{
	sort -g "$1" | awk '{ v[NR] = $1 }
		END { m = NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2; printf "%.3f %.3f %.3f\n", v[1], m, v[NR] }'
}

# report LABEL FILE TESTS - a line of the table.
report()
{
	local low median high
	read -r low median high < <(spread "$2")
	awk -v l="$1" -v a="$low" -v m="$median" -v b="$high" -v n="$3" 'BEGIN {
		printf "  %-16s min %.3f  median %.3f  max %.3f s  tests %2d  a test %.1f ms\n", l, a, m, b, n, m / n * 1000 }'
}

# ratio OURS GIT - of the medians.
ratio()
{
	awk -v a="$(spread "$1")" -v b="$(spread "$2")" 'BEGIN {
		split(a, x, " "); split(b, y, " "); printf "  ours / git = %.2f\n", x[2] / y[2] }'
}
