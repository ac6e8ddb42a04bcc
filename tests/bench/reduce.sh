#!/bin/bash
# reduce.sh [KIND...] - how many runs a reduction takes, ours beside those of delta, cvise and creduce where they are installed, on the
# same generated inputs (lines bytes json c). One worker each; REDUCE_LIMIT: seconds that a peer may take (120).
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
bench_begin
program=$bench_root/build/release/tests/bench/reduce
limit=${REDUCE_LIMIT:-120}
[ -x "$program" ] || fail "$program is not there: run make bench"
[ $# -gt 0 ] || set -- lines bytes json c

# shellcheck disable=SC2016 # the tests are written out, not expanded
# check KIND - the test of that input: a file's name is "$file", and exit 0 means that it is still interesting.
check()
{
	case $1 in
	lines) echo '[ "$(grep -cxF -f "$scratch/needs" "$file")" = 12 ]' ;;
	bytes) echo 'exec perl -0777 -ne '\''exit !/\xf1.*\xf2.*\xf3.*\xf4.*\xf5/s'\'' "$file"' ;;
	json) echo 'exec python3 "$scratch/path.py" "$file"' ;;
	c) echo 'gcc -std=c17 -Wall -Wextra -fsyntax-only -x c "$file" >"$file.said" 2>&1 && grep -q Wsign-compare "$file.said"' ;;
	*) fail "no such input: $1" ;;
	esac
}

# said WHAT KIND FILE - one line of the table.
said()
{
	printf '  %-8s %5d runs  %6d bytes left%s\n' "$1" "$(wc -l <"$scratch/count")" "$(wc -c <"$3")" "${4:-}"
}

# peer NAME KIND COMMAND... - runs it on a copy of the input, in a folder of its own.
peer()
{
	local name=$1 late=
	shift 2
	command -v "$1" >/dev/null || {
		printf '  %-8s not installed\n' "$name"
		return
	}
	rm -rf "$scratch/peer" "$scratch/count"
	mkdir "$scratch/peer"
	: >"$scratch/count"
	cp "$scratch/input" "$scratch/peer/$input"
	(cd "$scratch/peer" && timeout -k 5 "$limit" "$@" >"$scratch/log" 2>&1) || late="  (stopped or failed)"
	said "$name" "$name" "$scratch/peer/$input" "$late"
}

cat >"$scratch/path.py" <<'END'
import json
import sys


def found(x):
    if isinstance(x, dict):
        try:
            if isinstance(x["op"]["limits"]["max"], int):
                return True
        except (KeyError, TypeError):
            pass
        return any(map(found, x.values()))
    return isinstance(x, list) and any(map(found, x))


try:
    with open(sys.argv[1], encoding="utf-8") as file:
        sys.exit(not found(json.load(file)))
except ValueError:
    sys.exit(1)
END

for kind in "$@"; do
	input=input.$([ "$kind" = c ] && echo c || echo txt)
	"$program" -g "$kind" >"$scratch/input"
	grep -a '^NEED ' "$scratch/input" >"$scratch/needs" || true
	{
		printf '#!/bin/bash\nscratch=%q\necho >>"$scratch/count"\nfile=${1:-%s}\n' "$scratch" "$input"
		check "$kind"
	} >"$scratch/test"
	chmod +x "$scratch/test"
	printf '%s: %d bytes\n' "$kind" "$(wc -c <"$scratch/input")"
	: >"$scratch/count"
	"$program" -b "$([ "$kind" = lines ] && echo line || echo auto)" -o "$scratch/out" "$scratch/test" "$scratch/input" >"$scratch/log"
	said ours "$kind" "$scratch/out"
	peer delta "$kind" singledelta "-test=$scratch/test" -in_place "$input"
	peer cvise "$kind" cvise --n 1 "$scratch/test" "$input"
	peer creduce "$kind" creduce --n 1 "$scratch/test" "$input"
done
