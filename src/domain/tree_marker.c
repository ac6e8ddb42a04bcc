/* tree_marker.c - the marker file: a line a fact, paths percent-encoded, "end" last. */
#include "domain/tree_marker.h"

#include "bisect_run/err.h"
#include "base/buf.h"
#include "base/mem.h"
#include "sys/file.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
	MARKER_MAX = 1 << 22,
	/* Every update that is killed in a row adds a commit; to start anew is cheaper than to compare with more. */
	COMMITS_MAX = 8,
};

static const char head[] = "bisect-run-tree 1";

struct br_file_id br_file_id_of(const struct stat *st)
{
	return (struct br_file_id){
		.ino = st->st_ino,
		.size = (uint64_t)st->st_size,
		.sec = st->st_mtim.tv_sec,
		.nsec = st->st_mtim.tv_nsec,
	};
}

bool br_file_id_equal(const struct br_file_id *a, const struct br_file_id *b)
{
	return a->ino == b->ino && a->size == b->size && a->sec == b->sec && a->nsec == b->nsec;
}

void br_marker_add(char ***v, const char *s)
{
	for (size_t i = 0; i < br_strv_len(*v); i++) {
		if (strcmp((*v)[i], s) == 0)
			return;
	}
	br_strv_add(v, s);
}

static void encode(struct br_buf *b, const char *s)
{
	for (; *s; s++) {
		if (*s > ' ' && *s < 127 && *s != '%')
			br_buf_char(b, *s);
		else
			br_buf_fmt(b, "%%%02x", (unsigned)(unsigned char)*s);
	}
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* In place; false when it is not what encode writes. */
static bool decode(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (*s == '%') {
			int hi = hex_digit(s[1]), lo = hi < 0 ? -1 : hex_digit(s[2]);

			if (lo < 0 || hi + lo == 0)
				return false;
			*to++ = (char)(hi * 16 + lo);
			s += 2;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
	return true;
}

static bool is_id(const char *s)
{
	return strlen(s) == GIT_OID_HEXSZ && strspn(s, "0123456789abcdef") == GIT_OID_HEXSZ;
}

static bool parse_index(const char *s, struct br_file_id *out)
{
	char end;

	return sscanf(s, "%" SCNu64 " %" SCNu64 " %" SCNd64 " %ld%c", &out->ino, &out->size, &out->sec,
		      &out->nsec, &end) == 4;
}

/* Splits "word rest". */
static char *rest_of(char *line, const char *word)
{
	size_t n = strlen(word);

	return strncmp(line, word, n) == 0 && line[n] == ' ' ? line + n + 1 : NULL;
}

static bool parse_line(char *line, struct br_marker *m)
{
	char *rest;

	if (strcmp(line, "busy") == 0) {
		m->state = BR_MARKER_BUSY;
		return true;
	}
	if ((rest = rest_of(line, "clean"))) {
		m->state = BR_MARKER_CLEAN;
		br_strv_add(&m->commits, rest);
		return is_id(rest);
	}
	if ((rest = rest_of(line, "commit"))) {
		br_strv_add(&m->commits, rest);
		return is_id(rest);
	}
	if ((rest = rest_of(line, "with"))) {
		if (!decode(rest))
			return false;
		br_strv_add(&m->with, rest);
		return true;
	}
	if ((rest = rest_of(line, "rules")))
		return is_id(rest) && git_oid_fromstr(&m->rules, rest) == 0;
	rest = rest_of(line, "index");
	return rest && parse_index(rest, &m->index);
}

static bool parse(char *text, struct br_marker *m)
{
	char *line = text, *lf = strchr(line, '\n');

	if (!lf || (size_t)(lf - line) != strlen(head) || strncmp(line, head, strlen(head)) != 0)
		return false;
	for (line = lf + 1; (lf = strchr(line, '\n')); line = lf + 1) {
		*lf = '\0';
		if (strcmp(line, "end") == 0)
			return m->state != BR_MARKER_NONE && m->commits &&
			       br_strv_len(m->commits) <= COMMITS_MAX &&
			       (m->state == BR_MARKER_BUSY || br_strv_len(m->commits) == 1);
		if (!parse_line(line, m))
			return false;
	}
	return false;
}

void br_marker_read(const char *path, struct br_marker *out)
{
	br_auto_free char *text = NULL;
	size_t n = 0;

	*out = (struct br_marker){0};
	if (br_file_read(path, MARKER_MAX, &text, &n, NULL) < 0)
		return;
	if (strlen(text) == n && parse(text, out))
		return;
	br_marker_done(out);
}

int br_marker_write(const char *path, const struct br_marker *m, struct br_err *err)
{
	char hex[GIT_OID_HEXSZ + 1];
	struct br_buf b = {0};
	int rc;

	br_buf_fmt(&b, "%s\n", head);
	if (m->state == BR_MARKER_BUSY)
		br_buf_str(&b, "busy\n");
	for (size_t i = 0; i < br_strv_len(m->commits); i++)
		br_buf_fmt(&b, "%s %s\n", m->state == BR_MARKER_CLEAN ? "clean" : "commit", m->commits[i]);
	br_buf_fmt(&b, "rules %s\n", git_oid_tostr(hex, sizeof hex, &m->rules));
	br_buf_fmt(&b, "index %" PRIu64 " %" PRIu64 " %" PRId64 " %ld\n", m->index.ino, m->index.size,
		   m->index.sec, m->index.nsec);
	for (size_t i = 0; i < br_strv_len(m->with); i++) {
		br_buf_str(&b, "with ");
		encode(&b, m->with[i]);
		br_buf_char(&b, '\n');
	}
	br_buf_str(&b, "end\n");
	rc = br_file_write(path, b.data, b.len, err);
	br_buf_done(&b);
	return rc;
}

void br_marker_done(struct br_marker *m)
{
	br_strv_free(m->commits);
	br_strv_free(m->with);
	*m = (struct br_marker){0};
}
