#!/bin/bash
# topology.sh - the graph of git's own history (66,616 commits), each tree with one file: the first choice, and a whole
# search over all of it, by git and by ours. Nearly all of the time is git's, so it runs once (BENCH_REPEATS: more often).
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

data=$bench_root/../shared/data/topology/git-v2.40.0.txt.xz
if [ ! -e "$data" ] || ! command -v xz >/dev/null; then
	echo "topology: skipped: the graph of git's history (data/topology/git-v2.40.0.txt.xz) or xz is not here"
	exit 0
fi
repeats=${BENCH_REPEATS:-1}
bench_begin

# A line an item, parents as backward distances; `value` is 1 from the culprit on, in each of its descendants.
culprit=56789
history()
{
	xz -dc "$data" | awk -v culprit=$culprit '{
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

git init -q -b main "$scratch/repo"
cd "$scratch/repo"
history | git fast-import --quiet --done --export-marks="$scratch/marks"
git reset -q --hard main
git commit-graph write --reachable 2>/dev/null
bad=$(git rev-parse HEAD)
want=$(sed -n "s/^:$culprit //p" "$scratch/marks")
good=$(sed -n 's/^:1 //p' "$scratch/marks")
echo "git's graph: $(git rev-list --count HEAD) commits, $(git rev-list --count --merges HEAD) merges," \
	"$(git rev-list --count "$good..$bad") candidates"

# shellcheck disable=SC2016 # for the shell of the test
test=(sh -c 'read -r v n <value; [ "$v" = 0 ]')

with_git()
{
	git bisect start "$bad" "$good"
	git bisect run "${test[@]}"
}

with_ours()
{
	"$ours" --state "$scratch/state" -j 1 --confirm off --good "$good" --bad "$bad" -- "${test[@]}"
}

for _ in $(seq "$repeats"); do
	seconds "$scratch/git" with_git
	grep -q "^$want is the first bad" "$scratch/log" || fail 'git named another commit'
	git_tests=$(git bisect log | grep -c '^git bisect \(good\|bad\|skip\)' || true)
	git bisect reset >"$scratch/log" 2>&1
	rm -rf "$scratch/state"
	seconds "$scratch/ours" with_ours
	grep -q "Fixes: ${want:0:7}" "$scratch/log" || fail 'ours named another commit'
done
echo "whole search, trivial test (ours tests both ends too), $repeats in turn:"
report 'git bisect run' "$scratch/git" "$git_tests"
report bisect-run "$scratch/ours" "$(tests_run)"
speedup "$scratch/git" "$scratch/ours" 'whole search' 10

cpu "$scratch/git-choice" git rev-list --bisect "$bad"
echo 'the first choice among all commits, CPU time:'
report 'git rev-list' "$scratch/git-choice" 1
select=${SELECT:-$bench_root/build/release/tests/bench/select}
if [ -x "$select" ]; then
	xz -dc "$data" | "$select" - | sed -n '1s/.* open=\([0-9.]*\) ms first=\([0-9.]*\) ms.*/\1 \2/p' |
		awk '{ printf "%.6f\n", ($1 + $2) / 1000 }' >"$scratch/our-choice"
	report ours "$scratch/our-choice" 1
	speedup "$scratch/git-choice" "$scratch/our-choice" 'first choice' 1000
else
	echo "  $select is not built: make bench builds it"
fi
