/* options_row.h - a row of options.def as the parser and the help texts see it. */
#ifndef BR_OPTIONS_ROW_H
#define BR_OPTIONS_ROW_H

#include "app/options.h"

#include <stdbool.h>
#include <stddef.h>

enum br_option_group {
	BR_GROUP_SEARCH,
	BR_GROUP_TEST,
	BR_GROUP_VERDICT,
	BR_GROUP_PERFORMANCE,
	BR_GROUP_SANDBOX,
	BR_GROUP_OUTPUT,
	BR_GROUP_MORE,
};

enum { BR_OPTION_EVERYDAY = 1, BR_OPTION_CONFIG = 2, BR_OPTION_TRUSTED = 4 };

struct br_option_row;

/* A value on its way into the options. */
struct br_option_value {
	struct br_options *into;
	const char *source; /* as the user knows it: "--timeout", "bisectrun.timeout" */
	const char *text;   /* NULL: an option without argument */
	const char *shown;  /* the text for messages: one line, harmless, not too long */
	bool again;	    /* the same option was there before */
};

/* How values of a sort are read and written. */
struct br_option_kind {
	/* BR_EUSAGE: two lines. */
	int (*set)(const struct br_option_row *row, const struct br_option_value *v, struct br_err *err);
	/* Appends the words that set it so; none for the default. */
	void (*tell)(const struct br_option_row *row, const struct br_options *o, char ***argv);
};

struct br_option_row {
	const char *name, *alias;
	char letter;
	const char *arg; /* NULL: takes none */
	enum br_option_group group;
	unsigned flags;
	unsigned where; /* bits 1 << enum br_command */
	const struct br_option_kind *kind;
	size_t field; /* offset in struct br_options */
	const char *summary, *more;
};

/* Row i of the table; NULL: no more. */
const struct br_option_row *br_option_row(size_t i);
#define BR_OPTION_ROWS_MAX 128

/* Whether --no-NAME takes it back. */
bool br_option_negatable(const struct br_option_row *row);
/* Empties a list option; others are left alone. */
void br_option_clear_list(const struct br_option_row *row, struct br_options *o);

/* The subcommands' words, NULL-terminated; their number is the enum's for the same index. */
const char *const *br_command_words(void);
enum br_command br_command_at(size_t word);

#endif
