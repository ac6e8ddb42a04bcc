/* profile_choose.c - --profile auto: chooses by what the command is. */
#include "app/profile.h"

#include "base/mem.h"
#include "sys/file.h"

#include <string.h>
#include <unistd.h>

#define LOOK_MAX (32u << 20) /* of a program, for the name of what -pg calls */

static bool is_python(const char *word)
{
	const char *slash = strrchr(word, '/');
	const char *name = slash ? slash + 1 : word;
	size_t n = strlen(name);

	return strncmp(name, "python", 6) == 0 || strcmp(name, "pytest") == 0 ||
	       strcmp(name, "py.test") == 0 || strcmp(name, "tox") == 0 ||
	       (n > 3 && strcmp(name + n - 3, ".py") == 0);
}

/* A shell's text: does a word of it begin a Python? */
static bool text_runs_python(const char *text)
{
	while (*text) {
		size_t n = strcspn(text, " \t\n;&|()'\"");
		br_auto_free char *word = br_strndup(text, n);

		if (n > 0 && is_python(word))
			return true;
		text += n + (text[n] != '\0');
	}
	return false;
}

/* As execvp finds it. The caller frees; NULL: nowhere. */
static char *file_of(const char *word, const char *cwd)
{
	const char *path = getenv("PATH");

	if (*word == '/')
		return br_strdup(word);
	if (strchr(word, '/'))
		return br_asprintf("%s/%s", cwd, word);
	while (path && *path) {
		size_t n = strcspn(path, ":");
		br_auto_free char *full = br_asprintf("%.*s/%s", (int)n, path, word);

		if (n > 0 && access(full, X_OK) == 0)
			return br_steal(&full);
		path += n + (path[n] == ':');
	}
	return NULL;
}

static bool holds(const char *data, size_t n, const char *name)
{
	return memmem(data, n, name, strlen(name) + 1) != NULL; /* with its NUL: a name of a table of names */
}

/* By the file's beginning: a script of Python's, or a program built with -pg. */
static const char *by_content(const char *file)
{
	br_auto_free char *data = NULL;
	size_t n;

	if (br_file_read(file, LOOK_MAX, &data, &n, NULL) < 0)
		return NULL;
	if (n > 2 && data[0] == '#' && data[1] == '!') {
		data[strcspn(data, "\n")] = '\0';
		return text_runs_python(data) ? "cprofile" : NULL;
	}
	if (n > 4 && memcmp(data, "\177ELF", 4) == 0 &&
	    (holds(data, n, "mcount") || holds(data, n, "_mcount")))
		return "gprof";
	return NULL;
}

const char *br_profiler_for(char *const *argv, const char *cwd)
{
	br_auto_free char *file = NULL;

	if (!argv || !argv[0])
		return NULL;
	if (is_python(argv[0]))
		return "cprofile";
	if (argv[1] && strcmp(argv[1], "-c") == 0 && argv[2] && text_runs_python(argv[2]))
		return "cprofile";
	file = file_of(argv[0], cwd);
	return file ? by_content(file) : NULL;
}
