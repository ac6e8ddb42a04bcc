/* debug_words.c - from COMMAND to the words that run it under a debugger or a tracer. */
#include "app/debug.h"

#include "base/mem.h"

#include <string.h>

static const char *base_of(const char *word)
{
	const char *slash = strrchr(word, '/');

	return slash ? slash + 1 : word;
}

static bool is_python(const char *word)
{
	const char *rest = base_of(word);

	if (strncmp(rest, "python", 6) != 0)
		return false;
	rest += 6;
	return rest[strspn(rest, "0123456789.")] == '\0';
}

static bool is_pytest(const char *word)
{
	const char *base = base_of(word);

	return strcmp(base, "pytest") == 0 || strcmp(base, "py.test") == 0 ||
	       strncmp(base, "pytest-3", 8) == 0;
}

static bool is_script(const char *word)
{
	size_t n = strlen(word);

	return n > 3 && strcmp(word + n - 3, ".py") == 0;
}

static void add_rest(char ***out, char *const *argv)
{
	for (; *argv; argv++)
		br_strv_add(out, *argv);
}

/* Where the interpreter's own options end: at a script or at -m. NULL: -c, or nothing is run. */
static char *const *program_of(char *const *argv)
{
	for (argv++; *argv; argv++) {
		if (strcmp(*argv, "-W") == 0 || strcmp(*argv, "-X") == 0) {
			if (!*++argv)
				return NULL;
		} else if (strcmp(*argv, "-m") == 0) {
			return argv[1] ? argv : NULL;
		} else if ((*argv)[0] != '-') {
			return argv;
		} else if (strcmp(*argv, "-c") == 0) {
			return NULL;
		}
	}
	return NULL;
}

/* The interpreter with its options, then these words, then the program. */
static char **insert(char *const *argv, char *const *program, const char *const *words)
{
	char **out = NULL;

	for (; argv < program; argv++)
		br_strv_add(&out, *argv);
	for (; *words; words++)
		br_strv_add(&out, *words);
	add_rest(&out, program);
	return out;
}

static bool is_module(char *const *program, const char *name)
{
	return strcmp(program[0], "-m") == 0 && strcmp(program[1], name) == 0;
}

char **br_debug_pdb(char *const *argv)
{
	static const char *const pdb[] = {"-m", "pdb", "-c", "continue", NULL};
	char *const *program = is_python(argv[0]) ? program_of(argv) : NULL;
	char **out = NULL;

	if (is_pytest(argv[0]) || (program && is_module(program, "pytest"))) {
		add_rest(&out, argv);
		br_strv_add(&out, "--pdb");
		return out;
	}
	if (program && is_module(program, "unittest")) /* it catches what a test raises */
		return NULL;
	if (program)
		return insert(argv, program, pdb);
	if (!is_script(argv[0]))
		return NULL;
	br_strv_add(&out, "python3");
	for (const char *const *word = pdb; *word; word++)
		br_strv_add(&out, *word);
	add_rest(&out, argv);
	return out;
}

char **br_debug_traced(char *const *argv)
{
	static const char *const lines[] = {"-m", "trace", "--trace", "--ignore-dir=/usr", NULL};
	static const char *const calls[] = {
		"strace",
		"-f",
		"-qq",
		"-e",
		"trace=!%memory,getrandom,set_tid_address,set_robust_list,rseq,getpid,gettid,getppid",
		NULL};
	char *const *program = is_python(argv[0]) ? program_of(argv) : NULL;

	if (program && strcmp(program[0], "-m") != 0)
		return insert(argv, program, lines);
	return insert(argv, argv, calls);
}
