#!/bin/bash
# run.sh [NAME...] - builds tests/fuzz/fuzz_*.c with clang's fuzzer and sanitizers and runs each for FUZZ_SECONDS (20).
# tests/fuzz/corpus/NAME holds its first inputs; what is found grows in build/fuzz/corpus, crashes go to build/fuzz/crash.
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"
seconds=${FUZZ_SECONDS:-20}
out=build/fuzz
passed=0 failed=0 skipped=0

summary()
{
	printf '\n%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
	[ "$failed" = 0 ]
}

all=("$@")
if [ ${#all[@]} = 0 ]; then
	for file in tests/fuzz/fuzz_*.c; do
		[ -e "$file" ] || continue
		all+=("$(basename "$file" .c)")
	done
fi
if [ ${#all[@]} = 0 ]; then
	echo 'fuzz: there is no target'
	summary
	exit
fi

mkdir -p "$out"
echo 'int LLVMFuzzerTestOneInput(const unsigned char *d, unsigned long n) { return d && n ? 0 : 0; }' >"$out/probe.c"
if ! clang -fsanitize=fuzzer,address,undefined -o "$out/probe" "$out/probe.c" 2>"$out/probe.log"; then
	echo 'fuzz: skipped: clang with its fuzzer runtime is missing (tests/install-deps.sh ci installs it)'
	skipped=${#all[@]}
	summary
	exit
fi

# Runs one target; its last lines tell how much was tried.
fuzz_one()
{
	local name=$1 corpus=("$out/corpus/$1")
	mkdir -p "$out/corpus/$name" "$out/crash"
	[ ! -d "tests/fuzz/corpus/$name" ] || corpus+=("tests/fuzz/corpus/$name")
	echo "== $name, $seconds s"
	UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 timeout -k 10 $((seconds + 120)) "$out/tests/fuzz/$name" \
		-max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -verbosity=0 \
		-artifact_prefix="$out/crash/$name-" "${corpus[@]}" >"$out/$name.log" 2>&1
}

programs=()
for name in "${all[@]}"; do
	programs+=("$out/tests/fuzz/$name")
done
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
make --no-print-directory -j "$(nproc)" VARIANT=fuzz CC=clang "${programs[@]}"

for name in "${all[@]}"; do
	if fuzz_one "$name" </dev/null; then
		passed=$((passed + 1))
		grep -E 'number_of_executed_units|new_units_added' "$out/$name.log" | sed 's/^stat::/   /' || true
	else
		failed=$((failed + 1))
		tail -n 60 "$out/$name.log"
	fi
done
summary
