/*
 * options.h - what the user asked for, from ONE table (options.def) that feeds the parser, -h and --help (and later the man page and completions).
 */
#ifndef BR_OPTIONS_H
#define BR_OPTIONS_H

#include "bisect_run/box.h"
#include "domain/commits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct br_err;

enum br_command {
	BR_CMD_SEARCH,
	BR_CMD_TRY,
	BR_CMD_RESUME,
	BR_CMD_SHOW,
	BR_CMD_HISTORY,
	BR_CMD_STATUS,
	BR_CMD_AMEND,
	BR_CMD_CLEAN,
	BR_CMD_DOCTOR,
	BR_CMD_DEBUG,
	BR_CMD_HELP_SHORT,
	BR_CMD_HELP_LONG,
	BR_CMD_VERSION,
};

#define BR_CONFIDENCE_DEFAULT 0.99

enum br_match { BR_MATCH_AUTO, BR_MATCH_SAME, BR_MATCH_ANY };

/* What is searched first. */
enum br_aim { BR_AIM_COMMITS, BR_AIM_LINE, BR_AIM_REDUCE, BR_AIM_SUBSET };

enum br_confirm { BR_CONFIRM_AUTO, BR_CONFIRM_FULL, BR_CONFIRM_QUICK, BR_CONFIRM_OFF };

/* Strings and vectors are owned (br_options_done); vectors are NULL-terminated, NULL is empty. */
struct br_options {
	enum br_command command;
	char **operand; /* words before `--` that are no options: REV or A..B, ID, ID TRIAL VERDICT */
	char **argv;	/* COMMAND with its arguments; NULL: none */
	/* search */
	char **good;	      /* --good, --old, and A of A..B */
	char *bad;	      /* --bad, --new, and B; NULL: HEAD */
	char *broken, *fixed; /* --broken REV: the old state; --fixed REV: the new one */
	char **path;
	bool first_parent;
	char **skip;
	char **hint;
	char *replay; /* a git bisect log; NULL: none */
	bool from_bisect;
	uint64_t seed; /* default 1 */
	bool exhaust;
	char *range, *list; /* NULL: none; "-" is standard input */
	char **reduce;
	char *subset;
	char *by; /* NULL: auto */
	bool fast, isolate, hunks;
	bool flaky;
	/* performance */
	char *metric;	  /* NULL: none */
	char *limit;	  /* a bound that makes a verdict; NULL: none */
	double threshold; /* smallest change worth finding, as a share; 0: the default */
	bool higher_is_better;
	double confidence; /* 0..1, default 0.99 */
	/* test */
	char *build;
	uint64_t timeout_ns;	   /* 0: learnt */
	uint64_t build_timeout_ns; /* 0: none */
	uint32_t jobs;		   /* 0: auto */
	char **with, **patch;
	enum br_clean clean;
	bool fresh; /* each trial in an empty tree */
	char **env, **pass_env;
	bool clear_env;
	uint64_t max_trials; /* 0: no limit */
	uint64_t cache_size; /* bytes of kept trees, plus one; 0: not given */
	uint64_t max_time_ns;
	bool ask, reuse;
	/* verdict */
	char **bad_if, **good_if, **skip_if, **stop_on;
	bool timeout_is_skip, strict_git, bad_if_defect, keep_core;
	enum br_match match;
	bool interesting;
	enum br_confirm confirm;
	/* performance */
	char *profile; /* auto, none, or the name of a hook; NULL: none */
	char *side;    /* show: auto, good, bad or diff; NULL: the whole result */
	char *sort;    /* of the table of functions: a key of pstats; NULL: tottime */
	/* sandbox */
	char *sandbox; /* auto, none, ...; NULL: auto */
	enum br_net net;
	enum br_home home;
	uint64_t memory_b, pids, disk_b; /* 0: our own defaults */
	char **allow, **bind, **ro_bind; /* names of doors; paths as they were written */
	/* output */
	bool json, no_color;
	int verbose;   /* -1 with -q, +1 for each -v */
	char *git_log; /* file; NULL: none */
	char *state;   /* NULL: the default */
	char *at;      /* debug: a revision; NULL: the culprit */
	bool shell, compare, trace;
	bool all; /* clean: records and logs too */
};

/*
 * Parses argv (argv[0] is the program). BR_EUSAGE: two lines in err, what is wrong and the nearest option or what to do, separated
 * by a newline. Checks all that can be checked without a repository, contradictions too (--good with --broken, -q with -v, ...).
 */
int br_options_parse(struct br_options *out, int argc, char *const *argv, struct br_err *err);
/* Adds one default, from `git config bisectrun.NAME`: applied by the parser before the command line, so the command line wins.
 * Use: br_options_defaults() sets them up in out before br_options_parse_into(). */
int br_options_default(struct br_options *out, const char *name, const char *value, struct br_err *err);
/* The same as parse, over defaults that are already in *out. List options of the command line replace the configured list. */
int br_options_parse_over(struct br_options *out, int argc, char *const *argv, struct br_err *err);
/* Names of all options that may come from configuration; trusted_only is set for those that could open a door. Index from 0; NULL: no more. */
const char *br_options_config_name(size_t i, bool *trusted_only);
void br_options_done(struct br_options *o);
/* What the kept work trees may take, in bytes. NULL: the default. */
uint64_t br_options_cache_b(const struct br_options *o);
enum br_aim br_options_aim(const struct br_options *o);
/* Commits are searched: alone, or after an input was reduced. */
bool br_options_has_commits(const struct br_options *o);

/* The texts of -h (everyday options, at most 60 lines) and --help (all); the caller frees. */
char *br_options_help(bool all);
/* The effective options and the command as one argv that parses to the same (without defaults from configuration): for the record. */
char **br_options_unparse(const struct br_options *o);

#endif
