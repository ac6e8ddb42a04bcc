/* options_help.c - the texts of -h and --help, both from the option table. */
#include "app/options.h"

#include "app/options_row.h"
#include "base/buf.h"
#include "base/mem.h"

#include <string.h>

#define COLUMN 27 /* where summaries begin */
#define WIDTH 96

static const struct {
	const char *title;
	bool everyday; /* stands in -h */
} groups[] = {
	[BR_GROUP_SEARCH] = {"Search", true},	[BR_GROUP_TEST] = {"Test", true},
	[BR_GROUP_VERDICT] = {"Verdict", true}, [BR_GROUP_PERFORMANCE] = {"Performance", true},
	[BR_GROUP_SANDBOX] = {"Sandbox", true}, [BR_GROUP_OUTPUT] = {"Output", true},
	[BR_GROUP_MORE] = {"More", true},
};

static const char usage[] =
	"Usage\n"
	"  bisect-run [OPTIONS] --good REV [--bad REV] -- COMMAND [ARG...]   first bad commit\n"
	"  bisect-run [OPTIONS] A..B -- COMMAND...                           the same: A good, B bad\n"
	"  bisect-run [OPTIONS] --bad REV -- COMMAND...                      no good one known: look back\n"
	"  bisect-run [OPTIONS] --broken REV [--fixed REV] -- COMMAND...     first commit that fixed it\n"
	"  bisect-run try [OPTIONS] [REV] -- COMMAND...                      one trial only\n"
	"  bisect-run resume|show|debug [ID], history, status, clean         past and running searches\n"
	"  bisect-run amend [ID] TRIAL good|bad|skip|retry                   correct a verdict\n"
	"  bisect-run doctor                                                 what this machine can do\n";

static const char examples[] =
	"\nExamples\n"
	"  bisect-run --good v1.0 -- make check\n"
	"  bisect-run v1.0..HEAD --build 'make -j4' -- ./app --self-test\n"
	"  bisect-run --reduce crash.json -- ./app @@                           the smallest input\n";

static const char about[] =
	"bisect-run finds the commit that broke (or fixed) something. It runs COMMAND itself, at one\n"
	"commit after another, in private work trees; your own work tree, index, HEAD and branches are\n"
	"never touched. COMMAND runs without a shell: write sh -c '...' for one.\n\n";

static const char verdicts[] =
	"\nVerdicts\n"
	"  exit 0                                 good\n"
	"  exit 1-124                             bad\n"
	"  exit 125                               skip: this candidate cannot be tested\n"
	"  exit 126, 127                          at the good end an error; later skip, unless the bad end "
	"ends so too\n"
	"  killed by a signal, exit 128-255       bad (--strict-git: the search stops there)\n"
	"  over --timeout                         bad (--timeout-is skip: skip)\n"
	"  over a learnt limit                    tried again with three times as much, then skip (bad if "
	"the bad\n"
	"                                         end hung too)\n"
	"  --build fails                          skip\n"
	"  the output shows that the test could   skip, unless the bad end ends so too\n"
	"  not run, or that the build failed\n"
	"  --skip-if, --bad-if, --good-if match   that verdict, whatever the exit status, looked at in this "
	"order\n"
	"  --ask                                  what you say\n";

static const char statuses[] =
	"\nExit status\n"
	"  0    isolated: the commit is found\n"
	"  1    an error, said on standard error; nothing that was recorded is lost\n"
	"  2    narrowed: only skipped candidates are left, all of them are listed\n"
	"  3    not reproduced: the ends do not differ, or contradict each other\n"
	"  129  wrong usage\n"
	"  try: 0 good, 1 bad, 125 skip, 128 the tool itself failed, 129 wrong usage\n"
	"  A search that is interrupted dies by the same signal; `bisect-run resume` goes on.\n";

static const char configuration[] =
	"\nConfiguration\n"
	"  An option that says `config` may have a default in git's configuration under the name it gives;\n"
	"  the command line wins. `trusted config` is read from your own or the system's configuration\n"
	"  only, never from a repository's. A flag with `config` is taken back by --no-NAME.\n"
	"  Environment: NO_COLOR is heeded. COMMAND sees BISECT_RUN_COMMIT, BISECT_RUN_TRIAL,\n"
	"  BISECT_RUN_WORKER and BISECT_RUN_JOBS.\n";

/* "-j, --jobs N", "--good, --old REV". The caller frees. */
static char *heading(const struct br_option_row *row)
{
	struct br_buf b = {0};

	if (row->letter)
		br_buf_fmt(&b, "-%c, ", row->letter);
	br_buf_fmt(&b, "--%s", row->name);
	if (row->alias)
		br_buf_fmt(&b, ", --%s", row->alias);
	if (row->arg)
		br_buf_fmt(&b, " %s", row->arg);
	return br_buf_take(&b);
}

static void put_line(struct br_buf *b, const struct br_option_row *row)
{
	br_auto_free char *head = heading(row);

	if (strlen(head) + 2 < COLUMN)
		br_buf_fmt(b, "  %-*s%s\n", COLUMN - 2, head, row->summary);
	else
		br_buf_fmt(b, "  %s  %s\n", head, row->summary);
}

/* Words wrapped at WIDTH, each line indented. */
static void put_wrapped(struct br_buf *b, const char *text, size_t indent)
{
	size_t column = 0;

	while (*(text += strspn(text, " "))) {
		size_t n = strcspn(text, " ");

		if (column > 0 && column + 1 + n > WIDTH) {
			br_buf_char(b, '\n');
			column = 0;
		}
		if (column == 0)
			br_buf_fmt(b, "%*s", (int)indent, "");
		else
			br_buf_char(b, ' ');
		column += column == 0 ? indent + n : n + 1;
		br_buf_add(b, text, n);
		text += n;
	}
	if (column > 0)
		br_buf_char(b, '\n');
}

static void put_paragraph(struct br_buf *b, const struct br_option_row *row)
{
	br_auto_free char *head = heading(row);

	br_buf_fmt(b, "\n  %s\n", head);
	put_wrapped(b, row->summary, 6);
	put_wrapped(b, row->more, 6);
	if (row->flags & BR_OPTION_CONFIG)
		br_buf_fmt(b, "      (%s: bisectrun.%s)\n",
			   row->flags & BR_OPTION_TRUSTED ? "trusted config" : "config", row->name);
}

static void put_group(struct br_buf *b, enum br_option_group group, bool all)
{
	const struct br_option_row *row;

	br_buf_fmt(b, "\n%s\n", groups[group].title);
	for (size_t i = 0; (row = br_option_row(i)); i++) {
		if (row->group != group)
			continue;
		if (all)
			put_paragraph(b, row);
		else if (row->flags & BR_OPTION_EVERYDAY)
			put_line(b, row);
	}
}

char *br_options_help(bool all)
{
	struct br_buf b = {0};

	if (all)
		br_buf_str(&b, about);
	br_buf_str(&b, usage);
	for (enum br_option_group g = BR_GROUP_SEARCH; g <= BR_GROUP_MORE; g++)
		if (all || groups[g].everyday)
			put_group(&b, g, all);
	if (all) {
		br_buf_str(&b, verdicts);
		br_buf_str(&b, statuses);
		br_buf_str(&b, configuration);
	}
	br_buf_str(&b, examples);
	return br_buf_take(&b);
}
