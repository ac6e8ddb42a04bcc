/* items.c - ranges of integers and dates, and lists, as items 0..n-1. */
#include "app/items.h"

#include "app/session.h"
#include "base/mem.h"
#include "base/text.h"
#include "bisect_run/err.h"
#include "sys/file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { DAY_S = 86400 };
/* A list is read as a whole. */
#define LIST_MAX_B (256ull << 20)
/* An end beyond this would let the number of items overflow. */
#define END_MAX (INT64_MAX / 4)

static bool read_date(const char *s, int64_t *out)
{
	int year, month, day, used = 0;
	struct tm tm = {0};
	time_t at;

	if (sscanf(s, "%4d-%2d-%2d%n", &year, &month, &day, &used) != 3 || s[used] || used != 10)
		return false;
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	tm.tm_mday = day;
	at = timegm(&tm);
	if (tm.tm_mon != month - 1 || tm.tm_mday != day) /* the 31st of February */
		return false;
	*out = (int64_t)at / DAY_S;
	return true;
}

static bool read_number(const char *s, enum br_items_kind *kind, int64_t *out)
{
	const char *digits = s + (*s == '-');
	bool hex = digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X');
	char *end;
	long long n;

	if (*digits < '0' || *digits > '9')
		return false;
	errno = 0;
	n = strtoll(s, &end, hex ? 16 : 10);
	if (*end || errno || n > END_MAX || n < -END_MAX)
		return false;
	*kind = hex ? BR_ITEMS_HEX : BR_ITEMS_DECIMAL;
	*out = n;
	return true;
}

static bool read_end(const char *s, enum br_items_kind *kind, int64_t *out)
{
	if (read_date(s, out)) {
		*kind = BR_ITEMS_DATE;
		return true;
	}
	return read_number(s, kind, out);
}

int br_items_range(struct br_items *out, const char *word, struct br_err *err)
{
	const char *dots = strstr(word, "..");
	br_auto_free char *clean = br_text_clean(word, strlen(word), false);
	br_auto_free char *a = dots ? br_strndup(word, (size_t)(dots - word)) : NULL;
	enum br_items_kind from_kind, to_kind;
	int64_t from, to;

	if (!dots || !read_end(a, &from_kind, &from) || !read_end(dots + 2, &to_kind, &to) ||
	    (from_kind == BR_ITEMS_DATE) != (to_kind == BR_ITEMS_DATE))
		return br_fail(err, BR_EUSAGE,
			       "--range: '%.80s' is no range\nwrite 0..1000, 0x0..0xff or "
			       "2024-01-01..2024-06-30: the first passes, the last fails",
			       clean);
	if (from == to)
		return br_fail(err, BR_EUSAGE,
			       "--range: both ends are the same\nthe first passes, the last fails");
	*out = (struct br_items){.kind = from_kind == BR_ITEMS_HEX ? BR_ITEMS_HEX : to_kind,
				 .first = from,
				 .step = from < to ? 1 : -1,
				 .n = (uint64_t)(from < to ? to - from : from - to) + 1};
	return 0;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int check_twins(const struct br_items *items, struct br_err *err)
{
	br_auto_free char **sorted = br_calloc(items->n, sizeof *sorted);

	memcpy(sorted, items->text, items->n * sizeof *sorted);
	qsort(sorted, items->n, sizeof *sorted, compare);
	for (uint64_t i = 1; i < items->n; i++)
		if (strcmp(sorted[i - 1], sorted[i]) == 0) {
			br_auto_free char *clean = br_text_clean(sorted[i], strlen(sorted[i]), false);

			return br_fail(err, BR_ESTATE, "the item '%.80s' is there twice: items must differ",
				       clean);
		}
	return 0;
}

int br_items_lines(struct br_items *out, const char *text, size_t n, struct br_err *err)
{
	struct br_items items = {.kind = BR_ITEMS_TEXT};
	size_t cap = 0;
	int r;

	for (size_t at = 0; at < n;) {
		const char *end = memchr(text + at, '\n', n - at);
		size_t len = end ? (size_t)(end - text) - at : n - at;
		size_t kept = len > 0 && text[at + len - 1] == '\r' ? len - 1 : len;

		if (kept > 0) {
			br_grow(&items.text, items.n, &cap);
			items.text[items.n++] = br_strndup(text + at, kept);
		}
		at += len + 1;
	}
	br_grow(&items.text, items.n, &cap);
	items.text[items.n] = NULL;
	r = items.n > 0 ? check_twins(&items, err) : br_fail(err, BR_ESTATE, "there are no items in it");
	if (r < 0) {
		br_items_done(&items);
		return r;
	}
	*out = items;
	return 0;
}

int br_items_read(struct br_items *out, const struct br_session *s, const char *path, struct br_err *err)
{
	br_auto_free char *copy = br_asprintf("%s/items", s->log_dir);
	br_auto_free char *text = NULL;
	bool kept = access(copy, F_OK) == 0;
	const char *from = kept ? copy : strcmp(path, "-") == 0 ? "/dev/stdin" : path;
	size_t n;
	int r = br_file_read(from, LIST_MAX_B, &text, &n, err);

	if (r == 0 && !kept)
		r = br_file_write(copy, text, n, err);
	return r < 0 ? r : br_items_lines(out, text, n, err);
}

char *br_items_text(const struct br_items *items, uint64_t i)
{
	int64_t value = items->first + items->step * (int64_t)i;
	time_t at = (time_t)value * DAY_S;
	char date[32];
	struct tm tm;

	switch (items->kind) {
	case BR_ITEMS_DECIMAL:
		return br_asprintf("%" PRId64, value);
	case BR_ITEMS_HEX:
		return br_asprintf("%s0x%" PRIx64, value < 0 ? "-" : "",
				   (uint64_t)(value < 0 ? -value : value));
	case BR_ITEMS_DATE:
		if (!gmtime_r(&at, &tm) || strftime(date, sizeof date, "%Y-%m-%d", &tm) == 0)
			return br_strdup("?");
		return br_strdup(date);
	case BR_ITEMS_TEXT:
		break;
	}
	return br_strdup(items->text[i]);
}

int64_t br_items_find(const struct br_items *items, const char *text)
{
	enum br_items_kind kind;
	int64_t value, at;

	if (items->kind == BR_ITEMS_TEXT) {
		for (uint64_t i = 0; i < items->n; i++)
			if (strcmp(items->text[i], text) == 0)
				return (int64_t)i;
		return -1;
	}
	if (!read_end(text, &kind, &value))
		return -1;
	at = (value - items->first) * items->step;
	return at >= 0 && (uint64_t)at < items->n ? at : -1;
}

void br_items_done(struct br_items *items)
{
	br_strv_free(items->text);
	*items = (struct br_items){0};
}
