#!/bin/bash
# profile.sh - what profilers cost beside the bare run, and what our own collecting costs beside the profiled run.
# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/lib.sh"
bench_begin
reader=$bench_root/build/${VARIANT:-release}/tests/bench/profile
cd "$scratch"

cat >work.c <<'C'
#include <stdio.h>
#include <stdlib.h>
static int by_value(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
__attribute__((noinline)) static unsigned hash(unsigned x) { x ^= x >> 16; x *= 0x7feb352dU; x ^= x >> 15; return x; }
int main(int argc, char **argv)
{
	int rounds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 1;
	static int v[20000];
	unsigned s = 0;
	for (int k = 0; k < rounds; k++) {
		for (int i = 0; i < 20000; i++)
			v[i] = (int)(hash((unsigned)(i + k)) >> 1);
		qsort(v, 20000, sizeof *v, by_value);
		s += (unsigned)v[k % 20000];
	}
	printf("%u\n", s);
	return 0;
}
C
cat >work.py <<'P'
def hash(x):
    x ^= x >> 16
    return x * 0x7feb352d & 0xffffffff
def main():
    s = 0
    for k in range(12):
        s += sorted(hash(i + k) for i in range(20000))[k]
    print(s)
main()
P
gcc -g -O2 -o work work.c
gcc -g -O2 -pg -o work-pg work.c

# try NAME COMMAND... - one trial under the profiler; adds the wall times of plain and profiled run to NAME.bare and NAME.run, and of all that
# `try` took besides them, which is our collecting (the hook's tools included), to NAME.collect.
try()
{
	local name=$1 began=$EPOCHREALTIME
	shift
	"$ours" try --sandbox none --json --state "$scratch/state" --profile "$name" -- "$@" >result.json 2>log || fail "try --profile $name: $(tail -n 3 log)"
	python3 - "$name" "$began" "$EPOCHREALTIME" <<'P'
import json, sys
name, began, ended = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
result = json.load(open("result.json"))
plain, profiled = (t["wall"] for t in result["trials"])
if "profile" not in result:
    sys.exit(f"no profile by {name}: {result.get('notes')}")
for what, value in (("bare", plain), ("run", profiled), ("all", ended - began - plain - profiled)):
    with open(f"{name}.{what}", "a") as out:
        out.write(f"{value:.6f}\n")
print(result["profile"]["raw"], file=open(f"{name}.raw", "w"))
P
}

# read_alone NAME FORMAT - reading the raw file and writing all exports, beside the profiled run.
read_alone()
{
	local raw
	raw=$(cat "$1.raw")
	case $1 in
	perf)
		printf 'by perf script itself: '
		seconds script.time perf script -i "$raw/perf.data" -F comm,pid,tid,time,event,period,ip,sym,dso
		cp log script.txt
		tail -n 1 script.time
		set -- perf perf script.txt
		;;
	callgrind) set -- callgrind callgrind "$(ls -S "$raw"/callgrind.out.* | head -n 1)" ;;
	gprof)
		gprof -b work-pg "$raw"/gmon.* >gprof.txt
		set -- gprof gprof gprof.txt
		;;
	cprofile) set -- cprofile table "$(ls -S "$raw"/*.table | head -n 1)" ;;
	esac
	for _ in $(seq "$repeats"); do
		"$reader" "$2" "$3" >>"$1.read"
	done
}

for name in perf callgrind gprof cprofile; do
	case $name in
	gprof) set -- ./work-pg 200 ;;
	cprofile) set -- python3 work.py ;;
	perf) set -- ./work 800 ;; # perf itself takes a while to start
	*) set -- ./work 20 ;;
	esac
	rm -f "$name".*
	for _ in $(seq "$repeats"); do
		try "$name" "$@" 2>why || break
	done
	if [ ! -s "$name.run" ]; then
		echo "  $name: skipped: $(tail -n 1 why)"
		continue
	fi
	read_alone "$name" >/dev/null
	awk -v name="$name" -v a="$(spread "$name.bare")" -v b="$(spread "$name.run")" -v c="$(spread "$name.read")" -v d="$(spread "$name.all")" 'BEGIN {
		split(a, x, " "); split(b, y, " "); split(c, z, " "); split(d, w, " ")
		printf "  %-10s bare %.3f s, profiled %.3f s: %.2f times; around both %.3f s\n", name, x[2], y[2], y[2] / x[2], w[2] }'
	at_most "$(awk -v a="$(spread "$name.read")" -v b="$(spread "$name.run")" 'BEGIN { split(a, x, " "); split(b, y, " "); printf "%.2f", 100 * x[2] / y[2] }')" 5 \
		"our own collecting, % of the profiled run"
done
