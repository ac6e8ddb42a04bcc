/* ask.c - what only a person can judge: the tree stands ready, a person says good, bad or skip. */
#include "app/session.h"

#include "base/mem.h"
#include "bisect_run/err.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINE_MAX_B = 256 };

/* One line from standard input. Byte by byte: what follows the newline is the next answer. */
static int read_line(struct br_session *s, char line[LINE_MAX_B], struct br_err *err)
{
	size_t n = 0;

	for (;;) {
		struct pollfd p[2] = {{.fd = STDIN_FILENO, .events = POLLIN},
				      {.fd = s->signal_fd, .events = POLLIN}};
		ssize_t got;
		int r;

		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return br_fail_errno(err, "cannot wait for an answer");
		r = br_session_check_signals(s, err);
		if (r < 0)
			return r;
		if (!p[0].revents)
			continue;
		got = read(STDIN_FILENO, line + n, 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return br_fail(
				err, BR_ESTATE,
				"--ask: no answer came (end of input); go on with: bisect-run resume %lld",
				(long long)s->row.id);
		if (line[n] == '\n') {
			line[n] = '\0';
			return 0;
		}
		if (n + 2 < LINE_MAX_B)
			n++;
	}
}

static int class_of(const char *line)
{
	static const char *const words[] = {"good", "bad", "skip"};
	size_t n;

	while (isspace((unsigned char)*line))
		line++;
	n = strcspn(line, " \t\r");
	for (int i = 0; n > 0 && i < 3; i++)
		if (strncmp(line, words[i], n) == 0)
			return i;
	return -1;
}

int br_ask_person(struct br_session *s, struct br_trial *t, uint32_t worker, struct br_err *err)
{
	br_auto_free char *title = br_session_title(s, t->item);
	br_auto_free char *tail = s->spec.argv ? br_log_tail(t, 10) : NULL;
	char line[LINE_MAX_B];
	int cls = -1;

	br_progress_warn(s->progress, "\n%s\n  its tree: %s/%u/tree", title, s->pool.dir, worker);
	if (s->spec.argv)
		br_progress_warn(s->progress, "  the command says: %s (%s)%s%s",
				 br_class_name(t->verdict.cls), t->verdict.why, tail ? "\n" : "",
				 tail ? tail : "");
	while (cls < 0) {
		int r;

		fprintf(stderr, "good, bad or skip? ");
		(void)fflush(stderr);
		r = read_line(s, line, err);
		if (r < 0)
			return r;
		cls = class_of(line);
	}
	t->verdict = (struct br_verdict){.cls = (enum br_class)cls,
					 .llr = cls == BR_BAD	 ? INFINITY
						: cls == BR_GOOD ? -INFINITY
								 : 0,
					 .value = NAN,
					 .failure = t->verdict.failure};
	(void)snprintf(t->verdict.why, sizeof t->verdict.why, "a person said %s",
		       br_class_name((enum br_class)cls));
	return 0;
}
