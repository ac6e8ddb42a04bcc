/* finish.c - how a command ends. */
#include "app/finish.h"

#include "app/signals.h"
#include "base/mem.h"
#include "base/text.h"
#include "bisect_run/err.h"
#include "bisect_run/report.h"
#include "sys/clock.h"
#include "sys/file.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { EXIT_USAGE = 129, EXIT_TRY_ERROR = 128 };

/* The parser has checked the key. */
enum br_profile_sort br_sort_of(const struct br_options *opt)
{
	int sort = opt->sort ? br_profile_sort_from(opt->sort) : BR_SORT_SELF;

	return sort < 0 ? BR_SORT_SELF : (enum br_profile_sort)sort;
}

static struct br_text_style style_of(const struct br_options *opt)
{
	const char *no_color = getenv("NO_COLOR");
	bool tty = isatty(STDOUT_FILENO) == 1;
	struct winsize w = {0};

	if (tty)
		(void)ioctl(STDOUT_FILENO, TIOCGWINSZ, &w);
	return (struct br_text_style){
		.color = tty && !opt->no_color && !(no_color && no_color[0]),
		.verbose = opt->verbose,
		.width = w.ws_col,
		.sort = br_sort_of(opt),
	};
}

int br_print_result(const struct br_result *r, const struct br_options *opt, struct br_err *err)
{
	struct br_text_style style = style_of(opt);
	br_auto_free char *text = opt->json ? br_report_json(r) : br_report_text(r, &style);

	if (fputs(text, stdout) < 0 || fflush(stdout) != 0)
		return br_fail_errno(err, "cannot write the result to standard output");
	return 0;
}

int br_write_git_log(const struct br_result *r, const struct br_options *opt, struct br_err *err)
{
	br_auto_free char *text = NULL;

	if (!opt->git_log || !r->has_commits)
		return 0;
	text = br_report_git_log(r);
	return br_file_write(opt->git_log, text, strlen(text), err);
}

/* The result without its trials: those have rows of their own. */
static int store(struct br_session *s, struct br_result *r, struct br_err *err)
{
	size_t n = r->ntrial;
	struct br_search row = {.id = s->row.id, .ended_ns = br_date_ns(), .busy_ns = br_session_busy_ns(s)};
	int code;

	r->ntrial = 0;
	row.result = br_report_json(r);
	r->ntrial = n;
	row.status = br_strdup(br_status_name(r->status));
	row.message = br_strdup(r->message ? r->message : "");
	row.live = br_strdup("");
	code = br_record_search_update(s->record, &row, err);
	br_search_done(&row);
	return code;
}

static bool was_refused(const struct br_result *r)
{
	return r->status == BR_STATUS_NOT_REPRODUCED && r->ntrial == 0;
}

/* What stdout does not show, or shows to nobody. */
static void say_end(struct br_session *s, const struct br_result *r)
{
	/* Refused before anything was run: that is a matter of the command line, not a result. */
	bool unsaid = r->status == BR_STATUS_NOT_REPRODUCED && s->opt->verbose < 0;

	if (r->status == BR_STATUS_ERROR || r->status == BR_STATUS_INTERRUPTED || was_refused(r) || unsaid)
		br_progress_warn(s->progress, "bisect-run: %s", r->message);
}

int br_finish(struct br_session *s, enum br_status status, char *const *candidate, struct br_err *err)
{
	struct br_result result;
	struct br_err log_err = {0};
	int r;

	br_match_note(s);
	r = br_session_result(s, status, candidate, &result, err);

	if (r < 0)
		return r;
	br_crash_explain(s, &result);
	r = store(s, &result, err);
	if (r < 0) {
		/* The answer is worth more than its record. */
		br_progress_warn(s->progress, "bisect-run: the result could not be recorded: %s", err->msg);
	}
	(void)br_watch_search(s, "post-search", &result);
	(void)br_watch_search(s, "notify", &result);
	br_progress_hide(s->progress);
	if (br_write_git_log(&result, s->opt, &log_err) < 0)
		br_progress_warn(s->progress, "bisect-run: --git-log: %s", log_err.msg);
	/* On a terminal the notes were seen when they were made. */
	if (!s->opt->json && s->opt->verbose == 0 && isatty(STDOUT_FILENO) == 1 &&
	    isatty(STDERR_FILENO) == 1) {
		br_strv_free(result.note);
		result.note = NULL;
	}
	if (s->opt->json ||
	    (status != BR_STATUS_ERROR && status != BR_STATUS_INTERRUPTED && !was_refused(&result)))
		r = br_print_result(&result, s->opt, err);
	else
		r = 0;
	say_end(s, &result);
	br_result_done(&result);
	return r < 0 ? r : br_status_exit(status);
}

static bool trees_are_needed(const struct br_session *s, int exit_status)
{
	/* Isolated, not reproduced, tried: nothing goes on from here. */
	return s->signal != 0 || exit_status == 1 || exit_status == 2;
}

int br_finish_exit(struct br_session *s, const struct br_options *opt, int r, struct br_err *err)
{
	int sig = s->signal;
	bool keep;

	if (r < 0) {
		br_progress_warn(s->progress, "bisect-run: %s", err->msg);
		r = opt->command == BR_CMD_TRY ? EXIT_TRY_ERROR : 1;
	}
	keep = opt->command == BR_CMD_SEARCH && trees_are_needed(s, r);
	br_session_close(s, keep);
	if (sig)
		br_signals_die(sig);
	return r;
}

int br_finish_usage(const struct br_options *opt, int r, const struct br_err *err)
{
	br_auto_free char *said = br_text_clean(err->msg, strlen(err->msg), true); /* it may quote a file */

	if (r == BR_EUSAGE) {
		fprintf(stderr, "bisect-run: %s\n", said);
		return EXIT_USAGE;
	}
	if (opt->json) {
		struct br_result result = {
			.status = BR_STATUS_ERROR, .confidence = NAN, .command = opt->argv};
		char message[sizeof err->msg];
		struct br_err ignored;

		(void)snprintf(message, sizeof message, "%s", err->msg);
		result.message = message;
		(void)br_print_result(&result, opt, &ignored);
	}
	fprintf(stderr, "bisect-run: %s\n", said);
	return opt->command == BR_CMD_TRY ? EXIT_TRY_ERROR : 1;
}

int br_finish_unopened(struct br_session *s, const struct br_options *opt, int r, struct br_err *err)
{
	if (s->record && s->row.id) {
		struct br_search row = {.id = s->row.id, .ended_ns = br_date_ns()};

		row.status = br_strdup("error");
		row.message = br_strdup(err->msg);
		(void)br_record_search_update(s->record, &row, NULL);
		br_search_done(&row);
	}
	br_session_close(s, true);
	return br_finish_usage(opt, r, err);
}
