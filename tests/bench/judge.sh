#!/bin/bash
# judge.sh - judging a log of 100 MB: the recognisers, and --bad-if, beside `grep -cP` of the same patterns.
# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"

bench=$bench_root/build/release/tests/bench/judge
bench_begin
log=$scratch/long.log
mib=${BENCH_MIB:-100}
re='Assertion .* failed'
"$bench" log "$log" "$mib"
bytes=$(stat -c %s "$log")

# grep_rate NAME ARG... - MB/s of grep over the log.
grep_rate()
{
	local name=$1 began=$EPOCHREALTIME
	shift
	LC_ALL=C grep -cP "$@" "$log" >/dev/null || true
	awk -v a="$began" -v b="$EPOCHREALTIME" -v n="$bytes" -v name="$name" \
		'BEGIN { printf "%s %.0f MB/s\n", name, n / 1e6 / (b - a) }'
}

# Those that look at one line, each as grep takes it, in one alternation.
"$bench" patterns | grep -vF '\n' | sort -u >"$scratch/patterns"
joined=''
while read -r pattern; do
	printf '' | LC_ALL=C grep -qP -e "$pattern" 2>"$scratch/refused" || [ $? = 1 ] || continue
	joined+="${joined:+|}(?:$pattern)"
done <"$scratch/patterns"

for _ in $(seq "$repeats"); do
	"$bench" time "$log" "$re"
	grep_rate "grep -cP '$re'" -e "$re"
done
grep_rate "grep -cP of $(wc -l <"$scratch/patterns") of the recognisers' patterns" -e "$joined"
