#!/bin/bash
# search.sh - a whole search of ten steps on a tree of 60,000 files, 20 changed in each of 1,024 commits, with a trivial test: wall time of
# `git bisect start` + `run`, and of ours with its two ends, first without any tree, then with those of the search before. Then the
# runs of the compiler that a search over an incremental build in C causes, counted.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
bench_begin

files=60000 commits=1024 each=20

history()
{
	awk -v n=$files -v commits=$commits -v each=$each 'BEGIN {
		commit(1, ""); for (f = 0; f < n; f++) file(f, "first line\nof file " f); state(0)
		for (i = 2; i <= commits + 1; i++) {
			commit(i, "from :" (i - 1) "\n")
			for (f = 0; f < each; f++) file((i * 7919 + f * 2971) % n, "changed in " i "\nof file")
			state(i > commits * 2 / 3)
		}
		print "done"
	}
	function commit(mark, from) {
		printf "commit refs/heads/main\nmark :%d\ncommitter A <a@example.org> %d +0000\ndata 2\nc\n%s", mark, 1600000000 + mark, from }
	function state(s) { printf "M 100644 inline state\ndata 2\n%d\n\n", s }
	function file(f, text) { printf "M 100644 inline d%03d/e%02d/file%05d.c\ndata %d\n%s\n\n", f / 400, f / 20 % 20, f, length(text) + 1, text }'
}

by_git()
{
	git bisect start HEAD "$good" >/dev/null
	git bisect run "$@"
}

# ours_with LEVEL COMMAND...
ours_with()
{
	local level=$1
	shift
	"$ours" --state "$state" --sandbox "$level" --good "$good" -- "$@"
}

git init -q -b main "$scratch/repo"
cd "$scratch/repo"
history | git fast-import --quiet --done
git repack -qad
git checkout -q main
good=$(git rev-parse "main~$commits")

level=none
"$ours" doctor 2>/dev/null | grep -q '^ *yes.*--sandbox strict' && level=strict
# shellcheck disable=SC2016
test=(sh -c 'test "$(cat state)" = 0')
echo "a search over $commits commits of $files files, wall time, $repeats times in turn:"
# A state of its own for each cold search: ext4 is slow to reuse what was removed just before.
for i in $(seq "$repeats"); do
	seconds "$scratch/git" by_git "${test[@]}"
	git bisect reset >/dev/null 2>&1
	for l in none $level; do
		state=$scratch/state-$i-$l
		seconds "$scratch/cold-$l" ours_with "$l" "${test[@]}"
		seconds "$scratch/warm-$l" ours_with "$l" "${test[@]}"
	done
done
report 'git bisect' "$scratch/git" 10
for l in $(printf '%s\n' none $level | sort -u); do
	report "cold, $l" "$scratch/cold-$l" 12
	report "warm, $l" "$scratch/warm-$l" 12
	at_most "$(ratio_of "$scratch/cold-$l" "$scratch/git")" 2.5 "cold, --sandbox $l: ours / git"
	at_most "$(ratio_of "$scratch/warm-$l" "$scratch/git")" 0.8 "warm, --sandbox $l: ours / git"
done

# --- runs of the compiler ---

modules=40 ccommits=1024
project()
{
	awk -v n=$modules -v commits=$ccommits 'BEGIN {
		commit(1, ""); text("Makefile", makefile()); for (f = 0; f < n; f++) module(f, 0); text("main.c", "int main(void) { return 0; }")
		for (h = 0; h < 4; h++) header(h, 0)
		for (i = 2; i <= commits + 1; i++) {
			commit(i, "from :" (i - 1) "\n")
			if (i % 16 == 0) header(i / 16 % 4, i)
			else module(i * 17 % n, i)
			if (i == int(commits * 0.7)) text("main.c", "int main(void) { return 1; }")
		}
		print "done"
	}
	function commit(mark, from) {
		printf "commit refs/heads/main\nmark :%d\ncommitter A <a@example.org> %d +0000\ndata 2\nc\n%s", mark, 1600000000 + mark, from }
	function text(path, t) { printf "M 100644 inline %s\ndata %d\n%s\n\n", path, length(t) + 1, t }
	function header(h, i) { text("h" h ".h", "#define H" h " " i) }
	function module(f, i) { text("m" f ".c", "#include \"h" f % 4 ".h\"\nint m" f "(void) { return H" f % 4 " + " i "; }") }
	function makefile() { return "OBJ := $(patsubst %.c,%.o,$(wildcard *.c))\nprog: $(OBJ)\n\t$(CC) -o $@ $^\n%.o: %.c\n\t$(CC) -MMD -c -o $@ $<\n-include $(OBJ:.o=.d)" }'
}

git init -q -b main "$scratch/project"
cd "$scratch/project"
project | git fast-import --quiet --done
git checkout -q main
good=$(git rev-parse "main~$ccommits")
printf '%s\n' '#!/bin/sh' "echo run >>'$scratch/runs'" 'exec cc "$@"' >"$scratch/counted-cc"
chmod +x "$scratch/counted-cc"
runs_of()
{
	: >"$scratch/runs"
	"$@" >"$scratch/log" 2>&1 || fail "$*"
	wc -l <"$scratch/runs"
}
git_runs=$(runs_of by_git sh -c "make -s CC='$scratch/counted-cc' || exit 125; ./prog")
git bisect reset >/dev/null 2>&1
rm -rf "$scratch/state"
# git never tests the ends: theirs are counted apart.
: >"$scratch/runs"
"$ours" --state "$scratch/state" --sandbox none -j 1 --good "$good" --confirm off --max-trials 2 \
	--build "make -s CC='$scratch/counted-cc'" -- ./prog >"$scratch/log" 2>&1 || true
end_runs=$(wc -l <"$scratch/runs")
our_runs=$(runs_of "$ours" --state "$scratch/state" resume --max-trials 100)
confirmed=$(rm -rf "$scratch/state" && runs_of "$ours" --state "$scratch/state" --sandbox none -j 1 --good "$good" \
	--build "make -s CC='$scratch/counted-cc'" -- ./prog)
echo "runs of the compiler, $modules modules, $ccommits commits, 10 steps:"
echo "  git bisect run $git_runs; ours $our_runs, for both ends $end_runs more; all with fresh builds to confirm $confirmed"
at_most "$our_runs" "$git_runs" 'runs of the compiler, without the ends'
