/* progress.c - what stderr shows while a search runs. */
#include "app/progress.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "sys/clock.h"

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

static void add_standing(struct br_buf *b, const struct br_standing *now)
{
	char d[32];

	br_buf_str(b, now->phase);
	if (now->left > 0)
		br_buf_fmt(b, ": %llu candidate%s left", (unsigned long long)now->left,
			   now->left == 1 ? "" : "s");
	if (now->tests_left >= 0.5) {
		double s = now->tests_left * now->seconds_each;

		br_buf_fmt(b, ", about %.0f more test%s", now->tests_left, now->tests_left < 1.5 ? "" : "s");
		if (now->jobs > 1)
			br_buf_fmt(b, ", %u at once", now->jobs);
		if (s >= 1)
			br_buf_fmt(b, ", about %s to go",
				   br_format_duration((uint64_t)(s * 1e9), d, sizeof d));
	}
}

static void add_running(struct br_buf *b, const struct br_standing *now)
{
	char d[32];

	if (!now->running)
		return;
	br_buf_fmt(b, " | %s (%s)", now->running, br_format_duration(now->running_ns, d, sizeof d));
	if (now->nrunning > 1)
		br_buf_fmt(b, " and %zu more", now->nrunning - 1);
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

/* Cuts at a character, not inside one. */
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

static void draw(struct br_progress *p, const struct br_standing *now)
{
	struct br_buf b = {0};
	char d[32];
	br_auto_free char *clean = NULL;

	br_buf_fmt(&b, "[%s] ", br_format_duration(br_now_ns() - p->started_ns, d, sizeof d));
	add_standing(&b, now);
	add_running(&b, now);
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
	add_running(&b, now);
	br_progress_say(p, "%s", b.data);
	br_buf_done(&b);
}
