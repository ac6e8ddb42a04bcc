/* cmd_look.c - show, history and status: what the record says. */
#include "app/commands.h"

#include "app/finish.h"
#include "app/show_profile.h"
#include "app/state.h"
#include "base/mem.h"
#include "base/text.h"
#include "bisect_run/err.h"
#include "bisect_run/profile_diff.h"
#include "bisect_run/report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* What was asked, from the row alone. */
static void command_of(const struct br_search *row, struct br_result *out)
{
	br_auto_strv char **words = row->argv ? br_shell_split(row->argv) : NULL;
	struct br_options opt = {0};
	struct br_err ignored;

	if (words && words[0] && br_options_parse(&opt, (int)br_strv_len(words), words, &ignored) == 0) {
		out->command = opt.argv ? br_strv_copy(opt.argv) : NULL;
		out->fixed_mode = opt.broken != NULL;
		out->first_parent = opt.first_parent;
	}
	br_options_done(&opt);
}

static void end_of(char *line, struct br_result *out)
{
	char *word = strchr(line, ' ');
	size_t n;

	if (!word)
		return;
	*word++ = '\0';
	n = strcspn(word, " ");
	if (strcmp(line, "path") == 0) {
		br_strv_add(&out->path, word);
	} else if (strcmp(line, "mode") == 0) {
		out->fixed_mode = out->fixed_mode || strcmp(word, "fixed") == 0;
		out->first_parent = out->first_parent || strcmp(word, "first-parent") == 0;
	} else {
		word[n] = '\0'; /* the name that the user gave it */
		if (strcmp(line, "bad") == 0 && !out->bad)
			out->bad = br_strdup(word);
		else if (strcmp(line, "good") == 0)
			br_strv_add(&out->good, word);
		else if (strcmp(line, "skip") == 0)
			br_strv_add(&out->skip, word);
	}
}

/* The ends as the session wrote them: a line each, "bad OID NAME". */
static void ends_of(const struct br_search *row, struct br_result *out)
{
	for (const char *at = row->ends; at && *at;) {
		size_t n = strcspn(at, "\n");
		br_auto_free char *line = br_strndup(at, n);

		end_of(line, out);
		at += n + (at[n] == '\n');
	}
	out->has_commits = out->bad != NULL;
}

/* The result as it was stored, or what the row alone says of a search that was killed. */
int br_stored_result(struct br_state *st, const struct br_search *row, struct br_result *out,
		     struct br_err *err)
{
	int n;

	*out = (struct br_result){.confidence = NAN};
	if (row->result) {
		int r = br_report_json_read(row->result, out, err);

		if (r < 0)
			return r;
	} else {
		int status = br_status_from(br_state_status(row));

		out->status = status < 0 ? BR_STATUS_INTERRUPTED : (enum br_status)status;
		out->id = br_asprintf("%lld", (long long)row->id);
		out->seconds = (double)row->busy_ns / 1e9;
		out->trials_run = row->trials_run;
		command_of(row, out);
		ends_of(row, out);
		if (row->alive)
			out->message = br_asprintf("still running: %s", row->live ? row->live : "");
		else if (row->message && row->message[0])
			out->message = br_strdup(row->message);
		else
			out->message = br_asprintf("interrupted; go on with: bisect-run resume %lld",
						   (long long)row->id);
	}
	for (size_t i = 0; i < out->ntrial; i++)
		br_trial_done(&out->trial[i]);
	free(br_steal(&out->trial));
	out->ntrial = 0;
	n = br_record_trials(st->record, row->id, &out->trial, err);
	if (n < 0)
		return n;
	out->ntrial = (size_t)n;
	return 0;
}

static int show(struct br_state *st, const struct br_options *opt, struct br_err *err)
{
	struct br_search row = {0};
	struct br_result result = {0};
	int r = br_state_search(st, opt->operand ? opt->operand[0] : NULL, &row, err);

	if (r == 0)
		r = br_stored_result(st, &row, &result, err);
	if (r == 0)
		r = br_write_git_log(&result, opt, err);
	if (r == 0 && opt->sort && result.profile_diff)
		br_profile_diff_sort(result.profile_diff, br_sort_of(opt));
	if (r == 0)
		r = opt->side ? br_show_profile(&result, opt, err) : br_print_result(&result, opt, err);
	br_result_done(&result);
	br_search_done(&row);
	return r;
}

static const char *date_of(uint64_t ns, char *buf, size_t size)
{
	time_t t = (time_t)(ns / 1000000000u);
	struct tm tm;

	if (!localtime_r(&t, &tm) || strftime(buf, size, "%Y-%m-%d %H:%M", &tm) == 0)
		buf[0] = '\0';
	return buf;
}

static void print_row(const struct br_search *s)
{
	char date[32];
	br_auto_free char *what = br_text_clean(s->argv, strlen(s->argv), false);

	printf("%-4lld %s  %-14s %4llu tests  %s\n", (long long)s->id,
	       date_of(s->started_ns, date, sizeof date), br_state_status(s),
	       (unsigned long long)s->trials_run, what);
	if (s->message && s->message[0]) {
		br_auto_free char *message = br_text_clean(s->message, strlen(s->message), false);

		printf("     %s\n", message);
	}
}

/* One object, for `status` and `history` alike. */
static void print_json(struct br_search *list, size_t n)
{
	br_auto_free struct br_search_line *line = br_calloc(n + 1, sizeof *line);
	br_auto_free char *text = NULL;

	for (size_t i = 0; i < n; i++)
		line[i] = (struct br_search_line){.row = &list[i], .status = br_state_status(&list[i])};
	text = br_report_searches(line, n);
	(void)fputs(text, stdout);
}

static int history(struct br_state *st, const struct br_options *opt, struct br_err *err)
{
	struct br_search *list = NULL;
	int n = br_record_search_list(st->record, &list, err);

	if (n >= 0 && opt->json)
		print_json(list, (size_t)n);
	for (int i = 0; i < n; i++) {
		if (!opt->json)
			print_row(&list[i]);
		br_search_done(&list[i]);
	}
	free(list);
	return n < 0 ? n : 0;
}

/* What `status` is about: running, or waiting to be resumed. */
static bool is_open(const struct br_search *s)
{
	return s->alive || strcmp(br_state_status(s), "interrupted") == 0;
}

static void print_open(const struct br_search *s)
{
	print_row(s);
	if (s->alive) {
		const char *live = s->live ? s->live : "";
		br_auto_free char *clean = br_text_clean(live, strlen(live), false);

		printf("     process %lld: %s\n", (long long)s->pid, clean);
	} else if (!s->message || !strstr(s->message, "bisect-run resume")) {
		printf("     go on with: bisect-run resume %lld\n", (long long)s->id);
	}
}

static int status(struct br_state *st, const struct br_options *opt, struct br_err *err)
{
	struct br_search *list = NULL;
	int n = br_record_search_list(st->record, &list, err);
	size_t open = 0;

	for (int i = 0; i < n; i++) {
		if (is_open(&list[i]))
			list[open++] = list[i]; /* moved down: what was there is freed */
		else
			br_search_done(&list[i]);
	}
	if (n >= 0 && opt->json)
		print_json(list, open);
	for (size_t i = 0; i < open; i++) {
		if (!opt->json)
			print_open(&list[i]);
		br_search_done(&list[i]);
	}
	free(list);
	if (n >= 0 && open == 0 && !opt->json)
		printf("no search is running here, none waits to be resumed\n");
	return n < 0 ? n : 0;
}

static int look(struct br_options *opt,
		int (*body)(struct br_state *, const struct br_options *, struct br_err *),
		bool empty_is_fine)
{
	struct br_state st;
	struct br_err err = {0};
	int r = br_state_open(&st, opt, &err);

	if (r == BR_ENOTFOUND && empty_is_fine) {
		r = 0;
		if (opt->json)
			print_json(NULL, 0);
		else
			printf("%s\n", err.msg);
	} else if (r == 0) {
		r = body(&st, opt, &err);
		br_state_close(&st);
	}
	if (r == 0)
		r = br_flush_stdout(&err);
	return r < 0 ? br_finish_usage(opt, r, &err) : 0;
}

int br_cmd_show(struct br_options *opt)
{
	return look(opt, show, false);
}

int br_cmd_history(struct br_options *opt)
{
	return look(opt, history, true);
}

int br_cmd_status(struct br_options *opt)
{
	return look(opt, status, true);
}
