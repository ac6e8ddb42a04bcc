/* cmd_look.c - show, history and status: what the record says. */
#include "app/commands.h"

#include "app/finish.h"
#include "app/state.h"
#include "base/mem.h"
#include "base/text.h"
#include "bisect_run/err.h"
#include "bisect_run/report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* The result as it was stored, or what the row alone says of a search that was killed. */
static int result_of(struct br_state *st, const struct br_search *row, struct br_result *out,
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
		r = result_of(st, &row, &result, err);
	if (r == 0)
		r = br_print_result(&result, opt, err);
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

static int history(struct br_state *st, const struct br_options *opt, struct br_err *err)
{
	struct br_search *list = NULL;
	int n = br_record_search_list(st->record, &list, err);

	(void)opt;
	for (int i = 0; i < n; i++) {
		print_row(&list[i]);
		br_search_done(&list[i]);
	}
	free(list);
	return n < 0 ? n : 0;
}

static int status(struct br_state *st, const struct br_options *opt, struct br_err *err)
{
	struct br_search *list = NULL;
	int n = br_record_search_list(st->record, &list, err);
	bool any = false;

	(void)opt;
	for (int i = 0; i < n; i++) {
		if (list[i].alive) {
			br_auto_free char *live =
				br_text_clean(list[i].live ? list[i].live : "",
					      list[i].live ? strlen(list[i].live) : 0, false);

			any = true;
			print_row(&list[i]);
			printf("     process %lld: %s\n", (long long)list[i].pid, live);
		} else if (strcmp(br_state_status(&list[i]), "interrupted") == 0) {
			any = true;
			print_row(&list[i]);
			printf("     go on with: bisect-run resume %lld\n", (long long)list[i].id);
		}
		br_search_done(&list[i]);
	}
	free(list);
	if (n >= 0 && !any)
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
		printf("%s\n", err.msg);
		return 0;
	}
	if (r == 0) {
		r = body(&st, opt, &err);
		br_state_close(&st);
	}
	if (r == 0 && fflush(stdout) != 0)
		r = br_fail_errno(&err, "cannot write to standard output");
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
