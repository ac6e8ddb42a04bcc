/* env_pair.c - what differs between two environments. */
#include "app/env_pair.h"

#include "app/environment.h"
#include "app/items.h"
#include "app/session.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "bisect_run/err.h"
#include "sys/file.h"

#include <string.h>
#include <unistd.h>

#define FILE_MAX_B (16ull << 20)

bool br_env_pair_is(const char *subset)
{
	return subset && strncmp(subset, BR_ENV_PAIR, strlen(BR_ENV_PAIR)) == 0;
}

/* ---- reading ---- */

/* "NAME=" as shells and their exported functions have it. */
static bool begins_variable(const char *line, size_t n)
{
	const char *is = memchr(line, '=', n);
	size_t len = is ? (size_t)(is - line) : 0;

	if (len == 0 || (line[0] >= '0' && line[0] <= '9'))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_%().-", line[i]))
			return false;
	return true;
}

/* Length of the entry at text: up to a NUL, or without any to the line before the next variable. */
static size_t entry_len(const char *text, size_t n, bool zero)
{
	const char *end = memchr(text, zero ? '\0' : '\n', n);
	size_t at = end ? (size_t)(end - text) : n;

	while (!zero && at < n) {
		const char *next = memchr(text + at + 1, '\n', n - at - 1);
		size_t stop = next ? (size_t)(next - text) : n;

		if (stop == at + 1 || begins_variable(text + at + 1, stop - at - 1))
			break;
		at = stop;
	}
	return at;
}

char **br_env_pair_read(const char *text, size_t n, size_t *left)
{
	char **out = br_calloc(1, sizeof *out);
	bool zero = memchr(text, '\0', n) != NULL;

	*left = 0;
	for (size_t at = 0; at < n;) {
		size_t len = entry_len(text + at, n - at, zero);
		br_auto_free char *entry = br_strndup(text + at, len);

		if (!zero && len > 0 && entry[len - 1] == '\r')
			entry[len - 1] = '\0';
		if (strchr(entry, '\n'))
			(*left)++;
		else if (begins_variable(entry, strlen(entry)))
			br_strv_add(&out, entry);
		at += len + 1;
	}
	return out;
}

/* Of the two files the good one (0) or the bad one (1): the copy of a search that goes on, else the user's. */
static int read_side(char ***out, const struct br_session *s, int side, size_t *left, struct br_err *err)
{
	const char *files = s->opt->subset + strlen(BR_ENV_PAIR), *comma = strchr(files, ',');
	br_auto_free char *path = side ? br_strdup(comma + 1) : br_strndup(files, (size_t)(comma - files));
	br_auto_free char *dir = br_asprintf("%s/logs/%lld", s->state_dir, (long long)s->row.id);
	br_auto_free char *copy = br_asprintf("%s/%s.env", dir, side ? "bad" : "good");
	br_auto_free char *text = NULL;
	bool kept = s->row.id > 0 && access(copy, F_OK) == 0;
	size_t n;
	int r = br_file_read(kept ? copy : path, FILE_MAX_B, &text, &n, err);

	if (r == 0 && !kept && s->log_dir)
		r = br_file_write(copy, text, n, err);
	if (r < 0)
		return br_wrap(err, "--subset");
	*out = br_env_pair_read(text, n, left);
	return 0;
}

int br_env_pair_base(char ***out, const struct br_session *s, struct br_err *err)
{
	size_t left;

	if (!br_env_pair_is(s->opt->subset))
		return 0;
	return read_side(out, s, 0, &left, err);
}

/* ---- differences ---- */

static const char *find(char *const *env, const char *entry)
{
	size_t n = strcspn(entry, "=") + 1;

	for (; *env; env++)
		if (strncmp(*env, entry, n) == 0)
			return *env;
	return NULL;
}

static char *name_of(const char *entry)
{
	return br_strndup(entry, strcspn(entry, "="));
}

static void add_removed(struct br_buf *b, char *const *good, char *const *bad)
{
	for (; *good; good++) {
		br_auto_free char *name = name_of(*good);

		if (!find(bad, *good) && !br_environment_is_misleading(name))
			br_buf_fmt(b, "--unset=%s\n", name);
	}
}

static void add_set(struct br_buf *b, char *const *good, char *const *bad)
{
	for (; *bad; bad++) {
		br_auto_free char *name = name_of(*bad);
		const char *before = find(good, *bad);

		if ((!before || strcmp(before, *bad) != 0) && !br_environment_is_misleading(name))
			br_buf_fmt(b, "%s\n", *bad);
	}
}

static int differences(struct br_items *out, char *const *good, char *const *bad, struct br_err *err)
{
	struct br_buf b = {0};
	int r;

	add_removed(&b, good, bad);
	add_set(&b, good, bad);
	r = b.len > 0 ? br_items_lines(out, b.data, b.len, err)
		      : br_fail(err, BR_ESTATE, "the two environments are the same");
	br_buf_done(&b);
	return r;
}

int br_env_pair_items(struct br_items *out, struct br_session *s, struct br_err *err)
{
	br_auto_strv char **good = NULL, **bad = NULL;
	size_t left = 0, more = 0;
	int r = read_side(&good, s, 0, &left, err);

	if (r == 0)
		r = read_side(&bad, s, 1, &more, err);
	if (r < 0)
		return r;
	if (left + more > 0)
		br_session_note(s,
				"variables whose values have several lines are left out (%zu in the good "
				"environment, %zu in the bad one)",
				left, more);
	return differences(out, good, bad, err);
}
