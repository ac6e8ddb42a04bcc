#!/bin/bash
# worktree.sh - one step from commit to commit on a tree of 60,000 files, of which 20, 600 or 9,000 change: CPU time of
# `git checkout` and of ours, in turn; index and HEAD follow in both.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
bench_begin

files=60000 steps='20 600 9000'
bench=$(dirname "$(readlink -f "$ours")")/tests/bench/worktree

# Commit 0 has all files; each of the others changes the first so many (every sixth of them for 9,000: all folders are met).
history()
{
	awk -v n=$files -v steps="$steps" 'BEGIN {
		commit(1, ""); for (f = 0; f < n; f++) file(f, "first line\nof file " f)
		k = split(steps, count, " ")
		for (i = 1; i <= k; i++) {
			commit(i + 1, "from :1\n")
			for (f = 0; f < count[i]; f++) file(int(f * n / count[i]), "changed\nof file " f)
		}
		print "done"
	}
	function commit(mark, from) {
		printf "commit refs/tags/t%d\nmark :%d\ncommitter A <a@example.org> 1600000000 +0000\ndata 2\nc\n%s", mark - 1, mark, from }
	function file(f, text) { printf "M 100644 inline d%03d/e%02d/file%05d.c\ndata %d\n%s\n\n", f / 400, f / 20 % 20, f, length(text) + 1, text }'
}

git init -q -b main "$scratch/repo"
cd "$scratch/repo"
history | git fast-import --quiet --done
git repack -qad
git checkout -q --detach t0

there_and_back()
{
	git checkout -q --detach "$1"
	git checkout -q --detach t0
}

k=0
echo "a step on $files files, CPU time, $repeats times in turn:"
for n in $steps; do
	k=$((k + 1))
	there_and_back "t$k"
	for _ in $(seq "$repeats"); do
		cpu "$scratch/git-both-$n" there_and_back "t$k"
		"$bench" .git "$scratch/pool" 3 "$(git rev-parse t0)" "$(git rev-parse "t$k")" |
			awk '{ printf "%.6f\n", $1 / 1000 }' >>"$scratch/ours-$n"
		"$bench" .git "$scratch/pool" 3 "$(git rev-parse t0)" "$(git rev-parse "t$k")" plain |
			awk '{ printf "%.6f\n", $1 / 1000 }' >>"$scratch/plain-$n"
	done
	awk '{ printf "%.6f\n", $1 / 2 }' "$scratch/git-both-$n" >"$scratch/git-$n"
	echo " $n files change:"
	report 'git checkout' "$scratch/git-$n" 1
	report bisect-run "$scratch/ours-$n" 1
	report '--sandbox none' "$scratch/plain-$n" 1
	echo "  --sandbox none, where every file is looked at: ours / git: $(ratio_of "$scratch/plain-$n" "$scratch/git-$n")"
	at_most "$(ratio_of "$scratch/ours-$n" "$scratch/git-$n")" "$([ "$n" -gt 5000 ] && echo 1 || echo 0.33)" 'ours / git'
done
