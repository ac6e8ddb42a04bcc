#!/bin/bash
# topology.sh - the graph of git's own history (some 70,000 commits), each tree with one file:
# the first choice, and a whole search near the tip, by git and by ours. Takes some minutes, nearly all of them git's.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

data=$bench_root/../shared/data/topology/git-v2.40.0.txt.xz
if [ ! -e "$data" ] || ! command -v xz >/dev/null; then
	echo "topology: skipped: the graph of git's history (data/topology/git-v2.40.0.txt.xz) or xz is not here"
	exit 0
fi
bench_begin
repeats=${BENCH_REPEATS:-3}

# A line an item, parents as backward distances; `value` is 1 from the culprit on, in each of its descendants.
history()
{
	xz -dc "$data" | awk -v culprit="$1" '{
		bad = (NR == culprit)
		for (k = 1; k <= NF; k++) bad = bad || is_bad[NR - $k]
		is_bad[NR] = bad
		if (NF == 0) print "reset refs/heads/main\n"
		printf "commit refs/heads/main\nmark :%d\ncommitter A <a@example.org> %d +0000\ndata 1\nx\n", NR, 1100000000 + NR * 60
		for (k = 1; k <= NF; k++) printf "%s :%d\n", k == 1 ? "from" : "merge", NR - $k
		text = bad " " NR	# no two trees are the same, so that no verdict serves twice
		printf "M 100644 inline value\ndata %d\n%s\n\n", length(text) + 1, text
	} END { print "done" }'
}

culprit=66000
git init -q -b main "$scratch/repo"
cd "$scratch/repo"
history $culprit | git fast-import --quiet --done --export-marks="$scratch/marks"
git reset -q --hard main
git commit-graph write --reachable 2>/dev/null
oid_of() { sed -n "s/^:$1 //p" "$scratch/marks"; }
bad=$(git rev-parse HEAD)
want=$(oid_of $culprit)
near=$(git rev-parse "$want~300")

echo "git's graph: $(git rev-list --count HEAD) commits, $(git rev-list --count --merges HEAD) merges"

# shellcheck disable=SC2016 # for the shell of the test
test=(sh -c 'read -r v n <value; [ "$v" = 0 ]')

with_git()
{
	git bisect start "$bad" "$near"
	git bisect run "${test[@]}"
}

with_ours()
{
	"$ours" --state "$scratch/state" -j 1 --confirm off --good "$near" --bad "$bad" -- "${test[@]}"
}

for _ in $(seq "$repeats"); do
	seconds "$scratch/git" with_git
	grep -q "^$want is the first bad" "$scratch/log" || { echo 'bench: git named another commit' >&2; exit 1; }
	git_tests=$(git bisect log | grep -c '^git bisect \(good\|bad\|skip\)' || true)
	git bisect reset >"$scratch/log" 2>&1
	rm -rf "$scratch/state"
	seconds "$scratch/ours" with_ours
	grep -q "Fixes: ${want:0:7}" "$scratch/log" || { echo 'bench: ours named another commit' >&2; exit 1; }
done
our_tests=$("$ours" --state "$scratch/state" show --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["trials_run"])')
echo "whole search, $(git rev-list --count "$near..$bad") candidates, $repeats times in turn:"
report 'git bisect run' "$scratch/git" "$git_tests"
report bisect-run "$scratch/ours" "$our_tests"
ratio "$scratch/ours" "$scratch/git"

echo 'the first choice among all commits (CPU time):'
TIMEFORMAT='  git rev-list --bisect   %U s user, %S s system'
time git rev-list --bisect "$bad" >/dev/null
select=$bench_root/build/release/tests/bench/select
if [ -x "$select" ]; then
	xz -dc "$data" | "$select" - | head -n 1 | sed 's/^/  ours (choice alone)     /'
fi
