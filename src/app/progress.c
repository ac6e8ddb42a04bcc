/* progress.c - what stderr shows while a search runs. */
#include "app/progress.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "sys/clock.h"

#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

/* CI systems kill a job that is silent for long; the contract promises a line a minute. */
#define SILENCE_NS (55 * 1000000000ull)
/* A terminal is redrawn at most this often. */
#define REDRAW_NS (100 * 1000000ull)

struct br_progress {
	int verbose;
	bool tty, color, shown;
	uint64_t started_ns, last_ns;
};

struct br_progress *br_progress_new(int verbose, bool color)
{
	struct br_progress *p = br_calloc(1, sizeof *p);

	p->verbose = verbose;
	p->tty = isatty(STDERR_FILENO) == 1;
	p->color = color;
	p->started_ns = p->last_ns = br_now_ns();
	return p;
}

void br_progress_free(struct br_progress *p)
{
	if (p)
		br_progress_hide(p);
	free(p);
}

void br_progress_hide(struct br_progress *p)
{
	if (p->shown)
		(void)!write(STDERR_FILENO, "\r\033[K", 4);
	p->shown = false;
}

static void __attribute__((format(printf, 2, 0))) put_line(struct br_progress *p, const char *fmt, va_list ap)
{
	br_auto_free char *text = NULL;
	br_auto_free char *clean = NULL;

	if (vasprintf(&text, fmt, ap) < 0) {
		text = NULL;
		return;
	}
	clean = br_text_clean(text, strlen(text), true);
	br_progress_hide(p);
	fprintf(stderr, "%s\n", clean);
	p->last_ns = br_now_ns();
}

void br_progress_say(struct br_progress *p, const char *fmt, ...)
{
	va_list ap;

	if (p->verbose < 0)
		return;
	va_start(ap, fmt);
	put_line(p, fmt, ap);
	va_end(ap);
}

void br_progress_warn(struct br_progress *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put_line(p, fmt, ap);
	va_end(ap);
}

/* k-ary search: j tests at once are worth log2(j + 1) one after the other. */
double br_standing_seconds(const struct br_standing *now)
{
	if (now->tests_left < 0.5 || now->seconds_each <= 0)
		return 0;
	return now->tests_left * now->seconds_each / log2(fmax(1, now->jobs) + 1);
}

static void add_standing(struct br_buf *b, const struct br_standing *now)
{
	char d[32];

	br_buf_str(b, now->phase);
	if (now->left > 0)
		br_buf_fmt(b, ": %llu %s%s left", (unsigned long long)now->left,
			   now->unit ? now->unit : "candidate", now->left == 1 ? "" : "s");
	if (now->tests_left >= 0.5) {
		double s = br_standing_seconds(now);

		br_buf_fmt(b, ", about %.0f more test%s", now->tests_left, now->tests_left < 1.5 ? "" : "s");
		if (now->jobs > 1)
			br_buf_fmt(b, ", %u at once", now->jobs);
		if (s >= 1)
			br_buf_fmt(b, ", about %s to go",
				   br_format_duration((uint64_t)(s * 1e9), d, sizeof d));
	}
}

/* Characters, of which each is taken for a column. */
static int columns_of(const char *s)
{
	int n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0u) != 0x80u;
	return n;
}

/* Cuts at a character, not inside one: fewer than width are left. */
static void clip(char *s, int width)
{
	int used = 0;

	for (size_t i = 0; s[i]; i++) {
		if (((unsigned char)s[i] & 0xc0u) != 0x80u && ++used >= width) {
			s[i] = '\0';
			return;
		}
	}
}

/* The least of a title that still tells which commit it is. */
enum { TITLE_LEAST = 8, NO_WIDTH = INT_MAX };

/* Within width columns the title gives way: for how long it runs is what one waits for. */
static void add_running(struct br_buf *b, const struct br_standing *now, int width)
{
	br_auto_free char *title = NULL, *tail = NULL;
	char d[32], more[32] = "";
	int left;

	if (!now->running)
		return;
	if (now->nrunning > 1)
		(void)snprintf(more, sizeof more, " and %zu more", now->nrunning - 1);
	title = br_text_clean(now->running, strlen(now->running), false);
	tail = br_asprintf(" (%s)%s", br_format_duration(now->running_ns, d, sizeof d), more);
	left = width - columns_of(b->data ? b->data : "") - 3 - columns_of(tail);
	clip(title, left > TITLE_LEAST ? left : TITLE_LEAST);
	br_buf_fmt(b, " | %s%s", title, tail);
}

char *br_standing_text(const struct br_standing *now)
{
	struct br_buf b = {0};

	add_standing(&b, now);
	add_running(&b, now, NO_WIDTH);
	return br_buf_take(&b);
}

void br_progress_trial(struct br_progress *p, const struct br_trial *t, const char *title,
		       const struct br_standing *now)
{
	struct br_buf b = {0};
	char d[32];
	const struct br_outcome *o = &t->outcome;

	/* On a terminal the live line is enough, unless -v asked for every trial. */
	if (p->verbose < 0 || (p->tty && p->verbose == 0)) {
		br_progress_tick(p, now);
		return;
	}
	br_buf_fmt(&b, "trial %llu: %s: %s (%s", (unsigned long long)t->n, title,
		   br_class_name(t->verdict.cls), t->verdict.why);
	if (t->cached)
		br_buf_str(&b, ", remembered)");
	else
		br_buf_fmt(&b, ", %s)", br_format_duration(o->wall_ns + o->build_ns, d, sizeof d));
	br_buf_str(&b, "; ");
	add_standing(&b, now);
	br_progress_say(p, "%s", b.data);
	br_buf_done(&b);
}

static int columns(void)
{
	struct winsize w;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 0)
		return w.ws_col;
	return 80;
}

/* For a narrow terminal: "searching: 312 left, 8 tests to go, 3 min". */
static void add_brief_standing(struct br_buf *b, const struct br_standing *now)
{
	double s = br_standing_seconds(now);
	char d[32];

	br_buf_str(b, now->phase);
	if (now->left > 0)
		br_buf_fmt(b, ": %llu left", (unsigned long long)now->left);
	if (now->tests_left >= 0.5)
		br_buf_fmt(b, ", %.0f test%s to go", now->tests_left, now->tests_left < 1.5 ? "" : "s");
	if (s >= 1)
		br_buf_fmt(b, ", %s", br_format_duration((uint64_t)(s * 1e9), d, sizeof d));
}

/* Columns that the running test needs after what stands before it. */
enum { RUNNING_LEAST = 32 };

static void draw(struct br_progress *p, const struct br_standing *now)
{
	struct br_buf b = {0};
	char d[32];
	br_auto_free char *clean = NULL;
	bool brief;

	add_standing(&b, now);
	brief = now->running && columns_of(b.data) + RUNNING_LEAST > columns();
	br_buf_done(&b);
	br_buf_fmt(&b, "[%s] ", br_format_duration(br_now_ns() - p->started_ns, d, sizeof d));
	if (brief)
		add_brief_standing(&b, now);
	else
		add_standing(&b, now);
	add_running(&b, now, columns());
	clean = br_text_clean(b.data, b.len, false);
	br_buf_done(&b);
	clip(clean, columns());
	fprintf(stderr, "\r\033[K%s%s%s", p->color ? "\033[2m" : "", clean, p->color ? "\033[0m" : "");
	(void)fflush(stderr);
	p->shown = true;
}

void br_progress_tick(struct br_progress *p, const struct br_standing *now)
{
	uint64_t t = br_now_ns();
	struct br_buf b = {0};

	if (p->verbose < 0)
		return;
	if (p->tty) {
		if (t - p->last_ns >= REDRAW_NS || !p->shown) {
			draw(p, now);
			p->last_ns = t;
		}
		return;
	}
	if (t - p->last_ns < SILENCE_NS)
		return;
	br_buf_str(&b, "still ");
	add_standing(&b, now);
	add_running(&b, now, NO_WIDTH);
	br_progress_say(p, "%s", b.data);
	br_buf_done(&b);
}
