#!/bin/bash
# bands.sh - stretches that cannot be tested: how many tests a search over 1,024 commits in a row takes, ours and git's.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
bench_begin
commits=1025 # with the good end: candidates are numbered from 1

git init -q -b main "$scratch/repo"
cd "$scratch/repo"
awk -v n=$commits 'BEGIN {
	for (i = 0; i < n; i++) {
		printf "commit refs/heads/main\ncommitter A <a@example.org> %d +0000\ndata 1\nx\n", 1600000000 + i * 60
		printf "M 100644 inline value\ndata %d\n%d\n\n", length(i) + 1, i
	}
	print "done"
}' | git fast-import --quiet --done
git reset -q --hard main
good=$(git rev-list HEAD | tail -n 1)

# band CULPRIT FROM TO MOST
band()
{
	local test="read -r v <value; [ \$v -ge $2 ] && [ \$v -le $3 ] && exit 125; [ \$v -lt $1 ]" git_tests
	rm -rf "$scratch/state"
	"$ours" --state "$scratch/state" --json -j 1 --confirm off --good "$good" -- sh -c "$test" >"$scratch/json" 2>"$scratch/log" || true
	git bisect start HEAD "$good" >"$scratch/log" 2>&1
	git bisect run sh -c "$test" >"$scratch/log" 2>&1 || true
	git_tests=$(git bisect log | grep -c '^git bisect \(good\|bad\|skip\)' || true)
	git bisect reset >"$scratch/log" 2>&1
	at_most "$(python3 -c 'import json, sys
r = json.load(open(sys.argv[1]))
print(sum(t["phase"] == "search" for t in r["trials"]))' "$scratch/json")" "$4" \
		"culprit $1, $2 to $3 untestable: tests (git: $git_tests; left: $(python3 -c 'import json, sys
print(len(json.load(open(sys.argv[1]))["commits"]["candidates"]))' "$scratch/json"))"
}

echo "1,024 candidates in a row:"
band 641 360 640 60
band 615 512 614 30
band 700 410 614 20
