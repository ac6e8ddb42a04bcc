#!/bin/bash
# run.sh - makes both histories in build/examples and finds what made them slower, with profiles. Needs python3, gcc, valgrind.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$root/build/examples
program=$root/build/bisect-run
rm -rf "$work"

show()
{
	printf '\n$ bisect-run'
	printf ' %q' "$@"
	printf '\n'
	"$program" "$@" 2>"$work/progress" || { cat "$work/progress" >&2; exit 1; }
}

mkdir -p "$work"
python3 "$here/make-history.py" python "$work/python"
python3 "$here/make-history.py" c "$work/c"
cd "$work/python"
for name in clip weigh total; do
	show --good v1 --metric user --threshold 20 --profile cprofile -- python3 run.py "$name"
done
cd "$work/c"
show --good v1 --metric instructions --build 'gcc -g -O2 -o queue main.c queue.c' --profile callgrind -- ./queue
