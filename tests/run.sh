#!/bin/bash
# run.sh PROGRAM... - runs test programs, some at a time: cmocka binaries, and unittest files (*.py) by python3.
# One line each, the whole output of those that fail, and at the end the counts of single test cases. Exit 1: one failed.
#
#   BR_TEST_LIMIT  seconds that one program may take (300)
#   BR_TEST_JOBS   programs at a time (as many as processors, at most 4)
#   BR_TEST_WRAP   words put before each binary, such as a valgrind command
set -u

limit=${BR_TEST_LIMIT:-300}
processors=$(nproc 2>/dev/null || echo 2)
jobs=${BR_TEST_JOBS:-$((processors < 4 ? processors : 4))}
read -r -a wrap <<<"${BR_TEST_WRAP-}"

if [ $# = 0 ]; then
	echo 'run.sh: no test program was given' >&2
	exit 1
fi

# A make that runs us must not speak to the makes that tests run.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
export LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
work=$(mktemp -d "${TMPDIR:-/tmp}/br-tests.XXXXXX") || exit 1
mkdir "$work/tmp"
chmod 711 "$work" && chmod 1777 "$work/tmp" # some tests run the program as an ordinary user
export TMPDIR=$work/tmp

stop()
{
	# shellcheck disable=SC2046 # one word a process
	kill $(jobs -p) 2>/dev/null
	wait
	exit 130
}
trap 'chmod -R u+rwX "$work"; rm -rf "$work"' EXIT
trap stop INT TERM HUP

# Sum of the numbers that follow the pattern $2 in the file $1.
sum_after()
{
	grep -aoE "($2)[0-9]+" "$1" | grep -oE '[0-9]+$' | awk '{ n += $1 } END { print n + 0 }'
}

# Prints "passed failed skipped" as a cmocka program's output says it.
count_cmocka()
{
	local failed
	failed=$(grep -aoE '\[  FAILED  \] [0-9]+ test' "$1" | tr -dc '0-9\n' | awk '{ n += $1 } END { print n + 0 }')
	echo "$(sum_after "$1" '\[  PASSED  \] ') $failed $(sum_after "$1" '\[  SKIPPED \] ')"
}

# The same for python's unittest. "Ran N" counts failed and skipped tests too.
count_unittest()
{
	local ran last failed skipped
	ran=$(sum_after "$1" '^Ran ')
	last=$work/last.$BASHPID
	grep -aE '^(OK|FAILED|NO TESTS RAN)( |$)' "$1" | tail -n 1 >"$last"
	failed=$(sum_after "$last" 'failures=|errors=|unexpected successes=')
	skipped=$(sum_after "$last" 'skipped=')
	echo "$((ran > failed + skipped ? ran - failed - skipped : 0)) $failed $skipped"
}

# What the tests themselves said about skipping, at most four lines.
reasons_of_skips()
{
	grep -aiE "skipped '|^ *skip(ped|ping)?[: ]" "$1" | cut -c 1-160 | head -n 4 | sed 's/^ */        /'
}

# Runs program $2 as number $1; leaves its counts in $work/$1.count and its output, if it failed, in $work/$1.failed.
run_one()
{
	local out=$work/$1.out program=$2 began=$EPOCHREALTIME status passed failed skipped took state=ok why=
	case $program in
	*.py)
		timeout -k 10 "$limit" python3 "$program" -v >"$out" 2>&1 </dev/null
		status=$?
		read -r passed failed skipped < <(count_unittest "$out")
		;;
	*)
		timeout -k 10 "$limit" ${wrap[@]+"${wrap[@]}"} "$program" >"$out" 2>&1 </dev/null
		status=$?
		read -r passed failed skipped < <(count_cmocka "$out")
		;;
	esac
	took=$(awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }')
	if [ $status = 124 ] || { [ $status = 137 ] && [ "${took%.*}" -ge "$limit" ]; }; then
		why="ran over its $limit s"
	elif [ $status -ge 128 ]; then
		why="killed by signal $((status - 128))"
	elif [ $status != 0 ] || [ "$failed" != 0 ]; then
		why="exit status $status"
	elif [ $((passed + skipped)) = 0 ]; then
		why='ran no test'
	elif [ "$passed" = 0 ]; then
		state=skipped
	fi
	if [ -n "$why" ]; then
		state=FAILED
		[ "$failed" -gt 0 ] || failed=1
		mv "$out" "$work/$1.failed"
	fi
	echo "$passed $failed $skipped" >"$work/$1.count"
	printf '%-7s %-44s %3d passed%s%s  %s s%s\n' "$state" "$(name_of "$program")" "$passed" \
		"$([ "$failed" = 0 ] || echo ", $failed failed")" "$([ "$skipped" = 0 ] || echo ", $skipped skipped")" \
		"$took" "${why:+  ($why)}"
	[ "$skipped" = 0 ] || [ -n "$why" ] || reasons_of_skips "$out"
}

# build/release/tests/unit/test_x -> unit/test_x
name_of() { echo "${1##*tests/}"; }

n=0
for program in "$@"; do
	while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do
		wait -n
	done
	n=$((n + 1))
	case $program in
	*/*) ;;
	*) program=./$program ;;
	esac
	echo "$program" >"$work/$n.name"
	run_one "$n" "$program" &
done
wait

for i in $(seq "$n"); do
	[ -e "$work/$i.failed" ] || continue
	printf '\n==== %s\n' "$(name_of "$(cat "$work/$i.name")")"
	cat "$work/$i.failed"
done

cat "$work"/*.count | awk -v programs="$n" '
	{ passed += $1; failed += $2; skipped += $3 }
	END {
		if (NR < programs)
			failed += programs - NR
		printf "\n%d passed, %d failed, %d skipped\n", passed, failed, skipped
		exit failed > 0
	}'
