#!/bin/bash
# lint.sh [--self-test] - the rules of rules.py, and that each header compiles alone. --self-test: each rule is shown a
# tiny file that breaks it and must notice.
set -u

here=$(cd "$(dirname "$0")" && pwd)
compiler=${CC:-cc}

# Tries each header under $1 in a file of its own; prints those that do not compile.
lone_headers()
{
	local root=$1 header flags wrong=0
	flags=$(pkg-config --cflags libgit2 libpcre2-8 sqlite3 jansson 2>/dev/null)
	while IFS= read -r header; do
		# shellcheck disable=SC2086 # words
		if ! (cd "$root" && $compiler -std=c17 -D_GNU_SOURCE -Wall -Wextra -Werror -Iinclude -iquote src $flags \
			-fsyntax-only -x c - <<<"#include \"$header\"") >"$log" 2>&1; then
			echo "$header: alone: does not compile alone"
			head -n 5 "$log"
			wrong=1
		fi
	done < <(cd "$root" && find include src -name '*.h' | sed 's,^include/,,; s,^src/,,' | sort)
	return $wrong
}

lint()
{
	local wrong=0
	python3 "$here/rules.py" "$1" || wrong=1
	lone_headers "$1" || wrong=1
	return $wrong
}

# expect RULE FILE TEXT: a tree with this file alone must be refused by this rule; RULE "": accepted.
expect()
{
	local rule=$1 file=$2 text=$3 tree=$scratch/tree found
	rm -rf "$tree"
	mkdir -p "$tree/include" "$tree/src" "$tree/$(dirname "$file")"
	printf '%s\n' "$text" >"$tree/$file"
	found=$(lint "$tree" 2>&1)
	if [ -z "$rule" ] && [ -z "$found" ]; then
		passed=$((passed + 1))
	elif [ -n "$rule" ] && grep -q ": $rule: " <<<"$found"; then
		passed=$((passed + 1))
	else
		echo "lint --self-test: expected '${rule:-nothing}' for $file: $text"
		echo "${found:-nothing was found}"
		failed=$((failed + 1))
	fi
}

self_test()
{
	passed=0 failed=0
	expect layer src/search/a.c '#include "sys/file.h"'
	expect layer src/base/a.c '#include "sys/file.h"'
	expect layer src/judge/a.c '#include "record/db.h"'
	expect layer src/exec/a.c '#include "domain/repo.h"'
	expect layer src/report/a.c '#include "sys/file.h"'
	expect layer src/base/a.c '#include "buf.h"'
	expect layer src/extra/a.c 'int a;'
	expect layer include/bisect_run/a.h '#include "base/buf.h"'
	expect library src/exec/a.c '#include <git2.h>'
	expect library src/app/a.c '#include <git2/oid.h>'
	expect library src/app/a.c '#include <jansson.h>'
	expect library src/report/a.c '#include <sqlite3.h>'
	expect library src/record/a.c '#include <pcre2.h>'
	expect library include/bisect_run/a.h '#include <git2.h>'
	expect parent-include src/app/a.c '#include "../base/buf.h"'
	expect quotes src/app/a.c '#include <bisect_run/err.h>'
	for name in fork vfork clone clone3 execve execvp execl posix_spawn posix_spawnp; do
		expect spawn src/app/a.c "int a(void) { return $name(0); }"
	done
	expect spawn src/exec/a.c 'long a(void) { return syscall(SYS_clone3, 0, 0); }'
	for name in strcpy strcat sprintf strtok atoi system popen signal localtime gets; do
		expect banned src/sys/a.c "int a(void) { return $name(0); }"
		expect banned tests/unit/a.c "int a(void) { return $name (0); }"
	done
	expect path src/app/a.c 'const char *a = "/root/x";'
	expect path tests/cli/a.py 'open("/home/somebody/x")'
	expect path src/app/a.c '/* see ../shared/data */'
	expect alone src/base/a.h 'size_t a(void);'
	expect alone include/bisect_run/a.h 'void a(struct b { int c; } d);'
	expect '' src/app/a.c '/* fork() and system() */ const char *a = "strcpy(x) // execve(y)"; /* "../x.h" */'
	expect '' src/sys/spawn.c '#include "base/buf.h"
#include <sys/wait.h>
int a(void) { return fork() + snprintf(0, 0, "x"); }'
	expect '' src/domain/a.c '#include <git2.h>
int a(struct b *c) { return git_clone(c) + c->signal + my_system(c) + c->ops->clone(c); }'
	expect '' include/bisect_run/a.h '#include <stddef.h>
size_t a(void);'
	printf 'lint --self-test: %d passed, %d failed, 0 skipped\n' "$passed" "$failed"
	[ "$failed" = 0 ]
}

scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
log=$scratch/log
case ${1-} in
--self-test) self_test ;;
'') lint "$here/../.." && echo 'lint: nothing found' ;;
*)
	echo 'usage: lint.sh [--self-test]' >&2
	exit 2
	;;
esac
