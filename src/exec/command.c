/* command.c - the words and the environment of one trial. */
#include "exec/command.h"

#include "base/buf.h"
#include "base/mem.h"
#include "sys/file.h"

#include <inttypes.h>
#include <string.h>

/* What stands for the candidate in words of argv. */
#define CANDIDATE "@@"
/* A candidate's file that is given as words is at most this long; more than any kernel takes. */
#define INPUT_MAX_B (64ull << 20)

/* What follows root in word: "" or "/..."; NULL when the word does not begin with it. */
static const char *after_root(const char *word, const char *root)
{
	size_t n = strlen(root);

	while (n && root[n - 1] == '/')
		n--;
	if (!n || strncmp(word, root, n) != 0 || (word[n] && word[n] != '/'))
		return NULL;
	return word + n;
}

/* The text with each `@@` replaced. The caller's. */
static char *replaced(const char *text, const char *by)
{
	struct br_buf b = {0};

	for (const char *at; (at = strstr(text, CANDIDATE)); text = at + strlen(CANDIDATE)) {
		br_buf_add(&b, text, (size_t)(at - text));
		br_buf_str(&b, by);
	}
	br_buf_str(&b, text);
	return br_buf_take(&b);
}

static void add_paths(char ***out, const struct br_run_spec *spec, const char *dir)
{
	for (char *const *name = spec->input_name; *name; name++) {
		br_auto_free char *path = br_asprintf("%s/%s", dir, *name);

		br_strv_add(out, path);
	}
}

/* The items of a subset as words of their own: the lines of the candidate's file. */
static int add_lines(char ***out, const struct br_run_spec *spec, const char *dir, struct br_err *err)
{
	br_auto_free char *path = br_asprintf("%s/%s", dir, spec->input_name[0]);
	br_auto_free char *text = NULL;
	size_t n;
	int r = br_file_read(path, INPUT_MAX_B, &text, &n, err);

	if (r < 0)
		return r;
	for (char *line = text; *line;) {
		size_t len = strcspn(line, "\n");
		br_auto_free char *word = br_strndup(line, len);

		br_strv_add(out, word);
		line += len + (line[len] == '\n');
	}
	return 0;
}

static char *word_for(const char *word, const struct br_run_spec *spec, const struct br_command_candidate *c)
{
	const char *rest = spec->user_root ? after_root(word, spec->user_root) : NULL;
	br_auto_free char *own = rest ? br_asprintf("%s%s", c->tree, rest) : br_strdup(word);
	br_auto_free char *path = spec->input_name && c->input
					  ? br_asprintf("%s/%s", c->seen_input, spec->input_name[0])
					  : NULL;
	const char *by = c->value ? c->value : path;

	return by ? replaced(own, by) : br_steal(&own);
}

int br_command_argv(char ***out, const struct br_run_spec *spec, const struct br_command_candidate *c,
		    struct br_err *err)
{
	br_auto_strv char **words = NULL;
	bool files = spec->input_name && c->input;
	int r = 0;

	for (char *const *word = spec->argv + (c->bare ? spec->nmeasure : 0); *word && r == 0; word++) {
		if (files && strcmp(*word, CANDIDATE) == 0) {
			add_paths(&words, spec, c->seen_input);
		} else if (files && strcmp(*word, CANDIDATE "*") == 0) {
			r = add_lines(&words, spec, c->input, err);
		} else {
			br_auto_free char *own = word_for(*word, spec, c);

			br_strv_add(&words, own);
		}
	}
	if (r == 0)
		*out = br_steal(&words);
	return r;
}

/* Ours, or meaningless in another directory. */
static bool is_replaced(const char *entry)
{
	static const char *const name[] = {
		"BISECT_RUN_COMMIT=", "BISECT_RUN_TRIAL=", "BISECT_RUN_WORKER=", "BISECT_RUN_JOBS="};

	for (size_t i = 0; i < sizeof name / sizeof *name; i++)
		if (!strncmp(entry, name[i], strlen(name[i])))
			return true;
	return false;
}

static bool names(char *const *env, const char *prefix)
{
	for (; *env; env++)
		if (!strncmp(*env, prefix, strlen(prefix)))
			return true;
	return false;
}

static void add_text(char ***env, const char *name, const char *value)
{
	br_auto_free char *entry = br_asprintf("%s=%s", name, value);

	br_strv_add(env, entry);
}

static void add_number(char ***env, const char *name, uint64_t value)
{
	br_auto_free char *entry = br_asprintf("%s=%" PRIu64, name, value);

	br_strv_add(env, entry);
}

char **br_command_env(const struct br_run_spec *spec, const struct br_command_facts *facts)
{
	char **env = NULL;

	for (char *const *entry = spec->env; *entry; entry++)
		if (!is_replaced(*entry))
			br_strv_add(&env, *entry);
	add_text(&env, "BISECT_RUN_COMMIT", facts->label);
	add_number(&env, "BISECT_RUN_TRIAL", facts->id);
	add_number(&env, "BISECT_RUN_WORKER", facts->worker);
	add_number(&env, "BISECT_RUN_JOBS", spec->jobs);
	/* What the user set by hand wins. */
	if (!names(env, "TMPDIR="))
		add_text(&env, "TMPDIR", facts->tmp);
	if (!names(env, "PWD="))
		add_text(&env, "PWD", facts->cwd);
	return env;
}

static void add_places(struct br_buf *b, const char *text, const struct br_wrap_places *at)
{
	while (*text) {
		size_t n = strcspn(text, "@");

		br_buf_add(b, text, n);
		text += n;
		if (strncmp(text, "@DIR@", 5) == 0) {
			br_buf_str(b, at->raw);
			text += 5;
		} else if (strncmp(text, "@SHARED@", 8) == 0) {
			br_buf_str(b, at->shared);
			text += 8;
		} else if (*text) {
			br_buf_char(b, *text++);
		}
	}
}

static char *with_places(const char *text, const struct br_wrap_places *at)
{
	struct br_buf b = {0};

	add_places(&b, text, at);
	return br_buf_take(&b);
}

static bool is_set_in(char *const *env, const char *entry)
{
	size_t n = strcspn(entry, "=") + 1;

	for (; env && *env; env++)
		if (strncmp(*env, entry, n) == 0)
			return true;
	return false;
}

static void take_over(char ***v, char **by)
{
	br_strv_free(*v);
	*v = by;
}

void br_command_wrap(const struct br_wrap *wrap, const struct br_wrap_places *at, char ***argv, char ***env)
{
	char **words = NULL, **vars = NULL;

	for (char *const *w = wrap->prefix; w && *w; w++) {
		br_auto_free char *word = with_places(*w, at);

		br_strv_add(&words, word);
	}
	for (char *const *w = *argv; *w; w++)
		br_strv_add(&words, *w);
	for (char *const *e = *env; *e; e++)
		if (!is_set_in(wrap->env, *e))
			br_strv_add(&vars, *e);
	for (char *const *e = wrap->env; e && *e; e++) {
		br_auto_free char *entry = with_places(*e, at);

		br_strv_add(&vars, entry);
	}
	add_text(&vars, "BISECT_RUN_PROFILE_DIR", at->raw);
	take_over(argv, words);
	take_over(env, vars);
}
