#!/bin/bash
# linear.sh - a whole search over 1,000 commits in a row with 100 files and a test that costs nothing: what is left is
# what the searching program itself costs. `git bisect run` and ours in turn.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
bench_begin

commits=1000 culprit=637

# fast-import stream: commit i changes `value` to i and one of 100 files.
history()
{
	awk -v n=$commits 'BEGIN {
		for (i = 1; i <= n; i++) {
			printf "commit refs/heads/main\nmark :%d\ncommitter A <a@example.org> %d +0000\ndata 9\ncommit %d\n", i, 1600000000 + i * 60, 10 + i % 90
			if (i > 1) printf "from :%d\n", i - 1
			if (i == 1) for (f = 0; f < 100; f++) file(sprintf("file%02d.txt", f), "first")
			file("value", i)
			file(sprintf("file%02d.txt", i % 100), "changed by " i)
		}
		print "done"
	}
	function file(name, text) { printf "M 100644 inline %s\ndata %d\n%s\n\n", name, length(text) + 1, text }'
}

git init -q -b main "$scratch/repo"
cd "$scratch/repo"
history | git fast-import --quiet --done
git reset -q --hard main
bad=$(git rev-parse HEAD) good=$(git rev-list HEAD | tail -n 1)
want=$(git rev-list --reverse HEAD | sed -n "${culprit}p")
# shellcheck disable=SC2016 # for the shell of the test
test=(sh -c 'read -r v <value; [ "$v" -lt '"$culprit"' ]')

with_git()
{
	git bisect start "$bad" "$good"
	git bisect run "${test[@]}"
}

with_ours()
{
	"$ours" --state "$scratch/state" -j 1 --confirm off --good "$good" --bad "$bad" -- "${test[@]}"
}

named() { grep -q "$want\|Fixes: ${want:0:7}" "$scratch/log" || { echo "bench: $1 named another commit" >&2; exit 1; }; }

for _ in $(seq "$repeats"); do
	seconds "$scratch/git" with_git
	named git
	git_tests=$(git bisect log | grep -c '^git bisect \(good\|bad\|skip\)' || true)
	git bisect reset >"$scratch/log" 2>&1
	rm -rf "$scratch/state"
	seconds "$scratch/ours" with_ours
	named ours
done

# What a step costs beside its test: git's `run` alone and our search phase alone, less the time of the test.
bare()
{
	for _ in $(seq 20); do "${test[@]}" || true; done
}
git checkout -q "$bad"
seconds "$scratch/bare" bare
test_s=$(awk '{ print $1 / 20 }' "$scratch/bare")
for _ in $(seq "$repeats"); do
	git bisect start "$bad" "$good" >"$scratch/log" 2>&1
	seconds "$scratch/git-run" git bisect run "${test[@]}"
	git bisect reset >"$scratch/log" 2>&1
	rm -rf "$scratch/state"
	with_ours >"$scratch/log" 2>&1
	"$ours" --state "$scratch/state" show --json | python3 -c 'import json, sys
t = [t for t in json.load(sys.stdin)["trials"] if t["phase"] == "search"]
print(t[-1]["started"] + t[-1]["setup_seconds"] + t[-1]["wall"] - t[0]["started"])' >>"$scratch/our-run"
done
# overhead FILE STEPS - a file of the overhead a step.
overhead() { awk -v n="$2" -v t="$test_s" '{ printf "%.6f\n", $1 / n - t }' "$1" >"$1-step"; }
our_tests=$(tests_run)
overhead "$scratch/git-run" "$git_tests"
overhead "$scratch/our-run" $((our_tests - 2))

echo "whole search, $commits commits in a row, 100 files, trivial test (ours tests both ends too), $repeats times in turn:"
report 'git bisect run' "$scratch/git" "$git_tests"
report bisect-run "$scratch/ours" "$our_tests"
at_most "$(ratio_of "$scratch/ours" "$scratch/git")" 1 'ours / git'
awk -v t="$test_s" 'BEGIN { printf "a step without its test (%.1f ms alone):\n", t * 1000 }'
report 'git bisect run' "$scratch/git-run-step" 1
report bisect-run "$scratch/our-run-step" 1
at_most "$(ratio_of "$scratch/our-run-step" "$scratch/git-run-step")" 0.5 'ours / git'
