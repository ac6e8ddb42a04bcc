#!/bin/bash
# parallel.sh - what several tests at once gain: tests that only sleep, of one length and of spread ones (lognormal, sigma
# 0.8), 0.2 s on average. The search phase alone counts, over several culprits.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
bench_begin
commits=1024 culprits=${CULPRITS:-5}

# `value` holds the commit's number and how long its test takes.
history()
{
	awk -v n=$commits 'BEGIN {
		srand(7)
		for (i = 1; i <= n; i++) {
			z = sqrt(-2 * log(1 - rand())) * cos(6.283185307 * rand())
			text = sprintf("%d %.3f", i, 0.2 * exp(0.8 * z - 0.32))
			printf "commit refs/heads/main\ncommitter A <a@example.org> %d +0000\ndata 1\nx\n", 1600000000 + i * 60
			printf "M 100644 inline value\ndata %d\n%s\n\n", length(text) + 1, text
		}
		print "done"
	}'
}

git init -q -b main "$scratch/repo"
cd "$scratch/repo"
history | git fast-import --quiet --done
git reset -q --hard main
good=$(git rev-list HEAD | tail -n 1)

# search JOBS SLEEP CULPRIT - prints the seconds of the search phase.
search()
{
	rm -rf "$scratch/state"
	"$ours" --state "$scratch/state" --json -j "$1" --confirm off --good "$good" -- \
		sh -c "read -r v s <value; sleep $2; [ \$v -lt $3 ]" >"$scratch/json" 2>"$scratch/log" || fail "no culprit: $(tail -n 3 "$scratch/log")"
	python3 -c 'import json, sys
t = [t for t in json.load(open(sys.argv[1]))["trials"] if t["phase"] == "search"]
print(max(x["started"] + x["setup_seconds"] + x["wall"] for x in t) - min(x["started"] for x in t))' "$scratch/json"
}

# compare NAME SLEEP WANTED... - the speed-up at 2, 4 and 8 jobs.
compare()
{
	local name=$1 sleep=$2 jobs i sum one=
	shift 2
	echo "$name ($culprits culprits):"
	for jobs in 1 2 4 8; do
		sum=0
		for i in $(seq "$culprits"); do
			sum=$(awk -v a="$sum" -v b="$(search $jobs "$sleep" $((commits * i / (culprits + 1) + 37)))" 'BEGIN { print a + b }')
		done
		if [ $jobs = 1 ]; then
			one=$sum
			continue
		fi
		at_least "$(awk -v a="$one" -v b="$sum" 'BEGIN { printf "%.2f", a / b }')" "$1" "-j $jobs against -j 1 ($sum s)"
		shift
	done
}

compare 'tests of one length' 0.2 1.4 1.9 2.5
# shellcheck disable=SC2016 # for the shell of the test
compare 'tests of spread lengths' '$s' 1.5 2.2 2.9
