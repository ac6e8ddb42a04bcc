/* options.c - from argv to what the user asked for: getopt_long over the option table, then what must not stand together. */
#include "app/options.h"

#include "app/env_pair.h"
#include "app/options_row.h"
#include "base/mem.h"
#include "base/text.h"
#include "bisect_run/err.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define LIST_HINT "(bisect-run -h lists the options)"

/* What getopt_long returns for row i, and for its --no-NAME; single letters lie below. */
enum { ROW_BASE = 0x1000, NO_BASE = 0x2000 };

/* A name with its dashes, for messages; at most this long. */
#define SPELLED_SIZE 48

/* One run over a command line. */
struct parse {
	struct br_options *o;
	char spelled[BR_OPTION_ROWS_MAX][SPELLED_SIZE]; /* how the user wrote row i, "--old"; "": not there */
	bool dashes;					/* a `--` was there */
	struct br_err *err;
};

/* getopt's view of the table. Three entries a row at most: name, alias, --no-NAME. */
struct tables {
	struct option longs[3 * BR_OPTION_ROWS_MAX + 1];
	char no_names[BR_OPTION_ROWS_MAX][SPELLED_SIZE];
	char letters[2 * BR_OPTION_ROWS_MAX + 3];
};

static void fill_tables(struct tables *t)
{
	size_t n = 0, letters = 0;
	const struct br_option_row *row;

	t->letters[letters++] = '-'; /* operands come in order, as option 1 */
	t->letters[letters++] = ':'; /* no messages of getopt's own; a missing value is ':' */
	for (size_t i = 0; (row = br_option_row(i)); i++) {
		int has_arg = row->arg ? required_argument : no_argument;

		t->longs[n++] = (struct option){row->name, has_arg, NULL, ROW_BASE + (int)i};
		if (row->alias)
			t->longs[n++] = (struct option){row->alias, has_arg, NULL, ROW_BASE + (int)i};
		if (br_option_negatable(row)) {
			(void)snprintf(t->no_names[i], SPELLED_SIZE, "no-%s", row->name);
			t->longs[n++] = (struct option){t->no_names[i], no_argument, NULL, NO_BASE + (int)i};
		}
		if (row->letter)
			t->letters[letters++] = row->letter;
		if (row->letter && row->arg)
			t->letters[letters++] = ':';
	}
	t->longs[n] = (struct option){0};
	t->letters[letters] = '\0';
}

/* The row's index by getopt's answer; -1: none. */
static int row_of(int answer)
{
	if (answer >= NO_BASE)
		return answer - NO_BASE;
	if (answer >= ROW_BASE)
		return answer - ROW_BASE;
	for (int i = 0; br_option_row((size_t)i); i++)
		if (br_option_row((size_t)i)->letter == answer && answer != 0)
			return i;
	return -1;
}

#define SHOWN_MAX 48 /* bytes; escaped and said three times it still fits an error's message */

/* A word of the user's for a message: on one line, harmless, not too long. The caller frees. */
static char *shown(const char *word)
{
	size_t n = strnlen(word, SHOWN_MAX + 1);
	br_auto_free char *clean = br_text_clean(word, n > SHOWN_MAX ? SHOWN_MAX : n, false);

	return br_asprintf("%s%s", clean, n > SHOWN_MAX ? "..." : "");
}

/* The same without its value: "--god" of "--god=HEAD". */
static char *bare_word(const char *word)
{
	br_auto_free char *bare = br_strndup(word, strcspn(word, "="));

	return shown(bare);
}

/* Options of which people have read elsewhere. One that has a row in the table by now is never looked up here. */
static bool is_planned(const char *name)
{
	static const char *const planned[] = {"engine", "html", "junit", "markdown"};

	for (size_t i = 0; i < sizeof planned / sizeof *planned; i++)
		if (strcmp(planned[i], name) == 0)
			return true;
	return false;
}

static int unknown_long(struct parse *p, const struct tables *t, const char *word)
{
	const char *names[3 * BR_OPTION_ROWS_MAX + 1];
	br_auto_free char *bare = bare_word(word);
	size_t n = 0;
	int near;

	if (is_planned(bare + 2))
		return br_fail(p->err, BR_EUSAGE,
			       "%s is not in this version\nbisect-run -h lists the options", bare);
	for (; t->longs[n].name; n++)
		names[n] = t->longs[n].name;
	names[n] = NULL;
	near = br_text_nearest(bare + 2, names);
	if (near < 0)
		return br_fail(p->err, BR_EUSAGE, "unknown option '%s'\nbisect-run -h lists the options",
			       bare);
	return br_fail(p->err, BR_EUSAGE, "unknown option '%s'\ndid you mean --%s?  " LIST_HINT, bare,
		       names[near]);
}

static int ambiguous(struct parse *p, const char *word, const char *const *names, size_t n)
{
	return br_fail(p->err, BR_EUSAGE, "option '%s' may mean --%s or --%s%s\nwrite more of it  " LIST_HINT,
		       word, names[0], names[1], n > 2 ? " or another" : "");
}

/* getopt_long says '?' for an unknown word and for an ambiguous one alike. */
static int bad_long(struct parse *p, const struct tables *t, const char *word)
{
	br_auto_free char *bare = bare_word(word);
	const char *names[3 * BR_OPTION_ROWS_MAX];
	size_t n = 0;

	for (size_t i = 0; t->longs[i].name; i++)
		if (strncmp(t->longs[i].name, bare + 2, strlen(bare + 2)) == 0)
			names[n++] = t->longs[i].name;
	return n >= 2 ? ambiguous(p, bare, names, n) : unknown_long(p, t, word);
}

/* '?': an unknown letter, a value where none belongs, an unknown or ambiguous word. */
static int bad_option(struct parse *p, const struct tables *t, const char *word)
{
	br_auto_free char *bare = bare_word(word);
	br_auto_free char *letter = NULL;
	char c = (char)optopt;

	if (optopt >= ROW_BASE)
		return br_fail(p->err, BR_EUSAGE, "%s takes no value\n" LIST_HINT, bare);
	if (optopt == 0)
		return bad_long(p, t, word);
	letter = br_text_clean(&c, 1, false);
	return br_fail(p->err, BR_EUSAGE, "unknown option '-%s'\nbisect-run -h lists the options", letter);
}

/* How the user spelled it, for messages: the name or the alias, whatever was left out of it; or the letter. */
static const char *spelling(int answer, int index, const struct tables *t, char *buf)
{
	if (answer < ROW_BASE)
		(void)snprintf(buf, SPELLED_SIZE, "-%c", answer);
	else
		(void)snprintf(buf, SPELLED_SIZE, "--%s", t->longs[index].name);
	return buf;
}

static int missing_value(struct parse *p, const char *word)
{
	int i = row_of(optopt);
	br_auto_free char *bare = bare_word(word);
	const char *name = i >= 0 ? br_option_row((size_t)i)->name : NULL;

	if (!name)
		return br_fail(p->err, BR_EUSAGE, "'%s' needs a value\n" LIST_HINT, bare);
	return br_fail(p->err, BR_EUSAGE, "--%s needs a value: --%s %s\n" LIST_HINT, name, name,
		       br_option_row((size_t)i)->arg);
}

static int take_option(struct parse *p, int answer, const char *spelled)
{
	size_t i = (size_t)row_of(answer);
	const struct br_option_row *row = br_option_row(i);
	br_auto_free char *clean = row->arg ? shown(optarg) : NULL;
	struct br_option_value v = {
		.into = p->o, .source = spelled, .shown = clean, .again = p->spelled[i][0] != '\0'};

	v.text = answer >= NO_BASE ? "false" : row->arg ? optarg : NULL;
	if (!v.again)
		br_option_clear_list(row, p->o); /* what configuration said */
	memcpy(p->spelled[i], spelled, SPELLED_SIZE);
	return row->kind->set(row, &v, p->err);
}

/* One answer of getopt_long. word: where the option that it is about began. */
static int take(struct parse *p, const struct tables *t, int answer, int index, const char *word)
{
	char spelled[SPELLED_SIZE] = "";

	switch (answer) {
	case 1:
		br_strv_add(&p->o->operand, optarg);
		return 0;
	case '?':
		return bad_option(p, t, word);
	case ':':
		return missing_value(p, word);
	default:
		(void)spelling(answer, index, t, spelled);
		return take_option(p, answer, spelled);
	}
}

static bool asks_for_help(const struct br_options *o)
{
	return o->command == BR_CMD_HELP_SHORT || o->command == BR_CMD_HELP_LONG ||
	       o->command == BR_CMD_VERSION;
}

/* Options, operands and COMMAND; what they mean together is looked at later. argv is getopt's to shuffle: a copy. */
static int read_words(struct parse *p, int argc, char **argv)
{
	struct tables t = {.letters = ""};

	fill_tables(&t);
	opterr = 0;
	optind = 0; /* glibc: start afresh */
	for (;;) {
		int at = optind ? optind : 1, index = -1;
		int answer = getopt_long(argc, argv, t.letters, t.longs, &index);
		int rc;

		if (answer < 0) {
			p->dashes = optind > at;
			break;
		}
		rc = take(p, &t, answer, index, argv[at < argc ? at : argc - 1]);
		if (rc != 0 || asks_for_help(p->o))
			return rc;
	}
	if (p->dashes && optind < argc)
		p->o->argv = br_strv_copy(argv + optind);
	return 0;
}

/* How the user wrote this option; NULL: he did not. */
static const char *wrote(const struct parse *p, const char *name)
{
	const struct br_option_row *row;

	for (size_t i = 0; (row = br_option_row(i)); i++)
		if (strcmp(row->name, name) == 0)
			return p->spelled[i][0] ? p->spelled[i] : NULL;
	return NULL;
}

static const char *command_word(enum br_command command)
{
	const char *const *words = br_command_words();

	for (size_t i = 0; words[i]; i++)
		if (br_command_at(i) == command)
			return words[i];
	return "a search";
}

/* A first operand that is a subcommand's word is one. */
static void take_subcommand(struct br_options *o)
{
	const char *const *words = br_command_words();
	size_t n = br_strv_len(o->operand);

	for (size_t i = 0; n > 0 && words[i]; i++) {
		if (strcmp(words[i], o->operand[0]) != 0)
			continue;
		o->command = br_command_at(i);
		free(o->operand[0]);
		memmove(o->operand, o->operand + 1, n * sizeof *o->operand);
		return;
	}
}

static int check_places(const struct parse *p)
{
	const struct br_option_row *row;

	for (size_t i = 0; (row = br_option_row(i)); i++)
		if (p->spelled[i][0] && !(row->where & 1u << p->o->command))
			return br_fail(p->err, BR_EUSAGE, "%s means nothing with %s\n" LIST_HINT,
				       p->spelled[i], command_word(p->o->command));
	return 0;
}

static int contradiction(const struct parse *p, const char *a, const char *b, const char *why)
{
	return br_fail(p->err, BR_EUSAGE, "%s and %s contradict each other\n%s", a, b, why);
}

/* The log of a git bisect says already where good and bad lie. */
static int check_replay(const struct parse *p)
{
	static const char *const ends[] = {"good", "bad", "broken", "fixed"};
	const char *log = wrote(p, "replay");

	if (log && p->o->from_bisect)
		return contradiction(p, log, wrote(p, "from-bisect"),
				     "a search can go on from one git bisect only");
	if (p->o->from_bisect)
		log = wrote(p, "from-bisect");
	for (size_t i = 0; log && i < sizeof ends / sizeof *ends; i++)
		if (wrote(p, ends[i]))
			return contradiction(
				p, log, wrote(p, ends[i]),
				"the git bisect says which revisions are good and which are bad");
	return 0;
}

static int check_pairs(const struct parse *p)
{
	static const char direction[] =
		"--good and --bad find the first bad commit, --broken and --fixed the first fixed one";
	const char *plain = wrote(p, "good") ? wrote(p, "good") : wrote(p, "bad");
	const char *fixing = wrote(p, "broken") ? wrote(p, "broken") : wrote(p, "fixed");

	if (wrote(p, "quiet") && wrote(p, "verbose"))
		return contradiction(p, wrote(p, "quiet"), wrote(p, "verbose"), "take one of them away");
	if (plain && fixing)
		return contradiction(p, plain, fixing, direction);
	if (p->o->fixed && !p->o->broken)
		return br_fail(p->err, BR_EUSAGE,
			       "--fixed needs --broken\n"
			       "write --broken REV: a revision at which it was still broken");
	return check_replay(p);
}

/* A word that no search has a use for. */
static int stray(const struct parse *p, const char *word)
{
	const char *const *words = br_command_words();
	br_auto_free char *clean = shown(word);
	int near = br_text_nearest(clean, words);

	if (near >= 0)
		return br_fail(p->err, BR_EUSAGE,
			       "unknown subcommand '%s'\ndid you mean %s?  (bisect-run -h lists them)", clean,
			       words[near]);
	if (!p->dashes)
		return br_fail(p->err, BR_EUSAGE,
			       "unexpected word '%s'\nif the command begins here, write -- before it: -- %s",
			       clean, clean);
	return br_fail(
		p->err, BR_EUSAGE,
		"unexpected word '%s'\nif it is a revision, write --good %s or --bad %s, or a range A..B",
		clean, clean, clean);
}

/* A..B: A good, B bad; an empty side is HEAD, as in git. */
static int take_range(const struct parse *p, const char *word)
{
	const char *dots = strstr(word, "..");
	br_auto_free char *clean = shown(word);
	const char *b = dots ? dots + 2 : NULL;

	if (!dots || *b == '/' || (dots == word && !*b))
		return stray(p, word);
	if (*b == '.')
		return br_fail(p->err, BR_EUSAGE,
			       "'%s' with three dots names two sides, not a range\n"
			       "write A..B: A is good and B is bad",
			       clean);
	if (strstr(b, ".."))
		return stray(p, word);
	if (br_options_aim(p->o) == BR_AIM_LINE)
		return contradiction(p, clean, wrote(p, "range") ? "--range" : "--list",
				     "its own ends are the good and the bad one");
	for (const char *const *name = (const char *const[]){"good", "bad", "broken", "fixed", NULL}; *name;
	     name++)
		if (wrote(p, *name))
			return contradiction(p, clean, wrote(p, *name),
					     "A..B says already that A is good and B is bad");
	if (p->o->replay || p->o->from_bisect)
		return contradiction(p, clean, p->o->replay ? "--replay" : "--from-bisect",
				     "the git bisect says which revisions are good and which are bad");
	br_auto_free char *good = dots == word ? br_strdup("HEAD") : br_strndup(word, (size_t)(dots - word));

	br_strv_add(&p->o->good, good);
	p->o->bad = *b ? br_strdup(b) : NULL;
	return 0;
}

static int check_command(const struct parse *p, const char *form)
{
	const struct br_options *o = p->o;

	if (o->argv && !o->argv[0][0])
		return br_fail(p->err, BR_EUSAGE, "COMMAND is an empty word\nwrite %s", form);
	if (o->argv || o->ask)
		return 0;
	return br_fail(p->err, BR_EUSAGE, "%s\nwrite %s; or use --ask to judge by hand",
		       p->dashes ? "there is no COMMAND after --" : "there is no -- COMMAND", form);
}

enum br_aim br_options_aim(const struct br_options *o)
{
	if (o->range || o->list)
		return BR_AIM_LINE;
	if (o->reduce)
		return BR_AIM_REDUCE;
	return o->subset ? BR_AIM_SUBSET : BR_AIM_COMMITS;
}

bool br_options_has_commits(const struct br_options *o)
{
	return o->command == BR_CMD_SEARCH &&
	       (br_options_aim(o) == BR_AIM_COMMITS || o->good || o->broken || o->replay || o->from_bisect);
}

/* What is searched must be one thing, or an input first and commits after it. */
static int check_forms(const struct parse *p)
{
	static const char *const forms[] = {"range", "list", "reduce", "subset"};
	static const char *const ends[] = {"good", "broken", "replay", "from-bisect"};
	const char *form = NULL;

	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		const char *more = wrote(p, forms[i]);

		if (form && more)
			return contradiction(p, form, more, "one of them at a time");
		form = more ? more : form;
	}
	for (size_t i = 0; br_options_aim(p->o) == BR_AIM_LINE && i < sizeof ends / sizeof *ends; i++)
		if (wrote(p, ends[i]))
			return contradiction(
				p, form, wrote(p, ends[i]),
				"its own ends are the good and the bad one; --bad REV alone says "
				"at which commit COMMAND runs");
	return 0;
}

/* Options that mean something beside another one only. */
static int check_company(const struct parse *p)
{
	enum br_aim aim = br_options_aim(p->o);
	bool sets = aim == BR_AIM_REDUCE || aim == BR_AIM_SUBSET;
	const struct {
		const char *name;
		bool fits;
		const char *needs;
	} rule[] = {
		{"by", aim == BR_AIM_REDUCE, "--reduce FILE"},
		{"fast", sets, "--reduce FILE or --subset FILE"},
		{"interesting", sets, "--reduce FILE or --subset FILE"},
		{"isolate", aim == BR_AIM_SUBSET, "--subset FILE"},
		{"hunks", br_options_has_commits(p->o), "--good REV: the commits are searched first"},
		{"limit", p->o->metric != NULL, "--metric NAME"},
		{"threshold", p->o->metric != NULL, "--metric NAME"},
		{"higher-is-better", p->o->metric != NULL, "--metric NAME"},
	};

	for (size_t i = 0; i < sizeof rule / sizeof *rule; i++)
		if (wrote(p, rule[i].name) && !rule[i].fits)
			return br_fail(p->err, BR_EUSAGE, "%s means nothing alone\nit belongs to %s",
				       wrote(p, rule[i].name), rule[i].needs);
	return 0;
}

/* Where nothing says where the candidate goes, an input is the last argument; a number can be anything. */
static int place_candidate(const struct parse *p)
{
	struct br_options *o = p->o;
	bool placed = false;

	for (size_t i = 0; o->argv && o->argv[i]; i++)
		placed = placed || strstr(o->argv[i], "@@");
	if (placed || br_options_aim(o) == BR_AIM_COMMITS || !o->argv)
		return 0;
	if (br_options_aim(o) == BR_AIM_LINE)
		return br_fail(p->err, BR_EUSAGE,
			       "COMMAND has no @@: it would do the same for every candidate\n"
			       "write @@ where the number or the item belongs");
	br_strv_add(&o->argv, "@@");
	return 0;
}

/* Variables are set by env, whose words they are; a search that goes on has them there already. */
static int place_variables(const struct parse *p)
{
	struct br_options *o = p->o;
	char **own = o->argv;
	const char *comma = strchr(o->subset, ',');

	if (!comma || !comma[1] || comma == o->subset + strlen(BR_ENV_PAIR))
		return br_fail(p->err, BR_EUSAGE,
			       "--subset " BR_ENV_PAIR " needs two files\n"
			       "write --subset " BR_ENV_PAIR "good.env,bad.env, both as `env` prints them");
	if (!own || (strcmp(own[0], "env") == 0 && own[1] && strcmp(own[1], "@@*") == 0))
		return 0;
	o->argv = NULL;
	br_strv_add(&o->argv, "env");
	br_strv_add(&o->argv, "@@*");
	for (size_t i = 0; own[i]; i++)
		br_strv_add(&o->argv, own[i]);
	br_strv_free(own);
	return 0;
}

static int check_search(const struct parse *p)
{
	struct br_options *o = p->o;
	int rc = check_forms(p);

	if (rc != 0)
		return rc;

	if (br_strv_len(o->operand) > 1 && strstr(o->operand[0], ".."))
		return stray(p, o->operand[1]);
	if (br_strv_len(o->operand) > 0)
		rc = take_range(p, o->operand[0]);
	if (rc == 0)
		rc = check_company(p);
	if (rc == 0)
		rc = check_command(p, "bisect-run --good REV [--bad REV] -- COMMAND");
	if (rc != 0)
		return rc;
	return br_env_pair_is(p->o->subset) ? place_variables(p) : place_candidate(p);
}

static int check_try(const struct parse *p)
{
	char *const *word = p->o->operand;
	size_t n = br_strv_len(word);
	int rc = check_command(p, "bisect-run try [REV] -- COMMAND");
	br_auto_free char *clean = NULL;

	if (rc != 0 || n == 0)
		return rc;
	clean = shown(word[n > 1]);
	if (n > 1)
		return br_fail(p->err, BR_EUSAGE, "unexpected word '%s'\ntry takes one revision at most",
			       clean);
	if (strstr(word[0], ".."))
		return br_fail(p->err, BR_EUSAGE,
			       "'%s' is not one revision\ntry runs a single trial: "
			       "bisect-run try [REV] -- COMMAND",
			       clean);
	return 0;
}

static bool is_number(const char *word)
{
	uint64_t n;

	return br_parse_u64(word, &n) == 0 && n > 0 && n <= INT64_MAX;
}

static int bad_id(const struct parse *p, const char *word, const char *hint)
{
	br_auto_free char *clean = shown(word);

	return br_fail(p->err, BR_EUSAGE, "'%s' is not a number of a %s", clean, hint);
}

#define SEARCH_ID "search\nbisect-run history lists the searches"
#define TRIAL_ID "trial\nbisect-run show -v lists the trials"

static int check_ids(const struct parse *p, size_t most)
{
	char *const *word = p->o->operand;
	size_t n = br_strv_len(word);
	br_auto_free char *clean = n > most ? shown(word[most]) : NULL;

	if (n > most)
		return br_fail(p->err, BR_EUSAGE, "unexpected word '%s'\n%s takes %s", clean,
			       command_word(p->o->command),
			       most ? "the number of one search at most" : "no words");
	return n == 0 || is_number(word[0]) ? 0 : bad_id(p, word[0], SEARCH_ID);
}

static int check_amend(const struct parse *p)
{
	static const char *const verdicts[] = {"good", "bad", "skip", "retry", NULL};
	char *const *word = p->o->operand;
	size_t n = br_strv_len(word);
	br_auto_free char *clean = n > 0 ? shown(word[n - 1]) : NULL;
	int near;

	if (n < 2 || n > 3)
		return br_fail(p->err, BR_EUSAGE,
			       "amend takes the number of a trial and its right verdict\n"
			       "write bisect-run amend [ID] TRIAL good|bad|skip|retry");
	if (n == 3 && !is_number(word[0]))
		return bad_id(p, word[0], SEARCH_ID);
	if (!is_number(word[n - 2]))
		return bad_id(p, word[n - 2], TRIAL_ID);
	for (size_t i = 0; verdicts[i]; i++)
		if (strcmp(verdicts[i], word[n - 1]) == 0)
			return 0;
	near = br_text_nearest(clean, verdicts);
	if (near >= 0)
		return br_fail(p->err, BR_EUSAGE, "'%s' is not a verdict\ndid you mean %s?", clean,
			       verdicts[near]);
	return br_fail(p->err, BR_EUSAGE, "'%s' is not a verdict\nwrite one of good, bad, skip, retry",
		       clean);
}

static int check_debug(const struct parse *p)
{
	const struct br_options *o = p->o;

	if (o->shell && o->compare)
		return br_fail(p->err, BR_EUSAGE, "--shell and --compare exclude each other\n" LIST_HINT);
	if (o->trace && !o->compare)
		return br_fail(p->err, BR_EUSAGE, "--trace means nothing without --compare\n" LIST_HINT);
	return check_ids(p, 1);
}

static int check_operands(const struct parse *p)
{
	switch (p->o->command) {
	case BR_CMD_SEARCH:
		return check_search(p);
	case BR_CMD_TRY:
		return check_try(p);
	case BR_CMD_RESUME:
	case BR_CMD_SHOW:
		return check_ids(p, 1);
	case BR_CMD_DEBUG:
		return check_debug(p);
	case BR_CMD_AMEND:
		return check_amend(p);
	case BR_CMD_HISTORY:
	case BR_CMD_STATUS:
	case BR_CMD_CLEAN:
	case BR_CMD_DOCTOR:
		return check_ids(p, 0);
	case BR_CMD_HELP_SHORT:
	case BR_CMD_HELP_LONG:
	case BR_CMD_VERSION:
		break;
	}
	return 0;
}

/* `show --profile` names no profiler: the record knows which it was. word: "--side=auto". */
static void read_show_profile(int argc, char **argv, char *word)
{
	if (strcmp(argv[1], "show") != 0)
		return;
	for (int i = 2; i < argc; i++)
		if (strcmp(argv[i], "--profile") == 0)
			argv[i] = word;
}

static int check(const struct parse *p)
{
	const struct br_options *o = p->o;
	int rc = check_pairs(p);

	if (rc == 0)
		rc = check_places(p);
	if (rc == 0 && o->argv && o->command != BR_CMD_SEARCH && o->command != BR_CMD_TRY)
		return br_fail(p->err, BR_EUSAGE, "%s takes no COMMAND\n" LIST_HINT,
			       command_word(o->command));
	return rc != 0 ? rc : check_operands(p);
}

int br_options_parse_over(struct br_options *out, int argc, char *const *argv, struct br_err *err)
{
	struct parse p = {.o = out, .err = err};
	br_auto_free char **copy = NULL; /* the words are argv's own */
	char side[] = "--side=auto";
	int rc;

	if (out->seed == 0)
		out->seed = 1;
	if (!(out->confidence > 0))
		out->confidence = BR_CONFIDENCE_DEFAULT;
	out->command = BR_CMD_SEARCH;
	if (argc < 2)
		return br_fail(err, BR_EUSAGE,
			       "usage: bisect-run [OPTIONS] --good REV [--bad REV] -- COMMAND [ARG...]\n"
			       "bisect-run -h says more");
	copy = br_calloc((size_t)argc + 1, sizeof *copy);
	memcpy(copy, argv, (size_t)argc * sizeof *copy);
	read_show_profile(argc, copy, side);
	rc = read_words(&p, argc, copy);
	if (rc != 0 || asks_for_help(out))
		return rc;
	take_subcommand(out);
	return asks_for_help(out) ? 0 : check(&p);
}

int br_options_parse(struct br_options *out, int argc, char *const *argv, struct br_err *err)
{
	struct br_options o = {.seed = 1};
	int rc = br_options_parse_over(&o, argc, argv, err);

	if (rc != 0) {
		br_options_done(&o);
		return rc;
	}
	*out = o;
	return 0;
}

int br_options_default(struct br_options *out, const char *name, const char *value, struct br_err *err)
{
	br_auto_free char *source = br_asprintf("bisectrun.%s", name);
	br_auto_free char *clean = shown(value ? value : "true");
	struct br_option_value v = {.into = out, .source = source, .text = value, .shown = clean};
	const struct br_option_row *row;

	for (size_t i = 0; (row = br_option_row(i)); i++)
		if ((row->flags & BR_OPTION_CONFIG) && strcasecmp(row->name, name) == 0)
			break;
	if (!row)
		return br_fail(err, BR_EUSAGE,
			       "%s: there is no such setting\nbisect-run --help lists those there are",
			       source);
	if (!value && row->arg)
		return br_fail(err, BR_EUSAGE, "%s needs a value: %s\n" LIST_HINT, source, row->arg);
	return row->kind->set(row, &v, err);
}

const char *br_options_config_name(size_t i, bool *trusted_only)
{
	const struct br_option_row *row;
	size_t seen = 0;

	for (size_t at = 0; (row = br_option_row(at)); at++)
		if ((row->flags & BR_OPTION_CONFIG) && seen++ == i) {
			*trusted_only = row->flags & BR_OPTION_TRUSTED;
			return row->name;
		}
	return NULL;
}

void br_options_done(struct br_options *o)
{
	char **texts[] = {&o->bad,     &o->broken, &o->fixed, &o->replay, &o->build,  &o->sandbox,
			  &o->git_log, &o->state,  &o->range, &o->list,	  &o->subset, &o->by,
			  &o->profile, &o->sort,   &o->side,  &o->metric, &o->limit,  &o->at};
	char ***lists[] = {&o->operand, &o->argv,     &o->good,	  &o->path,    &o->skip,    &o->with,
			   &o->env,	&o->pass_env, &o->bad_if, &o->good_if, &o->skip_if, &o->hint,
			   &o->patch,	&o->reduce,   &o->allow,  &o->bind,    &o->ro_bind, &o->stop_on};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		free(*texts[i]);
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
		br_strv_free(*lists[i]);
	*o = (struct br_options){0};
}

/* --good and --bad that A..B stands for. */
static bool said_by_range(const struct br_option_row *row, const struct br_options *o)
{
	return o->command == BR_CMD_SEARCH && br_strv_len(o->operand) > 0 &&
	       (strcmp(row->name, "good") == 0 || strcmp(row->name, "bad") == 0);
}

char **br_options_unparse(const struct br_options *o)
{
	const struct br_option_row *row;
	char **out = NULL;

	br_strv_add(&out, "bisect-run");
	if (o->command != BR_CMD_SEARCH)
		br_strv_add(&out, command_word(o->command));
	for (size_t i = 0; (row = br_option_row(i)); i++)
		if ((row->where & 1u << o->command) && !said_by_range(row, o))
			row->kind->tell(row, o, &out);
	for (size_t i = 0; o->operand && o->operand[i]; i++)
		br_strv_add(&out, o->operand[i]);
	if (o->argv)
		br_strv_add(&out, "--");
	for (size_t i = 0; o->argv && o->argv[i]; i++)
		br_strv_add(&out, o->argv[i]);
	return out;
}
