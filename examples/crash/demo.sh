#!/bin/bash
# demo.sh - installs what is missing, builds bisect-run, and lets it find which of 188 commits made a small C program
# crash. Everything it makes lies in build/; nothing of the user's git configuration is read. Exit 0: the right commit was named.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
demo=$root/build/demo
subject='tokens: allocate the first block up front'

step() { printf '\n== %s\n' "$*"; }

fail()
{
	echo "demo: $*" >&2
	exit 1
}

# What the user's environment says about git must not change the example.
isolate()
{
	local name
	for name in $(compgen -e GIT_) XDG_CONFIG_HOME; do
		unset "$name"
	done
	mkdir -p "$demo/home"
	export HOME=$demo/home GIT_CONFIG_NOSYSTEM=1
}

# The make that may run us must not speak to those that we run; CC and the like stay, as environment variables.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES

step 'what is missing is installed'
"$root/tests/install-deps.sh"

step 'bisect-run is built'
make -C "$root" --no-print-directory -j "$(nproc)" all

step 'an example history is made'
rm -rf "$demo"
isolate
culprit=$(python3 "$here/make-history.py" "$demo/calc")
cd "$demo/calc"
echo "$(git rev-list --count HEAD) commits ($(git rev-list --merges --count HEAD) merges) of a calculator in build/demo/calc."
echo 'Version 1.0 was fine. Now it crashes on long sums; tests/check.sh shows it, but old commits do not have that'
echo 'test yet, and some commits do not even build.'

step 'the first bad commit is searched'
set -- --good v1.0 --bad HEAD --build 'make -s' --with tests/check.sh -- tests/check.sh
printf '$ cd build/demo/calc\n$ bisect-run'
for word in "$@"; do
	case $word in
	*' '*) printf " '%s'" "$word" ;;
	*) printf ' %s' "$word" ;;
	esac
done
printf '\n\n'
set +e
"$root/build/bisect-run" "$@" | tee "$demo/result.txt"
status=${PIPESTATUS[0]}
set -e

step 'the answer is checked'
[ "$status" = 0 ] || fail "bisect-run ended with exit status $status"
named=$(sed -n 's/^.*Fixes: \([0-9a-f]\{4,\}\) (.*/\1/p' "$demo/result.txt" | head -n 1)
[ -n "$named" ] || fail 'the result has no Fixes: line'
[ "$(git rev-parse --verify -q "$named^{commit}")" = "$culprit" ] ||
	fail "it named $named, but the crash came with ${culprit:0:12} ($subject)"
[ -z "$(git status --porcelain)" ] || fail 'the work tree was changed'
echo "Right: ${culprit:0:12} brought the crash, as the script that wrote the history knows. Look at it with"
echo "    git -C build/demo/calc show ${culprit:0:12}"
