#!/bin/bash
# million.sh - a generated history of 1,000,001 commits, 100,000 of them merges, with a commit-graph: how long it takes
# until the first test runs, beside `git rev-list --count` over the same range, and the memory of a whole search. The history is
# kept in build/bench: making it takes longer than all the rest.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
repeats=${BENCH_REPEATS:-3}
bench_begin
commits=1000001
repo=$bench_root/build/bench/million

if [ ! -e "$repo/done" ]; then
	rm -rf "$repo"
	git init -q -b main --bare "$repo"
	awk -v n=$commits -f "$bench_root/tests/bench/history.awk" | git -C "$repo" fast-import --quiet --done
	git -C "$repo" commit-graph write --reachable 2>/dev/null
	touch "$repo/done"
fi
cd "$repo"
bad=$(git rev-parse main) good=$(git rev-list --max-parents=0 main)

# A test that notes when it ran first.
first_test()
{
	rm -f "$scratch/stamp"
	"$ours" --state "$scratch/state" -j 1 --good "$good" --bad "$bad" -- sh -c 'date +%s.%N >>'"$scratch/stamp"'; exit 0'
}

until_first_test()
{
	local began=$EPOCHREALTIME
	first_test >"$scratch/log" 2>&1 || true # both ends are good: it ends there
	awk -v a="$began" 'NR == 1 { printf "%.6f\n", $1 - a }' "$scratch/stamp" >>"$scratch/ours"
}

for _ in $(seq "$repeats"); do
	seconds "$scratch/git" git rev-list --count "$good..$bad"
	rm -rf "$scratch/state"
	until_first_test
done
echo "1,000,001 commits, 100,000 merges: from the start to the first test, $repeats times in turn:"
report 'git rev-list' "$scratch/git" 1
report bisect-run "$scratch/ours" 1
at_most "$(ratio_of "$scratch/ours" "$scratch/git")" 1.5 'ours / git'

rm -rf "$scratch/state"
# shellcheck disable=SC2016 # for the shell of the test
peak=$(python3 -c 'import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
assert done.returncode == 0, done
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)' \
	"$ours" --state "$scratch/state" -j 1 --confirm off --good "$good" --bad "$bad" -- sh -c 'read -r v <value; [ "$v" -lt 777777 ]')
echo "a whole search, $(tests_run) tests:"
at_most "$(awk -v p="$peak" -v n=$commits 'BEGIN { printf "%.1f", p / n }')" 200 'peak memory, bytes a commit'
