#!/bin/bash
# install-deps.sh [ci] - installs what building, testing and the demo need and this machine lacks. Quiet when nothing
# is missing. `ci` adds the tools that only developers and the continuous integration use.
set -eu

# package | how to tell that it is there | why
base_list='
gcc|command -v gcc|compiles the program and the example
libc6-dev|test -e /usr/include/stdlib.h|headers of the C library
make|command -v make|builds
git|command -v git|makes test histories; histories that libgit2 cannot read
python3|command -v python3|the black-box tests and the example history
pkg-config|command -v pkg-config|finds the libraries
libgit2-dev|pkg-config --exists libgit2|reads repositories
libpcre2-dev|pkg-config --exists libpcre2-8|patterns over the output
libsqlite3-dev|pkg-config --exists sqlite3|the record of searches
libjansson-dev|pkg-config --exists jansson|JSON reports
libdw-dev|pkg-config --exists libdw|stacks of crashes and hangs
zlib1g-dev|pkg-config --exists zlib|compresses core files
libcmocka-dev|pkg-config --exists cmocka|unit tests
'
ci_list='
valgrind|command -v valgrind|finds memory errors in the unit tests
clang|command -v clang|the second compiler, and the fuzzer
clang-tidy|command -v clang-tidy|static checks
clang-format|command -v clang-format|the format of the sources
libclang-rt-14-dev|fuzzer_runtime|the runtime of sanitizers and fuzzer
xz-utils|command -v xz|unpacks the large test graph
gdb|command -v gdb|the tests of debug
strace|command -v strace|the tests of debug --compare --trace
'

# shellcheck disable=SC2317 # called by the check of libclang-rt-14-dev
fuzzer_runtime()
{
	local dir
	dir=$(clang -print-resource-dir 2>/dev/null) && ls "$dir"/lib/linux/libclang_rt.fuzzer-*.a
}

# Prints "package|why" for each entry of the list whose check fails.
missing_of()
{
	local package check why
	while IFS='|' read -r package check why; do
		[ -n "$package" ] || continue
		eval "$check" >/dev/null 2>&1 || echo "$package|$why"
	done <<<"$1"
}

as_root()
{
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		echo "install-deps: needs root or sudo to run: $*" >&2
		return 1
	fi
}

apt()
{
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 "$@" </dev/null
}

case ${1-} in
'') list=$base_list ;;
ci) list=$base_list$ci_list ;;
*)
	echo 'usage: install-deps.sh [ci]' >&2
	exit 2
	;;
esac

missing=$(missing_of "$list")
[ -n "$missing" ] || exit 0

echo 'Missing on this machine:'
echo "$missing" | sed 's/^\([^|]*\)|\(.*\)/  \1: \2/'
packages=$(cut -d'|' -f1 <<<"$missing" | tr '\n' ' ')
if ! command -v apt-get >/dev/null; then
	echo 'install-deps: only apt-get (Debian, Ubuntu) is known here: please install what these packages' >&2
	echo "install-deps: hold in the way of this system: $packages" >&2
	exit 1
fi

echo 'Installing them with apt-get ...'
apt -qq update
# shellcheck disable=SC2086 # one word a package
apt -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 install $packages >/dev/null

left=$(missing_of "$list")
[ -z "$left" ] && exit 0
echo 'install-deps: installed, and still not found:' >&2
sed 's/|.*//; s/^/  /' <<<"$left" >&2
exit 1
