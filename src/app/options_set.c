/* options_set.c - the option table, and how each sort of value is read and written. */
#include "app/options_row.h"

#include "app/isolation.h"
#include "base/mem.h"
#include "base/text.h"
#include "bisect_run/err.h"
#include "bisect_run/profile.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LIST_HINT "(bisect-run -h lists the options)"
#define JOBS_MAX 1024
#define VERBOSE_MAX 3
/* Of kept work trees: a few of a large project with its build, little beside what a disk holds. */
#define CACHE_DEFAULT_B (UINT64_C(5) << 30)
#define MEMORY_MIN_B (64u << 20)

static void *field(const struct br_option_row *row, struct br_options *o)
{
	return (char *)o + row->field;
}

static const void *const_field(const struct br_option_row *row, const struct br_options *o)
{
	return (const char *)o + row->field;
}

static void tell_value(const struct br_option_row *row, const char *value, char ***argv)
{
	br_auto_free char *word = br_asprintf("--%s=%s", row->name, value);

	br_strv_add(argv, word);
}

static void tell_bare(const struct br_option_row *row, char ***argv)
{
	br_auto_free char *word = br_asprintf("--%s", row->name);

	br_strv_add(argv, word);
}

/* Flags. From the command line without text, from configuration with git's words for yes and no, from --no-NAME with "false". */
static int truth(const char *s)
{
	static const char *const words[] = {"true", "yes", "on", "1", "false", "no", "off", "0"};

	for (size_t i = 0; s && i < sizeof words / sizeof *words; i++)
		if (strcasecmp(words[i], s) == 0)
			return i < 4;
	return !s ? 1 : *s ? -1 : 0; /* git takes an empty value for no */
}

static int set_flag(const struct br_option_row *row, const struct br_option_value *v, struct br_err *err)
{
	int yes = truth(v->text);

	if (yes < 0)
		return br_fail(err, BR_EUSAGE, "%s: '%s' is neither true nor false\n" LIST_HINT, v->source,
			       v->shown);
	*(bool *)field(row, v->into) = yes;
	return 0;
}

static void tell_flag(const struct br_option_row *row, const struct br_options *o, char ***argv)
{
	if (*(const bool *)const_field(row, o))
		tell_bare(row, argv);
}

static int not_empty(const struct br_option_value *v, struct br_err *err)
{
	if (*v->text)
		return 0;
	return br_fail(err, BR_EUSAGE, "%s: the value is empty\n" LIST_HINT, v->source);
}

static int set_text(const struct br_option_row *row, const struct br_option_value *v, struct br_err *err)
{
	char **p = field(row, v->into);
	int rc = not_empty(v, err);

	if (rc != 0)
		return rc;
	free(*p);
	*p = br_strdup(v->text);
	return 0;
}

/* A revision of which there can be only one: a second one is a slip, not a correction. */
static int set_once(const struct br_option_row *row, const struct br_option_value *v, struct br_err *err)
{
	if (v->again)
		return br_fail(err, BR_EUSAGE, "%s is given twice\nonly --good may be repeated", v->source);
	return set_text(row, v, err);
}

static void tell_text(const struct br_option_row *row, const struct br_options *o, char ***argv)
{
	const char *s = *(char *const *)const_field(row, o);

	if (s)
		tell_value(row, s, argv);
}

static int set_list(const struct br_option_row *row, const struct br_option_value *v, struct br_err *err)
{
	int rc = not_empty(v, err);

	if (rc == 0)
		br_strv_add(field(row, v->into), v->text);
	return rc;
}

static void tell_list(const struct br_option_row *row, const struct br_options *o, char ***argv)
{
	char *const *list = *(char **const *)const_field(row, o);

	for (size_t i = 0; list && list[i]; i++)
		tell_value(row, list[i], argv);
}

static int set_env(const struct br_option_row *row, const struct br_option_value *v, struct br_err *err)
{
	const char *equals = strchr(v->text, '=');

	if (!equals || equals == v->text)
		return br_fail(err, BR_EUSAGE,
			       "%s: '%s' sets nothing; write NAME=VALUE\n"
			       "(--pass-env NAME passes your own value on)",
			       v->source, v->shown);
	return set_list(row, v, err);
}

static int set_name(const struct br_option_row *row, const struct br_option_value *v, struct br_err *err)
{
	if (strchr(v->text, '='))
		return br_fail(err, BR_EUSAGE, "%s: '%s' is not a name\nto set a variable write --env %s",
			       v->source, v->shown, v->shown);
	return set_list(row, v, err);
}

static int set_duration(const struct br_option_row *row, const struct br_option_value *v, struct br_err *err)
{
	uint64_t ns;

	if (br_parse_duration(v->text, &ns) != 0)
		return br_fail(err, BR_EUSAGE,
			       "%s: '%s' is not a duration; write 90s, 5m or 1h30m\n" LIST_HINT, v->source,
			       v->shown);
	if (ns == 0)
		return br_fail(err, BR_EUSAGE,
			       "%s: '%s' is no time at all; write 90s, 5m or 1h30m\n" LIST_HINT, v->source,
			       v->shown);
	*(uint64_t *)field(row, v->into) = ns;
	return 0;
}

static void tell_duration(const struct br_option_row *row, const struct br_options *o, char ***argv)
{
	uint64_t ns = *(const uint64_t *)const_field(row, o);
	bool whole = ns % UINT64_C(1000000000) == 0;
	br_auto_free char *text =
		br_asprintf("%" PRIu64 "%s", whole ? ns / UINT64_C(1000000000) : ns, whole ? "s" : "ns");

	if (ns != 0)
		tell_value(row, text, argv);
}

static int set_count(const struct br_option_row *row, const struct br_option_value *v, struct br_err *err)
{
	uint64_t n;

	if (br_parse_u64(v->text, &n) != 0 || n == 0)
		return br_fail(err, BR_EUSAGE, "%s: '%s' is not a number from 1 on\n" LIST_HINT, v->source,
			       v->shown);
	*(uint64_t *)field(row, v->into) = n;
	return 0;
}

static void tell_count(const struct br_option_row *row, const struct br_options *o, char ***argv)
{
	uint64_t n = *(const uint64_t *)const_field(row, o);
	br_auto_free char *text = br_asprintf("%" PRIu64, n);

	if (n != 0)
		tell_value(row, text, argv);
}

static int set_size(const struct br_option_row *row, const struct br_option_value *v, struct br_err *err)
{
	uint64_t n;

	if (br_parse_size(v->text, &n) != 0 || n == 0)
		return br_fail(err, BR_EUSAGE, "%s: '%s' is not a size; write 512M or 2G\n" LIST_HINT,
			       v->source, v->shown);
	*(uint64_t *)field(row, v->into) = n;
	return 0;
}

/* A trial's worker counts too, and has to live. */
static int set_memory(const struct br_option_row *row, const struct br_option_value *v, struct br_err *err)
{
	int rc = set_size(row, v, err);

	if (rc == 0 && v->into->memory_b < MEMORY_MIN_B)
		return br_fail(err, BR_EUSAGE, "%s: '%s' is too little to run anything in\nwrite 64M or more",
			       v->source, v->shown);
	return rc;
}

static void tell_seed(const struct br_option_row *row, const struct br_options *o, char ***argv)
{
	if (o->seed != 1)
		tell_count(row, o, argv);
}

static int set_cache(const struct br_option_row *row, const struct br_option_value *v, struct br_err *err)
{
	uint64_t size_b;

	if (br_parse_size(v->text, &size_b) != 0 || size_b == UINT64_MAX)
		return br_fail(err, BR_EUSAGE, "%s: '%s' is not a size; write 500M or 20G, or 0\n" LIST_HINT,
			       v->source, v->shown);
	*(uint64_t *)field(row, v->into) = size_b + 1;
	return 0;
}

static void tell_cache(const struct br_option_row *row, const struct br_options *o, char ***argv)
{
	uint64_t size = *(const uint64_t *)const_field(row, o);
	br_auto_free char *text = br_asprintf("%" PRIu64, size - 1);

	if (size)
		tell_value(row, text, argv);
}

uint64_t br_options_cache_b(const struct br_options *o)
{
	return o && o->cache_size ? o->cache_size - 1 : CACHE_DEFAULT_B;
}

/* "0.99" or "99%". */
static int set_share(const struct br_option_row *row, const struct br_option_value *v, struct br_err *err)
{
	char *end;
	double x = strtod(v->text, &end);

	if (*end == '%') {
		x /= 100;
		end++;
	}
	if (end == v->text || *end || !(x >= 0.5 && x < 1))
		return br_fail(err, BR_EUSAGE, "%s: '%s' is no confidence; write 0.95 or 99.9%%\n" LIST_HINT,
			       v->source, v->shown);
	*(double *)field(row, v->into) = x;
	return 0;
}

static void tell_share(const struct br_option_row *row, const struct br_options *o, char ***argv)
{
	double x = *(const double *)const_field(row, o);
	br_auto_free char *text = br_asprintf("%.17g", x);

	if (x > 0 && fabs(x - BR_CONFIDENCE_DEFAULT) > 1e-12)
		tell_value(row, text, argv);
}

/* "3", "3%", "0.5%": a share of the whole. */
static int set_percent(const struct br_option_row *row, const struct br_option_value *v, struct br_err *err)
{
	char *end;
	double x = strtod(v->text, &end);

	if (*end == '%')
		end++;
	if (end == v->text || *end || !(x > 0 && x <= 1000))
		return br_fail(err, BR_EUSAGE, "%s: '%s' is no percentage; write 3%% or 0.5%%\n" LIST_HINT,
			       v->source, v->shown);
	*(double *)field(row, v->into) = x / 100;
	return 0;
}

static void tell_percent(const struct br_option_row *row, const struct br_options *o, char ***argv)
{
	double x = *(const double *)const_field(row, o);
	br_auto_free char *text = br_asprintf("%.17g%%", x * 100);

	if (x > 0)
		tell_value(row, text, argv);
}

static int set_jobs(const struct br_option_row *row, const struct br_option_value *v, struct br_err *err)
{
	uint64_t n = 0;

	(void)row;
	if (strcmp(v->text, "auto") != 0 && (br_parse_u64(v->text, &n) != 0 || n == 0 || n > JOBS_MAX))
		return br_fail(err, BR_EUSAGE, "%s: '%s' is not a number from 1 to %d, nor auto\n" LIST_HINT,
			       v->source, v->shown, JOBS_MAX);
	v->into->jobs = (uint32_t)n;
	return 0;
}

static void tell_jobs(const struct br_option_row *row, const struct br_options *o, char ***argv)
{
	br_auto_free char *text = br_asprintf("%" PRIu32, o->jobs);

	if (o->jobs != 0)
		tell_value(row, text, argv);
}

/* Index of the word in the list, or BR_EUSAGE with the nearest one, or all of them. */
static int pick(const struct br_option_value *v, const char *const *words, const char *all,
		struct br_err *err)
{
	int near;

	for (int i = 0; words[i]; i++)
		if (strcmp(words[i], v->text) == 0)
			return i;
	near = br_text_nearest(v->text, words);
	if (near >= 0)
		return br_fail(err, BR_EUSAGE, "%s: unknown word '%s'\ndid you mean %s?  (one of %s)",
			       v->source, v->shown, words[near], all);
	return br_fail(err, BR_EUSAGE, "%s: unknown word '%s'\nwrite one of %s", v->source, v->shown, all);
}

static int set_timeout_is(const struct br_option_row *row, const struct br_option_value *v,
			  struct br_err *err)
{
	static const char *const words[] = {"bad", "skip", NULL};
	int i = pick(v, words, "bad, skip", err);

	(void)row;
	if (i >= 0)
		v->into->timeout_is_skip = i == 1;
	return i < 0 ? i : 0;
}

static void tell_timeout_is(const struct br_option_row *row, const struct br_options *o, char ***argv)
{
	if (o->timeout_is_skip)
		tell_value(row, "skip", argv);
}

static int set_core(const struct br_option_row *row, const struct br_option_value *v, struct br_err *err)
{
	static const char *const words[] = {"none", "keep", NULL};
	int i = pick(v, words, "none, keep", err);

	(void)row;
	if (i >= 0)
		v->into->keep_core = i == 1;
	return i < 0 ? i : 0;
}

static void tell_core(const struct br_option_row *row, const struct br_options *o, char ***argv)
{
	if (o->keep_core)
		tell_value(row, "keep", argv);
}

static const char *const match_words[] = {"auto", "same", "any", NULL}; /* as enum br_match */

static int set_match(const struct br_option_row *row, const struct br_option_value *v, struct br_err *err)
{
	int i = pick(v, match_words, "same, any, auto", err);

	(void)row;
	if (i >= 0)
		v->into->match = (enum br_match)i;
	return i < 0 ? i : 0;
}

static void tell_match(const struct br_option_row *row, const struct br_options *o, char ***argv)
{
	if (o->match != BR_MATCH_AUTO)
		tell_value(row, match_words[o->match], argv);
}

static int set_by(const struct br_option_row *row, const struct br_option_value *v, struct br_err *err)
{
	static const char *const words[] = {"auto", "line", "char", "byte", "token", "tree", "hunk", NULL};
	int i = pick(v, words, "auto, line, char, byte, token, tree, hunk", err);

	return i < 0 ? i : set_text(row, v, err);
}

static const char *const confirm_words[] = {"auto", "full", "quick", "off", NULL}; /* as enum br_confirm */

static int set_confirm(const struct br_option_row *row, const struct br_option_value *v, struct br_err *err)
{
	int i = pick(v, confirm_words, "auto, full, quick, off", err);

	(void)row;
	if (i >= 0)
		v->into->confirm = (enum br_confirm)i;
	return i < 0 ? i : 0;
}

static void tell_confirm(const struct br_option_row *row, const struct br_options *o, char ***argv)
{
	if (o->confirm != BR_CONFIRM_AUTO)
		tell_value(row, confirm_words[o->confirm], argv);
}

static const char *const clean_words[] = {"tracked", "untracked", "all", NULL}; /* as enum br_clean */

static int set_clean(const struct br_option_row *row, const struct br_option_value *v, struct br_err *err)
{
	int i = pick(v, clean_words, "tracked, untracked, all", err);

	(void)row;
	if (i >= 0)
		v->into->clean = (enum br_clean)i;
	return i < 0 ? i : 0;
}

static void tell_clean(const struct br_option_row *row, const struct br_options *o, char ***argv)
{
	if (o->clean != BR_CLEAN_TRACKED)
		tell_value(row, clean_words[o->clean], argv);
}

static int set_sandbox(const struct br_option_row *row, const struct br_option_value *v, struct br_err *err)
{
	static const char *const words[] = {"auto", "strict", "basic", "none", NULL};
	int i = pick(v, words, "auto, strict, basic, none", err);

	return i < 0 ? i : set_text(row, v, err);
}

static const char *const net_words[] = {"loopback", "none", "host", NULL};  /* as enum br_net */
static const char *const home_words[] = {"overlay", "empty", "host", NULL}; /* as enum br_home */

static int set_net(const struct br_option_row *row, const struct br_option_value *v, struct br_err *err)
{
	int i = pick(v, net_words, "none, loopback, host", err);

	(void)row;
	if (i >= 0)
		v->into->net = (enum br_net)i;
	return i < 0 ? i : 0;
}

static void tell_net(const struct br_option_row *row, const struct br_options *o, char ***argv)
{
	if (o->net != BR_NET_LOOPBACK)
		tell_value(row, net_words[o->net], argv);
}

static int set_home(const struct br_option_row *row, const struct br_option_value *v, struct br_err *err)
{
	int i = pick(v, home_words, "overlay, empty, host", err);

	(void)row;
	if (i >= 0)
		v->into->home = (enum br_home)i;
	return i < 0 ? i : 0;
}

static void tell_home(const struct br_option_row *row, const struct br_options *o, char ***argv)
{
	if (o->home != BR_HOME_OVERLAY)
		tell_value(row, home_words[o->home], argv);
}

/* One or more, with commas between them. */
static int set_allow(const struct br_option_row *row, const struct br_option_value *v, struct br_err *err)
{
	const char *at = v->text;

	do {
		size_t n = strcspn(at, ",");
		br_auto_free char *word = br_strndup(at, n);
		struct br_option_value one = {
			.into = v->into, .source = v->source, .text = word, .shown = v->shown};
		int i = pick(&one, br_door_words(), "userns, kvm, dri, ptrace, perf", err);

		if (i < 0)
			return i;
		br_strv_add(field(row, v->into), word);
		at += n;
	} while (*at++ == ',');
	return 0;
}

static int set_sort(const struct br_option_row *row, const struct br_option_value *v, struct br_err *err)
{
	int i = pick(v, br_profile_sort_keys(), "calls, ncalls, tottime, cumtime, name, file", err);

	return i < 0 ? i : set_text(row, v, err);
}

static int set_side(const struct br_option_row *row, const struct br_option_value *v, struct br_err *err)
{
	static const char *const words[] = {"auto", "good", "bad", "diff", NULL};
	int i = pick(v, words, "good, bad, diff", err);

	if (i == 0 && v->into->side) /* `show --side good --profile` */
		return 0;
	return i < 0 ? i : set_text(row, v, err);
}

static int set_quiet(const struct br_option_row *row, const struct br_option_value *v, struct br_err *err)
{
	(void)row;
	(void)err;
	v->into->verbose = -1;
	return 0;
}

static void tell_quiet(const struct br_option_row *row, const struct br_options *o, char ***argv)
{
	if (o->verbose < 0)
		tell_bare(row, argv);
}

static int set_verbose(const struct br_option_row *row, const struct br_option_value *v, struct br_err *err)
{
	(void)row;
	(void)err;
	if (v->into->verbose < VERBOSE_MAX)
		v->into->verbose++;
	return 0;
}

static void tell_verbose(const struct br_option_row *row, const struct br_options *o, char ***argv)
{
	for (int i = 0; i < o->verbose; i++)
		tell_bare(row, argv);
}

static int set_help(const struct br_option_row *row, const struct br_option_value *v, struct br_err *err)
{
	(void)row;
	(void)err;
	v->into->command = strcmp(v->source, "-h") == 0 ? BR_CMD_HELP_SHORT : BR_CMD_HELP_LONG;
	return 0;
}

static int set_version(const struct br_option_row *row, const struct br_option_value *v, struct br_err *err)
{
	(void)row;
	(void)err;
	v->into->command = BR_CMD_VERSION;
	return 0;
}

static void tell_command(const struct br_option_row *row, const struct br_options *o, char ***argv)
{
	(void)row;
	(void)o;
	(void)argv; /* the caller writes the subcommand */
}

static const struct br_option_kind kind_flag = {set_flag, tell_flag}, kind_text = {set_text, tell_text},
				   kind_once = {set_once, tell_text}, kind_list = {set_list, tell_list},
				   kind_env = {set_env, tell_list}, kind_name = {set_name, tell_list},
				   kind_duration = {set_duration, tell_duration},
				   kind_count = {set_count, tell_count}, kind_seed = {set_count, tell_seed},
				   kind_share = {set_share, tell_share},
				   kind_percent = {set_percent, tell_percent},
				   kind_cache = {set_cache, tell_cache}, kind_jobs = {set_jobs, tell_jobs},
				   kind_timeout_is = {set_timeout_is, tell_timeout_is},
				   kind_core = {set_core, tell_core},
				   kind_confirm = {set_confirm, tell_confirm},
				   kind_clean = {set_clean, tell_clean}, kind_match = {set_match, tell_match},
				   kind_by = {set_by, tell_text}, kind_sandbox = {set_sandbox, tell_text},
				   kind_net = {set_net, tell_net}, kind_size = {set_size, tell_count},
				   kind_memory = {set_memory, tell_count}, kind_home = {set_home, tell_home},
				   kind_allow = {set_allow, tell_list}, kind_sort = {set_sort, tell_text},
				   kind_side = {set_side, tell_text}, kind_quiet = {set_quiet, tell_quiet},
				   kind_verbose = {set_verbose, tell_verbose},
				   kind_help = {set_help, tell_command},
				   kind_version = {set_version, tell_command};

/* Short names for the columns of options.def. */
enum {
	EVERYDAY = BR_OPTION_EVERYDAY,
	CONFIG = BR_OPTION_CONFIG,
	TRUSTED = BR_OPTION_TRUSTED,
	S = 1 << BR_CMD_SEARCH,
	T = 1 << BR_CMD_TRY,
	R = 1 << BR_CMD_RESUME,
	V = 1 << BR_CMD_SHOW,
	L = 1 << BR_CMD_HISTORY | 1 << BR_CMD_STATUS | 1 << BR_CMD_DOCTOR,
	C = 1 << BR_CMD_CLEAN,
	D = 1 << BR_CMD_DEBUG,
	ANYWHERE = 0xFFFF,
};

static const struct br_option_row rows[] = {
#define OPT(name, alias, letter, arg, group, flags, where, kind, member, summary, more)                      \
	{name,                                                                                               \
	 alias,                                                                                              \
	 letter,                                                                                             \
	 arg,                                                                                                \
	 BR_GROUP_##group,                                                                                   \
	 flags,                                                                                              \
	 where,                                                                                              \
	 &kind_##kind,                                                                                       \
	 offsetof(struct br_options, member),                                                                \
	 summary,                                                                                            \
	 more},
#include "app/options.def"
#undef OPT
};

_Static_assert(sizeof rows / sizeof *rows <= BR_OPTION_ROWS_MAX, "raise BR_OPTION_ROWS_MAX");

const struct br_option_row *br_option_row(size_t i)
{
	return i < sizeof rows / sizeof *rows ? &rows[i] : NULL;
}

/* What configuration may switch on, the command line must be able to switch off. */
bool br_option_negatable(const struct br_option_row *row)
{
	return row->kind == &kind_flag && (row->flags & CONFIG) && strncmp(row->name, "no-", 3) != 0;
}

void br_option_clear_list(const struct br_option_row *row, struct br_options *o)
{
	char ***list = field(row, o);

	if (row->kind->tell != tell_list)
		return;
	br_strv_free(*list);
	*list = NULL;
}

#define COMMANDS(X)                                                                                          \
	X("try", TRY)                                                                                        \
	X("resume", RESUME)                                                                                  \
	X("show", SHOW)                                                                                      \
	X("history", HISTORY)                                                                                \
	X("status", STATUS)                                                                                  \
	X("amend", AMEND) X("clean", CLEAN) X("doctor", DOCTOR) X("debug", DEBUG) X("help", HELP_LONG)

const char *const *br_command_words(void)
{
#define WORD(word, command) word,
	static const char *const words[] = {COMMANDS(WORD) NULL};
#undef WORD

	return words;
}

enum br_command br_command_at(size_t word)
{
#define NUMBER(word, command) BR_CMD_##command,
	static const enum br_command numbers[] = {COMMANDS(NUMBER) BR_CMD_SEARCH};
#undef NUMBER

	return numbers[word];
}
